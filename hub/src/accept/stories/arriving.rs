//! What offices enter arrives, once and whole.

use kentongan_protocol::form::builtin::pengaduan;
use kentongan_protocol::ids::{Lane, OpId};
use kentongan_protocol::judge::Quarantine;
use kentongan_protocol::wire::v1::VerdictFrame;

use super::{VILLAGE, events, forged, stored_ops};
use crate::accept::world::{NOW, World, complaint};
use crate::store::{Page, RecordFilter};

#[test]
fn what_sari_enters_is_at_the_hub_once_however_often_it_is_sent() {
    let mut world = World::new();
    let mut sari = world.enrol(1, VILLAGE);
    let record = sari.complain("Wc puskesmas kotor dan air tidak mengalir.");
    let request = sari.request(NOW);
    for expected in [1, 0, 0] {
        let (_, marks, counts) = world.serve(sari.replica, &request).expect("no fault");
        assert_eq!((counts.stored, counts.repeated), (expected, 1 - expected));
        assert_eq!((marks.held_ops, marks.logs.0.len()), (1, 1));
    }
    let (outcome, _) = world.exchange(&mut sari).expect("no fault");
    assert!(outcome.in_order && !outcome.more);
    let row = world.done(|tx| tx.record(record)).expect("the record");
    assert_eq!(row.status, Some(pengaduan::status::DITERIMA));
    assert_eq!(row.summary, "Wc puskesmas kotor dan air tidak mengalir.");
    let contact = world.done(|tx| tx.replica(sari.replica)).and_then(|sari| sari.last_contact).expect("she called");
    assert_eq!((contact.clock_offset_ms, contact.clock_error_ms), (60_200, 200));
}

#[test]
fn a_reply_that_is_cut_costs_no_duplicate_and_no_byte_of_the_record() {
    let mut world = World::new();
    let mut sari = world.enrol(1, VILLAGE);
    for n in 0..300 {
        sari.complain(&format!("Jalan rusak nomor {n} {}", "di depan balai desa ".repeat(20)));
    }
    let request = sari.request(NOW);
    for cut in [request.len() / 3, request.len() * 2 / 3] {
        // The request breaks off; what arrived in whole frames is stored.
        world.serve(sari.replica, &request[..cut]).expect("no fault in what arrived");
    }
    let before = stored_ops(&mut world);
    assert!((1..300).contains(&before), "{before}");
    world.settle(&mut sari);
    assert_eq!(stored_ops(&mut world), 300);
    let log = sari.logs.values().next().expect("her log");
    let stored = world.done(|tx| tx.ops_from(log.head.log(), 1, 999, usize::MAX));
    assert!(stored.iter().map(|op| &op.bytes).eq(log.ops.iter().map(|op| &op.bytes)));
}

#[test]
fn ops_after_a_gap_are_passed_over_and_the_marks_tell() {
    let mut world = World::new();
    let mut sari = world.enrol(1, VILLAGE);
    sari.complain("Antre terlalu lama");
    let head = sari.logs.values().next().expect("a log").head.clone();
    let op = complaint("kedua", None).encode().expect("short");
    let request = forged(&mut sari, &head, 2, vec![op]);
    let (_, marks, _) =
        world.serve(sari.replica, &request).expect("no offence: the hub may have forgotten the first op");
    assert_eq!(marks.logs.0, [(head.log().to_bytes(), 0, 0)]);
    assert_eq!((stored_ops(&mut world), events(&mut world)), (0, vec![]));
}

#[test]
fn one_bad_record_does_not_stop_the_others_and_the_office_hears_why() {
    let mut world = World::new();
    let mut sari = world.enrol(1, VILLAGE);
    sari.complain("Lampu mati");
    let mut incomplete = complaint("", None);
    incomplete.writes.truncate(1);
    let incomplete = sari.write(Lane::Case, &incomplete);
    let log = sari.logs.values_mut().next().expect("a log");
    log.append(b"\x63not an op".to_vec());
    let unreadable = OpId { log: log.head.log(), seq: 3 };
    sari.complain("Air mati");
    world.settle(&mut sari);
    assert_eq!(stored_ops(&mut world), 4);
    assert_eq!(world.done(|tx| tx.records(&RecordFilter::default(), Page::After(0), 9)).len(), 3);
    assert!(matches!(&sari.verdicts[&incomplete], VerdictFrame::NeedsRepair(faults) if faults.0.len() == 3));
    assert_eq!(sari.verdicts[&unreadable], VerdictFrame::Quarantined(Quarantine::Unreadable as u8));
    assert_eq!(world.done(|tx| tx.quarantined(None, 9)).len(), 1);
}

#[test]
fn one_receipt_code_for_two_records_is_kept_twice_and_told() {
    let mut world = World::new();
    let mut sari = world.enrol(1, VILLAGE);
    sari.write(Lane::Case, &complaint("satu", Some(5)));
    sari.write(Lane::Case, &complaint("dua", Some(5)));
    world.settle(&mut sari);
    assert_eq!((stored_ops(&mut world), events(&mut world)), (2, vec!["receipt.collision".to_owned()]));
}
