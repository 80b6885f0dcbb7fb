//! The people at the console, for those who look after them.

use askama::Template;
use kentongan_host::Failure;
use kentongan_web::{Asked, Reply, When};

use super::Console;
use super::route::Visit;
use super::shell::{self, Shell};
use crate::service::account::{Answer, Invited, Request, Row};
use crate::service::{Answer as Any, Request as Asking};
use crate::store::Role;

#[derive(Debug, Template)]
#[template(path = "people.html")]
struct PeoplePage<'a> {
    s: &'a Shell,
    people: Vec<PersonRow>,
    roles: [Role; 4],
    fault: Option<String>,
}

#[derive(Debug)]
struct PersonRow {
    row: Row,
    is_me: bool,
    seen: Option<When>,
    invited_until: Option<When>,
}

#[derive(Debug, Template)]
#[template(path = "invited.html")]
struct InvitedPage<'a> {
    s: &'a Shell,
    invited: Invited,
    until: When,
    address: String,
}

pub(super) async fn list(console: &Console, visit: Visit, _: Asked) -> Result<Reply, Failure> {
    listed(console, &visit, None).await
}

async fn listed(console: &Console, visit: &Visit, fault: Option<String>) -> Result<Reply, Failure> {
    let Answer::List(list) = asked(console, visit, Request::List).await? else { return Err(unexpected()) };
    let shell = visit.shell.clone().at("orang");
    let when = |ms: i64| shell.clock.when(ms, &shell.w);
    let people = list.people.into_iter().map(|row| PersonRow {
        is_me: row.name == visit.name(),
        seen: row.seen_at.map(when),
        invited_until: row.invited_until.filter(|until| *until > shell.clock.now_ms).map(when),
        row,
    });
    Ok(shell::page(&PeoplePage { s: &shell, people: people.collect(), roles: Role::ALL, fault }))
}

pub(super) async fn add(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    let posted = match console.posted(asked, &visit).await {
        Ok(posted) => posted,
        Err(reply) => return Ok(reply),
    };
    let (name, full_name) = (posted.fields.text("nama").to_owned(), posted.fields.text("nama_lengkap").to_owned());
    // Who sends no role gets the least.
    let role = Role::of_code(posted.fields.text("peran")).unwrap_or(Role::Viewer);
    invited(console, &visit, Request::Add { name, full_name, role }).await
}

pub(super) async fn reset(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    if let Err(reply) = console.posted(asked, &visit).await {
        return Ok(reply);
    }
    let name = visit.arg(0).to_owned();
    invited(console, &visit, Request::Reset { name }).await
}

/// Has somebody invited, and shows the invitation this once.
async fn invited(console: &Console, visit: &Visit, request: Request) -> Result<Reply, Failure> {
    match asked(console, visit, request).await {
        Ok(Answer::Invited(invited)) => {
            let shell = visit.shell.clone().at("orang");
            let until = shell.clock.when(invited.until, &shell.w);
            let address = console.serving.config().console_address.clone();
            Ok(shell::page(&InvitedPage { s: &shell, invited, until, address }))
        }
        Ok(_) => Err(unexpected()),
        Err(failure) => wrong(console, visit, failure).await,
    }
}

pub(super) async fn give_role(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    let posted = match console.posted(asked, &visit).await {
        Ok(posted) => posted,
        Err(reply) => return Ok(reply),
    };
    let Some(role) = Role::of_code(posted.fields.text("peran")) else { return Ok(Reply::go_to("/orang")) };
    changed(console, &visit, Request::Role { name: visit.arg(0).to_owned(), role }).await
}

pub(super) async fn bar(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    let posted = match console.posted(asked, &visit).await {
        Ok(posted) => posted,
        Err(reply) => return Ok(reply),
    };
    let barred = posted.fields.text("tutup") == "ya";
    changed(console, &visit, Request::Bar { name: visit.arg(0).to_owned(), barred }).await
}

async fn changed(console: &Console, visit: &Visit, request: Request) -> Result<Reply, Failure> {
    match asked(console, visit, request).await {
        Ok(_) => Ok(Reply::go_to("/orang")),
        Err(failure) => wrong(console, visit, failure).await,
    }
}

/// The list with what is wrong above it; what is not the person's fault goes its usual way.
async fn wrong(console: &Console, visit: &Visit, failure: Failure) -> Result<Reply, Failure> {
    if failure.source.is_some() {
        return Err(failure);
    }
    let lang = visit.shell.w.lang;
    let sentence = [Some(failure.sentence(lang)), failure.next_step(lang)].into_iter().flatten().collect::<Vec<_>>();
    Ok(listed(console, visit, Some(sentence.join(" "))).await?.but(hyper::StatusCode::UNPROCESSABLE_ENTITY))
}

async fn asked(console: &Console, visit: &Visit, request: Request) -> Result<Answer, Failure> {
    match console.ask(visit, Asking::Account(request)).await? {
        Any::Account(answer) => Ok(answer),
        _ => Err(unexpected()),
    }
}

fn unexpected() -> Failure {
    anyhow::anyhow!("a service answered something else than was asked").into()
}
