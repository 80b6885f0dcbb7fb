//! Saving at the counter: one durable commit a record, against the same bytes inserted by hand into SQLite.

use std::path::Path;

use kentongan_agent::command::{self, Command};
use kentongan_agent::store::{Machine, Member, Store};
use kentongan_host::Lang;
use kentongan_host::sqlite;
use kentongan_protocol::ids::ReplicaId;
use kentongan_tests::{Dice, data};
use rusqlite::Connection;

use crate::measure::{Bound, Figure, ROUNDS, median, on_disk, rate, timed};

const SAVES: usize = 200;

pub(crate) fn run() -> Vec<Figure> {
    let disk = on_disk();
    let mut store = enrolled_store(&disk.path().join("store.db"));
    let raw = raw_store(&disk.path().join("raw.db"));
    let mut dice = Dice::new(1);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let commands: Vec<Command> = (0..SAVES).map(|number| complaint(&mut dice, round * SAVES + number)).collect();
        let (time, ()) = timed(|| {
            for command in &commands {
                command::on_store(&mut store, command, Lang::En).expect("save");
            }
        });
        ours.push(time);
        let rows = newest_ops(&disk.path().join("store.db"), SAVES);
        let (time, ()) = timed(|| rows.iter().for_each(|row| insert(&raw, row)));
        theirs.push(time);
    }
    vec![Figure {
        name: "save",
        what: "records saved at the counter, one durable commit each",
        ours: (rate(SAVES, median(ours)), "/s"),
        against: (rate(SAVES, median(theirs)), "raw durable inserts of the same bytes"),
        bound: Bound::AtLeast(0.8),
    }]
}

/// A complaint as a page or the command line hands it over: names and texts.
fn complaint(dice: &mut Dice, number: usize) -> Command {
    let values = data::complaint(dice, number)
        .into_iter()
        .map(|(name, value)| (name, value.as_str().unwrap_or_default().to_owned()))
        .collect();
    Command::Add { form: "pengaduan".to_owned(), author: "Sari".to_owned(), values }
}

/// A store that has joined a hub that is never asked.
pub(crate) fn enrolled_store(path: &Path) -> Store {
    let mut store = Store::open(path, Machine::real()).expect("a store");
    let member = Member {
        replica: ReplicaId(1),
        office: "32.73.05.1001".parse().expect("a code"),
        office_name: String::new(),
        prefix: "7K3M".parse().expect("a prefix"),
        hub_url: "https://127.0.0.1:9".to_owned(),
        hub_replica: ReplicaId(2),
    };
    store.join(&member).expect("join");
    store
}

/// A database with the settings of ours and one table.
pub(crate) fn raw_store(path: &Path) -> Connection {
    let table = "CREATE TABLE row (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT";
    sqlite::open(path, 0x7261_7731, &[table]).expect("a database")
}

/// One row in a transaction of its own, unless one is open.
pub(crate) fn insert(db: &Connection, bytes: &[u8]) {
    db.prepare_cached("INSERT INTO row (bytes) VALUES (?)")
        .and_then(|mut insert| insert.execute([bytes]))
        .expect("insert");
}

/// The newest ops of a store, as their bytes lie in it.
pub(crate) fn newest_ops(path: &Path, count: usize) -> Vec<Vec<u8>> {
    let db = sqlite::open_reader(path).expect("read the store");
    let mut select = db.prepare("SELECT bytes FROM op ORDER BY id DESC LIMIT ?").expect("read ops");
    let rows = select.query_map([count as i64], |row| row.get(0)).expect("read ops");
    rows.map(|row| row.expect("an op")).collect()
}
