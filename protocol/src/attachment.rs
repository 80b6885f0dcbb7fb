//! Attachments: files that belong to a record, named by what they hold.
//!
//! The record says which file it means (its hash, length, kind and the name people gave it); the file itself travels
//! behind all records, in chunks, and is taken for what it is only when its hash agrees. Names are words for people
//! and never become paths.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::limits::ATTACHMENT_BYTES_MAX;

/// Name of a file by its content: SHA-256 over all of it. Written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash(pub [u8; 32]);

impl ContentHash {
    /// Of these bytes.
    pub fn of(content: &[u8]) -> ContentHash {
        ContentHash(Sha256::digest(content).into())
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentHash({self})")
    }
}

impl FromStr for ContentHash {
    type Err = NotAHash;

    fn from_str(text: &str) -> Result<ContentHash, NotAHash> {
        if text.len() != 64 || !text.is_ascii() {
            return Err(NotAHash);
        }
        let mut hash = [0; 32];
        for (slot, digits) in hash.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(digits).map_err(|_| NotAHash)?;
            *slot = u8::from_str_radix(digits, 16).map_err(|_| NotAHash)?;
        }
        // One hash has one spelling: `+f` and capitals are read by the library, but nobody writes them.
        let hash = ContentHash(hash);
        if hash.to_string() == text { Ok(hash) } else { Err(NotAHash) }
    }
}

/// A text that is no [`ContentHash`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not 64 hexadecimal digits in small letters")]
pub struct NotAHash;

/// Kinds of files that a record may carry. Everything else is refused at intake and kept aside at the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Media {
    /// A photo or scan.
    Jpeg = 1,
    /// A picture of a screen, or a drawing.
    Png = 2,
    /// A photo as telephones send it.
    Webp = 3,
    /// A paper.
    Pdf = 4,
    /// A file of a confidential complaint, of whatever kind: only the hub opens it ([`crate::sealed`]).
    Sealed = 5,
}

impl Media {
    /// All of them.
    pub const ALL: [Media; 5] = [Media::Jpeg, Media::Png, Media::Webp, Media::Pdf, Media::Sealed];

    /// How a sealed file begins.
    pub const SEALED_MAGIC: [u8; 4] = *b"KTGS";

    /// From its number on the wire.
    pub fn from_number(number: u8) -> Option<Media> {
        Media::ALL.into_iter().find(|media| *media as u8 == number)
    }

    /// What the beginning of a file says it is. Only that: whoever shows the file decodes it with care.
    pub fn of(content: &[u8]) -> Option<Media> {
        match content {
            [0xff, 0xd8, 0xff, ..] => Some(Media::Jpeg),
            [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some(Media::Png),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Media::Webp),
            [b'%', b'P', b'D', b'F', b'-', ..] => Some(Media::Pdf),
            content if content.starts_with(&Media::SEALED_MAGIC) => Some(Media::Sealed),
            _ => None,
        }
    }

    /// The usual ending of a file's name, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Media::Jpeg => "jpg",
            Media::Png => "png",
            Media::Webp => "webp",
            Media::Pdf => "pdf",
            Media::Sealed => "ktgs",
        }
    }

    /// Its name in HTTP and mail.
    pub fn mime(self) -> &'static str {
        match self {
            Media::Jpeg => "image/jpeg",
            Media::Png => "image/png",
            Media::Webp => "image/webp",
            Media::Pdf => "application/pdf",
            Media::Sealed => "application/vnd.kentongan.sealed",
        }
    }

    /// Whether a browser shows it as a picture.
    pub fn is_picture(self) -> bool {
        matches!(self, Media::Jpeg | Media::Png | Media::Webp)
    }
}

/// A file as whoever names it says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Content {
    /// Its name by what it holds.
    pub hash: ContentHash,
    /// Its length, 1 to [`ATTACHMENT_BYTES_MAX`].
    pub bytes: u32,
    /// Number of its [`Media`]; a later version may know more of them.
    pub media: u8,
}

/// What a record says of a file that belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attachment {
    /// The file.
    pub content: Content,
    /// What people call it.
    pub name: String,
}

impl Content {
    /// Of these bytes.
    ///
    /// # Errors
    /// Why they cannot be carried.
    pub fn of(content: &[u8]) -> Result<Content, Unfit> {
        let media = Media::of(content).ok_or(Unfit::UnknownMedia)?;
        let bytes = u32::try_from(content.len()).ok().filter(|bytes| *bytes <= ATTACHMENT_BYTES_MAX);
        Ok(Content { hash: ContentHash::of(content), bytes: bytes.ok_or(Unfit::TooLong)?, media: media as u8 })
    }

    /// Whether `content` is the file that is meant, and what it claims to be.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn verify(&self, content: &[u8]) -> Result<(), Unfit> {
        let meant = content.len() == self.bytes as usize && ContentHash::of(content) == self.hash;
        match meant {
            false => Err(Unfit::OtherContent),
            true if Media::of(content).map(|media| media as u8) != Some(self.media) => Err(Unfit::OtherMedia),
            true => Ok(()),
        }
    }
}

impl Attachment {
    /// One line: hash, length, kind and name, as exports have it.
    pub fn render(&self) -> String {
        let Content { hash, bytes, media } = self.content;
        let kind = Media::from_number(media).map_or(format!("#{media}"), |kind| kind.extension().into());
        format!("{hash} {bytes} {kind} {}", self.name)
    }

    /// Reads what [`Attachment::render`] wrote of a known kind.
    pub fn parse(text: &str) -> Option<Attachment> {
        let mut parts = text.splitn(4, ' ');
        let mut part = || parts.next();
        let (hash, bytes, kind, name) = (part()?, part()?, part()?, part()?);
        let media = Media::ALL.into_iter().find(|media| media.extension() == kind)? as u8;
        let bytes = bytes.parse().ok().filter(|number: &u32| number.to_string() == bytes)?;
        Some(Attachment { content: Content { hash: hash.parse().ok()?, bytes, media }, name: name.to_owned() })
    }
}

/// How far the hub has a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// So many bytes from its beginning; the rest is wanted.
    Wanted {
        /// Bytes that are there.
        held: u32,
    },
    /// All of it, and it is what it claims to be.
    Held,
    /// It is not to be had, or not what it claims to be.
    SetAside,
    /// No op of who asks names it there: not yet, or the hub forgot.
    Unknown,
}

/// Why a file is not carried, or not taken for what a record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It is none of [`Media`].
    #[error("a file of no known kind")]
    UnknownMedia,
    /// It is longer than [`ATTACHMENT_BYTES_MAX`].
    #[error("a file longer than the protocol allows")]
    TooLong,
    /// Its length or hash is another.
    #[error("another file than the record means")]
    OtherContent,
    /// It is that file, but of another kind than the record says.
    #[error("a file of another kind than the record says")]
    OtherMedia,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The beginning of a file of each kind.
    fn beginning(media: Media) -> &'static [u8] {
        match media {
            Media::Jpeg => b"\xff\xd8\xff\xe0",
            Media::Png => b"\x89PNG\r\n\x1a\n",
            Media::Webp => b"RIFF\x00\x00\x00\x00WEBP",
            Media::Pdf => b"%PDF-1.7",
            Media::Sealed => b"KTGS\x01",
        }
    }

    proptest! {
        #[test]
        fn a_hash_has_one_spelling(hash: [u8; 32], text in "[0-9a-fA-F+]{64}") {
            prop_assert_eq!(ContentHash(hash).to_string().parse(), Ok(ContentHash(hash)));
            if let Ok(read) = text.parse::<ContentHash>() {
                prop_assert_eq!(read.to_string(), text);
            }
        }

        #[test]
        fn a_line_gives_back_what_it_was_written_of(hash: [u8; 32], bytes: u32, kind in 1_u8..6, name in "\\PC{0,30}") {
            let content = Content { hash: ContentHash(hash), bytes, media: kind };
            let attachment = Attachment { content, name };
            prop_assert_eq!(Attachment::parse(&attachment.render()), Some(attachment));
        }

        #[test]
        fn only_the_file_that_is_meant_is_taken(
            kind in prop::sample::select(Media::ALL.to_vec()), rest: Vec<u8>, flip: prop::sample::Index,
        ) {
            let mut content = beginning(kind).to_vec();
            content.extend(rest);
            let meant = Content::of(&content).expect("a file of a known kind");
            prop_assert_eq!(meant.media, kind as u8);
            prop_assert_eq!(meant.verify(&content), Ok(()));
            let claimed = Content { media: kind as u8 % 5 + 1, ..meant };
            prop_assert_eq!(claimed.verify(&content), Err(Unfit::OtherMedia));
            let at = flip.index(content.len());
            content[at] ^= 1;
            prop_assert_eq!(meant.verify(&content), Err(Unfit::OtherContent));
        }
    }

    #[test]
    fn what_is_no_picture_and_no_paper_is_refused() {
        for content in [&b"MZ\x90\x00"[..], b"<svg xmlns=", b"<html>", b"PK\x03\x04", b""] {
            assert_eq!(Content::of(content), Err(Unfit::UnknownMedia));
        }
        let mut long = beginning(Media::Pdf).to_vec();
        long.resize(ATTACHMENT_BYTES_MAX as usize + 1, 0);
        assert_eq!(Content::of(&long), Err(Unfit::TooLong));
    }
}
