//! How the offices fare: who was heard when, what waits there, and what a person should know of.
//!
//! ```text
//!   days, contacts ──▶ rhythm ──▶ state of each office, strip ──▶ action: what to do first, is it them or us?
//! ```

mod action;
mod rhythm;
mod strip;
pub mod table;

use std::collections::{BTreeMap, BTreeSet};

use kentongan_host::{Failure, moment};
use kentongan_protocol::calendar::{Week, Zone};
use kentongan_protocol::ids::OfficeCode;
use kentongan_protocol::receipt::Prefix;
use serde::{Deserialize, Serialize};

use super::Desk;
use super::audit::Line;
use super::calendar;
use super::enrolment::{Tags, tags};
use crate::store::{Delays, ExchangeNote, LastContact, Office, OfficeDay, Page, Replica, Standing, StoreError, Tx};

pub use action::{Action, MassSilence, Matter};
use rhythm::{Hashed, Patience, Quiet};
pub use rhythm::{Rhythm, Rhythms};

/// How an office fares, as far as the hub can see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Heard within the time that is usual for it.
    Ok,
    /// Quiet for longer than is usual for it.
    Late,
    /// Quiet for so much longer that somebody should ask.
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

    /// Its stable name.
    pub fn code(self) -> &'static str {
        match self {
            State::Ok => "ok",
            State::Late => "late",
            State::Silent => "silent",
            State::Unseen => "unseen",
            State::Paused => "paused",
            State::Revoked => "revoked",
        }
    }
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
    /// When it will be late, or was.
    #[serde(with = "moment::option")]
    pub expected_by: Option<i64>,
    /// Records and changes that its devices said they still hold.
    pub pending: u64,
    /// Whether there may be more by now: what an office said when it last spoke is old once it is not heard in time.
    pub pending_at_least: bool,
    /// When the oldest of them was written.
    #[serde(with = "moment::option")]
    pub oldest_pending_at: Option<i64>,
    /// When an exchange last ended with nothing left there; `None` if not within eight weeks.
    #[serde(with = "moment::option")]
    pub drained_at: Option<i64>,
    /// By how much the clock of the device is ahead that is furthest off, in seconds; 0 where none was measured.
    pub clock_offset_s: f64,
    /// Whether the clock of one was measured: by what comes on sticks it is not.
    #[serde(default)]
    pub clock_is_measured: bool,
    /// The first end of a certificate of its devices.
    #[serde(with = "moment::option")]
    pub cert_expires_at: Option<i64>,
    /// The program that spoke last.
    pub program: String,
    /// The operators' own marks of its devices.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The last thirty days, the oldest first: `o` heard, `-` quiet and nothing the matter, `l` late, `s` silent, `u` before
    /// it was ever heard.
    pub days: String,
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
    /// When it works and how long it is usually quiet.
    pub rhythm: Rhythm,
    /// Its last exchanges, the newest first.
    pub sessions: Vec<Session>,
    /// How it was heard on each of the last days, the newest first; days on which it was not are left out.
    pub heard: Vec<Heard>,
    /// Its devices, the first that joined first.
    pub devices: Vec<ReplicaRow>,
    /// What operators noted, the newest first.
    #[serde(default)]
    pub notes: Vec<Note>,
    /// What happened to them lately, the newest first.
    pub events: Vec<Line>,
}

/// What an operator noted about an office.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// When.
    #[serde(with = "moment")]
    pub at: i64,
    /// Who.
    pub actor: String,
    /// The note.
    pub text: String,
}

/// An exchange with a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The device.
    pub replica: String,
    /// When it began.
    #[serde(with = "moment")]
    pub started_at: i64,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// How it ended: `ok`, or why not (`cut`, `refused`, `too-long`, `fault`, `failed`).
    pub outcome: String,
    /// Bytes of the request.
    pub bytes_in: u64,
    /// Bytes of the reply.
    pub bytes_out: u64,
    /// Changes newly stored.
    pub ops_in: u64,
    /// Changes given.
    pub ops_out: u64,
}

/// How an office was heard on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// The day there.
    pub day: String,
    /// Exchanges that ended well.
    pub exchanges: u32,
    /// Exchanges that ended early.
    pub ended_early: u32,
    /// Bytes of its requests.
    pub bytes_in: u64,
    /// Bytes of the replies.
    pub bytes_out: u64,
    /// Changes newly stored.
    pub ops_in: u64,
    /// Half of its new records arrived within this many seconds of being entered.
    pub delay_p50_s: Option<u32>,
    /// Nine of ten did.
    pub delay_p90_s: Option<u32>,
}

/// The fleet at a glance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fleet {
    /// Offices by state.
    pub offices: BTreeMap<State, u64>,
    /// Offices with something that a person should look at.
    pub noticed: u64,
    /// Changes that offices said they still hold.
    pub pending: u64,
    /// Whether there may be more by now.
    pub pending_at_least: bool,
    /// Of these, changes of offices that reach the hub and still hold them: only that is a fault.
    pub pending_reachable: u64,
    /// Nine of ten records of the last seven days arrived within this many seconds of being entered.
    pub delay_p90_s: Option<u32>,
    /// Programs in use, with the number of offices.
    pub programs: BTreeMap<String, u64>,
    /// So many offices are missing since the same hour that it is rather the hub or the network.
    pub mass_silence: Option<MassSilence>,
    /// What to do, the weightiest first.
    pub actions: Vec<Action>,
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
    /// Whether that was measured.
    #[serde(default)]
    pub clock_is_measured: bool,
    /// Free bytes on its disk.
    pub free_bytes: u64,
    /// Its program.
    pub program: String,
    /// The operator's own mark: that of the code by which it last joined.
    #[serde(default)]
    pub tag: String,
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
/// Notes shown.
const NOTES_SHOWN: usize = 20;
/// Exchanges shown.
const SESSIONS_SHOWN: usize = 20;
/// Days over which it is told how long records were under way.
const DELAY_DAYS: i32 = 7;

/// What offices are judged by.
struct Judge<'a> {
    desk: &'a Desk,
    calendar: Hashed,
    patience: Patience,
    tags: Tags,
}

impl<'a> Judge<'a> {
    fn new(tx: &mut dyn Tx, desk: &'a Desk) -> Result<Judge<'a>, Failure> {
        let config = &desk.config;
        let week = Week::with_days(config.week_days).unwrap_or_default();
        let patience = Patience { expected_ms: config.expected_interval_ms, silent_ms: config.silent_after_ms, week };
        Ok(Judge { desk, calendar: calendar::in_force(tx)?.into(), patience, tags: tags(tx)? })
    }

    fn rhythm(&self, office: &OfficeCode, days: &[OfficeDay]) -> Rhythm {
        let today = Zone::of(office).day_of(self.desk.now_ms);
        self.desk.rhythms.of(days, &self.calendar, office, today, self.patience)
    }

    fn row(&self, office: &Office, devices: &[Replica], days: &[OfficeDay]) -> OfficeRow {
        let (desk, now_ms) = (self.desk, self.desk.now_ms);
        let rhythm = self.rhythm(&office.code, days);
        let clockwork = rhythm.clockwork(&self.calendar.calendar, &office.code);
        let active = || devices.iter().filter(|replica| replica.standing == Standing::Active);
        let contacts = || active().filter_map(|replica| replica.last_contact.as_ref());
        let last = devices.iter().filter_map(|replica| replica.last_contact.as_ref()).max_by_key(|last| last.at_ms);
        let expected = last.map(|last| rhythm.expected(&clockwork, last.at_ms));
        let state = state(office, devices, expected.map(|expected| expected.quiet(now_ms)));
        let mut notices: Vec<Notice> = active().flat_map(|replica| notices(desk, replica)).collect();
        notices.sort_unstable();
        notices.dedup();
        let tags: BTreeSet<&String> = active().filter_map(|replica| self.tags.get(&replica.id)).collect();
        let measured = contacts().filter(|contact| contact.is_clock_measured());
        let offset_ms = measured.map(|contact| contact.clock_offset_ms).max_by_key(|offset| offset.unsigned_abs());
        OfficeRow {
            office: office.code.to_string(),
            name: office.name.clone(),
            state,
            notices,
            replicas: active().count() as u64,
            last_contact_at: last.map(|last| last.at_ms),
            expected_by: expected.map(|expected| expected.late_ms),
            pending: active().map(pending).sum(),
            pending_at_least: last.is_some() && state != State::Ok,
            oldest_pending_at: active().filter_map(oldest_pending_ms).min(),
            drained_at: days.iter().filter_map(|day| day.drained_ms).max(),
            clock_offset_s: offset_ms.unwrap_or(0) as f64 / 1000.0,
            clock_is_measured: offset_ms.is_some(),
            cert_expires_at: active().map(|replica| replica.certificate.until_ms).min(),
            program: last.map_or_else(String::new, |last| last.program.clone()),
            tags: tags.into_iter().cloned().collect(),
            days: strip::strip(days, &rhythm, &clockwork, clockwork.zone().day_of(now_ms), now_ms),
        }
    }
}

/// All offices as rows, by code.
///
/// # Errors
/// A failure of the store.
pub fn rows(tx: &mut dyn Tx, desk: &Desk) -> Result<Vec<OfficeRow>, Failure> {
    let days = by_office(tx.office_days(None)?);
    judged(tx, desk, &days)
}

fn judged(
    tx: &mut dyn Tx,
    desk: &Desk,
    days: &BTreeMap<OfficeCode, Vec<OfficeDay>>,
) -> Result<Vec<OfficeRow>, Failure> {
    let judge = Judge::new(tx, desk)?;
    let devices = devices(tx)?;
    let row = |office: &Office| {
        let days = days.get(&office.code).map_or(&[][..], Vec::as_slice);
        judge.row(office, devices.get(&office.code).map_or(&[], Vec::as_slice), days)
    };
    Ok(tx.offices()?.iter().map(row).collect())
}

/// Every office, and whether it is waited for: it is neither paused nor are all of its devices revoked. Says nothing of its
/// rhythm, and takes a fraction of the time.
///
/// # Errors
/// A failure of the store.
pub(crate) fn awaited(tx: &mut dyn Tx) -> Result<Vec<(Office, bool)>, StoreError> {
    let devices = devices(tx)?;
    let awaited = |office: Office| {
        let at_rest = at_rest(&office, devices.get(&office.code).map_or(&[], Vec::as_slice));
        (office, at_rest.is_none())
    };
    Ok(tx.offices()?.into_iter().map(awaited).collect())
}

fn devices(tx: &mut dyn Tx) -> Result<BTreeMap<OfficeCode, Vec<Replica>>, StoreError> {
    Ok(by_office(tx.replicas()?.into_iter().map(|replica| (replica.office.clone(), replica))))
}

fn by_office<T>(all: impl IntoIterator<Item = (OfficeCode, T)>) -> BTreeMap<OfficeCode, Vec<T>> {
    let mut offices: BTreeMap<OfficeCode, Vec<T>> = BTreeMap::new();
    for (office, one) in all {
        offices.entry(office).or_default().push(one);
    }
    offices
}

/// The fleet at a glance.
///
/// # Errors
/// A failure of the store.
pub fn fleet(tx: &mut dyn Tx, desk: &Desk) -> Result<Fleet, Failure> {
    Ok(overview(tx, desk)?.1)
}

/// All offices by code, and what they are together.
///
/// # Errors
/// A failure of the store.
pub fn overview(tx: &mut dyn Tx, desk: &Desk) -> Result<(Vec<OfficeRow>, Fleet), Failure> {
    let days = by_office(tx.office_days(None)?);
    let rows = judged(tx, desk, &days)?;
    let mass_silence = action::mass_silence(&rows, u64::from(desk.config.mass_silence_percent));
    let reachable = |row: &&OfficeRow| row.state == State::Ok;
    let mut delays = Delays::default();
    for (office, days) in &days {
        let today = Zone::of(office).day_of(desk.now_ms);
        days.iter().filter(|day| today.since(day.day) < DELAY_DAYS).for_each(|day| delays.merge(&day.delays));
    }
    let mut programs = BTreeMap::new();
    for row in rows.iter().filter(|row| !row.program.is_empty()) {
        *programs.entry(row.program.clone()).or_insert(0) += 1;
    }
    let in_state = |state: State| rows.iter().filter(|row| row.state == state).count() as u64;
    let fleet = Fleet {
        offices: State::ALL.into_iter().map(|state| (state, in_state(state))).collect(),
        noticed: rows.iter().filter(|row| !row.notices.is_empty()).count() as u64,
        pending: rows.iter().map(|row| row.pending).sum(),
        pending_at_least: rows.iter().any(|row| row.pending_at_least),
        pending_reachable: rows.iter().filter(reachable).map(|row| row.pending).sum(),
        delay_p90_s: delays.within_s(90),
        programs,
        actions: action::actions(&rows, mass_silence.as_ref(), desk.now_ms),
        mass_silence,
    };
    Ok((rows, fleet))
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

/// When the oldest op was written that still waits at a device.
fn oldest_pending_ms(replica: &Replica) -> Option<i64> {
    let contact = replica.last_contact.as_ref().filter(|_| pending(replica) > 0)?;
    Some(contact.at_ms.saturating_sub_unsigned(contact.oldest_pending_ms))
}

/// The state of an office whose silence means nothing; `None`: it is waited for.
fn at_rest(office: &Office, devices: &[Replica]) -> Option<State> {
    if office.paused_ms.is_some() {
        return Some(State::Paused);
    }
    let is_revoked = !devices.is_empty() && devices.iter().all(|replica| replica.standing != Standing::Active);
    is_revoked.then_some(State::Revoked)
}

fn state(office: &Office, devices: &[Replica], quiet: Option<Quiet>) -> State {
    if let Some(rest) = at_rest(office, devices) {
        return rest;
    }
    match quiet {
        None => State::Unseen,
        Some(Quiet::Usual) => State::Ok,
        Some(Quiet::Late) => State::Late,
        Some(Quiet::Silent) => State::Silent,
    }
}

fn notices(desk: &Desk, replica: &Replica) -> Vec<Notice> {
    let mut notices = Vec::new();
    if replica.twin_seen_ms.is_some_and(|seen_ms| desk.now_ms.saturating_sub(seen_ms) < TWIN_SHOWN_MS) {
        notices.push(Notice::Twin);
    }
    if let Some(contact) = &replica.last_contact {
        if contact.is_clock_measured() && contact.clock_offset_ms.unsigned_abs() > CLOCK_OFF_MS {
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
    let days: Vec<OfficeDay> = tx.office_days(Some(&office.code))?.into_iter().map(|(_, day)| day).collect();
    let sessions = sessions(tx, &devices)?;
    let notes = tx.office_notes(&office.code, NOTES_SHOWN)?;
    let judge = Judge::new(tx, desk)?;
    Ok(Detail {
        row: judge.row(office, &devices, &days),
        added_at: office.added_ms,
        paused_at: office.paused_ms,
        rhythm: judge.rhythm(&office.code, &days),
        sessions,
        heard: days.iter().rev().filter(|day| day.hours != 0).map(Heard::from).collect(),
        devices: devices.iter().map(|replica| replica_row(desk, replica, &judge.tags)).collect(),
        notes: notes.into_iter().map(|note| Note { at: note.at_ms, actor: note.actor, text: note.text }).collect(),
        events: events.map(|line| Line::from(&line)).collect(),
    })
}

/// The last exchanges of these devices, the newest first.
fn sessions(tx: &mut dyn Tx, devices: &[Replica]) -> Result<Vec<Session>, Failure> {
    let mut sessions = Vec::new();
    for device in devices {
        sessions.extend(tx.journal_of(device.id, SESSIONS_SHOWN)?.into_iter().map(Session::from));
    }
    sessions.sort_by_key(|session| std::cmp::Reverse(session.started_at));
    sessions.truncate(SESSIONS_SHOWN);
    Ok(sessions)
}

impl From<ExchangeNote> for Session {
    fn from(note: ExchangeNote) -> Session {
        Session {
            replica: note.replica.to_string(),
            started_at: note.started_ms,
            took_ms: note.took_ms,
            outcome: note.outcome,
            bytes_in: note.bytes_in,
            bytes_out: note.bytes_out,
            ops_in: note.ops_in,
            ops_out: note.ops_out,
        }
    }
}

impl From<&OfficeDay> for Heard {
    fn from(day: &OfficeDay) -> Heard {
        Heard {
            day: day.day.to_string(),
            exchanges: day.exchanges,
            ended_early: day.ended_early,
            bytes_in: day.bytes_in,
            bytes_out: day.bytes_out,
            ops_in: day.ops_in,
            delay_p50_s: day.delays.within_s(50),
            delay_p90_s: day.delays.within_s(90),
        }
    }
}

/// A device as a row.
pub(crate) fn replica_row(desk: &Desk, replica: &Replica, tags: &Tags) -> ReplicaRow {
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
        clock_is_measured: contact.is_some_and(LastContact::is_clock_measured),
        free_bytes: contact.map_or(0, |contact| contact.free_bytes),
        program: contact.map_or_else(String::new, |contact| contact.program.clone()),
        tag: tags.get(&replica.id).cloned().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A quiet row, for stories that change some of it.
    pub(super) fn row() -> OfficeRow {
        OfficeRow {
            office: "32.73.05.1001".to_owned(),
            name: String::new(),
            state: State::Ok,
            notices: Vec::new(),
            replicas: 1,
            last_contact_at: None,
            expected_by: None,
            pending: 0,
            pending_at_least: false,
            oldest_pending_at: None,
            drained_at: None,
            clock_offset_s: 0.0,
            clock_is_measured: false,
            cert_expires_at: None,
            program: String::new(),
            tags: Vec::new(),
            days: String::new(),
        }
    }
}
