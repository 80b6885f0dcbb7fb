//! How a PC joins: codes that operators make, and the certificate that a code buys.
//!
//! - Only a hash of the secret is kept; the code itself is shown once.
//! - A code serves one key. The same key may ask again with the same code and gets a certificate again: a lost answer
//!   costs nothing. Another key is refused.
//! - A key that is known keeps its replica: a PC whose certificate has ended joins again as itself.

use kentongan_host::certificate::{fingerprint, to_pem};
use kentongan_host::enrolment::{EnrolAnswer, EnrolCode as Code, EnrolRequest, RenewAnswer, from_hex, to_hex};
use kentongan_host::random::{random_below, random_u64};
use kentongan_host::{Exit, Failure, Ktg, moment};
use kentongan_protocol::ids::{OfficeCode, ReplicaId};
use kentongan_protocol::limits::NAME_BYTES_MAX;
use kentongan_protocol::log::Holding;
use kentongan_protocol::receipt::{PREFIXES, Prefix};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Desk;
use super::office::{clean_name, known, parse_code};
use crate::ca::{DeviceCertificate, key_of_request};
use crate::store::{Certificate, EnrolCode, Office, Replica, Standing, Tx};

/// What operators can ask about codes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Makes a code.
    Create {
        /// Code of the office; made if there is none.
        office: String,
        /// Name of the office, if it is new or had none.
        name: String,
        /// How long the code holds, in milliseconds.
        expires_ms: u64,
    },
    /// All codes.
    List,
    /// Ends a code that was not used.
    Revoke {
        /// Its number.
        number: u64,
    },
}

/// The answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To [`Request::Create`].
    Created(Created),
    /// To [`Request::List`].
    List(List),
    /// To [`Request::Revoke`].
    Revoked(CodeRow),
}

/// A new code. The only place where it stands in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Created {
    /// The code.
    pub code: String,
    /// Its number, for lists and for revoking.
    pub number: u64,
    /// The office that it lets join.
    pub office: String,
    /// Name of the office.
    pub office_name: String,
    /// When it ends.
    #[serde(with = "moment")]
    pub expires_at: i64,
}

/// Codes, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct List {
    /// The codes.
    pub codes: Vec<CodeRow>,
}

/// A code in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeRow {
    /// Its number.
    pub number: u64,
    /// The office that it lets join.
    pub office: String,
    /// How it stands.
    pub state: CodeState,
    /// When it was made.
    #[serde(with = "moment")]
    pub created_at: i64,
    /// When it ends.
    #[serde(with = "moment")]
    pub expires_at: i64,
    /// The device that used it.
    pub replica: Option<String>,
    /// When.
    #[serde(with = "moment::option")]
    pub used_at: Option<i64>,
}

/// How a code stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeState {
    /// Waits to be used.
    Open,
    /// Was used.
    Used,
    /// Ran out.
    Expired,
    /// Was revoked.
    Revoked,
}

/// Why a code or key was refused. The office is told which: the person there can act on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No such code.
    Unknown,
    /// Used by another key.
    Used,
    /// Ran out.
    Expired,
    /// Revoked.
    Revoked,
    /// The request proves no key.
    NoKey,
    /// The key belongs to a revoked device: a new key is needed.
    KeyRevoked,
    /// The key belongs to a device of another office.
    KeyElsewhere,
}

impl Refusal {
    /// Stable word for logs and for the agent.
    pub fn word(self) -> &'static str {
        match self {
            Refusal::Unknown => "unknown",
            Refusal::Used => "used",
            Refusal::Expired => "expired",
            Refusal::Revoked => "revoked",
            Refusal::NoKey => "no_key",
            Refusal::KeyRevoked => "key_revoked",
            Refusal::KeyElsewhere => "key_elsewhere",
        }
    }

    /// What the agent is told.
    pub fn failure(self) -> Failure {
        Failure::of(Ktg::CodeRefused).with_detail(self.word())
    }
}

/// Who a PC is from now on, or why not.
pub type Joined = Result<EnrolAnswer, Refusal>;

/// Answers an operator's request about codes.
///
/// # Errors
/// What was asked does not hold (exit 2 or 1), or a failure of the store.
pub fn execute(tx: &mut dyn Tx, desk: &Desk, request: &Request) -> Result<Answer, Failure> {
    match request {
        Request::Create { office, name, expires_ms } => create(tx, desk, office, name, *expires_ms),
        Request::List => {
            let codes = tx.enrol_codes()?.iter().map(|code| row(desk, code)).collect();
            Ok(Answer::List(List { codes }))
        }
        Request::Revoke { number } => revoke(tx, desk, *number),
    }
}

/// Lets a PC join, if its code holds.
///
/// # Errors
/// A failure of the store or of the certificate authority. A refusal is no failure.
pub fn join(tx: &mut dyn Tx, desk: &Desk, request: &EnrolRequest) -> Result<Joined, Failure> {
    let Some(csr) = from_hex(&request.csr) else { return Ok(Err(Refusal::NoKey)) };
    let Some(key) = key_of_request(&csr) else { return Ok(Err(Refusal::NoKey)) };
    let Some(mut code) = tx.enrol_code_by_secret(&secret_hash(&request.secret))? else {
        return Ok(Err(Refusal::Unknown));
    };
    let owner = tx.replica_by_key(&key)?;
    if let Err(refusal) = check(desk, &code, owner.as_ref()) {
        return Ok(Err(refusal));
    }
    let id = match &owner {
        Some(replica) => replica.id,
        None => new_id(tx)?,
    };
    let Some(issued) = issue(desk, id, &csr)? else { return Ok(Err(Refusal::NoKey)) };
    let replica = match owner {
        Some(replica) => Replica { certificate: noted(&issued), ..replica },
        None => newcomer(tx, desk, id, &code.office, request, &issued)?,
    };
    tx.put_replica(&replica)?;
    code.used = Some((id, desk.now_ms));
    tx.put_enrol_code(&code)?;
    let detail = json!({ "office": code.office.as_str(), "code": code.id, "host": replica.name });
    desk.audit(tx, "replica.enrolled", &id.to_string(), detail)?;
    answer(tx, desk, &replica, &issued).map(Ok)
}

/// Gives a device a newer certificate for the key it has.
///
/// # Errors
/// A failure of the store or of the certificate authority. `None`: the request is not by the device's own key.
pub fn renew(tx: &mut dyn Tx, desk: &Desk, replica: &Replica, csr: &[u8]) -> Result<Option<RenewAnswer>, Failure> {
    let Some(issued) = issue(desk, replica.id, csr)? else { return Ok(None) };
    if issued.public_key != replica.public_key {
        return Ok(None);
    }
    let renewed = Replica { certificate: noted(&issued), ..replica.clone() };
    tx.put_replica(&renewed)?;
    desk.audit(tx, "replica.renewed", &replica.id.to_string(), json!({}))?;
    Ok(Some(RenewAnswer {
        certificate_pem: to_pem(&issued.der),
        hub_ms: desk.now_ms,
        recovery_key: Some(to_hex(&desk.authority().recovery_key(replica.id))),
    }))
}

fn create(tx: &mut dyn Tx, desk: &Desk, office: &str, name: &str, expires_ms: u64) -> Result<Answer, Failure> {
    let office = office_for(tx, desk, &parse_code(office)?, &clean_name(name)?)?;
    let code = Code::draw(desk.authority().root());
    let number = tx.enrol_codes()?.iter().map(|code| code.id).max().unwrap_or(0) + 1;
    let expires_at = desk.now_ms.saturating_add_unsigned(expires_ms);
    tx.put_enrol_code(&EnrolCode {
        id: number,
        secret_hash: secret_hash(&code.secret()),
        office: office.code.clone(),
        created_ms: desk.now_ms,
        expires_ms: expires_at,
        used: None,
        revoked_ms: None,
    })?;
    desk.audit(tx, "enrol.code.created", office.code.as_str(), json!({ "code": number }))?;
    Ok(Answer::Created(Created {
        code: code.to_string(),
        number,
        office: office.code.to_string(),
        office_name: office.name,
        expires_at,
    }))
}

/// The office, entered if it is new, named if it had no name.
fn office_for(tx: &mut dyn Tx, desk: &Desk, code: &OfficeCode, name: &str) -> Result<Office, Failure> {
    let office = match tx.office(code)? {
        Some(office) if !office.name.is_empty() || name.is_empty() => return Ok(office),
        Some(office) => Office { name: name.to_owned(), ..office },
        None => Office { code: code.clone(), name: name.to_owned(), added_ms: desk.now_ms, paused_ms: None },
    };
    tx.put_office(&office)?;
    desk.audit(tx, "office.entered", code.as_str(), json!({ "name": name }))?;
    known(tx, code.as_str())
}

fn revoke(tx: &mut dyn Tx, desk: &Desk, number: u64) -> Result<Answer, Failure> {
    let Some(mut code) = tx.enrol_code(number)? else {
        return Err(Failure::new(
            Exit::Failed,
            format!("Tidak ada kode nomor {number}."),
            format!("There is no code number {number}."),
        )
        .with_hint("kentongan-hub enrol code list", "kentongan-hub enrol code list"));
    };
    if let Some((replica, _)) = code.used {
        return Err(Failure::new(
            Exit::Failed,
            format!("Kode nomor {number} sudah dipakai perangkat {replica}; cabut perangkatnya."),
            format!("Code number {number} was used by the device {replica}; revoke the device."),
        )
        .with_hint("kentongan-hub office revoke NOMOR --reason …", "kentongan-hub office revoke ID --reason …"));
    }
    if code.revoked_ms.is_none() {
        code.revoked_ms = Some(desk.now_ms);
        tx.put_enrol_code(&code)?;
        desk.audit(tx, "enrol.code.revoked", code.office.as_str(), json!({ "code": number }))?;
    }
    Ok(Answer::Revoked(row(desk, &code)))
}

fn row(desk: &Desk, code: &EnrolCode) -> CodeRow {
    CodeRow {
        number: code.id,
        office: code.office.to_string(),
        state: code_state(desk, code),
        created_at: code.created_ms,
        expires_at: code.expires_ms,
        replica: code.used.map(|(replica, _)| replica.to_string()),
        used_at: code.used.map(|(_, at_ms)| at_ms),
    }
}

fn code_state(desk: &Desk, code: &EnrolCode) -> CodeState {
    match code {
        EnrolCode { used: Some(_), .. } => CodeState::Used,
        EnrolCode { revoked_ms: Some(_), .. } => CodeState::Revoked,
        EnrolCode { expires_ms, .. } if *expires_ms < desk.now_ms => CodeState::Expired,
        _ => CodeState::Open,
    }
}

/// Whether the code lets this key in; `owner` is the device that has the key already.
fn check(desk: &Desk, code: &EnrolCode, owner: Option<&Replica>) -> Result<(), Refusal> {
    match code_state(desk, code) {
        CodeState::Revoked => return Err(Refusal::Revoked),
        CodeState::Expired => return Err(Refusal::Expired),
        CodeState::Used if code.used.map(|(id, _)| id) != owner.map(|replica| replica.id) => return Err(Refusal::Used),
        CodeState::Used | CodeState::Open => {}
    }
    match owner {
        Some(replica) if replica.standing != Standing::Active => Err(Refusal::KeyRevoked),
        Some(replica) if replica.office != code.office => Err(Refusal::KeyElsewhere),
        _ => Ok(()),
    }
}

fn newcomer(
    tx: &mut dyn Tx,
    desk: &Desk,
    id: ReplicaId,
    office: &OfficeCode,
    request: &EnrolRequest,
    issued: &DeviceCertificate,
) -> Result<Replica, Failure> {
    Ok(Replica {
        id,
        office: office.clone(),
        name: short(&request.host),
        public_key: issued.public_key,
        prefix: new_prefix(tx)?,
        certificate: noted(issued),
        standing: Standing::Active,
        enrolled_ms: desk.now_ms,
        run_now: None,
        twin_seen_ms: None,
        holding: Holding::default(),
        last_contact: None,
    })
}

fn issue(desk: &Desk, id: ReplicaId, csr: &[u8]) -> Result<Option<DeviceCertificate>, Failure> {
    desk.authority().issue_device(id, csr, desk.now_ms, desk.config.client_cert_days)
}

fn noted(issued: &DeviceCertificate) -> Certificate {
    Certificate {
        serial: issued.serial.clone(),
        from_ms: issued.not_before_s.saturating_mul(1000),
        until_ms: issued.not_after_s.saturating_mul(1000),
    }
}

fn answer(tx: &mut dyn Tx, desk: &Desk, replica: &Replica, issued: &DeviceCertificate) -> Result<EnrolAnswer, Failure> {
    let office = tx.office(&replica.office)?;
    let hub = tx.hub()?.ok_or_else(super::no_hub)?;
    let prefix = Prefix::new(replica.prefix).map(|prefix| prefix.to_string()).unwrap_or_default();
    Ok(EnrolAnswer {
        replica: replica.id.to_string(),
        office: replica.office.to_string(),
        office_name: office.map(|office| office.name).unwrap_or_default(),
        prefix,
        certificate_pem: to_pem(&issued.der),
        root_pem: to_pem(desk.authority().root()),
        hub_replica: hub.replica.to_string(),
        hub_ms: desk.now_ms,
        recovery_key: Some(to_hex(&desk.authority().recovery_key(replica.id))),
    })
}

/// An id that no replica has.
fn new_id(tx: &mut dyn Tx) -> Result<ReplicaId, Failure> {
    loop {
        let id = ReplicaId(random_u64());
        if id.0 != 0 && tx.replica(id)?.is_none() {
            return Ok(id);
        }
    }
}

/// A prefix that no replica has. There are 923,521; with 100,000 devices nine in ten draws are free.
fn new_prefix(tx: &mut dyn Tx) -> Result<u32, Failure> {
    for _ in 0..10_000 {
        let prefix = random_below(u64::from(PREFIXES)) as u32;
        if tx.replica_by_prefix(prefix)?.is_none() {
            return Ok(prefix);
        }
    }
    Err(Failure::new(
        Exit::Failed,
        "Awalan kode tanda terima sudah habis di pusat ini.",
        "This hub has no receipt prefix left to give.",
    ))
}

fn secret_hash(secret: &str) -> [u8; 32] {
    let mut text = b"kentongan enrolment secret 1 ".to_vec();
    text.extend(secret.trim().to_ascii_uppercase().bytes());
    fingerprint(&text)
}

/// What a stranger says, cut to one short line.
fn short(text: &str) -> String {
    let mut short = String::new();
    for c in text.chars().filter(|c| !c.is_control()) {
        if short.len() + c.len_utf8() > NAME_BYTES_MAX {
            break;
        }
        short.push(c);
    }
    short
}
