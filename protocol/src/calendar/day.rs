//! Civil days by number, and the zone of an office. Indonesia has three zones and no summer time; which one an office
//! is in follows from its province.

use std::fmt;

use crate::form::Civil;
use crate::ids::OfficeCode;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// A civil day: days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i32);

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weekday {
    /// Senin.
    Monday = 0,
    /// Selasa.
    Tuesday = 1,
    /// Rabu.
    Wednesday = 2,
    /// Kamis.
    Thursday = 3,
    /// Jumat.
    Friday = 4,
    /// Sabtu.
    Saturday = 5,
    /// Minggu.
    Sunday = 6,
}

impl Weekday {
    const ALL: [Weekday; 7] = [
        Weekday::Monday,
        Weekday::Tuesday,
        Weekday::Wednesday,
        Weekday::Thursday,
        Weekday::Friday,
        Weekday::Saturday,
        Weekday::Sunday,
    ];
}

impl Day {
    /// The day so many days later; earlier for a negative number.
    pub fn plus(self, days: i32) -> Day {
        Day(self.0.saturating_add(days))
    }

    /// Days from `earlier` to this one.
    pub fn since(self, earlier: Day) -> i32 {
        self.0.saturating_sub(earlier.0)
    }

    /// Its date; `None` outside the years 0 to 9999.
    pub fn civil(self) -> Option<Civil> {
        Civil::from_days(self.0)
    }

    /// Its day of the week.
    pub fn weekday(self) -> Weekday {
        // 1970-01-01 was a Thursday.
        let place = (i64::from(self.0) + 3).rem_euclid(7);
        usize::try_from(place).ok().and_then(|place| Weekday::ALL.get(place)).copied().unwrap_or(Weekday::Sunday)
    }

    /// Its year; 0 for a day outside the years 0 to 9999, which no calendar covers.
    pub fn year(self) -> i32 {
        self.civil().map_or(0, |civil| civil.year)
    }
}

impl From<Civil> for Day {
    /// A date that the calendar lacks becomes the day 0, 1970-01-01.
    fn from(civil: Civil) -> Day {
        Day(civil.to_days().unwrap_or(0))
    }
}

/// `2026-11-21`; the bare number of a day outside the years 0 to 9999.
impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.civil() {
            Some(civil) => civil.fmt(f),
            None => write!(f, "day {}", self.0),
        }
    }
}

/// A time zone of Indonesia.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Zone {
    /// Western, UTC+7.
    #[default]
    Wib,
    /// Central, UTC+8.
    Wita,
    /// Eastern, UTC+9.
    Wit,
}

impl Zone {
    /// The zone of an office, by its province.
    pub fn of(office: &OfficeCode) -> Zone {
        match office.as_str().get(..2).unwrap_or_default() {
            "51" | "52" | "53" | "63" | "64" | "65" | "71" | "72" | "73" | "74" | "75" | "76" => Zone::Wita,
            "81" | "82" | "91" | "92" | "93" | "94" | "95" | "96" => Zone::Wit,
            _ => Zone::Wib,
        }
    }

    /// Its short name.
    pub fn name(self) -> &'static str {
        match self {
            Zone::Wib => "WIB",
            Zone::Wita => "WITA",
            Zone::Wit => "WIT",
        }
    }

    /// Hours ahead of UTC.
    pub fn hours(self) -> i64 {
        match self {
            Zone::Wib => 7,
            Zone::Wita => 8,
            Zone::Wit => 9,
        }
    }

    /// The civil day at a moment, milliseconds since 1970. Moments beyond every calendar fall on its last days.
    pub fn day_of(self, at_ms: i64) -> Day {
        let days = at_ms.saturating_add(self.hours() * HOUR_MS).div_euclid(DAY_MS);
        Day(i32::try_from(days).unwrap_or(if days < 0 { i32::MIN } else { i32::MAX }))
    }

    /// Milliseconds since the midnight with which the civil day began.
    pub fn since_midnight_ms(self, at_ms: i64) -> i64 {
        at_ms.saturating_add(self.hours() * HOUR_MS).rem_euclid(DAY_MS)
    }

    /// When a civil day begins, milliseconds since 1970.
    pub fn start_of(self, day: Day) -> i64 {
        i64::from(day.0) * DAY_MS - self.hours() * HOUR_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        text.parse::<Civil>().unwrap().into()
    }

    #[test]
    fn known_days_have_their_weekdays() {
        for (text, weekday) in [
            ("1970-01-01", Weekday::Thursday),
            ("1969-12-31", Weekday::Wednesday),
            ("2026-03-16", Weekday::Monday),
            ("2026-11-22", Weekday::Sunday),
        ] {
            assert_eq!(day(text).weekday(), weekday, "{text}");
        }
    }

    #[test]
    fn a_day_begins_at_each_zones_own_midnight() {
        let (bandung, makassar, jayapura) = ("32.73", "73.71", "91.71");
        let zones = [bandung, makassar, jayapura].map(|code| Zone::of(&code.parse().unwrap()));
        assert_eq!(zones, [Zone::Wib, Zone::Wita, Zone::Wit]);
        for zone in zones {
            let midnight = zone.start_of(day("2026-11-21"));
            assert_eq!(zone.day_of(midnight), day("2026-11-21"), "{}", zone.name());
            assert_eq!(zone.day_of(midnight - 1), day("2026-11-20"), "{}", zone.name());
            assert_eq!((zone.since_midnight_ms(midnight), zone.since_midnight_ms(midnight - 1)), (0, DAY_MS - 1));
        }
    }

    #[test]
    fn no_moment_however_absurd_breaks_the_count() {
        for at_ms in [i64::MIN, -1, i64::MAX] {
            let day = Zone::Wit.day_of(at_ms);
            let _ = (day.weekday(), day.year(), day.to_string(), day.plus(i32::MAX), Zone::Wit.start_of(day));
        }
        assert_eq!(Zone::Wib.day_of(i64::MAX).year(), 0);
    }
}
