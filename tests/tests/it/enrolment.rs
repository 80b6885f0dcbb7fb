//! How an office joins with a code for which two people compare five words, and from the sheet that the console prints.

use kentongan_tests::browser::Browser;
use kentongan_tests::programs::Ended;
use kentongan_tests::{Hub, Office};

const OFFICE: &str = "32.73.05.1001";

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
    let made = hub.run(&["enrol", "code", "create", "--office", OFFICE, "--pre-approved=false"]).ok().json();
    let (code, number) = (made["code"].as_str().expect("a code"), made["number"].to_string());
    let (sari, thief) = (Office::bare(), Office::bare());
    let words = five_words(&enrols(&sari, &hub, code));
    assert_eq!(words.split('-').count(), 5, "{words}");
    assert_eq!(enrols(&thief, &hub, code).error()["code"], "KTG-114");

    let asked = hub.run(&["enrol", "request", "list"]).ok().json();
    assert_eq!(asked["codes"][0]["applicant"]["words"], words.as_str());
    hub.run(&["enrol", "request", "approve", &number]).ok();
    assert_eq!(enrols(&thief, &hub, code).error()["code"], "KTG-114");
    assert_eq!(enrols(&sari, &hub, code).ok().json()["office"], OFFICE);

    let other = hub.run(&["enrol", "code", "create", "--office", OFFICE, "--pre-approved=false"]).ok().json();
    let (code, number) = (other["code"].as_str().expect("a code"), other["number"].to_string());
    five_words(&enrols(&thief, &hub, code));
    hub.run(&["enrol", "request", "deny", &number]).ok();
    assert_eq!(enrols(&thief, &hub, code).error()["code"], "KTG-114");
}

#[test]
fn an_office_joins_from_a_sheet_of_the_console_and_the_fleet_shows_it_by_itself() {
    let mut hub = Hub::bare();
    let invited = hub.init().ok().json()["invited"].clone();
    hub.begin();
    let Some(mut browser) = Browser::start("an office joins from a sheet") else { return };
    let console = hub.console();
    browser.open(&format!("{console}masuk/undangan"));
    browser.fills("nama", invited["name"].as_str().expect("a name"));
    browser.fills("undangan", invited["code"].as_str().expect("an invitation"));
    browser.fills("sandi", "kopi sawah gong tikar");
    browser.fills("sandi_lagi", "kopi sawah gong tikar");
    browser.goes(|browser| browser.presses("Enter", 0));
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
}
