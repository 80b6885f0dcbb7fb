//! Updates of an office's program: what its publisher signed is tried, kept if it does and taken back if it does not, and
//! nothing that people entered hangs on that.

use std::fs;
use std::path::PathBuf;
use std::process::ExitStatus;

use kentongan_tests::programs::Program;
use kentongan_tests::publisher::{Publisher, Said};
use kentongan_tests::{Dice, Ended, Hub, Office, wait};
use serde_json::{Value, json};

/// The next version: for what is told here, it is this one under another name.
fn sound() -> Vec<u8> {
    format!("#!/bin/sh\nexec '{}' \"$@\"\n", Program::Agent.path().display()).into_bytes()
}

/// It says what it is when it is asked, and never comes to serve.
fn broken() -> Vec<u8> {
    let sound = String::from_utf8(sound()).expect("text");
    sound.replacen("exec", "case \"$*\" in *run*) exit 7 ;; esac\nexec", 1).into_bytes()
}

/// Settings of an office that trusts this publisher, and talks to its hub every second.
fn trusting(publisher: &Publisher) -> String {
    format!(
        "[sync]\ninterval = \"1s\"\nbackoff_max = \"1s\"\n[hub]\nproxy = \"none\"\n[update]\nkeys = \"{}\"\n",
        publisher.key()
    )
}

/// An office whose administrator trusts this publisher, with a service that runs and a complaint that waits for a hub which is
/// away.
fn office(publisher: &Publisher) -> (Hub, Office) {
    let mut hub = Hub::start();
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    sari.configure(&trusting(publisher));
    hub.stop();
    sari.start();
    sari.complain("Sebelum pemutakhiran.");
    (hub, sari)
}

fn file(office: &Office, bytes: &[u8]) -> PathBuf {
    let path = office.desk().join("kentongan-agent.update");
    fs::write(&path, bytes).expect("write an update file");
    path
}

fn apply(office: &Office, bytes: &[u8]) -> Ended {
    let path = file(office, bytes);
    office.run(&["update", "apply", "--from", &path.display().to_string()])
}

fn update(office: &Office) -> Value {
    office.run(&["update", "check"]).ok().json()
}

fn runs_as(office: &Office, version: &str) {
    wait::until(&format!("version {version} is in force"), wait::LONG, || {
        let status = office.run(&["status"]);
        (status.code == 0 && status.json()["version"] == version && status.json()["service"]["running"] == true)
            .then_some(())
    });
}

/// Starts it as a service manager does, until it is ready.
fn start_again(office: &mut Office) -> Vec<ExitStatus> {
    let mut failed = Vec::new();
    while let Err(ended) = office.launch() {
        failed.push(ended);
        assert!(failed.len() < 5, "{failed:?}: {}", office.said());
    }
    failed
}

#[cfg(unix)]
#[test]
fn an_update_takes_over_in_the_same_process_and_what_waited_arrives() {
    let publisher = Publisher::new(1);
    let (mut hub, mut sari) = office(&publisher);
    let pid = sari.service().expect("it runs").pid();
    let answer = apply(&sari, &publisher.update(Said::of("0.2.0"), &sound())).ok().json();
    assert_eq!((&answer["next"], &answer["starts"]), (&json!("0.2.0"), &json!("when_idle")));
    runs_as(&sari, "0.2.0");
    assert_eq!(sari.service().expect("the same process").pid(), pid);
    sari.complain("Sesudah pemutakhiran.");
    hub.begin();
    assert_eq!(sari.wait_arrived()["arrived_total"], 2);
    assert_eq!(update(&sari)["current"], "0.2.0");

    // After the next start of the PC it is in force at once, and a person takes it back.
    sari.kill();
    sari.start();
    runs_as(&sari, "0.2.0");
    sari.run(&["update", "rollback"]).ok();
    runs_as(&sari, env!("CARGO_PKG_VERSION"));
    sari.run(&["update", "rollback"]).expect(1);
    assert_eq!(sari.status()["entered_total"], 2);
    let left = fs::read_dir(sari.data()).expect("its folder").flatten().map(|entry| entry.file_name());
    assert_eq!(
        left.filter(|name| name.to_string_lossy().starts_with("update.")).count(),
        0,
        "what was handed in is gone"
    );
}

#[cfg(unix)]
#[test]
fn a_program_that_never_becomes_ready_is_taken_back_by_itself() {
    let publisher = Publisher::new(1);
    let (mut hub, mut sari) = office(&publisher);
    apply(&sari, &publisher.update(Said::of("0.3.0"), &broken())).ok();
    wait::until("the new program has ended", wait::LONG, || (!sari.runs()).then_some(()));
    let failed = start_again(&mut sari);
    assert_eq!(failed.iter().map(ExitStatus::code).collect::<Vec<_>>(), [Some(7)], "tried twice in all");
    let status = sari.status();
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(status["update"]["rolled_back"]["version"], "0.3.0");
    assert_eq!(status["update"]["rolled_back"]["code"], "KTG-214");
    assert!(sari.said().contains("update.rolled_back"), "{}", sari.said());
    hub.begin();
    assert_eq!(sari.wait_arrived()["arrived_total"], 1);

    // What is mended is newer, and does.
    apply(&sari, &publisher.update(Said::of("0.3.1"), &sound())).ok();
    runs_as(&sari, "0.3.1");
    assert_eq!(sari.status()["update"]["rolled_back"], Value::Null);
}

#[cfg(unix)]
#[test]
fn what_the_publisher_did_not_sign_for_this_pc_is_refused_and_nothing_changes() {
    let (publisher, stranger) = (Publisher::new(1), Publisher::new(1));
    let (_hub, sari) = office(&publisher);
    let genuine = publisher.update(Said::of("0.2.0"), &sound());
    let mut damaged = genuine.clone();
    let middle = genuine.len() / 2;
    damaged[middle] ^= 1;
    let ended = Said { expires_at: "2020-01-01T00:00:00Z", ..Said::of("0.2.0") };
    let elsewhere = Said { target: "riscv64gc-unknown-linux-gnu", ..Said::of("0.2.0") };
    let old = Said::of("0.1.0~5.abc");
    let no_program = publisher.update(Said::of("0.2.0"), b"\x7fELF of another kind of machine");
    for (what, bytes, exit, code) in [
        ("signed by a stranger", stranger.update(Said::of("0.2.0"), &sound()), 12, json!("KTG-213")),
        ("changed on its way", damaged, 12, json!("KTG-213")),
        ("cut off", genuine[..genuine.len() - 9].to_vec(), 12, json!("KTG-213")),
        ("for another machine", publisher.update(elsewhere, &sound()), 12, json!("KTG-213")),
        ("of the past", publisher.update(ended, &sound()), 12, json!("KTG-213")),
        ("no program", no_program, 12, json!("KTG-213")),
        ("older than what runs", publisher.update(old, &sound()), 15, Value::Null),
    ] {
        let refused = apply(&sari, &bytes).expect(exit);
        assert_eq!(refused.error()["code"], code, "{what}: {refused:#?}");
    }
    let shown = update(&sari);
    assert_eq!((&shown["trying"], &shown["current"]), (&Value::Null, &Value::Null), "{shown:#}");
    let path = file(&sari, &genuine);
    let checked = sari.run(&["update", "check", "--from", &path.display().to_string()]).ok().json();
    assert_eq!((&checked["file"]["version"], &checked["file"]["newer"]), (&json!("0.2.0"), &json!(true)));
}

#[cfg(unix)]
#[test]
fn a_program_that_was_changed_where_it_lies_is_not_started() {
    let publisher = Publisher::new(1);
    let (_hub, mut sari) = office(&publisher);
    apply(&sari, &publisher.update(Said::of("0.2.0"), &sound())).ok();
    runs_as(&sari, "0.2.0");
    sari.kill();
    let program = sari.data().join("updates/0.2.0/kentongan-agent");
    fs::write(&program, [sound(), b"# and more\n".to_vec()].concat()).expect("change the program");
    sari.start();
    runs_as(&sari, env!("CARGO_PKG_VERSION"));
    assert_eq!(sari.status()["update"]["rolled_back"]["version"], "0.2.0");
}

#[cfg(unix)]
#[test]
fn an_update_comes_by_the_hub_to_whom_it_was_promoted_and_none_that_the_hub_made_up() {
    let (publisher, hub_itself) = (Publisher::new(1), Publisher::new(1));
    let hub = Hub::start();
    let offices = ["32.73.05.1001", "32.73.06.1001"].map(|code| {
        let mut office = Office::enrol(&hub, code);
        office.configure(&trusting(&publisher));
        office.start();
        office
    });
    let [sari, budi] = &offices;
    let stage = |bytes: &[u8]| {
        let path = file(sari, bytes);
        hub.run(&["update", "stage", &path.display().to_string()]).ok();
    };
    // Of several parts, behind what the shell reads.
    let mut dice = Dice::new(7);
    let ballast: Vec<u8> = std::iter::repeat_with(|| dice.below(256) as u8).take(300_000).collect();
    stage(&publisher.update(Said::of("0.2.0"), &[sound(), ballast].concat()));
    hub.run(&["update", "promote", "0.2.0", "--to", "32.73.05"]).ok();
    runs_as(sari, "0.2.0");
    sari.complain("Sesudah pemutakhiran lewat pusat.");
    sari.wait_arrived();
    budi.sync().ok();
    assert_eq!(update(budi)["running"], env!("CARGO_PKG_VERSION"));

    // What nobody but the hub signed is carried, and not installed by anybody.
    stage(&hub_itself.update(Said::of("0.3.0"), &broken()));
    hub.run(&["update", "promote", "0.3.0", "--to", "all"]).ok();
    for office in &offices {
        wait::until("the forged update is refused", wait::LONG, || {
            update(office)["refused"].as_array().is_some_and(|refused| refused.contains(&json!("0.3.0"))).then_some(())
        });
    }
    assert_eq!(update(sari)["running"], "0.2.0");
    let listed = hub.run(&["update", "list"]).ok().json();
    let programs = listed["running"].as_object().expect("programs");
    assert_eq!(programs.keys().filter(|program| program.starts_with("agent 0.2.0 ")).count(), 1, "{listed:#}");
    hub.run(&["update", "promote", "0.9.0", "--to", "all"]).expect(1);

    // What is halted is offered to nobody; the other office then hears of the one before it.
    hub.run(&["update", "halt", "0.3.0"]).ok();
    hub.run(&["update", "promote", "0.2.0", "--to", "all"]).ok();
    runs_as(budi, "0.2.0");
}
