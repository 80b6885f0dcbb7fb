//! Stories of offices and their hub: Sari at the village, Budi at the clinic, Wayan at the hub.
//!
//! ```text
//!   arriving  once and whole               together  on the same records        claims  that are not true
//!   copies    started twice, restored       order     any order, any store
//!   files     that records name              days      what is noted of each
//! ```

mod arriving;
mod carried;
mod claims;
mod copies;
mod days;
mod files;
mod order;
mod sealed;
mod together;

use kentongan_protocol::ids::{LogId, OpId, RecordId, ReplicaId};
use kentongan_protocol::log::LogHead;
use kentongan_protocol::wire::codec::{Blob, List};
use kentongan_protocol::wire::frame::PREAMBLE;
use kentongan_protocol::wire::v1::{End, Frame, Have, LogFrame, LogName, Ops};

use super::world::{NOW, Pc, World, change};
use crate::store::{AuditEntry, Page};

const VILLAGE: &str = "32.73.05.1001";

const CLINIC: &str = "32.73.05.1001-PKM1";

fn events(world: &mut World) -> Vec<String> {
    let lines: Vec<AuditEntry> = world.done(|tx| tx.audit_log(Page::After(0), 99));
    lines.into_iter().map(|line| line.event.event).collect()
}

fn stored_ops(world: &mut World) -> u64 {
    world.done(|tx| tx.totals()).ops
}

/// The routing by which Wayan hands a record to an office.
fn route(world: &mut World, record: RecordId, office: &str) -> OpId {
    said_at_hub(world, record, "kantor_tujuan", office)
}

/// What Wayan at the hub writes to a field of a record.
fn said_at_hub(world: &mut World, record: RecordId, field: &str, text: &str) -> OpId {
    let hub = std::sync::Arc::clone(&world.hub);
    world.done(|tx| {
        let row = tx.record(record)?.expect("the record is here");
        let seen = crate::accept::load(tx, record)?;
        let writes = change(record, field, text, &[]).writes;
        Ok(hub.change(tx, &row, &seen, "wayan", writes).expect("written"))
    })
}

/// A request of one batch as these arguments say, of the log that the head names.
fn forged(pc: &mut Pc, head: &LogHead, first_seq: u64, ops: Vec<Vec<u8>>) -> Vec<u8> {
    forged_as(pc, head, head.log(), first_seq, ops)
}

/// The same with ops under any name.
fn forged_as(pc: &mut Pc, head: &LogHead, log: LogId, first_seq: u64, ops: Vec<Vec<u8>>) -> Vec<u8> {
    let mut whole = pc.clone();
    whole.logs.clear();
    let opening = whole.request(NOW);
    let mut request = PREAMBLE.to_vec();
    let mut session = kentongan_protocol::wire::frame::FrameReader::new();
    session.push(&opening);
    let hello = session.next_frame().expect("sound").expect("whole");
    kentongan_protocol::wire::frame::put(&mut request, hello.kind, &hello.body);
    Frame::Have(Have { epochs: List::default(), cursors: List::default(), logs: List::default() }).put(&mut request);
    Frame::Log(LogFrame::from(head)).put(&mut request);
    let ops = List(ops.into_iter().map(Blob).collect());
    Frame::Ops(Ops { log: LogName::Id(log.to_bytes()), first_seq, ops }).put(&mut request);
    Frame::End(End { more: false }).put(&mut request);
    request
}

/// A hub that was restored from a copy of its folder made before anything happened, with the same two PCs enrolled.
fn forgetful(world: &World, pcs: &[&Pc]) -> World {
    let mut copy = World::new();
    let others: Vec<_> = pcs.iter().map(|pc| (pc.replica.0, pc.office.to_string(), pc.key.public_key())).collect();
    for (id, office, public_key) in others {
        copy.enrol(id, &office);
        copy.done(|tx| {
            let replica = tx.replica(ReplicaId(id))?.expect("just enrolled");
            tx.put_replica(&crate::store::Replica { public_key, ..replica })
        });
    }
    World::start(copy.store, copy.clock, std::sync::Arc::clone(&world.key))
}
