//! What can be wrong with what was filled in, in numbers for verdicts and in words for people.

use thiserror::Error;

use super::value::grouped;
use super::{Field, FieldTag, Form, GroupTag, Lang, Pattern};

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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::builtin;
    use super::*;

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
        let form = builtin::by_name("skm").unwrap();
        let field = form.field_named("kanal").unwrap();
        let fault = Fault { field: Some(field.tag), group: Some(field.group), reason: Reason::UnknownChoice };
        assert_eq!(
            fault.sentence(form, Lang::Id),
            "Saluran: Pilihan ini tidak dikenal. Pilihan: loket, kios, kertas, daring."
        );
    }
}
