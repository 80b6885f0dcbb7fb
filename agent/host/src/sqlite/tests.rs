//! Stores that are opened, grow, are refused and are found damaged, in a temporary folder.

use super::grow::migrate;
use super::*;
use crate::fail::Failure;
use crate::ktg::Ktg;

const ID: u32 = 0x4b54_4741;
const FIRST: &str = "CREATE TABLE catatan (id INTEGER PRIMARY KEY, isi TEXT NOT NULL DEFAULT '') STRICT;";
const SECOND: &str = "ALTER TABLE catatan ADD COLUMN kantor TEXT NOT NULL DEFAULT '';";

fn temp() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join("store.db");
    (dir, path)
}

fn count(db: &Connection) -> i64 {
    db.query_row("SELECT count(*) FROM catatan", [], |row| row.get(0)).expect("count")
}

#[test]
fn a_store_keeps_its_records_and_grows_with_a_copy_of_the_old_version_beside_it() {
    let (dir, path) = temp();
    let db = open(&path, ID, &[FIRST]).expect("fresh");
    db.execute("INSERT INTO catatan (isi) VALUES ('jalan rusak')", []).expect("insert");
    close(db, &path).expect("close");

    let db = open(&path, ID, &[FIRST, SECOND]).expect("migrated");
    assert_eq!(count(&db), 1);
    assert_eq!(db.query_row("PRAGMA user_version", [], |row| row.get(0)), Ok(2));
    let copy = open_reader(&dir.path().join("store.db.v1")).expect("the copy");
    assert_eq!(count(&copy), 1);
    assert_eq!(copy.query_row("PRAGMA user_version", [], |row| row.get(0)), Ok(1));
}

#[test]
fn a_failed_migration_leaves_the_file_at_its_version() {
    let (_dir, path) = temp();
    close(open(&path, ID, &[FIRST]).expect("fresh"), &path).expect("close");
    let broken = "ALTER TABLE catatan ADD COLUMN a TEXT; SELECT * FROM tidak_ada;";
    assert!(matches!(open(&path, ID, &[FIRST, broken]), Err(OpenFailure::Sqlite(_, "migrating", _))));
    let db = open(&path, ID, &[FIRST, SECOND]).expect("the right migration still fits");
    assert_eq!(db.query_row("PRAGMA user_version", [], |row| row.get(0)), Ok(2));
}

#[test]
fn a_newer_or_foreign_file_is_refused_with_a_sentence() {
    let (_dir, path) = temp();
    close(open(&path, ID, &[FIRST, SECOND]).expect("fresh"), &path).expect("close");
    let newer = open(&path, ID, &[FIRST]).expect_err("newer");
    assert!(matches!(newer, OpenFailure::Newer { found: 2, known: 1, .. }));
    assert_eq!(Failure::from(newer).ktg, Some(Ktg::StoreNewer));
    let foreign = open(&path, ID + 1, &[FIRST, SECOND]).expect_err("foreign");
    assert!(matches!(foreign, OpenFailure::Foreign { found: ID, .. }));
}

/// Everything in a folder but SQLite's shared memory, which holds nothing.
fn bytes_of(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let names = fs::read_dir(dir).expect("list").map(|entry| entry.expect("entry").path());
    let mut files: Vec<_> = names
        .filter(|name| !name.to_string_lossy().ends_with("-shm"))
        .map(|name| (name.clone(), fs::read(&name).expect("read")))
        .collect();
    files.sort();
    files
}

#[test]
fn a_refused_file_is_not_touched_whether_it_was_closed_well_or_not() {
    for clean in [true, false] {
        let (dir, path) = temp();
        let db = open(&path, ID, &[FIRST]).expect("fresh");
        db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").expect("all in the file");
        migrate(&db, ID, 2, SECOND).expect("the newer program's step, in the write-ahead log");
        db.execute("INSERT INTO catatan (isi) VALUES ('jalan rusak')", []).expect("insert");
        let (newer, newer_path) = temp();
        // While it is open, the folder is as a killed process leaves it: the new version stands in the log alone.
        let killed = bytes_of(dir.path());
        close(db, &path).expect("close");
        for (name, bytes) in if clean { bytes_of(dir.path()) } else { killed } {
            fs::write(newer.path().join(name.file_name().expect("a name")), bytes).expect("copy");
        }
        let before = bytes_of(newer.path());
        assert!(clean || fs::metadata(with_ending(&newer_path, "-wal")).expect("a log").len() > 0);
        for _ in 0..2 {
            let refused = open(&newer_path, ID, &[FIRST]).expect_err("newer");
            assert!(matches!(refused, OpenFailure::Newer { found: 2, known: 1, .. }), "{refused:?}");
            let foreign = open(&newer_path, ID + 1, &[FIRST, SECOND, SECOND]).expect_err("foreign");
            assert!(matches!(foreign, OpenFailure::Foreign { found: ID, .. }), "{foreign:?}");
        }
        assert!(bytes_of(newer.path()) == before, "the files were changed; closed well: {clean}");
        let db = open(&newer_path, ID, &[FIRST, SECOND]).expect("the newer program goes on");
        assert_eq!(count(&db), 1);
    }
}

#[test]
fn a_damaged_file_is_named_and_stays_as_it_is() {
    let (_dir, path) = temp();
    fs::write(&path, "bukan basis data, tetapi cukup panjang untuk dibaca sebagai kepala berkas".repeat(40))
        .expect("write");
    let damaged = open(&path, ID, &[FIRST]).expect_err("damaged");
    assert_eq!(Failure::from(damaged).exit.code(), 16);

    assert!(fs::read(&path).expect("read").starts_with(b"bukan"), "it is as it was");
}

#[test]
fn a_column_of_another_name_is_damage_in_a_file_of_any_version() {
    for migrations in [&[FIRST][..], &[FIRST, SECOND]] {
        let (_dir, path) = temp();
        let db = open(&path, ID, &[FIRST]).expect("fresh");
        db.execute_batch(
            "PRAGMA writable_schema=ON; \
             UPDATE sqlite_schema SET sql = replace(sql, 'isi TEXT', 'hsi TEXT') WHERE name = 'catatan'",
        )
        .expect("flipped");
        close(db, &path).expect("closed well");
        assert!(matches!(open(&path, ID, migrations), Err(OpenFailure::Damaged { .. })));
    }
}

#[test]
fn a_page_flipped_after_an_unclean_end_is_found_at_opening() {
    let (_dir, path) = temp();
    let db = open(&path, ID, &[FIRST]).expect("fresh");
    for _ in 0..200 {
        db.execute("INSERT INTO catatan (isi) VALUES (?1)", ["x".repeat(500)]).expect("insert");
    }
    let _: i64 = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).expect("worked in");
    db.close().expect("closed without the mark");
    let mut bytes = fs::read(&path).expect("read");
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 64].fill(0xff);
    fs::write(&path, bytes).expect("write");
    assert!(matches!(open(&path, ID, &[FIRST]), Err(OpenFailure::Damaged { .. })));
}

#[cfg(unix)]
#[test]
fn the_store_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (_dir, path) = temp();
    let db = open(&path, ID, &[FIRST]).expect("fresh");
    db.execute("INSERT INTO catatan (isi) VALUES ('')", []).expect("insert");
    for name in [path.clone(), with_ending(&path, "-wal")] {
        assert_eq!(fs::metadata(&name).expect("stat").permissions().mode() & 0o777, 0o600, "{}", name.display());
    }
}
