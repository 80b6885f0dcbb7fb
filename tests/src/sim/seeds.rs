//! Plans that once broke, and some seeds that never did, as ordinary tests.

use super::plan::Plan;
use super::run::{lines, play};

#[test]
fn plans_that_once_broke_hold() {
    for line in lines(include_str!("../../data/sim-plans.txt")) {
        let plan: Plan = line.parse().unwrap_or_else(|error| panic!("{error}"));
        let outcome = play(&plan, false);
        assert_eq!(outcome.broken, None, "sim --replay --plan \"{line}\"");
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
fn a_revoked_pc_and_one_whose_certificate_ended_are_told_so_and_all_else_drains() {
    let line = "6 offices=1 pcs=2 : Enter1 Contact2 Enter3 Enter4 Contact5 Revoke7 Expire13 Expire14 Expire15 Expire16 \
                Pass17 Enter18 Enter19 Pass20 Contact21 Contact22 Enter24";
    let plan: Plan = line.parse().expect("a plan");
    let outcome = play(&plan, true);
    assert_eq!(outcome.broken, None, "sim --replay --plan \"{line}\"");
    for words in ["device was revoked", "certificate has ended", "has a new certificate", "every outbox is empty"] {
        assert!(outcome.lines.iter().any(|line| line.contains(words)), "{words}: {:#?}", outcome.lines);
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
