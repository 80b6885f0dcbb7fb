//! Time: for the order that people see, and for saying when something really happened. Nothing is decided by it.
//!
//! Clocks of office PCs are wrong by seconds or by decades. An op therefore carries the time since its run began, on a
//! clock that does not jump, and the hub works out when the run began: from a contact of that run, from another run of
//! the same boot, or from what came before and after. The answer always has a source and an error ([`RunTime`]).

use std::collections::BTreeMap;

use crate::ids::{ReplicaId, RunId};
use crate::limits::HYBRID_LEAD_MS_MAX;
use crate::planted::{self, Defect};

/// Hybrid logical time: 48 bits of milliseconds since 1970 and a counter of 16 bits. Greater than every hybrid time that
/// its writer had seen, as far as those were believable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Hlc(pub u64);

impl Hlc {
    /// The earliest hybrid time at wall clock `wall_ms`.
    fn at(wall_ms: i64) -> Hlc {
        let ms = u64::try_from(wall_ms).unwrap_or(0).min((1 << 48) - 1);
        Hlc(ms << 16)
    }

    /// Milliseconds since 1970 that it shows.
    pub fn ms(self) -> i64 {
        (self.0 >> 16) as i64
    }
}

/// A replica's source of hybrid times.
#[derive(Debug, Clone, Copy, Default)]
pub struct HybridClock {
    last: Hlc,
}

impl HybridClock {
    /// Goes on after `last`.
    pub fn after(last: Hlc) -> Self {
        HybridClock { last }
    }

    /// The time of a new op: later than all given and seen before, and not earlier than the wall clock.
    pub fn tick(&mut self, wall_ms: i64) -> Hlc {
        self.last = Hlc(self.last.0.saturating_add(1)).max(Hlc::at(wall_ms));
        self.last
    }

    /// Learns of a time written elsewhere; believed up to [`HYBRID_LEAD_MS_MAX`] beyond the own wall clock.
    pub fn observe(&mut self, seen: Hlc, wall_ms: i64) {
        if planted::active(Defect::ClockDeaf) {
            return;
        }
        let believable = Hlc::at(wall_ms.saturating_add(HYBRID_LEAD_MS_MAX as i64));
        self.last = self.last.max(seen.min(believable));
    }

    /// The latest time given or seen.
    pub fn last(&self) -> Hlc {
        self.last
    }
}

/// What a run noted of itself when it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunHead {
    /// The run.
    pub run: RunId,
    /// Number of the run on its replica, from 1. Copies of a folder may give one number to two runs.
    pub ordinal: u32,
    /// The run before it in the same folder.
    pub before: Option<RunId>,
    /// Which start of the machine it belongs to (a hash of the system's boot id).
    pub boot: u64,
    /// Milliseconds since that start of the machine.
    pub boot_ms: u64,
    /// What the PC's clock showed, in milliseconds since 1970; possibly nonsense.
    pub wall_ms: i64,
}

/// How the beginning of a run is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TimeSource {
    /// Measured at a contact of the run itself.
    Contact,
    /// From a measured run of the same start of the machine.
    SameBoot,
    /// Between the neighbours that are known.
    Interval,
}

impl TimeSource {
    /// Stable name for files and exports.
    pub fn name(self) -> &'static str {
        match self {
            TimeSource::Contact => "contact",
            TimeSource::SameBoot => "same-boot",
            TimeSource::Interval => "interval",
        }
    }
}

/// When a run began, as well as it can be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunTime {
    /// Milliseconds since 1970.
    pub start_ms: i64,
    /// The truth lies at most this far from it, in milliseconds, if the PC's monotonic clock is sound.
    pub error_ms: u64,
    /// How it is known.
    pub source: TimeSource,
}

impl RunTime {
    /// When something happened that long after the run began.
    pub fn at(&self, elapsed_ms: u64) -> i64 {
        self.start_ms.saturating_add(i64::try_from(elapsed_ms).unwrap_or(i64::MAX))
    }
}

/// A run as the hub knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownRun {
    /// Whose run.
    pub replica: ReplicaId,
    /// What it noted of itself.
    pub head: RunHead,
    /// The best measurement of its beginning at a contact: start and error, in milliseconds.
    pub measured: Option<(i64, u64)>,
    /// The longest elapsed time it is known to have reached, in milliseconds.
    pub elapsed_ms: u64,
    /// When the hub first heard of it, in milliseconds since 1970: it began before that.
    pub heard_ms: i64,
}

/// Crystals of PCs drift by up to a hundred parts in a million; the error grows so with the distance carried.
const DRIFT_PER_MILLION: u64 = 100;

/// How long a first message may have been under way, when nothing was measured before: connecting on a bad link included.
const UNKNOWN_ROUND_TRIP_MS: u32 = 60_000;

/// A measurement of a run's beginning at a contact.
///
/// The peer says that `elapsed_ms` have passed since its run began, in a message that took at most `round_trip_ms` (0 if
/// never measured) to come here, where it is now `now_ms`. Returns start and error.
pub fn measure(now_ms: i64, elapsed_ms: u64, round_trip_ms: u32) -> (i64, u64) {
    let round_trip_ms = if round_trip_ms == 0 { UNKNOWN_ROUND_TRIP_MS } else { round_trip_ms };
    let half_way = i64::from(round_trip_ms / 2);
    let elapsed = i64::try_from(elapsed_ms).unwrap_or(i64::MAX);
    let drift = elapsed_ms / 1_000_000 * DRIFT_PER_MILLION;
    (
        now_ms.saturating_sub(elapsed).saturating_sub(half_way),
        u64::from(round_trip_ms).div_ceil(2).max(1).saturating_add(drift),
    )
}

/// When `run` began, given all runs that are known of its replica (others may be among them).
pub fn run_time(runs: &BTreeMap<RunId, KnownRun>, run: &KnownRun) -> RunTime {
    anchored(runs, run).unwrap_or_else(|| between_neighbours(runs, run))
}

/// From a contact of the run itself or of a run of the same boot.
fn anchored(runs: &BTreeMap<RunId, KnownRun>, run: &KnownRun) -> Option<RunTime> {
    if let Some((start_ms, error_ms)) = run.measured {
        return Some(RunTime { start_ms, error_ms, source: TimeSource::Contact });
    }
    runs.values()
        .filter(|other| other.replica == run.replica && other.head.boot == run.head.boot)
        .filter_map(|other| {
            let (start_ms, error_ms) = other.measured?;
            let gap = i128::from(run.head.boot_ms) - i128::from(other.head.boot_ms);
            let drift = (gap.unsigned_abs() / 1_000_000) as u64 * DRIFT_PER_MILLION;
            let start_ms = start_ms.saturating_add(i64::try_from(gap).ok()?);
            Some(RunTime { start_ms, error_ms: error_ms.saturating_add(drift), source: TimeSource::SameBoot })
        })
        .min_by_key(|time| time.error_ms)
}

/// After the end of the nearest earlier run that is anchored, before the beginning of the nearest later one. Where the
/// PC's own clock fits in, it is taken; else the middle.
fn between_neighbours(runs: &BTreeMap<RunId, KnownRun>, run: &KnownRun) -> RunTime {
    let latest = latest_start(runs, run);
    let earliest = earliest_start(runs, run).unwrap_or_else(|| run.head.wall_ms.min(latest)).min(latest);
    let start_ms = match run.head.wall_ms {
        wall if (earliest..=latest).contains(&wall) => wall,
        _ => earliest.midpoint(latest),
    };
    let error_ms = start_ms.abs_diff(earliest).max(start_ms.abs_diff(latest));
    RunTime { start_ms, error_ms, source: TimeSource::Interval }
}

fn earliest_start(runs: &BTreeMap<RunId, KnownRun>, run: &KnownRun) -> Option<i64> {
    let mut before = run.head.before;
    // Bounded by the number of runs: a forged chain could go in a circle.
    for _ in 0..runs.len() {
        let known = runs.get(&before?)?;
        if let Some(time) = anchored(runs, known) {
            return Some(time.at(known.elapsed_ms));
        }
        before = known.head.before;
    }
    None
}

fn latest_start(runs: &BTreeMap<RunId, KnownRun>, run: &KnownRun) -> i64 {
    let later = runs
        .values()
        .filter(|other| other.replica == run.replica && other.head.ordinal > run.head.ordinal)
        .filter_map(|other| anchored(runs, other).map(|time| time.start_ms));
    let elapsed = i64::try_from(run.elapsed_ms).unwrap_or(i64::MAX);
    later.min().unwrap_or(run.heard_ms).min(run.heard_ms).saturating_sub(elapsed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: i64 = 1_795_000_000_000;

    fn known(run: u64, boot: u64, boot_ms: u64, wall_ms: i64) -> KnownRun {
        let before = (run > 1).then(|| RunId(run - 1));
        KnownRun {
            replica: ReplicaId(1),
            head: RunHead { run: RunId(run), ordinal: run as u32, before, boot, boot_ms, wall_ms },
            measured: None,
            elapsed_ms: 60_000,
            heard_ms: NOW,
        }
    }

    fn all(runs: &[KnownRun]) -> BTreeMap<RunId, KnownRun> {
        runs.iter().map(|run| (run.head.run, *run)).collect()
    }

    #[test]
    fn a_run_without_contact_is_dated_by_another_run_of_the_same_boot() {
        let silent = known(1, 7, 10_000, 0);
        let measured = KnownRun { measured: Some((NOW - 5_000, 300)), ..known(2, 7, 250_000, 0) };
        let time = run_time(&all(&[silent, measured]), &silent);
        assert_eq!(time, RunTime { start_ms: NOW - 245_000, error_ms: 300, source: TimeSource::SameBoot });
    }

    #[test]
    fn a_run_between_two_known_ones_lies_between_them_whatever_its_clock_says() {
        let first = KnownRun { measured: Some((NOW - 1_000_000, 10)), ..known(1, 1, 0, 0) };
        let last = KnownRun { measured: Some((NOW - 100_000, 10)), ..known(3, 3, 0, 0) };
        for wall_ms in [0, 1_262_304_000_000, 4_070_908_800_000, i64::MAX, i64::MIN] {
            let silent = known(2, 2, 0, wall_ms);
            let time = run_time(&all(&[first, silent, last]), &silent);
            assert_eq!(time.source, TimeSource::Interval);
            assert_eq!(
                (time.start_ms - time.error_ms as i64, time.start_ms + time.error_ms as i64),
                (NOW - 940_000, NOW - 160_000)
            );
        }
        let honest = known(2, 2, 0, NOW - 900_000);
        assert_eq!(run_time(&all(&[first, honest, last]), &honest).start_ms, NOW - 900_000);
    }

    #[test]
    fn a_forged_circle_of_runs_ends() {
        let mut first = known(1, 1, 0, 0);
        first.head.before = Some(RunId(1));
        assert_eq!(run_time(&all(&[first]), &first).source, TimeSource::Interval);
    }

    #[test]
    fn a_clock_in_2099_does_not_drag_the_others_along() {
        let mut clock = HybridClock::default();
        clock.observe(Hlc::at(4_070_908_800_000), NOW);
        let own = clock.tick(NOW);
        assert!(own.ms() <= NOW + HYBRID_LEAD_MS_MAX as i64);
    }

    proptest! {
        #[test]
        fn hybrid_time_only_goes_forward(walls in prop::collection::vec(any::<i64>(), 1..40)) {
            let mut clock = HybridClock::default();
            let times: Vec<Hlc> = walls.iter().map(|wall| clock.tick(*wall)).collect();
            prop_assert!(times.windows(2).all(|pair| pair[0] < pair[1] || pair[0].0 == u64::MAX));
        }

        #[test]
        fn no_clock_value_breaks_the_arithmetic(
            walls in prop::collection::vec((any::<i64>(), any::<u64>(), any::<u64>(), any::<Option<(i64, u32)>>()), 1..6),
            now: i64, elapsed: u64, round_trip: u32,
        ) {
            let _ = measure(now, elapsed, round_trip);
            let runs: Vec<KnownRun> = walls.iter().enumerate().map(|(i, (wall, boot_ms, elapsed, measured))| KnownRun {
                measured: measured.map(|(start, error)| (start, u64::from(error))),
                elapsed_ms: *elapsed,
                heard_ms: now,
                ..known(i as u64 + 1, i as u64 % 2, *boot_ms, *wall)
            }).collect();
            for run in &runs {
                let _ = run_time(&all(&runs), run).at(elapsed);
            }
        }
    }
}
