//! Accepting an exchange: what an office sends is stored, judged, merged and answered, frame by frame.
//!
//! ```text
//!   bytes ──▶ call: what is read, stored, said and when ──▶ bytes          standing: may this device speak?
//!               │ job: one transaction of it               meter: what the journal says of it, tally: what the office's day does
//!   session events        exchange (one for each request)                 store
//!   Hello ──▶ hello   who speaks, which run, by which clock          ┐
//!   Have  ──▶         how far it has read                            │ a job is one transaction,
//!   Batch ──▶ batch   own ops ── intake: judge, merge, feed          │ shared with other exchanges
//!         └─▶ echo    foreign ops given back: held until proved      │ that wait at the same time
//!   Attest ─▶ proof   signatures over logs                           │
//!   Offer, Chunk ─▶ files   what records name, part by part          ┘
//!   news: between two exchanges, whether there is news for a device that listens
//!   reply: Marks, how far files are here, ops this replica lost, pages of the feed, End
//! ```
//!
//! - Nothing here waits for a network, asks a clock or rolls dice; the server and the simulator drive the same [`Call`].
//! - Refused is not lost: an op that cannot be merged is stored and kept aside. Only what is not authentic, or claims a
//!   name that is taken, is refused, and then it is written into the audit log.
//! - An exchange may be cut after any event. What was stored stays, and the next one goes on from the marks.

mod again;
mod batch;
mod call;
mod echo;
mod exchange;
mod facts;
mod files;
mod hello;
pub(crate) mod intake;
mod job;
mod meter;
pub(crate) mod news;
mod proof;
mod reply;
pub(crate) mod standing;
#[cfg(test)]
mod stories;
mod tally;
#[cfg(test)]
pub(crate) mod world;

use std::fmt::Display;

use kentongan_protocol::error::Fault;

use crate::store::{AuditEvent, Result, StoreError, Tx};

pub use call::{Bounds, Call, Input, Moment, Output};
pub use exchange::{Counts, Exchange};
pub(crate) use intake::load;
pub use job::{Done, Job};
pub use meter::Account;
pub(crate) use meter::{CARRIED, ended_well};
pub use standing::Shown;

/// Why an event was not taken.
#[derive(Debug)]
enum AcceptError {
    /// The other side is at fault; what was written about it stays.
    Fault(Fault),
    /// The store failed; nothing was written.
    Store(StoreError),
}

impl From<StoreError> for AcceptError {
    fn from(error: StoreError) -> Self {
        AcceptError::Store(error)
    }
}

impl From<Fault> for AcceptError {
    fn from(fault: Fault) -> Self {
        AcceptError::Fault(fault)
    }
}

/// Writes a line into the audit log.
pub(crate) fn note(
    tx: &mut dyn Tx,
    at_ms: i64,
    actor: impl Display,
    event: &str,
    subject: impl Display,
    detail: serde_json::Value,
) -> Result<()> {
    let (actor, subject, detail) = (actor.to_string(), subject.to_string(), detail.to_string());
    tx.audit(&AuditEvent { at_ms, actor, event: event.to_owned(), subject, detail }).map(drop)
}
