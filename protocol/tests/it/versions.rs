//! Old and new sides of one conversation, in every mixture: the made-up next version of `src/next.rs` (feature
//! `next-version`) beside this one, over links that break, with updates in between.

use kentongan_protocol::ids::Lane;
use kentongan_protocol::next::{self, Speaks};
use kentongan_protocol::session::agent::Session;
use proptest::prelude::*;

use crate::world::{Content, Hub, Ids, Link, Pc};

/// Does `work` as a program that speaks this.
fn speaking<T>(speaks: Speaks, work: impl FnOnce() -> T) -> T {
    next::here(Some(speaks));
    let done = work();
    next::here(None);
    done
}

/// One exchange between a PC and a hub of these versions. `true` if it ended well.
fn exchange(pc: (&mut Pc, Speaks), hub: (&mut Hub, Speaks), link: Link) -> bool {
    let ((pc, pc_speaks), (hub, hub_speaks)) = (pc, hub);
    // As an agent knows from the hub's last marks.
    let spoken = if (pc_speaks, hub_speaks) == (Speaks::Both, Speaks::Both) { next::NEXT } else { 1 };
    let (session, request) = speaking(pc_speaks, || {
        let mut opening = pc.opening();
        if pc_speaks == Speaks::Both {
            opening.hello.version_max = next::NEXT;
        }
        opening.hello.extensions = next::of_hello(spoken);
        let mut session = Session::new(opening);
        let request = session.request(&mut pc.outbox()).expect("a store in memory does not fail");
        (session, request)
    });
    assert_eq!(request[3], spoken);
    let upto = if let Link::UpCut(at) = link { at.min(request.len()) } else { request.len() };
    let reply = speaking(hub_speaks, || hub.answer(pc.replica, &request[..upto]));
    let mut reply = reply.expect("nothing in it is a fault").unwrap_or_default();
    if let Some(version) = reply.get_mut(3) {
        *version = spoken;
    }
    let upto = if let Link::DownCut(at) = link { at.min(reply.len()) } else { reply.len() };
    let outcome = speaking(pc_speaks, || pc.take_reply(session, &reply[..upto]));
    let outcome = outcome.ok().map(|(outcome, _)| outcome);
    pc.ended(outcome.as_ref());
    outcome.is_some_and(|outcome| outcome.in_order && !outcome.more && !pc.has_unsent())
}

fn settle(pc: (&mut Pc, Speaks), hub: (&mut Hub, Speaks)) {
    let settled = (0..60).any(|_| exchange((&mut *pc.0, pc.1), (&mut *hub.0, hub.1), Link::Whole));
    assert!(settled, "{} never comes to rest", pc.0.replica);
}

fn assert_same(pc: &Pc, hub: &Hub) {
    let own: Content = hub.content(|writer| writer == pc.replica);
    assert_eq!(pc.content(true), own, "own logs of {}", pc.replica);
    assert_eq!(pc.content(false), hub.content(|writer| writer != pc.replica), "fetched by {}", pc.replica);
}

#[derive(Debug, Clone)]
enum Step {
    Write(usize),
    HubWrites,
    Talk(usize, Option<(bool, usize)>),
    Update(usize),
    UpdateHub,
}

fn step() -> impl Strategy<Value = Step> {
    let cut = prop::option::of((any::<bool>(), 0..700_usize));
    prop_oneof![
        4 => (0..2_usize).prop_map(Step::Write),
        2 => Just(Step::HubWrites),
        6 => (0..2_usize, cut).prop_map(|(pc, cut)| Step::Talk(pc, cut)),
        1 => (0..2_usize).prop_map(Step::Update),
        1 => Just(Step::UpdateHub),
    ]
}

proptest! {
    #[test]
    fn old_and_new_sides_bring_everything_to_each_other(steps in prop::collection::vec(step(), 1..40)) {
        let mut ids = Ids::default();
        let mut hub = Hub::new(&mut ids);
        let mut pcs = [Pc::new(0x5a41), Pc::new(0xb0d1)];
        let (mut speak, mut hub_speaks) = ([Speaks::Present; 2], Speaks::Present);
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Write(pc) => speaking(speak[pc], || pcs[pc].write(&mut ids, Lane::Case, &format!("op {number}"))),
                Step::HubWrites => speaking(hub_speaks, || hub.write(&mut ids, &format!("pusat {number}"))),
                Step::Talk(pc, cut) => {
                    let link = match cut {
                        None => Link::Whole,
                        Some((true, at)) => Link::UpCut(at),
                        Some((false, at)) => Link::DownCut(at),
                    };
                    exchange((&mut pcs[pc], speak[pc]), (&mut hub, hub_speaks), link);
                }
                Step::Update(pc) => {
                    pcs[pc].restart();
                    speak[pc] = Speaks::Both;
                }
                Step::UpdateHub => {
                    hub.start(&mut ids);
                    hub_speaks = Speaks::Both;
                }
            }
        }
        for _ in 0..2 {
            for (pc, speaks) in pcs.iter_mut().zip(speak) {
                settle((pc, speaks), (&mut hub, hub_speaks));
            }
        }
        for pc in &pcs {
            assert_same(pc, &hub);
        }
    }
}
