//! Opening a store whatever state it is in, because nobody is there to do it: a damaged one is set aside, and whatever
//! proves itself in it goes on in a fresh one.
//!
//! Nothing of the damaged files is written, and no step leaves less than the step before, whenever the power goes:
//!
//! ```text
//!   store.db  store.db-wal                         the damaged store
//!   store.db.building                              what is readable, under way; begun anew after an interruption
//!   store.db.salvaged                              the same, whole and flushed: from here on only renames are left
//!   store.damaged-20261121T070000Z/store.db …      the damaged files, kept
//!   store.db                                       what was salvaged, in their place
//! ```

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use kentongan_host::clock::Clock;
use kentongan_host::data_dir::create_private;
use kentongan_host::files::sync_parent;
use kentongan_host::sqlite::{self, OpenFailure};
use rusqlite::Connection;

use super::facts::member_of;
use super::mark::{self, Mark};
use super::salvage::{self, Known, Note, Salvaged};
use super::{APPLICATION_ID, Member, Store, StoreError, next};

/// Side files of a database.
const SIDES: [&str; 2] = ["-wal", "-shm"];

/// A database that can be worked with, and whose it is.
pub(super) struct Sound {
    pub(super) db: Connection,
    pub(super) member: Option<Member>,
    pub(super) last_hlc: i64,
}

/// Opens the store at `path`; a damaged one is repaired first.
pub(super) fn open(path: &Path, clock: &dyn Clock) -> Result<Sound, StoreError> {
    finish_interrupted(path)?;
    let known = mark::read_member(path);
    if known.is_some() && fs::metadata(path).map_or(0, |meta| meta.len()) == 0 {
        repair(path, clock, "the file of the store is gone")?;
    }
    let water = Mark::beside(path).read();
    let opened = open_sound(path).and_then(|sound| match (&sound.member, &known) {
        (None, Some(_)) => Err(StoreError::Damaged("the facts of enrolment are gone")),
        (Some(member), Some(known)) if member.replica != known.replica => {
            Err(StoreError::Damaged("the store of another replica lies over this one"))
        }
        // SQLite takes a write-ahead log up to the first byte that is wrong, and passes over the rest without a word.
        (Some(member), _) if has_log(path) && falls_short(&sound.db, member, water)? => {
            Err(StoreError::Damaged("the write-ahead log ends before its end"))
        }
        _ => Ok(sound),
    });
    match opened {
        Err(error) if error.is_damage() => {
            repair(path, clock, &reason(&error))?;
            open_sound(path)
        }
        opened => opened,
    }
}

fn has_log(path: &Path) -> bool {
    fs::metadata(beside(path, "-wal")).is_ok_and(|meta| meta.len() > 0)
}

/// Whether the store holds less than the mark beside it says.
fn falls_short(db: &Connection, member: &Member, water: Option<mark::HighWater>) -> Result<bool, StoreError> {
    let Some(water) = water.filter(|water| water.replica == member.replica) else { return Ok(false) };
    Ok(super::saved_ops(db)? < water.ops)
}

/// What went wrong, with its cause.
pub(super) fn reason(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

fn open_sound(path: &Path) -> Result<Sound, StoreError> {
    sound(sqlite::open(path, APPLICATION_ID, next::migrations())?)
}

/// Reads what every use of the store begins with.
pub(super) fn sound(db: Connection) -> Result<Sound, StoreError> {
    db.set_prepared_statement_cache_capacity(64);
    let last: Option<i64> = db
        .query_row("SELECT max(hlc) FROM log", [], |row| row.get(0))
        .map_err(StoreError::because("read the hybrid time"))?;
    let member = member_of(&db)?;
    Ok(Sound { member, last_hlc: last.unwrap_or(0), db })
}

/// Makes a sound store of what is readable at `path`, and sets the damaged files aside. The database must be closed.
pub(super) fn repair(path: &Path, clock: &dyn Clock, detail: &str) -> Result<Salvaged, StoreError> {
    let aside = new_aside(path).map_err(|error| file(path, error))?;
    let name = aside.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    let salvaged = build(path, clock, &Note { aside: &name, detail });
    let salvaged = match salvaged {
        Ok(salvaged) => salvaged,
        Err(error) => {
            // An empty folder says nothing; the damaged store is where it was.
            let _ = fs::remove_dir(&aside);
            return Err(error);
        }
    };
    put_in_place(path, &aside).map_err(|error| file(path, error))?;
    tracing::error!(
        ev = "store.recovered",
        code = "KTG-202",
        kept_ops = salvaged.own_ops,
        lost_ops = salvaged.lost_ops,
        waiting_for_lost = salvaged.strays,
        aside = name,
        detail,
        "the store was damaged; what is readable goes on in a new one, the damaged files are kept"
    );
    Ok(salvaged)
}

/// Ends what a power cut interrupted: all that is left are renames.
fn finish_interrupted(path: &Path) -> Result<(), StoreError> {
    if !beside(path, ".salvaged").exists() {
        return Ok(());
    }
    let finish = || {
        let aside = match latest_aside(path)? {
            Some(aside) if !aside.join(file_name(path)).exists() => aside,
            _ => new_aside(path)?,
        };
        put_in_place(path, &aside)
    };
    finish().map_err(|error| file(path, error))
}

fn build(path: &Path, clock: &dyn Clock, note: &Note<'_>) -> Result<Salvaged, StoreError> {
    let building = beside(path, ".building");
    for ending in ["", "-wal", "-shm", ".clean"] {
        match fs::remove_file(beside(&building, ending)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(file(&building, error)),
            _ => {}
        }
    }
    let known = Known { member: mark::read_member(path), water: Mark::beside(path).read() };
    let mut db = sqlite::open(&building, APPLICATION_ID, next::migrations())?;
    let damaged = File::open(path).or_else(|_| File::open(&building)).map_err(|error| file(path, error))?;
    let mut remains =
        Store::remains(damaged, File::open(beside(path, "-wal")).ok()).map_err(|error| file(path, error))?;
    let salvaged = salvage::fill(&mut db, &mut remains, &known, clock.wall_ms(), note)?;
    sqlite::close(db, &building)?;
    let whole = || {
        fs::remove_file(beside(&building, ".clean"))?;
        File::open(&building)?.sync_all()?;
        fs::rename(&building, beside(path, ".salvaged"))?;
        sync_parent(path)
    };
    whole().map_err(|error| file(&building, error))?;
    Ok(salvaged)
}

/// Moves the damaged files into `aside`, and the salvaged store into their place.
fn put_in_place(path: &Path, aside: &Path) -> io::Result<()> {
    let inside = aside.join(file_name(path));
    for ending in ["", SIDES[0], SIDES[1]] {
        match fs::rename(beside(path, ending), beside(&inside, ending)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    match fs::remove_file(beside(path, ".clean")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    sync_parent(&inside)?;
    sync_parent(path)?;
    fs::rename(beside(path, ".salvaged"), path)?;
    sync_parent(path)
}

/// A new folder for damaged files, named for the time.
fn new_aside(path: &Path) -> io::Result<PathBuf> {
    let time = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
    let mut folder = path.with_extension(format!("damaged-{time}"));
    while folder.exists() {
        let mut name = folder.into_os_string();
        name.push("x");
        folder = PathBuf::from(name);
    }
    create_private(&folder)?;
    Ok(folder)
}

/// The folder that was made last.
fn latest_aside(path: &Path) -> io::Result<Option<PathBuf>> {
    let start = format!("{}.damaged-", path.file_stem().unwrap_or_default().to_string_lossy());
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(&start) {
            found.push(entry.path());
        }
    }
    Ok(found.into_iter().max())
}

fn file_name(path: &Path) -> PathBuf {
    path.file_name().map_or_else(|| PathBuf::from("store.db"), PathBuf::from)
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(ending);
    PathBuf::from(name)
}

fn file(path: &Path, error: io::Error) -> StoreError {
    StoreError::Open(OpenFailure::File(path.to_owned(), error))
}
