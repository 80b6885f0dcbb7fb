//! The two programs: built once, run as a person or a script runs them.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// No command of these stories takes longer; one that does hangs.
const COMMAND_TIME_MAX: Duration = Duration::from_secs(300);

/// Names the step at which a program of a development build dies: see `kentongan_host::steps`.
pub const STOP_AT: &str = "KENTONGAN_STOP_AT";

/// Where an office's page is open.
pub const PAGE_LISTEN: &str = "KENTONGAN_AGENT_UI_LISTEN";
/// Where a hub opens its console.
const CONSOLE_LISTEN: &str = "KENTONGAN_HUB_LISTEN_CONSOLE";

/// Which program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// `kentongan-agent`
    Agent,
    /// `kentongan-hub`
    Hub,
}

/// Which version of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Version {
    /// What is built here.
    #[default]
    Present,
    /// A made-up next version, which speaks both.
    Next,
    /// A made-up version after that, which does not speak the present one any more. Hubs only.
    AfterNext,
}

impl Program {
    fn name(self, version: Version) -> &'static str {
        match (self, version) {
            (Program::Agent, Version::Present) => "kentongan-agent",
            (Program::Hub, Version::Present) => "kentongan-hub",
            (Program::Agent, _) => "kentongan-agent-next",
            (Program::Hub, _) => "kentongan-hub-next",
        }
    }

    /// Its file.
    ///
    /// # Panics
    /// If the programs cannot be built.
    pub fn path(self) -> PathBuf {
        self.path_of(Version::Present)
    }

    fn path_of(self, version: Version) -> PathBuf {
        let folder = if version == Version::Present { folder() } else { next_folder() };
        folder.join(self.name(version)).with_extension(std::env::consts::EXE_EXTENSION)
    }

    /// A command of it on the folder `data`, in an environment that holds nothing of the caller's.
    ///
    /// # Panics
    /// If the programs cannot be built.
    pub fn command(self, data: &Path) -> Command {
        self.command_of(Version::Present, data)
    }

    /// The same of another version.
    ///
    /// # Panics
    /// If the programs cannot be built.
    pub fn command_of(self, version: Version, data: &Path) -> Command {
        let mut command = Command::new(self.path_of(version));
        command.env_clear().env("KENTONGAN_LANG", "en").env("NO_COLOR", "1").stdin(Stdio::null());
        // As the agent's unit has it (packaging/linux/files): figures of memory are those of what is installed.
        command.env("MALLOC_ARENA_MAX", "1").env("MALLOC_MMAP_THRESHOLD_", "131072");
        // No story may find the place of another one taken.
        let pages = if self == Program::Agent { PAGE_LISTEN } else { CONSOLE_LISTEN };
        command.env(pages, "127.0.0.1:0");
        for kept in ["PATH", "HOME", "TMPDIR", "SystemRoot", "LLVM_PROFILE_FILE"] {
            if let Some(value) = std::env::var_os(kept) {
                command.env(kept, value);
            }
        }
        if version == Version::AfterNext {
            command.env("KENTONGAN_TEST_NEXT_ONLY", "1");
        }
        command.arg("--data").arg(data);
        command
    }
}

/// `KENTONGAN_BIN_DIR`, else the folder of this build, brought up to date once.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| match std::env::var_os("KENTONGAN_BIN_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => build(&["--workspace", "--bins"]),
    })
}

/// The folder of the programs of the next version, built once.
fn next_folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    // In the same folder and by the same profile: only the crates of the workspace are built a second time.
    let programs = ["--bin", "kentongan-agent-next", "--bin", "kentongan-hub-next"];
    let what = [&["--package", "kentongan-tests", "--features", "next-version"], &programs[..]].concat();
    FOLDER.get_or_init(|| build(&what))
}

/// Builds programs into the folder that this test or bench was built into, with the same profile.
fn build(what: &[&str]) -> PathBuf {
    let own = std::env::current_exe().expect("the path of this program");
    let mut folder = own.parent().expect("a program lies in a folder").to_owned();
    if folder.ends_with("deps") {
        folder.pop();
    }
    let profile = folder.file_name().and_then(OsStr::to_str).expect("a folder named for its profile");
    let target = folder.parent().expect("a folder of builds");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate lies in a workspace");
    let built = Command::new(cargo)
        .args(["build", "--quiet"])
        .args(what)
        .arg("--profile")
        .arg(if profile == "debug" { "dev" } else { profile })
        .arg("--target-dir")
        .arg(target)
        .current_dir(workspace)
        .status()
        .expect("run cargo");
    assert!(built.success(), "the programs do not build; set KENTONGAN_BIN_DIR to use others");
    folder
}

/// How a command ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// What was run, for messages.
    pub line: String,
    /// Its exit code; -1 if a signal ended it.
    pub code: i32,
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
}

impl Ended {
    /// The document on stdout.
    ///
    /// # Panics
    /// If there is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("no JSON on stdout ({error}): {self:#?}"))
    }

    /// The document on stderr with which a command says why it failed.
    ///
    /// # Panics
    /// If there is none.
    pub fn error(&self) -> Value {
        let line = self.stderr.lines().rev().find(|line| line.starts_with('{'));
        line.and_then(|line| serde_json::from_str(line).ok()).unwrap_or_else(|| panic!("no error document: {self:#?}"))
    }

    /// Itself, if it ended with `code`.
    ///
    /// # Panics
    /// If it did not.
    #[track_caller]
    pub fn expect(self, code: i32) -> Ended {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    /// Itself, if it did what was asked.
    ///
    /// # Panics
    /// If it did not.
    #[track_caller]
    pub fn ok(self) -> Ended {
        self.expect(0)
    }
}

/// Runs a command to its end.
///
/// # Panics
/// If it cannot be started or hangs.
pub fn run(mut command: Command) -> Ended {
    let line = format!("{command:?}");
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("start a program");
    let pid = child.id();
    let (sender, ended) = channel();
    thread::spawn(move || sender.send(child.wait_with_output()));
    let Ok(output) = ended.recv_timeout(COMMAND_TIME_MAX) else {
        crate::service::signal(pid, rustix::process::Signal::KILL);
        panic!("a command hangs: {line}");
    };
    let output = output.expect("read what a program says");
    Ended {
        line,
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
