//! `kentongan-agent`: the program on an office's PC.

use std::process::ExitCode;

fn main() -> ExitCode {
    kentongan_agent::cli::main()
}
