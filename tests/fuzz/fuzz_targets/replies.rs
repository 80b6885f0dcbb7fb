#![no_main]

use kentongan_tests::fuzzing::target;

libfuzzer_sys::fuzz_target!(init: target("replies").write_seeds(), |data: &[u8]| target("replies").run_or_abort(data));
