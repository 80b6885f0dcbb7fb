//! Changes to a record: a remark, other values in a group, a decision between values that stand side by side.
//!
//! A form carries the heads that it showed when it was opened, and a write replaces those and no others: what came in
//! the meantime stands beside it instead of being overwritten unseen.

use std::collections::BTreeMap;

use askama::Template;
use hyper::StatusCode;
use kentongan_host::fail::Failure;
use kentongan_protocol::form::builtin::pengaduan::group;
use kentongan_protocol::form::{Fault, Field, Form, Group, MergeClass, Value};
use kentongan_protocol::ids::{OpId, RecordId};
use kentongan_protocol::merge::GroupView;
use kentongan_protocol::sealed::is_confidential;
use kentongan_web::{Asked, Fields, Reply};

use super::super::entry::inputs::{self, Input, Question};
use super::super::route::Pages;
use super::super::shell::{self, Shell};
use super::{ONLY_KEPT, form_of, is_missing};
use crate::store::{Edit, Entry, Inputs, StoreError};

/// Heads that a form may carry.
const HEADS_MAX: usize = 64;

#[derive(Debug, Template)]
#[template(path = "change.html")]
struct ChangePage<'a> {
    s: &'a Shell,
    id: String,
    group: String,
    label: String,
    heads: String,
    questions: Vec<Question>,
    faults: Vec<(String, String)>,
    /// What stands in the form stands in the record, too.
    is_saved: bool,
    /// It was typed before the page locked itself.
    is_given_back: bool,
}

/// The form with what stands in a group.
pub(in super::super) async fn change(
    pages: &Pages,
    shell: &Shell,
    id: RecordId,
    group: &str,
) -> Result<Reply, Failure> {
    let Some((entry, form, group)) = open(pages, id, group).await? else { return Ok(missing(shell)) };
    let view = GroupView::of(&entry.record, form, group);
    let mut inputs = Inputs::new();
    for (tag, value) in view.shown().into_iter().flatten() {
        if let Some(field) = form.field(*tag) {
            inputs::fill(field, value, &mut inputs);
        }
    }
    Ok(Change { id, form, group, heads: heads_text(&view.heads()), inputs }.page(shell, &[], Stands::InRecord))
}

/// The same, with what was typed into it and never saved.
pub(super) async fn given_back(
    pages: &Pages,
    shell: &Shell,
    id: RecordId,
    group: &str,
    typed: &Fields,
) -> Result<Reply, Failure> {
    let Some((_, form, group)) = open(pages, id, group).await? else { return Ok(missing(shell)) };
    Ok(Change::sent(id, form, group, typed).page(shell, &[], Stands::GivenBack))
}

/// The form that was sent.
pub(in super::super) async fn changed(
    pages: &Pages,
    shell: &Shell,
    asked: Asked,
    id: RecordId,
    group: &str,
) -> Result<Reply, Failure> {
    let posted = match pages.posted(asked, shell).await {
        Ok(posted) => posted,
        Err(reply) => return Ok(reply),
    };
    if posted.fields.has(ONLY_KEPT) {
        return given_back(pages, shell, id, group, &posted.fields).await;
    }
    let Some((entry, form, group)) = open(pages, id, group).await? else { return Ok(missing(shell)) };
    let fields: Vec<&Field> = form.fields_of(group.tag).collect();
    let change = Change::sent(id, form, group, &posted.fields);
    let now_ms = pages.agent.ask(|store| Ok(store.wall_ms())).await?;
    let read = inputs::read_fields(form, &fields, &change.inputs, &shell.clock(now_ms));
    let again = |faults: &[Fault]| change.page(shell, faults, Stands::InForm).but(StatusCode::UNPROCESSABLE_ENTITY);
    if !read.faults.is_empty() {
        return Ok(again(&read.faults));
    }
    let view = GroupView::of(&entry.record, form, group);
    // A field that this form does not know stays as it is.
    let changes = fields.iter().map(|field| (field.tag, read.values.get(&field.tag).cloned()));
    let values = view.with_changes(changes);
    let edit =
        Edit { record: id, author: shell.author().to_owned(), writes: vec![(group.tag, values, heads(&change.heads))] };
    match pages.agent.ask_to_write(move |store| store.edit(&edit)).await {
        Ok(_) => Ok(Reply::go_to(&format!("/catatan/{id}?diubah=1"))),
        Err(StoreError::Unfit(faults)) => Ok(again(&faults)),
        Err(error) => Err(error.into()),
    }
}

/// A decision between values that stand side by side.
pub(in super::super) async fn decide(
    pages: &Pages,
    shell: &Shell,
    asked: Asked,
    id: RecordId,
    group: &str,
) -> Result<Reply, Failure> {
    let group_name = group.to_owned();
    let posted = match pages.posted(asked, shell).await {
        Ok(posted) => posted,
        Err(reply) => return Ok(reply),
    };
    let Some((entry, form)) = entry(pages, id).await? else { return Ok(missing(shell)) };
    let Some(group) = form.group_named(&group_name) else { return Ok(missing(shell)) };
    let GroupView::Conflict(candidates) = GroupView::of(&entry.record, form, group) else {
        // Somebody else was faster.
        return Ok(Reply::go_to(&format!("/catatan/{id}")));
    };
    let Ok(wanted) = posted.fields.text("nilai").parse::<OpId>() else { return Ok(missing(shell)) };
    let Some(chosen) = candidates.iter().find(|candidate| candidate.ops.contains(&wanted)) else {
        return Ok(missing(shell));
    };
    let write = (group.tag, chosen.written.values.clone(), heads(posted.fields.text("kepala")));
    write_one(pages, shell, id, write).await
}

/// A remark.
pub(in super::super) async fn remark(
    pages: &Pages,
    shell: &Shell,
    asked: Asked,
    id: RecordId,
) -> Result<Reply, Failure> {
    let posted = match pages.posted(asked, shell).await {
        Ok(posted) => posted,
        Err(reply) => return Ok(reply),
    };
    if posted.fields.has(ONLY_KEPT) {
        return super::view::remark_given_back(pages, shell, id, &posted.fields).await;
    }
    let Some((_, form)) = entry(pages, id).await? else { return Ok(missing(shell)) };
    let group = form.group(group::CATATAN).filter(|group| group.merge == MergeClass::Add);
    let Some((group, field)) = group.and_then(|group| Some((group, form.fields_of(group.tag).next()?))) else {
        return Ok(missing(shell));
    };
    match Value::parse(field, posted.fields.text("catatan")) {
        Ok(value) => write_one(pages, shell, id, (group.tag, BTreeMap::from([(field.tag, value)]), Vec::new())).await,
        Err(_) => Ok(Reply::go_to(&format!("/catatan/{id}"))),
    }
}

async fn write_one(
    pages: &Pages,
    shell: &Shell,
    id: RecordId,
    write: (u16, BTreeMap<u16, Value>, Vec<OpId>),
) -> Result<Reply, Failure> {
    let edit = Edit { record: id, author: shell.author().to_owned(), writes: vec![write] };
    pages.agent.ask_to_write(move |store| store.edit(&edit)).await?;
    Ok(Reply::go_to(&format!("/catatan/{id}?diubah=1")))
}

/// Where that comes from which stands in the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stands {
    /// The record holds it.
    InRecord,
    /// It was sent, and something is wrong with it.
    InForm,
    /// It was typed before the page locked itself.
    GivenBack,
}

/// The form of a group, with what stands in it.
struct Change {
    id: RecordId,
    form: &'static Form,
    group: &'static Group,
    /// The heads that it showed when it was opened.
    heads: String,
    inputs: Inputs,
}

impl Change {
    /// As somebody sent it.
    fn sent(id: RecordId, form: &'static Form, group: &'static Group, sent: &Fields) -> Change {
        let fields: Vec<&Field> = form.fields_of(group.tag).collect();
        let heads = sent.text("kepala").to_owned();
        Change { id, form, group, heads, inputs: inputs::take(&fields, sent) }
    }

    fn page(&self, shell: &Shell, faults: &[Fault], stands: Stands) -> Reply {
        let (form, w) = (self.form, &shell.w);
        let questions =
            form.fields_of(self.group.tag).map(|field| inputs::question(form, field, &self.inputs, faults, w));
        let said = faults.iter().map(|fault| {
            let field = fault.field.and_then(|tag| form.field(tag));
            (field.map_or_else(String::new, |field| format!("f-{}", field.name)), fault.sentence(form, w.lang))
        });
        shell::page(&ChangePage {
            s: &shell.clone().at("catatan"),
            id: self.id.to_string(),
            group: self.group.name.clone(),
            label: self.group.label.in_lang(w.lang).to_owned(),
            heads: self.heads.clone(),
            questions: questions.collect(),
            faults: said.collect(),
            is_saved: stands == Stands::InRecord,
            is_given_back: stands == Stands::GivenBack,
        })
    }
}

async fn entry(pages: &Pages, id: RecordId) -> Result<Option<(Entry, &'static Form)>, Failure> {
    match pages.agent.ask(move |store| store.entry(id)).await {
        Ok(entry) => {
            let form = form_of(entry.summary.form)?;
            Ok(Some((entry, form)))
        }
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A record and a group of it that may be changed here. What is confidential is not shown again to be changed.
async fn open(
    pages: &Pages,
    id: RecordId,
    group: &str,
) -> Result<Option<(Entry, &'static Form, &'static Group)>, Failure> {
    let Some((entry, form)) = entry(pages, id).await? else { return Ok(None) };
    let group = form.group_named(group).filter(|group| super::view::can_change(group));
    Ok(group.filter(|_| !is_confidential(&entry.record)).map(|group| (entry, form, group)))
}

fn missing(shell: &Shell) -> Reply {
    shell::refusal(shell, StatusCode::NOT_FOUND, "catatan.tidak_ada")
}

/// Heads as a form carries them.
pub(super) fn heads_text(heads: &[OpId]) -> String {
    heads.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

fn heads(text: &str) -> Vec<OpId> {
    text.split(' ').take(HEADS_MAX).filter_map(|head| head.parse().ok()).collect()
}
