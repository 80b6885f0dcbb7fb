//! What a complaint's record says of its course: how it is classed, whose turn it is, by whose days it is counted. The hub
//! and the offices read it with this, so that both tell the same day.

use std::collections::BTreeMap;

use super::day::Day;
use super::deadline::{Class, Course, Move};
use crate::form::builtin::pengaduan::{group, status};
use crate::form::{ChoiceTag, FieldTag, Form, GroupTag, Value};
use crate::ids::OfficeCode;
use crate::merge::{GroupView, Record};

/// When paper was received that was typed later.
const RECEIVED_AT: FieldTag = 112;
const KIND: FieldTag = 121;
const GRAVITY: FieldTag = 122;
const UNIT_OFFICE: FieldTag = 162;

/// What is displayed of a field.
fn shown<'r>(form: &Form, record: &'r Record, tag: GroupTag, field: FieldTag) -> Option<&'r Value> {
    GroupView::of(record, form, form.group(tag)?).shown()?.get(&field)
}

/// What kind of complaint it is.
pub fn class(form: &Form, record: &Record) -> Class {
    classed(|field| shown(form, record, group::JENIS, field))
}

fn classed<'v>(value: impl Fn(FieldTag) -> Option<&'v Value>) -> Class {
    let choice = |field| value(field).and_then(Value::choice);
    match (choice(KIND), choice(GRAVITY)) {
        (_, Some(1)) => Class::Misconduct,
        (Some(2 | 3), _) => Class::Information,
        _ => Class::Ordinary,
    }
}

/// The office that it was handed to, if it is one.
pub fn responsible(form: &Form, record: &Record) -> Option<OfficeCode> {
    match shown(form, record, group::DISPOSISI, UNIT_OFFICE)? {
        Value::Text(code) => code.parse().ok(),
        _ => None,
    }
}

/// When it was received, milliseconds since 1970, if that was not when it was typed: the citizen's clock began with the
/// paper.
pub fn received_on_paper_ms(form: &Form, record: &Record) -> Option<i64> {
    shown(form, record, group::PENERIMAAN, RECEIVED_AT).and_then(time_ms)
}

fn time_ms(value: &Value) -> Option<i64> {
    match value {
        Value::DateTime { utc_ms, .. } => Some(*utc_ms),
        _ => None,
    }
}

/// The moves that moved it, of all with their cycles in order: an older one that arrived late, behind where the complaint
/// stood, did not.
pub fn forward(form: &Form, moves: impl IntoIterator<Item = (u32, Move)>) -> Vec<Move> {
    let rank = |choice: ChoiceTag| form.field(status::FIELD)?.choice(choice).map(|choice| choice.rank);
    let mut furthest = (0, rank(status::DITERIMA).unwrap_or(1));
    let mut made = Vec::new();
    for (cycle, step) in moves {
        let place = (cycle, rank(step.status).unwrap_or(0));
        if place > furthest {
            furthest = place;
            made.push(step);
        }
    }
    made
}

/// The course that a complaint will take which says this and is saved at `now_ms`.
pub fn foreseen(values: &BTreeMap<FieldTag, Value>, now_ms: i64, day_of: impl Fn(i64) -> Day) -> Course {
    let received = day_of(values.get(&RECEIVED_AT).and_then(time_ms).unwrap_or(now_ms));
    Course { received, heard: day_of(now_ms), class: classed(|field| values.get(&field)), moves: Vec::new() }
}

/// The course as an office sees it, which has the record alone: each move counts from the day its writer's clock showed.
/// `entered_ms` is when it was typed, `day_of` the office's day of a time.
pub fn seen(form: &Form, record: &Record, entered_ms: i64, day_of: impl Fn(i64) -> Day) -> Course {
    let received = day_of(received_on_paper_ms(form, record).unwrap_or(entered_ms));
    let written = record.group(group::STATUS).into_iter().flat_map(|state| state.writes());
    let mut moves: Vec<_> = written
        .filter_map(|(op, written)| {
            let made = day_of(written.hlc.ms());
            let status = written.values.get(&status::FIELD)?.choice()?;
            Some(((written.hlc, op), (written.cycle, Move { status, made, heard: made })))
        })
        .collect();
    moves.sort_by_key(|(order, _)| *order);
    let moves = forward(form, moves.into_iter().map(|(_, step)| step));
    Course { received, heard: day_of(entered_ms), class: class(form, record), moves }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Hlc;
    use crate::form::builtin::{self, pengaduan};
    use crate::ids::{LogId, OpId, RecordId};
    use crate::op::{Action, Op, Write};

    #[test]
    fn a_complaint_takes_the_course_that_was_foreseen_for_it() {
        const DAY_MS: i64 = 86_400_000;
        let form = builtin::by_tag(pengaduan::TAG).expect("built in");
        let day_of = |ms: i64| Day(i32::try_from(ms / DAY_MS).expect("a day"));
        let (paper, kind, grave) = (
            (RECEIVED_AT, Value::DateTime { utc_ms: 20_000 * DAY_MS, offset_min: 420 }),
            (KIND, Value::One(2)),
            (GRAVITY, Value::One(1)),
        );
        for said in [vec![], vec![paper.clone()], vec![kind.clone()], vec![paper, kind, grave]] {
            let values: BTreeMap<FieldTag, Value> = said.into_iter().collect();
            let mut writes = BTreeMap::<GroupTag, BTreeMap<FieldTag, Value>>::new();
            for (tag, value) in &values {
                writes.entry(form.field(*tag).expect("a field").group).or_default().insert(*tag, value.clone());
            }
            let writes = writes.into_iter().map(|(group, values)| Write { group, values, ..Write::default() });
            let id = OpId { log: LogId(1), seq: 1 };
            let action = Action::Create { form: form.tag, form_version: form.version, receipt: None };
            let op = Op { action, author: "sari".into(), elapsed_ms: 0, hlc: Hlc(9), writes: writes.collect() };
            let mut record = Record::new(RecordId(id));
            record.apply(id, &op);
            let now_ms = 20_003 * DAY_MS;
            assert_eq!(foreseen(&values, now_ms, day_of), seen(form, &record, now_ms, day_of), "{values:?}");
        }
    }
}
