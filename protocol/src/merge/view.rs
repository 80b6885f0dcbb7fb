//! What people see of a group, by the merge class that the form gives it.

use std::collections::BTreeMap;

use crate::form::{FieldTag, Form, Group, GroupTag, MergeClass, Value};
use crate::ids::OpId;
use crate::planted::{self, Defect};

use super::record::{GroupState, Record, Written};

/// One value that stands in a group, and the writes that say so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate<'a> {
    /// The ops that wrote it, the latest first.
    pub ops: Vec<OpId>,
    /// The latest of those writes.
    pub written: &'a Written,
}

/// State of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupView<'a> {
    /// Nothing stands in it.
    Empty,
    /// One value.
    One(Candidate<'a>),
    /// A growing set, in hybrid order.
    Entries(Vec<(OpId, &'a Written)>),
    /// Different values side by side: a person must decide. The first is the one shown meanwhile: the latest by hybrid
    /// time, then by the op's name. That rule only chooses what is displayed, never what survives.
    Conflict(Vec<Candidate<'a>>),
}

impl<'a> GroupView<'a> {
    /// State of `group` in `record`.
    pub fn of(record: &'a Record, form: &Form, group: &Group) -> GroupView<'a> {
        let Some(state) = record.group(group.tag) else { return GroupView::Empty };
        match group.merge {
            MergeClass::Fixed => match state.write(record.id.0) {
                Some(written) => GroupView::One(Candidate { ops: vec![record.id.0], written }),
                None => GroupView::Empty,
            },
            MergeClass::Add => GroupView::Entries(in_hybrid_order(state.writes())),
            MergeClass::Strictest => strictest(state, form, group.tag),
            MergeClass::Stage => stage(state, form, group.tag),
            MergeClass::Register => distinct(state.heads()),
        }
    }

    /// The values to display: those that stand, or the first of a conflict.
    pub fn shown(&self) -> Option<&'a BTreeMap<FieldTag, Value>> {
        match self {
            GroupView::One(candidate) => Some(&candidate.written.values),
            GroupView::Conflict(candidates) => candidates.first().map(|candidate| &candidate.written.values),
            GroupView::Empty | GroupView::Entries(_) => None,
        }
    }

    /// The displayed values with some of them changed or, with `None`, emptied: what a form sends back when a person
    /// changes a field of the group.
    pub fn with_changes(
        &self,
        changes: impl IntoIterator<Item = (FieldTag, Option<Value>)>,
    ) -> BTreeMap<FieldTag, Value> {
        let mut values = self.shown().cloned().unwrap_or_default();
        for (tag, value) in changes {
            match value {
                Some(value) => values.insert(tag, value),
                None => values.remove(&tag),
            };
        }
        values
    }

    /// The ops that a write made in sight of this view replaces.
    pub fn heads(&self) -> Vec<OpId> {
        match self {
            GroupView::Empty | GroupView::Entries(_) => Vec::new(),
            GroupView::One(candidate) => candidate.ops.clone(),
            GroupView::Conflict(candidates) => candidates.iter().flat_map(|c| c.ops.iter().copied()).collect(),
        }
    }
}

/// The groups of a record in which values stand side by side.
pub fn record_conflicts<'a>(record: &'a Record, form: &Form) -> Vec<(GroupTag, Vec<Candidate<'a>>)> {
    form.groups
        .iter()
        .filter_map(|group| match GroupView::of(record, form, group) {
            GroupView::Conflict(candidates) => Some((group.tag, candidates)),
            _ => None,
        })
        .collect()
}

/// The cycle that a new write of `values` to a stage group belongs to: the present one if it goes forward or rewrites
/// the stage that stands, the next one if it goes back.
pub fn next_cycle(record: &Record, form: &Form, group: &Group, values: &BTreeMap<FieldTag, Value>) -> u32 {
    let Some(furthest) = record.group(group.tag).and_then(|state| furthest(state, form, group.tag)) else { return 0 };
    if rank(form, group.tag, values) < furthest.1 { furthest.0.saturating_add(1) } else { furthest.0 }
}

/// Place of these values in the group's order; 0 if the ordering field is empty or its choice unknown.
fn rank(form: &Form, group: GroupTag, values: &BTreeMap<FieldTag, Value>) -> u16 {
    let Some(field) = form.ordering_field(group) else { return 0 };
    match values.get(&field.tag) {
        Some(Value::One(choice)) => field.choice(*choice).map_or(0, |choice| choice.rank),
        _ => 0,
    }
}

fn strictest<'a>(state: &'a GroupState, form: &Form, group: GroupTag) -> GroupView<'a> {
    let best = state.writes().map(|(_, written)| rank(form, group, &written.values)).max();
    let strictest = state.writes().filter(|(_, written)| Some(rank(form, group, &written.values)) == best);
    match latest_first(strictest).into_iter().next() {
        Some((id, written)) => GroupView::One(Candidate { ops: vec![id], written }),
        None => GroupView::Empty,
    }
}

fn furthest(state: &GroupState, form: &Form, group: GroupTag) -> Option<(u32, u16)> {
    state.writes().map(|(_, written)| (written.cycle, rank(form, group, &written.values))).max()
}

fn stage<'a>(state: &'a GroupState, form: &Form, group: GroupTag) -> GroupView<'a> {
    let best = furthest(state, form, group);
    let at_best = |written: &Written| Some((written.cycle, rank(form, group, &written.values))) == best;
    let mut standing: Vec<_> = state.heads().filter(|(_, written)| at_best(written)).collect();
    if standing.is_empty() {
        // Everything at the furthest point was replaced by something less far: rank rules, the writes stand.
        standing = state.writes().filter(|(_, written)| at_best(written)).collect();
    }
    distinct(standing.into_iter())
}

/// One candidate for each different value, the latest first.
fn distinct<'a>(writes: impl Iterator<Item = (OpId, &'a Written)>) -> GroupView<'a> {
    let mut candidates: Vec<Candidate<'a>> = Vec::new();
    let mut places: BTreeMap<&BTreeMap<FieldTag, Value>, usize> = BTreeMap::new();
    for (id, written) in latest_first(writes) {
        let place = *places.entry(&written.values).or_insert(candidates.len());
        match candidates.get_mut(place) {
            Some(candidate) => candidate.ops.push(id),
            None => candidates.push(Candidate { ops: vec![id], written }),
        }
    }
    if planted::active(Defect::SiblingDropped) {
        candidates.truncate(1);
    }
    match candidates.len() {
        0 => GroupView::Empty,
        1 => GroupView::One(candidates.remove(0)),
        _ => GroupView::Conflict(candidates),
    }
}

fn in_hybrid_order<'a>(writes: impl Iterator<Item = (OpId, &'a Written)>) -> Vec<(OpId, &'a Written)> {
    let mut writes: Vec<_> = writes.collect();
    writes.sort_by_key(|(id, written)| (written.hlc, *id));
    writes
}

fn latest_first<'a>(writes: impl Iterator<Item = (OpId, &'a Written)>) -> Vec<(OpId, &'a Written)> {
    let mut writes = in_hybrid_order(writes);
    writes.reverse();
    writes
}
