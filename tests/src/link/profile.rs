//! Kinds of links.

use std::time::Duration;

use super::shape::Shape;

/// A link that comes and goes: so long up, so long down, and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outages {
    /// How long it is up.
    pub up: Duration,
    /// How long it is down afterwards.
    pub down: Duration,
    /// How far into the first round the link is when it begins.
    pub phase: Duration,
}

impl Outages {
    /// Whether the link is up at a moment after its beginning.
    pub fn is_up(&self, at: Duration) -> bool {
        self.within_round(at) < self.up
    }

    /// Whether the link is up all the time between two moments.
    pub fn is_up_throughout(&self, from: Duration, to: Duration) -> bool {
        self.is_up(from) && self.within_round(from) + to.saturating_sub(from) < self.up
    }

    /// How long it stays as it is at a moment.
    pub fn until_change(&self, at: Duration) -> Duration {
        let into = self.within_round(at);
        if into < self.up { self.up - into } else { self.up + self.down - into }
    }

    /// The part of the time that it is up.
    pub fn share_up(&self) -> f64 {
        self.up.as_secs_f64() / (self.up + self.down).as_secs_f64()
    }

    fn within_round(&self, at: Duration) -> Duration {
        let round = (self.up + self.down).as_nanos().max(1);
        Duration::from_nanos(u64::try_from((at + self.phase).as_nanos() % round).unwrap_or(u64::MAX))
    }
}

/// What a kind of link is like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Profile {
    /// What it is called on the command line.
    pub name: &'static str,
    /// Kilobits a second upwards; 0: as fast as this machine.
    pub up_kbit_s: u32,
    /// Kilobits a second downwards; 0: as fast as this machine.
    pub down_kbit_s: u32,
    /// There and back, without waiting for others, in milliseconds.
    pub rtt_ms: u32,
    /// How far the time of one direction varies between its extremes, in milliseconds.
    pub jitter_ms: u32,
    /// Of a thousand packets so many are lost, in each direction.
    pub loss_per_mille: u32,
    /// What waits for its turn in one direction, at most; what comes on top is dropped.
    pub queue_bytes: u32,
    /// When it is down.
    pub outages: Option<Outages>,
}

/// Twenty full packets: mobile networks and cheap modems rather keep than drop, which is seven seconds at 32 kbit/s.
const SHALLOW_BYTES: u32 = 20 * 1_500;

/// What the others have.
const DEEP_BYTES: u32 = 100 * 1_500;

const FLAKY: Outages = Outages { up: Duration::from_secs(20), down: Duration::from_secs(40), phase: Duration::ZERO };

/// All of them.
pub const PROFILES: [Profile; 7] = [
    profile("gprs", (32, 48), (600, 60), 20, SHALLOW_BYTES, None),
    profile("edge", (100, 200), (400, 40), 10, SHALLOW_BYTES, None),
    profile("vsat", (256, 1_000), (650, 20), 5, DEEP_BYTES, None),
    profile("3g-poor", (300, 800), (200, 40), 30, DEEP_BYTES, None),
    profile("flaky", (100, 200), (400, 40), 10, SHALLOW_BYTES, Some(FLAKY)),
    profile("flaky-gprs", (32, 48), (600, 60), 20, SHALLOW_BYTES, Some(FLAKY)),
    profile("lan", (0, 0), (0, 0), 0, DEEP_BYTES * 10, None),
];

const fn profile(
    name: &'static str,
    (up_kbit_s, down_kbit_s): (u32, u32),
    (rtt_ms, jitter_ms): (u32, u32),
    loss_per_mille: u32,
    queue_bytes: u32,
    outages: Option<Outages>,
) -> Profile {
    Profile { name, up_kbit_s, down_kbit_s, rtt_ms, jitter_ms, loss_per_mille, queue_bytes, outages }
}

impl Profile {
    /// The one of that name.
    pub fn named(name: &str) -> Option<Profile> {
        PROFILES.into_iter().find(|profile| profile.name == name)
    }

    /// What happens to packets on their way up, from a seed.
    pub fn up(&self, seed: u64) -> Shape {
        Shape::new(self, self.up_kbit_s, seed)
    }

    /// What happens to packets on their way down, from a seed.
    pub fn down(&self, seed: u64) -> Shape {
        Shape::new(self, self.down_kbit_s, !seed)
    }

    /// Half a round trip.
    pub fn delay(&self) -> Duration {
        Duration::from_micros(u64::from(self.rtt_ms) * 500)
    }

    /// A round trip.
    pub fn rtt(&self) -> Duration {
        2 * self.delay()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_comes_and_goes_says_when() {
        let seconds = Duration::from_secs;
        let outages = Outages { up: seconds(20), down: seconds(40), phase: seconds(15) };
        assert!(outages.is_up(seconds(4)) && !outages.is_up(seconds(5)) && !outages.is_up(seconds(44)));
        assert!(outages.is_up(seconds(45)));
        assert_eq!((outages.until_change(seconds(0)), outages.until_change(seconds(6))), (seconds(5), seconds(39)));
        assert!(outages.is_up_throughout(seconds(45), seconds(64)));
        assert!(!outages.is_up_throughout(seconds(45), seconds(65)), "it went down");
        assert!(!outages.is_up_throughout(seconds(3), seconds(46)), "it was down in between");
        assert!((outages.share_up() - 1.0 / 3.0).abs() < 1e-9);
    }
}
