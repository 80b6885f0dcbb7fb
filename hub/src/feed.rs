//! Pages of the feed, as they go to an office: entries, the heads of their logs, and the signatures that prove them.

use std::collections::BTreeMap;

use kentongan_protocol::ids::{LogId, ReplicaId, Topic};
use kentongan_protocol::limits::{FRAME_BODY_BYTES_AIM, FRAME_BODY_BYTES_MAX, OP_BYTES_MAX};
use kentongan_protocol::planted::{self, Defect};
use kentongan_protocol::wire::codec::{self, Blob, List};
use kentongan_protocol::wire::v1::{Attest, Feed, FeedEntry, LogFrame};

use crate::engine::Hub;
use crate::store::{FeedLimit, FeedRow, Log, Result, StoreError, Tx};

/// Entries of a page.
const ENTRIES_MAX: usize = 512;
/// Bytes of signatures in a page.
const ATTEST_BYTES_MAX: usize = 48 * 1024;
/// Signatures in a page.
const ATTESTS_MAX: usize = 64;
/// Entries looked at for a page: an office reads past its own ops quickly, but not without end.
const SCANNED_MAX: usize = 20_000;
/// Bytes that an entry takes beside its op: number, place, seq, and the head of its log.
const ENTRY_BYTES_MAX: usize = 160;

// A page always fits into a frame.
const _: () = assert!(
    FRAME_BODY_BYTES_AIM + OP_BYTES_MAX + ENTRIES_MAX * ENTRY_BYTES_MAX + ATTEST_BYTES_MAX < FRAME_BODY_BYTES_MAX
);

/// The page of `topic` after number `after` for `reader`, and whether there may be more behind it. `None` if there is
/// nothing new. A page without entries only moves the cursor: all that was new there, the reader wrote itself.
///
/// # Errors
/// A failure of the store.
pub fn page(hub: &Hub, tx: &mut dyn Tx, topic: &Topic, after: u64, reader: ReplicaId) -> Result<Option<(Feed, bool)>> {
    let limit = FeedLimit { entries_max: ENTRIES_MAX, bytes_aim: FRAME_BODY_BYTES_AIM, scanned_max: SCANNED_MAX };
    let slice = tx.feed_read(topic, after, reader, limit)?;
    if slice.upto == after {
        return Ok(None);
    }
    let mut logs = Logs::default();
    let mut entries = Vec::with_capacity(slice.rows.len());
    for row in slice.rows {
        entries.push(match row {
            FeedRow::Op { number, id, bytes } => {
                FeedEntry::Op { number, log: logs.place(tx, id.log, id.seq)?, seq: id.seq, bytes: Blob(bytes) }
            }
            FeedRow::Verdict { number, id, verdict } => {
                FeedEntry::Verdict { number, log: id.log.to_bytes(), seq: id.seq, verdict }
            }
        });
    }
    let attests = logs.attests(hub, tx)?;
    let heads = logs.all.into_iter().map(|(log, _)| LogFrame::from(&log.head)).collect();
    let topic = topic.kind() as u8;
    let upto = if planted::active(Defect::PageToTheEnd) { tx.feed_last()? } else { slice.upto };
    let page = Feed { topic, upto, logs: List(heads), entries: List(entries), attests: List(attests) };
    Ok(Some((page, slice.more)))
}

/// Bytes of a page before compression, nearly.
pub fn size(page: &Feed) -> usize {
    let entries = page.entries.0.iter().map(|entry| match entry {
        FeedEntry::Op { bytes, .. } => bytes.0.len() + 16,
        FeedEntry::Verdict { .. } => 32,
    });
    entries.sum::<usize>() + page.logs.0.len() * 64 + 16
}

/// The logs of a page's ops, and the last seq of each that the page holds.
#[derive(Default)]
struct Logs {
    all: Vec<(Log, u64)>,
    places: BTreeMap<LogId, u16>,
}

impl Logs {
    /// Place of a log in the page, of which the page holds the op at `seq`.
    fn place(&mut self, tx: &mut dyn Tx, id: LogId, seq: u64) -> Result<u16> {
        if let Some(place) = self.places.get(&id) {
            if let Some((_, last)) = self.all.get_mut(usize::from(*place)) {
                *last = seq.max(*last);
            }
            return Ok(*place);
        }
        let log = tx.log(id)?.ok_or(StoreError::Damaged("an op without its log"))?;
        let place = u16::try_from(self.all.len()).map_err(|_| StoreError::Damaged("more logs than entries"))?;
        self.all.push((log, seq));
        self.places.insert(id, place);
        Ok(place)
    }

    /// What proves the page: the hub's own signature over its logs, and of the others the newest one each, if it covers
    /// what the page holds.
    fn attests(&self, hub: &Hub, tx: &mut dyn Tx) -> Result<Vec<Attest>> {
        let (own, others): (Vec<_>, Vec<_>) = self.all.iter().partition(|(log, _)| log.head.replica() == hub.replica());
        let mut attests = Vec::new();
        if !own.is_empty() {
            let own: Vec<Log> = own.into_iter().map(|(log, _)| log.clone()).collect();
            attests.push(hub.attest(&own));
        }
        let mut bytes: usize = attests.iter().map(|attest| codec::encode(attest).len()).sum();
        for (log, last) in others {
            let Some(kept) = tx.attestation(log.head.log())?.filter(|kept| kept.seq >= *last) else { continue };
            if attests.contains(&kept.attest) {
                continue;
            }
            bytes += codec::encode(&kept.attest).len();
            if attests.len() >= ATTESTS_MAX || bytes > ATTEST_BYTES_MAX {
                break;
            }
            attests.push(kept.attest);
        }
        Ok(attests)
    }
}
