//! What a form sends: fields and files, both bounded.

use std::collections::BTreeMap;

/// Fields of one form, at most.
const FIELDS_MAX: usize = 512;

/// The fields of a form or of an address, by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fields(BTreeMap<String, Vec<String>>);

/// A file that a form carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// What the browser calls it: nothing that may be believed, and never a path.
    pub name: String,
    /// The file.
    pub content: Vec<u8>,
}

impl Fields {
    /// Reads `name=value&…`, as browsers write it. What is beyond the bound is left out.
    pub fn of_text(text: &str) -> Fields {
        let mut fields = Fields::default();
        for pair in text.split('&').filter(|pair| !pair.is_empty()).take(FIELDS_MAX) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            fields.add(decoded(name), decoded(value));
        }
        fields
    }

    /// The same as text that [`Fields::of_text`] reads.
    pub fn to_text(&self) -> String {
        let pairs = self.0.iter().flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
        let pairs = pairs.map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
        pairs.collect::<Vec<_>>().join("&")
    }

    /// The same and one more.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Fields {
        self.add(name.to_owned(), value.to_owned());
        self
    }

    /// The same without one of them.
    #[must_use]
    pub fn without(mut self, name: &str) -> Fields {
        self.0.remove(name);
        self
    }

    /// Adds a value to a field.
    pub(crate) fn add(&mut self, name: String, value: String) {
        if self.0.len() < FIELDS_MAX {
            self.0.entry(name).or_default().push(value);
        }
    }

    /// The first value of a field, `""` if there is none.
    pub fn text(&self, name: &str) -> &str {
        self.all(name).first().map_or("", String::as_str)
    }

    /// Whether the form has the field at all.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Every value of a field.
    pub fn all(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// Every field with its values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0.iter().map(|(name, values)| (name.as_str(), values.as_slice()))
    }
}

/// What is no letter, digit or one of `-._` as `%41`.
fn encoded(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => written.push(char::from(byte)),
            other => written.extend(['%', nibble(other >> 4), nibble(other & 15)]),
        }
    }
    written
}

fn nibble(value: u8) -> char {
    char::from_digit(u32::from(value), 16).unwrap_or('0')
}

/// `%41` and `+` as they are meant; what is no UTF-8 is shown as such.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        let byte = match (*first, after) {
            (b'+', _) => b' ',
            (b'%', [high, low, after @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => {
                    rest = after;
                    high << 4 | low
                }
                _ => b'%',
            },
            (other, _) => other,
        };
        bytes.push(byte);
    }
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_back_as_they_were_typed() {
        let fields = Fields::of_text("uraian=Lampu+padam%2C%0D%0Agelap&nama=Bu+%C3%89lise&v=1&v=2&kosong=&tanpa");
        assert_eq!(fields.text("uraian"), "Lampu padam,\r\ngelap");
        assert_eq!(fields.text("nama"), "Bu Élise");
        assert_eq!(fields.all("v"), ["1", "2"]);
        assert!(fields.has("kosong") && fields.has("tanpa") && !fields.has("lain"));
        assert_eq!(fields.text("lain"), "");
    }

    #[test]
    fn fields_are_written_as_they_are_read() {
        let fields =
            Fields::of_text("uraian=Lampu+padam%2C%0D%0A%22gelap%22&v=1&v=%26%3D%25%2B&n=%C3%89&kosong=&_a.h=1");
        assert_eq!(Fields::of_text(&fields.to_text()), fields);
        assert_eq!(Fields::default().to_text(), "");
        assert!(!fields.to_text().contains([' ', '+', '\n', 'É']));
        let fewer = fields.without("v");
        assert!(!fewer.has("v") && fewer.has("n"));
    }

    #[test]
    fn nonsense_is_text_too_and_there_is_a_bound() {
        for text in ["%", "%4", "%zz", "=%ff", "&&=&", "%25%", "a=%+"] {
            let _ = Fields::of_text(text);
        }
        assert_eq!(Fields::of_text("a=%").text("a"), "%");
        let many: String = (0..5_000).map(|n| format!("f{n}=1&")).collect();
        assert_eq!(Fields::of_text(&many).iter().count(), FIELDS_MAX);
    }
}
