//! One's own account: password, second factor, and where one is logged in.

use askama::Template;
use hyper::StatusCode;
use kentongan_host::enrolment::{from_hex, to_hex};
use kentongan_host::fail::Failure;
use kentongan_web::{Asked, Reply, Square, When};

use super::route::Visit;
use super::shell::{self, Shell};
use super::{Console, door};
use crate::service::{Desk, login, totp};
use crate::store::{Login, Stage, Tx};

#[derive(Debug, Template)]
#[template(path = "account.html")]
struct AccountPage<'a> {
    s: &'a Shell,
    has_second: bool,
    spare_left: u64,
    logins: Vec<LoginRow>,
    fault: Option<String>,
    is_changed: bool,
}

#[derive(Debug)]
struct LoginRow {
    /// Its hash in hexadecimal digits: names it in a form, and opens nothing.
    id: String,
    is_this: bool,
    browser: String,
    from: String,
    began: When,
    seen: When,
}

#[derive(Debug, Template)]
#[template(path = "second.html")]
struct SecondPage<'a> {
    s: &'a Shell,
    is_demanded: bool,
    key: String,
    key_text: String,
    square: Square,
    fault: Option<String>,
}

#[derive(Debug, Template)]
#[template(path = "second_done.html")]
struct SecondDonePage<'a> {
    s: &'a Shell,
    codes: Vec<String>,
}

pub(super) async fn show(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    let is_changed = asked.query.has("tersimpan");
    Ok(shell::page(&own(console, &visit, None, is_changed).await?))
}

async fn own<'a>(
    console: &Console,
    visit: &'a Visit,
    fault: Option<String>,
    is_changed: bool,
) -> Result<AccountPage<'a>, Failure> {
    let (account, logins) =
        console.look(visit, |tx, desk| Ok((tx.account(&desk.actor)?, tx.logins_of(&desk.actor)?))).await?;
    let second = account.and_then(|account| account.second);
    let this = visit.login.as_ref().map(|login| login.hash);
    let row = |login: Login| LoginRow {
        id: to_hex(&login.hash),
        is_this: Some(login.hash) == this,
        began: visit.shell.clock.when(login.began_ms, &visit.shell.w),
        seen: visit.shell.clock.when(login.seen_ms, &visit.shell.w),
        browser: login.browser,
        from: login.from,
    };
    Ok(AccountPage {
        s: &visit.shell,
        has_second: second.is_some(),
        spare_left: second.map_or(0, |second| second.spare.len() as u64),
        logins: logins.into_iter().filter(|login| login.stage == Stage::Open).map(row).collect(),
        fault,
        is_changed,
    })
}

pub(super) async fn change_password(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    let posted = match console.posted(asked, &visit).await {
        Ok(posted) => posted,
        Err(reply) => return Ok(reply),
    };
    let (fields, name) = (&posted.fields, visit.name().to_owned());
    let doubted = doubted(console, &visit, fields.text("sandi_lama")).await?;
    let (status, fault) = match doubted {
        Some(doubted) => doubted,
        None => match door::chosen(console, &visit, &name, fields.text("sandi"), fields.text("sandi_lagi")).await? {
            Err(fault) => (StatusCode::UNPROCESSABLE_ENTITY, fault),
            Ok(hash) => {
                let place = visit.place();
                let change = move |tx: &mut dyn Tx, desk: &Desk| login::change_password(tx, desk, &hash, &place);
                let begun = console.change(&visit, change).await?;
                return Ok(console.let_in(&visit, &name, &begun, "/akun?tersimpan"));
            }
        },
    };
    Ok(shell::page(&own(console, &visit, Some(fault), false).await?).but(status))
}

/// Why a typed password does not show that its owner sits there; nothing if it does. What changes how one logs in asks
/// for it, so that a browser that was left open is not enough.
async fn doubted(console: &Console, visit: &Visit, typed: &str) -> Result<Option<(StatusCode, String)>, Failure> {
    let name = visit.name();
    if let Some(wait) = console.waits(visit, name) {
        return Ok(Some((StatusCode::TOO_MANY_REQUESTS, wait)));
    }
    let account = console.look(visit, |tx, desk| Ok(tx.account(&desk.actor)?)).await?;
    if console.fits(typed.to_owned(), account.map_or_else(String::new, |account| account.password)).await {
        return Ok(None);
    }
    console.wrong(visit, name, true).await?;
    Ok(Some((StatusCode::UNPROCESSABLE_ENTITY, visit.shell.w.t("sandi.lama_salah").to_owned())))
}

pub(super) async fn end_login(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    if let Err(reply) = console.posted(asked, &visit).await {
        return Ok(reply);
    }
    let hash = from_hex(visit.arg(0)).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    if let Some(hash) = hash {
        console.change(&visit, move |tx, desk| login::end(tx, desk, &hash)).await?;
    }
    Ok(Reply::go_to("/akun"))
}

pub(super) async fn second(_: &Console, visit: Visit, _: Asked) -> Result<Reply, Failure> {
    Ok(offer(&visit, &totp::draw_key(), None))
}

/// In groups of four, as people copy it.
fn spelled(key: &str) -> String {
    let letter = |(place, letter): (usize, char)| [(place > 0 && place % 4 == 0).then_some(' '), Some(letter)];
    key.chars().enumerate().flat_map(letter).flatten().collect()
}

/// The page with a key for the person's device. The key comes back with the form: it counts only once a code of it was
/// typed into the same login.
fn offer(visit: &Visit, key: &[u8], fault: Option<String>) -> Reply {
    shell::page(&SecondPage {
        s: &visit.shell,
        is_demanded: visit.login.as_ref().is_some_and(|login| login.stage == Stage::ExpectSecondFactor),
        key: to_hex(key),
        key_text: spelled(&totp::key_text(key)),
        square: Square::of(&totp::address(key, "Kentongan", visit.name())),
        fault,
    })
}

pub(super) async fn set_second(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    let posted = match console.posted(asked, &visit).await {
        Ok(posted) => posted,
        Err(reply) => return Ok(reply),
    };
    let (key, login) = (from_hex(posted.fields.text("kunci")), visit.login.clone());
    let (Some(key), Some(login)) = (key.filter(|key| key.len() == 20), login) else {
        return Ok(Reply::go_to("/akun/langkah-kedua"));
    };
    if let Some((status, fault)) = doubted(console, &visit, posted.fields.text("sandi_lama")).await? {
        return Ok(offer(&visit, &key, Some(fault)).but(status));
    }
    let (kept, typed) = (key.clone(), posted.fields.text("kode").to_owned());
    match console.change(&visit, move |tx, desk| login::set_second(tx, desk, &login, &kept, &typed)).await? {
        Some(codes) => Ok(shell::page(&SecondDonePage { s: &visit.shell, codes })),
        None => {
            let fault = visit.shell.w.t("masuk.kode_salah").to_owned();
            Ok(offer(&visit, &key, Some(fault)).but(StatusCode::UNPROCESSABLE_ENTITY))
        }
    }
}

pub(super) async fn drop_second(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    let posted = match console.posted(asked, &visit).await {
        Ok(posted) => posted,
        Err(reply) => return Ok(reply),
    };
    if let Some((status, fault)) = doubted(console, &visit, posted.fields.text("sandi_lama")).await? {
        return Ok(shell::page(&own(console, &visit, Some(fault), false).await?).but(status));
    }
    console.change(&visit, login::drop_second).await?;
    Ok(Reply::go_to("/akun"))
}
