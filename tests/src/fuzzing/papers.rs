//! Codes that people type, certificates that a peer shows, and the messages by which an office joins and stays.

use std::sync::{Arc, LazyLock, RwLock};

use kentongan_host::certificate::{facts, from_pem, to_pem};
use kentongan_host::enrolment::{EnrolAnswer, EnrolCode, EnrolRequest, RenewRequest, from_hex, to_hex};
use kentongan_host::release::{Version, publisher_keys};
use kentongan_host::{DataDir, Lang, Program};
use kentongan_hub::ca::{Authority, key_of_request};
use kentongan_hub::config::Config;
use kentongan_hub::service::{Desk, enrolment, status};
use kentongan_protocol::ids::{OfficeCode, OpId, ReplicaId};
use kentongan_protocol::receipt::{Prefix, ReceiptCode};

use super::honest::member;
use super::hub::{Hub, NOW_MS, SARI};
use crate::sim::world::key;

/// Any text as a code: it is one, and comes back from how it is shown; or there is a sentence about what is wrong.
pub(super) fn codes(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match text.parse::<ReceiptCode>() {
        Ok(code) => {
            assert_eq!(code.to_string().parse(), Ok(code));
            assert_eq!(ReceiptCode::from_number(code.number()), Some(code));
            assert_eq!(ReceiptCode::new(code.prefix(), code.serial_number()), Some(code));
        }
        Err(error) => drop((error.sentence(Lang::Id), error.sentence(Lang::En))),
    }
    match EnrolCode::parse(&text) {
        Ok(code) => assert!(EnrolCode::parse(&code.to_string()).is_ok_and(|again| again == code)),
        Err(error) => drop((error.sentence(Lang::Id), error.sentence(Lang::En))),
    }
    if let Ok(prefix) = text.parse::<Prefix>() {
        assert_eq!(prefix.to_string().parse(), Ok(prefix));
    }
    if let Ok(office) = text.parse::<OfficeCode>() {
        assert_eq!(office.to_string().parse(), Ok(office));
    }
    if let Ok(id) = text.parse::<OpId>() {
        assert_eq!(id.to_string().parse(), Ok(id));
    }
    if let Ok(version) = text.parse::<Version>() {
        assert_eq!(version.to_string().parse(), Ok(version));
    }
    let _ = publisher_keys(&text);
    if let Some(bytes) = from_hex(&text) {
        assert_eq!(from_hex(&to_hex(&bytes)), Some(bytes));
    }
}

/// Any bytes as a certificate, and as a request for one.
pub(super) fn certificates(data: &[u8]) {
    if let Some(facts) = facts(data) {
        let validity = facts.validity;
        assert!(validity.not_before_s.checked_sub(validity.not_after_s).is_some(), "a time beyond time");
        let shown = from_pem(to_pem(data).as_bytes()).expect("our own text");
        assert_eq!(shown.as_ref(), data);
    }
    if let Some(shown) = from_pem(data) {
        let _ = facts(&shown);
    }
    let _ = kentongan_hub::ca::age(&data.into(), NOW_MS / 1000);
    let _ = key_of_request(data);
}

/// What a hub is asked for by whoever wants to join or stay: bodies of `POST /v1/enrol` and `POST /v1/renew`.
pub(super) fn enrolments(data: &[u8]) {
    let mut hub = Hub::in_memory();
    let desk = desk(&hub);
    if let Ok(request) = serde_json::from_slice::<EnrolRequest>(data) {
        let joined = hub.done(|tx, _| Ok(enrolment::join(tx, &desk, &request))).expect("no failure of ours");
        // Nobody was given a code.
        joined.expect_err("joined without a code").failure();
    }
    if let Ok(request) = serde_json::from_slice::<RenewRequest>(data) {
        let Some(csr) = from_hex(&request.csr) else { return };
        let replica = hub.done(|tx, _| tx.replica(SARI)).expect("enrolled");
        let renewed = hub.done(|tx, _| Ok(enrolment::renew(tx, &desk, &replica, &csr))).expect("no failure of ours");
        let own = key_of_request(&csr) == Some(replica.public_key);
        assert_eq!(renewed.is_some(), own, "a certificate for another's key, or none for its own");
    }
}

/// What an office is told when it joins.
pub(super) fn enrolment_answers(data: &[u8]) {
    let Ok(answer) = serde_json::from_slice::<EnrolAnswer>(data) else { return };
    let own = key(1);
    let _ = kentongan_agent::enrol::member_of(&answer, "https://pusat.example:8743");
    if kentongan_agent::enrol::certifies(&answer.certificate_pem, &own.public_key()) {
        let der = from_pem(answer.certificate_pem.as_bytes()).expect("a certificate");
        assert_eq!(facts(&der).and_then(|facts| facts.public_key), Some(own.public_key()));
    }
}

/// A hub's certificates, made once.
static AUTHORITY: LazyLock<(tempfile::TempDir, DataDir, Arc<RwLock<Authority>>)> = LazyLock::new(|| {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let dir = DataDir::at(Program::Hub, temp.path().join("pusat"));
    dir.create().expect("folders");
    let authority = Authority::create(&dir, NOW_MS).expect("made");
    (temp, dir, Arc::new(RwLock::new(authority)))
});

/// What services of this hub need.
pub(super) fn desk(hub: &Hub) -> Desk {
    let (_, dir, authority) = &*AUTHORITY;
    Desk {
        dir: dir.clone(),
        hub: Arc::clone(&hub.hub),
        authority: Arc::clone(authority),
        config: Arc::new(Config::built_in()),
        rhythms: Arc::default(),
        service: status::Service { running: true, since: Some(NOW_MS), sync: None, pid: Some(1) },
        now_ms: NOW_MS,
        actor: "fuzz".to_owned(),
        via: None,
    }
}

fn request_of_certificate() -> Vec<u8> {
    key(1).certificate_request().expect("a request")
}

pub(super) fn code_seeds() -> Vec<Vec<u8>> {
    let prefix = Prefix::new(7).expect("a prefix");
    let code = ReceiptCode::new(prefix, 12_345).expect("a code").to_string();
    let texts = [
        code.to_lowercase(),
        code,
        EnrolCode::draw(b"akar").to_string(),
        prefix.to_string(),
        "32.73.05.1001-PKM".to_owned(),
        "00000000000000a1-7".to_owned(),
        "0.1.0~57.1a2b3c4d5e".to_owned(),
        format!("{0}, {0}", super::updates::publisher().key()),
    ];
    texts.map(String::into_bytes).to_vec()
}

pub(super) fn certificate_seeds() -> Vec<Vec<u8>> {
    let authority = AUTHORITY.2.read().expect("of one thread");
    let issued =
        authority.issue_device(SARI, &request_of_certificate(), NOW_MS, 90).expect("issued").expect("a request");
    let ders = [authority.root().to_vec(), authority.hub().to_vec(), issued.der.to_vec()];
    let pems = ders.iter().map(|der| to_pem(der).into_bytes()).collect::<Vec<_>>();
    ders.into_iter().chain(pems).chain([request_of_certificate()]).collect()
}

fn authority_key() -> [u8; 32] {
    AUTHORITY.2.read().expect("of one thread").recovery_key(SARI)
}

pub(super) fn enrolment_seeds() -> Vec<Vec<u8>> {
    let csr = to_hex(&request_of_certificate());
    let secret = EnrolCode::draw(b"akar").secret();
    let enrol = EnrolRequest { secret, csr: csr.clone(), host: "pc-loket".to_owned(), program: "fuzz 1".to_owned() };
    vec![serde_json::to_vec(&enrol).expect("JSON"), serde_json::to_vec(&RenewRequest { csr }).expect("JSON")]
}

pub(super) fn answer_seeds() -> Vec<Vec<u8>> {
    let who = member(ReplicaId(1), 0);
    let pems = certificate_seeds();
    let pem = |place: usize| String::from_utf8(pems[place].clone()).expect("a text");
    let answer = EnrolAnswer {
        replica: who.replica.to_string(),
        office: who.office.to_string(),
        office_name: who.office_name,
        prefix: who.prefix.to_string(),
        certificate_pem: pem(5),
        root_pem: pem(3),
        hub_replica: who.hub_replica.to_string(),
        hub_ms: NOW_MS,
        recovery_key: Some(to_hex(&authority_key())),
        sealing_key: Some(to_hex(&[9; 32])),
    };
    vec![serde_json::to_vec(&answer).expect("JSON")]
}
