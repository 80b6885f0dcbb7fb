//! Hostile bytes: whatever arrives, both sides refuse or understand it, never panic, and never hold more than a bound.

use std::sync::LazyLock;

use kentongan_protocol::error::Fault;
use kentongan_protocol::ids::{LogId, ReplicaId, TopicKind};
use kentongan_protocol::limits::{ATTEST_HEADS_MAX, FRAME_BODY_BYTES_MAX, FRAME_LOGS_MAX, FRAME_OPS_MAX};
use kentongan_protocol::log::{Holding, LogHead};
use kentongan_protocol::op::Op;
use kentongan_protocol::session::{agent, hub};
use kentongan_protocol::wire::codec::{Blob, List};
use kentongan_protocol::wire::frame::{self, FrameReader, PREAMBLE, RawFrame};
use kentongan_protocol::wire::v1::{
    Attest, FeedEntry, FeedFrame, Frame, Inventory, LogFrame, LogName, Marks, Ops, PageLog, RunFrame, RunLog, Signed,
    VerdictFrame, kind,
};
use proptest::prelude::*;

use crate::allocation::peak_of;
use crate::world::{Hub, Ids, LANES, Link, Pc, exchange, settle};

/// Longest input of these tests: what a connection hands over at once.
const INPUT_BYTES_MAX: usize = 64 * 1024;
/// The most that one side may have in use for such an input.
const PEAK_BYTES_MAX: usize = 8 * 1024 * 1024;

const SPEAKER: u64 = 0x5a41;

/// The hub reads: each event is dropped before the next is asked for, as a program stores it.
fn hub_reads(bytes: &[u8]) -> Result<usize, Fault> {
    let mut session = hub::Session::new(ReplicaId(SPEAKER));
    session.push(bytes);
    let mut events = 0;
    while session.next_event()?.is_some() {
        events += 1;
    }
    Ok(events)
}

/// The agent reads.
fn agent_reads(bytes: &[u8]) -> Result<usize, Fault> {
    let mut session = agent::Session::new(Pc::new(SPEAKER).opening());
    session.push(bytes);
    let mut events = 0;
    while session.next_event()?.is_some() {
        events += 1;
    }
    Ok(events)
}

fn assert_bounded(what: &str, bytes: &[u8]) -> usize {
    let bytes = &bytes[..bytes.len().min(INPUT_BYTES_MAX)];
    let (_, hub) = peak_of(|| hub_reads(bytes));
    let (_, agent) = peak_of(|| agent_reads(bytes));
    let peak = hub.max(agent);
    assert!(peak <= PEAK_BYTES_MAX, "{what}: {peak} bytes held for {}", bytes.len());
    peak
}

/// Numbers that repeat from a seed; quick, because inputs are long.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed ^ (mixed >> 27)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.roll() % bound.max(1) as u64) as usize
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.roll() as u8).collect()
    }
}

/// Streams that are in order: requests and replies of exchanges in which much happens.
static STREAMS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(streams);

fn streams() -> Vec<Vec<u8>> {
    let mut ids = Ids::default();
    let mut hub = Hub::new(&mut ids);
    let (mut sari, mut budi) = (Pc::new(SPEAKER), Pc::new(0xb0d1));
    let copy = hub.clone();
    for n in 0..40 {
        sari.write(&mut ids, LANES[n % 2], &format!("catatan {n}"));
        hub.write(&mut ids, &format!("jawaban {n}"));
    }
    let mut streams = Vec::new();
    let mut keep = |carried: crate::world::Carried| streams.extend([carried.request, carried.reply]);
    keep(exchange(&mut sari, &mut hub, Link::Whole));
    settle(&mut sari, &mut hub);
    let mut lost = Pc::new(SPEAKER);
    keep(exchange(&mut lost, &mut hub, Link::Whole));
    keep(exchange(&mut lost, &mut hub, Link::Whole));
    settle(&mut budi, &mut hub);
    let mut restored = copy;
    restored.start(&mut ids);
    exchange(&mut budi, &mut restored, Link::Whole);
    keep(exchange(&mut budi, &mut restored, Link::Whole));
    let mut verdicts = PREAMBLE.to_vec();
    down().into_iter().chain([feed_of_verdicts(20)]).for_each(|frame| frame.put(&mut verdicts));
    streams.push(verdicts);
    streams
}

/// All frames of a stream.
pub(crate) fn frames_of(stream: &[u8]) -> Vec<RawFrame> {
    let mut reader = FrameReader::new();
    reader.push(stream);
    std::iter::from_fn(|| reader.next_frame().expect("a stream in order")).collect()
}

fn stream_of(frames: &[RawFrame]) -> Vec<u8> {
    let mut out = PREAMBLE.to_vec();
    for frame in frames.iter().filter(|frame| frame.body.len() <= FRAME_BODY_BYTES_MAX) {
        frame::put(&mut out, frame.kind, &frame.body);
    }
    out
}

/// Damages bytes in the ways that links, programs and enemies do.
fn mutate(dice: &mut Dice, bytes: &mut Vec<u8>, others: &[Vec<u8>]) {
    let at = dice.below(bytes.len());
    match dice.below(6) {
        0 if !bytes.is_empty() => bytes[at] ^= 1 << dice.below(8),
        1 => bytes.truncate(at),
        2 => {
            let other = &others[dice.below(others.len())];
            let from = dice.below(other.len());
            let upto = (from + dice.below(300)).min(other.len());
            drop(bytes.splice(at..at, other[from..upto].iter().copied()));
        }
        3 => {
            let giant = [253, 255, 255, 255, 255, 255, 255, 255, 255];
            drop(bytes.splice(at..(at + 1).min(bytes.len()), giant[..1 + dice.below(9)].iter().copied()));
        }
        4 => drop(bytes.drain(at..(at + dice.below(20)).min(bytes.len()))),
        _ => {
            let again = bytes[at..(at + dice.below(200)).min(bytes.len())].to_vec();
            drop(bytes.splice(at..at, again));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn arbitrary_bytes_end_in_a_fault_or_in_waiting(seed: u64, length in 0..=INPUT_BYTES_MAX, ours: bool) {
        let mut bytes = if ours { PREAMBLE.to_vec() } else { Vec::new() };
        bytes.extend(Dice(seed).bytes(length));
        assert_bounded("arbitrary bytes", &bytes);
    }

    #[test]
    fn streams_damaged_on_the_way_are_borne(seed: u64, wounds in 1_usize..6) {
        let (streams, mut dice) = (&STREAMS, Dice(seed));
        let mut bytes = streams[dice.below(streams.len())].clone();
        (0..wounds).for_each(|_| mutate(&mut dice, &mut bytes, streams));
        assert_bounded("a damaged stream", &bytes);
    }

    #[test]
    fn frames_that_lie_under_a_right_checksum_are_borne(seed: u64, wounds in 1_usize..6) {
        let (streams, mut dice) = (&STREAMS, Dice(seed));
        let mut frames = frames_of(&streams[dice.below(streams.len())]);
        let others: Vec<Vec<u8>> = frames.iter().map(|frame| frame.body.clone()).collect();
        for _ in 0..wounds {
            let place = dice.below(frames.len());
            match dice.below(8) {
                0 => frames[place].kind = dice.roll() as u8 & 0x9f,
                1 => frames.insert(place, frames[dice.below(frames.len())].clone()),
                2 if frames.len() > 1 => drop(frames.remove(place)),
                _ => mutate(&mut dice, &mut frames[place].body, &others),
            }
        }
        assert_bounded("a lying stream", &stream_of(&frames));
    }

    #[test]
    fn arbitrary_ops_are_refused_or_come_back_the_same(seed: u64, length in 0_usize..400, wounds in 0_usize..5) {
        let mut dice = Dice(seed);
        let known = crate::world::op_bytes("contoh");
        let mut bytes = if wounds == 0 { dice.bytes(length) } else { known.clone() };
        (0..wounds).for_each(|_| mutate(&mut dice, &mut bytes, std::slice::from_ref(&known)));
        let (decoded, peak) = peak_of(|| Op::decode(&bytes));
        prop_assert!(peak <= 64 * 1024, "{peak} bytes for an op of {}", bytes.len());
        if let Ok(op) = decoded {
            prop_assert_eq!(Op::decode(&op.encode().unwrap()), Ok(op));
        }
    }
}

/// Frames that are small on the link and large in memory, as many as fit.
fn bomb(opening: &[Frame], frame: impl Fn(u64) -> Frame) -> Vec<u8> {
    let mut out = PREAMBLE.to_vec();
    opening.iter().for_each(|frame| frame.put(&mut out));
    for n in 0.. {
        let before = out.len();
        frame(n).put(&mut out);
        if out.len() > INPUT_BYTES_MAX {
            out.truncate(before);
            break;
        }
    }
    out
}

fn up() -> Vec<Frame> {
    let stream = exchange(&mut Pc::new(SPEAKER), &mut Hub::new(&mut Ids::default()), Link::Whole).request;
    let opening = frames_of(&stream).into_iter().take(2);
    opening.filter_map(|raw| Frame::decode(&raw).expect("in order")).collect()
}

fn down() -> Vec<Frame> {
    let nothing = Holding::default();
    vec![Frame::Marks(Marks { held_ops: nothing.ops, held_sum: nothing.sum, ..Marks::default() })]
}

fn head(n: u64) -> LogFrame {
    let pc = {
        let mut pc = Pc::new(SPEAKER);
        pc.write(&mut Ids::default(), LANES[0], "kepala");
        pc
    };
    let known = LogFrame::from(&pc.logs.values().next().expect("one log").head);
    let run = RunFrame { boot_ms: n, ..known.run };
    LogFrame { run, ..known }
}

fn log_of(frame: &LogFrame) -> LogId {
    LogHead::try_from(frame).expect("a head").log()
}

fn ops(count: usize, bytes: usize) -> Frame {
    let ops = List(vec![Blob(vec![0; bytes]); count]);
    Frame::Ops(Ops { log: LogName::Id(log_of(&head(0)).to_bytes()), first_seq: 1, ops })
}

fn feed(entries: Vec<FeedEntry>, logs: Vec<LogFrame>, attests: Vec<Attest>) -> Frame {
    let topic = TopicKind::Office as u8;
    let logs = logs.into_iter().map(PageLog::Head).collect();
    Frame::Feed(FeedFrame { topic, upto: u64::MAX, logs: List(logs), entries: List(entries), attests: List(attests) })
}

fn feed_of_verdicts(count: u64) -> Frame {
    let verdict = |number| FeedEntry::Verdict {
        number,
        log: [0; 8],
        seq: 1,
        verdict: VerdictFrame::NeedsRepair(List(vec![(None, None, 1); 64])),
    };
    feed((1..=count).map(verdict).collect(), vec![], vec![])
}

#[test]
fn what_is_small_on_the_link_and_large_in_memory_stays_within_the_bound() {
    let with_head = |mut opening: Vec<Frame>| {
        opening.push(Frame::Log(head(0)));
        opening
    };
    let zeros = List(vec![([0; 8], 0, [0; 32]); ATTEST_HEADS_MAX]);
    let attest = Attest { replica: [0; 8], heads: zeros, signature: [0; 64] };
    let few = Attest { heads: List(attest.heads.0[..90].to_vec()), ..attest.clone() };
    let names = List(vec![(LogName::Id([1; 8]), 0); ATTEST_HEADS_MAX]);
    let signed = Signed { heads: names, signature: [0; 64] };
    let op_entry = |number| FeedEntry::Op { number, log: 0, seq: 1, bytes: Blob(vec![]) };
    let entries: Vec<FeedEntry> = (1..=FRAME_OPS_MAX as u64).map(op_entry).collect();
    let verdicts = feed_of_verdicts(1200);
    let inventory = |n: u64| {
        let first = n * FRAME_LOGS_MAX as u64;
        Frame::Inventory(Inventory { logs: List((0..4096).map(|m| (LogId(first + m).to_bytes(), 1)).collect()) })
    };
    let bombs = [
        ("ops without bytes, up", bomb(&with_head(up()), |_| ops(FRAME_OPS_MAX, 0))),
        ("ops without bytes, down", bomb(&with_head(down()), |_| ops(FRAME_OPS_MAX, 0))),
        ("long ops, up", bomb(&with_head(up()), |_| ops(3, 65_536))),
        ("long ops, down", bomb(&with_head(down()), |_| ops(3, 65_536))),
        ("heads, up", bomb(&up(), |n| Frame::Log(head(n)))),
        ("heads, down", bomb(&down(), |n| Frame::Log(head(n)))),
        ("signatures, up", bomb(&up(), |_| Frame::Attest(attest.clone()))),
        ("signatures without hashes", bomb(&up(), |_| Frame::Signed(signed.clone()))),
        ("heads of the run", bomb(&up(), |n| Frame::RunLog(RunLog { office: head(n).office, lane: 0 }))),
        ("signatures, down", bomb(&down(), |_| Frame::Attest(attest.clone()))),
        ("inventories", bomb(&up(), inventory)),
        ("feed of verdicts", bomb(&down(), |_| verdicts.clone())),
        ("feed of empty ops", bomb(&down(), |_| feed(entries.clone(), vec![head(0)], vec![]))),
        ("feed of heads", bomb(&down(), |_| feed(vec![], (0..3900).map(head).collect(), vec![]))),
        ("feed of signatures", bomb(&down(), |_| feed(vec![], vec![], vec![few.clone(); 60]))),
    ];
    for (what, bytes) in bombs {
        let peak = assert_bounded(what, &bytes);
        println!("{what}: {} bytes on the link, {peak} in use at the worst moment", bytes.len());
    }
}

/// Whatever head a device sends: the ops behind it are of the log that follows from the head, and of no other.
#[test]
fn no_head_gives_its_sender_the_name_of_anothers_log() {
    let mut pc = Pc::new(0x5a42);
    pc.write(&mut Ids::default(), LANES[0], "milik rekan sekantor");
    let (victim, theirs) = pc.logs.pop_first().expect("one log");
    let theirs = LogFrame::from(&theirs.head);
    // The nearest that there is: the same office, lane and run, and only the writer is the speaker.
    let stolen = LogFrame { replica: ReplicaId(SPEAKER).to_bytes(), ..theirs.clone() };
    let said = |head: &LogFrame, log: LogId| {
        let mut session = hub::Session::new(ReplicaId(SPEAKER));
        let ops = Frame::Ops(Ops { log: LogName::Id(log.to_bytes()), first_seq: 1, ops: List(vec![Blob(vec![1])]) });
        let mut out = PREAMBLE.to_vec();
        up().iter().chain([&Frame::Log(head.clone()), &ops]).for_each(|frame| frame.put(&mut out));
        let batches = session.receive(&out)?.into_iter().filter_map(|event| match event {
            hub::Event::Batch(batch) => Some((batch.head.log(), batch.head.replica(), batch.echo)),
            _ => None,
        });
        Ok::<_, Fault>(batches.collect::<Vec<_>>())
    };
    assert_eq!(said(&stolen, victim), Err(Fault::Peer("ops of a log without its head")));
    assert_eq!(said(&stolen, log_of(&stolen)), Ok(vec![(log_of(&stolen), ReplicaId(SPEAKER), false)]));
    assert_ne!(log_of(&stolen), victim);
    // Under its true head the log is the writer's, and its ops wait for the writer's signature.
    assert_eq!(said(&theirs, victim), Ok(vec![(victim, pc.replica, true)]));
}

#[test]
fn a_count_without_anything_behind_it_allocates_nothing_to_speak_of() {
    let giants: [&[u8]; 4] = [
        &[253, 255, 255, 255, 255, 255, 255, 255, 255],
        &[253, 0, 0, 0, 0, 1, 0, 0, 0],
        &[252, 255, 255, 255, 255],
        &[251, 255, 15],
    ];
    let kinds = [kind::HELLO, kind::HAVE, kind::LOG, kind::OPS, kind::ATTEST, kind::INVENTORY, kind::AGAIN];
    for kind in kinds.into_iter().chain([kind::MARKS, kind::FEED, kind::MOVED]) {
        for giant in giants {
            for prefix in 0..40 {
                let mut body = vec![0; prefix];
                body.extend_from_slice(giant);
                let (_, peak) = peak_of(|| Frame::decode(&RawFrame { kind, body }));
                assert!(peak < 16 * 1024, "kind {kind}: {peak} bytes");
            }
        }
    }
}

#[test]
fn an_endless_line_of_frames_is_stopped() {
    let heads = |opening: &[Frame]| {
        let mut out = PREAMBLE.to_vec();
        opening.iter().for_each(|frame| frame.put(&mut out));
        (0..=FRAME_LOGS_MAX as u64).for_each(|n| Frame::Log(head(n)).put(&mut out));
        out
    };
    assert!(matches!(hub_reads(&heads(&up())), Err(Fault::Limit(_))));
    assert!(matches!(agent_reads(&heads(&down())), Err(Fault::Limit(_))));
}
