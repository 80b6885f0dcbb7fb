//! `SPEC.md` against the program: limits, blocks of bytes, links, names of forms and reasons.

use std::collections::BTreeMap;

use kentongan_protocol::form::{Choice, Field, FieldType, Form, Lang, MergeClass, Pattern, Privacy, builtin};
use kentongan_protocol::ids::Lane;
use kentongan_protocol::limits;
use kentongan_protocol::receipt::ALPHABET;
use serde_json::{Value, json};

use crate::build::{items, text};
use crate::schema::{SPEC, Schema, from_hex, to_hex};

macro_rules! limits {
    ($($name:ident)*) => { [$((stringify!($name), limits::$name as u64)),*] };
}

#[test]
fn every_limit_stands_in_the_document_with_its_value() {
    let constants = limits![
        FRAME_BODY_BYTES_MAX FRAME_BODY_BYTES_AIM PACKED_FACTOR_MAX PACKED_GRACE_BYTES OP_BYTES_MAX FRAME_OPS_MAX OP_WRITES_MAX WRITE_VALUES_MAX
        WRITE_REPLACES_MAX MANY_CHOICES_MAX TEXT_BYTES_MAX NAME_BYTES_MAX PERSON_BYTES_MAX ATTACHMENT_BYTES_MAX
        OFFER_FILES_MAX CHUNK_BYTES_MAX ATTACHMENT_NAME_BYTES_MAX EXTENSIONS_MAX EXTENSION_BYTES_MAX
        FRAME_LOGS_MAX LINE_LOGS_MAX LINE_GREETING_BYTES_MAX INVENTORY_LOGS_MAX EPOCHS_MAX RECORD_OFFICES_MAX
        ATTEST_HEADS_MAX ECHO_BYTES_MAX REQUEST_BYTES_AIM REPLY_BYTES_AIM
        HYBRID_LEAD_MS_MAX
    ];
    let written = Schema::of_the_document().limits;
    assert_eq!(BTreeMap::from(constants.map(|(name, value)| (name.to_owned(), value))), written);
    let source = include_str!("../../src/limits.rs");
    let declared: Vec<&str> =
        source.lines().filter_map(|line| line.strip_prefix("pub const ")?.split(':').next()).collect();
    assert_eq!(declared.len(), written.len(), "{declared:?}");
    assert!(declared.iter().all(|name| written.contains_key(*name)));
}

/// Blocks fenced as ```` ```vector FILE NAME ````: hexadecimal bytes, one row a line, `offset  bytes  what they are`.
#[test]
fn every_block_of_bytes_is_the_vector_that_it_names() {
    let mut blocks = 0;
    for block in SPEC.split("\n```vector ").skip(1) {
        let (title, rest) = block.split_once('\n').expect("a title");
        let body = rest.split("\n```").next().expect("an end");
        let mut bytes = Vec::new();
        for line in body.lines() {
            let (offset, row) = line.split_once("  ").unwrap_or_else(|| panic!("{title}: {line}"));
            assert_eq!(usize::from_str_radix(offset.trim(), 16), Ok(bytes.len()), "{title}: {line}");
            let hex = row.trim_start().split("  ").next().expect("bytes");
            bytes.extend(from_hex(hex));
        }
        assert_eq!(to_hex(&bytes), vector(title), "{title}");
        blocks += 1;
    }
    assert_eq!(blocks, 7, "the worked examples");
}

/// The bytes that a title such as `ops.json change` or `exchange.json request` means.
fn vector(title: &str) -> String {
    let (file, name) = title.split_once(' ').expect("a file and a name");
    let files = [
        ("ops.json", include_str!("../../vectors/ops.json")),
        ("exchange.json", include_str!("../../vectors/exchange.json")),
    ];
    let (_, content) = files.iter().find(|(known, _)| *known == file).expect("a file of vectors");
    let content: Value = serde_json::from_str(content).expect("JSON");
    match &content {
        Value::Array(vectors) => {
            text(&vectors.iter().find(|one| one["name"] == name).expect("a vector of that name")["hex"])
        }
        whole => text(&whole[name]["hex"]),
    }
}

#[test]
fn links_within_the_document_lead_somewhere() {
    let anchor = |heading: &str| {
        let kept =
            heading.to_lowercase().chars().filter(|c| c.is_alphanumeric() || " -".contains(*c)).collect::<String>();
        kept.replace(' ', "-")
    };
    let anchors: Vec<String> = SPEC
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| anchor(line.trim_start_matches(['#', ' '])))
        .collect();
    for link in SPEC.split("](#").skip(1) {
        let target = link.split(')').next().expect("a target");
        assert!(anchors.iter().any(|known| known == target), "{target} is no heading");
    }
}

#[test]
fn the_alphabet_and_the_reasons_stand_in_the_document() {
    let alphabet: Vec<String> = ALPHABET.iter().map(|byte| char::from(*byte).to_string()).collect();
    assert!(SPEC.contains(&alphabet.join(" ")));
    let arms = include_str!("../../src/form/reason.rs").lines().filter_map(|line| line.trim().split_once("=> ("));
    let coded = arms.filter_map(|(_, pair)| pair.trim_end_matches("),").split_once(", "));
    let reasons: Vec<(&str, &str)> = coded.filter(|(code, _)| code.parse::<u8>().is_ok()).collect();
    assert_eq!(reasons.len(), 18);
    for (code, name) in reasons {
        assert!(SPEC.contains(&format!("| {code} | {} |", name.trim_matches('"'))), "{code} {name}");
    }
}

#[test]
fn the_built_in_forms_are_the_ones_in_the_vectors() {
    let written: Value = serde_json::from_str(include_str!("../../vectors/forms.json")).expect("JSON");
    let made: Vec<Value> = builtin::all().iter().map(form).collect();
    if std::env::var_os("KENTONGAN_PRINT_VECTORS").is_some() {
        println!("{}", json!(made));
        return;
    }
    assert_eq!(made.len(), items(&written).len());
    for (made, written) in made.iter().zip(items(&written)) {
        for part in ["tag", "version", "name", "label", "lane", "receipt", "groups"] {
            assert_eq!(made[part], written[part], "{part} of {}", made["name"]);
        }
        for (made, written) in items(&made["fields"]).iter().zip(items(&written["fields"])) {
            assert_eq!(made, written);
        }
        assert_eq!(items(&made["fields"]).len(), items(&written["fields"]).len());
    }
}

fn form(form: &Form) -> Value {
    let group = |group: &kentongan_protocol::form::Group| json!({ "tag": group.tag, "name": group.name, "merge": merge(group.merge), "label": label(&group.label) });
    json!({
        "tag": form.tag,
        "version": form.version,
        "name": form.name,
        "label": label(&form.label),
        "lane": lane(form.lane),
        "receipt": form.receipt,
        "groups": form.groups.iter().map(group).collect::<Vec<_>>(),
        "fields": form.fields.iter().map(field).collect::<Vec<_>>(),
    })
}

fn field(field: &Field) -> Value {
    let mut made = json!({
        "tag": field.tag,
        "name": field.name,
        "group": field.group,
        "type": kind(&field.kind),
        "required": field.required,
        "privacy": match field.privacy {
            Privacy::Public => "public",
            Privacy::Internal => "internal",
            Privacy::Identity => "identity",
        },
        "label": label(&field.label),
    });
    if let Some(relevant) = &field.relevant {
        made["relevant"] = json!({ "field": relevant.field, "is": relevant.is });
    }
    if !field.choices().is_empty() {
        made["choices"] = field.choices().iter().map(choice).collect();
    }
    made
}

fn choice(choice: &Choice) -> Value {
    let mut made = json!({ "tag": choice.tag, "code": choice.code, "label": label(&choice.label) });
    if choice.rank > 0 {
        made["rank"] = json!(choice.rank);
    }
    made
}

fn kind(kind: &FieldType) -> Value {
    match kind {
        FieldType::Text { chars_max, pattern } => match pattern {
            Pattern::Any => json!({ "text": { "chars_max": chars_max } }),
            Pattern::Digits(count) => json!({ "text": { "chars_max": chars_max, "digits": count } }),
            Pattern::Phone => json!({ "text": { "chars_max": chars_max, "phone": true } }),
        },
        FieldType::Whole { min, max } => json!({ "whole": { "min": min, "max": max } }),
        FieldType::Decimal { scale_max } => json!({ "decimal": { "scale_max": scale_max } }),
        FieldType::One(_) => json!("one"),
        FieldType::Many(_) => json!("many"),
        FieldType::Date => json!("date"),
        FieldType::DateTime => json!("datetime"),
        FieldType::Area => json!("area"),
        FieldType::Person => json!("person"),
        FieldType::Attachment => json!("attachment"),
    }
}

fn merge(class: MergeClass) -> &'static str {
    match class {
        MergeClass::Fixed => "fixed",
        MergeClass::Add => "add",
        MergeClass::Strictest => "strictest",
        MergeClass::Stage => "stage",
        MergeClass::Register => "register",
    }
}

fn lane(lane: Lane) -> &'static str {
    match lane {
        Lane::Urgent => "urgent",
        Lane::Case => "case",
        Lane::Survey => "survey",
        Lane::Bulk => "bulk",
    }
}

fn label(label: &kentongan_protocol::form::Label) -> Value {
    json!({ "id": label.in_lang(Lang::Id), "en": label.in_lang(Lang::En) })
}
