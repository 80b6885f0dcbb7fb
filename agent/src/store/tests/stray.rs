//! Own ops behind a lost one: they wait, come back to their place, or are entered again; see `stray.rs`.

use std::collections::BTreeSet;
use std::fs;

use kentongan_protocol::op;

use super::*;

/// A store that lost one op in the middle of a log, unknown to the hub.
fn with_a_gap(hit: &str) -> (Pc, Store) {
    let mut pc = Pc::new(200);
    let mut store = pc.start();
    for text in ["satu", "dua", "TIGA-HILANG", "empat"] {
        store.enter(&complaint(text)).unwrap();
    }
    let edited = store.queue(&QueueFilter { state: None, form: None, limit: 9 }).unwrap()[0].record;
    edit(&mut store, edited, "informasi", edited.0);
    store.close().unwrap();
    flip(&pc, hit);
    let mut store = pc.start();
    let error = store.scrub_whole().expect_err("a flipped letter");
    let salvaged = store.repair(&error).unwrap();
    assert_eq!((salvaged.own_ops, salvaged.strays, salvaged.lost_ops), (4, 2, 1));
    (pc, store)
}

/// Another choice of category, made in sight of `replaces`.
fn edit(store: &mut Store, record: RecordId, category: &str, replaces: OpId) {
    let write = change(record, "kategori", category, vec![replaces]).writes.remove(0);
    let writes = vec![(write.group, write.values, write.replaces)];
    store.edit(&Edit { record, author: "sari".into(), writes }).unwrap();
}

/// Hits a letter of `text` on the disk.
fn flip(pc: &Pc, text: &str) {
    let path = pc.folder.path().join("store.db");
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.windows(text.len()).position(|window| window == text.as_bytes()).unwrap();
    bytes[at] ^= 0x20;
    fs::write(&path, bytes).unwrap();
}

/// The third op as it was written, see [`with_a_gap`].
fn mend_third(ops: &mut [Vec<u8>]) {
    let at = ops[2].windows(10).position(|window| window[1..] == *b"IGA-HILAN").unwrap();
    ops[2][at] ^= 0x20;
}

#[test]
fn ops_behind_a_lost_one_wait_visibly_and_are_entered_again_once_the_hub_lacks_it_too() {
    let (_pc, mut store) = with_a_gap("TIGA-HILANG");
    let counts = store.counts().unwrap();
    assert_eq!((counts.ops_pending, counts.entered, counts.arrived), (4, 3, 0), "what waits is told");
    let before: BTreeSet<_> = records(&mut store);
    let open = store.opening(&HEALTH(), 1 << 20).unwrap();
    assert_eq!((open.mode, open.open[0].held, open.inventory.is_some()), (Mode::AskFirst, 2, true));

    let log = open.open[0].head.log();
    store.apply(Event::Marks(marks(vec![(log.to_bytes(), 2, 0)], 0)), None).unwrap();
    assert_eq!(store.counts().unwrap().ops_pending, 2);
    store.end_exchange(Ok(&agreed())).unwrap();
    assert_eq!(records(&mut store), before, "the same records, with their codes and values");
    assert_eq!(store.counts().unwrap().ops_pending, 2);
    let open = store.opening(&HEALTH(), 1 << 20).unwrap().open;
    assert_eq!((open.len(), open[0].held), (1, 2), "in a log of this run");
    assert_ne!(open[0].head.log(), log);
    let key = SigningKey::generate().unwrap();
    let origins: Vec<_> = store.outbox(&key).ops(open[0].head.log(), 1, 1 << 20).unwrap();
    let origins: Vec<_> = origins.iter().map(|sent| op::origin(&sent.bytes)).collect();
    assert_eq!(origins, [Some(OpId { log, seq: 4 }), Some(OpId { log, seq: 5 })]);
    store.scrub_whole().unwrap();
}

#[test]
fn an_op_that_only_this_pc_had_lost_comes_back_from_the_hub_in_its_place() {
    let (pc, mut store) = with_a_gap("TIGA-HILANG");
    let head = store.opening(&HEALTH(), 1).unwrap().open.remove(0).head;
    let mut ops = ops_set_aside(&pc, &store);
    mend_third(&mut ops);
    let given = Event::Restored { head: head.clone(), first_seq: 3, ops: ops.split_off(2) };
    assert_eq!(store.apply(given, None).unwrap().given_back, 1);
    store.end_exchange(Ok(&agreed())).unwrap();
    let counts = store.counts().unwrap();
    assert_eq!((counts.ops_written, counts.entered), (5, 4));
    assert_eq!(counts.ops_pending, 0, "all of the log is at the hub");
    assert_eq!(store.mishap().unwrap().map(|mishap| (mishap.strays, mishap.given_back)), Some((0, 1)));
    store.scrub_whole().unwrap();
}

#[test]
fn what_was_entered_again_and_its_origin_are_both_there_if_the_hub_has_the_lost_op_after_all() {
    let (pc, mut store) = with_a_gap("TIGA-HILANG");
    let head = store.opening(&HEALTH(), 1).unwrap().open.remove(0).head;
    store.apply(Event::Marks(marks(vec![(head.log().to_bytes(), 2, 0)], 0)), None).unwrap();
    store.end_exchange(Ok(&agreed())).unwrap();
    assert_eq!(store.counts().unwrap().entered, 3);

    // Another copy of this folder had what was lost, and brought all of the log.
    let mut ops = ops_set_aside(&pc, &store);
    mend_third(&mut ops);
    let given = Event::Restored { head, first_seq: 3, ops: ops.split_off(2) };
    assert_eq!(store.apply(given, None).unwrap().given_back, 1);
    assert_eq!(store.counts().unwrap().entered, 5, "one stands twice, under one receipt code");
    store.scrub_whole().unwrap();
}

#[test]
fn what_was_changed_while_its_record_waited_belongs_to_it_again_once_it_is_back() {
    let (pc, mut store) = with_a_gap("TIGA-HILANG");
    let log = store.opening(&HEALTH(), 1).unwrap().open.remove(0).head;
    let record = RecordId(OpId { log: log.log(), seq: 4 });
    edit(&mut store, record, "antrean", OpId { log: log.log(), seq: 5 });
    let shown = |store: &mut Store| format!("{:?}", store.entry(record).map(|entry| entry.record));
    let changed = shown(&mut store);
    assert_eq!(store.counts().unwrap().queued, 3);

    // The hub lacks what is lost, so all of it is entered again; then another copy of this folder brings the log.
    store.apply(Event::Marks(marks(vec![(log.log().to_bytes(), 2, 0)], 0)), None).unwrap();
    store.end_exchange(Ok(&agreed())).unwrap();
    assert!(store.entry(record).is_err());
    let mut ops = ops_set_aside(&pc, &store);
    mend_third(&mut ops);
    let given = Event::Restored { head: log, first_seq: 3, ops: ops.split_off(2) };
    store.apply(given, None).unwrap();
    assert_eq!(shown(&mut store), changed, "with the change that stands in another log");
    store.scrub_whole().unwrap();
}

/// A store whose hub lacks what it lost, so that what stood behind it was entered again.
fn entered_again() -> (Pc, Store, LogHead) {
    let (pc, mut store) = with_a_gap("TIGA-HILANG");
    let log = store.opening(&HEALTH(), 1).unwrap().open.remove(0).head;
    store.apply(Event::Marks(marks(vec![(log.log().to_bytes(), 2, 0)], 0)), None).unwrap();
    store.end_exchange(Ok(&agreed())).unwrap();
    (pc, store, log)
}

/// Hits the op that stands for `origin` on the disk, and has the store repaired. Gives back the log it stood in, and its
/// bytes as they were written.
fn repaired_without_what_stands_for(pc: &mut Pc, mut store: Store, origin: OpId) -> (Store, LogHead, Vec<u8>) {
    let head = store.opening(&HEALTH(), 1 << 20).unwrap().open.remove(0).head;
    let sent = store.outbox(&SigningKey::generate().unwrap()).ops(head.log(), 1, 1 << 20).unwrap();
    let bytes = sent.iter().map(|sent| sent.bytes.to_vec()).find(|bytes| op::origin(bytes) == Some(origin)).unwrap();
    store.close().unwrap();
    let path = pc.folder.path().join("store.db");
    let mut file = fs::read(&path).unwrap();
    let at = file.windows(bytes.len()).position(|window| window == bytes).unwrap();
    file[at + bytes.len() / 2] ^= 1;
    fs::write(&path, file).unwrap();
    let mut store = pc.start();
    let error = store.scrub_whole().expect_err("a flipped bit");
    let salvaged = store.repair(&error).unwrap();
    assert_eq!((salvaged.own_ops, salvaged.strays, salvaged.lost_ops), (4, 2, 1), "what was lost before is");
    (store, head, bytes)
}

#[test]
fn what_was_entered_again_and_is_lost_under_its_newer_name_is_entered_once_more_from_its_first() {
    let (mut pc, mut store, log) = entered_again();
    let before = records(&mut store);
    let origin = OpId { log: log.log(), seq: 4 };
    let (mut store, _, _) = repaired_without_what_stands_for(&mut pc, store, origin);
    assert_eq!(store.counts().unwrap().entered, 3, "it is shown and waits");
    store.apply(Event::Marks(marks(vec![(log.log().to_bytes(), 2, 0)], 0)), None).unwrap();
    store.end_exchange(Ok(&agreed())).unwrap();
    assert_eq!(records(&mut store), before, "with the change that was entered again after it");
    assert_eq!(store.counts().unwrap().ops_pending, 2);
    store.scrub_whole().unwrap();
}

#[test]
fn what_was_entered_again_stands_once_if_the_hub_has_its_newer_name() {
    let (mut pc, mut store, log) = entered_again();
    let before = records(&mut store);
    let origin = OpId { log: log.log(), seq: 4 };
    let (mut store, head, bytes) = repaired_without_what_stands_for(&mut pc, store, origin);
    let at_hub = vec![(log.log().to_bytes(), 2, 0), (head.log().to_bytes(), 1, 0)];
    store.apply(Event::Restored { head, first_seq: 1, ops: vec![bytes] }, None).unwrap();
    store.apply(Event::Marks(marks(at_hub, 0)), None).unwrap();
    store.end_exchange(Ok(&agreed())).unwrap();
    assert_eq!(records(&mut store), before);
    assert_eq!(store.counts().unwrap().ops_pending, 1, "the change alone");
    store.scrub_whole().unwrap();
}

#[test]
fn a_power_cut_after_entering_again_is_no_damage() {
    let (mut pc, mut store, _) = entered_again();
    store.enter(&complaint("lima")).unwrap();
    let mishap = store.mishap().unwrap();
    drop(store);
    assert_eq!(pc.start().mishap().unwrap(), mishap, "none but the one of before");
}

#[test]
fn a_change_waits_even_if_what_it_belongs_to_is_lost() {
    let mut pc = Pc::new(240);
    let mut store = pc.start();
    let entered = store.enter(&complaint("SATU-HILANG")).unwrap();
    store.close().unwrap();
    let mut store = pc.start(); // a run of its own, so that no gap stands before the change
    edit(&mut store, entered.record, "informasi", entered.record.0);
    store.close().unwrap();
    flip(&pc, "SATU-HILANG");
    let mut store = pc.start();
    let error = store.scrub_whole().expect_err("a flipped letter");
    assert_eq!(store.repair(&error).unwrap().lost_ops, 1);
    let counts = store.counts().unwrap();
    assert_eq!((counts.ops_pending, counts.queued), (1, 1), "nobody says that all has arrived");
}

#[test]
fn what_was_lost_and_told_before_is_not_told_as_more_the_next_time() {
    let (mut pc, mut store) = with_a_gap("TIGA-HILANG");
    let log = store.opening(&HEALTH(), 1).unwrap().open.remove(0).head.log();
    let waiting = RecordId(OpId { log, seq: 4 });
    edit(&mut store, waiting, "informasi", waiting.0);
    edit(&mut store, waiting, "antrean", waiting.0);
    // The hub lacks what is lost: what waits is entered again, with what was said of it since.
    store.apply(Event::Marks(marks(vec![(log.to_bytes(), 2, 0)], 0)), None).unwrap();
    store.end_exchange(Ok(&agreed())).unwrap();
    store.close().unwrap();

    let mut store = pc.start();
    let salvaged = store.repair(&StoreError::Damaged("a note about a log")).unwrap();
    assert_eq!((salvaged.own_ops, salvaged.strays, salvaged.lost_ops), (6, 0, 1));
}

/// Ops in the damaged store that was set aside.
fn ops_set_aside(pc: &Pc, store: &Store) -> Vec<Vec<u8>> {
    let aside = pc.folder.path().join(store.mishap().unwrap().unwrap().aside).join("store.db");
    let db = sqlite::open_reader(&aside).unwrap();
    let mut select = db.prepare("SELECT bytes FROM op ORDER BY id").unwrap();
    select.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

fn agreed() -> kentongan_protocol::session::agent::Outcome {
    kentongan_protocol::session::agent::Outcome { more: false, in_order: true, come_back_s: 0 }
}

/// Code, form and values of each record.
fn records(store: &mut Store) -> BTreeSet<String> {
    let all = QueueFilter { state: None, form: None, limit: u32::MAX };
    let form = builtin::by_tag(pengaduan::TAG).unwrap();
    let items = store.queue(&all).unwrap();
    let texts = items.iter().map(|item| {
        let entry = store.entry(item.record).unwrap();
        let values: Vec<_> = form
            .groups
            .iter()
            .map(|group| format!("{:?}", GroupView::of(&entry.record, form, group).shown()))
            .collect();
        format!("{:?} {values:?}", item.code)
    });
    texts.collect()
}
