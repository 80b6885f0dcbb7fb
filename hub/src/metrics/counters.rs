//! What is counted while the hub runs. It begins at zero with each start, as Prometheus expects of counters.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::text::Page;
use crate::accept::Account;
use crate::store::Delays;

/// How exchanges end. All are told from the start, so that a first failure is a change.
const OUTCOMES: [&str; 7] = ["ok", "busy", "cut", "refused", "too_long", "protocol", "error"];
/// Upper bounds for how long an exchange takes, in seconds: from a good line to a bad one.
const EXCHANGE_BOUNDS_S: [f64; 9] = [0.1, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 180.0, 600.0];
/// Upper bounds for how long a page takes, in seconds.
const PAGE_BOUNDS_S: [f64; 8] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

/// The counters of this run.
#[derive(Debug, Default)]
pub(crate) struct Counters(Mutex<Tallies>);

#[derive(Debug, Default)]
struct Tallies {
    sessions: BTreeMap<&'static str, u64>,
    session_took: Spread<{ EXCHANGE_BOUNDS_S.len() + 1 }>,
    bytes_in: u64,
    bytes_out: u64,
    ops_received: u64,
    ops_repeated: u64,
    delays: BTreeMap<usize, u64>,
    delay_sum_s: f64,
    answers: BTreeMap<(&'static str, u16), u64>,
    answer_took: BTreeMap<&'static str, Spread<{ PAGE_BOUNDS_S.len() + 1 }>>,
}

#[derive(Debug)]
struct Spread<const N: usize> {
    classes: [u64; N],
    sum: f64,
}

impl<const N: usize> Default for Spread<N> {
    fn default() -> Self {
        Spread { classes: [0; N], sum: 0.0 }
    }
}

impl<const N: usize> Spread<N> {
    fn count(&mut self, bounds: &[f64], value: f64) {
        let class = bounds.iter().position(|bound| value <= *bound).unwrap_or(bounds.len());
        if let Some(count) = self.classes.get_mut(class) {
            *count += 1;
        }
        self.sum += value;
    }

    fn classes(&self, bounds: &'static [f64]) -> impl Iterator<Item = (Option<f64>, u64)> {
        bounds.iter().copied().map(Some).chain([None]).zip(self.classes)
    }
}

impl Counters {
    /// Counts an exchange that ended.
    pub(crate) fn exchange(&self, account: &Account, took: Duration) {
        let mut now = self.now();
        *now.sessions.entry(outcome(account.outcome)).or_default() += 1;
        now.session_took.count(&EXCHANGE_BOUNDS_S, took.as_secs_f64());
        now.bytes_in += account.bytes_in;
        now.bytes_out += account.bytes_out;
        now.ops_received += account.counts.stored;
        now.ops_repeated += account.counts.repeated;
        for (class, count) in account.counts.delays.classes().enumerate() {
            *now.delays.entry(class).or_default() += u64::from(count);
        }
        now.delay_sum_s += account.counts.delay_sum_ms as f64 / 1000.0;
    }

    /// Counts an office that was told to come back later.
    pub(crate) fn busy(&self) {
        *self.now().sessions.entry("busy").or_default() += 1;
    }

    /// Counts an answer given at a door for browsers and programs.
    pub(crate) fn answered(&self, door: &'static str, code: u16, took: Duration) {
        let mut now = self.now();
        *now.answers.entry((door, code)).or_default() += 1;
        now.answer_took.entry(door).or_default().count(&PAGE_BOUNDS_S, took.as_secs_f64());
    }

    fn now(&self) -> MutexGuard<'_, Tallies> {
        // A number stays a number, whatever happened to another thread meanwhile.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes them all.
    pub(crate) fn write(&self, page: &mut Page) {
        let now = self.now();
        let mut sessions = page.counter("sync_sessions_total", "Exchanges with offices by how they ended.");
        for outcome in OUTCOMES {
            sessions = sessions.with(&[("outcome", outcome)], number(now.sessions.get(outcome)));
        }
        page.histogram("sync_session_duration_seconds", "How long exchanges took.").spread(
            &[],
            now.session_took.classes(&EXCHANGE_BOUNDS_S),
            now.session_took.sum,
        );
        page.counter("sync_received_bytes_total", "Bytes that offices sent.").is(now.bytes_in as f64);
        page.counter("sync_sent_bytes_total", "Bytes that offices were sent.").is(now.bytes_out as f64);
        page.counter("ops_received_total", "Changes newly stored.").is(now.ops_received as f64);
        page.counter("ops_repeated_total", "Changes that came again.").is(now.ops_repeated as f64);
        let bounds = Delays::BOUNDS_S.iter().map(|bound| Some(f64::from(*bound))).chain([None]).enumerate();
        page.histogram("record_delivery_delay_seconds", "From entry of a record at an office to the hub.").spread(
            &[],
            bounds.map(|(class, bound)| (bound, now.delays.get(&class).copied().unwrap_or(0))),
            now.delay_sum_s,
        );
        let mut answers = page.counter("http_requests_total", "Answers at the doors for browsers and programs.");
        for ((door, code), count) in &now.answers {
            answers = answers.with(&[("door", door), ("code", &code.to_string())], *count as f64);
        }
        let mut took = page.histogram("http_request_duration_seconds", "How long these answers took.");
        for (door, spread) in &now.answer_took {
            took = took.spread(&[("door", door)], spread.classes(&PAGE_BOUNDS_S), spread.sum);
        }
    }
}

fn number(count: Option<&u64>) -> f64 {
    count.copied().unwrap_or(0) as f64
}

/// The journal's word for how an exchange ended as the label's: a fault of the other side is `protocol`, one of this side
/// is `error`.
fn outcome(word: &str) -> &'static str {
    let word = match word {
        "fault" => "protocol",
        "failed" => "error",
        "too-long" => "too_long",
        word => word,
    };
    OUTCOMES.into_iter().find(|known| *known == word).unwrap_or("error")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accept::Counts;

    #[test]
    fn an_exchange_is_counted_by_its_outcome_with_all_that_it_carried() {
        let counters = Counters::default();
        let mut counts = Counts { stored: 3, repeated: 1, delay_sum_ms: 90_500, ..Counts::default() };
        counts.delays.count(500);
        counts.delays.count(90_000);
        let account = Account { outcome: "ok", counts, bytes_in: 1_200, bytes_out: 300 };
        counters.exchange(&account, Duration::from_millis(400));
        counters.exchange(&Account { outcome: "fault", ..account }, Duration::from_secs(3600));
        counters.busy();
        counters.answered("public", 429, Duration::from_millis(7));
        let mut page = Page::default();
        counters.write(&mut page);
        let text = page.finish();
        for line in [
            "kentongan_hub_sync_sessions_total{outcome=\"ok\"} 1",
            "kentongan_hub_sync_sessions_total{outcome=\"protocol\"} 1",
            "kentongan_hub_sync_sessions_total{outcome=\"busy\"} 1",
            "kentongan_hub_sync_sessions_total{outcome=\"cut\"} 0",
            "kentongan_hub_sync_session_duration_seconds_bucket{le=\"600\"} 1",
            "kentongan_hub_sync_session_duration_seconds_bucket{le=\"+Inf\"} 2",
            "kentongan_hub_sync_received_bytes_total 2400",
            "kentongan_hub_ops_received_total 6",
            "kentongan_hub_record_delivery_delay_seconds_bucket{le=\"60\"} 2",
            "kentongan_hub_record_delivery_delay_seconds_bucket{le=\"300\"} 4",
            "kentongan_hub_record_delivery_delay_seconds_sum 181",
            "kentongan_hub_http_requests_total{door=\"public\",code=\"429\"} 1",
        ] {
            assert!(text.contains(&format!("{line}\n")), "{line}\n{text}");
        }
    }
}
