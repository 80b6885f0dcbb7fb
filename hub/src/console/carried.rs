//! An office without a line joins: its request is uploaded, its five words are compared, its answer is taken away as a
//! file. Between the two steps the request stays in the page: the hub keeps none of it.

use askama::Template;
use kentongan_host::Failure;
use kentongan_host::enrolment::EnrolRequest;
use kentongan_host::enrolment::carried::{read_request, request_file};
use kentongan_web::{Asked, Reply};

use super::Console;
use super::enrolment::again;
use super::route::Visit;
use super::shell::{self, Shell};
use crate::service::enrolment::{Answer, Asking, Request};
use crate::service::{self, Request as Ordered};

#[derive(Debug, Template)]
#[template(path = "carried.html")]
struct CarriedPage<'a> {
    s: &'a Shell,
    asking: Asking,
    request: String,
}

/// Says whose request it is.
pub(super) async fn look(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    let posted = match console.posted(asked, &visit).await {
        Ok(posted) => posted,
        Err(reply) => return Ok(reply),
    };
    let file = posted.files.iter().find(|(_, file)| !file.content.is_empty());
    let Some((_, file)) = file else {
        return again(console, &visit, "", visit.shell.w.t("berkas.belum").to_owned()).await;
    };
    let request = match read(&visit, &file.content) {
        Ok(request) => request,
        Err(fault) => return again(console, &visit, "", fault).await,
    };
    let looked = console.ask(&visit, Ordered::Enrol(Request::Look { request: request.clone() })).await;
    match looked {
        Ok(service::Answer::Enrol(Answer::Looked(asking))) => {
            let shell = visit.shell.clone().at("pendaftaran");
            Ok(shell::page(&CarriedPage { s: &shell, asking, request: request_file(&request) }))
        }
        other => refused(console, &visit, other).await,
    }
}

/// Lets the PC in and gives the answer, to be kept as a file.
pub(super) async fn answer(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    let posted = match console.posted(asked, &visit).await {
        Ok(posted) => posted,
        Err(reply) => return Ok(reply),
    };
    let request = match read(&visit, posted.fields.text("permintaan").as_bytes()) {
        Ok(request) => request,
        Err(fault) => return again(console, &visit, "", fault).await,
    };
    let approved = posted.fields.text("putusan") == "ya";
    match console.ask(&visit, Ordered::Enrol(Request::Admit { request, approved })).await {
        Ok(service::Answer::Enrol(Answer::Admitted(admitted))) => {
            let name = format!("jawaban-{}.json", admitted.office);
            Ok(Reply::file("application/json", admitted.file.into_bytes()).to_keep_as(&name))
        }
        other => refused(console, &visit, other).await,
    }
}

fn read(visit: &Visit, bytes: &[u8]) -> Result<EnrolRequest, String> {
    let w = &visit.shell.w;
    read_request(bytes).map_err(|fault| format!("{}: {}", w.t("berkas.permintaan"), fault.sentence(w.lang)))
}

async fn refused(
    console: &Console,
    visit: &Visit,
    answered: Result<service::Answer, Failure>,
) -> Result<Reply, Failure> {
    match answered {
        Ok(_) => Ok(Reply::go_to("/pendaftaran")),
        Err(failure) if failure.source.is_none() => {
            again(console, visit, "", failure.sentence(visit.shell.w.lang)).await
        }
        Err(failure) => Err(failure),
    }
}
