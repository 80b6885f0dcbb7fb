//! Stories of offices and their hub: Sari at the village, Budi at the clinic, Wayan at the hub.

use std::collections::{BTreeMap, BTreeSet};

use kentongan_protocol::error::Fault;
use kentongan_protocol::form::builtin::pengaduan;
use kentongan_protocol::ids::{Lane, LogId, OfficeCode, OpId, RecordId, ReplicaId};
use kentongan_protocol::judge::Quarantine;
use kentongan_protocol::log::LogHead;
use kentongan_protocol::wire::codec::{Blob, List};
use kentongan_protocol::wire::frame::PREAMBLE;
use kentongan_protocol::wire::v1::{End, Frame, Have, LogFrame, Ops, VerdictFrame, notice};
use proptest::prelude::*;

use super::world::{HUB, NOW, Pc, World, change, complaint};
use crate::store::{AuditEntry, OpState, Page, RecordFilter};

const VILLAGE: &str = "32.73.05.1001";
const CLINIC: &str = "32.73.05.1001-PKM1";

fn events(world: &mut World) -> Vec<String> {
    let lines: Vec<AuditEntry> = world.done(|tx| tx.audit_log(Page::After(0), 99));
    lines.into_iter().map(|line| line.event.event).collect()
}

fn stored_ops(world: &mut World) -> u64 {
    world.done(|tx| tx.totals()).ops
}

/// The routing by which Wayan hands a record to an office.
fn route(world: &mut World, record: RecordId, office: &str) -> OpId {
    let hub = std::sync::Arc::clone(&world.hub);
    world.done(|tx| {
        let row = tx.record(record)?.expect("the record is here");
        let seen = super::load(tx, record)?;
        let writes = change(record, "kantor_tujuan", office, &[]).writes;
        Ok(hub.change(tx, &row, &seen, "wayan", writes).expect("written"))
    })
}

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

/// A request of one batch as these arguments say, of the log that the head names.
fn forged(pc: &mut Pc, head: &LogHead, first_seq: u64, ops: Vec<Vec<u8>>) -> Vec<u8> {
    forged_as(pc, head, head.log(), first_seq, ops)
}

/// The same with ops under any name.
fn forged_as(pc: &mut Pc, head: &LogHead, log: LogId, first_seq: u64, ops: Vec<Vec<u8>>) -> Vec<u8> {
    let mut whole = pc.clone();
    whole.logs.clear();
    let opening = whole.request(NOW);
    let mut request = PREAMBLE.to_vec();
    let mut session = kentongan_protocol::wire::frame::FrameReader::new();
    session.push(&opening);
    let hello = session.next_frame().expect("sound").expect("whole");
    kentongan_protocol::wire::frame::put(&mut request, hello.kind, &hello.body);
    Frame::Have(Have { epochs: List::default(), cursors: List::default(), logs: List::default() }).put(&mut request);
    Frame::Log(LogFrame::from(head)).put(&mut request);
    let ops = List(ops.into_iter().map(Blob).collect());
    Frame::Ops(Ops { log: log.to_bytes(), first_seq, ops }).put(&mut request);
    Frame::End(End { more: false }).put(&mut request);
    request
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
fn two_pcs_of_one_office_see_the_same_records_and_their_conflict_is_known() {
    let mut world = World::new();
    let (mut sari, mut second) = (world.enrol(1, VILLAGE), world.enrol(2, VILLAGE));
    let record = sari.complain("Lampu mati");
    world.settle(&mut sari);
    world.settle(&mut second);
    assert!(second.read.contains(&record.0) && sari.read.is_empty());
    sari.set(record, "kategori", "biaya_pungutan", &[record.0]);
    second.set(record, "kategori", "antrean", &[record.0]);
    world.settle(&mut sari);
    world.settle(&mut second);
    let row = world.done(|tx| tx.record(record)).expect("the record");
    assert_eq!(row.conflicts, 1);
    let conflicts = world.done(|tx| tx.conflicts(None, 9));
    assert_eq!(
        conflicts.iter().map(|c| (c.group, c.since_ms)).collect::<Vec<_>>(),
        [(pengaduan::group::KATEGORI, NOW)]
    );
    let heads: Vec<OpId> = sari.read.iter().chain(&second.read).copied().filter(|id| *id != record.0).collect();
    world.settle(&mut sari);
    let heads: Vec<OpId> = heads.into_iter().chain(sari.read.iter().copied()).chain([record.0]).collect();
    second.set(record, "kategori", "lainnya", &heads);
    world.settle(&mut second);
    assert_eq!(world.done(|tx| tx.totals()).conflicts, 0);
}

#[test]
fn a_record_of_another_office_opens_when_it_is_routed_there_whatever_came_first() {
    let mut digests = BTreeSet::new();
    for routed_first in [true, false] {
        let mut world = World::new();
        let (mut sari, mut budi) = (world.enrol(1, VILLAGE), world.enrol(2, CLINIC));
        let record = sari.complain("Obat habis");
        let answer = budi.set(record, "tindak_lanjut", "Obat dipesan", &[]);
        if !routed_first {
            // The clinic's change comes first: before the record, and before anybody let it in.
            world.settle(&mut budi);
            assert_eq!(world.done(|tx| tx.op(answer)).map(|op| op.state), Some(OpState::Waiting));
        }
        world.settle(&mut sari);
        if !routed_first {
            let aside = OpState::Quarantined(Quarantine::ForeignRecord);
            assert_eq!(world.done(|tx| tx.op(answer)).map(|op| op.state), Some(aside));
        }
        route(&mut world, record, CLINIC);
        world.settle(&mut budi);
        world.settle(&mut sari);
        assert_eq!(world.done(|tx| tx.op(answer)).map(|op| op.state), Some(OpState::Merged));
        assert!(sari.read.contains(&answer), "the village sees what the clinic did");
        assert!(budi.read.contains(&record.0), "the clinic sees the record");
        assert!(budi.verdicts.get(&answer).is_none_or(|verdict| *verdict == VerdictFrame::Accepted));
        // The hub's routing is of a run that has a random name: only what offices wrote can be compared.
        let seen = world.done(|tx| super::load(tx, record));
        digests.insert(format!("{:?}", seen.group(pengaduan::group::TINDAK_LANJUT)));
    }
    assert_eq!(digests.len(), 1);
}

#[test]
fn two_machines_started_from_one_folder_deliver_everything_and_are_told_apart() {
    let mut world = World::new();
    let sari = world.enrol(1, VILLAGE);
    let (mut first, mut second) = (sari.clone(), sari.restarted(2));
    for round in 0..3 {
        first.complain(&format!("dari mesin pertama {round}"));
        second.complain(&format!("dari mesin kedua {round}"));
        world.settle(&mut first);
        world.settle(&mut second);
    }
    assert_eq!(stored_ops(&mut world), 6);
    assert_eq!(events(&mut world).iter().filter(|event| *event == "replica.twin").count(), 1);
    assert_eq!(second.notices, [notice::TWIN]);
}

#[test]
fn a_pc_that_is_only_restarted_is_no_twin() {
    let mut world = World::new();
    let mut sari = world.enrol(1, VILLAGE);
    for run in 2..5 {
        sari.complain("aduan");
        world.settle(&mut sari);
        sari = sari.restarted(run);
    }
    assert_eq!((stored_ops(&mut world), events(&mut world)), (3, vec![]));
}

#[test]
fn a_pc_restored_from_an_older_copy_gets_its_own_ops_back() {
    let mut world = World::new();
    let mut sari = world.enrol(1, VILLAGE);
    sari.complain("sebelum salinan");
    world.settle(&mut sari);
    let copy = sari.clone();
    for n in 0..400 {
        sari.complain(&format!("sesudah salinan {n} {}", "panjang ".repeat(60)));
    }
    sari = sari.restarted(2);
    sari.complain("dari proses kedua");
    world.settle(&mut sari);

    let mut restored = copy.restarted(3);
    restored.complain("sesudah pemulihan");
    let counts = world.settle(&mut restored);
    assert_eq!((counts.restored, counts.stored, stored_ops(&mut world)), (401, 1, 403));
    let bytes = |pc: &Pc, id| pc.logs.get(&id).map(|log| log.ops.iter().map(|op| op.bytes.clone()).collect::<Vec<_>>());
    for log in sari.logs.keys() {
        assert_eq!(bytes(&restored, *log), bytes(&sari, *log));
    }
    assert!(events(&mut world).contains(&"replica.restored".to_owned()));
}

/// A hub that was restored from a copy of its folder made before anything happened, with the same two PCs enrolled.
fn forgetful(world: &World, pcs: &[&Pc]) -> World {
    let mut copy = World::new();
    let others: Vec<_> = pcs.iter().map(|pc| (pc.replica.0, pc.office.to_string(), pc.key.public_key())).collect();
    for (id, office, public_key) in others {
        copy.enrol(id, &office);
        copy.done(|tx| {
            let replica = tx.replica(ReplicaId(id))?.expect("just enrolled");
            tx.put_replica(&crate::store::Replica { public_key, ..replica })
        });
    }
    World::start(copy.store, copy.clock, std::sync::Arc::clone(&world.key))
}

#[test]
fn a_hub_that_forgot_is_refilled_by_its_writers_and_by_those_who_only_read() {
    let mut world = World::new();
    let (mut sari, mut second) = (world.enrol(1, VILLAGE), world.enrol(2, VILLAGE));
    let record = sari.complain("Lampu mati");
    world.settle(&mut sari);
    let routing = route(&mut world, record, CLINIC);
    world.settle(&mut second);
    assert!(second.read.contains(&routing) && second.read.contains(&record.0));
    let before = world.digest(record);

    // Sari's PC is gone with the hub's disk; only the second PC still holds what it has read.
    let mut world = forgetful(&world, &[&sari, &second]);
    second.echoes = true;
    second.logs.values_mut().for_each(|log| log.stored = 0);
    let counts = world.settle(&mut second);
    assert_eq!(counts.echoed, 2);
    assert_eq!(world.digest(record), before);
    assert_eq!(world.done(|tx| tx.replica(sari.replica)).map(|sari| sari.holding.ops), Some(1));
    // And Sari, restored from nothing, gets her own op back from a hub that had forgotten it.
    let mut empty = Pc { logs: BTreeMap::new(), ..sari.clone() }.restarted(9);
    assert_eq!(world.settle(&mut empty).restored, 1);
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
fn a_hub_restored_from_an_older_copy_is_read_again_from_where_it_forgot() {
    let mut world = World::new();
    let (mut sari, mut second) = (world.enrol(1, VILLAGE), world.enrol(2, VILLAGE));
    sari.complain("satu");
    sari.complain("dua");
    world.settle(&mut sari);
    world.settle(&mut second);
    let mut world = forgetful(&world, &[&sari, &second]);
    let third = second.complain("tiga");
    world.settle(&mut second);
    world.settle(&mut sari);
    world.settle(&mut second);
    assert_eq!(stored_ops(&mut world), 3);
    assert!(sari.read.contains(&third.0));
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

#[test]
fn one_receipt_code_for_two_records_is_kept_twice_and_told() {
    let mut world = World::new();
    let mut sari = world.enrol(1, VILLAGE);
    sari.write(Lane::Case, &complaint("satu", Some(5)));
    sari.write(Lane::Case, &complaint("dua", Some(5)));
    world.settle(&mut sari);
    assert_eq!((stored_ops(&mut world), events(&mut world)), (2, vec!["receipt.collision".to_owned()]));
}

#[test]
fn the_hub_signs_what_it_writes_and_offices_can_prove_it() {
    let mut world = World::new();
    let mut sari = world.enrol(1, VILLAGE);
    let record = sari.complain("Lampu mati");
    world.settle(&mut sari);
    let op = route(&mut world, record, CLINIC);
    world.settle(&mut sari);
    let log = &sari.logs[&op.log];
    assert_eq!((log.head.replica(), log.head.office().as_str()), (HUB, VILLAGE));
    let proof = log.proofs.first().expect("a signature");
    assert!(kentongan_host::identity::verify(&world.hub.public_key(), &proof.signed_bytes(), &proof.signature));
    assert_eq!(proof.heads.0.first().map(|head| head.2), log.ops.last().map(|op| op.chain.0));
}

/// Feed entries of an office that are ops, whoever reads.
fn fed(world: &mut World, office: &OfficeCode) -> BTreeSet<OpId> {
    let topic = kentongan_protocol::ids::Topic::Office(office.clone());
    let limit = crate::store::FeedLimit { entries_max: usize::MAX, bytes_aim: usize::MAX, scanned_max: usize::MAX };
    let slice = world.done(|tx| tx.feed_read(&topic, 0, ReplicaId(0), limit));
    let ops: Vec<OpId> = slice
        .rows
        .into_iter()
        .filter_map(|row| match row {
            crate::store::FeedRow::Op { id, .. } => Some(id),
            crate::store::FeedRow::Verdict { .. } => None,
        })
        .collect();
    let set: BTreeSet<OpId> = ops.iter().copied().collect();
    assert_eq!(set.len(), ops.len(), "an op is fed once to each office");
    set
}

/// What there is to see of a hub: record digests, states of ops, and what each office is fed.
type Sight = (Vec<[u8; 32]>, Vec<Option<OpState>>, [BTreeSet<OpId>; 2], u64);

fn sight(world: &mut World, records: &[RecordId], ops: &[OpId], offices: [&OfficeCode; 2]) -> Sight {
    let digests = records.iter().map(|record| world.digest(*record)).collect();
    let states = ops.iter().map(|id| world.done(|tx| tx.op(*id)).map(|op| op.state)).collect();
    let conflicts = world.done(|tx| tx.totals()).conflicts;
    (digests, states, offices.map(|office| fed(world, office)), conflicts)
}

/// A long story with a bit of everything, told at a hub with this store.
fn long_story(mut world: World) -> (Sight, Vec<String>) {
    let (mut sari, mut second, mut budi) = (world.enrol(1, VILLAGE), world.enrol(2, VILLAGE), world.enrol(3, CLINIC));
    let records: Vec<RecordId> = (0..40).map(|n| sari.complain(&format!("Jalan berlubang {n}"))).collect();
    world.settle(&mut sari);
    world.settle(&mut second);
    for record in &records[..10] {
        sari.set(*record, "kategori", "antrean", &[record.0]);
        second.set(*record, "kategori", "informasi", &[record.0]);
        budi.set(*record, "catatan", "bukan kantor kami", &[]);
    }
    for pc in [&mut second, &mut budi, &mut sari] {
        world.settle(pc);
    }
    sari.set(records[0], "kantor_tujuan", CLINIC, &[]);
    world.settle(&mut sari);
    world.settle(&mut budi);
    assert_eq!(budi.read.iter().filter(|id| sari.logs.contains_key(&id.log)).count(), 4);
    let mut ops = Vec::new();
    for pc in [&sari, &second, &budi] {
        for log in pc.logs.values().filter(|log| log.head.replica() == pc.replica) {
            ops.extend((1..=log.ops.len() as u64).map(|seq| OpId { log: log.head.log(), seq }));
        }
    }
    (sight(&mut world, &records, &ops, [&sari.office, &budi.office]), events(&mut world))
}

#[test]
fn one_story_ends_the_same_in_memory_and_on_disk() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let disk = crate::store::sqlite::SqliteStore::open(&folder.path().join("store.db")).expect("a fresh store");
    let on_disk = long_story(World::with(Box::new(disk)));
    assert_eq!(on_disk, long_story(World::new()));
    assert_eq!(on_disk.0.3, 10, "ten conflicts");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn any_split_repetition_and_interleaving_of_batches_ends_the_same(
        steps in prop::collection::vec((0_usize..2, 0_usize..3, 0_u8..5), 1..14),
        pieces in prop::collection::vec((0_usize..2, 1_usize..5, 0_usize..3), 0..30),
    ) {
        let mut world = World::new();
        let mut pcs = [world.enrol(1, VILLAGE), world.enrol(2, CLINIC)];
        let mut records = vec![pcs[0].complain("satu"), pcs[1].complain("dua"), pcs[0].complain("tiga")];
        for (who, record, what) in steps {
            let record = records[record];
            match what {
                0 => drop(pcs[who].set(record, "kategori", "antrean", &[record.0])),
                1 => drop(pcs[who].set(record, "kategori", "informasi", &[record.0])),
                2 => drop(pcs[who].set(record, "kantor_tujuan", [CLINIC, VILLAGE][who], &[])),
                3 => drop(pcs[who].set(record, "diterima_pada", "2026-11-21T14:05:00+07:00", &[])),
                _ => drop(pcs[who].set(record, "catatan", "dilihat", &[])),
            }
        }
        let logs: Vec<_> = pcs.iter().map(|pc| pc.logs.values().next().expect("a log").clone()).collect();
        let ops: Vec<OpId> = logs.iter()
            .flat_map(|log| (1..=log.ops.len() as u64).map(|seq| OpId { log: log.head.log(), seq })).collect();
        records.sort();
        let offices = [pcs[0].office.clone(), pcs[1].office.clone()];
        let mut sights = Vec::new();
        for mixed in [false, true] {
            let mut hub = forgetful(&world, &[&pcs[0], &pcs[1]]);
            let mut sent = [0_usize; 2];
            let whole = [(0, usize::MAX, 0), (1, usize::MAX, 0)];
            let order = pieces.iter().copied().filter(|_| mixed).chain(whole);
            for (who, count, back) in order {
                let log = &logs[who];
                let from = sent[who].saturating_sub(back).min(log.ops.len());
                let upto = from.saturating_add(count).min(log.ops.len());
                let bytes: Vec<Vec<u8>> = log.ops[from..upto].iter().map(|op| op.bytes.clone()).collect();
                let request = forged(&mut pcs[who], &log.head, from as u64 + 1, bytes);
                hub.serve(pcs[who].replica, &request).expect("no fault");
                sent[who] = sent[who].max(upto);
            }
            let told = sight(&mut hub, &records, &ops, [&offices[0], &offices[1]]);
            let held = hub.done(|tx| tx.replicas());
            let held: Vec<_> = held.into_iter().map(|replica| replica.holding).collect();
            sights.push((told, held));
        }
        prop_assert_eq!(&sights[0], &sights[1]);
    }
}
