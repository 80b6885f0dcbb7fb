//! Logging in and out. What is wrong is never said more exactly than "name or password": names are not given away.

use std::sync::LazyLock;

use askama::Template;
use hyper::StatusCode;
use kentongan_host::fail::Failure;
use kentongan_host::secret;
use kentongan_web::{Asked, Reply};
use serde_json::json;

use super::Console;
use super::route::{Visit, is_own_path};
use super::shell::{self, Shell};
use crate::service::login::{self, Begun};
use crate::store::Stage;

/// The hash of a password that nobody has: who is not known takes as long as who is.
static NOBODYS: LazyLock<String> = LazyLock::new(|| secret::hash("tidak seorang pun"));

#[derive(Debug, Template)]
#[template(path = "login.html")]
struct LoginPage<'a> {
    s: &'a Shell,
    name: &'a str,
    wanted: &'a str,
    fault: Option<String>,
}

#[derive(Debug, Template)]
#[template(path = "login_code.html")]
struct CodePage<'a> {
    s: &'a Shell,
    fault: Option<String>,
}

#[derive(Debug, Template)]
#[template(path = "login_invitation.html")]
struct InvitationPage<'a> {
    s: &'a Shell,
    name: &'a str,
    fault: Option<String>,
}

/// The page to log in at, that leads back to what was asked for.
pub(super) fn address_with(asked: &Asked) -> String {
    let wanted = asked.path.as_str();
    if wanted == "/" || !is_own_path(wanted) { "/masuk".to_owned() } else { format!("/masuk?ke={wanted}") }
}

pub(super) async fn show(_: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    if visit.login.as_ref().is_some_and(|login| login.stage == Stage::Open) {
        return Ok(Reply::go_to(wanted(asked.query.text("ke"))));
    }
    Ok(shell::page(&LoginPage { s: &visit.shell, name: "", wanted: wanted(asked.query.text("ke")), fault: None }))
}

fn wanted(path: &str) -> &str {
    if is_own_path(path) { path } else { "/" }
}

pub(super) async fn password(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    let posted = match console.posted(asked, &visit).await {
        Ok(posted) => posted,
        Err(reply) => return Ok(reply),
    };
    let fields = &posted.fields;
    let (name, to) = (fields.text("nama").trim().to_lowercase(), wanted(fields.text("ke")).to_owned());
    let again = |status, fault| {
        let page = LoginPage { s: &visit.shell, name: &name, wanted: &to, fault: Some(fault) };
        shell::page(&page).but(status)
    };
    if let Some(wait) = console.waits(&visit, &name) {
        return Ok(again(StatusCode::TOO_MANY_REQUESTS, wait));
    }
    let typed = fields.text("sandi").to_owned();
    let looked = name.clone();
    let account = console.look(&visit, move |tx, _| Ok(tx.account(&looked)?)).await?;
    let hash = account.as_ref().map(|account| account.password.clone()).filter(|hash| !hash.is_empty());
    let fitted = console.fits(typed, hash.clone().unwrap_or_else(|| NOBODYS.clone())).await;
    let begun = match hash.filter(|_| fitted) {
        Some(hash) => {
            let (name, place) = (name.clone(), visit.place());
            console.change(&visit, move |tx, desk| login::begin(tx, desk, &name, &hash, &place)).await?
        }
        None => None,
    };
    match begun {
        Some(begun) => Ok(console.let_in(&visit, &name, &begun, &to)),
        None => {
            console.wrong(&visit, &name, account.is_some()).await?;
            Ok(again(StatusCode::UNAUTHORIZED, visit.shell.w.t("masuk.salah").to_owned()))
        }
    }
}

pub(super) async fn ask_code(_: &Console, visit: Visit, _: Asked) -> Result<Reply, Failure> {
    let waits = visit.login.as_ref().is_some_and(|login| login.stage == Stage::ExpectCode);
    Ok(if waits { shell::page(&CodePage { s: &visit.shell, fault: None }) } else { Reply::go_to("/masuk") })
}

pub(super) async fn code(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    let posted = match console.posted(asked, &visit).await {
        Ok(posted) => posted,
        Err(reply) => return Ok(reply),
    };
    let Some(waiting) = visit.login.clone().filter(|login| login.stage == Stage::ExpectCode) else {
        return Ok(Reply::go_to("/masuk"));
    };
    let name = waiting.account.clone();
    let again = |status, fault| shell::page(&CodePage { s: &visit.shell, fault: Some(fault) }).but(status);
    if let Some(wait) = console.waits(&visit, &name) {
        return Ok(again(StatusCode::TOO_MANY_REQUESTS, wait));
    }
    let typed = posted.fields.text("kode").to_owned();
    match console.change(&visit, move |tx, desk| login::confirm(tx, desk, &waiting, &typed)).await? {
        Some(begun) => Ok(console.let_in(&visit, &name, &begun, "/")),
        None => {
            console.wrong(&visit, &name, true).await?;
            Ok(again(StatusCode::UNAUTHORIZED, visit.shell.w.t("masuk.kode_salah").to_owned()))
        }
    }
}

pub(super) async fn ask_invitation(_: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    let name = asked.query.text("nama");
    Ok(shell::page(&InvitationPage { s: &visit.shell, name, fault: None }))
}

pub(super) async fn invitation(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    let posted = match console.posted(asked, &visit).await {
        Ok(posted) => posted,
        Err(reply) => return Ok(reply),
    };
    let fields = &posted.fields;
    let name = fields.text("nama").trim().to_lowercase();
    let again =
        |status, fault| shell::page(&InvitationPage { s: &visit.shell, name: &name, fault: Some(fault) }).but(status);
    if let Some(wait) = console.waits(&visit, &name) {
        return Ok(again(StatusCode::TOO_MANY_REQUESTS, wait));
    }
    let (asked_name, code) = (name.clone(), fields.text("undangan").to_owned());
    let typed = code.clone();
    if !console.look(&visit, move |tx, desk| login::is_invited(tx, desk, &asked_name, &typed)).await? {
        console.wrong(&visit, &name, false).await?;
        return Ok(again(StatusCode::UNAUTHORIZED, visit.shell.w.t("masuk.undangan_salah").to_owned()));
    }
    let hash = match chosen(console, &visit, &name, fields.text("sandi"), fields.text("sandi_lagi")).await? {
        Ok(hash) => hash,
        Err(fault) => return Ok(again(StatusCode::UNPROCESSABLE_ENTITY, fault)),
    };
    let (invited, place) = (name.clone(), visit.place());
    let accepted = console.change(&visit, move |tx, desk| login::accept(tx, desk, &invited, &code, &hash, &place));
    match accepted.await? {
        Some(begun) => Ok(console.let_in(&visit, &name, &begun, "/")),
        None => Ok(again(StatusCode::UNAUTHORIZED, visit.shell.w.t("masuk.undangan_salah").to_owned())),
    }
}

/// The hash of a password that somebody chose, or why it is not taken.
pub(super) async fn chosen(
    console: &Console,
    visit: &Visit,
    name: &str,
    password: &str,
    again: &str,
) -> Result<Result<String, String>, Failure> {
    let lang = visit.shell.w.lang;
    if password != again {
        return Ok(Err(visit.shell.w.t("sandi.beda").to_owned()));
    }
    let checked = kentongan_host::output::in_lang(lang, || login::check_password(name, password));
    if let Err(failure) = checked {
        return Ok(Err(failure.sentence(lang)));
    }
    Ok(Ok(console.hash(password.to_owned()).await?))
}

pub(super) async fn leave(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    if let Err(reply) = console.posted(asked, &visit).await {
        return Ok(reply);
    }
    if let Some(login) = visit.login.clone() {
        console.change(&visit, move |tx, desk| login::end(tx, desk, &login.hash)).await?;
    }
    Ok(Reply::go_to("/masuk").with_cookie(&console.keep_login("")))
}

impl Console {
    /// Gives the browser its login and leads it on.
    pub(super) fn let_in(&self, visit: &Visit, name: &str, begun: &Begun, to: &str) -> Reply {
        let to = match begun.stage {
            Stage::ExpectCode => "/masuk/kode",
            Stage::ExpectSecondFactor => "/akun/langkah-kedua",
            Stage::Open => to,
        };
        // With a right password alone nobody is in yet: codes that were guessed wrong stay counted.
        if begun.stage == Stage::Open {
            self.gate().right(name, visit.from);
        }
        Reply::go_to(to).with_cookie(&self.keep_login(&begun.token.text()))
    }

    /// What is said to somebody who has to wait before the next try.
    pub(super) fn waits(&self, visit: &Visit, name: &str) -> Option<String> {
        let wait_ms = self.gate().wait_ms(name, visit.from, self.serving.clock.boot_ms());
        let seconds = wait_ms.div_ceil(1_000);
        (seconds > 0).then(|| visit.shell.w.count("masuk.tunggu", seconds))
    }

    /// Counts a wrong answer. Only names that there are get into the audit log: people type passwords into the wrong
    /// field.
    pub(super) async fn wrong(&self, visit: &Visit, name: &str, is_known: bool) -> Result<(), Failure> {
        let begins = self.gate().wrong(name, visit.from, self.serving.clock.boot_ms());
        tracing::warn!(ev = "console.login_refused", from = %visit.from, known = is_known, "not logged in");
        if !is_known {
            return Ok(());
        }
        let (name, event) = (name.to_owned(), if begins { "login.locked" } else { "login.refused" });
        self.change(visit, move |tx, desk| Ok(desk.audit(tx, event, &name, json!({}))?)).await
    }
}
