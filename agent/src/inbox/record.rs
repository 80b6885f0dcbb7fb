//! A row as a record: typed by its form and checked, or refused with reasons.

use std::collections::BTreeMap;

use kentongan_host::Lang;
use kentongan_protocol::form::{Fault, FieldTag, FieldType, Form, GroupTag, Reason, Value, check_create};
use kentongan_protocol::limits::{NAME_BYTES_MAX, OP_BYTES_MAX};

use super::dates::Dates;
use super::mapping::FormPlan;
use super::row::Row;
use crate::entry::NewRecord;

/// Most bytes of text in one record: what an op carries, less what stands around the texts.
const RECORD_TEXT_BYTES_MAX: usize = OP_BYTES_MAX - 4096;

/// Why a row was not taken: names of fields, and words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reasons {
    /// Names of the fields, each once; empty if the row as a whole is wrong.
    pub(super) fields: Vec<String>,
    /// One sentence for each thing that is wrong.
    pub(super) sentences: Vec<String>,
}

impl Reasons {
    /// A reason that belongs to no field.
    pub(super) fn of_the_row(sentence: impl Into<String>) -> Reasons {
        Reasons { fields: Vec::new(), sentences: vec![sentence.into()] }
    }
}

/// The record that a row makes.
pub(super) fn record_of(
    plan: &FormPlan,
    row: &Row,
    dates: &Dates,
    author: &str,
    lang: Lang,
) -> Result<NewRecord, Reasons> {
    let form = plan.form;
    let mut writes: Vec<(GroupTag, BTreeMap<FieldTag, Value>)> = Vec::new();
    let mut faults = Vec::new();
    for slot in &plan.slots {
        let field = slot.field();
        match slot.read(row, dates) {
            Ok(None) => {}
            Ok(Some(value)) => match writes.last_mut() {
                Some((group, values)) if *group == field.group => {
                    values.insert(field.tag, value);
                }
                _ => writes.push((field.group, BTreeMap::from([(field.tag, value)]))),
            },
            Err(reason) => faults.push(Fault { field: Some(field.tag), group: Some(field.group), reason }),
        }
    }
    let read: Vec<(GroupTag, &BTreeMap<FieldTag, Value>)> =
        writes.iter().map(|(group, values)| (*group, values)).collect();
    // A cell that could not be read is not also missing.
    let unread = |fault: &Fault| !faults.iter().any(|other: &Fault| other.field == fault.field);
    let mut checked: Vec<Fault> = check_create(form, form.version, &read).into_iter().filter(unread).collect();
    checked.extend(carried(form, &writes));
    faults.append(&mut checked);
    if !faults.is_empty() {
        return Err(reasons(form, &faults, lang));
    }
    if text_bytes(&writes) > RECORD_TEXT_BYTES_MAX {
        return Err(Reasons::of_the_row(match lang {
            Lang::Id => "Semua isian bersama-sama terlalu panjang untuk satu catatan.",
            Lang::En => "All fields together are too long for one record.",
        }));
    }
    Ok(NewRecord { form: form.tag, author: author.to_owned(), writes })
}

/// Names of persons that are longer than an op carries.
fn carried<'w>(
    form: &'w Form,
    writes: &'w [(GroupTag, BTreeMap<FieldTag, Value>)],
) -> impl Iterator<Item = Fault> + use<'w> {
    writes.iter().flat_map(|(group, values)| values.iter().map(|(tag, value)| (*group, *tag, value))).filter_map(
        |(group, tag, value)| {
            let is_person = form.field(tag).is_some_and(|field| field.kind == FieldType::Person);
            let Value::Person(name) = value else { return None };
            let [max, actual] = [NAME_BYTES_MAX, name.len()].map(|count| u32::try_from(count).unwrap_or(u32::MAX));
            let reason = Reason::TooLong { max, actual };
            (is_person && actual > max).then_some(Fault { field: Some(tag), group: Some(group), reason })
        },
    )
}

fn text_bytes(writes: &[(GroupTag, BTreeMap<FieldTag, Value>)]) -> usize {
    let bytes = |value: &Value| match value {
        Value::Text(text) | Value::Person(text) | Value::Area(text) => text.len(),
        _ => 16,
    };
    writes.iter().flat_map(|(_, values)| values.values()).map(bytes).sum()
}

fn reasons(form: &Form, faults: &[Fault], lang: Lang) -> Reasons {
    let mut fields: Vec<String> = Vec::new();
    for fault in faults {
        let name = match (fault.field, fault.group) {
            (Some(tag), _) => form.field(tag).map(|field| &field.name),
            (None, Some(tag)) => form.group(tag).map(|group| &group.name),
            (None, None) => None,
        };
        if let Some(name) = name.filter(|name| !fields.contains(name)) {
            fields.push(name.clone());
        }
    }
    Reasons { fields, sentences: faults.iter().map(|fault| fault.sentence(form, lang)).collect() }
}
