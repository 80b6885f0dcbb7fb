//! Files that records name: kept here with the op that names them, in one transaction, until the hub has them.
//!
//! A file is here once, however many records name it. The hub says how far it holds each. What a second copy of the hub has,
//! too, is put away after the time that the settings say; nothing else ever is.

use std::collections::BTreeMap;

use kentongan_host::seal::seal_file;
use kentongan_protocol::attachment::{Attachment, Content, ContentHash, Standing};
use kentongan_protocol::form::builtin::pengaduan::{group, lampiran};
use kentongan_protocol::form::{FieldTag, Value};
use kentongan_protocol::ids::{OpId, RecordId};
use kentongan_protocol::limits::{ATTACHMENT_BYTES_MAX, OFFER_FILES_MAX};
use kentongan_protocol::planted::{self, Defect};
use kentongan_protocol::sealed::{FILE_NAME, file_content};
use kentongan_protocol::session::agent::OpenFile;
use kentongan_protocol::wire::codec;
use kentongan_protocol::wire::v1::{Marks, extension};
use rusqlite::{Connection, OptionalExtension, params};

use super::facts::{self, name};
use super::write::{Edit, Writer};
use super::{Store, StoreError};
use crate::photo::Prepared;

/// Bytes of a part.
const PART_BYTES: usize = 64 * 1024;
/// Parts of one attachment are numbered below this.
pub(super) const PARTS_MAX: i64 = 4096;

/// Where a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttachmentState {
    /// On this PC, and of the hub's copy so many bytes.
    Waiting {
        /// Bytes from its beginning that the hub is known to hold.
        at_hub: u32,
    },
    /// The hub has it.
    Arrived,
    /// A second copy of the hub has it too.
    Secured,
    /// The hub set it aside: it is not what it claims to be.
    SetAside,
    /// The hub has it for good, and it is not here any more.
    PutAway,
}

impl AttachmentState {
    /// Its stable name.
    pub fn code(self) -> &'static str {
        match self {
            AttachmentState::Waiting { .. } => "queued",
            AttachmentState::Arrived => "arrived",
            AttachmentState::Secured => "secured",
            AttachmentState::SetAside => "rejected",
            AttachmentState::PutAway => "put_away",
        }
    }

    fn of(state: i64, at_hub: i64) -> AttachmentState {
        match state {
            WAITING => AttachmentState::Waiting { at_hub: u32::try_from(at_hub).unwrap_or(0) },
            ARRIVED => AttachmentState::Arrived,
            SECURED => AttachmentState::Secured,
            PUT_AWAY => AttachmentState::PutAway,
            _ => AttachmentState::SetAside,
        }
    }
}

const WAITING: i64 = 0;
const ARRIVED: i64 = 1;
const SET_ASIDE: i64 = 2;
const SECURED: i64 = 3;
pub(super) const PUT_AWAY: i64 = 4;

/// Files put away in one transaction.
const PUT_AWAY_MAX: i64 = 16;

/// How many files are where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AttachmentTotals {
    /// Files that wait for the hub.
    pub waiting: u64,
    /// Bytes of them that the hub lacks.
    pub waiting_bytes: u64,
    /// Bytes of them that the hub holds already.
    pub begun_bytes: u64,
    /// Files that the hub has.
    pub arrived: u64,
    /// Files that the hub set aside.
    pub set_aside: u64,
}

impl Store {
    /// Attaches files to a record. When this returns, they and the op that names them are durable.
    ///
    /// # Errors
    /// [`StoreError::NoSuchRecord`], [`StoreError::Unfit`]; then nothing was written.
    pub fn attach(&mut self, record: RecordId, author: &str, files: &[Prepared]) -> Result<OpId, StoreError> {
        self.write(|writer| {
            let files = match writer.is_confidential(record)? {
                true => writer.sealed_files(files.to_vec())?,
                false => files.to_vec(),
            };
            let writes = files.iter().map(|file| (group::LAMPIRAN, named(file), Vec::new()));
            let op = writer.edit(&Edit { record, author: author.to_owned(), writes: writes.collect() })?;
            files.iter().try_for_each(|file| writer.keep(file))?;
            Ok(op)
        })
    }

    /// Where a file is; `None` if it is not here (any more).
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn attachment_state(&self, hash: ContentHash) -> Result<Option<AttachmentState>, StoreError> {
        self.db
            .prepare_cached("SELECT state, coalesce(at_hub, 0) FROM attachment WHERE hash = ?")
            .and_then(|mut select| {
                let state = |row: &rusqlite::Row<'_>| Ok(AttachmentState::of(row.get(0)?, row.get(1)?));
                select.query_row([hash.0], state).optional()
            })
            .map_err(StoreError::because("look for an attachment"))
    }

    /// A file, if it is here.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn attachment_content(&self, hash: ContentHash) -> Result<Option<Vec<u8>>, StoreError> {
        chunk(&self.db, hash, 0, ATTACHMENT_BYTES_MAX as usize)
    }

    /// How many files are where.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn attachment_totals(&self) -> Result<AttachmentTotals, StoreError> {
        let mut totals = AttachmentTotals::default();
        let reading = || StoreError::because("count attachments");
        let mut select = self
            .db
            .prepare_cached(
                "SELECT state, count(*), sum(bytes), sum(coalesce(at_hub, 0)) FROM attachment GROUP BY state",
            )
            .map_err(reading())?;
        let rows = select
            .query_map([], |row| {
                let number = |column| row.get::<_, i64>(column).map(|number| number as u64);
                Ok((row.get::<_, i64>(0)?, number(1)?, number(2)?, number(3)?))
            })
            .map_err(reading())?;
        for row in rows {
            match row.map_err(reading())? {
                (WAITING, files, bytes, at_hub) => {
                    totals.waiting = files;
                    totals.waiting_bytes = bytes.saturating_sub(at_hub);
                    totals.begun_bytes = at_hub;
                }
                (ARRIVED | SECURED | PUT_AWAY, files, ..) => totals.arrived += files,
                (_, files, ..) => totals.set_aside = files,
            }
        }
        Ok(totals)
    }

    /// Puts away the content of files that a second copy of the hub has, too, and that arrived there more than `keep_ms` ago,
    /// by the hub's clock. Gives back how many.
    ///
    /// # Errors
    /// If the store cannot be written; what was put away before stays so.
    pub fn put_away_files(&mut self, keep_ms: i64) -> Result<u64, StoreError> {
        let putting = || StoreError::because("put away attachments");
        let before_ms = facts::get::<i64>(&self.db, name::HUB_MS)?.unwrap_or(0).saturating_sub(keep_ms);
        let mut files = 0;
        loop {
            let transaction = self.db.transaction().map_err(putting())?;
            let ids = transaction
                .prepare_cached("SELECT id FROM attachment WHERE state = ? AND hub_ms < ? ORDER BY id LIMIT ?")
                .and_then(|mut select| {
                    let rows =
                        select.query_map(params![SECURED, before_ms, PUT_AWAY_MAX], |row| row.get::<_, i64>(0))?;
                    rows.collect::<Result<Vec<_>, _>>()
                })
                .map_err(putting())?;
            for id in &ids {
                let (first, end) = (id * PARTS_MAX, (id + 1) * PARTS_MAX);
                transaction
                    .execute("DELETE FROM attachment_part WHERE id >= ? AND id < ?", [first, end])
                    .and_then(|_| transaction.execute("UPDATE attachment SET state = 4 WHERE id = ?", [id]))
                    .map_err(putting())?;
            }
            transaction.commit().map_err(putting())?;
            files += ids.len() as u64;
            if ids.is_empty() {
                return Ok(files);
            }
        }
    }

    /// Files that the hub is not known to have, as many as one exchange offers: first those that it wants more of, the
    /// oldest first; then the others in turn, for it may know nothing of the ops that name them for long.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(super) fn open_files(&self) -> Result<Vec<OpenFile>, StoreError> {
        let reading = || StoreError::because("list attachments to send");
        let mut select = self
            .db
            .prepare_cached(
                "SELECT hash, bytes, media, at_hub FROM attachment WHERE state = 0 \
                 ORDER BY at_hub IS NULL, at_hub IS NULL AND id <= ?, id LIMIT ?",
            )
            .map_err(reading())?;
        let rows = select
            .query_map([self.offered_upto, OFFER_FILES_MAX as i64], |row| {
                let content = Content { hash: ContentHash(row.get(0)?), bytes: row.get(1)?, media: row.get(2)? };
                Ok(OpenFile { content, held: row.get(3)? })
            })
            .map_err(reading())?;
        rows.collect::<Result<_, _>>().map_err(reading())
    }

    /// Whether the hub wants more of a file than it has.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn has_wanted_files(&self) -> Result<bool, StoreError> {
        self.db
            .prepare_cached("SELECT 1 FROM attachment WHERE state = 0 AND at_hub IS NOT NULL LIMIT 1")
            .and_then(|mut select| select.exists([]))
            .map_err(StoreError::because("look for attachments to send"))
    }

    /// Whether there are files that the hub is not known to have, those among them that it was not offered yet.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn has_open_files(&self) -> Result<bool, StoreError> {
        self.db
            .prepare_cached("SELECT 1 FROM attachment WHERE state = 0 LIMIT 1")
            .and_then(|mut select| select.exists([]))
            .map_err(StoreError::because("look for attachments to offer"))
    }

    /// Notes how far the hub has files, and gives back how many of their bytes it gained.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn note_files(&mut self, files: &[(Content, Standing)]) -> Result<u64, StoreError> {
        let noting = || StoreError::because("note how far the hub has attachments");
        let transaction = self.db.transaction().map_err(noting())?;
        let hub_ms: Option<i64> = facts::get(&transaction, name::HUB_MS)?;
        // What a reply says of files was so when it said its marks.
        let begun: Option<i64> = facts::get(&transaction, name::BACKUP_BEGUN)?;
        let (mut gained, mut offered_upto) = (0, self.offered_upto);
        for (content, standing) in files {
            let (state, at_hub) = match standing {
                Standing::Wanted { held } => (WAITING, Some((*held).min(content.bytes))),
                Standing::Held => (ARRIVED, Some(content.bytes)),
                Standing::SetAside => (SET_ASIDE, Some(0)),
                // It hears of the op that names it another time; the others have their turn meanwhile.
                Standing::Unknown => (WAITING, None),
            };
            let before: Option<(i64, Option<u32>)> = transaction
                .prepare_cached("SELECT id, at_hub FROM attachment WHERE hash = ?")
                .and_then(|mut select| {
                    select.query_row([content.hash.0], |row| Ok((row.get(0)?, row.get(1)?))).optional()
                })
                .map_err(noting())?;
            let Some((id, before)) = before else { continue };
            if at_hub.is_none() {
                offered_upto = id;
            }
            transaction
                .prepare_cached(
                    "UPDATE attachment SET state = ?, at_hub = ?, hub_ms = ?, after_backup = ? \
                     WHERE hash = ? AND state <> 4",
                )
                .and_then(|mut update| {
                    let after_backup = begun.filter(|_| state == ARRIVED);
                    update.execute(params![state, at_hub, hub_ms, after_backup, content.hash.0])
                })
                .map_err(noting())?;
            gained += u64::from(at_hub.unwrap_or(0).saturating_sub(before.unwrap_or(0)));
        }
        transaction.commit().map_err(noting())?;
        self.offered_upto = offered_upto;
        Ok(gained)
    }
}

/// What a record says of a file.
pub(super) fn named(file: &Prepared) -> BTreeMap<FieldTag, Value> {
    BTreeMap::from([(lampiran::FIELD, Value::Attachment(file.attachment.clone()))])
}

impl Writer<'_> {
    /// Files of a confidential complaint as they are kept: the hub alone reads them, and what they are called. As long as it
    /// has not said what to seal to, they stay as they are.
    pub(super) fn sealed_files(&self, files: Vec<Prepared>) -> Result<Vec<Prepared>, StoreError> {
        let Some(hub) = self.sealing else { return Ok(files) };
        let sealed = |file: Prepared| {
            let Attachment { content: Content { media, .. }, name } = file.attachment;
            let content = seal_file(file_content(media, &name, &file.content), hub);
            let content = content.ok_or(StoreError::Broken("a key that nothing can be sealed to"))?;
            let named = Content::of(&content).map_err(|_| StoreError::Broken("a file that cannot be sealed"))?;
            Ok(Prepared { attachment: Attachment { content: named, name: FILE_NAME.to_owned() }, content })
        };
        files.into_iter().map(sealed).collect()
    }

    /// Keeps a file, if it is not here already.
    pub(super) fn keep(&mut self, file: &Prepared) -> Result<(), StoreError> {
        put(self.db, &file.attachment.content, &file.content, self.wall_ms())
    }
}

/// What the hub's marks mean for files that it had. After each start of the hub those that no copy is known to cover are
/// offered again: it may have been restored from before they came.
///
/// A copy has what arrived before it was begun. When that was, the hub's clock cannot tell: it may be set back. So what
/// arrived before these marks is in every backup of a number that these marks do not know yet.
pub(super) fn note_marks(db: &Connection, marks: &Marks, betrayed: bool) -> Result<(), StoreError> {
    let noting = || StoreError::because("note where attachments are");
    if (!marks.epochs.0.is_empty() || betrayed) && !planted::active(Defect::FileNotOfferedAgain) {
        let doubtful = if betrayed { SECURED } else { ARRIVED };
        db.execute(
            "UPDATE attachment SET state = 0, at_hub = NULL, after_backup = NULL WHERE state IN (1, ?)",
            [doubtful],
        )
        .map_err(noting())?;
    }
    // What cannot be read is of a later version: nothing is known of backups then.
    let Some((begun, done)) = backups(marks) else { return facts::forget(db, name::BACKUP_BEGUN) };
    facts::put(db, name::BACKUP_BEGUN, begun)?;
    let done = if planted::active(Defect::FileSafeEarly) { i64::MAX } else { done };
    db.prepare_cached("UPDATE attachment SET state = 3 WHERE state = 1 AND after_backup < ?")
        .and_then(|mut update| update.execute([done]))
        .and_then(|_| {
            db.prepare_cached("UPDATE attachment SET after_backup = ? WHERE state = 1 AND after_backup IS NULL")?
                .execute([begun])
        })
        .map(drop)
        .map_err(noting())
}

/// Numbers of the hub's last backup that was begun, and of the last one that was done.
fn backups(marks: &Marks) -> Option<(i64, i64)> {
    let Some(told) = marks.extensions.value(extension::BACKUPS) else { return Some((0, 0)) };
    let (begun, done): (u64, u64) = codec::decode(told).ok()?;
    Some((i64::try_from(begun).ok()?, i64::try_from(done).ok()?))
}

/// Takes note of a file that was put away.
pub(super) fn note_put_away(db: &Connection, what: &Content, wall_ms: i64) -> Result<(), StoreError> {
    db.execute(
        "INSERT INTO attachment (hash, bytes, media, state, at_hub, wall_ms) VALUES (?1, ?2, ?3, ?4, ?2, ?5) \
         ON CONFLICT DO NOTHING",
        params![what.hash.0, what.bytes, what.media, PUT_AWAY, wall_ms],
    )
    .map(drop)
    .map_err(StoreError::because("note an attachment that was put away"))
}

/// Keeps a file, if it is not here already.
pub(super) fn put(db: &Connection, what: &Content, content: &[u8], wall_ms: i64) -> Result<(), StoreError> {
    let keeping = || StoreError::because("keep an attachment");
    // Who has it again keeps it again.
    db.execute("DELETE FROM attachment WHERE hash = ? AND state = 4", [what.hash.0]).map_err(keeping())?;
    let inserted = db
        .execute(
            "INSERT INTO attachment (hash, bytes, media, state, at_hub, wall_ms) VALUES (?, ?, ?, 0, NULL, ?) \
             ON CONFLICT DO NOTHING",
            params![what.hash.0, what.bytes, what.media, wall_ms],
        )
        .map_err(keeping())?;
    if inserted == 0 {
        return Ok(());
    }
    let id = db.last_insert_rowid();
    for (place, part) in content.chunks(PART_BYTES).enumerate() {
        db.prepare_cached("INSERT INTO attachment_part (id, content) VALUES (?, ?)")
            .and_then(|mut insert| insert.execute(params![id * PARTS_MAX + place as i64, part]))
            .map_err(keeping())?;
    }
    Ok(())
}

/// Parts of a file of this length.
pub(super) fn parts_of(bytes: u32) -> i64 {
    i64::from(bytes).div_euclid(PART_BYTES as i64) + i64::from(!bytes.is_multiple_of(PART_BYTES as u32))
}

/// Bytes of a file from `offset` on, at most `bytes_max`; `None` if it is not here, or ends before that.
pub(super) fn chunk(
    db: &Connection,
    hash: ContentHash,
    offset: u32,
    bytes_max: usize,
) -> Result<Option<Vec<u8>>, StoreError> {
    let reading = || StoreError::because("read an attachment");
    let id: Option<i64> = db
        .prepare_cached("SELECT id FROM attachment WHERE hash = ? AND bytes > ?")
        .and_then(|mut select| select.query_row(params![hash.0, offset], |row| row.get(0)).optional())
        .map_err(reading())?;
    let Some(id) = id else { return Ok(None) };
    let first = offset as usize / PART_BYTES;
    let mut select = db
        .prepare_cached("SELECT content FROM attachment_part WHERE id BETWEEN ? AND ? ORDER BY id")
        .map_err(reading())?;
    let (from, to) = (id * PARTS_MAX + first as i64, id * PARTS_MAX + PARTS_MAX - 1);
    let mut rows = select.query([from, to]).map_err(reading())?;
    let (mut bytes, mut skip) = (Vec::new(), offset as usize % PART_BYTES);
    while bytes.len() < bytes_max
        && let Some(row) = rows.next().map_err(reading())?
    {
        let part: Vec<u8> = row.get(0).map_err(reading())?;
        bytes.extend(part.iter().skip(skip).take(bytes_max - bytes.len()));
        skip = 0;
    }
    Ok((!bytes.is_empty()).then_some(bytes))
}
