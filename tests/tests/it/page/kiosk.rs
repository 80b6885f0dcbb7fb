//! A tablet at the counter: paired by a code, it hands answers over and can do nothing else, also after a day without the
//! office's PC.

use kentongan_tests::{Hub, Office, wait};
use serde_json::{Value, json};

use super::http::{Answer, Visitor};

/// An office with its kiosk open, and where that is.
fn office(hub: &Hub) -> (Office, String) {
    let mut sari = Office::enrol(hub, "32.73.05.1001");
    sari.configure(
        "[sync]\ninterval = \"1s\"\nbackoff_max = \"1s\"\n[hub]\nproxy = \"none\"\n\
         [kiosk]\nlisten = \"127.0.0.1:0\"\nreset_after = \"15s\"\nmin_interval = \"60s\"\n",
    );
    sari.start();
    let kiosk = kiosk_of(&sari);
    (sari, kiosk)
}

/// Where its kiosk is.
fn kiosk_of(sari: &Office) -> String {
    sari.service().expect("it runs").ready()["kiosk"].as_str().expect("a kiosk").to_owned()
}

fn code(sari: &Office) -> String {
    sari.run(&["kiosk", "pair"]).ok().json()["code"].as_str().expect("a code").to_owned()
}

/// Sends what a tablet says.
fn say(tablet: &mut Visitor, path: &str, key: &str, message: &Value) -> Answer {
    let key = if key.is_empty() { String::new() } else { format!("X-Kios: {key}\r\n") };
    tablet.send(path, &key, "application/json", message.to_string().as_bytes())
}

fn vote(number: u8, face: &str) -> Value {
    json!({ "id": format!("{number:02x}").repeat(16), "formulir": "suara", "saat": 1_000, "nilai": { "nilai": face } })
}

#[test]
fn a_tablet_hands_over_what_it_has_once_and_reads_nothing() {
    let hub = Hub::start();
    let (sari, kiosk) = office(&hub);
    let mut tablet = Visitor::at(&kiosk);
    let page = tablet.get("/").expect(200);
    assert!(page.text().contains("Bagaimana layanan hari ini?") && page.header("set-cookie").is_empty());
    for path in ["/catatan", "/isi/pengaduan", "/pengiriman", "/orang", "/bantuan", "/serah", "/page.key"] {
        tablet.get(path).expect(404);
    }
    let handed = |votes: &[Value]| json!({ "kini": 61_000, "jawaban": votes });
    say(&mut tablet, "/serah", "", &handed(&[vote(1, "4")])).expect(401);
    say(&mut tablet, "/pasang", "", &json!({ "kode": "000000", "nama": "Loket 1" })).expect(403);

    let good = code(&sari);
    let paired = say(&mut tablet, "/pasang", "", &json!({ "kode": good, "nama": "Loket 1" })).expect(200);
    let paired: Value = serde_json::from_slice(&paired.body).expect("JSON");
    let key = paired["kunci"].as_str().expect("a key").to_owned();
    say(&mut tablet, "/pasang", "", &json!({ "kode": good, "nama": "Loket 2" })).expect(403);

    let survey =
        json!({ "id": "aa".repeat(16), "formulir": "skm", "saat": 1_000, "nilai": { "waktu": "3", "saran": "x" } });
    let complaint =
        json!({ "id": "bb".repeat(16), "formulir": "pengaduan", "saat": 1_000, "nilai": { "uraian": "x" } });
    let all = [vote(1, "4"), vote(2, "1"), survey, complaint];
    for _ in 0..2 {
        let answer = say(&mut tablet, "/serah", &key, &handed(&all)).expect(200);
        let answer: Value = serde_json::from_slice(&answer.body).expect("JSON");
        assert_eq!(answer["selesai"].as_array().map(Vec::len), Some(4), "it need keep none: {answer}");
    }
    let status = sari.wait_arrived();
    assert_eq!(status["entered_total"], 3, "each is here once, and no complaint: {status:#}");
    let surveys = hub.export("surveys");
    assert_eq!(surveys.len(), 1, "a quick vote is no survey: {surveys:#?}");
    say(&mut tablet, "/serah", &key, &json!({ "kini": 1 })).expect(400);
    let mut office = Visitor::at(&format!("http://{}/", sari_page(&sari)));
    assert!(office.get("/kios").expect(200).text().contains("Loket 1"));
    sari.run(&["kiosk", "revoke", "1"]).ok();
    say(&mut tablet, "/serah", &key, &handed(&[vote(3, "4")])).expect(401);
}

#[test]
fn a_tablet_leaves_the_kiosk_by_the_pin_of_a_duty_manager_alone() {
    let hub = Hub::start();
    let (sari, kiosk) = office(&hub);
    let mut tablet = Visitor::at(&kiosk);
    let pair = |tablet: &mut Visitor| {
        let paired = say(tablet, "/pasang", "", &json!({ "kode": code(&sari), "nama": "Loket 1" })).expect(200);
        let paired: Value = serde_json::from_slice(&paired.body).expect("JSON");
        paired["kunci"].as_str().expect("a key").to_owned()
    };
    let leaves = |tablet: &mut Visitor, key: &str, pin: &str| say(tablet, "/lepas", key, &json!({ "pin": pin }));
    let key = pair(&mut tablet);
    leaves(&mut tablet, "", "4821").expect(401);
    leaves(&mut tablet, &key, "").expect(200);
    leaves(&mut tablet, &key, "").expect(401);

    // From now on somebody has a PIN: the manager's counts once it is their own, and a clerk's never does.
    let pin = |words: &[&str]| sari.run(words).ok().json()["pin"].as_str().expect("a PIN").to_owned();
    let given = [pin(&["user", "add", "Wayan", "--role", "manager"]), pin(&["user", "add", "Siti"])];
    let mut office = Visitor::at(&format!("http://{}/", sari_page(&sari)));
    for (person, given, own) in [("1", &given[0], "9173"), ("2", &given[1], "4821")] {
        office.post("/masuk", &[("orang", person), ("pin", given)]).expect(303);
        office.post("/pin", &[("baru", own), ("ulang", own)]).expect(303);
    }
    let key = pair(&mut tablet);
    for wrong in ["", "4821", &given[0]] {
        leaves(&mut tablet, &key, wrong).expect(403);
    }
    leaves(&mut tablet, &key, "9173").expect(200);
    let key = pair(&mut tablet);
    for wrong in ["1", "2", "3"] {
        leaves(&mut tablet, &key, wrong).expect(403);
    }
    let waits: Value = serde_json::from_slice(&leaves(&mut tablet, &key, "9173").expect(429).body).expect("JSON");
    assert!(waits["tunggu"].as_u64().is_some_and(|seconds| (1..=30).contains(&seconds)), "{waits}");
    let paired = sari.run(&["kiosk", "list"]).ok().json();
    assert!(!sari.said().contains("9173") && paired.to_string().contains("Loket 1"), "{paired}");
}

/// Where the office's own page is.
fn sari_page(sari: &Office) -> String {
    let page = sari.service().expect("it runs").ready()["page"].as_str().expect("a page").to_owned();
    page.trim_start_matches("http://").trim_end_matches('/').to_owned()
}

#[cfg(target_os = "linux")]
#[test]
fn a_tablet_goes_on_while_the_pc_is_off_and_hands_over_later() {
    use kentongan_tests::Pipe;
    use kentongan_tests::browser::Browser;

    let hub = Hub::start();
    let (mut sari, kiosk) = office(&hub);
    // The tablet's way to the PC stays when the PC goes, so that nobody else is found at its place.
    let way = Pipe::open(place(&kiosk)).expect("a way to the PC");
    let Some(mut tablet) = Browser::start("a tablet goes on while the PC is off") else { return };
    tablet.resize(1024, 768);
    tablet.open(&format!("http://{}/", way.address()));
    // Time passes for the tablet when the story says so, however long this machine takes.
    tablet.run("{ globalThis.kini = Date.now(); Date.now = () => kini; 0 }");
    tablet.sees("Pasangkan kios");
    tablet.keeps_picture("kios-pasang");
    tablet.clicks("#kode");
    tablet.run("document.querySelector('#kode').focus()");
    tablet.types(&code(&sari));
    tablet.presses("Enter", 0);
    tablet.sees("Bagaimana layanan hari ini?");
    tablet.keeps_picture("kios-awal");
    let faces = "[...document.querySelectorAll('.besar')].every(b => b.offsetHeight >= 96 && b.offsetWidth >= 96)";
    assert_eq!(tablet.run(faces), true, "large enough for every finger");
    assert_eq!(tablet.run("document.documentElement.scrollHeight <= innerHeight"), true, "nothing to scroll");
    sari.kill();
    // A face that says no good leads to one more question, which goes away by itself and keeps the first touch.
    ripens(&mut tablet);
    tablet.presses("1", 0);
    tablet.sees("Apa yang paling perlu diperbaiki?");
    tablet.keeps_picture("kios-perbaiki");
    // What stands there for seconds alone is not missed by a machine that has no time to look.
    tablet.listens();
    tablet.run("kini += 16000");
    tablet.heard("Terima kasih.");
    tablet.sees("○ 1");
    tablet.sees("Bagaimana layanan hari ini?");
    ripens(&mut tablet);
    tablet.presses("4", 0);
    tablet.sees("○ 2");
    let marks = "JSON.parse(localStorage.ktg_antre).map(one => one.nilai.terlalu_cepat ?? '')";
    assert_eq!(tablet.run(marks), json!(["", "ya"]), "who taps again so soon is marked");
    sari.start();
    way.lead_to(place(&kiosk_of(&sari)));
    tablet.wait("the PC has them", "document.querySelector('#hitung').textContent === ''");
    let status = wait::until("both are at the hub", wait::LONG, || {
        let status = sari.status();
        (status["all_arrived"] == true && status["entered_total"] == 2).then_some(status)
    });
    assert_eq!(status["arrived_total"], 2, "{status:#}");
}

/// The socket of an address.
#[cfg(target_os = "linux")]
fn place(address: &str) -> std::net::SocketAddr {
    address.trim_start_matches("http://").trim_end_matches('/').parse().expect("a socket's address")
}

/// Waits until the buttons of a screen answer: they do not at once, so that nobody answers what they have not read.
#[cfg(target_os = "linux")]
fn ripens(tablet: &mut kentongan_tests::browser::Browser) {
    tablet.wait("the buttons answer", "document.querySelector('#layar').dataset.siap === '1'");
}
