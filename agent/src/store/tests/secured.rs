//! Stories about what a second copy of the hub holds too.

use kentongan_host::bundle::{AnswerKey, KEY_BYTES, Name, Sealed};
use kentongan_protocol::form::builtin::skm;
use kentongan_protocol::wire::codec;
use kentongan_protocol::wire::v1::extension;

use super::*;

const DAY_MS: i64 = 86_400_000;

/// Marks of a hub that raised durable marks at this time, and that has not forgotten how far this PC has read.
fn raised(logs: Vec<([u8; 8], u64, u64)>, at_ms: i64) -> Marks {
    let mut marks = marks(logs, 1_000);
    marks.extensions = List(vec![(extension::BACKED_UP, Blob(codec::encode(&at_ms)))]);
    marks
}

fn told(store: &mut Store, marks: Marks) -> Applied {
    store.apply(Event::Marks(marks), None).unwrap()
}

/// A log of survey answers that another PC of this office wrote.
fn budis_log() -> LogHead {
    LogHead::new(ReplicaId(12), member().office, Lane::Survey, *hub_log(0x77).run())
}

fn answer(text: &str) -> Op {
    let values = BTreeMap::from([(13, Value::Text(text.into())), (30, Value::One(3))]);
    let action = Action::Create { form: skm::TAG, form_version: 1, receipt: None };
    let write = Write { group: skm::GROUP, replaces: Vec::new(), cycle: 0, values };
    Op { action, author: "budi".into(), elapsed_ms: 5, hlc: Hlc(9), writes: vec![write] }
}

fn surveys(store: &mut Store) -> usize {
    let filter = QueueFilter { state: None, form: Some(skm::TAG), limit: 100 };
    store.queue(&filter).unwrap().len()
}

#[test]
fn durable_marks_are_asked_for_once_after_each_backup_of_the_hub() {
    let mut store = Pc::new(1).start();
    store.enter(&complaint("Antrean panjang")).unwrap();
    let mut arrived = all_stored(&mut store);
    assert_eq!(store.to_ask().unwrap(), []);
    arrived.extensions = raised(Vec::new(), 5).extensions;
    let log = arrived.logs.0[0].0;
    told(&mut store, arrived);
    assert_eq!((store.counts().unwrap().arrived, store.counts().unwrap().secured), (1, 0));

    assert!(store.wants_marks().unwrap());
    assert_eq!(store.to_ask().unwrap(), [(LogId::from_bytes(log), 1)]);
    assert_eq!(told(&mut store, raised(vec![(log, 1, 1)], 5)).secured, 1);
    assert_eq!((store.counts().unwrap().arrived, store.counts().unwrap().secured), (1, 1));
    assert_eq!((store.wants_marks().unwrap(), store.to_ask().unwrap()), (false, vec![]));

    // What comes later is not in that copy, and is asked about after the next one.
    store.enter(&complaint("Jalan rusak")).unwrap();
    told(&mut store, raised(vec![(log, 2, 1)], 5));
    assert_eq!((store.wants_marks().unwrap(), store.counts().unwrap().secured), (false, 1));
    told(&mut store, raised(Vec::new(), 6));
    assert_eq!(store.to_ask().unwrap(), [(LogId::from_bytes(log), 2)]);
}

#[test]
fn a_hub_put_back_to_before_its_first_backup_is_not_asked_for_ever() {
    let mut store = Pc::new(1).start();
    store.enter(&complaint("Antrean panjang")).unwrap();
    let mut arrived = all_stored(&mut store);
    arrived.extensions = raised(Vec::new(), 5).extensions;
    told(&mut store, arrived);
    assert_eq!(store.to_ask().unwrap().len(), 1);
    told(&mut store, marks(Vec::new(), 0));
    assert_eq!((store.wants_marks().unwrap(), store.hub_backed_up_ms().unwrap()), (false, None));
}

#[test]
fn an_exchange_that_was_cut_before_its_marks_asks_again() {
    let mut store = Pc::new(1).start();
    store.enter(&complaint("Antrean panjang")).unwrap();
    let mut arrived = all_stored(&mut store);
    arrived.extensions = raised(Vec::new(), 5).extensions;
    told(&mut store, arrived);
    assert_eq!(store.to_ask().unwrap().len(), 1);
    assert_eq!(store.to_ask().unwrap().len(), 1);
    // The answer to something else says nothing of what was not asked.
    assert_eq!(store.opening(&HEALTH(), 1).unwrap().open.len(), 0);
}

#[test]
fn survey_answers_of_others_are_put_away_when_a_copy_covers_them_and_they_are_old_and_own_ones_never() {
    let mut pc = Pc::new(1);
    let mut store = pc.start();
    let own = NewRecord {
        form: skm::TAG,
        author: "sari".into(),
        writes: vec![(skm::GROUP, answer("x").writes[0].values.clone())],
    };
    store.enter(&own).unwrap();
    let arrived = all_stored(&mut store);
    let own_log = arrived.logs.0[0].0;
    told(&mut store, arrived);
    let head = budis_log();
    let ops: Vec<Op> = (0..3).map(|n| answer(&format!("loket {n}"))).collect();
    store.apply(Event::Feed(page(&head, &ops, 1)), None).unwrap();
    assert_eq!(surveys(&mut store), 4);

    pc.clock.pass(500 * DAY_MS as u64);
    assert_eq!(store.prune(400 * DAY_MS).unwrap(), 0, "no copy covers them");
    told(&mut store, raised(vec![(own_log, 1, 1), (head.log().to_bytes(), 3, 2)], 5));
    assert_eq!(store.prune(600 * DAY_MS).unwrap(), 0, "too young");
    assert_eq!(store.prune(400 * DAY_MS).unwrap(), 2);
    assert_eq!((surveys(&mut store), store.prune(400 * DAY_MS).unwrap()), (2, 0));

    // Told again, because the hub forgot how far this PC had read, they stay away.
    store.apply(Event::Feed(page(&head, &ops, 1)), None).unwrap();
    assert_eq!(surveys(&mut store), 2);
}

#[test]
fn a_hub_that_forgot_what_it_had_vouched_for_is_told_of_and_stops_nothing() {
    let mut pc = Pc::new(1);
    let mut store = pc.start();
    store.enter(&complaint("Antrean panjang")).unwrap();
    let arrived = all_stored(&mut store);
    let own_log = arrived.logs.0[0].0;
    told(&mut store, arrived);
    let head = budis_log();
    let ops: Vec<Op> = (0..3).map(|n| answer(&format!("loket {n}"))).collect();
    store.apply(Event::Feed(page(&head, &ops, 1)), None).unwrap();
    told(&mut store, raised(vec![(own_log, 1, 1), (head.log().to_bytes(), 3, 2)], 5));
    pc.clock.pass(500 * DAY_MS as u64);
    assert_eq!(store.prune(400 * DAY_MS).unwrap(), 2);

    let applied = told(&mut store, raised(vec![(own_log, 0, 0), (head.log().to_bytes(), 0, 0)], 4));
    assert_eq!((applied.betrayed, applied.forgotten), (3, 1));
    assert_eq!(store.hub_forgot().unwrap(), 3);
    // The own log is offered from its beginning; the other one has none here any more and does not hold it up.
    let open = store.opening(&HEALTH(), 1 << 20).unwrap().open;
    assert_eq!(open.iter().map(|open| (open.head.log().to_bytes(), open.stored)).collect::<Vec<_>>(), [(own_log, 0)]);
}

#[test]
fn the_rest_of_a_log_is_given_back_when_a_hub_that_had_lost_all_of_it_has_what_was_put_away() {
    let mut pc = Pc::new(1);
    let mut store = pc.start();
    let head = budis_log();
    let ops: Vec<Op> = (0..3).map(|n| answer(&format!("loket {n}"))).collect();
    let chain = ops.iter().fold(head.chain_start(), |chain, op| chain.then(&op.encode().unwrap()));
    let heads = List(vec![(head.log().to_bytes(), 3, chain.0)]);
    let attest = Attest { replica: head.replica().to_bytes(), heads, signature: [7; 64] };
    store.apply(Event::Feed(Feed { attests: List(vec![attest]), ..page(&head, &ops, 1) }), None).unwrap();
    told(&mut store, raised(vec![(head.log().to_bytes(), 3, 2)], 5));
    pc.clock.pass(500 * DAY_MS as u64);
    assert_eq!(store.prune(400 * DAY_MS).unwrap(), 2);

    let offered = |store: &mut Store| -> Vec<(u64, u64)> {
        store.opening(&HEALTH(), 1 << 20).unwrap().open.iter().map(|open| (open.stored, open.held)).collect()
    };
    told(&mut store, raised(vec![(head.log().to_bytes(), 0, 0)], 4));
    assert_eq!(offered(&mut store), [], "its beginning is not here");
    // Put back to a later copy, the hub has the beginning, and this PC reads there again.
    store.apply(Event::Feed(page(&head, &ops[..2], 1)), None).unwrap();
    assert_eq!(offered(&mut store), [(2, 3)]);
}

#[test]
fn a_bundle_that_is_made_during_a_contact_changes_nothing_of_how_its_answer_is_read() {
    let mut store = Pc::new(1).start();
    store.enter(&complaint("Antrean panjang")).unwrap();
    let mut arrived = all_stored(&mut store);
    arrived.extensions = raised(Vec::new(), 5).extensions;
    let log = arrived.logs.0[0].0;
    told(&mut store, arrived);
    assert_eq!(store.to_ask().unwrap().len(), 1);

    let key = SigningKey::generate().unwrap();
    let sealed = |request: &[u8], _: ReplicaId| {
        Some(Sealed { file: request.to_vec(), name: Name([1; 8]), answer_key: AnswerKey([2; KEY_BYTES]) })
    };
    store.make_bundle(&HEALTH(), &key, sealed).unwrap();

    assert_eq!(told(&mut store, raised(vec![(log, 1, 1)], 5)).secured, 1);
    assert!(!store.wants_marks().unwrap(), "they were asked for, and told");
}
