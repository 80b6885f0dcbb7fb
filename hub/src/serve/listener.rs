//! The door for devices: TCP, TLS, HTTP/1.1, each under its own limit.
//!
//! ```text
//!   accept ── a place free? ── TLS within its time ── first request within its time ── requests, one after the other
//! ```
//!
//! One task a connection: a slow handshake keeps nobody else waiting. At most [`Limits::connections`] are open; the
//! next ones wait in the operating system's queue. A device that is known may keep its connection open between two
//! exchanges, a stranger may not.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::body::ReplyBody;
use super::routes::{Peer, Routes};
use super::stall::NeverStalls;

/// What a connection may use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Connections at once.
    pub(crate) connections: usize,
    /// From the first byte to the end of the handshake, and again to the head of the first request.
    pub(crate) handshake: Duration,
    /// How long a device's connection may wait for its next request.
    pub(crate) idle: Duration,
    /// How long what is written may wait for its reader.
    pub(crate) stall: Duration,
}

/// Bytes of a request's head. Ours have under 300.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Pause after the operating system refuses to accept, usually for want of file descriptors.
const REFUSED_PAUSE: Duration = Duration::from_millis(100);

/// The door.
pub(crate) struct Listener {
    /// Already bound.
    pub(crate) socket: TcpListener,
    /// What is shown; a renewed certificate replaces it while the door is open.
    pub(crate) tls: watch::Receiver<Arc<ServerConfig>>,
    /// Who answers requests.
    pub(crate) routes: Arc<Routes>,
    /// What a connection may use.
    pub(crate) limits: Limits,
}

impl Listener {
    /// Accepts until `stop` ends; then lets running requests finish for at most `grace`.
    pub(crate) async fn run(self, stop: impl Future<Output = ()>, grace: Duration) {
        let places = Arc::new(Semaphore::new(self.limits.connections));
        let graceful = GracefulShutdown::new();
        tokio::pin!(stop);
        loop {
            let accepted = tokio::select! {
                () = &mut stop => break,
                accepted = self.accept(&places) => accepted,
            };
            let Some((stream, address, place)) = accepted else { continue };
            let connection = Connection {
                tls: TlsAcceptor::from(self.tls.borrow().clone()),
                routes: Arc::clone(&self.routes),
                limits: self.limits,
                address,
                crowded: places.available_permits() < self.limits.connections / 4,
                _place: place,
            };
            tokio::spawn(connection.run(stream, graceful.watcher()));
        }
        drop(self.socket);
        if timeout(grace, graceful.shutdown()).await.is_err() {
            tracing::warn!(ev = "listener.cut", "requests were still running at the end of the grace time; cut off");
        }
    }

    async fn accept(&self, places: &Arc<Semaphore>) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        let place = Arc::clone(places).acquire_owned().await.ok()?;
        match self.socket.accept().await {
            Ok((stream, address)) => Some((stream, address, place)),
            Err(error) => {
                tracing::warn!(ev = "listener.accept_failed", %error, "cannot accept a connection");
                sleep(REFUSED_PAUSE).await;
                None
            }
        }
    }
}

struct Connection {
    tls: TlsAcceptor,
    routes: Arc<Routes>,
    limits: Limits,
    address: SocketAddr,
    /// Whether places were scarce when it came: then it may not wait long between two requests.
    crowded: bool,
    /// Given back when the connection ends.
    _place: OwnedSemaphorePermit,
}

impl Connection {
    async fn run(self, stream: TcpStream, watcher: Watcher) {
        // Small replies must leave at once; without this option a slow link would wait a round trip more.
        let _ = stream.set_nodelay(true);
        let stream = NeverStalls::new(stream, self.limits.stall);
        let stream = match timeout(self.limits.handshake, self.tls.accept(stream)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                return tracing::debug!(ev = "listener.handshake_failed", peer = %self.address, %error, "no handshake");
            }
            Err(_) => return tracing::debug!(ev = "listener.handshake_slow", peer = %self.address, "no handshake"),
        };
        let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first()).cloned();
        let idle = if certificate.is_some() && !self.crowded { self.limits.idle } else { self.limits.handshake };
        let peer = Arc::new(Peer { certificate: certificate.map(|der| der.into_owned()), address: self.address });

        let begun = Arc::new(AtomicBool::new(false));
        let service = service_fn({
            let (routes, begun) = (Arc::clone(&self.routes), Arc::clone(&begun));
            move |request: Request<Incoming>| {
                begun.store(true, Ordering::Relaxed);
                let (routes, peer) = (Arc::clone(&routes), Arc::clone(&peer));
                async move { Ok::<Response<ReplyBody>, std::convert::Infallible>(routes.answer(&peer, request).await) }
            }
        });
        let mut http = hyper::server::conn::http1::Builder::new();
        // The time for a head also runs while a connection waits for its next request.
        http.timer(TokioTimer::new()).header_read_timeout(idle).max_header_size(HEAD_BYTES_MAX).auto_date_header(false);
        let served = watcher.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::pin!(served);
        let first = sleep(self.limits.handshake);
        tokio::select! {
            result = &mut served => return self.note_end(result),
            () = first => {}
        }
        if begun.load(Ordering::Relaxed) {
            self.note_end(served.await);
        }
    }

    /// A link that breaks is the normal case: nothing for the operator to act on.
    fn note_end(&self, result: hyper::Result<()>) {
        if let Err(error) = result {
            tracing::debug!(ev = "listener.connection_ended", peer = %self.address, %error, "connection ended");
        }
    }
}
