//! Lists of records, and the search. What is looked for may be a person's name, so it never stands in an address.

use askama::Template;
use hyper::{Method, StatusCode};
use kentongan_host::fail::Failure;
use kentongan_protocol::form::builtin;
use kentongan_protocol::receipt::ReceiptCode;
use kentongan_web::{Asked, Fields, Reply};

use super::super::route::Pages;
use super::super::shell::{self, Shell};
use super::super::verdict::Shape;
use crate::store::{ListFilter, RecordState};
use kentongan_web::When;

/// Records on one page.
const PAGE: u32 = 50;
/// Pages that can be turned to.
const PAGES_MAX: u32 = 10_000;

#[derive(Debug, Template)]
#[template(path = "list.html")]
struct ListPage<'a> {
    s: &'a Shell,
    lines: Vec<Line>,
    words: String,
    state: &'static str,
    form: &'static str,
    filters: Vec<Filter>,
    forms: Vec<Filter>,
    page: u32,
    has_more: bool,
    is_cut: bool,
    code_fault: String,
}

/// A filter to choose.
#[derive(Debug)]
struct Filter {
    code: &'static str,
    word: String,
    is_chosen: bool,
}

/// A record in a list.
#[derive(Debug)]
pub(in super::super) struct Line {
    pub(in super::super) id: String,
    pub(in super::super) shape: Shape,
    pub(in super::super) word: &'static str,
    pub(in super::super) form: &'static str,
    pub(in super::super) code: String,
    pub(in super::super) title: String,
    pub(in super::super) at: When,
    pub(in super::super) hour: String,
    pub(in super::super) is_in_conflict: bool,
    /// When it arrived by the hub's clock, and under which number.
    pub(in super::super) arrived: Option<String>,
}

/// Records, filtered and searched.
pub(in super::super) async fn list(pages: &Pages, shell: &Shell, asked: Asked) -> Result<Reply, Failure> {
    let (query, words) = if asked.method == Method::POST {
        match pages.posted(asked, shell).await {
            Ok(posted) => {
                let words = posted.fields.text("kata").chars().take(200).collect();
                (posted.fields, words)
            }
            Err(reply) => return Ok(reply),
        }
    } else {
        (asked.query, String::new())
    };
    found(pages, shell, &query, words, String::new()).await
}

/// The record of a receipt code.
pub(in super::super) async fn look_up(pages: &Pages, shell: &Shell, asked: Asked) -> Result<Reply, Failure> {
    let posted = match pages.posted(asked, shell).await {
        Ok(posted) => posted,
        Err(reply) => return Ok(reply),
    };
    let typed: String = posted.fields.text("kode").chars().take(60).collect();
    let code = match typed.parse::<ReceiptCode>() {
        Ok(code) => code,
        Err(error) => {
            let sentence = error.sentence(shell.w.lang);
            let reply = found(pages, shell, &Fields::default(), String::new(), sentence).await?;
            return Ok(reply.but(StatusCode::UNPROCESSABLE_ENTITY));
        }
    };
    match pages.agent.ask(move |store| store.coded(code)).await?.as_slice() {
        [record] => Ok(Reply::go_to(&format!("/catatan/{record}"))),
        [] => {
            let key = if code.is_of_training() { "catatan.kode_latihan" } else { "catatan.kode_tidak_ada" };
            let sentence = shell.w.t(key).to_owned();
            found(pages, shell, &Fields::default(), String::new(), sentence).await
        }
        _ => found(pages, shell, &Fields::default(), code.to_string(), String::new()).await,
    }
}

async fn found(
    pages: &Pages,
    shell: &Shell,
    query: &Fields,
    words: String,
    code_fault: String,
) -> Result<Reply, Failure> {
    let w = &shell.w;
    let states = [RecordState::Rejected, RecordState::Queued, RecordState::Arrived];
    let state = states.into_iter().find(|state| state.code() == query.text("keadaan"));
    let form = builtin::by_name(query.text("formulir"));
    let page = query.text("hal").parse::<u32>().unwrap_or(0).min(PAGES_MAX);
    let filter = ListFilter {
        state,
        form: form.map(|form| form.tag),
        entered_ms: None,
        words: words.clone(),
        offset: page * PAGE,
        limit: PAGE,
    };
    let told = super::titles(*w);
    let (found, counts, now_ms) =
        pages.agent.ask(move |store| Ok((store.list(&filter, told)?, store.counts()?, store.wall_ms()))).await?;
    let clock = shell.clock(now_ms);
    let is_sending = pages.agent.is_in_contact();
    let lines = found.records.into_iter().map(|(summary, title)| line(shell, &clock, &summary, title, is_sending));
    let lines = lines.collect();
    let number = |state| match state {
        RecordState::Rejected => counts.rejected,
        RecordState::Queued => counts.queued,
        RecordState::Arrived => counts.arrived,
    };
    let chosen = state;
    let filters = states.into_iter().map(|state| Filter {
        code: state.code(),
        word: format!("{} {}", super::state(state, false, w).1, w.number(number(state))),
        is_chosen: chosen == Some(state),
    });
    let forms = builtin::all().iter().map(|known| Filter {
        code: known.name.as_str(),
        word: known.label.in_lang(w.lang).to_owned(),
        is_chosen: form.is_some_and(|form| form.tag == known.tag),
    });
    Ok(shell::page(&ListPage {
        s: &shell.clone().at("catatan"),
        lines,
        words,
        state: chosen.map_or("", RecordState::code),
        form: form.map_or("", |form| form.name.as_str()),
        filters: filters.collect(),
        forms: forms.collect(),
        page,
        has_more: found.has_more,
        is_cut: found.is_cut,
        code_fault,
    }))
}

/// A record as a line.
pub(in super::super) fn line(
    shell: &Shell,
    clock: &kentongan_web::Clock,
    summary: &crate::store::RecordSummary,
    title: String,
    is_sending: bool,
) -> Line {
    let w = &shell.w;
    let (shape, word) = super::state(summary.state, is_sending, w);
    let form = builtin::by_tag(summary.form);
    Line {
        id: summary.record.to_string(),
        shape,
        word,
        form: form.map_or("?", |form| form.label.in_lang(w.lang)),
        code: summary.code.map(|code| code.to_string()).unwrap_or_default(),
        title,
        at: clock.when(summary.wall_ms, w),
        hour: clock.time(summary.wall_ms, w),
        is_in_conflict: summary.conflicts > 0,
        arrived: summary.arrival.map(|arrival| {
            let number = w.number(arrival.seq);
            w.with("catatan.tiba", &[("waktu", &clock.exact(arrival.hub_ms, w)), ("n", &number)])
        }),
    }
}
