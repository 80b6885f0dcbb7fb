//! The contract of the hub's store, on one page.
//!
//! ```text
//!   transact(work)        begin ── work(tx) ── commit, flushed to disk ──▶ Ok
//!                                    └─ error ── everything as before ──▶ Err
//!   transact_group(jobs)  begin ── part(job 1) ── part(job 2) ── … ── one commit ──▶ one result for each
//! ```
//!
//! - **Atomic.** Everything done within one [`Store::transact`] is there afterwards, or nothing of it. Within
//!   [`Tx::part`] the same holds for the part: the rest of the transaction goes on without it.
//! - **Durable.** When `transact` returns `Ok`, the work survives a power cut. Nobody is told "stored" before that.
//! - **Alone.** One transaction runs at a time and sees its own writes; there is nothing to retry.
//! - **Synchronous.** One thread owns the store; see [`super::owner`]. No transaction is open while a network is waited
//!   for.
//! - **Repeatable.** `put_…` replaces the whole row with the same key, and the same call again changes nothing. What is
//!   named `append_…` or `insert_…` says what a repetition does.
//!
//! `suite` beside this file proves all of this, by name, against each store.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use kentongan_protocol::attachment::Content;
use kentongan_protocol::calendar::Day;
use kentongan_protocol::form::{FormTag, GroupTag};
use kentongan_protocol::ids::{LogId, OfficeCode, OpId, RecordId, ReplicaId, RunId, Topic};
use kentongan_protocol::log::{ChainHash, LogHead};
use kentongan_protocol::receipt::ReceiptCode;
use kentongan_protocol::session::hub::HubEpoch;
use kentongan_protocol::wire::v1::{Attest, VerdictFrame};

use super::rows::{
    Account, ApiKey, Attachment, AttachmentState, Attention, Attestation, AuditEntry, AuditEvent, AuditFilter, Case,
    CaseCount, CaseFilter, CasePlace, Conflict, Decision, EnrolCode, ExchangeNote, FeedItem, FeedLimit, FeedSlice,
    Fork, HubIdentity, Log, Login, Named, NewOp, Office, OfficeDay, OfficeNote, OpState, Page, RecordFilter, RecordRow,
    RecordTally, Reference, Remembered, Replica, Run, Seen, StoredOp, SurveyMonth, Totals,
};

/// Result of a call on the store.
pub type Result<T> = std::result::Result<T, StoreError>;

/// What is done in a transaction or a part of one. It is called once.
pub type Work<'a> = &'a mut dyn FnMut(&mut dyn Tx) -> Result<()>;

/// A store.
pub trait Store: Send {
    /// Runs `work` in a transaction and commits it, flushed to disk. If `work` fails, everything is as it was before.
    ///
    /// # Errors
    /// Whatever `work` failed with, or why the commit failed; either way nothing was stored.
    fn transact(&mut self, work: Work<'_>) -> Result<()>;

    /// Whether its disk has failed in a commit. Nothing more should be asked of it: only opening it anew shows what is
    /// really there.
    fn is_doubtful(&self) -> bool {
        false
    }

    /// Offices into whose feed something was committed since this was asked last, or a little more.
    fn take_fed(&mut self) -> BTreeSet<OfficeCode> {
        BTreeSet::new()
    }
}

/// An open transaction.
pub trait Tx {
    /// Runs `work` as a part: if it fails, what it did is undone and the transaction goes on. Parts may be nested.
    ///
    /// # Errors
    /// Whatever `work` failed with.
    fn part(&mut self, work: Work<'_>) -> Result<()>;

    // -- the hub ----------------------------------------------------------------------------------------------------

    /// The hub itself; `None` before it was set up.
    fn hub(&mut self) -> Result<Option<HubIdentity>>;
    /// Sets up the hub.
    fn put_hub(&mut self, hub: &HubIdentity) -> Result<()>;
    /// All starts of the hub, the first one first.
    fn epochs(&mut self) -> Result<Vec<HubEpoch>>;
    /// Notes a start: once for each process, before anything else is written.
    fn append_epoch(&mut self, epoch: &HubEpoch, at_ms: i64) -> Result<()>;
    /// When the durable marks were last raised to what a verified copy holds, milliseconds since 1970; `None`: never.
    fn backed_up_ms(&mut self) -> Result<Option<i64>>;
    /// Notes that all durable marks were raised to what a copy of this time holds.
    fn note_backed_up(&mut self, at_ms: i64) -> Result<()>;

    // -- offices, replicas, codes -----------------------------------------------------------------------------------

    /// An office.
    fn office(&mut self, code: &OfficeCode) -> Result<Option<Office>>;
    /// All offices, by code.
    fn offices(&mut self) -> Result<Vec<Office>>;
    /// Enters or changes an office.
    fn put_office(&mut self, office: &Office) -> Result<()>;
    /// Adds a note about an office.
    fn append_office_note(&mut self, office: &OfficeCode, note: &OfficeNote) -> Result<()>;
    /// The last notes about an office, the newest first.
    fn office_notes(&mut self, office: &OfficeCode, limit: usize) -> Result<Vec<OfficeNote>>;

    /// A replica.
    fn replica(&mut self, id: ReplicaId) -> Result<Option<Replica>>;
    /// The replica with this Ed25519 key.
    fn replica_by_key(&mut self, public_key: &[u8; 32]) -> Result<Option<Replica>>;
    /// The replica with this prefix of receipt codes.
    fn replica_by_prefix(&mut self, prefix: u32) -> Result<Option<Replica>>;
    /// All replicas, by office and then by time of joining.
    fn replicas(&mut self) -> Result<Vec<Replica>>;
    /// Enters or changes a replica. Key and prefix of another replica are refused with [`StoreError::Taken`].
    fn put_replica(&mut self, replica: &Replica) -> Result<()>;

    /// An enrolment code by its public number.
    fn enrol_code(&mut self, id: u64) -> Result<Option<EnrolCode>>;
    /// An enrolment code by the hash of its secret.
    fn enrol_code_by_secret(&mut self, secret_hash: &[u8; 32]) -> Result<Option<EnrolCode>>;
    /// All enrolment codes, the newest first.
    fn enrol_codes(&mut self) -> Result<Vec<EnrolCode>>;
    /// Each replica that joined by a code, by its id, with the tag of the code that it used last; empty tags are left out.
    fn replica_tags(&mut self) -> Result<Vec<(ReplicaId, String)>>;
    /// Enters or changes an enrolment code.
    fn put_enrol_code(&mut self, code: &EnrolCode) -> Result<()>;

    // -- runs and logs ----------------------------------------------------------------------------------------------

    /// A run of a replica.
    fn run(&mut self, replica: ReplicaId, run: RunId) -> Result<Option<Run>>;
    /// All runs of a replica.
    fn runs_of(&mut self, replica: ReplicaId) -> Result<Vec<Run>>;
    /// Enters or changes a run.
    fn put_run(&mut self, run: &Run) -> Result<()>;

    /// A log.
    fn log(&mut self, id: LogId) -> Result<Option<Log>>;
    /// Logs of a replica after `after` (`None`: from the first) in an order of the store's own, at most `limit`.
    fn logs_of(&mut self, replica: ReplicaId, after: Option<LogId>, limit: usize) -> Result<Vec<Log>>;
    /// Enters a log without ops. A log that is there already is refused with [`StoreError::Taken`].
    fn insert_log(&mut self, head: &LogHead) -> Result<()>;
    /// Moves the stored mark, in the same transaction as the ops up to it.
    fn advance_log(&mut self, id: LogId, stored: u64, chain: ChainHash) -> Result<()>;
    /// Raises the durable mark of a log to `seq`, at most to its stored mark. It never falls.
    fn raise_durable(&mut self, id: LogId, seq: u64) -> Result<()>;

    // -- ops --------------------------------------------------------------------------------------------------------

    /// Stores an op. A name that is there already is refused with [`StoreError::Taken`]: whoever appends compares first.
    /// The caller keeps logs without gaps and moves their marks.
    fn append_op(&mut self, op: &NewOp<'_>) -> Result<()>;
    /// An op.
    fn op(&mut self, id: OpId) -> Result<Option<StoredOp>>;
    /// Ops of a log from `from_seq` on: at least one if there is one, then while they are fewer than `ops_max` and
    /// shorter than `bytes_aim` together.
    fn ops_from(&mut self, log: LogId, from_seq: u64, ops_max: usize, bytes_aim: usize) -> Result<Vec<StoredOp>>;
    /// Ops of a record, in the order of arrival.
    fn ops_of(&mut self, record: RecordId) -> Result<Vec<StoredOp>>;
    /// Changes what became of an op, and names its record if its bytes can be read by now. A row for it must be there.
    fn update_op(&mut self, id: OpId, record: Option<RecordId>, state: OpState) -> Result<()>;
    /// Keeps what an op says in full of which a part was sealed: the bytes of the op that its writer meant.
    fn put_opened(&mut self, id: OpId, opened: &[u8]) -> Result<()>;
    /// Ops kept aside that no person has decided on, in the order of arrival; those after `after`, at most `limit`.
    fn quarantined(&mut self, after: Option<OpId>, limit: usize) -> Result<Vec<StoredOp>>;
    /// What the hub last said of an op; `None` if it never had anything to say.
    fn verdict(&mut self, id: OpId) -> Result<Option<VerdictFrame>>;
    /// Notes what the hub says of an op.
    fn put_verdict(&mut self, id: OpId, verdict: &VerdictFrame) -> Result<()>;

    // -- records ----------------------------------------------------------------------------------------------------

    /// A record.
    fn record(&mut self, id: RecordId) -> Result<Option<RecordRow>>;
    /// Enters a record and gives it the next number. `false`, and nothing changed, if it is there already.
    fn insert_record(&mut self, record: &RecordRow) -> Result<bool>;
    /// Changes a record; its number and time of receipt stay.
    fn update_record(&mut self, record: &RecordRow) -> Result<()>;
    /// The records with this receipt code, by number: one, unless two replicas were given one prefix.
    fn records_coded(&mut self, code: ReceiptCode) -> Result<Vec<RecordRow>>;
    /// A page of the records that have their creating op and pass the filter, at most `limit`.
    fn records(&mut self, filter: &RecordFilter, page: Page, limit: usize) -> Result<Vec<RecordRow>>;
    /// Lets another office see a record. `false`, and nothing changed, if it does already.
    fn share_record(&mut self, record: RecordId, office: &OfficeCode) -> Result<bool>;
    /// The offices that see a record besides its own, by code.
    fn shared_with(&mut self, record: RecordId) -> Result<Vec<OfficeCode>>;

    /// Conflicts of a record, by group.
    fn conflicts_of(&mut self, record: RecordId) -> Result<Vec<Conflict>>;
    /// All conflicts, the oldest first, at most `limit`; of one owner, if given.
    fn conflicts(&mut self, owner: Option<&OfficeCode>, limit: usize) -> Result<Vec<Conflict>>;
    /// Enters a conflict. One that is there already keeps the time since which it is known.
    fn put_conflict(&mut self, conflict: &Conflict) -> Result<()>;
    /// Removes a conflict that was decided.
    fn remove_conflict(&mut self, record: RecordId, group: GroupTag) -> Result<()>;
    /// Notes who decided a conflict. The same again changes nothing.
    fn put_decision(&mut self, decision: &Decision) -> Result<()>;
    /// Decisions over conflicts, the latest first, at most `limit`.
    fn decisions(&mut self, limit: usize) -> Result<Vec<Decision>>;

    // -- what was found out of records ------------------------------------------------------------------------------

    /// Records of a form that came or changed after `seen`, in no order, and how far that reaches; a record may be given
    /// twice. At most `limit` that came and `limit` that changed: with fewer of both than that, there are no more.
    fn unseen(&mut self, form: FormTag, seen: Seen, limit: usize) -> Result<(Vec<RecordRow>, Seen)>;
    /// How far work of this name has come; 0 if it never began.
    fn progress(&mut self, name: &str) -> Result<u64>;
    /// Notes how far work of this name has come.
    fn put_progress(&mut self, name: &str, value: u64) -> Result<()>;
    /// What is due of a record, if it is on the list of open complaints.
    fn case(&mut self, record: RecordId) -> Result<Option<Case>>;
    /// Puts a record, which must be there, on the list of open complaints, or changes it there.
    fn put_case(&mut self, case: &Case) -> Result<()>;
    /// Takes a record off the list of open complaints.
    fn remove_case(&mut self, record: RecordId) -> Result<()>;
    /// Open complaints behind a place, what is due first in front, at most `limit`; each with its place.
    fn cases(
        &mut self,
        filter: &CaseFilter,
        after: Option<CasePlace>,
        limit: usize,
    ) -> Result<Vec<(CasePlace, RecordId)>>;
    /// Open complaints by number of their record, those above `after`, at most `limit`.
    fn cases_numbered(&mut self, after: u64, limit: usize) -> Result<Vec<(u64, RecordId)>>;
    /// How many open complaints there are at each stage, and how many of them are due until each of the moments.
    fn case_counts(&mut self, office: Option<&OfficeCode>, moments_ms: [i64; 4]) -> Result<Vec<CaseCount>>;
    /// What the questionnaires of one office, or of all, add up to in each month from the first to the second.
    fn survey_months(&mut self, office: Option<&OfficeCode>, from: i32, until: i32) -> Result<Vec<SurveyMonth>>;
    /// Enters or replaces the sums of a month.
    fn put_survey_month(&mut self, month: &SurveyMonth) -> Result<()>;

    // -- files that records name -------------------------------------------------------------------------------------

    /// A file by all that is claimed of it: two ops that disagree about its length or kind mean two files.
    fn attachment(&mut self, content: &Content) -> Result<Option<Attachment>>;
    /// Notes that an op of `writer` names a file for a record; a file that nobody named before is wanted from now on.
    /// The same again changes nothing. The record must be there.
    fn name_attachment(
        &mut self,
        content: &Content,
        record: RecordId,
        writer: ReplicaId,
        name: &str,
        at_ms: i64,
    ) -> Result<()>;
    /// Whether an op of `writer` names this file: only who names a file may bring it.
    fn is_named_by(&mut self, content: &Content, writer: ReplicaId) -> Result<bool>;
    /// Whether ops of others than `writer` name this file too: then one of them alone does not decide over it.
    fn is_named_beside(&mut self, content: &Content, writer: ReplicaId) -> Result<bool>;
    /// Moves a file, which must be there. Parts are dropped unless it is wanted with some of them.
    fn update_attachment(&mut self, content: &Content, state: AttachmentState) -> Result<()>;
    /// Keeps a part of a wanted file.
    fn append_chunk(&mut self, content: &Content, offset: u32, bytes: &[u8]) -> Result<()>;
    /// The parts of a file that are here, side by side.
    fn chunks(&mut self, content: &Content) -> Result<Vec<u8>>;
    /// The files that a record names, in the order in which they were first named.
    fn attachments_of(&mut self, record: RecordId) -> Result<Vec<Named>>;

    // -- feed -------------------------------------------------------------------------------------------------------

    /// Appends to a topic and gives back the number of the entry: one sequence over all topics, in the order of the
    /// calls. A number of a transaction that was undone may be given again; nobody has seen it.
    fn feed_append(&mut self, topic: &Topic, item: &FeedItem) -> Result<u64>;
    /// The last number given, 0 if none.
    fn feed_last(&mut self) -> Result<u64>;
    /// Reads a topic after number `after`, passing over ops that `reader` wrote itself.
    fn feed_read(&mut self, topic: &Topic, after: u64, reader: ReplicaId, limit: FeedLimit) -> Result<FeedSlice>;

    // -- proofs and journals ----------------------------------------------------------------------------------------

    /// Keeps a signature for those of its heads that cover more of their log than the one kept before. Heads of logs
    /// that are not here are passed over.
    fn put_attest(&mut self, attest: &Attest) -> Result<()>;
    /// The signature kept for a log.
    fn attestation(&mut self, log: LogId) -> Result<Option<Attestation>>;
    /// Keeps an op aside that claims the name of another. The same one again changes nothing and gives `false`.
    fn insert_fork(&mut self, fork: &Fork) -> Result<bool>;
    /// All forks, the oldest first, at most `limit`.
    fn forks(&mut self, limit: usize) -> Result<Vec<Fork>>;
    /// Appends a line to the audit log and gives back its number.
    fn audit(&mut self, event: &AuditEvent) -> Result<u64>;
    /// Lines of the audit log, at most `limit`.
    fn audit_log(&mut self, page: Page, limit: usize) -> Result<Vec<AuditEntry>>;
    /// Those that pass the filter, at most `limit`.
    fn audit_found(&mut self, filter: &AuditFilter, page: Page, limit: usize) -> Result<Vec<AuditEntry>>;
    /// Notes how an exchange went; of each replica the last [`super::rows::JOURNAL_ROWS_MAX`] are kept.
    fn journal(&mut self, note: &ExchangeNote) -> Result<()>;
    /// The last exchanges of a replica, the newest first.
    fn journal_of(&mut self, replica: ReplicaId, limit: usize) -> Result<Vec<ExchangeNote>>;
    /// How an office was heard on a day of its own.
    fn office_day(&mut self, office: &OfficeCode, day: Day) -> Result<Option<OfficeDay>>;
    /// Enters or changes a day of an office, and forgets those that lie [`super::rows::DAYS_KEPT`] days or more before it.
    fn put_office_day(&mut self, office: &OfficeCode, day: &OfficeDay) -> Result<()>;
    /// The days of one office, or of all if none is named, by office and day.
    fn office_days(&mut self, office: Option<&OfficeCode>) -> Result<Vec<(OfficeCode, OfficeDay)>>;
    /// A table or choice that people brought in.
    fn reference(&mut self, name: &str) -> Result<Option<Reference>>;
    /// Enters or replaces a table or choice.
    fn put_reference(&mut self, reference: &Reference) -> Result<()>;

    // -- people at the console --------------------------------------------------------------------------------------

    /// A person at the console by the name they log in as.
    fn account(&mut self, name: &str) -> Result<Option<Account>>;
    /// All of them, by name.
    fn accounts(&mut self) -> Result<Vec<Account>>;
    /// Enters or changes a person at the console.
    fn put_account(&mut self, account: &Account) -> Result<()>;
    /// A login by the hash of what its browser keeps.
    fn login(&mut self, hash: &[u8; 32]) -> Result<Option<Login>>;
    /// The logins of a person, the newest first.
    fn logins_of(&mut self, account: &str) -> Result<Vec<Login>>;
    /// Enters or changes a login.
    fn put_login(&mut self, login: &Login) -> Result<()>;
    /// Ends a login; one that is not there is ended already.
    fn remove_login(&mut self, hash: &[u8; 32]) -> Result<()>;
    /// Ends all logins that were last used before this time.
    fn forget_logins(&mut self, seen_before_ms: i64) -> Result<()>;

    /// A program's key by its number.
    fn api_key(&mut self, id: u64) -> Result<Option<ApiKey>>;
    /// All keys, the oldest first.
    fn api_keys(&mut self) -> Result<Vec<ApiKey>>;
    /// Enters or changes a key.
    fn put_api_key(&mut self, key: &ApiKey) -> Result<()>;
    /// What a program was answered to the request that it gave this name.
    fn remembered(&mut self, key: u64, name: &str) -> Result<Option<Remembered>>;
    /// Remembers an answer, and forgets those that are [`super::rows::REMEMBERED_MS`] older or more.
    fn remember(&mut self, answer: &Remembered) -> Result<()>;
    /// What waits for people; takes no longer in a large store than in a small one.
    fn attention(&mut self) -> Result<Attention>;
    /// Totals, for overviews: counts every record.
    fn totals(&mut self) -> Result<Totals> {
        self.totals_since(&mut RecordTally::default())
    }
    /// The same, counting only the records that came since `tally`, which is brought up to date. A tally belongs to one
    /// store, and is worth nothing if the transaction is not committed.
    fn totals_since(&mut self, tally: &mut RecordTally) -> Result<Totals>;
}

/// Why the store did not do what was asked.
#[derive(Debug, Clone)]
pub enum StoreError {
    /// The database failed.
    Database {
        /// What was being done.
        doing: &'static str,
        /// What it said.
        source: Arc<dyn Error + Send + Sync>,
    },
    /// What is stored is not what this program stores.
    Damaged(&'static str),
    /// A name or number is another's already.
    Taken(&'static str),
    /// The database ended the whole transaction by itself, because of a failure of one of its parts.
    Ended,
    /// The caller asked for the transaction or part to be undone.
    Undone,
    /// A job panicked: a defect of ours. What it did was undone.
    Panicked(String),
    /// The store is closed or closing.
    Closed,
}

impl StoreError {
    /// A failure of the database.
    pub fn database(doing: &'static str, source: impl Error + Send + Sync + 'static) -> StoreError {
        StoreError::Database { doing, source: Arc::new(source) }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Database { doing, .. } => write!(f, "the store failed at: {doing}"),
            StoreError::Damaged(what) => write!(f, "the store is damaged: {what}"),
            StoreError::Taken(what) => write!(f, "already taken: {what}"),
            StoreError::Ended => f.write_str("the transaction was ended by the database"),
            StoreError::Undone => f.write_str("undone at the caller's wish"),
            StoreError::Panicked(what) => write!(f, "a job on the store panicked: {what}"),
            StoreError::Closed => f.write_str("the store is closed"),
        }
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            StoreError::Database { source, .. } => Some(&**source),
            _ => None,
        }
    }
}

/// As [`Store::transact`], for work that gives something back or fails in its own way.
///
/// # Errors
/// Whatever `work` failed with, or why the commit failed; either way nothing was stored.
pub fn transact_with<T, E: From<StoreError>>(
    store: &mut dyn Store,
    work: impl FnOnce(&mut dyn Tx) -> std::result::Result<T, E>,
) -> std::result::Result<T, E> {
    let mut work = Some(work);
    let mut outcome = None;
    let committed = store.transact(&mut |tx| {
        let work = work.take().expect("a store runs its work once");
        let done = work(tx);
        let undo = done.is_err();
        outcome = Some(done);
        if undo { Err(StoreError::Undone) } else { Ok(()) }
    });
    match (outcome, committed) {
        (Some(Err(error)), _) => Err(error),
        (_, Err(error)) => Err(error.into()),
        (Some(Ok(value)), Ok(())) => Ok(value),
        (None, Ok(())) => Err(StoreError::Damaged("the store did not run its work").into()),
    }
}

/// A job of a group.
pub type Job<'a> = Box<dyn FnOnce(&mut dyn Tx) -> Result<()> + Send + 'a>;

/// Runs jobs that know nothing of each other and share one commit. One that fails is undone; the others still commit.
/// Gives back one result for each, in order; if the commit fails, none has done anything.
pub fn transact_group(store: &mut dyn Store, jobs: Vec<Job<'_>>) -> Vec<Result<()>> {
    let count = jobs.len();
    let mut jobs = Some(jobs);
    let mut results = Vec::with_capacity(count);
    let committed = store.transact(&mut |tx| {
        for job in jobs.take().into_iter().flatten() {
            let mut job = Some(job);
            results.push(tx.part(&mut |tx| job.take().map_or(Err(StoreError::Undone), |job| job(tx))));
        }
        Ok(())
    });
    match committed {
        Ok(()) => results,
        Err(error) => {
            // Who failed for a reason of their own learns that one; it may be why the others failed too.
            let mut results: Vec<Result<()>> = results.into_iter().map(|r| r.and(Err(error.clone()))).collect();
            results.resize(count, Err(error));
            results
        }
    }
}
