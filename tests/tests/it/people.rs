//! The people of an office, and the one who forgot the PIN while there was no network.

use kentongan_tests::{Hub, Office};
use serde_json::{Value, json};

/// The answer of a command as JSON.
fn told(office: &Office, words: &[&str]) -> Value {
    office.run(words).ok().json()
}

#[test]
fn a_forgotten_pin_is_replaced_over_the_telephone_and_nobody_else_hears_it() {
    let mut hub = Hub::start();
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    assert_eq!(sari.run(&["user", "add", "Siti"]).expect(2).error()["exit"], 2, "the first is a duty manager");
    let wayan = told(&sari, &["user", "add", "Wayan", "--role", "manager"]);
    let siti = told(&sari, &["user", "add", "Siti"]);
    assert_eq!((&wayan["person"], &siti["person"], &siti["role"]), (&json!(1), &json!(2), &json!("clerk")));

    // With the service running, and no network between the two.
    sari.start();
    let challenge = told(&sari, &["user", "recovery", "2"])["challenge"].as_str().expect("a challenge").to_owned();
    let recovery = hub.run(&["office", "recovery-code", &challenge]).ok().json();
    assert_eq!((&recovery["office"], &recovery["person"]), (&json!("32.73.05.1001"), &json!(2)));
    let answer = recovery["answer"].as_str().expect("an answer").to_owned();
    hub.stop();

    let wrong = if answer.starts_with('0') { answer.replacen('0', "1", 1) } else { format!("0{}", &answer[1..]) };
    let refused = sari.run(&["user", "recovery", "2", "--answer", &wrong]).expect(12);
    assert_eq!(refused.error()["code"], "KTG-401", "{refused:#?}");
    let given = told(&sari, &["user", "recovery", "2", "--answer", &answer]);
    let pin = given["pin"].as_str().expect("a PIN").to_owned();
    assert_ne!(Some(pin.as_str()), siti["pin"].as_str());
    sari.run(&["user", "recovery", "2", "--answer", &answer]).expect(2);

    let listed = told(&sari, &["user", "list"]).to_string();
    let audited = hub.run(&["audit", "list"]).ok().stdout;
    assert!(audited.contains("pin.recovered"), "{audited}");
    for secret in [&pin, &answer] {
        for said in [&listed, &audited, &sari.said(), &hub.said()] {
            assert!(!said.contains(secret.as_str()), "{secret} is told in {said}");
        }
    }
}

#[test]
fn who_is_wrong_too_often_waits_and_a_new_pin_ends_the_wait() {
    let hub = Hub::start();
    let sari = Office::enrol(&hub, "32.73.05.1001");
    told(&sari, &["user", "add", "Wayan", "--role", "manager"]);
    told(&sari, &["user", "recovery", "1"]);
    for _ in 0..3 {
        sari.run(&["user", "recovery", "1", "--answer", "0000-000x"]).expect(12);
    }
    let waits = sari.run(&["user", "recovery", "1", "--answer", "0000-0000"]).expect(12);
    assert_eq!(waits.error()["code"], "KTG-403", "{waits:#?}");
    assert!(told(&sari, &["user", "list"])["people"][0]["wait_s"].as_u64().is_some_and(|seconds| seconds > 0));
    told(&sari, &["user", "pin-reset", "1"]);
    assert_eq!(told(&sari, &["user", "list"])["people"][0]["wait_s"], 0);
}
