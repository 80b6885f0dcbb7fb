//! Photos and papers that belong to records: small before they travel, behind all records, whole or not at all.

use std::fs;
use std::path::PathBuf;

use image::{ImageFormat, Rgb, RgbImage};
use kentongan_tests::{Dice, Hub, Office, Way, data, folder};
use serde_json::Value;

/// A photo as a telephone takes it, with noise that no compression takes out.
pub(crate) fn photo(office: &Office, name: &str, seed: u64) -> PathBuf {
    let mut dice = Dice::from_environment("attachments", seed);
    let noisy = RgbImage::from_fn(900, 600, |x, y| {
        let noise = (dice.below(64)) as u8;
        Rgb([(x / 4) as u8 ^ noise, (y / 3) as u8 ^ noise, noise])
    });
    let path = office.desk().join(name);
    noisy.save_with_format(&path, ImageFormat::Jpeg).expect("a photo is written");
    path
}

pub(crate) fn attach(office: &Office, record: &str, file: &std::path::Path) -> Value {
    office.run(&["record", "attach", record, file.to_str().expect("a path")]).ok().json()
}

/// The only attachment of a record, as its office sees it.
fn at_office(office: &Office, record: &str) -> Value {
    office.record(record)["attachments"][0].clone()
}

/// The attachments of a record, as the hub has them.
pub(crate) fn at_hub(hub: &Hub, record: &str) -> Vec<Value> {
    let answer = hub.run(&["complaint", "attachments", record]).ok().json();
    answer["attachments"].as_array().expect("a list").clone()
}

#[test]
fn a_photo_arrives_whole_and_an_operator_gets_the_file() {
    let hub = Hub::start();
    let sari = Office::enrol(&hub, "32.73.05.1001");
    sari.configure("[attachments]\nphoto_side_max = 640\n[hub]\nproxy = \"none\"\n");
    let code = sari.complain("Jalan rusak di depan pasar").code;
    let original = photo(&sari, "jalan rusak.jpg", 1);
    let saved = attach(&sari, &code, &original);
    assert_eq!(saved["attachments"][0]["name"], "jalan rusak.jpg");
    assert_eq!(sari.status()["all_arrived"], false);
    sari.sync().ok();
    assert_eq!(at_office(&sari, &code)["state"], "arrived");
    assert_eq!(sari.status()["all_arrived"], true);
    let [there] = &at_hub(&hub, &code)[..] else { panic!("one file") };
    assert_eq!((there["state"].as_str(), &there["name"]), (Some("held"), &saved["attachments"][0]["name"]));
    let taken = folder::temporary("kentongan-lampiran-");
    let to = taken.path().to_str().expect("a path");
    hub.run(&["complaint", "attachments", &code, "--to", to]).ok();
    let file = fs::read(taken.path().join("01.jpg")).expect("the file was copied");
    assert_eq!(file.len() as u64, there["bytes"].as_u64().expect("a length"));
    assert!(file.len() < fs::read(&original).expect("readable").len(), "it travelled smaller than it was");
    let seen = image::load_from_memory(&file).expect("a photo");
    assert_eq!(seen.width().max(seen.height()), 640);
}

#[test]
fn a_photo_goes_on_where_it_was_cut_and_records_go_before_it() {
    let hub = Hub::start();
    let sari = Office::enrol(&hub, "32.73.05.1001");
    sari.configure("[attachments]\nphoto_side_max = 0\n[hub]\nproxy = \"none\"\n");
    let first = sari.complain("Jalan rusak").code;
    attach(&sari, &first, &photo(&sari, "jalan.jpg", 2));
    let bytes = at_office(&sari, &first)["bytes"].as_u64().expect("a length");
    hub.door().cut_after(Way::Up, 100_000);
    sari.sync();
    // Another process, another connection: what was at the hub stays there.
    let second = sari.complain("Loket tutup").code;
    let before = hub.door().counts().up_bytes;
    sari.sync().ok();
    let sent = hub.door().counts().up_bytes - before;
    assert!(sent < bytes - 40_000, "{sent} of {bytes} bytes were sent after the cut");
    assert_eq!(at_office(&sari, &first)["state"], "arrived");
    assert_eq!(at_hub(&hub, &first)[0]["state"], "held");
    hub.run(&["complaint", "show", &second]).ok();
}

#[test]
fn photos_come_back_with_a_backup_or_from_the_office_that_took_them() {
    let mut hub = Hub::start();
    let elsewhere = folder::temporary("kentongan-cadangan-");
    let to = elsewhere.path().to_str().expect("a path");
    let sari = Office::enrol(&hub, "32.73.05.1001");
    let codes = ["Sebelum cadangan.", "Sesudah cadangan."].map(|text| sari.complain(text).code);
    sari.sync().ok();
    attach(&sari, &codes[0], &photo(&sari, "satu.jpg", 3));
    sari.sync().ok();
    hub.run(&["backup", "run", "--to", to]).ok();
    sari.sync().ok();
    assert_eq!(at_office(&sari, &codes[0])["state"], "secured");
    attach(&sari, &codes[1], &photo(&sari, "dua.jpg", 4));
    sari.sync().ok();
    hub.kill();
    fs::remove_dir_all(hub.data()).expect("the hub's disk is gone");
    hub.run(&["backup", "restore", "--latest", to]).ok();
    hub.begin();
    assert_eq!(at_hub(&hub, &codes[0])[0]["state"], "held", "from the backup");
    assert!(at_hub(&hub, &codes[1]).is_empty(), "the copy knows nothing of it");
    sari.sync().ok();
    sari.sync().ok();
    assert_eq!(at_hub(&hub, &codes[1])[0]["state"], "held", "from the office");
}

#[test]
fn what_cannot_be_attached_is_refused_by_name_and_nothing_else_happens() {
    let hub = Hub::start();
    let sari = Office::enrol(&hub, "32.73.05.1001");
    let code = sari.complain("Jalan rusak").code;
    let program = sari.desk().join("foto.jpg");
    fs::write(&program, b"MZ this is a program").expect("written");
    let refused = sari.run(&["record", "attach", &code, program.to_str().expect("a path")]).expect(20).error();
    assert_eq!(refused["code"], "KTG-304");
    assert!(refused["message"].as_str().expect("a text").contains("foto.jpg"), "{refused}");
    let missing = sari.desk().join("tidak-ada.jpg");
    let refused = sari.run(&["record", "attach", &code, missing.to_str().expect("a path")]).expect(1).error();
    assert!(refused["message"].as_str().expect("a text").contains("tidak-ada.jpg"), "{refused}");
    let answers = data::survey(&mut Dice::from_environment("attachments", 5), 1);
    let answers: Vec<(&str, String)> = answers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect();
    let answers: Vec<(&str, &str)> = answers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let survey = sari.add("skm", &answers);
    let paper = sari.desk().join("surat.pdf");
    fs::write(&paper, b"%PDF-1.4 surat").expect("written");
    sari.run(&["record", "attach", &survey.id, paper.to_str().expect("a path")]).expect(2);
    assert_eq!(sari.record(&code)["attachments"], serde_json::json!([]));
}
