//! The hub: merges what many offices write, brings conflicts to a person, and sends back what concerns each office.
//!
//! ```text
//!   offices ── TLS ──▶ serve ──▶ accept ──▶ store ──▶ feed ──▶ offices
//!   operators ──┬─ cli ──────▶ service ────▶ store
//!               └─ console ──▶
//! ```
//!
//! - [`service`] is what can be asked of the hub, one use case a file, without HTTP and without SQL.
//! - [`store`] is one contract with SQLite behind it; one thread owns it.
//! - [`alert`] tells people by e-mail, and programs, what needs a person.
//! - [`archive`] is where files lie that records name.
//! - [`backup`] makes verified copies; only then may the marks of what is safe move.
//! - [`salvage`] makes a sound store of what can be read of a damaged one.
//! - [`seed`] fills an empty hub with made-up offices and records, to try and to measure.
//! - `console` is what operators see in a browser; it decides nothing.
//! - [`ca`] issues the certificates, [`seals`] opens what offices sealed; [`config`] is the table of all options.

pub mod accept;
pub mod alert;
mod api;
pub mod archive;
pub mod backup;
pub mod ca;
pub mod cli;
pub mod config;
mod console;
pub mod demo;
pub mod engine;
pub mod feed;
mod metrics;
mod public;
pub mod salvage;
pub mod seals;
pub mod seed;
mod serve;
pub mod service;
pub mod setup;
pub mod store;
mod table;
pub mod update;
