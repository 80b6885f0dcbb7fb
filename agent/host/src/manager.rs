//! What the system's service manager is told (systemd, `Type=notify`): that the service is ready, that it is alive,
//! that it stops. Where there is no such manager nobody is told, and nothing is different.

use std::time::Duration;

/// The service does its work from now on.
pub fn ready() {
    tell(Word::Ready);
}

/// The service still turns; to be said at least every [`alive_every`].
pub fn alive() {
    tell(Word::Alive);
}

/// The service was asked to stop and ends by itself.
pub fn stopping() {
    tell(Word::Stopping);
}

/// How often [`alive`] has to be said, if anybody listens: half of what the manager waits for, because machines are slow.
pub fn alive_every() -> Option<Duration> {
    watchdog().map(|patience| patience / 2)
}

#[derive(Clone, Copy)]
enum Word {
    Ready,
    Alive,
    Stopping,
}

#[cfg(target_os = "linux")]
fn tell(word: Word) {
    use sd_notify::NotifyState;
    let state = match word {
        Word::Ready => NotifyState::Ready,
        Word::Alive => NotifyState::Watchdog,
        Word::Stopping => NotifyState::Stopping,
    };
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(ev = "manager.not_told", %error, "the service manager could not be told");
    }
}

#[cfg(target_os = "linux")]
fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled()
}

#[cfg(not(target_os = "linux"))]
fn tell(_: Word) {}

#[cfg(not(target_os = "linux"))]
fn watchdog() -> Option<Duration> {
    None
}
