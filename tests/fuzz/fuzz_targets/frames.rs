#![no_main]

use kentongan_tests::fuzzing::target;

libfuzzer_sys::fuzz_target!(init: target("frames").write_seeds(), |data: &[u8]| target("frames").run_or_abort(data));
