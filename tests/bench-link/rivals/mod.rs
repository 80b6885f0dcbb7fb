//! Programs that one could use instead, each with the settings that do it justice.

use std::process::{Child, Command, Stdio};

pub(crate) mod http;
pub(crate) mod mqtt;
pub(crate) mod rsync;

/// Needs these programs.
fn need(programs: &[&str]) -> Result<(), String> {
    let folders: Vec<_> = std::env::var_os("PATH").iter().flat_map(std::env::split_paths).collect();
    let missing = |name: &&&str| !folders.iter().any(|folder| folder.join(name).is_file());
    match programs.iter().find(missing) {
        Some(name) => Err(format!("no program `{name}` here")),
        None => Ok(()),
    }
}

/// A program that is killed when this is dropped.
struct Running(Child);

impl Running {
    fn start(mut command: Command) -> Result<Running, String> {
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        quiet.spawn().map(Running).map_err(|error| format!("{command:?}: {error}"))
    }

    fn ended_well(&mut self) -> bool {
        self.0.try_wait().ok().flatten().is_some_and(|ended| ended.success())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a command that takes no time.
fn do_now(mut command: Command) -> Result<(), String> {
    let ended = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if ended.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&ended.stderr)))
}

/// A shell command that goes on until it succeeds.
fn until_it_works(command: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("until {command}; do sleep 1; done")]);
    shell
}
