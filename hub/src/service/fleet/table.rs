//! The list of offices as a table for spreadsheets and scripts: the same columns from the command line and the console.

use kentongan_host::moment;
use serde::Serialize;

use super::OfficeRow;

/// Names of the columns.
pub const COLUMNS: [&str; 16] = [
    "office",
    "name",
    "state",
    "notices",
    "replicas",
    "last_contact_at",
    "expected_by",
    "pending",
    "pending_at_least",
    "oldest_pending_at",
    "drained_at",
    "clock_offset_s",
    "cert_expires_at",
    "program",
    "days",
    "tags",
];

/// The cells of an office, in the order of [`COLUMNS`].
pub fn cells(row: &OfficeRow) -> [String; 16] {
    let time = |at: Option<i64>| at.map(moment::text).unwrap_or_default();
    let notices: Vec<String> = row.notices.iter().map(code).collect();
    [
        row.office.clone(),
        row.name.clone(),
        code(&row.state),
        notices.join(" "),
        row.replicas.to_string(),
        time(row.last_contact_at),
        time(row.expected_by),
        row.pending.to_string(),
        row.pending_at_least.to_string(),
        time(row.oldest_pending_at),
        time(row.drained_at),
        row.clock_offset_s.to_string(),
        time(row.cert_expires_at),
        row.program.clone(),
        row.days.clone(),
        row.tags.join(" | "),
    ]
}

/// The stable word of a state or notice, as documents have it.
pub(crate) fn code(choice: &impl Serialize) -> String {
    serde_json::to_value(choice).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
