#![no_main]

use kentongan_tests::fuzzing::target;

libfuzzer_sys::fuzz_target!(init: target("packed").write_seeds(), |data: &[u8]| target("packed").run_or_abort(data));
