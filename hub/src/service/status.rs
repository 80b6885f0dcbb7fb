//! The whole hub at a glance.

use std::collections::BTreeMap;
use std::fs;

use kentongan_host::files::free_bytes;
use kentongan_host::{Failure, moment};
use kentongan_protocol::form::{self, FormTag};
use serde::{Deserialize, Serialize};

use super::Desk;
use super::fleet::{Notice, OfficeRow, State, rows};
use crate::ca::{Age, age};
use crate::store::{RecordTally, Tx};

/// The hub at a glance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// What people call it.
    pub name: String,
    /// The hub as a replica.
    pub replica: String,
    /// SHA-256 of the root certificate.
    pub fingerprint: String,
    /// Whether nothing is listed in `health`.
    pub healthy: bool,
    /// What a person should look at, the worst first.
    pub health: Vec<Health>,
    /// Whether a service answered, and since when and where.
    pub service: Service,
    /// Offices by state.
    pub offices: BTreeMap<State, u64>,
    /// Devices that may speak.
    pub replicas: u64,
    /// Ops that devices said they still hold.
    pub pending_at_offices: u64,
    /// Records by form.
    pub records: BTreeMap<String, u64>,
    /// Ops stored.
    pub ops: u64,
    /// Groups of records in which values stand side by side.
    pub conflicts: u64,
    /// Ops kept aside that nobody has decided on.
    pub quarantine: u64,
    /// Ops that wait for the creation of their record.
    pub waiting: u64,
    /// Ops that claimed the name of another.
    pub forks: u64,
    /// Last number of the feed.
    pub feed: u64,
    /// The latest start of the hub.
    pub epoch: Option<String>,
    /// Starts so far.
    pub starts: u64,
    /// Size of the store.
    pub store_bytes: u64,
    /// Free space beside it.
    pub store_free_bytes: Option<u64>,
    /// When the marks of what is safe were last raised after a verified backup.
    #[serde(default, with = "moment::option")]
    pub backup_at: Option<i64>,
    /// End of the hub's certificate.
    #[serde(with = "moment")]
    pub cert_expires_at: i64,
    /// Version of the program.
    pub version: String,
    /// Version of the protocol.
    pub protocol: u8,
}

/// The running service, if there is one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Whether it answered.
    pub running: bool,
    /// Since when it runs.
    #[serde(with = "moment::option")]
    pub since: Option<i64>,
    /// Where offices connect.
    pub sync: Option<String>,
    /// Its process.
    pub pid: Option<u32>,
}

/// Something that a person should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", content = "count", rename_all = "snake_case")]
pub enum Health {
    /// Less free space than the hub needs to accept anything; free bytes.
    NoSpace(u64),
    /// No verified backup for more than a day; hours since the last one, or since the hub was made.
    Backup(i64),
    /// The hub's certificate has ended or is past half of its life; days left.
    Certificate(i64),
    /// Ops that claim the name of another.
    Forks(u64),
    /// Offices where two machines answer as one replica.
    Twins(u64),
    /// Offices that were not heard for long.
    Silent(u64),
    /// Ops kept aside.
    Quarantine(u64),
    /// Values that stand side by side.
    Conflicts(u64),
    /// Offices with a clock that is far off.
    Clocks(u64),
    /// Offices whose device certificate ends soon.
    DeviceCertificates(u64),
    /// Offices that run out of space.
    Space(u64),
    /// Offices that were restored from an older copy.
    Restored(u64),
}

/// Forks are counted up to here: any at all needs a person.
const FORKS_COUNTED: usize = 1_000;
const DAY_MS: i64 = 86_400_000;
/// A nightly backup may take two hours longer than the one before.
const BACKUP_AGE_MS_MAX: i64 = 26 * 3_600_000;

/// Looks at everything.
///
/// # Errors
/// A failure of the store.
pub fn status(tx: &mut dyn Tx, desk: &Desk) -> Result<Status, Failure> {
    let offices = rows(tx, desk)?;
    status_of(tx, desk, &offices, &mut RecordTally::default())
}

/// The same for offices that were looked at already and records that were counted before.
pub(crate) fn status_of(
    tx: &mut dyn Tx,
    desk: &Desk,
    offices: &[OfficeRow],
    tally: &mut RecordTally,
) -> Result<Status, Failure> {
    let hub = tx.hub()?.ok_or_else(super::no_hub)?;
    let totals = tx.totals_since(tally)?;
    let epochs = tx.epochs()?;
    let forks = tx.forks(FORKS_COUNTED)?.len() as u64;
    let store_free_bytes = free_bytes(desk.dir.root());
    let (fingerprint, cert_expires_at, cert_age) = {
        let authority = desk.authority();
        let facts = kentongan_host::certificate::facts(authority.hub());
        let until_ms = facts.map_or(0, |facts| facts.validity.not_after_s.saturating_mul(1000));
        (authority.root_fingerprint(), until_ms, age(authority.hub(), desk.now_ms.div_euclid(1000)))
    };

    let with = |notice: Notice| offices.iter().filter(|row| row.notices.contains(&notice)).count() as u64;
    let in_state = |state: State| offices.iter().filter(|row| row.state == state).count() as u64;
    let mut health = Vec::new();
    if let Some(free) = store_free_bytes.filter(|free| *free < desk.config.min_free_bytes) {
        health.push(Health::NoSpace(free));
    }
    let backup_at = tx.backed_up_ms()?;
    if let Some(hours) = backup_too_old(backup_at.unwrap_or(hub.created_ms), desk.now_ms) {
        health.push(Health::Backup(hours));
    }
    if cert_age != Age::Young {
        health.push(Health::Certificate((cert_expires_at - desk.now_ms).div_euclid(DAY_MS)));
    }
    let counted = [
        (Health::Forks as fn(u64) -> Health, forks),
        (Health::Twins, with(Notice::Twin)),
        (Health::Silent, in_state(State::Silent)),
        (Health::Quarantine, totals.quarantined),
        (Health::Conflicts, totals.conflicts),
        (Health::Clocks, with(Notice::Clock)),
        (Health::DeviceCertificates, with(Notice::Certificate)),
        (Health::Space, with(Notice::Space)),
        (Health::Restored, with(Notice::Restored)),
    ];
    health.extend(counted.into_iter().filter(|(_, count)| *count > 0).map(|(kind, count)| kind(count)));

    Ok(Status {
        name: hub.name,
        replica: hub.replica.to_string(),
        fingerprint,
        healthy: health.is_empty(),
        health,
        service: desk.service.clone(),
        offices: State::ALL.into_iter().map(|state| (state, in_state(state))).collect(),
        replicas: offices.iter().map(|row| row.replicas).sum(),
        pending_at_offices: offices.iter().map(|row| row.pending).sum(),
        records: totals.records.iter().map(|(form, count)| (form_name(*form), *count)).collect(),
        ops: totals.ops,
        conflicts: totals.conflicts,
        quarantine: totals.quarantined,
        waiting: totals.waiting,
        forks,
        feed: totals.feed,
        epoch: epochs.last().map(|epoch| epoch.epoch.to_string()),
        starts: epochs.len() as u64,
        store_bytes: store_bytes(desk),
        store_free_bytes,
        backup_at,
        cert_expires_at,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        protocol: kentongan_protocol::wire::versions().1,
    })
}

/// Hours since the last backup, if that is too long.
pub(crate) fn backup_too_old(last_ms: i64, now_ms: i64) -> Option<i64> {
    let age_ms = now_ms.saturating_sub(last_ms);
    (age_ms > BACKUP_AGE_MS_MAX).then_some(age_ms / 3_600_000)
}

fn form_name(tag: FormTag) -> String {
    form::builtin::by_tag(tag).map_or_else(|| format!("form-{tag}"), |form| form.name.clone())
}

/// The database with what is not yet folded into it.
fn store_bytes(desk: &Desk) -> u64 {
    let file = desk.dir.store();
    let mut log = file.clone().into_os_string();
    log.push("-wal");
    [file, log.into()].iter().filter_map(|path| fs::metadata(path).ok()).map(|metadata| metadata.len()).sum()
}
