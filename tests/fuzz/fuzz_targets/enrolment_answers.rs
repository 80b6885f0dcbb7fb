#![no_main]

use kentongan_tests::fuzzing::target;

libfuzzer_sys::fuzz_target!(init: target("enrolment_answers").write_seeds(), |data: &[u8]| target("enrolment_answers").run_or_abort(data));
