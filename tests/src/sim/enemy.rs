//! Devices with valid certificates and bad intentions: one of an office of its own, and one that is a colleague of others.

use kentongan_host::identity::SigningKey;
use kentongan_protocol::attachment::{Attachment, Content};
use kentongan_protocol::clock::{Hlc, RunHead};
use kentongan_protocol::form::Value;
use kentongan_protocol::form::builtin::pengaduan::{self, group, lampiran};
use kentongan_protocol::ids::{Lane, LogId, OpId, RecordId, ReplicaId, RunId, TopicKind};
use kentongan_protocol::limits::CHUNK_BYTES_MAX;
use kentongan_protocol::log::LogHead;
use kentongan_protocol::op::{Action, Op, Write};
use kentongan_protocol::wire::codec::{Blob, List, Txt};
use kentongan_protocol::wire::frame::PREAMBLE;
use kentongan_protocol::wire::v1::{
    Attest, Chunk, End, FileFrame, Frame, Have, Hello, Inventory, LogFrame, LogName, Offer, Ops, RunFrame,
};

use super::world::{COLLEAGUE, ENEMY, ENEMY_OFFICE, World, key, office_code};
use crate::Dice;

fn run(number: u64, absurd: bool) -> RunHead {
    RunHead {
        run: RunId(0xbad0_0000 + number),
        ordinal: if absurd { u32::MAX } else { 1 },
        before: absurd.then_some(RunId(0xbad0_0000 + number)),
        boot: 3,
        boot_ms: if absurd { u64::MAX } else { 5 },
        wall_ms: if absurd { i64::MIN } else { 0 },
    }
}

fn creation(text: &str, absurd: bool) -> Op {
    let write = |group, field, value| Write { group, values: [(field, value)].into(), ..Write::default() };
    use Value::{One, Text};
    Op {
        action: Action::Create { form: pengaduan::TAG, form_version: 1, receipt: None },
        author: "penyusup".to_owned(),
        elapsed_ms: if absurd { u64::MAX } else { 1 },
        hlc: if absurd { Hlc(u64::MAX) } else { Hlc(1) },
        writes: vec![
            write(group::URAIAN, 21, Text(text.to_owned())),
            write(group::KATEGORI, 31, One(1)),
            write(group::KANAL, 91, One(1)),
        ],
    }
}

fn change(record: RecordId) -> Op {
    Op { action: Action::Change { record }, ..creation("diganti orang lain", false) }
}

/// A request of the hostile device with these frames after its greeting.
fn request(frames: Vec<Frame>, absurd: bool) -> Vec<u8> {
    request_of(ENEMY, &run(0, absurd), frames, absurd)
}

/// A request of any hostile device.
fn request_of(speaker: ReplicaId, run: &RunHead, frames: Vec<Frame>, absurd: bool) -> Vec<u8> {
    let huge = if absurd { u64::MAX } else { 0 };
    let hello = Hello {
        version_min: 1,
        version_max: if absurd { 255 } else { 1 },
        replica: speaker.to_bytes(),
        run: RunFrame::from(run),
        elapsed_ms: huge,
        wall_ms: if absurd { i64::MAX } else { 0 },
        round_trip_ms: if absurd { u32::MAX } else { 0 },
        link_bytes_s: if absurd { u32::MAX } else { 0 },
        ops_written: huge,
        ops_pending: huge,
        oldest_pending_ms: huge,
        free_bytes: huge,
        program: Txt("penyusup".to_owned()),
        extensions: List::default(),
    };
    let cursors = if absurd { vec![(TopicKind::Office as u8, u64::MAX), (0, u64::MAX)] } else { Vec::new() };
    let have = Have { epochs: List::default(), cursors: List(cursors), logs: List::default() };
    let mut out = PREAMBLE.to_vec();
    Frame::Hello(hello).put(&mut out);
    Frame::Have(have).put(&mut out);
    frames.iter().for_each(|frame| frame.put(&mut out));
    Frame::End(End { more: absurd }).put(&mut out);
    out
}

fn ops(log: LogId, first_seq: u64, ops: &[Op]) -> Frame {
    let bytes = ops.iter().filter_map(|op| op.encode().ok()).map(Blob).collect();
    Frame::Ops(Ops { log: LogName::Id(log.to_bytes()), first_seq, ops: List(bytes) })
}

/// A signature over heads of logs, said to be that of a replica.
fn attest(key: &SigningKey, replica: ReplicaId, heads: Vec<([u8; 8], u64, [u8; 32])>) -> Frame {
    let mut attest = Attest { replica: replica.to_bytes(), heads: List(heads), signature: [7; 64] };
    attest.signature = key.sign(&attest.signed_bytes());
    Frame::Attest(attest)
}

/// What a colleague can do about a log whose head and ops it has read: ops under its name behind a head of its own, the
/// true head with ops that it made up, and both with signatures of its own. It says that it speaks in the same run.
fn claim(theirs: &LogHead, from_seq: u64, text: &str, dice: &mut Dice) -> Vec<u8> {
    let key = key(202);
    let own = LogHead::new(COLLEAGUE, theirs.office().clone(), theirs.lane(), *theirs.run());
    let made_up = creation(text, false);
    let chain = made_up.encode().map_or(theirs.chain_start(), |bytes| theirs.chain_start().then(&bytes));
    let signed_by = |who: ReplicaId| attest(&key, who, vec![(theirs.log().to_bytes(), 1, chain.0)]);
    let head = |head: &LogHead| Frame::Log(LogFrame::from(head));
    let frames = match dice.below(4) {
        0 => vec![head(&own), ops(theirs.log(), from_seq, &[made_up])],
        1 => vec![head(theirs), head(&own), ops(theirs.log(), from_seq, &[made_up])],
        2 => vec![signed_by(theirs.replica()), head(theirs), ops(theirs.log(), 1, &[made_up])],
        _ => vec![signed_by(COLLEAGUE), head(theirs), ops(theirs.log(), 1, &[made_up]), signed_by(COLLEAGUE)],
    };
    request_of(COLLEAGUE, theirs.run(), frames, false)
}

impl World {
    /// What a colleague who read a log up to its end can put behind it: an op that it made up, and the right hash over both
    /// with a signature of its own.
    fn lengthen(&self, theirs: &LogHead, text: &str) -> Vec<u8> {
        let held = self.net().hub.work(|tx, _| tx.log(theirs.log())).ok().flatten();
        let (stored, chain) = held.map_or((0, theirs.chain_start()), |log| (log.stored, log.chain));
        let made_up = creation(text, false);
        let chain = made_up.encode().map_or(chain, |bytes| chain.then(&bytes));
        let signed = attest(&key(202), theirs.replica(), vec![(theirs.log().to_bytes(), stored + 1, chain.0)]);
        let frames = vec![signed, Frame::Log(LogFrame::from(theirs)), ops(theirs.log(), stored + 1, &[made_up])];
        request_of(COLLEAGUE, theirs.run(), frames, false)
    }

    /// A hostile device speaks once.
    pub fn enemy(&mut self, dice: &mut Dice) {
        let office = |place| office_code(place).parse().expect("a code");
        let log_head = |number, replica, place| LogHead::new(replica, office(place), Lane::Case, run(number, false));
        let number = 1 + dice.below(6);
        let (own, foreign) = (log_head(number, ENEMY, ENEMY_OFFICE), log_head(number, ENEMY, 0));
        let log = own.log();
        let head = |head: &LogHead| Frame::Log(LogFrame::from(head));
        let victim = {
            let ids: Vec<OpId> = self.model.ops.keys().copied().collect();
            if ids.is_empty() { None } else { Some(ids[dice.below(ids.len() as u64) as usize]) }
        };
        let theirs = victim.and_then(|id| self.heads.get(&id.log)).cloned();
        let own = head(&own);
        let text = format!("palsu {}", dice.below(3));
        let what = dice.below(10);
        self.tell(|| format!("   the hostile device tries number {what}"));
        let mut speaker = ENEMY;
        let message = match (what, victim) {
            (0, _) => request(vec![head(&foreign), ops(foreign.log(), 1, &[creation(&text, false)])], false),
            (1, _) => request(vec![own, ops(log, 5, &[creation(&text, false)])], false),
            (2, _) => request(vec![own, ops(log, 1, &[creation(&text, false)])], false),
            (3, _) => request(vec![own, ops(log, u64::MAX, &[creation(&text, true)])], true),
            (4, Some(id)) => request(vec![own, ops(log, 1, &[change(RecordId(id))])], false),
            (5, Some(id)) => {
                // Another's log from another office, with a signature of its own.
                let forged = theirs.unwrap_or_else(|| log_head(1, ReplicaId(1), 0));
                let heads = vec![(forged.log().to_bytes(), id.seq, forged.chain_start().0)];
                let signed = attest(&self.enemy_key, forged.replica(), heads);
                let made_up = ops(forged.log(), id.seq, &[creation(&text, false)]);
                request(vec![signed, head(&forged), made_up], false)
            }
            (6, Some(id)) => {
                speaker = COLLEAGUE;
                let theirs = theirs.unwrap_or_else(|| log_head(1, ReplicaId(1), 0));
                match dice.percent(40) {
                    true => self.lengthen(&theirs, &text),
                    false => claim(&theirs, id.seq, &text, dice),
                }
            }
            (7, _) => {
                let logs = (0..200).map(|n| (LogId(n * 977).to_bytes(), u64::MAX - n)).collect();
                request(vec![Frame::Inventory(Inventory { logs: List(logs) })], true)
            }
            (8, _) => {
                let past = self.net().past.last().map(|(_, request)| request.clone());
                past.unwrap_or_default()
            }
            _ => {
                let mut bytes = request(vec![own, ops(log, 1, &[creation(&text, true)])], false);
                let place = dice.below(bytes.len() as u64) as usize;
                bytes[place] ^= 1 << dice.below(8);
                bytes.truncate(place + dice.below(64) as usize);
                bytes
            }
        };
        self.shared.deliver_alone(speaker, &message, dice);
    }

    /// A hostile device names a file in an op of its own, offers it and sends parts of it. It may know the hash of a photo
    /// that a clerk attached: whoever brings wrong bytes under it must not keep the right ones out.
    pub fn enemy_file(&mut self, dice: &mut Dice) {
        let own = Content::of(b"%PDF-1.4 palsu").expect("a paper");
        let known = &self.model.files;
        let victim = if known.is_empty() { None } else { Some(known[dice.below(known.len() as u64) as usize].content) };
        let content = match (dice.below(5), victim) {
            (0, _) | (_, None) => Content { bytes: u32::MAX, ..own },
            (1, _) => Content { media: u8::MAX, ..own },
            (2, Some(victim)) => Content { bytes: victim.bytes - 1, ..victim },
            (_, Some(victim)) => victim,
        };
        let number = u64::from(u32::MAX) + dice.below(1 << 20);
        let office = office_code(ENEMY_OFFICE).parse().expect("a code");
        let head = LogHead::new(ENEMY, office, Lane::Case, run(number, false));
        let mut op = creation("palsu", false);
        let named = Value::Attachment(Attachment { content, name: "../../palsu.pdf".to_owned() });
        op.writes.push(Write { group: group::LAMPIRAN, values: [(lampiran::FIELD, named)].into(), ..Write::default() });
        let mut frames = vec![Frame::Log(LogFrame::from(&head)), ops(head.log(), 1, &[op])];
        frames.push(Frame::Offer(Offer { files: List(vec![FileFrame::from(&content)]) }));
        let parts = 1 + dice.below(4);
        let mut offset = if dice.percent(20) { u32::MAX } else { 0 };
        for _ in 0..parts {
            let length = (content.bytes.saturating_sub(offset) as usize).clamp(1, CHUNK_BYTES_MAX);
            let bytes = Blob(vec![dice.below(256) as u8; length]);
            let file = if dice.percent(10) { u8::MAX } else { 0 };
            frames.push(Frame::Chunk(Chunk { file, offset, bytes }));
            offset = offset.saturating_add(length as u32);
            // Whole: once more from the beginning.
            offset = if offset < content.bytes { offset } else { 0 };
        }
        let of = if victim.is_some_and(|victim| victim.hash == content.hash) { "a clerk's" } else { "nobody's" };
        self.tell(|| format!("   the hostile device sends {parts} parts of {of} file {}", content.hash));
        self.shared.deliver_alone(ENEMY, &request_of(ENEMY, head.run(), frames, false), dice);
    }
}
