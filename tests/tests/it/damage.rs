//! Disks that age: a store with flipped bits, without its first page, without its last entries.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use kentongan_tests::{Dice, Hub, Office, data, wait};

use crate::export;

/// Texts of so many complaints, taken by the office from a file.
fn imported(office: &Office, dice: &mut Dice, name: &str, count: usize) -> Vec<String> {
    let texts: Vec<String> =
        (0..count).map(|number| format!("Aduan {name}-{number:03} yang tidak boleh hilang.")).collect();
    let rows = texts.iter().enumerate().map(|(number, text)| {
        let mut fields = data::complaint(dice, number);
        fields.insert("uraian".to_owned(), text.clone().into());
        fields
    });
    let rows: Vec<_> = rows.collect();
    let file = office.desk().join(format!("{name}.jsonl"));
    data::write_json_lines(&file, rows.iter().map(|fields| ("pengaduan", fields)));
    assert_eq!(office.import(&file).ok().json()["taken"], count);
    texts
}

fn store(office: &Office) -> PathBuf {
    office.data().join("store.db")
}

/// Flips one bit within this text, wherever it stands in the database.
fn hit(office: &Office, text: &str) {
    let mut bytes = fs::read(store(office)).expect("read the database");
    let places: Vec<usize> =
        (0..bytes.len() - text.len()).filter(|at| bytes[*at..].starts_with(text.as_bytes())).collect();
    assert!(!places.is_empty(), "the text stands in the database");
    places.into_iter().for_each(|at| bytes[at + 3] ^= 0x20);
    fs::write(store(office), bytes).expect("write the database");
}

fn damaged_folders(office: &Office) -> Vec<PathBuf> {
    let entries = fs::read_dir(office.data()).expect("list the folder").map(|entry| entry.expect("an entry").path());
    entries
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("store.damaged-")))
        .collect()
}

fn counted(texts: &[String]) -> BTreeMap<String, usize> {
    texts.iter().map(|text| (text.clone(), 1)).collect()
}

#[test]
fn a_store_with_flipped_bits_is_repaired_by_the_service_and_all_that_is_left_arrives_once() {
    let mut dice = Dice::from_environment("flipped bits", 7);
    let hub = Hub::start();
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    let mut texts = imported(&sari, &mut dice, "sampai", 120);
    sari.sync().ok();
    texts.extend(imported(&sari, &mut dice, "menunggu", 80));
    // Two that the hub has, and one that nobody else has, in the middle of what waits.
    hit(&sari, &texts[10]);
    hit(&sari, &texts[90]);
    hit(&sari, &texts[150]);
    let lost = texts.remove(150);
    let damaged = fs::read(store(&sari)).expect("read the database");

    sari.hurry();
    sari.start();
    let mishap = wait::until("the damage is told", wait::LONG, || {
        let mishap = sari.status()["mishap"].clone();
        (!mishap.is_null()).then_some(mishap)
    });
    assert_eq!((&mishap["code"], &mishap["kind"]), (&"KTG-202".into(), &"damaged".into()), "{mishap:#}");
    assert_eq!(mishap["lost_ops"], 3, "{mishap:#}");
    assert!(mishap["message"]["id"].as_str().expect("a sentence").starts_with("Penyimpanan rusak"));
    sari.wait_arrived();
    wait::until("the hub has everything that is left", wait::LONG, || {
        (export::texts(&hub) == counted(&texts)).then_some(())
    });

    let status = sari.status();
    assert_eq!(status["mishap"]["given_back_ops"], 2, "{status:#}");
    assert_eq!(status["entered_total"], 199, "{status:#}");
    let folders = damaged_folders(&sari);
    assert_eq!(folders.len(), 1, "{folders:?}");
    assert_eq!(fs::read(folders[0].join("store.db")).expect("the damaged file"), damaged);
    assert!(sari.said().contains("store.recovered") || logged(&sari).contains("store.recovered"));
    let doctor = sari.run(&["doctor", "--only", "store"]).json();
    assert!(doctor["checks"][0]["message"].as_str().expect("a sentence").contains("KTG-202"), "{doctor:#}");
    assert!(!export::texts(&hub).contains_key(&lost));
}

#[test]
fn a_store_without_its_first_page_or_its_file_starts_by_itself_and_knows_who_it_is() {
    let mut dice = Dice::from_environment("no first page", 8);
    let hub = Hub::start();
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    let texts = imported(&sari, &mut dice, "catatan", 60);
    let mut bytes = fs::read(store(&sari)).expect("read the database");
    bytes[..4096].fill(0);
    fs::write(store(&sari), bytes).expect("write the database");
    sari.hurry();
    sari.start();
    sari.wait_arrived();
    export::assert_texts(&hub, texts.iter().map(String::as_str));
    sari.stop();

    fs::remove_file(store(&sari)).expect("remove the database");
    sari.start();
    wait::until("the hub has given everything back", wait::LONG, || {
        (sari.status()["entered_total"] == 60).then_some(())
    });
    let status = sari.status();
    assert_eq!(status["mishap"]["lost_ops"], 60, "{status:#}");
    export::assert_texts(&hub, texts.iter().map(String::as_str));
}

#[test]
fn entries_that_went_with_a_deleted_journal_are_missed_by_number() {
    let hub = Hub::start();
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    sari.configure("[hub]\nurl = \"https://127.0.0.1:9\"\nproxy = \"none\"\n");
    sari.start();
    for number in 0..9 {
        sari.complain(&format!("Aduan nomor {number}."));
    }
    sari.kill();
    fs::remove_file(office_file(&sari, "store.db-wal")).expect("remove the journal");
    let status = sari.status();
    assert_eq!(status["mishap"]["kind"], "missing", "{status:#}");
    assert_eq!(status["mishap"]["lost_ops"], 9, "{status:#}");
    sari.complain("Sesudahnya.");
}

fn office_file(office: &Office, name: &str) -> PathBuf {
    office.data().join(name)
}

/// Everything in its log files.
fn logged(office: &Office) -> String {
    let files = fs::read_dir(office.data().join("logs")).expect("list the logs");
    files.map(|file| fs::read_to_string(file.expect("an entry").path()).unwrap_or_default()).collect()
}

/// Zeroes every page in which the first of these texts begins that stands in one piece.
fn zero_pages_of(path: &Path, texts: &[String]) {
    let mut bytes = fs::read(path).expect("read the database");
    let stands = |text: &[u8]| -> Vec<usize> {
        (0..bytes.len() - text.len()).filter(|at| bytes[*at..].starts_with(text)).collect()
    };
    // One that goes over to another page does not stand there in one piece.
    let places = texts.iter().map(|text| stands(text.as_bytes())).find(|places| !places.is_empty());
    let places = places.expect("a text stands in the database");
    places.into_iter().for_each(|at| bytes[at / 4096 * 4096..][..4096].fill(0));
    fs::write(path, bytes).expect("write the database");
}

#[test]
fn a_damaged_hub_says_what_can_be_done_is_salvaged_by_a_person_and_refilled_by_its_offices() {
    let mut dice = Dice::from_environment("damaged hub", 9);
    let mut hub = Hub::start();
    let sari = Office::enrol(&hub, "32.73.05.1001");
    let budi = Office::enrol(&hub, "32.73.05.1002");
    let mut texts = imported(&sari, &mut dice, "sari", 70);
    texts.extend(imported(&budi, &mut dice, "budi", 40));
    for office in [&sari, &budi] {
        office.sync().ok();
    }
    hub.stop();
    let store = hub.data().join("store.db");
    zero_pages_of(&store, &texts[30..]);
    fs::remove_file(hub.data().join("store.db.clean")).expect("the mark of a clean end");
    let damaged = fs::read(&store).expect("read the database");

    // Refused in words, with both ways out, by the service and by every command.
    assert_eq!(hub.launch().expect_err("refused").code(), Some(16));
    let refused = hub.run(&["status"]).expect(16).error();
    assert_eq!(refused["code"], "KTG-207", "{refused:#}");
    let hint = refused["hint"].as_str().expect("a next step");
    assert!(hint.contains("kentongan-hub store salvage --data"), "{hint}");
    assert!(hint.contains("backup"), "{hint}");
    assert_eq!(fs::read(&store).expect("read the database"), damaged, "nobody wrote to it");

    let done = hub.run(&["store", "salvage"]).ok().json();
    assert_eq!(done["outcome"], "salvaged", "{done:#}");
    assert!(done["ops"].as_u64() > Some(0) && done["missing"].as_u64() > Some(0), "{done:#}");
    let aside = PathBuf::from(done["damaged_files"].as_str().expect("a folder"));
    assert_eq!(fs::read(aside.join("store.db")).expect("the damaged file"), damaged);
    assert_eq!(hub.run(&["store", "salvage"]).ok().json()["outcome"], "sound");
    let audit = hub.run(&["audit", "list"]).ok().json();
    assert!(audit.to_string().contains("hub.salvaged"), "{audit:#}");

    hub.begin();
    for office in [&sari, &budi, &sari, &budi] {
        office.sync().ok();
    }
    export::assert_texts(&hub, texts.iter().map(String::as_str));
    hub.run(&["audit", "verify"]).ok();
    // Work goes on, both ways.
    sari.complain("Sesudah penyelamatan.");
    sari.sync().ok();
    let status = sari.status();
    assert_eq!(status["all_arrived"], true, "{status:#}");
}

/// Makes a folder read-only as long as this lives; `None` where this user may not.
#[cfg(target_os = "linux")]
struct ReadOnly(PathBuf);

#[cfg(target_os = "linux")]
impl ReadOnly {
    fn make(folder: &Path) -> Option<ReadOnly> {
        let mount = |words: &[&str], paths: &[&Path]| {
            let done = std::process::Command::new("mount").args(words).args(paths).output();
            done.is_ok_and(|done| done.status.success())
        };
        if !mount(&["--bind"], &[folder, folder]) {
            println!("SKIPPED: this user may not mount");
            return None;
        }
        let mounted = ReadOnly(folder.to_owned());
        assert!(mount(&["-o", "remount,ro,bind"], &[folder]), "what could be mounted can be made read-only");
        Some(mounted)
    }
}

#[cfg(target_os = "linux")]
impl Drop for ReadOnly {
    fn drop(&mut self) {
        // What stays mounted fails the removal of the folder, which is seen.
        let _ = std::process::Command::new("umount").arg(&self.0).status();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn in_an_office_folder_that_cannot_be_written_nothing_is_called_saved_and_work_goes_on_afterwards() {
    let hub = Hub::start();
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    sari.complain("Sebelum disk menjadi hanya-baca.");
    let before = fs::read(store(&sari)).expect("read the database");
    let Some(read_only) = ReadOnly::make(sari.data()) else { return };
    let add = ["record", "add", "pengaduan", "uraian=Tidak tersimpan."];
    for words in [&add[..], &["status"], &["sync"], &["run"]] {
        let refused = sari.run(words).expect(4).error();
        assert_eq!(refused["code"], "KTG-204", "{words:?}: {refused:#}");
        assert!(refused["message"].as_str().is_some_and(|sentence| !sentence.contains('\n')), "{words:?}: {refused:#}");
    }
    let doctor = sari.run(&["doctor", "--only", "store"]).json();
    assert!(doctor.to_string().contains("KTG-204"), "{doctor:#}");
    assert!(sari.launch().is_err_and(|status| status.code() == Some(4)), "the service says so and ends");
    assert_eq!(fs::read(store(&sari)).expect("read the database"), before);
    drop(read_only);
    sari.complain("Sesudahnya.");
    sari.sync().ok();
    export::assert_texts(&hub, ["Sebelum disk menjadi hanya-baca.", "Sesudahnya."]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_hub_whose_folder_cannot_be_written_says_so_and_has_everything_afterwards() {
    let mut hub = Hub::start();
    let sari = Office::enrol(&hub, "32.73.05.1001");
    sari.complain("Sebelum disk menjadi hanya-baca.");
    sari.sync().ok();
    hub.stop();
    let store = hub.data().join("store.db");
    let before = fs::read(&store).expect("read the database");
    let Some(read_only) = ReadOnly::make(hub.data()) else { return };
    for words in [&["status"][..], &["office", "add", "32.73.05.1002", "--name", "Desa Baru"], &["serve"]] {
        let refused = hub.run(words).expect(4).error();
        assert_eq!(refused["code"], "KTG-204", "{words:?}: {refused:#}");
    }
    let doctor = hub.run(&["doctor"]).json();
    assert!(doctor.to_string().contains("KTG-204"), "{doctor:#}");
    assert!(hub.launch().is_err_and(|status| status.code() == Some(4)), "the service says so and ends");
    assert_eq!(fs::read(&store).expect("read the database"), before);
    sari.complain("Selama pusat tidak dapat menulis.");
    drop(read_only);
    hub.begin();
    sari.sync().ok();
    export::assert_texts(&hub, ["Sebelum disk menjadi hanya-baca.", "Selama pusat tidak dapat menulis."]);
}
