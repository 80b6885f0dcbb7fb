//! What keeps people out of the console, and of the page where anybody asks after a complaint: see `crate::barriers`.

use kentongan_tests::{Hub, Office, folder};

use super::{PASSWORD, comes_in};
use crate::barriers::Look;
use crate::enrolment::{asking_code, requests};
use crate::outside;

const VILLAGE: &str = "32.73.05.1001";

#[test]
fn nothing_at_the_console_keeps_people_out() {
    let Some(mut look) = Look::start("what keeps people out of the console") else { return };
    let mut hub = Hub::bare();
    let invited = hub.init().ok().json()["invited"].clone();
    hub.run(&["store", "seed", "--offices", "12", "--records", "300"]).ok();
    outside::begin(&mut hub);
    let (console, public) = (hub.console(), outside::address(&hub, "public"));
    let code = work(&hub);
    door(&mut look, &console);
    comes_in(&mut look.browser, &console, &invited);
    for language in ["en", "id"] {
        look.browser.open(&console);
        look.browser.goes(|browser| browser.clicks(&format!("[name=bahasa][value={language}]")));
        pages(&mut look, &console, language);
        joining(&mut look, &hub, &console, language);
        carrying(&mut look, &hub, &console, language);
        people(&mut look, &console, language);
        look.browser.open(&format!("{public}/lacak?bahasa={language}"));
        look.at(&format!("konsol-lacak-{language}"));
        look.through("konsol-lacak");
        look.submits(&[("kode", &code)], "main form");
        look.at(&format!("konsol-lacak-jawab-{language}"));
    }
    look.found_nothing();
}

/// A complaint whose place two people wrote at the same time, once alike and once not; its receipt code.
fn work(hub: &Hub) -> String {
    let sari = Office::enrol(hub, VILLAGE);
    let [alike, apart] = ["Lampu jalan padam", "Jalan berlubang"].map(|text| sari.complain(text).code);
    sari.sync().ok();
    for (code, theirs) in [(&alike, "lokasi=RT 03"), (&apart, "lokasi=RT 05")] {
        hub.run(&["complaint", "set", code, "--field", "lokasi=RT 03"]).ok();
        sari.run(&["record", "edit", code, theirs]).ok();
    }
    sari.sync().ok();
    apart
}

/// Before somebody has come in.
fn door(look: &mut Look, console: &str) {
    for path in ["masuk", "masuk/undangan"] {
        look.browser.open(&format!("{console}{path}"));
        look.at(&format!("konsol-{}", path.replace('/', "-")));
        look.through(path);
    }
    look.browser.open(&format!("{console}masuk"));
    look.submits(&[("nama", "admin"), ("sandi", "bukan ini")], "main form");
    look.at("konsol-masuk-salah");
}

/// Pages that only show something, and forms as they are first seen.
fn pages(look: &mut Look, console: &str, language: &str) {
    let first = |look: &mut Look, page: &str, link: &str| {
        look.browser.open(&format!("{console}{page}"));
        let href = look.browser.run(&format!("document.querySelector('{link}').getAttribute('href')"));
        href.as_str().expect("a link").trim_start_matches('/').to_owned()
    };
    let case = first(look, "aduan/daftar", "main td a.kode");
    let conflict = first(look, "konflik", "form td a.kode");
    let office = format!("kantor/{VILLAGE}");
    let revoke = first(look, &office, "a[href*=cabut]");
    for (name, path) in [
        ("armada", String::new()),
        ("armada-saring", "?status=silent".to_owned()),
        ("armada-kosong", "?cari=tidak+ada".to_owned()),
        ("kantor", office.clone()),
        ("ganti", format!("{office}/ganti")),
        ("cabut", revoke),
        ("pendaftaran", "pendaftaran".to_owned()),
        ("kiriman", "kiriman".to_owned()),
        ("akun", "akun".to_owned()),
        ("langkah-kedua", "akun/langkah-kedua".to_owned()),
        ("orang", "orang".to_owned()),
        ("audit", "audit".to_owned()),
        ("papan", "aduan".to_owned()),
        ("daftar", "aduan/daftar".to_owned()),
        ("disposisi", format!("{case}/disposisi")),
        ("aduan", case),
        ("konflik", "konflik".to_owned()),
        ("bentrok", conflict),
        ("survei", "survei".to_owned()),
        ("lembar-survei", "survei/lembar".to_owned()),
        ("tidak-ada", "tidak-ada".to_owned()),
    ] {
        look.browser.open(&format!("{console}{path}"));
        look.at(&format!("konsol-{name}-{language}"));
        if language == "id" {
            look.through(name);
        }
    }
}

/// A sheet with a code, and a PC that asks by a file.
fn joining(look: &mut Look, hub: &Hub, console: &str, language: &str) {
    look.browser.open(&format!("{console}pendaftaran"));
    look.submits(&[("kantor", "bukan kode")], "form[action=\"/pendaftaran\"]");
    look.at(&format!("konsol-pendaftaran-salah-{language}"));
    look.submits(&[("kantor", VILLAGE), ("tanda", "gelombang 1")], "form[action=\"/pendaftaran\"]");
    look.at(&format!("konsol-lembar-{language}"));
    let stick = folder::temporary("kentongan-stick-");
    let (budi, request) = (Office::bare(), stick.path().join("permintaan.json"));
    requests(&budi, hub, &asking_code(hub).0, &request);
    look.browser.open(&format!("{console}pendaftaran"));
    look.browser.chooses_files("#berkas", &[&request]);
    look.browser.goes(|browser| browser.clicks("form[action=\"/pendaftaran/berkas\"] .tombol"));
    look.at(&format!("konsol-berkas-{language}"));
    look.browser.open(&format!("{console}pendaftaran"));
    look.at(&format!("konsol-lima-kata-{language}"));
}

/// What an office brought on a stick, and what is no such file.
fn carrying(look: &mut Look, hub: &Hub, console: &str, language: &str) {
    let (wayan, stick) = (Office::enrol(hub, VILLAGE), folder::temporary("kentongan-stick-"));
    let made = wayan.run(&["export", "--to", stick.path().to_str().expect("a path")]).ok().json();
    let (bundle, other) = (made["path"].as_str().expect("a path").into(), stick.path().join("foto.ktgb"));
    std::fs::write(&other, "bukan kiriman").expect("written");
    for (name, file) in [("kiriman-diambil", bundle), ("kiriman-salah", other)] {
        look.browser.open(&format!("{console}kiriman"));
        look.browser.chooses_files("#berkas", &[&file]);
        look.browser.goes(|browser| browser.clicks("form[enctype] .tombol"));
        look.at(&format!("konsol-{name}-{language}"));
    }
}

/// Somebody is invited, and what is typed wrong about oneself is said.
fn people(look: &mut Look, console: &str, language: &str) {
    look.browser.open(&format!("{console}orang"));
    look.submits(&[("nama", &format!("sari-{language}")), ("nama_lengkap", "Sari")], "main form[action=\"/orang\"]");
    look.at(&format!("konsol-undangan-{language}"));
    look.browser.open(&format!("{console}akun"));
    let wrong = [("sandi_lama", "bukan ini"), ("sandi", PASSWORD), ("sandi_lagi", PASSWORD)];
    look.submits(&wrong, "form[action=\"/akun/sandi\"]");
    look.at(&format!("konsol-sandi-salah-{language}"));
}
