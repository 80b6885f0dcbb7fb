//! Benches that compare two things in the same run and say the ratio; a time alone says more about the machine.
//!
//! `cargo run --release -p kentongan-tests --bin bench -- [save|import|accept|bytes|packed|idle|page|console]…` (nothing named:
//! all but `console`, which takes minutes). Each prints a line for people and a JSON line for scripts; with `--check` the exit code is 1 if a bound does not hold.

mod accept;
mod bytes;
mod console;
mod idle;
mod import;
mod measure;
mod packed;
mod page;
mod save;

use std::process::ExitCode;

use measure::Figure;

type Bench = fn() -> Vec<Figure>;

const BENCHES: [(&str, Bench); 8] = [
    ("save", save::run),
    ("import", import::run),
    ("accept", accept::run),
    ("bytes", bytes::run),
    ("packed", packed::run),
    ("idle", idle::run),
    ("page", page::run),
    (CONSOLE, console::run),
];
/// Runs only when it is named.
const CONSOLE: &str = "console";

fn main() -> ExitCode {
    let (flags, named): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(|word| word.starts_with("--"));
    let known = |word: &String| BENCHES.iter().any(|(name, _)| name == word);
    if !named.iter().all(known) || flags.iter().any(|flag| flag != "--check") {
        eprintln!("bench [--check] [save|import|accept|bytes|packed|idle|page|console]…");
        return ExitCode::from(2);
    }
    let mut all_hold = true;
    for (name, bench) in BENCHES {
        if (named.is_empty() && name != CONSOLE) || named.iter().any(|word| word == name) {
            for figure in bench() {
                all_hold &= figure.holds();
                figure.print();
            }
        }
    }
    ExitCode::from(u8::from(!flags.is_empty() && !all_hold))
}
