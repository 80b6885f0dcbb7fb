//! Cells as people fill them in, read as values of fields.
//!
//! Forgiving in what cannot be misread (`Rp 1.250.000`, `Waktu Layanan`, `0812-5550-0123`), and strict in the rest: a
//! value that is guessed wrong is worse than a row that comes back.

use std::collections::HashMap;

use kentongan_protocol::form::{ChoiceTag, Field, FieldType, Pattern, Reason, Value, check_value};

use super::dates::Dates;

/// Words that say that a cell has no value.
const NOTHING: [&str; 9] = ["", "-", "--", "–", "—", "n/a", "#n/a", "null", "n.a."];

/// Whether a cell has no value.
pub(super) fn is_nothing(text: &str) -> bool {
    let text = text.trim();
    text.len() <= 6 && NOTHING.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Letters and digits alone, in small letters: two titles or choices that people would call the same are the same.
pub(super) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars().filter(|c| c.is_alphanumeric()) {
        if c.is_ascii() { folded.push(c.to_ascii_lowercase()) } else { folded.extend(c.to_lowercase()) }
    }
    // A text of signs only stays what it is.
    if folded.is_empty() { text.trim().to_owned() } else { folded }
}

/// Reads the cells of one field. Made once per file.
#[derive(Debug, Clone)]
pub(super) struct ValueReader {
    pub(super) field: &'static Field,
    choices: HashMap<String, ChoiceTag>,
}

impl ValueReader {
    pub(super) fn new(field: &'static Field) -> ValueReader {
        let mut choices = HashMap::new();
        let mut add = |text: &str, tag| {
            choices.entry(fold(text)).or_insert(tag);
        };
        // Codes first: what one choice is called must not shadow another's code.
        field.choices().iter().for_each(|choice| add(&choice.code, choice.tag));
        for choice in field.choices() {
            add(&choice.label.id, choice.tag);
            add(&choice.label.en, choice.tag);
        }
        for (other, code) in other_words(field) {
            if let Some(choice) = field.choice_coded(code) {
                add(other, choice.tag);
            }
        }
        ValueReader { field, choices }
    }

    /// The value of a cell that is not nothing.
    pub(super) fn read(&self, text: &str, dates: &Dates) -> Result<Value, Reason> {
        let text = text.trim();
        let value = match &self.field.kind {
            FieldType::Whole { min, max } => {
                let out_of_range = Reason::OutOfRange { min: *min, max: *max };
                Value::Whole(whole(text, out_of_range)?)
            }
            FieldType::Decimal { scale_max } => {
                let decimal = decimal(text).ok_or(Reason::NotADecimal { scale_max: *scale_max })?;
                return Value::parse(self.field, &decimal);
            }
            FieldType::One(_) => Value::One(self.choice(text)?),
            FieldType::Many(_) => Value::Many(self.many(text)?),
            FieldType::Date => dates.read(text).and_then(|moment| moment.day()).ok_or(Reason::NotADate)?,
            FieldType::DateTime => {
                dates.read(text).and_then(|moment| moment.moment(dates.offset_min)).ok_or(Reason::NotADateTime)?
            }
            FieldType::Text { pattern: Pattern::Digits(_) | Pattern::Phone, .. } => {
                // Excel's sign for "this is text".
                return Value::parse(self.field, text.trim_start_matches(['\'', '`', '’']));
            }
            FieldType::Text { .. } | FieldType::Person | FieldType::Area | FieldType::Attachment => {
                return Value::parse(self.field, text);
            }
        };
        check_value(self.field, &value)?;
        Ok(value)
    }

    /// Whether the field has a choice of this name.
    pub(super) fn choice(&self, text: &str) -> Result<ChoiceTag, Reason> {
        self.choices.get(&fold(text)).copied().ok_or(Reason::UnknownChoice)
    }

    fn many(&self, text: &str) -> Result<Vec<ChoiceTag>, Reason> {
        let words = text.split([';', ',', '\n']).filter(|word| !is_nothing(word));
        let mut tags = words.map(|word| self.choice(word)).collect::<Result<Vec<_>, _>>()?;
        tags.sort_unstable();
        tags.dedup();
        Ok(tags)
    }
}

/// What else people write for a choice, by its code.
fn other_words(field: &Field) -> &'static [(&'static str, &'static str)] {
    match field.name.as_str() {
        "jenis_kelamin" => &[
            ("laki laki", "l"),
            ("laki", "l"),
            ("pria", "l"),
            ("lk", "l"),
            ("m", "l"),
            ("wanita", "p"),
            ("pr", "p"),
            ("f", "p"),
        ],
        "pendidikan" => &[
            ("sekolah dasar", "sd"),
            ("sltp", "smp"),
            ("mts", "smp"),
            ("slta", "sma"),
            ("smu", "sma"),
            ("smk", "sma"),
            ("ma", "sma"),
            ("sma/smk", "sma"),
            ("sarjana", "s1"),
            ("d4", "s1"),
            ("magister", "s2"),
            ("doktor", "s3"),
        ],
        "pekerjaan" => &[
            ("asn", "pns"),
            ("pegawai negeri sipil", "pns"),
            ("karyawan swasta", "swasta"),
            ("pegawai swasta", "swasta"),
            ("wiraswasta", "wirausaha"),
        ],
        "kanal" => &[
            ("langsung", "tatap_muka"),
            ("datang", "tatap_muka"),
            ("loket", "tatap_muka"),
            ("telp", "telepon"),
            ("whats app", "wa"),
            ("online", "daring"),
        ],
        "privasi" => &[("terbuka", "biasa"), ("publik", "biasa")],
        "disabilitas" => &[("y", "ya"), ("true", "ya"), ("t", "tidak"), ("no", "tidak"), ("false", "tidak")],
        _ if field.choices().len() == 4 && field.choice_coded("4").is_some() => {
            &[("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")]
        }
        _ => &[],
    }
}

/// A whole number with or without currency and separators: `Rp 50.000,-` is 50000, `3,00` is 3.
pub(crate) fn whole(text: &str, out_of_range: Reason) -> Result<i64, Reason> {
    let (negative, digits, fraction) = number(text).ok_or(Reason::NotWhole)?;
    if fraction.bytes().any(|digit| digit != b'0') {
        return Err(Reason::NotWhole);
    }
    let sign = if negative { "-" } else { "" };
    format!("{sign}{digits}").parse().map_err(|_| out_of_range)
}

/// A decimal number in the one form that values have.
fn decimal(text: &str) -> Option<String> {
    let (negative, digits, fraction) = number(text)?;
    let sign = if negative { "-" } else { "" };
    Some(if fraction.is_empty() { format!("{sign}{digits}") } else { format!("{sign}{digits}.{fraction}") })
}

/// Sign, digits before the point and digits after it.
///
/// A separator that stands before every group of three digits separates thousands; one that stands once before another
/// number of digits is the point. `1.250` is one thousand two hundred and fifty, as everywhere in Indonesia.
fn number(text: &str) -> Option<(bool, String, &str)> {
    let text = text.trim();
    let text = strip_ascii_prefix(text, "rp").or_else(|| strip_ascii_prefix(text, "idr")).unwrap_or(text);
    let text = text.trim_start_matches('.').trim();
    let text = text.strip_suffix(",-").or_else(|| text.strip_suffix(".-")).unwrap_or(text);
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let separators: Vec<(usize, char)> = text.char_indices().filter(|(_, c)| !c.is_ascii_digit()).collect();
    let (integer, fraction) = match separators.as_slice() {
        [] => (text, ""),
        [.., (at, last)] => {
            let (before, after) = (text.get(..*at)?, text.get(at + last.len_utf8()..)?);
            let alone = !before.contains(*last);
            let thousands = alone && after.len() == 3 && matches!(before.len(), 1..=3) && before != "0";
            if alone && !thousands && matches!(last, '.' | ',') { (before, after) } else { (text, "") }
        }
    };
    let digits = without_thousands(integer)?;
    let plain =
        fraction.bytes().all(|byte| byte.is_ascii_digit()) && (!fraction.is_empty() || !text.ends_with(['.', ',']));
    plain.then_some((negative, digits, fraction))
}

/// `1.250.000` as `1250000`: groups of three, and the same separator between all of them.
fn without_thousands(text: &str) -> Option<String> {
    let Some(separator) = text.chars().find(|c| !c.is_ascii_digit()) else {
        return (!text.is_empty()).then(|| text.to_owned());
    };
    if !matches!(separator, '.' | ',' | ' ' | '\u{a0}' | '\'') {
        return None;
    }
    let mut digits = String::with_capacity(text.len());
    for (place, group) in text.split(separator).enumerate() {
        let fits = if place == 0 { matches!(group.len(), 1..=3) } else { group.len() == 3 };
        if !fits || !group.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        digits.push_str(group);
    }
    Some(digits)
}

fn strip_ascii_prefix<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

#[cfg(test)]
mod tests {
    use kentongan_protocol::form::builtin;
    use proptest::prelude::*;

    use super::*;

    fn reader(form: &str, field: &str) -> ValueReader {
        ValueReader::new(builtin::by_name(form).and_then(|form| form.field_named(field)).expect("a field"))
    }

    fn read(form: &str, field: &str, text: &str) -> Result<String, Reason> {
        let reader = reader(form, field);
        reader.read(text, &Dates { offset_min: 420, ..Dates::default() }).map(|value| value.render(reader.field))
    }

    #[test]
    fn amounts_are_read_as_people_write_them() {
        for (text, amount) in [
            ("1250000", "1250000"),
            ("1.250.000", "1250000"),
            ("1,250,000", "1250000"),
            ("1 250 000", "1250000"),
            ("Rp 50.000", "50000"),
            ("Rp. 50.000,-", "50000"),
            ("rp50.000,00", "50000"),
            ("IDR 50,000.00", "50000"),
            ("5.0", "5"),
            ("0", "0"),
        ] {
            assert_eq!(read("pengaduan", "tarif", text).as_deref(), Ok(amount), "{text}");
        }
        for text in ["12.5", "1.25.000", "lima ribu", "50.000 lebih", "1..000", "Rp", ".", "5,", "1.250,5", "3E15"] {
            assert_eq!(read("pengaduan", "tarif", text), Err(Reason::NotWhole), "{text}");
        }
        assert!(matches!(read("pengaduan", "tarif", "-5"), Err(Reason::OutOfRange { .. })));
        assert!(matches!(read("pengaduan", "tarif", "99999999999999999999"), Err(Reason::OutOfRange { .. })));
    }

    #[test]
    fn a_point_and_a_comma_are_told_apart() {
        for (text, number) in [("1.250,75", "1250.75"), ("1,250.75", "1250.75"), ("0.125", "0.125"), ("3,5", "3.5")] {
            assert_eq!(decimal(text).as_deref(), Some(number), "{text}");
        }
    }

    #[test]
    fn choices_are_known_by_code_by_label_in_both_languages_and_by_other_words() {
        for text in ["waktu_layanan", "WAKTU LAYANAN", " Waktu layanan ", "Time taken"] {
            assert_eq!(read("pengaduan", "kategori", text).as_deref(), Ok("waktu_layanan"), "{text}");
        }
        assert_eq!(read("pengaduan", "kanal", "WhatsApp").as_deref(), Ok("wa"));
        assert_eq!(read("pengaduan", "kanal", "Loket").as_deref(), Ok("tatap_muka"));
        assert_eq!(read("skm", "kanal", "Loket").as_deref(), Ok("loket"));
        assert_eq!(read("skm", "jenis_kelamin", "Laki-Laki").as_deref(), Ok("l"));
        assert_eq!(read("skm", "pengaduan", "Tidak ada").as_deref(), Ok("1"));
        assert_eq!(read("skm", "biaya", "d").as_deref(), Ok("4"));
        assert_eq!(read("skm", "biaya", "5"), Err(Reason::UnknownChoice));
    }

    #[test]
    fn numbers_of_people_stay_text_without_what_stands_between_their_digits() {
        assert_eq!(read("pengaduan", "telepon_pelapor", "'0800-5550 100").as_deref(), Ok("08005550100"));
        assert_eq!(read("pengaduan", "telepon_pelapor", "+62 800 5550 100").as_deref(), Ok("+628005550100"));
        assert!(read("pengaduan", "nik", "3.27305123456E15").is_err(), "a sheet has lost its last digits");
    }

    #[test]
    fn a_dash_is_nothing_and_an_answer_that_says_there_is_nothing_is_not() {
        assert!(["", " ", "-", "N/A", "NULL", " – "].into_iter().all(is_nothing));
        assert!(!["Tidak ada", "0", "na", "null dan void"].into_iter().any(is_nothing));
    }

    proptest! {
        #[test]
        fn what_is_read_fits_its_field(text in "\\PC{0,20}|[-0-9.,Rp ]{0,20}") {
            let dates = Dates { offset_min: 420, ..Dates::default() };
            for field in builtin::all().iter().flat_map(|form| &form.fields) {
                if let Ok(value) = ValueReader::new(field).read(&text, &dates) {
                    prop_assert_eq!(check_value(field, &value), Ok(()));
                }
            }
        }
    }
}
