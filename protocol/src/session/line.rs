//! What both ends of an open connection remember of what was said on it, so that the next exchange carries only what
//! changed.
//!
//! ```text
//!   first exchange   KTG 1  Hello Have  Log Ops  End ──▶   ◀── KTG 1  Marks Feed End
//!   later ones              Again           Ops  End ──▶   ◀──        Moved      End
//! ```
//!
//! - A session takes a line by value and gives it back after a whole exchange only: whatever breaks an exchange ends the
//!   connection with its memory. A preamble begins a line anew.
//! - Both ends keep the same memory, because both bring it forward with the same code from the messages that went over
//!   the line: what is left out of a message is what the other end knows.
//! - It is small, whatever the other end says: [`LINE_LOGS_MAX`] logs for each direction, the oldest forgotten first, and a
//!   greeting of [`LINE_GREETING_BYTES_MAX`]. What is not remembered is said again.

use crate::error::Fault;
use crate::ids::{EpochId, LogId, TopicKind};
use crate::limits::{EPOCHS_MAX, LINE_GREETING_BYTES_MAX, LINE_LOGS_MAX};
use crate::log::{Holding, LogHead};
use crate::planted::{self, Defect};
use crate::wire::codec::{self, List};
use crate::wire::frame::FrameReader;
use crate::wire::v1::{
    Again, Change, Extensions, Frame, Hello, LineMark, LogName, Marks, Moved, MovedChange, hello_extension,
};

/// An open connection, as one of its ends remembers it. Lines are equal if they remember the same.
#[derive(Debug, Clone, Default)]
pub struct Line {
    pub(super) reader: FrameReader,
    pub(super) memory: Memory,
}

impl PartialEq for Line {
    fn eq(&self, other: &Line) -> bool {
        self.memory == other.memory
    }
}

impl Line {
    /// Whether nothing was said on it yet.
    pub fn is_fresh(&self) -> bool {
        self.memory.version.is_none()
    }

    /// At an agent, between two exchanges: takes what came, and says whether the hub knocked.
    ///
    /// # Errors
    /// [`Fault::Peer`] if something else came, and whatever a frame can be wrong with: the connection is of no use any more.
    pub fn hear(&mut self, bytes: &[u8]) -> Result<bool, Fault> {
        self.reader.push(bytes);
        let mut knocked = false;
        while let Some(raw) = self.reader.next_frame()? {
            match Frame::decode(&raw)? {
                Some(Frame::Knock) => knocked = true,
                Some(_) => return Err(Fault::Peer("a frame between two exchanges")),
                None => {}
            }
        }
        self.reader.begin();
        Ok(knocked)
    }

    /// At a hub: whether the agent listens for a knock until its next exchange.
    pub fn listens(&self) -> bool {
        let greeted = self.memory.greeted.as_ref();
        greeted.is_some_and(|greeted| greeted.hello.extensions.value(hello_extension::LISTENS).is_some())
    }

    /// Up to where the agent has read a topic of this kind, as far as the line knows; else from its beginning.
    pub fn cursor(&self, topic: TopicKind) -> u64 {
        let mut cursors = self.memory.greeted.iter().flat_map(|greeted| &greeted.cursors);
        cursors.find(|(kind, _)| *kind == topic).map_or(0, |(_, number)| *number)
    }
}

/// What is remembered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Memory {
    /// Major version of the line; none before its first exchange.
    pub(super) version: Option<u8>,
    pub(super) greeted: Option<Greeted>,
    /// Logs named in requests.
    pub(super) up: Logs,
    /// Logs named in replies.
    pub(super) down: Logs,
}

/// The last greeting, and where its answer left the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Greeted {
    pub(super) hello: Hello,
    pub(super) epochs: Vec<EpochId>,
    pub(super) cursors: Vec<(TopicKind, u64)>,
    /// Milliseconds between this greeting and the one before it.
    passed_ms: u64,
    /// What the hub said last; none if it was too much to be remembered.
    marked: Option<Marked>,
}

/// What of the last marks may be left out of the next.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Marked {
    hub_ms: i64,
    topics: Vec<u8>,
    notices: List<u16, 16>,
    extensions: Extensions,
}

impl Memory {
    /// After a whole greeting.
    pub(super) fn greet(&mut self, hello: &Hello, epochs: Vec<EpochId>, cursors: Vec<(TopicKind, u64)>) {
        let is_short = codec::encode(hello).len() <= LINE_GREETING_BYTES_MAX;
        let hello = hello.clone();
        self.greeted = is_short.then_some(Greeted { hello, epochs, cursors, passed_ms: 0, marked: None });
    }

    /// What a hub says instead of whole marks.
    pub(super) fn moved(&self, marks: &Marks) -> Option<Moved> {
        let greeted = self.greeted.as_ref()?;
        let marked = greeted.marked.as_ref()?;
        let mut changes = Vec::new();
        if !marks.epochs.0.is_empty() {
            changes.push(MovedChange::Epochs(marks.epochs.clone()));
        }
        if marks.cursors.0 != greeted.cursors_of(&marked.topics) {
            changes.push(MovedChange::Cursors(marks.cursors.clone()));
        }
        if marks.come_back_s != 0 {
            changes.push(MovedChange::ComeBack(marks.come_back_s));
        }
        if marks.notices != marked.notices {
            changes.push(MovedChange::Notices(marks.notices.clone()));
        }
        if marks.extensions != marked.extensions {
            changes.push(MovedChange::Extensions(marks.extensions.clone()));
        }
        let logs = marks.logs.0.iter().map(|(id, stored, durable)| {
            let log = LogId::from_bytes(*id);
            let (expected, covered) = self.up.marks_of(log);
            LineMark {
                log: self.up.name(log),
                stored: stored.wrapping_sub(expected) as i64,
                durable: durable.wrapping_sub(covered) as i64,
            }
        });
        Some(Moved {
            hub_ms: marks.hub_ms.wrapping_sub(marked.hub_ms).wrapping_sub(greeted.passed_ms as i64),
            logs: List(logs.collect()),
            held: low(marks.held_sum),
            changes: List(changes),
        })
    }

    /// The whole marks again. `believed` is the holding that the agent believes in after given marks of its logs.
    pub(super) fn marks_of(
        &self,
        moved: Moved,
        believed: impl FnOnce(&[([u8; 8], u64, u64)]) -> Holding,
    ) -> Result<Marks, Fault> {
        let unknown = Fault::Peer("marks that go on from none");
        let greeted = self.greeted.as_ref().ok_or(unknown.clone())?;
        let marked = greeted.marked.as_ref().ok_or(unknown)?;
        let mut logs = Vec::new();
        for mark in moved.logs.0 {
            let log = self.up.id(mark.log)?;
            let (expected, covered) = self.up.marks_of(log);
            let (stored, durable) =
                (expected.wrapping_add(mark.stored as u64), covered.wrapping_add(mark.durable as u64));
            logs.push((log.to_bytes(), stored, durable));
        }
        let Holding { ops, sum } = believed(&logs);
        let mut marks = Marks {
            hub_ms: marked.hub_ms.wrapping_add(greeted.passed_ms as i64).wrapping_add(moved.hub_ms),
            epochs: List::default(),
            cursors: List(greeted.cursors_of(&marked.topics)),
            logs: List(logs),
            held_ops: ops,
            // The same number if the two sides agree, and another if not.
            held_sum: sum & !u64::from(u32::MAX) | u64::from(u32::from_be_bytes(moved.held)),
            come_back_s: 0,
            notices: marked.notices.clone(),
            extensions: marked.extensions.clone(),
        };
        for change in moved.changes.0 {
            match change {
                MovedChange::Epochs(epochs) => marks.epochs = epochs,
                MovedChange::Cursors(cursors) => marks.cursors = cursors,
                MovedChange::ComeBack(seconds) => marks.come_back_s = seconds,
                MovedChange::Notices(notices) => marks.notices = notices,
                MovedChange::Extensions(extensions) => marks.extensions = extensions,
            }
        }
        Ok(marks)
    }

    /// After marks, whole or not.
    pub(super) fn marked(&mut self, marks: &Marks) {
        for (id, stored, durable) in &marks.logs.0 {
            self.up.marked(LogId::from_bytes(*id), *stored, *durable);
        }
        let Some(greeted) = &mut self.greeted else { return };
        for (epoch, _) in &marks.epochs.0 {
            let epoch = EpochId::from_bytes(*epoch);
            if !greeted.epochs.contains(&epoch) {
                greeted.epochs.push(epoch);
            }
        }
        greeted.epochs.drain(..greeted.epochs.len().saturating_sub(EPOCHS_MAX));
        for (kind, number) in &marks.cursors.0 {
            let of_kind = greeted.cursors.iter_mut().filter(|(known, _)| *known as u8 == *kind);
            of_kind.for_each(|(_, cursor)| *cursor = (*cursor).min(*number));
        }
        let is_short = codec::encode(&marks.extensions).len() <= LINE_GREETING_BYTES_MAX;
        greeted.marked = is_short.then(|| Marked {
            hub_ms: marks.hub_ms,
            topics: marks.cursors.0.iter().map(|(kind, _)| *kind).collect(),
            notices: marks.notices.clone(),
            extensions: marks.extensions.clone(),
        });
    }

    /// After a page of the feed.
    pub(super) fn fed(&mut self, topic: u8, upto: u64) {
        let cursors = self.greeted.iter_mut().flat_map(|greeted| &mut greeted.cursors);
        cursors.filter(|(kind, _)| *kind as u8 == topic).for_each(|(_, cursor)| *cursor = upto);
    }
}

/// The lower half, which is enough to see that two sides agree.
fn low(sum: u64) -> [u8; 4] {
    (sum as u32).to_be_bytes()
}

impl Greeted {
    /// What an agent says instead of a whole greeting; `None` if that would not be enough.
    pub(super) fn again(&self, hello: &Hello, epochs: &[EpochId], cursors: &[(TopicKind, u64)]) -> Option<Again> {
        let known = &self.hello;
        let fixed = |hello: &Hello| (hello.version_min, hello.version_max, hello.replica, hello.run.clone());
        let named = |hello: &Hello| (hello.program.clone(), hello.extensions.clone());
        if self.marked.is_none() || fixed(known) != fixed(hello) || named(known) != named(hello) {
            return None;
        }
        let mut changes = Vec::new();
        if differs(known.round_trip_ms.into(), hello.round_trip_ms.into()) {
            changes.push(Change::RoundTrip(hello.round_trip_ms));
        }
        if differs(known.link_bytes_s.into(), hello.link_bytes_s.into()) {
            changes.push(Change::LinkSpeed(hello.link_bytes_s));
        }
        if differs(known.free_bytes, hello.free_bytes) {
            changes.push(Change::FreeBytes(hello.free_bytes));
        }
        if self.epochs != epochs {
            changes.push(Change::Epochs(List(epochs.iter().map(|epoch| epoch.to_bytes()).collect())));
        }
        if self.cursors != cursors {
            changes.push(Change::Cursors(List(cursors.iter().map(|(kind, number)| (*kind as u8, *number)).collect())));
        }
        let elapsed_ms = hello.elapsed_ms.wrapping_sub(known.elapsed_ms);
        Some(Again {
            elapsed_ms,
            wall_ms: hello.wall_ms.wrapping_sub(known.wall_ms).wrapping_sub(elapsed_ms as i64),
            ops_written: hello.ops_written.wrapping_sub(known.ops_written) as i64,
            ops_pending: hello.ops_pending.wrapping_sub(known.ops_pending) as i64,
            oldest_pending_ms: hello.oldest_pending_ms,
            changes: List(changes),
            logs: List::default(),
        })
    }

    /// Brings the greeting forward, at both ends.
    pub(super) fn go_on(&mut self, again: &Again) -> Result<(), Fault> {
        if self.marked.is_none() {
            return Err(Fault::Peer("a greeting that goes on from none"));
        }
        let hello = &mut self.hello;
        hello.elapsed_ms = hello.elapsed_ms.wrapping_add(again.elapsed_ms);
        hello.wall_ms = hello.wall_ms.wrapping_add(again.elapsed_ms as i64).wrapping_add(again.wall_ms);
        hello.ops_written = hello.ops_written.wrapping_add(again.ops_written as u64);
        hello.ops_pending = hello.ops_pending.wrapping_add(again.ops_pending as u64);
        hello.oldest_pending_ms = again.oldest_pending_ms;
        self.passed_ms = again.elapsed_ms;
        for change in &again.changes.0 {
            match change {
                Change::RoundTrip(ms) => hello.round_trip_ms = *ms,
                Change::LinkSpeed(speed) => hello.link_bytes_s = *speed,
                Change::FreeBytes(bytes) => hello.free_bytes = *bytes,
                Change::Epochs(epochs) => self.epochs = epochs.0.iter().map(|id| EpochId::from_bytes(*id)).collect(),
                Change::Cursors(list) => self.cursors = cursors(&list.0)?,
            }
        }
        Ok(())
    }

    fn cursors_of(&self, topics: &[u8]) -> Vec<(u8, u64)> {
        let of_kind = |topic: u8| self.cursors.iter().find(|(kind, _)| *kind as u8 == topic);
        topics.iter().map(|topic| (*topic, of_kind(*topic).map_or(0, |(_, number)| *number))).collect()
    }
}

/// Cursors as they stand in a message.
pub(super) fn cursors(list: &[(u8, u64)]) -> Result<Vec<(TopicKind, u64)>, Fault> {
    let unknown = Fault::Version("an unknown kind of topic");
    list.iter().map(|(kind, n)| Ok((TopicKind::from_number(*kind).ok_or(unknown.clone())?, *n))).collect()
}

/// Whether a measurement has moved so far that it is worth telling: more than a quarter, or from or to nothing.
fn differs(known: u64, now: u64) -> bool {
    known.abs_diff(now) > known / 4
}

/// Logs by number, in the order in which their heads were said. The latest are remembered; a new one takes the number
/// of the oldest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Logs {
    entries: Vec<Named>,
    /// Place of the oldest, once there is no room for more.
    oldest: usize,
}

/// A log that was spoken of.
#[derive(Debug, Clone)]
pub(super) struct Named {
    log: LogId,
    /// At the end that heard it.
    head: Option<Box<LogHead>>,
    /// Seq behind the last op that was sent or acknowledged.
    pub(super) next_seq: u64,
    /// Durable mark, as it was told last.
    durable: u64,
}

impl PartialEq for Named {
    fn eq(&self, other: &Named) -> bool {
        (self.log, self.next_seq, self.durable) == (other.log, other.next_seq, other.durable)
    }
}

impl Eq for Named {}

impl Logs {
    /// Takes note that the head of a log is said, if it is not remembered. Whether it has to be.
    pub(super) fn say(&mut self, log: LogId) -> bool {
        let is_new = self.place(log).is_none();
        if is_new {
            self.add(log, None);
        }
        is_new
    }

    /// Takes note of a head that was heard.
    pub(super) fn hear(&mut self, head: LogHead) {
        if self.place(head.log()).is_none() {
            self.add(head.log(), Some(Box::new(head)));
        }
    }

    fn add(&mut self, log: LogId, head: Option<Box<LogHead>>) {
        let named = Named { log, head, next_seq: 1, durable: 0 };
        if self.entries.len() < LINE_LOGS_MAX {
            return self.entries.push(named);
        }
        if let Some(oldest) = self.entries.get_mut(self.oldest) {
            *oldest = named;
        }
        self.oldest = (self.oldest + 1) % LINE_LOGS_MAX;
    }

    fn place(&self, log: LogId) -> Option<usize> {
        self.entries.iter().position(|named| named.log == log)
    }

    /// What to call a log.
    pub(super) fn name(&self, log: LogId) -> LogName {
        self.place(log).map_or(LogName::Id(log.to_bytes()), |place| LogName::Number(place as u8))
    }

    /// The log that is called so.
    pub(super) fn id(&self, name: LogName) -> Result<LogId, Fault> {
        match name {
            LogName::Id(id) => Ok(LogId::from_bytes(id)),
            LogName::Number(number) => {
                let named = self.entries.get(usize::from(number));
                named.map(|named| named.log).ok_or(Fault::Peer("a number of no log"))
            }
        }
    }

    /// The log of this name, if its head was heard on this line.
    pub(super) fn head(&self, name: LogName) -> Result<LogHead, Fault> {
        let log = self.id(name)?;
        let head = self.place(log).and_then(|place| self.entries.get(place)).and_then(|named| named.head.as_deref());
        head.cloned().ok_or(Fault::Peer("ops of a log without its head"))
    }

    /// What stands in a message for the seq of the first of some ops: 0 if they follow on.
    pub(super) fn first_said(&mut self, log: LogId, first_seq: u64, count: usize) -> u64 {
        let Some(named) = self.named(log) else { return first_seq };
        let follows = named.next_seq == first_seq;
        named.next_seq = first_seq.saturating_add(count as u64);
        if follows || planted::active(Defect::AlwaysFollowsOn) { 0 } else { first_seq }
    }

    /// The seq of the first of some ops, from what stood for it.
    pub(super) fn first_heard(&mut self, log: LogId, said: u64, count: usize) -> u64 {
        let Some(named) = self.named(log) else { return said };
        let first_seq = if said == 0 { named.next_seq } else { said };
        named.next_seq = first_seq.saturating_add(count as u64);
        first_seq
    }

    /// What stands in a message for a seq up to which a log goes: 0 if that is how far was said.
    pub(super) fn upto_said(&self, log: LogId, seq: u64) -> u64 {
        if self.marks_of(log).0 == seq { 0 } else { seq }
    }

    /// The seq up to which a log goes, from what stood for it.
    pub(super) fn upto_heard(&self, log: LogId, said: u64) -> u64 {
        if said == 0 { self.marks_of(log).0 } else { said }
    }

    /// The marks of a log that are expected: all that was sent is stored, and no more is durable than before.
    fn marks_of(&self, log: LogId) -> (u64, u64) {
        let named = self.place(log).and_then(|place| self.entries.get(place));
        named.map_or((0, 0), |named| (named.next_seq.saturating_sub(1), named.durable))
    }

    fn marked(&mut self, log: LogId, stored: u64, durable: u64) {
        if let Some(named) = self.named(log) {
            named.durable = durable;
            named.next_seq = stored.saturating_add(1);
        }
    }

    fn named(&mut self, log: LogId) -> Option<&mut Named> {
        self.entries.iter_mut().find(|named| named.log == log)
    }
}
