//! Conflicts: values that were written side by side by people who did not know of each other. Nothing waits for the
//! decision, and nothing is lost by it: a decision is an op that takes the place of all of them, and it stays in the
//! history who wrote what.

mod lineage;
pub(crate) mod parallel;
mod undo;

use std::collections::BTreeSet;

use kentongan_host::{Exit, Failure, moment};
use kentongan_protocol::form::builtin::pengaduan;
use kentongan_protocol::form::{FieldTag, Group, MergeClass, Value};
use kentongan_protocol::ids::OpId;
use kentongan_protocol::merge::{Candidate, GroupView};
use kentongan_protocol::op::Write;
use serde::{Deserialize, Serialize};
use serde_json::json;

use lineage::Lineage;
pub use parallel::{Merged, Parallel};

use super::record::{Answered, Opened, Operator, Said, answers, office_of, open, opened};
use super::view::{Author, Authors, GroupDocument, Hidden, Standing, group_said, groups, is_confidential};
use super::work::{self, Values};
use super::{Desk, record};
use crate::store::Tx;

/// Conflicts in a list.
const LIST_MAX: usize = 1_000;

/// What can be asked about conflicts. `record` is a receipt code or an id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Conflicts that wait for a decision, the oldest first.
    List {
        /// Of this office.
        office: Option<String>,
    },
    /// The values and who wrote them, with who people are: the audit log keeps who read it.
    Show {
        /// Which.
        record: String,
    },
    /// The same without who people are, and without the content of a confidential complaint.
    Look {
        /// Which.
        record: String,
    },
    /// What was decided, at the hub or at an office, the latest first.
    Decisions {
        /// At most this many.
        limit: u32,
    },
    /// Changes that did not know of each other and needed no decision, of the last week, the latest first.
    Merged {
        /// At most this many in full.
        limit: u32,
    },
    /// Decides one.
    Resolve {
        /// In which record.
        record: String,
        /// In which group, by name or number; not needed if there is only one conflict.
        group: Option<String>,
        /// Whose value: `office`, `hub`, `proposal` (see [`Open::proposal`]), its number in [`Request::Show`], or one of
        /// its ops. Empty if `values` says it.
        take: String,
        /// Another value: names of fields and their values as files have them.
        #[serde(default)]
        values: Vec<(String, String)>,
        /// Why; kept in the record.
        reason: String,
    },
    /// Decides several in the same way; those that cannot be decided so are left.
    ResolveAlike {
        /// Which.
        conflicts: Vec<Named>,
        /// Whose value: `office`, `hub` or `proposal`.
        take: String,
        /// Why; kept in each record.
        reason: String,
    },
    /// Takes back a decision that was made here within a day: the values stand side by side again.
    Undo {
        /// In which record.
        record: String,
        /// In which group, by name.
        group: String,
        /// Why; kept in the record.
        reason: String,
    },
}

/// A conflict by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// The record, by receipt code or id.
    pub record: String,
    /// The group, by name.
    pub group: String,
}

/// The answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To [`Request::List`].
    List(List),
    /// To [`Request::Show`] and [`Request::Look`].
    Show(Show),
    /// To [`Request::Decisions`].
    Decisions(Decisions),
    /// To [`Request::Merged`].
    Merged(Merged),
    /// To [`Request::Resolve`].
    Resolved(Resolved),
    /// To [`Request::ResolveAlike`].
    ResolvedAlike(ResolvedAlike),
    /// To [`Request::Undo`].
    Undone(Resolved),
}

/// Conflicts that wait.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct List {
    /// The conflicts.
    pub conflicts: Vec<Line>,
}

/// A conflict in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Id of the record.
    pub id: String,
    /// Its receipt code.
    pub code: Option<String>,
    /// The office that is to decide.
    pub office: String,
    /// The group.
    pub group: Said,
    /// Since when the hub knows of it.
    #[serde(with = "moment")]
    pub since: i64,
    /// How many values stand side by side.
    pub values: u32,
}

/// The conflicts of a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Show {
    /// Id of the record.
    pub id: String,
    /// Its receipt code.
    pub code: Option<String>,
    /// Its office.
    pub office: String,
    /// What it is about, in a line.
    #[serde(default)]
    pub summary: String,
    /// The groups in conflict.
    pub conflicts: Vec<Open>,
}

/// A conflict with its values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Open {
    /// The group and the values in it.
    #[serde(flatten)]
    pub document: GroupDocument,
    /// What is proposed: of each field the value that somebody changed, if all who changed it agree; else the value shown.
    #[serde(default)]
    pub proposal: Vec<Answered>,
    /// Whether something of it is kept from those who only look.
    #[serde(default)]
    pub has_hidden: bool,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decisions {
    /// The decisions.
    pub decisions: Vec<Decided>,
}

/// A conflict that was decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decided {
    /// Id of the record.
    pub id: String,
    /// Its receipt code.
    pub code: Option<String>,
    /// Its office.
    pub office: String,
    /// The group.
    pub group: Said,
    /// Who decided, where and when.
    pub by: Author,
    /// When the hub heard of it.
    #[serde(with = "moment")]
    pub decided_at: i64,
    /// What stands since then, without who people are.
    pub answers: Vec<Answered>,
    /// Whether it can be taken back here.
    pub can_undo: bool,
}

/// What a decision did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resolved {
    /// Id of the record.
    pub id: String,
    /// Its receipt code.
    pub code: Option<String>,
    /// The group.
    pub group: Said,
    /// The op that decides.
    pub op: String,
    /// Conflicts that the record still has.
    pub left: u32,
}

/// What several decisions did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResolvedAlike {
    /// What was decided.
    pub resolved: Vec<Resolved>,
    /// What was left, because there it is not clear which value is meant, or because it was decided meanwhile.
    pub left: Vec<Named>,
}

/// Answers a request about conflicts.
///
/// # Errors
/// What was asked does not hold, or a failure of the store.
pub fn execute(tx: &mut dyn Tx, desk: &Desk, request: &Request) -> Result<Answer, Failure> {
    run(tx, desk.into(), request)
}

pub(crate) fn run(tx: &mut dyn Tx, operator: Operator<'_>, request: &Request) -> Result<Answer, Failure> {
    match request {
        Request::List { office } => list(tx, office.as_deref()).map(Answer::List),
        Request::Show { record } => {
            let opened = open(tx, record)?;
            operator.note(tx, "conflict.read", &opened.row, json!({}))?;
            show(tx, operator, &opened).map(Answer::Show)
        }
        Request::Look { record } => {
            let opened = open(tx, record)?;
            let mut shown = show(tx, operator, &opened)?;
            let hidden = Hidden::of(&opened);
            for open in &mut shown.conflicts {
                hidden.mask_group(&mut open.document);
                hidden.mask(&mut open.proposal);
            }
            if is_confidential(&opened) {
                shown.summary.clear();
            }
            Ok(Answer::Show(shown))
        }
        Request::Decisions { limit } => decided(tx, operator, *limit).map(Answer::Decisions),
        Request::Merged { limit } => parallel::merged(tx, operator, *limit).map(Answer::Merged),
        Request::Resolve { record, group, take, values, reason } => {
            resolve_one(tx, operator, record, group.as_deref(), (take, values), reason).map(Answer::Resolved)
        }
        Request::ResolveAlike { conflicts, take, reason } => {
            resolve_alike(tx, operator, conflicts, take, reason).map(Answer::ResolvedAlike)
        }
        Request::Undo { record, group, reason } => undo::undo(tx, operator, record, group, reason).map(Answer::Undone),
    }
}

fn resolve_one(
    tx: &mut dyn Tx,
    operator: Operator<'_>,
    record: &str,
    group: Option<&str>,
    (take, values): (&str, &[(String, String)]),
    reason: &str,
) -> Result<Resolved, Failure> {
    let opened = open(tx, record)?;
    let group = in_conflict(tx, &opened, group)?;
    let values = chosen(tx, operator, &opened, group, take, values)?;
    resolve(tx, operator, &opened, group, values, reason)
}

fn resolve_alike(
    tx: &mut dyn Tx,
    operator: Operator<'_>,
    conflicts: &[Named],
    take: &str,
    reason: &str,
) -> Result<ResolvedAlike, Failure> {
    if !["office", "hub", "proposal"].contains(&take) {
        return Err(ambiguous(0));
    }
    let mut done = ResolvedAlike { resolved: Vec::new(), left: Vec::new() };
    for named in conflicts.iter().take(LIST_MAX) {
        match resolve_one(tx, operator, &named.record, Some(&named.group), (take, &[]), reason) {
            Ok(resolved) => done.resolved.push(resolved),
            // It is another kind of conflict than the others, or somebody was faster; nothing was written for it.
            Err(failure) if matches!(failure.exit, Exit::Decide | Exit::Failed | Exit::Usage) => {
                done.left.push(named.clone());
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(done)
}

fn list(tx: &mut dyn Tx, office: Option<&str>) -> Result<List, Failure> {
    let office = office.map(office_of).transpose()?;
    let mut conflicts = Vec::new();
    for conflict in tx.conflicts(office.as_ref(), LIST_MAX)? {
        let Some(row) = tx.record(conflict.record)? else { continue };
        let Some(opened) = opened(tx, row)? else { continue };
        let Some(group) = opened.form.group(conflict.group) else { continue };
        let values = match GroupView::of(&opened.record, opened.form, group) {
            GroupView::Conflict(candidates) => candidates.len(),
            _ => 0,
        };
        conflicts.push(Line {
            id: opened.row.id.to_string(),
            code: opened.born.code.map(|code| code.to_string()),
            office: conflict.owner.to_string(),
            group: group_said(group),
            since: conflict.since_ms,
            values: u32::try_from(values).unwrap_or(u32::MAX),
        });
    }
    Ok(List { conflicts })
}

fn show(tx: &mut dyn Tx, operator: Operator<'_>, opened: &Opened) -> Result<Show, Failure> {
    let mut authors = Authors::new(operator);
    let mut conflicts = Vec::new();
    for mut document in groups(tx, &mut authors, opened)? {
        let Some(group) = opened.form.group_named(&document.group.code) else { continue };
        let GroupView::Conflict(candidates) = GroupView::of(&opened.record, opened.form, group) else { continue };
        let lineage = Lineage::of(tx, opened, group.tag)?;
        let base = lineage.base(&candidates);
        if let Some((id, op, values)) = base {
            let by = authors.of(tx, id, &op.author, op.elapsed_ms)?;
            let answers = answers(opened.form, values);
            document.base = Some(Standing { number: 0, ops: vec![id.to_string()], by, answers });
        }
        let proposal = proposed(&lineage, &candidates);
        let has_hidden = Hidden::of(opened).hides_of(group);
        conflicts.push(Open { document, proposal: answers(opened.form, &proposal), has_hidden });
    }
    Ok(Show {
        id: opened.row.id.to_string(),
        code: opened.born.code.map(|code| code.to_string()),
        office: opened.born.office.to_string(),
        summary: opened.row.summary.clone(),
        conflicts,
    })
}

/// What was decided. A decision after which something else was written is no longer what stands, and stays listed.
fn decided(tx: &mut dyn Tx, operator: Operator<'_>, limit: u32) -> Result<Decisions, Failure> {
    let limit = usize::try_from(limit).unwrap_or(LIST_MAX).min(LIST_MAX);
    let (mut authors, mut decisions) = (Authors::new(operator), Vec::new());
    for decision in tx.decisions(limit)? {
        let Some(row) = tx.record(decision.record)? else { continue };
        let Some(opened) = opened(tx, row)? else { continue };
        let Some(group) = opened.form.group(decision.group) else { continue };
        let Some(op) = tx.op(decision.op)?.and_then(|stored| stored.op().ok()) else { continue };
        let values = op.writes.iter().find(|write| write.group == group.tag).map(|write| &write.values);
        let mut answers = values.map(|values| answers(opened.form, values)).unwrap_or_default();
        Hidden::of(&opened).mask(&mut answers);
        let by = authors.of(tx, decision.op, &op.author, op.elapsed_ms)?;
        let can_undo = by.at_hub && undo::is_open(&opened, group, &decision, operator.now_ms);
        decisions.push(Decided {
            id: opened.row.id.to_string(),
            code: opened.born.code.map(|code| code.to_string()),
            office: opened.born.office.to_string(),
            group: group_said(group),
            by,
            decided_at: decision.decided_ms,
            answers,
            can_undo,
        });
    }
    Ok(Decisions { decisions })
}

/// The values that are proposed: see [`Open::proposal`].
fn proposed(lineage: &Lineage, candidates: &[Candidate<'_>]) -> Values {
    let Some(shown) = candidates.first().map(|candidate| &candidate.written.values) else { return Values::new() };
    let nothing = Values::new();
    let base = match lineage.base(candidates) {
        Some((_, _, values)) => values,
        None if lineage.began_empty(candidates) => &nothing,
        None => return shown.clone(),
    };
    let tags: BTreeSet<FieldTag> =
        candidates.iter().flat_map(|candidate| candidate.written.values.keys()).chain(base.keys()).copied().collect();
    let value = |tag: FieldTag| {
        let said = candidates.iter().map(|candidate| candidate.written.values.get(&tag));
        let mut changed: Vec<Option<&Value>> = said.filter(|value| *value != base.get(&tag)).collect();
        changed.dedup();
        match changed.as_slice() {
            [] => base.get(&tag),
            [one] => *one,
            _ => shown.get(&tag),
        }
    };
    tags.into_iter().filter_map(|tag| Some((tag, value(tag)?.clone()))).collect()
}

/// The group that is meant: the named one, or the only one there is.
fn in_conflict(tx: &mut dyn Tx, opened: &Opened, named: Option<&str>) -> Result<&'static Group, Failure> {
    let conflicts = tx.conflicts_of(opened.row.id)?;
    let groups: Vec<&'static Group> =
        conflicts.iter().filter_map(|conflict| opened.form.group(conflict.group)).collect();
    let is_named =
        |group: &&&Group| named.is_none_or(|named| group.name == named.trim() || group.tag.to_string() == named.trim());
    let names = groups.iter().map(|group| group.name.as_str()).collect::<Vec<_>>().join(", ");
    let found: Vec<&&'static Group> = groups.iter().filter(is_named).collect();
    match found.as_slice() {
        [group] => Ok(group),
        [] if groups.is_empty() => {
            let name = record::name_of(&opened.row);
            Err(Failure::new(
                Exit::Failed,
                format!("Tidak ada bentrok di {name}; mungkin sudah diputuskan."),
                format!("There is no conflict in {name}; perhaps it was decided already."),
            ))
        }
        _ => Err(Failure::new(
            Exit::Decide,
            format!("Sebutkan bagiannya dengan --group. Yang bentrok: {names}."),
            format!("Name the group with --group. In conflict: {names}."),
        )),
    }
}

/// The values that are to stand from now on.
fn chosen(
    tx: &mut dyn Tx,
    operator: Operator<'_>,
    opened: &Opened,
    group: &Group,
    take: &str,
    values: &[(String, String)],
) -> Result<Values, Failure> {
    let GroupView::Conflict(candidates) = GroupView::of(&opened.record, opened.form, group) else {
        return Err(Failure::new(Exit::Failed, "Bentrok ini sudah diputuskan.", "This conflict was decided already."));
    };
    let base = match take.trim() {
        "" if values.is_empty() => return Err(ambiguous(candidates.len())),
        "proposal" if values.is_empty() => {
            return Ok(proposed(&Lineage::of(tx, opened, group.tag)?, &candidates));
        }
        "" => candidates.first(),
        take => Some(taken(tx, operator, &candidates, take)?),
    };
    let base = base.map(|candidate| candidate.written.values.clone()).unwrap_or_default();
    if values.is_empty() {
        return Ok(base);
    }
    let texts: Vec<(&str, &str)> = values.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let values = work::filled(opened, base, &texts)?;
    work::write(opened, group, values).map(|write| write.values)
}

fn taken<'c, 'r>(
    tx: &mut dyn Tx,
    operator: Operator<'_>,
    candidates: &'c [Candidate<'r>],
    take: &str,
) -> Result<&'c Candidate<'r>, Failure> {
    let ambiguous = || ambiguous(candidates.len());
    if take == "proposal" {
        return candidates.first().ok_or_else(ambiguous);
    }
    if let Ok(number) = take.parse::<usize>() {
        return number.checked_sub(1).and_then(|place| candidates.get(place)).ok_or_else(ambiguous);
    }
    if let Ok(op) = take.parse::<OpId>() {
        return candidates.iter().find(|candidate| candidate.ops.contains(&op)).ok_or_else(ambiguous);
    }
    let at_hub = match take {
        "hub" => true,
        "office" => false,
        _ => return Err(ambiguous()),
    };
    let mut authors = Authors::new(operator);
    let mut found = Vec::new();
    for candidate in candidates {
        let Some(latest) = candidate.ops.first() else { continue };
        if (authors.head(tx, latest.log)?.replica() == operator.hub.replica()) == at_hub {
            found.push(candidate);
        }
    }
    match found.as_slice() {
        [candidate] => Ok(candidate),
        _ => Err(ambiguous()),
    }
}

fn ambiguous(count: usize) -> Failure {
    Failure::new(
        Exit::Decide,
        format!("Sebutkan nilainya: --take office, hub, proposal, atau nomor 1 sampai {count}."),
        format!("Name the value: --take office, hub, proposal, or a number from 1 to {count}."),
    )
    .with_hint("kentongan-hub conflict show KODE", "kentongan-hub conflict show CODE")
}

fn resolve(
    tx: &mut dyn Tx,
    operator: Operator<'_>,
    opened: &Opened,
    group: &'static Group,
    values: Values,
    reason: &str,
) -> Result<Resolved, Failure> {
    let mut writes = vec![work::in_place(opened, group, values)];
    writes.extend(remark(operator, opened, group, reason)?);
    let op = work::commit(tx, operator, opened, writes)?;
    let detail = json!({"op": op.to_string(), "group": group.name, "reason": reason});
    operator.note(tx, "conflict.resolved", &opened.row, detail)?;
    resolved(tx, opened, group, op)
}

/// What to say of a record of which `op` decides a group.
fn resolved(tx: &mut dyn Tx, opened: &Opened, group: &Group, op: OpId) -> Result<Resolved, Failure> {
    Ok(Resolved {
        id: opened.row.id.to_string(),
        code: opened.born.code.map(|code| code.to_string()),
        group: group_said(group),
        op: op.to_string(),
        left: tx.record(opened.row.id)?.map_or(0, |row| row.conflicts),
    })
}

/// The reason as a remark, in forms that take remarks.
fn remark(operator: Operator<'_>, opened: &Opened, decided: &Group, reason: &str) -> Result<Option<Write>, Failure> {
    remarked(operator, opened, &format!("Bentrok \"{}\" diputuskan", decided.label.id), reason)
}

fn remarked(operator: Operator<'_>, opened: &Opened, what: &str, reason: &str) -> Result<Option<Write>, Failure> {
    let remarks = opened.form.group_named("catatan").filter(|group| {
        opened.born.form == pengaduan::TAG && group.merge == MergeClass::Add && !reason.trim().is_empty()
    });
    let Some(remarks) = remarks else { return Ok(None) };
    let text = format!("{what}: {}", reason.trim());
    let values = work::afresh(opened, &[("catatan", &text), ("catatan_oleh", operator.name)])?;
    work::write(opened, remarks, values).map(Some)
}
