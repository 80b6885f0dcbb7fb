//! One measurement: who, over what, and what came out.

use std::time::{Duration, Instant};

use kentongan_tests::link::{Outages, Profile, Tally, Wire};
use serde_json::json;

use crate::records::Records;
use crate::{ours, rivals};

/// Whether a connection is open already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Cold,
    Connected,
}

impl State {
    pub(crate) fn name(self) -> &'static str {
        match self {
            State::Cold => "cold",
            State::Connected => "connected",
        }
    }
}

/// Who carries the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Program {
    Ours(State),
    Post,
    Batch,
    Rsync,
    Mqtt,
}

pub(crate) const PROGRAMS: [Program; 6] = [
    Program::Ours(State::Cold),
    Program::Ours(State::Connected),
    Program::Post,
    Program::Batch,
    Program::Rsync,
    Program::Mqtt,
];

impl Program {
    pub(crate) fn named(name: &str) -> Option<Program> {
        PROGRAMS.into_iter().find(|program| program.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Program::Ours(state) => state.name(),
            Program::Post => "post",
            Program::Batch => "batch",
            Program::Rsync => "rsync",
            Program::Mqtt => "mqtt",
        }
    }

    pub(crate) fn state(self) -> State {
        match self {
            Program::Ours(state) => state,
            _ => State::Cold,
        }
    }

    /// One measurement, or why there is none.
    pub(crate) fn measure(
        self,
        profile: &Profile,
        seed: u64,
        records: &Records,
        lines: &str,
        limit_s: u64,
    ) -> Result<Sample, String> {
        let run = Run { profile, seed, limit: Duration::from_secs(limit_s) };
        match self {
            Program::Ours(state) => ours::measure(&run, state, records, lines),
            Program::Post => rivals::http::posts(&run, lines),
            Program::Batch => rivals::http::batch(&run, lines),
            Program::Rsync => rivals::rsync::measure(&run, lines),
            Program::Mqtt => rivals::mqtt::measure(&run, lines),
        }
    }
}

/// What a measurement is made with.
pub(crate) struct Run<'a> {
    pub(crate) profile: &'a Profile,
    pub(crate) seed: u64,
    pub(crate) limit: Duration,
}

impl Run<'_> {
    /// A link on which everything can be set up; it becomes the bad one with [`Run::begin`].
    pub(crate) fn lay(&self) -> Result<Wire, String> {
        Wire::lay(&Profile::named("lan").ok_or("no profile lan")?, self.seed)
    }

    /// The link becomes what it is to be.
    pub(crate) fn begin<'w>(&self, wire: &'w Wire) -> Watch<'w> {
        wire.set(self.profile, self.seed);
        Watch { wire, began: Instant::now(), before: (wire.up(), wire.down()), limit: self.limit }
    }
}

/// A measurement under way.
pub(crate) struct Watch<'a> {
    wire: &'a Wire,
    began: Instant,
    before: (Tally, Tally),
    limit: Duration,
}

/// No packet for so long: the talking is over.
const QUIET: Duration = Duration::from_secs(3);

/// Longest wait for that.
const QUIET_WITHIN: Duration = Duration::from_secs(30);

impl Watch<'_> {
    pub(crate) fn is_over(&self) -> bool {
        self.began.elapsed() >= self.limit
    }

    /// Waits until `done`, then until nothing is said any more.
    pub(crate) fn wait(self, mut done: impl FnMut() -> bool) -> Sample {
        let seconds = loop {
            if done() {
                break Some(self.began.elapsed().as_secs_f64());
            }
            if self.is_over() {
                break None;
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        let (mut last, mut since, began) = (self.packets(), Instant::now(), Instant::now());
        while seconds.is_some() && since.elapsed() < QUIET && began.elapsed() < QUIET_WITHIN {
            std::thread::sleep(Duration::from_millis(50));
            if self.packets() != last {
                (last, since) = (self.packets(), Instant::now());
            }
        }
        let (up, down) = (self.wire.up().since(&self.before.0), self.wire.down().since(&self.before.1));
        Sample { seconds, up_bytes: up.bytes, down_bytes: down.bytes, packets: up.packets + down.packets }
    }

    fn packets(&self) -> u64 {
        self.wire.up().packets + self.wire.down().packets
    }
}

/// What came out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// Until the last record was durable at the other end; `None`: it never was.
    pub(crate) seconds: Option<f64>,
    pub(crate) up_bytes: u64,
    pub(crate) down_bytes: u64,
    pub(crate) packets: u64,
}

impl Sample {
    fn bytes(&self) -> u64 {
        self.up_bytes + self.down_bytes
    }

    /// The middle of each figure. A program that did not finish counts as slower than any that did.
    pub(crate) fn median(samples: Vec<Sample>) -> Option<Sample> {
        let middle = |key: &dyn Fn(&Sample) -> f64| {
            let mut all: Vec<f64> = samples.iter().map(key).collect();
            all.sort_by(f64::total_cmp);
            all.get(all.len() / 2).copied()
        };
        let seconds = middle(&|sample| sample.seconds.unwrap_or(f64::INFINITY))?;
        Some(Sample {
            seconds: seconds.is_finite().then_some(seconds),
            up_bytes: middle(&|sample| sample.up_bytes as f64)? as u64,
            down_bytes: middle(&|sample| sample.down_bytes as f64)? as u64,
            packets: middle(&|sample| sample.packets as f64)? as u64,
        })
    }

    /// A line for people and one for scripts.
    pub(crate) fn print(&self, profile: &Profile, size: usize, who: &str, floor: Option<Sample>) {
        let Sample { seconds, up_bytes, down_bytes, packets } = *self;
        let time = seconds.map_or("did not finish".to_owned(), |seconds| format!("{seconds:7.2} s"));
        let of_floor = floor.map(|floor| {
            let bytes = self.bytes() as f64 / floor.bytes() as f64;
            (bytes, seconds.zip(floor.seconds).map(|(ours, floor)| ours / floor))
        });
        let ratio = of_floor.map_or(String::new(), |(bytes, time)| {
            let time = time.map_or(String::new(), |time| format!(", {time:.2} × its time"));
            format!("  {bytes:.2} × the floor's bytes{time}")
        });
        println!(
            "  {who:17} {time}  {:>8} B ({up_bytes} up, {down_bytes} down, {packets} packets){ratio}",
            self.bytes()
        );
        println!(
            "{}",
            json!({
                "profile": profile.name, "records": size, "who": who, "seconds": seconds, "bytes": self.bytes(),
                "up_bytes": up_bytes, "down_bytes": down_bytes, "packets": packets,
                "bytes_of_floor": of_floor.map(|(bytes, _)| bytes), "time_of_floor": of_floor.and_then(|(_, time)| time),
            })
        );
    }
}

/// Each seed begins at another moment of the link's coming and going, evenly spread.
pub(crate) fn phased(profile: &Profile, seed: u64, seeds: u64) -> Profile {
    let phase = |outages: Outages| {
        let part = (seed as f64 - 0.5) / seeds as f64;
        Outages { phase: (outages.up + outages.down).mul_f64(part), ..outages }
    };
    Profile { outages: profile.outages.map(phase), ..*profile }
}
