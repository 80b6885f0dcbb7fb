//! systemd, by the socket that it names to its services. Its journal takes what goes to stderr.

use std::time::Duration;

use sd_notify::NotifyState;
use serde_json::Value;

use super::Word;

pub(super) fn tell(word: Word) {
    let state = match word {
        Word::Ready => NotifyState::Ready,
        Word::Alive => NotifyState::Watchdog,
        Word::Stopping => NotifyState::Stopping,
    };
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(ev = "manager.not_told", %error, "the service manager could not be told");
    }
}

pub(super) fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled()
}

pub(super) fn logged(_: &Value) {}
