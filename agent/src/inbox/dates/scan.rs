//! A text read from left to right: numbers, words, dates, times, offsets.

use kentongan_protocol::form::Civil;

/// Time of day as far as it was written.
#[derive(Default)]
pub(super) struct Clock {
    pub(super) hour: Option<u32>,
    pub(super) minute: u32,
    pub(super) second_ms: u32,
    pub(super) half: Option<Half>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Half {
    Morning,
    Afternoon,
}

impl Clock {
    /// Milliseconds since midnight; the outer `None` is a time that no clock shows.
    pub(super) fn time_ms(&self) -> Option<Option<u32>> {
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
pub(super) struct Scan<'t>(pub(super) &'t str);

impl<'t> Scan<'t> {
    pub(super) fn skip(&mut self, what: impl Fn(char) -> bool) {
        self.0 = self.0.trim_start_matches(what);
    }

    /// All characters up to the first that is not `what`.
    pub(super) fn take(&mut self, what: impl Fn(char) -> bool) -> &'t str {
        let end = self.0.find(|c| !what(c)).unwrap_or(self.0.len());
        let (head, rest) = self.0.split_at_checked(end).unwrap_or((self.0, ""));
        self.0 = rest;
        head
    }

    /// A number of so many digits, with no further digit behind it.
    pub(super) fn number(&mut self, digits_min: usize, digits_max: usize) -> Option<u32> {
        let digits = self.take(|c| c.is_ascii_digit());
        (digits_min..=digits_max).contains(&digits.len()).then(|| digits.parse().ok())?
    }

    pub(super) fn word(&mut self) -> Option<&'t str> {
        let word = self.take(|c| c.is_ascii_alphabetic());
        (!word.is_empty()).then_some(word)
    }

    pub(super) fn end(self) -> Option<()> {
        self.0.trim().is_empty().then_some(())
    }

    /// Year, month, day; day, month, year; or month name, day, year; a day of the week before it is passed over.
    pub(super) fn date(&mut self) -> Option<Civil> {
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
    pub(super) fn time(&mut self) -> Option<(Option<u32>, Option<i16>)> {
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
    pub(super) fn offset(&mut self) -> Option<i16> {
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

pub(super) fn date(year: u32, month: u32, day: u32) -> Option<Civil> {
    Civil::new(i32::try_from(year).ok()?, u8::try_from(month).ok()?, u8::try_from(day).ok()?)
}

pub(super) fn half_of(word: &str) -> Option<Half> {
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

pub(super) fn month_named(word: &str) -> Option<u32> {
    if word.len() < 3 {
        return None;
    }
    let starts = |name: &&str| name.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    (1..).zip(MONTHS).find(|(_, names)| names.iter().any(starts)).map(|(number, _)| number)
}
