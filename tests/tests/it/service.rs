//! The services as the system sees them: one per folder, reloaded by hand or by a saved file, stopped in order.

use std::fs;
#[cfg(target_os = "linux")]
use std::os::unix::net::UnixDatagram;
#[cfg(target_os = "linux")]
use std::process::Command;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use kentongan_tests::service::signal;
use kentongan_tests::{Hub, Office, programs, wait};
use rustix::process::Signal;

#[test]
fn a_second_process_on_the_same_folder_is_refused_and_names_the_first() {
    let hub = Hub::start();
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    sari.start();
    let mut second = sari.command();
    second.args(["--json", "run"]);
    let ended = programs::run(second).expect(11);
    let pid = sari.service().expect("it runs").pid().to_string();
    assert!(ended.error()["message"].as_str().expect("a sentence").contains(&pid), "{ended:#?}");

    let second_hub = hub.run(&["serve", "--listen", "127.0.0.1:0"]).expect(11);
    let pid = hub.service().expect("it runs").pid().to_string();
    assert!(second_hub.error()["message"].as_str().expect("a sentence").contains(&pid), "{second_hub:#?}");
}

/// A service manager's ear, and what a program needs to know of it. It gives a service up that is silent for a second.
#[cfg(target_os = "linux")]
fn manager() -> (tempfile::TempDir, UnixDatagram, impl Fn(Command) -> Command + Clone) {
    let folder = kentongan_tests::folder::temporary("kentongan-manager-");
    let socket = folder.path().join("notify");
    let ear = UnixDatagram::bind(&socket).expect("a socket");
    ear.set_read_timeout(Some(wait::LONG)).expect("a time-out");
    let with = move |mut command: Command| {
        command.env("NOTIFY_SOCKET", &socket).env("WATCHDOG_USEC", "1000000");
        command
    };
    (folder, ear, with)
}

#[cfg(target_os = "linux")]
#[test]
fn a_service_manager_hears_that_a_service_is_ready_then_alive_and_then_that_it_stops() {
    let hear = |ear: &UnixDatagram| {
        let mut bytes = [0; 256];
        let length = ear.recv(&mut bytes).expect("the service says something in time");
        String::from_utf8_lossy(&bytes[..length]).trim().to_owned()
    };
    let follow = |ear: &UnixDatagram, stop: &mut dyn FnMut()| {
        assert_eq!(hear(ear), "READY=1");
        assert_eq!((hear(ear), hear(ear)), ("WATCHDOG=1".to_owned(), "WATCHDOG=1".to_owned()), "again and again");
        stop();
        while hear(ear) != "STOPPING=1" {}
    };
    let mut hub = Hub::set_up();
    let (_folder, ear, with) = manager();
    hub.launch_as(with).expect("it starts");
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    follow(&ear, &mut || assert_eq!(hub.stop().code(), Some(0)));
    let (_folder, ear, with) = manager();
    sari.launch_as(with).expect("it starts");
    follow(&ear, &mut || assert_eq!(sari.stop().code(), Some(0)));
}

#[test]
fn services_that_are_asked_to_stop_end_well_within_seconds() {
    let mut hub = Hub::start();
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    sari.start();
    sari.complain("Sesaat sebelum berhenti.");
    let began = Instant::now();
    assert_eq!(sari.stop().code(), Some(0));
    assert_eq!(hub.stop().code(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    // All that was saved is in the one file, which the next start need not check whole.
    for data in [sari.data(), hub.data()] {
        assert!(data.join("store.db.clean").exists() && !data.join("store.db-wal").exists(), "{}", data.display());
    }
    // Nothing is left behind that would keep the next process out.
    hub.begin();
    sari.start();
    sari.wait_arrived();
}

#[test]
fn a_service_stops_at_once_though_its_hub_has_stopped_answering() {
    let hub = Hub::start();
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    sari.hurry();
    sari.start();
    sari.wait_arrived();
    let pid = hub.service().expect("it runs").pid();
    signal(pid, Signal::STOP);
    sari.complain("Pusat diam.");
    wait::until_true("a contact is under way", wait::LONG, || sari.status()["state"] == "sending");
    let began = Instant::now();
    let ended: ExitStatus = sari.stop();
    assert_eq!(ended.code(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    signal(pid, Signal::CONT);
    assert_eq!(sari.sync().ok().json()["all_arrived"], true);
}

#[test]
fn a_saved_configuration_is_taken_up_and_a_bad_one_keeps_the_running_values() {
    let hub = Hub::start();
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    // By itself this office would not call for a day.
    sari.configure("[sync]\ninterval = \"1d\"\njitter = 0\n");
    sari.start();
    sari.wait_arrived();
    let events = |event: &str| sari.said().matches(&format!("\"ev\":\"{event}\"")).count();

    sari.configure("[sync]\ninterval = \"sebentar\"\n");
    wait::until_true("the bad file is told", wait::LONG, || events("config.refused") > 0);
    assert_eq!(events("config.reloaded"), 0);
    assert_eq!(sari.run(&["config", "check"]).code, 2);
    sari.complain("Pengaturan rusak, layanan jalan.");
    sari.wait_arrived();

    sari.configure("[sync]\ninterval = \"1s\"\njitter = 0\n");
    wait::until_true("the good file is taken up", wait::LONG, || events("config.reloaded") > 0);
    let contacts = events("sync.session.finished");
    wait::until_true("it calls every second now", wait::LONG, || events("sync.session.finished") > contacts + 1);
}

#[test]
fn a_misspelt_option_is_named_with_the_nearest_one() {
    let hub = Hub::start();
    let sari = Office::enrol(&hub, "32.73.05.1001");
    sari.configure("[sync]\nintervall = \"5m\"\n");
    let ended = sari.run(&["config", "check"]).expect(2);
    let message = ended.error()["message"].as_str().expect("a sentence").to_owned();
    assert!(message.contains("intervall") && message.contains("interval"), "{message}");
}

#[test]
fn an_office_that_never_joined_says_so_with_its_own_exit_code() {
    let bare = Office::bare();
    assert_eq!(bare.run(&["status", "--check"]).code, 10);
    assert_eq!(bare.run(&["sync", "--wait"]).code, 10);
    fs::create_dir_all(bare.data()).expect("an empty folder");
    assert_eq!(bare.run(&["record", "add", "pengaduan", "uraian=x", "kategori=antrean", "kanal=wa"]).code, 10);
}

#[test]
fn a_record_that_does_not_fit_its_form_is_refused_in_words_and_nothing_is_written() {
    let hub = Hub::start();
    let sari = Office::enrol(&hub, "32.73.05.1001");
    let ended = sari.run(&["record", "add", "pengaduan", "uraian=Antre lama", "kategori=antri", "kanal=wa"]);
    assert_ne!(ended.code, 0);
    assert_eq!(ended.error()["code"], "KTG-302", "{ended:#?}");
    assert_eq!(sari.status()["entered_total"], 0);
}

#[test]
fn an_office_leaves_the_hub_only_when_everything_has_arrived_or_the_number_is_typed() {
    let hub = Hub::start();
    let sari = Office::enrol(&hub, "32.73.05.1001");
    sari.complain("Belum sampai.");
    assert_ne!(sari.run(&["unenrol", "--yes"]).code, 0);
    assert_ne!(sari.run(&["unenrol", "--yes", "--force-with-unsent", "7"]).code, 0);
    assert_eq!(sari.status()["queue"]["queued"], 1);
    sari.sync().ok();
    sari.run(&["unenrol", "--yes"]).ok();
    assert_eq!(sari.status()["state"], "not_enrolled");
}

#[test]
fn a_pc_joins_by_the_file_that_an_installer_left_once_the_hub_is_there_and_erases_it() {
    let mut hub = Hub::start();
    let code = hub.code("32.73.05.1001");
    let mut sari = Office::bare();
    fs::create_dir_all(sari.data()).expect("a folder");
    sari.hurry();
    let file = sari.data().join("enrol.toml");
    fs::write(&file, format!("hub = \"{}\"\ncode = \"{code}\"\n", hub.url())).expect("leave the file");
    assert_eq!(hub.stop().code(), Some(0));
    sari.start();
    wait::until_true("it tried", wait::LONG, || sari.said().contains("\"ev\":\"enrol.failed\""));
    assert!(file.exists(), "it waits for the hub");
    hub.begin();
    wait::until_true("it joined", wait::LONG, || sari.status()["state"] != "not_enrolled");
    sari.complain("Komputer baru.");
    sari.wait_arrived();
    wait::until_true("the code is erased", wait::LONG, || !file.exists());
    assert!(!sari.said().contains(&code), "nobody reads it in the log either");
}
