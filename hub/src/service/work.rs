//! Writing to a record from the hub: the checks that every such write passes, and the heads that it takes the place of.

use std::collections::BTreeMap;

use kentongan_host::{Exit, Failure, Ktg, Lang};
use kentongan_protocol::form::{self, Field, FieldTag, Form, Group, GroupTag, MergeClass, Value, check_write};
use kentongan_protocol::ids::OpId;
use kentongan_protocol::limits::NAME_BYTES_MAX;
use kentongan_protocol::merge::{GroupView, next_cycle};
use kentongan_protocol::op::Write;

use super::record::{Opened, Operator};
use crate::engine::WriteError;
use crate::store::Tx;

/// New values of a group, by field.
pub(crate) type Values = BTreeMap<FieldTag, Value>;

/// Texts by field name, as a person gave them. An empty text empties the field.
pub(crate) type Texts<'a> = [(&'a str, &'a str)];

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Failure {
        match error {
            WriteError::TooLarge(_) => Failure::of(Ktg::TooLarge).caused_by(error),
            WriteError::Store(error) => error.into(),
        }
    }
}

/// A group of the record's form.
pub(crate) fn group(opened: &Opened, tag: GroupTag) -> Result<&'static Group, Failure> {
    let missing = || {
        Failure::new(
            Exit::Failed,
            "Formulir catatan ini tidak punya bagian itu.",
            "The record's form has no such part.",
        )
    };
    opened.form.group(tag).ok_or_else(missing)
}

/// Values for a group from texts, on top of what is shown there now: a field that is not named stays as it is.
pub(crate) fn on_top(opened: &Opened, group: &Group, texts: &Texts<'_>) -> Result<Values, Failure> {
    let shown = GroupView::of(&opened.record, opened.form, group).shown().cloned();
    filled(opened, shown.unwrap_or_default(), texts)
}

/// Values for a group from texts alone.
pub(crate) fn afresh(opened: &Opened, texts: &Texts<'_>) -> Result<Values, Failure> {
    filled(opened, Values::new(), texts)
}

/// These values with texts on top of them.
pub(crate) fn filled(opened: &Opened, mut values: Values, texts: &Texts<'_>) -> Result<Values, Failure> {
    for (name, text) in texts {
        if text.trim().is_empty() {
            values.remove(&named(opened.form, name)?.tag);
            continue;
        }
        let (field, value) = parsed(opened.form, name, text)?;
        values.insert(field.tag, value);
    }
    Ok(values)
}

fn named<'f>(form: &'f Form, name: &str) -> Result<&'f Field, Failure> {
    form.field_named(name).ok_or_else(|| {
        Failure::usage(
            format!("Formulir ini tidak punya isian \"{name}\"."),
            format!("This form has no field \"{name}\"."),
        )
    })
}

/// The field of this name, and its value as a file has it.
pub(crate) fn parsed<'f>(form: &'f Form, name: &str, text: &str) -> Result<(&'f Field, Value), Failure> {
    let field = named(form, name)?;
    let value = Value::parse(field, text).map_err(|reason| {
        let fault = form::Fault { field: Some(field.tag), group: Some(field.group), reason };
        faults_said(form, &[fault])
    })?;
    Ok((field, value))
}

/// What does not hold, in sentences.
pub(crate) fn faults_said(form: &Form, faults: &[form::Fault]) -> Failure {
    let sentences = |lang| faults.iter().map(|fault| fault.sentence(form, lang)).collect::<Vec<_>>().join(" ");
    let words = Failure::new(Exit::Failed, sentences(Lang::Id), sentences(Lang::En));
    Failure::of(Ktg::InvalidField).with_detail(words.message)
}

/// A write of these values that takes the place of everything that stands in the group now.
pub(crate) fn write(opened: &Opened, group: &Group, values: Values) -> Result<Write, Failure> {
    if group.merge == MergeClass::Fixed {
        return Err(Failure::new(
            Exit::Failed,
            format!("Bagian \"{}\" tidak bisa diubah setelah disimpan.", group.label.id),
            format!("The part \"{}\" cannot be changed after saving.", group.label.en),
        ));
    }
    // What the group holds of a later version of the form is kept, so it is no fault of the person who edits.
    let faults = check_write(opened.form, opened.form.version.saturating_add(1), group.tag, &values);
    if !faults.is_empty() {
        return Err(faults_said(opened.form, &faults));
    }
    Ok(in_place(opened, group, values))
}

/// The same for values that stand in the record already: whether they fit the form was judged when they came.
pub(crate) fn in_place(opened: &Opened, group: &Group, values: Values) -> Write {
    let cycle = match group.merge {
        MergeClass::Stage => next_cycle(&opened.record, opened.form, group, &values),
        _ => 0,
    };
    let replaces = GroupView::of(&opened.record, opened.form, group).heads();
    Write { group: group.tag, replaces, cycle, values }
}

/// Writes one op with these writes.
pub(crate) fn commit(
    tx: &mut dyn Tx,
    operator: Operator<'_>,
    opened: &Opened,
    writes: Vec<Write>,
) -> Result<OpId, Failure> {
    let author = author(operator.name);
    Ok(operator.hub.change(tx, &opened.row, &opened.record, author, writes)?)
}

/// As much of a name as an op takes.
pub(crate) fn author(name: &str) -> &str {
    let mut end = name.len().min(NAME_BYTES_MAX);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.get(..end).unwrap_or_default()
}
