//! Offices that no line leads to: what they enter goes to the hub on a stick, and the hub's answer comes back on it.

use std::fs;
use std::path::{Path, PathBuf};

use kentongan_tests::programs::Ended;
use kentongan_tests::visitor::{Visitor, value_after};
use kentongan_tests::{Hub, Office, folder};
use serde_json::Value;
use tempfile::TempDir;

use crate::attachments::{at_hub, attach, photo};
use crate::console;
use crate::enrolment::{asking_code, requests};

const OFFICE: &str = "32.73.05.1001";
const DAY_MS: i64 = 86_400_000;

/// A stick on which files go from one place to another.
struct Stick(TempDir);

impl Stick {
    fn new() -> Stick {
        Stick(folder::temporary("kentongan-stick-"))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// The only file on it that ends so; it is left alone on the stick when it is looked at.
    fn file(&self, extension: &str) -> PathBuf {
        let entries = fs::read_dir(self.path()).expect("a folder").map(|entry| entry.expect("an entry").path());
        let found: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|end| end == extension)).collect();
        let [file] = &found[..] else { panic!("one .{extension} on the stick, not {found:?}") };
        file.clone()
    }

    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path().join(name);
        fs::write(&path, bytes).expect("written");
        path
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}

/// Has an office write a bundle, and says where it is.
fn exports(office: &Office, stick: &Stick) -> PathBuf {
    let made = office.run(&["export", "--to", text(stick.path())]).ok().json();
    made["path"].as_str().expect("a path").into()
}

fn takes_in(hub: &Hub, bundle: &Path) -> Ended {
    hub.run(&["bundle", "import", text(bundle)])
}

/// Has the hub take in a bundle, and says where the answer is.
fn answers(hub: &Hub, bundle: &Path) -> PathBuf {
    takes_in(hub, bundle).ok().json()["answer"].as_str().expect("a path").into()
}

/// A PC that joined by files and never saw the hub.
fn far_away(hub: &Hub) -> Office {
    let (code, number) = asking_code(hub);
    let (office, stick) = (Office::bare(), Stick::new());
    let [request, answer] = ["permintaan.json", "jawaban.json"].map(|name| stick.path().join(name));
    requests(&office, hub, &code, &request);
    hub.run(&["enrol", "answer", text(&request), "--out", text(&answer)]).expect(30);
    hub.run(&["enrol", "request", "approve", &number]).ok();
    hub.run(&["enrol", "answer", text(&request), "--out", text(&answer)]).ok();
    office.run(&["enrol", "--offline-answer", text(&answer)]).ok();
    // Whoever tries the line all the same finds none.
    office.configure("[hub]\nproxy = \"http://127.0.0.1:9\"\n");
    office
}

fn uraian(document: &Value) -> &str {
    document["uraian"].as_str().expect("a text")
}

#[test]
fn an_office_that_never_had_a_line_delivers_by_stick_and_hears_what_concerns_it() {
    let hub = Hub::start();
    let sari = far_away(&hub);
    let entered: Vec<_> = (1..=3).map(|n| sari.complain(&format!("Jembatan putus {n}"))).collect();
    attach(&sari, &entered[0].code, &photo(&sari, "jembatan.jpg", 7));
    let stick = Stick::new();
    let bundle = exports(&sari, &stick);
    let secret = fs::read(&bundle).expect("a bundle");
    assert!(!secret.windows(8).any(|part| part == b"Jembatan"), "whoever finds the stick reads nothing");
    assert_eq!(sari.status()["all_arrived"], false, "a stick in a pocket is no arrival");

    let answer = answers(&hub, &bundle);
    assert_eq!(hub.export("complaints").len(), 3);
    assert_eq!(at_hub(&hub, &entered[0].code)[0]["state"], "held");
    hub.run(&["complaint", "answer", &entered[1].code, "--text", "Diperbaiki besok."]).ok();
    assert_eq!(sari.status()["all_arrived"], false);
    let told = sari.run(&["import", text(&answer)]).ok().json();
    assert_eq!((&told["known"], &told["acknowledged"]), (&false.into(), &4.into()), "{told:#}");
    let status = sari.status();
    assert_eq!((&status["all_arrived"], &status["attachments"]["queued"]), (&true.into(), &0.into()), "{status:#}");
    assert!(status["clock_offset_s"].is_null(), "a stick measures no clock: {status:#}");

    // What was answered meanwhile comes with the next one.
    fs::remove_file(&bundle).expect("removed");
    fs::remove_file(&answer).expect("removed");
    let next = answers(&hub, &exports(&sari, &stick));
    assert_eq!(sari.run(&["import", text(&next)]).ok().json()["fetched"], 1);
    assert!(sari.record(&entered[1].code).to_string().contains("Diperbaiki besok."));
    let sessions = hub.run(&["office", "show", OFFICE]).ok().json()["sessions"].clone();
    assert!(sessions.as_array().expect("a list").iter().all(|session| session["outcome"] == "carried"), "{sessions:#}");
    let office = hub.run(&["office", "show", OFFICE]).ok().json();
    assert_eq!(office["devices"][0]["clock_is_measured"], false, "{office:#}");
    hub.run(&["audit", "verify"]).ok();
}

#[test]
fn what_goes_both_ways_arrives_once_and_an_older_answer_changes_nothing() {
    let hub = Hub::start();
    let sari = Office::enrol(&hub, OFFICE);
    sari.complain("Lampu jalan padam");
    let (first, second) = (Stick::new(), Stick::new());
    let early = exports(&sari, &first);
    sari.complain("Selokan mampet");
    let late = exports(&sari, &second);
    sari.sync().ok();
    let repeated = takes_in(&hub, &early).ok().json();
    assert_eq!((&repeated["stored"], &repeated["repeated"]), (&0.into(), &1.into()), "{repeated:#}");
    let twice = answers(&hub, &late);
    assert_eq!(answers(&hub, &late), twice, "the same bundle again is answered again");
    let mut texts: Vec<_> = hub.export("complaints").iter().map(|document| uraian(document).to_owned()).collect();
    texts.sort();
    assert_eq!(texts, ["Lampu jalan padam", "Selokan mampet"]);

    let before = sari.status();
    for answer in [first.file("ktga"), second.file("ktga")] {
        let told = sari.run(&["import", text(&answer)]).ok().json();
        assert_eq!(told["known"], true, "{told:#}");
    }
    assert_eq!(sari.status()["states"], before["states"]);
}

#[test]
fn answers_to_two_sticks_are_taken_in_any_order() {
    let hub = Hub::start();
    for swapped in [false, true] {
        let sari = Office::enrol(&hub, OFFICE);
        sari.configure("[hub]\nproxy = \"http://127.0.0.1:9\"\n");
        let mut answered = Vec::new();
        for n in 1..=2 {
            sari.complain(&format!("Pohon tumbang {n}"));
            let stick = Stick::new();
            answered.push((answers(&hub, &exports(&sari, &stick)), stick));
        }
        if swapped {
            answered.reverse();
        }
        let known: Vec<_> = answered
            .iter()
            .map(|(answer, _)| sari.run(&["import", text(answer)]).ok().json()["known"].clone())
            .collect();
        assert_eq!(known, if swapped { [false, true] } else { [false, false] });
        assert_eq!(sari.status()["all_arrived"], true, "swapped: {swapped}");
    }
}

#[test]
fn files_that_are_of_no_use_are_told_apart_and_change_nothing() {
    let (hub, other) = (Hub::start(), Hub::start());
    let (sari, budi) = (Office::enrol(&hub, OFFICE), Office::enrol(&hub, "32.73.05.1002"));
    sari.complain("Air tidak mengalir");
    let stick = Stick::new();
    let bundle = exports(&sari, &stick);
    let whole = fs::read(&bundle).expect("a bundle");
    let mut changed = whole.clone();
    *changed.last_mut().expect("bytes") ^= 1;
    let useless: [(&str, &[u8], i32); 5] = [
        ("potong.ktgb", &whole[..whole.len() / 2], 1),
        ("ubah.ktgb", &changed, 1),
        ("kosong.ktgb", b"", 1),
        ("foto.ktgb", b"\xff\xd8\xff\xe0", 1),
        ("besar.ktgb", &vec![b'K'; 7 << 20], 2),
    ];
    for (name, bytes, exit) in useless {
        let refused = takes_in(&hub, &stick.put(name, bytes)).expect(exit).error();
        assert!(refused["message"].as_str().is_some_and(|message| message.contains(name)), "{refused:#}");
    }
    takes_in(&other, &bundle).expect(1);
    assert!(hub.export("complaints").is_empty());

    let answer = answers(&hub, &bundle);
    let reply = fs::read(&answer).expect("an answer");
    takes_in(&hub, &answer).expect(1);
    budi.run(&["import", text(&answer)]).expect(1);
    for (name, bytes) in [("potong.ktga", &reply[..reply.len() - 1]), ("kiriman.ktga", &whole[..])] {
        sari.run(&["import", text(&stick.put(name, bytes))]).expect(1);
    }
    assert_eq!(sari.status()["all_arrived"], false);
    sari.run(&["import", text(&answer)]).ok();
    assert_eq!(sari.status()["all_arrived"], true);
}

#[test]
fn a_revoked_pc_delivers_nothing_by_stick() {
    let hub = Hub::start();
    let sari = Office::enrol(&hub, OFFICE);
    sari.complain("Kursi roda rusak");
    let stick = Stick::new();
    let bundle = exports(&sari, &stick);
    let replica = hub.run(&["office", "show", OFFICE]).ok().json()["devices"][0]["replica"].clone();
    hub.run(&["office", "revoke", replica.as_str().expect("an id"), "--reason", "dicuri", "--yes"]).ok();
    assert_eq!(takes_in(&hub, &bundle).expect(12).error()["code"], "KTG-105");
    assert!(hub.export("complaints").is_empty());
}

#[test]
fn how_long_a_stick_was_under_way_is_no_fault_of_the_clock() {
    let hub = Hub::start();
    let mut sari = Office::enrol(&hub, OFFICE);
    sari.sync().ok();
    sari.configure("[hub]\nproxy = \"http://127.0.0.1:9\"\n");
    // Written three weeks ago, as far as anybody can tell.
    sari.shift_clock(-21 * DAY_MS);
    sari.complain("Puskesmas tutup");
    let stick = Stick::new();
    answers(&hub, &exports(&sari, &stick));
    let device = hub.run(&["office", "show", OFFICE]).ok().json()["devices"][0].clone();
    let offset_s = device["clock_offset_s"].as_f64().expect("what was measured over the line");
    assert!(offset_s.abs() < 60.0, "{device:#}");
    sari.run(&["import", text(&stick.file("ktga"))]).ok();
    let told_s = sari.status()["clock_offset_s"].as_f64().expect("what was measured over the line");
    assert!(told_s.abs() < 60.0, "{told_s}");
}

#[test]
fn clerk_and_operator_need_no_command_line_for_it() {
    let hub = Hub::start();
    let mut sari = far_away(&hub);
    sari.complain("Talud longsor");
    sari.start();
    let mut clerk = Visitor::at(&sari.page());
    let mut wayan = console::somebody(&hub, "wayan", "operator");

    let bundle = clerk.post("/kiriman", &[]).expect(200);
    let named = bundle.header("content-disposition").to_owned();
    assert!(named.contains("filename=\"ktg-") && named.contains(".ktgb\""), "{named}");
    for useless in [&b"<script>alert(1)</script>"[..], &bundle.body[..40]] {
        let page = wayan.upload("/kiriman", &[], ("kiriman.ktgb", useless)).expect(422).text();
        assert!(!page.contains("<script>alert"), "{page}");
    }
    let page = wayan.upload("/kiriman", &[], ("kiriman.ktgb", &bundle.body)).expect(200).text();
    assert!(page.contains(OFFICE), "{page}");
    let [isi, nama] = ["isi", "nama"].map(|name| value_after(&page, &format!("name=\"{name}\" value=\"")));
    let answer = wayan.post("/kiriman/jawaban", &[("isi", isi), ("nama", nama)]).expect(200);
    assert!(answer.header("content-disposition").contains(".ktga"), "{:?}", answer.headers);
    assert_eq!(wayan.post("/kiriman/jawaban", &[("isi", "PGI+"), ("nama", "a.html")]).expect(303).body, b"");

    let page = clerk.upload("/kiriman/jawaban", &[], ("kiriman.ktgb", &bundle.body)).expect(422).text();
    assert!(page.contains(".ktga"), "{page}");
    let told = clerk.upload("/kiriman/jawaban", &[], ("jawaban.ktga", &answer.body)).expect(303);
    let page = clerk.get(told.header("location")).expect(200).text();
    assert!(page.contains("1 perubahan sampai"), "{page}");
    assert_eq!(sari.status()["all_arrived"], true);
    let page = clerk.upload("/kiriman/jawaban", &[], ("jawaban.ktga", &answer.body)).expect(303);
    assert_eq!(page.header("location"), "/pengiriman?jawaban=sudah");
    let page = wayan.get(&format!("/kantor/{OFFICE}")).expect(200).text();
    assert!(page.contains("lewat flashdisk"), "{page}");
}
