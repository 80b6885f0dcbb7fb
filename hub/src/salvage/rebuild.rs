//! From what was found to a sound store.
//!
//! An op is believed when the running hash of its log, computed from the log's head on, is the one that stands beside it;
//! a head when it gives the name of its log; a signature when it verifies. Ops are then taken in as if they arrived now,
//! in the order and at the times of their first arrival: records, feed, conflicts and verdicts follow from them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek};

use kentongan_host::carve::{Place, Remains};
use kentongan_host::identity::verify;
use kentongan_protocol::clock::KnownRun;
use kentongan_protocol::ids::{LogId, OpId, ReplicaId};
use kentongan_protocol::log::{ChainHash, LogHead};
use kentongan_protocol::wire::v1::Attest;
use serde_json::json;

use super::found::{Found, FoundOp};
use super::{GoOn, OfficeLoss, Older, Phase, Report, SalvageFault};
use crate::accept::intake::Intake;
use crate::accept::note;
use crate::store::{HubIdentity, Log, OpState, Replica, Run, Store, StoreError, Tx, transact_with};

/// Ops of one transaction, and runs of ops between two questions whether to go on.
const OPS_AT_ONCE: usize = 500;

/// What is given beside the remains.
#[derive(Debug)]
pub(super) struct Given<'a> {
    /// The public half of the hub's key.
    pub(super) hub_key: [u8; 32],
    /// A verified backup.
    pub(super) older: Option<&'a mut Older>,
    /// For the audit log.
    pub(super) actor: &'a str,
    pub(super) now_ms: i64,
}

/// An op that proved itself, and where it stands.
struct Proved {
    order: i64,
    received_ms: i64,
    state: i64,
    id: OpId,
    chain: ChainHash,
    source: Source,
}

#[derive(Clone, Copy)]
enum Source {
    Remains(Place),
    Older,
}

/// Fills the fresh store.
pub(super) fn fill<R: Read + Seek>(
    store: &mut dyn Store,
    remains: &mut Remains<R>,
    mut given: Given<'_>,
    go_on: GoOn<'_>,
) -> Result<Report, SalvageFault> {
    let mut found = Found::gather(remains);
    go_on(Phase::Reading, (1, 1)).then_some(()).ok_or(SalvageFault::Stopped)?;
    let mut report = Report::default();
    let hub = identity(&found, &given).ok_or(SalvageFault::NoIdentity)?;
    if let Some(older) = &mut given.older {
        older.add_heads(&mut found.logs)?;
    }
    let proved = prove(&found, remains, &mut given, &mut report, go_on)?;
    transact_with(store, |tx| put_parties(tx, &hub, &found, &mut given, &mut report))?;
    let mut done = 0;
    for part in proved.chunks(OPS_AT_ONCE) {
        let mut loaded = Vec::with_capacity(part.len());
        for op in part {
            let bytes = match op.source {
                Source::Remains(place) => remains.row(place).and_then(|row| FoundOp::of(&row)).map(|op| op.bytes),
                Source::Older => given.older.as_mut().and_then(|older| older.op(op.id)).map(|(_, bytes)| bytes),
            };
            loaded.push((op, bytes.ok_or(SalvageFault::Changed)?));
        }
        transact_with(store, |tx| take_in(tx, hub.replica, &found.logs, &loaded))?;
        done += part.len();
        if !go_on(Phase::TakingIn, (done as u64, proved.len() as u64)) {
            return Err(SalvageFault::Stopped);
        }
    }
    transact_with(store, |tx| {
        decisions(tx, hub.replica, &proved, given.now_ms, &mut report)?;
        put_proofs(tx, &hub, &found, &given, &mut report)?;
        sum_up(tx, &found, &mut report)
    })?;
    Ok(report)
}

/// Who the hub is: by its row, by the backup, or as the only writer of logs that is no device.
fn identity(found: &Found, given: &Given<'_>) -> Option<HubIdentity> {
    if let Some(hub) = found.hub() {
        return Some(hub);
    }
    if let Some(hub) = given.older.as_ref().and_then(|older| older.hub.clone()) {
        return Some(hub);
    }
    let devices: BTreeSet<ReplicaId> = found.replicas().map(|replica| replica.id).collect();
    let signed = found.attests.iter().find(|attest| verify(&given.hub_key, &attest.signed_bytes(), &attest.signature));
    let others = || {
        let writers: BTreeSet<ReplicaId> = found.logs.values().map(LogHead::replica).collect();
        let mut others = writers.difference(&devices).copied();
        others.next().filter(|_| others.next().is_none())
    };
    let replica = signed.map(|attest| ReplicaId::from_bytes(attest.replica)).or_else(others)?;
    Some(HubIdentity { replica, name: String::new(), created_ms: given.now_ms })
}

/// Every op that follows without gap from the head of its log, in the order in which they arrived.
fn prove<R: Read + Seek>(
    found: &Found,
    remains: &mut Remains<R>,
    given: &mut Given<'_>,
    report: &mut Report,
    go_on: GoOn<'_>,
) -> Result<Vec<Proved>, SalvageFault> {
    let mut proved = Vec::new();
    let all = found.logs.len() as u64;
    for (done, (log, head)) in (1..).zip(&found.logs) {
        let (mut seq, mut chain, mut order) = (0, head.chain_start(), i64::MIN);
        loop {
            let id = OpId { log: *log, seq: seq + 1 };
            let places = found.ops.get(&id).map(Vec::as_slice).unwrap_or_default();
            let here = places.iter().rev().find_map(|place| {
                let op = FoundOp::of(&remains.row(*place)?)?;
                (chain.then(&op.bytes).0 == op.chain).then_some((op, Source::Remains(*place)))
            });
            let older = || {
                let (op, bytes) = given.older.as_mut()?.op(id)?;
                (chain.then(&bytes).0 == op.chain).then_some((FoundOp { bytes, ..op }, Source::Older))
            };
            let Some((op, source)) = here.or_else(older) else { break };
            report.from_backup += u64::from(matches!(source, Source::Older));
            (seq, chain, order) = (id.seq, ChainHash(op.chain), order.max(op.order));
            // An arrival in the future is a flipped bit.
            let received_ms = op.received_ms.min(given.now_ms);
            proved.push(Proved { order, received_ms, state: op.state, id, chain, source });
        }
        if !go_on(Phase::Proving, (done, all)) {
            return Err(SalvageFault::Stopped);
        }
    }
    proved.sort_by_key(|op| (op.order, op.id));
    report.ops = proved.len() as u64;
    Ok(proved)
}

/// The hub, offices, devices, codes and runs.
fn put_parties(
    tx: &mut dyn Tx,
    hub: &HubIdentity,
    found: &Found,
    given: &mut Given<'_>,
    report: &mut Report,
) -> Result<(), StoreError> {
    for line in found.audit() {
        report.audit += u64::from(tx.audit(&line.event)? == line.number);
        report.audit_after_gap += 1;
    }
    report.audit_after_gap -= report.audit;
    tx.put_hub(hub)?;
    let older = given.older.as_ref();
    let offices = older.into_iter().flat_map(|older| &older.offices).chain(found.offices());
    for office in offices {
        tx.put_office(office)?;
    }
    for replica in found.replicas() {
        put_replica(tx, replica)?;
    }
    for replica in older.into_iter().flat_map(|older| &older.replicas) {
        if tx.replica(replica.id)?.is_none() && put_replica(tx, replica)? {
            report.devices_from_backup.push(replica.id.to_string());
        }
    }
    for code in found.codes() {
        ignoring_taken(tx.part(&mut |tx| tx.put_enrol_code(code)))?;
    }
    for run in found.runs() {
        tx.put_run(run)?;
    }
    for head in found.logs.values() {
        if tx.run(head.replica(), head.run().run)?.is_none_or(|run| run.known.head != *head.run()) {
            tx.put_run(&run_of(head, hub.replica, given.now_ms))?;
        }
    }
    Ok(())
}

fn put_replica(tx: &mut dyn Tx, replica: &Replica) -> Result<bool, StoreError> {
    ignoring_taken(tx.part(&mut |tx| tx.put_replica(replica)))
}

/// Two rows that cannot both be right: the first stays.
fn ignoring_taken(done: Result<(), StoreError>) -> Result<bool, StoreError> {
    match done {
        Ok(()) => Ok(true),
        Err(StoreError::Taken(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// A run of which nothing is left but what the heads of its logs say.
fn run_of(head: &LogHead, hub: ReplicaId, now_ms: i64) -> Run {
    let measured = (head.replica() == hub).then_some((head.run().wall_ms, 1));
    let known = KnownRun { replica: head.replica(), head: *head.run(), measured, elapsed_ms: 0, heard_ms: now_ms };
    Run { known, superseded_ms: None }
}

fn take_in(
    tx: &mut dyn Tx,
    hub: ReplicaId,
    heads: &BTreeMap<LogId, LogHead>,
    ops: &[(&Proved, Vec<u8>)],
) -> Result<(), StoreError> {
    let mut rest = ops;
    while let Some((first, _)) = rest.first() {
        let same = rest.iter().take_while(|(op, _)| op.received_ms == first.received_ms).count();
        let (now, later) = rest.split_at(same);
        // Whoever waits for an answer has waited since their words arrived, not since today.
        for (op, _) in now {
            if tx.log(op.id.log)?.is_none() {
                tx.insert_log(head_of(heads, op.id)?)?;
            }
        }
        let mut intake = Intake::new(tx, hub, first.received_ms);
        for (op, bytes) in now {
            intake.admit(head_of(heads, op.id)?, op.id, bytes, op.chain)?;
        }
        intake.finish()?;
        for (op, _) in now {
            moved(tx, op)?;
        }
        rest = later;
    }
    Ok(())
}

fn head_of(heads: &BTreeMap<LogId, LogHead>, id: OpId) -> Result<&LogHead, StoreError> {
    heads.get(&id.log).ok_or(StoreError::Damaged("an op without its log"))
}

fn moved(tx: &mut dyn Tx, op: &Proved) -> Result<(), StoreError> {
    let log = tx.log(op.id.log)?.ok_or(StoreError::Damaged("an op without its log"))?;
    tx.advance_log(op.id.log, op.id.seq, op.chain)?;
    if let Some(mut writer) = tx.replica(log.head.replica())? {
        writer.holding.moved(op.id.log, log.stored, op.id.seq);
        tx.put_replica(&writer)?;
    }
    Ok(())
}

/// What persons decided about ops that are kept aside follows from no op.
fn decisions(
    tx: &mut dyn Tx,
    hub: ReplicaId,
    proved: &[Proved],
    now_ms: i64,
    report: &mut Report,
) -> Result<(), StoreError> {
    const MERGED: i64 = 0;
    const DISCARDED: i64 = 3;
    let decided: BTreeMap<OpId, i64> =
        proved.iter().filter(|op| [MERGED, DISCARDED].contains(&op.state)).map(|op| (op.id, op.state)).collect();
    let mut after = None;
    loop {
        let page = tx.quarantined(after, OPS_AT_ONCE)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.id);
        for stored in page {
            let OpState::Quarantined(reason) = stored.state else { continue };
            match decided.get(&stored.id) {
                Some(&DISCARDED) => tx.update_op(stored.id, stored.record, OpState::Discarded(reason))?,
                // Releasing one may have taken in others.
                Some(_) if tx.op(stored.id)?.is_some_and(|op| op.state == stored.state) => {
                    // What is sealed is opened when the hub begins to serve.
                    if !Intake::new(tx, hub, now_ms).release(&stored)? {
                        continue;
                    }
                }
                _ => continue,
            }
            report.decisions += 1;
        }
    }
}

/// Signatures, forks, and a line in the audit log.
fn put_proofs(
    tx: &mut dyn Tx,
    hub: &HubIdentity,
    found: &Found,
    given: &Given<'_>,
    report: &mut Report,
) -> Result<(), StoreError> {
    for attest in &found.attests {
        let writer = ReplicaId::from_bytes(attest.replica);
        let key = match tx.replica(writer)? {
            Some(replica) => replica.public_key,
            None if writer == hub.replica => given.hub_key,
            None => continue,
        };
        if verify(&key, &attest.signed_bytes(), &attest.signature) && stands_here(tx, attest, writer)? {
            tx.put_attest(attest)?;
            report.signatures += 1;
        }
    }
    for fork in &found.forks {
        tx.insert_fork(fork)?;
    }
    let detail = json!({
        "ops": report.ops,
        "from_backup": report.from_backup,
        "audit_lines": report.audit,
        "audit_lines_after_gap": report.audit_after_gap,
    });
    note(tx, given.now_ms, given.actor, "hub.salvaged", hub.replica, detail)
}

/// Whether everything that is signed stands here.
fn stands_here(tx: &mut dyn Tx, attest: &Attest, writer: ReplicaId) -> Result<bool, StoreError> {
    for (log, seq, chain) in &attest.heads.0 {
        let log = LogId::from_bytes(*log);
        let Some(Log { head, .. }) = tx.log(log)? else { return Ok(false) };
        let here = match *seq {
            0 => Some(head.chain_start()),
            seq => tx.op(OpId { log, seq })?.map(|op| op.chain),
        };
        if head.replica() != writer || here.map(|here| here.0) != Some(*chain) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What is here and what is known to be missing, by office.
fn sum_up(tx: &mut dyn Tx, found: &Found, report: &mut Report) -> Result<(), StoreError> {
    let mut offices: BTreeMap<String, OfficeLoss> = BTreeMap::new();
    for office in tx.offices()? {
        offices.entry(office.code.to_string()).or_default().name = office.name;
    }
    let mut known = BTreeSet::new();
    for replica in tx.replicas()? {
        known.insert(replica.id);
        offices.entry(replica.office.to_string()).or_default().devices += 1;
    }
    let mut highest: BTreeMap<LogId, u64> = found.said.clone();
    for id in found.ops.keys() {
        let mark = highest.entry(id.log).or_default();
        *mark = id.seq.max(*mark);
    }
    let hub = tx.hub()?.map(|hub| hub.replica);
    for (log, head) in &found.logs {
        let office = offices.entry(head.office().to_string()).or_default();
        let held = tx.log(*log)?.map_or(0, |log| log.stored);
        // What a flipped bit claims beyond reason is nobody's loss.
        let said = highest.get(log).copied().unwrap_or(0).min(held + found.ops.len() as u64 + 1);
        office.ops += held;
        office.missing += said.saturating_sub(held);
        if Some(head.replica()) != hub && !known.contains(&head.replica()) {
            office.lost_devices.insert(head.replica().to_string());
        }
    }
    report.missing = offices.values().map(|office| office.missing).sum();
    let nameless = found.ops.keys().filter(|id| !found.logs.contains_key(&id.log));
    report.unproved = nameless.count() as u64;
    report.offices = offices.into_iter().map(|(code, loss)| OfficeLoss { code, ..loss }).collect();
    report.records = tx.totals()?.records.iter().map(|(_, count)| count).sum();
    Ok(())
}
