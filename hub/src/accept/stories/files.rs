//! Files that records name: each arrives once, whole and proved, behind the records, whatever is cut.

use kentongan_protocol::attachment::{Content, Standing};

use super::*;
use crate::store::AttachmentState;

/// A paper of this length.
fn paper(bytes: usize) -> (Content, Vec<u8>) {
    let text: Vec<u8> = b"%PDF-1.4 kuitansi ".iter().copied().cycle().take(bytes).collect();
    (Content::of(&text).expect("a paper"), text)
}

fn standing(pc: &Pc) -> Vec<Option<Standing>> {
    pc.files.iter().map(|file| file.standing).collect()
}

#[test]
fn a_file_arrives_behind_its_record_and_lies_in_the_archive() {
    let mut world = World::new();
    let mut sari = world.enrol(1, VILLAGE);
    let record = sari.complain("Kuitansi tidak diberikan");
    let (content, bytes) = paper(100_000);
    sari.attach(record, content, bytes.clone());
    world.exchange(&mut sari).expect("an exchange");
    assert_eq!(standing(&sari), [Some(Standing::Wanted { held: 0 })], "first the record");
    world.exchange(&mut sari).expect("an exchange");
    world.exchange(&mut sari).expect("an exchange");
    assert_eq!(standing(&sari), [Some(Standing::Held)]);
    assert_eq!(world.hub.archive().get(content.hash).expect("readable"), Some(bytes));
    let named = world.done(|tx| tx.attachments_of(record));
    assert_eq!(named.iter().map(|named| named.name.as_str()).collect::<Vec<_>>(), ["surat.pdf"]);
    assert_eq!(named[0].attachment.state, AttachmentState::Held);
    assert!(world.done(|tx| tx.chunks(&content)).is_empty());
}

#[test]
fn what_came_before_a_cut_is_not_sent_again() {
    let mut world = World::new();
    let mut sari = world.enrol(1, VILLAGE);
    let record = sari.complain("Jalan rusak");
    let (content, bytes) = paper(90_000);
    sari.attach(record, content, bytes);
    world.exchange(&mut sari).expect("an exchange");
    let request = sari.request(NOW);
    world.serve(sari.replica, &request[..request.len() / 2]).expect("what came was in order");
    let Some(AttachmentState::Wanted { held, .. }) =
        world.done(|tx| tx.attachment(&content)).map(|attachment| attachment.state)
    else {
        panic!("it is not whole")
    };
    assert!(held >= 16_384, "{held} bytes came before the cut");
    // The office does not know that, begins where it believes to be, and hears the truth.
    world.exchange(&mut sari).expect("an exchange");
    world.exchange(&mut sari).expect("an exchange");
    assert_eq!(standing(&sari), [Some(Standing::Held)]);
}

#[test]
fn only_who_names_a_file_may_bring_it_or_hears_of_it() {
    let mut world = World::new();
    let (mut sari, mut budi) = (world.enrol(1, VILLAGE), world.enrol(2, CLINIC));
    let record = sari.complain("Jalan rusak");
    let (content, bytes) = paper(1_000);
    sari.attach(record, content, bytes.clone());
    world.exchange(&mut sari).expect("an exchange");
    budi.files = sari.files.clone();
    world.exchange(&mut budi).expect("an exchange");
    assert_eq!(standing(&budi), [Some(Standing::Unknown)]);
    world.exchange(&mut sari).expect("an exchange");
    world.exchange(&mut budi).expect("an exchange");
    assert_eq!((standing(&sari)[0], standing(&budi)[0]), (Some(Standing::Held), Some(Standing::Unknown)));
}

#[test]
fn a_file_that_is_not_what_its_hash_says_is_given_up_and_one_of_another_kind_set_aside() {
    let mut world = World::new();
    let mut sari = world.enrol(1, VILLAGE);
    let record = sari.complain("Jalan rusak");
    let (content, bytes) = paper(1_000);
    sari.attach(record, content, bytes[..999].iter().copied().chain([0]).collect());
    let disguised = b"<html><script>".repeat(9);
    let claim = Content { hash: kentongan_protocol::attachment::ContentHash::of(&disguised), bytes: 126, media: 1 };
    sari.attach(record, claim, disguised);
    for _ in 0..5 {
        world.exchange(&mut sari).expect("an exchange");
    }
    assert_eq!(standing(&sari), [Some(Standing::SetAside); 2]);
    assert_eq!(world.hub.archive().get(content.hash).expect("readable"), None);
    let told: Vec<String> = events(&mut world).into_iter().filter(|event| event.starts_with("attachment")).collect();
    let other = "attachment.other_content";
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(told.contains(&"attachment.set_aside".to_owned()) && told.contains(&"attachment.given_up".to_owned()));
    assert_eq!(told.iter().filter(|event| *event == other).count(), 2);
}

#[test]
fn a_file_that_somebody_else_names_too_is_not_given_up_however_often_wrong_bytes_come() {
    let mut world = World::new();
    let (mut sari, mut other) = (world.enrol(1, VILLAGE), world.enrol(2, VILLAGE));
    let (content, bytes) = paper(50_000);
    let record = sari.complain("Kuitansi tidak diberikan");
    sari.attach(record, content, bytes.clone());
    world.exchange(&mut sari).expect("an exchange");
    let record = other.complain("Saya tahu jumlahnya saja");
    other.attach(record, content, vec![0; 50_000]);
    for _ in 0..6 {
        world.exchange(&mut other).expect("an exchange");
    }
    assert_eq!(standing(&other), [Some(Standing::Wanted { held: 0 })]);
    for _ in 0..2 {
        world.exchange(&mut sari).expect("an exchange");
    }
    assert_eq!(standing(&sari), [Some(Standing::Held)]);
    assert_eq!(world.hub.archive().get(content.hash).expect("readable"), Some(bytes));
}

#[test]
fn a_file_that_was_given_up_is_wanted_again_from_whoever_names_it_then() {
    let mut world = World::new();
    let (mut other, mut sari) = (world.enrol(1, VILLAGE), world.enrol(2, VILLAGE));
    let (content, bytes) = paper(5_000);
    let record = other.complain("Saya tahu jumlahnya saja");
    other.attach(record, content, vec![0; 5_000]);
    for _ in 0..5 {
        world.exchange(&mut other).expect("an exchange");
    }
    assert_eq!(standing(&other), [Some(Standing::SetAside)]);
    let record = sari.complain("Kuitansi tidak diberikan");
    sari.attach(record, content, bytes.clone());
    for _ in 0..3 {
        world.exchange(&mut sari).expect("an exchange");
    }
    assert_eq!(standing(&sari), [Some(Standing::Held)]);
    assert_eq!(world.hub.archive().get(content.hash).expect("readable"), Some(bytes));
}

#[test]
fn a_file_that_the_store_forgot_is_found_in_the_archive() {
    let mut world = World::new();
    let (mut sari, mut budi) = (world.enrol(1, VILLAGE), world.enrol(2, CLINIC));
    let (content, bytes) = paper(50_000);
    world.hub.archive().put(content.hash, &bytes).expect("kept");
    for pc in [&mut sari, &mut budi] {
        let record = pc.complain("Jalan rusak");
        pc.attach(record, content, Vec::new());
        world.exchange(pc).expect("an exchange");
        world.exchange(pc).expect("an exchange");
        assert_eq!(standing(pc), [Some(Standing::Held)], "not a byte was needed");
    }
}
