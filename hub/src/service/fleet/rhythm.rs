//! An office's own rhythm: when it works, how long it is usually quiet, and hence when its silence means something.
//!
//! ```text
//!   days heard ──▶ week, hours ──▶ open time: only hours in which the office works count as quiet
//!                     └──▶ usual quiet ──▶ late after that and a quarter more ──▶ silent after three times that
//! ```
//!
//! A Sunday, a holiday and a night are no silence; neither are five days for an office that is heard on Fridays. Until an
//! office has been heard on four days in two weeks it is judged by the settings. Pure: everything comes in as arguments.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};

use kentongan_protocol::calendar::{Calendar, Day, Week, WorkDays, Zone};
use kentongan_protocol::ids::OfficeCode;
use serde::{Deserialize, Serialize};

use crate::store::OfficeDay;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Days back from which is learned: holidays and leave among them leave enough.
const LEARNED_FROM_DAYS: i32 = 42;
/// Less than this is no rhythm yet.
const HEARD_DAYS_MIN: usize = 4;
const KNOWN_FOR_DAYS_MIN: i32 = 14;
/// Days off on which it must have been possible to hear the office before they say anything.
const DAYS_OFF_MIN: usize = 3;
/// Hours of an office that nobody has learned yet, and of one whose contacts are too few hours apart to tell.
const OFFICE_HOURS: (u8, u8) = (8, 16);
const OPEN_HOURS_MIN: u8 = 3;
/// Four of five quiet times are no longer than the usual one.
const USUAL_PERCENT: usize = 80;
/// Days looked ahead: whoever is quiet for longer is silent anyway.
const AHEAD_DAYS_MAX: i32 = 400;

/// How patient a hub is with offices whose rhythm it does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Patience {
    /// Expected interval, in milliseconds; whole days count as working days.
    pub(crate) expected_ms: i64,
    /// Time until an office is called silent, in the same way. Nobody is called silent earlier.
    pub(crate) silent_ms: i64,
    /// Working week of an office that has not shown another.
    pub(crate) week: Week,
}

/// When an office works and how long it is usually quiet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rhythm {
    /// Days of the week on which it works: 5, 6 or 7.
    pub week_days: u8,
    /// First hour of its day, 0 to 23.
    pub from_hour: u8,
    /// The hour with which its day ends, 1 to 24.
    pub to_hour: u8,
    /// Whether this was learned from its contacts; else it is what the hub assumes of everybody.
    pub learned: bool,
    /// Seconds of its working time without a word after which it is late.
    pub late_after_s: u64,
    /// Seconds of its working time without a word after which it is silent.
    pub silent_after_s: u64,
}

/// Rhythms that were learned already: learning is pure, and of each office a day's contacts are the same all day long.
#[derive(Debug, Default)]
pub struct Rhythms(Mutex<Learned>);

#[derive(Debug, Default)]
struct Learned {
    /// What all of them were learned with: a hash of the calendar, and the settings.
    with: Option<(u64, Patience)>,
    by_office: BTreeMap<OfficeCode, Known>,
}

/// What was learned of an office.
#[derive(Debug)]
struct Known {
    today: Day,
    /// The days before, each with its hours.
    heard: Vec<(Day, u32)>,
    rhythm: Rhythm,
}

impl Rhythms {
    /// As [`Rhythm::learn`], from memory if nothing of what it would be learned from has changed.
    pub(crate) fn of(
        &self,
        days: &[OfficeDay],
        calendar: &Hashed,
        office: &OfficeCode,
        today: Day,
        patience: Patience,
    ) -> Rhythm {
        // What is kept is whole at any moment, whatever happened to another thread meanwhile.
        let mut learned = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let with = Some((calendar.hash, patience));
        if learned.with != with {
            *learned = Learned { with, ..Learned::default() };
        }
        let heard = || days.iter().filter(|day| day.day < today).map(|day| (day.day, day.hours));
        match learned.by_office.get(office) {
            Some(known) if known.today == today && heard().eq(known.heard.iter().copied()) => known.rhythm,
            _ => {
                let rhythm = Rhythm::learn(days, &calendar.calendar, office, today, patience);
                learned.by_office.insert(office.clone(), Known { today, heard: heard().collect(), rhythm });
                rhythm
            }
        }
    }
}

/// A calendar that is told from others at a glance.
#[derive(Debug)]
pub(crate) struct Hashed {
    pub(crate) calendar: Calendar,
    hash: u64,
}

impl From<Calendar> for Hashed {
    fn from(calendar: Calendar) -> Hashed {
        let mut hasher = DefaultHasher::new();
        calendar.write().hash(&mut hasher);
        Hashed { calendar, hash: hasher.finish() }
    }
}

/// The working time of one office.
#[derive(Debug)]
pub(crate) struct Clockwork<'a> {
    work: WorkDays<'a>,
    zone: Zone,
    /// First hour and end.
    hours: (u8, u8),
}

/// What the silence of an office means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quiet {
    /// Nothing yet.
    Usual,
    /// Longer than it usually is quiet.
    Late,
    /// So much longer that somebody should ask.
    Silent,
}

/// When the silence after a contact begins to mean something, milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) late_ms: i64,
    pub(crate) silent_ms: i64,
}

impl Expected {
    /// What silence until now means.
    pub(crate) fn quiet(self, now_ms: i64) -> Quiet {
        match now_ms {
            now_ms if now_ms > self.silent_ms => Quiet::Silent,
            now_ms if now_ms > self.late_ms => Quiet::Late,
            _ => Quiet::Usual,
        }
    }
}

impl Rhythm {
    /// Learns it from the days on which an office was heard, in order, before `today`.
    pub(crate) fn learn(
        days: &[OfficeDay],
        calendar: &Calendar,
        office: &OfficeCode,
        today: Day,
        patience: Patience,
    ) -> Rhythm {
        let heard: Vec<&OfficeDay> = days
            .iter()
            .filter(|day| day.hours != 0 && day.day < today && today.since(day.day) <= LEARNED_FROM_DAYS)
            .collect();
        let known_for = days.iter().find(|day| day.hours != 0).map_or(0, |first| today.since(first.day));
        let learned = heard.len() >= HEARD_DAYS_MIN && known_for >= KNOWN_FOR_DAYS_MIN;
        let week = if learned { week(&heard, calendar, office, today, patience.week) } else { patience.week };
        let hours = if learned { hours(&heard) } else { OFFICE_HOURS };
        let clockwork = Clockwork { work: WorkDays::new(calendar, office, week), zone: Zone::of(office), hours };
        let open_day_ms = clockwork.open_day_ms();
        let assumed = |ms: i64| ms / DAY_MS * open_day_ms + (ms % DAY_MS).min(open_day_ms);
        let (late_ms, silent_ms) = match learned.then(|| clockwork.usual_quiet_ms(&heard)) {
            Some(usual_ms) => {
                let late_ms = usual_ms + (usual_ms / 4).max(HOUR_MS);
                (late_ms, assumed(patience.silent_ms).max(usual_ms * 3))
            }
            None => (assumed(patience.expected_ms), assumed(patience.silent_ms)),
        };
        let seconds = |ms: i64| u64::try_from(ms / 1000).unwrap_or(0);
        Rhythm {
            week_days: week.days(),
            from_hour: hours.0,
            to_hour: hours.1,
            learned,
            late_after_s: seconds(late_ms),
            silent_after_s: seconds(silent_ms.max(late_ms)),
        }
    }

    /// The working time that this says.
    pub(crate) fn clockwork<'a>(&self, calendar: &'a Calendar, office: &'a OfficeCode) -> Clockwork<'a> {
        let week = Week::with_days(self.week_days).unwrap_or_default();
        let (work, zone) = (WorkDays::new(calendar, office, week), Zone::of(office));
        Clockwork { work, zone, hours: (self.from_hour, self.to_hour) }
    }

    /// When the silence after a contact begins to mean something.
    pub(crate) fn expected(&self, clockwork: &Clockwork<'_>, contact_ms: i64) -> Expected {
        let ms = |seconds: u64| i64::try_from(seconds.saturating_mul(1000)).unwrap_or(i64::MAX);
        Expected {
            late_ms: clockwork.after(contact_ms, ms(self.late_after_s)),
            silent_ms: clockwork.after(contact_ms, ms(self.silent_after_s)),
        }
    }
}

/// The week that contacts on days off show: heard on half of them, the office works on them.
fn week(heard: &[&OfficeDay], calendar: &Calendar, office: &OfficeCode, today: Day, assumed: Week) -> Week {
    let first = heard.first().map_or(today, |day| day.day);
    let whole_weeks = |week: Week, rest: Week| {
        let (wide, narrow) = (WorkDays::new(calendar, office, week), WorkDays::new(calendar, office, rest));
        let days = (0..today.since(first)).map(|ahead| first.plus(ahead));
        let off: Vec<Day> = days.filter(|day| wide.has(*day) && !narrow.has(*day)).collect();
        let on = off.iter().filter(|day| heard.iter().any(|heard| heard.day == **day)).count();
        (off.len() >= DAYS_OFF_MIN).then_some(on * 2 >= off.len())
    };
    match (whole_weeks(Week::Six, Week::Five), whole_weeks(Week::Every, Week::Six)) {
        (Some(true), Some(true)) => Week::Every,
        (Some(true), _) => Week::Six,
        (Some(false), _) => Week::Five,
        (None, _) => assumed,
    }
}

/// From the first to the last hour in which the office is heard on at least half of its days.
fn hours(heard: &[&OfficeDay]) -> (u8, u8) {
    let usual = |hour: &u8| heard.iter().filter(|day| day.hours & (1 << *hour) != 0).count() * 2 >= heard.len();
    let mut usual = (0..24).filter(usual);
    let Some(from) = usual.next() else { return OFFICE_HOURS };
    let to = usual.next_back().unwrap_or(from) + 1;
    if to - from < OPEN_HOURS_MIN { OFFICE_HOURS } else { (from, to) }
}

impl Clockwork<'_> {
    fn open_day_ms(&self) -> i64 {
        i64::from(self.hours.1.saturating_sub(self.hours.0).max(1)) * HOUR_MS
    }

    /// Whether the office works on a day.
    pub(crate) fn works(&self, day: Day) -> bool {
        self.work.has(day)
    }

    /// The zone of the office.
    pub(crate) fn zone(&self) -> Zone {
        self.zone
    }

    /// The moment at which so much working time has passed since `from_ms`, milliseconds since 1970.
    pub(crate) fn after(&self, from_ms: i64, open_ms: i64) -> i64 {
        let (first, mut left_ms) = (self.zone.day_of(from_ms), open_ms);
        for day in (0..AHEAD_DAYS_MAX).map(|ahead| first.plus(ahead)).filter(|day| self.works(*day)) {
            let opens_ms = self.zone.start_of(day) + i64::from(self.hours.0) * HOUR_MS;
            let begin_ms = from_ms.max(opens_ms);
            let there_ms = (opens_ms + self.open_day_ms() - begin_ms).max(0);
            if left_ms <= there_ms {
                return begin_ms + left_ms;
            }
            left_ms -= there_ms;
        }
        from_ms.saturating_add(i64::from(AHEAD_DAYS_MAX) * DAY_MS)
    }

    /// How long the office is usually without a word, in working time: of each day on which it was heard, the longest time
    /// that ended on it, nights and days off left out.
    fn usual_quiet_ms(&self, heard: &[&OfficeDay]) -> i64 {
        let (Some(first), Some(last)) = (heard.first(), heard.last()) else { return HOUR_MS };
        let mut heard = heard.iter().peekable();
        let (mut quiet, mut ended) = (0, Vec::new());
        for day in (0..=last.day.since(first.day)).map(|ahead| first.day.plus(ahead)) {
            let hours = heard.next_if(|heard| heard.day == day).map_or(0, |heard| heard.hours);
            let (works, mut longest) = (self.works(day), 0);
            for hour in 0..24 {
                if hours & (1 << hour) != 0 {
                    longest = longest.max(quiet);
                    quiet = 0;
                } else if works && (self.hours.0..self.hours.1).contains(&hour) {
                    quiet += 1;
                }
            }
            if hours != 0 && day != first.day {
                ended.push(longest);
            }
        }
        i64::from(usual(ended).unwrap_or(1).max(1)) * HOUR_MS
    }
}

/// The number that [`USUAL_PERCENT`] of all do not exceed.
fn usual(mut numbers: Vec<i32>) -> Option<i32> {
    numbers.sort_unstable();
    let place = (numbers.len() * USUAL_PERCENT).div_ceil(100);
    numbers.get(place.max(1) - 1).copied()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use kentongan_protocol::form::Civil;

    const PATIENCE: Patience = Patience { expected_ms: DAY_MS, silent_ms: 3 * DAY_MS, week: Week::Five };

    fn day(text: &str) -> Day {
        text.parse::<Civil>().expect("a date").into()
    }

    /// A moment at a village in the west, by the clock there.
    fn at(date: &str, hour: i64) -> i64 {
        Zone::Wib.start_of(day(date)) + hour * HOUR_MS
    }

    fn village() -> OfficeCode {
        "32.73.05.1001".parse().expect("a code")
    }

    /// The days of eight weeks before 2026-11-16, a Monday, on which `hours` says that the office was heard.
    fn weeks(hours: impl Fn(Day) -> u32) -> Vec<OfficeDay> {
        let first = day("2026-09-21");
        let days = (0..56).map(|ahead| first.plus(ahead));
        days.map(|day| OfficeDay { hours: hours(day), ..OfficeDay::new(day) }).collect()
    }

    fn learn(days: &[OfficeDay]) -> Rhythm {
        Rhythm::learn(days, &Calendar::built_in(), &village(), day("2026-11-16"), PATIENCE)
    }

    #[test]
    fn what_is_remembered_is_what_would_be_learned() {
        let (calendar, office, monday) = (Calendar::built_in(), village(), day("2026-11-16"));
        let mut days = weeks(|day| if works(day) { hours_of(7..16) } else { 0 });
        let rhythms = Rhythms::default();
        let same = |days: &[OfficeDay], calendar: &Calendar, today, patience| {
            let learned = Rhythm::learn(days, calendar, &office, today, patience);
            let calendar = Hashed::from(calendar.clone());
            assert_eq!([0, 1].map(|_| rhythms.of(days, &calendar, &office, today, patience)), [learned; 2]);
            learned
        };
        let first = same(&days, &calendar, monday, PATIENCE);
        days.retain(|day| day.hours == 0 || day.day.weekday() == kentongan_protocol::calendar::Weekday::Friday);
        let second = same(&days, &calendar, monday, PATIENCE);
        assert_ne!(first, second);
        same(&days, &Calendar::default(), monday, PATIENCE);
        same(&days, &calendar, monday.plus(7), PATIENCE);
        assert_ne!(
            same(&[], &calendar, monday, PATIENCE),
            same(&[], &calendar, monday, Patience { silent_ms: 9 * DAY_MS, ..PATIENCE })
        );
    }

    fn quiet(rhythm: &Rhythm, contact_ms: i64, now_ms: i64) -> Quiet {
        let (calendar, office) = (Calendar::built_in(), village());
        rhythm.expected(&rhythm.clockwork(&calendar, &office), contact_ms).quiet(now_ms)
    }

    fn hours_of(range: std::ops::Range<u32>) -> u32 {
        range.fold(0, |bits, hour| bits | 1 << hour)
    }

    fn works(day: Day) -> bool {
        WorkDays::new(&Calendar::built_in(), &village(), Week::Five).has(day)
    }

    #[test]
    fn an_office_that_is_on_line_all_day_is_late_within_hours_but_not_at_night_or_on_a_sunday() {
        let rhythm = learn(&weeks(|day| if works(day) { hours_of(7..16) } else { 0 }));
        assert_eq!((rhythm.week_days, rhythm.from_hour, rhythm.to_hour, rhythm.learned), (5, 7, 16, true));
        assert_eq!((rhythm.late_after_s, rhythm.silent_after_s), (2 * 3600, 27 * 3600));
        let friday = at("2026-11-20", 15);
        assert_eq!(quiet(&rhythm, friday, at("2026-11-22", 12)), Quiet::Usual, "Sunday");
        assert_eq!(quiet(&rhythm, friday, at("2026-11-23", 8)), Quiet::Usual, "an hour on Friday, an hour on Monday");
        assert_eq!(quiet(&rhythm, friday, at("2026-11-23", 9)), Quiet::Late);
        assert_eq!(quiet(&rhythm, friday, at("2026-11-25", 14)), Quiet::Late, "26 hours");
        assert_eq!(quiet(&rhythm, friday, at("2026-11-26", 8)), Quiet::Silent);
    }

    #[test]
    fn an_office_that_is_heard_on_fridays_is_not_late_on_thursday() {
        use kentongan_protocol::calendar::Weekday::Friday;
        let rhythm = learn(&weeks(|day| if day.weekday() == Friday { 1 << 10 } else { 0 }));
        assert_eq!((rhythm.from_hour, rhythm.to_hour, rhythm.late_after_s), (8, 16, 175_500), "39 hours and a quarter");
        let friday = at("2026-11-13", 10);
        assert_eq!(quiet(&rhythm, friday, at("2026-11-20", 9)), Quiet::Usual);
        assert_eq!(quiet(&rhythm, friday, at("2026-11-24", 9)), Quiet::Late);
        assert_eq!(quiet(&rhythm, friday, at("2026-11-30", 9)), Quiet::Late);
        assert_eq!(quiet(&rhythm, friday, at("2026-12-07", 9)), Quiet::Silent);
    }

    #[test]
    fn an_office_that_calls_once_a_day_at_any_hour_has_a_day_for_it() {
        let rhythm = learn(&weeks(|day| if works(day) { 1 << (8 + day.0.rem_euclid(7)) } else { 0 }));
        assert_eq!((rhythm.from_hour, rhythm.to_hour), (8, 16));
        assert_eq!(quiet(&rhythm, at("2026-11-17", 9), at("2026-11-18", 9)), Quiet::Usual);
        assert_eq!(quiet(&rhythm, at("2026-11-17", 9), at("2026-11-19", 9)), Quiet::Late);
    }

    #[test]
    fn saturdays_and_nights_are_working_time_where_the_office_shows_it() {
        let six = learn(&weeks(|day| {
            if WorkDays::new(&Calendar::built_in(), &village(), Week::Six).has(day) { hours_of(8..13) } else { 0 }
        }));
        assert_eq!((six.week_days, six.from_hour, six.to_hour), (6, 8, 13));
        let always = learn(&weeks(|_| hours_of(0..24)));
        assert_eq!((always.week_days, always.from_hour, always.to_hour), (7, 0, 24));
        assert_eq!(quiet(&always, at("2026-11-22", 1), at("2026-11-22", 4)), Quiet::Late, "on Sunday at four");
    }

    #[test]
    fn a_fortnight_of_silence_once_does_not_make_an_office_slow() {
        let away = day("2026-10-05")..day("2026-10-17");
        let rhythm = learn(&weeks(|day| if works(day) && !away.contains(&day) { hours_of(8..16) } else { 0 }));
        assert_eq!(rhythm.late_after_s, 2 * 3600);
    }

    #[test]
    fn who_was_heard_too_seldom_to_have_a_rhythm_is_judged_by_the_settings() {
        let mut days = weeks(|_| 0);
        for place in [40, 45, 50] {
            days[place].hours = 1 << 9;
        }
        let rhythm = learn(&days);
        assert!(!rhythm.learned);
        assert_eq!((rhythm.late_after_s, rhythm.silent_after_s), (8 * 3600, 24 * 3600), "one and three working days");
        assert_eq!(learn(&[]), rhythm);
        let short = Patience { expected_ms: 2 * HOUR_MS, ..PATIENCE };
        let rhythm = Rhythm::learn(&[], &Calendar::built_in(), &village(), day("2026-11-16"), short);
        assert_eq!(rhythm.late_after_s, 2 * 3600);
    }

    #[test]
    fn holidays_are_no_silence() {
        let rhythm = Rhythm::learn(&[], &Calendar::built_in(), &village(), day("2026-03-17"), PATIENCE);
        let before_the_feast = at("2026-03-17", 15);
        assert_eq!(quiet(&rhythm, before_the_feast, at("2026-03-24", 23)), Quiet::Usual, "seven days later");
        assert_eq!(quiet(&rhythm, before_the_feast, at("2026-03-26", 15)), Quiet::Late);
    }

    proptest! {
        #[test]
        fn whatever_was_heard_silence_comes_after_lateness_and_longer_quiet_never_looks_better(
            bits in prop::collection::vec(any::<u32>(), 56),
            contact in 0i64..60 * 24,
            waits in prop::collection::vec(0i64..200, 2),
        ) {
            let mut bits = bits.into_iter();
            let mut days = weeks(|_| 0);
            days.iter_mut().for_each(|day| day.hours = bits.next().unwrap_or(0) & 0xFF_FFFF);
            let rhythm = learn(&days);
            prop_assert!(rhythm.from_hour < rhythm.to_hour && rhythm.to_hour <= 24);
            prop_assert!(0 < rhythm.late_after_s && rhythm.late_after_s <= rhythm.silent_after_s);
            let contact_ms = at("2026-10-01", contact);
            let rank = |wait: i64| match quiet(&rhythm, contact_ms, contact_ms + wait * 6 * HOUR_MS) {
                Quiet::Usual => 0,
                Quiet::Late => 1,
                Quiet::Silent => 2,
            };
            let (short, long) = (waits[0].min(waits[1]), waits[0].max(waits[1]));
            prop_assert!(rank(short) <= rank(long));
            prop_assert_eq!(rank(0), 0);
        }
    }
}
