//! Records, who sees them, and what stands side by side in them.

use kentongan_protocol::form::{FormTag, GroupTag};
use kentongan_protocol::ids::{OfficeCode, RecordId};
use kentongan_protocol::receipt::ReceiptCode;
use rusqlite::types::Value as Sql;
use rusqlite::{params, params_from_iter};

use super::super::contract::{Result, StoreError};
use super::super::rows::{Attention, Born, Conflict, Page, RecordFilter, RecordRow, RecordTally, Totals};
use super::feed;
use super::logs::limit_of;
use super::row::{Columns, int};
use super::tx::SqliteTx;

/// A query for records with this ending.
macro_rules! records_where {
    ($ending:literal) => {
        concat!(
            "SELECT record, log, seq, form, form_version, office, code, status, conflicts, summary, changed, received_ms \
             FROM records ",
            $ending
        )
    };
}
pub(super) use records_where;

pub(super) fn read_record(row: &mut Columns<'_>) -> Result<RecordRow> {
    let number = row.u64()?;
    let id = RecordId(row.op_id()?);
    Ok(RecordRow {
        id,
        number,
        born: read_born(row)?,
        status: row.small_or_none()?,
        conflicts: row.small()?,
        summary: row.take()?,
        changed: row.u64()?,
        received_ms: row.take()?,
    })
}

fn read_born(row: &mut Columns<'_>) -> Result<Option<Born>> {
    let form = row.small_or_none()?;
    let form_version = row.small()?;
    let office: String = row.take()?;
    let code = row.u64_or_none()?;
    let Some(form) = form else { return Ok(None) };
    let office = office.parse().map_err(|_| StoreError::Damaged("the office of a record"))?;
    let code = code.map(|number| ReceiptCode::from_number(number).ok_or(StoreError::Damaged("a receipt code")));
    Ok(Some(Born { form, form_version, office, code: code.transpose()? }))
}

/// Row of a record, if it is there.
pub(super) fn row_of(tx: &mut SqliteTx<'_>, id: RecordId) -> Result<Option<i64>> {
    if let Some((_, row)) = tx.memo.record.filter(|(known, _)| *known == id) {
        return Ok(Some(row));
    }
    let sql = "SELECT record FROM records WHERE log = ?1 AND seq = ?2";
    let row = tx.one("finding a record", sql, [int(id.0.log.0), int(id.0.seq)], |row| row.take())?;
    tx.memo.record = row.map(|row| (id, row)).or(tx.memo.record);
    Ok(row)
}

/// Row of a record that must be there.
pub(super) fn known_row_of(tx: &mut SqliteTx<'_>, id: RecordId) -> Result<i64> {
    row_of(tx, id)?.ok_or(StoreError::Damaged("a record that changes is not there"))
}

pub(super) fn record(tx: &SqliteTx<'_>, id: RecordId) -> Result<Option<RecordRow>> {
    let sql = records_where!("WHERE log = ?1 AND seq = ?2");
    tx.one("reading a record", sql, [int(id.0.log.0), int(id.0.seq)], read_record)
}

pub(super) fn insert_record(tx: &mut SqliteTx<'_>, record: &RecordRow) -> Result<bool> {
    let sql = "INSERT INTO records
            (log, seq, form, form_version, office, code, status, conflicts, summary, changed, received_ms)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT (log, seq) DO NOTHING";
    let born = record.born.as_ref();
    let params = params![
        int(record.id.0.log.0),
        int(record.id.0.seq),
        born.map(|born| born.form),
        born.map_or(0, |born| born.form_version),
        born.map_or("", |born| born.office.as_str()),
        born.and_then(|born| born.code).map(|code| int(code.number())),
        record.status,
        record.conflicts,
        record.summary,
        int(record.changed),
        record.received_ms,
    ];
    let inserted = tx.write("entering a record", sql, params)? > 0;
    if inserted {
        tx.memo.record = Some((record.id, tx.inserted()));
    }
    Ok(inserted)
}

pub(super) fn update_record(tx: &mut SqliteTx<'_>, record: &RecordRow) -> Result<()> {
    let row = known_row_of(tx, record.id)?;
    let sql = "UPDATE records SET form = ?2, form_version = ?3, office = ?4, code = ?5, status = ?6, conflicts = ?7,
        summary = ?8, changed = ?9 WHERE record = ?1";
    let born = record.born.as_ref();
    let params = params![
        row,
        born.map(|born| born.form),
        born.map_or(0, |born| born.form_version),
        born.map_or("", |born| born.office.as_str()),
        born.and_then(|born| born.code).map(|code| int(code.number())),
        record.status,
        record.conflicts,
        record.summary,
        int(record.changed),
    ];
    tx.write("changing a record", sql, params).map(drop)
}

pub(super) fn records_coded(tx: &SqliteTx<'_>, code: ReceiptCode) -> Result<Vec<RecordRow>> {
    let sql = records_where!("WHERE code = ?1 ORDER BY record");
    tx.many("finding a record by its code", sql, [int(code.number())], read_record)
}

pub(super) fn records(tx: &SqliteTx<'_>, filter: &RecordFilter, page: Page, limit: usize) -> Result<Vec<RecordRow>> {
    let mut conditions = vec!["form IS NOT NULL".to_owned()];
    let mut values: Vec<Sql> = Vec::new();
    let mut add = |condition: &str, value: Sql| {
        values.push(value);
        conditions.push(condition.replace('?', &format!("?{}", values.len())));
    };
    // One index at a time, and only one whose order is that of the numbers: `+` takes a column out of the choice.
    let by_status = filter.status.is_some() && filter.form.is_some() && filter.office.is_none();
    if let Some(office) = &filter.office {
        add("office = ?", Sql::from(office.as_str().to_owned()));
    }
    if let Some(form) = filter.form {
        add(if by_status { "form = ?" } else { "+form = ?" }, Sql::from(i64::from(form)));
    }
    if let Some(status) = filter.status {
        add(if by_status { "status IS ?" } else { "+status IS ?" }, Sql::from(status.map(i64::from)));
    }
    if let Some(text) = &filter.text {
        add("instr(lower(summary), lower(?)) > 0", Sql::from(text.clone()));
    }
    let order = match page {
        Page::After(number) => {
            add("record > ?", Sql::from(signed(number)));
            "ASC"
        }
        Page::Before(number) => {
            add("record < ?", Sql::from(signed(number)));
            "DESC"
        }
    };
    values.push(Sql::from(limit_of(limit)));
    let sql = format!(
        "{} {} ORDER BY record {order} LIMIT ?{}",
        records_where!("WHERE"),
        conditions.join(" AND "),
        values.len()
    );
    tx.many("listing records", &sql, params_from_iter(values), read_record)
}

/// A number that only has to be beyond all others if it is too large.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn share_record(tx: &mut SqliteTx<'_>, record: RecordId, office: &OfficeCode) -> Result<bool> {
    let record = known_row_of(tx, record)?;
    let sql = "INSERT INTO shares (record, office) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    Ok(tx.write("sharing a record", sql, params![record, office.as_str()])? > 0)
}

pub(super) fn shared_with(tx: &mut SqliteTx<'_>, record: RecordId) -> Result<Vec<OfficeCode>> {
    let Some(record) = row_of(tx, record)? else { return Ok(Vec::new()) };
    let sql = "SELECT office FROM shares WHERE record = ?1 ORDER BY office";
    tx.many("listing who sees a record", sql, [record], |row| row.office())
}

/// A query for conflicts with this ending.
macro_rules! conflicts_where {
    ($ending:literal) => {
        concat!(
            "SELECT r.log, r.seq, c.grp, c.since_ms, c.owner FROM conflicts c JOIN records r ON r.record = c.record ",
            $ending
        )
    };
}

fn read_conflict(row: &mut Columns<'_>) -> Result<Conflict> {
    Ok(Conflict { record: RecordId(row.op_id()?), group: row.small()?, since_ms: row.take()?, owner: row.office()? })
}

pub(super) fn conflicts_of(tx: &mut SqliteTx<'_>, record: RecordId) -> Result<Vec<Conflict>> {
    let Some(record) = row_of(tx, record)? else { return Ok(Vec::new()) };
    let sql = conflicts_where!("WHERE c.record = ?1 ORDER BY c.grp");
    tx.many("reading a record's conflicts", sql, [record], read_conflict)
}

pub(super) fn conflicts(tx: &SqliteTx<'_>, owner: Option<&OfficeCode>, limit: usize) -> Result<Vec<Conflict>> {
    let sql = conflicts_where!("WHERE ?1 IS NULL OR c.owner = ?1 ORDER BY c.since_ms, c.record, c.grp LIMIT ?2");
    tx.many("listing conflicts", sql, params![owner.map(OfficeCode::as_str), limit_of(limit)], read_conflict)
}

pub(super) fn put_conflict(tx: &mut SqliteTx<'_>, conflict: &Conflict) -> Result<()> {
    let record = known_row_of(tx, conflict.record)?;
    let sql = "INSERT INTO conflicts (record, grp, since_ms, owner) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (record, grp) DO UPDATE SET owner = ?4";
    let params = params![record, conflict.group, conflict.since_ms, conflict.owner.as_str()];
    tx.write("entering a conflict", sql, params).map(drop)
}

pub(super) fn remove_conflict(tx: &mut SqliteTx<'_>, record: RecordId, group: GroupTag) -> Result<()> {
    let record = known_row_of(tx, record)?;
    let sql = "DELETE FROM conflicts WHERE record = ?1 AND grp = ?2";
    tx.write("removing a conflict", sql, params![record, group]).map(drop)
}

fn count(tx: &SqliteTx<'_>, doing: &'static str, sql: &'static str) -> Result<u64> {
    Ok(tx.one(doing, sql, (), |row| row.u64())?.unwrap_or(0))
}

pub(super) fn attention(tx: &SqliteTx<'_>) -> Result<Attention> {
    let aside = "SELECT count(*) FROM ops WHERE state <> 0 AND state = 2";
    Ok(Attention {
        quarantined: count(tx, "counting what is kept aside", aside)?,
        conflicts: count(tx, "counting conflicts", "SELECT count(*) FROM conflicts")?,
    })
}

pub(super) fn totals_since(tx: &mut SqliteTx<'_>, tally: &mut RecordTally) -> Result<Totals> {
    count_records(tx, tally)?;
    // The rows of ops are numbered from 1 and never deleted: the last number is their count.
    let ops = count(tx, "counting ops", "SELECT coalesce(max(op), 0) FROM ops")?;
    let waiting = count(tx, "counting what waits", "SELECT count(*) FROM ops WHERE state <> 0 AND state = 1")?;
    let Attention { quarantined, conflicts } = attention(tx)?;
    let records = tally.by_form.iter().map(|(form, count)| (*form, *count)).collect();
    Ok(Totals { records, ops, quarantined, waiting, conflicts, feed: feed::last(tx)? })
}

/// Counts the records that came since. Records are numbered from 1 and never deleted.
fn count_records(tx: &SqliteTx<'_>, tally: &mut RecordTally) -> Result<()> {
    const DOING: &str = "counting records";
    let form_of = "SELECT form FROM records WHERE record = ?1";
    let mut unborn = Vec::new();
    for number in std::mem::take(&mut tally.unborn) {
        match tx.one(DOING, form_of, [signed(number)], |row| row.take::<Option<FormTag>>())?.flatten() {
            Some(form) => *tally.by_form.entry(form).or_insert(0) += 1,
            None => unborn.push(number),
        }
    }
    let last = count(tx, DOING, "SELECT coalesce(max(record), 0) FROM records")?;
    // All of them are counted fastest in an index that has the form; a few new ones by their numbers.
    let all = "SELECT form, count(*) FROM records WHERE form IS NOT NULL AND record > ?1 GROUP BY form ORDER BY form";
    let new = "SELECT form, count(*) FROM records NOT INDEXED WHERE form IS NOT NULL AND record > ?1 GROUP BY form";
    let sql = if tally.through == 0 { all } else { new };
    let mut born = 0;
    for (form, count) in tx.many(DOING, sql, [signed(tally.through)], |row| Ok((row.small()?, row.u64()?)))? {
        *tally.by_form.entry(form).or_insert(0) += count;
        born += count;
    }
    if born < last.saturating_sub(tally.through) {
        let sql = "SELECT record FROM records NOT INDEXED WHERE form IS NULL AND record > ?1";
        unborn.extend(tx.many(DOING, sql, [signed(tally.through)], |row| row.u64())?);
    }
    (tally.through, tally.unborn) = (last, unborn);
    Ok(())
}
