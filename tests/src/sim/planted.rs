//! The proof that the simulator finds mistakes: each planted defect, and how many runs it takes.

use std::time::Instant;

use kentongan_protocol::planted::{Defect, plant};

use super::plan::Plan;
use super::run::play;

/// How a planted defect was found.
#[derive(Debug)]
pub struct Found {
    /// The defect.
    pub defect: Defect,
    /// The first seed that broke, and by what; `None`: none did.
    pub first: Option<(u64, String)>,
    /// Runs until then.
    pub runs: u64,
    /// Seconds until then.
    pub seconds: f64,
}

/// Plants a defect and plays seeds until one breaks.
pub fn hunt(defect: Defect, seed: u64, steps: usize, runs_max: u64) -> Found {
    let began = Instant::now();
    let mut first = None;
    let mut runs = 0;
    while runs < runs_max && first.is_none() {
        plant(Some(defect));
        let outcome = play(&Plan::of(seed + runs, steps, true), false);
        plant(None);
        first = outcome.broken.map(|broken| (seed + runs, broken));
        runs += 1;
    }
    Found { defect, first, runs, seconds: began.elapsed().as_secs_f64() }
}
