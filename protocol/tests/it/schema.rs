//! A second implementation of the codec, driven by the tables of `SPEC.md` alone: it knows nothing of the crate. What it
//! and the crate agree on, the document says right.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// The document.
pub(crate) const SPEC: &str = include_str!("../../SPEC.md");

/// Numbers beyond what every JSON reader keeps exactly are written as text.
const EXACT_MAX: i128 = (1 << 53) - 1;

/// The structures of the document.
#[derive(Debug, Default)]
pub(crate) struct Schema {
    pub(crate) limits: BTreeMap<String, u64>,
    structs: BTreeMap<String, Vec<(String, Type)>>,
    enums: BTreeMap<String, Vec<Variant>>,
}

/// Name and fields.
type Variant = (String, Vec<(String, Type)>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Type {
    Unsigned(u32),
    Signed(u32),
    Bool,
    Fixed(usize),
    /// An id, or a number on the line.
    Log,
    Option(Box<Type>),
    Text(String),
    Bytes(String),
    List(String, Box<Type>),
    Named(String),
}

/// Head of the table of a structure.
const FIELDS: &str = "| field | type | meaning |";

impl Schema {
    /// Reads the tables of the document.
    pub(crate) fn of_the_document() -> Schema {
        let mut schema = Schema::default();
        let (mut heading, mut table) = ("", "");
        for line in SPEC.lines() {
            let cells: Vec<&str> = line.trim().trim_matches('|').split('|').map(str::trim).collect();
            match cells.as_slice() {
                _ if line.starts_with("### ") => heading = &line[4..],
                _ if !line.starts_with('|') => table = "",
                [first, ..] if first.starts_with("---") => {}
                _ if table.is_empty() => {
                    table = line;
                    if table == FIELDS {
                        // There are structures without fields.
                        schema.structs.entry(heading.to_owned()).or_default();
                    }
                }
                [name, kind, _] if table == FIELDS => {
                    schema.structs.entry(heading.to_owned()).or_default().push(((*name).to_owned(), Type::parse(kind)));
                }
                [number, name, fields, _] if table == "| number | variant | fields | meaning |" => {
                    let variants = schema.enums.entry(heading.to_owned()).or_default();
                    assert_eq!(number.parse(), Ok(variants.len()), "{heading}: variants stand in order");
                    variants.push(((*name).to_owned(), parse_fields(fields)));
                }
                [name, value, _] if table == "| name | value | meaning |" => {
                    schema.limits.insert((*name).to_owned(), value.parse().expect("a limit is a number"));
                }
                _ => {}
            }
        }
        schema
    }

    /// All structures and enumerations.
    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        self.structs.keys().chain(self.enums.keys())
    }

    /// Reads exactly these bytes as a value of the type.
    pub(crate) fn decode(&self, kind: &str, bytes: &[u8]) -> Result<Value, String> {
        let mut rest = bytes;
        let value = self.read(&Type::parse(kind), &mut rest)?;
        if rest.is_empty() { Ok(value) } else { Err(format!("{} bytes after the end", rest.len())) }
    }

    /// The bytes of a value.
    pub(crate) fn encode(&self, kind: &str, value: &Value) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&Type::parse(kind), value, &mut out);
        out
    }

    fn bound(&self, name: &str) -> u64 {
        name.parse().unwrap_or_else(|_| *self.limits.get(name).unwrap_or_else(|| panic!("no limit {name}")))
    }

    fn length(&self, bound: &str, rest: &mut &[u8]) -> Result<usize, String> {
        let length = read_varint(8, rest)?;
        if length > self.bound(bound) { Err("over a bound".to_owned()) } else { Ok(length as usize) }
    }

    fn read(&self, kind: &Type, rest: &mut &[u8]) -> Result<Value, String> {
        Ok(match kind {
            Type::Unsigned(1) => json!(take(rest, 1)?[0]),
            Type::Unsigned(width) => number(read_varint(*width, rest)?.into()),
            Type::Signed(width) => {
                let raw = i128::from(read_varint(*width, rest)?);
                number(if raw % 2 == 0 { raw / 2 } else { -(raw + 1) / 2 })
            }
            Type::Bool => match take(rest, 1)?[0] {
                0 => json!(false),
                1 => json!(true),
                _ => return Err("neither 0 nor 1".to_owned()),
            },
            Type::Fixed(length) => json!(to_hex(take(rest, *length)?)),
            Type::Log => match take(rest, 1)?[0] {
                0 => json!(to_hex(take(rest, 8)?)),
                number => json!(number - 1),
            },
            Type::Option(inner) => match take(rest, 1)?[0] {
                0 => Value::Null,
                1 => self.read(inner, rest)?,
                _ => return Err("neither 0 nor 1".to_owned()),
            },
            Type::Text(bound) => {
                let length = self.length(bound, rest)?;
                json!(std::str::from_utf8(take(rest, length)?).map_err(|error| error.to_string())?)
            }
            Type::Bytes(bound) => {
                let length = self.length(bound, rest)?;
                json!(to_hex(take(rest, length)?))
            }
            Type::List(bound, item) => {
                let length = self.length(bound, rest)?;
                Value::Array((0..length).map(|_| self.read(item, rest)).collect::<Result<_, _>>()?)
            }
            Type::Named(name) => match (self.structs.get(name), self.enums.get(name)) {
                (Some(fields), _) => self.read_fields(fields, rest)?,
                (_, Some(variants)) => {
                    let place = read_varint(4, rest)? as usize;
                    let (variant, fields) = variants.get(place).ok_or("an unknown variant")?;
                    json!({ variant: self.read_fields(fields, rest)? })
                }
                _ => panic!("the document has no {name}"),
            },
        })
    }

    fn read_fields(&self, fields: &[(String, Type)], rest: &mut &[u8]) -> Result<Value, String> {
        let mut object = Map::new();
        for (name, kind) in fields {
            object.insert(name.clone(), self.read(kind, rest)?);
        }
        Ok(Value::Object(object))
    }

    fn write(&self, kind: &Type, value: &Value, out: &mut Vec<u8>) {
        match kind {
            Type::Unsigned(1) => out.push(integer(value) as u8),
            Type::Unsigned(_) => write_varint(integer(value) as u64, out),
            Type::Signed(_) => {
                let n = integer(value);
                write_varint((if n < 0 { -2 * n - 1 } else { 2 * n }) as u64, out);
            }
            Type::Bool => out.push(u8::from(value.as_bool().expect("a bool"))),
            Type::Fixed(_) => out.extend(hex(value)),
            Type::Log if value.is_string() => {
                out.push(0);
                out.extend(hex(value));
            }
            Type::Log => out.push(integer(value) as u8 + 1),
            Type::Option(_) if value.is_null() => out.push(0),
            Type::Option(inner) => {
                out.push(1);
                self.write(inner, value, out);
            }
            Type::Text(_) => {
                let text = value.as_str().expect("a text");
                write_varint(text.len() as u64, out);
                out.extend(text.bytes());
            }
            Type::Bytes(_) => {
                let bytes = hex(value);
                write_varint(bytes.len() as u64, out);
                out.extend(bytes);
            }
            Type::List(_, item) => {
                let items = value.as_array().expect("a list");
                write_varint(items.len() as u64, out);
                items.iter().for_each(|one| self.write(item, one, out));
            }
            Type::Named(name) => match (self.structs.get(name), self.enums.get(name)) {
                (Some(fields), _) => self.write_fields(fields, value, out),
                (_, Some(variants)) => {
                    let (variant, payload) = value.as_object().and_then(|one| one.iter().next()).expect("a variant");
                    let place = variants.iter().position(|(known, _)| known == variant).expect("a known variant");
                    write_varint(place as u64, out);
                    self.write_fields(&variants[place].1, payload, out);
                }
                _ => panic!("the document has no {name}"),
            },
        }
    }

    fn write_fields(&self, fields: &[(String, Type)], value: &Value, out: &mut Vec<u8>) {
        assert_eq!(value.as_object().map(Map::len), Some(fields.len()), "{value} has other fields than the document");
        fields.iter().for_each(|(name, kind)| self.write(kind, &value[name], out));
    }
}

impl Type {
    fn parse(text: &str) -> Type {
        let inside = |name: &str| text.strip_prefix(name).and_then(|rest| rest.strip_suffix(')')).map(str::trim);
        if let Some(inner) = inside("option(") {
            return Type::Option(Box::new(Type::parse(inner)));
        }
        if let Some(bound) = inside("text(") {
            return Type::Text(bound.to_owned());
        }
        if let Some(bound) = inside("bytes(") {
            return Type::Bytes(bound.to_owned());
        }
        if let Some(inner) = inside("list(") {
            let (bound, item) = inner.split_once(',').expect("a list has a bound and an item");
            return Type::List(bound.trim().to_owned(), Box::new(Type::parse(item.trim())));
        }
        match text {
            "u8" | "u16" | "u32" | "u64" => Type::Unsigned(width(text)),
            "i16" | "i32" | "i64" => Type::Signed(width(text)),
            "bool" => Type::Bool,
            "id" => Type::Fixed(8),
            "log" => Type::Log,
            "half" => Type::Fixed(4),
            "hash" => Type::Fixed(32),
            "signature" => Type::Fixed(64),
            name => Type::Named(name.to_owned()),
        }
    }
}

fn width(text: &str) -> u32 {
    text[1..].parse::<u32>().expect("a width in bits") / 8
}

/// `a: u8, b: list(4, u16)`
fn parse_fields(text: &str) -> Vec<(String, Type)> {
    let (mut depth, mut parts) = (0, vec![String::new()]);
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().expect("never empty").push(c);
    }
    let fields = parts.iter().filter_map(|part| part.trim().split_once(": "));
    fields.map(|(name, kind)| (name.to_owned(), Type::parse(kind))).collect()
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], String> {
    let (head, tail) = rest.split_at_checked(length).ok_or("cut off")?;
    *rest = tail;
    Ok(head)
}

fn read_varint(width: u32, rest: &mut &[u8]) -> Result<u64, String> {
    let marker = take(rest, 1)?[0];
    let length = match marker {
        0..=250 => return Ok(marker.into()),
        251 => 2,
        252 => 4,
        253 => 8,
        _ => return Err("no marker".to_owned()),
    };
    if length > width {
        return Err("wider than its type".to_owned());
    }
    Ok(take(rest, length as usize)?.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}

fn write_varint(value: u64, out: &mut Vec<u8>) {
    let bytes = value.to_le_bytes();
    match value {
        0..=250 => out.push(bytes[0]),
        251..=0xffff => out.extend([&[251], &bytes[..2]].concat()),
        0x1_0000..=0xffff_ffff => out.extend([&[252], &bytes[..4]].concat()),
        _ => out.extend([&[253], &bytes[..]].concat()),
    }
}

fn number(value: i128) -> Value {
    match i64::try_from(value) {
        Ok(small) if value.abs() <= EXACT_MAX => json!(small),
        _ => json!(value.to_string()),
    }
}

/// A whole number, written as a number or as text.
pub(crate) fn integer(value: &Value) -> i128 {
    match value {
        Value::String(text) => text.parse().expect("a whole number"),
        other => other.as_i64().unwrap_or_else(|| panic!("{other} is no whole number")).into(),
    }
}

/// Bytes written as hexadecimal digits; white space is passed over.
pub(crate) fn hex(value: &Value) -> Vec<u8> {
    from_hex(value.as_str().unwrap_or_else(|| panic!("{value} is no text")))
}

pub(crate) fn from_hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16).unwrap_or_else(|| panic!("{c:?} is no digit")) as u8)
        .collect();
    let (pairs, rest) = digits.as_chunks::<2>();
    assert!(rest.is_empty(), "half a byte in {text}");
    pairs.iter().map(|[high, low]| high << 4 | low).collect()
}

pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
