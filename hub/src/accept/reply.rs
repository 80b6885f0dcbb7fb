//! The reply: what stands here, what the speaker lost, and what concerns its office.

use std::collections::VecDeque;

use kentongan_protocol::attachment::Standing;
use kentongan_protocol::ids::{LogId, OfficeCode, Topic};
use kentongan_protocol::limits::{
    CHUNK_BYTES_MAX, EPOCHS_MAX, EXTENSION_BYTES_MAX, FRAME_BODY_BYTES_AIM, FRAME_LOGS_MAX, FRAME_OPS_MAX,
};
use kentongan_protocol::next;
use kentongan_protocol::planted::{self, Defect, Place};
use kentongan_protocol::session::hub::{Part, feed_start, news_of_epochs};
use kentongan_protocol::wire::codec::{self, Blob, List};
use kentongan_protocol::wire::v1::{FileStanding, Files, Marks, Piece, extension, notice};
use serde_json::json;

use super::hello::TWIN_TOLD_MS;
use super::{Exchange, files, note};
use crate::backup;
use crate::engine::Hub;
use crate::feed;
use crate::store::{Replica, Result, StoreError, Tx};

/// Logs read at once.
const LOGS_PAGE: usize = 512;
/// A page that only moves the cursor is not worth its bytes before it moves it so far: until then the same entries, which
/// the office wrote itself, are passed over again.
const PASSED_OVER_MAX: u64 = 256;
/// A twin is shown to people at the office for this long after it was last seen.
const TWIN_SHOWN_MS: i64 = 7 * TWIN_TOLD_MS;

/// How far the reply is.
#[derive(Debug, Default)]
pub(super) struct Reply {
    /// Logs to give back, from which seq on.
    lost: VecDeque<(LogId, u64)>,
    /// Topics to read, from which number on.
    topics: VecDeque<(Topic, u64)>,
    /// How far the files are that the speaker offered, at the time of the marks: those say which backups come after it.
    files: Vec<Standing>,
    bytes: usize,
    /// After so many bytes of pages it ends: what the office's link carries in some seconds, so that what is entered there
    /// meanwhile need not wait for longer.
    pub(super) bytes_aim: usize,
    /// The speaker wants no pages of the feed now.
    pub(super) withholds_feed: bool,
    more: bool,
    over: bool,
}

impl Reply {
    pub(super) fn is_over(&self) -> bool {
        self.over
    }
}

/// What stands here.
pub(super) fn marks(exchange: &mut Exchange, hub: &Hub, tx: &mut dyn Tx, now_ms: i64) -> Result<Marks> {
    let replica = tx.replica(exchange.speaker)?.ok_or(StoreError::Damaged("a replica that speaks is not there"))?;
    let epochs = tx.epochs()?;
    let news = news_of_epochs(&epochs, &exchange.position.epochs);
    let news = news.iter().skip(news.len().saturating_sub(EPOCHS_MAX));
    let news = news.map(|epoch| (epoch.epoch.to_bytes(), epoch.began_after)).collect();
    exchange.reply.topics = Topic::of_office(&replica.office)
        .into_iter()
        .map(|topic| {
            let read = exchange.position.cursors.iter().find(|(kind, _)| *kind == topic.kind());
            let start = feed_start(&epochs, &exchange.position.epochs, read.map_or(0, |(_, number)| *number));
            (topic, start)
        })
        .collect();
    exchange.reply.files = files::standings(exchange, tx)?;
    let cursors = exchange.reply.topics.iter().map(|(topic, start)| (topic.kind() as u8, *start)).collect();
    Ok(Marks {
        hub_ms: now_ms,
        epochs: List(news),
        cursors: List(cursors),
        logs: List(log_marks(exchange, tx)?),
        held_ops: replica.holding.ops,
        held_sum: replica.holding.sum,
        come_back_s: 0,
        notices: List(notices(&replica, now_ms)),
        extensions: List(extensions(exchange, hub, tx)?),
    })
}

/// When durable marks were last raised, if ever: who hears another time than before asks for those of its logs. And which
/// backups were begun and done: they tell what came before a backup, by no clock. And an update, if one is offered to this office
/// that is newer than what it runs.
fn extensions(exchange: &Exchange, hub: &Hub, tx: &mut dyn Tx) -> Result<Vec<(u16, Blob<EXTENSION_BYTES_MAX>)>> {
    let mut all = next::of_marks().0;
    all.extend(tx.backed_up_ms()?.map(|at_ms| (extension::BACKED_UP, Blob(codec::encode(&at_ms)))));
    let backups = backup::numbers(tx)?;
    all.extend((backups.0 > 0).then(|| (extension::BACKUPS, Blob(codec::encode(&backups)))));
    let offered = exchange.office.as_ref().and_then(|office| hub.offers().offer(office, &exchange.program));
    all.extend(offered.map(|offered| (extension::UPDATE, Blob(codec::encode(&offered)))));
    Ok(all)
}

fn notices(replica: &Replica, now_ms: i64) -> Vec<u16> {
    let twin = replica.twin_seen_ms.is_some_and(|at_ms| now_ms.saturating_sub(at_ms) < TWIN_SHOWN_MS);
    let certificate = &replica.certificate;
    let renew = now_ms.saturating_sub(certificate.from_ms) > certificate.until_ms.saturating_sub(now_ms);
    [(twin, notice::TWIN), (renew, notice::RENEW)].into_iter().filter_map(|(say, what)| say.then_some(what)).collect()
}

/// Stored and durable mark of every log that the request named, and of every own log that the speaker holds otherwise.
fn log_marks(exchange: &mut Exchange, tx: &mut dyn Tx) -> Result<Vec<([u8; 8], u64, u64)>> {
    let mut marks = Vec::new();
    for id in exchange.named.iter().take(FRAME_LOGS_MAX) {
        marks.push(log_mark(tx, *id)?);
    }
    let Some(mut inventory) = exchange.inventory.take() else { return Ok(marks) };
    let mut after = None;
    loop {
        let page = tx.logs_of(exchange.speaker, after, LOGS_PAGE)?;
        let Some(last) = page.last() else { break };
        after = Some(last.head.log());
        for log in page {
            let id = log.head.log();
            let held = inventory.remove(&id).unwrap_or(0);
            if held < log.stored && !planted::active(Defect::NothingGivenBack) {
                exchange.reply.lost.push_back((id, held + 1));
            }
            if held != log.stored && !exchange.named.contains(&id) {
                marks.push((id.to_bytes(), log.stored, log.durable));
            }
        }
    }
    // Nothing is held of what the speaker alone knows. What it calls its own and is another's stands as it stands.
    let room = FRAME_LOGS_MAX.saturating_sub(marks.len());
    for id in inventory.keys().filter(|id| !exchange.named.contains(id)).take(room) {
        marks.push(log_mark(tx, *id)?);
    }
    marks.truncate(FRAME_LOGS_MAX);
    Ok(marks)
}

fn log_mark(tx: &mut dyn Tx, id: LogId) -> Result<([u8; 8], u64, u64)> {
    let (stored, durable) = tx.log(id)?.map_or((0, 0), |log| (log.stored, log.durable));
    Ok((id.to_bytes(), stored, durable))
}

/// The next part after the marks; none if there is nothing to say just now, or nothing more.
pub(super) fn next_part(exchange: &mut Exchange, hub: &Hub, tx: &mut dyn Tx, now_ms: i64) -> Result<Option<Part>> {
    if exchange.reply.over {
        return Ok(None);
    }
    if !exchange.reply.files.is_empty() {
        let standings = std::mem::take(&mut exchange.reply.files).into_iter().map(FileStanding::from).collect();
        return Ok(Some(Part::Files(Files { standings: List(standings) })));
    }
    if exchange.reply.bytes >= exchange.reply.bytes_aim {
        exchange.reply.more = true;
        return end(exchange, tx, now_ms).map(Some);
    }
    if let Some((log, from_seq)) = exchange.reply.lost.pop_front() {
        return give_back(exchange, tx, log, from_seq);
    }
    if exchange.reply.withholds_feed {
        exchange.reply.topics.clear();
    }
    while let Some((topic, after)) = exchange.reply.topics.pop_front() {
        if let Some((page, more)) = feed::page(hub, tx, &topic, after, exchange.speaker)? {
            if more {
                exchange.reply.topics.push_front((topic, page.upto));
            }
            if !more && page.entries.0.is_empty() && page.upto - after < PASSED_OVER_MAX {
                continue;
            }
            planted::reached(Place::PageGiven);
            exchange.counts.fed += page.entries.0.len() as u64;
            exchange.reply.bytes += feed::size(&page);
            return Ok(Some(Part::Feed(page)));
        }
    }
    if let Some(piece) = piece(exchange, hub)? {
        return Ok(Some(Part::Piece(piece)));
    }
    end(exchange, tx, now_ms).map(Some)
}

/// The part of an update file that is wanted next, behind everything else: none if nothing is wanted, or the file is not offered
/// any more.
fn piece(exchange: &mut Exchange, hub: &Hub) -> Result<Option<Piece>> {
    let Some((hash, offset)) = exchange.fetch.take().filter(|(hash, _)| hub.offers().has(*hash)) else {
        return Ok(None);
    };
    let bytes = hub.archive().part(hash, offset, CHUNK_BYTES_MAX).map_err(files::keeping)?;
    let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) else { return Ok(None) };
    exchange.reply.bytes += bytes.len();
    let next = u32::try_from(bytes.len()).ok().and_then(|length| offset.checked_add(length));
    exchange.fetch = next.map(|next| (hash, next));
    Ok(Some(Piece { hash: hash.0, offset, bytes: Blob(bytes) }))
}

/// A page of a log that the speaker itself wrote and no longer has.
fn give_back(exchange: &mut Exchange, tx: &mut dyn Tx, log: LogId, from_seq: u64) -> Result<Option<Part>> {
    let Some(known) = tx.log(log)? else { return Ok(None) };
    let ops = tx.ops_from(log, from_seq, FRAME_OPS_MAX, FRAME_BODY_BYTES_AIM)?;
    planted::reached(Place::GivenBack);
    let next_seq = from_seq + ops.len() as u64;
    if next_seq <= known.stored && !ops.is_empty() {
        exchange.reply.lost.push_front((log, next_seq));
    }
    exchange.counts.restored += ops.len() as u64;
    exchange.reply.bytes += ops.iter().map(|op| op.bytes.len()).sum::<usize>();
    let ops = ops.into_iter().map(|op| op.bytes).collect();
    Ok(Some(Part::Restored { head: known.head, first_seq: from_seq, ops }))
}

fn end(exchange: &mut Exchange, tx: &mut dyn Tx, now_ms: i64) -> Result<Part> {
    exchange.reply.over = true;
    let restored = exchange.counts.restored;
    // A request that was carried may be older than what the office has written since: it lost nothing by that.
    if restored > 0 && !exchange.is_carried {
        let office = exchange.office.as_ref().map_or("", OfficeCode::as_str);
        let detail = json!({"office": office, "ops": restored});
        note(tx, now_ms, "hub", "replica.restored", exchange.speaker, detail)?;
    }
    Ok(Part::End { more: exchange.reply.more })
}
