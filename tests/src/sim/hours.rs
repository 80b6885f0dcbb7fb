//! Time passes: each PC's program does what its own agenda says, when it says so.
//!
//! Contacts happen because they are due, because somebody entered something, or because the last one failed; people only
//! press "send now" now and then. Lines are down for hours at some offices, so that work piles up.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use kentongan_agent::agenda::{Effect, Ended, Event};
use kentongan_agent::inbox::folder::POLL_INTERVAL;
use kentongan_host::Clock;
use kentongan_protocol::ids::ReplicaId;
use kentongan_protocol::session::pacing::Pacing;

use super::link::Link;
use super::pc::Pc;
use super::plan::stream;
use super::world::World;
use crate::Dice;

/// Minutes after the last fault in which every outbox becomes empty.
pub const RESUMES_MIN: i64 = 15;
/// A minute, in milliseconds.
const MINUTE: i64 = 60_000;
/// A line is up or down for so long, or several times that.
const SLOT_MS: i64 = 20 * MINUTE;
/// Of a longer time, so much is lived through; before it all machines sleep.
const LIVED_MS: i64 = 20 * MINUTE;

/// What offices of a run are used to.
#[derive(Debug, Clone, Copy)]
pub struct Habits {
    /// As configured at all PCs.
    pub pacing: Pacing,
    /// Per cent of the time in which a line is down.
    pub offline: u64,
    seed: u64,
}

impl Habits {
    /// Those of a run.
    pub fn of(seed: u64) -> Habits {
        let mut dice = stream(seed, 6);
        let interval_ms = [5, 30, 120][dice.below(3) as usize] * MINUTE as u64;
        let pacing = Pacing { interval_ms, backoff_ms_max: 5 * MINUTE as u64, jitter_percent: 20 };
        Habits { pacing, offline: [20, 40, 70][dice.below(3) as usize], seed: dice.number() }
    }

    /// Whether the line of a PC is down at a true time.
    pub fn is_down(&self, pc: ReplicaId, now_ms: i64) -> bool {
        let slot = now_ms.div_euclid(SLOT_MS) as u64;
        stream(self.seed ^ pc.0.wrapping_mul(0x2545_f491_4f6c_dd1d), slot).percent(self.offline)
    }
}

impl Pc {
    /// Something wakes the program's loop. `true` if it begins a contact.
    fn wake(&mut self, event: Event) -> bool {
        let now_ms = self.clock.boot_ms();
        let Some(agenda) = &mut self.agenda else { return false };
        let mut events = vec![event];
        let mut begins = false;
        while let Some(event) = events.pop() {
            for effect in agenda.on(event, now_ms, self.jitter.number()) {
                match effect {
                    Effect::Contact => begins = true,
                    // What lies in the inbox is an event of its own.
                    Effect::LookIntoInbox => {
                        events.push(Event::Looked { again_in_ms: POLL_INTERVAL.as_millis() as u64 });
                    }
                    Effect::NoteNext { in_ms } => {
                        // As in the service: that it cannot be noted keeps nothing from going on.
                        let _ = self.desk.with(|store| store.note_next(store.wall_ms().saturating_add(in_ms as i64)));
                    }
                    Effect::Reload | Effect::End | Effect::GiveUp | Effect::MakeWay => {}
                }
            }
        }
        begins
    }

    /// The true time at which its loop wants to be woken.
    fn due_ms(&self) -> Option<i64> {
        let at_ms = self.agenda.as_ref().filter(|_| self.is_up())?.wake_at_ms()?;
        Some(self.clock.true_ms(at_ms))
    }
}

impl World {
    fn now_ms(&self) -> i64 {
        self.now.load(Ordering::Relaxed)
    }

    /// Time passes, and what is due in it happens.
    pub fn pass(&mut self, ms: i64) {
        let until = self.now_ms() + ms;
        if ms > LIVED_MS {
            // A night, a weekend: nobody is there and the machines sleep.
            self.now.store(until - LIVED_MS, Ordering::Relaxed);
        }
        while !self.is_broken() {
            let now = self.now_ms();
            let awake = self.pcs.iter().enumerate().filter(|(_, pc)| pc.asleep_until_ms <= until);
            let due = awake.filter_map(|(at, pc)| Some((pc.due_ms()?.max(pc.asleep_until_ms).max(now), at)));
            let Some((due, at)) = due.min().filter(|(due, _)| *due <= until) else { break };
            self.now.store(due, Ordering::Relaxed);
            self.wake(at, Event::Time);
        }
        self.now.store(until.max(self.now_ms()), Ordering::Relaxed);
    }

    /// People at a PC did something that is to be sent.
    pub fn new_work(&mut self, at: usize) {
        if self.awake(at).is_some() {
            let urgent = self.at_pc(at, |store| store.has_urgent()).unwrap_or(false);
            self.wake(at, Event::NewWork { urgent });
        }
    }

    /// Something wakes the loop of a PC.
    pub fn wake(&mut self, at: usize, event: Event) {
        if self.pcs[at].wake(event) {
            self.due_contact(at);
        }
    }

    /// A contact that a loop asked for begins, as soon as none is under way that people asked for.
    fn due_contact(&mut self, at: usize) {
        if self.pcs[at].is_calling() {
            self.pcs[at].call_waits = true;
            return;
        }
        let mut dice = Dice::new(self.pcs[at].jitter.number());
        self.begin_contact(at, true, &mut dice);
    }

    /// A PC begins to call the hub, and may come to the end of it before anything else happens.
    pub fn begin_contact(&mut self, at: usize, own: bool, dice: &mut Dice) {
        let link = Link {
            shared: self.shared.clone(),
            speaker: self.pcs[at].replica(),
            down: self.habits.is_down(self.pcs[at].replica(), self.now_ms()),
            dice: Arc::new(Mutex::new(stream(dice.number(), 1))),
            kept: Arc::clone(&self.pcs[at].kept),
        };
        let packs = self.plan.options.packs;
        let packs = packs > 0 && dice.percent(packs);
        if self.pcs[at].call(link, packs) {
            self.pcs[at].own_call = own;
        }
        let steps = if dice.percent(60) { 400 } else { dice.below(30) };
        for _ in 0..steps {
            if !self.pcs[at].is_calling() {
                break;
            }
            self.step(at);
        }
    }

    /// A contact ended: the loop hears of it.
    pub fn contact_ended(&mut self, at: usize, ended: Ended) {
        self.wake(at, Event::Ended(ended));
        if std::mem::take(&mut self.pcs[at].call_waits) {
            self.due_contact(at);
        }
    }

    /// From now on nothing goes wrong, and nobody presses anything: within [`RESUMES_MIN`] minutes the loops alone bring
    /// what waits to the hub.
    pub fn resume(&mut self) {
        for minute in 1..=RESUMES_MIN {
            self.pass_calmly(MINUTE);
            let drained =
                |at: usize| matches!(self.at_pc(at, |store| store.counts()), Ok(counts) if counts.ops_pending == 0);
            let waits = |at: &usize| !drained(*at) && !self.is_revoked(*at);
            let Some(at) = (0..self.pcs.len()).find(waits) else {
                self.resumed_min = minute;
                self.tell(|| format!("   every outbox is empty after {minute} minutes"));
                return;
            };
            if minute == RESUMES_MIN {
                let counts = self.at_pc(at, |store| store.counts());
                self.broke(format!("PC {at} still waits {minute} minutes after the last fault: {counts:?}"));
            }
        }
    }

    /// Time in which every contact comes to its end.
    pub fn pass_calmly(&mut self, ms: i64) {
        self.pass(ms);
        (0..self.pcs.len()).for_each(|at| self.finish_call(at));
    }

    /// As long as it takes until each loop has talked once more. Gives back the most exchanges that one contact took.
    pub fn round_of_loops(&mut self) -> u64 {
        self.most_exchanges = 0;
        // Spread by the random part, and rounded up.
        self.pass_calmly(self.habits.pacing.interval_ms as i64 + MINUTE);
        self.most_exchanges
    }
}
