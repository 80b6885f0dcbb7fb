//! The hub's side of an exchange.

use std::collections::{BTreeMap, VecDeque};

use super::line::{Line, Logs, Memory, cursors};
use super::pacing::is_worth_packing;
use crate::attachment::{Content, ContentHash};
use crate::error::Fault;
use crate::ids::{EpochId, LogId, ReplicaId, TopicKind};
use crate::limits::{FRAME_LOGS_MAX, INVENTORY_LOGS_MAX};
use crate::log::{ChainHash, LogHead};
use crate::next;
use crate::pack::{self, Packer, Primed, Unpacker};
use crate::planted::{self, Defect, Place};
use crate::wire::codec::{Blob, List};
use crate::wire::frame::preamble;
use crate::wire::v1::{
    Attest, Chunk, End, Feed, FeedFrame, Files, Frame, Hello, Inventory, LogFrame, LogName, Marks, Ops, PageLog, Piece,
    Refusal, Refused, RunFrame, Signed, VERSION,
};
use crate::wire::versions;

/// What a request asks of the hub, in the order to do it.
#[derive(Debug, Clone)]
pub enum Event {
    /// Who speaks. Always first.
    Hello(Hello),
    /// What the agent believes to stand here, and how far it has read. Always second.
    Have(Position),
    /// Ops to store.
    Batch(Batch),
    /// A signature over heads.
    Attest(Attest),
    /// The speaker's signature over its own logs.
    Signed(Signature),
    /// All logs that the agent holds of its own, and how many ops of each; complete.
    Inventory(BTreeMap<LogId, u64>),
    /// Files that the speaker offers.
    Offer(Vec<Content>),
    /// A part of a file that was offered: its place in the offer, where the part begins, and the part.
    Chunk(u8, u32, Vec<u8>),
    /// The part of an update file that is wanted: of which one, and where it begins.
    Fetch(ContentHash, u32),
    /// The request is whole.
    End,
}

/// Consecutive ops of one log.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Head of their log.
    pub head: LogHead,
    /// Seq of the first.
    pub first_seq: u64,
    /// Their bytes.
    pub ops: Vec<Vec<u8>>,
    /// Whether the log is of another replica than the one that speaks: given back to a hub that forgot it. To be
    /// believed only as far as an attestation of its writer proves it.
    pub echo: bool,
}

/// A signature of the speaker over its own logs. What it is over has to be put together from the running hashes that stand
/// here: if they are those that were signed, it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Up to where each log is signed, in the order in which they were.
    pub heads: Vec<(LogId, u64)>,
    /// The signature.
    pub signature: [u8; 64],
}

impl Signature {
    /// The whole attestation of `replica`, if `hash` has the running hash behind every op that it names.
    ///
    /// # Errors
    /// Whatever `hash` fails with.
    pub fn whole<E>(
        &self,
        replica: ReplicaId,
        mut hash: impl FnMut(LogId, u64) -> Result<Option<ChainHash>, E>,
    ) -> Result<Option<Attest>, E> {
        let mut heads = Vec::with_capacity(self.heads.len());
        for (log, seq) in &self.heads {
            let Some(hash) = hash(*log, *seq)? else { return Ok(None) };
            heads.push((log.to_bytes(), *seq, hash.0));
        }
        Ok(Some(Attest { replica: replica.to_bytes(), heads: List(heads), signature: self.signature }))
    }
}

/// What the agent believes to stand at the hub, and how far it has read.
#[derive(Debug, Clone, Default)]
pub struct Position {
    /// Hub epochs it knows, the latest last.
    pub epochs: Vec<EpochId>,
    /// Last feed entry it has stored, for each topic.
    pub cursors: Vec<(TopicKind, u64)>,
    /// Logs it has something to send of.
    pub logs: Vec<LogId>,
}

/// One exchange.
#[derive(Debug)]
pub struct Session {
    replica: ReplicaId,
    line: Line,
    state: State,
    /// The greeting went on from the last one, so the marks may.
    again: bool,
    heads_heard: usize,
    /// How the reply is packed, by the greeting, if it is.
    packer: Packer,
    /// The speaker's link was measured to be slow towards it.
    is_slow: bool,
    /// Between it and the position that belongs to it.
    hello: Option<Hello>,
    /// The run that speaks.
    run: Option<RunFrame>,
    inventory: Option<BTreeMap<LogId, u64>>,
    /// Events of the frame that was taken last: two at most.
    ready: VecDeque<Event>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    ExpectHello,
    ExpectHave,
    ExpectOps,
    Ended,
}

impl Session {
    /// With the replica that the connection's certificate names, on a fresh line.
    pub fn new(replica: ReplicaId) -> Self {
        Session::on(Line::default(), replica)
    }

    /// The next exchange on the line of a connection.
    pub fn on(mut line: Line, replica: ReplicaId) -> Self {
        line.reader.begin();
        Session {
            replica,
            line,
            state: State::ExpectHello,
            again: false,
            heads_heard: 0,
            packer: Packer::none(),
            is_slow: false,
            hello: None,
            run: None,
            inventory: None,
            ready: VecDeque::new(),
        }
    }

    /// Takes bytes of the request as they come; [`Session::next_event`] says what to do.
    pub fn push(&mut self, bytes: &[u8]) {
        self.line.reader.push(bytes);
    }

    /// The next thing to do, if it has arrived whole. Do it before asking again: so at most one frame is held, however
    /// far the bytes expand.
    ///
    /// # Errors
    /// Whatever a frame or its place can be wrong with. What was given out before stays valid: it was authentic.
    pub fn next_event(&mut self) -> Result<Option<Event>, Fault> {
        while self.ready.is_empty() {
            let Some(raw) = self.line.reader.next_frame()? else { return Ok(None) };
            if let Some(frame) = Frame::decode(&raw)? {
                self.take(frame)?;
            }
        }
        Ok(self.ready.pop_front())
    }

    /// [`Session::push`] and all of [`Session::next_event`] at once: for bytes that cannot be hostile. A few bytes may
    /// expand to many events, and all of them are held here.
    ///
    /// # Errors
    /// As [`Session::next_event`], but events of the same bytes before the fault are lost.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<Vec<Event>, Fault> {
        self.push(bytes);
        std::iter::from_fn(|| self.next_event().transpose()).collect()
    }

    fn take(&mut self, frame: Frame) -> Result<(), Fault> {
        match (self.state, frame) {
            (State::ExpectHello, Frame::Hello(hello)) => {
                self.check_hello(&hello)?;
                if self.line.reader.is_anew() {
                    self.line.memory = Memory { version: self.line.reader.version(), ..Memory::default() };
                }
                self.greeted_by(&hello);
                self.state = State::ExpectHave;
                self.hello = Some(hello.clone());
                self.ready.push_back(Event::Hello(hello));
            }
            (State::ExpectHello, Frame::Again(again)) if !self.line.reader.is_anew() => {
                let memory = &mut self.line.memory;
                let greeted = memory.greeted.as_mut().ok_or(Fault::Peer("a greeting that goes on from none"))?;
                greeted.go_on(&again)?;
                let (epochs, cursors) = (greeted.epochs.clone(), greeted.cursors.clone());
                let hello = greeted.hello.clone();
                self.greeted_by(&hello);
                self.ready.push_back(Event::Hello(hello));
                self.ready.push_back(Event::Have(Position { epochs, cursors, logs: self.ids(again.logs.0)? }));
                self.again = true;
                self.state = State::ExpectOps;
            }
            (State::ExpectHave, Frame::Have(have)) => {
                let epochs: Vec<_> = have.epochs.0.iter().map(|epoch| EpochId::from_bytes(*epoch)).collect();
                let cursors = cursors(&have.cursors.0)?;
                if let Some(hello) = self.hello.take() {
                    self.line.memory.greet(&hello, epochs.clone(), cursors.clone());
                }
                self.state = State::ExpectOps;
                self.ready.push_back(Event::Have(Position { epochs, cursors, logs: self.ids(have.logs.0)? }));
            }
            (State::ExpectOps, Frame::Inventory(page)) => self.take_inventory(page)?,
            (State::ExpectOps, Frame::Log(head)) => self.take_head(LogHead::try_from(&head)?)?,
            (State::ExpectOps, Frame::RunLog(head)) => {
                let run = self.run.clone().ok_or(Fault::Peer("a log of the run before the greeting"))?;
                self.take_head(LogHead::try_from(&head.whole(self.replica.to_bytes(), run))?)?;
            }
            (State::ExpectOps, Frame::Ops(ops)) => {
                let head = self.line.memory.up.head(ops.log)?;
                let first_seq = self.line.memory.up.first_heard(head.log(), ops.first_seq, ops.ops.0.len());
                let echo = head.replica() != self.replica;
                let bytes = ops.ops.0.into_iter().map(|Blob(bytes)| bytes).collect();
                self.ready.push_back(Event::Batch(Batch { head, first_seq, ops: bytes, echo }));
            }
            (State::ExpectOps, Frame::Offer(offer)) => {
                self.ready.push_back(Event::Offer(offer.files.0.iter().map(Content::from).collect()));
            }
            (State::ExpectOps, Frame::Chunk(Chunk { file, offset, bytes })) => {
                self.ready.push_back(Event::Chunk(file, offset, bytes.0));
            }
            (State::ExpectOps, Frame::Fetch(fetch)) => {
                self.ready.push_back(Event::Fetch(ContentHash(fetch.hash), fetch.offset));
            }
            (State::ExpectOps, Frame::Attest(attest)) => self.ready.push_back(Event::Attest(attest)),
            (State::ExpectOps, Frame::Signed(Signed { heads, signature })) => {
                let up = &self.line.memory.up;
                let heads = heads.0.into_iter().map(|(name, seq)| {
                    let log = up.id(name)?;
                    Ok((log, up.upto_heard(log, seq)))
                });
                let heads = heads.collect::<Result<_, Fault>>()?;
                self.ready.push_back(Event::Signed(Signature { heads, signature }));
            }
            (State::ExpectOps, Frame::End(End { .. })) => {
                if !self.line.reader.is_between_frames() {
                    return Err(Fault::Peer("a frame after the end"));
                }
                self.state = State::Ended;
                // Who sends an inventory hears everything whole.
                self.again &= self.inventory.is_none();
                self.ready.extend(self.inventory.take().map(Event::Inventory));
                self.ready.push_back(Event::End);
            }
            (State::Ended, _) => return Err(Fault::Peer("a frame after the end")),
            _ => return Err(Fault::Peer("a frame out of order")),
        }
        Ok(())
    }

    /// What follows may be packed, and the reply is if the request was, or the speaker's link is known to be slow: a
    /// request that brings no ops has nothing to pack.
    fn greeted_by(&mut self, hello: &Hello) {
        self.run = Some(hello.run.clone());
        self.is_slow = hello.link_bytes_s > 0 && is_worth_packing(hello.link_bytes_s);
        let begin = pack::begin(hello);
        self.line.reader.unpack_by(Unpacker::new(Primed::Kept, begin));
        self.packer = Packer::new(Primed::Kept, begin);
    }

    fn check_hello(&self, hello: &Hello) -> Result<(), Fault> {
        let spoken = self.line.reader.version().unwrap_or(VERSION);
        if !(hello.version_min..=hello.version_max).contains(&spoken) {
            return Err(Fault::Version("no common version of the protocol"));
        }
        if ReplicaId::from_bytes(hello.replica) != self.replica {
            return Err(Fault::Peer("a replica other than its certificate names"));
        }
        Ok(())
    }

    fn take_head(&mut self, head: LogHead) -> Result<(), Fault> {
        self.heads_heard += 1;
        if self.heads_heard > FRAME_LOGS_MAX {
            return Err(Fault::Limit("more logs in one exchange than the protocol allows"));
        }
        self.line.memory.up.hear(head);
        Ok(())
    }

    fn take_inventory(&mut self, page: Inventory) -> Result<(), Fault> {
        let inventory = self.inventory.get_or_insert_default();
        inventory.extend(page.logs.0.into_iter().map(|(log, held)| (LogId::from_bytes(log), held)));
        match inventory.len() > INVENTORY_LOGS_MAX {
            true => Err(Fault::Limit("more logs in an inventory than the protocol allows")),
            false => Ok(()),
        }
    }

    /// Whether the request has arrived whole.
    pub fn is_ended(&self) -> bool {
        self.state == State::Ended
    }

    /// The reply to it, once it has ended. The session has nothing more to say then.
    pub fn reply(&mut self) -> Reply {
        let packer = std::mem::take(&mut self.packer);
        let packer = match self.line.reader.is_packed() || self.is_slow {
            true => {
                planted::reached(Place::ReplyPacked);
                packer
            }
            false => Packer::none(),
        };
        Reply { line: std::mem::take(&mut self.line), again: self.again, packer, over: false }
    }

    fn ids(&self, names: Vec<LogName>) -> Result<Vec<LogId>, Fault> {
        names.into_iter().map(|name| self.line.memory.up.id(name)).collect()
    }
}

/// A part of a reply behind its marks.
#[derive(Debug, Clone)]
pub enum Part {
    /// Ops of the speaker that its folder lacks.
    Restored {
        /// Head of their log.
        head: LogHead,
        /// Seq of the first.
        first_seq: u64,
        /// Their bytes.
        ops: Vec<Vec<u8>>,
    },
    /// How far the hub has the files that were offered.
    Files(Files),
    /// A page of the feed.
    Feed(Feed),
    /// A part of an update file.
    Piece(Piece),
    /// Nothing was cut off.
    End {
        /// Pages or restored ops are left.
        more: bool,
    },
}

/// The reply to a whole request: first the marks, then parts, the last of which is [`Part::End`].
#[derive(Debug)]
pub struct Reply {
    line: Line,
    again: bool,
    packer: Packer,
    over: bool,
}

impl Reply {
    /// The beginning: what stands at the hub, and on the line of a greeting that went on from another only what moved.
    pub fn begin(&mut self, marks: &Marks) -> Vec<u8> {
        let mut out = Vec::new();
        let version = self.line.memory.version.unwrap_or(VERSION);
        if self.line.reader.is_anew() {
            out.extend(preamble(version));
        }
        let moved = if self.again { self.line.memory.moved(marks) } else { None };
        match moved {
            Some(moved) => {
                planted::reached(Place::MovedSaid);
                Frame::Moved(moved).put(&mut out);
            }
            None => Frame::Marks(marks.clone()).put(&mut out),
        }
        self.line.memory.marked(marks);
        next::put_frames(version, &mut out);
        out
    }

    /// Appends a part.
    pub fn put(&mut self, part: Part, out: &mut Vec<u8>) {
        let down = &mut self.line.memory.down;
        match part {
            Part::Restored { head, first_seq, ops } => {
                let log = head.log();
                if down.say(log) {
                    Frame::Log(LogFrame::from(&head)).put(out);
                }
                let first_seq = down.first_said(log, first_seq, ops.len());
                let ops = List(ops.into_iter().map(Blob).collect());
                Frame::Ops(Ops { log: down.name(log), first_seq, ops }).put_packed(out, &mut self.packer);
            }
            Part::Files(files) => Frame::Files(files).put(out),
            Part::Piece(piece) => Frame::Piece(piece).put(out),
            Part::Feed(Feed { topic, upto, logs, entries, attests }) => {
                let logs = List(logs.0.into_iter().map(|head| page_log(down, head)).collect());
                Frame::Feed(FeedFrame { topic, upto, logs, entries, attests }).put_packed(out, &mut self.packer);
                let ahead = u64::from(planted::active(Defect::LineAhead));
                self.line.memory.fed(topic, upto + ahead);
            }
            Part::End { more } => {
                Frame::End(End { more }).put(out);
                // A model is large, and the line may stay open for long.
                self.packer = Packer::none();
                self.over = true;
            }
        }
    }

    /// The line for the next exchange on the connection, if the reply was given whole.
    pub fn finish(mut self) -> Option<Line> {
        // A line at rest holds no buffer.
        self.line.reader.begin();
        self.over.then_some(self.line)
    }
}

/// The head of a log in a page, or its number if it was said before.
fn page_log(down: &mut Logs, head: LogFrame) -> PageLog {
    match LogHead::try_from(&head).map(|head| (head.log(), down.name(head.log()))) {
        Ok((_, LogName::Number(number))) => PageLog::Number(number),
        Ok((log, LogName::Id(_))) => {
            down.say(log);
            PageLog::Head(head)
        }
        Err(_) => PageLog::Head(head),
    }
}

/// What a hub says between two exchanges on a line whose agent [listens](Line::listens): there is something for its office.
pub fn knock() -> Vec<u8> {
    let mut out = Vec::new();
    Frame::Knock.put(&mut out);
    out
}

/// The answer of a hub that will not talk. It goes under the preamble of version 1 whatever was asked, so that every
/// program can read it.
pub fn refusal(refusal: Refusal, come_back_s: u32) -> Frame {
    let (version_min, version_max) = versions();
    Frame::Refused(Refused { reason: refusal as u8, version_min, version_max, come_back_s })
}

/// How to tell an agent why its request could not be used.
pub fn refusal_for(fault: &Fault) -> Refusal {
    match fault {
        Fault::Version(_) => Refusal::Version,
        _ => Refusal::Protocol,
    }
}

/// One start of the hub: its random id, and the feed number it began after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HubEpoch {
    /// The id.
    pub epoch: EpochId,
    /// All feed entries up to this number existed when it began.
    pub began_after: u64,
}

/// Where an agent that knows the epochs `known` and has read up to `cursor` goes on reading, given the epochs of the
/// hub from its first start on: everything after the last common epoch may be other than what the agent has read, unless
/// it was there when the next epoch began.
pub fn feed_start(epochs: &[HubEpoch], known: &[EpochId], cursor: u64) -> u64 {
    match first_unknown(epochs, known) {
        Some(_) if planted::active(Defect::CursorKept) => cursor,
        Some(unknown) => cursor.min(unknown.began_after),
        None => cursor,
    }
}

/// The epochs to tell an agent about: those after the last one it knows. If it knows later ones that this hub never had
/// or forgot, the last common one goes before them: the agent then knows where it left the line of this hub, and that it
/// has to read again from there.
pub fn news_of_epochs<'a>(epochs: &'a [HubEpoch], known: &[EpochId]) -> &'a [HubEpoch] {
    let next = behind_common(epochs, known);
    let common = next.checked_sub(1).and_then(|common| epochs.get(common));
    let strayed = common.is_some_and(|common| {
        let mut behind = known.iter().rev().take_while(|known| **known != common.epoch);
        behind.any(|known| !epochs.iter().any(|epoch| epoch.epoch == *known))
    });
    epochs.get(next - usize::from(strayed)..).unwrap_or_default()
}

/// Place behind the last epoch that the agent knows; 0 if it knows none.
fn behind_common(epochs: &[HubEpoch], known: &[EpochId]) -> usize {
    epochs.iter().rposition(|epoch| known.contains(&epoch.epoch)).map_or(0, |last| last + 1)
}

fn first_unknown<'a>(epochs: &'a [HubEpoch], known: &[EpochId]) -> Option<&'a HubEpoch> {
    epochs.get(behind_common(epochs, known))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epochs(list: &[(u64, u64)]) -> Vec<HubEpoch> {
        list.iter().map(|(id, began_after)| HubEpoch { epoch: EpochId(*id), began_after: *began_after }).collect()
    }

    #[test]
    fn a_restarted_hub_changes_no_cursor() {
        let hub = epochs(&[(1, 0), (2, 120)]);
        assert_eq!(feed_start(&hub, &[EpochId(1)], 100), 100);
        assert_eq!(feed_start(&hub, &[EpochId(1), EpochId(2)], 150), 150);
    }

    #[test]
    fn a_restored_hub_takes_readers_back_to_where_it_forgot() {
        // Epoch 2 began after 120 and was forgotten; the copy was of number 100.
        let hub = epochs(&[(1, 0), (3, 100)]);
        assert_eq!(feed_start(&hub, &[EpochId(1), EpochId(2)], 150), 100);
        assert_eq!(feed_start(&hub, &[EpochId(1), EpochId(2)], 90), 90);
    }

    #[test]
    fn who_read_in_another_line_hears_of_the_last_common_epoch() {
        let hub = epochs(&[(1, 0), (3, 100)]);
        assert_eq!(news_of_epochs(&hub, &[EpochId(1)]), &hub[1..]);
        assert_eq!(news_of_epochs(&hub, &[EpochId(1), EpochId(2)]), &hub[..]);
        assert_eq!(news_of_epochs(&hub, &[EpochId(2)]), &hub[..]);
        assert_eq!(news_of_epochs(&hub, &[EpochId(1), EpochId(3)]), &[]);
    }

    #[test]
    fn a_hub_without_a_common_epoch_is_read_from_the_start() {
        let hub = epochs(&[(8, 0), (9, 40)]);
        assert_eq!(feed_start(&hub, &[EpochId(1)], 150), 0);
    }
}
