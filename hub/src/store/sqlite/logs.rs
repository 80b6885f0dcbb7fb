//! Runs, logs, ops, and what was said of ops.

use kentongan_protocol::clock::{KnownRun, RunHead};
use kentongan_protocol::error::Fault;
use kentongan_protocol::ids::{LogId, OpId, RecordId, ReplicaId, RunId};
use kentongan_protocol::judge::Quarantine;
use kentongan_protocol::log::{ChainHash, LogHead};
use kentongan_protocol::wire::codec;
use kentongan_protocol::wire::v1::{LogFrame, VerdictFrame};
use rusqlite::params;

use super::super::contract::{Result, StoreError};
use super::super::rows::{Log, NewOp, OpState, Run, StoredOp};
use super::records;
use super::row::{Columns, int};
use super::tx::SqliteTx;

/// A query for runs with this ending.
macro_rules! runs_where {
    ($ending:literal) => {
        concat!(
            "SELECT run, replica, ordinal, before, boot, boot_ms, wall_ms, start_ms, error_ms, elapsed_ms, heard_ms, \
             superseded_ms FROM runs ",
            $ending
        )
    };
}

fn read_run(row: &mut Columns<'_>) -> Result<Run> {
    let run = RunId(row.u64()?);
    let replica = row.replica()?;
    let head = RunHead {
        run,
        ordinal: row.small()?,
        before: row.run_or_none()?,
        boot: row.u64()?,
        boot_ms: row.u64()?,
        wall_ms: row.take()?,
    };
    let measured = row.take::<Option<i64>>()?.zip(row.u64_or_none()?);
    let known = KnownRun { replica, head, measured, elapsed_ms: row.u64()?, heard_ms: row.take()? };
    Ok(Run { known, superseded_ms: row.take()? })
}

pub(super) fn run(tx: &SqliteTx<'_>, replica: ReplicaId, run: RunId) -> Result<Option<Run>> {
    tx.one("reading a run", runs_where!("WHERE replica = ?1 AND run = ?2"), [int(replica.0), int(run.0)], read_run)
}

pub(super) fn runs_of(tx: &SqliteTx<'_>, replica: ReplicaId) -> Result<Vec<Run>> {
    tx.many("listing runs", runs_where!("WHERE replica = ?1"), [int(replica.0)], read_run)
}

pub(super) fn put_run(tx: &SqliteTx<'_>, run: &Run) -> Result<()> {
    let sql = "INSERT OR REPLACE INTO runs (run, replica, ordinal, before, boot, boot_ms, wall_ms, start_ms, error_ms,
            elapsed_ms, heard_ms, superseded_ms)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    let KnownRun { replica, head, measured, elapsed_ms, heard_ms } = run.known;
    let params = params![
        int(head.run.0),
        int(replica.0),
        head.ordinal,
        head.before.map(|run| int(run.0)),
        int(head.boot),
        int(head.boot_ms),
        head.wall_ms,
        measured.map(|(start_ms, _)| start_ms),
        measured.map(|(_, error_ms)| int(error_ms)),
        int(elapsed_ms),
        heard_ms,
        run.superseded_ms,
    ];
    tx.write("writing a run", sql, params).map(drop)
}

/// A query for logs with this ending.
macro_rules! logs_where {
    ($ending:literal) => {
        concat!("SELECT log, head, stored, chain, durable FROM logs ", $ending)
    };
}

fn read_log(row: &mut Columns<'_>) -> Result<Log> {
    let id = LogId(row.u64()?);
    let frame: LogFrame = codec::decode(&row.take::<Vec<u8>>()?).map_err(unreadable)?;
    let head = LogHead::try_from(&frame).ok().filter(|head| head.log() == id);
    let head = head.ok_or(StoreError::Damaged("the head of a log"))?;
    Ok(Log { head, stored: row.u64()?, chain: ChainHash(row.hash()?), durable: row.u64()? })
}

/// A message that was stored as it goes over the wire and cannot be read any more.
pub(super) fn unreadable(_: Fault) -> StoreError {
    StoreError::Damaged("a stored message that cannot be read")
}

pub(super) fn log(tx: &SqliteTx<'_>, id: LogId) -> Result<Option<Log>> {
    tx.one("reading a log", logs_where!("WHERE log = ?1"), [int(id.0)], read_log)
}

pub(super) fn logs_of(tx: &SqliteTx<'_>, replica: ReplicaId, after: Option<LogId>, limit: usize) -> Result<Vec<Log>> {
    let from = after.map_or(Some(i64::MIN), |log| int(log.0).checked_add(1));
    let Some(from) = from else { return Ok(Vec::new()) };
    let sql = logs_where!("WHERE replica = ?1 AND log >= ?2 ORDER BY log LIMIT ?3");
    tx.many("listing logs", sql, params![int(replica.0), from, limit_of(limit)], read_log)
}

/// A limit as SQLite takes it.
pub(super) fn limit_of(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

pub(super) fn insert_log(tx: &SqliteTx<'_>, head: &LogHead) -> Result<()> {
    let sql = "INSERT INTO logs (log, replica, run, lane, office, head, chain) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let params = params![
        int(head.log().0),
        int(head.replica().0),
        int(head.run().run.0),
        head.lane() as u8,
        head.office().as_str(),
        codec::encode(&LogFrame::from(head)),
        head.chain_start().0,
    ];
    tx.write("the id of a log", sql, params).map(drop)
}

pub(super) fn advance_log(tx: &SqliteTx<'_>, id: LogId, stored: u64, chain: ChainHash) -> Result<()> {
    let sql = "UPDATE logs SET stored = ?2, chain = ?3 WHERE log = ?1";
    match tx.write("moving the mark of a log", sql, params![int(id.0), int(stored), chain.0])? {
        0 => Err(StoreError::Damaged("a log that is written is not there")),
        _ => Ok(()),
    }
}

pub(super) fn raise_durable(tx: &SqliteTx<'_>, id: LogId, seq: u64) -> Result<()> {
    let sql = "UPDATE logs SET durable = max(durable, min(?2, stored)) WHERE log = ?1";
    let seq = i64::try_from(seq).unwrap_or(i64::MAX);
    tx.write("raising the durable mark of a log", sql, params![int(id.0), seq]).map(drop)
}

/// State and reason, as stored.
fn state_columns(state: OpState) -> (u8, u8) {
    match state {
        OpState::Merged => (0, 0),
        OpState::Waiting => (1, 0),
        OpState::Quarantined(reason) => (2, reason as u8),
        OpState::Discarded(reason) => (3, reason as u8),
    }
}

fn read_state(row: &mut Columns<'_>) -> Result<OpState> {
    let (state, reason) = (row.small::<u8>()?, row.small::<u8>()?);
    let reason = || Quarantine::from_number(reason).ok_or(StoreError::Damaged("why an op is kept aside"));
    match state {
        0 => Ok(OpState::Merged),
        1 => Ok(OpState::Waiting),
        2 => Ok(OpState::Quarantined(reason()?)),
        3 => Ok(OpState::Discarded(reason()?)),
        _ => Err(StoreError::Damaged("the state of an op")),
    }
}

/// Row of the record of an op.
fn record_row(tx: &mut SqliteTx<'_>, record: Option<RecordId>) -> Result<Option<i64>> {
    let Some(record) = record else { return Ok(None) };
    let row = records::row_of(tx, record)?;
    row.map(Some).ok_or(StoreError::Damaged("an op of a record that is not there"))
}

pub(super) fn append_op(tx: &mut SqliteTx<'_>, op: &NewOp<'_>) -> Result<()> {
    let record = record_row(tx, op.record)?;
    let (state, reason) = state_columns(op.state);
    let sql = "INSERT INTO ops (log, seq, record, state, reason, received_ms, chain, bytes)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let params = params![int(op.id.log.0), int(op.id.seq), record, state, reason, op.received_ms, op.chain.0, op.bytes];
    tx.write("the name of an op", sql, params)?;
    tx.memo.op = Some((op.id, tx.inserted()));
    Ok(())
}

/// Row of an op.
pub(super) fn row_of(tx: &mut SqliteTx<'_>, id: OpId) -> Result<i64> {
    if let Some((_, row)) = tx.memo.op.filter(|(known, _)| *known == id) {
        return Ok(row);
    }
    let sql = "SELECT op FROM ops WHERE log = ?1 AND seq = ?2";
    let row = tx.one("finding an op", sql, [int(id.log.0), int(id.seq)], |row| row.take())?;
    row.ok_or(StoreError::Damaged("an op that is named is not there"))
}

/// A query for ops with this ending; the record is named by its creating op.
macro_rules! ops_where {
    ($ending:literal) => {
        concat!(
            "SELECT o.log, o.seq, o.state, o.reason, o.received_ms, o.chain, o.bytes, o.opened, r.log, r.seq \
             FROM ops o LEFT JOIN records r ON r.record = o.record ",
            $ending
        )
    };
}

fn read_op(row: &mut Columns<'_>) -> Result<StoredOp> {
    let id = row.op_id()?;
    let state = read_state(row)?;
    let received_ms = row.take()?;
    let chain = ChainHash(row.hash()?);
    let (bytes, opened) = (row.take()?, row.take()?);
    let record = row.u64_or_none()?.zip(row.u64_or_none()?);
    let record = record.map(|(log, seq)| RecordId(OpId { log: LogId(log), seq }));
    Ok(StoredOp { id, bytes, chain, record, received_ms, state, opened })
}

pub(super) fn op(tx: &SqliteTx<'_>, id: OpId) -> Result<Option<StoredOp>> {
    let sql = ops_where!("WHERE o.log = ?1 AND o.seq = ?2");
    tx.one("reading an op", sql, [int(id.log.0), int(id.seq)], read_op)
}

pub(super) fn ops_from(tx: &SqliteTx<'_>, from: OpId, ops_max: usize, bytes_aim: usize) -> Result<Vec<StoredOp>> {
    let sql = ops_where!("WHERE o.log = ?1 AND o.seq >= ?2 ORDER BY o.seq");
    let (mut count, mut bytes) = (0, 0);
    tx.while_some("reading a log's ops", sql, [int(from.log.0), int(from.seq)], |row| {
        if count > 0 && (count >= ops_max || bytes >= bytes_aim) {
            return Ok(None);
        }
        let op = read_op(row)?;
        count += 1;
        bytes += op.bytes.len();
        Ok(Some(op))
    })
}

pub(super) fn ops_of(tx: &mut SqliteTx<'_>, record: RecordId) -> Result<Vec<StoredOp>> {
    let Some(record) = records::row_of(tx, record)? else { return Ok(Vec::new()) };
    tx.many("reading a record's ops", ops_where!("WHERE o.record = ?1 ORDER BY o.op"), [record], read_op)
}

pub(super) fn update_op(tx: &mut SqliteTx<'_>, id: OpId, record: Option<RecordId>, state: OpState) -> Result<()> {
    let record = record_row(tx, record)?;
    let (state, reason) = state_columns(state);
    let sql = "UPDATE ops SET record = ?3, state = ?4, reason = ?5 WHERE log = ?1 AND seq = ?2";
    let params = params![int(id.log.0), int(id.seq), record, state, reason];
    match tx.write("changing what became of an op", sql, params)? {
        0 => Err(StoreError::Damaged("an op that is named is not there")),
        _ => Ok(()),
    }
}

pub(super) fn put_opened(tx: &SqliteTx<'_>, id: OpId, opened: &[u8]) -> Result<()> {
    let sql = "UPDATE ops SET opened = ?3 WHERE log = ?1 AND seq = ?2";
    match tx.write("keeping what was sealed", sql, params![int(id.log.0), int(id.seq), opened])? {
        0 => Err(StoreError::Damaged("an op that is named is not there")),
        _ => Ok(()),
    }
}

pub(super) fn quarantined(tx: &mut SqliteTx<'_>, after: Option<OpId>, limit: usize) -> Result<Vec<StoredOp>> {
    let after = match after {
        Some(id) => row_of(tx, id)?,
        None => 0,
    };
    let sql = ops_where!("WHERE o.state <> 0 AND o.state = 2 AND o.op > ?1 ORDER BY o.op LIMIT ?2");
    tx.many("listing what is kept aside", sql, params![after, limit_of(limit)], read_op)
}

pub(super) fn verdict(tx: &SqliteTx<'_>, id: OpId) -> Result<Option<VerdictFrame>> {
    let sql = "SELECT v.verdict FROM verdicts v JOIN ops o ON o.op = v.op WHERE o.log = ?1 AND o.seq = ?2";
    tx.one("reading a verdict", sql, [int(id.log.0), int(id.seq)], |row| {
        codec::decode(&row.take::<Vec<u8>>()?).map_err(unreadable)
    })
}

pub(super) fn put_verdict(tx: &mut SqliteTx<'_>, id: OpId, verdict: &VerdictFrame) -> Result<()> {
    let op = row_of(tx, id)?;
    let sql = "INSERT OR REPLACE INTO verdicts (op, verdict) VALUES (?1, ?2)";
    tx.write("writing a verdict", sql, params![op, codec::encode(verdict)]).map(drop)
}
