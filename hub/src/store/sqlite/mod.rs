//! The store in one SQLite file: write-ahead log, flushed at every commit, strict tables.
//!
//! ```text
//!   schema   the tables            parties  hub, offices, replicas, codes     feed    topics and numbers
//!   row      reading columns       logs     runs, logs, ops, verdicts         proofs  attests, forks, audit, journal
//!   copying  a copy, and its check  records  records, shares, conflicts          attachments  files
//!   days     how offices are heard, and what people brought in
//! ```

mod accounts;
mod attachments;
pub mod copying;
mod days;
mod feed;
mod logs;
mod next;
mod parties;
mod programs;
mod proofs;
mod records;
mod row;
mod schema;
mod tx;
mod work;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use kentongan_host::fail::is_disk_failure;
use kentongan_host::sqlite::{self, OpenFailure};
use kentongan_host::steps::{Step, reached};
use kentongan_protocol::ids::OfficeCode;
use kentongan_protocol::planted::{self, Defect};
use rusqlite::Connection;

use super::contract::{Result, Store, StoreError, Work};
use tx::SqliteTx;

/// Prepared statements kept: more than this program has.
const STATEMENTS_MAX: usize = 160;
/// Memory for pages of the database, in KiB.
const CACHE_KIB: i32 = 16 * 1024;
/// Pages of the write-ahead log after which it is worked into the file: a page that many commits touch (the end of a
/// table or of an index) is then written there once instead of often.
const CHECKPOINT_PAGES: i32 = 4_000;

/// The store in one SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    db: Connection,
    path: PathBuf,
    doubtful: bool,
    fed: BTreeSet<OfficeCode>,
}

impl SqliteStore {
    /// Opens the store at `path`, creating it if there is none, and brings it to the newest version. After an end that
    /// was not [`SqliteStore::close`], the whole file is checked, and every op against the running hash of its log.
    ///
    /// # Errors
    /// See [`OpenFailure`]; the file is then as it was before.
    pub fn open(path: &Path) -> std::result::Result<SqliteStore, OpenFailure> {
        let closed_well = sqlite::was_closed_well(path);
        let db = sqlite::open(path, schema::APPLICATION_ID, next::migrations())?;
        if !closed_well {
            check_whole(&db, path)?;
        }
        SqliteStore::tuned(db, path)
    }

    /// As [`SqliteStore::open`], on the SQLite file system `vfs`: for simulators.
    ///
    /// # Errors
    /// See [`OpenFailure`].
    pub fn open_on(vfs: &std::ffi::CStr, path: &Path) -> std::result::Result<SqliteStore, OpenFailure> {
        let db = sqlite::open_on(vfs, path, schema::APPLICATION_ID, next::migrations())?;
        check_whole(&db, path)?;
        SqliteStore::tuned(db, path)
    }

    /// Opens an existing store for reading beside the process that writes it. Writing fails.
    ///
    /// # Errors
    /// See [`OpenFailure`].
    pub fn open_reader(path: &Path) -> std::result::Result<SqliteStore, OpenFailure> {
        SqliteStore::tuned(sqlite::open_reader(path)?, path)
    }

    /// Looks whether the store is whole: every page, and every log against its running hash. `go_on` is asked between
    /// logs.
    ///
    /// # Errors
    /// See [`copying::CopyFault`].
    pub fn check(&self, go_on: &mut dyn FnMut(copying::Step) -> bool) -> std::result::Result<(), copying::CopyFault> {
        copying::check(&self.db, go_on).map(drop)
    }

    fn tuned(db: Connection, path: &Path) -> std::result::Result<SqliteStore, OpenFailure> {
        db.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        for (setting, value) in [("cache_size", -CACHE_KIB), ("wal_autocheckpoint", CHECKPOINT_PAGES)] {
            db.pragma_update(None, setting, value)
                .map_err(|error| OpenFailure::Sqlite(path.to_owned(), "settings", error))?;
        }
        Ok(SqliteStore { db, path: path.to_owned(), doubtful: false, fed: BTreeSet::new() })
    }

    /// Closes the store and notes that it was closed well, unless its disk failed: then the next start checks it whole.
    ///
    /// # Errors
    /// See [`sqlite::close`]. Nothing committed is lost by that.
    pub fn close(self) -> std::result::Result<(), OpenFailure> {
        if self.doubtful { Ok(()) } else { sqlite::close(self.db, &self.path) }
    }

    fn run(&self, sql: &'static str, doing: &'static str) -> Result<()> {
        self.db.execute_batch(sql).map_err(|error| StoreError::database(doing, error))
    }
}

/// The whole file: indexes against their tables too, because a key that flipped in one of them is in neither's hash.
fn check_whole(db: &Connection, path: &Path) -> std::result::Result<(), OpenFailure> {
    if planted::active(Defect::DamageUnseen) {
        return Ok(());
    }
    let checked = copying::check(db, &mut |_| true);
    checked.map(drop).map_err(|fault| OpenFailure::Damaged { path: path.to_owned(), detail: fault.to_string() })
}

impl Store for SqliteStore {
    fn transact(&mut self, work: Work<'_>) -> Result<()> {
        if !self.db.is_autocommit() {
            // A panic went through an earlier transaction and left it open.
            self.run("ROLLBACK", "undoing what a panic left")?;
        }
        // A reader cannot take the write lock, and needs none.
        let reads_only = self.db.is_readonly("main").unwrap_or(false);
        self.run(if reads_only { "BEGIN" } else { "BEGIN IMMEDIATE" }, "beginning a transaction")?;
        let mut tx = SqliteTx::new(&self.db);
        let done = work(&mut tx).and_then(|()| tx.finish());
        let (worked, mut fed) = (done.is_ok(), tx.fed);
        let done = done.and_then(|()| {
            reached(Step::HubGroupWritten);
            let committed = self.db.execute_batch("COMMIT");
            self.doubtful = committed.as_ref().is_err_and(is_disk_failure);
            committed.map_err(|error| StoreError::database("committing", error))?;
            reached(Step::HubGroupCommitted);
            self.fed.append(&mut fed);
            Ok(())
        });
        if done.is_err() && !self.db.is_autocommit() {
            self.run("ROLLBACK", "undoing a transaction")?;
        }
        if planted::active(Defect::HubAnswersUncommitted) && worked {
            return Ok(());
        }
        done
    }

    fn is_doubtful(&self) -> bool {
        self.doubtful
    }

    fn take_fed(&mut self) -> BTreeSet<OfficeCode> {
        std::mem::take(&mut self.fed)
    }
}

#[cfg(test)]
mod tests {
    use kentongan_protocol::clock::RunHead;
    use kentongan_protocol::ids::{Lane, LogId, ReplicaId, RunId};
    use kentongan_protocol::log::LogHead;
    use kentongan_protocol::wire::codec;
    use kentongan_protocol::wire::v1::LogFrame;

    use super::super::contract::{Job, transact_group, transact_with};
    use super::super::rows::Office;
    use super::*;

    fn office(code: &str, name_bytes: usize) -> Office {
        let code: OfficeCode = code.parse().expect("an office code");
        Office { code, name: "n".repeat(name_bytes), added_ms: 0, paused_ms: None }
    }

    /// Number, head and running hash of a log that holds one op.
    fn a_log(op: &[u8]) -> (i64, Vec<u8>, [u8; 32]) {
        let run = RunHead { run: RunId(1), ordinal: 1, before: None, boot: 1, boot_ms: 0, wall_ms: 0 };
        let office = "32.73".parse().expect("an office code");
        let head = LogHead::new(ReplicaId(1), office, Lane::Case, run);
        (head.log().0 as i64, codec::encode(&LogFrame::from(&head)), head.chain_start().then(op).0)
    }

    fn codes(store: &mut SqliteStore) -> Vec<String> {
        let offices = transact_with(store, |tx| tx.offices()).expect("read");
        offices.iter().map(|office| office.code.to_string()).collect()
    }

    #[test]
    fn what_was_committed_is_there_after_opening_again() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("store.db");
        let mut store = SqliteStore::open(&path).expect("fresh");
        transact_with(&mut store, |tx| tx.put_office(&office("32.73", 3))).expect("stored");
        let mut beside = SqliteStore::open_reader(&path).expect("a reader");
        assert_eq!(codes(&mut beside), ["32.73"]);
        assert!(transact_with(&mut beside, |tx| tx.put_office(&office("32.74", 3))).is_err());
        store.close().expect("closed");
        assert_eq!(codes(&mut SqliteStore::open(&path).expect("again")), ["32.73"]);
    }

    #[test]
    fn a_head_that_does_not_give_the_name_it_is_stored_under_is_damage() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut store = SqliteStore::open(&folder.path().join("store.db")).expect("fresh");
        let run = RunHead { run: RunId(3), ordinal: 1, before: None, boot: 1, boot_ms: 0, wall_ms: 0 };
        let head = LogHead::new(ReplicaId(1), office("32.73", 0).code, Lane::Case, run);
        transact_with(&mut store, |tx| tx.insert_log(&head)).expect("stored");
        let found = |store: &mut SqliteStore, log| transact_with(store, |tx| tx.log(log));
        assert_eq!(found(&mut store, head.log()).expect("sound").map(|log| log.head), Some(head.clone()));
        store.db.execute("UPDATE logs SET log = 7", []).expect("damaged");
        assert!(matches!(found(&mut store, LogId(7)), Err(StoreError::Damaged(_))));
    }

    #[test]
    fn a_bit_flipped_in_an_op_is_found_after_an_unclean_end() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("store.db");
        let store = SqliteStore::open(&path).expect("fresh");
        let (log, head, chain) = a_log(b"isi laporan");
        let insert_log = "INSERT INTO logs (log, replica, run, lane, office, head, stored, chain) \
                          VALUES (?1, 1, 1, 1, '32.73', ?2, 1, ?3)";
        store.db.execute(insert_log, (log, head, &chain)).expect("a log");
        let insert_op = "INSERT INTO ops (log, seq, state, received_ms, chain, bytes) VALUES (?1, 1, 0, 0, ?2, ?3)";
        store.db.execute(insert_op, (log, &chain, b"isi laporan")).expect("an op");
        // Into the file itself: in its log SQLite would notice.
        store.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("worked in");
        drop(store);
        SqliteStore::open(&path).expect("as it was written");
        let mut bytes = std::fs::read(&path).expect("read");
        let place = bytes.windows(11).position(|window| window == b"isi laporan").expect("in the file");
        bytes[place] ^= 1;
        std::fs::write(&path, bytes).expect("write");
        assert!(matches!(SqliteStore::open(&path), Err(OpenFailure::Damaged { .. })));
    }

    #[test]
    fn without_space_the_job_that_needs_it_fails_and_nothing_of_it_stays() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut store = SqliteStore::open(&folder.path().join("store.db")).expect("fresh");
        let pages: i64 = store.db.query_row("PRAGMA page_count", [], |row| row.get(0)).expect("counted");
        store.db.pragma_update(None, "max_page_count", pages + 4).expect("a small disk");
        let jobs: Vec<Job<'_>> = vec![
            Box::new(|tx| tx.put_office(&office("32.01", 10))),
            Box::new(|tx| {
                tx.put_office(&office("32.02", 10))?;
                tx.put_office(&office("32.03", 100_000))
            }),
            Box::new(|tx| tx.put_office(&office("32.04", 10))),
        ];
        let results = transact_group(&mut store, jobs);
        assert!(matches!(&results[1], Err(StoreError::Database { .. })), "{results:?}");
        let stored = codes(&mut store);
        let told: Vec<bool> = results.iter().map(Result::is_ok).collect();
        assert_eq!(told[0], stored.contains(&"32.01".to_owned()));
        assert_eq!(told[2], stored.contains(&"32.04".to_owned()));
        assert!(!stored.contains(&"32.02".to_owned()) && !stored.contains(&"32.03".to_owned()));
    }
}
