//! Tablets that may hand answers over, and the answers: each once, however often it is handed over.

use kentongan_host::carve;
use rusqlite::{Connection, OptionalExtension, Row, params};
use sha2::{Digest, Sha256};

use super::intake::take_row;
use super::person::is_name;
use super::{Store, StoreError};
use crate::entry::{ImportRow, NewRecord, RowOutcome};

/// Answers that one tablet hands over in a day, at most: more than anybody touches, less than fills a disk.
pub(crate) const ANSWERS_OF_DAY_MAX: u32 = 3_000;
const DAY_MS: i64 = 24 * 3_600_000;

/// A tablet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kiosk {
    /// Its number, from 1; never given again.
    pub id: u16,
    /// What people call it.
    pub name: String,
    /// This PC's clock when it was paired.
    pub paired_ms: i64,
    /// This PC's clock when it last handed something over.
    pub seen_ms: Option<i64>,
    /// This PC's clock when it was let go; `None`: it may hand over.
    pub ended_ms: Option<i64>,
}

/// An answer as a tablet hands it over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Handed {
    /// Drawn by the tablet when the answer was given.
    pub(crate) id: [u8; 16],
    /// What it says; `None`: nothing that can be kept.
    pub(crate) record: Option<NewRecord>,
}

/// What became of answers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Taken {
    /// They are here, now or since an earlier time.
    pub(crate) here: Vec<[u8; 16]>,
    /// They say nothing that can be kept.
    pub(crate) refused: Vec<[u8; 16]>,
    /// New ones among those that are here.
    pub(crate) new: u32,
}

const COLUMNS: &str = "id, name, paired_ms, seen_ms, ended_ms";

fn kiosk(row: &Row<'_>) -> rusqlite::Result<Kiosk> {
    Ok(Kiosk {
        id: row.get(0)?,
        name: row.get(1)?,
        paired_ms: row.get(2)?,
        seen_ms: row.get(3)?,
        ended_ms: row.get(4)?,
    })
}

/// What is kept of a key. A key is drawn and long, so one hash is enough.
fn kept(key: &[u8]) -> [u8; 32] {
    Sha256::digest(key).into()
}

/// A tablet, as it stands in the remains of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Remnant {
    kiosk: Kiosk,
    kept: [u8; 32],
    /// Answers taken, and on which day.
    taken: (i64, i64),
}

impl Remnant {
    /// Of a row as it was found; `None`: it cannot be one of ours.
    pub(super) fn of_row(id: i64, row: &carve::Row) -> Option<Remnant> {
        let whole = |n: usize| row.values.get(n)?.whole();
        let name = row.values.get(1)?.text().filter(|name| is_name(name))?;
        let kiosk = Kiosk {
            id: u16::try_from(id).ok().filter(|id| *id > 0)?,
            name: name.to_owned(),
            paired_ms: whole(3)?,
            seen_ms: whole(4),
            ended_ms: whole(7),
        };
        Some(Remnant { kiosk, kept: row.values.get(2)?.bytes()?, taken: (whole(5)?, whole(6)?) })
    }

    /// Number of the tablet.
    pub(super) fn id(&self) -> u16 {
        self.kiosk.id
    }

    /// Another row of the same tablet, found later: it counts, but whoever was let go does not come back by a leftover.
    pub(super) fn is_followed_by(&mut self, later: Remnant) {
        let ended_ms = later.kiosk.ended_ms.or(self.kiosk.ended_ms);
        *self = Remnant { kiosk: Kiosk { ended_ms, ..later.kiosk }, ..later };
    }

    /// Puts it there as it was.
    pub(super) fn put(&self, db: &Connection) -> Result<(), StoreError> {
        let Kiosk { id, name, paired_ms, seen_ms, ended_ms } = &self.kiosk;
        db.execute(
            "INSERT OR IGNORE INTO kiosk (id, name, key, paired_ms, seen_ms, day, taken, ended_ms) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            params![id, name, self.kept, paired_ms, seen_ms, self.taken.0, self.taken.1, ended_ms],
        )
        .map(drop)
        .map_err(StoreError::because("take over a tablet"))
    }
}

impl Store {
    /// Every tablet, those that were let go last.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn kiosks(&self) -> Result<Vec<Kiosk>, StoreError> {
        let reading = || StoreError::because("list the tablets");
        let sql = format!("SELECT {COLUMNS} FROM kiosk ORDER BY ended_ms IS NOT NULL, id");
        let mut select = self.db.prepare_cached(&sql).map_err(reading())?;
        select.query_map([], kiosk).map_err(reading())?.collect::<Result<_, _>>().map_err(reading())
    }

    /// The tablet with this key, if it may hand over.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(crate) fn kiosk_of_key(&self, key: &[u8]) -> Result<Option<Kiosk>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM kiosk WHERE key = ? AND ended_ms IS NULL");
        self.db
            .prepare_cached(&sql)
            .and_then(|mut select| select.query_row([kept(key)], kiosk).optional())
            .map_err(StoreError::because("look for a tablet"))
    }

    /// A tablet with this key may hand over from now on.
    ///
    /// # Errors
    /// [`StoreError::UnfitName`], or if the store cannot be written.
    pub(crate) fn pair_kiosk(&mut self, name: &str, key: &[u8]) -> Result<Kiosk, StoreError> {
        let name = name.trim();
        if !is_name(name) {
            return Err(StoreError::UnfitName);
        }
        let sql =
            format!("INSERT INTO kiosk (name, key, paired_ms, day, taken) VALUES (?, ?, ?, 0, 0) RETURNING {COLUMNS}");
        let paired_ms = self.wall_ms();
        self.db
            .query_row(&sql, params![name, kept(key), paired_ms], kiosk)
            .map_err(StoreError::because("pair a tablet"))
    }

    /// A tablet may not hand over any more. Says whether it could until now.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub(crate) fn let_kiosk_go(&mut self, id: u16) -> Result<bool, StoreError> {
        let now_ms = self.wall_ms();
        self.db
            .execute("UPDATE kiosk SET ended_ms = ? WHERE id = ? AND ended_ms IS NULL", params![now_ms, id])
            .map(|changed| changed > 0)
            .map_err(StoreError::because("let a tablet go"))
    }

    /// Answers that a tablet may still hand over today, by this PC's clock.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(crate) fn room_of_kiosk(&self, id: u16) -> Result<u32, StoreError> {
        let today = self.wall_ms().div_euclid(DAY_MS);
        let taken: Option<u32> = self
            .db
            .prepare_cached("SELECT taken FROM kiosk WHERE id = ? AND day = ?")
            .and_then(|mut select| select.query_row(params![id, today], |row| row.get(0)).optional())
            .map_err(StoreError::because("count the answers of a tablet"))?;
        Ok(ANSWERS_OF_DAY_MAX.saturating_sub(taken.unwrap_or(0)))
    }

    /// Enters what a tablet hands over, all of it in one transaction.
    ///
    /// # Errors
    /// If the store cannot be written; then nothing was taken.
    pub(crate) fn take_handed(&mut self, kiosk: u16, handed: Vec<Handed>) -> Result<Taken, StoreError> {
        let mut taken = Taken::default();
        let (mut ids, mut rows) = (Vec::new(), Vec::new());
        for Handed { id, record } in handed {
            match record {
                Some(record) => {
                    ids.push(id);
                    rows.push(ImportRow { name: name_of(kiosk, id), source: None, record });
                }
                None => taken.refused.push(id),
            }
        }
        let now_ms = self.wall_ms();
        let outcomes = self.write(|writer| {
            let outcomes: Vec<RowOutcome> =
                rows.iter().map(|row| take_row(writer, row)).collect::<Result<_, StoreError>>()?;
            let new = outcomes.iter().filter(|outcome| matches!(outcome, RowOutcome::Taken { .. })).count();
            writer
                .db
                .execute(
                    "UPDATE kiosk SET seen_ms = ?1, taken = CASE day WHEN ?2 THEN taken ELSE 0 END + ?3, day = ?2 \
                     WHERE id = ?4",
                    params![now_ms, now_ms.div_euclid(DAY_MS), new as i64, kiosk],
                )
                .map_err(StoreError::because("note what a tablet handed over"))?;
            Ok(outcomes)
        })?;
        for (id, outcome) in ids.into_iter().zip(outcomes) {
            taken.new += u32::from(matches!(outcome, RowOutcome::Taken { .. }));
            taken.here.push(id);
        }
        Ok(taken)
    }
}

/// Content name of an answer: another tablet may draw the same number.
fn name_of(kiosk: u16, id: [u8; 16]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"kentongan kiosk answer 1 ");
    hash.update(kiosk.to_be_bytes());
    hash.update(id);
    hash.finalize().into()
}
