//! A simulator: offices, a hub, a network, clocks, disks and people in one thread, from one seed.
//!
//! What runs in it is the product: the agent's store and its contact loop, the protocol's sessions, the hub's accept
//! path and its SQLite store. What is made up is the world around them.
//!
//! ```text
//!   plan    a seed becomes a list of events; each has its own dice, so that one can be left out
//!   world   plays the events ── pc (an office PC) ── link (the network) ── hubside (the hub's machine)
//!   hours   time passes, and each PC's own loop says when it calls
//!   disk    a disk that stops, tears, fills up and is copied
//!   sticks  exchanges that people carry
//!   standing   devices are revoked, certificates end and are renewed
//!   version    machines run this version's programs or the next one's
//!   files   what clerks attach, and where it lies
//!   vault   the hub's backups, made by the command's own steps on a disk of the simulator
//!   model   what people were told, and which losses the promises allow          check   whether that is so
//!   run     a seed, its repetition, its shortest story
//!   coverage, planted   whether all this can find anything
//! ```

pub mod check;
pub mod clock;
pub mod coverage;
pub mod disk;
pub mod enemy;
pub mod files;
pub mod flips;
pub mod hours;
pub mod hubside;
pub mod link;
pub mod model;
pub mod pc;
pub mod people;
pub mod plan;
#[cfg(feature = "planted")]
pub mod planted;
pub mod run;
#[cfg(test)]
mod seeds;
pub mod standing;
pub mod sticks;
pub mod summary;
pub mod tale;
pub mod vault;
pub mod version;
pub mod world;

pub use plan::Plan;
pub use run::{Outcome, play};
