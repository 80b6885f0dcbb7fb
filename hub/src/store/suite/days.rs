//! Days of offices, and what people brought in.

use kentongan_protocol::calendar::Day;

use super::{BIG, done, office};
use crate::store::{DAYS_KEPT, Delays, OfficeDay, Reference, Store};

suite! {
    a_day_of_an_office_comes_back_with_every_field_and_old_ones_are_forgotten
    what_was_brought_in_replaces_what_was_there
}

fn a_day_of_an_office_comes_back_with_every_field_and_old_ones_are_forgotten(store: &mut dyn Store) {
    let mut delays = Delays::default();
    delays.count(3_600_000);
    let full = |day| OfficeDay {
        day: Day(day),
        hours: 0xFF_FFFF,
        exchanges: u32::MAX,
        ended_early: 2,
        bytes_in: BIG,
        bytes_out: 3,
        ops_in: 4,
        ops_out: BIG,
        drained_ms: Some(i64::MIN),
        delays,
    };
    let (village, clinic) = (office("32.73.05.1001"), office("32.73.05.1001-PKM1"));
    done(store, |tx| {
        tx.put_office_day(&village, &OfficeDay::new(Day(7)))?;
        tx.put_office_day(&village, &full(7))?;
        tx.put_office_day(&clinic, &full(-5))?;
        tx.put_office_day(&village, &full(8))
    });
    assert_eq!(done(store, |tx| tx.office_day(&village, Day(7))), Some(full(7)));
    assert_eq!(done(store, |tx| tx.office_day(&clinic, Day(7))), None);
    let all = [(village.clone(), full(7)), (village.clone(), full(8)), (clinic.clone(), full(-5))];
    assert_eq!(done(store, |tx| tx.office_days(None)), all);
    done(store, |tx| tx.put_office_day(&village, &full(7 + DAYS_KEPT)));
    let kept = [(village.clone(), full(8)), (village.clone(), full(7 + DAYS_KEPT))];
    assert_eq!(done(store, |tx| tx.office_days(Some(&village))), kept);
    assert_eq!(done(store, |tx| tx.office_days(Some(&clinic))).len(), 1);
}

fn what_was_brought_in_replaces_what_was_there(store: &mut dyn Store) {
    let reference = |name: &str, text: &str, at_ms| Reference {
        name: name.to_owned(),
        text: text.to_owned(),
        at_ms,
        actor: "wayan".to_owned(),
    };
    assert_eq!(done(store, |tx| tx.reference("calendar")), None);
    done(store, |tx| {
        tx.put_reference(&reference("calendar", "2026-01-01", 1))?;
        tx.put_reference(&reference("bands", "A", 1))?;
        tx.put_reference(&reference("calendar", "2027-01-01", 2))
    });
    assert_eq!(done(store, |tx| tx.reference("calendar")), Some(reference("calendar", "2027-01-01", 2)));
    assert_eq!(done(store, |tx| tx.reference("bands")), Some(reference("bands", "A", 1)));
}
