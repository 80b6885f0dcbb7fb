//! A store that grows to the next version while the machine goes down: at every write there is, by a kill and by a power
//! cut, it is found as it was before or as it is afterwards, with everything in it.

use kentongan_host::sqlite::{self, OpenFailure};
use rusqlite::Connection;

use super::{Disk, Down, Image, NAME, register};
use crate::Dice;

const ID: u32 = 7;
const ROWS: i64 = 400;
const OLD: &str = "CREATE TABLE catatan (n INTEGER PRIMARY KEY, isi TEXT NOT NULL) STRICT;
    CREATE INDEX catatan_isi ON catatan (isi);";
/// Everything that a step of a real store might do: a column, a table that is built anew from the old one, an index.
const STEP: &str = "ALTER TABLE catatan ADD COLUMN kantor TEXT NOT NULL DEFAULT '32.73';
    CREATE TABLE baru (n INTEGER PRIMARY KEY, panjang INTEGER NOT NULL, isi TEXT NOT NULL, kantor TEXT NOT NULL) STRICT;
    INSERT INTO baru SELECT n, length(isi), isi, kantor FROM catatan;
    DROP TABLE catatan;
    ALTER TABLE baru RENAME TO catatan;
    CREATE INDEX catatan_kantor ON catatan (kantor, panjang);";

fn open(steps: &[&str]) -> Result<Connection, OpenFailure> {
    sqlite::open_on(NAME, &Disk::path(1, "t.db"), ID, steps)
}

fn number(db: &Connection, sql: &str) -> i64 {
    db.query_row(sql, [], |row| row.get(0)).expect("a number")
}

/// The definitions of all tables and indexes.
fn schema(db: &Connection) -> Vec<String> {
    let sql = "SELECT type || ' ' || name || ': ' || coalesce(sql, '') FROM sqlite_schema ORDER BY 1";
    let mut select = db.prepare(sql).expect("a query");
    let rows = select.query_map([], |row| row.get(0)).expect("rows");
    rows.collect::<Result<_, _>>().expect("texts")
}

/// A disk with a store of the old version on it.
fn old_store() -> Image {
    let disk = Disk::insert(1);
    let db = open(&[OLD]).expect("fresh");
    for n in 0..ROWS {
        let isi = format!("Aduan nomor {n}: {}", "lampu jalan mati. ".repeat(n as usize % 20));
        db.execute("INSERT INTO catatan (isi) VALUES (?1)", [isi]).expect("a row");
    }
    drop(db);
    disk.borrow().image()
}

#[test]
fn a_store_that_goes_down_anywhere_in_a_migration_is_whole_before_or_after_it() {
    register();
    let old = old_store();
    let disk = Disk::insert(1);
    let db = open(&[OLD, STEP]).expect("fresh, by both steps");
    let (new_schema, disk_of_new) = (schema(&db), disk);
    drop((db, disk_of_new));
    let mut dice = Dice::new(1);
    for down in [Down::Kill, Down::Power] {
        let (mut before, mut after) = (0, 0);
        let mut calls = 1;
        loop {
            let disk = Disk::insert(1);
            disk.borrow_mut().put_image(&old);
            disk.borrow_mut().stop_after(calls);
            let opened = open(&[OLD, STEP]).is_ok();
            let stopped = disk.borrow().is_stopped();
            assert!(opened || stopped, "a failure that nobody ordered");
            disk.borrow_mut().restart(down, &mut dice);
            // An old program can still be put back as long as the step was not taken.
            match open(&[OLD]) {
                Ok(db) => {
                    before += 1;
                    assert!(!opened, "a store that had grown came back old: {down:?} at write {calls}");
                    assert_eq!(number(&db, "SELECT count(*) FROM catatan"), ROWS);
                }
                Err(OpenFailure::Newer { found: 2, known: 1, .. }) => after += 1,
                Err(other) => panic!("{down:?} at write {calls}: {other:?}"),
            }
            let db = open(&[OLD, STEP]).unwrap_or_else(|error| panic!("{down:?} at write {calls}: {error:?}"));
            assert_eq!(number(&db, "SELECT count(*) FROM catatan WHERE panjang = length(isi)"), ROWS);
            assert_eq!(number(&db, "PRAGMA user_version"), 2);
            assert_eq!(schema(&db), new_schema, "a store that grew has the same schema as a fresh one");
            let checked: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("checks");
            assert_eq!(checked, "ok");
            drop(db);
            if !stopped {
                break;
            }
            calls += 1;
        }
        assert!(before > 10 && after > 0, "{down:?}: {before} times before, {after} times after");
    }
}
