//! Whether what was filled in fits its form.
//!
//! The clerk's page, the import and the hub's judge call the same functions. They never panic, whatever the values
//! hold, and return at most [`FAULTS_MAX`] faults.

use std::collections::{BTreeMap, BTreeSet};

pub use super::reason::{Fault, Reason};
use super::value::is_moment;
use super::{Civil, Field, FieldTag, FieldType, Form, Group, GroupTag, MergeClass, Pattern, Value};
use crate::attachment::Media;
use crate::ids::is_area_code;
use crate::limits::ATTACHMENT_BYTES_MAX;

/// The most faults that one check reports; what is wrong beyond that shows once these are put right.
pub const FAULTS_MAX: usize = 64;
/// Longest reference to a person, in characters.
pub const PERSON_CHARS_MAX: u32 = 120;

/// Longest name of an attachment, in characters.
pub const ATTACHMENT_NAME_CHARS_MAX: u32 = 120;

/// Checks all groups of a new record, written under version `form_version` of the form: types and limits, each group
/// at most once (except `Add`), and every required field present as far as it is relevant.
///
/// A value in a field that is not relevant is no fault. Tags that this form does not know are faults only if
/// `form_version` is one that it should know.
pub fn check_create(form: &Form, form_version: u16, writes: &[(GroupTag, &BTreeMap<FieldTag, Value>)]) -> Vec<Fault> {
    let mut check = Check::new(form, form_version);
    let answers: BTreeMap<FieldTag, &Value> =
        writes.iter().flat_map(|(_, values)| values.iter().map(|(tag, value)| (*tag, value))).collect();
    let mut written = BTreeSet::new();
    for (tag, values) in writes {
        let Some(group) = check.known_group(*tag) else { continue };
        if !written.insert(*tag) && group.merge != MergeClass::Add {
            check.fault(*tag, None, Reason::Duplicate);
        }
        check.values(group, values);
        check.presence(group, values, |field| answers.get(&field).copied());
    }
    let nothing = BTreeMap::new();
    for group in form.groups.iter().filter(|group| group.merge != MergeClass::Add && !written.contains(&group.tag)) {
        for field in form.fields_of(group.tag).filter(|field| field.required) {
            check.present(field, &nothing, |field| answers.get(&field).copied());
        }
    }
    check.faults
}

/// Checks a later write to one group, made under version `form_version` of the form. `values` is what the group will
/// hold, so a required field may not be missing from it; whether one is relevant is judged within the group only.
pub fn check_write(form: &Form, form_version: u16, group: GroupTag, values: &BTreeMap<FieldTag, Value>) -> Vec<Fault> {
    let mut check = Check::new(form, form_version);
    if let Some(group) = check.known_group(group) {
        if group.merge == MergeClass::Fixed {
            check.fault(group.tag, None, Reason::FixedWrittenLater);
        } else {
            check.values(group, values);
            check.presence(group, values, |field| values.get(&field));
        }
    }
    check.faults
}

/// Checks one value against its field, whose choices are all known.
pub fn check_value(field: &Field, value: &Value) -> Result<(), Reason> {
    fits(field, value, Tags::AllKnown)
}

/// Whether a tag that the form does not know can be right.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tags {
    /// No: the record was written under this version of the form or an earlier one.
    AllKnown,
    /// Yes: a newer version of the form may have it.
    MayBeNewer,
}

/// A check under way.
struct Check<'a> {
    form: &'a Form,
    tags: Tags,
    faults: Vec<Fault>,
}

impl<'a> Check<'a> {
    fn new(form: &'a Form, form_version: u16) -> Self {
        let tags = if form_version > form.version { Tags::MayBeNewer } else { Tags::AllKnown };
        Check { form, tags, faults: Vec::new() }
    }

    fn fault(&mut self, group: GroupTag, field: Option<FieldTag>, reason: Reason) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(Fault { field, group: Some(group), reason });
        }
    }

    fn known_group(&mut self, tag: GroupTag) -> Option<&'a Group> {
        let group = self.form.group(tag);
        if group.is_none() && self.tags == Tags::AllKnown {
            self.fault(tag, None, Reason::UnknownGroup);
        }
        group
    }

    /// Each value fits its field, and the field is one of the group.
    fn values(&mut self, group: &Group, values: &BTreeMap<FieldTag, Value>) {
        for (tag, value) in values {
            let outcome = match self.form.field(*tag) {
                None if self.tags == Tags::MayBeNewer => Ok(()),
                None => Err(Reason::UnknownField),
                Some(field) if field.group != group.tag => Err(Reason::FieldNotInGroup),
                Some(field) => fits(field, value, self.tags),
            };
            if let Err(reason) = outcome {
                self.fault(group.tag, Some(*tag), reason);
            }
        }
    }

    /// A written group has its required fields, and the one that gives a `Strictest` or `Stage` write its place.
    fn presence<'v>(
        &mut self,
        group: &Group,
        values: &BTreeMap<FieldTag, Value>,
        answer: impl Fn(FieldTag) -> Option<&'v Value>,
    ) {
        let ordering = match group.merge {
            MergeClass::Strictest | MergeClass::Stage => self.form.ordering_field(group.tag).map(|field| field.tag),
            MergeClass::Fixed | MergeClass::Add | MergeClass::Register => None,
        };
        for field in self.form.fields_of(group.tag) {
            if field.required || ordering == Some(field.tag) {
                self.present(field, values, &answer);
            }
        }
    }

    fn present<'v>(
        &mut self,
        field: &Field,
        values: &BTreeMap<FieldTag, Value>,
        answer: impl Fn(FieldTag) -> Option<&'v Value>,
    ) {
        let relevant = field.relevant.as_ref().is_none_or(|relevant| {
            answer(relevant.field).and_then(Value::choice).is_some_and(|choice| relevant.is.contains(&choice))
        });
        if relevant && !values.contains_key(&field.tag) {
            self.fault(field.group, Some(field.tag), Reason::Required);
        }
    }
}

fn fits(field: &Field, value: &Value, tags: Tags) -> Result<(), Reason> {
    let known = |tag| tags == Tags::MayBeNewer || field.choice(tag).is_some();
    match (&field.kind, value) {
        (FieldType::Text { chars_max, pattern }, Value::Text(text)) => check_text(text, *chars_max, *pattern),
        (FieldType::Person, Value::Person(name)) => check_text(name, PERSON_CHARS_MAX, Pattern::Any),
        (FieldType::Whole { min, max }, Value::Whole(number)) => {
            unless((min..=max).contains(&number), Reason::OutOfRange { min: *min, max: *max })
        }
        (FieldType::Decimal { scale_max }, Value::Decimal { scale, .. }) => {
            unless(scale <= scale_max, Reason::NotADecimal { scale_max: *scale_max })
        }
        (FieldType::One(_), Value::One(tag)) => unless(known(*tag), Reason::UnknownChoice),
        (FieldType::Many(_), Value::Many(chosen)) => {
            unless(!chosen.is_empty(), Reason::Empty)?;
            unless(chosen.iter().all(|tag| known(*tag)), Reason::UnknownChoice)?;
            unless(!chosen.windows(2).any(|pair| pair[0] == pair[1]), Reason::Duplicate)?;
            unless(chosen.is_sorted(), Reason::WrongType)
        }
        (FieldType::Date, Value::Date(days)) => unless(Civil::from_days(*days).is_some(), Reason::NotADate),
        (FieldType::DateTime, Value::DateTime { utc_ms, offset_min }) => {
            unless(is_moment(*utc_ms, *offset_min), Reason::NotADateTime)
        }
        (FieldType::Area, Value::Area(code)) => unless(is_area_code(code), Reason::NotAnArea),
        (FieldType::Attachment, Value::Attachment(attachment)) => {
            check_text(&attachment.name, ATTACHMENT_NAME_CHARS_MAX, Pattern::Any)?;
            unless((1..=ATTACHMENT_BYTES_MAX).contains(&attachment.content.bytes), Reason::WrongType)?;
            unless(
                tags == Tags::MayBeNewer || Media::from_number(attachment.content.media).is_some(),
                Reason::WrongType,
            )
        }
        _ => Err(Reason::WrongType),
    }
}

fn unless(holds: bool, reason: Reason) -> Result<(), Reason> {
    if holds { Ok(()) } else { Err(reason) }
}

fn check_text(text: &str, chars_max: u32, pattern: Pattern) -> Result<(), Reason> {
    unless(!text.trim().is_empty(), Reason::Empty)?;
    let actual = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
    unless(actual <= chars_max, Reason::TooLong { max: chars_max, actual })?;
    unless(!text.chars().any(|c| c.is_control() && c != '\n' && c != '\t'), Reason::ControlCharacter)?;
    let all_digits = |digits: &str| digits.bytes().all(|b| b.is_ascii_digit());
    let matches = match pattern {
        Pattern::Any => true,
        Pattern::Digits(count) => text.len() == usize::from(count) && all_digits(text),
        Pattern::Phone => {
            let digits = text.strip_prefix('+').unwrap_or(text);
            (6..=15).contains(&digits.len()) && all_digits(digits)
        }
    };
    unless(matches, Reason::WrongPattern { pattern })
}

#[cfg(test)]
mod tests {
    use super::super::builtin::{self, pengaduan, skm};
    use super::*;

    type Values = BTreeMap<FieldTag, Value>;

    fn form(name: &str) -> &'static Form {
        builtin::by_name(name).unwrap()
    }

    /// Values of fields by name and canonical text, whether or not they fit.
    fn values(form: &Form, answers: &[(&str, Value)]) -> Values {
        answers.iter().map(|(name, value)| (form.field_named(name).unwrap().tag, value.clone())).collect()
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    fn chosen(form: &Form, field: &str, code: &str) -> Value {
        Value::One(form.field_named(field).unwrap().choice_coded(code).unwrap().tag)
    }

    fn fault(form: &Form, field: &str, reason: Reason) -> Fault {
        let field = form.field_named(field).unwrap();
        Fault { field: Some(field.tag), group: Some(field.group), reason }
    }

    /// The least a complaint must have.
    fn complaint(form: &Form) -> [(GroupTag, Values); 3] {
        [
            (pengaduan::group::URAIAN, values(form, &[("uraian", text("Wc puskesmas kotor dan air tidak mengalir."))])),
            (pengaduan::group::KATEGORI, values(form, &[("kategori", chosen(form, "kategori", "sarana_prasarana"))])),
            (pengaduan::group::KANAL, values(form, &[("kanal", chosen(form, "kanal", "tatap_muka"))])),
        ]
    }

    fn create(form: &Form, version: u16, writes: &[(GroupTag, Values)]) -> Vec<Fault> {
        let writes: Vec<_> = writes.iter().map(|(group, values)| (*group, values)).collect();
        check_create(form, version, &writes)
    }

    #[test]
    fn a_short_complaint_without_a_name_is_complete() {
        let form = form("pengaduan");
        assert_eq!(create(form, 1, &complaint(form)), []);
    }

    #[test]
    fn a_complaint_without_its_three_required_answers_lacks_all_three() {
        let form = form("pengaduan");
        let missing = |name| fault(form, name, Reason::Required);
        assert_eq!(create(form, 1, &[]), [missing("uraian"), missing("kategori"), missing("kanal")]);
    }

    #[test]
    fn each_fault_names_its_field_and_reason() {
        let form = form("pengaduan");
        let cases = [
            ("nik", text("123"), Reason::WrongPattern { pattern: Pattern::Digits(16) }),
            ("telepon_pelapor", text("+62-800"), Reason::WrongPattern { pattern: Pattern::Phone }),
            ("nama_pelapor", text(" "), Reason::Empty),
            ("alamat_pelapor", text("Jalan\u{0}Melati"), Reason::ControlCharacter),
            ("lokasi", text(&"x".repeat(501)), Reason::TooLong { max: 500, actual: 501 }),
            ("tanggal_kejadian", Value::Date(i32::MAX), Reason::NotADate),
            ("diterima_pada", Value::DateTime { utc_ms: 0, offset_min: 1081 }, Reason::NotADateTime),
            ("diterima_pada", Value::DateTime { utc_ms: i64::MAX, offset_min: 420 }, Reason::NotADateTime),
            ("tarif", Value::Whole(-1), Reason::OutOfRange { min: 0, max: 1_000_000_000_000 }),
            ("jenis", Value::One(99), Reason::UnknownChoice),
            ("layanan", Value::Whole(1), Reason::WrongType),
        ];
        for (name, value, reason) in cases {
            let mut writes = complaint(form).to_vec();
            let group = form.field_named(name).unwrap().group;
            writes.push((group, values(form, &[(name, value)])));
            assert_eq!(create(form, 1, &writes), [fault(form, name, reason)], "{name}");
        }
    }

    #[test]
    fn only_a_growing_group_may_be_written_twice_at_creation() {
        let form = form("pengaduan");
        let mut writes = complaint(form).to_vec();
        let remark = || (pengaduan::group::CATATAN, values(form, &[("catatan", text("Lihat foto."))]));
        writes.extend([remark(), remark()]);
        assert_eq!(create(form, 1, &writes), []);
        writes.push(writes[0].clone());
        let twice = Fault { field: None, group: Some(pengaduan::group::URAIAN), reason: Reason::Duplicate };
        assert_eq!(create(form, 1, &writes), [twice]);
        let unnamed = values(form, &[("catatan_oleh", Value::Person("Sari".to_owned()))]);
        let missing = fault(form, "catatan", Reason::Required);
        assert_eq!(check_write(form, 1, pengaduan::group::CATATAN, &unnamed), [missing]);
    }

    #[test]
    fn what_a_newer_form_added_is_kept_and_the_same_under_our_version_is_a_fault() {
        let form = form("pengaduan");
        let mut writes = complaint(form).to_vec();
        writes[1].1.insert(31, Value::One(500));
        writes[2].1.insert(999, text("baru"));
        writes.push((77, BTreeMap::from([(771, text("baru"))])));
        assert_eq!(create(form, form.version + 1, &writes), []);
        let reasons: Vec<Reason> = create(form, form.version, &writes).iter().map(|fault| fault.reason).collect();
        assert_eq!(reasons, [Reason::UnknownChoice, Reason::UnknownField, Reason::UnknownGroup]);
    }

    #[test]
    fn a_later_write_may_neither_touch_a_fixed_group_nor_clear_a_required_field() {
        let form = form("pengaduan");
        let paper = values(form, &[("nomor_kertas", text("12"))]);
        let fixed = Fault { field: None, group: Some(pengaduan::group::PENERIMAAN), reason: Reason::FixedWrittenLater };
        assert_eq!(check_write(form, 1, pengaduan::group::PENERIMAAN, &paper), [fixed]);
        let cleared = fault(form, "uraian", Reason::Required);
        assert_eq!(check_write(form, 1, pengaduan::group::URAIAN, &Values::new()), [cleared]);
        assert_eq!(check_write(form, 1, pengaduan::group::PELAPOR, &Values::new()), []);
    }

    #[test]
    fn a_status_write_without_a_status_has_no_place_in_the_order() {
        let form = form("pengaduan");
        let reason_only = values(form, &[("alasan", text("Ganda."))]);
        let missing = fault(form, "status", Reason::Required);
        assert_eq!(check_write(form, 1, pengaduan::group::STATUS, &reason_only), [missing]);
    }

    #[test]
    fn a_field_in_a_foreign_group_is_a_fault() {
        let form = form("pengaduan");
        let mut write = values(form, &[("uraian", text("Antre lama."))]);
        write.insert(form.field_named("lokasi").unwrap().tag, text("Loket 2"));
        let foreign = Fault { group: Some(pengaduan::group::URAIAN), ..fault(form, "lokasi", Reason::FieldNotInGroup) };
        assert_eq!(check_write(form, 1, pengaduan::group::URAIAN, &write), [foreign]);
    }

    #[test]
    fn an_answer_to_a_question_that_was_not_asked_is_ignored() {
        let mut form = form("skm").clone();
        for field in form.fields.iter_mut().filter(|field| field.name == "pekerjaan_lain") {
            field.required = true;
        }
        let job = |code| chosen(&form, "pekerjaan", code);
        let answer = |job: Value| [(skm::GROUP, values(&form, &[("pekerjaan", job), ("usia", Value::Whole(40))]))];
        assert_eq!(create(&form, 1, &answer(job("pns"))), []);
        assert_eq!(create(&form, 1, &answer(job("lainnya"))), [fault(&form, "pekerjaan_lain", Reason::Required)]);
        let mut idle = answer(job("pns"));
        idle[0].1.extend(values(&form, &[("pekerjaan_lain", text("petani"))]));
        assert_eq!(create(&form, 1, &idle), []);
    }

    #[test]
    fn hostile_input_yields_a_bounded_list() {
        let form = form("skm");
        let flood: Values = (1000..3000).map(|tag| (tag, Value::Whole(0))).collect();
        assert_eq!(create(form, 1, &[(skm::GROUP, flood)]).len(), FAULTS_MAX);
    }

    #[test]
    fn choices_of_a_many_of_value_stand_in_order_and_once() {
        let kind = FieldType::Many(form("skm").field_named("kanal").unwrap().choices().to_vec());
        let field = Field { kind, ..form("skm").field_named("kanal").unwrap().clone() };
        let outcome = |tags: &[u16]| check_value(&field, &Value::Many(tags.to_vec()));
        assert_eq!(outcome(&[1, 2, 4]), Ok(()));
        assert_eq!(outcome(&[]), Err(Reason::Empty));
        assert_eq!(outcome(&[1, 1]), Err(Reason::Duplicate));
        assert_eq!(outcome(&[2, 1]), Err(Reason::WrongType));
        assert_eq!(outcome(&[1, 77]), Err(Reason::UnknownChoice));
    }
}
