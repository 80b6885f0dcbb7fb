//! The crash lab: the real programs on real files, killed, cut off, filled up and paused while they work.
//!
//! ```text
//!   kills    SIGKILL at random instants          copies  folders copied while they are written
//!   steps    SIGKILL at each named step          full    no space left, at an office and at the hub
//!   writes   SIGKILL at, and errors of, the      power   power cuts: nothing unflushed survives
//!            n-th write and flush                readonly, pause
//! ```
//!
//! Each case enters records in a loop, breaks something, and counts in the end: what the programs said to be saved and
//! is not at the hub is lost; what is there twice is doubled. Both must be 0. What was refused, or was under way when
//! its program died, may be there once or not at all.

pub mod book;
pub mod copies;
pub mod disk;
pub mod full;
pub mod kills;
pub mod pause;
pub mod power;
pub mod steps;
pub mod writes;

use std::io::Write;
use std::time::{Duration, Instant};

use crate::dice::Dice;

pub use book::Book;

/// What a case needs, and how long it goes on.
#[derive(Debug)]
pub struct Lab {
    /// Its random choices.
    pub dice: Dice,
    long_until: Option<Instant>,
}

impl Lab {
    /// The short form: a few rounds of each case.
    pub fn short(dice: Dice) -> Lab {
        Lab { dice, long_until: None }
    }

    /// Goes on for `time`.
    pub fn long(dice: Dice, time: Duration) -> Lab {
        Lab { dice, long_until: Some(Instant::now() + time) }
    }

    /// Whether this is the long form.
    pub fn is_long(&self) -> bool {
        self.long_until.is_some()
    }

    /// Whether there is another round after `done` of them; the short form has `rounds_short`.
    pub fn goes_on(&self, done: u64, rounds_short: u64) -> bool {
        match self.long_until {
            Some(until) => done < rounds_short || Instant::now() < until,
            None => done < rounds_short,
        }
    }
}

/// What became of a case.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// Times that something was broken.
    pub rounds: u64,
    /// Records that were said to be saved.
    pub saved: u64,
    /// Those of them that are not at the hub in the end.
    pub lost: u64,
    /// Records that are there more than once.
    pub doubled: u64,
    /// Longest time from a start to being ready, in milliseconds.
    pub restart_ms: u64,
    /// What else there is to say.
    pub note: String,
    /// Why the case could not be played on this machine.
    pub skipped: Option<String>,
}

impl Row {
    /// A case that this machine cannot play, said loudly.
    pub fn skipped(why: impl Into<String>) -> Row {
        let why = why.into();
        // Past the test harness, which keeps what passing tests print to itself.
        let _ = writeln!(std::io::stderr(), "SKIPPED, this machine does not allow it: {why}");
        Row { skipped: Some(why), ..Row::default() }
    }

    /// Notes how long a start took.
    pub fn restarted(&mut self, began: Instant) {
        let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.restart_ms = self.restart_ms.max(ms);
    }

    /// Itself, if nothing was lost or doubled.
    ///
    /// # Panics
    /// If something was.
    #[track_caller]
    pub fn held(self) -> Row {
        assert_eq!((self.lost, self.doubled), (0, 0), "{self:#?}");
        assert!(self.skipped.is_some() || (self.rounds > 0 && self.saved > 0), "nothing was tried: {self:#?}");
        self
    }
}

/// A case: its name, what is done, and how.
pub type Case = (&'static str, &'static str, fn(&mut Lab) -> Row);

/// Every case.
pub const CASES: &[Case] = &[
    ("kills", "offices, commands and hub killed at random instants", kills::random),
    ("steps-agent", "office killed at each named step", steps::agent),
    ("steps-hub", "hub killed at each named step", steps::hub),
    ("writes-agent", "office killed at its n-th write", writes::agent_killed),
    ("errors-agent", "n-th write or flush of an office fails", writes::agent_failing),
    ("writes-hub", "hub killed at its n-th write", writes::hub_killed),
    ("errors-hub", "n-th flush of the hub fails", writes::hub_failing),
    ("copies", "folder copied while it is written, both go on", copies::both_deliver),
    ("full-agent", "no space left at an office", full::agent),
    ("full-hub", "no space left at the hub", full::hub),
    ("power-agent", "power cut at an office", power::agent),
    ("power-hub", "power cut at the hub", power::hub),
    ("readonly", "disk becomes read-only at an office", power::readonly),
    ("pause", "office or hub stands still in an exchange", pause::both),
];
