//! When to speak again, and how much to say at once.
//!
//! A page is what goes over the link in one direction in some seconds: so often is progress known at both ends, and so long
//! does an urgent record wait at most that is entered while others are on their way.

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
        let spread = self.spread_ms(base);
        // Earlier rather than later while all is well, later rather than earlier after a failure.
        let part = if spread == 0 { 0 } else { random % (spread + 1) };
        if failures == 0 { base - part } else { base + part }
    }

    /// How far a wait of `base_ms` is spread by chance.
    pub fn spread_ms(&self, base_ms: u64) -> u64 {
        base_ms / 100 * u64::from(self.jitter_percent.min(100))
    }
}

/// How long a page is on its way, in seconds. Shorter ones would spend more of the time on waiting for answers.
const PAGE_S: u64 = 15;

/// Shortest page on the slowest link, in bytes: below this, answers would take longer than what they answer.
const PAGE_BYTES_MIN: usize = 16 * 1024;

/// Page while nothing is known of the link, in bytes: a quarter of a minute at 32 kbit/s.
const PAGE_BYTES_UNKNOWN: usize = 60 * 1000;

/// Requests shorter than this, in bytes, say nothing about how fast a link is.
pub const MEASURED_BYTES_MIN: usize = 4 * 1024;

/// Aim for the bytes of ops in a request or a reply over a link that carries so many bytes a second (0: it was not
/// measured), never more than `bytes_max`.
pub fn page_bytes(link_bytes_s: u32, bytes_max: usize) -> usize {
    let page = match link_bytes_s {
        0 => PAGE_BYTES_UNKNOWN,
        speed => usize::try_from(u64::from(speed) * PAGE_S).unwrap_or(usize::MAX).max(PAGE_BYTES_MIN),
    };
    page.min(bytes_max)
}

/// What to believe of a link's speed in bytes a second, after a request of so many bytes whose answer began after
/// `waited_ms`. `known` is what was believed before (0: nothing), `round_trip_ms` an upper bound of a round trip without
/// any load.
pub fn link_bytes_s(known: u32, bytes: usize, waited_ms: u32, round_trip_ms: u32) -> u32 {
    if bytes < MEASURED_BYTES_MIN {
        return known;
    }
    // The bound may be far too high: at least half of the time was spent on carrying.
    let carried_ms = waited_ms.saturating_sub(round_trip_ms).max(waited_ms / 2).max(1);
    let seen = bytes as u64 * 1000 / u64::from(carried_ms);
    let believed = match known {
        0 => seen,
        // A link changes: a hotspot today, the office's line tomorrow.
        known => (u64::from(known) + seen) / 2,
    };
    u32::try_from(believed.max(1)).unwrap_or(u32::MAX)
}

/// A link that carries so many bytes a second, or more, is not worth the time that packing takes: about a megabyte of ops a
/// second on each side.
const FAST_BYTES_S: u32 = 125_000;

/// Whether ops are [packed](crate::pack) for a link that carries so many bytes a second (0: it was not measured).
pub fn is_worth_packing(link_bytes_s: u32) -> bool {
    link_bytes_s < FAST_BYTES_S
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

    #[test]
    fn a_page_is_some_seconds_of_the_link_within_bounds() {
        let most = 512 * 1024;
        assert_eq!(page_bytes(4_000, most), 60_000, "32 kbit/s");
        assert_eq!(page_bytes(12_500, most), 187_500, "100 kbit/s");
        assert_eq!(page_bytes(1, most), PAGE_BYTES_MIN);
        assert_eq!(page_bytes(u32::MAX, most), most);
        assert_eq!(page_bytes(0, most), PAGE_BYTES_UNKNOWN);
        assert_eq!(page_bytes(0, 1_000), 1_000);
    }

    #[test]
    fn the_speed_of_a_link_is_found_within_some_requests_and_followed_when_it_changes() {
        // 20,000 bytes at 4,000 a second, and a round trip that is believed to be three times what it is.
        let slow = |known| link_bytes_s(known, 20_000, 5_600, 1_800);
        assert!((4_000..=5_500).contains(&slow(0)), "{}", slow(0));
        let mut believed = 1_000_000;
        for _ in 0..10 {
            believed = slow(believed);
        }
        assert!((4_000..=7_000).contains(&believed), "{believed}");
        assert_eq!(link_bytes_s(believed, 300, 600, 600), believed, "a small request says nothing");
        assert_eq!(link_bytes_s(0, usize::MAX >> 12, 0, u32::MAX), u32::MAX);
    }
}
