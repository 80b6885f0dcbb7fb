//! Whether what was filled in fits its form.
//!
//! The clerk's page, the import and the hub's judge call the same functions. They never panic, whatever the values
//! hold, and return at most [`FAULTS_MAX`] faults.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use super::value::{grouped, is_moment};
use super::{Civil, Field, FieldTag, FieldType, Form, Group, GroupTag, Lang, MergeClass, Pattern, Value};
use crate::ids::is_area_code;

/// The most faults that one check reports; what is wrong beyond that shows once these are put right.
pub const FAULTS_MAX: usize = 64;
/// Longest reference to a person, in characters.
pub const PERSON_CHARS_MAX: u32 = 120;
/// Most known choices that a sentence lists.
const CHOICES_LISTED_MAX: usize = 20;

/// What is wrong with a field or a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{}", self.sentence(Lang::En))]
pub enum Reason {
    /// A required field has no value.
    Required,
    /// More characters than the field takes.
    TooLong {
        /// Characters allowed.
        max: u32,
        /// Characters found.
        actual: u32,
    },
    /// Not a whole number.
    NotWhole,
    /// A number outside the field's range, both ends inclusive.
    OutOfRange {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// Not a decimal number, or one with too many digits.
    NotADecimal {
        /// Digits allowed after the point.
        scale_max: u8,
    },
    /// The field has no such choice.
    UnknownChoice,
    /// The value is of another type than the field, or not in the one form that values of its type have.
    WrongType,
    /// Not a day of the calendar.
    NotADate,
    /// Not a date and time of day with an offset from UTC.
    NotADateTime,
    /// The text does not look as it must.
    WrongPattern {
        /// What it must look like.
        pattern: Pattern,
    },
    /// Not an area code.
    NotAnArea,
    /// The form has no such field.
    UnknownField,
    /// The form has no such group.
    UnknownGroup,
    /// A group that only the creating op may write was written later.
    FixedWrittenLater,
    /// The field belongs to another group.
    FieldNotInGroup,
    /// A control character other than line end and tab.
    ControlCharacter,
    /// A value with nothing in it: leave the field out instead.
    Empty,
    /// A choice or a group was given twice.
    Duplicate,
}

impl Reason {
    /// The number of the reason in verdicts, never reused.
    pub fn code(&self) -> u8 {
        self.code_and_name().0
    }

    /// The stable name of the reason in files and logs.
    pub fn name(&self) -> &'static str {
        self.code_and_name().1
    }

    fn code_and_name(&self) -> (u8, &'static str) {
        match self {
            Reason::Required => (1, "required"),
            Reason::TooLong { .. } => (2, "too_long"),
            Reason::NotWhole => (3, "not_whole"),
            Reason::OutOfRange { .. } => (4, "out_of_range"),
            Reason::UnknownChoice => (5, "unknown_choice"),
            Reason::WrongType => (6, "wrong_type"),
            Reason::NotADate => (7, "not_a_date"),
            Reason::WrongPattern { .. } => (8, "wrong_pattern"),
            Reason::NotAnArea => (9, "not_an_area"),
            Reason::UnknownField => (10, "unknown_field"),
            Reason::UnknownGroup => (11, "unknown_group"),
            Reason::FixedWrittenLater => (12, "fixed_written_later"),
            Reason::FieldNotInGroup => (13, "field_not_in_group"),
            Reason::ControlCharacter => (14, "control_character"),
            Reason::Empty => (15, "empty"),
            Reason::Duplicate => (16, "duplicate"),
            Reason::NotADateTime => (17, "not_a_date_time"),
            Reason::NotADecimal { .. } => (18, "not_a_decimal"),
        }
    }

    /// The reason in words that a clerk understands, and what to do about it.
    pub fn sentence(&self, lang: Lang) -> String {
        let (id, en) = match self {
            Reason::TooLong { .. }
            | Reason::OutOfRange { .. }
            | Reason::NotADecimal { .. }
            | Reason::WrongPattern { .. } => {
                return self.sentence_with_numbers(lang);
            }
            Reason::Required => ("Wajib diisi.", "This must be filled in."),
            Reason::NotWhole => ("Harus angka bulat, misalnya 25.", "This must be a whole number, such as 25."),
            Reason::UnknownChoice => ("Pilihan ini tidak dikenal.", "This choice is not known."),
            Reason::WrongType => ("Jenis isian tidak cocok.", "This is the wrong kind of answer."),
            Reason::NotADate => {
                ("Bukan tanggal yang ada. Contoh: 2026-11-21.", "This is not a date. Example: 2026-11-21.")
            }
            Reason::NotADateTime => (
                "Bukan tanggal dan jam. Contoh: 2026-11-21T14:05:00+07:00.",
                "This is not a date and time. Example: 2026-11-21T14:05:00+07:00.",
            ),
            Reason::NotAnArea => {
                ("Bukan kode wilayah. Contoh: 32.73.05.1001.", "This is not an area code. Example: 32.73.05.1001.")
            }
            Reason::UnknownField => ("Isian ini tidak ada di formulir.", "The form has no such field."),
            Reason::UnknownGroup => ("Bagian ini tidak ada di formulir.", "The form has no such part."),
            Reason::FixedWrittenLater => {
                ("Bagian ini tidak bisa diubah setelah disimpan.", "This part cannot be changed after saving.")
            }
            Reason::FieldNotInGroup => {
                ("Isian ini milik bagian lain dari formulir.", "This field belongs to another part of the form.")
            }
            Reason::ControlCharacter => (
                "Ada tanda tersembunyi di dalam teks. Ketik ulang.",
                "The text holds a hidden character. Type it again.",
            ),
            Reason::Empty => ("Isian ini kosong.", "There is nothing in it."),
            Reason::Duplicate => ("Diisi dua kali.", "This was given twice."),
        };
        match lang {
            Lang::Id => id.to_owned(),
            Lang::En => en.to_owned(),
        }
    }

    fn sentence_with_numbers(&self, lang: Lang) -> String {
        let number = |n: i64| grouped(n, lang);
        match (*self, lang) {
            (Reason::TooLong { max, actual }, Lang::Id) => {
                format!("Terlalu panjang: {} huruf, paling banyak {}.", number(actual.into()), number(max.into()))
            }
            (Reason::TooLong { max, actual }, Lang::En) => {
                format!("Too long: {} characters, at most {}.", number(actual.into()), number(max.into()))
            }
            (Reason::OutOfRange { min, max }, Lang::Id) => format!("Harus antara {} dan {}.", number(min), number(max)),
            (Reason::OutOfRange { min, max }, Lang::En) => {
                format!("This must be between {} and {}.", number(min), number(max))
            }
            (Reason::NotADecimal { scale_max }, Lang::Id) => {
                format!("Harus angka, paling banyak {scale_max} angka di belakang titik.")
            }
            (Reason::NotADecimal { scale_max }, Lang::En) => {
                format!("This must be a number with at most {scale_max} digits after the point.")
            }
            (Reason::WrongPattern { pattern: Pattern::Digits(count) }, Lang::Id) => {
                format!("Harus tepat {count} angka.")
            }
            (Reason::WrongPattern { pattern: Pattern::Digits(count) }, Lang::En) => {
                format!("This must be exactly {count} digits.")
            }
            (Reason::WrongPattern { pattern: Pattern::Phone }, Lang::Id) => {
                "Bukan nomor telepon: 6 sampai 15 angka, boleh diawali +.".to_owned()
            }
            (Reason::WrongPattern { pattern: Pattern::Phone }, Lang::En) => {
                "This is not a telephone number: 6 to 15 digits, a + may come first.".to_owned()
            }
            (_, Lang::Id) => "Bentuk isian tidak cocok.".to_owned(),
            (_, Lang::En) => "This does not look as it must.".to_owned(),
        }
    }
}

/// One thing that is wrong with a record, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// The field, if one is to blame.
    pub field: Option<FieldTag>,
    /// The group that was written, or that lacks the field.
    pub group: Option<GroupTag>,
    /// What is wrong.
    pub reason: Reason,
}

impl Fault {
    /// The fault in words, with the name people know the field or group by, and the choices there are.
    pub fn sentence(&self, form: &Form, lang: Lang) -> String {
        let sentence = self.reason.sentence(lang);
        if let Some(tag) = self.field {
            let Some(field) = form.field(tag) else { return format!("#{tag}: {sentence}") };
            let known = match self.reason {
                Reason::UnknownChoice => known_choices(field, lang),
                _ => String::new(),
            };
            return format!("{}: {sentence}{known}", field.label.in_lang(lang));
        }
        match self.group {
            Some(tag) => match form.group(tag) {
                Some(group) => format!("{}: {sentence}", group.label.in_lang(lang)),
                None => format!("#{tag}: {sentence}"),
            },
            None => sentence,
        }
    }
}

/// ` Pilihan: antrean, waktu_layanan, …` - the codes, because that is what goes into a file.
fn known_choices(field: &Field, lang: Lang) -> String {
    let choices = field.choices();
    let codes: Vec<&str> = choices.iter().take(CHOICES_LISTED_MAX).map(|choice| choice.code.as_str()).collect();
    let word = match lang {
        Lang::Id => "Pilihan",
        Lang::En => "Choices",
    };
    let more = if choices.len() > CHOICES_LISTED_MAX { ", …" } else { "." };
    format!(" {word}: {}{more}", codes.join(", "))
}

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
    use std::collections::BTreeSet;

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

    #[test]
    fn reasons_keep_apart_in_code_name_and_words() {
        let reasons = [
            Reason::Required,
            Reason::TooLong { max: 5000, actual: 5120 },
            Reason::NotWhole,
            Reason::OutOfRange { min: 0, max: 120 },
            Reason::NotADecimal { scale_max: 2 },
            Reason::UnknownChoice,
            Reason::WrongType,
            Reason::NotADate,
            Reason::NotADateTime,
            Reason::WrongPattern { pattern: Pattern::Phone },
            Reason::NotAnArea,
            Reason::UnknownField,
            Reason::UnknownGroup,
            Reason::FixedWrittenLater,
            Reason::FieldNotInGroup,
            Reason::ControlCharacter,
            Reason::Empty,
            Reason::Duplicate,
        ];
        assert_eq!(reasons.iter().map(Reason::code).collect::<BTreeSet<_>>().len(), reasons.len());
        assert_eq!(reasons.iter().map(Reason::name).collect::<BTreeSet<_>>().len(), reasons.len());
        for lang in [Lang::Id, Lang::En] {
            let sentences: BTreeSet<String> = reasons.iter().map(|reason| reason.sentence(lang)).collect();
            assert_eq!(sentences.len(), reasons.len());
        }
        assert_eq!(reasons[1].sentence(Lang::Id), "Terlalu panjang: 5.120 huruf, paling banyak 5.000.");
    }

    #[test]
    fn an_unknown_choice_is_answered_with_the_known_ones() {
        let form = form("skm");
        let fault = fault(form, "kanal", Reason::UnknownChoice);
        assert_eq!(
            fault.sentence(form, Lang::Id),
            "Saluran: Pilihan ini tidak dikenal. Pilihan: loket, kios, kertas, daring."
        );
    }
}
