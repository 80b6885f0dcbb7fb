//! The audit log: who did what, in a chain of hashes that shows when a line was changed or taken out.

use kentongan_host::enrolment::to_hex;
use kentongan_host::{Failure, moment};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::store::{AuditEntry, Page, Tx};

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
pub fn execute(tx: &mut dyn Tx, request: &Request) -> Result<Answer, Failure> {
    let (page, limit) = match request {
        Request::List { limit } => (Page::Before(u64::MAX), (*limit as usize).min(10_000)),
        Request::Page { after } => (Page::After(*after), PAGE),
        Request::Verify => return Ok(Answer::Verified(verify(tx)?)),
    };
    let entries = tx.audit_log(page, limit)?.iter().map(Line::from).collect();
    Ok(Answer::Lines(Lines { entries }))
}

/// Checks the whole chain.
///
/// # Errors
/// A failure of the store.
pub fn verify(tx: &mut dyn Tx) -> Result<Verified, Failure> {
    let (mut hash, mut number) = ([0; 32], 0);
    loop {
        let page = tx.audit_log(Page::After(number), PAGE)?;
        if page.is_empty() {
            return Ok(Verified { whole: true, entries: number, broken_at: None, hash: to_hex(&hash) });
        }
        for entry in page {
            let follows = AuditEntry::hash_after(&hash, number + 1, &entry.event);
            if entry.number != number + 1 || entry.hash != follows {
                let broken_at = Some(number + 1);
                return Ok(Verified { whole: false, entries: number, broken_at, hash: to_hex(&hash) });
            }
            (hash, number) = (entry.hash, entry.number);
        }
    }
}
