#![no_main]

use kentongan_tests::fuzzing::target;

libfuzzer_sys::fuzz_target!(init: target("offers").write_seeds(), |data: &[u8]| target("offers").run_or_abort(data));
