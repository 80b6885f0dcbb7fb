//! Tables as text: what a spreadsheet saves as CSV. The first line names the columns; separators are commas or
//! semicolons, whichever it uses; a cell may stand in quotation marks.

use std::fmt;

use crate::form::Lang;

/// Longest table that is read, in bytes.
pub const FILE_BYTES_MAX: usize = 1 << 20;

/// A table that cannot be used, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileError {
    /// The line, from 1; 0 for the table as a whole.
    pub line: usize,
    /// What is wrong with it.
    pub wrong: Wrong,
}

/// What is wrong with a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// Longer than [`FILE_BYTES_MAX`].
    TooLong,
    /// No line beside the one that names the columns.
    Empty,
    /// A column is missing.
    NoColumn(&'static str),
    /// A quotation mark without its twin.
    Quote,
    /// What stands in a column is none of what may stand there.
    Cell {
        /// The column.
        column: &'static str,
        /// What was found.
        found: String,
        /// What may stand there.
        expected: &'static str,
    },
    /// The same as in an earlier line.
    Twice,
}

impl FileError {
    pub(crate) fn at(line: usize, wrong: Wrong) -> FileError {
        FileError { line, wrong }
    }

    /// In words.
    pub fn sentence(&self, lang: Lang) -> String {
        let said = match (lang, &self.wrong) {
            (Lang::Id, Wrong::TooLong) => "tabel lebih dari 1 MiB".to_owned(),
            (Lang::En, Wrong::TooLong) => "the table is over 1 MiB".to_owned(),
            (Lang::Id, Wrong::Empty) => "tabel kosong".to_owned(),
            (Lang::En, Wrong::Empty) => "the table is empty".to_owned(),
            (Lang::Id, Wrong::NoColumn(column)) => format!("kolom \"{column}\" tidak ada"),
            (Lang::En, Wrong::NoColumn(column)) => format!("there is no column \"{column}\""),
            (Lang::Id, Wrong::Quote) => "tanda kutip tidak berpasangan".to_owned(),
            (Lang::En, Wrong::Quote) => "a quotation mark has no twin".to_owned(),
            (Lang::Id, Wrong::Cell { column, found, expected }) => {
                format!("kolom \"{column}\" berisi \"{found}\"; yang bisa: {expected}")
            }
            (Lang::En, Wrong::Cell { column, found, expected }) => {
                format!("the column \"{column}\" says \"{found}\"; possible: {expected}")
            }
            (Lang::Id, Wrong::Twice) => "sama dengan baris sebelumnya".to_owned(),
            (Lang::En, Wrong::Twice) => "the same as an earlier line".to_owned(),
        };
        match (self.line, lang) {
            (0, _) => said,
            (line, Lang::Id) => format!("baris {line}: {said}"),
            (line, Lang::En) => format!("line {line}: {said}"),
        }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence(Lang::En))
    }
}

impl std::error::Error for FileError {}

/// A table, read.
pub(crate) struct Table {
    columns: Vec<String>,
    rows: Vec<(usize, Vec<String>)>,
}

/// A row of a table.
pub(crate) struct Row<'a> {
    table: &'a Table,
    /// Its line, from 1.
    pub(crate) line: usize,
    cells: &'a [String],
}

impl Table {
    pub(crate) fn read(text: &str) -> Result<Table, FileError> {
        if text.len() > FILE_BYTES_MAX {
            return Err(FileError::at(0, Wrong::TooLong));
        }
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
        let (head, _) = lines.next().ok_or(FileError::at(0, Wrong::Empty))?;
        let separator = if head.contains(';') { ';' } else { ',' };
        let columns = split(head, separator).ok_or(FileError::at(1, Wrong::Quote))?;
        let mut rows = Vec::new();
        for (line, number) in lines {
            rows.push((number, split(line, separator).ok_or(FileError::at(number, Wrong::Quote))?));
        }
        if rows.is_empty() {
            return Err(FileError::at(0, Wrong::Empty));
        }
        Ok(Table { columns: columns.iter().map(|name| name.to_lowercase()).collect(), rows })
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|(line, cells)| Row { table: self, line: *line, cells })
    }

    /// That each of these columns is there, under one of its names.
    pub(crate) fn must_have(&self, columns: &[&'static [&'static str]]) -> Result<(), FileError> {
        let there = |names: &&[&'static str]| names.iter().any(|name| self.columns.iter().any(|column| column == name));
        match columns.iter().find(|names| !there(names)) {
            Some(names) => Err(FileError::at(1, Wrong::NoColumn(names.first().copied().unwrap_or_default()))),
            None => Ok(()),
        }
    }
}

impl<'a> Row<'a> {
    /// The cell in the column with one of these names; empty if there is none.
    pub(crate) fn cell(&self, names: &[&str]) -> &'a str {
        let place = self.table.columns.iter().position(|column| names.contains(&column.as_str()));
        place.and_then(|place| self.cells.get(place)).map_or("", String::as_str)
    }

    /// That what stands in `column` is none of what is expected.
    pub(crate) fn wrong(&self, column: &'static str, found: &str, expected: &'static str) -> FileError {
        let found = found.chars().take(60).collect();
        FileError::at(self.line, Wrong::Cell { column, found, expected })
    }
}

/// The cells of a line, without the spaces around them; `None` if a quotation mark has no twin.
fn split(line: &str, separator: char) -> Option<Vec<String>> {
    let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let mut rest = line.chars().peekable();
    while let Some(one) = rest.next() {
        match one {
            '"' if quoted && rest.peek() == Some(&'"') => {
                rest.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            one if one == separator && !quoted => cells.push(std::mem::take(&mut cell).trim().to_owned()),
            one => cell.push(one),
        }
    }
    cells.push(cell.trim().to_owned());
    (!quoted).then_some(cells)
}

/// A cell as it must be written so that it is read back.
pub(crate) fn quoted(cell: &str) -> String {
    // A line break would end the row, whatever the marks around it.
    let cell = cell.replace(['\r', '\n'], " ");
    match cell.contains([',', ';', '"']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cells_stand_between_separators_and_may_be_quoted() {
        let table = Table::read("\u{feff}Date;Name\r\n\r\n 2026-01-01 ;\"Satu; \"\"dua\"\"\"\r\n").unwrap();
        let row = table.rows().next().unwrap();
        assert_eq!((row.line, row.cell(&["date"]), row.cell(&["nama", "name"])), (3, "2026-01-01", "Satu; \"dua\""));
        assert_eq!(row.cell(&["source"]), "");
    }

    #[test]
    fn what_is_no_table_is_refused_with_its_line() {
        let refused = |text: &str| Table::read(text).err().unwrap();
        assert_eq!(refused(""), FileError::at(0, Wrong::Empty));
        assert_eq!(refused("date,name\n"), FileError::at(0, Wrong::Empty));
        assert_eq!(refused("date,name\na,\"b"), FileError::at(2, Wrong::Quote));
        assert_eq!(refused(&"x".repeat(FILE_BYTES_MAX + 1)), FileError::at(0, Wrong::TooLong));
        assert_eq!(refused("date,name\na,\"b").sentence(Lang::Id), "baris 2: tanda kutip tidak berpasangan");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(cells in prop::collection::vec("[ -~à-ü]{0,12}", 1..5)) {
            let written: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
            let read = split(&written.join(","), ',').unwrap();
            prop_assert_eq!(read, cells.iter().map(|cell| cell.trim().to_owned()).collect::<Vec<_>>());
        }

        #[test]
        fn no_text_however_odd_is_more_than_refused(text in "\\PC{0,200}") {
            let _ = Table::read(&text);
        }
    }
}
