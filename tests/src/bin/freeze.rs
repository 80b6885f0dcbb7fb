//! `freeze`: writes stores and an exchange of this version into a new folder, for later versions to be tested with.

use std::path::Path;
use std::process::ExitCode;

use kentongan_tests::frozen::Frozen;

/// From this seed on the first history is kept that has a bit of everything in it.
const SEED: u64 = 1;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let Some(dir) = args.next() else {
        eprintln!("freeze DIR [SEED]: writes a new folder such as tests/data/release-0.1");
        return ExitCode::from(2);
    };
    let seed = args.next().and_then(|seed| seed.parse().ok()).unwrap_or(SEED);
    if Path::new(&dir).exists() {
        eprintln!("{dir} exists. What was released is never made again: later programs must bear it as it is.");
        return ExitCode::FAILURE;
    }
    let frozen = match Frozen::complete(seed) {
        Ok(frozen) => frozen,
        Err(lacks) => {
            eprintln!("no history from seed {seed} on has everything; the nearest lacks: {}", lacks.join(", "));
            return ExitCode::FAILURE;
        }
    };
    match frozen.write(Path::new(&dir)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{dir}: {error}");
            ExitCode::FAILURE
        }
    }
}
