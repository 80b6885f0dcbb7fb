//! Copies and restored backups, of an office and of the hub: nothing is lost, nothing doubles, people are told.

use kentongan_tests::{Hub, Office, wait};
use serde_json::Value;

use crate::export;

#[test]
fn an_office_restored_from_an_older_copy_gets_its_own_records_back_and_enters_on() {
    let hub = Hub::start();
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    sari.complain("Sebelum salinan.");
    sari.sync().ok();
    let copy = sari.twin();
    let lost = sari.complain("Sesudah salinan, sudah di pusat.");
    sari.sync().ok();

    sari.restore(&copy);
    assert_eq!(sari.run(&["record", "show", &lost.code]).code, 1, "the copy does not know it");
    let report = sari.sync().ok().json();
    assert_eq!((&report["given_back"], &report["all_arrived"]), (&1.into(), &true.into()), "{report:#}");
    assert_eq!(sari.record(&lost.code)["fields"]["uraian"], "Sesudah salinan, sudah di pusat.");
    let status = sari.status();
    assert_eq!((&status["entered_total"], &status["arrived_total"]), (&2.into(), &2.into()), "{status:#}");

    sari.start();
    sari.complain("Sesudah dipulihkan.");
    sari.wait_arrived();
    let texts = ["Sebelum salinan.", "Sesudah salinan, sudah di pusat.", "Sesudah dipulihkan."];
    export::assert_texts(&hub, texts);
}

#[test]
fn a_copy_made_while_the_service_runs_is_as_good_as_any() {
    let hub = Hub::start();
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    sari.hurry();
    sari.start();
    sari.complain("Sebelum salinan.");
    sari.wait_arrived();
    let copy = sari.twin();
    let lost = sari.complain("Sesudah salinan.");
    sari.wait_arrived();
    sari.kill();
    sari.restore(&copy);
    sari.start();
    wait::until_true("the lost record is back", wait::LONG, || sari.run(&["record", "show", &lost.code]).code == 0);
    sari.complain("Sesudah dipulihkan.");
    sari.wait_arrived();
    export::assert_texts(&hub, ["Sebelum salinan.", "Sesudah salinan.", "Sesudah dipulihkan."]);
}

#[test]
fn an_office_restored_without_its_unsent_records_says_nothing_wrong_and_goes_on() {
    let hub = Hub::start();
    let sari = Office::enrol(&hub, "32.73.05.1001");
    let copy = sari.twin();
    sari.complain("Tidak pernah berangkat.");
    sari.restore(&copy);
    sari.complain("Yang baru.");
    let report = sari.sync().ok().json();
    assert_eq!((&report["given_back"], &report["arrived_total"]), (&0.into(), &1.into()), "{report:#}");
    export::assert_texts(&hub, ["Yang baru."]);
}

#[test]
fn two_machines_from_copies_of_one_folder_both_deliver_everything_and_people_are_told() {
    let hub = Hub::start();
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    sari.complain("Sebelum disalin.");
    let mut twin = sari.twin();
    sari.hurry();
    twin.hurry();
    sari.start();
    twin.start();
    let mut texts = vec!["Sebelum disalin.".to_owned()];
    for round in 0..4 {
        for (name, machine) in [("asli", &sari), ("salinan", &twin)] {
            let text = format!("Dari PC {name}, putaran {round}.");
            machine.complain(&text);
            texts.push(text);
        }
    }
    // Two machines show when the first speaks again after the second, however soon each was done.
    for machine in [&sari, &twin, &sari] {
        machine.wait_arrived();
        machine.run(&["sync", "--wait"]).ok();
    }
    export::assert_texts(&hub, texts.iter().map(String::as_str));

    let office = hub.run(&["office", "show", "32.73.05.1001"]).ok().json();
    assert!(says(&office["devices"][0]["notices"], "twin"), "{office:#}");
    let status = hub.status();
    assert_eq!(status["healthy"], false, "{status:#}");
    assert!(status["health"].to_string().contains("twins"), "{status:#}");
    let told = [&sari, &twin].map(|machine| machine.status()["twin"].clone());
    assert!(told.contains(&Value::Bool(true)), "neither machine was told");
}

fn says(notices: &Value, word: &str) -> bool {
    notices.as_array().is_some_and(|notices| notices.iter().any(|notice| notice == word))
}

#[test]
fn a_hub_restored_from_an_older_copy_is_refilled_by_its_offices_with_what_it_had_answered_too() {
    let mut hub = Hub::start();
    let sari = Office::enrol(&hub, "32.73.05.1001");
    let budi = Office::enrol(&hub, "32.73.05.1002");
    let early = sari.complain("Sebelum cadangan.");
    sari.sync().ok();
    hub.stop();
    let backup = hub.copy();
    hub.begin();

    let late = sari.complain("Sesudah cadangan.");
    budi.complain("Kantor lain, sesudah cadangan.");
    sari.sync().ok();
    budi.sync().ok();
    hub.run(&["complaint", "answer", &early.code, "--text", "Lampu sudah diperbaiki."]).ok();
    hub.run(&["complaint", "forward", &late.code, "--to", "Dinas PU", "--note", "jalan kabupaten"]).ok();
    sari.sync().ok();
    assert_eq!(sari.record(&early.code)["fields"]["jawaban"], "Lampu sudah diperbaiki.");
    let whole = hub.export("complaints");

    hub.stop();
    hub.restore(backup.path());
    hub.begin();
    assert_eq!(hub.export("complaints").len(), 1, "the backup knows one");
    for office in [&sari, &budi] {
        let report = office.sync().ok().json();
        assert_eq!(report["all_arrived"], true, "{report:#}");
    }
    assert_eq!(without_arrival(hub.export("complaints")), without_arrival(whole));
    let shown = hub.run(&["complaint", "show", &early.code]).ok().json();
    assert!(shown.to_string().contains("Lampu sudah diperbaiki."), "{shown:#}");
}

/// Records without what may differ after a restore: when the hub came to know of them, and how well it knows times.
fn without_arrival(mut documents: Vec<Value>) -> Vec<Value> {
    for document in &mut documents {
        let record = document.as_object_mut().expect("a record is an object");
        record.retain(|key, _| !["entered_at", "received_at"].contains(&key.as_str()));
    }
    documents.sort_by_key(|document| document["id"].to_string());
    documents
}

#[test]
fn a_hub_that_lost_everything_since_its_set_up_but_knows_its_offices_gets_it_all_again() {
    let mut hub = Hub::start();
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    hub.stop();
    let backup = hub.copy();
    hub.begin();
    sari.hurry();
    sari.start();
    let texts: Vec<String> = (0..40).map(|number| format!("Aduan nomor {number}.")).collect();
    texts.iter().for_each(|text| drop(sari.complain(text)));
    sari.wait_arrived();
    hub.kill();
    hub.restore(backup.path());
    hub.begin();
    wait::until_true("the hub is refilled", wait::LONG, || hub.export("complaints").len() == texts.len());
    sari.wait_arrived();
    export::assert_texts(&hub, texts.iter().map(String::as_str));
}
