//! What keeps people out of the office's page and its kiosk: see `crate::barriers`.

use kentongan_tests::{Hub, Office};

use super::browser::in_conflict;
use crate::barriers::Look;

#[test]
fn nothing_on_any_page_keeps_people_out() {
    let Some(mut look) = Look::start("what keeps people out of the office's page") else { return };
    let hub = Hub::start();
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    let settings = "[sync]\ninterval = \"1s\"\nbackoff_max = \"1s\"\n[hub]\nproxy = \"none\"\n";
    sari.configure(&format!(
        "{settings}[kiosk]\nlisten = \"127.0.0.1:0\"\n[ui]\nit_contact = \"Diskominfo 555-0100\"\n"
    ));
    sari.start();
    let page = sari.page();
    let record = in_conflict(&hub, &sari).id;
    let kiosk = sari.service().expect("it runs").ready()["kiosk"].as_str().expect("a kiosk").to_owned();
    tablet(&mut look, &sari, &kiosk);
    office(&mut look, &sari, &page, &record);
    look.found_nothing();
}

/// Every screen of the kiosk.
fn tablet(look: &mut Look, sari: &Office, kiosk: &str) {
    look.browser.open(kiosk);
    look.browser.sees("Pasangkan kios");
    look.at("kios-pasang");
    let code = sari.run(&["kiosk", "pair"]).ok().json()["code"].as_str().expect("a code").to_owned();
    look.browser.run("document.querySelector('#kode').focus()");
    look.browser.types(&code);
    look.browser.presses("Enter", 0);
    // Screens fall back when nobody touches them: here nobody's time passes.
    look.browser.run("{ const now = Date.now(); Date.now = () => now; 0 }");
    for language in ["en", "id"] {
        look.browser.clicks(&format!("[data-bahasa={language}]"));
        let ripe =
            |look: &mut Look| look.browser.wait("it answers", "document.querySelector('#layar').dataset.siap === '1'");
        ripe(look);
        look.at(&format!("kios-awal-{language}"));
        look.through("kios-awal");
        look.browser.clicks(".kaki .tombol");
        ripe(look);
        look.at(&format!("kios-survei-{language}"));
        look.browser.clicks(".kaki .tombol");
        ripe(look);
        look.browser.clicks("[data-angka='1']");
        ripe(look);
        look.at(&format!("kios-perbaiki-{language}"));
        look.through("kios-perbaiki");
        look.browser.clicks(".kaki .tombol");
        look.at(&format!("kios-terima-kasih-{language}"));
        look.browser.wait("the kiosk is at its beginning", "!!document.querySelector('.wajah')");
        look.browser.run("document.querySelector('#sudut').dispatchEvent(new Event('pointerdown'))");
        look.browser.wait("the corner was held", "document.querySelectorAll('.kaki .tombol').length === 3");
        look.at(&format!("kios-petugas-{language}"));
        look.browser.clicks(".kaki .tombol:nth-child(2)");
    }
}

/// Every page of the office, before and after somebody came in.
fn office(look: &mut Look, sari: &Office, page: &str, record: &str) {
    let pin =
        sari.run(&["user", "add", "Wayan", "--role", "manager"]).ok().json()["pin"].as_str().expect("a PIN").to_owned();
    look.browser.open(&format!("{page}masuk"));
    look.at("pintu");
    look.through("pintu");
    look.browser.open(&format!("{page}lupa"));
    look.at("lupa");
    look.browser.open(&format!("{page}masuk"));
    look.browser.run("document.querySelector('[name=orang]').checked = true");
    look.submits(&[("pin", &pin)], "main form");
    look.at("pin-pertama");
    look.submits(&[("baru", "9173"), ("ulang", "9173")], "main form");
    for language in ["en", "id"] {
        look.browser.open(page);
        look.browser.goes(|browser| browser.clicks(&format!("[name=bahasa][value={language}]")));
        for (name, path) in [
            ("beranda", String::new()),
            ("catatan", "catatan".to_owned()),
            ("catatan-kosong", "catatan?keadaan=rejected".to_owned()),
            ("pengiriman", "pengiriman".to_owned()),
            ("rekap", "rekap".to_owned()),
            ("bantuan", "bantuan".to_owned()),
            ("bantuan-kode", "bantuan/KTG-104".to_owned()),
            ("latihan", "latihan".to_owned()),
            ("saya", "petugas".to_owned()),
            ("pin", "pin".to_owned()),
            ("orang", "orang".to_owned()),
            ("kios", "kios".to_owned()),
            ("survei", "isi/skm".to_owned()),
            ("kertas", "kertas".to_owned()),
            ("satu-catatan", format!("catatan/{record}")),
            ("ubah", format!("catatan/{record}/ubah/pelapor")),
            ("tanda-terima", format!("catatan/{record}/tanda-terima?baru=1")),
            ("tidak-ada", "tidak-ada".to_owned()),
        ] {
            look.browser.open(&format!("{page}{path}"));
            look.at(&format!("{name}-{language}"));
            if language == "id" {
                look.through(name);
            }
        }
        look.browser.open(&format!("{page}isi/pengaduan"));
        look.at(&format!("aduan-{language}"));
        look.through("aduan");
        look.browser.goes(|browser| browser.clicks("[data-utama]"));
        look.at(&format!("aduan-salah-{language}"));
        look.browser.run("document.querySelector('[name=kategori]').selectedIndex = 1");
        look.browser.run("document.querySelector('[name=uraian]').value = 'Antre sejak pagi'");
        look.browser.goes(|browser| browser.clicks("[data-utama]"));
        look.at(&format!("periksa-{language}"));
        look.browser.goes(|browser| browser.clicks("[data-utama]"));
        look.browser.open(&format!("{page}catatan"));
        look.submits(&[("kata", "antre")], "main form");
        look.at(&format!("cari-{language}"));
    }
    look.browser.open(&format!("{page}latihan"));
    look.browser.goes(|browser| browser.clicks("[data-utama]"));
    look.at("latihan-terbuka");
    let training = look.browser.run("document.querySelector('main a.tombol').href");
    look.browser.open(training.as_str().expect("an address"));
    look.at("latihan-beranda");
    look.through("latihan-beranda");
}
