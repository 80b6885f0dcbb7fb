//! The few events that administrators see without knowing our log file: start, stop, failure, and what needs a person.

use std::sync::{Mutex, OnceLock, PoisonError};

use kentongan_windows::event_log::{Kind, Source};
use serde_json::Value;

use crate::fail::Failure;
use crate::ktg::Ktg;
use crate::output::{pick, process_lang};

/// Numbers of entries without a code; those with one have the code's, such as 105.
const STARTED: u32 = 1;
const STOPPED: u32 = 2;
const FAILED: u32 = 3;
const NEEDS_A_PERSON: u32 = 4;

/// Codes that matter here although the program goes on by itself.
const NOTABLE: [Ktg; 3] = [Ktg::Revoked, Ktg::StoreRepaired, Ktg::NoSpace];

static LOG: OnceLock<Source> = OnceLock::new();
/// The kind of the last entry: what repeats itself every few minutes is one entry.
static LAST: Mutex<String> = Mutex::new(String::new());

/// Opens the log for the service of this name. That it cannot is no reason not to work.
pub(super) fn open(name: &str) {
    if let Ok(source) = Source::open(name) {
        let _ = LOG.set(source);
    }
}

pub(super) fn started() {
    let version = env!("CARGO_PKG_VERSION");
    write(Kind::Information, STARTED, &said("Layanan jalan, versi", "The service runs, version", version));
}

pub(super) fn stopped() {
    write(Kind::Information, STOPPED, pick(process_lang(), "Layanan berhenti.", "The service has stopped."));
}

pub(super) fn failed(failure: &Failure) {
    let lang = process_lang();
    let next = failure.next_step(lang).unwrap_or_default();
    write(Kind::Error, number(failure.ktg, FAILED), &format!("{}\r\n{next}", failure.sentence(lang)));
}

/// Takes over a line of the log if it is one for administrators.
pub(super) fn logged(line: &Value) {
    let text = |name: &str| line.get(name).and_then(Value::as_str).unwrap_or_default();
    let code = text("code").parse::<Ktg>().ok();
    let error = text("lvl") == "error";
    // How a service failed is written by `failed`, with what to do.
    if text("ev") == "service.failed" || !(error || code.is_some_and(|code| NOTABLE.contains(&code))) {
        return;
    }
    let kind = format!("{} {}", text("ev"), text("code"));
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if *last == kind {
        return;
    }
    let lang = process_lang();
    let sentence =
        code.map_or_else(String::new, |code| format!("{}\r\n{}\r\n", code.sentence(lang), code.next_step(lang)));
    write(
        if error { Kind::Error } else { Kind::Warning },
        number(code, NEEDS_A_PERSON),
        &format!("{sentence}{}: {}", text("ev"), text("msg")),
    );
    *last = kind;
}

fn said(id: &str, en: &str, what: &str) -> String {
    format!("{} {what}.", pick(process_lang(), id, en))
}

fn number(ktg: Option<Ktg>, otherwise: u32) -> u32 {
    ktg.map_or(otherwise, |ktg| ktg.number().into())
}

fn write(kind: Kind, id: u32, text: &str) {
    if let Some(log) = LOG.get() {
        // The line stands in our own log file as well.
        let _ = log.report(kind, id, text);
    }
}
