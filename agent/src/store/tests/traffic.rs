//! What goes over the link, and what the rules let go of it.

use kentongan_host::hours::Hours;

use super::*;
use crate::rules::{Allowed, Rules, SendFiles, Spent, Why};

const DAY_MS: i64 = 86_400_000;

fn hours(text: &str) -> Hours {
    Hours::parse(text).unwrap()
}

/// A complaint that alleges misconduct.
fn urgent(text: &str) -> NewRecord {
    let mut record = complaint(text);
    let form = builtin::by_tag(pengaduan::TAG).unwrap();
    let field = form.field_named("kadar").unwrap();
    let values = BTreeMap::from([(field.tag, Value::parse(field, "berkadar").unwrap())]);
    record.writes.push((field.group, values));
    record
}

#[test]
fn what_was_spent_is_counted_by_the_day_of_the_office_and_outlives_a_restart() {
    let mut pc = Pc::new(1);
    let rules = Rules::default();
    let mut store = pc.start();
    store.note_traffic(&rules, 900).unwrap();
    store.note_traffic(&rules, -100).unwrap();
    drop(store);
    pc.clock.set_wall(NOON + DAY_MS);
    let mut store = pc.start();
    assert_eq!(store.spent(&rules).unwrap(), Spent { day: 0, month: 800 });
    store.note_contact(&Contact::default(), (&rules, 50)).unwrap();
    assert_eq!(store.spent(&rules).unwrap(), Spent { day: 50, month: 850 });
    // More than there was cannot be taken back.
    store.note_traffic(&rules, -9_999).unwrap();
    assert_eq!(store.spent(&rules).unwrap().day, 0);
    pc.clock.set_wall(NOON);
    assert_eq!(store.spent(&rules).unwrap().day, 800, "a clock that is set back finds what it had counted");
    for day in 0..1_000 {
        pc.clock.set_wall(NOON + day * DAY_MS);
        store.note_traffic(&rules, 1).unwrap();
    }
    let kept: i64 = store.db.query_row("SELECT count(*) FROM traffic", [], |row| row.get(0)).unwrap();
    assert_eq!(kept, 400);
}

#[test]
fn the_day_is_that_of_the_hub_where_the_clock_of_the_pc_is_wrong() {
    let mut pc = Pc::new(1);
    let mut store = pc.start();
    pc.clock.set_wall(NOON + 3 * DAY_MS);
    assert_eq!(store.hub_wall_ms().unwrap(), NOON + 3 * DAY_MS, "nobody said otherwise");
    let noon = marks(Vec::new(), 0);
    store.apply(Event::Marks(noon), None).unwrap();
    assert_eq!(store.hub_wall_ms().unwrap(), NOON);
}

#[test]
fn with_the_budget_spent_only_urgent_complaints_are_a_reason_to_talk() {
    let mut store = Pc::new(1).start();
    let rules = Rules { day_bytes: 1_000, ..Rules::default() };
    store.note_contact(&Contact { ended_ms: NOON, ..Contact::default() }, (&rules, 1_000)).unwrap();
    store.enter(&complaint("Lampu mati")).unwrap();
    assert!(store.has_unsent().unwrap() && !store.has_more(&rules, false).unwrap());
    let rests_ms = store.rests_ms(&rules).unwrap().expect("it rests");
    assert!(rests_ms <= DAY_MS as u64);
    store.enter(&urgent("Diminta uang")).unwrap();
    assert_eq!(store.rests_ms(&rules).unwrap(), None);
    assert!(store.has_more(&rules, false).unwrap());
    let mut opening = store.opening(&HEALTH(), 1 << 20).unwrap();
    assert_eq!(opening.open.len(), 2);
    store.allowance(&rules).unwrap().withhold(&mut opening, rules.files);
    assert_eq!(opening.open.iter().map(|log| log.head.lane()).collect::<Vec<_>>(), [Lane::Urgent]);
    assert_eq!(opening.hello.extensions.0.len(), 1, "and no feed");
}

#[test]
fn whoever_rests_is_heard_once_a_day() {
    let mut pc = Pc::new(1);
    let mut store = pc.start();
    let metered = Rules { metered: hours("always"), ..Rules::default() };
    assert_eq!(store.rests_ms(&metered).unwrap(), None, "the hub was never heard");
    store.note_contact(&Contact { ended_ms: NOON, ..Contact::default() }, (&metered, 0)).unwrap();
    assert_eq!(store.rests_ms(&metered).unwrap(), Some(u64::MAX));
    let quiet = Rules { quiet: hours("00:00-24:00"), ..metered.clone() };
    pc.clock.set_wall(NOON + DAY_MS);
    assert_eq!([&metered, &quiet].map(|rules| store.rests_ms(rules).unwrap()), [None, None]);
    let night = Rules { quiet: hours("00:00-23:59"), ..Rules::default() };
    assert!(store.rests_ms(&night).unwrap().is_some(), "it ends by itself");
}

#[test]
fn a_metered_link_carries_records_and_neither_feed_nor_files() {
    let mut store = Pc::new(1).start();
    let rules = Rules { metered: hours("always"), ..Rules::default() };
    store.enter(&complaint("Lampu mati")).unwrap();
    let allowance = store.allowance(&rules).unwrap();
    assert_eq!((allowance.allowed, allowance.because), (Allowed::Records, Some((Why::Metered, None))));
    let mut opening = store.opening(&HEALTH(), 1 << 20).unwrap();
    allowance.withhold(&mut opening, rules.files);
    assert_eq!((opening.open.len(), opening.files.len(), opening.hello.extensions.0.len()), (1, 0, 1));
    assert_eq!(opening.mode, Mode::Send { bytes_aim: 60_000 });
    let nearly = Rules { day_bytes: 5_000, ..rules };
    let mut opening = store.opening(&HEALTH(), 1 << 20).unwrap();
    store.allowance(&nearly).unwrap().withhold(&mut opening, nearly.files);
    assert_eq!(opening.mode, Mode::Send { bytes_aim: 5_000 }, "no more than is left");
}

#[test]
fn attachments_wait_for_an_idle_moment_or_do_not_go_at_all_as_it_is_set() {
    let mut store = Pc::new(1).start();
    let record = store.enter(&complaint("Jalan rusak")).unwrap().record;
    store.attach(record, "sari", &[attachments::paper("jalan.pdf", 900)]).unwrap();
    let files = |store: &mut Store, files| {
        let mut opening = store.opening(&HEALTH(), 1 << 20).unwrap();
        store.allowance(&Rules::default()).unwrap().withhold(&mut opening, files);
        opening.files.len()
    };
    let choices = [SendFiles::Always, SendFiles::WhenIdle, SendFiles::Never];
    assert_eq!(choices.map(|choice| files(&mut store, choice)), [1, 0, 0]);
    let stored = all_stored(&mut store);
    store.apply(Event::Marks(stored), None).unwrap();
    assert_eq!(choices.map(|choice| files(&mut store, choice)), [1, 1, 0]);
}
