//! Making a backup: the same for the command, the running service and its nightly round. It is no single transaction:
//! the copy is made beside the store, and only the marks are raised in it.

use std::fs;
use std::path::{Path, PathBuf};

use kentongan_host::{DataDir, Failure, moment};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::backup::folder::{FolderShelf, keep_newest, same_disk, source};
use crate::backup::{GoOn, begin, make, raise};
use crate::config::Config;
use crate::store::{AuditEntry, AuditEvent, AuditFilter, Page, StoreError, Tx};

/// What the audit log calls a backup that was made.
const DONE: &str = "backup.done";
/// And an attempt that failed.
const FAILED: &str = "backup.failed";

/// What can be asked about backups of a hub at work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Makes one, into this folder or into that of the configuration.
    Run {
        /// Another folder than the configured one; an absolute path.
        to: Option<PathBuf>,
    },
}

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// The folder of the backup.
    pub path: PathBuf,
    /// When it was begun.
    #[serde(with = "moment")]
    pub made_at: i64,
    /// Size of its store.
    pub bytes: u64,
    /// Ops in it.
    pub ops: u64,
    /// Whether offices will be told that it holds their changes.
    pub marks_raised: bool,
    /// Whether it lies on the disk of the store; `null` where the system does not tell.
    pub same_disk: Option<bool>,
    /// Old backups removed.
    pub removed: u64,
}

/// Has work done in a transaction of the store, wherever that is.
pub trait Keeper {
    /// Does `work` and waits until it is on the disk.
    ///
    /// # Errors
    /// Whatever `work` fails with, or why it was not committed.
    fn keep<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut dyn Tx) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError>;
}

/// Who asks for a backup, where, and when.
#[derive(Debug)]
pub struct Order<'a> {
    /// The hub.
    pub dir: &'a DataDir,
    /// How it is set.
    pub config: &'a Config,
    /// Another folder than the configured one.
    pub to: Option<PathBuf>,
    /// For the audit log.
    pub actor: String,
    /// Milliseconds since 1970.
    pub now_ms: i64,
}

/// Where backups lie, if nothing else is said.
pub fn folder(dir: &DataDir, config: &Config) -> PathBuf {
    if config.backup_dir.is_empty() { dir.backup() } else { dir.root().join(&config.backup_dir) }
}

/// Makes a backup, verified, and has the marks raised. Failing is noted in the audit log too.
///
/// # Errors
/// There is no new backup, and no mark has moved.
pub fn run(order: &Order<'_>, keeper: &mut impl Keeper, go_on: GoOn<'_>) -> Result<Done, Failure> {
    let done = attempt(order, keeper, go_on);
    let (event, subject, detail) = match &done {
        Ok(done) => (DONE, &done.path, json!({ "ops": done.ops, "marks_raised": done.marks_raised })),
        Err(failure) => {
            let reason = failure.ktg.map_or_else(|| "other".to_owned(), |ktg| ktg.to_string());
            (FAILED, &folder_of(order), json!({ "reason": reason }))
        }
    };
    let event = AuditEvent {
        at_ms: order.now_ms,
        actor: order.actor.clone(),
        event: event.to_owned(),
        subject: subject.display().to_string(),
        detail: detail.to_string(),
    };
    let noted = keeper.keep(move |tx| tx.audit(&event).map(drop));
    let done = done?;
    noted?;
    Ok(done)
}

/// Since when backups fail: the time of the last attempt, if it failed. The audit log knows.
///
/// # Errors
/// A failure of the store.
pub(crate) fn failing_since(tx: &mut dyn Tx) -> Result<Option<i64>, StoreError> {
    let mut last = |event: &str| {
        let filter = AuditFilter { event: Some(event.to_owned()), ..AuditFilter::default() };
        Ok::<_, StoreError>(tx.audit_found(&filter, Page::Before(u64::MAX), 1)?.pop())
    };
    let (done, failed) = (last(DONE)?, last(FAILED)?);
    let is_after = |failed: &AuditEntry| done.is_none_or(|done| done.number < failed.number);
    Ok(failed.filter(is_after).map(|failed| failed.event.at_ms))
}

fn folder_of(order: &Order<'_>) -> PathBuf {
    order.to.clone().unwrap_or_else(|| folder(order.dir, order.config))
}

fn attempt(order: &Order<'_>, keeper: &mut impl Keeper, go_on: GoOn<'_>) -> Result<Done, Failure> {
    let folder = folder_of(order);
    let hub = keeper.keep(|tx| tx.hub())?.ok_or_else(super::no_hub)?;
    let mut shelf = FolderShelf::new(&folder, order.dir, (hub.name, hub.replica.to_string()), order.now_ms)?;
    let source = source(order.dir)?;
    let now_ms = order.now_ms;
    let backup = keeper.keep(move |tx| begin(tx, now_ms))?;
    let made = make(&source, &mut shelf, backup, go_on, |logs, whole| {
        let logs = logs.to_vec();
        keeper.keep(move |tx| raise(tx, &logs, whole))
    })?;
    if let Err(error) = &made.raised {
        tracing::error!(ev = "backup.marks_stay", %error, "the backup is good, but the durable marks were not raised");
    }
    let removed = if order.to.is_none() { remove_old(&folder, order.config.backup_keep) } else { 0 };
    Ok(Done {
        bytes: fs::metadata(shelf.path().join("store.db")).map_or(0, |store| store.len()),
        path: shelf.path(),
        made_at: order.now_ms,
        ops: made.holds.count("ops"),
        marks_raised: made.raised.is_ok(),
        same_disk: same_disk(&folder, order.dir.root()),
        removed,
    })
}

/// That an old backup stays is no reason to call the new one failed.
fn remove_old(folder: &Path, keep: usize) -> u64 {
    keep_newest(folder, keep).unwrap_or_else(|error| {
        tracing::warn!(ev = "backup.old_stay", %error, "old backups were not removed");
        0
    })
}
