//! What a person has begun to fill in.

use kentongan_protocol::attachment::{Attachment, Content};

use super::super::draft::{DRAFT_BYTES_MAX, DRAFT_FILES_MAX, DraftName, Inputs};
use super::*;
use crate::photo::Prepared;

const NAME: DraftName = DraftName([7; 16]);

fn inputs(text: &str) -> Inputs {
    Inputs::from([("uraian".to_owned(), vec![text.to_owned()])])
}

fn photo(byte: u8) -> Prepared {
    let content = [&b"%PDF-1.4 "[..], &[byte; 40]].concat();
    let named = Content::of(&content).expect("a paper");
    Prepared { attachment: Attachment { content: named, name: "bukti; satu.pdf".to_owned() }, content }
}

#[test]
fn names_come_back_from_their_text() {
    let name = DraftName::draw();
    assert_eq!(name.to_string().parse(), Ok(name));
    for wrong in ["", "ab", &"g".repeat(32), &format!("+{}", "a".repeat(31))] {
        assert_eq!(wrong.parse::<DraftName>(), Err(()), "{wrong}");
    }
}

#[test]
fn a_draft_is_the_last_that_was_typed_until_it_is_thrown_away() {
    let mut store = Pc::new(1).start();
    store.keep_draft(NAME, pengaduan::TAG, &inputs("Lam")).expect("kept");
    store.keep_draft(NAME, pengaduan::TAG, &inputs("Lampu")).expect("kept");
    let drafts = store.drafts().expect("read");
    assert_eq!(drafts.len(), 1);
    assert_eq!((drafts[0].form, &drafts[0].inputs), (pengaduan::TAG, &inputs("Lampu")));
    assert!(store.add_draft_file(NAME, &photo(1)).expect("added"));
    store.drop_draft(NAME).expect("thrown away");
    assert_eq!(store.draft(NAME).expect("read"), None);
    assert_eq!(store.draft_file(NAME, 1).expect("read"), None);
}

#[test]
fn a_draft_becomes_one_record_however_often_it_is_saved_and_keeps_its_files() {
    let mut store = Pc::new(1).start();
    store.keep_draft(NAME, pengaduan::TAG, &inputs("Lampu padam")).expect("kept");
    for byte in [1, 2, 2] {
        assert!(store.add_draft_file(NAME, &photo(byte)).expect("added"));
    }
    let entered = store.finish_draft(NAME, complaint("Lampu padam")).expect("saved");
    let again = store.finish_draft(NAME, complaint("Lampu padam")).expect("the same");
    assert_eq!(entered, again);
    assert_eq!(store.counts().expect("counted").entered, 1);
    assert_eq!(store.attachment_totals().expect("counted").waiting, 2, "a file chosen twice is there once");
    assert_eq!(store.drafts().expect("read"), []);
    store.keep_draft(NAME, pengaduan::TAG, &inputs("late")).expect("a late autosave does no harm");
    let draft = store.draft(NAME).expect("read").expect("remembered");
    assert_eq!((draft.record, draft.inputs.len(), draft.files.len()), (Some(entered.record), 0, 0));
    assert!(!store.add_draft_file(NAME, &photo(3)).expect("no room any more"));
}

#[test]
fn what_does_not_fit_leaves_the_draft_as_it_was() {
    let mut store = Pc::new(1).start();
    store.keep_draft(NAME, pengaduan::TAG, &inputs("Lampu padam")).expect("kept");
    store.add_draft_file(NAME, &photo(1)).expect("added");
    let unfit = NewRecord { writes: Vec::new(), ..complaint("Lampu padam") };
    assert!(matches!(store.finish_draft(NAME, unfit), Err(StoreError::Unfit(_))));
    let draft = store.draft(NAME).expect("read").expect("there");
    assert_eq!((draft.record, draft.files.len()), (None, 1));
    assert_eq!(store.counts().expect("counted").entered, 0);
}

#[test]
fn drafts_and_their_files_are_bounded() {
    let mut pc = Pc::new(1);
    let mut store = pc.start();
    for number in 0..210_u8 {
        pc.clock.pass(1_000);
        store.keep_draft(DraftName([number; 16]), pengaduan::TAG, &inputs("x")).expect("kept");
    }
    assert_eq!(store.drafts().expect("read").len(), 200);
    assert_eq!(store.draft(NAME).expect("read"), None, "the oldest went");
    store.keep_draft(NAME, pengaduan::TAG, &inputs("x")).expect("kept");
    for byte in 0..15 {
        store.add_draft_file(NAME, &photo(byte)).expect("asked");
    }
    assert_eq!(store.draft(NAME).expect("read").expect("there").files.len(), DRAFT_FILES_MAX);
    let long = inputs(&"x".repeat(DRAFT_BYTES_MAX));
    assert!(store.keep_draft(NAME, pengaduan::TAG, &long).is_err());
}

#[test]
fn drafts_and_their_files_are_found_again_in_a_damaged_store() {
    let mut pc = Pc::new(1);
    let mut store = pc.start();
    store.keep_draft(NAME, pengaduan::TAG, &inputs("Lam")).expect("kept");
    store.keep_draft(NAME, pengaduan::TAG, &inputs(&"Lampu padam. ".repeat(2_000))).expect("kept");
    assert!(store.add_draft_file(NAME, &photo(1)).expect("added"));
    let saved = DraftName([8; 16]);
    store.keep_draft(saved, pengaduan::TAG, &inputs("Jalan rusak")).expect("kept");
    let entered = store.finish_draft(saved, complaint("Jalan rusak")).expect("saved");
    let before = store.drafts().expect("read");
    let mut store = pc.start_salvaged(store);
    assert_eq!(store.drafts().expect("read"), before);
    let (number, _) = before[0].files[0];
    assert_eq!(store.draft_file(NAME, number).expect("read"), Some(photo(1)));
    assert_eq!(store.finish_draft(saved, complaint("Jalan rusak")).expect("the same"), entered);
}
