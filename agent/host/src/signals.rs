//! Requests from outside to stop or to read the configuration again.

use std::future::Future;
use std::io;

/// Ends when the process is asked to stop (Ctrl-C, or SIGTERM from the service manager), with the signal's name.
///
/// Listening begins with the call, not with the first poll. Must be called inside a tokio runtime.
///
/// # Errors
/// The operating system refuses the handler.
#[cfg(unix)]
pub fn stop_requested() -> io::Result<impl Future<Output = &'static str> + Send> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => "SIGINT",
            _ = terminate.recv() => "SIGTERM",
        }
    })
}

/// Ends when the process is asked to stop: Ctrl-C, or the service manager.
///
/// Listening begins with the call, not with the first poll. Must be called inside a tokio runtime.
///
/// # Errors
/// The operating system refuses the handler.
#[cfg(windows)]
pub fn stop_requested() -> io::Result<impl Future<Output = &'static str> + Send> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => "CTRL-C",
            () = crate::manager::stop_asked() => "SERVICE_CONTROL_STOP",
        }
    })
}

/// Requests to read the configuration again (SIGHUP), one after the other.
#[derive(Debug)]
pub struct Reloads {
    #[cfg(unix)]
    hangup: tokio::signal::unix::Signal,
}

impl Reloads {
    /// Begins to listen. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// The operating system refuses the handler.
    pub fn listen() -> io::Result<Reloads> {
        Ok(Reloads {
            #[cfg(unix)]
            hangup: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())?,
        })
    }

    /// Waits for the next request; may be dropped and called again without losing one. Never ends on other systems.
    pub async fn reload_requested(&mut self) {
        #[cfg(unix)]
        if self.hangup.recv().await.is_some() {
            return;
        }
        std::future::pending().await
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn raise(signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::getpid(), signal).expect("signal to ourselves");
    }

    #[tokio::test]
    async fn a_hangup_between_two_waits_is_not_lost() {
        let mut reloads = Reloads::listen().expect("listen");
        raise(rustix::process::Signal::HUP);
        reloads.reload_requested().await;
    }

    #[tokio::test]
    async fn a_stop_before_the_first_poll_is_seen() {
        let stop = stop_requested().expect("listen");
        raise(rustix::process::Signal::TERM);
        assert_eq!(stop.await, "SIGTERM");
    }
}
