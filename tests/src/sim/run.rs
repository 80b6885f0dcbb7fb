//! A seed, its repetition, and its shortest story.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::check::ROUNDS_MAX;
use super::plan::{Kind, Plan, stream};
use super::world::World;

/// What came of a run.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// The first thing that must not be.
    pub broken: Option<String>,
    /// One number for the whole history.
    pub hash: u64,
    /// The history in words, if it was asked for.
    pub lines: Vec<String>,
    /// Exchanges begun.
    pub exchanges: u64,
    /// Things shown as saved.
    pub saves: u64,
    /// Saved things that a promise allows to be gone.
    pub excused: u64,
    /// Faults of the network.
    pub network_faults: u64,
    /// Minutes after the last fault until every outbox was empty.
    pub resumed_min: i64,
    /// Events by kind.
    pub events: BTreeMap<Kind, u64>,
}

/// Plays a plan.
pub fn play(plan: &Plan, in_words: bool) -> Outcome {
    let played = catch_unwind(AssertUnwindSafe(|| played(plan, in_words)));
    played.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
        Outcome { broken: Some(format!("panicked: {text}")), ..Outcome::default() }
    })
}

fn played(plan: &Plan, in_words: bool) -> Outcome {
    let mut world = World::new(plan.clone(), in_words);
    for (place, event) in plan.events.iter().enumerate() {
        world.play(place, *event);
        if world.is_broken() {
            return outcome(world);
        }
    }
    let mut dice = stream(plan.seed, 4);
    world.heal(&mut dice);
    world.resume();
    for _ in 0..ROUNDS_MAX {
        world.round_of_loops();
    }
    let most = world.round_of_loops();
    world.check_quiet(most);
    world.check_all();
    outcome(world)
}

fn outcome(mut world: World) -> Outcome {
    world.pcs.iter_mut().for_each(super::pc::Pc::end);
    world.net().hub.end();
    let excused = world.model.ops.values().filter(|known| known.excused.is_some()).count() as u64;
    let mut net = world.net();
    let tale = std::mem::take(&mut net.tale);
    let (exchanges, network_faults) = (net.exchanges, net.faults);
    drop(net);
    Outcome {
        broken: tale.broken().map(str::to_owned),
        hash: tale.hash(),
        lines: tale.into_lines(),
        exchanges,
        saves: world.saves,
        excused,
        network_faults,
        resumed_min: world.resumed_min,
        events: world.faults,
    }
}

/// The shortest plan found that breaks in the same way: halves, then single events, are left out as long as it does.
pub fn shrunk(plan: &Plan) -> Plan {
    let way = |plan: &Plan| play(plan, false).broken.map(|broken| broken.replace(|c: char| !c.is_alphabetic(), " "));
    let first = |words: Option<String>| words.and_then(|words| words.split_whitespace().next().map(str::to_owned));
    let wanted = first(way(plan));
    let breaks = |plan: &Plan| wanted.is_some() && first(way(plan)) == wanted;
    let mut best = plan.clone();
    let mut size = best.events.len().div_ceil(2);
    while size > 0 {
        let mut from = 0;
        while from < best.events.len() {
            let mut shorter = best.clone();
            shorter.events.drain(from..(from + size).min(best.events.len()));
            if breaks(&shorter) {
                best = shorter;
            } else {
                from += size;
            }
        }
        size /= 2;
    }
    best
}
