//! What enters the agent: records that are typed by their form and not yet named.

use std::collections::BTreeMap;

use kentongan_protocol::form::{FieldTag, Form, FormTag, GroupTag, Value};
use kentongan_protocol::ids::RecordId;
use kentongan_protocol::receipt::ReceiptCode;

/// A record to be entered, already typed by its form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecord {
    /// The form.
    pub form: FormTag,
    /// Who enters it, as the office names people.
    pub author: String,
    /// The values, by group; a group that adds may stand several times.
    pub writes: Vec<(GroupTag, BTreeMap<FieldTag, Value>)>,
}

impl NewRecord {
    /// Of values by field.
    pub fn of_values(form: &Form, author: &str, values: BTreeMap<FieldTag, Value>) -> NewRecord {
        let mut writes: BTreeMap<GroupTag, BTreeMap<FieldTag, Value>> = BTreeMap::new();
        for (tag, value) in values {
            if let Some(field) = form.field(tag) {
                writes.entry(field.group).or_default().insert(tag, value);
            }
        }
        NewRecord { form: form.tag, author: author.to_owned(), writes: writes.into_iter().collect() }
    }
}

/// A row of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportRow {
    /// Content name: the same name is taken once, for ever.
    pub name: [u8; 32],
    /// Hash of the form and the row's own id in the older system, if it has one.
    pub source: Option<[u8; 32]>,
    /// What it says.
    pub record: NewRecord,
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowOutcome {
    /// Entered, and durable.
    Taken {
        /// The new record.
        record: RecordId,
        /// The code for the citizen, if its form gives one.
        receipt: Option<ReceiptCode>,
    },
    /// Was entered before.
    Repeated,
    /// A row with the same id in the older system was entered before, with other content.
    Changed,
}

/// Takes rows durably.
pub trait Intake {
    /// Takes all rows in one transaction; outcomes in the same order.
    ///
    /// # Errors
    /// Whatever keeps the store from taking them; then none was taken.
    fn take(&mut self, rows: Vec<ImportRow>) -> anyhow::Result<Vec<RowOutcome>>;
}
