//! What this PC keeps of the hub's answer. What is said to the hub is in `opening.rs`.
//!
//! ```text
//!   mod.rs    the parts of an answer as they come, one transaction each, and how an exchange ended
//!   marks.rs  what the hub says of itself and of our logs: marks, cursors, epochs, what it forgot
//!   page.rs   ops and verdicts in their place: pages of the feed, and own ops that were lost
//! ```

mod marks;
mod page;

use std::collections::BTreeSet;

use kentongan_host::steps::{Step, reached};
use kentongan_protocol::error::Fault;
use kentongan_protocol::ids::OpId;
use kentongan_protocol::log::LogHead;
use kentongan_protocol::op::Op;
use kentongan_protocol::planted::{self, Defect, Place};
use kentongan_protocol::session::agent::{Event, Outcome};
use kentongan_protocol::session::pacing;
use kentongan_protocol::wire::v1::{Feed, FeedEntry};
use rusqlite::params;

pub(super) use self::page::put_proof;
use self::page::{Page, put_attest, put_cursor};
use super::facts::{self, name};
use super::pack::log_number;
use super::{Store, StoreError};

/// What changed here by an answer of the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Applied {
    /// Own ops newly known to be stored at the hub.
    pub acknowledged: u64,
    /// Own ops that the hub once had and lacks now: they are offered again.
    pub forgotten: u64,
    /// Ops written elsewhere that are new here.
    pub fetched: u64,
    /// Own ops that this folder had lost and the hub gave back.
    pub given_back: u64,
    /// Ops newly known to be held by a second copy of the hub too.
    pub secured: u64,
    /// Ops that such a copy held, and that the hub lacks now.
    pub betrayed: u64,
    /// Bytes of attached files that the hub gained.
    pub file_bytes: u64,
}

impl Applied {
    /// Adds what another answer changed.
    pub fn add(&mut self, other: Applied) {
        self.acknowledged += other.acknowledged;
        self.forgotten += other.forgotten;
        self.fetched += other.fetched;
        self.given_back += other.given_back;
        self.secured += other.secured;
        self.betrayed += other.betrayed;
        self.file_bytes += other.file_bytes;
    }
}

/// How an answer of the hub came here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    /// Over the link, and so long it took at most since the request, if the request was small enough to say something about
    /// the link.
    OverLink {
        /// In milliseconds.
        waited_ms: Option<u32>,
    },
    /// Somebody carried it here, as the answer to the bundle in this row. When it comes says nothing of clock and link.
    Carried(i64),
}

impl Store {
    /// Commits one part of the hub's answer. `waited_ms` is how long that part took at most since the request, if the
    /// request was small enough to say something about the link.
    ///
    /// # Errors
    /// [`StoreError::Protocol`] if the answer contradicts what is here; otherwise if the store cannot be written.
    pub fn apply(&mut self, event: Event, waited_ms: Option<u32>) -> Result<Applied, StoreError> {
        self.hear(event, Came::OverLink { waited_ms })
    }

    pub(super) fn hear(&mut self, event: Event, came: Came) -> Result<Applied, StoreError> {
        match event {
            Event::Marks(marks) => self.apply_marks(&marks, came),
            Event::Feed(feed) => self.apply_feed(&feed),
            // Not of the store, see [`crate::update`].
            Event::Piece(..) => Ok(Applied::default()),
            Event::Files(files) => Ok(Applied { file_bytes: self.note_files(&files)?, ..Applied::default() }),
            Event::Restored { head, first_seq, ops } => self.apply_restored(&head, first_seq, &ops),
        }
    }

    /// Notes how long the hub took to answer at enrolment, connecting included.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn note_round_trip(&mut self, waited_ms: u32) -> Result<(), StoreError> {
        facts::put(&self.db, name::ROUND_TRIP_MS, waited_ms.max(1))
    }

    /// Notes how long a request of so many bytes took until its answer began.
    ///
    /// # Errors
    /// If the store cannot be read or written.
    pub fn note_carried_up(&mut self, bytes: usize, waited_ms: u32) -> Result<(), StoreError> {
        let round_trip_ms = facts::get(&self.db, name::ROUND_TRIP_MS)?.unwrap_or(0);
        self.note_carried(name::UP_BYTES_S, bytes, waited_ms, round_trip_ms)
    }

    /// Notes how long an answer of so many bytes took from its beginning to its end.
    ///
    /// # Errors
    /// If the store cannot be read or written.
    pub fn note_carried_down(&mut self, bytes: usize, took_ms: u32) -> Result<(), StoreError> {
        self.note_carried(name::DOWN_BYTES_S, bytes, took_ms, 0)
    }

    fn note_carried(&self, way: &str, bytes: usize, ms: u32, round_trip_ms: u32) -> Result<(), StoreError> {
        let known = facts::get(&self.db, way)?.unwrap_or(0);
        match pacing::link_bytes_s(known, bytes, ms, round_trip_ms) {
            speed if speed == known => Ok(()),
            speed => facts::put(&self.db, way, speed),
        }
    }

    /// Keeps a page of the feed, and the cursor behind it.
    ///
    /// # Errors
    /// [`StoreError::Protocol`] if the page contradicts what is here; otherwise if the store cannot be written. Nothing
    /// of the page is kept then.
    fn apply_feed(&mut self, feed: &Feed) -> Result<Applied, StoreError> {
        if self.passes_pages_over {
            return Ok(Applied::default());
        }
        planted::reached(Place::PageKept);
        let wall_ms = self.wall_ms();
        let replica = self.member.as_ref().ok_or(StoreError::NotEnrolled)?.replica;
        let mut hybrid = self.hybrid;
        if planted::active(Defect::CursorApart) {
            put_cursor(&self.db, feed.topic, feed.upto)?;
        }
        let transaction = self.db.transaction().map_err(StoreError::because("begin to keep a page of the feed"))?;
        let mut page = Page { db: &transaction, touched: BTreeSet::new(), applied: Applied::default() };
        let heads = feed.heads()?;
        for entry in &feed.entries.0 {
            let op = entry.op_id(&heads).ok_or(Fault::Peer("a feed entry of a log without its head"))?;
            match entry {
                FeedEntry::Op { number, log, bytes, .. } => {
                    let head = heads.get(usize::from(*log)).ok_or(Fault::Peer("a feed entry without its head"))?;
                    let new = page.put_op(head, head.replica() == replica, op, &bytes.0, Some(*number))?;
                    page.applied.fetched += u64::from(new);
                    if let Ok(op) = Op::decode(&bytes.0) {
                        hybrid.observe(op.hlc, wall_ms);
                    }
                }
                FeedEntry::Verdict { number, verdict, .. } => page.put_verdict(op, verdict, *number)?,
            }
        }
        feed.attests.0.iter().try_for_each(|attest| put_attest(&transaction, attest, replica))?;
        put_cursor(&transaction, feed.topic, feed.upto)?;
        let applied = page.finish(wall_ms)?;
        reached(Step::AgentFeedWritten);
        transaction.commit().map_err(StoreError::because("keep a page of the feed"))?;
        reached(Step::AgentFeedCommitted);
        self.hybrid = hybrid;
        Ok(applied)
    }

    /// Takes back own ops that this folder lacks.
    ///
    /// # Errors
    /// As [`Store::apply_feed`].
    fn apply_restored(&mut self, head: &LogHead, first_seq: u64, ops: &[Vec<u8>]) -> Result<Applied, StoreError> {
        planted::reached(Place::TakenBack);
        let wall_ms = self.wall_ms();
        let transaction = self.db.transaction().map_err(StoreError::because("begin to take back ops"))?;
        let mut page = Page { db: &transaction, touched: BTreeSet::new(), applied: Applied::default() };
        for (seq, bytes) in (first_seq..).zip(ops) {
            let new = page.put_op(head, true, OpId { log: head.log(), seq }, bytes, None)?;
            page.applied.given_back += u64::from(new);
        }
        let n = log_number(&transaction, head.log())?;
        let upto = first_seq.saturating_add(ops.len() as u64).saturating_sub(1);
        transaction
            .execute("UPDATE log SET stored = max(stored, min(held, ?)) WHERE n = ?", params![upto as i64, n])
            .map_err(StoreError::because("note a restored log"))?;
        let applied = page.finish(wall_ms)?;
        let before: i64 = facts::get(&transaction, name::GIVEN_BACK)?.unwrap_or(0);
        facts::put(&transaction, name::GIVEN_BACK, before + applied.given_back as i64)?;
        let since: i64 = facts::get(&transaction, name::GIVEN_BACK_SINCE)?.unwrap_or(0);
        facts::put(&transaction, name::GIVEN_BACK_SINCE, since + applied.given_back as i64)?;
        transaction.commit().map_err(StoreError::because("take back ops"))?;
        reached(Step::AgentRestoredCommitted);
        self.count_saved()?;
        Ok(applied)
    }

    /// Notes how an exchange ended: the next one asks first after a cut, and brings an inventory after a disagreement.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn end_exchange(&mut self, ended: Result<&Outcome, &Fault>) -> Result<(), StoreError> {
        match ended {
            Ok(outcome) => {
                facts::put(&self.db, name::DISAGREES, !outcome.in_order)?;
                if outcome.in_order {
                    self.enter_strays_again()?;
                }
                Ok(())
            }
            Err(Fault::Cut | Fault::Damaged) => facts::put(&self.db, name::CUT, 1),
            Err(_) => Ok(()),
        }
    }
}
