#![no_main]

use kentongan_tests::fuzzing::target;

libfuzzer_sys::fuzz_target!(init: target("sealed").write_seeds(), |data: &[u8]| target("sealed").run_or_abort(data));
