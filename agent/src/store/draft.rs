//! What a person has begun to fill in. It is durable as often as the page sends it, and becomes a record in one
//! transaction: whatever happens, there is the draft or the record, never neither and never both.
//!
//! A draft keeps its name after it was saved: whoever sends the form a second time, because the answer was lost or the
//! button was pressed twice, is told of the same record.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::str::FromStr;

use kentongan_host::carve;
use kentongan_protocol::attachment::Attachment;
use kentongan_protocol::form::FormTag;
use kentongan_protocol::form::builtin::pengaduan::group;
use kentongan_protocol::ids::{LogId, OpId, RecordId};
use rusqlite::{Connection, OptionalExtension, params};

use super::attachments::named;
use super::pack::known_log_number;
use super::secured::follows_on;
use super::write::{Entered, Writer};
use super::{Store, StoreError, sheet};
use crate::entry::NewRecord;
use crate::paper::Sheet;
use crate::photo::Prepared;

/// Files of one draft, at most.
pub const DRAFT_FILES_MAX: usize = 10;
/// Longest text of a draft, in bytes: every field of our longest form filled to its end, twice.
pub const DRAFT_BYTES_MAX: usize = 256 * 1024;
/// Drafts that are kept open; of more the oldest go.
const DRAFTS_MAX: i64 = 200;
/// So long a saved draft is remembered, so that a form that is sent twice is saved once.
const SAVED_KEPT_MS: i64 = 7 * 24 * 3600 * 1000;

/// Name of a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DraftName(pub [u8; 16]);

/// What stands in the inputs of a form, by their names.
pub type Inputs = BTreeMap<String, Vec<String>>;

/// A draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Its name.
    pub name: DraftName,
    /// The form.
    pub form: FormTag,
    /// When it was last changed, by this PC's clock.
    pub changed_ms: i64,
    /// What stands in it.
    pub inputs: Inputs,
    /// Files that were chosen, by their number.
    pub files: Vec<(i64, Attachment)>,
    /// The record that became of it.
    pub record: Option<RecordId>,
}

impl DraftName {
    /// A new one.
    pub fn draw() -> DraftName {
        DraftName(kentongan_host::random::random_bytes())
    }
}

impl Display for DraftName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for DraftName {
    type Err = ();

    fn from_str(text: &str) -> Result<DraftName, ()> {
        let fits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u128::from_str_radix(text, 16).map_err(drop)?;
        if fits { Ok(DraftName(number.to_be_bytes())) } else { Err(()) }
    }
}

impl Store {
    /// Keeps what stands in a form, and gives when. A draft that has become a record stays as it is.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn keep_draft(&mut self, name: DraftName, form: FormTag, inputs: &Inputs) -> Result<i64, StoreError> {
        let text = written(inputs)?;
        let now_ms = self.wall_ms();
        let keeping = || StoreError::because("keep a draft");
        let transaction = self.db.transaction().map_err(keeping())?;
        transaction
            .prepare_cached(
                "INSERT INTO draft (name, form, changed, inputs) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE \
                 SET changed = excluded.changed, inputs = excluded.inputs WHERE record IS NULL AND form = excluded.form",
            )
            .and_then(|mut upsert| upsert.execute(params![name.0, form, now_ms, text]))
            .map_err(keeping())?;
        forget_old(&transaction, now_ms)?;
        transaction.commit().map_err(keeping())?;
        Ok(now_ms)
    }

    /// A draft.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn draft(&self, name: DraftName) -> Result<Option<Draft>, StoreError> {
        let found = self
            .db
            .prepare_cached("SELECT form, changed, inputs, record FROM draft WHERE name = ?")
            .and_then(|mut select| {
                select
                    .query_row([name.0], |row| {
                        Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?, row.get::<_, Option<[u8; 16]>>(3)?))
                    })
                    .optional()
            })
            .map_err(StoreError::because("read a draft"))?;
        let Some((form, changed_ms, text, record)) = found else { return Ok(None) };
        let inputs = serde_json::from_str(&text).unwrap_or_default();
        let files = files_of(&self.db, name)?;
        Ok(Some(Draft { name, form, changed_ms, inputs, files, record: record.map(record_of) }))
    }

    /// The drafts that are not saved yet, the latest first.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn drafts(&self) -> Result<Vec<Draft>, StoreError> {
        let reading = || StoreError::because("list the drafts");
        let mut select = self
            .db
            .prepare_cached("SELECT name FROM draft WHERE record IS NULL ORDER BY changed DESC, name")
            .map_err(reading())?;
        let names = select.query_map([], |row| row.get(0)).map_err(reading())?.collect::<Result<Vec<_>, _>>();
        let drafts = names.map_err(reading())?.into_iter().map(|name| self.draft(DraftName(name)));
        Ok(drafts.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    /// When a draft that is not saved yet was last changed, by this PC's clock.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn drafted_ms(&self) -> Result<Option<i64>, StoreError> {
        self.db
            .query_row("SELECT max(changed) FROM draft WHERE record IS NULL", [], |row| row.get(0))
            .map_err(StoreError::because("read when a draft was changed"))
    }

    /// Throws a draft away, if it is none that was saved.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn drop_draft(&mut self, name: DraftName) -> Result<(), StoreError> {
        let transaction = self.db.transaction().map_err(StoreError::because("throw a draft away"))?;
        forget(&transaction, "name = ?1 AND record IS NULL", name.0)?;
        transaction.commit().map_err(StoreError::because("throw a draft away"))
    }

    /// Adds a file to a draft. Says whether there was room for it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn add_draft_file(&mut self, name: DraftName, file: &Prepared) -> Result<bool, StoreError> {
        let open = self.draft(name)?.filter(|draft| draft.record.is_none());
        let Some(draft) = open.filter(|draft| draft.files.len() < DRAFT_FILES_MAX) else { return Ok(false) };
        if draft.files.iter().any(|(_, known)| known.content == file.attachment.content) {
            return Ok(true);
        }
        self.db
            .execute(
                "INSERT INTO draft_file (draft, attachment, content) VALUES (?, ?, ?)",
                params![name.0, file.attachment.render(), file.content],
            )
            .map_err(StoreError::because("keep a file of a draft"))?;
        Ok(true)
    }

    /// Takes a file out of a draft.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn drop_draft_file(&mut self, name: DraftName, number: i64) -> Result<(), StoreError> {
        self.db
            .execute("DELETE FROM draft_file WHERE draft = ? AND id = ?", params![name.0, number])
            .map(drop)
            .map_err(StoreError::because("take a file out of a draft"))
    }

    /// A file of a draft.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn draft_file(&self, name: DraftName, number: i64) -> Result<Option<Prepared>, StoreError> {
        self.db
            .prepare_cached("SELECT attachment, content FROM draft_file WHERE draft = ? AND id = ?")
            .and_then(|mut select| {
                let file = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get(1)?));
                select.query_row(params![name.0, number], file).optional()
            })
            .map_err(StoreError::because("read a file of a draft"))?
            .map(|(text, content)| Ok(Prepared { attachment: attachment(&text)?, content }))
            .transpose()
    }

    /// Makes a record of a draft: enters `new` with the draft's files, and empties the draft, in one transaction. A
    /// draft that has become a record gives that record, and so does the draft of a sheet of paper that was typed before.
    ///
    /// # Errors
    /// [`StoreError::Unfit`] if it does not fit its form; then the draft is as it was.
    pub fn finish_draft(&mut self, name: DraftName, mut new: NewRecord) -> Result<Entered, StoreError> {
        let sheet = Sheet::of_draft(new.form, name);
        let enter = |writer: &mut Writer<'_>, new: &NewRecord| match sheet {
            Some(sheet) => sheet::take(writer, sheet, new),
            None => writer.enter(new),
        };
        let Some(draft) = self.draft(name)? else { return self.write(|writer| enter(writer, &new)) };
        if let Some(record) = draft.record {
            let receipt = self.entry(record)?.summary.code;
            return Ok(Entered { record, receipt });
        }
        let numbers = draft.files.iter().map(|(number, _)| *number);
        let files: Vec<Prepared> = numbers
            .map(|number| self.draft_file(name, number))
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .flatten()
            .collect();
        let is_sealed = self.seals(&new);
        let entered = self.write(|writer| {
            let files = if is_sealed { writer.sealed_files(files)? } else { files };
            new.writes.extend(files.iter().map(|file| (group::LAMPIRAN, named(file))));
            let entered = enter(writer, &new)?;
            files.iter().try_for_each(|file| writer.keep(file))?;
            let emptied = StoreError::because("empty a draft");
            let record = record_bytes(entered.record);
            writer
                .db
                .execute("UPDATE draft SET inputs = '', record = ? WHERE name = ?", params![record, name.0])
                .and_then(|_| writer.db.execute("DELETE FROM draft_file WHERE draft = ?", [name.0]))
                .map_err(emptied)?;
            Ok(entered)
        })?;
        if is_sealed {
            self.erase_what_was_typed();
        }
        Ok(entered)
    }
}

/// A draft as it was found in what is left of a damaged store.
pub(super) struct Remnant {
    pub(super) name: [u8; 16],
    form: FormTag,
    changed_ms: i64,
    inputs: String,
    record: Option<[u8; 16]>,
    is_current: bool,
}

impl Remnant {
    /// Of such a row, if it can be one of ours. `is_current`: its page lists it.
    pub(super) fn of_row(row: &carve::Row, is_current: bool) -> Option<Remnant> {
        let value = |n: usize| row.values.get(n);
        let inputs = value(3)?.text()?;
        let record = value(4)?.bytes();
        let is_read = inputs.len() <= DRAFT_BYTES_MAX && serde_json::from_str::<Inputs>(inputs).is_ok();
        (record.is_some() || is_read).then_some(())?;
        Some(Remnant {
            name: value(0)?.bytes()?,
            form: FormTag::try_from(value(1)?.whole()?).ok()?,
            changed_ms: value(2)?.whole()?,
            inputs: inputs.to_owned(),
            record,
            is_current,
        })
    }

    /// Whether it was written after that other state of the same draft: nothing follows on its being saved.
    pub(super) fn follows(&self, other: &Remnant) -> bool {
        let age = |draft: &Remnant| (draft.is_current, draft.record.is_some(), draft.changed_ms);
        age(self) >= age(other)
    }

    /// Puts it there as it was. One that was saved stays known as long as its record is here.
    pub(super) fn put(&self, db: &Connection) -> Result<(), StoreError> {
        let taking = || StoreError::because("take over a draft");
        let is_here = match self.record.map(record_of) {
            Some(RecordId(id)) => match known_log_number(db, id.log)? {
                Some(n) => follows_on(db, n, id.seq.saturating_sub(1) as i64)?,
                None => false,
            },
            None => true,
        };
        if is_here {
            let Remnant { name, form, changed_ms, inputs, record, .. } = self;
            db.execute(
                "INSERT INTO draft (name, form, changed, inputs, record) VALUES (?, ?, ?, ?, ?)",
                params![name, form, changed_ms, inputs, record],
            )
            .map_err(taking())?;
        }
        Ok(())
    }

    /// Puts a file of an open draft there, from the row it was found in, if its content is still what its name says.
    pub(super) fn put_file(db: &Connection, id: i64, row: &carve::Row) -> Result<(), StoreError> {
        let found = || {
            let value = |n: usize| row.values.get(n);
            let (draft, text, content) = (value(1)?.bytes::<16>()?, value(2)?.text()?, value(3)?.blob()?);
            let attachment = Attachment::parse(text)?;
            attachment.content.verify(content).ok()?;
            Some((draft, text, content))
        };
        let Some((draft, text, content)) = found() else { return Ok(()) };
        db.execute(
            "INSERT INTO draft_file (id, draft, attachment, content) \
             SELECT ?1, name, ?3, ?4 FROM draft WHERE name = ?2 AND record IS NULL",
            params![id, draft, text, content],
        )
        .map(drop)
        .map_err(StoreError::because("take over a file of a draft"))
    }
}

fn written(inputs: &Inputs) -> Result<String, StoreError> {
    let text = serde_json::to_string(inputs).map_err(|_| StoreError::Broken("inputs that are no text"))?;
    if text.len() > DRAFT_BYTES_MAX { Err(StoreError::Broken("a draft longer than any form")) } else { Ok(text) }
}

fn files_of(db: &Connection, name: DraftName) -> Result<Vec<(i64, Attachment)>, StoreError> {
    let reading = || StoreError::because("list the files of a draft");
    let mut select =
        db.prepare_cached("SELECT id, attachment FROM draft_file WHERE draft = ? ORDER BY id").map_err(reading())?;
    let rows = select
        .query_map([name.0], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))
        .map_err(reading())?
        .collect::<Result<Vec<_>, _>>()
        .map_err(reading())?;
    rows.into_iter().map(|(number, text)| Ok((number, attachment(&text)?))).collect()
}

fn attachment(text: &str) -> Result<Attachment, StoreError> {
    Attachment::parse(text).ok_or(StoreError::Damaged("a file of a draft"))
}

/// Saved drafts after their time, and the oldest of too many open ones.
fn forget_old(db: &Connection, now_ms: i64) -> Result<(), StoreError> {
    forget(db, "record IS NOT NULL AND changed < ?1", now_ms.saturating_sub(SAVED_KEPT_MS))?;
    let too_old = "record IS NULL AND changed < \
                   (SELECT changed FROM draft WHERE record IS NULL ORDER BY changed DESC LIMIT 1 OFFSET ?1)";
    forget(db, too_old, DRAFTS_MAX - 1)
}

fn forget(db: &Connection, which: &str, value: impl rusqlite::ToSql) -> Result<(), StoreError> {
    let forgetting = || StoreError::because("forget drafts");
    let files = format!("DELETE FROM draft_file WHERE draft IN (SELECT name FROM draft WHERE {which})");
    db.execute(&files, [&value]).map_err(forgetting())?;
    db.execute(&format!("DELETE FROM draft WHERE {which}"), [&value]).map(drop).map_err(forgetting())
}

fn record_bytes(record: RecordId) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&record.0.log.to_bytes());
    bytes[8..].copy_from_slice(&record.0.seq.to_be_bytes());
    bytes
}

fn record_of(bytes: [u8; 16]) -> RecordId {
    let number = u128::from_be_bytes(bytes);
    RecordId(OpId { log: LogId((number >> 64) as u64), seq: number as u64 })
}
