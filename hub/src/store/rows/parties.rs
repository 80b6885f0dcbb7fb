//! The hub, offices, replicas and the codes by which they join.

use kentongan_protocol::ids::{OfficeCode, ReplicaId, RunId};
use kentongan_protocol::log::Holding;

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
    /// The truth lies at most this far from it, in milliseconds; [`CLOCK_UNMEASURED_MS`]: nobody measured it.
    pub clock_error_ms: u64,
}

/// By how much a clock may be off that nobody measured, in milliseconds: a day.
pub const CLOCK_UNMEASURED_MS: u64 = 24 * 3600 * 1000;

impl LastContact {
    /// Whether the clock was measured: over a line it is, by what somebody carried it is not.
    pub fn is_clock_measured(&self) -> bool {
        self.clock_error_ms < CLOCK_UNMEASURED_MS
    }
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
    /// What the operator marked it with, for lists; may be empty.
    pub tag: String,
    /// Whether it lets in by itself.
    pub approval: Approval,
}

/// Whether a person has to say that the PC which shows a code is the right one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Approval {
    /// Said when the code was made: whoever has it is let in.
    #[default]
    Beforehand,
    /// To be asked; no PC has shown the code yet.
    Awaited,
    /// This PC showed it and waits.
    Asked(Applicant),
    /// This PC is the right one.
    Given(Applicant),
}

/// A PC that shows a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applicant {
    /// Ed25519 key that it wants certified: two people compare it as five words.
    pub public_key: [u8; 32],
    /// What it is called there.
    pub host: String,
    /// Name, version and platform of its program.
    pub program: String,
    /// When it first asked, milliseconds since 1970.
    pub asked_ms: i64,
}

/// What an operator noted about an office, for the next one who looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfficeNote {
    /// When, milliseconds since 1970.
    pub at_ms: i64,
    /// Who.
    pub actor: String,
    /// The note.
    pub text: String,
}
