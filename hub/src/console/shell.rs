//! What every page has: head, way around, words, and the token of its forms.

use std::sync::LazyLock;

use askama::Template;
use hyper::StatusCode;
use kentongan_host::fail::Failure;
use kentongan_host::{Exit, Lang, moment};
use kentongan_protocol::calendar::Zone;
use kentongan_web::asset::Asset;
use kentongan_web::{Asked, Catalog, Clock, Reply, Words, look};

use super::Console;
use super::route::{Need, PAGES};
use crate::store::{Account, Role};

/// The words of all pages: one pair of files for each part of the console.
static WORDS: LazyLock<Catalog> = LazyLock::new(|| {
    Catalog::of(
        concat!(
            include_str!("words/umum.id.txt"),
            include_str!("words/orang.id.txt"),
            include_str!("words/armada.id.txt"),
            include_str!("words/kerja.id.txt"),
        ),
        concat!(
            include_str!("words/umum.en.txt"),
            include_str!("words/orang.en.txt"),
            include_str!("words/armada.en.txt"),
            include_str!("words/kerja.en.txt"),
        ),
    )
});

/// Style, script and drawing.
pub(super) static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets {
    style: [
        look::style(),
        Asset::css(
            "konsol",
            concat!(
                include_str!("assets/konsol.css"),
                include_str!("assets/armada.css"),
                include_str!("assets/kerja.css")
            ),
        ),
    ],
    script: look::script(),
    icon: look::icon(),
});

/// The files that belong to the pages.
pub(super) struct Assets {
    style: [Asset; 2],
    script: Asset,
    pub(super) icon: Asset,
}

impl Assets {
    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &Asset> {
        self.style.iter().chain([&self.script, &self.icon])
    }
}

/// The main places: key of the word, path, who may.
const MENU: [(&str, &str); 7] = [
    ("armada", "/"),
    ("konflik", "/konflik"),
    ("aduan", "/aduan"),
    ("survei", "/survei"),
    ("pendaftaran", "/pendaftaran"),
    ("orang", "/orang"),
    ("audit", "/audit"),
];

/// Who is logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    /// What they log in as.
    pub(super) name: String,
    /// What people call them.
    pub(super) full_name: String,
    /// What they may do.
    pub(super) role: Role,
}

impl Person {
    pub(super) fn of(account: &Account) -> Person {
        Person { name: account.name.clone(), full_name: account.full_name.clone(), role: account.role }
    }
}

/// A place to which the head of a page leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Door {
    pub(super) word: &'static str,
    pub(super) path: &'static str,
    pub(super) is_here: bool,
}

/// What a page knows of the request it answers.
#[derive(Debug, Clone)]
pub(super) struct Shell {
    /// The words.
    pub(super) w: Words,
    /// For its forms.
    pub(super) token: String,
    /// Who is logged in.
    pub(super) person: Option<Person>,
    /// Which of the main places this is: the first word of its line in the menu.
    pub(super) here: &'static str,
    /// Now, and where the hub is.
    pub(super) clock: Clock,
}

impl Shell {
    /// For a request of which nothing else is known yet.
    pub(super) fn of(asked: &Asked, console: &Console) -> Shell {
        let token = console.secret.token(&asked.session);
        let clock = Clock::of(console.serving.clock.wall_ms(), zone_here());
        Shell { w: words(asked.lang), token, person: None, here: "", clock }
    }

    /// The same, as one of the main places.
    #[must_use]
    pub(super) fn at(mut self, here: &'static str) -> Shell {
        self.here = here;
        self
    }

    /// Whether whoever looks may ask for pages that need this.
    pub(super) fn may(&self, need: Need) -> bool {
        self.person.as_ref().is_some_and(|person| need.admits(person.role))
    }

    /// Whether they look after offices: for templates.
    pub(super) fn may_fleet(&self) -> bool {
        self.may(Need::Fleet)
    }

    /// Whether they handle complaints: for templates.
    pub(super) fn may_case(&self) -> bool {
        self.may(Need::Case)
    }

    /// The main places that are there and open to whoever looks.
    pub(super) fn menu(&self) -> Vec<Door> {
        let doors = MENU.iter().filter(|(_, path)| {
            let page = PAGES.iter().find(|page| page.path == *path && page.method == hyper::Method::GET);
            page.is_some_and(|page| self.may(page.need))
        });
        doors
            .map(|(key, path)| Door {
                word: self.w.find(&format!("menu.{key}")).unwrap_or(key),
                path,
                is_here: *key == self.here,
            })
            .collect()
    }

    /// What a role is called.
    pub(super) fn role(&self, role: &Role) -> &'static str {
        match role {
            Role::Viewer => self.w.t("peran.viewer"),
            Role::Operator => self.w.t("peran.operator"),
            Role::Case => self.w.t("peran.case"),
            Role::Admin => self.w.t("peran.admin"),
        }
    }

    /// What a role may do.
    pub(super) fn role_means(&self, role: &Role) -> &'static str {
        match role {
            Role::Viewer => self.w.t("arti.viewer"),
            Role::Operator => self.w.t("arti.operator"),
            Role::Case => self.w.t("arti.case"),
            Role::Admin => self.w.t("arti.admin"),
        }
    }

    /// The time of day that the page is from.
    pub(super) fn time_now(&self) -> String {
        self.clock.time(self.clock.now_ms, &self.w)
    }

    /// Names of the style sheets.
    pub(super) fn styles(&self) -> [&'static str; 2] {
        ASSETS.style.each_ref().map(|style| style.name.as_str())
    }

    /// Name of the script.
    pub(super) fn script(&self) -> &'static str {
        &ASSETS.script.name
    }

    /// Name of the drawing.
    pub(super) fn icon(&self) -> &'static str {
        &ASSETS.icon.name
    }
}

/// The words in a language.
pub(super) fn words(lang: Lang) -> Words {
    WORDS.in_lang(lang)
}

/// The zone that this machine's clock shows, if it is one of Indonesia's; else the one in which most people live.
fn zone_here() -> Zone {
    let offset_s = moment::zone().to_offset(jiff::Timestamp::now()).seconds();
    [Zone::Wib, Zone::Wita, Zone::Wit]
        .into_iter()
        .find(|zone| zone.hours() * 3_600 == i64::from(offset_s))
        .unwrap_or_default()
}

/// A page of a template. That it cannot be written is a defect of the template, which every page's test would show.
pub(super) fn page(template: &impl Template) -> Reply {
    match template.render() {
        Ok(html) => Reply::page(html),
        Err(error) => {
            tracing::error!(ev = "console.not_written", %error, "a page could not be written");
            Reply::text("500\n").but(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

/// What went wrong, on a page.
#[derive(Debug, Template)]
#[template(path = "failure.html")]
struct FailurePage<'a> {
    s: &'a Shell,
    code: String,
    sentence: String,
    next: String,
}

/// A failure as a page. Its cause may name files of this machine, so it goes to the log and not to people.
pub(super) fn failure(shell: &Shell, failure: &Failure) -> Reply {
    let lang = shell.w.lang;
    let code = failure.ktg.map_or_else(String::new, |ktg| ktg.to_string());
    let next = failure.next_step(lang).unwrap_or_default();
    let status = match (&failure.source, failure.exit) {
        (None, Exit::Usage | Exit::Failed | Exit::Refused) => StatusCode::UNPROCESSABLE_ENTITY,
        (None, Exit::NotRunning) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    if status == StatusCode::INTERNAL_SERVER_ERROR {
        tracing::error!(ev = "console.failed", error = %failure, "a page could not do what was asked");
    }
    let sentence = match failure.source {
        Some(_) if failure.ktg.is_none() => shell.w.t("masalah.sistem").to_owned(),
        _ => failure.sentence(lang),
    };
    page(&FailurePage { s: shell, code, sentence, next }).but(status)
}

/// A sentence instead of the page that was asked for.
pub(super) fn refusal(shell: &Shell, status: StatusCode, key: &'static str) -> Reply {
    let sentence = shell.w.t(key).to_owned();
    page(&FailurePage { s: shell, code: String::new(), sentence, next: String::new() }).but(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_have_every_word() {
        assert_eq!(WORDS.faults(), Vec::<String>::new());
    }

    #[test]
    fn every_word_that_a_page_asks_for_is_there() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut folders = vec![folder.join("templates"), folder.join("src/console")];
        let known: Vec<&str> = WORDS.keys().collect();
        let mut asked = 0;
        while let Some(next) = folders.pop() {
            for entry in std::fs::read_dir(next).expect("a folder of the pages").flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                // What citizens see has words of its own.
                if path.file_name().is_some_and(|name| name == "lacak.html") {
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap_or_default();
                for call in ["w.t(\"", "w.with(\"", "w.count(\"", "words.t(\""] {
                    for rest in text.split(call).skip(1) {
                        let key = rest.split('"').next().unwrap_or_default();
                        asked += 1;
                        assert!(known.contains(&key), "{}: no word {key:?}", path.display());
                    }
                }
            }
        }
        assert!(asked > 50, "{asked} words are asked for");
    }

    #[test]
    fn style_and_script_are_small() {
        let bytes: usize = ASSETS.all().map(Asset::bytes).sum();
        assert!(bytes <= 48 * 1024, "{bytes} bytes");
    }
}
