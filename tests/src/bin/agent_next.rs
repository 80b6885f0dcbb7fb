//! The agent of a made-up next version, see [`kentongan_protocol::next`].

use std::process::ExitCode;

use kentongan_protocol::next::{Speaks, everywhere};

fn main() -> ExitCode {
    everywhere(Speaks::Both);
    kentongan_agent::cli::main()
}
