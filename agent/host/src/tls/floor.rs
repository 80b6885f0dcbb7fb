//! The time by which certificates are judged.
//!
//! The clock of an office PC may show 1970 or 2099. What is known for certain is a floor: it is not earlier than the
//! day this program was released, nor than the last time that the hub told, plus what has passed since on a clock
//! that only runs forward. A certificate that ended before the floor has ended, whatever the wall clock shows.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;

use crate::clock::Clock;

/// 2026-11-01T00:00:00Z, the day of this release in seconds since 1970. A constant and not the time of the build, so
/// that the same source gives the same program.
pub const RELEASED_S: i64 = 1_793_491_200;

/// A lower bound of the true time that rises with the boot clock and with every contact.
#[derive(Debug)]
pub struct FloorTime {
    clock: Arc<dyn Clock>,
    /// Floor minus boot clock, in milliseconds.
    offset_ms: AtomicI64,
}

impl FloorTime {
    /// The floor at the start of a process: the release, or the last hub time that was kept.
    pub fn new(clock: Arc<dyn Clock>, last_hub_ms: Option<i64>) -> FloorTime {
        let floor_ms = last_hub_ms.unwrap_or(0).max(RELEASED_S * 1000);
        let offset_ms = AtomicI64::new(floor_ms.saturating_sub(boot_ms(&*clock)));
        FloorTime { clock, offset_ms }
    }

    /// Takes note of what the hub's clock showed just now. Earlier than the floor teaches nothing.
    pub fn learn(&self, hub_ms: i64) {
        self.offset_ms.fetch_max(hub_ms.saturating_sub(boot_ms(&*self.clock)), Ordering::Relaxed);
    }

    /// Sets the floor, also backwards, but never before the release: for a new enrolment, when the hub it was learnt
    /// from counts no more.
    pub fn set(&self, hub_ms: i64) {
        let floor_ms = hub_ms.max(RELEASED_S * 1000);
        self.offset_ms.store(floor_ms.saturating_sub(boot_ms(&*self.clock)), Ordering::Relaxed);
    }

    /// The floor now, in milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        self.offset_ms.load(Ordering::Relaxed).saturating_add(boot_ms(&*self.clock))
    }
}

impl TimeProvider for FloorTime {
    fn current_time(&self) -> Option<UnixTime> {
        let ms = u64::try_from(self.now_ms()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_millis(ms)))
    }
}

fn boot_ms(clock: &dyn Clock) -> i64 {
    i64::try_from(clock.boot_ms()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    #[test]
    fn the_floor_ignores_the_wall_clock_and_rises_with_time_and_contact() {
        let clock = Arc::new(ManualClock::at(0));
        let floor = FloorTime::new(clock.clone(), None);
        clock.set_wall(4_000_000_000_000);
        clock.pass(5_000);
        assert_eq!(floor.now_ms(), RELEASED_S * 1000 + 5_000);

        floor.learn(RELEASED_S * 1000 + 90_000);
        assert_eq!(floor.now_ms(), RELEASED_S * 1000 + 90_000);
        floor.learn(RELEASED_S * 1000);
        assert_eq!(floor.now_ms(), RELEASED_S * 1000 + 90_000, "a hub with a slow clock does not turn time back");
        floor.set(0);
        assert_eq!(floor.now_ms(), RELEASED_S * 1000);
    }

    #[test]
    fn the_floor_of_the_last_run_is_kept() {
        let kept = RELEASED_S * 1000 + 86_400_000;
        let floor = FloorTime::new(Arc::new(ManualClock::at(0)), Some(kept));
        assert_eq!(floor.now_ms(), kept);
    }
}
