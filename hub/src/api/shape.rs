//! What goes over the API, said once: from one definition come the type, its JSON and its schema, so that the document
//! cannot say anything else than the program.

use std::collections::BTreeMap;

use kentongan_host::moment;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

/// Something that has a schema.
pub(crate) trait Shape {
    /// Whether it may be left out of an object.
    const OPTIONAL: bool = false;

    /// Its schema; what has a name is put into `named` and referred to.
    fn schema(named: &mut Map<String, Value>) -> Value;
}

impl Shape for String {
    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({ "type": "string" })
    }
}

impl Shape for bool {
    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({ "type": "boolean" })
    }
}

impl Shape for u64 {
    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({ "type": "integer", "minimum": 0 })
    }
}

impl Shape for f64 {
    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({ "type": "number" })
    }
}

/// Anything at all: what stands in a field of a form.
impl Shape for Value {
    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({})
    }
}

impl<T: Shape> Shape for Option<T> {
    const OPTIONAL: bool = true;

    fn schema(named: &mut Map<String, Value>) -> Value {
        json!({ "anyOf": [T::schema(named), { "type": "null" }] })
    }
}

impl<T: Shape> Shape for Vec<T> {
    fn schema(named: &mut Map<String, Value>) -> Value {
        json!({ "type": "array", "items": T::schema(named) })
    }
}

impl<T: Shape> Shape for BTreeMap<String, T> {
    fn schema(named: &mut Map<String, Value>) -> Value {
        json!({ "type": "object", "additionalProperties": T::schema(named) })
    }
}

/// A moment, milliseconds since 1970; written as RFC 3339 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Time(pub(crate) i64);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&moment::text(self.0))
    }
}

impl Shape for Time {
    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({ "type": "string", "format": "date-time" })
    }
}

/// Objects that are given, or (with `takes`) that are taken: of these, what may be missing may be left out, and what nobody
/// knows is refused.
macro_rules! shapes {
    (gives $($rest:tt)*) => { shapes! { @each [serde::Serialize] [serde(rename_all = "snake_case")] [false] $($rest)* } };
    (takes $($rest:tt)*) => { shapes! { @each [serde::Deserialize] [serde(deny_unknown_fields)] [true] $($rest)* } };
    (@each [$derive:path] [$rule:meta] [$taken:literal]
        $($(#[doc = $about:literal])* $name:ident { $($(#[doc = $what:literal])* $field:ident: $kind:ty,)* })*) => {
        $(
            $(#[doc = $about])*
            #[derive(Debug, Clone, PartialEq, $derive)]
            #[$rule]
            pub(crate) struct $name { $($(#[doc = $what])* pub(crate) $field: $kind,)* }

            impl $crate::api::shape::Shape for $name {
                fn schema(
                    named: &mut serde_json::Map<String, serde_json::Value>,
                ) -> serde_json::Value {
                    let name = stringify!($name);
                    if !named.contains_key(name) {
                        // Stands there while its fields are looked at, so that one that refers to itself ends.
                        named.insert(name.to_owned(), serde_json::Value::Null);
                        let mut properties = serde_json::Map::new();
                        let mut required: Vec<&str> = Vec::new();
                        $(
                            let field = stringify!($field).trim_start_matches("r#");
                            let schema = <$kind as $crate::api::shape::Shape>::schema(named);
                            let said = concat!($($what),*).trim();
                            properties.insert(field.to_owned(), $crate::api::shape::described(schema, said));
                            if !($taken && <$kind as $crate::api::shape::Shape>::OPTIONAL) {
                                required.push(field);
                            }
                        )*
                        let schema = serde_json::json!({
                            "type": "object",
                            "description": concat!($($about),*).trim(),
                            "properties": properties,
                            "required": required,
                            "additionalProperties": false,
                        });
                        named.insert(name.to_owned(), schema);
                    }
                    serde_json::json!({ "$ref": format!("#/components/schemas/{name}") })
                }
            }
        )*
    };
}
pub(crate) use shapes;

/// A schema with a sentence.
pub(crate) fn described(mut schema: Value, said: &str) -> Value {
    if let Some(schema) = schema.as_object_mut().filter(|_| !said.is_empty()) {
        schema.insert("description".to_owned(), said.into());
    }
    schema
}
