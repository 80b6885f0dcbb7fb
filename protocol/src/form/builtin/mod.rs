//! The forms that ship in the binary.
//!
//! To change one: add groups, fields and choices with new numbers, and raise the form's version. Never reuse a number,
//! never change a type, and never narrow a limit: records written under every earlier version must still fit.

pub mod moves;
pub mod pengaduan;
pub mod skm;
pub mod suara;

use std::sync::LazyLock;

use super::{
    Asked, Choice, ChoiceTag, Field, FieldTag, FieldType, Form, FormTag, Group, GroupTag, Label, MergeClass, Pattern,
    Privacy, Relevant,
};
use crate::next;

static FORMS: LazyLock<Vec<Form>> = LazyLock::new(|| vec![pengaduan::form(), skm::form(), suara::form()]);

/// All built-in forms.
pub fn all() -> &'static [Form] {
    if next::active() { next::forms(&FORMS) } else { &FORMS }
}

/// The built-in form with this number.
pub fn by_tag(tag: FormTag) -> Option<&'static Form> {
    all().iter().find(|form| form.tag == tag)
}

/// The built-in form with this name.
pub fn by_name(name: &str) -> Option<&'static Form> {
    all().iter().find(|form| form.name == name)
}

/// A group with its fields, as the definitions below write it down.
struct Section {
    group: Group,
    fields: Vec<Question>,
}

/// A field whose group follows from the section it stands in. Optional and for staff, unless it says otherwise.
struct Question(Field);

fn label(id: &str, en: &str) -> Label {
    Label { id: id.to_owned(), en: en.to_owned() }
}

fn section(tag: GroupTag, name: &str, merge: MergeClass, id: &str, en: &str) -> Section {
    let group = Group { tag, name: name.to_owned(), label: label(id, en), merge, asked: Asked::AtEntry };
    Section { group, fields: Vec::new() }
}

impl Section {
    fn asks(mut self, question: Question) -> Self {
        self.fields.push(question);
        self
    }

    /// The group belongs to the work on the record.
    fn later(mut self) -> Self {
        self.group.asked = Asked::Later;
        self
    }
}

/// Groups and fields of a form from its sections.
fn assemble(sections: Vec<Section>) -> (Vec<Group>, Vec<Field>) {
    let mut groups = Vec::new();
    let mut fields = Vec::new();
    for section in sections {
        fields.extend(section.fields.into_iter().map(|Question(field)| Field { group: section.group.tag, ..field }));
        groups.push(section.group);
    }
    (groups, fields)
}

fn question(tag: FieldTag, name: &str, kind: FieldType, id: &str, en: &str) -> Question {
    let (name, label) = (name.to_owned(), label(id, en));
    Question(Field { tag, name, label, kind, group: 0, required: false, privacy: Privacy::Internal, relevant: None })
}

impl Question {
    fn required(mut self) -> Self {
        self.0.required = true;
        self
    }

    fn private(mut self, privacy: Privacy) -> Self {
        self.0.privacy = privacy;
        self
    }

    fn relevant(mut self, field: FieldTag, is: &[ChoiceTag]) -> Self {
        self.0.relevant = Some(Relevant { field, is: is.to_vec() });
        self
    }
}

fn text(chars_max: u32) -> FieldType {
    FieldType::Text { chars_max, pattern: Pattern::Any }
}

/// A one-of field; the choices are number, code, label and rank 0.
fn one<const N: usize>(choices: [(ChoiceTag, &str, &str, &str); N]) -> FieldType {
    FieldType::One(choices.map(|(tag, code, id, en)| choice(tag, code, label(id, en), 0)).into())
}

/// A one-of field whose choices have an order; the last number is the rank.
fn ranked<const N: usize>(choices: [(ChoiceTag, &str, &str, &str, u16); N]) -> FieldType {
    FieldType::One(choices.map(|(tag, code, id, en, rank)| choice(tag, code, label(id, en), rank)).into())
}

fn choice(tag: ChoiceTag, code: &str, label: Label, rank: u16) -> Choice {
    Choice { tag, code: code.to_owned(), label, rank }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fmt::Debug;

    use super::*;
    use crate::ids::Lane;

    fn assert_unique<T: Ord + Debug>(what: &str, items: impl IntoIterator<Item = T>) {
        let mut seen = BTreeSet::new();
        for item in items {
            assert!(!seen.contains(&item), "{what}: {item:?} twice");
            seen.insert(item);
        }
    }

    fn assert_name(name: &str) {
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        assert!(!name.is_empty() && name.bytes().all(fits), "{name:?} is not ASCII snake_case");
    }

    fn assert_labelled(name: &str, label: &Label) {
        for text in [&label.id, &label.en] {
            assert!(!text.is_empty() && text.trim() == text, "{name}: a label is missing or untidy");
            // A record waits or has arrived at the hub; this word promises more than anybody knows.
            assert!(!text.to_lowercase().contains(concat!("ter", "kirim")), "{name}: {text}");
        }
    }

    #[test]
    fn numbers_and_names_are_unique_where_they_must_be() {
        assert_unique("form", all().iter().map(|form| form.tag));
        assert_unique("form", all().iter().map(|form| &form.name));
        for form in all() {
            assert_unique(&form.name, form.groups.iter().map(|group| group.tag));
            assert_unique(&form.name, form.groups.iter().map(|group| &group.name));
            assert_unique(&form.name, form.fields.iter().map(|field| field.tag));
            assert_unique(&form.name, form.fields.iter().map(|field| &field.name));
            for field in &form.fields {
                assert_unique(&field.name, field.choices().iter().map(|choice| choice.tag));
                assert_unique(&field.name, field.choices().iter().map(|choice| &choice.code));
                for text in [|label: &Label| label.id.clone(), |label: &Label| label.en.clone()] {
                    assert_unique(&field.name, field.choices().iter().map(|choice| text(&choice.label)));
                }
            }
        }
    }

    #[test]
    fn everything_has_a_stable_name_and_a_label_in_both_languages() {
        for form in all() {
            let groups = form.groups.iter().map(|group| (&group.name, &group.label));
            let fields = form.fields.iter().map(|field| (&field.name, &field.label));
            let choices = form.fields.iter().flat_map(Field::choices).map(|choice| (&choice.code, &choice.label));
            for (name, label) in groups.chain(fields).chain(choices).chain([(&form.name, &form.label)]) {
                assert_name(name);
                assert_labelled(name, label);
            }
        }
    }

    #[test]
    fn every_field_belongs_to_a_group_and_every_group_has_fields() {
        for form in all() {
            for field in &form.fields {
                assert!(form.group(field.group).is_some(), "{}", field.name);
                if let Some(relevant) = &field.relevant {
                    let decider = form.field(relevant.field).unwrap();
                    assert!(matches!(decider.kind, FieldType::One(_)), "{}", field.name);
                    assert!(relevant.is.iter().all(|tag| decider.choice(*tag).is_some()), "{}", field.name);
                }
                if let FieldType::One(choices) | FieldType::Many(choices) = &field.kind {
                    assert!(!choices.is_empty(), "{}", field.name);
                }
            }
            for group in &form.groups {
                assert!(form.fields_of(group.tag).next().is_some(), "{}", group.name);
            }
        }
    }

    #[test]
    fn every_ordered_group_has_a_field_with_ranks_that_rise() {
        for form in all() {
            let ordered = |group: &&Group| matches!(group.merge, MergeClass::Strictest | MergeClass::Stage);
            for group in form.groups.iter().filter(ordered) {
                let field = form.ordering_field(group.tag).expect("an ordered group needs a one-of field");
                let ranks: Vec<u16> = field.choices().iter().map(|choice| choice.rank).collect();
                assert!(ranks.iter().all(|rank| *rank > 0), "{}", group.name);
                // Reopening starts the next cycle, so its rank may stand with the first.
                let first_cycle: Vec<u16> = match group.merge {
                    MergeClass::Stage => ranks[..ranks.len() - 1].to_vec(),
                    _ => ranks,
                };
                assert!(first_cycle.windows(2).all(|pair| pair[0] < pair[1]), "{}", group.name);
            }
        }
    }

    #[test]
    fn forms_are_found_by_number_and_name() {
        let complaint = by_tag(pengaduan::TAG).unwrap();
        assert_eq!((complaint.name.as_str(), complaint.lane, complaint.receipt), ("pengaduan", Lane::Case, true));
        let survey = by_name("skm").unwrap();
        assert_eq!((survey.tag, survey.lane, survey.receipt), (skm::TAG, Lane::Survey, false));
        assert_eq!(by_tag(999), None);
        assert_eq!(by_name("Pengaduan"), None);
    }
}
