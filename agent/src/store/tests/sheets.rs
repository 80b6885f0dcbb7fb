//! Sheets of paper that are typed.

use kentongan_protocol::form::builtin::skm;

use super::super::SheetState;
use super::super::draft::Inputs;
use super::*;
use crate::paper::{Batch, Sheet};

const WEEKS_MS: u64 = 30 * 24 * 3_600_000;

fn survey(score: u16) -> NewRecord {
    let answer = BTreeMap::from([(skm::ELEMENTS[0].1, Value::One(score))]);
    NewRecord { form: skm::TAG, author: "Siti".to_owned(), writes: vec![(skm::GROUP, answer)] }
}

fn sheets() -> [Sheet; 2] {
    let batch = Batch::draw(2).expect("a batch");
    [1, 2].map(|number| batch.sheet(number).expect("a sheet"))
}

#[test]
fn a_sheet_becomes_one_record_however_often_and_late_it_is_typed() {
    let mut pc = Pc::new(1);
    let mut store = pc.start();
    let [sheet, other] = sheets();
    assert_eq!(store.sheet(sheet).expect("read"), SheetState::Blank);
    store.keep_draft(sheet.draft(), skm::TAG, &Inputs::new()).expect("kept");
    assert_eq!(store.sheet(sheet).expect("read"), SheetState::Blank, "a draft is not typed yet");
    let entered = store.finish_draft(sheet.draft(), survey(4)).expect("saved");
    let typed = SheetState::Typed { record: entered.record, typed_ms: NOON };
    assert_eq!(store.sheet(sheet).expect("read"), typed);
    // Long after the draft was forgotten.
    pc.clock.pass(WEEKS_MS);
    store.keep_draft(other.draft(), skm::TAG, &Inputs::new()).expect("kept");
    assert_eq!(store.draft(sheet.draft()).expect("read"), None);
    for _ in 0..2 {
        assert_eq!(store.finish_draft(sheet.draft(), survey(1)).expect("the same"), entered);
        store.keep_draft(sheet.draft(), skm::TAG, &Inputs::new()).expect("kept");
    }
    assert_eq!(store.counts().expect("counted").entered, 1);
    assert_eq!(store.sheets(sheet.batch()).expect("read"), [(sheet, typed), (other, SheetState::Blank)]);
}

#[test]
fn that_a_sheet_was_typed_is_known_after_the_store_was_damaged() {
    let mut pc = Pc::new(1);
    let mut store = pc.start();
    let [sheet, other] = sheets();
    let entered = store.finish_draft(sheet.draft(), survey(4)).expect("saved");
    let store = pc.start_salvaged(store);
    let state = store.sheet(sheet).expect("read");
    assert!(matches!(state, SheetState::Typed { record, .. } if record == entered.record), "{state:?}");
    assert_eq!(store.sheet(other).expect("read"), SheetState::Blank);
}

#[test]
fn a_complaint_under_the_name_of_a_sheet_is_a_complaint_and_no_sheet() {
    let mut store = Pc::new(1).start();
    let [sheet, _] = sheets();
    let entered = store.finish_draft(sheet.draft(), complaint("Lampu padam")).expect("saved");
    assert!(entered.receipt.is_some());
    assert_eq!(store.sheet(sheet).expect("read"), SheetState::Blank);
}
