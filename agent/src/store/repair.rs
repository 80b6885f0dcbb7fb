//! Opening a store whatever state it is in, because nobody is there to do it: a damaged one is set aside, and whatever
//! proves itself in it goes on in a fresh one. How the one takes the place of the other: [`kentongan_host::aside`].

use std::fs::{self, File};
use std::io;
use std::path::Path;

use kentongan_host::aside::{self, beside};
use kentongan_host::clock::Clock;
use kentongan_host::sqlite::{self, OpenFailure};
use rusqlite::Connection;

use super::facts::member_of;
use super::mark::{self, Mark};
use super::salvage::{self, Known, Note, Salvaged};
use super::{APPLICATION_ID, Member, Store, StoreError, next};

/// A database that can be worked with, and whose it is.
pub(super) struct Sound {
    pub(super) db: Connection,
    pub(super) member: Option<Member>,
    pub(super) last_hlc: i64,
}

/// Opens the store at `path`; a damaged one is repaired first.
pub(super) fn open(path: &Path, clock: &dyn Clock) -> Result<Sound, StoreError> {
    aside::finish_interrupted(path).map_err(|error| file(path, error))?;
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

/// Prepared statements kept: more than this program has.
const STATEMENTS_MAX: usize = 128;

/// Pages of the file that SQLite keeps in memory, in KiB. The system keeps them too, and may drop them when it needs the room.
const CACHE_KIB: i64 = 512;

/// Reads what every use of the store begins with.
pub(super) fn sound(db: Connection) -> Result<Sound, StoreError> {
    db.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    let setting_up = || StoreError::because("set up the store");
    // What was typed into a draft is not left in the file when the draft is emptied.
    db.query_row("PRAGMA secure_delete=ON", [], |_| Ok(())).map_err(setting_up())?;
    db.pragma_update(None, "cache_size", -CACHE_KIB).map_err(setting_up())?;
    let last: Option<i64> = db
        .query_row("SELECT max(hlc) FROM log", [], |row| row.get(0))
        .map_err(StoreError::because("read the hybrid time"))?;
    let member = member_of(&db)?;
    Ok(Sound { member, last_hlc: last.unwrap_or(0), db })
}

/// Makes a sound store of what is readable at `path`, and sets the damaged files aside. The database must be closed.
pub(super) fn repair(path: &Path, clock: &dyn Clock, detail: &str) -> Result<Salvaged, StoreError> {
    let aside = aside::new_folder(path).map_err(|error| file(path, error))?;
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
    aside::put_in_place(path, &aside).map_err(|error| file(path, error))?;
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

fn build(path: &Path, clock: &dyn Clock, note: &Note<'_>) -> Result<Salvaged, StoreError> {
    let building = aside::building(path).map_err(|error| file(path, error))?;
    let known = Known { member: mark::read_member(path), water: Mark::beside(path).read() };
    let mut db = sqlite::open(&building, APPLICATION_ID, next::migrations())?;
    let damaged = File::open(path).or_else(|_| File::open(&building)).map_err(|error| file(path, error))?;
    let mut remains =
        Store::remains(damaged, File::open(beside(path, "-wal")).ok()).map_err(|error| file(path, error))?;
    let salvaged = salvage::fill(&mut db, &mut remains, &known, clock.wall_ms(), note)?;
    sqlite::close(db, &building)?;
    aside::built(path).map_err(|error| file(&building, error))?;
    Ok(salvaged)
}

fn file(path: &Path, error: io::Error) -> StoreError {
    StoreError::Open(OpenFailure::File(path.to_owned(), error))
}
