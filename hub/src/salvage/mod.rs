//! From a damaged store of the hub to a sound one, at the word of a person: `store salvage`.
//!
//! ```text
//!   damaged store ── found: rows, whatever hides them ─┐
//!   newest backup ── older: what a hole has lost ──────┴─▶ rebuild: what proves itself, taken in anew ─▶ fresh store
//! ```
//!
//! - The damaged files are moved aside at the very end, and kept. Whatever interrupts before leaves them where they are.
//! - Of a log, what lies behind an op that is lost is not taken over: its writer sees by the mark how far this hub holds
//!   it, and offers the rest again. The fresh store has no start of the hub in it, so offices read everything anew.
//! - What no op says (offices, devices, codes, the audit log) is taken as far as it can be read.

mod found;
mod older;
mod rebuild;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;
use kentongan_host::aside::{self, beside};
use kentongan_host::carve::Remains;
use kentongan_host::sqlite::OpenFailure;
use kentongan_host::{DataDir, Exit, Failure, Ktg};
use serde::Serialize;

use crate::backup::folder;
use crate::config::Config;
use crate::service;
use crate::store::sqlite::SqliteStore;
use crate::store::sqlite::copying::Step;
use crate::store::{StoreError, transact_with};
use older::Older;

/// What a salvage is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Reading the newest backup back.
    Backup,
    /// Looking through the damaged files.
    Reading,
    /// Computing running hashes.
    Proving,
    /// Taking ops into the fresh store.
    TakingIn,
}

/// Is told how far it is, and says whether to go on.
pub type GoOn<'a> = &'a mut dyn FnMut(Phase, Step) -> bool;

/// What was salvaged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Changes that are in the fresh store.
    pub ops: u64,
    /// Of these, read from the backup because the store had lost them.
    pub from_backup: u64,
    /// Records that follow from them.
    pub records: u64,
    /// Changes that are known to have been here and are not: their writers offer them again.
    pub missing: u64,
    /// Changes that can be read but belong to logs whose beginning is lost.
    pub unproved: u64,
    /// Lines of the audit log, unbroken from the first one on.
    pub audit: u64,
    /// Further lines, which have new numbers.
    pub audit_after_gap: u64,
    /// Signatures of logs.
    pub signatures: u64,
    /// Decisions of persons about what was set aside.
    pub decisions: u64,
    /// Devices that were read from the backup: whether one was revoked later is not known.
    pub devices_from_backup: Vec<String>,
    /// By office.
    pub offices: Vec<OfficeLoss>,
}

/// What is here of an office and what is missing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct OfficeLoss {
    /// The office.
    pub code: String,
    /// What people call it.
    pub name: String,
    /// Its devices.
    pub devices: u64,
    /// Changes that are in the fresh store.
    pub ops: u64,
    /// Changes that are known to have been here and are not.
    pub missing: u64,
    /// Devices that wrote for it and are not known any more: they have to be enrolled again.
    pub lost_devices: BTreeSet<String>,
}

/// Why nothing was salvaged. The damaged store is where it was.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SalvageFault {
    #[error("stopped before it was done")]
    Stopped,
    #[error("nothing says whose store this is")]
    NoIdentity,
    #[error("the damaged file changed under way")]
    Changed,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Open(#[from] OpenFailure),
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

impl From<SalvageFault> for Failure {
    fn from(fault: SalvageFault) -> Failure {
        match fault {
            SalvageFault::Stopped => Failure::new(
                Exit::Interrupted,
                "Dihentikan; penyimpanan yang rusak tidak berubah.",
                "Stopped; the damaged store is as it was.",
            ),
            SalvageFault::NoIdentity => Failure::of(Ktg::StoreDamaged).with_detail(fault.to_string()).with_hint(
                "kembalikan cadangan: kentongan-hub backup restore",
                "put a backup back: kentongan-hub backup restore",
            ),
            SalvageFault::Changed => Failure::of(Ktg::DiskFailed).with_detail(fault.to_string()),
            SalvageFault::Store(error) => error.into(),
            SalvageFault::Open(error) => error.into(),
            SalvageFault::Failed(error) => error.into(),
        }
    }
}

/// What a salvage is to do.
#[derive(Debug)]
pub struct Order<'a> {
    /// The hub, whose lock is held.
    pub dir: &'a DataDir,
    /// The public half of its key.
    pub hub_key: [u8; 32],
    /// The newest backup, if there is one.
    pub backup: Option<&'a Path>,
    /// For the audit log.
    pub actor: &'a str,
    /// Milliseconds since 1970.
    pub now_ms: i64,
}

/// Makes a sound store of what can be read of the damaged one, and moves the damaged files into a folder, which it gives
/// back.
///
/// # Errors
/// The damaged store is where it was, and the call can be repeated.
pub fn salvage(order: &Order<'_>, go_on: GoOn<'_>) -> Result<(Report, PathBuf), Failure> {
    let path = order.dir.store();
    let report = build(order, &path, go_on);
    if report.is_err() {
        // What cannot be removed now is removed by the next attempt.
        let _ = aside::building(&path);
    }
    let report = report?;
    let aside = put(&path).with_context(|| format!("set {} aside", path.display()))?;
    tracing::warn!(
        ev = "store.salvaged",
        ops = report.ops,
        missing = report.missing,
        aside = %aside.display(),
        "what is readable of a damaged store goes on in a new one, the damaged files are kept"
    );
    Ok((report, aside))
}

fn put(path: &Path) -> io::Result<PathBuf> {
    aside::built(path)?;
    let aside = aside::new_folder(path)?;
    aside::put_in_place(path, &aside)?;
    Ok(aside)
}

fn build(order: &Order<'_>, path: &Path, go_on: GoOn<'_>) -> Result<Report, SalvageFault> {
    let reading = || format!("read {}", path.display());
    let building = aside::building(path).with_context(|| format!("write beside {}", path.display()))?;
    let mut older = Older::of(order.backup, go_on)?;
    let db = File::open(path).with_context(reading)?;
    let wal = File::open(beside(path, "-wal")).ok();
    let mut remains = Remains::of(db, wal, &found::SHAPES).with_context(reading)?;
    let mut store = SqliteStore::open(&building)?;
    let given =
        rebuild::Given { hub_key: order.hub_key, older: older.as_mut(), actor: order.actor, now_ms: order.now_ms };
    let report = rebuild::fill(&mut store, &mut remains, given, go_on)?;
    store.close()?;
    Ok(report)
}

/// Whether the store at `path` is sound: every page, every log, and who is who.
///
/// # Errors
/// What is wrong with it.
pub fn look(path: &Path, go_on: &mut dyn FnMut(Step) -> bool) -> Result<(), String> {
    let mut store = SqliteStore::open_reader(path).map_err(|error| error.to_string())?;
    store.check(go_on).map_err(|error| error.to_string())?;
    let known = transact_with(&mut store, |tx| {
        tx.offices()?;
        tx.replicas()?;
        Ok::<_, StoreError>(tx.hub()?.is_some())
    });
    match known {
        Ok(true) => Ok(()),
        Ok(false) => Err("the hub's identity is gone".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Finishes a salvage that was interrupted when only names had to be changed; the lock must be held.
///
/// # Errors
/// The disk refuses.
pub fn finish_interrupted(dir: &DataDir) -> Result<Option<PathBuf>, Failure> {
    let path = dir.store();
    Ok(aside::finish_interrupted(&path).with_context(|| format!("set {} aside", path.display()))?)
}

/// The newest backup that says what it is, and when it was made.
pub fn newest_backup(dir: &DataDir, config: &Config) -> Option<(PathBuf, i64)> {
    let found = folder::list(&service::backup::folder(dir, config)).ok()?;
    found.into_iter().find_map(|found| Some((found.path, found.manifest?.made_at)))
}

/// Adds to the failure of a damaged store what a person can do.
#[must_use]
pub fn advise(failure: Failure, dir: &DataDir, config: &Config) -> Failure {
    if failure.ktg != Some(Ktg::StoreDamaged) {
        return failure;
    }
    let data = dir.root().display();
    let salvage = format!("kentongan-hub store salvage --data {data}");
    let (id, en) = match newest_backup(dir, config) {
        Some((backup, made_ms)) => {
            let made = kentongan_host::moment::text(made_ms);
            let restore = format!("kentongan-hub backup restore {} --data", backup.display());
            (
                format!("; atau kembalikan cadangan terbaru ({made}) ke folder baru: {restore} FOLDER-BARU"),
                format!("; or put the newest backup ({made}) back into a new folder: {restore} NEW-FOLDER"),
            )
        }
        None => ("; cadangan tidak ada".to_owned(), "; there is no backup".to_owned()),
    };
    failure.with_hint(
        &format!("jangan hapus apa pun; selamatkan yang terbaca: {salvage}{id}"),
        &format!("do not delete anything; rescue what can be read: {salvage}{en}"),
    )
}
