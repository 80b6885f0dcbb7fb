#![no_main]

use kentongan_tests::fuzzing::target;

libfuzzer_sys::fuzz_target!(init: target("requests").write_seeds(), |data: &[u8]| target("requests").run_or_abort(data));
