//! The audit log: who did what, in a chain of hashes that shows when a line was changed or taken out.

use kentongan_host::enrolment::to_hex;
use kentongan_host::{Failure, moment};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Desk;
use crate::engine::Hub;
use crate::store::{AuditEntry, Page, Reference, StoreError, Tx};

/// What can be asked of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// The last lines, the newest first.
    List {
        /// At most this many.
        limit: u32,
    },
    /// Lines after a number, the oldest first: a page of the whole log.
    Page {
        /// After this number.
        after: u64,
    },
    /// Whether the chain is whole.
    Verify,
}

/// The answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To [`Request::List`] and [`Request::Page`].
    Lines(Lines),
    /// To [`Request::Verify`].
    Verified(Verified),
}

/// Lines of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lines {
    /// The lines.
    pub entries: Vec<Line>,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Its number.
    pub number: u64,
    /// When.
    #[serde(with = "moment")]
    pub at: i64,
    /// Who.
    pub actor: String,
    /// What happened; a stable dotted code.
    pub event: String,
    /// To what.
    pub subject: String,
    /// More about it.
    pub detail: Value,
    /// Hash over this line and the one before, in hexadecimal digits.
    pub hash: String,
}

impl From<&AuditEntry> for Line {
    fn from(entry: &AuditEntry) -> Line {
        let event = &entry.event;
        Line {
            number: entry.number,
            at: event.at_ms,
            actor: event.actor.clone(),
            event: event.event.clone(),
            subject: event.subject.clone(),
            detail: serde_json::from_str(&event.detail).unwrap_or_else(|_| Value::String(event.detail.clone())),
            hash: to_hex(&entry.hash),
        }
    }
}

/// Whether the chain is whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// Whether every line follows from the one before.
    pub whole: bool,
    /// Lines that were checked.
    pub entries: u64,
    /// Number of the first line that does not follow.
    pub broken_at: Option<u64>,
    /// Hash of the last good line, in hexadecimal digits: to be kept elsewhere.
    pub hash: String,
}

/// Lines read at once.
const PAGE: usize = 1_000;

/// Answers a request about the audit log.
///
/// # Errors
/// A failure of the store.
pub fn execute(tx: &mut dyn Tx, desk: &Desk, request: &Request) -> Result<Answer, Failure> {
    let (page, limit) = match request {
        Request::List { limit } => (Page::Before(u64::MAX), (*limit as usize).min(10_000)),
        Request::Page { after } => (Page::After(*after), PAGE),
        Request::Verify => {
            let verified = verify(tx)?;
            note_verified(tx, &desk.actor, desk.now_ms, &verified)?;
            return Ok(Answer::Verified(verified));
        }
    };
    let entries = tx.audit_log(page, limit)?.iter().map(Line::from).collect();
    Ok(Answer::Lines(Lines { entries }))
}

/// Checks the whole chain.
///
/// # Errors
/// A failure of the store.
pub fn verify(tx: &mut dyn Tx) -> Result<Verified, Failure> {
    let mut check = Check::default();
    loop {
        if let Some(verified) = check.next_page(tx)? {
            return Ok(verified);
        }
    }
}

/// A check under way, page by page: between two pages the store may do other work.
#[derive(Debug, Default)]
pub struct Check {
    hash: [u8; 32],
    number: u64,
}

impl Check {
    /// Checks the next page; gives the outcome after the last one.
    ///
    /// # Errors
    /// A failure of the store.
    pub fn next_page(&mut self, tx: &mut dyn Tx) -> Result<Option<Verified>, StoreError> {
        let page = tx.audit_log(Page::After(self.number), PAGE)?;
        if page.is_empty() {
            return Ok(Some(self.outcome(None)));
        }
        for entry in page {
            let next = self.number + 1;
            if entry.number != next || entry.hash != AuditEntry::hash_after(&self.hash, next, &entry.event) {
                return Ok(Some(self.outcome(Some(next))));
            }
            (self.hash, self.number) = (entry.hash, entry.number);
        }
        Ok(None)
    }

    fn outcome(&self, broken_at: Option<u64>) -> Verified {
        Verified { whole: broken_at.is_none(), entries: self.number, broken_at, hash: to_hex(&self.hash) }
    }
}

/// What stands before what is signed.
const SEALED: &[u8] = b"kentongan audit export 1 ";

/// The last line of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// A JSON object and a line feed.
    pub line: String,
}

/// Signs a copy of the log, `entries` lines of JSON. Whoever keeps the copy can prove later that it came from this hub,
/// line for line: the signature is over the SHA-256 of everything before it.
pub fn sealed(hub: &Hub, copy: &[u8], entries: u64) -> Seal {
    let sum = Sha256::digest(copy);
    let signature = hub.sign(&[SEALED, &sum[..]].concat());
    let line = json!({
        "schema": "kentongan.audit.seal/1",
        "entries": entries,
        "sha256": to_hex(&sum),
        "public_key": to_hex(&hub.public_key()),
        "signature": to_hex(&signature),
    });
    Seal { line: format!("{line}\n") }
}

/// Name under which the last check is kept.
const LAST_CHECK: &str = "audit.verified";

/// The last check of the whole chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastCheck {
    /// When, milliseconds since 1970.
    pub at_ms: i64,
    /// Whether it found the chain whole.
    pub whole: bool,
}

/// What the last check found; `None`: there was none.
///
/// # Errors
/// A failure of the store.
pub fn last_verified(tx: &mut dyn Tx) -> Result<Option<LastCheck>, StoreError> {
    let kept = tx.reference(LAST_CHECK)?;
    Ok(kept.map(|kept| LastCheck { at_ms: kept.at_ms, whole: kept.text == "whole" }))
}

/// Keeps what a check of the whole chain found.
///
/// # Errors
/// A failure of the store.
pub fn note_verified(tx: &mut dyn Tx, actor: &str, at_ms: i64, verified: &Verified) -> Result<(), StoreError> {
    let text = if verified.whole { "whole" } else { "broken" };
    let (name, text, actor) = (LAST_CHECK.to_owned(), text.to_owned(), actor.to_owned());
    tx.put_reference(&Reference { name, text, at_ms, actor })
}
