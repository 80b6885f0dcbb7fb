//! Opening a SQLite store so that what is committed stays, also after a power cut.
//!
//! - Write-ahead log with `synchronous=FULL`: the only one of the fast settings that loses nothing (NORMAL, the usual
//!   advice, loses commits at power loss). Both are read back after opening, because a network folder or an odd build
//!   silently keeps other settings.
//! - Migrations only grow, one transaction each; a copy of the old file is kept beside before the first one.
//! - A file that is not ours, or newer than this program, is refused untouched.
//! - A damaged file is never deleted, and never written to: whoever opens it decides what becomes of it.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use kentongan_protocol::planted::{self, Defect};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use crate::fail::Failure;
use crate::files::{Access, creating};
use crate::ktg::Ktg;
use crate::steps::{Step, reached};

/// How long a statement waits for another connection's lock.
const BUSY_TIMEOUT_MS: u32 = 5_000;
/// The write-ahead log is cut back to this after a checkpoint.
const JOURNAL_BYTES_MAX: u32 = 16 << 20;

/// Bytes of the header of a SQLite file, and where two of its numbers stand: part of SQLite's promised file format.
const HEADER_BYTES: usize = 100;
const USER_VERSION_AT: usize = 60;
const APPLICATION_ID_AT: usize = 68;

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenFailure {
    /// The file is damaged. It was not touched.
    #[error("the database {path} is damaged: {detail}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite found.
        detail: String,
    },
    /// The file was written by a newer program.
    #[error("the database {path} has version {found}, this program knows {known}")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Version of the file.
        found: u32,
        /// Newest version that this program knows.
        known: u32,
    },
    /// The file belongs to another program.
    #[error("the database {path} belongs to another program (application id {found:#010x})")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The id in its header.
        found: u32,
    },
    /// The file's folder cannot keep the promise of durability (for example a network share).
    #[error("the folder of {path} does not allow a safe database (journal {journal}, synchronous {synchronous})")]
    Unsafe {
        /// The file.
        path: PathBuf,
        /// The journal mode that SQLite settled for.
        journal: String,
        /// The level that SQLite settled for.
        synchronous: i64,
    },
    /// A file operation failed.
    #[error("the file {0}")]
    File(PathBuf, #[source] io::Error),
    /// SQLite refused something else.
    #[error("{1} in the database {0}")]
    Sqlite(PathBuf, &'static str, #[source] rusqlite::Error),
}

impl From<OpenFailure> for Failure {
    fn from(failure: OpenFailure) -> Failure {
        let ktg = match &failure {
            OpenFailure::Damaged { .. } => Ktg::StoreDamaged,
            OpenFailure::Newer { .. } | OpenFailure::Foreign { .. } => Ktg::StoreNewer,
            OpenFailure::Unsafe { .. } => Ktg::Permission,
            OpenFailure::File(..) | OpenFailure::Sqlite(..) => return anyhow::Error::from(failure).into(),
        };
        let detail = failure.to_string();
        Failure::of(ktg).with_detail(detail)
    }
}

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

/// A file that says it is of another program or version, is one bit away from ours and has exactly our tables: that is
/// a flipped bit, not another program.
fn damaged_header(path: &Path, application_id: u32, migrations: &[&str], refused: OpenFailure) -> OpenFailure {
    let flipped = match &refused {
        OpenFailure::Foreign { found, .. } => (found ^ application_id).count_ones() == 1,
        OpenFailure::Newer { found, known, .. } => (found ^ known).count_ones() == 1,
        _ => false,
    };
    if flipped && peek(path).and_then(|db| schema_is(&db, path, migrations)).unwrap_or(false) {
        return OpenFailure::Damaged { path: path.to_owned(), detail: "version in the header".to_owned() };
    }
    refused
}

/// Opens a file for a look that leaves no trace.
fn peek(path: &Path) -> Result<Connection, OpenFailure> {
    if fs::metadata(with_ending(path, "-wal")).is_ok_and(|journal| journal.len() > 0) {
        return connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY);
    }
    let name = path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(format!("file:{name}?immutable=1"), flags)
        .map_err(|error| failed(path, "opening", error))
}

/// Looks at the bytes of the header that have one right value each. SQLite takes some of the wrong ones for a file that
/// may not be written, or that is of a later version.
fn check_header(path: &Path) -> Result<(), OpenFailure> {
    let mut header = [0; 100];
    let read = fs::File::open(path).and_then(|mut file| io::Read::read_exact(&mut file, &mut header));
    match read {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
        read => read.map_err(|error| OpenFailure::File(path.to_owned(), error))?,
    }
    let journal = |byte: u8| matches!(byte, 1 | 2);
    let word = |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let right = header.starts_with(b"SQLite format 3\0")
        && journal(header[18])
        && journal(header[19])
        && header[20..24] == [0, 64, 32, 32]
        && word(44) <= 4
        && word(56) <= 1;
    if right {
        return Ok(());
    }
    Err(OpenFailure::Damaged { path: path.to_owned(), detail: "header of the file".to_owned() })
}

/// A file of version `found` has the tables that the steps up to that version made, and no others: a bit that flips in
/// the text of the schema gives a column another name, and every check of SQLite holds that to be right.
fn check_schema(db: &Connection, path: &Path, migrations: &[&str], found: u32) -> Result<(), OpenFailure> {
    let steps = migrations.get(..found as usize).unwrap_or(migrations);
    if found == 0 || schema_is(db, path, steps)? {
        return Ok(());
    }
    Err(OpenFailure::Damaged { path: path.to_owned(), detail: "names of tables and columns".to_owned() })
}

/// Whether the tables are exactly those that `migrations` make.
fn schema_is(db: &Connection, path: &Path, migrations: &[&str]) -> Result<bool, OpenFailure> {
    type Part = (String, String, String, Option<String>);
    let names = |db: &Connection| -> rusqlite::Result<Vec<Part>> {
        let mut select = db.prepare(
            "SELECT name, type, tbl_name, sql FROM sqlite_schema \
             WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
        )?;
        select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?.collect()
    };
    let wanted = || {
        let db = Connection::open_in_memory()?;
        migrations.iter().try_for_each(|sql| db.execute_batch(sql))?;
        names(&db)
    };
    let wanted = wanted().map_err(|error| OpenFailure::Sqlite(path.to_owned(), "comparing", error))?;
    let found = names(db).map_err(|error| match error {
        rusqlite::Error::SqliteFailure(..) => failed(path, "comparing", error),
        other => OpenFailure::Damaged { path: path.to_owned(), detail: other.to_string() },
    })?;
    Ok(found == wanted)
}

/// Takes a file from version `found` to the newest.
fn grow(db: &Connection, path: &Path, application_id: u32, migrations: &[&str], found: u32) -> Result<(), OpenFailure> {
    for (version, sql) in (0..).zip(migrations).skip(found as usize) {
        migrate(db, application_id, version + 1, sql).map_err(|error| failed(path, "migrating", error))?;
    }
    Ok(())
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

/// Refuses a file that is not ours or too new before anything of it is touched. A connection that may write is too much
/// for that: when it closes it carries over what a newer program had left in the write-ahead log.
fn look(path: &Path, application_id: u32, known: u32) -> Result<(), OpenFailure> {
    let journal = with_ending(path, "-wal");
    if fs::metadata(&journal).is_ok_and(|journal| journal.len() > 0) {
        let db = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        return version_of(&db, path, application_id, known).map(drop);
    }
    // Nothing waits in a log, so the file speaks for itself; reading it as bytes leaves no trace beside it.
    let mut header = [0; HEADER_BYTES];
    let whole = fs::File::open(path).and_then(|mut file| file.read_exact(&mut header));
    match whole {
        // Too short for a database: what it is, SQLite will say.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
        whole => whole.map_err(|error| OpenFailure::File(path.to_owned(), error))?,
    }
    let number = |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let (id, found) = (number(APPLICATION_ID_AT), number(USER_VERSION_AT));
    match header.starts_with(b"SQLite format 3\0") {
        true if id == application_id && found > known => {
            Err(OpenFailure::Newer { path: path.to_owned(), found, known })
        }
        true if id != application_id && (id, found) != (0, 0) => {
            Err(OpenFailure::Foreign { path: path.to_owned(), found: id })
        }
        _ => Ok(()),
    }
}

/// The version of a file that is ours and not too new; 0 for a fresh one. Changes nothing.
fn version_of(db: &Connection, path: &Path, application_id: u32, known: u32) -> Result<u32, OpenFailure> {
    let read = |sql| db.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(|error| failed(path, "reading", error));
    // SQLite keeps the application id as a signed number of 32 bits; the bits are what counts.
    let id = read("PRAGMA application_id")? as u32;
    let found = u32::try_from(read("PRAGMA user_version")?).unwrap_or(u32::MAX);
    let fresh = id == 0 && found == 0 && read("SELECT count(*) FROM sqlite_schema")? == 0;
    match (fresh, id == application_id) {
        (true, _) => Ok(0),
        (false, false) => Err(OpenFailure::Foreign { path: path.to_owned(), found: id }),
        (false, true) if found > known => Err(OpenFailure::Newer { path: path.to_owned(), found, known }),
        (false, true) => Ok(found),
    }
}

fn quick_check(db: &Connection, path: &Path) -> Result<(), OpenFailure> {
    let found: String =
        db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(|error| failed(path, "checking", error))?;
    if found == "ok" { Ok(()) } else { Err(OpenFailure::Damaged { path: path.to_owned(), detail: found }) }
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

/// A whole and checked copy of the old version beside the store; one of each version is kept.
fn keep_copy(db: &Connection, path: &Path, version: u32) -> Result<(), OpenFailure> {
    let copy = with_ending(path, &format!(".v{version}"));
    let part = with_ending(&copy, ".part");
    let file = |error| OpenFailure::File(part.clone(), error);
    match fs::remove_file(&part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(file(error)),
        _ => {}
    }
    creating(Access::Private).open(&part).map_err(file)?;
    let name = part.to_str().ok_or_else(|| file(io::ErrorKind::InvalidFilename.into()))?;
    db.execute("VACUUM INTO ?1", [name]).map_err(|error| failed(path, "copying before the migration", error))?;
    fs::File::open(&part).and_then(|copied| copied.sync_all()).map_err(file)?;
    fs::rename(&part, &copy).and_then(|()| crate::files::sync_parent(&copy)).map_err(file)
}

fn migrate(db: &Connection, application_id: u32, version: u32, sql: &str) -> rusqlite::Result<()> {
    let step = rusqlite::Transaction::new_unchecked(db, TransactionBehavior::Immediate)?;
    step.execute_batch(sql)?;
    // The same 32 bits, as SQLite writes them.
    step.pragma_update(None, "application_id", application_id as i32)?;
    step.pragma_update(None, "user_version", version)?;
    step.commit()
}

fn failed(path: &Path, doing: &'static str, error: rusqlite::Error) -> OpenFailure {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            OpenFailure::Damaged { path: path.to_owned(), detail: error.to_string() }
        }
        _ => OpenFailure::Sqlite(path.to_owned(), doing, error),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    const ID: u32 = 0x4b54_4741;
    const FIRST: &str = "CREATE TABLE catatan (id INTEGER PRIMARY KEY, isi TEXT NOT NULL DEFAULT '') STRICT;";
    const SECOND: &str = "ALTER TABLE catatan ADD COLUMN kantor TEXT NOT NULL DEFAULT '';";

    fn temp() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("store.db");
        (dir, path)
    }

    fn count(db: &Connection) -> i64 {
        db.query_row("SELECT count(*) FROM catatan", [], |row| row.get(0)).expect("count")
    }

    #[test]
    fn a_store_keeps_its_records_and_grows_with_a_copy_of_the_old_version_beside_it() {
        let (dir, path) = temp();
        let db = open(&path, ID, &[FIRST]).expect("fresh");
        db.execute("INSERT INTO catatan (isi) VALUES ('jalan rusak')", []).expect("insert");
        close(db, &path).expect("close");

        let db = open(&path, ID, &[FIRST, SECOND]).expect("migrated");
        assert_eq!(count(&db), 1);
        assert_eq!(db.query_row("PRAGMA user_version", [], |row| row.get(0)), Ok(2));
        let copy = open_reader(&dir.path().join("store.db.v1")).expect("the copy");
        assert_eq!(count(&copy), 1);
        assert_eq!(copy.query_row("PRAGMA user_version", [], |row| row.get(0)), Ok(1));
    }

    #[test]
    fn a_failed_migration_leaves_the_file_at_its_version() {
        let (_dir, path) = temp();
        close(open(&path, ID, &[FIRST]).expect("fresh"), &path).expect("close");
        let broken = "ALTER TABLE catatan ADD COLUMN a TEXT; SELECT * FROM tidak_ada;";
        assert!(matches!(open(&path, ID, &[FIRST, broken]), Err(OpenFailure::Sqlite(_, "migrating", _))));
        let db = open(&path, ID, &[FIRST, SECOND]).expect("the right migration still fits");
        assert_eq!(db.query_row("PRAGMA user_version", [], |row| row.get(0)), Ok(2));
    }

    #[test]
    fn a_newer_or_foreign_file_is_refused_with_a_sentence() {
        let (_dir, path) = temp();
        close(open(&path, ID, &[FIRST, SECOND]).expect("fresh"), &path).expect("close");
        let newer = open(&path, ID, &[FIRST]).expect_err("newer");
        assert!(matches!(newer, OpenFailure::Newer { found: 2, known: 1, .. }));
        assert_eq!(Failure::from(newer).ktg, Some(Ktg::StoreNewer));
        let foreign = open(&path, ID + 1, &[FIRST, SECOND]).expect_err("foreign");
        assert!(matches!(foreign, OpenFailure::Foreign { found: ID, .. }));
    }

    /// Everything in a folder but SQLite's shared memory, which holds nothing.
    fn bytes_of(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
        let names = fs::read_dir(dir).expect("list").map(|entry| entry.expect("entry").path());
        let mut files: Vec<_> = names
            .filter(|name| !name.to_string_lossy().ends_with("-shm"))
            .map(|name| (name.clone(), fs::read(&name).expect("read")))
            .collect();
        files.sort();
        files
    }

    #[test]
    fn a_refused_file_is_not_touched_whether_it_was_closed_well_or_not() {
        for clean in [true, false] {
            let (dir, path) = temp();
            let db = open(&path, ID, &[FIRST]).expect("fresh");
            db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").expect("all in the file");
            migrate(&db, ID, 2, SECOND).expect("the newer program's step, in the write-ahead log");
            db.execute("INSERT INTO catatan (isi) VALUES ('jalan rusak')", []).expect("insert");
            let (newer, newer_path) = temp();
            // While it is open, the folder is as a killed process leaves it: the new version stands in the log alone.
            let killed = bytes_of(dir.path());
            close(db, &path).expect("close");
            for (name, bytes) in if clean { bytes_of(dir.path()) } else { killed } {
                fs::write(newer.path().join(name.file_name().expect("a name")), bytes).expect("copy");
            }
            let before = bytes_of(newer.path());
            assert!(clean || fs::metadata(with_ending(&newer_path, "-wal")).expect("a log").len() > 0);
            for _ in 0..2 {
                let refused = open(&newer_path, ID, &[FIRST]).expect_err("newer");
                assert!(matches!(refused, OpenFailure::Newer { found: 2, known: 1, .. }), "{refused:?}");
                let foreign = open(&newer_path, ID + 1, &[FIRST, SECOND, SECOND]).expect_err("foreign");
                assert!(matches!(foreign, OpenFailure::Foreign { found: ID, .. }), "{foreign:?}");
            }
            assert!(bytes_of(newer.path()) == before, "the files were changed; closed well: {clean}");
            let db = open(&newer_path, ID, &[FIRST, SECOND]).expect("the newer program goes on");
            assert_eq!(count(&db), 1);
        }
    }

    #[test]
    fn a_damaged_file_is_named_and_stays_as_it_is() {
        let (_dir, path) = temp();
        fs::write(&path, "bukan basis data, tetapi cukup panjang untuk dibaca sebagai kepala berkas".repeat(40))
            .expect("write");
        let damaged = open(&path, ID, &[FIRST]).expect_err("damaged");
        assert_eq!(Failure::from(damaged).exit.code(), 16);

        assert!(fs::read(&path).expect("read").starts_with(b"bukan"), "it is as it was");
    }

    #[test]
    fn a_column_of_another_name_is_damage_in_a_file_of_any_version() {
        for migrations in [&[FIRST][..], &[FIRST, SECOND]] {
            let (_dir, path) = temp();
            let db = open(&path, ID, &[FIRST]).expect("fresh");
            db.execute_batch(
                "PRAGMA writable_schema=ON; \
                 UPDATE sqlite_schema SET sql = replace(sql, 'isi TEXT', 'hsi TEXT') WHERE name = 'catatan'",
            )
            .expect("flipped");
            close(db, &path).expect("closed well");
            assert!(matches!(open(&path, ID, migrations), Err(OpenFailure::Damaged { .. })));
        }
    }

    #[test]
    fn a_page_flipped_after_an_unclean_end_is_found_at_opening() {
        let (_dir, path) = temp();
        let db = open(&path, ID, &[FIRST]).expect("fresh");
        for _ in 0..200 {
            db.execute("INSERT INTO catatan (isi) VALUES (?1)", ["x".repeat(500)]).expect("insert");
        }
        let _: i64 = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).expect("worked in");
        db.close().expect("closed without the mark");
        let mut bytes = fs::read(&path).expect("read");
        let middle = bytes.len() / 2 / 4096 * 4096;
        bytes[middle..middle + 64].fill(0xff);
        fs::write(&path, bytes).expect("write");
        assert!(matches!(open(&path, ID, &[FIRST]), Err(OpenFailure::Damaged { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn the_store_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let (_dir, path) = temp();
        let db = open(&path, ID, &[FIRST]).expect("fresh");
        db.execute("INSERT INTO catatan (isi) VALUES ('')", []).expect("insert");
        for name in [path.clone(), with_ending(&path, "-wal")] {
            assert_eq!(fs::metadata(&name).expect("stat").permissions().mode() & 0o777, 0o600, "{}", name.display());
        }
    }
}
