//! SIGKILL at random instants: office services, commands under way, the hub.

use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;

use super::{Book, Lab, Row};
use crate::hub::Hub;
use crate::office::Office;
use crate::service::signal;

const ROUNDS_SHORT: u64 = 8;
/// Rows of a file that is imported while everything dies.
const ROWS: usize = 40;

/// A file whose import is under way or was killed.
struct File {
    office: usize,
    path: PathBuf,
    texts: Vec<String>,
}

/// Two offices enter, import and send while they and the hub are killed again and again.
pub fn random(lab: &mut Lab) -> Row {
    let mut row = Row::default();
    let mut book = Book::default();
    let mut hub = Hub::start();
    let mut offices = ["32.73.05.1001", "32.73.05.1002"].map(|code| Office::enrol(&hub, code));
    offices.iter().for_each(Office::hurry);
    let mut files: Vec<File> = Vec::new();
    while lab.goes_on(row.rounds, ROUNDS_SHORT) {
        start_all(&mut hub, &mut offices, &mut row);
        let mut imports = Vec::new();
        if lab.dice.percent(40) {
            let office = lab.dice.below(2) as usize;
            let file = new_file(&mut book, &offices[office], office, files.len());
            imports.push(import(&offices[office], &file));
            files.push(file);
        }
        let entering: Vec<_> = (0..4).map(|n| book.begin(&offices[n % 2])).collect();
        thread::sleep(Duration::from_millis(lab.dice.below(250)));
        match lab.dice.below(6) {
            0 => hub.kill(),
            1 => signal(entering[lab.dice.below(4) as usize].pid(), Signal::KILL),
            2 => imports.iter().for_each(|import| signal(import.id(), Signal::KILL)),
            3 => {
                hub.kill();
                offices.iter_mut().for_each(Office::kill);
            }
            n => offices[n as usize % 2].kill(),
        }
        entering.into_iter().for_each(|entering| book.end(entering));
        for mut import in imports {
            import.wait().expect("wait for an import");
        }
        row.rounds += 1;
    }
    start_all(&mut hub, &mut offices, &mut row);
    for file in &files {
        offices[file.office].import(&file.path).ok();
        file.texts.iter().for_each(|text| book.note_saved(text));
    }
    for office in &offices {
        office.wait_arrived();
    }
    book.settle(&hub, &mut row);
    row.note = format!("{} files of {ROWS} rows among them", files.len());
    row
}

fn start_all(hub: &mut Hub, offices: &mut [Office], row: &mut Row) {
    if !hub.runs() {
        let began = Instant::now();
        hub.begin();
        row.restarted(began);
    }
    for office in offices {
        if !office.runs() {
            let began = Instant::now();
            office.start();
            row.restarted(began);
        }
    }
}

fn new_file(book: &mut Book, office: &Office, number: usize, n: usize) -> File {
    let path = office.desk().join(format!("berkas-{n}.jsonl"));
    let texts: Vec<String> = (0..ROWS).map(|_| book.text()).collect();
    let lines: String = texts
        .iter()
        .map(|text| json!({ "form": "pengaduan", "uraian": text, "kategori": "antrean", "kanal": "tatap_muka" }))
        .map(|row| format!("{row}\n"))
        .collect();
    std::fs::write(&path, lines).expect("write a file of rows");
    File { office: number, path, texts }
}

fn import(office: &Office, file: &File) -> Child {
    let mut command = office.command();
    command.arg("import").arg(&file.path).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("start an import")
}
