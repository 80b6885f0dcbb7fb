//! Whether what is stored is what was written. Damage is told, and never shown, sent or merged as good.
//!
//! SQLite notices a torn tree, but not a flipped bit in a text. Each op therefore carries a sum over its full name and
//! its bytes, which is compared wherever an op is read to be shown, merged or sent. [`Store::scrub`] looks at everything
//! else, a slice at a time: the tree, running hashes and counts, and what lists say of records.

use kentongan_host::sqlite::{Closely, fault};
use kentongan_protocol::ids::{LogId, OpId};
use kentongan_protocol::log::ChainHash;
use kentongan_protocol::op::Op;
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::pack::{SEQ_BITS, log_head, op_key};
use super::{Store, StoreError, read};

/// Ops or records looked at in one slice. Whoever opens a page meanwhile waits for it: a slice of 2,000 took 35 ms.
const SLICE: i64 = 500;

/// Sum over an op's name and bytes.
pub(super) fn sum_of(id: OpId, bytes: &[u8]) -> i64 {
    let mut hasher = Sha256::new();
    hasher.update(b"kentongan op 1");
    hasher.update(id.log.to_bytes());
    hasher.update(id.seq.to_be_bytes());
    hasher.update(bytes);
    first_of(&hasher.finalize())
}

/// The first eight bytes as a number.
pub(super) fn first_of(digest: &[u8]) -> i64 {
    digest.iter().take(8).fold(0, |number: i64, byte| number << 8 | i64::from(*byte))
}

/// Refuses an op whose bytes are not those that were written. Ops of version 1 have no sum; the scrub checks their hash.
pub(super) fn check(id: OpId, bytes: &[u8], sum: Option<i64>) -> Result<(), StoreError> {
    match sum {
        Some(sum) if sum != sum_of(id, bytes) => Err(StoreError::Damaged("an op is not what was written")),
        _ => Ok(()),
    }
}

/// How far a scrub is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scrub {
    part: Part,
    after: i64,
    running: Option<(i64, i64, [u8; 32])>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Tree,
    Ops,
    Logs,
    Records,
}

impl Store {
    /// Looks at the next slice of the store. `None`: everything was looked at and is as it was written.
    ///
    /// # Errors
    /// [`StoreError::is_damage`] if something is not; otherwise if the store cannot be read.
    pub fn scrub(&mut self, scrub: Scrub) -> Result<Option<Scrub>, StoreError> {
        let begin = |part| Some(Scrub { part, after: i64::MIN, running: None });
        match scrub.part {
            Part::Tree => {
                check_tree(&self.db)?;
                self.read_member()?;
                Ok(begin(Part::Ops))
            }
            Part::Ops => Ok(check_ops(&self.db, scrub)?.or(begin(Part::Logs))),
            Part::Logs => check_logs(&self.db).map(|()| begin(Part::Records)),
            Part::Records => check_records(&self.db, scrub),
        }
    }

    /// All of [`Store::scrub`] at once.
    ///
    /// # Errors
    /// As [`Store::scrub`].
    pub fn scrub_whole(&mut self) -> Result<(), StoreError> {
        let mut next = Some(Scrub::default());
        while let Some(scrub) = next {
            next = self.scrub(scrub)?;
        }
        Ok(())
    }
}

fn check_tree(db: &Connection) -> Result<(), StoreError> {
    match fault(db, Closely::Whole).map_err(StoreError::because("check the database"))? {
        Some(_) => Err(StoreError::Damaged("the tree of the database")),
        None => Ok(()),
    }
}

/// Sums and running hashes of a slice of ops.
fn check_ops(db: &Connection, mut scrub: Scrub) -> Result<Option<Scrub>, StoreError> {
    let reading = || StoreError::because("check the ops");
    let mut select = db
        .prepare_cached(
            "SELECT op.id, op.record, op.bytes, op.chain, op.sum, log_name.log FROM op \
             LEFT JOIN log_name ON n = op.id >> 40 WHERE op.id > ? ORDER BY op.id LIMIT ?",
        )
        .map_err(reading())?;
    let mut rows = select.query(params![scrub.after, SLICE]).map_err(reading())?;
    let mut count = 0;
    while let Some(row) = rows.next().map_err(reading())? {
        count += 1;
        let key: i64 = row.get(0).map_err(reading())?;
        let bytes: Vec<u8> = row.get(2).map_err(reading())?;
        let chain: Option<[u8; 32]> = row.get(3).map_err(reading())?;
        let log: Option<[u8; 8]> = row.get(5).map_err(reading())?;
        let log = LogId::from_bytes(log.ok_or(StoreError::Damaged("an op of a log without a name"))?);
        let (n, seq) = super::pack::split(key);
        let id = OpId { log, seq };
        check(id, &bytes, row.get(4).map_err(reading())?)?;
        check_record_of(db, id, row.get(1).map_err(reading())?, &bytes)?;
        if let Some(chain) = chain {
            let before = match scrub.running {
                Some((of, last, chain)) if of == n && last as u64 + 1 == seq => Some(chain),
                _ => chain_before(db, n, seq)?,
            };
            // The beginning of a foreign log may have been put away; then the sum is the proof.
            let follows = before.is_some_and(|before| ChainHash(before).then(&bytes).0 == chain);
            if !follows && (before.is_some() || own(db, n)?) {
                return Err(StoreError::Damaged("the running hash of a log"));
            }
            scrub.running = Some((n, seq as i64, chain));
        }
        scrub.after = key;
    }
    Ok((count == SLICE).then_some(scrub))
}

/// Whether an op is filed under the record that it says.
fn check_record_of(db: &Connection, id: OpId, filed: i64, bytes: &[u8]) -> Result<(), StoreError> {
    let Ok(op) = Op::decode(bytes) else { return Ok(()) };
    match super::pack::op_id(db, filed) {
        Ok(record) if record == op.record(id).0 => Ok(()),
        _ => Err(StoreError::Damaged("an op under another record")),
    }
}

fn chain_before(db: &Connection, n: i64, seq: u64) -> Result<Option<[u8; 32]>, StoreError> {
    let reading = || StoreError::because("check the ops");
    if seq == 1 {
        let head: Option<([u8; 8], Vec<u8>)> = db
            .query_row("SELECT log, head FROM log JOIN log_name USING (n) WHERE n = ?", [n], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()
            .map_err(reading())?;
        return head.map(|(name, head)| Ok(log_head(name, &head)?.chain_start().0)).transpose();
    }
    let key = op_key(n, seq.saturating_sub(1))?;
    db.query_row("SELECT chain FROM op WHERE id = ?", [key], |row| row.get(0))
        .optional()
        .map(Option::flatten)
        .map_err(reading())
}

fn own(db: &Connection, n: i64) -> Result<bool, StoreError> {
    let own: Option<bool> = db
        .query_row("SELECT own FROM log WHERE n = ?", [n], |row| row.get(0))
        .optional()
        .map_err(StoreError::because("check the ops"))?;
    Ok(own.unwrap_or(true))
}

/// Whether each log holds what it says, without gap, and ends in the hash that it says.
fn check_logs(db: &Connection) -> Result<(), StoreError> {
    let reading = || StoreError::because("check the logs");
    let wrong: Option<i64> = db
        .query_row(
            &format!(
                "SELECT n FROM (SELECT *, (SELECT count(*) FROM op WHERE id > n << {SEQ_BITS} \
                 AND id <= n << {SEQ_BITS} | held) AS here, coalesce((SELECT min(id) FROM op WHERE id > n << {SEQ_BITS} \
                 AND id <= n << {SEQ_BITS} | held) - (n << {SEQ_BITS}), held + 1) AS first FROM log) \
                 WHERE stored > held OR stored < 0 OR held < 0 OR here <> held - first + 1 OR (own = 1 AND first > 1) \
                 OR (here > 0 AND chain IS NOT (SELECT op.chain FROM op WHERE op.id = n << {SEQ_BITS} | held)) LIMIT 1"
            ),
            [],
            |row| row.get(0),
        )
        .optional()
        .map_err(reading())?;
    if wrong.is_some() {
        return Err(StoreError::Damaged("a log does not hold what it says"));
    }
    let mut select = db.prepare("SELECT head, log FROM log JOIN log_name USING (n)").map_err(reading())?;
    let mut rows = select.query([]).map_err(reading())?;
    let mut count = 0;
    while let Some(row) = rows.next().map_err(reading())? {
        count += 1;
        let (head, log): (Vec<u8>, [u8; 8]) = (row.get(0).map_err(reading())?, row.get(1).map_err(reading())?);
        log_head(log, &head)?;
    }
    let logs: i64 = db.query_row("SELECT count(*) FROM log", [], |row| row.get(0)).map_err(reading())?;
    if logs == count { Ok(()) } else { Err(StoreError::Damaged("a log without a name")) }
}

/// Whether lists say of a slice of records what their ops say.
fn check_records(db: &Connection, mut scrub: Scrub) -> Result<Option<Scrub>, StoreError> {
    let reading = || StoreError::because("check the lists");
    if scrub.after == i64::MIN {
        let unlisted: i64 = db
            .query_row(
                "SELECT count(*) FROM op WHERE id = record AND aside = 0 AND NOT EXISTS \
                 (SELECT 1 FROM record WHERE record.id = op.id)",
                [],
                |row| row.get(0),
            )
            .map_err(reading())?;
        // What a later version wrote is kept and not listed; there are few of these.
        if unlisted > 0 && unlisted_readable(db)? {
            return Err(StoreError::Damaged("a record that is not listed"));
        }
    }
    let mut select = db
        .prepare_cached("SELECT id, form, code, own, conflicts, repair FROM record WHERE id > ? ORDER BY id LIMIT ?")
        .map_err(reading())?;
    let mut rows = select.query(params![scrub.after, SLICE]).map_err(reading())?;
    let mut count = 0;
    while let Some(row) = rows.next().map_err(reading())? {
        count += 1;
        scrub.after = row.get(0).map_err(reading())?;
        let listed = read::Line {
            form: row.get(1).map_err(reading())?,
            code: row.get(2).map_err(reading())?,
            own: row.get(3).map_err(reading())?,
            conflicts: row.get(4).map_err(reading())?,
            repair: row.get(5).map_err(reading())?,
        };
        match read::line(db, scrub.after)? {
            Some(line) if (line.form, line.code, line.own) != (listed.form, listed.code, listed.own) => {
                return Err(StoreError::Damaged("a list says what its record does not"));
            }
            // What follows from forms and verdicts may have been worked out by an earlier version.
            Some(line) if line != listed => read::put_line(db, scrub.after, &line)?,
            _ => {}
        }
    }
    Ok((count == SLICE).then_some(scrub))
}

fn unlisted_readable(db: &Connection) -> Result<bool, StoreError> {
    let reading = || StoreError::because("check the lists");
    let mut select = db
        .prepare(
            "SELECT bytes FROM op WHERE id = record AND aside = 0 AND NOT EXISTS \
             (SELECT 1 FROM record WHERE record.id = op.id)",
        )
        .map_err(reading())?;
    let mut rows = select.query([]).map_err(reading())?;
    while let Some(row) = rows.next().map_err(reading())? {
        let bytes: Vec<u8> = row.get(0).map_err(reading())?;
        if Op::decode(&bytes).is_ok() {
            return Ok(true);
        }
    }
    Ok(false)
}
