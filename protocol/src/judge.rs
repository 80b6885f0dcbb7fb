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
    /// It is sealed, and not to this hub.
    Sealed = 5,
}

impl Quarantine {
    /// From its number on the wire and in stores.
    pub fn from_number(number: u8) -> Option<Quarantine> {
        use Quarantine::*;
        [Unreadable, UnknownForm, ForeignRecord, Closed, Sealed].into_iter().find(|reason| *reason as u8 == number)
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
            (Quarantine::Sealed, Lang::Id) => "isinya tersegel dan tidak dapat dibuka dengan kunci pusat ini",
            (Quarantine::Sealed, Lang::En) => "its content is sealed, and this hub's key does not open it",
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
        // A change that arrived before its record: judged by nothing but its bytes until the record is here.
        (Action::Change { .. }, None) if record.creation.is_none() => Vec::new(),
        (_, None) => return Verdict::Quarantined(Quarantine::UnknownForm),
    };
    if faults.is_empty() { Verdict::Accepted } else { Verdict::NeedsRepair(faults) }
}

fn is_closed(form: &Form, group: GroupTag) -> bool {
    form.group(group).is_some_and(|group| group.merge == MergeClass::Fixed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Hlc;
    use crate::form::builtin;
    use crate::ids::{LogId, OpId, RecordId};
    use crate::merge::Creation;
    use crate::op::Write;

    const RECORD: RecordId = RecordId(OpId { log: LogId(1), seq: 1 });

    fn form(name: &str) -> &'static Form {
        builtin::by_name(name).expect("a built-in form")
    }

    fn op(action: Action, writes: Vec<Write>) -> Op {
        Op { action, author: "sari".into(), elapsed_ms: 0, hlc: Hlc(1), writes }
    }

    /// A change that says nothing in a group of a form.
    fn change(form: &Form, group: &str) -> Op {
        let group = form.group_named(group).expect("a group of the form").tag;
        op(Action::Change { record: RECORD }, vec![Write { group, ..Write::default() }])
    }

    fn created(form: &Form, form_version: u16) -> Record {
        let mut record = Record::new(RECORD);
        let author = "sari".into();
        record.creation = Some(Creation { form: form.tag, form_version, receipt: None, author, hlc: Hlc(1) });
        record
    }

    #[test]
    fn each_reason_is_found_by_its_number_and_said_in_words_of_its_own() {
        let reasons: Vec<Quarantine> = (0..=u8::MAX).filter_map(Quarantine::from_number).collect();
        assert_eq!(reasons.iter().map(|reason| *reason as u8).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
        let mut words: Vec<String> = reasons.iter().map(Quarantine::to_string).collect();
        words.extend(reasons.iter().map(|reason| reason.sentence(Lang::Id).to_owned()));
        assert!(words.iter().all(|sentence| sentence.contains(' ')));
        words.sort();
        words.dedup();
        assert_eq!(words.len(), 2 * reasons.len());
    }

    #[test]
    fn nobody_changes_what_is_another_offices() {
        let complaint = form("pengaduan");
        let change = change(complaint, "kategori");
        let verdict = judge(&change, Some(complaint), &created(complaint, 1), Access::Foreign);
        assert_eq!(verdict, Verdict::Quarantined(Quarantine::ForeignRecord));
    }

    #[test]
    fn a_fixed_group_is_closed_once_the_record_stands() {
        let survey = form("skm");
        let fixed = survey.groups.iter().find(|group| group.merge == MergeClass::Fixed).expect("answers are fixed");
        let verdict = judge(&change(survey, &fixed.name), Some(survey), &created(survey, 1), Access::Allowed);
        assert_eq!(verdict, Verdict::Quarantined(Quarantine::Closed));
        let complaint = form("pengaduan");
        let open = judge(&change(complaint, "kategori"), Some(complaint), &created(complaint, 1), Access::Allowed);
        assert!(matches!(open, Verdict::NeedsRepair(_)), "{open:?}");
    }

    #[test]
    fn what_is_of_an_unknown_form_is_kept_aside_but_a_change_without_its_record_waits() {
        let unknown = Verdict::Quarantined(Quarantine::UnknownForm);
        let complaint = form("pengaduan");
        let create = op(Action::Create { form: 60_000, form_version: 1, receipt: None }, Vec::new());
        assert_eq!(judge(&create, None, &Record::new(RECORD), Access::Allowed), unknown);
        let change = change(complaint, "kategori");
        assert_eq!(judge(&change, None, &created(complaint, 1), Access::Allowed), unknown);
        assert_eq!(judge(&change, None, &Record::new(RECORD), Access::Allowed), Verdict::Accepted);
    }

    #[test]
    fn a_record_of_a_later_version_of_its_form_may_say_what_this_one_does_not_know() {
        let complaint = form("pengaduan");
        let group = complaint.group_named("catatan").expect("remarks").tag;
        let values = BTreeMap::from([(9_999, Value::Whole(1))]);
        let change = op(Action::Change { record: RECORD }, vec![Write { group, values, ..Write::default() }]);
        let faults = |version| match judge(&change, Some(complaint), &created(complaint, version), Access::Allowed) {
            Verdict::NeedsRepair(faults) => faults.iter().filter(|fault| fault.field == Some(9_999)).count(),
            _ => 0,
        };
        assert_eq!((faults(complaint.version), faults(complaint.version + 1)), (1, 0));
    }
}
