//! Which call of the contract touches which table.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Bound;

use kentongan_protocol::attachment::Content;
use kentongan_protocol::calendar::{Day, Stage};
use kentongan_protocol::form::{FormTag, GroupTag};
use kentongan_protocol::ids::{LogId, OfficeCode, OpId, RecordId, ReplicaId, RunId, Topic};
use kentongan_protocol::log::{ChainHash, LogHead};
use kentongan_protocol::receipt::ReceiptCode;
use kentongan_protocol::session::hub::HubEpoch;
use kentongan_protocol::wire::codec;
use kentongan_protocol::wire::v1::{Attest, VerdictFrame};

use super::super::contract::{Result, StoreError, Tx, Work};
use super::super::rows::*;
use super::{MemoryTx, fits, next, paged};

impl Tx for MemoryTx<'_> {
    fn part(&mut self, work: Work<'_>) -> Result<()> {
        let mark = self.opposites.len();
        let done = work(self);
        if done.is_err() {
            for opposite in self.opposites.drain(mark..).rev() {
                opposite(self.state);
            }
        }
        done
    }

    fn hub(&mut self) -> Result<Option<HubIdentity>> {
        Ok(self.state.hub.get(&()).cloned())
    }

    fn put_hub(&mut self, hub: &HubIdentity) -> Result<()> {
        self.set(|state| &mut state.hub, (), hub.clone());
        Ok(())
    }

    fn epochs(&mut self) -> Result<Vec<HubEpoch>> {
        Ok(self.state.epochs.values().copied().collect())
    }

    fn append_epoch(&mut self, epoch: &HubEpoch, _at_ms: i64) -> Result<()> {
        self.set(|state| &mut state.epochs, self.state.epochs.len(), *epoch);
        Ok(())
    }

    fn backed_up_ms(&mut self) -> Result<Option<i64>> {
        Ok(self.state.backed_up.get(&()).copied())
    }

    fn note_backed_up(&mut self, at_ms: i64) -> Result<()> {
        self.set(|state| &mut state.backed_up, (), at_ms);
        Ok(())
    }

    fn office(&mut self, code: &OfficeCode) -> Result<Option<Office>> {
        Ok(self.state.offices.get(code).cloned())
    }

    fn offices(&mut self) -> Result<Vec<Office>> {
        Ok(self.state.offices.values().cloned().collect())
    }

    fn put_office(&mut self, office: &Office) -> Result<()> {
        self.set(|state| &mut state.offices, office.code.clone(), office.clone());
        Ok(())
    }

    fn append_office_note(&mut self, office: &OfficeCode, note: &OfficeNote) -> Result<()> {
        let number = self.state.office_notes.range((office.clone(), 0)..=(office.clone(), u64::MAX)).count() as u64;
        self.set(|state| &mut state.office_notes, (office.clone(), number), note.clone());
        Ok(())
    }

    fn office_notes(&mut self, office: &OfficeCode, limit: usize) -> Result<Vec<OfficeNote>> {
        let notes = self.state.office_notes.range((office.clone(), 0)..=(office.clone(), u64::MAX)).rev();
        Ok(notes.take(limit).map(|(_, note)| note.clone()).collect())
    }

    fn replica(&mut self, id: ReplicaId) -> Result<Option<Replica>> {
        Ok(self.state.replicas.get(&id).cloned())
    }

    fn replica_by_key(&mut self, public_key: &[u8; 32]) -> Result<Option<Replica>> {
        Ok(self.state.replicas.values().find(|replica| replica.public_key == *public_key).cloned())
    }

    fn replica_by_prefix(&mut self, prefix: u32) -> Result<Option<Replica>> {
        Ok(self.state.replicas.values().find(|replica| replica.prefix == prefix).cloned())
    }

    fn replicas(&mut self) -> Result<Vec<Replica>> {
        let mut replicas: Vec<Replica> = self.state.replicas.values().cloned().collect();
        replicas.sort_by_key(|replica| (replica.office.clone(), replica.enrolled_ms, replica.id));
        Ok(replicas)
    }

    fn put_replica(&mut self, replica: &Replica) -> Result<()> {
        let mut others = self.state.replicas.values().filter(|other| other.id != replica.id);
        if others.any(|other| other.public_key == replica.public_key || other.prefix == replica.prefix) {
            return Err(StoreError::Taken("the key or prefix of a replica"));
        }
        self.set(|state| &mut state.replicas, replica.id, replica.clone());
        Ok(())
    }

    fn enrol_code(&mut self, id: u64) -> Result<Option<EnrolCode>> {
        Ok(self.state.codes.get(&id).cloned())
    }

    fn enrol_code_by_secret(&mut self, secret_hash: &[u8; 32]) -> Result<Option<EnrolCode>> {
        Ok(self.state.codes.values().find(|code| code.secret_hash == *secret_hash).cloned())
    }

    fn enrol_codes(&mut self) -> Result<Vec<EnrolCode>> {
        let mut codes: Vec<EnrolCode> = self.state.codes.values().cloned().collect();
        codes.sort_by_key(|code| (std::cmp::Reverse(code.created_ms), code.id));
        Ok(codes)
    }

    fn replica_tags(&mut self) -> Result<Vec<(ReplicaId, String)>> {
        let used = self.state.codes.values().filter_map(|code| {
            let (replica, at_ms) = code.used?;
            Some((at_ms, code.id, replica, &code.tag))
        });
        let mut used: Vec<_> = used.collect();
        used.sort_unstable();
        let last: BTreeMap<ReplicaId, &String> = used.into_iter().map(|(_, _, replica, tag)| (replica, tag)).collect();
        let tagged = last.into_iter().filter(|(_, tag)| !tag.is_empty());
        Ok(tagged.map(|(replica, tag)| (replica, tag.clone())).collect())
    }

    fn put_enrol_code(&mut self, code: &EnrolCode) -> Result<()> {
        self.set(|state| &mut state.codes, code.id, code.clone());
        Ok(())
    }

    fn run(&mut self, replica: ReplicaId, run: RunId) -> Result<Option<Run>> {
        Ok(self.state.runs.get(&(replica, run)).cloned())
    }

    fn runs_of(&mut self, replica: ReplicaId) -> Result<Vec<Run>> {
        Ok(self.state.runs.values().filter(|run| run.known.replica == replica).cloned().collect())
    }

    fn put_run(&mut self, run: &Run) -> Result<()> {
        self.set(|state| &mut state.runs, (run.known.replica, run.known.head.run), run.clone());
        Ok(())
    }

    fn log(&mut self, id: LogId) -> Result<Option<Log>> {
        Ok(self.state.logs.get(&id).cloned())
    }

    fn logs_of(&mut self, replica: ReplicaId, after: Option<LogId>, limit: usize) -> Result<Vec<Log>> {
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        let logs = self.state.logs.range((after, Bound::Unbounded)).map(|(_, log)| log);
        Ok(logs.filter(|log| log.head.replica() == replica).take(limit).cloned().collect())
    }

    fn insert_log(&mut self, head: &LogHead) -> Result<()> {
        if self.state.logs.contains_key(&head.log()) {
            return Err(StoreError::Taken("the id of a log"));
        }
        let log = Log { head: head.clone(), stored: 0, chain: head.chain_start(), durable: 0 };
        self.set(|state| &mut state.logs, head.log(), log);
        Ok(())
    }

    fn advance_log(&mut self, id: LogId, stored: u64, chain: ChainHash) -> Result<()> {
        let log = self.log(id)?.ok_or(StoreError::Damaged("a log that is written is not there"))?;
        self.set(|state| &mut state.logs, id, Log { stored, chain, ..log });
        Ok(())
    }

    fn raise_durable(&mut self, id: LogId, seq: u64) -> Result<()> {
        if let Some(log) = self.log(id)? {
            let durable = log.durable.max(seq.min(log.stored));
            self.set(|state| &mut state.logs, id, Log { durable, ..log });
        }
        Ok(())
    }

    fn append_op(&mut self, op: &NewOp<'_>) -> Result<()> {
        if self.state.ops.contains_key(&op.id) {
            return Err(StoreError::Taken("the name of an op"));
        }
        let arrival = next(&self.state.arrivals);
        self.set(|state| &mut state.arrivals, arrival, op.id);
        if let Some(record) = op.record {
            self.set(|state| &mut state.ops_of, (record, arrival), op.id);
        }
        let NewOp { id, bytes, chain, record, received_ms, state } = *op;
        let stored = StoredOp { id, bytes: bytes.to_vec(), chain, record, received_ms, state, opened: None };
        self.set(|state| &mut state.ops, id, stored);
        Ok(())
    }

    fn op(&mut self, id: OpId) -> Result<Option<StoredOp>> {
        Ok(self.state.ops.get(&id).cloned())
    }

    fn ops_from(&mut self, log: LogId, from_seq: u64, ops_max: usize, bytes_aim: usize) -> Result<Vec<StoredOp>> {
        let mut ops = Vec::new();
        let mut bytes = 0;
        for (_, op) in self.state.ops.range(OpId { log, seq: from_seq }..=OpId { log, seq: u64::MAX }) {
            if !ops.is_empty() && (ops.len() >= ops_max || bytes >= bytes_aim) {
                break;
            }
            bytes += op.bytes.len();
            ops.push(op.clone());
        }
        Ok(ops)
    }

    fn ops_of(&mut self, record: RecordId) -> Result<Vec<StoredOp>> {
        let ids = self.state.ops_of.range((record, 0)..=(record, u64::MAX)).map(|(_, id)| id);
        ids.map(|id| self.op_at(id).cloned()).collect()
    }

    fn put_opened(&mut self, id: OpId, opened: &[u8]) -> Result<()> {
        let stored = StoredOp { opened: Some(opened.to_vec()), ..self.op_at(&id)?.clone() };
        self.set(|state| &mut state.ops, id, stored);
        Ok(())
    }

    fn update_op(&mut self, id: OpId, record: Option<RecordId>, state: OpState) -> Result<()> {
        let old = self.op_at(&id)?.clone();
        let arrived = |(number, known): (&u64, &OpId)| (*known == id).then_some(*number);
        let arrival = self.state.arrivals.iter().find_map(arrived).unwrap_or(0);
        if let Some(before) = old.record {
            self.remove(|state| &mut state.ops_of, (before, arrival));
        }
        if let Some(record) = record {
            self.set(|state| &mut state.ops_of, (record, arrival), id);
        }
        self.set(|state| &mut state.ops, id, StoredOp { record, state, ..old });
        Ok(())
    }

    fn quarantined(&mut self, after: Option<OpId>, limit: usize) -> Result<Vec<StoredOp>> {
        let mut ops: Vec<&OpId> = self.state.arrivals.values().collect();
        if let Some(place) = after.and_then(|after| ops.iter().position(|id| **id == after)) {
            ops.drain(..=place);
        }
        let ops = ops.into_iter().filter_map(|id| self.state.ops.get(id));
        Ok(ops.filter(|op| matches!(op.state, OpState::Quarantined(_))).take(limit).cloned().collect())
    }

    fn verdict(&mut self, id: OpId) -> Result<Option<VerdictFrame>> {
        Ok(self.state.verdicts.get(&id).cloned())
    }

    fn put_verdict(&mut self, id: OpId, verdict: &VerdictFrame) -> Result<()> {
        self.set(|state| &mut state.verdicts, id, verdict.clone());
        Ok(())
    }

    fn record(&mut self, id: RecordId) -> Result<Option<RecordRow>> {
        Ok(self.state.records.get(&id).cloned())
    }

    fn insert_record(&mut self, record: &RecordRow) -> Result<bool> {
        if self.state.records.contains_key(&record.id) {
            return Ok(false);
        }
        let number = next(&self.state.numbers);
        self.set(|state| &mut state.numbers, number, record.id);
        self.set(|state| &mut state.records, record.id, RecordRow { number, ..record.clone() });
        Ok(true)
    }

    fn update_record(&mut self, record: &RecordRow) -> Result<()> {
        let old = self.record(record.id)?.ok_or(StoreError::Damaged("a record that changes is not there"))?;
        let new = RecordRow { number: old.number, received_ms: old.received_ms, ..record.clone() };
        self.set(|state| &mut state.records, record.id, new);
        Ok(())
    }

    fn records_coded(&mut self, code: ReceiptCode) -> Result<Vec<RecordRow>> {
        let has_it = |row: &&RecordRow| row.born.as_ref().is_some_and(|born| born.code == Some(code));
        let mut rows: Vec<RecordRow> = self.state.records.values().filter(has_it).cloned().collect();
        rows.sort_by_key(|row| row.number);
        Ok(rows)
    }

    fn records(&mut self, filter: &RecordFilter, page: Page, limit: usize) -> Result<Vec<RecordRow>> {
        let rows = paged(&self.state.numbers, page).filter_map(|id| self.state.records.get(id));
        Ok(rows.filter(|row| fits(filter, row)).take(limit).cloned().collect())
    }

    fn share_record(&mut self, record: RecordId, office: &OfficeCode) -> Result<bool> {
        let key = (record, office.clone());
        if self.state.shares.contains_key(&key) {
            return Ok(false);
        }
        self.set(|state| &mut state.shares, key, ());
        Ok(true)
    }

    fn shared_with(&mut self, record: RecordId) -> Result<Vec<OfficeCode>> {
        let shares = self.state.shares.keys().filter(|(shared, _)| *shared == record);
        Ok(shares.map(|(_, office)| office.clone()).collect())
    }

    fn attachment(&mut self, content: &Content) -> Result<Option<Attachment>> {
        Ok(self.state.contents.get(content).and_then(|number| self.state.attachments.get(number)).cloned())
    }

    fn name_attachment(
        &mut self,
        content: &Content,
        record: RecordId,
        writer: ReplicaId,
        name: &str,
        at_ms: i64,
    ) -> Result<()> {
        let number = match self.state.contents.get(content) {
            Some(number) => *number,
            None => {
                let number = next(&self.state.attachments);
                let state = AttachmentState::Wanted { held: 0, failed: 0 };
                let attachment = Attachment { content: *content, state, since_ms: at_ms };
                self.set(|state| &mut state.contents, *content, number);
                self.set(|state| &mut state.attachments, number, attachment);
                number
            }
        };
        let key = (record, number, writer);
        if !self.state.attached.contains_key(&key) {
            self.set(|state| &mut state.attached, key, name.to_owned());
        }
        Ok(())
    }

    fn is_named_by(&mut self, content: &Content, writer: ReplicaId) -> Result<bool> {
        let Some(number) = self.state.contents.get(content) else { return Ok(false) };
        Ok(self.state.attached.keys().any(|(_, named, by)| named == number && *by == writer))
    }

    fn is_named_beside(&mut self, content: &Content, writer: ReplicaId) -> Result<bool> {
        let Some(number) = self.state.contents.get(content) else { return Ok(false) };
        Ok(self.state.attached.keys().any(|(_, named, by)| named == number && *by != writer))
    }

    fn update_attachment(&mut self, content: &Content, to: AttachmentState) -> Result<()> {
        let number = self.content_number(content)?;
        let before =
            self.attachment(content)?.ok_or(StoreError::Damaged("an attachment that is named is not there"))?;
        self.set(|state| &mut state.attachments, number, Attachment { state: to, ..before });
        if !matches!(to, AttachmentState::Wanted { held: 1.., .. }) {
            let parts: Vec<_> =
                self.state.chunks.range((number, 0)..=(number, u32::MAX)).map(|(key, _)| *key).collect();
            parts.into_iter().for_each(|key| self.remove(|state| &mut state.chunks, key));
        }
        Ok(())
    }

    fn append_chunk(&mut self, content: &Content, offset: u32, bytes: &[u8]) -> Result<()> {
        let number = self.content_number(content)?;
        self.set(|state| &mut state.chunks, (number, offset), bytes.to_vec());
        Ok(())
    }

    fn chunks(&mut self, content: &Content) -> Result<Vec<u8>> {
        let Some(number) = self.state.contents.get(content) else { return Ok(Vec::new()) };
        let parts = self.state.chunks.range((*number, 0)..=(*number, u32::MAX));
        Ok(parts.flat_map(|(_, part)| part.iter().copied()).collect())
    }

    fn attachments_of(&mut self, record: RecordId) -> Result<Vec<Named>> {
        let naming = self.state.attached.range((record, 0, ReplicaId(0))..=(record, u64::MAX, ReplicaId(u64::MAX)));
        let mut named: Vec<(u64, &String)> = naming.map(|((_, number, _), name)| (*number, name)).collect();
        named.sort();
        let row = |(number, name): (u64, &String)| {
            let attachment = self.state.attachments.get(&number)?.clone();
            Some(Named { attachment, name: name.clone() })
        };
        Ok(named.into_iter().filter_map(row).collect())
    }

    fn conflicts_of(&mut self, record: RecordId) -> Result<Vec<Conflict>> {
        Ok(self.state.conflicts.range((record, 0)..=(record, u16::MAX)).map(|(_, conflict)| conflict.clone()).collect())
    }

    fn conflicts(&mut self, owner: Option<&OfficeCode>, limit: usize) -> Result<Vec<Conflict>> {
        let all = self.state.conflicts.values();
        let mut found: Vec<Conflict> =
            all.filter(|conflict| owner.is_none_or(|owner| *owner == conflict.owner)).cloned().collect();
        let number = |id: &RecordId| self.state.records.get(id).map(|row| row.number);
        found.sort_by_key(|conflict| (conflict.since_ms, number(&conflict.record), conflict.group));
        found.truncate(limit);
        Ok(found)
    }

    fn put_conflict(&mut self, conflict: &Conflict) -> Result<()> {
        let key = (conflict.record, conflict.group);
        let since_ms = self.state.conflicts.get(&key).map_or(conflict.since_ms, |known| known.since_ms);
        self.set(|state| &mut state.conflicts, key, Conflict { since_ms, ..conflict.clone() });
        Ok(())
    }

    fn remove_conflict(&mut self, record: RecordId, group: GroupTag) -> Result<()> {
        self.remove(|state| &mut state.conflicts, (record, group));
        Ok(())
    }

    fn put_decision(&mut self, decision: &Decision) -> Result<()> {
        let key = (decision.record, decision.group, decision.op);
        if !self.state.decisions.contains_key(&key) {
            self.set(|state| &mut state.decisions, key, decision.clone());
        }
        Ok(())
    }

    fn decisions(&mut self, limit: usize) -> Result<Vec<Decision>> {
        let mut all: Vec<Decision> = self.state.decisions.values().cloned().collect();
        let number = |decision: &Decision| self.state.records.get(&decision.record).map(|row| row.number);
        all.sort_by_key(|decision| {
            (Reverse(decision.decided_ms), Reverse(number(decision)), decision.group, decision.op)
        });
        all.truncate(limit);
        Ok(all)
    }

    fn unseen(&mut self, form: FormTag, seen: Seen, limit: usize) -> Result<(Vec<RecordRow>, Seen)> {
        let of_form = |row: &&RecordRow| row.born.as_ref().is_some_and(|born| born.form == form);
        let new = paged(&self.state.numbers, Page::After(seen.number)).filter_map(|id| self.state.records.get(id));
        let mut rows: Vec<RecordRow> = new.filter(of_form).take(limit).cloned().collect();
        let last = next(&self.state.numbers) - 1;
        let number = if rows.len() < limit { last } else { rows.last().map_or(last, |row| row.number) };
        let changed = self.state.records.values().filter(|row| row.changed > seen.change);
        let mut changed: Vec<RecordRow> = changed.filter(of_form).cloned().collect();
        changed.sort_by_key(|row| row.changed);
        changed.truncate(limit);
        let change = changed.last().map_or(seen.change, |row| row.changed);
        rows.extend(changed);
        Ok((rows, Seen { number, change }))
    }

    fn progress(&mut self, name: &str) -> Result<u64> {
        Ok(self.state.progress.get(name).copied().unwrap_or(0))
    }

    fn put_progress(&mut self, name: &str, value: u64) -> Result<()> {
        self.set(|state| &mut state.progress, name.to_owned(), value);
        Ok(())
    }

    fn case(&mut self, record: RecordId) -> Result<Option<Case>> {
        Ok(self.state.cases.get(&record).cloned())
    }

    fn put_case(&mut self, case: &Case) -> Result<()> {
        self.set(|state| &mut state.cases, case.record, case.clone());
        Ok(())
    }

    fn remove_case(&mut self, record: RecordId) -> Result<()> {
        self.remove(|state| &mut state.cases, record);
        Ok(())
    }

    fn cases(
        &mut self,
        filter: &CaseFilter,
        after: Option<CasePlace>,
        limit: usize,
    ) -> Result<Vec<(CasePlace, RecordId)>> {
        let order = |place: &CasePlace| (place.due_ms.is_none(), place.due_ms, place.number);
        let in_time = |case: &Case| {
            filter.due_ms.is_none_or(|(from, until)| case.due_ms.is_some_and(|due| from < due && due <= until))
        };
        let fits = |case: &&Case| {
            filter.stage.is_none_or(|stage| stage == case.stage)
                && filter.office.as_ref().is_none_or(|office| *office == case.office)
                && in_time(case)
        };
        let place = |case: &Case| {
            let number = self.state.records.get(&case.record)?.number;
            Some((CasePlace { due_ms: case.due_ms, number }, case.record))
        };
        let mut found: Vec<_> = self.state.cases.values().filter(fits).filter_map(place).collect();
        found.retain(|(place, _)| after.is_none_or(|after| order(place) > order(&after)));
        found.sort_by_key(|(place, _)| order(place));
        found.truncate(limit);
        Ok(found)
    }

    fn cases_numbered(&mut self, after: u64, limit: usize) -> Result<Vec<(u64, RecordId)>> {
        let numbers = self.state.numbers.range((Bound::Excluded(after), Bound::Unbounded));
        let open = numbers.filter(|(_, id)| self.state.cases.contains_key(id));
        Ok(open.map(|(number, id)| (*number, *id)).take(limit).collect())
    }

    fn case_counts(&mut self, office: Option<&OfficeCode>, moments_ms: [i64; 4]) -> Result<Vec<CaseCount>> {
        let mut counts: BTreeMap<Stage, CaseCount> = BTreeMap::new();
        for case in self.state.cases.values().filter(|case| office.is_none_or(|office| *office == case.office)) {
            let empty = || CaseCount { stage: case.stage, all: 0, until: [0; 4] };
            let count = counts.entry(case.stage).or_insert_with(empty);
            count.all += 1;
            for (until, moment) in count.until.iter_mut().zip(moments_ms) {
                *until += u64::from(case.due_ms.is_some_and(|due| due <= moment));
            }
        }
        Ok(counts.into_values().collect())
    }

    fn survey_months(&mut self, office: Option<&OfficeCode>, from: i32, until: i32) -> Result<Vec<SurveyMonth>> {
        let months = self.state.survey_months.values().filter(|month| (from..=until).contains(&month.month));
        Ok(months.filter(|month| office.is_none_or(|office| *office == month.office)).cloned().collect())
    }

    fn put_survey_month(&mut self, month: &SurveyMonth) -> Result<()> {
        self.set(|state| &mut state.survey_months, (month.month, month.office.clone()), month.clone());
        Ok(())
    }

    fn feed_append(&mut self, topic: &Topic, item: &FeedItem) -> Result<u64> {
        let number = next(&self.state.feed_numbers);
        self.set(|state| &mut state.feed_numbers, number, ());
        self.set(|state| &mut state.feed, (topic.clone(), number), item.clone());
        if let Topic::Office(office) = topic {
            self.fed.insert(office.clone());
        }
        Ok(number)
    }

    fn feed_last(&mut self) -> Result<u64> {
        Ok(next(&self.state.feed_numbers) - 1)
    }

    fn feed_read(&mut self, topic: &Topic, after: u64, reader: ReplicaId, limit: FeedLimit) -> Result<FeedSlice> {
        let mut slice = FeedSlice { rows: Vec::new(), upto: after, more: false };
        let mut bytes_read = 0;
        let first = (topic.clone(), after.saturating_add(1));
        for (scanned, ((_, number), item)) in self.state.feed.range(first..=(topic.clone(), u64::MAX)).enumerate() {
            let full = slice.rows.len() >= limit.entries_max || bytes_read >= limit.bytes_aim;
            if scanned >= limit.scanned_max || (full && !slice.rows.is_empty()) {
                slice.more = true;
                break;
            }
            slice.upto = *number;
            match item {
                FeedItem::Op { writer, .. } if *writer == reader => {}
                FeedItem::Op { id, .. } => {
                    let bytes = self.op_at(id)?.bytes.clone();
                    bytes_read += bytes.len();
                    slice.rows.push(FeedRow::Op { number: *number, id: *id, bytes });
                }
                FeedItem::Verdict { id, verdict } => {
                    bytes_read += codec::encode(verdict).len();
                    slice.rows.push(FeedRow::Verdict { number: *number, id: *id, verdict: verdict.clone() });
                }
            }
        }
        Ok(slice)
    }

    fn put_attest(&mut self, attest: &Attest) -> Result<()> {
        for (log, seq, _) in &attest.heads.0 {
            let log = LogId::from_bytes(*log);
            let newer = self.state.attests.get(&log).is_none_or(|kept| kept.seq < *seq);
            if newer && self.state.logs.contains_key(&log) {
                let attestation = Attestation { seq: *seq, attest: attest.clone() };
                self.set(|state| &mut state.attests, log, attestation);
            }
        }
        Ok(())
    }

    fn attestation(&mut self, log: LogId) -> Result<Option<Attestation>> {
        Ok(self.state.attests.get(&log).cloned())
    }

    fn insert_fork(&mut self, fork: &Fork) -> Result<bool> {
        if self.state.forks.values().any(|kept| kept.id == fork.id && kept.bytes == fork.bytes) {
            return Ok(false);
        }
        self.set(|state| &mut state.forks, next(&self.state.forks), fork.clone());
        Ok(true)
    }

    fn forks(&mut self, limit: usize) -> Result<Vec<Fork>> {
        Ok(self.state.forks.values().take(limit).cloned().collect())
    }

    fn audit(&mut self, event: &AuditEvent) -> Result<u64> {
        let before = self.state.audit.last_key_value().map_or([0; 32], |(_, entry)| entry.hash);
        let number = next(&self.state.audit);
        let hash = AuditEntry::hash_after(&before, number, event);
        self.set(|state| &mut state.audit, number, AuditEntry { number, event: event.clone(), hash });
        Ok(number)
    }

    fn audit_log(&mut self, page: Page, limit: usize) -> Result<Vec<AuditEntry>> {
        Ok(paged(&self.state.audit, page).take(limit).cloned().collect())
    }

    fn audit_found(&mut self, filter: &AuditFilter, page: Page, limit: usize) -> Result<Vec<AuditEntry>> {
        let same = |wanted: &Option<String>, text: &String| wanted.as_ref().is_none_or(|wanted| wanted == text);
        let found = paged(&self.state.audit, page).filter(|AuditEntry { event, .. }| {
            same(&filter.actor, &event.actor)
                && same(&filter.event, &event.event)
                && same(&filter.subject, &event.subject)
                && filter.from_ms.is_none_or(|from_ms| event.at_ms >= from_ms)
                && filter.until_ms.is_none_or(|until_ms| event.at_ms < until_ms)
        });
        Ok(found.take(limit).cloned().collect())
    }

    fn journal(&mut self, note: &ExchangeNote) -> Result<()> {
        let of_replica = (note.replica, 0)..=(note.replica, u64::MAX);
        let kept: Vec<u64> = self.state.journal.range(of_replica).map(|((_, number), _)| *number).collect();
        if kept.len() >= JOURNAL_ROWS_MAX {
            self.remove(|state| &mut state.journal, (note.replica, kept.first().copied().unwrap_or(0)));
        }
        let number = kept.last().map_or(1, |last| last + 1);
        self.set(|state| &mut state.journal, (note.replica, number), note.clone());
        Ok(())
    }

    fn journal_of(&mut self, replica: ReplicaId, limit: usize) -> Result<Vec<ExchangeNote>> {
        let notes = self.state.journal.range((replica, 0)..=(replica, u64::MAX)).rev();
        Ok(notes.map(|(_, note)| note.clone()).take(limit).collect())
    }

    fn office_day(&mut self, office: &OfficeCode, day: Day) -> Result<Option<OfficeDay>> {
        Ok(self.state.days.get(&(office.clone(), day)).copied())
    }

    fn put_office_day(&mut self, office: &OfficeCode, day: &OfficeDay) -> Result<()> {
        let old = (office.clone(), Day(i32::MIN))..=(office.clone(), day.day.plus(-DAYS_KEPT));
        let old: Vec<(OfficeCode, Day)> = self.state.days.range(old).map(|(key, _)| key.clone()).collect();
        for key in old {
            self.remove(|state| &mut state.days, key);
        }
        self.set(|state| &mut state.days, (office.clone(), day.day), *day);
        Ok(())
    }

    fn office_days(&mut self, office: Option<&OfficeCode>) -> Result<Vec<(OfficeCode, OfficeDay)>> {
        let days = self.state.days.iter().filter(|((of, _), _)| office.is_none_or(|office| office == of));
        Ok(days.map(|((office, _), day)| (office.clone(), *day)).collect())
    }

    fn reference(&mut self, name: &str) -> Result<Option<Reference>> {
        Ok(self.state.references.get(name).cloned())
    }

    fn put_reference(&mut self, reference: &Reference) -> Result<()> {
        self.set(|state| &mut state.references, reference.name.clone(), reference.clone());
        Ok(())
    }

    fn account(&mut self, name: &str) -> Result<Option<Account>> {
        Ok(self.state.accounts.get(name).cloned())
    }

    fn accounts(&mut self) -> Result<Vec<Account>> {
        Ok(self.state.accounts.values().cloned().collect())
    }

    fn put_account(&mut self, account: &Account) -> Result<()> {
        self.set(|state| &mut state.accounts, account.name.clone(), account.clone());
        Ok(())
    }

    fn login(&mut self, hash: &[u8; 32]) -> Result<Option<Login>> {
        Ok(self.state.logins.get(hash).cloned())
    }

    fn logins_of(&mut self, account: &str) -> Result<Vec<Login>> {
        let mut logins: Vec<Login> =
            self.state.logins.values().filter(|login| login.account == account).cloned().collect();
        logins.sort_by_key(|login| (std::cmp::Reverse(login.began_ms), login.hash));
        Ok(logins)
    }

    fn put_login(&mut self, login: &Login) -> Result<()> {
        self.set(|state| &mut state.logins, login.hash, login.clone());
        Ok(())
    }

    fn remove_login(&mut self, hash: &[u8; 32]) -> Result<()> {
        self.remove(|state| &mut state.logins, *hash);
        Ok(())
    }

    fn forget_logins(&mut self, seen_before_ms: i64) -> Result<()> {
        let old = self.state.logins.values().filter(|login| login.seen_ms < seen_before_ms);
        for hash in old.map(|login| login.hash).collect::<Vec<_>>() {
            self.remove(|state| &mut state.logins, hash);
        }
        Ok(())
    }

    fn api_key(&mut self, id: u64) -> Result<Option<ApiKey>> {
        Ok(self.state.api_keys.get(&id).cloned())
    }

    fn api_keys(&mut self) -> Result<Vec<ApiKey>> {
        let mut keys: Vec<ApiKey> = self.state.api_keys.values().cloned().collect();
        keys.sort_by_key(|key| (key.created_ms, key.id));
        Ok(keys)
    }

    fn put_api_key(&mut self, key: &ApiKey) -> Result<()> {
        self.set(|state| &mut state.api_keys, key.id, key.clone());
        Ok(())
    }

    fn remembered(&mut self, key: u64, name: &str) -> Result<Option<Remembered>> {
        Ok(self.state.remembered.get(&(key, name.to_owned())).cloned())
    }

    fn remember(&mut self, answer: &Remembered) -> Result<()> {
        let old = answer.at_ms.saturating_sub(REMEMBERED_MS);
        let old: Vec<_> = self
            .state
            .remembered
            .iter()
            .filter(|(_, known)| known.at_ms <= old)
            .map(|(name, _)| name.clone())
            .collect();
        old.into_iter().for_each(|name| self.remove(|state| &mut state.remembered, name));
        self.set(|state| &mut state.remembered, (answer.key, answer.name.clone()), answer.clone());
        Ok(())
    }

    fn attention(&mut self) -> Result<Attention> {
        let aside = self.state.ops.values().filter(|op| matches!(op.state, OpState::Quarantined(_)));
        Ok(Attention { quarantined: aside.count() as u64, conflicts: self.state.conflicts.len() as u64 })
    }

    fn totals_since(&mut self, tally: &mut RecordTally) -> Result<Totals> {
        *tally = RecordTally::default();
        for row in self.state.records.values() {
            tally.through = tally.through.max(row.number);
            match &row.born {
                Some(born) => *tally.by_form.entry(born.form).or_insert(0) += 1,
                None => tally.unborn.push(row.number),
            }
        }
        let Attention { quarantined, conflicts } = self.attention()?;
        let count = |is: fn(&OpState) -> bool| self.state.ops.values().filter(|op| is(&op.state)).count() as u64;
        Ok(Totals {
            records: tally.by_form.iter().map(|(form, count)| (*form, *count)).collect(),
            ops: self.state.ops.len() as u64,
            quarantined,
            waiting: count(|state| *state == OpState::Waiting),
            conflicts,
            feed: self.feed_last()?,
        })
    }
}
