//! Tablets and what they hand over.

use kentongan_protocol::form::builtin::suara;

use super::super::kiosk;
use super::*;

fn vote(face: u16) -> NewRecord {
    let values = BTreeMap::from([(suara::FACE, Value::One(face))]);
    NewRecord { form: suara::TAG, author: "kios Loket 1".into(), writes: vec![(suara::GROUP, values)] }
}

fn handed(number: u8) -> Handed {
    Handed { id: [number; 16], record: Some(vote(4)) }
}

#[test]
fn an_answer_that_is_handed_over_again_is_taken_once_for_each_tablet() {
    let mut pc = Pc::new(310);
    let mut store = pc.start();
    let one = store.pair_kiosk(" Loket 1 ", b"kunci satu").unwrap();
    let other = store.pair_kiosk("Loket 2", b"kunci dua").unwrap();
    assert_eq!((one.id, one.name.as_str(), other.id), (1, "Loket 1", 2));
    let nothing = Handed { id: [9; 16], record: None };
    let first = store.take_handed(1, vec![handed(1), handed(2), nothing]).unwrap();
    assert_eq!(first, Taken { here: vec![[1; 16], [2; 16]], refused: vec![[9; 16]], new: 2 });
    let again = store.take_handed(1, vec![handed(2), handed(3)]).unwrap();
    assert_eq!((again.here.len(), again.new), (2, 1), "a lost answer of ours costs nothing");
    assert_eq!(store.take_handed(2, vec![handed(1)]).unwrap().new, 1, "another tablet's number is another one");
    assert_eq!(store.counts().unwrap().by_form, BTreeMap::from([(suara::TAG, 4)]));
    assert_eq!(store.room_of_kiosk(1).unwrap(), kiosk::ANSWERS_OF_DAY_MAX - 3);
}

#[test]
fn a_tablet_that_was_let_go_is_known_no_more() {
    let mut pc = Pc::new(311);
    let mut store = pc.start();
    assert!(matches!(store.pair_kiosk("\u{7}", b"kunci"), Err(StoreError::UnfitName)));
    store.pair_kiosk("Loket 1", b"kunci").unwrap();
    assert_eq!(store.kiosk_of_key(b"kunci").unwrap().map(|kiosk| kiosk.id), Some(1));
    assert_eq!(store.kiosk_of_key(b"Kunci").unwrap(), None);
    assert!(store.let_kiosk_go(1).unwrap() && !store.let_kiosk_go(1).unwrap());
    assert_eq!(store.kiosk_of_key(b"kunci").unwrap(), None);
    assert!(store.kiosks().unwrap()[0].ended_ms.is_some());
}

#[test]
fn tablets_are_known_again_in_a_repaired_store_and_those_let_go_stay_so() {
    let mut pc = Pc::new(312);
    let mut store = pc.start();
    store.pair_kiosk("Loket 1", b"kunci satu").unwrap();
    store.pair_kiosk("Loket 2", b"kunci dua").unwrap();
    store.take_handed(1, vec![handed(1), handed(2)]).unwrap();
    assert!(store.let_kiosk_go(2).unwrap());
    let before = store.kiosks().unwrap();
    let mut store = pc.start_salvaged(store);
    assert_eq!(store.kiosks().unwrap(), before);
    assert_eq!(store.kiosk_of_key(b"kunci satu").unwrap().map(|kiosk| kiosk.id), Some(1));
    assert_eq!(store.kiosk_of_key(b"kunci dua").unwrap(), None);
    assert_eq!(store.room_of_kiosk(1).unwrap(), kiosk::ANSWERS_OF_DAY_MAX - 2);
    assert_eq!(store.take_handed(1, vec![handed(2)]).unwrap().new, 0, "what was handed over is known, too");
    assert_eq!(store.pair_kiosk("Loket 3", b"kunci tiga").unwrap().id, 3);
}
