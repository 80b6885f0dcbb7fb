//! What an open connection leaves out comes back whole.

use kentongan_protocol::error::Fault;
use kentongan_protocol::ids::{EpochId, Lane, TopicKind};
use kentongan_protocol::limits::LINE_LOGS_MAX;
use kentongan_protocol::session::Line;
use kentongan_protocol::session::agent::{Event, Opening, Session};
use kentongan_protocol::session::hub::{self, Part};
use kentongan_protocol::wire::codec::{Blob, List};
use kentongan_protocol::wire::frame::PREAMBLE;
use kentongan_protocol::wire::v1::{Feed, Frame, Hello, LogName, Marks, extension, hello_extension, kind, notice};

use crate::hostile::frames_of;
use crate::world::{Conn, Hub, Ids, Link, Pc, exchange_on};

/// What a hub says on a connection that it says the first time.
fn first() -> Marks {
    Marks {
        hub_ms: 1_795_000_000_000,
        epochs: List(vec![([1; 8], 0)]),
        cursors: List(vec![(TopicKind::Office as u8, 0)]),
        extensions: List(vec![(extension::BACKED_UP, Blob(vec![4]))]),
        ..Marks::default()
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

/// What the hub hears of a greeting on a connection, and whether all of it was said.
fn greeted(conn: &Conn, pc: &Pc, opening: Opening) -> (Hello, hub::Position, bool) {
    let request = Session::on(conn.of_pc.clone(), opening).request(&mut pc.outbox()).expect("it does not fail");
    let mut at_hub = hub::Session::on(conn.of_hub.clone(), pc.replica);
    let events = at_hub.receive(&request).expect("in order");
    let [hub::Event::Hello(hello), hub::Event::Have(position), hub::Event::End] = &events[..] else {
        panic!("{events:?}");
    };
    (hello.clone(), position.clone(), request[0] == kind::HELLO)
}

#[test]
fn a_greeting_comes_as_it_was_said_whatever_of_it_changed() {
    let pc = Pc::new(0x5a41);
    let mut conn = Conn::default();
    heard(&mut conn, &pc, &first());
    type Turn = fn(&mut Hello);
    // What is counted, told in part; what is measured, if it moved by more than a quarter; all else, in a whole greeting.
    let turns: [(&str, Turn, bool); 14] = [
        ("nothing", |_| (), false),
        ("time since the start", |hello| hello.elapsed_ms += 700, false),
        ("its clock, on", |hello| hello.wall_ms += 300_000, false),
        ("its clock, back", |hello| hello.wall_ms -= 86_400_000, false),
        ("ops", |hello| hello.ops_written += 9, false),
        ("waiting ops", |hello| hello.ops_pending += 2, false),
        ("the oldest of them", |hello| hello.oldest_pending_ms = 77, false),
        ("round trip", |hello| hello.round_trip_ms = 600, false),
        ("speed", |hello| hello.link_bytes_s = 4_000, false),
        ("space", |hello| hello.free_bytes /= 2, false),
        ("program", |hello| hello.program = "uji 2".into(), true),
        ("extensions", |hello| hello.extensions = List(vec![(hello_extension::LISTENS, Blob(Vec::new()))]), true),
        ("run", |hello| hello.run.ordinal += 1, true),
        ("versions", |hello| hello.version_min = 0, true),
    ];
    for (what, turn, is_whole) in turns {
        let mut opening = pc.opening();
        turn(&mut opening.hello);
        let told = opening.hello.clone();
        let (hello, _, whole) = greeted(&conn, &pc, opening);
        assert_eq!((hello, whole), (told, is_whole), "{what}");
    }
    let mut opening = pc.opening();
    opening.hello.free_bytes -= opening.hello.free_bytes / 4;
    assert_eq!(greeted(&conn, &pc, opening).0, pc.opening().hello, "a quarter is not worth telling");
}

#[test]
fn epochs_and_cursors_come_as_they_were_said_and_those_that_the_reply_brought_need_not_be() {
    let mut pc = Pc::new(0x5a41);
    let mut conn = Conn::default();
    heard(&mut conn, &pc, &first());
    let read = |pc: &Pc, epochs: &[u64], cursors: &[(TopicKind, u64)]| {
        let mut opening = pc.opening();
        opening.epochs = epochs.iter().map(|epoch| EpochId(*epoch)).collect();
        opening.cursors = cursors.to_vec();
        opening
    };
    let one = u64::from_be_bytes([1; 8]);
    type Read<'a> = (&'a [u64], &'a [(TopicKind, u64)]);
    let positions: [Read<'_>; 5] = [
        (&[one], &[(TopicKind::Office, 0)]),
        (&[one], &[(TopicKind::Office, 5)]),
        (&[], &[(TopicKind::Office, 0)]),
        (&[one, 7], &[(TopicKind::Everyone, 3), (TopicKind::Office, 0)]),
        (&[7], &[]),
    ];
    let mut lengths = Vec::new();
    for (epochs, cursors) in positions {
        let (_, position, whole) = greeted(&conn, &pc, read(&pc, epochs, cursors));
        let heard: Vec<u64> = position.epochs.iter().map(|epoch| epoch.0).collect();
        assert_eq!((heard.as_slice(), position.cursors.as_slice(), whole), (epochs, cursors, false));
        let session = &mut Session::on(conn.of_pc.clone(), read(&pc, epochs, cursors));
        lengths.push(session.request(&mut pc.outbox()).expect("it does not fail").len());
    }
    assert!(lengths[1..].iter().all(|length| lengths[0] < *length), "what is expected is left out: {lengths:?}");

    // A page that the hub gave brings the cursor on at both ends.
    let mut at_hub = hub::Session::on(conn.of_hub, pc.replica);
    let mut session = Session::on(conn.of_pc, read(&pc, &[one], &[(TopicKind::Office, 0), (TopicKind::Everyone, 2)]));
    let request = session.request(&mut pc.outbox()).expect("it does not fail");
    at_hub.receive(&request).expect("in order");
    let cursors = List(vec![(TopicKind::Office as u8, 0), (TopicKind::Everyone as u8, 2)]);
    let mut reply = at_hub.reply();
    let mut said = reply.begin(&Marks { epochs: List::default(), cursors, ..first() });
    let topic = TopicKind::Office as u8;
    let page = Feed { topic, upto: 40, logs: List::default(), entries: List::default(), attests: List::default() };
    reply.put(Part::Feed(page), &mut said);
    reply.put(Part::End { more: false }, &mut said);
    session.receive(&said).expect("in order");
    let conn = Conn { of_pc: session.finish().expect("whole").1, of_hub: reply.finish().expect("whole") };
    pc.cursor = 40;
    let expected = read(&pc, &[one], &[(TopicKind::Office, 40), (TopicKind::Everyone, 2)]);
    let (_, position, _) = greeted(&conn, &pc, expected.clone());
    assert_eq!(position.cursors, expected.cursors);
    let length = Session::on(conn.of_pc, expected).request(&mut pc.outbox()).expect("it does not fail").len();
    assert_eq!(length, lengths[0]);
}

#[test]
fn a_greeting_goes_on_from_one_that_was_answered_and_from_no_other() {
    let pc = Pc::new(0x5a41);
    let mut conn = Conn::default();
    heard(&mut conn, &pc, &first());
    let again = Session::on(conn.of_pc.clone(), pc.opening()).request(&mut pc.outbox()).expect("it does not fail");
    // The hub at the other end remembers a greeting, but said too much to remember what.
    let mut loud = Conn::default();
    let long = List((0..3).map(|number| (90 + number, Blob(vec![1; 500]))).collect());
    heard(&mut loud, &pc, &Marks { extensions: long, ..first() });
    let from_none = Err(Fault::Peer("a greeting that goes on from none"));
    let mut at_hub = hub::Session::on(loud.of_hub.clone(), pc.replica);
    assert_eq!(at_hub.receive(&again).map(drop), from_none);
    let (_, _, whole) = greeted(&loud, &pc, pc.opening());
    assert!(whole, "so its agent greets anew");
}

#[test]
fn a_line_that_was_never_used_equals_no_used_one() {
    let mut conn = Conn::default();
    assert!(conn.of_pc == Line::default() && conn.of_pc.is_fresh());
    heard(&mut conn, &Pc::new(7), &first());
    assert!(conn.of_pc != Line::default() && !conn.of_pc.is_fresh());
}

/// The frames of a reply or request on a line that was begun before.
fn said(stream: &[u8]) -> Vec<Frame> {
    let begins = if stream.starts_with(&PREAMBLE) { &[][..] } else { &PREAMBLE[..] };
    let frames = frames_of(&[begins, stream].concat());
    frames.iter().filter_map(|raw| Frame::decode(raw).expect("a message")).collect()
}

#[test]
fn of_logs_that_stand_as_they_were_sent_marks_say_nothing_and_so_of_cursors_that_were_read() {
    let mut ids = Ids::default();
    let (mut hub, mut pc, mut conn) = (Hub::new(&mut ids), Pc::new(0x5a41), Conn::default());
    for turn in 0..4 {
        for lane in [Lane::Case, Lane::Survey] {
            pc.write(&mut ids, lane, &format!("aduan {turn}"));
        }
        hub.write(&mut ids, &format!("jawaban {turn}"));
        let reply = exchange_on(&mut conn, &mut pc, &mut hub, Link::Whole).reply;
        if turn == 0 {
            continue;
        }
        let Some(Frame::Moved(moved)) = said(&reply).into_iter().next() else { panic!("whole marks in turn {turn}") };
        let logs: Vec<_> = moved.logs.0.iter().map(|mark| (mark.log, mark.stored, mark.durable)).collect();
        assert_eq!(logs, [(LogName::Number(0), 0, 0), (LogName::Number(1), 0, 0)], "{turn}");
        assert_eq!(moved.changes.0, [], "{turn}");
    }
}

#[test]
fn logs_are_numbered_as_they_are_said_and_the_oldest_number_is_given_again() {
    let mut ids = Ids::default();
    let (mut hub, mut pc, mut conn) = (Hub::new(&mut ids), Pc::new(0x5a41), Conn::default());
    for turn in 0..2 * LINE_LOGS_MAX + 3 {
        pc.restart();
        pc.write(&mut ids, Lane::Case, &format!("aduan {turn}"));
        let request = exchange_on(&mut conn, &mut pc, &mut hub, Link::Whole).request;
        let ops = said(&request).into_iter().find_map(|frame| match frame {
            Frame::Ops(ops) => Some((ops.log, ops.first_seq)),
            _ => None,
        });
        let number = u8::try_from(turn % LINE_LOGS_MAX).expect("few");
        assert_eq!(ops, Some((LogName::Number(number), 0)), "they follow on from its head");
    }
    assert_eq!(conn.of_pc, conn.of_hub);
    assert!(!pc.has_unsent());
}

#[test]
fn lines_on_which_other_things_were_said_are_not_alike() {
    let mut ids = Ids::default();
    let (hub, mut pc) = (Hub::new(&mut ids), Pc::new(0x5a41));
    pc.write(&mut ids, Lane::Case, "aduan");
    let after = |lane: Lane, ids: &mut Ids| {
        let (mut hub, mut pc, mut conn) = (hub.clone(), pc.clone(), Conn::default());
        pc.write(ids, lane, "lagi");
        exchange_on(&mut conn, &mut pc, &mut hub, Link::Whole);
        conn.of_pc
    };
    let one = after(Lane::Case, &mut ids);
    assert_ne!(one, Line::default());
    assert_ne!(one, after(Lane::Survey, &mut ids));
}
