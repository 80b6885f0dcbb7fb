//! The disposition sheet: what goes on paper to whoever is responsible. Who complains is not on it.

use askama::Template;
use kentongan_host::Failure;
use kentongan_web::{Asked, Reply};

use super::super::Console;
use super::super::route::Visit;
use super::super::shell::{self, Shell};
use super::one::{Row, asked_for, rows};
use super::{DueView, office_names};
use crate::service::complaint::Request as CaseRequest;
use crate::service::view::Document;

/// Groups of a complaint that stand on the sheet.
const GROUPS: [&str; 6] = ["kategori", "layanan", "kejadian", "uraian", "permintaan", "biaya"];

#[derive(Debug, Template)]
#[template(path = "disposition.html")]
struct SheetPage<'a> {
    s: &'a Shell,
    name: String,
    id: String,
    office: String,
    received: String,
    status: String,
    due: Option<DueView>,
    rows: Vec<Row>,
    routing: Vec<Row>,
    printed: String,
}

pub(in super::super) async fn sheet(console: &Console, visit: Visit, _: Asked) -> Result<Reply, Failure> {
    let record = visit.arg(0).to_owned();
    let (document, office) = console
        .look(&visit, move |tx, desk| {
            let document = asked_for(tx, desk, CaseRequest::Look { record })?;
            let names = office_names(tx, [document.office.as_str()].into_iter())?;
            let office = names.into_values().next().unwrap_or_default();
            Ok((document, office))
        })
        .await?;
    let (w, clock) = (&visit.shell.w, &visit.shell.clock);
    let of = |document: &Document, wanted: &[&str]| -> Vec<Row> {
        let groups = document.groups.iter().filter(|group| wanted.contains(&group.group.code.as_str()));
        groups.filter_map(|group| group.values.first()).flat_map(|standing| rows(&standing.answers, w)).collect()
    };
    Ok(shell::page(&SheetPage {
        s: &visit.shell,
        name: document.code.clone().unwrap_or_else(|| document.id.clone()),
        office: format!("{office} ({})", document.office),
        received: clock.exact(document.history.first().map_or(document.received_at, |event| event.by.when.at), w),
        status: document.status.as_ref().map_or(w.t("aduan.baru"), |status| status.in_lang(w.lang)).to_owned(),
        due: document.due.as_ref().map(|due| DueView::of(due, w)),
        rows: of(&document, &GROUPS),
        routing: of(&document, &["disposisi"]),
        printed: clock.exact(clock.now_ms, w),
        id: document.id,
    }))
}
