//! What offices and hub say to each other, and how what many people wrote becomes one state.
//!
//! This crate decides; the programs carry. It opens nothing, waits for nothing, asks no clock and rolls no dice: bytes,
//! ops and times come in as arguments, and bytes, plans and answers come out. The same code therefore runs in an
//! office, at the hub, in a file carried by hand and in a simulator that repeats from a seed.
//!
//! ```text
//!   form   what a record's fields are, which change together, and how two changes merge
//!   op     one immutable change, named by its place in a log        log   ops of one run in one lane, chained by hashes
//!   merge  from the set of ops of a record to its state             judge what the hub says of an op it has stored
//!   wire   frames and their bytes, version 1                        session  who says what next in an exchange
//!   calendar  working days, and what is due of a complaint when     survey   the satisfaction index
//!   sealed what of a confidential complaint only the hub reads
//! ```
//!
//! `SPEC.md` beside this crate is the law for everything that leaves a process; the tests read their examples from it.

#![forbid(unsafe_code)]

pub mod attachment;
pub mod calendar;
pub mod clock;
pub mod error;
pub mod form;
pub mod ids;
pub mod judge;
pub mod limits;
pub mod log;
pub mod merge;
pub mod next;
pub mod op;
pub mod pack;
pub mod planted;
pub mod receipt;
pub mod sealed;
pub mod session;
pub mod survey;
pub mod wire;
