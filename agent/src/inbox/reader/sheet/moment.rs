//! Which cells show dates, and what dates their numbers are.
//!
//! A sheet holds a date as the number of days since the end of 1899 (or of 1903), and says only by the format of the cell
//! that it is one. Formats: ECMA-376 part 1, sections 18.8.30 and 18.8.31.

use jiff::civil::Date;
use jiff::{Span, ToSpan};

/// What a cell's number is shown as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Shown {
    /// A number.
    #[default]
    Number,
    /// A date, a time of day, or both.
    Moment,
}

/// How a format that every program knows by its number shows numbers.
pub(super) fn shown_by_number(format: u32) -> Shown {
    match format {
        14..=22 | 27..=36 | 45 | 47 | 50..=58 => Shown::Moment,
        _ => Shown::Number,
    }
}

/// How a format shows numbers that a workbook brings itself, such as `dd/mm/yyyy` or `[$-421]d mmmm yyyy;@`. How long
/// something took (`[h]:mm`) is a number.
pub(super) fn shown_by_code(code: &str) -> Shown {
    let mut rest = code.chars();
    while let Some(symbol) = rest.next() {
        match symbol.to_ascii_lowercase() {
            // The next one is shown as it is, or as wide, or again and again.
            '\\' | '_' | '*' => drop(rest.next()),
            '"' => drop(rest.find(|symbol| *symbol == '"')),
            '[' => {
                let inside: String = rest.by_ref().take_while(|symbol| *symbol != ']').collect();
                if is_elapsed(&inside) {
                    return Shown::Number;
                }
            }
            // The others are for numbers below zero, for zero and for text.
            ';' => return Shown::Number,
            'd' | 'm' | 'y' | 'h' | 's' => return Shown::Moment,
            _ => {}
        }
    }
    Shown::Number
}

/// `[h]`, `[mm]`, `[ss]`: hours, minutes or seconds beyond a day, an hour or a minute.
fn is_elapsed(inside: &str) -> bool {
    let first = inside.chars().next().map(|symbol| symbol.to_ascii_lowercase());
    first.is_some_and(|first| "hms".contains(first))
        && inside.chars().all(|symbol| Some(symbol.to_ascii_lowercase()) == first)
}

/// The date, the time of day or both that a number of days stands for, as canonical text; `None` if that is before the first
/// day or after the year 9999.
pub(super) fn moment_text(days: f64, since_1904: bool) -> Option<String> {
    const DAY_MS: i64 = 86_400_000;
    if !(0.0..3_000_000.0).contains(&days) {
        return None;
    }
    let ms = (days * DAY_MS as f64).round() as i64;
    let (day, second) = (ms / DAY_MS, ms % DAY_MS / 1_000);
    let time = format!("{:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60);
    if day == 0 {
        return Some(time);
    }
    let date = date_of(day, since_1904)?;
    Some(if second == 0 { date.to_string() } else { format!("{date}T{time}") })
}

fn date_of(day: i64, since_1904: bool) -> Option<Date> {
    let (first, day) = match (since_1904, day) {
        (true, _) => (Date::constant(1904, 1, 1), day),
        // The first spreadsheets had a 29 February 1900, which all since then count: what comes before it is a day later.
        (false, ..60) => (Date::constant(1899, 12, 31), day),
        (false, _) => (Date::constant(1899, 12, 30), day),
    };
    let days: Span = day.days();
    first.checked_add(days).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_with_parts_of_dates_or_times_show_moments() {
        let moments = [
            "dd/mm/yyyy",
            "d-mmm-yy",
            "[$-421]dd mmmm yyyy;@",
            "h:mm AM/PM",
            "[Red]yyyy",
            "\"Tgl\" d",
            "DD.MM.YY",
            "0\\d m",
        ];
        for code in moments {
            assert_eq!(shown_by_code(code), Shown::Moment, "{code}");
        }
    }

    #[test]
    fn formats_of_numbers_texts_and_spans_of_time_show_numbers() {
        let numbers = [
            "General",
            "0.00",
            "#,##0",
            "0.00E+00",
            "@",
            "[h]:mm:ss",
            "[mm]:ss",
            "\"Rp\"#,##0",
            "\"hari\"",
            "0\\d",
            "0_d",
            "[Red]0",
            "0;d",
            "\"tak selesai",
            "",
        ];
        for code in numbers {
            assert_eq!(shown_by_code(code), Shown::Number, "{code}");
        }
        assert_eq!(
            [0, 2, 9, 14, 22, 46, 49].map(shown_by_number).map(|shown| shown == Shown::Moment),
            [false, false, false, true, true, false, false]
        );
    }

    #[test]
    fn days_are_counted_as_spreadsheets_count_them() {
        let at = |days, since_1904| moment_text(days, since_1904).expect("a moment");
        assert_eq!(at(1.0, false), "1900-01-01");
        assert_eq!(at(59.0, false), "1900-02-28");
        assert_eq!(at(61.0, false), "1900-03-01");
        assert_eq!(at(46_347.0, false), "2026-11-21");
        assert_eq!(at(46_347.0 - 1_462.0, true), "2026-11-21");
        assert_eq!(at(46_347.586_805_555_555, false), "2026-11-21T14:05:00");
        assert_eq!(at(0.586_805_555_555, false), "14:05:00");
        assert_eq!(at(2_958_465.0, false), "9999-12-31");
        for days in [-1.0, 2_958_466.0, 1e300, f64::NAN, f64::INFINITY] {
            assert_eq!(moment_text(days, false), None, "{days}");
        }
    }
}
