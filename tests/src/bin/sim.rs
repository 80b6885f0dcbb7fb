//! `sim`: plays simulated histories from seeds.

use std::process::ExitCode;

use kentongan_tests::sim::plan::Plan;
use kentongan_tests::sim::run::{lines, play, shrunk};
use kentongan_tests::sim::summary::{Sweep, sweep};

const HELP: &str = "sim [--seed N] [--steps M] [--swarm] [--runs R] [--seconds S] [--jobs J] [--check-coverage]
sim --replay [--seed N ... | --plan LINE|FILE]
sim --planted NAME|all [--seed N] [--runs R] [--jobs J] [--replay [--plan FILE]]

  --seed N      the first seed (drawn and printed if none is given)
  --steps M     events of each run (150)
  --swarm       each run draws its own mix of faults
  --runs R      runs, seeds N, N+1, ... (1)
  --seconds S   instead of --runs: as many as fit into so many seconds
  --jobs J      runs beside each other (1)
  --plan X      plays a plan, given as the line that a replay prints, or each line of a file
  --replay      shortens a plan that breaks, prints it as a line and tells its history in words
  --check-coverage   fails if something that must be come to was not (feature `planted`)
  --planted X   plants a defect, or each of all, and plays the plan kept for it, which must break with it and hold
                without it (feature `planted`). A plan that shows nothing any more is made up for on fresh seeds from
                --seed; with --runs R > 1 that is done for each, up to R runs. Fails if a defect was not caught.
                --replay: finds a plan to keep instead (of --plan FILE, or fresh), shortens it and prints its line
";

/// Seconds spent on shortening a plan.
const SHRINK_SECONDS_MAX: u64 = 300;
/// The same for each planted defect.
#[cfg(feature = "planted")]
const SHRINK_DEFECT_SECONDS_MAX: u64 = 20;
/// Runs on fresh ground for a planted defect whose kept plan shows nothing any more.
#[cfg(feature = "planted")]
const FALLBACK_RUNS: u64 = 120;

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
        (Some(name), _) => planted(&args, name),
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
            if args.coverage {
                summary.seldom().iter().for_each(|(line, count)| println!("seldom come to: {line} {count}"));
            }
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

/// Plants defects and tries to catch them, `--jobs` beside each other. Whether one was not caught.
#[cfg(feature = "planted")]
fn planted(args: &Args, name: &str) -> bool {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Instant;

    use kentongan_protocol::planted::Defect;
    use kentongan_tests::sim::planted::{Ground, to_keep, try_to_catch};

    let given = args.plan.iter().flat_map(|given| {
        let text = std::fs::read_to_string(given).unwrap_or_else(|_| given.clone());
        lines(&text).filter_map(|line| line.parse().ok()).collect::<Vec<Plan>>()
    });
    let (given, began): (Vec<Plan>, _) = (given.collect(), Instant::now());
    let Sweep { seed, steps, runs, .. } = args.sweep;
    let always = runs > 1;
    let ground = Ground { seed, steps, runs: if always { runs } else { FALLBACK_RUNS } };
    let defects: Vec<Defect> =
        Defect::ALL.iter().copied().filter(|defect| name == "all" || defect.to_string() == name).collect();
    let (next, caught) = (AtomicUsize::new(0), AtomicUsize::new(0));
    if !args.replay {
        println!("{:<22} {:>6} {:>5} {:>6}", "defect", "plan", "runs", "s");
    }
    let work = || {
        while let Some(defect) = defects.get(next.fetch_add(1, Ordering::Relaxed)) {
            let caught_now = if args.replay {
                let line = to_keep(*defect, given.clone(), ground, SHRINK_DEFECT_SECONDS_MAX);
                println!("{}", line.clone().unwrap_or_else(|| format!("# {defect}: nothing showed it")));
                line.is_some()
            } else {
                match try_to_catch(*defect, ground, always) {
                    Ok(trial) => {
                        println!("{trial}");
                        trial.is_caught()
                    }
                    Err(wrong) => {
                        println!("{defect}: {wrong}");
                        false
                    }
                }
            };
            caught.fetch_add(usize::from(caught_now), Ordering::Relaxed);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..args.sweep.jobs {
            scope.spawn(work);
        }
    });
    let caught = caught.into_inner();
    if !args.replay {
        println!("{} planted, {caught} caught, in {:.0} s", defects.len(), began.elapsed().as_secs_f64());
    }
    defects.is_empty() || caught < defects.len()
}

#[cfg(not(feature = "planted"))]
fn planted(_: &Args, _: &str) -> bool {
    println!(
        "planted defects need: cargo run --release -p kentongan-tests --features planted --bin sim -- --planted all"
    );
    true
}
