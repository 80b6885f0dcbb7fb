//! What both programs need of the machine they run on.
//!
//! The agent and the hub are the same kind of program: they start from a folder, read one configuration, hold one
//! lock, own one database, answer on one socket, and tell people what went wrong in words. This crate carries that,
//! and decides nothing about records.
//!
//! ```text
//!   words     exit ktg fail output options logging     what a person or a script meets
//!   files     data_dir files lock reserve sqlite carve aside store_thread  what lies on the disk, and who may touch it
//!   machine   clock hours random signals control manager panics   what the operating system gives
//!   keys      certificate identity recovery secret enrolment bundle release tls   who is who, and whose program is run
//!   proofs    steps                                    where tests kill a program
//! ```

pub mod cli;
pub mod exit;
pub mod fail;
pub mod ktg;
mod ktg_pages;
pub mod output;

pub mod options;

pub mod data_dir;
pub mod files;
pub mod lock;
pub mod reserve;

pub mod clock;
pub mod help;
pub mod hours;
pub mod moment;
pub mod panics;
pub mod random;

#[cfg(any(unix, windows))]
pub mod control;
pub mod logging;
pub mod manager;
pub mod signals;

pub mod aside;
pub mod carve;
pub mod sqlite;
pub mod steps;
pub mod store_thread;
pub mod support;

pub mod bundle;
pub mod certificate;
pub mod enrolment;
pub mod identity;
pub mod recovery;
pub mod release;
pub mod seal;
pub mod secret;
pub mod spoken;
pub mod tcp;
pub mod tls;

pub use clock::{Clock, SystemClock};
pub use data_dir::{DataDir, Program};
pub use exit::Exit;
pub use fail::Failure;
pub use kentongan_protocol::form::Lang;
pub use ktg::Ktg;
pub use lock::Lock;
pub use options::{Opt, Settings};
pub use output::Output;
