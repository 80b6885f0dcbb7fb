//! A link that costs, or rests: what is set, what went over it, and what waits for that reason until when.

use kentongan_host::hours::Hours;
use kentongan_web::{Clock, Words};

use crate::rules::{Allowed, LinkUse, Why};

/// What the page about delivery says of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Thrift {
    pub(super) budgets: Vec<Budget>,
    /// `Jam tenang: 22.00-24.00, 00.00-05.00`
    pub(super) hours: Vec<String>,
    /// What waits, why, and until when; empty: nothing.
    pub(super) held: String,
}

/// A budget of data.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Budget {
    pub(super) words: String,
    pub(super) spent: u64,
    pub(super) most: u64,
}

impl Thrift {
    /// As the rules are set at this moment; `None`: there are none.
    pub(super) fn of(link: &LinkUse, clock: &Clock, w: &Words) -> Option<Thrift> {
        let LinkUse { rules, spent, allowance } = link;
        let budget = |key, spent: u64, most: u64| {
            let words = w.with(key, &[("dipakai", &size(spent, w)), ("kuota", &size(most, w))]);
            (most > 0).then_some(Budget { words, spent, most })
        };
        let budgets =
            [budget("hemat.hari", spent.day, rules.day_bytes), budget("hemat.bulan", spent.month, rules.month_bytes)];
        let hours = [said("hemat.tenang", &rules.quiet, w), said("hemat.berbayar", &rules.metered, w)];
        let thrift = Thrift {
            budgets: budgets.into_iter().flatten().collect(),
            hours: hours.into_iter().flatten().collect(),
            held: allowance.because.map_or_else(String::new, |because| held(allowance.allowed, because, clock, w)),
        };
        (thrift != Thrift::default()).then_some(thrift)
    }
}

fn said(key: &'static str, hours: &Hours, w: &Words) -> Option<String> {
    let text = hours.to_string();
    let text = match text.as_str() {
        "off" => return None,
        "always" => w.t("hemat.selalu").to_owned(),
        _ if w.lang == kentongan_host::Lang::Id => text.replace(':', "."),
        _ => text,
    };
    Some(w.with(key, &[("jam", &text)]))
}

fn held(allowed: Allowed, (why, left_ms): (Why, Option<u64>), clock: &Clock, w: &Words) -> String {
    let why = w.t(match why {
        Why::Quiet => "hemat.karena.tenang",
        Why::Metered => "hemat.karena.berbayar",
        Why::Day => "hemat.karena.hari",
        Why::Month => "hemat.karena.bulan",
    });
    let until = match left_ms.and_then(|left_ms| i64::try_from(left_ms).ok()) {
        Some(left_ms) => {
            let until = clock.when(clock.now_ms.saturating_add(left_ms), w);
            w.with("hemat.sampai", &[("kapan", &until.exact)])
        }
        None => w.t("hemat.sampai_diubah").to_owned(),
    };
    let key = match allowed {
        Allowed::Urgent => "hemat.tahan.catatan",
        Allowed::Records => "hemat.tahan.kabar",
        Allowed::Feed | Allowed::All => "hemat.tahan.berkas",
    };
    w.with(key, &[("karena", why), ("sampai", &until)])
}

/// `184 KB`, `1,2 MB`
fn size(bytes: u64, w: &Words) -> String {
    if bytes < 1_000_000 {
        return format!("{} KB", w.number(bytes.div_ceil(1_000)));
    }
    let tenths = bytes.div_ceil(100_000);
    let point = if w.lang == kentongan_host::Lang::Id { ',' } else { '.' };
    format!("{}{point}{} MB", w.number(tenths / 10), tenths % 10)
}

#[cfg(test)]
mod tests {
    use kentongan_host::Lang;
    use kentongan_protocol::calendar::Zone;

    use super::super::words::words;
    use super::*;
    use crate::rules::{Rules, Spent};

    /// 2026-11-21 23:05 WIB.
    const NIGHT_MS: i64 = 1_795_277_100_000;

    fn thrift(rules: Rules, spent: Spent) -> Option<Thrift> {
        let allowance = rules.at(NIGHT_MS, spent);
        let link = LinkUse { rules, spent, allowance };
        Thrift::of(&link, &Clock::of(NIGHT_MS, Zone::Wib), &words(Lang::Id))
    }

    #[test]
    fn an_office_without_rules_hears_nothing_of_them() {
        assert_eq!(thrift(Rules::default(), Spent { day: 5_000, month: 9_000 }), None);
    }

    #[test]
    fn quiet_hours_say_until_when_and_that_what_is_urgent_goes_all_the_same() {
        let quiet = Hours::parse("22:00-05:00").expect("hours");
        let thrift = thrift(Rules { quiet, ..Rules::default() }, Spent::default()).expect("rules");
        assert_eq!(thrift.hours, ["Jam tenang: 00.00-05.00, 22.00-24.00"]);
        assert!(thrift.held.contains("22 November 2026 pukul 05.00 WIB"), "{}", thrift.held);
        assert!(thrift.held.starts_with("Jam tenang") && thrift.held.contains("mendesak"), "{}", thrift.held);
    }

    #[test]
    fn a_budget_says_how_much_of_it_went() {
        let rules = Rules { day_bytes: 5_000_000, ..Rules::default() };
        let thrift = thrift(rules, Spent { day: 3_450_000, month: 0 }).expect("rules");
        assert_eq!(thrift.budgets[0].words, "Hari ini 3,5 MB dari kuota 5,0 MB");
        assert!(thrift.held.contains("lampiran menunggu"), "{}", thrift.held);
    }
}
