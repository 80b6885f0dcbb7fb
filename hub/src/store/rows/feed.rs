//! What goes down to offices.

use kentongan_protocol::ids::{OpId, ReplicaId};
use kentongan_protocol::wire::v1::VerdictFrame;

/// What is put into the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedItem {
    /// An op. Its writer does not read it back.
    Op {
        /// The op.
        id: OpId,
        /// Who wrote it.
        writer: ReplicaId,
    },
    /// What the hub says of an op. Its writer does read it.
    Verdict {
        /// The op.
        id: OpId,
        /// The judgement.
        verdict: VerdictFrame,
    },
}

/// An entry read from the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedRow {
    /// An op and its bytes.
    Op {
        /// Number of the entry.
        number: u64,
        /// The op.
        id: OpId,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// What the hub says of an op.
    Verdict {
        /// Number of the entry.
        number: u64,
        /// The op.
        id: OpId,
        /// The judgement.
        verdict: VerdictFrame,
    },
}

/// How much of the feed to read at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedLimit {
    /// Entries given, at most.
    pub entries_max: usize,
    /// Stop after this many bytes of ops and verdicts; at least one entry is given.
    pub bytes_aim: usize,
    /// Entries looked at, at most: those of the reader itself are passed over, but passing takes time too.
    pub scanned_max: usize,
}

/// A piece of a topic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeedSlice {
    /// The entries, by number ascending.
    pub rows: Vec<FeedRow>,
    /// Everything of the topic up to this number was looked at; what was asked for if nothing was.
    pub upto: u64,
    /// Whether there may be more after it.
    pub more: bool,
}
