//! A seed, its repetition, and its shortest story.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use super::check::ROUNDS_MAX;
use super::coverage::{Reached, add_places};
use super::plan::{Kind, Plan, stream};
use super::version::Version;
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
    /// Saved things that a promise allows to be gone, by what befell them.
    pub losses: BTreeMap<String, u64>,
    /// Bits that flipped, by what they changed.
    pub flips: BTreeMap<String, u64>,
    /// Where the programs came to, and where faults struck them.
    pub reached: Reached,
}

/// Plays a plan.
pub fn play(plan: &Plan, in_words: bool) -> Outcome {
    // Whoever looks on reads everything; each machine does what it does as its own version.
    let played = catch_unwind(AssertUnwindSafe(|| Version::Next.play(|| played(plan, in_words))));
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
    if !world.is_broken() && world.upgrade_all() {
        for _ in 0..ROUNDS_MAX {
            world.round_of_loops();
        }
        world.check_all();
    }
    outcome(world)
}

fn outcome(mut world: World) -> Outcome {
    world.pcs.iter_mut().for_each(super::pc::Pc::end);
    world.net().hub.end();
    let mut losses = BTreeMap::new();
    for why in world.model.ops.values().filter_map(|known| known.excused.as_ref()) {
        // Numbers of PCs say nothing in a sum.
        let why: String = why.chars().filter(|c| !c.is_ascii_digit()).collect();
        *losses.entry(why).or_insert(0) += 1;
    }
    let excused = losses.values().sum();
    let mut reached = std::mem::take(&mut world.reached);
    add_places(&mut reached);
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
        losses,
        flips: world.flips,
        reached,
    }
}

/// Lines of a file of plans that are neither empty nor remarks.
pub fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// The shortest plan found that breaks in the same way. Whatever can be left out is: rates, whole kinds of events, halves,
/// single events, offices. Ends early after `seconds_max`.
pub fn shrunk(plan: &Plan, seconds_max: u64) -> Plan {
    let began = Instant::now();
    let way = |plan: &Plan| play(plan, false).broken.map(|broken| broken.replace(|c: char| !c.is_alphabetic(), " "));
    let first = |words: Option<String>| words.and_then(|words| words.split_whitespace().next().map(str::to_owned));
    let wanted = first(way(plan));
    let breaks = |plan: &Plan| wanted.is_some() && first(way(plan)) == wanted;
    let mut best = plan.clone();
    let mut attempt = |best: &mut Plan, shorter: Plan| {
        let late = began.elapsed().as_secs() >= seconds_max;
        let breaks = !late && shorter != *best && breaks(&shorter);
        if breaks {
            *best = shorter;
        }
        breaks
    };
    loop {
        let before = best.clone();
        for (name, _) in best.options.named() {
            // Offices and PCs: as few as may be. Rates: none.
            let least = if matches!(name, "offices" | "pcs") { 1 } else { 0 };
            let mut fewer = best.clone();
            fewer.options.set(name, least);
            attempt(&mut best, fewer);
        }
        for kind in best.kinds() {
            let mut without = best.clone();
            without.events.retain(|event| event.kind != kind);
            attempt(&mut best, without);
        }
        leave_out_events(&mut best, &mut attempt);
        if best == before {
            return best;
        }
    }
}

/// Leaves out halves, quarters and so on, down to single events.
fn leave_out_events(best: &mut Plan, attempt: &mut impl FnMut(&mut Plan, Plan) -> bool) {
    let mut size = best.events.len().div_ceil(2);
    while size > 0 {
        let mut from = 0;
        while from < best.events.len() {
            let mut shorter = best.clone();
            shorter.events.drain(from..(from + size).min(best.events.len()));
            if !attempt(best, shorter) {
                from += size;
            }
        }
        size /= 2;
    }
}
