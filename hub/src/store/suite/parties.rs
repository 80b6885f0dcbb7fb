//! The hub, offices, replicas, codes to join and runs.

use kentongan_protocol::clock::{KnownRun, RunHead};
use kentongan_protocol::ids::{EpochId, ReplicaId, RunId};
use kentongan_protocol::log::Holding;
use kentongan_protocol::session::hub::HubEpoch;

use super::{BIG, BUDI, SARI, done, head, office, sari};
use crate::store::{
    Applicant, Approval, EnrolCode, HubIdentity, LastContact, Office, OfficeNote, Replica, Run, Standing, Store,
    StoreError, transact_with,
};

suite! {
    identities_come_back_as_they_were_put
    a_replica_comes_back_with_every_field_and_may_not_take_anothers_key
    notes_about_an_office_stay_in_their_order_and_apart_from_others
    codes_are_found_by_the_hash_of_their_secret
    the_tag_of_a_replica_is_that_of_the_code_it_used_last
    runs_come_back_with_the_most_absurd_clocks
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

fn notes_about_an_office_stay_in_their_order_and_apart_from_others(store: &mut dyn Store) {
    let note = |at_ms, text: &str| OfficeNote { at_ms, actor: "wayan".to_owned(), text: text.to_owned() };
    let (village, clinic) = (office("32.73.05.1001"), office("32.73.05.1001-PKM1"));
    done(store, |tx| {
        tx.append_office_note(&village, &note(9, "Listrik padam sampai Jumat"))?;
        tx.append_office_note(&clinic, &note(1, "PC baru"))?;
        tx.append_office_note(&village, &note(-3, ""))?;
        tx.append_office_note(&village, &note(-3, ""))
    });
    let notes = [note(-3, ""), note(-3, ""), note(9, "Listrik padam sampai Jumat")];
    assert_eq!(done(store, |tx| tx.office_notes(&village, 9)), notes);
    assert_eq!(done(store, |tx| tx.office_notes(&village, 1)), notes[..1]);
    assert_eq!(done(store, |tx| tx.office_notes(&clinic, 9)), [note(1, "PC baru")]);
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
        tag: String::new(),
        approval: Approval::Beforehand,
    };
    let applicant =
        Applicant { public_key: [3; 32], host: "DESA-PC01".to_owned(), program: "k 0.1".to_owned(), asked_ms: -2 };
    let used = EnrolCode {
        used: Some((SARI, 8)),
        revoked_ms: Some(9),
        tag: "gelombang 1".to_owned(),
        approval: Approval::Given(applicant.clone()),
        ..code(2, 5)
    };
    done(store, |tx| {
        tx.put_enrol_code(&code(1, 4))?;
        tx.put_enrol_code(&code(2, 5))?;
        tx.put_enrol_code(&used)
    });
    assert_eq!(done(store, |tx| tx.enrol_code_by_secret(&[2; 32])), Some(used.clone()));
    assert_eq!(done(store, |tx| tx.enrol_code(1)), Some(code(1, 4)));
    assert_eq!(done(store, |tx| tx.enrol_codes()), [used, code(1, 4)]);
    for approval in [Approval::Awaited, Approval::Asked(applicant)] {
        let changed = EnrolCode { approval, ..code(1, 4) };
        done(store, |tx| tx.put_enrol_code(&changed));
        assert_eq!(done(store, |tx| tx.enrol_code(1)), Some(changed));
    }
}

fn the_tag_of_a_replica_is_that_of_the_code_it_used_last(store: &mut dyn Store) {
    let code = |id: u64, used, tag: &str| EnrolCode {
        id,
        secret_hash: [id as u8; 32],
        office: office("32.73.05.1001"),
        created_ms: 1,
        expires_ms: 9,
        used,
        revoked_ms: None,
        tag: tag.to_owned(),
        approval: Approval::Beforehand,
    };
    done(store, |tx| {
        tx.put_enrol_code(&code(1, Some((BUDI, 5)), "kedua"))?;
        tx.put_enrol_code(&code(2, Some((BUDI, 4)), "pertama"))?;
        tx.put_enrol_code(&code(3, Some((SARI, 6)), "dulu"))?;
        tx.put_enrol_code(&code(4, None, "belum dipakai"))
    });
    assert_eq!(done(store, |tx| tx.replica_tags()), [(BUDI, "kedua".to_owned()), (SARI, "dulu".to_owned())]);
    done(store, |tx| tx.put_enrol_code(&code(5, Some((SARI, 6)), "")));
    assert_eq!(done(store, |tx| tx.replica_tags()), [(BUDI, "kedua".to_owned())], "the later code has none");
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
