#![no_main]

use kentongan_tests::fuzzing::target;

libfuzzer_sys::fuzz_target!(init: target("settings").write_seeds(), |data: &[u8]| target("settings").run_or_abort(data));
