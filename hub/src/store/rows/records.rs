//! Records, as lists and exports see them.

use std::collections::BTreeMap;

use kentongan_protocol::form::{ChoiceTag, FormTag, GroupTag};
use kentongan_protocol::ids::{OfficeCode, RecordId};
use kentongan_protocol::receipt::ReceiptCode;

/// A record, with what lists need of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordRow {
    /// Its name.
    pub id: RecordId,
    /// Its number here, in the order of arrival, from 1; lists and exports page by it. Given by the store.
    pub number: u64,
    /// What its creating op said; `None` while only later changes have arrived, or while that op is kept aside.
    pub born: Option<Born>,
    /// The status that is shown, for forms that have one.
    pub status: Option<ChoiceTag>,
    /// Number of groups in which values stand side by side.
    pub conflicts: u32,
    /// The beginning of its main text, for lists and searching.
    pub summary: String,
    /// Feed number of its last change, 0 if it never changed after its creation.
    pub changed: u64,
    /// When the hub received its first op, milliseconds since 1970.
    pub received_ms: i64,
}

/// What the creating op of a record said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Born {
    /// Form.
    pub form: FormTag,
    /// Version of the form it was filled in by.
    pub form_version: u16,
    /// The office it belongs to.
    pub office: OfficeCode,
    /// Code the citizen took home.
    pub code: Option<ReceiptCode>,
}

/// Which records a list asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordFilter {
    /// Of this form.
    pub form: Option<FormTag>,
    /// Of this office.
    pub office: Option<OfficeCode>,
    /// With this status shown, or with none: nobody has moved such a record yet.
    pub status: Option<Option<ChoiceTag>>,
    /// With this text in its summary, whatever the case of ASCII letters.
    pub text: Option<String>,
}

/// Which page of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// The oldest first: numbers above this one.
    After(u64),
    /// The newest first: numbers below this one; `u64::MAX` for the first page.
    Before(u64),
}

/// A group of a record in which values stand side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The record.
    pub record: RecordId,
    /// The group.
    pub group: GroupTag,
    /// Since when the hub knows of it, milliseconds since 1970.
    pub since_ms: i64,
    /// The office that is to decide it.
    pub owner: OfficeCode,
}

/// What waits for people, whatever else the store holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attention {
    /// Ops kept aside that no person has decided on.
    pub quarantined: u64,
    /// Groups of records in conflict.
    pub conflicts: u64,
}

/// A count of records by form that is kept up to date: see [`crate::store::Tx::totals_since`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordTally {
    /// Records by form.
    pub by_form: BTreeMap<FormTag, u64>,
    /// All records up to this number are counted.
    pub through: u64,
    /// But for these: the op that creates them had not come.
    pub unborn: Vec<u64>,
}

/// Totals, for overviews.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// Records by form.
    pub records: Vec<(FormTag, u64)>,
    /// Ops stored, of all replicas.
    pub ops: u64,
    /// Ops kept aside that no person has decided on.
    pub quarantined: u64,
    /// Ops that wait for the creating op of their record.
    pub waiting: u64,
    /// Groups of records in conflict.
    pub conflicts: u64,
    /// Number of the last feed entry.
    pub feed: u64,
}
