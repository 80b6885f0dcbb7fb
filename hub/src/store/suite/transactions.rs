//! Work that fails, in whole or in part.

use kentongan_protocol::ids::Topic;
use kentongan_protocol::log::ChainHash;

use super::{SARI, done, fill, name, op, sari};
use crate::store::{FeedItem, Job, Result, Store, StoreError, Totals, transact_group, transact_with};

suite! {
    work_that_fails_leaves_nothing
    a_part_that_fails_is_undone_and_the_rest_commits
    one_job_of_a_group_fails_and_the_others_commit
}

fn work_that_fails_leaves_nothing(store: &mut dyn Store) {
    let failed: Result<()> = transact_with(store, |tx| {
        fill(tx, 1, 2)?;
        tx.put_replica(&sari())?;
        tx.feed_append(&Topic::Everyone, &FeedItem::Op { id: op(1, 1), writer: SARI })?;
        Err(StoreError::Undone)
    });
    assert!(failed.is_err());
    let left = done(store, |tx| Ok((tx.log(name(1))?, tx.op(op(1, 1))?, tx.replicas()?, tx.totals()?)));
    assert_eq!(left, (None, None, vec![], Totals::default()));
}

fn a_part_that_fails_is_undone_and_the_rest_commits(store: &mut dyn Store) {
    done(store, |tx| {
        fill(tx, 1, 1)?;
        let failed = tx.part(&mut |tx| {
            fill(tx, 2, 1)?;
            tx.part(&mut |tx| tx.put_replica(&sari()))?;
            tx.advance_log(name(1), 9, ChainHash([9; 32]))?;
            Err(StoreError::Undone)
        });
        assert!(failed.is_err());
        tx.part(&mut |tx| fill(tx, 3, 1))
    });
    let logs = done(store, |tx| Ok([1, 2, 3].map(|log| tx.log(name(log)).expect("readable").map(|log| log.stored))));
    assert_eq!(logs, [Some(1), None, Some(1)]);
    assert_eq!(done(store, |tx| tx.replicas()), []);
}

fn one_job_of_a_group_fails_and_the_others_commit(store: &mut dyn Store) {
    let jobs: Vec<Job<'_>> = vec![
        Box::new(|tx| fill(tx, 1, 2)),
        Box::new(|tx| fill(tx, 5, 2).and(Err(StoreError::Undone))),
        Box::new(|tx| fill(tx, 3, 2)),
        Box::new(|tx| fill(tx, 3, 2)),
    ];
    let results: Vec<bool> = transact_group(store, jobs).iter().map(Result::is_ok).collect();
    assert_eq!(results, [true, false, true, false]);
    let logs = done(store, |tx| tx.logs_of(SARI, None, 9));
    let mut logs: Vec<_> = logs.iter().map(|log| log.head.run().run.0).collect();
    logs.sort_unstable();
    assert_eq!(logs, [1, 3]);
}
