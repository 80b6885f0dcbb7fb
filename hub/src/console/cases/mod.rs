//! Complaints: the board of what is due, those that are closed, one by its code.

mod one;
mod sheet;
mod steps;

use std::collections::BTreeMap;

use askama::Template;
use kentongan_host::Failure;
use kentongan_host::Lang;
use kentongan_protocol::form::Civil;
use kentongan_protocol::receipt::ReceiptCode;
use kentongan_web::{Asked, Reply, When, Words};

pub(super) use one::{Row, file, read, rows, show};
pub(super) use sheet::sheet;
pub(super) use steps::{is_expected, take};

use super::Console;
use super::route::Visit;
use super::shell::{self, Shell};
use crate::service::board::{self, Ask, Case, Column, Counts};
use crate::service::complaint::{self, Line, Request as CaseRequest};
use crate::service::deadline::Due;
use crate::service::{Answer, Request};
use crate::store::{StoreError, Tx};

/// Cards of a column on the whole board, and of a column that is looked at alone.
const CARDS: u32 = 20;
const CARDS_ALONE: u32 = 100;
/// Lines of a list.
const LINES: u32 = 100;

#[derive(Debug, Template)]
#[template(path = "cases.html")]
struct BoardPage<'a> {
    s: &'a Shell,
    counts: Counts,
    columns: Vec<ColumnView>,
    /// What of the address stays when another filter is chosen.
    office: String,
    office_name: String,
    due: String,
    stage: String,
    is_next: bool,
    is_settled: bool,
    fault: Option<String>,
}

/// A column of the board.
#[derive(Debug)]
struct ColumnView {
    code: String,
    title: &'static str,
    rule: &'static str,
    all: String,
    cards: Vec<Card>,
    next: Option<String>,
}

/// A complaint on the board.
#[derive(Debug)]
struct Card {
    id: String,
    name: String,
    category: String,
    summary: String,
    is_confidential: bool,
    office: String,
    unit: String,
    due: Option<DueView>,
    is_in_conflict: bool,
}

/// What is due of a complaint, in words.
#[derive(Debug)]
pub(super) struct DueView {
    /// Whose turn it is.
    pub(super) turn: String,
    /// Sign before the word: each differs in shape and colour.
    pub(super) sign: &'static str,
    /// `lewat 2 hari kerja`
    pub(super) left: String,
    /// The day.
    pub(super) day: String,
    /// What is not sure of it, and what it did not count; empty: nothing.
    pub(super) notes: Vec<String>,
    /// Who is reminded next, or was last.
    pub(super) ladder: String,
    /// Where the limit comes from.
    pub(super) source: String,
}

/// The board.
pub(in super::super) async fn board(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    let q = |name: &str| Some(asked.query.text(name).to_owned()).filter(|text| !text.is_empty());
    let stage = q("giliran");
    let limit = if stage.is_some() { CARDS_ALONE } else { CARDS };
    let ask = Ask { office: q("kantor"), due: q("tenggat"), stage, after: q("mulai"), limit };
    shown(console, &visit, ask, None).await
}

async fn shown(console: &Console, visit: &Visit, ask: Ask, fault: Option<String>) -> Result<Reply, Failure> {
    let is_settled = console.change(visit, board::bring_up).await?;
    let wanted = ask.clone();
    let (columns, names) = console
        .look(visit, move |tx, desk| {
            let columns = board::columns(tx, desk, &wanted)?;
            let offices = columns.columns.iter().flat_map(|column| &column.cases).map(|case| case.line.office.as_str());
            let names = office_names(tx, offices.chain(wanted.office.as_deref()))?;
            Ok((columns, names))
        })
        .await?;
    let office = ask.office.unwrap_or_default();
    let view = |column: Column| ColumnView::of(column, &names, &visit.shell.w);
    Ok(shell::page(&BoardPage {
        s: &visit.shell.clone().at("aduan"),
        counts: columns.counts,
        columns: columns.columns.into_iter().map(view).collect(),
        office_name: names.get(&office).cloned().unwrap_or_default(),
        office,
        due: ask.due.unwrap_or_default(),
        stage: ask.stage.unwrap_or_default(),
        is_next: ask.after.is_some(),
        is_settled,
        fault,
    }))
}

/// Names of offices by code; their codes for those without.
pub(super) fn office_names<'a>(
    tx: &mut dyn Tx,
    codes: impl Iterator<Item = &'a str>,
) -> Result<BTreeMap<String, String>, StoreError> {
    let mut names = BTreeMap::new();
    for code in codes {
        let Some(office) = code.parse().ok().filter(|_| !names.contains_key(code)) else { continue };
        let name = tx.office(&office)?.map(|office| office.name).filter(|name| !name.is_empty());
        names.insert(code.to_owned(), name.unwrap_or_else(|| code.to_owned()));
    }
    Ok(names)
}

impl ColumnView {
    fn of(column: Column, names: &BTreeMap<String, String>, w: &Words) -> ColumnView {
        let (title, rule) = match column.stage.code.as_str() {
            "verify" => (w.t("papan.verify"), w.t("papan.verify.aturan")),
            "waiting" => (w.t("papan.waiting"), w.t("papan.waiting.aturan")),
            "answer" => (w.t("papan.answer"), w.t("papan.answer.aturan")),
            _ => (w.t("papan.silence"), w.t("papan.silence.aturan")),
        };
        let card = |case: Case| Card {
            name: name_of(&case.line),
            category: case.category.map(|category| category.in_lang(w.lang).to_owned()).unwrap_or_default(),
            summary: case.line.summary,
            is_confidential: case.is_confidential,
            office: names.get(&case.line.office).cloned().unwrap_or(case.line.office),
            unit: case.unit.unwrap_or_default(),
            due: case.due.map(|due| DueView::of(&due, w)),
            is_in_conflict: case.line.conflicts > 0,
            id: case.line.id,
        };
        ColumnView {
            code: column.stage.code,
            title,
            rule,
            all: w.number(column.all),
            cards: column.cases.into_iter().map(card).collect(),
            next: column.next,
        }
    }
}

/// What people call a complaint: its code, or else its id.
fn name_of(line: &Line) -> String {
    line.code.clone().unwrap_or_else(|| line.id.clone())
}

impl DueView {
    pub(super) fn of(due: &Due, w: &Words) -> DueView {
        let count = |key, n: i32| w.count(key, n.unsigned_abs());
        let (sign, left) = match due.left {
            left if left < 0 => ("salah", count("tenggat.lewat", left)),
            0 => ("lambat", w.t("tenggat.hari_ini").to_owned()),
            1 => ("lambat", count("tenggat.sisa", 1)),
            left => ("tunggu", count("tenggat.sisa", left)),
        };
        let mut notes = Vec::new();
        if !due.certain {
            notes.push(w.t("tenggat.belum_pasti").to_owned());
        }
        if due.lag > 0 {
            notes.push(count("tenggat.di_kantor", due.lag));
        }
        if due.stopped > 0 {
            notes.push(count("tenggat.berhenti", due.stopped));
        }
        DueView {
            turn: due.stage.in_lang(w.lang).to_owned(),
            sign,
            left,
            day: day_said(&due.due, w.lang),
            notes,
            ladder: ladder(due, w),
            source: due.source.clone(),
        }
    }
}

/// Who is reminded next, before it happens; once everybody was, who was last.
fn ladder(due: &Due, w: &Words) -> String {
    let who = |rung: &str| match rung {
        "officer" => w.t("tangga.officer"),
        "head" => w.t("tangga.head"),
        _ => w.t("tangga.above"),
    };
    let order = ["officer", "head", "above"];
    let reached = due.rung.as_deref().and_then(|rung| order.iter().position(|known| *known == rung));
    match order.get(reached.map_or(0, |reached| reached + 1)) {
        Some(next) => {
            let day = due.ladder.get(*next).map_or_else(String::new, |day| day_said(day, w.lang));
            w.with("tangga.nanti", &[("siapa", who(next)), ("hari", &day)])
        }
        None => w.with("tangga.sudah", &[("siapa", who("above"))]),
    }
}

/// `23 November 2026`
pub(super) fn day_said(day: &str, lang: Lang) -> String {
    day.parse::<Civil>().map_or_else(|_| day.to_owned(), |day| day.display(lang))
}

/// The complaint of a receipt code.
pub(in super::super) async fn look_up(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    let typed: String = asked.query.text("kode").chars().take(60).collect();
    let code = match typed.parse::<ReceiptCode>() {
        Ok(code) => code,
        Err(error) => {
            let fault = Some(error.sentence(visit.shell.w.lang).to_owned());
            let ask = Ask { limit: CARDS, ..Ask::default() };
            return Ok(shown(console, &visit, ask, fault).await?.but(hyper::StatusCode::UNPROCESSABLE_ENTITY));
        }
    };
    let rows = console.look(&visit, move |tx, _| Ok(tx.records_coded(code)?)).await?;
    match rows.first() {
        Some(row) => Ok(Reply::go_to(&format!("/aduan/{}", row.id))),
        None => {
            let key = if code.is_of_training() { "aduan.latihan" } else { "aduan.tidak_ada" };
            let fault = Some(visit.shell.w.with(key, &[("kode", &code.to_string())]));
            let ask = Ask { limit: CARDS, ..Ask::default() };
            Ok(shown(console, &visit, ask, fault).await?.but(hyper::StatusCode::NOT_FOUND))
        }
    }
}

#[derive(Debug, Template)]
#[template(path = "cases_list.html")]
struct ListPage<'a> {
    s: &'a Shell,
    statuses: Vec<(String, String, bool)>,
    status: String,
    lines: Vec<ListLine>,
    before: Option<u64>,
}

#[derive(Debug)]
struct ListLine {
    id: String,
    name: String,
    office: String,
    at: When,
}

/// Complaints of a status, the newest first.
pub(in super::super) async fn list(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    let w = visit.shell.w;
    let statuses = one::statuses(w.lang);
    let wanted = asked.query.text("status");
    let status = statuses.iter().find(|(code, _)| code == wanted).map_or("selesai", |(code, _)| code).to_owned();
    let before = asked.query.text("sebelum").parse().ok();
    let request = CaseRequest::List { office: None, status: Some(status.clone()), text: None, before, limit: LINES };
    let (list, names) = console
        .look(&visit, move |tx, desk| {
            let Answer::Complaint(complaint::Answer::List(list)) =
                crate::service::execute(tx, desk, &Request::Complaint(request))?
            else {
                return Err(unexpected());
            };
            let names = office_names(tx, list.complaints.iter().map(|line| line.office.as_str()))?;
            Ok((list, names))
        })
        .await?;
    let line = |line: &Line| ListLine {
        id: line.id.clone(),
        name: name_of(line),
        office: names.get(&line.office).cloned().unwrap_or_default(),
        at: visit.shell.clock.when(line.received_at, &w),
    };
    Ok(shell::page(&ListPage {
        s: &visit.shell.clone().at("aduan"),
        lines: list.complaints.iter().map(line).collect(),
        before: list.before,
        statuses: statuses.into_iter().map(|(code, word)| (code.clone(), word, code == status)).collect(),
        status,
    }))
}

/// A service answered something else than it was asked: a defect of ours.
pub(super) fn unexpected() -> Failure {
    Failure::from(anyhow::anyhow!("a service gave another kind of answer"))
}
