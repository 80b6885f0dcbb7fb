//! The cells of a sheet, one after the other, as canonical text.

use std::borrow::Cow;
use std::io::Read;

use super::super::super::fault::FileFault;
use super::super::super::row::CELL_BYTES_MAX;
use super::moment::{Shown, moment_text};
use super::workbook::{TextDepth, Texts};
use super::xml::{Element, Piece, Xml};

/// The last row that a sheet can have.
const ROW_MAX: u64 = 1_048_576;

/// What all sheets of a workbook share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) texts: Texts,
    pub(super) formats: Vec<Shown>,
    pub(super) since_1904: bool,
}

/// Reads a sheet.
pub(super) struct Cells<'a, R: Read> {
    sheet: Xml<R>,
    shared: &'a Shared,
    /// The cell that is being read, or was the last.
    place: Place,
}

/// Where a cell is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Place {
    /// From 1 on; 0 before the first.
    pub(super) row: u64,
    /// From 0 on.
    pub(super) column: usize,
}

/// What a cell says of itself before its value.
#[derive(Debug, Clone, Copy, Default)]
struct Head {
    kind: Kind,
    shown: Shown,
}

/// What the value of a cell is written as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Number,
    /// The number of a shared text.
    Shared,
    /// Text where it stands.
    Text,
    /// 0 or 1.
    Truth,
    /// What spreadsheets show instead of a value: `#N/A`.
    Error,
}

impl<'a, R: Read> Cells<'a, R> {
    /// Of a sheet.
    pub(super) fn new(sheet: Xml<R>, shared: &'a Shared) -> Cells<'a, R> {
        Cells { sheet, shared, place: Place::default() }
    }

    /// The next cell that holds anything. A cell that shows an error holds nothing.
    ///
    /// # Errors
    /// [`FileFault::Damaged`].
    pub(super) fn next(&mut self) -> Result<Option<(Place, Cow<'a, str>)>, FileFault> {
        loop {
            let head = match self.sheet.next()? {
                Piece::Begin(element) if element.name() == "row" => {
                    self.place = row_of(&element, self.place)?;
                    continue;
                }
                Piece::Begin(element) if element.name() == "c" => {
                    let (place, head) = head_of(&element, self.place, &self.shared.formats)?;
                    self.place = place;
                    head
                }
                Piece::End(name) if name == "sheetData" => return Ok(None),
                Piece::Over => return Ok(None),
                _ => continue,
            };
            let value = self.value()?;
            let place = self.place;
            self.place.column += 1;
            if let Some(text) = self.text(head, value)? {
                return Ok(Some((place, text)));
            }
        }
    }

    /// What stands in the cell; `None` if nothing does.
    fn value(&mut self) -> Result<Option<String>, FileFault> {
        let (mut value, mut in_value, mut depth) = (None::<String>, false, TextDepth::default());
        loop {
            match self.sheet.next()? {
                Piece::Begin(element) => {
                    in_value |= element.name() == "v";
                    depth.begin(element.name());
                }
                Piece::Text(text) if in_value || depth.is_text() => {
                    let value = value.get_or_insert_default();
                    // What is longer than a cell may be is seen by its row.
                    if value.len() <= CELL_BYTES_MAX {
                        value.push_str(&text);
                    }
                }
                Piece::End(name) if name == "c" => return Ok(value),
                Piece::End(name) => {
                    in_value &= name != "v";
                    depth.end(&name);
                }
                Piece::Over => return Err(FileFault::Damaged),
                _ => {}
            }
        }
    }

    fn text(&self, head: Head, value: Option<String>) -> Result<Option<Cow<'a, str>>, FileFault> {
        let Some(value) = value else { return Ok(None) };
        let text = match head.kind {
            Kind::Error => return Ok(None),
            Kind::Text => Cow::Owned(unescaped(&value).into_owned()),
            Kind::Shared => {
                let number = value.trim().parse().map_err(|_| FileFault::Damaged)?;
                unescaped(self.shared.texts.get(number).ok_or(FileFault::Damaged)?)
            }
            Kind::Truth => Cow::Borrowed(if matches!(value.trim(), "0" | "false") { "false" } else { "true" }),
            Kind::Number => {
                let number: f64 = value.trim().parse().map_err(|_| FileFault::Damaged)?;
                let moment =
                    (head.shown == Shown::Moment).then(|| moment_text(number, self.shared.since_1904)).flatten();
                Cow::Owned(moment.unwrap_or_else(|| number_text(number)))
            }
        };
        Ok(Some(text))
    }
}

fn row_of(element: &Element<'_>, last: Place) -> Result<Place, FileFault> {
    let mut row = last.row + 1;
    element.attributes(|name, value| {
        if name == "r" {
            row = value.parse().map_err(|_| FileFault::Damaged)?;
        }
        Ok(())
    })?;
    if row <= last.row || row > ROW_MAX { Err(FileFault::Damaged) } else { Ok(Place { row, column: 0 }) }
}

fn head_of(element: &Element<'_>, next: Place, formats: &[Shown]) -> Result<(Place, Head), FileFault> {
    let (mut place, mut head) = (next, Head::default());
    element.attributes(|name, value| {
        match name {
            "r" => place = place_of(&value).ok_or(FileFault::Damaged)?,
            "s" => {
                let format = value.parse::<usize>().map_err(|_| FileFault::Damaged)?;
                head.shown = formats.get(format).copied().unwrap_or_default();
            }
            "t" => {
                head.kind = match &*value {
                    "n" => Kind::Number,
                    "s" => Kind::Shared,
                    // A text, the result of a formula, or a date as one writes it.
                    "inlineStr" | "str" | "d" => Kind::Text,
                    "b" => Kind::Truth,
                    "e" => Kind::Error,
                    _ => return Err(FileFault::Damaged),
                }
            }
            _ => {}
        }
        Ok(())
    })?;
    if place.row < next.row || place.row == 0 { Err(FileFault::Damaged) } else { Ok((place, head)) }
}

/// `C7` is in row 7, column 2.
fn place_of(name: &str) -> Option<Place> {
    let digits = name.find(|symbol: char| symbol.is_ascii_digit())?;
    let (letters, digits) = name.split_at_checked(digits)?;
    let column = letters.bytes().try_fold(0_usize, |column, letter| {
        let letter = letter.to_ascii_uppercase();
        let value = letter.is_ascii_uppercase().then(|| usize::from(letter - b'A') + 1)?;
        column.checked_mul(26)?.checked_add(value)
    })?;
    let row = digits.parse().ok().filter(|row| (1..=ROW_MAX).contains(row))?;
    Some(Place { row, column: column.checked_sub(1)? })
}

/// Sheets keep 15 digits of a number. A longer one (an identity number in a cell that is no text) has already lost its
/// last digits, so it is shown as the sheet shows it and fits no field.
fn number_text(number: f64) -> String {
    if number.abs() >= 1e15 { format!("{number:E}") } else { number.to_string() }
}

/// Text with `_x000D_` for what XML cannot hold, and `_x005F_` for a line that would seem to begin such a sign: ECMA-376
/// part 1, section 22.9.2.19. The number is a unit of UTF-16.
fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains("_x") {
        return Cow::Borrowed(text);
    }
    let (mut units, mut rest) = (Vec::new(), text);
    while let Some(place) = rest.find("_x") {
        let (before, sign) = rest.split_at(place);
        units.extend(before.encode_utf16());
        let unit = sign.get(2..6).filter(|_| sign.as_bytes().get(6) == Some(&b'_'));
        let unit = unit.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        rest = match unit.and_then(|digits| u16::from_str_radix(digits, 16).ok()) {
            Some(unit) => {
                units.push(unit);
                &sign[7..]
            }
            None => {
                units.extend("_x".encode_utf16());
                &sign[2..]
            }
        };
    }
    units.extend(rest.encode_utf16());
    Cow::Owned(String::from_utf16_lossy(&units))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All cells of a sheet's rows, as `row:column=text`.
    fn cells(rows: &str) -> Result<Vec<String>, FileFault> {
        let texts = Texts::of(&["satu", "dua_x000D_"])?;
        let shared = Shared { texts, formats: vec![Shown::Number, Shown::Moment], since_1904: false };
        let sheet = format!("<worksheet><sheetData>{rows}</sheetData><row r='1'/></worksheet>");
        let mut cells = Cells::new(Xml::new(sheet.as_bytes()), &shared);
        let mut found = Vec::new();
        while let Some((place, text)) = cells.next()? {
            found.push(format!("{}:{}={text}", place.row, place.column));
        }
        Ok(found)
    }

    #[test]
    fn each_kind_of_value_becomes_text() {
        let row = "<row r='3'><c r='A3'><v>2.50</v></c><c r='B3' t='s'><v>1</v></c><c r='C3' t='b'><v>1</v></c>\
                   <c r='D3' s='1'><v>46347</v></c><c r='E3' t='str'><f>A1&amp;B1</f><v>x &amp; y</v></c>\
                   <c r='F3' t='inlineStr'><is><r><t>a</t></r><r><t> b</t></r><rPh><t>lisan</t></rPh></is></c>\
                   <c r='G3' t='d'><v>2026-11-21</v></c><c r='H3' t='e'><v>#N/A</v></c><c r='I3'/>\
                   <c r='J3'><v>3273051234560001</v></c><c r='K3' s='1'><v>-5</v></c></row>";
        let want = [
            "3:0=2.5",
            "3:1=dua\r",
            "3:2=true",
            "3:3=2026-11-21",
            "3:4=x & y",
            "3:5=a b",
            "3:6=2026-11-21",
            "3:9=3.273051234560001E15",
            "3:10=-5",
        ];
        assert_eq!(cells(row).expect("a sheet"), want);
    }

    #[test]
    fn cells_and_rows_that_do_not_say_where_they_are_follow_the_last_one() {
        let rows = "<row><c><v>1</v></c><c/><c><v>3</v></c></row><row><c r='D2'><v>4</v></c><c><v>5</v></c></row>";
        assert_eq!(cells(rows).expect("a sheet"), ["1:0=1", "1:2=3", "2:3=4", "2:4=5"]);
    }

    #[test]
    fn what_names_nothing_or_goes_back_is_damaged() {
        let one = |attributes: &str, value: &str| format!("<row r='2'><c {attributes}><v>{value}</v></c></row>");
        let cases = [
            one("r='A2' t='s'", "9"),
            one("r='A2' t='s'", "x"),
            one("r='A2' t='apa'", "1"),
            one("r='2'", "1"),
            one("r='A0'", "1"),
            one("r='ZZZZZZZZZZZZZZZZZZZZZZZZ1'", "1"),
            one("r='A1'", "1"),
            one("r='A2'", "satu"),
            one("r='A2' s='x'", "1"),
            "<row r='2'/><row r='2'/>".to_owned(),
            "<row r='1048577'/>".to_owned(),
            "<c><v>1</v></c>".to_owned(),
        ];
        for rows in cases {
            assert_eq!(cells(&rows), Err(FileFault::Damaged), "{rows}");
        }
    }

    #[test]
    fn signs_for_what_xml_cannot_hold_are_resolved_and_others_stay() {
        let signs = [
            ("_x000D__x000A_", "\r\n"),
            ("_x005F_x000D_", "_x000D_"),
            ("a_xD83D__xDCF7_b", "a📷b"),
            ("_x00", "_x00"),
            ("_x00ZZ_", "_x00ZZ_"),
            ("_x_x0041_é", "_xAé"),
            ("no_hp", "no_hp"),
        ];
        for (text, want) in signs {
            assert_eq!(unescaped(text), want, "{text}");
        }
    }
}
