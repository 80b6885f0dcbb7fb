//! Old beside new, with the programs of a made-up next version (`protocol/src/next.rs`): what each of them does not know
//! of the other is kept and given back, nobody is shut out before two major versions have passed, and an update goes on
//! where the old program stopped.

use std::path::{Path, PathBuf};

use kentongan_tests::{Ended, Hub, Office, Version};
use serde_json::Value;

use crate::export;

/// A hub of this version, and a PC of the office with the program of that one.
fn hub_of(version: Version) -> Hub {
    let mut hub = Hub::start();
    if version != Version::Present {
        hub.stop();
        hub.install(version);
        hub.begin();
    }
    hub
}

fn pc_of(hub: &Hub, version: Version) -> Office {
    let mut pc = Office::enrol(hub, "32.73.05.1001");
    pc.install(version);
    pc
}

fn arrives(pc: &Office) {
    let report = pc.sync().ok().json();
    assert_eq!(report["all_arrived"], true, "{report:#}");
}

#[track_caller]
fn assert_refused(ended: &Ended, code: &str, exit: i32, words: &str) {
    let error = ended.error();
    assert_eq!((error["code"].as_str(), ended.code), (Some(code), exit), "{ended:#?}");
    let told = error.to_string();
    assert!(told.contains(words), "{told}");
}

/// The files of a store: what must not change where a program is refused.
fn store_of(data: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<_> = ["store.db", "store.db-wal", "store.db.clean"]
        .into_iter()
        .map(|name| data.join(name))
        .filter(|path| path.exists())
        .map(|path| (path.clone(), std::fs::read(path).expect("read a file of a store")))
        .collect();
    files.sort();
    files
}

#[test]
fn an_old_agent_works_with_a_new_hub_and_keeps_what_it_does_not_know() {
    let hub = hub_of(Version::Next);
    let old = pc_of(&hub, Version::Present);
    let mut new = pc_of(&hub, Version::Next);
    let from_old = old.complain("Dari program lama.");
    arrives(&old);
    let from_new = new.complain("Dari program baru.");
    new.run(&["record", "edit", &from_new.code, "lokasi=loket 3", "nomor_antrean=A-17"]).ok();
    let visit = new.add("kunjungan", &[("isi", "Camat datang.")]);
    new.run(&["record", "edit", &visit.id, "isi=Camat datang jam sembilan."]).ok();
    arrives(&new);
    arrives(&old);
    arrives(&new);
    assert_eq!((old.status()["protocol"].clone(), new.status()["protocol"].clone()), (1.into(), 2.into()));
    assert_eq!(new.record(&from_old.code)["fields"]["uraian"], "Dari program lama.");
    assert_eq!(old.record(&from_new.code)["fields"]["lokasi"], "loket 3");

    // The old program changes the group in which a field stands that it has never heard of.
    old.run(&["record", "edit", &from_new.code, "lokasi=loket 4"]).ok();
    arrives(&old);
    arrives(&new);
    let merged = new.record(&from_new.code);
    let fields = &merged["fields"];
    assert_eq!((&fields["lokasi"], &fields["nomor_antrean"]), (&"loket 4".into(), &"A-17".into()), "{merged:#}");
    assert_eq!(merged["conflicting"].as_array().map(Vec::len), Some(0), "{merged:#}");

    // An update of the program shows what the old one only carried.
    let mut old = old;
    old.install(Version::Next);
    assert_eq!(old.record(&visit.id)["fields"]["isi"], "Camat datang jam sembilan.");
    assert_eq!(old.record(&from_new.code)["fields"]["nomor_antrean"], "A-17");
    arrives(&old);
    new.install(Version::Next);
    export::assert_texts(&hub, ["Dari program lama.", "Dari program baru."]);
}

#[test]
fn a_new_agent_works_with_an_old_hub_and_an_update_of_the_hub_takes_in_what_it_could_not_read() {
    let mut hub = hub_of(Version::Present);
    let new = pc_of(&hub, Version::Next);
    let mut old = pc_of(&hub, Version::Present);
    let entered = new.complain("Dari program baru.");
    new.run(&["record", "edit", &entered.code, "nomor_antrean=B-2"]).ok();
    let visit = new.add("kunjungan", &[("isi", "Camat datang.")]);
    new.run(&["record", "edit", &visit.id, "isi=Camat datang jam sembilan."]).ok();
    arrives(&new);
    arrives(&old);
    assert_eq!(new.status()["protocol"], 1, "the hub knows nothing else");
    assert_eq!(old.record(&entered.code)["fields"]["uraian"], "Dari program baru.");
    let aside = hub.run(&["quarantine", "list"]).ok().json();
    assert_eq!(aside["ops"].as_array().map(Vec::len), Some(2), "kept, and nothing else is: {aside:#}");

    hub.stop();
    hub.install(Version::Next);
    hub.begin();
    arrives(&new);
    arrives(&new);
    assert_eq!(new.status()["protocol"], 2);
    let aside = hub.run(&["quarantine", "list"]).ok().json();
    assert_eq!(aside["ops"].as_array().map(Vec::len), Some(0), "{aside:#}");
    let shown = new.record(&visit.id);
    assert_eq!((&shown["state"], &shown["fields"]["isi"]), (&"arrived".into(), &"Camat datang jam sembilan.".into()));
    arrives(&old);
    old.install(Version::Next);
    assert_eq!(old.record(&visit.id)["fields"]["isi"], "Camat datang jam sembilan.");
    assert_eq!(old.record(&entered.code)["fields"]["nomor_antrean"], "B-2");
}

#[test]
fn a_hub_that_no_longer_speaks_the_agents_version_says_so_and_the_agent_keeps_everything() {
    let mut hub = hub_of(Version::Next);
    let mut sari = pc_of(&hub, Version::Present);
    sari.complain("Sebelum pusat diperbarui.");
    arrives(&sari);
    sari.complain("Sesudah pusat diperbarui.");
    hub.stop();
    hub.install(Version::AfterNext);
    hub.begin();
    let kept = |sari: &Office| {
        let status = sari.status();
        ["entered_total", "arrived_total", "ops", "queue"].map(|key| status[key].clone())
    };
    let before = kept(&sari);
    let refused = sari.sync();
    assert_refused(&refused, "KTG-107", 15, "the hub speaks 2 to 2, this program 1 to 1");
    assert!(refused.error()["hint"].to_string().contains("Update"), "{refused:#?}");
    assert_eq!(kept(&sari), before);
    assert_eq!(export::texts(&hub).len(), 1);

    sari.install(Version::Next);
    // The first word is still in the old version; the refusal names the one that both speak.
    sari.sync();
    arrives(&sari);
    assert_eq!(sari.status()["protocol"], 2);
    export::assert_texts(&hub, ["Sebelum pusat diperbarui.", "Sesudah pusat diperbarui."]);
}

#[test]
fn an_update_in_place_drains_what_waited_and_going_back_is_refused_with_the_store_untouched() {
    let mut hub = hub_of(Version::Present);
    let mut sari = pc_of(&hub, Version::Present);
    sari.hurry();
    let texts: Vec<String> = (0..20).map(|number| format!("Aduan nomor {number}.")).collect();
    texts.iter().for_each(|text| drop(sari.complain(text)));

    sari.install(Version::Next);
    sari.start();
    sari.wait_arrived();
    sari.stop();
    let kept = std::fs::read_dir(sari.data()).expect("the data folder").flatten();
    let is_copy = |name: std::ffi::OsString| name.to_string_lossy().starts_with("store.db.v");
    assert!(kept.map(|file| file.file_name()).any(is_copy), "a copy of the old store is kept");
    hub.stop();
    hub.install(Version::Next);
    hub.begin();
    sari.complain("Sesudah pembaruan.");
    arrives(&sari);
    export::assert_texts(&hub, texts.iter().map(String::as_str).chain(["Sesudah pembaruan."]));

    sari.install(Version::Present);
    let before = store_of(sari.data());
    for words in [&["status"][..], &["sync", "--wait"], &["record", "add", "pengaduan", "uraian=x"], &["run"]] {
        assert_refused(&sari.run(words), "KTG-208", 15, "newer");
    }
    assert!(store_of(sari.data()) == before, "the refused program changed the store");
    hub.stop();
    hub.install(Version::Present);
    let before = store_of(hub.data());
    for words in [&["status"][..], &["serve", "--listen", "127.0.0.1:0"], &["export", "complaints"]] {
        assert_refused(&hub.run(words), "KTG-208", 15, "newer");
    }
    assert!(store_of(hub.data()) == before, "the refused program changed the hub's store");

    sari.install(Version::Next);
    let status: Value = sari.status();
    assert_eq!((&status["entered_total"], &status["all_arrived"]), (&21.into(), &true.into()), "{status:#}");
}
