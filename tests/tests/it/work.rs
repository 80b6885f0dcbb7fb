//! Case work at the hub's console, in a real browser: a complaint from an office's page to its answer there, a conflict that
//! is decided and taken back, the index of the survey. Without Chromium each says that it is skipped.

use kentongan_tests::browser::Browser;
use kentongan_tests::{Hub, Office, wait};
use serde_json::Value;

use crate::console::comes_in;

const VILLAGE: &str = "32.73.05.1001";
/// What somebody writes who wants their text to be more than text.
const HOSTILE: &str = "<script>document.title='kena'</script><img src=x onerror=\"document.title='kena'\">Lampu padam";

/// A hub with its console, and the invitation of its first person.
fn hub() -> (Hub, String, Value) {
    let mut hub = Hub::bare();
    let invited = hub.init().ok().json()["invited"].clone();
    hub.begin();
    let console = hub.console();
    (hub, console, invited)
}

fn enter(browser: &mut Browser, page: &str, name: &str, text: &str) -> String {
    browser.open(&format!("{page}isi/pengaduan"));
    browser.fills("nama_pelapor", name);
    browser.tabs_to("[name=kategori]");
    browser.presses("ArrowDown", 0);
    browser.fills("uraian", text);
    browser.goes(|browser| browser.presses("Enter", 2));
    browser.goes(|browser| browser.presses("Enter", 2));
    browser.sees("Aduan tersimpan.");
    browser.run("document.querySelector('.kode-besar').innerText").as_str().expect("a code").to_owned()
}

/// Opens a step of the complaint's page, writes its text and sends it.
fn steps(browser: &mut Browser, step: &str, text: &str) {
    let is_open = browser.run(&format!("document.querySelector('#t-{step}').closest('details').open"));
    if is_open == false {
        browser.clicks(&format!("details:has([name=langkah][value={step}]) > summary"));
    }
    browser.tabs_to(&format!("#t-{step}"));
    browser.types(text);
    browser.goes(|browser| browser.clicks(&format!("details:has([name=langkah][value={step}]) button")));
}

/// Pictures of a page, on a desk and on a telephone, where nothing scrolls sideways.
fn pictures(browser: &mut Browser, name: &str) {
    browser.keeps_picture(name);
    browser.resize(390, 844);
    let wide = browser.run("document.documentElement.scrollWidth - document.documentElement.clientWidth");
    assert_eq!(wide, 0, "{name}: no scrolling sideways on a telephone");
    browser.keeps_picture(&format!("{name}-telepon"));
    browser.resize(1366, 768);
}

#[test]
fn a_complaint_is_entered_at_an_office_answered_at_the_console_and_the_answer_is_read_at_the_office() {
    let (hub, console, invited) = hub();
    let mut sari = Office::enrol(&hub, VILLAGE);
    sari.hurry();
    sari.start();
    let page = sari.page();
    let Some(mut browser) = Browser::start("a complaint and its answer") else { return };
    let code = enter(&mut browser, &page, "<b>Rukmini</b>", HOSTILE);
    sari.wait_arrived();

    comes_in(&mut browser, &console, &invited);
    browser.open(&format!("{console}aduan"));
    browser.sees(&code);
    browser.sees("Lampu padam");
    pictures(&mut browser, "konsol-papan");
    browser.goes(|browser| browser.clicks(".kartu-aduan a"));
    browser.sees("Lampu padam");
    assert!(!browser.text().contains("Rukmini"), "who complains is hidden");
    assert!(browser.run("document.title").as_str().is_some_and(|title| title.starts_with(&code)), "text stays text");
    assert_eq!(browser.run("document.querySelectorAll('main script, main img').length"), 0);
    browser.goes(|browser| browser.clicks("form[action$='/baca'] button"));
    browser.sees("<b>Rukmini</b>");
    browser.goes(|browser| browser.clicks(".pita a"));
    steps(&mut browser, "jawab", "Lampu diganti hari Senin.");
    browser.sees("Jawaban disimpan.");
    pictures(&mut browser, "konsol-aduan");
    let address = browser_address(&mut browser);
    browser.open(&format!("{address}/disposisi"));
    browser.as_printed(true);
    browser.keeps_picture("konsol-disposisi");
    browser.as_printed(false);
    assert!(!browser.text().contains("Rukmini"), "the sheet says nothing of who complains");

    wait::until_true("the answer is at the office", wait::LONG, || {
        sari.record(&code).to_string().contains("Lampu diganti hari Senin.")
    });
    browser.open(&format!("{page}catatan"));
    browser.goes(|browser| browser.clicks("tbody a"));
    browser.sees("Lampu diganti hari Senin.");
    let audit = hub.run(&["audit", "list", "--json"]).json().to_string();
    assert_eq!(audit.matches("complaint.read").count(), 1, "one reading of an identity: {audit}");
}

/// The address of the page, without what stands behind `?`.
fn browser_address(browser: &mut Browser) -> String {
    browser.run("location.origin + location.pathname").as_str().expect("an address").to_owned()
}

#[test]
fn a_conflict_is_decided_and_taken_back_at_the_console_and_the_index_names_who_is_missing() {
    let (hub, console, invited) = hub();
    let sari = Office::enrol(&hub, VILLAGE);
    hub.code("32.73.05.1002");
    for score in ["3", "4"] {
        let elements =
            ["persyaratan", "prosedur", "waktu", "biaya", "produk", "kompetensi", "perilaku", "pengaduan", "sarpras"];
        sari.add("skm", &elements.map(|element| (element, score)));
    }
    let entered = sari.complain("Lampu jalan padam");
    sari.sync().ok();
    let code = entered.code;
    hub.run(&["complaint", "set", &code, "--field", "lokasi=RT 03"]).ok();
    sari.run(&["record", "edit", &code, "lokasi=<i>RT 05</i>"]).ok();
    sari.sync().ok();

    let Some(mut browser) = Browser::start("a conflict and the index") else { return };
    comes_in(&mut browser, &console, &invited);
    browser.open(&format!("{console}konflik"));
    browser.sees(&code);
    pictures(&mut browser, "konsol-konflik");
    browser.goes(|browser| browser.clicks("td a.kode"));
    browser.sees("<i>RT 05</i>");
    browser.clicks("[name=ambil][value='1']");
    browser.fills("alasan", "kantor melihat sendiri");
    pictures(&mut browser, "konsol-bentrok");
    browser.goes(|browser| browser.clicks("form[action$='/putuskan'] button"));
    browser.sees("1 bentrok diputuskan.");
    browser.sees("Tidak ada bentrok.");
    browser.clicks("td details summary");
    browser.fills("alasan", "salah tekan");
    browser.goes(|browser| browser.clicks("form[action$='/batal'] button"));
    browser.sees("nilainya berdampingan lagi");
    browser.clicks("input.pilih");
    browser.clicks("[name=ambil][value=proposal]");
    browser.fills("alasan", "ditanyakan");
    browser.goes(|browser| browser.clicks("form[action='/konflik'] .tombol"));
    browser.sees("1 bentrok diputuskan.");
    browser.keeps_picture("konsol-konflik-diputuskan");

    browser.open(&format!("{console}survei"));
    browser.sees("87,50");
    browser.sees("1 dari 2 kantor belum mengirim");
    pictures(&mut browser, "konsol-survei");
    browser.goes(|browser| browser.clicks("a[href^='/survei/lembar']"));
    browser.as_printed(true);
    browser.keeps_picture("konsol-lembar-survei");
    browser.as_printed(false);
    browser.sees("Indeks Kepuasan Masyarakat");
}
