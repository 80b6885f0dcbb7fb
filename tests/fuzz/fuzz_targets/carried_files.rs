#![no_main]

use kentongan_tests::fuzzing::target;

libfuzzer_sys::fuzz_target!(init: target("carried_files").write_seeds(), |data: &[u8]| target("carried_files").run_or_abort(data));
