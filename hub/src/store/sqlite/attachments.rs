//! Files that records name, and what is here of those that are not whole yet.

use kentongan_protocol::attachment::{Content, ContentHash};
use kentongan_protocol::ids::{RecordId, ReplicaId};
use rusqlite::params;

use super::super::contract::{Result, StoreError};
use super::super::rows::{Attachment, AttachmentState, Named};
use super::records::{known_row_of, row_of};
use super::row::{Columns, int};
use super::tx::SqliteTx;

const WANTED: i64 = 0;
const HELD: i64 = 1;
const SET_ASIDE: i64 = 2;

fn read_attachment(row: &mut Columns<'_>) -> Result<Attachment> {
    let content = Content { hash: ContentHash(row.hash()?), bytes: row.small()?, media: row.small()? };
    let (state, held, failed) = (row.take::<i64>()?, row.small()?, row.small()?);
    let state = match state {
        WANTED => AttachmentState::Wanted { held, failed },
        HELD => AttachmentState::Held,
        SET_ASIDE => AttachmentState::SetAside,
        _ => return Err(StoreError::Damaged("the state of an attachment")),
    };
    Ok(Attachment { content, state, since_ms: row.take()? })
}

fn row_of_content(tx: &SqliteTx<'_>, content: &Content) -> Result<Option<i64>> {
    let sql = "SELECT attachment FROM attachments WHERE hash = ?1 AND bytes = ?2 AND media = ?3";
    tx.one("finding an attachment", sql, params![content.hash.0, content.bytes, content.media], |row| row.take())
}

pub(super) fn attachment(tx: &SqliteTx<'_>, content: &Content) -> Result<Option<Attachment>> {
    let sql = "SELECT hash, bytes, media, state, held, failed, since_ms FROM attachments
        WHERE hash = ?1 AND bytes = ?2 AND media = ?3";
    tx.one("reading an attachment", sql, params![content.hash.0, content.bytes, content.media], read_attachment)
}

pub(super) fn name_attachment(
    tx: &mut SqliteTx<'_>,
    content: &Content,
    record: RecordId,
    writer: ReplicaId,
    name: &str,
    at_ms: i64,
) -> Result<()> {
    let record = known_row_of(tx, record)?;
    let attachment = match row_of_content(tx, content)? {
        Some(attachment) => attachment,
        None => {
            let sql = "INSERT INTO attachments (hash, bytes, media, state, held, failed, since_ms)
                VALUES (?1, ?2, ?3, 0, 0, 0, ?4)";
            tx.write("noting an attachment", sql, params![content.hash.0, content.bytes, content.media, at_ms])?;
            tx.inserted()
        }
    };
    let sql = "INSERT INTO attached (attachment, record, writer, name) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
    tx.write("noting who names an attachment", sql, params![attachment, record, int(writer.0), name]).map(drop)
}

pub(super) fn is_named_by(tx: &SqliteTx<'_>, content: &Content, writer: ReplicaId) -> Result<bool> {
    let Some(attachment) = row_of_content(tx, content)? else { return Ok(false) };
    let sql = "SELECT 1 FROM attached WHERE attachment = ?1 AND writer = ?2 LIMIT 1";
    Ok(tx.one("asking who names an attachment", sql, [attachment, int(writer.0)], |_| Ok(()))?.is_some())
}

pub(super) fn is_named_beside(tx: &SqliteTx<'_>, content: &Content, writer: ReplicaId) -> Result<bool> {
    let Some(attachment) = row_of_content(tx, content)? else { return Ok(false) };
    let sql = "SELECT 1 FROM attached WHERE attachment = ?1 AND writer <> ?2 LIMIT 1";
    Ok(tx.one("asking who else names an attachment", sql, [attachment, int(writer.0)], |_| Ok(()))?.is_some())
}

pub(super) fn update_attachment(tx: &SqliteTx<'_>, content: &Content, state: AttachmentState) -> Result<()> {
    let attachment =
        row_of_content(tx, content)?.ok_or(StoreError::Damaged("an attachment that changes is not there"))?;
    let (state, held, failed) = match state {
        AttachmentState::Wanted { held, failed } => (WANTED, held, failed),
        AttachmentState::Held => (HELD, content.bytes, 0),
        AttachmentState::SetAside => (SET_ASIDE, 0, 0),
    };
    let sql = "UPDATE attachments SET state = ?2, held = ?3, failed = ?4 WHERE attachment = ?1";
    tx.write("moving an attachment", sql, params![attachment, state, held, failed])?;
    if held == 0 || state != WANTED {
        tx.write("dropping parts of an attachment", "DELETE FROM chunks WHERE attachment = ?1", [attachment])?;
    }
    Ok(())
}

pub(super) fn append_chunk(tx: &SqliteTx<'_>, content: &Content, offset: u32, bytes: &[u8]) -> Result<()> {
    let attachment = row_of_content(tx, content)?.ok_or(StoreError::Damaged("a part of an unknown attachment"))?;
    let sql = "INSERT INTO chunks (attachment, at, bytes) VALUES (?1, ?2, ?3)";
    tx.write("keeping a part of an attachment", sql, params![attachment, offset, bytes]).map(drop)
}

pub(super) fn chunks(tx: &SqliteTx<'_>, content: &Content) -> Result<Vec<u8>> {
    let Some(attachment) = row_of_content(tx, content)? else { return Ok(Vec::new()) };
    let sql = "SELECT bytes FROM chunks WHERE attachment = ?1 ORDER BY at";
    let parts: Vec<Vec<u8>> = tx.many("reading parts of an attachment", sql, [attachment], |row| row.take())?;
    Ok(parts.concat())
}

pub(super) fn attachments_of(tx: &mut SqliteTx<'_>, record: RecordId) -> Result<Vec<Named>> {
    let Some(record) = row_of(tx, record)? else { return Ok(Vec::new()) };
    let sql = "SELECT hash, bytes, media, state, held, failed, since_ms, name
        FROM attached JOIN attachments USING (attachment) WHERE record = ?1 ORDER BY attachment, name, writer";
    tx.many("listing attachments of a record", sql, [record], |row| {
        Ok(Named { attachment: read_attachment(row)?, name: row.take()? })
    })
}
