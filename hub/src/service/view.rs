//! A record as people look at it: what stands in each group, who wrote what and when, who has it.

use std::collections::BTreeMap;

use kentongan_host::{Lang, moment};
use kentongan_protocol::form::builtin::pengaduan;
use kentongan_protocol::form::{Field, FieldTag, Form, Group, GroupTag, Privacy, Value};
use kentongan_protocol::ids::{LogId, OpId, RecordId};
use kentongan_protocol::log::LogHead;
use kentongan_protocol::merge::{Candidate, GroupView, Written};
use kentongan_protocol::op::Op;
use kentongan_protocol::sealed;
use serde::{Deserialize, Serialize};

use super::deadline::{Due, shown};
use super::record::{Answered, Opened, Operator, Said, Times, When, answers};
use crate::store::{OpState, Result, StoreError, StoredOp, Tx};

/// A record in full.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// Its id.
    pub id: String,
    /// Its receipt code.
    pub code: Option<String>,
    /// Its form.
    pub form: Said,
    /// The office it belongs to.
    pub office: String,
    /// Other offices that see it.
    pub shared_with: Vec<String>,
    /// Where the work on it stands.
    pub status: Option<Said>,
    /// When the hub received its first op.
    #[serde(with = "moment")]
    pub received_at: i64,
    /// What is due of it; only of an open complaint that was asked for by itself.
    #[serde(default)]
    pub due: Option<Due>,
    /// Statuses that it can go to from here; only of a complaint that was asked for by itself.
    #[serde(default)]
    pub next: Vec<Said>,
    /// Its groups, in the order of the form; those without anything are left out.
    pub groups: Vec<GroupDocument>,
    /// Everything that was written to it, in hybrid order.
    pub history: Vec<Event>,
    /// Installations that wrote to it.
    pub replicas: Vec<String>,
}

/// A group of fields.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupDocument {
    /// What it is called.
    pub group: Said,
    /// Since when values stand side by side here, if they do.
    #[serde(with = "moment::option")]
    pub conflict_since: Option<i64>,
    /// What stood in it before those values were written, if they have that in common.
    #[serde(default)]
    pub base: Option<Standing>,
    /// What stands in it: one value, the entries of a growing group, or the values of a conflict, the shown one first.
    pub values: Vec<Standing>,
}

/// A value that stands in a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// Its number in the group, from 1.
    pub number: u32,
    /// The ops that say so, the latest first.
    pub ops: Vec<String>,
    /// Who wrote it last.
    pub by: Author,
    /// The fields.
    pub answers: Vec<Answered>,
}

/// Who wrote something, where, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Author {
    /// The person.
    pub name: String,
    /// The office, or the one that the hub wrote for.
    pub office: String,
    /// The installation.
    pub replica: String,
    /// Whether the hub wrote it.
    pub at_hub: bool,
    /// When.
    pub when: When,
}

/// Something that was written to a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The op.
    pub op: String,
    /// Who wrote it, where, and when.
    pub by: Author,
    /// When the hub received it.
    #[serde(with = "moment")]
    pub received_at: i64,
    /// `merged`, `waiting`, `quarantined` or `discarded`.
    pub state: String,
    /// Why it is kept aside, if it is.
    pub reason: Option<Said>,
    /// The groups that it writes, with their fields.
    pub writes: Vec<EventWrite>,
}

/// What an op writes to a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventWrite {
    /// The group.
    pub group: Said,
    /// The fields.
    pub answers: Vec<Answered>,
}

/// Heads of the logs that a record's ops are of, and the runs to date them by.
pub(crate) struct Authors<'a> {
    hub: Operator<'a>,
    heads: BTreeMap<LogId, LogHead>,
    times: Times,
}

impl<'a> Authors<'a> {
    pub(crate) fn new(hub: Operator<'a>) -> Self {
        Authors { hub, heads: BTreeMap::new(), times: Times::default() }
    }

    pub(crate) fn head(&mut self, tx: &mut dyn Tx, log: LogId) -> Result<LogHead> {
        if let Some(head) = self.heads.get(&log) {
            return Ok(head.clone());
        }
        let head = tx.log(log)?.ok_or(StoreError::Damaged("an op without its log"))?.head;
        self.heads.insert(log, head.clone());
        Ok(head)
    }

    pub(crate) fn of(&mut self, tx: &mut dyn Tx, id: OpId, name: &str, elapsed_ms: u64) -> Result<Author> {
        let head = self.head(tx, id.log)?;
        Ok(Author {
            name: name.to_owned(),
            office: head.office().to_string(),
            replica: head.replica().to_string(),
            at_hub: head.replica() == self.hub.hub.replica(),
            when: self.times.at(tx, &head, elapsed_ms)?,
        })
    }

    fn written(&mut self, tx: &mut dyn Tx, id: OpId, written: &Written) -> Result<Author> {
        self.of(tx, id, &written.author, written.elapsed_ms)
    }
}

/// The whole record.
pub(crate) fn document(tx: &mut dyn Tx, operator: Operator<'_>, opened: &Opened) -> Result<Document> {
    let mut authors = Authors::new(operator);
    let Opened { row, born, form, .. } = opened;
    let groups = groups(tx, &mut authors, opened)?;
    let history = history(tx, &mut authors, form, row.id)?;
    let mut replicas: Vec<String> = history.iter().map(|event| event.by.replica.clone()).collect();
    replicas.sort_unstable();
    replicas.dedup();
    Ok(Document {
        id: row.id.to_string(),
        code: born.code.map(|code| code.to_string()),
        form: Said { code: form.name.clone(), id: form.label.id.clone(), en: form.label.en.clone() },
        office: born.office.to_string(),
        shared_with: tx.shared_with(row.id)?.iter().map(ToString::to_string).collect(),
        status: row.status.and_then(|status| status_said(form, status)),
        received_at: row.received_ms,
        due: None,
        next: Vec::new(),
        groups,
        history,
        replicas,
    })
}

/// Takes out who people are, and the content of a confidential complaint: what is left may be read without leaving a trace.
pub(crate) fn mask(document: &mut Document, opened: &Opened) {
    let hidden = Hidden::of(opened);
    document.groups.iter_mut().for_each(|group| hidden.mask_group(group));
    for write in document.history.iter_mut().flat_map(|event| &mut event.writes) {
        hidden.mask(&mut write.answers);
    }
}

/// What of a record is shown only to those who say that they read it.
pub(crate) struct Hidden {
    form: &'static Form,
    is_confidential: bool,
}

impl Hidden {
    pub(crate) fn of(opened: &Opened) -> Hidden {
        Hidden { form: opened.form, is_confidential: is_confidential(opened) }
    }

    pub(crate) fn hides(&self, field: &Field) -> bool {
        match field.privacy {
            Privacy::Identity => true,
            Privacy::Internal => self.is_confidential && CONTENT.contains(&field.group),
            Privacy::Public => false,
        }
    }

    pub(crate) fn mask(&self, answers: &mut [Answered]) {
        for answer in answers {
            if self.form.field_named(&answer.field.code).is_none_or(|field| self.hides(field)) {
                answer.hide();
            }
        }
    }

    pub(crate) fn mask_group(&self, group: &mut GroupDocument) {
        for standing in group.values.iter_mut().chain(&mut group.base) {
            self.mask(&mut standing.answers);
        }
    }

    /// Whether something of a group is hidden.
    pub(crate) fn hides_of(&self, group: &Group) -> bool {
        self.form.fields.iter().any(|field| field.group == group.tag && self.hides(field))
    }
}

/// Groups of a complaint that say what happened, in the citizen's words.
const CONTENT: [GroupTag; 4] =
    [pengaduan::group::URAIAN, pengaduan::group::KEJADIAN, pengaduan::group::PERMINTAAN, pengaduan::group::BIAYA];

/// Whether the citizen asked for the content to be kept to few.
pub(crate) fn is_confidential(opened: &Opened) -> bool {
    sealed::is_confidential(&opened.record)
}

/// The choice that stands in a field of a complaint, in words.
pub(crate) fn choice_said(opened: &Opened, group: GroupTag, field: FieldTag) -> Option<Said> {
    if opened.born.form != pengaduan::TAG {
        return None;
    }
    let choice = shown(opened, group, field).and_then(Value::choice)?;
    opened.form.field(field)?.choice(choice).map(Said::from)
}

/// What a status is called.
pub(crate) fn status_said(form: &Form, status: u16) -> Option<Said> {
    let stage = form.groups.iter().find(|group| group.merge == kentongan_protocol::form::MergeClass::Stage)?;
    form.ordering_field(stage.tag)?.choice(status).map(Said::from)
}

/// The groups of a record in which something stands.
pub(crate) fn groups(tx: &mut dyn Tx, authors: &mut Authors<'_>, opened: &Opened) -> Result<Vec<GroupDocument>> {
    let conflicts = tx.conflicts_of(opened.row.id)?;
    let since = |tag: GroupTag| conflicts.iter().find(|conflict| conflict.group == tag).map(|c| c.since_ms);
    let mut all = Vec::new();
    for group in &opened.form.groups {
        let values = match GroupView::of(&opened.record, opened.form, group) {
            GroupView::Empty => continue,
            GroupView::One(candidate) => standing(tx, authors, opened.form, &[candidate])?,
            GroupView::Conflict(candidates) => standing(tx, authors, opened.form, &candidates)?,
            GroupView::Entries(entries) => {
                let entries: Vec<Candidate<'_>> =
                    entries.into_iter().map(|(id, written)| Candidate { ops: vec![id], written }).collect();
                standing(tx, authors, opened.form, &entries)?
            }
        };
        all.push(GroupDocument { group: group_said(group), conflict_since: since(group.tag), base: None, values });
    }
    Ok(all)
}

/// What a group is called.
pub(crate) fn group_said(group: &Group) -> Said {
    Said { code: group.name.clone(), id: group.label.id.clone(), en: group.label.en.clone() }
}

fn standing(
    tx: &mut dyn Tx,
    authors: &mut Authors<'_>,
    form: &Form,
    candidates: &[Candidate<'_>],
) -> Result<Vec<Standing>> {
    let mut values = Vec::with_capacity(candidates.len());
    for (candidate, number) in candidates.iter().zip(1..) {
        let Some(latest) = candidate.ops.first() else { continue };
        values.push(Standing {
            number,
            ops: candidate.ops.iter().map(ToString::to_string).collect(),
            by: authors.written(tx, *latest, candidate.written)?,
            answers: answers(form, &candidate.written.values),
        });
    }
    Ok(values)
}

/// All ops of a record that can be read, in hybrid order.
fn history(tx: &mut dyn Tx, authors: &mut Authors<'_>, form: &Form, record: RecordId) -> Result<Vec<Event>> {
    let mut ops = Vec::new();
    for stored in tx.ops_of(record)? {
        if let Ok(op) = stored.op() {
            ops.push((op, stored));
        }
    }
    ops.sort_by_key(|(op, stored)| (op.hlc, stored.id));
    ops.iter().map(|(op, stored)| event(tx, authors, form, op, stored)).collect()
}

/// One op of a record.
pub(crate) fn event(
    tx: &mut dyn Tx,
    authors: &mut Authors<'_>,
    form: &Form,
    op: &Op,
    stored: &StoredOp,
) -> Result<Event> {
    let writes = op.writes.iter().filter_map(|write| {
        let group = group_said(form.group(write.group)?);
        Some(EventWrite { group, answers: answers(form, &write.values) })
    });
    Ok(Event {
        op: stored.id.to_string(),
        by: authors.of(tx, stored.id, &op.author, op.elapsed_ms)?,
        received_at: stored.received_ms,
        state: state_name(stored.state).to_owned(),
        reason: reason_said(stored.state),
        writes: writes.collect(),
    })
}

/// Stable name of what became of an op.
pub(crate) fn state_name(state: OpState) -> &'static str {
    match state {
        OpState::Merged => "merged",
        OpState::Waiting => "waiting",
        OpState::Quarantined(_) => "quarantined",
        OpState::Discarded(_) => "discarded",
    }
}

/// Why an op is kept aside, in words.
pub(crate) fn reason_said(state: OpState) -> Option<Said> {
    use kentongan_protocol::judge::Quarantine;
    let (OpState::Quarantined(reason) | OpState::Discarded(reason)) = state else { return None };
    let code = match reason {
        Quarantine::Unreadable => "unreadable",
        Quarantine::UnknownForm => "unknown_form",
        Quarantine::ForeignRecord => "foreign_record",
        Quarantine::Closed => "closed",
        Quarantine::Sealed => "sealed",
    };
    let (id, en) = (reason.sentence(Lang::Id).to_owned(), reason.sentence(Lang::En).to_owned());
    Some(Said { code: code.to_owned(), id, en })
}
