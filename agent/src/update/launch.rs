//! The first thing that a program of the package does: hand over to the newer one that an update brought.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use kentongan_host::data_dir::DataDir;
use kentongan_host::fail::Failure;
use kentongan_host::files::is_own;
use kentongan_host::ktg::Ktg;
use kentongan_host::lock::Lock;
use kentongan_host::release::{BUILT, PublisherKey, Version};
use serde::{Deserialize, Serialize};

use super::state::{STARTS_MAX, State};
use super::{Fault, shelf, zero};
use crate::config;
use crate::store::{given_back, schema_known};

/// Tells a program that it was handed over to, and by whom. It is set for no other purpose: who has it starts no other.
const LAUNCHED: &str = "KENTONGAN_LAUNCHED";

/// Tells a program of the package that another one makes way for it.
const ANEW: &str = "KENTONGAN_ANEW";

/// How long the next program waits for commands that work on the folder meanwhile, and how often it looks.
const BETWEEN_MAX: Duration = Duration::from_secs(30);
const BETWEEN_LOOK: Duration = Duration::from_millis(20);

/// Who handed over to this program.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Launched {
    /// The version that this program is in force as.
    pub(super) version: Version,
    /// The program of the package.
    by: PathBuf,
    /// Its version.
    pub(super) package: Version,
    /// The newest schema of the store that it reads.
    pub(super) package_schema: u32,
}

/// What this process is about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doing {
    /// Run the service, under the folder's lock, which is let go of on the way: it is what shows whether a program does.
    Service,
    /// Anything else: done by the program that is in force.
    Command,
}

/// Who handed over to this program, if anybody did.
pub(super) fn launched() -> Option<Launched> {
    serde_json::from_str(&std::env::var(LAUNCHED).ok()?).ok()
}

/// Has `command` start as `version` of this program.
pub(super) fn mark(command: &mut Command, version: &Version) {
    let before = launched();
    let package =
        before.as_ref().map_or_else(|| BUILT.parse().unwrap_or_else(|_| zero()), |before| before.package.clone());
    let package_schema = before.as_ref().map_or_else(schema_known, |before| before.package_schema);
    let by = before.map(|before| before.by).or_else(|| std::env::current_exe().ok()).unwrap_or_default();
    let launched = Launched { version: version.clone(), by, package, package_schema };
    command.env(LAUNCHED, serde_json::to_string(&launched).unwrap_or_default());
}

/// Takes the lock of the folder for the service. One that goes on from another program waits for a command that came between
/// the two.
///
/// # Errors
/// As [`Lock::take`].
pub(crate) fn take_lock(dir: &DataDir) -> Result<Lock, Failure> {
    let goes_on = launched().is_some() || std::env::var_os(ANEW).is_some();
    let until = Instant::now() + BETWEEN_MAX;
    loop {
        match Lock::take(dir) {
            Err(failure) if goes_on && failure.ktg == Some(Ktg::StoreInUse) && Instant::now() < until => {
                std::thread::sleep(BETWEEN_LOOK);
            }
            taken => return taken,
        }
    }
}

/// Goes on as the newest program in force, if that is another one; comes back if it is this one. Only in a folder of who
/// runs this: root does not start what a service could have put there. What keeps it from finding
/// out keeps nobody from working: then this one goes on, and says what is wrong when it gets there.
pub(crate) fn hand_over(dir: &DataDir, named_config: Option<PathBuf>, doing: Doing) {
    if cfg!(not(unix)) || launched().is_some() || !is_own(dir.root()) {
        return;
    }
    let Ok(Some(mut state)) = State::load(dir) else { return };
    let Ok(settings) = config::load(dir, named_config) else { return };
    let Ok(keys) = super::keys(&settings) else { return };
    match doing {
        Doing::Command => {
            state.outgrow(&super::running());
            let current = state.current.map(|proven| proven.version);
            if let Some(version) = current {
                let _ = become_version(dir, &version, &keys);
            }
        }
        Doing::Service => serve_as_newest(dir, &mut state, &keys),
    }
}

fn serve_as_newest(dir: &DataDir, state: &mut State, keys: &[PublisherKey]) {
    let kept = |state: &State| state.save(dir).is_ok();
    state.outgrow(&super::running());
    if let Some(trial) = state.trial.clone() {
        if trial.starts >= STARTS_MAX {
            give_up(dir, state, format!("started {STARTS_MAX} times and never ready"));
        } else {
            if let Some(trial) = &mut state.trial {
                trial.starts += 1;
            }
            // What cannot be counted is not tried.
            if kept(state) {
                let fault = become_version(dir, &trial.version, keys);
                give_up(dir, state, fault.to_string());
            }
        }
    }
    while let Some(current) = &state.current {
        let fault = become_version(dir, &current.version, keys);
        // A bit flipped on the disk, or somebody changed it: what was before it still does, if anything does.
        let version = state.step_back();
        state.given_up =
            version.map(|version| super::state::GivenUp { version, reason: fault.to_string(), told: false });
    }
    let _ = kept(state);
}

/// The old program goes on, with the store as it was for it.
fn give_up(dir: &DataDir, state: &mut State, reason: String) {
    if let Some(trial) = &state.trial {
        // If it cannot be given back, the newer store stays, and the old program says that it is newer.
        let _ = given_back(&dir.store(), trial.from_schema);
    }
    state.give_up(reason);
    let _ = state.save(dir);
}

/// Goes on as this version, with the same words; gives why it cannot.
fn become_version(dir: &DataDir, version: &Version, keys: &[PublisherKey]) -> Fault {
    let program = match shelf::proven(dir, version, keys) {
        Ok(program) => program,
        Err(fault) => return fault,
    };
    let mut command = Command::new(program);
    command.args(std::env::args_os().skip(1));
    mark(&mut command, version);
    Fault::Unreadable(exec(command))
}

/// Goes on as the program of the package, which looks anew what is in force.
///
/// # Errors
/// If that program is gone.
pub(crate) fn start_anew() -> Result<(), Failure> {
    let own = std::env::current_exe().map_err(anyhow::Error::new)?;
    let mut command = Command::new(launched().map_or(own, |launched| launched.by));
    command.args(std::env::args_os().skip(1)).env_remove(LAUNCHED).env(ANEW, "1");
    Err(anyhow::Error::new(exec(command)).context("start anew").into())
}

/// Comes back only if it fails.
#[cfg(unix)]
fn exec(mut command: Command) -> std::io::Error {
    use std::os::unix::process::CommandExt;
    command.exec()
}

#[cfg(not(unix))]
fn exec(_: Command) -> std::io::Error {
    std::io::ErrorKind::Unsupported.into()
}
