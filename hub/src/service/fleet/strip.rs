//! The last thirty days of an office, one letter a day: what it was like at the day's end, by today's rhythm.

use kentongan_protocol::calendar::Day;

use super::rhythm::{Clockwork, Quiet, Rhythm};
use crate::store::OfficeDay;

/// Days shown.
pub(crate) const STRIP_DAYS: i32 = 30;
const HOUR_MS: i64 = 3_600_000;

/// The letters, the oldest day first: `o` heard, `-` quiet and nothing the matter, `l` late, `s` silent, `u` before it was
/// ever heard.
pub(crate) fn strip(days: &[OfficeDay], rhythm: &Rhythm, clockwork: &Clockwork<'_>, today: Day, now_ms: i64) -> String {
    let heard: Vec<&OfficeDay> = days.iter().filter(|day| day.hours != 0).collect();
    let mut expected = None;
    let letter = |day: Day| {
        let last = heard.iter().rev().find(|heard| heard.day <= day);
        let Some(last) = last else { return 'u' };
        if last.day == day {
            return 'o';
        }
        let last_hour = 32 - last.hours.leading_zeros();
        let heard_ms = clockwork.zone().start_of(last.day) + i64::from(last_hour) * HOUR_MS;
        // The days after a contact share what was expected of it.
        let (_, expected) = match expected {
            Some((known, expected)) if known == last.day => (known, expected),
            _ => *expected.insert((last.day, rhythm.expected(clockwork, heard_ms))),
        };
        match expected.quiet(clockwork.zone().start_of(day.plus(1)).min(now_ms)) {
            Quiet::Usual => '-',
            Quiet::Late => 'l',
            Quiet::Silent => 's',
        }
    };
    (1 - STRIP_DAYS..=0).map(|back| today.plus(back)).map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::fleet::rhythm::Patience;
    use kentongan_protocol::calendar::{Calendar, Week, Zone};
    use kentongan_protocol::form::Civil;
    use kentongan_protocol::ids::OfficeCode;

    const DAY_MS: i64 = 24 * HOUR_MS;

    #[test]
    fn a_strip_tells_days_heard_from_weekends_lateness_and_silence() {
        let (calendar, office): (_, OfficeCode) = (Calendar::built_in(), "32.73.05.1001".parse().expect("a code"));
        let day = |text: &str| Day::from(text.parse::<Civil>().expect("a date"));
        let (first, last, today) = (day("2026-10-26"), day("2026-11-13"), day("2026-11-22"));
        let heard = (0..=last.since(first)).map(|ahead| first.plus(ahead)).filter(|day| Week::Five.has(day.weekday()));
        let days: Vec<OfficeDay> = heard.map(|day| OfficeDay { hours: 0xFF00, ..OfficeDay::new(day) }).collect();
        let patience = Patience { expected_ms: DAY_MS, silent_ms: 3 * DAY_MS, week: Week::Five };
        let rhythm = Rhythm::learn(&days, &calendar, &office, today, patience);
        let now_ms = Zone::Wib.start_of(today) + 12 * HOUR_MS;
        let strip = strip(&days, &rhythm, &rhythm.clockwork(&calendar, &office), today, now_ms);
        // From Saturday 24 October to Sunday 22 November: three weeks, and since Monday 16 November nothing.
        assert_eq!(strip, "uuooooo--ooooo--ooooo--llsssss");
    }
}
