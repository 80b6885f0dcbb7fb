//! When a TCP connection counts as dead. The operating system would wait a quarter of an hour for an answer to what it
//! sent, and for ever where it sent nothing; an office whose modem lost its line must know within seconds.
//!
//! While something is awaited, probes go out when nothing else does, and a peer that is silent for a given time is gone.
//! While nothing is awaited, nothing is sent: a quiet connection must cost nothing.

use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// Probes that go unanswered before a connection is given up.
const PROBES: u32 = 3;

/// What a packet of Ethernet holds beside the headers of IPv4 and of TCP with its time stamps.
const PACKET_BYTES: usize = 1448;

/// From now on something is awaited: a connection whose other end gives no sign of life for `patience` ends with an
/// error. A system that lacks an option goes by its own times.
pub fn expect(stream: &TcpStream, patience: Duration) {
    let socket = SockRef::from(stream);
    // These options count in seconds.
    let gap = (patience / PROBES).max(Duration::from_secs(1));
    let _ = socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(gap).with_interval(gap).with_retries(PROBES));
    bound_unacknowledged(&socket, patience);
}

/// What Linux counts of a write beside its bytes, about.
const BOOKS_BYTES: usize = 900;

/// From now on at most about so many bytes are on their way, or wait here to be, in so many writes: what a link that goes
/// down loses.
pub fn bound_flight(stream: &TcpStream, bytes: usize, writes: usize) {
    let linux = cfg!(any(target_os = "linux", target_os = "android"));
    // Linux doubles the number for what its own books take of it.
    let asked = if linux { (bytes + writes * BOOKS_BYTES) / 2 } else { bytes };
    let _ = SockRef::from(stream).set_send_buffer_size(asked);
}

/// Bytes that a full packet of this connection holds; of a system that does not tell, those of a common one.
pub fn packet_bytes(stream: &TcpStream) -> usize {
    known_packet_bytes(&SockRef::from(stream)).unwrap_or(PACKET_BYTES)
}

/// From now on nothing is awaited.
pub fn rest(stream: &TcpStream) {
    let _ = SockRef::from(stream).set_keepalive(false);
}

/// Small messages leave at once, and what was sent is acknowledged within `patience`.
pub fn bound(stream: &TcpStream, patience: Duration) {
    let _ = stream.set_nodelay(true);
    bound_unacknowledged(&SockRef::from(stream), patience);
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn bound_unacknowledged(socket: &SockRef<'_>, patience: Duration) {
    let _ = socket.set_tcp_user_timeout(Some(patience));
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn bound_unacknowledged(_socket: &SockRef<'_>, _patience: Duration) {}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn known_packet_bytes(socket: &SockRef<'_>) -> Option<usize> {
    socket.tcp_mss().ok().and_then(|bytes| usize::try_from(bytes).ok())
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn known_packet_bytes(_socket: &SockRef<'_>) -> Option<usize> {
    None
}
