//! What was found out of records.

use kentongan_protocol::calendar::Stage;
use kentongan_protocol::ids::RecordId;
use kentongan_protocol::survey::Sums;

use super::{BIG, done, office, op, row};
use crate::store::{Case, CaseCount, CaseFilter, CasePlace, Decision, RecordRow, Seen, Store, SurveyMonth};

suite! {
    every_record_that_comes_or_changes_is_seen_and_then_no_more
    work_remembers_how_far_it_came
    open_complaints_stand_in_the_order_in_which_they_are_due
    open_complaints_are_counted_by_stage_and_moment
    sums_of_questionnaires_are_kept_by_office_and_month
    decisions_stand_with_the_latest_first_and_are_noted_once
}

fn every_record_that_comes_or_changes_is_seen_and_then_no_more(store: &mut dyn Store) {
    done(store, |tx| {
        for seq in 1..=3 {
            tx.insert_record(&row(op(1, seq), "32.73.06"))?;
        }
        tx.insert_record(&RecordRow { born: None, ..row(op(2, 1), "32.73.06") }).map(drop)
    });
    let look = |store: &mut dyn Store, seen: Seen| -> (Vec<u64>, Seen) {
        let (rows, seen) = done(store, |tx| tx.unseen(1, seen, 2));
        (rows.iter().map(|row| row.number).collect(), seen)
    };
    let (numbers, seen) = look(store, Seen::default());
    assert_eq!(numbers, [1, 2]);
    let (numbers, seen) = look(store, seen);
    assert_eq!((numbers, seen), (vec![3], Seen { number: 4, change: 0 }));
    assert_eq!(look(store, seen), (vec![], seen));
    assert_eq!(done(store, |tx| tx.unseen(2, Seen::default(), 2)).0, [], "of another form");
    // One changes, and the creating op of another comes behind its change.
    done(store, |tx| {
        tx.update_record(&RecordRow { changed: 8, ..row(op(1, 2), "32.73.06") })?;
        tx.update_record(&RecordRow { changed: 9, ..row(op(2, 1), "32.73.06") })
    });
    assert_eq!(look(store, seen), (vec![2, 4], Seen { number: 4, change: 9 }));
}

fn work_remembers_how_far_it_came(store: &mut dyn Store) {
    assert_eq!(done(store, |tx| tx.progress("cases")), 0);
    done(store, |tx| tx.put_progress("cases", 5));
    done(store, |tx| tx.put_progress("cases", BIG));
    assert_eq!(done(store, |tx| tx.progress("cases")), BIG);
}

/// Five complaints of two offices: 1 to 4 are due at 400, 300, 200 and 100, 5 never.
fn filled(store: &mut dyn Store) -> Vec<Case> {
    let cases: Vec<Case> = (1..=5)
        .map(|seq| Case {
            record: RecordId(op(1, seq)),
            stage: if seq == 5 { Stage::Waiting } else { Stage::Verify },
            office: office(if seq % 2 == 0 { "32.73.06" } else { "32.73.05.1001" }),
            due_ms: (seq < 5).then_some(500 - 100 * seq as i64),
        })
        .collect();
    done(store, |tx| {
        for case in &cases {
            tx.insert_record(&row(case.record.0, case.office.as_str()))?;
            tx.put_case(case)?;
        }
        Ok(())
    });
    cases
}

fn open_complaints_stand_in_the_order_in_which_they_are_due(store: &mut dyn Store) {
    let cases = filled(store);
    let list = |store: &mut dyn Store, filter: &CaseFilter, after| -> Vec<u64> {
        done(store, |tx| tx.cases(filter, after, 3)).iter().map(|(place, _)| place.number).collect()
    };
    let all = CaseFilter::default();
    assert_eq!(list(store, &all, None), [4, 3, 2]);
    assert_eq!(list(store, &all, Some(CasePlace { due_ms: Some(300), number: 2 })), [1, 5]);
    assert_eq!(list(store, &all, Some(CasePlace { due_ms: None, number: 5 })), [0; 0]);
    let one = CaseFilter { office: Some(office("32.73.06")), stage: Some(Stage::Verify), ..all.clone() };
    assert_eq!(list(store, &one, None), [4, 2]);
    assert_eq!(list(store, &CaseFilter { stage: Some(Stage::Waiting), ..all.clone() }, None), [5]);
    assert_eq!(list(store, &CaseFilter { due_ms: Some((100, 300)), ..all.clone() }, None), [3, 2]);
    assert_eq!(done(store, |tx| tx.cases_numbered(2, 2)).iter().map(|(number, _)| *number).collect::<Vec<_>>(), [3, 4]);

    assert_eq!(done(store, |tx| tx.case(cases[0].record)).as_ref(), Some(&cases[0]));
    done(store, |tx| tx.put_case(&Case { due_ms: Some(50), ..cases[0].clone() }));
    done(store, |tx| tx.remove_case(cases[3].record));
    assert_eq!(done(store, |tx| tx.case(cases[3].record)), None);
    assert_eq!(list(store, &all, None), [1, 3, 2]);
}

fn open_complaints_are_counted_by_stage_and_moment(store: &mut dyn Store) {
    filled(store);
    let count = |stage, all, until| CaseCount { stage, all, until };
    let all = [count(Stage::Verify, 4, [0, 1, 3, 4]), count(Stage::Waiting, 1, [0; 4])];
    assert_eq!(done(store, |tx| tx.case_counts(None, [99, 100, 300, 900])), all);
    let of_one = done(store, |tx| tx.case_counts(Some(&office("32.73.06")), [99, 100, 300, 900]));
    assert_eq!(of_one, [count(Stage::Verify, 2, [0, 1, 2, 2])]);
}

fn sums_of_questionnaires_are_kept_by_office_and_month(store: &mut dyn Store) {
    let sums = Sums { complete: BIG, incomplete: 2, scores: [3, 4, 5, 6, 7, 8, 9, 10, 11], answered: [1; 9] };
    let month = |code: &str, month| SurveyMonth { office: office(code), month, sums, profile: "{}".to_owned() };
    done(store, |tx| {
        tx.put_survey_month(&month("32.73.06", 24_000))?;
        tx.put_survey_month(&month("32.73.06", 24_001))?;
        tx.put_survey_month(&month("32.73.05.1001", 24_001))
    });
    let of_two = done(store, |tx| tx.survey_months(None, 24_001, 24_002));
    assert_eq!(of_two, [month("32.73.05.1001", 24_001), month("32.73.06", 24_001)]);
    let newer =
        SurveyMonth { sums: Sums::default(), profile: "{\"kanal\":{}}".to_owned(), ..month("32.73.06", 24_001) };
    done(store, |tx| tx.put_survey_month(&newer));
    let of_one = done(store, |tx| tx.survey_months(Some(&office("32.73.06")), 24_000, 24_001));
    assert_eq!(of_one, [month("32.73.06", 24_000), newer]);
}

fn decisions_stand_with_the_latest_first_and_are_noted_once(store: &mut dyn Store) {
    let decision = |seq, decided_ms| Decision {
        record: RecordId(op(1, 1)),
        group: 7,
        op: op(2, seq),
        owner: office("32.73.06"),
        since_ms: 5,
        decided_ms,
    };
    done(store, |tx| {
        tx.insert_record(&row(op(1, 1), "32.73.06"))?;
        tx.put_decision(&decision(1, 10))?;
        tx.put_decision(&decision(2, 20))?;
        tx.put_decision(&decision(1, 30))
    });
    assert_eq!(done(store, |tx| tx.decisions(9)), [decision(2, 20), decision(1, 10)]);
    assert_eq!(done(store, |tx| tx.decisions(1)), [decision(2, 20)]);
}
