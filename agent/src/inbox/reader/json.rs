//! JSON: one object a line, or an array of objects. Nested keys become columns: `reporter.name`, `answers.0`.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::super::fault::{FileFault, ImportFault};
use super::super::row::{Columns, Damage, Row};
use super::{RECORD_BYTES_MAX, ROWS_MAX, Rows, encoding};

/// Most characters of a line that cannot be read which are shown to the person who mends it.
const SHOWN_CHARS_MAX: usize = 2000;

pub(super) struct Json {
    source: BufReader<File>,
    shape: Shape,
    columns: Columns,
    /// The bytes of one object.
    element: Vec<u8>,
    path: String,
    line: u64,
    rows: u64,
    bytes_read: u64,
    bytes_total: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// An object a line.
    Lines,
    /// One array of objects, before its opening bracket.
    BeforeArray,
    /// Within the array.
    Array,
}

impl Json {
    pub(super) fn lines(file: File, bytes_total: u64) -> Json {
        Json::new(file, bytes_total, Shape::Lines)
    }

    pub(super) fn array(file: File, bytes_total: u64) -> Json {
        Json::new(file, bytes_total, Shape::BeforeArray)
    }

    fn new(file: File, bytes_total: u64, shape: Shape) -> Json {
        let source = BufReader::with_capacity(64 * 1024, file);
        let (element, path) = (Vec::new(), String::new());
        Json { source, shape, columns: Columns::default(), element, path, line: 0, rows: 0, bytes_read: 0, bytes_total }
    }

    fn next_byte(&mut self) -> io::Result<Option<u8>> {
        let byte = self.source.fill_buf()?.first().copied();
        if byte.is_some() {
            self.source.consume(1);
            self.bytes_read += 1;
        }
        Ok(byte)
    }

    /// Reads the next element into `element`; gives the line where it begins, or `None` at the end of the file.
    fn next_element(&mut self) -> io::Result<Option<u64>> {
        match self.shape {
            Shape::Lines => self.next_line(),
            Shape::BeforeArray => {
                while !matches!(self.next_byte()?, None | Some(b'[')) {}
                self.shape = Shape::Array;
                self.line = 1;
                self.next_in_array()
            }
            Shape::Array => self.next_in_array(),
        }
    }

    fn next_line(&mut self) -> io::Result<Option<u64>> {
        loop {
            self.element.clear();
            let mut length = 0;
            let ended = loop {
                let chunk = self.source.fill_buf()?;
                if chunk.is_empty() {
                    break length == 0;
                }
                let end = chunk.iter().position(|byte| *byte == b'\n');
                let taken = end.map_or(chunk.len(), |end| end + 1);
                if length <= RECORD_BYTES_MAX {
                    self.element.extend_from_slice(chunk.get(..taken).unwrap_or_default());
                }
                length += taken as u64;
                self.source.consume(taken);
                self.bytes_read += taken as u64;
                if end.is_some() {
                    break false;
                }
            };
            if ended {
                return Ok(None);
            }
            self.line += 1;
            if self.line == 1 && self.element.starts_with(encoding::BOM) {
                self.element.drain(..encoding::BOM.len());
            }
            if !self.element.trim_ascii().is_empty() {
                return Ok(Some(self.line));
            }
        }
    }

    /// Up to the next comma or bracket that stands outside of every object and text.
    fn next_in_array(&mut self) -> io::Result<Option<u64>> {
        self.element.clear();
        let (mut depth, mut in_text, mut escaped) = (0_u32, false, false);
        let mut start = None;
        loop {
            let Some(byte) = self.next_byte()? else { return Ok(start) };
            if byte == b'\n' {
                self.line += 1;
            }
            match byte {
                _ if escaped => escaped = false,
                b'\\' if in_text => escaped = true,
                b'"' => in_text = !in_text,
                _ if in_text => {}
                b'{' | b'[' => depth += 1,
                b',' if depth == 0 && start.is_some() => return Ok(start),
                b',' if depth == 0 => continue,
                b']' if depth == 0 => {
                    // What follows the array is no row.
                    while self.next_byte()?.is_some() {}
                    return Ok(start);
                }
                b'}' | b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if start.is_none() && !byte.is_ascii_whitespace() {
                start = Some(self.line);
            }
            if start.is_some() && self.element.len() as u64 <= RECORD_BYTES_MAX {
                self.element.push(byte);
            }
        }
    }

    fn flatten(&mut self, row: &mut Row) -> Option<Damage> {
        if self.element.len() as u64 > RECORD_BYTES_MAX {
            return Some(Damage::TooLong);
        }
        let Ok(text) = std::str::from_utf8(&self.element) else { return Some(Damage::NotUtf8) };
        if !text.trim_start().starts_with('{') {
            return Some(Damage::NotJson);
        }
        self.path.clear();
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let mut flat = Flat { columns: &mut self.columns, row, path: &mut self.path, full: false };
        let read = flat.reborrow().deserialize(&mut deserializer).and_then(|()| deserializer.end());
        match (read, flat.full) {
            (_, true) => Some(Damage::TooManyColumns),
            (Ok(()), false) => row.damage,
            (Err(_), false) => Some(Damage::NotJson),
        }
    }
}

impl Rows for Json {
    fn titles(&self) -> &[String] {
        self.columns.names()
    }

    fn titles_are_complete(&self) -> bool {
        false
    }

    fn read(&mut self, row: &mut Row) -> Result<bool, ImportFault> {
        let Some(line) = self.next_element()? else { return Ok(false) };
        self.rows += 1;
        if self.rows > ROWS_MAX {
            return Err(FileFault::TooManyRows { rows_max: ROWS_MAX }.into());
        }
        row.clear();
        row.number = line;
        let damage = self.flatten(row);
        if damage.is_some() {
            // Half of an object is of no use; the person who mends the line wants to see the line.
            row.clear();
            row.number = line;
            row.damage = damage;
            let text = String::from_utf8_lossy(&self.element);
            row.push(&text.trim().chars().take(SHOWN_CHARS_MAX).collect::<String>());
        }
        Ok(true)
    }

    fn bytes(&self) -> (u64, u64) {
        (self.bytes_read, self.bytes_total)
    }
}

/// Writes a value and all that is in it into the cells of a row.
struct Flat<'a> {
    columns: &'a mut Columns,
    row: &'a mut Row,
    path: &'a mut String,
    full: bool,
}

impl Flat<'_> {
    fn reborrow(&mut self) -> &mut Self {
        self
    }

    fn put(&mut self, cell: &str) {
        match self.columns.place(self.path) {
            Some(column) => self.row.set(column, cell),
            None => self.full = true,
        }
    }

    /// Lengthens the path by a key; gives the length to go back to.
    fn enter(&mut self, key: &str) -> usize {
        let length = self.path.len();
        if length > 0 {
            self.path.push('.');
        }
        self.path.push_str(key);
        length
    }
}

impl<'de> DeserializeSeed<'de> for &mut Flat<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Flat<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        // A key without a value is a column all the same.
        self.full |= self.columns.place(self.path).is_none();
        Ok(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.put(if value { "true" } else { "false" });
        Ok(())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.put(&value.to_string());
        Ok(())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.put(&value.to_string());
        Ok(())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.put(&value.to_string());
        Ok(())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.put(value);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        for place in 0_usize.. {
            let length = self.enter(&place.to_string());
            let element = elements.next_element_seed(&mut *self)?;
            self.path.truncate(length);
            if element.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(key) = entries.next_key::<std::borrow::Cow<'_, str>>()? {
            let length = self.enter(&key);
            entries.next_value_seed(&mut *self)?;
            self.path.truncate(length);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Hints;
    use super::super::tests::read_all;
    use super::*;

    fn read(text: &str) -> (Vec<String>, Vec<Row>) {
        read_all(text.as_bytes(), &Hints::default()).expect("read")
    }

    #[test]
    fn nested_keys_become_columns_and_new_ones_join_later() {
        let text = "{\"a\":{\"b\":\"x\",\"c\":null},\"n\":[3,true]}\n\n{\"z\":1.5,\"a\":{\"b\":\"y\"}}\n";
        let (titles, rows) = read(text);
        assert_eq!(titles, ["a.b", "a.c", "n.0", "n.1", "z"]);
        let cells: Vec<Vec<&str>> = rows.iter().map(|row| row.cells().collect()).collect();
        assert_eq!(cells, [vec!["x", "", "3", "true"], vec!["y", "", "", "", "1.5"]]);
        assert_eq!(rows.iter().map(|row| row.number).collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn a_bad_line_is_one_bad_row_that_shows_the_line() {
        let (_, rows) = read("{\"a\":1}\n{\"a\":\n[1]\n{\"a\":2} x\n{\"a\":3}");
        let damage: Vec<Option<Damage>> = rows.iter().map(|row| row.damage).collect();
        let bad = Some(Damage::NotJson);
        assert_eq!(damage, [None, bad, bad, bad, None]);
        assert_eq!(rows[1].cell(0), "{\"a\":");
        assert_eq!((rows[4].number, rows[4].cell(0)), (5, "3"));
    }

    #[test]
    fn an_array_of_objects_is_read_object_by_object() {
        let (titles, rows) = read("[\n {\"a\":\"x,]}\\\"\"},\n {\"a\":\"y\",\"b\":[1]}, 7\n]\n trailing");
        assert_eq!(titles, ["a", "b.0"]);
        assert_eq!(rows.iter().map(|row| row.number).collect::<Vec<_>>(), [2, 3, 3]);
        assert_eq!(rows[0].cell(0), "x,]}\"");
        assert_eq!(rows[2].damage, Some(Damage::NotJson));
    }

    #[test]
    fn a_line_that_does_not_end_costs_one_row() {
        let long = format!("{{\"a\":\"{}\"}}\n{{\"a\":\"x\"}}\n", "y".repeat(3 * 1024 * 1024));
        let (_, rows) = read(&long);
        assert_eq!((rows[0].damage, rows[1].cell(0)), (Some(Damage::TooLong), "x"));
    }

    #[test]
    fn depth_is_bounded() {
        let (_, rows) = read(&format!("{{\"a\":{}", "[".repeat(100_000)));
        assert_eq!(rows[0].damage, Some(Damage::NotJson));
    }
}
