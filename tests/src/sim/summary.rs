//! Many seeds, on one core or more, and what came of them in a few lines.

use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Debug;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::coverage::{self, Reached};
use super::plan::{Kind, Plan};
use super::run::{Outcome, play};

/// One run in so many is played twice: both must be one history.
const TWICE_EACH: u64 = 50;

/// Which seeds to play.
#[derive(Debug, Clone, Copy)]
pub struct Sweep {
    /// The first.
    pub seed: u64,
    /// Events of each.
    pub steps: usize,
    /// Each draws its own mix of faults.
    pub swarm: bool,
    /// How many.
    pub runs: u64,
    /// Instead: as many as fit into so many seconds.
    pub seconds: Option<u64>,
    /// Threads.
    pub jobs: u64,
}

/// What came of them.
#[derive(Debug, Default)]
pub struct Summary {
    first: u64,
    runs: u64,
    twice: u64,
    /// Runs that broke.
    pub failed: u64,
    exchanges: u64,
    saves: u64,
    network_faults: u64,
    /// The longest time until every outbox was empty, in minutes after the last fault.
    resumed_min: i64,
    cpu: Duration,
    events: BTreeMap<Kind, u64>,
    losses: BTreeMap<String, u64>,
    flips: BTreeMap<String, u64>,
    reached: Reached,
}

/// Plays them; one that breaks is told at once.
pub fn sweep(sweep: &Sweep) -> Summary {
    let (began, next) = (Instant::now(), AtomicU64::new(0));
    let summary = Mutex::new(Summary { first: sweep.seed, ..Summary::default() });
    std::thread::scope(|scope| {
        for _ in 0..sweep.jobs {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let enough = match sweep.seconds {
                        Some(seconds) => began.elapsed().as_secs() >= seconds,
                        None => number >= sweep.runs,
                    };
                    if enough {
                        return;
                    }
                    one(sweep.seed + number, sweep, &summary);
                }
            });
        }
    });
    summary.into_inner().unwrap_or_default()
}

fn one(seed: u64, sweep: &Sweep, summary: &Mutex<Summary>) {
    let plan = Plan::of(seed, sweep.steps, sweep.swarm);
    let began = cpu_now();
    let mut outcome = play(&plan, false);
    let twice = seed.is_multiple_of(TWICE_EACH);
    if twice {
        let again = play(&plan, false);
        if (again.hash, &again.broken) != (outcome.hash, &outcome.broken) {
            outcome.broken.get_or_insert("two runs of it differ".to_owned());
        }
        outcome.exchanges += again.exchanges;
    }
    let cpu = cpu_now().saturating_sub(began);
    if let Some(broken) = &outcome.broken {
        println!("seed {seed}: {broken}");
    }
    if let Ok(mut summary) = summary.lock() {
        summary.add(outcome, twice, cpu);
    }
}

/// Time that this thread was on a core.
fn cpu_now() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

impl Summary {
    fn add(&mut self, outcome: Outcome, twice: bool, cpu: Duration) {
        self.runs += 1;
        self.twice += u64::from(twice);
        self.failed += u64::from(outcome.broken.is_some());
        self.exchanges += outcome.exchanges;
        self.saves += outcome.saves;
        self.network_faults += outcome.network_faults;
        self.resumed_min = self.resumed_min.max(outcome.resumed_min);
        self.cpu += cpu;
        add(&mut self.events, outcome.events);
        add(&mut self.losses, outcome.losses);
        add(&mut self.flips, outcome.flips);
        add(&mut self.reached, outcome.reached);
    }

    /// What must be come to and was not.
    pub fn missing(&self) -> Vec<String> {
        coverage::missing(&self.reached)
    }

    /// What is seldom come to, and how often it was.
    pub fn seldom(&self) -> Vec<(String, u64)> {
        coverage::seldom(&self.reached)
    }
}

fn add<K: Ord>(sums: &mut BTreeMap<K, u64>, more: BTreeMap<K, u64>) {
    for (key, count) in more {
        *sums.entry(key).or_insert(0) += count;
    }
}

fn list<K: Debug>(f: &mut fmt::Formatter<'_>, what: &str, counts: &BTreeMap<K, u64>) -> fmt::Result {
    if counts.is_empty() {
        return Ok(());
    }
    let counts: Vec<String> = counts.iter().map(|(key, count)| format!("{key:?} {count}").replace('"', "")).collect();
    writeln!(f, "{what}: {}", counts.join(", "))
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { first, runs, twice, failed, exchanges, saves, network_faults, .. } = self;
        let a_second = *exchanges as f64 / self.cpu.as_secs_f64().max(0.001);
        writeln!(f, "{runs} runs from seed {first}, {twice} of them twice: {failed} failed")?;
        writeln!(f, "{exchanges} exchanges, {a_second:.0} for each second of a core; {saves} things saved")?;
        writeln!(f, "faults of the network: {network_faults}")?;
        writeln!(f, "every outbox was empty at most {} minutes after the last fault", self.resumed_min)?;
        list(f, "events", &self.events)?;
        list(f, "bits flipped, by what they changed", &self.flips)?;
        list(f, "saved and gone as the promises allow, because", &self.losses)?;
        list(f, "come to", &self.reached)
    }
}
