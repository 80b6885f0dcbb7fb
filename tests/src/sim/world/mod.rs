//! The world: plays the events of a plan, one after the other.
//!
//! ```text
//!   making    before anything has happened        machines  how they start, stop and come back, and their clocks
//!   contacts  asked for, under way, at their end   copies    what is put back, cloned, put away; backups of the hub
//! ```

mod contacts;
mod copies;
mod machines;
mod making;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard};

use kentongan_agent::entry::NewRecord;
use kentongan_agent::store::StoreError;
use kentongan_host::identity::SigningKey;
use kentongan_protocol::ids::{LogId, RecordId, ReplicaId};
use kentongan_protocol::log::LogHead;

use super::clock::Now;
use super::coverage::Reached;
use super::disk::{self, Disk, Down, Image};
use super::hours::Habits;
use super::hubside::HUB_DISK;
use super::link::{Net, Shared};
use super::model::Model;
use super::pc::Pc;
use super::people::HubDraft;
use super::plan::{Event, Kind, Plan, stream};
use super::sticks::Stick;
use super::vault::Vault;
use crate::Dice;

pub use making::{key, office_code};

/// When every run begins, milliseconds since 1970.
pub const BEGINNING_MS: i64 = 1_795_000_000_000;
/// The hostile device.
pub const ENEMY: ReplicaId = ReplicaId(0xbad);
/// A hostile device of the first office: it reads whatever the others there write.
pub const COLLEAGUE: ReplicaId = ReplicaId(0xbae);
/// The place of the hostile office among the codes.
pub const ENEMY_OFFICE: usize = 4;
/// Copies of one folder that are kept.
const COPIES_MAX: usize = 3;
/// A second.
const S: i64 = 1_000;

/// Everything.
pub struct World {
    /// The plan that is played.
    pub plan: Plan,
    /// What people were told.
    pub model: Model,
    /// The PCs.
    pub pcs: Vec<Pc>,
    /// Number of offices that people work in.
    pub offices: usize,
    /// The network and the hub behind it.
    pub shared: Shared,
    /// The true time.
    pub now: Now,
    /// Files that were dropped: markers and rows.
    pub files: Vec<Vec<(u64, NewRecord)>>,
    /// Rows taken, by replica.
    pub taken: BTreeSet<(ReplicaId, u64)>,
    /// The same, with those of which the PC failed before it said so.
    pub perhaps_taken: BTreeSet<(ReplicaId, u64)>,
    /// Rows that a folder took again because it had been put back, or a twin.
    pub twice: BTreeSet<u64>,
    /// PCs whose folder is not what they wrote: put back, copied to a twin, or begun anew.
    pub other_folder: BTreeSet<ReplicaId>,
    /// Files that are under way on sticks.
    pub sticks: Vec<Stick>,
    /// Bundles that were made.
    pub bundles: u64,
    /// Records that operators have open.
    pub hub_drafts: Vec<HubDraft>,
    /// Backups of the hub.
    pub vault: Vault,
    /// Records of other PCs that a PC has put away.
    pub put_away: BTreeSet<(ReplicaId, RecordId)>,
    /// Things shown as saved.
    pub saves: u64,
    /// Faults by kind.
    pub faults: BTreeMap<Kind, u64>,
    /// Key of the hostile device.
    pub enemy_key: Arc<SigningKey>,
    /// Heads of logs, as colleagues and enemies may have read them.
    pub heads: BTreeMap<LogId, LogHead>,
    /// Contacts that have ended.
    pub contacts: u64,
    /// The most exchanges that a contact took, since somebody last began to count.
    pub most_exchanges: u64,
    /// Minutes after the last fault until every outbox was empty.
    pub resumed_min: i64,
    /// What offices are used to.
    pub habits: Habits,
    /// The hub before anything happened.
    pub first_hub: Image,
    /// Bits that flipped, by what they changed.
    pub flips: BTreeMap<String, u64>,
    /// Where faults struck.
    pub reached: Reached,
    down: Down,
    disks: u64,
}

impl World {
    /// The network and the hub, for a moment.
    pub fn net(&self) -> MutexGuard<'_, Net> {
        self.shared.net()
    }

    /// Adds a line to the history.
    pub fn tell(&self, words: impl FnOnce() -> String) {
        self.net().tale.tell(words);
    }

    /// Something happened that must not.
    pub fn broke(&self, what: impl Into<String>) {
        self.net().tale.broke(what);
    }

    /// Whether something happened that must not.
    pub fn is_broken(&self) -> bool {
        self.net().tale.broken().is_some()
    }

    /// A PC whose people can work.
    pub fn awake(&mut self, at: usize) -> Option<&mut Pc> {
        let now = self.now.load(Ordering::Relaxed);
        self.pcs.get_mut(at).filter(|pc| pc.is_up() && pc.asleep_until_ms <= now)
    }

    /// Plays one event.
    pub fn play(&mut self, place: usize, event: Event) {
        let mut dice = self.plan.dice(event);
        let at = dice.below(self.pcs.len() as u64) as usize;
        // Where clocks are a little wrong, things happen so fast that it matters.
        let pace = if self.plan.options.skew > 0 { 15 } else { 300 };
        self.pass(1 + dice.below(pace * S as u64) as i64);
        // A machine may have stopped while time passed; dice of its own, so that the event's are what they were.
        self.restart_stopped(&mut stream(self.plan.seed, 900_000 + event.step as u64));
        self.tell(|| format!("{place}: {}", event.kind.words()));
        if self.awake(at).is_none() && self.pcs[at].asleep_until_ms <= self.now.load(Ordering::Relaxed) {
            self.start_pc(at);
        }
        if !self.net().hub.is_up() {
            self.start_hub();
        }
        self.revoke_again();
        *self.faults.entry(event.kind).or_insert(0) += 1;
        self.happen(event.kind, at, &mut dice);
        self.proceed(&mut dice);
        self.after_trouble(&mut dice);
    }

    fn happen(&mut self, kind: Kind, at: usize, dice: &mut Dice) {
        match kind {
            Kind::Enter => {
                (0..1 + dice.below(3)).for_each(|_| self.enter(at, dice));
                self.new_work(at);
            }
            Kind::Open => self.open(at, dice),
            Kind::Save => {
                self.save(at, dice);
                self.new_work(at);
            }
            Kind::Attach => {
                self.attach(at, dice);
                self.new_work(at);
            }
            Kind::Take => {
                self.take(at, dice);
                self.new_work(at);
            }
            Kind::OperatorOpens => self.operator_opens(dice),
            Kind::OperatorSaves => self.operator_saves(dice),
            Kind::Contact => self.contact(at, dice),
            Kind::Pass => self.pass(dice.below(3 * 24 * 3600 * S as u64) as i64),
            Kind::Restart => {
                self.pcs[at].end();
                if dice.percent(30) {
                    self.pcs[at].clock.boot();
                }
                self.start_pc(at);
            }
            Kind::RestartHub => {
                self.net().hub.end();
                self.start_hub();
            }
            Kind::CrashPc => {
                self.down = self.drawn_down(dice);
                self.pcs[at].disk().borrow_mut().stop_after(1 + dice.below(40));
            }
            Kind::CrashHub => {
                self.down = self.drawn_down(dice);
                Disk::at(HUB_DISK).borrow_mut().stop_after(1 + dice.below(60));
            }
            Kind::Sleep => {
                let weeks = 1 + dice.below(10) as i64;
                self.pcs[at].asleep_until_ms = self.now.load(Ordering::Relaxed) + weeks * 7 * 24 * 3600 * S;
                self.pass(dice.below(30 * 24 * 3600 * S as u64) as i64);
            }
            Kind::CopyPc => {
                let pc = &mut self.pcs[at];
                pc.copies.push(pc.copy());
                if pc.copies.len() > COPIES_MAX {
                    pc.copies.remove(0);
                }
            }
            Kind::RestorePc => self.restore_pc(at, dice),
            Kind::ClonePc => self.clone_pc(at, dice),
            Kind::Backup => self.backup(dice),
            Kind::RestoreHub => self.restore_hub(dice),
            Kind::Clock => self.jump(at, dice),
            Kind::Full => self.disk_of(at, dice).borrow_mut().set_room(Some(dice.below(30_000) as usize)),
            Kind::Fail => self.disk_of(at, dice).borrow_mut().fail_after(1 + dice.below(30)),
            Kind::SecondHub => {
                if self.net().hub.count() > 1 {
                    self.net().hub.end_second();
                } else {
                    self.start_hub();
                }
            }
            Kind::Stale => self.stale(dice),
            Kind::Enemy => self.enemy(dice),
            Kind::EnemyFile => self.enemy_file(dice),
            Kind::Flip => self.flip(at, dice),
            Kind::Revoke => self.revoke(at),
            Kind::Expire => self.certificate_ends(at, dice),
            Kind::Renew => self.renew(at),
            Kind::Upgrade => self.upgrade(at, dice),
            Kind::Stick => self.carry(at, dice),
        }
    }

    fn drawn_down(&self, dice: &mut Dice) -> Down {
        if dice.percent(self.plan.options.power) { Down::Power } else { Down::Kill }
    }

    fn disk_of(&self, at: usize, dice: &mut Dice) -> disk::Shared {
        if dice.percent(40) { Disk::at(HUB_DISK) } else { self.pcs[at].disk() }
    }

    /// Does something with a PC's store.
    pub fn at_pc<T>(
        &self,
        at: usize,
        work: impl FnOnce(&mut kentongan_agent::store::Store) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.pcs[at].desk.with(work)
    }
}
