//! What this PC keeps of the hub's answer: marks, pages of the feed, own ops that were lost. What is said to the hub is
//! in `opening.rs`.

use std::collections::BTreeSet;

use kentongan_host::steps::{Step, reached};
use kentongan_protocol::error::Fault;
use kentongan_protocol::ids::{LogId, OpId, ReplicaId};
use kentongan_protocol::limits::EPOCHS_MAX;
use kentongan_protocol::log::{ChainHash, LogHead, plan_append};
use kentongan_protocol::op::Op;
use kentongan_protocol::planted::{self, Defect, Place};
use kentongan_protocol::session::agent::{Event, Outcome};
use kentongan_protocol::wire::codec;
use kentongan_protocol::wire::v1::{Attest, Feed, FeedEntry, Marks, VerdictFrame, notice};
use rusqlite::{Connection, OptionalExtension, params};

use super::check::{check, sum_of};
use super::facts::{self, name};
use super::next;
use super::opening::cursor;
use super::pack::{SEQ_BITS, key_of, known_log_number, log_number, op_key, split};
use super::write::put_log_head;
use super::{Store, StoreError, read, secured};

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
    }
}

impl Store {
    /// Commits one part of the hub's answer. `waited_ms` is how long that part took at most since the request, if the
    /// request was small enough to say something about the link.
    ///
    /// # Errors
    /// [`StoreError::Protocol`] if the answer contradicts what is here; otherwise if the store cannot be written.
    pub fn apply(&mut self, event: Event, waited_ms: Option<u32>) -> Result<Applied, StoreError> {
        match event {
            Event::Marks(marks) => self.apply_marks(&marks, waited_ms),
            Event::Feed(feed) => self.apply_feed(&feed),
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

    /// Keeps what the hub says of itself and of our logs.
    ///
    /// # Errors
    /// If the store cannot be written; then nothing changed.
    fn apply_marks(&mut self, marks: &Marks, waited_ms: Option<u32>) -> Result<Applied, StoreError> {
        planted::reached(Place::MarksKept);
        let wall_ms = self.wall_ms();
        let asked = self.asking.take();
        let transaction = self.db.transaction().map_err(StoreError::because("begin to note marks"))?;
        let mut applied = Applied::default();
        for (log, stored, durable) in &marks.logs.0 {
            if let Some(n) = known_log_number(&transaction, LogId::from_bytes(*log))? {
                move_mark(&transaction, n, *stored, *durable, &mut applied)?;
            }
        }
        secured::note_backed_up(&transaction, marks, asked, applied.secured > 0)?;
        if applied.betrayed > 0 {
            let before: i64 = facts::get(&transaction, name::HUB_FORGOT)?.unwrap_or(0);
            facts::put(&transaction, name::HUB_FORGOT, before.saturating_add(applied.betrayed as i64))?;
        }
        for (kind, number) in &marks.cursors.0 {
            rewind(&transaction, *kind, *number)?;
        }
        let left = leave_other_line(&transaction, marks)?;
        forget_other_lines(&transaction, marks)?;
        for (epoch, began_after) in &marks.epochs.0 {
            transaction
                .execute(
                    "INSERT OR REPLACE INTO epoch (epoch, began_after) VALUES (?, ?)",
                    params![epoch, *began_after as i64],
                )
                .map_err(StoreError::because("note an epoch of the hub"))?;
        }
        if !marks.epochs.0.is_empty() {
            offer_unnumbered(&transaction)?;
        }
        let round_trip_ms = round_trip(facts::get(&transaction, name::ROUND_TRIP_MS)?.unwrap_or(0), waited_ms);
        let one_way = i64::from(waited_ms.unwrap_or(round_trip_ms) / 2);
        facts::put(&transaction, name::HUB_MS, marks.hub_ms)?;
        facts::put(&transaction, name::OFFSET_MS, wall_ms.saturating_sub(marks.hub_ms).saturating_sub(one_way))?;
        facts::put(&transaction, name::ROUND_TRIP_MS, round_trip_ms)?;
        facts::put(&transaction, name::TWIN, marks.notices.0.contains(&notice::TWIN))?;
        facts::put(&transaction, name::CUT, 0)?;
        next::note_marks(&transaction, &marks.extensions)?;
        reached(Step::AgentMarksWritten);
        transaction.commit().map_err(StoreError::because("note marks"))?;
        // What follows may begin behind the place where reading has to go on from.
        self.passes_pages_over = left;
        reached(Step::AgentMarksCommitted);
        Ok(applied)
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

/// Feed number of an op whose number was of a feed that the hub forgot: after all numbers.
const UNNUMBERED: i64 = i64::MAX;

/// Ops that came from the hub, in one transaction.
struct Page<'a> {
    db: &'a Connection,
    touched: BTreeSet<i64>,
    applied: Applied,
}

impl Page<'_> {
    /// Puts an op in its place; says whether it is new here.
    fn put_op(
        &mut self,
        head: &LogHead,
        own: bool,
        id: OpId,
        bytes: &[u8],
        feed: Option<u64>,
    ) -> Result<bool, StoreError> {
        let n = log_number(self.db, id.log)?;
        let key = op_key(n, id.seq)?;
        let feed = feed.map(|number| number as i64);
        match op_bytes(self.db, key)? {
            Some((present, _)) if present == bytes => {
                self.db
                    .execute("UPDATE op SET feed = coalesce(?, feed) WHERE id = ?", params![feed, key])
                    .map_err(StoreError::because("renumber an op"))?;
                self.advance(head, own, n, id)?;
                return Ok(false);
            }
            Some((present, sum)) => {
                check(id, &present, sum)?;
                return Err(Fault::Peer("another op under the name of one that is here").into());
            }
            None => {}
        }
        let (held, _) = log_end(self.db, n, head, own)?;
        if !own && id.seq <= held && !planted::active(Defect::RetryAppends) {
            // Put away before: it is told again because the hub forgot how far this PC had read.
            return Ok(false);
        }
        let record = match Op::decode(bytes) {
            Ok(op) => key_of(self.db, op.record(id).0)?,
            Err(_) => key, // of a later version: kept and passed on, not shown
        };
        self.db
            .prepare_cached("INSERT INTO op (id, record, bytes, feed, sum) VALUES (?, ?, ?, ?, ?)")
            .and_then(|mut insert| insert.execute(params![key, record, bytes, feed, sum_of(id, bytes)]))
            .map_err(StoreError::because("keep an op"))?;
        self.advance(head, own, n, id)?;
        self.touched.insert(record);
        Ok(true)
    }

    /// Chains the op `id` that came from the hub to its log, and what was here behind the gap that it closes.
    fn advance(&mut self, head: &LogHead, own: bool, n: i64, id: OpId) -> Result<(), StoreError> {
        let (mut held, mut chain) = log_end(self.db, n, head, own)?;
        if plan_append(held, id.seq, 1).is_err() || id.seq <= held {
            planted::reached(Place::BehindGap);
            return Ok(());
        }
        // Of what follows, only the part that came from the hub too is known to be there.
        let mut stored = id.seq;
        while let Some((bytes, _)) = op_bytes(self.db, op_key(n, held + 1)?)? {
            held += 1;
            chain = chain.then(&bytes);
            let key = op_key(n, held)?;
            self.db
                .prepare_cached("UPDATE op SET chain = ? WHERE id = ?")
                .and_then(|mut update| update.execute(params![chain.0, key]))
                .map_err(StoreError::because("chain an op"))?;
            if own {
                self.db
                    .prepare_cached("DELETE FROM stray WHERE op = ?")
                    .and_then(|mut delete| delete.execute([key]))
                    .map_err(StoreError::because("close a gap"))?;
            } else {
                stored = held;
            }
        }
        self.db
            .prepare_cached("UPDATE log SET held = ?, chain = ?, stored = max(stored, ?) WHERE n = ?")
            .and_then(|mut update| update.execute(params![held as i64, chain.0, stored as i64, n]))
            .map(drop)
            .map_err(StoreError::because("note the end of a log"))
    }

    fn put_verdict(&mut self, id: OpId, verdict: &VerdictFrame, number: u64) -> Result<(), StoreError> {
        let key = key_of(self.db, id)?;
        let noted = || StoreError::because("note a verdict");
        match verdict {
            VerdictFrame::Accepted => self.db.execute("DELETE FROM verdict WHERE op = ?", [key]),
            _ => self.db.execute(
                "INSERT INTO verdict (op, verdict, feed) VALUES (?, ?, ?) \
                 ON CONFLICT (op) DO UPDATE SET verdict = excluded.verdict, feed = excluded.feed",
                params![key, codec::encode(verdict), number as i64],
            ),
        }
        .map_err(noted())?;
        let aside = matches!(verdict, VerdictFrame::Quarantined(_)) && !planted::active(Defect::VerdictIgnored);
        if aside {
            planted::reached(Place::SetAsideKept);
        }
        self.db.execute("UPDATE op SET aside = ? WHERE id = ?", params![aside, key]).map_err(noted())?;
        let record: Option<i64> = self
            .db
            .query_row("SELECT record FROM op WHERE id = ?", [key], |row| row.get(0))
            .optional()
            .map_err(noted())?;
        self.touched.extend(record);
        Ok(())
    }

    fn finish(self, wall_ms: i64) -> Result<Applied, StoreError> {
        self.touched.iter().try_for_each(|record| read::refresh_record(self.db, *record, wall_ms))?;
        Ok(self.applied)
    }
}

/// What to believe of the round trip: an upper bound that comes down slowly. The next contact may have to connect first,
/// which takes several times as long as an answer over an open connection.
fn round_trip(known_ms: u32, waited_ms: Option<u32>) -> u32 {
    match waited_ms {
        Some(waited_ms) => waited_ms.max(known_ms - known_ms / 16).max(1),
        None => known_ms,
    }
}

/// Count and running hash of a log, which begins here if nothing of it was.
fn log_end(db: &Connection, n: i64, head: &LogHead, own: bool) -> Result<(u64, ChainHash), StoreError> {
    let end: Option<(i64, [u8; 32])> = db
        .prepare_cached("SELECT held, chain FROM log WHERE n = ?")
        .and_then(|mut select| select.query_row([n], |row| Ok((row.get(0)?, row.get(1)?))).optional())
        .map_err(StoreError::because("read the end of a log"))?;
    match end {
        Some((held, chain)) => Ok((held as u64, ChainHash(chain))),
        None => {
            let chain = head.chain_start();
            put_log_head(db, n, head, own, chain)?;
            Ok((0, chain))
        }
    }
}

/// Bytes of an op, and the sum that was kept with them.
type Summed = (Vec<u8>, Option<i64>);

fn op_bytes(db: &Connection, key: i64) -> Result<Option<Summed>, StoreError> {
    db.prepare_cached("SELECT bytes, sum FROM op WHERE id = ?")
        .and_then(|mut select| select.query_row([key], |row| Ok((row.get(0)?, row.get(1)?))).optional())
        .map_err(StoreError::because("read an op"))
}

/// Goes back to where this PC left the line of a hub that was put back to one copy and then to a later one: the last common
/// start comes first among the news then. Between that place and the one where the hub would go on, it has other entries
/// than those read here. Says whether it would go on behind that place.
fn leave_other_line(db: &Connection, marks: &Marks) -> Result<bool, StoreError> {
    let Some((common, _)) = marks.epochs.0.first().filter(|_| !planted::active(Defect::OtherLinesKept)) else {
        return Ok(false);
    };
    let left: Option<i64> = db
        .query_row(
            "SELECT min(began_after) FROM epoch WHERE place > (SELECT place FROM epoch WHERE epoch = ?)",
            [common],
            |row| row.get(0),
        )
        .map_err(StoreError::because("find where this PC left the hub's line"))?;
    let Some(left) = left else { return Ok(false) };
    for (kind, _) in &marks.cursors.0 {
        rewind(db, *kind, left as u64)?;
    }
    db.execute("DELETE FROM epoch WHERE place > (SELECT place FROM epoch WHERE epoch = ?)", [common])
        .map_err(StoreError::because("forget starts of another line"))?;
    Ok(marks.cursors.0.iter().any(|(_, number)| *number > left as u64))
}

/// Forgets starts that this hub never had: a hub that was put back to a copy begins again at a number that others began
/// at or after. Whoever still named them would be taken, by a hub put back to yet another copy, for having read on there.
fn forget_other_lines(db: &Connection, marks: &Marks) -> Result<(), StoreError> {
    if planted::active(Defect::OtherLinesKept) {
        return Ok(());
    }
    let Some((_, began_after)) = marks.epochs.0.first() else { return Ok(()) };
    // A full list may have lost its beginning.
    let from = if marks.epochs.0.len() < EPOCHS_MAX { *began_after as i64 } else { 0 };
    db.execute("DELETE FROM epoch WHERE began_after >= ?", [from])
        .map(drop)
        .map_err(StoreError::because("forget starts of another hub"))
}

fn put_cursor(db: &Connection, kind: u8, number: u64) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO cursor (topic, number) VALUES (?, ?) ON CONFLICT (topic) DO UPDATE SET number = excluded.number",
    )
    .and_then(|mut upsert| upsert.execute(params![kind, number as i64]))
    .map(drop)
    .map_err(StoreError::because("move a cursor"))
}

/// Goes back to `number` if the hub has forgotten what came after it; the numbers of those ops count no more.
fn rewind(db: &Connection, kind: u8, number: u64) -> Result<(), StoreError> {
    if number >= cursor(db, kind)? || planted::active(Defect::RewindIgnored) {
        return Ok(());
    }
    planted::reached(Place::Rewound);
    put_cursor(db, kind, number)?;
    db.execute("UPDATE op SET feed = ? WHERE feed > ?", params![UNNUMBERED, number as i64])
        .map(drop)
        .map_err(StoreError::because("find what the hub forgot"))
}

/// Offers back what was fetched from a hub that may have forgotten it: given back, it gets new numbers, and until the
/// feed has told them, every loss of the hub may be one of these ops again.
fn offer_unnumbered(db: &Connection) -> Result<(), StoreError> {
    let reading = || StoreError::because("find what the hub may have forgotten");
    let mut select =
        db.prepare(&format!("SELECT id >> {SEQ_BITS}, min(id) FROM op WHERE feed = ? GROUP BY 1")).map_err(reading())?;
    let firsts = select
        .query_map([UNNUMBERED], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
        .map_err(reading())?
        .collect::<Result<Vec<_>, _>>()
        .map_err(reading())?;
    for (n, first) in firsts {
        if planted::active(Defect::UnnumberedForgotten) {
            continue;
        }
        planted::reached(Place::EchoOffered);
        let (_, seq) = split(first);
        db.execute("UPDATE log SET stored = min(stored, ?) WHERE n = ? AND own = 0", params![seq as i64 - 1, n])
            .map_err(StoreError::because("offer back what the hub may have forgotten"))?;
    }
    Ok(())
}

fn move_mark(db: &Connection, n: i64, stored: u64, durable: u64, applied: &mut Applied) -> Result<(), StoreError> {
    let row: Option<(i64, i64, i64, bool)> = db
        .prepare_cached("SELECT held, stored, durable, own FROM log WHERE n = ?")
        .and_then(|mut select| {
            select.query_row([n], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))).optional()
        })
        .map_err(StoreError::because("read a mark"))?;
    let Some((held, before, covered, own)) = row else { return Ok(()) };
    let after = i64::try_from(stored).unwrap_or(i64::MAX).min(held);
    let durable = i64::try_from(durable).unwrap_or(i64::MAX).min(after);
    db.prepare_cached("UPDATE log SET stored = ?, durable = ? WHERE n = ?")
        .and_then(|mut update| update.execute(params![after, durable, n]))
        .map_err(StoreError::because("move a mark"))?;
    if planted::active(Defect::PrunedAtAck) && own {
        db.execute("DELETE FROM op WHERE id >> 40 = ? AND (id & 1099511627775) <= ?", params![n, after])
            .map_err(StoreError::because("prune"))?;
    }
    applied.secured += u64::try_from(durable - covered).unwrap_or(0);
    applied.betrayed += u64::try_from(covered - after).unwrap_or(0);
    if own {
        applied.acknowledged += u64::try_from(after - before).unwrap_or(0);
        applied.forgotten += u64::try_from(before - after).unwrap_or(0);
    }
    Ok(())
}

/// Keeps a foreign signature, and drops those that it covers.
fn put_attest(db: &Connection, attest: &Attest, own: ReplicaId) -> Result<(), StoreError> {
    if ReplicaId::from_bytes(attest.replica) == own {
        return Ok(());
    }
    let kept = || StoreError::because("keep a signature");
    let bytes = codec::encode(attest);
    for (log, seq, _) in &attest.heads.0 {
        let Some(n) = known_log_number(db, LogId::from_bytes(*log))? else { continue };
        let seq = i64::try_from(*seq).map_err(|_| Fault::Peer("a seq that cannot be"))?;
        db.execute("INSERT OR IGNORE INTO attest (n, seq, bytes) VALUES (?, ?, ?)", params![n, seq, bytes])
            .map_err(kept())?;
        db.execute(
            "DELETE FROM attest WHERE n = ?1 AND seq < (SELECT max(attest.seq) FROM attest JOIN log USING (n) \
             WHERE attest.n = ?1 AND attest.seq <= log.held)",
            [n],
        )
        .map_err(kept())?;
    }
    Ok(())
}
