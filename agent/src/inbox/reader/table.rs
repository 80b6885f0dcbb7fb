//! What delimited text and sheets have in common: a row of titles, then rows under it.

use super::super::fault::{FileFault, ImportFault};
use super::super::rejected;
use super::super::row::{COLUMNS_MAX, Damage, Row};
use super::{Hints, ROWS_MAX, Rows};

/// Rows above the titles (a heading, the name of the office, a date) that are passed over.
const HEADING_ROWS_MAX: u64 = 20;

/// Rows as they stand in the file, the titles among them.
pub(super) trait RawRows: Send {
    /// Reads the next row, blank or not; `false` at the end.
    fn next(&mut self, row: &mut Row) -> Result<bool, ImportFault>;

    /// Whether a row with fewer or more cells than the titles is damaged. In a sheet, cells that are empty are simply
    /// not there.
    fn rows_are_even(&self) -> bool;

    /// As [`Rows::bytes`].
    fn bytes(&self) -> (u64, u64);
}

/// A table whose titles have been read.
pub(super) struct Table<R> {
    raw: R,
    titles: Vec<String>,
    /// Cells of a row, the dropped ones among them.
    width: usize,
    /// Leading columns that we added ourselves, when a list of refused rows comes back.
    dropped: usize,
    rows: u64,
}

impl<R: RawRows> Table<R> {
    pub(super) fn open(mut raw: R, hints: &Hints) -> Result<Self, ImportFault> {
        let mut row = Row::default();
        let mut first: Option<Row> = None;
        loop {
            if !raw.next(&mut row)? {
                // Nothing looks like titles: a table of one column has only its first row to offer.
                row = first.ok_or(FileFault::Empty)?;
                if hints.header_row.is_some() {
                    return Err(FileFault::Empty.into());
                }
                return Self::with_titles(raw, &row);
            }
            let is_header = match hints.header_row {
                // A list of refused rows begins with its titles, whatever the map says of the file it comes from.
                _ if row.number == 1 && is_own(&row) => true,
                Some(number) => row.number >= number,
                None => row.filled() >= 2 && row.damage.is_none(),
            };
            if is_header {
                return Self::with_titles(raw, &row);
            }
            if first.is_none() && row.filled() > 0 {
                first = Some(row.clone());
            }
            if hints.header_row.is_none() && row.number >= HEADING_ROWS_MAX {
                return Err(FileFault::NoForm { titles: Vec::new() }.into());
            }
        }
    }

    fn with_titles(raw: R, header: &Row) -> Result<Self, ImportFault> {
        if header.width() > COLUMNS_MAX {
            return Err(FileFault::TooManyColumns { columns_max: COLUMNS_MAX }.into());
        }
        let mut titles: Vec<String> = header
            .cells()
            .enumerate()
            .map(|(place, title)| match title.trim() {
                "" => format!("({})", column_letters(place)),
                title => title.to_owned(),
            })
            .collect();
        let dropped = if rejected::is_own(&titles) { rejected::OWN_COLUMNS } else { 0 };
        titles.drain(..dropped);
        Ok(Table { raw, width: titles.len() + dropped, titles, dropped, rows: 0 })
    }
}

fn is_own(row: &Row) -> bool {
    rejected::is_own(&row.cells().map(str::to_owned).collect::<Vec<_>>())
}

impl<R: RawRows> Rows for Table<R> {
    fn titles(&self) -> &[String] {
        &self.titles
    }

    fn titles_are_complete(&self) -> bool {
        // A list of refused rows from JSON lines lacks the keys that none of its rows had.
        self.dropped == 0
    }

    fn read(&mut self, row: &mut Row) -> Result<bool, ImportFault> {
        loop {
            if !self.raw.next(row)? {
                return Ok(false);
            }
            if row.filled() > 0 {
                break;
            }
        }
        self.rows += 1;
        if self.rows > ROWS_MAX {
            return Err(FileFault::TooManyRows { rows_max: ROWS_MAX }.into());
        }
        let found = row.width();
        let beyond = row.cells().skip(self.width).any(|cell| !cell.trim().is_empty());
        if (beyond || found < self.width) && self.raw.rows_are_even() && row.damage.is_none() {
            row.damage = Some(Damage::Ragged { expected: self.width, found });
        }
        if !beyond {
            row.shorten(self.width);
        }
        if self.dropped > 0 {
            row.drop_first(self.dropped);
            row.strip_prefixes(rejected::escape_bytes);
        }
        Ok(true)
    }

    fn bytes(&self) -> (u64, u64) {
        self.raw.bytes()
    }
}

/// `A` to `Z`, `AA` and so on, as a spreadsheet names its columns.
fn column_letters(place: usize) -> String {
    let mut letters = Vec::new();
    let mut rest = place + 1;
    while rest > 0 {
        rest -= 1;
        letters.push(char::from(b'A' + u8::try_from(rest % 26).unwrap_or(0)));
        rest /= 26;
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::super::Encoding;
    use super::super::tests::read_all;
    use super::*;

    fn cells(row: &Row) -> Vec<&str> {
        row.cells().collect()
    }

    #[test]
    fn columns_are_lettered_as_a_spreadsheet_does() {
        let letters: Vec<String> = [0, 25, 26, 51, 52, 701, 702].map(column_letters).into();
        assert_eq!(letters, ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]);
    }

    #[test]
    fn a_heading_above_the_titles_is_passed_over_and_numbers_stay_those_of_the_sheet() {
        let text = "REKAP PENGADUAN 2026,,\n\nNo,Isi,\n1,Antre lama,x\n,,\n2,Loket tutup,\n";
        let (titles, rows) = read_all(text.as_bytes(), &Hints::default()).expect("read");
        assert_eq!(titles, ["No", "Isi", "(C)"]);
        assert_eq!(rows.iter().map(|row| row.number).collect::<Vec<_>>(), [4, 6]);
        assert_eq!(cells(&rows[0]), ["1", "Antre lama", "x"]);
    }

    #[test]
    fn the_row_of_titles_can_be_said() {
        let text = "Kantor,Desa Contoh\nBulan,Mei\nNo,Isi\n1,Antre lama\n";
        let hints = Hints { header_row: Some(3), ..Hints::default() };
        let (titles, rows) = read_all(text.as_bytes(), &hints).expect("read");
        assert_eq!((titles, rows.len()), (vec!["No".to_owned(), "Isi".to_owned()], 1));
    }

    #[test]
    fn what_a_map_says_of_a_file_does_not_hold_for_the_list_of_its_refused_rows() {
        let hints = Hints {
            header_row: Some(3),
            delimiter: Some(b'|'),
            encoding: Some(Encoding::Windows1252),
            ..Hints::default()
        };
        for text in [
            "\u{feff}baris,bidang,alasan,Isi,Nama\r\n7,Isi,kosong,Café,Sari\r\n",
            "row;field;reason;Isi;Nama\n7;;;Café;Sari\n",
        ] {
            let (titles, rows) = read_all(text.as_bytes(), &hints).expect("read");
            assert_eq!((titles, rows.len()), (vec!["Isi".to_owned(), "Nama".to_owned()], 1), "{text}");
            assert_eq!(cells(&rows[0]), ["Café", "Sari"]);
        }
    }

    #[test]
    fn a_row_of_another_width_is_damaged_unless_only_blanks_are_too_many() {
        let text = "a,b,c\n1,2\n1,2,3,,\n1,2,3,4\n1,2,3\n";
        let (_, rows) = read_all(text.as_bytes(), &Hints::default()).expect("read");
        let damage: Vec<Option<Damage>> = rows.iter().map(|row| row.damage).collect();
        let ragged = |found| Some(Damage::Ragged { expected: 3, found });
        assert_eq!(damage, [ragged(2), None, ragged(4), None]);
        assert_eq!(rows[1].width(), 3);
    }

    #[test]
    fn a_table_of_one_column_is_a_table() {
        let (titles, rows) = read_all(b"Isi laporan\nAntre lama\n", &Hints::default()).expect("read");
        // Without a second title nothing says where the titles stand, so the first row that holds something is taken.
        assert_eq!((titles, rows.len()), (vec!["Isi laporan".to_owned()], 0));
    }
}
