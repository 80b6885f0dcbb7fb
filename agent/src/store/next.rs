//! What the store of the made-up next version has more, see [`kentongan_protocol::next`].

use kentongan_host::sqlite::with_step;
use kentongan_protocol::next::{active, common_with, hub_speaks};
use kentongan_protocol::wire::v1::{Extensions, VERSION};
use rusqlite::Connection;

use super::{MIGRATIONS, Store, StoreError};

/// The step that the made-up version adds: a table, a column of a table that is written often, an index over all ops.
const NEXT_STEP: &str = "
CREATE TABLE next_version (
    row        INTEGER PRIMARY KEY CHECK (row = 1),
    hub_speaks INTEGER NOT NULL
) STRICT;
INSERT INTO next_version VALUES (1, 1);
ALTER TABLE contact ADD COLUMN protocol INTEGER NOT NULL DEFAULT 1;
CREATE INDEX op_length ON op (length(bytes), id);
";
pub(super) const NEXT: &[&str] = &with_step::<{ MIGRATIONS.len() + 1 }>(MIGRATIONS, NEXT_STEP);

/// Steps of the schema that this program knows.
pub(super) fn migrations() -> &'static [&'static str] {
    if active() { NEXT } else { MIGRATIONS }
}

/// The version to speak with the hub.
pub(super) fn spoken(db: &Connection) -> Result<u8, StoreError> {
    if !active() {
        return Ok(VERSION);
    }
    db.query_row("SELECT hub_speaks FROM next_version", [], |row| row.get(0))
        .map_err(StoreError::because("read what the hub speaks"))
}

/// Notes what the hub said of itself in its marks.
pub(super) fn note_marks(db: &Connection, marks: &Extensions) -> Result<(), StoreError> {
    if active() { note(db, hub_speaks(marks)) } else { Ok(()) }
}

fn note(db: &Connection, version: u8) -> Result<(), StoreError> {
    db.execute("UPDATE next_version SET hub_speaks = ?", [version])
        .map(drop)
        .map_err(StoreError::because("note what the hub speaks"))
}

impl Store {
    /// Notes the versions that a hub named when it refused, so that the next exchange is in one that both speak.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn note_hub_versions(&mut self, versions: Option<(u8, u8)>) -> Result<(), StoreError> {
        match versions.and_then(common_with) {
            Some(version) if active() => note(&self.db, version),
            _ => Ok(()),
        }
    }

    /// The version that the next exchange is in.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn protocol(&self) -> Result<u8, StoreError> {
        spoken(&self.db)
    }
}
