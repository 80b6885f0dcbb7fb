//! Entering a record: the form, its draft, a look at the answers, the save.
//!
//! ```text
//!   GET  isi/FORM              ──▶ isi/FORM/DRAFT    a form with a name of its own
//!   POST isi/FORM/DRAFT        keeps the draft; then: look at the answers, or attach, or save, or throw away
//!   POST isi/FORM/DRAFT/draf   keeps the draft, while one types
//!   GET  isi/FORM/DRAFT/periksa, POST: saves
//!   POST catatan/ID/lagi       ──▶ isi/FORM/DRAFT    a form with the reporter of that complaint
//! ```
//!
//! A name is given when the form is opened, and the draft keeps it after it became a record: sending a form twice saves
//! it once.

mod again;
pub(super) mod inputs;
mod layout;

use askama::Template;
use hyper::StatusCode;
use kentongan_host::fail::Failure;
use kentongan_protocol::attachment::{Attachment, Media};
use kentongan_protocol::calendar::{Day, course};
use kentongan_protocol::form::builtin::{pengaduan, suara};
use kentongan_protocol::form::{Fault, Form, Value, builtin};
use kentongan_web::{Asked, Posted, Reply, Upload, Words};

use super::due::next_steps;
use super::paper;
use super::route::Pages;
use super::shell::{self, Shell};
use crate::entry::NewRecord;
use crate::paper::Sheet;
use crate::photo::{self, Prepared};
use crate::store::{Draft, DraftName, Inputs, StoreError};
use crate::{config, store};
pub(super) use again::{begin_again, is_offered};
use inputs::{Input, Section};
use kentongan_web::Clock;
pub(super) use layout::on_paper as asked_on_paper;

/// Which form, and which draft of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) form: &'static Form,
    pub(super) name: DraftName,
}

impl Place {
    /// Of two parts of a path.
    pub(super) fn of(form: &str, name: &str) -> Option<Place> {
        Some(Place { form: asked_here(form)?, name: name.parse().ok()? })
    }

    /// The sheet of paper that is typed there, if it is one.
    fn sheet(&self) -> Option<Sheet> {
        Sheet::of_draft(self.form.tag, self.name)
    }

    /// Where its form is.
    pub(super) fn path(&self) -> String {
        format!("/isi/{}/{}", self.form.name, self.name)
    }
}

#[derive(Debug, Template)]
#[template(path = "entry.html")]
struct FormPage<'a> {
    s: &'a Shell,
    title: &'static str,
    path: String,
    sections: Vec<Section>,
    /// Where each fault is, and what it is.
    faults: Vec<(String, String)>,
    files: Vec<File>,
    file_fault: String,
    /// When the draft was kept.
    kept: String,
    /// Saving needs a look at the answers first.
    is_checked: bool,
    /// Where paper is typed and printed; empty: this form does not come on paper.
    paper: String,
    /// Which sheet is typed; empty: none.
    sheet: String,
    /// The record before this one was saved.
    saved: Option<String>,
    files_max: usize,
}

/// A file of a draft.
#[derive(Debug)]
struct File {
    number: i64,
    name: String,
    size: String,
    is_picture: bool,
}

#[derive(Debug, Template)]
#[template(path = "check.html")]
struct CheckPage<'a> {
    s: &'a Shell,
    path: String,
    sections: Vec<(&'static str, Vec<Row>)>,
    files: Vec<File>,
    is_confidential: bool,
    /// And what it says will be sealed to the hub.
    is_sealed: bool,
    is_anonymous: bool,
    warnings: Vec<String>,
    similar: Vec<Similar>,
    /// What is done with it, and until when; empty: nothing is promised.
    steps: Vec<String>,
}

/// A complaint that says nearly the same.
#[derive(Debug)]
struct Similar {
    path: String,
    code: String,
    when: String,
}

/// An answer to look at.
#[derive(Debug)]
struct Row {
    name: String,
    label: String,
    answer: String,
}

/// A form that is filled in on this page: all but the quick vote, which only a kiosk takes.
fn asked_here(name: &str) -> Option<&'static Form> {
    builtin::by_name(name).filter(|form| form.tag != suara::TAG)
}

/// Opens a new form.
pub(super) fn begin(form: &str, asked: &Asked) -> Option<Reply> {
    let form = asked_here(form)?;
    let place = Place { form, name: DraftName::draw() };
    let saved = if asked.query.has("tersimpan") { "?tersimpan=1" } else { "" };
    Some(Reply::go_to(&format!("{}{saved}", place.path())))
}

/// The form, with what the draft holds.
pub(super) async fn show(pages: &Pages, shell: &Shell, asked: &Asked, place: Place) -> Result<Reply, Failure> {
    if !is_enrolled(pages).await? {
        return Ok(shell::refusal(shell, StatusCode::CONFLICT, "tolak.belum_terdaftar"));
    }
    if let Some(told) = typed_before(pages, place).await? {
        return Ok(told);
    }
    let (draft, clock) = open(pages, shell, place).await?;
    if let Some(record) = draft.as_ref().and_then(|draft| draft.record) {
        return Ok(Reply::go_to(&format!("/catatan/{record}")));
    }
    let saved = asked.query.has("tersimpan").then(|| shell.w.t("isi.tersimpan").to_owned());
    let view = View { place, draft: draft.as_ref(), clock: &clock, faults: &[], file_fault: String::new(), saved };
    Ok(view.page(shell))
}

/// A form that was sent.
pub(super) async fn sent(pages: &Pages, shell: &Shell, asked: Asked, place: Place) -> Result<Reply, Failure> {
    let posted = match pages.uploaded(asked, shell).await {
        Ok(posted) => posted,
        Err(reply) => return Ok(reply),
    };
    let wish = posted.fields.text("aksi").to_owned();
    if wish == "hapus" {
        pages.agent.ask(move |store| store.drop_draft(place.name)).await?;
        return Ok(Reply::go_to(&place.sheet().map_or_else(|| "/".to_owned(), |sheet| paper::path(sheet.batch()))));
    }
    if let Some(told) = typed_before(pages, place).await? {
        return Ok(told);
    }
    keep(pages, place, inputs::take(&inputs::of_entry(place.form), &posted.fields)).await?;
    let mut file_fault = attach(pages, shell, place, posted).await?;
    if let Some(number) = wish.strip_prefix("buang-").and_then(|number| number.parse().ok()) {
        pages.agent.ask(move |store| store.drop_draft_file(place.name, number)).await?;
    }
    let (draft, clock) = open(pages, shell, place).await?;
    let Some(draft) = draft else { return Ok(Reply::go_to(&place.path())) };
    if let Some(record) = draft.record {
        return Ok(Reply::go_to(&format!("/catatan/{record}")));
    }
    let goes_on = wish == "periksa" || wish == "simpan";
    if !goes_on && file_fault.is_empty() {
        return Ok(Reply::go_to(&format!("{}#f-lampiran", place.path())));
    }
    let read = inputs::read(place.form, &draft.inputs, &clock);
    let faults: &[Fault] = if goes_on { &read.faults } else { &[] };
    if !faults.is_empty() || !file_fault.is_empty() {
        file_fault.truncate(400);
        let view = View { place, draft: Some(&draft), clock: &clock, faults, file_fault, saved: None };
        return Ok(view.page(shell).but(StatusCode::UNPROCESSABLE_ENTITY));
    }
    if place.form.receipt {
        return Ok(Reply::go_to(&format!("{}/periksa", place.path())));
    }
    save(pages, shell, place).await
}

/// What was typed so far, sent by the script.
pub(super) async fn keep_typed(pages: &Pages, shell: &Shell, asked: Asked, place: Place) -> Result<Reply, Failure> {
    let posted = match pages.posted(asked, shell).await {
        Ok(posted) => posted,
        Err(reply) => return Ok(reply),
    };
    let kept_ms = keep(pages, place, inputs::take(&inputs::of_entry(place.form), &posted.fields)).await?;
    let time = shell.clock(kept_ms).to_the_second(kept_ms, &shell.w);
    Ok(Reply::text(shell.w.with("isi.draf_tersimpan", &[("jam", &time)])))
}

/// Keeps a form that was sent to a page that had locked itself: nothing that was typed is lost, and nothing is saved
/// under anybody's name. The reply says why it was not taken, if it was not.
pub(super) async fn keep_sent(
    pages: &Pages,
    shell: &Shell,
    asked: Asked,
    place: Place,
) -> Result<Option<Reply>, Failure> {
    let posted = match pages.uploaded(asked, shell).await {
        Ok(posted) => posted,
        Err(reply) => return Ok(Some(reply)),
    };
    let inputs = inputs::take(&inputs::of_entry(place.form), &posted.fields);
    // The page that looks at the answers sends none: its draft is kept already.
    if !inputs.is_empty() {
        keep(pages, place, inputs).await?;
        attach(pages, shell, place, posted).await?;
    }
    Ok(None)
}

/// The answers, before they are saved.
pub(super) async fn check(pages: &Pages, shell: &Shell, place: Place) -> Result<Reply, Failure> {
    let (draft, clock) = open(pages, shell, place).await?;
    let Some(draft) = draft else { return Ok(Reply::go_to(&place.path())) };
    if let Some(record) = draft.record {
        return Ok(Reply::go_to(&format!("/catatan/{record}")));
    }
    let read = inputs::read(place.form, &draft.inputs, &clock);
    if !read.faults.is_empty() {
        let view = View {
            place,
            draft: Some(&draft),
            clock: &clock,
            faults: &read.faults,
            file_fault: String::new(),
            saved: None,
        };
        return Ok(view.page(shell).but(StatusCode::UNPROCESSABLE_ENTITY));
    }
    let w = &shell.w;
    let mut sections = Vec::new();
    for (section, fields) in layout::questions(place.form) {
        let rows = fields.into_iter().filter_map(|field| {
            let answer = read.values.get(&field.tag)?.display(field, w.lang);
            Some(Row { name: field.name.clone(), label: field.label.in_lang(w.lang).to_owned(), answer })
        });
        let rows: Vec<Row> = rows.collect();
        if !rows.is_empty() {
            sections.push((w.find(section.title).unwrap_or(section.title), rows));
        }
    }
    let similar = similar(pages, shell, &clock, place.form, &read).await?;
    let privacy = draft.inputs.get("privasi").and_then(|values| values.first()).map_or("", String::as_str);
    let is_confidential = privacy == "rahasia";
    let steps = steps(pages, place.form, &read, &clock, w).await?;
    Ok(shell::page(&CheckPage {
        s: shell,
        path: place.path(),
        sections,
        files: files(&draft.files),
        is_confidential,
        is_sealed: is_confidential && pages.agent.ask(|store| Ok(store.is_sealing())).await?,
        is_anonymous: privacy == "anonim",
        warnings: warnings(place.form, &read, &clock, shell),
        similar,
        steps,
    }))
}

/// The save.
pub(super) async fn checked(pages: &Pages, shell: &Shell, asked: Asked, place: Place) -> Result<Reply, Failure> {
    match pages.posted(asked, shell).await {
        Ok(_) => save(pages, shell, place).await,
        Err(reply) => Ok(reply),
    }
}

/// A file of a draft, for its preview.
pub(super) async fn file(pages: &Pages, place: Place, number: &str) -> Result<Reply, Failure> {
    let Ok(number) = number.parse::<i64>() else { return Ok(Reply::not_found()) };
    let file = pages.agent.ask(move |store| store.draft_file(place.name, number)).await?;
    Ok(file.map_or_else(Reply::not_found, |file| picture(&file.attachment, file.content)))
}

/// A file of ours as an answer: only of the kinds that we take, under the kind that its content has.
pub(super) fn picture(attachment: &Attachment, content: Vec<u8>) -> Reply {
    match Media::from_number(attachment.content.media) {
        Some(media) => Reply::file(media.mime(), content),
        None => Reply::not_found(),
    }
}

async fn save(pages: &Pages, shell: &Shell, place: Place) -> Result<Reply, Failure> {
    let (draft, clock) = open(pages, shell, place).await?;
    let Some(draft) = draft else { return Ok(Reply::go_to(&place.path())) };
    let read = inputs::read(place.form, &draft.inputs, &clock);
    let new = NewRecord::of_values(place.form, shell.author(), read.values);
    let saved = pages.agent.ask_to_write(move |store| store.finish_draft(place.name, new)).await;
    let entered = match saved {
        Ok(entered) => entered,
        // The form and the store judge by the same rules, so nobody comes here who was not shown the faults already.
        Err(StoreError::Unfit(faults)) => {
            let view = View {
                place,
                draft: Some(&draft),
                clock: &clock,
                faults: &faults,
                file_fault: String::new(),
                saved: None,
            };
            return Ok(view.page(shell).but(StatusCode::UNPROCESSABLE_ENTITY));
        }
        Err(other) => return Err(other.into()),
    };
    let next = match (entered.receipt, place.sheet()) {
        (Some(_), _) => format!("/catatan/{}/tanda-terima?baru=1", entered.record),
        (None, Some(sheet)) => paper::after(pages, sheet).await?,
        (None, None) => format!("/isi/{}?tersimpan=1", place.form.name),
    };
    Ok(Reply::go_to(&next))
}

async fn keep(pages: &Pages, place: Place, inputs: Inputs) -> Result<i64, Failure> {
    Ok(pages.agent.ask_to_keep(move |store| store.keep_draft(place.name, place.form.tag, &inputs)).await?)
}

/// The draft, if it is one of this form, and the clock.
async fn open(pages: &Pages, shell: &Shell, place: Place) -> Result<(Option<Draft>, Clock), Failure> {
    let (draft, now_ms) = pages.agent.ask(move |store| Ok((store.draft(place.name)?, store.wall_ms()))).await?;
    Ok((draft.filter(|draft| draft.form == place.form.tag), shell.clock(now_ms)))
}

/// The way to where somebody is told that a sheet of paper was typed already.
async fn typed_before(pages: &Pages, place: Place) -> Result<Option<Reply>, Failure> {
    let Some(sheet) = place.sheet() else { return Ok(None) };
    Ok(paper::is_typed(pages, sheet).await?.then(|| Reply::go_to(&paper::path_of(sheet))))
}

async fn is_enrolled(pages: &Pages) -> Result<bool, Failure> {
    Ok(pages.agent.ask(|store| Ok(store.member().is_some())).await?)
}

/// Takes the files that were sent into the draft. What is wrong with one is said, and the others stay.
async fn attach(pages: &Pages, shell: &Shell, place: Place, posted: Posted) -> Result<String, Failure> {
    let mut faults = Vec::new();
    let uploads = posted.files.into_iter().filter(|(field, _)| field == "lampiran").map(|(_, upload)| upload);
    for upload in uploads {
        let photos = config::photos(&pages.agent.settings());
        let name = photo::name_of(&upload.name);
        let work = move || prepared(upload, photos);
        match tokio::task::spawn_blocking(work).await.map_err(anyhow::Error::new)? {
            Ok(file) => {
                if !pages.agent.ask_to_keep(move |store| store.add_draft_file(place.name, &file)).await? {
                    faults.push(shell.w.with("berkas.terlalu_banyak", &[("nama", &name)]));
                }
            }
            Err(failure) => {
                let sentence = failure.ktg.map_or("", |ktg| ktg.sentence(shell.w.lang));
                faults.push(format!("{name}: {sentence}"));
            }
        }
    }
    Ok(faults.join(" "))
}

fn prepared(upload: Upload, photos: photo::Photos) -> Result<Prepared, Failure> {
    photo::prepare(upload.content, &photo::name_of(&upload.name), photos)
}

/// A form to show.
struct View<'a> {
    place: Place,
    draft: Option<&'a Draft>,
    clock: &'a Clock,
    faults: &'a [Fault],
    file_fault: String,
    saved: Option<String>,
}

impl View<'_> {
    fn page(self, shell: &Shell) -> Reply {
        let form = self.place.form;
        let w = &shell.w;
        let inputs = match self.draft {
            Some(draft) => draft.inputs.clone(),
            None if self.place.sheet().is_some() => layout::first_on_paper(),
            None => layout::first(form, self.clock, &shell.clerk),
        };
        let mut faults: Vec<(String, String)> = self
            .faults
            .iter()
            .map(|fault| {
                let field = fault.field.and_then(|tag| form.field(tag));
                let at = field.map_or_else(String::new, |field| format!("f-{}", field.name));
                (at, fault.sentence(form, w.lang))
            })
            .collect();
        if !self.file_fault.is_empty() {
            faults.push(("f-lampiran".to_owned(), self.file_fault.clone()));
        }
        let kept = self.draft.map_or_else(String::new, |draft| {
            let time = self.clock.to_the_second(draft.changed_ms, w);
            w.with("isi.draf_tersimpan", &[("jam", &time)])
        });
        shell::page(&FormPage {
            s: shell,
            title: title(form, shell),
            path: self.place.path(),
            sections: inputs::sections(form, &inputs, self.faults, w),
            faults,
            files: self.draft.map_or_else(Vec::new, |draft| files(&draft.files)),
            file_fault: self.file_fault,
            kept,
            is_checked: form.receipt,
            paper: match self.place.sheet() {
                Some(sheet) => paper::path(sheet.batch()),
                None if form.tag == crate::paper::FORM => "/kertas".to_owned(),
                None => String::new(),
            },
            sheet: self.place.sheet().map_or_else(String::new, |sheet| paper::called(sheet, w)),
            saved: self.saved,
            files_max: store::DRAFT_FILES_MAX,
        })
    }
}

fn title(form: &'static Form, shell: &Shell) -> &'static str {
    let key = match form.receipt {
        true => "isi.aduan_baru",
        false => "isi.survei_baru",
    };
    shell.w.find(key).unwrap_or_else(|| form.label.in_lang(shell.w.lang))
}

fn files(files: &[(i64, Attachment)]) -> Vec<File> {
    let file = |(number, attachment): &(i64, Attachment)| File {
        number: *number,
        name: attachment.name.clone(),
        size: size(attachment.content.bytes),
        is_picture: Media::from_number(attachment.content.media).is_some_and(Media::is_picture),
    };
    files.iter().map(file).collect()
}

/// `184 KB`
pub(super) fn size(bytes: u32) -> String {
    format!("{} KB", u64::from(bytes).div_ceil(1_000))
}

/// What looks wrong and may be right: never a reason not to save.
fn warnings(form: &Form, read: &inputs::Read, clock: &Clock, shell: &Shell) -> Vec<String> {
    let today = clock.day(clock.now_ms).and_then(|day| day.to_days());
    let mut warnings = Vec::new();
    for (tag, value) in &read.values {
        if let (Some(field), Value::Date(days)) = (form.field(*tag), value)
            && today.is_some_and(|today| *days > today)
        {
            let label = field.label.in_lang(shell.w.lang);
            warnings.push(shell.w.with("isi.masa_depan", &[("bidang", label)]));
        }
    }
    warnings
}

/// What will be done with a complaint that says this, as its receipt will promise.
async fn steps(
    pages: &Pages,
    form: &Form,
    read: &inputs::Read,
    clock: &Clock,
    w: &Words,
) -> Result<Vec<String>, Failure> {
    let office = pages.agent.ask(|store| Ok(store.member().map(|member| member.office.clone()))).await?;
    let Some(office) = office.filter(|_| form.tag == pengaduan::TAG) else { return Ok(Vec::new()) };
    let day_of = |ms| clock.day(ms).map_or(Day(0), Day::from);
    Ok(next_steps(course::foreseen(&read.values, clock.now_ms, day_of), &office, w))
}

/// Complaints of the last days that say nearly the same.
async fn similar(
    pages: &Pages,
    shell: &Shell,
    clock: &Clock,
    form: &Form,
    read: &inputs::Read,
) -> Result<Vec<Similar>, Failure> {
    let description = (form.tag == pengaduan::TAG).then(|| form.field_named("uraian")).flatten();
    let Some(Value::Text(text)) = description.and_then(|field| read.values.get(&field.tag)) else {
        return Ok(Vec::new());
    };
    let text = text.clone();
    let found = pages.agent.ask(move |store| store.similar(&text)).await?;
    let similar = found.into_iter().map(|line| Similar {
        path: format!("/catatan/{}", line.record),
        code: line.code.map_or_else(String::new, |code| code.to_string()),
        when: clock.short(line.wall_ms, &shell.w),
    });
    Ok(similar.collect())
}
