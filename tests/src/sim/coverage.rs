//! What the simulator must come to: places in the programs, and faults that strike just there. Counted in builds with the
//! feature `planted`.

use std::collections::BTreeMap;

use kentongan_protocol::planted::Place::{self, *};
use kentongan_protocol::planted::{last_reached, take_reached};

use super::disk::Disk;
use super::hubside::HUB_DISK;
use super::world::World;

/// A fault that strikes while a contact is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The PC's machine stops at a write.
    PcStops,
    /// A write of the PC's disk fails.
    PcFails,
    /// The hub's machine stops at a write.
    HubStops,
    /// A write of the hub's disk fails.
    HubFails,
}

/// Faults and the places where each must strike in a run of some minutes, besides [`Place::ALL`].
const STRIKES: &[(Fault, &[Place])] = &[
    (Fault::PcStops, &[Request, AskedFirst, MarksKept, PageKept, TakenBack]),
    (Fault::PcFails, &[MarksKept, PageKept]),
    (Fault::HubStops, &[Greeted, BatchStored, PageGiven]),
    (Fault::HubFails, &[Greeted, PageGiven]),
];

/// The same where it takes more runs than a minute has. They are told, and nothing fails for want of them.
const SELDOM: &[(Fault, &[Place])] = &[
    (Fault::PcStops, &[InventorySent, Rewound, EchoOffered]),
    (Fault::PcFails, &[TakenBack, Rewound]),
    (Fault::HubStops, &[EchoTaken, GivenBack]),
    (Fault::HubFails, &[BatchStored]),
];

/// Places of that kind.
const SELDOM_PLACES: &[Place] = &[EchoHeld, EnteredAgain];

/// How often what was come to.
pub type Reached = BTreeMap<String, u64>;

/// Faults so far: of a PC's disk and of the hub's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Struck([(bool, u64); 2]);

impl Struck {
    /// As it is now.
    pub fn now(pc: u64) -> Struck {
        Struck([pc, HUB_DISK].map(|disk| {
            let disk = Disk::at(disk);
            let disk = disk.borrow();
            (disk.is_stopped(), disk.failures())
        }))
    }
}

impl World {
    /// Notes what struck since `before`, and where.
    pub fn note_strikes(&mut self, pc: u64, before: Struck) {
        let Some(place) = last_reached() else { return };
        let after = Struck::now(pc);
        let faults = [(Fault::PcStops, Fault::PcFails), (Fault::HubStops, Fault::HubFails)];
        for (((stops, fails), before), after) in faults.into_iter().zip(before.0).zip(after.0) {
            for (fault, struck) in [(stops, after.0 && !before.0), (fails, after.1 > before.1)] {
                if struck {
                    *self.reached.entry(strike(fault, place)).or_insert(0) += 1;
                }
            }
        }
    }
}

fn strike(fault: Fault, place: Place) -> String {
    format!("{fault:?} at {place:?}")
}

/// Adds the places that this thread came to since it was last asked.
pub fn add_places(reached: &mut Reached) {
    for (place, count) in take_reached() {
        *reached.entry(format!("{place:?}")).or_insert(0) += count;
    }
}

fn strikes(of: &'static [(Fault, &[Place])]) -> impl Iterator<Item = String> {
    of.iter().flat_map(|(fault, places)| places.iter().map(|place| strike(*fault, *place)))
}

/// What must be come to and was not.
pub fn missing(reached: &Reached) -> Vec<String> {
    let places = Place::ALL.iter().filter(|place| !SELDOM_PLACES.contains(place)).map(|place| format!("{place:?}"));
    places.chain(strikes(STRIKES)).filter(|line| reached.get(line).is_none_or(|count| *count == 0)).collect()
}

/// What is seldom come to, and how often it was.
pub fn seldom(reached: &Reached) -> Vec<(String, u64)> {
    strikes(SELDOM)
        .chain(SELDOM_PLACES.iter().map(|place| format!("{place:?}")))
        .map(|line| (reached.get(&line).copied().unwrap_or(0), line))
        .map(|(count, line)| (line, count))
        .collect()
}
