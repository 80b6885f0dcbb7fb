//! The world: plays the events of a plan, one after the other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use kentongan_agent::agenda::Ended;
use kentongan_agent::entry::NewRecord;
use kentongan_agent::store::{Member, StoreError};
use kentongan_host::fail::Failure;
use kentongan_host::identity::SigningKey;
use kentongan_host::ktg::Ktg;
use kentongan_hub::engine::Sign;
use kentongan_hub::store::sqlite::SqliteStore;
use kentongan_hub::store::{Certificate, HubIdentity, Office, Replica, Standing, transact_with};
use kentongan_protocol::ids::{LogId, RecordId, ReplicaId};
use kentongan_protocol::log::{Holding, LogHead};
use kentongan_protocol::receipt::Prefix;

use super::check::ops_at_pc;
use super::clock::{Now, SimClock};
use super::coverage::{Reached, Struck};
use super::disk::{self, Disk, Down, Image, NAME};
use super::hours::Habits;
use super::hubside::{self, HUB_DISK, HubHost, STORE};
use super::link::{Net, Shared};
use super::model::Model;
use super::pc::Pc;
use super::people::HubDraft;
use super::plan::{Event, Kind, Plan, stream};
use super::tale::Tale;
use super::vault::{VAULT_DISK, Vault};
use crate::Dice;

/// When every run begins, milliseconds since 1970.
pub const BEGINNING_MS: i64 = 1_795_000_000_000;
/// The hub as a replica.
const HUB: ReplicaId = ReplicaId(0x4b);
/// The hostile device.
pub const ENEMY: ReplicaId = ReplicaId(0xbad);
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
    /// Rows that a folder took again because it had been put back, or a twin.
    pub twice: BTreeSet<u64>,
    /// PCs whose folder is not what they wrote: put back, copied to a twin, or begun anew.
    pub other_folder: BTreeSet<ReplicaId>,
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

/// Code of an office.
pub fn office_code(place: usize) -> String {
    ["32.73.05.1001", "32.73.05.1002", "32.73.06.2001", "32.74.01.1001", "32.73.05.1009"][place % 5].to_owned()
}

/// A hostile device of the first office: it reads whatever the others there write.
pub const COLLEAGUE: ReplicaId = ReplicaId(0xbae);

/// The place of the hostile office among the codes.
pub const ENEMY_OFFICE: usize = 4;

/// A key that is the same in every run.
pub fn key(number: u8) -> Arc<SigningKey> {
    thread_local! {
        static KEYS: Mutex<BTreeMap<u8, Arc<SigningKey>>> = const { Mutex::new(BTreeMap::new()) };
    }
    KEYS.with(|keys| {
        let mut keys = keys.lock().expect("of one thread");
        Arc::clone(keys.entry(number).or_insert_with(|| Arc::new(made_key(number))))
    })
}

/// PKCS#8 of an Ed25519 key is a fixed beginning and 32 bytes.
fn made_key(number: u8) -> SigningKey {
    let mut der = vec![0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
    der.extend([number; 32]);
    let mut text = String::new();
    for triple in der.chunks(3) {
        let word = triple.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - triple.len()));
        for place in 0..4 {
            let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
            let symbol = alphabet[(word >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= triple.len() { char::from(symbol) } else { '=' });
        }
    }
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
    SigningKey::from_pem(pem).expect("a key of 32 bytes")
}

impl World {
    /// A world in which nothing has happened.
    ///
    /// # Panics
    /// If the stores cannot be made: nothing fails yet.
    pub fn new(plan: Plan, in_words: bool) -> World {
        disk::register();
        Disk::clear();
        Disk::insert(HUB_DISK);
        Disk::insert(VAULT_DISK);
        let now: Now = Arc::new(AtomicI64::new(BEGINNING_MS));
        hubside::seed_ids(stream(plan.seed, 3).number());
        let offices = plan.options.offices as usize;
        let count = plan.options.pcs as usize;
        let habits = Habits::of(plan.seed);
        let pcs: Vec<Pc> = (0..count)
            .map(|at| {
                let office = at % offices;
                let member = Member {
                    replica: ReplicaId(at as u64 + 1),
                    office: office_code(office).parse().expect("a code"),
                    office_name: format!("Kantor {office}"),
                    prefix: Prefix::new(at as u32 + 1).expect("a prefix"),
                    hub_url: "https://pusat.example".to_owned(),
                    hub_replica: HUB,
                };
                let seed = stream(plan.seed, 10 + at as u64).number();
                let mut pc = Pc::new(office, member, key(at as u8 + 1), at as u64 + 1, SimClock::new(&now), seed);
                pc.pacing = habits.pacing;
                pc
            })
            .collect();
        let hub_key = key(200) as Arc<dyn Sign>;
        make_hub(&pcs);
        let mut hub = HubHost::new(Arc::new(SimClock::new(&now)), hub_key);
        pcs.iter().for_each(|pc| hub.issue(pc.replica(), pc.key.public_key()));
        hub.issue(ENEMY, key(201).public_key());
        hub.issue(COLLEAGUE, key(202).public_key());
        let shared = Shared::new(hub, Tale::new(in_words), plan.options);
        let mut world = World {
            model: Model::default(),
            offices,
            shared,
            now,
            files: Vec::new(),
            taken: BTreeSet::new(),
            twice: BTreeSet::new(),
            other_folder: BTreeSet::new(),
            hub_drafts: Vec::new(),
            vault: Vault::default(),
            put_away: BTreeSet::new(),
            saves: 0,
            faults: BTreeMap::new(),
            enemy_key: key(201),
            heads: BTreeMap::new(),
            contacts: 0,
            most_exchanges: 0,
            resumed_min: 0,
            habits,
            first_hub: Disk::at(HUB_DISK).borrow().image(),
            flips: BTreeMap::new(),
            reached: Reached::new(),
            down: Down::Kill,
            disks: count as u64,
            plan,
            pcs,
        };
        world.start_hub();
        let skew_ms = plan_skew_ms(&world.plan);
        for (at, ms) in skew_ms.into_iter().enumerate() {
            world.pcs[at].clock.set_offset(ms);
        }
        for at in 0..world.pcs.len() {
            world.start_pc(at);
        }
        world
    }

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
            Kind::Flip => self.flip(at, dice),
            Kind::Revoke => self.revoke(at),
            Kind::Expire => self.certificate_ends(at, dice),
            Kind::Renew => self.renew(at),
        }
    }

    fn drawn_down(&self, dice: &mut Dice) -> Down {
        if dice.percent(self.plan.options.power) { Down::Power } else { Down::Kill }
    }

    fn disk_of(&self, at: usize, dice: &mut Dice) -> disk::Shared {
        if dice.percent(40) { Disk::at(HUB_DISK) } else { self.pcs[at].disk() }
    }

    /// Somebody at a PC asks for a contact.
    pub fn contact(&mut self, at: usize, dice: &mut Dice) {
        if self.awake(at).is_some() && !self.pcs[at].is_calling() {
            self.begin_contact(at, false, dice);
        }
    }

    /// Contacts that are under way go on, in turns drawn at random.
    fn proceed(&mut self, dice: &mut Dice) {
        let calling: Vec<usize> = (0..self.pcs.len()).filter(|at| self.pcs[*at].is_calling()).collect();
        if calling.is_empty() {
            return;
        }
        for _ in 0..dice.below(60) {
            self.step(calling[dice.below(calling.len() as u64) as usize]);
        }
    }

    /// A contact under way goes on a little.
    pub fn step(&mut self, at: usize) {
        let disk = self.pcs[at].disk;
        let before = Struck::now(disk);
        let ended = self.pcs[at].step();
        self.note_strikes(disk, before);
        let Some(ended) = ended else { return };
        self.contacts += 1;
        match &ended {
            Ok(report) if report.applied.secured > 0 => self.put_away(at),
            Ok(report) => self.tell(|| {
                let failure = report.failure.as_ref().map(|failure| failure.detail.clone());
                format!("   PC {at}: contact of {} exchanges, {:?}, {failure:?}", report.exchanges, report.applied)
            }),
            Err(error) => self.tell(|| format!("   PC {at}: contact ended by {error:?}")),
        }
        let exchanges = ended.as_ref().map_or(0, |report| u64::from(report.exchanges));
        self.most_exchanges = self.most_exchanges.max(exchanges);
        // Who heard nothing believes what it believed before.
        if !matches!(&ended, Ok(report) if report.down_bytes == 0) {
            self.check_pc(at);
        }
        let report = Ended::of(self.pcs[at].own_call, ended.as_ref().ok());
        let failure = ended.err().and_then(|error| Failure::from(error).ktg);
        match failure {
            // As the service does: only another start shows what is really on the disk.
            Some(Ktg::DiskFailed) => self.pcs[at].end(),
            _ => self.contact_ended(at, report),
        }
    }

    /// Machines that stopped in this event start again, and some full disks have space again.
    fn after_trouble(&mut self, dice: &mut Dice) {
        self.restart_stopped(dice);
        if dice.percent(15) {
            Disk::at(HUB_DISK).borrow_mut().set_room(None);
            self.pcs.iter().for_each(|pc| pc.disk().borrow_mut().set_room(None));
        }
    }

    fn restart_stopped(&mut self, dice: &mut Dice) {
        if Disk::at(HUB_DISK).borrow().is_stopped() {
            self.net().hub.end();
            Disk::at(HUB_DISK).borrow_mut().restart(self.down, dice);
            self.net().hub.reboot();
            self.tell(|| format!("   the hub's machine starts again after: {:?}", self.down));
            if dice.percent(70) {
                self.start_hub();
            }
        }
        for at in 0..self.pcs.len() {
            if self.pcs[at].disk().borrow().is_stopped() {
                self.pcs[at].end();
                self.pcs[at].disk().borrow_mut().restart(self.down, dice);
                self.pcs[at].clock.boot();
                self.tell(|| format!("   PC {at} starts again after: {:?}", self.down));
                if dice.percent(70) {
                    self.start_pc(at);
                }
            }
        }
    }

    /// Starts a process of the hub; what was told before must be there.
    pub fn start_hub(&mut self) {
        let mut net = self.net();
        let Net { hub, tale, .. } = &mut *net;
        match hub.start() {
            Ok(()) => {
                hub.check_told(tale);
                drop(net);
                self.check_covered();
                self.revoke_again();
            }
            Err(error) => tale.tell(|| format!("   the hub does not start: {error}")),
        }
    }

    /// Starts the program of a PC; what was shown as saved before must be there.
    pub fn start_pc(&mut self, at: usize) {
        if self.pcs[at].is_up() {
            return;
        }
        match self.pcs[at].start() {
            Ok(()) => self.check_saved(at),
            Err(error) => {
                let excused = self.pcs[at].disk().borrow().has_trouble();
                self.tell(|| format!("   PC {at} does not start: {error:?}"));
                if !excused {
                    self.broke(format!("PC {at} does not start on a sound disk: {error:?}"));
                }
            }
        }
    }

    fn restore_pc(&mut self, at: usize, dice: &mut Dice) {
        if self.pcs[at].copies.is_empty() {
            return;
        }
        self.pcs[at].end();
        let copies = &self.pcs[at].copies;
        let copy = copies[dice.below(copies.len() as u64) as usize].clone();
        self.pcs[at].disk().borrow_mut().heal();
        self.pcs[at].put_back(&copy);
        self.other_folder.insert(self.pcs[at].replica());
        self.pcs[at].clock.boot();
        self.excuse(&format!("PC {at} was put back"));
        self.start_pc(at);
    }

    fn clone_pc(&mut self, at: usize, dice: &mut Dice) {
        if self.pcs.len() > self.plan.options.pcs as usize + 1 {
            return;
        }
        self.disks += 1;
        let twin = self.pcs[at].cloned(self.disks, SimClock::new(&self.now), dice.number());
        self.other_folder.insert(twin.replica());
        self.pcs.push(twin);
        self.start_pc(self.pcs.len() - 1);
    }

    /// A backup, by the steps of the command. Its disk may stop, fail or fill up at any of them, and somebody may stop it.
    fn backup(&mut self, dice: &mut Dice) {
        if !self.net().hub.is_up() {
            return;
        }
        let disk = Disk::at(VAULT_DISK);
        match dice.below(10) {
            0 | 1 => disk.borrow_mut().stop_after(1 + dice.below(160)),
            2 => disk.borrow_mut().fail_after(1 + dice.below(160)),
            3 => disk.borrow_mut().set_room(Some(dice.below(300_000) as usize)),
            _ => {}
        }
        let patience = if dice.percent(10) { dice.below(12) } else { u64::MAX };
        let mut shelf = self.vault.shelf();
        let made = self.net().hub.back_up(&mut shelf, patience);
        self.tell(|| format!("   a backup: {made}"));
        if disk.borrow().is_stopped() {
            let down = self.drawn_down(dice);
            disk.borrow_mut().restart(down, dice);
        }
        disk.borrow_mut().heal();
        self.vault.look();
        self.check_covered();
    }

    /// The hub is put back: mostly to its newest copy, which loses nothing that was called safe; seldom to an older one.
    fn restore_hub(&mut self, dice: &mut Dice) {
        let copies = self.vault.copies();
        let Some(newest) = copies.last().copied() else { return };
        let which = if dice.percent(60) { newest } else { copies[dice.below(copies.len() as u64) as usize] };
        self.tell(|| format!("   the hub is put back to copy {which} of {copies:?}"));
        let told = self.put_hub_back(&self.vault.image(which));
        if which == newest {
            let mut net = self.net();
            let Net { hub, tale, .. } = &mut *net;
            hub.check_safe(&told, tale);
        }
    }

    /// Puts the hub back to a copy. Gives what it had told before.
    pub fn put_hub_back(&mut self, copy: &Image) -> BTreeMap<LogId, (u64, u64)> {
        self.net().hub.end();
        Disk::at(HUB_DISK).borrow_mut().heal();
        Disk::at(HUB_DISK).borrow_mut().put_image(copy);
        self.net().hub.reboot();
        let told = self.net().hub.restored();
        self.hub_drafts.clear();
        self.excuse("the hub was put back");
        self.start_hub();
        told
    }

    /// A PC puts away what it may; nothing may go that no copy of the hub holds.
    fn put_away(&mut self, at: usize) {
        let disk = self.pcs[at].disk;
        let before = ops_at_pc(disk).unwrap_or_default();
        let pruned = self.at_pc(at, |store| store.prune(0));
        self.tell(|| format!("   PC {at} puts away: {pruned:?}"));
        let replica = self.pcs[at].replica();
        let Ok(after) = ops_at_pc(disk) else {
            // The machine stopped in the middle: nobody knows yet what is gone, and only what is covered may be.
            let covered = before.into_iter().filter(|(id, _)| self.vault.covers(id.log) >= id.seq);
            self.put_away.extend(covered.map(|(_, record)| (replica, record)));
            return;
        };
        let after: BTreeSet<_> = after.into_iter().collect();
        for (id, record) in before.into_iter().filter(|op| !after.contains(op)) {
            self.put_away.insert((replica, record));
            if self.vault.covers(id.log) < id.seq {
                self.broke(format!("PC {at} put away {id}, which no copy of the hub holds"));
            }
        }
    }

    fn jump(&mut self, at: usize, dice: &mut Dice) {
        const YEAR: i64 = 365 * 24 * 3600 * S;
        let offset = match dice.below(8) {
            0 => -56 * YEAR,
            1 => 73 * YEAR,
            2 => i64::MAX,
            3 => i64::MIN,
            4 => 0,
            5 => -(dice.below(100_000_000) as i64),
            _ => dice.below(100_000_000) as i64,
        };
        self.tell(|| format!("   the clock of PC {at} is wrong by {offset} ms"));
        self.pcs[at].clock.set_offset(offset);
        if dice.percent(10) {
            self.net().hub.clock.drift(dice.below(600_000) as i64 - 300_000);
        }
    }

    /// A request of the past arrives again, or one that its sender gave up.
    fn stale(&mut self, dice: &mut Dice) {
        let found = {
            let mut net = self.net();
            if !net.late.is_empty() && dice.percent(60) {
                let place = dice.below(net.late.len() as u64) as usize;
                Some(net.late.remove(place))
            } else if net.past.is_empty() {
                None
            } else {
                let place = dice.below(net.past.len() as u64) as usize;
                Some(net.past[place].clone())
            }
        };
        if let Some((speaker, request)) = found {
            self.shared.deliver_alone(speaker, &request, dice);
        }
    }

    /// All faults stop. Everything runs, everybody talks, a bounded number of times; then nothing may be open.
    pub fn heal(&mut self, dice: &mut Dice) {
        self.tell(|| "the faults stop".to_owned());
        self.shared.heal();
        self.after_trouble(dice);
        for disk in std::iter::once(Disk::at(HUB_DISK)).chain(self.pcs.iter().map(Pc::disk)) {
            disk.borrow_mut().heal();
        }
        if self.net().hub.count() > 1 {
            self.net().hub.end_second();
        }
        if !self.net().hub.is_up() {
            self.start_hub();
        }
        if !self.net().hub.is_up() {
            self.broke("the hub does not start on a sound disk");
        }
        for at in 0..self.pcs.len() {
            self.pcs[at].asleep_until_ms = i64::MIN;
            self.start_pc(at);
            self.finish_call(at);
        }
        self.settle_standing();
    }

    /// A contact under way comes to its end.
    pub fn finish_call(&mut self, at: usize) {
        for _ in 0..100_000 {
            if !self.pcs[at].is_calling() {
                return;
            }
            self.step(at);
        }
        self.broke(format!("PC {at}: a contact does not end"));
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

/// How far the clock of each PC is from the truth when everything begins.
fn plan_skew_ms(plan: &Plan) -> Vec<i64> {
    let most = plan.options.skew;
    let mut dice = stream(plan.seed, 6);
    (0..plan.options.pcs).map(|_| dice.below(2 * most * 1000 + 1) as i64 - (most * 1000) as i64).collect()
}

/// A hub that knows the PCs and the hostile devices.
fn make_hub(pcs: &[Pc]) {
    let mut store = SqliteStore::open_on(NAME, &Disk::path(HUB_DISK, STORE)).expect("a sound disk");
    let devices = pcs.iter().map(|pc| (pc.replica(), pc.office, pc.key.public_key(), pc.member.prefix.number()));
    let enemies = [(ENEMY, ENEMY_OFFICE, key(201).public_key(), 999), (COLLEAGUE, 0, key(202).public_key(), 998)];
    let made = transact_with(&mut store, |tx| {
        tx.put_hub(&HubIdentity { replica: HUB, name: "Pusat".to_owned(), created_ms: BEGINNING_MS })?;
        for (id, office, public_key, prefix) in devices.chain(enemies) {
            let code = office_code(office).parse().expect("a code");
            if tx.office(&code)?.is_none() {
                let name = format!("Kantor {office}");
                tx.put_office(&Office { code: code.clone(), name, added_ms: BEGINNING_MS, paused_ms: None })?;
            }
            tx.put_replica(&Replica {
                id,
                office: code,
                name: format!("PC {id}"),
                public_key,
                prefix,
                certificate: Certificate { serial: vec![1], from_ms: BEGINNING_MS, until_ms: i64::MAX },
                standing: Standing::Active,
                enrolled_ms: BEGINNING_MS,
                run_now: None,
                twin_seen_ms: None,
                holding: Holding::default(),
                last_contact: None,
            })?;
        }
        Ok::<_, kentongan_hub::store::StoreError>(())
    });
    made.expect("a sound disk");
}
