#![no_main]

use kentongan_tests::fuzzing::target;

libfuzzer_sys::fuzz_target!(init: target("agent_requests").write_seeds(), |data: &[u8]| target("agent_requests").run_or_abort(data));
