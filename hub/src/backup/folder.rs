//! Backups on a disk: a folder each, which says in a manifest what is in it.
//!
//! ```text
//!   backup/20261121T190000Z/   store.db          the store, one plain file
//!                              ca/               root and hub certificate with their keys, 0600: without the root's key
//!                                                every office would have to enrol anew
//!                              hub.toml          the configuration
//!                              updates.json      updates that are staged for offices
//!                              manifest.json     size and SHA-256 of each file, rows of each table; sealed by a hash
//!   backup/.part-…             an attempt under way, or one that was interrupted: removed by the next
//! ```
//!
//! A folder and not an archive: it appears whole by one rename, its files can be looked at with any tool, and putting
//! it back by hand is a copy.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use anyhow::Context;
use jiff::Timestamp;
use kentongan_host::enrolment::to_hex;
use kentongan_host::files::{Access, creating, free_bytes, read_bounded, replace, sync_parent};
use kentongan_host::{DataDir, Failure, Ktg, moment, sqlite};
use rusqlite::{Connection, OpenFlags};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Fault, GoOn, Phase, Shelf, compare};
use crate::archive::FolderArchive;
use crate::store::sqlite::copying::{self, Holds};
use crate::update;

/// The store in a backup.
pub const STORE: &str = "store.db";
/// The configuration in a backup.
pub const CONFIG: &str = "hub.toml";
/// The certificates in a backup.
pub const CA: &str = "ca";
const MANIFEST: &str = "manifest.json";
const PART: &str = ".part-";
const SCHEMA: &str = "kentongan.hub.backup/1";
const MANIFEST_BYTES_MAX: u64 = 1 << 20;
/// Keys, certificates, configuration: all short.
const SMALL_FILE_BYTES_MAX: u64 = 1 << 20;
/// Room that a backup leaves on its disk beside the copy itself.
const ROOM_BYTES: u64 = 16 << 20;
/// Bytes hashed between two looks whether to go on.
const HASH_BYTES: usize = 1 << 20;

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its size.
    pub bytes: u64,
    /// SHA-256 in hexadecimal digits.
    pub sha256: String,
}

/// What a backup says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Form of this document.
    pub schema: String,
    /// When the copy was begun.
    #[serde(with = "moment")]
    pub made_at: i64,
    /// What people call the hub.
    pub name: String,
    /// The hub as a replica.
    pub replica: String,
    /// Version of the program that made it.
    pub version: String,
    /// Rows by table.
    pub counts: BTreeMap<String, u64>,
    /// Its files.
    pub files: BTreeMap<String, Listed>,
    /// SHA-256 over this document with an empty seal.
    pub seal: String,
}

impl Manifest {
    fn sealed(mut self) -> Manifest {
        self.seal = self.seal_of();
        self
    }

    fn seal_of(&self) -> String {
        let open = Manifest { seal: String::new(), ..self.clone() };
        to_hex(&Sha256::digest(serde_json::to_vec(&open).unwrap_or_default()))
    }

    /// Size of all files.
    pub fn bytes(&self) -> u64 {
        self.files.values().map(|file| file.bytes).sum()
    }
}

/// A backup that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// Name of its folder.
    pub name: String,
    /// Its folder.
    pub path: PathBuf,
    /// What it says of itself; `None` if that cannot be read.
    pub manifest: Option<Manifest>,
}

/// Beside the backups: the files that records name.
pub(super) const ARCHIVE: &str = "archive";

/// The backups in `folder`, the newest first. Other things in it are passed over.
///
/// # Errors
/// The folder cannot be read; one that is not there holds none.
pub fn list(folder: &Path) -> io::Result<Vec<Found>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !name.starts_with('.') && path.join(MANIFEST).exists() {
            found.push(Found { name, manifest: manifest(&path).ok(), path });
        }
    }
    found.sort_by(|a, b| b.name.cmp(&a.name));
    Ok(found)
}

fn manifest(backup: &Path) -> Result<Manifest, Fault> {
    let path = backup.join(MANIFEST);
    let bytes = read_bounded(&path, MANIFEST_BYTES_MAX).with_context(|| format!("read {}", path.display()))?;
    let manifest: Manifest =
        serde_json::from_slice(&bytes).map_err(|error| Fault::Unsound(format!("{MANIFEST}: {error}")))?;
    if manifest.schema != SCHEMA || manifest.seal != manifest.seal_of() {
        return Err(Fault::Unsound(format!("{MANIFEST} is not as it was written")));
    }
    Ok(manifest)
}

/// Reads a whole backup back: every file by its hash, every page, every log by its running hash, every count.
///
/// # Errors
/// [`Fault::Unsound`] says what is not as it was.
pub fn verify(backup: &Path, go_on: GoOn<'_>) -> Result<Manifest, Fault> {
    let manifest = manifest(backup)?;
    for (name, listed) in &manifest.files {
        let plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        if !plain {
            return Err(Fault::Unsound(format!("{name:?} is no name of a file in a backup")));
        }
        let here = match hash(&backup.join(name), go_on) {
            Err(Fault::Failed(error)) => return Err(Fault::Unsound(format!("{error:#}"))),
            here => here?,
        };
        if here != *listed {
            return Err(Fault::Unsound(format!("{name} is not as it was written")));
        }
    }
    let copy = reading(&backup.join(STORE))?;
    let holds = copying::check(&copy, &mut |step| go_on(Phase::Checking, step))?;
    let mut said: Vec<_> = manifest.counts.clone().into_iter().collect();
    let mut here = holds.counts;
    said.sort();
    here.sort();
    compare(&here, &said)?;
    Ok(manifest)
}

fn reading(store: &Path) -> Result<Connection, Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(store, flags).context("open the copy")?;
    // A page that is damaged is found by its form too.
    db.execute_batch("PRAGMA cell_size_check=ON; PRAGMA trusted_schema=OFF").context("open the copy")?;
    Ok(db)
}

/// Removes the oldest backups beyond `keep`. What cannot be read counts for nothing and is left to a person.
///
/// # Errors
/// The disk refuses.
pub fn keep_newest(folder: &Path, keep: usize) -> io::Result<u64> {
    let readable = list(folder)?.into_iter().filter(|found| found.manifest.is_some());
    let mut removed = 0;
    for old in readable.skip(keep.max(1)) {
        // Under the name of an attempt first: half a backup must not look like one.
        let away = folder.join(format!("{PART}{}", old.name));
        fs::rename(&old.path, &away)?;
        fs::remove_dir_all(&away)?;
        removed += 1;
    }
    Ok(removed)
}

/// Whether two folders lie on the same disk; `None` where the system does not tell.
pub fn same_disk(a: &Path, b: &Path) -> Option<bool> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        Some(fs::metadata(a).ok()?.dev() == fs::metadata(b).ok()?.dev())
    }
    #[cfg(not(unix))]
    {
        let _ = (a, b);
        None
    }
}

/// A folder of backups, with one being made.
#[derive(Debug)]
pub struct FolderShelf {
    folder: PathBuf,
    name: String,
    dir: DataDir,
    hub: (String, String),
    made_ms: i64,
}

impl FolderShelf {
    /// For a backup of the hub in `dir` with this name and id, made at `made_ms`, in `folder`.
    ///
    /// # Errors
    /// The folder cannot be made, or has too little room.
    pub fn new(folder: &Path, dir: &DataDir, hub: (String, String), made_ms: i64) -> Result<FolderShelf, Failure> {
        make_folder(folder).with_context(|| format!("make the folder {}", folder.display()))?;
        let needed = fs::metadata(dir.store()).map_or(0, |store| store.len()).saturating_add(ROOM_BYTES);
        if let Some(free) = free_bytes(folder).filter(|free| *free < needed) {
            let detail = format!("{}: {free} B < {needed} B", folder.display());
            return Err(Failure::of(Ktg::NoSpace).with_detail(detail));
        }
        let time = Timestamp::from_millisecond(made_ms).unwrap_or_default().strftime("%Y%m%dT%H%M%SZ").to_string();
        let mut name = time.clone();
        for number in 2.. {
            if !folder.join(&name).exists() {
                break;
            }
            name = format!("{time}-{number}");
        }
        Ok(FolderShelf { folder: folder.to_owned(), name, dir: dir.clone(), hub, made_ms })
    }

    /// Where the copy lies when it is done.
    pub fn path(&self) -> PathBuf {
        self.folder.join(&self.name)
    }

    fn part(&self) -> PathBuf {
        self.folder.join(format!("{PART}{}", self.name))
    }

    /// Everything beside the store that a hub needs to be the same hub again.
    fn copy_small_files(&self) -> anyhow::Result<Vec<String>> {
        let mut names = Vec::new();
        let ca = self.part().join(CA);
        make_folder(&ca)?;
        for entry in fs::read_dir(self.dir.ca()).context("read the folder of certificates")? {
            let from = entry?.path();
            if let Some(name) = from.file_name().filter(|_| from.is_file()) {
                copy_small(&from, &ca.join(name))?;
                names.push(format!("{CA}/{}", name.to_string_lossy()));
            }
        }
        for (from, name) in [(self.dir.config_file(), CONFIG), (update::file(&self.dir), update::LIST)] {
            if from.exists() {
                copy_small(&from, &self.part().join(name))?;
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }
}

impl Shelf for FolderShelf {
    fn begin(&mut self) -> Result<Connection, Fault> {
        remove_parts(&self.folder).context("remove what an interrupted backup left")?;
        make_folder(&self.part()).with_context(|| format!("make {}", self.part().display()))?;
        let store = self.part().join(STORE);
        creating(Access::Private).create_new(true).open(&store).context("make the copy")?;
        self.look(true)
    }

    fn look(&mut self, writing: bool) -> Result<Connection, Fault> {
        let store = self.part().join(STORE);
        if !writing {
            return reading(&store);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(&store, flags).context("open the copy")?;
        // The whole is flushed once at its end; a power cut before that leaves an attempt, not a backup.
        db.execute_batch("PRAGMA synchronous=OFF").context("open the copy")?;
        Ok(db)
    }

    fn flush(&mut self) -> Result<(), Fault> {
        let store = self.part().join(STORE);
        File::open(&store).and_then(|file| file.sync_all()).context("flush the copy")?;
        Ok(())
    }

    fn publish(&mut self, holds: &Holds, go_on: GoOn<'_>) -> Result<(), Fault> {
        let part = self.part();
        // Files never change: all backups in this folder share one archive. It is complete before the backup has its name.
        let archive = FolderArchive::new(self.folder.join(ARCHIVE));
        FolderArchive::new(self.dir.archive()).copy_missing(&archive).context("copy the archive")?;
        let mut files = BTreeMap::new();
        for name in self.copy_small_files()?.into_iter().chain([STORE.to_owned()]) {
            let listed = hash(&part.join(&name), go_on)?;
            files.insert(name, listed);
        }
        let manifest = Manifest {
            schema: SCHEMA.to_owned(),
            made_at: self.made_ms,
            name: self.hub.0.clone(),
            replica: self.hub.1.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            counts: holds.counts.iter().cloned().collect(),
            files,
            seal: String::new(),
        };
        let text = serde_json::to_vec_pretty(&manifest.sealed()).context("write the manifest")?;
        // `replace` flushes the file and the folder that it lies in.
        replace(&part.join(MANIFEST), &text, Access::Private).context("write the manifest")?;
        fs::rename(&part, self.path())
            .and_then(|()| sync_parent(&self.path()))
            .with_context(|| format!("name the backup {}", self.path().display()))?;
        Ok(())
    }

    fn discard(&mut self) {
        // What cannot be removed now is removed by the next attempt.
        let _ = fs::remove_dir_all(self.part());
    }
}

/// Removes attempts that were interrupted.
fn remove_parts(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PART)) {
            fs::remove_dir_all(&path)?;
        }
    }
    Ok(())
}

/// A folder for its owner alone; one that is there stays as it is.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(path)
}

/// Copies a small file, flushed, for its owner alone.
pub(super) fn copy_small(from: &Path, to: &Path) -> anyhow::Result<()> {
    let bytes = read_bounded(from, SMALL_FILE_BYTES_MAX).with_context(|| format!("read {}", from.display()))?;
    replace(to, &bytes, Access::Private).with_context(|| format!("write {}", to.display()))
}

fn hash(path: &Path, go_on: GoOn<'_>) -> Result<Listed, Fault> {
    let reading = || format!("read {}", path.display());
    let mut file = File::open(path).with_context(reading)?;
    let all = file.metadata().with_context(reading)?.len();
    let (mut hasher, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; HASH_BYTES]);
    loop {
        let count = file.read(&mut buffer).with_context(reading)?;
        let Some(read) = buffer.get(..count).filter(|read| !read.is_empty()) else { break };
        hasher.update(read);
        bytes += count as u64;
        if !go_on(Phase::Hashing, (bytes, all)) {
            return Err(Fault::Stopped);
        }
    }
    Ok(Listed { bytes, sha256: to_hex(&hasher.finalize()) })
}

/// A connection to the store of `dir` that reads at one moment beside whoever writes.
///
/// # Errors
/// The store cannot be opened.
pub fn source(dir: &DataDir) -> Result<Connection, Failure> {
    Ok(sqlite::open_reader(&dir.store())?)
}
