//! Joining a hub, and staying: the key is made here and never leaves; the hub certifies it for a one-time code.

pub mod carried;

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use kentongan_host::bundle;
use kentongan_host::certificate;
use kentongan_host::data_dir::DataDir;
use kentongan_host::enrolment::{
    EnrolAnswer, EnrolCode, EnrolRequest, MESSAGE_BYTES_MAX, RenewAnswer, RenewRequest, from_hex, to_hex,
};
use kentongan_host::exit::Exit;
use kentongan_host::fail::Failure;
use kentongan_host::files::{self, Access};
use kentongan_host::identity::SigningKey;
use kentongan_host::ktg::Ktg;
use kentongan_host::recovery;
use kentongan_host::spoken::five_words;
use kentongan_host::steps::{Step, reached};
use kentongan_host::tls::{self, Credentials, FloorTime};
use kentongan_protocol::form::Lang;
use kentongan_protocol::ids::{OfficeCode, ReplicaId};
use kentongan_protocol::receipt::Prefix;
use rustls::pki_types::CertificateDer;

use crate::store::Member;
use crate::transport::{LinkError, LinkSettings, Transport};

/// A file with a key in hexadecimal digits is 65 bytes long; more than this is none.
const SEAL_FILE_BYTES_MAX: u64 = 256;

/// Key, certificate and pinned root of this installation, from its identity folder.
#[derive(Debug)]
pub struct Identity {
    /// The device's key.
    pub key: Arc<SigningKey>,
    /// Its certificate.
    pub certificate: CertificateDer<'static>,
    /// The root it trusts.
    pub root: CertificateDer<'static>,
}

impl Identity {
    /// Reads it; `None` if this installation was never enrolled.
    ///
    /// # Errors
    /// If a file is damaged or may not be read.
    pub fn load(dir: &DataDir) -> Result<Option<Identity>, Failure> {
        if !dir.device_certificate().exists() {
            return Ok(None);
        }
        let key = SigningKey::load(&dir.device_key()).map_err(anyhow::Error::new)?;
        let read = |path: std::path::PathBuf| -> Result<CertificateDer<'static>, Failure> {
            let text = fs::read(&path).map_err(|error| Failure::of(Ktg::Permission).caused_by(error))?;
            certificate::from_pem(&text).ok_or_else(|| {
                Failure::new(
                    Exit::Failed,
                    format!("{} bukan sertifikat.", path.display()),
                    format!("{} is no certificate.", path.display()),
                )
            })
        };
        Ok(Some(Identity {
            key: Arc::new(key),
            certificate: read(dir.device_certificate())?,
            root: read(dir.hub_root())?,
        }))
    }

    /// The link to the hub as this device.
    ///
    /// # Errors
    /// If the identity or the settings cannot be used.
    pub fn transport(&self, settings: &LinkSettings, time: Arc<FloorTime>) -> Result<Transport, Failure> {
        let device = Credentials { chain: vec![self.certificate.clone()], key: self.key.for_tls() };
        let config = tls::client_config(&self.root, Some(device), time).map_err(anyhow::Error::new)?;
        Transport::new(settings, config).map_err(Failure::from)
    }
}

impl From<LinkError> for Failure {
    fn from(error: LinkError) -> Failure {
        Failure::of(error.ktg).with_detail(error.detail)
    }
}

/// What joining a hub gives beside the files of the identity.
#[derive(Debug, Clone)]
pub struct Joined {
    /// Who this installation is.
    pub member: Member,
    /// What its challenges are answered with, if the hub said it.
    pub recovery: Option<[u8; recovery::KEY_BYTES]>,
}

/// Buys a certificate with `code` and keeps it. Nothing secret is said before the hub's root matches the code's
/// fingerprint; a lost answer costs nothing, because the same key may ask again with the same code.
///
/// # Errors
/// If the code is mistyped or refused, if the hub is another one, or if the link fails.
pub async fn enrol(
    dir: &DataDir,
    settings: &LinkSettings,
    code: &str,
    time: Arc<FloorTime>,
    lang: Lang,
) -> Result<Joined, Failure> {
    let code = parse_code(code, lang)?;
    let root = Transport::new(settings, tls::fetch_only_config())?.root().await?;
    if !code.matches_root(&root) {
        return Err(Failure::of(Ktg::WrongCertificate));
    }
    let root = CertificateDer::from(root);
    let key = made_key(dir)?;
    let config = tls::client_config(&root, None, time).map_err(anyhow::Error::new)?;
    let request = request_of(&code, &key)?;
    let answer: EnrolAnswer =
        Transport::new(settings, config)?.enrol(&request).await.map_err(|error| match error.ktg {
            Ktg::ApprovalAwaited => Failure::of(error.ktg).with_detail(five_words(&key.public_key())),
            _ => error.into(),
        })?;
    reached(Step::AgentEnrolAnswered);
    keep(dir, &key, &EnrolAnswer { root_pem: certificate::to_pem(&root), ..answer }, &settings.url)
}

fn parse_code(code: &str, lang: Lang) -> Result<EnrolCode, Failure> {
    EnrolCode::parse(code).map_err(|error| Failure::of(Ktg::CodeRefused).with_detail(error.sentence(lang)))
}

/// The key of this installation, made now if there is none.
fn made_key(dir: &DataDir) -> Result<SigningKey, Failure> {
    let key = SigningKey::load_or_create(&dir.device_key()).map_err(anyhow::Error::new)?;
    reached(Step::AgentEnrolKeyed);
    Ok(key)
}

/// What the hub is asked: to certify this key for this code.
fn request_of(code: &EnrolCode, key: &SigningKey) -> Result<EnrolRequest, Failure> {
    Ok(EnrolRequest {
        secret: code.secret(),
        csr: to_hex(&key.certificate_request().map_err(anyhow::Error::new)?),
        host: host_name(),
        program: crate::program(),
    })
}

/// Keeps what the hub at `url` answered: the certificate for our key, and the root, which was compared with the code.
fn keep(dir: &DataDir, key: &SigningKey, answer: &EnrolAnswer, url: &str) -> Result<Joined, Failure> {
    let member = member_of(answer, url).ok_or_else(|| Failure::of(Ktg::NotTheHub))?;
    keep_certificate(dir, key, &answer.certificate_pem)?;
    reached(Step::AgentEnrolCertified);
    files::replace(&dir.hub_root(), answer.root_pem.as_bytes(), Access::Readable).map_err(anyhow::Error::new)?;
    reached(Step::AgentEnrolRooted);
    // Nothing may go on being sealed to a hub that this PC has left.
    match std::fs::remove_file(dir.hub_seal()) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(anyhow::Error::new(error).into()),
        _ => {}
    }
    keep_seal(dir, answer.sealing_key.as_deref())?;
    Ok(Joined { member, recovery: answer.recovery_key.as_deref().and_then(recovery::key_from_hex) })
}

/// Replaces the certificate before it ends. Gives back what challenges are answered with, if the hub said it.
///
/// # Errors
/// If the link fails or the hub's answer is not for this key; the old certificate stays then.
pub async fn renew(
    dir: &DataDir,
    identity: &Identity,
    transport: &Transport,
) -> Result<Option<[u8; recovery::KEY_BYTES]>, Failure> {
    let csr = identity.key.certificate_request().map_err(anyhow::Error::new)?;
    let answer: RenewAnswer = transport.renew(&RenewRequest { csr: to_hex(&csr) }).await?;
    reached(Step::AgentRenewAnswered);
    keep_certificate(dir, &identity.key, &answer.certificate_pem)?;
    reached(Step::AgentRenewKept);
    keep_seal(dir, answer.sealing_key.as_deref())?;
    Ok(answer.recovery_key.as_deref().and_then(recovery::key_from_hex))
}

/// Keeps what bundles are sealed to, if the hub said it.
fn keep_seal(dir: &DataDir, said: Option<&str>) -> Result<(), Failure> {
    let Some(key) = said.filter(|said| key_from_hex(said).is_some()) else { return Ok(()) };
    files::replace(&dir.hub_seal(), format!("{key}\n").as_bytes(), Access::Readable).map_err(anyhow::Error::new)?;
    Ok(())
}

/// What bundles for the hub are sealed to; `None` as long as the hub has not said it.
pub fn hub_seal(dir: &DataDir) -> Option<[u8; bundle::KEY_BYTES]> {
    let text = files::read_bounded(&dir.hub_seal(), SEAL_FILE_BYTES_MAX).ok()?;
    key_from_hex(std::str::from_utf8(&text).ok()?.trim())
}

fn key_from_hex(text: &str) -> Option<[u8; bundle::KEY_BYTES]> {
    from_hex(text)?.try_into().ok()
}

/// Keeps a certificate if it is one for our key.
fn keep_certificate(dir: &DataDir, key: &SigningKey, pem: &str) -> Result<(), Failure> {
    if !certifies(pem, &key.public_key()) {
        return Err(Failure::of(Ktg::NotTheHub));
    }
    files::replace(&dir.device_certificate(), pem.as_bytes(), Access::Readable).map_err(anyhow::Error::new)?;
    Ok(())
}

/// Whether this is a certificate for this key.
pub fn certifies(pem: &str, public_key: &[u8; 32]) -> bool {
    let facts = certificate::from_pem(pem.as_bytes()).and_then(|der| certificate::facts(&der));
    facts.is_some_and(|facts| facts.public_key == Some(*public_key))
}

/// Who this installation is by the answer of the hub at `url`; `None` if the answer is none of a hub.
pub fn member_of(answer: &EnrolAnswer, url: &str) -> Option<Member> {
    Some(Member {
        replica: answer.replica.parse::<ReplicaId>().ok()?,
        office: answer.office.parse::<OfficeCode>().ok()?,
        office_name: answer.office_name.clone(),
        prefix: answer.prefix.parse().ok().filter(|prefix| *prefix != Prefix::TRAINING)?,
        hub_url: url.to_owned(),
        hub_replica: answer.hub_replica.parse::<ReplicaId>().ok()?,
    })
}

/// What the file names with which an office joins (`enrol.toml`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EnrolFile {
    /// Address of the hub.
    pub hub: Option<String>,
    /// The one-time code.
    pub code: Option<String>,
}

impl EnrolFile {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// If it cannot be read or is no TOML.
    pub fn open(path: &Path) -> Result<EnrolFile, Failure> {
        let (text, shown) = (read_text(path, MESSAGE_BYTES_MAX)?, path.display());
        read_file(&text).map_err(|error| Failure::usage(format!("{shown}: {error}"), format!("{shown}: {error}")))
    }

    /// Hub and code, both of which a PC needs to join; `path` is where they are read from.
    ///
    /// # Errors
    /// If one is missing.
    pub fn complete(self, path: &Path) -> Result<(String, String), Failure> {
        let shown = path.display();
        let named = |name: &str, value: Option<String>| {
            value.ok_or_else(|| {
                Failure::usage(format!("{shown} tidak menyebut {name}."), format!("{shown} does not name {name}."))
            })
        };
        Ok((named("hub", self.hub)?, named("code", self.code)?))
    }
}

/// The text of a file that somebody brought, of at most `bytes_max` bytes.
///
/// # Errors
/// If it cannot be read, is longer, or is no text.
pub(crate) fn read_text(path: &Path, bytes_max: usize) -> Result<String, Failure> {
    let text = files::read_bounded(path, bytes_max as u64)
        .and_then(|bytes| String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error)));
    text.map_err(|error| {
        let shown = path.display();
        Failure::usage(format!("{shown} tidak terbaca."), format!("{shown} cannot be read.")).caused_by(error)
    })
}

/// Reads the text of `enrol.toml`.
///
/// # Errors
/// If it is no TOML.
pub fn read_file(text: &str) -> Result<EnrolFile, toml::de::Error> {
    let table: toml::Table = toml::from_str(text)?;
    let field = |name: &str| table.get(name).and_then(|value| value.as_str()).map(str::to_owned);
    Ok(EnrolFile { hub: field("hub"), code: field("code") })
}

fn host_name() -> String {
    rustix_host_name().unwrap_or_default()
}

#[cfg(unix)]
fn rustix_host_name() -> Option<String> {
    fs::read_to_string("/etc/hostname").ok().map(|name| name.trim().to_owned())
}

#[cfg(not(unix))]
fn rustix_host_name() -> Option<String> {
    std::env::var("COMPUTERNAME").ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_of_training_are_nobodys() {
        let answer = |prefix: &str| {
            let text = serde_json::json!({
                "replica": "0000000000000007", "office": "32.73.05.1001", "prefix": prefix, "certificate_pem": "",
                "root_pem": "", "hub_replica": "0000000000000009", "hub_ms": 0,
            });
            serde_json::from_value::<EnrolAnswer>(text).expect("an answer")
        };
        assert!(member_of(&answer("7K3M"), "https://pusat.example:8743").is_some());
        assert_eq!(member_of(&answer(&Prefix::TRAINING.to_string()), "https://pusat.example:8743"), None);
    }
}
