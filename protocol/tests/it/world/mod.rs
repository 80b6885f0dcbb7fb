//! A small world in memory: PCs and a hub with the real sessions between them, and stores that are maps.
//!
//! It does what a program around the sessions must do, and nothing else: what a page of `SPEC.md` says in words stands
//! here in code. No merging, no judging: those are functions of the ops, and have tests of their own.

mod hub;
mod pc;

pub(crate) use hub::Hub;
pub(crate) use pc::Pc;

use std::collections::BTreeMap;

use kentongan_protocol::clock::{Hlc, RunHead};
use kentongan_protocol::error::Fault;
use kentongan_protocol::ids::{EpochId, Lane, LogId, OfficeCode, ReplicaId, RunId};
use kentongan_protocol::log::ChainHash;
use kentongan_protocol::op::{Action, Op};
use kentongan_protocol::pack::Primed;
use kentongan_protocol::session::Line;
use kentongan_protocol::session::agent::{Outcome, Session};

/// Where the link breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    /// Not at all.
    Whole,
    /// After so many bytes of the request.
    UpCut(usize),
    /// After so many bytes of the reply.
    DownCut(usize),
}

/// What went over the link.
#[derive(Debug, Clone, Default)]
pub(crate) struct Carried {
    pub(crate) request: Vec<u8>,
    pub(crate) reply: Vec<u8>,
    /// `None` if the exchange did not end well.
    pub(crate) outcome: Option<Outcome>,
}

/// A source of ids that never gives one twice.
#[derive(Debug, Default)]
pub(crate) struct Ids(u64);

impl Ids {
    pub(crate) fn draw(&mut self) -> u64 {
        self.0 += 1;
        // Spread over the 64 bits, as random ids are.
        self.0.wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }
}

pub(crate) fn office() -> OfficeCode {
    "32.73.05.1001".parse().expect("an office code")
}

/// A run that began now.
pub(crate) fn run_head(ids: &mut Ids, ordinal: u32) -> RunHead {
    RunHead { run: RunId(ids.draw()), ordinal, before: None, boot: 7, boot_ms: 1000, wall_ms: 1_795_000_000_000 }
}

/// An op that differs from every other by its text.
pub(crate) fn op_bytes(text: &str) -> Vec<u8> {
    let action = Action::Create { form: 2, form_version: 1, receipt: None };
    Op { action, author: text.to_owned(), elapsed_ms: 0, hlc: Hlc(1), writes: vec![] }.encode().expect("a small op")
}

/// Stands in for Ed25519, which is not this crate's business: a function of key and message that nobody else computes.
pub(crate) fn signature(replica: ReplicaId, message: &[u8]) -> [u8; 64] {
    let first = ChainHash([0; 32]).then(&replica.to_bytes()).then(message).0;
    let second = ChainHash(first).then(message).0;
    let mut signature = [0; 64];
    signature.iter_mut().zip(first.into_iter().chain(second)).for_each(|(slot, byte)| *slot = byte);
    signature
}

/// One exchange over a link that may break, on a connection of its own. Bytes arrive in pieces.
pub(crate) fn exchange(pc: &mut Pc, hub: &mut Hub, link: Link) -> Carried {
    exchange_on(&mut Conn::default(), pc, hub, link)
}

/// A connection that may be open: what either end remembers of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Conn {
    pub(crate) of_pc: Line,
    pub(crate) of_hub: Line,
}

/// One exchange on a connection; whatever breaks it ends the connection.
pub(crate) fn exchange_on(conn: &mut Conn, pc: &mut Pc, hub: &mut Hub, link: Link) -> Carried {
    let Conn { of_pc, of_hub } = std::mem::take(conn);
    let opening = pc.opening();
    let packs = opening.hello.ops_written % 4 == 1;
    let mut session = Session::on(of_pc, opening);
    if packs {
        session.pack_by(Primed::Kept, 0);
    }
    let request = session.request(&mut pc.outbox()).expect("a store in memory does not fail");
    let arrived = match link {
        Link::UpCut(at) => &request[..at.min(request.len())],
        Link::Whole | Link::DownCut(_) => &request,
    };
    let answered = hub.answer_on(of_hub, pc.replica, arrived).ok().flatten();
    let (reply, of_hub) = answered.map_or((Vec::new(), None), |(reply, line)| (reply, Some(line)));
    let arrived = match link {
        Link::Whole => reply.as_slice(),
        Link::UpCut(_) => &[],
        Link::DownCut(at) => &reply[..at.min(reply.len())],
    };
    let ended = pc.take_reply(session, arrived);
    pc.ended(ended.as_ref().ok().map(|(outcome, _)| outcome));
    let (outcome, of_pc) = ended.ok().unzip();
    if let (Some(of_pc), Some(of_hub)) = (of_pc, of_hub) {
        *conn = Conn { of_pc, of_hub };
    }
    Carried { request, reply, outcome }
}

/// Exchanges over a whole link until both sides have nothing more to say. Gives back how many it took.
pub(crate) fn settle(pc: &mut Pc, hub: &mut Hub) -> u32 {
    for count in 1..=60 {
        let outcome = exchange(pc, hub, Link::Whole).outcome.expect("a whole link carries an exchange to its end");
        if outcome.in_order && !outcome.more && !pc.has_unsent() {
            return count;
        }
    }
    panic!("{} never comes to rest", pc.replica);
}

/// Everybody settles twice, so that what one brought the others have.
pub(crate) fn settle_all(pcs: &mut [&mut Pc], hub: &mut Hub) {
    for _ in 0..2 {
        for pc in pcs.iter_mut() {
            settle(pc, hub);
        }
    }
}

/// All ops of a side, by log and seq.
pub(crate) type Content = BTreeMap<LogId, Vec<Vec<u8>>>;

/// A fault, or whatever else ends a request.
pub(crate) type Answer = Result<Option<Vec<u8>>, Fault>;

pub(crate) const LANES: [Lane; 2] = [Lane::Case, Lane::Survey];

/// Ids of epochs are drawn like all others.
pub(crate) fn epoch(ids: &mut Ids) -> EpochId {
    EpochId(ids.draw())
}
