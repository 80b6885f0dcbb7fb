//! What was found out of records: open complaints, sums of questionnaires, decisions over conflicts.

use kentongan_protocol::calendar::Stage;
use kentongan_protocol::form::FormTag;
use kentongan_protocol::ids::{OfficeCode, RecordId};
use kentongan_protocol::survey::Sums;
use rusqlite::types::Value as Sql;
use rusqlite::{params, params_from_iter};

use super::super::contract::{Result, StoreError};
use super::super::rows::{Case, CaseCount, CaseFilter, CasePlace, Decision, RecordRow, Seen, SurveyMonth};
use super::logs::limit_of;
use super::records::{known_row_of, read_record, records_where, row_of, signed};
use super::row::{Columns, int};
use super::tx::SqliteTx;

/// Rows that a look for new records passes over at once.
const LOOK_ROWS_MAX: u64 = 20_000;
/// Nothing is due: behind every moment, so that it stands last in every index.
const NEVER: i64 = i64::MAX;

pub(super) fn unseen(tx: &SqliteTx<'_>, form: FormTag, seen: Seen, limit: usize) -> Result<(Vec<RecordRow>, Seen)> {
    let last = tx.one("counting records", "SELECT coalesce(max(record), 0) FROM records", (), |row| row.u64())?;
    let until = last.unwrap_or(0).min(seen.number.saturating_add(LOOK_ROWS_MAX));
    let new = records_where!("WHERE record > ?1 AND record <= ?2 AND +form = ?3 ORDER BY record LIMIT ?4");
    let params = params![signed(seen.number), signed(until), form, limit_of(limit)];
    let mut rows = tx.many("looking for new records", new, params, read_record)?;
    let number = if rows.len() < limit { until } else { rows.last().map_or(until, |row| row.number) };
    let changed = records_where!("WHERE changed > 0 AND changed > ?1 AND +form = ?2 ORDER BY changed LIMIT ?3");
    let params = params![signed(seen.change), form, limit_of(limit)];
    let changed = tx.many("looking for changed records", changed, params, read_record)?;
    // Those that came may have changed since, beyond changes that are not looked at yet: they do not count here.
    let change = changed.last().map_or(seen.change, |row| row.changed);
    rows.extend(changed);
    Ok((rows, Seen { number: number.max(seen.number), change }))
}

pub(super) fn progress(tx: &SqliteTx<'_>, name: &str) -> Result<u64> {
    let sql = "SELECT value FROM counters WHERE name = ?1";
    Ok(tx.one("reading how far work has come", sql, [name], |row| row.u64())?.unwrap_or(0))
}

pub(super) fn put_progress(tx: &SqliteTx<'_>, name: &str, value: u64) -> Result<()> {
    let sql = "INSERT OR REPLACE INTO counters (name, value) VALUES (?1, ?2)";
    tx.write("noting how far work has come", sql, params![name, int(value)]).map(drop)
}

fn number_of(stage: Stage) -> u8 {
    match stage {
        Stage::Verify => 0,
        Stage::Waiting => 1,
        Stage::Answer => 2,
        Stage::Silence => 3,
        Stage::Closed => 4,
    }
}

fn read_stage(row: &mut Columns<'_>) -> Result<Stage> {
    let number: u8 = row.small()?;
    let stage = Stage::ALL.into_iter().find(|stage| number_of(*stage) == number);
    stage.ok_or(StoreError::Damaged("the stage of a complaint"))
}

fn read_due(row: &mut Columns<'_>) -> Result<Option<i64>> {
    Ok(Some(row.take::<i64>()?).filter(|due_ms| *due_ms != NEVER))
}

pub(super) fn case(tx: &mut SqliteTx<'_>, record: RecordId) -> Result<Option<Case>> {
    let Some(row) = row_of(tx, record)? else { return Ok(None) };
    let sql = "SELECT stage, office, due_ms FROM cases WHERE record = ?1";
    tx.one("reading what is due", sql, [row], |row| {
        Ok(Case { record, stage: read_stage(row)?, office: row.office()?, due_ms: read_due(row)? })
    })
}

pub(super) fn put_case(tx: &mut SqliteTx<'_>, case: &Case) -> Result<()> {
    let row = known_row_of(tx, case.record)?;
    let sql = "INSERT OR REPLACE INTO cases (record, stage, office, due_ms) VALUES (?1, ?2, ?3, ?4)";
    let params = params![row, number_of(case.stage), case.office.as_str(), case.due_ms.unwrap_or(NEVER)];
    tx.write("writing what is due", sql, params).map(drop)
}

pub(super) fn remove_case(tx: &mut SqliteTx<'_>, record: RecordId) -> Result<()> {
    let Some(row) = row_of(tx, record)? else { return Ok(()) };
    tx.write("taking a complaint off the list", "DELETE FROM cases WHERE record = ?1", [row]).map(drop)
}

pub(super) fn cases(
    tx: &SqliteTx<'_>,
    filter: &CaseFilter,
    after: Option<CasePlace>,
    limit: usize,
) -> Result<Vec<(CasePlace, RecordId)>> {
    let mut conditions: Vec<String> = Vec::new();
    let mut values: Vec<Sql> = Vec::new();
    let mut value = |value: Sql| {
        values.push(value);
        format!("?{}", values.len())
    };
    // One index, and one that is in the order of the list: `+` takes a column out of the choice.
    if let Some(office) = &filter.office {
        conditions.push(format!("c.office = {}", value(office.as_str().to_owned().into())));
    }
    if let Some(stage) = filter.stage {
        let aside = if filter.office.is_some() { "+" } else { "" };
        conditions.push(format!("{aside}c.stage = {}", value(i64::from(number_of(stage)).into())));
    }
    if let Some((from_ms, until_ms)) = filter.due_ms {
        conditions.push(format!("c.due_ms > {}", value(from_ms.into())));
        conditions.push(format!("c.due_ms <= {}", value(until_ms.into())));
    }
    if let Some(after) = after {
        let (due_ms, number) = (value(after.due_ms.unwrap_or(NEVER).into()), value(signed(after.number).into()));
        conditions.push(format!("(c.due_ms, c.record) > ({due_ms}, {number})"));
    }
    let conditions = if conditions.is_empty() { "1".to_owned() } else { conditions.join(" AND ") };
    let limit = value(limit_of(limit).into());
    let sql = format!(
        "SELECT c.due_ms, r.record, r.log, r.seq FROM cases c JOIN records r ON r.record = c.record
         WHERE {conditions} ORDER BY c.due_ms, c.record LIMIT {limit}"
    );
    tx.many("listing open complaints", &sql, params_from_iter(values), |row| {
        let place = CasePlace { due_ms: read_due(row)?, number: row.u64()? };
        Ok((place, RecordId(row.op_id()?)))
    })
}

pub(super) fn cases_numbered(tx: &SqliteTx<'_>, after: u64, limit: usize) -> Result<Vec<(u64, RecordId)>> {
    let sql = "SELECT r.record, r.log, r.seq FROM cases c JOIN records r ON r.record = c.record
        WHERE c.record > ?1 ORDER BY c.record LIMIT ?2";
    let params = params![signed(after), limit_of(limit)];
    tx.many("listing open complaints by number", sql, params, |row| Ok((row.u64()?, RecordId(row.op_id()?))))
}

/// A count of complaints by stage, of those that meet a condition.
macro_rules! counts_where {
    ($condition:literal) => {
        concat!(
            "SELECT stage, count(*), sum(due_ms <= ?1), sum(due_ms <= ?2), sum(due_ms <= ?3), sum(due_ms <= ?4) \
             FROM cases WHERE ",
            $condition,
            " GROUP BY stage"
        )
    };
}

pub(super) fn case_counts(
    tx: &SqliteTx<'_>,
    office: Option<&OfficeCode>,
    [first, second, third, fourth]: [i64; 4],
) -> Result<Vec<CaseCount>> {
    const DOING: &str = "counting open complaints";
    let read = |row: &mut Columns<'_>| {
        let (stage, all) = (read_stage(row)?, row.u64()?);
        Ok(CaseCount { stage, all, until: [row.u64()?, row.u64()?, row.u64()?, row.u64()?] })
    };
    match office {
        Some(office) => {
            let params = params![first, second, third, fourth, office.as_str()];
            tx.many(DOING, counts_where!("office = ?5"), params, read)
        }
        None => tx.many(DOING, counts_where!("1"), params![first, second, third, fourth], read),
    }
}

/// The numbers of [`Sums`], side by side.
const SUMS_BYTES: usize = 20 * 8;

fn sums_to_bytes(sums: &Sums) -> Vec<u8> {
    let numbers = [sums.complete, sums.incomplete].into_iter().chain(sums.scores).chain(sums.answered);
    numbers.flat_map(u64::to_le_bytes).collect()
}

fn sums_from_bytes(bytes: &[u8]) -> Option<Sums> {
    if bytes.len() != SUMS_BYTES {
        return None;
    }
    let (numbers, _) = bytes.as_chunks::<8>();
    let mut numbers = numbers.iter().map(|number| u64::from_le_bytes(*number));
    let (complete, incomplete) = (numbers.next()?, numbers.next()?);
    let mut sums = Sums { complete, incomplete, ..Sums::default() };
    for place in sums.scores.iter_mut().chain(&mut sums.answered) {
        *place = numbers.next()?;
    }
    Some(sums)
}

pub(super) fn survey_months(
    tx: &SqliteTx<'_>,
    office: Option<&OfficeCode>,
    from: i32,
    until: i32,
) -> Result<Vec<SurveyMonth>> {
    const DOING: &str = "reading sums of questionnaires";
    let read = |row: &mut Columns<'_>| {
        let (month, office) = (row.small()?, row.office()?);
        let sums = sums_from_bytes(&row.take::<Vec<u8>>()?).ok_or(StoreError::Damaged("sums of questionnaires"))?;
        Ok(SurveyMonth { office, month, sums, profile: row.take()? })
    };
    let all = "SELECT month, office, sums, profile FROM survey_months WHERE month BETWEEN ?1 AND ?2";
    match office {
        Some(office) => {
            let sql = "SELECT month, office, sums, profile FROM survey_months
                WHERE month BETWEEN ?1 AND ?2 AND office = ?3";
            tx.many(DOING, sql, params![from, until, office.as_str()], read)
        }
        None => tx.many(DOING, all, params![from, until], read),
    }
}

pub(super) fn put_survey_month(tx: &SqliteTx<'_>, month: &SurveyMonth) -> Result<()> {
    let sql = "INSERT OR REPLACE INTO survey_months (month, office, sums, profile) VALUES (?1, ?2, ?3, ?4)";
    let params = params![month.month, month.office.as_str(), sums_to_bytes(&month.sums), month.profile];
    tx.write("writing sums of questionnaires", sql, params).map(drop)
}

pub(super) fn put_decision(tx: &mut SqliteTx<'_>, decision: &Decision) -> Result<()> {
    let record = known_row_of(tx, decision.record)?;
    let sql = "INSERT INTO decisions (record, grp, log, seq, owner, since_ms, decided_ms)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING";
    let params = params![
        record,
        decision.group,
        int(decision.op.log.0),
        int(decision.op.seq),
        decision.owner.as_str(),
        decision.since_ms,
        decision.decided_ms,
    ];
    tx.write("noting a decision", sql, params).map(drop)
}

pub(super) fn decisions(tx: &SqliteTx<'_>, limit: usize) -> Result<Vec<Decision>> {
    let sql = "SELECT r.log, r.seq, d.grp, d.log, d.seq, d.owner, d.since_ms, d.decided_ms
        FROM decisions d JOIN records r ON r.record = d.record ORDER BY d.decided_ms DESC, d.record DESC, d.grp LIMIT ?1";
    tx.many("listing decisions", sql, [limit_of(limit)], |row| {
        Ok(Decision {
            record: RecordId(row.op_id()?),
            group: row.small()?,
            op: row.op_id()?,
            owner: row.office()?,
            since_ms: row.take()?,
            decided_ms: row.take()?,
        })
    })
}
