//! Days of offices, and what people brought in.

use kentongan_protocol::calendar::Day;
use kentongan_protocol::ids::OfficeCode;
use rusqlite::params;

use super::super::contract::{Result, StoreError};
use super::super::rows::{DAYS_KEPT, Delays, OfficeDay, Reference};
use super::row::{Columns, int};
use super::tx::SqliteTx;

/// A query for days with this ending.
macro_rules! days_where {
    ($ending:literal) => {
        concat!(
            "SELECT office, day, hours, exchanges, ended_early, bytes_in, bytes_out, ops_in, ops_out, drained_ms, delays \
             FROM days ",
            $ending
        )
    };
}

fn read_day(row: &mut Columns<'_>) -> Result<(OfficeCode, OfficeDay)> {
    let office = row.office()?;
    let day = OfficeDay {
        day: Day(row.small()?),
        hours: row.small()?,
        exchanges: row.small()?,
        ended_early: row.small()?,
        bytes_in: row.u64()?,
        bytes_out: row.u64()?,
        ops_in: row.u64()?,
        ops_out: row.u64()?,
        drained_ms: row.take()?,
        delays: Delays::from_bytes(&row.take::<Vec<u8>>()?).ok_or(StoreError::Damaged("delays that are none"))?,
    };
    Ok((office, day))
}

pub(super) fn office_day(tx: &SqliteTx<'_>, office: &OfficeCode, day: Day) -> Result<Option<OfficeDay>> {
    let sql = days_where!("WHERE office = ?1 AND day = ?2");
    tx.one("reading a day of an office", sql, params![office.as_str(), day.0], |row| Ok(read_day(row)?.1))
}

pub(super) fn put_office_day(tx: &SqliteTx<'_>, office: &OfficeCode, day: &OfficeDay) -> Result<()> {
    let sql = "INSERT OR REPLACE INTO days
            (office, day, hours, exchanges, ended_early, bytes_in, bytes_out, ops_in, ops_out, drained_ms, delays)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    let params = params![
        office.as_str(),
        day.day.0,
        day.hours,
        day.exchanges,
        day.ended_early,
        int(day.bytes_in),
        int(day.bytes_out),
        int(day.ops_in),
        int(day.ops_out),
        day.drained_ms,
        day.delays.to_bytes(),
    ];
    tx.write("writing a day of an office", sql, params)?;
    let old = "DELETE FROM days WHERE office = ?1 AND day <= ?2";
    tx.write("forgetting old days of an office", old, params![office.as_str(), day.day.plus(-DAYS_KEPT).0]).map(drop)
}

pub(super) fn office_days(tx: &SqliteTx<'_>, office: Option<&OfficeCode>) -> Result<Vec<(OfficeCode, OfficeDay)>> {
    const DOING: &str = "listing days of offices";
    match office {
        Some(office) => tx.many(DOING, days_where!("WHERE office = ?1 ORDER BY day"), [office.as_str()], read_day),
        None => tx.many(DOING, days_where!("ORDER BY office, day"), (), read_day),
    }
}

pub(super) fn reference(tx: &SqliteTx<'_>, name: &str) -> Result<Option<Reference>> {
    let sql = "SELECT name, text, at_ms, actor FROM reference WHERE name = ?1";
    tx.one("reading a reference table", sql, [name], |row| {
        Ok(Reference { name: row.take()?, text: row.take()?, at_ms: row.take()?, actor: row.take()? })
    })
}

pub(super) fn put_reference(tx: &SqliteTx<'_>, reference: &Reference) -> Result<()> {
    let sql = "INSERT OR REPLACE INTO reference (name, text, at_ms, actor) VALUES (?1, ?2, ?3, ?4)";
    let params = params![reference.name, reference.text, reference.at_ms, reference.actor];
    tx.write("writing a reference table", sql, params).map(drop)
}
