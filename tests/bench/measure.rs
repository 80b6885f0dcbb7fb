//! Rounds, medians and figures.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;

/// Rounds of each of two things, taken in turns.
pub(crate) const ROUNDS: usize = 7;

/// A bound that a ratio is to keep.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bound {
    AtLeast(f64),
    AtMost(f64),
    /// Told for comparison only.
    None,
}

/// What came out.
#[derive(Debug)]
pub(crate) struct Figure {
    /// Name for scripts.
    pub(crate) name: &'static str,
    /// What is divided by what, for people.
    pub(crate) what: &'static str,
    /// Ours, with its unit.
    pub(crate) ours: (f64, &'static str),
    /// What it is compared with, in the same unit.
    pub(crate) against: (f64, &'static str),
    pub(crate) bound: Bound,
}

impl Figure {
    fn ratio(&self) -> f64 {
        self.ours.0 / self.against.0
    }

    pub(crate) fn holds(&self) -> bool {
        match self.bound {
            Bound::AtLeast(least) => self.ratio() >= least,
            Bound::AtMost(most) => self.ratio() <= most,
            Bound::None => true,
        }
    }

    pub(crate) fn print(&self) {
        let (ours, unit) = self.ours;
        let (against, other) = self.against;
        let bound = match self.bound {
            Bound::AtLeast(least) => format!("  (bound ≥ {least}: {})", word(self.holds())),
            Bound::AtMost(most) => format!("  (bound ≤ {most}: {})", word(self.holds())),
            Bound::None => String::new(),
        };
        println!(
            "{:<22} {:.3}  {}: {ours:.1} {unit} against {against:.1} {unit} ({other}){bound}",
            self.name,
            self.ratio(),
            self.what
        );
        let line = json!({
            "bench": self.name, "ratio": round(self.ratio()), "ours": round(ours), "against": round(against),
            "unit": unit, "compared_with": other, "holds": self.holds(),
        });
        println!("{line}");
    }
}

fn word(holds: bool) -> &'static str {
    if holds { "holds" } else { "DOES NOT HOLD" }
}

fn round(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

/// The middle one.
pub(crate) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// How long something takes.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let began = Instant::now();
    let result = work();
    (began.elapsed(), result)
}

/// So many a second.
pub(crate) fn rate(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

/// A folder on the disk of the build: a memory disk would make everything durable for nothing.
pub(crate) fn on_disk() -> TempDir {
    let own = std::env::current_exe().expect("the path of this program");
    let folder = own.parent().unwrap_or(Path::new("."));
    tempfile::Builder::new().prefix("bench-").tempdir_in(folder).expect("a folder on the disk of the build")
}
