//! The two clocks of a machine: one for people, which may jump, and one for waiting, which only runs forward.
//!
//! The boot clock counts sleep, so that a laptop that was closed for a night knows that a night has passed. Together
//! with the boot id it tells whether two measurements can be compared at all.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::random::random_u64;

/// Where time comes from; tests give their own.
pub trait Clock: std::fmt::Debug + Send + Sync + 'static {
    /// Milliseconds since 1970-01-01 UTC as this machine believes; may be absurd, may jump.
    fn wall_ms(&self) -> i64;
    /// Milliseconds since this machine started, sleep included; never goes back while [`boot_id`] stays.
    fn boot_ms(&self) -> u64;
}

/// For tests and demonstrations: milliseconds by which this program shifts the wall clock it believes in. Nothing
/// else on the machine changes.
pub const TEST_WALL_OFFSET: &str = "KENTONGAN_TEST_WALL_OFFSET_MS";

/// The clocks of the operating system.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    offset_ms: i64,
}

impl SystemClock {
    /// The system's clocks, shifted by [`TEST_WALL_OFFSET`] if a test has set it.
    pub fn new() -> SystemClock {
        let offset = std::env::var(TEST_WALL_OFFSET).ok().and_then(|text| text.trim().parse().ok());
        SystemClock { offset_ms: offset.unwrap_or(0) }
    }
}

impl Default for SystemClock {
    fn default() -> SystemClock {
        SystemClock::new()
    }
}

impl Clock for SystemClock {
    fn wall_ms(&self) -> i64 {
        let now = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
        };
        now.saturating_add(self.offset_ms)
    }

    fn boot_ms(&self) -> u64 {
        boot_clock_ms()
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn boot_clock_ms() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds.saturating_mul(1000).saturating_add(nanos / 1_000_000)
}

/// Elsewhere the time since this process first asked: still monotonic, and as long as the boot id of this process.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn boot_clock_ms() -> u64 {
    static START: OnceLock<std::time::Instant> = OnceLock::new();
    let start = *START.get_or_init(std::time::Instant::now);
    u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// A number that stays the same while the boot clock can be compared, and differs after the machine has restarted.
///
/// Where the system tells none, it is drawn once per process: then only this process's own times compare.
pub fn boot_id() -> u64 {
    static ID: OnceLock<u64> = OnceLock::new();
    *ID.get_or_init(|| system_boot_id().unwrap_or_else(random_u64))
}

fn system_boot_id() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let digest = ring::digest::digest(&ring::digest::SHA256, text.trim().as_bytes());
    let first: [u8; 8] = digest.as_ref().get(..8)?.try_into().ok()?;
    Some(u64::from_be_bytes(first))
}

/// A clock that moves only when told, for tests of what depends on time.
#[derive(Debug, Default)]
pub struct ManualClock {
    wall_ms: AtomicI64,
    boot_ms: AtomicU64,
}

impl ManualClock {
    /// A clock that shows `wall_ms`, on a machine that has run for an hour.
    pub fn at(wall_ms: i64) -> ManualClock {
        ManualClock { wall_ms: AtomicI64::new(wall_ms), boot_ms: AtomicU64::new(3_600_000) }
    }

    /// Lets `ms` pass on both clocks.
    pub fn pass(&self, ms: u64) {
        self.boot_ms.fetch_add(ms, Ordering::Relaxed);
        self.wall_ms.fetch_add(i64::try_from(ms).unwrap_or(i64::MAX), Ordering::Relaxed);
    }

    /// Sets the wall clock, as a person or a dead battery does; the boot clock runs on.
    pub fn set_wall(&self, wall_ms: i64) {
        self.wall_ms.store(wall_ms, Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn wall_ms(&self) -> i64 {
        self.wall_ms.load(Ordering::Relaxed)
    }

    fn boot_ms(&self) -> u64 {
        self.boot_ms.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boot_clock_never_goes_back_and_the_boot_id_stays() {
        let clock = SystemClock::new();
        let (first, second) = (clock.boot_ms(), clock.boot_ms());
        assert!(first <= second, "{first} > {second}");
        assert_eq!(boot_id(), boot_id());
    }

    #[test]
    fn the_offset_shifts_only_the_wall_clock_even_to_absurd_times() {
        let now = SystemClock { offset_ms: 0 }.wall_ms();
        let shifted = SystemClock { offset_ms: -60_000 }.wall_ms();
        assert!((59_000..=60_001).contains(&(now - shifted)), "{now} {shifted}");
        assert_eq!(SystemClock { offset_ms: i64::MAX }.wall_ms(), i64::MAX);
    }
}
