//! What answers is not the hub, or the hub does not want this PC: each has its own code, sentence and exit, and
//! nothing changes at the office.

use kentongan_tests::portal::Portal;
use kentongan_tests::{Ended, Hub, Office};
use serde_json::Value;

const DAY_MS: i64 = 86_400_000;

/// What must not change by anything that did not come from the hub.
fn untouched(office: &Office) -> Value {
    let status = office.status();
    let kept = ["entered_total", "arrived_total", "ops", "queue", "given_back", "conflicts", "clock_offset_s"];
    kept.into_iter().map(|key| (key.to_owned(), status[key].clone())).collect()
}

/// An office with one complaint at the hub and one that waits.
fn office_with_one_waiting(hub: &Hub) -> Office {
    let sari = Office::enrol(hub, "32.73.05.1001");
    sari.complain("Loket tutup jam sebelas.");
    sari.sync().ok();
    sari.complain("Petugas minta uang rokok.");
    sari
}

#[track_caller]
fn assert_refused(ended: &Ended, code: &str, exit: i32, words: &str) {
    let error = ended.error();
    assert_eq!((error["code"].as_str(), ended.code), (Some(code), exit), "{ended:#?}");
    let message = error["message"].as_str().expect("a sentence");
    assert!(message.contains(words), "{message}");
}

/// Talks to whoever answers now, expects to be told so, and that nothing has changed; then the hub is back.
fn meets(hub: &Hub, sari: &Office, code: &str, exit: i32, words: &str) {
    let before = untouched(sari);
    let ended = sari.sync();
    assert_refused(&ended, code, exit, words);
    assert_eq!(untouched(sari), before);
    hub.door().lead_to(hub.address());
    assert_eq!(sari.sync().ok().json()["all_arrived"], true);
    assert_eq!(hub.export("complaints").len(), 2);
}

#[test]
fn a_captive_portal_that_answers_200_without_tls_is_known_for_what_it_is() {
    let hub = Hub::start();
    let sari = office_with_one_waiting(&hub);
    let portal = Portal::plain();
    hub.door().lead_to(portal.address());
    meets(&hub, &sari, "KTG-109", 18, "it was not the hub");
    assert!(portal.answered() > 0, "the portal did answer");
}

#[test]
fn a_captive_portal_with_tls_and_its_own_authority_gets_nothing_to_read() {
    let hub = Hub::start();
    let sari = office_with_one_waiting(&hub);
    let portal = Portal::with_own_authority();
    hub.door().lead_to(portal.address());
    meets(&hub, &sari, "KTG-104", 19, "not our hub's");
    assert_eq!(portal.answered(), 0, "nothing was said to it after its certificate");
}

#[test]
fn another_hub_at_the_same_address_is_not_ours() {
    let hub = Hub::start();
    let other = Hub::start();
    let sari = office_with_one_waiting(&hub);
    hub.door().lead_to(other.address());
    meets(&hub, &sari, "KTG-104", 19, "not our hub's");
    assert_eq!(other.export("complaints").len(), 0);
}

#[test]
fn a_code_of_another_hub_buys_nothing_and_shows_the_secret_to_nobody() {
    let hub = Hub::start();
    let other = Hub::start();
    let sari = Office::bare();
    let ended = sari.run(&["enrol", "--hub", &other.url(), "--code", &hub.code("32.73.05.1001")]);
    assert_refused(&ended, "KTG-104", 19, "not our hub's");
    assert_eq!(sari.status()["state"], "not_enrolled");
}

#[test]
fn a_code_is_good_once_and_a_mistyped_one_is_known_before_anything_is_asked() {
    let hub = Hub::start();
    let code = hub.code("32.73.05.1001");
    Office::bare().run(&["enrol", "--hub", &hub.url(), "--code", &code]).ok();
    let second = Office::bare().run(&["enrol", "--hub", &hub.url(), "--code", &code]);
    assert_refused(&second, "KTG-114", 12, "code was refused");

    let before = hub.door().counts().connections;
    let mut swapped: Vec<char> = hub.code("32.73.05.1002").chars().collect();
    let place = (1..swapped.len()).find(|place| {
        let (left, right) = (swapped[place - 1], swapped[*place]);
        left != right && left != '-' && right != '-'
    });
    let place = place.expect("two neighbours that differ");
    swapped.swap(place - 1, place);
    let mistyped: String = swapped.into_iter().collect();
    let ended = Office::bare().run(&["enrol", "--hub", &hub.url(), "--code", &mistyped]);
    assert_refused(&ended, "KTG-114", 12, "code was refused");
    assert_eq!(hub.door().counts().connections, before, "the check symbol is enough");
}

#[test]
fn a_device_whose_certificate_has_expired_is_told_so_and_keeps_everything() {
    let mut hub = Hub::start();
    let sari = office_with_one_waiting(&hub);
    let before = untouched(&sari);
    hub.stop();
    // Device certificates hold for 90 days, the hub's own for longer.
    hub.shift_clock(100 * DAY_MS);
    hub.begin();
    assert_refused(&sari.sync(), "KTG-110", 24, "certificate of this computer has expired");
    assert_eq!(untouched(&sari), before);

    // A new code on the same folder heals it: same office, same records.
    let code = hub.code("32.73.05.1001");
    sari.run(&["enrol", "--hub", &hub.url(), "--code", &code]).ok();
    assert_eq!(sari.sync().ok().json()["all_arrived"], true);
    assert_eq!(hub.export("complaints").len(), 2);
}

#[test]
fn a_revoked_replica_is_told_so_what_it_sent_stays_and_nothing_more_is_taken() {
    let hub = Hub::start();
    let sari = office_with_one_waiting(&hub);
    let replica = sari.status()["replica"].as_str().expect("its id").to_owned();
    hub.run(&["office", "revoke", &replica, "--reason", "PC dicuri", "--yes"]).ok();
    let before = untouched(&sari);
    assert_refused(&sari.sync(), "KTG-105", 12, "revoked");
    assert_eq!(untouched(&sari), before);
    assert_eq!(hub.export("complaints").len(), 1, "what had arrived before stays");
    let checked = sari.run(&["status", "--check"]).expect(12).json();
    assert_eq!(checked["healthy"], false, "{checked:#}");
}

#[test]
fn each_refusal_speaks_the_language_that_was_asked_for() {
    let hub = Hub::start();
    let sari = office_with_one_waiting(&hub);
    let portal = Portal::plain();
    hub.door().lead_to(portal.address());
    let ended = sari.run(&["sync", "--wait", "--lang", "id"]).expect(18);
    let message = ended.error()["message"].as_str().expect("a sentence").to_owned();
    assert!(message.contains("bukan pusat"), "{message}");
}
