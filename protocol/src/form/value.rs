//! What a field can hold, and how it is written: as canonical text for files, and in words for people.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::num::IntErrorKind;

pub use super::civil::Civil;
use super::civil::{LocalTime, read_date_time};
use crate::attachment::Attachment;

use super::{Choice, ChoiceTag, Field, FieldType, Lang, Pattern, Reason, check_value};

/// The value of one field. A field without a value has no entry at all; there is no "empty" value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// Free text, UTF-8.
    Text(String),
    /// Whole number.
    Whole(i64),
    /// Decimal number: `unscaled` / 10^`scale`.
    Decimal {
        /// All digits, signed.
        unscaled: i64,
        /// Digits after the point.
        scale: u8,
    },
    /// The number of a choice.
    One(ChoiceTag),
    /// Numbers of choices, ascending, each once.
    Many(Vec<ChoiceTag>),
    /// Days since 1970-01-01 in the civil (Gregorian) calendar.
    Date(i32),
    /// An instant with the offset it was written in.
    DateTime {
        /// Milliseconds since 1970-01-01T00:00:00 UTC.
        utc_ms: i64,
        /// Minutes east of UTC, -1080 to 1080.
        offset_min: i16,
    },
    /// Area code, e.g. `32.73.05.1001`.
    Area(String),
    /// Reference to a person of an office.
    Person(String),
    /// A file that belongs to the record.
    Attachment(Attachment),
}

impl Value {
    /// Reads the canonical text form of a value of `field`: ISO date, RFC 3339 date-time with offset, choice codes
    /// (several separated by `;`), decimals with a point, area code.
    ///
    /// It forgives what cannot be misread: space around anything but free text, capitals in choice codes, line ends
    /// of any system, spaces, points and dashes inside telephone and identity numbers. The value it returns fits the field.
    pub fn parse(field: &Field, text: &str) -> Result<Value, Reason> {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Err(Reason::Empty);
        }
        let value = match &field.kind {
            FieldType::Text { pattern, .. } => Value::Text(tidy(text, *pattern).into_owned()),
            FieldType::Whole { min, max } => parse_whole(trimmed, *min, *max)?,
            FieldType::Decimal { scale_max } => {
                parse_decimal(trimmed).ok_or(Reason::NotADecimal { scale_max: *scale_max })?
            }
            FieldType::One(choices) => Value::One(parse_choice(choices, trimmed)?),
            FieldType::Many(choices) => parse_many(choices, trimmed)?,
            FieldType::Date => {
                let date: Civil = trimmed.parse().map_err(|_| Reason::NotADate)?;
                Value::Date(date.to_days().ok_or(Reason::NotADate)?)
            }
            FieldType::DateTime => {
                let (utc_ms, offset_min) = read_date_time(trimmed).ok_or(Reason::NotADateTime)?;
                Value::DateTime { utc_ms, offset_min }
            }
            FieldType::Area => Value::Area(trimmed.to_owned()),
            FieldType::Person => Value::Person(tidy(text, Pattern::Any).into_owned()),
            // A name may end in a space.
            FieldType::Attachment => Value::Attachment(Attachment::parse(text.trim_start()).ok_or(Reason::WrongType)?),
        };
        check_value(field, &value)?;
        Ok(value)
    }

    /// The canonical text form: `parse` gives the same value back for every value that fits `field`.
    ///
    /// A choice that this form does not know (written under a newer version of it) is shown as `#` and its number,
    /// a date beyond the calendar by its number of days; `parse` takes neither.
    pub fn render(&self, field: &Field) -> String {
        match self {
            Value::Text(text) | Value::Area(text) | Value::Person(text) => text.clone(),
            Value::Attachment(attachment) => attachment.render(),
            Value::Whole(number) => number.to_string(),
            Value::Decimal { unscaled, scale } => {
                let (whole, fraction) = decimal_parts(*unscaled, *scale);
                if fraction.is_empty() { whole } else { format!("{whole}.{fraction}") }
            }
            Value::One(tag) => choice_text(field, *tag, |choice| &choice.code),
            Value::Many(tags) => {
                let codes: Vec<String> =
                    tags.iter().map(|tag| choice_text(field, *tag, |choice| &choice.code)).collect();
                codes.join(";")
            }
            Value::Date(days) => Civil::from_days(*days).map_or_else(|| format!("#{days}"), |date| date.to_string()),
            Value::DateTime { utc_ms, offset_min } => {
                LocalTime::of(*utc_ms, *offset_min).map_or_else(|| format!("#{utc_ms}"), |local| local.to_string())
            }
        }
    }

    /// The value in words for people: labels of choices, dates with the month's name, numbers in groups of three.
    pub fn display(&self, field: &Field, lang: Lang) -> String {
        let label = |tag: &ChoiceTag| choice_text(field, *tag, |choice| choice.label.in_lang(lang));
        match self {
            Value::Whole(number) => grouped(*number, lang),
            Value::Decimal { unscaled, scale } => display_decimal(*unscaled, *scale, lang),
            Value::One(tag) => label(tag),
            Value::Many(tags) => tags.iter().map(label).collect::<Vec<_>>().join(", "),
            Value::Date(days) => Civil::from_days(*days).map_or_else(|| self.render(field), |date| date.display(lang)),
            Value::DateTime { utc_ms, offset_min } => {
                LocalTime::of(*utc_ms, *offset_min).map_or_else(|| self.render(field), |local| local.display(lang))
            }
            Value::Attachment(attachment) => attachment.name.clone(),
            Value::Text(_) | Value::Area(_) | Value::Person(_) => self.render(field),
        }
    }

    /// The number of the choice, of a one-of value.
    pub fn choice(&self) -> Option<ChoiceTag> {
        match self {
            Value::One(tag) => Some(*tag),
            _ => None,
        }
    }
}

/// Whether the value is a moment that the calendar has, at an offset that clocks have.
pub(super) fn is_moment(utc_ms: i64, offset_min: i16) -> bool {
    LocalTime::of(utc_ms, offset_min).is_some()
}

/// A whole number with the separator of the language between groups of three digits.
pub(super) fn grouped(number: i64, lang: Lang) -> String {
    let separator = match lang {
        Lang::Id => '.',
        Lang::En => ',',
    };
    let digits = number.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    if number < 0 {
        text.push('-');
    }
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(separator);
        }
        text.push(digit);
    }
    text
}

/// Line ends as `\n`; numbers without the marks that people write between their digits.
fn tidy(text: &str, pattern: Pattern) -> Cow<'_, str> {
    match pattern {
        Pattern::Any if text.contains('\r') => Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")),
        Pattern::Any => Cow::Borrowed(text),
        Pattern::Digits(_) | Pattern::Phone => {
            Cow::Owned(text.chars().filter(|c| !c.is_whitespace() && !".-()".contains(*c)).collect())
        }
    }
}

fn parse_whole(text: &str, min: i64, max: i64) -> Result<Value, Reason> {
    text.parse().map(Value::Whole).map_err(|error: std::num::ParseIntError| match error.kind() {
        IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => Reason::OutOfRange { min, max },
        _ => Reason::NotWhole,
    })
}

/// `-12.50` as -1250 and 2. Trailing zeros count: a price of 12.50 comes back as 12.50.
fn parse_decimal(text: &str) -> Option<Value> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = match digits.split_once('.') {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (digits, ""),
    };
    if whole.is_empty() {
        return None;
    }
    // Counted downwards, because the smallest i64 has no positive twin.
    let mut below_zero = 0_i64;
    for byte in whole.bytes().chain(fraction.bytes()) {
        let digit = byte.is_ascii_digit().then(|| i64::from(byte - b'0'))?;
        below_zero = below_zero.checked_mul(10)?.checked_sub(digit)?;
    }
    let unscaled = if negative { below_zero } else { below_zero.checked_neg()? };
    Some(Value::Decimal { unscaled, scale: u8::try_from(fraction.len()).ok()? })
}

fn parse_choice(choices: &[Choice], code: &str) -> Result<ChoiceTag, Reason> {
    let choice = choices.iter().find(|choice| choice.code.eq_ignore_ascii_case(code));
    choice.map(|choice| choice.tag).ok_or(Reason::UnknownChoice)
}

fn parse_many(choices: &[Choice], text: &str) -> Result<Value, Reason> {
    let mut tags = BTreeSet::new();
    for code in text.split(';').map(str::trim).filter(|code| !code.is_empty()) {
        if !tags.insert(parse_choice(choices, code)?) {
            return Err(Reason::Duplicate);
        }
    }
    // Nothing but separators: `check_value` calls it empty.
    Ok(Value::Many(tags.into_iter().collect()))
}

fn choice_text<'a>(field: &'a Field, tag: ChoiceTag, text: impl Fn(&'a Choice) -> &'a str) -> String {
    field.choice(tag).map_or_else(|| format!("#{tag}"), |choice| text(choice).to_owned())
}

/// The digits before the point, with the sign, and those after it.
fn decimal_parts(unscaled: i64, scale: u8) -> (String, String) {
    let scale = usize::from(scale);
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if unscaled < 0 { "-" } else { "" };
    (format!("{sign}{whole}"), fraction.to_owned())
}

fn display_decimal(unscaled: i64, scale: u8, lang: Lang) -> String {
    let (whole, fraction) = decimal_parts(unscaled, scale);
    let point = match lang {
        Lang::Id => ',',
        Lang::En => '.',
    };
    // A number between -1 and 0 loses its sign as a whole number, so the sign is set by hand.
    let (sign, whole) = whole.strip_prefix('-').map_or(("", whole.as_str()), |digits| ("-", digits));
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), |number| grouped(number, lang));
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}{point}{fraction}") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Label, Privacy, builtin};
    use super::*;
    use crate::attachment::{Content, ContentHash};
    use crate::limits::ATTACHMENT_BYTES_MAX;

    fn field(kind: FieldType) -> Field {
        let label = Label { id: "Isian".to_owned(), en: "Field".to_owned() };
        let name = "isian".to_owned();
        Field { tag: 1, name, label, kind, group: 1, required: false, privacy: Privacy::Internal, relevant: None }
    }

    fn choices() -> Vec<Choice> {
        let choice = |tag, code: &str, id: &str, en: &str| Choice {
            tag,
            code: code.to_owned(),
            label: Label { id: id.to_owned(), en: en.to_owned() },
            rank: 0,
        };
        vec![
            choice(3, "surat", "Surat", "Letter"),
            choice(1, "foto", "Foto", "Photo"),
            choice(9, "lain", "Lain", "Other"),
        ]
    }

    /// One field of each type, with every value that fits it.
    fn field_and_value() -> impl Strategy<Value = (Field, Value)> {
        let text = |pattern, chars_max| field(FieldType::Text { chars_max, pattern });
        let area = "[0-9]{2}(\\.[0-9]{2}(\\.[0-9]{2}(\\.[0-9]{4})?)?)?";
        let first_ms = -719_528 * 86_400_000_i64;
        let last_ms = 2_932_897 * 86_400_000_i64 - 1;
        prop_oneof![
            "[^\\x00-\\x1f\\x7f-\\x9f]{0,20}[a-z;#]\n\t*[^\\x00-\\x1f\\x7f-\\x9f]{0,20}"
                .prop_map(move |t| (text(Pattern::Any, 5000), Value::Text(t))),
            "[0-9]{16}".prop_map(move |t| (text(Pattern::Digits(16), 16), Value::Text(t))),
            "\\+?[0-9]{6,15}".prop_map(move |t| (text(Pattern::Phone, 16), Value::Text(t))),
            any::<i64>().prop_map(|n| (field(FieldType::Whole { min: i64::MIN, max: i64::MAX }), Value::Whole(n))),
            (any::<i64>(), 0..=30_u8).prop_map(|(unscaled, scale)| {
                (field(FieldType::Decimal { scale_max: 30 }), Value::Decimal { unscaled, scale })
            }),
            proptest::sample::select(vec![1, 3, 9]).prop_map(|tag| (field(FieldType::One(choices())), Value::One(tag))),
            proptest::sample::subsequence(vec![1, 3, 9], 1..=3)
                .prop_map(|tags| (field(FieldType::Many(choices())), Value::Many(tags))),
            (-719_528..=2_932_896).prop_map(|days| (field(FieldType::Date), Value::Date(days))),
            (first_ms..=last_ms, -1080..=1080_i16).prop_map(|(local_ms, offset_min)| {
                let utc_ms = local_ms - i64::from(offset_min) * 60_000;
                (field(FieldType::DateTime), Value::DateTime { utc_ms, offset_min })
            }),
            area.prop_map(|code| (field(FieldType::Area), Value::Area(code))),
            "[^\\x00-\\x1f\\x7f-\\x9f]{0,50}[a-z]".prop_map(|name| (field(FieldType::Person), Value::Person(name))),
            attachment("[a-z][^\\x00-\\x1f\\x7f-\\x9f/]{0,50}[a-z]")
                .prop_map(|attachment| (field(FieldType::Attachment), Value::Attachment(attachment))),
        ]
    }

    fn attachment(name: &'static str) -> impl Strategy<Value = Attachment> {
        (any::<[u8; 32]>(), 1..=ATTACHMENT_BYTES_MAX, 1..=4_u8, name).prop_map(|(hash, bytes, media, name)| {
            Attachment { content: Content { hash: ContentHash(hash), bytes, media }, name }
        })
    }

    fn any_value() -> impl Strategy<Value = Value> {
        prop_oneof![
            any::<String>().prop_map(Value::Text),
            any::<i64>().prop_map(Value::Whole),
            any::<(i64, u8)>().prop_map(|(unscaled, scale)| Value::Decimal { unscaled, scale }),
            any::<ChoiceTag>().prop_map(Value::One),
            any::<Vec<ChoiceTag>>().prop_map(Value::Many),
            any::<i32>().prop_map(Value::Date),
            any::<(i64, i16)>().prop_map(|(utc_ms, offset_min)| Value::DateTime { utc_ms, offset_min }),
            any::<String>().prop_map(Value::Area),
            any::<String>().prop_map(Value::Person),
            attachment("\\PC{0,30}").prop_map(Value::Attachment),
        ]
    }

    #[test]
    fn the_name_of_an_attachment_may_end_in_a_space() {
        let content = Content { hash: ContentHash([0; 32]), bytes: 1, media: 1 };
        let value = Value::Attachment(Attachment { content, name: "! ".to_owned() });
        let field = field(FieldType::Attachment);
        assert_eq!(check_value(&field, &value), Ok(()));
        assert_eq!(Value::parse(&field, &value.render(&field)), Ok(value));
    }

    proptest! {
        #[test]
        fn every_value_that_fits_comes_back_from_its_text((field, value) in field_and_value()) {
            prop_assert_eq!(check_value(&field, &value), Ok(()));
            prop_assert_eq!(Value::parse(&field, &value.render(&field)), Ok(value));
        }

        #[test]
        fn any_text_is_refused_or_read_as_a_value_that_comes_back(text in "\\PC{0,30}|[-0-9.:TZ+;]{0,30}") {
            for field in builtin::all().iter().flat_map(|form| &form.fields) {
                if let Ok(value) = Value::parse(field, &text) {
                    prop_assert_eq!(Value::parse(field, &value.render(field)), Ok(value));
                }
            }
        }

        #[test]
        fn any_value_can_be_shown_in_any_field(value in any_value()) {
            for field in builtin::all().iter().flat_map(|form| &form.fields) {
                let _ = (value.render(field), value.display(field, Lang::Id), value.display(field, Lang::En));
                if check_value(field, &value).is_ok() {
                    prop_assert_eq!(Value::parse(field, &value.render(field)), Ok(value.clone()));
                }
            }
        }
    }

    #[test]
    fn parse_forgives_what_cannot_be_misread() {
        let phone = field(FieldType::Text { chars_max: 16, pattern: Pattern::Phone });
        assert_eq!(Value::parse(&phone, "(0800) 555-01.00"), Ok(Value::Text("08005550100".to_owned())));
        let text = field(FieldType::Text { chars_max: 20, pattern: Pattern::Any });
        assert_eq!(Value::parse(&text, "satu\r\ndua\rtiga"), Ok(Value::Text("satu\ndua\ntiga".to_owned())));
        let many = field(FieldType::Many(choices()));
        assert_eq!(Value::parse(&many, " LAIN; foto;"), Ok(Value::Many(vec![1, 9])));
        assert_eq!(Value::parse(&field(FieldType::Date), " 2026-11-21 "), Ok(Value::Date(20778)));
    }

    #[test]
    fn parse_says_what_is_wrong() {
        let whole = field(FieldType::Whole { min: 0, max: 120 });
        let many = field(FieldType::Many(choices()));
        let decimal = field(FieldType::Decimal { scale_max: 2 });
        let range = Reason::OutOfRange { min: 0, max: 120 };
        let not_decimal = Reason::NotADecimal { scale_max: 2 };
        for (field, text, reason) in [
            (&whole, "", Reason::Empty),
            (&whole, " ", Reason::Empty),
            (&whole, "12.5", Reason::NotWhole),
            (&whole, "121", range),
            (&whole, "-1", range),
            (&whole, "99999999999999999999", range),
            (&many, "foto;foto", Reason::Duplicate),
            (&many, "foto;video", Reason::UnknownChoice),
            (&many, ";", Reason::Empty),
            (&decimal, "1.234", not_decimal),
            (&decimal, "1,2", not_decimal),
            (&decimal, "1.", not_decimal),
            (&decimal, ".5", not_decimal),
            (&decimal, "-", not_decimal),
            (&decimal, "9999999999999999999", not_decimal),
        ] {
            assert_eq!(Value::parse(field, text), Err(reason), "{text}");
        }
    }

    #[test]
    fn people_read_words_not_codes() {
        let many = field(FieldType::Many(choices()));
        assert_eq!(Value::Many(vec![1, 3]).display(&many, Lang::En), "Photo, Letter");
        assert_eq!(Value::Many(vec![1, 77]).display(&many, Lang::Id), "Foto, #77");
        let date = field(FieldType::Date);
        assert_eq!(Value::Date(20596).display(&date, Lang::Id), "23 Mei 2026");
        assert_eq!(Value::Date(20596).display(&date, Lang::En), "23 May 2026");
        let decimal = field(FieldType::Decimal { scale_max: 2 });
        let show = |unscaled, lang| Value::Decimal { unscaled, scale: 2 }.display(&decimal, lang);
        assert_eq!(show(123_456_789, Lang::Id), "1.234.567,89");
        assert_eq!(show(-5, Lang::En), "-0.05");
        assert_eq!(grouped(i64::MIN, Lang::En), "-9,223,372,036,854,775,808");
        assert_eq!(grouped(50_000, Lang::Id), "50.000");
    }
}
