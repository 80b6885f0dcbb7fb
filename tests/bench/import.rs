//! Importing a file of 10,000 rows, against inserting the same rows by hand in batches of the same size.

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use kentongan_agent::inbox::{ListEntered, MapChoice, Options, import_file};
use kentongan_agent::store::Store;
use kentongan_host::Lang;
use kentongan_tests::{Dice, data};

use crate::measure::{Bound, Figure, copy_all_rows, median, on_disk, rate, timed};
use crate::save::{enrolled_store, insert, newest_ops, raw_store};

const ROWS: usize = 10_000;
/// Rows of one transaction, as the importer takes them.
pub(crate) const BATCH_ROWS: usize = 500;
const ROUNDS: usize = 5;

pub(crate) fn run() -> Vec<Figure> {
    let disk = on_disk();
    let (mut ours, mut ops_only, mut with_reading, mut all) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let file = disk.path().join(format!("{round}.csv"));
        fs::write(&file, data::messy_csv(&mut Dice::new(round as u64), ROWS, usize::MAX).csv).expect("write a file");
        let store = disk.path().join(format!("store-{round}.db"));
        let mut joined = enrolled_store(&store);
        ours.push(timed(|| import(&file, &mut joined, ROWS)).0);
        joined.close().expect("close the store");

        let rows = newest_ops(&store, ROWS);
        let raw = raw_store(&disk.path().join(format!("ops-{round}.db")));
        ops_only.push(timed(|| insert_in_batches(&raw, rows.iter().map(Vec::as_slice))).0);

        let raw = raw_store(&disk.path().join(format!("rows-{round}.db")));
        with_reading.push(timed(|| read_and_insert(&file, &raw)).0);
        all.push(copy_all_rows(&store, &disk.path().join(format!("all-{round}.db")), BATCH_ROWS));
    }
    let ours = rate(ROWS, median(ours));
    let figure =
        |name, against, bound| Figure { name, what: "rows of a CSV file imported", ours: (ours, "/s"), against, bound };
    vec![
        figure(
            "import",
            (rate(ROWS, median(ops_only)), "raw batched inserts of the same ops, already made"),
            Bound::AtLeast(0.5),
        ),
        figure(
            "import-reading",
            (rate(ROWS, median(with_reading)), "reading the same file and raw batched inserts"),
            Bound::None,
        ),
        figure(
            "import-all-rows",
            (rate(ROWS, median(all)), "raw batched inserts of everything the store keeps for them, indexes too"),
            Bound::None,
        ),
    ]
}

/// Takes a file of so many good rows.
pub(crate) fn import(file: &Path, store: &mut Store, rows: usize) {
    let options = Options {
        lang: Lang::En,
        author: "impor".to_owned(),
        offset_min: 420,
        map: MapChoice::Titles,
        rejected_folders: Vec::new(),
        entered: ListEntered::No,
        stop: &AtomicBool::new(false),
    };
    let report = import_file(file, &options, store, &mut |_| {}).expect("import");
    assert_eq!((report.taken, report.rejected), (rows as u64, 0), "{report:?}");
}

pub(crate) fn insert_in_batches<'r>(raw: &rusqlite::Connection, rows: impl IntoIterator<Item = &'r [u8]>) {
    let mut waiting = 0;
    for row in rows {
        if waiting == 0 {
            raw.execute_batch("BEGIN IMMEDIATE").expect("begin");
        }
        insert(raw, row);
        waiting = (waiting + 1) % BATCH_ROWS;
        if waiting == 0 {
            raw.execute_batch("COMMIT").expect("commit");
        }
    }
    if waiting != 0 {
        raw.execute_batch("COMMIT").expect("commit");
    }
}

/// What a script would do: read each row and put its text into a table.
fn read_and_insert(file: &Path, raw: &rusqlite::Connection) {
    let mut reader = csv::ReaderBuilder::new().delimiter(b';').from_path(file).expect("open a file");
    let rows: Vec<Vec<u8>> = reader.byte_records().map(|row| row.expect("a row").as_slice().to_vec()).collect();
    insert_in_batches(raw, rows.iter().map(Vec::as_slice));
}
