//! The messages of version 1. Frozen: a released struct is never changed; what a later version adds goes into
//! `extensions`, into a frame of a new kind, or into version 2.

use std::fmt;

use bincode::de::{BorrowDecode, BorrowDecoder, Decoder};
use bincode::enc::Encoder;
use bincode::error::{DecodeError, EncodeError};
use bincode::{Decode, Encode};

use super::codec::{self, Blob, List, Txt};
use super::frame::{self, KIND_END, KIND_END_MORE, KIND_SKIPPABLE, RawFrame};
use crate::attachment::{Content, ContentHash, Standing};
use crate::clock::RunHead;
use crate::error::Fault;
use crate::ids::{Lane, LogId, OfficeCode, OpId, ReplicaId, RunId};
use crate::limits::{
    ATTEST_HEADS_MAX, CHUNK_BYTES_MAX, EPOCHS_MAX, EXTENSION_BYTES_MAX, EXTENSIONS_MAX, FRAME_LOGS_MAX, FRAME_OPS_MAX,
    NAME_BYTES_MAX, OFFER_FILES_MAX, OP_BYTES_MAX,
};
use crate::log::LogHead;
use crate::next;
use crate::pack::Packer;

/// Version of the protocol that this file speaks.
pub const VERSION: u8 = 1;

/// Numbered fields that a later version adds.
pub type Extensions = List<(u16, Blob<EXTENSION_BYTES_MAX>), EXTENSIONS_MAX>;

impl Extensions {
    /// What stands in the field of that number; `None` if the speaker said nothing there.
    pub fn value(&self, number: u16) -> Option<&[u8]> {
        self.0.iter().find(|(said, _)| *said == number).map(|(_, value)| value.0.as_slice())
    }
}

/// Any message, by the kind of its frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// 1, up: who speaks.
    Hello(Hello),
    /// 2, up: what the speaker believes to stand at the hub, and how far it has read.
    Have(Have),
    /// 3, both ways: the head of a log, before its first `Ops` frame in a stream.
    Log(LogFrame),
    /// 4, both ways: ops of one log, in order.
    Ops(Ops),
    /// 5, both ways: a replica's signature over heads of its logs.
    Attest(Attest),
    /// 6, up: all logs of its own that the speaker holds, when the two sides differ.
    Inventory(Inventory),
    /// 7, up, behind all ops: files that records of the speaker name and the hub is not known to have.
    Offer(Offer),
    /// 8, up: a part of a file that was offered.
    Chunk(Chunk),
    /// 9, up: who speaks and how far it has read, in place of `Hello` and `Have`, as far as it changed on this line.
    Again(Again),
    /// 10, up: the head of a log of the run that speaks, in place of `Log`.
    RunLog(RunLog),
    /// 11, up: the speaker's signature over its own logs, in place of `Attest`, without hashes that the hub knows.
    Signed(Signed),
    /// 16, down, first: what stands at the hub.
    Marks(Marks),
    /// 17, down: a page of what concerns the office.
    Feed(FeedFrame),
    /// 18, down, alone: why the hub will not talk.
    Refused(Refused),
    /// 19, down: how far the hub has the files that were offered.
    Files(Files),
    /// 20, down, first: what stands at the hub, as far as it changed on this line.
    Moved(Moved),
    /// 138, up, behind everything: the part of an update file that is wanted next.
    Fetch(Fetch),
    /// 149, down, behind everything: that part.
    Piece(Piece),
    /// 150, down, between two exchanges: something concerns the speaker's office that it has not read.
    Knock,
    /// 30 and 31, both ways, last: nothing was cut off.
    End(End),
}

/// Numbers of the kinds.
pub mod kind {
    #![allow(missing_docs)]
    use crate::wire::frame::KIND_SKIPPABLE;

    pub const HELLO: u8 = 1;
    pub const HAVE: u8 = 2;
    pub const LOG: u8 = 3;
    pub const OPS: u8 = 4;
    pub const ATTEST: u8 = 5;
    pub const INVENTORY: u8 = 6;
    pub const OFFER: u8 = 7;
    pub const CHUNK: u8 = 8;
    pub const AGAIN: u8 = 9;
    pub const RUN_LOG: u8 = 10;
    pub const SIGNED: u8 = 11;
    pub const MARKS: u8 = 16;
    pub const FEED: u8 = 17;
    pub const REFUSED: u8 = 18;
    pub const FILES: u8 = 19;
    pub const MOVED: u8 = 20;
    pub const FETCH: u8 = KIND_SKIPPABLE | 10;
    pub const PIECE: u8 = KIND_SKIPPABLE | 21;
    pub const KNOCK: u8 = KIND_SKIPPABLE | 22;
}

impl Frame {
    /// Appends the frame to a stream in which nothing is packed.
    pub fn put(&self, out: &mut Vec<u8>) {
        self.put_packed(out, &mut Packer::none());
    }

    /// Appends the frame to the stream that `packer` is for.
    pub fn put_packed(&self, out: &mut Vec<u8>, packer: &mut Packer) {
        let (kind, body) = match self {
            Frame::Hello(message) => (kind::HELLO, codec::encode(message)),
            Frame::Have(message) => (kind::HAVE, codec::encode(message)),
            Frame::Log(message) => (kind::LOG, codec::encode(message)),
            Frame::Ops(message) => (kind::OPS, codec::encode(message)),
            Frame::Attest(message) => (kind::ATTEST, codec::encode(message)),
            Frame::Inventory(message) => (kind::INVENTORY, codec::encode(message)),
            Frame::Offer(message) => (kind::OFFER, codec::encode(message)),
            Frame::Chunk(message) => (kind::CHUNK, codec::encode(message)),
            Frame::Marks(message) => (kind::MARKS, codec::encode(message)),
            Frame::Feed(message) => (kind::FEED, codec::encode(message)),
            Frame::Refused(message) => (kind::REFUSED, codec::encode(message)),
            Frame::Files(message) => (kind::FILES, codec::encode(message)),
            Frame::Again(message) => (kind::AGAIN, codec::encode(message)),
            Frame::RunLog(message) => (kind::RUN_LOG, codec::encode(message)),
            Frame::Signed(message) => (kind::SIGNED, codec::encode(message)),
            Frame::Moved(message) => (kind::MOVED, codec::encode(message)),
            Frame::Fetch(message) => (kind::FETCH, codec::encode(message)),
            Frame::Piece(message) => (kind::PIECE, codec::encode(message)),
            Frame::Knock => (kind::KNOCK, Vec::new()),
            Frame::End(End { more: false }) => (KIND_END, Vec::new()),
            Frame::End(End { more: true }) => (KIND_END_MORE, Vec::new()),
        };
        frame::put_packed(out, kind, &body, packer);
    }

    /// The message in a frame; `None` for a kind that may be skipped.
    ///
    /// # Errors
    /// As [`codec::decode`]; [`Fault::Version`] for a kind that must not be skipped and is not known.
    pub fn decode(raw: &RawFrame) -> Result<Option<Frame>, Fault> {
        let body = &raw.body;
        Ok(Some(match raw.kind {
            kind::HELLO => Frame::Hello(codec::decode(body)?),
            kind::HAVE => Frame::Have(codec::decode(body)?),
            kind::LOG => Frame::Log(codec::decode(body)?),
            kind::OPS => Frame::Ops(codec::decode(body)?),
            kind::ATTEST => Frame::Attest(codec::decode(body)?),
            kind::INVENTORY => Frame::Inventory(codec::decode(body)?),
            kind::OFFER => Frame::Offer(codec::decode(body)?),
            kind::CHUNK => Frame::Chunk(codec::decode(body)?),
            kind::MARKS => Frame::Marks(codec::decode(body)?),
            kind::FEED => Frame::Feed(codec::decode(body)?),
            kind::REFUSED => Frame::Refused(codec::decode(body)?),
            kind::FILES => Frame::Files(codec::decode(body)?),
            kind::AGAIN => Frame::Again(codec::decode(body)?),
            kind::RUN_LOG => Frame::RunLog(codec::decode(body)?),
            kind::SIGNED => Frame::Signed(codec::decode(body)?),
            kind::MOVED => Frame::Moved(codec::decode(body)?),
            kind::FETCH => Frame::Fetch(codec::decode(body)?),
            kind::PIECE => Frame::Piece(codec::decode(body)?),
            // What a later version may say with it is passed over.
            kind::KNOCK => Frame::Knock,
            KIND_END => Frame::End(End { more: false }),
            KIND_END_MORE => Frame::End(End { more: true }),
            KIND_SKIPPABLE.. => return Ok(None),
            next::KIND_NEEDED if next::active() => return Ok(None),
            _ => return Err(Fault::Version("an unknown kind of frame")),
        }))
    }
}

/// Who speaks, for how long it has run, and how it fares.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Hello {
    /// Lowest version spoken.
    pub version_min: u8,
    /// Highest version spoken.
    pub version_max: u8,
    /// The replica; the same as its certificate names.
    pub replica: [u8; 8],
    /// The run that speaks.
    pub run: RunFrame,
    /// Milliseconds since that run began.
    pub elapsed_ms: u64,
    /// What the PC's clock shows, milliseconds since 1970.
    pub wall_ms: i64,
    /// Last measured round trip to the hub in milliseconds; 0 if none was measured.
    pub round_trip_ms: u32,
    /// Bytes a second that the link carried when it was last measured; 0 if it was not. Who answers chooses by it how to
    /// code ops.
    pub link_bytes_s: u32,
    /// Ops ever written by this replica, as far as it remembers.
    pub ops_written: u64,
    /// Ops written and not yet known to be stored at the hub.
    pub ops_pending: u64,
    /// Milliseconds since the oldest pending op was written; 0 if none pends.
    pub oldest_pending_ms: u64,
    /// Bytes free on the disk of the store.
    pub free_bytes: u64,
    /// Name, version and platform of the program.
    pub program: Txt<NAME_BYTES_MAX>,
    /// For later versions.
    pub extensions: Extensions,
}

/// A run, see [`RunHead`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct RunFrame {
    /// The run.
    pub run: [u8; 8],
    /// Its number on the replica.
    pub ordinal: u32,
    /// The run before it.
    pub before: Option<[u8; 8]>,
    /// The start of the machine, hashed.
    pub boot: [u8; 8],
    /// Milliseconds since that start.
    pub boot_ms: u64,
    /// What the PC's clock showed.
    pub wall_ms: i64,
}

/// What the speaker believes to stand at the hub, and how far it has read.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Have {
    /// Hub epochs it knows, the latest last.
    pub epochs: List<[u8; 8], EPOCHS_MAX>,
    /// Kind of topic and number of the last feed entry it has stored.
    pub cursors: List<(u8, u64), 4>,
    /// Logs whose marks it wants to know, beside those of which ops follow.
    pub logs: List<LogName, FRAME_LOGS_MAX>,
}

/// What a log is called in a message: by its id, or by the number that it has on this line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogName {
    /// Its id.
    Id([u8; 8]),
    /// Its number among the logs whose heads were said in this direction.
    Number(u8),
}

/// Who speaks, in place of a whole greeting: what changed since the last one on this line.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Again {
    /// Milliseconds since the last greeting.
    pub elapsed_ms: u64,
    /// How much further the PC's clock went in that time.
    pub wall_ms: i64,
    /// Ops more than before that were ever written.
    pub ops_written: i64,
    /// Ops more than before that are pending.
    pub ops_pending: i64,
    /// As in [`Hello`].
    pub oldest_pending_ms: u64,
    /// What else is other than before.
    pub changes: List<Change, 8>,
    /// As in [`Have`].
    pub logs: List<LogName, FRAME_LOGS_MAX>,
}

/// A part of a greeting that is other than before.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Change {
    /// The round trip, in milliseconds.
    RoundTrip(u32),
    /// The speed of the link, in bytes a second.
    LinkSpeed(u32),
    /// Bytes free on the disk.
    FreeBytes(u64),
    /// Hub epochs that are known.
    Epochs(List<[u8; 8], EPOCHS_MAX>),
    /// How far it has read.
    Cursors(List<(u8, u64), 4>),
}

/// The head of a log. It does not name the log: the name follows from it, see [`LogHead::log`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct LogFrame {
    /// Who writes it.
    pub replica: [u8; 8],
    /// The office it is about.
    pub office: Txt<NAME_BYTES_MAX>,
    /// Priority class.
    pub lane: u8,
    /// The run that writes it.
    pub run: RunFrame,
}

/// The head of a log whose writer and run are those of the greeting, without them.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct RunLog {
    /// The office it is about.
    pub office: Txt<NAME_BYTES_MAX>,
    /// Priority class.
    pub lane: u8,
}

/// Consecutive ops of one log.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Ops {
    /// The log; its head came before on this line.
    pub log: LogName,
    /// Seq of the first op; 0 if they follow on what was said of the log on this line.
    pub first_seq: u64,
    /// The ops' bytes, as their writer encoded them.
    pub ops: List<Blob<OP_BYTES_MAX>, FRAME_OPS_MAX>,
}

/// A replica's signature over heads of its logs.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Attest {
    /// Whose logs, and whose signature.
    pub replica: [u8; 8],
    /// Log, seq, and the running hash there.
    pub heads: List<([u8; 8], u64, [u8; 32]), ATTEST_HEADS_MAX>,
    /// Ed25519 over [`Attest::signed_bytes`].
    pub signature: [u8; 64],
}

/// The speaker's signature over heads of its own logs. The reader knows the running hashes, or has no use for it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Signed {
    /// Log and seq, in the order in which they are signed; 0: as far as was said of the log on this line.
    pub heads: List<(LogName, u64), ATTEST_HEADS_MAX>,
    /// As in [`Attest`].
    pub signature: [u8; 64],
}

impl Attest {
    /// What the signature is over: a fixed text, then replica and heads as they are encoded.
    pub fn signed_bytes(&self) -> Vec<u8> {
        let mut bytes = b"kentongan attest 1".to_vec();
        bytes.extend(codec::encode(&(self.replica, &self.heads)));
        bytes
    }
}

/// All logs of its own that the speaker holds.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Inventory {
    /// Log, and how many of its ops are held without gap.
    pub logs: List<([u8; 8], u64), FRAME_LOGS_MAX>,
}

/// Files that records of the speaker name and the hub is not known to have.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Offer {
    /// The files, those that go first at the beginning.
    pub files: List<FileFrame, OFFER_FILES_MAX>,
}

/// A file, see [`Content`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct FileFrame {
    /// SHA-256 over it.
    pub hash: [u8; 32],
    /// Its length.
    pub bytes: u32,
    /// Its kind.
    pub media: u8,
}

/// A part of a file that was offered.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Chunk {
    /// Place of the file in the offer of this request, from 0.
    pub file: u8,
    /// Where in the file the part begins.
    pub offset: u32,
    /// The part.
    pub bytes: Blob<CHUNK_BYTES_MAX>,
}

/// How far the hub has the files that were offered, in the order of the offer.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Files {
    /// For each of them.
    pub standings: List<FileStanding, OFFER_FILES_MAX>,
}

/// How far the hub has a file, see [`Standing`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum FileStanding {
    /// So many bytes from its beginning; the rest is wanted.
    Wanted(u32),
    /// All of it.
    Held,
    /// Not to be had, or not what it claims to be.
    SetAside,
    /// No op of the speaker names it here.
    Unknown,
}

/// The part of an update file that is wanted next.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Fetch {
    /// SHA-256 over the file.
    pub hash: [u8; 32],
    /// Where in the file the part begins.
    pub offset: u32,
}

/// A part of an update file.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Piece {
    /// SHA-256 over the file.
    pub hash: [u8; 32],
    /// Where in the file the part begins.
    pub offset: u32,
    /// The part.
    pub bytes: Blob<CHUNK_BYTES_MAX>,
}

/// An update file that the hub offers; the value of [`extension::UPDATE`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Offered {
    /// SHA-256 over the file.
    pub hash: [u8; 32],
    /// Its length.
    pub bytes: u32,
    /// Its version, as the hub read it.
    pub version: Txt<NAME_BYTES_MAX>,
}

/// What stands at the hub.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct Marks {
    /// The hub's clock, milliseconds since 1970.
    pub hub_ms: i64,
    /// Epochs of the hub that the agent does not know yet, and the feed number each began after; the latest last.
    pub epochs: List<([u8; 8], u64), EPOCHS_MAX>,
    /// For each topic: its kind, and the feed number from which the hub reads on for this agent. Lower than the agent's
    /// cursor if the hub has forgotten what it once gave.
    pub cursors: List<(u8, u64), 4>,
    /// For each log that the request named: stored mark and durable mark.
    pub logs: List<([u8; 8], u64, u64), FRAME_LOGS_MAX>,
    /// Ops of this replica that the hub holds, see [`crate::log::Holding`].
    pub held_ops: u64,
    /// Sum over them.
    pub held_sum: u64,
    /// Ask again in this many seconds at the earliest; 0: as the agent likes.
    pub come_back_s: u32,
    /// Things to tell a person, see [`notice`].
    pub notices: List<u16, 16>,
    /// For later versions.
    pub extensions: Extensions,
}

/// What stands at the hub, in place of whole marks: what changed since the last ones on this line.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Moved {
    /// How much further the hub's clock went than the agent's since the last exchange.
    pub hub_ms: i64,
    /// As in [`Marks`].
    pub logs: List<LineMark, FRAME_LOGS_MAX>,
    /// The lower half of the sum over what the hub holds.
    pub held: [u8; 4],
    /// What else is other than before.
    pub changes: List<MovedChange, 8>,
}

/// Marks of a log, against what is expected of them: that all that was sent is stored, and no more is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct LineMark {
    /// The log.
    pub log: LogName,
    /// Its stored mark, less the expected one.
    pub stored: i64,
    /// Its durable mark, less the expected one.
    pub durable: i64,
}

/// A part of marks that is other than expected.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum MovedChange {
    /// Epochs to tell; none are expected.
    Epochs(List<([u8; 8], u64), EPOCHS_MAX>),
    /// Cursors other than those of the greeting.
    Cursors(List<(u8, u64), 4>),
    /// When to come back; not asked for is expected.
    ComeBack(u32),
    /// Notices other than the last ones.
    Notices(List<u16, 16>),
    /// Extensions other than the last ones.
    Extensions(Extensions),
}

/// Numbers of extensions in [`Marks`].
pub mod extension {
    /// When the hub last raised durable marks, by its clock: an `i64`, milliseconds since 1970. When it has changed, an
    /// agent asks for the durable marks of its logs by naming them in [`super::Have`].
    pub const BACKED_UP: u16 = 1;
    /// Numbers of the hub's last backup that was begun and of the last one that was done, two `u64`; missing: none was begun.
    /// What the hub held when it said so is in every backup of a higher number than the one begun.
    pub const BACKUPS: u16 = 2;
    /// An update that the hub has for the program that Hello named, an [`super::Offered`]. Whether it is wanted is the agent's
    /// business.
    pub const UPDATE: u16 = 3;
}

/// Numbers of extensions in [`Hello`].
pub mod hello_extension {
    /// The agent takes no pages of the feed in this exchange: its link costs. The value is empty.
    pub const NO_FEED: u16 = 1;
    /// Between two exchanges on this line the agent listens for a [`super::Frame::Knock`]. The value is empty.
    pub const LISTENS: u16 = 2;
}

/// Numbers of notices in [`Marks`].
pub mod notice {
    /// Two machines answer as this replica.
    pub const TWIN: u16 = 1;
    /// The device certificate is past half of its life: renew it.
    pub const RENEW: u16 = 2;
}

/// A page of the feed of one topic, as it stands in a stream.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct FeedFrame {
    /// Kind of the topic.
    pub topic: u8,
    /// The cursor after this page.
    pub upto: u64,
    /// The logs that the entries are of.
    pub logs: List<PageLog, FRAME_LOGS_MAX>,
    /// The entries, by number ascending.
    pub entries: List<FeedEntry, FRAME_OPS_MAX>,
    /// Attestations over those logs, as their writers signed them.
    pub attests: List<Attest, 64>,
}

/// A log in a page.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum PageLog {
    /// Its head, for the first time on this line.
    Head(LogFrame),
    /// Its number among the logs whose heads the hub said on this line.
    Number(u8),
}

/// A page of the feed of one topic, with all its heads. It and the cursor behind it commit together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feed {
    /// Kind of the topic.
    pub topic: u8,
    /// The cursor after this page.
    pub upto: u64,
    /// Heads of the logs that the entries are of.
    pub logs: List<LogFrame, FRAME_LOGS_MAX>,
    /// The entries, by number ascending.
    pub entries: List<FeedEntry, FRAME_OPS_MAX>,
    /// Attestations over those logs, as their writers signed them.
    pub attests: List<Attest, 64>,
}

/// One entry of a feed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum FeedEntry {
    /// An op written elsewhere.
    Op {
        /// Its number in the feed.
        number: u64,
        /// Its log, by place in the page's `logs`.
        log: u16,
        /// Its seq.
        seq: u64,
        /// Its bytes.
        bytes: Blob<OP_BYTES_MAX>,
    },
    /// What the hub says of an op.
    Verdict {
        /// Its number in the feed.
        number: u64,
        /// The op's log.
        log: [u8; 8],
        /// The op's seq.
        seq: u64,
        /// The judgement.
        verdict: VerdictFrame,
    },
}

impl FeedEntry {
    /// Its number in the feed.
    pub fn number(&self) -> u64 {
        match self {
            FeedEntry::Op { number, .. } | FeedEntry::Verdict { number, .. } => *number,
        }
    }
}

/// A judgement, see [`crate::judge::Verdict`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum VerdictFrame {
    /// In order; sent when an earlier judgement was taken back.
    Accepted,
    /// To be mended: field, group, and code of the reason, for each fault.
    NeedsRepair(List<(Option<u16>, Option<u16>, u8), 64>),
    /// Kept aside: number of the reason.
    Quarantined(u8),
}

/// Why the hub will not talk.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Refused {
    /// The reason, see [`Refusal`].
    pub reason: u8,
    /// Lowest version the hub speaks.
    pub version_min: u8,
    /// Highest version the hub speaks.
    pub version_max: u8,
    /// Ask again in this many seconds at the earliest; 0: not before something changes.
    pub come_back_s: u32,
}

/// Reasons of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The device's certificate was revoked.
    Revoked = 1,
    /// The device's certificate has ended.
    Expired = 2,
    /// The device is not known here.
    Unknown = 3,
    /// No common version.
    Version = 4,
    /// Too busy: come back later.
    Busy = 5,
    /// The hub cannot write: come back later.
    Unable = 6,
    /// The request broke the protocol.
    Protocol = 7,
}

impl Refusal {
    /// From its number on the wire.
    pub fn from_number(number: u8) -> Option<Refusal> {
        use Refusal::*;
        [Revoked, Expired, Unknown, Version, Busy, Unable, Protocol].into_iter().find(|r| *r as u8 == number)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refusal::Revoked => "this device was revoked",
            Refusal::Expired => "this device's certificate has ended",
            Refusal::Unknown => "this device is not known",
            Refusal::Version => "no common version of the protocol",
            Refusal::Busy => "the hub is busy",
            Refusal::Unable => "the hub cannot write at the moment",
            Refusal::Protocol => "the request broke the protocol",
        })
    }
}

/// Nothing was cut off. A mark of one byte, without a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// Whether the sender has more for another exchange right away.
    pub more: bool,
}

impl Encode for LogName {
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        match self {
            LogName::Id(id) => (0_u8, id).encode(encoder),
            LogName::Number(number) => number.saturating_add(1).encode(encoder),
        }
    }
}

impl<C> Decode<C> for LogName {
    fn decode<D: Decoder<Context = C>>(decoder: &mut D) -> Result<Self, DecodeError> {
        match u8::decode(decoder)?.checked_sub(1) {
            None => <[u8; 8]>::decode(decoder).map(LogName::Id),
            Some(number) => Ok(LogName::Number(number)),
        }
    }
}

impl<'de, C> BorrowDecode<'de, C> for LogName {
    fn borrow_decode<D: BorrowDecoder<'de, Context = C>>(decoder: &mut D) -> Result<Self, DecodeError> {
        Self::decode(decoder)
    }
}

impl From<&RunHead> for RunFrame {
    fn from(head: &RunHead) -> Self {
        RunFrame {
            run: head.run.to_bytes(),
            ordinal: head.ordinal,
            before: head.before.map(RunId::to_bytes),
            boot: head.boot.to_be_bytes(),
            boot_ms: head.boot_ms,
            wall_ms: head.wall_ms,
        }
    }
}

impl From<&RunFrame> for RunHead {
    fn from(frame: &RunFrame) -> Self {
        RunHead {
            run: RunId::from_bytes(frame.run),
            ordinal: frame.ordinal,
            before: frame.before.map(RunId::from_bytes),
            boot: u64::from_be_bytes(frame.boot),
            boot_ms: frame.boot_ms,
            wall_ms: frame.wall_ms,
        }
    }
}

impl From<&Content> for FileFrame {
    fn from(content: &Content) -> Self {
        FileFrame { hash: content.hash.0, bytes: content.bytes, media: content.media }
    }
}

impl From<&FileFrame> for Content {
    fn from(frame: &FileFrame) -> Self {
        Content { hash: ContentHash(frame.hash), bytes: frame.bytes, media: frame.media }
    }
}

impl From<Standing> for FileStanding {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::Wanted { held } => FileStanding::Wanted(held),
            Standing::Held => FileStanding::Held,
            Standing::SetAside => FileStanding::SetAside,
            Standing::Unknown => FileStanding::Unknown,
        }
    }
}

impl From<&FileStanding> for Standing {
    fn from(frame: &FileStanding) -> Self {
        match frame {
            FileStanding::Wanted(held) => Standing::Wanted { held: *held },
            FileStanding::Held => Standing::Held,
            FileStanding::SetAside => Standing::SetAside,
            FileStanding::Unknown => Standing::Unknown,
        }
    }
}

impl From<&LogHead> for LogFrame {
    fn from(head: &LogHead) -> Self {
        LogFrame {
            replica: head.replica().to_bytes(),
            office: head.office().as_str().into(),
            lane: head.lane() as u8,
            run: RunFrame::from(head.run()),
        }
    }
}

impl TryFrom<&LogFrame> for LogHead {
    type Error = Fault;

    fn try_from(frame: &LogFrame) -> Result<LogHead, Fault> {
        Ok(LogHead::new(
            ReplicaId::from_bytes(frame.replica),
            office(&frame.office.0)?,
            Lane::from_number(frame.lane).ok_or(Fault::Version("an unknown lane"))?,
            RunHead::from(&frame.run),
        ))
    }
}

impl RunLog {
    /// The head itself, if writer and run are those of the greeting; `None` if it is to be said whole.
    pub fn of(head: &LogHead, replica: &[u8; 8], run: &RunFrame) -> Option<RunLog> {
        let LogFrame { replica: writer, office, lane, run: of } = LogFrame::from(head);
        (writer == *replica && of == *run).then_some(RunLog { office, lane })
    }

    /// The whole head, of a speaker that greeted so.
    pub fn whole(self, replica: [u8; 8], run: RunFrame) -> LogFrame {
        LogFrame { replica, office: self.office, lane: self.lane, run }
    }
}

fn office(text: &str) -> Result<OfficeCode, Fault> {
    text.parse().map_err(|_| Fault::Peer("an office code that is none"))
}

impl Feed {
    /// Heads of the logs that the entries are of.
    ///
    /// # Errors
    /// As for a single head.
    pub fn heads(&self) -> Result<Vec<LogHead>, Fault> {
        self.logs.0.iter().map(LogHead::try_from).collect()
    }
}

impl FeedEntry {
    /// The op that a verdict is about, or the name of the op in the entry, given the heads of the page's logs.
    pub fn op_id(&self, logs: &[LogHead]) -> Option<OpId> {
        match self {
            FeedEntry::Op { log, seq, .. } => {
                logs.get(usize::from(*log)).map(|head| OpId { log: head.log(), seq: *seq })
            }
            FeedEntry::Verdict { log, seq, .. } => Some(OpId { log: LogId::from_bytes(*log), seq: *seq }),
        }
    }
}
