//! Of a confidential complaint the hub reads what offices only carry.

use kentongan_host::seal::seal_text;
use kentongan_protocol::form::builtin::pengaduan::{self, group};
use kentongan_protocol::form::{FieldTag, GroupTag, Value, builtin};
use kentongan_protocol::ids::{Lane, RecordId};
use kentongan_protocol::judge::Quarantine;
use kentongan_protocol::merge::GroupView;
use kentongan_protocol::op::Op;
use kentongan_protocol::sealed;
use kentongan_protocol::wire::v1::VerdictFrame;

use super::{VILLAGE, said_at_hub, stored_ops};
use crate::accept::intake::Intake;
use crate::accept::load;
use crate::accept::world::{HUB, World, complaint, confidential};
use crate::seals::Seals;
use crate::store::OpState;

const SECRET: &str = "Petugas loket minta uang";

fn seals(world: &World) -> Seals {
    Seals::of(&world.key.public_key())
}

/// What stands in a text of a record at the hub.
fn text(world: &mut World, record: RecordId, group: GroupTag, field: FieldTag) -> Option<String> {
    let record = world.done(|tx| load(tx, record));
    let form = builtin::by_tag(pengaduan::TAG).expect("built in");
    match GroupView::of(&record, form, form.group(group)?).shown()?.get(&field) {
        Some(Value::Text(text)) => Some(text.clone()),
        _ => None,
    }
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

#[test]
fn the_hub_reads_what_was_sealed_and_carries_on_what_was_sent() {
    let mut world = World::new();
    let (mut sari, mut budi) = (world.enrol(1, VILLAGE), world.enrol(2, VILLAGE));
    let op = confidential(SECRET, &seals(&world));
    let sent = op.encode().expect("short");
    let record = RecordId(sari.write(Lane::Case, &op));
    world.settle(&mut sari);
    assert_eq!(text(&mut world, record, group::URAIAN, 21).as_deref(), Some(SECRET));
    assert_eq!(world.done(|tx| tx.record(record)).expect("a record").summary, SECRET);
    assert_eq!(world.done(|tx| tx.op(record.0)).map(|op| op.bytes), Some(sent.clone()));
    assert!(!sari.verdicts.contains_key(&record.0), "nothing is missing in it");

    world.settle(&mut budi);
    let log = budi.logs.get(&record.0.log).expect("a colleague has it");
    assert_eq!(log.ops.first().map(|op| &op.bytes), Some(&sent));
    assert!(!holds(&sent, SECRET));
}

#[test]
fn what_the_hub_answers_to_a_confidential_complaint_is_sealed_too() {
    let mut world = World::new();
    let mut sari = world.enrol(1, VILLAGE);
    let op = confidential(SECRET, &seals(&world));
    let record = RecordId(sari.write(Lane::Case, &op));
    world.settle(&mut sari);
    let answer = "Petugas itu sudah dipindahkan";
    said_at_hub(&mut world, record, "jawaban", answer);
    said_at_hub(&mut world, record, "status", "dijawab");
    world.settle(&mut sari);
    assert_eq!(text(&mut world, record, group::JAWABAN, 151).as_deref(), Some(answer));
    let of_hub = sari.logs.values().filter(|log| log.head.replica() != sari.replica);
    let heard: Vec<Op> = of_hub.flat_map(|log| &log.ops).map(|op| Op::decode(&op.bytes).expect("an op")).collect();
    assert_eq!(heard.len(), 2);
    assert!(heard.iter().all(|op| !holds(&op.encode().expect("an op"), answer)));
    assert!(heard[1].writes.iter().any(|write| write.group == group::STATUS), "where it stands is for everybody");
}

#[test]
fn what_is_sealed_to_another_hub_is_kept_aside_and_told_and_read_when_the_key_is_there() {
    let mut world = World::new();
    let mut sari = world.enrol(1, VILLAGE);
    let other = Seals::of(&[7; 32]);
    let record = RecordId(sari.write(Lane::Case, &confidential(SECRET, &other)));
    let change = sari.set(record, "status", "terverifikasi", &[]);
    world.settle(&mut sari);
    assert_eq!(stored_ops(&mut world), 2);
    assert_eq!(sari.verdicts[&record.0], VerdictFrame::Quarantined(Quarantine::Sealed as u8));
    let stored = world.done(|tx| tx.op(record.0)).expect("kept");
    assert_eq!(stored.state, OpState::Quarantined(Quarantine::Sealed));
    assert!(!world.done(|tx| Intake::new(tx, HUB, 0).release(&stored)));

    let used = world.done(|tx| {
        let intake = Intake::new(tx, HUB, 0);
        intake.opening(Some(&other)).look_again()
    });
    assert_eq!(used, 1);
    assert_eq!(text(&mut world, record, group::URAIAN, 21).as_deref(), Some(SECRET));
    assert_eq!(world.done(|tx| tx.op(change)).expect("kept").state, OpState::Merged);
}

#[test]
fn a_seal_around_anything_else_is_unreadable_and_stops_nothing() {
    let mut world = World::new();
    let mut sari = world.enrol(1, VILLAGE);
    let mut op = complaint(SECRET, None);
    op.writes.push(sealed::write_of(&seal_text(b"bukan isi".to_vec(), seals(&world).public()).expect("a key")));
    let bad = sari.write(Lane::Case, &op);
    let good = RecordId(sari.write(Lane::Case, &confidential(SECRET, &seals(&world))));
    world.settle(&mut sari);
    assert_eq!(sari.verdicts[&bad], VerdictFrame::Quarantined(Quarantine::Unreadable as u8));
    assert_eq!(text(&mut world, good, group::URAIAN, 21).as_deref(), Some(SECRET));
}

#[test]
fn only_a_complaint_that_asks_for_it_is_confidential() {
    let mut world = World::new();
    let mut sari = world.enrol(1, VILLAGE);
    let open = RecordId(sari.write(Lane::Case, &complaint(SECRET, None)));
    let secret = RecordId(sari.write(Lane::Case, &confidential(SECRET, &seals(&world))));
    world.settle(&mut sari);
    let is_confidential = |world: &mut World, record| sealed::is_confidential(&world.done(|tx| load(tx, record)));
    assert_eq!((is_confidential(&mut world, open), is_confidential(&mut world, secret)), (false, true));
}
