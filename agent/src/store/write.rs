//! Writing own ops: a new record, a change to one. One transaction each; what it returns may be shown as saved.

use std::collections::BTreeMap;

use kentongan_host::seal::{KEY_BYTES, seal_text};
use kentongan_host::steps::{Step, reached};
use kentongan_protocol::clock::{Hlc, HybridClock, RunHead};
use kentongan_protocol::form::builtin::pengaduan;
use kentongan_protocol::form::{self, FieldTag, Form, FormTag, GroupTag, Value, builtin};
use kentongan_protocol::ids::{Lane, LogId, OpId, RecordId};
use kentongan_protocol::log::{ChainHash, LogHead};
use kentongan_protocol::merge::{GroupView, next_cycle};
use kentongan_protocol::op::{Action, Op, Write};
use kentongan_protocol::planted::{self, Defect};
use kentongan_protocol::receipt::{ReceiptCode, SERIALS};
use kentongan_protocol::sealed;
use kentongan_protocol::wire::{codec, v1};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::check::sum_of;
use super::pack::{key_of, log_number, op_key};
use super::{Member, Store, StoreError, read, search};
use crate::entry::NewRecord;

/// What a saved record is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entered {
    /// Its name.
    pub record: RecordId,
    /// The code for the citizen, if its form gives one.
    pub receipt: Option<ReceiptCode>,
}

/// A change to a record: what one person writes to some of its groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The record.
    pub record: RecordId,
    /// Who changes it.
    pub author: String,
    /// For each group: its values afterwards, and the heads that the person had before their eyes.
    pub writes: Vec<(GroupTag, BTreeMap<FieldTag, Value>, Vec<OpId>)>,
}

impl Store {
    /// Seals from now on what is confidential to the hub with this key.
    pub fn seal_to(&mut self, hub: Option<[u8; KEY_BYTES]>) {
        self.sealing = hub;
    }

    /// Whether what this record says will be sealed.
    pub(super) fn seals(&self, new: &NewRecord) -> bool {
        let writes = new.writes.iter().map(|(group, values)| (*group, values));
        self.is_sealing() && sealed::asks_for_seal(new.form, writes)
    }

    /// Works the write-ahead log into the store and empties it: pages of it may still show what was typed before it was
    /// sealed. Somebody who reads just now keeps it from that; then it happens at the next end of the program.
    pub(super) fn erase_what_was_typed(&self) {
        let emptied: rusqlite::Result<i64> = self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
        if !matches!(emptied, Ok(0)) {
            tracing::warn!(ev = "store.log_not_emptied", result = ?emptied, "the log was in use when it was to be emptied");
        }
    }

    /// Whether what is confidential is sealed when it is saved.
    pub fn is_sealing(&self) -> bool {
        self.sealing.is_some()
    }

    /// Enters a new record.
    ///
    /// # Errors
    /// [`StoreError::Unfit`] if it does not fit its form; then nothing was written.
    pub fn enter(&mut self, new: &NewRecord) -> Result<Entered, StoreError> {
        self.write(|writer| writer.enter(new))
    }

    /// Changes a record.
    ///
    /// # Errors
    /// [`StoreError::NoSuchRecord`], [`StoreError::Unfit`].
    pub fn edit(&mut self, edit: &Edit) -> Result<OpId, StoreError> {
        self.write(|writer| writer.edit(edit))
    }

    /// Runs `work` in one transaction that is durable when this returns.
    pub(super) fn write<T>(
        &mut self,
        work: impl FnOnce(&mut Writer<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let run = self.run()?;
        let elapsed_ms = self.elapsed_ms();
        let wall_ms = self.wall_ms();
        let Store { db, machine, member, logs, hybrid, sealing, .. } = self;
        let member = member.as_ref().ok_or(StoreError::NotEnrolled)?;
        let transaction = db
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(StoreError::because("begin to save"))?;
        let mut writer = Writer {
            db: &transaction,
            random: &mut machine.random,
            member,
            sealing: sealing.as_ref(),
            run,
            elapsed_ms,
            wall_ms,
            hybrid: *hybrid,
            logs: logs.clone(),
            tails: BTreeMap::new(),
            appended: 0,
        };
        let result = work(&mut writer)?;
        writer.put_tails()?;
        let (after, named, appended) = (writer.hybrid, writer.logs, writer.appended);
        reached(Step::AgentSaveWritten);
        let committed = transaction.commit().map_err(StoreError::because("save"));
        if planted::active(Defect::SavedUncommitted) && committed.is_err() {
            return Ok(result);
        }
        committed?;
        reached(Step::AgentSaveCommitted);
        (*hybrid, *logs) = (after, named);
        if appended > 0 {
            self.note_saved(appended);
        }
        Ok(result)
    }
}

/// Whether what is written of a record must overtake everything.
fn is_urgent(form: FormTag, group: GroupTag, values: &BTreeMap<FieldTag, Value>) -> bool {
    form == pengaduan::TAG && pengaduan::is_urgent(group, values)
}

/// A transaction under way that writes own ops.
pub(super) struct Writer<'a> {
    pub(super) db: &'a Connection,
    random: &'a mut (dyn FnMut() -> u64 + Send),
    member: &'a Member,
    /// What is sealed to; `None`: the hub has not said it.
    pub(super) sealing: Option<&'a [u8; KEY_BYTES]>,
    run: RunHead,
    elapsed_ms: u64,
    wall_ms: i64,
    hybrid: HybridClock,
    logs: BTreeMap<Lane, LogId>,
    tails: BTreeMap<Lane, Tail>,
    appended: u64,
}

/// End of one of this run's logs, as it stands in the transaction.
struct Tail {
    n: i64,
    log: LogId,
    held: u64,
    chain: ChainHash,
}

impl Writer<'_> {
    /// Enters a new record that a person has typed.
    pub(super) fn enter(&mut self, new: &NewRecord) -> Result<Entered, StoreError> {
        let urgent = new.writes.iter().any(|(group, values)| is_urgent(new.form, *group, values));
        let lane = form(new.form)?.lane;
        self.enter_in(if urgent { Lane::Urgent } else { lane }, new)
    }

    /// Enters a new record of a file. A complaint of a file that was collected for a month goes behind one that is typed
    /// today.
    pub(super) fn enter_of_file(&mut self, new: &NewRecord) -> Result<Entered, StoreError> {
        let lane = form(new.form)?.lane;
        self.enter_in(if lane < Lane::Survey { Lane::Bulk } else { lane }, new)
    }

    fn enter_in(&mut self, lane: Lane, new: &NewRecord) -> Result<Entered, StoreError> {
        let form = form(new.form)?;
        let writes: Vec<_> = new.writes.iter().map(|(group, values)| (*group, values)).collect();
        fit(form::check_create(form, form.version, &writes))?;
        let receipt = if form.receipt { Some(self.draw_code()?) } else { None };
        let writes = new.writes.iter().map(|(group, values)| Write {
            group: *group,
            values: values.clone(),
            ..Write::default()
        });
        let writes = self.sealed(form.tag, false, writes.collect())?;
        let action = Action::Create { form: form.tag, form_version: form.version, receipt };
        let (id, key) = self.append(lane, None, self.op(action, &new.author, writes))?;
        self.db
            .prepare_cached(
                "INSERT INTO record (id, form, code, own, wall_ms, changed, conflicts, repair) \
                 VALUES (?, ?, ?, 1, ?, ?, 0, 0)",
            )
            .and_then(|mut insert| {
                let code = receipt.map(|code| code.number() as i64);
                insert.execute(params![key, form.tag, code, self.wall_ms, self.wall_ms])
            })
            .map_err(StoreError::because("list the record"))?;
        search::note(self.db, key)?;
        Ok(Entered { record: RecordId(id), receipt })
    }

    /// Changes a record.
    pub(super) fn edit(&mut self, edit: &Edit) -> Result<OpId, StoreError> {
        let record_key = key_of(self.db, edit.record.0)?;
        let record = read::record(self.db, record_key)?.ok_or(StoreError::NoSuchRecord)?;
        let creation = record.creation.as_ref().ok_or(StoreError::NoSuchRecord)?;
        let form = form(creation.form)?;
        // Whatever this program learned before it was started again.
        self.hybrid.observe(record.latest(), self.wall_ms);
        let mut writes = Vec::new();
        for (tag, values, seen) in &edit.writes {
            // What the group holds of a later version of the form is kept, so it is no fault of the person who edits.
            let faults = form::check_write(form, form.version.saturating_add(1), *tag, values);
            if !planted::is_other_version() {
                fit(faults)?;
            }
            let group = form.group(*tag).ok_or(StoreError::Broken("a group that passed its check is unknown"))?;
            let cycle = next_cycle(&record, form, group, values);
            let mut replaces = seen.clone();
            if planted::active(Defect::HeadsAtSaving) {
                replaces = GroupView::of(&record, form, group).heads();
            }
            writes.push(Write { group: *tag, replaces, cycle, values: values.clone() });
        }
        let writes = self.sealed(form.tag, sealed::is_confidential(&record), writes)?;
        let op = self.op(Action::Change { record: edit.record }, &edit.author, writes);
        let urgent = edit.writes.iter().any(|(group, values, _)| is_urgent(form.tag, *group, values));
        let lane = if urgent { Lane::Urgent } else { form.lane };
        let (id, _) = self.append(lane, Some(record_key), op)?;
        read::refresh_record(self.db, record_key, self.wall_ms)?;
        Ok(id)
    }

    /// Writes to a record of `form` as they are kept: of what is confidential, the hub alone reads what it says. As long as
    /// the hub has not said what to seal to, it stays open.
    fn sealed(&self, form: FormTag, is_confidential: bool, mut writes: Vec<Write>) -> Result<Vec<Write>, StoreError> {
        let Some(key) = self.sealing else { return Ok(writes) };
        if !is_confidential && !sealed::asks_for_seal(form, writes.iter().map(|write| (write.group, &write.values))) {
            return Ok(writes);
        }
        if let Some(content) = sealed::take_content(form, &mut writes) {
            let text = seal_text(content, key).ok_or(StoreError::Broken("a key that nothing can be sealed to"))?;
            writes.push(sealed::write_of(&text));
        }
        Ok(writes)
    }

    /// Whether what is added to a record is sealed.
    pub(super) fn is_confidential(&self, record: RecordId) -> Result<bool, StoreError> {
        let record = read::record(self.db, key_of(self.db, record.0)?)?;
        Ok(record.is_some_and(|record| sealed::is_confidential(&record)))
    }

    fn op(&self, action: Action, author: &str, writes: Vec<Write>) -> Op {
        let mut hybrid = self.hybrid;
        let hlc = hybrid.tick(self.wall_ms);
        Op { action, author: author.to_owned(), elapsed_ms: self.elapsed_ms, hlc, writes }
    }

    /// Appends an op to this run's log of `lane`; the log begins with its first op.
    fn append(&mut self, lane: Lane, record: Option<i64>, op: Op) -> Result<(OpId, i64), StoreError> {
        let bytes = op.encode()?;
        self.append_bytes(lane, record, op.hlc, bytes)
    }

    /// Appends an op that stands for `origin`, which cannot be carried under its name any more.
    pub(super) fn append_for(
        &mut self,
        lane: Lane,
        record: Option<i64>,
        op: Op,
        origin: OpId,
    ) -> Result<(OpId, i64), StoreError> {
        let op = Op { elapsed_ms: self.elapsed_ms, ..op };
        let bytes = op.encode_for(origin)?;
        self.append_bytes(lane, record, op.hlc, bytes)
    }

    /// This PC's clock at the beginning of the transaction.
    pub(super) fn wall_ms(&self) -> i64 {
        self.wall_ms
    }

    fn append_bytes(
        &mut self,
        lane: Lane,
        record: Option<i64>,
        hlc: Hlc,
        bytes: Vec<u8>,
    ) -> Result<(OpId, i64), StoreError> {
        self.hybrid = HybridClock::after(hlc.max(self.hybrid.last()));
        if !self.tails.contains_key(&lane) {
            let tail = self.open_tail(lane)?;
            self.tails.insert(lane, tail);
        }
        let tail = self.tails.get_mut(&lane).ok_or(StoreError::Broken("a log that was just opened"))?;
        tail.held += 1;
        tail.chain = tail.chain.then(&bytes);
        let key = op_key(tail.n, tail.held)?;
        let id = OpId { log: tail.log, seq: tail.held };
        let sum = sum_of(id, &bytes);
        self.db
            .prepare_cached("INSERT INTO op (id, record, bytes, chain, sum) VALUES (?, ?, ?, ?, ?)")
            .and_then(|mut insert| insert.execute(params![key, record.unwrap_or(key), bytes, tail.chain.0, sum]))
            .map_err(StoreError::because("append to the log"))?;
        self.appended += 1;
        Ok((id, key))
    }

    fn open_tail(&mut self, lane: Lane) -> Result<Tail, StoreError> {
        let mut open = self.logs.get(&lane).copied();
        if planted::active(Defect::LogContinued) && open.is_none() {
            let last = "SELECT log FROM log JOIN log_name USING (n) WHERE own = 1 AND lane = ? ORDER BY n DESC LIMIT 1";
            let last = self.db.query_row(last, [lane as u8], |row| row.get(0)).optional();
            open = last.map_err(StoreError::because("find the last log"))?.map(LogId::from_bytes);
        }
        if let Some(log) = open {
            let n = log_number(self.db, log)?;
            let (held, chain): (i64, [u8; 32]) = self
                .db
                .prepare_cached("SELECT held, chain FROM log WHERE n = ?")
                .and_then(|mut select| select.query_row([n], |row| Ok((row.get(0)?, row.get(1)?))))
                .map_err(StoreError::because("read the end of a log"))?;
            return Ok(Tail { n, log, held: held as u64, chain: ChainHash(chain) });
        }
        let head = LogHead::new(self.member.replica, self.member.office.clone(), lane, self.run);
        let log = head.log();
        let n = log_number(self.db, log)?;
        let chain = head.chain_start();
        put_log_head(self.db, n, &head, true, chain)?;
        self.logs.insert(lane, log);
        Ok(Tail { n, log, held: 0, chain })
    }

    fn put_tails(&self) -> Result<(), StoreError> {
        for tail in self.tails.values() {
            self.db
                .prepare_cached("UPDATE log SET held = ?, chain = ?, hlc = ? WHERE n = ?")
                .and_then(|mut update| {
                    let hlc = self.hybrid.last().0 as i64;
                    update.execute(params![tail.held as i64, tail.chain.0, hlc, tail.n])
                })
                .map_err(StoreError::because("note the end of a log"))?;
        }
        Ok(())
    }

    /// A receipt code that no record here has.
    fn draw_code(&mut self) -> Result<ReceiptCode, StoreError> {
        loop {
            let serial = ((self.random)() % u64::from(SERIALS)) as u32;
            let code = ReceiptCode::new(self.member.prefix, serial)
                .ok_or(StoreError::Broken("a serial number out of range"))?;
            let taken = self
                .db
                .prepare_cached("SELECT 1 FROM record WHERE code = ?")
                .and_then(|mut select| select.query_row([code.number() as i64], |_| Ok(())).optional())
                .map_err(StoreError::because("look for a free receipt code"))?;
            if taken.is_none() {
                return Ok(code);
            }
        }
    }
}

/// Notes the head of a log of which nothing is here yet.
pub(super) fn put_log_head(
    db: &Connection,
    n: i64,
    head: &LogHead,
    own: bool,
    chain: ChainHash,
) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO log (n, head, own, lane, held, chain, stored, durable, hlc) VALUES (?, ?, ?, ?, 0, ?, 0, 0, 0)",
    )
    .and_then(|mut insert| {
        let bytes = codec::encode(&v1::LogFrame::from(head));
        insert.execute(params![n, bytes, own, head.lane() as u8, chain.0])
    })
    .map_err(StoreError::because("begin a log"))?;
    Ok(())
}

fn form(tag: FormTag) -> Result<&'static Form, StoreError> {
    builtin::by_tag(tag).ok_or(StoreError::Broken("a form that this program does not know"))
}

fn fit(faults: Vec<form::Fault>) -> Result<(), StoreError> {
    if faults.is_empty() { Ok(()) } else { Err(StoreError::Unfit(faults)) }
}
