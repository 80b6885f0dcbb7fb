//! Names of logs and ops as one integer each, so that an index holds 8 bytes instead of 16.

use kentongan_protocol::ids::{LogId, OpId};
use kentongan_protocol::log::LogHead;
use kentongan_protocol::wire::codec;
use kentongan_protocol::wire::v1::LogFrame;
use rusqlite::{Connection, OptionalExtension};

use super::StoreError;

/// Bits of an op's id that hold its seq.
pub(super) const SEQ_BITS: u32 = 40;

/// Id of an op in this store.
pub(super) fn op_key(n: i64, seq: u64) -> Result<i64, StoreError> {
    if seq >= 1 << SEQ_BITS || !(0..1 << (63 - SEQ_BITS)).contains(&n) {
        return Err(StoreError::Broken("a log longer than this store can number"));
    }
    Ok(n << SEQ_BITS | seq as i64)
}

/// The log's small number and the seq in an op's id.
pub(super) fn split(key: i64) -> (i64, u64) {
    (key >> SEQ_BITS, (key & ((1 << SEQ_BITS) - 1)) as u64)
}

/// The log's small number, given at first sight.
pub(super) fn log_number(db: &Connection, log: LogId) -> Result<i64, StoreError> {
    if let Some(n) = known_log_number(db, log)? {
        return Ok(n);
    }
    db.prepare_cached("INSERT INTO log_name (log) VALUES (?)")
        .and_then(|mut insert| insert.insert([log.to_bytes()]))
        .map_err(StoreError::because("number a log"))
}

/// The log's small number, if it has one.
pub(super) fn known_log_number(db: &Connection, log: LogId) -> Result<Option<i64>, StoreError> {
    db.prepare_cached("SELECT n FROM log_name WHERE log = ?")
        .and_then(|mut select| select.query_row([log.to_bytes()], |row| row.get(0)).optional())
        .map_err(StoreError::because("look up a log"))
}

/// The full name of an op.
pub(super) fn op_id(db: &Connection, key: i64) -> Result<OpId, StoreError> {
    let (n, seq) = split(key);
    let log: [u8; 8] = db
        .prepare_cached("SELECT log FROM log_name WHERE n = ?")
        .and_then(|mut select| select.query_row([n], |row| row.get(0)))
        .map_err(StoreError::because("look up the name of a log"))?;
    Ok(OpId { log: LogId::from_bytes(log), seq })
}

/// The head of the log `name`, from its stored bytes. Bytes that say another log are damage.
pub(super) fn log_head(name: [u8; 8], bytes: &[u8]) -> Result<LogHead, StoreError> {
    let head = codec::decode::<LogFrame>(bytes).and_then(|frame| LogHead::try_from(&frame));
    let head = head.ok().filter(|head| head.log().to_bytes() == name);
    head.ok_or(StoreError::Damaged("the head of a log that does not give its name"))
}

/// The id of an op in this store; its log gets a number if it has none.
pub(super) fn key_of(db: &Connection, id: OpId) -> Result<i64, StoreError> {
    op_key(log_number(db, id.log)?, id.seq)
}
