//! An op, piece by piece.

use super::coder::Side;
use super::memory::Times;
use super::numbers::hash;
use super::walk::{Kind, Walk};
use crate::error::Fault;
use crate::ids::{LogId, OpId};
use crate::limits::{
    ATTACHMENT_NAME_BYTES_MAX, EXTENSION_BYTES_MAX, EXTENSIONS_MAX, MANY_CHOICES_MAX, NAME_BYTES_MAX, OP_BYTES_MAX,
    OP_WRITES_MAX, PERSON_BYTES_MAX, TEXT_BYTES_MAX, WRITE_REPLACES_MAX, WRITE_VALUES_MAX,
};
use crate::op::{ActionV1, OpV1, SCHEMA_V1, ValueV1, WireOpId, WriteV1};
use crate::receipt::SERIALS;
use crate::wire::codec::{self, Blob, List, Txt};

/// Hashes of what is no field of a form.
const AUTHOR: u32 = 0xA0_0000;
const EXTENSION: u32 = 0xA1_0000;
const WHOLE_OP: u32 = 0xA2_0000;

const DAY_MS: i64 = 86_400_000;

/// Where in an op the walk is.
#[derive(Clone, Copy)]
struct At {
    id: OpId,
    /// The record, as the op names it; of a creation the op itself.
    record: WireOpId,
    /// The form, or 0 in a change.
    form: u32,
    group: u32,
    /// Number of the field before, plus one.
    before: u32,
}

impl At {
    fn group(&self) -> u32 {
        hash(self.form, self.group)
    }

    fn field(&self, tag: u16) -> u32 {
        hash(self.group(), tag.into())
    }
}

impl<S: Side> Walk<'_, S> {
    /// Codes the op that stands at `id`.
    pub(super) fn op(&mut self, id: OpId, bytes: &[u8]) -> Result<Vec<u8>, Fault> {
        let known = known(bytes);
        self.spend(1, OP_BYTES_MAX)?;
        if self.symbol(Kind::Format, 1, &[0], known.is_none().into()) == 1 {
            return self.counted(WHOLE_OP, OP_BYTES_MAX, bytes);
        }
        let op = self.known_op(id, known.as_ref())?;
        let mut bytes = vec![SCHEMA_V1];
        bytes.extend(codec::encode(&op));
        if bytes.len() > OP_BYTES_MAX {
            return Err(Fault::Limit("an op longer than the protocol allows"));
        }
        Ok(bytes)
    }

    /// A complaint's description by itself.
    pub(super) fn description(&mut self, text: &str) -> Result<String, Fault> {
        self.text(hash(hash(1, 2), 21), TEXT_BYTES_MAX, text)
    }

    fn known_op(&mut self, id: OpId, op: Option<&OpV1>) -> Result<OpV1, Fault> {
        self.memory.numbered_ms = None;
        let own = (id.log.to_bytes(), id.seq);
        let mut at = At { id, record: own, form: 0, group: 0, before: 0 };
        let action = self.action(&mut at, op.map(|op| &op.action));
        let author = Txt(self.text(AUTHOR, NAME_BYTES_MAX, op.map_or("", |op| &op.author.0))?);
        let (elapsed_ms, hlc) = self.times(id, op.map_or((0, 0), |op| (op.elapsed_ms, op.hlc)));
        let writes = self.writes(at, op.map_or(&[], |op| &op.writes.0))?;
        let extensions = self.extensions(op.map_or(&[], |op| &op.extensions.0))?;
        Ok(OpV1 { action, author, elapsed_ms, hlc, writes, extensions })
    }

    fn action(&mut self, at: &mut At, action: Option<&ActionV1>) -> ActionV1 {
        let sort = self.memory.sort;
        let (change, record) = match action {
            Some(ActionV1::Change { record }) => (1, *record),
            _ => (0, at.record),
        };
        if self.symbol(Kind::Action, 1, &[0, sort], change) == 1 {
            let record = self.reference(at, 0, record);
            (at.record, self.memory.sort) = (record, 1);
            return ActionV1::Change { record };
        }
        let (form, form_version, receipt) = match action {
            Some(ActionV1::Create { form, form_version, receipt }) => (*form, *form_version, *receipt),
            _ => (0, 0, None),
        };
        let form = self.small(Kind::Form, &[0, sort], form.into()) as u16;
        at.form = form.into();
        let form_version = self.small(Kind::Version, &[at.form], form_version.into()) as u16;
        let has = self.symbol(Kind::HasReceipt, 1, &[at.form], receipt.is_some().into()) == 1;
        let receipt = has.then(|| self.receipt(receipt.unwrap_or(0)));
        self.memory.sort = hash(at.form, 2);
        ActionV1::Create { form, form_version, receipt }
    }

    /// Prefix as before, or another; the serial number is chance.
    fn receipt(&mut self, number: u64) -> u64 {
        let (prefix, serial) = (number / u64::from(SERIALS), number % u64::from(SERIALS));
        let known = self.memory.prefix;
        let other = known != Some(prefix);
        let prefix = match (self.symbol(Kind::PrefixHow, 1, &[known.is_some().into()], other.into()), known) {
            (0, Some(known)) => known,
            _ => self.number(Kind::PrefixHow, &[2], prefix),
        };
        self.memory.prefix = Some(prefix);
        prefix.wrapping_mul(SERIALS.into()).wrapping_add(self.raw(25, serial))
    }

    /// The time since the run began against the op before; the hybrid time as a clock would go on that runs alike.
    fn times(&mut self, id: OpId, (elapsed_ms, hlc): (u64, u64)) -> (u64, u64) {
        let last = self.memory.times_of(id.log);
        let passed =
            self.signed(Kind::Elapsed, &[0, self.memory.sort], elapsed_ms.wrapping_sub(last.elapsed_ms) as i64);
        let elapsed_ms = last.elapsed_ms.wrapping_add(passed as u64);
        let after = hlc.wrapping_sub(last.hlc);
        let clock_ms = (last.hlc >> 16).wrapping_add(passed as u64);
        let (ms, counter) = (hlc >> 16, hlc & 0xffff);
        // 1 to 253: so many ticks after the last; 0: when the clock ticked; 254: neither.
        let how = if (1..254).contains(&after) { after } else { 254 * u64::from(counter != 0) };
        let hlc = match self.symbol(Kind::HlcHow, 8, &[u32::from(passed == 0)], how as u32) {
            ticks @ 1..254 => last.hlc.wrapping_add(ticks.into()),
            how => {
                let off = self.signed(Kind::HlcHow, &[256 + how], ms.wrapping_sub(clock_ms) as i64);
                let counter = if how == 0 { 0 } else { self.number(Kind::HlcHow, &[3], counter) };
                clock_ms.wrapping_add(off as u64) << 16 | counter & 0xffff
            }
        };
        self.memory.had_op(id, Times { elapsed_ms, hlc });
        if self.memory.moment_ms == 0 {
            self.memory.day = (hlc >> 16) as i64 / DAY_MS;
        }
        (elapsed_ms, hlc)
    }

    fn writes(&mut self, mut at: At, writes: &[WriteV1]) -> Result<List<WriteV1, OP_WRITES_MAX>, Fault> {
        let mut read = Vec::new();
        let mut last = 0;
        loop {
            let write = writes.get(read.len());
            let group = write.map_or(0, |write| u64::from(write.group) + 1);
            let sort = hash(at.form, last);
            let group =
                self.small(Kind::Group, &[sort, hash(sort, at.before), hash(sort, self.memory.choices & 0xff)], group);
            if group == 0 {
                return Ok(List(read));
            }
            self.spend(3, OP_BYTES_MAX)?;
            if read.len() >= OP_WRITES_MAX {
                return Err(Fault::Limit("more writes in an op than the protocol allows"));
            }
            last = group as u32;
            (at.group, at.before) = (group as u32 - 1, 0);
            read.push(self.write(&mut at, write)?);
        }
    }

    fn write(&mut self, at: &mut At, write: Option<&WriteV1>) -> Result<WriteV1, Fault> {
        let replaces = self.replaces(at, write.map_or(&[], |write| &write.replaces.0))?;
        let cycle = self.small(Kind::Cycle, &[at.group()], write.map_or(0, |write| write.cycle.into())) as u32;
        let given: &[(u16, ValueV1)] = write.map_or(&[], |write| &write.values.0);
        let mut values = Vec::new();
        loop {
            let value = given.get(values.len());
            let sort = hash(at.group(), at.before);
            let tag = value.map_or(0, |(tag, _)| u64::from(*tag) + 1);
            let tag = self.small(Kind::Tag, &[sort, hash(sort, self.memory.choices & 0xff)], tag);
            if tag == 0 {
                return Ok(WriteV1 { group: at.group as u16, replaces, cycle, values: List(values) });
            }
            self.spend(2, OP_BYTES_MAX)?;
            if values.len() >= WRITE_VALUES_MAX {
                return Err(Fault::Limit("more values in a write than the protocol allows"));
            }
            at.before = tag as u32;
            let tag = (tag - 1) as u16;
            values.push((tag, self.value(at.field(tag), value.map(|(_, value)| value))?));
        }
    }

    fn replaces(&mut self, at: &At, given: &[WireOpId]) -> Result<List<WireOpId, WRITE_REPLACES_MAX>, Fault> {
        let count = self.small(Kind::Replaces, &[u32::from(at.form == 0), at.group()], given.len() as u64) as usize;
        if count > WRITE_REPLACES_MAX {
            return Err(Fault::Limit("more heads replaced than the protocol allows"));
        }
        let mut read = Vec::new();
        for place in 0..count {
            self.spend(9, OP_BYTES_MAX)?;
            read.push(self.reference(at, 1, given.get(place).copied().unwrap_or_default()));
        }
        Ok(List(read))
    }

    /// An op by its name: 0 the record itself, 1 in this op's log, 2 in a log not named yet, from 3 on in one that was.
    fn reference(&mut self, at: &At, sort: u32, named: WireOpId) -> WireOpId {
        let own = at.id.log.to_bytes();
        let how = match self.memory.place_of(named.0) {
            _ if named == at.record => 0,
            _ if named.0 == own => 1,
            Some(place) => 3 + place,
            None => 2,
        };
        match self.symbol(Kind::ReferenceHow, 4, &[sort, hash(sort, self.memory.sort)], how) {
            0 => at.record,
            how => self.referred(how, at.id, named),
        }
    }

    /// An op by its name, where no op stands.
    pub(super) fn named_op(&mut self, named: WireOpId) -> WireOpId {
        let how = self.memory.place_of(named.0).map_or(2, |place| 3 + place);
        let how = self.symbol(Kind::ReferenceHow, 4, &[2], how).max(2);
        self.referred(how, OpId { log: LogId::from_bytes([0; 8]), seq: 0 }, named)
    }

    fn referred(&mut self, how: u32, own: OpId, (log, seq): WireOpId) -> WireOpId {
        let (log, near) = match how {
            1 => (own.log, own.seq),
            2 => (LogId::from_bytes(self.raw(64, u64::from_be_bytes(log)).to_be_bytes()), 0),
            _ => self.memory.named.get(how as usize - 3).copied().unwrap_or((own.log, 0)),
        };
        let off = self.signed(Kind::ReferenceHow, &[16 + how.min(3)], seq.wrapping_sub(near) as i64);
        let seq = near.wrapping_add(off as u64);
        self.memory.had_reference(log, seq);
        (log.to_bytes(), seq)
    }

    fn value(&mut self, field: u32, value: Option<&ValueV1>) -> Result<ValueV1, Fault> {
        let sort = value.map_or(0, number_of);
        Ok(match self.symbol(Kind::Type, 4, &[field], sort) {
            0 => ValueV1::Text(Txt(self.text(field, TEXT_BYTES_MAX, text_of(value))?)),
            1 => {
                let given = if let Some(ValueV1::Whole(number)) = value { *number } else { 0 };
                ValueV1::Whole(self.signed(Kind::Whole, &[field], given))
            }
            2 => {
                let (unscaled, scale) =
                    if let Some(ValueV1::Decimal(unscaled, scale)) = value { (*unscaled, *scale) } else { (0, 0) };
                let scale = self.small(Kind::Scale, &[field], scale.into()) as u8;
                ValueV1::Decimal(self.signed(Kind::Decimal, &[field], unscaled), scale)
            }
            3 => ValueV1::One(self.choice(field, if let Some(ValueV1::One(choice)) = value { *choice } else { 0 })),
            4 => ValueV1::Many(self.choices(field, if let Some(ValueV1::Many(all)) = value { &all.0 } else { &[] })?),
            5 => ValueV1::Date(self.date(field, if let Some(ValueV1::Date(days)) = value { *days } else { 0 })),
            6 => {
                let given = if let Some(ValueV1::DateTime(ms, offset)) = value { (*ms, *offset) } else { (0, 0) };
                let (utc_ms, offset_min) = self.moment(field, given);
                ValueV1::DateTime(utc_ms, offset_min)
            }
            7 => ValueV1::Area(Txt(self.text(field, NAME_BYTES_MAX, text_of(value))?)),
            8 => ValueV1::Person(Txt(self.text(field, PERSON_BYTES_MAX, text_of(value))?)),
            9 => self.attachment(field, value)?,
            _ => return Err(Fault::Peer("a packed value of no known type")),
        })
    }

    /// What a hash says is chance.
    fn attachment(&mut self, field: u32, value: Option<&ValueV1>) -> Result<ValueV1, Fault> {
        let (hash, bytes, media, name) = match value {
            Some(ValueV1::Attachment { hash, bytes, media, name }) => (*hash, *bytes, *media, name.0.as_str()),
            _ => ([0; 32], 0, 0, ""),
        };
        self.spend(hash.len(), OP_BYTES_MAX)?;
        let hash = hash.map(|byte| self.raw(8, byte.into()) as u8);
        let bytes = self.number(Kind::Size, &[field], bytes.into()) as u32;
        let media = self.small(Kind::Media, &[field], media.into()) as u8;
        let name = Txt(self.text(field, ATTACHMENT_NAME_BYTES_MAX, name)?);
        Ok(ValueV1::Attachment { hash, bytes, media, name })
    }

    fn choice(&mut self, field: u32, choice: u16) -> u16 {
        let (last, row) = (self.memory.of(field).choice, self.memory.choices);
        let sum = (row & 0xff) + (row >> 8 & 0xff) + (row >> 16 & 0xff) + (row >> 24);
        let about = [
            field,
            hash(field, 0x100 + last),
            hash(field, 0x200 + (row & 0xff)),
            hash(hash(field, 0x300), row & 0xffff),
            hash(hash(field, 0x400), sum),
            hash(hash(field, 0x500), row),
        ];
        let choice = self.small(Kind::Choice, &about, choice.into()) as u16;
        self.memory.of(field).choice = choice.into();
        self.memory.choices = row << 8 | u32::from(choice) & 0xff;
        choice
    }

    fn choices(&mut self, field: u32, given: &[u16]) -> Result<List<u16, MANY_CHOICES_MAX>, Fault> {
        let count = self.small(Kind::Choices, &[field], given.len() as u64) as usize;
        self.spend(count, MANY_CHOICES_MAX)?;
        let mut read: Vec<u16> = Vec::new();
        for place in 0..count {
            let last = read.last().copied().map_or(0, |last| u32::from(last) + 1);
            let choice = u64::from(given.get(place).copied().unwrap_or_default());
            read.push(self.small(Kind::Choices, &[hash(field, last)], choice) as u16);
        }
        Ok(List(read))
    }

    /// Against the day of the last moment, or of the op.
    fn date(&mut self, field: u32, days: i32) -> i32 {
        let near = self.memory.day;
        near.wrapping_add(self.signed(Kind::DayDelta, &[field], i64::from(days).wrapping_sub(near))) as i32
    }

    /// Against the last one of the field, or the op's own time; in milliseconds, seconds or minutes.
    fn moment(&mut self, field: u32, (utc_ms, offset_min): (i64, i16)) -> (i64, i16) {
        let last = self.memory.of(field).moment_ms;
        let hint = self.memory.numbered_ms.take();
        let near = hint.or(last).unwrap_or((self.memory.times.hlc >> 16) as i64);
        let unit = if utc_ms % 60_000 == 0 { 2 } else { u32::from(utc_ms % 1_000 == 0) };
        let known = u32::from(last.is_some()) + 2 * u32::from(hint.is_some());
        let unit = self.symbol(Kind::Unit, 2, &[field, hash(field, known)], unit);
        let size = match unit {
            0 => 1,
            1 => 1_000,
            _ => 60_000,
        };
        let about = [hash(hash(field, unit), known)];
        let off = self.signed(Kind::Unit, &about, (utc_ms / size).wrapping_sub(near / size));
        let utc_ms = (near / size).wrapping_add(off).wrapping_mul(size);
        let turn = i64::from(offset_min) - i64::from(self.memory.offset_min);
        let turn = self.signed(Kind::Offset, &[u32::from(last.is_some())], turn);
        let offset_min = i64::from(self.memory.offset_min).wrapping_add(turn) as i16;
        self.memory.of(field).moment_ms = Some(utc_ms);
        (self.memory.moment_ms, self.memory.offset_min) = (utc_ms, offset_min);
        self.memory.day = utc_ms.wrapping_add(i64::from(offset_min) * 60_000).div_euclid(DAY_MS);
        (utc_ms, offset_min)
    }

    #[allow(clippy::type_complexity)]
    fn extensions(
        &mut self,
        given: &[(u16, Blob<EXTENSION_BYTES_MAX>)],
    ) -> Result<List<(u16, Blob<EXTENSION_BYTES_MAX>), EXTENSIONS_MAX>, Fault> {
        let count = self.small(Kind::Extension, &[0], given.len() as u64) as usize;
        if count > EXTENSIONS_MAX {
            return Err(Fault::Limit("more extensions than the protocol allows"));
        }
        let mut read = Vec::new();
        for place in 0..count {
            let (number, bytes) = given.get(place).map_or((0, &[][..]), |(number, Blob(bytes))| (*number, bytes));
            let number = self.small(Kind::Extension, &[1], number.into()) as u16;
            read.push((number, Blob(self.counted(EXTENSION, EXTENSION_BYTES_MAX, bytes)?)));
        }
        Ok(List(read))
    }
}

/// The op, if these are the bytes that it is encoded as.
fn known(bytes: &[u8]) -> Option<OpV1> {
    let (&SCHEMA_V1, body) = bytes.split_first()? else { return None };
    let op: OpV1 = codec::decode(body).ok()?;
    (codec::encode(&op) == body).then_some(op)
}

fn number_of(value: &ValueV1) -> u32 {
    match value {
        ValueV1::Text(_) => 0,
        ValueV1::Whole(_) => 1,
        ValueV1::Decimal(..) => 2,
        ValueV1::One(_) => 3,
        ValueV1::Many(_) => 4,
        ValueV1::Date(_) => 5,
        ValueV1::DateTime(..) => 6,
        ValueV1::Area(_) => 7,
        ValueV1::Person(_) => 8,
        ValueV1::Attachment { .. } => 9,
    }
}

fn text_of(value: Option<&ValueV1>) -> &str {
    match value {
        Some(ValueV1::Text(text)) => &text.0,
        Some(ValueV1::Area(text)) => &text.0,
        Some(ValueV1::Person(text)) => &text.0,
        _ => "",
    }
}
