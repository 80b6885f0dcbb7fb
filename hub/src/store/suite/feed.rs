//! The feed.

use kentongan_protocol::ids::Topic;
use kentongan_protocol::wire::codec::List;
use kentongan_protocol::wire::v1::VerdictFrame;

use super::{BUDI, SARI, done, fill, office, op};
use crate::store::{FeedItem, FeedLimit, FeedRow, FeedSlice, Store, StoreError, transact_with};

suite! {
    feed_numbers_are_one_sequence_and_an_undone_one_is_given_again
    a_reader_passes_over_its_own_ops_and_never_over_a_verdict
}

fn feed_numbers_are_one_sequence_and_an_undone_one_is_given_again(store: &mut dyn Store) {
    let sukamaju = Topic::Office(office("32.73.05.1001"));
    let item = FeedItem::Op { id: op(1, 1), writer: SARI };
    done(store, |tx| fill(tx, 1, 1));
    let first = done(store, |tx| Ok([tx.feed_append(&sukamaju, &item)?, tx.feed_append(&Topic::Everyone, &item)?]));
    let undone = transact_with(store, |tx| tx.feed_append(&sukamaju, &item).and(Err::<(), _>(StoreError::Undone)));
    assert!(undone.is_err());
    let third = done(store, |tx| {
        let part = tx.part(&mut |tx| tx.feed_append(&sukamaju, &item).and(Err(StoreError::Undone)));
        assert!(part.is_err());
        tx.feed_append(&sukamaju, &item)
    });
    assert_eq!((first, third, done(store, |tx| tx.feed_last())), ([1, 2], 3, 3));
}

fn a_reader_passes_over_its_own_ops_and_never_over_a_verdict(store: &mut dyn Store) {
    let topic = Topic::Office(office("32.73.05.1001"));
    let verdict = VerdictFrame::NeedsRepair(List(vec![(Some(3), None, 9)]));
    done(store, |tx| {
        fill(tx, 1, 9)?;
        for seq in 1..=6 {
            let writer = if seq % 2 == 0 { BUDI } else { SARI };
            tx.feed_append(&topic, &FeedItem::Op { id: op(1, seq), writer })?;
        }
        tx.feed_append(&topic, &FeedItem::Verdict { id: op(1, 1), verdict: verdict.clone() })?;
        tx.feed_append(&Topic::Everyone, &FeedItem::Op { id: op(1, 9), writer: BUDI })
    });
    let limit = FeedLimit { entries_max: 99, bytes_aim: 999, scanned_max: 99 };
    let read = |store: &mut dyn Store, after, limit| done(store, |tx| tx.feed_read(&topic, after, SARI, limit));
    let entry = |seq| FeedRow::Op { number: seq, id: op(1, seq), bytes: b"sepuluh b.".to_vec() };
    let told = FeedRow::Verdict { number: 7, id: op(1, 1), verdict: verdict.clone() };
    let all = FeedSlice { rows: vec![entry(2), entry(4), entry(6), told], upto: 7, more: false };
    assert_eq!(read(store, 0, limit), all);
    assert_eq!(read(store, 7, limit), FeedSlice { upto: 7, ..FeedSlice::default() });
    let cases = [
        (0, FeedLimit { entries_max: 1, ..limit }, vec![entry(2)], 2),
        (2, FeedLimit { bytes_aim: 15, ..limit }, vec![entry(4), entry(6)], 6),
        (0, FeedLimit { bytes_aim: 0, ..limit }, vec![entry(2)], 2),
        (2, FeedLimit { scanned_max: 1, ..limit }, vec![], 3),
    ];
    for (after, limit, rows, upto) in cases {
        assert_eq!(read(store, after, limit), FeedSlice { rows, upto, more: true }, "{limit:?}");
    }
}
