//! What can be asked of the hub, one use case a file. No HTTP, no SQL, no terminal.
//!
//! ```text
//!   command ── control socket ──▶ running service ─┐
//!   command ── no service runs: under the lock ────┴─▶ execute(tx, desk, request) ──▶ answer
//! ```
//!
//! The same [`execute`] serves both ways, inside one transaction of the store: what a command says it did is durable,
//! and a command that fails has changed nothing.

pub mod account;
pub mod alert;
pub mod audit;
pub mod backup;
pub mod board;
pub mod bundle;
pub mod calendar;
pub mod complaint;
pub mod conflict;
pub mod deadline;
pub mod enrolment;
pub mod export;
pub(crate) mod filing;
pub mod fleet;
pub mod key;
pub mod login;
pub mod office;
pub mod quarantine;
pub mod record;
pub mod recovery;
pub mod status;
#[cfg(test)]
mod stories;
pub mod survey;
pub mod totp;
pub mod track;
pub mod update;
pub mod view;
mod work;

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use kentongan_host::{DataDir, Exit, Failure, Ktg};
use serde::{Deserialize, Serialize};

use crate::ca::Authority;
use crate::config::Config;
use crate::engine::Hub;
use crate::store::{AuditEvent, StoreError, Tx};

/// A request, and who makes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// Name of the person or program, for the audit log.
    pub actor: String,
    /// What is asked.
    #[serde(rename = "do")]
    pub request: Request,
}

/// Everything that can be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// The hub at a glance.
    Status,
    /// Offices and devices.
    Office(office::Request),
    /// Enrolment codes.
    Enrol(enrolment::Request),
    /// Holidays and working days.
    Calendar(calendar::Request),
    /// Complaints.
    Complaint(complaint::Request),
    /// Conflicts.
    Conflict(conflict::Request),
    /// What was set aside.
    Quarantine(quarantine::Request),
    /// Satisfaction surveys.
    Survey(survey::Request),
    /// Keys of programs.
    Key(key::Request),
    /// A page of an export.
    Export(export::Request),
    /// The audit log.
    Audit(audit::Request),
    /// People at the console.
    Account(account::Request),
    /// Alerts; a test is no transaction, as with a backup.
    Alert(alert::Request),
    /// Programs for offices.
    Update(update::Request),
    /// Bundles that were carried here.
    Bundle(bundle::Request),
    /// A backup; no single transaction, so [`execute`] refuses it: see [`backup::run`].
    Backup(backup::Request),
}

/// Everything that can be answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To [`Request::Status`].
    Status(Box<status::Status>),
    /// To [`Request::Office`].
    Office(office::Answer),
    /// To [`Request::Enrol`].
    Enrol(enrolment::Answer),
    /// To [`Request::Calendar`].
    Calendar(calendar::Answer),
    /// To [`Request::Complaint`].
    Complaint(complaint::Answer),
    /// To [`Request::Conflict`].
    Conflict(conflict::Answer),
    /// To [`Request::Quarantine`].
    Quarantine(quarantine::Answer),
    /// To [`Request::Survey`].
    Survey(survey::Answer),
    /// To [`Request::Key`].
    Key(key::Answer),
    /// To [`Request::Export`].
    Export(export::Answer),
    /// To [`Request::Audit`].
    Audit(audit::Answer),
    /// To [`Request::Account`].
    Account(account::Answer),
    /// To [`Request::Alert`].
    Alert(alert::Answer),
    /// To [`Request::Update`].
    Update(update::Answer),
    /// To [`Request::Bundle`].
    Bundle(Box<bundle::Taken>),
    /// To [`Request::Backup`].
    Backup(Box<backup::Done>),
}

/// What services need beside the store.
#[derive(Debug, Clone)]
pub struct Desk {
    /// Where the hub lies.
    pub dir: DataDir,
    /// The hub in this run, which writes what people here decide.
    pub hub: Arc<Hub>,
    /// Root and hub certificate.
    pub authority: Arc<RwLock<Authority>>,
    /// How the hub is set.
    pub config: Arc<Config>,
    /// Rhythms of offices that were learned already.
    pub rhythms: Arc<fleet::Rhythms>,
    /// The running service, for the status.
    pub service: status::Service,
    /// The time of this request, milliseconds since 1970.
    pub now_ms: i64,
    /// Who asks, for the audit log.
    pub actor: String,
    /// From where, for the audit log; `None`: at the machine itself.
    pub via: Option<Via>,
}

/// How somebody who is not at the machine reaches the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Via {
    /// Code of the role in which they ask.
    pub role: &'static str,
    /// The address they ask from.
    pub from: String,
}

impl Via {
    /// What the audit log says of a change, with who made it and from where.
    pub(crate) fn added_to(via: Option<&Via>, mut detail: serde_json::Value) -> serde_json::Value {
        if let (Some(via), Some(fields)) = (via, detail.as_object_mut()) {
            fields.insert("role".to_owned(), via.role.into());
            fields.insert("from".to_owned(), via.from.as_str().into());
        }
        detail
    }
}

impl Desk {
    /// Root and hub certificate. The lock is held for moments only; never across another one.
    pub fn authority(&self) -> RwLockReadGuard<'_, Authority> {
        // A panic while it was written leaves the old certificate or the new one, both whole.
        self.authority.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes in the audit log what `subject` met.
    ///
    /// # Errors
    /// A failure of the store.
    pub fn audit(
        &self,
        tx: &mut dyn Tx,
        event: &str,
        subject: &str,
        detail: serde_json::Value,
    ) -> Result<(), StoreError> {
        tx.audit(&AuditEvent {
            at_ms: self.now_ms,
            actor: self.actor.clone(),
            event: event.to_owned(),
            subject: subject.to_owned(),
            detail: Via::added_to(self.via.as_ref(), detail).to_string(),
        })?;
        Ok(())
    }
}

/// Answers a request, inside a transaction.
///
/// # Errors
/// What was asked does not hold, or a failure of the store; nothing is changed then.
pub fn execute(tx: &mut dyn Tx, desk: &Desk, request: &Request) -> Result<Answer, Failure> {
    Ok(match request {
        Request::Status => Answer::Status(Box::new(status::status(tx, desk)?)),
        Request::Office(request) => Answer::Office(office::execute(tx, desk, request)?),
        Request::Enrol(request) => Answer::Enrol(enrolment::execute(tx, desk, request)?),
        Request::Calendar(request) => Answer::Calendar(calendar::execute(tx, desk, request)?),
        Request::Complaint(request) => Answer::Complaint(complaint::execute(tx, desk, request)?),
        Request::Conflict(request) => Answer::Conflict(conflict::execute(tx, desk, request)?),
        Request::Quarantine(request) => Answer::Quarantine(quarantine::execute(tx, desk, request)?),
        Request::Survey(request) => Answer::Survey(survey::execute(tx, desk, request)?),
        Request::Key(request) => Answer::Key(key::execute(tx, desk, request)?),
        Request::Export(request) => Answer::Export(export::execute(tx, desk, request)?),
        Request::Audit(request) => Answer::Audit(audit::execute(tx, desk, request)?),
        Request::Account(request) => Answer::Account(account::execute(tx, desk, request)?),
        Request::Alert(request) => Answer::Alert(alert::execute(tx, desk, *request)?),
        Request::Update(request) => Answer::Update(update::execute(tx, desk, request)?),
        Request::Bundle(request) => Answer::Bundle(Box::new(bundle::execute(tx, desk, request)?)),
        Request::Backup(_) => {
            let no = "A backup is made beside the store, not within one of its transactions.";
            return Err(Failure::usage("Cadangan dibuat di samping penyimpanan, bukan di dalam transaksinya.", no));
        }
    })
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        match error {
            StoreError::Damaged(what) => Failure::of(Ktg::StoreDamaged).with_detail(what),
            StoreError::Closed => {
                Failure::new(Exit::NotRunning, "Pusat sedang berhenti.", "The hub is stopping.").caused_by(error)
            }
            other => Failure::from(anyhow::Error::new(other)),
        }
    }
}

/// The failure of a store without a hub in it.
pub(crate) fn no_hub() -> Failure {
    Failure::new(Exit::NotEnrolled, "Pusat ini belum disiapkan.", "This hub has not been set up.")
        .with_hint("kentongan-hub init --data DIR", "kentongan-hub init --data DIR")
}

#[cfg(test)]
mod tests;
