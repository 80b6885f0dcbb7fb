//! Verified copies of the hub, and the durable marks that follow from them.
//!
//! ```text
//!   copy to a temporary name ─▶ flush ─▶ check the copy ─▶ give it its name, flush ─▶ raise the durable marks
//!          the store at one moment         pages, running hashes, counts                 to what the copy holds
//! ```
//!
//! **First the copy is safe, then the marks.** An office may forget what a durable mark covers, so nothing but a copy
//! that was read back and lies under its name may raise one, and only to what is in the copy: the store has gone on
//! meanwhile. Whatever fails before leaves the marks where they are; if raising fails, the copy is good all the same,
//! and the next backup raises them.
//!
//! - [`make`] is these steps; the command, the service and the simulator call it.
//! - [`folder`] is where copies lie on a real disk; [`restore`] puts one back.

pub mod folder;
pub mod restore;

use kentongan_host::steps::{self, reached};
use kentongan_protocol::ids::LogId;
use kentongan_protocol::planted::{self, Defect};
use rusqlite::Connection;

use crate::store::sqlite::copying::{self, CopyFault, Counts, Holds, Step};
use crate::store::{Result as StoreResult, Tx};

/// Marks raised in one transaction: exchanges wait no longer than that.
const MARKS_AT_ONCE: usize = 512;

/// Why there is no copy. No mark was raised.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Somebody asked to stop.
    #[error("stopped before it was done")]
    Stopped,
    /// The copy is not what was copied, or what was copied is damaged.
    #[error("not whole: {0}")]
    Unsound(String),
    /// A database or a file failed.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

impl From<CopyFault> for Fault {
    fn from(fault: CopyFault) -> Fault {
        match fault {
            CopyFault::Stopped => Fault::Stopped,
            CopyFault::Unsound(what) => Fault::Unsound(what),
            CopyFault::Sqlite(doing, error) => Fault::Failed(anyhow::Error::from(error).context(doing)),
        }
    }
}

/// What a backup is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Copying pages.
    Copying,
    /// Reading the copy back.
    Checking,
    /// Computing the hashes of files.
    Hashing,
}

impl Phase {
    /// Stable word.
    pub fn code(self) -> &'static str {
        match self {
            Phase::Copying => "copying",
            Phase::Checking => "checking",
            Phase::Hashing => "hashing",
        }
    }
}

/// Is told how far it is, and says whether to go on.
pub type GoOn<'a> = &'a mut dyn FnMut(Phase, Step) -> bool;

/// Where a copy is put.
pub trait Shelf {
    /// An empty database under a temporary name, for writing. What an interrupted attempt left is removed first.
    ///
    /// # Errors
    /// The disk refuses.
    fn begin(&mut self) -> Result<Connection, Fault>;

    /// The copy under its temporary name; for writing only while it is made one plain file.
    ///
    /// # Errors
    /// The disk refuses.
    fn look(&mut self, writing: bool) -> Result<Connection, Fault>;

    /// Everything that was written is on the disk when this returns.
    ///
    /// # Errors
    /// The disk refuses.
    fn flush(&mut self) -> Result<(), Fault>;

    /// Gives the checked copy its name, so that a power cut does not take it away.
    ///
    /// # Errors
    /// The disk refuses; there is no copy then.
    fn publish(&mut self, holds: &Holds, go_on: GoOn<'_>) -> Result<(), Fault>;

    /// Removes the temporary copy, as far as that is possible.
    fn discard(&mut self);
}

/// Counters of the store: numbers of the last backup that was begun, and of the last one that was done.
const BEGUN: &str = "backup begun";
const DONE: &str = "backup done";

/// A backup that was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backup {
    /// Its number, higher than those before: what was stored before it was given is in the backup, whatever the clock says.
    pub number: u64,
    /// When it was begun by the hub's clock, milliseconds since 1970.
    pub begun_ms: i64,
}

/// Notes that a backup begins.
///
/// # Errors
/// A failure of the store.
pub fn begin(tx: &mut dyn Tx, now_ms: i64) -> StoreResult<Backup> {
    let number = tx.progress(BEGUN)?.saturating_add(1);
    tx.put_progress(BEGUN, number)?;
    Ok(Backup { number, begun_ms: now_ms })
}

/// Numbers of the last backup that was begun, and of the last one that was done; 0: none.
///
/// # Errors
/// A failure of the store.
pub fn numbers(tx: &mut dyn Tx) -> StoreResult<(u64, u64)> {
    Ok((tx.progress(BEGUN)?, tx.progress(DONE)?))
}

/// A copy that is safe, and whether the durable marks follow it.
#[derive(Debug)]
pub struct Made<E> {
    /// What it holds.
    pub holds: Holds,
    /// Whether the marks were raised. If not, the copy is good all the same, and offices keep everything for longer.
    pub raised: Result<(), E>,
}

/// Makes a copy of the store behind `source` on `shelf`, and then has the durable marks raised to what the copy holds.
///
/// `backup` was begun before, see [`begin`]. `raise` is given some logs at a time, and with the last of them the
/// backup to note; see [`raise`].
///
/// # Errors
/// See [`Fault`]; then there is no copy, and nothing was raised.
pub fn make<E>(
    source: &Connection,
    shelf: &mut dyn Shelf,
    backup: Backup,
    go_on: GoOn<'_>,
    mut raise: impl FnMut(&[(LogId, u64)], Option<Backup>) -> Result<(), E>,
) -> Result<Made<E>, Fault> {
    let mut all = |logs: &[(LogId, u64)]| -> Result<(), E> {
        let mut pages = logs.chunks(MARKS_AT_ONCE).peekable();
        while let Some(page) = pages.next() {
            raise(page, pages.peek().is_none().then_some(backup))?;
        }
        if logs.is_empty() { raise(&[], Some(backup)) } else { Ok(()) }
    };
    let copied = copy(source, shelf, go_on, &mut |copy| {
        if planted::active(Defect::DurableUnverified) {
            let _ = copying::logs(copy).map(|logs| all(&logs));
        }
    });
    match copied {
        Ok(holds) => {
            let raised = all(&holds.logs);
            reached(steps::Step::HubBackupRaised);
            Ok(Made { raised, holds })
        }
        Err(fault) => {
            shelf.discard();
            if planted::active(Defect::DurableWithoutCopy) {
                let _ = copying::logs(source).map(|logs| all(&logs));
            }
            Err(fault)
        }
    }
}

/// Everything up to the copy under its name.
fn copy(
    source: &Connection,
    shelf: &mut dyn Shelf,
    go_on: GoOn<'_>,
    copied: &mut dyn FnMut(&Connection),
) -> Result<Holds, Fault> {
    let mut target = shelf.begin()?;
    let counts = copying::copy(source, &mut target, &mut |step| go_on(Phase::Copying, step))?;
    close(target)?;
    let plain = shelf.look(true)?;
    copying::make_plain(&plain)?;
    copied(&plain);
    close(plain)?;
    shelf.flush()?;
    reached(steps::Step::HubBackupCopied);
    let copy = shelf.look(false)?;
    let holds = copying::check(&copy, &mut |step| go_on(Phase::Checking, step))?;
    close(copy)?;
    compare(&holds.counts, &counts)?;
    reached(steps::Step::HubBackupChecked);
    shelf.publish(&holds, go_on)?;
    reached(steps::Step::HubBackupNamed);
    Ok(holds)
}

fn close(db: Connection) -> Result<(), Fault> {
    db.close().map_err(|(_, error)| Fault::Failed(anyhow::Error::from(error).context("closing the copy")))
}

/// Whether there are as many rows as there should be.
fn compare(found: &Counts, expected: &Counts) -> Result<(), Fault> {
    match found.iter().zip(expected).find(|(found, expected)| found != expected) {
        None if found.len() == expected.len() => Ok(()),
        None => Err(Fault::Unsound("other tables are counted".to_owned())),
        Some(((table, found), (_, expected))) => {
            Err(Fault::Unsound(format!("{found} rows in {table} where {expected} should be")))
        }
    }
}

/// Raises the durable marks of `logs`, and notes the backup that holds them if these are the last.
///
/// # Errors
/// A failure of the store.
pub fn raise(tx: &mut dyn Tx, logs: &[(LogId, u64)], whole: Option<Backup>) -> StoreResult<()> {
    logs.iter().try_for_each(|(log, seq)| tx.raise_durable(*log, *seq))?;
    let Some(backup) = whole else { return Ok(()) };
    tx.put_progress(DONE, backup.number)?;
    tx.note_backed_up(backup.begun_ms)
}

#[cfg(test)]
mod tests;
