//! What is not true is refused, kept aside or passed over, and told.

use kentongan_protocol::error::Fault;
use kentongan_protocol::ids::Lane;
use kentongan_protocol::log::LogHead;

use super::{CLINIC, VILLAGE, events, forged, forged_as, forgetful, stored_ops};
use crate::accept::world::{Pc, World, complaint};

#[test]
fn another_content_under_a_known_name_is_kept_aside_and_told_once() {
    let mut world = World::new();
    let mut sari = world.enrol(1, VILLAGE);
    sari.complain("Antre terlalu lama");
    world.settle(&mut sari);
    let head = sari.logs.values().next().expect("a log").head.clone();
    let other = complaint("Antre sebentar saja", None).encode().expect("short");
    let kept = other.clone();
    let request = forged(&mut sari, &head, 1, vec![other.clone(), other]);
    for _ in 0..2 {
        assert!(matches!(world.serve(sari.replica, &request), Err(Fault::Peer(_))));
    }
    assert_eq!((stored_ops(&mut world), events(&mut world)), (1, vec!["log.fork".to_owned()]));
    let forks = world.done(|tx| tx.forks(9));
    assert_eq!(forks.iter().map(|fork| (fork.id.seq, &fork.bytes)).collect::<Vec<_>>(), [(1, &kept)]);
}

#[test]
fn a_log_in_the_name_of_another_office_is_refused_whole() {
    let mut world = World::new();
    let (mut sari, budi) = (world.enrol(1, VILLAGE), world.enrol(2, CLINIC));
    sari.complain("Obat habis");
    let log = sari.logs.pop_first().expect("a log").1;
    let head = LogHead::new(sari.replica, budi.office, Lane::Case, sari.run);
    let request = forged(&mut sari, &head, 1, vec![log.ops[0].bytes.clone()]);
    assert!(matches!(world.serve(sari.replica, &request), Err(Fault::Peer("a log of another office"))));
    assert_eq!((stored_ops(&mut world), events(&mut world)), (0, vec!["log.foreign_office".to_owned()]));
}

#[test]
fn a_colleague_cannot_take_the_name_of_a_log_that_a_restored_hub_has_forgotten() {
    let mut world = World::new();
    let (mut sari, mut second) = (world.enrol(1, VILLAGE), world.enrol(2, VILLAGE));
    let record = sari.complain("Obat habis");
    world.settle(&mut sari);
    world.settle(&mut second);
    let head = second.logs[&record.0.log].head.clone();
    let mut world = forgetful(&world, &[&sari, &second]);

    // The colleague has read the head. Its own log is another one, whatever it copies of it.
    let false_op = vec![complaint("bukan apa-apa", None).encode().expect("short")];
    // It says that it speaks in the same run.
    let own = LogHead::new(second.replica, head.office().clone(), head.lane(), *head.run());
    second.run = *head.run();
    let request = forged_as(&mut second, &own, head.log(), 1, false_op.clone());
    assert!(matches!(world.serve(second.replica, &request), Err(Fault::Peer(_))));
    let request = forged(&mut second, &own, 1, false_op.clone());
    world.serve(second.replica, &request).expect("a log of its own");
    // Under the true head nothing counts that Sari did not sign.
    let request = forged(&mut second, &head, 1, false_op);
    let (_, marks, counts) = world.serve(second.replica, &request).expect("passed over");
    assert_eq!((marks.logs.0, counts.echoed), (vec![(head.log().to_bytes(), 0, 0)], 0));

    assert_eq!((world.settle(&mut sari).stored, stored_ops(&mut world)), (1, 2));
    assert_eq!(events(&mut world), [""; 0]);
}

#[test]
fn what_is_given_back_is_believed_only_as_far_as_its_writer_signed_it() {
    let mut world = World::new();
    let (mut sari, mut second) = (world.enrol(1, VILLAGE), world.enrol(2, VILLAGE));
    sari.complain("Lampu mati");
    world.settle(&mut sari);
    world.settle(&mut second);
    second.echoes = true;
    second.logs.values_mut().for_each(|log| log.stored = 0);
    let forget = |world: &World, sari: &Pc, second: &Pc| forgetful(world, &[sari, second]);

    let mut unproved = second.clone();
    unproved
        .logs
        .values_mut()
        .for_each(|log| log.append(complaint("tidak ditandatangani", None).encode().expect("short")));
    let mut hub = forget(&world, &sari, &second);
    assert_eq!(hub.exchange(&mut unproved).expect("passed over").1.echoed, 1, "only what is signed");
    assert_eq!(stored_ops(&mut hub), 1);

    let mut altered = second.clone();
    altered.logs.values_mut().for_each(|log| {
        log.ops.clear();
        log.append(complaint("diubah di jalan", None).encode().expect("short"));
    });
    let mut hub = forget(&world, &sari, &second);
    assert!(matches!(hub.exchange(&mut altered), Err(Fault::Peer(_))));
    assert_eq!((stored_ops(&mut hub), events(&mut hub)), (0, vec!["echo.forged".to_owned()]));

    let mut forged = second.clone();
    forged.logs.values_mut().for_each(|log| log.proofs.iter_mut().for_each(|proof| proof.signature[0] ^= 1));
    let mut hub = forget(&world, &sari, &second);
    assert_eq!(hub.exchange(&mut forged).expect("passed over").1.echoed, 0);
    assert_eq!((stored_ops(&mut hub), events(&mut hub)), (0, vec!["attest.bad_signature".to_owned()]));

    let mut foreign = hub.enrol(3, CLINIC);
    foreign.logs = second.logs.clone();
    foreign.echoes = true;
    assert_eq!(hub.exchange(&mut foreign).expect("passed over").1.echoed, 0, "a clinic does not speak for a village");
}

#[test]
fn a_signature_that_does_not_fit_is_noted_and_not_kept() {
    let mut world = World::new();
    let mut sari = world.enrol(1, VILLAGE);
    sari.complain("Lampu mati");
    let log = sari.logs.values_mut().next().expect("a log");
    log.ops[0].chain.0[0] ^= 1;
    let id = log.head.log();
    world.settle(&mut sari);
    assert_eq!((stored_ops(&mut world), events(&mut world)), (1, vec!["attest.mismatch".to_owned()]));
    assert_eq!(world.done(|tx| tx.attestation(id)), None);
}
