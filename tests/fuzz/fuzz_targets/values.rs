#![no_main]

use kentongan_tests::fuzzing::target;

libfuzzer_sys::fuzz_target!(init: target("values").write_seeds(), |data: &[u8]| target("values").run_or_abort(data));
