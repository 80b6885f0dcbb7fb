//! Conflicts: what waits for a person, the values side by side, and what was decided.

use askama::Template;
use hyper::StatusCode;
use kentongan_host::Failure;
use kentongan_protocol::form::builtin::{self, pengaduan};
use kentongan_protocol::form::{Field, FieldType};
use kentongan_web::{Asked, Fields, Reply, When, Words};

use super::Console;
use super::cases::{Row, is_expected, office_names, rows, unexpected};
use super::route::Visit;
use super::shell::{self, Shell};
use crate::service::conflict::{Answer, Decided, Line, Named, Open, Parallel, Request as ConflictRequest, Show};
use crate::service::record::Answered;
use crate::service::view::{Author, Standing};
use crate::service::{self, Request};

/// Decisions that are shown.
const DECISIONS: u32 = 30;
/// Conflicts that are shown; the oldest wait longest.
const LINES: usize = 200;
/// Between what was decided and which conflict of a form for several.
const MARK: char = '|';

#[derive(Debug, Template)]
#[template(path = "conflicts.html")]
struct ListPage<'a> {
    s: &'a Shell,
    all: usize,
    lines: Vec<LineView>,
    decisions: Vec<DecidedView>,
    /// `17 perubahan sejajar digabung dalam 7 hari`
    merged_count: String,
    merged: Vec<MergedView>,
    done: String,
    fault: Option<String>,
}

#[derive(Debug)]
struct LineView {
    id: String,
    name: String,
    office: String,
    group: String,
    /// The conflict by name, for a form.
    mark: String,
    values: u32,
    since: When,
}

/// Changes that a rule put together.
#[derive(Debug)]
struct MergedView {
    id: String,
    name: String,
    group: String,
    rows: Vec<Row>,
    by: Vec<String>,
    at: When,
}

#[derive(Debug)]
struct DecidedView {
    id: String,
    name: String,
    group: String,
    group_code: String,
    rows: Vec<Row>,
    by: String,
    at: When,
    can_undo: bool,
}

#[derive(Debug, Template)]
#[template(path = "conflict.html")]
struct OnePage<'a> {
    s: &'a Shell,
    id: String,
    name: String,
    summary: String,
    office: String,
    conflicts: Vec<OpenView>,
    is_open: bool,
    fault: Option<String>,
    reason: String,
}

/// A conflict, field by field.
#[derive(Debug)]
struct OpenView {
    group: String,
    code: String,
    since: String,
    base: Option<Side>,
    sides: Vec<Side>,
    lines: Vec<Compared>,
    has_hidden: bool,
    inputs: Vec<Input>,
}

/// Somebody's values.
#[derive(Debug)]
struct Side {
    number: u32,
    /// `Pusat: Budi`, `Kantor: Siti`
    who: String,
    at: String,
    /// The clock there may be off by this much.
    doubt: String,
}

/// A field: what stood there, what each side says, and what is proposed.
#[derive(Debug)]
struct Compared {
    label: String,
    base: Option<String>,
    values: Vec<String>,
    proposal: String,
    differs: bool,
}

/// A field of a value that somebody writes themselves.
#[derive(Debug)]
struct Input {
    name: String,
    label: String,
    value: String,
    is_long: bool,
    choices: Vec<(String, String, bool)>,
}

pub(super) async fn list(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    let (done, w) = (asked.query.text("sudah"), &visit.shell.w);
    let done = match done.split_once('-') {
        Some((done, left)) => {
            let number = |text: &str| text.parse::<u64>().unwrap_or(0);
            let mut said = w.count("konflik.sudah", number(done));
            if number(left) > 0 {
                said = format!("{said} {}", w.count("konflik.tersisa", number(left)));
            }
            said
        }
        None if done == "batal" => w.t("konflik.sudah_batal").to_owned(),
        None => String::new(),
    };
    listed(console, &visit, done, None).await
}

async fn listed(console: &Console, visit: &Visit, done: String, fault: Option<String>) -> Result<Reply, Failure> {
    let (list, decided, merged, names) = console
        .look(visit, |tx, desk| {
            let ask = |tx: &mut dyn crate::store::Tx, request| service::conflict::execute(tx, desk, &request);
            let Answer::List(list) = ask(tx, ConflictRequest::List { office: None })? else { return Err(unexpected()) };
            let Answer::Decisions(decided) = ask(tx, ConflictRequest::Decisions { limit: DECISIONS })? else {
                return Err(unexpected());
            };
            let Answer::Merged(merged) = ask(tx, ConflictRequest::Merged { limit: DECISIONS })? else {
                return Err(unexpected());
            };
            let writers = merged.merged.iter().flat_map(|merged| &merged.by).map(|by| by.office.as_str());
            let own = list.conflicts.iter().map(|line| line.office.as_str());
            let theirs = decided.decisions.iter().map(|decided| decided.by.office.as_str());
            let names = office_names(tx, own.take(LINES).chain(theirs).chain(writers))?;
            Ok((list.conflicts, decided.decisions, merged, names))
        })
        .await?;
    let (w, clock) = (&visit.shell.w, &visit.shell.clock);
    let name = |code: &String| names.get(code).unwrap_or(code).clone();
    let line = |line: &Line| LineView {
        id: line.id.clone(),
        name: line.code.clone().unwrap_or_else(|| line.id.clone()),
        office: name(&line.office),
        group: line.group.in_lang(w.lang).to_owned(),
        mark: format!("{}{MARK}{}", line.id, line.group.code),
        values: line.values,
        since: clock.when(line.since, w),
    };
    let who = |by: &Author| match by.at_hub {
        true => format!("{}: {}", w.t("umum.pusat_singkat"), by.name),
        false => format!("{}: {}", name(&by.office), by.name),
    };
    let merged_view = |merged: &Parallel| MergedView {
        id: merged.id.clone(),
        name: merged.code.clone().unwrap_or_else(|| merged.id.clone()),
        group: merged.group.in_lang(w.lang).to_owned(),
        rows: rows(&merged.answers, w),
        by: merged.by.iter().map(who).collect(),
        at: clock.when(merged.merged_at, w),
    };
    let decision = |decided: &Decided| DecidedView {
        id: decided.id.clone(),
        name: decided.code.clone().unwrap_or_else(|| decided.id.clone()),
        group: decided.group.in_lang(w.lang).to_owned(),
        group_code: decided.group.code.clone(),
        rows: rows(&decided.answers, w),
        by: who(&decided.by),
        at: clock.when(decided.decided_at, w),
        can_undo: decided.can_undo,
    };
    Ok(shell::page(&ListPage {
        s: &visit.shell.clone().at("konflik"),
        all: list.len(),
        lines: list.iter().take(LINES).map(line).collect(),
        decisions: decided.iter().map(decision).collect(),
        merged_count: w.count(if merged.more { "konflik.sejajar_lebih" } else { "konflik.sejajar_n" }, merged.count),
        merged: merged.merged.iter().map(merged_view).collect(),
        done,
        fault,
    }))
}

/// Decides several in the same way.
pub(super) async fn decide_alike(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    let posted = match console.posted(asked, &visit).await {
        Ok(posted) => posted,
        Err(reply) => return Ok(reply),
    };
    let fields = &posted.fields;
    let named = fields.all("pilih").iter().filter_map(|mark| mark.split_once(MARK));
    let conflicts: Vec<Named> =
        named.map(|(record, group)| Named { record: record.to_owned(), group: group.to_owned() }).collect();
    let reason = fields.text("alasan").trim().to_owned();
    let fault = match (conflicts.is_empty(), reason.is_empty()) {
        (true, _) => Some("konflik.pilih_dulu"),
        (_, true) => Some("konflik.alasan_dulu"),
        _ => None,
    };
    if let Some(key) = fault {
        let reply = listed(console, &visit, String::new(), Some(visit.shell.w.t(key).to_owned())).await?;
        return Ok(reply.but(StatusCode::UNPROCESSABLE_ENTITY));
    }
    let take = fields.text("ambil").to_owned();
    let request = Request::Conflict(ConflictRequest::ResolveAlike { conflicts, take, reason });
    match console.ask(&visit, request).await {
        Ok(service::Answer::Conflict(Answer::ResolvedAlike(done))) => {
            Ok(Reply::go_to(&format!("/konflik?sudah={}-{}", done.resolved.len(), done.left.len())))
        }
        Ok(_) => Err(unexpected()),
        Err(failure) if failure.source.is_none() && is_expected(failure.exit) => {
            let fault = Some(failure.sentence(visit.shell.w.lang));
            Ok(listed(console, &visit, String::new(), fault).await?.but(StatusCode::UNPROCESSABLE_ENTITY))
        }
        Err(failure) => Err(failure),
    }
}

pub(super) async fn show(console: &Console, visit: Visit, _: Asked) -> Result<Reply, Failure> {
    Ok(shell::page(&one(console, &visit, false, None, String::new()).await?))
}

/// The same with what identifies people. Sent as a form, because it leaves a trace.
pub(super) async fn read(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    if let Err(reply) = console.posted(asked, &visit).await {
        return Ok(reply);
    }
    Ok(shell::page(&one(console, &visit, true, None, String::new()).await?))
}

async fn one<'a>(
    console: &Console,
    visit: &'a Visit,
    is_open: bool,
    fault: Option<String>,
    reason: String,
) -> Result<OnePage<'a>, Failure> {
    let record = visit.arg(0).to_owned();
    let work = move |tx: &mut dyn crate::store::Tx, desk: &service::Desk| {
        let request = match is_open {
            true => ConflictRequest::Show { record },
            false => ConflictRequest::Look { record },
        };
        let Answer::Show(shown) = service::conflict::execute(tx, desk, &request)? else { return Err(unexpected()) };
        let writers = shown.conflicts.iter().flat_map(|open| &open.document.values).map(|side| side.by.office.as_str());
        let names = office_names(tx, writers.chain([shown.office.as_str()]))?;
        Ok((shown, names))
    };
    // A reading that leaves a trace writes; a look does not.
    let (shown, names) = if is_open { console.change(visit, work).await? } else { console.look(visit, work).await? };
    let Show { id, code, office, summary, conflicts } = shown;
    let name = |office: &String| names.get(office).unwrap_or(office).clone();
    Ok(OnePage {
        s: &visit.shell,
        name: code.unwrap_or_else(|| id.clone()),
        id,
        summary,
        office: name(&office),
        conflicts: conflicts.into_iter().map(|open| OpenView::of(open, visit, &name, is_open)).collect(),
        is_open,
        fault,
        reason,
    })
}

impl OpenView {
    fn of(open: Open, visit: &Visit, name: &dyn Fn(&String) -> String, is_open: bool) -> OpenView {
        let w = &visit.shell.w;
        let Open { document, proposal, has_hidden } = open;
        let side = |standing: &Standing| Side::of(standing.number, &standing.by, visit, name);
        let group = builtin::by_tag(pengaduan::TAG).and_then(|form| form.group_named(&document.group.code));
        let fields: Vec<&'static Field> = group
            .and_then(|group| Some((group, builtin::by_tag(pengaduan::TAG)?)))
            .map(|(group, form)| form.fields.iter().filter(|field| field.group == group.tag).collect())
            .unwrap_or_default();
        let said = |answers: &[Answered], field: &Field| -> String {
            let answer = answers.iter().find(|answer| answer.field.code == field.name);
            answer.map_or_else(|| "–".to_owned(), |answer| answer.shown.in_lang(w.lang).to_owned())
        };
        let compared = |field: &&Field| {
            let values: Vec<String> = document.values.iter().map(|side| said(&side.answers, field)).collect();
            let is_said = |answers: &[Answered]| answers.iter().any(|answer| answer.field.code == field.name);
            let base = document.base.as_ref();
            let has_any = document.values.iter().chain(base).any(|side| is_said(&side.answers));
            has_any.then(|| Compared {
                label: field.label.in_lang(w.lang).to_owned(),
                base: base.map(|base| said(&base.answers, field)),
                proposal: said(&proposal, field),
                differs: values.iter().any(|value| Some(value) != values.first()),
                values,
            })
        };
        let can_write = is_open || !has_hidden;
        OpenView {
            group: document.group.in_lang(w.lang).to_owned(),
            code: document.group.code.clone(),
            since: document.conflict_since.map(|at| visit.shell.clock.exact(at, w)).unwrap_or_default(),
            base: document.base.as_ref().map(side),
            sides: document.values.iter().map(side).collect(),
            lines: fields.iter().filter_map(compared).collect(),
            inputs: fields.iter().filter(|_| can_write).map(|field| Input::of(field, &proposal, w)).collect(),
            has_hidden,
        }
    }
}

/// A clock that may be off by more than this is said so.
const DOUBT_MS: u64 = 600_000;

impl Side {
    fn of(number: u32, by: &Author, visit: &Visit, name: &dyn Fn(&String) -> String) -> Side {
        let w = &visit.shell.w;
        let place = if by.at_hub { w.t("umum.pusat_singkat").to_owned() } else { name(&by.office) };
        Side {
            number,
            who: format!("{place}: {}", by.name),
            at: visit.shell.clock.exact(by.when.at, w),
            doubt: match by.when.error_ms {
                0..=DOUBT_MS => String::new(),
                error_ms => w.count("konflik.jam_ragu", error_ms / 60_000),
            },
        }
    }
}

impl Input {
    fn of(field: &Field, proposal: &[Answered], w: &Words) -> Input {
        let value = proposal.iter().find(|answer| answer.field.code == field.name).map(|answer| answer.value.clone());
        let value = value.unwrap_or_default();
        let choice = |choice: &kentongan_protocol::form::Choice| {
            (choice.code.clone(), choice.label.in_lang(w.lang).to_owned(), choice.code == value)
        };
        Input {
            name: field.name.clone(),
            label: field.label.in_lang(w.lang).to_owned(),
            is_long: matches!(field.kind, FieldType::Text { chars_max, .. } if chars_max > 200),
            choices: field.choices().iter().map(choice).collect(),
            value,
        }
    }
}

/// Decides one.
pub(super) async fn decide(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    let posted = match console.posted(asked, &visit).await {
        Ok(posted) => posted,
        Err(reply) => return Ok(reply),
    };
    let (fields, reason) = (&posted.fields, posted.fields.text("alasan").trim().to_owned());
    if reason.is_empty() {
        let fault = visit.shell.w.t("konflik.alasan_dulu").to_owned();
        return again(console, &visit, fault, reason).await;
    }
    let take = fields.text("ambil").to_owned();
    let is_own = take == "sendiri";
    let request = ConflictRequest::Resolve {
        record: visit.arg(0).to_owned(),
        group: Some(fields.text("bagian").to_owned()),
        take: if is_own { String::new() } else { take },
        values: if is_own { own_values(fields) } else { Vec::new() },
        reason: reason.clone(),
    };
    match console.ask(&visit, Request::Conflict(request)).await {
        Ok(service::Answer::Conflict(Answer::Resolved(done))) if done.left > 0 => {
            Ok(Reply::go_to(&format!("/konflik/{}", done.id)))
        }
        Ok(_) => Ok(Reply::go_to("/konflik?sudah=1-0")),
        Err(failure) if failure.source.is_none() && is_expected(failure.exit) => {
            again(console, &visit, failure.sentence(visit.shell.w.lang), reason).await
        }
        Err(failure) => Err(failure),
    }
}

async fn again(console: &Console, visit: &Visit, fault: String, reason: String) -> Result<Reply, Failure> {
    let page = one(console, visit, false, Some(fault), reason).await?;
    Ok(shell::page(&page).but(StatusCode::UNPROCESSABLE_ENTITY))
}

/// What somebody wrote themselves: the fields of the form whose names begin with `i-`.
fn own_values(fields: &Fields) -> Vec<(String, String)> {
    let own = fields.iter().filter_map(|(name, values)| Some((name.strip_prefix("i-")?, values.first()?)));
    own.map(|(name, value)| (name.to_owned(), value.clone())).collect()
}

/// Takes a decision back.
pub(super) async fn undo(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    let posted = match console.posted(asked, &visit).await {
        Ok(posted) => posted,
        Err(reply) => return Ok(reply),
    };
    let request = ConflictRequest::Undo {
        record: visit.arg(0).to_owned(),
        group: posted.fields.text("bagian").to_owned(),
        reason: posted.fields.text("alasan").trim().to_owned(),
    };
    match console.ask(&visit, Request::Conflict(request)).await {
        Ok(_) => Ok(Reply::go_to("/konflik?sudah=batal")),
        Err(failure) if failure.source.is_none() && is_expected(failure.exit) => {
            let fault = Some(failure.sentence(visit.shell.w.lang));
            Ok(listed(console, &visit, String::new(), fault).await?.but(StatusCode::UNPROCESSABLE_ENTITY))
        }
        Err(failure) => Err(failure),
    }
}
