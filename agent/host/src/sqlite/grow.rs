//! Versions of a store: the steps from one to the next, and whether the tables are those that its version has.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::{fs, io};

use rusqlite::{Connection, TransactionBehavior};

use super::failure::{OpenFailure, failed};
use super::with_ending;
use crate::files::{Access, creating};

/// Takes a file from version `found` to the newest.
pub(super) fn grow(
    db: &Connection,
    path: &Path,
    application_id: u32,
    migrations: &[&str],
    found: u32,
) -> Result<(), OpenFailure> {
    for (version, sql) in (0..).zip(migrations).skip(found as usize) {
        migrate(db, application_id, version + 1, sql).map_err(|error| failed(path, "migrating", error))?;
    }
    Ok(())
}

/// A whole and checked copy of the old version beside the store; one of each version is kept.
pub(super) fn keep_copy(db: &Connection, path: &Path, version: u32) -> Result<(), OpenFailure> {
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

pub(super) fn migrate(db: &Connection, application_id: u32, version: u32, sql: &str) -> rusqlite::Result<()> {
    let step = rusqlite::Transaction::new_unchecked(db, TransactionBehavior::Immediate)?;
    step.execute_batch(sql)?;
    // The same 32 bits, as SQLite writes them.
    step.pragma_update(None, "application_id", application_id as i32)?;
    step.pragma_update(None, "user_version", version)?;
    step.commit()
}

/// A file of version `found` has the tables that the steps up to that version made, and no others: a bit that flips in
/// the text of the schema gives a column another name, and every check of SQLite holds that to be right.
pub(super) fn check_schema(db: &Connection, path: &Path, migrations: &[&str], found: u32) -> Result<(), OpenFailure> {
    let steps = migrations.get(..found as usize).unwrap_or(migrations);
    if found == 0 || schema_is(db, path, steps)? {
        return Ok(());
    }
    Err(OpenFailure::Damaged { path: path.to_owned(), detail: "names of tables and columns".to_owned() })
}

/// Whether the tables are exactly those that `migrations` make.
pub(super) fn schema_is(db: &Connection, path: &Path, migrations: &[&str]) -> Result<bool, OpenFailure> {
    let wanted = made_by(migrations).map_err(|error| OpenFailure::Sqlite(path.to_owned(), "comparing", error))?;
    let found = parts(db).map_err(|error| match error {
        rusqlite::Error::SqliteFailure(..) => failed(path, "comparing", error),
        other => OpenFailure::Damaged { path: path.to_owned(), detail: other.to_string() },
    })?;
    Ok(found == *wanted)
}

/// Name, type and table of a part of a schema, and the words that made it.
type Part = (String, String, String, Option<String>);

fn parts(db: &Connection) -> rusqlite::Result<Vec<Part>> {
    let mut select = db.prepare(
        "SELECT name, type, tbl_name, sql FROM sqlite_schema \
         WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
    )?;
    select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?.collect()
}

/// What these steps make of an empty file. Worked out once: a process opens stores of one kind again and again.
fn made_by(migrations: &[&str]) -> rusqlite::Result<Arc<Vec<Part>>> {
    static MADE: Mutex<BTreeMap<String, Arc<Vec<Part>>>> = Mutex::new(BTreeMap::new());
    let steps = migrations.concat();
    let known = MADE.lock().unwrap_or_else(PoisonError::into_inner).get(&steps).cloned();
    if let Some(known) = known {
        return Ok(known);
    }
    let db = Connection::open_in_memory()?;
    migrations.iter().try_for_each(|sql| db.execute_batch(sql))?;
    let made = Arc::new(parts(&db)?);
    MADE.lock().unwrap_or_else(PoisonError::into_inner).insert(steps, Arc::clone(&made));
    Ok(made)
}
