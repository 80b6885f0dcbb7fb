//! Confidential complaints: the hub reads them, and nobody at the office does.

use std::fs;
use std::path::Path;

use kentongan_tests::{Hub, Office, folder, wait};

use super::entry::{COMPLAINT, new_form, open, sent};
use super::http::Visitor;
use crate::console;

const OFFICE: &str = "32.73.05.1001";
/// What nobody at the office may find.
const SECRETS: [&str; 6] =
    ["Juru bayar", "0812-5550", "081255500123", "sudah dipindah", "kuitansi-warung", "Setoran tanpa kuitansi"];
/// What the citizen brought.
const PAPER: &[u8] = b"%PDF-1.4\nSetoran tanpa kuitansi, lima puluh ribu\n%%EOF\n";

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
    visitor.upload(&form, &sent(&fields, "lampirkan"), ("kuitansi-warung.pdf", PAPER)).expect(303);
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
    assert!(page.contains("disegel") && page.contains("Berkas tersegel") && !page.contains("Juru bayar"), "{page}");
    assert!(!page.contains("/berkas/"), "nothing leads to the file: {page}");

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

#[test]
fn people_at_the_hub_get_the_papers_of_a_confidential_complaint_as_the_citizen_brought_them() {
    let hub = Hub::start();
    let mut sari = Office::enrol(&hub, OFFICE);
    let mut visitor = open(&mut sari);
    saves(&mut visitor);
    sari.sync().ok();
    assert_eq!(sari.status()["all_arrived"], true);
    assert_eq!(found_in(sari.data()), [""; 0]);
    assert!(found_in(&hub.data().join("archive")).is_empty(), "on the hub's disk it stays sealed");

    let code = hub.export("complaints").remove(0)["code"].as_str().expect("a code").to_owned();
    let taken = folder::temporary("kentongan-lampiran-");
    let to = taken.path().to_str().expect("a path");
    let files = hub.run(&["complaint", "attachments", &code, "--to", to]).ok().json();
    let file = &files["attachments"][0];
    assert_eq!(
        (&file["name"], &file["media"], &file["sealed"]),
        (&"kuitansi-warung.pdf".into(), &"application/pdf".into(), &true.into())
    );
    assert_eq!(fs::read(taken.path().join("01.pdf")).expect("it was copied"), PAPER);

    let mut wayan = console::somebody(&hub, "wayan", "case");
    let page = wayan.post(&format!("/aduan/{code}/baca"), &[]).expect(200).text();
    assert!(page.contains("kuitansi-warung.pdf") && !page.contains("tidak dapat dibuka"), "{page}");
    let link = page.split('"').find(|part| part.contains("/lampiran/")).expect("a link to it").to_owned();
    let shown = wayan.get(&link).expect(200);
    assert_eq!((shown.header("content-type"), &shown.body[..]), ("application/pdf", PAPER));
}
