//! A relay that behaves like a kind of link, for whoever is not root: rate, delay, jitter and outages, no losses.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use kentongan_hub::demo::pipe::{Counts, Pipe, Quality};

use super::profile::{Outages, Profile};

/// A relay to one address. While its link is down nothing passes, and nothing breaks: as behind a modem without signal.
#[derive(Debug)]
pub struct Relay {
    pipe: Arc<Pipe>,
    /// Dropped to end the outages.
    end: Option<Sender<()>>,
    weather: Option<JoinHandle<()>>,
}

impl Relay {
    /// One to `target`, from a free port of this machine.
    ///
    /// # Errors
    /// No port or thread can be had.
    pub fn open(target: SocketAddr, profile: &Profile) -> io::Result<Relay> {
        let pipe = Arc::new(Pipe::open(target)?);
        pipe.set(quality(profile));
        let (end, ended) = channel();
        let weather = match profile.outages {
            None => None,
            Some(outages) => {
                let pipe = Arc::clone(&pipe);
                let play = move || come_and_go(&pipe, outages, |wait| ended.recv_timeout(wait));
                Some(thread::Builder::new().name("weather".into()).spawn(play)?)
            }
        };
        Ok(Relay { pipe, end: Some(end), weather })
    }

    /// Where to connect.
    pub fn address(&self) -> SocketAddr {
        self.pipe.address()
    }

    /// What went over it.
    pub fn counts(&self) -> Counts {
        self.pipe.counts()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.end = None;
        if let Some(weather) = self.weather.take() {
            let _ = weather.join();
        }
    }
}

/// A profile without its losses, which a relay of whole connections cannot show.
pub(crate) fn quality(profile: &Profile) -> Quality {
    let rate = |kbit_s: u32| (kbit_s > 0).then(|| u64::from(kbit_s) * 125);
    let jitter = Duration::from_millis(u64::from(profile.jitter_ms));
    Quality {
        up_bytes_per_s: rate(profile.up_kbit_s),
        down_bytes_per_s: rate(profile.down_kbit_s),
        delay: profile.delay().saturating_sub(jitter / 2),
        jitter,
    }
}

/// Holds the link and lets it go, until `wait` says that it is over.
fn come_and_go(pipe: &Pipe, outages: Outages, wait: impl Fn(Duration) -> Result<(), RecvTimeoutError>) {
    let began = Instant::now();
    loop {
        let now = began.elapsed();
        if outages.is_up(now) {
            pipe.resume();
        } else {
            pipe.hold();
        }
        if wait(outages.until_change(now)) != Err(RecvTimeoutError::Timeout) {
            pipe.resume();
            return;
        }
    }
}
