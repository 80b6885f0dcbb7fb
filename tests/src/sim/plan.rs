//! From a seed to a list of events. Nothing is drawn while the plan is played but from the event's own dice, so leaving
//! out one event leaves the others what they were.

use std::fmt;
use std::str::FromStr;

use crate::Dice;

macro_rules! options {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        /// Sizes and rates of a run. A swarm: each run draws its own mix.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub struct Options {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Options {
            /// All by name.
            pub fn named(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name)),*]
            }

            /// Sets one by name. `false` if there is none of that name.
            pub fn set(&mut self, name: &str, value: u64) -> bool {
                match name {
                    $(stringify!($name) => self.$name = value,)*
                    _ => return false,
                }
                true
            }
        }
    };
}

options! {
    /// Offices.
    offices;
    /// PCs, spread over the offices.
    pcs;
    /// Clocks of PCs are wrong by up to this many seconds from the beginning.
    skew;
    /// Per cent of records that are long.
    bulky;
    /// Per cent of exchanges of which the request never arrives.
    lost;
    /// Per cent of exchanges that are cut in the middle of the request.
    cut_up;
    /// Per cent of exchanges that are cut in the middle of the reply, or before it.
    cut_down;
    /// Per cent of exchanges answered by a stranger.
    stranger;
    /// Per cent of cut exchanges whose request arrives later all the same.
    late;
    /// Per cent of crashes that are power cuts.
    power;
    /// Hundreds of bytes that links carry in a second, 0: more than anybody measures.
    slow;
    /// Per cent of contacts in which ops are packed, if the program finds the link slow or knows nothing of it.
    packs;
    /// PCs have a program of a version that lets people change what this version's forms close (feature `planted`). Not
    /// drawn: kept plans alone set it.
    other_version;
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident $words:literal $people:literal $fault:literal;)*) => {
        /// What can happen.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($(#[$doc])* $name,)*
        }

        impl Kind {
            /// All of them.
            pub const ALL: [Kind; [$(Kind::$name),*].len()] = [$(Kind::$name),*];

            /// In words.
            pub fn words(self) -> &'static str {
                match self {
                    $(Kind::$name => $words,)*
                }
            }

            /// Weight in every run.
            fn always(self) -> u64 {
                match self {
                    $(Kind::$name => $people,)*
                }
            }

            /// Weight in runs that have this fault; 0: it is no fault.
            fn sometimes(self) -> u64 {
                match self {
                    $(Kind::$name => $fault,)*
                }
            }
        }
    };
}

kinds! {
    /// A clerk enters a record.
    Enter "a clerk enters" 20 0;
    /// A clerk opens a form.
    Open "a clerk opens a form" 12 0;
    /// A clerk saves a form that was opened before.
    Save "a clerk saves" 12 0;
    /// A clerk attaches files to a record.
    Attach "a clerk attaches a file" 3 0;
    /// Rows of a file are taken, some of them again.
    Take "a file is dropped" 2 0;
    /// An operator opens a record at the hub.
    OperatorOpens "an operator opens a record" 5 0;
    /// An operator saves.
    OperatorSaves "an operator saves" 5 0;
    /// Somebody asks for a contact at once.
    Contact "somebody presses send now" 8 0;
    /// Time passes.
    Pass "time passes" 4 0;
    /// A PC's program is stopped well and started again.
    Restart "a PC is restarted" 2 0;
    /// The hub is stopped well and started again.
    RestartHub "the hub is restarted" 1 0;
    /// A PC goes down at some write.
    CrashPc "a PC goes down" 0 6;
    /// The hub goes down at some write.
    CrashHub "the hub goes down" 0 6;
    /// A PC sleeps for weeks.
    Sleep "a PC sleeps" 0 1;
    /// The folder of a PC is copied.
    CopyPc "a PC's folder is copied" 0 2;
    /// The folder of a PC is put back to an earlier copy.
    RestorePc "a PC is put back to a copy" 0 2;
    /// A copy of a PC's folder begins to work beside it.
    ClonePc "a PC is cloned" 0 1;
    /// The hub is backed up, and then the durable marks are raised.
    Backup "the hub is backed up" 0 5;
    /// The hub is put back to an earlier backup.
    RestoreHub "the hub is put back to a backup" 0 4;
    /// A clock is set wrong.
    Clock "a clock jumps" 0 3;
    /// A disk fills up.
    Full "a disk fills up" 0 2;
    /// A disk fails at one call.
    Fail "a disk fails once" 0 4;
    /// A second process of the hub begins to work on the same store, or ends.
    SecondHub "a second hub process comes or goes" 0 2;
    /// A request of long ago arrives again.
    Stale "an old request arrives again" 0 6;
    /// A hostile device speaks.
    Enemy "a hostile device speaks" 0 6;
    /// A hostile device names a file, as a clerk's or as nobody's, and sends other bytes.
    EnemyFile "a hostile device sends a file" 0 3;
    /// A bit flips on a disk at rest.
    Flip "a bit flips on a disk" 0 3;
    /// The operator revokes a PC.
    Revoke "a PC is revoked" 0 1;
    /// The certificate of a PC ends within hours.
    Expire "a certificate ends" 0 2;
    /// A PC gets a new certificate.
    Renew "a certificate is renewed" 0 2;
    /// The program of a PC or of the hub is updated to the next version (feature `planted`), or an old one is tried.
    Upgrade "a program is updated" 0 3;
    /// Somebody carries an exchange: a bundle is made, comes to the hub, or its answer comes to the PC.
    Stick "a stick is carried" 0 6;
}

/// One event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// What.
    pub kind: Kind,
    /// Its place in the whole plan, from which its dice come: it stays what it is when others are left out.
    pub step: u32,
}

/// A whole run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Where it came from.
    pub seed: u64,
    /// Sizes and rates.
    pub options: Options,
    /// What happens, in order.
    pub events: Vec<Event>,
}

/// A stream of dice of its own for each purpose.
pub fn stream(seed: u64, purpose: u64) -> Dice {
    let mut dice = Dice::new(seed ^ purpose.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    Dice::new(dice.number())
}

impl Plan {
    /// The plan of a seed. Without `swarm` all faults are on, each seldom.
    pub fn of(seed: u64, steps: usize, swarm: bool) -> Plan {
        let (options, weights) = drawn(&mut stream(seed, 1), swarm);
        let mut dice = stream(seed, 2);
        let total: u64 = weights.iter().sum();
        let events = (0..steps as u32).map(|step| {
            let mut ticket = dice.below(total);
            let kind = Kind::ALL.iter().zip(weights).find(|(_, weight)| {
                let hit = ticket < *weight;
                ticket = ticket.saturating_sub(*weight);
                hit
            });
            Event { kind: kind.map_or(Kind::Pass, |(kind, _)| *kind), step }
        });
        Plan { seed, options, events: events.collect() }
    }

    /// The dice of one of its events.
    pub fn dice(&self, event: Event) -> Dice {
        Dice::new(stream(self.seed, 1_000 + u64::from(event.step)).number())
    }

    /// Kinds of events in it, in the order of [`Kind::ALL`].
    pub fn kinds(&self) -> Vec<Kind> {
        Kind::ALL.into_iter().filter(|kind| self.events.iter().any(|event| event.kind == *kind)).collect()
    }
}

impl Options {
    /// One PC, and nothing ever happens.
    pub fn none() -> Options {
        Options { offices: 1, pcs: 1, ..Options::default() }
    }
}

/// A plan as one line, which says all of it whatever becomes of the weights.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.seed)?;
        for (name, value) in self.options.named().into_iter().filter(|(_, value)| *value > 0) {
            write!(f, " {name}={value}")?;
        }
        write!(f, " :")?;
        self.events.iter().try_for_each(|event| write!(f, " {:?}{}", event.kind, event.step))
    }
}

impl FromStr for Plan {
    type Err = String;

    fn from_str(line: &str) -> Result<Plan, String> {
        let wrong = |word: &str| format!("not of a plan: {word}");
        let (head, tail) = line.split_once(" :").ok_or_else(|| wrong(line))?;
        let mut head = head.split_whitespace();
        let seed = head.next().and_then(|seed| seed.parse().ok()).ok_or_else(|| wrong(line))?;
        let mut options = Options::default();
        for word in head {
            let set = word.split_once('=').and_then(|(name, value)| Some((name, value.parse().ok()?)));
            if !set.is_some_and(|(name, value)| options.set(name, value)) {
                return Err(wrong(word));
            }
        }
        let event = |word: &str| {
            let (kind, step) = word.split_at(word.find(|c: char| c.is_ascii_digit())?);
            let kind = Kind::ALL.into_iter().find(|known| format!("{known:?}") == kind)?;
            Some(Event { kind, step: step.parse().ok()? })
        };
        let events = tail.split_whitespace().map(|word| event(word).ok_or_else(|| wrong(word)));
        Ok(Plan { seed, options, events: events.collect::<Result<_, _>>()? })
    }
}

fn drawn(dice: &mut Dice, swarm: bool) -> (Options, [u64; Kind::ALL.len()]) {
    // A third of the runs has no disaster, a third has some, a third has many.
    let share = if swarm { [0, 25, 65][dice.below(3) as usize] } else { 50 };
    let weights = Kind::ALL.map(|kind| {
        let fault = if dice.percent(share) { kind.sometimes() } else { 0 };
        kind.always() + fault
    });
    let mut rate = |most: u64| {
        let rate = dice.below(most + 1);
        if dice.percent(50) { rate } else { 0 }
    };
    let (lost, cut_up, cut_down) = (rate(20), rate(25), rate(25));
    let (stranger, late) = (rate(5), rate(60));
    let power = [0, 50, 100][dice.below(3) as usize];
    let offices = 1 + dice.below(4);
    let pcs = offices + dice.below(3);
    let bulky = [2, 2, 60][dice.below(3) as usize];
    let skew = [0, 0, 140][dice.below(3) as usize];
    // Each packed stream copies a primed model of some megabytes at both ends, which takes longer than a whole exchange
    // without it. Packing in every contact would play half as many exchanges in a second; so few contacts do, in a third
    // of the runs.
    let packs = [0, 0, 15][dice.below(3) as usize];
    let slow = [0, 10, 40, 5_000][dice.below(4) as usize];
    let options = Options {
        offices,
        pcs,
        skew,
        bulky,
        lost,
        cut_up,
        cut_down,
        stranger,
        late,
        power,
        slow,
        packs,
        ..Options::default()
    };
    (options, weights)
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Options { offices, pcs, skew, bulky, lost, cut_up, cut_down, stranger, late, power, slow, packs, .. } =
            self;
        write!(
            f,
            "{pcs} PCs in {offices} offices, clocks {skew} s wrong; long records {bulky} %; lost {lost} %, cut up {cut_up} %, "
        )?;
        write!(f, "cut down {cut_down} %, strangers {stranger} %, late {late} %, power cuts {power} % of crashes; ")?;
        write!(f, "links carry {slow}00 B/s (0: more), packed {packs} % of contacts")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_the_same_after_being_written_as_a_line() {
        for seed in 0..50 {
            let plan = Plan::of(seed, 60, true);
            assert_eq!(plan.to_string().parse(), Ok(plan));
        }
    }
}
