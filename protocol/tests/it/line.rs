//! What an open connection leaves out comes back whole.

use kentongan_protocol::ids::TopicKind;
use kentongan_protocol::session::Line;
use kentongan_protocol::session::agent::{Event, Session};
use kentongan_protocol::session::hub::{self, Part};
use kentongan_protocol::wire::codec::{Blob, List};
use kentongan_protocol::wire::v1::{Marks, extension, notice};

use crate::world::{Conn, Pc};

/// What a hub says on a connection that it says the first time.
fn first() -> Marks {
    Marks {
        hub_ms: 1_795_000_000_000,
        epochs: List(vec![([1; 8], 0)]),
        cursors: List(vec![(TopicKind::Office as u8, 0)]),
        logs: List::default(),
        held_ops: 0,
        held_sum: 0,
        come_back_s: 0,
        notices: List::default(),
        extensions: List(vec![(extension::BACKED_UP, Blob(vec![4]))]),
    }
}

/// An exchange on a connection in which the hub says these marks. Gives back what the agent heard, and the bytes of the reply.
fn heard(conn: &mut Conn, pc: &Pc, marks: &Marks) -> (Marks, usize) {
    let mut session = Session::on(std::mem::take(&mut conn.of_pc), pc.opening());
    let request = session.request(&mut pc.outbox()).expect("a store in memory does not fail");
    let mut at_hub = hub::Session::on(std::mem::take(&mut conn.of_hub), pc.replica);
    at_hub.receive(&request).expect("in order");
    let mut reply = at_hub.reply();
    let mut said = reply.begin(marks);
    reply.put(Part::End { more: false }, &mut said);
    let events = session.receive(&said).expect("in order");
    let [Event::Marks(told)] = &events[..] else { panic!("{events:?}") };
    let (of_pc, of_hub) = (session.finish().expect("whole").1, reply.finish().expect("whole"));
    assert_eq!(of_pc, of_hub, "both ends remember the same");
    *conn = Conn { of_pc, of_hub };
    (told.clone(), said.len())
}

#[test]
fn marks_come_as_they_were_said_whatever_of_them_changed_and_what_did_not_costs_nothing() {
    let pc = Pc::new(0x5a41);
    let same = Marks { epochs: List::default(), ..first() };
    let changes: [(&str, Marks); 7] = [
        ("nothing", same.clone()),
        ("the time", Marks { hub_ms: first().hub_ms + 300_000, ..same.clone() }),
        ("an epoch", Marks { epochs: List(vec![([2; 8], 7)]), ..same.clone() }),
        ("another topic", Marks { cursors: List(vec![(TopicKind::Everyone as u8, 0)]), ..same.clone() }),
        ("the hub's wish", Marks { come_back_s: 90, ..same.clone() }),
        ("a notice", Marks { notices: List(vec![notice::RENEW]), ..same.clone() }),
        ("an extension", Marks { extensions: List(vec![(extension::BACKED_UP, Blob(vec![5]))]), ..same.clone() }),
    ];
    for (what, marks) in changes {
        let mut conn = Conn::default();
        let (told, whole) = heard(&mut conn, &pc, &first());
        assert_eq!(told, first());
        let mut bytes = Vec::new();
        // The second time it is no change any more, but for what is never remembered.
        for _ in 0..2 {
            let (told, length) = heard(&mut conn, &pc, &marks);
            assert_eq!(told, marks, "{what}");
            assert!(length < whole, "{what}: {length} of {whole} bytes");
            bytes.push(length);
        }
        let unchanged =
            heard(&mut Conn { ..conn.clone() }, &pc, &Marks { epochs: List::default(), come_back_s: 0, ..marks });
        assert!(unchanged.1 <= bytes[0], "{what}: {} after {}", unchanged.1, bytes[0]);
    }
}

#[test]
fn a_line_that_was_never_used_equals_no_used_one() {
    let mut conn = Conn::default();
    assert!(conn.of_pc == Line::default() && conn.of_pc.is_fresh());
    heard(&mut conn, &Pc::new(7), &first());
    assert!(conn.of_pc != Line::default() && !conn.of_pc.is_fresh());
}
