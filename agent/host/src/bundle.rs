//! Exchanges that a person carries: the request as a bundle, the reply as its answer.
//!
//! ```text
//!   office PC                                                    hub
//!   the request of an exchange, signed, sealed to the hub ─ USB ─▶ opens it, plays it as if it had come over a line
//!   opens the answer, commits it as any reply            ◀─ USB ─ the reply, sealed by the key that came in the bundle
//!
//!   bundle   KTGB 1 · key id · enc · sealed ( answer key · replica · signature · request )
//!   answer   KTGA 1 · name of the bundle · nonce · sealed ( reply )
//! ```
//!
//! - A bundle is sealed to the hub ([`crate::seal`]), so whoever finds the stick learns how much is in it and nothing else.
//!   The device signs all of it: only the hub learns who it is of.
//! - The key of the answer is drawn for one bundle and known to its PC and the hub alone: an answer that opens was made by
//!   the hub, for this bundle.

use std::fmt;

use kentongan_protocol::form::Lang;
use kentongan_protocol::ids::ReplicaId;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::digest::{SHA256, digest};

use crate::identity::{SigningKey, verify};
use crate::random::random_bytes;
use crate::seal::{KEY_ID_BYTES, Sealer, key_id};

pub use crate::seal::KEY_BYTES;

/// Longest of these files, in bytes.
pub const FILE_BYTES_MAX: usize = 6 << 20;

/// How names of files end that hold a bundle.
pub const BUNDLE_EXTENSION: &str = "ktgb";
/// And of those with an answer.
pub const ANSWER_EXTENSION: &str = "ktga";

/// What a bundle is sealed for.
pub const INFO: &[u8] = b"kentongan bundle 1";

const BUNDLE: &[u8; 4] = b"KTGB";
const ANSWER: &[u8; 4] = b"KTGA";
const VERSION: u8 = 1;
const NAME_BYTES: usize = 8;
const BUNDLE_HEAD_BYTES: usize = 5 + KEY_ID_BYTES;
const ANSWER_HEAD_BYTES: usize = 5 + NAME_BYTES;
const SIGNATURE_BYTES: usize = 64;
const TAG_BYTES: usize = 16;
/// What the device signs begins so.
const SIGNED: &[u8] = b"kentongan bundle 1 ";

/// Why a file is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is none of these files, or was cut.
    Foreign,
    /// It is a bundle, and an answer is wanted.
    IsBundle,
    /// It is an answer, and a bundle is wanted.
    IsAnswer,
    /// It is of a program that writes another version of these files.
    OtherVersion,
    /// It is sealed for another hub.
    OtherHub,
    /// It does not open: it was cut or changed.
    Changed,
    /// It is longer than such a file can be.
    TooLong,
}

impl Fault {
    /// What is wrong, for the person who carried the file.
    pub fn sentence(self, lang: Lang) -> &'static str {
        let (id, en) = match self {
            Fault::Foreign => ("ini bukan berkas kiriman Kentongan", "this is no bundle of Kentongan"),
            Fault::IsBundle => (
                "ini berkas kiriman dari kantor (.ktgb); yang dibutuhkan berkas jawaban dari pusat (.ktga)",
                "this is a bundle of an office (.ktgb); what is needed is the hub's answer (.ktga)",
            ),
            Fault::IsAnswer => (
                "ini berkas jawaban dari pusat (.ktga); yang dibutuhkan berkas kiriman dari kantor (.ktgb)",
                "this is an answer of the hub (.ktga); what is needed is the bundle of an office (.ktgb)",
            ),
            Fault::OtherVersion => {
                ("berkas ini dari versi program yang lain", "this file is of another version of the program")
            }
            Fault::OtherHub => ("berkas ini disegel untuk pusat lain", "this file is sealed for another hub"),
            Fault::Changed => (
                "berkas ini terpotong atau berubah saat disalin; salin sekali lagi",
                "this file was cut or changed while it was copied; copy it once more",
            ),
            Fault::TooLong => ("berkas ini terlalu besar", "this file is too large"),
        };
        match lang {
            Lang::Id => id,
            Lang::En => en,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence(Lang::En))
    }
}

impl std::error::Error for Fault {}

/// Which bundle an answer is for: the beginning of its SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(pub [u8; NAME_BYTES]);

impl Name {
    /// Of a whole bundle.
    pub fn of(bundle: &[u8]) -> Name {
        let mut name = [0; NAME_BYTES];
        name.iter_mut().zip(digest(&SHA256, bundle).as_ref()).for_each(|(place, byte)| *place = *byte);
        Name(name)
    }
}

impl fmt::Display for Name {
    /// The first half of it in hexadecimal digits: enough to tell files apart.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(NAME_BYTES / 2).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What an answer is sealed by, drawn for one bundle.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AnswerKey(pub [u8; KEY_BYTES]);

impl fmt::Debug for AnswerKey {
    /// Shows nothing of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnswerKey")
    }
}

/// A bundle that was made.
#[derive(Debug)]
pub struct Sealed {
    /// The file.
    pub file: Vec<u8>,
    /// What its answer will say that it is for.
    pub name: Name,
    /// What its answer will open by.
    pub answer_key: AnswerKey,
}

/// Signs the request of an exchange and seals it to the hub whose key this is; `None` if that is no key, or if the request
/// is longer than a bundle can be.
pub fn seal(request: &[u8], replica: ReplicaId, device: &SigningKey, hub: &[u8; KEY_BYTES]) -> Option<Sealed> {
    let answer_key = AnswerKey(random_bytes());
    let (sealer, head) = (Sealer::to(INFO, hub)?, bundle_head(hub));
    let enc = sealer.enc;
    let signature = device.sign(&signed(&head, &enc, answer_key, replica, request));
    let sealed = sealer.seal([&answer_key.0[..], &replica.to_bytes(), &signature, request].concat(), &head)?;
    let file = [&head[..], &enc, &sealed].concat();
    let name = Name::of(&file);
    (file.len() <= FILE_BYTES_MAX).then_some(Sealed { file, name, answer_key })
}

/// A bundle as it lies in a file.
#[derive(Debug, Clone, Copy)]
pub struct Bundle<'a> {
    /// What the seal covers but does not hide.
    pub head: [u8; BUNDLE_HEAD_BYTES],
    /// What the hub finds the key by that it was sealed with.
    pub enc: [u8; KEY_BYTES],
    /// The rest.
    pub sealed: &'a [u8],
}

/// What a bundle holds.
#[derive(Debug)]
pub struct Opened<'a> {
    /// Seals the answer.
    pub answer_key: AnswerKey,
    /// Who says to have made it; believe it when [`Opened::is_signed_by`] its key.
    pub replica: ReplicaId,
    /// The request of the exchange.
    pub request: &'a [u8],
    signature: [u8; SIGNATURE_BYTES],
    head: [u8; BUNDLE_HEAD_BYTES],
    enc: [u8; KEY_BYTES],
}

impl<'a> Bundle<'a> {
    /// The bundle in a file that is for the hub with this key.
    ///
    /// # Errors
    /// Why there is none.
    pub fn read(file: &'a [u8], hub: &[u8; KEY_BYTES]) -> Result<Bundle<'a>, Fault> {
        if file.len() > FILE_BYTES_MAX {
            return Err(Fault::TooLong);
        }
        named(file, BUNDLE, Fault::IsAnswer)?;
        let (head, rest) = file.split_first_chunk::<BUNDLE_HEAD_BYTES>().ok_or(Fault::Changed)?;
        if *head != bundle_head(hub) {
            return Err(Fault::OtherHub);
        }
        let (enc, sealed) = rest.split_first_chunk::<KEY_BYTES>().ok_or(Fault::Changed)?;
        Ok(Bundle { head: *head, enc: *enc, sealed })
    }

    /// What it holds, given what lay under the seal.
    ///
    /// # Errors
    /// [`Fault::Changed`] if it is too short.
    pub fn opened<'b>(&self, open: &'b [u8]) -> Result<Opened<'b>, Fault> {
        let (answer_key, rest) = open.split_first_chunk().ok_or(Fault::Changed)?;
        let (replica, rest) = rest.split_first_chunk().ok_or(Fault::Changed)?;
        let (signature, request) = rest.split_first_chunk().ok_or(Fault::Changed)?;
        Ok(Opened {
            answer_key: AnswerKey(*answer_key),
            replica: ReplicaId::from_bytes(*replica),
            request,
            signature: *signature,
            head: self.head,
            enc: self.enc,
        })
    }
}

impl Opened<'_> {
    /// Whether the device with this key made all of it.
    pub fn is_signed_by(&self, device: &[u8; KEY_BYTES]) -> bool {
        let message = signed(&self.head, &self.enc, self.answer_key, self.replica, self.request);
        verify(device, &message, &self.signature)
    }
}

/// The file of an answer to the bundle of this name.
pub fn answer(reply: &[u8], name: Name, key: AnswerKey) -> Vec<u8> {
    let (head, nonce) = (answer_head(name), random_bytes::<NONCE_LEN>());
    let mut sealed = reply.to_vec();
    symmetric(key)
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(head), &mut sealed)
        .expect("a reply is shorter than the cipher's limit of 256 GiB");
    [&head[..], &nonce, &sealed].concat()
}

/// For which bundle an answer is.
///
/// # Errors
/// Why the file is none.
pub fn answered(file: &[u8]) -> Result<Name, Fault> {
    if file.len() > FILE_BYTES_MAX {
        return Err(Fault::TooLong);
    }
    named(file, ANSWER, Fault::IsBundle)?;
    let name = file.get(5..ANSWER_HEAD_BYTES).and_then(|bytes| bytes.try_into().ok());
    name.map(Name).ok_or(Fault::Changed)
}

/// The reply in an answer to a bundle of this PC.
///
/// # Errors
/// [`Fault::Changed`] if it does not open.
pub fn reply(file: &[u8], key: AnswerKey) -> Result<Vec<u8>, Fault> {
    let name = answered(file)?;
    let rest = file.get(ANSWER_HEAD_BYTES..).unwrap_or_default();
    let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>().ok_or(Fault::Changed)?;
    let (nonce, mut open) = (Nonce::assume_unique_for_key(*nonce), sealed.to_vec());
    symmetric(key).open_in_place(nonce, Aad::from(answer_head(name)), &mut open).map_err(|_| Fault::Changed)?;
    open.truncate(sealed.len().saturating_sub(TAG_BYTES));
    Ok(open)
}

/// Whether a file that begins so says to be one of these.
pub fn is_carried(begins: &[u8]) -> bool {
    begins.starts_with(BUNDLE) || begins.starts_with(ANSWER)
}

/// Whether the file is of this kind and version.
fn named(file: &[u8], wanted: &[u8; 4], other: Fault) -> Result<(), Fault> {
    let (magic, rest) = file.split_first_chunk::<4>().ok_or(Fault::Foreign)?;
    match (magic, rest.first()) {
        (BUNDLE | ANSWER, Some(&VERSION)) if magic == wanted => Ok(()),
        (BUNDLE | ANSWER, Some(&VERSION)) => Err(other),
        (BUNDLE | ANSWER, Some(_)) => Err(Fault::OtherVersion),
        (BUNDLE | ANSWER, None) => Err(Fault::Changed),
        _ => Err(Fault::Foreign),
    }
}

fn bundle_head(hub: &[u8; KEY_BYTES]) -> [u8; BUNDLE_HEAD_BYTES] {
    let mut head = [VERSION; BUNDLE_HEAD_BYTES];
    let id = key_id(hub);
    let bytes = BUNDLE.iter().chain(&[VERSION]).chain(&id);
    head.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
    head
}

fn answer_head(Name(name): Name) -> [u8; ANSWER_HEAD_BYTES] {
    let mut head = [VERSION; ANSWER_HEAD_BYTES];
    let bytes = ANSWER.iter().chain(&[VERSION]).chain(&name);
    head.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
    head
}

fn signed(
    head: &[u8; BUNDLE_HEAD_BYTES],
    enc: &[u8; KEY_BYTES],
    AnswerKey(answer_key): AnswerKey,
    replica: ReplicaId,
    request: &[u8],
) -> Vec<u8> {
    [SIGNED, head, enc, &answer_key, &replica.to_bytes(), request].concat()
}

fn symmetric(AnswerKey(key): AnswerKey) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &key).expect("a key of 32 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: Name = Name([7; NAME_BYTES]);
    const KEY: AnswerKey = AnswerKey([9; KEY_BYTES]);

    #[test]
    fn an_answer_opens_by_the_key_of_its_bundle_alone_and_only_whole() {
        let file = answer(b"jawaban", NAME, KEY);
        assert_eq!((answered(&file), reply(&file, KEY)), (Ok(NAME), Ok(b"jawaban".to_vec())));
        assert_eq!(reply(&file, AnswerKey([8; KEY_BYTES])), Err(Fault::Changed));
        for place in 0..file.len() {
            let mut changed = file.clone();
            changed[place] ^= 1;
            assert!(reply(&changed, KEY).is_err(), "byte {place}");
            assert!(reply(&file[..place], KEY).is_err(), "the first {place} bytes");
        }
    }

    #[test]
    fn the_same_reply_is_sealed_anew_each_time() {
        assert_ne!(answer(b"jawaban", NAME, KEY), answer(b"jawaban", NAME, KEY));
    }

    #[test]
    fn what_is_no_such_file_is_told_apart() {
        let device = SigningKey::generate().expect("key");
        let hub = X25519_BASE;
        let bundle = seal(b"", ReplicaId(1), &device, &hub).expect("sealed").file;
        let of_later = [&bundle[..4], &[2], &bundle[5..]].concat();
        assert_eq!(Bundle::read(&answer(b"", NAME, KEY), &hub).err(), Some(Fault::IsAnswer));
        assert_eq!(answered(&bundle), Err(Fault::IsBundle));
        assert_eq!(answered(&of_later), Err(Fault::OtherVersion));
        assert_eq!(answered(b"PK\x03\x04"), Err(Fault::Foreign));
        assert_eq!(answered(b""), Err(Fault::Foreign));
        assert_eq!(answered(&bundle[..4]), Err(Fault::Changed));
        assert_eq!(answered(&vec![0; FILE_BYTES_MAX + 1]), Err(Fault::TooLong));
    }

    #[test]
    fn what_is_no_key_seals_nothing() {
        let device = SigningKey::generate().expect("key");
        assert!(seal(b"", ReplicaId(1), &device, &[0; KEY_BYTES]).is_none(), "a point of low order");
        assert!(seal(&vec![0; FILE_BYTES_MAX], ReplicaId(1), &device, &X25519_BASE).is_none(), "too long");
    }

    /// Any point will do where nobody opens.
    const X25519_BASE: [u8; KEY_BYTES] = {
        let mut base = [0; KEY_BYTES];
        base[0] = 9;
        base
    };
}
