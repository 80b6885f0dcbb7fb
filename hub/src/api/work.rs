//! Complaints, surveys, conflicts and the audit trail.

use kentongan_host::Lang;
use kentongan_protocol::receipt::ReceiptCode;
use kentongan_protocol::survey::Weight;

use super::problem::Wrong;
use super::shape::Time;
use super::shapes::*;
use super::table::{Call, Given};
use crate::service::complaint::{self, Request};
use crate::service::record::{Opened, Operator, opened};
use crate::service::view::{Authors, document, status_said};
use crate::service::{self, Desk, audit, conflict, export, filing, survey};
use crate::store::{Page, Tx};

/// Lines of a page of the audit trail.
const AUDIT_LINES: usize = 500;

pub(super) fn complaints(tx: &mut dyn Tx, desk: &Desk, call: &Call) -> Result<Given, Wrong> {
    let before = match call.param("cursor") {
        Some(cursor) => Some(cursor.parse().map_err(|_| Wrong::unprocessable("cursor: the `next` of a page"))?),
        None => None,
    };
    let request = Request::List {
        office: call.param("office").map(str::to_owned),
        status: call.param("status").map(str::to_owned),
        text: None,
        before,
        limit: u32::try_from(call.limit()?).unwrap_or(u32::MAX),
    };
    let complaint::Answer::List(list) = complaint::execute(tx, desk, &request)? else { return Err(unexpected()) };
    let next = list.before.map(|before| before.to_string());
    Given::of(Complaints { items: list.complaints.into_iter().map(ComplaintLine::from).collect(), next })
}

fn unexpected() -> Wrong {
    Wrong::unprocessable("This cannot be answered so.")
}

/// The complaint that the path names.
fn named(tx: &mut dyn Tx, call: &Call) -> Result<Opened, Wrong> {
    let unknown = || Wrong::not_found("There is no such complaint.");
    let code: ReceiptCode = call.part(0).parse().map_err(|_| unknown())?;
    let mut rows = tx.records_coded(code)?;
    if rows.len() > 1 {
        return Err(Wrong::new(hyper::StatusCode::CONFLICT, "Several complaints have this code; use the console."));
    }
    let row = rows.pop().ok_or_else(unknown)?;
    let found = opened(tx, row)?.ok_or_else(unknown)?;
    match found.born.form {
        kentongan_protocol::form::builtin::pengaduan::TAG => Ok(found),
        _ => Err(unknown()),
    }
}

/// Changes with every change of the complaint.
fn tag(opened: &Opened) -> String {
    format!("{}.{}", opened.row.number, opened.row.changed)
}

/// The complaint that the path names, if it is still as the caller has seen it.
fn as_seen(tx: &mut dyn Tx, call: &Call) -> Result<Opened, Wrong> {
    let opened = named(tx, call)?;
    let same =
        |seen: &String| seen.trim() == "*" || seen.split(',').any(|one| one.trim().trim_matches('"') == tag(&opened));
    match call.if_match.as_ref().is_none_or(same) {
        true => Ok(opened),
        false => Err(Wrong::new(hyper::StatusCode::PRECONDITION_FAILED, "It has changed since you read it.")),
    }
}

pub(super) fn complaint(tx: &mut dyn Tx, desk: &Desk, call: &Call) -> Result<Given, Wrong> {
    let opened = named(tx, call)?;
    let operator = Operator::from(desk);
    if call.sees_identities {
        operator.note(tx, "complaint.read", &opened.row, serde_json::json!({ "by": "api" }))?;
    }
    let fields = export::flat(tx, &mut Authors::new(operator), &opened, !call.sees_identities)?;
    let complaint = Complaint {
        code: opened.born.code.map(|code| code.to_string()),
        id: opened.row.id.to_string(),
        office: opened.born.office.to_string(),
        status: opened.row.status.and_then(|status| status_said(opened.form, status)).map(Word::from),
        received_at: Time(opened.row.received_ms),
        fields: fields.into_iter().filter(|(name, _)| is_of_form(&opened, name)).collect(),
    };
    Ok(Given::of(complaint)?.tagged(tag(&opened)))
}

/// Whether something of a flat record belongs to its form, not to what the hub says of it.
fn is_of_form(opened: &Opened, name: &str) -> bool {
    opened.form.field_named(name).is_some() || opened.form.group_named(name).is_some()
}

pub(super) fn timeline(tx: &mut dyn Tx, desk: &Desk, call: &Call) -> Result<Given, Wrong> {
    let opened = named(tx, call)?;
    let document = document(tx, Operator::from(desk), &opened)?;
    let happening = |event: service::view::Event| {
        let status = event.writes.iter().flat_map(|write| &write.answers).find(|answer| answer.field.code == "status");
        let status = status.map(|answer| {
            let (id, en) = (answer.shown.in_lang(Lang::Id).to_owned(), answer.shown.in_lang(Lang::En).to_owned());
            Word { code: answer.value.clone(), id, en }
        });
        Happening {
            at: Time(event.by.when.at),
            received_at: Time(event.received_at),
            office: event.by.office,
            at_hub: event.by.at_hub,
            parts: event.writes.into_iter().map(|write| Word::from(write.group)).collect(),
            status,
        }
    };
    Given::of(Timeline { items: document.history.into_iter().map(happening).collect() })
}

pub(super) fn file(tx: &mut dyn Tx, desk: &Desk, call: &Call) -> Result<Given, Wrong> {
    let NewComplaint { office, fields } = call.taken()?;
    let filed = filing::file(tx, desk, &office, &fields)?;
    let changed = Changed { code: Some(filed.code.to_string()), id: filed.id.to_string(), status: None };
    Ok(Given::of(changed)?.created())
}

fn changed(tx: &mut dyn Tx, desk: &Desk, request: &Request) -> Result<Given, Wrong> {
    match complaint::execute(tx, desk, request)? {
        complaint::Answer::Changed(changed) => Given::of(Changed::from(changed)),
        _ => Err(unexpected()),
    }
}

pub(super) fn step(tx: &mut dyn Tx, desk: &Desk, call: &Call) -> Result<Given, Wrong> {
    let Transition { to, reason, unit } = call.taken()?;
    let record = as_seen(tx, call)?.row.id.to_string();
    let reason = reason.unwrap_or_default();
    let request = match (to.as_str(), unit) {
        ("terdisposisi", Some(unit)) => Request::Forward { record, to: unit, note: reason },
        ("terdisposisi", None) => return Err(Wrong::unprocessable("unit: who gets it")),
        ("dijawab", _) => return Err(Wrong::unprocessable("to: an answer is given at …/answers")),
        ("selesai", _) => Request::Close { record, reason },
        ("dibuka_kembali", _) => Request::Reopen { record, reason },
        _ => Request::Move { record, to, reason },
    };
    changed(tx, desk, &request)
}

pub(super) fn answer(tx: &mut dyn Tx, desk: &Desk, call: &Call) -> Result<Given, Wrong> {
    let NewAnswer { text } = call.taken()?;
    let record = as_seen(tx, call)?.row.id.to_string();
    changed(tx, desk, &Request::Answer { record, text })
}

pub(super) fn index(tx: &mut dyn Tx, desk: &Desk, call: &Call) -> Result<Given, Wrong> {
    let month = |name: &str| {
        let text =
            call.param(name).ok_or_else(|| Wrong::unprocessable(&format!("{name}: a month, such as 2026-01")))?;
        Ok::<_, Wrong>(text.to_owned())
    };
    let request =
        survey::Request::Index { from: month("from")?, to: month("to")?, area: call.param("area").map(str::to_owned) };
    let survey::Answer::Index(found) = survey::execute(tx, desk, &request)? else { return Err(unexpected()) };
    let unit = |(office, unit): (String, survey::Unit)| SurveyUnit {
        office,
        complete: unit.complete,
        incomplete: unit.incomplete,
        scores: unit.scores.to_vec(),
        index: unit.sums().index(Weight::Ninth).map(|index| f64::from(index.0) / 100.0),
    };
    let survey::Index { page, settled, .. } = *found;
    let missing = page.missing().filter(|_| settled).map(|place| place.office.clone()).collect();
    let (units, ranked_from) = (page.units.into_iter().map(unit).collect(), page.ranked_from);
    Given::of(SurveyIndex { units, ranked_from, settled, missing })
}

pub(super) fn conflicts(tx: &mut dyn Tx, desk: &Desk, call: &Call) -> Result<Given, Wrong> {
    let request = conflict::Request::List { office: call.param("office").map(str::to_owned) };
    let conflict::Answer::List(list) = conflict::execute(tx, desk, &request)? else { return Err(unexpected()) };
    Given::of(Conflicts { items: list.conflicts.into_iter().map(Conflict::from).collect() })
}

pub(super) fn audit_lines(tx: &mut dyn Tx, _: &Desk, call: &Call) -> Result<Given, Wrong> {
    let after: u64 = match call.param("cursor") {
        Some(cursor) => cursor.parse().map_err(|_| Wrong::unprocessable("cursor: the `next` of a page"))?,
        None => 0,
    };
    let lines = tx.audit_log(Page::After(after), AUDIT_LINES)?;
    let next = lines.last().filter(|_| lines.len() == AUDIT_LINES).map(|line| line.number.to_string());
    Given::of(AuditLines { items: lines.iter().map(|line| AuditLine::from(audit::Line::from(line))).collect(), next })
}

pub(super) fn audit_check(tx: &mut dyn Tx, desk: &Desk, _: &Call) -> Result<Given, Wrong> {
    let audit::Verified { whole, entries, broken_at, .. } = {
        let verified = audit::verify(tx)?;
        audit::note_verified(tx, &desk.actor, desk.now_ms, &verified)?;
        verified
    };
    Given::of(AuditCheck { whole, entries, broken_at })
}

pub(super) fn track(tx: &mut dyn Tx, desk: &Desk, call: &Call) -> Result<Given, Wrong> {
    let code: ReceiptCode = call
        .part(0)
        .parse()
        .map_err(|error: kentongan_protocol::receipt::CodeError| Wrong::unprocessable(&error.sentence(Lang::En)))?;
    let found = service::track::track(tx, desk, code)?;
    let found = found.ok_or_else(|| Wrong::not_found("The hub does not have this code yet."))?;
    Given::of(Tracking::from(found))
}
