//! A next version of everything that does not exist: so that old and new are proved beside each other before there is a
//! new one. Without the feature `next-version` nothing of this is in a program: [`active`] is `false`, and every branch
//! on it is compiled away.
//!
//! What a program of the made-up version does otherwise, and what an old one must do with it:
//!
//! | new | where | an old program |
//! |---|---|---|
//! | streams of major version 2, with a frame of a kind that must be known | once both sides said that they speak it | never gets one |
//! | a frame of a kind that may be skipped | every stream | skips it |
//! | extension 901 in Hello and Marks | every stream | passes over it |
//! | extension 901 in every op | ops | keeps it |
//! | version 2 of the form `pengaduan`, with the field `nomor_antrean` | records | keeps it through edits of its own |
//! | the form `kunjungan` | records | carries it; a hub keeps it aside until it is updated |
//! | schema 2 of ops, for changes to that form | ops | the same |
//! | one more step of both stores' schemas | stores | refuses the file |

use std::sync::OnceLock;

use crate::form::{
    Asked, Field, FieldTag, FieldType, Form, FormTag, Group, GroupTag, Label, MergeClass, Pattern, Privacy,
};
use crate::ids::Lane;
use crate::op::{Action, Op};
use crate::wire::codec::{Blob, List};
use crate::wire::frame;
use crate::wire::v1::{Extensions, Hello, VERSION};

/// What a program speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaks {
    /// Version 1: the present program.
    Present,
    /// Versions 1 and 2: the next program.
    Both,
    /// Version 2 alone: a program after the next.
    NextOnly,
}

/// The made-up major version.
pub const NEXT: u8 = 2;
/// First byte of ops in the made-up schema.
pub const OP_SCHEMA: u8 = 2;
/// A kind of frame that must not be skipped, of version 2.
pub const KIND_NEEDED: u8 = 29;
/// A kind of frame that may be skipped.
pub const KIND_EXTRA: u8 = frame::KIND_SKIPPABLE | 8;
/// Number of the made-up extension of Hello, Marks and ops; far from those that are in use.
const EXTENSION: u16 = 901;

/// A form that version 1 does not know.
pub const VISIT: FormTag = 3;
/// Its only group.
pub const VISIT_GROUP: GroupTag = 1;
/// The field that version 2 of `pengaduan` adds to the group of the event.
pub const QUEUE_NUMBER: FieldTag = 53;

#[cfg(feature = "next-version")]
mod switch {
    use std::cell::Cell;
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::Speaks;

    static EVERYWHERE: AtomicU8 = AtomicU8::new(0);

    thread_local! {
        static HERE: Cell<Option<Speaks>> = const { Cell::new(None) };
    }

    /// What this whole process speaks from now on.
    pub fn everywhere(speaks: Speaks) {
        EVERYWHERE.store(speaks as u8, Ordering::Relaxed);
    }

    /// What this thread speaks from now on; `None`: what the process does.
    pub fn here(speaks: Option<Speaks>) {
        HERE.set(speaks);
    }

    /// What is spoken here.
    pub fn speaks() -> Speaks {
        HERE.get().unwrap_or_else(|| match EVERYWHERE.load(Ordering::Relaxed) {
            0 => Speaks::Present,
            1 => Speaks::Both,
            _ => Speaks::NextOnly,
        })
    }
}

#[cfg(feature = "next-version")]
pub use switch::{everywhere, here, speaks};

/// What is spoken here: version 1.
#[cfg(not(feature = "next-version"))]
#[inline(always)]
pub fn speaks() -> Speaks {
    Speaks::Present
}

/// Whether this is a program of the made-up version.
#[inline(always)]
pub fn active() -> bool {
    speaks() != Speaks::Present
}

/// Lowest and highest major version spoken here.
pub(crate) fn versions() -> (u8, u8) {
    match speaks() {
        Speaks::Present => (VERSION, VERSION),
        Speaks::Both => (VERSION, NEXT),
        Speaks::NextOnly => (NEXT, NEXT),
    }
}

/// Extensions of a Hello that opens a stream of this version.
pub fn of_hello(version: u8) -> Extensions {
    if active() { one(&[version]) } else { List::default() }
}

/// Version of the stream that this Hello opens.
pub fn stream_version(hello: &Hello) -> u8 {
    if active() { first_byte(&hello.extensions).unwrap_or(VERSION) } else { VERSION }
}

/// Extensions of Marks: the highest version spoken here.
pub fn of_marks() -> Extensions {
    if active() { one(&[versions().1]) } else { List::default() }
}

/// The version to speak with a hub that says this in its Marks.
pub fn hub_speaks(marks: &Extensions) -> u8 {
    if active() { first_byte(marks).unwrap_or(VERSION).min(NEXT) } else { VERSION }
}

/// The version to speak with a hub that refused and named this range; `None` if there is none.
pub fn common_with(hub: (u8, u8)) -> Option<u8> {
    let own = versions();
    let common = own.1.min(hub.1);
    (common >= own.0.max(hub.0)).then_some(common)
}

/// Extensions of an op.
pub(crate) fn of_op() -> Extensions {
    if active() { one(b"versi berikutnya") } else { List::default() }
}

/// Appends the made-up frames to a stream of this version.
pub fn put_frames(version: u8, out: &mut Vec<u8>) {
    if !active() {
        return;
    }
    if version == NEXT {
        frame::put(out, KIND_NEEDED, b"harus dikenal");
    }
    frame::put(out, KIND_EXTRA, b"boleh dilewati");
}

/// Whether an op is written in the made-up schema.
pub(crate) fn in_next_schema(op: &Op) -> bool {
    // The form of a change is not in it; no other form has its only group and field under these numbers.
    active()
        && matches!(op.action, Action::Change { .. })
        && op.writes.iter().any(|write| write.group == VISIT_GROUP && write.values.contains_key(&VISIT_NOTE))
}

/// The field of the made-up form.
pub const VISIT_NOTE: FieldTag = 901;

/// The forms of the made-up version.
pub(crate) fn forms(present: &[Form]) -> &'static [Form] {
    static FORMS: OnceLock<Vec<Form>> = OnceLock::new();
    FORMS.get_or_init(|| {
        let mut forms = present.to_vec();
        if let Some(complaint) = forms.first_mut() {
            complaint.version = 2;
            complaint.fields.push(text(QUEUE_NUMBER, "nomor_antrean", "Nomor antrean", "Queue number", EVENT_GROUP));
        }
        forms.push(visit());
        forms
    })
}

/// The group of `pengaduan` that gets the new field.
const EVENT_GROUP: GroupTag = crate::form::builtin::pengaduan::group::KEJADIAN;

fn visit() -> Form {
    Form {
        tag: VISIT,
        version: 1,
        name: "kunjungan".to_owned(),
        label: label("Kunjungan", "Visit"),
        lane: Lane::Bulk,
        receipt: false,
        groups: vec![Group {
            tag: VISIT_GROUP,
            name: "kunjungan".to_owned(),
            label: label("Kunjungan", "Visit"),
            merge: MergeClass::Register,
            asked: Asked::AtEntry,
        }],
        fields: vec![text(VISIT_NOTE, "isi", "Isi", "Content", VISIT_GROUP)],
    }
}

fn label(id: &str, en: &str) -> Label {
    Label { id: id.to_owned(), en: en.to_owned() }
}

fn text(tag: FieldTag, name: &str, id: &str, en: &str, group: GroupTag) -> Field {
    Field {
        tag,
        name: name.to_owned(),
        label: label(id, en),
        kind: FieldType::Text { chars_max: 200, pattern: Pattern::Any },
        group,
        required: false,
        privacy: Privacy::Internal,
        relevant: None,
    }
}

fn one(value: &[u8]) -> Extensions {
    List(vec![(EXTENSION, Blob(value.to_vec()))])
}

fn first_byte(extensions: &Extensions) -> Option<u8> {
    extensions.value(EXTENSION)?.first().copied()
}
