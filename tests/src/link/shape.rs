//! What happens to a packet: pure, so that a seed gives the same losses every time.
//!
//! ```text
//!   offered ──▶ link down? gone ──▶ queue full? dropped ──▶ rate ──▶ dice: lost ──▶ delay ± jitter ──▶ link still up? arrived
//! ```
//!
//! Packets of one direction never overtake each other. A lost one has used its share of the rate, as on the air.

use std::time::Duration;

use serde_json::{Value, json};

use super::profile::{Outages, Profile};
use crate::dice::Dice;

/// What became of the packets of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Packets handed over by the sender: what it pays for.
    pub packets: u64,
    /// Their bytes, IP headers included.
    pub bytes: u64,
    /// Of these, lost by chance.
    pub lost: u64,
    /// Of these, dropped because the queue was full.
    pub dropped: u64,
    /// Of these, gone because the link was down.
    pub cut: u64,
}

impl Tally {
    /// For scripts.
    pub fn json(&self) -> Value {
        let Tally { packets, bytes, lost, dropped, cut } = self;
        json!({ "packets": packets, "bytes": bytes, "lost": lost, "dropped": dropped, "cut": cut })
    }

    /// What came on top of an earlier state.
    pub fn since(&self, earlier: &Tally) -> Tally {
        Tally {
            packets: self.packets - earlier.packets,
            bytes: self.bytes - earlier.bytes,
            lost: self.lost - earlier.lost,
            dropped: self.dropped - earlier.dropped,
            cut: self.cut - earlier.cut,
        }
    }
}

/// One direction of a link.
#[derive(Debug, Clone)]
pub struct Shape {
    bits_per_s: Option<u64>,
    delay: Duration,
    jitter: Duration,
    loss_per_mille: u64,
    queue_bytes: u64,
    outages: Option<Outages>,
    dice: Dice,
    /// When the last packet will have been put on the air.
    free_at: Duration,
    /// When the last packet arrives.
    last_arrival: Duration,
    tally: Tally,
}

impl Shape {
    /// One direction of `profile` with this rate; 0: as fast as it goes.
    pub(super) fn new(profile: &Profile, kbit_s: u32, seed: u64) -> Shape {
        Shape {
            bits_per_s: (kbit_s > 0).then_some(u64::from(kbit_s) * 1_000),
            delay: profile.delay(),
            jitter: Duration::from_millis(u64::from(profile.jitter_ms)),
            loss_per_mille: u64::from(profile.loss_per_mille),
            queue_bytes: u64::from(profile.queue_bytes),
            outages: profile.outages,
            dice: Dice::new(seed),
            free_at: Duration::ZERO,
            last_arrival: Duration::ZERO,
            tally: Tally::default(),
        }
    }

    /// A packet of so many bytes is handed over `now`: when it arrives, if it does. Times are since the link began.
    pub fn offer(&mut self, now: Duration, bytes: usize) -> Option<Duration> {
        let bytes = bytes as u64;
        self.tally.packets += 1;
        self.tally.bytes += bytes;
        // Thrown for every packet, so that the losses of a seed do not hang on how fast this machine is.
        let (lost, part) = (self.dice.below(1_000) < self.loss_per_mille, self.dice.below(1_001));
        if self.outages.is_some_and(|outages| !outages.is_up(now)) {
            self.tally.cut += 1;
            return None;
        }
        let sent = match self.bits_per_s {
            None => now,
            Some(rate) => {
                let waiting = self.free_at.saturating_sub(now).as_secs_f64() * rate as f64 / 8.0;
                if waiting as u64 + bytes > self.queue_bytes {
                    self.tally.dropped += 1;
                    return None;
                }
                self.free_at.max(now) + Duration::from_secs_f64((bytes * 8) as f64 / rate as f64)
            }
        };
        self.free_at = sent;
        if lost {
            self.tally.lost += 1;
            return None;
        }
        let varied = self.jitter.mul_f64(part as f64 / 1_000.0);
        let arrival = (sent + self.delay + varied).saturating_sub(self.jitter / 2).max(self.last_arrival).max(sent);
        if self.outages.is_some_and(|outages| !outages.is_up_throughout(now, arrival)) {
            self.tally.cut += 1;
            return None;
        }
        self.last_arrival = arrival;
        Some(arrival)
    }

    /// Takes the place of another shape, whose packets stay counted.
    #[cfg(all(target_os = "linux", feature = "wire"))]
    pub(super) fn take_over(&mut self, before: &Shape) {
        self.tally = before.tally;
    }

    /// What became of all packets so far.
    pub fn tally(&self) -> Tally {
        self.tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn gprs() -> Profile {
        Profile::named("gprs").expect("it is one of them")
    }

    #[test]
    fn a_packet_takes_its_bytes_at_the_rate_and_half_a_round_trip() {
        let mut up = Profile { jitter_ms: 0, loss_per_mille: 0, ..gprs() }.up(1);
        // 1,000 bytes at 32 kbit/s are 250 ms; the second one waits for the first.
        assert_eq!(up.offer(ms(0), 1_000), Some(ms(550)));
        assert_eq!(up.offer(ms(0), 1_000), Some(ms(800)));
        assert_eq!(up.offer(ms(5_000), 1_000), Some(ms(5_550)), "an idle link saves nothing up");
    }

    #[test]
    fn jitter_stays_within_its_bounds_and_nothing_overtakes() {
        let mut up = Profile { loss_per_mille: 0, ..gprs() }.up(7);
        let mut last = Duration::ZERO;
        for number in 0..500 {
            let now = ms(number * 300);
            let arrival = up.offer(now, 1_000).expect("none is lost");
            assert!((now + ms(250 + 270)..=now + ms(250 + 330)).contains(&arrival) && arrival >= last);
            last = arrival;
        }
    }

    #[test]
    fn a_full_queue_drops_what_comes_on_top() {
        let mut up = Profile { loss_per_mille: 0, ..gprs() }.up(1);
        let arrived = (0..100).filter(|_| up.offer(ms(0), 1_500).is_some()).count();
        assert_eq!((arrived, up.tally().dropped), (20, 80));
    }

    #[test]
    fn losses_are_as_many_as_said_and_the_same_for_a_seed() {
        let losses = |seed| -> Vec<bool> {
            let mut up = gprs().up(seed);
            (0..10_000).map(|number| up.offer(ms(number * 1_000), 100).is_none()).collect()
        };
        let (some, others) = (losses(1), losses(2));
        assert_eq!(some, losses(1));
        assert_ne!(some, others);
        let lost = some.iter().filter(|lost| **lost).count();
        assert!((150..=250).contains(&lost), "{lost} of 10,000 at 2 %");
    }

    #[test]
    fn what_is_under_way_when_the_link_goes_down_is_gone() {
        let flaky = Profile { loss_per_mille: 0, ..Profile::named("flaky").expect("it is one of them") };
        let mut up = flaky.up(1);
        assert!(up.offer(ms(0), 100).is_some());
        assert_eq!(up.offer(ms(19_900), 100), None, "it would arrive after the end");
        assert_eq!(up.offer(ms(30_000), 100), None);
        assert!(up.offer(ms(60_000), 100).is_some());
        assert_eq!(up.tally(), Tally { packets: 4, bytes: 400, lost: 0, dropped: 0, cut: 2 });
    }
}
