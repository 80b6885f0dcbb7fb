//! Confidential complaints: the hub reads them, and nobody at the office does.

use std::fs;
use std::path::Path;

use kentongan_tests::{Hub, Office, wait};

use super::entry::{COMPLAINT, new_form, open, sent};
use super::http::Visitor;

const OFFICE: &str = "32.73.05.1001";
/// What nobody at the office may find.
const SECRETS: [&str; 4] = ["Juru bayar", "0812-5550", "081255500123", "sudah dipindah"];

/// Which of the secrets stand in files of a folder.
fn found_in(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            found.extend(found_in(&entry));
            continue;
        }
        // What a running program removes meanwhile is not there.
        let bytes = fs::read(&entry).unwrap_or_default();
        let holds = |secret: &str| bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
        found.extend(
            SECRETS.iter().filter(|secret| holds(secret)).map(|secret| format!("{secret}: {}", entry.display())),
        );
    }
    found
}

/// Saves a confidential complaint as a clerk does; its address.
fn saves(visitor: &mut Visitor) -> String {
    let mut fields = COMPLAINT.to_vec();
    fields[0] = ("privasi", "rahasia");
    fields[5] = ("uraian", "Juru bayar minta uang di belakang loket");
    let form = new_form(visitor, "pengaduan");
    let check = visitor.post(&form, &sent(&fields, "periksa")).expect(303).header("location").to_owned();
    assert!(visitor.get(&check).expect(200).text().contains("isinya disegel"), "it is said before");
    let receipt = visitor.post(&check, &[]).expect(303).header("location").to_owned();
    receipt.trim_end_matches("/tanda-terima?baru=1").to_owned()
}

#[test]
fn of_a_confidential_complaint_the_office_keeps_its_code_and_the_hub_what_it_says() {
    let hub = Hub::start();
    let mut sari = Office::enrol(&hub, OFFICE);
    sari.hurry();
    let mut visitor = open(&mut sari);
    let address = saves(&mut visitor);
    assert_eq!(found_in(sari.data()), [""; 0], "while the program runs on");
    let page = visitor.get(&address).expect(200).text();
    assert!(page.contains("disegel") && !page.contains("Juru bayar"), "{page}");

    sari.wait_arrived();
    let complaint = hub.export("complaints").remove(0);
    assert_eq!(complaint["uraian"], "Juru bayar minta uang di belakang loket", "{complaint:#}");
    let code = complaint["code"].as_str().expect("a code").to_owned();
    hub.run(&["complaint", "answer", &code, "--text", "Petugas itu sudah dipindah."]).ok();
    wait::until_true("the office hears that it is answered", wait::LONG, || {
        sari.record(&code)["fields"]["status"] == "dijawab"
    });
    assert_eq!(found_in(sari.data()), [""; 0]);
    assert_eq!(hub.export("complaints")[0]["jawaban"], "Petugas itu sudah dipindah.");
}

#[test]
fn a_colleague_and_a_stick_carry_what_they_cannot_read() {
    let hub = Hub::start();
    let mut sari = Office::enrol(&hub, OFFICE);
    let budi = Office::enrol(&hub, OFFICE);
    let mut visitor = open(&mut sari);
    saves(&mut visitor);
    sari.sync().ok();
    budi.sync().ok();
    assert_eq!(budi.status()["ops"]["pending"], 0);
    assert_eq!(found_in(budi.data()), [""; 0]);
    let complaint = hub.export("complaints").remove(0);
    let code = complaint["code"].as_str().expect("a code");
    assert_eq!(budi.record(code)["fields"]["privasi"], "rahasia");
}
