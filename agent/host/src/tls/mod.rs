//! TLS between offices and hub: who accepts whom, and by which time.
//!
//! ```text
//!   office ── pinned root, server name "kentongan-hub" whatever was dialled, time floor ──▶ hub
//!   office ◀── same root, purpose client; expiry and standing judged per request ────────── hub
//! ```
//!
//! - TLS 1.3 only, `ring` given explicitly: no process-wide default that another crate could change.
//! - The root is pinned at enrolment; public authorities count for nothing here.
//! - No early data: it could be replayed, and it would save no round trip with our servers.
//! - Sessions resume within a process. A resumed connection does not show its certificate again, which is one more
//!   reason why the hub judges a device's standing on every request.

pub mod fault;
mod floor;
mod verify;

use std::sync::Arc;

use rustls::crypto::ring::sign::any_eddsa_type;
use rustls::crypto::{CryptoProvider, GetRandomFailed, KeyProvider, SecureRandom, WebPkiSupportedAlgorithms};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ServerSessionMemoryCache;
use rustls::time_provider::TimeProvider;
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig, SignatureScheme};
use webpki::ring::ED25519;

pub use fault::{LinkFault, classify};
pub use floor::{FloorTime, RELEASED_S};

/// The name in every hub's certificate. Whatever host name or address an office dials, this is the name it checks:
/// a hub may move, get another name or sit behind a proxy without a new certificate.
pub const HUB_NAME: &str = "kentongan-hub";

/// What a connection is asked to carry, by ALPN: exchanges, frame by frame, without HTTP. A connection that asks for
/// nothing carries HTTP/1.1, for joining and renewing.
pub const EXCHANGE: &[u8] = b"ktg/1";

/// The other thing that a hub offers.
const HTTP: &[u8] = b"http/1.1";

/// Sessions that a hub remembers for resumption. One takes about 1 KB, so this bounds them to a few MB; a device that
/// has been forgotten makes a full handshake (800 bytes more).
const SESSIONS_MAX: usize = 4096;

/// Why a TLS configuration could not be made: a key or certificate of ours is not usable.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The root certificate is not one.
    #[error("the root certificate is not usable")]
    Root(#[source] rustls::Error),
    /// No verifier can be made from the root.
    #[error("no verifier can be made from the root certificate")]
    Verifier(#[source] rustls::client::VerifierBuilderError),
    /// Certificate and key do not fit each other, or the key is of an unknown kind.
    #[error("certificate and key are not usable")]
    Identity(#[source] rustls::Error),
}

/// A certificate chain and its key.
#[derive(Debug)]
pub struct Credentials {
    /// The own certificate first; ours have no intermediates.
    pub chain: Vec<CertificateDer<'static>>,
    /// The private key of the first certificate.
    pub key: PrivateKeyDer<'static>,
}

/// How an office talks to its hub: it accepts only a certificate of the pinned root for [`HUB_NAME`], and shows its
/// own if it has one. `time` decides about expiry, see [`FloorTime`].
///
/// # Errors
/// The root or the device's credentials are not usable.
pub fn client_config(
    root: &CertificateDer<'static>,
    device: Option<Credentials>,
    time: Arc<dyn TimeProvider>,
) -> Result<ClientConfig, TlsError> {
    let verifier = Arc::new(verify::PinnedHub::new(roots(root)?, provider())?);
    let builder = ClientConfig::builder_with_details(provider(), time)
        .with_protocol_versions(&[&TLS13])
        .expect("ring offers suites for TLS 1.3")
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    match device {
        Some(device) => builder.with_client_auth_cert(device.chain, device.key).map_err(TlsError::Identity),
        None => Ok(builder.with_no_client_auth()),
    }
}

/// The same for connections that carry exchanges. Both remember the same sessions.
pub fn for_exchanges(config: &ClientConfig) -> ClientConfig {
    let mut config = config.clone();
    config.alpn_protocols = vec![EXCHANGE.to_vec()];
    config
}

/// Accepts any certificate at all. For one thing only: to fetch the root certificate at enrolment, when there is
/// nothing yet to check it with. What is fetched is then compared with the fingerprint in the enrolment code, which
/// came to the office by another way; no secret may be sent over such a connection.
pub fn fetch_only_config() -> ClientConfig {
    ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .expect("ring offers suites for TLS 1.3")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verify::AnyServer))
        .with_no_client_auth()
}

/// How a hub listens. A device may show a certificate of `root`, even an expired one: whether it is expired, revoked
/// or unknown is judged per request, in words. Without a certificate only the enrolment routes are of use.
///
/// # Errors
/// The hub's credentials or the root are not usable.
pub fn server_config(hub: Credentials, root: &CertificateDer<'static>) -> Result<ServerConfig, TlsError> {
    let verifier = Arc::new(verify::AnyTimeDevice::new(roots(root)?, provider())?);
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .expect("ring offers suites for TLS 1.3")
        .with_client_cert_verifier(verifier)
        .with_single_cert(hub.chain, hub.key)
        .map_err(TlsError::Identity)?;
    // Sessions live here: a stateless ticket would carry the device's certificate back and forth, 2.4 KB each time.
    config.session_storage = ServerSessionMemoryCache::new(SESSIONS_MAX);
    config.alpn_protocols = vec![EXCHANGE.to_vec(), HTTP.to_vec()];
    config.send_tls13_tickets = 1;
    config.max_early_data_size = 0;
    Ok(config)
}

/// What is offered is sent with every hello: one key exchange and two suites, one for processors with AES and one for
/// those without. Keys are Ed25519 and nothing else.
///
/// Nothing is taken from the library's own provider: that would carry every other curve and RSA into the program.
fn provider() -> Arc<CryptoProvider> {
    use rustls::crypto::ring::{cipher_suite, kx_group};
    Arc::new(CryptoProvider {
        cipher_suites: vec![cipher_suite::TLS13_AES_128_GCM_SHA256, cipher_suite::TLS13_CHACHA20_POLY1305_SHA256],
        kx_groups: vec![kx_group::X25519],
        signature_verification_algorithms: ED25519_ALONE,
        secure_random: &Ring,
        key_provider: &Ring,
    })
}

const ED25519_ALONE: WebPkiSupportedAlgorithms =
    WebPkiSupportedAlgorithms { all: &[ED25519], mapping: &[(SignatureScheme::ED25519, &[ED25519])] };

/// Randomness and private keys, by `ring`.
#[derive(Debug)]
struct Ring;

impl SecureRandom for Ring {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), GetRandomFailed> {
        ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), bytes).map_err(|_| GetRandomFailed)
    }
}

impl KeyProvider for Ring {
    fn load_private_key(
        &self,
        key: PrivateKeyDer<'static>,
    ) -> Result<Arc<dyn rustls::sign::SigningKey>, rustls::Error> {
        match key {
            PrivateKeyDer::Pkcs8(key) => any_eddsa_type(&key),
            _ => Err(rustls::Error::General("not an Ed25519 key in PKCS#8".into())),
        }
    }
}

fn roots(root: &CertificateDer<'static>) -> Result<Arc<RootCertStore>, TlsError> {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).map_err(TlsError::Root)?;
    Ok(Arc::new(roots))
}

#[cfg(test)]
mod tests;
