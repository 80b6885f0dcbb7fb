//! An office PC: its folder, its clock, the program on it, and the people before it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use kentongan_agent::agenda::Agenda;
use kentongan_agent::rules::Rules;
use kentongan_agent::store::{Health, Machine, Member, Salvaged, Store, StoreError};
use kentongan_agent::sync::{Caller, ContactReport, Keeper, contact};
use kentongan_host::Clock;
use kentongan_host::identity::SigningKey;
use kentongan_host::store_thread::Broken;
use kentongan_protocol::attachment::ContentHash;
use kentongan_protocol::form::{FieldTag, GroupTag, Value};
use kentongan_protocol::ids::{LogId, OpId, RecordId, ReplicaId};
use kentongan_protocol::pack::Primed;
use kentongan_protocol::session::pacing::Pacing;

use super::clock::SimClock;
use super::disk::{Disk, Image, NAME};
use super::hubside::STORE;
use super::link::{Kept, Link};
use super::plan::stream;
use super::version::Version;
use crate::Dice;

/// As a PC is set up that nobody configured.
pub const PACING: Pacing = Pacing { interval_ms: 300_000, backoff_ms_max: 300_000, jitter_percent: 20 };

thread_local! {
    /// A store with nothing in it, so that not every run makes its tables anew.
    static EMPTY: RefCell<Option<Image>> = const { RefCell::new(None) };
}

/// The store of a running program, or none while it does not run.
#[derive(Clone, Default)]
pub struct Desk {
    store: Arc<Mutex<Option<Store>>>,
    /// Which program that is.
    pub version: Version,
}

impl Desk {
    /// Does something with the store, if the program runs.
    pub fn with<T>(&self, work: impl FnOnce(&mut Store) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let store = store.as_mut().ok_or(StoreError::Thread(Broken::Stopped))?;
        self.version.play(|| work(store))
    }

    fn put(&self, store: Option<Store>) {
        *self.store.lock().unwrap_or_else(PoisonError::into_inner) = store;
    }

    fn is_open(&self) -> bool {
        self.store.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}

impl Keeper for Desk {
    async fn keep<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.with(work)
    }
}

/// A form that was opened and not yet saved.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The record.
    pub record: RecordId,
    /// Who has it open.
    pub author: String,
    /// The group they change.
    pub group: GroupTag,
    /// What they type.
    pub values: BTreeMap<FieldTag, Value>,
    /// The heads that the form showed.
    pub seen: Vec<OpId>,
    /// The office that it is routed to, if it is.
    pub routes_to: Option<usize>,
}

/// A copy of a PC's folder.
#[derive(Debug, Clone)]
pub struct Copied {
    image: Image,
    saved: BTreeMap<LogId, u64>,
    files: BTreeSet<ContentHash>,
}

/// A contact under way.
type Call = Pin<Box<dyn Future<Output = Result<ContactReport, StoreError>>>>;

/// A PC.
pub struct Pc {
    /// Its office, by place.
    pub office: usize,
    /// What enrolment gave.
    pub member: Member,
    /// Its key.
    pub key: Arc<SigningKey>,
    /// Slot of its disk.
    pub disk: u64,
    /// Its clock.
    pub clock: Arc<SimClock>,
    /// Its program.
    pub desk: Desk,
    seed: u64,
    starts: u64,
    call: Option<Call>,
    /// Whether its loop asked for that contact, not a person.
    pub own_call: bool,
    /// Its connection to the hub, if one is open.
    pub kept: Kept,
    /// Its loop asked for a contact while one was under way that a person asked for.
    pub call_waits: bool,
    /// What its loop waits for, while the program runs.
    pub agenda: Option<Agenda>,
    /// Its settings.
    pub pacing: Pacing,
    /// Dice of its loop.
    pub jitter: Dice,
    /// It sleeps until this true time.
    pub asleep_until_ms: i64,
    /// Forms that are open.
    pub drafts: Vec<Draft>,
    /// Of each log written in this folder: the last op that was shown as saved.
    pub saved: BTreeMap<LogId, u64>,
    /// Files attached in this folder that were shown as saved.
    pub files: BTreeSet<ContentHash>,
    /// Copies of the folder.
    pub copies: Vec<Copied>,
    /// Of its contact under way: how often the hub had been put back when it began.
    pub call_line: u64,
}

impl Pc {
    /// A new PC with an empty disk.
    pub fn new(office: usize, member: Member, key: Arc<SigningKey>, disk: u64, clock: SimClock, seed: u64) -> Pc {
        Disk::insert(disk);
        Pc {
            office,
            member,
            key,
            disk,
            clock: Arc::new(clock),
            desk: Desk::default(),
            seed,
            starts: 0,
            call: None,
            own_call: false,
            kept: Kept::default(),
            call_waits: false,
            agenda: None,
            pacing: PACING,
            jitter: stream(seed, 9),
            asleep_until_ms: i64::MIN,
            drafts: Vec::new(),
            saved: BTreeMap::new(),
            files: BTreeSet::new(),
            copies: Vec::new(),
            call_line: 0,
        }
    }

    /// A PC with this folder on its disk; who it is, the store knows.
    pub fn on(disk: u64, image: &Image, key: Arc<SigningKey>, clock: SimClock) -> Pc {
        let member = Member {
            replica: ReplicaId(0),
            office: "32.73.05.1001".parse().expect("a code"),
            office_name: String::new(),
            prefix: kentongan_protocol::receipt::Prefix::new(1).expect("a prefix"),
            hub_url: String::new(),
            hub_replica: ReplicaId(0),
        };
        let pc = Pc::new(0, member, key, disk, clock, 7);
        pc.disk().borrow_mut().put_image(image);
        pc
    }

    /// Its id.
    pub fn replica(&self) -> ReplicaId {
        self.member.replica
    }

    /// Its disk.
    pub fn disk(&self) -> super::disk::Shared {
        Disk::at(self.disk)
    }

    /// Whether the program runs.
    pub fn is_up(&self) -> bool {
        self.desk.is_open()
    }

    /// Starts the program.
    ///
    /// # Errors
    /// Why it does not start.
    pub fn start(&mut self) -> Result<(), StoreError> {
        self.starts += 1;
        let mut dice = stream(self.seed, 100 + self.starts);
        let fresh = self.disk().borrow().len_of(STORE) == 0;
        if fresh {
            EMPTY.with_borrow(|empty| empty.as_ref().map(|empty| self.disk().borrow_mut().put_image(empty)));
        }
        let machine = Machine {
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            boot: dice.number(),
            random: Box::new(move || dice.number()),
        };
        let version = self.desk.version;
        let mut store = version.play(|| Store::open_on(NAME, &Disk::path(self.disk, STORE), machine))?;
        if fresh && version == Version::Present {
            EMPTY.with_borrow_mut(|empty| empty.get_or_insert_with(|| self.disk().borrow().image()).len());
        }
        if store.member().is_none() {
            version.play(|| store.join(&self.member))?;
        }
        self.desk.put(Some(store));
        self.agenda = Some(Agenda::new(self.pacing, self.clock.boot_ms(), 0));
        Ok(())
    }

    /// Starts the program on what is readable of a damaged folder, as it does by itself: in a fresh store, which then
    /// takes the place of the damaged one. `saved`: ops of this PC that were in it, as the mark beside it counts.
    ///
    /// # Errors
    /// Why it does not start.
    pub fn start_on_remains(&mut self, damaged: &Image, saved: u64) -> Result<Salvaged, StoreError> {
        self.disk().borrow_mut().put_image(&Image::default());
        self.start()?;
        let file = |name: &str| damaged.file(name).map(|bytes| Cursor::new(bytes.to_vec()));
        let remains = Store::remains(file(STORE).unwrap_or_default(), file(&format!("{STORE}-wal")));
        let mut remains = remains.expect("memory has a length");
        self.desk.with(|store| store.take_in(&mut remains, saved, "a flipped bit"))
    }

    /// Ends the program at once. What people had open is gone.
    pub fn end(&mut self) {
        self.call = None;
        self.call_waits = false;
        self.agenda = None;
        self.drafts.clear();
        self.desk.put(None);
        self.kept = Kept::default();
    }

    /// Begins a contact, if none is under way. `packs`: its program may pack ops.
    pub fn call(&mut self, link: Link, packs: bool) -> bool {
        if self.call.is_some() || !self.is_up() {
            return false;
        }
        self.call_line = link.shared.net().hub.line;
        let (desk, key) = (self.desk.clone(), Arc::clone(&self.key));
        self.call = Some(Box::pin(async move {
            let health = Health { free_bytes: 1 << 30, program: "sim".to_owned() };
            // An agent primes a model for each stream; here all streams copy one that was primed once.
            let packs = packs.then_some(Primed::Kept);
            contact(&desk, &Caller { transport: link, key, health, packs, rules: Rules::default(), coming: None }).await
        }));
        true
    }

    /// Whether a contact is under way.
    pub fn is_calling(&self) -> bool {
        self.call.is_some()
    }

    /// Goes on with the contact for a step; gives its report when it has ended.
    pub fn step(&mut self) -> Option<Result<ContactReport, StoreError>> {
        let (call, version) = (self.call.as_mut()?, self.desk.version);
        match version.play(|| call.as_mut().poll(&mut Context::from_waker(Waker::noop()))) {
            Poll::Pending => None,
            Poll::Ready(ended) => {
                self.call = None;
                Some(ended)
            }
        }
    }

    /// Copies the folder as it is, in the middle of whatever happens.
    pub fn copy(&self) -> Copied {
        Copied { image: self.disk().borrow().image(), saved: self.saved.clone(), files: self.files.clone() }
    }

    /// Puts the folder back. The program must have ended.
    pub fn put_back(&mut self, copy: &Copied) {
        self.disk().borrow_mut().put_image(&copy.image);
        self.saved = copy.saved.clone();
        self.files = copy.files.clone();
    }

    /// A second PC with a copy of this one's folder.
    pub fn cloned(&self, disk: u64, clock: SimClock, seed: u64) -> Pc {
        let mut twin = Pc::new(self.office, self.member.clone(), Arc::clone(&self.key), disk, clock, seed);
        twin.pacing = self.pacing;
        twin.desk.version = self.desk.version;
        twin.put_back(&self.copy());
        twin
    }

    /// Who sits before it.
    pub fn author(&self, dice: &mut Dice) -> String {
        let name = dice.pick(&["sari", "budi", "wayan"]);
        format!("{name}-{}", self.office)
    }
}
