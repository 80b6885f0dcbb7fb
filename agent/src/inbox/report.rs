//! What became of a file: counts for scripts, and the first reasons for people.

use serde::{Deserialize, Serialize};

/// Most refused rows that a report lists; all of them stand in the file of refused rows.
pub const REFUSALS_LISTED_MAX: usize = 20;

/// What became of the rows of a file. `rows` is the sum of `taken`, `repeated`, `changed` and `rejected`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Report {
    /// `kentongan.agent.import/1`.
    pub schema: Schema,
    /// The file, as it was named.
    pub file: String,
    /// The mapping file used; `None` if the columns were matched by their titles alone.
    pub map: Option<String>,
    /// Rows that are not blank.
    pub rows: u64,
    /// Entered now.
    pub taken: u64,
    /// Entered before, by this file or another.
    pub repeated: u64,
    /// Known by their id in the older system, but with other content: not entered, and listed in the file of refused
    /// rows.
    pub changed: u64,
    /// Wrong, and listed in the file of refused rows.
    pub rejected: u64,
    /// The file of refused rows, if there are any.
    pub rejected_file: Option<String>,
    /// The first refused rows.
    pub refusals: Vec<Refusal>,
    /// Titles of columns that hold something and went nowhere.
    pub ignored_columns: Vec<String>,
    /// What stands in required fields that the file has no column for, as `field=value`.
    pub assumed: Vec<String>,
    /// What was entered, if it was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entered: Vec<Entered>,
}

/// The name of the report's shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub enum Schema {
    /// The first.
    #[default]
    #[serde(rename = "kentongan.agent.import/1")]
    V1,
}

/// A row that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Row as a spreadsheet shows it, the header being 1; line of JSON lines.
    pub row: u64,
    /// Names of the fields to look at, several separated by `; `; empty if the row as a whole is wrong.
    pub field: String,
    /// What is wrong, in words.
    pub reason: String,
}

/// A row that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entered {
    /// Row as a spreadsheet shows it.
    pub row: u64,
    /// The record's id.
    pub record: String,
    /// The code for the citizen, if the form gives one.
    pub code: Option<String>,
}

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Progress {
    /// Bytes of the file read.
    pub bytes: u64,
    /// Bytes of the file.
    pub bytes_total: u64,
    /// Rows read.
    pub rows: u64,
    /// Rows entered.
    pub taken: u64,
    /// Rows refused.
    pub rejected: u64,
}
