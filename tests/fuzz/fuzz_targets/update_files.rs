#![no_main]

use kentongan_tests::fuzzing::target;

libfuzzer_sys::fuzz_target!(init: target("update_files").write_seeds(), |data: &[u8]| target("update_files").run_or_abort(data));
