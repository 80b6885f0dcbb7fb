//! Dates and times as offices write them: `21/11/2026`, `21 Nov 2026`, `2026-11-21 14.05 WIB`.
//!
//! Day comes before month, as everywhere in Indonesia. A file from a PC with American settings needs a format in its
//! map. Years have four digits unless a format says otherwise.

mod scan;

use kentongan_protocol::form::{Civil, Value};

use scan::{Clock, Scan, date, half_of, month_named};

/// A date, and what was written beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    date: Civil,
    /// Milliseconds since midnight.
    time_ms: Option<u32>,
    /// Minutes east of UTC.
    offset_min: Option<i16>,
}

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;

impl Moment {
    /// The day; what is said of the time of day is left out.
    pub(super) fn day(self) -> Option<Value> {
        self.date.to_days().map(Value::Date)
    }

    /// The moment, at the offset it was written in, else at `offset_min`. A day alone is its first moment.
    pub(super) fn moment(self, offset_min: i16) -> Option<Value> {
        let offset_min = self.offset_min.unwrap_or(offset_min);
        let local = i64::from(self.date.to_days()?) * DAY_MS + i64::from(self.time_ms.unwrap_or(0));
        Some(Value::DateTime { utc_ms: local - i64::from(offset_min) * MINUTE_MS, offset_min })
    }
}

/// How dates are written in one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Dates {
    /// Formats of the map, tried first.
    pub(super) formats: Vec<Format>,
    /// Offset of times that name none, in minutes east of UTC.
    pub(super) offset_min: i16,
}

impl Dates {
    /// Reads a date or a date with a time.
    pub(super) fn read(&self, text: &str) -> Option<Moment> {
        let text = text.trim();
        self.formats.iter().find_map(|format| format.read(text)).or_else(|| read_usual(text))
    }
}

/// A format such as `%d/%m/%Y %H:%M`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Format(Vec<Item>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Item {
    Day,
    Month,
    MonthName,
    Year,
    ShortYear,
    Hour,
    Minute,
    Second,
    HalfDay,
    Offset,
    Space,
    Literal(char),
}

impl Format {
    /// From its text: `%d %m %Y %y %b %B %H %I %M %S %p %z`, and everything else as it stands.
    pub(super) fn parse(text: &str) -> Option<Format> {
        let mut items = Vec::new();
        let mut chars = text.trim().chars();
        while let Some(c) = chars.next() {
            items.push(match c {
                '%' => match chars.next()? {
                    'd' | 'e' => Item::Day,
                    'm' => Item::Month,
                    'b' | 'B' => Item::MonthName,
                    'Y' => Item::Year,
                    'y' => Item::ShortYear,
                    'H' | 'I' => Item::Hour,
                    'M' => Item::Minute,
                    'S' => Item::Second,
                    'p' => Item::HalfDay,
                    'z' => Item::Offset,
                    '%' => Item::Literal('%'),
                    _ => return None,
                },
                c if c.is_whitespace() => Item::Space,
                c => Item::Literal(c),
            });
        }
        let has = |wanted: &[Item]| wanted.iter().any(|item| items.contains(item));
        let complete = has(&[Item::Day]) && has(&[Item::Month, Item::MonthName]) && has(&[Item::Year, Item::ShortYear]);
        complete.then_some(Format(items))
    }

    fn read(&self, text: &str) -> Option<Moment> {
        let mut scan = Scan(text);
        let (mut day, mut month, mut year) = (None, None, None);
        let mut clock = Clock::default();
        let mut offset_min = None;
        for item in &self.0 {
            match item {
                Item::Day => day = Some(scan.number(1, 2)?),
                Item::Month => month = Some(scan.number(1, 2)?),
                Item::MonthName => month = Some(month_named(scan.word()?)?),
                Item::Year => year = Some(scan.number(4, 4)?),
                Item::ShortYear => {
                    let short = scan.number(2, 2)?;
                    year = Some(if short < 70 { 2000 + short } else { 1900 + short });
                }
                Item::Hour => clock.hour = Some(scan.number(1, 2)?),
                Item::Minute => clock.minute = scan.number(2, 2)?,
                Item::Second => clock.second_ms = scan.number(2, 2)? * 1000,
                Item::HalfDay => clock.half = Some(half_of(scan.word()?)?),
                Item::Offset => offset_min = Some(scan.offset()?),
                Item::Space => scan.skip(char::is_whitespace),
                Item::Literal(c) => scan.0 = scan.0.strip_prefix(*c)?,
            }
        }
        scan.end()?;
        let time_ms = clock.time_ms()?;
        Some(Moment { date: date(year?, month?, day?)?, time_ms, offset_min })
    }
}

fn read_usual(text: &str) -> Option<Moment> {
    let mut scan = Scan(text);
    let date = scan.date()?;
    scan.skip(|c| c.is_whitespace() || c == ',');
    if scan.0.is_empty() {
        return Some(Moment { date, time_ms: None, offset_min: None });
    }
    let mut after = scan;
    let word = after.word().unwrap_or_default().to_ascii_lowercase();
    if ["t", "pukul", "jam", "pkl"].contains(&word.as_str()) {
        scan = after;
        scan.skip(|c| c.is_whitespace() || c == '.');
    }
    let (time_ms, offset_min) = scan.time()?;
    scan.end()?;
    Some(Moment { date, time_ms, offset_min })
}

/// Minutes east of UTC from `+07:00` or a name such as `WIB`.
pub(super) fn read_offset(text: &str) -> Option<i16> {
    let mut scan = Scan(text.trim());
    let offset_min = scan.offset()?;
    scan.end().map(|()| offset_min)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn dates(formats: &[&str]) -> Dates {
        let formats = formats.iter().map(|format| Format::parse(format).expect("a format")).collect();
        Dates { formats, offset_min: 420 }
    }

    fn day(text: &str, formats: &[&str]) -> Option<String> {
        dates(formats).read(text).map(|moment| moment.date.to_string())
    }

    fn moment(text: &str) -> Option<(i64, i16)> {
        match dates(&[]).read(text)?.moment(420)? {
            Value::DateTime { utc_ms, offset_min } => Some((utc_ms, offset_min)),
            _ => None,
        }
    }

    #[test]
    fn every_usual_way_to_write_a_day_is_read() {
        for text in [
            "2026-11-21",
            "2026/11/21",
            "21/11/2026",
            "21-11-2026",
            "21.11.2026",
            "21 November 2026",
            "21 Nopember 2026",
            "21 Nov 2026",
            "21-Nov-2026",
            "Sabtu, 21 November 2026",
            "November 21, 2026",
            " 21/11/2026 ",
            "21/11/2026 14:05",
            "2026-11-21T14:05:00+07:00",
        ] {
            assert_eq!(day(text, &[]).as_deref(), Some("2026-11-21"), "{text}");
        }
        assert_eq!(day("1 Agt 2026", &[]).as_deref(), Some("2026-08-01"));
        assert_eq!(day("3 mei 2026", &[]).as_deref(), Some("2026-05-03"));
    }

    #[test]
    fn what_could_be_another_day_or_none_is_refused() {
        for text in ["21/11/26", "31/02/2026", "11/21/2026", "2026", "kemarin", "21 Foo 2026", "21/11/2026 x", "45983"]
        {
            assert_eq!(day(text, &[]), None, "{text}");
        }
    }

    #[test]
    fn the_formats_of_the_map_come_first() {
        assert_eq!(day("11/21/2026", &["%m/%d/%Y"]).as_deref(), Some("2026-11-21"));
        assert_eq!(day("03/04/2026", &["%m/%d/%Y"]).as_deref(), Some("2026-03-04"));
        assert_eq!(day("21.11.26", &["%d.%m.%y"]).as_deref(), Some("2026-11-21"));
        assert_eq!(day("2026-11-21", &["%d.%m.%y"]).as_deref(), Some("2026-11-21"), "and the usual ones after them");
        for wrong in ["%d/%m", "%Q/%m/%Y", "%", "dd/mm/yyyy"] {
            assert_eq!(Format::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn times_are_read_with_and_without_their_offset() {
        let expected = 20778 * DAY_MS + (7 * 60 + 5) * MINUTE_MS;
        for text in [
            "2026-11-21T14:05:00+07:00",
            "2026-11-21 14:05",
            "21/11/2026 14.05",
            "21 November 2026 pukul 14.05 WIB",
            "21 Nov 2026, jam 14.05",
            "21/11/2026 2:05 PM",
            "2026-11-21T14:05:00.000+0700",
        ] {
            assert_eq!(moment(text), Some((expected, 420)), "{text}");
        }
        assert_eq!(moment("21/11/2026 16.05 WIT"), Some((expected, 540)));
        assert_eq!(moment("2026-11-21T07:05:00Z"), Some((expected, 0)));
        assert_eq!(moment("2026-11-21"), Some((20778 * DAY_MS - 420 * MINUTE_MS, 420)), "a day is its first moment");
        for text in ["2026-11-21 25:00", "2026-11-21 14", "2026-11-21 13:05 PM", "2026-11-21 14:05 XYZ", "14:05"] {
            assert_eq!(moment(text), None, "{text}");
        }
    }

    #[test]
    fn offsets_are_read_by_number_and_by_name() {
        assert_eq!(
            [read_offset("+08:00"), read_offset("WITA"), read_offset("-0330")],
            [Some(480), Some(480), Some(-210)]
        );
        assert_eq!([read_offset("8"), read_offset("+08:00x"), read_offset("+19:00")], [None, None, None]);
    }

    proptest! {
        #[test]
        fn no_text_makes_a_date_panic(text in "\\PC{0,30}|[0-9A-Za-z:/., +-]{0,30}", format in "[%dmYbBHMSpz /é]{0,12}") {
            let mut dates = dates(&[]);
            dates.formats.extend(Format::parse(&format));
            if let Some(moment) = dates.read(&text) {
                prop_assert!(moment.day().is_some() && moment.moment(420).is_some());
            }
        }
    }
}
