//! A hub on a disk, its copies, and what breaks on the way.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use kentongan_host::{DataDir, Exit, Failure, Program};
use kentongan_protocol::clock::RunHead;
use kentongan_protocol::ids::{Lane, OpId, ReplicaId, RunId};
use kentongan_protocol::log::LogHead;
use tempfile::TempDir;

use super::folder::{self, FolderShelf, keep_newest, list, verify};
use super::restore::{pick, restore};
use super::*;
use crate::setup;
use crate::store::sqlite::SqliteStore;
use crate::store::{Log, NewOp, OpState, StoreError, transact_with};
use crate::update::Offers;

const NOW_MS: i64 = 1_795_000_000_000;
const SARI: ReplicaId = ReplicaId(0x5a);

struct World {
    temp: TempDir,
    dir: DataDir,
    store: SqliteStore,
}

impl World {
    /// A hub with two logs of some ops.
    fn new() -> World {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let dir = DataDir::at(Program::Hub, temp.path().join("pusat"));
        setup::init(&dir, "Uji", "uji", NOW_MS).expect("made");
        let store = SqliteStore::open(&dir.store()).expect("opened");
        let mut world = World { temp, dir, store };
        world.append(7, 40);
        world.append(8, 3);
        world
    }

    fn folder(&self) -> PathBuf {
        self.temp.path().join("cadangan")
    }

    /// Appends ops to a log.
    fn append(&mut self, log: u64, count: u64) {
        append(&mut self.store, log, count);
    }

    fn durable(&mut self) -> Vec<u64> {
        let read = |tx: &mut dyn Tx| Ok::<_, StoreError>([tx.log(head(7).log())?, tx.log(head(8).log())?]);
        let logs = transact_with(&mut self.store, read).expect("read");
        logs.into_iter().flatten().map(|log| log.durable).collect()
    }

    fn shelf(&self, made_ms: i64) -> FolderShelf {
        let hub = ("Uji".to_owned(), "1".to_owned());
        FolderShelf::new(&self.folder(), &self.dir, hub, made_ms).expect("a folder")
    }

    /// Makes a backup on `shelf`, while `meanwhile` happens at every step.
    fn back_up(
        &mut self,
        shelf: &mut dyn Shelf,
        mut meanwhile: impl FnMut(&mut SqliteStore) -> bool,
    ) -> Result<Made<StoreError>, Fault> {
        let source = folder::source(&self.dir).expect("a reader");
        let store = std::cell::RefCell::new(&mut self.store);
        let backup = transact_with(*store.borrow_mut(), |tx| begin(tx, NOW_MS)).expect("begun");
        let mut go_on = |_, _| meanwhile(*store.borrow_mut());
        make(&source, shelf, backup, &mut go_on, |logs, whole| {
            transact_with(*store.borrow_mut(), |tx| raise(tx, logs, whole))
        })
    }

    /// A backup made at a time.
    fn good(&mut self, made_ms: i64) -> PathBuf {
        let mut shelf = self.shelf(made_ms);
        self.back_up(&mut shelf, |_| true).expect("a backup").raised.expect("raised");
        shelf.path()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder()).expect("the folder").flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }
}

/// The head of Sari's log number `log`.
fn head(log: u64) -> LogHead {
    let run = RunHead { run: RunId(log), ordinal: 1, before: None, boot: 1, boot_ms: 5, wall_ms: NOW_MS };
    LogHead::new(SARI, "32.73.05.1001".parse().expect("a code"), Lane::Case, run)
}

fn append(store: &mut SqliteStore, log: u64, count: u64) {
    let head = head(log);
    let added = transact_with(store, |tx| {
        let known = match tx.log(head.log())? {
            Some(known) => known,
            None => {
                tx.insert_log(&head)?;
                Log { chain: head.chain_start(), head: head.clone(), stored: 0, durable: 0 }
            }
        };
        let mut chain = known.chain;
        for seq in known.stored + 1..=known.stored + count {
            let bytes = format!("jalan rusak di depan balai desa, laporan {seq} ").repeat(20).into_bytes();
            chain = chain.then(&bytes);
            let id = OpId { log: head.log(), seq };
            let (state, received_ms) = (OpState::Waiting, NOW_MS);
            tx.append_op(&NewOp { id, bytes: &bytes, chain, record: None, received_ms, state })?;
        }
        tx.advance_log(head.log(), known.stored + count, chain)
    });
    added.expect("stored");
}

fn all(_: Phase, _: Step) -> bool {
    true
}

#[test]
fn a_copy_made_while_the_hub_writes_is_of_one_moment_and_the_marks_go_no_further() {
    let mut world = World::new();
    world.append(7, 2_000);
    let mut shelf = world.shelf(NOW_MS);
    let mut steps = 0;
    let made = world.back_up(&mut shelf, |store| {
        steps += 1;
        append(store, 8, 5);
        true
    });
    let made = made.expect("a backup");
    assert!(steps > 3, "{steps} steps are too few to say anything");
    assert_eq!(
        made.holds.logs.into_iter().collect::<BTreeMap<_, _>>(),
        BTreeMap::from([(head(7).log(), 2_040), (head(8).log(), 3)])
    );
    assert_eq!(world.durable(), [2_040, 3]);
    let manifest = verify(&shelf.path(), &mut all).expect("whole");
    assert_eq!(manifest.counts.get("ops"), Some(&2_043));
    let noted = transact_with(&mut world.store, |tx| tx.backed_up_ms()).expect("read");
    assert_eq!(noted, Some(NOW_MS));
    let numbers = |world: &mut World| transact_with(&mut world.store, |tx| numbers(tx)).expect("read");
    assert_eq!(numbers(&mut world), (1, 1));
    let mut shelf = world.shelf(NOW_MS + 1);
    assert!(world.back_up(&mut shelf, |_| false).is_err());
    assert_eq!(numbers(&mut world), (2, 1), "one that failed takes a number, and covers nothing");
}

#[test]
fn a_flipped_bit_anywhere_in_a_backup_is_noticed() {
    let mut world = World::new();
    let backup = world.good(NOW_MS);
    let files = ["store.db", "ca/root.key", "ca/hub.crt", "hub.toml", "manifest.json"];
    for name in files {
        let path = backup.join(name);
        let good = fs::read(&path).expect("read");
        for place in (0..good.len()).step_by((good.len() / 40).max(1)) {
            let mut bad = good.clone();
            bad[place] ^= 0x10;
            fs::write(&path, &bad).expect("write");
            let refused = verify(&backup, &mut all);
            // White space in the manifest means nothing.
            let harmless = name == "manifest.json" && good[place].is_ascii_whitespace();
            assert!(harmless || matches!(refused, Err(Fault::Unsound(_))), "{name}, byte {place}: {refused:?}");
        }
        fs::write(&path, &good).expect("write");
    }
    verify(&backup, &mut all).expect("whole again");
}

#[test]
fn an_op_that_was_exchanged_in_the_store_itself_never_becomes_a_backup() {
    let mut world = World::new();
    let path = world.dir.store();
    world.store.close().expect("closed");
    let db = rusqlite::Connection::open(&path).expect("opened");
    let changed = rusqlite::params![b"lain".as_slice(), head(7).log().0 as i64];
    db.execute("UPDATE ops SET bytes = ?1 WHERE log = ?2 AND seq = 20", changed).expect("changed");
    drop(db);
    world.store = SqliteStore::open(&path).expect("opened");
    let mut shelf = world.shelf(NOW_MS);
    let fault = world.back_up(&mut shelf, |_| true).expect_err("refused");
    assert!(fault.to_string().contains("running hash"), "{fault}");
    assert_eq!(world.durable(), [0, 0]);
    assert_eq!(world.names(), Vec::<String>::new());
}

#[test]
fn an_attempt_that_is_stopped_leaves_nothing_and_moves_no_mark() {
    let mut world = World::new();
    world.append(7, 2_000);
    for stop_at in 1..6 {
        let mut shelf = world.shelf(NOW_MS);
        let mut steps = 0;
        let stopped = world.back_up(&mut shelf, |_| {
            steps += 1;
            steps < stop_at
        });
        assert!(matches!(stopped, Err(Fault::Stopped)), "{stopped:?}");
        assert_eq!((world.durable(), world.names()), (vec![0, 0], vec![]));
    }
}

/// A shelf that fails at one of its calls.
struct Failing {
    inner: FolderShelf,
    fails_at: usize,
    calls: usize,
}

impl Failing {
    fn call(&mut self) -> Result<(), Fault> {
        self.calls += 1;
        if self.calls == self.fails_at { Err(anyhow::anyhow!("the disk refuses").into()) } else { Ok(()) }
    }
}

impl Shelf for Failing {
    fn begin(&mut self) -> Result<Connection, Fault> {
        self.call()?;
        self.inner.begin()
    }
    fn look(&mut self, writing: bool) -> Result<Connection, Fault> {
        self.call()?;
        self.inner.look(writing)
    }
    fn flush(&mut self) -> Result<(), Fault> {
        self.call()?;
        self.inner.flush()
    }
    fn publish(&mut self, holds: &Holds, go_on: GoOn<'_>) -> Result<(), Fault> {
        self.call()?;
        self.inner.publish(holds, go_on)
    }
    fn discard(&mut self) {
        self.inner.discard();
    }
}

#[test]
fn whatever_step_fails_the_marks_stay_and_no_half_backup_is_left() {
    let mut world = World::new();
    for fails_at in 1..=5 {
        let mut shelf = Failing { inner: world.shelf(NOW_MS), fails_at, calls: 0 };
        assert!(world.back_up(&mut shelf, |_| true).is_err(), "step {fails_at}");
        assert_eq!((world.durable(), world.names()), (vec![0, 0], vec![]), "step {fails_at}");
    }
    let mut shelf = Failing { inner: world.shelf(NOW_MS), fails_at: 6, calls: 0 };
    world.back_up(&mut shelf, |_| true).expect("five steps are all");
}

#[test]
fn what_an_interrupted_attempt_left_is_cleared_by_the_next() {
    let mut world = World::new();
    fs::create_dir_all(world.folder().join(".part-20260101T000000Z/ca")).expect("left");
    fs::create_dir_all(world.folder().join("milik orang lain")).expect("not ours");
    let backup = world.good(NOW_MS);
    let mut names = world.names();
    names.sort();
    assert_eq!(names, [backup.file_name().expect("a name").to_str().expect("text"), "milik orang lain"]);
}

#[test]
fn the_newest_backups_are_kept_and_what_cannot_be_read_is_left_to_a_person() {
    let mut world = World::new();
    let made: Vec<PathBuf> = (0..4).map(|day| world.good(NOW_MS + day * 86_400_000)).collect();
    fs::write(made[0].join("manifest.json"), "rusak").expect("write");
    assert_eq!(keep_newest(&world.folder(), 2).expect("removed"), 1);
    let left: Vec<_> = list(&world.folder()).expect("list").into_iter().map(|found| found.path).collect();
    assert_eq!(left, [made[3].clone(), made[2].clone(), made[0].clone()]);
    assert_eq!(pick(&world.folder(), true).expect("the newest"), made[3]);
}

#[test]
fn two_backups_of_one_second_stand_side_by_side() {
    let mut world = World::new();
    let (first, second) = (world.good(NOW_MS), world.good(NOW_MS));
    assert_ne!(first, second);
    assert_eq!(pick(&world.folder(), true).expect("the newest"), second);
}

#[test]
fn a_restored_hub_is_the_same_hub_and_nothing_is_put_over_another() {
    let mut world = World::new();
    let backup = world.good(NOW_MS);
    let new = DataDir::at(Program::Hub, world.temp.path().join("baru"));
    restore(&backup, &new, "uji", NOW_MS + 5, &mut all).expect("restored");
    let before = fs::read(world.dir.ca().join("root.key")).expect("read");
    assert_eq!(fs::read(new.ca().join("root.key")).expect("read"), before);
    let mut opened = setup::Opened::open(&new, NOW_MS + 9).expect("a hub");
    let log = transact_with(&mut opened.store, |tx| tx.log(head(7).log())).expect("read").expect("the log");
    assert_eq!(log.stored, 40);
    drop(opened);
    let again: Failure = restore(&backup, &new, "uji", NOW_MS, &mut all).expect_err("not empty");
    assert_eq!(again.exit, Exit::Usage);
}

#[test]
fn a_restored_hub_knows_what_was_staged_and_offers_none_of_it_before_a_person_says_so_again() {
    let mut world = World::new();
    let offers: Offers = serde_json::from_value(serde_json::json!({ "staged": [{
        "version": "9.0.0", "target": "t", "hash": "ab".repeat(32), "bytes": 7,
        "reach": { "areas": ["32.73"], "share": "tenth" }, "halted": false,
    }] }))
    .expect("a list");
    offers.save(&world.dir).expect("saved");
    let offered = |offers: &Offers| offers.offer(&"32.73.05.1001".parse().expect("a code"), "agent 0.1.0 t").is_some();
    assert!(offered(&offers));
    let backup = world.good(NOW_MS);
    let new = DataDir::at(Program::Hub, world.temp.path().join("baru"));
    restore(&backup, &new, "uji", NOW_MS + 5, &mut all).expect("restored");
    let mut restored = Offers::load(&new).expect("a list");
    assert!(!offered(&restored));
    restored.staged[0].halted = false;
    assert_eq!(restored, offers, "nothing else of it was lost");
    fs::write(backup.join("updates.json"), "{}").expect("write");
    assert!(matches!(verify(&backup, &mut all), Err(Fault::Unsound(_))));
}

#[cfg(unix)]
#[test]
fn keys_in_a_backup_are_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let mut world = World::new();
    let backup = world.good(NOW_MS);
    let mode = |path: PathBuf| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(backup.clone()), 0o700);
    for name in ["ca/root.key", "ca/hub.key", "store.db", "manifest.json"] {
        assert_eq!(mode(backup.join(name)), 0o600, "{name}");
    }
}

#[test]
fn a_backup_that_is_not_whole_is_not_restored() {
    let mut world = World::new();
    let backup = world.good(NOW_MS);
    fs::remove_file(backup.join("ca/root.key")).expect("removed");
    let new = DataDir::at(Program::Hub, world.temp.path().join("baru"));
    let failure = restore(&backup, &new, "uji", NOW_MS, &mut all).expect_err("refused");
    assert_eq!((failure.exit, new.store().exists()), (Exit::StoreDamaged, false));
}
