//! Rules about the repository itself.

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the repository").to_owned()
}

/// Every text file of the repository that people write, with its content.
fn files() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("read a folder of the repository").flatten() {
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            if ["target", ".git", "demo", "try"].contains(&name.as_str()) {
                continue;
            }
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(path);
            } else if name != "Cargo.lock"
                && let Ok(text) = std::fs::read_to_string(&path)
            {
                files.push((path, text));
            }
        }
    }
    files
}

/// Says where `found` stands, for those files that `concerned` picks.
fn assert_nowhere(what: &str, concerned: impl Fn(&Path) -> bool, found: impl Fn(&str) -> bool) {
    let mut places = Vec::new();
    for (path, text) in files().iter().filter(|(path, _)| concerned(path) && !path.ends_with("tidy.rs")) {
        let lines = text.lines().enumerate().filter(|(_, line)| found(line));
        places.extend(lines.map(|(number, line)| format!("{}:{}: {}", path.display(), number + 1, line.trim())));
    }
    assert!(places.is_empty(), "{what}:\n{}", places.join("\n"));
}

#[test]
fn no_screen_ever_uses_the_word_that_means_both_sent_and_delivered() {
    let word = ["terki", "rim"].concat();
    assert_nowhere("the word stands here", |_| true, |line| line.to_lowercase().contains(&word));
}

#[test]
fn nothing_is_left_unfinished() {
    let marks =
        [["TO", "DO"].concat(), ["FIX", "ME"].concat(), ["XX", "X:"].concat(), ["unimplemen", "ted!("].concat()];
    let code =
        |path: &Path| path.extension().is_some_and(|ending| ["rs", "sh", "md", "toml"].iter().any(|e| ending == *e));
    assert_nowhere("unfinished", code, |line| marks.iter().any(|mark| line.contains(mark.as_str())));
}

#[test]
fn no_path_of_a_developers_machine_is_in_the_repository() {
    let starts = [["/wo", "rk/"], ["/ro", "ot/"], ["/ho", "me/"]].map(|parts| parts.concat());
    assert_nowhere(
        "a path of somebody's machine",
        // It takes such paths out of what is sent to support.
        |path| !path.ends_with("host/src/support.rs"),
        |line| starts.iter().any(|start| line.contains(start.as_str())),
    );
}

#[test]
fn the_dependencies_that_must_not_come_in_are_not_in_the_lock_file() {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).expect("read the lock file");
    for banned in ["aws-lc-sys", "aws-lc-rs", "openssl-sys", "rustls-pemfile"] {
        assert!(!lock.contains(&format!("name = \"{banned}\"")), "{banned} came in");
    }
    assert!(lock.contains("name = \"bincode\"\nversion = \"2.0.1\""), "the codec's version is part of the wire");
}

#[test]
fn one_crate_alone_may_do_what_the_compiler_cannot_check() {
    let workspace = std::fs::read_to_string(root().join("Cargo.toml")).expect("read the manifest");
    assert!(workspace.contains("unsafe_code = \"forbid\""), "the workspace forbids it");
    let members = workspace.lines().find(|line| line.starts_with("members = ")).expect("the members, on one line");
    let free: Vec<&str> = members
        .split('"')
        .skip(1)
        .step_by(2)
        .filter(|member| {
            let manifest = root().join(member).join("Cargo.toml");
            let manifest = std::fs::read_to_string(manifest).expect("a member's manifest");
            !["[lints]\nworkspace = true", "unsafe_code = \"deny\""].iter().any(|bound| manifest.contains(bound))
        })
        .collect();
    assert_eq!(free, ["agent/host/windows"]);
}

/// As a person mistypes them: they used to call themselves without end.
#[test]
fn commands_that_make_packages_explain_themselves_and_name_the_targets_there_are() {
    for name in ["build", "check", "reproduce"] {
        let said = |word: &str| {
            let output = Command::new(root().join("packaging").join(name)).arg(word).output().expect("bash runs it");
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
            (output.status.code(), text(output.stdout), text(output.stderr))
        };
        let (code, help, _) = said("--help");
        assert!(code == Some(0) && help.contains(&format!("packaging/{name} TARGET")), "{name}: {help}");
        let (code, _, refusal) = said("linux-z80");
        assert!(code == Some(2) && refusal.contains("static-armv7"), "{name}: {refusal}");
    }
}
