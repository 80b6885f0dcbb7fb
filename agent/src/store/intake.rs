//! Taking rows of files: each once, whatever how often its file is dropped.

use anyhow::Context;
use kentongan_protocol::planted::{self, Defect};
use rusqlite::{OptionalExtension, params};

use super::pack::key_of;
use super::write::Writer;
use super::{Store, StoreError};
use crate::entry::{ImportRow, Intake, RowOutcome};

impl Intake for Store {
    fn take(&mut self, rows: Vec<ImportRow>) -> anyhow::Result<Vec<RowOutcome>> {
        self.write(|writer| rows.iter().map(|row| take_row(writer, row)).collect()).context("take rows of a file")
    }
}

/// Takes a row, unless one with its name was taken before.
pub(super) fn take_row(writer: &mut Writer<'_>, row: &ImportRow) -> Result<RowOutcome, StoreError> {
    let looked_up = StoreError::because("look for a row of a file");
    let known = writer
        .db
        .prepare_cached("SELECT 1 FROM import_row WHERE name = ?")
        .and_then(|mut select| select.query_row([row.name], |_| Ok(())).optional())
        .map_err(looked_up)?;
    if known.is_some() && !planted::active(Defect::RowTakenAgain) {
        return Ok(RowOutcome::Repeated);
    }
    if let Some(source) = row.source {
        let added = writer
            .db
            .prepare_cached("INSERT OR IGNORE INTO import_source (source, name) VALUES (?, ?)")
            .and_then(|mut insert| insert.execute(params![source, row.name]))
            .map_err(StoreError::because("note the id of a row"))?;
        if added == 0 {
            return Ok(RowOutcome::Changed);
        }
    }
    let entered = writer.enter_of_file(&row.record)?;
    let key = key_of(writer.db, entered.record.0)?;
    writer
        .db
        .prepare_cached(match planted::active(Defect::RowTakenAgain) {
            false => "INSERT INTO import_row (name, record) VALUES (?, ?)",
            true => "INSERT OR REPLACE INTO import_row (name, record) VALUES (?, ?)",
        })
        .and_then(|mut insert| insert.execute(params![row.name, key]))
        .map_err(StoreError::because("note a row of a file"))?;
    Ok(RowOutcome::Taken { record: entered.record, receipt: entered.receipt })
}
