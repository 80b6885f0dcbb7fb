//! Ops that this program can read and the one before it could not.
//!
//! An op of a later version is kept and passed on by a program that does not understand it. When an update of the program
//! opens the store for the first time, it looks at all of those again and puts them to their records.

use kentongan_protocol::form::builtin;
use kentongan_protocol::merge::record_conflicts;
use kentongan_protocol::op::{self, Op};
use kentongan_protocol::planted::{self, Defect};
use rusqlite::{Connection, params};

use super::facts::{self, name};
use super::pack::{key_of, op_id};
use super::read::{self, refresh_record};
use super::{Store, StoreError, search};

/// Ops looked at in one go; a store may have a hundred thousand.
const PAGE: i64 = 1_000;

impl Store {
    /// Reads again what an older program could not, once after each update.
    ///
    /// # Errors
    /// If the store cannot be read or written; then nothing changed.
    pub(super) fn learn(&mut self) -> Result<(), StoreError> {
        let knows = knowledge();
        if planted::active(Defect::NothingLearned) {
            return Ok(());
        }
        if facts::get::<String>(&self.db, name::KNOWS)?.as_ref() == Some(&knows) {
            return Ok(());
        }
        let wall_ms = self.wall_ms();
        let transaction = self.db.transaction().map_err(StoreError::because("begin to learn"))?;
        read_again(&transaction, wall_ms)?;
        recount(&transaction)?;
        search::note_all(&transaction)?;
        facts::put(&transaction, name::KNOWS, &knows)?;
        transaction.commit().map_err(StoreError::because("learn"))
    }
}

/// Everything that decides what of an op can be read.
fn knowledge() -> String {
    let forms = builtin::all().iter().map(|form| format!(" {}.{}", form.tag, form.version));
    std::iter::once(format!("ops {}", op::schema_max())).chain(forms).collect()
}

/// Puts ops to their records that stood alone because they could not be read.
fn read_again(db: &Connection, wall_ms: i64) -> Result<(), StoreError> {
    let doing = || StoreError::because("read ops again");
    let mut after = -1_i64;
    loop {
        let page = {
            let mut select = db
                .prepare_cached(
                    "SELECT id, bytes FROM op WHERE id > ?1 AND record = id \
                     AND NOT EXISTS (SELECT 1 FROM record WHERE record.id = op.id) ORDER BY id LIMIT ?2",
                )
                .map_err(doing())?;
            let rows =
                select.query_map(params![after, PAGE], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?)));
            rows.and_then(|rows| rows.collect::<Result<Vec<_>, _>>()).map_err(doing())?
        };
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = *last;
        for (key, bytes) in page {
            let Ok(op) = Op::decode(&bytes) else { continue };
            let record = key_of(db, op.record(op_id(db, key)?).0)?;
            db.execute("UPDATE op SET record = ? WHERE id = ?", params![record, key]).map_err(doing())?;
            refresh_record(db, record, wall_ms)?;
        }
    }
}

/// Conflicts by the forms as they are known now. When a record last changed stays what it was.
fn recount(db: &Connection) -> Result<(), StoreError> {
    let doing = || StoreError::because("count conflicts again");
    let mut select = db.prepare("SELECT id, conflicts FROM record").map_err(doing())?;
    let rows = select.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))).map_err(doing())?;
    let rows = rows.collect::<Result<Vec<_>, _>>().map_err(doing())?;
    for (key, before) in rows {
        let Some(record) = read::record(db, key)? else { continue };
        let form = record.creation.as_ref().and_then(|creation| builtin::by_tag(creation.form));
        let now = form.map_or(0, |form| record_conflicts(&record, form).len() as i64);
        if now != before {
            db.execute("UPDATE record SET conflicts = ? WHERE id = ?", params![now, key]).map_err(doing())?;
        }
    }
    Ok(())
}
