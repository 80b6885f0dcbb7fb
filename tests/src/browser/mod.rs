//! A real browser, driven over the DevTools protocol: stories about pages are told with the keys and buttons of a person.
//!
//! Chromium reads commands from one pipe and answers on another (`--remote-debugging-pipe`), so there is no port, no
//! WebSocket and no dependency. Where the machine has no Chromium, [`Browser::start`] says so and gives `None`: a story
//! that cannot be told is named, never passed over in silence.

mod wire;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{folder, wait};
use wire::Wire;

/// Longest wait for a page to load or to change.
const PATIENCE: Duration = Duration::from_secs(60);
/// Names by which Chromium is installed.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// A browser with one tab. Dropping it kills it.
#[derive(Debug)]
pub struct Browser {
    child: Child,
    wire: Wire,
    tab: String,
    profile: TempDir,
}

impl Browser {
    /// Starts one, or says why this story is not told and gives `None`.
    ///
    /// # Panics
    /// If a browser is there and does not start.
    pub fn start(story: &str) -> Option<Browser> {
        let Some(program) = program() else {
            println!("SKIPPED: {story}: no Chromium on this machine (Debian: apt-get install chromium)");
            return None;
        };
        Some(Browser::with_profile(&program, folder::temporary("kentongan-browser-")))
    }

    fn with_profile(program: &Path, profile: TempDir) -> Browser {
        let (wire, commands, answers) = Wire::lay(profile.path());
        // The shell hangs the two pipes onto the descriptors that the browser expects them on.
        let line = format!(
            "exec \"$0\" --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run \
             --disable-background-networking --disable-component-update --disable-sync --hide-scrollbars --lang=id \
             --window-size=1366,768 --user-data-dir=\"$1\" --remote-debugging-pipe about:blank \
             3<\"{}\" 4>\"{}\"",
            commands.display(),
            answers.display()
        );
        let child = Command::new("sh")
            .args(["-c", &line])
            .arg(program)
            .arg(profile.path().join("profil"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("start a browser");
        let mut browser = Browser { child, wire: wire.open(), tab: String::new(), profile };
        let target = browser.wire.call(None, "Target.createTarget", json!({ "url": "about:blank" }));
        let attached = json!({ "targetId": target["targetId"], "flatten": true });
        let session = browser.wire.call(None, "Target.attachToTarget", attached);
        browser.tab = session["sessionId"].as_str().expect("a tab has a session").to_owned();
        browser.call("Page.enable", json!({}));
        browser
    }

    /// Kills it as a power cut would, and starts it again with the same profile.
    ///
    /// # Panics
    /// If it does not start again.
    pub fn kill_and_start_again(mut self) -> Browser {
        let program = program().expect("a browser ran a moment ago");
        let profile = std::mem::replace(&mut self.profile, folder::temporary("kentongan-browser-"));
        drop(self);
        for pipe in ["perintah", "jawaban"] {
            // Laid anew.
            let _ = std::fs::remove_file(profile.path().join(pipe));
        }
        for lock in ["SingletonLock", "SingletonSocket", "SingletonCookie"] {
            let _ = std::fs::remove_file(profile.path().join("profil").join(lock));
        }
        Browser::with_profile(&program, profile)
    }

    fn call(&mut self, method: &str, params: Value) -> Value {
        let tab = self.tab.clone();
        self.wire.call(Some(&tab), method, params)
    }

    /// Opens a page and waits until it is whole.
    ///
    /// # Panics
    /// If it does not load.
    pub fn open(&mut self, address: &str) {
        // What stood there is marked, so that it is not taken for the page that comes.
        self.run("document.documentElement.dataset.lama = '1'");
        let gone = self.call("Page.navigate", json!({ "url": address }));
        assert!(gone.get("errorText").is_none(), "{address}: {gone}");
        self.wait_for_page();
    }

    fn wait_for_page(&mut self) {
        self.wait("a page has loaded", "document.readyState === 'complete' && !document.documentElement.dataset.lama");
    }

    /// The value of an expression in the page.
    ///
    /// # Panics
    /// If it throws.
    pub fn run(&mut self, expression: &str) -> Value {
        let answer = self.try_run(expression);
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    fn try_run(&mut self, expression: &str) -> Value {
        let params = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        self.call("Runtime.evaluate", params)
    }

    /// Waits until an expression in the page is true. A page that changes meanwhile is asked again.
    ///
    /// # Panics
    /// If it never is; with what the page says.
    pub fn wait(&mut self, what: &str, expression: &str) {
        let until = std::time::Instant::now() + PATIENCE;
        while self.try_run(expression)["result"]["value"] != json!(true) {
            let said = if std::time::Instant::now() > until { self.text() } else { String::new() };
            assert!(said.is_empty(), "waited in vain: {what}\n{said}");
            std::thread::sleep(wait::STEP);
        }
    }

    /// What a person reads on the page.
    pub fn text(&mut self) -> String {
        let text = self.try_run("document.body?.innerText ?? ''");
        text["result"]["value"].as_str().unwrap_or("(nothing)").to_owned()
    }

    /// Waits until the page says `words`.
    ///
    /// # Panics
    /// If it never does.
    pub fn sees(&mut self, words: &str) {
        self.wait(words, &format!("(document.body?.innerText ?? '').includes({})", json!(words)));
    }

    /// Notes whatever the page says from now on, for words that pass by.
    pub fn listens(&mut self) {
        self.run(
            "globalThis.dikatakan = ''; new MutationObserver(() => { dikatakan += document.body.innerText + '\\n'; })\
             .observe(document.body, { childList: true, subtree: true, characterData: true })",
        );
    }

    /// Waits until the page has said `words` since [`Browser::listens`], whether it still does or not.
    ///
    /// # Panics
    /// If it never does.
    pub fn heard(&mut self, words: &str) {
        self.wait(words, &format!("dikatakan.includes({})", json!(words)));
    }

    /// Where the browser is.
    pub fn path(&mut self) -> String {
        self.run("location.pathname").as_str().unwrap_or_default().to_owned()
    }

    /// Types into what has the focus, letter by letter, with line ends as Enter.
    pub fn types(&mut self, text: &str) {
        self.call("Input.insertText", json!({ "text": text }));
    }

    /// Presses a key: a name of the DOM (`Tab`, `Enter`, `ArrowDown`, `F1`, …) with the modifiers of DevTools (1 Alt, 2
    /// Ctrl, 8 Shift).
    pub fn presses(&mut self, key: &str, modifiers: u8) {
        let code = match key {
            "Tab" => 9,
            "Enter" => 13,
            "Escape" => 27,
            " " => 32,
            "ArrowLeft" => 37,
            "ArrowUp" => 38,
            "ArrowRight" => 39,
            "ArrowDown" => 40,
            "F1" => 112,
            other => u32::from(other.bytes().next().unwrap_or_default().to_ascii_uppercase()),
        };
        let text = match key {
            "Enter" => "\r",
            key if key.len() == 1 && modifiers == 0 => key,
            _ => "",
        };
        let named = if key.len() == 1 && key != " " { format!("Key{}", key.to_uppercase()) } else { key.to_owned() };
        let mut event = json!({
            "type": if text.is_empty() { "rawKeyDown" } else { "keyDown" },
            "key": key, "code": named, "windowsVirtualKeyCode": code, "modifiers": modifiers, "text": text,
        });
        self.call("Input.dispatchKeyEvent", event.clone());
        event["type"] = json!("keyUp");
        self.call("Input.dispatchKeyEvent", event);
    }

    /// Goes with Tab to what `selector` names.
    ///
    /// # Panics
    /// If Tab never comes there.
    pub fn tabs_to(&mut self, selector: &str) {
        self.tabs_to_where(&format!("document.activeElement?.matches({}) ?? false", json!(selector)));
    }

    /// Goes with Tab until an expression in the page is true.
    ///
    /// # Panics
    /// If it never is.
    pub fn tabs_to_where(&mut self, here: &str) {
        for _ in 0..200 {
            if self.run(here) == json!(true) {
                return;
            }
            self.presses("Tab", 0);
        }
        panic!("the Tab key never comes to {here}");
    }

    /// Goes with Tab to a field and types into it.
    ///
    /// # Panics
    /// As [`Browser::tabs_to`].
    pub fn fills(&mut self, name: &str, text: &str) {
        self.tabs_to(&format!("[name=\"{name}\"]"));
        self.types(text);
    }

    /// Does something that leads to another page, and waits for that.
    ///
    /// # Panics
    /// If no page comes.
    pub fn goes(&mut self, act: impl FnOnce(&mut Browser)) {
        self.run("document.documentElement.dataset.lama = '1'");
        act(self);
        self.wait_for_page();
    }

    /// Presses the element that `selector` names, as a mouse would.
    ///
    /// # Panics
    /// If there is none.
    pub fn clicks(&mut self, selector: &str) {
        let selector = json!(selector);
        let found =
            self.run(&format!("{{ const found = document.querySelector({selector}); found?.click(); !!found }}"));
        assert_ne!(found, json!(false), "{selector} is not on the page:\n{}", self.text());
    }

    /// Gives files to a file field.
    ///
    /// # Panics
    /// If there is no such field.
    pub fn chooses_files(&mut self, selector: &str, files: &[&Path]) {
        let document = self.call("DOM.getDocument", json!({}));
        let found =
            self.call("DOM.querySelector", json!({ "nodeId": document["root"]["nodeId"], "selector": selector }));
        self.call("DOM.setFileInputFiles", json!({ "nodeId": found["nodeId"], "files": files }));
    }

    /// Switches scripts on or off, from the next page on.
    pub fn scripts(&mut self, are_on: bool) {
        self.call("Emulation.setScriptExecutionDisabled", json!({ "value": !are_on }));
    }

    /// Shows pages as they would be printed, or as on a screen again.
    pub fn as_printed(&mut self, is_printed: bool) {
        self.call("Emulation.setEmulatedMedia", json!({ "media": if is_printed { "print" } else { "" } }));
    }

    /// How many sheets of paper the page takes when it is printed.
    ///
    /// # Panics
    /// If it cannot be printed.
    pub fn sheets_of_paper(&mut self) -> usize {
        let printed = self.call("Page.printToPDF", json!({ "preferCSSPageSize": true }));
        let bytes = wire::base64(printed["data"].as_str().expect("a printed page"));
        let text = String::from_utf8_lossy(&bytes);
        text.split("/Type /Page").skip(1).filter(|rest| !rest.starts_with('s')).count()
    }

    /// Makes the window so large.
    pub fn resize(&mut self, width: u32, height: u32) {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", metrics);
    }

    /// Keeps a picture of the whole page under `screenshots/` in the folder of the build, to be looked at.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn keeps_picture(&mut self, name: &str) {
        let size = self.run("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]");
        let clip = json!({ "x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1 });
        let params = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        let picture = self.call("Page.captureScreenshot", params);
        let bytes = wire::base64(picture["data"].as_str().expect("a picture"));
        let folder = pictures();
        std::fs::create_dir_all(&folder).expect("a folder for pictures");
        std::fs::write(folder.join(name).with_extension("png"), bytes).expect("write a picture");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The shell became the browser; what it started ends with its pipes.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where pictures of pages are kept.
pub fn pictures() -> PathBuf {
    let own = std::env::current_exe().expect("the path of this program");
    let folder = own.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file() || folder.ends_with("target"));
    folder.unwrap_or(own.as_path()).join("screenshots")
}

fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    NAMES.iter().find_map(|name| folders.iter().map(|folder| folder.join(name)).find(|file| file.is_file()))
}
