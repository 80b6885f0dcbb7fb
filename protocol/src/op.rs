//! Ops: one immutable change to one record.
//!
//! An op is encoded once, by the replica that writes it. Those bytes are what is hashed, stored and carried; nobody
//! encodes an op again, so a program that does not understand all of it passes it on unharmed.

use std::collections::BTreeMap;

use bincode::{Decode, Encode};

use crate::attachment::{Attachment, Content, ContentHash};
use crate::clock::Hlc;
use crate::error::Fault;
use crate::form::{FieldTag, FormTag, GroupTag, Value};
use crate::ids::{LogId, OpId, RecordId};
use crate::limits::{
    ATTACHMENT_NAME_BYTES_MAX, EXTENSION_BYTES_MAX, EXTENSIONS_MAX, MANY_CHOICES_MAX, NAME_BYTES_MAX, OP_BYTES_MAX,
    OP_WRITES_MAX, PERSON_BYTES_MAX, TEXT_BYTES_MAX, WRITE_REPLACES_MAX, WRITE_VALUES_MAX,
};
use crate::next;
use crate::receipt::ReceiptCode;
use crate::wire::codec::{self, Blob, List, Txt};

/// One change to one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Op {
    /// Whether it creates a record or changes one.
    pub action: Action,
    /// The person who wrote it, as the office names them.
    pub author: String,
    /// Milliseconds since the run began, by a clock that does not jump.
    pub elapsed_ms: u64,
    /// Hybrid logical time, for the order that people see.
    pub hlc: Hlc,
    /// What it writes, a group at most once except for groups that add.
    pub writes: Vec<Write>,
}

/// Whether an op creates a record or changes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// The record's first op, which names it.
    Create {
        /// The form of the record.
        form: FormTag,
        /// Version of the form it was filled in by.
        form_version: u16,
        /// The code the citizen took home, for forms that give one.
        receipt: Option<ReceiptCode>,
    },
    /// A later change.
    Change {
        /// The record.
        record: RecordId,
    },
}

/// A write to one group: all values of its fields afterwards. A field without a value is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Write {
    /// The group.
    pub group: GroupTag,
    /// The heads that the writer had before their eyes and that this write takes the place of.
    pub replaces: Vec<OpId>,
    /// For groups that go in stages: the cycle, from 0; reopening starts the next one. 0 otherwise.
    pub cycle: u32,
    /// The values.
    pub values: BTreeMap<FieldTag, Value>,
}

impl Op {
    /// The record that the op belongs to, if it stands at `id`.
    pub fn record(&self, id: OpId) -> RecordId {
        match self.action {
            Action::Create { .. } => RecordId(id),
            Action::Change { record } => record,
        }
    }

    /// The bytes of a new op.
    ///
    /// # Errors
    /// [`Fault::Limit`] if the op is longer than an op may be.
    pub fn encode(&self) -> Result<Vec<u8>, Fault> {
        let schema = if next::in_next_schema(self) { next::OP_SCHEMA } else { SCHEMA_V1 };
        encoded(schema, OpV1::from(self))
    }

    /// The bytes of a new op as version 1 writes them, whatever a later program adds: what the packed coding has learned
    /// from is the same on both sides for ever.
    pub(crate) fn encode_v1(&self) -> Result<Vec<u8>, Fault> {
        encoded(SCHEMA_V1, OpV1 { extensions: List::default(), ..OpV1::from(self) })
    }

    /// The bytes of an op that stands for `origin`: entered again, because what came before that op in its log is lost.
    ///
    /// # Errors
    /// As [`Op::encode`].
    pub fn encode_for(&self, origin: OpId) -> Result<Vec<u8>, Fault> {
        let extension = (EXTENSION_ORIGIN, Blob(codec::encode(&wire_id(origin))));
        encoded(SCHEMA_V1, OpV1 { extensions: List(vec![extension]), ..OpV1::from(self) })
    }

    /// The op that these bytes are.
    ///
    /// # Errors
    /// [`Fault::Version`] for a schema, action or type of value that this program does not know, [`Fault::Limit`] and
    /// [`Fault::Peer`] for bytes that break the rules.
    pub fn decode(bytes: &[u8]) -> Result<Op, Fault> {
        if bytes.len() > OP_BYTES_MAX {
            return Err(Fault::Limit("an op longer than the protocol allows"));
        }
        match bytes.split_first() {
            Some((&SCHEMA_V1, body)) => codec::decode::<OpV1>(body)?.try_into(),
            Some((&next::OP_SCHEMA, body)) if next::active() => codec::decode::<OpV1>(body)?.try_into(),
            Some(_) => Err(Fault::Version("an unknown schema of ops")),
            None => Err(Fault::Peer("an op without bytes")),
        }
    }
}

/// The newest schema of ops that this program reads.
pub fn schema_max() -> u8 {
    if next::active() { next::OP_SCHEMA } else { SCHEMA_V1 }
}

/// First byte of an op: how the rest is to be read.
pub(crate) const SCHEMA_V1: u8 = 1;

/// The extension of an op that names the op it stands for.
pub const EXTENSION_ORIGIN: u16 = 1;

/// The op that the op with these bytes stands for, if it was entered again.
pub fn origin(bytes: &[u8]) -> Option<OpId> {
    let (&SCHEMA_V1, body) = bytes.split_first()? else { return None };
    let op = codec::decode::<OpV1>(body).ok()?;
    let (_, Blob(origin)) = op.extensions.0.into_iter().find(|(kind, _)| *kind == EXTENSION_ORIGIN)?;
    op_id(codec::decode(&origin).ok()?).ok()
}

fn encoded(schema: u8, op: OpV1) -> Result<Vec<u8>, Fault> {
    let mut bytes = vec![schema];
    bytes.extend(codec::encode(&op));
    // The bounds of lists hold for our own ops too: what we could not read again must not be written.
    match Op::decode(&bytes) {
        Ok(_) => Ok(bytes),
        Err(_) => Err(Fault::Limit("a record too large to be carried")),
    }
}

pub(crate) type WireOpId = ([u8; 8], u64);

/// Frozen: a released field is never changed; later versions use `extensions` or a new schema byte.
#[derive(Encode, Decode)]
pub(crate) struct OpV1 {
    pub(crate) action: ActionV1,
    pub(crate) author: Txt<NAME_BYTES_MAX>,
    pub(crate) elapsed_ms: u64,
    pub(crate) hlc: u64,
    pub(crate) writes: List<WriteV1, OP_WRITES_MAX>,
    pub(crate) extensions: List<(u16, Blob<EXTENSION_BYTES_MAX>), EXTENSIONS_MAX>,
}

#[derive(Encode, Decode)]
pub(crate) enum ActionV1 {
    Create { form: u16, form_version: u16, receipt: Option<u64> },
    Change { record: WireOpId },
}

#[derive(Encode, Decode)]
pub(crate) struct WriteV1 {
    pub(crate) group: u16,
    pub(crate) replaces: List<WireOpId, WRITE_REPLACES_MAX>,
    pub(crate) cycle: u32,
    pub(crate) values: List<(u16, ValueV1), WRITE_VALUES_MAX>,
}

#[derive(Encode, Decode)]
pub(crate) enum ValueV1 {
    Text(Txt<TEXT_BYTES_MAX>),
    Whole(i64),
    Decimal(i64, u8),
    One(u16),
    Many(List<u16, MANY_CHOICES_MAX>),
    Date(i32),
    DateTime(i64, i16),
    Area(Txt<NAME_BYTES_MAX>),
    Person(Txt<PERSON_BYTES_MAX>),
    Attachment { hash: [u8; 32], bytes: u32, media: u8, name: Txt<ATTACHMENT_NAME_BYTES_MAX> },
}

fn wire_id(id: OpId) -> WireOpId {
    (id.log.to_bytes(), id.seq)
}

fn op_id((log, seq): WireOpId) -> Result<OpId, Fault> {
    if seq == 0 {
        return Err(Fault::Peer("an op numbered 0"));
    }
    Ok(OpId { log: LogId::from_bytes(log), seq })
}

impl From<&Op> for OpV1 {
    fn from(op: &Op) -> Self {
        OpV1 {
            action: match op.action {
                Action::Create { form, form_version, receipt } => {
                    ActionV1::Create { form, form_version, receipt: receipt.map(|code| code.number()) }
                }
                Action::Change { record } => ActionV1::Change { record: wire_id(record.0) },
            },
            author: Txt(op.author.clone()),
            elapsed_ms: op.elapsed_ms,
            hlc: op.hlc.0,
            writes: List(op.writes.iter().map(WriteV1::from).collect()),
            extensions: next::of_op(),
        }
    }
}

impl From<&Write> for WriteV1 {
    fn from(write: &Write) -> Self {
        WriteV1 {
            group: write.group,
            replaces: List(write.replaces.iter().copied().map(wire_id).collect()),
            cycle: write.cycle,
            values: List(write.values.iter().map(|(tag, value)| (*tag, ValueV1::from(value))).collect()),
        }
    }
}

impl From<&Value> for ValueV1 {
    fn from(value: &Value) -> Self {
        match value {
            Value::Text(text) => ValueV1::Text(Txt(text.clone())),
            Value::Whole(number) => ValueV1::Whole(*number),
            Value::Decimal { unscaled, scale } => ValueV1::Decimal(*unscaled, *scale),
            Value::One(choice) => ValueV1::One(*choice),
            Value::Many(choices) => ValueV1::Many(List(choices.clone())),
            Value::Date(days) => ValueV1::Date(*days),
            Value::DateTime { utc_ms, offset_min } => ValueV1::DateTime(*utc_ms, *offset_min),
            Value::Area(code) => ValueV1::Area(Txt(code.clone())),
            Value::Person(name) => ValueV1::Person(Txt(name.clone())),
            Value::Attachment(Attachment { content: Content { hash, bytes, media }, name }) => {
                ValueV1::Attachment { hash: hash.0, bytes: *bytes, media: *media, name: Txt(name.clone()) }
            }
        }
    }
}

impl TryFrom<OpV1> for Op {
    type Error = Fault;

    fn try_from(op: OpV1) -> Result<Op, Fault> {
        let action = match op.action {
            ActionV1::Create { form, form_version, receipt } => {
                let unknown = Fault::Peer("a receipt code out of range");
                let receipt = receipt.map(|number| ReceiptCode::from_number(number).ok_or(unknown)).transpose()?;
                Action::Create { form, form_version, receipt }
            }
            ActionV1::Change { record } => Action::Change { record: RecordId(op_id(record)?) },
        };
        let writes = op.writes.0.into_iter().map(Write::try_from).collect::<Result<_, Fault>>()?;
        Ok(Op { action, author: op.author.0, elapsed_ms: op.elapsed_ms, hlc: Hlc(op.hlc), writes })
    }
}

impl TryFrom<WriteV1> for Write {
    type Error = Fault;

    fn try_from(write: WriteV1) -> Result<Write, Fault> {
        let replaces = write.replaces.0.into_iter().map(op_id).collect::<Result<_, Fault>>()?;
        let mut values = BTreeMap::new();
        for (tag, value) in write.values.0 {
            if values.insert(tag, Value::from(value)).is_some() {
                return Err(Fault::Peer("a field written twice in one write"));
            }
        }
        Ok(Write { group: write.group, replaces, cycle: write.cycle, values })
    }
}

impl From<ValueV1> for Value {
    fn from(value: ValueV1) -> Self {
        match value {
            ValueV1::Text(text) => Value::Text(text.0),
            ValueV1::Whole(number) => Value::Whole(number),
            ValueV1::Decimal(unscaled, scale) => Value::Decimal { unscaled, scale },
            ValueV1::One(choice) => Value::One(choice),
            ValueV1::Many(choices) => Value::Many(choices.0),
            ValueV1::Date(days) => Value::Date(days),
            ValueV1::DateTime(utc_ms, offset_min) => Value::DateTime { utc_ms, offset_min },
            ValueV1::Area(code) => Value::Area(code.0),
            ValueV1::Person(name) => Value::Person(name.0),
            ValueV1::Attachment { hash, bytes, media, name } => {
                let content = Content { hash: ContentHash(hash), bytes, media };
                Value::Attachment(Attachment { content, name: name.0 })
            }
        }
    }
}
