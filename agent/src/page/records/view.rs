//! One record: what stands in it, where it is, who wrote what, and what there is to do.

use askama::Template;
use hyper::StatusCode;
use kentongan_host::fail::Failure;
use kentongan_protocol::attachment::{Attachment, Media};
use kentongan_protocol::form::builtin::pengaduan::group;
use kentongan_protocol::form::{Form, Group, MergeClass, Reason};
use kentongan_protocol::ids::{OpId, RecordId};
use kentongan_protocol::judge::Quarantine;
use kentongan_protocol::merge::{Candidate, GroupView};
use kentongan_protocol::sealed::{self, is_confidential};
use kentongan_protocol::wire::v1::VerdictFrame;
use kentongan_web::{Asked, Fields, Reply};

use super::super::entry::{is_offered, picture, size};
use super::super::route::Pages;
use super::super::shell::{self, Shell};
use super::{answers, form_of, is_missing};
use crate::show;
use crate::store::{AttachmentState, Entry, Member};
use kentongan_web::{Clock, When};

#[derive(Debug, Template)]
#[template(path = "record.html")]
struct RecordPage<'a> {
    s: &'a Shell,
    line: super::list::Line,
    id: String,
    has_receipt: bool,
    /// Another complaint of the same reporter is offered.
    is_offered: bool,
    is_confidential: bool,
    /// And what it says was sealed to the hub.
    is_sealed: bool,
    repairs: Vec<Repair>,
    conflicts: Vec<Conflict>,
    answer: Vec<(String, String)>,
    groups: Vec<Shown>,
    files: Vec<File>,
    remarks: Vec<(String, String, When)>,
    takes_remarks: bool,
    /// What stands in the field for one.
    remark: String,
    history: Vec<Past>,
    done: &'static str,
}

/// What the hub asks to be put right.
#[derive(Debug)]
struct Repair {
    sentence: String,
    /// The group whose form opens there, and the field in it.
    group: String,
    field: String,
}

/// Values that did not know of each other.
#[derive(Debug)]
struct Conflict {
    group: String,
    label: String,
    heads: String,
    values: Vec<Side>,
}

/// One of the values that stand side by side.
#[derive(Debug)]
struct Side {
    op: String,
    author: String,
    at: String,
    answers: Vec<(String, String)>,
}

/// A group with what stands in it.
#[derive(Debug)]
struct Shown {
    name: String,
    label: String,
    answers: Vec<(String, String)>,
    can_change: bool,
}

/// An attached file.
#[derive(Debug)]
struct File {
    hash: String,
    name: String,
    size: String,
    is_picture: bool,
    is_here: bool,
    class: &'static str,
    word: &'static str,
}

/// Something that was written.
#[derive(Debug)]
struct Past {
    at: String,
    who: String,
    place: &'static str,
    what: String,
    said: Vec<Said>,
}

/// A value that was written, and may have been replaced since.
#[derive(Debug)]
struct Said {
    label: String,
    answer: String,
    is_replaced: bool,
}

/// The page of a record.
pub(in super::super) async fn show(
    pages: &Pages,
    shell: &Shell,
    asked: &Asked,
    id: RecordId,
) -> Result<Reply, Failure> {
    let done = match () {
        () if asked.query.has("tersimpan") => shell.w.t("catatan.tersimpan"),
        () if asked.query.has("diubah") => shell.w.t("catatan.sudah_diubah"),
        () => "",
    };
    page(pages, shell, id, done, String::new()).await
}

/// The same, with a remark in its field that was typed but never saved.
pub(super) async fn remark_given_back(
    pages: &Pages,
    shell: &Shell,
    id: RecordId,
    typed: &Fields,
) -> Result<Reply, Failure> {
    page(pages, shell, id, "", typed.text("catatan").to_owned()).await
}

async fn page(
    pages: &Pages,
    shell: &Shell,
    id: RecordId,
    done: &'static str,
    remark: String,
) -> Result<Reply, Failure> {
    let looked = pages
        .agent
        .ask(move |store| {
            let entry = store.entry(id)?;
            let mut files = Vec::new();
            for named in show::attachments_of(&entry) {
                let state = store.attachment_state(named.content.hash)?;
                files.push((named, state));
            }
            Ok((entry, files, store.member().cloned(), store.wall_ms()))
        })
        .await;
    let (entry, files, member, now_ms) = match looked {
        Ok(looked) => looked,
        Err(error) if is_missing(&error) => {
            return Ok(shell::refusal(shell, StatusCode::NOT_FOUND, "catatan.tidak_ada"));
        }
        Err(error) => return Err(error.into()),
    };
    let form = form_of(entry.summary.form)?;
    let clock = shell.clock(now_ms);
    let is_confidential = is_confidential(&entry.record);
    let title = super::title(form, &entry.record, &shell.w);
    let open = |group: &&Group| !is_confidential || matches!(group.tag, group::KANAL | group::PRIVASI);
    Ok(shell::page(&RecordPage {
        s: &shell.clone().at("catatan"),
        line: super::list::line(shell, &clock, &entry.summary, title, pages.agent.is_in_contact()),
        id: id.to_string(),
        has_receipt: entry.summary.code.is_some(),
        is_offered: is_offered(&entry, shell.author(), now_ms),
        is_confidential,
        is_sealed: is_confidential && entry.record.group(sealed::GROUP).is_some(),
        repairs: repairs(form, &entry, shell),
        conflicts: if is_confidential { Vec::new() } else { conflicts(form, &entry, &clock, shell) },
        answer: answer(form, &entry, shell),
        groups: form.groups.iter().filter(open).filter_map(|group| shown(form, group, &entry, shell)).collect(),
        files: files
            .into_iter()
            .filter(|file| !is_confidential || is_sealed(file))
            .map(|file| file_of(file, shell))
            .collect(),
        remarks: remarks(form, &entry, &clock, shell),
        takes_remarks: form.group(group::CATATAN).is_some_and(|group| group.merge == MergeClass::Add),
        remark,
        history: history(form, &entry, member.as_ref(), &clock, shell, is_confidential),
        done,
    }))
}

/// An attached file.
pub(in super::super) async fn file(pages: &Pages, _: &Shell, id: RecordId, hash: &str) -> Result<Reply, Failure> {
    let wanted = hash.to_owned();
    let found = pages.agent.ask(move |store| {
        let entry = store.entry(id)?;
        let named = show::attachments_of(&entry).into_iter().find(|named| named.content.hash.to_string() == wanted);
        let Some(named) = named.filter(|_| !is_confidential(&entry.record)) else { return Ok(None) };
        Ok(store.attachment_content(named.content.hash)?.map(|content| (named, content)))
    });
    match found.await {
        Ok(Some((named, content))) => Ok(picture(&named, content)),
        Ok(None) => Ok(Reply::not_found()),
        Err(error) if is_missing(&error) => Ok(Reply::not_found()),
        Err(error) => Err(error.into()),
    }
}

fn repairs(form: &Form, entry: &Entry, shell: &Shell) -> Vec<Repair> {
    let lang = shell.w.lang;
    let mut repairs = Vec::new();
    for (_, verdict) in &entry.verdicts {
        match verdict {
            VerdictFrame::Accepted => {}
            VerdictFrame::Quarantined(number) => {
                let sentence = Quarantine::from_number(*number).map_or("?", |reason| reason.sentence(lang)).to_owned();
                repairs.push(Repair { sentence, group: String::new(), field: String::new() });
            }
            VerdictFrame::NeedsRepair(faults) => repairs.extend(faults.0.iter().map(|(tag, _, code)| {
                let field = tag.and_then(|tag| form.field(tag));
                let reason = reason(*code, shell);
                let group = field.and_then(|field| form.group(field.group));
                let can_change = group.is_some_and(can_change);
                Repair {
                    sentence: match field {
                        Some(field) => format!("{}: {reason}", field.label.in_lang(lang)),
                        None => reason.to_owned(),
                    },
                    group: group.filter(|_| can_change).map_or_else(String::new, |group| group.name.clone()),
                    field: field.map_or_else(String::new, |field| field.name.clone()),
                }
            })),
        }
    }
    repairs
}

/// What a number of a verdict means. The hub's limits may be other ones than ours, so only the kind is said.
fn reason(code: u8, shell: &Shell) -> &'static str {
    let key = match code {
        code if code == Reason::Required.code() => "perbaiki.kosong",
        code if code == (Reason::TooLong { max: 0, actual: 0 }).code() => "perbaiki.panjang",
        code if code == Reason::UnknownChoice.code() => "perbaiki.pilihan",
        code if code == Reason::NotADate.code() => "perbaiki.tanggal",
        _ => "perbaiki.bentuk",
    };
    shell.w.find(key).unwrap_or(key)
}

/// Whether people of an office may write to a group again.
pub(super) fn can_change(group: &Group) -> bool {
    matches!(group.merge, MergeClass::Register | MergeClass::Strictest)
        && group.asked == kentongan_protocol::form::Asked::AtEntry
}

fn conflicts(form: &Form, entry: &Entry, clock: &Clock, shell: &Shell) -> Vec<Conflict> {
    let mut conflicts = Vec::new();
    for group in &form.groups {
        let view = GroupView::of(&entry.record, form, group);
        let heads = super::change::heads_text(&view.heads());
        let GroupView::Conflict(candidates) = view else { continue };
        let value = |candidate: &Candidate<'_>| Side {
            op: candidate.ops.first().map(ToString::to_string).unwrap_or_default(),
            author: candidate.written.author.clone(),
            at: clock.exact(candidate.written.hlc.ms(), &shell.w),
            answers: answers(form, &candidate.written.values, &shell.w),
        };
        conflicts.push(Conflict {
            group: group.name.clone(),
            label: group.label.in_lang(shell.w.lang).to_owned(),
            heads,
            values: candidates.iter().map(value).collect(),
        });
    }
    conflicts
}

fn answer(form: &Form, entry: &Entry, shell: &Shell) -> Vec<(String, String)> {
    let group = form.group(group::JAWABAN).filter(|group| group.name == "jawaban" && form.receipt);
    let view = group.map(|group| GroupView::of(&entry.record, form, group));
    view.as_ref().and_then(GroupView::shown).map(|values| answers(form, values, &shell.w)).unwrap_or_default()
}

fn shown(form: &Form, group: &Group, entry: &Entry, shell: &Shell) -> Option<Shown> {
    // What only grows, and the answer, stand in places of their own.
    let elsewhere = form.receipt && group.tag == group::JAWABAN;
    let view = GroupView::of(&entry.record, form, group);
    let values = view.shown().filter(|_| !elsewhere)?;
    Some(Shown {
        name: group.name.clone(),
        label: group.label.in_lang(shell.w.lang).to_owned(),
        answers: answers(form, values, &shell.w),
        can_change: can_change(group),
    })
}

fn remarks(form: &Form, entry: &Entry, clock: &Clock, shell: &Shell) -> Vec<(String, String, When)> {
    let groups = [group::TINDAK_LANJUT, group::CATATAN].into_iter().filter_map(|tag| form.group(tag));
    let mut remarks = Vec::new();
    for group in groups.filter(|group| group.merge == MergeClass::Add) {
        if let GroupView::Entries(entries) = GroupView::of(&entry.record, form, group) {
            remarks.extend(entries.into_iter().map(|(_, written)| {
                let text = answers(form, &written.values, &shell.w);
                let text = text.first().map(|(_, text)| text.clone()).unwrap_or_default();
                (text, written.author.clone(), clock.when(written.hlc.ms(), &shell.w))
            }));
        }
    }
    remarks
}

fn history(
    form: &Form,
    entry: &Entry,
    member: Option<&Member>,
    clock: &Clock,
    shell: &Shell,
    is_confidential: bool,
) -> Vec<Past> {
    let w = &shell.w;
    let mut history: Vec<(OpId, Past)> = Vec::new();
    for line in show::lines(entry, form, member) {
        let label = match form.group(line.group) {
            Some(group) => group.label.in_lang(w.lang),
            None if line.group == sealed::GROUP => w.t("catatan.isi_tersegel"),
            None => "",
        };
        let shown = if is_confidential { Vec::new() } else { answers(form, &line.written.values, w) };
        let is_replaced = line.is_replaced;
        let said = shown.into_iter().map(|(label, answer)| Said { label, answer, is_replaced });
        // What was written at once stands together.
        if let Some((_, past)) = history.last_mut().filter(|(op, _)| *op == line.op) {
            if past.what.as_str() != w.t("catatan.dibuat") {
                past.what = format!("{}, {label}", past.what);
            }
            past.said.extend(said);
            continue;
        }
        let past = Past {
            at: clock.exact(line.written.hlc.ms(), w),
            who: line.written.author.clone(),
            place: match line.by {
                "this_pc" => w.t("catatan.dari.sini"),
                "hub" => w.t("catatan.dari.pusat"),
                _ => w.t("catatan.dari.kantor"),
            },
            what: if line.op == entry.summary.record.0 { w.t("catatan.dibuat") } else { label }.to_owned(),
            said: said.collect(),
        };
        history.push((line.op, past));
    }
    history.into_iter().map(|(_, past)| past).collect()
}

/// Whether only the hub opens a file.
fn is_sealed((named, _): &(Attachment, Option<AttachmentState>)) -> bool {
    named.content.media == Media::Sealed as u8
}

fn file_of(file: (Attachment, Option<AttachmentState>), shell: &Shell) -> File {
    let is_sealed = is_sealed(&file);
    let ((named, state), w) = (file, &shell.w);
    let (class, word) = match state {
        Some(AttachmentState::Waiting { .. }) => ("tunggu", w.t("keadaan.queued")),
        Some(AttachmentState::Arrived | AttachmentState::Secured) => ("sampai", w.t("keadaan.arrived")),
        Some(AttachmentState::PutAway) => ("sampai", w.t("berkas.tidak_di_sini")),
        Some(AttachmentState::SetAside) => ("salah", w.t("keadaan.rejected")),
        None => ("draf", w.t("berkas.tidak_di_sini")),
    };
    File {
        hash: named.content.hash.to_string(),
        size: size(named.content.bytes),
        is_picture: Media::from_number(named.content.media).is_some_and(Media::is_picture),
        is_here: state.is_some() && !is_sealed,
        name: if is_sealed { w.t("berkas.tersegel").to_owned() } else { named.name },
        class,
        word,
    }
}
