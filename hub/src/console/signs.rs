//! How an office fares, in shapes and words: shape, word and colour all differ, and colour is only in the shape.

use kentongan_host::Lang;
use kentongan_web::{Clock, Words};

use crate::service::fleet::{Matter, Notice, State};

/// A shape with its class and its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sign {
    pub(super) shape: &'static str,
    pub(super) class: &'static str,
    pub(super) word: &'static str,
}

/// The sign of a state.
pub(super) fn state(state: State, w: &Words) -> Sign {
    let (shape, class, word) = match state {
        State::Ok => ("●", "baik", w.t("rupa.baik")),
        State::Late => ("▲", "lambat", w.t("rupa.lambat")),
        State::Silent => ("■", "sunyi", w.t("rupa.sunyi")),
        State::Unseen => ("◇", "redam", w.t("rupa.belum")),
        State::Paused => ("❚❚", "redam", w.t("rupa.jeda")),
        State::Revoked => ("⊘", "redam", w.t("rupa.cabut")),
    };
    Sign { shape, class, word }
}

/// A few words for a notice.
pub(super) fn notice(notice: Notice, w: &Words) -> &'static str {
    match notice {
        Notice::Twin => w.t("rupa.kembar"),
        Notice::Clock => w.t("rupa.jam"),
        Notice::Restored => w.t("rupa.pulih"),
        Notice::Certificate => w.t("rupa.sertifikat"),
        Notice::Space => w.t("rupa.ruang"),
    }
}

/// A sentence for what is the matter with an office.
pub(super) fn matter(matter: Matter, (held, since): (&str, Option<i64>), clock: &Clock, w: &Words) -> String {
    let long = since.map_or_else(String::new, |since| duration(clock.now_ms.saturating_sub(since) / 1000, w));
    let values = [("n", held), ("lama", long.as_str())];
    match matter {
        Matter::Stuck => w.with("soal.tertahan", &values),
        Matter::Silent => w.with("soal.sunyi", &values),
        Matter::Twin => w.t("soal.kembar").to_owned(),
        Matter::Space => w.t("soal.ruang").to_owned(),
        Matter::Certificate if since.is_some() => w.t("soal.sertifikat").to_owned(),
        Matter::Certificate => w.t("soal.sertifikat_segera").to_owned(),
        Matter::Clock => w.t("soal.jam").to_owned(),
        Matter::Restored => w.t("soal.pulih").to_owned(),
    }
}

/// One day of a strip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) class: &'static str,
    /// One shape for each day.
    pub(super) shapes: String,
}

/// A strip of days as stretches of equal ones: a month of a quiet office takes no more room than a word.
pub(super) fn strip(days: &str) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    for letter in days.chars() {
        let (class, shape) = match letter {
            'o' => ("baik", '●'),
            'l' => ("lambat", '▲'),
            's' => ("sunyi", '■'),
            'u' => ("redam", '◇'),
            _ => ("redam", '·'),
        };
        match stretches.last_mut() {
            Some(last) if last.shapes.starts_with(shape) => last.shapes.push(shape),
            _ => stretches.push(Stretch { class, shapes: shape.to_string() }),
        }
    }
    stretches
}

/// What a strip shows, for who hears the page: days heard, days late, days silent.
pub(super) fn strip_words(days: &str, w: &Words) -> String {
    let count = |letter: char| w.number(days.chars().filter(|day| *day == letter).count() as u64);
    let (heard, late, silent) = (count('o'), count('l'), count('s'));
    w.with("rupa.jalur", &[("baik", &heard), ("lambat", &late), ("sunyi", &silent)])
}

/// `41 menit`; seconds below two minutes, days from two days on. Of the length alone: which end is earlier says the text
/// around it.
pub(super) fn duration(seconds: i64, w: &Words) -> String {
    let seconds = seconds.unsigned_abs();
    match seconds {
        0..120 => w.count("lama.detik", seconds),
        120..7_200 => w.count("lama.menit", seconds / 60),
        7_200..172_800 => w.count("lama.jam", seconds / 3_600),
        _ => w.count("lama.hari", seconds / 86_400),
    }
}

/// By how much a clock is ahead, if somebody measured it.
pub(super) fn clock(is_measured: bool, seconds: f64, w: &Words) -> String {
    if is_measured { offset(seconds, w) } else { "–".to_owned() }
}

/// By how much a clock is ahead, with its sign.
fn offset(seconds: f64, w: &Words) -> String {
    let whole = seconds.round() as i64;
    let sign = if whole < 0 { "−" } else { "+" };
    format!("{sign}{}", duration(whole, w))
}

/// A bound of a class of delays; the last class has none.
pub(super) fn within(seconds: u32, w: &Words) -> String {
    match seconds {
        u32::MAX => w.t("lama.lebih").to_owned(),
        seconds => duration(i64::from(seconds), w),
    }
}

/// A number of which it may only be known that it is at least so large.
pub(super) fn at_least(number: u64, is_least: bool, w: &Words) -> String {
    let sign = if is_least { "≥ " } else { "" };
    format!("{sign}{}", w.number(number))
}

/// A number as the language writes it.
pub(super) fn decimal(text: impl ToString, w: &Words) -> String {
    match w.lang {
        Lang::Id => text.to_string().replace('.', ","),
        Lang::En => text.to_string(),
    }
}

/// `6,1 kB`
pub(super) fn bytes(bytes: u64, w: &Words) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"];
    let (mut amount, mut unit) = (bytes as f64, 0);
    while amount >= 1000.0 && unit + 1 < units.len() {
        amount /= 1000.0;
        unit += 1;
    }
    let name = units.get(unit).copied().unwrap_or("B");
    let text = if unit == 0 { format!("{amount:.0} {name}") } else { format!("{amount:.1} {name}") };
    if w.code() == "id" { text.replace('.', ",") } else { text }
}

#[cfg(test)]
mod tests {
    use kentongan_host::Lang;

    use super::super::shell::words;
    use super::*;

    #[test]
    fn a_strip_is_told_by_shapes_and_by_words() {
        let shapes: Vec<(&str, String)> =
            strip("uuoo-lls").into_iter().map(|stretch| (stretch.class, stretch.shapes)).collect();
        let expected = [("redam", "◇◇"), ("baik", "●●"), ("redam", "·"), ("lambat", "▲▲"), ("sunyi", "■")];
        assert_eq!(shapes, expected.map(|(class, shapes)| (class, shapes.to_owned())));
        assert_eq!(strip_words("uuoo-lls", &words(Lang::Id)), "30 hari: 2 terdengar, 2 terlambat, 1 sunyi");
    }

    #[test]
    fn lengths_of_time_are_said_in_the_unit_that_people_would_take() {
        let w = words(Lang::Id);
        let said = [-3, 119, 150, 7_300, 86_400, 3 * 86_400].map(|seconds| duration(seconds, &w));
        assert_eq!(said, ["3 dtk", "119 dtk", "2 menit", "2 jam", "24 jam", "3 hari"]);
        assert_eq!((offset(-86_400.0, &w), offset(0.6, &w)), ("−24 jam".to_owned(), "+1 dtk".to_owned()));
        assert_eq!(within(u32::MAX, &w), "lebih dari 30 hari");
        assert_eq!((bytes(999, &w), bytes(6_140, &w)), ("999 B".to_owned(), "6,1 kB".to_owned()));
    }
}
