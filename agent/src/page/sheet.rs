//! The day sheet: what was taken in on a day, to be printed and signed.

use askama::Template;
use kentongan_host::fail::Failure;
use kentongan_protocol::form::Civil;
use kentongan_web::{Asked, Reply};
use sha2::{Digest, Sha256};

use super::records::Line;
use super::route::Pages;
use super::shell::{self, Shell};
use crate::store::{ListFilter, RecordState};

/// Records on one sheet.
const RECORDS_MAX: u32 = 1_000;

#[derive(Debug, Template)]
#[template(path = "sheet.html")]
struct SheetPage<'a> {
    s: &'a Shell,
    date: String,
    day: String,
    before: String,
    after: String,
    entered: String,
    arrived: usize,
    waiting: usize,
    rejected: usize,
    lines: Vec<Line>,
    printed: String,
    hash: String,
    is_cut: bool,
    print_style: &'static str,
}

/// The sheet of a day; of today, if none is named.
pub(super) async fn sheet(pages: &Pages, shell: &Shell, asked: &Asked) -> Result<Reply, Failure> {
    let now_ms = pages.agent.ask(|store| Ok(store.wall_ms())).await?;
    let clock = shell.clock(now_ms);
    let today = clock.day(now_ms);
    let wished = asked.query.text("tanggal").parse::<Civil>().ok();
    let Some((day, (from_ms, until_ms))) = wished.or(today).and_then(|day| Some((day, clock.bounds(day)?))) else {
        return Ok(shell::refusal(shell, hyper::StatusCode::NOT_FOUND, "tolak.tidak_ada"));
    };
    let filter = ListFilter { entered_ms: Some((from_ms, until_ms)), limit: RECORDS_MAX, ..ListFilter::default() };
    let told = super::records::titles(shell.w);
    let (found, entered) = pages
        .agent
        .ask(move |store| Ok((store.list(&filter, told)?, store.entered_between(from_ms, until_ms)?.total())))
        .await?;
    let mut records = found.records;
    records.sort_by_key(|(summary, _)| (summary.wall_ms, summary.record));
    let count = |state| records.iter().filter(|(summary, _)| summary.state == state).count();
    let (arrived, waiting, rejected) =
        (count(RecordState::Arrived), count(RecordState::Queued), count(RecordState::Rejected));
    let (mut lines, mut sum): (Vec<Line>, _) = (Vec::new(), Sha256::new());
    for (summary, title) in records {
        let line = super::records::line(shell, &clock, &summary, title, false);
        sum.update(format!("{} {} {}\n", line.id, line.code, summary.state.code()));
        lines.push(line);
    }
    let beside = |days: i32| {
        let other = day.to_days().and_then(|number| Civil::from_days(number.checked_add(days)?));
        other.map_or_else(String::new, |other| other.to_string())
    };
    let w = &shell.w;
    Ok(shell::page(&SheetPage {
        s: &shell.clone().at("rekap"),
        date: clock.date(from_ms, w),
        day: day.to_string(),
        before: beside(-1),
        after: beside(1),
        entered: w.number(entered),
        arrived,
        waiting,
        rejected,
        lines,
        printed: clock.exact(now_ms, w),
        hash: sum.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect(),
        is_cut: found.has_more,
        print_style: &shell::ASSETS.print[3].name,
    }))
}
