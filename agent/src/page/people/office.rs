//! The people of the office, for a duty manager: who works here, a PIN for somebody who forgot theirs, who comes and goes.

use askama::Template;
use hyper::StatusCode;
use kentongan_host::fail::Failure;
use kentongan_web::{Asked, Reply};

use super::super::route::Pages;
use super::super::shell::{self, Shell};
use crate::people::{Role, wait_ms};
use crate::store::Person;

#[derive(Debug, Template)]
#[template(path = "people.html")]
struct PeoplePage<'a> {
    s: &'a Shell,
    people: Vec<Line>,
    fault: String,
    /// Somebody, and the PIN that was drawn for them: shown this once.
    given: Option<(String, String)>,
}

/// Somebody of the office.
#[derive(Debug)]
struct Line {
    id: u16,
    name: String,
    role: &'static str,
    state: String,
    is_here: bool,
    /// What is asked before another PIN ends the old one, and before they are gone.
    sure: [String; 2],
}

/// Everybody.
pub(in super::super) async fn everybody(pages: &Pages, shell: &Shell) -> Result<Reply, Failure> {
    page(pages, shell, String::new(), None).await
}

/// Somebody comes, goes, or gets another PIN.
pub(in super::super) async fn rule(pages: &Pages, shell: &Shell, asked: Asked) -> Result<Reply, Failure> {
    let posted = match pages.posted(asked, shell).await {
        Ok(posted) => posted,
        Err(reply) => return Ok(reply),
    };
    let fields = &posted.fields;
    let done = match (fields.text("aksi"), fields.text("orang").parse::<u16>()) {
        ("tambah", _) => {
            let role = if fields.text("peran") == Role::Manager.code() { Role::Manager } else { Role::Clerk };
            pages.agent.hire(fields.text("nama").to_owned(), role).await.map(Some)
        }
        ("pin", Ok(person)) => pages.agent.give_pin(person).await.map(Some),
        ("pergi", Ok(person)) => {
            pages.agent.ask(move |store| store.part_with(person)).await.map(|_| None).map_err(Failure::from)
        }
        _ => Ok(None),
    };
    match done {
        Ok(given) => {
            page(pages, shell, String::new(), given.map(|(person, pin)| (person.name, pin.shown_once()))).await
        }
        Err(failure) if failure.exit == kentongan_host::Exit::Usage => {
            let page = page(pages, shell, failure.sentence(shell.w.lang), None).await?;
            Ok(page.but(StatusCode::UNPROCESSABLE_ENTITY))
        }
        Err(failure) => Err(failure),
    }
}

async fn page(pages: &Pages, shell: &Shell, fault: String, given: Option<(String, String)>) -> Result<Reply, Failure> {
    let (people, now_ms) = pages.agent.ask(|store| Ok((store.people()?, store.wall_ms()))).await?;
    let people = people.iter().map(|person| line(person, now_ms, shell)).collect();
    Ok(shell::page(&PeoplePage { s: &shell.clone().at("petugas"), people, fault, given }))
}

fn line(person: &Person, now_ms: i64, shell: &Shell) -> Line {
    let w = &shell.w;
    let seconds = u64::try_from((wait_ms(person.wrong, person.wrong_ms, now_ms) + 999) / 1000).unwrap_or(0);
    let state = match () {
        () if person.left_ms.is_some() => w.t("orang.pergi").to_owned(),
        () if seconds > 0 => w.count("pintu.tunggu", seconds),
        () if person.temporary => w.t("orang.sementara").to_owned(),
        () => String::new(),
    };
    let is_here = person.left_ms.is_none();
    let sure = ["orang.yakin_pin", "orang.yakin_pergi"];
    let sure = sure.map(|key| w.with(key, &[("nama", person.name.as_str())]));
    Line { id: person.id, name: person.name.clone(), role: person.role.word(w.lang), state, is_here, sure }
}
