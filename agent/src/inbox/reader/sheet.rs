//! XLSX: one sheet, row by row. Dates and numbers that the sheet holds as such become canonical text.
//!
//! The library reads in a thread of its own and hands rows over a short channel: memory stays bounded, and should a
//! damaged file make the library panic, the file is damaged and the agent goes on ([`kentongan_host::panics`]).

use std::fs::File;
use std::io::{BufReader, Seek, SeekFrom};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use calamine::{DataRef, ExcelDateTime, Reader, Sheet as SheetInfo, SheetType, SheetVisible, Xlsx};
use kentongan_host::panics::begin_apart;

use super::super::fault::{FileFault, ImportFault};
use super::super::row::{COLUMNS_MAX, Row};
use super::archive;
use super::table::RawRows;

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
    let mut workbook = Xlsx::new(BufReader::new(file)).map_err(|_| FileFault::Damaged)?;
    let name = choose(workbook.sheets_metadata(), name)?;
    let mut cells = workbook.worksheet_cells_reader(&name).map_err(|_| FileFault::Damaged)?;
    let mut rows = Vec::with_capacity(HANDFUL);
    let mut row = Row::default();
    while let Some(cell) = cells.next_cell().map_err(|_| FileFault::Damaged)? {
        let (number, column) = cell.get_position();
        let number = u64::from(number) + 1;
        let Some(text) = text_of(cell.get_value()) else { continue };
        if number != row.number {
            if number < row.number {
                return Err(FileFault::Damaged);
            }
            if row.number > 0 {
                rows.push(std::mem::take(&mut row));
            }
            if rows.len() >= HANDFUL && sender.send(Message::Rows(std::mem::take(&mut rows))).is_err() {
                return Ok(());
            }
            row.number = number;
        }
        match usize::try_from(column) {
            Ok(column) if column < COLUMNS_MAX => row.set(column, &text),
            _ => return Err(FileFault::TooManyColumns { columns_max: COLUMNS_MAX }),
        }
    }
    if row.number > 0 {
        rows.push(row);
    }
    // A listener that has gone needs no rows.
    let _ = sender.send(Message::Rows(rows));
    Ok(())
}

/// The sheet that was asked for, else the first one that people see.
fn choose(sheets: &[SheetInfo], name: Option<&str>) -> Result<String, FileFault> {
    let tables = || sheets.iter().filter(|sheet| sheet.typ == SheetType::WorkSheet);
    let found = match name {
        Some(name) => tables().find(|sheet| sheet.name.trim().eq_ignore_ascii_case(name.trim())),
        None => tables().find(|sheet| sheet.visible == SheetVisible::Visible),
    };
    let missing = || FileFault::NoSheet { name: name.unwrap_or_default().to_owned() };
    found.map(|sheet| sheet.name.clone()).ok_or_else(missing)
}

/// A cell as text; `None` if there is nothing in it. A cell that shows an error (`#N/A`) holds nothing either.
fn text_of(value: &DataRef<'_>) -> Option<String> {
    let text = match value {
        DataRef::Empty | DataRef::Error(_) => return None,
        DataRef::String(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number_text(*number),
        DataRef::Bool(value) => value.to_string(),
        DataRef::DateTime(moment) => moment_text(*moment),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
    };
    Some(text)
}

/// Sheets keep 15 digits of a number. A longer one (an identity number in a cell that is no text) has already lost its
/// last digits, so it is shown as the sheet shows it and fits no field.
fn number_text(number: f64) -> String {
    if number.abs() >= 1e15 { format!("{number:E}") } else { number.to_string() }
}

fn moment_text(moment: ExcelDateTime) -> String {
    if moment.is_duration() {
        return number_text(moment.as_f64());
    }
    let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
    if (0.0..1.0).contains(&moment.as_f64()) {
        return format!("{hour:02}:{minute:02}:{second:02}");
    }
    match (hour, minute, second) {
        (0, 0, 0) => format!("{year:04}-{month:02}-{day:02}"),
        _ => format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"),
    }
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
