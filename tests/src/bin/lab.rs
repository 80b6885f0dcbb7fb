//! `lab`: kills, fills up, cuts off and copies the real programs while they work, and counts what is lost.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use kentongan_tests::Dice;
use kentongan_tests::lab::{CASES, Case, Lab, Row};

const HELP: &str = "lab [--minutes M] [--seed N] [--list] [CASE…]

  --minutes M   the long form: so many minutes, shared by the cases (the short form: a few rounds of each)
  --seed N      for the random choices; drawn and printed if none is given
  --list        the cases
";

struct Args {
    minutes: Option<u64>,
    seed: u64,
    cases: Vec<Case>,
}

fn args() -> Option<Args> {
    let mut args = Args { minutes: None, seed: u64::from(std::process::id()), cases: Vec::new() };
    let mut given = std::env::args().skip(1);
    while let Some(word) = given.next() {
        match word.as_str() {
            "--minutes" => args.minutes = Some(given.next()?.parse().ok()?),
            "--seed" => args.seed = given.next()?.parse().ok()?,
            "--list" => {
                CASES.iter().for_each(|(name, what, _)| println!("{name:13} {what}"));
                std::process::exit(0);
            }
            name => args.cases.push(*CASES.iter().find(|case| case.0 == name)?),
        }
    }
    if args.cases.is_empty() {
        args.cases = CASES.to_vec();
    }
    Some(args)
}

fn main() -> ExitCode {
    let Some(args) = args() else {
        print!("{HELP}");
        return ExitCode::from(2);
    };
    println!("seed {}", args.seed);
    let share = args.minutes.map(|minutes| Duration::from_secs(minutes * 60) / args.cases.len() as u32);
    let mut rows = Vec::new();
    for (number, (name, what, play)) in args.cases.iter().enumerate() {
        let dice = Dice::new(args.seed.wrapping_add(number as u64));
        let mut lab = match share {
            Some(time) => Lab::long(dice, time),
            None => Lab::short(dice),
        };
        let began = Instant::now();
        let row = play(&mut lab);
        eprintln!("{name}: {} rounds in {:.0} s", row.rounds, began.elapsed().as_secs_f64());
        rows.push((*name, *what, row));
    }
    print_table(&rows);
    let broken = rows.iter().any(|(_, _, row)| row.lost + row.doubled > 0);
    if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn print_table(rows: &[(&str, &str, Row)]) {
    println!("| case | what | rounds | said to be saved | lost | doubled | slowest restart | |");
    println!("|---|---|---|---|---|---|---|---|");
    for (name, what, row) in rows {
        let Row { rounds, saved, lost, doubled, restart_ms, note, skipped } = row;
        match skipped {
            Some(why) => println!("| {name} | {what} | - | - | - | - | - | skipped: {why} |"),
            None => {
                println!("| {name} | {what} | {rounds} | {saved} | {lost} | {doubled} | {restart_ms} ms | {note} |")
            }
        }
    }
}
