//! The door for browsers: HTTP/1.1, one task a connection, everything bounded.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::sleep;

use crate::asked::Asked;
use crate::guard::Guard;
use crate::reply::Reply;

/// Bytes of a request's head.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Pause after the operating system refuses to accept.
const REFUSED_PAUSE: Duration = Duration::from_millis(100);

/// What browsers may use.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at once: a browser opens six.
    pub connections: usize,
    /// For a request's head, and between two requests of a connection.
    pub head: Duration,
    /// For a whole connection, however busy.
    pub life: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { connections: 128, head: Duration::from_secs(30), life: Duration::from_secs(3600) }
    }
}

/// The pages.
pub trait Site: Send + Sync + 'static {
    /// The answer to a request. Never fails: what goes wrong is an answer too.
    fn answer(&self, asked: Asked) -> impl Future<Output = Reply> + Send;
}

/// Serves `site` on `socket` until dropped.
pub async fn serve(socket: TcpListener, guard: Guard, site: Arc<impl Site>, limits: Limits) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let guard = Arc::new(guard);
    // Connections end with the door.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        while connections.try_join_next().is_some() {}
        match socket.accept().await {
            Ok((stream, peer)) => {
                let connection = converse(stream, peer.ip(), Arc::clone(&guard), Arc::clone(&site), limits);
                connections.spawn(async move {
                    if tokio::time::timeout(limits.life, connection).await.is_err() {
                        tracing::debug!(ev = "page.connection_old", "a connection was held for too long");
                    }
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(ev = "page.accept_failed", %error, "cannot accept a connection");
                sleep(REFUSED_PAUSE).await;
            }
        }
    }
}

async fn converse(stream: TcpStream, peer: IpAddr, guard: Arc<Guard>, site: Arc<impl Site>, limits: Limits) {
    // Small answers leave at once; a socket that refuses is only slower.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: Request<Incoming>| {
        let (guard, site) = (Arc::clone(&guard), Arc::clone(&site));
        async move { Ok::<_, Infallible>(answer(&guard, &*site, peer, request).await) }
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.head);
    http.max_header_size(HEAD_BYTES_MAX).max_headers(64).auto_date_header(false);
    if let Err(error) = http.serve_connection(TokioIo::new(stream), service).await {
        // A browser that goes away is the normal case.
        tracing::debug!(ev = "page.connection_ended", %error, "connection ended");
    }
}

async fn answer(guard: &Guard, site: &impl Site, peer: IpAddr, request: Request<Incoming>) -> Response<Full<Bytes>> {
    if let Err(refusal) = guard.admit(request.method(), request.uri(), request.headers()) {
        tracing::warn!(ev = "page.refused", why = refusal.name(), "a request that is not from our page was refused");
        return Reply::text("403\n").but(StatusCode::FORBIDDEN).into_response();
    }
    let asked = Asked::of(request, peer);
    let session = (asked.is_new && guard.has_sessions()).then(|| Asked::session_cookie(&asked.session));
    let reply = site.answer(asked).await;
    match session {
        Some(cookie) => reply.with_cookie(&cookie),
        None => reply,
    }
    .into_response()
}
