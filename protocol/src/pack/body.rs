//! The messages that are packed, as bodies of frames.

use super::coder::Side;
use super::walk::{Kind, Walk};
use crate::error::Fault;
use crate::ids::{LogId, OpId};
use crate::limits::{FRAME_BODY_BYTES_MAX, FRAME_OPS_MAX};
use crate::wire::codec::{self, Blob, List};
use crate::wire::v1::{FeedEntry, FeedFrame, LogName, Ops, VerdictFrame, kind};

/// Fields of bytes that stand between ops.
const PAGE: u32 = 0xB0_0000;
const PROOFS: u32 = 0xB1_0000;
const VERDICT: u32 = 0xB2_0000;

/// A message that is packed.
pub(super) enum Message {
    /// Ops of a log.
    Ops(Ops),
    /// A page of the feed.
    Feed(FeedFrame),
}

/// The message, if these are the bytes that it is encoded as.
pub(super) fn known(kind: u8, body: &[u8]) -> Option<Message> {
    let (message, encoded) = match kind {
        kind::OPS => {
            let ops: Ops = codec::decode(body).ok()?;
            let encoded = codec::encode(&ops);
            (Message::Ops(ops), encoded)
        }
        kind::FEED => {
            let feed: FeedFrame = codec::decode(body).ok()?;
            let encoded = codec::encode(&feed);
            (Message::Feed(feed), encoded)
        }
        _ => return None,
    };
    (encoded == body).then_some(message)
}

impl<S: Side> Walk<'_, S> {
    /// Codes a body; `message` for who writes.
    pub(super) fn body(&mut self, kind: u8, message: Option<Message>) -> Result<Vec<u8>, Fault> {
        let body = match (kind, message) {
            (kind::OPS, Some(Message::Ops(ops))) => codec::encode(&self.ops(Some(&ops))?),
            (kind::OPS, _) => codec::encode(&self.ops(None)?),
            (kind::FEED, Some(Message::Feed(feed))) => codec::encode(&self.feed(Some(&feed))?),
            (kind::FEED, _) => codec::encode(&self.feed(None)?),
            _ => return Err(Fault::Peer("a packed body of a kind that is not packed")),
        };
        match body.len() {
            0..=FRAME_BODY_BYTES_MAX => Ok(body),
            _ => Err(Fault::Limit("a body longer than the protocol allows")),
        }
    }

    fn ops(&mut self, given: Option<&Ops>) -> Result<Ops, Fault> {
        let (name, log, near) = self.log(given.map_or(LogName::Number(0), |ops| ops.log));
        let first_seq = given.map_or(0, |ops| ops.first_seq);
        let first_seq = near.wrapping_add(self.signed(Kind::Plain, &[1], first_seq.wrapping_sub(near) as i64) as u64);
        let given: &[Blob<_>] = given.map_or(&[], |ops| &ops.ops.0);
        let count = self.count(2, given.len())?;
        let mut ops = Vec::new();
        for place in 0..count {
            let id = OpId { log, seq: first_seq.wrapping_add(place as u64) };
            ops.push(Blob(self.op(id, given.get(place).map_or(&[], |op| &op.0))?));
        }
        self.memory.had_reference(log, first_seq.wrapping_add(count as u64));
        Ok(Ops { log: name, first_seq, ops: List(ops) })
    }

    fn feed(&mut self, given: Option<&FeedFrame>) -> Result<FeedFrame, Fault> {
        let before = given.map(|feed| codec::encode(&(feed.topic, feed.upto, &feed.logs)));
        let before = self.counted(PAGE, FRAME_BODY_BYTES_MAX, &before.unwrap_or_default())?;
        let (topic, upto, logs) = codec::decode(&before)?;
        let given_entries: &[FeedEntry] = given.map_or(&[], |feed| &feed.entries.0);
        let count = self.count(3, given_entries.len())?;
        let (mut entries, mut number) = (Vec::new(), 0);
        for place in 0..count {
            let entry = self.entry(number, given_entries.get(place))?;
            number = entry.number();
            entries.push(entry);
        }
        let proofs = given.map(|feed| codec::encode(&feed.attests)).unwrap_or_default();
        let attests = codec::decode(&self.counted(PROOFS, FRAME_BODY_BYTES_MAX, &proofs)?)?;
        Ok(FeedFrame { topic, upto, logs, entries: List(entries), attests })
    }

    /// `before` is the number of the entry before.
    fn entry(&mut self, before: u64, given: Option<&FeedEntry>) -> Result<FeedEntry, Fault> {
        self.spend(3, FRAME_BODY_BYTES_MAX)?;
        let is_verdict = matches!(given, Some(FeedEntry::Verdict { .. }));
        let is_verdict = self.symbol(Kind::Entry, 1, &[0, 1 + self.memory.sort], is_verdict.into()) == 1;
        let number = given.map_or(0, FeedEntry::number);
        let number = before.wrapping_add(self.number(Kind::Entry, &[2], number.wrapping_sub(before)));
        if is_verdict {
            let (log, seq, verdict) = match given {
                Some(FeedEntry::Verdict { log, seq, verdict, .. }) => (*log, *seq, verdict.clone()),
                _ => ([0; 8], 0, VerdictFrame::Accepted),
            };
            let (log, seq) = self.named_op((log, seq));
            let verdict = codec::decode(&self.counted(VERDICT, FRAME_BODY_BYTES_MAX, &codec::encode(&verdict))?)?;
            return Ok(FeedEntry::Verdict { number, log, seq, verdict });
        }
        let (log, seq, bytes) = match given {
            Some(FeedEntry::Op { log, seq, bytes, .. }) => (*log, *seq, &bytes.0[..]),
            _ => (0, 0, &[][..]),
        };
        let log = self.small(Kind::Entry, &[3], log.into()) as u16;
        // No log has this id: it stands for the place in the page.
        let id = LogId::from_bytes(u64::from(log).to_be_bytes());
        let last = self.memory.seq_of(id);
        let seq = last.wrapping_add(self.signed(Kind::Entry, &[4], seq.wrapping_sub(last) as i64) as u64);
        let bytes = Blob(self.op(OpId { log: id, seq }, bytes)?);
        Ok(FeedEntry::Op { number, log, seq, bytes })
    }

    /// The log of a message, what it is called here, and the seq that is expected: 1 a number on the line, 2 a log not
    /// named yet, from 3 on one that was.
    fn log(&mut self, name: LogName) -> (LogName, LogId, u64) {
        let (how, id, number) = match name {
            LogName::Id(id) => (self.memory.place_of(id).map_or(2, |place| 3 + place), id, 0),
            LogName::Number(number) => (1, [0; 8], number),
        };
        match self.symbol(Kind::Plain, 4, &[4], how) {
            how @ 3.. => {
                let (log, near) =
                    self.memory.named.get(how as usize - 3).copied().unwrap_or((LogId::from_bytes([0; 8]), 0));
                (LogName::Id(log.to_bytes()), log, near)
            }
            1 => {
                let number = self.small(Kind::Plain, &[6], number.into()) as u8;
                // No log has this id: it stands for the number. Ops of such a log mostly follow on, which is 0.
                (LogName::Number(number), LogId::from_bytes((u64::from(number) + (1 << 32)).to_be_bytes()), 0)
            }
            _ => {
                let id = self.raw(64, u64::from_be_bytes(id)).to_be_bytes();
                (LogName::Id(id), LogId::from_bytes(id), 1)
            }
        }
    }

    fn count(&mut self, sort: u32, given: usize) -> Result<usize, Fault> {
        match self.number(Kind::Plain, &[sort], given as u64) {
            count @ 0..=4096 => Ok(count as usize),
            _ => Err(Fault::Limit("a packed list longer than the protocol allows")),
        }
    }
}

const _: () = assert!(FRAME_OPS_MAX == 4096);
