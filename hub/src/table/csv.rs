//! CSV in two profiles: one for Excel as Indonesian offices have it, one for programs.
//!
//! |              | `excel-id`                              | `rfc4180`                |
//! |--------------|-----------------------------------------|--------------------------|
//! | begins with  | a byte order mark: by it Excel knows UTF-8 | nothing               |
//! | separator    | `;`, as the decimal comma asks for      | `,`                      |
//! | numbers      | `82,4`                                  | `82.4`                   |
//! | days, times  | `21/11/2026 14:05`, by the office's clocks | `2026-11-21T07:05:00Z` |
//! | line ends    | CRLF                                    | CRLF                     |

use std::io::Write;

use kentongan_host::Failure;

use super::{Cell, Sheet};

/// Who is going to read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Excel with Indonesian settings.
    ExcelId,
    /// Programs.
    Rfc4180,
}

/// A file under way. Rows are given on as they come.
#[derive(Debug)]
pub(crate) struct Csv {
    profile: Profile,
    lines: String,
}

impl Csv {
    pub(crate) fn new(profile: Profile) -> Csv {
        let lines = if profile == Profile::ExcelId { "\u{feff}" } else { "" };
        Csv { profile, lines: lines.to_owned() }
    }

    /// What was written since the last call.
    pub(crate) fn take(&mut self) -> String {
        std::mem::take(&mut self.lines)
    }

    fn cell(&self, cell: &Cell) -> String {
        match (cell, self.profile) {
            (Cell::Empty, _) => String::new(),
            (Cell::Text(text), _) => guarded(text),
            (Cell::Number(number), Profile::ExcelId) => number.replace('.', ","),
            (Cell::Number(number), Profile::Rfc4180) => number.clone(),
            (Cell::Day(day), Profile::ExcelId) => turned(day).unwrap_or_else(|| guarded(day)),
            (Cell::Day(day), Profile::Rfc4180) => guarded(day),
            (Cell::Moment { there, .. }, Profile::ExcelId) => {
                let (day, time) = there.split_once('T').unwrap_or((there, ""));
                format!("{} {}", turned(day).unwrap_or_else(|| guarded(day)), time.get(..5).unwrap_or_default())
            }
            (Cell::Moment { utc, .. }, Profile::Rfc4180) => utc.clone(),
        }
    }
}

impl Sheet for Csv {
    fn row(&mut self, cells: &[Cell]) -> Result<(), Failure> {
        let separator = if self.profile == Profile::ExcelId { ';' } else { ',' };
        for (place, cell) in cells.iter().enumerate() {
            if place > 0 {
                self.lines.push(separator);
            }
            let text = self.cell(cell);
            match text.contains([separator, '"', '\r', '\n']) {
                true => self.lines.push_str(&format!("\"{}\"", text.replace('"', "\"\""))),
                false => self.lines.push_str(&text),
            }
        }
        self.lines.push_str("\r\n");
        Ok(())
    }

    fn finish(mut self: Box<Self>, sink: &mut dyn Write) -> Result<(), Failure> {
        sink.write_all(self.take().as_bytes())?;
        Ok(sink.flush()?)
    }
}

/// A text that no spreadsheet runs. Numbers have a kind of their own, so whatever begins as a formula does is none:
/// telephone numbers with their `+` keep it this way, too.
fn guarded(text: &str) -> String {
    let begins_one = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if begins_one { format!("'{text}") } else { text.to_owned() }
}

/// `21/11/2026` of `2026-11-21`.
fn turned(day: &str) -> Option<String> {
    let mut parts = day.splitn(3, '-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    [year, month, day]
        .iter()
        .all(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| format!("{day}/{month}/{year}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(profile: Profile, cells: &[Cell]) -> String {
        let mut csv = Csv::new(profile);
        csv.row(cells).expect("a row");
        csv.take()
    }

    #[test]
    fn each_profile_is_what_its_reader_expects() {
        let cells = [
            Cell::Text("Desa \"A\"; B, C".into()),
            Cell::Number("-82.4".into()),
            Cell::Day("2026-11-21".into()),
            Cell::Moment { utc: "2026-11-21T07:05:00Z".into(), there: "2026-11-21T14:05:00".into() },
            Cell::Empty,
        ];
        let excel = "\u{feff}\"Desa \"\"A\"\"; B, C\";-82,4;21/11/2026;21/11/2026 14:05;\r\n";
        assert_eq!(written(Profile::ExcelId, &cells), excel);
        let plain = "\"Desa \"\"A\"\"; B, C\",-82.4,2026-11-21,2026-11-21T07:05:00Z,\r\n";
        assert_eq!(written(Profile::Rfc4180, &cells), plain);
    }

    #[test]
    fn no_text_is_a_formula_in_either_profile() {
        for text in ["=HYPERLINK(\"http://x\")", "+62812000", "-1+2", "@SUM(A1)", "\t=1", "\r=1", "=cmd|' /C calc'!A0"]
        {
            for profile in [Profile::ExcelId, Profile::Rfc4180] {
                let line = written(profile, &[Cell::Text(text.into()), Cell::Day(text.into())]);
                let line = line.trim_start_matches('\u{feff}').trim_start_matches('"');
                assert!(line.starts_with('\''), "{text:?} became {line:?}");
                assert_eq!(line.matches('\'').count(), 2 + 2 * text.matches('\'').count(), "{line:?}");
            }
        }
    }
}
