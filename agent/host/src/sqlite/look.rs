//! The look at a file before anything of it is touched: whose it is, of which version, and whether its header is right.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use kentongan_protocol::planted::{self, Defect};
use rusqlite::{Connection, OpenFlags};

use super::failure::{OpenFailure, failed};
use super::grow::schema_is;
use super::{connect, with_ending};

/// Bytes of the header of a SQLite file, and where two of its numbers stand: part of SQLite's promised file format.
const HEADER_BYTES: usize = 100;
const USER_VERSION_AT: usize = 60;
const APPLICATION_ID_AT: usize = 68;

/// Refuses a file that is not ours or too new before anything of it is touched. A connection that may write is too much
/// for that: when it closes it carries over what a newer program had left in the write-ahead log.
pub(super) fn look(path: &Path, application_id: u32, known: u32) -> Result<(), OpenFailure> {
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
pub(super) fn version_of(db: &Connection, path: &Path, application_id: u32, known: u32) -> Result<u32, OpenFailure> {
    let read = |sql| db.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(|error| failed(path, "reading", error));
    // SQLite keeps the application id as a signed number of 32 bits; the bits are what counts.
    let id = read("PRAGMA application_id")? as u32;
    let found = u32::try_from(read("PRAGMA user_version")?).unwrap_or(u32::MAX);
    let fresh = id == 0 && found == 0 && read("SELECT count(*) FROM sqlite_schema")? == 0;
    match (fresh, id == application_id) {
        (true, _) => Ok(0),
        (false, false) => Err(OpenFailure::Foreign { path: path.to_owned(), found: id }),
        (false, true) if found > known && !planted::active(Defect::NewerStoreOpened) => {
            Err(OpenFailure::Newer { path: path.to_owned(), found, known })
        }
        (false, true) => Ok(found),
    }
}

/// A file that says it is of another program or version, is one bit away from ours and has exactly our tables: that is
/// a flipped bit, not another program.
pub(super) fn damaged_header(
    path: &Path,
    application_id: u32,
    migrations: &[&str],
    refused: OpenFailure,
) -> OpenFailure {
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
pub(super) fn check_header(path: &Path) -> Result<(), OpenFailure> {
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
