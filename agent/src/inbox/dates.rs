//! Dates and times as offices write them: `21/11/2026`, `21 Nov 2026`, `2026-11-21 14.05 WIB`.
//!
//! Day comes before month, as everywhere in Indonesia. A file from a PC with American settings needs a format in its
//! map. Years have four digits unless a format says otherwise.

use kentongan_protocol::form::{Civil, Value};

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

/// Time of day as far as it was written.
#[derive(Default)]
struct Clock {
    hour: Option<u32>,
    minute: u32,
    second_ms: u32,
    half: Option<Half>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Half {
    Morning,
    Afternoon,
}

impl Clock {
    /// Milliseconds since midnight; the outer `None` is a time that no clock shows.
    fn time_ms(&self) -> Option<Option<u32>> {
        let Some(hour) = self.hour else { return Some(None) };
        let hour = match self.half {
            None => hour,
            Some(_) if !(1..=12).contains(&hour) => return None,
            Some(Half::Morning) => hour % 12,
            Some(Half::Afternoon) => hour % 12 + 12,
        };
        let shown = hour < 24 && self.minute < 60 && self.second_ms < 60_000;
        shown.then_some(Some((hour * 60 + self.minute) * 60_000 + self.second_ms))
    }
}

/// The rest of a text that is being read.
#[derive(Clone, Copy)]
struct Scan<'t>(&'t str);

impl<'t> Scan<'t> {
    fn skip(&mut self, what: impl Fn(char) -> bool) {
        self.0 = self.0.trim_start_matches(what);
    }

    /// All characters up to the first that is not `what`.
    fn take(&mut self, what: impl Fn(char) -> bool) -> &'t str {
        let end = self.0.find(|c| !what(c)).unwrap_or(self.0.len());
        let (head, rest) = self.0.split_at_checked(end).unwrap_or((self.0, ""));
        self.0 = rest;
        head
    }

    /// A number of so many digits, with no further digit behind it.
    fn number(&mut self, digits_min: usize, digits_max: usize) -> Option<u32> {
        let digits = self.take(|c| c.is_ascii_digit());
        (digits_min..=digits_max).contains(&digits.len()).then(|| digits.parse().ok())?
    }

    fn word(&mut self) -> Option<&'t str> {
        let word = self.take(|c| c.is_ascii_alphabetic());
        (!word.is_empty()).then_some(word)
    }

    fn end(self) -> Option<()> {
        self.0.trim().is_empty().then_some(())
    }

    /// Year, month, day; day, month, year; or month name, day, year; a day of the week before it is passed over.
    fn date(&mut self) -> Option<Civil> {
        let between = |scan: &mut Scan<'_>| {
            let before = scan.0.len();
            scan.skip(|c| c.is_whitespace() || "-/.,".contains(c));
            (scan.0.len() < before).then_some(())
        };
        if self.0.starts_with(|c: char| c.is_ascii_alphabetic()) {
            let word = self.word()?;
            between(self)?;
            if let Some(month) = month_named(word) {
                let day = self.number(1, 2)?;
                between(self)?;
                return date(self.number(4, 4)?, month, day);
            }
        }
        let first = self.take(|c| c.is_ascii_digit());
        between(self)?;
        let month = match self.word() {
            Some(word) => month_named(word)?,
            None => self.number(1, 2)?,
        };
        between(self)?;
        match first.len() {
            4 => date(first.parse().ok()?, month, self.number(1, 2)?),
            1 | 2 => date(self.number(4, 4)?, month, first.parse().ok()?),
            _ => None,
        }
    }

    /// `14.05`, `14:05:09.250`, `2:05 PM`, and an offset or the name of a zone behind it.
    fn time(&mut self) -> Option<(Option<u32>, Option<i16>)> {
        let colon = |scan: &mut Scan<'_>| {
            let rest = scan.0.strip_prefix([':', '.']);
            rest.map(|rest| scan.0 = rest)
        };
        let mut clock = Clock { hour: Some(self.number(1, 2)?), ..Clock::default() };
        colon(self)?;
        clock.minute = self.number(2, 2)?;
        if colon(self).is_some() {
            clock.second_ms = self.number(2, 2)? * 1000;
            if let Some(rest) = self.0.strip_prefix(['.', ',']) {
                self.0 = rest;
                let fraction = self.take(|c| c.is_ascii_digit());
                let milliseconds: String = fraction.chars().chain("000".chars()).take(3).collect();
                clock.second_ms += (!fraction.is_empty()).then(|| milliseconds.parse::<u32>().ok())??;
            }
        }
        self.skip(char::is_whitespace);
        let mut after = *self;
        if let Some(half) = after.word().and_then(half_of) {
            clock.half = Some(half);
            *self = after;
            self.skip(char::is_whitespace);
        }
        let offset_min = if self.0.is_empty() { None } else { Some(self.offset()?) };
        Some((clock.time_ms()?, offset_min))
    }

    /// `+07:00`, `+0700`, `Z`, or WIB, WITA, WIT.
    fn offset(&mut self) -> Option<i16> {
        if let Some(name) = self.word() {
            return match name.to_ascii_uppercase().as_str() {
                "Z" | "UTC" | "GMT" => Some(0),
                "WIB" => Some(7 * 60),
                "WITA" => Some(8 * 60),
                "WIT" => Some(9 * 60),
                _ => None,
            };
        }
        let sign = match self.0.chars().next()? {
            '+' => 1,
            '-' => -1,
            _ => return None,
        };
        self.0 = self.0.get(1..)?;
        let hours = self.take(|c| c.is_ascii_digit());
        let (hours, minutes) = match (hours.len(), self.0.strip_prefix(':')) {
            (2, Some(rest)) => {
                self.0 = rest;
                (hours, self.take(|c| c.is_ascii_digit()))
            }
            (4, None) => hours.split_at_checked(2)?,
            _ => return None,
        };
        let (hours, minutes): (i16, i16) = (hours.parse().ok()?, minutes.parse().ok()?);
        (hours <= 18 && minutes < 60).then_some(sign * (hours * 60 + minutes))
    }
}

/// Minutes east of UTC from `+07:00` or a name such as `WIB`.
pub(super) fn read_offset(text: &str) -> Option<i16> {
    let mut scan = Scan(text.trim());
    let offset_min = scan.offset()?;
    scan.end().map(|()| offset_min)
}

fn date(year: u32, month: u32, day: u32) -> Option<Civil> {
    Civil::new(i32::try_from(year).ok()?, u8::try_from(month).ok()?, u8::try_from(day).ok()?)
}

fn half_of(word: &str) -> Option<Half> {
    match word.to_ascii_lowercase().as_str() {
        "am" => Some(Half::Morning),
        "pm" => Some(Half::Afternoon),
        _ => None,
    }
}

/// Names of the months in both languages, and how people shorten or spell them otherwise. Any beginning of at least
/// three letters will do.
const MONTHS: [&[&str]; 12] = [
    &["januari", "january"],
    &["februari", "february", "pebruari"],
    &["maret", "march"],
    &["april"],
    &["mei", "may"],
    &["juni", "june"],
    &["juli", "july"],
    &["agustus", "august", "ags", "agt"],
    &["september"],
    &["oktober", "october"],
    &["november", "nopember"],
    &["desember", "december"],
];

fn month_named(word: &str) -> Option<u32> {
    if word.len() < 3 {
        return None;
    }
    let starts = |name: &&str| name.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    (1..).zip(MONTHS).find(|(_, names)| names.iter().any(starts)).map(|(number, _)| number)
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
