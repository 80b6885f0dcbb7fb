//! Which of this PC's logs a request signs, and how far the hub is known to keep a signature.
//!
//! A signature is as long as a short record, so not every request has one. It is due
//!
//! - over logs of earlier runs, with the first contact of a run: nothing more will be said in them,
//! - when much has gathered, or something has waited for an hour,
//! - with an inventory.
//!
//! After a new start of the hub the latest logs are signed once more: it may have been put back to a copy that lacks a
//! signature which it had acknowledged, and no mark tells.

use kentongan_protocol::ids::LogId;
use kentongan_protocol::log::ChainHash;
use kentongan_protocol::planted::{self, Defect};
use kentongan_protocol::session::agent::Signing;
use rusqlite::{Connection, params};

use super::facts::{self, name};
use super::pack::{known_log_number, op_key};
use super::{Store, StoreError};

/// So many ops without a signature are enough for one.
const OPS_DUE: u64 = 16;

/// So many bytes of them, too.
const BYTES_DUE: u64 = 16 * 1024;

/// So long an op waits for its signature, in milliseconds, if there is a contact then.
const WAIT_MS_MAX: u64 = 60 * 60_000;

/// Logs of which the hub has all, signed in one request; the others follow with the next ones.
const STORED_LOGS_MAX: usize = 64;

/// Logs that are signed again after a new start of the hub: those of a month and more.
const AGAIN_LOGS: i64 = 64;

/// An own log that goes further than its signature.
struct Unsigned {
    n: i64,
    log: LogId,
    held: u64,
    stored: u64,
    chain: ChainHash,
    upto: u64,
}

impl Store {
    /// What the next request signs.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn to_sign(&mut self) -> Result<Signing, StoreError> {
        if facts::get::<i64>(&self.db, name::CUT)? == Some(1) {
            // What the cut request brought is among what the next one signs.
            return Ok(Signing::default());
        }
        let unsigned = unsigned(&self.db)?;
        let ops: u64 = unsigned.iter().map(|log| log.held - log.upto).sum();
        if ops == 0 || planted::active(Defect::NeverSigned) {
            self.unsigned_since_ms = None;
            return Ok(Signing::default());
        }
        let now_ms = self.machine.clock.boot_ms();
        let since_ms = *self.unsigned_since_ms.get_or_insert(now_ms);
        let is_over = unsigned.iter().any(|unsigned| !self.logs.values().any(|log| *log == unsigned.log));
        let due = is_over
            || ops >= OPS_DUE
            || now_ms.saturating_sub(since_ms) >= WAIT_MS_MAX
            || facts::get::<i64>(&self.db, name::DISAGREES)? == Some(1)
            || bytes(&self.db, &unsigned)? >= BYTES_DUE;
        let stored = unsigned.iter().filter(|log| due && log.stored == log.held).take(STORED_LOGS_MAX);
        Ok(Signing { due, stored: stored.map(|log| (log.log, log.held, log.chain)).collect() })
    }

    /// The hub keeps signatures over these logs up to these seqs.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn note_signed(&mut self, signed: &[(LogId, u64)]) -> Result<(), StoreError> {
        for (log, upto) in signed {
            let Some(n) = known_log_number(&self.db, *log)? else { continue };
            self.db
                .prepare_cached(
                    "INSERT INTO signed (n, upto) VALUES (?, ?) ON CONFLICT DO UPDATE SET upto = excluded.upto",
                )
                .and_then(|mut insert| insert.execute(params![n, *upto as i64]))
                .map_err(StoreError::because("note a signature"))?;
        }
        if !signed.is_empty() {
            self.unsigned_since_ms = None;
        }
        Ok(())
    }
}

/// A hub that forgot ops of a log forgot the signature over them.
pub(super) fn forgotten_behind(db: &Connection, n: i64, stored: i64) -> Result<(), StoreError> {
    db.prepare_cached("UPDATE signed SET upto = min(upto, ?) WHERE n = ?")
        .and_then(|mut update| update.execute(params![stored, n]))
        .map(drop)
        .map_err(StoreError::because("note a lost signature"))
}

/// The hub has begun anew, perhaps from a copy.
pub(super) fn perhaps_forgotten(db: &Connection) -> Result<(), StoreError> {
    db.execute("DELETE FROM signed WHERE n IN (SELECT n FROM log WHERE own = 1 ORDER BY n DESC LIMIT ?)", [AGAIN_LOGS])
        .map(drop)
        .map_err(StoreError::because("note signatures that may be lost"))
}

fn unsigned(db: &Connection) -> Result<Vec<Unsigned>, StoreError> {
    let reading = || StoreError::because("read the logs to sign");
    let mut select = db
        .prepare_cached(
            "SELECT log.n, log_name.log, held, stored, chain, coalesce(upto, 0) FROM log JOIN log_name USING (n) \
             LEFT JOIN signed USING (n) WHERE own = 1 AND held > coalesce(upto, 0) ORDER BY log.n",
        )
        .map_err(reading())?;
    let rows = select
        .query_map([], |row| {
            Ok(Unsigned {
                n: row.get(0)?,
                log: LogId::from_bytes(row.get(1)?),
                held: row.get::<_, i64>(2)? as u64,
                stored: row.get::<_, i64>(3)? as u64,
                chain: ChainHash(row.get(4)?),
                upto: row.get::<_, i64>(5)? as u64,
            })
        })
        .map_err(reading())?;
    rows.collect::<Result<_, _>>().map_err(reading())
}

/// Bytes of the ops behind the signatures. Asked only where they are few.
fn bytes(db: &Connection, unsigned: &[Unsigned]) -> Result<u64, StoreError> {
    let mut sum = 0;
    for log in unsigned {
        let of_log: i64 = db
            .prepare_cached("SELECT coalesce(sum(length(bytes)), 0) FROM op WHERE id BETWEEN ? AND ?")
            .and_then(|mut select| {
                let (first, last) = (op_key(log.n, log.upto + 1), op_key(log.n, log.held));
                let bounds = params![first.unwrap_or(i64::MAX), last.unwrap_or(i64::MAX)];
                select.query_row(bounds, |row| row.get(0))
            })
            .map_err(StoreError::because("read how much is to be signed"))?;
        sum += of_log.unsigned_abs();
    }
    Ok(sum)
}
