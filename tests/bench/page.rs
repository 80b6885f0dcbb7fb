//! The office's first page beside a hundred thousand records, against the same page beside a thousand; what ten tabs of it cost
//! in memory, and what its index of words costs beside taking the records in.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use kentongan_agent::store::{Machine, Store};
use kentongan_tests::visitor::Visitor;
use kentongan_tests::{Dice, Hub, Office, data};
use rusqlite::Connection;

use crate::idle::resident_bytes;
use crate::import::import;
use crate::measure::{Bound, Figure, median, timed};

const FEW: usize = 1_000;
const MANY: usize = 100_000;
/// Rows of one file.
const FILE_ROWS: usize = 10_000;
const ROUNDS: usize = 41;
const TABS: usize = 10;
/// Questions of each tab: a minute's worth.
const ASKED: usize = 20;
const BOUND_MS: f64 = 50.0;
const MIB: f64 = 1024.0 * 1024.0;

pub(crate) fn run() -> Vec<Figure> {
    let mut hub = Hub::start();
    let (mut few, mut many) = (Office::enrol(&hub, "32.73.05.1001"), Office::enrol(&hub, "32.73.05.1002"));
    hub.stop();
    fill(&few, FEW);
    let (imported, indexed) = fill(&many, MANY);
    let ms = |office: &mut Office, path: &str| {
        let page = office.page();
        let rounds = (0..ROUNDS).map(|_| timed(|| fetch(&page, path)).0).collect();
        median(rounds).as_secs_f64() * 1000.0
    };
    few.start();
    many.start();
    let at_rest = resident_bytes(many.service().expect("it runs").pid());
    let mut figures = vec![Figure {
        name: "page-index",
        what: "the words of 100,000 records put into the index, between contacts",
        ours: (indexed.as_secs_f64(), "s"),
        against: (imported.as_secs_f64(), "taking them in"),
        bound: Bound::None,
    }];
    for (name, path, what) in [
        ("page-first", "/", "the first page, 100,000 records arrived and none in a second copy"),
        ("page-list", "/catatan", "the list of records beside 100,000"),
        ("page-delivery", "/pengiriman", "the page about delivery beside 100,000 records"),
    ] {
        let (small, large) = (ms(&mut few, path), ms(&mut many, path));
        figures.push(Figure {
            name,
            what,
            ours: (large, "ms"),
            against: (BOUND_MS, "the bound"),
            bound: Bound::AtMost(1.0),
        });
        figures.push(Figure {
            name,
            what: "the same",
            ours: (large, "ms"),
            against: (small, "beside 1,000 records"),
            bound: Bound::None,
        });
    }
    for (words, what) in [
        ("zzz", "a search that finds nothing among 100,000 records"),
        ("a", "a search for a letter"),
        ("ja", "a search for what begins many words"),
        ("jalan lampu", "a search for two words"),
    ] {
        figures.push(Figure {
            name: "page-search",
            what,
            ours: (search_ms(&mut many, words), "ms"),
            against: (BOUND_MS, "the bound"),
            bound: Bound::AtMost(1.0),
        });
    }
    let [few_with_tabs, with_tabs] = [few, many].map(|mut office| {
        open_tabs(&office.page());
        resident_bytes(office.service().expect("it runs").pid())
    });
    for (resident, what) in [
        (few_with_tabs, "resident memory with ten tabs, beside 1,000 records, after those pages"),
        (at_rest, "resident memory with 100,000 records before anybody looks"),
        (with_tabs, "the same with ten tabs, after all that"),
    ] {
        figures.push(Figure {
            name: "page-memory",
            what,
            ours: (resident / MIB, "MiB"),
            against: (10.0, "the agent's budget"),
            bound: Bound::AtMost(1.0),
        });
    }
    figures
}

/// Ten tabs ask what is new, all at once, for some minutes.
fn open_tabs(page: &str) {
    std::thread::scope(|scope| {
        for _ in 0..TABS {
            scope.spawn(|| (0..ASKED).for_each(|_| fetch_part(page)));
        }
    });
}

/// Enters so many records, and lets the store believe that a hub without a second copy has them. How long it took to take
/// them in, and to put their words into the index.
fn fill(office: &Office, records: usize) -> (Duration, Duration) {
    office.configure("[hub]\nproxy = \"none\"\n");
    let path = office.data().join("store.db");
    let mut store = Store::open(&path, Machine::real()).expect("the store");
    let mut imported = Duration::ZERO;
    for (number, rows) in (0..records).step_by(FILE_ROWS).enumerate() {
        let file = office.desk().join(format!("{number}.csv"));
        let count = FILE_ROWS.min(records - rows);
        fs::write(&file, data::messy_csv(&mut Dice::new(number as u64), count, usize::MAX).csv).expect("write a file");
        imported += timed(|| import(&file, &mut store, count)).0;
    }
    let indexed = timed(|| while store.index_some().expect("the index of words") {}).0;
    store.close().expect("close the store");
    let store = Connection::open(&path).expect("the file of the store");
    store.execute("UPDATE log SET stored = held WHERE own = 1", []).expect("the marks of a hub");
    // Entered over some years, not within a minute.
    let spread = "UPDATE record SET wall_ms = wall_ms - id % 1000 * 86400000, changed = wall_ms - id % 1000 * 86400000";
    store.execute(spread, []).expect("times of entry");
    (imported, indexed)
}

/// What a search takes, with the form and the way there.
fn search_ms(office: &mut Office, words: &str) -> f64 {
    let mut visitor = Visitor::at(&office.page());
    let mut search = || {
        visitor.post("/catatan", &[("kata", words)]).expect(200);
    };
    let rounds = (0..ROUNDS).map(|_| timed(&mut search).0).collect();
    median(rounds).as_secs_f64() * 1000.0
}

fn fetch(page: &str, path: &str) {
    ask(page, path, "");
}

/// What a tab asks every three seconds.
fn fetch_part(page: &str) {
    ask(page, "/", "X-Part: 1\r\n");
}

fn ask(page: &str, path: &str, headers: &str) {
    let host = page.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(host).expect("the page is open");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a time-out");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).expect("asked");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("answered");
    assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer));
}
