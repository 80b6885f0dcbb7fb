//! What happened: the audit log and the journal of exchanges.

use kentongan_protocol::ids::ReplicaId;
use kentongan_protocol::log::ChainHash;
use kentongan_protocol::wire::codec;

/// Something to be written into the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// When, milliseconds since 1970.
    pub at_ms: i64,
    /// Who did it: a person, `hub`, or a replica.
    pub actor: String,
    /// Stable dotted code of what happened, e.g. `complaint.forwarded`.
    pub event: String,
    /// What it happened to: an id or code.
    pub subject: String,
    /// More about it, as one JSON object.
    pub detail: String,
}

/// A line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its number, from 1, without gaps.
    pub number: u64,
    /// What happened.
    pub event: AuditEvent,
    /// Hash over the line before it and this one; see [`AuditEntry::hash_after`].
    pub hash: [u8; 32],
}

impl AuditEntry {
    /// What `hash` must be if the line before has the hash `before` (zeros for the first line).
    pub fn hash_after(before: &[u8; 32], number: u64, event: &AuditEvent) -> [u8; 32] {
        let said = (event.at_ms, event.actor.as_str(), event.event.as_str(), event.subject.as_str());
        ChainHash(*before).then(&codec::encode(&(number, said, event.detail.as_str()))).0
    }
}

/// Which lines of the audit log are meant; what is `None` lets all through.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditFilter {
    /// By this person, program or replica.
    pub actor: Option<String>,
    /// Of this code.
    pub event: Option<String>,
    /// About this id or code.
    pub subject: Option<String>,
    /// At this time or later, milliseconds since 1970.
    pub from_ms: Option<i64>,
    /// Before this time, milliseconds since 1970.
    pub until_ms: Option<i64>,
}

/// How an exchange went, for the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExchangeNote {
    /// Who spoke.
    pub replica: ReplicaId,
    /// When it began, milliseconds since 1970.
    pub started_ms: i64,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// How it ended: `ok`, `cut`, `refused` or another stable word.
    pub outcome: String,
    /// Bytes of the request.
    pub bytes_in: u64,
    /// Bytes of the reply.
    pub bytes_out: u64,
    /// Ops newly stored.
    pub ops_in: u64,
    /// Ops given: fed and given back.
    pub ops_out: u64,
}

/// Exchanges that the journal keeps of each replica.
pub const JOURNAL_ROWS_MAX: usize = 50;
