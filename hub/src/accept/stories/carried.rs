//! Requests that somebody carried: written some time ago, and perhaps older than what was heard since.

use super::{VILLAGE, events, stored_ops};
use crate::accept::world::{NOW, Pc, World};
use crate::store::{LastContact, Replica};

fn replica(world: &mut World, pc: &Pc) -> Replica {
    world.done(|tx| tx.replica(pc.replica)).expect("it is enrolled")
}

fn heard(world: &mut World, pc: &Pc) -> LastContact {
    replica(world, pc).last_contact.expect("it was heard of")
}

#[test]
fn what_was_carried_is_stored_as_if_it_had_come_over_a_line() {
    let mut world = World::new();
    let mut sari = world.enrol(1, VILLAGE);
    sari.complain("Jembatan putus");
    let request = sari.request(NOW);
    let (_, marks, counts) = world.serve_carried(sari.replica, &request).expect("no fault");
    assert_eq!((counts.stored, marks.held_ops), (1, 1));
    let (outcome, counts) = world.exchange(&mut sari).expect("no fault");
    assert_eq!((outcome.in_order, counts.stored, counts.repeated), (true, 0, 1), "over the line too, and here once");
}

#[test]
fn a_request_of_an_earlier_run_that_comes_late_is_no_twin() {
    let mut world = World::new();
    let mut sari = world.enrol(1, VILLAGE);
    sari.complain("Lampu padam");
    let carried = sari.request(NOW);
    sari = sari.restarted(2);
    sari.complain("Air mati");
    world.settle(&mut sari);
    let speaks = replica(&mut world, &sari).run_now;
    world.serve_carried(sari.replica, &carried).expect("no fault");
    world.settle(&mut sari);
    assert_eq!((stored_ops(&mut world), events(&mut world)), (2, vec![]));
    assert_eq!((replica(&mut world, &sari).run_now, replica(&mut world, &sari).twin_seen_ms), (speaks, None));
}

#[test]
fn what_was_heard_since_goes_before_what_was_carried_and_clocks_are_not_measured() {
    let mut world = World::new();
    let mut sari = world.enrol(1, VILLAGE);
    sari.complain("Pertama");
    let first = sari.request(NOW);
    world.serve_carried(sari.replica, &first).expect("no fault");
    let unmeasured = heard(&mut world, &sari);
    assert_eq!((unmeasured.ops_written, unmeasured.clock_offset_ms), (1, 0));
    assert!(unmeasured.clock_error_ms > 3_600_000, "nobody knows how right its clock is: {unmeasured:?}");

    sari.complain("Kedua");
    world.settle(&mut sari);
    let measured = heard(&mut world, &sari);
    world.serve_carried(sari.replica, &first).expect("no fault");
    assert_eq!(heard(&mut world, &sari), measured);
}
