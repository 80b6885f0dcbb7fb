//! Times in answers: milliseconds since 1970 inside, `2026-11-21T07:00:03.118Z` in documents.

use jiff::tz::TimeZone;
use kentongan_protocol::form::Lang;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::output::pick;

/// The zone of this machine.
///
/// On Windows that is how far its clock is from UTC today, whenever the time was: which zone had which offset when would be
/// 0.2 MB in a program that is to be small, and Indonesia's zones have not changed since 1988 (Keputusan Presiden 41/1987).
pub fn zone() -> TimeZone {
    #[cfg(windows)]
    {
        use jiff::tz::Offset;

        TimeZone::fixed(Offset::from_seconds(kentongan_windows::clock::ahead_of_utc_s()).unwrap_or(Offset::UTC))
    }
    #[cfg(not(windows))]
    {
        TimeZone::system()
    }
}

/// A time as documents show it. What lies beyond the calendar is shown at its edge.
pub fn text(ms: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(ms);
    let edge = if ms < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
    time.unwrap_or(edge).to_string()
}

/// A time as people of `lang` write it, by this machine's zone: `21 Nov 2026 14.05`.
pub fn spoken(lang: Lang, ms: i64) -> String {
    let Ok(time) = jiff::Timestamp::from_millisecond(ms) else { return "?".to_owned() };
    let zoned = time.to_zoned(zone());
    let months = match lang {
        Lang::Id => ["Jan", "Feb", "Mar", "Apr", "Mei", "Jun", "Jul", "Agu", "Sep", "Okt", "Nov", "Des"],
        Lang::En => ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    };
    let month = usize::try_from(zoned.month() - 1).ok().and_then(|index| months.get(index)).copied().unwrap_or("?");
    let clock = zoned.strftime(pick(lang, "%H.%M", "%H:%M"));
    format!("{} {month} {} {clock}", zoned.day(), zoned.year())
}

/// Reads a time as documents show it.
pub fn parse(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(|time| time.as_millisecond())
}

/// For `#[serde(with = …)]`.
///
/// # Errors
/// Whatever the serializer fails with.
pub fn serialize<S: Serializer>(ms: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    text(*ms).serialize(serializer)
}

/// For `#[serde(with = …)]`.
///
/// # Errors
/// What was found is no time.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).ok_or_else(|| de::Error::custom("a time such as 2026-11-21T07:00:03Z"))
}

/// The same for times that may be missing.
pub mod option {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    /// For `#[serde(with = …)]`.
    ///
    /// # Errors
    /// Whatever the serializer fails with.
    pub fn serialize<S: Serializer>(ms: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
        ms.map(super::text).serialize(serializer)
    }

    /// For `#[serde(with = …)]`.
    ///
    /// # Errors
    /// What was found is no time.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
        match Option::<String>::deserialize(deserializer)? {
            None => Ok(None),
            Some(text) => super::parse(&text).map(Some).ok_or_else(|| de::Error::custom("a time or null")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_comes_back_and_an_absurd_one_is_still_shown() {
        assert_eq!(text(1_795_000_000_118), "2026-11-18T11:06:40.118Z");
        assert_eq!(parse(&text(1_795_000_000_118)), Some(1_795_000_000_118));
        assert!(text(i64::MAX).starts_with("9999-12-"));
        assert_eq!(parse("kemarin"), None);
    }
}
