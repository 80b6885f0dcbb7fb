//! The people of the office and their PINs.

use kentongan_host::recovery::KEY_BYTES;
use kentongan_host::secret;

use super::*;
use crate::people::Role;

const KEY: [u8; KEY_BYTES] = [0x5a; KEY_BYTES];

/// Hashes are dear, and only who may have one matters here.
fn with_two() -> (Pc, Store) {
    let mut pc = Pc::new(300);
    let mut store = pc.start();
    store.add_person("Wayan", Role::Manager, "hash satu").unwrap();
    store.add_person("Siti", Role::Clerk, "hash dua").unwrap();
    (pc, store)
}

#[test]
fn the_first_is_a_duty_manager_and_so_is_the_last() {
    let mut pc = Pc::new(300);
    let mut store = pc.start();
    assert!(matches!(store.add_person("Siti", Role::Clerk, "x"), Err(StoreError::NeedsManager)));
    let (_pc, mut store) = with_two();
    assert!(matches!(store.part_with(1), Err(StoreError::NeedsManager)));
    store.part_with(2).unwrap();
    store.part_with(1).unwrap();
    assert!(store.people().unwrap().iter().all(|person| person.left_ms.is_some()), "nobody is removed");
    assert!(matches!(store.person(1), Err(StoreError::NoSuchPerson)));
    let next = store.add_person("Wayan", Role::Manager, "x").unwrap();
    assert_eq!(next.id, 3, "a number is never given again, a name may be");
}

#[test]
fn a_name_is_somebodys_alone_and_can_be_shown() {
    let (_pc, mut store) = with_two();
    for name in ["", "  ", "siti", " SITI ", "Budi\u{7}", &"a".repeat(65)] {
        assert!(matches!(store.add_person(name, Role::Clerk, "x"), Err(StoreError::UnfitName)), "{name:?}");
    }
}

#[test]
fn wrong_pins_count_until_a_right_or_a_new_one() {
    let (_pc, mut store) = with_two();
    store.note_proof(2, false).unwrap();
    store.note_proof(2, false).unwrap();
    assert_eq!((store.person(1).unwrap().wrong, store.person(2).unwrap().wrong), (0, 2));
    store.note_proof(2, true).unwrap();
    assert_eq!(store.person(2).unwrap().wrong, 0);
    store.note_proof(2, false).unwrap();
    store.put_pin(2, "hash tiga", false).unwrap();
    let (siti, pin, _) = store.proof_of(2).unwrap();
    assert_eq!((siti.wrong, siti.temporary, pin.as_str()), (0, false, "hash tiga"));
}

#[test]
fn a_challenge_is_one_persons_and_answered_once() {
    let (_pc, mut store) = with_two();
    store.keep_recovery_key(KEY).unwrap();
    let first = store.challenge(2).unwrap();
    assert_eq!(store.open_challenge(1).unwrap(), None);
    assert_eq!(store.open_challenge(2).unwrap(), Some(first));
    let (_, _, keys) = store.proof_of(2).unwrap();
    assert_eq!(keys, Some((KEY, member().replica)));
    store.close_challenge().unwrap();
    assert_eq!(store.open_challenge(2).unwrap(), None);
}

#[test]
fn people_and_the_recovery_key_are_found_again_in_a_damaged_store() {
    let (mut pc, mut store) = with_two();
    store.keep_recovery_key(KEY).unwrap();
    let hash = secret::hash("4821");
    store.put_pin(2, &hash, false).unwrap();
    store.part_with(2).unwrap();
    let before = store.people().unwrap();
    let mut store = pc.start_salvaged(store);
    assert_eq!(store.people().unwrap(), before);
    let next = store.add_person("Putu", Role::Clerk, "x").unwrap();
    assert_eq!(next.id, 3);
    let (_, pin, keys) = store.proof_of(1).unwrap();
    assert_eq!((pin.as_str(), keys.map(|(key, _)| key)), ("hash satu", Some(KEY)));
}
