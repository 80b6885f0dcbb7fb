#![no_main]

use kentongan_tests::fuzzing::target;

libfuzzer_sys::fuzz_target!(init: target("ops").write_seeds(), |data: &[u8]| target("ops").run_or_abort(data));
