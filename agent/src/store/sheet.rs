//! Sheets of paper that are typed: each once, as rows of files are.

use kentongan_protocol::ids::{OpId, RecordId};
use rusqlite::{OptionalExtension, params};

use super::intake::take_row;
use super::pack::op_id;
use super::write::{Entered, Writer};
use super::{Store, StoreError};
use crate::entry::{ImportRow, NewRecord, RowOutcome};
use crate::paper::{Batch, Sheet};

/// What became of a sheet, as far as this PC knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SheetState {
    /// Nothing was typed of it here.
    Blank,
    /// It is a record.
    Typed {
        /// The record.
        record: RecordId,
        /// This PC's clock when it was saved.
        typed_ms: i64,
    },
    /// It was typed, and its record is not here any more: the store was damaged since.
    Lost,
}

impl Store {
    /// What became of a sheet.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(crate) fn sheet(&self, sheet: Sheet) -> Result<SheetState, StoreError> {
        let reading = || StoreError::because("look for a sheet");
        let found: Option<Option<(i64, i64)>> = self
            .db
            .prepare_cached(
                "SELECT record.id, record.wall_ms FROM import_row LEFT JOIN record ON record.id = import_row.record \
                 WHERE import_row.name = ?",
            )
            .and_then(|mut select| {
                let row = |row: &rusqlite::Row<'_>| Ok(row.get::<_, Option<i64>>(0)?.zip(row.get(1)?));
                select.query_row(params![sheet.content_name()], row).optional()
            })
            .map_err(reading())?;
        Ok(match found {
            None => SheetState::Blank,
            Some(None) => SheetState::Lost,
            Some(Some((key, typed_ms))) => SheetState::Typed { record: RecordId(op_id(&self.db, key)?), typed_ms },
        })
    }

    /// What became of the sheets of a batch, in their order.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(crate) fn sheets(&self, batch: Batch) -> Result<Vec<(Sheet, SheetState)>, StoreError> {
        batch.all().map(|sheet| Ok((sheet, self.sheet(sheet)?))).collect()
    }
}

/// Enters what stands on a sheet, unless it was typed before: then it is the record that it became.
pub(super) fn take(writer: &mut Writer<'_>, sheet: Sheet, new: &NewRecord) -> Result<Entered, StoreError> {
    let name = sheet.content_name();
    match take_row(writer, &ImportRow { name, source: None, record: new.clone() })? {
        RowOutcome::Taken { record, receipt } => Ok(Entered { record, receipt }),
        RowOutcome::Repeated | RowOutcome::Changed => {
            let key = writer
                .db
                .query_row("SELECT record FROM import_row WHERE name = ?", [name], |row| row.get(0))
                .map_err(StoreError::because("look for a sheet"))?;
            let id: OpId = op_id(writer.db, key)?;
            Ok(Entered { record: RecordId(id), receipt: None })
        }
    }
}
