//! Giving a store back to the program before an update, when the newer one brought it to a newer schema and did not do.

use std::fs;
use std::path::Path;

use kentongan_host::aside::{self, beside};
use kentongan_host::files::sync_parent;
use kentongan_host::sqlite::open_reader;
use rusqlite::Connection;

use super::{StoreError, saved_ops};

/// Has the copy of the schema `from`, which was made just before the store at `path` left it, take its place at the next
/// opening; the newer one is kept beside it. Says whether that is so. Not if anything was saved since: then the newer store
/// stays, and waits for a program that reads it.
///
/// # Errors
/// If a store cannot be read, or the disk refuses.
pub(crate) fn given_back(path: &Path, from: u32) -> Result<bool, StoreError> {
    let copy = beside(path, &format!(".v{from}"));
    if aside::is_interrupted(path) || !copy.exists() || schema(&reader(path)?)? <= from {
        return Ok(false);
    }
    let (before, after) = (reader(&copy)?, reader(path)?);
    // Of others' ops, what the copy lacks comes again, and what it has too many is put away again.
    if schema(&before)? != from || saved_ops(&before)? != saved_ops(&after)? {
        return Ok(false);
    }
    drop((before, after));
    let file = |error| StoreError::from(kentongan_host::sqlite::OpenFailure::File(copy.clone(), error));
    fs::rename(&copy, beside(path, ".salvaged")).and_then(|()| sync_parent(path)).map_err(file)?;
    Ok(true)
}

fn reader(path: &Path) -> Result<Connection, StoreError> {
    Ok(open_reader(path)?)
}

fn schema(db: &Connection) -> Result<u32, StoreError> {
    db.query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(StoreError::because("read the version of a store"))
}
