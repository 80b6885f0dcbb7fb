//! A device with a valid certificate and bad intentions.

use kentongan_protocol::clock::{Hlc, RunHead};
use kentongan_protocol::form::builtin::pengaduan;
use kentongan_protocol::ids::{Lane, LogId, OpId, RecordId, ReplicaId, RunId, TopicKind};
use kentongan_protocol::log::LogHead;
use kentongan_protocol::op::{Action, Op, Write};
use kentongan_protocol::wire::codec::{Blob, List, Txt};
use kentongan_protocol::wire::frame::PREAMBLE;
use kentongan_protocol::wire::v1::{Attest, End, Frame, Have, Hello, Inventory, LogFrame, Ops, RunFrame};

use super::world::{ENEMY, ENEMY_OFFICE, World, office_code};
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
    let group = |group, field, value| Write { group, values: [(field, value)].into(), ..Write::default() };
    use kentongan_protocol::form::Value::{One, Text};
    Op {
        action: Action::Create { form: pengaduan::TAG, form_version: 1, receipt: None },
        author: "penyusup".to_owned(),
        elapsed_ms: if absurd { u64::MAX } else { 1 },
        hlc: if absurd { Hlc(u64::MAX) } else { Hlc(1) },
        writes: vec![
            group(pengaduan::group::URAIAN, 21, Text(text.to_owned())),
            group(pengaduan::group::KATEGORI, 31, One(1)),
            group(pengaduan::group::KANAL, 91, One(1)),
        ],
    }
}

fn change(record: RecordId) -> Op {
    Op { action: Action::Change { record }, ..creation("diganti orang lain", false) }
}

/// A request with these frames after its greeting.
fn request(frames: Vec<Frame>, absurd: bool) -> Vec<u8> {
    let huge = if absurd { u64::MAX } else { 0 };
    let hello = Hello {
        version_min: 1,
        version_max: if absurd { 255 } else { 1 },
        replica: ENEMY.to_bytes(),
        run: RunFrame::from(&run(0, absurd)),
        elapsed_ms: huge,
        wall_ms: if absurd { i64::MAX } else { 0 },
        round_trip_ms: if absurd { u32::MAX } else { 0 },
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
    Frame::Ops(Ops { log: log.to_bytes(), first_seq, ops: List(bytes) })
}

impl World {
    /// The hostile device speaks once.
    pub fn enemy(&mut self, dice: &mut Dice) {
        let office = |place| office_code(place).parse().expect("a code");
        let log = LogId(0xbad_0000 + dice.below(6));
        let head = |log, replica, place| {
            Frame::Log(LogFrame::from(&LogHead {
                log,
                replica,
                office: office(place),
                lane: Lane::Case,
                run: run(1, false),
            }))
        };
        let victim = {
            let ids: Vec<OpId> = self.model.ops.keys().copied().collect();
            if ids.is_empty() { None } else { Some(ids[dice.below(ids.len() as u64) as usize]) }
        };
        // A log that the hub does not hold can only be taken by who guesses 64 bits.
        let held = victim.filter(|id| matches!(self.net().hub.work(|tx, _| tx.log(id.log)), Ok(Some(_))));
        let own = head(log, ENEMY, ENEMY_OFFICE);
        let text = format!("palsu {}", dice.below(3));
        let what = dice.below(10);
        self.tell(|| format!("   the hostile device tries number {what}"));
        let message = match (what, if what == 6 { held } else { victim }) {
            (0, _) => request(vec![head(log, ENEMY, 0), ops(log, 1, &[creation(&text, false)])], false),
            (1, _) => request(vec![own, ops(log, 5, &[creation(&text, false)])], false),
            (2, _) => request(vec![own, ops(log, 1, &[creation(&text, false)])], false),
            (3, _) => request(vec![own, ops(log, u64::MAX, &[creation(&text, true)])], true),
            (4, Some(id)) => request(vec![own, ops(log, 1, &[change(RecordId(id))])], false),
            (5, Some(id)) => {
                // Another's log under another's name, with a signature of its own.
                let chain = LogHead {
                    log: id.log,
                    replica: ReplicaId(1),
                    office: office(0),
                    lane: Lane::Case,
                    run: run(1, false),
                };
                let mut attest = Attest {
                    replica: ReplicaId(1).to_bytes(),
                    heads: List(vec![(id.log.to_bytes(), id.seq, chain.chain_start().0)]),
                    signature: [7; 64],
                };
                attest.signature = self.enemy_key.sign(&attest.signed_bytes());
                let forged = head(id.log, ReplicaId(1), 0);
                request(vec![Frame::Attest(attest), forged, ops(id.log, id.seq, &[creation(&text, false)])], false)
            }
            (6, Some(id)) => {
                request(vec![head(id.log, ENEMY, ENEMY_OFFICE), ops(id.log, id.seq, &[creation(&text, false)])], false)
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
        self.shared.deliver_alone(ENEMY, &message, dice);
    }
}
