//! What an office carries here by USB stick: taken in, and answered by a file. Between the two the answer stays in the page:
//! the hub keeps none of it, and the same bundle is answered again.

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::StatusCode;
use kentongan_host::Failure;
use kentongan_host::bundle::{self, FILE_BYTES_MAX};
use kentongan_web::{Asked, Reply};

use super::Console;
use super::route::Visit;
use super::shell::{self, Shell};
use crate::service::bundle::{Request, Taken};
use crate::service::{self, Request as Ordered};

#[derive(Debug, Template)]
#[template(path = "bundle.html")]
struct BundlePage<'a> {
    s: &'a Shell,
    fault: Option<String>,
    taken: Option<&'a Taken>,
    stored: String,
    repeated: String,
}

impl<'a> BundlePage<'a> {
    fn of(s: &'a Shell, taken: Option<&'a Taken>, fault: Option<String>) -> BundlePage<'a> {
        let number = |of: fn(&Taken) -> u64| taken.map_or_else(String::new, |taken| s.w.number(of(taken)));
        BundlePage { s, fault, taken, stored: number(|taken| taken.stored), repeated: number(|taken| taken.repeated) }
    }
}

pub(super) async fn show(_: &Console, visit: Visit, _: Asked) -> Result<Reply, Failure> {
    let shell = visit.shell.at("armada");
    Ok(shell::page(&BundlePage::of(&shell, None, None)))
}

/// Takes a bundle in, and shows what it brought.
pub(super) async fn take(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    let posted = match console.posted(asked, &visit).await {
        Ok(posted) => posted,
        Err(reply) => return Ok(reply),
    };
    let shell = visit.shell.clone().at("armada");
    let again =
        |fault: String| shell::page(&BundlePage::of(&shell, None, Some(fault))).but(StatusCode::UNPROCESSABLE_ENTITY);
    let Some((_, file)) = posted.files.iter().find(|(_, file)| !file.content.is_empty()) else {
        return Ok(again(shell.w.t("kiriman.belum").to_owned()));
    };
    if file.content.len() > FILE_BYTES_MAX {
        return Ok(again(bundle::Fault::TooLong.sentence(shell.w.lang).to_owned()));
    }
    match console.ask(&visit, Ordered::Bundle(Request::take(&file.content))).await {
        Ok(service::Answer::Bundle(taken)) => Ok(shell::page(&BundlePage::of(&shell, Some(&taken), None))),
        Ok(_) => Ok(Reply::go_to("/kiriman")),
        Err(failure) if failure.source.is_none() => Ok(again(failure.sentence(shell.w.lang))),
        Err(failure) => Err(failure),
    }
}

/// The answer, to be kept as a file.
pub(super) async fn answer(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    let posted = match console.posted(asked, &visit).await {
        Ok(posted) => posted,
        Err(reply) => return Ok(reply),
    };
    let file = STANDARD.decode(posted.fields.text("isi")).ok().filter(|file| bundle::answered(file).is_ok());
    let Some(file) = file else { return Ok(Reply::go_to("/kiriman")) };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    let name: String = posted.fields.text("nama").chars().filter(|c| is_plain(*c)).take(80).collect();
    Ok(Reply::file("application/octet-stream", file).to_keep_as(&name))
}
