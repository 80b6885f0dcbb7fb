//! What lists need to know of a record without opening it.

use kentongan_protocol::form::{
    ChoiceTag, FieldTag, FieldType, Form, FormTag, GroupTag, MergeClass, Privacy, Value, builtin,
};
use kentongan_protocol::merge::{GroupView, Record, record_conflicts};
use kentongan_protocol::op::Op;

/// Characters of a summary.
const SUMMARY_CHARS_MAX: usize = 160;

/// What lists need to know of a record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// The status that is shown.
    pub(crate) status: Option<ChoiceTag>,
    /// The beginning of its main text.
    pub(crate) summary: String,
    /// Groups in which values stand side by side.
    pub(crate) conflicts: Vec<GroupTag>,
}

/// Of a record that consists of its creating op alone: nothing can stand beside anything.
pub(crate) fn of_creation(form: FormTag, op: &Op) -> Facts {
    let Some(form) = builtin::by_tag(form) else { return Facts::default() };
    let value = |group: GroupTag, field: FieldTag| {
        let mut writes = op.writes.iter().rev().filter(|write| write.group == group);
        writes.next().and_then(|write| write.values.get(&field))
    };
    Facts {
        status: status_field(form).and_then(|(group, field)| value(group, field)).and_then(Value::choice),
        summary: summary_field(form).and_then(|(group, field)| value(group, field)).map(summary_of).unwrap_or_default(),
        conflicts: Vec::new(),
    }
}

/// Of a record as it stands.
pub(crate) fn of(form: &Form, record: &Record) -> Facts {
    let value = |(group, field): (GroupTag, FieldTag)| {
        let group = form.group(group)?;
        GroupView::of(record, form, group).shown().and_then(|values| values.get(&field))
    };
    Facts {
        status: status_field(form).and_then(value).and_then(Value::choice),
        summary: summary_field(form).and_then(value).map(summary_of).unwrap_or_default(),
        conflicts: record_conflicts(record, form).into_iter().map(|(group, _)| group).collect(),
    }
}

/// The field that says where the work stands: the one that orders the form's stage group.
fn status_field(form: &Form) -> Option<(GroupTag, FieldTag)> {
    let group = form.groups.iter().find(|group| group.merge == MergeClass::Stage)?;
    form.ordering_field(group.tag).map(|field| (group.tag, field.tag))
}

/// The main text: the first text that must be there, or else the first that anybody may read.
fn summary_field(form: &Form) -> Option<(GroupTag, FieldTag)> {
    let mut texts = form.fields.iter().filter(|field| matches!(field.kind, FieldType::Text { .. }));
    let required = texts.clone().find(|field| field.required);
    let field = required.or_else(|| texts.find(|field| field.privacy == Privacy::Public))?;
    Some((field.group, field.tag))
}

/// The first characters, on one line.
fn summary_of(value: &Value) -> String {
    let Value::Text(text) = value else { return String::new() };
    let end = text.char_indices().nth(SUMMARY_CHARS_MAX).map_or(text.len(), |(end, _)| end);
    let beginning = text.get(..end).unwrap_or_default();
    beginning.replace(|c: char| c != ' ' && c.is_whitespace(), " ")
}

#[cfg(test)]
mod tests {
    use kentongan_protocol::form::builtin::{pengaduan, skm};

    use super::*;

    #[test]
    fn a_complaint_is_summed_up_by_its_description_and_a_survey_by_its_service() {
        let complaint = builtin::by_tag(pengaduan::TAG).expect("built in");
        assert_eq!(status_field(complaint), Some((pengaduan::group::STATUS, pengaduan::status::FIELD)));
        assert_eq!(summary_field(complaint), Some((pengaduan::group::URAIAN, 21)));
        let survey = builtin::by_tag(skm::TAG).expect("built in");
        assert_eq!((status_field(survey), summary_field(survey)), (None, Some((skm::GROUP, 13))));
    }

    #[test]
    fn a_summary_is_one_short_line() {
        let long = format!("Wc kotor\nair {}", "é".repeat(500));
        let summary = summary_of(&Value::Text(long));
        assert!(summary.starts_with("Wc kotor air é"), "{summary}");
        assert_eq!(summary.chars().count(), SUMMARY_CHARS_MAX);
    }
}
