//! What stands in a request, and what it leaves out.

use std::convert::Infallible;

use kentongan_protocol::attachment::{Content, ContentHash};
use kentongan_protocol::error::Fault;
use kentongan_protocol::ids::{Lane, LogId, ReplicaId, TopicKind};
use kentongan_protocol::limits::{ECHO_BYTES_MAX, FRAME_LOGS_MAX, INVENTORY_LOGS_MAX};
use kentongan_protocol::log::{ChainHash, LogHead};
use kentongan_protocol::pack::{Prepared, Primed};
use kentongan_protocol::session::Line;
use kentongan_protocol::session::agent::{OpenLog, OutboundOp, Outbox, Session, Signing};
use kentongan_protocol::session::hub::{self, refusal, refusal_for};
use kentongan_protocol::wire::codec::{Blob, List};
use kentongan_protocol::wire::frame::{FrameReader, PREAMBLE};
use kentongan_protocol::wire::v1::{
    Attest, FeedEntry, FeedFrame, Frame, Inventory, LogFrame, LogName, PageLog, Refusal, hello_extension,
};
use kentongan_protocol::wire::versions;

use crate::world::{Conn, Hub, Ids, Link, Pc, exchange_on, office, op_bytes, run_head, settle};

/// A hub, and a PC that has one log which the hub holds and one of which it lacks an op.
fn pc_with_two_logs() -> (Ids, Hub, Pc, [LogId; 2]) {
    let mut ids = Ids::default();
    let (mut hub, mut pc) = (Hub::new(&mut ids), Pc::new(0x5a41));
    pc.write(&mut ids, Lane::Case, "sudah sampai");
    pc.write(&mut ids, Lane::Survey, "juga");
    settle(&mut pc, &mut hub);
    pc.write(&mut ids, Lane::Survey, "belum");
    let of = |lane| pc.logs.iter().find(|(_, log)| log.head.lane() == lane).map(|(id, _)| *id).expect("written");
    let logs = [of(Lane::Case), of(Lane::Survey)];
    (ids, hub, pc, logs)
}

/// The frames of a request that `change` had a hand in, on a line.
fn frames(line: Line, pc: &Pc, change: impl FnOnce(&mut Session)) -> Vec<Frame> {
    let (request, goes_on) = (request(line.clone(), pc, change), !line.is_fresh());
    let mut reader = FrameReader::new();
    if goes_on {
        reader.push(&PREAMBLE);
    }
    reader.push(&request);
    std::iter::from_fn(|| reader.next_frame().expect("a frame"))
        .map(|raw| Frame::decode(&raw).expect("a message").expect("of this version"))
        .collect()
}

fn request(line: Line, pc: &Pc, change: impl FnOnce(&mut Session)) -> Vec<u8> {
    let mut session = Session::on(line, pc.opening());
    change(&mut session);
    ask(&mut session, pc)
}

fn ask(session: &mut Session, pc: &Pc) -> Vec<u8> {
    session.request(&mut pc.outbox()).expect("a store in memory does not fail")
}

/// A session that has asked on a new connection, and what the hub answers.
fn answered(hub: &mut Hub, pc: &Pc) -> (Session, Vec<u8>) {
    let mut session = Session::new(pc.opening());
    let request = ask(&mut session, pc);
    let answer = hub.answer(pc.replica, &request).expect("in order").expect("whole");
    (session, answer)
}

/// The answer with these bytes before its end.
fn with(mut answer: Vec<u8>, frames: &[u8]) -> Vec<u8> {
    let end = answer.pop().expect("it ends");
    [&answer[..], frames, &[end]].concat()
}

/// Logs that the greeting names, whole or not.
fn named(frames: &[Frame]) -> Vec<LogName> {
    let lists = frames.iter().filter_map(|frame| match frame {
        Frame::Have(have) => Some(have.logs.0.clone()),
        Frame::Again(again) => Some(again.logs.0.clone()),
        _ => None,
    });
    lists.flatten().collect()
}

/// Logs of which ops are signed, each with how far, in a request on a new connection.
fn signed(pc: &Pc, change: impl FnOnce(&mut Session)) -> Vec<(LogId, u64)> {
    let events = hub::Session::new(pc.replica).receive(&request(Line::default(), pc, change)).expect("in order");
    let signatures = events.into_iter().filter_map(|event| match event {
        hub::Event::Signed(signature) => Some(signature.heads),
        _ => None,
    });
    signatures.flatten().collect()
}

#[test]
fn a_request_names_the_logs_that_it_asks_about_unless_it_brings_ops_of_them() {
    let (mut ids, mut hub, mut pc, [done, open]) = pc_with_two_logs();
    let ask = |session: &mut Session| session.ask(vec![(done, 1), (open, 1)]);
    assert_eq!(named(&frames(Line::default(), &pc, ask)), [LogName::Id(done.to_bytes())]);
    assert_eq!(named(&frames(Line::default(), &pc, |_| ())), []);

    // On a line that knows the log it has a number.
    let mut conn = Conn::default();
    exchange_on(&mut conn, &mut pc, &mut hub, Link::Whole);
    pc.write(&mut ids, Lane::Case, "menyusul");
    let again = frames(conn.of_pc, &pc, |session| session.ask(vec![(done, 1), (open, 2)]));
    assert!(matches!(again[0], Frame::Again(_)), "{again:?}");
    assert_eq!(named(&again), [LogName::Number(0)]);
}

#[test]
fn logs_of_others_that_are_given_back_are_named_and_own_ones_only_where_the_request_asks_first() {
    let (mut ids, mut hub, mut pc, [_, open]) = pc_with_two_logs();
    let before = hub.clone();
    hub.write(&mut ids, "pusat menjawab");
    settle(&mut pc, &mut hub);
    hub = before;
    hub.start(&mut ids);
    // The first exchange tells it that the hub forgot something.
    exchange_on(&mut Conn::default(), &mut pc, &mut hub, Link::Whole);
    pc.write(&mut ids, Lane::Survey, "baru");
    let foreign = pc.logs.iter().find(|(_, log)| !log.own).map(|(id, _)| *id).expect("it was read");
    let name = |log: LogId| LogName::Id(log.to_bytes());
    let sends = frames(Line::default(), &pc, |_| ());
    assert_eq!(named(&sends), [name(foreign)]);
    pc.ended(None);
    let asks = named(&frames(Line::default(), &pc, |_| ()));
    assert!(asks.contains(&name(foreign)) && asks.contains(&name(open)), "{asks:?}");
}

#[test]
fn a_request_signs_what_it_brings_and_what_it_is_told_to_or_nothing_if_nothing_is_due() {
    let (_, _, pc, [done, open]) = pc_with_two_logs();
    assert_eq!(signed(&pc, |_| ()), [(open, 2)]);
    let not_due = Signing { due: false, stored: Vec::new() };
    assert_eq!(signed(&pc, |session| session.sign(not_due)), []);
    let more = Signing { due: true, stored: vec![(done, 1, ChainHash([3; 32]))] };
    let mut both = signed(&pc, |session| session.sign(more));
    both.sort();
    let mut expected = [(done, 1), (open, 2)];
    expected.sort();
    assert_eq!(both, expected);
}

#[test]
fn a_part_of_an_update_is_asked_for_only_where_nothing_is_left_unsent() {
    let (mut ids, _, mut pc, _) = pc_with_two_logs();
    let fetch = |session: &mut Session| session.fetch(Some((ContentHash([7; 32]), 900)));
    let fetches = |pc: &Pc| {
        let frames = frames(Line::default(), pc, fetch);
        let unsent = matches!(frames.last(), Some(Frame::End(end)) if end.more);
        (frames.iter().any(|frame| matches!(frame, Frame::Fetch(fetch) if fetch.offset == 900)), unsent)
    };
    assert_eq!(fetches(&pc), (true, false));
    for n in 0..9 {
        pc.write(&mut ids, Lane::Case, &format!("antre {n}"));
    }
    pc.bytes_aim = 1;
    assert_eq!(fetches(&pc), (false, true));
}

#[test]
fn an_answer_begins_the_line_anew_if_its_request_did_and_only_a_refusal_may_do_so_in_any_case() {
    let (mut ids, mut hub, mut pc, _) = pc_with_two_logs();
    let mut conn = Conn::default();
    exchange_on(&mut conn, &mut pc, &mut hub, Link::Whole);
    pc.write(&mut ids, Lane::Case, "menyusul");
    let anew = hub.answer(pc.replica, &request(Line::default(), &pc, |_| ())).expect("in order").expect("whole");
    let heard = |reply: &[u8]| {
        let mut session = Session::on(conn.of_pc.clone(), pc.opening());
        ask(&mut session, &pc);
        let fault = session.receive(reply).map(drop);
        (fault, session.come_back_s(), session.hub_versions())
    };
    let other_line = Fault::Peer("an answer on another line than its request");
    assert_eq!(heard(&anew), (Err(other_line), 0, None));
    let mut refused = PREAMBLE.to_vec();
    refusal(Refusal::Busy, 40).put(&mut refused);
    let told = (Err(Fault::Refused(Refusal::Busy)), 40, Some(versions()));
    assert_eq!(heard(&refused), told);
}

#[test]
fn a_signature_counts_once_the_hub_holds_all_that_it_is_over() {
    let (mut ids, hub, pc, [_, open]) = pc_with_two_logs();
    let signed = |mut hub: Hub| {
        let (mut session, answer) = answered(&mut hub, &pc);
        session.receive(&answer).expect("in order");
        session.signed()
    };
    assert_eq!(signed(hub), [(open, 2)]);
    assert_eq!(signed(Hub::new(&mut ids)), [], "a hub that forgot what comes before passes over it");
}

#[test]
fn entries_of_a_page_have_numbers_that_grow_up_to_where_it_reaches() {
    let (mut ids, mut hub, pc, _) = pc_with_two_logs();
    let head = LogHead::new(ReplicaId(9), office(), Lane::Case, run_head(&mut ids, 1));
    let page = |numbers: [u64; 2], upto| {
        let entries = numbers.map(|number| FeedEntry::Op { number, log: 0, seq: number, bytes: Blob(op_bytes("isi")) });
        FeedFrame {
            topic: TopicKind::Office as u8,
            upto,
            logs: List(vec![PageLog::Head(LogFrame::from(&head))]),
            entries: List(entries.to_vec()),
            attests: List::default(),
        }
    };
    let mut heard = |page: FeedFrame| {
        let (mut session, answer) = answered(&mut hub, &pc);
        let mut feed = Vec::new();
        Frame::Feed(page).put(&mut feed);
        session.receive(&with(answer, &feed)).map(drop)
    };
    let wrong = Err(Fault::Peer("feed entries out of order"));
    assert_eq!(heard(page([70, 71], 71)), Ok(()));
    assert_eq!(heard(page([70, 70], 71)), wrong);
    assert_eq!(heard(page([71, 70], 71)), wrong);
    assert_eq!(heard(page([70, 72], 71)), wrong);
}

#[test]
fn marks_that_go_on_answer_only_a_greeting_that_went_on() {
    let (mut ids, mut hub, mut pc, _) = pc_with_two_logs();
    let mut conn = Conn::default();
    exchange_on(&mut conn, &mut pc, &mut hub, Link::Whole);
    pc.write(&mut ids, Lane::Case, "menyusul");
    let again = request(conn.of_pc.clone(), &pc, |_| ());
    let (moved, _) = hub.answer_on(conn.of_hub, pc.replica, &again).expect("in order").expect("whole");
    let heard = |program: &str| {
        let mut opening = pc.opening();
        opening.hello.program = program.into();
        let mut session = Session::on(conn.of_pc.clone(), opening);
        ask(&mut session, &pc);
        session.receive(&moved).map(|_| session.is_ended())
    };
    assert_eq!(heard("uji"), Ok(true));
    assert_eq!(heard("uji 2"), Err(Fault::Peer("a frame out of order")), "another program greets anew");
}

#[test]
fn who_begins_a_line_anew_greets_anew_and_says_nothing_behind_the_end() {
    let (mut ids, mut hub, mut pc, _) = pc_with_two_logs();
    let mut conn = Conn::default();
    exchange_on(&mut conn, &mut pc, &mut hub, Link::Whole);
    pc.write(&mut ids, Lane::Case, "menyusul");
    let again = request(conn.of_pc, &pc, |_| ());
    let heard = |pieces: [&[u8]; 2]| {
        let mut session = hub::Session::on(conn.of_hub.clone(), pc.replica);
        pieces.iter().try_for_each(|piece| session.receive(piece).map(drop))
    };
    assert_eq!(heard([&again, &[]]), Ok(()));
    assert_eq!(heard([&PREAMBLE, &again]), Err(Fault::Peer("a frame out of order")));
    assert_eq!(heard([&again, &[0x1e]]), Err(Fault::Peer("a frame after the end")));
    assert_eq!(heard([&[&again[..], &[0x1e]].concat(), &[]]), Err(Fault::Peer("a frame after the end")));
}

#[test]
fn an_answer_is_packed_for_a_link_that_is_known_to_be_slow_though_the_request_had_nothing_to_pack() {
    let (mut ids, mut hub, _, _) = pc_with_two_logs();
    for n in 0..20 {
        hub.write(&mut ids, &format!("pusat menjawab aduan tentang antrean di loket {n}"));
    }
    let answer_bytes = |link_bytes_s| {
        let reader = Pc::new(0xb0d1);
        let mut opening = reader.opening();
        opening.hello.link_bytes_s = link_bytes_s;
        let mut session = Session::new(opening);
        let request = session.request(&mut reader.outbox()).expect("a store in memory does not fail");
        let answer = hub.clone().answer(reader.replica, &request).expect("in order").expect("whole");
        session.receive(&answer).expect("it can be read");
        answer.len()
    };
    let [unknown, slowest, slow, fast] = [0, 1, 4_000, 125_000].map(answer_bytes);
    assert_eq!((unknown, slowest), (fast, slow));
    assert!(slow < fast, "{slow} {fast}");
}

#[test]
fn so_many_logs_may_stand_in_an_inventory_and_it_is_told_with_the_end_of_the_request() {
    let (_, _, pc, _) = pc_with_two_logs();
    let too_many = Fault::Limit("more logs in an inventory than the protocol allows");
    for (count, expected) in [(INVENTORY_LOGS_MAX, Ok(true)), (INVENTORY_LOGS_MAX + 1, Err(too_many))] {
        let mut opening = pc.opening();
        opening.open.clear();
        let mut request = ask(&mut Session::new(opening), &pc);
        request.pop();
        let logs: Vec<([u8; 8], u64)> = (0..count as u64).map(|log| (log.to_be_bytes(), 1)).collect();
        for page in logs.chunks(FRAME_LOGS_MAX) {
            Frame::Inventory(Inventory { logs: List(page.to_vec()) }).put(&mut request);
        }
        let mut session = hub::Session::new(pc.replica);
        let heard = session.receive(&request).and_then(|events| {
            assert!(!session.is_ended() && !events.iter().any(|event| matches!(event, hub::Event::Inventory(_))));
            let events = session.receive(&[0x1e])?;
            Ok(session.is_ended()
                && events.iter().any(|event| matches!(event, hub::Event::Inventory(logs) if logs.len() == count)))
        });
        assert_eq!(heard, expected, "{count}");
    }
}

#[test]
fn a_refusal_tells_another_version_from_what_is_wrong_in_any() {
    assert_eq!(refusal_for(&Fault::Version("an unknown kind of frame")), Refusal::Version);
    for fault in [Fault::Peer("a frame out of order"), Fault::Damaged, Fault::Stranger, Fault::Limit("too long")] {
        assert_eq!(refusal_for(&fault), Refusal::Protocol);
    }
}

#[test]
fn a_hub_knows_of_a_line_whether_its_agent_listens_and_how_far_it_has_read_its_offices_topic() {
    let (mut ids, mut hub, pc, _) = pc_with_two_logs();
    hub.write(&mut ids, "pusat menjawab");
    let mut line_of = |listens: bool| {
        let mut opening = pc.opening();
        opening.cursors.push((TopicKind::Everyone, 99));
        if listens {
            opening.hello.extensions = List(vec![(hello_extension::LISTENS, Blob(Vec::new()))]);
        }
        let mut session = Session::new(opening);
        let request = ask(&mut session, &pc);
        let (answer, line) = hub.answer_on(Line::default(), pc.replica, &request).expect("in order").expect("whole");
        session.receive(&answer).expect("in order");
        (line, session.finish().expect("whole").1)
    };
    let (silent, _) = line_of(false);
    let (listening, of_pc) = line_of(true);
    assert_eq!((silent.listens(), listening.listens(), Line::default().listens()), (false, true, false));
    let last = hub.feed.len() as u64;
    assert!(last > 1);
    assert_eq!((listening.cursor(TopicKind::Office), listening.cursor(TopicKind::Everyone)), (last, 99));
    assert_eq!((listening.cursor(TopicKind::District), Line::default().cursor(TopicKind::Office)), (0, 0));
    assert_eq!(listening, of_pc);
    assert!(listening != silent && silent != Line::default());
}

#[test]
fn what_lies_between_two_signatures_can_be_given_back() {
    let (_, _, mut pc, [done, _]) = pc_with_two_logs();
    let log = pc.logs.get_mut(&done).expect("written");
    for seq in 2..4 * ECHO_BYTES_MAX as u64 / 6_000 {
        log.ops.insert(seq, seq.to_be_bytes().repeat(750));
    }
    pc.bytes_aim = usize::MAX;
    let (mut unsigned, mut most, mut signatures) = (0, 0, 0);
    for frame in frames(Line::default(), &pc, |_| ()) {
        match frame {
            Frame::Ops(ops) => unsigned += ops.ops.0.iter().map(|op| op.0.len()).sum::<usize>(),
            Frame::Signed(_) => (unsigned, signatures) = (0, signatures + 1),
            _ => {}
        }
        most = most.max(unsigned);
    }
    assert_eq!(unsigned, 0, "the last ones are signed too");
    assert!(most <= ECHO_BYTES_MAX, "{most}");
    assert!((4..=9).contains(&signatures), "{signatures}: and not more often than need be");
}

/// Holds so many ops of any log, of 1,024 bytes each.
struct Alike(u64);

impl Outbox for Alike {
    type Error = Infallible;

    fn ops(&mut self, _: LogId, from_seq: u64, bytes_max: usize) -> Result<Vec<OutboundOp>, Infallible> {
        let count = (bytes_max as u64 / 1_024).max(1).min(self.0.saturating_sub(from_seq - 1));
        let op = OutboundOp { bytes: vec![7; 1_024], chain: ChainHash([1; 32]) };
        Ok(vec![op; usize::try_from(count).expect("few")])
    }

    fn chunk(&mut self, _: &Content, _: u32, _: usize) -> Result<Vec<u8>, Infallible> {
        Ok(Vec::new())
    }

    fn sign(&mut self, _: &[u8]) -> [u8; 64] {
        [0; 64]
    }
}

#[test]
fn a_log_of_another_is_given_back_whole_with_its_proof_or_not_at_all() {
    let (mut ids, _, pc, _) = pc_with_two_logs();
    let head = LogHead::new(ReplicaId(9), office(), Lane::Case, run_head(&mut ids, 1));
    let proof = Attest { replica: [9; 8], heads: List::default(), signature: [3; 64] };
    let given = |held: u64, there: u64| {
        let mut opening = pc.opening();
        opening.open = vec![OpenLog { head: head.clone(), stored: 0, held, proofs: vec![proof.clone()] }];
        let request = Session::new(opening).request(&mut Alike(there)).expect("it does not fail");
        let events = hub::Session::new(pc.replica).receive(&request).expect("in order");
        let ops = events.iter().filter_map(|event| match event {
            hub::Event::Batch(batch) => Some(batch.ops.len() as u64),
            _ => None,
        });
        (ops.sum::<u64>(), events.iter().any(|event| matches!(event, hub::Event::Attest(said) if *said == proof)))
    };
    let most = ECHO_BYTES_MAX as u64 / 1_024;
    assert_eq!(given(5, 5), (5, true));
    assert_eq!(given(most, most), (most, true));
    assert_eq!(given(most + 1, most + 1), (0, false), "more than the hub holds of what is not proved");
    assert_eq!(given(5, 3), (0, false), "a part proves nothing");
    assert_eq!(given(5, 9), (5, true), "up to the proof");
}

#[test]
fn what_came_after_a_log_was_looked_at_waits_for_the_next_request() {
    let (mut ids, _, pc, _) = pc_with_two_logs();
    let head = LogHead::new(pc.replica, office(), Lane::Case, run_head(&mut ids, 1));
    let mut opening = pc.opening();
    opening.open = vec![OpenLog { head, stored: 1, held: 5, proofs: Vec::new() }];
    let request = Session::new(opening).request(&mut Alike(9)).expect("it does not fail");
    let events = hub::Session::new(pc.replica).receive(&request).expect("in order");
    let ops = events.iter().filter_map(|event| match event {
        hub::Event::Batch(batch) => Some((batch.first_seq, batch.ops.len())),
        _ => None,
    });
    let sent = ops.map(|(first_seq, count)| first_seq + count as u64 - 1).max();
    assert_eq!(sent, Some(5));
}

#[test]
fn a_signature_by_itself_in_an_answer_is_passed_over() {
    let (_, mut hub, pc, _) = pc_with_two_logs();
    let (mut session, answer) = answered(&mut hub, &pc);
    let mut signature = Vec::new();
    Frame::Attest(Attest { replica: [7; 8], heads: List::default(), signature: [3; 64] }).put(&mut signature);
    session.receive(&with(answer, &signature)).expect("in order");
    assert!(session.is_ended());
}

#[test]
fn so_many_logs_may_be_spoken_of_in_a_request_and_in_an_answer_and_not_one_more() {
    let (mut ids, mut hub, pc, _) = pc_with_two_logs();
    let heads = |ids: &mut Ids, count: usize| {
        let mut out = Vec::new();
        for _ in 0..count {
            let head = LogHead::new(pc.replica, office(), Lane::Case, run_head(ids, 1));
            Frame::Log(LogFrame::from(&head)).put(&mut out);
        }
        out
    };
    let (_, answer) = answered(&mut hub, &pc);
    let too_many = Err(Fault::Limit("more logs in one exchange than the protocol allows"));
    for (count, expected) in [(FRAME_LOGS_MAX, Ok(())), (FRAME_LOGS_MAX + 1, too_many)] {
        let mut session = Session::new(pc.opening());
        ask(&mut session, &pc);
        let heard = session.receive(&with(answer.clone(), &heads(&mut ids, count))).map(drop);
        assert_eq!(heard, expected, "{count} in an answer");

        let mut opening = pc.opening();
        opening.open.clear();
        let request = with(ask(&mut Session::new(opening), &pc), &heads(&mut ids, count));
        let heard = hub::Session::new(pc.replica).receive(&request).map(drop);
        assert_eq!(heard, expected, "{count} in a request");
    }
}

/// Whether the request says that more is left, and of how many logs it brings ops.
fn left_and_brought(pc: &Pc) -> (bool, usize) {
    let frames = frames(Line::default(), pc, |_| ());
    let left = matches!(frames.last(), Some(Frame::End(end)) if end.more);
    (left, frames.iter().filter(|frame| matches!(frame, Frame::RunLog(_))).count())
}

#[test]
fn a_request_says_that_more_is_left_where_a_log_or_a_part_of_one_does_not_fit_or_it_asks_first() {
    let (mut ids, _, mut pc, _) = pc_with_two_logs();
    assert_eq!(left_and_brought(&pc), (false, 1));
    pc.write(&mut ids, Lane::Case, "antre");
    assert_eq!(left_and_brought(&pc), (false, 2));
    pc.bytes_aim = 1;
    assert_eq!(left_and_brought(&pc), (true, 1), "the second log waits");
    let mut one = Pc::new(0xb0d1);
    for n in 0..3_000 {
        one.write(&mut ids, Lane::Case, &format!("antre di loket nomor {n}"));
    }
    assert_eq!(left_and_brought(&one), (false, 1));
    one.bytes_aim = 1;
    assert_eq!(left_and_brought(&one), (true, 1), "a part of its only log waits");
    one.ended(None);
    assert_eq!(left_and_brought(&one), (true, 0), "all of it waits for the answer");
}

#[test]
fn ops_are_packed_on_a_slow_link_and_where_nobody_knows_by_whichever_model() {
    let (mut ids, _, mut pc, _) = pc_with_two_logs();
    for n in 0..20 {
        pc.write(&mut ids, Lane::Case, &format!("antre di loket {n}"));
    }
    let plain = request(Line::default(), &pc, |_| ());
    let fast = request(Line::default(), &pc, |session| session.pack_by(Primed::Kept, 10_000_000));
    let slow = request(Line::default(), &pc, |session| session.pack_by(Primed::Kept, 4_000));
    let fresh = request(Line::default(), &pc, |session| session.pack_by(Primed::Fresh, 0));
    let ahead = request(Line::default(), &pc, |session| {
        session.pack_by(Primed::Fresh, 0);
        session.pack_with(Some(Prepared::new()));
    });
    assert_eq!(plain, fast);
    assert!(slow.len() < plain.len(), "{} {}", slow.len(), plain.len());
    assert_eq!((&slow, &slow), (&fresh, &ahead));
}
