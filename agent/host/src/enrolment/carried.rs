//! Joining where no line leads to the hub: the two messages of [`super`] as files, which a person carries.
//!
//! ```text
//!   office PC                                          hub
//!   request: the code's secret, csr, host  ── USB ──▶  five words, where the code asks for them
//!   root matches the code? all signed by it? ◀─ USB ── answer: certificate, name, prefix
//! ```
//!
//! - A request holds the secret of a code: until it is answered, whoever takes it can use it as they could the sheet on
//!   which the code stands. Afterwards the code serves this key alone.
//! - An answer holds nothing that is secret, and certifies a key that never left the PC: whoever takes it has nothing. What
//!   challenges are answered with ([`crate::recovery`]) is therefore left out; the PC asks for it at its first contact.
//! - No connection vouches for an answer, so the root signs all of it, with a text before it that begins nothing else which
//!   the root signs.

use kentongan_protocol::form::Lang;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{EnrolAnswer, EnrolCode, EnrolRequest, MESSAGE_BYTES_MAX, from_hex, to_hex};
use crate::certificate;
use crate::identity::verify;

/// Longest of these files, in bytes: a message and its frame.
pub const FILE_BYTES_MAX: usize = 2 * MESSAGE_BYTES_MAX;

const REQUEST: &str = "kentongan.enrol.request/1";
const ANSWER: &str = "kentongan.enrol.answer/1";
/// What is signed begins so.
const SIGNED: &[u8] = b"kentongan enrolment answer 1 ";

/// Why a file is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is none of these files, or was cut.
    Foreign,
    /// It is a request, and an answer is wanted.
    IsRequest,
    /// It is an answer, and a request is wanted.
    IsAnswer,
    /// It is of a program that writes another version of these files.
    OtherVersion,
    /// The answer is not of the hub that gave the code.
    OtherHub,
    /// Somebody changed the answer.
    Changed,
}

impl Fault {
    /// What is wrong, for the person who carried the file.
    pub fn sentence(self, lang: Lang) -> &'static str {
        let (id, en) = match self {
            Fault::Foreign => (
                "ini bukan berkas pendaftaran, atau terpotong saat disalin",
                "this is no enrolment file, or it was cut while it was copied",
            ),
            Fault::IsRequest => (
                "ini berkas permintaan; yang dibutuhkan berkas jawaban dari pusat",
                "this is the request; what is needed is the hub's answer",
            ),
            Fault::IsAnswer => (
                "ini berkas jawaban; yang dibutuhkan berkas permintaan dari kantor",
                "this is the answer; what is needed is the office's request",
            ),
            Fault::OtherVersion => {
                ("berkas ini dari versi program yang lain", "this file is of another version of the program")
            }
            Fault::OtherHub => {
                ("jawaban ini bukan dari pusat yang memberi kode", "this answer is not of the hub that gave the code")
            }
            Fault::Changed => ("jawaban ini sudah diubah orang", "somebody has changed this answer"),
        };
        match lang {
            Lang::Id => id,
            Lang::En => en,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct RequestFile {
    schema: String,
    #[serde(flatten)]
    request: EnrolRequest,
}

#[derive(Serialize, Deserialize)]
struct AnswerFile {
    schema: String,
    /// An [`EnrolAnswer`], as the text that is signed: read anew it could be written in another way.
    answer: String,
    /// 64 bytes in hexadecimal digits.
    signature: String,
}

/// The file of a request.
pub fn request_file(request: &EnrolRequest) -> String {
    written(&RequestFile { schema: REQUEST.to_owned(), request: request.clone() })
}

/// The request in a file.
///
/// # Errors
/// Why there is none.
pub fn read_request(bytes: &[u8]) -> Result<EnrolRequest, Fault> {
    match named(bytes)? {
        (REQUEST, document) => Ok(parsed::<RequestFile>(document)?.request),
        (ANSWER, _) => Err(Fault::IsAnswer),
        _ => Err(Fault::OtherVersion),
    }
}

/// The file of an answer; `sign` signs with the key of the root.
pub fn answer_file(answer: &EnrolAnswer, sign: impl FnOnce(&[u8]) -> [u8; 64]) -> String {
    let carried = EnrolAnswer { recovery_key: None, ..answer.clone() };
    let answer = serde_json::to_string(&carried).unwrap_or_default();
    let signature = to_hex(&sign(&signed(&answer)));
    written(&AnswerFile { schema: ANSWER.to_owned(), answer, signature })
}

/// The answer in a file, if it is all of it by the hub that gave `code`. For which key it is has still to be looked at.
///
/// # Errors
/// Why there is none.
pub fn read_answer(bytes: &[u8], code: &EnrolCode) -> Result<EnrolAnswer, Fault> {
    let file = match named(bytes)? {
        (ANSWER, document) => parsed::<AnswerFile>(document)?,
        (REQUEST, _) => return Err(Fault::IsRequest),
        _ => return Err(Fault::OtherVersion),
    };
    let answer: EnrolAnswer = serde_json::from_str(&file.answer).map_err(|_| Fault::Foreign)?;
    let root = certificate::from_pem(answer.root_pem.as_bytes()).ok_or(Fault::Foreign)?;
    if !code.matches_root(&root) {
        return Err(Fault::OtherHub);
    }
    let root_key = certificate::facts(&root).and_then(|facts| facts.public_key).ok_or(Fault::Foreign)?;
    let signature = from_hex(&file.signature).and_then(|bytes| bytes.try_into().ok()).ok_or(Fault::Foreign)?;
    match verify(&root_key, &signed(&file.answer), &signature) {
        true => Ok(answer),
        false => Err(Fault::Changed),
    }
}

fn signed(answer: &str) -> Vec<u8> {
    [SIGNED, answer.as_bytes()].concat()
}

fn written(file: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(file).unwrap_or_default();
    text.push('\n');
    text
}

/// Which file it is: its name and version, and the document. Editors and messengers may put a mark before it.
fn named(bytes: &[u8]) -> Result<(&'static str, Value), Fault> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.len() > FILE_BYTES_MAX {
        return Err(Fault::Foreign);
    }
    let document: Value = serde_json::from_slice(bytes).map_err(|_| Fault::Foreign)?;
    let schema = document.get("schema").and_then(Value::as_str).unwrap_or_default();
    match [REQUEST, ANSWER].into_iter().find(|known| *known == schema) {
        Some(known) => Ok((known, document)),
        None if schema.starts_with("kentongan.enrol.") => Err(Fault::OtherVersion),
        None => Err(Fault::Foreign),
    }
}

fn parsed<T: DeserializeOwned>(document: Value) -> Result<T, Fault> {
    serde_json::from_value(document).map_err(|_| Fault::Foreign)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::SigningKey;

    /// A hub: the key of its root, and the root as an office pins it.
    fn hub() -> (SigningKey, Vec<u8>) {
        let key = SigningKey::generate().expect("a key");
        let root = rcgen::CertificateParams::default().self_signed(&key).expect("a root");
        (key, root.der().to_vec())
    }

    fn request() -> EnrolRequest {
        EnrolRequest {
            secret: "ABCDEFGHJ".into(),
            csr: "00ff".into(),
            host: "DESA-PC01".into(),
            program: "kentongan-agent 0.1.0".into(),
        }
    }

    fn answer(root: &[u8]) -> EnrolAnswer {
        EnrolAnswer {
            replica: "00112233aabbccdd".into(),
            office: "32.73.05.1001".into(),
            office_name: "Kelurahan Contoh".into(),
            prefix: "7K3M".into(),
            certificate_pem: "sertifikat".into(),
            root_pem: certificate::to_pem(root),
            hub_replica: "ffeeddccbbaa9988".into(),
            hub_ms: 1_795_000_000_000,
            recovery_key: Some("00".repeat(32)),
            sealing_key: Some(to_hex(&[9; 32])),
        }
    }

    #[test]
    fn a_request_comes_back_from_its_file() {
        let file = request_file(&request());
        assert_eq!(read_request(file.as_bytes()), Ok(request()));
        assert_eq!(read_request(format!("\u{feff}{file}").as_bytes()), Ok(request()), "saved by an editor");
    }

    #[test]
    fn an_answer_comes_back_without_what_a_thief_could_use() {
        let (key, root) = hub();
        let whole = answer(&root);
        let file = answer_file(&whole, |bytes| key.sign(bytes));
        let read = read_answer(file.as_bytes(), &EnrolCode::draw(&root)).expect("an answer");
        assert_eq!(read, EnrolAnswer { recovery_key: None, ..whole });
        assert!(!file.contains(&"00".repeat(32)));
    }

    #[test]
    fn an_answer_that_somebody_changed_or_made_up_is_none() {
        let (key, root) = hub();
        let code = EnrolCode::draw(&root);
        let file = answer_file(&answer(&root), |bytes| key.sign(bytes));
        let elsewhere = file.replace("32.73.05.1001", "32.73.05.1002");
        assert_eq!(read_answer(elsewhere.as_bytes(), &code), Err(Fault::Changed));
        let (stranger, other_root) = hub();
        let by_stranger = answer_file(&answer(&root), |bytes| stranger.sign(bytes));
        assert_eq!(read_answer(by_stranger.as_bytes(), &code), Err(Fault::Changed));
        let of_stranger = answer_file(&answer(&other_root), |bytes| stranger.sign(bytes));
        assert_eq!(read_answer(of_stranger.as_bytes(), &code), Err(Fault::OtherHub));
    }

    #[test]
    fn a_file_of_another_kind_is_called_what_it_is() {
        let (key, root) = hub();
        let (code, asked) = (EnrolCode::draw(&root), request_file(&request()));
        let answered = answer_file(&answer(&root), |bytes| key.sign(bytes));
        assert_eq!(read_answer(asked.as_bytes(), &code), Err(Fault::IsRequest));
        assert_eq!(read_request(answered.as_bytes()), Err(Fault::IsAnswer));
        assert_eq!(read_request(asked.replace("request/1", "request/2").as_bytes()), Err(Fault::OtherVersion));
        let long = " ".repeat(FILE_BYTES_MAX + 1);
        for foreign in [&b"PK\x03\x04"[..], b"", b"[]", b"{\"schema\":\"kentongan.enrol.request/1\"}", long.as_bytes()]
        {
            assert_eq!(read_request(foreign), Err(Fault::Foreign));
        }
        assert_eq!(read_answer(&answered.as_bytes()[..answered.len() / 2], &code), Err(Fault::Foreign));
    }
}
