//! Opening a SQLite store so that what is committed stays, also after a power cut.
//!
//! - Write-ahead log with `synchronous=FULL`: the only one of the fast settings that loses nothing (NORMAL, the usual
//!   advice, loses commits at power loss). Both are read back after opening, because a network folder or an odd build
//!   silently keeps other settings.
//! - Migrations only grow, one transaction each; a copy of the old file is kept beside before the first one.
//! - A file that is not ours, or newer than this program, is refused untouched.
//! - A damaged file is never deleted, and never written to: whoever opens it decides what becomes of it.

mod check;
mod failure;
mod grow;
mod look;
/// The steps of a schema with one `more` behind them; `N` is one more than there are.
pub const fn with_step<const N: usize>(steps: &[&'static str], more: &'static str) -> [&'static str; N] {
    assert!(steps.len() + 1 == N, "as many as there are, and one more");
    let mut all = [more; N];
    let mut n = 0;
    while n < steps.len() {
        all[n] = steps[n];
        n += 1;
    }
    all
}

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::{fs, io};

use kentongan_protocol::planted::{self, Defect};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

pub use self::check::{Closely, fault, sees_everything};
pub use self::failure::OpenFailure;
use self::failure::failed;
use self::grow::{check_schema, grow, keep_copy, schema_is};
use self::look::{check_header, damaged_header, look, version_of};
use crate::files::{Access, creating};
use crate::steps::{Step, reached};

/// How long a statement waits for another connection's lock.
const BUSY_TIMEOUT_MS: u32 = 5_000;
/// The write-ahead log is cut back to this after a checkpoint.
const JOURNAL_BYTES_MAX: u32 = 16 << 20;

/// Opens the store at `path`, creating it if there is none, and brings it to the newest version.
///
/// `migrations[n]` takes a file from version `n` to `n + 1` and is never changed once released. If the last process
/// did not end with [`close`], the whole file is checked first.
///
/// # Errors
/// See [`OpenFailure`]; the file is then as it was before.
pub fn open(path: &Path, application_id: u32, migrations: &[&str]) -> Result<Connection, OpenFailure> {
    let known = u32::try_from(migrations.len()).expect("migrations are few");
    let existed = create_private(path)?;
    if existed {
        look(path, application_id, known)
            .map_err(|refused| damaged_header(path, application_id, migrations, refused))?;
    }
    check_header(path)?;
    // After a clean end there is no write-ahead log: one that is there nevertheless came from elsewhere.
    let clean = take_clean_mark(path)? && fs::metadata(with_ending(path, "-wal")).map_or(0, |meta| meta.len()) == 0;
    let db = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // Whoever lets go of it without `close` leaves the files as they are: a write-ahead log that turns out to be damaged
    // or of another store must not be worked into the file.
    keep_log_on_close(&db, path, true)?;
    let found = version_of(&db, path, application_id, known)?;
    if existed && !clean {
        quick_check(&db, path)?;
    }
    check_schema(&db, path, migrations, found)?;
    durable(&db, path, found == 0)?;
    if found > 0 && found < known {
        keep_copy(&db, path, found)?;
    }
    if let Err(failure) = grow(&db, path, application_id, migrations, found) {
        // A version that was made smaller by a flipped bit: everything that a step would make is there already.
        let grown = schema_is(&db, path, migrations).unwrap_or(false);
        let detail = "version in the header".to_owned();
        return Err(if grown { OpenFailure::Damaged { path: path.to_owned(), detail } } else { failure });
    }
    Ok(db)
}

fn keep_log_on_close(db: &Connection, path: &Path, keep: bool) -> Result<(), OpenFailure> {
    let set = db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep);
    set.map(drop).map_err(|error| failed(path, "settings", error))
}

/// As [`open`], on the SQLite file system that is registered under the name `vfs`: for simulators, whose disks live in
/// memory and fail when they are told to. There is no mark of a clean end and no copy before a migration, because both
/// are files of the real machine; every opening checks the whole file.
///
/// # Errors
/// See [`OpenFailure`].
pub fn open_on(
    vfs: &std::ffi::CStr,
    path: &Path,
    application_id: u32,
    migrations: &[&str],
) -> Result<Connection, OpenFailure> {
    let known = u32::try_from(migrations.len()).expect("migrations are few");
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags_and_vfs(path, flags, vfs).map_err(|error| failed(path, "opening", error))?;
    let db = set_up(db, path)?;
    let found = version_of(&db, path, application_id, known)?;
    quick_check(&db, path)?;
    check_schema(&db, path, migrations, found)?;
    durable(&db, path, found == 0)?;
    grow(&db, path, application_id, migrations, found)?;
    if planted::active(Defect::NoFlush) {
        db.execute_batch("PRAGMA synchronous=NORMAL").map_err(|error| failed(path, "settings", error))?;
    }
    Ok(db)
}

/// Opens an existing store for reading beside the thread that writes it. It sees what is committed.
///
/// # Errors
/// See [`OpenFailure`].
pub fn open_reader(path: &Path) -> Result<Connection, OpenFailure> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

/// Closes the store and notes that it was closed well, so that the next start need not check it whole.
///
/// # Errors
/// SQLite or the file system refuses. Nothing committed is lost by that; the next start checks the file.
pub fn close(db: Connection, path: &Path) -> Result<(), OpenFailure> {
    keep_log_on_close(&db, path, false)?;
    db.close().map_err(|(_, error)| failed(path, "closing", error))?;
    reached(Step::StoreClosed);
    let mark = clean_mark(path);
    creating(Access::Private).truncate(true).open(&mark).map_err(|error| OpenFailure::File(mark, error))?;
    Ok(())
}

/// Whether the next opening of the store at `path` trusts its pages: there is none, or it was closed with [`close`].
pub fn was_closed_well(path: &Path) -> bool {
    !path.exists() || clean_mark(path).exists()
}

/// Makes an empty file for its owner alone if there is none; SQLite's side files take over its permissions. Returns
/// whether there was one.
fn create_private(path: &Path) -> Result<bool, OpenFailure> {
    match creating(Access::Private).create_new(true).open(path) {
        Ok(_) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(true),
        Err(error) => Err(OpenFailure::File(path.to_owned(), error)),
    }
}

fn connect(path: &Path, access: OpenFlags) -> Result<Connection, OpenFailure> {
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).map_err(|error| failed(path, "opening", error))?;
    set_up(db, path)
}

fn set_up(db: Connection, path: &Path) -> Result<Connection, OpenFailure> {
    db.execute_batch(&format!(
        "PRAGMA busy_timeout={BUSY_TIMEOUT_MS};
         PRAGMA foreign_keys=ON;
         PRAGMA trusted_schema=OFF;
         PRAGMA cell_size_check=ON;
         PRAGMA mmap_size=0;"
    ))
    .map_err(|error| failed(path, "settings", error))?;
    // Plans that do not depend on the values bound: without this, SQLite prepares a kept statement that has an ORDER BY
    // or a LIMIT ?1 anew each time it is used, which costs more than most of our queries.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(|error| failed(path, "settings", error))?;
    Ok(db)
}

fn quick_check(db: &Connection, path: &Path) -> Result<(), OpenFailure> {
    match fault(db, Closely::Quick).map_err(|error| failed(path, "checking", error))? {
        Some(detail) => Err(OpenFailure::Damaged { path: path.to_owned(), detail }),
        None => Ok(()),
    }
}

/// Sets what durability needs and reads it back.
fn durable(db: &Connection, path: &Path, fresh: bool) -> Result<(), OpenFailure> {
    let settings = |error| failed(path, "settings", error);
    if fresh {
        // Must come before the journal mode, which writes the first page. On an old file it would write for nothing.
        db.execute_batch("PRAGMA auto_vacuum=INCREMENTAL").map_err(settings)?;
    }
    let _: String = db.query_row("PRAGMA journal_mode=WAL", [], |row| row.get(0)).map_err(settings)?;
    db.execute_batch(&format!("PRAGMA synchronous=FULL; PRAGMA journal_size_limit={JOURNAL_BYTES_MAX}"))
        .map_err(settings)?;
    let journal: String = db.query_row("PRAGMA journal_mode", [], |row| row.get(0)).map_err(settings)?;
    let synchronous: i64 = db.query_row("PRAGMA synchronous", [], |row| row.get(0)).map_err(settings)?;
    if journal == "wal" && synchronous == 2 {
        return Ok(());
    }
    Err(OpenFailure::Unsafe { path: path.to_owned(), journal, synchronous })
}

/// Removes the mark of a clean end, so that it counts once, and tells whether it was there.
fn take_clean_mark(path: &Path) -> Result<bool, OpenFailure> {
    let mark = clean_mark(path);
    match fs::remove_file(&mark) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(OpenFailure::File(mark, error)),
    }
}

fn clean_mark(path: &Path) -> PathBuf {
    with_ending(path, ".clean")
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(ending);
    PathBuf::from(name)
}
