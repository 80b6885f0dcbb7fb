//! A hub with some offices, driven as the server drives it, and what must be true of its store whatever was said to it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use kentongan_host::Clock;
use kentongan_host::clock::ManualClock;
use kentongan_hub::accept::Exchange;
use kentongan_hub::archive::MemoryArchive;
use kentongan_hub::engine::{self, Parts};
use kentongan_hub::seals::Seals;
use kentongan_hub::store::memory::MemoryStore;
use kentongan_hub::store::sqlite::SqliteStore;
use kentongan_hub::store::{
    Certificate, HubIdentity, Office, OpState, RecordFilter, Replica, Standing, Store, StoreError, Tx, transact_with,
};
use kentongan_protocol::error::Fault;
use kentongan_protocol::form::builtin::pengaduan;
use kentongan_protocol::ids::{LogId, OpId, RecordId, ReplicaId};
use kentongan_protocol::log::Holding;
use kentongan_protocol::merge::Record;
use kentongan_protocol::op::Write;
use kentongan_protocol::session::hub::Session;
use kentongan_protocol::wire::v1::Marks;

use crate::Dice;
use crate::sim::disk::{Disk, Image, NAME, register};
use crate::sim::world::{key, office_code};

/// When every story begins.
pub(super) const NOW_MS: i64 = 1_795_000_000_000;
/// The hub as a replica.
pub(super) const HUB: ReplicaId = ReplicaId(0xb0b0);
/// An honest PC of the first office.
pub(super) const SARI: ReplicaId = ReplicaId(1);
/// An honest PC of the second office.
pub(super) const BUDI: ReplicaId = ReplicaId(2);
/// A PC of the third office, in bad hands.
pub(super) const ENEMY: ReplicaId = ReplicaId(3);
/// Numbers of their keys, see [`key`].
pub(super) const KEYS: [(ReplicaId, u8); 4] = [(SARI, 1), (BUDI, 2), (ENEMY, 3), (HUB, 9)];

/// Slot of the disk of a hub that keeps its store in a file.
const DISK: u64 = 95;

thread_local! {
    static DRAWN: Cell<u64> = const { Cell::new(0) };
}

/// Random ids that repeat.
fn draw() -> u64 {
    DRAWN.with(|drawn| {
        drawn.set(drawn.get().wrapping_add(1));
        Dice::new(drawn.get()).number()
    })
}

/// A hub.
pub(super) struct Hub {
    store: Box<dyn Store>,
    pub(super) hub: Arc<engine::Hub>,
    /// The furthest marks that were told, by whom they were told: of others' logs nothing is said.
    told: BTreeMap<(ReplicaId, LogId), (u64, u64)>,
}

impl Hub {
    pub(super) fn in_memory() -> Hub {
        Hub::with(Box::new(MemoryStore::default()))
    }

    /// In SQLite, on a disk in memory.
    pub(super) fn in_sqlite() -> Hub {
        thread_local! {
            static EMPTY: std::cell::OnceCell<Image> = const { std::cell::OnceCell::new() };
        }
        register();
        Disk::insert(DISK);
        EMPTY.with(|empty| {
            if let Some(image) = empty.get() {
                Disk::at(DISK).borrow_mut().put_image(image);
            }
            let store = SqliteStore::open_on(NAME, &Disk::path(DISK, "store.db")).expect("opens");
            let _ = empty.get_or_init(|| Disk::at(DISK).borrow().image());
            Hub::with(Box::new(store))
        })
    }

    fn with(mut store: Box<dyn Store>) -> Hub {
        DRAWN.set(0);
        let clock = Arc::new(ManualClock::at(NOW_MS)) as Arc<dyn Clock>;
        let archive = Arc::new(MemoryArchive::default());
        let parts =
            Parts { clock, key: key(9), archive, seals: Some(Arc::new(Seals::of(&[5; 32]))), random: draw, boot: 1 };
        let hub = transact_with(&mut *store, |tx| {
            tx.put_hub(&HubIdentity { replica: HUB, name: "Kota Contoh".to_owned(), created_ms: NOW_MS })?;
            for (place, (id, number)) in KEYS.into_iter().filter(|(id, _)| *id != HUB).enumerate() {
                enrol(tx, id, number, place)?;
            }
            let hub = engine::Hub::open(tx, parts)?.expect("a hub is in the store");
            hub.begin_serving(tx).map(|_| hub)
        });
        let hub = hub.expect("an empty store takes it");
        super::updates::stage(&hub);
        Hub { store, hub: Arc::new(hub), told: BTreeMap::new() }
    }

    /// Work on the store. Whatever others said, the store does not fail.
    pub(super) fn done<T>(&mut self, work: impl FnOnce(&mut dyn Tx, &engine::Hub) -> Result<T, StoreError>) -> T {
        let hub = Arc::clone(&self.hub);
        transact_with(&mut *self.store, |tx| work(tx, &hub)).unwrap_or_else(|error| panic!("the store failed: {error}"))
    }

    /// A whole request; the reply, or the fault that ended it.
    pub(super) fn serve(&mut self, speaker: ReplicaId, request: &[u8]) -> Result<Vec<u8>, Fault> {
        let (mut session, mut exchange) = (Session::new(speaker), Exchange::new(speaker));
        session.push(request);
        while let Some(event) = session.next_event()? {
            self.done(|tx, hub| exchange.event(hub, tx, event, NOW_MS))?;
        }
        if !session.is_ended() {
            return Err(Fault::Cut);
        }
        let marks = self.done(|tx, hub| exchange.marks(hub, tx, NOW_MS));
        self.check_marks(speaker, &marks);
        let mut reply = exchange.begin_reply(session.reply(), &marks);
        while !exchange.is_over() {
            self.done(|tx, hub| exchange.next_part(hub, tx, NOW_MS, &mut reply));
        }
        Ok(reply)
    }

    /// An operator's answer to the first complaint.
    pub(super) fn answer(&mut self, text: &str) {
        self.done(|tx, hub| {
            let row = tx.records(&RecordFilter::default(), kentongan_hub::store::Page::After(0), 1)?.remove(0);
            let record = load(tx, row.id)?;
            let value = kentongan_protocol::form::Value::Text(text.to_owned());
            let write = Write { group: pengaduan::group::JAWABAN, values: [(151, value)].into(), ..Write::default() };
            hub.change(tx, &row, &record, "operator", vec![write]).expect("written");
            Ok(())
        });
    }

    /// Nothing is told that is not held, and nothing told is taken back.
    fn check_marks(&mut self, speaker: ReplicaId, marks: &Marks) {
        for (log, stored, durable) in &marks.logs.0 {
            let log = LogId::from_bytes(*log);
            let held = self.done(|tx, _| tx.log(log)).map_or(0, |log| log.stored);
            let told = self.told.entry((speaker, log)).or_insert((0, 0));
            assert!(*stored <= held, "told of log {log}: {stored}, held: {held}");
            assert!(durable <= stored && (*stored, *durable) >= *told, "log {log}: {stored}, {durable} after {told:?}");
            *told = (*stored, *durable);
        }
    }

    /// Every log is whole: its ops are numbered without gaps and chained to its head, and what was told is there.
    pub(super) fn check_logs(&mut self) {
        let told = self.told.clone();
        self.done(|tx, _| {
            for (replica, _) in KEYS {
                let mut holding = Holding::default();
                for log in tx.logs_of(replica, None, usize::MAX)? {
                    let mut chain = log.head.chain_start();
                    let ops = tx.ops_from(log.head.log(), 1, usize::MAX, usize::MAX)?;
                    for (seq, op) in (1..).zip(&ops) {
                        chain = chain.then(&op.bytes);
                        assert_eq!((op.id, op.chain), (OpId { log: log.head.log(), seq }, chain), "a chain is broken");
                    }
                    assert_eq!((log.stored, log.chain), (ops.len() as u64, chain), "a mark is wrong");
                    let told = told.get(&(replica, log.head.log()));
                    assert!(told.is_none_or(|told| told.0 <= log.stored), "told and not held");
                    holding.moved(log.head.log(), 0, log.stored);
                }
                if let Some(replica) = tx.replica(replica)? {
                    assert_eq!(replica.holding, holding, "what is held of {} is counted wrong", replica.id);
                }
            }
            Ok(())
        });
    }

    /// Records, by their name, as merged.
    pub(super) fn digests(&mut self, records: &[RecordId]) -> Vec<[u8; 32]> {
        records.iter().map(|id| self.done(|tx, _| load(tx, *id)).digest()).collect()
    }

    /// Ops of these records that are stored, whatever became of them.
    pub(super) fn records_of(&mut self, office: usize) -> Vec<RecordId> {
        let filter = RecordFilter { office: office_code(office).parse().ok(), ..RecordFilter::default() };
        let page = kentongan_hub::store::Page::After(0);
        self.done(|tx, _| tx.records(&filter, page, usize::MAX)).iter().map(|row| row.id).collect()
    }
}

fn enrol(tx: &mut dyn Tx, id: ReplicaId, number: u8, place: usize) -> Result<(), StoreError> {
    let office: kentongan_protocol::ids::OfficeCode = office_code(place).parse().expect("a code");
    let name = office.to_string();
    tx.put_office(&Office { code: office.clone(), name, added_ms: NOW_MS, paused_ms: None })?;
    tx.put_replica(&Replica {
        id,
        office,
        name: format!("PC {id}"),
        public_key: key(number).public_key(),
        prefix: number.into(),
        certificate: Certificate { serial: vec![1], from_ms: NOW_MS - 1, until_ms: NOW_MS + 1_000_000_000 },
        standing: Standing::Active,
        enrolled_ms: NOW_MS,
        run_now: None,
        twin_seen_ms: None,
        holding: Holding::default(),
        last_contact: None,
    })
}

/// A record from its merged ops.
fn load(tx: &mut dyn Tx, id: RecordId) -> Result<Record, StoreError> {
    let mut record = Record::new(id);
    for stored in tx.ops_of(id)? {
        if stored.state == OpState::Merged {
            record.apply(stored.id, &stored.op().map_err(|_| StoreError::Damaged("a merged op"))?);
        }
    }
    Ok(record)
}
