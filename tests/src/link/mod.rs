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

use std::process::Command;

pub mod profile;
mod relay;
pub mod shape;
#[cfg(all(target_os = "linux", feature = "wire"))]
mod wire;

pub use profile::{Outages, PROFILES, Profile};
pub use relay::Relay;
pub use shape::{Shape, Tally};
#[cfg(all(target_os = "linux", feature = "wire"))]
pub use wire::{HUB_IP, OFFICE_IP, Side, Wire};

/// A command in a namespace. `ip netns exec` becomes the program: its process is the one that was started.
pub(crate) fn command_in(namespace: &str, command: &Command) -> Command {
    let mut inside = Command::new("ip");
    inside.args(["netns", "exec", namespace]).arg(command.get_program()).args(command.get_args());
    inside.env_clear();
    for kept in ["PATH", "HOME"] {
        if let Some(value) = std::env::var_os(kept) {
            inside.env(kept, value);
        }
    }
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            inside.env(name, value);
        }
    }
    if let Some(folder) = command.get_current_dir() {
        inside.current_dir(folder);
    }
    inside
}
