//! Stories about one PC's store: Sari enters, the hub answers (here: by hand-made messages).

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use kentongan_host::clock::ManualClock;
use kentongan_host::identity::SigningKey;
use kentongan_protocol::form::builtin::pengaduan;
use kentongan_protocol::form::{Value, builtin};
use kentongan_protocol::ids::{EpochId, OpId, RecordId, RunId, TopicKind};
use kentongan_protocol::log::{Holding, LogHead};
use kentongan_protocol::merge::GroupView;
use kentongan_protocol::op::{Action, Op, Write};
use kentongan_protocol::session::agent::{Event, Mode, Outbox};
use kentongan_protocol::wire::codec::{Blob, List};
use kentongan_protocol::wire::v1::{Attest, Feed, FeedEntry, LogFrame, Marks, VerdictFrame};

use super::*;
use crate::entry::{ImportRow, Intake, NewRecord, RowOutcome};

mod attachments;
mod checked;
mod damage;
mod drafts;
mod grown;
mod growth;
mod kiosk;
mod sealed;
mod search;
mod sheets;
mod traffic;

const NOON: i64 = 1_795_000_000_000;
const HEALTH: fn() -> Health = || Health { free_bytes: 1, program: "test".into() };

struct Pc {
    folder: tempfile::TempDir,
    clock: Arc<ManualClock>,
    seed: u64,
}

impl Pc {
    fn new(seed: u64) -> Pc {
        Pc { folder: tempfile::tempdir().unwrap(), clock: Arc::new(ManualClock::at(NOON)), seed }
    }

    /// Starts on what is left after the head of the store's file was overwritten.
    fn start_salvaged(&mut self, store: Store) -> Store {
        store.close().unwrap();
        let path = self.folder.path().join("store.db");
        let mut bytes = fs::read(&path).unwrap();
        bytes[..100].fill(0);
        fs::write(&path, bytes).unwrap();
        let store = self.start();
        assert!(store.mishap().unwrap().is_some_and(|mishap| mishap.damaged));
        store
    }

    /// Starts the program on this PC; each start is a run of its own.
    fn start(&mut self) -> Store {
        let machine = self.machine();
        let mut store = Store::open(&self.folder.path().join("store.db"), machine).unwrap();
        if store.member().is_none() {
            store.join(&member()).unwrap();
        }
        store
    }

    fn machine(&mut self) -> Machine {
        self.seed += 1_000;
        let mut next = self.seed;
        let random = Box::new(move || {
            next += 1;
            next.wrapping_mul(0x9e37_79b9_7f4a_7c15)
        });
        Machine { clock: Arc::clone(&self.clock) as Arc<dyn Clock>, boot: 7, random }
    }
}

fn member() -> Member {
    Member {
        replica: ReplicaId(11),
        office: "32.73.05.1001".parse().unwrap(),
        office_name: "Desa Sukamaju".into(),
        prefix: Prefix::new(5).unwrap(),
        hub_url: "https://pusat.example".into(),
        hub_replica: ReplicaId(99),
    }
}

fn complaint(text: &str) -> NewRecord {
    let form = builtin::by_tag(pengaduan::TAG).unwrap();
    let mut writes: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    for (name, text) in [("uraian", text), ("kategori", "antrean"), ("kanal", "tatap_muka")] {
        let field = form.field_named(name).unwrap();
        writes.entry(field.group).or_default().insert(field.tag, Value::parse(field, text).unwrap());
    }
    NewRecord { form: form.tag, author: "sari".into(), writes: writes.into_iter().collect() }
}

fn marks(logs: Vec<([u8; 8], u64, u64)>, number: u64) -> Marks {
    Marks {
        hub_ms: NOON,
        epochs: List(vec![(EpochId(1).to_bytes(), 0)]),
        cursors: List(vec![(TopicKind::Office as u8, number)]),
        logs: List(logs),
        ..Marks::default()
    }
}

fn all_stored(store: &mut Store) -> Marks {
    let open = store.opening(&HEALTH(), 1 << 20).unwrap().open;
    marks(open.iter().map(|open| (open.head.log().to_bytes(), open.held, 0)).collect(), 0)
}

/// The head of a log that the hub wrote about this office in this run.
fn hub_log(run: u64) -> LogHead {
    let run = RunHead { run: RunId(run), ordinal: 1, before: None, boot: 1, boot_ms: 0, wall_ms: NOON };
    LogHead::new(ReplicaId(99), member().office, Lane::Case, run)
}

fn change(record: RecordId, field: &str, text: &str, replaces: Vec<OpId>) -> Op {
    let form = builtin::by_tag(pengaduan::TAG).unwrap();
    let field = form.field_named(field).unwrap();
    let values = BTreeMap::from([(field.tag, Value::parse(field, text).unwrap())]);
    Op {
        action: Action::Change { record },
        author: "wayan".into(),
        elapsed_ms: 5,
        hlc: Hlc(9),
        writes: vec![Write { group: field.group, replaces, cycle: 0, values }],
    }
}

/// A page that says, under number 5, that the hub set a record's first op aside.
fn set_aside(record: RecordId) -> Feed {
    let verdict = VerdictFrame::Quarantined(4);
    let told = FeedEntry::Verdict { number: 5, log: record.0.log.to_bytes(), seq: 1, verdict };
    Feed { upto: 5, logs: List::default(), entries: List(vec![told]), ..page(&hub_log(70), &[], 5) }
}

fn page(head: &LogHead, ops: &[Op], first_number: u64) -> Feed {
    let entries = (first_number..).zip(1..).zip(ops).map(|((number, seq), op)| FeedEntry::Op {
        number,
        log: 0,
        seq,
        bytes: Blob(op.encode().unwrap()),
    });
    let entries: Vec<FeedEntry> = entries.collect();
    Feed {
        topic: TopicKind::Office as u8,
        upto: first_number + entries.len() as u64 - 1,
        logs: List(vec![LogFrame::from(head)]),
        entries: List(entries),
        attests: List::default(),
    }
}

#[test]
fn what_was_entered_is_there_after_the_power_comes_back() {
    let mut pc = Pc::new(1);
    let mut store = pc.start();
    let entered = store.enter(&complaint("Antrean panjang")).unwrap();
    drop(store); // no clean close
    let mut store = pc.start();
    let entry = store.entry(entered.record).unwrap();
    assert_eq!((entry.summary.state, entry.summary.code), (RecordState::Queued, entered.receipt));
    assert_eq!(store.coded(entered.receipt.unwrap()).unwrap(), [entered.record]);
}

#[test]
fn every_run_writes_a_log_of_its_own() {
    let mut pc = Pc::new(2);
    let first = pc.start().enter(&complaint("satu")).unwrap().record.0;
    let mut store = pc.start();
    let second = store.enter(&complaint("dua")).unwrap().record.0;
    assert_ne!(first.log, second.log);
    assert_eq!((first.seq, second.seq), (1, 1));
    let open = store.opening(&HEALTH(), 1 << 20).unwrap().open;
    let runs: Vec<_> = open.iter().map(|open| (open.head.run().ordinal, open.head.run().before)).collect();
    assert_eq!(runs, [(1, None), (2, Some(open[0].head.run().run))]);
}

#[test]
fn all_arrived_is_said_only_when_every_op_is_acknowledged() {
    let mut pc = Pc::new(3);
    let mut store = pc.start();
    let first = store.enter(&complaint("satu")).unwrap();
    store.enter(&complaint("dua")).unwrap();
    let log = first.record.0.log.to_bytes();
    store.apply(Event::Marks(marks(vec![(log, 1, 0)], 0)), Some(10)).unwrap();
    let counts = store.counts().unwrap();
    assert_eq!((counts.entered, counts.arrived, counts.queued, counts.ops_pending), (2, 1, 1, 1));
    let applied = store.apply(Event::Marks(marks(vec![(log, 2, 2)], 0)), Some(10)).unwrap();
    assert_eq!(applied.acknowledged, 1);
    assert_eq!(store.counts().unwrap().ops_pending, 0);
    assert!(!store.has_unsent().unwrap());
}

#[test]
fn a_mark_beyond_what_is_held_is_not_believed() {
    let mut pc = Pc::new(4);
    let mut store = pc.start();
    let log = store.enter(&complaint("satu")).unwrap().record.0.log.to_bytes();
    store.apply(Event::Marks(marks(vec![(log, u64::MAX, u64::MAX)], 0)), Some(10)).unwrap();
    store.enter(&complaint("dua")).unwrap();
    assert_eq!(store.counts().unwrap().ops_pending, 1);
}

#[test]
fn a_hub_that_forgot_is_offered_again_what_it_had() {
    let mut pc = Pc::new(5);
    let mut store = pc.start();
    let log = store.enter(&complaint("satu")).unwrap().record.0.log.to_bytes();
    let stored = all_stored(&mut store);
    store.apply(Event::Marks(stored), Some(10)).unwrap();
    let applied = store.apply(Event::Marks(marks(vec![(log, 0, 0)], 0)), Some(10)).unwrap();
    assert_eq!(applied.forgotten, 1);
    assert!(store.has_unsent().unwrap());
}

#[test]
fn a_record_tells_when_the_last_of_it_arrived_until_the_hub_forgets_it() {
    let mut store = Pc::new(6).start();
    let record = store.enter(&complaint("satu")).unwrap().record;
    let other = store.enter(&complaint("dua")).unwrap().record;
    let log = record.0.log.to_bytes();
    let told = |store: &mut Store, stored, hub_ms| {
        let marks = Marks { hub_ms, ..marks(vec![(log, stored, 0)], 0) };
        store.apply(Event::Marks(marks), Some(10)).unwrap();
    };
    let arrival = |store: &mut Store, record| store.entry(record).unwrap().summary.arrival;
    assert_eq!(arrival(&mut store, record), None);
    told(&mut store, 1, NOON);
    assert_eq!(arrival(&mut store, record), Some(Arrival { hub_ms: NOON, seq: 1 }));
    assert_eq!(arrival(&mut store, other), None);
    // A mark that says nothing new changes nothing, and one that covers several is the arrival of each.
    told(&mut store, 1, NOON + 1);
    let field = builtin::by_tag(pengaduan::TAG).unwrap().field_named("kanal").unwrap();
    let values = BTreeMap::from([(field.tag, Value::parse(field, "telepon").unwrap())]);
    store.edit(&Edit { record, author: "sari".into(), writes: vec![(field.group, values, vec![record.0])] }).unwrap();
    assert_eq!(arrival(&mut store, record), None, "the change waits");
    told(&mut store, 3, NOON + 2);
    assert_eq!(arrival(&mut store, record), Some(Arrival { hub_ms: NOON + 2, seq: 3 }));
    assert_eq!(arrival(&mut store, other), Some(Arrival { hub_ms: NOON + 2, seq: 2 }));
    told(&mut store, 1, NOON + 3);
    told(&mut store, 3, NOON + 4);
    assert_eq!(arrival(&mut store, other), Some(Arrival { hub_ms: NOON + 4, seq: 2 }), "it arrived anew");
}

#[test]
fn ops_to_send_come_in_order_with_their_running_hash() {
    let mut pc = Pc::new(6);
    let mut store = pc.start();
    let texts = ["satu", "dua", "tiga"];
    for text in texts {
        store.enter(&complaint(text)).unwrap();
    }
    let open = store.opening(&HEALTH(), 1 << 20).unwrap().open.remove(0);
    let key = SigningKey::generate().unwrap();
    let ops = store.outbox(&key).ops(open.head.log(), 1, 1 << 20).unwrap();
    let mut chain = open.head.chain_start();
    for op in &ops {
        chain = chain.then(&op.bytes);
        assert_eq!(op.chain, chain);
    }
    assert_eq!(ops.len(), 3);
    assert_eq!(store.outbox(&key).ops(open.head.log(), 2, 1).unwrap().len(), 1, "at least one, however small the page");
}

#[test]
fn an_answer_from_the_hub_is_shown_and_a_page_twice_changes_nothing() {
    let mut pc = Pc::new(7);
    let mut store = pc.start();
    let entered = store.enter(&complaint("Antrean panjang")).unwrap();
    let feed = page(&hub_log(70), &[change(entered.record, "jawaban", "Loket ditambah", vec![])], 1);
    assert_eq!(store.apply(Event::Feed(feed.clone()), Some(10)).unwrap().fetched, 1);
    let once = store.entry(entered.record).unwrap();
    assert_eq!(store.apply(Event::Feed(feed), Some(10)).unwrap().fetched, 0);
    assert_eq!(store.entry(entered.record).unwrap().record, once.record);
    let form = builtin::by_tag(pengaduan::TAG).unwrap();
    let answer = GroupView::of(&once.record, form, form.group_named("jawaban").unwrap());
    assert_eq!(answer.shown().unwrap().values().next(), Some(&Value::Text("Loket ditambah".into())));
    assert_eq!(store.opening(&HEALTH(), 1).unwrap().cursors.last(), Some(&(TopicKind::Office, 1)));
}

/// A page of the feed with the first op of a log, and the signature that proves it.
fn signed_page(head: &LogHead, op: Op, upto: u64) -> Feed {
    let chain = head.chain_start().then(&op.encode().unwrap());
    let heads = List(vec![(head.log().to_bytes(), 1, chain.0)]);
    let attest = Attest { replica: head.replica().to_bytes(), heads, signature: [7; 64] };
    Feed { attests: List(vec![attest]), ..page(head, &[op], upto) }
}

#[test]
fn what_was_given_back_is_offered_again_if_the_hub_forgets_it_again() {
    let mut pc = Pc::new(12);
    let mut store = pc.start();
    let entered = store.enter(&complaint("Antrean panjang")).unwrap();
    let own = all_stored(&mut store);
    store.apply(Event::Marks(own), None).unwrap();
    let head = hub_log(70);
    let feed = signed_page(&head, change(entered.record, "jawaban", "Loket ditambah", vec![]), 5);
    store.apply(Event::Feed(feed.clone()), None).unwrap();
    let offered = |store: &mut Store| -> Vec<LogId> {
        store.opening(&HEALTH(), 1 << 20).unwrap().open.iter().map(|open| open.head.log()).collect()
    };
    let lost = |epoch: u64, number: u64| Marks {
        epochs: List(vec![(EpochId(epoch).to_bytes(), number)]),
        ..marks(vec![], number)
    };
    let taken = |stored: u64| Marks { epochs: List::default(), ..marks(vec![(head.log().to_bytes(), stored, 0)], 3) };
    assert_eq!(offered(&mut store), []);
    store.apply(Event::Marks(lost(2, 3)), None).unwrap();
    assert_eq!(offered(&mut store), [head.log()], "it came after number 3");
    store.apply(Event::Marks(taken(1)), None).unwrap();
    assert_eq!(offered(&mut store), []);
    // Lost again before the feed told the new number, at a hub that has meanwhile come beyond the old one.
    store.apply(Event::Marks(lost(3, 9)), None).unwrap();
    assert_eq!(offered(&mut store), [head.log()]);
    store.apply(Event::Marks(taken(1)), None).unwrap();
    store.apply(Event::Feed(Feed { entries: feed.entries, upto: 21, ..page(&head, &[], 20) }), None).unwrap();
    store.apply(Event::Marks(lost(4, 30)), None).unwrap();
    assert_eq!(offered(&mut store), [], "its new number is before the loss");
}

#[test]
fn what_only_a_salvaged_store_has_is_given_back_with_its_signature() {
    let mut pc = Pc::new(12);
    let mut store = pc.start();
    let entered = store.enter(&complaint("Antrean panjang")).unwrap();
    let head = hub_log(70);
    let feed = signed_page(&head, change(entered.record, "jawaban", "Loket ditambah", vec![]), 5);
    store.apply(Event::Feed(feed), None).unwrap();
    let mut store = pc.start_salvaged(store);
    let offered = |store: &mut Store| -> Vec<(LogId, u64, usize)> {
        let open = store.opening(&HEALTH(), 1 << 20).unwrap().open;
        let others = open.iter().filter(|open| open.head.log() == head.log());
        others.map(|open| (open.head.log(), open.stored, open.proofs.len())).collect()
    };
    assert_eq!(offered(&mut store), [(head.log(), 0, 1)]);
    store.apply(Event::Marks(marks(vec![(head.log().to_bytes(), 1, 0)], 3)), None).unwrap();
    assert_eq!(offered(&mut store), [], "the hub has it");
}

#[test]
fn what_another_office_wrote_is_not_offered_to_a_hub_that_forgot_it() {
    let mut pc = Pc::new(13);
    let mut store = pc.start();
    let run = *hub_log(71).run();
    let heads = [("32.73.05.1001", 12), ("32.73.05.1002", 13)]
        .map(|(office, replica)| LogHead::new(ReplicaId(replica), office.parse().unwrap(), Lane::Case, run));
    for (head, number) in heads.iter().zip(5..) {
        let record = RecordId(OpId { log: head.log(), seq: 1 });
        let op = change(record, "jawaban", "Loket ditambah", vec![]);
        let chain = head.chain_start().then(&op.encode().unwrap());
        let proved = List(vec![(head.log().to_bytes(), 1, chain.0)]);
        let attest = Attest { replica: head.replica().to_bytes(), heads: proved, signature: [7; 64] };
        let page = Feed { attests: List(vec![attest]), ..page(head, &[op], number) };
        store.apply(Event::Feed(page), None).unwrap();
    }
    let lost = Marks { epochs: List(vec![(EpochId(2).to_bytes(), 3)]), ..marks(vec![], 3) };
    store.apply(Event::Marks(lost), None).unwrap();
    let open = store.opening(&HEALTH(), 1 << 20).unwrap().open;
    assert_eq!(open.iter().map(|open| open.head.log()).collect::<Vec<_>>(), [heads[0].log()]);
}

#[test]
fn reading_goes_back_to_where_the_line_of_the_hub_was_left() {
    let mut pc = Pc::new(13);
    let mut store = pc.start();
    let told = |epochs: &[(u64, u64)], number: u64| Marks {
        epochs: List(epochs.iter().map(|(epoch, began_after)| (EpochId(*epoch).to_bytes(), *began_after)).collect()),
        ..marks(vec![], number)
    };
    let office = |store: &mut Store| store.opening(&HEALTH(), 1 << 20).unwrap().cursors[3].1;
    // The hub was put back to number 10 and read up to 15, then put back to a later copy, of number 20.
    store.apply(Event::Marks(told(&[(1, 0), (2, 10)], 0)), None).unwrap();
    store.apply(Event::Feed(Feed { upto: 15, ..page(&hub_log(70), &[], 15) }), None).unwrap();
    assert_eq!(office(&mut store), 15);
    store.apply(Event::Marks(told(&[(1, 0), (3, 20)], 15)), None).unwrap();
    store.apply(Event::Feed(Feed { upto: 25, ..page(&hub_log(70), &[], 25) }), None).unwrap();
    assert_eq!(office(&mut store), 10, "the page began behind the place where this PC left the line");
    assert_eq!(store.opening(&HEALTH(), 1 << 20).unwrap().epochs, [EpochId(1), EpochId(3)]);
    store.apply(Event::Feed(Feed { upto: 25, ..page(&hub_log(70), &[], 25) }), None).unwrap();
    assert_eq!(office(&mut store), 25);
}

#[test]
fn the_same_field_changed_here_and_there_is_one_conflict_until_somebody_decides() {
    let mut pc = Pc::new(8);
    let mut store = pc.start();
    let entered = store.enter(&complaint("x")).unwrap();
    let (group, values) =
        change(entered.record, "kategori", "hasil_layanan", vec![]).writes.pop().map(|w| (w.group, w.values)).unwrap();
    let edit = Edit {
        record: entered.record,
        author: "sari".into(),
        writes: vec![(group, values.clone(), vec![entered.record.0])],
    };
    store.edit(&edit).unwrap();
    let there = change(entered.record, "kategori", "informasi", vec![entered.record.0]);
    store.apply(Event::Feed(page(&hub_log(71), &[there], 1)), Some(10)).unwrap();
    assert_eq!(store.counts().unwrap().conflicts, 1);
    let form = builtin::by_tag(pengaduan::TAG).unwrap();
    let entry = store.entry(entered.record).unwrap();
    let seen = GroupView::of(&entry.record, form, form.group(group).unwrap()).heads();
    store.edit(&Edit { record: entered.record, author: "sari".into(), writes: vec![(group, values, seen)] }).unwrap();
    assert_eq!(store.counts().unwrap().conflicts, 0);
}

#[test]
fn what_the_hub_set_aside_does_not_count_and_is_told() {
    let mut pc = Pc::new(9);
    let mut store = pc.start();
    let entered = store.enter(&complaint("x")).unwrap();
    let verdict = |verdict| Feed {
        topic: TopicKind::Office as u8,
        upto: 1,
        logs: List::default(),
        entries: List(vec![FeedEntry::Verdict { number: 1, log: entered.record.0.log.to_bytes(), seq: 1, verdict }]),
        attests: List::default(),
    };
    let fault = VerdictFrame::NeedsRepair(List(vec![(Some(21), Some(2), 1)]));
    store.apply(Event::Feed(verdict(fault)), Some(10)).unwrap();
    assert_eq!(store.entry(entered.record).unwrap().summary.state, RecordState::Rejected);
    store.apply(Event::Feed(verdict(VerdictFrame::Accepted)), Some(10)).unwrap();
    assert_eq!(store.counts().unwrap().rejected, 0);
}

#[test]
fn what_the_hub_set_aside_counts_in_a_repaired_store_until_the_hub_says_it_again() {
    let mut pc = Pc::new(13);
    let mut store = pc.start();
    let entered = store.enter(&complaint("x")).unwrap();
    let shown = store.entry(entered.record).unwrap().record;
    let page = set_aside(entered.record);
    store.apply(Event::Feed(page.clone()), Some(10)).unwrap();
    assert!(store.entry(entered.record).is_err(), "it was set aside");
    let mut store = pc.start_salvaged(store);
    assert_eq!(store.entry(entered.record).unwrap().record, shown);
    store.apply(Event::Feed(page), Some(10)).unwrap();
    assert!(store.entry(entered.record).is_err(), "it was set aside again");
}

#[test]
fn a_verdict_counts_no_more_when_the_hub_has_forgotten_that_it_said_it() {
    let mut pc = Pc::new(13);
    let mut store = pc.start();
    let entered = store.enter(&complaint("x")).unwrap();
    let shown = store.entry(entered.record).unwrap().record;
    store.apply(Event::Feed(set_aside(entered.record)), Some(10)).unwrap();
    assert!(store.entry(entered.record).is_err(), "set aside");
    let put_back = |upto| Marks {
        cursors: List(vec![(TopicKind::Office as u8, upto)]),
        epochs: List(vec![([3; 8], upto)]),
        ..marks(vec![], 0)
    };
    store.apply(Event::Marks(put_back(5)), Some(10)).unwrap();
    assert!(store.entry(entered.record).is_err(), "a hub that was put back to a later moment says so still");
    store.apply(Event::Marks(put_back(4)), Some(10)).unwrap();
    assert_eq!(store.entry(entered.record).unwrap().record, shown);
    assert_eq!(store.counts().unwrap().rejected, 0);
}

#[test]
fn what_the_hub_set_aside_does_not_count_either_if_the_verdict_comes_before_the_op() {
    let mut pc = Pc::new(13);
    let mut store = pc.start();
    let entered = store.enter(&complaint("x")).unwrap();
    let head = LogHead::new(member().replica, member().office, Lane::Case, *hub_log(80).run());
    let twins = change(entered.record, "kategori", "informasi", vec![entered.record.0]);
    let shown = store.entry(entered.record).unwrap().record;
    let verdict = VerdictFrame::Quarantined(4);
    let told = FeedEntry::Verdict { number: 1, log: head.log().to_bytes(), seq: 1, verdict };
    store.apply(Event::Feed(Feed { entries: List(vec![told]), ..page(&head, &[], 1) }), Some(10)).unwrap();
    let given = Event::Restored { head, first_seq: 1, ops: vec![twins.encode().unwrap()] };
    store.apply(given, Some(10)).unwrap();
    assert_eq!(store.entry(entered.record).unwrap().record, shown);
}

#[test]
fn lost_ops_come_back_and_the_two_sides_agree() {
    let mut pc = Pc::new(10);
    let mut store = pc.start();
    let entered = store.enter(&complaint("sebelum salinan")).unwrap();
    let stored = all_stored(&mut store);
    store.apply(Event::Marks(stored), Some(10)).unwrap();
    let open = store.opening(&HEALTH(), 1 << 20).unwrap();
    let holding = open.holding;
    let key = SigningKey::generate().unwrap();
    let ops: Vec<Vec<u8>> =
        store.outbox(&key).ops(entered.record.0.log, 1, 1 << 20).unwrap().into_iter().map(|op| op.bytes).collect();
    let head = LogHead::new(member().replica, member().office, Lane::Case, store.run().unwrap());
    assert_eq!(head.log(), entered.record.0.log);

    let mut older = Pc::new(20).start(); // the same replica, from a copy made before anything was entered
    let given_back = older.apply(Event::Restored { head, first_seq: 1, ops }, Some(10)).unwrap().given_back;
    assert_eq!(given_back, 1);
    assert_eq!(older.opening(&HEALTH(), 1).unwrap().holding, holding);
    assert_eq!(older.entry(entered.record).unwrap().summary.state, RecordState::Arrived);
    assert_eq!(Holding::of([(entered.record.0.log, 1)]), holding);
}

#[test]
fn a_head_that_does_not_give_the_name_of_its_log_is_damage_and_not_sent() {
    let mut pc = Pc::new(14);
    let mut store = pc.start();
    let record = store.enter(&complaint("x")).unwrap().record;
    let open = store.opening(&HEALTH(), 1 << 20).unwrap().open;
    assert_eq!(open.iter().map(|open| open.head.log()).collect::<Vec<_>>(), [record.0.log]);
    store.db.execute("UPDATE log_name SET log = ?", [[7_u8; 8]]).unwrap();
    assert!(store.opening(&HEALTH(), 1 << 20).is_err_and(|error| error.is_damage()));
}

#[test]
fn after_a_cut_marks_are_asked_for_first() {
    let mut pc = Pc::new(11);
    let mut store = pc.start();
    store.enter(&complaint("x")).unwrap();
    store.end_exchange(Err(&kentongan_protocol::error::Fault::Cut)).unwrap();
    assert_eq!(store.opening(&HEALTH(), 5).unwrap().mode, Mode::AskFirst);
    store.apply(Event::Marks(marks(vec![], 0)), Some(10)).unwrap();
    assert_eq!(store.opening(&HEALTH(), 5).unwrap().mode, Mode::Send { bytes_aim: 5 });
}

#[test]
fn a_row_is_taken_once_and_a_changed_one_is_told_apart() {
    let mut pc = Pc::new(12);
    let mut store = pc.start();
    let row = |name: u8, source: u8| ImportRow { name: [name; 32], source: Some([source; 32]), record: complaint("x") };
    let outcomes = store.take(vec![row(1, 1), row(1, 1), row(2, 1), row(3, 3)]).unwrap();
    assert!(matches!(
        outcomes[..],
        [RowOutcome::Taken { .. }, RowOutcome::Repeated, RowOutcome::Changed, RowOutcome::Taken { .. }]
    ));
    drop(store);
    assert_eq!(pc.start().take(vec![row(1, 1)]).unwrap(), [RowOutcome::Repeated]);
}

#[test]
fn a_record_that_does_not_fit_leaves_nothing_behind() {
    let mut pc = Pc::new(13);
    let mut store = pc.start();
    let mut unfit = complaint("x");
    unfit.writes.remove(0);
    assert!(matches!(store.enter(&unfit), Err(StoreError::Unfit(_))));
    assert_eq!(store.counts().unwrap(), Counts::default());
    assert_eq!(store.enter(&complaint("y")).unwrap().record.0.seq, 1);
}

mod people;
mod secured;
mod stray;
