//! What exchanges cost beside the ops that they carry: bytes of both ways, printed and bounded.

use kentongan_protocol::ids::Lane;
use kentongan_protocol::session::agent::Session;
use kentongan_protocol::wire::frame::FrameReader;
use kentongan_protocol::wire::v1::{Frame, kind};

use crate::world::{Conn, Hub, Ids, Pc};

/// Between contacts, in milliseconds.
const INTERVAL_MS: u64 = 300_000;

/// Bytes of one exchange.
#[derive(Debug, Clone, Copy)]
struct Cost {
    up: usize,
    down: usize,
    /// Of the bytes up: signatures with their frames.
    signatures: usize,
    /// Of the bytes up: ops.
    ops: usize,
}

impl Cost {
    /// What is neither op nor signature.
    fn rest(self) -> usize {
        self.up + self.down - self.signatures - self.ops
    }
}

/// The contact number `n` on a connection that stays open.
fn contact(conn: &mut Conn, pc: &mut Pc, hub: &mut Hub, n: u64) -> Cost {
    let Conn { of_pc, of_hub } = std::mem::take(conn);
    let mut opening = pc.opening();
    // A PC whose clock drifts a little, on a link whose round trip wavers.
    opening.hello.elapsed_ms = 3_000_000 + n * INTERVAL_MS;
    opening.hello.wall_ms = 1_795_000_000_000 + (n * (INTERVAL_MS + 3)) as i64;
    opening.hello.round_trip_ms = 600 + (n % 3) as u32 * 40;
    opening.hello.oldest_pending_ms = if pc.has_unsent() { 1_200 } else { 0 };
    opening.hello.free_bytes = (200 << 30) - n * 4_096;
    let mut session = Session::on(of_pc, opening);
    let request = session.request(&mut pc.outbox()).expect("a store in memory does not fail");
    let (signatures, ops) = parts(&request);
    let (reply, of_hub) = hub.answer_on(of_hub, pc.replica, &request).expect("in order").expect("whole");
    let (outcome, of_pc) = pc.take_reply(session, &reply).expect("in order");
    assert!(outcome.in_order && !outcome.more && of_pc == of_hub);
    pc.ended(Some(&outcome));
    *conn = Conn { of_pc, of_hub };
    Cost { up: request.len(), down: reply.len(), signatures, ops }
}

/// Bytes of signatures with their frames, and of ops.
fn parts(request: &[u8]) -> (usize, usize) {
    let mut reader = FrameReader::new();
    if !request.starts_with(b"KTG") {
        reader.push(b"KTG\x01");
    }
    reader.push(request);
    let (mut signatures, mut ops) = (0, 0);
    while let Some(raw) = reader.next_frame().expect("in order") {
        signatures += if raw.kind == kind::SIGNED { raw.body.len() + 4 } else { 0 };
        if let Ok(Some(Frame::Ops(frame))) = Frame::decode(&raw) {
            ops += frame.ops.0.iter().map(|op| op.0.len()).sum::<usize>();
        }
    }
    (signatures, ops)
}

#[test]
fn an_open_connection_costs_little_beside_the_ops() {
    let mut ids = Ids::default();
    let (mut hub, mut pc, mut conn) = (Hub::new(&mut ids), Pc::new(0x5a41), Conn::default());
    pc.write(&mut ids, Lane::Survey, "yang pertama");
    let first = contact(&mut conn, &mut pc, &mut hub, 0);
    println!("first exchange of a connection, with one op: {first:?}, beside op and signature {}", first.rest());
    assert!(first.rest() <= 300);
    for n in 1..6 {
        let idle = contact(&mut conn, &mut pc, &mut hub, 2 * n);
        println!("idle contact: {idle:?}");
        assert!(idle.up <= 40 && idle.down <= 40);
        pc.write(&mut ids, Lane::Survey, &format!("survei {n}"));
        let one = contact(&mut conn, &mut pc, &mut hub, 2 * n + 1);
        println!("exchange with one op: {one:?}, beside op and signature {}", one.rest());
        assert!(one.rest() <= 50);
    }
}
