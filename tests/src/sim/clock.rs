//! Clocks of simulated machines: one true time, and what each machine believes.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use kentongan_host::Clock;

/// The true time, milliseconds since 1970.
pub type Now = Arc<AtomicI64>;

/// The clock of one machine.
#[derive(Debug)]
pub struct SimClock {
    now: Now,
    /// Wall clock minus the truth.
    offset_ms: AtomicI64,
    booted_ms: AtomicI64,
}

impl SimClock {
    /// A right clock of a machine that starts now.
    pub fn new(now: &Now) -> SimClock {
        let booted_ms = now.load(Ordering::Relaxed);
        SimClock { now: Arc::clone(now), offset_ms: AtomicI64::new(0), booted_ms: AtomicI64::new(booted_ms) }
    }

    /// The machine starts again.
    pub fn boot(&self) {
        self.booted_ms.store(self.now.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// The true time at which [`Clock::boot_ms`] is this.
    pub fn true_ms(&self, boot_ms: u64) -> i64 {
        self.booted_ms.load(Ordering::Relaxed).saturating_add(i64::try_from(boot_ms).unwrap_or(i64::MAX))
    }

    /// Sets the wall clock wrong by this much.
    pub fn set_offset(&self, offset_ms: i64) {
        self.offset_ms.store(offset_ms, Ordering::Relaxed);
    }

    /// Lets the wall clock gain or lose.
    pub fn drift(&self, by_ms: i64) {
        let offset_ms = self.offset_ms.load(Ordering::Relaxed);
        self.offset_ms.store(offset_ms.saturating_add(by_ms), Ordering::Relaxed);
    }
}

impl Clock for SimClock {
    fn wall_ms(&self) -> i64 {
        self.now.load(Ordering::Relaxed).saturating_add(self.offset_ms.load(Ordering::Relaxed))
    }

    fn boot_ms(&self) -> u64 {
        let since = self.now.load(Ordering::Relaxed).saturating_sub(self.booted_ms.load(Ordering::Relaxed));
        u64::try_from(since).unwrap_or(0)
    }
}
