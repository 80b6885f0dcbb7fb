//! The packed coding by itself: bytes of ops as imported, against general compressors of the same records as JSON lines.
//! Two kinds of records: our own generator's, or those of `KENTONGAN_BENCH_FILE` with `KENTONGAN_BENCH_MAP`.

use std::sync::atomic::AtomicBool;

use kentongan_agent::entry::{ImportRow, Intake, RowOutcome};
use kentongan_agent::inbox::{ListEntered, MapChoice, Options, import_file};
use kentongan_host::Lang;
use kentongan_protocol::clock::HybridClock;
use kentongan_protocol::form::builtin;
use kentongan_protocol::ids::Lane;
use kentongan_protocol::limits::FRAME_BODY_BYTES_AIM;
use kentongan_protocol::op::{Action, Op, Write};
use kentongan_protocol::pack::{Packer, Primed, Times};
use kentongan_protocol::receipt::{Prefix, ReceiptCode, SERIALS};
use kentongan_protocol::wire::codec::{self, Blob, List};
use kentongan_protocol::wire::v1::{LogName, Ops, kind};
use kentongan_tests::Dice;

use crate::bytes::{brotli_11, gzip_9, lines};
use crate::measure::{Bound, Figure};

const WALL_MS: i64 = 1_795_000_000_000;
const ELAPSED_MS: u64 = 3_600_000;

pub(crate) fn run() -> Vec<Figure> {
    let hundred = figures(100, "packed-100", "one stream of 100 records, packed ops", 0.65);
    let thousand = figures(1_000, "packed-1000", "one stream of 1,000 records, packed ops", 0.60);
    hundred.into_iter().chain(thousand).chain(singles()).collect()
}

fn figures(count: usize, name: &'static str, what: &'static str, bound: f64) -> Vec<Figure> {
    let lines = lines(count);
    let mut packer = packer();
    let ops = ops(&lines);
    let packed: usize = ops.iter().map(|(lane, ops)| streamed(&mut packer, *lane, ops)).sum();
    let against =
        |other: usize, of, bound| Figure { name, what, ours: (packed as f64, "B"), against: (other as f64, of), bound };
    vec![
        against(brotli_11(lines.as_bytes()), "brotli -11", Bound::AtMost(bound)),
        against(zstd::bulk::compress(lines.as_bytes(), 19).expect("compress").len(), "zstd -19", Bound::None),
        against(gzip_9(lines.as_bytes()), "gzip -9", Bound::None),
        against(lines.len(), "as they are", Bound::None),
    ]
}

/// Each record in a stream of its own: the mean of 100.
fn singles() -> Vec<Figure> {
    let lines = lines(100);
    let mean = |lane: Lane| {
        let (mut packed, mut plain, mut count) = (0, 0, 0);
        for line in lines.lines() {
            for ops in ops(line).into_iter().filter(|(of, ops)| *of == lane && !ops.is_empty()).map(|(_, ops)| ops) {
                packed += streamed(&mut packer(), lane, &ops);
                plain += line.len();
                count += 1;
            }
        }
        (f64::from(packed as u32) / f64::from(count), plain as f64 / f64::from(count))
    };
    let figure = |name, what, (packed, plain), most: f64| Figure {
        name,
        what,
        ours: (packed, "B"),
        against: (plain, "JSON line"),
        bound: Bound::AtMost(most),
    };
    vec![
        figure("packed-complaint", "a complaint by itself, packed op", mean(Lane::Case), 0.45),
        figure("packed-survey", "a survey answer by itself, packed op", mean(Lane::Survey), 0.45),
    ]
}

fn packer() -> Packer {
    Packer::new(Primed::Kept, Times { elapsed_ms: ELAPSED_MS + 900, hlc: ((WALL_MS + 900) as u64) << 16 })
}

/// Bytes of the packed bodies of frames as a session would send them.
fn streamed(packer: &mut Packer, lane: Lane, ops: &[Vec<u8>]) -> usize {
    let (mut bytes, mut begin) = (0, 0);
    while begin < ops.len() {
        let (mut end, mut body) = (begin, 0);
        while end < ops.len() && body < FRAME_BODY_BYTES_AIM {
            body += ops[end].len();
            end += 1;
        }
        let page = List(ops[begin..end].iter().cloned().map(Blob).collect());
        let body = codec::encode(&Ops { log: LogName::Id([lane as u8; 8]), first_seq: begin as u64 + 1, ops: page });
        bytes += packer.pack(kind::OPS, &body).expect("ops are packed").len();
        begin = end;
    }
    bytes
}

/// Ops as the import makes them, by lane.
fn ops(lines: &str) -> Vec<(Lane, Vec<Vec<u8>>)> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("catatan.jsonl");
    std::fs::write(&file, lines).expect("write a file of records");
    let mut entered =
        Entered { case: Vec::new(), survey: Vec::new(), clock: HybridClock::default(), dice: Dice::new(7) };
    let options = Options {
        lang: Lang::En,
        author: "petugas".to_owned(),
        offset_min: 540,
        map: std::env::var_os("KENTONGAN_BENCH_MAP").map_or(MapChoice::Beside, |map| MapChoice::File(map.into())),
        rejected_folders: vec![folder.path().to_owned()],
        entered: ListEntered::No,
        stop: &AtomicBool::new(false),
    };
    import_file(&file, &options, &mut entered, &mut |_| {}).expect("the records are in order");
    vec![(Lane::Case, entered.case), (Lane::Survey, entered.survey)]
}

struct Entered {
    case: Vec<Vec<u8>>,
    survey: Vec<Vec<u8>>,
    clock: HybridClock,
    dice: Dice,
}

impl Intake for Entered {
    fn take(&mut self, rows: Vec<ImportRow>) -> anyhow::Result<Vec<RowOutcome>> {
        let outcomes = vec![RowOutcome::Repeated; rows.len()];
        for row in rows {
            let form = builtin::by_tag(row.record.form).expect("a built-in form");
            let prefix = "7K3M".parse::<Prefix>().expect("a prefix");
            let serial = self.dice.below(u64::from(SERIALS)) as u32;
            let receipt = if form.receipt { ReceiptCode::new(prefix, serial) } else { None };
            let op = Op {
                action: Action::Create { form: form.tag, form_version: form.version, receipt },
                author: row.record.author,
                elapsed_ms: ELAPSED_MS,
                hlc: self.clock.tick(WALL_MS),
                writes: row
                    .record
                    .writes
                    .into_iter()
                    .map(|(group, values)| Write { group, values, ..Write::default() })
                    .collect(),
            };
            let lane = if form.lane == Lane::Survey { &mut self.survey } else { &mut self.case };
            lane.push(op.encode()?);
        }
        Ok(outcomes)
    }
}
