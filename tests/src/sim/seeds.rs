//! Seeds that once broke, and some that never did, as ordinary tests.

use super::plan::Plan;
use super::run::play;

/// A line of `sim-seeds.txt`: seed, events, and whether the run draws its own mix.
fn kept() -> Vec<(u64, usize, bool)> {
    let lines = include_str!("../../data/sim-seeds.txt").lines();
    let lines = lines.map(|line| line.split('#').next().unwrap_or_default().trim()).filter(|line| !line.is_empty());
    let read = |line: &str| {
        let mut words = line.split_whitespace();
        let seed = words.next()?.parse().ok()?;
        Some((seed, words.next()?.parse().ok()?, words.next()? == "swarm"))
    };
    lines.map(|line| read(line).unwrap_or_else(|| panic!("a seed, a number of events, a mode: {line}"))).collect()
}

#[test]
fn seeds_that_once_broke_hold() {
    for (seed, steps, swarm) in kept() {
        let outcome = play(&Plan::of(seed, steps, swarm), false);
        assert_eq!(outcome.broken, None, "sim --seed {seed} --steps {steps} --replay");
    }
}

#[test]
fn a_handful_of_fresh_seeds_hold() {
    for seed in 9_000..9_020 {
        let outcome = play(&Plan::of(seed, 120, true), false);
        assert_eq!(outcome.broken, None, "sim --seed {seed} --steps 120 --swarm --replay");
        assert!(outcome.saves > 0 && outcome.exchanges > 0);
    }
}

#[test]
fn a_seed_gives_one_history() {
    for seed in [1, 42] {
        let plan = Plan::of(seed, 150, true);
        let (first, second) = (play(&plan, true), play(&plan, true));
        assert_eq!(first.hash, second.hash);
        assert_eq!(first.lines, second.lines);
    }
}
