#![no_main]

use kentongan_tests::fuzzing::target;

libfuzzer_sys::fuzz_target!(init: target("tables").write_seeds(), |data: &[u8]| target("tables").run_or_abort(data));
