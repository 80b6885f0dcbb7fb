//! Letters to programs: a signed `POST` of JSON, in the manner of Standard Webhooks 1.0.0.
//!
//! ```text
//!   POST …
//!   webhook-id: msg_…              the same for every attempt: who knows it already answers 200 and does nothing
//!   webhook-timestamp: 1795000000  of this attempt; one that is minutes off is a repetition by a stranger
//!   webhook-signature: v1,BASE64   HMAC-SHA256 of `id.timestamp.body` with the bytes behind `whsec_`
//! ```
//!
//! Any 2xx means taken; 410 means never again; everything else, a redirection too, is tried again later.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use kentongan_host::random::random_bytes;
use ring::hmac;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::ledger::Refused;
use super::letter::Letter;
use super::options::is_here;

/// Longest time for one attempt.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(20);
/// What stands before a key.
const KEY_MARK: &str = "whsec_";

/// The key that messages are signed with.
pub(super) struct Key(hmac::Key);

impl Key {
    /// A new one, as it stands in a file.
    pub(super) fn draw() -> String {
        format!("{KEY_MARK}{}", BASE64_STANDARD.encode(random_bytes::<32>()))
    }

    /// Reads one; `None` if it is none.
    pub(super) fn read(text: &str) -> Option<Key> {
        let bytes = BASE64_STANDARD.decode(text.strip_prefix(KEY_MARK)?).ok()?;
        let is_long_enough = (24..=64).contains(&bytes.len());
        is_long_enough.then(|| Key(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// The signature of a message, as its header has it.
    fn sign(&self, id: &str, timestamp_s: i64, body: &[u8]) -> String {
        let signed = [format!("{id}.{timestamp_s}.").as_bytes(), body].concat();
        format!("v1,{}", BASE64_STANDARD.encode(hmac::sign(&self.0, &signed)))
    }
}

/// Where a program listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    host: String,
    port: u16,
    is_encrypted: bool,
    authority: String,
    path: String,
}

impl Address {
    /// Reads one; `None` if nothing may be sent there: in clear only what stays on this machine.
    pub(super) fn of(uri: &Uri) -> Option<Address> {
        let host = uri.host()?.trim_matches(['[', ']']).to_owned();
        let is_encrypted = match uri.scheme_str()? {
            "https" => true,
            "http" if is_here(&host) => false,
            _ => return None,
        };
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'))?.to_string();
        let port = uri.port_u16().unwrap_or(if is_encrypted { 443 } else { 80 });
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Some(Address { host, port, is_encrypted, authority, path })
    }

    /// What it is called where people read it: the host, and something that tells one path there from another without
    /// giving it away.
    pub(super) fn name(&self) -> String {
        let [first, second, third, ..] = <[u8; 32]>::from(Sha256::digest(self.path.as_bytes()));
        format!("{} #{first:02x}{second:02x}{third:02x}", self.authority)
    }
}

/// Sends a letter to one program. `now_s` is the time of the attempt, seconds since 1970.
///
/// # Errors
/// The program did not take it.
pub(super) async fn send(address: &Address, key: &Key, letter: &Letter, now_s: i64) -> Result<(), Refused> {
    let body = letter.document().to_string().into_bytes();
    let id = format!("msg_{}", letter.id);
    let request = Request::post(&address.path)
        .header(HOST, &address.authority)
        .header(USER_AGENT, concat!("kentongan-hub/", env!("CARGO_PKG_VERSION")))
        .header(CONTENT_TYPE, "application/json")
        .header("webhook-signature", key.sign(&id, now_s, &body))
        .header("webhook-timestamp", now_s)
        .header("webhook-id", id)
        .body(Full::new(Bytes::from(body)))
        .map_err(|_| refused("the request cannot be written"))?;
    let status = match timeout(ATTEMPT_TIMEOUT, exchange(address, request)).await {
        Ok(status) => status?,
        Err(_) => return Err(refused("timeout")),
    };
    if status.is_success() {
        return Ok(());
    }
    Err(Refused { why: format!("http {}", status.as_u16()), is_gone: status == StatusCode::GONE })
}

async fn exchange(address: &Address, request: Request<Full<Bytes>>) -> Result<StatusCode, Refused> {
    let tcp = TcpStream::connect((address.host.as_str(), address.port)).await;
    let tcp = tcp.map_err(|_| refused("no connection"))?;
    if !address.is_encrypted {
        return ask(tcp, request).await;
    }
    let name = ServerName::try_from(address.host.clone()).map_err(|_| refused("no name"))?;
    let tls = TlsConnector::from(trusting_as_this_machine()?).connect(name, tcp).await;
    ask(tls.map_err(|_| refused("tls"))?, request).await
}

async fn ask(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<StatusCode, Refused> {
    let no_answer = |_| refused("no answer");
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(no_answer)?;
    let answer = sender.send_request(request);
    tokio::pin!(answer);
    // The connection is served until there is a status; what follows it is of no interest.
    tokio::select! {
        answer = &mut answer => answer.map(|answer| answer.status()).map_err(no_answer),
        _ = connection => answer.await.map(|answer| answer.status()).map_err(no_answer),
    }
}

/// Whoever this machine trusts: administrators add the authority of their own network there.
fn trusting_as_this_machine() -> Result<Arc<ClientConfig>, Refused> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|_| refused("tls"))?.with_root_certificates(roots).with_no_client_auth();
    Ok(Arc::new(config))
}

fn refused(why: &str) -> Refused {
    Refused { why: why.to_owned(), is_gone: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Option<Address> {
        Address::of(&text.parse().expect("an address"))
    }

    #[test]
    fn a_signature_is_the_one_that_others_compute() {
        // Of the reference libraries of Standard Webhooks.
        let key = Key::read("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a key");
        let signature = key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        let drawn = Key::draw();
        assert!(Key::read(&drawn).is_some() && drawn != Key::draw());
        for none in
            ["", "whsec_", "whsec_MfKQ", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_*fKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
        {
            assert!(Key::read(none).is_none(), "{none}");
        }
    }

    #[test]
    fn only_what_stays_on_this_machine_goes_in_clear() {
        let known = address("https://a.go.id/x?kunci=1").expect("encrypted");
        assert_eq!((known.host.as_str(), known.port, known.path.as_str()), ("a.go.id", 443, "/x?kunci=1"));
        assert!(known.name().starts_with("a.go.id #") && !known.name().contains("kunci"), "{}", known.name());
        assert_ne!(known.name(), address("https://a.go.id/y").expect("encrypted").name());
        assert!(address("http://[::1]:8080/").is_some_and(|address| address.port == 8080 && address.host == "::1"));
        for no in ["http://a.go.id/", "http://10.0.0.7/", "ftp://127.0.0.1/", "https://sari:pin@a.go.id/", "/x"] {
            assert_eq!(address(no), None, "{no}");
        }
    }
}
