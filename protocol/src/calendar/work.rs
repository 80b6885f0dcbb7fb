//! Which days an office works, and the n-th working day after another.
//!
//! Day 0 is the day on which something happened, whatever the hour; day 1 the next working day; what is due is due at
//! the end of that local day.

use super::day::{Day, Weekday};
use super::year::Calendar;
use crate::ids::OfficeCode;

/// Days of the week on which an office works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Week {
    /// Monday to Friday (Perpres 21/2023).
    #[default]
    Five,
    /// Monday to Saturday: many clinics and counters.
    Six,
    /// Every day, holidays too: wards, emergency rooms, kiosks.
    Every,
}

impl Week {
    /// Whether an office with this week works on a day of that name.
    pub fn has(self, weekday: Weekday) -> bool {
        match self {
            Week::Five => weekday < Weekday::Saturday,
            Week::Six => weekday < Weekday::Sunday,
            Week::Every => true,
        }
    }

    /// Working days in it.
    pub fn days(self) -> u8 {
        match self {
            Week::Five => 5,
            Week::Six => 6,
            Week::Every => 7,
        }
    }

    /// The week with so many working days.
    pub fn with_days(days: u8) -> Option<Week> {
        [Week::Five, Week::Six, Week::Every].into_iter().find(|week| week.days() == days)
    }
}

/// The working days of one office.
#[derive(Debug, Clone)]
pub struct WorkDays<'a> {
    calendar: &'a Calendar,
    office: &'a OfficeCode,
    week: Week,
}

/// A day that was counted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Due {
    /// The day, at whose end it is due.
    pub day: Day,
    /// Whether no estimated holiday, and no year without holidays, lies on the way.
    pub certain: bool,
}

/// Days looked at beside four for each that is wanted: more than any closure, and than any stop that is still open.
const CLOSED_DAYS_MAX: i32 = 4_000;

impl<'a> WorkDays<'a> {
    /// Of an office with this week.
    pub fn new(calendar: &'a Calendar, office: &'a OfficeCode, week: Week) -> WorkDays<'a> {
        WorkDays { calendar, office, week }
    }

    /// The week of the office.
    pub fn week(&self) -> Week {
        self.week
    }

    /// Whether the office works on a day.
    pub fn has(&self, day: Day) -> bool {
        self.week.has(day.weekday()) && (self.week == Week::Every || self.calendar.on(day, self.office).is_none())
    }

    /// Whether it is known if the office works on a day.
    pub fn knows(&self, day: Day) -> bool {
        let estimated = self.calendar.on(day, self.office).is_some_and(|holiday| holiday.estimated);
        self.week == Week::Every || (self.calendar.has_year(day.year()) && !estimated)
    }

    /// The `count`-th working day after `start`, leaving out those that `stopped` names; `start` itself for 0.
    pub fn after(&self, start: Day, count: u16, stopped: impl Fn(Day) -> bool) -> Due {
        let (mut due, mut counted) = (Due { day: start, certain: true }, 0);
        let mut left = i32::from(count) * 4 + CLOSED_DAYS_MAX;
        while counted < count {
            if left == 0 {
                // Closed for longer than any office ever was: the calendar is wrong, or nobody ever answers.
                return Due { certain: false, ..due };
            }
            left -= 1;
            due.day = due.day.plus(1);
            if !stopped(due.day) {
                due.certain &= self.knows(due.day);
                counted += u16::from(self.has(due.day));
            }
        }
        due
    }

    /// The last working day before a day.
    pub fn before(&self, day: Day) -> Day {
        (1..CLOSED_DAYS_MAX).map(|back| day.plus(-back)).find(|day| self.has(*day)).unwrap_or(day.plus(-1))
    }

    /// Working days after `from` up to and including `to`; the same negative if `to` is the earlier one. Counts at most
    /// ten years.
    pub fn between(&self, from: Day, to: Day) -> i32 {
        const DAYS_MAX: i32 = 3_660;
        let (first, last, sign) = if from <= to { (from, to, 1) } else { (to, from, -1) };
        let days = last.since(first).min(DAYS_MAX);
        sign * (1..=days).filter(|ahead| self.has(first.plus(*ahead))).fold(0, |count, _| count + 1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::form::Civil;

    fn day(text: &str) -> Day {
        text.parse::<Civil>().unwrap().into()
    }

    fn village() -> OfficeCode {
        "32.73.05.1001".parse().unwrap()
    }

    /// Received, week, and the days on which 3, 5, 10, 14 and 60 working days end.
    const VECTORS: [(&str, Week, [&str; 5]); 6] = [
        ("2026-03-16", Week::Five, ["2026-03-26", "2026-03-30", "2026-04-07", "2026-04-13", "2026-06-25"]),
        ("2026-03-16", Week::Six, ["2026-03-26", "2026-03-28", "2026-04-04", "2026-04-09", "2026-06-09"]),
        ("2025-03-27", Week::Five, ["2025-04-10", "2025-04-14", "2025-04-22", "2025-04-28", "2025-07-11"]),
        ("2025-03-27", Week::Six, ["2025-04-09", "2025-04-11", "2025-04-17", "2025-04-23", "2025-06-24"]),
        ("2026-12-23", Week::Five, ["2026-12-30", "2027-01-04", "2027-01-12", "2027-01-18", "2027-04-05"]),
        ("2026-11-20", Week::Five, ["2026-11-25", "2026-11-27", "2026-12-04", "2026-12-10", "2027-02-19"]),
    ];

    #[test]
    fn limits_in_working_days_end_on_the_days_they_must() {
        let (calendar, office) = (Calendar::built_in(), village());
        for (received, week, ends) in VECTORS {
            let work = WorkDays::new(&calendar, &office, week);
            for (count, end) in [3, 5, 10, 14, 60].into_iter().zip(ends) {
                let due = work.after(day(received), count, |_| false);
                assert_eq!(due.day, day(end), "{received}, {week:?}, {count} working days");
                assert_eq!(work.between(day(received), due.day), i32::from(count));
            }
        }
    }

    #[test]
    fn a_limit_that_runs_over_an_estimated_holiday_or_an_unknown_year_is_not_certain() {
        let (calendar, office) = (Calendar::built_in(), village());
        let work = WorkDays::new(&calendar, &office, Week::Five);
        let certain = |from, count| work.after(day(from), count, |_| false).certain;
        assert!(certain("2026-11-20", 60));
        assert!(!certain("2026-12-23", 60), "Idulfitri 2027 is an estimate");
        assert!(certain("2027-11-20", 3));
        assert!(!certain("2027-12-30", 3), "2028 is not there yet");
    }

    #[test]
    fn a_year_has_the_working_days_it_must() {
        let (calendar, office) = (Calendar::built_in(), village());
        for (year, five, six) in [(2025, 237, 288), (2026, 240, 291), (2027, 242, 291)] {
            for (week, count) in [(Week::Five, five), (Week::Six, six)] {
                let work = WorkDays::new(&calendar, &office, week);
                let (first, last) = (Civil { year: year - 1, month: 12, day: 31 }, Civil { year, month: 12, day: 31 });
                assert_eq!(work.between(first.into(), last.into()), count, "{year}, {week:?}");
            }
        }
    }

    #[test]
    fn the_longest_closed_runs_are_found() {
        let (calendar, office) = (Calendar::built_in(), village());
        let work = WorkDays::new(&calendar, &office, Week::Five);
        for (last_open, days) in [("2025-03-27", 11), ("2026-03-17", 7), ("2027-03-05", 10)] {
            let next = work.after(day(last_open), 1, |_| false).day;
            assert_eq!(next.since(day(last_open)) - 1, days, "{last_open}");
            assert_eq!(work.before(next), day(last_open));
        }
    }

    #[test]
    fn days_that_are_stopped_do_not_count() {
        let (calendar, office) = (Calendar::built_in(), village());
        let work = WorkDays::new(&calendar, &office, Week::Five);
        let stopped = |at: Day| (day("2026-11-23")..=day("2026-11-24")).contains(&at);
        assert_eq!(work.after(day("2026-11-20"), 3, stopped).day, day("2026-11-27"));
        assert_eq!(work.after(day("2026-11-20"), 0, stopped).day, day("2026-11-20"));
        let closed = WorkDays::new(&calendar, &office, Week::Every);
        assert_eq!(closed.after(day("2026-12-23"), 3, |_| false).day, day("2026-12-26"));
    }

    proptest! {
        #[test]
        fn counting_on_and_counting_back_agree(start in 20_000i32..21_500, first in 0u16..80, second in 0u16..80) {
            let (calendar, office) = (Calendar::built_in(), village());
            let work = WorkDays::new(&calendar, &office, Week::Five);
            let nothing = |_: Day| false;
            let whole = work.after(Day(start), first + second, nothing).day;
            let halves = work.after(work.after(Day(start), first, nothing).day, second, nothing).day;
            prop_assert_eq!(whole, halves);
            prop_assert_eq!(work.between(Day(start), whole), i32::from(first + second));
            prop_assert_eq!(work.between(whole, Day(start)), -i32::from(first + second));
            prop_assert!(first + second == 0 || work.has(whole));
        }

        #[test]
        fn every_day_of_every_calendar_can_be_counted_from(start in any::<i32>(), count in 0u16..200) {
            let (calendar, office) = (Calendar::built_in(), village());
            let due = WorkDays::new(&calendar, &office, Week::Six).after(Day(start), count, |_| false);
            prop_assert!(due.day >= Day(start));
        }
    }
}
