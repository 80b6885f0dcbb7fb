//! A row of a file: its cells as the file holds them, its number as people see it, and its content name.

use std::collections::HashMap;
use std::ops::Range;

use kentongan_protocol::form::FormTag;
use sha2::{Digest, Sha256};

/// Columns that a file may have. A spreadsheet of an office has a few dozen; JSON keys are columns too.
pub(super) const COLUMNS_MAX: usize = 2048;
/// Longest cell, in bytes: three times what a spreadsheet can hold.
pub(super) const CELL_BYTES_MAX: usize = 128 * 1024;

/// The columns of a file, in the order they were met.
#[derive(Debug, Default)]
pub(super) struct Columns {
    names: Vec<String>,
    index: HashMap<String, usize>,
}

impl Columns {
    /// All titles.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// The place of the column with this title, which is added if it is new; `None` if there are too many.
    pub(super) fn place(&mut self, name: &str) -> Option<usize> {
        if let Some(place) = self.index.get(name) {
            return Some(*place);
        }
        let place = self.names.len();
        if place >= COLUMNS_MAX {
            return None;
        }
        self.names.push(name.to_owned());
        self.index.insert(name.to_owned(), place);
        Some(place)
    }
}

/// One row. It is filled anew for each row of the file, so that reading costs no allocation per cell.
#[derive(Debug, Clone, Default)]
pub(super) struct Row {
    /// As a spreadsheet shows it: the header of an ordinary file is row 1. For JSON lines, the line.
    pub(super) number: u64,
    /// What is wrong with the row before anybody looks into its cells.
    pub(super) damage: Option<Damage>,
    text: String,
    cells: Vec<Range<usize>>,
}

/// Why a row cannot be read at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Damage {
    /// Another number of cells than the header has.
    Ragged {
        /// Cells of the header.
        expected: usize,
        /// Cells of the row.
        found: usize,
    },
    /// Not an object in JSON.
    NotJson,
    /// Not UTF-8, in a format that is UTF-8 always.
    NotUtf8,
    /// A cell or line longer than anything a person writes.
    TooLong,
    /// More keys than a form could have fields.
    TooManyColumns,
}

impl Row {
    /// Empties the row for the next one.
    pub(super) fn clear(&mut self) {
        self.number = 0;
        self.damage = None;
        self.text.clear();
        self.cells.clear();
    }

    /// Adds a cell behind the others.
    pub(super) fn push(&mut self, cell: &str) {
        self.push_with(cell.len(), |text| text.push_str(cell));
    }

    /// Adds a cell behind the others that `write` appends to the text; `bytes` is how long it is about to be.
    pub(super) fn push_with(&mut self, bytes: usize, write: impl FnOnce(&mut String)) {
        let start = self.text.len();
        if bytes > CELL_BYTES_MAX {
            self.damage = Some(Damage::TooLong);
        }
        write(&mut self.text);
        self.cells.push(start..self.text.len());
    }

    /// Sets the cell of a column, wherever it is.
    pub(super) fn set(&mut self, column: usize, cell: &str) {
        if column >= self.cells.len() {
            self.cells.resize(column + 1, 0..0);
        }
        let start = self.text.len();
        if cell.len() > CELL_BYTES_MAX {
            self.damage = Some(Damage::TooLong);
        }
        self.text.push_str(cell);
        if let Some(range) = self.cells.get_mut(column) {
            *range = start..self.text.len();
        }
    }

    /// The cell of a column; empty if the row does not reach that far.
    pub(super) fn cell(&self, column: usize) -> &str {
        self.cells.get(column).and_then(|range| self.text.get(range.clone())).unwrap_or_default()
    }

    /// All cells.
    pub(super) fn cells(&self) -> impl ExactSizeIterator<Item = &str> {
        self.cells.iter().map(|range| self.text.get(range.clone()).unwrap_or_default())
    }

    /// Number of cells.
    pub(super) fn width(&self) -> usize {
        self.cells.len()
    }

    /// Number of cells that hold anything.
    pub(super) fn filled(&self) -> usize {
        self.cells().filter(|cell| !cell.trim().is_empty()).count()
    }

    /// Drops the first cells.
    pub(super) fn drop_first(&mut self, count: usize) {
        self.cells.drain(..count.min(self.cells.len()));
    }

    /// Drops cells from the end.
    pub(super) fn shorten(&mut self, width: usize) {
        self.cells.truncate(width);
    }

    /// Drops the first `bytes` bytes of each cell for which `bytes` says more than 0.
    pub(super) fn strip_prefixes(&mut self, bytes: impl Fn(&str) -> usize) {
        for range in &mut self.cells {
            let cell = self.text.get(range.clone()).unwrap_or_default();
            range.start += bytes(cell).min(cell.len());
        }
    }
}

/// Gives rows their content names, within one file.
///
/// The name says what the row says: the form and every filled cell under its title, whatever the order of columns.
/// Two rows of one file that say the same are two records (two people may fill in the same survey answers), so the
/// second is told from the first by being the second; the same file again gives the same names again.
#[derive(Debug, Default)]
pub(super) struct Namer {
    seen: HashMap<[u8; 32], u32>,
    titles: Vec<String>,
    order: Vec<usize>,
}

impl Namer {
    /// Takes up the columns of the file; called again when new ones appear.
    pub(super) fn columns(&mut self, names: &[String]) {
        self.titles = names.to_vec();
        self.order = (0..names.len()).collect();
        self.order.sort_by(|a, b| names.get(*a).cmp(&names.get(*b)));
    }

    /// The content name of the next row.
    pub(super) fn name(&mut self, form: FormTag, row: &Row) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(b"kentongan row 1");
        hasher.update(form.to_be_bytes());
        for column in &self.order {
            let cell = row.cell(*column);
            if let (false, Some(title)) = (cell.is_empty(), self.titles.get(*column)) {
                hash_text(&mut hasher, title);
                hash_text(&mut hasher, cell);
            }
        }
        let content: [u8; 32] = hasher.finalize().into();
        let seen = self.seen.entry(content).or_insert(0);
        let occurrence = *seen;
        *seen = seen.saturating_add(1);
        match occurrence {
            0 => content,
            _ => Sha256::new().chain_update(content).chain_update(occurrence.to_be_bytes()).finalize().into(),
        }
    }
}

/// Name of a record in the older system: the form and the row's own id there.
pub(super) fn source_name(form: FormTag, id: &str) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(b"kentongan source 1");
    hasher.update(form.to_be_bytes());
    hash_text(&mut hasher, id.trim());
    hasher.finalize().into()
}

fn hash_text(hasher: &mut Sha256, text: &str) {
    hasher.update((text.len() as u64).to_be_bytes());
    hasher.update(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[&str]) -> Row {
        let mut row = Row::default();
        cells.iter().for_each(|cell| row.push(cell));
        row
    }

    fn namer(titles: &[&str]) -> Namer {
        let mut namer = Namer::default();
        namer.columns(&titles.iter().map(|title| (*title).to_owned()).collect::<Vec<_>>());
        namer
    }

    #[test]
    fn the_name_does_not_depend_on_the_order_of_columns_or_on_empty_ones() {
        let one = namer(&["Isi", "Jenis"]).name(1, &row(&["Antre lama", "antrean"]));
        let other = namer(&["Jenis", "Catatan", "Isi"]).name(1, &row(&["antrean", "", "Antre lama"]));
        assert_eq!(one, other);
    }

    #[test]
    fn another_form_cell_or_title_is_another_name() {
        let name = |form, titles: &[&str], cells: &[&str]| namer(titles).name(form, &row(cells));
        let one = name(1, &["a", "b"], &["x", "y"]);
        assert_ne!(one, name(2, &["a", "b"], &["x", "y"]));
        assert_ne!(one, name(1, &["a", "b"], &["x", "z"]));
        assert_ne!(one, name(1, &["a", "c"], &["x", "y"]));
        assert_ne!(name(1, &["a", "b"], &["xb", ""]), name(1, &["a", "b"], &["x", "b"]));
    }

    #[test]
    fn two_equal_rows_of_one_file_are_two_and_the_file_again_is_the_same_two() {
        let names = || {
            let mut namer = namer(&["u1"]);
            [namer.name(2, &row(&["4"])), namer.name(2, &row(&["4"])), namer.name(2, &row(&["3"]))]
        };
        let [first, second, third] = names();
        assert!(first != second && second != third && first != third);
        assert_eq!(names(), [first, second, third]);
    }

    #[test]
    fn ids_of_the_older_system_are_compared_without_space_around_them() {
        assert_eq!(source_name(1, " 17 "), source_name(1, "17"));
        assert_ne!(source_name(1, "17"), source_name(2, "17"));
    }

    #[test]
    fn a_cell_that_was_set_twice_keeps_the_later_text() {
        let mut row = Row::default();
        row.set(2, "satu");
        row.set(2, "dua");
        assert_eq!(row.cells().collect::<Vec<_>>(), ["", "", "dua"]);
        assert_eq!(row.cell(9), "");
    }
}
