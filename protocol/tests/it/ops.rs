//! Ops as bytes, and what stands on one record, by example: what a law over random ops does not say of single functions.

use std::collections::BTreeMap;

use kentongan_protocol::clock::Hlc;
use kentongan_protocol::error::Fault;
use kentongan_protocol::form::{Form, Value, builtin};
use kentongan_protocol::ids::{LogId, OpId, RecordId};
use kentongan_protocol::limits::{OP_BYTES_MAX, TEXT_BYTES_MAX};
use kentongan_protocol::merge::{GroupView, Record, next_cycle, record_conflicts};
use kentongan_protocol::op::{self, Action, Op, Write};

const RECORD: RecordId = RecordId(OpId { log: LogId(1), seq: 1 });

fn form() -> &'static Form {
    builtin::by_name("pengaduan").expect("a form")
}

fn id(log: u64, seq: u64) -> OpId {
    OpId { log: LogId(log), seq }
}

/// A change of one field.
fn change(field: &str, value: &str, replaces: &[OpId], hlc: u64) -> Op {
    let field = form().field_named(field).expect("a field");
    let values = BTreeMap::from([(field.tag, Value::parse(field, value).expect("a value"))]);
    let write = Write { group: field.group, replaces: replaces.to_vec(), cycle: 0, values };
    Op {
        action: Action::Change { record: RECORD },
        author: "sari".into(),
        elapsed_ms: 3,
        hlc: Hlc(hlc),
        writes: vec![write],
    }
}

fn record(ops: &[(OpId, Op)]) -> Record {
    let mut record = Record::new(RECORD);
    ops.iter().for_each(|(id, op)| record.apply(*id, op));
    record
}

#[test]
fn an_op_that_is_entered_again_names_the_one_it_stands_for_and_is_otherwise_the_same() {
    let op = change("catatan", "dua kali", &[], 5);
    let (plain, again) = (op.encode().expect("short"), op.encode_for(id(7, 9)).expect("short"));
    assert_eq!((Op::decode(&plain), Op::decode(&again)), (Ok(op.clone()), Ok(op)));
    assert_eq!((op::origin(&plain), op::origin(&again)), (None, Some(id(7, 9))));
    assert_eq!(op::origin(b""), None);
    #[cfg(not(feature = "next-version"))]
    assert_eq!(op::schema_max(), plain[0], "what is written is what is read");
}

#[test]
fn an_op_may_be_as_long_as_it_may_be_and_not_a_byte_longer() {
    let of_length = |bytes: usize| {
        let text = |n: u16, bytes: usize| (n, Value::Text("x".repeat(bytes)));
        let values: BTreeMap<_, _> = (1..4).map(|n| text(n, TEXT_BYTES_MAX)).chain([text(4, bytes)]).collect();
        let write = Write { group: 1, values, ..Write::default() };
        Op { writes: vec![write], ..change("catatan", "x", &[], 1) }
    };
    let spare = OP_BYTES_MAX - of_length(1_000).encode().expect("short").len();
    let longest = of_length(1_000 + spare).encode().expect("just short enough");
    assert_eq!(longest.len(), OP_BYTES_MAX);
    assert!(Op::decode(&longest).is_ok());
    assert!(matches!(of_length(1_001 + spare).encode(), Err(Fault::Limit(_))));
    let longer = [longest, vec![0]].concat();
    assert_eq!(Op::decode(&longer), Err(Fault::Limit("an op longer than the protocol allows")));
}

#[test]
fn two_values_side_by_side_are_told_until_somebody_replaces_both() {
    let group = form().group_named("kategori").expect("a group");
    let mut ops =
        vec![(id(2, 1), change("kategori", "antrean", &[], 5)), (id(3, 1), change("kategori", "informasi", &[], 6))];
    let open = record(&ops);
    let conflicts = record_conflicts(&open, form());
    let told: Vec<_> = conflicts.iter().map(|(tag, values)| (*tag, values.len())).collect();
    assert_eq!(told, [(group.tag, 2)]);
    let view = GroupView::of(&open, form(), group);
    assert_eq!(view.heads(), [id(3, 1), id(2, 1)], "the latest first");
    assert_eq!(open.groups().map(|(tag, _)| tag).collect::<Vec<_>>(), [group.tag]);
    assert_eq!(open.latest(), Hlc(6));

    ops.push((id(4, 1), change("kategori", "lainnya", &view.heads(), 4)));
    let settled = record(&ops);
    assert_eq!(record_conflicts(&settled, form()), []);
    assert_eq!(GroupView::of(&settled, form(), group).heads(), [id(4, 1)]);
    assert_ne!(settled.digest(), open.digest());
    assert_eq!(record(&ops[..2]).digest(), open.digest());
}

#[test]
fn a_form_that_was_changed_sends_back_what_it_showed_and_what_was_changed() {
    let op = change("kategori", "antrean", &[], 5);
    let merged = record(&[(id(2, 1), op.clone())]);
    let view = GroupView::of(&merged, form(), form().group_named("kategori").expect("a group"));
    let (tag, value) = op.writes[0].values.first_key_value().expect("a value");
    assert_eq!(view.with_changes([]), op.writes[0].values);
    assert_eq!(view.with_changes([(tag + 1, Some(Value::Whole(1)))]).get(tag), Some(value));
    assert_eq!(view.with_changes([(*tag, None)]), BTreeMap::new());
}

#[test]
fn a_stage_that_is_written_anew_belongs_to_the_cycle_that_stands() {
    let group = form().group_named("status").expect("a group");
    let reopened = Op {
        writes: change("status", "diproses", &[], 5)
            .writes
            .into_iter()
            .map(|write| Write { cycle: 3, ..write })
            .collect(),
        ..change("status", "diproses", &[], 5)
    };
    let merged = record(&[(id(2, 1), reopened)]);
    let cycle = |code: &str| next_cycle(&merged, form(), group, &change("status", code, &[], 6).writes[0].values);
    assert_eq!((cycle("diproses"), cycle("selesai"), cycle("diterima")), (3, 3, 4));
}

#[test]
fn values_that_replace_each_other_leave_nothing_standing() {
    let ops = [
        (id(2, 1), change("kategori", "antrean", &[id(3, 1)], 5)),
        (id(3, 1), change("kategori", "informasi", &[id(2, 1)], 6)),
    ];
    let merged = record(&ops);
    let view = GroupView::of(&merged, form(), form().group_named("kategori").expect("a group"));
    assert_eq!(view, GroupView::Empty);
    assert_eq!(record_conflicts(&merged, form()), []);
}
