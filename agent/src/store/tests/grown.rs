//! A newer program brought the store to a newer schema, and was never ready: what the old one is given back.

use super::*;

/// What a newer program leaves: the copy of before, as the opening makes it, and a store that this one does not know.
fn newer(pc: &mut Pc, saved_by_the_newer_one: bool) -> PathBuf {
    let path = pc.folder.path().join("store.db");
    let mut store = pc.start();
    store.enter(&complaint("Sebelum pemutakhiran.")).unwrap();
    store.close().unwrap();
    fs::copy(&path, path.with_extension(format!("db.v{}", schema_known()))).unwrap();
    if saved_by_the_newer_one {
        let mut store = pc.start();
        store.enter(&complaint("Oleh program baru.")).unwrap();
        store.close().unwrap();
    }
    let db = Connection::open(&path).unwrap();
    db.execute_batch("CREATE TABLE newer (row INTEGER PRIMARY KEY)").unwrap();
    db.pragma_update(None, "user_version", schema_known() + 1).unwrap();
    path
}

#[test]
fn the_old_program_gets_its_store_back_and_the_newer_one_stays_beside_it() {
    let mut pc = Pc::new(1);
    let path = newer(&mut pc, false);
    assert!(Store::open(&path, pc.machine()).is_err(), "it is newer");
    assert!(given_back(&path, schema_known()).unwrap());
    assert!(!given_back(&path, schema_known()).unwrap(), "once");
    assert_eq!(pc.start().counts().unwrap().entered, 1);
    let kept = fs::read_dir(pc.folder.path()).unwrap().flatten().map(|entry| entry.file_name());
    assert_eq!(kept.filter(|name| name.to_string_lossy().starts_with("store.damaged-")).count(), 1);
}

#[test]
fn what_the_newer_program_saved_is_never_given_up_for_the_old_one() {
    let mut pc = Pc::new(1);
    let path = newer(&mut pc, true);
    assert!(!given_back(&path, schema_known()).unwrap());
    assert!(Store::open(&path, pc.machine()).is_err(), "it waits for a program that reads it");
}

#[test]
fn what_it_saved_counts_also_when_it_put_away_as_much_of_others() {
    let mut pc = Pc::new(1);
    let mut store = pc.start();
    let theirs = change(store.enter(&complaint("x")).unwrap().record, "kategori", "informasi", vec![]);
    store.apply(Event::Feed(page(&hub_log(71), &[theirs], 1)), Some(10)).unwrap();
    store.close().unwrap();
    let path = newer(&mut pc, true);
    let db = Connection::open(&path).unwrap();
    let put_away = "DELETE FROM op WHERE feed IS NOT NULL";
    assert_eq!(db.execute(put_away, []).unwrap(), 1);
    drop(db);
    assert!(!given_back(&path, schema_known()).unwrap());
}

#[test]
fn a_store_that_stayed_as_it_was_is_left_alone() {
    let mut pc = Pc::new(1);
    let path = pc.folder.path().join("store.db");
    pc.start().close().unwrap();
    fs::copy(&path, path.with_extension(format!("db.v{}", schema_known()))).unwrap();
    assert!(!given_back(&path, schema_known()).unwrap());
    assert!(!given_back(&path, schema_known() - 1).unwrap(), "there is no copy");
}
