//! Bytes of one exchange, application data both ways on an open connection, against the same records as JSON lines
//! under gzip -9 and brotli -11.
//!
//! `KENTONGAN_BENCH_FILE=FILE` and `KENTONGAN_BENCH_MAP=MAP` take records from a file instead of our own generator.

use std::fs;
use std::io::Write;
use std::path::Path;

use kentongan_tests::{Hub, Office, data, wait};
use serde_json::Value;

use crate::measure::{Bound, Figure};

const SIZES: [(usize, &str, &str, &str, f64); 3] = [
    (1, "bytes-1", "bytes-1-wire", "bytes-1-gzip", 0.45),
    (100, "bytes-100", "bytes-100-wire", "bytes-100-gzip", 0.65),
    (1_000, "bytes-1000", "bytes-1000-wire", "bytes-1000-gzip", 0.60),
];

/// Records that follow the first one of a run.
const LATER: usize = 10;

pub(crate) fn run() -> Vec<Figure> {
    let sized = SIZES.into_iter().flat_map(|size| figures(size, &lines(size.0)));
    idle_contact().into_iter().chain(sized).chain([later_records()]).collect()
}

/// Records that are entered one by one when their run has sent others: their log is known on the line.
fn later_records() -> Figure {
    let lines = lines(1 + LATER);
    let mut lines = lines.split_inclusive('\n');
    let (office, hub) = connected();
    exchange(&office, &hub, lines.next().expect("a line"));
    let sent: Vec<_> = lines.map(|line| (exchange(&office, &hub, line).body, brotli_11(line.as_bytes()))).collect();
    Figure {
        name: "bytes-1-later",
        what: "one exchange with 1 record, the mean of ten that are not the first of their run",
        ours: (sent.iter().map(|(body, _)| *body).sum::<u64>() as f64 / LATER as f64, "B"),
        against: (sent.iter().map(|(_, packed)| *packed).sum::<usize>() as f64 / LATER as f64, "brotli -11"),
        bound: Bound::AtMost(0.45),
    }
}

/// A contact with nothing to say on an open connection, TLS included.
fn idle_contact() -> [Figure; 2] {
    let (office, hub) = connected();
    office.sync().ok();
    let before = hub.door().counts();
    office.sync().ok();
    let after = hub.door().counts();
    assert_eq!(after.connections, before.connections, "the connection was still open");
    let figure = |name, what, bytes: u64| Figure {
        name,
        what,
        ours: (bytes as f64, "B"),
        against: (300.0, "the bound"),
        bound: Bound::AtMost(1.0),
    };
    [
        figure("bytes-idle-up", "an idle contact, upwards", after.up_bytes - before.up_bytes),
        figure("bytes-idle-down", "an idle contact, downwards", after.down_bytes - before.down_bytes),
    ]
}

fn figures(
    (count, name, wire_name, gzip_name, bound): (usize, &'static str, &'static str, &'static str, f64),
    lines: &str,
) -> [Figure; 3] {
    let (office, hub) = connected();
    let sent = exchange(&office, &hub, lines);
    let what = match count {
        1 => "one exchange with 1 record",
        100 => "one exchange with 100 records",
        _ => "one exchange with 1,000 records",
    };
    let (body, wire) = ((sent.body as f64, "B"), (sent.wire as f64, "B"));
    let brotli = (brotli_11(lines.as_bytes()) as f64, "brotli -11");
    [
        Figure { name, what, ours: body, against: brotli, bound: Bound::AtMost(bound) },
        Figure { name: wire_name, what: "the same with TLS", ours: wire, against: brotli, bound: Bound::None },
        Figure {
            name: gzip_name,
            what,
            ours: body,
            against: (gzip_9(lines.as_bytes()) as f64, "gzip -9"),
            bound: Bound::None,
        },
    ]
}

/// Records as JSON lines.
pub(crate) fn lines(count: usize) -> String {
    match std::env::var_os("KENTONGAN_BENCH_FILE") {
        Some(file) => {
            let text = fs::read_to_string(file).expect("read the file of records");
            text.lines().take(count).flat_map(|line| [line, "\n"]).collect()
        }
        None => data::json_lines(count),
    }
}

struct Sent {
    /// Bodies of requests and answers.
    body: u64,
    /// Everything on the connection, TLS included.
    wire: u64,
}

/// An office that has spoken with its hub, on a connection that stays open.
fn connected() -> (Office, Hub) {
    let hub = Hub::start();
    let mut office = Office::enrol(&hub, "94.01.01.2011");
    // It talks when there is something new, and otherwise not while this runs.
    office.configure("[sync]\ninterval = \"1d\"\njitter = 0\n[hub]\nproxy = \"none\"\n");
    office.start();
    wait::until_true("the first contact", wait::LONG, || !contacts(&office).is_empty());
    (office, hub)
}

/// Enters records, which the service sends at once.
fn exchange(office: &Office, hub: &Hub, lines: &str) -> Sent {
    let (contacts, before) = (contacts(office).len(), hub.door().counts());
    import(office, lines);
    office.wait_arrived();
    let all = wait::until("the contact is noted", wait::LONG, || {
        let all = self::contacts(office);
        (all.len() > contacts).then_some(all)
    });
    let after = hub.door().counts();
    assert_eq!(after.connections, before.connections, "the connection was still open");
    let body = all.iter().skip(contacts).map(|line| number(line, "up_bytes") + number(line, "down_bytes")).sum();
    Sent { body, wire: after.up_bytes + after.down_bytes - before.up_bytes - before.down_bytes }
}

fn import(office: &Office, lines: &str) {
    let file = office.desk().join("catatan.jsonl");
    fs::write(&file, lines).expect("write a file");
    let mut words = vec!["import".to_owned(), file.display().to_string()];
    if let Some(map) = std::env::var_os("KENTONGAN_BENCH_MAP") {
        words.extend(["--map".to_owned(), Path::new(&map).display().to_string()]);
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let report = office.run(&words).ok().json();
    assert_eq!(report["taken"], lines.lines().count(), "{report:#}");
}

/// What the service logged about its contacts.
fn contacts(office: &Office) -> Vec<Value> {
    let events = office.said();
    let lines = events.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["ev"] == "sync.session.finished").collect()
}

fn number(line: &Value, key: &str) -> u64 {
    line[key].as_u64().expect("a number in the log")
}

pub(crate) fn gzip_9(bytes: &[u8]) -> usize {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).expect("compress");
    encoder.finish().expect("compress").len()
}

pub(crate) fn brotli_11(bytes: &[u8]) -> usize {
    let mut packed = Vec::new();
    let params = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, ..Default::default() };
    brotli::BrotliCompress(&mut &bytes[..], &mut packed, &params).expect("compress");
    packed.len()
}
