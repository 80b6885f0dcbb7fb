//! The laws of merging, over generated sets of ops: writers on several logs, each knowing some of what others wrote.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::clock::Hlc;
use crate::form::{FieldTag, Form, GroupTag, MergeClass, Value, builtin};
use crate::ids::{LogId, OpId, RecordId};
use crate::op::{Action, Op, Write};

/// What one writer does next.
#[derive(Debug, Clone)]
struct Step {
    writer: u64,
    /// Which of the ops written so far this writer has seen, by chance.
    sees: u64,
    group: GroupTag,
    choice: u16,
    clock: u64,
}

const RECORD: RecordId = RecordId(OpId { log: LogId(1), seq: 1 });
/// Name and class: a register, a growing set, the strictest, a stage.
const GROUPS: [&str; 4] = ["kategori", "catatan", "privasi", "status"];

fn form() -> &'static Form {
    builtin::by_name("pengaduan").expect("the complaint form is built in")
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let group = prop::sample::select(GROUPS.map(|name| form().group_named(name).unwrap().tag).to_vec());
    let step =
        (1_u64..4, any::<u64>(), group, 0_usize..4, 0_u64..6).prop_map(|(writer, sees, group, choice, clock)| {
            let choice = form()
                .ordering_field(group)
                .map_or(0, |field| field.choices()[choice % field.choices().len().min(4)].tag);
            Step { writer, sees, group, choice, clock }
        });
    prop::collection::vec(step, 0..14)
}

/// The ops that the steps lead to: each writer sees its own ops and some of the others', and replaces the heads it sees.
fn ops(steps: &[Step]) -> Vec<(OpId, Op)> {
    let create = Op {
        action: Action::Create { form: form().tag, form_version: form().version, receipt: None },
        author: "sari".into(),
        elapsed_ms: 0,
        hlc: Hlc(1),
        writes: vec![],
    };
    let mut ops = vec![(RECORD.0, create)];
    let mut seqs = BTreeMap::from([(1_u64, 1_u64)]);
    for step in steps {
        let seen = replay(
            ops.iter()
                .enumerate()
                .filter(|(place, (id, _))| id.log == LogId(step.writer) || step.sees >> (place % 64) & 1 == 1)
                .map(|(_, op)| op),
        );
        let group = form().group(step.group).unwrap();
        let values = values(step);
        let write = Write {
            group: step.group,
            replaces: GroupView::of(&seen, form(), group).heads(),
            cycle: if group.merge == MergeClass::Stage { next_cycle(&seen, form(), group, &values) } else { 0 },
            values,
        };
        let seq = seqs.entry(step.writer).or_insert(0);
        *seq += 1;
        let op = Op {
            action: Action::Change { record: RECORD },
            author: format!("writer {}", step.writer),
            elapsed_ms: 0,
            hlc: Hlc(step.clock),
            writes: vec![write],
        };
        ops.push((OpId { log: LogId(step.writer), seq: *seq }, op));
    }
    ops
}

fn values(step: &Step) -> BTreeMap<FieldTag, Value> {
    let field = form().fields_of(step.group).next().unwrap();
    let value = if step.choice == 0 { Value::Text(step.clock.to_string()) } else { Value::One(step.choice) };
    BTreeMap::from([(field.tag, value)])
}

fn replay<'a>(ops: impl Iterator<Item = &'a (OpId, Op)>) -> Record {
    let mut record = Record::new(RECORD);
    ops.for_each(|(id, op)| record.apply(*id, op));
    record
}

/// Whether the write `later` knew of `earlier`: by naming it, by naming one that did, or by the same hand in the same log.
fn knew(ops: &[(OpId, Op)], group: GroupTag, later: OpId, earlier: OpId) -> bool {
    let mut known = BTreeSet::new();
    let mut ask = vec![later];
    while let Some(id) = ask.pop() {
        let Some((_, op)) = ops.iter().find(|(other, _)| *other == id) else { continue };
        let replaced =
            op.writes.iter().filter(|write| write.group == group).flat_map(|write| write.replaces.iter().copied());
        let own = ops.iter().filter(|(other, before)| {
            other.log == id.log
                && other.seq < id.seq
                && before.author == op.author
                && before.writes.iter().any(|write| write.group == group)
        });
        for next in replaced.chain(own.map(|(id, _)| *id)) {
            if known.insert(next) {
                ask.push(next);
            }
        }
    }
    known.contains(&earlier)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_order_and_repetition_gives_the_same_record(
        steps in steps(), order in any::<prop::sample::Index>(), again in any::<u64>(),
    ) {
        let ops = ops(&steps);
        let expected = replay(ops.iter());
        let turn = order.index(ops.len());
        let mixed = ops[turn..].iter().rev().chain(&ops[..turn])
            .chain(ops.iter().enumerate().filter(|(place, _)| again >> (place % 64) & 1 == 1).map(|(_, op)| op));
        let record = replay(mixed);
        prop_assert_eq!(record.digest(), expected.digest());
        prop_assert_eq!(record, expected);
    }

    #[test]
    fn taking_ops_in_two_parts_at_two_places_ends_the_same(steps in steps(), split: u64) {
        let ops = ops(&steps);
        let here = |place: usize| split >> (place % 64) & 1 == 1;
        let mut left = replay(ops.iter().enumerate().filter(|(place, _)| here(*place)).map(|(_, op)| op));
        let mut right = replay(ops.iter().enumerate().filter(|(place, _)| !here(*place)).map(|(_, op)| op));
        for (place, (id, op)) in ops.iter().enumerate() {
            if here(place) { right.apply(*id, op) } else { left.apply(*id, op) }
        }
        prop_assert_eq!(left, right);
    }

    #[test]
    fn no_value_of_a_register_disappears_without_a_write_that_knew_of_it(steps in steps()) {
        let ops = ops(&steps);
        let record = replay(ops.iter());
        let group = form().group_named("kategori").unwrap().tag;
        let Some(state) = record.group(group) else { return Ok(()) };
        let heads: Vec<OpId> = state.heads().map(|(id, _)| id).collect();
        for (id, _) in state.writes() {
            let covered = heads.contains(&id) || heads.iter().any(|head| knew(&ops, group, *head, id));
            prop_assert!(covered, "{id} is gone and no head knew of it");
        }
    }

    #[test]
    fn a_conflict_appears_exactly_where_two_values_did_not_know_of_each_other(steps in steps()) {
        let ops = ops(&steps);
        let record = replay(ops.iter());
        let group = form().group_named("kategori").unwrap();
        let Some(state) = record.group(group.tag) else { return Ok(()) };
        let writes: Vec<OpId> = state.writes().map(|(id, _)| id).collect();
        let standing = |id: &&OpId| !writes.iter().any(|other| knew(&ops, group.tag, *other, **id));
        let distinct: BTreeSet<_> = writes.iter().filter(standing).map(|id| format!("{:?}", state.write(*id).unwrap().values)).collect();
        let in_conflict = matches!(GroupView::of(&record, form(), group), GroupView::Conflict(_));
        prop_assert_eq!(in_conflict, distinct.len() > 1);
    }

    #[test]
    fn nothing_of_a_growing_set_is_ever_missing(steps in steps()) {
        let ops = ops(&steps);
        let record = replay(ops.iter());
        let group = form().group_named("catatan").unwrap();
        let written = ops.iter().filter(|(_, op)| op.writes.iter().any(|write| write.group == group.tag)).count();
        let shown = match GroupView::of(&record, form(), group) { GroupView::Entries(entries) => entries.len(), _ => 0 };
        prop_assert_eq!(shown, written);
    }

    #[test]
    fn the_stricter_mark_always_wins(steps in steps()) {
        let ops = ops(&steps);
        let record = replay(ops.iter());
        let group = form().group_named("privasi").unwrap();
        let field = form().ordering_field(group.tag).unwrap();
        let rank = |values: &BTreeMap<FieldTag, Value>| match values.get(&field.tag) {
            Some(Value::One(choice)) => field.choice(*choice).unwrap().rank,
            _ => 0,
        };
        let strictest = ops.iter().flat_map(|(_, op)| &op.writes).filter(|write| write.group == group.tag).map(|write| rank(&write.values)).max();
        prop_assert_eq!(GroupView::of(&record, form(), group).shown().map(rank), strictest);
    }
}

#[test]
fn an_op_that_adds_twice_adds_two_entries() {
    let group = form().group_named("catatan").unwrap();
    let field = form().fields_of(group.tag).next().unwrap();
    let remark = |text: &str| Write {
        group: group.tag,
        values: BTreeMap::from([(field.tag, Value::Text(text.into()))]),
        ..Write::default()
    };
    let op = Op {
        action: Action::Create { form: form().tag, form_version: form().version, receipt: None },
        author: "sari".into(),
        elapsed_ms: 0,
        hlc: Hlc(1),
        writes: vec![remark("satu"), remark("dua")],
    };
    let ops = [(RECORD.0, op)];
    let record = replay(ops.iter().chain(&ops));
    let GroupView::Entries(entries) = GroupView::of(&record, form(), group) else { panic!("a growing set") };
    let texts: Vec<_> = entries.iter().map(|(_, written)| written.values[&field.tag].clone()).collect();
    assert_eq!(texts, [Value::Text("satu".into()), Value::Text("dua".into())]);
}

/// Were the time of a look at a group the square of its writes, this would take minutes, and so would every op of a
/// device that writes to one record under a new name each time.
#[test]
fn twenty_thousand_persons_with_as_many_values_in_one_group_are_looked_at_in_no_time() {
    const WRITES: u64 = 20_000;
    let group = form().group_named("kategori").unwrap();
    let field = form().fields_of(group.tag).next().unwrap();
    let mut record = Record::new(RECORD);
    for seq in 1..=WRITES {
        let values = BTreeMap::from([(field.tag, Value::Whole(seq as i64))]);
        let write = Write { group: group.tag, values, ..Write::default() };
        let op = Op {
            action: Action::Change { record: RECORD },
            author: format!("penulis {seq}"),
            elapsed_ms: 0,
            hlc: Hlc(seq),
            writes: vec![write],
        };
        record.apply(OpId { log: LogId(2), seq }, &op);
    }
    let GroupView::Conflict(candidates) = GroupView::of(&record, form(), group) else { panic!("a conflict") };
    assert_eq!(candidates.len() as u64, WRITES);
    assert_eq!(candidates[0].ops, [OpId { log: LogId(2), seq: WRITES }]);
}

#[test]
fn a_citizen_who_reopens_beats_a_close_that_did_not_know_of_it() {
    let group = form().group_named("status").unwrap();
    let field = form().ordering_field(group.tag).unwrap();
    let stage = |code: &str| BTreeMap::from([(field.tag, Value::One(field.choice_coded(code).unwrap().tag))]);
    let mut answered = replay(ops(&[]).iter());
    let write = |record: &Record, log: u64, seq: u64, code: &str| {
        let values = stage(code);
        let write = Write {
            group: group.tag,
            replaces: GroupView::of(record, form(), group).heads(),
            cycle: next_cycle(record, form(), group, &values),
            values,
        };
        let op = Op {
            action: Action::Change { record: RECORD },
            author: "x".into(),
            elapsed_ms: 0,
            hlc: Hlc(9),
            writes: vec![write],
        };
        (OpId { log: LogId(log), seq }, op)
    };
    let (id, op) = write(&answered, 2, 1, "dijawab");
    answered.apply(id, &op);
    let reopened = write(&answered, 3, 1, "dibuka_kembali");
    let closed = write(&answered, 2, 2, "selesai");
    let mut record = answered;
    record.apply(closed.0, &closed.1);
    record.apply(reopened.0, &reopened.1);
    assert_eq!(GroupView::of(&record, form(), group).shown(), Some(&stage("dibuka_kembali")));
}
