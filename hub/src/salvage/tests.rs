//! A hub on a disk that is damaged in all the ways of disks, and what is left of it.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use kentongan_host::{DataDir, Program};
use kentongan_protocol::ids::{Lane, OpId, RecordId, ReplicaId};
use kentongan_protocol::judge::Quarantine;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::accept::world::{NOW, Pc, World, change, confidential};
use crate::backup::{begin, make, raise};
use crate::seals::Seals;
use crate::store::memory::MemoryStore;
use crate::store::{OpState, Page, Tx};

const VILLAGE: &str = "32.73.05.1001";
const CLINIC: &str = "32.73.05.1002";

/// A hub in a folder, and its PCs.
struct Place {
    _temp: TempDir,
    dir: DataDir,
    world: World,
    sari: Pc,
    budi: Pc,
}

fn sqlite(dir: &DataDir) -> Box<SqliteStore> {
    Box::new(SqliteStore::open(&dir.store()).expect("opened"))
}

/// A hub with complaints of two offices, a routing, a change that another office may not make, and a person's decision.
fn place() -> (Place, RecordId) {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let dir = DataDir::at(Program::Hub, temp.path().join("pusat"));
    dir.create().expect("a folder");
    // `init` closes the store, so who the hub is stands in the file.
    drop(World::with(sqlite(&dir)));
    SqliteStore::open(&dir.store()).expect("opened").close().expect("closed");
    let mut world = World::with(sqlite(&dir));
    let (mut sari, mut budi) = (world.enrol(1, VILLAGE), world.enrol(2, CLINIC));
    let mut records = Vec::new();
    for n in 0..60 {
        records.push(sari.complain(&format!("Sari {n:03} {}", "jalan rusak di depan balai desa ".repeat(12))));
        budi.complain(&format!("Budi {n:03} {}", "antrean panjang di loket ".repeat(12)));
        if n % 10 == 9 {
            world.settle(&mut sari);
            world.settle(&mut budi);
        }
    }
    let routed = records[0];
    let hub = Arc::clone(&world.hub);
    world.done(|tx| {
        let row = tx.record(routed)?.expect("the record is here");
        let seen = crate::accept::load(tx, routed)?;
        let writes = change(routed, "kantor_tujuan", CLINIC, &[]).writes;
        Ok(hub.change(tx, &row, &seen, "wayan", writes).expect("written"))
    });
    budi.set(records[1], "kategori", "antrean", &[records[1].0]);
    budi.set(records[2], "kategori", "antrean", &[records[2].0]);
    world.settle(&mut budi);
    world.settle(&mut sari);
    let aside = world.done(|tx| tx.quarantined(None, 9));
    assert_eq!(aside.len(), 2);
    world.done(|tx| tx.update_op(aside[0].id, aside[0].record, OpState::Discarded(Quarantine::ForeignRecord)));
    (Place { _temp: temp, dir, world, sari, budi }, routed)
}

/// Everything that follows from ops, and the ops.
#[derive(Debug, PartialEq, Eq)]
struct Content {
    ops: BTreeMap<OpId, (Vec<u8>, OpState, i64)>,
    digests: BTreeMap<RecordId, [u8; 32]>,
    offices: Vec<String>,
    devices: Vec<(ReplicaId, [u8; 32], bool, u64)>,
}

fn content(tx: &mut dyn Tx) -> crate::store::Result<Content> {
    let hub = tx.hub()?.expect("a hub").replica;
    let replicas = tx.replicas()?;
    let mut ops = BTreeMap::new();
    for writer in replicas.iter().map(|replica| replica.id).chain([hub]) {
        for log in tx.logs_of(writer, None, usize::MAX)? {
            for op in tx.ops_from(log.head.log(), 1, usize::MAX, usize::MAX)? {
                ops.insert(op.id, (op.bytes, op.state, op.received_ms));
            }
        }
    }
    let mut digests = BTreeMap::new();
    for row in tx.records(&Default::default(), Page::After(0), usize::MAX)? {
        digests.insert(row.id, crate::accept::load(tx, row.id)?.digest());
    }
    let offices = tx.offices()?.into_iter().map(|office| office.code.to_string()).collect();
    let active = |replica: &crate::store::Replica| replica.standing == crate::store::Standing::Active;
    let devices = replicas.iter().map(|replica| (replica.id, replica.public_key, active(replica), replica.holding.sum));
    Ok(Content { ops, digests, offices, devices: devices.collect() })
}

impl Place {
    fn content(&mut self) -> Content {
        self.world.done(content)
    }

    /// The process is killed: its files stay as they are.
    fn kill(&mut self) {
        self.world.store = Box::new(MemoryStore::default());
    }

    fn begin(&mut self) {
        let (clock, key) = (Arc::clone(&self.world.clock), Arc::clone(&self.world.key));
        self.world = World::start(sqlite(&self.dir), clock, key);
    }

    fn damage(&self, ending: &str, hit: impl FnOnce(&mut Vec<u8>)) {
        let path = beside(&self.dir.store(), ending);
        let mut bytes = fs::read(&path).expect("read");
        hit(&mut bytes);
        fs::write(&path, bytes).expect("write");
    }

    /// Works the write-ahead log into the file, so that damage in the file counts.
    fn settle_files(&mut self) {
        self.kill();
        SqliteStore::open(&self.dir.store()).expect("opened").close().expect("closed");
        fs::remove_file(beside(&self.dir.store(), ".clean")).expect("the mark of a clean end");
    }

    fn salvage(&self, backup: Option<&Path>) -> (Report, PathBuf) {
        let order =
            Order { dir: &self.dir, hub_key: self.world.key.public_key(), backup, actor: "uji", now_ms: NOW + 99 };
        salvage(&order, &mut |_, _| true).expect("salvaged")
    }

    fn exchange_all(&mut self) {
        for _ in 0..2 {
            self.world.settle(&mut self.sari);
            self.world.settle(&mut self.budi);
        }
    }
}

#[test]
fn nothing_is_other_after_a_salvage_of_a_sound_store_and_the_offices_agree_with_it() {
    let (mut place, _) = place();
    let before = place.content();
    place.kill();
    let (report, aside) = place.salvage(None);
    assert_eq!((report.ops, report.missing, report.from_backup), (before.ops.len() as u64, 0, 0));
    assert!(aside.join("store.db").exists() && aside.join("store.db-wal").exists());
    place.begin();
    assert_eq!(place.content(), before);
    let read = place.budi.read.len();
    place.exchange_all();
    assert_eq!(place.content(), before);
    assert_eq!(place.budi.read.len(), read);
    look(&place.dir.store(), &mut |_| true).expect("sound");
}

#[test]
fn an_op_in_a_page_that_is_gone_ends_its_log_there_and_its_office_fills_it_up_again() {
    let (mut place, routed) = place();
    let before = place.content();
    place.settle_files();
    place.damage("", |bytes| {
        let text = b"Sari 020";
        let places: Vec<usize> = (0..bytes.len() - 8).filter(|at| bytes[*at..].starts_with(text)).collect();
        places.into_iter().for_each(|at| bytes[at / 4096 * 4096..][..4096].fill(0));
    });
    assert!(SqliteStore::open(&place.dir.store()).is_err());
    let (report, _) = place.salvage(None);
    assert!(report.missing > 0 && report.ops < before.ops.len() as u64, "{report:?}");
    let village = report.offices.iter().find(|office| office.code == VILLAGE).expect("the office");
    assert!(village.missing >= 39 && village.lost_devices.is_empty(), "{report:?}");
    place.begin();
    let rest = place.content();
    assert!(rest.ops.iter().all(|(id, op)| before.ops[id].0 == op.0));
    place.exchange_all();
    place.exchange_all();
    let after = place.content();
    assert_eq!(after.digests, before.digests);
    assert!(after.ops.keys().eq(before.ops.keys()));
    assert_eq!(place.world.done(|tx| tx.shared_with(routed)).len(), 1);
}

#[test]
fn the_newest_backup_fills_the_holes() {
    let (mut place, _) = place();
    let backups = place.dir.root().join("backup");
    let hub = ("Uji".to_owned(), "b0b0".to_owned());
    let mut shelf = folder::FolderShelf::new(&backups, &place.dir, hub, NOW).expect("a folder");
    let source = folder::source(&place.dir).expect("a reader");
    let world = &mut place.world;
    let backup = transact_with(&mut *world.store, |tx| begin(tx, NOW)).expect("begun");
    make(&source, &mut shelf, backup, &mut |_, _| true, |logs, whole| {
        transact_with(&mut *world.store, |tx| raise(tx, logs, whole))
    })
    .expect("a backup");
    drop(source);
    let before = place.content();
    place.settle_files();
    place.damage("", |bytes| {
        let half = bytes.len() / 4096 / 2 * 4096;
        bytes[half..half + 8 * 4096].fill(0x55);
        bytes.truncate(bytes.len() - 3 * 4096);
    });
    let (report, _) = place.salvage(Some(&shelf.path()));
    assert_eq!(report.missing, 0, "{report:?}");
    place.begin();
    assert_eq!(place.content().digests, before.digests);
    assert!(place.content().ops.keys().eq(before.ops.keys()));
}

#[test]
fn what_was_sealed_is_read_after_a_salvage_too() {
    let (mut place, _) = place();
    let seals = Seals::of(&place.world.key.public_key());
    let secret = RecordId(place.sari.write(Lane::Case, &confidential("Petugas minta uang", &seals)));
    place.world.settle(&mut place.sari);
    let before = place.content();
    assert_eq!(place.world.done(|tx| tx.record(secret)).expect("a record").summary, "Petugas minta uang");
    place.kill();
    let (report, _) = place.salvage(None);
    assert_eq!((report.ops, report.missing), (before.ops.len() as u64, 0));
    place.begin();
    assert_eq!(place.content(), before);
    assert_eq!(place.world.done(|tx| tx.record(secret)).expect("a record").summary, "Petugas minta uang");
}

#[test]
fn stopping_leaves_the_damaged_store_where_it_was() {
    let (mut place, _) = place();
    place.settle_files();
    let bytes = fs::read(place.dir.store()).expect("read");
    for stop_after in 0..5 {
        let order = Order { dir: &place.dir, hub_key: [0; 32], backup: None, actor: "uji", now_ms: NOW };
        let mut asked = 0;
        let stopped = salvage(&order, &mut |_, _| {
            asked += 1;
            asked <= stop_after
        });
        assert_eq!(stopped.expect_err("stopped").exit, Exit::Interrupted);
        assert_eq!(fs::read(place.dir.store()).expect("read"), bytes);
        let names = fs::read_dir(place.dir.root()).expect("the folder").flatten().map(|entry| entry.file_name());
        assert!(!names.into_iter().any(|name| name.to_string_lossy().contains("building")));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 0, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_hit_the_store_opens_equal_or_is_refused_and_what_is_salvaged_was_there(
        kind in 0..4_u8,
        places in prop::collection::vec(any::<prop::sample::Index>(), 1..6),
    ) {
        let (mut place, _) = place();
        let before = place.content();
        if kind == 3 { place.kill() } else { place.settle_files() }
        let (mut refused, mut torn) = (false, false);
        match kind {
            0 => place.damage("", |bytes| for at in &places {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << (at % 8);
            }),
            1 => place.damage("", |bytes| for at in &places {
                let at = at.index(bytes.len()) / 4096 * 4096;
                bytes[at..at + 4096].fill(0);
            }),
            2 => place.damage("", |bytes| {
                let at = places[0].index(bytes.len());
                bytes.truncate(at.max(1));
            }),
            _ => {
                torn = true;
                place.damage("-wal", |bytes| {
                    let at = places[0].index(bytes.len());
                    bytes.truncate(at);
                });
            }
        }
        match SqliteStore::open(&place.dir.store()) {
            Err(_) => refused = true,
            Ok(mut store) => {
                if let Ok(now) = transact_with(&mut store, content) {
                    for (id, (bytes, ..)) in &now.ops {
                        prop_assert_eq!(bytes, &before.ops[id].0);
                    }
                    prop_assert!(torn || now.ops.len() == before.ops.len());
                } else {
                    refused = true;
                }
            }
        }
        if refused {
            let order = Order {
                dir: &place.dir,
                hub_key: place.world.key.public_key(),
                backup: None,
                actor: "uji",
                now_ms: NOW,
            };
            // Whose store it was may be gone with the rest.
            if let Ok((report, _)) = salvage(&order, &mut |_, _| true) {
                let mut store = sqlite(&place.dir);
                let now = transact_with(&mut *store, content).expect("sound");
                for (id, (bytes, ..)) in &now.ops {
                    prop_assert_eq!(bytes, &before.ops[id].0);
                }
                prop_assert!(report.ops <= before.ops.len() as u64);
            }
        }
    }
}
