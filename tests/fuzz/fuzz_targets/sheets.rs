#![no_main]

use kentongan_tests::fuzzing::target;

libfuzzer_sys::fuzz_target!(init: target("sheets").write_seeds(), |data: &[u8]| target("sheets").run_or_abort(data));
