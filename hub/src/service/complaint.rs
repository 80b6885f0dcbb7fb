//! Case work: finding complaints, reading one, handing it on, answering, closing and reopening it.
//!
//! Every step is an op like those of the offices. It reaches each office that sees the complaint at its next contact.

use std::path::PathBuf;

use kentongan_host::{Exit, Failure, Lang, moment};
use kentongan_protocol::attachment::Media;
use kentongan_protocol::calendar::Zone;
use kentongan_protocol::form::builtin::moves;
use kentongan_protocol::form::builtin::pengaduan::{self, group, status};
use kentongan_protocol::form::{ChoiceTag, builtin};
use kentongan_protocol::ids::OfficeCode;
use kentongan_protocol::merge::GroupView;
use kentongan_protocol::op::Write;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::board::{self, Board, Columns};
use super::deadline::{self, Limits};
use super::record::{Opened, Operator, Said, Times, name_of, office_of, open};
use super::view::{Document, document, mask, status_said};
use super::{Desk, work};
use crate::store::{Attachment, AttachmentState, Named, Page, RecordFilter, RecordRow, Tx};

/// Lines of a list, whatever was asked for.
const LIST_MAX: usize = 1_000;

/// What can be asked about complaints. `record` is a receipt code or an id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// A page of the complaints, the newest first.
    List {
        /// Of this office.
        office: Option<String>,
        /// With this status, by its code.
        status: Option<String>,
        /// With this text in the beginning of their description.
        text: Option<String>,
        /// With numbers below this one: the next page.
        before: Option<u64>,
        /// At most this many.
        limit: u32,
    },
    /// One complaint in full, with who people are: the audit log keeps who read it.
    Show {
        /// Which.
        record: String,
    },
    /// The same without who people are, and without the content of a confidential one.
    Look {
        /// Which.
        record: String,
    },
    /// The files attached to it.
    Attachments {
        /// Which.
        record: String,
    },
    /// Hands it to an office, which sees it from then on, or to a unit that is not an office here.
    Forward {
        /// Which.
        record: String,
        /// Code of the office, or name of the unit.
        to: String,
        /// A note for whoever gets it.
        note: String,
    },
    /// Answers the citizen.
    Answer {
        /// Which.
        record: String,
        /// The answer.
        text: String,
    },
    /// Moves it to another status: verified, to be completed, in progress, filed, handed over.
    Move {
        /// Which.
        record: String,
        /// The status, by its code.
        to: String,
        /// Why, or what the reporter has to complete.
        reason: String,
    },
    /// Adds to what only grows.
    Add {
        /// Which.
        record: String,
        /// What.
        what: Addition,
    },
    /// Says that it is the same as another one: both are linked, and this one is filed.
    Merge {
        /// Which.
        record: String,
        /// The other one.
        into: String,
    },
    /// What is due of all open complaints.
    Board {
        /// Of this office only.
        office: Option<String>,
        /// Only what is late.
        late: bool,
    },
    /// A part of the board, by whose turn it is.
    Columns(board::Ask),
    /// Which limits count.
    Limits,
    /// Lets these limits count for what is received from now on.
    ChooseLimits {
        /// Their name.
        name: String,
    },
    /// Brings in a table of limits.
    ImportLimits {
        /// The table.
        text: String,
    },
    /// Closes it.
    Close {
        /// Which.
        record: String,
        /// Why.
        reason: String,
    },
    /// Opens it again.
    Reopen {
        /// Which.
        record: String,
        /// Why.
        reason: String,
    },
    /// Changes fields.
    Set {
        /// Which.
        record: String,
        /// Names of fields and their values as files have them; an empty value empties the field.
        fields: Vec<(String, String)>,
    },
}

/// Something that is added to a complaint and never taken away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Addition {
    /// What was done.
    FollowUp(String),
    /// A remark.
    Remark(String),
    /// A step up the ladder.
    Escalation {
        /// The level by its code; empty: the one above the highest so far.
        level: String,
        /// Why.
        reason: String,
    },
    /// A complaint that has to do with this one.
    Related(String),
}

/// The answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To [`Request::List`].
    List(List),
    /// To [`Request::Show`] and [`Request::Look`].
    Show(Box<Document>),
    /// To [`Request::Attachments`].
    Attachments(Attachments),
    /// To everything that changes a complaint.
    Changed(Changed),
    /// To [`Request::Board`].
    Board(Box<Board>),
    /// To [`Request::Columns`].
    Columns(Box<Columns>),
    /// To everything about limits.
    Limits(Limits),
}

/// The files attached to a complaint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attachments {
    /// Id of the complaint.
    pub id: String,
    /// Its receipt code.
    pub code: Option<String>,
    /// The files, in the order in which they were named.
    pub attachments: Vec<AttachedFile>,
}

/// A file attached to a complaint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttachedFile {
    /// What people call it. Never a path. Of a sealed file that does not open here, what everybody may know.
    pub name: String,
    /// SHA-256 over it.
    pub sha256: String,
    /// Its length.
    pub bytes: u32,
    /// What it is; `None` for a kind that this program does not know.
    pub media: Option<String>,
    /// `wanted`, `held` or `set_aside`.
    pub state: String,
    /// Bytes of it that are here.
    pub bytes_here: u32,
    /// Where it lies, once it is whole.
    pub path: Option<PathBuf>,
    /// Whether it lies there sealed: name and kind are those of the file under the seal, if that opens here.
    #[serde(default)]
    pub sealed: bool,
}

/// A page of complaints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct List {
    /// The complaints.
    pub complaints: Vec<Line>,
    /// Where the next page begins, if there may be one.
    pub before: Option<u64>,
}

/// A complaint in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Its number at the hub.
    pub number: u64,
    /// Its id.
    pub id: String,
    /// Its receipt code.
    pub code: Option<String>,
    /// Its office.
    pub office: String,
    /// Where the work on it stands.
    pub status: Option<Said>,
    /// The beginning of its description.
    pub summary: String,
    /// Groups in which values stand side by side.
    pub conflicts: u32,
    /// When the hub received it.
    #[serde(with = "moment")]
    pub received_at: i64,
}

/// What a change did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Changed {
    /// Id of the complaint.
    pub id: String,
    /// Its receipt code.
    pub code: Option<String>,
    /// The op that was written.
    pub op: String,
    /// Where the work on it stands now.
    pub status: Option<Said>,
    /// Offices that will hear of it at their next contact.
    pub offices: Vec<String>,
}

/// Answers a request about complaints.
///
/// # Errors
/// What was asked does not hold, or a failure of the store.
pub fn execute(tx: &mut dyn Tx, desk: &Desk, request: &Request) -> Result<Answer, Failure> {
    match request {
        Request::Board { office, late } => {
            let office = office.as_deref().map(office_of).transpose()?;
            Ok(Answer::Board(Box::new(board::board(tx, desk, office, *late)?)))
        }
        Request::Columns(ask) => {
            let settled = board::bring_up(tx, desk)?;
            Ok(Answer::Columns(Box::new(Columns { settled, ..board::columns(tx, desk, ask)? })))
        }
        Request::Limits => deadline::limits(tx, desk).map(Answer::Limits),
        Request::ChooseLimits { name } => deadline::choose(tx, desk, name).map(Answer::Limits),
        Request::ImportLimits { text } => deadline::import(tx, desk, text).map(Answer::Limits),
        Request::Show { record } | Request::Look { record } => {
            let Answer::Show(mut document) = run(tx, desk.into(), request)? else { return Err(needs_settings()) };
            let (opened, clock) = (complaint(tx, record)?, deadline::Clock::load(tx, desk)?);
            document.due = clock.due(tx, &mut Times::default(), &opened)?;
            document.next = next_steps(&opened);
            Ok(Answer::Show(document))
        }
        _ => run(tx, desk.into(), request),
    }
}

/// What [`execute`] answers with the settings of the hub in hand cannot be asked without them.
fn needs_settings() -> Failure {
    Failure::usage("Ini dijawab dengan pengaturan pusat.", "This is answered with the settings of the hub.")
}

pub(crate) fn run(tx: &mut dyn Tx, operator: Operator<'_>, request: &Request) -> Result<Answer, Failure> {
    match request {
        Request::List { office, status, text, before, limit } => {
            let filter = RecordFilter {
                form: Some(pengaduan::TAG),
                office: office.as_deref().map(office_of).transpose()?,
                status: status.as_deref().map(status_coded).transpose()?.map(Some),
                text: text.clone().filter(|text| !text.is_empty()),
            };
            list(tx, &filter, before.unwrap_or(u64::MAX), *limit).map(Answer::List)
        }
        Request::Show { record } => {
            let opened = complaint(tx, record)?;
            operator.note(tx, "complaint.read", &opened.row, json!({}))?;
            Ok(Answer::Show(Box::new(document(tx, operator, &opened)?)))
        }
        Request::Look { record } => {
            let opened = complaint(tx, record)?;
            let mut document = document(tx, operator, &opened)?;
            mask(&mut document, &opened);
            Ok(Answer::Show(Box::new(document)))
        }
        Request::Attachments { record } => {
            let opened = complaint(tx, record)?;
            operator.note(tx, "complaint.attachments_read", &opened.row, json!({}))?;
            Ok(Answer::Attachments(attachments(tx, operator, &opened)?))
        }
        Request::Forward { record, to, note } => {
            let opened = complaint(tx, record)?;
            may_move(&opened, status::TERDISPOSISI, note)?;
            let writes = forwarding(tx, operator, &opened, to, note)?;
            changed(tx, operator, &opened, writes, "complaint.forwarded")
        }
        Request::Answer { record, text } => {
            let opened = complaint(tx, record)?;
            may_move(&opened, status::DIJAWAB, text)?;
            must_say(text)?;
            changed(tx, operator, &opened, answering(operator, &opened, text)?, "complaint.answered")
        }
        Request::Close { record, reason } => {
            let opened = complaint(tx, record)?;
            may_move(&opened, status::SELESAI, reason)?;
            deadline::may_close(&opened, operator.name)?;
            let writes = vec![stage(operator, &opened, status::SELESAI, reason)?];
            changed(tx, operator, &opened, writes, "complaint.closed")
        }
        Request::Reopen { record, reason } => {
            let opened = complaint(tx, record)?;
            may_move(&opened, status::DIBUKA_KEMBALI, reason)?;
            let writes = vec![stage(operator, &opened, status::DIBUKA_KEMBALI, reason)?];
            changed(tx, operator, &opened, writes, "complaint.reopened")
        }
        Request::Move { record, to, reason } => {
            let (opened, to) = (complaint(tx, record)?, status_coded(to)?);
            if !MOVED_ALONE.contains(&to) {
                return Err(with_more_to_say());
            }
            may_move(&opened, to, reason)?;
            let writes = vec![stage(operator, &opened, to, reason)?];
            changed(tx, operator, &opened, writes, "complaint.moved")
        }
        Request::Add { record, what } => {
            let opened = complaint(tx, record)?;
            let writes = vec![addition(tx, operator, &opened, what)?];
            changed(tx, operator, &opened, writes, "complaint.added")
        }
        Request::Merge { record, into } => merge(tx, operator, record, into),
        Request::Board { .. }
        | Request::Columns(_)
        | Request::Limits
        | Request::ChooseLimits { .. }
        | Request::ImportLimits { .. } => Err(needs_settings()),
        Request::Set { record, fields } => {
            let opened = complaint(tx, record)?;
            let writes = editing(tx, &opened, fields)?;
            changed(tx, operator, &opened, writes, "complaint.edited")
        }
    }
}

fn attachments(tx: &mut dyn Tx, operator: Operator<'_>, opened: &Opened) -> Result<Attachments, Failure> {
    let file = |named: Named| {
        let Attachment { content, state, .. } = named.attachment;
        let is_sealed = content.media == Media::Sealed as u8;
        let (state, bytes_here) = match state {
            AttachmentState::Wanted { held, .. } => ("wanted", held),
            AttachmentState::Held => ("held", content.bytes),
            AttachmentState::SetAside => ("set_aside", 0),
        };
        // What cannot be read at the moment is no reason not to say that it is there.
        let whole =
            (is_sealed && state == "held").then(|| operator.hub.archive().get(content.hash).ok().flatten()).flatten();
        let opened = whole.and_then(|whole| operator.hub.seals()?.open_file(&whole));
        let (name, media) = match opened {
            Some(opened) => (opened.name, Some(opened.media)),
            None => (named.name, Media::from_number(content.media)),
        };
        AttachedFile {
            name,
            sha256: content.hash.to_string(),
            bytes: content.bytes,
            media: media.map(|media| media.mime().to_owned()),
            sealed: is_sealed,
            state: state.to_owned(),
            bytes_here,
            path: operator.hub.archive().path(content.hash).filter(|_| state == "held"),
        }
    };
    Ok(Attachments {
        id: opened.row.id.to_string(),
        code: opened.row.born.as_ref().and_then(|born| born.code).map(|code| code.to_string()),
        attachments: tx.attachments_of(opened.row.id)?.into_iter().map(file).collect(),
    })
}

fn complaint(tx: &mut dyn Tx, text: &str) -> Result<Opened, Failure> {
    let opened = open(tx, text)?;
    match opened.born.form {
        pengaduan::TAG => Ok(opened),
        _ => Err(Failure::new(
            Exit::Failed,
            format!("Catatan {text} bukan aduan, tetapi: {}.", opened.form.label.id),
            format!("Record {text} is not a complaint but: {}.", opened.form.label.en),
        )),
    }
}

fn list(tx: &mut dyn Tx, filter: &RecordFilter, before: u64, limit: u32) -> Result<List, Failure> {
    let limit = usize::try_from(limit).unwrap_or(LIST_MAX).min(LIST_MAX);
    let rows = tx.records(filter, Page::Before(before), limit)?;
    let full = rows.len() == limit;
    let before = rows.last().map(|row| row.number).filter(|_| full);
    Ok(List { complaints: rows.into_iter().map(Line::from).collect(), before })
}

impl From<RecordRow> for Line {
    fn from(row: RecordRow) -> Line {
        let form = builtin::by_tag(pengaduan::TAG);
        Line {
            number: row.number,
            id: row.id.to_string(),
            code: row.born.as_ref().and_then(|born| born.code).map(|code| code.to_string()),
            office: row.born.as_ref().map(|born| born.office.to_string()).unwrap_or_default(),
            status: row.status.and_then(|status| status_said(form?, status)),
            summary: row.summary,
            conflicts: row.conflicts,
            received_at: row.received_ms,
        }
    }
}

/// The choice of `status` with this code.
fn status_coded(code: &str) -> Result<ChoiceTag, Failure> {
    let field = builtin::by_tag(pengaduan::TAG).and_then(|form| form.field(status::FIELD));
    let choices = field.map(|field| field.choices()).unwrap_or_default();
    let known: Vec<&str> = choices.iter().map(|choice| choice.code.as_str()).collect();
    let choice = choices.iter().find(|choice| choice.code.eq_ignore_ascii_case(code.trim()));
    choice.map(|choice| choice.tag).ok_or_else(|| {
        let known = known.join(", ");
        Failure::usage(
            format!("Status \"{code}\" tidak dikenal. Yang ada: {known}."),
            format!("The status \"{code}\" is not known. There are: {known}."),
        )
    })
}

fn forwarding(
    tx: &mut dyn Tx,
    operator: Operator<'_>,
    opened: &Opened,
    to: &str,
    note: &str,
) -> Result<Vec<Write>, Failure> {
    let office: Option<OfficeCode> = to.trim().parse().ok();
    let (unit, code) = match &office {
        Some(code) => (named(tx, code)?, code.as_str()),
        None => (to.trim().to_owned(), ""),
    };
    let group = work::group(opened, group::DISPOSISI)?;
    let texts = [("unit_tujuan", unit.as_str()), ("kantor_tujuan", code), ("catatan_disposisi", note)];
    let routing = work::write(opened, group, work::afresh(opened, &texts)?)?;
    Ok(vec![routing, stage(operator, opened, status::TERDISPOSISI, note)?])
}

/// Name of an office that a complaint can be handed to.
fn named(tx: &mut dyn Tx, code: &OfficeCode) -> Result<String, Failure> {
    let office = tx.office(code)?.ok_or_else(|| {
        Failure::new(
            Exit::Failed,
            format!("Kantor {code} belum terdaftar di pusat ini."),
            format!("The office {code} is not known at this hub."),
        )
        .with_hint("kentongan-hub office list", "kentongan-hub office list")
    })?;
    Ok(if office.name.is_empty() { code.to_string() } else { office.name })
}

fn answering(operator: Operator<'_>, opened: &Opened, text: &str) -> Result<Vec<Write>, Failure> {
    let group = work::group(opened, group::JAWABAN)?;
    let today = Zone::of(&opened.born.office).day_of(operator.now_ms).to_string();
    let texts = [("jawaban", text), ("dijawab_oleh", operator.name), ("tanggal_jawaban", &today)];
    let answer = work::write(opened, group, work::afresh(opened, &texts)?)?;
    Ok(vec![answer, stage(operator, opened, status::DIJAWAB, "")?])
}

/// A move to another status, with its reason and who moved it.
fn stage(operator: Operator<'_>, opened: &Opened, to: ChoiceTag, reason: &str) -> Result<Write, Failure> {
    let group = work::group(opened, group::STATUS)?;
    let mut values = work::afresh(opened, &[("alasan", reason), ("petugas_status", operator.name)])?;
    values.insert(status::FIELD, kentongan_protocol::form::Value::One(to));
    work::write(opened, group, values)
}

/// Where a complaint can go from here, in the order of the statuses.
fn next_steps(opened: &Opened) -> Vec<Said> {
    let from = opened.row.status.unwrap_or(status::DITERIMA);
    moves::next(from).filter_map(|rule| status_said(opened.form, rule.to)).collect()
}

/// Statuses that need nothing beside a reason; others come with an answer, a routing or a closing.
const MOVED_ALONE: [ChoiceTag; 5] =
    [status::TERVERIFIKASI, status::PERLU_DILENGKAPI, status::DIALIHKAN, status::DIPROSES, status::ARSIP];

fn with_more_to_say() -> Failure {
    Failure::usage(
        "Untuk langkah ini ada perintahnya sendiri: forward, answer, close, reopen.",
        "This step has a command of its own: forward, answer, close, reopen.",
    )
}

/// That a complaint may go from where it stands to `to`, and that what must be said is said.
fn may_move(opened: &Opened, to: ChoiceTag, reason: &str) -> Result<(), Failure> {
    let from = opened.row.status.unwrap_or(status::DITERIMA);
    let said = |choice| status_said(opened.form, choice);
    let name = |said: &Option<Said>, lang| said.as_ref().map_or("?", |said| said.in_lang(lang)).to_owned();
    let (from_said, to_said) = (said(from), said(to));
    let Some(rule) = moves::rule(from, to) else {
        let possible: Vec<String> = moves::next(from).filter_map(|rule| said(rule.to)).map(|said| said.code).collect();
        let possible = possible.join(", ");
        return Err(Failure::new(
            Exit::Failed,
            format!(
                "Aduan ini \"{}\" dan tidak bisa langsung menjadi \"{}\". Yang bisa: {possible}.",
                name(&from_said, Lang::Id),
                name(&to_said, Lang::Id)
            ),
            format!(
                "This complaint is \"{}\" and cannot become \"{}\" from there. Possible: {possible}.",
                name(&from_said, Lang::En),
                name(&to_said, Lang::En)
            ),
        ));
    };
    if rule.reason && reason.trim().is_empty() {
        return Err(Failure::usage(
            "Langkah ini perlu alasan; pelapor akan membacanya.",
            "This step needs a reason; the complainant will read it.",
        ));
    }
    Ok(())
}

/// That whoever writes to a complaint writes something.
fn must_say(text: &str) -> Result<(), Failure> {
    match text.trim() {
        "" => Err(Failure::usage("Tulis isinya dulu.", "Write what is to be said.")),
        _ => Ok(()),
    }
}

fn addition(tx: &mut dyn Tx, operator: Operator<'_>, opened: &Opened, what: &Addition) -> Result<Write, Failure> {
    let write =
        |tag, texts: &work::Texts<'_>| work::write(opened, work::group(opened, tag)?, work::afresh(opened, texts)?);
    match what {
        Addition::FollowUp(text) => {
            must_say(text)?;
            write(group::TINDAK_LANJUT, &[("tindak_lanjut", text), ("oleh", operator.name)])
        }
        Addition::Remark(text) => {
            must_say(text)?;
            write(group::CATATAN, &[("catatan", text), ("catatan_oleh", operator.name)])
        }
        Addition::Escalation { level, reason } => {
            let next = next_level(opened);
            let level = if level.trim().is_empty() { next.as_str() } else { level.as_str() };
            write(group::ESKALASI, &[("tingkat", level), ("alasan_eskalasi", reason)])
        }
        Addition::Related(other) => {
            let other = complaint(tx, other)?;
            write(group::TAUTAN, &[("kode_terkait", &name_of(&other.row)), ("hubungan", "terkait")])
        }
    }
}

/// The level above the highest that a complaint was taken to; the highest there is stays the highest.
fn next_level(opened: &Opened) -> String {
    let Some(field) = opened.form.field_named("tingkat") else { return String::new() };
    let entries = opened.form.group(group::ESKALASI).map(|group| GroupView::of(&opened.record, opened.form, group));
    let reached = match entries {
        Some(GroupView::Entries(entries)) => {
            let levels = entries.iter().filter_map(|(_, written)| written.values.get(&field.tag)?.choice());
            levels.filter_map(|level| field.choice(level)).map(|level| level.rank).max()
        }
        _ => None,
    };
    let above = field.choices().iter().filter(|level| reached.is_none_or(|reached| level.rank > reached));
    above.min_by_key(|level| level.rank).or(field.choices().last()).map_or_else(String::new, |level| level.code.clone())
}

/// Links two complaints that are the same, and files the first. Nothing is deleted: both stay readable, with their history.
fn merge(tx: &mut dyn Tx, operator: Operator<'_>, record: &str, into: &str) -> Result<Answer, Failure> {
    let (opened, kept) = (complaint(tx, record)?, complaint(tx, into)?);
    if opened.row.id == kept.row.id {
        return Err(Failure::usage("Keduanya aduan yang sama.", "Both are the same complaint."));
    }
    if kept.row.status == Some(status::ARSIP) {
        return Err(Failure::new(
            Exit::Failed,
            format!("Aduan {into} sendiri sudah diarsipkan."),
            format!("The complaint {into} is filed itself."),
        ));
    }
    let link = |of: &Opened, other: &Opened| {
        let texts = [("kode_terkait", name_of(&other.row)), ("hubungan", "duplikat".to_owned())];
        let texts: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (*name, text.as_str())).collect();
        work::write(of, work::group(of, group::TAUTAN)?, work::afresh(of, &texts)?)
    };
    let reason = format!("Duplikat dari {}", name_of(&kept.row));
    may_move(&opened, status::ARSIP, &reason)?;
    let back = vec![link(&kept, &opened)?];
    changed(tx, operator, &kept, back, "complaint.linked")?;
    let writes = vec![link(&opened, &kept)?, stage(operator, &opened, status::ARSIP, &reason)?];
    changed(tx, operator, &opened, writes, "complaint.merged")
}

fn editing(tx: &mut dyn Tx, opened: &Opened, fields: &[(String, String)]) -> Result<Vec<Write>, Failure> {
    let mut groups = Vec::new();
    for (name, _) in fields {
        let field = opened.form.field_named(name).ok_or_else(|| {
            Failure::usage(
                format!("Aduan tidak punya isian \"{name}\"."),
                format!("A complaint has no field \"{name}\"."),
            )
        })?;
        if !groups.contains(&field.group) {
            groups.push(field.group);
        }
    }
    let mut writes = Vec::new();
    for tag in groups {
        let group = work::group(opened, tag)?;
        if tx.conflicts_of(opened.row.id)?.iter().any(|conflict| conflict.group == tag) {
            return Err(Failure::new(
                Exit::Decide,
                format!("Di \"{}\" ada bentrok yang harus diputuskan dulu.", group.label.id),
                format!("There is a conflict in \"{}\" that must be decided first.", group.label.en),
            )
            .with_hint("kentongan-hub conflict show KODE", "kentongan-hub conflict show CODE"));
        }
        let named = fields.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        let of_group: Vec<(&str, &str)> =
            named.filter(|(name, _)| opened.form.field_named(name).is_some_and(|field| field.group == tag)).collect();
        writes.push(work::write(opened, group, work::on_top(opened, group, &of_group)?)?);
    }
    Ok(writes)
}

/// Writes, notes it, and tells what became of the complaint.
fn changed(
    tx: &mut dyn Tx,
    operator: Operator<'_>,
    opened: &Opened,
    writes: Vec<Write>,
    event: &str,
) -> Result<Answer, Failure> {
    let groups: Vec<String> =
        writes.iter().filter_map(|write| opened.form.group(write.group)).map(|group| group.name.clone()).collect();
    let op = work::commit(tx, operator, opened, writes)?;
    operator.note(tx, event, &opened.row, json!({"op": op.to_string(), "groups": groups}))?;
    let row = tx.record(opened.row.id)?;
    let offices = std::iter::once(opened.born.office.clone()).chain(tx.shared_with(opened.row.id)?);
    Ok(Answer::Changed(Changed {
        id: opened.row.id.to_string(),
        code: opened.born.code.map(|code| code.to_string()),
        op: op.to_string(),
        status: row.and_then(|row| row.status).and_then(|status| status_said(opened.form, status)),
        offices: offices.map(|office| office.to_string()).collect(),
    }))
}
