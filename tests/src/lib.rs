//! A harness for stories that real processes play: a hub, offices, the links between them, and what goes wrong.
//!
//! ```text
//!   Hub ── a kentongan-hub in a folder of its own, behind a Pipe that stays when the hub comes and goes
//!   Office ── a kentongan-agent in a folder of its own; its service runs or not
//!   sinks ── a mail server and a program that a hub tells what is the matter
//!   Visitor ── a browser with scripts off, as bytes, at an office's page or at the console
//!   Browser ── a real browser at an office's page
//!   programs ── builds both once, runs commands, reads their answers
//! ```
//!
//! - Nothing waits for time to pass: [`wait::until`] waits for a condition, with a bound.
//! - Ports are chosen by the system, folders are temporary, the environment of the caller does not leak in.
//! - What goes wrong panics with what the programs said: a story is told to people who read its failure.

#[cfg(target_os = "linux")]
pub mod browser;
pub mod data;
pub mod dice;
pub mod folder;
pub mod frozen;
pub mod fuzzing;
pub mod hub;
pub mod lab;
pub mod link;
pub mod office;
pub mod portal;
pub mod programs;
pub mod proxy;
pub mod publisher;
pub mod service;
pub mod sim;
pub mod sinks;
pub mod visitor;
pub mod wait;

pub use dice::Dice;
pub use hub::Hub;
pub use kentongan_hub::demo::pipe::{Counts, Pipe, Quality, Way};
pub use office::{Entered, Office};
pub use programs::{Ended, Version};
