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
    /// How much longer at most; how much varies from chunk to chunk.
    pub jitter: Duration,
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

    /// Holds everything back, connections included, until [`Pipe::resume`]: as a link does that is down for a while.
    pub fn hold(&self) {
        self.shared.lock().held_since.get_or_insert_with(Instant::now);
    }

    /// Lets go of what was held back, at the rate of the link.
    pub fn resume(&self) {
        let mut state = self.shared.lock();
        if let Some(since) = state.held_since.take() {
            let held = since.elapsed();
            state.held += held;
            for free_at in state.free_at.iter_mut().flatten() {
                *free_at += held;
            }
        }
        drop(state);
        self.shared.changed.notify_all();
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
    held_since: Option<Instant>,
    /// How long everything was held back so far: so much later all arrives that was under way.
    held: Duration,
    closed: bool,
    /// When the bytes of all connections that came so far will have passed, upwards and downwards.
    free_at: [Option<Instant>; 2],
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
            held_since: None,
            held: Duration::ZERO,
            closed: false,
            free_at: [None; 2],
            trap: None,
            counts: Counts::default(),
            generation: 0,
            links: Vec::new(),
        }
    }
}

impl State {
    /// When so many bytes arrive that come now, behind those of all connections. `dice` is moved on.
    fn arrival(&mut self, way: Way, bytes: usize, dice: &mut u64) -> Due {
        let now = Instant::now();
        let (rate, free_at) = match (way, &mut self.free_at) {
            (Way::Up, [up, _]) => (self.quality.up_bytes_per_s, up),
            (Way::Down, [_, down]) => (self.quality.down_bytes_per_s, down),
        };
        let passed = match rate {
            None => now,
            Some(rate) => {
                let begins = free_at.map_or(now, |free_at| free_at.max(now));
                begins + Duration::from_secs_f64(bytes as f64 / rate.max(1) as f64)
            }
        };
        *free_at = Some(passed);
        Due { at: passed + self.quality.on_its_way(dice), held: self.held }
    }

    /// How long it is until then; `None`: it is time.
    fn until(&self, due: Due) -> Option<Duration> {
        let at = due.at + (self.held - due.held);
        at.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }
}

impl Quality {
    /// How long the next chunk is on its way. `dice` is moved on.
    fn on_its_way(&self, dice: &mut u64) -> Duration {
        *dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.delay + self.jitter.mul_f64((*dice >> 40) as f64 / (1_u64 << 24) as f64)
    }
}

/// Some bytes, and when they arrive.
struct Chunk {
    bytes: Vec<u8>,
    due: Due,
}

/// A moment of the link's time, which stands still while it is held.
#[derive(Debug, Clone, Copy)]
struct Due {
    at: Instant,
    /// How long the link had been held when this was said.
    held: Duration,
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
        let (host, way) = (Arc::clone(self), lane.way);
        let reader = thread::Builder::new().name("pipe-read".into()).spawn(move || host.read(way, &mut from, &sender));
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

    fn read(&self, way: Way, from: &mut TcpStream, sender: &SyncSender<Chunk>) {
        let mut dice = 0;
        loop {
            let mut bytes = vec![0; CHUNK_BYTES];
            match from.read(&mut bytes) {
                Ok(0) => return,
                Ok(read) => bytes.truncate(read),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return,
            }
            let due = self.lock().arrival(way, bytes.len(), &mut dice);
            if sender.send(Chunk { bytes, due }).is_err() {
                return;
            }
        }
    }

    /// Whether the sender ended in peace.
    fn deliver(&self, lane: &Lane, receiver: &Receiver<Chunk>) -> bool {
        for chunk in receiver {
            if !self.wait_until(chunk.due, lane.generation) || !self.hand_over(lane, &chunk.bytes) {
                return false;
            }
        }
        self.lock().generation == lane.generation
    }

    /// Waits; `false` as soon as the connection is cut.
    fn wait_until(&self, due: Due, generation: u64) -> bool {
        let mut state = self.lock();
        loop {
            if state.generation != generation {
                return false;
            }
            if state.held_since.is_some() {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let Some(left) = state.until(due) else { return true };
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
        state.free_at = [None; 2];
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
        let quality = Quality { up_bytes_per_s: Some(50_000), delay: Duration::from_millis(40), ..Quality::default() };
        pipe.set(quality);
        let began = Instant::now();
        let mut stream = TcpStream::connect(pipe.address()).expect("connect");
        stream.write_all(&[7; 5_000]).expect("write");
        stream.read_exact(&mut [0; 5_000]).expect("an answer");
        // 100 ms for the bytes, 40 ms each way; never less, whatever else this machine does.
        assert!(began.elapsed() >= Duration::from_millis(180), "{:?}", began.elapsed());
    }

    #[test]
    fn what_is_held_back_comes_later_and_not_all_at_once() {
        let (target, _server) = echo();
        let pipe = Pipe::open(target).expect("a pipe");
        pipe.set(Quality { up_bytes_per_s: Some(50_000), ..Quality::default() });
        let began = Instant::now();
        let mut stream = TcpStream::connect(pipe.address()).expect("connect");
        pipe.hold();
        stream.write_all(&[7; 5_000]).expect("write");
        stream.set_read_timeout(Some(Duration::from_millis(200))).expect("a bound");
        assert!(stream.read(&mut [0; 1]).is_err(), "nothing passes");
        pipe.resume();
        stream.set_read_timeout(None).expect("no bound");
        stream.read_exact(&mut [0; 5_000]).expect("an answer");
        assert!(began.elapsed() >= Duration::from_millis(280), "{:?}", began.elapsed());
    }
}
