//! Putting a backup back.
//!
//! Nothing is put over anything: the folder must hold no hub. The backup is read back whole first; certificates come
//! before the store, because a folder with a store is a hub. The next start draws a new epoch, as every start does, so
//! offices notice, read again from where this copy ends, and offer what it lacks.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::Context;
use kentongan_host::files::sync_parent;
use kentongan_host::{DataDir, Exit, Failure, Lock, Program};
use serde_json::json;

use super::folder::{ARCHIVE, CA, CONFIG, Manifest, STORE, copy_small, list, make_folder, verify};
use super::{Fault, GoOn};
use crate::archive::FolderArchive;
use crate::store::sqlite::SqliteStore;
use crate::store::{AuditEvent, StoreError, transact_with};
use crate::update::{LIST, Offers};

/// What may lie in a folder into which a hub is put back: its backups, its logs, the lock, a configuration.
const ALLOWED: [&str; 4] = ["backup", "logs", "lock", "hub.toml"];

/// The backup that a person means: a backup itself, or the newest one in a folder of backups.
///
/// # Errors
/// There is none.
pub fn pick(path: &Path, latest: bool) -> Result<PathBuf, Failure> {
    let none = |id: String, en: String| Failure::new(Exit::Usage, id, en);
    let shown = path.display();
    if !latest {
        return match path.join("manifest.json").exists() {
            true => Ok(path.to_owned()),
            false => Err(none(format!("{shown} bukan sebuah cadangan."), format!("{shown} is not a backup."))
                .with_hint("tambahkan --latest untuk folder berisi cadangan", "add --latest for a folder of backups")),
        };
    }
    let found = list(path).with_context(|| format!("read the folder {shown}"))?;
    found
        .into_iter()
        .find(|found| found.manifest.is_some())
        .map(|found| found.path)
        .ok_or_else(|| none(format!("Tidak ada cadangan di {shown}."), format!("There is no backup in {shown}.")))
}

/// Puts `backup` back into `dir`, which must hold no hub. Gives back what the backup says of itself.
///
/// # Errors
/// The folder is not empty (exit 2), the backup is not whole (exit 16), or the disk refuses; what was begun then is no
/// hub, and the same command goes on after its files are removed.
pub fn restore(backup: &Path, dir: &DataDir, actor: &str, now_ms: i64, go_on: GoOn<'_>) -> Result<Manifest, Failure> {
    refuse_unless_empty(dir)?;
    let manifest = verify(backup, go_on)?;
    dir.create()?;
    let lock = Lock::take(dir)?;
    make_folder(&dir.ca())?;
    for name in manifest.files.keys() {
        if let Some(name) = name.strip_prefix(CA).and_then(|name| name.strip_prefix('/')) {
            copy_small(&backup.join(CA).join(name), &dir.ca().join(name))?;
        }
    }
    if manifest.files.contains_key(CONFIG) && !dir.config_file().exists() {
        make_folder(dir.config_file().parent().unwrap_or(dir.root()))?;
        copy_small(&backup.join(CONFIG), &dir.config_file())?;
    }
    if manifest.files.contains_key(LIST) {
        Offers::put_back(&backup.join(LIST), dir).context("put the list of updates back")?;
    }
    if let Some(folder) = backup.parent() {
        let archive = FolderArchive::new(folder.join(ARCHIVE));
        archive.copy_missing(&FolderArchive::new(dir.archive())).context("put the archive back")?;
    }
    put_store(&backup.join(STORE), dir)?;
    note(dir, &manifest, actor, now_ms)?;
    drop(lock);
    Ok(manifest)
}

fn refuse_unless_empty(dir: &DataDir) -> Result<(), Failure> {
    debug_assert_eq!(dir.program(), Program::Hub);
    let root = dir.root();
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let Some(name) = names.into_iter().find(|name| {
        let empty_ca = name == "ca" && fs::read_dir(dir.ca()).is_ok_and(|mut files| files.next().is_none());
        !ALLOWED.contains(&name.as_str()) && !empty_ca
    }) else {
        return Ok(());
    };
    let shown = root.join(name).display().to_string();
    Err(Failure::usage(
        format!("Folder tidak kosong ({shown}); tidak ada yang ditimpa."),
        format!("The folder is not empty ({shown}); nothing is put over anything."),
    )
    .with_hint(
        "pindahkan isinya ke folder lain (jangan dihapus), atau sebut folder lain dengan --data",
        "move its content to another folder (do not delete it), or name another one with --data",
    ))
}

/// The store comes last, under its name by one rename.
fn put_store(from: &Path, dir: &DataDir) -> anyhow::Result<()> {
    let part = dir.root().join("store.db.restoring");
    let putting = || format!("put the store into {}", dir.root().display());
    fs::copy(from, &part).with_context(putting)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&part, fs::Permissions::from_mode(0o600)).with_context(putting)?;
    }
    File::open(&part).and_then(|file| file.sync_all()).with_context(putting)?;
    fs::rename(&part, dir.store()).and_then(|()| sync_parent(&dir.store())).with_context(putting)
}

fn note(dir: &DataDir, manifest: &Manifest, actor: &str, now_ms: i64) -> Result<(), Failure> {
    let mut store = SqliteStore::open(&dir.store())?;
    transact_with(&mut store, |tx| {
        tx.audit(&AuditEvent {
            at_ms: now_ms,
            actor: actor.to_owned(),
            event: "hub.restored".to_owned(),
            subject: manifest.replica.clone(),
            detail: json!({ "backup_ms": manifest.made_at, "ops": manifest.counts.get("ops") }).to_string(),
        })?;
        Ok::<_, StoreError>(())
    })?;
    Ok(store.close()?)
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Failure {
        match fault {
            Fault::Stopped => Failure::new(Exit::Interrupted, "Dihentikan sebelum selesai.", "Stopped before the end."),
            Fault::Unsound(what) => Failure::of(kentongan_host::Ktg::BackupDamaged).with_detail(what),
            Fault::Failed(error) => error.into(),
        }
    }
}
