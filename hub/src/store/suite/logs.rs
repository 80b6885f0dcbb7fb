//! Logs and their ops.

use kentongan_protocol::ids::{LogId, RecordId};
use kentongan_protocol::judge::Quarantine;
use kentongan_protocol::log::ChainHash;
use kentongan_protocol::wire::codec::List;
use kentongan_protocol::wire::v1::{Attest, VerdictFrame};

use super::{BIG, SARI, done, fill, head, name, new_op, op};
use crate::store::{Attestation, Fork, Log, OpState, Store, StoreError, StoredOp, transact_with};

suite! {
    a_log_is_entered_once_and_its_durable_mark_never_falls
    the_time_of_the_last_backup_is_the_last_one_noted
    logs_of_a_replica_are_listed_in_pages_each_once
    an_op_is_stored_once_and_read_in_bounded_pieces
    ops_of_a_record_come_in_the_order_of_arrival
    what_is_kept_aside_is_listed_until_someone_decides
    the_signature_that_covers_most_is_kept
    a_fork_is_kept_once
}

fn a_log_is_entered_once_and_its_durable_mark_never_falls(store: &mut dyn Store) {
    done(store, |tx| fill(tx, BIG, 4));
    let again = transact_with(store, |tx| tx.insert_log(&head(BIG)));
    assert!(matches!(again, Err(StoreError::Taken(_))));
    let mut durable = Vec::new();
    for seq in [3, 1, u64::MAX] {
        done(store, |tx| tx.raise_durable(name(BIG), seq));
        durable.extend(done(store, |tx| tx.log(name(BIG))).map(|log| log.durable));
    }
    assert_eq!(durable, [3, 3, 4]);
    let expected = Log { head: head(BIG), stored: 4, chain: ChainHash([4; 32]), durable: 4 };
    assert_eq!(done(store, |tx| tx.log(name(BIG))), Some(expected.clone()));
}

fn the_time_of_the_last_backup_is_the_last_one_noted(store: &mut dyn Store) {
    assert_eq!(done(store, |tx| tx.backed_up_ms()), None);
    done(store, |tx| tx.note_backed_up(7));
    done(store, |tx| tx.note_backed_up(5));
    assert_eq!(done(store, |tx| tx.backed_up_ms()), Some(5));
}

fn logs_of_a_replica_are_listed_in_pages_each_once(store: &mut dyn Store) {
    let numbers = (1..40).step_by(2);
    done(store, |tx| {
        tx.insert_log(&head(2))?;
        numbers.clone().try_for_each(|number| tx.insert_log(&head(number)))
    });
    let mut listed: Vec<LogId> = Vec::new();
    while let Some(last) = done(store, |tx| {
        let page = tx.logs_of(SARI, listed.last().copied(), 3)?;
        listed.extend(page.iter().map(|log| log.head.log()));
        Ok(page.last().map(|log| log.head.log()))
    }) {
        assert_eq!(listed.last(), Some(&last));
    }
    let mut ids: Vec<LogId> = numbers.map(name).collect();
    ids.sort_unstable();
    listed.sort_unstable();
    assert_eq!(listed, ids);
    assert!(ids.iter().any(|id| id.0 > i64::MAX as u64) && ids.iter().any(|id| id.0 < i64::MAX as u64));
}

fn an_op_is_stored_once_and_read_in_bounded_pieces(store: &mut dyn Store) {
    done(store, |tx| fill(tx, 1, 6));
    let again = transact_with(store, |tx| tx.append_op(&new_op(op(1, 6), None, OpState::Merged)));
    assert!(matches!(again, Err(StoreError::Taken(_))));
    let seqs = |store: &mut dyn Store, from, ops_max, bytes_aim| -> Vec<u64> {
        let ops = done(store, |tx| tx.ops_from(name(1), from, ops_max, bytes_aim));
        ops.iter().map(|op| op.id.seq).collect()
    };
    assert_eq!(seqs(store, 2, 3, 1000), [2, 3, 4]);
    assert_eq!(seqs(store, 2, 9, 15), [2, 3]);
    assert_eq!(seqs(store, 5, 0, 0), [5]);
    assert_eq!(seqs(store, 7, 9, 1000), [0; 0]);
    let expected = StoredOp {
        id: op(1, 2),
        bytes: b"sepuluh b.".to_vec(),
        chain: ChainHash([2; 32]),
        record: Some(RecordId(op(1, 1))),
        received_ms: 5,
        state: OpState::Merged,
        opened: None,
    };
    assert_eq!(done(store, |tx| tx.op(op(1, 2))), Some(expected.clone()));
    done(store, |tx| tx.put_opened(op(1, 2), b"yang disegel"));
    let opened = StoredOp { opened: Some(b"yang disegel".to_vec()), ..expected };
    assert_eq!(done(store, |tx| tx.op(op(1, 2))), Some(opened));
}

fn ops_of_a_record_come_in_the_order_of_arrival(store: &mut dyn Store) {
    done(store, |tx| {
        fill(tx, 9, 1)?;
        fill(tx, 2, 1)?;
        for (log, seq) in [(2, 2), (9, 2), (2, 3)] {
            tx.append_op(&new_op(op(log, seq), Some(op(9, 1)), OpState::Waiting))?;
        }
        tx.append_op(&new_op(op(2, 4), None, OpState::Waiting))?;
        tx.update_op(op(9, 2), Some(RecordId(op(9, 1))), OpState::Merged)?;
        tx.update_op(op(2, 4), Some(RecordId(op(9, 1))), OpState::Merged)
    });
    let ops = done(store, |tx| tx.ops_of(RecordId(op(9, 1))));
    let told: Vec<_> = ops.iter().map(|op| (op.id, op.state)).collect();
    let (merged, waiting) = (OpState::Merged, OpState::Waiting);
    let expected = [(9, 1, merged), (2, 2, waiting), (9, 2, merged), (2, 3, waiting), (2, 4, merged)];
    assert_eq!(told, expected.map(|(log, seq, state)| (op(log, seq), state)));
    assert_eq!(done(store, |tx| tx.ops_of(RecordId(op(5, 5)))), []);
}

fn what_is_kept_aside_is_listed_until_someone_decides(store: &mut dyn Store) {
    let aside = OpState::Quarantined(Quarantine::Unreadable);
    let verdict = VerdictFrame::Quarantined(Quarantine::Unreadable as u8);
    done(store, |tx| {
        fill(tx, 1, 1)?;
        for seq in 2..=5 {
            tx.append_op(&new_op(op(1, seq), None, aside))?;
        }
        tx.put_verdict(op(1, 2), &VerdictFrame::Accepted)?;
        tx.put_verdict(op(1, 2), &verdict)?;
        tx.update_op(op(1, 3), None, OpState::Discarded(Quarantine::Unreadable))
    });
    let seqs = |store: &mut dyn Store, after| -> Vec<u64> {
        done(store, |tx| tx.quarantined(after, 2)).iter().map(|op| op.id.seq).collect()
    };
    assert_eq!(seqs(store, None), [2, 4]);
    assert_eq!(seqs(store, Some(op(1, 4))), [5]);
    assert_eq!(done(store, |tx| tx.verdict(op(1, 2))), Some(verdict));
    assert_eq!(done(store, |tx| tx.verdict(op(1, 4))), None);
    assert_eq!(done(store, |tx| tx.totals()).quarantined, 3);
    assert_eq!(done(store, |tx| tx.attention()).quarantined, 3);
}

fn the_signature_that_covers_most_is_kept(store: &mut dyn Store) {
    let attest = |heads: &[(u64, u64)]| Attest {
        replica: SARI.to_bytes(),
        heads: List(heads.iter().map(|(log, seq)| (name(*log).to_bytes(), *seq, [*seq as u8; 32])).collect()),
        signature: [heads.len() as u8; 64],
    };
    let (first, second) = (attest(&[(1, 2), (3, 5), (9, 9)]), attest(&[(1, 4), (3, 3)]));
    done(store, |tx| {
        tx.insert_log(&head(1))?;
        tx.insert_log(&head(3))?;
        tx.put_attest(&first)?;
        tx.put_attest(&second)?;
        tx.put_attest(&first)
    });
    let kept = |store: &mut dyn Store, log| done(store, |tx| tx.attestation(name(log)));
    assert_eq!(kept(store, 1), Some(Attestation { seq: 4, attest: second }));
    assert_eq!(kept(store, 3), Some(Attestation { seq: 5, attest: first }));
    assert_eq!(kept(store, 9), None);
}

fn a_fork_is_kept_once(store: &mut dyn Store) {
    let fork = |bytes: &[u8], at_ms| Fork { id: op(1, 2), replica: SARI, bytes: bytes.to_vec(), at_ms };
    let kept =
        [(b"a", 1), (b"b", 2), (b"a", 3)].map(|(bytes, at_ms)| done(store, |tx| tx.insert_fork(&fork(bytes, at_ms))));
    assert_eq!(kept, [true, true, false]);
    assert_eq!(done(store, |tx| tx.forks(9)), [fork(b"a", 1), fork(b"b", 2)]);
}
