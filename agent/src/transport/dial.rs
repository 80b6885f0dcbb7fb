//! From an address to a connection that is encrypted and checked: name resolution, proxy, TCP, TLS.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hyper::Uri;
use hyper::service::Service;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::service::TowerToHyperService;
use kentongan_host::ktg::Ktg;
use kentongan_host::tcp;
use kentongan_host::tls::fault::LinkFault;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::{LinkError, LinkSettings, link_error, stranger};

/// A connection to the hub.
pub(super) type Stream = tokio_rustls::client::TlsStream<TcpStream>;

/// Shortest time without a sign of life after which a connection counts as dead: two packets in a row may be lost on the
/// best of links.
const PATIENCE_MIN: Duration = Duration::from_secs(4);

/// How many round trips, beside [`PATIENCE_SPARE`], a link may be silent: as many as it takes a sender to repeat a packet
/// twice.
const PATIENCE_ROUND_TRIPS: u32 = 6;

/// For the other end to think, and for what varies.
const PATIENCE_SPARE: Duration = Duration::from_secs(2);

/// How long to try on a link of which nothing is known yet: several times what it takes over the slowest.
const UNKNOWN_DIAL: Duration = Duration::from_secs(15);

/// How many round trips, beside [`REACH_SPARE`], the first sign of the other end may take: a name is looked up, and one
/// packet is lost.
const REACH_ROUND_TRIPS: u32 = 3;

/// For what varies.
const REACH_SPARE: Duration = Duration::from_millis(500);

/// Long enough for a second call: systems repeat the first after a second.
const REACH_MIN: Duration = Duration::from_millis(1_500);

/// After so many connections that could not be made, attempts become twice as long.
const MISSES_PATIENT: u32 = 12;

/// The way to one hub.
pub(super) struct Dialler {
    /// Scheme, host and port of the hub.
    pub(super) address: Uri,
    name: ServerName<'static>,
    proxy: Option<Intercept>,
    tcp: HttpConnector,
    pub(super) connect_timeout: Duration,
    /// Longest silence of a hub that is there.
    pub(super) idle_timeout: Duration,
    /// Of the connection that was made last, in milliseconds; 0: none was made yet.
    round_trip_ms: AtomicU64,
    /// Connections that could not be made since the last one that could.
    misses: AtomicU32,
}

impl Dialler {
    /// Towards the hub of `settings`.
    ///
    /// # Errors
    /// If the hub's or the proxy's address is none.
    pub(super) fn new(settings: &LinkSettings) -> Result<Dialler, LinkError> {
        let address: Uri = settings.url.trim_end_matches('/').parse().map_err(|error| link_error(&error))?;
        let host = address.host().filter(|_| address.scheme_str() == Some("https"));
        let host = host.ok_or_else(|| stranger("the hub's address is not https://host or https://host:port"))?;
        let name = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(name).map_err(|error| link_error(&error))?;
        let proxy = proxy(&settings.proxy, &address)?;
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(settings.connect_timeout));
        let LinkSettings { connect_timeout, idle_timeout, .. } = *settings;
        let (round_trip_ms, misses) = Default::default();
        Ok(Dialler { address, name, proxy, tcp, connect_timeout, idle_timeout, round_trip_ms, misses })
    }

    /// A fresh connection, within `longest`.
    ///
    /// # Errors
    /// Whatever keeps it from being made.
    pub(super) async fn dial(&self, tls: &Arc<ClientConfig>, longest: Duration) -> Result<Stream, LinkError> {
        let dialled = match timeout(longest, self.dial_patiently(tls)).await {
            Ok(dialled) => dialled,
            Err(late) => Err(link_error(&late)),
        };
        match dialled.is_ok() {
            true => self.misses.store(0, Ordering::Relaxed),
            false => _ = self.misses.fetch_add(1, Ordering::Relaxed),
        }
        dialled
    }

    /// Round trip of the connection that was made last, in milliseconds; 0: none was made yet.
    pub(super) fn round_trip_ms(&self) -> u32 {
        u32::try_from(self.round_trip_ms.load(Ordering::Relaxed)).unwrap_or(u32::MAX)
    }

    /// How long a connection may give no sign of life while something is awaited from it.
    pub(super) fn patience(&self) -> Duration {
        let round_trip = Duration::from_millis(self.round_trip_ms.load(Ordering::Relaxed));
        (round_trip * PATIENCE_ROUND_TRIPS + PATIENCE_SPARE).max(PATIENCE_MIN).min(self.idle_timeout)
    }

    /// How long to try where one attempt follows another. A link that was lost answers soon after it is back or not at
    /// all, and a fresh attempt notices that sooner than an old one, whose repetitions come ever more seldom.
    pub(super) fn dial_time(&self) -> Duration {
        let first = match self.round_trip_ms.load(Ordering::Relaxed) {
            0 => UNKNOWN_DIAL,
            _ => self.patience().saturating_mul(2),
        };
        self.patiently_more(first)
    }

    /// How long to wait for the first sign of the other end. The system repeats an unanswered call ever more seldom: a
    /// fresh one finds a link that is back sooner.
    fn reach_time(&self) -> Duration {
        match self.round_trip_ms() {
            0 => self.connect_timeout,
            ms => {
                let round_trips = Duration::from_millis(u64::from(ms)) * REACH_ROUND_TRIPS;
                self.patiently_more((round_trips + REACH_SPARE).max(REACH_MIN))
            }
        }
    }

    /// Longer after many misses: the link may have become another one.
    fn patiently_more(&self, first: Duration) -> Duration {
        let misses = self.misses.load(Ordering::Relaxed).min(4 * MISSES_PATIENT);
        first.saturating_mul(1 << (misses / MISSES_PATIENT)).min(self.connect_timeout)
    }

    async fn dial_patiently(&self, tls: &Arc<ClientConfig>) -> Result<Stream, LinkError> {
        let began = Instant::now();
        let reached = timeout(self.reach_time(), self.reach()).await;
        let tcp = reached.map_err(|late| link_error(&late))??;
        tcp::expect(&tcp, self.connect_timeout);
        let reached = began.elapsed();
        let stream = TlsConnector::from(Arc::clone(tls)).connect(self.name.clone(), tcp).await;
        let stream = stream.map_err(|error| link_error(&error))?;
        // Either took a round trip and something more: looking up a name, or repeating a lost packet.
        let round_trip = reached.min(began.elapsed() - reached);
        self.round_trip_ms.store(u64::try_from(round_trip.as_millis()).unwrap_or(u64::MAX).max(1), Ordering::Relaxed);
        let agreed = stream.get_ref().1.alpn_protocol();
        match agreed == tls.alpn_protocols.first().map(Vec::as_slice) {
            true => Ok(stream),
            false => Err(stranger("the hub does not speak this protocol on its connections")),
        }
    }

    /// To the hub's door, through the proxy if there is one.
    async fn reach(&self) -> Result<TcpStream, LinkError> {
        let Some(proxy) = &self.proxy else {
            let reached = TowerToHyperService::new(self.tcp.clone()).call(self.address.clone()).await;
            return reached.map(|stream| stream.into_inner()).map_err(|error| link_error(&error));
        };
        let mut tunnel = Tunnel::new(proxy.uri().clone(), self.tcp.clone());
        if let Some(credentials) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(credentials.clone());
        }
        let reached = TowerToHyperService::new(tunnel).call(self.address.clone()).await;
        reached.map(|stream| stream.into_inner()).map_err(|error| link_error(&error))
    }
}

impl fmt::Debug for Dialler {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A proxy's address may hold a password.
        to.debug_struct("Dialler").field("address", &self.address).finish_non_exhaustive()
    }
}

/// The proxy to go through towards `hub`, by the setting.
fn proxy(setting: &str, hub: &Uri) -> Result<Option<Intercept>, LinkError> {
    let proxy = match setting {
        "none" => return Ok(None),
        "system" => match Matcher::from_system().intercept(hub) {
            Some(proxy) => proxy,
            None => return Ok(None),
        },
        address => {
            let proxy = Matcher::builder().all(address).build().intercept(hub);
            proxy.ok_or_else(|| no_proxy("the proxy's address is none"))?
        }
    };
    match proxy.uri().scheme_str() {
        Some("http") => Ok(Some(proxy)),
        _ => Err(no_proxy("only proxies that are spoken to by http:// can be used")),
    }
}

fn no_proxy(detail: &str) -> LinkError {
    let (stale, reached) = (false, false);
    LinkError { ktg: Ktg::Proxy, class: LinkFault::Proxy.class(), detail: detail.to_owned(), stale, reached }
}
