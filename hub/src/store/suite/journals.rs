//! The audit log and the journal of exchanges.

use super::{BIG, BUDI, SARI, done};
use crate::store::{AuditEntry, AuditEvent, AuditFilter, ExchangeNote, Page, Store};

suite! {
    the_audit_log_is_a_chain
    lines_of_the_audit_log_are_found_by_what_they_say
    the_journal_is_bounded
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

fn lines_of_the_audit_log_are_found_by_what_they_say(store: &mut dyn Store) {
    for n in 1..=12_i64 {
        let pick = |words: [&str; 2]| words[(n % 2) as usize].to_owned();
        let event = AuditEvent {
            at_ms: 100 * n,
            actor: pick(["wayan", "budi"]),
            event: pick(["complaint.answered", "office.added"]),
            subject: format!("KTG-{}", n % 3),
            detail: "{}".to_owned(),
        };
        done(store, |tx| tx.audit(&event));
    }
    let mut found = |filter: AuditFilter, page, limit| -> Vec<u64> {
        done(store, |tx| tx.audit_found(&filter, page, limit)).iter().map(|entry| entry.number).collect()
    };
    let all = AuditFilter::default();
    assert_eq!(found(all.clone(), Page::Before(u64::MAX), 3), [12, 11, 10]);
    let wayan = AuditFilter { actor: Some("wayan".to_owned()), ..all.clone() };
    assert_eq!(found(wayan.clone(), Page::After(2), 3), [4, 6, 8]);
    let of_one = AuditFilter { subject: Some("KTG-0".to_owned()), ..wayan };
    assert_eq!(found(of_one.clone(), Page::Before(u64::MAX), 9), [12, 6]);
    let event = Some("office.added".to_owned());
    assert!(found(AuditFilter { event, ..of_one }, Page::Before(u64::MAX), 9).is_empty());
    let span = AuditFilter { from_ms: Some(300), until_ms: Some(500), ..all };
    assert_eq!(found(span, Page::After(0), 9), [3, 4]);
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
