//! The feed: one sequence of numbers, one tree by topic and number.

use kentongan_protocol::ids::{ReplicaId, Topic};
use kentongan_protocol::wire::codec;
use rusqlite::params;

use super::super::contract::{Result, StoreError};
use super::super::rows::{FeedItem, FeedLimit, FeedRow, FeedSlice};
use super::logs::{self, unreadable};
use super::records::signed;
use super::row::int;
use super::tx::SqliteTx;

pub(super) fn last(tx: &mut SqliteTx<'_>) -> Result<u64> {
    if let Some((last, _)) = tx.memo.feed {
        return Ok(last);
    }
    let sql = "SELECT value FROM counters WHERE name = 'feed'";
    let last = tx.one("reading the feed's number", sql, (), |row| row.u64())?.unwrap_or(0);
    tx.memo.feed = Some((last, false));
    Ok(last)
}

/// Writes the number back, once for each transaction.
pub(super) fn finish(tx: &mut SqliteTx<'_>) -> Result<()> {
    let Some((last, true)) = tx.memo.feed else { return Ok(()) };
    let sql = "INSERT OR REPLACE INTO counters (name, value) VALUES ('feed', ?1)";
    tx.write("writing the feed's number", sql, [int(last)])?;
    tx.memo.feed = Some((last, false));
    Ok(())
}

pub(super) fn append(tx: &mut SqliteTx<'_>, topic: &Topic, item: &FeedItem) -> Result<u64> {
    let number = last(tx)? + 1;
    let (id, writer, verdict) = match item {
        FeedItem::Op { id, writer } => (id, int(writer.0), None),
        FeedItem::Verdict { id, verdict } => (id, 0, Some(codec::encode(verdict))),
    };
    let op = logs::row_of(tx, *id)?;
    let sql = "INSERT INTO feed (topic, number, op, writer, verdict) VALUES (?1, ?2, ?3, ?4, ?5)";
    tx.write("appending to the feed", sql, params![topic.to_string(), int(number), op, writer, verdict])?;
    tx.memo.feed = Some((number, true));
    if let Topic::Office(office) = topic
        && !tx.fed.contains(office)
    {
        tx.fed.insert(office.clone());
    }
    Ok(number)
}

/// An entry before its op is looked up.
struct Entry {
    number: u64,
    op: i64,
    verdict: Option<Vec<u8>>,
}

pub(super) fn read(
    tx: &SqliteTx<'_>,
    topic: &Topic,
    after: u64,
    reader: ReplicaId,
    limit: FeedLimit,
) -> Result<FeedSlice> {
    let sql = "SELECT number, op, writer, verdict FROM feed WHERE topic = ?1 AND number > ?2 ORDER BY number";
    let mut slice = FeedSlice { rows: Vec::new(), upto: after, more: false };
    let (mut scanned, mut bytes) = (0, 0);
    let rows = tx.while_some("reading the feed", sql, params![topic.to_string(), signed(after)], |row| {
        let full = slice.rows.len() >= limit.entries_max || bytes >= limit.bytes_aim;
        if scanned >= limit.scanned_max || (full && !slice.rows.is_empty()) {
            slice.more = true;
            return Ok(None);
        }
        scanned += 1;
        let (number, op, writer) = (row.u64()?, row.take()?, row.replica()?);
        let entry = Entry { number, op, verdict: row.take()? };
        slice.upto = number;
        if entry.verdict.is_some() || writer != reader {
            bytes += entry.verdict.as_ref().map_or(0, Vec::len);
            let found = with_op(tx, entry)?;
            if let FeedRow::Op { bytes: op, .. } = &found {
                bytes += op.len();
            }
            slice.rows.push(found);
        }
        Ok(Some(()))
    });
    rows.map(|_| slice)
}

fn with_op(tx: &SqliteTx<'_>, entry: Entry) -> Result<FeedRow> {
    let Entry { number, op, verdict } = entry;
    let row = match verdict {
        Some(verdict) => {
            tx.one("reading an op of the feed", "SELECT log, seq FROM ops WHERE op = ?1", [op], |row| {
                Ok(FeedRow::Verdict { number, id: row.op_id()?, verdict: codec::decode(&verdict).map_err(unreadable)? })
            })?
        }
        None => tx.one("reading an op of the feed", "SELECT log, seq, bytes FROM ops WHERE op = ?1", [op], |row| {
            Ok(FeedRow::Op { number, id: row.op_id()?, bytes: row.take()? })
        })?,
    };
    row.ok_or(StoreError::Damaged("an op of the feed is not there"))
}
