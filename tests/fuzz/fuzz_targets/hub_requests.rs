#![no_main]

use kentongan_tests::fuzzing::target;

libfuzzer_sys::fuzz_target!(init: target("hub_requests").write_seeds(), |data: &[u8]| target("hub_requests").run_or_abort(data));
