//! What the hub remembers, behind one contract.
//!
//! ```text
//!   contract   what a store promises          rows    what it keeps
//!   sqlite     one file, the default           memory  for tests and the simulator
//!   owner      the one thread that writes      suite   the proof that both keep the contract
//! ```

pub mod contract;
pub mod memory;
pub mod owner;
pub mod rows;
pub mod sqlite;
#[cfg(test)]
pub(crate) mod suite;

pub use contract::{Job, Result, Store, StoreError, Tx, Work, transact_group, transact_with};
pub use rows::*;
