//! The agent's store: one SQLite file that holds every op this PC wrote or was told, and what is known of the hub.
//!
//! Invariants, each kept by one transaction:
//! - an op is here with its log's count and running hash, or not at all; "saved" is said after the commit;
//! - a feed page is here with its cursor, or neither;
//! - a mark of the hub is never above what is held.
//!
//! One thread owns a [`Store`] (`kentongan_host::store_thread`); nothing here waits for a network.

mod answer;
mod contacts;
mod error;
mod facts;
mod intake;
mod knowledge;
mod next;
mod opening;
mod pack;
mod read;
mod secured;
mod write;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kentongan_host::clock::{self, Clock};
use kentongan_host::sqlite;
use kentongan_host::steps::{Step, reached};
use kentongan_protocol::clock::{Hlc, HybridClock, RunHead};
use kentongan_protocol::ids::{Lane, LogId, OfficeCode, ReplicaId, RunId};
use kentongan_protocol::receipt::Prefix;
use rusqlite::{Connection, OptionalExtension, params};

pub use answer::Applied;
pub use contacts::{Contact, Link};
pub use error::{StoreError, not_enrolled};
pub use opening::Health;
pub use read::{Counts, Entry, QueueFilter, QueueItem, RecordState, RecordSummary};
pub use write::{Edit, Entered};

/// Marks our files; "KtgA" in ASCII.
const APPLICATION_ID: u32 = 0x4b74_6741;

/// Steps of the schema. Only ever appended to.
const MIGRATIONS: &[&str] = &[include_str!("schema.sql")];

/// What the store needs of the machine it runs on.
pub struct Machine {
    /// Wall and boot clock.
    pub clock: Arc<dyn Clock>,
    /// Which start of the machine this is.
    pub boot: u64,
    /// Draws random numbers.
    pub random: Box<dyn FnMut() -> u64 + Send>,
}

impl Machine {
    /// The real one.
    pub fn real() -> Machine {
        Machine {
            clock: Arc::new(clock::SystemClock::new()),
            boot: clock::boot_id(),
            random: Box::new(kentongan_host::random::random_u64),
        }
    }
}

/// What enrolment gave this installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its id.
    pub replica: ReplicaId,
    /// Its office.
    pub office: OfficeCode,
    /// What people call the office.
    pub office_name: String,
    /// First symbols of its receipt codes.
    pub prefix: Prefix,
    /// Where the hub was at enrolment; the configuration may say otherwise.
    pub hub_url: String,
    /// The hub's own replica id.
    pub hub_replica: ReplicaId,
}

/// The store.
pub struct Store {
    db: Connection,
    path: PathBuf,
    machine: Machine,
    member: Option<Member>,
    run: Option<RunHead>,
    logs: BTreeMap<Lane, LogId>,
    hybrid: HybridClock,
    /// How many logs the exchange under way asks durable marks of.
    asking: Option<usize>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("path", &self.path).field("run", &self.run).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the store at `path`, or makes it.
    ///
    /// # Errors
    /// If the file is damaged, of a newer program, or cannot be written.
    pub fn open(path: &Path, machine: Machine) -> Result<Store, StoreError> {
        Store::on(sqlite::open(path, APPLICATION_ID, next::migrations())?, path, machine)
    }

    /// As [`Store::open`], on the SQLite file system `vfs`: for simulators.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_on(vfs: &std::ffi::CStr, path: &Path, machine: Machine) -> Result<Store, StoreError> {
        Store::on(sqlite::open_on(vfs, path, APPLICATION_ID, next::migrations())?, path, machine)
    }

    fn on(db: Connection, path: &Path, machine: Machine) -> Result<Store, StoreError> {
        db.set_prepared_statement_cache_capacity(64);
        let last: Option<i64> = db
            .query_row("SELECT max(hlc) FROM log", [], |row| row.get(0))
            .map_err(StoreError::because("read the hybrid time"))?;
        let mut store = Store {
            db,
            path: path.to_owned(),
            machine,
            member: None,
            run: None,
            logs: BTreeMap::new(),
            hybrid: HybridClock::after(Hlc(last.unwrap_or(0) as u64)),
            asking: None,
        };
        store.member = store.read_member()?;
        store.learn()?;
        Ok(store)
    }

    /// Closes it cleanly, so that the next start need not check every page.
    ///
    /// # Errors
    /// If SQLite cannot close the file.
    pub fn close(self) -> Result<(), StoreError> {
        Ok(sqlite::close(self.db, &self.path)?)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What enrolment gave, if this installation is enrolled.
    pub fn member(&self) -> Option<&Member> {
        self.member.as_ref()
    }

    /// Milliseconds since 1970 by this PC's clock, right or wrong.
    pub fn wall_ms(&self) -> i64 {
        self.machine.clock.wall_ms()
    }

    /// This process's run; noted in the store at the first call.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn run(&mut self) -> Result<RunHead, StoreError> {
        if let Some(run) = self.run {
            return Ok(run);
        }
        let last: Option<(i64, [u8; 8])> = self
            .db
            .query_row("SELECT ordinal, run FROM run ORDER BY ordinal DESC LIMIT 1", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()
            .map_err(StoreError::because("read the last run"))?;
        let run = RunHead {
            run: RunId((self.machine.random)()),
            ordinal: last.map_or(1, |(ordinal, _)| u32::try_from(ordinal).unwrap_or(u32::MAX - 1) + 1),
            before: last.map(|(_, run)| RunId::from_bytes(run)),
            boot: self.machine.boot,
            boot_ms: self.machine.clock.boot_ms(),
            wall_ms: self.machine.clock.wall_ms(),
        };
        self.db
            .execute(
                "INSERT INTO run (run, ordinal, before, boot, boot_ms, wall_ms) VALUES (?, ?, ?, ?, ?, ?)",
                params![
                    run.run.to_bytes(),
                    run.ordinal,
                    run.before.map(RunId::to_bytes),
                    run.boot as i64,
                    run.boot_ms as i64,
                    run.wall_ms
                ],
            )
            .map_err(StoreError::because("note this run"))?;
        reached(Step::AgentRunNoted);
        self.run = Some(run);
        Ok(run)
    }

    /// Milliseconds since this run began.
    pub fn elapsed_ms(&self) -> u64 {
        self.run.map_or(0, |run| self.machine.clock.boot_ms().saturating_sub(run.boot_ms))
    }
}

#[cfg(test)]
mod tests;
