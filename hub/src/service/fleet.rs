//! How the offices fare: who was heard when, what waits there, and what a person should know of.

use std::collections::BTreeMap;

use kentongan_host::{Failure, moment};
use kentongan_protocol::ids::OfficeCode;
use kentongan_protocol::receipt::Prefix;
use serde::{Deserialize, Serialize};

use super::Desk;
use super::audit::Line;
use crate::store::{Office, Page, Replica, Standing, Tx};

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
    pub events: Vec<Line>,
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

/// Everything about an office.
///
/// # Errors
/// A failure of the store.
pub fn show(tx: &mut dyn Tx, desk: &Desk, office: &Office) -> Result<Detail, Failure> {
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
        events: events.map(|line| Line::from(&line)).collect(),
    })
}

/// A device as a row.
pub(crate) fn replica_row(desk: &Desk, replica: &Replica) -> ReplicaRow {
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
