//! Copying a store while it is written, and looking whether a copy is whole.
//!
//! The copy is made by SQLite's backup API from a connection of its own that stays at one moment: a reading transaction
//! is open from the first page to the last, so the copy never begins anew however much is written meanwhile, and the
//! writer waits for nothing. (`VACUUM INTO` would do the same, but cannot be stopped between two steps, says nothing of
//! how far it is, and writes other pages than those that were checked a thousand times.)

use kentongan_host::sqlite::{Closely, fault};
use kentongan_protocol::ids::LogId;
use kentongan_protocol::log::{ChainHash, LogHead};
use kentongan_protocol::wire::codec;
use kentongan_protocol::wire::v1::LogFrame;
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::schema::APPLICATION_ID;

/// Pages of one step: about 1 MiB.
const STEP_PAGES: i32 = 256;
/// Tables of which the rows are counted in the store and in its copy.
const COUNTED: [&str; 8] = ["ops", "logs", "records", "feed", "audit", "replicas", "offices", "epochs"];

/// How many rows each table has.
pub type Counts = Vec<(String, u64)>;

/// What a copy holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holds {
    /// Of each log, how many ops.
    pub logs: Vec<(LogId, u64)>,
    /// Rows by table.
    pub counts: Counts,
}

impl Holds {
    /// Rows of a table; 0 if it is not counted.
    pub fn count(&self, table: &str) -> u64 {
        self.counts.iter().find(|(name, _)| name == table).map_or(0, |(_, count)| *count)
    }
}

/// How far a copy is: parts done, and parts in all.
pub type Step = (u64, u64);

/// Why a copy is not there.
#[derive(Debug, thiserror::Error)]
pub enum CopyFault {
    /// Somebody asked to stop.
    #[error("stopped before it was done")]
    Stopped,
    /// SQLite failed.
    #[error("{0}")]
    Sqlite(&'static str, #[source] rusqlite::Error),
    /// The copy is not what was copied, or what was copied is damaged.
    #[error("not whole: {0}")]
    Unsound(String),
}

/// Copies the store behind `source` into the empty database `target`, as it stands at one moment, and counts its rows at
/// that moment. `go_on` is asked between steps.
///
/// # Errors
/// See [`CopyFault`].
pub fn copy(
    source: &Connection,
    target: &mut Connection,
    go_on: &mut dyn FnMut(Step) -> bool,
) -> Result<Counts, CopyFault> {
    let failed = |error| CopyFault::Sqlite("copying the store", error);
    let moment = source.unchecked_transaction().map_err(failed)?;
    // The first read fixes the moment.
    let counts = count(&moment).map_err(failed)?;
    {
        let backup = Backup::new(&moment, target).map_err(failed)?;
        loop {
            let step = backup.step(STEP_PAGES).map_err(failed)?;
            let progress = backup.progress();
            let all = u64::try_from(progress.pagecount).unwrap_or(0);
            let left = u64::try_from(progress.remaining).unwrap_or(0);
            match step {
                StepResult::Done => break,
                _ if !go_on((all.saturating_sub(left), all)) => return Err(CopyFault::Stopped),
                _ => {}
            }
        }
    }
    Ok(counts)
}

/// Makes a fresh copy one plain file, without a write-ahead log: it can lie on a medium that cannot be written.
///
/// # Errors
/// SQLite refuses.
pub fn make_plain(copy: &Connection) -> Result<(), CopyFault> {
    let failed = |error| CopyFault::Sqlite("making the copy one file", error);
    let mode: String = copy.query_row("PRAGMA journal_mode=DELETE", [], |row| row.get(0)).map_err(failed)?;
    if mode == "delete" { Ok(()) } else { Err(CopyFault::Unsound(format!("the copy stays in the mode {mode}"))) }
}

/// Looks whether a copy is whole: every page, every log without gap and with its running hashes, and whose file it is.
/// `go_on` is asked between logs.
///
/// # Errors
/// See [`CopyFault`].
pub fn check(copy: &Connection, go_on: &mut dyn FnMut(Step) -> bool) -> Result<Holds, CopyFault> {
    // Whatever cannot be read in a copy is a copy that is not whole.
    let unreadable = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::OperationInterrupted) => CopyFault::Stopped,
        _ => CopyFault::Unsound(error.to_string()),
    };
    let id: i64 = copy.query_row("PRAGMA application_id", [], |row| row.get(0)).map_err(unreadable)?;
    if id as u32 != APPLICATION_ID {
        return Err(CopyFault::Unsound("no store of a hub".to_owned()));
    }
    if let Some(said) = fault(copy, Closely::Whole).map_err(unreadable)? {
        return Err(CopyFault::Unsound(said));
    }
    let logs = check_logs(copy, go_on)?;
    let counts = count(copy).map_err(unreadable)?;
    Ok(Holds { logs, counts })
}

/// Hashes every log anew from its head: SQLite notices a torn tree, but not a flipped bit in an op. Gives the number of
/// ops in each. `go_on` is asked between logs.
///
/// # Errors
/// See [`CopyFault`].
pub fn check_logs(db: &Connection, go_on: &mut dyn FnMut(Step) -> bool) -> Result<Vec<(LogId, u64)>, CopyFault> {
    let unreadable = |error: rusqlite::Error| CopyFault::Unsound(error.to_string());
    let mut select = db.prepare("SELECT log, head, stored, chain FROM logs ORDER BY log").map_err(unreadable)?;
    let logs = select
        .query_map([], |row| {
            Ok(LogRow { log: row.get(0)?, head: row.get(1)?, stored: row.get(2)?, chain: ChainHash(row.get(3)?) })
        })
        .and_then(Iterator::collect::<rusqlite::Result<Vec<_>>>)
        .map_err(unreadable)?;
    let all = logs.len() as u64;
    let mut held = Vec::new();
    for (done, log) in (1..).zip(&logs) {
        check_log(db, log)?;
        held.push((LogId(log.log as u64), log.stored as u64));
        if !go_on((done, all)) {
            return Err(CopyFault::Stopped);
        }
    }
    Ok(held)
}

/// All logs, with how many ops are said to be in each: what a check begins with, and no more.
///
/// # Errors
/// SQLite cannot read them.
pub fn logs(db: &Connection) -> rusqlite::Result<Vec<(LogId, u64)>> {
    let mut select = db.prepare("SELECT log, stored FROM logs ORDER BY log")?;
    let rows = select.query_map([], |row| Ok((LogId(row.get::<_, i64>(0)? as u64), row.get::<_, i64>(1)? as u64)))?;
    rows.collect()
}

struct LogRow {
    log: i64,
    head: Vec<u8>,
    stored: i64,
    chain: ChainHash,
}

/// Recomputes the running hash of a log from its head to its last op.
fn check_log(copy: &Connection, log: &LogRow) -> Result<(), CopyFault> {
    let unsound = |what: &str| CopyFault::Unsound(format!("log {}: {what}", LogId(log.log as u64)));
    let unreadable = |error: rusqlite::Error| unsound(&error.to_string());
    let head = codec::decode::<LogFrame>(&log.head).ok().and_then(|frame| LogHead::try_from(&frame).ok());
    let head =
        head.filter(|head| head.log().0 == log.log as u64).ok_or_else(|| unsound("its head does not give its name"))?;
    let (mut seq, mut chain) = (0, head.chain_start());
    let mut select =
        copy.prepare_cached("SELECT seq, chain, bytes FROM ops WHERE log = ?1 ORDER BY seq").map_err(unreadable)?;
    let mut rows = select.query([log.log]).map_err(unreadable)?;
    while let Some(row) = rows.next().map_err(unreadable)? {
        let here: i64 = row.get(0).map_err(unreadable)?;
        let said: [u8; 32] = row.get(1).map_err(unreadable)?;
        let bytes = row.get_ref(2).and_then(|bytes| Ok(bytes.as_blob()?)).map_err(unreadable)?;
        seq += 1;
        chain = chain.then(bytes);
        if here != seq || chain.0 != said {
            return Err(unsound(&format!("op {here} is not what its log's running hash says")));
        }
    }
    if (seq, chain) != (log.stored, log.chain) {
        return Err(unsound(&format!("{seq} ops where {} are said to be", log.stored)));
    }
    Ok(())
}

fn count(db: &Connection) -> rusqlite::Result<Counts> {
    let one = |table: &&str| {
        let count: i64 = db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?;
        Ok(((*table).to_owned(), count as u64))
    };
    COUNTED.iter().map(one).collect()
}
