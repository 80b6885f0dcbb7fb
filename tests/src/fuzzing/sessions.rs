//! Whole requests and replies, as frames that say anything; and what an office's store makes of a reply.

use kentongan_agent::update::Coming;
use kentongan_host::{DataDir, Program};
use kentongan_protocol::error::Fault;
use kentongan_protocol::ids::ReplicaId;
use kentongan_protocol::session::agent::{self, Event as Down};
use kentongan_protocol::session::hub::{Event as Up, Session};

use super::frames::{input_of, stream};
use super::honest::{self, enter, health, member, pc};
use super::hub::SARI;
use crate::sim::disk::{Disk, Image};
use crate::sim::world::key;

/// Slot of the disk of the office that hears a reply.
const DISK: u64 = 92;

/// Events of a request, as far as it is in order.
fn events(request: &[u8], piece: usize) -> (Vec<Up>, Option<Fault>) {
    let mut session = Session::new(SARI);
    let mut events = Vec::new();
    for bytes in request.chunks(piece) {
        session.push(bytes);
        loop {
            match session.next_event() {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(fault) => return (events, Some(fault)),
            }
        }
    }
    (events, None)
}

/// A request of any bytes: events in their order, or a fault; the same in pieces of any size.
pub(super) fn requests(data: &[u8]) {
    let request = stream(data);
    let (whole, fault) = events(&request, request.len().max(1));
    let piece = 1 + usize::from(data.last().copied().unwrap_or(0)) * 5;
    if whole.len() < 64 {
        let pieces = events(&request, piece);
        // What stands behind the end is refused with the end if both came together, and after it if they did not.
        let behind = fault == Some(Fault::Peer("a frame after the end"));
        let heard = if behind { pieces.0.get(..whole.len()).unwrap_or_default() } else { &pieces.0 };
        assert_eq!(format!("{whole:?}"), format!("{heard:?}"), "in pieces of {piece}");
        let ends = |event: &Up| matches!(event, Up::Inventory(_) | Up::End);
        assert!(pieces.0.iter().skip(whole.len()).all(ends), "in pieces of {piece}");
        assert!(behind || fault == pieces.1, "in pieces of {piece}: {fault:?} and {:?}", pieces.1);
    }
    for (place, event) in whole.iter().enumerate() {
        match event {
            Up::Hello(hello) => {
                assert_eq!((place, ReplicaId::from_bytes(hello.replica)), (0, SARI), "another speaker");
            }
            Up::Have(_) => assert_eq!(place, 1, "a position out of order"),
            Up::Batch(batch) => assert_eq!(batch.echo, batch.head.replica() != SARI, "another's log as an own one"),
            Up::End => assert_eq!(place + 1, whole.len(), "something after the end"),
            Up::Attest(_) | Up::Signed(_) | Up::Inventory(_) | Up::Offer(_) | Up::Chunk(..) | Up::Fetch(..) => {}
        }
    }
}

/// An office that has something to say, copied for each reply.
fn office() -> kentongan_agent::store::Store {
    thread_local! {
        static USED: std::cell::OnceCell<Image> = const { std::cell::OnceCell::new() };
    }
    let who = member(SARI, 0);
    USED.with(|used| {
        let image = used.get_or_init(|| {
            let mut store = pc(DISK, None, &who, 1);
            enter(&mut store, "Loket tutup sebelum jam dua");
            enter(&mut store, "Air tidak mengalir");
            drop(store);
            Disk::at(DISK).borrow().image()
        });
        pc(DISK, Some(image), &who, 2)
    })
}

/// A reply of any bytes: the office keeps what it can, refuses the rest, and can still open the next exchange and show
/// everything; what it took for an update is the file that it was offered.
pub(super) fn replies(data: &[u8]) {
    let reply = stream(data);
    let mut store = office();
    let mut session = agent::Session::new(store.opening(&health(), 1 << 19).expect("an opening"));
    session.request(&mut store.outbox(&key(1))).expect("a request");
    session.push(&reply);
    let folder = super::files::folder();
    let coming = Coming::new(DataDir::at(Program::Agent, folder.path()));
    let mut place = 0;
    let fault = loop {
        match session.next_event() {
            Ok(Some(event)) => {
                assert_eq!(matches!(event, Down::Marks(_)), place == 0, "marks are first, and only first");
                place += 1;
                match &event {
                    Down::Marks(marks) => coming.told(marks),
                    Down::Piece(hash, offset, bytes) => _ = coming.took(*hash, *offset, bytes),
                    _ => {}
                }
                // A page that contradicts what is here is refused whole.
                if store.apply(event, None).is_err() {
                    break None;
                }
            }
            Ok(None) => break None,
            Err(fault) => break Some(fault),
        }
    };
    let ended = fault.map_or_else(|| session.finish().map(|(outcome, _)| outcome), Err);
    store.end_exchange(ended.as_ref()).expect("noted");
    if let Some((update, _)) = coming.whole() {
        let own = super::updates::AT_HUB.iter().any(|at_hub| at_hub.file == update);
        assert!(own, "no dice find another file of the same hash");
    }
    check_office(store);
}

pub(super) fn check_office(mut store: kentongan_agent::store::Store) {
    let opening = store.opening(&health(), 1 << 19).expect("the next opening");
    assert_eq!(opening.hello.ops_written.max(2), opening.hello.ops_written, "own ops were lost");
    for open in &opening.open {
        assert!(open.stored <= open.held, "a mark beyond what is held");
    }
    let mut next = agent::Session::new(opening);
    next.request(&mut store.outbox(&key(1))).expect("the next request");
    store.counts().expect("counted");
    let filter = kentongan_agent::store::QueueFilter { state: None, form: None, limit: 100 };
    for line in store.queue(&filter).expect("listed") {
        store.entry(line.record).expect("shown");
    }
}

/// Real requests and replies.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    honest::streams().iter().map(|stream| input_of(stream)).collect()
}
