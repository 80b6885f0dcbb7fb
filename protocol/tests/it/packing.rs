//! The packed coding: what goes in comes out byte for byte, whatever it is; and whatever arrives, nothing breaks.

use kentongan_protocol::clock::Hlc;
use kentongan_protocol::error::Fault;
use kentongan_protocol::form::Value;
use kentongan_protocol::ids::{LogId, OpId, RecordId};
use kentongan_protocol::limits::{FRAME_BODY_BYTES_MAX, OP_BYTES_MAX};
use kentongan_protocol::op::{Action, Op, Write};
use kentongan_protocol::pack::{Packer, Prepared, Primed, Times, Unpacker};
use kentongan_protocol::receipt::ReceiptCode;
use kentongan_protocol::wire::codec::{self, Blob, List, Txt};
use kentongan_protocol::wire::v1::{
    Attest, FeedEntry, FeedFrame, LogFrame, LogName, Ops, PageLog, RunFrame, VerdictFrame, kind,
};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use crate::allocation::peak_of;
use crate::build::{self, items};
use crate::schema::{hex, to_hex};

/// A coder, its model and what it works on.
const PEAK_BYTES_MAX: usize = 6 * 1024 * 1024;

const BEGIN: Times = Times { elapsed_ms: 60_000, hlc: 1_790_000_000_000 << 16 };

fn packer() -> Packer {
    Packer::new(Primed::Kept, BEGIN)
}

fn unpacker() -> Unpacker {
    Unpacker::new(Primed::Kept, BEGIN)
}

fn op_id() -> impl Strategy<Value = OpId> {
    (prop_oneof![0..4_u64, any::<u64>()], prop_oneof![1..9_u64, 1..u64::MAX])
        .prop_map(|(log, seq)| OpId { log: LogId(log), seq })
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z ,.]{0,60}",
        "(jalan|air|KTP) [0-9]{1,12}",
        "A-(99[89]|[0-9])(/X)?",
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        "0190[0-9a-f]{4}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
        "\\PC{0,20}",
        "[\\x00-\\x7f]{0,12}",
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let near = 1_790_000_000_000_i64;
    prop_oneof![
        4 => text().prop_map(Value::Text),
        1 => any::<i64>().prop_map(Value::Whole),
        1 => (17..90_i64).prop_map(Value::Whole),
        1 => any::<(i64, u8)>().prop_map(|(unscaled, scale)| Value::Decimal { unscaled, scale }),
        2 => prop_oneof![0..9_u16, any::<u16>()].prop_map(Value::One),
        1 => prop::collection::vec(any::<u16>(), 0..5).prop_map(Value::Many),
        1 => prop_oneof![20_000..21_000, any::<i32>()].prop_map(Value::Date),
        1 => any::<(i64, i16)>().prop_map(|(utc_ms, offset_min)| Value::DateTime { utc_ms, offset_min }),
        1 => (0..9_i64).prop_map(move |s| Value::DateTime { utc_ms: near - near % 60_000 + s * 1_000, offset_min: 420 }),
        1 => "[0-9.]{0,20}".prop_map(Value::Area),
        1 => "[A-Z][a-z]{0,9}".prop_map(Value::Person),
    ]
}

fn write() -> impl Strategy<Value = Write> {
    let values = prop::collection::btree_map(prop_oneof![1..60_u16, any::<u16>()], value(), 0..8);
    let cycle = prop_oneof![3 => Just(0), 1 => any::<u32>()];
    (prop_oneof![1..12_u16, any::<u16>()], prop::collection::vec(op_id(), 0..3), cycle, values)
        .prop_map(|(group, replaces, cycle, values)| Write { group, replaces, cycle, values })
}

fn op() -> impl Strategy<Value = Op> {
    let receipt =
        prop::option::of((0..26_439_622_160_671_u64).prop_map(|n| ReceiptCode::from_number(n).expect("a code")));
    let action = prop_oneof![
        (prop_oneof![1..3_u16, any::<u16>()], 0..3_u16, receipt)
            .prop_map(|(form, form_version, receipt)| Action::Create { form, form_version, receipt }),
        op_id().prop_map(|id| Action::Change { record: RecordId(id) }),
    ];
    let elapsed = prop_oneof![0..600_000_u64, any::<u64>()];
    let hlc = prop_oneof![
        (0..600_000_u64).prop_map(|ms| (1_790_000_000_000 + ms) << 16),
        (0..300_u64).prop_map(|ticks| (1_790_000_000_000 << 16) + ticks),
        any::<u64>()
    ];
    (action, "[a-z]{0,8}", elapsed, hlc, prop::collection::vec(write(), 0..4))
        .prop_map(|(action, author, elapsed_ms, hlc, writes)| Op { action, author, elapsed_ms, hlc: Hlc(hlc), writes })
}

/// Bytes of an op, of one entered again, of one of a later schema, or of none.
fn op_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => op().prop_map(|op| op.encode().expect("a small op")),
        1 => (op(), op_id()).prop_map(|(op, origin)| op.encode_for(origin).expect("a small op")),
        1 => (op(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(op, at, byte)| {
            let mut bytes = op.encode().expect("a small op");
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes
        }),
        1 => prop::collection::vec(any::<u8>(), 0..80),
    ]
}

fn ops_body(ops: &[Vec<u8>], log: u64, first_seq: u64) -> Vec<u8> {
    let ops = List(ops.iter().cloned().map(Blob).collect());
    codec::encode(&Ops { log: LogName::Id(log.to_be_bytes()), first_seq, ops })
}

fn log_frame() -> LogFrame {
    let run = RunFrame { run: [7; 8], ordinal: 3, before: None, boot: [1; 8], boot_ms: 99, wall_ms: 1_790_000_000_000 };
    LogFrame { replica: [5; 8], office: Txt("32.73.05.1001".to_owned()), lane: 1, run }
}

fn feed_body(ops: &[Vec<u8>], verdicts: &[OpId], upto: u64) -> Vec<u8> {
    let of_ops = ops.iter().enumerate().map(|(place, bytes)| FeedEntry::Op {
        number: upto + place as u64,
        log: (place % 3) as u16,
        seq: place as u64,
        bytes: Blob(bytes.clone()),
    });
    let of_verdicts = verdicts.iter().map(|id| FeedEntry::Verdict {
        number: upto + 100,
        log: id.log.to_bytes(),
        seq: id.seq,
        verdict: VerdictFrame::NeedsRepair(List(vec![(Some(21), None, 3)])),
    });
    let attest = Attest { replica: [9; 8], heads: List(vec![([1; 8], 4, [2; 32])]), signature: [3; 64] };
    codec::encode(&FeedFrame {
        topic: 3,
        upto,
        logs: List(vec![PageLog::Head(log_frame())]),
        entries: List(of_ops.chain(of_verdicts).collect()),
        attests: List(vec![attest]),
    })
}

/// Packs bodies as one stream and unpacks them again; bodies that were not packed are passed over on both sides.
fn come_back(bodies: &[(u8, Vec<u8>)]) -> Result<usize, TestCaseError> {
    let (mut packer, mut unpacker) = (packer(), unpacker());
    let mut bytes = 0;
    for (kind, body) in bodies {
        if let Some(packed) = packer.pack(*kind, body) {
            bytes += packed.len();
            prop_assert_eq!(unpacker.unpack(*kind, &packed), Ok(body.clone()));
        }
    }
    Ok(bytes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn ops_come_back_byte_for_byte(
        frames in prop::collection::vec((prop::collection::vec(op_bytes(), 0..6), 0..3_u64, any::<u64>()), 1..4),
    ) {
        let bodies: Vec<_> =
            frames.iter().map(|(ops, log, first_seq)| (kind::OPS, ops_body(ops, *log, *first_seq))).collect();
        come_back(&bodies)?;
    }

    #[test]
    fn pages_of_the_feed_come_back_byte_for_byte(
        pages in prop::collection::vec((prop::collection::vec(op_bytes(), 0..6), prop::collection::vec(op_id(), 0..3)), 1..4),
        upto: u32,
    ) {
        let bodies: Vec<_> =
            pages.iter().map(|(ops, verdicts)| (kind::FEED, feed_body(ops, verdicts, upto.into()))).collect();
        come_back(&bodies)?;
    }

    #[test]
    fn damage_is_an_error_or_another_body(
        ops in prop::collection::vec(op_bytes(), 1..5), at in any::<prop::sample::Index>(), byte: u8, cut: bool,
    ) {
        let mut packed = packer().pack(kind::OPS, &ops_body(&ops, 1, 1)).unwrap_or_else(|| vec![1, 2, 3]);
        let at = at.index(packed.len());
        if cut { packed.truncate(at) } else { packed[at] = byte }
        if let Ok(body) = unpacker().unpack(kind::OPS, &packed) {
            prop_assert!(body.len() <= FRAME_BODY_BYTES_MAX);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(packed in prop::collection::vec(any::<u8>(), 0..400), kind in 0..20_u8, ours: bool) {
        let packed = if ours { [vec![1], packed].concat() } else { packed };
        let mut unpacker = unpacker();
        let (body, peak) = peak_of(|| unpacker.unpack(kind, &packed));
        prop_assert!(peak <= PEAK_BYTES_MAX, "{} bytes", peak);
        if let Ok(body) = body {
            prop_assert!(body.len() <= packed.len() * 64 + 4096);
        }
    }
}

#[test]
fn the_packed_vectors_hold() {
    let vectors: serde_json::Value = serde_json::from_str(include_str!("../../vectors/packed.json")).expect("JSON");
    let print = std::env::var_os("KENTONGAN_PRINT_VECTORS").is_some();
    let text = Sha256::digest(include_str!("../../src/pack/priming1.txt"));
    let (mut packer, mut unpacker) = (packer(), unpacker());
    for vector in items(&vectors["bodies"]) {
        let (name, kind, body) = (build::text(&vector["name"]), build::int(&vector["kind"]), hex(&vector["body"]));
        let packed = packer.pack(kind, &body).expect("it is packed");
        assert_eq!(unpacker.unpack(kind, &packed), Ok(body), "{name}");
        match print {
            true => println!("{name}: {}", to_hex(&packed)),
            false => assert_eq!(to_hex(&packed), build::text(&vector["packed"]), "{name}"),
        }
    }
    match print {
        true => println!("priming text: {}", to_hex(&text)),
        false => assert_eq!(to_hex(&text), build::text(&vectors["priming_sha256"])),
    }
}

/// A complaint in our own words.
fn complaint(number: u64, text: &str) -> Vec<u8> {
    let write = |group, tag, value| Write { group, values: [(tag, value)].into(), ..Write::default() };
    let op = Op {
        action: Action::Create { form: 1, form_version: 1, receipt: ReceiptCode::from_number(1_000 + number) },
        author: "petugas".to_owned(),
        elapsed_ms: 59_000 + number * 1_000,
        hlc: Hlc((1_789_999_999_000 + number * 1_000) << 16),
        writes: vec![
            write(2, 21, Value::Text(text.to_owned())),
            write(3, 31, Value::One(12)),
            write(9, 91, Value::One(1)),
        ],
    };
    op.encode().expect("a small op")
}

#[test]
fn a_complaint_takes_a_third_of_its_bytes() {
    let text = "Atap kelas tiga bocor, anak-anak belajar sambil memegang payung. Mohon diperbaiki sebelum musim hujan.";
    let body = ops_body(&[complaint(0, text)], 1, 1);
    let packed = packer().pack(kind::OPS, &body).expect("it is packed");
    assert!(packed.len() * 3 < body.len(), "{} of {}", packed.len(), body.len());
}

#[test]
fn it_is_the_same_whether_the_model_was_made_ahead_or_meanwhile() {
    let bodies =
        [ops_body(&[complaint(0, "Jembatan gantung putus.")], 1, 1), ops_body(&[complaint(1, "Sudah.")], 1, 2)];
    let all = |mut packer: Packer| bodies.each_ref().map(|body| packer.pack(kind::OPS, body));
    let (ahead, meanwhile) = (all(Packer::prepared(Prepared::new(), BEGIN)), all(Packer::new(Primed::Fresh, BEGIN)));
    assert!(ahead.iter().all(Option::is_some));
    assert_eq!(ahead, meanwhile);
}

#[test]
fn what_is_said_again_costs_almost_nothing() {
    let text = "Lampu jalan padam sejak Senin.".repeat(4);
    let bodies: Vec<_> = (0..4).map(|n| (kind::OPS, ops_body(&[complaint(n, &text)], 1, n + 1))).collect();
    let all = come_back(&bodies).expect("they come back");
    let first = come_back(&bodies[..1]).expect("it comes back");
    assert!(all < first * 2, "{all} and {first}");
}

#[test]
fn a_number_that_is_counted_on_costs_almost_nothing() {
    let numbered =
        |number: u64| (kind::OPS, ops_body(&[complaint(number, &format!("B/{:09}/x", 7 * number))], 1, number + 1));
    let size = |count: u64| come_back(&(0..count).map(numbered).collect::<Vec<_>>()).expect("they come back");
    // The receipt's serial number is three bytes of chance.
    assert!(size(60) - size(40) < 20 * 5, "{} and {}", size(40), size(60));
}

#[test]
fn a_body_that_would_grow_too_much_is_not_packed_and_not_unpacked() {
    let body = ops_body(&[complaint(0, &"a".repeat(19_000)), complaint(1, &"a".repeat(19_000))], 1, 1);
    let mut packer = packer();
    assert_eq!(packer.pack(kind::OPS, &body), None);
    assert_eq!(
        packer.pack(kind::OPS, &ops_body(&[complaint(2, "b")], 1, 3)),
        None,
        "the reader cannot follow any more"
    );
}

#[test]
fn the_longest_op_of_no_known_kind_comes_back() {
    let noise: Vec<u8> = (0..OP_BYTES_MAX as u32).map(|n| (n.wrapping_mul(n) >> 7) as u8).collect();
    let mut packer = packer();
    if let Some(packed) = packer.pack(kind::OPS, &ops_body(std::slice::from_ref(&noise), 1, 1)) {
        assert_eq!(unpacker().unpack(kind::OPS, &packed), Ok(ops_body(&[noise], 1, 1)));
    }
}

#[test]
fn other_models_and_other_kinds_are_refused() {
    let body = ops_body(&[complaint(0, "lampu")], 1, 1);
    assert_eq!(packer().pack(kind::MARKS, &body), None);
    let mut packed = packer().pack(kind::OPS, &body).expect("it is packed");
    assert!(matches!(unpacker().unpack(kind::MARKS, &packed), Err(Fault::Peer(_))));
    packed[0] = 2;
    assert_eq!(unpacker().unpack(kind::OPS, &packed), Err(Fault::Version("an unknown model of the packed coding")));
    assert!(matches!(unpacker().unpack(kind::OPS, &[]), Err(Fault::Peer(_))));
}
