//! When what was written here arrived: a receipt for the receipt. One row for each time that the hub's mark of an own log
//! rose, and not one for each op. A store that was repaired, or grew up with an older program, does not know of all.

use rusqlite::{Connection, OptionalExtension, params};

use super::StoreError;
use super::pack::{SEQ_BITS, split};

/// That the hub has an op, and all before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// When the hub said so, by its clock, milliseconds since 1970.
    pub hub_ms: i64,
    /// The op's number in its log, by which the hub finds it.
    pub seq: u64,
}

/// The hub's mark of the own log `n` has moved.
pub(super) fn note(db: &Connection, n: i64, (before, after): (i64, i64), hub_ms: i64) -> Result<(), StoreError> {
    if after == before {
        return Ok(());
    }
    // What the hub has forgotten has to arrive anew.
    db.prepare_cached("DELETE FROM arrival WHERE n = ? AND seq > ?")
        .and_then(|mut delete| delete.execute(params![n, before.min(after)]))
        .and_then(|_| match after > before {
            true => db
                .prepare_cached("INSERT INTO arrival (n, seq, hub_ms) VALUES (?, ?, ?)")
                .and_then(|mut insert| insert.execute(params![n, after, hub_ms])),
            false => Ok(0),
        })
        .map(drop)
        .map_err(StoreError::because("note what arrived"))
}

/// When the last of what this PC wrote to the record that begins with the op `key` arrived; `None`: it wrote nothing, or
/// that is not known.
pub(super) fn of_record(db: &Connection, key: i64) -> Result<Option<Arrival>, StoreError> {
    let reading = || StoreError::because("read when a record arrived");
    let last: Option<i64> = db
        .prepare_cached(&format!(
            "SELECT max(id) FROM (SELECT ?1 AS id UNION ALL SELECT id FROM op WHERE record = ?1 AND record <> id) \
             WHERE id >> {SEQ_BITS} IN (SELECT n FROM log WHERE own = 1)"
        ))
        .and_then(|mut select| select.query_row([key], |row| row.get(0)))
        .map_err(reading())?;
    let Some((n, seq)) = last.map(split) else { return Ok(None) };
    let hub_ms = db
        .prepare_cached("SELECT hub_ms FROM arrival WHERE n = ? AND seq >= ? ORDER BY seq LIMIT 1")
        .and_then(|mut select| select.query_row(params![n, seq as i64], |row| row.get(0)).optional())
        .map_err(reading())?;
    Ok(hub_ms.map(|hub_ms| Arrival { hub_ms, seq }))
}
