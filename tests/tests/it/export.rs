//! Reading what the hub writes out.

use std::collections::BTreeMap;

use kentongan_tests::Hub;
use serde_json::{Map, Value};

/// A field of an exported record; nothing if it is empty.
pub(crate) fn field<'d>(document: &'d Value, name: &str) -> Option<&'d Value> {
    let value = &document["fields"][name];
    (!value.is_null()).then_some(value)
}

/// How often each complaint's text stands at the hub.
pub(crate) fn texts(hub: &Hub) -> BTreeMap<String, usize> {
    let mut texts = BTreeMap::new();
    for document in hub.export("complaints") {
        let text = field(&document, "uraian").and_then(Value::as_str).expect("a text").to_owned();
        *texts.entry(text).or_default() += 1;
    }
    texts
}

/// Asserts that each of these texts stands at the hub once, and nothing else does.
#[track_caller]
pub(crate) fn assert_texts<'t>(hub: &Hub, expected: impl IntoIterator<Item = &'t str>) {
    let expected: BTreeMap<String, usize> = expected.into_iter().map(|text| (text.to_owned(), 1)).collect();
    assert_eq!(texts(hub), expected);
}

/// Asserts that a record came out as it went in: every field the same, none missing, none added.
#[track_caller]
pub(crate) fn assert_fields(document: &Value, expected: &Map<String, Value>) {
    let found = document["fields"].as_object().expect("fields").clone();
    assert_eq!(&found, expected, "{document:#}");
}
