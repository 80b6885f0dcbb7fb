//! The parts of a spreadsheet are XML: elements by their names without prefixes, and text with its references resolved.

use std::borrow::Cow;
use std::io::{self, BufReader, Read};

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::super::super::fault::FileFault;

/// Longest tag or piece of text, in bytes: eight times the longest cell.
const PIECE_BYTES_MAX: usize = 1024 * 1024;

/// A part that is read piece by piece.
pub(super) struct Xml<R: Read> {
    reader: Reader<BufReader<Bounded<R>>>,
    piece: Vec<u8>,
}

/// What comes next in a part.
#[derive(Debug)]
pub(super) enum Piece<'a> {
    /// An element begins; one that is empty ends right behind.
    Begin(Element<'a>),
    /// An element of this name ends.
    End(Cow<'a, str>),
    /// Text, or a piece of it.
    Text(Cow<'a, str>),
    /// Nothing that matters here.
    Other,
    /// The part is over.
    Over,
}

/// How an element begins.
#[derive(Debug)]
pub(super) struct Element<'a>(BytesStart<'a>);

impl<R: Read> Xml<R> {
    /// Over a part.
    pub(super) fn new(part: R) -> Xml<R> {
        let mut reader = Reader::from_reader(BufReader::new(Bounded { part, left: PIECE_BYTES_MAX }));
        reader.config_mut().expand_empty_elements = true;
        Xml { reader, piece: Vec::new() }
    }

    /// The next piece.
    ///
    /// # Errors
    /// [`FileFault::Damaged`] if the part is not XML, or cannot be unpacked.
    pub(super) fn next(&mut self) -> Result<Piece<'_>, FileFault> {
        self.piece.clear();
        self.reader.get_mut().get_mut().left = PIECE_BYTES_MAX;
        let event = self.reader.read_event_into(&mut self.piece).map_err(|_| FileFault::Damaged)?;
        Ok(match event {
            Event::Start(start) => Piece::Begin(Element(start)),
            Event::End(end) => Piece::End(Cow::Owned(end.local_name().as_ref().to_owned())),
            Event::Text(text) => Piece::Text(text.xml10_content()),
            Event::CData(text) => Piece::Text(text.xml10_content()),
            Event::GeneralRef(name) => Piece::Text(Cow::Owned(referred(&name)?.to_string())),
            Event::Eof => Piece::Over,
            _ => Piece::Other,
        })
    }
}

impl Element<'_> {
    /// Its name, without a prefix.
    pub(super) fn name(&self) -> &str {
        self.0.local_name().into_inner()
    }

    /// Each attribute by its name without a prefix.
    ///
    /// # Errors
    /// [`FileFault::Damaged`], from `each` too.
    pub(super) fn attributes(
        &self,
        mut each: impl FnMut(&str, Cow<'_, str>) -> Result<(), FileFault>,
    ) -> Result<(), FileFault> {
        for attribute in self.0.attributes().with_checks(false) {
            let attribute = attribute.map_err(|_| FileFault::Damaged)?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|_| FileFault::Damaged)?;
            each(attribute.key.local_name().into_inner(), value)?;
        }
        Ok(())
    }
}

/// The character that a reference stands for. No document type is read, so there are five names.
fn referred(name: &quick_xml::events::BytesRef<'_>) -> Result<char, FileFault> {
    match name.resolve_char_ref() {
        Ok(Some(character)) => Ok(character),
        Ok(None) => match &**name {
            "amp" => Ok('&'),
            "lt" => Ok('<'),
            "gt" => Ok('>'),
            "quot" => Ok('"'),
            "apos" => Ok('\''),
            _ => Err(FileFault::Damaged),
        },
        Err(_) => Err(FileFault::Damaged),
    }
}

/// Gives out only so much before somebody sets `left` anew: the library keeps a whole piece in memory, whatever its length.
struct Bounded<R> {
    part: R,
    left: usize,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let read = self.part.read(buffer)?;
        self.left = self.left.saturating_sub(read);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All pieces, in a short form.
    fn pieces(text: &str) -> Result<Vec<String>, FileFault> {
        let mut xml = Xml::new(text.as_bytes());
        let mut pieces = Vec::new();
        loop {
            match xml.next()? {
                Piece::Begin(element) => {
                    let mut piece = format!("<{}", element.name());
                    element.attributes(|name, value| {
                        piece += &format!(" {name}={value}");
                        Ok(())
                    })?;
                    pieces.push(piece);
                }
                Piece::End(name) => pieces.push(format!("/{name}")),
                Piece::Text(text) => pieces.push(text.into_owned()),
                Piece::Other => {}
                Piece::Over => return Ok(pieces),
            }
        }
    }

    #[test]
    fn names_come_without_prefixes_and_text_with_its_references_resolved() {
        let text =
            "<?xml version=\"1.0\"?><x:c r:id='a&amp;b'><!-- c --><v>1 &lt; 2&#x21;</v><![CDATA[<t>]]><e/></x:c>";
        let want = ["<c id=a&b", "<v", "1 ", "<", " 2", "!", "/v", "<t>", "<e", "/e", "/c"];
        assert_eq!(pieces(text).expect("XML"), want);
    }

    #[test]
    fn what_is_no_xml_or_asks_for_entities_of_its_own_is_damaged() {
        for text in ["<a></b>", "<a", "<a b=></a>", "<a>&saya;</a>", "<a b='&saya;'/>", "<a>&#x0;</a>"] {
            assert_eq!(pieces(text), Err(FileFault::Damaged), "{text}");
        }
        let billion = "<!DOCTYPE a [<!ENTITY b 'x'><!ENTITY c '&b;&b;'>]><a>&c;</a>";
        assert_eq!(pieces(billion), Err(FileFault::Damaged));
    }

    #[test]
    fn a_piece_without_end_is_not_kept_whole() {
        let long = |inner: &str| format!("<a>{}</a>", inner.repeat(2 * PIECE_BYTES_MAX / inner.len()));
        assert!(pieces(&long("<b>x</b>")).is_ok());
        assert_eq!(pieces(&long("x")), Err(FileFault::Damaged));
        assert_eq!(pieces(&format!("<a><![CDATA[{}]]></a>", "<".repeat(2 * PIECE_BYTES_MAX))), Err(FileFault::Damaged));
    }
}
