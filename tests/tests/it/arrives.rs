//! The main promise: what an office has entered is at the hub, once, as it was written, and the office says so.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use kentongan_tests::programs::Program;
use kentongan_tests::service::signal;
use kentongan_tests::{Dice, Hub, Office, Quality, data, wait};
use rustix::process::Signal;
use serde_json::{Map, Value};

use crate::export;

const OFFICES: [&str; 3] = ["32.73.05.1001", "32.73.05.1002", "94.01.01.2011"];

/// Records by default; `KENTONGAN_FULL=1` plays the story with as many as were promised.
const QUICK: usize = 1_500;
const FULL: usize = 10_000;

type Rows = Vec<(&'static str, Map<String, Value>)>;
/// By form and number in the older system: the office and the fields of the row.
type Expected<'r> = BTreeMap<(&'r str, String), (&'r str, &'r Map<String, Value>)>;

#[test]
fn every_record_of_three_offices_arrives_once_and_unchanged_whatever_is_killed() {
    let full = std::env::var_os("KENTONGAN_FULL").is_some();
    let records = if full { FULL } else { QUICK };
    let kills = if full { 60 } else { 14 };
    let mut dice = Dice::from_environment("every record arrives", 20_261_121);
    let mut hub = Hub::start();
    let mut rows_of = Vec::new();
    let mut offices = Vec::new();
    for (place, code) in OFFICES.into_iter().enumerate() {
        let share = records / 3 + usize::from(place < records % 3);
        let rows = rows(&mut dice, place * 100_000, share);
        let office = Office::enrol(&hub, code);
        office.hurry();
        let file = office.desk().join("catatan.jsonl");
        data::write_json_lines(&file, rows.iter().map(|(form, fields)| (*form, fields)));
        rows_of.push((code, rows));
        offices.push((office, Importer::of(file)));
    }

    // Slow enough that an exchange is still under way when somebody dies.
    hub.door().set(Quality { up_bytes_per_s: Some(40_000), ..Quality::default() });
    let began = Instant::now();
    for (office, importer) in &mut offices {
        office.start();
        importer.begin(office);
    }
    for _ in 0..kills {
        // The pause is part of the fault that is played: anything may happen in it.
        thread::sleep(Duration::from_millis(20 + dice.below(if full { 700 } else { 250 })));
        match dice.below(4) {
            3 => {
                hub.kill();
                hub.begin();
            }
            office => kill_at(&mut offices[office as usize]),
        }
    }
    for (office, importer) in &mut offices {
        importer.wait_done();
        wait::until_true("the service runs again", wait::LONG, || office.try_start());
    }
    for ((office, _), (_, rows)) in offices.iter().zip(&rows_of) {
        let status = office.wait_arrived();
        assert_eq!(status["arrived_total"], rows.len(), "{status:#}");
        assert_eq!(status["queue"]["rejected"], 0, "{status:#}");
    }
    let broken: usize = offices.iter().map(|(office, _)| office.said().matches("sync.session.failed").count()).sum();
    let seconds = began.elapsed().as_secs_f64();
    println!("{records} records, {kills} kills, {broken} contacts that broke, {seconds:.1} s");
    assert_all(&hub, &rows_of);
}

/// Complaints and surveys, about six to four.
fn rows(dice: &mut Dice, first: usize, count: usize) -> Rows {
    let one = |number| match dice.percent(60) {
        true => ("pengaduan", data::complaint(dice, first + number)),
        false => ("skm", data::survey(dice, first + number)),
    };
    (0..count).map(one).collect()
}

fn kill_at((office, importer): &mut (Office, Importer)) {
    // Whoever works on the folder at this moment: the service, or the command that found none.
    office.kill();
    importer.kill();
    office.try_start();
}

/// Every record is at the hub, of its office, with the values of its row and with nothing else.
fn assert_all(hub: &Hub, rows_of: &[(&str, Rows)]) {
    let mut expected = Expected::new();
    for (office, rows) in rows_of {
        for (form, fields) in rows {
            let number = fields["nomor_asal"].as_str().expect("each row has its own number").to_owned();
            assert!(expected.insert((form, number), (office, fields)).is_none());
        }
    }
    for (form, what) in [("pengaduan", "complaints"), ("skm", "surveys")] {
        for document in hub.export(what) {
            let number = document["nomor_asal"].as_str().expect("its number").to_owned();
            let Some((office, fields)) = expected.remove(&(form, number)) else {
                panic!("twice, or never entered: {document:#}");
            };
            assert_eq!(document["office"], office, "{document:#}");
            export::assert_fields(&document, fields);
        }
    }
    assert!(expected.is_empty(), "{} records are not at the hub", expected.len());
}

/// A command that imports a file, again and again until it has seen the end of it.
struct Importer {
    file: PathBuf,
    /// The process at work, 0 between two.
    pid: Arc<AtomicU32>,
    done: Arc<Mutex<bool>>,
}

impl Importer {
    fn of(file: PathBuf) -> Importer {
        Importer { file, pid: Arc::default(), done: Arc::default() }
    }

    fn begin(&self, office: &Office) {
        let (data, file) = (office.data().to_owned(), self.file.clone());
        let (pid, done) = (Arc::clone(&self.pid), Arc::clone(&self.done));
        thread::spawn(move || {
            while !imported(&data, &file, &pid) {}
            *done.lock().expect("nobody panics with it") = true;
        });
    }

    fn kill(&self) {
        match self.pid.load(Ordering::SeqCst) {
            0 => {}
            pid => signal(pid, Signal::KILL),
        }
    }

    fn wait_done(&self) {
        wait::until_true("a file is imported to its end", wait::LONG, || *self.done.lock().expect("as above"));
    }
}

/// One try; whether the whole file was taken.
fn imported(data: &Path, file: &Path, pid: &AtomicU32) -> bool {
    let mut command = Program::Agent.command(data);
    command.arg("--json").arg("import").arg(file).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().expect("start an import");
    pid.store(child.id(), Ordering::SeqCst);
    let ended = child.wait().expect("wait for an import");
    pid.store(0, Ordering::SeqCst);
    ended.success()
}
