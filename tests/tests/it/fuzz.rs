//! The fuzz targets without a fuzzer: seeds, kept inputs, and mutations from a number that is printed.

use kentongan_tests::Dice;
use kentongan_tests::fuzzing::{TARGETS, Target, mutated, target};

/// Everything that a target has to bear in an ordinary test.
fn bears(name: &str) {
    let target = target(name);
    let mut seeds = (target.seeds)();
    assert!(!seeds.is_empty());
    for (place, seed) in seeds.iter().enumerate() {
        tried(target, &format!("seed {place}"), seed);
    }
    for (file, input) in target.kept() {
        tried(target, &file, &input);
        seeds.push(input);
    }
    let mut dice = Dice::from_environment(name, 20_261_121);
    for place in 0..mutations(target) {
        tried(target, &format!("mutation {place}"), &mutated(&mut dice, &seeds));
    }
}

/// `KENTONGAN_FUZZ_TIMES=N` tries N times as many.
fn mutations(target: &Target) -> usize {
    let times = std::env::var("KENTONGAN_FUZZ_TIMES").map_or(1, |text| text.parse().expect("a number"));
    target.mutations * times
}

/// Runs an input; where something does not hold, leaves it in a file that is named.
fn tried(target: &Target, what: &str, input: &[u8]) {
    let outcome = std::panic::catch_unwind(|| target.run(input));
    if let Err(panic) = outcome {
        let file = std::env::temp_dir().join(format!("{}-{}", target.name, std::process::id()));
        std::fs::write(&file, input).expect("the input is kept");
        println!("{}, {what}: the input is in {}", target.name, file.display());
        std::panic::resume_unwind(panic);
    }
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(#[test] fn $name() { bears(stringify!($name)); })*

        #[test]
        fn every_target_is_played_here_and_has_its_fuzz_target() {
            let names = [$(stringify!($name)),*];
            assert_eq!(TARGETS.iter().map(|target| target.name).collect::<Vec<_>>(), names);
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz");
            let manifest = std::fs::read_to_string(format!("{folder}/Cargo.toml")).expect("read");
            for name in names {
                assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} is no fuzz target");
                assert!(std::path::Path::new(&format!("{folder}/fuzz_targets/{name}.rs")).is_file(), "{name}");
            }
        }
    };
}

targets! {
    frames requests replies accept accept_sqlite packed ops sealed values merge tables sheets settings enrol_files codes certificates
    enrolments enrolment_answers carried_files bundles update_files offers agent_requests hub_requests
}
