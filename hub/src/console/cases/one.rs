//! One complaint: what it says, what is due of it, its history, and the steps that it can take.
//!
//! Who people are is hidden until somebody who handles complaints asks for it; that reading stands in the audit log.

use std::sync::Arc;

use askama::Template;
use kentongan_host::{Failure, Lang};
use kentongan_protocol::attachment::Media;
use kentongan_protocol::form::builtin::{self, pengaduan};
use kentongan_web::{Asked, Reply, Words};

use super::super::Console;
use super::super::route::Visit;
use super::super::shell::{self, Shell};
use super::{DueView, office_names, unexpected};
use crate::service::complaint::{self, AttachedFile, Request as CaseRequest};
use crate::service::record::{Answered, Said};
use crate::service::view::{Document, Event, GroupDocument};
use crate::service::{Answer, Desk, Request, execute};
use crate::store::{StoreError, Tx};

/// Offices that are offered to hand a complaint to: those near it.
const NEAR_MAX: usize = 60;

#[derive(Debug, Template)]
#[template(path = "case.html")]
pub(super) struct CasePage<'a> {
    s: &'a Shell,
    id: String,
    name: String,
    status: String,
    is_confidential: bool,
    /// Whether who people are is shown.
    is_open: bool,
    office: String,
    office_code: String,
    heard: String,
    shared: Vec<String>,
    due: Option<DueView>,
    conflicts: usize,
    groups: Vec<GroupView>,
    files: Vec<FileView>,
    history: Vec<Past>,
    can: Steps,
    levels: Vec<(String, String)>,
    near: Vec<(String, String)>,
    /// What was done just now.
    done: Option<&'static str>,
    fault: Option<String>,
    /// The step that was not taken, and what was typed for it.
    typed: Typed,
}

/// What was typed for a step that was refused, so that nobody types it again.
#[derive(Debug, Clone, Default)]
pub(super) struct Typed {
    pub(super) step: String,
    pub(super) text: String,
    pub(super) to: String,
}

/// The steps that can be taken now.
#[derive(Debug, Default)]
struct Steps {
    verify: bool,
    ask: bool,
    forward: bool,
    hand_over: bool,
    start: bool,
    answer: bool,
    file: bool,
    close: bool,
    reopen: bool,
}

#[derive(Debug)]
struct GroupView {
    label: String,
    is_in_conflict: bool,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    rows: Vec<Row>,
    /// Who wrote it and when, for what grows; empty: it stands in the history.
    by: String,
}

/// A field and what stands in it.
#[derive(Debug)]
pub(in super::super) struct Row {
    pub(in super::super) label: String,
    pub(in super::super) value: String,
    pub(in super::super) is_hidden: bool,
}

#[derive(Debug)]
struct FileView {
    hash: String,
    name: String,
    is_here: bool,
    /// It is sealed, and not to this hub, or it is damaged.
    stays_sealed: bool,
    size: String,
}

#[derive(Debug)]
struct Past {
    what: String,
    who: String,
    at_hub: bool,
    place: String,
    at: String,
    /// How long it was on the way, if people should know.
    way: String,
    aside: String,
    rows: Vec<Row>,
}

/// Codes and names of all statuses.
pub(super) fn statuses(lang: Lang) -> Vec<(String, String)> {
    choices("status", lang)
}

fn choices(field: &str, lang: Lang) -> Vec<(String, String)> {
    let field = builtin::by_tag(pengaduan::TAG).and_then(|form| form.field_named(field));
    let choices = field.map(|field| field.choices()).unwrap_or_default();
    choices.iter().map(|choice| (choice.code.clone(), choice.label.in_lang(lang).to_owned())).collect()
}

pub(in super::super) async fn show(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    let done = super::steps::done(asked.query.text("sudah"), &visit.shell.w);
    let seen = seen(console, &visit).await?;
    Ok(shell::page(&page(&visit, seen, done, None, Typed::default())))
}

/// The same with what identifies people. Sent as a form, because it leaves a trace.
pub(in super::super) async fn read(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    if let Err(reply) = console.posted(asked, &visit).await {
        return Ok(reply);
    }
    let record = visit.arg(0).to_owned();
    let seen = console
        .change(&visit, move |tx, desk| {
            let document = asked_for(tx, desk, CaseRequest::Show { record: record.clone() })?;
            let files = match complaint::execute(tx, desk, &CaseRequest::Attachments { record })? {
                complaint::Answer::Attachments(files) => files.attachments,
                _ => return Err(unexpected()),
            };
            let around = Around::of(tx, &document)?;
            Ok(Seen { document, files, around, is_open: true })
        })
        .await?;
    Ok(shell::page(&page(&visit, seen, None, None, Typed::default())))
}

/// A refused step: the page again, with why and with what was typed.
pub(super) async fn refused(
    console: &Console,
    visit: &Visit,
    failure: &Failure,
    typed: Typed,
) -> Result<Reply, Failure> {
    let seen = seen(console, visit).await?;
    let fault = Some(failure.sentence(visit.shell.w.lang));
    Ok(shell::page(&page(visit, seen, None, fault, typed)).but(hyper::StatusCode::UNPROCESSABLE_ENTITY))
}

/// What a page shows of a complaint.
struct Seen {
    document: Document,
    files: Vec<AttachedFile>,
    around: Around,
    is_open: bool,
}

async fn seen(console: &Console, visit: &Visit) -> Result<Seen, Failure> {
    let record = visit.arg(0).to_owned();
    console
        .look(visit, move |tx, desk| {
            let document = asked_for(tx, desk, CaseRequest::Look { record })?;
            let around = Around::of(tx, &document)?;
            Ok(Seen { document, files: Vec::new(), around, is_open: false })
        })
        .await
}

pub(super) fn asked_for(tx: &mut dyn Tx, desk: &Desk, request: CaseRequest) -> Result<Document, Failure> {
    match execute(tx, desk, &Request::Complaint(request))? {
        Answer::Complaint(complaint::Answer::Show(document)) => Ok(*document),
        _ => Err(unexpected()),
    }
}

/// What lies around a complaint: the names of its offices, when its own was heard, and offices near it.
struct Around {
    names: std::collections::BTreeMap<String, String>,
    heard_ms: Option<i64>,
    near: Vec<(String, String)>,
}

impl Around {
    fn of(tx: &mut dyn Tx, document: &Document) -> Result<Around, StoreError> {
        let places = document.history.iter().map(|event| event.by.office.as_str());
        let own = document.shared_with.iter().map(String::as_str).chain([document.office.as_str()]);
        let names = office_names(tx, places.chain(own))?;
        let of_office = tx.replicas()?.into_iter().filter(|replica| replica.office.as_str() == document.office);
        let heard_ms = of_office.filter_map(|replica| Some(replica.last_contact?.at_ms)).max();
        // The district and everything in it; a suffix names an office beside the village's own.
        let district: String = document.office.split('.').take(3).collect::<Vec<_>>().join(".");
        let offices = tx.offices()?.into_iter().filter(|office| office.code.as_str().starts_with(&district));
        let near = offices.filter(|office| office.code.as_str() != document.office).take(NEAR_MAX);
        Ok(Around { names, heard_ms, near: near.map(|office| (office.code.to_string(), office.name)).collect() })
    }

    fn name(&self, code: &str) -> String {
        self.names.get(code).cloned().unwrap_or_else(|| code.to_owned())
    }
}

fn page<'a>(
    visit: &'a Visit,
    seen: Seen,
    done: Option<&'static str>,
    fault: Option<String>,
    typed: Typed,
) -> CasePage<'a> {
    let (w, clock) = (&visit.shell.w, &visit.shell.clock);
    let Seen { document, files, around, is_open } = seen;
    let word = |said: &Said| said.in_lang(w.lang).to_owned();
    let heard = around.heard_ms.map_or_else(
        || w.t("aduan.kantor_belum").to_owned(),
        |at| w.with("aduan.kantor_terdengar", &[("kapan", &clock.when(at, w).near)]),
    );
    let is_confidential = document.groups.iter().any(|group| {
        let values = group.values.iter().flat_map(|standing| &standing.answers);
        group.group.code == "privasi" && values.into_iter().any(|answer| answer.value == "rahasia")
    });
    let file = |file: AttachedFile| FileView {
        is_here: file.path.is_some(),
        stays_sealed: file.sealed && file.media.as_deref() == Some(Media::Sealed.mime()) && file.path.is_some(),
        size: size_said(file.bytes, w),
        hash: file.sha256,
        name: file.name,
    };
    CasePage {
        s: &visit.shell,
        name: document.code.clone().unwrap_or_else(|| document.id.clone()),
        status: document.status.as_ref().map_or_else(|| w.t("aduan.baru").to_owned(), word),
        is_confidential,
        is_open,
        office: around.name(&document.office),
        heard,
        shared: document.shared_with.iter().map(|code| around.name(code)).collect(),
        due: document.due.as_ref().map(|due| DueView::of(due, w)),
        conflicts: document.groups.iter().filter(|group| group.conflict_since.is_some()).count(),
        groups: document.groups.iter().map(|group| group_view(group, visit)).collect(),
        files: files.into_iter().map(file).collect(),
        history: document.history.iter().map(|event| past(event, &around, visit)).collect(),
        can: Steps::of(&document.next),
        levels: choices("tingkat", w.lang),
        near: around.near,
        id: document.id,
        office_code: document.office,
        done,
        fault,
        typed,
    }
}

impl Steps {
    fn of(next: &[Said]) -> Steps {
        let can = |code: &str| next.iter().any(|said| said.code == code);
        Steps {
            verify: can("terverifikasi"),
            ask: can("perlu_dilengkapi"),
            forward: can("terdisposisi"),
            hand_over: can("dialihkan"),
            start: can("diproses"),
            answer: can("dijawab"),
            file: can("arsip"),
            close: can("selesai"),
            reopen: can("dibuka_kembali"),
        }
    }
}

pub(in super::super) fn rows(answers: &[Answered], w: &Words) -> Vec<Row> {
    let row = |answer: &Answered| Row {
        label: answer.field.in_lang(w.lang).to_owned(),
        value: answer.shown.in_lang(w.lang).to_owned(),
        is_hidden: answer.is_hidden,
    };
    answers.iter().map(row).collect()
}

fn group_view(group: &GroupDocument, visit: &Visit) -> GroupView {
    let w = &visit.shell.w;
    let entry = |standing: &crate::service::view::Standing| Entry {
        rows: rows(&standing.answers, w),
        by: match group.values.len() {
            1 => String::new(),
            _ => format!("{} · {}", standing.by.name, visit.shell.clock.exact(standing.by.when.at, w)),
        },
    };
    GroupView {
        label: group.group.in_lang(w.lang).to_owned(),
        is_in_conflict: group.conflict_since.is_some(),
        entries: group.values.iter().map(entry).collect(),
    }
}

/// A record under way for longer than this tells how long.
const WAY_MS: i64 = 3_600_000;

fn past(event: &Event, around: &Around, visit: &Visit) -> Past {
    let (w, clock) = (&visit.shell.w, &visit.shell.clock);
    let groups: Vec<&str> = event.writes.iter().map(|write| write.group.in_lang(w.lang)).collect();
    let way_ms = event.received_at.saturating_sub(event.by.when.at);
    Past {
        what: groups.join(", "),
        who: event.by.name.clone(),
        at_hub: event.by.at_hub,
        place: if event.by.at_hub { w.t("umum.pusat_singkat").to_owned() } else { around.name(&event.by.office) },
        at: clock.exact(event.by.when.at, w),
        way: match !event.by.at_hub && way_ms > WAY_MS {
            true => w.with("riwayat.sampai", &[("kapan", &clock.exact(event.received_at, w))]),
            false => String::new(),
        },
        aside: event.reason.as_ref().map(|reason| reason.in_lang(w.lang).to_owned()).unwrap_or_default(),
        rows: event.writes.iter().flat_map(|write| rows(&write.answers, w)).collect(),
    }
}

fn size_said(bytes: u32, w: &Words) -> String {
    format!("{} KiB", w.number(u64::from(bytes.div_ceil(1024))))
}

/// A file that is attached to it. Always as a file to keep: nothing that strangers made is shown within a page of ours.
pub(in super::super) async fn file(console: &Console, visit: Visit, _: Asked) -> Result<Reply, Failure> {
    let (record, hash) = (visit.arg(0).to_owned(), visit.arg(1).to_owned());
    let found = console
        .change(&visit, move |tx, desk| {
            let complaint::Answer::Attachments(files) =
                complaint::execute(tx, desk, &CaseRequest::Attachments { record })?
            else {
                return Err(unexpected());
            };
            let (name, hub) = (files.code.unwrap_or(files.id), Arc::clone(&desk.hub));
            let found = files.attachments.into_iter().zip(1..).find(|(file, _)| file.sha256 == hash);
            Ok(found.map(|(file, number)| (file, format!("{name}-{number}"), hub)))
        })
        .await?;
    let Some((file, name, hub)) = found else { return Ok(Reply::not_found()) };
    let Some(path) = file.path else { return Ok(Reply::not_found()) };
    let read = move || {
        let content = std::fs::read(path).ok()?;
        if !file.sealed {
            return Some((Media::of(&content), content));
        }
        // A seal that does not open stays a file: whoever keeps the other key may open it.
        match hub.seals().and_then(|seals| seals.open_file(&content)) {
            Some(opened) => Some((Some(opened.media), opened.content)),
            None => Some((Some(Media::Sealed), content)),
        }
    };
    let Ok(Some((media, content))) = tokio::task::spawn_blocking(read).await else { return Ok(Reply::not_found()) };
    let name = format!("{name}.{}", media.map_or("bin", Media::extension));
    Ok(Reply::file(media.map_or("application/octet-stream", Media::mime), content).to_keep_as(&name))
}
