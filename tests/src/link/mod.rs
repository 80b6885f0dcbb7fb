//! Bad links on purpose: what a village has between its office and the hub, on one machine.
//!
//! ```text
//!   Profile ── what a kind of link is like: rates, round trip, loss, outages
//!   Shape ── what happens to a packet that is handed over now: pure, from a seed
//!   Wire ── a real IP link between two network namespaces (root, Linux): packets are lost, TCP does what it does
//!   Relay ── a TCP relay on this machine (nobody special): rate, delay, jitter, outages; nothing is lost
//! ```
//!
//! - Programs run over both unchanged. What only packets show (retransmissions, backed-off timers, headers) needs `Wire`.
//! - Rates count whole IP packets at a `Wire`, bytes of the connection at a `Relay`.

pub mod profile;
mod relay;
pub mod shape;
#[cfg(target_os = "linux")]
mod wire;

pub use profile::{Outages, PROFILES, Profile};
pub use relay::Relay;
pub use shape::{Shape, Tally};
#[cfg(target_os = "linux")]
pub use wire::{HUB_IP, OFFICE_IP, Side, Wire};
