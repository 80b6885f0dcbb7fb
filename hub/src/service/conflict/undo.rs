//! Taking back a decision: the values that it replaced stand side by side again, each written anew in the name of whoever
//! wrote it and of the one who brings it back. Nothing leaves the history.

use std::collections::BTreeSet;

use kentongan_host::{Exit, Failure};
use kentongan_protocol::form::Group;
use kentongan_protocol::ids::OpId;
use kentongan_protocol::merge::GroupView;
use serde_json::json;

use super::super::record::{Opened, Operator, open};
use super::super::work::{self, Values};
use super::lineage::Lineage;
use super::{Resolved, remarked, resolved};
use crate::store::{Decision, Tx};

/// How long a decision can be taken back.
const OPEN_MS: i64 = 24 * 3_600_000;

/// Whether a decision still stands and is younger than a day.
pub(super) fn is_open(opened: &Opened, group: &Group, decision: &Decision, now_ms: i64) -> bool {
    standing(opened, group) == Some(decision.op) && now_ms.saturating_sub(decision.decided_ms) < OPEN_MS
}

/// The op that says what stands in a group, if it is a single value.
fn standing(opened: &Opened, group: &Group) -> Option<OpId> {
    match GroupView::of(&opened.record, opened.form, group) {
        GroupView::One(candidate) => candidate.ops.first().copied(),
        _ => None,
    }
}

pub(super) fn undo(
    tx: &mut dyn Tx,
    operator: Operator<'_>,
    record: &str,
    group: &str,
    reason: &str,
) -> Result<Resolved, Failure> {
    let opened = open(tx, record)?;
    let group = opened.form.group_named(group.trim()).ok_or_else(gone)?;
    let decided = standing(&opened, group).ok_or_else(gone)?;
    let is_it = |decision: &&Decision| decision.record == opened.row.id && decision.op == decided;
    let decision = tx.decisions(super::LIST_MAX)?.iter().find(is_it).cloned().ok_or_else(gone)?;
    let at_hub = tx.log(decided.log)?.is_some_and(|log| log.head.replica() == operator.hub.replica());
    if !at_hub || !is_open(&opened, group, &decision, operator.now_ms) {
        return Err(gone());
    }
    let mut op = None;
    for (author, values) in replaced(tx, &opened, group, decided, operator.name)? {
        let write = work::in_place(&opened, group, values);
        op = Some(work::commit(tx, Operator { name: &author, ..operator }, &opened, vec![write])?);
    }
    let op = op.ok_or_else(gone)?;
    let what = format!("Keputusan atas \"{}\" dibatalkan", group.label.id);
    if let Some(remark) = remarked(operator, &opened, &what, reason)? {
        work::commit(tx, operator, &opened, vec![remark])?;
    }
    let detail = json!({"decision": decided.to_string(), "group": group.name, "reason": reason});
    operator.note(tx, "conflict.reopened", &opened.row, detail)?;
    resolved(tx, &opened, group, op)
}

/// The values that a decision replaced, and in whose names they are written again: no two in the same, since somebody's
/// later write in a log takes the place of their earlier one.
fn replaced(
    tx: &mut dyn Tx,
    opened: &Opened,
    group: &Group,
    decided: OpId,
    operator: &str,
) -> Result<Vec<(String, Values)>, Failure> {
    let lineage = Lineage::of(tx, opened, group.tag)?;
    let (_, decision) = lineage.write(decided).ok_or_else(gone)?;
    let (mut names, mut all) = (BTreeSet::new(), Vec::<(String, Values)>::new());
    for (author, values) in
        decision.replaces.iter().filter_map(|id| lineage.write(*id)).map(|(op, write)| (&op.author, &write.values))
    {
        if all.iter().any(|(_, known)| known == values) {
            continue;
        }
        let mut name = format!("{} · {author}", work::author(operator));
        while !names.insert(work::author(&name).to_owned()) {
            name = format!("{} · {name}", all.len() + 1);
        }
        all.push((work::author(&name).to_owned(), values.clone()));
    }
    if all.len() < 2 {
        return Err(gone());
    }
    Ok(all)
}

fn gone() -> Failure {
    Failure::new(
        Exit::Failed,
        "Keputusan ini tidak bisa dibatalkan lagi: sudah lewat sehari, diputuskan di kantor, atau sudah diganti.",
        "This decision cannot be taken back any more: a day has passed, an office made it, or it was replaced.",
    )
}
