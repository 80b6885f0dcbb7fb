//! SIGKILL at each named step of `kentongan_host::steps`, and then at its second and third time.
//!
//! A story is played again and again, each of its processes told to die at the next step of a list; whoever died is
//! started again and does it once more. A step that no round reaches is a name without a meaning, and fails the case.

use std::collections::VecDeque;
use std::fs;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{Book, Lab, Row};
use crate::hub::Hub;
use crate::office::Office;
use crate::programs::Ended;
use crate::wait;

/// Rounds of a story without reaching the next step of its list.
const ROUNDS_IN_VAIN_MAX: u32 = 2;
/// Tries of one deed; each but the last ends with a death.
const TRIES_MAX: u32 = 40;
/// How long it takes to die, at most.
const DYING_MAX: Duration = Duration::from_secs(5);
/// More than half of the life of a device certificate.
const HALF_A_LIFE_MS: i64 = 50 * 86_400_000;

/// Who dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Office,
    Hub,
}

/// The stories, and the steps that each reaches.
const SETTING_UP_OFFICE: &[&str] = &[
    "file.written",
    "file.renamed",
    "agent.enrol.keyed",
    "agent.enrol.answered",
    "agent.enrol.certified",
    "agent.enrol.rooted",
    "agent.enrol.joined",
    "store.closed",
];
const SETTING_UP_HUB: &[&str] = &[
    "file.written",
    "file.renamed",
    "hub.init.root_keyed",
    "hub.init.root_made",
    "hub.init.keyed",
    "hub.init.certified",
    "hub.jobs.written",
    "hub.jobs.committed",
    "hub.init.noted",
    "store.closed",
    "hub.start.epoch_begun",
    "hub.order.done",
    "hub.enrol.joined",
];
const WORK_OFFICE: &[&str] = &[
    "agent.run.noted",
    "agent.save.written",
    "agent.save.committed",
    "agent.import.taken",
    "agent.import.listed",
    "agent.exchange.built",
    "agent.exchange.answered",
    "agent.marks.written",
    "agent.marks.committed",
    "agent.feed.written",
    "agent.feed.committed",
    "agent.exchange.ended",
    "agent.contact.noted",
];
const WORK_HUB: &[&str] =
    &["hub.jobs.written", "hub.jobs.committed", "hub.sync.part_stored", "hub.sync.marks_made", "hub.sync.reply_begun"];
const INBOX: &[&str] = &["agent.inbox.taken", "agent.inbox.moved", "agent.inbox.reasoned"];
const REPAIR_OFFICE: &[&str] =
    &["agent.restored.committed", "agent.renew.answered", "agent.renew.kept", "agent.leave.half"];
const REPAIR_HUB: &[&str] = &["hub.renew.renewed"];
const BACKUP: &[&str] = &["hub.backup.copied", "hub.backup.checked", "hub.backup.named", "hub.backup.raised"];

/// The office's processes die.
pub fn agent(lab: &mut Lab) -> Row {
    if !cfg!(debug_assertions) {
        return Row::skipped("release builds have no named steps");
    }
    let mut row = Row::default();
    play(lab, &mut row, Victim::Office, SETTING_UP_OFFICE, setting_up);
    play(lab, &mut row, Victim::Office, WORK_OFFICE, work);
    play(lab, &mut row, Victim::Office, INBOX, inbox);
    play(lab, &mut row, Victim::Office, REPAIR_OFFICE, repair);
    row
}

/// The hub's processes die.
pub fn hub(lab: &mut Lab) -> Row {
    if !cfg!(debug_assertions) {
        return Row::skipped("release builds have no named steps");
    }
    let mut row = Row::default();
    play(lab, &mut row, Victim::Hub, SETTING_UP_HUB, setting_up);
    play(lab, &mut row, Victim::Hub, WORK_HUB, work);
    play(lab, &mut row, Victim::Hub, REPAIR_HUB, repair);
    play(lab, &mut row, Victim::Hub, BACKUP, backup);
    row
}

/// Every step that some story reaches.
pub fn reached() -> Vec<&'static str> {
    let lists = [SETTING_UP_OFFICE, SETTING_UP_HUB, WORK_OFFICE, WORK_HUB, INBOX, REPAIR_OFFICE, REPAIR_HUB, BACKUP];
    lists.concat()
}

/// Plays a story until everybody has died at every step; in the long form at its second and third time, too.
fn play(lab: &Lab, row: &mut Row, victim: Victim, steps: &[&str], story: fn(&mut World)) {
    let mut queue: VecDeque<String> = steps.iter().map(|step| (*step).to_owned()).collect();
    let again: VecDeque<String> = steps.iter().flat_map(|step| (2..=3).map(move |n| format!("{step}:{n}"))).collect();
    let mut in_vain = 0;
    while let (Some(next), true) = (queue.front().cloned(), in_vain < ROUNDS_IN_VAIN_MAX) {
        let world = round(row, victim, queue, story);
        queue = world.queue;
        in_vain = if queue.front() == Some(&next) { in_vain + 1 } else { 0 };
    }
    assert!(queue.is_empty(), "{victim:?}: never reached: {queue:?}");
    let mut queue = if lab.is_long() { again } else { VecDeque::new() };
    while let Some(next) = queue.front().cloned() {
        queue = round(row, victim, queue, story).queue;
        if queue.front() == Some(&next) {
            // A second or third time does not come everywhere.
            queue.pop_front();
        }
    }
}

fn round(row: &mut Row, victim: Victim, queue: VecDeque<String>, story: fn(&mut World)) -> World {
    let mut world = World {
        hub: Hub::bare(),
        sari: Office::bare(),
        book: Book::default(),
        victim,
        queue,
        armed: false,
        row: std::mem::take(row),
    };
    story(&mut world);
    *row = std::mem::take(&mut world.row);
    world
}

/// A hub, an office, and the list of steps at which one of them dies.
struct World {
    hub: Hub,
    sari: Office,
    book: Book,
    victim: Victim,
    queue: VecDeque<String>,
    /// Whether processes die already.
    armed: bool,
    row: Row,
}

impl World {
    /// From here on the victim dies at the steps of the list.
    fn arm(&mut self) {
        self.armed = true;
        self.aim();
        if self.victim == Victim::Hub && self.hub.runs() {
            self.hub.kill();
            self.begin_hub();
        }
    }

    fn disarm(&mut self) {
        self.armed = false;
        self.aim();
        if self.victim == Victim::Hub && self.hub.runs() {
            self.hub.kill();
            self.begin_hub();
        }
    }

    fn aim(&mut self) {
        let step = self.queue.front().filter(|_| self.armed).map(String::as_str);
        match self.victim {
            Victim::Office => self.sari.stop_at(step),
            Victim::Hub => self.hub.stop_at(step),
        }
    }

    /// Notes that somebody died, if it was at the right step.
    fn died(&mut self, said: &str) {
        let step = self.queue.pop_front().expect("nobody dies when the list is empty");
        let (name, time) = step.split_once(':').unwrap_or((&step, "1"));
        assert!(said.contains(&format!("stopped at {name}:{time}")), "died before {step}: {said}");
        self.row.rounds += 1;
        self.aim();
    }

    /// Runs a command of the office until it does not die, and the hub does not die of it.
    fn office(&mut self, words: &[&str]) -> Ended {
        for _ in 0..TRIES_MAX {
            let ended = self.sari.run(words);
            if ended.code < 0 {
                self.died(&ended.stderr);
            } else if !self.hub_died(&ended) {
                return ended;
            }
        }
        panic!("{words:?} dies for ever");
    }

    /// Runs a command of the hub until neither it nor the service dies.
    fn order(&mut self, words: &[&str]) -> Ended {
        for _ in 0..TRIES_MAX {
            let ended = self.hub.run(words);
            if ended.code < 0 {
                self.died(&ended.stderr);
            } else if !self.hub_died(&ended) {
                return ended;
            }
        }
        panic!("{words:?} dies for ever");
    }

    /// Starts the hub again if it has died of this command. Who asked may learn of it before the system has buried it.
    fn hub_died(&mut self, ended: &Ended) -> bool {
        if self.hub.service().is_none() {
            return false;
        }
        let began = Instant::now();
        while self.hub.runs() {
            let dying = self.armed && self.victim == Victim::Hub && ![0, 20].contains(&ended.code);
            if !dying || began.elapsed() > DYING_MAX {
                return false;
            }
            std::thread::yield_now();
        }
        let said = self.hub.said();
        self.died(said.lines().rev().find(|line| line.starts_with("stopped")).unwrap_or(&said));
        self.begin_hub();
        true
    }

    fn begin_hub(&mut self) {
        for _ in 0..TRIES_MAX {
            let began = Instant::now();
            match self.hub.launch() {
                Ok(()) => return self.row.restarted(began),
                Err(_) => {
                    let said = self.hub.said();
                    self.died(said.lines().last().unwrap_or_default());
                }
            }
        }
        panic!("the hub dies for ever: {}", self.hub.said());
    }

    /// Enters a record; a clerk whose PC died types the next one.
    fn enter(&mut self) {
        for _ in 0..TRIES_MAX {
            let ended = self.book.enter(&self.sari);
            if ended.code >= 0 {
                ended.ok();
                return;
            }
            self.died(&ended.stderr);
        }
        panic!("entering dies for ever");
    }

    /// Everything arrives, and the accounts agree.
    fn settle(&mut self) {
        self.disarm();
        let report = self.office(&["sync", "--wait"]).ok().json();
        assert_eq!(report["all_arrived"], true, "{report:#}");
        self.book.settle(&self.hub, &mut self.row);
    }

    /// A hub and an office that belongs to it.
    fn set_up(&mut self) {
        let made = self.order(&["init", "--name", "Kabupaten Percobaan"]).ok().json();
        assert!(made["fingerprint"].is_string(), "{made:#}");
        self.begin_hub();
        let created = self.order(&["enrol", "code", "create", "--office", "32.73.05.1001"]).ok().json();
        let (url, code) = (self.hub.url(), created["code"].as_str().expect("a code").to_owned());
        self.office(&["enrol", "--hub", &url, "--code", &code]).ok();
    }
}

/// A hub is made, an office joins and sends its first record.
fn setting_up(world: &mut World) {
    world.arm();
    world.set_up();
    world.enter();
    world.settle();
}

/// An office enters, changes, imports, sends, and is told what another PC of it and the hub wrote.
fn work(world: &mut World) {
    world.set_up();
    let budi = Office::enrol(&world.hub, "32.73.05.1001");
    let file = rows(&mut world.book, 300, 0, &budi, "budi.jsonl");
    budi.import(&file).ok();
    budi.sync().ok();
    world.arm();
    world.enter();
    let shown = world.office(&["queue", "list"]).ok().json();
    let id = shown["records"][0]["id"].as_str().expect("an id").to_owned();
    world.office(&["record", "edit", &id, "lokasi=Pasar lama"]).ok();
    let file = rows(&mut world.book, 300, 1, &world.sari, "sari.jsonl");
    let report = world.office(&["import", &file.display().to_string()]).expect(20).json();
    assert_eq!(report["rejected"], 1, "{report:#}");
    world.office(&["sync", "--wait"]).ok();
    world.order(&["complaint", "answer", &id, "--text", "Sudah diperbaiki."]).ok();
    world.settle();
}

/// A good file with one bad row and an unreadable one lie in the inbox of a running service.
fn inbox(world: &mut World) {
    world.set_up();
    world.sari.hurry();
    let file = rows(&mut world.book, 20, 1, &world.sari, "aduan.jsonl");
    let inbox = world.sari.data().join("inbox");
    fs::create_dir_all(&inbox).expect("make the inbox");
    fs::copy(file, inbox.join("aduan.jsonl")).expect("drop a file");
    fs::write(inbox.join("foto.xlsx"), b"bukan lembar kerja").expect("drop another");
    world.arm();
    let mut seen = 0;
    wait::until_true("the inbox is empty", wait::LONG, || {
        if !world.sari.runs() {
            let said = world.sari.said();
            let deaths = said.matches("stopped at ").count();
            if deaths > seen {
                seen = deaths;
                world.died(said.lines().rev().find(|line| line.starts_with("stopped")).unwrap_or_default());
            }
            let began = Instant::now();
            world.sari.start();
            world.row.restarted(began);
        }
        !inbox.join("aduan.jsonl").exists() && !inbox.join("foto.xlsx").exists()
    });
    world.sari.kill();
    let reasons = fs::read_dir(inbox.join("rejected")).expect("list what was refused").count();
    assert!(reasons >= 2, "a refused file lies beside its reason");
    world.settle();
}

/// An office is put back to an older copy, its certificate is renewed, and it leaves.
fn repair(world: &mut World) {
    world.set_up();
    world.enter();
    let copy = world.sari.twin();
    world.enter();
    world.office(&["sync", "--wait"]).ok();
    world.sari.restore(&copy);
    world.hub.stop();
    world.hub.shift_clock(HALF_A_LIFE_MS);
    world.begin_hub();
    world.arm();
    let report = world.office(&["sync", "--wait"]).ok().json();
    assert_eq!(report["all_arrived"], true, "{report:#}");
    world.office(&["sync", "--wait"]).ok();
    world.book.settle(&world.hub, &mut world.row);
    world.office(&["unenrol", "--yes"]).ok();
    world.disarm();
    let code = world.hub.code("32.73.05.1001");
    world.office(&["enrol", "--hub", &world.hub.url(), "--code", &code]).ok();
    world.enter();
    world.office(&["sync", "--wait"]).ok();
}

/// A running hub makes a backup; put back into an empty folder, it is the hub again, and whatever came later is offered
/// by the office.
fn backup(world: &mut World) {
    world.set_up();
    world.enter();
    world.office(&["sync", "--wait"]).ok();
    world.arm();
    world.order(&["backup", "run"]).ok();
    world.disarm();
    world.enter();
    world.office(&["sync", "--wait"]).ok();
    world.hub.stop();
    let old = world.sari.desk().join("pusat-lama");
    fs::rename(world.hub.data(), &old).expect("put a hub away");
    let backups = old.join("backup").display().to_string();
    let listed = world.hub.run(&["backup", "list", "--from", &backups]).ok();
    world.hub.run(&["backup", "restore", "--latest", &backups]).ok();
    assert!(!listed.stdout.contains(".part"), "{listed:#?}");
    world.begin_hub();
    world.settle();
}

/// A file of complaints, and as many rows that do not fit.
fn rows(book: &mut Book, good: usize, bad: usize, office: &Office, name: &str) -> std::path::PathBuf {
    let path = office.desk().join(name);
    let mut text = String::new();
    for _ in 0..good {
        let content = book.long_text();
        book.note_saved(&content);
        let row = json!({ "form": "pengaduan", "uraian": content, "kategori": "antrean", "kanal": "tatap_muka" });
        text.push_str(&format!("{row}\n"));
    }
    for _ in 0..bad {
        let row = json!({ "form": "pengaduan", "uraian": "Salah.", "kategori": "bukan pilihan", "kanal": "?" });
        text.push_str(&format!("{row}\n"));
    }
    fs::write(&path, text).expect("write a file of rows");
    path
}
