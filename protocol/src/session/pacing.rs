//! When to speak again.

/// How an agent spaces its exchanges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pacing {
    /// Between exchanges while all is well, in milliseconds.
    pub interval_ms: u64,
    /// Longest wait after failures, in milliseconds.
    pub backoff_ms_max: u64,
    /// Random part of a wait, in per cent of it: offices must not all return in the same second.
    pub jitter_percent: u8,
}

/// First wait after a failure, in milliseconds.
const BACKOFF_MS_FIRST: u64 = 2_000;

impl Pacing {
    /// The wait before the next exchange, after `failures` failures in a row. `random` is any number drawn at random.
    pub fn wait_ms(&self, failures: u32, random: u64) -> u64 {
        let base = match failures {
            0 => self.interval_ms,
            _ => BACKOFF_MS_FIRST.saturating_mul(1 << (failures - 1).min(20)).min(self.backoff_ms_max),
        };
        let spread = base / 100 * u64::from(self.jitter_percent.min(100));
        // Earlier rather than later while all is well, later rather than earlier after a failure.
        let part = if spread == 0 { 0 } else { random % (spread + 1) };
        if failures == 0 { base - part } else { base + part }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACING: Pacing = Pacing { interval_ms: 300_000, backoff_ms_max: 1_800_000, jitter_percent: 20 };

    #[test]
    fn waits_grow_to_their_bound_and_spread() {
        assert_eq!(PACING.wait_ms(1, 0), 2_000);
        assert_eq!(PACING.wait_ms(4, 0), 16_000);
        assert_eq!(PACING.wait_ms(u32::MAX, 0), 1_800_000);
        for random in [0, 7, u64::MAX] {
            assert!((240_000..=300_000).contains(&PACING.wait_ms(0, random)));
            assert!((2_000..=2_400).contains(&PACING.wait_ms(1, random)));
        }
    }
}
