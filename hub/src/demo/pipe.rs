//! A link that can be made bad: a TCP relay on this machine with a rate, a delay and cuts.
//!
//! ```text
//!   office ──▶ pipe.address() ─┬─ up ───▶ hub
//!                              └─ down ◀─┘        bytes are counted as they are handed over
//! ```
//!
//! - What the pipe counts went over the wire, TLS included; TCP and IP headers are not counted.
//! - A cut closes what is open and drops what is on its way, so each side learns as late as on a real link what the
//!   other side has received.
//! - Threads and blocking sockets, nothing else: it works inside any program, and dropping it closes everything.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Bytes that are handed over at once: small enough that a slow link flows instead of jumping.
const CHUNK_BYTES: usize = 1_400;

/// Chunks on their way in one direction; a full link makes the sender wait, as a real one does.
const CHUNKS_UNDER_WAY_MAX: usize = 256;

/// How long the other end may take to accept.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From who connects to the target: from an office to its hub.
    Up,
    /// Back.
    Down,
}

/// How good the link is. The default adds nothing and takes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quality {
    /// Bytes a second upwards; `None` for as fast as it goes.
    pub up_bytes_per_s: Option<u64>,
    /// Bytes a second downwards.
    pub down_bytes_per_s: Option<u64>,
    /// How long each byte is on its way, in one direction.
    pub delay: Duration,
}

/// What went over the link since it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Bytes handed over upwards.
    pub up_bytes: u64,
    /// Bytes handed over downwards.
    pub down_bytes: u64,
    /// Connections that reached the target.
    pub connections: u64,
}

/// The link.
#[derive(Debug)]
pub struct Pipe {
    address: SocketAddr,
    shared: Arc<Shared>,
    door: Option<thread::JoinHandle<()>>,
}

impl Pipe {
    /// A link to `target` from a free port of this machine.
    ///
    /// # Errors
    /// No port can be had.
    pub fn open(target: SocketAddr) -> io::Result<Pipe> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { state: Mutex::new(State::towards(target)), changed: Condvar::new() });
        let host = Arc::clone(&shared);
        let door = thread::Builder::new().name("pipe".into()).spawn(move || host.accept_all(&listener))?;
        Ok(Pipe { address, shared, door: Some(door) })
    }

    /// Where to connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Leads new connections elsewhere, for example to a hub that came back on another port.
    pub fn lead_to(&self, target: SocketAddr) {
        self.shared.lock().target = target;
    }

    /// Makes the link better or worse, from the next bytes on.
    pub fn set(&self, quality: Quality) {
        self.shared.lock().quality = quality;
    }

    /// Cuts every connection, and every new one at once, until [`Pipe::mend`].
    pub fn cut(&self) {
        self.shared.lock().open = false;
        self.shared.cut_all();
    }

    /// Lets connections through again.
    pub fn mend(&self) {
        self.shared.lock().open = true;
    }

    /// Cuts every connection once, after `bytes` more have been handed over in one direction; later ones pass. A
    /// trap that has not sprung is replaced.
    pub fn cut_after(&self, way: Way, bytes: u64) {
        self.shared.lock().trap = Some((way, bytes));
    }

    /// Takes back a trap; says whether it was still waiting.
    pub fn disarm(&self) -> bool {
        self.shared.lock().trap.take().is_some()
    }

    /// What went over the link so far.
    pub fn counts(&self) -> Counts {
        self.shared.lock().counts
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.cut_all();
        // The door waits in accept; a last visitor lets it look up.
        let _ = TcpStream::connect(self.address);
        if let Some(door) = self.door.take() {
            let _ = door.join();
        }
    }
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Rung when connections are cut, so that nobody sleeps through it.
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    target: SocketAddr,
    quality: Quality,
    open: bool,
    closed: bool,
    trap: Option<(Way, u64)>,
    counts: Counts,
    /// Raised by every cut; a connection of an older number is dead.
    generation: u64,
    links: Vec<Link>,
}

/// An open connection, where a cut finds it.
#[derive(Debug)]
struct Link {
    number: u64,
    office: TcpStream,
    hub: TcpStream,
}

impl State {
    fn towards(target: SocketAddr) -> State {
        State {
            target,
            quality: Quality::default(),
            open: true,
            closed: false,
            trap: None,
            counts: Counts::default(),
            generation: 0,
            links: Vec::new(),
        }
    }
}

/// Some bytes, and when they arrive.
struct Chunk {
    bytes: Vec<u8>,
    due: Instant,
}

/// One direction of one connection.
struct Lane {
    way: Way,
    generation: u64,
    from: TcpStream,
    to: TcpStream,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accept_all(self: &Arc<Self>, listener: &TcpListener) {
        for visitor in listener.incoming() {
            let (closed, open, target) = {
                let state = self.lock();
                (state.closed, state.open, state.target)
            };
            if closed {
                return;
            }
            // A visitor that is not let through sees its connection end, as behind a modem without signal.
            let Ok(visitor) = visitor else { continue };
            if open {
                let host = Arc::clone(self);
                // Without a thread for it the connection ends: the visitor tries again.
                let _ = thread::Builder::new().name("pipe-link".into()).spawn(move || host.relay(visitor, target));
            }
        }
    }

    /// Carries one connection until either side ends it or it is cut.
    fn relay(self: &Arc<Self>, office: TcpStream, target: SocketAddr) {
        let Ok(hub) = TcpStream::connect_timeout(&target, CONNECT_TIMEOUT) else { return };
        let _ = office.set_nodelay(true);
        let _ = hub.set_nodelay(true);
        let (Ok(office_too), Ok(hub_too)) = (office.try_clone(), hub.try_clone()) else { return };
        let Some((generation, number)) = self.register(&office, &hub) else { return };
        let up = Lane { way: Way::Up, generation, from: office, to: hub };
        let down = Lane { way: Way::Down, generation, from: hub_too, to: office_too };
        let host = Arc::clone(self);
        let upwards = thread::Builder::new().name("pipe-up".into()).spawn(move || host.carry(up));
        self.carry(down);
        if let Ok(upwards) = upwards {
            let _ = upwards.join();
        }
        self.lock().links.retain(|link| link.number != number);
    }

    /// Puts a connection where a cut finds it; gives generation and number, or `None` if the link was cut meanwhile.
    fn register(&self, office: &TcpStream, hub: &TcpStream) -> Option<(u64, u64)> {
        let (office, hub) = (office.try_clone().ok()?, hub.try_clone().ok()?);
        let mut state = self.lock();
        if !state.open || state.closed {
            return None;
        }
        state.counts.connections += 1;
        let number = state.counts.connections;
        state.links.push(Link { number, office, hub });
        Some((state.generation, number))
    }

    /// Moves bytes one way: a thread reads and stamps them, this one hands them over when they are due.
    fn carry(self: &Arc<Self>, lane: Lane) {
        let (sender, receiver) = sync_channel(CHUNKS_UNDER_WAY_MAX);
        let Ok(mut from) = lane.from.try_clone() else { return };
        let host = Arc::clone(self);
        let reader = thread::Builder::new().name("pipe-read".into()).spawn(move || host.read(&mut from, &sender));
        let ended_well = reader.is_ok() && self.deliver(&lane, &receiver);
        // After an end of file the other direction may go on; after anything else nothing may.
        let how = if ended_well { Shutdown::Write } else { Shutdown::Both };
        let _ = lane.to.shutdown(how);
        if !ended_well {
            let _ = lane.from.shutdown(Shutdown::Both);
        }
        drop(receiver);
        if let Ok(reader) = reader {
            let _ = reader.join();
        }
    }

    fn read(&self, from: &mut TcpStream, sender: &SyncSender<Chunk>) {
        loop {
            let mut bytes = vec![0; CHUNK_BYTES];
            match from.read(&mut bytes) {
                Ok(0) => return,
                Ok(read) => bytes.truncate(read),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return,
            }
            let due = Instant::now() + self.lock().quality.delay;
            if sender.send(Chunk { bytes, due }).is_err() {
                return;
            }
        }
    }

    /// Whether the sender ended in peace.
    fn deliver(&self, lane: &Lane, receiver: &Receiver<Chunk>) -> bool {
        let mut free_at = Instant::now();
        for chunk in receiver {
            let rate = {
                let quality = self.lock().quality;
                match lane.way {
                    Way::Up => quality.up_bytes_per_s,
                    Way::Down => quality.down_bytes_per_s,
                }
            };
            if let Some(rate) = rate {
                let takes = Duration::from_secs_f64(chunk.bytes.len() as f64 / rate.max(1) as f64);
                free_at = free_at.max(Instant::now()) + takes;
            }
            if !self.wait_until(chunk.due.max(free_at), lane.generation) || !self.hand_over(lane, &chunk.bytes) {
                return false;
            }
        }
        self.lock().generation == lane.generation
    }

    /// Waits; `false` as soon as the connection is cut.
    fn wait_until(&self, due: Instant, generation: u64) -> bool {
        let mut state = self.lock();
        loop {
            if state.generation != generation {
                return false;
            }
            let Some(left) = due.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) else {
                return true;
            };
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Writes a chunk, or as much of it as a trap lets through.
    fn hand_over(&self, lane: &Lane, bytes: &[u8]) -> bool {
        let (passes, springs) = {
            let mut state = self.lock();
            let passes = match &mut state.trap {
                Some((way, left)) if *way == lane.way => {
                    let passes = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                    *left -= passes as u64;
                    passes
                }
                _ => bytes.len(),
            };
            let springs = matches!(state.trap, Some((way, 0)) if way == lane.way);
            if springs {
                state.trap = None;
            }
            match lane.way {
                Way::Up => state.counts.up_bytes += passes as u64,
                Way::Down => state.counts.down_bytes += passes as u64,
            }
            (passes, springs)
        };
        let written = (&lane.to).write_all(bytes.get(..passes).unwrap_or(bytes)).is_ok();
        if springs {
            self.cut_all();
        }
        written && !springs
    }

    fn cut_all(&self) {
        let mut state = self.lock();
        state.generation += 1;
        for link in state.links.drain(..) {
            let _ = link.office.shutdown(Shutdown::Both);
            let _ = link.hub.shutdown(Shutdown::Both);
        }
        drop(state);
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that sends back what it gets; how much that was comes out at the end.
    fn echo() -> (SocketAddr, thread::JoinHandle<usize>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("its number");
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a visitor");
            let (mut sum, mut buffer) = (0, [0; 4096]);
            while let Ok(read) = stream.read(&mut buffer) {
                sum += read;
                if read == 0 || stream.write_all(&buffer[..read]).is_err() {
                    break;
                }
            }
            sum
        });
        (address, server)
    }

    #[test]
    fn bytes_pass_both_ways_and_are_counted() {
        let (target, server) = echo();
        let pipe = Pipe::open(target).expect("a pipe");
        let mut stream = TcpStream::connect(pipe.address()).expect("connect");
        stream.write_all(&[7; 10_000]).expect("write");
        stream.shutdown(Shutdown::Write).expect("end");
        let mut back = Vec::new();
        stream.read_to_end(&mut back).expect("read");
        assert_eq!((back.len(), server.join().expect("the server")), (10_000, 10_000));
        assert_eq!(pipe.counts(), Counts { up_bytes: 10_000, down_bytes: 10_000, connections: 1 });
    }

    #[test]
    fn a_trap_lets_exactly_its_bytes_through_and_then_cuts() {
        let (target, server) = echo();
        let pipe = Pipe::open(target).expect("a pipe");
        pipe.cut_after(Way::Up, 2_345);
        let mut stream = TcpStream::connect(pipe.address()).expect("connect");
        // The cut may come while this is still writing.
        let _ = stream.write_all(&[7; 10_000]);
        let mut back = Vec::new();
        let _ = stream.read_to_end(&mut back);
        assert_eq!((server.join().expect("the server"), pipe.counts().up_bytes), (2_345, 2_345));
        assert!(back.len() <= 2_345);
        assert!(!pipe.disarm(), "a trap springs once");
    }

    #[test]
    fn a_cut_link_ends_connections_until_it_is_mended() {
        let (target, server) = echo();
        let pipe = Pipe::open(target).expect("a pipe");
        pipe.cut();
        let mut stream = TcpStream::connect(pipe.address()).expect("the port stays");
        assert_eq!(stream.read(&mut [0; 8]).unwrap_or(0), 0);
        pipe.mend();
        let mut stream = TcpStream::connect(pipe.address()).expect("connect");
        stream.write_all(b"tong").expect("write");
        stream.read_exact(&mut [0; 4]).expect("an answer");
        drop(stream);
        assert_eq!(server.join().expect("the server"), 4);
    }

    #[test]
    fn a_slow_link_takes_the_time_that_its_rate_and_delay_say() {
        let (target, _server) = echo();
        let pipe = Pipe::open(target).expect("a pipe");
        let quality =
            Quality { up_bytes_per_s: Some(50_000), down_bytes_per_s: None, delay: Duration::from_millis(40) };
        pipe.set(quality);
        let began = Instant::now();
        let mut stream = TcpStream::connect(pipe.address()).expect("connect");
        stream.write_all(&[7; 5_000]).expect("write");
        stream.read_exact(&mut [0; 5_000]).expect("an answer");
        // 100 ms for the bytes, 40 ms each way; never less, whatever else this machine does.
        assert!(began.elapsed() >= Duration::from_millis(140), "{:?}", began.elapsed());
    }
}
