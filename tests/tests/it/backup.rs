//! Backups of the hub: what they cover is called safe, a lost hub comes back from one, and the offices fill in the rest.

use std::fs;
use std::path::{Path, PathBuf};

use kentongan_tests::{Hub, Office, folder};
use serde_json::Value;

use crate::export;

/// Makes a backup into `to`; its folder.
fn back_up(hub: &Hub, to: &Path) -> PathBuf {
    let done = hub.run(&["backup", "run", "--to", to.to_str().expect("a path")]).ok().json();
    assert_eq!(done["marks_raised"], true, "{done:#}");
    done["path"].as_str().expect("a path").into()
}

/// How many records of an office are only here, at the hub, and safe.
fn states(office: &Office) -> [u64; 3] {
    let status = office.status();
    ["saved", "arrived", "secured"].map(|state| status["states"][state].as_u64().expect("a number"))
}

#[test]
fn a_destroyed_hub_comes_back_from_its_backup_and_the_offices_fill_in_the_rest() {
    let mut hub = Hub::start();
    let elsewhere = folder::temporary("kentongan-cadangan-");
    let sari = Office::enrol(&hub, "32.73.05.1001");
    let budi = Office::enrol(&hub, "32.73.05.1002");
    sari.complain("Sari, sebelum cadangan.");
    budi.complain("Budi, sebelum cadangan.");
    assert_eq!(states(&sari), [1, 0, 0]);
    sari.sync().ok();
    budi.sync().ok();
    assert_eq!(states(&sari), [0, 1, 0]);

    // While the hub goes on accepting.
    let backup = back_up(&hub, elsewhere.path());
    sari.complain("Sari, sesudah cadangan.");
    sari.sync().ok();
    assert_eq!(states(&sari), [0, 1, 1], "safe is what the copy covers, and nothing else");
    hub.run(&["backup", "verify", backup.to_str().expect("a path")]).ok();

    hub.kill();
    fs::remove_dir_all(hub.data()).expect("the hub's disk is gone");
    hub.run(&["backup", "restore", "--latest", elsewhere.path().to_str().expect("a path")]).ok();
    hub.begin();
    assert_eq!(hub.export("complaints").len(), 2, "only what the copy held");
    budi.complain("Budi, sesudah semuanya.");
    for office in [&sari, &budi] {
        office.sync().ok();
        office.sync().ok();
    }
    let texts =
        ["Sari, sebelum cadangan.", "Budi, sebelum cadangan.", "Sari, sesudah cadangan.", "Budi, sesudah semuanya."];
    export::assert_texts(&hub, texts);
    assert_eq!((states(&sari)[0], states(&budi)[0]), (0, 0));

    back_up(&hub, elsewhere.path());
    sari.sync().ok();
    budi.sync().ok();
    assert_eq!((states(&sari), states(&budi)), ([0, 0, 2], [0, 0, 2]));
}

#[test]
fn a_hub_put_back_to_less_than_it_had_called_safe_is_refilled_all_the_same_and_people_are_told() {
    let mut hub = Hub::start();
    let elsewhere = folder::temporary("kentongan-cadangan-");
    let sari = Office::enrol(&hub, "32.73.05.1001");
    sari.complain("Sebelum cadangan pertama.");
    sari.sync().ok();
    let first = back_up(&hub, elsewhere.path());
    sari.complain("Sebelum cadangan kedua.");
    sari.sync().ok();
    back_up(&hub, elsewhere.path());
    sari.sync().ok();
    assert_eq!(states(&sari), [0, 0, 2]);

    hub.kill();
    fs::remove_dir_all(hub.data()).expect("the hub's disk is gone");
    hub.run(&["backup", "restore", first.to_str().expect("a path")]).ok();
    hub.begin();
    sari.sync().ok();
    let status = sari.status();
    assert_eq!(status["all_arrived"], true, "{status:#}");
    assert!(status["hub_forgot"].as_u64() >= Some(1), "{status:#}");
    export::assert_texts(&hub, ["Sebelum cadangan pertama.", "Sebelum cadangan kedua."]);
}

#[test]
fn a_backup_with_a_flipped_bit_is_refused_and_nothing_is_restored_from_it() {
    let mut hub = Hub::start();
    let elsewhere = folder::temporary("kentongan-cadangan-");
    let backup = back_up(&hub, elsewhere.path());
    let store = backup.join("store.db");
    let mut bytes = fs::read(&store).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&store, bytes).expect("write");
    let path = backup.to_str().expect("a path");
    let refused = hub.run(&["backup", "verify", path]).expect(16).error();
    assert_eq!(refused["code"], "KTG-210", "{refused:#}");
    hub.kill();
    fs::remove_dir_all(hub.data()).expect("the hub's disk is gone");
    hub.run(&["backup", "restore", path]).expect(16);
    assert!(!hub.data().join("store.db").exists());
}

#[test]
fn a_backup_that_cannot_be_made_leaves_nothing_and_calls_nothing_safe() {
    let hub = Hub::start();
    let sari = Office::enrol(&hub, "32.73.05.1001");
    sari.complain("Antrean panjang.");
    sari.sync().ok();
    // A file stands where the folder should be.
    let elsewhere = folder::temporary("kentongan-cadangan-");
    let blocked = elsewhere.path().join("bukan-folder");
    fs::write(&blocked, "").expect("write");
    let failed = hub.run(&["backup", "run", "--to", blocked.to_str().expect("a path")]);
    assert_ne!(failed.code, 0);
    sari.sync().ok();
    assert_eq!(states(&sari), [0, 1, 0]);
    let status: Value = hub.status();
    assert_eq!(status["backup_at"], Value::Null, "{status:#}");
    let audit = hub.run(&["audit", "list"]).ok().json();
    assert!(audit.to_string().contains("backup.failed"), "{audit:#}");
}

/// A disk of a few kilobytes; `None` where this user may not mount one.
#[cfg(target_os = "linux")]
fn tiny_disk(at: &Path) -> Option<Unmount> {
    let mount = ["-t", "tmpfs", "-o", "size=64k", "tmpfs"];
    let done = std::process::Command::new("mount").args(mount).arg(at).output().ok()?;
    done.status.success().then(|| Unmount(at.to_owned()))
}

#[cfg(target_os = "linux")]
struct Unmount(PathBuf);

#[cfg(target_os = "linux")]
impl Drop for Unmount {
    fn drop(&mut self) {
        // A disk that stays mounted fails the removal of its folder, which is seen.
        let _ = std::process::Command::new("umount").arg(&self.0).status();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_for_backups_holds_no_half_backup_and_moves_no_mark() {
    let hub = Hub::start();
    let sari = Office::enrol(&hub, "32.73.05.1001");
    sari.complain("Antrean panjang.");
    sari.sync().ok();
    let elsewhere = folder::temporary("kentongan-cadangan-");
    let Some(_disk) = tiny_disk(elsewhere.path()) else { return };
    hub.run(&["backup", "run", "--to", elsewhere.path().to_str().expect("a path")]).expect(17);
    assert_eq!(fs::read_dir(elsewhere.path()).expect("the folder").count(), 0);
    sari.sync().ok();
    assert_eq!(states(&sari), [0, 1, 0]);
}
