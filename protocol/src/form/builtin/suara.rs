//! The quick vote: one touch of a face at the kiosk, and one touch more if something disappointed.
//!
//! It is no survey. It asks nothing of the respondent, covers no element and knows nobody, so it never counts in the
//! satisfaction index: a form of its own keeps the two apart wherever records go.

use super::{Question, Section, assemble, label, one, question, section, text};
use crate::form::{ChoiceTag, FieldTag, FieldType, Form, FormTag, GroupTag, MergeClass};
use crate::ids::Lane;

/// Number of the form. Three is the made-up form's, which proofs of two versions side by side carry about.
pub const TAG: FormTag = 4;
/// Number of its only group.
pub const GROUP: GroupTag = 1;
/// The face. The number of a choice is its value, 1 to 4.
pub const FACE: FieldTag = 10;
/// What should get better first.
pub const ELEMENT: FieldTag = 11;
/// When the face was touched.
pub const AT: FieldTag = 12;
/// Whether it came so soon after the one before that one person may have touched both.
pub const HASTE: FieldTag = 13;
/// The choice that says so.
pub const HASTY: ChoiceTag = 1;
/// Which kiosk.
pub const PLACE: FieldTag = 14;

/// The definition.
pub(super) fn form() -> Form {
    let faces = one([
        (1, "1", "Tidak baik", "Bad"),
        (2, "2", "Kurang baik", "Not so good"),
        (3, "3", "Baik", "Good"),
        (4, "4", "Sangat baik", "Very good"),
    ]);
    // The keys are those of the survey's elements.
    let elements = one([
        (1, "persyaratan", "Persyaratan", "Requirements"),
        (2, "prosedur", "Prosedur", "Procedure"),
        (3, "waktu", "Waktu", "Time"),
        (4, "biaya", "Biaya", "Cost"),
        (5, "produk", "Hasil", "Result"),
        (6, "kompetensi", "Kemampuan petugas", "Competence"),
        (7, "perilaku", "Sikap petugas", "Courtesy"),
        (8, "pengaduan", "Pengaduan", "Complaints"),
        (9, "sarpras", "Tempat", "Facilities"),
        (10, "lainnya", "Lainnya", "Something else"),
    ]);
    let haste = one([(HASTY, "ya", "Ya", "Yes"), (2, "tidak", "Tidak", "No")]);
    let questions: [Question; 5] = [
        question(FACE, "nilai", faces, "Nilai", "Vote").required(),
        question(ELEMENT, "perbaiki", elements, "Yang paling perlu diperbaiki", "What should get better first"),
        question(AT, "waktu_suara", FieldType::DateTime, "Waktu suara", "Time of the vote"),
        question(
            HASTE,
            "terlalu_cepat",
            haste,
            "Terlalu cepat setelah suara sebelumnya",
            "Too soon after the vote before",
        ),
        question(PLACE, "kios", text(60), "Kios", "Kiosk"),
    ];
    let vote = questions.into_iter().fold(section(GROUP, "suara", MergeClass::Fixed, "Suara", "Vote"), Section::asks);
    let (groups, fields) = assemble(vec![vote]);
    Form {
        tag: TAG,
        version: 1,
        name: "suara".to_owned(),
        label: label("Suara cepat", "Quick vote"),
        lane: Lane::Survey,
        receipt: false,
        groups,
        fields,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::builtin::skm;

    #[test]
    fn a_face_is_its_value_and_elements_are_named_as_in_the_survey() {
        let form = form();
        let choices = |tag| form.field(tag).unwrap().choices().iter().map(|choice| (choice.tag, choice.code.clone()));
        assert!(choices(FACE).all(|(tag, code)| code == tag.to_string()));
        let named: Vec<String> = choices(ELEMENT).map(|(_, code)| code).collect();
        let known = skm::ELEMENTS.map(|(key, _)| key.to_owned());
        assert_eq!(named[..9], known);
    }

    #[test]
    fn it_is_another_form_than_the_survey_and_asks_for_nobody() {
        let form = form();
        assert_ne!((form.tag, form.name.as_str()), (skm::TAG, "skm"));
        assert!(form.fields.iter().all(|field| field.privacy != crate::form::Privacy::Identity));
    }
}
