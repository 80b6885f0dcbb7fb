//! A proxy as offices have one: it makes tunnels by `CONNECT`, for those who know its password if it has one.

use std::io::{Read, Write, copy};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

/// A proxy.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    closed: Arc<AtomicBool>,
    tunnels: Arc<AtomicU64>,
}

impl Proxy {
    /// One that wants this in the header `proxy-authorization`; nothing: one that serves everybody.
    ///
    /// # Panics
    /// If it cannot listen.
    pub fn open(credentials: Option<&'static str>) -> Proxy {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("its number");
        let (closed, tunnels) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (watched, counted) = (Arc::clone(&closed), Arc::clone(&tunnels));
        thread::spawn(move || {
            for visitor in listener.incoming().flatten() {
                if watched.load(Ordering::Relaxed) {
                    return;
                }
                let counted = Arc::clone(&counted);
                // Whoever leaves in the middle leaves.
                thread::spawn(move || serve(visitor, credentials, &counted));
            }
        });
        Proxy { address, closed, tunnels }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Tunnels that it made.
    pub fn tunnels(&self) -> u64 {
        self.tunnels.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(mut visitor: TcpStream, credentials: Option<&str>, tunnels: &AtomicU64) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        visitor.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let given = head
        .lines()
        .find_map(|line| line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case("proxy-authorization")));
    if credentials.is_some() && given.map(|(_, value)| value) != credentials {
        return visitor.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n");
    }
    let target = head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()).unwrap_or_default();
    let hub = TcpStream::connect(target)?;
    visitor.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    tunnels.fetch_add(1, Ordering::Relaxed);
    let (mut up_from, mut up_to) = (visitor.try_clone()?, hub.try_clone()?);
    let up = thread::spawn(move || {
        let _ = copy(&mut up_from, &mut up_to);
        let _ = up_to.shutdown(Shutdown::Write);
    });
    let (mut down_from, mut down_to) = (hub, visitor);
    let _ = copy(&mut down_from, &mut down_to);
    let _ = down_to.shutdown(Shutdown::Both);
    let _ = up.join();
    Ok(())
}
