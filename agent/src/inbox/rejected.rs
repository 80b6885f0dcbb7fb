//! The list of refused rows: three columns of ours (row, field, reason), then the columns of the file as they were.
//!
//! A person mends the cells in a spreadsheet and drops the list into the inbox: our columns are recognised and left
//! out, so the mended rows are read like those of the first file.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use csv::{ByteRecord, QuoteStyle, StringRecord, Terminator, WriterBuilder};
use kentongan_host::Lang;
use kentongan_host::files::sync_parent;

use super::row::{Damage, Row};

/// Columns that we put before those of the file.
pub(super) const OWN_COLUMNS: usize = 3;
const TITLES: [[&str; OWN_COLUMNS]; 2] = [["baris", "bidang", "alasan"], ["row", "field", "reason"]];

/// Whether the titles of a file begin as those of our own lists.
pub(super) fn is_own(titles: &[String]) -> bool {
    TITLES.iter().any(|own| {
        titles.len() > OWN_COLUMNS && titles.iter().zip(own).all(|(title, own)| title.trim().eq_ignore_ascii_case(own))
    })
}

/// The name, without ending, of the file that a list of refused rows comes from: `aduan` of `aduan-rejected-2`.
pub(super) fn origin_of(stem: &str) -> &str {
    let stem = match stem.rsplit_once('-') {
        Some((head, number)) if head.ends_with("-rejected") && number.bytes().all(|b| b.is_ascii_digit()) => head,
        _ => stem,
    };
    stem.strip_suffix("-rejected").unwrap_or(stem)
}

/// Bytes of the sign that we put before a cell so that a spreadsheet does not run it as a formula.
pub(super) fn escape_bytes(cell: &str) -> usize {
    usize::from(cell.starts_with('\'') && looks_like_formula(cell))
}

/// Whether a spreadsheet would run the cell, or would if a sign before it were taken away.
fn looks_like_formula(cell: &str) -> bool {
    match cell.trim_start_matches('\'').as_bytes() {
        [b'=' | b'@' | b'\t', _, ..] => true,
        [b'+' | b'-', next, ..] => !next.is_ascii_digit() && *next != b' ',
        _ => false,
    }
}

/// A list of refused rows that is being written, under a name that nobody takes for a finished file.
///
/// The titles are written last: in JSON lines a new column may still turn up in the last line.
pub(super) struct RejectedList {
    folder: PathBuf,
    stem: String,
    spool: PathBuf,
    writer: csv::Writer<File>,
    finished: bool,
}

impl RejectedList {
    /// Begins the list for `file` in the first of `folders` that can be written to.
    pub(super) fn begin(file: &Path, folders: &[PathBuf]) -> Result<RejectedList, (PathBuf, io::Error)> {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        let stem = format!("{}-rejected", origin_of(&stem));
        let mut last = (PathBuf::new(), io::Error::from(io::ErrorKind::NotFound));
        for folder in folders {
            let spool = folder.join(format!(".{stem}.part"));
            match File::options().read(true).write(true).create(true).truncate(true).open(&spool) {
                Ok(opened) => {
                    let writer = WriterBuilder::new().has_headers(false).flexible(true).from_writer(opened);
                    let folder = folder.clone();
                    return Ok(RejectedList { folder, stem, spool, writer, finished: false });
                }
                Err(error) => last = (spool, error),
            }
        }
        Err(last)
    }

    /// Adds a row.
    pub(super) fn add(&mut self, row: &Row, fields: &str, reason: &str) -> io::Result<()> {
        // A row of the wrong width keeps it, and so does a line that could not be taken apart: made even, it would be
        // taken as it is when the list comes back, the whole line as the text of the first column.
        let long_cell = row.damage == Some(Damage::TooLong) && row.width() > 1;
        let width = if row.damage.is_none() || long_cell { "even" } else { "as it is" };
        let number = row.number.to_string();
        let mut record = StringRecord::from(vec![width, &number, fields, reason]);
        for cell in row.cells() {
            record.push_field(cell);
        }
        self.writer.write_record(&record).map_err(to_io)
    }

    /// Writes the list under titles and under its name, durably; gives the path.
    ///
    /// If the same list is already there (an import that was cut after writing it, and repeated), that one stays.
    pub(super) fn finish(mut self, titles: &[String], lang: Lang) -> Result<PathBuf, (PathBuf, io::Error)> {
        let spool = self.spool.clone();
        self.write_out(titles, lang).map_err(|error| (spool, error))
    }

    fn write_out(&mut self, titles: &[String], lang: Lang) -> io::Result<PathBuf> {
        self.writer.flush()?;
        let own = match lang {
            Lang::Id => TITLES[0],
            Lang::En => TITLES[1],
        };
        let finished = self.folder.join(format!(".{}.new", self.stem));
        // The mark at the start is what makes Excel read UTF-8.
        let mut file = File::create(&finished)?;
        file.write_all(b"\xef\xbb\xbf")?;
        let mut writer = WriterBuilder::new()
            .has_headers(false)
            .flexible(true)
            .terminator(Terminator::CRLF)
            .quote_style(QuoteStyle::Necessary)
            .from_writer(BufWriter::new(file));
        writer.write_record(own.iter().copied().chain(titles.iter().map(String::as_str))).map_err(to_io)?;
        let spool = File::open(&self.spool)?;
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(BufReader::new(spool));
        let mut record = ByteRecord::new();
        while reader.read_byte_record(&mut record).map_err(to_io)? {
            writer.write_byte_record(&list_row(&record, titles.len())).map_err(to_io)?;
        }
        let file = writer.into_inner().map_err(|error| io::Error::from(error.error().kind()))?;
        file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        self.finished = true;
        let _ = fs::remove_file(&self.spool);
        self.put_in_place(&finished)
    }

    fn put_in_place(&self, finished: &Path) -> io::Result<PathBuf> {
        for number in 1_u32.. {
            let name = if number == 1 { format!("{}.csv", self.stem) } else { format!("{}-{number}.csv", self.stem) };
            let path = self.folder.join(name);
            match fs::metadata(&path) {
                Ok(_) if same_content(&path, finished)? => {
                    fs::remove_file(finished)?;
                    return Ok(path);
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    fs::rename(finished, &path)?;
                    sync_parent(&path)?;
                    return Ok(path);
                }
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }
}

impl Drop for RejectedList {
    fn drop(&mut self) {
        if !self.finished {
            // The import was cut; when the file comes again, the list is begun anew.
            let _ = fs::remove_file(&self.spool);
        }
    }
}

/// A row of the spool as it stands in the list: padded, and with nothing that a spreadsheet would run.
fn list_row(spooled: &ByteRecord, titles: usize) -> ByteRecord {
    let even = spooled.get(0) == Some(b"even");
    let mut row = ByteRecord::new();
    for (place, cell) in spooled.iter().skip(1).enumerate() {
        if !even && place == OWN_COLUMNS && spooled.len() - 1 == titles + OWN_COLUMNS {
            // The list has as many columns as this line by chance.
            row.push_field(b"");
        }
        if std::str::from_utf8(cell).is_ok_and(looks_like_formula) {
            row.push_field(&[b"'", cell].concat())
        } else {
            row.push_field(cell)
        }
    }
    while even && row.len() < titles + OWN_COLUMNS {
        row.push_field(b"");
    }
    row
}

fn same_content(one: &Path, other: &Path) -> io::Result<bool> {
    if fs::metadata(one)?.len() != fs::metadata(other)?.len() {
        return Ok(false);
    }
    Ok(fs::read(one)? == fs::read(other)?)
}

fn to_io(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        _ => io::ErrorKind::InvalidData.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: u64, cells: &[&str]) -> Row {
        let mut row = Row::default();
        row.number = number;
        cells.iter().for_each(|cell| row.push(cell));
        row
    }

    #[test]
    fn a_list_remembers_the_file_it_comes_from() {
        assert_eq!(origin_of("aduan"), "aduan");
        assert_eq!(origin_of("aduan-rejected"), "aduan");
        assert_eq!(origin_of("aduan-rejected-12"), "aduan");
        assert_eq!(origin_of("aduan-2026"), "aduan-2026");
    }

    #[test]
    fn titles_written_last_cover_columns_that_came_late_and_nothing_runs_as_a_formula() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let folders = [dir.path().join("missing"), dir.path().to_owned()];
        let mut list = RejectedList::begin(Path::new("aduan.jsonl"), &folders).expect("begin");
        list.add(&row(2, &["=1+1"]), "uraian", "Wajib diisi.").expect("add");
        let mut ragged = row(3, &["x"]);
        ragged.damage = Some(Damage::Ragged { expected: 2, found: 1 });
        list.add(&ragged, "", "Lebar").expect("add");
        list.add(&row(4, &["+62 800", "'=x"]), "nik", "a; b").expect("add");
        let path = list.finish(&["a".to_owned(), "b".to_owned()], Lang::Id).expect("finish");
        assert_eq!(path, dir.path().join("aduan-rejected.csv"));
        let text = fs::read_to_string(&path).expect("read");
        let expected = "\u{feff}baris,bidang,alasan,a,b\r\n2,uraian,Wajib diisi.,'=1+1,\r\n3,,Lebar,x\r\n4,nik,a; b,+62 800,''=x\r\n";
        assert_eq!(text, expected);
        assert_eq!(fs::read_dir(dir.path()).expect("list").count(), 1, "no spool is left");
        assert_eq!((escape_bytes("'=1+1"), escape_bytes("''=x"), escape_bytes("'0800")), (1, 1, 0));
    }

    #[test]
    fn a_line_that_could_not_be_taken_apart_is_not_even_with_the_others_and_so_not_taken_when_the_list_comes_back() {
        for titles in [vec!["a".to_owned()], vec!["a".to_owned(), "b".to_owned()]] {
            let dir = tempfile::tempdir().expect("a temporary folder");
            let mut list = RejectedList::begin(Path::new("a.jsonl"), &[dir.path().to_owned()]).expect("begin");
            let mut line = row(2, &["{\"a\":"]);
            line.damage = Some(Damage::NotJson);
            list.add(&line, "", "JSON").expect("add");
            let path = list.finish(&titles, Lang::En).expect("finish");
            let text = fs::read(&path).expect("read");
            let mut list = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_slice());
            let widths: Vec<usize> = list.records().map(|row| row.expect("a row").len()).collect();
            assert_ne!(widths[0], widths[1]);
        }
    }

    #[test]
    fn the_same_list_again_is_the_same_file_and_another_gets_a_number() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let write = |reason: &str| {
            let mut list = RejectedList::begin(Path::new("a.csv"), &[dir.path().to_owned()]).expect("begin");
            list.add(&row(2, &["x"]), "", reason).expect("add");
            list.finish(&["a".to_owned()], Lang::En).expect("finish")
        };
        assert_eq!(write("one"), dir.path().join("a-rejected.csv"));
        assert_eq!(write("one"), dir.path().join("a-rejected.csv"));
        assert_eq!(write("two"), dir.path().join("a-rejected-2.csv"));
    }

    #[test]
    fn a_list_that_is_given_up_leaves_nothing() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let list = RejectedList::begin(Path::new("a.csv"), &[dir.path().to_owned()]).expect("begin");
        drop(list);
        assert_eq!(fs::read_dir(dir.path()).expect("list").count(), 0);
    }
}
