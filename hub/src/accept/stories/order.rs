//! One story ends the same on any store and in any order.

use std::collections::BTreeSet;

use kentongan_protocol::ids::{OfficeCode, OpId, RecordId, ReplicaId};
use proptest::prelude::*;

use super::{CLINIC, VILLAGE, events, forged, forgetful};
use crate::accept::world::World;
use crate::store::OpState;

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
