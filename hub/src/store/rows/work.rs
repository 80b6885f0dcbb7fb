//! What the hub has found out of records and keeps, so that no page has to look at all of them. Everything here can be found
//! again from the ops; a store that is put together anew begins without it.

use kentongan_protocol::calendar::Stage;
use kentongan_protocol::form::GroupTag;
use kentongan_protocol::ids::{OfficeCode, OpId, RecordId};
use kentongan_protocol::survey::Sums;

/// A complaint that is not closed, and until when something is due of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// The complaint.
    pub record: RecordId,
    /// Whose turn it is.
    pub stage: Stage,
    /// The office it belongs to.
    pub office: OfficeCode,
    /// The end of the day on which it is due, milliseconds since 1970; `None`: nothing is.
    pub due_ms: Option<i64>,
}

/// Which open complaints a list asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CaseFilter {
    /// At this stage.
    pub stage: Option<Stage>,
    /// Of this office.
    pub office: Option<OfficeCode>,
    /// Due after the first and not after the second moment.
    pub due_ms: Option<(i64, i64)>,
}

/// A place in the list of open complaints: what is due first stands first, what nothing is due of stands last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CasePlace {
    /// As in [`Case`].
    pub due_ms: Option<i64>,
    /// Number of the record.
    pub number: u64,
}

/// How many open complaints are at a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseCount {
    /// The stage.
    pub stage: Stage,
    /// All of them.
    pub all: u64,
    /// Those due at each of the moments that were asked for, or before it.
    pub until: [u64; 4],
}

/// How far records were looked at: a record that came or changed later lies behind it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// Number of the last record.
    pub number: u64,
    /// Feed number of the last change.
    pub change: u64,
}

/// What the questionnaires of an office add up to in a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SurveyMonth {
    /// The office.
    pub office: OfficeCode,
    /// Months since the year 0, from January.
    pub month: i32,
    /// Scores and answers.
    pub sums: Sums,
    /// Who the respondents were, as its reader writes it.
    pub profile: String,
}

/// A conflict that was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The record.
    pub record: RecordId,
    /// The group.
    pub group: GroupTag,
    /// The op that decided it.
    pub op: OpId,
    /// The office that was to decide it.
    pub owner: OfficeCode,
    /// Since when the hub knew of the conflict, milliseconds since 1970.
    pub since_ms: i64,
    /// When the hub heard of the decision.
    pub decided_ms: i64,
}
