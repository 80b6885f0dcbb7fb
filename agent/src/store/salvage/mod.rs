//! From the remains of a damaged store to a sound one.
//!
//! Nothing in a damaged file is believed because it is there; only what proves itself is taken over:
//! - an op by the sum over its name and bytes, or by the running hash between its neighbours;
//! - a log's head by the log's name, which is a hash over it;
//! - what enrolment gave by its sum, or from the copy in the identity folder.
//!
//! What lists and look-ups need is made anew from the ops. Of the hub nothing is believed: marks and cursors begin at
//! zero, and the next contact asks first and brings an inventory, so that the hub gives back what it holds of this
//! replica and feeds what concerns this office once more. Ops behind a lost one are kept as strays, see `stray.rs`.
//!
//! ```text
//!   log 3:  1 2 3 4 _ 6 7       1..4 are the log, 6 and 7 strays, 5 is lost here: perhaps the hub has it
//! ```
//!
//! In the order of the way over: `found.rs` gathers what looks like rows of ours, `proof.rs` says what of it proves
//! itself, `taken.rs` puts that into the fresh store.

mod found;
mod proof;
mod taken;

use std::io::{self, Read, Seek};

use kentongan_host::carve::Remains;
use kentongan_protocol::planted::{self, Place};
use rusqlite::Connection;

use self::found::Found;
use self::taken::Work;
use super::facts::{self, name};
use super::{Member, Store, StoreError, mark};

/// What became of a damaged or incomplete store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Salvaged {
    /// Ops of this PC that are still here.
    pub own_ops: u64,
    /// Of these, behind a lost one: see `stray.rs`.
    pub strays: u64,
    /// Ops of others that are still here.
    pub foreign_ops: u64,
    /// Ops of this PC that are known to have been here and are not; the hub may have them.
    pub lost_ops: u64,
    /// Time of the latest op of this PC that is still here, milliseconds since 1970 by its clock.
    pub latest_ms: Option<i64>,
}

/// What is known from outside the damaged file.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// What enrolment gave.
    pub(super) member: Option<Member>,
    /// Ops of this PC that were saved here, and whose.
    pub(super) water: Option<mark::HighWater>,
}

impl Store {
    /// The remains of a store in these files, for [`Store::take_in`].
    ///
    /// # Errors
    /// If a file's length cannot be found out.
    pub fn remains<R: Read + Seek>(db: R, wal: Option<R>) -> io::Result<Remains<R>> {
        Remains::of(db, wal, &found::SHAPES)
    }

    /// Takes everything that is readable and proves itself from a damaged store into this fresh one, which has joined.
    /// `saved`: ops of this PC that were in it, as the mark beside a store counts them. For simulators; [`Store::open`]
    /// does it by itself.
    ///
    /// # Errors
    /// If this store cannot be written; then nothing was taken.
    pub fn take_in<R: Read + Seek>(
        &mut self,
        remains: &mut Remains<R>,
        saved: u64,
        detail: &str,
    ) -> Result<Salvaged, StoreError> {
        let wall_ms = self.wall_ms();
        let member = self.member.clone();
        let water =
            member.as_ref().map(|member| mark::HighWater { replica: member.replica, ops: saved, at_ms: wall_ms });
        let known = Known { member, water };
        let salvaged = fill(&mut self.db, remains, &known, wall_ms, &Note { aside: "", detail })?;
        self.reread()?;
        self.learn()?;
        Ok(salvaged)
    }
}

/// What is noted of a mishap.
pub(super) struct Note<'a> {
    /// Name of the folder that keeps the damaged files.
    pub(super) aside: &'a str,
    /// For IT staff.
    pub(super) detail: &'a str,
}

/// Fills the fresh store `db` in one transaction.
pub(super) fn fill<R: Read + Seek>(
    db: &mut Connection,
    remains: &mut Remains<R>,
    known: &Known,
    wall_ms: i64,
    note: &Note<'_>,
) -> Result<Salvaged, StoreError> {
    let mut found = Found::gather(remains);
    let member = known.member.clone().or_else(|| found.member());
    if let Some(member) = &member
        && found.of_another(member)
    {
        // A write-ahead log that belongs to another store: SQLite would have mixed the two.
        remains.without_wal();
        found = Found::gather(remains);
    }
    planted::reached(Place::Salvaged);
    let transaction = db.transaction().map_err(StoreError::because("begin to salvage"))?;
    let mut work = Work { db: &transaction, remains, found, member, wall_ms, done: Salvaged::default(), marked: 0 };
    work.put_logs()?;
    work.put_rest()?;
    work.put_attachments()?;
    work.put_people()?;
    work.put_kiosks()?;
    work.put_drafts()?;
    if let Some(member) = &work.member {
        facts::put_member(work.db, member)?;
    }
    let Work { mut done, marked, .. } = work;
    if let (Some(water), Some(member)) = (known.water, &work.member)
        && water.replica == member.replica
    {
        done.lost_ops = done.lost_ops.max(water.ops.saturating_sub(marked));
    }
    facts::put(&transaction, name::DISAGREES, 1)?;
    facts::put(&transaction, name::CUT, 1)?;
    super::mishap::note(&transaction, wall_ms, "damaged", &done, note)?;
    transaction.commit().map_err(StoreError::because("salvage"))?;
    Ok(done)
}
