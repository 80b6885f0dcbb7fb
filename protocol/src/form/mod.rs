//! Forms: what the fields of a record are, which of them change together, and how two changes merge.
//!
//! A form is data. Tags (of forms, groups, fields and choices) are numbers that are never reused, so that a record
//! written today is still readable by every later version; names are for people and files, and may be corrected.
//! The merge rule of a group stands in the form and nowhere else.

pub mod builtin;
pub mod check;
mod civil;
mod reason;
pub mod value;

pub use check::{Fault, Reason, check_create, check_value, check_write};
pub use value::{Civil, Value};

/// Number of a form, never reused. Built-in forms have numbers below 1000; a region's own start there.
pub type FormTag = u16;
/// Number of a group within its form, never reused.
pub type GroupTag = u16;
/// Number of a field within its form, never reused.
pub type FieldTag = u16;
/// Number of a choice within its field, never reused. For the nine survey questions it is the score itself.
pub type ChoiceTag = u16;

/// A language of screens and messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lang {
    /// Indonesian, the default.
    #[default]
    Id,
    /// English.
    En,
}

/// A text in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Indonesian.
    pub id: String,
    /// English.
    pub en: String,
}

impl Label {
    /// The text in `lang`.
    pub fn in_lang(&self, lang: Lang) -> &str {
        match lang {
            Lang::Id => &self.id,
            Lang::En => &self.en,
        }
    }
}

/// The definition of one kind of record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// Number of the form.
    pub tag: FormTag,
    /// Version of the definition, from 1; a later version only adds.
    pub version: u16,
    /// Stable ASCII name, e.g. `pengaduan`.
    pub name: String,
    /// What people call it.
    pub label: Label,
    /// Priority class of its ops on the way to the hub.
    pub lane: crate::ids::Lane,
    /// Whether a record gets a receipt code that the citizen takes home.
    pub receipt: bool,
    /// Groups in the order of display.
    pub groups: Vec<Group>,
    /// Fields in the order of display.
    pub fields: Vec<Field>,
}

/// Fields that change together and merge as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Number of the group.
    pub tag: GroupTag,
    /// Stable ASCII name.
    pub name: String,
    /// What people call it.
    pub label: Label,
    /// How two writes that did not know of each other become one state.
    pub merge: MergeClass,
    /// When it is asked for.
    pub asked: Asked,
}

/// When people fill in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Asked {
    /// With a new record.
    #[default]
    AtEntry,
    /// In the course of the work on it.
    Later,
}

/// How the writes to a group become its state. See `SPEC.md`, "Merge".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergeClass {
    /// Written by the creating op only; a later write is refused by the judge and never shown.
    Fixed,
    /// A growing set: each write adds an entry; cannot conflict.
    Add,
    /// The higher rank of the group's first one-of field wins, whoever wrote last.
    Strictest,
    /// Ordered within a cycle by the rank of the group's first one-of field; the furthest wins, a later cycle beats
    /// an earlier one. Different writes at the same furthest point are a conflict, as in a register.
    Stage,
    /// Multi-value register: a write replaces the heads it names; different values side by side are a conflict.
    Register,
}

/// One question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Number of the field.
    pub tag: FieldTag,
    /// Stable ASCII name: the key in files and exports.
    pub name: String,
    /// What people call it.
    pub label: Label,
    /// Type of the value, with its own limits.
    pub kind: FieldType,
    /// The group it changes with.
    pub group: GroupTag,
    /// Whether a new record without it is incomplete (asked only while `relevant` holds).
    pub required: bool,
    /// Who may read it.
    pub privacy: Privacy,
    /// When the question makes sense at all.
    pub relevant: Option<Relevant>,
}

/// Type of a field's value, with the limits that belong to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldType {
    /// Free text of at most `chars_max` characters that looks like `pattern`.
    Text {
        /// Longest text, in characters.
        chars_max: u32,
        /// What it must look like.
        pattern: Pattern,
    },
    /// Whole number, both ends inclusive.
    Whole {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// Decimal number with at most `scale_max` digits after the point.
    Decimal {
        /// Digits after the point, at most.
        scale_max: u8,
    },
    /// One of the choices.
    One(Vec<Choice>),
    /// Any number of different choices.
    Many(Vec<Choice>),
    /// Civil date.
    Date,
    /// Date and time of day, with the offset from UTC it was written in.
    DateTime,
    /// Area code of the civil administration (province, regency, district, village).
    Area,
    /// Reference to a person of an office (officer name or number); never the complainant.
    Person,
    /// A file: photo, scan or paper.
    Attachment,
}

/// What a text must look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pattern {
    /// Anything.
    Any,
    /// Exactly this many digits.
    Digits(u8),
    /// A telephone number: digits with an optional leading `+`, 6 to 15 digits.
    Phone,
}

/// One answer of a one-of or many-of field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Number of the choice: this is what is stored.
    pub tag: ChoiceTag,
    /// Stable ASCII code: the value in files and exports.
    pub code: String,
    /// What people call it.
    pub label: Label,
    /// Place in the order that `Strictest` and `Stage` merge by; equal ranks are side by side.
    pub rank: u16,
}

/// Who may read a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Privacy {
    /// Anybody.
    Public,
    /// Staff.
    Internal,
    /// Tells who a citizen is: masked by default, every reading is logged.
    Identity,
}

/// A field makes sense only while another field has one of these choices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relevant {
    /// The one-of field that decides.
    pub field: FieldTag,
    /// With one of these choices.
    pub is: Vec<ChoiceTag>,
}

impl Form {
    /// The group with this number.
    pub fn group(&self, tag: GroupTag) -> Option<&Group> {
        self.groups.iter().find(|group| group.tag == tag)
    }

    /// The group with this name.
    pub fn group_named(&self, name: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.name == name)
    }

    /// The field with this number.
    pub fn field(&self, tag: FieldTag) -> Option<&Field> {
        self.fields.iter().find(|field| field.tag == tag)
    }

    /// The field with this name.
    pub fn field_named(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The fields of a group, in the order of display.
    pub fn fields_of(&self, group: GroupTag) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(move |field| field.group == group)
    }

    /// The one-of field whose ranks order a `Strictest` or `Stage` group: its first one.
    pub fn ordering_field(&self, group: GroupTag) -> Option<&Field> {
        self.fields_of(group).find(|field| matches!(field.kind, FieldType::One(_)))
    }
}

impl Field {
    /// The choices of a one-of or many-of field; empty for other types.
    pub fn choices(&self) -> &[Choice] {
        match &self.kind {
            FieldType::One(choices) | FieldType::Many(choices) => choices,
            _ => &[],
        }
    }

    /// The choice with this number.
    pub fn choice(&self, tag: ChoiceTag) -> Option<&Choice> {
        self.choices().iter().find(|choice| choice.tag == tag)
    }

    /// The choice with this code.
    pub fn choice_coded(&self, code: &str) -> Option<&Choice> {
        self.choices().iter().find(|choice| choice.code == code)
    }
}
