//! The agent: takes complaints and survey answers at an office, keeps them safe, and carries them to the hub.
//!
//! ```text
//!   cli ──▶ command ──▶ agent ──▶ store      a request, answered by the service or directly on the store
//!   service (one loop) ──▶ agent.contact ──▶ sync ──▶ transport      the protocol's session decides, sync carries
//!   inbox ──▶ entry ──▶ store      rows of files, each once
//!   page ──▶ agent ──▶ store       what a clerk sees and types in a browser
//!   paper ──▶ page, store        blank survey forms, and which of them were typed
//!   kiosk ──▶ agent ──▶ store      what citizens touch on a tablet at the counter
//!   cli, service ──▶ update      which program runs: that of the package, or a newer one that was verified
//! ```

pub mod agenda;
pub mod agent;
mod arrival;
pub mod cli;
pub mod command;
pub mod config;
mod doctor;
pub mod enrol;
pub mod entry;
mod image;
mod import;
pub mod inbox;
mod kiosk;
mod leave;
mod page;
mod paper;
pub mod people;
pub mod photo;
mod room;
pub mod rules;
pub mod service;
mod show;
pub mod store;
pub mod sync;
mod training;
pub mod transport;
pub mod update;

use kentongan_host::release::TARGET;
use kentongan_protocol::limits::NAME_BYTES_MAX;

/// Name, version and platform of this program, as the hub is told.
pub fn program() -> String {
    let mut program = format!("agent {} {TARGET}", update::running());
    program.truncate(NAME_BYTES_MAX);
    program
}
