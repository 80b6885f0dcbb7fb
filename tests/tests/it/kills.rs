//! Processes that die without a word, at the worst moments.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use kentongan_tests::service::signal;
use kentongan_tests::{Dice, Hub, Office, data};
use rustix::process::Signal;

use crate::export;

#[test]
fn a_record_that_was_shown_as_saved_survives_a_kill_right_after_and_arrives_once() {
    let hub = Hub::start();
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    sari.hurry();
    let mut texts = Vec::new();
    for round in 0..10 {
        sari.start();
        let text = format!("Disimpan lalu listrik padam, {round}.");
        let entered = sari.complain(&text);
        sari.kill();
        assert_eq!(sari.record(&entered.code)["fields"]["uraian"], text.as_str());
        texts.push(text);
    }
    sari.start();
    sari.wait_arrived();
    export::assert_texts(&hub, texts.iter().map(String::as_str));
}

#[test]
fn an_import_that_is_killed_again_and_again_takes_each_row_once() {
    let mut dice = Dice::from_environment("killed import", 99);
    let hub = Hub::start();
    let sari = Office::enrol(&hub, "32.73.05.1001");
    let rows: Vec<_> = (0..3_000).map(|number| data::complaint(&mut dice, number)).collect();
    let file = sari.desk().join("catatan.jsonl");
    data::write_json_lines(&file, rows.iter().map(|fields| ("pengaduan", fields)));

    let mut killed = 0;
    while killed < 8 {
        let mut command = sari.command();
        command.arg("import").arg(&file).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let mut child = command.spawn().expect("start an import");
        thread::sleep(Duration::from_millis(5 + dice.below(120)));
        signal(child.id(), Signal::KILL);
        if child.wait().expect("wait for an import").success() {
            break; // the machine was faster than the killer
        }
        killed += 1;
    }
    let report = sari.import(&file).ok().json();
    assert_eq!(
        report["taken"].as_u64().zip(report["repeated"].as_u64()).map(|(a, b)| a + b),
        Some(3_000),
        "{report:#}"
    );
    sari.sync().ok();
    let mut expected: BTreeMap<String, usize> = BTreeMap::new();
    for fields in &rows {
        *expected.entry(fields["uraian"].as_str().expect("a text").to_owned()).or_default() += 1;
    }
    assert_eq!(export::texts(&hub), expected);
}

#[test]
fn a_hub_that_dies_while_offices_talk_to_it_has_whatever_it_said_it_has() {
    let mut dice = Dice::from_environment("dying hub", 5);
    let mut hub = Hub::start();
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    sari.hurry();
    sari.start();
    let mut texts = Vec::new();
    for round in 0..6 {
        for number in 0..5 {
            let text = format!("Putaran {round}, aduan {number}.");
            sari.complain(&text);
            texts.push(text);
        }
        thread::sleep(Duration::from_millis(dice.below(400)));
        hub.kill();
        let arrived = sari.status()["arrived_total"].as_u64().expect("a number");
        hub.begin();
        let held = hub.export("complaints").len() as u64;
        assert!(held >= arrived, "round {round}: the office was told {arrived}, the hub has {held}");
    }
    sari.wait_arrived();
    export::assert_texts(&hub, texts.iter().map(String::as_str));
}
