#![no_main]

use kentongan_tests::fuzzing::target;

libfuzzer_sys::fuzz_target!(init: target("enrolments").write_seeds(), |data: &[u8]| target("enrolments").run_or_abort(data));
