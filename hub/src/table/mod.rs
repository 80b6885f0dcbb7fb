//! Records as tables that people open: columns made of the form, cells with their kind, files for spreadsheets.
//!
//! ```text
//!   export (a JSON object a record) ── Layout ── cells ──┬─ csv   excel-id: for Excel as offices have it; rfc4180: for programs
//!                                                        └─ xlsx  numbers are numbers, days are days
//! ```
//!
//! Texts are written by strangers: none of them is ever a formula. In XLSX a text is a text by its type; in CSV one that a
//! spreadsheet would run gets an apostrophe in front, see [`csv`].

mod csv;
mod layout;
mod xlsx;

use std::io::Write;

use kentongan_host::Failure;

pub(crate) use csv::{Csv, Profile};
pub(crate) use layout::{Layout, Said};
pub(crate) use xlsx::Xlsx;

/// What stands in a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cell {
    /// Nothing.
    Empty,
    /// A text, whoever wrote it.
    Text(String),
    /// A number as programs write it, with a point.
    Number(String),
    /// A civil day, `2026-11-21`.
    Day(String),
    /// A moment.
    Moment {
        /// As programs write it, in UTC.
        utc: String,
        /// The same by the clocks of the record's office: `2026-11-21T14:05:00`.
        there: String,
    },
}

/// Where rows go. The last call is [`Sheet::finish`]; without it the file is not whole.
pub(crate) trait Sheet {
    /// Writes a row, the one with the names of the columns first.
    ///
    /// # Errors
    /// It cannot be written, or is one more than a sheet has.
    fn row(&mut self, cells: &[Cell]) -> Result<(), Failure>;

    /// Writes what is still to be written.
    ///
    /// # Errors
    /// It cannot be written.
    fn finish(self: Box<Self>, sink: &mut dyn Write) -> Result<(), Failure>;
}
