//! One's own PIN: another one, and what to do when it is forgotten and nobody is near who could give a new one.

use askama::Template;
use hyper::StatusCode;
use kentongan_host::fail::Failure;
use kentongan_web::{Asked, Reply};

use super::super::route::Pages;
use super::super::shell::{self, Shell, Who};
use super::door::{came_in, refused};
use super::{Choice, choices};

#[derive(Debug, Template)]
#[template(path = "pin.html")]
struct PinPage<'a> {
    s: &'a Shell,
    /// It was given by somebody else, so nothing else is done before it is changed.
    is_given: bool,
    fault: String,
}

#[derive(Debug, Template)]
#[template(path = "forgot.html")]
struct ForgotPage<'a> {
    s: &'a Shell,
    people: Vec<Choice>,
    /// Whose challenge this is, and what to read aloud.
    challenge: Option<(u16, String)>,
    fault: String,
}

/// The form for another PIN.
pub(in super::super) fn change(shell: &Shell) -> Reply {
    pin_page(shell, String::new())
}

/// Another PIN.
pub(in super::super) async fn changed(pages: &Pages, shell: &Shell, asked: Asked) -> Result<Reply, Failure> {
    let session = asked.session.clone();
    let posted = match pages.posted(asked, shell).await {
        Ok(posted) => posted,
        Err(reply) => return Ok(reply),
    };
    let Who::Person(person) = &shell.who else { return Ok(Reply::go_to("/")) };
    let typed = |name: &str| posted.fields.text(name).trim().to_owned();
    let again = |fault: String| pin_page(shell, fault).but(StatusCode::UNPROCESSABLE_ENTITY);
    if !person.temporary
        && let Err(failure) = pages.agent.check_pin(person.id, typed("lama")).await
    {
        return Ok(again(refused(pages, shell, person.id, failure).await?));
    }
    if typed("baru") != typed("ulang") {
        return Ok(again(shell.w.t("pin.beda").to_owned()));
    }
    match pages.agent.change_pin(person.id, &typed("baru")).await {
        Ok(()) => came_in(pages, &session, person.id, if person.temporary { "/" } else { "/petugas?diganti=1" }).await,
        Err(failure) => Ok(again(refused(pages, shell, person.id, failure).await?)),
    }
}

/// Who forgot it?
pub(in super::super) async fn forgot(pages: &Pages, shell: &Shell) -> Result<Reply, Failure> {
    forgot_page(pages, shell, None, String::new()).await
}

/// A challenge to read to the hub's operator; then what the operator answered.
pub(in super::super) async fn forgotten(pages: &Pages, shell: &Shell, asked: Asked) -> Result<Reply, Failure> {
    let session = asked.session.clone();
    let posted = match pages.posted(asked, shell).await {
        Ok(posted) => posted,
        Err(reply) => return Ok(reply),
    };
    let Ok(person) = posted.fields.text("orang").parse::<u16>() else {
        return forgot_page(pages, shell, None, shell.w.t("pintu.pilih").to_owned()).await;
    };
    if !posted.fields.has("jawaban") {
        return match pages.agent.new_challenge(person).await {
            Ok(challenge) => forgot_page(pages, shell, Some((person, challenge.to_string())), String::new()).await,
            Err(failure) => {
                let fault = refused(pages, shell, person, failure).await?;
                forgot_page(pages, shell, None, fault).await
            }
        };
    }
    match pages.agent.answer_challenge(person, posted.fields.text("jawaban").to_owned()).await {
        // It counts as a PIN that somebody else gave: the next page asks for one of their own.
        Ok(_) => came_in(pages, &session, person, "/pin").await,
        Err(failure) => {
            let fault = refused(pages, shell, person, failure).await?;
            let open = pages.agent.ask(move |store| store.open_challenge(person)).await?;
            let open = open.map(|challenge| (person, challenge.to_string()));
            Ok(forgot_page(pages, shell, open, fault).await?.but(StatusCode::UNPROCESSABLE_ENTITY))
        }
    }
}

fn pin_page(shell: &Shell, fault: String) -> Reply {
    let is_given = matches!(&shell.who, Who::Person(person) if person.temporary);
    shell::page(&PinPage { s: &shell.clone().at("petugas"), is_given, fault })
}

async fn forgot_page(
    pages: &Pages,
    shell: &Shell,
    challenge: Option<(u16, String)>,
    fault: String,
) -> Result<Reply, Failure> {
    let people = pages.agent.ask(|store| store.people()).await?;
    let chosen = match shell.who {
        Who::Locked(last) => last,
        Who::Anyone | Who::Person(_) => None,
    };
    let people = choices(&people, chosen, shell.w.lang);
    Ok(shell::page(&ForgotPage { s: &shell.clone().at("masuk"), people, challenge, fault }))
}
