//! Servers that answer in the hub's place and are not it: the login page of a hotspot, with TLS and without.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

const PAGE: &str = "<!doctype html><title>Wi-Fi gratis</title><p>Silakan masuk untuk memakai internet.";

/// A server that answers everything with 200 and a page.
#[derive(Debug)]
pub struct Portal {
    address: SocketAddr,
    closed: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
}

impl Portal {
    /// One that speaks plain HTTP.
    ///
    /// # Panics
    /// If it cannot listen.
    pub fn plain() -> Portal {
        Portal::open(None)
    }

    /// One that speaks TLS 1.3 under the hub's name, with a certificate of an authority of its own.
    ///
    /// # Panics
    /// If it cannot listen.
    pub fn with_own_authority() -> Portal {
        let made = rcgen::generate_simple_self_signed(vec![kentongan_host::tls::HUB_NAME.to_owned()]);
        let made = made.expect("a certificate of its own");
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("its key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("TLS 1.3")
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .expect("a certificate that fits its key");
        Portal::open(Some(Arc::new(config)))
    }

    fn open(tls: Option<Arc<ServerConfig>>) -> Portal {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("its number");
        let (closed, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (watched, counted) = (Arc::clone(&closed), Arc::clone(&answered));
        thread::spawn(move || {
            for visitor in listener.incoming().flatten() {
                if watched.load(Ordering::Relaxed) {
                    return;
                }
                // A visitor that leaves again is what these servers are for.
                let _ = visitor.set_read_timeout(Some(Duration::from_secs(5)));
                if welcome(visitor, tls.clone()).is_ok() {
                    counted.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        Portal { address, closed, answered }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Requests that it has read and answered.
    pub fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }
}

impl Drop for Portal {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

fn welcome(visitor: TcpStream, tls: Option<Arc<ServerConfig>>) -> std::io::Result<()> {
    match tls {
        None => answer(visitor),
        Some(tls) => {
            let connection = ServerConnection::new(tls).map_err(std::io::Error::other)?;
            answer(StreamOwned::new(connection, visitor))
        }
    }
}

/// Reads whatever comes first and answers with the page, as such boxes do.
fn answer(mut visitor: impl Read + Write) -> std::io::Result<()> {
    let read = visitor.read(&mut [0; 4096])?;
    if read == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\n\r\n", PAGE.len());
    visitor.write_all(head.as_bytes())?;
    visitor.write_all(PAGE.as_bytes())?;
    visitor.flush()
}
