//! `sim`: plays simulated histories from seeds.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

use kentongan_tests::sim::plan::Plan;
use kentongan_tests::sim::run::{play, shrunk};

const HELP: &str = "sim [--seed N] [--steps M] [--swarm] [--runs R] [--seconds S] [--replay] [--planted NAME|all]

  --seed N      the first seed (drawn and printed if none is given)
  --steps M     events of each run (150)
  --swarm       each run draws its own mix of faults
  --runs R      runs, seeds N, N+1, ... (1)
  --seconds S   instead of --runs: as many as fit into so many seconds
  --replay      tells the history of seed N in words
  --planted X   plants a defect, or all one after the other, and shows when it is found (feature `planted`);
                --runs bounds the runs for each
";

struct Args {
    seed: u64,
    steps: usize,
    swarm: bool,
    runs: u64,
    seconds: Option<u64>,
    replay: bool,
    planted: Option<String>,
}

fn args() -> Option<Args> {
    let mut args = Args {
        seed: u64::from(std::process::id()) << 20,
        steps: 150,
        swarm: false,
        runs: 1,
        seconds: None,
        replay: false,
        planted: None,
    };
    let mut given = std::env::args().skip(1);
    while let Some(name) = given.next() {
        if name == "--planted" {
            args.planted = Some(given.next()?);
            continue;
        }
        let mut number = || given.next().and_then(|text| text.parse::<u64>().ok());
        match name.as_str() {
            "--seed" => args.seed = number()?,
            "--steps" => args.steps = number()? as usize,
            "--runs" => args.runs = number()?,
            "--seconds" => args.seconds = Some(number()?),
            "--swarm" => args.swarm = true,
            "--replay" => args.replay = true,
            _ => return None,
        }
    }
    Some(args)
}

fn main() -> ExitCode {
    let Some(args) = args() else {
        print!("{HELP}");
        return ExitCode::from(2);
    };
    if let Some(name) = &args.planted {
        return planted(&args, name);
    }
    if args.replay {
        return replay(&args);
    }
    let began = Instant::now();
    let (mut runs, mut failed, mut exchanges, mut saves, mut excused, mut network) = (0_u64, 0_u64, 0, 0, 0, 0);
    let mut events = BTreeMap::new();
    let mut resumed_min = 0;
    let mut seed = args.seed;
    loop {
        let enough = match args.seconds {
            Some(seconds) => began.elapsed().as_secs() >= seconds,
            None => runs >= args.runs,
        };
        if enough {
            break;
        }
        let plan = Plan::of(seed, args.steps, args.swarm);
        let outcome = play(&plan, false);
        if seed % 50 == 0 && play(&plan, false).hash != outcome.hash {
            println!("seed {seed}: two runs differ");
            failed += 1;
        }
        runs += 1;
        exchanges += outcome.exchanges;
        saves += outcome.saves;
        excused += outcome.excused;
        network += outcome.network_faults;
        resumed_min = resumed_min.max(outcome.resumed_min);
        for (kind, count) in outcome.events {
            *events.entry(kind).or_insert(0) += count;
        }
        if let Some(broken) = outcome.broken {
            println!("seed {seed}: {broken}");
            failed += 1;
        }
        seed += 1;
    }
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{runs} runs from seed {}: {failed} failed; {exchanges} exchanges ({:.0} a second), {saves} saved, \
         {excused} lost as the promises allow, {network} faults of the network",
        args.seed,
        exchanges as f64 / seconds
    );
    println!("every outbox was empty at most {resumed_min} minutes after the last fault");
    let events: Vec<String> = events.iter().map(|(kind, count)| format!("{kind:?} {count}")).collect();
    println!("{}", events.join(", "));
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn replay(args: &Args) -> ExitCode {
    let plan = Plan::of(args.seed, args.steps, args.swarm);
    println!("seed {}: {}", args.seed, plan.options);
    let outcome = play(&plan, false);
    let plan = if outcome.broken.is_some() { shrunk(&plan) } else { plan };
    println!("{} events", plan.events.len());
    let outcome = play(&plan, true);
    outcome.lines.iter().for_each(|line| println!("{line}"));
    println!("{}", outcome.broken.as_deref().unwrap_or("nothing is broken"));
    if outcome.broken.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

#[cfg(feature = "planted")]
fn planted(args: &Args, name: &str) -> ExitCode {
    use kentongan_protocol::planted::Defect;
    use kentongan_tests::sim::planted::hunt;

    let defects: Vec<Defect> =
        Defect::ALL.iter().copied().filter(|defect| name == "all" || defect.to_string() == name).collect();
    let mut missed = defects.is_empty();
    println!("{:<24} {:>10} {:>7} {:>8}  how it showed", "defect", "seed", "runs", "seconds");
    for defect in defects {
        let found = hunt(defect, args.seed, args.steps, args.runs.max(2));
        let (seed, how) = match found.first {
            Some((seed, how)) => (seed.to_string(), how),
            None => {
                missed = true;
                ("-".to_owned(), "NOT FOUND".to_owned())
            }
        };
        println!("{:<24} {seed:>10} {:>7} {:>8.1}  {how}", defect.to_string(), found.runs, found.seconds);
    }
    if missed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

#[cfg(not(feature = "planted"))]
fn planted(_: &Args, _: &str) -> ExitCode {
    println!(
        "planted defects need: cargo run --release -p kentongan-tests --features planted --bin sim -- --planted all"
    );
    ExitCode::from(2)
}
