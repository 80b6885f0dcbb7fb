//! `sim`: plays simulated histories from seeds.

use std::process::ExitCode;

use kentongan_tests::sim::plan::Plan;
use kentongan_tests::sim::run::{lines, play, shrunk};
use kentongan_tests::sim::summary::{Sweep, sweep};

const HELP: &str = "sim [--seed N] [--steps M] [--swarm] [--runs R] [--seconds S] [--jobs J] [--check-coverage]
sim --replay [--seed N ... | --plan LINE|FILE]
sim --planted NAME|all [--seed N] [--runs R]

  --seed N      the first seed (drawn and printed if none is given)
  --steps M     events of each run (150)
  --swarm       each run draws its own mix of faults
  --runs R      runs, seeds N, N+1, ... (1)
  --seconds S   instead of --runs: as many as fit into so many seconds
  --jobs J      runs beside each other (1)
  --plan X      plays a plan, given as the line that a replay prints, or each line of a file
  --replay      shortens a plan that breaks, prints it as a line and tells its history in words
  --check-coverage   fails if something that must be come to was not (feature `planted`)
  --planted X   plants a defect, or all one after the other, and shows when it is found (feature `planted`);
                --runs bounds the runs for each, and each begins at --seed
";

/// Seconds spent on shortening a plan.
const SHRINK_SECONDS_MAX: u64 = 300;

struct Args {
    sweep: Sweep,
    replay: bool,
    coverage: bool,
    plan: Option<String>,
    planted: Option<String>,
}

fn args() -> Option<Args> {
    let sweep =
        Sweep { seed: u64::from(std::process::id()) << 20, steps: 150, swarm: false, runs: 1, seconds: None, jobs: 1 };
    let mut args = Args { sweep, replay: false, coverage: false, plan: None, planted: None };
    let mut given = std::env::args().skip(1);
    while let Some(name) = given.next() {
        match name.as_str() {
            "--planted" => args.planted = Some(given.next()?),
            "--plan" => args.plan = Some(given.next()?),
            "--swarm" => args.sweep.swarm = true,
            "--replay" => args.replay = true,
            "--check-coverage" => args.coverage = true,
            _ => {
                let number = given.next()?.parse::<u64>().ok()?;
                match name.as_str() {
                    "--seed" => args.sweep.seed = number,
                    "--steps" => args.sweep.steps = number as usize,
                    "--runs" => args.sweep.runs = number,
                    "--seconds" => args.sweep.seconds = Some(number),
                    "--jobs" => args.sweep.jobs = number.max(1),
                    _ => return None,
                }
            }
        }
    }
    Some(args)
}

fn main() -> ExitCode {
    let Some(args) = args() else {
        print!("{HELP}");
        return ExitCode::from(2);
    };
    let broke = match (&args.planted, &args.plan) {
        (Some(name), _) => planted(&args.sweep, name),
        (None, Some(given)) => {
            let text = std::fs::read_to_string(given).unwrap_or_else(|_| given.clone());
            let plans: Result<Vec<Plan>, String> = lines(&text).map(str::parse).collect();
            match plans {
                Ok(plans) => plans.iter().filter(|plan| tell(plan, args.replay)).count() > 0,
                Err(wrong) => {
                    println!("{wrong}");
                    return ExitCode::from(2);
                }
            }
        }
        (None, None) if args.replay => tell(&Plan::of(args.sweep.seed, args.sweep.steps, args.sweep.swarm), true),
        (None, None) => {
            let summary = sweep(&args.sweep);
            print!("{summary}");
            let missing = if args.coverage { summary.missing() } else { Vec::new() };
            missing.iter().for_each(|line| println!("never come to: {line}"));
            summary.failed > 0 || !missing.is_empty()
        }
    };
    if broke { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Plays a plan, in words if wanted. Whether it breaks.
fn tell(plan: &Plan, in_words: bool) -> bool {
    let mut outcome = play(plan, false);
    if in_words {
        let plan = if outcome.broken.is_some() { shrunk(plan, SHRINK_SECONDS_MAX) } else { plan.clone() };
        println!("seed {}: {}; {} events\n{plan}", plan.seed, plan.options, plan.events.len());
        outcome = play(&plan, true);
        outcome.lines.iter().for_each(|line| println!("{line}"));
    }
    println!("seed {}: {}", plan.seed, outcome.broken.as_deref().unwrap_or("nothing is broken"));
    outcome.broken.is_some()
}

/// Plants defects and looks for them. Whether one was not found.
#[cfg(feature = "planted")]
fn planted(sweep: &Sweep, name: &str) -> bool {
    use kentongan_protocol::planted::Defect;
    use kentongan_tests::sim::planted::hunt;

    let defects: Vec<Defect> =
        Defect::ALL.iter().copied().filter(|defect| name == "all" || defect.to_string() == name).collect();
    let mut missed = defects.is_empty();
    println!("{:<22} {:>10} {:>6} {:>8}  how it showed", "defect", "seed", "runs", "seconds");
    for defect in defects {
        let found = hunt(defect, sweep.seed, sweep.steps, sweep.runs.max(2));
        let (seed, how) = match found.first {
            Some((seed, how)) => (seed.to_string(), how),
            None => {
                missed = true;
                ("-".to_owned(), "NOT FOUND".to_owned())
            }
        };
        println!("{:<22} {seed:>10} {:>6} {:>8.1}  {how}", defect.to_string(), found.runs, found.seconds);
    }
    missed
}

#[cfg(not(feature = "planted"))]
fn planted(_: &Sweep, _: &str) -> bool {
    println!(
        "planted defects need: cargo run --release -p kentongan-tests --features planted --bin sim -- --planted all"
    );
    true
}
