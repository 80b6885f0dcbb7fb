//! Ops of the speaker's own logs.

use kentongan_protocol::error::Fault;
use kentongan_protocol::ids::OpId;
use kentongan_protocol::log::{ChainHash, LogHead, leaves_gap, plan_append};
use kentongan_protocol::op::Action;
use kentongan_protocol::planted::{self, Defect, Place};
use kentongan_protocol::session::hub::Batch;
use serde_json::json;

use super::{AcceptError, Exchange, hello, note};
use crate::engine::Hub;
use crate::store::{Fork, Log, Result, Tx};

/// Stores a batch whole or not at all.
pub(super) fn take(
    exchange: &mut Exchange,
    hub: &Hub,
    tx: &mut dyn Tx,
    batch: &Batch,
    now_ms: i64,
) -> std::result::Result<(), AcceptError> {
    let office = exchange.office()?;
    if *batch.head.office() != *office && !planted::active(Defect::OfficeBelieved) {
        planted::reached(Place::OfficeClaimed);
        let detail = json!({"claimed": batch.head.office().as_str(), "own": office.as_str()});
        note(tx, now_ms, exchange.speaker, "log.foreign_office", batch.head.log(), detail)?;
        return Err(Fault::Peer("a log of another office").into());
    }
    let log = known_log(tx, &batch.head)?;
    let stored = log.as_ref().map_or(0, |log| log.stored);
    exchange.named.insert(batch.head.log());
    if leaves_gap(stored, batch.first_seq) {
        // This hub forgot what came before; its marks tell where to go on from.
        planted::reached(Place::GapPassedOver);
        return Ok(());
    }
    let plan = plan_append(stored, batch.first_seq, batch.ops.len())?;
    let (known, fresh) = batch.ops.split_at(plan.known);
    let id = batch.head.log();
    same_as_stored(exchange, tx, OpId { log: id, seq: batch.first_seq }, known, now_ms)?;
    if !known.is_empty() {
        planted::reached(Place::Repeated);
    }
    if let (true, [.., _]) = (planted::active(Defect::MarkSetBack) && fresh.is_empty(), known) {
        let last = OpId { log: id, seq: batch.first_seq + known.len() as u64 - 1 };
        if let Some(op) = tx.op(last)? {
            tx.advance_log(id, last.seq, op.chain)?;
        }
    }
    exchange.counts.repeated += known.len() as u64;
    let run = hello::heard(tx, exchange.speaker, batch.head.run(), now_ms, 0, None)?;
    // A run that was over before anybody could measure it is dated by the PC's clock as far as that is off now.
    let by_its_clock = || batch.head.run().wall_ms.saturating_sub(exchange.tally.clock_offset_ms);
    let start_ms = run.known.measured.map_or_else(by_its_clock, |(start_ms, _)| start_ms);
    let (delays, counts) = (&mut exchange.tally.delays, &mut exchange.counts);
    let elapsed_ms = append(hub, tx, log, &batch.head, fresh, now_ms, &mut |elapsed_ms| {
        let written_ms = start_ms.saturating_add(i64::try_from(elapsed_ms).unwrap_or(i64::MAX));
        let delay_ms = now_ms.saturating_sub(written_ms);
        delays.count(delay_ms);
        counts.delays.count(delay_ms);
        counts.delay_sum_ms = counts.delay_sum_ms.saturating_add_signed(delay_ms.max(0));
    })?;
    hello::heard(tx, exchange.speaker, batch.head.run(), now_ms, elapsed_ms, None)?;
    exchange.counts.stored += fresh.len() as u64;
    Ok(())
}

/// The log, if it is known here. Its name says its head; two heads of one name take somebody who looked for them.
pub(super) fn known_log(tx: &mut dyn Tx, head: &LogHead) -> std::result::Result<Option<Log>, AcceptError> {
    let log = tx.log(head.log())?;
    match log.as_ref().is_none_or(|log| log.head == *head) {
        true => Ok(log),
        false => Err(Fault::Peer("a head made to have the name of another").into()),
    }
}

/// Compares ops, offered from `first` on, with those that are stored under their names.
pub(super) fn same_as_stored(
    exchange: &Exchange,
    tx: &mut dyn Tx,
    first: OpId,
    offered: &[Vec<u8>],
    now_ms: i64,
) -> std::result::Result<(), AcceptError> {
    if offered.is_empty() {
        return Ok(());
    }
    let stored = tx.ops_from(first.log, first.seq, offered.len(), usize::MAX)?;
    for (stored, offered) in stored.iter().zip(offered) {
        if stored.bytes != *offered {
            fork(exchange, tx, stored.id, offered, now_ms)?;
            return Err(Fault::Peer("an op that is stored here with another content").into());
        }
    }
    Ok(())
}

/// Keeps aside what claims a name that is taken, and tells of it once.
fn fork(exchange: &Exchange, tx: &mut dyn Tx, id: OpId, bytes: &[u8], at_ms: i64) -> Result<()> {
    planted::reached(Place::ForkKept);
    let fresh = tx.insert_fork(&Fork { id, replica: exchange.speaker, bytes: bytes.to_vec(), at_ms })?;
    match fresh {
        true => note(tx, at_ms, exchange.speaker, "log.fork", id, json!({"bytes": bytes.len()})),
        false => Ok(()),
    }
}

/// Appends ops to a log (begun here if it is not known yet), moves its mark and what is held of its writer. Tells of each
/// op that creates a record when it was written, and gives back the longest such time that any op speaks of, both in
/// milliseconds since the run began.
pub(super) fn append(
    hub: &Hub,
    tx: &mut dyn Tx,
    log: Option<Log>,
    head: &LogHead,
    ops: &[Vec<u8>],
    now_ms: i64,
    created: &mut dyn FnMut(u64),
) -> Result<u64> {
    let log = match log {
        Some(log) => log,
        None => {
            tx.insert_log(head)?;
            Log { head: head.clone(), stored: 0, chain: head.chain_start(), durable: 0 }
        }
    };
    if ops.is_empty() {
        return Ok(0);
    }
    planted::reached(Place::BatchStored);
    let (mut seq, mut chain, mut elapsed_ms): (u64, ChainHash, u64) = (log.stored, log.chain, 0);
    let mut intake = hub.intake(tx, now_ms);
    for bytes in ops {
        seq += 1;
        chain = chain.then(bytes);
        let op = intake.admit(head, OpId { log: head.log(), seq }, bytes, chain)?;
        let Some(op) = op else { continue };
        elapsed_ms = elapsed_ms.max(op.elapsed_ms);
        if matches!(op.action, Action::Create { .. }) {
            created(op.elapsed_ms);
        }
    }
    intake.finish()?;
    tx.advance_log(head.log(), seq, chain)?;
    if let Some(mut writer) = tx.replica(head.replica())? {
        writer.holding.moved(head.log(), log.stored, seq);
        tx.put_replica(&writer)?;
    }
    Ok(elapsed_ms)
}
