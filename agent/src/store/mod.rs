//! The agent's store: one SQLite file that holds every op this PC wrote or was told, and what is known of the hub.
//!
//! Invariants, each kept by one transaction:
//! - an op is here with its log's count and running hash, or not at all; "saved" is said after the commit;
//! - a feed page is here with its cursor, or neither;
//! - a mark of the hub is never above what is held.
//!
//! One thread owns a [`Store`] (`kentongan_host::store_thread`); nothing here waits for a network.

mod answer;
mod arrival;
mod attachments;
mod carried;
mod check;
mod contacts;
mod draft;
mod error;
mod facts;
mod grown;
mod growth;
mod intake;
mod kiosk;
mod knowledge;
mod list;
mod mark;
mod mishap;
mod next;
mod opening;
mod pack;
mod person;
mod read;
mod repair;
mod salvage;
mod search;
mod secured;
mod sheet;
mod signing;
mod similar;
mod stray;
mod traffic;
mod write;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kentongan_host::clock::{self, Clock};
use kentongan_host::seal::KEY_BYTES;
use kentongan_host::sqlite;
use kentongan_host::steps::{Step, reached};
use kentongan_protocol::clock::{Hlc, HybridClock, RunHead};
use kentongan_protocol::ids::{Lane, LogId, OfficeCode, ReplicaId, RunId};
use kentongan_protocol::receipt::Prefix;
use rusqlite::{Connection, OptionalExtension, params};

pub use answer::Applied;
pub use arrival::Arrival;
pub use attachments::{AttachmentState, AttachmentTotals};
pub use carried::{Bundle, Heard};
pub use check::Scrub;
pub use contacts::{Contact, Link};
pub use draft::{DRAFT_BYTES_MAX, DRAFT_FILES_MAX, Draft, DraftName, Inputs};
pub use error::{StoreError, not_enrolled};
pub(crate) use grown::given_back;
pub use growth::Growth;
pub use kiosk::Kiosk;
pub(crate) use kiosk::{Handed, Taken};
pub use list::{Found, ListFilter, Today, privacy};
pub use mishap::Mishap;
pub use opening::Health;
pub use person::Person;
pub use read::{Counts, Entry, QueueFilter, QueueItem, RecordState, RecordSummary};
pub use salvage::Salvaged;
pub(crate) use sheet::SheetState;
pub use write::{Edit, Entered};

/// Marks our files; "KtgA" in ASCII.
const APPLICATION_ID: u32 = 0x4b74_6741;

/// Steps of the schema. Only ever appended to.
const MIGRATIONS: &[&str] = &[
    include_str!("schema.sql"),
    include_str!("schema2.sql"),
    include_str!("schema3.sql"),
    include_str!("schema4.sql"),
    include_str!("schema5.sql"),
    include_str!("schema6.sql"),
    include_str!("schema7.sql"),
    include_str!("schema8.sql"),
    include_str!("schema9.sql"),
    include_str!("schema10.sql"),
    include_str!("schema11.sql"),
    include_str!("schema12.sql"),
    include_str!("schema13.sql"),
];

/// The newest schema that this program reads.
pub(crate) fn schema_known() -> u32 {
    u32::try_from(next::migrations().len()).expect("migrations are few")
}

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
    /// Beside stores of the real machine.
    mark: Option<mark::Mark>,
    /// Ops of this PC that are here.
    saved: u64,
    /// By the boot clock, since when something of this run is stored or on its way without a signature.
    unsigned_since_ms: Option<u64>,
    /// In this exchange, pages of the feed are passed over: reading goes on from an earlier place in the next one.
    passes_pages_over: bool,
    /// Row of the last file that the hub was offered and knows nothing of: others have their turn before it.
    offered_upto: i64,
    /// What is confidential is sealed to this key of the hub; `None`: the hub has not said it.
    sealing: Option<[u8; KEY_BYTES]>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("path", &self.path).field("run", &self.run).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the store at `path`, or makes it. A damaged one is set aside whole, and what is readable in it goes on in a
    /// fresh one; [`Store::mishap`] tells.
    ///
    /// # Errors
    /// If the file is of a newer program, cannot be written, or cannot be salvaged for want of space.
    pub fn open(path: &Path, machine: Machine) -> Result<Store, StoreError> {
        let sound = repair::open(path, &*machine.clock)?;
        let mut store = Store::on(sound, path, machine);
        store.mark = Some(mark::Mark::beside(path));
        match store.settle() {
            Err(error) if error.is_damage() => {
                store.repair(&error)?;
                store.settle()?;
            }
            settled => settled?,
        }
        Ok(store)
    }

    /// As [`Store::open`], on the SQLite file system `vfs`: for simulators. Damage is told, and repaired by
    /// [`Store::take_in`].
    ///
    /// # Errors
    /// As [`Store::open`], and if the file is damaged.
    pub fn open_on(vfs: &std::ffi::CStr, path: &Path, machine: Machine) -> Result<Store, StoreError> {
        let db = sqlite::open_on(vfs, path, APPLICATION_ID, next::migrations())?;
        let mut store = Store::on(repair::sound(db)?, path, machine);
        store.learn()?;
        Ok(store)
    }

    fn on(sound: repair::Sound, path: &Path, machine: Machine) -> Store {
        Store {
            db: sound.db,
            path: path.to_owned(),
            machine,
            member: sound.member,
            run: None,
            logs: BTreeMap::new(),
            hybrid: HybridClock::after(Hlc(sound.last_hlc as u64)),
            asking: None,
            unsigned_since_ms: None,
            passes_pages_over: false,
            offered_upto: 0,
            sealing: None,
            mark: None,
            saved: 0,
        }
    }

    /// Sets this store aside because `why`, and goes on in a fresh one with what is readable in it. What is entered
    /// afterwards belongs to a new run. For stores of the real machine.
    ///
    /// # Errors
    /// If it cannot be done, for example for want of space; the store is then as it was.
    pub fn repair(&mut self, why: &StoreError) -> Result<Salvaged, StoreError> {
        let aside = Connection::open_in_memory().map_err(StoreError::because("let go of the damaged store"))?;
        drop(std::mem::replace(&mut self.db, aside));
        let salvaged = repair::repair(&self.path, &*self.machine.clock, &repair::reason(why));
        let sound = repair::open(&self.path, &*self.machine.clock)?;
        self.db = sound.db;
        self.reread()?;
        self.learn()?;
        salvaged
    }

    /// What is done with a store that was just opened.
    fn settle(&mut self) -> Result<(), StoreError> {
        self.compare_mark()?;
        self.learn()
    }

    /// Reads anew what is kept in memory of the store.
    fn reread(&mut self) -> Result<(), StoreError> {
        let last: Option<i64> = self
            .db
            .query_row("SELECT max(hlc) FROM log", [], |row| row.get(0))
            .map_err(StoreError::because("read the hybrid time"))?;
        self.hybrid = HybridClock::after(Hlc(last.unwrap_or(0) as u64).max(self.hybrid.last()));
        self.member = self.read_member()?;
        self.run = None;
        self.logs.clear();
        self.count_saved()
    }

    /// Notices what is missing by the mark beside the store, and goes on with the mark.
    fn compare_mark(&mut self) -> Result<(), StoreError> {
        let Some(member) = self.member.clone() else { return Ok(()) };
        if facts::get::<i64>(&self.db, facts::name::MEMBER_SUM)?.is_none() {
            facts::put_member(&self.db, &member)?;
        }
        self.keep_member();
        let water = self.mark.as_ref().and_then(mark::Mark::read).filter(|water| water.replica == member.replica);
        self.saved = saved_ops(&self.db)?;
        let missing = water.map_or(0, |water| water.ops.saturating_sub(self.saved));
        // After a repair that was interrupted before the mark was brought down, the loss is noted already.
        let noted = self.mishap()?.is_some_and(|mishap| mishap.kept_ops == self.saved);
        if missing > 0 && !noted {
            let latest_ms = Some(self.hybrid.last().ms()).filter(|ms| *ms > 0);
            let what = Salvaged { own_ops: self.saved, lost_ops: missing, latest_ms, ..Salvaged::default() };
            let detail = "the mark beside the store counts more ops than it holds";
            let note = salvage::Note { aside: "", detail };
            mishap::note(&self.db, self.wall_ms(), "missing", &what, &note)?;
            tracing::error!(
                ev = "store.missing",
                code = "KTG-202",
                lost_ops = missing,
                "the store is older than it should be; the hub is asked for what it has of it"
            );
        }
        self.count_saved()
    }

    /// Counts the ops of this PC, and notes the number beside the store.
    fn count_saved(&mut self) -> Result<(), StoreError> {
        self.saved = saved_ops(&self.db)?;
        self.note_saved(0);
        Ok(())
    }

    /// Notes that so many ops more were saved.
    fn note_saved(&mut self, more: u64) {
        self.saved += more;
        let at_ms = self.machine.clock.wall_ms();
        if let (Some(mark), Some(member)) = (&mut self.mark, &self.member) {
            mark.write(mark::HighWater { replica: member.replica, ops: self.saved, at_ms });
        }
    }

    /// Makes the mark last through a power cut.
    fn flush_mark(&mut self) {
        if let Some(mark) = &mut self.mark {
            mark.flush();
        }
    }

    /// Keeps a copy of what enrolment gave outside the store.
    fn keep_member(&self) {
        if let (Some(_), Some(member)) = (&self.mark, &self.member) {
            mark::keep_member(&self.path, member);
        }
    }

    /// Closes it cleanly, so that the next start need not check every page.
    ///
    /// # Errors
    /// If SQLite cannot close the file.
    pub fn close(mut self) -> Result<(), StoreError> {
        self.flush_mark();
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
        put_run(&self.db, &run)?;
        reached(Step::AgentRunNoted);
        self.run = Some(run);
        Ok(run)
    }

    /// Milliseconds since this run began.
    pub fn elapsed_ms(&self) -> u64 {
        self.run.map_or(0, |run| self.machine.clock.boot_ms().saturating_sub(run.boot_ms))
    }
}

/// Notes a run.
fn put_run(db: &Connection, run: &RunHead) -> Result<(), StoreError> {
    db.execute(
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
    .map(drop)
    .map_err(StoreError::because("note a run"))
}

/// Ops of this PC that are here, those behind a lost one among them.
fn saved_ops(db: &Connection) -> Result<u64, StoreError> {
    db.query_row("SELECT coalesce(sum(held), 0) + (SELECT count(*) FROM stray) FROM log WHERE own = 1", [], |row| {
        row.get::<_, i64>(0)
    })
    .map(|count| count as u64)
    .map_err(StoreError::because("count the ops of this PC"))
}

#[cfg(test)]
mod tests;
