//! The cases of `vectors/merge.json`: ops in, views out, in every order.

use std::collections::BTreeMap;

use kentongan_protocol::clock::Hlc;
use kentongan_protocol::form::{FieldTag, Form, Value as Held, builtin};
use kentongan_protocol::ids::{OpId, RecordId};
use kentongan_protocol::merge::{Candidate, GroupView, Record};
use kentongan_protocol::op::{Action, Op, Write};
use serde_json::{Map, Value, json};

use crate::build::{int, items, text};

#[test]
fn merged_ops_show_what_is_written_whatever_their_order() {
    let vectors: Value = serde_json::from_str(include_str!("../../vectors/merge.json")).expect("a document");
    let form = builtin::by_name(&text(&vectors["form"])).expect("a form");
    let record: RecordId = text(&vectors["record"]).parse().expect("a record");
    for case in items(&vectors["cases"]) {
        let ops: Vec<(OpId, Op)> = items(&case["ops"]).iter().map(|op| read_op(form, record, op)).collect();
        let mut orders: Vec<Vec<usize>> = (0..ops.len()).map(|turn| turned(ops.len(), turn)).collect();
        orders.extend(orders.clone().into_iter().map(|order| order.into_iter().rev().collect()));
        orders.push((0..ops.len()).chain(0..ops.len()).collect());
        for order in orders {
            let mut merged = Record::new(record);
            order.iter().for_each(|place| merged.apply(ops[*place].0, &ops[*place].1));
            let views = case["views"].as_object().expect("views by group");
            let shown: Map<String, Value> =
                views.keys().map(|name| (name.clone(), view(&merged, form, name))).collect();
            assert_eq!(&shown, views, "{} in the order {order:?}", case["name"]);
        }
    }
}

fn turned(count: usize, turn: usize) -> Vec<usize> {
    (turn..count).chain(0..turn).collect()
}

fn read_op(form: &Form, record: RecordId, op: &Value) -> (OpId, Op) {
    let id: OpId = text(&op["id"]).parse().expect("an op's name");
    let action = match id == record.0 {
        true => Action::Create { form: form.tag, form_version: form.version, receipt: None },
        false => Action::Change { record },
    };
    let write = |write: &Value| Write {
        group: form.group_named(&text(&write["group"])).expect("a group").tag,
        replaces: items(&write["replaces"]).iter().map(|id| text(id).parse().expect("an op's name")).collect(),
        cycle: int(&write["cycle"]),
        values: write["values"]
            .as_object()
            .expect("values by field")
            .iter()
            .map(|(name, value)| {
                let field = form.field_named(name).expect("a field");
                (field.tag, Held::parse(field, &text(value)).expect("a value"))
            })
            .collect(),
    };
    let writes = items(&op["writes"]).iter().map(write).collect();
    (id, Op { action, author: text(&op["author"]), elapsed_ms: 0, hlc: Hlc(int(&op["hlc"])), writes })
}

fn view(record: &Record, form: &Form, group: &str) -> Value {
    let group = form.group_named(group).expect("a group");
    let candidate = |candidate: &Candidate<'_>| {
        let ops: Vec<String> = candidate.ops.iter().map(OpId::to_string).collect();
        json!({ "ops": ops, "values": values(form, &candidate.written.values) })
    };
    match GroupView::of(record, form, group) {
        GroupView::Empty => json!({ "empty": true }),
        GroupView::One(one) => json!({ "one": candidate(&one) }),
        GroupView::Conflict(all) => json!({ "conflict": all.iter().map(candidate).collect::<Vec<_>>() }),
        GroupView::Entries(all) => {
            let entry = |(id, written): &(OpId, &kentongan_protocol::merge::Written)| json!({ "op": id.to_string(), "values": values(form, &written.values) });
            json!({ "entries": all.iter().map(entry).collect::<Vec<_>>() })
        }
    }
}

fn values(form: &Form, values: &BTreeMap<FieldTag, Held>) -> Value {
    let named = values.iter().map(|(tag, value)| {
        let field = form.field(*tag).expect("a field");
        (field.name.clone(), json!(value.render(field)))
    });
    Value::Object(named.collect())
}
