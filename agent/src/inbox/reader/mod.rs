//! Rows out of files: delimited text, JSON lines and JSON arrays, XLSX.
//!
//! A file is known by its first bytes, never by its name alone: offices rename files. Whatever the bytes are, reading
//! ends in rows, in rows that are marked as damaged, or in a [`FileFault`]; it never panics and never holds more than
//! one batch of rows (for XLSX, beside the texts that the format keeps in one place).

mod delimited;
mod encoding;
mod json;
mod sheet;
mod table;

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::fault::{FileFault, ImportFault};
use super::row::Row;

pub(super) use encoding::Encoding;

/// Largest text file.
const TEXT_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// Largest spreadsheet, packed.
const SHEET_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Longest single row or line of a text file.
const RECORD_BYTES_MAX: u64 = 1024 * 1024;
/// Most rows of one file: a spreadsheet has no more.
pub(super) const ROWS_MAX: u64 = 1_000_000;
/// How much of a file is looked at to know what it is.
const SAMPLE_BYTES: usize = 64 * 1024;

/// What a map says about how to read a file; nothing is needed for ordinary ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Hints {
    /// Separator of delimited text.
    pub(super) delimiter: Option<u8>,
    /// Encoding of delimited text.
    pub(super) encoding: Option<Encoding>,
    /// Name of the sheet.
    pub(super) sheet: Option<String>,
    /// Row of the titles, as a spreadsheet numbers it.
    pub(super) header_row: Option<u64>,
}

/// The rows of a file, one after the other.
pub(super) trait Rows: Send {
    /// The titles of the columns met so far.
    fn titles(&self) -> &[String];

    /// Whether all titles are known from the start, as in a table.
    fn titles_are_complete(&self) -> bool;

    /// Reads the next row that is not blank; `false` at the end of the file.
    fn read(&mut self, row: &mut Row) -> Result<bool, ImportFault>;

    /// Bytes of the file read so far, and bytes of the file; 0 and 0 where nobody can tell.
    fn bytes(&self) -> (u64, u64);
}

/// Opens a file by what it is.
pub(super) fn open(path: &Path, hints: &Hints) -> Result<Box<dyn Rows>, ImportFault> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(ImportFault::Read(io::ErrorKind::IsADirectory.into()));
    }
    let bytes_total = metadata.len();
    let mut sample = Vec::new();
    (&mut file).take(SAMPLE_BYTES as u64).read_to_end(&mut sample)?;
    file.seek(SeekFrom::Start(0))?;
    let kind = kind_of(path, &sample)?;
    let bytes_max = if kind == Kind::Sheet { SHEET_BYTES_MAX } else { TEXT_BYTES_MAX };
    if bytes_total > bytes_max {
        return Err(FileFault::TooLarge { bytes_max }.into());
    }
    Ok(match kind {
        Kind::Sheet => Box::new(table::Table::open(sheet::Sheet::open(file, hints.sheet.clone())?, hints)?),
        Kind::JsonLines => Box::new(json::Json::lines(file, bytes_total)),
        Kind::JsonArray => Box::new(json::Json::array(file, bytes_total)),
        Kind::Delimited => {
            Box::new(table::Table::open(delimited::Delimited::open(file, &sample, bytes_total, hints)?, hints)?)
        }
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Delimited,
    JsonLines,
    JsonArray,
    Sheet,
}

/// Beginnings of files that are no tables, and what they are.
const STRANGERS: [(&[u8], &str); 6] = [
    (b"%PDF", "PDF"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"Rar!", "RAR"),
    (b"\x1f\x8b", "GZIP"),
    (b"SQLite format 3", "SQLite"),
];

fn kind_of(path: &Path, sample: &[u8]) -> Result<Kind, FileFault> {
    let unsupported = |kind: &str| FileFault::Unsupported { kind: kind.to_owned() };
    if sample.is_empty() {
        return Err(FileFault::Empty);
    }
    if sample.starts_with(b"PK\x03\x04") {
        return match extension(path).as_str() {
            other @ ("ods" | "xlsb" | "docx" | "zip" | "numbers") => Err(unsupported(&other.to_uppercase())),
            _ => Ok(Kind::Sheet),
        };
    }
    if sample.starts_with(b"\xd0\xcf\x11\xe0") {
        return Err(FileFault::Locked);
    }
    if let Some((_, kind)) = STRANGERS.iter().find(|(start, _)| sample.starts_with(start)) {
        return Err(unsupported(kind));
    }
    if encoding::is_utf16(sample) {
        return Ok(Kind::Delimited);
    }
    if sample.contains(&0) {
        return Err(unsupported(&extension(path).to_uppercase()));
    }
    let mut text = sample.strip_prefix(encoding::BOM).unwrap_or(sample).trim_ascii_start().iter();
    Ok(match (text.next(), text.find(|byte| !byte.is_ascii_whitespace())) {
        (Some(b'{'), _) => Kind::JsonLines,
        (Some(b'['), Some(b'{')) => Kind::JsonArray,
        (None, _) => return Err(FileFault::Empty),
        _ => Kind::Delimited,
    })
}

/// Ending of a file's name in small letters, without the dot.
pub(super) fn extension(path: &Path) -> String {
    path.extension().map(|extension| extension.to_string_lossy().to_lowercase()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All rows of a file with these bytes: numbers, cells and damage; and the titles.
    pub(super) fn read_all(bytes: &[u8], hints: &Hints) -> Result<(Vec<String>, Vec<Row>), ImportFault> {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("berkas");
        std::fs::write(&path, bytes).expect("write");
        let mut source = open(&path, hints)?;
        let mut rows = Vec::new();
        let mut row = Row::default();
        while source.read(&mut row)? {
            rows.push(row.clone());
        }
        Ok((source.titles().to_vec(), rows))
    }

    fn fault(bytes: &[u8]) -> FileFault {
        match read_all(bytes, &Hints::default()) {
            Err(ImportFault::File(fault)) => fault,
            other => panic!("expected a fault of the file, got {other:?}"),
        }
    }

    #[test]
    fn a_file_is_known_by_its_first_bytes() {
        let kind = |name: &str, bytes: &[u8]| kind_of(Path::new(name), bytes);
        assert_eq!(kind("a.csv", b"PK\x03\x04rest"), Ok(Kind::Sheet));
        assert_eq!(kind("a.csv", b"\xef\xbb\xbf {\"a\":1}"), Ok(Kind::JsonLines));
        assert_eq!(kind("a.txt", b" [\n {\"a\":1}]"), Ok(Kind::JsonArray));
        assert_eq!(kind("a.jsonl", b"nama;isi"), Ok(Kind::Delimited));
        assert_eq!(kind("a.xlsx", b"\xd0\xcf\x11\xe0"), Err(FileFault::Locked));
        assert_eq!(kind("a.ods", b"PK\x03\x04"), Err(FileFault::Unsupported { kind: "ODS".to_owned() }));
        assert_eq!(kind("a.csv", b"%PDF-1.7"), Err(FileFault::Unsupported { kind: "PDF".to_owned() }));
    }

    #[test]
    fn a_file_with_nothing_in_it_is_empty() {
        assert_eq!(fault(b""), FileFault::Empty);
        assert_eq!(fault(b"\xef\xbb\xbf\r\n \n"), FileFault::Empty);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn no_bytes_make_reading_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = read_all(&bytes, &Hints::default());
        }

        #[test]
        fn no_text_makes_reading_panic(text in "[a-c\",;\t|\r\n{}\\[\\]:0-9é\u{feff}]{0,200}") {
            let _ = read_all(text.as_bytes(), &Hints::default());
        }

        #[test]
        fn no_json_makes_reading_panic(text in "[\\[{][a-c\",\r\n{}\\[\\]:0-9\\\\ ]{0,200}") {
            let _ = read_all(text.as_bytes(), &Hints::default());
        }

        #[test]
        fn no_damaged_spreadsheet_makes_reading_panic(at in 0usize..6000, byte in any::<u8>(), cut in 0usize..6000) {
            let mut bytes = super::sheet::tests::workbook();
            let length = bytes.len();
            bytes[at % length] ^= byte;
            bytes.truncate(length - cut % length);
            let _ = read_all(&bytes, &Hints::default());
        }
    }
}
