//! The words of all pages: those that ship, and those that an office says in its own way.
//!
//! An office's own stand beside its settings, in `words.id.txt` and `words.en.txt`, in lines like those of the files in `words/`. A
//! file with a mistake is not taken at all, as with settings. They are read when the program starts.

use std::io;
use std::path::Path;
use std::sync::{LazyLock, OnceLock};

use kentongan_host::data_dir::DataDir;
use kentongan_host::fail::Failure;
use kentongan_host::{Lang, files, options};
use kentongan_web::{Catalog, OwnFault, Words};

static SHIPPED: LazyLock<Catalog> =
    LazyLock::new(|| Catalog::of(include_str!("words/id.txt"), include_str!("words/en.txt")));

/// Where an office has words of its own.
static OWN: OnceLock<Catalog> = OnceLock::new();

/// More than all words that ship.
const FILE_BYTES_MAX: u64 = 256 * 1024;

/// The words in a language.
pub(super) fn words(lang: Lang) -> Words {
    OWN.get().unwrap_or(&SHIPPED).in_lang(lang)
}

/// Every key of the words.
pub(super) fn keys() -> impl Iterator<Item = &'static str> {
    SHIPPED.keys()
}

/// Takes up the office's own words, before the first page is shown.
///
/// # Errors
/// As [`own`]; then the words that ship are shown.
pub(super) fn take_own(dir: &DataDir) -> Result<(), Failure> {
    if OWN.get().is_none() {
        // Whoever was first read the same files.
        let _ = OWN.set(own(dir)?);
    }
    Ok(())
}

/// The words of this office.
///
/// # Errors
/// What is wrong with one of its files, by file and line.
pub(crate) fn own(dir: &DataDir) -> Result<Catalog, Failure> {
    let mut catalog = SHIPPED.clone();
    for lang in [Lang::Id, Lang::En] {
        let path = dir.own_words(lang);
        let file = match files::read_bounded(&path, FILE_BYTES_MAX) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(unreadable(&path, &error.to_string())),
        };
        let file = String::from_utf8(file).map_err(|_| unreadable(&path, "UTF-8"))?;
        catalog = catalog.with_own(lang, &file).map_err(|(line, fault)| faulty(&path, line, &fault))?;
    }
    Ok(catalog)
}

/// All words in a language, as a file of an office's own words would say them.
pub(crate) fn listed(dir: &DataDir, lang: Lang) -> Result<Vec<(&'static str, &'static str)>, Failure> {
    Ok(own(dir)?.texts(lang).collect())
}

fn unreadable(path: &Path, why: &str) -> Failure {
    let path = path.display();
    Failure::usage(format!("{path} tidak terbaca: {why}"), format!("{path} cannot be read: {why}"))
}

fn faulty(path: &Path, line: usize, fault: &OwnFault) -> Failure {
    let place = format!("{}:{line}", path.display());
    let (id, en) = match fault {
        OwnFault::NoKey => ("tulis KUNCI = teks".to_owned(), "write KEY = text".to_owned()),
        OwnFault::Unknown(key) => match options::nearest(key, keys()) {
            Some(near) => (
                format!("{key:?} tidak dikenal; mungkin maksudnya {near:?}"),
                format!("{key:?} is not known; did you mean {near:?}?"),
            ),
            None => (
                format!("{key:?} tidak dikenal; semua kunci: kentongan-agent config words"),
                format!("{key:?} is not known; all keys: kentongan-agent config words"),
            ),
        },
        OwnFault::Length => {
            ("teksnya kosong atau terlalu panjang".to_owned(), "the text is empty or too long".to_owned())
        }
        OwnFault::Places(right) => {
            let right = right.iter().map(|name| format!("{{{name}}}")).collect::<Vec<_>>().join(" ");
            match right.is_empty() {
                true => ("teks ini tidak memuat {…}".to_owned(), "there is no {…} in this text".to_owned()),
                false => (format!("teks ini harus memuat {right}"), format!("this text must hold {right}")),
            }
        }
    };
    Failure::usage(format!("{place}: {id}"), format!("{place}: {en}"))
}

#[cfg(test)]
mod tests {
    use kentongan_host::data_dir::Program;

    use super::*;

    #[test]
    fn both_languages_have_every_word() {
        assert_eq!(SHIPPED.faults(), Vec::<String>::new());
    }

    #[test]
    fn verdicts_are_short() {
        for lang in [Lang::Id, Lang::En] {
            for key in SHIPPED.keys().filter(|key| key.starts_with("putusan.")) {
                for text in words(lang).t(key).split(" | ") {
                    assert!(text.split_whitespace().count() <= 12, "{key}: {text}");
                }
            }
        }
    }

    #[test]
    fn every_word_that_a_page_asks_for_is_there() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut files = Vec::new();
        let mut folders = vec![folder.join("templates"), folder.join("src/page")];
        while let Some(next) = folders.pop() {
            for entry in std::fs::read_dir(next).expect("a folder of the pages").flatten() {
                match entry.path() {
                    path if path.is_dir() => folders.push(path),
                    path => files.push(path),
                }
            }
        }
        let known: Vec<&str> = SHIPPED.keys().collect();
        let mut asked = 0;
        for file in files.iter().filter(|file| file.extension().is_some_and(|kind| kind == "html" || kind == "rs")) {
            let text = std::fs::read_to_string(file).expect("readable");
            for call in ["w.t(\"", "w.with(\"", "w.count(\"", "words.t(\""] {
                for rest in text.split(call).skip(1) {
                    let key = rest.split('"').next().unwrap_or_default();
                    asked += 1;
                    assert!(known.contains(&key), "{}: no word {key:?}", file.display());
                }
            }
        }
        assert!(asked > 50, "{asked} words are asked for");
    }

    #[test]
    fn an_offices_own_words_are_taken_or_refused_by_file_and_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = DataDir::at(Program::Agent, folder.path());
        let menu = |lang| listed(&dir, lang).expect("words").into_iter().find(|(key, _)| *key == "menu.beranda");
        assert_eq!(menu(Lang::Id).map(|(_, text)| text), Some("Beranda"));
        std::fs::write(dir.own_words(Lang::Id), "menu.beranda = Tepas\n").expect("written");
        assert_eq!(menu(Lang::Id).map(|(_, text)| text), Some("Tepas"));
        assert_eq!(menu(Lang::En).map(|(_, text)| text), Some("Start"));
        for (file, said) in [
            (
                "\nmenu.berada = Tepas",
                "words.id.txt:2: \"menu.berada\" tidak dikenal; mungkin maksudnya \"menu.beranda\"",
            ),
            ("putusan.menunggu = semua sampai", "words.id.txt:1: teks ini harus memuat {n}"),
            ("menu.beranda = {n}", "words.id.txt:1: teks ini tidak memuat {…}"),
            ("menu.beranda", "words.id.txt:1: tulis KUNCI = teks"),
        ] {
            std::fs::write(dir.own_words(Lang::Id), file).expect("written");
            let refused = own(&dir).expect_err("a file with a mistake").sentence(Lang::Id);
            assert!(refused.ends_with(said), "{refused}");
        }
        std::fs::write(dir.own_words(Lang::Id), [0xff, 0xfe]).expect("written");
        assert!(own(&dir).is_err(), "what is not UTF-8");
    }
}
