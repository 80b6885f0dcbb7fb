//! XLSX: cells have types, so a text is never a formula and a day is a day in every country.

use std::io::Write;

use anyhow::Context as _;
use kentongan_host::{Exit, Failure};
use rust_xlsxwriter::{ExcelDateTime, Format, FormatAlign, Workbook, Worksheet};

use super::{Cell, Sheet};

/// Rows of a sheet, the one with the titles among them.
const ROWS_MAX: u32 = 1_048_576;
/// Widths in characters.
const WIDTH: f64 = 18.0;

/// A workbook under way. Rows lie in a temporary file until it is finished, so that memory does not grow with them.
pub(crate) struct Xlsx {
    book: Workbook,
    next: u32,
    title: Format,
    day: Format,
    moment: Format,
}

impl Xlsx {
    /// With a sheet of this name.
    ///
    /// # Errors
    /// The name is none for a sheet.
    pub(crate) fn new(name: &str) -> Result<Xlsx, Failure> {
        let mut book = Workbook::new();
        let sheet = book.add_worksheet_with_constant_memory().context("begin a sheet")?;
        sheet.set_name(name).context("name a sheet")?;
        sheet.set_freeze_panes(1, 0).context("keep the titles in sight")?;
        for column in 0..60 {
            sheet.set_column_width(column, WIDTH).context("set a width")?;
        }
        Ok(Xlsx {
            book,
            next: 0,
            title: Format::new().set_bold().set_text_wrap().set_align(FormatAlign::Top),
            day: Format::new().set_num_format("dd/mm/yyyy"),
            moment: Format::new().set_num_format("dd/mm/yyyy hh:mm"),
        })
    }

    /// Adds a sheet that says what the file holds and where it comes from.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn about(&mut self, lines: &[(&str, String)]) -> Result<(), Failure> {
        let sheet = self.book.add_worksheet();
        sheet.set_name("Keterangan").context("name a sheet")?;
        sheet.set_column_width(0, 24.0).context("set a width")?;
        sheet.set_column_width(1, 60.0).context("set a width")?;
        for ((name, value), row) in lines.iter().zip(0..) {
            sheet.write_string(row, 0, *name).context("write a cell")?;
            sheet.write_string(row, 1, value).context("write a cell")?;
        }
        Ok(())
    }
}

impl Sheet for Xlsx {
    fn row(&mut self, cells: &[Cell]) -> Result<(), Failure> {
        if self.next >= ROWS_MAX {
            return Err(Failure::new(
                Exit::Failed,
                format!("Satu lembar XLSX memuat paling banyak {ROWS_MAX} baris."),
                format!("A sheet of XLSX holds at most {ROWS_MAX} rows."),
            )
            .with_hint(
                "persempit dengan --since dan --until, atau pakai CSV",
                "narrow it with --since and --until, or use CSV",
            ));
        }
        let (row, title) = (self.next, (self.next == 0).then_some(&self.title));
        let (day, moment) = (&self.day, &self.moment);
        let sheet = self.book.worksheet_from_index(0).context("the sheet with the rows")?;
        for (cell, column) in cells.iter().zip(0..) {
            write(sheet, (row, column), cell, title, (day, moment)).context("write a cell")?;
        }
        self.next += 1;
        Ok(())
    }

    fn finish(mut self: Box<Self>, sink: &mut dyn Write) -> Result<(), Failure> {
        let bytes = self.book.save_to_buffer().context("write a workbook")?;
        sink.write_all(&bytes)?;
        Ok(sink.flush()?)
    }
}

fn write(
    sheet: &mut Worksheet,
    (row, column): (u32, u16),
    cell: &Cell,
    title: Option<&Format>,
    (day, moment): (&Format, &Format),
) -> Result<(), rust_xlsxwriter::XlsxError> {
    match (cell, title) {
        (Cell::Empty, _) => {}
        (Cell::Text(text), Some(title)) => drop(sheet.write_string_with_format(row, column, text, title)?),
        (Cell::Text(text), None) => drop(sheet.write_string(row, column, text)?),
        (Cell::Number(number), _) => match number.parse::<f64>() {
            Ok(number) => drop(sheet.write_number(row, column, number)?),
            Err(_) => drop(sheet.write_string(row, column, number)?),
        },
        // Days before 1900 are none for a spreadsheet; they stay what was written.
        (Cell::Day(text), _) => match ExcelDateTime::parse_from_str(text) {
            Ok(date) => drop(sheet.write_datetime_with_format(row, column, &date, day)?),
            Err(_) => drop(sheet.write_string(row, column, text)?),
        },
        (Cell::Moment { there, .. }, _) => match ExcelDateTime::parse_from_str(there) {
            Ok(date) => drop(sheet.write_datetime_with_format(row, column, &date, moment)?),
            Err(_) => drop(sheet.write_string(row, column, there)?),
        },
    }
    Ok(())
}
