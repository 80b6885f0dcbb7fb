//! How PCs join: codes, PCs that wait for approval, and lists of offices.

use askama::Template;
use hyper::StatusCode;
use kentongan_host::Failure;
use kentongan_web::{Asked, Reply, When};

use super::Console;
use super::route::Visit;
use super::sheet;
use super::shell::{self, Shell};
use crate::service::enrolment::{Answer, CodeRow, CodeState, Request};
use crate::service::{self, Request as Ordered, enrolment, office};

/// Codes that are shown, the newest first.
const CODES_SHOWN: usize = 200;
/// How long a code may hold, in days.
const DAYS: [u64; 4] = [1, 7, 14, 60];
const DAY_MS: u64 = 86_400_000;
/// Offices of one list: more sheets nobody prints at once.
const LIST_OFFICES_MAX: usize = 1_000;

#[derive(Debug, Template)]
#[template(path = "enrolment.html")]
struct EnrolmentPage<'a> {
    s: &'a Shell,
    waiting: Vec<Waiting<'a>>,
    codes: Vec<Code<'a>>,
    more_codes: u64,
    office: &'a str,
    days: [u64; 4],
    fault: Option<String>,
}

#[derive(Debug, Template)]
#[template(path = "enrolment_live.html")]
struct EnrolmentLive<'a> {
    s: &'a Shell,
    waiting: Vec<Waiting<'a>>,
    codes: Vec<Code<'a>>,
    more_codes: u64,
}

/// A PC that waits until somebody says that it is the right one.
#[derive(Debug)]
struct Waiting<'a> {
    code: &'a CodeRow,
    host: &'a str,
    program: &'a str,
    words: &'a str,
    asked: When,
}

/// A code in the list.
#[derive(Debug)]
struct Code<'a> {
    code: &'a CodeRow,
    shape: &'static str,
    class: &'static str,
    word: &'static str,
    until: When,
    is_open: bool,
}

async fn rows(console: &Console, visit: &Visit) -> Result<Vec<CodeRow>, Failure> {
    let list = console.look(visit, |tx, desk| enrolment::execute(tx, desk, &Request::List)).await?;
    Ok(match list {
        Answer::List(list) => list.codes,
        _ => Vec::new(),
    })
}

fn waiting<'a>(shell: &Shell, rows: &'a [CodeRow]) -> Vec<Waiting<'a>> {
    let asked = rows.iter().filter(|code| code.state == CodeState::Asked);
    asked
        .filter_map(|code| {
            let applicant = code.applicant.as_ref()?;
            Some(Waiting {
                code,
                host: &applicant.host,
                program: &applicant.program,
                words: &applicant.words,
                asked: shell.clock.when(applicant.asked_at, &shell.w),
            })
        })
        .collect()
}

fn codes<'a>(shell: &Shell, rows: &'a [CodeRow]) -> Vec<Code<'a>> {
    let w = &shell.w;
    let code = |code: &'a CodeRow| {
        let (shape, class, word) = match code.state {
            CodeState::Open => ("○", "redam", w.t("kode.open")),
            CodeState::Asked => ("▲", "lambat", w.t("kode.asked")),
            CodeState::Used => ("●", "baik", w.t("kode.used")),
            CodeState::Expired => ("◇", "redam", w.t("kode.expired")),
            CodeState::Revoked => ("⊘", "redam", w.t("kode.revoked")),
        };
        let is_open = matches!(code.state, CodeState::Open | CodeState::Asked);
        Code { code, shape, class, word, until: shell.clock.when(code.expires_at, w), is_open }
    };
    rows.iter().take(CODES_SHOWN).map(code).collect()
}

pub(super) async fn show(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    let shell = visit.shell.clone().at("pendaftaran");
    let rows = rows(console, &visit).await?;
    if super::route::wants_part(&asked) {
        let (waiting, codes, more_codes) = (waiting(&shell, &rows), codes(&shell, &rows), more(&rows));
        return Ok(shell::page(&EnrolmentLive { s: &shell, waiting, codes, more_codes }));
    }
    Ok(shell::page(&page(&shell, &rows, asked.query.text("kantor"), None)))
}

/// The page once more, with what was wrong with what was sent.
pub(super) async fn again(console: &Console, visit: &Visit, office: &str, fault: String) -> Result<Reply, Failure> {
    let shell = visit.shell.clone().at("pendaftaran");
    let rows = rows(console, visit).await?;
    Ok(shell::page(&page(&shell, &rows, office, Some(fault))).but(StatusCode::UNPROCESSABLE_ENTITY))
}

fn more(rows: &[CodeRow]) -> u64 {
    rows.len().saturating_sub(CODES_SHOWN) as u64
}

fn page<'a>(s: &'a Shell, rows: &'a [CodeRow], office: &'a str, fault: Option<String>) -> EnrolmentPage<'a> {
    let (waiting, codes, more_codes) = (waiting(s, rows), codes(s, rows), more(rows));
    EnrolmentPage { s, waiting, codes, more_codes, office, days: DAYS, fault }
}

/// Makes a code for one office, and shows its sheet.
pub(super) async fn create(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    let posted = match console.posted(asked, &visit).await {
        Ok(posted) => posted,
        Err(reply) => return Ok(reply),
    };
    let (shell, fields) = (visit.shell.clone().at("pendaftaran"), &posted.fields);
    let request = Request::Create {
        office: fields.text("kantor").to_owned(),
        name: fields.text("nama").to_owned(),
        expires_ms: expires_ms(fields.text("hari")),
        asks: fields.text("setuju") == "1",
        tag: fields.text("tanda").to_owned(),
    };
    match console.ask(&visit, Ordered::Enrol(request)).await {
        Ok(service::Answer::Enrol(Answer::Created(code))) => Ok(sheet::of(console, &shell, &[code], None)),
        Ok(_) => Ok(Reply::go_to("/pendaftaran")),
        Err(failure) if failure.source.is_none() => {
            again(console, &visit, fields.text("kantor"), failure.sentence(shell.w.lang)).await
        }
        Err(failure) => Err(failure),
    }
}

/// Enters a list of offices, and makes a code for each that has no PC yet, if wished.
pub(super) async fn import(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    let posted = match console.posted(asked, &visit).await {
        Ok(posted) => posted,
        Err(reply) => return Ok(reply),
    };
    let shell = visit.shell.clone().at("pendaftaran");
    let file = posted.files.iter().find(|(field, file)| field == "daftar" && !file.content.is_empty());
    let text = file.map_or_else(
        || Some(posted.fields.text("tempel").to_owned()),
        |(_, file)| String::from_utf8(file.content.clone()).ok(),
    );
    let offices = match text.as_deref().map(office::read_list) {
        None => Err(shell.w.t("daftar.bukan_teks").to_owned()),
        Some(Err(line)) => Err(shell.w.with("daftar.baris_salah", &[("n", &line.to_string())])),
        Some(Ok(offices)) if offices.is_empty() => Err(shell.w.t("daftar.kosong").to_owned()),
        Some(Ok(offices)) if offices.len() > LIST_OFFICES_MAX => {
            Err(shell.w.with("daftar.terlalu_banyak", &[("n", &shell.w.number(LIST_OFFICES_MAX as u64))]))
        }
        Some(Ok(offices)) => Ok(offices),
    };
    let wants_codes = posted.fields.text("kode") == "1";
    let expires_ms = expires_ms(posted.fields.text("hari"));
    let asks = posted.fields.text("setuju") == "1";
    let done = match offices {
        Ok(offices) => {
            let tag = posted.fields.text("tanda").to_owned();
            let work = move |tx: &mut dyn crate::store::Tx, desk: &service::Desk| {
                let changed = office::import(tx, desk, &offices)?;
                let codes = match wants_codes {
                    true => enrolment::create_for_all(tx, desk, &offices, expires_ms, (asks, &tag))?,
                    false => Vec::new(),
                };
                Ok((changed, codes))
            };
            console.change(&visit, work).await
        }
        Err(fault) => Err(Failure::usage(fault.clone(), fault)),
    };
    match done {
        Ok((changed, codes)) => {
            let (added, renamed) = (shell.w.number(changed.added), shell.w.number(changed.changed));
            let codes_made = shell.w.number(codes.len() as u64);
            let told = [("baru", added.as_str()), ("ubah", &renamed), ("kode", &codes_made)];
            let told = shell.w.with("daftar.masuk", &told);
            Ok(sheet::of(console, &shell, &codes, Some(told)))
        }
        Err(failure) if failure.source.is_none() => again(console, &visit, "", failure.sentence(shell.w.lang)).await,
        Err(failure) => Err(failure),
    }
}

fn expires_ms(days: &str) -> u64 {
    let days = days.parse().ok().filter(|days| DAYS.contains(days)).unwrap_or(14);
    days * DAY_MS
}

pub(super) async fn revoke(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    if let Err(reply) = console.posted(asked, &visit).await {
        return Ok(reply);
    }
    let Ok(number) = visit.arg(0).parse() else { return Ok(Reply::go_to("/pendaftaran")) };
    console.ask(&visit, Ordered::Enrol(Request::Revoke { number })).await?;
    Ok(Reply::go_to("/pendaftaran"))
}

/// Says of a PC that waits that it is the right one, or is not.
pub(super) async fn judge(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    let posted = match console.posted(asked, &visit).await {
        Ok(posted) => posted,
        Err(reply) => return Ok(reply),
    };
    let Ok(number) = visit.arg(0).parse() else { return Ok(Reply::go_to("/pendaftaran")) };
    let approved = match posted.fields.text("putusan") {
        "ya" => true,
        "tidak" => false,
        _ => return Ok(Reply::go_to("/pendaftaran")),
    };
    console.ask(&visit, Ordered::Enrol(Request::Judge { number, approved })).await?;
    Ok(Reply::go_to("/pendaftaran"))
}
