//! Own ops behind a lost one. Their log cannot be carried beyond the gap, yet they are readable, and nothing readable is
//! given up:
//!
//! 1. They stay where they are, are shown, and count as waiting.
//! 2. If the hub has the lost op, it gives it back, and they are part of their log again.
//! 3. Once both sides agree on what the hub holds and the gap is still there, nobody has the lost op. They are entered
//!    again in this run's logs, with the same values, author, hybrid time and receipt code, and each names the op that
//!    it stands for. The old ops no longer count and stay.
//! 4. If damage takes what was entered again as well, the old op is a stray once more, unless the hub has the newer one
//!    and gives that back.

use std::collections::{BTreeMap, BTreeSet};

use kentongan_protocol::form::builtin;
use kentongan_protocol::ids::{Lane, OpId, RecordId};
use kentongan_protocol::op::{Action, Op, origin};
use kentongan_protocol::planted::{self, Place};
use rusqlite::{Connection, OptionalExtension, params};

use super::check::check;
use super::pack::{key_of, op_id, split};
use super::{Store, StoreError, read};

/// What `op.aside` says of an op that was entered again: it stays, and counts no more.
pub(super) const RETIRED: i64 = 2;

/// Own ops that wait behind a lost one.
pub(super) fn count(db: &Connection) -> Result<u64, StoreError> {
    db.prepare_cached("SELECT count(*) FROM stray")
        .and_then(|mut select| select.query_row([], |row| row.get::<_, i64>(0)))
        .map(|count| count as u64)
        .map_err(StoreError::because("count what waits behind a lost op"))
}

/// An op to enter again.
struct Again {
    key: i64,
    id: OpId,
    op: Op,
    lane: Lane,
    /// The op that it stands for itself.
    origin: Option<OpId>,
}

/// Ops that count no more, and what each was entered as.
struct Names(BTreeMap<OpId, OpId>);

impl Names {
    /// The name that counts, by way of every time that it was entered again.
    fn of(&self, id: OpId) -> OpId {
        std::iter::successors(Some(id), |id| self.0.get(id).copied()).take(self.0.len() + 1).last().unwrap_or(id)
    }

    /// What stands in this store: of an op that is in its log again, the name that it was entered by is not needed.
    fn read(db: &Connection) -> Result<Names, StoreError> {
        let reading = || StoreError::because("read what was entered again");
        let mut select = db
            .prepare("SELECT op.id, op.bytes FROM op JOIN log ON log.n = op.id >> 40 WHERE log.own = 1")
            .map_err(reading())?;
        let mut rows = select.query([]).map_err(reading())?;
        let mut names = BTreeMap::new();
        while let Some(row) = rows.next().map_err(reading())? {
            let bytes: Vec<u8> = row.get(1).map_err(reading())?;
            let Some(origin) = origin(&bytes) else { continue };
            if !counts(db, key_of(db, origin)?)? {
                names.insert(origin, op_id(db, row.get(0).map_err(reading())?)?);
            }
        }
        Ok(Names(names))
    }

    /// A record whose creating op was entered again and is lost under its newer name too: that is known from another op
    /// about it, which stands for one about the older name.
    fn learn(&mut self, db: &Connection, again: &Again) -> Result<(), StoreError> {
        let (Action::Change { record }, Some(origin)) = (&again.op.action, again.origin) else { return Ok(()) };
        let (Some(older), None) = (op_at(db, key_of(db, origin)?)?, op_at(db, key_of(db, record.0)?)?) else {
            return Ok(());
        };
        let older = older.record(origin).0;
        if older != record.0 {
            self.0.entry(record.0).or_insert(older);
        }
        Ok(())
    }
}

/// Whether an op is here, counts, and waits behind nothing.
fn counts(db: &Connection, key: i64) -> Result<bool, StoreError> {
    db.query_row(
        "SELECT EXISTS (SELECT 1 FROM op WHERE id = ?1 AND aside <> ?2 AND id NOT IN (SELECT op FROM stray))",
        params![key, RETIRED],
        |row| row.get(0),
    )
    .map_err(StoreError::because("read what was entered again"))
}

/// An op that is here, if this version can read it.
fn op_at(db: &Connection, key: i64) -> Result<Option<Op>, StoreError> {
    let bytes: Option<Vec<u8>> = db
        .query_row("SELECT bytes FROM op WHERE id = ?", [key], |row| row.get(0))
        .optional()
        .map_err(StoreError::because("read what was entered again"))?;
    Ok(bytes.and_then(|bytes| Op::decode(&bytes).ok()))
}

impl Store {
    /// Enters again what waits behind lost ops that the hub does not have either. Gives back how many.
    ///
    /// # Errors
    /// If the store fails; then nothing changed.
    pub(super) fn enter_strays_again(&mut self) -> Result<u64, StoreError> {
        if count(&self.db)? == 0 {
            return Ok(0);
        }
        let again = again(&self.db)?;
        let mut names = Names::read(&self.db)?;
        again.iter().try_for_each(|again| names.learn(&self.db, again))?;
        planted::reached(Place::EnteredAgain);
        // What waits is counted as saved, and so is what it is entered as: the mark must at no time say more than is here.
        self.saved = self.saved.saturating_sub(again.len() as u64);
        self.note_saved(0);
        let entered = self.write(|writer| {
            let mut touched = BTreeSet::new();
            for Again { key, id, op, lane, .. } in &again {
                let mut op = op.clone();
                if let Action::Change { record } = op.action {
                    op.action = Action::Change { record: RecordId(names.of(record.0)) };
                }
                for write in &mut op.writes {
                    write.replaces = write.replaces.iter().map(|id| names.of(*id)).collect();
                }
                let record = match op.action {
                    Action::Create { .. } => None,
                    Action::Change { record } => Some(key_of(writer.db, record.0)?),
                };
                let entered = names.of(*id);
                let new_key = if entered == *id {
                    let (new_id, new_key) = writer.append_for(*lane, record, op, *id)?;
                    names.0.insert(*id, new_id);
                    new_key
                } else {
                    // It was entered again before, and the hub had that.
                    key_of(writer.db, entered)?
                };
                retire(writer.db, *key)?;
                if record.is_none() {
                    rename_record(writer.db, *key, new_key)?;
                }
                touched.insert(record.unwrap_or(new_key));
            }
            let wall_ms = writer.wall_ms();
            touched.iter().try_for_each(|record| read::refresh_record(writer.db, *record, wall_ms))
        });
        self.count_saved()?;
        entered.map(|()| again.len() as u64)
    }
}

/// The strays, and what other own logs say of records that begin with one, in the order of their hybrid times.
fn again(db: &Connection) -> Result<Vec<Again>, StoreError> {
    let reading = || StoreError::because("read what waits behind a lost op");
    let mut select = db
        .prepare(
            "SELECT op.id, op.bytes, op.sum, log.lane FROM op JOIN log ON log.n = op.id >> 40 \
             WHERE log.own = 1 AND op.aside = 0 \
             AND (op.id IN (SELECT op FROM stray) OR op.record IN (SELECT op FROM stray)) ORDER BY op.id",
        )
        .map_err(reading())?;
    let mut rows = select.query([]).map_err(reading())?;
    let mut again = Vec::new();
    while let Some(row) = rows.next().map_err(reading())? {
        let key: i64 = row.get(0).map_err(reading())?;
        let bytes: Vec<u8> = row.get(1).map_err(reading())?;
        let id = op_id(db, key)?;
        check(id, &bytes, row.get(2).map_err(reading())?)?;
        let lane = Lane::from_number(row.get(3).map_err(reading())?).ok_or(StoreError::Damaged("a lane"))?;
        // What only a later version can read stays as it is.
        let Ok(op) = Op::decode(&bytes) else { continue };
        let lane = match op.action {
            Action::Create { form, .. } => builtin::by_tag(form).map_or(lane, |form| form.lane),
            Action::Change { .. } => lane,
        };
        again.push(Again { key, id, op, lane, origin: origin(&bytes) });
    }
    again.sort_by_key(|again| (again.op.hlc, again.key));
    Ok(again)
}

/// The op stays and counts no more.
fn retire(db: &Connection, key: i64) -> Result<(), StoreError> {
    let (n, _) = split(key);
    db.execute("UPDATE op SET aside = ? WHERE id = ?", [RETIRED, key])
        .and_then(|_| db.execute("DELETE FROM stray WHERE op = ? AND op >> 40 = ?", params![key, n]))
        .map(drop)
        .map_err(StoreError::because("enter again"))
}

/// Lists and rows of files that named the record `old` name `new`.
fn rename_record(db: &Connection, old: i64, new: i64) -> Result<(), StoreError> {
    let renaming = || StoreError::because("enter a record again");
    db.execute(
        "INSERT OR REPLACE INTO record (id, form, code, own, wall_ms, changed, conflicts, repair) \
         SELECT ?2, form, code, own, wall_ms, changed, 0, 0 FROM record WHERE id = ?1",
        params![old, new],
    )
    .map_err(renaming())?;
    db.execute("DELETE FROM record WHERE id = ?", [old]).map_err(renaming())?;
    db.execute("UPDATE import_row SET record = ?2 WHERE record = ?1", params![old, new]).map_err(renaming())?;
    Ok(())
}
