//! What a store took in of late.

use super::*;

const DAY_MS: i64 = 24 * 3_600_000;

#[test]
fn growth_is_told_after_a_week_and_looks_at_four() {
    let mut pc = Pc::new(1);
    let mut store = pc.start();
    assert_eq!(store.growth().unwrap(), None, "nothing came in");
    store.enter(&complaint("Yang pertama.")).unwrap();
    pc.clock.set_wall(NOON + 7 * DAY_MS - 1);
    assert_eq!(store.growth().unwrap(), None, "its first week is not over");
    pc.clock.set_wall(NOON + 7 * DAY_MS);
    let week = store.growth().unwrap().expect("a week");
    assert_eq!(week.days, 7);
    assert!(week.bytes > 0);
    pc.clock.set_wall(NOON + 300 * DAY_MS);
    assert_eq!(store.growth().unwrap(), Some(Growth { days: 28, bytes: 0 }), "nothing came in of late");
}

#[test]
fn growth_counts_what_is_of_late_and_not_what_was_before() {
    let mut pc = Pc::new(1);
    let mut store = pc.start();
    for _ in 0..3 {
        store.enter(&complaint("Dahulu.")).unwrap();
    }
    let all = {
        pc.clock.set_wall(NOON + 10 * DAY_MS);
        store.growth().unwrap().expect("ten days").bytes
    };
    pc.clock.set_wall(NOON + 100 * DAY_MS);
    store.enter(&complaint("Sekarang.")).unwrap();
    let lately = store.growth().unwrap().expect("a hundred days").bytes;
    assert!(lately > 0 && lately < all, "{lately} of {all}");
}

#[test]
fn a_clock_that_was_set_back_gives_no_growth_to_guess_from() {
    let mut pc = Pc::new(1);
    let mut store = pc.start();
    store.enter(&complaint("Jam maju.")).unwrap();
    pc.clock.set_wall(NOON - 40 * DAY_MS);
    assert_eq!(store.growth().unwrap(), None);
}
