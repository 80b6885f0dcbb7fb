//! A clerk enters, sees and prints, with scripts off: every form posts, every link leads.

use kentongan_tests::office::by_day;
use kentongan_tests::{Hub, Office};
use serde_json::json;

use super::http::Visitor;

pub(super) const COMPLAINT: [(&str, &str); 10] = [
    ("privasi", "biasa"),
    ("nama_pelapor", "Rukmini"),
    ("telepon_pelapor", "0812-5550-0123"),
    ("kategori", "sarana_prasarana"),
    ("dibayar", "Rp 50.000"),
    ("uraian", "Lampu jalan di depan balai desa padam sejak Senin"),
    ("tanggal_kejadian.h", "9"),
    ("tanggal_kejadian.b", "11"),
    ("tanggal_kejadian.t", "2026"),
    ("kanal", "tatap_muka"),
];

pub(super) fn open(office: &mut Office) -> Visitor {
    office.hurry();
    office.start();
    Visitor::at(&office.page())
}

/// Where a new form of this kind is.
pub(super) fn new_form(visitor: &mut Visitor, form: &str) -> String {
    visitor.get(&format!("/isi/{form}")).expect(303).header("location").to_owned()
}

pub(super) fn sent<'f>(fields: &[(&'f str, &'f str)], act: &'f str) -> Vec<(&'f str, &'f str)> {
    fields.iter().copied().chain([("aksi", act)]).collect()
}

/// What a page says is done next.
fn steps(page: &str) -> Vec<String> {
    let list = page
        .split("<ol class=\"langkah\">")
        .nth(1)
        .and_then(|rest| rest.split("</ol>").next())
        .expect("a list of steps");
    list.split("<li>").skip(1).map(|step| step.trim_end_matches("</li>").to_owned()).collect()
}

#[test]
fn a_complaint_is_entered_checked_saved_printed_found_changed_and_remarked_on() {
    let hub = Hub::start();
    let mut sari = Office::enrol(&hub, by_day());
    let mut visitor = open(&mut sari);
    visitor.post("/petugas", &[("nama", "Siti")]).expect(303);
    let form = new_form(&mut visitor, "pengaduan");

    // What is missing is said at the top and beside the field, and what was typed stands.
    let faulty =
        visitor.post(&form, &sent(&[("uraian", ""), ("nama_pelapor", "Rukmini")], "periksa")).expect(422).text();
    for part in ["<title>Ada masalah:", "href=\"#f-uraian\"", "aria-invalid=\"true\"", "value=\"Rukmini\""] {
        assert!(faulty.contains(part), "{part} in\n{faulty}");
    }
    let check = visitor.post(&form, &sent(&COMPLAINT, "periksa")).expect(303).header("location").to_owned();
    let page = visitor.get(&check).expect(200).text();
    for part in ["Rukmini", "50.000", "9 November 2026", "081255500123", &format!("{form}#f-uraian")] {
        assert!(page.contains(part), "{part} in\n{page}");
    }
    let promised = steps(&page);
    assert!(promised.len() == 2 && promised[1].starts_with("Dijawab paling lambat"), "{promised:?}");
    assert_eq!(sari.status()["entered_total"], 0, "nothing is a record before it is saved");
    let receipt = visitor.post(&check, &[]).expect(303).header("location").to_owned();
    let again = visitor.post(&check, &[]).expect(303).header("location").to_owned();
    assert_eq!(again, receipt, "saved twice is saved once");
    sari.wait_arrived();
    assert_eq!(hub.export("complaints").len(), 1);

    let page = visitor.get(&receipt).expect(200).text();
    let code =
        page.split("class=\"kode-besar\"").nth(1).and_then(|rest| rest.split(['>', '<']).nth(1)).expect("a code");
    assert!(code.starts_with("KTG-") && page.contains("<svg class=\"qr\""), "{page}");
    assert!(page.contains("Siti"), "who took it in stands on the receipt");
    assert!(!page.contains("Lacak dengan"), "nothing is promised that nobody set up");
    assert!(steps(&page).starts_with(&promised), "the receipt keeps what was promised before saving: {page}");
    let path = receipt.split('?').next().expect("a path");
    for paper in ["a4", "80", "58"] {
        let style = format!("/aset/cetak-{paper}-");
        assert!(visitor.get(&format!("{path}?kertas={paper}")).expect(200).text().contains(&style), "{paper}");
    }
    let plain = visitor.get(&format!("{path}?kertas=teks")).expect(200);
    assert!(plain.header("content-type").starts_with("text/plain") && plain.text().contains(code));
    assert!(plain.text().lines().all(|line| line.chars().count() <= 40), "{}", plain.text());

    let record = path.trim_end_matches("/tanda-terima").to_owned();
    for words in [code, "rukmini", "LAMPU balai", &code.to_lowercase().replace('-', "")] {
        let found = visitor.post("/catatan", &[("kata", words)]).expect(200).text();
        assert!(found.contains(&record), "{words} finds it");
    }
    assert!(!visitor.post("/catatan", &[("kata", "sampah")]).expect(200).text().contains(&record));
    assert_eq!(visitor.post("/cek", &[("kode", code)]).expect(303).header("location"), record);

    let change = format!("{record}/ubah/uraian");
    let page = visitor.get(&change).expect(200).text();
    let heads = super::http::value_after(&page, "name=\"kepala\" value=\"").to_owned();
    visitor.post(&change, &[("kepala", &heads), ("uraian", "")]).expect(422);
    visitor.post(&change, &[("kepala", &heads), ("uraian", "Lampu padam sejak Selasa")]).expect(303);
    visitor.post(&format!("{record}/keterangan"), &[("catatan", "Sudah ditelepon")]).expect(303);
    let page = visitor.get(&record).expect(200).text();
    sari.wait_arrived();
    assert!(visitor.get(&record).expect(200).text().contains("Diterima pusat "), "when the hub has it is said");
    for part in ["Lampu padam sejak Selasa", "sejak Senin</s>", "sudah diganti", "Sudah ditelepon", "Siti", "Riwayat"] {
        assert!(page.contains(part), "{part} in\n{page}");
    }
    assert!(!page.contains("Selasa</s>") && !page.contains("ditelepon</s>"), "what holds is not struck out: {page}");
    assert_eq!(sari.record(code)["fields"]["uraian"], "Lampu padam sejak Selasa");
    assert!(visitor.get("/rekap").expect(200).text().contains(code));
}

#[test]
fn who_is_about_to_save_what_was_told_before_sees_that_and_may_save_it_all_the_same() {
    let hub = Hub::start();
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    let mut visitor = open(&mut sari);
    let mut checked = || {
        let form = new_form(&mut visitor, "pengaduan");
        let check = visitor.post(&form, &sent(&COMPLAINT, "periksa")).expect(303).header("location").to_owned();
        let page = visitor.get(&check).expect(200).text();
        let receipt = visitor.post(&check, &[]).expect(303).header("location").to_owned();
        (page, receipt.trim_end_matches("/tanda-terima?baru=1").to_owned())
    };
    let (first, record) = checked();
    assert!(!first.contains("Mirip dengan"), "{first}");
    let (second, other) = checked();
    assert!(second.contains("Mirip dengan") && second.contains(&record), "{second}");
    assert_ne!(other, record);
    assert_eq!(sari.status()["entered_total"], 2);
}

#[test]
fn who_has_two_complaints_says_once_who_they_are() {
    let hub = Hub::start();
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    let mut visitor = open(&mut sari);
    let mut saved = |privacy| {
        let mut fields = COMPLAINT.to_vec();
        fields[0] = ("privasi", privacy);
        let form = new_form(&mut visitor, "pengaduan");
        visitor.post(&form, &sent(&fields, "periksa")).expect(303);
        let receipt = visitor.post(&format!("{form}/periksa"), &[]).expect(303).header("location").to_owned();
        receipt.trim_end_matches("/tanda-terima?baru=1").to_owned()
    };
    let (record, hidden) = (saved("biasa"), saved("rahasia"));
    let (again, hidden_again) = (format!("{record}/lagi"), format!("{hidden}/lagi"));
    for page in [&record, &format!("{record}/tanda-terima")] {
        assert!(visitor.get(page).expect(200).text().contains(&again), "{page}");
    }
    assert!(!visitor.get(&hidden).expect(200).text().contains(&hidden_again));
    visitor.post(&hidden_again, &[]).expect(409);

    let form = visitor.post(&again, &[]).expect(303).header("location").to_owned();
    let pressed_twice = visitor.post(&again, &[]).expect(303).header("location").to_owned();
    assert_eq!(pressed_twice, form, "one form");
    let page = visitor.get(&form).expect(200).text();
    assert!(page.contains("value=\"Rukmini\"") && page.contains("value=\"081255500123\""), "{page}");
    assert!(!page.contains("Lampu jalan") && !page.contains("50000"), "what they said is asked anew: {page}");
    let fields = [("aksi", "periksa"), ("nama_pelapor", "Rukmini"), ("uraian", "Jembatan putus")];
    let fields = [&fields[..], &[("kategori", "infrastruktur"), ("kanal", "tatap_muka")]].concat();
    visitor.post(&form, &fields).expect(303);
    let other = visitor.post(&format!("{form}/periksa"), &[]).expect(303).header("location").to_owned();
    assert!(!other.starts_with(&record), "a complaint of its own");
    assert_ne!(visitor.post(&again, &[]).expect(303).header("location"), form, "and a third begins anew");
    assert_eq!(sari.status()["entered_total"], 3);
    assert!(!sari.said().contains("Rukmini"), "nothing of a person stands in the log");

    visitor.post("/petugas", &[("nama", "Budi")]).expect(303);
    assert!(!visitor.get(&record).expect(200).text().contains(&again), "another clerk sits there");
    visitor.post(&again, &[]).expect(409);
}

#[test]
fn surveys_are_saved_one_after_the_other_and_the_next_form_is_there_at_once() {
    let hub = Hub::start();
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    let mut visitor = open(&mut sari);
    for number in 1..=3 {
        let form = new_form(&mut visitor, "skm");
        let answers = [("waktu", "4"), ("biaya", "3"), ("pekerjaan", "lainnya"), ("pekerjaan_lain", "Nelayan")];
        let next = visitor.post(&form, &sent(&answers, "simpan")).expect(303).header("location").to_owned();
        let page = visitor.get(&next).expect(303).header("location").to_owned();
        assert!(visitor.get(&page).expect(200).text().contains("Survei tersimpan"));
        assert_eq!(sari.status()["entered"]["skm"], number);
    }
}

#[test]
fn a_draft_outlives_the_program_and_becomes_exactly_one_record() {
    let hub = Hub::start();
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    let mut visitor = open(&mut sari);
    let form = new_form(&mut visitor, "pengaduan");
    let token = visitor.token();
    let host = visitor.host.clone();
    let typed = super::http::encoded(&[("uraian", "Lampu padam"), ("nama_pelapor", "Rukm")]);
    let headers = format!("Origin: http://{host}\r\nX-Token: {token}\r\n");
    let kind = "application/x-www-form-urlencoded";
    let kept = visitor.send(&format!("{form}/draf"), &headers, kind, typed.as_bytes()).expect(200);
    assert!(kept.text().starts_with("Draf tersimpan "), "{}", kept.text());
    sari.kill();
    sari.start();
    assert!(visitor.get("/").expect(200).text().contains(&form), "the first page leads to the draft");
    let page = visitor.get(&form).expect(200).text();
    assert!(page.contains("Lampu padam") && page.contains("value=\"Rukm\""), "{page}");
    // The token of before the restart still holds: what stood on the screen can be sent.
    let kept = visitor.send(&format!("{form}/draf"), &headers, kind, typed.as_bytes());
    assert_eq!(kept.code, 200);

    // Wherever the program dies while it saves: the draft is there or the record, never both and never neither.
    for (step, saved) in [("agent.save.written", false), ("agent.save.committed", true)] {
        let form = new_form(&mut visitor, "pengaduan");
        visitor.post(&form, &sent(&COMPLAINT, "periksa")).expect(303);
        let before = sari.status()["entered_total"].as_u64().expect("a number");
        sari.kill();
        sari.stop_at(Some(step));
        sari.start();
        let token = visitor.token();
        let body = super::http::encoded(&[("_token", &token)]);
        let head = format!("POST {form}/periksa HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n");
        let mut stream = std::net::TcpStream::connect(&host).expect("connected");
        let cookie = format!("Cookie: ktg_sesi={}\r\n", session(&visitor));
        let length = format!("Content-Length: {}\r\nContent-Type: {kind}\r\n\r\n{body}", body.len());
        std::io::Write::write_all(&mut stream, format!("{head}{cookie}{length}").as_bytes()).expect("sent");
        kentongan_tests::wait::until_true("the program dies at the step", kentongan_tests::wait::LONG, || !sari.runs());
        sari.stop_at(None);
        sari.start();
        let entered = sari.status()["entered_total"].as_u64().expect("a number") - before;
        assert_eq!(entered, u64::from(saved), "{step}");
        let draft = visitor.get(&form);
        assert_eq!(draft.code, if saved { 303 } else { 200 }, "{step}: {}", draft.text());
        let sent_again = visitor.post(&format!("{form}/periksa"), &[]).expect(303).header("location").to_owned();
        assert!(sent_again.starts_with("/catatan/"), "{sent_again}");
        assert_eq!(sari.status()["entered_total"], json!(before + 1), "{step}: sent again, saved once");
    }
    sari.wait_arrived();
    assert_eq!(hub.export("complaints").len(), 2);
}

fn session(visitor: &Visitor) -> String {
    let text = format!("{visitor:?}");
    text.split("\"ktg_sesi\", \"").nth(1).and_then(|rest| rest.split('"').next()).expect("a session").to_owned()
}

#[test]
fn what_is_confidential_is_not_shown_again_on_this_pc() {
    let hub = Hub::start();
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    let mut visitor = open(&mut sari);
    let form = new_form(&mut visitor, "pengaduan");
    let mut fields = COMPLAINT.to_vec();
    fields[0] = ("privasi", "rahasia");
    visitor.post(&form, &sent(&fields, "periksa")).expect(303);
    let receipt = visitor.post(&format!("{form}/periksa"), &[]).expect(303).header("location").to_owned();
    let record = receipt.split("/tanda-terima").next().expect("a path").to_owned();
    let mut pages = vec![visitor.get(&receipt).expect(200).text(), visitor.get(&record).expect(200).text()];
    pages.push(visitor.get("/catatan").expect(200).text());
    pages.push(visitor.get("/").expect(200).text());
    for page in pages {
        assert!(!page.contains("Lampu jalan") && !page.contains("Rukmini") && !page.contains("Sarana"), "{page}");
    }
    assert!(!visitor.post("/catatan", &[("kata", "lampu")]).expect(200).text().contains(&record));
    visitor.get(&format!("{record}/ubah/uraian")).expect(404);
}

#[test]
fn a_receipt_says_what_it_is_about_where_to_track_it_and_whom_to_turn_to() {
    let hub = Hub::start();
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    sari.configure("[receipt]\ntrack = \"https://lacak.example/lacak\"\nunanswered = \"Kepala Desa 0812-5550-0199\"\n");
    sari.start();
    let mut visitor = Visitor::at(&sari.page());
    let mut receipt_of = |privacy: &'static str| {
        let form = new_form(&mut visitor, "pengaduan");
        let mut fields = COMPLAINT.to_vec();
        fields[0] = ("privasi", privacy);
        visitor.post(&form, &sent(&fields, "periksa")).expect(303);
        let receipt = visitor.post(&format!("{form}/periksa"), &[]).expect(303).header("location").to_owned();
        let plain = visitor.get(&receipt.replace("baru=1", "kertas=teks")).expect(200).text();
        assert!(plain.lines().all(|line| line.chars().count() <= 40), "{plain}");
        [visitor.get(&receipt).expect(200).text(), plain]
    };
    for (privacy, tells, is_signed) in [("biasa", true, true), ("anonim", true, false), ("rahasia", false, false)] {
        for said in receipt_of(privacy) {
            let is_plain = !said.contains("<html");
            for part in ["lacak.example/lacak", "Kepala Desa", "Petugas"] {
                assert!(said.contains(part), "{part} in\n{said}");
            }
            assert_eq!(said.contains("Lampu jalan"), tells, "{said}");
            let signed = said.contains(if is_plain { "Pelapor: ___" } else { "<div>Pelapor</div>" });
            assert_eq!(signed, is_signed, "{said}");
            // Ready for the messages of whoever hides nothing, and without a number in the address.
            assert_eq!(said.contains("https://wa.me/?text="), privacy == "biasa" && !is_plain, "{said}");
        }
    }
}

#[test]
fn a_photo_goes_with_its_complaint_and_is_seen_before_and_after() {
    let hub = Hub::start();
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    let mut visitor = open(&mut sari);
    let form = new_form(&mut visitor, "pengaduan");
    let mut photo = std::io::Cursor::new(Vec::new());
    let noisy =
        image::RgbImage::from_fn(1600, 900, |x, y| image::Rgb([(x % 251) as u8, (y % 241) as u8, (x * y % 239) as u8]));
    noisy.write_to(&mut photo, image::ImageFormat::Jpeg).expect("a photo");
    let photo = photo.into_inner();
    visitor.upload(&form, &sent(&COMPLAINT, "lampirkan"), ("C:\\foto\\jalan.jpg", &photo)).expect(303);
    let page = visitor.get(&form).expect(200).text();
    assert!(page.contains("jalan.jpg") && !page.contains("C:\\"), "{page}");
    let preview = super::http::value_after(&page, "<img src=\"").to_owned();
    let shown = visitor.get(&preview).expect(200);
    assert_eq!((shown.header("content-type"), shown.header("x-content-type-options")), ("image/jpeg", "nosniff"));
    assert!(shown.body.len() < photo.len(), "it is shown as it will travel");
    let refused =
        visitor.upload(&form, &sent(&COMPLAINT, "lampirkan"), ("virus.jpg", b"MZ program")).expect(422).text();
    assert!(refused.contains("virus.jpg"), "{refused}");
    visitor.post(&form, &sent(&COMPLAINT, "periksa")).expect(303);
    let receipt = visitor.post(&format!("{form}/periksa"), &[]).expect(303).header("location").to_owned();
    sari.wait_arrived();
    let record = receipt.split("/tanda-terima").next().expect("a path").to_owned();
    let page = visitor.get(&record).expect(200).text();
    let there = super::http::value_after(&page, "<img src=\"").to_owned();
    assert_eq!(visitor.get(&there).expect(200).body, shown.body);
    let id = record.trim_start_matches("/catatan/");
    let files = hub.run(&["complaint", "attachments", id]).ok().json();
    assert_eq!(files["attachments"][0]["name"], "jalan.jpg");
}

#[test]
fn answers_and_conflicts_of_the_hub_are_seen_and_settled() {
    let hub = Hub::start();
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    let mut visitor = open(&mut sari);
    let entered = sari.complain("Antrean panjang di loket dua");
    sari.wait_arrived();
    hub.run(&["complaint", "answer", &entered.code, "--text", "Loket ketiga dibuka mulai Senin"]).ok();
    let page = kentongan_tests::wait::until("the answer arrives", kentongan_tests::wait::LONG, || {
        let page = visitor.get("/").expect(200).text();
        page.contains("Pusat sudah menjawab").then_some(page)
    });
    assert!(page.contains(&entered.code), "{page}");
    let page = visitor.get(&format!("/catatan/{}", entered.id)).expect(200).text();
    assert!(page.contains("Loket ketiga dibuka mulai Senin") && page.contains("Jawaban untuk pelapor"), "{page}");
}

#[test]
fn an_office_that_belongs_to_no_hub_yet_says_so() {
    let mut bare = Office::bare();
    let mut visitor = {
        std::fs::create_dir_all(bare.data()).expect("a folder");
        bare.start();
        Visitor::at(&bare.page())
    };
    assert!(visitor.get("/").expect(200).text().contains("belum terdaftar"));
    let form = new_form(&mut visitor, "pengaduan");
    visitor.get(&form).expect(409);
    visitor.get("/pengiriman").expect(200);
}

#[cfg(target_os = "linux")]
#[test]
fn the_page_is_opened_in_whatever_browser_the_desk_has() {
    use std::os::unix::fs::PermissionsExt;

    let hub = Hub::start();
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    assert_eq!(sari.run(&["open"]).expect(3).error()["exit"], 3, "there is no page while no service runs");
    sari.start();
    let page = sari.page();
    assert_eq!(sari.run(&["open"]).ok().json()["page"], page.as_str());
    // The desktop's way to open an address.
    let (way, opened) = (sari.desk().join("xdg-open"), sari.desk().join("dibuka"));
    std::fs::write(&way, format!("#!/bin/sh\necho \"$1\" > '{}'\n", opened.display())).expect("a program");
    std::fs::set_permissions(&way, std::fs::Permissions::from_mode(0o755)).expect("that can be run");
    let open = |path: &std::path::Path| {
        let mut command = sari.command();
        command.arg("open").env("PATH", path);
        kentongan_tests::programs::run(command).ok()
    };
    let said = open(&std::path::PathBuf::from(format!("{}:/bin:/usr/bin", sari.desk().display())));
    assert_eq!(std::fs::read_to_string(&opened).expect("it was opened").trim(), page);
    assert!(said.stdout.contains(&page), "{}", said.stdout);
    // Without a desktop, the address is said.
    let said = open(&sari.desk().join("kosong"));
    assert!(said.stdout.contains(&page) && said.stderr.contains("Open this address"), "{said:#?}");
}
