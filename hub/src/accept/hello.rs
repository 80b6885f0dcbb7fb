//! Who speaks: which run, by which clock, and whether two machines answer as one.

use kentongan_protocol::clock::{KnownRun, RunHead, measure};
use kentongan_protocol::error::Fault;
use kentongan_protocol::ids::ReplicaId;
use kentongan_protocol::limits::REPLY_BYTES_AIM;
use kentongan_protocol::planted::{self, Place};
use kentongan_protocol::session::pacing::page_bytes;
use kentongan_protocol::wire::v1::{Hello, hello_extension};
use serde_json::json;

use super::{AcceptError, Exchange, note};
use crate::store::{CLOCK_UNMEASURED_MS, LastContact, Replica, Result, Run, Tx};

/// Pages are counted as they are before compression, which makes so much less of them.
const PACKED_TIMES: usize = 4;

/// A twin is told of once in this time, however often both machines call.
pub(super) const TWIN_TOLD_MS: i64 = 24 * 3600 * 1000;

/// Takes the hello.
pub(super) fn take(
    exchange: &mut Exchange,
    tx: &mut dyn Tx,
    hello: &Hello,
    now_ms: i64,
) -> std::result::Result<(), AcceptError> {
    planted::reached(Place::Greeted);
    let speaker = exchange.speaker;
    let mut replica = tx.replica(speaker)?.ok_or(Fault::Peer("a replica that is not known here"))?;
    let head = RunHead::from(&hello.run);
    let contact = match exchange.is_carried {
        true => {
            planted::reached(Place::GreetingCarried);
            heard(tx, speaker, &head, now_ms, hello.elapsed_ms, None)?;
            carried(hello, replica.last_contact.as_ref(), now_ms)
        }
        false => {
            let measured = measure(now_ms, hello.elapsed_ms, hello.round_trip_ms);
            let run = heard(tx, speaker, &head, now_ms, hello.elapsed_ms, Some(measured))?;
            follow(tx, &mut replica, &run, now_ms)?;
            contact(hello, measured, now_ms)
        }
    };
    (exchange.tally.clock_offset_ms, exchange.tally.pending) = (contact.clock_offset_ms, contact.pending);
    replica.last_contact = Some(contact);
    tx.put_replica(&replica)?;
    exchange.office = Some(replica.office);
    exchange.program.clone_from(&hello.program.0);
    exchange.reply.bytes_aim =
        PACKED_TIMES.saturating_mul(page_bytes(hello.link_bytes_s, REPLY_BYTES_AIM)).min(REPLY_BYTES_AIM);
    exchange.reply.withholds_feed = hello.extensions.value(hello_extension::NO_FEED).is_some();
    Ok(())
}

/// The replica speaks in this run now. If another one had followed it, two machines answer as this replica.
fn follow(tx: &mut dyn Tx, replica: &mut Replica, run: &Run, now_ms: i64) -> Result<()> {
    let now = run.known.head.run;
    let Some(before) = replica.run_now.replace(now).filter(|before| *before != now) else { return Ok(()) };
    if let Some(mut before) = tx.run(replica.id, before)? {
        before.superseded_ms.get_or_insert(now_ms);
        tx.put_run(&before)?;
    }
    match run.superseded_ms {
        Some(_) => twin_seen(tx, replica, now_ms),
        None => Ok(()),
    }
}

/// What a greeting says that was written some time ago. What was heard of the office since goes before it, and of the
/// office's clock it says nothing.
fn carried(hello: &Hello, before: Option<&LastContact>, now_ms: i64) -> LastContact {
    let (clock_offset_ms, clock_error_ms) =
        before.map_or((0, CLOCK_UNMEASURED_MS), |before| (before.clock_offset_ms, before.clock_error_ms));
    match before.filter(|before| before.ops_written > hello.ops_written) {
        Some(before) => LastContact { at_ms: now_ms, ..before.clone() },
        None => LastContact { clock_offset_ms, clock_error_ms, ..contact(hello, (0, 0), now_ms) },
    }
}

fn contact(hello: &Hello, (start_ms, error_ms): (i64, u64), now_ms: i64) -> LastContact {
    let said_at_ms = start_ms.saturating_add(i64::try_from(hello.elapsed_ms).unwrap_or(i64::MAX));
    LastContact {
        at_ms: now_ms,
        ops_written: hello.ops_written,
        pending: hello.ops_pending,
        oldest_pending_ms: hello.oldest_pending_ms,
        free_bytes: hello.free_bytes,
        program: hello.program.0.clone(),
        clock_offset_ms: hello.wall_ms.saturating_sub(said_at_ms),
        clock_error_ms: error_ms,
    }
}

/// A run that another one had followed speaks again: its process never ended, so the folder was copied.
fn twin_seen(tx: &mut dyn Tx, replica: &mut Replica, now_ms: i64) -> Result<()> {
    planted::reached(Place::TwinSeen);
    let told = replica.twin_seen_ms.is_some_and(|at_ms| now_ms.saturating_sub(at_ms) < TWIN_TOLD_MS);
    replica.twin_seen_ms = Some(now_ms);
    match told {
        true => Ok(()),
        false => note(tx, now_ms, "hub", "replica.twin", replica.id, json!({"office": replica.office.as_str()})),
    }
}

/// Takes note of a run that was heard of, and keeps the best that is known of its beginning.
pub(super) fn heard(
    tx: &mut dyn Tx,
    replica: ReplicaId,
    head: &RunHead,
    now_ms: i64,
    elapsed_ms: u64,
    measured: Option<(i64, u64)>,
) -> Result<Run> {
    let Some(mut run) = tx.run(replica, head.run)? else {
        let known = KnownRun { replica, head: *head, measured, elapsed_ms, heard_ms: now_ms };
        let run = Run { known, superseded_ms: None };
        tx.put_run(&run)?;
        return Ok(run);
    };
    let best = [run.known.measured, measured].into_iter().flatten().min_by_key(|(_, error_ms)| *error_ms);
    let elapsed_ms = run.known.elapsed_ms.max(elapsed_ms);
    if (best, elapsed_ms) != (run.known.measured, run.known.elapsed_ms) {
        run.known = KnownRun { measured: best, elapsed_ms, ..run.known };
        tx.put_run(&run)?;
    }
    Ok(run)
}
