//! The three verifiers. Each leaves chains and signatures to webpki and differs in one thing only.

use std::sync::Arc;
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme};

use super::{HUB_NAME, TlsError};
use crate::certificate::{self, Validity};

/// Checks a hub: chain to the pinned root, fixed name, expiry by the floor.
#[derive(Debug)]
pub(super) struct PinnedHub {
    webpki: Arc<WebPkiServerVerifier>,
    name: ServerName<'static>,
}

impl PinnedHub {
    pub(super) fn new(roots: Arc<RootCertStore>, provider: Arc<CryptoProvider>) -> Result<PinnedHub, TlsError> {
        let webpki =
            WebPkiServerVerifier::builder_with_provider(roots, provider).build().map_err(TlsError::Verifier)?;
        let name = ServerName::try_from(HUB_NAME).expect("the fixed name is a valid name");
        Ok(PinnedHub { webpki, name })
    }
}

impl ServerCertVerifier for PinnedHub {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _dialled: &ServerName<'_>,
        ocsp_response: &[u8],
        floor: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        // The floor is a lower bound of the true time: it can prove that a certificate has ended, never that it has
        // not begun yet.
        let begins = begin(validity(end_entity)?);
        let now = if floor < begins { begins } else { floor };
        self.webpki.verify_server_cert(end_entity, intermediates, &self.name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(no_tls12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.webpki.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ASKED_OF_SERVERS.to_vec()
    }
}

/// What offices say that they could check, though a hub's certificate and its signature are Ed25519. A proxy that opens
/// TLS answers with its own certificate then, and people are told that it is the wrong one; asked for Ed25519 alone, it
/// could only break off.
const ASKED_OF_SERVERS: [SignatureScheme; 5] = [
    SignatureScheme::ED25519,
    SignatureScheme::ECDSA_NISTP256_SHA256,
    SignatureScheme::ECDSA_NISTP384_SHA384,
    SignatureScheme::RSA_PSS_SHA256,
    SignatureScheme::RSA_PKCS1_SHA256,
];

/// Accepts any server; see [`super::fetch_only_config`] for the one use it has.
#[derive(Debug)]
pub(super) struct AnyServer;

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _dialled: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(no_tls12())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        // Whoever may show any certificate proves nothing by holding its key.
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ASKED_OF_SERVERS.to_vec()
    }
}

/// Checks a device: chain to the root and purpose, but not expiry, so that an office whose certificate has ended is
/// told so in words instead of meeting a closed door.
#[derive(Debug)]
pub(super) struct AnyTimeDevice {
    webpki: Arc<dyn ClientCertVerifier>,
}

impl AnyTimeDevice {
    pub(super) fn new(roots: Arc<RootCertStore>, provider: Arc<CryptoProvider>) -> Result<AnyTimeDevice, TlsError> {
        let webpki = WebPkiClientVerifier::builder_with_provider(roots, provider)
            .allow_unauthenticated()
            .clear_root_hint_subjects()
            .build()
            .map_err(TlsError::Verifier)?;
        Ok(AnyTimeDevice { webpki })
    }
}

impl ClientCertVerifier for AnyTimeDevice {
    fn client_auth_mandatory(&self) -> bool {
        self.webpki.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.webpki.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let begins = begin(validity(end_entity)?);
        self.webpki.verify_client_cert(end_entity, intermediates, begins)
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(no_tls12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.webpki.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        // The keys of devices are of this one kind; the list is sent with every full handshake.
        vec![SignatureScheme::ED25519]
    }
}

fn validity(certificate: &CertificateDer<'_>) -> Result<Validity, Error> {
    certificate::facts(certificate)
        .map(|facts| facts.validity)
        .ok_or(Error::InvalidCertificate(CertificateError::BadEncoding))
}

fn begin(validity: Validity) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(validity.not_before_s).unwrap_or(0)))
}

fn no_tls12() -> Error {
    Error::General("TLS 1.2 is not offered".into())
}
