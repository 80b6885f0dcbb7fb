//! What commands answer with: JSON documents whose keys are contracts with scripts.

use kentongan_host::ktg::Ktg;
use kentongan_host::moment;
use kentongan_protocol::attachment::{Attachment, Media};
use kentongan_protocol::form::{Form, Lang, MergeClass, Value as FieldValue, builtin};
use kentongan_protocol::ids::OpId;
use kentongan_protocol::judge::Quarantine;
use kentongan_protocol::merge::{GroupView, Written};
use kentongan_protocol::wire::v1::VerdictFrame;
use serde_json::{Map, Value, json};

use crate::room::Room;
use crate::rules::LinkUse;
use crate::store::{AttachmentState, AttachmentTotals, Counts, Entry, Link, Member, Mishap, RecordSummary};

/// Facts about the running service, where one runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct ServiceState {
    /// When it started, by this PC's clock; `None` when the command looks at a store without a service.
    pub(crate) since_ms: Option<i64>,
    /// Whether it is talking to the hub right now.
    pub(crate) in_contact: bool,
    /// Where its page is.
    pub(crate) page: Option<String>,
}

/// How everything stands, all of one moment.
#[derive(Debug)]
pub(crate) struct Standing {
    /// What enrolment gave.
    pub(crate) member: Option<Member>,
    /// Where the hub is.
    pub(crate) hub_url: String,
    /// How many records are where.
    pub(crate) counts: Counts,
    /// Files that records name.
    pub(crate) attachments: AttachmentTotals,
    /// How the link stands.
    pub(crate) link: Link,
    /// The rules of the link, what went over it, and what may go now.
    pub(crate) data: LinkUse,
    /// What last happened to the store, if anything did.
    pub(crate) mishap: Option<Mishap>,
    /// The service.
    pub(crate) service: ServiceState,
    /// When the device certificate ends, milliseconds since 1970.
    pub(crate) certificate_ends_ms: Option<i64>,
    /// Bytes free on the disk of the store; `None`: it does not tell.
    pub(crate) free_bytes: Option<u64>,
    /// For how long they are enough.
    pub(crate) room: Room,
    /// This PC's clock.
    pub(crate) now_ms: i64,
    /// Without a contact for this long, people are reminded.
    pub(crate) warn_after_ms: i64,
    /// Without a contact for this long, something is wrong.
    pub(crate) error_after_ms: i64,
}

/// `kentongan.agent.status/1`.
pub(crate) fn status(status: &Standing) -> Value {
    let Standing { counts, link, .. } = status;
    let by_form: Map<String, Value> = counts
        .by_form
        .iter()
        .map(|(tag, count)| {
            (builtin::by_tag(*tag).map_or_else(|| tag.to_string(), |form| form.name.clone()), json!(count))
        })
        .collect();
    json!({
        "schema": "kentongan.agent.status/1",
        "enrolled": status.member.is_some(),
        "office": status.member.as_ref().map(|member| member.office.as_str()),
        "office_name": status.member.as_ref().map(|member| member.office_name.as_str()),
        "replica": status.member.as_ref().map(|member| member.replica.to_string()),
        "hub": status.hub_url,
        "state": state(status),
        "healthy": healthy(status),
        "all_arrived": counts.ops_pending == 0 && status.attachments.waiting == 0,
        "queue": {
            "queued": if status.service.in_contact { 0 } else { counts.queued },
            "sending": if status.service.in_contact { counts.queued } else { 0 },
            "rejected": counts.rejected,
            "oldest_at": counts.oldest_ms.map(moment::text),
        },
        "entered_total": counts.entered,
        "arrived_total": counts.arrived,
        "secured_total": counts.secured,
        "states": {
            "saved": counts.entered.saturating_sub(counts.arrived),
            "arrived": counts.arrived.saturating_sub(counts.secured),
            "secured": counts.secured,
        },
        "entered": by_form,
        "conflicts": counts.conflicts,
        "attachments": {
            "queued": status.attachments.waiting,
            "queued_bytes": status.attachments.waiting_bytes,
            "begun_bytes": status.attachments.begun_bytes,
            "arrived": status.attachments.arrived,
            "rejected": status.attachments.set_aside,
        },
        "data": data(status),
        "ops": { "written": counts.ops_written, "pending": counts.ops_pending },
        "last_success_at": link.last_success.as_ref().map(|contact| moment::text(contact.ended_ms)),
        "last_attempt_at": link.last.as_ref().map(|contact| moment::text(contact.ended_ms)),
        "last_error": link.last.as_ref().filter(|contact| contact.code != 0).map(|contact| {
            json!({ "code": format!("KTG-{}", contact.code), "detail": contact.detail })
        }),
        "failures": link.failures,
        "next_attempt_at": link.next_ms.map(moment::text),
        "twin": link.twin,
        "given_back": link.given_back,
        "hub_backed_up_at": link.hub_backed_up_ms.map(moment::text),
        "hub_forgot": link.hub_forgot,
        "mishap": status.mishap.as_ref().map(mishap),
        "clock_offset_s": link.offset_ms.map(|offset| offset as f64 / 1000.0),
        "cert_expires_at": status.certificate_ends_ms.map(moment::text),
        "store_free_bytes": status.free_bytes.unwrap_or(0),
        "room": status.room.json(),
        "version": crate::update::running().to_string(),
        "protocol": link.protocol,
        "service": {
            "running": status.service.since_ms.is_some(),
            "since": status.service.since_ms.map(moment::text),
        },
        "page": status.service.page,
    })
}

/// What went over the link, and what the rules hold back until when.
fn data(status: &Standing) -> Value {
    let LinkUse { rules, spent, allowance } = &status.data;
    let until_ms = allowance.because.and_then(|(_, left_ms)| left_ms);
    let until_ms = until_ms.map(|left_ms| status.now_ms.saturating_add(i64::try_from(left_ms).unwrap_or(i64::MAX)));
    json!({
        "day_bytes": spent.day,
        "day_max": (rules.day_bytes > 0).then_some(rules.day_bytes),
        "month_bytes": spent.month,
        "month_max": (rules.month_bytes > 0).then_some(rules.month_bytes),
        "allowed": allowance.allowed.code(),
        "because": allowance.because.map(|(why, _)| why.code()),
        "until": until_ms.map(moment::text),
    })
}

/// What happened to the store: `damaged` and repaired, or `missing` entries.
fn mishap(mishap: &Mishap) -> Value {
    json!({
        "code": Ktg::StoreRepaired.to_string(),
        "kind": if mishap.damaged { "damaged" } else { "missing" },
        "at": moment::text(mishap.at_ms),
        "kept_ops": mishap.kept_ops,
        "lost_ops": mishap.lost_ops,
        "given_back_ops": mishap.given_back,
        "waiting_for_lost_ops": mishap.strays,
        "latest_kept_at": mishap.since_ms.map(moment::text),
        "aside": (!mishap.aside.is_empty()).then_some(&mishap.aside),
        "detail": mishap.detail,
        "message": { "id": sentence(mishap, Lang::Id), "en": sentence(mishap, Lang::En) },
    })
}

/// One sentence for people.
pub(crate) fn sentence(mishap: &Mishap, lang: Lang) -> String {
    let Mishap { kept_ops, lost_ops, given_back, aside, .. } = mishap;
    let at = moment::text(mishap.at_ms);
    let since = mishap.since_ms.map_or_else(|| "-".to_owned(), moment::text);
    match (lang, mishap.damaged) {
        (Lang::Id, true) => format!(
            "Penyimpanan rusak dan dipulihkan pada {at}: {kept_ops} perubahan terselamatkan, {lost_ops} tidak terbaca, \
             {given_back} sudah kembali dari pusat; berkas yang rusak disimpan di {aside}."
        ),
        (Lang::En, true) => format!(
            "The store was damaged and repaired at {at}: {kept_ops} changes saved, {lost_ops} unreadable, {given_back} \
             given back by the hub; the damaged files are kept in {aside}."
        ),
        (Lang::Id, false) => format!(
            "{lost_ops} perubahan hilang dari penyimpanan sejak {since} (diketahui pada {at}); {given_back} sudah kembali \
             dari pusat."
        ),
        (Lang::En, false) => format!(
            "{lost_ops} changes are missing from the store since {since} (noticed at {at}); {given_back} given back by \
             the hub."
        ),
    }
}

/// One word for how the link stands.
fn state(status: &Standing) -> &'static str {
    match (&status.member, &status.link.last) {
        (None, _) => "not_enrolled",
        _ if status.service.in_contact => "sending",
        (_, None) => "never",
        (_, Some(last)) if last.code == 0 => "ok",
        _ => "offline",
    }
}

/// Stays true while offline within patience: nobody must be called because a village has no signal.
fn healthy(status: &Standing) -> bool {
    let silent_ms = match &status.link.last_success {
        Some(contact) => status.now_ms.saturating_sub(contact.ended_ms),
        None => 0,
    };
    let patient = silent_ms < status.error_after_ms;
    let hard_fault = status.link.last.as_ref().is_some_and(|last| matches!(last.code, 104 | 105 | 107 | 110 | 111));
    status.member.is_some() && patient && !hard_fault && !status.link.twin && status.counts.rejected == 0
}

/// A line of a list.
pub(crate) fn summary(summary: &RecordSummary) -> Value {
    json!({
        "id": summary.record.to_string(),
        "form": form_name(summary.form),
        "code": summary.code.map(|code| code.to_string()),
        "state": summary.state.code(),
        "own": summary.own,
        "entered_at": moment::text(summary.wall_ms),
        "changed_at": moment::text(summary.changed_ms),
        "conflicts": summary.conflicts,
        "arrived_at": summary.arrival.map(|arrival| moment::text(arrival.hub_ms)),
        "arrived_number": summary.arrival.map(|arrival| arrival.seq),
    })
}

/// Everything about a record: what stands, what is beside each other, who wrote what.
pub(crate) fn entry(entry: &Entry, member: Option<&Member>, lang: Lang) -> Value {
    let mut document = summary(&entry.summary);
    let Some(form) = builtin::by_tag(entry.summary.form) else { return document };
    let (mut fields, mut conflicts) = (Map::new(), Vec::new());
    for group in &form.groups {
        let view = GroupView::of(&entry.record, form, group);
        if let Some(values) = view.shown() {
            fields.extend(named(form, values));
        }
        match &view {
            GroupView::Entries(entries) => {
                let list = entries.iter().map(|(_, written)| Value::Object(named(form, &written.values).collect()));
                fields.insert(group.name.clone(), Value::Array(list.collect()));
            }
            GroupView::Conflict(candidates) => conflicts.push(json!({
                "group": group.name,
                "values": candidates.iter().map(|candidate| json!({
                    "op": candidate.ops.first().map(OpId::to_string),
                    "author": candidate.written.author,
                    "fields": Value::Object(named(form, &candidate.written.values).collect()),
                })).collect::<Vec<_>>(),
            })),
            _ => {}
        }
    }
    let history = history(entry, form, member);
    let faults: Vec<Value> = entry.verdicts.iter().flat_map(|(_, verdict)| faults(form, verdict, lang)).collect();
    if let Value::Object(document) = &mut document {
        document.insert("fields".into(), Value::Object(fields));
        document.insert("conflicting".into(), Value::Array(conflicts));
        document.insert("repair".into(), Value::Array(faults));
        document.insert("history".into(), Value::Array(history));
    }
    document
}

/// A file that a record names, and where it is: `None` if it is not kept on this PC.
pub(crate) fn attachment(named: &Attachment, state: Option<AttachmentState>) -> Value {
    let at_hub = match state {
        Some(AttachmentState::Waiting { at_hub }) => Some(at_hub),
        Some(AttachmentState::Arrived | AttachmentState::Secured | AttachmentState::PutAway) => {
            Some(named.content.bytes)
        }
        _ => None,
    };
    json!({
        "name": named.name,
        "bytes": named.content.bytes,
        "media": Media::from_number(named.content.media).map(Media::mime),
        "sha256": named.content.hash.to_string(),
        "state": state.map(AttachmentState::code),
        "bytes_at_hub": at_hub,
    })
}

/// The files that a record names.
pub(crate) fn attachments_of(entry: &Entry) -> Vec<Attachment> {
    let Some(form) = builtin::by_tag(entry.summary.form) else { return Vec::new() };
    let views = form.groups.iter().map(|group| GroupView::of(&entry.record, form, group));
    let values = views.flat_map(|view| match view {
        GroupView::Entries(entries) => entries.iter().flat_map(|(_, written)| files(&written.values)).collect(),
        view => view.shown().map(|values| files(values).collect::<Vec<_>>()).unwrap_or_default(),
    });
    values.collect()
}

fn files(values: &std::collections::BTreeMap<u16, FieldValue>) -> impl Iterator<Item = Attachment> {
    values.values().filter_map(|value| match value {
        FieldValue::Attachment(named) => Some(named.clone()),
        _ => None,
    })
}

fn named<'a>(
    form: &'a Form,
    values: &'a std::collections::BTreeMap<u16, FieldValue>,
) -> impl Iterator<Item = (String, Value)> + 'a {
    values.iter().filter_map(|(tag, value)| {
        let field = form.field(*tag)?;
        let value = match value {
            FieldValue::Whole(number) => json!(number),
            other => json!(other.render(field)),
        };
        Some((field.name.clone(), value))
    })
}

/// A write, and whose it is.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    /// The op.
    pub(crate) op: OpId,
    /// The group.
    pub(crate) group: u16,
    /// What was written, by whom.
    pub(crate) written: &'a Written,
    /// `this_pc`, `hub` or `office`.
    pub(crate) by: &'static str,
    /// Something written later took its place.
    pub(crate) is_replaced: bool,
}

/// Who wrote what, in hybrid order.
pub(crate) fn lines<'a>(entry: &'a Entry, form: &Form, member: Option<&Member>) -> Vec<Line<'a>> {
    let by = |id: OpId| match (entry.logs.get(&id.log), member) {
        (Some(head), Some(member)) if head.replica() == member.replica => "this_pc",
        (Some(head), Some(member)) if head.replica() == member.hub_replica => "hub",
        _ => "office",
    };
    let of_group = |(group, state): (u16, &'a kentongan_protocol::merge::GroupState)| {
        let merge = form.group(group).map(|group| group.merge);
        let holds_one = matches!(merge, Some(MergeClass::Register | MergeClass::Strictest | MergeClass::Stage));
        let heads: Vec<OpId> = state.heads().map(|(op, _)| op).collect();
        state.writes().map(move |(op, written)| (op, group, written, holds_one && !heads.contains(&op)))
    };
    let mut lines: Vec<Line<'_>> = entry
        .record
        .groups()
        .flat_map(of_group)
        .map(|(op, group, written, is_replaced)| Line { op, group, written, by: by(op), is_replaced })
        .collect();
    lines.sort_by_key(|line| (line.written.hlc, line.op, line.group));
    lines
}

fn history(entry: &Entry, form: &Form, member: Option<&Member>) -> Vec<Value> {
    let shown = |line: Line<'_>| {
        json!({
            "op": line.op.to_string(),
            "group": form.group(line.group).map(|group| group.name.as_str()),
            "author": line.written.author,
            "by": line.by,
            "at": moment::text(line.written.hlc.ms()),
            "fields": Value::Object(named(form, &line.written.values).collect()),
            "replaced": line.is_replaced,
        })
    };
    lines(entry, form, member).into_iter().map(shown).collect()
}

fn faults(form: &Form, verdict: &VerdictFrame, lang: Lang) -> Vec<Value> {
    match verdict {
        VerdictFrame::Accepted => Vec::new(),
        VerdictFrame::Quarantined(number) => {
            let reason = Quarantine::from_number(*number).map_or("?", |reason| reason.sentence(lang));
            vec![json!({ "field": null, "set_aside": true, "reason": reason })]
        }
        VerdictFrame::NeedsRepair(faults) => faults
            .0
            .iter()
            .map(|(field, _, reason)| {
                let field = field.and_then(|tag| form.field(tag));
                json!({
                    "field": field.map(|field| field.name.as_str()),
                    "label": field.map(|field| field.label.in_lang(lang)),
                    "set_aside": false,
                    "reason_code": reason,
                })
            })
            .collect(),
    }
}

/// Stable name of a form.
pub(crate) fn form_name(tag: u16) -> String {
    builtin::by_tag(tag).map_or_else(|| tag.to_string(), |form| form.name.clone())
}
