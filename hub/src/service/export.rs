//! Records as lines of JSON, for other programs: flat, every field by its form name, each time with its source and error.
//!
//! An export goes page by page. A page is one transaction and holds little, so an export of a million records neither
//! fills memory nor stops an office from being answered.

use kentongan_host::{Failure, moment};
use kentongan_protocol::form::builtin::{pengaduan, skm, suara};
use kentongan_protocol::form::{Field, Form, FormTag, Group, MergeClass, Value};
use kentongan_protocol::merge::{Candidate, GroupView, Written};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::Desk;
use super::record::{Opened, Operator, opened};
use super::view::{Author, Authors, Hidden};
use crate::accept::note;
use crate::store::{Page, RecordFilter, Tx};

/// Stands where something is hidden.
pub(crate) const MASK: &str = "***";
/// Records of a page.
const PAGE_RECORDS: usize = 200;
/// Records looked at for a page.
const PAGE_SCANNED: usize = 5_000;
/// A page ends after so many bytes.
const PAGE_BYTES_AIM: usize = 1 << 20;

/// What can be exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Complaints.
    Complaints,
    /// Survey answers.
    Surveys,
    /// Quick votes at kiosks.
    Votes,
    /// Offices.
    Offices,
}

/// Asks for a page. The first one is after 0; the next ones are after what the page before says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// What.
    pub what: What,
    /// Where the page begins.
    pub after: u64,
    /// Received at the hub at this time or later, milliseconds since 1970.
    pub since_ms: Option<i64>,
    /// Received at the hub before this time, milliseconds since 1970.
    pub until_ms: Option<i64>,
    /// Whether it is hidden who a citizen is, and what a confidential complaint says: not what stands there is told, but
    /// that something does.
    #[serde(default)]
    pub masked: bool,
}

/// A page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// One JSON object for each record, without line ends.
    pub lines: Vec<String>,
    /// Where the next page begins; `None` after the last one.
    pub next: Option<u64>,
}

/// Gives a page of an export.
///
/// # Errors
/// A failure of the store.
pub fn execute(tx: &mut dyn Tx, desk: &Desk, request: &Request) -> Result<Answer, Failure> {
    run(tx, desk.into(), request)
}

pub(crate) fn run(tx: &mut dyn Tx, operator: Operator<'_>, request: &Request) -> Result<Answer, Failure> {
    if request.after == 0 {
        let range = json!({"since_ms": request.since_ms, "until_ms": request.until_ms, "masked": request.masked});
        note(tx, operator.now_ms, operator.name, "export.begun", name_of(request.what), range)?;
    }
    match request.what {
        What::Complaints => records(tx, operator, request, pengaduan::TAG),
        What::Surveys => records(tx, operator, request, skm::TAG),
        What::Votes => records(tx, operator, request, suara::TAG),
        What::Offices => offices(tx),
    }
}

fn name_of(what: What) -> &'static str {
    match what {
        What::Complaints => "complaints",
        What::Surveys => "surveys",
        What::Votes => "votes",
        What::Offices => "offices",
    }
}

fn offices(tx: &mut dyn Tx) -> Result<Answer, Failure> {
    let replicas = tx.replicas()?;
    let line = |office: crate::store::Office| {
        let devices = replicas.iter().filter(|replica| replica.office == office.code).count();
        let (code, added_at) = (office.code.to_string(), moment::text(office.added_ms));
        json!({"schema": "kentongan.office/1", "office": code, "name": office.name, "added_at": added_at, "devices": devices})
            .to_string()
    };
    Ok(Answer { lines: tx.offices()?.into_iter().map(line).collect(), next: None })
}

fn records(tx: &mut dyn Tx, operator: Operator<'_>, request: &Request, form: FormTag) -> Result<Answer, Failure> {
    let filter = RecordFilter { form: Some(form), ..RecordFilter::default() };
    let mut authors = Authors::new(operator);
    let (mut lines, mut bytes, mut scanned, mut after) = (Vec::new(), 0, 0, request.after);
    while lines.len() < PAGE_RECORDS && bytes < PAGE_BYTES_AIM && scanned < PAGE_SCANNED {
        let rows = tx.records(&filter, Page::After(after), PAGE_RECORDS - lines.len())?;
        if rows.is_empty() {
            return Ok(Answer { lines, next: None });
        }
        for row in rows {
            after = row.number;
            scanned += 1;
            let early = request.since_ms.is_some_and(|since| row.received_ms < since);
            let late = request.until_ms.is_some_and(|until| row.received_ms >= until);
            if early || late {
                continue;
            }
            if let Some(opened) = opened(tx, row)? {
                let line = Json::Object(flat(tx, &mut authors, &opened, request.masked)?).to_string();
                bytes += line.len();
                lines.push(line);
            }
            if bytes >= PAGE_BYTES_AIM {
                break;
            }
        }
    }
    Ok(Answer { lines, next: Some(after) })
}

/// A record as one flat object, possibly without what tells who a citizen is.
pub(crate) fn flat(
    tx: &mut dyn Tx,
    authors: &mut Authors<'_>,
    opened: &Opened,
    masked: bool,
) -> Result<Map<String, Json>, Failure> {
    let Opened { row, born, form, record } = opened;
    let created = tx.op(row.id.0)?;
    let op = created.as_ref().and_then(|created| created.op().ok());
    let entered = match &op {
        Some(op) => Some(authors.of(tx, row.id.0, &op.author, op.elapsed_ms)?),
        None => None,
    };
    let mut line = Map::new();
    line.insert("schema".into(), schema(form).into());
    line.insert("id".into(), row.id.to_string().into());
    line.insert("code".into(), born.code.map(|code| code.to_string()).into());
    line.insert("office".into(), born.office.to_string().into());
    line.insert("form".into(), form.name.clone().into());
    line.insert("replica".into(), entered.as_ref().map(|author| author.replica.clone()).into());
    line.insert("author".into(), entered.as_ref().map(|author| author.name.clone()).into());
    let mut conflicts = Vec::new();
    for group in &form.groups {
        let view = GroupView::of(record, form, group);
        match &view {
            GroupView::Entries(entries) => {
                line.insert(group.name.clone(), list(tx, authors, form, group, entries)?);
            }
            _ if group.merge == MergeClass::Add => {
                line.insert(group.name.clone(), Json::Array(Vec::new()));
            }
            _ => {
                let shown = view.shown();
                for field in form.fields_of(group.tag) {
                    let value = shown.and_then(|values| values.get(&field.tag));
                    line.insert(field.name.clone(), value.map_or(Json::Null, |value| plain(field, value)));
                }
            }
        }
        if let GroupView::Conflict(candidates) = &view {
            conflicts.push(conflict(tx, authors, form, group, candidates)?);
        }
    }
    line.insert("conflicts".into(), Json::Array(conflicts));
    if masked {
        let hidden = Hidden::of(opened);
        hide(&mut line, form.fields.iter().filter(|field| hidden.hides(field)));
    }
    let when = entered.map(|author| when(&author));
    line.insert("entered_at".into(), when.unwrap_or(Json::Null));
    let received_ms = created.map_or(row.received_ms, |created| created.received_ms);
    line.insert("received_at".into(), moment::text(received_ms).into());
    Ok(line)
}

/// Hides what stands in some fields, wherever the line shows them.
fn hide<'f>(line: &mut Map<String, Json>, hidden: impl Iterator<Item = &'f Field>) {
    let hidden: Vec<&Field> = hidden.collect();
    let cover = |values: &mut Map<String, Json>| {
        for field in &hidden {
            if let Some(value) = values.get_mut(&field.name).filter(|value| !value.is_null() && !value.is_array()) {
                *value = MASK.into();
            }
        }
    };
    cover(line);
    for value in line.values_mut() {
        for entry in value.as_array_mut().into_iter().flatten().filter_map(Json::as_object_mut) {
            cover(entry);
            let standing = entry.get_mut("values").and_then(Json::as_array_mut).into_iter().flatten();
            standing.filter_map(Json::as_object_mut).for_each(cover);
        }
    }
}

fn schema(form: &Form) -> &'static str {
    match form.tag {
        pengaduan::TAG => "kentongan.complaint/1",
        skm::TAG => "kentongan.survey/1",
        suara::TAG => "kentongan.vote/1",
        _ => "kentongan.record/1",
    }
}

/// A value as other programs take it: numbers as numbers, everything else as its canonical text.
fn plain(field: &Field, value: &Value) -> Json {
    match value {
        Value::Whole(number) => Json::from(*number),
        Value::Decimal { .. } => serde_json::from_str(&value.render(field)).unwrap_or(Json::Null),
        _ => Json::from(value.render(field)),
    }
}

/// The values of a write, by field.
fn values(form: &Form, group: &Group, written: &Written) -> Map<String, Json> {
    let fields = form.fields_of(group.tag).filter_map(|field| Some((field, written.values.get(&field.tag)?)));
    fields.map(|(field, value)| (field.name.clone(), plain(field, value))).collect()
}

fn when(author: &Author) -> Json {
    let at = &author.when;
    json!({"value": moment::text(at.at), "source": at.source, "error_ms": at.error_ms})
}

/// The entries of a growing group.
fn list(
    tx: &mut dyn Tx,
    authors: &mut Authors<'_>,
    form: &Form,
    group: &Group,
    entries: &[(kentongan_protocol::ids::OpId, &Written)],
) -> Result<Json, Failure> {
    let mut all = Vec::with_capacity(entries.len());
    for (id, written) in entries {
        let author = authors.of(tx, *id, &written.author, written.elapsed_ms)?;
        let mut entry = values(form, group, written);
        entry.insert("author".into(), author.name.clone().into());
        entry.insert("written_at".into(), when(&author));
        all.push(Json::Object(entry));
    }
    Ok(Json::Array(all))
}

/// A conflict: all values that stand, the one that is displayed first.
fn conflict(
    tx: &mut dyn Tx,
    authors: &mut Authors<'_>,
    form: &Form,
    group: &Group,
    candidates: &[Candidate<'_>],
) -> Result<Json, Failure> {
    let mut all = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        let mut entry = values(form, group, candidate.written);
        if let Some(latest) = candidate.ops.first() {
            let author = authors.of(tx, *latest, &candidate.written.author, candidate.written.elapsed_ms)?;
            entry.insert("op".into(), latest.to_string().into());
            entry.insert("author".into(), author.name.clone().into());
            entry.insert("written_at".into(), when(&author));
        }
        all.push(Json::Object(entry));
    }
    Ok(json!({"group": group.name, "values": all}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kentongan_protocol::form::{Privacy, builtin};

    #[test]
    fn hidden_are_all_fields_that_tell_who_somebody_is_also_in_conflicts_and_lists() {
        let form = builtin::by_tag(pengaduan::TAG).expect("the form of complaints");
        let mut line = json!({
            "nik": "3273010101010001", "nama_pelapor": null, "uraian": "antre",
            "lampiran": [{"lampiran": "foto.jpg", "author": "Siti"}],
            "conflicts": [{"group": "pelapor", "values": [{"nama_pelapor": "Tini", "op": "1"}]}],
        });
        let hidden = form.fields.iter().filter(|field| field.privacy == Privacy::Identity);
        hide(line.as_object_mut().expect("an object"), hidden);
        let expected = json!({
            "nik": "***", "nama_pelapor": null, "uraian": "antre",
            "lampiran": [{"lampiran": "***", "author": "Siti"}],
            "conflicts": [{"group": "pelapor", "values": [{"nama_pelapor": "***", "op": "1"}]}],
        });
        assert_eq!(line, expected);
    }
}
