//! What anybody who holds a receipt code may know of a complaint: where it stands, since when, who has it, what comes
//! next. No name, no word of what was said.

use kentongan_host::{Failure, moment};
use kentongan_protocol::calendar::{Zone, course};
use kentongan_protocol::form::builtin::pengaduan::{self, group, status};
use kentongan_protocol::ids::OfficeCode;
use kentongan_protocol::receipt::ReceiptCode;
use serde::{Deserialize, Serialize};

use super::Desk;
use super::deadline::{self, Due};
use super::record::{Opened, Said, Times, opened};
use super::view::{is_confidential, status_said};
use crate::store::{OpState, StoreError, Tx};

/// Where a complaint stands, for its holder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tracked {
    /// Its code.
    pub code: String,
    /// The office that received it; `None` of a confidential one.
    pub received_by: Option<String>,
    /// The office that is responsible now, if it was handed on; `None` of a confidential one.
    pub responsible: Option<String>,
    /// Where it stands.
    pub status: Said,
    /// The steps so far, the first one first.
    pub steps: Vec<Passed>,
    /// The day at whose end the next step is due, and whose step that is.
    pub next: Option<Next>,
    /// When the hub first heard of it.
    #[serde(with = "moment")]
    pub received_at: i64,
    /// When the hub last heard of it.
    #[serde(with = "moment")]
    pub changed_at: i64,
}

/// A step that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passed {
    /// What it was.
    pub status: Said,
    /// The civil day at its office.
    pub on: String,
}

/// The step that is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Next {
    /// Whose turn it is.
    pub stage: Said,
    /// The day.
    pub by: String,
}

impl From<Due> for Next {
    fn from(due: Due) -> Next {
        Next { stage: due.stage, by: due.due }
    }
}

/// Looks a code up. `None`: the hub does not know it; the record may still lie at its office. A code that two records
/// have is nobody's here: somebody at the office has to look.
///
/// # Errors
/// A failure of the store.
pub fn track(tx: &mut dyn Tx, desk: &Desk, code: ReceiptCode) -> Result<Option<Tracked>, Failure> {
    let rows = tx.records_coded(code)?;
    let [row] = rows.as_slice() else { return Ok(None) };
    let Some(opened) = opened(tx, row.clone())? else { return Ok(None) };
    if opened.born.form != pengaduan::TAG {
        return Ok(None);
    }
    let hidden = is_confidential(&opened);
    let responsible = course::responsible(opened.form, &opened.record).filter(|_| !hidden);
    let responsible = responsible.map_or(Ok(None), |office| name(tx, &office))?;
    let received_by = if hidden { None } else { name(tx, &opened.born.office)? };
    let clock = deadline::Clock::load(tx, desk)?;
    let mut times = Times::default();
    let due = clock.due(tx, &mut times, &opened)?;
    let (steps, changed_at) = steps(tx, &mut times, &opened)?;
    let standing = opened.row.status.unwrap_or(status::DITERIMA);
    let Some(status) = status_said(opened.form, standing) else { return Ok(None) };
    let next = due.map(Next::from);
    let (code, received_at) = (code.to_string(), opened.row.received_ms);
    Ok(Some(Tracked { code, received_by, responsible, status, steps, next, received_at, changed_at }))
}

fn name(tx: &mut dyn Tx, office: &OfficeCode) -> Result<Option<String>, StoreError> {
    Ok(tx.office(office)?.map(|office| office.name))
}

/// Every change of the status with its day, the receipt first; and when the last of all ops came.
fn steps(tx: &mut dyn Tx, times: &mut Times, opened: &Opened) -> Result<(Vec<Passed>, i64), StoreError> {
    let zone = Zone::of(&opened.born.office);
    let mut moves = Vec::new();
    let mut changed_ms = opened.row.received_ms;
    for stored in tx.ops_of(opened.row.id)?.into_iter().filter(|stored| stored.state == OpState::Merged) {
        let Ok(op) = stored.op() else { continue };
        changed_ms = changed_ms.max(stored.received_ms);
        let created = stored.id == opened.row.id.0;
        let written = op.writes.iter().filter(|write| write.group == group::STATUS);
        let written = written.filter_map(|write| write.values.get(&status::FIELD)?.choice()).next_back();
        let Some(choice) = written.or(created.then_some(status::DITERIMA)) else { continue };
        let head = tx.log(stored.id.log)?.ok_or(StoreError::Damaged("an op without its log"))?.head;
        let on = zone.day_of(times.at(tx, &head, op.elapsed_ms)?.at);
        moves.push(((op.hlc, stored.id), choice, on));
    }
    moves.sort_by_key(|(order, _, _)| *order);
    let said = |(_, choice, on): ((_, _), _, kentongan_protocol::calendar::Day)| {
        Some(Passed { status: status_said(opened.form, choice)?, on: on.to_string() })
    };
    Ok((moves.into_iter().filter_map(said).collect(), changed_ms))
}
