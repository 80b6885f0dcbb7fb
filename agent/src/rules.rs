//! What may go over the link now: a budget of data, hours in which it costs, and hours in which it rests. Pure; who talks
//! asks before each exchange.
//!
//! Whatever is scarce, the same goes first: urgent complaints, always; then other records; then what the hub has for this
//! office; then attachments.
//!
//! ```text
//!                  urgent   records   feed   attachments
//!   quiet hours      ✔
//!   metered          ✔         ✔
//!   budget, spent    ✔        100 %    80 %      60 %       of the day's or the month's, up to here
//! ```

use kentongan_host::hours::{DAY_MIN, Hours};
use kentongan_protocol::calendar::Zone;
use kentongan_protocol::form::value::Civil;
use kentongan_protocol::ids::Lane;
use kentongan_protocol::session::agent::{Mode, Opening};
use kentongan_protocol::wire::codec::Blob;
use kentongan_protocol::wire::v1::hello_extension;

/// A day, in milliseconds.
const DAY_MS: i64 = 86_400_000;

/// A minute, in milliseconds.
const MINUTE_MS: i64 = 60_000;

/// Of a budget, attachments leave so many per cent to what goes before them.
const FILES_PERCENT: u64 = 60;

/// And what the hub has for this office so many to records.
const FEED_PERCENT: u64 = 80;

/// Where a budget is small, contacts without anything new take at most this part of it.
const IDLE_PART: u64 = 4;

/// What such a contact takes on an open connection, in bytes of IP packets: measured.
const IDLE_CONTACT_BYTES: u64 = 340;

/// How much of everything may go, from the least to all. What may go at one step may go at the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Allowed {
    /// Urgent complaints.
    Urgent,
    /// All records.
    Records,
    /// And what the hub has for this office.
    Feed,
    /// And attachments.
    All,
}

impl Allowed {
    /// Its stable name.
    pub fn code(self) -> &'static str {
        match self {
            Allowed::Urgent => "urgent",
            Allowed::Records => "records",
            Allowed::Feed => "feed",
            Allowed::All => "all",
        }
    }
}

/// Why not everything may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The link rests in these hours.
    Quiet,
    /// The link costs in these hours.
    Metered,
    /// The day's budget is used up, or nearly.
    Day,
    /// The month's.
    Month,
}

impl Why {
    /// Its stable name.
    pub fn code(self) -> &'static str {
        match self {
            Why::Quiet => "quiet_hours",
            Why::Metered => "metered",
            Why::Day => "budget_day",
            Why::Month => "budget_month",
        }
    }
}

/// Whether attachments are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SendFiles {
    /// Behind everything else of the same request.
    #[default]
    Always,
    /// In requests that have nothing else to carry.
    WhenIdle,
    /// Not over the link.
    Never,
}

/// The rules, as they are set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules {
    /// Whose days and hours those are.
    pub zone: Zone,
    /// When the link rests.
    pub quiet: Hours,
    /// When it costs.
    pub metered: Hours,
    /// Bytes of a day; 0: as many as it takes.
    pub day_bytes: u64,
    /// Bytes of a month; 0: as many as it takes.
    pub month_bytes: u64,
    /// Whether attachments are sent.
    pub files: SendFiles,
}

/// A day of the office's calendar, as a number, and the month that it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// Days since 1970.
    pub number: i64,
    /// The first day of its month.
    pub month_from: i64,
    /// The first day of the next one.
    pub month_to: i64,
}

/// Bytes that went over the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    /// Today.
    pub day: u64,
    /// This month.
    pub month: u64,
}

/// What may go now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// How much of everything.
    pub allowed: Allowed,
    /// Why not all, and for how many milliseconds yet; `None`: until it is set otherwise.
    pub because: Option<(Why, Option<u64>)>,
    /// Bytes that are left of the budget.
    pub left_bytes: u64,
}

/// The rules, what went over the link, and what may go now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkUse {
    /// The rules.
    pub rules: Rules,
    /// What went over the link.
    pub spent: Spent,
    /// What may go now.
    pub allowance: Allowance,
}

impl Rules {
    /// Whether anything is counted against a budget.
    pub fn has_budget(&self) -> bool {
        self.day_bytes > 0 || self.month_bytes > 0
    }

    /// The office's day at a moment, milliseconds since 1970.
    pub fn day(&self, now_ms: i64) -> Day {
        let number = self.civil_ms(now_ms).div_euclid(DAY_MS);
        let month = || {
            let date = Civil::from_days(i32::try_from(number).ok()?)?;
            let next = if date.month == 12 { (date.year + 1, 1) } else { (date.year, date.month + 1) };
            let first = |(year, month)| Civil::new(year, month, 1)?.to_days().map(i64::from);
            Some((first((date.year, date.month))?, first(next)?))
        };
        // A clock that shows no date has months of a day.
        let (month_from, month_to) = month().unwrap_or((number, number.saturating_add(1)));
        Day { number, month_from, month_to }
    }

    fn civil_ms(&self, now_ms: i64) -> i64 {
        now_ms.saturating_add(self.zone.hours() * 60 * MINUTE_MS)
    }

    /// What may go at a moment, milliseconds since 1970, after so much was spent.
    pub fn at(&self, now_ms: i64, spent: Spent) -> Allowance {
        let day = self.day(now_ms);
        let into_day_ms = self.civil_ms(now_ms).rem_euclid(DAY_MS);
        let minute = u16::try_from(into_day_ms / MINUTE_MS).unwrap_or(0).min(DAY_MIN - 1);
        let until_day = |later: i64| u64::try_from((later - day.number) * DAY_MS - into_day_ms).unwrap_or(0);
        let hours = |hours: &Hours, allowed, why| {
            let left = hours.left_min(minute).map(|min| i64::from(min) * MINUTE_MS - into_day_ms % MINUTE_MS);
            let left_ms = left.map(|ms| u64::try_from(ms).unwrap_or(0));
            hours.contain(minute).then_some((allowed, why, left_ms))
        };
        let budget = |bytes: u64, spent: u64, why, later| {
            let allowed = budgeted(bytes, spent);
            (allowed < Allowed::All).then(|| (allowed, why, Some(until_day(later))))
        };
        let causes = [
            hours(&self.quiet, Allowed::Urgent, Why::Quiet),
            hours(&self.metered, Allowed::Records, Why::Metered),
            budget(self.day_bytes, spent.day, Why::Day, day.number + 1),
            budget(self.month_bytes, spent.month, Why::Month, day.month_to),
        ];
        // The strictest counts, and of those that are alike the one that lasts longest.
        let longest = |left_ms: Option<u64>| left_ms.unwrap_or(u64::MAX);
        let strictest = causes.into_iter().flatten().reduce(|a, b| {
            let harder = (b.0 < a.0) || (b.0 == a.0 && longest(b.2) > longest(a.2));
            if harder { b } else { a }
        });
        let left = |bytes: u64, spent: u64| if bytes == 0 { u64::MAX } else { bytes.saturating_sub(spent) };
        Allowance {
            allowed: strictest.map_or(Allowed::All, |(allowed, ..)| allowed),
            because: strictest.map(|(_, why, left_ms)| (why, left_ms)),
            left_bytes: left(self.day_bytes, spent.day).min(left(self.month_bytes, spent.month)),
        }
    }

    /// Shortest time between contacts that have nothing to say, in milliseconds: they must not use up the budget.
    pub fn idle_interval_ms(&self) -> u64 {
        let of_day = [self.day_bytes, self.month_bytes / 31];
        let least = of_day.into_iter().filter(|bytes| *bytes > 0).min();
        let most = |bytes: u64| (bytes / IDLE_PART / IDLE_CONTACT_BYTES).max(1);
        least.map_or(0, |bytes| DAY_MS.unsigned_abs() / most(bytes))
    }
}

fn budgeted(bytes: u64, spent: u64) -> Allowed {
    let is_below = |percent: u64| u128::from(spent) * 100 < u128::from(bytes) * u128::from(percent);
    match bytes {
        0 => Allowed::All,
        _ if is_below(FILES_PERCENT) => Allowed::All,
        _ if is_below(FEED_PERCENT) => Allowed::Feed,
        _ if is_below(100) => Allowed::Records,
        _ => Allowed::Urgent,
    }
}

impl Default for LinkUse {
    /// Without rules, before anything went.
    fn default() -> LinkUse {
        let rules = Rules::default();
        LinkUse { allowance: rules.at(0, Spent::default()), rules, spent: Spent::default() }
    }
}

impl Allowance {
    /// Whether attachments go in a request that has other things to carry, or not.
    pub fn sends_files(&self, files: SendFiles, is_idle: bool) -> bool {
        let by_choice = match files {
            SendFiles::Always => true,
            SendFiles::WhenIdle => is_idle,
            SendFiles::Never => false,
        };
        by_choice && self.allowed == Allowed::All
    }

    /// Whether an update is fetched.
    pub fn fetches(&self) -> bool {
        self.allowed == Allowed::All
    }

    /// Takes out of an exchange what may not go now. Where pages of the feed may come, the hub may knock for them later.
    pub fn withhold(&self, opening: &mut Opening, files: SendFiles) {
        if self.allowed == Allowed::Urgent && opening.mode != Mode::AskFirst {
            opening.open.retain(|log| log.proofs.is_empty() && log.head.lane() == Lane::Urgent);
        }
        if !self.sends_files(files, opening.open.is_empty()) {
            opening.files.clear();
        }
        let wish = if self.allowed < Allowed::Feed { hello_extension::NO_FEED } else { hello_extension::LISTENS };
        opening.hello.extensions.0.push((wish, Blob(Vec::new())));
        if let Mode::Send { bytes_aim } = &mut opening.mode
            && self.allowed > Allowed::Urgent
        {
            *bytes_aim = (*bytes_aim).min(usize::try_from(self.left_bytes).unwrap_or(usize::MAX));
        }
    }
}

/// Bytes of an IP packet's headers with TCP's, and the usual option.
const HEADERS: u64 = 52;

/// Bytes of a full packet behind them.
const FULL_PACKET: u64 = 1_448;

/// What encryption adds to a record, and the longest record.
const RECORD: (u64, u64) = (22, 16 * 1024);

/// What connecting takes: TCP's and TLS' greetings, both ways, resumed or not.
const CONNECTING: u64 = 1_900;

/// What an attempt to connect takes of which nothing came.
const CALLING: u64 = 120;

/// What an exchange took, both ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Carried {
    /// Bytes of the request; none if it could not be sent.
    pub up: Option<usize>,
    /// Bytes of the answer.
    pub down: usize,
    /// Whether a connection was opened for it.
    pub opened: bool,
}

impl Carried {
    /// As the link counts it: about so many bytes of IP packets. What was lost and repeated is not known here.
    pub fn ip_bytes(&self) -> u64 {
        let Some(up) = self.up else { return CALLING };
        let way = |bytes: usize| {
            let bytes = bytes as u64;
            let carried = bytes + bytes.div_ceil(RECORD.1) * RECORD.0;
            let packets = carried.div_ceil(FULL_PACKET);
            // Every second packet is acknowledged, and so is the last.
            carried + (packets + packets.div_ceil(2)) * HEADERS
        };
        // One more says that all has come.
        way(up) + way(self.down) + HEADERS + if self.opened { CONNECTING } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 60 * MINUTE_MS;
    /// 2026-11-22 00:00 in Jakarta.
    const SUNDAY_MS: i64 = 1_795_280_400_000;

    fn rules() -> Rules {
        Rules::default()
    }

    fn spent(bytes: u64) -> Spent {
        Spent { day: bytes, month: bytes }
    }

    #[test]
    fn without_rules_everything_may_go() {
        let allowance = Rules::default().at(SUNDAY_MS, spent(u64::MAX));
        assert_eq!(allowance, Allowance { allowed: Allowed::All, because: None, left_bytes: u64::MAX });
        assert_eq!(Rules::default().idle_interval_ms(), 0);
    }

    #[test]
    fn hours_are_those_of_the_office() {
        let hours = |text| Hours::parse(text).expect("hours");
        let rules = Rules { quiet: hours("22:00-05:00"), metered: hours("08:00-16:00"), ..rules() };
        let at = |hour: i64| rules.at(SUNDAY_MS + hour * HOUR_MS, Spent::default());
        assert_eq!(at(0).because, Some((Why::Quiet, Some(5 * HOUR_MS as u64))));
        assert_eq!((at(0).allowed, at(5).allowed, at(8).allowed), (Allowed::Urgent, Allowed::All, Allowed::Records));
        assert_eq!(at(15).because, Some((Why::Metered, Some(HOUR_MS as u64))));
        assert_eq!(at(23).because, Some((Why::Quiet, Some(6 * HOUR_MS as u64))), "over midnight");
        let makassar = Rules { zone: Zone::Wita, ..rules.clone() };
        assert_eq!(makassar.at(SUNDAY_MS + 4 * HOUR_MS, Spent::default()).allowed, Allowed::All, "it is five there");
        let always = Rules { quiet: hours("always"), ..rules.clone() };
        assert_eq!(always.at(SUNDAY_MS, Spent::default()).because, Some((Why::Quiet, None)));
        let part = rules.at(SUNDAY_MS + 4 * HOUR_MS + 59 * MINUTE_MS + 30_000, Spent::default());
        assert_eq!(part.because, Some((Why::Quiet, Some(30_000))));
    }

    #[test]
    fn as_a_budget_is_spent_attachments_stop_first_then_the_feed_then_records_and_urgent_ones_never() {
        let rules = Rules { day_bytes: 1_000_000, month_bytes: 9_000_000, ..rules() };
        let at = |day, month| rules.at(SUNDAY_MS + 3 * HOUR_MS, Spent { day, month });
        let levels = [599_999, 600_000, 800_000, 1_000_000, u64::MAX].map(|day| at(day, 0).allowed);
        assert_eq!(levels, [Allowed::All, Allowed::Feed, Allowed::Records, Allowed::Urgent, Allowed::Urgent]);
        assert_eq!(at(1_000_000, 0).because, Some((Why::Day, Some(21 * HOUR_MS as u64))));
        // The 22nd of a month of 30 days.
        let month_ms = (9 * 24 - 3) * HOUR_MS as u64;
        assert_eq!(at(1_000_000, 9_000_000).because, Some((Why::Month, Some(month_ms))), "the later end");
        assert_eq!((at(0, 0).left_bytes, at(300_000, 8_900_000).left_bytes), (1_000_000, 100_000));
    }

    #[test]
    fn days_and_months_are_those_of_the_office_and_absurd_clocks_have_some_too() {
        let rules = rules();
        let day = rules.day(SUNDAY_MS);
        assert_eq!((day.number - day.month_from, day.month_to - day.month_from), (21, 30));
        assert_eq!(rules.day(SUNDAY_MS - 1).number, day.number - 1);
        for ms in [i64::MIN, 0, i64::MAX] {
            let day = rules.day(ms);
            assert!(day.month_from <= day.number && day.number < day.month_to);
            rules.at(ms, Spent::default());
        }
    }

    #[test]
    fn contacts_without_anything_new_leave_most_of_a_small_budget() {
        let small = Rules { day_bytes: 100 * 1024, ..rules() };
        let contacts = DAY_MS as u64 / small.idle_interval_ms();
        assert!(contacts * IDLE_CONTACT_BYTES <= small.day_bytes / IDLE_PART && contacts > 50);
        assert!(Rules { day_bytes: 5 << 20, ..rules() }.idle_interval_ms() < 5 * MINUTE_MS as u64);
        assert_eq!(Rules { day_bytes: 1, ..rules() }.idle_interval_ms(), DAY_MS as u64);
    }

    #[test]
    fn what_is_counted_is_near_what_was_measured() {
        let near = |counted: Carried, measured: f64| {
            let counted = counted.ip_bytes() as f64;
            assert!((0.8..1.25).contains(&(counted / measured)), "{counted}, measured {measured}");
        };
        // Figures of `bench-link`: an idle contact, a record, a hundred records; on an open connection and on a new one.
        near(Carried { up: Some(16), down: 16, opened: false }, 339.0);
        near(Carried { up: Some(220), down: 30, opened: false }, 629.0);
        near(Carried { up: Some(8_450), down: 40, opened: false }, 9_389.0);
        near(Carried { up: Some(500), down: 120, opened: true }, 3_057.0);
        assert_eq!(Carried::default().ip_bytes(), CALLING);
    }
}
