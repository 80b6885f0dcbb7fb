//! The inbox: files of complaints and survey answers, typed from paper or exported from an older system, become
//! records.
//!
//! ```text
//!   folder    which dropped files are complete; what happens to each        watch
//!   engine    one file: transactions, counts, the list of refused rows      report  progress
//!   batches   the half of it that reads and checks, on a thread of its own
//!   mapping   which column goes into which field                            README.md tells how to write a map
//!   reader    rows out of CSV, JSON lines and XLSX
//!   record    a row as a typed, checked record                              values  dates
//!   row       cells, row numbers, content names                             rejected  the list of refused rows
//! ```
//!
//! Two promises hold at every point at which the process may die: a row that was taken is never taken again, and a file
//! leaves the inbox only after its last row is safe.

mod batches;
mod dates;
mod engine;
mod fault;
pub mod folder;
mod mapping;
mod progress;
mod reader;
mod record;
mod rejected;
mod report;
mod row;
pub mod testdata;
mod values;

#[cfg(test)]
mod stories;

pub use engine::{ListEntered, Options, import_file};
pub use fault::{FileFault, ImportError, ImportFault};
pub use mapping::{MapChoice, MapFault};
pub use progress::Bar;
pub(crate) use values::whole;

pub use report::{Entered, Progress, REFUSALS_LISTED_MAX, Refusal, Report, Schema};
