//! Times in words, as people of the office say them.

use jiff::civil::Weekday;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Zoned};
use kentongan_host::Lang;
use kentongan_protocol::calendar::Zone;
use kentongan_protocol::form::Civil;

use crate::words::Words;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// A time: in words beside another, and exactly.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct When {
    /// `7 menit lalu`
    pub near: String,
    /// `Sabtu, 21 November 2026 pukul 14.05 WIB`
    pub exact: String,
}

/// The clock on the wall of an office: now, and where. The zone follows from where the office is, whatever its PC
/// believes.
#[derive(Debug, Clone)]
pub struct Clock {
    /// Milliseconds since 1970.
    pub now_ms: i64,
    place: Zone,
    zone: TimeZone,
}

impl Clock {
    /// Of an office in this zone.
    pub fn of(now_ms: i64, place: Zone) -> Clock {
        let hours = i8::try_from(place.hours()).unwrap_or(7);
        Clock { now_ms, place, zone: TimeZone::fixed(Offset::constant(hours)) }
    }

    /// A time in words.
    pub fn when(&self, ms: i64, w: &Words) -> When {
        When { near: self.near(ms, w), exact: self.exact(ms, w) }
    }

    fn near(&self, ms: i64, w: &Words) -> String {
        let ago_ms = self.now_ms.saturating_sub(ms);
        let count = |key, unit_ms: i64| w.count(key, ago_ms.unsigned_abs() / unit_ms.unsigned_abs());
        match ago_ms {
            0..MINUTE_MS => w.t("waktu.barusan").to_owned(),
            MINUTE_MS..HOUR_MS => count("waktu.menit_lalu", MINUTE_MS),
            HOUR_MS..DAY_MS => count("waktu.jam_lalu", HOUR_MS),
            DAY_MS.. => count("waktu.hari_lalu", DAY_MS),
            _ if ago_ms > -MINUTE_MS => w.t("waktu.sebentar").to_owned(),
            _ if ago_ms > -HOUR_MS => count("waktu.menit_lagi", MINUTE_MS),
            _ if ago_ms > -DAY_MS => count("waktu.jam_lagi", HOUR_MS),
            _ => count("waktu.hari_lagi", DAY_MS),
        }
    }

    /// Day, date, time of day and zone.
    pub fn exact(&self, ms: i64, w: &Words) -> String {
        let date = self.date(ms, w);
        w.with("waktu.lengkap", &[("tanggal", &date), ("jam", &self.time(ms, w)), ("zona", self.place.name())])
    }

    /// `Sabtu, 21 November 2026`
    pub fn date(&self, ms: i64, w: &Words) -> String {
        let at = self.at(ms);
        let date = civil(&at).map_or_else(String::new, |date| date.display(w.lang));
        format!("{}, {date}", weekday(at.weekday(), w))
    }

    /// `Kam 19 Nov`, for a line that is read from afar.
    pub fn short(&self, ms: i64, w: &Words) -> String {
        let at = self.at(ms);
        let date = civil(&at).map_or_else(String::new, |date| date.display(w.lang));
        let mut parts = date.split(' ');
        let (day, month) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        format!("{} {day} {}", weekday(at.weekday(), w), month.chars().take(3).collect::<String>())
    }

    /// `14.05`
    pub fn time(&self, ms: i64, w: &Words) -> String {
        let at = self.at(ms);
        let part = if w.lang == Lang::Id { '.' } else { ':' };
        format!("{:02}{part}{:02}", at.hour(), at.minute())
    }

    /// `14.02.11`
    pub fn to_the_second(&self, ms: i64, w: &Words) -> String {
        let part = if w.lang == Lang::Id { '.' } else { ':' };
        format!("{}{part}{:02}", self.time(ms, w), self.at(ms).second())
    }

    /// The day that a time belongs to.
    pub fn day(&self, ms: i64) -> Option<Civil> {
        civil(&self.at(ms))
    }

    /// Begin of a day and of the next one.
    pub fn bounds(&self, day: Civil) -> Option<(i64, i64)> {
        let (year, month) = (i16::try_from(day.year).ok()?, i8::try_from(day.month).ok()?);
        let date = jiff::civil::Date::new(year, month, i8::try_from(day.day).ok()?).ok()?;
        let begin =
            |date: jiff::civil::Date| date.to_zoned(self.zone.clone()).ok().map(|at| at.timestamp().as_millisecond());
        Some((begin(date)?, begin(date.tomorrow().ok()?)?))
    }

    /// Minutes east of UTC at a time.
    pub fn offset_min(&self, day: Civil, hour: i8, minute: i8) -> Option<i16> {
        let (year, month) = (i16::try_from(day.year).ok()?, i8::try_from(day.month).ok()?);
        let date = jiff::civil::Date::new(year, month, i8::try_from(day.day).ok()?).ok()?;
        let at = jiff::civil::Time::new(hour, minute, 0, 0).ok()?.to_datetime(date);
        let offset = at.to_zoned(self.zone.clone()).ok()?.offset();
        i16::try_from(offset.seconds() / 60).ok()
    }

    fn at(&self, ms: i64) -> Zoned {
        Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(self.zone.clone())
    }
}

fn civil(at: &Zoned) -> Option<Civil> {
    Civil::new(i32::from(at.year()), u8::try_from(at.month()).ok()?, u8::try_from(at.day()).ok()?)
}

fn weekday(day: Weekday, w: &Words) -> &'static str {
    match day {
        Weekday::Monday => w.t("hari.senin"),
        Weekday::Tuesday => w.t("hari.selasa"),
        Weekday::Wednesday => w.t("hari.rabu"),
        Weekday::Thursday => w.t("hari.kamis"),
        Weekday::Friday => w.t("hari.jumat"),
        Weekday::Saturday => w.t("hari.sabtu"),
        Weekday::Sunday => w.t("hari.minggu"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::words::Catalog;

    static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Catalog::of("", ""));

    fn words(lang: Lang) -> Words {
        CATALOG.in_lang(lang)
    }

    /// Saturday, 21 November 2026, 14:05 in Jakarta.
    const NOW: i64 = 1_795_244_700_000;

    fn clock() -> Clock {
        Clock::of(NOW, Zone::Wib)
    }

    #[test]
    fn a_time_is_said_as_people_of_the_office_say_it() {
        let (clock, w) = (clock(), words(Lang::Id));
        assert_eq!(clock.exact(NOW, &w), "Sabtu, 21 November 2026 pukul 14.05 WIB");
        assert_eq!(clock.short(NOW - 2 * DAY_MS, &w), "Kamis 19 Nov");
        assert_eq!(clock.to_the_second(NOW + 11_000, &w), "14.05.11");
        assert_eq!(clock.exact(NOW, &words(Lang::En)), "Saturday, 21 November 2026 at 14:05 WIB");
        let near = |ms| clock.near(ms, &w);
        assert_eq!(near(NOW - 1), "baru saja");
        assert_eq!(near(NOW - 7 * MINUTE_MS), "7 menit lalu");
        assert_eq!(near(NOW - 3 * HOUR_MS), "3 jam lalu");
        assert_eq!(near(NOW - 50 * HOUR_MS), "2 hari lalu");
        assert_eq!(near(NOW + 5_000), "sebentar lagi");
        assert_eq!(near(NOW + 5 * MINUTE_MS), "5 menit lagi");
        assert_eq!(clock.near(NOW - MINUTE_MS, &words(Lang::En)), "1 minute ago");
    }

    #[test]
    fn a_day_begins_at_midnight_of_the_office() {
        let clock = clock();
        let day = clock.day(NOW).expect("a day");
        let (from, until) = clock.bounds(day).expect("a day");
        assert_eq!((NOW - from, until - from), (14 * HOUR_MS + 5 * MINUTE_MS, DAY_MS));
        assert_eq!(clock.offset_min(day, 14, 5), Some(420));
    }

    #[test]
    fn absurd_clocks_still_give_words() {
        let w = words(Lang::Id);
        for ms in [i64::MIN, -1, 0, i64::MAX] {
            assert!(!clock().when(ms, &w).exact.is_empty());
            let _ = Clock::of(ms, Zone::Wit).when(NOW, &w);
        }
    }
}
