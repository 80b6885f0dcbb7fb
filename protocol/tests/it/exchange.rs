//! Two sessions, a link that breaks, and stores that are copied back: what must hold afterwards.

use std::collections::BTreeSet;

use kentongan_protocol::error::Fault;
use kentongan_protocol::ids::{Lane, OpId};
use kentongan_protocol::session::agent::{Outcome, Session};
use kentongan_protocol::session::hub::knock;
use kentongan_protocol::wire::v1::{End, Frame, kind};
use proptest::prelude::*;

use crate::hostile::frames_of;
use crate::world::{Conn, Content, Hub, Ids, LANES, Link, Pc, exchange, exchange_on, settle, settle_all};

const SARI: u64 = 0x5a41;
const BUDI: u64 = 0xb0d1;

/// A hub, and two PCs of one office of which the first has written something.
fn office_with_work(ids: &mut Ids) -> (Hub, Pc, Pc) {
    let hub = Hub::new(ids);
    let (mut sari, budi) = (Pc::new(SARI), Pc::new(BUDI));
    for n in 0..5 {
        sari.write(ids, LANES[n % 2], &format!("sari {n}"));
    }
    (hub, sari, budi)
}

/// Everybody has everything, once.
fn assert_equal(hub: &Hub, pcs: &[&Pc]) {
    for pc in pcs {
        assert_eq!(pc.content(true), hub.content(|writer| writer == pc.replica), "own logs of {}", pc.replica);
        assert_eq!(pc.content(false), hub.content(|writer| writer != pc.replica), "fetched by {}", pc.replica);
    }
    assert_eq!(hub.feed.iter().collect::<BTreeSet<_>>().len(), hub.feed.len(), "an op stands in the feed twice");
    assert_eq!(hub.feed.len(), hub.content(|_| true).values().map(Vec::len).sum::<usize>());
}

fn texts(content: &Content) -> BTreeSet<&Vec<u8>> {
    content.values().flatten().collect()
}

#[test]
fn what_one_pc_writes_the_hub_and_the_other_pc_have() {
    let mut ids = Ids::default();
    let (mut hub, mut sari, mut budi) = office_with_work(&mut ids);
    assert_eq!(settle(&mut sari, &mut hub), 1, "one exchange is enough");
    hub.write(&mut ids, "pusat menjawab");
    settle(&mut budi, &mut hub);
    settle(&mut sari, &mut hub);
    assert_equal(&hub, &[&sari, &budi]);
}

/// An exchange on an open connection; of what the hub says, some bytes stand before the reply and some behind it.
fn exchange_among(conn: &mut Conn, pc: &mut Pc, hub: &mut Hub, before: &[u8], behind: &[u8]) -> Result<Outcome, Fault> {
    let mut session = Session::on(std::mem::take(&mut conn.of_pc), pc.opening());
    let request = session.request(&mut pc.outbox()).expect("a store in memory does not fail");
    let answered = hub.answer_on(std::mem::take(&mut conn.of_hub), pc.replica, &request)?;
    let (reply, of_hub) = answered.expect("a whole request");
    let (outcome, of_pc) = pc.take_reply(session, &[before, &reply, behind].concat())?;
    *conn = Conn { of_pc, of_hub };
    Ok(outcome)
}

#[test]
fn a_knock_is_heard_wherever_between_two_exchanges_it_falls() {
    let knock = knock();
    for (behind, until) in (0..=knock.len()).flat_map(|at| (at..=knock.len()).map(move |until| (at, until))) {
        let mut ids = Ids::default();
        let (mut hub, mut sari, mut budi) = office_with_work(&mut ids);
        let mut conn = Conn::default();
        exchange_among(&mut conn, &mut budi, &mut hub, &[], &knock[..behind]).expect("all in order");
        settle(&mut sari, &mut hub);
        assert_eq!(conn.of_pc.hear(&knock[behind..until]), Ok(until == knock.len()), "{behind} {until}");
        exchange_among(&mut conn, &mut budi, &mut hub, &knock[until..], &[]).expect("all in order");
        assert_eq!(conn.of_pc.hear(&[]), Ok(false), "it was heard already");
        assert_equal(&hub, &[&budi]);
    }
}

#[test]
fn what_is_no_knock_ends_a_line_between_two_exchanges() {
    let mut ids = Ids::default();
    let (mut hub, mut sari, _) = office_with_work(&mut ids);
    let mut conn = Conn::default();
    let mut end = Vec::new();
    Frame::End(End { more: false }).put(&mut end);
    for wrong in [end, vec![0x96, 0, 1, 2], vec![0x85; 9]] {
        exchange_among(&mut conn, &mut sari, &mut hub, &[], &[]).expect("all in order");
        assert!(conn.of_pc.hear(&wrong).is_err());
        conn = Conn::default();
        assert!(exchange_among(&mut conn, &mut sari, &mut hub, &[], &wrong).is_err(), "nor right behind a reply");
        conn = Conn::default();
    }
}

#[test]
fn a_cut_at_any_byte_loses_nothing_and_doubles_nothing() {
    let mut ids = Ids::default();
    let (mut hub, mut sari, mut budi) = office_with_work(&mut ids);
    budi.write(&mut ids, Lane::Case, "budi");
    settle(&mut budi, &mut hub);
    let whole = exchange(&mut sari.clone(), &mut hub.clone(), Link::Whole);
    let cuts = (0..=whole.request.len()).map(Link::UpCut).chain((0..whole.reply.len()).map(Link::DownCut));
    for cut in cuts {
        let (mut hub, mut sari, mut budi) = (hub.clone(), sari.clone(), budi.clone());
        assert_eq!(exchange(&mut sari, &mut hub, cut).outcome, None, "{cut:?}");
        settle(&mut sari, &mut hub);
        settle(&mut budi, &mut hub);
        assert_equal(&hub, &[&sari, &budi]);
    }
    // And the uncut one, so that the last place is right too.
    assert!(exchange(&mut sari, &mut hub, Link::Whole).outcome.is_some());
}

#[test]
fn after_a_lost_reply_nothing_that_was_stored_is_sent_again() {
    let mut ids = Ids::default();
    let (mut hub, mut sari, _) = office_with_work(&mut ids);
    let brings_ops = |request: &[u8]| frames_of(request).iter().any(|raw| raw.kind == kind::OPS);
    assert!(brings_ops(&exchange(&mut sari, &mut hub, Link::DownCut(0)).request));
    assert!(!brings_ops(&exchange(&mut sari, &mut hub, Link::Whole).request), "the second asks first");
    assert!(!sari.has_unsent());
    assert_equal(&hub, &[&sari]);
}

#[test]
fn requests_of_any_size_get_on() {
    for bytes_aim in [1, 100, 400] {
        let mut ids = Ids::default();
        let (mut hub, mut sari, _) = office_with_work(&mut ids);
        sari.bytes_aim = bytes_aim;
        settle(&mut sari, &mut hub);
        assert_equal(&hub, &[&sari]);
    }
}

#[test]
fn ops_of_a_request_that_was_cut_before_its_signature_are_signed_by_the_next() {
    let mut ids = Ids::default();
    let (hub, sari, _) = office_with_work(&mut ids);
    let whole = exchange(&mut sari.clone(), &mut hub.clone(), Link::Whole);
    for cut in 0..whole.request.len() {
        let (mut hub, mut sari) = (hub.clone(), sari.clone());
        exchange(&mut sari, &mut hub, Link::UpCut(cut));
        settle(&mut sari, &mut hub);
        for (log, known) in &hub.logs {
            assert_eq!(hub.signed_upto(*log), known.ops.len() as u64, "cut at {cut}");
        }
    }
}

#[test]
fn a_request_that_arrives_again_and_late_changes_nothing() {
    let mut ids = Ids::default();
    let (mut hub, mut sari, mut budi) = office_with_work(&mut ids);
    let early = exchange(&mut sari, &mut hub, Link::Whole).request;
    sari.write(&mut ids, Lane::Case, "sari lagi");
    let late = exchange(&mut sari, &mut hub, Link::Whole).request;
    for request in [&late, &early, &early, &late] {
        assert!(hub.answer(sari.replica, request).is_ok());
    }
    settle(&mut sari, &mut hub);
    settle(&mut budi, &mut hub);
    assert_equal(&hub, &[&sari, &budi]);
}

#[test]
fn a_pc_restored_from_an_older_copy_gets_its_own_ops_back() {
    let mut ids = Ids::default();
    let (mut hub, mut sari, mut budi) = office_with_work(&mut ids);
    settle(&mut sari, &mut hub);
    let copy = sari.clone();
    for n in 0..7 {
        sari.write(&mut ids, LANES[n % 2], &format!("setelah salinan {n}"));
    }
    sari.restart();
    sari.write(&mut ids, Lane::Case, "log lain setelah salinan");
    settle(&mut sari, &mut hub);
    let mut restored = copy;
    restored.restart();
    restored.write(&mut ids, Lane::Case, "setelah pemulihan");
    settle(&mut restored, &mut hub);
    settle(&mut budi, &mut hub);
    assert_equal(&hub, &[&restored, &budi]);
    assert_eq!(texts(&restored.content(true)).len(), 5 + 7 + 2);
}

#[test]
fn a_pc_that_lost_its_whole_folder_gets_its_own_ops_back() {
    let mut ids = Ids::default();
    let (mut hub, mut sari, _) = office_with_work(&mut ids);
    settle(&mut sari, &mut hub);
    let mut empty = Pc::new(SARI);
    settle(&mut empty, &mut hub);
    assert_equal(&hub, &[&empty]);
}

#[test]
fn two_machines_from_copies_of_one_folder_both_deliver_everything() {
    let mut ids = Ids::default();
    let (mut hub, mut sari, mut budi) = office_with_work(&mut ids);
    let mut twin = sari.clone();
    twin.restart();
    for n in 0..4 {
        sari.write(&mut ids, Lane::Case, &format!("asli {n}"));
        twin.write(&mut ids, Lane::Case, &format!("kembar {n}"));
        exchange(&mut sari, &mut hub, Link::Whole);
        exchange(&mut twin, &mut hub, Link::Whole);
    }
    settle_all(&mut [&mut sari, &mut twin, &mut budi], &mut hub);
    assert_equal(&hub, &[&sari, &twin, &budi]);
}

#[test]
fn a_hub_restored_from_an_older_copy_is_refilled() {
    let mut ids = Ids::default();
    let (mut hub, mut sari, mut budi) = office_with_work(&mut ids);
    settle(&mut sari, &mut hub);
    settle(&mut budi, &mut hub);
    let copy = hub.clone();
    sari.write(&mut ids, Lane::Case, "setelah cadangan");
    budi.write(&mut ids, Lane::Survey, "budi setelah cadangan");
    settle_all(&mut [&mut sari, &mut budi], &mut hub);
    let mut restored = copy;
    restored.start(&mut ids);
    settle_all(&mut [&mut sari, &mut budi], &mut restored);
    assert_equal(&restored, &[&sari, &budi]);
    assert_eq!(texts(&restored.content(|_| true)), texts(&hub.content(|_| true)));
}

#[test]
fn a_pc_that_goes_on_with_a_log_which_the_hub_forgot_meets_no_refusal() {
    let mut ids = Ids::default();
    let (hub, mut sari, _) = office_with_work(&mut ids);
    settle(&mut sari, &mut hub.clone());
    sari.write(&mut ids, LANES[0], "setelah pemulihan pusat");
    let mut restored = hub;
    restored.start(&mut ids);
    // The first op it sends is not the first that the hub lacks.
    assert!(exchange(&mut sari, &mut restored, Link::Whole).outcome.is_some());
    settle(&mut sari, &mut restored);
    assert_equal(&restored, &[&sari]);
}

#[test]
fn a_colleague_gives_back_what_a_hub_forgot_and_its_writer_can_no_longer_send() {
    let mut ids = Ids::default();
    let (mut hub, mut sari, mut budi) = office_with_work(&mut ids);
    let copy = hub.clone();
    settle(&mut sari, &mut hub);
    hub.write(&mut ids, "pusat menjawab");
    settle(&mut budi, &mut hub);
    // Sari's PC burns, the hub's disk fails: only Budi's PC still has it all.
    let mut restored = copy;
    restored.start(&mut ids);
    settle(&mut budi, &mut restored);
    assert_equal(&restored, &[&budi]);
    assert_eq!(texts(&restored.content(|_| true)), texts(&hub.content(|_| true)));
}

#[test]
fn a_hub_restored_twice_is_refilled_by_a_colleague_who_never_heard_the_new_numbers() {
    let mut ids = Ids::default();
    let mut hub = Hub::new(&mut ids);
    let copy = hub.clone();
    hub.write(&mut ids, "pusat menjawab");
    let mut budi = Pc::new(BUDI);
    settle(&mut budi, &mut hub);
    let mut restored = copy.clone();
    restored.start(&mut ids);
    exchange(&mut budi, &mut restored, Link::Whole);
    // It gives the op back and hears the marks, but the link breaks before the feed tells the op's new number.
    let reply = exchange(&mut budi.clone(), &mut restored.clone(), Link::Whole).reply;
    let cut = (0..reply.len()).rev().find(|cut| {
        let (mut budi, mut restored) = (budi.clone(), restored.clone());
        exchange(&mut budi, &mut restored, Link::DownCut(*cut));
        !budi.has_unsent() && budi.cursor == 0
    });
    exchange(&mut budi, &mut restored, Link::DownCut(cut.expect("a place between marks and feed")));
    let mut again = copy;
    again.start(&mut ids);
    settle(&mut budi, &mut again);
    assert_equal(&again, &[&budi]);
    assert_eq!(texts(&again.content(|_| true)), texts(&hub.content(|_| true)));
}

#[test]
fn what_a_colleague_gives_back_counts_only_with_the_writers_signature() {
    let mut ids = Ids::default();
    let (mut hub, mut sari, mut budi) = office_with_work(&mut ids);
    let copy = hub.clone();
    settle(&mut sari, &mut hub);
    settle(&mut budi, &mut hub);
    for log in budi.logs.values_mut() {
        log.ops.insert(1, crate::world::op_bytes("diubah orang lain"));
    }
    let mut restored = copy;
    restored.start(&mut ids);
    for _ in 0..3 {
        exchange(&mut budi, &mut restored, Link::Whole);
    }
    assert!(restored.content(|_| true).is_empty(), "a forged op was believed");
}

/// What happens next in the random story.
#[derive(Debug, Clone)]
enum Step {
    Write { pc: usize, lane: usize },
    HubWrites,
    Exchange { pc: usize, link: Link },
    Late { pc: usize },
    Restart { pc: usize },
    CopyPc { pc: usize },
    RestorePc { pc: usize },
    RestartHub,
    CopyHub,
    RestoreHub,
    SmallRequests { pc: usize, bytes_aim: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let pc = 0_usize..2;
    let link = prop_oneof![
        3 => Just(Link::Whole),
        1 => (0_usize..1500).prop_map(Link::UpCut),
        1 => (0_usize..1500).prop_map(Link::DownCut),
    ];
    prop_oneof![
        6 => (pc.clone(), 0_usize..2).prop_map(|(pc, lane)| Step::Write { pc, lane }),
        2 => Just(Step::HubWrites),
        6 => (pc.clone(), link).prop_map(|(pc, link)| Step::Exchange { pc, link }),
        1 => pc.clone().prop_map(|pc| Step::Late { pc }),
        1 => pc.clone().prop_map(|pc| Step::Restart { pc }),
        1 => pc.clone().prop_map(|pc| Step::CopyPc { pc }),
        1 => pc.clone().prop_map(|pc| Step::RestorePc { pc }),
        1 => Just(Step::RestartHub),
        1 => Just(Step::CopyHub),
        1 => Just(Step::RestoreHub),
        1 => (pc, 1_usize..900).prop_map(|(pc, bytes_aim)| Step::SmallRequests { pc, bytes_aim }),
    ]
}

/// The story so far.
struct Story {
    ids: Ids,
    hub: Hub,
    hub_copy: Hub,
    pcs: [Pc; 2],
    copies: [Pc; 2],
    requests: [Vec<u8>; 2],
    /// A connection of each PC, open from exchange to exchange.
    conns: [Conn; 2],
    written: u32,
}

impl Story {
    fn new() -> Story {
        let mut ids = Ids::default();
        let hub = Hub::new(&mut ids);
        let pcs = [Pc::new(SARI), Pc::new(BUDI)];
        let (hub_copy, copies) = (hub.clone(), pcs.clone());
        Story { ids, hub, hub_copy, pcs, copies, requests: Default::default(), conns: Default::default(), written: 0 }
    }

    fn goes_on(&mut self, step: &Step) {
        self.written += 1;
        let text = format!("op {}", self.written);
        match step {
            Step::Write { pc, lane } => self.pcs[*pc].write(&mut self.ids, LANES[*lane], &text),
            Step::HubWrites => self.hub.write(&mut self.ids, &text),
            Step::Exchange { pc, link } => {
                let (pc_now, hub_now) = (self.pcs[*pc].clone(), self.hub.clone());
                let (pc, conn) = (*pc, &mut self.conns[*pc]);
                let carried = exchange_on(conn, &mut self.pcs[pc], &mut self.hub, *link);
                self.requests[pc] = carried.request;
                if carried.outcome.is_some() {
                    assert_eq!(conn.of_pc, conn.of_hub, "both ends remember the same");
                    self.as_on_a_fresh_line(pc, pc_now, hub_now);
                }
            }
            Step::Late { pc } => drop(self.hub.answer(self.pcs[*pc].replica, &self.requests[*pc])),
            Step::Restart { pc } => {
                self.pcs[*pc].restart();
                self.conns[*pc] = Conn::default();
            }
            Step::CopyPc { pc } => self.copies[*pc] = self.pcs[*pc].clone(),
            Step::RestorePc { pc } => {
                self.pcs[*pc] = self.copies[*pc].clone();
                self.pcs[*pc].restart();
                self.conns[*pc] = Conn::default();
            }
            Step::RestartHub => {
                self.hub.start(&mut self.ids);
                self.conns = Default::default();
            }
            Step::CopyHub => self.hub_copy = self.hub.clone(),
            Step::RestoreHub => {
                self.hub = self.hub_copy.clone();
                self.hub.start(&mut self.ids);
                self.conns = Default::default();
            }
            Step::SmallRequests { pc, bytes_aim } => self.pcs[*pc].bytes_aim = *bytes_aim,
        }
    }

    /// What is remembered of a connection saves bytes and changes nothing else.
    fn as_on_a_fresh_line(&self, place: usize, mut pc: Pc, mut hub: Hub) {
        if pc.bytes_aim < 100_000 {
            // A head that need not be said leaves room for more ops.
            return;
        }
        exchange(&mut pc, &mut hub, Link::Whole);
        assert_eq!(format!("{pc:?}"), format!("{:?}", self.pcs[place]));
        assert_eq!(format!("{hub:?}"), format!("{:?}", self.hub));
    }

    /// Whatever its writer or the hub has now.
    fn alive(&self) -> BTreeSet<Vec<u8>> {
        let own = self.pcs.iter().flat_map(|pc| pc.content(true).into_values().flatten());
        own.chain(self.hub.content(|_| true).into_values().flatten()).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn whatever_happened_both_sides_end_with_the_same_and_nothing_is_lost(steps in prop::collection::vec(step(), 0..60)) {
        let mut story = Story::new();
        for step in &steps {
            story.goes_on(step);
        }
        let alive = story.alive();
        let Story { hub, pcs: [sari, budi], .. } = &mut story;
        settle_all(&mut [&mut *sari, &mut *budi], hub);
        for pc in [&*sari, &*budi] {
            prop_assert_eq!(pc.content(true), hub.content(|writer| writer == pc.replica));
            // A PC may have more of others than the hub: what no signature proves is not taken back. The rest is.
            let fetched = pc.content(false);
            for (log, upto) in pc.proved() {
                prop_assert!(hub.logs.get(&log).map_or(0, |known| known.ops.len()) as u64 >= upto, "{log} up to {upto}");
            }
            prop_assert!(hub.content(|writer| writer != pc.replica).iter().all(|(log, ops)| fetched[log].starts_with(ops)));
        }
        prop_assert_eq!(hub.feed.iter().collect::<BTreeSet<_>>().len(), hub.feed.len());
        let content = hub.content(|_| true);
        prop_assert!(alive.iter().all(|op| texts(&content).contains(op)), "an op is gone");
        prop_assert_eq!(texts(&content).len(), content.values().map(Vec::len).sum::<usize>(), "an op is there twice");
    }
}

#[test]
fn ops_are_named_by_their_place() {
    let mut ids = Ids::default();
    let (mut hub, mut sari, _) = office_with_work(&mut ids);
    settle(&mut sari, &mut hub);
    for (log, known) in &hub.logs {
        let seqs: Vec<u64> = hub.feed.iter().filter(|id| id.log == *log).map(|OpId { seq, .. }| *seq).collect();
        assert_eq!(seqs, (1..=known.ops.len() as u64).collect::<Vec<_>>());
    }
}
