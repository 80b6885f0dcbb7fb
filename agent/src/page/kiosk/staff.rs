//! What the office sees of its kiosk: the tablets, a code to pair another one, and the quick votes. The votes have a chart of
//! their own and are in no index.

use askama::Template;
use hyper::StatusCode;
use kentongan_host::fail::Failure;
use kentongan_protocol::form::builtin::suara;
use kentongan_protocol::form::{ChoiceTag, Form, Value, builtin};
use kentongan_protocol::merge::{GroupView, Record};
use kentongan_web::{Asked, Reply};

use super::super::route::Pages;
use super::super::shell::{self, Shell};
use crate::kiosk::no_such_kiosk;
use crate::store::{ListFilter, RecordSummary};

/// Days that the chart shows, today among them.
const DAYS: i64 = 30;
/// Votes that it looks at, the latest first.
const VOTES_MAX: u32 = 5_000;
const DAY_MS: i64 = 24 * 3_600_000;

#[derive(Debug, Template)]
#[template(path = "kiosks.html")]
struct KiosksPage<'a> {
    s: &'a Shell,
    address: Option<String>,
    /// The code of the moment: shown this once.
    code: Option<String>,
    kiosks: Vec<Line>,
    charts: Vec<Chart>,
    fault: String,
}

#[derive(Debug)]
struct Line {
    id: u16,
    name: String,
    seen: String,
    is_paired: bool,
}

/// How often each face was touched in a time.
#[derive(Debug)]
struct Chart {
    title: &'static str,
    bars: Vec<Bar>,
    total: u32,
    hasty: String,
}

#[derive(Debug)]
struct Bar {
    word: &'static str,
    count: u32,
}

/// The page.
pub(in super::super) async fn show(pages: &Pages, shell: &Shell) -> Result<Reply, Failure> {
    page(pages, shell, None, String::new()).await
}

/// A code for another tablet, or the end of one.
pub(in super::super) async fn rule(pages: &Pages, shell: &Shell, asked: Asked) -> Result<Reply, Failure> {
    let posted = match pages.posted(asked, shell).await {
        Ok(posted) => posted,
        Err(reply) => return Ok(reply),
    };
    match (posted.fields.text("aksi"), posted.fields.text("kios").parse::<u16>()) {
        ("pasang", _) if pages.agent.kiosk().is_some() => {
            let code = pages.agent.open_pairing();
            let halves = code.split_at_checked(3).map(|(first, second)| format!("{first} {second}"));
            page(pages, shell, halves.or(Some(code)), String::new()).await
        }
        ("lepas", Ok(kiosk)) => match pages.agent.ask(move |store| store.let_kiosk_go(kiosk)).await? {
            true => page(pages, shell, None, String::new()).await,
            false => {
                let fault = no_such_kiosk().sentence(shell.w.lang);
                Ok(page(pages, shell, None, fault).await?.but(StatusCode::UNPROCESSABLE_ENTITY))
            }
        },
        _ => page(pages, shell, None, String::new()).await,
    }
}

async fn page(pages: &Pages, shell: &Shell, code: Option<String>, fault: String) -> Result<Reply, Failure> {
    let now_ms = pages.agent.ask(|store| Ok(store.wall_ms())).await?;
    let clock = shell.clock(now_ms);
    let today = clock.day(now_ms).and_then(|day| clock.bounds(day)).unwrap_or((now_ms, now_ms));
    let filter = ListFilter {
        form: Some(suara::TAG),
        entered_ms: Some((today.1.saturating_sub(DAYS * DAY_MS), i64::MAX)),
        limit: VOTES_MAX,
        ..ListFilter::default()
    };
    let told = |summary: RecordSummary, record| Vote::of(&record, summary.wall_ms);
    let (kiosks, votes) =
        pages.agent.ask(move |store| Ok((store.kiosks()?, store.list(&filter, told)?.records))).await?;
    let votes: Vec<Vote> = votes.into_iter().flatten().collect();
    let w = &shell.w;
    let kiosks = kiosks.into_iter().map(|kiosk| Line {
        id: kiosk.id,
        seen: kiosk.seen_ms.map_or_else(|| w.t("tablet.belum").to_owned(), |ms| clock.when(ms, w).near),
        is_paired: kiosk.ended_ms.is_none(),
        name: kiosk.name,
    });
    let charts = match votes.is_empty() {
        true => Vec::new(),
        false => vec![
            chart(w.t("tablet.hari_ini"), &votes, today.0, shell),
            chart(w.t("tablet.tiga_puluh"), &votes, today.1.saturating_sub(DAYS * DAY_MS), shell),
        ],
    };
    Ok(shell::page(&KiosksPage {
        s: &shell.clone().at("kios"),
        address: pages.agent.kiosk(),
        code,
        kiosks: kiosks.collect(),
        charts,
        fault,
    }))
}

/// A quick vote.
struct Vote {
    face: ChoiceTag,
    at_ms: i64,
    is_hasty: bool,
}

impl Vote {
    fn of(record: &Record, entered_ms: i64) -> Option<Vote> {
        let form = builtin::by_tag(suara::TAG)?;
        let view = GroupView::of(record, form, form.group(suara::GROUP)?);
        let values = view.shown()?;
        let at_ms = match values.get(&suara::AT) {
            Some(Value::DateTime { utc_ms, .. }) => *utc_ms,
            _ => entered_ms,
        };
        let is_hasty = values.get(&suara::HASTE).and_then(Value::choice) == Some(suara::HASTY);
        Some(Vote { face: values.get(&suara::FACE)?.choice()?, at_ms, is_hasty })
    }
}

fn chart(title: &'static str, votes: &[Vote], since_ms: i64, shell: &Shell) -> Chart {
    let within = || votes.iter().filter(|vote| vote.at_ms >= since_ms);
    let form: Option<&Form> = builtin::by_tag(suara::TAG);
    let faces = form.and_then(|form| form.field(suara::FACE)).map_or(&[][..], |field| field.choices());
    let bars = faces.iter().rev().map(|face| Bar {
        word: face.label.in_lang(shell.w.lang),
        count: within().filter(|vote| vote.face == face.tag && !vote.is_hasty).fold(0, |count, _| count + 1),
    });
    let bars: Vec<Bar> = bars.collect();
    let hasty = within().filter(|vote| vote.is_hasty).fold(0_u64, |count, _| count + 1);
    let total = bars.iter().map(|bar| bar.count).sum();
    let hasty = if hasty > 0 { shell.w.count("tablet.terlalu_cepat", hasty) } else { String::new() };
    Chart { title, bars, total, hasty }
}

#[cfg(test)]
mod tests {
    use kentongan_host::Lang;

    use super::*;

    #[test]
    fn votes_that_came_too_soon_are_told_and_not_counted() {
        let vote = |face, at_ms, is_hasty| Vote { face, at_ms, is_hasty };
        let votes = [vote(4, 10, false), vote(4, 20, true), vote(1, 20, false), vote(3, 1, false)];
        let shell = Shell::plain(Lang::Id);
        let chart = chart("hari ini", &votes, 5, &shell);
        let counts: Vec<u32> = chart.bars.iter().map(|bar| bar.count).collect();
        assert_eq!((counts, chart.total), (vec![1, 0, 0, 1], 2));
        assert!(chart.hasty.starts_with('1'), "{}", chart.hasty);
    }
}
