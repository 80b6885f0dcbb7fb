//! A real IP link between two network namespaces. Needs root, `/dev/net/tun` and `ip`.
//!
//! ```text
//!   namespace of the office                         namespace of the hub
//!     10.77.1.1  TUN ──▶ read ─ Shape ─ wait ─ write ──▶ TUN  10.77.1.2
//!                    ◀── write ─ wait ─ Shape ─ read ◀──
//! ```
//!
//! - A TUN device stays in the hands of who made it when it is moved into a namespace: one program holds both ends.
//! - Packets are whole IP packets, 1,500 bytes at most; the kernel's TCP, with its own timers, does the rest.

use std::io;
use std::os::fd::AsFd;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tun_rs::{DeviceBuilder, SyncDevice};

use super::profile::Profile;
use super::shape::{Shape, Tally};

/// Address of the office's end.
pub const OFFICE_IP: &str = "10.77.1.1";

/// Address of the hub's end.
pub const HUB_IP: &str = "10.77.1.2";

/// More than any packet that fits a device with 1,500.
const PACKET_BYTES_MAX: usize = 2_048;

/// An end of the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Where the agent runs.
    Office,
    /// Where the hub runs.
    Hub,
}

/// The link. Dropping it removes the namespaces; programs that still run in one keep it without a link.
#[derive(Debug)]
pub struct Wire {
    office: String,
    hub: String,
    up: Arc<Mutex<Way>>,
    down: Arc<Mutex<Way>>,
}

/// One direction, and when its time began.
#[derive(Debug)]
struct Way {
    shape: Shape,
    began: Instant,
}

/// A packet, and when it arrives.
type Due = (Vec<u8>, Instant);

impl Wire {
    /// Lays one. What is lost and how much it varies comes from the seed.
    ///
    /// # Errors
    /// A sentence for people who run tests: it is not root, or the machine has no such devices.
    pub fn lay(profile: &Profile, seed: u64) -> Result<Wire, String> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        if !rustix::process::geteuid().is_root() {
            return Err("an IP link needs root".to_owned());
        }
        let name = format!("kt{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let began = Instant::now();
        let wire = Wire {
            office: format!("{name}-o"),
            hub: format!("{name}-h"),
            up: Arc::new(Mutex::new(Way { shape: profile.up(seed), began })),
            down: Arc::new(Mutex::new(Way { shape: profile.down(seed), began })),
        };
        let office = Arc::new(end(&wire.office, OFFICE_IP)?);
        let hub = Arc::new(end(&wire.hub, HUB_IP)?);
        for side in [Side::Office, Side::Hub] {
            // What one connection learned of the link does not help or hinder the next: each begins alike.
            let forget = || std::fs::write("/proc/sys/net/ipv4/tcp_no_metrics_save", "1");
            wire.within(side, forget).map_err(|error| format!("a setting of the kernel: {error}"))?;
        }
        for (from, to, way) in [(&office, &hub, &wire.up), (&hub, &office, &wire.down)] {
            let (sender, receiver) = channel();
            let (from, to, way) = (Arc::clone(from), Arc::clone(to), Arc::clone(way));
            spawn("wire-read", move || read(&from, &way, &sender))?;
            spawn("wire-write", move || write(&to, &receiver))?;
        }
        Ok(wire)
    }

    /// Name of the namespace at an end.
    pub fn namespace(&self, side: Side) -> &str {
        match side {
            Side::Office => &self.office,
            Side::Hub => &self.hub,
        }
    }

    /// A command that will run at an end of the link instead, in the same process.
    pub fn at(&self, side: Side, command: &Command) -> Command {
        super::command_in(self.namespace(side), command)
    }

    /// Does work at an end of the link: sockets that it opens, and threads that it starts, are there.
    ///
    /// # Panics
    /// If the work does, or this process may not enter.
    pub fn within<T: Send>(&self, side: Side, work: impl FnOnce() -> T + Send) -> T {
        let namespace = std::fs::File::open(format!("/run/netns/{}", self.namespace(side))).expect("the namespace");
        let enter = move || {
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).expect("enter a namespace");
            work()
        };
        // Only the thread of the work moves.
        thread::scope(|scope| scope.spawn(enter).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    }

    /// Makes it another link; outages are counted from now on. What is under way arrives as it would have.
    pub fn set(&self, profile: &Profile, seed: u64) {
        let began = Instant::now();
        for (way, mut shape) in [(&self.up, profile.up(seed)), (&self.down, profile.down(seed))] {
            let mut way = lock(way);
            shape.take_over(&way.shape);
            *way = Way { shape, began };
        }
    }

    /// Packets from the office to the hub.
    pub fn up(&self) -> Tally {
        lock(&self.up).shape.tally()
    }

    /// Packets from the hub to the office.
    pub fn down(&self) -> Tally {
        lock(&self.down).shape.tally()
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        for namespace in [&self.office, &self.hub] {
            // The devices go with their namespace, and the threads end with the devices.
            let _ = ip(["netns", "del", namespace]);
        }
    }
}

/// Makes a namespace and a device in it.
fn end(namespace: &str, address: &str) -> Result<SyncDevice, String> {
    let device = namespace;
    ip(["netns", "add", namespace])?;
    let made = DeviceBuilder::new().name(device).enable(false).build_sync();
    let made = made.map_err(|error| format!("no TUN device here: {error}"))?;
    ip(["link", "set", device, "netns", namespace])?;
    ip(["-n", namespace, "link", "set", "lo", "up"])?;
    // No router is asked for: a quiet link is to be quiet.
    ip(["-n", namespace, "link", "set", device, "addrgenmode", "none", "mtu", "1500"])?;
    ip(["-n", namespace, "addr", "add", &format!("{address}/30"), "dev", device])?;
    ip(["-n", namespace, "link", "set", device, "up"])?;
    Ok(made)
}

fn ip<const N: usize>(words: [&str; N]) -> Result<(), String> {
    let ended = Command::new("ip").args(words).output().map_err(|error| format!("no program `ip` here: {error}"))?;
    if ended.status.success() {
        return Ok(());
    }
    let words = words.join(" ");
    Err(format!("ip {words}: {}", String::from_utf8_lossy(&ended.stderr).trim()))
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), String> {
    let spawned = thread::Builder::new().name(name.to_owned()).spawn(work);
    spawned.map(drop).map_err(|error| format!("no thread: {error}"))
}

/// Takes packets from the sender's kernel until its device is gone.
fn read(from: &SyncDevice, way: &Mutex<Way>, sender: &Sender<Due>) {
    let mut packet = vec![0; PACKET_BYTES_MAX];
    loop {
        let bytes = match from.recv(&mut packet) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return,
        };
        let arrival = {
            let mut way = lock(way);
            let now = way.began.elapsed();
            way.shape.offer(now, bytes).map(|arrival| way.began + arrival)
        };
        if let (Some(arrival), Some(packet)) = (arrival, packet.get(..bytes))
            && sender.send((packet.to_vec(), arrival)).is_err()
        {
            return;
        }
    }
}

/// Gives packets to the receiver's kernel when they are due.
fn write(to: &SyncDevice, receiver: &Receiver<Due>) {
    for (packet, arrival) in receiver {
        thread::sleep(arrival.saturating_duration_since(Instant::now()));
        // A device that is gone takes nothing any more.
        if to.send(&packet).is_err() {
            return;
        }
    }
}

fn lock(way: &Mutex<Way>) -> MutexGuard<'_, Way> {
    way.lock().unwrap_or_else(PoisonError::into_inner)
}
