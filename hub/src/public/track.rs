//! `/lacak`: where a complaint stands, for whoever holds its code.

use askama::Template;
use hyper::StatusCode;
use hyper::header::RETRY_AFTER;
use kentongan_host::Lang;
use kentongan_protocol::receipt::ReceiptCode;
use kentongan_web::{Asked, Reply, Words};

use super::{CATALOG, Outside, SCRIPT, STYLE};
use crate::service::record::Said;
use crate::service::track::{Tracked, track};

#[derive(Template)]
#[template(path = "lacak.html")]
struct Page<'a> {
    w: Words,
    style: &'a str,
    script: &'a str,
    /// What was typed.
    code: &'a str,
    /// As much of it as can stand in an address.
    linked: &'a str,
    fault: Option<String>,
    found: Option<Tracked>,
}

impl Page<'_> {
    fn said<'t>(&self, said: &'t Said) -> &'t str {
        said.in_lang(self.w.lang)
    }

    /// `2026-11-21` as people read it.
    fn day(&self, text: &str) -> String {
        let parts: Vec<&str> = text.split('-').collect();
        let [year, month, day] = parts.as_slice() else { return text.to_owned() };
        let months: Vec<&str> = self.w.t("lacak.bulan").split(' ').collect();
        let month = month.parse::<usize>().ok().and_then(|month| months.get(month.checked_sub(1)?).copied());
        format!("{} {} {year}", day.trim_start_matches('0'), month.unwrap_or_default())
    }
}

/// What came of a look.
enum Outcome {
    Nothing,
    Found(Box<Tracked>),
    Mistyped(String),
    /// A code that an office gave in training.
    Training,
    Unknown,
    /// With the seconds after which to come back.
    TooOften(u64),
    Failed,
}

/// The page, with the answer if a code was asked for.
pub(super) async fn page(outside: &Outside, asked: &Asked) -> Reply {
    let lang = match asked.query.text("bahasa") {
        "en" => Lang::En,
        _ => Lang::Id,
    };
    let (w, code) = (CATALOG.in_lang(lang), asked.query.text("kode"));
    let outcome = look(outside, asked, code, lang).await;
    let status = match &outcome {
        Outcome::Nothing | Outcome::Found(_) => StatusCode::OK,
        Outcome::Mistyped(_) => StatusCode::BAD_REQUEST,
        Outcome::Unknown | Outcome::Training => StatusCode::NOT_FOUND,
        Outcome::TooOften(_) => StatusCode::TOO_MANY_REQUESTS,
        Outcome::Failed => StatusCode::SERVICE_UNAVAILABLE,
    };
    let (mut fault, mut found, mut again_s) = (None, None, None);
    match outcome {
        Outcome::Nothing => {}
        Outcome::Found(tracked) => found = Some(*tracked),
        Outcome::Mistyped(sentence) => fault = Some(sentence),
        Outcome::Unknown => fault = Some(w.t("lacak.belum_ada").to_owned()),
        Outcome::Training => fault = Some(w.t("lacak.latihan").to_owned()),
        Outcome::TooOften(later) => {
            again_s = Some(later);
            fault = Some(w.count("lacak.terlalu_sering", later));
        }
        Outcome::Failed => fault = Some(w.t("lacak.gangguan").to_owned()),
    }
    // What a stranger sends comes back as far as a code is long.
    let code: String = code.chars().take(40).collect();
    let linked: String = code.chars().filter(|symbol| symbol.is_ascii_alphanumeric() || *symbol == '-').collect();
    let page = Page { w, style: &STYLE.name, script: &SCRIPT.name, code: &code, linked: &linked, fault, found };
    match page.render() {
        Ok(html) => {
            let reply = Reply::page(html).but(status);
            match again_s {
                Some(again_s) => reply.with(RETRY_AFTER, again_s.to_string()),
                None => reply,
            }
        }
        Err(error) => {
            tracing::error!(ev = "page.failed", %error, "a page could not be written");
            Reply::text("500\n").but(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

async fn look(outside: &Outside, asked: &Asked, code: &str, lang: Lang) -> Outcome {
    if code.trim().is_empty() {
        return Outcome::Nothing;
    }
    let (address, serving) = (outside.address(asked), &outside.serving);
    if let Err(again_s) = outside.may_ask(address) {
        return Outcome::TooOften(again_s);
    }
    // A slip of the hand is told at once and costs nothing.
    let code = match code.parse::<ReceiptCode>() {
        Ok(code) => code,
        Err(error) => return Outcome::Mistyped(error.sentence(lang)),
    };
    // Nothing is looked up, and everybody may know that there is nothing.
    if code.is_of_training() {
        return Outcome::Training;
    }
    if let Err(again_s) = outside.may_look_up(address) {
        return Outcome::TooOften(again_s);
    }
    let desk = serving.desk("public");
    match serving.store.run(move |tx| track(tx, &desk, code)).await {
        Ok(Some(tracked)) => Outcome::Found(Box::new(tracked)),
        Ok(None) => {
            outside.missed(address);
            Outcome::Unknown
        }
        Err(failure) => {
            tracing::error!(ev = "track.failed", error = %failure, "a code could not be looked up");
            Outcome::Failed
        }
    }
}
