//! Ops and what becomes of them: reading and writing, values and the judge, merging.

use std::collections::BTreeMap;

use kentongan_protocol::attachment::Media;
use kentongan_protocol::clock::Hlc;
use kentongan_protocol::form::builtin::pengaduan;
use kentongan_protocol::form::{self, Field, Form, Lang, Value, builtin, check_value};
use kentongan_protocol::ids::{LogId, OpId, RecordId};
use kentongan_protocol::judge::{Access, judge};
use kentongan_protocol::limits::{OP_BYTES_MAX, OP_WRITES_MAX};
use kentongan_protocol::merge::{GroupView, Record, next_cycle, record_conflicts};
use kentongan_protocol::op::{Action, Op, Write};
use kentongan_protocol::sealed;

use super::bytes::{Bytes, piece};
use super::honest::complaint;

/// Bytes are an op or they are not; an op's bytes come back, and the shortest ones stay as they are.
pub(super) fn ops(data: &[u8]) {
    let Ok(op) = Op::decode(data) else { return };
    assert!(data.len() <= OP_BYTES_MAX && op.writes.len() <= OP_WRITES_MAX);
    // Longer numbers and other orders are read, so what is written may be shorter, but never longer nor another op.
    let bytes = op.encode().expect("what was read fits");
    assert!(bytes.len() <= data.len(), "the shortest encoding is longer");
    assert_eq!(Op::decode(&bytes), Ok(op.clone()));
    assert_eq!(op.encode(), Ok(bytes));
    show(&op);
}

/// What somebody sealed who has the hub's public key, as the hub opens it: writes that may be sealed, of an op that can be
/// kept, or nothing; a file of a kind that people see, or none.
pub(super) fn sealed_content(data: &[u8]) {
    if let Ok(file) = sealed::opened_file(data) {
        assert!(file.media != Media::Sealed && Media::of(&file.content) == Some(file.media));
        assert_eq!(sealed::opened_file(&sealed::file_content(file.media as u8, &file.name, &file.content)), Ok(file));
    }
    let open = Write { group: pengaduan::group::KANAL, ..Write::default() };
    let carried = made(vec![open.clone(), sealed::write_of("segel")]);
    let Ok(op) = sealed::opened(&carried, data) else { return };
    assert_eq!(op.writes.first(), Some(&open));
    assert!(op.writes.iter().skip(1).all(|write| sealed::hides(pengaduan::TAG, write.group)));
    assert_eq!(sealed::text_of(&op), None);
    if let Ok(bytes) = op.encode() {
        assert_eq!(Op::decode(&bytes), Ok(op.clone()));
        show(&op);
    }
    // Sealed and opened once more it is the same, as long as an op can hold it.
    let mut writes = op.writes.clone();
    if let Some(content) = sealed::take_content(pengaduan::TAG, &mut writes) {
        assert_eq!(sealed::opened(&carried, &content).map(|again| again.writes), Ok(op.writes));
    }
}

/// Contents of complaints.
pub(super) fn sealed_seeds() -> Vec<Vec<u8>> {
    let texts = ["Petugas minta uang".to_owned(), String::new(), "Antre lama sekali ".repeat(200)];
    let contents = texts.iter().map(|text| {
        let writes = complaint(text).into_iter().map(|(group, field, value)| Write {
            group,
            values: BTreeMap::from([(field, value)]),
            ..Write::default()
        });
        sealed::take_content(pengaduan::TAG, &mut writes.collect())
    });
    let file = sealed::file_content(Media::Pdf as u8, "kuitansi.pdf", b"%PDF-1.7 kuitansi");
    contents.flatten().chain([file]).collect()
}

fn made(writes: Vec<Write>) -> Op {
    let action = Action::Create { form: pengaduan::TAG, form_version: 1, receipt: None };
    Op { action, author: "sari".to_owned(), elapsed_ms: 1, hlc: Hlc(1), writes }
}

/// Everything that screens do with an op.
fn show(op: &Op) {
    for form in builtin::all() {
        for access in [Access::Allowed, Access::Foreign] {
            let verdict = judge(op, Some(form), &Record::new(RECORD), access);
            assert_eq!(verdict, judge(op, Some(form), &Record::new(RECORD), access));
            if let kentongan_protocol::judge::Verdict::NeedsRepair(faults) = verdict {
                faults.iter().for_each(|fault| drop((fault.sentence(form, Lang::Id), fault.sentence(form, Lang::En))));
            }
        }
        let values = op.writes.iter().flat_map(|write| &write.values);
        values.for_each(|(tag, value)| form.field(*tag).iter().for_each(|field| show_value(field, value)));
    }
}

fn show_value(field: &Field, value: &Value) {
    let text = value.render(field);
    let _ = (value.display(field, Lang::Id), value.display(field, Lang::En));
    match check_value(field, value) {
        Ok(()) => assert_eq!(Value::parse(field, &text).as_ref(), Ok(value), "{text:?}"),
        Err(reason) => drop((reason.sentence(Lang::Id), reason.sentence(Lang::En))),
    }
}

const RECORD: RecordId = RecordId(OpId { log: LogId(1), seq: 1 });

/// A text in each field of each form: refused with a reason, or read as a value that fits and comes back.
pub(super) fn values(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for field in builtin::all().iter().flat_map(|form| &form.fields) {
        match Value::parse(field, &text) {
            Ok(value) => {
                assert_eq!(check_value(field, &value), Ok(()), "{:?} in {}", text, field.name);
                show_value(field, &value);
            }
            Err(reason) => drop((reason.sentence(Lang::Id), reason.sentence(Lang::En))),
        }
    }
}

/// Any set of ops of one record gives the same record in any order and with repetitions, and can be shown.
pub(super) fn merge(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let form = bytes.pick(builtin::all());
    let mut ops: BTreeMap<OpId, Op> = BTreeMap::new();
    while !bytes.is_empty() && ops.len() < 200 {
        let (log, seq) = (1 + bytes.below(4) as u64, 1 + bytes.below(16) as u64);
        let id = OpId { log: LogId(log), seq };
        let op = if bytes.byte().is_multiple_of(8) {
            Op::decode(bytes.piece()).ok()
        } else {
            Some(change(&mut bytes, form))
        };
        // A name stands for one op, for ever.
        if let Some(op) = op {
            ops.entry(id).or_insert(op);
        }
    }
    let record = replay(ops.iter());
    let backwards = replay(ops.iter().rev());
    let again = replay(ops.iter().chain(ops.iter().rev()).chain(&ops));
    assert_eq!(record, backwards, "another order gives another record");
    assert_eq!((record.digest(), record.digest()), (backwards.digest(), again.digest()));
    look(&record, &backwards, form);
}

fn change(bytes: &mut Bytes<'_>, form: &Form) -> Op {
    let created = Action::Create { form: form.tag, form_version: 1, receipt: None };
    let action = if bytes.byte().is_multiple_of(16) { created } else { Action::Change { record: RECORD } };
    let writes = (0..=bytes.below(3)).map(|_| {
        let field = bytes.pick(&form.fields);
        let value = match field.choices() {
            [] => Value::Text(bytes.text(4)),
            choices => Value::One(bytes.pick(choices).tag),
        };
        Write {
            group: field.group,
            replaces: (0..bytes.below(3))
                .map(|_| OpId { log: LogId(1 + bytes.below(4) as u64), seq: 1 + bytes.below(16) as u64 })
                .collect(),
            cycle: bytes.number() as u32,
            values: [(field.tag, value)].into(),
        }
    });
    Op { writes: writes.collect(), action, author: bytes.text(3), elapsed_ms: bytes.number(), hlc: Hlc(bytes.number()) }
}

fn replay<'a>(ops: impl Iterator<Item = (&'a OpId, &'a Op)>) -> Record {
    let mut record = Record::new(RECORD);
    ops.for_each(|(id, op)| record.apply(*id, op));
    record
}

fn look(record: &Record, other: &Record, form: &Form) {
    assert_eq!(record_conflicts(record, form), record_conflicts(other, form));
    for group in &form.groups {
        let view = GroupView::of(record, form, group);
        assert_eq!(view, GroupView::of(other, form, group), "another order shows another view");
        let (heads, values) = (view.heads(), view.with_changes([]));
        assert_eq!(view.shown().cloned().unwrap_or_default(), values);
        if let Some(state) = record.group(group.tag) {
            assert!(heads.iter().all(|head| state.write(*head).is_some()), "a head that was never written");
        }
        next_cycle(record, form, group, &values);
        let _ = form::check_write(form, form.version, group.tag, &values);
    }
}

/// Ops as offices write them.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let write = |(group, tag, value)| Write { group, values: [(tag, value)].into(), ..Write::default() };
    let create = Op {
        action: Action::Create { form: 1, form_version: 1, receipt: None },
        author: "sari".to_owned(),
        elapsed_ms: 1000,
        hlc: Hlc(1 << 20),
        writes: complaint("Antre dari pagi").map(write).to_vec(),
    };
    let mut ops = vec![create.clone()];
    // One op for each field of each form, with a value of each type that there is.
    for form in builtin::all() {
        for field in &form.fields {
            let action = Action::Create { form: form.tag, form_version: form.version, receipt: None };
            let writes = sample(field).into_iter().map(|value| write((field.group, field.tag, value))).collect();
            ops.push(Op { action, writes, ..create.clone() });
        }
    }
    let replaces = vec![RECORD.0; 3];
    let writes = vec![Write { replaces, cycle: 7, ..write((14, 141, Value::One(5))) }];
    ops.push(Op { action: Action::Change { record: RECORD }, writes, ..create });
    ops.iter().map(|op| op.encode().expect("small")).collect()
}

fn sample(field: &Field) -> Option<Value> {
    sample_texts().iter().find_map(|text| Value::parse(field, text).ok()).or_else(|| {
        let choice = field.choices().first()?;
        Value::parse(field, &choice.code).ok()
    })
}

fn sample_texts() -> [&'static str; 10] {
    [
        "Loket tutup",
        "12.50",
        "17",
        "2026-11-21",
        "2026-11-21T14:05:00+07:00",
        "0812-3456-7890",
        "3273051234560001",
        "32.73.05.1001",
        "-9223372036854775808",
        "Sari \"W.\"\r\n,;",
    ]
}

pub(super) fn value_seeds() -> Vec<Vec<u8>> {
    let choices = builtin::all().iter().flat_map(|form| &form.fields).filter_map(|field| field.choices().first());
    let texts = choices.map(|choice| choice.code.clone().into_bytes());
    sample_texts().iter().map(|text| text.as_bytes().to_vec()).chain(texts.take(20)).collect()
}

pub(super) fn merge_seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for n in 0..12_u64 {
        let mut dice = crate::Dice::new(n);
        let mut seed: Vec<u8> = (0..200).map(|_| dice.number() as u8).collect();
        for op in self::seeds().iter().take(3) {
            seed.extend([1, n as u8, 0]);
            piece(&mut seed, op);
        }
        seeds.push(seed);
    }
    seeds
}
