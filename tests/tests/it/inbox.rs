//! Files that IT staff drop or import: good rows are entered once, bad rows come back with reasons.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use kentongan_tests::{Dice, Hub, Office, data, wait};
use serde_json::{Value, json};

use crate::export;

/// Files below a folder.
fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.path() {
            path if path.is_dir() => found.extend(files_in(&path)),
            path => found.push(path),
        }
    }
    found
}

/// The file of refused rows somewhere below `folder`.
fn rejected_file(folder: &Path) -> Option<PathBuf> {
    let is_one = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().contains("rejected.csv"));
    files_in(folder).into_iter().find(is_one)
}

/// Row numbers and reasons of a file of refused rows.
fn refusals(file: &Path) -> Vec<(u64, String)> {
    let mut reader = csv::Reader::from_path(file).expect("open the file of refused rows");
    let titles: Vec<String> =
        reader.headers().expect("titles").iter().map(|title| title.trim_start_matches('\u{feff}').to_owned()).collect();
    let place = |words: &[&str]| {
        titles
            .iter()
            .position(|title| words.contains(&title.as_str()))
            .unwrap_or_else(|| panic!("{words:?} in {titles:?}"))
    };
    let (row, reason) = (place(&["row", "baris"]), place(&["reason", "alasan"]));
    let read = |record: csv::StringRecord| (record[row].parse().expect("a row number"), record[reason].to_owned());
    reader.records().map(|record| read(record.expect("a record"))).collect()
}

#[test]
fn a_messy_file_in_the_inbox_is_taken_once_and_its_bad_rows_come_back_with_reasons() {
    let hub = Hub::start();
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    sari.hurry();
    sari.start();
    let messy = data::messy_csv(&mut Dice::new(3), 300, 33);
    let inbox = sari.data().join("inbox");
    fs::write(inbox.join("rekap aduan.csv"), &messy.csv).expect("drop a file");
    let good = messy.good_texts.len() as u64;
    wait::until_true("the good rows are entered", wait::LONG, || sari.status()["entered_total"] == good);
    let refused = wait::until("the bad rows come back", wait::LONG, || rejected_file(&inbox));
    wait::until_true("the file is put away", wait::LONG, || !inbox.join("rekap aduan.csv").exists());
    assert!(files_in(&inbox.join("done")).iter().any(|path| path.extension().is_some_and(|end| end == "csv")));

    let refusals = refusals(&refused);
    let rows: BTreeSet<u64> = refusals.iter().map(|(row, _)| *row).collect();
    assert_eq!(rows, messy.bad_rows.iter().copied().collect(), "{refusals:#?}");
    assert!(refusals.iter().all(|(_, reason)| reason.contains(' ')), "reasons are in words: {refusals:#?}");

    // The same rows again, under another name: nothing is entered twice.
    fs::write(inbox.join("rekap (2).csv"), &messy.csv).expect("drop it again");
    wait::until_true("the second file is put away", wait::LONG, || !inbox.join("rekap (2).csv").exists());
    assert_eq!(sari.wait_arrived()["entered_total"], good);
    export::assert_texts(&hub, messy.good_texts.iter().map(String::as_str));
}

#[test]
fn ten_thousand_rows_with_three_per_cent_bad_ones_are_taken_and_the_bad_ones_are_told() {
    let hub = Hub::start();
    let sari = Office::enrol(&hub, "32.73.05.1001");
    let messy = data::messy_csv(&mut Dice::new(4), 10_000, 33);
    let file = sari.desk().join("aduan.csv");
    fs::write(&file, &messy.csv).expect("write a file");
    let (good, bad) = (messy.good_texts.len() as u64, messy.bad_rows.len() as u64);
    let began = Instant::now();
    let report = sari.import(&file).expect(20).json();
    println!("10,000 rows imported in {:.2} s", began.elapsed().as_secs_f64());
    assert_eq!(counts(&report), [10_000, good, 0, bad], "{}", report["refusals"]);
    let reported = PathBuf::from(report["rejected_file"].as_str().expect("the file of refused rows"));
    let rows: BTreeSet<u64> = refusals(&reported).iter().map(|(row, _)| *row).collect();
    assert_eq!(rows, messy.bad_rows.iter().copied().collect());

    let again = sari.import(&file).expect(20).json();
    assert_eq!(counts(&again), [10_000, 0, good, bad]);
    assert_eq!(sari.sync().ok().json()["arrived_total"], good);
    export::assert_texts(&hub, messy.good_texts.iter().map(String::as_str));
}

#[test]
fn rows_that_were_mended_in_the_list_of_refused_ones_are_taken_from_there() {
    let hub = Hub::start();
    let sari = Office::enrol(&hub, "32.73.05.1001");
    let file = sari.desk().join("aduan.csv");
    let rows = "uraian,kategori,kanal,tanggal kejadian\nAntre lama,antrean,wa,31/02/2026\nToilet rusak,antrean,wa,\n";
    fs::write(&file, rows).expect("write a file");
    let report = sari.import(&file).expect(20).json();
    assert_eq!(counts(&report), [2, 1, 0, 1], "{report:#}");
    let list = PathBuf::from(report["rejected_file"].as_str().expect("the file of refused rows"));
    let mended = fs::read_to_string(&list).expect("read the list").replace("31/02/2026", "28/02/2026");
    fs::write(&list, mended).expect("mend the list");
    let report = sari.import(&list).ok().json();
    assert_eq!(counts(&report), [1, 1, 0, 0], "{report:#}");
    sari.sync().ok();
    export::assert_texts(&hub, ["Antre lama", "Toilet rusak"]);
}

fn counts(report: &Value) -> [u64; 4] {
    ["rows", "taken", "repeated", "rejected"].map(|key| report[key].as_u64().expect("a count"))
}

/// Rows as an older system writes them, with names of its own for everything; see `data/older-system.map.toml`.
fn older_system(dice: &mut Dice, number: u64) -> Value {
    let id = format!("019cb0bf-{:04x}-7798-9f48-{:012x}", dice.below(0x1_0000), number);
    if dice.percent(40) {
        return survey_of_older_system(dice, &id);
    }
    let anonymous = dice.percent(45);
    let named = |value: &str| if anonymous { Value::Null } else { json!(value) };
    json!({
        "kind": "complaint",
        "id": id,
        "office": "94.01.01.2011",
        "unit": dice.pick(&["DESA", "PUSTU", "POSYANDU"]),
        "category": dice.pick(&["bantuan_sosial", "jalan_jembatan", "sikap_petugas", "pendidikan"]),
        "channel": dice.pick(&["loket", "sms", "telepon"]),
        "reporter": {
            "name": named("Warga Satu"),
            "phone": named("081200000001"),
            "anonymous": anonymous,
        },
        "location": "Siriwini",
        "text": data::complaint_text(dice, number as usize),
        "occurred_at": "2026-02-15",
        "received_at": "2026-03-03T07:51:37+09:00",
        "status": "baru",
    })
}

fn survey_of_older_system(dice: &mut Dice, id: &str) -> Value {
    let answers: Vec<u64> = (0..9).map(|_| 1 + dice.below(4)).collect();
    json!({
        "kind": "skm",
        "id": id,
        "office": "94.01.01.2011",
        "unit": "DESA",
        "service": dice.pick(&["ktp-el", "kartu-keluarga"]),
        "respondent": {
            "age": 17 + dice.below(60),
            "sex": dice.pick(&["L", "P"]),
            "education": dice.pick(&["SD", "SMP", "S1"]),
            "occupation": dice.pick(&["petani", "asn", "ibu_rumah_tangga"]),
        },
        "answers": answers,
        "comment": null,
        "received_at": "2026-03-03T08:34:16+09:00",
    })
}

#[test]
fn a_file_of_an_older_system_is_taken_through_a_map() {
    let hub = Hub::start();
    let sari = Office::enrol(&hub, "94.01.01.2011");
    let mut dice = Dice::new(11);
    let file = sari.desk().join("lama.jsonl");
    let rows: Vec<Value> = (0..200).map(|number| older_system(&mut dice, number)).collect();
    let text: String = rows.iter().map(|row| format!("{row}\n")).collect();
    fs::write(&file, text).expect("write a file");
    let map = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/older-system.map.toml");
    let import = ["import", &file.display().to_string(), "--map", &map.display().to_string()];
    let report = sari.run(&import).ok().json();
    assert_eq!(counts(&report), [200, 200, 0, 0], "{report:#}");
    assert_eq!(sari.sync().ok().json()["all_arrived"], true);
    let expected = rows.iter().filter_map(|row| row["text"].as_str());
    export::assert_texts(&hub, expected);
    let surveys = rows.iter().filter(|row| row["kind"] == "skm").count();
    assert_eq!(hub.export("surveys").len(), surveys);
}
