//! The hub's own certificate authority: one root, and every certificate issued directly by it.
//!
//! ```text
//!   ca/root.key   ca/root.crt     20 years; pinned by every office at enrolment
//!   ca/hub.key    ca/hub.crt      2 years, renewed at the start of the program or within it from half of its life on
//! ```
//!
//! There is no intermediate: it would cost 500 bytes each way on every new connection. Names are short for the same
//! reason. What a certificate request asks for beside its key is ignored: names and purposes are the hub's to give.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use kentongan_host::certificate::{self, Facts};
use kentongan_host::enrolment::{EnrolAnswer, carried};
use kentongan_host::files::{Access, read_bounded, replace};
use kentongan_host::identity::SigningKey;
use kentongan_host::random::random_bytes;
use kentongan_host::recovery::KEY_BYTES;
use kentongan_host::steps::{Step, reached};
use kentongan_host::tls::{Credentials, HUB_NAME, RELEASED_S};
use kentongan_host::{DataDir, Exit, Failure};
use kentongan_protocol::ids::ReplicaId;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyUsagePurpose, PublicKeyData, SerialNumber,
};
use rustls::pki_types::{CertificateDer, CertificateSigningRequestDer};

use crate::seals::Seals;

/// Common name of the root: on every wire of every connection, so short.
const ROOT_NAME: &str = "KTG";
const DAY_S: i64 = 86_400;
const ROOT_DAYS: i64 = 20 * 365 + 5;
const HUB_DAYS: i64 = 2 * 365;
/// Certificates begin a day early: clocks differ.
const EARLY_DAYS: i64 = 1;
/// 9999-01-01T00:00:00Z, the last year that a certificate can name; a clock may claim to be later.
const CERTIFICATE_TIME_S_MAX: i64 = 253_370_764_800;
/// A certificate file is about 600 bytes long.
const CERTIFICATE_FILE_BYTES_MAX: u64 = 16 * 1024;

/// The root and the hub's own key and certificate.
#[derive(Debug)]
pub struct Authority {
    root: CertificateDer<'static>,
    root_key: SigningKey,
    hub: CertificateDer<'static>,
    hub_key: Arc<SigningKey>,
    hub_file: PathBuf,
}

/// Where a certificate stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// In the first half.
    Young,
    /// In the second half: time for a new one.
    Due,
    /// Past its end.
    Expired,
}

/// A certificate for a device.
#[derive(Debug, Clone)]
pub struct DeviceCertificate {
    /// The certificate.
    pub der: CertificateDer<'static>,
    /// The device's Ed25519 key.
    pub public_key: [u8; 32],
    /// Serial number.
    pub serial: Vec<u8>,
    /// First second at which it holds, since 1970.
    pub not_before_s: i64,
    /// Last second at which it holds, since 1970.
    pub not_after_s: i64,
}

impl Authority {
    /// Makes root and hub certificate in the folder `ca/`, which must exist. Files that are there are kept: a second
    /// call after an interrupted first one goes on where that one stopped.
    ///
    /// # Errors
    /// A file cannot be written, or one that is there cannot be used.
    pub fn create(dir: &DataDir, now_ms: i64) -> Result<Authority, Failure> {
        let root_key = SigningKey::load_or_create(&root_key_file(dir)).context("the root's key")?;
        reached(Step::HubRootKeyed);
        let root_file = root_file(dir);
        if !root_file.exists() {
            let root = make_root(&root_key, certified_s(now_ms)).context("make the root certificate")?;
            write_certificate(&root_file, &root)?;
            reached(Step::HubRootMade);
        }
        SigningKey::load_or_create(&hub_key_file(dir)).context("the hub's key")?;
        reached(Step::HubKeyed);
        Authority::load(dir, now_ms)
    }

    /// Reads what [`Authority::create`] made, and renews the hub's certificate if it is due.
    ///
    /// # Errors
    /// Exit 10 if there is nothing; otherwise a file that cannot be read, used or written.
    pub fn load(dir: &DataDir, now_ms: i64) -> Result<Authority, Failure> {
        if !root_file(dir).exists() {
            return Err(not_initialised(dir));
        }
        let root = read_certificate(&root_file(dir))?;
        let root_key = SigningKey::load(&root_key_file(dir)).context("the root's key")?;
        let hub_key = Arc::new(SigningKey::load(&hub_key_file(dir)).context("the hub's key")?);
        check_pair(&root, &root_key).context("the root's key does not belong to the root certificate")?;
        let hub_file = dir.ca().join("hub.crt");
        let hub = match hub_file.exists() {
            true => read_certificate(&hub_file)?,
            // Issued below: a certificate for another key or none at all is as good as one that has ended.
            false => root.clone(),
        };
        let mut authority = Authority { root, root_key, hub, hub_key, hub_file };
        authority.renew_hub_if_due(now_ms)?;
        Ok(authority)
    }

    /// Gives the hub a new certificate if the old one is past half of its life or does not fit its key. Returns whether
    /// there is a new one.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn renew_hub_if_due(&mut self, now_ms: i64) -> Result<bool, Failure> {
        let now_s = certified_s(now_ms);
        let fits = check_pair(&self.hub, &self.hub_key).is_ok();
        let begun = facts_of(&self.hub).is_some_and(|facts| facts.validity.not_before_s <= now_s);
        if fits && begun && age(&self.hub, now_s) == Age::Young {
            return Ok(false);
        }
        let mut params = lean_params(HUB_NAME, now_s, HUB_DAYS);
        params.subject_alt_names = vec![rcgen::SanType::DnsName(HUB_NAME.try_into().context("the hub's name")?)];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let hub = self.sign(params, &*self.hub_key).context("issue the hub's certificate")?;
        write_certificate(&self.hub_file, &hub)?;
        reached(Step::HubCertified);
        self.hub = hub;
        Ok(true)
    }

    /// Issues a certificate for the key in a certificate request, for `days` days from now on.
    ///
    /// # Errors
    /// `None` stands for a request that proves no possession of an Ed25519 key.
    pub fn issue_device(
        &self,
        replica: ReplicaId,
        request: &[u8],
        now_ms: i64,
        days: u32,
    ) -> Result<Option<DeviceCertificate>, Failure> {
        let Some(request) = read_request(request) else { return Ok(None) };
        let now_s = certified_s(now_ms);
        let mut params = lean_params(&replica.to_string(), now_s, i64::from(days));
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let serial = params.serial_number.as_ref().map(SerialNumber::to_bytes).unwrap_or_default();
        let der = self.sign(params, &request.key).context("issue a device certificate")?;
        let validity = facts_of(&der).context("a certificate that was just made can be read")?.validity;
        Ok(Some(DeviceCertificate {
            der,
            public_key: request.raw,
            serial,
            not_before_s: validity.not_before_s,
            not_after_s: validity.not_after_s,
        }))
    }

    /// The root certificate, which offices pin.
    pub fn root(&self) -> &CertificateDer<'static> {
        &self.root
    }

    /// The hub's own certificate.
    pub fn hub(&self) -> &CertificateDer<'static> {
        &self.hub
    }

    /// The key with which the hub signs as a replica.
    pub fn hub_key(&self) -> Arc<SigningKey> {
        Arc::clone(&self.hub_key)
    }

    /// What the listener shows.
    pub fn credentials(&self) -> Credentials {
        Credentials { chain: vec![self.hub.clone()], key: self.hub_key.for_tls() }
    }

    /// What challenges of a device are answered with ([`kentongan_host::recovery`]). It follows from the root's key, so
    /// that nothing more has to be kept, and is given to nobody but the device: signatures of Ed25519 are the same each
    /// time, and what the root signs elsewhere are certificates and answers, which never begin so.
    pub fn recovery_key(&self, device: ReplicaId) -> [u8; KEY_BYTES] {
        let mut meant = b"kentongan pin recovery key 1 ".to_vec();
        meant.extend(device.to_bytes());
        certificate::fingerprint(&self.root_key.sign(&meant))
    }

    /// What opens what offices sealed. It follows from the root's key as [`Authority::recovery_key`] does: a hub that was put back from
    /// a backup opens what was sealed to it before.
    pub fn seals(&self) -> Seals {
        seals_of(&self.root_key)
    }

    /// The file by which a PC joins that reaches no hub.
    pub fn answer_file(&self, answer: &EnrolAnswer) -> String {
        carried::answer_file(answer, |bytes| self.root_key.sign(bytes))
    }

    /// SHA-256 of the root, in hexadecimal digits: what people compare.
    pub fn root_fingerprint(&self) -> String {
        kentongan_host::enrolment::to_hex(&certificate::fingerprint(&self.root))
    }

    fn sign(&self, params: CertificateParams, key: &impl PublicKeyData) -> anyhow::Result<CertificateDer<'static>> {
        let issuer = Issuer::from_ca_cert_der(&self.root, &self.root_key)?;
        Ok(params.signed_by(key, &issuer)?.der().clone())
    }
}

/// [`Authority::seals`] of the hub in a folder, for a command beside it.
///
/// # Errors
/// There is no root's key, or it cannot be read.
pub fn seals(dir: &DataDir) -> Result<Seals, Failure> {
    Ok(seals_of(&SigningKey::load(&root_key_file(dir)).context("the root's key")?))
}

fn seals_of(root_key: &SigningKey) -> Seals {
    Seals::of(&certificate::fingerprint(&root_key.sign(b"kentongan bundle key 1")))
}

/// The time that certificates are made by, in seconds since 1970: never before this program was released, because offices
/// know at least that much, and would take a certificate of a hub whose clock shows 1970 for one that has ended; and
/// never so late that the end could not be written down.
fn certified_s(now_ms: i64) -> i64 {
    now_ms.div_euclid(1000).clamp(RELEASED_S, CERTIFICATE_TIME_S_MAX - ROOT_DAYS * DAY_S)
}

/// Where a certificate stands in its life, at `now_s` seconds since 1970. What cannot be read has ended.
pub fn age(certificate: &CertificateDer<'_>, now_s: i64) -> Age {
    let Some(Facts { validity, .. }) = facts_of(certificate) else { return Age::Expired };
    let half = validity.not_before_s + (validity.not_after_s - validity.not_before_s) / 2;
    match now_s {
        now if now > validity.not_after_s => Age::Expired,
        now if now > half => Age::Due,
        _ => Age::Young,
    }
}

/// The failure of every command that finds no hub in its folder.
pub fn not_initialised(dir: &DataDir) -> Failure {
    let folder = dir.root().display();
    Failure::new(
        Exit::NotEnrolled,
        format!("Di {folder} belum ada pusat."),
        format!("There is no hub in {folder} yet."),
    )
    .with_hint("kentongan-hub init --data DIR", "kentongan-hub init --data DIR")
}

/// The Ed25519 key in a certificate request that proves possession of it.
pub fn key_of_request(request: &[u8]) -> Option<[u8; 32]> {
    read_request(request).map(|request| request.raw)
}

struct ReadRequest {
    key: rcgen::PublicKey,
    raw: [u8; 32],
}

fn read_request(der: &[u8]) -> Option<ReadRequest> {
    // The parser checks the request's signature: whoever sends it holds the key.
    let request = CertificateSigningRequestParams::from_der(&CertificateSigningRequestDer::from(der)).ok()?;
    let ed25519 = request.public_key.algorithm() == &rcgen::PKCS_ED25519;
    let raw = request.public_key.der_bytes().try_into().ok()?;
    ed25519.then_some(ReadRequest { key: request.public_key, raw })
}

fn make_root(key: &SigningKey, now_s: i64) -> anyhow::Result<CertificateDer<'static>> {
    let mut params = lean_params(ROOT_NAME, now_s, ROOT_DAYS);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    Ok(params.self_signed(key)?.der().clone())
}

/// Name and validity, and nothing that is not needed.
fn lean_params(name: &str, now_s: i64, days: i64) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.serial_number = Some(random_serial());
    let at = |seconds: i64| {
        let seconds = seconds.clamp(0, CERTIFICATE_TIME_S_MAX).unsigned_abs();
        rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds)
    };
    params.not_before = at(now_s.saturating_sub(EARLY_DAYS * DAY_S));
    params.not_after = at(now_s.saturating_add(days * DAY_S));
    params
}

/// 127 random bits: positive, as the standard wants it.
fn random_serial() -> SerialNumber {
    let mut bytes: [u8; 16] = random_bytes();
    bytes[0] = bytes[0] & 0x7f | 0x40;
    SerialNumber::from_slice(&bytes)
}

fn facts_of(certificate: &CertificateDer<'_>) -> Option<Facts> {
    certificate::facts(certificate)
}

fn check_pair(certificate: &CertificateDer<'_>, key: &SigningKey) -> anyhow::Result<()> {
    let certified = facts_of(certificate).and_then(|facts| facts.public_key);
    anyhow::ensure!(certified == Some(key.public_key()), "certificate and key are not a pair");
    Ok(())
}

fn read_certificate(path: &Path) -> Result<CertificateDer<'static>, Failure> {
    let bytes = read_bounded(path, CERTIFICATE_FILE_BYTES_MAX)
        .with_context(|| format!("read the certificate {}", path.display()))?;
    let certificate =
        certificate::from_pem(&bytes).with_context(|| format!("{} holds no certificate", path.display()))?;
    Ok(certificate)
}

fn write_certificate(path: &Path, certificate: &CertificateDer<'_>) -> Result<(), Failure> {
    replace(path, certificate::to_pem(certificate).as_bytes(), Access::Readable)
        .with_context(|| format!("write the certificate {}", path.display()))?;
    Ok(())
}

fn root_file(dir: &DataDir) -> PathBuf {
    dir.ca().join("root.crt")
}

fn root_key_file(dir: &DataDir) -> PathBuf {
    dir.ca().join("root.key")
}

fn hub_key_file(dir: &DataDir) -> PathBuf {
    dir.ca().join("hub.key")
}

#[cfg(test)]
mod tests {
    use super::*;
    use kentongan_host::Program;

    const NOW_MS: i64 = 1_795_000_000_000;
    const DAY_MS: i64 = DAY_S * 1000;

    fn folder() -> (tempfile::TempDir, DataDir) {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let dir = DataDir::at(Program::Hub, temp.path().join("pusat"));
        dir.create().expect("folders");
        (temp, dir)
    }

    #[test]
    fn the_root_stays_the_same_and_the_hub_certificate_is_renewed_in_time() {
        let (_temp, dir) = folder();
        let first = Authority::create(&dir, NOW_MS).expect("created");
        let again = Authority::create(&dir, NOW_MS).expect("loaded");
        assert_eq!((first.root(), first.hub()), (again.root(), again.hub()));

        let later = Authority::load(&dir, NOW_MS + 400 * DAY_MS).expect("renewed");
        assert_eq!(later.root(), first.root());
        assert_ne!(later.hub(), first.hub());
        assert_eq!(age(later.hub(), NOW_MS / 1000 + 400 * DAY_S), Age::Young);
    }

    #[test]
    fn a_device_certificate_names_the_replica_and_takes_only_the_key_from_the_request() {
        let (_temp, dir) = folder();
        let authority = Authority::create(&dir, NOW_MS).expect("created");
        let device = SigningKey::generate().expect("key");
        let request = device.certificate_request().expect("request");
        let issued =
            authority.issue_device(ReplicaId(7), &request, NOW_MS, 90).expect("issued").expect("a good request");
        let facts = facts_of(&issued.der).expect("facts");
        assert_eq!(facts.common_name.as_deref(), Some("0000000000000007"));
        assert_eq!(facts.public_key, Some(device.public_key()));
        assert_eq!(facts.validity.not_after_s, NOW_MS / 1000 + 90 * DAY_S);
        assert_eq!(facts.validity.not_before_s, NOW_MS / 1000 - DAY_S);
        assert!(issued.der.len() < 330, "a lean certificate, not {} bytes", issued.der.len());
    }

    #[test]
    fn a_request_without_proof_of_its_key_gets_nothing() {
        let (_temp, dir) = folder();
        let authority = Authority::create(&dir, NOW_MS).expect("created");
        let mut request = SigningKey::generate().expect("key").certificate_request().expect("request");
        *request.last_mut().expect("bytes") ^= 1;
        assert!(authority.issue_device(ReplicaId(7), &request, NOW_MS, 90).expect("no failure").is_none());
        assert_eq!(key_of_request(b"bukan permintaan"), None);
    }

    #[test]
    fn a_folder_without_a_hub_is_said_to_be_one() {
        let (_temp, dir) = folder();
        let failure = Authority::load(&dir, NOW_MS).expect_err("nothing there");
        assert_eq!(failure.exit, Exit::NotEnrolled);
    }

    #[test]
    fn a_clock_that_shows_no_possible_time_still_gives_certificates_that_offices_accept() {
        for now_ms in [i64::MIN, 0, 4_102_444_800_000, i64::MAX] {
            let (_temp, dir) = folder();
            let authority = Authority::create(&dir, now_ms).expect("created");
            let facts = facts_of(authority.hub()).expect("a certificate");
            assert!(facts.validity.not_after_s > RELEASED_S, "{now_ms}: {facts:?}");
        }
    }

    #[test]
    fn a_certificate_passes_through_its_ages() {
        let (_temp, dir) = folder();
        let authority = Authority::create(&dir, NOW_MS).expect("created");
        let at = |days: i64| age(authority.hub(), NOW_MS / 1000 + days * DAY_S);
        assert_eq!([at(1), at(400), at(731)], [Age::Young, Age::Due, Age::Expired]);
    }
}
