//! Civil dates and moments as text: the proleptic Gregorian calendar, years 0 to 9999, RFC 3339.

use std::fmt;
use std::str::FromStr;

use super::Lang;
use crate::error::Malformed;

/// A civil date: year, month 1-12, day 1-31.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Civil {
    /// Year, e.g. 2026.
    pub year: i32,
    /// Month, 1 to 12.
    pub month: u8,
    /// Day of the month, 1 to 31.
    pub day: u8,
}

/// Days from 0000-01-01 to 1970-01-01.
const DAYS_BEFORE_1970: i32 = 719_528;
const YEAR_MAX: i32 = 9999;
const DAY_MS: i64 = 86_400_000;
const MINUTE_MS: i64 = 60_000;
/// Widest offset from UTC that RFC 3339 writers are known to use, 18 hours.
const OFFSET_MIN_MAX: i16 = 1080;

impl Civil {
    /// The date, if the calendar has it and its year is 0 to 9999.
    pub fn new(year: i32, month: u8, day: u8) -> Option<Civil> {
        let date = Civil { year, month, day };
        date.to_days().map(|_| date)
    }

    /// The date so many days after 1970-01-01; `None` outside the years 0 to 9999.
    pub fn from_days(days: i32) -> Option<Civil> {
        let since_zero = days.checked_add(DAYS_BEFORE_1970)?;
        if !(0..days_before_year(YEAR_MAX + 1)).contains(&since_zero) {
            return None;
        }
        // 400 years have 146,097 days; the mean misses the true year by one at most, and the loops put that right.
        let mut year = i32::try_from(i64::from(since_zero) * 400 / 146_097).ok()?;
        while days_before_year(year) > since_zero {
            year -= 1;
        }
        while days_before_year(year + 1) <= since_zero {
            year += 1;
        }
        let mut rest = since_zero - days_before_year(year);
        for month in 1..=12 {
            let length = i32::from(month_days(year, month));
            if rest < length {
                return Some(Civil { year, month, day: u8::try_from(rest + 1).ok()? });
            }
            rest -= length;
        }
        None
    }

    /// Days since 1970-01-01; `None` if the calendar has no such date or its year is outside 0 to 9999.
    pub fn to_days(self) -> Option<i32> {
        let Civil { year, month, day } = self;
        let exists = (0..=YEAR_MAX).contains(&year) && (1..=month_days(year, month)).contains(&day);
        let before_month: i32 = (1..month).map(|m| i32::from(month_days(year, m))).sum();
        exists.then(|| days_before_year(year) + before_month + i32::from(day) - 1 - DAYS_BEFORE_1970)
    }

    /// For people: `21 November 2026`.
    pub fn display(self, lang: Lang) -> String {
        const ID: [&str; 12] = [
            "Januari",
            "Februari",
            "Maret",
            "April",
            "Mei",
            "Juni",
            "Juli",
            "Agustus",
            "September",
            "Oktober",
            "November",
            "Desember",
        ];
        const EN: [&str; 12] = [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ];
        let names = match lang {
            Lang::Id => ID,
            Lang::En => EN,
        };
        match names.get(usize::from(self.month).wrapping_sub(1)) {
            Some(month) => format!("{} {month} {}", self.day, self.year),
            None => self.to_string(),
        }
    }
}

impl fmt::Display for Civil {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl FromStr for Civil {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let read = || {
            let (year, rest) = digits(text, 4)?;
            let (month, rest) = digits(rest.strip_prefix('-')?, 2)?;
            let (day, rest) = digits(rest.strip_prefix('-')?, 2)?;
            let date = Civil::new(i32::try_from(year).ok()?, u8::try_from(month).ok()?, u8::try_from(day).ok()?)?;
            rest.is_empty().then_some(date)
        };
        read().ok_or(Malformed::new("date: expected a day of the calendar such as 2026-11-21"))
    }
}

/// Days from 0000-01-01 to the first day of `year`, which is 0 or later.
fn days_before_year(year: i32) -> i32 {
    // Leap years before `year`, the year 0 among them.
    365 * year + (year + 3) / 4 - (year + 99) / 100 + (year + 399) / 400
}

/// Length of a month; 0 if there is no such month.
fn month_days(year: i32, month: u8) -> u8 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => 0,
    }
}

/// The number in the first `width` characters, which must be digits, and the text after them.
fn digits(text: &str, width: usize) -> Option<(u32, &str)> {
    let (head, rest) = text.split_at_checked(width)?;
    let number = head.bytes().all(|b| b.is_ascii_digit()).then(|| head.parse().ok())??;
    Some((number, rest))
}

/// A moment as people at a place see it: civil date and time of day.
pub(super) struct LocalTime {
    pub(super) date: Civil,
    /// Milliseconds since local midnight.
    pub(super) day_ms: i64,
    pub(super) offset_min: i16,
}

impl LocalTime {
    /// `None` if the offset is wider than 18 hours or the local year is outside 0 to 9999.
    pub(super) fn of(utc_ms: i64, offset_min: i16) -> Option<LocalTime> {
        if !(-OFFSET_MIN_MAX..=OFFSET_MIN_MAX).contains(&offset_min) {
            return None;
        }
        let local_ms = utc_ms.checked_add(i64::from(offset_min) * MINUTE_MS)?;
        let date = Civil::from_days(i32::try_from(local_ms.div_euclid(DAY_MS)).ok()?)?;
        Some(LocalTime { date, day_ms: local_ms.rem_euclid(DAY_MS), offset_min })
    }

    /// Milliseconds since 1970-01-01T00:00:00 UTC.
    fn utc_ms(&self) -> Option<i64> {
        Some(i64::from(self.date.to_days()?) * DAY_MS + self.day_ms - i64::from(self.offset_min) * MINUTE_MS)
    }

    fn offset_text(&self) -> String {
        let sign = if self.offset_min < 0 { '-' } else { '+' };
        let minutes = self.offset_min.unsigned_abs();
        format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }

    /// For people: `21 November 2026 pukul 14.05 WIB`.
    pub(super) fn display(&self, lang: Lang) -> String {
        let date = self.date.display(lang);
        let (hour, minute) = (self.day_ms / 3_600_000, self.day_ms / MINUTE_MS % 60);
        let zone = match self.offset_min {
            420 => "WIB".to_owned(),
            480 => "WITA".to_owned(),
            540 => "WIT".to_owned(),
            _ => format!("UTC{}", self.offset_text()),
        };
        match lang {
            Lang::Id => format!("{date} pukul {hour:02}.{minute:02} {zone}"),
            Lang::En => format!("{date}, {hour:02}:{minute:02} {zone}"),
        }
    }
}

/// RFC 3339; milliseconds only where there are any.
impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hour, minute) = (self.day_ms / 3_600_000, self.day_ms / MINUTE_MS % 60);
        let (second, milli) = (self.day_ms / 1000 % 60, self.day_ms % 1000);
        write!(f, "{}T{hour:02}:{minute:02}:{second:02}", self.date)?;
        if milli != 0 {
            write!(f, ".{milli:03}")?;
        }
        f.write_str(&self.offset_text())
    }
}

/// Reads an RFC 3339 date-time: milliseconds since 1970 (finer digits are dropped) and minutes east of UTC.
pub(super) fn read_date_time(text: &str) -> Option<(i64, i16)> {
    let (date, rest) = text.split_at_checked(10)?;
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let (hour, rest) = digits(rest, 2)?;
    let (minute, rest) = digits(rest.strip_prefix(':')?, 2)?;
    let (second, rest) = digits(rest.strip_prefix(':')?, 2)?;
    let (milli, rest) = match rest.strip_prefix('.') {
        Some(fraction) => read_fraction(fraction)?,
        None => (0, rest),
    };
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let day_ms = i64::from(hour * 3600 + minute * 60 + second) * 1000 + milli;
    let local = LocalTime { date: date.parse().ok()?, day_ms, offset_min: read_offset(rest)? };
    Some((local.utc_ms()?, local.offset_min))
}

/// Milliseconds from the digits after the point (1 to 9 of them), and the text after them.
fn read_fraction(text: &str) -> Option<(i64, &str)> {
    let width = text.bytes().take_while(u8::is_ascii_digit).count();
    if !(1..=9).contains(&width) {
        return None;
    }
    let (head, rest) = text.split_at_checked(width)?;
    let milli = head.bytes().chain(*b"00").take(3).fold(0, |milli, digit| milli * 10 + i64::from(digit - b'0'));
    Some((milli, rest))
}

/// Minutes east of UTC from `Z` or `+07:00`.
fn read_offset(text: &str) -> Option<i16> {
    if text == "Z" || text == "z" {
        return Some(0);
    }
    let sign = match text.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let (hours, rest) = digits(text.get(1..)?, 2)?;
    let (minutes, rest) = digits(rest.strip_prefix(':')?, 2)?;
    let offset_min = i16::try_from(hours * 60 + minutes).ok()?;
    (rest.is_empty() && minutes <= 59 && offset_min <= OFFSET_MIN_MAX).then_some(sign * offset_min)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_ten_thousand_years_follows_its_yesterday() {
        let first = Civil { year: 0, month: 1, day: 1 }.to_days().unwrap();
        let last = Civil { year: 9999, month: 12, day: 31 }.to_days().unwrap();
        assert_eq!(last - first + 1, 3_652_425);
        let mut yesterday = Civil::from_days(first).unwrap();
        for days in first + 1..=last {
            let today = Civil::from_days(days).unwrap();
            assert_eq!(today.to_days(), Some(days));
            let follows = match today {
                Civil { month: 1, day: 1, .. } => {
                    (yesterday.year + 1, yesterday.month, yesterday.day) == (today.year, 12, 31)
                }
                Civil { day: 1, .. } => (yesterday.year, yesterday.month + 1) == (today.year, today.month),
                _ => Civil { day: yesterday.day + 1, ..yesterday } == today,
            };
            assert!(follows, "{yesterday} then {today}");
            yesterday = today;
        }
        assert_eq!(Civil::from_days(first - 1), None);
        assert_eq!(Civil::from_days(last + 1), None);
        assert_eq!(Civil::from_days(i32::MAX), None);
        assert_eq!(Civil::from_days(i32::MIN), None);
    }

    #[test]
    fn known_days_have_their_numbers() {
        for (text, days) in [("1970-01-01", 0), ("1969-12-31", -1), ("2000-03-01", 11017), ("2026-11-21", 20778)] {
            assert_eq!(text.parse::<Civil>().unwrap().to_days(), Some(days), "{text}");
        }
    }

    #[test]
    fn a_day_the_calendar_lacks_is_no_date() {
        let absent = ["2026-02-29", "1900-02-29", "2026-13-01", "2026-00-10", "2026-04-31", "2026-04-00"];
        let misspelt = ["", "2026", "26-11-21", "2026-1-21", "2026-11-21 ", "+026-11-21", "2026/11/21", "２026-11-2"];
        for text in absent.iter().chain(&misspelt) {
            assert!(text.parse::<Civil>().is_err(), "{text}");
        }
        assert!("2024-02-29".parse::<Civil>().is_ok());
        assert!("2000-02-29".parse::<Civil>().is_ok());
    }

    #[test]
    fn a_date_time_keeps_the_offset_it_was_written_in() {
        let (utc_ms, offset_min) = read_date_time("2026-11-21T14:05:09.25+07:00").unwrap();
        assert_eq!((utc_ms, offset_min), (20778 * DAY_MS + (7 * 3600 + 5 * 60 + 9) * 1000 + 250, 420));
        let local = LocalTime::of(utc_ms, offset_min).unwrap();
        assert_eq!(local.to_string(), "2026-11-21T14:05:09.250+07:00");
        assert_eq!(local.display(Lang::Id), "21 November 2026 pukul 14.05 WIB");
        assert_eq!(local.display(Lang::En), "21 November 2026, 14:05 WIB");
        assert_eq!(read_date_time("1970-01-01t00:00:00z"), Some((0, 0)));
        assert_eq!(read_date_time("1969-12-31 19:29:59.999-04:30"), Some((-1, -270)));
    }

    #[test]
    fn what_is_not_rfc_3339_is_refused() {
        for text in [
            "2026-11-21",
            "2026-11-21T14:05",
            "2026-11-21T14:05:00",
            "2026-11-21T14:05:00+7",
            "2026-11-21T14:05:00+0700",
            "2026-11-21T24:00:00Z",
            "2026-11-21T14:60:00Z",
            "2026-11-21T14:05:60Z",
            "2026-11-21T14:05:00.Z",
            "2026-11-21T14:05:00.0000000001Z",
            "2026-11-21T14:05:00+18:01",
            "2026-11-21T14:05:00+07:60",
            "2026-11-21T14:05:00Zé",
            "2026-11-2éT14:05:00Z",
        ] {
            assert_eq!(read_date_time(text), None, "{text}");
        }
    }
}
