//! What the hub notes of an office's day.

use kentongan_protocol::calendar::Zone;
use kentongan_protocol::session::Line;

use super::{NOW, Pc, VILLAGE, World};
use crate::accept::{Bounds, Call, Input, Moment, Output};
use crate::store::OfficeDay;

const MINUTE_MS: i64 = 60_000;

/// Has a request answered by a whole call, or cut after some of its bytes.
fn call(world: &mut World, pc: &Pc, bytes: &[u8], end: Input, now_ms: i64) -> Vec<u8> {
    let bounds = Bounds { request_bytes_max: 1 << 20, min_free_bytes: 0, free_bytes: None };
    let now = Moment { wall_ms: now_ms, boot_ms: 5 };
    let mut call = Call::new(pc.shown(), bounds, Line::default(), now);
    let (mut said, mut inputs) = (Vec::new(), [Input::Bytes(bytes.to_vec()), end].into_iter());
    while !call.is_over() {
        while let Some(output) = call.next_output() {
            if let Output::Whole(bytes) | Output::Part(bytes) = output {
                said.extend(bytes);
            }
        }
        if let Some(job) = call.next_job() {
            let hub = std::sync::Arc::clone(&world.hub);
            call.done(Ok(world.done(|tx| job.run(&hub, tx, now))));
        } else if let Some(input) = inputs.next() {
            call.take(input, now);
        }
    }
    said
}

fn day(world: &mut World, at_ms: i64) -> Option<OfficeDay> {
    let office = VILLAGE.parse().expect("a code");
    world.done(|tx| tx.office_day(&office, Zone::Wib.day_of(at_ms)))
}

#[test]
fn a_day_counts_exchanges_hours_bytes_and_how_long_records_were_under_way() {
    let mut world = World::new();
    let mut sari = world.enrol(1, VILLAGE);
    sari.complain("Antre lama");
    let request = sari.request(NOW);
    let reply = call(&mut world, &sari, &request, Input::End, NOW);
    let heard = day(&mut world, NOW).expect("a day");
    let hour = 1 << ((NOW / 3_600_000 + 7) % 24);
    assert_eq!((heard.hours, heard.exchanges, heard.ended_early, heard.ops_in), (hour, 1, 0, 1));
    assert_eq!((heard.bytes_in, heard.bytes_out), (request.len() as u64, reply.len() as u64));
    assert_eq!(heard.drained_ms, Some(NOW), "nothing is left there");
    assert_eq!(heard.delays.within_s(100), Some(60));

    // The same again: it is here already, and counts neither as new nor as under way.
    call(&mut world, &sari, &request, Input::End, NOW + MINUTE_MS);
    let again = day(&mut world, NOW).expect("a day");
    assert_eq!((again.exchanges, again.ops_in, again.delays), (2, 1, heard.delays));
    assert_eq!(again.drained_ms, Some(NOW + MINUTE_MS));
}

#[test]
fn what_ended_early_counts_as_such_and_drains_nothing() {
    let mut world = World::new();
    let mut sari = world.enrol(1, VILLAGE);
    sari.complain("Antre lama");
    let request = sari.request(NOW);
    // All but the frame that ends it: what came is stored.
    call(&mut world, &sari, &request[..request.len() - 1], Input::Cut, NOW);
    let heard = day(&mut world, NOW).expect("a day");
    assert_eq!((heard.exchanges, heard.ended_early, heard.drained_ms), (0, 1, None));
    assert_eq!(day(&mut world, NOW + 86_400_000), None);
}

#[test]
fn a_run_that_was_over_before_anybody_measured_it_is_dated_by_the_clock_as_far_as_that_is_off_now() {
    let mut world = World::new();
    let mut sari = world.enrol(1, VILLAGE);
    // Her PC's clock is a minute ahead; that run began two days ago.
    sari.run.wall_ms = NOW + MINUTE_MS - 2 * 86_400_000;
    sari.complain("Antre lama");
    let mut sari = sari.restarted(777);
    let request = sari.request(NOW);
    call(&mut world, &sari, &request, Input::End, NOW);
    let heard = day(&mut world, NOW).expect("a day");
    assert_eq!(heard.delays.within_s(100), Some(259_200), "between one day and three");
}
