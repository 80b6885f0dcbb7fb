//! The door for devices: TCP, TLS, and then what was asked for by ALPN, each under its own limit.
//!
//! ```text
//!                                                    ┌─ ktg/1: exchanges, one after the other
//!   accept ── a place free? ── TLS within its time ──┤
//!                                                    └─ else: HTTP/1.1, for joining and renewing
//! ```
//!
//! One task a connection: a slow handshake keeps nobody else waiting. At most [`Limits::connections`] are open; the
//! next ones wait in the operating system's queue. A device that is known may keep its connection open between two
//! exchanges as long as places are plenty, a stranger may not.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use kentongan_host::tcp;
use kentongan_host::tls::EXCHANGE;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::body::ReplyBody;
use super::exchange;
use super::routes::{Peer, Routes};
use super::stall::NeverStalls;

/// What a connection may use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Connections at once.
    pub(crate) connections: usize,
    /// From the first byte to the end of the handshake, and again to the first request.
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

/// How long a connection may be silent between two requests.
#[derive(Debug)]
pub(super) struct Waits {
    limits: Limits,
    is_known: bool,
    places: Arc<Semaphore>,
}

impl Waits {
    /// Before the first request.
    pub(super) fn first(&self) -> Duration {
        self.limits.handshake
    }

    /// Before the next one. Where places are scarce, or for a stranger, it is no longer.
    pub(super) fn next(&self) -> Duration {
        let is_crowded = self.places.available_permits() < self.limits.connections / 4;
        if self.is_known && !is_crowded { self.limits.idle } else { self.limits.handshake }
    }
}

impl Listener {
    /// Accepts until `stop` ends; then lets running requests finish for at most `grace`.
    pub(crate) async fn run(self, stop: impl Future<Output = ()>, grace: Duration) {
        let places = Arc::new(Semaphore::new(self.limits.connections));
        let (stopping, stopped) = watch::channel(());
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
                places: Arc::clone(&places),
                stopped: stopped.clone(),
                _place: place,
            };
            tokio::spawn(connection.run(stream));
        }
        drop((self.socket, stopped));
        let _ = stopping.send(());
        // Each connection holds the other end.
        if timeout(grace, stopping.closed()).await.is_err() {
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
    places: Arc<Semaphore>,
    /// Says that the hub stops.
    stopped: watch::Receiver<()>,
    /// Given back when the connection ends.
    _place: OwnedSemaphorePermit,
}

impl Connection {
    async fn run(mut self, stream: TcpStream) {
        // Small replies must leave at once; without this a slow link would wait a round trip more.
        tcp::bound(&stream, self.limits.stall);
        let stream = NeverStalls::new(stream, self.limits.stall);
        let handshake = Box::pin(timeout(self.limits.handshake, self.tls.accept(stream)));
        let mut stream = match handshake.await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                return tracing::debug!(ev = "listener.handshake_failed", peer = %self.address, %error, "no handshake");
            }
            Err(_) => return tracing::debug!(ev = "listener.handshake_slow", peer = %self.address, "no handshake"),
        };
        let session = stream.get_ref().1;
        let certificate = session.peer_certificates().and_then(|chain| chain.first()).cloned();
        let waits = Waits { limits: self.limits, is_known: certificate.is_some(), places: Arc::clone(&self.places) };
        let exchanges = session.alpn_protocol() == Some(EXCHANGE);
        let peer = Peer { certificate: certificate.map(|der| der.into_owned()), address: self.address };
        if exchanges {
            exchange::serve(&self.routes.serving, &peer, &waits, &mut stream, &mut self.stopped).await;
        } else {
            Box::pin(self.serve_http(stream, Arc::new(peer), &waits)).await;
        }
    }

    async fn serve_http(&mut self, stream: TlsStream<NeverStalls<TcpStream>>, peer: Arc<Peer>, waits: &Waits) {
        let routes = Arc::clone(&self.routes);
        let service = service_fn(move |request: Request<Incoming>| {
            let (routes, peer) = (Arc::clone(&routes), Arc::clone(&peer));
            async move { Ok::<Response<ReplyBody>, std::convert::Infallible>(routes.answer(&peer, request).await) }
        });
        let mut http = hyper::server::conn::http1::Builder::new();
        // The time for a head also runs while a connection waits for its next request: whoever joins has few.
        http.timer(TokioTimer::new()).header_read_timeout(waits.first());
        http.max_header_size(HEAD_BYTES_MAX).auto_date_header(false);
        let served = http.serve_connection(TokioIo::new(stream), service);
        tokio::pin!(served);
        let ended = tokio::select! {
            ended = &mut served => ended,
            _ = self.stopped.changed() => {
                served.as_mut().graceful_shutdown();
                served.await
            }
        };
        // A link that breaks is the normal case: nothing for the operator to act on.
        if let Err(error) = ended {
            tracing::debug!(ev = "listener.connection_ended", peer = %self.address, %error, "connection ended");
        }
    }
}
