//! Reading the configuration again: on SIGHUP, and when a file changed. A file that does not hold is reported, and the
//! running values stay.

use std::fs;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use kentongan_host::Failure;
use kentongan_host::logging::LogHandle;
use kentongan_host::options::{Sources, conf_dir};
use kentongan_host::signals::Reloads;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::config::{Config, load};

/// How often the files are looked at. One look is a few calls of the file system.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What tells one state of the files from another: each with its size and time of change.
type Seen = Vec<(PathBuf, u64, Option<SystemTime>)>;

/// Watches until dropped.
///
/// # Errors
/// The operating system refuses the signal.
pub(super) fn run(
    sources: Sources,
    log: LogHandle,
    config: watch::Sender<Arc<Config>>,
) -> Result<impl Future<Output = ()>, Failure> {
    let mut reloads = Reloads::listen().context("listen for signals")?;
    Ok(async move {
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut seen = look(&sources);
        loop {
            tokio::select! {
                () = reloads.reload_requested() => {}
                _ = looks.tick() => {
                    let now = look(&sources);
                    if now == seen {
                        continue;
                    }
                    seen = now;
                }
            }
            apply(&sources, &log, &config);
        }
    })
}

fn apply(sources: &Sources, log: &LogHandle, config: &watch::Sender<Arc<Config>>) {
    let settings = match load(sources) {
        Ok(settings) => settings,
        Err(failure) => {
            return tracing::error!(ev = "config.refused", error = %failure, "not read; the old values stay");
        }
    };
    if let Err(failure) = log.set_level(settings.text("log", "level")) {
        tracing::error!(ev = "config.refused", error = %failure, "the level of the log stays");
    }
    let new = Arc::new(Config::of(&settings));
    if !config.borrow().holds_until_restart(&new) {
        tracing::warn!(ev = "config.restart_needed", "some new settings apply from the next start on");
    }
    let changed = config.send_if_modified(|old| {
        let changed = **old != *new;
        *old = new;
        changed
    });
    tracing::info!(ev = "config.reloaded", changed, "configuration read again");
}

fn look(sources: &Sources) -> Seen {
    let folder = fs::read_dir(conf_dir(&sources.file)).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = std::iter::once(sources.file.clone()).chain(folder).collect();
    files.sort();
    let state = |path: PathBuf| {
        let metadata = fs::metadata(&path).ok()?;
        Some((path, metadata.len(), metadata.modified().ok()))
    };
    files.into_iter().filter_map(state).collect()
}
