//! Records that were entered, and what became of them: lists, one record, its changes, its receipt.

mod change;
mod list;
mod plain;
mod receipt;
mod view;

use kentongan_host::fail::Failure;
use kentongan_protocol::form::builtin::{pengaduan, skm, suara};
use kentongan_protocol::form::{Form, Value, builtin};
use kentongan_protocol::ids::RecordId;
use kentongan_protocol::merge::{GroupView, Record};
use kentongan_protocol::sealed::is_confidential;
use kentongan_web::{Fields, Reply, Words};

use super::route::Pages;
use super::shell::Shell;
use super::verdict::Shape;
use crate::store::{RecordState, RecordSummary, StoreError};

pub(super) use change::{change, changed, decide, remark};
pub(super) use list::{Line, line, list, look_up};
pub(super) use receipt::receipt;
pub(super) use view::{file, show};

/// Longest title, in characters.
const TITLE_CHARS_MAX: usize = 90;
/// The field by which the script says that a form is not to be saved: what was typed is only to be kept past the lock.
const ONLY_KEPT: &str = "_titip";

/// The page with the form that is sent to this path, of the forms into which people type.
pub(super) fn page_of_form(parts: &[&str]) -> Option<String> {
    match parts {
        ["catatan", id, "keterangan"] => Some(format!("/catatan/{id}")),
        ["catatan", id, "ubah", group] => Some(format!("/catatan/{id}/ubah/{group}")),
        _ => None,
    }
}

/// Such a page, with what was typed into its form and never saved.
pub(super) async fn given_back(pages: &Pages, shell: &Shell, page: &str, typed: &Fields) -> Result<Reply, Failure> {
    let parts: Vec<&str> = page.trim_start_matches('/').split('/').collect();
    let record = parts.get(1).and_then(|id| id.parse::<RecordId>().ok());
    match (record, parts.as_slice()) {
        (Some(id), ["catatan", _]) => view::remark_given_back(pages, shell, id, typed).await,
        (Some(id), ["catatan", _, "ubah", group]) => change::given_back(pages, shell, id, group, typed).await,
        _ => Ok(Reply::go_to(page)),
    }
}

/// Shape and word of a state.
pub(super) fn state(state: RecordState, is_sending: bool, w: &Words) -> (Shape, &'static str) {
    match state {
        RecordState::Queued if is_sending => (Shape::Sending, w.t("keadaan.sending")),
        RecordState::Queued => (Shape::Waiting, w.t("keadaan.queued")),
        RecordState::Arrived => (Shape::Arrived, w.t("keadaan.arrived")),
        RecordState::Rejected => (Shape::Wrong, w.t("keadaan.rejected")),
    }
}

/// What a record is about, in a line.
pub(super) fn title(form: &Form, record: &Record, w: &Words) -> String {
    if is_confidential(record) {
        return w.t("catatan.rahasia").to_owned();
    }
    let text = |name: &str| {
        let field = form.field_named(name)?;
        let view = GroupView::of(record, form, form.group(field.group)?);
        Some(view.shown()?.get(&field.tag)?.display(field, w.lang))
    };
    let text = match form.tag {
        pengaduan::TAG => text("uraian"),
        skm::TAG => Some(survey(form, record, w, text("layanan"))),
        suara::TAG => text("nilai"),
        _ => None,
    };
    brief(&text.unwrap_or_default(), TITLE_CHARS_MAX)
}

/// For [`Store::list`](crate::store::Store::list): of each record only its line is kept.
pub(super) fn titles(w: Words) -> impl FnMut(RecordSummary, Record) -> (RecordSummary, String) + Clone {
    move |summary, record| {
        let title = builtin::by_tag(summary.form).map(|form| title(form, &record, &w)).unwrap_or_default();
        (summary, title)
    }
}

/// The beginning of a text in one line.
fn brief(text: &str, chars_max: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

/// Which service, and how many of the nine elements were answered.
fn survey(form: &Form, record: &Record, w: &Words, service: Option<String>) -> String {
    let view = form.group(skm::GROUP).map(|group| GroupView::of(record, form, group));
    let values = view.as_ref().and_then(GroupView::shown);
    let answered = skm::ELEMENTS.iter().filter(|(_, tag)| values.is_some_and(|values| values.contains_key(tag)));
    let answered = answered.fold(0_u64, |count, _| count + 1);
    let elements = w.count("catatan.unsur", answered);
    match service {
        Some(service) => format!("{service} · {elements}"),
        None => elements,
    }
}

/// The form of a record.
fn form_of(tag: u16) -> Result<&'static Form, Failure> {
    builtin::by_tag(tag).ok_or_else(|| Failure::of(kentongan_host::ktg::Ktg::UnknownForm))
}

/// Whether a failure only says that there is no such record.
fn is_missing(error: &StoreError) -> bool {
    matches!(error, StoreError::NoSuchRecord | StoreError::Broken(_))
}

/// The values of a group in words, in the order of the form.
fn answers(form: &Form, values: &std::collections::BTreeMap<u16, Value>, w: &Words) -> Vec<(String, String)> {
    let known = form.fields.iter().filter_map(|field| Some((field, values.get(&field.tag)?)));
    known.map(|(field, value)| (field.label.in_lang(w.lang).to_owned(), value.display(field, w.lang))).collect()
}
