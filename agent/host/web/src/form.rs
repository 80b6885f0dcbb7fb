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
    fn nonsense_is_text_too_and_there_is_a_bound() {
        for text in ["%", "%4", "%zz", "=%ff", "&&=&", "%25%", "a=%+"] {
            let _ = Fields::of_text(text);
        }
        assert_eq!(Fields::of_text("a=%").text("a"), "%");
        let many: String = (0..5_000).map(|n| format!("f{n}=1&")).collect();
        assert_eq!(Fields::of_text(&many).iter().count(), FIELDS_MAX);
    }
}
