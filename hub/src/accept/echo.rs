//! Ops of others that an office gives back to a hub that forgot them.
//!
//! Nobody is believed about what another wrote: the ops are held back until they reach a place that their writer signed,
//! and only if the running hash is the signed one there are they stored. What is not proved is passed over silently; the
//! office is not at fault if this hub has forgotten the writer too.

use std::collections::BTreeMap;

use kentongan_protocol::error::Fault;
use kentongan_protocol::ids::{LogId, OpId};
use kentongan_protocol::limits::ECHO_BYTES_MAX;
use kentongan_protocol::log::{LogHead, leaves_gap, plan_append};
use kentongan_protocol::planted::{self, Place};
use kentongan_protocol::session::hub::Batch;
use serde_json::json;

use super::batch::{append, known_log, same_as_stored};
use super::{AcceptError, Exchange, hello, note};
use crate::engine::Hub;
use crate::store::{Result, Tx};

/// Ops held back, by log.
#[derive(Debug, Default)]
pub(super) struct Echoes {
    held: BTreeMap<LogId, Vec<Vec<u8>>>,
    bytes: usize,
}

impl Echoes {
    fn take(&mut self, log: LogId) -> Vec<Vec<u8>> {
        let ops = self.held.remove(&log).unwrap_or_default();
        self.bytes -= ops.iter().map(Vec::len).sum::<usize>();
        ops
    }

    /// Holds ops back, if there is room for them.
    fn put(&mut self, log: LogId, ops: Vec<Vec<u8>>) {
        let bytes: usize = ops.iter().map(Vec::len).sum();
        if self.bytes + bytes <= ECHO_BYTES_MAX {
            self.bytes += bytes;
            self.held.insert(log, ops);
        }
    }
}

/// Takes ops of another replica.
pub(super) fn take(
    exchange: &mut Exchange,
    hub: &Hub,
    tx: &mut dyn Tx,
    batch: Batch,
    now_ms: i64,
) -> std::result::Result<(), AcceptError> {
    let Batch { head, first_seq, ops: offered, .. } = batch;
    exchange.named.insert(head.log());
    if !may_echo(exchange, hub, tx, &head)? {
        return Ok(());
    }
    let Some(proof) = exchange.proofs.of(head.log(), head.replica()).cloned() else { return Ok(()) };
    let log = known_log(tx, &head)?;
    let stored = log.as_ref().map_or(0, |log| log.stored);
    let mut held = exchange.echoes.take(head.log());
    // What is stored, then what is held back: the offer may begin anywhere in it. After it, it is of no use yet: this hub
    // forgot more than the office believes, and its marks tell.
    if leaves_gap(stored + held.len() as u64, first_seq) {
        return Ok(());
    }
    let plan = plan_append(stored + held.len() as u64, first_seq, offered.len())?;
    let in_store = usize::try_from((stored + 1).saturating_sub(first_seq)).unwrap_or(usize::MAX).min(plan.known);
    let (known, fresh) = offered.split_at(plan.known);
    let (first, second) = known.split_at(in_store);
    same_as_stored(exchange, tx, OpId { log: head.log(), seq: first_seq }, first, now_ms)?;
    let skip = usize::try_from(first_seq.saturating_sub(stored + 1)).unwrap_or(usize::MAX);
    if held.iter().skip(skip).zip(second).any(|(held, again)| held != again) {
        return Err(Fault::Peer("an op given back twice with two contents").into());
    }
    let wanted = usize::try_from(proof.seq.saturating_sub(stored)).unwrap_or(usize::MAX);
    held.extend(fresh.iter().take(wanted.saturating_sub(held.len())).cloned());
    if held.len() < wanted {
        // If it is too much without a proof it is dropped, and offered again some other time.
        planted::reached(Place::EchoHeld);
        exchange.echoes.put(head.log(), held);
        return Ok(());
    }
    if wanted == 0 {
        return Ok(());
    }
    let start = log.as_ref().map_or_else(|| head.chain_start(), |log| log.chain);
    if held.iter().fold(start, |chain, op| chain.then(op)) != proof.chain {
        note(tx, now_ms, exchange.speaker, "echo.forged", head.log(), json!({"of": head.replica().to_string()}))?;
        return Err(Fault::Peer("ops given back that their writer did not sign").into());
    }
    // The hub's own clock needs no measuring.
    let measured = (head.replica() == hub.replica()).then_some((head.run().wall_ms, 1));
    hello::heard(tx, head.replica(), head.run(), now_ms, 0, measured)?;
    let elapsed_ms = append(hub, tx, log, &head, &held, now_ms, &mut |_| ())?;
    hello::heard(tx, head.replica(), head.run(), now_ms, elapsed_ms, measured)?;
    tx.put_attest(&proof.attest)?;
    planted::reached(Place::EchoTaken);
    exchange.counts.echoed += held.len() as u64;
    Ok(())
}

/// What the hub itself wrote may be given back by anyone who read it; what another PC wrote, by a PC of its office.
fn may_echo(exchange: &Exchange, hub: &Hub, tx: &mut dyn Tx, head: &LogHead) -> Result<bool> {
    if head.replica() == hub.replica() {
        return Ok(true);
    }
    Ok(exchange.office.as_ref() == Some(head.office()) && tx.replica(head.replica())?.is_some())
}
