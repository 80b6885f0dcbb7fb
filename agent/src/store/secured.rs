//! What a second copy of the hub holds too, and what may be put away because of it.
//!
//! - **Asking.** The hub says with every answer when its durable marks were last raised. When that has changed, the next
//!   exchange names the logs that are not wholly covered, and the answer tells how far they are. Between two backups of
//!   the hub nothing is asked: an idle contact stays small.
//! - **Putting away.** What was written on this PC stays for good: it fills a hub that lost even its backups, and costs
//!   1 kB a change. Put away are survey answers *of other PCs*, when their log is covered up to them and they have not
//!   changed for the time that the settings say. They are taken off the beginning of their log, each log in a transaction
//!   of its own, so that what is left follows on without a gap.
//! - **A hub that forgot what it had vouched for** gets from here all that is still held. A foreign log of which the
//!   part that it lacks was put away cannot be given back; that log is passed over, all others go on.

use kentongan_protocol::ids::{Lane, LogId};
use kentongan_protocol::limits::FRAME_LOGS_MAX;
use kentongan_protocol::planted::{self, Defect};
use kentongan_protocol::wire::codec;
use kentongan_protocol::wire::v1::{Marks, extension};
use rusqlite::{Connection, OptionalExtension, params};

use super::facts::{self, name};
use super::pack::{SEQ_BITS, op_key};
use super::{Store, StoreError};

/// Logs asked about in one exchange.
const ASKED_MAX: usize = 1_024;
const _: () = assert!(ASKED_MAX <= FRAME_LOGS_MAX);

impl Store {
    /// Logs to name in the next exchange so that the hub tells their durable marks; none if it raised none since they
    /// were asked for.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn to_ask(&mut self) -> Result<Vec<(LogId, u64)>, StoreError> {
        self.asking = None;
        if !self.wants_marks()? {
            return Ok(Vec::new());
        }
        let reading = || StoreError::because("read the logs that no copy covers");
        let mut select = self
            .db
            .prepare_cached(
                "SELECT log_name.log, log.stored FROM log JOIN log_name USING (n) WHERE log.durable < log.stored \
                 ORDER BY n LIMIT ?",
            )
            .map_err(reading())?;
        let logs = select
            .query_map([ASKED_MAX as i64], |row| Ok((LogId::from_bytes(row.get(0)?), row.get::<_, i64>(1)? as u64)))
            .map_err(reading())?
            .collect::<Result<Vec<_>, _>>()
            .map_err(reading())?;
        self.asking = Some(logs.len());
        Ok(logs)
    }

    /// Whether the hub raised marks since they were last asked for.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn wants_marks(&self) -> Result<bool, StoreError> {
        let told: Option<i64> = facts::get(&self.db, name::BACKED_UP)?;
        Ok(told.is_some() && told != facts::get(&self.db, name::BACKED_UP_ASKED)?)
    }

    /// When the hub's durable marks were last raised, by the hub's clock, as far as this PC was told.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn hub_backed_up_ms(&self) -> Result<Option<i64>, StoreError> {
        facts::get(&self.db, name::BACKED_UP)
    }

    /// Ops that a copy of the hub had covered and the hub lacked afterwards, ever.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn hub_forgot(&self) -> Result<u64, StoreError> {
        Ok(facts::get::<i64>(&self.db, name::HUB_FORGOT)?.unwrap_or(0) as u64)
    }

    /// Puts away survey answers of other PCs that a copy of the hub covers and that have not changed for `keep_ms`.
    /// Gives back how many.
    ///
    /// # Errors
    /// If the store cannot be written; what was put away before stays so.
    pub fn prune(&mut self, keep_ms: i64) -> Result<u64, StoreError> {
        let before_ms = self.wall_ms().saturating_sub(keep_ms);
        let mut pruned = 0;
        for (n, covered) in covered_surveys(&self.db)? {
            let transaction = self.db.transaction().map_err(StoreError::because("begin to put away"))?;
            pruned += prune_log(&transaction, n, covered, before_ms)?;
            transaction.commit().map_err(StoreError::because("put away"))?;
        }
        Ok(pruned)
    }
}

/// Foreign logs of survey answers of which something is covered and still here, and how far they are covered.
fn covered_surveys(db: &Connection) -> Result<Vec<(i64, i64)>, StoreError> {
    let reading = || StoreError::because("read what may be put away");
    // What the hub forgot since is above the stored mark: it may be wanted back from here.
    let covered = if planted::active(Defect::PrunedBeforeDurable) { "stored" } else { "durable, stored" };
    let sql = format!(
        "SELECT n, min({covered}, held) FROM log WHERE own = 0 AND lane = ? AND EXISTS \
         (SELECT 1 FROM op WHERE op.id BETWEEN log.n << {SEQ_BITS} AND (log.n << {SEQ_BITS}) + min({covered}, held))"
    );
    let mut select = db.prepare_cached(&sql).map_err(reading())?;
    let rows = select.query_map([Lane::Survey as u8], |row| Ok((row.get(0)?, row.get(1)?))).map_err(reading())?;
    rows.collect::<Result<_, _>>().map_err(reading())
}

/// Takes ops off the beginning of a log, up to the first one that has to stay.
fn prune_log(db: &Connection, n: i64, covered: i64, before_ms: i64) -> Result<u64, StoreError> {
    let reading = || StoreError::because("read what may be put away");
    let mut select = db
        .prepare_cached(
            "SELECT op.id, op.record = op.id AND record.own = 0 AND record.repair = 0 AND record.changed < ?3 \
             AND NOT EXISTS (SELECT 1 FROM op later WHERE later.record = op.id AND later.record <> later.id) \
             FROM op LEFT JOIN record ON record.id = op.id WHERE op.id BETWEEN ?1 AND ?2 ORDER BY op.id",
        )
        .map_err(reading())?;
    let seq = |seq: i64| op_key(n, u64::try_from(seq).unwrap_or(0));
    let mut rows = select.query(params![seq(1)?, seq(covered)?, before_ms]).map_err(reading())?;
    let mut old = Vec::new();
    while let Some(row) = rows.next().map_err(reading())? {
        if row.get::<_, Option<bool>>(1).map_err(reading())? != Some(true) {
            break;
        }
        old.push(row.get::<_, i64>(0).map_err(reading())?);
    }
    for sql in ["DELETE FROM verdict WHERE op = ?", "DELETE FROM record WHERE id = ?", "DELETE FROM op WHERE id = ?"] {
        let mut delete = db.prepare_cached(sql).map_err(StoreError::because("put away"))?;
        for id in &old {
            delete.execute([id]).map_err(StoreError::because("put away"))?;
        }
    }
    Ok(old.len() as u64)
}

/// Whether the op after `stored` is here, so that a log can be given back from there on.
pub(super) fn follows_on(db: &Connection, n: i64, stored: i64) -> Result<bool, StoreError> {
    let next = op_key(n, u64::try_from(stored).unwrap_or(0).saturating_add(1))?;
    db.prepare_cached("SELECT 1 FROM op WHERE id = ?")
        .and_then(|mut select| select.query_row([next], |_| Ok(())).optional())
        .map(|found| found.is_some())
        .map_err(StoreError::because("look for the next op of a log"))
}

/// Notes when the hub's marks were raised, and whether the logs that `asked` of them have been told by these marks.
/// `moved` is whether any of them moved.
pub(super) fn note_backed_up(
    db: &Connection,
    marks: &Marks,
    asked: Option<usize>,
    moved: bool,
) -> Result<(), StoreError> {
    let told = marks.extensions.value(extension::BACKED_UP);
    // What cannot be read is of a later version: nothing is known of backups then.
    let Some(told) = told.and_then(|value| codec::decode::<i64>(value).ok()) else {
        // Also of a hub that was put back to a copy from before its first backup was done: there is nothing to ask.
        return facts::forget(db, name::BACKED_UP);
    };
    facts::put(db, name::BACKED_UP, told)?;
    // A full question is asked again for the rest, as long as that gets on.
    if asked.is_some_and(|asked| asked < ASKED_MAX || !moved) {
        facts::put(db, name::BACKED_UP_ASKED, told)?;
    }
    Ok(())
}
