//! Offices and their devices: who there is, who was heard when, and who may not speak any more.

use std::collections::BTreeMap;

use kentongan_host::{Exit, Failure, moment};
use kentongan_protocol::ids::{OfficeCode, OpId, ReplicaId};
use kentongan_protocol::receipt::Prefix;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Desk;
use crate::store::{Office, Page, Replica, Standing, Tx};

/// What can be asked about offices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// All offices, of one state or area if given.
    List {
        /// Only in this state.
        state: Option<State>,
        /// Only with codes that begin so.
        area: Option<String>,
    },
    /// One office.
    Show {
        /// Its code.
        office: String,
    },
    /// Enters an office.
    Add {
        /// Its code.
        office: String,
        /// Its name.
        name: String,
    },
    /// Enters many offices; those that are there get the new name.
    Import {
        /// Code and name of each.
        offices: Vec<(String, String)>,
    },
    /// Gives an office another name.
    Edit {
        /// Its code.
        office: String,
        /// Its new name.
        name: String,
    },
    /// Says that an office's silence is no fault, or is one again.
    Pause {
        /// Its code.
        office: String,
        /// Whether it is paused from now on.
        paused: bool,
    },
    /// Ends a device's right to speak.
    Revoke {
        /// Its id.
        replica: String,
        /// Why.
        reason: String,
        /// Last ops that are held to be honest, one a log; noted for whoever looks into it.
        valid_upto: Vec<String>,
    },
}

/// How an office fares, as far as the hub can see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Heard within the expected time.
    Ok,
    /// Past the expected time.
    Late,
    /// Not heard for long.
    Silent,
    /// Never heard.
    Unseen,
    /// Its silence is no fault.
    Paused,
    /// None of its devices may speak.
    Revoked,
}

impl State {
    /// All states, the healthy ones first.
    pub const ALL: [State; 6] = [State::Ok, State::Late, State::Silent, State::Unseen, State::Paused, State::Revoked];
}

/// The answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To [`Request::List`].
    List(List),
    /// To [`Request::Show`].
    Show(Box<Detail>),
    /// To everything that changes offices.
    Changed(Changed),
    /// To [`Request::Revoke`].
    Revoked(Box<ReplicaRow>),
}

/// A list of offices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct List {
    /// By code.
    pub offices: Vec<OfficeRow>,
}

/// An office in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OfficeRow {
    /// Its code.
    pub office: String,
    /// Its name.
    pub name: String,
    /// How it fares.
    pub state: State,
    /// Something about it that a person should look at, whatever its state; stable words.
    pub notices: Vec<Notice>,
    /// Devices that may speak.
    pub replicas: u64,
    /// When one of its devices was last heard.
    #[serde(with = "moment::option")]
    pub last_contact_at: Option<i64>,
    /// Records and changes that its devices said they still hold.
    pub pending: u64,
}

/// Something that a person should know of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// Two machines answer as one replica.
    Twin,
    /// A device's clock is far off.
    Clock,
    /// A device was restored from an older copy and had not got everything back when it last spoke.
    Restored,
    /// A device certificate ends soon or has ended.
    Certificate,
    /// A device is running out of space.
    Space,
}

/// Everything about an office.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Detail {
    /// As in the list.
    #[serde(flatten)]
    pub row: OfficeRow,
    /// When it was entered.
    #[serde(with = "moment")]
    pub added_at: i64,
    /// Since when it is paused.
    #[serde(with = "moment::option")]
    pub paused_at: Option<i64>,
    /// Its devices, the first that joined first.
    pub devices: Vec<ReplicaRow>,
    /// What happened to them lately, the newest first.
    pub events: Vec<super::audit::Line>,
}

/// A device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReplicaRow {
    /// Its id.
    pub replica: String,
    /// Name of the PC.
    pub host: String,
    /// First four symbols of its receipt codes.
    pub prefix: String,
    /// Whether it may speak.
    pub active: bool,
    /// Why not.
    pub revoked_reason: Option<String>,
    /// Since when not.
    #[serde(with = "moment::option")]
    pub revoked_at: Option<i64>,
    /// When it joined.
    #[serde(with = "moment")]
    pub enrolled_at: i64,
    /// End of its certificate.
    #[serde(with = "moment")]
    pub cert_expires_at: i64,
    /// Things to know of it.
    pub notices: Vec<Notice>,
    /// When two machines last answered as this one.
    #[serde(with = "moment::option")]
    pub twin_seen_at: Option<i64>,
    /// When it was last heard.
    #[serde(with = "moment::option")]
    pub last_contact_at: Option<i64>,
    /// Ops that the hub holds of it.
    pub ops_held: u64,
    /// Ops it had written, as it said.
    pub ops_written: u64,
    /// Ops that still waited there after it last spoke.
    pub pending: u64,
    /// Age of the oldest of them then, in seconds.
    pub oldest_pending_s: u64,
    /// By how much its clock is ahead, in seconds.
    pub clock_offset_s: f64,
    /// The truth lies at most this far from it, in seconds.
    pub clock_error_s: f64,
    /// Free bytes on its disk.
    pub free_bytes: u64,
    /// Its program.
    pub program: String,
}

/// What a change did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// Offices entered.
    pub added: u64,
    /// Offices changed.
    pub changed: u64,
    /// Codes of the offices concerned, at most 100 of them.
    pub offices: Vec<String>,
}

/// A clock that is off by more than this is worth a word.
const CLOCK_OFF_MS: u64 = 5 * 60 * 1000;
/// For so long after two machines answered as one replica it is said: by then somebody has seen it, or it goes on.
const TWIN_SHOWN_MS: i64 = 30 * 24 * 3600 * 1000;
/// A certificate that ends within this time is worth a word.
const CERT_SOON_MS: i64 = 14 * 24 * 3600 * 1000;
/// Less free space than this at an office is worth a word.
const SPACE_LOW_BYTES: u64 = 200 << 20;
/// Lines of the audit log that are looked through for an office's events.
const EVENTS_LOOKED_AT: usize = 2_000;
/// Events shown.
const EVENTS_SHOWN: usize = 10;

/// Answers a request about offices.
///
/// # Errors
/// A code that is none or not known (exit 2 and 1), or a failure of the store.
pub fn execute(tx: &mut dyn Tx, desk: &Desk, request: &Request) -> Result<Answer, Failure> {
    match request {
        Request::List { state, area } => {
            let mut offices = rows(tx, desk)?;
            offices.retain(|row| state.is_none_or(|state| row.state == state));
            offices.retain(|row| area.as_ref().is_none_or(|area| row.office.starts_with(area.as_str())));
            Ok(Answer::List(List { offices }))
        }
        Request::Show { office } => {
            let office = known(tx, office)?;
            Ok(Answer::Show(Box::new(show(tx, desk, &office)?)))
        }
        Request::Add { office, name } => add(tx, desk, &[(office.clone(), name.clone())], Known::Refuse),
        Request::Import { offices } => add(tx, desk, offices, Known::Rename),
        Request::Edit { office, name } => {
            let mut office = known(tx, office)?;
            office.name = clean_name(name)?;
            change(tx, desk, office, "office.renamed")
        }
        Request::Pause { office, paused } => {
            let mut office = known(tx, office)?;
            office.paused_ms = paused.then(|| office.paused_ms.unwrap_or(desk.now_ms));
            change(tx, desk, office, if *paused { "office.paused" } else { "office.resumed" })
        }
        Request::Revoke { replica, reason, valid_upto } => revoke(tx, desk, replica, reason, valid_upto),
    }
}

/// All offices as rows, by code.
///
/// # Errors
/// A failure of the store.
pub fn rows(tx: &mut dyn Tx, desk: &Desk) -> Result<Vec<OfficeRow>, Failure> {
    let mut devices: BTreeMap<OfficeCode, Vec<Replica>> = BTreeMap::new();
    for replica in tx.replicas()? {
        devices.entry(replica.office.clone()).or_default().push(replica);
    }
    let offices = tx.offices()?;
    Ok(offices.iter().map(|office| row(desk, office, devices.get(&office.code).map_or(&[], Vec::as_slice))).collect())
}

/// The office with this code.
///
/// # Errors
/// Exit 2 for a text that is no code, exit 1 for an office that is not known.
pub fn known(tx: &mut dyn Tx, code: &str) -> Result<Office, Failure> {
    let code = parse_code(code)?;
    tx.office(&code)?.ok_or_else(|| {
        Failure::new(Exit::Failed, format!("Kantor {code} belum dikenal."), format!("The office {code} is not known."))
            .with_hint("kentongan-hub office list", "kentongan-hub office list")
    })
}

/// Reads an office code.
///
/// # Errors
/// Exit 2 with an example of what is right.
pub fn parse_code(text: &str) -> Result<OfficeCode, Failure> {
    text.trim().parse().map_err(|_| {
        Failure::usage(
            format!("{text:?} bukan kode kantor; contoh: 32.73.05.1001 atau 32.73.05.1001-PKM1"),
            format!("{text:?} is no office code; for example: 32.73.05.1001 or 32.73.05.1001-PKM1"),
        )
    })
}

/// A name for people: one line, not too long.
///
/// # Errors
/// Exit 2.
pub fn clean_name(name: &str) -> Result<String, Failure> {
    let name: String = name.split_whitespace().collect::<Vec<_>>().join(" ");
    match name.chars().count() {
        0..=200 => Ok(name),
        _ => Err(Failure::usage("Nama terlalu panjang (paling banyak 200 huruf).", "The name is over 200 characters.")),
    }
}

fn row(desk: &Desk, office: &Office, devices: &[Replica]) -> OfficeRow {
    let active = || devices.iter().filter(|replica| replica.standing == Standing::Active);
    let last_contact_at = devices.iter().filter_map(|replica| Some(replica.last_contact.as_ref()?.at_ms)).max();
    let mut notices: Vec<Notice> = active().flat_map(|replica| notices(desk, replica)).collect();
    notices.sort_unstable();
    notices.dedup();
    OfficeRow {
        office: office.code.to_string(),
        name: office.name.clone(),
        state: state(desk, office, devices, last_contact_at),
        notices,
        replicas: active().count() as u64,
        last_contact_at,
        pending: active().map(pending).sum(),
    }
}

/// Ops that still wait at a device: those that waited when it spoke, without those that it sent in that exchange.
fn pending(replica: &Replica) -> u64 {
    let Some(contact) = &replica.last_contact else { return 0 };
    match contact.ops_written.checked_sub(replica.holding.ops) {
        Some(missing) => contact.pending.min(missing),
        // It was restored and counts too little.
        None => contact.pending,
    }
}

fn state(desk: &Desk, office: &Office, devices: &[Replica], last_contact_ms: Option<i64>) -> State {
    if office.paused_ms.is_some() {
        return State::Paused;
    }
    if !devices.is_empty() && devices.iter().all(|replica| replica.standing != Standing::Active) {
        return State::Revoked;
    }
    match last_contact_ms.map(|at_ms| desk.now_ms.saturating_sub(at_ms)) {
        None => State::Unseen,
        Some(ago) if ago > desk.config.silent_after_ms => State::Silent,
        Some(ago) if ago > desk.config.expected_interval_ms => State::Late,
        Some(_) => State::Ok,
    }
}

fn notices(desk: &Desk, replica: &Replica) -> Vec<Notice> {
    let mut notices = Vec::new();
    if replica.twin_seen_ms.is_some_and(|seen_ms| desk.now_ms.saturating_sub(seen_ms) < TWIN_SHOWN_MS) {
        notices.push(Notice::Twin);
    }
    if let Some(contact) = &replica.last_contact {
        if contact.clock_offset_ms.unsigned_abs() > CLOCK_OFF_MS {
            notices.push(Notice::Clock);
        }
        if contact.ops_written < replica.holding.ops {
            notices.push(Notice::Restored);
        }
        if contact.free_bytes < SPACE_LOW_BYTES {
            notices.push(Notice::Space);
        }
    }
    if replica.certificate.until_ms < desk.now_ms.saturating_add(CERT_SOON_MS) {
        notices.push(Notice::Certificate);
    }
    notices
}

fn show(tx: &mut dyn Tx, desk: &Desk, office: &Office) -> Result<Detail, Failure> {
    let devices: Vec<Replica> = tx.replicas()?.into_iter().filter(|replica| replica.office == office.code).collect();
    let ids: Vec<String> = devices.iter().map(|replica| replica.id.to_string()).collect();
    let concerns = |subject: &str| subject == office.code.as_str() || ids.iter().any(|id| id == subject);
    let lines = tx.audit_log(Page::Before(u64::MAX), EVENTS_LOOKED_AT)?;
    let events = lines.into_iter().filter(|line| concerns(&line.event.subject)).take(EVENTS_SHOWN);
    Ok(Detail {
        row: row(desk, office, &devices),
        added_at: office.added_ms,
        paused_at: office.paused_ms,
        devices: devices.iter().map(|replica| replica_row(desk, replica)).collect(),
        events: events.map(|line| super::audit::Line::from(&line)).collect(),
    })
}

fn replica_row(desk: &Desk, replica: &Replica) -> ReplicaRow {
    let (revoked_reason, revoked_at) = match &replica.standing {
        Standing::Active => (None, None),
        Standing::Revoked { reason, at_ms } => (Some(reason.clone()), Some(*at_ms)),
    };
    let contact = replica.last_contact.as_ref();
    ReplicaRow {
        replica: replica.id.to_string(),
        host: replica.name.clone(),
        prefix: Prefix::new(replica.prefix).map(|prefix| prefix.to_string()).unwrap_or_default(),
        active: revoked_at.is_none(),
        revoked_reason,
        revoked_at,
        enrolled_at: replica.enrolled_ms,
        cert_expires_at: replica.certificate.until_ms,
        notices: notices(desk, replica),
        twin_seen_at: replica.twin_seen_ms,
        last_contact_at: contact.map(|contact| contact.at_ms),
        ops_held: replica.holding.ops,
        ops_written: contact.map_or(0, |contact| contact.ops_written),
        pending: pending(replica),
        oldest_pending_s: contact
            .filter(|_| pending(replica) > 0)
            .map_or(0, |contact| contact.oldest_pending_ms / 1000),
        clock_offset_s: contact.map_or(0.0, |contact| contact.clock_offset_ms as f64 / 1000.0),
        clock_error_s: contact.map_or(0.0, |contact| contact.clock_error_ms as f64 / 1000.0),
        free_bytes: contact.map_or(0, |contact| contact.free_bytes),
        program: contact.map_or_else(String::new, |contact| contact.program.clone()),
    }
}

/// What to do with an office that is there already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    Refuse,
    Rename,
}

fn add(tx: &mut dyn Tx, desk: &Desk, offices: &[(String, String)], known: Known) -> Result<Answer, Failure> {
    let mut changed = Changed { added: 0, changed: 0, offices: Vec::new() };
    for (code, name) in offices {
        let (code, name) = (parse_code(code)?, clean_name(name)?);
        let office = match tx.office(&code)? {
            Some(_) if known == Known::Refuse => {
                return Err(Failure::new(
                    Exit::Failed,
                    format!("Kantor {code} sudah ada."),
                    format!("The office {code} is there already."),
                )
                .with_hint(
                    "kentongan-hub office edit KODE --name NAMA",
                    "kentongan-hub office edit CODE --name NAME",
                ));
            }
            Some(office) if office.name == name => continue,
            Some(office) => {
                changed.changed += 1;
                Office { name, ..office }
            }
            None => {
                changed.added += 1;
                Office { code, name, added_ms: desk.now_ms, paused_ms: None }
            }
        };
        tx.put_office(&office)?;
        desk.audit(tx, "office.entered", office.code.as_str(), json!({ "name": office.name }))?;
        if changed.offices.len() < 100 {
            changed.offices.push(office.code.to_string());
        }
    }
    Ok(Answer::Changed(changed))
}

fn change(tx: &mut dyn Tx, desk: &Desk, office: Office, event: &str) -> Result<Answer, Failure> {
    tx.put_office(&office)?;
    desk.audit(tx, event, office.code.as_str(), json!({ "name": office.name }))?;
    Ok(Answer::Changed(Changed { added: 0, changed: 1, offices: vec![office.code.to_string()] }))
}

fn revoke(tx: &mut dyn Tx, desk: &Desk, replica: &str, reason: &str, valid_upto: &[String]) -> Result<Answer, Failure> {
    let id: ReplicaId = replica.parse().map_err(|_| {
        Failure::usage(
            format!("{replica:?} bukan nomor perangkat (16 angka heksadesimal)."),
            format!("{replica:?} is no device id (16 hexadecimal digits)."),
        )
        .with_hint("kentongan-hub office show KODE", "kentongan-hub office show CODE")
    })?;
    let marks = valid_upto.iter().map(|mark| mark.parse::<OpId>()).collect::<Result<Vec<_>, _>>();
    let marks = marks.map_err(|_| {
        Failure::usage("--valid-upto harus berbentuk LOG-SEQ.", "--valid-upto must be of the form LOG-SEQ.")
    })?;
    let Some(mut replica) = tx.replica(id)? else {
        return Err(Failure::new(
            Exit::Failed,
            format!("Perangkat {id} tidak dikenal."),
            format!("The device {id} is not known."),
        ));
    };
    if replica.standing == Standing::Active {
        replica.standing = Standing::Revoked { reason: reason.to_owned(), at_ms: desk.now_ms };
        tx.put_replica(&replica)?;
        let marks: Vec<String> = marks.iter().map(OpId::to_string).collect();
        desk.audit(tx, "replica.revoked", &id.to_string(), json!({ "reason": reason, "valid_upto": marks }))?;
    }
    Ok(Answer::Revoked(Box::new(replica_row(desk, &replica))))
}
