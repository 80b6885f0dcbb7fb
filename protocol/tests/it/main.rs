//! Proofs about what leaves a process: the specification's own examples, hostile bytes, and whole exchanges.

#![allow(missing_docs)]

mod allocation;
mod exchange;
mod hostile;
mod world;
