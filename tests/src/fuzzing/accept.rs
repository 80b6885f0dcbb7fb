//! An authentic device in bad hands against the hub's accept path, from the first byte of a request to the last of its
//! reply.
//!
//! The fuzzer's bytes choose what the device says: heads of anybody's logs, ops with any content at any place, signatures
//! by the keys it has and over anything, inventories, repeated and cut requests. Whatever it says:
//!
//! - the store never fails, and every log stays numbered without gaps and chained to its head;
//! - no record of another office changes, and nothing of one is given to the device;
//! - marks say what is held and never go back;
//! - it is offered the updates of its office, and fetches nothing else;
//! - the honest offices go on as if nothing had been.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use kentongan_protocol::attachment::ContentHash;
use kentongan_protocol::clock::{Hlc, RunHead};
use kentongan_protocol::form::builtin::{self, pengaduan};
use kentongan_protocol::form::{FieldType, Value};
use kentongan_protocol::ids::{Lane, LogId, OpId, RecordId, ReplicaId, RunId};
use kentongan_protocol::log::{ChainHash, LogHead};
use kentongan_protocol::op::{Action, Op, Write};
use kentongan_protocol::receipt::ReceiptCode;
use kentongan_protocol::wire::codec::{self, Blob, List, Txt};
use kentongan_protocol::wire::frame::PREAMBLE;
use kentongan_protocol::wire::v1::{
    Attest, End, FeedEntry, FeedFrame, Fetch, Frame, Have, Hello, Inventory, LogFrame, LogName, Marks, Offered, Ops,
    PageLog, Piece, RunFrame, Signed, extension,
};

use super::bytes::Bytes;
use super::honest::{enter, exchange, member, pc};
use super::hub::{BUDI, ENEMY, HUB, Hub, KEYS, SARI};
use super::updates::{AT_HUB, offered_to, spoken};
use crate::sim::disk::{Disk, Image};
use crate::sim::world::{key, office_code};

/// Slots of the disks of the honest offices.
const DISKS: [u64; 2] = [93, 94];
/// What one story may hold.
const STEPS_MAX: usize = 64;

/// The place of the device's office.
const OWN_PLACE: usize = 2;

/// Against the store in memory.
pub(super) fn accept(data: &[u8]) {
    play(Hub::in_memory(), data);
}

/// The same against SQLite, which has smaller numbers.
pub(super) fn accept_sqlite(data: &[u8]) {
    play(Hub::in_sqlite(), data);
}

fn play(hub: Hub, data: &[u8]) {
    let mut story = Story::begin(hub);
    let mut bytes = Bytes::new(data);
    for _ in 0..STEPS_MAX {
        if bytes.is_empty() {
            break;
        }
        story.step(&mut bytes);
    }
    story.send();
    story.end();
}

const LANES: [Lane; 4] = [Lane::Urgent, Lane::Case, Lane::Survey, Lane::Bulk];

struct Story {
    hub: Hub,
    /// Records of the other offices, and what they were before the device spoke.
    others: Vec<RecordId>,
    before: Vec<[u8; 32]>,
    /// Ops that stand at the hub, to name, replace and repeat.
    known: Vec<(OpId, Vec<u8>)>,
    /// Heads that can be said.
    heads: Vec<LogHead>,
    /// What the device claims to have written: bytes by log, for signatures that are right.
    written: BTreeMap<LogId, Vec<Vec<u8>>>,
    request: Vec<u8>,
    last: Vec<u8>,
}

impl Story {
    fn begin(mut hub: Hub) -> Story {
        honest_offices(&mut hub);
        let others: Vec<RecordId> = [0, 1].into_iter().flat_map(|office| hub.records_of(office)).collect();
        let before = hub.digests(&others);
        let (mut known, mut heads) = (Vec::new(), Vec::new());
        hub.done(|tx, _| {
            for replica in [SARI, BUDI, HUB] {
                for log in tx.logs_of(replica, None, 100)? {
                    let ops = tx.ops_from(log.head.log(), 1, 100, usize::MAX)?;
                    known.extend(ops.into_iter().map(|op| (op.id, op.bytes)));
                    heads.push(log.head);
                }
            }
            Ok(())
        });
        heads.extend((0..4).map(own_head));
        let mut story = Story {
            hub,
            others,
            before,
            known,
            heads,
            written: BTreeMap::new(),
            request: Vec::new(),
            last: Vec::new(),
        };
        story.greet(&mut Bytes::new(&[]));
        story
    }

    fn step(&mut self, bytes: &mut Bytes<'_>) {
        let frame = match bytes.below(13) {
            0 => return self.send(),
            1 => {
                // Cut, or said again.
                if bytes.byte().is_multiple_of(2) {
                    self.request.truncate(usize::from(bytes.half()));
                } else {
                    self.request = self.last.clone();
                }
                return self.send();
            }
            2 => return self.greet(bytes),
            3 | 4 => Frame::Log(LogFrame::from(&self.head(bytes))),
            5..=8 => self.ops(bytes),
            9 => self.attest(bytes),
            10 => self.inventory(bytes),
            11 => fetch(bytes),
            _ => {
                self.request.extend(super::frames::stream(bytes.piece()).into_iter().skip(PREAMBLE.len()));
                return;
            }
        };
        frame.put(&mut self.request);
    }

    /// Begins a request.
    fn greet(&mut self, bytes: &mut Bytes<'_>) {
        let hello = Hello {
            version_min: 1,
            version_max: 1 + bytes.byte() / 200,
            replica: ENEMY.to_bytes(),
            run: RunFrame::from(&run(bytes)),
            elapsed_ms: bytes.number(),
            wall_ms: bytes.number() as i64,
            round_trip_ms: bytes.number() as u32,
            link_bytes_s: 0,
            ops_written: bytes.number(),
            ops_pending: bytes.number(),
            oldest_pending_ms: bytes.number(),
            free_bytes: bytes.number(),
            program: Txt(if bytes.byte() < 200 { spoken(bytes.byte() % 12) } else { bytes.text(60) }),
            extensions: List::default(),
        };
        let have = Have {
            epochs: List((0..bytes.below(3)).map(|_| bytes.number().to_be_bytes()).collect()),
            cursors: List((0..bytes.below(4)).map(|kind| (kind as u8, bytes.number())).collect()),
            logs: List((0..bytes.below(4)).map(|_| LogName::Id(self.head(bytes).log().to_bytes())).collect()),
        };
        self.request = PREAMBLE.to_vec();
        Frame::Hello(hello).put(&mut self.request);
        Frame::Have(have).put(&mut self.request);
    }

    fn head(&mut self, bytes: &mut Bytes<'_>) -> LogHead {
        let head = bytes.pick(&self.heads).clone();
        let wrong = bytes.byte();
        if wrong < 200 {
            return head;
        }
        // Something in it is a lie, and so it is the head of another log.
        let (replica, office, lane, run) = (head.replica(), head.office().clone(), head.lane(), *head.run());
        let head = match wrong % 4 {
            0 => LogHead::new(bytes.pick(&KEYS).0, office, lane, run),
            1 => LogHead::new(replica, office_code(bytes.below(5)).parse().expect("a code"), lane, run),
            2 => LogHead::new(replica, office, *bytes.pick(&LANES), run),
            _ => LogHead::new(replica, office, lane, self::run(bytes)),
        };
        self.heads.push(head.clone());
        head
    }

    fn ops(&mut self, bytes: &mut Bytes<'_>) -> Frame {
        let log = bytes.pick(&self.heads).log();
        let written = self.written.get(&log).map_or(0, Vec::len) as u64;
        let first_seq = if bytes.byte() < 180 { written + 1 } else { bytes.number() };
        let ops: Vec<Vec<u8>> = (0..=bytes.below(4)).map(|_| self.op(bytes, log, first_seq)).collect();
        if first_seq == written + 1 {
            self.known.extend((first_seq..).zip(&ops).map(|(seq, op)| (OpId { log, seq }, op.clone())));
            self.written.entry(log).or_default().extend(ops.iter().cloned());
        }
        Frame::Ops(Ops { log: LogName::Id(log.to_bytes()), first_seq, ops: List(ops.into_iter().map(Blob).collect()) })
    }

    fn op(&self, bytes: &mut Bytes<'_>, log: LogId, seq: u64) -> Vec<u8> {
        match bytes.below(8) {
            0 => bytes.piece().to_vec(),
            1 => bytes.pick(&self.known).1.clone(),
            2 => {
                let mut op = bytes.pick(&self.known).1.clone();
                let place = usize::from(bytes.half()) % op.len().max(1);
                if let Some(byte) = op.get_mut(place) {
                    *byte = bytes.byte();
                }
                op
            }
            _ => self.made(bytes, log, seq).encode().unwrap_or_default(),
        }
    }

    fn made(&self, bytes: &mut Bytes<'_>, log: LogId, seq: u64) -> Op {
        let action = match bytes.below(3) {
            0 => Action::Create {
                form: *bytes.pick(&[pengaduan::TAG, 2, 3, 999]),
                form_version: bytes.number() as u16,
                receipt: ReceiptCode::from_number(bytes.number()),
            },
            // Its own, another's, or one that comes later.
            1 => Action::Change { record: RecordId(OpId { log, seq: seq.saturating_add(bytes.number()).max(1) }) },
            _ => Action::Change { record: RecordId(bytes.pick(&self.known).0) },
        };
        Op {
            action,
            author: bytes.text(8),
            elapsed_ms: bytes.number(),
            hlc: Hlc(bytes.number()),
            writes: (0..bytes.below(4)).map(|_| self.write(bytes)).collect(),
        }
    }

    fn write(&self, bytes: &mut Bytes<'_>) -> Write {
        let form = bytes.pick(builtin::all());
        let field = bytes.pick(&form.fields);
        let value = match (&field.kind, bytes.below(6)) {
            // A routing to some office.
            (_, 0) => {
                let value = Value::Text(office_code(bytes.below(5)));
                return Write { group: pengaduan::group::DISPOSISI, values: [(162, value)].into(), ..Write::default() };
            }
            (FieldType::One(choices), 1..) => Value::One(bytes.pick(choices).tag),
            (_, 1) => Value::Whole(bytes.number() as i64),
            (_, 2) => Value::DateTime { utc_ms: bytes.number() as i64, offset_min: bytes.half() as i16 },
            (_, 3) => Value::Decimal { unscaled: bytes.number() as i64, scale: bytes.byte() },
            _ => Value::Text(bytes.text(40)),
        };
        Write {
            group: field.group,
            replaces: (0..bytes.below(3)).map(|_| bytes.pick(&self.known).0).collect(),
            cycle: bytes.number() as u32,
            values: [(field.tag, value)].into(),
        }
    }

    /// A signature by a key that the device has, over what it wrote or over anything; or somebody else's name under it.
    fn attest(&mut self, bytes: &mut Bytes<'_>) -> Frame {
        let head = bytes.pick(&self.heads).clone();
        let written = self.written.get(&head.log()).map(Vec::as_slice).unwrap_or_default();
        let chain = written.iter().fold(head.chain_start(), |chain, op| chain.then(op));
        let (seq, chain) = match bytes.byte() {
            0..=160 => (written.len() as u64, chain),
            161..=220 => (bytes.number(), chain),
            _ => (bytes.number(), ChainHash([bytes.byte(); 32])),
        };
        let replica = if bytes.byte() < 128 { ENEMY } else { bytes.pick(&KEYS).0 };
        let heads = List(vec![(head.log().to_bytes(), seq, chain.0); 1 + bytes.below(2)]);
        let mut attest = Attest { replica: replica.to_bytes(), heads, signature: [0; 64] };
        attest.signature = key(3).sign(&attest.signed_bytes());
        if bytes.byte() < 128 {
            return Frame::Attest(attest);
        }
        let heads = attest.heads.0.iter().map(|(log, seq, _)| match bytes.byte() {
            0..=200 => (LogName::Id(*log), *seq),
            number => (LogName::Number(number % 4), u64::from(bytes.byte() / 64)),
        });
        Frame::Signed(Signed { heads: List(heads.collect()), signature: attest.signature })
    }

    fn inventory(&mut self, bytes: &mut Bytes<'_>) -> Frame {
        let logs = (0..bytes.below(8)).map(|_| (bytes.pick(&self.heads).log().to_bytes(), bytes.number())).collect();
        Frame::Inventory(Inventory { logs: List(logs) })
    }

    /// Ends the request, hears the reply, and begins the next one.
    fn send(&mut self) {
        Frame::End(End { more: false }).put(&mut self.request);
        if let Ok(reply) = self.hub.serve(ENEMY, &self.request) {
            self.check_reply(&reply);
        }
        self.last = std::mem::take(&mut self.request);
        self.greet(&mut Bytes::new(&[]));
    }

    /// Nothing of another office's record is given to the device.
    fn check_reply(&self, reply: &[u8]) {
        let mut reader = kentongan_protocol::wire::frame::FrameReader::new();
        reader.push(reply);
        // By number; a reply of these stories names fewer logs than a line remembers.
        let mut heads = Vec::new();
        while let Some(raw) = reader.next_frame().expect("our own reply") {
            match Frame::decode(&raw).expect("our own frame") {
                Some(Frame::Log(head)) => heads.push(LogHead::try_from(&head).expect("a head")),
                Some(Frame::Feed(feed)) => self.check_feed(&feed, &mut heads),
                Some(Frame::Marks(marks)) => check_offer(&marks),
                Some(Frame::Piece(piece)) => check_piece(&piece),
                _ => {}
            }
        }
    }

    fn check_feed(&self, feed: &FeedFrame, heads: &mut Vec<LogHead>) {
        let mut logs = Vec::new();
        for log in &feed.logs.0 {
            match log {
                PageLog::Head(head) => {
                    let head = LogHead::try_from(head).expect("a head");
                    heads.push(head.clone());
                    logs.push(head);
                }
                PageLog::Number(number) => logs.push(heads[usize::from(*number)].clone()),
            }
        }
        for entry in &feed.entries.0 {
            let id = entry.op_id(&logs).expect("an op of a log in the page");
            if let FeedEntry::Op { bytes, .. } = entry {
                let op = Op::decode(&bytes.0).expect("what is merged can be read");
                assert!(!self.others.contains(&op.record(id)), "an op of another office's record was given away");
            }
        }
    }

    fn end(mut self) {
        assert_eq!(self.hub.digests(&self.others), self.before, "a record of another office changed");
        let mut now: Vec<RecordId> = [0, 1].into_iter().flat_map(|office| self.hub.records_of(office)).collect();
        now.retain(|id| !self.others.contains(id));
        assert!(now.is_empty(), "a record appeared at another office");
        self.hub.check_logs();
        for (place, (who, disk, number)) in [(SARI, DISKS[0], 1), (BUDI, DISKS[1], 2)].into_iter().enumerate() {
            let mut store = office(who, place, disk, 3);
            enter(&mut store, "Sesudahnya");
            exchange(&mut store, &mut self.hub, number);
            assert!(!store.has_unsent().expect("read"), "an honest office cannot deliver any more");
        }
        self.hub.check_logs();
    }
}

/// A part of an update that is offered, of one that is not, or of a file that is none.
fn fetch(bytes: &mut Bytes<'_>) -> Frame {
    let ContentHash(hash) =
        if bytes.byte() < 230 { bytes.pick(&*AT_HUB).hash } else { ContentHash([bytes.byte(); 32]) };
    Frame::Fetch(Fetch { hash, offset: bytes.number() as u32 })
}

/// What is offered is newer, and for that office.
fn check_offer(marks: &Marks) {
    if let Some(value) = marks.extensions.value(extension::UPDATE) {
        let offered: Offered = codec::decode(value).expect("our own offer");
        assert_eq!(offered.version.0, offered_to(OWN_PLACE), "offered to another office, or to nobody any more");
    }
}

/// Only updates that somebody is offered are given away, and as they are.
fn check_piece(piece: &Piece) {
    let given = AT_HUB.iter().find(|at_hub| at_hub.hash.0 == piece.hash).filter(|at_hub| at_hub.is_given());
    let rest = given.and_then(|at_hub| at_hub.file.get(piece.offset as usize..));
    assert!(rest.is_some_and(|rest| rest.starts_with(&piece.bytes.0)), "no part of an update that is offered");
}

/// Two honest offices that have delivered something.
fn honest_offices(hub: &mut Hub) {
    for (place, (who, disk, number)) in [(SARI, DISKS[0], 1), (BUDI, DISKS[1], 2)].into_iter().enumerate() {
        let mut store = office(who, place, disk, 2);
        exchange(&mut store, hub, number);
    }
}

/// An office's PC that has written two complaints and knows of no hub yet.
fn office(who: ReplicaId, place: usize, disk: u64, life: u64) -> kentongan_agent::store::Store {
    thread_local! {
        static USED: [OnceCell<Image>; 2] = const { [OnceCell::new(), OnceCell::new()] };
    }
    let who = member(who, place);
    USED.with(|used| {
        let image = used[place].get_or_init(|| {
            let mut store = pc(disk, None, &who, 1);
            enter(&mut store, "Antre dari pagi");
            enter(&mut store, "Wc kotor");
            drop(store);
            Disk::at(disk).borrow().image()
        });
        pc(disk, Some(image), &who, life)
    })
}

fn own_head(number: usize) -> LogHead {
    let run = RunHead { run: RunId(0xbad), ordinal: 1, before: None, boot: 3, boot_ms: 5, wall_ms: 0 };
    let office = office_code(OWN_PLACE).parse().expect("a code");
    LogHead::new(ENEMY, office, LANES[number % LANES.len()], run)
}

fn run(bytes: &mut Bytes<'_>) -> RunHead {
    RunHead {
        run: RunId(if bytes.byte() < 200 { 0xbad } else { bytes.number() }),
        ordinal: bytes.number() as u32,
        before: (bytes.byte() % 2 == 1).then(|| RunId(bytes.number())),
        boot: bytes.number(),
        boot_ms: bytes.number(),
        wall_ms: bytes.number() as i64,
    }
}

/// Stories to begin from.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let own = |n: u8| [3, 6 + n, 0];
    let create = [5, 7, 0, 0, 3, 0, 0, 1, 0, 0, 0, 0, 0, 1];
    let fetch = [11, 0, 0, 0, 0];
    let mut seeds = vec![vec![0], [own(0).as_slice(), &create, &[0]].concat(), vec![2; 40], vec![9; 20], vec![10; 30]];
    seeds.push([fetch.as_slice(), &[11, 0, 1, 5, 11, 0, 2, 5, 11, 0, 3, 5, 0]].concat());
    for n in 0..24_u64 {
        let mut dice = crate::Dice::new(n);
        let mut seed: Vec<u8> = own(n as u8 % 4).to_vec();
        seed.extend((0..160).map(|_| dice.number() as u8));
        seeds.push(seed);
    }
    seeds
}
