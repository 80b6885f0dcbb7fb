//! Delimited text: comma, semicolon, tab or bar, quotation marks doubled, line breaks allowed within them.

use std::fs::File;
use std::io::{self, Cursor, Read};

use csv::{ByteRecord, Reader, ReaderBuilder};

use super::super::fault::{FileFault, ImportFault};
use super::super::rejected;
use super::super::row::Row;
use super::encoding::{self, Encoding};
use super::table::RawRows;
use super::{Hints, RECORD_BYTES_MAX, SHEET_BYTES_MAX};

/// Separators, the likelier first: of two that fit equally well the earlier is taken.
const DELIMITERS: [u8; 4] = [b';', b',', b'\t', b'|'];
/// Rows that the choice of a separator looks at.
const SNIFFED_ROWS_MAX: usize = 30;
/// What the CSV reader takes from the file at once.
const BUFFER_BYTES: usize = 64 * 1024;

pub(super) struct Delimited {
    csv: Reader<Bounded>,
    record: ByteRecord,
    encoding: Encoding,
    /// Rows read, and the lines that they take up.
    rows: u64,
    lines: u64,
    /// Blank lines passed over: the reader skips them, a spreadsheet counts them.
    blanks: u64,
    /// After `\r\n` the reader stands between the two: one line end is always still to come.
    line_end_ahead: u64,
    bytes_total: u64,
}

impl Delimited {
    pub(super) fn open(
        mut file: File,
        sample: &[u8],
        bytes_total: u64,
        hints: &Hints,
    ) -> Result<Delimited, ImportFault> {
        let (inner, encoding, sample): (Box<dyn Read + Send>, Encoding, Vec<u8>) = if encoding::is_utf16(sample) {
            let mut bytes = Vec::new();
            (&mut file).take(SHEET_BYTES_MAX + 1).read_to_end(&mut bytes)?;
            if bytes.len() as u64 > SHEET_BYTES_MAX {
                return Err(FileFault::TooLarge { bytes_max: SHEET_BYTES_MAX }.into());
            }
            let text = encoding::decode_utf16(&bytes).into_bytes();
            let sample = text.iter().copied().take(sample.len()).collect();
            (Box::new(Cursor::new(text)), Encoding::Utf8, sample)
        } else {
            let encoding = match hints.encoding {
                Some(encoding) if own_delimiter(sample).is_none() => encoding,
                _ => encoding::encoding_of(&mut file)?,
            };
            (Box::new(file), encoding, sample.to_vec())
        };
        let preamble = Preamble::of(&sample);
        let whole = (sample.len() as u64) < super::SAMPLE_BYTES as u64;
        let rest = sample.get(preamble.bytes..).unwrap_or_default();
        let said = own_delimiter(&sample).or(hints.delimiter).or(preamble.delimiter);
        let delimiter = said.unwrap_or_else(|| sniff(rest, whole));
        let mut bounded = Bounded { inner, left: u64::MAX };
        io::copy(&mut (&mut bounded).take(preamble.bytes as u64), &mut io::sink())?;
        let csv = builder(delimiter).buffer_capacity(BUFFER_BYTES).from_reader(bounded);
        let first_end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(0);
        let line_end_ahead = u64::from(rest.get(..first_end).unwrap_or_default().ends_with(b"\r"));
        let record = ByteRecord::new();
        Ok(Delimited { csv, record, encoding, rows: 0, lines: 0, blanks: 0, line_end_ahead, bytes_total })
    }
}

impl RawRows for Delimited {
    fn next(&mut self, row: &mut Row) -> Result<bool, ImportFault> {
        self.csv.get_mut().left = RECORD_BYTES_MAX + BUFFER_BYTES as u64;
        match self.csv.read_byte_record(&mut self.record) {
            Ok(true) => {}
            Ok(false) => return Ok(false),
            Err(error) => return Err(self.fault(error)),
        }
        let breaks: usize = self.record.iter().map(|cell| cell.iter().filter(|byte| **byte == b'\n').count()).sum();
        self.rows += 1;
        self.lines += 1 + breaks as u64;
        // Lines that no row accounts for are blank. The last line of a file may lack its end, so this never goes back.
        let ends = self.csv.position().line().saturating_sub(1) + self.line_end_ahead;
        self.blanks = self.blanks.max(ends.saturating_sub(self.lines));
        row.clear();
        row.number = self.rows + self.blanks;
        for cell in &self.record {
            row.push_with(cell.len(), |text| encoding::decode(cell, self.encoding, text));
        }
        Ok(true)
    }

    fn rows_are_even(&self) -> bool {
        true
    }

    fn bytes(&self) -> (u64, u64) {
        (self.csv.position().byte().min(self.bytes_total), self.bytes_total)
    }
}

impl Delimited {
    fn fault(&self, error: csv::Error) -> ImportFault {
        match error.into_kind() {
            csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                FileFault::Endless { row: self.rows + self.blanks + 1 }.into()
            }
            csv::ErrorKind::Io(error) => error.into(),
            _ => FileFault::Damaged.into(),
        }
    }
}

/// A reader that ends a record which has no end of its own, before it fills the memory.
struct Bounded {
    inner: Box<dyn Read + Send>,
    left: u64,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let read = self.inner.read(buffer)?;
        self.left = self.left.saturating_sub(read as u64);
        Ok(read)
    }
}

/// What stands before the first row: a byte order mark, and Excel's line `sep=;`, which it does not show as a row.
struct Preamble {
    bytes: usize,
    delimiter: Option<u8>,
}

impl Preamble {
    fn of(sample: &[u8]) -> Preamble {
        let text = sample.strip_prefix(encoding::BOM).unwrap_or(sample);
        let bytes = sample.len() - text.len();
        let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
        match line.strip_suffix(b"\r").unwrap_or(line) {
            [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', delimiter] => {
                Preamble { bytes: bytes + line.len() + 1, delimiter: Some(*delimiter) }
            }
            _ => Preamble { bytes, delimiter: None },
        }
    }
}

/// The separator of a list of refused rows: what a map says of the file that it comes from does not hold for it, and its
/// rows may differ in width more than those of any other file.
fn own_delimiter(sample: &[u8]) -> Option<u8> {
    let text = sample.strip_prefix(encoding::BOM).unwrap_or(sample);
    let line = String::from_utf8_lossy(text.split(|byte| *byte == b'\n').next().unwrap_or_default());
    DELIMITERS.into_iter().find(|delimiter| {
        let titles: Vec<String> = line.split(char::from(*delimiter)).take(4).map(str::to_owned).collect();
        rejected::is_own(&titles)
    })
}

fn builder(delimiter: u8) -> ReaderBuilder {
    let mut builder = ReaderBuilder::new();
    builder.delimiter(delimiter).has_headers(false).flexible(true);
    builder
}

/// The separator under which most rows have as many cells as each other. `whole` says that the sample is the file.
fn sniff(sample: &[u8], whole: bool) -> u8 {
    let score = |delimiter: u8| {
        let mut widths: Vec<usize> = Vec::new();
        let mut reader = builder(delimiter).from_reader(sample);
        let mut record = ByteRecord::new();
        while widths.len() < SNIFFED_ROWS_MAX && matches!(reader.read_byte_record(&mut record), Ok(true)) {
            widths.push(record.len());
        }
        if !whole && widths.len() > 1 && widths.len() < SNIFFED_ROWS_MAX {
            // The sample ends in the middle of its last row.
            widths.pop();
        }
        let best = widths
            .iter()
            .filter(|width| **width > 1)
            .max_by_key(|width| (widths.iter().filter(|other| other == width).count(), **width));
        best.map_or((0, 0), |width| (widths.iter().filter(|other| *other == width).count(), *width))
    };
    let mut best = (DELIMITERS[1], (0, 0));
    for delimiter in DELIMITERS {
        let score = score(delimiter);
        if score > best.1 {
            best = (delimiter, score);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::super::tests::read_all;
    use super::*;

    fn rows(bytes: &[u8]) -> Vec<(u64, Vec<String>)> {
        let (_, rows) = read_all(bytes, &Hints::default()).expect("read");
        rows.iter().map(|row| (row.number, row.cells().map(str::to_owned).collect())).collect()
    }

    fn row(number: u64, cells: &[&str]) -> (u64, Vec<String>) {
        (number, cells.iter().map(|cell| (*cell).to_owned()).collect())
    }

    #[test]
    fn the_separator_is_found_among_texts_that_hold_others() {
        for (delimiter, other) in [(',', ';'), (';', ','), ('\t', ','), ('|', ';')] {
            let text = format!("Nama{delimiter}Isi\nSari{delimiter}\"Antre{other} lama{other} sekali\"\n");
            let second = format!("Antre{other} lama{other} sekali");
            assert_eq!(rows(text.as_bytes()), [row(2, &["Sari", &second])], "{delimiter:?}");
        }
        let mixed = "Nama;Isi laporan\nSari;Antre lama, loket tutup, dan panas\nBudi;Biaya Rp 5.000, tanpa kuitansi\n";
        assert_eq!(rows(mixed.as_bytes())[0], row(2, &["Sari", "Antre lama, loket tutup, dan panas"]));
    }

    #[test]
    fn excels_own_word_about_the_separator_is_heeded_and_is_no_row() {
        assert_eq!(rows(b"\xef\xbb\xbfsep=|\r\na,x|b\r\n1,5|2\r\n"), [row(2, &["1,5", "2"])]);
    }

    #[test]
    fn line_breaks_in_quotation_marks_and_blank_lines_keep_the_row_numbers_of_a_spreadsheet() {
        let text = "\r\na,b\r\n\"satu\r\ndua\",x\r\n\r\n\r\n\"tiga\n\nempat\",y\r\nlima,z";
        let expected = [row(3, &["satu\r\ndua", "x"]), row(6, &["tiga\n\nempat", "y"]), row(7, &["lima", "z"])];
        assert_eq!(rows(text.as_bytes()), expected);
    }

    #[test]
    fn text_that_is_not_utf_8_is_read_as_windows_wrote_it() {
        assert_eq!(rows(b"a;b\ncaf\xe9;\x93x\x94\n"), [row(2, &["café", "“x”"])]);
    }

    #[test]
    fn unicode_text_of_excel_is_a_table_with_tabs() {
        let bytes: Vec<u8> = "\u{feff}a\tb\r\né\tx\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(rows(&bytes), [row(2, &["é", "x"])]);
    }

    #[test]
    fn a_quotation_mark_that_is_never_closed_ends_the_file_not_the_memory() {
        let mut text = "a,b\n1,2\n\"x".to_owned();
        text.push_str(&"y".repeat(3 * 1024 * 1024));
        let outcome = read_all(text.as_bytes(), &Hints::default());
        assert!(matches!(outcome, Err(ImportFault::File(FileFault::Endless { row: 3 }))), "{outcome:?}");
    }
}
