//! What the store keeps, as the rest of the hub sees it. No table, no column, no SQL shows here.

use kentongan_protocol::clock::KnownRun;
use kentongan_protocol::form::{ChoiceTag, FormTag, GroupTag};
use kentongan_protocol::ids::{OfficeCode, OpId, RecordId, ReplicaId, RunId};
use kentongan_protocol::judge::Quarantine;
use kentongan_protocol::log::{ChainHash, Holding, LogHead};
use kentongan_protocol::receipt::ReceiptCode;
use kentongan_protocol::wire::codec;
use kentongan_protocol::wire::v1::{Attest, VerdictFrame};

/// The hub itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubIdentity {
    /// The hub as a replica.
    pub replica: ReplicaId,
    /// What people call it.
    pub name: String,
    /// When it was set up, milliseconds since 1970.
    pub created_ms: i64,
}

/// A service point's office.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Office {
    /// Its code.
    pub code: OfficeCode,
    /// What people call it.
    pub name: String,
    /// When it was entered here, milliseconds since 1970.
    pub added_ms: i64,
    /// Since when its silence is no fault, milliseconds since 1970; `None` for an office at work.
    pub paused_ms: Option<i64>,
}

/// One enrolled installation of the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replica {
    /// Its id; also the common name of its certificate.
    pub id: ReplicaId,
    /// The office it writes for.
    pub office: OfficeCode,
    /// What people call the PC.
    pub name: String,
    /// Ed25519 key that signs its logs.
    pub public_key: [u8; 32],
    /// Number of the prefix of its receipt codes; no two replicas have the same.
    pub prefix: u32,
    /// Its device certificate.
    pub certificate: Certificate,
    /// Whether it may speak.
    pub standing: Standing,
    /// When it joined, milliseconds since 1970.
    pub enrolled_ms: i64,
    /// The run that spoke last.
    pub run_now: Option<RunId>,
    /// When two machines last answered as this replica.
    pub twin_seen_ms: Option<i64>,
    /// What the hub holds of its ops; moves with every op stored.
    pub holding: Holding,
    /// What it said at its last contact.
    pub last_contact: Option<LastContact>,
}

/// A device certificate, as far as the hub needs to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Serial number.
    pub serial: Vec<u8>,
    /// Valid from, milliseconds since 1970.
    pub from_ms: i64,
    /// Valid until, milliseconds since 1970.
    pub until_ms: i64,
}

/// Whether a replica may speak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It may.
    Active,
    /// Not any more. What it sent honestly stays.
    Revoked {
        /// Why, in the operator's words.
        reason: String,
        /// When, milliseconds since 1970.
        at_ms: i64,
    },
}

/// What a replica said of itself at its last contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastContact {
    /// When, by the hub's clock, milliseconds since 1970.
    pub at_ms: i64,
    /// Ops it ever wrote, as far as it remembers.
    pub ops_written: u64,
    /// Ops that were not known to be stored here when it spoke.
    pub pending: u64,
    /// Milliseconds since the oldest of them was written; 0 if none.
    pub oldest_pending_ms: u64,
    /// Bytes free on its disk.
    pub free_bytes: u64,
    /// Name, version and platform of its program.
    pub program: String,
    /// By how much its clock is ahead of the hub's, in milliseconds.
    pub clock_offset_ms: i64,
    /// The truth lies at most this far from it, in milliseconds.
    pub clock_error_ms: u64,
}

/// A one-time code by which a PC joins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrolCode {
    /// Public number of the code, for lists and for revoking.
    pub id: u64,
    /// SHA-256 of its secret part.
    pub secret_hash: [u8; 32],
    /// The office that it lets join.
    pub office: OfficeCode,
    /// When it was made, milliseconds since 1970.
    pub created_ms: i64,
    /// When it ends, milliseconds since 1970.
    pub expires_ms: i64,
    /// Who used it, and when.
    pub used: Option<(ReplicaId, i64)>,
    /// When it was revoked.
    pub revoked_ms: Option<i64>,
}

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

/// A record, with what lists need of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordRow {
    /// Its name.
    pub id: RecordId,
    /// Its number here, in the order of arrival, from 1; lists and exports page by it. Given by the store.
    pub number: u64,
    /// What its creating op said; `None` while only later changes have arrived, or while that op is kept aside.
    pub born: Option<Born>,
    /// The status that is shown, for forms that have one.
    pub status: Option<ChoiceTag>,
    /// Number of groups in which values stand side by side.
    pub conflicts: u32,
    /// The beginning of its main text, for lists and searching.
    pub summary: String,
    /// Feed number of its last change, 0 if it never changed after its creation.
    pub changed: u64,
    /// When the hub received its first op, milliseconds since 1970.
    pub received_ms: i64,
}

/// What the creating op of a record said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Born {
    /// Form.
    pub form: FormTag,
    /// Version of the form it was filled in by.
    pub form_version: u16,
    /// The office it belongs to.
    pub office: OfficeCode,
    /// Code the citizen took home.
    pub code: Option<ReceiptCode>,
}

/// Which records a list asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordFilter {
    /// Of this form.
    pub form: Option<FormTag>,
    /// Of this office.
    pub office: Option<OfficeCode>,
    /// With this status shown.
    pub status: Option<ChoiceTag>,
    /// With this text in its summary, whatever the case of ASCII letters.
    pub text: Option<String>,
}

/// Which page of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// The oldest first: numbers above this one.
    After(u64),
    /// The newest first: numbers below this one; `u64::MAX` for the first page.
    Before(u64),
}

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

/// A group of a record in which values stand side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The record.
    pub record: RecordId,
    /// The group.
    pub group: GroupTag,
    /// Since when the hub knows of it, milliseconds since 1970.
    pub since_ms: i64,
    /// The office that is to decide it.
    pub owner: OfficeCode,
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
    /// Its bytes; empty if it was the head of the log that differed.
    pub bytes: Vec<u8>,
    /// When, milliseconds since 1970.
    pub at_ms: i64,
}

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

/// Totals, for overviews.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// Records by form.
    pub records: Vec<(FormTag, u64)>,
    /// Ops stored, of all replicas.
    pub ops: u64,
    /// Ops kept aside that no person has decided on.
    pub quarantined: u64,
    /// Ops that wait for the creating op of their record.
    pub waiting: u64,
    /// Groups of records in conflict.
    pub conflicts: u64,
    /// Number of the last feed entry.
    pub feed: u64,
}
