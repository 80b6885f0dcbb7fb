//! Ops and verdicts that came from the hub, in their place: behind the end of their log, or beyond a gap in it.

use std::collections::BTreeSet;

use kentongan_protocol::error::Fault;
use kentongan_protocol::ids::{LogId, OpId, ReplicaId};
use kentongan_protocol::log::{ChainHash, LogHead, plan_append};
use kentongan_protocol::op::Op;
use kentongan_protocol::planted::{self, Defect, Place};
use kentongan_protocol::wire::codec;
use kentongan_protocol::wire::v1::{Attest, VerdictFrame};
use rusqlite::{Connection, OptionalExtension, params};

use super::super::check::{check, sum_of};
use super::super::pack::{key_of, known_log_number, log_number, op_key};
use super::super::write::put_log_head;
use super::super::{StoreError, read};
use super::Applied;

/// Ops that came from the hub, in one transaction.
pub(super) struct Page<'a> {
    pub(super) db: &'a Connection,
    pub(super) touched: BTreeSet<i64>,
    pub(super) applied: Applied,
}

impl Page<'_> {
    /// Puts an op in its place; says whether it is new here.
    pub(super) fn put_op(
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
            // Put away before: it is told again because the hub forgot how far this PC had read. It has the log up to here:
            // if it had lost that as well, what follows can be given back now.
            self.db
                .prepare_cached("UPDATE log SET stored = max(stored, ?) WHERE n = ?")
                .and_then(|mut update| update.execute(params![id.seq as i64, n]))
                .map_err(StoreError::because("move a mark"))?;
            return Ok(false);
        }
        let record = match Op::decode(bytes) {
            Ok(op) => key_of(self.db, op.record(id).0)?,
            Err(_) if planted::active(Defect::UnreadableDropped) => return Ok(false),
            Err(_) => key, // of a later version: kept and passed on, not shown
        };
        // A copied or restored folder may have read the verdict on an op before it is given the op itself.
        let aside = self.verdict(key)?.is_some_and(|verdict| sets_aside(&verdict));
        self.db
            .prepare_cached("INSERT INTO op (id, record, bytes, feed, aside, sum) VALUES (?, ?, ?, ?, ?, ?)")
            .and_then(|mut insert| insert.execute(params![key, record, bytes, feed, aside, sum_of(id, bytes)]))
            .map_err(StoreError::because("keep an op"))?;
        self.advance(head, own, n, id)?;
        self.touched.insert(record);
        Ok(true)
    }

    /// Chains the op `id` that came from the hub to its log, and what was here behind the gap that it closes: it counts
    /// again, even if it was entered once more in the meantime.
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
            let record: i64 = self
                .db
                .prepare_cached("UPDATE op SET chain = ?, aside = aside & 1 WHERE id = ? RETURNING record")
                .and_then(|mut update| update.query_row(params![chain.0, key], |row| row.get(0)))
                .map_err(StoreError::because("chain an op"))?;
            self.touched.insert(record);
            if own {
                self.changes_count_again(key)?;
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

    /// The op `key` of this PC is part of its log again. If it created a record, changes to it in other logs, which were
    /// entered again with it, count again too; those that still wait behind a gap of their own do not.
    fn changes_count_again(&self, key: i64) -> Result<(), StoreError> {
        self.db
            .prepare_cached(
                "UPDATE op SET aside = aside & 1 WHERE record = ?1 AND record <> id AND aside = 2 \
                 AND EXISTS (SELECT 1 FROM log WHERE n = op.id >> 40 AND own = 1 AND op.id <= (n << 40 | held))",
            )
            .and_then(|mut update| update.execute([key]))
            .map(drop)
            .map_err(StoreError::because("count changes again"))
    }

    pub(super) fn put_verdict(&mut self, id: OpId, verdict: &VerdictFrame, number: u64) -> Result<(), StoreError> {
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
        let aside = sets_aside(verdict);
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

    /// The last word of the hub on an op, if it had something to say.
    fn verdict(&self, key: i64) -> Result<Option<VerdictFrame>, StoreError> {
        let bytes: Option<Vec<u8>> = self
            .db
            .prepare_cached("SELECT verdict FROM verdict WHERE op = ?")
            .and_then(|mut select| select.query_row([key], |row| row.get(0)).optional())
            .map_err(StoreError::because("read a verdict"))?;
        Ok(bytes.map(|bytes| codec::decode(&bytes)).transpose()?)
    }

    pub(super) fn finish(self, wall_ms: i64) -> Result<Applied, StoreError> {
        self.touched.iter().try_for_each(|record| read::refresh_record(self.db, *record, wall_ms))?;
        Ok(self.applied)
    }
}

fn sets_aside(verdict: &VerdictFrame) -> bool {
    matches!(verdict, VerdictFrame::Quarantined(_)) && !planted::active(Defect::VerdictIgnored)
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

pub(super) fn put_cursor(db: &Connection, kind: u8, number: u64) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO cursor (topic, number) VALUES (?, ?) ON CONFLICT (topic) DO UPDATE SET number = excluded.number",
    )
    .and_then(|mut upsert| upsert.execute(params![kind, number as i64]))
    .map(drop)
    .map_err(StoreError::because("move a cursor"))
}

/// Keeps a foreign signature, and drops those that it covers.
pub(super) fn put_attest(db: &Connection, attest: &Attest, own: ReplicaId) -> Result<(), StoreError> {
    if ReplicaId::from_bytes(attest.replica) == own {
        return Ok(());
    }
    let bytes = codec::encode(attest);
    for (log, seq, _) in &attest.heads.0 {
        let Some(n) = known_log_number(db, LogId::from_bytes(*log))? else { continue };
        let seq = i64::try_from(*seq).map_err(|_| Fault::Peer("a seq that cannot be"))?;
        put_proof(db, n, seq, &bytes)?;
        db.execute(
            "DELETE FROM attest WHERE n = ?1 AND seq < (SELECT max(attest.seq) FROM attest JOIN log USING (n) \
             WHERE attest.n = ?1 AND attest.seq <= log.held)",
            [n],
        )
        .map_err(StoreError::because("keep a signature"))?;
    }
    Ok(())
}

/// Keeps a signature over a log up to `seq`.
pub(in super::super) fn put_proof(db: &Connection, n: i64, seq: i64, bytes: &[u8]) -> Result<(), StoreError> {
    db.execute("INSERT OR IGNORE INTO attest (n, seq, bytes) VALUES (?, ?, ?)", params![n, seq, bytes])
        .map(drop)
        .map_err(StoreError::because("keep a signature"))
}
