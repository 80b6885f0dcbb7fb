//! What every page has: head, way around, words, and the token of its forms.

use std::sync::LazyLock;

use kentongan_host::Lang;
use kentongan_host::fail::Failure;
use kentongan_web::asset::Asset;
use kentongan_web::{Asked, Reply, Words, look};

use askama::Template;
use kentongan_protocol::calendar::Zone;

use kentongan_web::Clock;

use super::words::words;
use crate::people::Role;
use crate::store::Person;

/// Style, script and drawing.
pub(super) static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets {
    shared: [look::style(), look::script()],
    style: Asset::css("gaya", include_str!("assets/gaya.css")),
    script: Asset::script("halaman", include_str!("assets/halaman.js")),
    icon: look::icon(),
    kiosk_style: Asset::css("kios", include_str!("assets/kios.css")),
    kiosk_script: Asset::script("kios", include_str!("assets/kios.js")),
    print: [
        Asset::css("cetak-a4", include_str!("assets/cetak-a4.css")),
        Asset::css("cetak-80", include_str!("assets/cetak-80.css")),
        Asset::css("cetak-58", include_str!("assets/cetak-58.css")),
        Asset::css("cetak-rekap", include_str!("assets/cetak-rekap.css")),
        Asset::css("cetak-survei", include_str!("assets/cetak-survei.css")),
    ],
});

/// Who has not said their name writes under this one, as on the command line.
const AUTHOR: &str = "petugas";
/// The cookie with the clerk's name.
pub(super) const CLERK: &str = "ktg_petugas";
/// Longest name, in characters.
pub(super) const CLERK_CHARS_MAX: usize = 60;

/// The files that belong to the pages.
pub(super) struct Assets {
    shared: [Asset; 2],
    pub(super) style: Asset,
    pub(super) script: Asset,
    pub(super) icon: Asset,
    /// Of the kiosk alone.
    pub(super) kiosk_style: Asset,
    pub(super) kiosk_script: Asset,
    pub(super) print: [Asset; 5],
}

impl Assets {
    /// Those of the office's page.
    pub(super) fn all(&self) -> impl Iterator<Item = &Asset> {
        [&self.style, &self.script, &self.icon].into_iter().chain(&self.shared).chain(&self.print)
    }
}

/// Who sits at the browser.
#[derive(Debug, Clone)]
pub(super) enum Who {
    /// Anyone: nobody of this office has a PIN.
    Anyone,
    /// Nobody has shown a PIN, or not for a while; who was here last, if that is known.
    Locked(Option<u16>),
    /// Somebody who has.
    Person(Person),
}

/// What a page knows of the request it answers.
#[derive(Debug, Clone)]
pub(super) struct Shell {
    /// The words.
    pub(super) w: Words,
    /// For its forms.
    pub(super) token: String,
    /// What people call the office; empty: this PC belongs to none yet.
    pub(super) office: String,
    /// Where it is.
    pub(super) zone: Zone,
    /// Who sits at the browser.
    pub(super) who: Who,
    /// Their name, if they said so or have shown a PIN.
    pub(super) clerk: String,
    /// Seconds without anything done after which the page locks itself; 0: never.
    pub(super) idle_s: u64,
    /// Which of the main places this is.
    pub(super) here: &'static str,
    /// Whom a clerk calls.
    pub(super) it_contact: String,
    /// Whether it is a page of training: nothing that it shows is real.
    pub(super) is_training: bool,
}

impl Shell {
    /// For a request.
    pub(super) fn of(asked: &Asked, token: String) -> Shell {
        let clerk = asked.cookie(CLERK).map(clerk_of).unwrap_or_default();
        Shell { token, clerk, ..Shell::plain(asked.lang) }
    }

    /// Of nobody in particular.
    pub(super) fn plain(lang: Lang) -> Shell {
        Shell {
            w: words(lang),
            token: String::new(),
            office: String::new(),
            zone: Zone::Wib,
            who: Who::Anyone,
            clerk: String::new(),
            idle_s: 0,
            here: "",
            it_contact: String::new(),
            is_training: false,
        }
    }

    /// The same, for whoever sits there.
    #[must_use]
    pub(super) fn of_whom(self, who: Who, idle_s: u64) -> Shell {
        match &who {
            Who::Anyone => Shell { who, ..self },
            Who::Locked(_) => Shell { who, clerk: String::new(), ..self },
            Who::Person(person) => Shell { clerk: person.name.clone(), who, idle_s, ..self },
        }
    }

    /// Whether nothing of the office is shown before somebody shows a PIN.
    pub(super) fn is_locked(&self) -> bool {
        matches!(self.who, Who::Locked(_))
    }

    /// Whether somebody has shown a PIN.
    pub(super) fn is_signed_in(&self) -> bool {
        matches!(self.who, Who::Person(_))
    }

    /// Whether whoever sits there may settle what only a person of this office can, and look after its people.
    pub(super) fn may_decide(&self) -> bool {
        match &self.who {
            Who::Anyone => true,
            Who::Locked(_) => false,
            Who::Person(person) => person.role == Role::Manager,
        }
    }

    /// The clock of the office at a moment.
    pub(super) fn clock(&self, now_ms: i64) -> Clock {
        Clock::of(now_ms, self.zone)
    }

    /// The same, as one of the main places.
    #[must_use]
    pub(super) fn at(mut self, here: &'static str) -> Shell {
        self.here = here;
        self
    }

    /// Under which name a record is written.
    pub(super) fn author(&self) -> &str {
        if self.clerk.is_empty() { AUTHOR } else { &self.clerk }
    }

    /// Names of the style sheet and the script that the hub's console has too.
    pub(super) fn shared(&self) -> [&'static str; 2] {
        ASSETS.shared.each_ref().map(|asset| asset.name.as_str())
    }

    /// Name of the style sheet.
    pub(super) fn style(&self) -> &'static str {
        &ASSETS.style.name
    }

    /// Name of the script.
    pub(super) fn script(&self) -> &'static str {
        &ASSETS.script.name
    }

    /// Name of the drawing.
    pub(super) fn icon(&self) -> &'static str {
        &ASSETS.icon.name
    }

    /// Whether this is the place that a link leads to.
    pub(super) fn is_at(&self, place: &str) -> bool {
        self.here == place
    }
}

/// A name as a cookie can hold it.
pub(super) fn clerk_cookie(name: &str) -> String {
    let bytes = name.trim().chars().filter(|c| !c.is_control()).take(CLERK_CHARS_MAX).collect::<String>().into_bytes();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn clerk_of(cookie: &str) -> String {
    let pairs = cookie.as_bytes().chunks(2).map(|pair| {
        let text = std::str::from_utf8(pair).ok().filter(|text| text.len() == 2)?;
        u8::from_str_radix(text, 16).ok()
    });
    let bytes: Option<Vec<u8>> = pairs.collect();
    let name = bytes.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    name.chars().filter(|c| !c.is_control()).take(CLERK_CHARS_MAX).collect()
}

/// A page of a template. That it cannot be written is a defect of the template, which every page's test would show.
pub(super) fn page(template: &impl Template) -> Reply {
    match template.render() {
        Ok(html) => Reply::page(html),
        Err(error) => {
            tracing::error!(ev = "page.not_written", %error, "a page could not be written");
            Reply::text("500\n").but(hyper::StatusCode::INTERNAL_SERVER_ERROR)
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

/// A failure as a page. What is particular about it may name files of this PC, so it goes to the log and not to people.
pub(super) fn failure(shell: &Shell, failure: &Failure) -> Reply {
    tracing::warn!(ev = "page.failed", error = %failure, "a page could not do what was asked");
    failure_page(shell, failure).but(hyper::StatusCode::INTERNAL_SERVER_ERROR)
}

fn failure_page(shell: &Shell, failure: &Failure) -> Reply {
    let lang = shell.w.lang;
    let (code, sentence, next) = match failure.ktg {
        Some(ktg) => (ktg.to_string(), ktg.sentence(lang).to_owned(), ktg.next_step(lang).to_owned()),
        None => (String::new(), failure.sentence(lang), failure.next_step(lang).unwrap_or_default()),
    };
    page(&FailurePage { s: shell, code, sentence, next })
}

/// What the role of whoever sits there does not include.
pub(super) fn not_theirs(shell: &Shell) -> Reply {
    failure_page(shell, &Failure::of(kentongan_host::ktg::Ktg::Role)).but(hyper::StatusCode::FORBIDDEN)
}

/// A sentence instead of the page that was asked for.
pub(super) fn refusal(shell: &Shell, status: hyper::StatusCode, key: &'static str) -> Reply {
    let sentence = shell.w.t(key).to_owned();
    page(&FailurePage { s: shell, code: String::new(), sentence, next: String::new() }).but(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clerks_name_comes_back_whatever_it_holds() {
        for name in ["Siti", "Nyi Ayu; \"Él\" <b>", "I\u{301}da"] {
            assert_eq!(clerk_of(&clerk_cookie(name)), name);
        }
        assert_eq!(clerk_of(&clerk_cookie(" \u{7}Sari\n ")), "Sari");
        for nonsense in ["zz", "4", "ff", "é"] {
            assert_eq!(clerk_of(nonsense), "");
        }
    }

    #[test]
    fn style_and_script_are_small() {
        let bytes: usize = ASSETS.all().map(Asset::bytes).sum();
        assert!(bytes <= 40 * 1024, "{bytes} bytes");
        let kiosk = ASSETS.kiosk_style.bytes() + ASSETS.kiosk_script.bytes();
        assert!(kiosk <= 40 * 1024, "{kiosk} bytes");
    }
}
