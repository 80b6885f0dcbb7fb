//! Reading what the hub writes out.

use std::collections::BTreeMap;

use kentongan_tests::Hub;
use serde_json::{Map, Value};

/// What stands in an exported record beside the fields of its form.
const ABOUT: [&str; 10] =
    ["schema", "id", "code", "office", "form", "replica", "author", "conflicts", "entered_at", "received_at"];

/// The fields of an exported record that hold anything, by their form names.
pub(crate) fn fields(document: &Value) -> Map<String, Value> {
    let empty = |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
    let all = document.as_object().expect("a record is an object").clone();
    all.into_iter().filter(|(name, value)| !ABOUT.contains(&name.as_str()) && !empty(value)).collect()
}

/// How often each complaint's text stands at the hub.
pub(crate) fn texts(hub: &Hub) -> BTreeMap<String, usize> {
    let mut texts = BTreeMap::new();
    for document in hub.export("complaints") {
        let text = document["uraian"].as_str().expect("a text").to_owned();
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
    assert_eq!(&fields(document), expected, "{document:#}");
}
