//! What the hub says of itself and of our logs: how far it has them, where this PC reads on, which starts it had; and what
//! follows when it has forgotten something.

use kentongan_host::steps::{Step, reached};
use kentongan_protocol::ids::LogId;
use kentongan_protocol::limits::EPOCHS_MAX;
use kentongan_protocol::planted::{self, Defect, Place};
use kentongan_protocol::wire::v1::{Marks, notice};
use rusqlite::{Connection, OptionalExtension, params};

use super::super::attachments;
use super::super::facts::{self, name};
use super::super::opening::cursor;
use super::super::pack::{SEQ_BITS, known_log_number, split};
use super::super::read::refresh_record;
use super::super::{Store, StoreError, arrival, carried, next, secured, signing};
use super::page::put_cursor;
use super::{Applied, Came};

/// Feed number of an op whose number was of a feed that the hub forgot: after all numbers.
const UNNUMBERED: i64 = i64::MAX;

impl Store {
    /// Keeps what the hub says of itself and of our logs.
    ///
    /// # Errors
    /// If the store cannot be written; then nothing changed.
    pub(super) fn apply_marks(&mut self, marks: &Marks, came: Came) -> Result<Applied, StoreError> {
        planted::reached(Place::MarksKept);
        let wall_ms = self.wall_ms();
        let asked = self.asking.take();
        let transaction = self.db.transaction().map_err(StoreError::because("begin to note marks"))?;
        let mut applied = Applied::default();
        for (log, stored, durable) in &marks.logs.0 {
            if let Some(n) = known_log_number(&transaction, LogId::from_bytes(*log))? {
                move_mark(&transaction, n, (*stored, *durable), marks.hub_ms, &mut applied)?;
            }
        }
        secured::note_backed_up(&transaction, marks, asked, applied.secured > 0)?;
        if applied.betrayed > 0 {
            let before: i64 = facts::get(&transaction, name::HUB_FORGOT)?.unwrap_or(0);
            facts::put(&transaction, name::HUB_FORGOT, before.saturating_add(applied.betrayed as i64))?;
        }
        attachments::note_marks(&transaction, marks, applied.betrayed > 0)?;
        for (kind, number) in &marks.cursors.0 {
            rewind(&transaction, *kind, *number, wall_ms)?;
        }
        let left = leave_other_line(&transaction, marks, wall_ms)?;
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
            signing::perhaps_forgotten(&transaction)?;
            offer_unnumbered(&transaction)?;
        }
        if let Came::OverLink { waited_ms } = came {
            measure(&transaction, marks, waited_ms, wall_ms)?;
            facts::put(&transaction, name::CUT, 0)?;
        }
        facts::put(&transaction, name::HUB_MS, marks.hub_ms)?;
        facts::put(&transaction, name::TWIN, marks.notices.0.contains(&notice::TWIN))?;
        carried::settle(&transaction, came, marks.hub_ms)?;
        next::note_marks(&transaction, &marks.extensions)?;
        reached(Step::AgentMarksWritten);
        transaction.commit().map_err(StoreError::because("note marks"))?;
        // What follows may begin behind the place where reading has to go on from.
        self.passes_pages_over = left;
        reached(Step::AgentMarksCommitted);
        Ok(applied)
    }
}

/// Notes what an answer that came just now says of link and clock.
fn measure(db: &Connection, marks: &Marks, waited_ms: Option<u32>, wall_ms: i64) -> Result<(), StoreError> {
    let round_trip_ms = round_trip(facts::get(db, name::ROUND_TRIP_MS)?.unwrap_or(0), waited_ms);
    let one_way = i64::from(waited_ms.unwrap_or(round_trip_ms) / 2);
    facts::put(db, name::OFFSET_MS, wall_ms.saturating_sub(marks.hub_ms).saturating_sub(one_way))?;
    facts::put(db, name::ROUND_TRIP_MS, round_trip_ms)
}

/// What to believe of the round trip: an upper bound that comes down slowly. The next contact may have to connect first,
/// which takes several times as long as an answer over an open connection.
fn round_trip(known_ms: u32, waited_ms: Option<u32>) -> u32 {
    match waited_ms {
        Some(waited_ms) => waited_ms.max(known_ms - known_ms / 16).max(1),
        None => known_ms,
    }
}

fn move_mark(
    db: &Connection,
    n: i64,
    (stored, durable): (u64, u64),
    hub_ms: i64,
    applied: &mut Applied,
) -> Result<(), StoreError> {
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
    if after < before {
        signing::forgotten_behind(db, n, after)?;
    }
    if planted::active(Defect::PrunedAtAck) && own {
        db.execute("DELETE FROM op WHERE id >> 40 = ? AND (id & 1099511627775) <= ?", params![n, after])
            .map_err(StoreError::because("prune"))?;
    }
    applied.secured += u64::try_from(durable - covered).unwrap_or(0);
    applied.betrayed += u64::try_from(covered - after).unwrap_or(0);
    if own {
        arrival::note(db, n, (before, after), hub_ms)?;
        applied.acknowledged += u64::try_from(after - before).unwrap_or(0);
        applied.forgotten += u64::try_from(before - after).unwrap_or(0);
    }
    Ok(())
}

/// Goes back to where this PC left the line of a hub that was put back to one copy and then to a later one: the last common
/// start comes first among the news then. Between that place and the one where the hub would go on, it has other entries
/// than those read here. Says whether it would go on behind that place.
fn leave_other_line(db: &Connection, marks: &Marks, wall_ms: i64) -> Result<bool, StoreError> {
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
        rewind(db, *kind, left as u64, wall_ms)?;
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

/// Goes back to `number` if the hub has forgotten what came after it; the numbers of those ops count no more.
fn rewind(db: &Connection, kind: u8, number: u64, wall_ms: i64) -> Result<(), StoreError> {
    if number >= cursor(db, kind)? || planted::active(Defect::RewindIgnored) {
        return Ok(());
    }
    planted::reached(Place::Rewound);
    put_cursor(db, kind, number)?;
    db.execute("UPDATE op SET feed = ? WHERE feed > ?", params![UNNUMBERED, number as i64])
        .map_err(StoreError::because("find what the hub forgot"))?;
    forget_verdicts(db, number, wall_ms)
}

/// Forgets what the hub said of ops after `number`, as it has itself: it judges them anew when they come again, perhaps as
/// a later program than it was, and says nothing of what it accepts.
fn forget_verdicts(db: &Connection, number: u64, wall_ms: i64) -> Result<(), StoreError> {
    if planted::active(Defect::VerdictsKept) {
        return Ok(());
    }
    let forgetting = || StoreError::because("forget verdicts that the hub forgot");
    let records = db
        .prepare("SELECT DISTINCT record FROM op JOIN verdict ON verdict.op = op.id WHERE verdict.feed > ?")
        .and_then(|mut select| {
            select.query_map([number as i64], |row| row.get::<_, i64>(0))?.collect::<Result<Vec<_>, _>>()
        })
        .map_err(forgetting())?;
    db.execute("UPDATE op SET aside = aside & ~1 WHERE id IN (SELECT op FROM verdict WHERE feed > ?)", [number as i64])
        .and_then(|_| db.execute("DELETE FROM verdict WHERE feed > ?", [number as i64]))
        .map_err(forgetting())?;
    records.into_iter().try_for_each(|record| refresh_record(db, record, wall_ms))
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
