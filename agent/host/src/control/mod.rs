//! The control socket: how a command asks the running service instead of touching its store.
//!
//! A Unix socket in the data folder, on Windows a named pipe, for the folder's owner alone. One JSON document per line:
//!
//! ```text
//!   command ──▶ {"do":"sync","wait":true,"lang":"en"}
//!           ◀── {"progress":{"type":"sent","n":12}}     any number
//!           ◀── {"ok":{"arrived":12}}                   exactly one of these two
//!           ◀── {"err":{"code":"KTG-102","exit":13,…}}
//! ```
//!
//! What the requests mean is each program's own; here are lines, bounds and errors.

mod client;
mod server;

#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(windows, path = "windows.rs")]
mod system;

pub use client::Client;
pub use server::{Listener, Progress, serve};

/// In which language whoever asks reads, in a request that is an object; taken out before the request is looked at.
const LANG: &str = "lang";
/// Longest request, with its line end: some hold a file that a person carried ([`crate::bundle`]), in Base64.
pub const REQUEST_BYTES_MAX: usize = 9 << 20;
/// Longest single line of an answer. Longer results are sent as progress lines.
pub const LINE_BYTES_MAX: usize = 64 << 20;

#[cfg(test)]
mod tests;
