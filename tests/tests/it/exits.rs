//! What scripts learn from exit codes alone.

use std::fs;

use kentongan_tests::service::signal;
use kentongan_tests::{Hub, Office, folder, programs};
use rusqlite::Connection;
use rustix::process::Signal;

#[test]
fn waiting_for_arrival_ends_with_its_own_code_when_the_time_is_over() {
    let mut hub = Hub::start();
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    hub.stop();
    sari.start();
    sari.complain("Belum sampai.");
    assert_eq!(sari.run(&["status", "--wait", "arrived", "--timeout", "1s"]).code, 23);
}

#[test]
fn a_damaged_store_is_told_and_kept_whole_and_work_goes_on() {
    let hub = Hub::start();
    let sari = Office::enrol(&hub, "32.73.05.1001");
    let store = sari.data().join("store.db");
    let mut bytes = fs::read(&store).expect("read the store");
    bytes[..4096].fill(0x55);
    fs::write(&store, &bytes).expect("damage it");
    let ended = sari.run(&["record", "add", "pengaduan", "uraian=x", "kategori=antrean", "kanal=wa"]).ok();
    assert!(ended.stderr.contains("KTG-202"), "{ended:#?}");
    let aside = sari.status()["mishap"]["aside"].as_str().expect("where the damaged file is kept").to_owned();
    let kept = fs::read(sari.data().join(aside).join("store.db")).expect("read the damaged store");
    assert_eq!(kept, bytes, "nothing of it was changed");
}

#[test]
fn a_store_of_a_newer_program_is_refused_and_not_touched() {
    let hub = Hub::start();
    let sari = Office::enrol(&hub, "32.73.05.1001");
    let store = sari.data().join("store.db");
    let raise = |db: Connection| db.pragma_update(None, "user_version", 9_000).expect("raise its version");
    raise(Connection::open(&store).expect("open the store"));
    let ended = sari.run(&["status"]).expect(15);
    assert_eq!(ended.error()["code"], "KTG-208", "{ended:#?}");
}

#[test]
fn a_folder_without_a_hub_is_not_initialised() {
    let home = folder::temporary("kentongan-nothing-");
    for words in [["serve", "--listen=127.0.0.1:0"].as_slice(), &["status"], &["office", "list"]] {
        let mut command = programs::Program::Hub.command(&home.path().join("pusat"));
        command.arg("--json").args(words);
        let ended = programs::run(command).expect(10);
        assert_eq!(ended.error()["exit"], 10, "{ended:#?}");
    }
}

#[test]
fn a_running_service_says_what_is_wrong_in_the_language_of_whoever_asks() {
    let hub = Hub::start();
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    sari.start();
    let of_hub = |lang| hub.run(&["key", "create", "--name=a", "--scope=none", "--lang", lang]).expect(2);
    let of_office = |lang| sari.run(&["record", "add", "pengaduan", "tanpa=x", "--lang", lang]).expect(2);
    let said = |ended: programs::Ended| ended.error()["message"].as_str().expect("words").to_owned();
    let [id, en] = ["id", "en"].map(|lang| said(of_hub(lang)));
    assert!(id.contains("bukan wewenang") && en.contains("nothing that a key allows"), "{id} {en}");
    let [id, en] = ["id", "en"].map(|lang| said(of_office(lang)));
    assert!(id.contains("tidak punya bidang") && en.contains("has no field"), "{id} {en}");
}

#[test]
fn a_hub_that_is_set_up_twice_stays_as_it_was() {
    let hub = Hub::start();
    let again = hub.run(&["init"]);
    assert!([0, 11].contains(&again.code), "{again:#?}");
    let fingerprint = hub.status()["fingerprint"].clone();
    let sari = Office::enrol(&hub, "32.73.05.1001");
    assert_eq!(sari.sync().ok().json()["all_arrived"], true);
    assert_eq!(hub.status()["fingerprint"], fingerprint);
}

#[test]
fn wrong_words_are_usage_and_say_what_would_be_right() {
    let hub = Hub::start();
    let sari = Office::enrol(&hub, "32.73.05.1001");
    for words in [["statsu"].as_slice(), &["queue", "list", "--state", "lost"], &["track", "KTG-0000-00000-0"]] {
        let ended = sari.run(words).expect(2);
        assert!(ended.stderr.len() > 20, "{ended:#?}");
    }
    hub.run(&["office", "show", "bukan-kode"]).expect(2);
}

#[test]
fn doctor_finds_nothing_at_a_healthy_office_and_a_failure_when_the_hub_refuses_it() {
    let hub = Hub::start();
    let sari = Office::enrol(&hub, "32.73.05.1001");
    sari.sync().ok();
    let well = sari.run(&["doctor"]);
    assert!([0, 22].contains(&well.code), "{well:#?}");
    let replica = sari.status()["replica"].as_str().expect("its id").to_owned();
    hub.run(&["office", "revoke", &replica, "--reason", "diganti", "--yes"]).ok();
    sari.sync().expect(12);
    let ill = sari.run(&["doctor"]).expect(21);
    assert!(ill.stdout.contains("KTG-105"), "{ill:#?}");
}

#[test]
fn an_interrupted_import_says_so_and_goes_on_when_it_is_repeated() {
    let hub = Hub::start();
    let sari = Office::enrol(&hub, "32.73.05.1001");
    let file = sari.desk().join("aduan.csv");
    let rows: String = (0..20_000).map(|number| format!("Aduan {number},antrean,wa\n")).collect();
    fs::write(&file, format!("uraian,kategori,kanal\n{rows}")).expect("write a file");
    let mut command = sari.command();
    command.arg("--json").arg("import").arg(&file);
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut child = command.spawn().expect("start an import");
    let half_way = || fs::metadata(sari.data().join("store.db-wal")).is_ok_and(|wal| wal.len() > 200_000);
    kentongan_tests::wait::until_true("the import is under way", kentongan_tests::wait::LONG, half_way);
    signal(child.id(), Signal::INT);
    let code = child.wait().expect("wait for it").code();
    // It may have been through already on a fast machine.
    assert!([Some(130), Some(0)].contains(&code), "{code:?}");
    let report = sari.import(&file).ok().json();
    let count = |key: &str| report[key].as_u64().expect("a count");
    assert_eq!(count("taken") + count("repeated"), 20_000, "{report}");
    assert_eq!(sari.status()["entered_total"], 20_000);
}
