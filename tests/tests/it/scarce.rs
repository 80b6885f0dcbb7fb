//! Links that cost and hubs that are full: what waits is told, what is urgent goes.

use std::process::Command;

use kentongan_tests::link::{Profile, Relay};
use kentongan_tests::office::by_day;
use kentongan_tests::{Dice, Hub, Office, data, wait};

/// Everything is due at once, as in other stories, under rules for the link.
fn configured(rules: &str) -> String {
    format!("[sync]\ninterval = \"1s\"\nbackoff_max = \"1s\"\n[hub]\nproxy = \"none\"\n{rules}")
}

/// A complaint that overtakes everything.
fn urgent(office: &Office, text: &str) {
    let values = [("uraian", text), ("kategori", "biaya_pungutan"), ("kanal", "tatap_muka"), ("kadar", "berkadar")];
    office.add("pengaduan", &values);
}

fn texts(hub: &Hub) -> Vec<String> {
    let text = |document: serde_json::Value| document["uraian"].as_str().unwrap_or_default().to_owned();
    hub.export("complaints").into_iter().map(text).collect()
}

#[test]
fn with_the_budget_of_the_day_used_up_records_wait_and_urgent_complaints_go_also_after_a_restart() {
    let hub = Hub::start();
    let mut sari = Office::enrol(&hub, by_day());
    sari.configure(&configured("[data]\nday_max = \"100B\"\n"));
    sari.start();
    let data = wait::until("the first contact used it up", wait::LONG, || {
        let data = sari.status()["data"].clone();
        (data["allowed"] == "urgent").then_some(data)
    });
    assert_eq!(data["because"], "budget_day");
    assert!(data["day_bytes"].as_u64().is_some_and(|bytes| bytes > 1_000), "connecting counts: {data}");
    assert!(data["until"].is_string());
    sari.complain("Lampu jalan padam.");
    sari.kill();
    sari.start();
    urgent(&sari, "Diminta uang untuk surat pindah.");
    wait::until_true("the urgent one is there", wait::LONG, || texts(&hub) == ["Diminta uang untuk surat pindah."]);
    // While the office still talks to the hub, what waits is counted as being sent.
    wait::until_true("the other one waits", wait::LONG, || sari.status()["queue"]["queued"] == 1);
    let shown = sari.command().args(["status", "--lang", "id"]).output().expect("a status");
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("kuota hari ini habis: 1 catatan menunggu sampai 2"), "{shown}");
    assert!(shown.contains("aduan mendesak tetap dikirim"), "{shown}");
    let doctor = sari.run(&["doctor", "--only", "data", "--lang", "en"]).ok().json();
    let said = doctor["checks"][0]["message"].as_str().unwrap_or_default().to_owned();
    assert!(said.contains("budget for today used up: 1 records wait until 2"), "{said}");
    sari.configure(&configured("[data]\nday_max = \"5MiB\"\n"));
    sari.wait_arrived();
    assert_eq!(texts(&hub).len(), 2);
}

#[test]
fn in_quiet_hours_only_urgent_complaints_go() {
    let hub = Hub::start();
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    sari.configure(&configured("[data]\nquiet = \"always\"\n"));
    sari.sync().ok();
    sari.start();
    sari.complain("Antrean panjang.");
    urgent(&sari, "Dimintai uang.");
    wait::until_true("the urgent one is there", wait::LONG, || texts(&hub) == ["Dimintai uang."]);
    assert_eq!(sari.status()["data"]["because"], "quiet_hours");
    sari.configure(&configured(""));
    sari.wait_arrived();
}

#[test]
fn hours_that_are_none_are_refused_with_what_would_be_right() {
    let hub = Hub::start();
    let sari = Office::enrol(&hub, "32.73.05.1001");
    sari.configure(&configured("[data]\nquiet = \"22-05\"\n"));
    let said = sari.run(&["config", "check", "--lang", "en"]).expect(2).error();
    let message = said["message"].as_str().unwrap_or_default();
    assert!(message.contains("data.quiet") && message.contains("hours such as 22:00-05:00"), "{said}");
    for (key, bad) in [
        ("data.metered", "25:00-26:00"),
        ("data.day_max", "banyak"),
        ("data.month_max", "-5"),
        ("attachments.send", "kadang"),
        ("attachments.keep_after_arrival", "30"),
    ] {
        let sari = Office::bare();
        sari.run(&["config", "set", key, bad]).expect(2);
    }
}

#[test]
fn an_office_that_finds_no_place_is_told_when_to_come_back() {
    let mut hub = Hub::set_up();
    let one_place = |mut command: Command| {
        command.env("KENTONGAN_HUB_LIMITS_EXCHANGES", "1");
        command
    };
    hub.launch_as(one_place).expect("it starts");
    let slow =
        Profile { up_kbit_s: 64, loss_per_mille: 0, outages: None, ..Profile::named("edge").expect("one of them") };
    let relay = Relay::open(hub.address(), &slow).expect("a relay");
    let mut sari = Office::enrol_at(&hub, "32.73.05.1001", &format!("https://{}", relay.address()), 0);
    let budi = Office::enrol(&hub, "32.73.05.1002");
    let mut dice = Dice::from_environment("busy", 37);
    let rows: Vec<_> = (0..2_000).map(|number| data::complaint(&mut dice, number)).collect();
    let file = sari.desk().join("sebulan.jsonl");
    data::write_json_lines(&file, rows.iter().map(|fields| ("pengaduan", fields)));
    sari.import(&file).ok();
    sari.hurry();
    sari.start();
    wait::until_true("an exchange is under way", wait::LONG, || relay.counts().up_bytes > 20_000);
    budi.complain("Loket tutup.");
    let refused = budi.sync().expect(13).error();
    assert_eq!(refused["code"], "KTG-106", "{refused}");
    sari.kill();
    wait::until_true("the place is free", wait::LONG, || {
        budi.sync();
        budi.status()["all_arrived"] == true
    });
}
