//! What happened to this store, for people: damage that was repaired, entries that are missing.

use rusqlite::{Connection, params};

use super::facts;
use super::salvage::{Note, Salvaged};
use super::{Store, StoreError, stray};

/// Something that happened to this store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mishap {
    /// When it was found, by this PC's clock.
    pub at_ms: i64,
    /// Whether the file was damaged; else it was sound and older than it should have been.
    pub damaged: bool,
    /// Ops of this PC that were still there.
    pub kept_ops: u64,
    /// Ops of this PC that are known to have been there and were not.
    pub lost_ops: u64,
    /// Time of the latest op that was still there, by this PC's clock.
    pub since_ms: Option<i64>,
    /// Folder beside the store that keeps the damaged files; empty if there is none.
    pub aside: String,
    /// For IT staff, in English.
    pub detail: String,
    /// Ops of this PC that wait behind a lost one, now.
    pub strays: u64,
    /// Ops that the hub has given back since.
    pub given_back: u64,
}

/// Notes a mishap.
pub(super) fn note(
    db: &Connection,
    at_ms: i64,
    kind: &str,
    what: &Salvaged,
    note: &Note<'_>,
) -> Result<(), StoreError> {
    db.execute(
        "INSERT INTO mishap (at_ms, kind, kept_ops, lost_ops, since_ms, aside, detail) VALUES (?, ?, ?, ?, ?, ?, ?)",
        params![at_ms, kind, what.own_ops as i64, what.lost_ops as i64, what.latest_ms, note.aside, note.detail],
    )
    .map_err(StoreError::because("note what happened to the store"))?;
    facts::put(db, facts::name::GIVEN_BACK_SINCE, 0)
}

impl Store {
    /// The last thing that happened to this store, if anything did.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn mishap(&self) -> Result<Option<Mishap>, StoreError> {
        let reading = || StoreError::because("read what happened to the store");
        let mut select = self
            .db
            .prepare_cached(
                "SELECT at_ms, kind, kept_ops, lost_ops, since_ms, aside, detail FROM mishap ORDER BY id DESC LIMIT 1",
            )
            .map_err(reading())?;
        let mut rows = select
            .query_map([], |row| {
                Ok(Mishap {
                    at_ms: row.get(0)?,
                    damaged: row.get::<_, String>(1)? == "damaged",
                    kept_ops: row.get::<_, i64>(2)? as u64,
                    lost_ops: row.get::<_, i64>(3)? as u64,
                    since_ms: row.get(4)?,
                    aside: row.get(5)?,
                    detail: row.get(6)?,
                    strays: 0,
                    given_back: 0,
                })
            })
            .map_err(reading())?;
        let Some(mishap) = rows.next().transpose().map_err(reading())? else { return Ok(None) };
        let given_back: i64 = facts::get(&self.db, facts::name::GIVEN_BACK_SINCE)?.unwrap_or(0);
        Ok(Some(Mishap { strays: stray::count(&self.db)?, given_back: given_back as u64, ..mishap }))
    }
}
