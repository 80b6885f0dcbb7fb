//! The hub as a replica: facts of this run, and the ops that people at the hub write.
//!
//! The hub writes as every replica does: into logs of its own, one for each run, lane and office, chained by hashes and
//! signed. What it wrote can therefore be given back to it by the offices that read it, should it ever forget.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use kentongan_host::Clock;
use kentongan_host::identity::SigningKey;
use kentongan_host::seal::seal_text;
use kentongan_protocol::clock::{Hlc, HybridClock, KnownRun, RunHead};
use kentongan_protocol::error::Fault;
use kentongan_protocol::form::{Form, FormTag, builtin};
use kentongan_protocol::ids::{EpochId, Lane, OfficeCode, OpId, RecordId, ReplicaId, RunId};
use kentongan_protocol::log::LogHead;
use kentongan_protocol::merge::Record;
use kentongan_protocol::op::{Action, Op, Write};
use kentongan_protocol::planted::{self, Defect};
use kentongan_protocol::receipt::ReceiptCode;
use kentongan_protocol::sealed;
use kentongan_protocol::session::hub::HubEpoch;
use kentongan_protocol::wire::codec::List;
use kentongan_protocol::wire::v1::Attest;
use serde_json::json;

use crate::accept::intake::Intake;
use crate::accept::note;
use crate::archive::Archive;
use crate::ca::Authority;
use crate::seals::Seals;
use crate::store::{Log, RecordRow, Result, Run, StoreError, Tx};
use crate::update::Offers;

/// An Ed25519 key that signs.
pub trait Sign: fmt::Debug + Send + Sync {
    /// The signature over `message`.
    fn sign(&self, message: &[u8]) -> [u8; 64];
    /// The public half.
    fn public_key(&self) -> [u8; 32];
}

impl Sign for SigningKey {
    fn sign(&self, message: &[u8]) -> [u8; 64] {
        SigningKey::sign(self, message)
    }

    fn public_key(&self) -> [u8; 32] {
        SigningKey::public_key(self)
    }
}

/// What a hub is made of.
#[derive(Debug, Clone)]
pub struct Parts {
    /// Its clocks.
    pub clock: Arc<dyn Clock>,
    /// Its key.
    pub key: Arc<dyn Sign>,
    /// Where files that records name lie.
    pub archive: Arc<dyn Archive>,
    /// What opens sealed content, and what it is sealed to; `None`: what is sealed is kept aside.
    pub seals: Option<Arc<Seals>>,
    /// Where random ids come from.
    pub random: fn() -> u64,
    /// The start of this machine, hashed.
    pub boot: u64,
}

impl Parts {
    /// With the keys of this authority, and the clocks and the randomness of this machine.
    pub fn of_machine(authority: &Authority, archive: Arc<dyn Archive>) -> Parts {
        Parts {
            clock: Arc::new(kentongan_host::SystemClock::new()),
            key: authority.hub_key(),
            archive,
            seals: Some(Arc::new(authority.seals())),
            random: kentongan_host::random::random_u64,
            boot: kentongan_host::clock::boot_id(),
        }
    }
}

/// The hub in this run. Shared by everything that serves.
#[derive(Debug)]
pub struct Hub {
    replica: ReplicaId,
    run: RunHead,
    parts: Parts,
    hybrid: Mutex<HybridClock>,
    /// Programs that it has for offices.
    offers: RwLock<Arc<Offers>>,
}

/// Why an own op was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// It is longer than an op may be.
    #[error("a change too large to be carried")]
    TooLarge(#[source] Fault),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Hub {
    /// The hub of this store, in a new run. `None` if the store has no hub in it.
    ///
    /// # Errors
    /// A failure of the store.
    pub fn open(tx: &mut dyn Tx, parts: Parts) -> Result<Option<Hub>> {
        let Some(identity) = tx.hub()? else { return Ok(None) };
        let last = tx.runs_of(identity.replica)?.into_iter().max_by_key(|run| run.known.head.ordinal);
        let last = last.map(|run| run.known.head);
        let run = RunHead {
            run: RunId((parts.random)()),
            ordinal: last.map_or(1, |last| last.ordinal.saturating_add(1)),
            before: last.map(|last| last.run),
            boot: parts.boot,
            boot_ms: parts.clock.boot_ms(),
            wall_ms: parts.clock.wall_ms(),
        };
        Ok(Some(Hub { replica: identity.replica, run, parts, hybrid: Mutex::default(), offers: RwLock::default() }))
    }

    /// Notes that this run begins to answer offices: a new epoch of the feed. Once, before the first exchange. Takes in
    /// what an older program could not read.
    ///
    /// # Errors
    /// A failure of the store.
    pub fn begin_serving(&self, tx: &mut dyn Tx) -> Result<HubEpoch> {
        let mut id = EpochId((self.parts.random)());
        if planted::active(Defect::EpochCounted) {
            id = EpochId(tx.epochs()?.len() as u64);
        }
        let epoch = HubEpoch { epoch: id, began_after: tx.feed_last()? };
        tx.append_epoch(&epoch, self.now_ms())?;
        if planted::active(Defect::NothingLearned) {
            return Ok(epoch);
        }
        let used = self.intake(tx, self.now_ms()).look_again()?;
        if used > 0 {
            note(tx, self.now_ms(), "hub", "quarantine.read", self.replica, json!({"ops": used}))?;
        }
        Ok(epoch)
    }

    /// The hub as a replica.
    pub fn replica(&self) -> ReplicaId {
        self.replica
    }

    /// This run.
    pub fn run(&self) -> &RunHead {
        &self.run
    }

    /// The public half of the hub's key.
    pub fn public_key(&self) -> [u8; 32] {
        self.parts.key.public_key()
    }

    /// Where files that records name lie.
    pub fn archive(&self) -> &dyn Archive {
        &*self.parts.archive
    }

    /// What opens that which is sealed to this hub; `None`: it opens nothing.
    pub fn seals(&self) -> Option<&Seals> {
        self.parts.seals.as_deref()
    }

    /// Takes ops into the store, and opens what is sealed to this hub.
    pub(crate) fn intake<'a>(&'a self, tx: &'a mut dyn Tx, now_ms: i64) -> Intake<'a> {
        Intake::new(tx, self.replica, now_ms).opening(self.parts.seals.as_deref())
    }

    /// Programs that it has for offices.
    pub fn offers(&self) -> Arc<Offers> {
        Arc::clone(&self.offers.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Has other ones from now on.
    pub fn put_offers(&self, offers: Offers) {
        *self.offers.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(offers);
    }

    /// Milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        self.parts.clock.wall_ms()
    }

    /// The hub's signature over a message, which begins with words that say what it is: no signature serves as another.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.parts.key.sign(message)
    }

    /// The hub's signature over the present heads of its own `logs`.
    pub fn attest(&self, logs: &[Log]) -> Attest {
        let heads = logs.iter().map(|log| (log.head.log().to_bytes(), log.stored, log.chain.0)).collect();
        let mut attest = Attest { replica: self.replica.to_bytes(), heads: List(heads), signature: [0; 64] };
        attest.signature = self.parts.key.sign(&attest.signed_bytes());
        attest
    }

    /// Writes a change to a record: stored, merged, and put into the feed of every office that sees the record.
    ///
    /// `seen` is the record as the person saw it when they decided.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub fn change(
        &self,
        tx: &mut dyn Tx,
        row: &RecordRow,
        seen: &Record,
        author: &str,
        writes: Vec<Write>,
    ) -> std::result::Result<OpId, WriteError> {
        let born = row.born.as_ref().ok_or(StoreError::Damaged("a change to a record that was not created"))?;
        let lane = builtin::by_tag(born.form).map_or(Lane::Case, |form| form.lane);
        let op = Op {
            action: Action::Change { record: row.id },
            author: author.to_owned(),
            elapsed_ms: self.elapsed_ms(),
            hlc: self.tick(seen.latest()),
            writes: self.sealed(born.form, sealed::is_confidential(seen), writes)?,
        };
        self.write(tx, lane, &born.office, &op)
    }

    /// Writes a new record of `form` about `office`: stored, and put into the feed of the office.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub fn create(
        &self,
        tx: &mut dyn Tx,
        office: &OfficeCode,
        form: &Form,
        receipt: ReceiptCode,
        author: &str,
        writes: Vec<Write>,
    ) -> std::result::Result<RecordId, WriteError> {
        let op = Op {
            action: Action::Create { form: form.tag, form_version: form.version, receipt: Some(receipt) },
            author: author.to_owned(),
            elapsed_ms: self.elapsed_ms(),
            hlc: self.tick(Hlc::default()),
            writes: self.sealed(form.tag, false, writes)?,
        };
        self.write(tx, form.lane, office, &op).map(RecordId)
    }

    /// Writes to a record of `form` as they are kept and carried: offices do not read what is confidential either when it
    /// is the hub that says it.
    fn sealed(
        &self,
        form: FormTag,
        is_confidential: bool,
        mut writes: Vec<Write>,
    ) -> std::result::Result<Vec<Write>, WriteError> {
        let Some(seals) = &self.parts.seals else { return Ok(writes) };
        if !is_confidential && !sealed::asks_for_seal(form, writes.iter().map(|write| (write.group, &write.values))) {
            return Ok(writes);
        }
        if let Some(content) = sealed::take_content(form, &mut writes) {
            let text = seal_text(content, seals.public()).ok_or(StoreError::Damaged("the key that is sealed to"))?;
            writes.push(sealed::write_of(&text));
        }
        Ok(writes)
    }

    fn elapsed_ms(&self) -> u64 {
        self.parts.clock.boot_ms().saturating_sub(self.run.boot_ms)
    }

    /// Appends an op to the log of this run in `lane` about `office`, and takes it in.
    fn write(
        &self,
        tx: &mut dyn Tx,
        lane: Lane,
        office: &OfficeCode,
        op: &Op,
    ) -> std::result::Result<OpId, WriteError> {
        let log = self.own_log(tx, lane, office)?;
        let bytes = op.encode().map_err(WriteError::TooLarge)?;
        let id = OpId { log: log.head.log(), seq: log.stored + 1 };
        let chain = log.chain.then(&bytes);
        let mut intake = self.intake(tx, self.now_ms());
        intake.admit(&log.head, id, &bytes, chain)?;
        intake.finish()?;
        tx.advance_log(id.log, id.seq, chain)?;
        Ok(id)
    }

    /// The log of this run in `lane` about `office`; begun if there is none.
    fn own_log(&self, tx: &mut dyn Tx, lane: Lane, office: &OfficeCode) -> Result<Log> {
        let head = LogHead::new(self.replica, office.clone(), lane, self.run);
        if let Some(log) = tx.log(head.log())? {
            return Ok(log);
        }
        tx.insert_log(&head)?;
        // The hub's clock is what all others are measured by: its own runs are exact by definition.
        let known = KnownRun {
            replica: self.replica,
            head: self.run,
            measured: Some((self.run.wall_ms, 1)),
            elapsed_ms: 0,
            heard_ms: self.run.wall_ms,
        };
        if tx.run(self.replica, self.run.run)?.is_none() {
            tx.put_run(&Run { known, superseded_ms: None })?;
        }
        Ok(Log { chain: head.chain_start(), head, stored: 0, durable: 0 })
    }

    /// A hybrid time later than everything in `seen`, as far as that is believable.
    fn tick(&self, seen: Hlc) -> Hlc {
        let wall_ms = self.now_ms();
        // A number stays a number, whatever happened to another thread meanwhile.
        let mut hybrid = self.hybrid.lock().unwrap_or_else(PoisonError::into_inner);
        hybrid.observe(seen, wall_ms);
        hybrid.tick(wall_ms)
    }
}
