//! What the check of a store's pages looks at, in a store of each version and however it came to that version.

use kentongan_host::sqlite::sees_everything;

use super::super::next::NEXT;
use super::*;

/// A file of version `from`, brought to version `to`; `copied`: by way of a copy, as it is made before an update, whose
/// tables stand in another order.
fn grown(folder: &Path, from: usize, to: usize, copied: bool) -> PathBuf {
    let path = folder.join(format!("{from}-{to}-{copied}.db"));
    let db = Connection::open(&path).unwrap();
    NEXT[..from].iter().for_each(|step| db.execute_batch(step).unwrap());
    let path = if copied {
        let copy = path.with_extension("copy");
        db.execute("VACUUM INTO ?", [copy.to_str().unwrap()]).unwrap();
        copy
    } else {
        path
    };
    let db = Connection::open(&path).unwrap();
    NEXT[from..to].iter().for_each(|step| db.execute_batch(step).unwrap());
    assert!(sees_everything(&db).unwrap(), "in the connection that grew it: {from} to {to}, copied: {copied}");
    path
}

#[test]
fn a_check_looks_at_every_page_of_a_store_of_every_version_however_it_came_there() {
    let folder = tempfile::tempdir().unwrap();
    for to in 1..=NEXT.len() {
        for (from, copied) in (0..=to).flat_map(|from| [(from, false), (from, true)]).filter(|way| *way != (0, true)) {
            let path = grown(folder.path(), from, to, copied);
            let db = Connection::open(&path).unwrap();
            assert!(sees_everything(&db).unwrap(), "{from} to {to}, copied: {copied}");
            fs::remove_file(&path).unwrap();
        }
    }
}

#[test]
fn a_page_whose_place_in_its_tree_is_said_wrongly_is_told_at_the_next_start() {
    let mut pc = Pc::new(1);
    let path = pc.folder.path().join("store.db");
    let mut store = pc.start();
    for n in 0..20 {
        store.enter(&complaint(&format!("Aduan nomor {n}."))).unwrap();
    }
    store.close().unwrap();
    fs::remove_file(path.with_extension("db.clean")).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    // Page 2 says of each page from the third on, in five bytes, what it is and which page points to it.
    bytes[4096 + 5 * 5 + 4] ^= 0x80;
    fs::write(&path, bytes).unwrap();
    let mut store = pc.start();
    assert_eq!(store.mishap().unwrap().map(|mishap| mishap.lost_ops), Some(0), "told, and nothing is lost");
    assert_eq!(store.counts().unwrap().entered, 20);
    store.scrub_whole().unwrap();
}
