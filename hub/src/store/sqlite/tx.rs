//! An open transaction: savepoints, the statements' plumbing, and which module answers which call of the contract.

use std::collections::BTreeSet;

use kentongan_protocol::attachment::Content;
use kentongan_protocol::calendar::Day;
use kentongan_protocol::form::{FormTag, GroupTag};
use kentongan_protocol::ids::{LogId, OfficeCode, OpId, RecordId, ReplicaId, RunId, Topic};
use kentongan_protocol::log::{ChainHash, LogHead};
use kentongan_protocol::receipt::ReceiptCode;
use kentongan_protocol::session::hub::HubEpoch;
use kentongan_protocol::wire::v1::{Attest, VerdictFrame};
use rusqlite::{Connection, Params};

use super::super::contract::{Result, StoreError, Tx, Work};
use super::super::rows::*;
use super::row::Columns;
use super::{accounts, attachments, days, feed, logs, parties, programs, proofs, records, work};

/// An open transaction.
pub(super) struct SqliteTx<'a> {
    db: &'a Connection,
    /// What was looked up last is mostly what is needed next: an op is stored and then fed.
    pub(super) memo: Memo,
    /// Offices into whose feed something was put, undone or not.
    pub(super) fed: BTreeSet<OfficeCode>,
}

/// What is remembered within a transaction; forgotten when a part is undone.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Memo {
    /// Row of an op.
    pub(super) op: Option<(OpId, i64)>,
    /// Row of a record.
    pub(super) record: Option<(RecordId, i64)>,
    /// The last feed number given, and whether it has to be written back.
    pub(super) feed: Option<(u64, bool)>,
}

impl<'a> SqliteTx<'a> {
    pub(super) fn new(db: &'a Connection) -> Self {
        SqliteTx { db, memo: Memo::default(), fed: BTreeSet::new() }
    }

    /// Writes back what was only counted.
    pub(super) fn finish(&mut self) -> Result<()> {
        feed::finish(self)?;
        self.open()
    }

    /// A full disk or a damaged page makes SQLite end the whole transaction by itself. Nothing may be written after
    /// that: it would commit at once and alone.
    fn open(&self) -> Result<()> {
        if self.db.is_autocommit() { Err(StoreError::Ended) } else { Ok(()) }
    }

    /// Runs a statement that writes, and tells how many rows it touched.
    pub(super) fn write(&self, doing: &'static str, sql: &str, params: impl Params) -> Result<usize> {
        self.open()?;
        let mut statement = self.db.prepare_cached(sql).map_err(|error| StoreError::database(doing, error))?;
        statement.execute(params).map_err(|error| taken_or(doing, error))
    }

    /// Row id of the last row inserted.
    pub(super) fn inserted(&self) -> i64 {
        self.db.last_insert_rowid()
    }

    /// The first row of a query.
    pub(super) fn one<T>(
        &self,
        doing: &'static str,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&mut Columns<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let failed = |error| StoreError::database(doing, error);
        let mut statement = self.db.prepare_cached(sql).map_err(failed)?;
        let mut rows = statement.query(params).map_err(failed)?;
        let row = rows.next().map_err(failed)?;
        row.map(|row| read(&mut Columns::new(row, doing))).transpose()
    }

    /// Rows of a query, until `read` gives `None`.
    pub(super) fn while_some<T>(
        &self,
        doing: &'static str,
        sql: &str,
        params: impl Params,
        mut read: impl FnMut(&mut Columns<'_>) -> Result<Option<T>>,
    ) -> Result<Vec<T>> {
        let failed = |error| StoreError::database(doing, error);
        let mut statement = self.db.prepare_cached(sql).map_err(failed)?;
        let mut rows = statement.query(params).map_err(failed)?;
        let mut all = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            match read(&mut Columns::new(row, doing))? {
                Some(item) => all.push(item),
                None => break,
            }
        }
        Ok(all)
    }

    /// All rows of a query.
    pub(super) fn many<T>(
        &self,
        doing: &'static str,
        sql: &str,
        params: impl Params,
        mut read: impl FnMut(&mut Columns<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.while_some(doing, sql, params, |columns| read(columns).map(Some))
    }
}

fn taken_or(doing: &'static str, error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::ConstraintViolation) => StoreError::Taken(doing),
        _ => StoreError::database(doing, error),
    }
}

impl Tx for SqliteTx<'_> {
    fn part(&mut self, work: Work<'_>) -> Result<()> {
        self.write("beginning a part", "SAVEPOINT part", ())?;
        let memo = self.memo;
        let done = work(self);
        if done.is_err() {
            self.memo = memo;
            if self.db.is_autocommit() {
                return done;
            }
            self.write("undoing a part", "ROLLBACK TO part", ())?;
        }
        self.write("ending a part", "RELEASE part", ())?;
        done
    }

    fn hub(&mut self) -> Result<Option<HubIdentity>> {
        parties::hub(self)
    }
    fn put_hub(&mut self, hub: &HubIdentity) -> Result<()> {
        parties::put_hub(self, hub)
    }
    fn epochs(&mut self) -> Result<Vec<HubEpoch>> {
        parties::epochs(self)
    }
    fn append_epoch(&mut self, epoch: &HubEpoch, at_ms: i64) -> Result<()> {
        parties::append_epoch(self, epoch, at_ms)
    }

    fn backed_up_ms(&mut self) -> Result<Option<i64>> {
        parties::backed_up_ms(self)
    }

    fn note_backed_up(&mut self, at_ms: i64) -> Result<()> {
        parties::note_backed_up(self, at_ms)
    }
    fn office(&mut self, code: &OfficeCode) -> Result<Option<Office>> {
        parties::office(self, code)
    }
    fn offices(&mut self) -> Result<Vec<Office>> {
        parties::offices(self)
    }
    fn put_office(&mut self, office: &Office) -> Result<()> {
        parties::put_office(self, office)
    }
    fn append_office_note(&mut self, office: &OfficeCode, note: &OfficeNote) -> Result<()> {
        parties::append_office_note(self, office, note)
    }
    fn office_notes(&mut self, office: &OfficeCode, limit: usize) -> Result<Vec<OfficeNote>> {
        parties::office_notes(self, office, limit)
    }
    fn replica(&mut self, id: ReplicaId) -> Result<Option<Replica>> {
        parties::replica(self, id)
    }
    fn replica_by_key(&mut self, public_key: &[u8; 32]) -> Result<Option<Replica>> {
        parties::replica_by_key(self, public_key)
    }
    fn replica_by_prefix(&mut self, prefix: u32) -> Result<Option<Replica>> {
        parties::replica_by_prefix(self, prefix)
    }
    fn replicas(&mut self) -> Result<Vec<Replica>> {
        parties::replicas(self)
    }
    fn put_replica(&mut self, replica: &Replica) -> Result<()> {
        parties::put_replica(self, replica)
    }
    fn enrol_code(&mut self, id: u64) -> Result<Option<EnrolCode>> {
        parties::enrol_code(self, id)
    }
    fn enrol_code_by_secret(&mut self, secret_hash: &[u8; 32]) -> Result<Option<EnrolCode>> {
        parties::enrol_code_by_secret(self, secret_hash)
    }
    fn enrol_codes(&mut self) -> Result<Vec<EnrolCode>> {
        parties::enrol_codes(self)
    }
    fn replica_tags(&mut self) -> Result<Vec<(ReplicaId, String)>> {
        parties::replica_tags(self)
    }
    fn put_enrol_code(&mut self, code: &EnrolCode) -> Result<()> {
        parties::put_enrol_code(self, code)
    }

    fn run(&mut self, replica: ReplicaId, run: RunId) -> Result<Option<Run>> {
        logs::run(self, replica, run)
    }
    fn runs_of(&mut self, replica: ReplicaId) -> Result<Vec<Run>> {
        logs::runs_of(self, replica)
    }
    fn put_run(&mut self, run: &Run) -> Result<()> {
        logs::put_run(self, run)
    }
    fn log(&mut self, id: LogId) -> Result<Option<Log>> {
        logs::log(self, id)
    }
    fn logs_of(&mut self, replica: ReplicaId, after: Option<LogId>, limit: usize) -> Result<Vec<Log>> {
        logs::logs_of(self, replica, after, limit)
    }
    fn insert_log(&mut self, head: &LogHead) -> Result<()> {
        logs::insert_log(self, head)
    }
    fn advance_log(&mut self, id: LogId, stored: u64, chain: ChainHash) -> Result<()> {
        logs::advance_log(self, id, stored, chain)
    }
    fn raise_durable(&mut self, id: LogId, seq: u64) -> Result<()> {
        logs::raise_durable(self, id, seq)
    }
    fn append_op(&mut self, op: &NewOp<'_>) -> Result<()> {
        logs::append_op(self, op)
    }
    fn op(&mut self, id: OpId) -> Result<Option<StoredOp>> {
        logs::op(self, id)
    }
    fn ops_from(&mut self, log: LogId, from_seq: u64, ops_max: usize, bytes_aim: usize) -> Result<Vec<StoredOp>> {
        logs::ops_from(self, OpId { log, seq: from_seq }, ops_max, bytes_aim)
    }
    fn ops_of(&mut self, record: RecordId) -> Result<Vec<StoredOp>> {
        logs::ops_of(self, record)
    }
    fn put_opened(&mut self, id: OpId, opened: &[u8]) -> Result<()> {
        logs::put_opened(self, id, opened)
    }

    fn update_op(&mut self, id: OpId, record: Option<RecordId>, state: OpState) -> Result<()> {
        logs::update_op(self, id, record, state)
    }
    fn quarantined(&mut self, after: Option<OpId>, limit: usize) -> Result<Vec<StoredOp>> {
        logs::quarantined(self, after, limit)
    }
    fn verdict(&mut self, id: OpId) -> Result<Option<VerdictFrame>> {
        logs::verdict(self, id)
    }
    fn put_verdict(&mut self, id: OpId, verdict: &VerdictFrame) -> Result<()> {
        logs::put_verdict(self, id, verdict)
    }

    fn record(&mut self, id: RecordId) -> Result<Option<RecordRow>> {
        records::record(self, id)
    }
    fn insert_record(&mut self, record: &RecordRow) -> Result<bool> {
        records::insert_record(self, record)
    }
    fn update_record(&mut self, record: &RecordRow) -> Result<()> {
        records::update_record(self, record)
    }
    fn records_coded(&mut self, code: ReceiptCode) -> Result<Vec<RecordRow>> {
        records::records_coded(self, code)
    }
    fn records(&mut self, filter: &RecordFilter, page: Page, limit: usize) -> Result<Vec<RecordRow>> {
        records::records(self, filter, page, limit)
    }
    fn share_record(&mut self, record: RecordId, office: &OfficeCode) -> Result<bool> {
        records::share_record(self, record, office)
    }
    fn shared_with(&mut self, record: RecordId) -> Result<Vec<OfficeCode>> {
        records::shared_with(self, record)
    }
    fn attachment(&mut self, content: &Content) -> Result<Option<Attachment>> {
        attachments::attachment(self, content)
    }
    fn name_attachment(
        &mut self,
        content: &Content,
        record: RecordId,
        writer: ReplicaId,
        name: &str,
        at_ms: i64,
    ) -> Result<()> {
        attachments::name_attachment(self, content, record, writer, name, at_ms)
    }
    fn is_named_by(&mut self, content: &Content, writer: ReplicaId) -> Result<bool> {
        attachments::is_named_by(self, content, writer)
    }
    fn is_named_beside(&mut self, content: &Content, writer: ReplicaId) -> Result<bool> {
        attachments::is_named_beside(self, content, writer)
    }
    fn update_attachment(&mut self, content: &Content, state: AttachmentState) -> Result<()> {
        attachments::update_attachment(self, content, state)
    }
    fn append_chunk(&mut self, content: &Content, offset: u32, bytes: &[u8]) -> Result<()> {
        attachments::append_chunk(self, content, offset, bytes)
    }
    fn chunks(&mut self, content: &Content) -> Result<Vec<u8>> {
        attachments::chunks(self, content)
    }
    fn attachments_of(&mut self, record: RecordId) -> Result<Vec<Named>> {
        attachments::attachments_of(self, record)
    }
    fn conflicts_of(&mut self, record: RecordId) -> Result<Vec<Conflict>> {
        records::conflicts_of(self, record)
    }
    fn conflicts(&mut self, owner: Option<&OfficeCode>, limit: usize) -> Result<Vec<Conflict>> {
        records::conflicts(self, owner, limit)
    }
    fn put_conflict(&mut self, conflict: &Conflict) -> Result<()> {
        records::put_conflict(self, conflict)
    }
    fn remove_conflict(&mut self, record: RecordId, group: GroupTag) -> Result<()> {
        records::remove_conflict(self, record, group)
    }
    fn put_decision(&mut self, decision: &Decision) -> Result<()> {
        work::put_decision(self, decision)
    }
    fn decisions(&mut self, limit: usize) -> Result<Vec<Decision>> {
        work::decisions(self, limit)
    }

    fn unseen(&mut self, form: FormTag, seen: Seen, limit: usize) -> Result<(Vec<RecordRow>, Seen)> {
        work::unseen(self, form, seen, limit)
    }
    fn progress(&mut self, name: &str) -> Result<u64> {
        work::progress(self, name)
    }
    fn put_progress(&mut self, name: &str, value: u64) -> Result<()> {
        work::put_progress(self, name, value)
    }
    fn case(&mut self, record: RecordId) -> Result<Option<Case>> {
        work::case(self, record)
    }
    fn put_case(&mut self, case: &Case) -> Result<()> {
        work::put_case(self, case)
    }
    fn remove_case(&mut self, record: RecordId) -> Result<()> {
        work::remove_case(self, record)
    }
    fn cases(
        &mut self,
        filter: &CaseFilter,
        after: Option<CasePlace>,
        limit: usize,
    ) -> Result<Vec<(CasePlace, RecordId)>> {
        work::cases(self, filter, after, limit)
    }
    fn cases_numbered(&mut self, after: u64, limit: usize) -> Result<Vec<(u64, RecordId)>> {
        work::cases_numbered(self, after, limit)
    }
    fn case_counts(&mut self, office: Option<&OfficeCode>, moments_ms: [i64; 4]) -> Result<Vec<CaseCount>> {
        work::case_counts(self, office, moments_ms)
    }
    fn survey_months(&mut self, office: Option<&OfficeCode>, from: i32, until: i32) -> Result<Vec<SurveyMonth>> {
        work::survey_months(self, office, from, until)
    }
    fn put_survey_month(&mut self, month: &SurveyMonth) -> Result<()> {
        work::put_survey_month(self, month)
    }

    fn feed_append(&mut self, topic: &Topic, item: &FeedItem) -> Result<u64> {
        feed::append(self, topic, item)
    }
    fn feed_last(&mut self) -> Result<u64> {
        feed::last(self)
    }
    fn feed_read(&mut self, topic: &Topic, after: u64, reader: ReplicaId, limit: FeedLimit) -> Result<FeedSlice> {
        feed::read(self, topic, after, reader, limit)
    }

    fn put_attest(&mut self, attest: &Attest) -> Result<()> {
        proofs::put_attest(self, attest)
    }
    fn attestation(&mut self, log: LogId) -> Result<Option<Attestation>> {
        proofs::attestation(self, log)
    }
    fn insert_fork(&mut self, fork: &Fork) -> Result<bool> {
        proofs::insert_fork(self, fork)
    }
    fn forks(&mut self, limit: usize) -> Result<Vec<Fork>> {
        proofs::forks(self, limit)
    }
    fn audit(&mut self, event: &AuditEvent) -> Result<u64> {
        proofs::audit(self, event)
    }
    fn audit_log(&mut self, page: Page, limit: usize) -> Result<Vec<AuditEntry>> {
        proofs::audit_log(self, page, limit)
    }
    fn audit_found(&mut self, filter: &AuditFilter, page: Page, limit: usize) -> Result<Vec<AuditEntry>> {
        proofs::audit_found(self, filter, page, limit)
    }
    fn journal(&mut self, note: &ExchangeNote) -> Result<()> {
        proofs::journal(self, note)
    }
    fn journal_of(&mut self, replica: ReplicaId, limit: usize) -> Result<Vec<ExchangeNote>> {
        proofs::journal_of(self, replica, limit)
    }
    fn office_day(&mut self, office: &OfficeCode, day: Day) -> Result<Option<OfficeDay>> {
        days::office_day(self, office, day)
    }
    fn put_office_day(&mut self, office: &OfficeCode, day: &OfficeDay) -> Result<()> {
        days::put_office_day(self, office, day)
    }
    fn office_days(&mut self, office: Option<&OfficeCode>) -> Result<Vec<(OfficeCode, OfficeDay)>> {
        days::office_days(self, office)
    }
    fn reference(&mut self, name: &str) -> Result<Option<Reference>> {
        days::reference(self, name)
    }
    fn put_reference(&mut self, reference: &Reference) -> Result<()> {
        days::put_reference(self, reference)
    }
    fn account(&mut self, name: &str) -> Result<Option<Account>> {
        accounts::account(self, name)
    }
    fn accounts(&mut self) -> Result<Vec<Account>> {
        accounts::accounts(self)
    }
    fn put_account(&mut self, account: &Account) -> Result<()> {
        accounts::put_account(self, account)
    }
    fn login(&mut self, hash: &[u8; 32]) -> Result<Option<Login>> {
        accounts::login(self, hash)
    }
    fn logins_of(&mut self, account: &str) -> Result<Vec<Login>> {
        accounts::logins_of(self, account)
    }
    fn put_login(&mut self, login: &Login) -> Result<()> {
        accounts::put_login(self, login)
    }
    fn remove_login(&mut self, hash: &[u8; 32]) -> Result<()> {
        accounts::remove_login(self, hash)
    }
    fn forget_logins(&mut self, seen_before_ms: i64) -> Result<()> {
        accounts::forget_logins(self, seen_before_ms)
    }
    fn api_key(&mut self, id: u64) -> Result<Option<ApiKey>> {
        programs::api_key(self, id)
    }
    fn api_keys(&mut self) -> Result<Vec<ApiKey>> {
        programs::api_keys(self)
    }
    fn put_api_key(&mut self, key: &ApiKey) -> Result<()> {
        programs::put_api_key(self, key)
    }
    fn remembered(&mut self, key: u64, name: &str) -> Result<Option<Remembered>> {
        programs::remembered(self, key, name)
    }
    fn remember(&mut self, answer: &Remembered) -> Result<()> {
        programs::remember(self, answer)
    }
    fn attention(&mut self) -> Result<Attention> {
        records::attention(self)
    }
    fn totals_since(&mut self, tally: &mut RecordTally) -> Result<Totals> {
        records::totals_since(self, tally)
    }
}
