//! What kept an office from its hub, read from the chain of causes that the libraries give.
//!
//! Where a library has a type for it, the type decides; where it has only words (name resolution, proxies), the words
//! do. The tests hold real errors against it.

use std::error::Error;
use std::io;

use rustls::{AlertDescription, CertificateError};

use crate::ktg::Ktg;

/// What kept an office from its hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LinkFault {
    /// No network at all.
    NoNetwork,
    /// The hub's name cannot be found.
    Dns,
    /// The proxy refuses or answers nonsense.
    Proxy,
    /// Nothing accepts at the hub's address.
    Refused,
    /// No answer in time.
    TimedOut,
    /// What answers does not speak TLS 1.3: a captive portal or another server.
    NotTheHub,
    /// The certificate shown does not come from the pinned root, or not for a hub.
    WrongAuthority,
    /// The hub's certificate has expired.
    HubExpired,
    /// The hub says that our certificate has expired.
    DeviceExpired,
    /// The hub says that our certificate is revoked, or does not accept it.
    DeviceRefused,
    /// The connection was cut in the middle, or failed in a way that has no name here.
    Cut,
}

impl LinkFault {
    /// The code that people are shown.
    pub fn ktg(self) -> Ktg {
        match self {
            LinkFault::NoNetwork => Ktg::NoNetwork,
            LinkFault::Dns => Ktg::Dns,
            LinkFault::Proxy => Ktg::Proxy,
            LinkFault::Refused | LinkFault::TimedOut => Ktg::Unreachable,
            LinkFault::NotTheHub => Ktg::NotTheHub,
            LinkFault::WrongAuthority => Ktg::WrongCertificate,
            LinkFault::HubExpired => Ktg::HubExpired,
            LinkFault::DeviceExpired => Ktg::DeviceExpired,
            LinkFault::DeviceRefused => Ktg::Revoked,
            LinkFault::Cut => Ktg::Cut,
        }
    }

    /// The class in logs and in `status --json`.
    pub fn class(self) -> &'static str {
        match self {
            LinkFault::NoNetwork => "no_network",
            LinkFault::Dns => "dns",
            LinkFault::Proxy => "proxy",
            LinkFault::Refused => "refused",
            LinkFault::TimedOut => "timeout",
            LinkFault::NotTheHub => "not_the_hub",
            LinkFault::WrongAuthority => "tls",
            LinkFault::HubExpired => "hub_expired",
            LinkFault::DeviceExpired => "device_expired",
            LinkFault::DeviceRefused => "auth",
            LinkFault::Cut => "cut",
        }
    }
}

/// Reads the fault from an error and its causes. What is not recognised counts as cut: it is retried like one.
pub fn classify(error: &(dyn Error + 'static)) -> LinkFault {
    let mut causes = Vec::new();
    collect(error, &mut causes);
    let by_type = causes.iter().rev().find_map(|cause| by_type(*cause));
    // A proxy's and a resolver's words say more than the I/O error that may lie below them.
    causes.iter().find_map(|cause| by_words(&cause.to_string())).or(by_type).unwrap_or(LinkFault::Cut)
}

/// The error and all its causes, outermost first; also those that an `io::Error` wraps without calling them a source.
fn collect<'e>(error: &'e (dyn Error + 'static), causes: &mut Vec<&'e (dyn Error + 'static)>) {
    // Deeper than this is a loop, not a cause.
    if causes.len() > 32 {
        return;
    }
    causes.push(error);
    let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    if let Some(inner) = wrapped {
        collect(inner, causes);
    } else if let Some(source) = error.source() {
        collect(source, causes);
    }
}

fn by_type(cause: &(dyn Error + 'static)) -> Option<LinkFault> {
    if let Some(error) = cause.downcast_ref::<rustls::Error>() {
        return Some(of_tls(error));
    }
    of_io(cause.downcast_ref::<io::Error>()?.kind())
}

fn of_tls(error: &rustls::Error) -> LinkFault {
    match error {
        rustls::Error::InvalidCertificate(error) => of_certificate(error),
        rustls::Error::AlertReceived(alert) => of_alert(*alert),
        rustls::Error::InvalidMessage(_)
        | rustls::Error::PeerIncompatible(_)
        | rustls::Error::InappropriateMessage { .. }
        | rustls::Error::InappropriateHandshakeMessage { .. }
        | rustls::Error::PeerSentOversizedRecord
        | rustls::Error::NoApplicationProtocol => LinkFault::NotTheHub,
        _ => LinkFault::Cut,
    }
}

fn of_certificate(error: &CertificateError) -> LinkFault {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => LinkFault::HubExpired,
        _ => LinkFault::WrongAuthority,
    }
}

fn of_alert(alert: AlertDescription) -> LinkFault {
    match alert {
        AlertDescription::CertificateExpired => LinkFault::DeviceExpired,
        AlertDescription::CertificateRevoked
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnknownCA
        | AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRequired
        | AlertDescription::AccessDenied
        | AlertDescription::DecryptError => LinkFault::DeviceRefused,
        AlertDescription::HandshakeFailure
        | AlertDescription::ProtocolVersion
        | AlertDescription::UnrecognisedName
        | AlertDescription::InsufficientSecurity
        | AlertDescription::IllegalParameter
        | AlertDescription::DecodeError
        | AlertDescription::UnexpectedMessage => LinkFault::NotTheHub,
        _ => LinkFault::Cut,
    }
}

fn of_io(kind: io::ErrorKind) -> Option<LinkFault> {
    match kind {
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::NetworkDown | io::ErrorKind::AddrNotAvailable => {
            Some(LinkFault::NoNetwork)
        }
        io::ErrorKind::ConnectionRefused | io::ErrorKind::HostUnreachable => Some(LinkFault::Refused),
        io::ErrorKind::TimedOut => Some(LinkFault::TimedOut),
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::NotConnected
        | io::ErrorKind::BrokenPipe => Some(LinkFault::Cut),
        _ => None,
    }
}

/// Words of `getaddrinfo`, of hyper's connectors and of tokio's time limits, for which there is no public type.
fn by_words(text: &str) -> Option<LinkFault> {
    let text = text.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if says(&["dns error", "failed to lookup address", "name or service not known", "no such host is known"]) {
        return Some(LinkFault::Dns);
    }
    if says(&["proxy authorization required", "tunnel error", "establishing tunnel", "unsuccessful tunnel"]) {
        return Some(LinkFault::Proxy);
    }
    if text == "operation timed out" || text == "connection timed out" || text == "deadline has elapsed" {
        return Some(LinkFault::TimedOut);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Layer(&'static str, #[source] io::Error);

    fn io_error(kind: io::ErrorKind) -> io::Error {
        io::Error::from(kind)
    }

    #[test]
    fn a_cause_is_found_below_other_layers() {
        let refused = Layer("client error (Connect)", io_error(io::ErrorKind::ConnectionRefused));
        assert_eq!(classify(&refused), LinkFault::Refused);
        let cut = Layer("error reading a body", io_error(io::ErrorKind::UnexpectedEof));
        assert_eq!(classify(&cut), LinkFault::Cut);
        let late = Layer("error sending request", io_error(io::ErrorKind::TimedOut));
        assert_eq!(classify(&late), LinkFault::TimedOut);
    }

    #[test]
    fn names_and_proxies_are_known_by_their_words() {
        let dns = Layer("dns error", io::Error::other("failed to lookup address information: Try again"));
        assert_eq!(classify(&dns), LinkFault::Dns);
        let proxy = Layer("tunnel error: unsuccessful", io_error(io::ErrorKind::ConnectionReset));
        assert_eq!(classify(&proxy), LinkFault::Proxy);
    }

    #[test]
    fn tls_errors_are_found_inside_io_errors() {
        let expired = rustls::Error::InvalidCertificate(CertificateError::Expired);
        assert_eq!(classify(&io::Error::new(io::ErrorKind::InvalidData, expired)), LinkFault::HubExpired);
        let portal = rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType);
        let layered = Layer("client error (Connect)", io::Error::new(io::ErrorKind::InvalidData, portal));
        assert_eq!(classify(&layered), LinkFault::NotTheHub);
        let alert = rustls::Error::AlertReceived(AlertDescription::CertificateExpired);
        assert_eq!(classify(&io::Error::new(io::ErrorKind::InvalidData, alert)), LinkFault::DeviceExpired);
    }

    #[test]
    fn every_fault_has_its_own_class_and_a_code_with_an_exit() {
        assert_eq!(LinkFault::NotTheHub.ktg().exit().code(), 18);
        assert_eq!(LinkFault::WrongAuthority.ktg().exit().code(), 19);
        assert_eq!(LinkFault::DeviceRefused.ktg().exit().code(), 12);
        assert_eq!(LinkFault::DeviceExpired.ktg().exit().code(), 24);
        assert_eq!(LinkFault::HubExpired.ktg().exit().code(), 25);
        assert_eq!(LinkFault::TimedOut.ktg().exit().code(), 13);
    }
}
