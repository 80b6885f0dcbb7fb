//! What the hub remembers, behind one contract.
//!
//! ```text
//!   contract   what a store promises          rows    what it keeps
//!   sqlite     one file, the default           memory  for tests and the simulator
//!   owner      the one thread that writes      suite   the proof that both keep the contract
//! ```

pub mod contract;
pub mod rows;
pub mod sqlite;
pub mod memory;
pub mod owner;
#[cfg(test)]
pub mod suite;

use kentongan_protocol::wire::codec;

pub use contract::{Job, Result, Store, StoreError, Tx, transact_group, transact_with};
pub use rows::*;

/// Hash of a line of the audit log, over the line before and everything the line says.
fn audit_chain(before: &[u8; 32], number: u64, event: &AuditEvent) -> [u8; 32] {
    let said = (event.at_ms, &event.actor, &event.event, &event.subject, &event.detail);
    let bytes = codec::encode(&(before, number, said));
    let digest = ring_sha256(&bytes);
    digest
}
