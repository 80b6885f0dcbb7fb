//! The disk itself against what is known of SQLite: flushed at each commit it loses nothing and is never damaged.

use kentongan_host::sqlite;
use rusqlite::Connection;

use super::{Disk, Down, NAME, register};
use crate::Dice;

const ID: u32 = 7;
const TABLE: &str = "CREATE TABLE t (n INTEGER PRIMARY KEY, filling BLOB NOT NULL) STRICT;";

fn open() -> Connection {
    sqlite::open_on(NAME, &Disk::path(1, "t.db"), ID, &[TABLE]).expect("opens after whatever happened")
}

/// Cuts `rounds` times; gives back how many commits were lost, of how many.
fn cut(rounds: u64, synchronous: &str, down: Down) -> (i64, i64) {
    register();
    let disk = Disk::insert(1);
    let mut dice = Dice::new(1);
    let (mut said, mut lost) = (0, 0);
    for _ in 0..rounds {
        let db = open();
        db.execute_batch(&format!("PRAGMA synchronous={synchronous}; PRAGMA wal_autocheckpoint=20")).expect("settings");
        let there: i64 = db.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).expect("count");
        // A commit that nobody was told of may be there as well.
        lost += (said - there).max(0);
        said = there;
        disk.borrow_mut().stop_after(1 + dice.below(120));
        let filling = |dice: &mut Dice| vec![1_u8; dice.below(3000) as usize];
        while db.execute("INSERT INTO t (filling) VALUES (?1)", [filling(&mut dice)]).is_ok() {
            said += 1;
        }
        drop(db);
        disk.borrow_mut().restart(down, &mut dice);
    }
    let db = open();
    let checked: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("checks");
    assert_eq!(checked, "ok");
    (lost, said)
}

#[test]
fn a_flushed_commit_survives_every_power_cut() {
    let (lost, said) = cut(400, "FULL", Down::Power);
    assert!(said > 1_000);
    assert_eq!(lost, 0);
}

#[test]
fn a_commit_that_is_not_flushed_survives_a_kill_and_not_always_a_power_cut() {
    assert_eq!(cut(200, "NORMAL", Down::Kill).0, 0);
    assert!(cut(200, "NORMAL", Down::Power).0 > 0);
}
