//! From an op that is authentic to an op that is stored, judged, merged and fed.
//!
//! ```text
//!   bytes ── cannot be read or opened ────▶ kept aside ── verdict to its office
//!     └─ op ── its record is not here ────▶ waits; judged when the record comes
//!          └─ judged ── kept aside ───────▶ verdict to its office
//!                  └─ merged ─────────────▶ fed to every office that sees the record; verdict if it needs repair
//! ```
//!
//! What ends as merged depends on the set of ops alone, not on the order of their arrival: an op of another office waits
//! or is kept aside until the op is there that lets this office see the record, and is then taken in by itself.

use std::collections::BTreeMap;

use kentongan_protocol::attachment::Content;
use kentongan_protocol::clock::Hlc;
use kentongan_protocol::form::builtin::{self, pengaduan};
use kentongan_protocol::form::{FieldTag, Form, Value};
use kentongan_protocol::ids::{OfficeCode, OpId, RecordId, ReplicaId, Topic};
use kentongan_protocol::judge::{Access, Quarantine, Verdict, judge};
use kentongan_protocol::limits::{ATTACHMENT_BYTES_MAX, RECORD_OFFICES_MAX};
use kentongan_protocol::log::{ChainHash, LogHead};
use kentongan_protocol::merge::{Candidate, Creation, GroupView, Record};
use kentongan_protocol::op::{Action, Op};
use kentongan_protocol::planted::{self, Defect, Place};
use kentongan_protocol::receipt::ReceiptCode;
use kentongan_protocol::sealed;
use kentongan_protocol::wire::codec::List;
use kentongan_protocol::wire::v1::VerdictFrame;
use serde_json::json;

use super::facts::{self, Facts};
use super::note;
use crate::seals::Seals;
use crate::store::{
    AttachmentState, Born, Conflict, Decision, FeedItem, NewOp, OpState, RecordRow, Result, StoreError, StoredOp, Tx,
};

/// Records whose rows wait to be brought up to date; more are not held at once.
const TOUCHED_MAX: usize = 256;
/// Faults that a verdict names.
const FAULTS_MAX: usize = 64;

/// Takes ops into the store within one transaction. End it with [`Intake::finish`].
pub(crate) struct Intake<'a> {
    pub(super) tx: &'a mut dyn Tx,
    hub: ReplicaId,
    seals: Option<&'a Seals>,
    now_ms: i64,
    touched: BTreeMap<RecordId, Touched>,
}

/// A record that changed in this transaction.
#[derive(Debug, Clone)]
pub(super) struct Touched {
    row: RecordRow,
    born: Born,
    shared: Vec<OfficeCode>,
    changed: bool,
}

/// An op as its writer meant it.
struct Whole {
    op: Op,
    /// Its bytes, if part of it was sealed.
    opened: Option<Vec<u8>>,
}

/// An op on its way in.
struct Arriving<'a> {
    head: &'a LogHead,
    id: OpId,
    bytes: &'a [u8],
    chain: ChainHash,
    /// See [`Whole`].
    opened: Option<Vec<u8>>,
}

impl<'a> Intake<'a> {
    /// For the hub that is the replica `hub`. Without [`Intake::opening`], what is sealed is kept aside, and is opened when
    /// a hub that can looks again.
    pub(crate) fn new(tx: &'a mut dyn Tx, hub: ReplicaId, now_ms: i64) -> Self {
        Intake { tx, hub, seals: None, now_ms, touched: BTreeMap::new() }
    }

    /// Opens with these keys what is sealed.
    pub(crate) fn opening(self, seals: Option<&'a Seals>) -> Self {
        Intake { seals, ..self }
    }

    /// Stores an op of the log `head` and does with it what is to be done. Gives back what its bytes say, if they could
    /// be read. The mark of the log is the caller's to move.
    pub(crate) fn admit(&mut self, head: &LogHead, id: OpId, bytes: &[u8], chain: ChainHash) -> Result<Option<Op>> {
        let mut arriving = Arriving { head, id, bytes, chain, opened: None };
        let read = match Op::decode(bytes) {
            Ok(op) => self.whole(op),
            Err(_) => Err(Quarantine::Unreadable),
        };
        let op = match read {
            Ok(Whole { op, opened }) => {
                arriving.opened = opened;
                op
            }
            Err(reason) => {
                self.append(&arriving, None, OpState::Quarantined(reason))?;
                self.tell(head.office(), id, VerdictFrame::Quarantined(reason as u8))?;
                return Ok(None);
            }
        };
        match op.action {
            Action::Create { form, form_version, receipt } => {
                let born = Born { form, form_version, office: head.office().clone(), code: receipt };
                self.create(&arriving, &op, born)?;
            }
            Action::Change { record } => self.change(&arriving, &op, record)?,
        }
        if self.touched.len() >= TOUCHED_MAX {
            self.finish()?;
        }
        Ok(Some(op))
    }

    /// An op with what is sealed of it, or why that cannot be had.
    fn whole(&self, op: Op) -> std::result::Result<Whole, Quarantine> {
        let Some(text) = sealed::text_of(&op) else { return Ok(Whole { op, opened: None }) };
        let content = self.seals.and_then(|seals| seals.open_text(&text)).ok_or(Quarantine::Sealed)?;
        let op = sealed::opened(&op, &content).map_err(|_| Quarantine::Unreadable)?;
        let bytes = op.encode().map_err(|_| Quarantine::Unreadable)?;
        Ok(Whole { op, opened: Some(bytes) })
    }

    /// What an op says that is kept aside, if it can be read and opened here; what was sealed is kept then.
    pub(super) fn op_of(&mut self, stored: &StoredOp) -> Result<Option<Op>> {
        let Ok(op) = stored.op() else { return Ok(None) };
        let Ok(Whole { op, opened }) = self.whole(op) else { return Ok(None) };
        if let Some(opened) = opened {
            self.tx.put_opened(stored.id, &opened)?;
        }
        Ok(Some(op))
    }

    /// Brings the rows of changed records up to date.
    pub(crate) fn finish(&mut self) -> Result<()> {
        while let Some((id, touched)) = self.touched.pop_first() {
            if touched.changed {
                self.refresh(id, touched)?;
            }
        }
        Ok(())
    }

    /// Takes in an op that was kept aside, because a person decided so. `false` if this program cannot read it, does not
    /// know its form, or does not have its record: then there is nothing to take in.
    pub(crate) fn release(&mut self, stored: &StoredOp) -> Result<bool> {
        let Some(op) = self.op_of(stored)? else { return Ok(false) };
        let head = self.tx.log(stored.id.log)?.ok_or(StoreError::Damaged("an op without its log"))?.head;
        let record = op.record(stored.id);
        let created = matches!(op.action, Action::Create { .. });
        if let Action::Create { form, form_version, receipt } = op.action {
            if builtin::by_tag(form).is_none() {
                return Ok(false);
            }
            self.expect_record(record)?;
            let born = Born { form, form_version, office: head.office().clone(), code: receipt };
            let row = self.row_of_creation(stored.id, born, &op);
            self.tx.update_record(&row)?;
        }
        let Some(touched) = self.touch(record)? else { return Ok(false) };
        let form = builtin::by_tag(touched.born.form);
        // A person decided over the judge: what it would say against taking the op in is not said.
        let verdict = match judge(&op, form, &stub(&touched.born, record), Access::Allowed) {
            Verdict::Quarantined(_) => Verdict::Accepted,
            verdict => verdict,
        };
        self.tx.update_op(stored.id, Some(record), OpState::Merged)?;
        let reached = self.merged(&head, stored.id, &op, record)?;
        self.tell(head.office(), stored.id, frame_of(&verdict))?;
        if created || reached {
            self.settle(record)?;
        }
        self.finish()?;
        Ok(true)
    }

    fn create(&mut self, arriving: &Arriving<'_>, op: &Op, born: Born) -> Result<()> {
        let id = RecordId(arriving.id);
        let verdict = judge(op, builtin::by_tag(born.form), &Record::new(id), Access::Allowed);
        if let Verdict::Quarantined(reason) = verdict {
            self.expect_record(id)?;
            self.append(arriving, Some(id), OpState::Quarantined(reason))?;
            return self.tell(arriving.head.office(), arriving.id, frame_of(&verdict));
        }
        self.watch_for_collision(id, born.code)?;
        let row = self.row_of_creation(arriving.id, born, op);
        let fresh = self.tx.insert_record(&row)?;
        if !fresh {
            self.tx.update_record(&row)?;
        }
        self.append(arriving, Some(id), OpState::Merged)?;
        // A creating op has nothing to merge with: what its row must say was read from the op itself.
        let topic = Topic::Office(arriving.head.office().clone());
        self.tx.feed_append(&topic, &FeedItem::Op { id: arriving.id, writer: arriving.head.replica() })?;
        if verdict != Verdict::Accepted {
            self.tell(arriving.head.office(), arriving.id, frame_of(&verdict))?;
        }
        self.name_files(arriving.head, op, id)?;
        self.share_with_targets(id, op)?;
        if fresh { Ok(()) } else { self.settle(id) }
    }

    fn change(&mut self, arriving: &Arriving<'_>, op: &Op, record: RecordId) -> Result<()> {
        let Some(touched) = self.touch(record)? else {
            planted::reached(Place::OpWaits);
            self.expect_record(record)?;
            return self.append(arriving, Some(record), OpState::Waiting);
        };
        let verdict = self.judged(&touched, arriving.head, op, record);
        match verdict {
            Verdict::Quarantined(reason) => {
                planted::reached(Place::OpSetAside);
                self.append(arriving, Some(record), OpState::Quarantined(reason))?;
                self.tell(arriving.head.office(), arriving.id, frame_of(&verdict))
            }
            _ => {
                self.append(arriving, Some(record), OpState::Merged)?;
                if verdict != Verdict::Accepted {
                    self.tell(arriving.head.office(), arriving.id, frame_of(&verdict))?;
                }
                match self.merged(arriving.head, arriving.id, op, record)? {
                    true => self.settle(record),
                    false => Ok(()),
                }
            }
        }
    }

    pub(super) fn judged(&self, touched: &Touched, head: &LogHead, op: &Op, record: RecordId) -> Verdict {
        let may = head.replica() == self.hub
            || *head.office() == touched.born.office
            || touched.shared.contains(head.office());
        let access = if may || planted::active(Defect::AnyoneChanges) { Access::Allowed } else { Access::Foreign };
        judge(op, builtin::by_tag(touched.born.form), &stub(&touched.born, record), access)
    }

    /// Looks again at the ops of a record that wait or that are kept aside because another office wrote them: the
    /// record's creating op has come, or another office sees it now. Each may in turn let one more office see it.
    pub(super) fn settle(&mut self, record: RecordId) -> Result<()> {
        let mut again = true;
        while std::mem::take(&mut again) {
            for stored in self.tx.ops_of(record)? {
                let waited = stored.state == OpState::Waiting;
                if waited && planted::active(Defect::WaitingForgotten) {
                    continue;
                }
                if !waited && stored.state != OpState::Quarantined(Quarantine::ForeignRecord) {
                    continue;
                }
                let log = self.tx.log(stored.id.log)?.ok_or(StoreError::Damaged("an op without its log"))?;
                let op = stored.op().map_err(|_| StoreError::Damaged("an op that was readable once"))?;
                let Some(touched) = self.touch(record)? else { return Ok(()) };
                let verdict = self.judged(&touched, &log.head, &op, record);
                let state = match verdict {
                    Verdict::Quarantined(reason) => OpState::Quarantined(reason),
                    _ => OpState::Merged,
                };
                if state == stored.state {
                    continue;
                }
                planted::reached(Place::OpSettled);
                self.tx.update_op(stored.id, Some(record), state)?;
                if !waited || verdict != Verdict::Accepted {
                    self.tell(log.head.office(), stored.id, frame_of(&verdict))?;
                }
                if state == OpState::Merged {
                    again |= self.merged(&log.head, stored.id, &op, record)?;
                }
            }
        }
        Ok(())
    }

    /// Feeds an op that became part of its record. `true` if it lets one more office see the record.
    pub(super) fn merged(&mut self, head: &LogHead, id: OpId, op: &Op, record: RecordId) -> Result<bool> {
        let Some(mut touched) = self.touch(record)? else { return Ok(false) };
        for office in std::iter::once(&touched.born.office).chain(&touched.shared) {
            let item = FeedItem::Op { id, writer: head.replica() };
            touched.row.changed = self.tx.feed_append(&Topic::Office(office.clone()), &item)?;
        }
        if planted::active(Defect::FedToEveryone) {
            self.tx.feed_append(&Topic::Everyone, &FeedItem::Op { id, writer: head.replica() })?;
        }
        touched.changed = true;
        self.touched.insert(record, touched);
        self.name_files(head, op, record)?;
        self.share_with_targets(record, op)
    }

    /// Files that an op names are wanted from now on, from who wrote so.
    fn name_files(&mut self, head: &LogHead, op: &Op, record: RecordId) -> Result<()> {
        for value in op.writes.iter().flat_map(|write| write.values.values()) {
            let Value::Attachment(named) = value else { continue };
            // What cannot be a file is no use to ask for.
            let content = named.content;
            if (1..=ATTACHMENT_BYTES_MAX).contains(&content.bytes) {
                self.name_file(head.replica(), content, record, &named.name)?;
            }
        }
        Ok(())
    }

    /// What others brought under a hash decides nothing over somebody who names it only now: they may have the right bytes.
    fn name_file(&mut self, writer: ReplicaId, content: Content, record: RecordId, name: &str) -> Result<()> {
        let is_new = !self.tx.is_named_by(&content, writer)?;
        self.tx.name_attachment(&content, record, writer, name, self.now_ms)?;
        let given_up =
            self.tx.attachment(&content)?.is_some_and(|attachment| attachment.state == AttachmentState::SetAside);
        if is_new && given_up && !planted::active(Defect::FileGivenUp) {
            self.tx.update_attachment(&content, AttachmentState::Wanted { held: 0, failed: 0 })?;
        }
        Ok(())
    }

    /// A routing names the office it goes to: from then on that office sees the record, with all that is in it.
    fn share_with_targets(&mut self, record: RecordId, op: &Op) -> Result<bool> {
        let mut reached = false;
        for office in routed_to(op) {
            let Some(mut touched) = self.touch(record)? else { return Ok(false) };
            // Numbers of groups mean something within their form only.
            let routes = touched.born.form == pengaduan::TAG && office != touched.born.office;
            if !routes || touched.shared.contains(&office) {
                continue;
            }
            if touched.shared.len() >= RECORD_OFFICES_MAX {
                note(
                    self.tx,
                    self.now_ms,
                    "hub",
                    "record.too_many_offices",
                    record.0,
                    json!({"office": office.as_str()}),
                )?;
                break;
            }
            if !self.tx.share_record(record, &office)? {
                continue;
            }
            for stored in self.tx.ops_of(record)? {
                if stored.state == OpState::Merged && !planted::active(Defect::PastNotShared) {
                    let log = self.tx.log(stored.id.log)?.ok_or(StoreError::Damaged("an op without its log"))?;
                    let item = FeedItem::Op { id: stored.id, writer: log.head.replica() };
                    self.tx.feed_append(&Topic::Office(office.clone()), &item)?;
                }
            }
            planted::reached(Place::RecordShared);
            touched.shared.push(office);
            self.touched.insert(record, touched);
            reached = true;
        }
        Ok(reached)
    }

    /// The record, if its creating op is merged.
    pub(super) fn touch(&mut self, id: RecordId) -> Result<Option<Touched>> {
        if let Some(touched) = self.touched.get(&id) {
            return Ok(Some(touched.clone()));
        }
        let Some(row) = self.tx.record(id)? else { return Ok(None) };
        let Some(born) = row.born.clone() else { return Ok(None) };
        let touched = Touched { row, born, shared: self.tx.shared_with(id)?, changed: false };
        self.touched.insert(id, touched.clone());
        Ok(Some(touched))
    }

    /// Makes sure that there is a row for a record whose creating op is not merged.
    pub(super) fn expect_record(&mut self, id: RecordId) -> Result<()> {
        let row = RecordRow {
            id,
            number: 0,
            born: None,
            status: None,
            conflicts: 0,
            summary: String::new(),
            changed: 0,
            received_ms: self.now_ms,
        };
        self.tx.insert_record(&row).map(drop)
    }

    pub(super) fn row_of_creation(&self, id: OpId, born: Born, op: &Op) -> RecordRow {
        let Facts { status, summary, .. } = facts::of_creation(born.form, op);
        RecordRow {
            id: RecordId(id),
            number: 0,
            born: Some(born),
            status,
            conflicts: 0,
            summary,
            changed: 0,
            received_ms: self.now_ms,
        }
    }

    /// Status, summary and conflicts of a record, from all its merged ops.
    fn refresh(&mut self, id: RecordId, touched: Touched) -> Result<()> {
        let Some(form) = builtin::by_tag(touched.born.form) else { return Ok(()) };
        let record = load(self.tx, id)?;
        let facts = facts::of(form, &record);
        for known in self.tx.conflicts_of(id)? {
            if !facts.conflicts.contains(&known.group) {
                self.tx.remove_conflict(id, known.group)?;
                self.decided(form, &record, known)?;
            }
        }
        for group in &facts.conflicts {
            let owner = touched.born.office.clone();
            self.tx.put_conflict(&Conflict { record: id, group: *group, since_ms: self.now_ms, owner })?;
        }
        let conflicts = u32::try_from(facts.conflicts.len()).unwrap_or(u32::MAX);
        let Facts { status, summary, .. } = facts;
        self.tx.update_record(&RecordRow { status, summary, conflicts, ..touched.row })
    }

    /// Notes by which op a conflict came to its end, whoever wrote it.
    fn decided(&mut self, form: &Form, record: &Record, conflict: Conflict) -> Result<()> {
        let view = form.group(conflict.group).map(|group| GroupView::of(record, form, group));
        let Some(GroupView::One(Candidate { ops, .. })) = view else { return Ok(()) };
        let Some(op) = ops.first().copied() else { return Ok(()) };
        let Conflict { record, group, owner, since_ms } = conflict;
        self.tx.put_decision(&Decision { record, group, op, owner, since_ms, decided_ms: self.now_ms })
    }

    fn append(&mut self, arriving: &Arriving<'_>, record: Option<RecordId>, state: OpState) -> Result<()> {
        let Arriving { id, bytes, chain, .. } = *arriving;
        self.tx.append_op(&NewOp { id, bytes, chain, record, received_ms: self.now_ms, state })?;
        arriving.opened.as_ref().map_or(Ok(()), |opened| self.tx.put_opened(id, opened))
    }

    /// Says to the office that wrote an op what the hub thinks of it.
    pub(super) fn tell(&mut self, office: &OfficeCode, id: OpId, verdict: VerdictFrame) -> Result<()> {
        self.tx.put_verdict(id, &verdict)?;
        self.tx.feed_append(&Topic::Office(office.clone()), &FeedItem::Verdict { id, verdict }).map(drop)
    }

    /// Two records with one receipt code: both stay, and somebody hears of it.
    pub(super) fn watch_for_collision(&mut self, id: RecordId, code: Option<ReceiptCode>) -> Result<()> {
        let Some(code) = code else { return Ok(()) };
        for other in self.tx.records_coded(code)? {
            if other.id != id {
                let detail = json!({"records": [other.id.to_string(), id.to_string()]});
                note(self.tx, self.now_ms, "hub", "receipt.collision", code, detail)?;
            }
        }
        Ok(())
    }
}

/// A record from its merged ops.
///
/// # Errors
/// A failure of the store.
pub(crate) fn load(tx: &mut dyn Tx, id: RecordId) -> Result<Record> {
    let mut record = Record::new(id);
    for stored in tx.ops_of(id)? {
        if stored.state == OpState::Merged {
            let op = stored.op().map_err(|_| StoreError::Damaged("an op that was readable once"))?;
            record.apply(stored.id, &op);
        }
    }
    Ok(record)
}

/// As much of a record as the judge needs for a change: under which version it was created.
fn stub(born: &Born, id: RecordId) -> Record {
    let creation = Creation {
        form: born.form,
        form_version: born.form_version,
        receipt: born.code,
        author: String::new(),
        hlc: Hlc::default(),
    };
    let mut record = Record::new(id);
    record.creation = Some(creation);
    record
}

/// The offices that an op routes its record to.
fn routed_to(op: &Op) -> Vec<OfficeCode> {
    let routings = op.writes.iter().filter(|write| write.group == pengaduan::group::DISPOSISI);
    let targets = routings.filter_map(|write| match write.values.get(&KANTOR_TUJUAN) {
        Some(Value::Text(code)) => code.trim().parse().ok(),
        _ => None,
    });
    targets.collect()
}

/// The field of a routing that names the office.
pub(crate) const KANTOR_TUJUAN: FieldTag = 162;

/// A judgement as it goes over the wire.
pub(crate) fn frame_of(verdict: &Verdict) -> VerdictFrame {
    match verdict {
        Verdict::Accepted => VerdictFrame::Accepted,
        Verdict::NeedsRepair(faults) => {
            let faults = faults.iter().take(FAULTS_MAX);
            VerdictFrame::NeedsRepair(List(faults.map(|f| (f.field, f.group, f.reason.code())).collect()))
        }
        Verdict::Quarantined(reason) => VerdictFrame::Quarantined(*reason as u8),
    }
}
