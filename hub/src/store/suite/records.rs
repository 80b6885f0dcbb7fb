//! Records, who reads them, and their conflicts.

use kentongan_protocol::ids::RecordId;
use kentongan_protocol::receipt::ReceiptCode;

use super::{BIG, done, fill, office, op, row};
use crate::store::{Attention, Born, Conflict, Page, RecordFilter, RecordRow, RecordTally, Store};

suite! {
    a_tally_counts_what_came_since_and_what_was_born_since
    a_record_is_entered_once_and_keeps_its_number
    records_are_listed_by_filter_in_both_directions
    a_record_is_shared_once
    a_conflict_keeps_the_time_since_which_it_is_known
}

fn a_record_is_entered_once_and_keeps_its_number(store: &mut dyn Store) {
    let waiting = RecordRow { born: None, ..row(op(1, 1), "32.73.05.1001") };
    assert!(done(store, |tx| tx.insert_record(&waiting)));
    assert!(done(store, |tx| tx.insert_record(&row(op(2, 1), "32.73.05.1001"))));
    assert!(!done(store, |tx| tx.insert_record(&row(op(1, 1), "32.73.06"))));
    assert_eq!(done(store, |tx| tx.record(RecordId(op(1, 1)))), Some(RecordRow { number: 1, ..waiting }));

    let born = RecordRow {
        status: Some(7),
        conflicts: 2,
        summary: "Wc kotor".to_owned(),
        changed: BIG,
        number: 99,
        received_ms: 99,
        ..row(op(1, 1), "32.73.06")
    };
    done(store, |tx| tx.update_record(&born));
    let expected = RecordRow { number: 1, received_ms: 11, ..born };
    assert_eq!(done(store, |tx| tx.record(RecordId(op(1, 1)))), Some(expected.clone()));
    let coded = ReceiptCode::from_number(1).expect("a code");
    let numbers: Vec<u64> = done(store, |tx| tx.records_coded(coded)).iter().map(|row| row.number).collect();
    assert_eq!(numbers, [1, 2]);
}

fn records_are_listed_by_filter_in_both_directions(store: &mut dyn Store) {
    done(store, |tx| {
        for seq in 1..=8 {
            let mut row = row(op(1, seq), if seq % 2 == 0 { "32.73.06" } else { "32.73.05.1001" });
            row.status = Some((seq % 3) as u16);
            row.summary = format!("Jalan RUSAK {seq}");
            if seq == 8 {
                row.born = None;
            }
            tx.insert_record(&row)?;
        }
        Ok(())
    });
    let numbers = |store: &mut dyn Store, filter: &RecordFilter, page| -> Vec<u64> {
        done(store, |tx| tx.records(filter, page, 3)).iter().map(|row| row.number).collect()
    };
    let all = RecordFilter::default();
    assert_eq!(numbers(store, &all, Page::After(0)), [1, 2, 3]);
    assert_eq!(numbers(store, &all, Page::After(6)), [7]);
    assert_eq!(numbers(store, &all, Page::Before(u64::MAX)), [7, 6, 5]);
    let of_office = RecordFilter { office: Some(office("32.73.06")), ..all.clone() };
    assert_eq!(numbers(store, &of_office, Page::Before(6)), [4, 2]);
    let by_status = RecordFilter { form: Some(1), status: Some(Some(1)), ..all.clone() };
    assert_eq!(numbers(store, &by_status, Page::After(1)), [4, 7]);
    assert_eq!(numbers(store, &RecordFilter { form: Some(2), ..all.clone() }, Page::After(0)), [0; 0]);
    let with_text = RecordFilter { text: Some("rusak 5".to_owned()), ..all };
    assert_eq!(numbers(store, &with_text, Page::After(0)), [5]);
    let unmoved = RecordFilter { form: Some(1), status: Some(None), ..RecordFilter::default() };
    assert_eq!(numbers(store, &unmoved, Page::After(0)), [0; 0]);
    done(store, |tx| tx.insert_record(&row(op(2, 1), "32.73.06")));
    assert_eq!(numbers(store, &unmoved, Page::After(0)), [9]);
}

fn a_record_is_shared_once(store: &mut dyn Store) {
    let (record, clinic) = (RecordId(op(1, 1)), office("32.73.05.1001-PKM1"));
    done(store, |tx| fill(tx, 1, 1));
    assert_eq!([0, 1].map(|_| done(store, |tx| tx.share_record(record, &clinic))), [true, false]);
    assert!(done(store, |tx| tx.share_record(record, &office("32.73.04"))));
    assert_eq!(done(store, |tx| tx.shared_with(record)), [office("32.73.04"), clinic]);
    assert_eq!(done(store, |tx| tx.shared_with(RecordId(op(8, 8)))), []);
}

fn a_tally_counts_what_came_since_and_what_was_born_since(store: &mut dyn Store) {
    let mut tally = RecordTally::default();
    let mut count = |store: &mut dyn Store| {
        let mut kept = tally.clone();
        let totals = done(store, |tx| tx.totals_since(&mut kept));
        assert_eq!(totals, done(store, |tx| tx.totals()));
        tally = kept;
        totals.records
    };
    assert_eq!(count(store), []);
    let unborn = RecordRow { born: None, ..row(op(2, 1), "32.73.05.1001") };
    done(store, |tx| {
        fill(tx, 1, 1)?;
        tx.insert_record(&unborn).map(drop)
    });
    assert_eq!(count(store), [(1, 1)], "one that nobody has created is none yet");
    let other = |id| {
        let row = row(id, "32.73.05.1001");
        RecordRow { born: row.born.clone().map(|born| Born { form: 2, ..born }), ..row }
    };
    done(store, |tx| {
        tx.update_record(&row(op(2, 1), "32.73.05.1001"))?;
        tx.insert_record(&other(op(3, 1)))?;
        tx.insert_record(&other(op(4, 1))).map(drop)
    });
    assert_eq!([0, 1].map(|_| count(store)), [[(1, 2), (2, 2)], [(1, 2), (2, 2)]]);
}

fn a_conflict_keeps_the_time_since_which_it_is_known(store: &mut dyn Store) {
    let owner = office("32.73.05.1001");
    let conflict =
        |log, group, since_ms| Conflict { record: RecordId(op(log, 1)), group, since_ms, owner: owner.clone() };
    done(store, |tx| {
        fill(tx, 1, 1)?;
        fill(tx, 2, 1)?;
        tx.put_conflict(&conflict(1, 3, 50))?;
        tx.put_conflict(&conflict(1, 3, 70))?;
        tx.put_conflict(&conflict(1, 2, 60))?;
        tx.put_conflict(&Conflict { owner: office("32.73.06"), ..conflict(2, 9, 40) })
    });
    let of_first = [conflict(1, 2, 60), conflict(1, 3, 50)];
    assert_eq!(done(store, |tx| tx.conflicts_of(RecordId(op(1, 1)))), of_first);
    assert_eq!(done(store, |tx| tx.conflicts(Some(&owner), 9)), [conflict(1, 3, 50), conflict(1, 2, 60)]);
    assert_eq!(done(store, |tx| tx.conflicts(None, 1)).len(), 1);
    done(store, |tx| tx.remove_conflict(RecordId(op(1, 1)), 3));
    assert_eq!(done(store, |tx| tx.totals()).conflicts, 2);
    assert_eq!(done(store, |tx| tx.attention()), Attention { quarantined: 0, conflicts: 2 });
}
