#![no_main]

use kentongan_tests::fuzzing::target;

libfuzzer_sys::fuzz_target!(init: target("codes").write_seeds(), |data: &[u8]| target("codes").run_or_abort(data));
