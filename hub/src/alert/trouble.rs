//! What may be the matter: the same that the console lists under what needs a person, and the hub's own state.

use kentongan_host::files::free_bytes;
use kentongan_host::{Failure, moment};
use serde::{Deserialize, Serialize};

use crate::ca::{Age, age};
use crate::service::fleet::{Action, Matter, overview};
use crate::service::{Desk, audit, backup, board, no_hub, status};
use crate::store::Tx;

const DAY_MS: i64 = 86_400_000;
/// A clash that nobody has decided for so long is told.
const CONFLICT_AGE_MS_MAX: i64 = 2 * DAY_MS;
/// Forks are counted up to here: any at all needs a person.
const FORKS_COUNTED: usize = 1_000;

/// What can be the matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// Many offices are missing since the same hour: rather the hub, the network, or a day on which nobody works.
    #[serde(rename = "offices.silent")]
    ManySilent,
    /// The hub's own disk is nearly full.
    #[serde(rename = "hub.space")]
    HubSpace,
    /// The last attempt at a backup failed.
    #[serde(rename = "backup.failed")]
    BackupFailed,
    /// No verified backup for more than a day.
    #[serde(rename = "backup.old")]
    BackupOld,
    /// The audit chain is broken.
    #[serde(rename = "audit.broken")]
    AuditBroken,
    /// Changes claim the name of others.
    #[serde(rename = "records.forked")]
    Forked,
    /// The hub's certificate was not renewed in time.
    #[serde(rename = "hub.certificate")]
    HubCertificate,
    /// Complaints are past their deadline.
    #[serde(rename = "complaints.overdue")]
    Overdue,
    /// A conflict waits for a decision for too long.
    #[serde(rename = "conflicts.old")]
    ConflictOld,
    /// Changes are kept aside.
    #[serde(rename = "records.quarantined")]
    Quarantined,
    /// An office reaches the hub and still holds what it wrote long ago.
    #[serde(rename = "office.stuck")]
    Stuck,
    /// Two machines answer as one office's device.
    #[serde(rename = "office.twin")]
    Twin,
    /// An office was not heard for much longer than is usual for it.
    #[serde(rename = "office.silent")]
    Silent,
    /// A device at an office runs out of space.
    #[serde(rename = "office.space")]
    Space,
    /// A device certificate has ended, or will have when its office comes back.
    #[serde(rename = "office.certificate")]
    Certificate,
    /// A clock at an office is far off.
    #[serde(rename = "office.clock")]
    Clock,
    /// An office was restored from an older copy and has not got everything back.
    #[serde(rename = "office.restored")]
    Restored,
}

impl Kind {
    /// Whether it goes at once: everybody's records hang on it.
    pub fn is_urgent(self) -> bool {
        matches!(
            self,
            Kind::ManySilent
                | Kind::HubSpace
                | Kind::BackupFailed
                | Kind::BackupOld
                | Kind::AuditBroken
                | Kind::Forked
                | Kind::HubCertificate
        )
    }

    /// That of an office.
    fn of(matter: Matter) -> Kind {
        match matter {
            Matter::Stuck => Kind::Stuck,
            Matter::Twin => Kind::Twin,
            Matter::Silent => Kind::Silent,
            Matter::Space => Kind::Space,
            Matter::Certificate => Kind::Certificate,
            Matter::Clock => Kind::Clock,
            Matter::Restored => Kind::Restored,
        }
    }
}

/// Something that is the matter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trouble {
    /// What.
    #[serde(rename = "matter")]
    pub kind: Kind,
    /// Code of the office; empty: the hub itself, or no single office.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub office: String,
    /// Name of the office.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The code under which its page stands in the help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Since when.
    #[serde(default, with = "moment::option", skip_serializing_if = "Option::is_none")]
    pub since: Option<i64>,
    /// How many: changes that an office holds, offices that are missing, complaints, bytes that are free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Of how many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<u64>,
}

impl Trouble {
    /// A trouble of no single office.
    pub fn of_hub(kind: Kind) -> Trouble {
        let (office, name) = Default::default();
        Trouble { kind, office, name, code: None, since: None, count: None, of: None }
    }

    /// Whether both are the same trouble, at different times.
    pub fn is_same(&self, other: &Trouble) -> bool {
        (self.kind, &self.office) == (other.kind, &other.office)
    }
}

impl From<Action> for Trouble {
    fn from(action: Action) -> Trouble {
        let Action { office, name, matter, code, records, since, .. } = action;
        let count = Some(records).filter(|records| *records > 0);
        Trouble { kind: Kind::of(matter), office, name, code, since, count, of: None }
    }
}

/// What a look found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// What people call the hub.
    pub hub: String,
    /// Everything that is the matter, the weightiest first.
    pub troubles: Vec<Trouble>,
    /// Whether silence of single offices is held back, because many are missing at once.
    pub is_mass_silence: bool,
    /// Complaints and their days.
    pub due: Due,
}

/// Open complaints by their day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// Past it.
    pub late: u64,
    /// Due today.
    pub today: u64,
    /// Due tomorrow.
    pub tomorrow: u64,
}

/// Looks at everything.
///
/// # Errors
/// A failure of the store.
pub(crate) fn look(tx: &mut dyn Tx, desk: &Desk) -> Result<Found, Failure> {
    let (_, fleet) = overview(tx, desk)?;
    let mass = fleet.mass_silence.as_ref();
    let mut troubles: Vec<Trouble> = mass
        .map(|mass| Trouble {
            since: Some(mass.since),
            count: Some(mass.offices),
            of: Some(mass.of),
            ..Trouble::of_hub(Kind::ManySilent)
        })
        .into_iter()
        .collect();
    let is_mass_silence = mass.is_some();
    machine(tx, desk, &mut troubles)?;
    let due = work(tx, desk, &mut troubles)?;
    troubles.extend(fleet.actions.into_iter().map(Trouble::from));
    let hub = tx.hub()?.ok_or_else(no_hub)?.name;
    Ok(Found { hub, troubles, is_mass_silence, due })
}

/// The machine, its copies and its proofs.
fn machine(tx: &mut dyn Tx, desk: &Desk, troubles: &mut Vec<Trouble>) -> Result<(), Failure> {
    // While there is still time to do something about it.
    let free = free_bytes(desk.dir.root()).filter(|free| *free < desk.config.min_free_bytes.saturating_mul(2));
    if let Some(free) = free {
        troubles.push(Trouble { count: Some(free), ..Trouble::of_hub(Kind::HubSpace) });
    }
    if let Some(since) = backup::failing_since(tx)? {
        troubles.push(Trouble { since: Some(since), ..Trouble::of_hub(Kind::BackupFailed) });
    }
    let created_ms = tx.hub()?.ok_or_else(no_hub)?.created_ms;
    let backed_up_ms = tx.backed_up_ms()?.unwrap_or(created_ms);
    if status::backup_too_old(backed_up_ms, desk.now_ms).is_some() {
        troubles.push(Trouble { since: Some(backed_up_ms), ..Trouble::of_hub(Kind::BackupOld) });
    }
    if let Some(checked) = audit::last_verified(tx)?.filter(|checked| !checked.whole) {
        troubles.push(Trouble { since: Some(checked.at_ms), ..Trouble::of_hub(Kind::AuditBroken) });
    }
    if age(desk.authority().hub(), desk.now_ms.div_euclid(1000)) != Age::Young {
        troubles.push(Trouble::of_hub(Kind::HubCertificate));
    }
    Ok(())
}

/// What waits for people at the hub.
fn work(tx: &mut dyn Tx, desk: &Desk, troubles: &mut Vec<Trouble>) -> Result<Due, Failure> {
    let forks = tx.forks(FORKS_COUNTED)?.len() as u64;
    if forks > 0 {
        troubles.push(Trouble { count: Some(forks), ..Trouble::of_hub(Kind::Forked) });
    }
    let mut due = Due::default();
    for count in tx.case_counts(None, board::moments(desk.now_ms))? {
        let [late, today, tomorrow, _] = count.until;
        due.late += late;
        due.today += today.saturating_sub(late);
        due.tomorrow += tomorrow.saturating_sub(today);
    }
    if due.late > 0 {
        troubles.push(Trouble { count: Some(due.late), ..Trouble::of_hub(Kind::Overdue) });
    }
    let oldest = tx.conflicts(None, 1)?.first().map(|conflict| conflict.since_ms);
    let waiting = tx.attention()?;
    if let Some(since) = oldest.filter(|since| desk.now_ms.saturating_sub(*since) > CONFLICT_AGE_MS_MAX) {
        let count = Some(waiting.conflicts);
        troubles.push(Trouble { since: Some(since), count, ..Trouble::of_hub(Kind::ConflictOld) });
    }
    if waiting.quarantined > 0 {
        troubles.push(Trouble { count: Some(waiting.quarantined), ..Trouble::of_hub(Kind::Quarantined) });
    }
    Ok(due)
}
