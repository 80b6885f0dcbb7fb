//! Rounds, medians and figures.

use std::path::Path;
use std::time::{Duration, Instant};

use kentongan_host::sqlite;
use rusqlite::Connection;
use rusqlite::types::Value as SqlValue;
use serde_json::json;
use tempfile::TempDir;

/// Rounds of each of two things, taken in turns.
pub(crate) const ROUNDS: usize = 7;

/// A bound that a ratio is to keep.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bound {
    AtLeast(f64),
    AtMost(f64),
    /// Told for comparison only.
    None,
}

/// What came out.
#[derive(Debug)]
pub(crate) struct Figure {
    /// Name for scripts.
    pub(crate) name: &'static str,
    /// What is divided by what, for people.
    pub(crate) what: &'static str,
    /// Ours, with its unit.
    pub(crate) ours: (f64, &'static str),
    /// What it is compared with, in the same unit.
    pub(crate) against: (f64, &'static str),
    pub(crate) bound: Bound,
}

impl Figure {
    fn ratio(&self) -> f64 {
        self.ours.0 / self.against.0
    }

    pub(crate) fn holds(&self) -> bool {
        match self.bound {
            Bound::AtLeast(least) => self.ratio() >= least,
            Bound::AtMost(most) => self.ratio() <= most,
            Bound::None => true,
        }
    }

    pub(crate) fn print(&self) {
        let (ours, unit) = self.ours;
        let (against, other) = self.against;
        let bound = match self.bound {
            Bound::AtLeast(least) => format!("  (bound ≥ {least}: {})", word(self.holds())),
            Bound::AtMost(most) => format!("  (bound ≤ {most}: {})", word(self.holds())),
            Bound::None => String::new(),
        };
        println!(
            "{:<22} {:.3}  {}: {ours:.1} {unit} against {against:.1} {unit} ({other}){bound}",
            self.name,
            self.ratio(),
            self.what
        );
        let line = json!({
            "bench": self.name, "ratio": round(self.ratio()), "ours": round(ours), "against": round(against),
            "unit": unit, "compared_with": other, "holds": self.holds(),
        });
        println!("{line}");
    }
}

fn word(holds: bool) -> &'static str {
    if holds { "holds" } else { "DOES NOT HOLD" }
}

fn round(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

/// The middle one.
pub(crate) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// How long something takes.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let began = Instant::now();
    let result = work();
    (began.elapsed(), result)
}

/// So many a second.
pub(crate) fn rate(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

/// A folder on the disk of the build: a memory disk would make everything durable for nothing.
pub(crate) fn on_disk() -> TempDir {
    let own = std::env::current_exe().expect("the path of this program");
    let folder = own.parent().unwrap_or(Path::new("."));
    tempfile::Builder::new().prefix("bench-").tempdir_in(folder).expect("a folder on the disk of the build")
}

/// Inserts by hand everything that a store of ours holds into a new one with the same tables and indexes, `batch` rows a
/// transaction; gives how long the inserting took.
pub(crate) fn copy_all_rows(from: &Path, to: &Path, batch: usize) -> Duration {
    let source = sqlite::open_reader(from).expect("read the store");
    let tables = tables_of(&source);
    let schema: Vec<String> = schema_of(&source);
    let schema: Vec<&str> = schema.iter().map(String::as_str).collect();
    let target = sqlite::open(to, 0x7261_7732, &[&schema.join(";\n")]).expect("a database");
    let read: Vec<(String, Vec<Vec<SqlValue>>)> =
        tables.iter().map(|table| (insert_into(&source, table), rows_of(&source, table))).collect();
    let began = Instant::now();
    for (insert, rows) in &read {
        for rows in rows.chunks(batch) {
            target.execute_batch("BEGIN IMMEDIATE").expect("begin");
            let mut insert = target.prepare_cached(insert).expect("prepare");
            for row in rows {
                insert.execute(rusqlite::params_from_iter(row)).expect("insert");
            }
            target.execute_batch("COMMIT").expect("commit");
        }
    }
    began.elapsed()
}

fn texts(db: &Connection, sql: &str) -> Vec<String> {
    let mut select = db.prepare(sql).expect("read the schema");
    let rows = select.query_map([], |row| row.get(0)).expect("read the schema");
    rows.map(|row| row.expect("a text")).collect()
}

/// Tables that are what they seem: none of SQLite's own, and none of the index of words, which is filled between contacts.
const PLAIN: &str =
    "tbl_name IN (SELECT name FROM pragma_table_list WHERE type = 'table' AND name NOT LIKE 'sqlite_%')";

fn tables_of(db: &Connection) -> Vec<String> {
    texts(db, &format!("SELECT name FROM sqlite_master WHERE type = 'table' AND {PLAIN} ORDER BY rootpage"))
}

/// Tables before indexes; what SQLite makes by itself has no text.
fn schema_of(db: &Connection) -> Vec<String> {
    let own = format!("sql IS NOT NULL AND {PLAIN} AND type IN ('table', 'index')");
    texts(db, &format!("SELECT sql FROM sqlite_master WHERE {own} ORDER BY type = 'index', rootpage"))
}

fn insert_into(db: &Connection, table: &str) -> String {
    let columns = texts(db, &format!("SELECT name FROM pragma_table_info('{table}')"));
    let marks = vec!["?"; columns.len()].join(", ");
    format!("INSERT INTO {table} ({}) VALUES ({marks})", columns.join(", "))
}

fn rows_of(db: &Connection, table: &str) -> Vec<Vec<SqlValue>> {
    let mut select = db.prepare(&format!("SELECT * FROM {table}")).expect("read a table");
    let columns = select.column_count();
    let rows = select.query_map([], |row| (0..columns).map(|column| row.get(column)).collect()).expect("read a table");
    rows.map(|row| row.expect("a row")).collect()
}
