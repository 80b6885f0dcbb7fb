//! When to speak again, and how much to say at once.
//!
//! A page is what goes over the link in one direction in some seconds: so often is progress known at both ends, and so long
//! does an urgent record wait at most that is entered while others are on their way.

use std::ops::RangeInclusive;

use crate::limits::FRAME_BODY_BYTES_AIM;

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

/// Over a link with a shorter round trip, in milliseconds, nothing gathers that is worth bounding.
const NEAR_MS: u32 = 50;

/// Fewest packets on their way, and how it begins: so many that a lost one is noticed by those behind it.
const FLIGHT_PACKETS_MIN: usize = 4;

/// Smallest and largest packets that are believed, in bytes of content: the least that IPv4 guarantees, and a packet of
/// Ethernet.
const PACKET_BYTES: RangeInclusive<usize> = 536..=1460;

/// What is on its way has so many round trips' time, and [`FLIGHT_SPARE_MS`]: one to get there and back, and one for the
/// queue, so that the link is never idle and shows when it could carry more.
const FLIGHT_ROUND_TRIPS: u64 = 2;

/// For what varies, in milliseconds.
const FLIGHT_SPARE_MS: u64 = 200;

/// Parts of a flight in which a request is handed over.
pub const FLIGHT_PIECES: usize = 4;

/// How much of a request is on its way at once. What waits in the queues of modems when the link goes down was sent for
/// nothing, and on some links that is more than all else that a cut costs: so no more is handed over than keeps the link
/// busy, as far as it is known; and that shows while the request goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flight {
    round_trip_ms: u32,
    packet_bytes: usize,
    bytes: usize,
    /// Bytes handed over when the link was last looked at, and when that was.
    since: (usize, u64),
}

impl Flight {
    /// Over a link of this round trip, whose packets hold so many bytes, and of which nothing else is known. `None`: it
    /// needs no bound.
    pub fn over(round_trip_ms: u32, packet_bytes: usize) -> Option<Flight> {
        let packet_bytes = packet_bytes.clamp(*PACKET_BYTES.start(), *PACKET_BYTES.end());
        let bytes = FLIGHT_PACKETS_MIN * packet_bytes;
        let since = (bytes, 0);
        (round_trip_ms >= NEAR_MS).then_some(Flight { round_trip_ms, packet_bytes, bytes, since })
    }

    /// Bytes that may be on their way.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes to hand over at once: full packets. Also what is encrypted as one record, of which the other end can use
    /// nothing before it has all.
    pub fn piece_bytes(&self) -> usize {
        let piece = self.bytes / FLIGHT_PIECES;
        piece - piece % self.packet_bytes
    }

    /// So many bytes of a request were handed over within `ms`. Whether more may be on their way from now on.
    pub fn handed_over(&mut self, bytes: usize, ms: u64) -> bool {
        // The first flight is only taken in. From then on as much is taken as is carried.
        let (carried, took_ms) = (bytes.saturating_sub(self.since.0), ms.saturating_sub(self.since.1));
        if carried < self.bytes {
            return false;
        }
        let time_ms = u64::from(self.round_trip_ms) * FLIGHT_ROUND_TRIPS + FLIGHT_SPARE_MS;
        let flight = (carried as u64).saturating_mul(time_ms) / took_ms.max(1);
        // A queue that swallows everything is found out a step later.
        let flight = usize::try_from(flight).unwrap_or(usize::MAX).clamp(self.bytes, self.bytes * 2);
        let grown = flight - self.bytes;
        self.bytes = flight;
        // The new room is only taken in, too.
        self.since = (bytes + grown, ms);
        grown > 0
    }
}

/// Ops that go into one frame on a slow link, in bytes as they are: what a cut loses of what had arrived.
const SLOW_FRAME_BYTES_AIM: usize = 8 * 1024;

/// Aim for the bytes of ops in a frame over a link that carries so many bytes a second (0: it was not measured).
pub fn frame_bytes(link_bytes_s: u32) -> usize {
    if is_worth_packing(link_bytes_s) { SLOW_FRAME_BYTES_AIM } else { FRAME_BODY_BYTES_AIM }
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
    fn a_fifth_of_a_wait_is_left_to_chance_and_never_more_than_all_of_it() {
        assert_eq!([0, 60_000, 60_001].map(|random| PACING.wait_ms(0, random)), [300_000, 240_000, 300_000]);
        assert_eq!([0, 400, 401].map(|random| PACING.wait_ms(1, random)), [2_000, 2_400, 2_000]);
        let none = Pacing { jitter_percent: 0, ..PACING };
        assert_eq!([0, 1, 7].map(|random| (none.wait_ms(0, random), none.wait_ms(1, random))), [(300_000, 2_000); 3]);
        let all = Pacing { jitter_percent: 200, ..PACING };
        assert_eq!((PACING.spread_ms(300_000), all.spread_ms(300_000)), (60_000, 300_000));
    }

    #[test]
    fn a_short_request_says_nothing_of_a_link_and_half_of_a_wait_at_least_was_spent_on_carrying() {
        assert_eq!([4_095, 4_096].map(|bytes| link_bytes_s(7, bytes, 1_000, 0)), [7, (7 + 4_096) / 2]);
        assert_eq!(link_bytes_s(0, 10_000, 1_000, 5_000), 20_000);
    }

    #[test]
    fn a_page_is_some_seconds_of_the_link_within_bounds() {
        let most = 512 * 1024;
        assert_eq!(page_bytes(4_000, most), 60_000, "32 kbit/s");
        assert_eq!(page_bytes(12_500, most), 187_500, "100 kbit/s");
        assert_eq!(page_bytes(1, most), 16_384);
        assert_eq!(page_bytes(u32::MAX, most), most);
        assert_eq!(page_bytes(0, most), 60_000);
        assert_eq!(page_bytes(0, 1_000), 1_000);
    }

    /// Seconds in which a link carries `bytes` while no more is on its way than a flight, and the flight at the end.
    fn carried(rate: usize, round_trip_ms: u32, bytes: usize) -> (f64, usize) {
        let mut flight = Flight::over(round_trip_ms, 1_448).expect("a far one");
        let (mut now_ms, mut handed) = (0.0_f64, 0);
        let mut free_ms = 0.0_f64;
        let mut under_way = std::collections::VecDeque::new();
        while handed < bytes {
            let piece = flight.piece_bytes();
            while under_way.iter().map(|(_, bytes)| *bytes).sum::<usize>() + piece > flight.bytes() {
                let (acknowledged_ms, _) = under_way.pop_front().expect("a piece fits a flight");
                now_ms = now_ms.max(acknowledged_ms);
            }
            free_ms = free_ms.max(now_ms) + piece as f64 * 1000.0 / rate as f64;
            under_way.push_back((free_ms + f64::from(round_trip_ms), piece));
            handed += piece;
            flight.handed_over(handed, now_ms as u64);
        }
        (under_way.back().map_or(now_ms, |(acknowledged_ms, _)| *acknowledged_ms) / 1000.0, flight.bytes())
    }

    #[test]
    fn no_more_is_on_its_way_than_keeps_the_link_busy() {
        assert_eq!(Flight::over(2, 1_448), None);
        for (rate, round_trip_ms, bytes) in
            [(4_000, 600, 60_000), (12_500, 400, 180_000), (32_000, 650, 400_000), (1_000_000, 200, 512 * 1024)]
        {
            let (seconds, flight) = carried(rate, round_trip_ms, bytes);
            let alone = bytes as f64 / rate as f64 + f64::from(round_trip_ms) / 1000.0;
            // As with any sender that feels its way: some round trips until the link is full.
            let spare = 6.0 * f64::from(round_trip_ms) / 1000.0;
            assert!(seconds <= alone * 1.1 + spare, "{rate} B/s: {seconds} s, alone {alone} s");
            let full = rate * (2 * round_trip_ms as usize + 200) / 1000;
            assert!(flight <= (full * 5 / 4).max(4 * 1_448), "{rate} B/s: {flight}");
        }
    }

    #[test]
    fn pieces_of_a_flight_are_full_packets_whatever_the_system_says_of_them() {
        for (said, packet) in [(0, 536), (1_448, 1_448), (usize::MAX, 1_460)] {
            let mut flight = Flight::over(600, said).expect("a far one");
            for handed in 1..200 {
                let (piece, bytes) = (flight.piece_bytes(), flight.bytes());
                assert!(piece >= packet && piece.is_multiple_of(packet), "{said}: {flight:?}");
                assert!(bytes / FLIGHT_PIECES - piece < packet, "{said}: a packet more would fit: {flight:?}");
                let has_grown = flight.handed_over(handed * 4_096, handed as u64 * 100);
                assert_eq!(has_grown, flight.bytes() > bytes, "{said}: {flight:?}");
            }
        }
    }

    #[test]
    fn a_frame_over_a_slow_link_holds_little_that_a_cut_could_lose() {
        assert_eq!(frame_bytes(FAST_BYTES_S - 1), 8_192);
        assert_eq!(frame_bytes(0), 8_192, "nobody measured it");
        assert_eq!(frame_bytes(FAST_BYTES_S), FRAME_BODY_BYTES_AIM);
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
