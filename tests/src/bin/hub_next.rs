//! The hub of a made-up next version, see [`kentongan_protocol::next`]. With `KENTONGAN_TEST_NEXT_ONLY` it is one of the
//! version after that, which does not speak the present version any more.

use std::process::ExitCode;

use kentongan_protocol::next::{Speaks, everywhere};

fn main() -> ExitCode {
    let only = std::env::var_os("KENTONGAN_TEST_NEXT_ONLY").is_some();
    everywhere(if only { Speaks::NextOnly } else { Speaks::Both });
    kentongan_hub::cli::run()
}
