//! Reading: records, counts, what waits.

use std::collections::BTreeMap;

use kentongan_protocol::form::{FormTag, builtin};
use kentongan_protocol::ids::{LogId, OpId, RecordId};
use kentongan_protocol::log::LogHead;
use kentongan_protocol::merge::{Record, record_conflicts};
use kentongan_protocol::op::Op;
use kentongan_protocol::receipt::ReceiptCode;
use kentongan_protocol::wire::codec;
use kentongan_protocol::wire::v1::VerdictFrame;
use rusqlite::{Connection, OptionalExtension, params};

use super::arrival::{self, Arrival};
use super::check::check;
use super::pack::{SEQ_BITS, known_log_number, log_head, op_id, op_key, split};
use super::{Store, StoreError, search};

/// Where a record is. The words people see are in `ux`'s glossary; "all arrived" is never derived from anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecordState {
    /// Durable on this PC, not yet acknowledged by the hub.
    Queued,
    /// The hub said that everything this PC wrote to it is durable there.
    Arrived,
    /// The hub asks for a repair, or set a part of it aside. It is safe here all the same.
    Rejected,
}

impl RecordState {
    /// Stable code for scripts.
    pub fn code(self) -> &'static str {
        match self {
            RecordState::Queued => "queued",
            RecordState::Arrived => "arrived",
            RecordState::Rejected => "rejected",
        }
    }
}

/// Counts over durable acknowledgements, all of one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// Ops written by this replica that are here.
    pub ops_written: u64,
    /// Of these, not known to be at the hub.
    pub ops_pending: u64,
    /// Records entered here.
    pub entered: u64,
    /// Records with something of this PC that is not known to be at the hub, even if their beginning is lost here.
    pub queued: u64,
    /// Records entered here of which everything is at the hub.
    pub arrived: u64,
    /// Records entered here of which a second copy of the hub holds everything too.
    pub secured: u64,
    /// Records that need a repair.
    pub rejected: u64,
    /// Records in which values stand side by side.
    pub conflicts: u64,
    /// When the oldest waiting record was last changed, by this PC's clock.
    pub oldest_ms: Option<i64>,
    /// Records entered here, by form.
    pub by_form: BTreeMap<FormTag, u64>,
}

/// A line of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordSummary {
    /// The record.
    pub record: RecordId,
    /// Its form.
    pub form: FormTag,
    /// Its receipt code.
    pub code: Option<ReceiptCode>,
    /// Where it is.
    pub state: RecordState,
    /// Entered on this PC.
    pub own: bool,
    /// When it was entered or first seen here, by this PC's clock.
    pub wall_ms: i64,
    /// When something last came to it, by this PC's clock.
    pub changed_ms: i64,
    /// Groups in which values stand side by side.
    pub conflicts: u32,
    /// If it has arrived, when the last that this PC wrote to it did, as far as that is known.
    pub arrival: Option<Arrival>,
}

/// A line of the queue.
pub type QueueItem = RecordSummary;

/// Which records a list shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueFilter {
    /// Only those in this state.
    pub state: Option<RecordState>,
    /// Only those of this form.
    pub form: Option<FormTag>,
    /// At most this many.
    pub limit: u32,
}

/// A record with everything that can be said of it here.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The line of it in lists.
    pub summary: RecordSummary,
    /// Its writes.
    pub record: Record,
    /// Office and writer of each log that wrote to it.
    pub logs: BTreeMap<LogId, LogHead>,
    /// What the hub said of its ops, where it said anything but "accepted".
    pub verdicts: Vec<(OpId, VerdictFrame)>,
}

/// Records of own ops that are not known to be at the hub, those behind a lost op among them. `CROSS JOIN` is SQLite's word
/// for the order: from the few logs to their ops.
pub(super) const PENDING: &str = "SELECT op.record FROM log CROSS JOIN op \
                       ON op.id > (log.n << 40 | log.stored) AND op.id <= (log.n << 40 | log.held) \
                       WHERE log.own = 1 AND log.stored < log.held \
                       UNION ALL SELECT op.record FROM stray CROSS JOIN op ON op.id = stray.op";

/// Selects lines of lists, as [`summary`] reads them: every record with where it is.
pub(super) fn lines() -> String {
    format!(
        "WITH waiting (id) AS ({PENDING}), \
         line AS (SELECT record.*, CASE WHEN repair = 1 THEN 'rejected' WHEN id IN waiting THEN 'queued' \
         ELSE 'arrived' END AS state FROM record) \
         SELECT id, form, code, state, own, wall_ms, changed, conflicts FROM line"
    )
}

/// Counts own records of which no second copy of the hub is known to hold everything: those that were entered in a range
/// that none covers, and those before it that were changed in one. The `+` keeps SQLite from making an index for one look.
const UNSECURED: &str = "WITH span (low, high) AS MATERIALIZED (SELECT n << 40 | durable, n << 40 | held FROM log \
                         WHERE own = 1 AND durable < held) \
                         SELECT (SELECT count(*) FROM span CROSS JOIN record ON record.id > low AND record.id <= high \
                         WHERE +record.own = 1) + (SELECT count(*) FROM record WHERE own = 1 \
                         AND id IN (SELECT op.record FROM span CROSS JOIN op INDEXED BY op_change \
                         ON op.id > low AND op.id <= high AND op.record <> op.id) \
                         AND NOT EXISTS (SELECT 1 FROM span WHERE record.id > low AND record.id <= high))";

impl Store {
    /// How many records are where.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn counts(&mut self) -> Result<Counts, StoreError> {
        let reading = || StoreError::because("count the records");
        let moment = self.db.transaction().map_err(reading())?;
        let (ops_written, ops_pending) = moment
            .prepare_cached(
                "SELECT coalesce(sum(held), 0) + (SELECT count(*) FROM stray), \
                 coalesce(sum(held - stored), 0) + (SELECT count(*) FROM stray) FROM log WHERE own = 1",
            )
            .and_then(|mut select| select.query_row([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))))
            .map_err(reading())?;
        let (queued, own_queued, oldest_ms) = moment
            .prepare_cached(&format!(
                "SELECT count(*), coalesce(sum(record.own), 0), min(record.changed) \
                 FROM (SELECT DISTINCT record AS id FROM ({PENDING})) LEFT JOIN record USING (id)"
            ))
            .and_then(|mut select| {
                select.query_row([], |row| {
                    Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, Option<i64>>(2)?))
                })
            })
            .map_err(reading())?;
        let mut by_form = BTreeMap::new();
        let mut select =
            moment.prepare_cached("SELECT form, count(*) FROM record WHERE own = 1 GROUP BY form").map_err(reading())?;
        for row in select.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?))).map_err(reading())? {
            let (form, count): (FormTag, i64) = row.map_err(reading())?;
            by_form.insert(form, count as u64);
        }
        let one = |sql: &str| {
            moment
                .prepare_cached(sql)
                .and_then(|mut select| select.query_row([], |row| row.get::<_, i64>(0)))
                .map_err(reading())
        };
        let unsecured = one(UNSECURED)?;
        let rejected = one("SELECT count(*) FROM record WHERE repair = 1")?;
        let conflicts = one("SELECT count(*) FROM record WHERE conflicts > 0")?;
        let entered: u64 = by_form.values().sum();
        Ok(Counts {
            ops_written: ops_written as u64,
            ops_pending: ops_pending as u64,
            entered,
            queued: queued as u64,
            arrived: entered - own_queued as u64,
            secured: entered - unsecured as u64,
            rejected: rejected as u64,
            conflicts: conflicts as u64,
            oldest_ms,
            by_form,
        })
    }

    /// Records by what waits longest.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn queue(&mut self, filter: &QueueFilter) -> Result<Vec<QueueItem>, StoreError> {
        let reading = || StoreError::because("list the records");
        let sql = format!(
            "{} WHERE (?1 IS NULL OR state = ?1) AND (?2 IS NULL OR form = ?2) \
             ORDER BY CASE state WHEN 'rejected' THEN 0 WHEN 'queued' THEN 1 ELSE 2 END, changed DESC, id DESC LIMIT ?3",
            lines()
        );
        let moment = self.db.transaction().map_err(reading())?;
        let mut select = moment.prepare_cached(&sql).map_err(reading())?;
        let mut rows =
            select.query(params![filter.state.map(RecordState::code), filter.form, filter.limit]).map_err(reading())?;
        let mut items = Vec::new();
        while let Some(row) = rows.next().map_err(reading())? {
            items.push(summary(&moment, row)?);
        }
        Ok(items)
    }

    /// The records that carry a receipt code: one, or more where copies of a PC drew the same.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn coded(&mut self, code: ReceiptCode) -> Result<Vec<RecordId>, StoreError> {
        self.keys_coded(code)?.into_iter().map(|key| op_id(&self.db, key).map(RecordId)).collect()
    }

    /// The same, as keys.
    pub(super) fn keys_coded(&self, code: ReceiptCode) -> Result<Vec<i64>, StoreError> {
        let reading = || StoreError::because("look for a receipt code");
        let mut select =
            self.db.prepare_cached("SELECT id FROM record WHERE code = ? ORDER BY id").map_err(reading())?;
        let keys = select.query_map([code.number() as i64], |row| row.get(0)).map_err(reading())?;
        keys.collect::<Result<_, _>>().map_err(reading())
    }

    /// A record with everything that can be said of it here.
    ///
    /// # Errors
    /// [`StoreError::NoSuchRecord`], or if the store cannot be read.
    pub fn entry(&mut self, record: RecordId) -> Result<Entry, StoreError> {
        let n = known_log_number(&self.db, record.0.log)?.ok_or(StoreError::NoSuchRecord)?;
        let key = op_key(n, record.0.seq)?;
        let merged = self::record(&self.db, key)?.ok_or(StoreError::NoSuchRecord)?;
        let reading = || StoreError::because("read a record");
        let sql = format!("{} WHERE id = ?", lines());
        let summary = {
            let mut select = self.db.prepare_cached(&sql).map_err(reading())?;
            let mut rows = select.query([key]).map_err(reading())?;
            let row = rows.next().map_err(reading())?.ok_or(StoreError::NoSuchRecord)?;
            summary(&self.db, row)?
        };
        Ok(Entry { summary, record: merged, logs: logs_of(&self.db, key)?, verdicts: verdicts_of(&self.db, key)? })
    }
}

pub(super) fn summary(db: &Connection, row: &rusqlite::Row<'_>) -> Result<RecordSummary, StoreError> {
    let reading = || StoreError::because("read a line of a list");
    let state: String = row.get(3).map_err(reading())?;
    let code: Option<i64> = row.get(2).map_err(reading())?;
    let key = row.get(0).map_err(reading())?;
    let state = match state.as_str() {
        "rejected" => RecordState::Rejected,
        "queued" => RecordState::Queued,
        _ => RecordState::Arrived,
    };
    Ok(RecordSummary {
        record: RecordId(op_id(db, key)?),
        form: row.get(1).map_err(reading())?,
        code: code.and_then(|number| ReceiptCode::from_number(number as u64)),
        state,
        own: row.get(4).map_err(reading())?,
        wall_ms: row.get(5).map_err(reading())?,
        changed_ms: row.get(6).map_err(reading())?,
        conflicts: row.get(7).map_err(reading())?,
        arrival: if state == RecordState::Arrived { arrival::of_record(db, key)? } else { None },
    })
}

/// The record that begins with the op `key`, merged from all its ops that count; `None` if there are none.
pub(super) fn record(db: &Connection, key: i64) -> Result<Option<Record>, StoreError> {
    let reading = || StoreError::because("read the ops of a record");
    let mut select = db
        .prepare_cached(
            "SELECT id, bytes, sum FROM op WHERE id = ?1 AND aside = 0 \
             UNION ALL SELECT id, bytes, sum FROM op WHERE record = ?1 AND record <> id AND aside = 0",
        )
        .map_err(reading())?;
    let mut rows = select.query([key]).map_err(reading())?;
    let mut record: Option<Record> = None;
    while let Some(row) = rows.next().map_err(reading())? {
        let id = op_id(db, row.get(0).map_err(reading())?)?;
        let bytes: Vec<u8> = row.get(1).map_err(reading())?;
        check(id, &bytes, row.get(2).map_err(reading())?)?;
        let Ok(op) = Op::decode(&bytes) else { continue };
        record.get_or_insert_with(|| Record::new(op.record(id))).apply(id, &op);
    }
    Ok(record)
}

/// What a record's line in lists says of its ops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) form: FormTag,
    pub(super) code: Option<i64>,
    pub(super) own: bool,
    pub(super) conflicts: i64,
    pub(super) repair: bool,
}

/// What the line of the record that begins with the op `key` has to say; `None` while its creating op is not here.
pub(super) fn line(db: &Connection, key: i64) -> Result<Option<Line>, StoreError> {
    let Some(record) = record(db, key)? else { return Ok(None) };
    let Some(creation) = &record.creation else { return Ok(None) };
    let conflicts = builtin::by_tag(creation.form).map_or(0, |form| record_conflicts(&record, form).len());
    let own: Option<bool> = db
        .prepare_cached("SELECT own FROM log WHERE n = ?")
        .and_then(|mut select| select.query_row([split(key).0], |row| row.get(0)).optional())
        .map_err(StoreError::because("read whose log it is"))?;
    Ok(Some(Line {
        form: creation.form,
        code: creation.receipt.map(|code| code.number() as i64),
        own: own.unwrap_or(false),
        conflicts: conflicts as i64,
        repair: !verdicts_of(db, key)?.is_empty(),
    }))
}

/// Mends a line that is there.
pub(super) fn put_line(db: &Connection, key: i64, line: &Line) -> Result<(), StoreError> {
    db.execute("UPDATE record SET conflicts = ?, repair = ? WHERE id = ?", params![line.conflicts, line.repair, key])
        .map(drop)
        .map_err(StoreError::because("mend a line of a list"))
}

/// Brings a record's line in lists up to what its ops say.
pub(super) fn refresh_record(db: &Connection, key: i64, wall_ms: i64) -> Result<(), StoreError> {
    let Some(line) = line(db, key)? else { return Ok(()) };
    db.prepare_cached(
        "INSERT INTO record (id, form, code, own, wall_ms, changed, conflicts, repair) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7) \
         ON CONFLICT (id) DO UPDATE SET changed = excluded.changed, conflicts = excluded.conflicts, \
         repair = excluded.repair",
    )
    .and_then(|mut upsert| {
        upsert.execute(params![key, line.form, line.code, line.own, wall_ms, line.conflicts, line.repair])
    })
    .map_err(StoreError::because("list a record"))?;
    search::note(db, key)
}

fn verdicts_of(db: &Connection, key: i64) -> Result<Vec<(OpId, VerdictFrame)>, StoreError> {
    let reading = || StoreError::because("read verdicts");
    let mut select = db
        .prepare_cached(
            "SELECT verdict.op, verdict.verdict FROM verdict JOIN op ON op.id = verdict.op \
             WHERE op.id = ?1 OR (op.record = ?1 AND op.record <> op.id)",
        )
        .map_err(reading())?;
    let rows = select
        .query_map([key], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?)))
        .map_err(reading())?
        .collect::<Result<Vec<_>, _>>()
        .map_err(reading())?;
    let unreadable = |_| StoreError::Damaged("what the hub said of an op");
    rows.into_iter().map(|(op, verdict)| Ok((op_id(db, op)?, codec::decode(&verdict).map_err(unreadable)?))).collect()
}

fn logs_of(db: &Connection, key: i64) -> Result<BTreeMap<LogId, LogHead>, StoreError> {
    let reading = || StoreError::because("read who wrote a record");
    let mut select = db
        .prepare_cached(&format!(
            "SELECT log_name.log, head FROM log JOIN log_name USING (n) WHERE n IN (SELECT id >> {SEQ_BITS} FROM op WHERE id = ?1 \
             UNION SELECT id >> {SEQ_BITS} FROM op WHERE record = ?1 AND record <> id)"
        ))
        .map_err(reading())?;
    let heads = select
        .query_map([key], |row| Ok((row.get::<_, [u8; 8]>(0)?, row.get::<_, Vec<u8>>(1)?)))
        .map_err(reading())?
        .collect::<Result<Vec<_>, _>>()
        .map_err(reading())?;
    let mut logs = BTreeMap::new();
    for (name, head) in heads {
        let head = log_head(name, &head)?;
        logs.insert(head.log(), head);
    }
    Ok(logs)
}

/// Milliseconds, by this PC's clock, since the oldest waiting record was changed; 0 if none waits or the clock went back.
pub(super) fn oldest_pending_ms(db: &Connection, wall_ms: i64) -> Result<u64, StoreError> {
    let oldest: Option<i64> = db
        .prepare_cached(&format!("SELECT min(changed) FROM record WHERE id IN ({PENDING})"))
        .and_then(|mut select| select.query_row([], |row| row.get(0)).optional())
        .map(Option::flatten)
        .map_err(StoreError::because("read the oldest waiting record"))?;
    Ok(oldest.map_or(0, |oldest| u64::try_from(wall_ms.saturating_sub(oldest)).unwrap_or(0)))
}
