//! What goes over the API. Types of its own: what the hub calls things inside may change, these names may not.

use std::collections::BTreeMap;

use serde_json::Value;

use super::shape::{Time, shapes};
use crate::service::fleet::{Detail, OfficeRow, Session as Exchanged};
use crate::service::record::Said;
use crate::service::{audit, complaint, conflict, track};

shapes! { gives
    /// A word with its stable code, in both languages.
    Word {
        /// Stable code.
        code: String,
        /// In Indonesian.
        id: String,
        /// In English.
        en: String,
    }
    /// An office and how it fares.
    Office {
        /// Its code.
        code: String,
        /// Its name.
        name: String,
        /// `ok`, `late`, `silent`, `unseen`, `paused` or `revoked`.
        status: String,
        /// Things that a person should look at, as stable words.
        notices: Vec<String>,
        /// When it was last heard.
        last_contact_at: Option<Time>,
        /// When it is late.
        expected_by: Option<Time>,
        /// Records and changes that it said it still holds.
        backlog: u64,
        /// Whether there may be more by now.
        backlog_at_least: bool,
        /// When the oldest of them was written.
        oldest_pending_at: Option<Time>,
        /// By how much its clock is ahead, in seconds.
        clock_offset_seconds: f64,
        /// The first end of a certificate of its devices.
        certificate_expires_at: Option<Time>,
        /// The program that spoke last.
        program: String,
        /// The operators' own marks of its devices.
        tags: Vec<String>,
    }
    /// A page of offices.
    Offices {
        /// The offices, by code.
        items: Vec<Office>,
        /// For the next page; null after the last one.
        next: Option<String>,
    }
    /// An exchange with a device.
    Session {
        /// The device.
        device: String,
        /// When it began.
        started_at: Time,
        /// How long it took, in milliseconds.
        took_ms: u64,
        /// `ok`, or why it ended early.
        outcome: String,
        /// Bytes that the office sent.
        received_bytes: u64,
        /// Bytes that it was sent.
        sent_bytes: u64,
        /// Changes newly stored.
        changes: u64,
    }
    /// The last exchanges of an office, the newest first.
    Sessions {
        /// The exchanges.
        items: Vec<Session>,
    }
    /// An enrolment code. It stands in full here only.
    EnrolmentCode {
        /// The code.
        code: String,
        /// Its number.
        number: u64,
        /// The office that it lets join.
        office: String,
        /// When it ends.
        expires_at: Time,
    }
    /// A complaint in a list.
    ComplaintLine {
        /// Its receipt code.
        code: Option<String>,
        /// Its id.
        id: String,
        /// Its office.
        office: String,
        /// Where it stands; null while nobody has moved it.
        status: Option<Word>,
        /// Values that stand side by side.
        conflicts: u64,
        /// When the hub received it.
        received_at: Time,
    }
    /// A page of complaints.
    Complaints {
        /// The complaints, the newest first.
        items: Vec<ComplaintLine>,
        /// For the next page; null after the last one.
        next: Option<String>,
    }
    /// A complaint. Fields that tell who somebody is hold `***` unless the key allows `identity:read`.
    Complaint {
        /// Its receipt code.
        code: Option<String>,
        /// Its id.
        id: String,
        /// Its office.
        office: String,
        /// Where it stands; null while nobody has moved it.
        status: Option<Word>,
        /// When the hub received it.
        received_at: Time,
        /// Its fields, by the names of the form.
        fields: BTreeMap<String, Value>,
    }
    /// What a change did.
    Changed {
        /// Receipt code of the complaint.
        code: Option<String>,
        /// Its id.
        id: String,
        /// Where it stands now.
        status: Option<Word>,
    }
    /// Something that happened to a complaint.
    Happening {
        /// When.
        at: Time,
        /// When the hub heard of it.
        received_at: Time,
        /// At which office, or for which the hub wrote it.
        office: String,
        /// Whether the hub wrote it.
        at_hub: bool,
        /// The parts of the form that were written.
        parts: Vec<Word>,
        /// The status, if it moved.
        status: Option<Word>,
    }
    /// All that happened to a complaint, in order.
    Timeline {
        /// The happenings.
        items: Vec<Happening>,
    }
    /// What questionnaires of some months add up to.
    SurveyUnit {
        /// The office.
        office: String,
        /// Complete questionnaires.
        complete: u64,
        /// Questionnaires with a missing answer.
        incomplete: u64,
        /// Of the complete ones, the sum of scores of each element, U1 to U9.
        scores: Vec<u64>,
        /// The index, 25 to 100, rounded once to two places; null without a complete questionnaire.
        index: Option<f64>,
    }
    /// The satisfaction index.
    SurveyIndex {
        /// By office.
        units: Vec<SurveyUnit>,
        /// Units with fewer complete questionnaires are not to be ranked.
        ranked_from: u64,
        /// Whether all questionnaires that came are in it; else some are still being added: ask again in a moment.
        settled: bool,
        /// Offices of which answers are expected and none came, once all are added: an index without them is a part.
        missing: Vec<String>,
    }
    /// Values that stand side by side in a record.
    Conflict {
        /// Receipt code of the record.
        code: Option<String>,
        /// Its id.
        id: String,
        /// The office that is to decide.
        office: String,
        /// The part of the form.
        part: Word,
        /// Since when the hub knows of it.
        since: Time,
        /// How many values.
        values: u64,
    }
    /// Conflicts that wait, the oldest first.
    Conflicts {
        /// The conflicts.
        items: Vec<Conflict>,
    }
    /// A line of the audit trail.
    AuditLine {
        /// Its number.
        number: u64,
        /// When.
        at: Time,
        /// Who.
        actor: String,
        /// What, as a stable code.
        event: String,
        /// To what.
        subject: String,
        /// More about it.
        detail: Value,
        /// Over this line and the one before, in hexadecimal digits.
        hash: String,
    }
    /// A page of the audit trail.
    AuditLines {
        /// The lines, the oldest first.
        items: Vec<AuditLine>,
        /// For the next page; null after the last one.
        next: Option<String>,
    }
    /// Whether the audit trail is whole.
    AuditCheck {
        /// Whether every line follows from the one before.
        whole: bool,
        /// Lines that were checked.
        entries: u64,
        /// The first line that does not follow.
        broken_at: Option<u64>,
    }
    /// Where a complaint stands, for whoever holds its code.
    Tracking {
        /// Its code.
        code: String,
        /// The office that received it; null of a confidential one.
        received_by: Option<String>,
        /// The office that is responsible; null if it was not handed on, or is confidential.
        responsible: Option<String>,
        /// Where it stands.
        status: Word,
        /// The steps so far.
        steps: Vec<Step>,
        /// Whose turn it is; null if nothing is due.
        next: Option<Word>,
        /// The day at whose end that is due.
        next_by: Option<String>,
    }
    /// A step of a complaint.
    Step {
        /// What it was.
        status: Word,
        /// The day, at its office.
        on: String,
    }
    /// What went wrong (RFC 9457).
    Problem {
        /// Kind of the problem; `about:blank` means that the status says it all.
        r#type: String,
        /// The status in words.
        title: String,
        /// The status.
        status: u64,
        /// What happened here in particular.
        detail: String,
        /// The code that people read out, if there is one.
        code: Option<String>,
    }
}

shapes! { takes
    /// A new enrolment code.
    NewCode {
        /// Code of the office.
        office: String,
        /// Name of the office, if it is new.
        name: Option<String>,
        /// For how many days the code holds; 14 if not said, at most 365.
        days: Option<u64>,
    }
    /// A new complaint.
    NewComplaint {
        /// Code of the office that it concerns.
        office: String,
        /// Fields by the names of the form; at least `uraian`, `kategori` and `kanal`.
        fields: BTreeMap<String, String>,
    }
    /// A step of a complaint.
    Transition {
        /// The status, by its code: `terverifikasi`, `terdisposisi`, `diproses`, `selesai`, `dibuka_kembali` and so on.
        to: String,
        /// Why; what the reporter has to complete; or a note for the office that gets it.
        reason: Option<String>,
        /// With `terdisposisi`: the office or unit that gets it.
        unit: Option<String>,
    }
    /// An answer to the citizen.
    NewAnswer {
        /// The answer.
        text: String,
    }
    /// Whether the silence of an office is no fault.
    Pause {
        /// Whether it is paused from now on.
        paused: bool,
    }
}

impl From<Said> for Word {
    fn from(said: Said) -> Word {
        Word { code: said.code, id: said.id, en: said.en }
    }
}

impl From<OfficeRow> for Office {
    fn from(row: OfficeRow) -> Office {
        let notice = |notice| serde_json::to_value(notice).ok()?.as_str().map(str::to_owned);
        Office {
            code: row.office,
            name: row.name,
            status: row.state.code().to_owned(),
            notices: row.notices.into_iter().filter_map(notice).collect(),
            last_contact_at: row.last_contact_at.map(Time),
            expected_by: row.expected_by.map(Time),
            backlog: row.pending,
            backlog_at_least: row.pending_at_least,
            oldest_pending_at: row.oldest_pending_at.map(Time),
            clock_offset_seconds: row.clock_offset_s,
            certificate_expires_at: row.cert_expires_at.map(Time),
            program: row.program,
            tags: row.tags,
        }
    }
}

impl From<Detail> for Sessions {
    fn from(detail: Detail) -> Sessions {
        Sessions { items: detail.sessions.into_iter().map(Session::from).collect() }
    }
}

impl From<Exchanged> for Session {
    fn from(session: Exchanged) -> Session {
        Session {
            device: session.replica,
            started_at: Time(session.started_at),
            took_ms: session.took_ms,
            outcome: session.outcome,
            received_bytes: session.bytes_in,
            sent_bytes: session.bytes_out,
            changes: session.ops_in,
        }
    }
}

impl From<complaint::Line> for ComplaintLine {
    fn from(line: complaint::Line) -> ComplaintLine {
        ComplaintLine {
            code: line.code,
            id: line.id,
            office: line.office,
            status: line.status.map(Word::from),
            conflicts: line.conflicts.into(),
            received_at: Time(line.received_at),
        }
    }
}

impl From<complaint::Changed> for Changed {
    fn from(changed: complaint::Changed) -> Changed {
        Changed { code: changed.code, id: changed.id, status: changed.status.map(Word::from) }
    }
}

impl From<conflict::Line> for Conflict {
    fn from(line: conflict::Line) -> Conflict {
        Conflict {
            code: line.code,
            id: line.id,
            office: line.office,
            part: line.group.into(),
            since: Time(line.since),
            values: line.values.into(),
        }
    }
}

impl From<audit::Line> for AuditLine {
    fn from(line: audit::Line) -> AuditLine {
        AuditLine {
            number: line.number,
            at: Time(line.at),
            actor: line.actor,
            event: line.event,
            subject: line.subject,
            detail: line.detail,
            hash: line.hash,
        }
    }
}

impl From<track::Tracked> for Tracking {
    fn from(tracked: track::Tracked) -> Tracking {
        let step = |step: track::Passed| Step { status: step.status.into(), on: step.on };
        let (next, next_by) = tracked.next.map(|next| (Word::from(next.stage), next.by)).unzip();
        Tracking {
            code: tracked.code,
            received_by: tracked.received_by,
            responsible: tracked.responsible,
            status: tracked.status.into(),
            steps: tracked.steps.into_iter().map(step).collect(),
            next,
            next_by,
        }
    }
}
