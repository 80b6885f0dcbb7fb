//! Proofs about what leaves a process: the specification's own examples, hostile bytes, and whole exchanges.

#![allow(missing_docs)]

mod allocation;
mod build;
mod cost;
mod document;
mod exchange;
mod files;
mod hostile;
mod line;
mod merging;
mod ops;
mod packing;
mod purity;
mod requests;
mod schema;
mod vectors;
#[cfg(feature = "next-version")]
mod versions;
mod world;
