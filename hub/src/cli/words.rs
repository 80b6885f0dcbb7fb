//! Times and sizes as people read them.

use kentongan_host::{Lang, Output, moment};

pub(super) use crate::service::fleet::table::code;

/// `21 Nov 2026 14.05` in the local zone.
pub(super) fn time(out: &Output, ms: i64) -> String {
    moment::spoken(out.lang, ms)
}

/// The time, or a dash.
pub(super) fn time_or_dash(out: &Output, ms: Option<i64>) -> String {
    ms.map_or_else(|| "-".to_owned(), |ms| time(out, ms))
}

/// `12 menit lalu`, seen from now; `now_ms` and `ms` are milliseconds since 1970.
pub(super) fn ago(out: &Output, now_ms: i64, ms: Option<i64>) -> String {
    let Some(ms) = ms else { return out.pick("belum pernah", "never").to_owned() };
    let minutes = now_ms.saturating_sub(ms) / 60_000;
    match minutes {
        ..1 => out.pick("baru saja", "just now").to_owned(),
        1..60 => format!("{minutes} {}", out.pick("menit lalu", "min ago")),
        60..2_880 => format!("{} {}", minutes / 60, out.pick("jam lalu", "h ago")),
        _ => format!("{} {}", minutes / 1_440, out.pick("hari lalu", "days ago")),
    }
}

/// `41,2 GB` or `41.2 GB`.
pub(super) fn bytes(out: &Output, bytes: u64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"];
    let (mut amount, mut unit) = (bytes as f64, 0);
    while amount >= 1000.0 && unit + 1 < units.len() {
        amount /= 1000.0;
        unit += 1;
    }
    let unit = units.get(unit).copied().unwrap_or("B");
    let text = if unit == "B" { format!("{amount:.0} {unit}") } else { format!("{amount:.1} {unit}") };
    match out.lang {
        Lang::Id => text.replace('.', ","),
        Lang::En => text,
    }
}

/// `1.234.567` or `1,234,567`.
pub(super) fn count(out: &Output, count: u64) -> String {
    let digits = count.to_string();
    let mark = out.pick(".", ",");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push_str(mark);
        }
        text.push(digit);
    }
    text
}

/// The name of the person at this terminal, as the system tells it; for the audit log.
pub(super) fn person() -> String {
    let named = ["SUDO_USER", "USER", "LOGNAME", "USERNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    let mut name = named.filter(|name| !name.is_empty()).unwrap_or_else(|| "operator".to_owned());
    name.retain(|c| !c.is_control());
    name.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kentongan_host::output::OutputFlags;

    fn speaking(lang: Lang) -> Output {
        Output::from_flags(OutputFlags { lang: Some(lang), ..OutputFlags::default() })
    }

    #[test]
    fn numbers_have_the_marks_of_the_language() {
        let (id, en) = (speaking(Lang::Id), speaking(Lang::En));
        assert_eq!((count(&id, 1_234_567), count(&en, 1_234_567)), ("1.234.567".into(), "1,234,567".into()));
        assert_eq!((count(&id, 100), count(&id, 1_000)), ("100".into(), "1.000".into()));
        assert_eq!((bytes(&id, 41_234_000_000), bytes(&en, 41_234_000_000)), ("41,2 GB".into(), "41.2 GB".into()));
        assert_eq!(bytes(&id, 999), "999 B");
    }

    #[test]
    fn a_time_is_told_by_its_distance() {
        let out = speaking(Lang::Id);
        let minute = 60_000;
        assert_eq!(ago(&out, 0, None), "belum pernah");
        assert_eq!(ago(&out, 30_000, Some(0)), "baru saja");
        assert_eq!(ago(&out, 12 * minute, Some(0)), "12 menit lalu");
        assert_eq!(ago(&out, 47 * 60 * minute, Some(0)), "47 jam lalu");
        assert_eq!(ago(&out, 3 * 1_440 * minute, Some(0)), "3 hari lalu");
    }
}
