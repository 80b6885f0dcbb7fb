#![no_main]

use kentongan_tests::fuzzing::target;

libfuzzer_sys::fuzz_target!(init: target("bundles").write_seeds(), |data: &[u8]| target("bundles").run_or_abort(data));
