//! Kinds of values, and how they are read from text.

use std::fmt;

use crate::hours::Hours;

/// What values an option takes. Bounds are inclusive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Any text.
    Text,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A whole number.
    Whole {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// A decimal number.
    Decimal {
        /// Smallest.
        min: f64,
        /// Largest.
        max: f64,
    },
    /// `true` or `false`.
    Boolean,
    /// A span of time with its unit: `500ms`, `20s`, `5m`, `1h30m`, `400d`.
    Duration {
        /// Shortest, in milliseconds.
        min_ms: u64,
        /// Longest, in milliseconds.
        max_ms: u64,
    },
    /// Working days: `2wd`.
    WorkingDays,
    /// A time of the day, `02:00`, or `off`.
    TimeOfDay,
    /// Hours of every day: `off`, `always`, `22:00-05:00, 12:00-13:00`.
    Hours,
    /// A size: `65536`, `64KiB`, `500MiB`, `2GB`.
    Bytes {
        /// Smallest.
        min: u64,
        /// Largest.
        max: u64,
    },
    /// A list of texts; in a variable or flag separated by commas.
    List,
}

/// The value of an option, checked against its kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A text or a word.
    Text(String),
    /// A whole number.
    Whole(i64),
    /// A decimal number.
    Decimal(f64),
    /// Yes or no.
    Boolean(bool),
    /// Milliseconds.
    Duration(u64),
    /// Working days.
    WorkingDays(u32),
    /// Bytes.
    Bytes(u64),
    /// Hours of every day.
    Hours(Hours),
    /// Texts.
    List(Vec<String>),
}

/// Why a value is not valid, in both languages, as the end of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// Indonesian.
    pub id: String,
    /// English.
    pub en: String,
}

impl Kind {
    /// Any span of time.
    pub const DURATION: Kind = Kind::Duration { min_ms: 0, max_ms: u64::MAX };
    /// Any number of bytes.
    pub const BYTES: Kind = Kind::Bytes { min: 0, max: u64::MAX };

    /// Reads a value as it is written in a variable or on a command line.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn parse(&self, text: &str) -> Result<Value, Invalid> {
        let text = text.trim();
        let value = match self {
            Kind::Text | Kind::OneOf(_) => Some(Value::Text(text.to_owned())),
            Kind::Whole { .. } => text.parse().ok().map(Value::Whole),
            Kind::Decimal { .. } => text.parse().ok().map(Value::Decimal),
            Kind::Boolean => text.parse().ok().map(Value::Boolean),
            Kind::Duration { .. } => parse_duration(text).map(Value::Duration),
            Kind::WorkingDays => text.strip_suffix("wd").and_then(|days| days.parse().ok()).map(Value::WorkingDays),
            Kind::TimeOfDay => parse_time_of_day(text).map(Value::Text),
            Kind::Hours => Hours::parse(text).map(Value::Hours),
            Kind::Bytes { .. } => parse_bytes(text).map(Value::Bytes),
            Kind::List => Some(Value::List(parse_list(text))),
        };
        value.filter(|value| self.allows(value)).ok_or_else(|| self.complaint(text))
    }

    /// Whether a value lies within the bounds.
    pub(super) fn allows(&self, value: &Value) -> bool {
        match (self, value) {
            (Kind::OneOf(words), Value::Text(word)) => words.contains(&word.as_str()),
            (Kind::Whole { min, max }, Value::Whole(n)) => min <= n && n <= max,
            (Kind::Decimal { min, max }, Value::Decimal(n)) => n.is_finite() && min <= n && n <= max,
            (Kind::Duration { min_ms, max_ms }, Value::Duration(ms)) => min_ms <= ms && ms <= max_ms,
            (Kind::Bytes { min, max }, Value::Bytes(n)) => min <= n && n <= max,
            _ => true,
        }
    }

    pub(super) fn complaint(&self, found: &str) -> Invalid {
        let (id, en) = self.expected();
        Invalid { id: format!("{found:?} bukan {id}"), en: format!("{found:?} is not {en}") }
    }

    /// What is expected, in both languages.
    fn expected(&self) -> (String, String) {
        let both = |id: &str, en: &str| (id.to_owned(), en.to_owned());
        match self {
            Kind::Text => both("teks", "a text"),
            Kind::OneOf(words) => {
                let words = words.join(" | ");
                (format!("salah satu dari {words}"), format!("one of {words}"))
            }
            Kind::Whole { min, max } => {
                (format!("bilangan bulat dari {min} sampai {max}"), format!("a whole number from {min} to {max}"))
            }
            Kind::Decimal { min, max } => {
                (format!("bilangan dari {min} sampai {max}"), format!("a number from {min} to {max}"))
            }
            Kind::Boolean => both("true atau false", "true or false"),
            Kind::Duration { min_ms: 0, max_ms: u64::MAX } => {
                both("jangka waktu seperti 20s, 5m, 1h30m", "a span of time such as 20s, 5m, 1h30m")
            }
            Kind::Duration { min_ms, max_ms } => {
                let (min, max) = (Span(*min_ms), Span(*max_ms));
                (
                    format!("jangka waktu dari {min} sampai {max}, misalnya 20s, 5m"),
                    format!("a span of time from {min} to {max}, such as 20s, 5m"),
                )
            }
            Kind::WorkingDays => both("jumlah hari kerja seperti 2wd", "a number of working days such as 2wd"),
            Kind::TimeOfDay => both("jam seperti 02:00, atau off", "a time of the day such as 02:00, or off"),
            Kind::Hours => both(
                "jam seperti 22:00-05:00, beberapa dipisah koma, atau off, atau always",
                "hours such as 22:00-05:00, several separated by commas, or off, or always",
            ),
            Kind::Bytes { min: 0, max: u64::MAX } => both("ukuran seperti 500MiB", "a size such as 500MiB"),
            Kind::Bytes { min, max } => (
                format!("ukuran dari {min} sampai {max} bita, misalnya 64KiB"),
                format!("a size from {min} to {max} bytes, such as 64KiB"),
            ),
            Kind::List => both("daftar teks", "a list of texts"),
        }
    }
}

/// Milliseconds in the largest units that divide them.
struct Span(u64);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, ms) =
            UNITS_OF_TIME.iter().find(|(_, ms)| self.0 >= *ms && self.0.is_multiple_of(*ms)).unwrap_or(&("ms", 1));
        write!(f, "{}{unit}", self.0 / ms)
    }
}

const UNITS_OF_TIME: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// `1h30m` is the sum of its parts; every part needs its unit, and only 0 can do without.
fn parse_duration(text: &str) -> Option<u64> {
    if text == "0" {
        return Some(0);
    }
    let (mut total, mut rest) = (0_u64, text);
    while !rest.is_empty() {
        let (number, after) = split_number(rest)?;
        let end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let (_, ms) = UNITS_OF_TIME.iter().find(|(name, _)| *name == unit)?;
        total = total.checked_add(number.checked_mul(*ms)?)?;
        rest = after;
    }
    (!text.is_empty()).then_some(total)
}

/// `HH:MM` with two digits each, or `off`.
fn parse_time_of_day(text: &str) -> Option<String> {
    if text == "off" {
        return Some(text.to_owned());
    }
    let (hour, minute) = text.split_once(':')?;
    let part = |digits: &str, below: u8| {
        let two = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse().ok().filter(|number: &u8| two && *number < below)
    };
    part(hour, 24).and(part(minute, 60)).map(|_| text.to_owned())
}

fn parse_bytes(text: &str) -> Option<u64> {
    let (number, unit) = split_number(text)?;
    let unit = match unit.trim() {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        _ => return None,
    };
    number.checked_mul(unit)
}

fn split_number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    Some((digits.parse().ok()?, rest))
}

fn parse_list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_sizes_are_read_with_their_units() {
        assert_eq!(parse_duration("5m"), Some(300_000));
        assert_eq!(parse_duration("1h30m"), Some(5_400_000));
        assert_eq!(parse_duration("400d"), Some(34_560_000_000));
        assert_eq!(parse_duration("250ms"), Some(250));
        for bad in ["", "5", "m", "5 m", "5y", "-5m", "99999999999999999999d", "9999999999999999d"] {
            assert_eq!(parse_duration(bad), None, "{bad}");
        }
        assert_eq!(parse_bytes("500MiB"), Some(500 << 20));
        assert_eq!(parse_bytes("65536"), Some(65_536));
        assert_eq!(parse_bytes("2 GB"), Some(2_000_000_000));
        assert_eq!(parse_bytes("1 monyet"), None);
    }

    #[test]
    fn a_value_out_of_bounds_is_refused_with_the_bounds() {
        let kind = Kind::Whole { min: 1, max: 10 };
        assert_eq!(kind.parse("10"), Ok(Value::Whole(10)));
        assert_eq!(kind.parse("11").expect_err("beyond").en, "\"11\" is not a whole number from 1 to 10");
        let patience = Kind::Duration { min_ms: 1_000, max_ms: 86_400_000 };
        assert!(patience.parse("2d").expect_err("beyond").id.contains("dari 1s sampai 1d"));
        assert_eq!(Kind::Decimal { min: 0.0, max: 1.0 }.parse("NaN").ok(), None);
    }
}
