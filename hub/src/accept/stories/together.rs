//! Offices that work on the same records, and the hub that works with them.

use std::collections::BTreeSet;

use kentongan_protocol::form::builtin::pengaduan;
use kentongan_protocol::ids::{OpId, TopicKind};
use kentongan_protocol::judge::Quarantine;
use kentongan_protocol::limits::RECORD_OFFICES_MAX;
use kentongan_protocol::wire::v1::VerdictFrame;

use super::{CLINIC, VILLAGE, events, route};
use crate::accept::news;
use crate::accept::world::{HUB, NOW, Pc, World};
use crate::store::{OpState, Replica, Standing};

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
fn whose_link_costs_gets_marks_and_no_feed_until_it_takes_it_again() {
    let mut world = World::new();
    let (mut sari, mut second) = (world.enrol(1, VILLAGE), world.enrol(2, VILLAGE));
    let record = sari.complain("Lampu mati");
    world.settle(&mut sari);
    second.takes_no_feed = true;
    second.complain("Jalan rusak");
    let (outcome, counts) = world.exchange(&mut second).expect("an exchange");
    assert_eq!((outcome.more, counts.stored, counts.fed), (false, 1, 0));
    assert!(second.read.is_empty());
    second.takes_no_feed = false;
    world.settle(&mut second);
    assert!(second.read.contains(&record.0));
}

#[test]
fn news_is_what_another_wrote_for_the_office_and_only_who_may_still_speak_is_told_of_it() {
    let mut world = World::new();
    let (mut sari, mut second) = (world.enrol(1, VILLAGE), world.enrol(2, VILLAGE));
    let elsewhere = world.enrol(3, CLINIC);
    let has_news = |world: &mut World, pc: &Pc, now_ms: i64| {
        let cursor = pc.cursors.get(&TopicKind::Office).copied().unwrap_or(0);
        world.done(|tx| news::has_news(tx, &pc.shown(), cursor, now_ms))
    };
    sari.complain("Lampu mati");
    world.settle(&mut sari);
    assert!(!has_news(&mut world, &sari, NOW), "it wrote that itself");
    assert!(!has_news(&mut world, &elsewhere, NOW));
    assert!(has_news(&mut world, &second, NOW));
    let too_late = i64::MAX / 2;
    assert!(!has_news(&mut world, &second, too_late), "its certificate has ended");
    let replica = world.done(|tx| tx.replica(second.replica)).expect("it is known");
    let standing = [Standing::Revoked { reason: "hilang".to_owned(), at_ms: NOW }, Standing::Active];
    let told = standing.map(|standing| {
        world.done(|tx| tx.put_replica(&Replica { standing, ..replica.clone() }));
        has_news(&mut world, &second, NOW)
    });
    assert_eq!(told, [false, true]);
    world.settle(&mut second);
    assert!(!has_news(&mut world, &second, NOW), "it has read it");
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
        let seen = world.done(|tx| crate::accept::load(tx, record));
        digests.insert(format!("{:?}", seen.group(pengaduan::group::TINDAK_LANJUT)));
    }
    assert_eq!(digests.len(), 1);
}

#[test]
fn a_record_that_is_routed_to_all_the_codes_there_are_is_fed_to_so_many_offices_and_no_more() {
    let mut world = World::new();
    let mut sari = world.enrol(1, VILLAGE);
    let record = sari.complain("Obat habis");
    for n in 0..RECORD_OFFICES_MAX + 40 {
        sari.set(record, "kantor_tujuan", &format!("32.73.05.{}", 1100 + n), &[]);
    }
    world.settle(&mut sari);
    let fed = world.done(|tx| tx.feed_last());
    let routed = (RECORD_OFFICES_MAX + 40) as u64;
    assert_eq!(world.done(|tx| tx.shared_with(record)).len(), RECORD_OFFICES_MAX);
    assert!(fed <= (1 + routed) * (1 + RECORD_OFFICES_MAX as u64), "{fed}");
    assert_eq!(world.done(|tx| tx.totals()).ops, 1 + routed, "what was written stays all the same");
    assert_eq!(events(&mut world).iter().filter(|event| *event == "record.too_many_offices").count(), 40);
    // Who sees it goes on seeing it.
    let mut budi = world.enrol(2, "32.73.05.1100");
    world.settle(&mut budi);
    assert!(budi.read.contains(&record.0));
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
