#![no_main]

use kentongan_tests::fuzzing::target;

libfuzzer_sys::fuzz_target!(init: target("enrol_files").write_seeds(), |data: &[u8]| target("enrol_files").run_or_abort(data));
