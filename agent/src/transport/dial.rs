//! From an address to a connection that is encrypted and checked: name resolution, proxy, TCP, TLS.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hyper::Uri;
use hyper::service::Service;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::service::TowerToHyperService;
use kentongan_host::ktg::Ktg;
use kentongan_host::tls::fault::LinkFault;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::{LinkError, LinkSettings, link_error, stranger};

/// A connection to the hub.
pub(super) type Stream = tokio_rustls::client::TlsStream<TcpStream>;

/// The way to one hub.
pub(super) struct Dialler {
    /// Scheme, host and port of the hub.
    pub(super) address: Uri,
    name: ServerName<'static>,
    proxy: Option<Intercept>,
    tcp: HttpConnector,
    connect_timeout: Duration,
    /// Longest silence on a connection from which something is awaited.
    pub(super) idle_timeout: Duration,
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
        Ok(Dialler { address, name, proxy, tcp, connect_timeout, idle_timeout })
    }

    /// A fresh connection.
    ///
    /// # Errors
    /// Whatever keeps it from being made, within the time for it.
    pub(super) async fn dial(&self, tls: &Arc<ClientConfig>) -> Result<Stream, LinkError> {
        match timeout(self.connect_timeout, self.dial_patiently(tls)).await {
            Ok(dialled) => dialled,
            Err(late) => Err(link_error(&late)),
        }
    }

    async fn dial_patiently(&self, tls: &Arc<ClientConfig>) -> Result<Stream, LinkError> {
        let tcp = self.reach().await?;
        let stream = TlsConnector::from(Arc::clone(tls)).connect(self.name.clone(), tcp).await;
        let stream = stream.map_err(|error| link_error(&error))?;
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
    LinkError { ktg: Ktg::Proxy, class: LinkFault::Proxy.class(), detail: detail.to_owned(), stale: false }
}
