//! Joining where no line leads to the hub ([`kentongan_host::enrolment::carried`]).
//!
//! ```text
//!   enrol --offline-request FILE   key made, hub and code kept ──▶ the request, five words
//!   enrol --offline-answer FILE    root as the code says? for our key? ──▶ joined; hub and code erased
//! ```
//!
//! The request can be made again and again, with the same code or another: what was kept last is what the answer is judged
//! by. An answer that is of no use changes nothing.

use std::fs;
use std::io;

use kentongan_host::data_dir::DataDir;
use kentongan_host::enrolment::carried::{Fault, read_answer, request_file};
use kentongan_host::fail::Failure;
use kentongan_host::files::{self, Access};
use kentongan_host::ktg::Ktg;
use kentongan_host::options::quoted;
use kentongan_host::spoken::five_words;
use kentongan_protocol::form::Lang;

use super::{EnrolFile, Joined, keep, made_key, parse_code, request_of};

/// A request to be carried to the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// The key of this PC, as its five words.
    pub words: String,
    /// The file, as text.
    pub file: String,
}

/// Makes the request for the hub at `hub`.
///
/// # Errors
/// If the code is mistyped, or key or code cannot be kept.
pub fn request(dir: &DataDir, hub: &str, code: &str, lang: Lang) -> Result<Carried, Failure> {
    let code = parse_code(code, lang)?;
    let key = made_key(dir)?;
    let kept = format!("hub = {}\ncode = {}\n", quoted(hub), quoted(&code.to_string()));
    files::replace(&dir.asked_enrolment(), kept.as_bytes(), Access::Private).map_err(anyhow::Error::new)?;
    Ok(Carried { words: five_words(&key.public_key()), file: request_file(&request_of(&code, &key)?) })
}

/// Joins by the answer to the last request.
///
/// # Errors
/// If nothing was requested, or if the answer is not of the hub that gave the code, or for another PC.
pub fn join(dir: &DataDir, answer: &str, lang: Lang) -> Result<Joined, Failure> {
    let asked = dir.asked_enrolment();
    if !asked.exists() {
        return Err(not_asked());
    }
    let (hub, code) = EnrolFile::open(&asked)?.complete(&asked)?;
    let code = parse_code(&code, lang)?;
    let answer = read_answer(answer.as_bytes(), &code).map_err(|fault| match fault {
        Fault::OtherHub => Failure::of(Ktg::WrongCertificate).with_detail(fault.sentence(lang)),
        Fault::Changed => Failure::of(Ktg::NotTheHub).with_detail(fault.sentence(lang)),
        _ => Failure::usage(fault.sentence(Lang::Id), fault.sentence(Lang::En)),
    })?;
    let key = made_key(dir)?;
    if !super::certifies(&answer.certificate_pem, &key.public_key()) {
        return Err(Failure::usage(
            "Jawaban ini untuk PC lain, atau untuk kunci lama PC ini.",
            "This answer is for another PC, or for an old key of this one.",
        )
        .with_hint(
            "Bawa jawaban atas permintaan terakhir dari PC ini.",
            "Carry the answer to the last request of this PC.",
        ));
    }
    keep(dir, &key, &answer, &hub)
}

/// Forgets hub and code, once the PC belongs to the hub.
pub(crate) fn forget(dir: &DataDir) {
    let asked = dir.asked_enrolment();
    match fs::remove_file(&asked).and_then(|()| files::sync_parent(&asked)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(ev = "enrol.file_stays", %error, "the used code cannot be erased");
        }
        _ => {}
    }
}

fn not_asked() -> Failure {
    Failure::usage("PC ini belum membuat permintaan.", "This PC has made no request.").with_hint(
        "kentongan-agent enrol --hub URL --code KODE --offline-request FILE",
        "kentongan-agent enrol --hub URL --code CODE --offline-request FILE",
    )
}
