//! Files that records name: an office offers them, the hub says how far it has each, and takes them part by part.
//!
//! A part that repeats what is here or leaves a gap is passed over: the answer says where to go on. Nothing is taken that
//! no op of the speaker names, and nothing is shown as what it claims to be before its hash and its kind agree.

use kentongan_protocol::attachment::{Content, Standing, Unfit};
use kentongan_protocol::error::Fault;
use kentongan_protocol::planted::{self, Defect, Place};
use serde_json::json;

use super::{AcceptError, Exchange, note};
use crate::engine::Hub;
use crate::store::{AttachmentState, Result, StoreError, Tx};

/// How often a file may come whole and be another one than its name says, until it is given up.
const FAILED_MAX: u8 = 3;

/// Takes note of what the speaker offers.
pub(super) fn offered(exchange: &mut Exchange, hub: &Hub, tx: &mut dyn Tx, files: Vec<Content>) -> Result<()> {
    for content in &files {
        // A file that the store forgot may still lie in the archive.
        if let Some(AttachmentState::Wanted { held: 0, .. }) = state(exchange, tx, content)? {
            let lies_here = hub.archive().get(content.hash).map_err(keeping)?;
            if lies_here.is_some_and(|whole| content.verify(&whole).is_ok()) {
                tx.update_attachment(content, AttachmentState::Held)?;
            }
        }
    }
    exchange.offered = files;
    Ok(())
}

/// Takes a part of a file.
pub(super) fn chunk(
    exchange: &mut Exchange,
    hub: &Hub,
    tx: &mut dyn Tx,
    part: (u8, u32, Vec<u8>),
    now_ms: i64,
) -> std::result::Result<(), AcceptError> {
    let (place, offset, bytes) = part;
    let offered = exchange.offered.get(usize::from(place)).copied();
    let content = offered.ok_or(Fault::Peer("a part of a file that was not offered"))?;
    let Some(AttachmentState::Wanted { held, failed }) = state(exchange, tx, &content)? else { return Ok(()) };
    let offset = if planted::active(Defect::FilePartAnywhere) { held } else { offset };
    if offset != held || bytes.is_empty() {
        planted::reached(Place::PartPassedOver);
        return Ok(());
    }
    planted::reached(Place::PartTaken);
    let length = u32::try_from(bytes.len()).ok().and_then(|length| held.checked_add(length));
    let held = length.filter(|held| *held <= content.bytes).ok_or(Fault::Peer("a part behind the end of its file"))?;
    tx.append_chunk(&content, offset, &bytes)?;
    exchange.counts.file_bytes += bytes.len() as u64;
    if held < content.bytes {
        tx.update_attachment(&content, AttachmentState::Wanted { held, failed })?;
        return Ok(());
    }
    whole(exchange, hub, tx, &content, failed, now_ms)
}

/// All of a file has come.
fn whole(
    exchange: &Exchange,
    hub: &Hub,
    tx: &mut dyn Tx,
    content: &Content,
    failed: u8,
    now_ms: i64,
) -> std::result::Result<(), AcceptError> {
    let bytes = tx.chunks(content)?;
    let (state, event) = match content.verify(&bytes) {
        Ok(()) => {
            planted::reached(Place::FileWhole);
            hub.archive().put(content.hash, &bytes).map_err(keeping)?;
            (AttachmentState::Held, None)
        }
        Err(Unfit::OtherContent) if failed + 1 < FAILED_MAX => {
            (AttachmentState::Wanted { held: 0, failed: failed + 1 }, Some("attachment.other_content"))
        }
        // Whoever can read a colleague's record knows the hash of its photo: what they bring decides nothing over it.
        Err(Unfit::OtherContent)
            if tx.is_named_beside(content, exchange.speaker)? && !planted::active(Defect::FileGivenUp) =>
        {
            (AttachmentState::Wanted { held: 0, failed }, Some("attachment.other_content"))
        }
        Err(Unfit::OtherContent) => (AttachmentState::SetAside, Some("attachment.given_up")),
        // It is what its hash says, but no picture or paper as it claims: kept for who wants to look into it.
        Err(Unfit::OtherMedia | Unfit::UnknownMedia | Unfit::TooLong) => {
            hub.archive().put(content.hash, &bytes).map_err(keeping)?;
            (AttachmentState::SetAside, Some("attachment.set_aside"))
        }
    };
    tx.update_attachment(content, state)?;
    if let Some(event) = event {
        let detail = json!({"bytes": content.bytes, "media": content.media});
        note(tx, now_ms, exchange.speaker, event, content.hash, detail)?;
    }
    Ok(())
}

/// How far each file stands here that the speaker offered.
pub(super) fn standings(exchange: &Exchange, tx: &mut dyn Tx) -> Result<Vec<Standing>> {
    exchange.offered.iter().map(|content| standing(exchange, tx, content)).collect()
}

fn standing(exchange: &Exchange, tx: &mut dyn Tx, content: &Content) -> Result<Standing> {
    Ok(match state(exchange, tx, content)? {
        Some(AttachmentState::Wanted { held, .. }) if held > 0 && planted::active(Defect::FileHeldEarly) => {
            Standing::Held
        }
        Some(AttachmentState::Wanted { held, .. }) => Standing::Wanted { held },
        Some(AttachmentState::Held) => Standing::Held,
        Some(AttachmentState::SetAside) => Standing::SetAside,
        None => Standing::Unknown,
    })
}

/// Where a file is that an op of the speaker names; none if there is no such op.
fn state(exchange: &Exchange, tx: &mut dyn Tx, content: &Content) -> Result<Option<AttachmentState>> {
    if !tx.is_named_by(content, exchange.speaker)? {
        return Ok(None);
    }
    Ok(tx.attachment(content)?.map(|attachment| attachment.state))
}

pub(super) fn keeping(error: std::io::Error) -> StoreError {
    StoreError::database("keeping a file in the archive", error)
}
