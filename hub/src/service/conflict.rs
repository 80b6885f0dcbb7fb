//! Conflicts: values that were written side by side by people who did not know of each other. Nothing waits for the
//! decision, and nothing is lost by it: a decision is an op that takes the place of all of them, and it stays in the
//! history who wrote what.

use kentongan_host::{Exit, Failure, moment};
use kentongan_protocol::form::builtin::pengaduan;
use kentongan_protocol::form::{Group, MergeClass};
use kentongan_protocol::ids::OpId;
use kentongan_protocol::merge::{Candidate, GroupView};
use kentongan_protocol::op::Write;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::record::{Opened, Operator, Said, office_of, open, opened};
use super::view::{Authors, GroupDocument, group_said, groups};
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
    /// The values and who wrote them.
    Show {
        /// Which.
        record: String,
    },
    /// Decides one.
    Resolve {
        /// In which record.
        record: String,
        /// In which group, by name or number; not needed if there is only one conflict.
        group: Option<String>,
        /// Whose value: `office`, `hub`, `proposal` (the one shown), its number in [`Request::Show`], or one of its ops.
        /// Empty if `values` says it.
        take: String,
        /// Another value: names of fields and their values as files have them.
        #[serde(default)]
        values: Vec<(String, String)>,
        /// Why; kept in the record.
        reason: String,
    },
}

/// The answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To [`Request::List`].
    List(List),
    /// To [`Request::Show`].
    Show(Show),
    /// To [`Request::Resolve`].
    Resolved(Resolved),
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
    /// The groups in conflict, with their values.
    pub conflicts: Vec<GroupDocument>,
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
        Request::Show { record } => show(tx, operator, record).map(Answer::Show),
        Request::Resolve { record, group, take, values, reason } => {
            let opened = open(tx, record)?;
            let group = in_conflict(tx, &opened, group.as_deref())?;
            let values = chosen(tx, operator, &opened, group, take, values)?;
            resolve(tx, operator, &opened, group, values, reason).map(Answer::Resolved)
        }
    }
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

fn show(tx: &mut dyn Tx, operator: Operator<'_>, record: &str) -> Result<Show, Failure> {
    let opened = open(tx, record)?;
    let mut all = groups(tx, &mut Authors::new(operator), &opened)?;
    all.retain(|group| group.conflict_since.is_some());
    Ok(Show {
        id: opened.row.id.to_string(),
        code: opened.born.code.map(|code| code.to_string()),
        office: opened.born.office.to_string(),
        conflicts: all,
    })
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
    let left = tx.record(opened.row.id)?.map_or(0, |row| row.conflicts);
    Ok(Resolved {
        id: opened.row.id.to_string(),
        code: opened.born.code.map(|code| code.to_string()),
        group: group_said(group),
        op: op.to_string(),
        left,
    })
}

/// The reason as a remark, in forms that take remarks.
fn remark(operator: Operator<'_>, opened: &Opened, decided: &Group, reason: &str) -> Result<Option<Write>, Failure> {
    let remarks = opened.form.group_named("catatan").filter(|group| {
        opened.born.form == pengaduan::TAG && group.merge == MergeClass::Add && !reason.trim().is_empty()
    });
    let Some(remarks) = remarks else { return Ok(None) };
    let text = format!("Bentrok \"{}\" diputuskan: {}", decided.label.id, reason.trim());
    let values = work::afresh(opened, &[("catatan", &text), ("catatan_oleh", operator.name)])?;
    work::write(opened, remarks, values).map(Some)
}
