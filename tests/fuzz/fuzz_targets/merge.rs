#![no_main]

use kentongan_tests::fuzzing::target;

libfuzzer_sys::fuzz_target!(init: target("merge").write_seeds(), |data: &[u8]| target("merge").run_or_abort(data));
