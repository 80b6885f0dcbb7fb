//! How a PC joins: codes that operators make, and the certificate that a code buys.
//!
//! - Only a hash of the secret is kept; the code itself is shown once.
//! - A code serves one key. The same key may ask again with the same code and gets a certificate again: a lost answer
//!   costs nothing. Another key is refused.
//! - A key that is known keeps its replica: a PC whose certificate has ended joins again as itself.
//! - A code that asks for approval lets nobody in until a person has said that the PC which shows it is the right one, by
//!   five words that both sides see. The first key that shows it is the one that is asked about; denying it ends the code.
//! - A request may come as a file and its answer go back as one (`carried`); what is decided is the same.

mod carried;

use std::collections::{BTreeMap, BTreeSet};

use kentongan_host::certificate::{fingerprint, to_pem};
use kentongan_host::enrolment::{EnrolAnswer, EnrolCode as Code, EnrolRequest, RenewAnswer, from_hex, to_hex};
use kentongan_host::random::{random_below, random_u64};
use kentongan_host::spoken::five_words;
use kentongan_host::{Exit, Failure, Ktg, moment};
use kentongan_protocol::ids::{OfficeCode, ReplicaId};
use kentongan_protocol::limits::NAME_BYTES_MAX;
use kentongan_protocol::log::Holding;
use kentongan_protocol::receipt::Prefix;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::office::{clean_name, known, parse_code};
use super::{Desk, filing};
use crate::ca::{DeviceCertificate, key_of_request};
use crate::store::{Applicant, Approval, Certificate, EnrolCode, Office, Replica, Standing, Tx};

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
        /// Whether a person has to say that the PC which shows it is the right one.
        #[serde(default)]
        asks: bool,
        /// The operator's own mark, for lists.
        #[serde(default)]
        tag: String,
    },
    /// All codes.
    List,
    /// Ends a code that was not used.
    Revoke {
        /// Its number.
        number: u64,
    },
    /// Says that the PC which shows a code is the right one, or is not.
    Judge {
        /// Number of the code.
        number: u64,
        /// Whether it is; if not, the code ends.
        approved: bool,
    },
    /// Looks at a request that came as a file. A PC that somebody has to be asked about is noted as one that asks.
    Look {
        /// What it says.
        request: EnrolRequest,
    },
    /// Lets in a PC whose request came as a file.
    Admit {
        /// What it says.
        request: EnrolRequest,
        /// Whether a person says with this that the PC is the right one.
        approved: bool,
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
    /// To [`Request::Judge`].
    Judged(CodeRow),
    /// To [`Request::Look`].
    Looked(Asking),
    /// To [`Request::Admit`].
    Admitted(Admitted),
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
    /// Whether a person has to say that the PC which shows it is the right one.
    #[serde(default)]
    pub asks: bool,
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
    /// Name of the office.
    #[serde(default)]
    pub office_name: String,
    /// The operator's own mark.
    #[serde(default)]
    pub tag: String,
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
    /// The PC that shows it and is asked about, or was.
    #[serde(default)]
    pub applicant: Option<ApplicantRow>,
}

/// A PC that shows a code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicantRow {
    /// Its key as five words, to be compared over the telephone.
    pub words: String,
    /// What it is called there.
    pub host: String,
    /// Its program.
    pub program: String,
    /// When it first asked.
    #[serde(with = "moment")]
    pub asked_at: i64,
    /// Whether it was said to be the right one.
    pub approved: bool,
}

/// A PC whose request came as a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asking {
    /// Number of its code.
    pub number: u64,
    /// The office that the code lets join.
    pub office: String,
    /// Name of the office.
    pub office_name: String,
    /// What the PC is called there.
    pub host: String,
    /// Its program.
    pub program: String,
    /// Its key as five words.
    pub words: String,
    /// Whether a person has to say first that it is the right one.
    pub waits: bool,
}

/// A PC that was let in, and what is carried back to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admitted {
    /// The device.
    pub replica: String,
    /// Its office.
    pub office: String,
    /// Name of the office.
    pub office_name: String,
    /// The file, as text.
    pub file: String,
}

/// How a code stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeState {
    /// Waits to be used.
    Open,
    /// A PC shows it and waits until a person has said that it is the right one.
    Asked,
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
    /// A person has to say first that this PC is the right one.
    ApprovalAwaited,
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
            Refusal::ApprovalAwaited => "approval_awaited",
        }
    }

    /// What the agent is told.
    pub fn failure(self) -> Failure {
        match self {
            Refusal::ApprovalAwaited => Failure::of(Ktg::ApprovalAwaited),
            _ => Failure::of(Ktg::CodeRefused).with_detail(self.word()),
        }
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
        Request::Create { office, name, expires_ms, asks, tag } => {
            let approval = if *asks { Approval::Awaited } else { Approval::Beforehand };
            create(tx, desk, (office, name), *expires_ms, (approval, tag))
        }
        Request::List => {
            let names: BTreeMap<OfficeCode, String> =
                tx.offices()?.into_iter().map(|office| (office.code, office.name)).collect();
            let name = |code: &EnrolCode| names.get(&code.office).cloned().unwrap_or_default();
            let codes = tx.enrol_codes()?.iter().map(|code| row(desk, code, name(code))).collect();
            Ok(Answer::List(List { codes }))
        }
        Request::Revoke { number } => revoke(tx, desk, *number),
        Request::Judge { number, approved } => judge(tx, desk, *number, *approved),
        Request::Look { request } => carried::look(tx, desk, request).map(Answer::Looked),
        Request::Admit { request, approved } => carried::admit(tx, desk, request, *approved).map(Answer::Admitted),
    }
}

/// A request that its code and the people asked let through.
struct Cleared {
    csr: Vec<u8>,
    code: EnrolCode,
    /// The device that has the key already.
    owner: Option<Replica>,
}

/// Lets a PC join, if its code holds.
///
/// # Errors
/// A failure of the store or of the certificate authority. A refusal is no failure.
pub fn join(tx: &mut dyn Tx, desk: &Desk, request: &EnrolRequest) -> Result<Joined, Failure> {
    let Cleared { csr, mut code, owner } = match cleared(tx, desk, request)? {
        Ok(cleared) => cleared,
        Err(refusal) => return Ok(Err(refusal)),
    };
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

/// Looks whether key and code hold, and whether a person was asked where one has to be.
fn cleared(tx: &mut dyn Tx, desk: &Desk, request: &EnrolRequest) -> Result<Result<Cleared, Refusal>, Failure> {
    let Some(csr) = from_hex(&request.csr) else { return Ok(Err(Refusal::NoKey)) };
    let Some(key) = key_of_request(&csr) else { return Ok(Err(Refusal::NoKey)) };
    let Some(mut code) = tx.enrol_code_by_secret(&secret_hash(&request.secret))? else {
        return Ok(Err(Refusal::Unknown));
    };
    let owner = tx.replica_by_key(&key)?;
    if let Err(refusal) = check(desk, &code, owner.as_ref()) {
        return Ok(Err(refusal));
    }
    let asked = ask(tx, desk, &mut code, (key, request))?;
    Ok(asked.map(|()| Cleared { csr, code, owner }))
}

/// The operators' marks of devices.
pub(crate) type Tags = BTreeMap<ReplicaId, String>;

/// The mark of each device: that of the code by which it last joined. Devices without one are left out.
///
/// # Errors
/// A failure of the store.
pub(crate) fn tags(tx: &mut dyn Tx) -> Result<Tags, Failure> {
    Ok(tx.replica_tags()?.into_iter().collect())
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
        sealing_key: Some(to_hex(desk.authority().seals().public())),
    }))
}

/// Whether a person has said that this PC is the right one, where the code asks for it. The first that shows the code is
/// noted, so that somebody can be asked.
fn ask(
    tx: &mut dyn Tx,
    desk: &Desk,
    code: &mut EnrolCode,
    (public_key, request): ([u8; 32], &EnrolRequest),
) -> Result<Result<(), Refusal>, Failure> {
    match &code.approval {
        Approval::Beforehand => Ok(Ok(())),
        Approval::Given(applicant) if applicant.public_key == public_key => Ok(Ok(())),
        Approval::Asked(applicant) if applicant.public_key == public_key => Ok(Err(Refusal::ApprovalAwaited)),
        Approval::Given(_) | Approval::Asked(_) => Ok(Err(Refusal::Used)),
        Approval::Awaited => {
            let (host, program) = (short(&request.host), short(&request.program));
            code.approval = Approval::Asked(Applicant { public_key, host, program, asked_ms: desk.now_ms });
            tx.put_enrol_code(code)?;
            let detail = json!({ "code": code.id, "words": five_words(&public_key) });
            desk.audit(tx, "enrol.asked", code.office.as_str(), detail)?;
            Ok(Err(Refusal::ApprovalAwaited))
        }
    }
}

/// Lets in the PC that shows a code, or ends the code: whoever has it is somebody else.
fn judge(tx: &mut dyn Tx, desk: &Desk, number: u64, approved: bool) -> Result<Answer, Failure> {
    let mut code = tx.enrol_code(number)?.ok_or_else(|| unknown_code(number))?;
    let Approval::Asked(applicant) = code.approval.clone() else { return Err(nobody_asks(number)) };
    if code_state(desk, &code) != CodeState::Asked {
        return Err(nobody_asks(number));
    }
    let detail = json!({ "code": number, "words": five_words(&applicant.public_key) });
    if approved {
        code.approval = Approval::Given(applicant);
    } else {
        code.revoked_ms = Some(desk.now_ms);
    }
    tx.put_enrol_code(&code)?;
    let event = if approved { "enrol.approved" } else { "enrol.denied" };
    desk.audit(tx, event, code.office.as_str(), detail)?;
    let name = tx.office(&code.office)?.map(|office| office.name).unwrap_or_default();
    Ok(Answer::Judged(row(desk, &code, name)))
}

fn nobody_asks(number: u64) -> Failure {
    Failure::new(
        Exit::Failed,
        format!("Tidak ada komputer yang menunggu persetujuan dengan kode nomor {number}."),
        format!("No computer waits for approval with code number {number}."),
    )
    .with_hint("kentongan-hub enrol request list", "kentongan-hub enrol request list")
}

fn create(
    tx: &mut dyn Tx,
    desk: &Desk,
    (office, name): (&str, &str),
    expires_ms: u64,
    (approval, tag): (Approval, &str),
) -> Result<Answer, Failure> {
    let office = office_for(tx, desk, &parse_code(office)?, &clean_name(name)?)?;
    let number = next_number(tx)?;
    draw(tx, desk, office, (number, expires_ms), (approval, tag)).map(Answer::Created)
}

/// Makes a code for each of these offices that has no PC which may speak.
///
/// # Errors
/// A code of an office that is none, or a failure of the store.
pub fn create_for_all(
    tx: &mut dyn Tx,
    desk: &Desk,
    offices: &[(String, String)],
    expires_ms: u64,
    (asks, tag): (bool, &str),
) -> Result<Vec<Created>, Failure> {
    let mut number = next_number(tx)?;
    let active = tx.replicas()?.into_iter().filter(|replica| replica.standing == Standing::Active);
    let active: BTreeSet<OfficeCode> = active.map(|replica| replica.office).collect();
    let mut codes = Vec::new();
    for (office, _) in offices {
        let office = known(tx, office)?;
        if !active.contains(&office.code) {
            let approval = if asks { Approval::Awaited } else { Approval::Beforehand };
            codes.push(draw(tx, desk, office, (number, expires_ms), (approval, tag))?);
            number += 1;
        }
    }
    Ok(codes)
}

fn next_number(tx: &mut dyn Tx) -> Result<u64, Failure> {
    Ok(tx.enrol_codes()?.iter().map(|code| code.id).max().unwrap_or(0) + 1)
}

fn draw(
    tx: &mut dyn Tx,
    desk: &Desk,
    office: Office,
    (number, expires_ms): (u64, u64),
    (approval, tag): (Approval, &str),
) -> Result<Created, Failure> {
    let code = Code::draw(desk.authority().root());
    let expires_at = desk.now_ms.saturating_add_unsigned(expires_ms);
    let asks = approval != Approval::Beforehand;
    tx.put_enrol_code(&EnrolCode {
        id: number,
        secret_hash: secret_hash(&code.secret()),
        office: office.code.clone(),
        created_ms: desk.now_ms,
        expires_ms: expires_at,
        used: None,
        revoked_ms: None,
        tag: clean_name(tag)?,
        approval,
    })?;
    desk.audit(tx, "enrol.code.created", office.code.as_str(), json!({ "code": number, "asks": asks }))?;
    Ok(Created {
        code: code.to_string(),
        number,
        office: office.code.to_string(),
        office_name: office.name,
        expires_at,
        asks,
    })
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
    let mut code = tx.enrol_code(number)?.ok_or_else(|| unknown_code(number))?;
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
    let name = tx.office(&code.office)?.map(|office| office.name).unwrap_or_default();
    Ok(Answer::Revoked(row(desk, &code, name)))
}

fn unknown_code(number: u64) -> Failure {
    Failure::new(Exit::Failed, format!("Tidak ada kode nomor {number}."), format!("There is no code number {number}."))
        .with_hint("kentongan-hub enrol code list", "kentongan-hub enrol code list")
}

fn row(desk: &Desk, code: &EnrolCode, office_name: String) -> CodeRow {
    let applicant = |applicant: &Applicant, approved| ApplicantRow {
        words: five_words(&applicant.public_key),
        host: applicant.host.clone(),
        program: applicant.program.clone(),
        asked_at: applicant.asked_ms,
        approved,
    };
    CodeRow {
        number: code.id,
        office: code.office.to_string(),
        office_name,
        tag: code.tag.clone(),
        state: code_state(desk, code),
        created_at: code.created_ms,
        expires_at: code.expires_ms,
        replica: code.used.map(|(replica, _)| replica.to_string()),
        used_at: code.used.map(|(_, at_ms)| at_ms),
        applicant: match &code.approval {
            Approval::Asked(asking) => Some(applicant(asking, false)),
            Approval::Given(asked) => Some(applicant(asked, true)),
            Approval::Beforehand | Approval::Awaited => None,
        },
    }
}

fn code_state(desk: &Desk, code: &EnrolCode) -> CodeState {
    match code {
        EnrolCode { used: Some(_), .. } => CodeState::Used,
        EnrolCode { revoked_ms: Some(_), .. } => CodeState::Revoked,
        EnrolCode { expires_ms, .. } if *expires_ms < desk.now_ms => CodeState::Expired,
        EnrolCode { approval: Approval::Asked(_), .. } => CodeState::Asked,
        _ => CodeState::Open,
    }
}

/// Whether the code lets this key in; `owner` is the device that has the key already.
fn check(desk: &Desk, code: &EnrolCode, owner: Option<&Replica>) -> Result<(), Refusal> {
    match code_state(desk, code) {
        CodeState::Revoked => return Err(Refusal::Revoked),
        CodeState::Expired => return Err(Refusal::Expired),
        CodeState::Used if code.used.map(|(id, _)| id) != owner.map(|replica| replica.id) => return Err(Refusal::Used),
        CodeState::Used | CodeState::Open | CodeState::Asked => {}
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
        sealing_key: Some(to_hex(desk.authority().seals().public())),
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

/// A prefix that no replica has. There are 923,520, and a last one that belongs to training; with 100,000 devices nine in
/// ten draws are free.
pub(super) fn new_prefix(tx: &mut dyn Tx) -> Result<u32, Failure> {
    let own = filing::kept_prefix(tx)?;
    for _ in 0..10_000 {
        let prefix = random_below(u64::from(Prefix::TRAINING.number())) as u32;
        if tx.replica_by_prefix(prefix)?.is_none() && own != Some(prefix) {
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
