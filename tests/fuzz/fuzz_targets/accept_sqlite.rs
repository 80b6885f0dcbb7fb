#![no_main]

use kentongan_tests::fuzzing::target;

libfuzzer_sys::fuzz_target!(init: target("accept_sqlite").write_seeds(), |data: &[u8]| target("accept_sqlite").run_or_abort(data));
