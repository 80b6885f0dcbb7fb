//! Training: the same pages of a made-up office, of which nothing reaches the real one or the hub.

use std::net::TcpStream;

use kentongan_protocol::receipt::Prefix;
use kentongan_tests::{Hub, Office, wait};
use serde_json::Value;

use super::entry::{COMPLAINT, new_form, open, sent};
use super::http::{Visitor, value_after};

/// Begins training from the office's page, without a script; the address that its page leads to.
fn begins(visitor: &mut Visitor) -> String {
    visitor.post("/latihan", &[("aksi", "mulai")]).expect(303);
    let door = visitor.get("/latihan").expect(200).text();
    value_after(&door, "class=\"tombol\" href=\"").to_owned()
}

#[test]
fn what_is_entered_in_training_is_marked_reaches_nobody_and_is_erased() {
    let hub = Hub::start();
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    let mut visitor = open(&mut sari);
    assert!(visitor.get("/").expect(200).text().contains("<a href=\"/latihan\">coba dengan data latihan.</a>"));
    let address = begins(&mut visitor);
    assert!(address.starts_with("http://127.0.0.2:"), "{address}");

    let mut training = Visitor::at(&address);
    let home = training.get("/").expect(200).text();
    for part in ["data-latihan=\"LATIHAN\"", "Latihan: cobalah apa saja", "<span class=\"kantor\">Latihan<"] {
        assert!(home.contains(part), "{part} in\n{home}");
    }
    assert!(!home.contains("action=\"/kirim\"") && !home.contains("Semua sudah sampai"), "{home}");
    for shut in ["/pengiriman", "/kios", "/orang", "/pengiriman/rincian"] {
        assert!(training.get(shut).expect(403).text().contains("tidak ada dalam latihan"), "{shut}");
    }
    training.post("/kirim", &[]).expect(403);

    let form = new_form(&mut training, "pengaduan");
    let check = training.post(&form, &sent(&COMPLAINT, "periksa")).expect(303).header("location").to_owned();
    let receipt = training.post(&check, &[]).expect(303).header("location").to_owned();
    let page = training.get(&receipt).expect(200).text();
    let code = value_after(&page, "aria-label=\"QR ").to_owned();
    assert!(code.starts_with(&format!("KTG-{}-", Prefix::TRAINING)) && page.contains("data-latihan"), "{page}");
    let path = receipt.split('?').next().expect("a path");
    let plain = training.get(&format!("{path}?kertas=teks")).expect(200).text();
    assert!(plain.contains("BUKAN TANDA TERIMA") && plain.lines().all(|line| line.chars().count() <= 40), "{plain}");
    assert!(training.get("/catatan").expect(200).text().contains(&code), "it is listed beside what was there");

    sari.sync().ok();
    assert_eq!(sari.status()["entered_total"], 0);
    assert_eq!(hub.export("complaints"), [Value::Null; 0]);
    assert!(!visitor.get("/catatan").expect(200).text().contains(&code));
    assert!(visitor.post("/cek", &[("kode", &code)]).text().contains("berasal dari latihan"));

    assert!(training.post("/latihan", &[]).expect(200).text().contains("Latihan selesai"));
    let host = training.host.clone();
    let folder = sari.data().join("latihan");
    wait::until_true("training is gone", wait::LONG, || !folder.exists() && TcpStream::connect(&host).is_err());
    assert!(visitor.get("/latihan").expect(200).text().contains("Mulai latihan"));
}

#[test]
fn there_is_one_training_at_a_time_it_ends_on_the_offices_page_too_and_nothing_is_left_of_one_that_was_cut() {
    let hub = Hub::start();
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    let folder = sari.data().join("latihan");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("store.db"), "what a power cut left").expect("written");
    let mut visitor = open(&mut sari);
    assert!(!folder.exists(), "erased before anybody asks for it");
    let (first, second) = (begins(&mut visitor), begins(&mut visitor));
    assert_eq!(first, second);
    assert!(folder.exists());
    visitor.post("/latihan", &[("aksi", "selesai")]).expect(303);
    assert!(!folder.exists() && TcpStream::connect(Visitor::at(&first).host).is_err());
    let again = begins(&mut visitor);
    assert!(Visitor::at(&again).get("/catatan").expect(200).text().contains("KTG-ZZZZ"), "with data of its own");
}

#[test]
fn pages_of_training_answer_to_their_own_address_alone_and_open_from_a_link() {
    let hub = Hub::start();
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    let mut visitor = open(&mut sari);
    let mut training = Visitor::at(&begins(&mut visitor));
    let host = training.host.clone();
    let port = host.rsplit(':').next().expect("a port").to_owned();
    for foreign in [format!("127.0.0.1:{port}"), format!("localhost:{port}"), "evil.example".to_owned()] {
        let head = format!("GET / HTTP/1.1\r\nHost: {foreign}\r\nConnection: close\r\n");
        assert_eq!(training.exchange(&head, b"").code, 403, "{foreign}");
    }
    let linked = |mode: &str, dest: &str| {
        format!(
            "GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nSec-Fetch-Site: cross-site\r\n\
             Sec-Fetch-Mode: {mode}\r\nSec-Fetch-Dest: {dest}\r\n"
        )
    };
    assert_eq!(training.exchange(&linked("navigate", "document"), b"").code, 200);
    assert_eq!(training.exchange(&linked("no-cors", "image"), b"").code, 403);
    // The two pages are two sites: neither takes what the other's page sends.
    let office = visitor.host.clone();
    let form = "application/x-www-form-urlencoded";
    assert_eq!(training.send("/petugas", &format!("Origin: http://{office}\r\n"), form, b"nama=Sari").code, 403);
    assert_eq!(visitor.send("/petugas", &format!("Origin: http://{host}\r\n"), form, b"nama=Sari").code, 403);
}
