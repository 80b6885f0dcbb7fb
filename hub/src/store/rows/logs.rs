//! Runs, logs, ops, and what proves them.

use kentongan_protocol::clock::KnownRun;
use kentongan_protocol::error::Fault;
use kentongan_protocol::ids::{OpId, RecordId, ReplicaId};
use kentongan_protocol::judge::Quarantine;
use kentongan_protocol::log::{ChainHash, LogHead};
use kentongan_protocol::op::Op;
use kentongan_protocol::wire::v1::Attest;

/// A run of a replica, or of the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The run and what is known of its beginning.
    pub known: KnownRun,
    /// When another run of the same replica first spoke after it. A process that has ended does not speak again: if it
    /// does, two machines answer as one replica.
    pub superseded_ms: Option<i64>,
}

/// A log and how far it is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// Its head.
    pub head: LogHead,
    /// Ops held, without gap.
    pub stored: u64,
    /// Running hash after them.
    pub chain: ChainHash,
    /// Ops that a verified backup or a standby holds too; at most `stored`.
    pub durable: u64,
}

/// An op to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOp<'a> {
    /// Its name.
    pub id: OpId,
    /// Its bytes, as its writer encoded them.
    pub bytes: &'a [u8],
    /// Running hash of its log after it.
    pub chain: ChainHash,
    /// The record it belongs to, if its bytes could be read. A row for it must be there.
    pub record: Option<RecordId>,
    /// When the hub received it, milliseconds since 1970.
    pub received_ms: i64,
    /// What became of it.
    pub state: OpState,
}

/// An op as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredOp {
    /// Its name.
    pub id: OpId,
    /// Its bytes, as its writer encoded them.
    pub bytes: Vec<u8>,
    /// Running hash of its log after it.
    pub chain: ChainHash,
    /// The record it belongs to, if its bytes could be read.
    pub record: Option<RecordId>,
    /// When the hub received it, milliseconds since 1970.
    pub received_ms: i64,
    /// What became of it.
    pub state: OpState,
    /// What it says in full, if part of it is sealed and was opened here: the bytes of the op that its writer meant.
    pub opened: Option<Vec<u8>>,
}

impl StoredOp {
    /// What it says, as far as it can be read here.
    ///
    /// # Errors
    /// As [`Op::decode`].
    pub fn op(&self) -> Result<Op, Fault> {
        Op::decode(self.opened.as_deref().unwrap_or(&self.bytes))
    }
}

/// What became of an op.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpState {
    /// Part of its record.
    Merged,
    /// It changes a record whose creating op is not merged here; it is judged when that one is.
    Waiting,
    /// Kept aside.
    Quarantined(Quarantine),
    /// Kept aside, and a person decided that it stays there.
    Discarded(Quarantine),
}

/// The newest signature over a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attestation {
    /// How many ops of the log it covers.
    pub seq: u64,
    /// The signature, with all heads it covers, as the writer made it.
    pub attest: Attest,
}

/// An op that arrived with the name of another one. It cannot come from copying, so it is kept aside and told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fork {
    /// The name that two ops claim.
    pub id: OpId,
    /// Who offered the other one.
    pub replica: ReplicaId,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// When, milliseconds since 1970.
    pub at_ms: i64,
}
