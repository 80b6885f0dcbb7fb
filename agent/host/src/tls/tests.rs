//! Real handshakes in memory: bytes carried by hand from one side to the other, no socket.

use std::io::{self, Read, Write};

use rcgen::{CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, PKCS_ED25519};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, ServerConnection};

use super::*;
use crate::clock::ManualClock;
use crate::identity::SigningKey;

/// A certificate authority as the hub has one.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Authority {
        let mut params = named("ktg");
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = KeyPair::generate_for(&PKCS_ED25519).expect("a key");
        Authority { issuer: CertifiedIssuer::self_signed(params, key).expect("a root") }
    }

    fn root(&self) -> CertificateDer<'static> {
        self.issuer.der().clone()
    }

    fn hub(&self, until: i32) -> Credentials {
        let mut params = named(HUB_NAME);
        params.subject_alt_names = vec![rcgen::SanType::DnsName(HUB_NAME.try_into().expect("a name"))];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.issue(params, until)
    }

    fn device(&self, until: i32) -> Credentials {
        let mut params = named("00112233aabbccdd");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.issue(params, until)
    }

    fn issue(&self, mut params: CertificateParams, until: i32) -> Credentials {
        params.not_before = rcgen::date_time_ymd(until - 1, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        let key = SigningKey::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Credentials { chain: vec![certificate.der().clone()], key: key.for_tls() }
    }
}

fn named(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params
}

/// An office that believes nothing but the floor; the wall clock of its PC shows 1970.
fn office(authority: &Authority, device: Option<Credentials>) -> ClientConfig {
    office_at(authority, device, RELEASED_S * 1000)
}

fn office_at(authority: &Authority, device: Option<Credentials>, hub_ms: i64) -> ClientConfig {
    let floor = FloorTime::new(Arc::new(ManualClock::at(0)), Some(hub_ms));
    client_config(&authority.root(), device, Arc::new(floor)).expect("a client configuration")
}

/// What each side holds after the handshake, or the error of the office (or else of the hub).
fn handshake(office: ClientConfig, hub: ServerConfig) -> Result<Option<CertificateDer<'static>>, LinkFault> {
    let dialled = ServerName::try_from("192.168.1.5").expect("any address");
    let mut client = ClientConnection::new(Arc::new(office), dialled).expect("a client");
    let mut server = ServerConnection::new(Arc::new(hub)).expect("a server");
    for _ in 0..8 {
        carry(|to| client.write_tls(to), |from| server.read_tls(from));
        let heard = server.process_new_packets();
        carry(|to| server.write_tls(to), |from| client.read_tls(from));
        client.process_new_packets().map_err(|error| classify(&wrap(error)))?;
        heard.expect("a hub that refuses has told the office why");
    }
    assert!(!client.is_handshaking() && !server.is_handshaking());
    client.writer().write_all(b"KTG").expect("plain text");
    carry(|to| client.write_tls(to), |from| server.read_tls(from));
    server.process_new_packets().expect("application data");
    let mut heard = [0; 3];
    server.reader().read_exact(&mut heard).expect("three bytes");
    assert_eq!(&heard, b"KTG");
    Ok(server.peer_certificates().and_then(|chain| chain.first().cloned()))
}

/// As tokio-rustls hands it on.
fn wrap(error: rustls::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

fn carry(
    mut write: impl FnMut(&mut dyn Write) -> io::Result<usize>,
    mut read: impl FnMut(&mut dyn Read) -> io::Result<usize>,
) {
    let mut wire = Vec::new();
    while write(&mut wire).expect("write to memory") > 0 {}
    let mut rest = wire.as_slice();
    while !rest.is_empty() {
        read(&mut rest).expect("read from memory");
    }
}

#[test]
fn an_office_and_its_hub_know_each_other_whatever_name_was_dialled() {
    let authority = Authority::new();
    let device = authority.device(2028);
    let shown = device.chain[0].clone();
    let hub = server_config(authority.hub(2028), &authority.root()).expect("hub");
    assert_eq!(handshake(office(&authority, Some(device)), hub), Ok(Some(shown)));
}

#[test]
fn an_office_without_a_certificate_may_connect_to_enrol() {
    let authority = Authority::new();
    let hub = server_config(authority.hub(2028), &authority.root()).expect("hub");
    assert_eq!(handshake(office(&authority, None), hub), Ok(None));
    let hub = server_config(authority.hub(2028), &authority.root()).expect("hub");
    assert_eq!(handshake(fetch_only_config(), hub), Ok(None));
}

#[test]
fn a_hub_of_another_authority_is_not_our_hub_even_with_the_same_names() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let hub = server_config(theirs.hub(2028), &theirs.root()).expect("hub");
    assert_eq!(handshake(office(&ours, None), hub), Err(LinkFault::WrongAuthority));
}

#[test]
fn a_proxy_that_opens_tls_with_a_certificate_of_the_usual_kind_is_told_as_the_wrong_one() {
    let key = KeyPair::generate().expect("a key on the curve that servers of the web use");
    let shown = named("proxy").self_signed(&key).expect("a certificate");
    let proxy = || {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions =
            ServerConfig::builder_with_provider(provider).with_protocol_versions(&[&TLS13]).expect("TLS 1.3");
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        versions.with_no_client_auth().with_single_cert(vec![shown.der().clone()], key).expect("a proxy")
    };
    assert_eq!(handshake(office(&Authority::new(), None), proxy()), Err(LinkFault::WrongAuthority));
    // Whoever only fetches a root judges by the fingerprint of what it is given.
    assert_eq!(handshake(fetch_only_config(), proxy()), Ok(None));
}

#[test]
fn a_device_certificate_does_not_make_a_hub() {
    let authority = Authority::new();
    let hub = server_config(authority.device(2028), &authority.root()).expect("hub");
    assert_eq!(handshake(office(&authority, None), hub), Err(LinkFault::WrongAuthority));
}

#[test]
fn an_expired_device_still_completes_the_handshake_and_is_judged_later() {
    let authority = Authority::new();
    let device = authority.device(2020);
    let shown = device.chain[0].clone();
    let hub = server_config(authority.hub(2028), &authority.root()).expect("hub");
    assert_eq!(handshake(office(&authority, Some(device)), hub), Ok(Some(shown)));
}

#[test]
fn a_device_of_another_authority_is_refused_by_the_hub() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let hub = server_config(ours.hub(2028), &ours.root()).expect("hub");
    let stranger = office(&ours, Some(theirs.device(2028)));
    let client = Arc::new(stranger);
    let mut client =
        ClientConnection::new(client, ServerName::try_from("hub.example").expect("a name")).expect("client");
    let mut server = ServerConnection::new(Arc::new(hub)).expect("server");
    let mut refused = None;
    for _ in 0..8 {
        carry(|to| client.write_tls(to), |from| server.read_tls(from));
        let _ = server.process_new_packets();
        carry(|to| server.write_tls(to), |from| client.read_tls(from));
        if let Err(error) = client.process_new_packets() {
            refused = Some(classify(&wrap(error)));
            break;
        }
    }
    assert_eq!(refused, Some(LinkFault::DeviceRefused));
}

#[test]
fn a_hub_whose_certificate_ended_before_the_floor_is_named_expired() {
    let authority = Authority::new();
    let hub = server_config(authority.hub(2020), &authority.root()).expect("hub");
    assert_eq!(handshake(office(&authority, None), hub), Err(LinkFault::HubExpired));

    let hub = server_config(authority.hub(2028), &authority.root()).expect("hub");
    let year_2030_ms = 1_893_456_000_000;
    assert_eq!(handshake(office_at(&authority, None, year_2030_ms), hub), Err(LinkFault::HubExpired));
}

#[test]
fn a_hub_set_up_long_after_this_release_is_accepted() {
    let authority = Authority::new();
    let hub = server_config(authority.hub(2041), &authority.root()).expect("hub");
    assert_eq!(handshake(office(&authority, None), hub), Ok(None));
}

#[test]
fn a_portal_that_answers_in_plain_text_is_not_the_hub() {
    let authority = Authority::new();
    let config = Arc::new(office(&authority, None));
    let mut client =
        ClientConnection::new(config, ServerName::try_from("hub.example").expect("a name")).expect("client");
    let mut page: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>Masuk Wi-Fi</html>";
    client.read_tls(&mut page).expect("read from memory");
    let error = client.process_new_packets().expect_err("not TLS");
    assert_eq!(classify(&wrap(error)), LinkFault::NotTheHub);
}

/// Bytes from the office to the hub and back until both may speak, with what follows unasked.
fn handshake_bytes(office: &Arc<ClientConfig>, hub: &Arc<ServerConfig>) -> (usize, usize) {
    let dialled = ServerName::try_from("pusat.example").expect("a name");
    let mut client = ClientConnection::new(Arc::clone(office), dialled).expect("a client");
    let mut server = ServerConnection::new(Arc::clone(hub)).expect("a server");
    let (mut up, mut down) = (0, 0);
    for _ in 0..4 {
        carry(|to| client.write_tls(to).inspect(|sent| up += sent), |from| server.read_tls(from));
        server.process_new_packets().expect("a good office");
        carry(|to| server.write_tls(to).inspect(|sent| down += sent), |from| client.read_tls(from));
        client.process_new_packets().expect("a good hub");
    }
    assert!(!client.is_handshaking() && !server.is_handshaking());
    assert_eq!(server.alpn_protocol(), Some(EXCHANGE));
    (up, down)
}

#[test]
fn a_handshake_costs_few_bytes_and_a_second_one_half_of_them() {
    let authority = Authority::new();
    let hub = Arc::new(server_config(authority.hub(2028), &authority.root()).expect("hub"));
    let office = Arc::new(for_exchanges(&office(&authority, Some(authority.device(2028)))));
    let ((up, down), (up_again, down_again)) = (handshake_bytes(&office, &hub), handshake_bytes(&office, &hub));
    println!("full: {up} up, {down} down; resumed: {up_again} up, {down_again} down");
    assert!(up + down <= 1_500, "{up} + {down}");
    assert!(up_again + down_again <= 750, "{up_again} + {down_again}");
}
