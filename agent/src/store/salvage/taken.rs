//! From what was found into the fresh store: logs and their ops first, then lists, runs and rows of files.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek};

use kentongan_host::carve::Remains;
use kentongan_protocol::attachment::{Content, ContentHash};
use kentongan_protocol::clock::Hlc;
use kentongan_protocol::ids::{Lane, LogId, OpId};
use kentongan_protocol::limits::ATTACHMENT_BYTES_MAX;
use kentongan_protocol::log::LogHead;
use kentongan_protocol::op::Op;
use kentongan_protocol::planted::{self, Defect};
use kentongan_protocol::wire::codec;
use kentongan_protocol::wire::v1::Attest;
use rusqlite::{Connection, params};

use super::super::answer::put_proof;
use super::super::attachments;
use super::super::check::sum_of;
use super::super::pack::{key_of, op_key, split};
use super::super::stray::RETIRED;
use super::super::write::put_log_head;
use super::super::{Member, StoreError, draft, facts, person, put_run, read};
use super::Salvaged;
use super::found::Found;
use super::proof::{Candidate, Plan, assembled};

/// Ops of a log that are asked for its name where there is a doubt.
const PROOFS_MAX: usize = 16;

/// A salvage under way.
pub(super) struct Work<'a, R> {
    pub(super) db: &'a Connection,
    pub(super) remains: &'a mut Remains<R>,
    pub(super) found: Found,
    pub(super) member: Option<Member>,
    pub(super) wall_ms: i64,
    pub(super) done: Salvaged,
    /// Ops of this PC that are still here, as the mark beside a store counts them: with those retired in a log without gap.
    pub(super) marked: u64,
}

impl<R: Read + Seek> Work<'_, R> {
    pub(super) fn put_logs(&mut self) -> Result<(), StoreError> {
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
        let origins: BTreeSet<OpId> = plans.values().flat_map(Plan::origins).collect();
        let recalled: u64 = plans.values_mut().map(|plan| plan.recall(&origins)).sum();
        // All logs have their names before the first op names a record of another one.
        for (n, plan) in &plans {
            self.put_log(*n, plan)?;
        }
        for (n, plan) in &plans {
            self.put_ops(*n, plan)?;
        }
        // What is lost under the name that it was entered by is here under its first one.
        self.done.lost_ops = self.done.lost_ops.saturating_sub(recalled);
        Ok(())
    }

    /// The name of a log that most of its first ops prove by their sums, else that most of what was found agrees on.
    fn name_of(&mut self, n: i64) -> Option<LogId> {
        let names = self.found.names.get(&n)?.clone();
        let heads = self.found.heads.get(&n).cloned().unwrap_or_default();
        let keys: Vec<i64> = if names.len() > 1 { self.keys_of(n) } else { Vec::new() };
        let weighed = names.into_iter().map(|(name, seen)| {
            let log = LogId::from_bytes(name);
            let proofs = keys.iter().take(PROOFS_MAX).flat_map(|key| self.candidates(*key, log));
            let proved = proofs.filter(Candidate::is_summed).count();
            (proved, seen as usize + heads.iter().filter(|head| head.log() == log).count(), log)
        });
        weighed.max().map(|(.., log)| log)
    }

    /// Ids of ops of a log.
    fn keys_of(&self, n: i64) -> Vec<i64> {
        let (Ok(first), Ok(end)) = (op_key(n, 1), op_key(n + 1, 0)) else { return Vec::new() };
        self.found.ops.range(first..end).map(|(key, _)| *key).collect()
    }

    fn plan(&mut self, n: i64, log: LogId) -> Option<Plan> {
        let keys = self.keys_of(n);
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
        // Of own ops the hub has to say again what it has. So it has of those that can be given back: it may have been
        // put back to a copy without them, and this PC no longer knows what it was told of that.
        let proofs = self.proofs_of(n, plan);
        let stored = if plan.own || !proofs.is_empty() { 0 } else { plan.held };
        self.db
            .execute(
                "UPDATE log SET held = ?, chain = ?, stored = ?, hlc = ? WHERE n = ?",
                params![plan.held as i64, plan.chain.0, stored as i64, hlc.0 as i64, n],
            )
            .map_err(StoreError::because("take over a log"))?;
        for (seq, bytes) in proofs {
            put_proof(self.db, n, seq, &bytes)?;
        }
        if plan.own {
            self.note_own(plan, hlc);
        } else {
            self.done.foreign_ops += plan.ops.len() as u64;
        }
        Ok(())
    }

    /// The signatures over another writer's log that fit the ops which are still here.
    fn proofs_of(&self, n: i64, plan: &Plan) -> Vec<(i64, Vec<u8>)> {
        let found = self.found.proofs.range((n, 1)..=(n, i64::MAX)).filter(|_| !plan.own);
        let all = found.flat_map(|((_, seq), proofs)| proofs.iter().map(move |bytes| (*seq, bytes)));
        all.filter(|(seq, bytes)| fits(plan, *seq, bytes)).map(|(seq, bytes)| (seq, bytes.clone())).collect()
    }

    fn note_own(&mut self, plan: &Plan, hlc: Hlc) {
        let counting = plan.ops.values().filter(|sound| !sound.retired).count() as u64;
        let highest = plan.ops.last_key_value().map_or(0, |(seq, _)| *seq);
        let retired = plan.ops.len() as u64 - counting;
        self.done.own_ops += counting;
        self.marked += counting + plan.ops.values().filter(|sound| sound.retired && sound.chained).count() as u64;
        self.done.strays += plan.ops.iter().filter(|(seq, sound)| plan.is_stray(**seq, sound)).count() as u64;
        self.done.lost_ops += highest.saturating_sub(counting + retired);
        if !plan.ops.is_empty() {
            self.done.latest_ms = self.done.latest_ms.max(Some(hlc.ms()));
        }
    }

    fn put_ops(&mut self, n: i64, plan: &Plan) -> Result<(), StoreError> {
        for (seq, sound) in &plan.ops {
            if *seq > plan.held && planted::active(Defect::BehindLossDropped) {
                break;
            }
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
                    let aside = if sound.retired { RETIRED } else { 0 };
                    insert.execute(params![key, record, sound.bytes, chain, sound.feed, aside, sum])
                })
                .map_err(StoreError::because("take over an op"))?;
            if plan.is_stray(*seq, sound) {
                self.db
                    .execute("INSERT INTO stray (op) VALUES (?)", [key])
                    .map_err(StoreError::because("keep an op behind a gap"))?;
            }
        }
        Ok(())
    }

    /// Lists, runs, and rows of files that were taken.
    pub(super) fn put_rest(&mut self) -> Result<(), StoreError> {
        for run in self.found.runs.values() {
            put_run(self.db, run)?;
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

    /// The people of the office. A row that cannot be one of ours is passed over: its person is added anew.
    pub(super) fn put_people(&mut self) -> Result<(), StoreError> {
        for (id, row) in &self.found.people {
            if let Some((person, pin)) = person::of_row(*id, row) {
                person::put(self.db, &person, pin)?;
            }
        }
        match self.found.recovery_key() {
            Some(key) => facts::put(self.db, facts::name::RECOVERY, key),
            None => Ok(()),
        }
    }

    /// The tablets at the counter: what they have not handed over yet would not be taken of a stranger.
    pub(super) fn put_kiosks(&self) -> Result<(), StoreError> {
        self.found.kiosks.values().try_for_each(|kiosk| kiosk.put(self.db))
    }

    /// What people have begun to fill in, and the files that they chose. A draft that was thrown away may come back:
    /// better that than one that goes.
    pub(super) fn put_drafts(&mut self) -> Result<(), StoreError> {
        self.found.drafts.values().try_for_each(|draft| draft.put(self.db))?;
        for (id, place) in std::mem::take(&mut self.found.draft_files) {
            if let Some(row) = self.remains.row(place) {
                draft::Remnant::put_file(self.db, id, &row)?;
            }
        }
        Ok(())
    }

    /// Files that records name: those whose content is still what their name says. The hub is asked how far it has them.
    pub(super) fn put_attachments(&mut self) -> Result<(), StoreError> {
        let mut lost = 0_u64;
        for (id, noted) in std::mem::take(&mut self.found.attachments) {
            let meant = Content { hash: ContentHash(noted.hash), bytes: noted.bytes, media: noted.media };
            if noted.is_put_away {
                attachments::note_put_away(self.db, &meant, noted.wall_ms)?;
                continue;
            }
            let content = self.content_of(id, &meant);
            match meant.verify(&content) {
                Ok(()) => attachments::put(self.db, &meant, &content, noted.wall_ms)?,
                Err(_) => lost += 1,
            }
        }
        if lost > 0 {
            tracing::error!(ev = "store.attachments_lost", files = lost, "attached files are damaged beyond repair");
        }
        Ok(())
    }

    /// What is readable of a file, its parts side by side.
    fn content_of(&mut self, id: i64, meant: &Content) -> Vec<u8> {
        let mut content = Vec::new();
        for place in 0..attachments::parts_of(meant.bytes.min(ATTACHMENT_BYTES_MAX)) {
            let part = id.checked_mul(attachments::PARTS_MAX).and_then(|first| self.found.parts.get(&(first + place)));
            let row = part.copied().and_then(|part| self.remains.row(part));
            match row.as_ref().and_then(|row| row.values.get(1)?.blob()) {
                Some(part) => content.extend_from_slice(part),
                None => break,
            }
        }
        content
    }
}

/// Whether a signature of the log's writer is over the op that is here under this seq. Whether it is right is for the
/// hub to say, which knows the writer's key.
fn fits(plan: &Plan, seq: i64, bytes: &[u8]) -> bool {
    let (log, replica) = (plan.head.log().to_bytes(), plan.head.replica().to_bytes());
    let Ok(attest) = codec::decode::<Attest>(bytes) else { return false };
    let Some(op) = u64::try_from(seq).ok().and_then(|seq| plan.ops.get(&seq)) else { return false };
    let chain = op.chain.map(|chain| chain.0);
    attest.replica == replica
        && attest
            .heads
            .0
            .iter()
            .any(|(name, upto, at)| *name == log && *upto == seq.unsigned_abs() && Some(*at) == chain)
}
