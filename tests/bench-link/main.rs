//! Bytes and time until records are safe at the other end of a bad link: ours, the least that is thinkable, and programs
//! that one could use instead, in one run over the same link.
//!
//! `cargo run --release -p kentongan-tests --bin bench-link -- --help`

mod field;
mod floor;
mod ours;
mod records;
mod rivals;
mod short;
mod story;

use std::process::ExitCode;

use field::{Program, Sample, State};
use kentongan_tests::link::Profile;
use records::Records;

const HELP: &str = "bench-link [--profiles P,P…] [--sizes N,N…] [--with W,W…] [--seeds N] [--limit S] [--file FILE [--map MAP]]
bench-link --short
bench-link --idle
bench-link --kills [--seeds N]

Prints for each link and number of records, over real IP links (root, Linux): all IP bytes both ways and the seconds until
the last record is durable at the other end, medians of all seeds, and each as a multiple of the floor. One JSON line each.

  --profiles P,P…  kinds of links, as `link --list` names them (gprs,edge,vsat,3g-poor,flaky)
  --sizes N,N…     numbers of records (1,10,100,1000)
  --with W,W…      cold, connected (ours); post, batch, rsync, mqtt (curl, curl, rsync, mosquitto); all by default
  --seeds N        how often each is measured, with other losses and moments (3)
  --limit S        seconds after which a program has not finished (600)
  --file, --map    records of another system instead of our own generator's: JSON lines, and a map for the import
  --short          a few seconds over a relay, without root, for continuous integration
  --idle           what a quiet office costs: bytes a day, memory, wake-ups, processor time
  --kills          kill -9 of agent and hub over a link that comes and goes: what is lost, what is doubled
";

struct Args {
    profiles: Vec<Profile>,
    sizes: Vec<usize>,
    programs: Vec<Program>,
    seeds: u64,
    limit_s: u64,
    records: Records,
    form: Form,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Full,
    Short,
    Idle,
    Kills,
}

fn args() -> Option<Args> {
    let named = |names: &str| names.split(',').map(Profile::named).collect::<Option<Vec<_>>>();
    let mut args = Args {
        profiles: named("gprs,edge,vsat,3g-poor,flaky")?,
        sizes: vec![1, 10, 100, 1_000],
        programs: field::PROGRAMS.to_vec(),
        seeds: 3,
        limit_s: 600,
        records: Records::own(),
        form: Form::Full,
    };
    let mut given = std::env::args().skip(1);
    while let Some(word) = given.next() {
        match word.as_str() {
            "--profiles" => args.profiles = named(&given.next()?)?,
            "--sizes" => args.sizes = given.next()?.split(',').map(|size| size.parse().ok()).collect::<Option<_>>()?,
            "--with" => args.programs = given.next()?.split(',').map(Program::named).collect::<Option<_>>()?,
            "--seeds" => args.seeds = given.next()?.parse().ok().filter(|seeds| *seeds > 0)?,
            "--limit" => args.limit_s = given.next()?.parse().ok()?,
            "--file" => args.records.file = Some(given.next()?.into()),
            "--map" => args.records.map = Some(given.next()?.into()),
            "--short" => args.form = Form::Short,
            "--idle" => args.form = Form::Idle,
            "--kills" => args.form = Form::Kills,
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
    match args.form {
        Form::Short => short::run(),
        Form::Idle => story::idle(),
        Form::Kills => story::kills(args.seeds),
        Form::Full => full(&args),
    }
}

fn full(args: &Args) -> ExitCode {
    args.records.say_how_varied();
    for profile in &args.profiles {
        for &size in &args.sizes {
            let lines = args.records.lines(size);
            println!("\n{} with {size} records, {} B of JSON lines", profile.name, lines.len());
            for state in [State::Cold, State::Connected] {
                floor::of(&lines, profile, state).print(profile, size, &format!("floor, {}", state.name()), None);
            }
            for &program in &args.programs {
                let floor = floor::of(&lines, profile, program.state());
                let mut samples = Vec::new();
                for seed in 1..=args.seeds {
                    let profile = field::phased(profile, seed, args.seeds);
                    match program.measure(&profile, seed, &args.records, &lines, args.limit_s) {
                        Ok(sample) => samples.push(sample),
                        Err(reason) => {
                            println!("{}: skipped: {reason}", program.name());
                            break;
                        }
                    }
                }
                if let Some(median) = Sample::median(samples) {
                    median.print(profile, size, program.name(), Some(floor));
                }
            }
        }
    }
    ExitCode::SUCCESS
}
