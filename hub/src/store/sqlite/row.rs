//! Reading a row, column after column in the order of its `SELECT`.

use kentongan_protocol::ids::{LogId, OfficeCode, OpId, ReplicaId, RunId};
use rusqlite::Row;
use rusqlite::types::FromSql;

use super::super::contract::{Result, StoreError};

/// A row and the next column to read.
pub(super) struct Columns<'a> {
    row: &'a Row<'a>,
    next: usize,
    doing: &'static str,
}

impl<'a> Columns<'a> {
    pub(super) fn new(row: &'a Row<'a>, doing: &'static str) -> Self {
        Columns { row, next: 0, doing }
    }

    /// The next column: text, a signed number, bytes, or any of these that may be missing.
    pub(super) fn take<T: FromSql>(&mut self) -> Result<T> {
        let column = self.next;
        self.next += 1;
        self.row.get(column).map_err(|error| StoreError::database(self.doing, error))
    }

    pub(super) fn u64(&mut self) -> Result<u64> {
        Ok(self.take::<i64>()? as u64)
    }

    pub(super) fn u64_or_none(&mut self) -> Result<Option<u64>> {
        Ok(self.take::<Option<i64>>()?.map(|number| number as u64))
    }

    /// A number that was written from a smaller type.
    pub(super) fn small<T: TryFrom<i64>>(&mut self) -> Result<T> {
        T::try_from(self.take::<i64>()?).map_err(|_| StoreError::Damaged("a number out of its range"))
    }

    pub(super) fn small_or_none<T: TryFrom<i64>>(&mut self) -> Result<Option<T>> {
        let number = self.take::<Option<i64>>()?;
        number.map(T::try_from).transpose().map_err(|_| StoreError::Damaged("a number out of its range"))
    }

    /// Exactly 32 bytes.
    pub(super) fn hash(&mut self) -> Result<[u8; 32]> {
        self.take::<[u8; 32]>()
    }

    pub(super) fn office(&mut self) -> Result<OfficeCode> {
        self.take::<String>()?.parse().map_err(|_| StoreError::Damaged("an office code that is none"))
    }

    pub(super) fn replica(&mut self) -> Result<ReplicaId> {
        self.u64().map(ReplicaId)
    }

    pub(super) fn run_or_none(&mut self) -> Result<Option<RunId>> {
        Ok(self.u64_or_none()?.map(RunId))
    }

    /// Two columns: log and seq.
    pub(super) fn op_id(&mut self) -> Result<OpId> {
        Ok(OpId { log: LogId(self.u64()?), seq: self.u64()? })
    }
}

/// A number of 64 bits as the signed one with the same bits.
pub(super) fn int(number: u64) -> i64 {
    number as i64
}
