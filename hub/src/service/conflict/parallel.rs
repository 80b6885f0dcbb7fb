//! Changes that did not know of each other and that a rule of the form put together: to the furthest stage, to the
//! strictest choice, or because they say the same. Nobody has to decide; everybody can look.
//!
//! They are noted in the audit log as the board comes by them, once for each set of writes: later ones replace them in the
//! record, and what was put together is still to be seen.

use kentongan_host::{Failure, moment};
use kentongan_protocol::form::{Group, MergeClass};
use kentongan_protocol::ids::OpId;
use kentongan_protocol::merge::GroupView;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::Desk;
use super::super::record::{Answered, Opened, Operator, Said, answers, name_of, open, opened};
use super::super::view::{Author, Authors, Hidden, group_said};
use crate::accept::note;
use crate::store::{AuditEntry, AuditFilter, Page, RecordRow, Tx};

/// The event in the audit log.
const EVENT: &str = "change.merged";
/// How far back they are listed and counted.
const WEEK_MS: i64 = 7 * 24 * 3_600_000;
/// That are counted; a page says that there may be more.
pub(super) const COUNTED_MAX: usize = 1_000;
/// Writes of one that are named.
const WRITES_MAX: usize = 8;
/// Lines about a record that are looked through for the same.
const LINES_MAX: usize = 50;

/// What was put together within the last week.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Merged {
    /// How many.
    pub count: u64,
    /// Whether there are more than are counted.
    pub more: bool,
    /// The latest ones.
    pub merged: Vec<Parallel>,
}

/// Changes of one group of a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parallel {
    /// Id of the record.
    pub id: String,
    /// Its receipt code.
    pub code: Option<String>,
    /// Its office.
    pub office: String,
    /// The group.
    pub group: Said,
    /// Who wrote.
    pub by: Vec<Author>,
    /// What stands now, without who people are.
    pub answers: Vec<Answered>,
    /// When the hub saw them side by side.
    #[serde(with = "moment")]
    pub merged_at: i64,
}

/// Notes what was put together in a record that changed. What came long ago is no news: the list may be made anew.
pub(crate) fn watch(tx: &mut dyn Tx, desk: &Desk, row: &RecordRow) -> Result<(), Failure> {
    let Some(opened) = opened(tx, row.clone())? else { return Ok(()) };
    for group in &opened.form.groups {
        let ops = put_together(&opened, group);
        if ops.is_empty() || !is_recent(tx, desk, &ops)? {
            continue;
        }
        let subject = name_of(&opened.row);
        let ops: Vec<String> = ops.iter().map(OpId::to_string).collect();
        let detail = json!({ "record": opened.row.id.to_string(), "group": group.name, "ops": ops });
        let about = AuditFilter { event: Some(EVENT.into()), subject: Some(subject.clone()), ..AuditFilter::default() };
        let known = tx.audit_found(&about, Page::Before(u64::MAX), LINES_MAX)?;
        let written = detail.to_string();
        if !known.iter().any(|line| line.event.detail == written) {
            note(tx, desk.now_ms, "hub", EVENT, subject, detail)?;
        }
    }
    Ok(())
}

/// The writes of a group that do not know of each other although one value stands in it; none if it is otherwise.
fn put_together(opened: &Opened, group: &Group) -> Vec<OpId> {
    let by_rule = matches!(group.merge, MergeClass::Register | MergeClass::Stage | MergeClass::Strictest);
    let Some(state) = opened.record.group(group.tag).filter(|_| by_rule) else { return Vec::new() };
    let heads: Vec<OpId> = state.heads().map(|(id, _)| id).take(WRITES_MAX).collect();
    let is_one = matches!(GroupView::of(&opened.record, opened.form, group), GroupView::One(_));
    if heads.len() > 1 && is_one { heads } else { Vec::new() }
}

fn is_recent(tx: &mut dyn Tx, desk: &Desk, ops: &[OpId]) -> Result<bool, Failure> {
    for op in ops {
        if tx.op(*op)?.is_some_and(|stored| stored.received_ms > desk.now_ms.saturating_sub(WEEK_MS)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What was put together within the last week, the latest `limit` of it in full.
pub(super) fn merged(tx: &mut dyn Tx, operator: Operator<'_>, limit: u32) -> Result<Merged, Failure> {
    let from_ms = Some(operator.now_ms.saturating_sub(WEEK_MS));
    let filter = AuditFilter { event: Some(EVENT.into()), from_ms, ..AuditFilter::default() };
    let lines = tx.audit_found(&filter, Page::Before(u64::MAX), COUNTED_MAX)?;
    let (mut authors, mut merged) = (Authors::new(operator), Vec::new());
    let limit = usize::try_from(limit).unwrap_or(COUNTED_MAX);
    for line in lines.iter().take(limit) {
        merged.extend(told(tx, &mut authors, line)?);
    }
    Ok(Merged { count: lines.len() as u64, more: lines.len() == COUNTED_MAX, merged })
}

/// What a line of the audit log names; `None` if that is there no more.
fn told(tx: &mut dyn Tx, authors: &mut Authors<'_>, line: &AuditEntry) -> Result<Option<Parallel>, Failure> {
    let detail: serde_json::Value = serde_json::from_str(&line.event.detail).unwrap_or_default();
    let text = |name: &str| detail.get(name).and_then(|value| value.as_str()).unwrap_or_default();
    let Ok(opened) = open(tx, text("record")) else { return Ok(None) };
    let Some(group) = opened.form.group_named(text("group")) else { return Ok(None) };
    let named = detail.get("ops").and_then(|ops| ops.as_array()).into_iter().flatten();
    let mut by = Vec::new();
    for id in named.filter_map(|op| op.as_str()?.parse::<OpId>().ok()) {
        let Some(op) = tx.op(id)?.and_then(|stored| stored.op().ok()) else { continue };
        by.push(authors.of(tx, id, &op.author, op.elapsed_ms)?);
    }
    let stands = GroupView::of(&opened.record, opened.form, group);
    let mut answers = stands.shown().map(|values| answers(opened.form, values)).unwrap_or_default();
    Hidden::of(&opened).mask(&mut answers);
    Ok(Some(Parallel {
        id: opened.row.id.to_string(),
        code: opened.born.code.map(|code| code.to_string()),
        office: opened.born.office.to_string(),
        group: group_said(group),
        by,
        answers,
        merged_at: line.event.at_ms,
    }))
}
