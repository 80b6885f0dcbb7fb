//! How an office joins with a code for which two people compare five words, from the sheet that the console prints, and by
//! files where no line leads to the hub.

use std::fs;
use std::path::Path;

use kentongan_tests::browser::Browser;
use kentongan_tests::programs::Ended;
use kentongan_tests::visitor::value_after;
use kentongan_tests::{Hub, Office, folder};

use crate::console;

const OFFICE: &str = "32.73.05.1001";

/// A code that asks: the code and its number.
pub(crate) fn asking_code(hub: &Hub) -> (String, String) {
    let made = hub.run(&["enrol", "code", "create", "--office", OFFICE, "--pre-approved=false"]).ok().json();
    (made["code"].as_str().expect("a code").to_owned(), made["number"].to_string())
}

/// Writes a request to join, and gives the five words that the office sees.
pub(crate) fn requests(office: &Office, hub: &Hub, code: &str, file: &Path) -> String {
    let file = file.to_str().expect("a path");
    let asked = office.run(&["enrol", "--hub", &hub.url(), "--code", code, "--offline-request", file]).ok().json();
    asked["words"].as_str().expect("five words").to_owned()
}

fn takes(office: &Office, answer: &Path) -> Ended {
    office.run(&["enrol", "--offline-answer", answer.to_str().expect("a path")])
}

fn answers(hub: &Hub, request: &Path, answer: &Path) -> Ended {
    let [request, answer] = [request, answer].map(|path| path.to_str().expect("a path"));
    hub.run(&["enrol", "answer", request, "--out", answer])
}

fn enrols(office: &Office, hub: &Hub, code: &str) -> Ended {
    office.run(&["enrol", "--hub", &hub.url(), "--code", code])
}

/// The five words with which an office is told to wait.
fn five_words(waits: &Ended) -> String {
    let error = waits.error();
    assert_eq!((error["code"].as_str(), waits.code), (Some("KTG-115"), 30), "{waits:#?}");
    error["detail"].as_str().expect("five words").to_owned()
}

#[test]
fn a_code_that_asks_lets_in_the_pc_whose_words_were_compared_and_no_other() {
    let hub = Hub::start();
    let (code, number) = asking_code(&hub);
    let (sari, thief) = (Office::bare(), Office::bare());
    let words = five_words(&enrols(&sari, &hub, &code));
    assert_eq!(words.split('-').count(), 5, "{words}");
    assert_eq!(enrols(&thief, &hub, &code).error()["code"], "KTG-114");

    let asked = hub.run(&["enrol", "request", "list"]).ok().json();
    assert_eq!(asked["codes"][0]["applicant"]["words"], words.as_str());
    hub.run(&["enrol", "request", "approve", &number]).ok();
    assert_eq!(enrols(&thief, &hub, &code).error()["code"], "KTG-114");
    assert_eq!(enrols(&sari, &hub, &code).ok().json()["office"], OFFICE);

    let (code, number) = asking_code(&hub);
    five_words(&enrols(&thief, &hub, &code));
    hub.run(&["enrol", "request", "deny", &number]).ok();
    assert_eq!(enrols(&thief, &hub, &code).error()["code"], "KTG-114");
}

#[test]
fn an_office_without_a_line_joins_by_files_that_are_of_no_use_to_who_steals_them() {
    let hub = Hub::start();
    let (code, number) = asking_code(&hub);
    let (sari, thief, stick) = (Office::bare(), Office::bare(), folder::temporary("kentongan-stick-"));
    let [request, answer, stolen] =
        ["permintaan.json", "jawaban.json", "curian.json"].map(|name| stick.path().join(name));
    let words = requests(&sari, &hub, &code, &request);
    assert_eq!(five_words(&answers(&hub, &request, &answer)), words);
    assert!(!answer.exists(), "nobody has said yet that it is the right PC");
    requests(&thief, &hub, &code, &stolen);
    assert_eq!(answers(&hub, &stolen, &answer).error()["code"], "KTG-114");
    hub.run(&["enrol", "request", "approve", &number]).ok();
    assert_eq!(answers(&hub, &request, &answer).ok().json()["words"], words.as_str());

    // What the thief can do with the answer, and with a changed one.
    takes(&thief, &answer).expect(2);
    let whole = fs::read_to_string(&answer).expect("an answer");
    for (bytes, exit) in [(whole.replace(OFFICE, "32.73.05.1002"), 18), (whole[..900].to_owned(), 2)] {
        fs::write(&stolen, bytes).expect("written");
        takes(&sari, &stolen).expect(exit);
    }
    takes(&sari, &request).expect(2);
    assert_eq!(answers(&hub, &answer, &stolen).expect(2).error()["code"], serde_json::Value::Null);

    assert_eq!(takes(&sari, &answer).ok().json()["office"], OFFICE);
    takes(&sari, &answer).expect(2);
    assert!(!sari.data().join("identity/asked.toml").exists(), "the code is not kept longer than it is needed");
    sari.complain("Lampu jalan padam");
    sari.sync().ok();
    // What the answer left out came over the line: a forgotten PIN can be made up for.
    sari.run(&["user", "add", "Siti", "--role", "manager"]).ok();
    let challenge = sari.run(&["user", "recovery", "1"]).ok().json()["challenge"].as_str().expect("one").to_owned();
    let spoken =
        hub.run(&["office", "recovery-code", &challenge]).ok().json()["answer"].as_str().expect("one").to_owned();
    sari.run(&["user", "recovery", "1", "--answer", &spoken]).ok();
}

#[test]
fn the_console_answers_a_request_once_its_words_were_compared() {
    let hub = Hub::start();
    let (code, _) = asking_code(&hub);
    let (sari, stick) = (Office::bare(), folder::temporary("kentongan-stick-"));
    let [request, answer] = ["permintaan.json", "jawaban.json"].map(|name| stick.path().join(name));
    let words = requests(&sari, &hub, &code, &request);
    let mut wayan = console::somebody(&hub, "wayan", "operator");
    let upload = "/pendaftaran/berkas";
    for hostile in [&b"<script>alert(1)</script>"[..], &[0xff; 70_000], b"{\"schema\":\"kentongan.enrol.answer/1\"}"] {
        wayan.upload(upload, &[], ("permintaan.json", hostile)).expect(422);
    }
    let page =
        wayan.upload(upload, &[], ("permintaan.json", &fs::read(&request).expect("a request"))).expect(200).text();
    assert!(page.contains(&words) && page.contains(OFFICE), "{page}");
    let kept = value_after(&page, "name=\"permintaan\" value=\"").replace("&#34;", "\"").replace("&#10;", "\n");
    let to = "/pendaftaran/berkas/jawaban";
    wayan.post(to, &[("permintaan", &kept)]).expect(422);
    let file = wayan.post(to, &[("permintaan", &kept), ("putusan", "ya")]).expect(200);
    assert!(file.header("content-disposition").contains("jawaban-32.73.05.1001.json"), "{:?}", file.headers);
    fs::write(&answer, file.body).expect("written");
    assert_eq!(takes(&sari, &answer).ok().json()["office"], OFFICE);
    sari.sync().ok();
}

#[test]
fn an_office_joins_from_a_sheet_of_the_console_and_the_fleet_shows_it_by_itself() {
    let mut hub = Hub::bare();
    let invited = hub.init().ok().json()["invited"].clone();
    hub.begin();
    let Some(mut browser) = Browser::start("an office joins from a sheet") else { return };
    let console = hub.console();
    console::comes_in(&mut browser, &console, &invited);
    browser.sees("Belum ada kantor.");

    browser.open(&format!("{console}pendaftaran"));
    browser.fills("kantor", OFFICE);
    browser.fills("nama", "Kelurahan Contoh");
    browser.tabs_to("[name=setuju]");
    browser.presses(" ", 0);
    browser.tabs_to("form[action=\"/pendaftaran\"] .tombol");
    browser.goes(|browser| browser.presses("Enter", 0));
    browser.sees("Kode hanya tampil sekali ini.");
    browser.keeps_picture("konsol-lembar");
    let code = browser.run("document.querySelector('.kode-besar').innerText");
    let code = code.as_str().expect("a code").to_owned();

    let sari = Office::bare();
    let words = five_words(&enrols(&sari, &hub, &code));
    browser.open(&format!("{console}pendaftaran"));
    browser.sees(&words);
    browser.keeps_picture("konsol-lima-kata");
    browser.goes(|browser| browser.clicks("[value=ya]"));
    enrols(&sari, &hub, &code).ok();

    browser.open(&console);
    browser.sees("Belum pernah");
    sari.sync().ok();
    // Nobody touches the page.
    browser.wait("the office is heard", "document.querySelector('table.armada td')?.innerText.includes('Baik')");
    browser.keeps_picture("konsol-armada");

    let stick = folder::temporary("kentongan-stick-");
    let (budi, request) = (Office::bare(), stick.path().join("permintaan.json"));
    let words = requests(&budi, &hub, &asking_code(&hub).0, &request);
    browser.open(&format!("{console}pendaftaran"));
    browser.chooses_files("#berkas", &[&request]);
    browser.tabs_to("form[action=\"/pendaftaran/berkas\"] .tombol");
    browser.goes(|browser| browser.presses("Enter", 0));
    browser.sees(&words);
    browser.keeps_picture("konsol-permintaan");
}
