//! The agent's side of an exchange.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::hub::knock;
use super::line::Line;
use super::outgoing::OpsOut;
use super::pacing::{frame_bytes, is_worth_packing};
use crate::attachment::{Content, ContentHash, Standing};
use crate::error::Fault;
use crate::ids::{EpochId, LogId, ReplicaId, TopicKind};
use crate::limits::{
    CHUNK_BYTES_MAX, EPOCHS_MAX, FRAME_BODY_BYTES_AIM, FRAME_LOGS_MAX, INVENTORY_LOGS_MAX, OFFER_FILES_MAX,
};
use crate::log::{ChainHash, Holding, LogHead};
use crate::next;
use crate::pack::{self, Packer, Prepared, Primed, Unpacker};
use crate::planted::{self, Place};
use crate::wire::codec::{Blob, List};
use crate::wire::frame::{RawFrame, preamble};
use crate::wire::v1::{
    Again, Attest, Chunk, End, Feed, FeedFrame, Fetch, FileFrame, Frame, Have, Hello, Inventory, LogFrame, LogName,
    Marks, Offer, Ops, PageLog, Refusal,
};

/// What an agent knows when an exchange opens, read from its store at one moment.
#[derive(Debug, Clone)]
pub struct Opening {
    /// Who speaks.
    pub hello: Hello,
    /// Hub epochs known here, the latest last.
    pub epochs: Vec<EpochId>,
    /// Last feed entry stored, for each topic.
    pub cursors: Vec<(TopicKind, u64)>,
    /// Logs with ops that the hub is not known to have: own ones, and foreign ones to give back to a restored hub.
    pub open: Vec<OpenLog>,
    /// What the hub is believed to hold of this replica's ops.
    pub holding: Holding,
    /// All own logs, if the last exchange ended in disagreement.
    pub inventory: Option<Vec<OwnLog>>,
    /// Files that the hub is not known to have whole, those that go first at the beginning.
    pub files: Vec<OpenFile>,
    /// Whether to send ops at once.
    pub mode: Mode,
}

/// Whether a request carries ops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The last exchange was broken: ask for marks before sending anything again.
    AskFirst,
    /// Send ops until they have about this many bytes.
    Send {
        /// Aim for the bytes of ops in the request, as sent.
        bytes_aim: usize,
    },
}

/// A log with something to send.
#[derive(Debug, Clone)]
pub struct OpenLog {
    /// Its head.
    pub head: LogHead,
    /// Stored mark as known here.
    pub stored: u64,
    /// Ops held without gap.
    pub held: u64,
    /// For foreign logs: what proves their ops, as their writer signed it.
    pub proofs: Vec<Attest>,
}

/// A file that the hub is not known to have whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenFile {
    /// The file.
    pub content: Content,
    /// Bytes from its beginning that the hub said to hold; `None`: it was not asked yet.
    pub held: Option<u32>,
}

/// One of this replica's logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnLog {
    /// The log.
    pub log: LogId,
    /// Stored mark as known here.
    pub stored: u64,
    /// Ops held without gap.
    pub held: u64,
}

/// What a request signs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Signing {
    /// Whether the ops that it brings are signed.
    pub due: bool,
    /// Logs of which the hub has all and keeps no signature yet: how far they go, and their running hash there.
    pub stored: Vec<(LogId, u64, ChainHash)>,
}

/// Where the ops of a request come from.
pub trait Outbox {
    /// What reading can fail with.
    type Error;

    /// Ops of `log` from `from_seq` on, at least one if there is one, about `bytes_max` bytes of them.
    ///
    /// # Errors
    /// Whatever keeps the store from being read.
    fn ops(&mut self, log: LogId, from_seq: u64, bytes_max: usize) -> Result<Vec<OutboundOp>, Self::Error>;

    /// Bytes of a file from `offset` on, at most `bytes_max`; none if they are not here.
    ///
    /// # Errors
    /// Whatever keeps the store from being read.
    fn chunk(&mut self, file: &Content, offset: u32, bytes_max: usize) -> Result<Vec<u8>, Self::Error>;

    /// The replica's Ed25519 signature.
    fn sign(&mut self, message: &[u8]) -> [u8; 64];
}

/// An op on its way out.
#[derive(Debug, Clone)]
pub struct OutboundOp {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The log's running hash after it.
    pub chain: ChainHash,
}

/// What a reply asks to be committed, in the order to commit it.
#[derive(Debug, Clone)]
pub enum Event {
    /// Marks, cursors and epochs; always first.
    Marks(Marks),
    /// Ops of this replica that this folder lacks.
    Restored {
        /// Head of their log.
        head: LogHead,
        /// Seq of the first.
        first_seq: u64,
        /// Their bytes.
        ops: Vec<Vec<u8>>,
    },
    /// How far the hub has the files that were offered.
    Files(Vec<(Content, Standing)>),
    /// A page of the feed, to commit with its cursor.
    Feed(Feed),
    /// A part of an update file: of which one, where it begins, and the part.
    Piece(ContentHash, u32, Vec<u8>),
}

/// How a whole exchange ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Own ops are left that did not fit, or the hub has more to give: exchange again at once.
    pub more: bool,
    /// Both sides agree on what the hub holds of this replica. If not, the next exchange needs an inventory.
    pub in_order: bool,
    /// Seconds to stay away, at the hub's wish; 0: none.
    pub come_back_s: u32,
}

/// One exchange.
#[derive(Debug)]
pub struct Session {
    opening: Opening,
    line: Line,
    /// The request began the line, or began it anew.
    began: bool,
    /// The greeting went on from the last one, so the marks may.
    again: bool,
    state: State,
    stored: BTreeMap<LogId, u64>,
    heads_heard: usize,
    unsent: bool,
    come_back_s: u32,
    hub_versions: Option<(u8, u8)>,
    /// Where the model of packed bodies comes from.
    primed: Primed,
    /// That of the request, if it was made ahead.
    prepared: Option<Prepared>,
    /// Whether ops are packed.
    packs: bool,
    /// Aim for the bytes of ops in a frame.
    frame_bytes: usize,
    asked: Vec<(LogId, u64)>,
    signing: Signing,
    fetch: Option<(ContentHash, u32)>,
    /// Heads of each signature.
    signed: Vec<Vec<(LogId, u64)>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    ExpectMarks,
    ExpectPages { held: Holding },
    Ended { held: Holding, more: bool },
}

impl Session {
    /// Opens an exchange on a fresh line.
    pub fn new(opening: Opening) -> Self {
        Session::on(Line::default(), opening)
    }

    /// Opens an exchange on the line of an open connection.
    pub fn on(mut line: Line, mut opening: Opening) -> Self {
        line.reader.begin();
        // The logs that are named in `Have` are those that are sent. Of a lane the latest run goes first: what is entered
        // today does not wait for what was left undone last month.
        opening.open.sort_by_key(|open| (open.head.lane(), Reverse(open.head.run().ordinal)));
        let mut stored: BTreeMap<LogId, u64> = BTreeMap::new();
        stored.extend(opening.inventory.iter().flatten().map(|own| (own.log, own.stored)));
        stored.extend(opening.open.iter().map(|open| (open.head.log(), open.stored)));
        Session {
            opening,
            began: line.is_fresh(),
            line,
            again: false,
            state: State::ExpectMarks,
            stored,
            heads_heard: 0,
            unsent: false,
            come_back_s: 0,
            hub_versions: None,
            primed: Primed::default(),
            prepared: None,
            packs: false,
            frame_bytes: FRAME_BODY_BYTES_AIM,
            asked: Vec::new(),
            signing: Signing { due: true, stored: Vec::new() },
            fetch: None,
            signed: Vec::new(),
        }
    }

    /// The session of a request that went out some time ago, when a person carries it and its reply. `opening` is what is
    /// known now; of it only the files have to be those that the request offered.
    pub fn hearing(opening: Opening) -> Session {
        let mut session = Session::new(opening);
        let Opening { hello, epochs, cursors, .. } = &session.opening;
        session.line.memory.version = Some(next::stream_version(hello));
        session.line.memory.greet(hello, epochs.clone(), cursors.clone());
        session
    }

    /// Whether the request left something unsent for which it had no room.
    pub fn leaves_unsent(&self) -> bool {
        self.unsent
    }

    /// Asks how far these logs are held and covered, beside those that are sent. Each comes with the stored mark as it
    /// is known here. Before the request is made.
    pub fn ask(&mut self, logs: Vec<(LogId, u64)>) {
        self.asked = logs;
    }

    /// What to sign; otherwise it is what the request brings. Before the request is made.
    pub fn sign(&mut self, signing: Signing) {
        self.signing = signing;
    }

    /// Asks for a part of an update file, if the request leaves nothing unsent. Before the request is made.
    pub fn fetch(&mut self, part: Option<(ContentHash, u32)>) {
        self.fetch = part;
    }

    /// Where the model of packed bodies comes from. Ops are packed if the link carries few bytes a second upwards, or
    /// nobody knows (0). Before the request is made.
    pub fn pack_by(&mut self, primed: Primed, up_bytes_s: u32) {
        (self.primed, self.packs) = (primed, is_worth_packing(up_bytes_s));
        self.frame_bytes = frame_bytes(up_bytes_s);
    }

    /// Packs the request by a model that was made ahead. Before the request is made.
    pub fn pack_with(&mut self, prepared: Option<Prepared>) {
        self.prepared = prepared;
    }

    /// The whole request.
    ///
    /// # Errors
    /// Whatever the outbox fails with.
    pub fn request<O: Outbox>(&mut self, outbox: &mut O) -> Result<Vec<u8>, O::Error> {
        let version = next::stream_version(&self.opening.hello);
        let mut out = Vec::new();
        if self.line.memory.version != Some(version) {
            self.line = Line::default();
            self.line.memory.version = Some(version);
            self.began = true;
            out.extend(preamble(version));
        }
        self.greet(version, &mut out);
        let unpacker = Unpacker::new(self.primed, pack::begin(self.said()));
        self.line.reader.unpack_by(unpacker);
        if let Some(inventory) = &self.opening.inventory {
            put_inventory(inventory, &mut out);
        }
        match self.opening.mode {
            Mode::AskFirst => self.put_signatures(outbox, &mut out)?,
            Mode::Send { bytes_aim } => self.put_ops(outbox, bytes_aim, &mut out)?,
        }
        self.put_files(outbox, &mut out)?;
        if let Some((ContentHash(hash), offset)) = self.fetch.filter(|_| !self.unsent) {
            Frame::Fetch(Fetch { hash, offset }).put(&mut out);
        }
        Frame::End(End { more: self.unsent }).put(&mut out);
        Ok(out)
    }

    /// The greeting: whole, or what changed since the last one on this line.
    fn greet(&mut self, version: u8, out: &mut Vec<u8>) {
        let epochs = &self.opening.epochs;
        let epochs = epochs.get(epochs.len().saturating_sub(EPOCHS_MAX)..).unwrap_or_default().to_vec();
        let (hello, cursors) = (&self.opening.hello, &self.opening.cursors);
        let logs = List(self.named());
        let greeted = self.line.memory.greeted.as_mut();
        let again = greeted.and_then(|greeted| {
            let again = greeted.again(hello, &epochs, cursors)?;
            greeted.go_on(&again).is_ok().then_some(again)
        });
        self.again = again.is_some();
        if let Some(again) = again {
            planted::reached(Place::WentOn);
            Frame::Again(Again { logs, ..again }).put(out);
            return next::put_frames(version, out);
        }
        Frame::Hello(hello.clone()).put(out);
        next::put_frames(version, out);
        let have = Have {
            epochs: List(epochs.iter().map(|epoch| epoch.to_bytes()).collect()),
            cursors: List(cursors.iter().map(|(kind, number)| (*kind as u8, *number)).collect()),
            logs,
        };
        Frame::Have(have).put(out);
        self.line.memory.greet(hello, epochs, cursors.clone());
    }

    /// The greeting as the hub has it now.
    fn said(&self) -> &Hello {
        let greeted = self.line.memory.greeted.as_ref().filter(|_| self.again);
        greeted.map_or(&self.opening.hello, |greeted| &greeted.hello)
    }

    /// Logs whose marks are wanted. Those of which ops follow need not be named; of foreign ones there may be too many
    /// for one request.
    fn named(&self) -> Vec<LogName> {
        let sends = |open: &&OpenLog| self.opening.mode == Mode::AskFirst || !open.proofs.is_empty();
        let open = self.opening.open.iter().filter(sends).map(|open| open.head.log());
        let asked = self.asked.iter().map(|(log, _)| *log).filter(|log| !self.is_open(*log));
        open.chain(asked).take(FRAME_LOGS_MAX).map(|log| self.line.memory.up.name(log)).collect()
    }

    fn is_open(&self, log: LogId) -> bool {
        self.opening.open.iter().any(|open| open.head.log() == log)
    }

    /// A signature over each open own log as it is held, without its ops: one over several would be of no use if one of them
    /// is not there. What a cut request brought may stand at the
    /// hub unsigned: the signature comes last, and the ops would never be sent again. An agent that keeps book of
    /// [signatures](Session::signed) has none due here.
    fn put_signatures<O: Outbox>(&mut self, outbox: &mut O, out: &mut Vec<u8>) -> Result<(), O::Error> {
        self.unsent = !self.opening.open.is_empty();
        if !self.signing.due {
            return Ok(());
        }
        let (hello, up) = (&self.opening.hello, &mut self.line.memory.up);
        let mut ops = OpsOut::new(outbox, out, Packer::none(), up, hello, 0);
        for log in self.opening.open.iter().filter(|log| log.proofs.is_empty()).take(FRAME_LOGS_MAX) {
            if let Some(last) = ops.page(log, log.held.saturating_sub(1))?.last() {
                ops.note_unsigned(log, log.held, last.chain);
                ops.sign();
            }
        }
        Ok(())
    }

    /// Ops by lane, the urgent first, until they have their size; and signatures over what was sent.
    fn put_ops<O: Outbox>(&mut self, outbox: &mut O, bytes_aim: usize, out: &mut Vec<u8>) -> Result<(), O::Error> {
        let packer = match self.packs {
            true => {
                planted::reached(Place::OpsPacked);
                let begin = pack::begin(self.said());
                match self.prepared.take() {
                    Some(prepared) => Packer::prepared(prepared, begin),
                    None => Packer::new(self.primed, begin),
                }
            }
            false => Packer::none(),
        };
        let (hello, up) = (&self.opening.hello, &mut self.line.memory.up);
        let mut ops = OpsOut::new(outbox, out, packer, up, hello, bytes_aim);
        ops.is_signed = self.signing.due;
        ops.frame_bytes = self.frame_bytes;
        for (place, log) in self.opening.open.iter().enumerate() {
            if ops.is_full() || place == FRAME_LOGS_MAX {
                self.unsent = true;
                break;
            }
            match log.proofs.is_empty() {
                true => self.unsent |= ops.put_own(log)? < log.held,
                false => ops.put_foreign(log)?,
            }
        }
        for (log, seq, chain) in &self.signing.stored {
            ops.note_stored(*log, *seq, *chain);
        }
        ops.sign();
        self.signed = ops.signed;
        Ok(())
    }

    /// Files behind everything else, in what room the ops left: what they are, and parts of those that the hub wants.
    fn put_files<O: Outbox>(&mut self, outbox: &mut O, out: &mut Vec<u8>) -> Result<(), O::Error> {
        let Mode::Send { bytes_aim } = self.opening.mode else { return Ok(()) };
        if self.unsent || self.opening.files.is_empty() {
            return Ok(());
        }
        self.opening.files.truncate(OFFER_FILES_MAX);
        let files = self.opening.files.iter().map(|file| FileFrame::from(&file.content)).collect();
        Frame::Offer(Offer { files: List(files) }).put(out);
        for (place, OpenFile { content, held }) in self.opening.files.iter().enumerate() {
            let mut next = held.unwrap_or(content.bytes);
            while next < content.bytes && out.len() < bytes_aim {
                let part = outbox.chunk(content, next, CHUNK_BYTES_MAX.min(bytes_aim - out.len()))?;
                if part.is_empty() {
                    break;
                }
                let offset = next;
                next = next.saturating_add(u32::try_from(part.len()).unwrap_or(u32::MAX));
                Frame::Chunk(Chunk { file: place as u8, offset, bytes: Blob(part) }).put(out);
            }
        }
        Ok(())
    }

    /// Takes bytes of the reply as they come; [`Session::next_event`] says what to commit.
    pub fn push(&mut self, bytes: &[u8]) {
        self.line.reader.push(bytes);
    }

    /// The next thing to commit, if it has arrived whole. Commit it before asking again: so at most one frame is held,
    /// however far the bytes expand.
    ///
    /// # Errors
    /// [`Fault::Stranger`] if this is no reply of a hub, [`Fault::Refused`] if the hub will not talk, and whatever a
    /// frame can be wrong with. What was given out before stays valid.
    pub fn next_event(&mut self) -> Result<Option<Event>, Fault> {
        while let Some(raw) = self.next_frame()? {
            let Some(frame) = Frame::decode(&raw)? else { continue };
            if self.line.reader.is_anew() != self.began && !matches!(frame, Frame::Refused(_)) {
                return Err(Fault::Peer("an answer on another line than its request"));
            }
            if let Some(event) = self.take(frame)? {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    /// The next frame of the reply. What the hub says right behind it is for whoever listens between two exchanges.
    fn next_frame(&mut self) -> Result<Option<RawFrame>, Fault> {
        match self.is_ended() {
            false => self.line.reader.next_frame(),
            true if self.line.reader.holds_only(&knock()) => Ok(None),
            true => Err(Fault::Peer("a frame after the end")),
        }
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

    fn take(&mut self, frame: Frame) -> Result<Option<Event>, Fault> {
        match (self.state, frame) {
            (State::ExpectMarks, Frame::Refused(refused)) => {
                self.come_back_s = refused.come_back_s;
                self.hub_versions = Some((refused.version_min, refused.version_max));
                let unknown = Fault::Version("an unknown reason of refusal");
                Err(Refusal::from_number(refused.reason).map_or(unknown, Fault::Refused))
            }
            (State::ExpectMarks, Frame::Marks(marks)) => self.marked(marks).map(Some),
            (State::ExpectMarks, Frame::Moved(moved)) if self.again => {
                let memory = std::mem::take(&mut self.line.memory);
                let marks = memory.marks_of(moved, |logs| {
                    self.move_marks(logs);
                    self.opening.holding
                });
                self.line.memory = memory;
                self.marked(marks?).map(Some)
            }
            (State::ExpectPages { .. }, Frame::Log(head)) => {
                let head = LogHead::try_from(&head)?;
                if head.replica() != self.replica() {
                    return Err(Fault::Peer("a log of another replica among restored ones"));
                }
                self.hear(head)?;
                Ok(None)
            }
            (State::ExpectPages { .. }, Frame::Ops(ops)) => self.restored(ops).map(Some),
            (State::ExpectPages { .. }, Frame::Feed(feed)) => self.page(feed).map(Some),
            (State::ExpectPages { .. }, Frame::Files(files)) => {
                let offered = self.opening.files.iter().map(|file| file.content);
                Ok(Some(Event::Files(offered.zip(files.standings.0.iter().map(Standing::from)).collect())))
            }
            (State::ExpectPages { .. }, Frame::Piece(piece)) => {
                Ok(Some(Event::Piece(ContentHash(piece.hash), piece.offset, piece.bytes.0)))
            }
            (State::ExpectPages { .. }, Frame::Attest(_)) => Ok(None),
            (State::ExpectPages { held }, Frame::End(End { more })) => {
                self.state = State::Ended { held, more };
                Ok(None)
            }
            // It crossed the request, and the reply brings what it was about.
            (State::ExpectMarks, Frame::Knock) => Ok(None),
            _ => Err(Fault::Peer("a frame out of order")),
        }
    }

    fn replica(&self) -> ReplicaId {
        ReplicaId::from_bytes(self.opening.hello.replica)
    }

    /// Takes marks, whole or made whole.
    fn marked(&mut self, marks: Marks) -> Result<Event, Fault> {
        if marks.logs.0.iter().any(|(_, stored, durable)| durable > stored) {
            return Err(Fault::Peer("a durable mark beyond the stored one"));
        }
        self.move_marks(&marks.logs.0);
        self.line.memory.marked(&marks);
        self.come_back_s = marks.come_back_s;
        self.state = State::ExpectPages { held: Holding { ops: marks.held_ops, sum: marks.held_sum } };
        Ok(Event::Marks(marks))
    }

    /// Keeps book of what the hub now is known to hold of this replica.
    fn move_marks(&mut self, marks: &[([u8; 8], u64, u64)]) {
        let held: BTreeMap<LogId, u64> = self
            .opening
            .open
            .iter()
            .filter(|open| open.proofs.is_empty())
            .map(|open| (open.head.log(), open.held))
            .chain(self.opening.inventory.iter().flatten().map(|own| (own.log, own.held)))
            .collect();
        for (log, stored, _) in marks {
            let log = LogId::from_bytes(*log);
            if let Some(held) = held.get(&log) {
                self.move_mark(log, (*stored).min(*held));
            }
        }
    }

    fn move_mark(&mut self, log: LogId, to: u64) {
        let before = self.stored.insert(log, to).unwrap_or(0);
        self.opening.holding.moved(log, before, to);
    }

    /// A head that the hub said.
    fn hear(&mut self, head: LogHead) -> Result<(), Fault> {
        self.heads_heard += 1;
        if self.heads_heard > FRAME_LOGS_MAX {
            return Err(Fault::Limit("more logs in one exchange than the protocol allows"));
        }
        self.line.memory.down.hear(head);
        Ok(())
    }

    /// A page with all its heads.
    fn page(&mut self, frame: FeedFrame) -> Result<Event, Fault> {
        let mut logs = Vec::new();
        for log in frame.logs.0 {
            logs.push(match log {
                PageLog::Head(head) => {
                    self.line.memory.down.hear(LogHead::try_from(&head)?);
                    head
                }
                PageLog::Number(number) => LogFrame::from(&self.line.memory.down.head(LogName::Number(number))?),
            });
        }
        let FeedFrame { topic, upto, entries, attests, .. } = frame;
        let feed = Feed { topic, upto, logs: List(logs), entries, attests };
        check_feed(&feed)?;
        self.line.memory.fed(topic, upto);
        Ok(Event::Feed(feed))
    }

    fn restored(&mut self, mut ops: Ops) -> Result<Event, Fault> {
        let head = self.line.memory.down.head(ops.log)?;
        let log = head.log();
        ops.first_seq = self.line.memory.down.first_heard(log, ops.first_seq, ops.ops.0.len());
        let known = self.stored.get(&log).copied().unwrap_or(0);
        if ops.first_seq == 0 || ops.first_seq > known + 1 {
            return Err(Fault::Peer("a gap in a restored log"));
        }
        let upto = ops.first_seq.saturating_add(ops.ops.0.len() as u64).saturating_sub(1);
        self.move_mark(log, upto.max(known));
        let bytes = ops.ops.0.into_iter().map(|Blob(bytes)| bytes).collect();
        Ok(Event::Restored { head, first_seq: ops.first_seq, ops: bytes })
    }

    /// Seconds to stay away, at the hub's wish; 0: none. Also of a hub that refused.
    pub fn come_back_s(&self) -> u32 {
        self.come_back_s
    }

    /// Lowest and highest version that the hub speaks, if it refused: refusals name them.
    pub fn hub_versions(&self) -> Option<(u8, u8)> {
        self.hub_versions
    }

    /// Logs of which the hub now keeps a signature, and up to where. After the reply has ended. A signature of which the
    /// hub lacks a single op it does not keep at all.
    pub fn signed(&self) -> Vec<(LogId, u64)> {
        let is_there = |(log, seq): &(LogId, u64)| self.stored.get(log).is_none_or(|stored| stored >= seq);
        self.signed.iter().filter(|heads| heads.iter().all(is_there)).flatten().copied().collect()
    }

    /// Ends the exchange when the reply has ended, and gives the line back for the next one.
    ///
    /// # Errors
    /// [`Fault::Cut`] if it ended before its last frame.
    pub fn finish(mut self) -> Result<(Outcome, Line), Fault> {
        // A line at rest holds no buffer.
        self.line.reader.begin();
        match self.state {
            State::Ended { held, more } => {
                let outcome = Outcome {
                    more: more || self.unsent,
                    in_order: held == self.opening.holding,
                    come_back_s: self.come_back_s,
                };
                Ok((outcome, self.line))
            }
            _ => Err(Fault::Cut),
        }
    }

    /// Whether the reply has come to its end: there is nothing more to wait for.
    pub fn is_ended(&self) -> bool {
        matches!(self.state, State::Ended { .. })
    }
}

/// All own logs, in as many frames as they need, and one if there are none.
fn put_inventory(inventory: &[OwnLog], out: &mut Vec<u8>) {
    let logs: Vec<_> = inventory.iter().take(INVENTORY_LOGS_MAX).map(|own| (own.log.to_bytes(), own.held)).collect();
    let mut pages = logs.chunks(FRAME_LOGS_MAX);
    let first = pages.next().unwrap_or_default();
    for page in std::iter::once(first).chain(pages) {
        Frame::Inventory(Inventory { logs: List(page.to_vec()) }).put(out);
    }
}

fn check_feed(feed: &Feed) -> Result<(), Fault> {
    if TopicKind::from_number(feed.topic).is_none() {
        return Err(Fault::Version("an unknown kind of topic"));
    }
    let numbers: Vec<u64> = feed.entries.0.iter().map(|entry| entry.number()).collect();
    let ascending = numbers.windows(2).all(|pair| pair[0] < pair[1]);
    if !ascending || numbers.last().is_some_and(|last| *last > feed.upto) {
        return Err(Fault::Peer("feed entries out of order"));
    }
    let heads = feed.heads()?;
    match feed.entries.0.iter().all(|entry| entry.op_id(&heads).is_some()) {
        true => Ok(()),
        false => Err(Fault::Peer("a feed entry of a log without its head")),
    }
}
