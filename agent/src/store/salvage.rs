//! From the remains of a damaged store to a sound one.
//!
//! Nothing in a damaged file is believed because it is there; only what proves itself is taken over:
//! - an op by the sum over its name and bytes, or by the running hash between its neighbours;
//! - a log's head by the log's name, which is a hash over it;
//! - what enrolment gave by its sum, or from the copy in the identity folder.
//!
//! What lists and look-ups need is made anew from the ops. Of the hub nothing is believed: marks and cursors begin at
//! zero, and the next contact asks first and brings an inventory, so that the hub gives back what it holds of this
//! replica and feeds what concerns this office once more. Ops behind a lost one are kept as strays, see `stray.rs`.
//!
//! ```text
//!   log 3:  1 2 3 4 _ 6 7       1..4 are the log, 6 and 7 strays, 5 is lost here: perhaps the hub has it
//! ```

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Seek};

use kentongan_host::carve::{Kind, Place, Remains, Row, Shape, Value};
use kentongan_protocol::clock::{Hlc, RunHead};
use kentongan_protocol::ids::{Lane, LogId, OfficeCode, OpId, ReplicaId, RunId};
use kentongan_protocol::log::{ChainHash, LogHead};
use kentongan_protocol::op::Op;
use kentongan_protocol::receipt::Prefix;
use kentongan_protocol::wire::codec;
use kentongan_protocol::wire::v1::LogFrame;
use rusqlite::{Connection, params};

use super::check::sum_of;
use super::facts::{self, name};
use super::pack::{key_of, op_key, split};
use super::write::put_log_head;
use super::{Member, Store, StoreError, mark, read};

/// Rows that are looked for, in the order of the constants below.
static SHAPES: [Shape; 10] = [
    Shape { row_ids: true, columns: &[Kind::RowId, Kind::Bytes(8)] },
    Shape { row_ids: false, columns: &[Kind::Bytes(8), Kind::Whole] },
    Shape {
        row_ids: true,
        columns: &[
            Kind::RowId,
            Kind::Blob,
            Kind::Whole,
            Kind::Whole,
            Kind::Whole,
            Kind::Bytes(32),
            Kind::Whole,
            Kind::Whole,
            Kind::Whole,
        ],
    },
    Shape {
        row_ids: true,
        columns: &[
            Kind::RowId,
            Kind::Whole,
            Kind::Blob,
            Kind::BytesOrNull(32),
            Kind::WholeOrNull,
            Kind::Whole,
            Kind::WholeOrNull,
        ],
    },
    Shape {
        row_ids: true,
        columns: &[Kind::RowId, Kind::Whole, Kind::Blob, Kind::BytesOrNull(32), Kind::WholeOrNull, Kind::Whole],
    },
    Shape {
        row_ids: false,
        columns: &[Kind::Bytes(8), Kind::Whole, Kind::BytesOrNull(8), Kind::Whole, Kind::Whole, Kind::Whole],
    },
    Shape { row_ids: false, columns: &[Kind::Text, Kind::Any] },
    Shape {
        row_ids: true,
        columns: &[
            Kind::RowId,
            Kind::Whole,
            Kind::WholeOrNull,
            Kind::Whole,
            Kind::Whole,
            Kind::Whole,
            Kind::Whole,
            Kind::Whole,
        ],
    },
    Shape { row_ids: false, columns: &[Kind::Bytes(32), Kind::Whole] },
    Shape { row_ids: false, columns: &[Kind::Bytes(32), Kind::Bytes(32)] },
];
const LOG_NAME: usize = 0;
const LOG_NAME_INDEX: usize = 1;
const LOG: usize = 2;
const OP: usize = 3;
const OP_V1: usize = 4;
const RUN: usize = 5;
const FACT: usize = 6;
const RECORD: usize = 7;
const IMPORT_ROW: usize = 8;
const IMPORT_SOURCE: usize = 9;

/// What became of a damaged or incomplete store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Salvaged {
    /// Ops of this PC that are still here.
    pub own_ops: u64,
    /// Of these, behind a lost one: see `stray.rs`.
    pub strays: u64,
    /// Ops of others that are still here.
    pub foreign_ops: u64,
    /// Ops of this PC that are known to have been here and are not; the hub may have them.
    pub lost_ops: u64,
    /// Time of the latest op of this PC that is still here, milliseconds since 1970 by its clock.
    pub latest_ms: Option<i64>,
}

/// What is known from outside the damaged file.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// What enrolment gave.
    pub(super) member: Option<Member>,
    /// Ops of this PC that were saved here, and whose.
    pub(super) water: Option<mark::HighWater>,
}

impl Store {
    /// The remains of a store in these files, for [`Store::take_in`].
    ///
    /// # Errors
    /// If a file's length cannot be found out.
    pub fn remains<R: Read + Seek>(db: R, wal: Option<R>) -> io::Result<Remains<R>> {
        Remains::of(db, wal, &SHAPES)
    }

    /// Takes everything that is readable and proves itself from a damaged store into this fresh one. For simulators;
    /// [`Store::open`] does it by itself.
    ///
    /// # Errors
    /// If this store cannot be written; then nothing was taken.
    pub fn take_in<R: Read + Seek>(&mut self, remains: &mut Remains<R>, detail: &str) -> Result<Salvaged, StoreError> {
        let wall_ms = self.wall_ms();
        let known = Known { member: self.member.clone(), water: None };
        let salvaged = fill(&mut self.db, remains, &known, wall_ms, &Note { aside: "", detail })?;
        self.reread()?;
        self.learn()?;
        Ok(salvaged)
    }
}

/// What is noted of a mishap.
pub(super) struct Note<'a> {
    /// Name of the folder that keeps the damaged files.
    pub(super) aside: &'a str,
    /// For IT staff.
    pub(super) detail: &'a str,
}

/// Fills the fresh store `db` in one transaction.
pub(super) fn fill<R: Read + Seek>(
    db: &mut Connection,
    remains: &mut Remains<R>,
    known: &Known,
    wall_ms: i64,
    note: &Note<'_>,
) -> Result<Salvaged, StoreError> {
    let mut found = Found::gather(remains);
    let member = known.member.clone().or_else(|| found.member());
    if let Some(member) = &member
        && found.of_another(member)
    {
        // A write-ahead log that belongs to another store: SQLite would have mixed the two.
        remains.without_wal();
        found = Found::gather(remains);
    }
    let transaction = db.transaction().map_err(StoreError::because("begin to salvage"))?;
    let mut work = Work { db: &transaction, remains, found, member, wall_ms, done: Salvaged::default() };
    work.put_logs()?;
    work.put_rest()?;
    if let Some(member) = &work.member {
        facts::put_member(work.db, member)?;
    }
    let mut done = work.done;
    if let (Some(water), Some(member)) = (known.water, &work.member)
        && water.replica == member.replica
    {
        done.lost_ops = done.lost_ops.max(water.ops.saturating_sub(done.own_ops));
    }
    facts::put(&transaction, name::DISAGREES, 1)?;
    facts::put(&transaction, name::CUT, 1)?;
    super::mishap::note(&transaction, wall_ms, "damaged", &done, note)?;
    transaction.commit().map_err(StoreError::because("salvage"))?;
    Ok(done)
}

/// What looks like rows of ours.
#[derive(Default)]
struct Found {
    /// Names of logs by number, and how often each was seen.
    names: BTreeMap<i64, BTreeMap<[u8; 8], u32>>,
    /// Heads of logs by number, the latest last.
    heads: BTreeMap<i64, Vec<LogHead>>,
    /// Ops by id: each different one once, at its latest place.
    ops: BTreeMap<i64, Vec<(u64, Place)>>,
    runs: BTreeMap<RunId, RunHead>,
    /// By whether they stood in the write-ahead log; the latest last.
    facts: BTreeMap<String, Vec<Value>>,
    /// Replicas that wrote logs of their own here.
    owners: Vec<ReplicaId>,
    /// Who wrote the logs that stand in the write-ahead log, and whether it says that it is its own.
    wal_writers: Vec<(ReplicaId, bool)>,
    /// When records were listed and changed.
    listed: BTreeMap<i64, (i64, i64)>,
    taken: BTreeMap<[u8; 32], i64>,
    sources: BTreeMap<[u8; 32], [u8; 32]>,
}

impl Found {
    fn gather<R: Read + Seek>(remains: &mut Remains<R>) -> Found {
        let mut found = Found::default();
        // What cannot be a row of ours after all is passed over.
        remains.each(|place, shape, row| {
            let _ = found.take(place, shape, row);
        });
        found
    }

    fn take(&mut self, place: Place, shape: usize, row: Row) -> Option<()> {
        let value = |n: usize| row.values.get(n);
        let whole = |n: usize| value(n)?.whole();
        match shape {
            LOG_NAME => self.name(row.id, value(1)?.bytes()?),
            LOG_NAME_INDEX => self.name(whole(1)?, value(0)?.bytes()?),
            LOG => {
                let frame: LogFrame = codec::decode(value(1)?.blob()?).ok()?;
                let head = LogHead::try_from(&frame).ok()?;
                self.name(row.id, head.log().to_bytes());
                if whole(2)? == 1 {
                    self.owners.push(head.replica());
                }
                if place.in_wal() {
                    self.wal_writers.push((head.replica(), whole(2)? == 1));
                }
                let heads = self.heads.entry(row.id).or_default();
                heads.retain(|known| *known != head);
                heads.push(head);
            }
            OP | OP_V1 => {
                let mut hasher = DefaultHasher::new();
                (value(2)?.blob()?, value(3)?.blob()).hash(&mut hasher);
                let digest = hasher.finish();
                let places = self.ops.entry(row.id).or_default();
                places.retain(|(known, _)| *known != digest);
                places.push((digest, place));
            }
            RUN => {
                let run = RunHead {
                    run: RunId::from_bytes(value(0)?.bytes()?),
                    ordinal: u32::try_from(whole(1)?).ok()?,
                    before: value(2)?.bytes().map(RunId::from_bytes),
                    boot: whole(3)? as u64,
                    boot_ms: whole(4)? as u64,
                    wall_ms: whole(5)?,
                };
                self.runs.insert(run.run, run);
            }
            FACT if name::KEPT.contains(&value(0)?.text()?) => {
                let facts = self.facts.entry(value(0)?.text()?.to_owned()).or_default();
                facts.retain(|known| Some(known) != value(1));
                facts.push(value(1)?.clone());
            }
            RECORD => {
                self.listed.insert(row.id, (whole(4)?, whole(5)?));
            }
            IMPORT_ROW => {
                self.taken.insert(value(0)?.bytes()?, whole(1)?);
            }
            IMPORT_SOURCE => {
                self.sources.insert(value(0)?.bytes()?, value(1)?.bytes()?);
            }
            _ => {}
        }
        Some(())
    }

    fn name(&mut self, n: i64, log: [u8; 8]) {
        *self.names.entry(n).or_default().entry(log).or_default() += 1;
    }

    /// Whether the write-ahead log is of another replica's store: it has own logs of that one, and nothing of this one.
    fn of_another(&self, member: &Member) -> bool {
        let of_this = self.wal_writers.iter().any(|(writer, _)| *writer == member.replica);
        !of_this && self.wal_writers.iter().any(|(_, own)| *own)
    }

    /// What enrolment gave: the latest facts that agree with their sum, else the latest.
    fn member(&self) -> Option<Member> {
        let latest = |name: &str| self.facts.get(name).and_then(|values| values.last());
        let text = |name: &str| latest(name).and_then(Value::text);
        let member = Member {
            replica: ReplicaId::from_bytes(latest(name::REPLICA)?.bytes()?),
            office: text(name::OFFICE)?.parse::<OfficeCode>().ok()?,
            office_name: text(name::OFFICE_NAME).unwrap_or_default().to_owned(),
            prefix: Prefix::new(u32::try_from(latest(name::PREFIX)?.whole()?).ok()?)?,
            hub_url: text(name::HUB_URL).unwrap_or_default().to_owned(),
            hub_replica: ReplicaId::from_bytes(latest(name::HUB_REPLICA)?.bytes()?),
        };
        let sum = latest(name::MEMBER_SUM).and_then(Value::whole);
        // Without a copy elsewhere, what stands here is still better than nothing: logs bear its id too.
        let sound = sum.is_none_or(|sum| sum == mark::member_sum(&member)) || self.owners.contains(&member.replica);
        sound.then_some(member)
    }
}

/// An op that proved itself.
struct Sound {
    bytes: Vec<u8>,
    chain: Option<ChainHash>,
    feed: Option<i64>,
    aside: i64,
    op: Option<Op>,
}

struct Work<'a, R> {
    db: &'a Connection,
    remains: &'a mut Remains<R>,
    found: Found,
    member: Option<Member>,
    wall_ms: i64,
    done: Salvaged,
}

/// One log on its way over.
struct Plan {
    head: LogHead,
    own: bool,
    ops: BTreeMap<u64, Sound>,
    /// Without gap up to here, and the running hash there.
    held: u64,
    chain: ChainHash,
}

impl<R: Read + Seek> Work<'_, R> {
    fn put_logs(&mut self) -> Result<(), StoreError> {
        let mut numbers: Vec<i64> = self.found.names.keys().copied().collect();
        numbers.retain(|n| (1..1 << 23).contains(n));
        let mut plans = BTreeMap::new();
        for n in numbers {
            let Some(log) = self.name_of(n) else { continue };
            let named =
                self.db.execute("INSERT OR IGNORE INTO log_name (n, log) VALUES (?, ?)", params![n, log.to_bytes()]);
            if named.map_err(StoreError::because("name a log"))? == 1
                && let Some(plan) = self.plan(n, log)
            {
                plans.insert(n, plan);
            }
        }
        // All logs have their names before the first op names a record of another one.
        for (n, plan) in &plans {
            self.put_log(*n, plan)?;
        }
        for (n, plan) in &plans {
            self.put_ops(*n, plan)?;
        }
        Ok(())
    }

    /// The name of a log that most of what was found agrees on.
    fn name_of(&self, n: i64) -> Option<LogId> {
        let names = self.found.names.get(&n)?;
        let heads = self.found.heads.get(&n).map(Vec::as_slice).unwrap_or_default();
        let weight = |name: &[u8; 8], seen: u32| {
            seen + heads.iter().filter(|head| head.log().to_bytes() == *name).count() as u32
        };
        names.iter().max_by_key(|(name, seen)| weight(name, **seen)).map(|(name, _)| LogId::from_bytes(*name))
    }

    fn plan(&mut self, n: i64, log: LogId) -> Option<Plan> {
        let keys: Vec<i64> =
            self.found.ops.range(op_key(n, 1).ok()?..op_key(n + 1, 0).ok()?).map(|(key, _)| *key).collect();
        let candidates: BTreeMap<u64, Vec<Candidate>> =
            keys.into_iter().map(|key| (split(key).1, self.candidates(key, log))).collect();
        let mut heads: Vec<LogHead> = self.found.heads.get(&n).cloned().unwrap_or_default();
        heads.retain(|head| head.log() == log);
        let head = heads.pop().or_else(|| self.possible_head(log))?;
        let own = self.member.as_ref().is_none_or(|member| member.replica == head.replica());
        // Without knowing who this is, only what was kept as own is; and what another replica kept as its own is not
        // for this office.
        if own != self.found.owners.contains(&head.replica()) && (self.member.is_none() || !own) {
            return None;
        }
        Some(assembled(head, own, candidates))
    }

    /// Everything that was found under the id of an op, the latest first.
    fn candidates(&mut self, key: i64, log: LogId) -> Vec<Candidate> {
        let id = OpId { log, seq: split(key).1 };
        let places = self.found.ops.get(&key).cloned().unwrap_or_default();
        let rows = places.into_iter().rev().filter_map(|(_, place)| self.remains.row(place));
        rows.filter_map(|row| Candidate::of(&row, id)).collect()
    }

    /// The head of a log of this PC that has lost it: any run, any lane; the name tells.
    fn possible_head(&self, log: LogId) -> Option<LogHead> {
        let member = self.member.as_ref()?;
        let lanes = [Lane::Urgent, Lane::Case, Lane::Survey, Lane::Bulk];
        let heads = self.found.runs.values().flat_map(|run| lanes.map(|lane| (*run, lane)));
        heads
            .map(|(run, lane)| LogHead::new(member.replica, member.office.clone(), lane, run))
            .find(|head| head.log() == log)
    }

    fn put_log(&mut self, n: i64, plan: &Plan) -> Result<(), StoreError> {
        put_log_head(self.db, n, &plan.head, plan.own, plan.head.chain_start())?;
        let hlc = plan.ops.values().filter_map(|sound| Some(sound.op.as_ref()?.hlc)).max().unwrap_or_default();
        // What came from the hub is there; of own ops, it has to say it again.
        let stored = if plan.own { 0 } else { plan.held };
        self.db
            .execute(
                "UPDATE log SET held = ?, chain = ?, stored = ?, hlc = ? WHERE n = ?",
                params![plan.held as i64, plan.chain.0, stored as i64, hlc.0 as i64, n],
            )
            .map_err(StoreError::because("take over a log"))?;
        if plan.own {
            self.note_own(plan, hlc);
        } else {
            self.done.foreign_ops += plan.ops.len() as u64;
        }
        Ok(())
    }

    fn note_own(&mut self, plan: &Plan, hlc: Hlc) {
        let counting = plan.ops.values().filter(|sound| sound.aside != 2).count() as u64;
        let highest = plan.ops.last_key_value().map_or(0, |(seq, _)| *seq);
        let retired = plan.ops.len() as u64 - counting;
        self.done.own_ops += counting;
        self.done.strays += plan.ops.iter().filter(|(seq, sound)| **seq > plan.held && sound.aside != 2).count() as u64;
        self.done.lost_ops += highest.saturating_sub(counting + retired);
        if !plan.ops.is_empty() {
            self.done.latest_ms = self.done.latest_ms.max(Some(hlc.ms()));
        }
    }

    fn put_ops(&mut self, n: i64, plan: &Plan) -> Result<(), StoreError> {
        for (seq, sound) in &plan.ops {
            let (id, key) = (OpId { log: plan.head.log(), seq: *seq }, op_key(n, *seq)?);
            let record = match &sound.op {
                Some(op) => key_of(self.db, op.record(id).0)?,
                None => key,
            };
            let chain = if *seq <= plan.held { sound.chain.map(|chain| chain.0) } else { None };
            self.db
                .prepare_cached(
                    "INSERT INTO op (id, record, bytes, chain, feed, aside, sum) VALUES (?, ?, ?, ?, ?, ?, ?)",
                )
                .and_then(|mut insert| {
                    let sum = sum_of(id, &sound.bytes);
                    insert.execute(params![key, record, sound.bytes, chain, sound.feed, sound.aside, sum])
                })
                .map_err(StoreError::because("take over an op"))?;
            if plan.own && *seq > plan.held && sound.aside != 2 {
                self.db
                    .execute("INSERT INTO stray (op) VALUES (?)", [key])
                    .map_err(StoreError::because("keep an op behind a gap"))?;
            }
        }
        Ok(())
    }

    /// Lists, runs, and rows of files that were taken.
    fn put_rest(&mut self) -> Result<(), StoreError> {
        for run in self.found.runs.values() {
            super::put_run(self.db, run)?;
        }
        let records: Vec<(i64, Vec<u8>)> = {
            let reading = || StoreError::because("list what was salvaged");
            let mut select = self.db.prepare("SELECT id, bytes FROM op WHERE id = record").map_err(reading())?;
            let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).map_err(reading())?;
            rows.collect::<Result<_, _>>().map_err(reading())?
        };
        for (key, bytes) in records {
            let entered_ms = Op::decode(&bytes).map_or(self.wall_ms, |op| op.hlc.ms());
            let (wall_ms, changed_ms) = self.found.listed.get(&key).copied().unwrap_or((entered_ms, entered_ms));
            read::refresh_record(self.db, key, wall_ms)?;
            self.db
                .execute("UPDATE record SET changed = ? WHERE id = ?", params![changed_ms, key])
                .map_err(StoreError::because("list what was salvaged"))?;
        }
        let taking = || StoreError::because("take over rows of files");
        for (row, record) in &self.found.taken {
            self.db
                .execute("INSERT OR IGNORE INTO import_row (name, record) VALUES (?, ?)", params![row, record])
                .map_err(taking())?;
        }
        for (source, row) in &self.found.sources {
            self.db
                .execute("INSERT OR IGNORE INTO import_source (source, name) VALUES (?, ?)", params![source, row])
                .map_err(taking())?;
        }
        Ok(())
    }
}

/// Something found under the id of an op.
struct Candidate {
    bytes: Vec<u8>,
    chain: Option<ChainHash>,
    feed: Option<i64>,
    aside: i64,
    /// Its sum is right: name and bytes are what was written.
    summed: bool,
    /// It says a sum, and that is wrong.
    wrong: bool,
}

impl Candidate {
    fn of(row: &Row, id: OpId) -> Option<Candidate> {
        let bytes = row.values.get(2)?.blob()?.to_vec();
        let sum = row.values.get(6).and_then(Value::whole);
        let summed = sum == Some(sum_of(id, &bytes));
        Some(Candidate {
            chain: row.values.get(3).and_then(Value::bytes).map(ChainHash),
            feed: row.values.get(4).and_then(Value::whole),
            aside: row.values.get(5).and_then(Value::whole).filter(|aside| (0..=2).contains(aside)).unwrap_or(0),
            summed,
            wrong: sum.is_some() && !summed,
            bytes,
        })
    }
}

/// Picks what proves itself, and chains it from the first op on.
fn assembled(head: LogHead, own: bool, candidates: BTreeMap<u64, Vec<Candidate>>) -> Plan {
    let start = head.chain_start();
    let mut plan = Plan { head, own, ops: BTreeMap::new(), held: 0, chain: start };
    // Every hash that was found at the op before: of ops of version 1 that is the only proof behind a gap.
    let mut before = vec![start];
    let mut last = 0;
    for (seq, found) in candidates {
        let follows = plan.held + 1 == seq;
        if last + 1 != seq {
            before.clear();
        }
        let chained = |candidate: &Candidate| {
            let mut hashes = before.iter().chain(follows.then_some(&plan.chain));
            candidate.chain.is_some_and(|chain| hashes.any(|hash| hash.then(&candidate.bytes) == chain))
        };
        let best = found.iter().find(|candidate| candidate.summed || (!candidate.wrong && chained(candidate)));
        // A wrong sum is not believed against a right hash: the sum itself may be what was hit.
        let best = best.or_else(|| found.iter().find(|candidate| chained(candidate)));
        if let Some(candidate) = best {
            let chain = follows.then(|| plan.chain.then(&candidate.bytes));
            if let Some(chain) = chain {
                (plan.held, plan.chain) = (seq, chain);
            }
            let op = Op::decode(&candidate.bytes).ok();
            let Candidate { bytes, feed, aside, .. } = candidate;
            plan.ops.insert(seq, Sound { bytes: bytes.clone(), chain, feed: *feed, aside: *aside, op });
        }
        before = found.iter().filter_map(|candidate| candidate.chain).collect();
        before.extend(follows.then_some(plan.chain).filter(|_| plan.held == seq));
        last = seq;
    }
    plan
}
