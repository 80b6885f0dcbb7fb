//! The program `kentongan-hub`.

use std::process::ExitCode;

fn main() -> ExitCode {
    kentongan_hub::cli::run()
}
