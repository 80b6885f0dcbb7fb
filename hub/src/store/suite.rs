//! The proof that a store keeps the contract: each promise by name, against each store.

use kentongan_protocol::clock::{KnownRun, RunHead};
use kentongan_protocol::ids::{EpochId, Lane, LogId, OfficeCode, OpId, RecordId, ReplicaId, RunId, Topic};
use kentongan_protocol::judge::Quarantine;
use kentongan_protocol::log::{ChainHash, Holding, LogHead};
use kentongan_protocol::receipt::ReceiptCode;
use kentongan_protocol::session::hub::HubEpoch;
use kentongan_protocol::wire::codec::List;
use kentongan_protocol::wire::v1::{Attest, VerdictFrame};

use super::contract::{Job, Store, StoreError, Tx, transact_group, transact_with};
use super::memory::MemoryStore;
use super::rows::*;
use super::sqlite::SqliteStore;

const SARI: ReplicaId = ReplicaId(0xA000_0000_0000_0001);
const BUDI: ReplicaId = ReplicaId(0x0B00_0000_0000_0002);
const BIG: u64 = u64::MAX - 7;

macro_rules! suite {
    ($($promise:ident)*) => {
        mod memory {
            $(#[test]
            fn $promise() {
                super::$promise(&mut super::MemoryStore::default());
            })*
        }
        mod sqlite {
            $(#[test]
            fn $promise() {
                let folder = tempfile::tempdir().expect("a temporary folder");
                let mut store = super::SqliteStore::open(&folder.path().join("store.db")).expect("a fresh store");
                super::$promise(&mut store);
            })*
        }
    };
}

suite! {
    work_that_fails_leaves_nothing
    a_part_that_fails_is_undone_and_the_rest_commits
    one_job_of_a_group_fails_and_the_others_commit
    identities_come_back_as_they_were_put
    a_replica_comes_back_with_every_field_and_may_not_take_anothers_key
    codes_are_found_by_the_hash_of_their_secret
    runs_come_back_with_the_most_absurd_clocks
    a_log_is_entered_once_and_its_durable_mark_never_falls
    the_time_of_the_last_backup_is_the_last_one_noted
    logs_of_a_replica_are_listed_in_pages_each_once
    an_op_is_stored_once_and_read_in_bounded_pieces
    ops_of_a_record_come_in_the_order_of_arrival
    what_is_kept_aside_is_listed_until_someone_decides
    a_record_is_entered_once_and_keeps_its_number
    records_are_listed_by_filter_in_both_directions
    a_record_is_shared_once
    a_conflict_keeps_the_time_since_which_it_is_known
    feed_numbers_are_one_sequence_and_an_undone_one_is_given_again
    a_reader_passes_over_its_own_ops_and_never_over_a_verdict
    the_signature_that_covers_most_is_kept
    a_fork_is_kept_once
    the_audit_log_is_a_chain
    the_journal_is_bounded
}

fn office(code: &str) -> OfficeCode {
    code.parse().expect("an office code")
}

/// Who writes the log number `log` of a story.
fn writer(log: u64) -> ReplicaId {
    if log % 2 == 1 { SARI } else { BUDI }
}

fn head(log: u64) -> LogHead {
    let run = RunHead { run: RunId(log), ordinal: 3, before: Some(RunId(BIG)), boot: BIG, boot_ms: 5, wall_ms: -9 };
    LogHead::new(writer(log), office("32.73.05.1001"), Lane::Case, run)
}

fn name(log: u64) -> LogId {
    head(log).log()
}

fn op(log: u64, seq: u64) -> OpId {
    OpId { log: name(log), seq }
}

fn row(id: OpId, office_code: &str) -> RecordRow {
    let born = Born { form: 1, form_version: 2, office: office(office_code), code: ReceiptCode::from_number(id.seq) };
    RecordRow {
        id: RecordId(id),
        number: 0,
        born: Some(born),
        status: None,
        conflicts: 0,
        summary: String::new(),
        changed: 0,
        received_ms: 11,
    }
}

fn new_op(id: OpId, record: Option<OpId>, state: OpState) -> NewOp<'static> {
    let record = record.map(RecordId);
    NewOp { id, bytes: b"sepuluh b.", chain: ChainHash([id.seq as u8; 32]), record, received_ms: 5, state }
}

/// Stores a log with a record and `count` merged ops of it.
fn fill(tx: &mut dyn Tx, log: u64, count: u64) -> super::Result<()> {
    tx.insert_log(&head(log))?;
    tx.insert_record(&row(op(log, 1), "32.73.05.1001"))?;
    for seq in 1..=count {
        tx.append_op(&new_op(op(log, seq), Some(op(log, 1)), OpState::Merged))?;
    }
    tx.advance_log(name(log), count, ChainHash([count as u8; 32]))
}

fn done<T>(store: &mut dyn Store, work: impl FnOnce(&mut dyn Tx) -> super::Result<T>) -> T {
    transact_with(store, work).expect("the store does it")
}

fn sari() -> Replica {
    Replica {
        id: SARI,
        office: office("32.73.05.1001"),
        name: "PC loket".to_owned(),
        public_key: [1; 32],
        prefix: 923_520,
        certificate: Certificate { serial: vec![0, 255], from_ms: -1, until_ms: i64::MAX },
        standing: Standing::Active,
        enrolled_ms: 7,
        run_now: None,
        twin_seen_ms: None,
        holding: Holding::default(),
        last_contact: None,
    }
}

fn work_that_fails_leaves_nothing(store: &mut dyn Store) {
    let failed: super::Result<()> = transact_with(store, |tx| {
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

fn identities_come_back_as_they_were_put(store: &mut dyn Store) {
    let hub = HubIdentity { replica: ReplicaId(BIG), name: "Kota Bandung".to_owned(), created_ms: -5 };
    let epochs = [3, BIG, 1].map(|id| HubEpoch { epoch: EpochId(id), began_after: id / 2 });
    let offices = ["32.73.05.1001", "32.73.05.1001-PKM1", "32.73.06"].map(|code| Office {
        code: office(code),
        name: format!("Kantor {code}"),
        added_ms: 1,
        paused_ms: Some(2).filter(|_| code.len() < 9),
    });
    assert_eq!(done(store, |tx| tx.hub()), None);
    done(store, |tx| {
        tx.put_hub(&hub)?;
        tx.put_hub(&hub)?;
        epochs.iter().try_for_each(|epoch| tx.append_epoch(epoch, 1))?;
        offices.iter().rev().try_for_each(|office| tx.put_office(office))
    });
    assert_eq!(done(store, |tx| tx.hub()), Some(hub));
    assert_eq!(done(store, |tx| tx.epochs()), epochs);
    assert_eq!(done(store, |tx| tx.offices()), offices);
    assert_eq!(done(store, |tx| tx.office(&office("32.73.06"))), Some(offices[2].clone()));
}

fn a_replica_comes_back_with_every_field_and_may_not_take_anothers_key(store: &mut dyn Store) {
    let contact = LastContact {
        at_ms: 1,
        ops_written: BIG,
        pending: 2,
        oldest_pending_ms: u64::MAX,
        free_bytes: BIG,
        program: "kentongan 0.1".to_owned(),
        clock_offset_ms: i64::MIN,
        clock_error_ms: 4,
    };
    let full = Replica {
        standing: Standing::Revoked { reason: "hilang".to_owned(), at_ms: 3 },
        run_now: Some(RunId(BIG)),
        twin_seen_ms: Some(4),
        holding: Holding { ops: 3, sum: BIG },
        last_contact: Some(contact),
        ..sari()
    };
    let budi = Replica { id: BUDI, public_key: [2; 32], prefix: 5, enrolled_ms: 6, ..sari() };
    done(store, |tx| {
        tx.put_replica(&sari())?;
        tx.put_replica(&budi)?;
        tx.put_replica(&full)
    });
    assert_eq!(done(store, |tx| tx.replica(SARI)), Some(full.clone()));
    assert_eq!(done(store, |tx| tx.replica_by_key(&[2; 32])), Some(budi.clone()));
    assert_eq!(done(store, |tx| tx.replica_by_prefix(923_520)), Some(full.clone()));
    assert_eq!(done(store, |tx| tx.replicas()), [budi.clone(), full.clone()]);
    for thief in [Replica { prefix: 5, ..full.clone() }, Replica { public_key: [2; 32], ..full.clone() }] {
        let refused = transact_with(store, |tx| tx.put_replica(&thief));
        assert!(matches!(refused, Err(StoreError::Taken(_))));
    }
    assert_eq!(done(store, |tx| tx.replicas()), [budi, full]);
}

fn codes_are_found_by_the_hash_of_their_secret(store: &mut dyn Store) {
    let code = |id: u64, created_ms| EnrolCode {
        id,
        secret_hash: [id as u8; 32],
        office: office("32.73.05.1001"),
        created_ms,
        expires_ms: 9,
        used: None,
        revoked_ms: None,
    };
    let used = EnrolCode { used: Some((SARI, 8)), revoked_ms: Some(9), ..code(2, 5) };
    done(store, |tx| {
        tx.put_enrol_code(&code(1, 4))?;
        tx.put_enrol_code(&code(2, 5))?;
        tx.put_enrol_code(&used)
    });
    assert_eq!(done(store, |tx| tx.enrol_code_by_secret(&[2; 32])), Some(used.clone()));
    assert_eq!(done(store, |tx| tx.enrol_code(1)), Some(code(1, 4)));
    assert_eq!(done(store, |tx| tx.enrol_codes()), [used, code(1, 4)]);
}

fn runs_come_back_with_the_most_absurd_clocks(store: &mut dyn Store) {
    let run = |id, replica, measured, superseded_ms| Run {
        known: KnownRun {
            replica,
            head: RunHead { run: RunId(id), ..*head(1).run() },
            measured,
            elapsed_ms: u64::MAX,
            heard_ms: i64::MIN,
        },
        superseded_ms,
    };
    let (silent, measured) = (run(1, SARI, None, None), run(BIG, SARI, Some((i64::MIN, u64::MAX)), Some(3)));
    done(store, |tx| {
        tx.put_run(&silent)?;
        tx.put_run(&run(2, BUDI, None, None))?;
        tx.put_run(&run(BIG, SARI, None, None))?;
        tx.put_run(&measured)
    });
    let theirs = run(BIG, BUDI, Some((3, 4)), None);
    done(store, |tx| tx.put_run(&theirs));
    assert_eq!(done(store, |tx| tx.run(SARI, RunId(BIG))), Some(measured.clone()));
    assert_eq!(done(store, |tx| tx.run(BUDI, RunId(BIG))), Some(theirs), "one id, two replicas, two runs");
    assert_eq!(done(store, |tx| tx.run(BUDI, RunId(1))), None);
    let mut runs = done(store, |tx| tx.runs_of(SARI));
    runs.sort_by_key(|run| run.known.head.run);
    assert_eq!(runs, [silent, measured]);
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
    };
    assert_eq!(done(store, |tx| tx.op(op(1, 2))), Some(expected));
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
    let by_status = RecordFilter { form: Some(1), status: Some(1), ..all.clone() };
    assert_eq!(numbers(store, &by_status, Page::After(1)), [4, 7]);
    assert_eq!(numbers(store, &RecordFilter { form: Some(2), ..all.clone() }, Page::After(0)), [0; 0]);
    let with_text = RecordFilter { text: Some("rusak 5".to_owned()), ..all };
    assert_eq!(numbers(store, &with_text, Page::After(0)), [5]);
}

fn a_record_is_shared_once(store: &mut dyn Store) {
    let (record, clinic) = (RecordId(op(1, 1)), office("32.73.05.1001-PKM1"));
    done(store, |tx| fill(tx, 1, 1));
    assert_eq!([0, 1].map(|_| done(store, |tx| tx.share_record(record, &clinic))), [true, false]);
    assert!(done(store, |tx| tx.share_record(record, &office("32.73.04"))));
    assert_eq!(done(store, |tx| tx.shared_with(record)), [office("32.73.04"), clinic]);
    assert_eq!(done(store, |tx| tx.shared_with(RecordId(op(8, 8)))), []);
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

fn the_audit_log_is_a_chain(store: &mut dyn Store) {
    let event = |n: i64| AuditEvent {
        at_ms: n,
        actor: "wayan".to_owned(),
        event: "complaint.answered".to_owned(),
        subject: format!("KTG-{n}"),
        detail: "{}".to_owned(),
    };
    for n in 1..=5 {
        assert_eq!(done(store, |tx| tx.audit(&event(n))), n as u64);
    }
    let entries = done(store, |tx| tx.audit_log(Page::After(0), 99));
    let mut before = [0; 32];
    for (entry, n) in entries.iter().zip(1..) {
        let hash = AuditEntry::hash_after(&before, n as u64, &event(n));
        assert_eq!(*entry, AuditEntry { number: n as u64, event: event(n), hash });
        before = hash;
    }
    let last = done(store, |tx| tx.audit_log(Page::Before(u64::MAX), 2));
    assert_eq!(last, [entries[4].clone(), entries[3].clone()]);
}

fn the_journal_is_bounded(store: &mut dyn Store) {
    let note = |replica, started_ms| ExchangeNote {
        replica,
        started_ms,
        took_ms: 3,
        outcome: "ok".to_owned(),
        bytes_in: BIG,
        bytes_out: 5,
        ops_in: 6,
        ops_out: 7,
    };
    done(store, |tx| {
        tx.journal(&note(BUDI, 1))?;
        (0..60).try_for_each(|n| tx.journal(&note(SARI, n)))
    });
    let kept = done(store, |tx| tx.journal_of(SARI, 999));
    assert_eq!(kept, (10..60).rev().map(|n| note(SARI, n)).collect::<Vec<_>>());
    assert_eq!(done(store, |tx| tx.journal_of(BUDI, 1)), [note(BUDI, 1)]);
}
