//! The words of the pages, one file for each language.
//!
//! ```text
//! # a remark
//! beranda.menunggu = {n} catatan menunggu
//! home.waiting     = {n} record waits | {n} records wait
//! ```
//!
//! A line is a key and a text. Where a language counts, ` | ` parts the words for one from those for any other number.
//! That both files hold the same keys with the same places is a test, see [`Catalog::faults`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use kentongan_host::Lang;

/// Times and days, in the words of both programs.
const SHARED_ID: &str = include_str!("words/id.txt");
const SHARED_EN: &str = include_str!("words/en.txt");

/// Longest text that somebody may put in another's place, in characters.
const OWN_CHARS_MAX: usize = 600;

/// The words in both languages.
#[derive(Debug, Clone)]
pub struct Catalog {
    id: BTreeMap<&'static str, &'static str>,
    en: BTreeMap<&'static str, &'static str>,
}

/// What is wrong with a line of somebody's own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnFault {
    /// It is no `key = text`.
    NoKey,
    /// There is no such key.
    Unknown(String),
    /// It says nothing, or more than fits.
    Length,
    /// It names other places than the text that it would replace: these are the right ones.
    Places(Vec<&'static str>),
}

/// The words in one language.
#[derive(Debug, Clone, Copy)]
pub struct Words {
    /// Which.
    pub lang: Lang,
    catalog: &'static Catalog,
}

impl Catalog {
    /// Of the two files, and of the words that all pages share.
    pub fn of(id: &'static str, en: &'static str) -> Catalog {
        let all = |shared, own| lines(shared).chain(lines(own)).collect();
        Catalog { id: all(SHARED_ID, id), en: all(SHARED_EN, en) }
    }

    /// The words in `lang`.
    pub fn in_lang(&'static self, lang: Lang) -> Words {
        Words { lang, catalog: self }
    }

    /// These words, and in one language those of `file` in the place of some of them.
    ///
    /// The texts stay in memory until the program ends: a program reads such a file once.
    ///
    /// # Errors
    /// The first line, counted from one, that cannot be taken, and why.
    pub fn with_own(mut self, lang: Lang, file: &str) -> Result<Catalog, (usize, OwnFault)> {
        let words = self.of_lang(lang);
        let mut own = Vec::new();
        for (place, line) in file.lines().enumerate() {
            // Editors on Windows put a mark before the first line.
            let line = line.trim_start_matches('\u{feff}').trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let fault = |fault| (place + 1, fault);
            let (key, text) = line.split_once('=').ok_or_else(|| fault(OwnFault::NoKey))?;
            let (key, text) = (key.trim(), text.trim());
            let Some((key, shipped)) = words.get_key_value(key) else {
                return Err(fault(OwnFault::Unknown(key.to_owned())));
            };
            if text.is_empty() || text.chars().count() > OWN_CHARS_MAX || text.chars().any(char::is_control) {
                return Err(fault(OwnFault::Length));
            }
            if places(text) != places(shipped) {
                return Err(fault(OwnFault::Places(places(shipped).into_iter().collect())));
            }
            own.push((*key, &*Box::leak(text.to_owned().into_boxed_str())));
        }
        let words = match lang {
            Lang::Id => &mut self.id,
            Lang::En => &mut self.en,
        };
        words.extend(own);
        Ok(self)
    }

    fn of_lang(&self, lang: Lang) -> &BTreeMap<&'static str, &'static str> {
        match lang {
            Lang::Id => &self.id,
            Lang::En => &self.en,
        }
    }

    /// Every key with its text in `lang`.
    pub fn texts(&self, lang: Lang) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.of_lang(lang).iter().map(|(key, text)| (*key, *text))
    }

    /// Every key.
    pub fn keys(&self) -> impl Iterator<Item = &'static str> {
        self.id.keys().copied()
    }

    /// What is wrong with the files: keys that one lacks, texts that name other places, empty ones.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let keys: BTreeSet<&str> = self.id.keys().chain(self.en.keys()).copied().collect();
        for key in keys {
            let (Some(id), Some(en)) = (self.id.get(key), self.en.get(key)) else {
                faults.push(format!("{key} stands in one file only"));
                continue;
            };
            if id.is_empty() || en.is_empty() {
                faults.push(format!("{key} is empty"));
            }
            if places(id) != places(en) {
                faults.push(format!("{key} has other places: {id:?}, {en:?}"));
            }
        }
        faults
    }
}

impl Words {
    /// The text of a key; the key itself if there is none, which a test rules out.
    pub fn t(&self, key: &'static str) -> &'static str {
        self.find(key).unwrap_or(key)
    }

    /// The text of a key that need not be there.
    pub fn find(&self, key: &str) -> Option<&'static str> {
        self.catalog.of_lang(self.lang).get(key).copied()
    }

    /// The text of a key with its places filled.
    pub fn with(&self, key: &'static str, values: &[(&str, &str)]) -> String {
        filled(self.t(key), values)
    }

    /// The text of a key for a number, which stands at `{n}`.
    pub fn count(&self, key: &'static str, n: impl Into<u64>) -> String {
        let n: u64 = n.into();
        let text = self.t(key);
        let text = match text.split_once(" | ") {
            Some((one, _)) if n == 1 => one,
            Some((_, other)) => other,
            None => text,
        };
        filled(text, &[("n", &self.number(n))])
    }

    /// A number in groups of three, as the language writes it.
    pub fn number(&self, n: impl Into<u64>) -> String {
        let digits = n.into().to_string();
        let mut text = String::new();
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                text.push(if self.lang == Lang::Id { '.' } else { ',' });
            }
            text.push(digit);
        }
        text
    }

    /// `id` or `en`.
    pub fn code(&self) -> &'static str {
        match self.lang {
            Lang::Id => "id",
            Lang::En => "en",
        }
    }
}

fn lines(file: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = file.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once('=')).map(|(key, text)| (key.trim(), text.trim()))
}

/// The names in braces.
fn places(text: &str) -> BTreeSet<&str> {
    text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect()
}

/// What stands in a place is never looked at for places itself.
fn filled(text: &str, values: &[(&str, &str)]) -> String {
    let mut pieces = text.split('{');
    let mut all = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (name, rest) = piece.split_once('}').unwrap_or((piece, ""));
        let value = values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value);
        // Writing to a string does not fail.
        let _ = write!(all, "{value}{rest}");
    }
    all
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;

    static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
        Catalog::of(
            "# kata\nhalo = Halo, {nama}!\nada = {n} catatan\nhanya = di sini",
            "halo = Hello {nama}\nada = {n} record | {n} records\nlain = = x\nhanya = here {n}",
        )
    });

    #[test]
    fn words_are_filled_and_counted_as_their_language_does() {
        let (id, en) = (CATALOG.in_lang(Lang::Id), CATALOG.in_lang(Lang::En));
        assert_eq!(id.with("halo", &[("nama", "{n}")]), "Halo, {n}!");
        assert_eq!((id.count("ada", 1_u64), en.count("ada", 1_u64)), ("1 catatan".into(), "1 record".into()));
        assert_eq!(
            (id.count("ada", 48_211_u64), en.count("ada", 0_u64)),
            ("48.211 catatan".into(), "0 records".into())
        );
        assert_eq!(en.t("tidak ada"), "tidak ada");
    }

    #[test]
    fn own_words_take_the_place_of_those_that_they_name_and_of_no_others() {
        let own = "\u{feff}# kantor ini\r\n\r\nhalo = Wilujeng, {nama}!\n";
        let own: &'static Catalog = Box::leak(Box::new(CATALOG.clone().with_own(Lang::Id, own).expect("good words")));
        assert_eq!(own.in_lang(Lang::Id).with("halo", &[("nama", "Siti")]), "Wilujeng, Siti!");
        assert_eq!(own.in_lang(Lang::Id).t("hanya"), "di sini");
        assert_eq!(own.in_lang(Lang::En).t("halo"), "Hello {nama}");
    }

    #[test]
    fn own_words_that_cannot_be_taken_are_named_by_line_and_nothing_is_taken() {
        let refused = |file: &str| CATALOG.clone().with_own(Lang::Id, file).expect_err("words that cannot be taken");
        assert_eq!(refused("\nhalo"), (2, OwnFault::NoKey));
        assert_eq!(refused("hallo = x"), (1, OwnFault::Unknown("hallo".into())));
        for nothing in ["hanya =", "hanya = a\u{7}b", &format!("hanya = {}", "x".repeat(OWN_CHARS_MAX + 1))] {
            assert_eq!(refused(nothing), (1, OwnFault::Length));
        }
        for text in ["halo = Halo", "halo = {nama} {n}", "hanya = {nama}"] {
            assert!(matches!(refused(text), (1, OwnFault::Places(_))), "{text}");
        }
    }

    #[test]
    fn what_one_file_lacks_is_named() {
        let faults = CATALOG.faults();
        assert_eq!(faults.len(), 2, "{faults:?}");
        assert!(faults[0].contains("hanya has other places") && faults[1].contains("lain stands in one file"));
    }
}
