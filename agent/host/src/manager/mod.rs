//! What the system's service manager is told (systemd with `Type=notify`, the service manager of Windows): that the
//! service is ready, that it is alive, that it stops. Where there is no such manager nobody is told, and nothing is
//! different.

#[cfg_attr(target_os = "linux", path = "systemd.rs")]
#[cfg_attr(windows, path = "windows.rs")]
#[cfg_attr(not(any(target_os = "linux", windows)), path = "nobody.rs")]
mod system;

use std::time::Duration;

use serde_json::Value;

#[cfg(windows)]
pub use system::{installation, run_as_service, stop_asked};

/// The service does its work from now on.
pub fn ready() {
    system::tell(Word::Ready);
}

/// The service still turns; to be said at least every [`alive_every`].
pub fn alive() {
    system::tell(Word::Alive);
}

/// The service was asked to stop and ends by itself.
pub fn stopping() {
    system::tell(Word::Stopping);
}

/// How often [`alive`] has to be said, if anybody listens: half of what the manager waits for, because machines are slow.
pub fn alive_every() -> Option<Duration> {
    system::watchdog().map(|patience| patience / 2)
}

/// A line of the log, for a manager that keeps a log of its own for what needs a person.
pub(crate) fn logged(line: &Value) {
    system::logged(line);
}

#[derive(Clone, Copy)]
enum Word {
    Ready,
    Alive,
    Stopping,
}
