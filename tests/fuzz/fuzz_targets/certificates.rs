#![no_main]

use kentongan_tests::fuzzing::target;

libfuzzer_sys::fuzz_target!(init: target("certificates").write_seeds(), |data: &[u8]| target("certificates").run_or_abort(data));
