//! What a person should do next about offices, the weightiest first; and whether it is the offices at all.

use kentongan_host::{Ktg, moment};
use serde::{Deserialize, Serialize};

use super::{Notice, OfficeRow, State};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
/// An office that reaches the hub and still holds something for so long is stuck.
const STUCK_AFTER_MS: i64 = DAY_MS;
/// A certificate that ends within this time while its office is not heard will have ended when it comes back.
const CERT_AWAY_MS: i64 = 30 * DAY_MS;
/// Silence that began within this time is one event.
const TOGETHER_MS: i64 = 60 * MINUTE_MS;
/// Fewer offices than this are no mass, however small the fleet.
const MASS_MIN: usize = 3;

/// Something to do about an office.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// The office.
    pub office: String,
    /// Its name.
    pub name: String,
    /// What is the matter.
    pub matter: Matter,
    /// The code under which its page stands in the help, if there is one.
    pub code: Option<String>,
    /// Changes that it holds.
    pub records: u64,
    /// Whether there may be more by now.
    pub at_least: bool,
    /// Since when.
    #[serde(with = "moment::option")]
    pub since: Option<i64>,
    /// Its weight; only its order means anything.
    pub impact: u64,
}

/// What can be the matter with an office.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Matter {
    /// It reaches the hub and still holds what it wrote more than a day ago.
    Stuck,
    /// Two machines answer as one.
    Twin,
    /// It was not heard for so long that somebody should call.
    Silent,
    /// A device runs out of space.
    Space,
    /// A device certificate has ended, or will have ended when the office comes back.
    Certificate,
    /// A clock is far off: what is entered there bears wrong times.
    Clock,
    /// It was restored from an older copy and has not got everything back.
    Restored,
}

impl Matter {
    /// How much worse a record in this trouble is than one that is only late.
    fn weight(self) -> u64 {
        match self {
            Matter::Stuck => 8,
            Matter::Twin => 6,
            Matter::Silent | Matter::Space => 4,
            Matter::Certificate => 3,
            Matter::Clock | Matter::Restored => 2,
        }
    }

    fn code(self) -> Option<Ktg> {
        match self {
            Matter::Twin => Some(Ktg::TwinIdentity),
            Matter::Space => Some(Ktg::NoSpace),
            Matter::Clock => Some(Ktg::Clock),
            Matter::Stuck | Matter::Silent | Matter::Certificate | Matter::Restored => None,
        }
    }
}

/// Offices that fell silent together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MassSilence {
    /// How many.
    pub offices: u64,
    /// Of how many that are at work.
    pub of: u64,
    /// When the first of them was last heard.
    #[serde(with = "moment")]
    pub since: i64,
}

/// Whether so many offices are missing since the same hour that it is rather the hub, the network, or a day on which
/// nobody works: more than `percent` of those at work.
pub(crate) fn mass_silence(rows: &[OfficeRow], percent: u64) -> Option<MassSilence> {
    let at_work = rows.iter().filter(|row| matches!(row.state, State::Ok | State::Late | State::Silent)).count();
    let missing = rows.iter().filter(|row| matches!(row.state, State::Late | State::Silent));
    let mut since: Vec<i64> = missing.filter_map(|row| row.last_contact_at).collect();
    since.sort_unstable();
    let mut best: &[i64] = &[];
    let mut begin = 0;
    for end in 0..since.len() {
        while since[end] - since[begin] > TOGETHER_MS {
            begin += 1;
        }
        if end + 1 - begin > best.len() {
            best = &since[begin..=end];
        }
    }
    let mass = best.len() >= MASS_MIN && best.len() as u64 * 100 > percent * at_work as u64;
    let since = *best.first()?;
    mass.then_some(MassSilence { offices: best.len() as u64, of: at_work as u64, since })
}

/// Everything to be done, the weightiest first. While offices are missing together, silence of a single one is held back.
pub(crate) fn actions(rows: &[OfficeRow], mass: Option<&MassSilence>, now_ms: i64) -> Vec<Action> {
    let mut actions: Vec<Action> = rows
        .iter()
        .filter(|row| !matches!(row.state, State::Paused | State::Revoked))
        .flat_map(|row| matters(row, now_ms).into_iter().map(|(matter, since)| action(row, matter, since, now_ms)))
        .filter(|action| mass.is_none() || action.matter != Matter::Silent)
        .collect();
    actions.sort_by(|one, other| other.impact.cmp(&one.impact).then_with(|| one.office.cmp(&other.office)));
    actions
}

/// What is the matter with an office, and since when.
fn matters(row: &OfficeRow, now_ms: i64) -> Vec<(Matter, Option<i64>)> {
    let heard = row.last_contact_at;
    let held_for = |since: i64| heard.map_or(0, |heard| heard.saturating_sub(since));
    let mut matters = Vec::new();
    match (row.state, row.oldest_pending_at) {
        (State::Ok, Some(since)) if held_for(since) > STUCK_AFTER_MS => matters.push((Matter::Stuck, Some(since))),
        (State::Silent, _) => matters.push((Matter::Silent, heard)),
        _ => {}
    }
    let away = matches!(row.state, State::Late | State::Silent);
    let ends_away = |end: i64| end < now_ms || (away && end < now_ms.saturating_add(CERT_AWAY_MS));
    if row.cert_expires_at.is_some_and(ends_away) {
        matters.push((Matter::Certificate, row.cert_expires_at.filter(|end| *end < now_ms)));
    }
    let noticed = [
        (Notice::Twin, Matter::Twin),
        (Notice::Space, Matter::Space),
        (Notice::Clock, Matter::Clock),
        (Notice::Restored, Matter::Restored),
    ];
    matters
        .extend(noticed.iter().filter(|(notice, _)| row.notices.contains(notice)).map(|(_, matter)| (*matter, heard)));
    matters
}

fn action(row: &OfficeRow, matter: Matter, since: Option<i64>, now_ms: i64) -> Action {
    let days = since.map_or(0, |since| now_ms.saturating_sub(since) / DAY_MS);
    let days = u64::try_from(days).unwrap_or(0).min(365);
    let impact = matter.weight().saturating_mul(row.pending.saturating_add(1)).saturating_mul(days + 1);
    Action {
        office: row.office.clone(),
        name: row.name.clone(),
        matter,
        code: matter.code().map(|code| code.to_string()),
        records: row.pending,
        at_least: row.pending_at_least,
        since,
        impact,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::fleet::tests::row;

    const NOW_MS: i64 = 1_795_000_000_000;

    fn office(name: &str, state: State, hours_ago: i64, pending: u64) -> OfficeRow {
        let heard = NOW_MS - hours_ago * 60 * MINUTE_MS;
        OfficeRow { name: name.to_owned(), state, last_contact_at: Some(heard), pending, ..row() }
    }

    fn told(rows: &[OfficeRow], mass: Option<&MassSilence>) -> Vec<(String, Matter)> {
        actions(rows, mass, NOW_MS).into_iter().map(|action| (action.name, action.matter)).collect()
    }

    #[test]
    fn who_reaches_the_hub_and_still_holds_old_records_is_stuck_and_who_is_away_is_not() {
        let old = Some(NOW_MS - 2 * DAY_MS);
        let rows = [
            OfficeRow { oldest_pending_at: old, ..office("stuck", State::Ok, 0, 31) },
            OfficeRow { oldest_pending_at: old, ..office("late", State::Late, 30, 31) },
            OfficeRow { oldest_pending_at: Some(NOW_MS - MINUTE_MS), ..office("busy", State::Ok, 0, 500) },
        ];
        assert_eq!(told(&rows, None), [("stuck".to_owned(), Matter::Stuck)]);
    }

    #[test]
    fn what_weighs_most_comes_first_and_a_paused_office_asks_for_nothing() {
        let rows = [
            office("short", State::Silent, 80, 0),
            office("long", State::Silent, 800, 58),
            OfficeRow { notices: vec![Notice::Clock], ..office("clock", State::Ok, 0, 0) },
            office("paused", State::Paused, 800, 900),
            OfficeRow { notices: vec![Notice::Twin], ..office("twin", State::Ok, 0, 0) },
        ];
        let names: Vec<String> = told(&rows, None).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["long", "short", "twin", "clock"]);
    }

    #[test]
    fn a_certificate_matters_once_it_has_ended_or_will_end_while_its_office_is_away() {
        let ends = |days: i64| Some(NOW_MS + days * DAY_MS);
        let rows = [
            OfficeRow { cert_expires_at: ends(-1), ..office("ended", State::Ok, 0, 0) },
            OfficeRow { cert_expires_at: ends(20), ..office("away", State::Late, 30, 0) },
            OfficeRow { cert_expires_at: ends(20), ..office("renews itself", State::Ok, 0, 0) },
            OfficeRow { cert_expires_at: ends(40), ..office("long enough", State::Late, 30, 0) },
        ];
        let names: Vec<String> = told(&rows, None).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["ended", "away"]);
    }

    #[test]
    fn offices_that_fell_silent_in_one_hour_are_one_event_and_hold_back_the_single_ones() {
        let mut rows: Vec<OfficeRow> = (0..7).map(|n| office(&format!("ok {n}"), State::Ok, 0, 0)).collect();
        rows.extend((0..3).map(|n| office(&format!("gone {n}"), State::Silent, 80, 4)));
        let mass = mass_silence(&rows, 20).expect("three of ten");
        assert_eq!((mass.offices, mass.of, mass.since), (3, 10, NOW_MS - 80 * 60 * MINUTE_MS));
        assert_eq!(told(&rows, Some(&mass)), []);
        assert_eq!(mass_silence(&rows, 30), None, "not more than");
        rows[9].last_contact_at = Some(NOW_MS - 200 * 60 * MINUTE_MS);
        assert_eq!(mass_silence(&rows, 20), None, "two are no mass");
        rows.extend((0..500).map(|n| office(&format!("new {n}"), State::Unseen, 0, 0)));
        rows[9].last_contact_at = rows[8].last_contact_at;
        assert_eq!(mass_silence(&rows, 20).map(|mass| mass.of), Some(10), "who never spoke does not count");
    }
}
