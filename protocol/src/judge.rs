//! What the hub says of an op that it has stored. Refused is not lost: every op of an authentic replica is stored first
//! and judged afterwards, and the verdict travels down as data. One bad record never stops the others.

use std::collections::BTreeMap;
use std::fmt;

use crate::form::{self, FieldTag, Form, GroupTag, Lang, MergeClass, Value};
use crate::merge::Record;
use crate::op::{Action, Op};

/// The judgement of an op.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing to say: merged.
    Accepted,
    /// Merged, and a person at the office must mend it.
    NeedsRepair(Vec<form::Fault>),
    /// Stored but not merged: kept aside, visible to operators, never retried silently.
    Quarantined(Quarantine),
}

/// Why an op is kept aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quarantine {
    /// Its bytes are of a later version, or damaged before they were hashed.
    Unreadable = 1,
    /// Its form is not known here.
    UnknownForm = 2,
    /// It changes a record of another office.
    ForeignRecord = 3,
    /// It writes to a group that the form closes after the record's creation.
    Closed = 4,
}

impl Quarantine {
    /// From its number on the wire and in stores.
    pub fn from_number(number: u8) -> Option<Quarantine> {
        use Quarantine::*;
        [Unreadable, UnknownForm, ForeignRecord, Closed].into_iter().find(|reason| *reason as u8 == number)
    }

    /// In a sentence.
    pub fn sentence(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Quarantine::Unreadable, Lang::Id) => "isinya tidak terbaca oleh versi program ini",
            (Quarantine::Unreadable, Lang::En) => "this version of the program cannot read it",
            (Quarantine::UnknownForm, Lang::Id) => "formulirnya tidak dikenal di pusat",
            (Quarantine::UnknownForm, Lang::En) => "the hub does not know its form",
            (Quarantine::ForeignRecord, Lang::Id) => "mengubah catatan milik kantor lain",
            (Quarantine::ForeignRecord, Lang::En) => "it changes a record of another office",
            (Quarantine::Closed, Lang::Id) => "mengubah bagian yang tidak boleh berubah setelah disimpan",
            (Quarantine::Closed, Lang::En) => "it changes a part that may not change after saving",
        }
    }
}

impl fmt::Display for Quarantine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence(Lang::En))
    }
}

/// What the writer may do with the record that an op names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The record belongs to the writer's office, or was handed to it, or nothing is known of the record yet.
    Allowed,
    /// The record belongs to another office.
    Foreign,
}

/// Judges an op against its form and the record as it stands without it.
pub fn judge(op: &Op, form: Option<&Form>, record: &Record, access: Access) -> Verdict {
    if access == Access::Foreign {
        return Verdict::Quarantined(Quarantine::ForeignRecord);
    }
    let version = |known: &Form| record.creation.as_ref().map_or(known.version, |creation| creation.form_version);
    let faults = match (&op.action, form) {
        (Action::Create { form_version, .. }, Some(form)) => {
            let writes: Vec<(GroupTag, &BTreeMap<FieldTag, Value>)> =
                op.writes.iter().map(|write| (write.group, &write.values)).collect();
            form::check_create(form, *form_version, &writes)
        }
        (Action::Change { .. }, Some(form)) => {
            if op.writes.iter().any(|write| is_closed(form, write.group)) {
                return Verdict::Quarantined(Quarantine::Closed);
            }
            let version = version(form);
            op.writes.iter().flat_map(|write| form::check_write(form, version, write.group, &write.values)).collect()
        }
        (Action::Create { .. }, None) => return Verdict::Quarantined(Quarantine::UnknownForm),
        // A change that arrived before its record: judged by nothing but its bytes until the record is here.
        (Action::Change { .. }, None) if record.creation.is_none() => Vec::new(),
        (Action::Change { .. }, None) => return Verdict::Quarantined(Quarantine::UnknownForm),
    };
    if faults.is_empty() { Verdict::Accepted } else { Verdict::NeedsRepair(faults) }
}

fn is_closed(form: &Form, group: GroupTag) -> bool {
    form.group(group).is_some_and(|group| group.merge == MergeClass::Fixed)
}
