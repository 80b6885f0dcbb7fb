//! The document that describes the API, made of the table of operations and the shapes.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::shape::Shape;
use super::shapes::Problem;
use super::table::{OPERATIONS, Operation, Param, ParamKind};

/// The document: OpenAPI 3.1.
pub(crate) static DOCUMENT: LazyLock<String> = LazyLock::new(|| format!("{:#}\n", document()));

const ABOUT: &str = "Offices, complaints, surveys and the audit trail of a Kentongan hub. A key is shown as \
    `Authorization: Bearer ktg_…`; what it allows was said when it was made (`kentongan-hub key create`). Times are RFC 3339 \
    in UTC. Ids and cursors are opaque. A POST with an `Idempotency-Key` is done once and answered alike for a day. Errors \
    are problem+json (RFC 9457).";

fn document() -> Value {
    let mut named = Map::new();
    let problem = Problem::schema(&mut named);
    let mut paths: Map<String, Value> = Map::new();
    for operation in OPERATIONS {
        let described = describe(operation, &problem, &mut named);
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(operation.method.as_str().to_ascii_lowercase(), described);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Kentongan hub",
            "version": "1",
            "description": ABOUT,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/api/v1" }],
        "paths": paths,
        "components": {
            "schemas": named,
            "securitySchemes": { "key": { "type": "http", "scheme": "bearer" } },
        },
    })
}

fn describe(operation: &Operation, problem: &Value, named: &mut Map<String, Value>) -> Value {
    let mut parameters: Vec<Value> =
        path_params(operation.path).chain(operation.params.iter().map(query_param)).collect();
    if operation.takes.is_some() {
        let about =
            "A name of the caller's for this request: the same again within a day is answered alike and done once.";
        parameters.push(header_param(
            "Idempotency-Key",
            about,
            json!({ "type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$" }),
        ));
    }
    if operation.guarded {
        let about = "The entity tag of what the caller has read; if it has changed since, 412.";
        parameters.push(header_param("If-Match", about, json!({ "type": "string" })));
    }
    let mut responses = Map::new();
    let given = (operation.gives)(named);
    let success = json!({ "description": "Done.", "content": { "application/json": { "schema": given } } });
    responses.insert(operation.status.to_string(), success);
    for (status, about) in problems(operation) {
        let content = json!({ "application/problem+json": { "schema": problem } });
        responses.insert(status.to_owned(), json!({ "description": about, "content": content }));
    }
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.about,
        "parameters": parameters,
        "responses": responses,
    });
    let Some(fields) = described.as_object_mut() else { return described };
    if let Some(takes) = operation.takes {
        let schema = takes(named);
        let body = json!({ "required": true, "content": { "application/json": { "schema": schema } } });
        fields.insert("requestBody".to_owned(), body);
    }
    if let Some(scope) = operation.scope {
        fields.insert("security".to_owned(), json!([{ "key": [scope] }]));
    }
    described
}

/// What can go wrong with an operation, and what it means.
fn problems(operation: &Operation) -> Vec<(&'static str, &'static str)> {
    let mut problems = vec![("422", "Something that was sent does not hold."), ("503", "Ask again later.")];
    if operation.path.contains('{') {
        problems.push(("404", "There is no such thing."));
    }
    if operation.scope.is_some() {
        problems.push(("401", "No key, or one that does not hold."));
        problems.push(("403", "The key does not allow this."));
    }
    problems.push(("429", "Too often; `Retry-After` says when to come back."));
    if operation.takes.is_some() {
        problems.push(("400", "The body is no JSON."));
        problems.push(("409", "It stands otherwise than this asks for."));
        problems.push(("413", "The body is too large."));
        problems.push(("415", "The body is said to be something else than JSON."));
    } else if operation.path.contains("{code}") {
        problems.push(("409", "Several records have this code."));
    }
    if operation.guarded {
        problems.push(("412", "It has changed since it was read."));
    }
    problems
}

fn path_params(path: &'static str) -> impl Iterator<Item = Value> {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    names.map(|name| {
        let about = if name == "code" { "A receipt code, such as KTG-7K3M-Q2H9D-R." } else { "Code of an office." };
        json!({ "name": name, "in": "path", "required": true, "description": about, "schema": { "type": "string", "minLength": 1 } })
    })
}

fn query_param(param: &Param) -> Value {
    let (schema, required) = match param.kind {
        ParamKind::Text => (json!({ "type": "string" }), false),
        ParamKind::OneOf(words) => (json!({ "type": "string", "enum": words }), false),
        ParamKind::Limit => (json!({ "type": "integer", "minimum": 1, "maximum": 500 }), false),
        ParamKind::Month => (json!({ "type": "string", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])$" }), true),
    };
    json!({ "name": param.name, "in": "query", "required": required, "description": param.about, "schema": schema })
}

fn header_param(name: &str, about: &str, schema: Value) -> Value {
    json!({ "name": name, "in": "header", "required": false, "description": about, "schema": schema })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every `$ref` in it.
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }

    #[test]
    fn the_document_names_every_operation_once_and_refers_to_nothing_that_is_not_there() {
        let document = document();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > OPERATIONS.len());
        for reference in found {
            let target = document.pointer(reference.trim_start_matches('#'));
            assert!(target.is_some_and(Value::is_object), "{reference}");
        }
        let mut ids: Vec<&str> = OPERATIONS.iter().map(|operation| operation.id).collect();
        ids.sort_unstable();
        let all = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), all);
        let written: usize =
            document["paths"].as_object().expect("paths").values().map(|p| p.as_object().map_or(0, Map::len)).sum();
        assert_eq!(written, all);
    }

    #[test]
    fn what_may_be_left_out_is_optional_only_in_what_is_taken() {
        let document = document();
        let required = |name: &str| document["components"]["schemas"][name]["required"].clone();
        assert_eq!(required("NewCode"), json!(["office"]));
        assert_eq!(required("Changed"), json!(["code", "id", "status"]));
    }
}
