//! XLSX: one sheet, row by row. Dates and numbers that the sheet holds as such become canonical text.
//!
//! ```text
//!   archive ── the whole is not too large ──▶ workbook ── texts and formats ──▶ cells ──▶ rows
//!                                                 └───────── xml ─────────────────┘
//! ```
//!
//! Archives and XML are read by libraries; what stands in a workbook is little enough to be read here: the libraries for it
//! bring every older format and its character sets, 0.3 MB of a program that is to fit into 6. They read in a thread of their
//! own, which hands rows over a short channel: memory stays bounded, and should a damaged file make one panic, the file is
//! damaged and the agent goes on ([`kentongan_host::panics`]).

mod archive;
mod cells;
mod moment;
mod workbook;
mod xml;

use std::fs::File;
use std::io::{BufReader, Seek, SeekFrom};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use kentongan_host::panics::begin_apart;

use super::super::fault::{FileFault, ImportFault};
use super::super::row::{COLUMNS_MAX, Row};
use super::table::RawRows;
use cells::{Cells, Shared};
use workbook::Workbook;

/// Rows handed over at once, and how many such handfuls may wait.
const HANDFUL: usize = 256;
const HANDFULS_WAITING: usize = 4;

enum Message {
    Rows(Vec<Row>),
    End,
    Fault(FileFault),
}

pub(super) struct Sheet {
    messages: Receiver<Message>,
    rows: std::vec::IntoIter<Row>,
    ended: bool,
}

impl Sheet {
    pub(super) fn open(mut file: File, name: Option<String>) -> Result<Sheet, ImportFault> {
        archive::check(BufReader::new(&file))?;
        file.seek(SeekFrom::Start(0))?;
        let (sender, messages) = sync_channel(HANDFULS_WAITING);
        let last_word = sender.clone();
        let work = move || {
            let last = match read(file, name.as_deref(), &sender) {
                Ok(()) => Message::End,
                Err(fault) => Message::Fault(fault),
            };
            // Nobody listens any more when the import was stopped.
            let _ = sender.send(last);
        };
        begin_apart("xlsx", work, move || drop(last_word.send(Message::Fault(FileFault::Damaged))))?;
        Ok(Sheet { messages, rows: Vec::new().into_iter(), ended: false })
    }
}

impl RawRows for Sheet {
    fn next(&mut self, row: &mut Row) -> Result<bool, ImportFault> {
        loop {
            if let Some(next) = self.rows.next() {
                *row = next;
                return Ok(true);
            }
            if self.ended {
                return Ok(false);
            }
            match self.messages.recv() {
                Ok(Message::Rows(rows)) => self.rows = rows.into_iter(),
                Ok(Message::End) => self.ended = true,
                Ok(Message::Fault(fault)) => return Err(fault.into()),
                // The thread ended without a last word.
                Err(_) => return Err(FileFault::Damaged.into()),
            }
        }
    }

    fn rows_are_even(&self) -> bool {
        false
    }

    fn bytes(&self) -> (u64, u64) {
        (0, 0)
    }
}

fn read(file: File, name: Option<&str>, sender: &SyncSender<Message>) -> Result<(), FileFault> {
    let mut workbook = Workbook::open(BufReader::new(file))?;
    let shared = Shared { texts: workbook.texts()?, formats: workbook.formats()?, since_1904: workbook.since_1904 };
    let mut cells = Cells::new(workbook.sheet(name)?, &shared);
    let mut rows = Vec::with_capacity(HANDFUL);
    let mut row = Row::default();
    while let Some((place, text)) = cells.next()? {
        if place.row != row.number {
            if row.number > 0 {
                rows.push(std::mem::take(&mut row));
            }
            if rows.len() >= HANDFUL && sender.send(Message::Rows(std::mem::take(&mut rows))).is_err() {
                return Ok(());
            }
            row.number = place.row;
        }
        if place.column >= COLUMNS_MAX {
            return Err(FileFault::TooManyColumns { columns_max: COLUMNS_MAX });
        }
        row.set(place.column, &text);
    }
    if row.number > 0 {
        rows.push(row);
    }
    // A listener that has gone needs no rows.
    let _ = sender.send(Message::Rows(rows));
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use rust_xlsxwriter::{ExcelDateTime as Moment, Format, Workbook};

    use super::super::Hints;
    use super::super::tests::read_all;
    use super::*;

    /// A heading, titles in row 3, two rows with a gap between; and a second sheet.
    pub(in super::super) fn workbook() -> Vec<u8> {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet().set_name("Rekap").expect("name");
        let date = Format::new().set_num_format("dd/mm/yyyy");
        let time = Format::new().set_num_format("dd/mm/yyyy hh:mm");
        sheet.write_string(0, 0, "REKAP PENGADUAN").expect("write");
        for (column, title) in (0_u16..).zip(["No", "Isi", "Tanggal", "Masuk", "NIK"]) {
            sheet.write_string(2, column, title).expect("write");
        }
        sheet.write_number(3, 0, 1.0).expect("write");
        sheet.write_string(3, 1, "Antre lama").expect("write");
        let day = Moment::from_ymd(2026, 11, 21).expect("date");
        sheet.write_datetime_with_format(3, 2, &day, &date).expect("write");
        let hour = Moment::from_ymd(2026, 11, 21).and_then(|day| day.and_hms(14, 5, 0)).expect("time");
        sheet.write_datetime_with_format(3, 3, &hour, &time).expect("write");
        sheet.write_number(3, 4, 3_273_051_234_560_001.0).expect("write");
        sheet.write_number(5, 0, 2.5).expect("write");
        sheet.write_boolean(5, 1, true).expect("write");
        let second = workbook.add_worksheet().set_name("Lain").expect("name");
        second.write_string(0, 0, "a").expect("write").write_string(0, 1, "b").expect("write");
        second.write_string(1, 1, "x").expect("write");
        workbook.save_to_buffer().expect("save")
    }

    #[test]
    fn typed_cells_become_canonical_text_under_the_numbers_of_the_sheet() {
        let (titles, rows) = read_all(&workbook(), &Hints::default()).expect("read");
        assert_eq!(titles, ["No", "Isi", "Tanggal", "Masuk", "NIK"]);
        let cells: Vec<Vec<&str>> = rows.iter().map(|row| row.cells().collect()).collect();
        let first = vec!["1", "Antre lama", "2026-11-21", "2026-11-21T14:05:00", "3.273051234560001E15"];
        assert_eq!(cells, [first, vec!["2.5", "true"]]);
        assert_eq!(rows.iter().map(|row| row.number).collect::<Vec<_>>(), [4, 6]);
        assert!(rows.iter().all(|row| row.damage.is_none()));
    }

    #[test]
    fn another_sheet_can_be_asked_for_by_name() {
        let hints = |name: &str| Hints { sheet: Some(name.to_owned()), ..Hints::default() };
        let (titles, rows) = read_all(&workbook(), &hints("lain")).expect("read");
        assert_eq!((titles.len(), rows[0].cell(1)), (2, "x"));
        let missing = read_all(&workbook(), &hints("Mei"));
        assert!(matches!(missing, Err(ImportFault::File(FileFault::NoSheet { .. }))), "{missing:?}");
    }

    #[test]
    fn an_archive_that_is_no_workbook_is_damaged() {
        let outcome = read_all(b"PK\x03\x04 nothing more", &Hints::default());
        assert!(matches!(outcome, Err(ImportFault::File(FileFault::Damaged))), "{outcome:?}");
    }
}
