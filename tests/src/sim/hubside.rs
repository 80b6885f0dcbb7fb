//! The hub's machine: one or two processes on one store, driven as the server drives them.
//!
//! The server's loop around the accept path reads a socket; this one is given pieces of a request. What is one
//! transaction there is one here: the events of a piece, then the last events with the marks and the first part of the
//! reply, then each further part.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use kentongan_host::Clock;
use kentongan_hub::accept::Exchange;
use kentongan_hub::backup;
use kentongan_hub::engine::{Hub, Parts, Sign};
use kentongan_hub::store::sqlite::SqliteStore;
use kentongan_hub::store::{StoreError, Tx, transact_with};
use kentongan_protocol::error::Fault;
use kentongan_protocol::ids::{LogId, ReplicaId};
use kentongan_protocol::session::hub::{Event, Session, refusal, refusal_for};
use kentongan_protocol::wire::frame::PREAMBLE;
use kentongan_protocol::wire::v1::{Marks, Refusal};

use rusqlite::{Connection, OpenFlags};

use super::clock::SimClock;
use super::disk::{Disk, NAME};
use super::tale::Tale;
use super::vault::VaultShelf;
use crate::Dice;

/// The disk of the hub.
pub const HUB_DISK: u64 = 0;
/// File of a store.
pub const STORE: &str = "store.db";
/// The first part of a reply ends after this many bytes, as in the server.
const FIRST_PART_BYTES_AIM: usize = 16 * 1024;

thread_local! {
    static DRAWN: Cell<u64> = const { Cell::new(0) };
}

/// Random ids of the hub, by the run's seed.
fn draw() -> u64 {
    DRAWN.with(|drawn| {
        let mut dice = Dice::new(drawn.get());
        let number = dice.number();
        drawn.set(drawn.get().wrapping_add(0x9e37_79b9_7f4a_7c15));
        number
    })
}

/// Begins the hub's random ids from a seed.
pub fn seed_ids(seed: u64) {
    DRAWN.set(seed);
}

/// The hub's machine.
#[derive(Debug)]
pub struct HubHost {
    processes: Vec<(SqliteStore, Arc<Hub>)>,
    /// Clock of the machine.
    pub clock: Arc<SimClock>,
    key: Arc<dyn Sign>,
    boot: u64,
    /// Counts starts and stops: a connection of an earlier life is dead.
    pub life: u64,
    /// Counts restores: marks may only go back with it.
    pub line: u64,
    /// The furthest that each log was ever held, after a commit.
    pub ever: BTreeMap<LogId, u64>,
    /// The furthest that was told of each log in this line: stored and durable.
    told: BTreeMap<LogId, (u64, u64)>,
}

/// A request on its way in and its reply on its way out.
pub struct Conn {
    life: u64,
    process: usize,
    session: Session,
    exchange: Option<Box<Exchange>>,
    waiting: Vec<Event>,
}

/// Why there is no ordinary reply.
#[derive(Debug)]
pub enum Stop {
    /// The speaker broke the protocol; it is told so.
    Fault(Fault),
    /// The store failed.
    Store(StoreError),
    /// The process is not there any more.
    Dead,
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Stop {
        Stop::Store(error)
    }
}

impl HubHost {
    /// A machine with nothing running.
    pub fn new(clock: Arc<SimClock>, key: Arc<dyn Sign>) -> HubHost {
        HubHost {
            processes: Vec::new(),
            clock,
            key,
            boot: 1,
            life: 0,
            line: 0,
            ever: BTreeMap::new(),
            told: BTreeMap::new(),
        }
    }

    /// Starts a process. `false` if it does not start.
    pub fn start(&mut self) -> Result<(), String> {
        let path = Disk::path(HUB_DISK, STORE);
        let mut store = SqliteStore::open_on(NAME, &path).map_err(|error| format!("{error:?}"))?;
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let parts = Parts { clock, key: Arc::clone(&self.key), random: draw, boot: self.boot };
        let hub = transact_with(&mut store, |tx| {
            let hub = Hub::open(tx, parts)?.ok_or(StoreError::Damaged("no hub in the store"))?;
            hub.begin_serving(tx)?;
            Ok::<_, StoreError>(hub)
        });
        self.processes.push((store, Arc::new(hub.map_err(|error| format!("{error:?}"))?)));
        Ok(())
    }

    /// Whether any process runs.
    pub fn is_up(&self) -> bool {
        !self.processes.is_empty()
    }

    /// Processes running.
    pub fn count(&self) -> usize {
        self.processes.len()
    }

    /// Ends the second process.
    pub fn end_second(&mut self) {
        self.processes.truncate(1);
        self.life += 1;
    }

    /// Ends everything that runs, at once.
    pub fn end(&mut self) {
        self.processes.clear();
        self.life += 1;
    }

    /// The machine starts anew.
    pub fn reboot(&mut self) {
        self.boot = draw();
        self.clock.boot();
    }

    /// The store was put back to an earlier moment. Gives back what was told until then.
    pub fn restored(&mut self) -> BTreeMap<LogId, (u64, u64)> {
        self.line += 1;
        std::mem::take(&mut self.told)
    }

    /// What was told as held is held.
    pub fn check_told(&mut self, tale: &mut Tale) {
        let told = self.told.clone();
        let mut held = BTreeMap::new();
        let checked = self.work(|tx, _| {
            // A commit whose flush failed may be there all the same.
            for replica in tx.replicas()? {
                held.extend(tx.logs_of(replica.id, None, usize::MAX)?.iter().map(|log| (log.head.log(), log.stored)));
            }
            for (log, (stored, durable)) in told {
                let here = tx.log(log)?.map_or((0, 0), |log| (log.stored, log.durable));
                if here.0 < stored || here.1 < durable {
                    return Ok(Some(format!("told of log {log}: {stored} ({durable}), held: {here:?}")));
                }
            }
            Ok(None)
        });
        let held: Vec<_> = held.into_iter().collect();
        self.now_held(&held);
        if let Ok(Some(what)) = checked {
            tale.broke(format!("acknowledged and not at the hub: {what}"));
        }
    }

    /// Makes a copy beside the running hub by the steps of the command, and has the marks raised. `patience` is how many
    /// steps it may take. Says how it ended.
    pub fn back_up(&mut self, shelf: &mut VaultShelf, patience: u64) -> String {
        let Ok(source) = self.beside() else { return "the store cannot be read".to_owned() };
        let now_ms = self.clock.wall_ms();
        let mut steps = 0;
        let mut go_on = |_, _| {
            steps += 1;
            steps <= patience
        };
        let made = backup::make(&source, shelf, now_ms, &mut go_on, |logs, made_ms| {
            self.work(|tx, _| backup::raise(tx, logs, made_ms))
        });
        match made {
            Ok(made) => format!("{} logs, marks raised: {}", made.holds.logs.len(), made.raised.is_ok()),
            Err(fault) => fault.to_string(),
        }
    }

    /// A connection beside that of the hub.
    fn beside(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Connection::open_with_flags_and_vfs(Disk::path(HUB_DISK, STORE), flags, NAME)
    }

    /// Nothing that was told as safe is missing after the newest copy was put back.
    pub fn check_safe(&mut self, told: &BTreeMap<LogId, (u64, u64)>, tale: &mut Tale) {
        let missing = self.work(|tx, _| {
            for (log, (_, durable)) in told {
                let stored = tx.log(*log)?.map_or(0, |log| log.stored);
                if stored < *durable {
                    return Ok(Some(format!("log {log}: {durable} were called safe, {stored} came back")));
                }
            }
            Ok(None)
        });
        if let Ok(Some(what)) = missing {
            tale.broke(format!("called safe and not in the newest copy: {what}"));
        }
    }

    /// The durable marks of all logs, as they stand.
    pub fn durable(&self) -> Vec<(LogId, u64)> {
        let read = self.beside().and_then(|db| {
            let mut select = db.prepare("SELECT log, durable FROM logs WHERE durable > 0")?;
            let number = |row: &rusqlite::Row<'_>, place| row.get::<_, i64>(place).map(|number| number as u64);
            let rows = select.query_map([], |row| Ok((LogId(number(row, 0)?), number(row, 1)?)))?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        });
        read.unwrap_or_default()
    }

    /// Work of an operator or of the simulator on the store.
    pub fn work<T>(&mut self, work: impl FnOnce(&mut dyn Tx, &Hub) -> Result<T, StoreError>) -> Result<T, Stop> {
        let Some((store, hub)) = self.processes.first_mut() else { return Err(Stop::Dead) };
        Ok(transact_with(store, |tx| work(tx, hub))?)
    }

    /// Begins a request of `speaker`.
    pub fn connect(&self, speaker: ReplicaId, dice: &mut Dice) -> Result<Conn, Stop> {
        if self.processes.is_empty() {
            return Err(Stop::Dead);
        }
        Ok(Conn {
            life: self.life,
            process: dice.below(self.processes.len() as u64) as usize,
            session: Session::new(speaker),
            exchange: Some(Box::new(Exchange::new(speaker))),
            waiting: Vec::new(),
        })
    }

    fn process<'a>(
        processes: &'a mut [(SqliteStore, Arc<Hub>)],
        life: u64,
        conn: &Conn,
    ) -> Result<&'a mut (SqliteStore, Arc<Hub>), Stop> {
        processes.get_mut(conn.process).filter(|_| life == conn.life).ok_or(Stop::Dead)
    }

    /// Takes a piece of a request.
    pub fn receive(&mut self, conn: &mut Conn, bytes: &[u8]) -> Result<(), Stop> {
        if self.life != conn.life {
            return Err(Stop::Dead);
        }
        conn.session.push(bytes);
        loop {
            match conn.session.next_event() {
                Ok(Some(event)) => conn.waiting.push(event),
                Ok(None) => break,
                // The server, too, has stored by then what came in earlier pieces.
                Err(fault) => return Err(Stop::Fault(fault)),
            }
        }
        if conn.waiting.is_empty() || conn.session.is_ended() {
            return Ok(());
        }
        let (events, mut exchange) = conn.take()?;
        let batches = batches(&events);
        let now_ms = self.clock.wall_ms();
        let (store, hub) = Self::process(&mut self.processes, self.life, conn)?;
        let (spoken, held) = transact_with(store, |tx| {
            let spoken = apply(&mut exchange, hub, tx, events, now_ms)?;
            Ok::<_, StoreError>((spoken, held(tx, &batches)?))
        })?;
        conn.exchange = Some(exchange);
        self.now_held(&held);
        spoken.map_err(Stop::Fault)
    }

    /// The request has ended: the first part of the reply.
    pub fn first_part(&mut self, conn: &mut Conn, tale: &mut Tale) -> Result<Vec<u8>, Stop> {
        if !conn.session.is_ended() {
            return Err(Stop::Fault(Fault::Cut));
        }
        let (events, mut exchange) = conn.take()?;
        let batches = batches(&events);
        let now_ms = self.clock.wall_ms();
        let (store, hub) = Self::process(&mut self.processes, self.life, conn)?;
        let done = transact_with(store, |tx| {
            if let Err(fault) = apply(&mut exchange, hub, tx, events, now_ms)? {
                return Ok((held(tx, &batches)?, Err(fault)));
            }
            let marks = exchange.marks(tx, now_ms)?;
            let mut reply = exchange.begin_reply(&marks);
            while !exchange.is_over() && reply.len() < FIRST_PART_BYTES_AIM {
                exchange.next_frames(hub, tx, now_ms)?.iter().for_each(|frame| frame.put(&mut reply));
            }
            Ok::<_, StoreError>((held(tx, &batches)?, Ok((marks, reply))))
        })?;
        let (held, done) = done;
        self.now_held(&held);
        let (marks, reply) = done.map_err(Stop::Fault)?;
        conn.exchange = Some(exchange);
        self.watch(&marks, tale);
        Ok(reply)
    }

    /// The next part of the reply; `None` after the last.
    pub fn next_part(&mut self, conn: &mut Conn) -> Result<Option<Vec<u8>>, Stop> {
        let Some(mut exchange) = conn.exchange.take().filter(|exchange| !exchange.is_over()) else { return Ok(None) };
        let now_ms = self.clock.wall_ms();
        let (store, hub) = Self::process(&mut self.processes, self.life, conn)?;
        let frames = transact_with(store, |tx| exchange.next_frames(hub, tx, now_ms))?;
        conn.exchange = Some(exchange);
        let mut part = Vec::new();
        frames.iter().for_each(|frame| frame.put(&mut part));
        Ok(Some(part))
    }

    /// What the server says where it cannot answer.
    pub fn refused(stop: &Stop) -> Option<Vec<u8>> {
        let reason = match stop {
            Stop::Fault(fault) => refusal_for(fault),
            Stop::Store(_) => Refusal::Unable,
            Stop::Dead => return None,
        };
        let mut reply = PREAMBLE.to_vec();
        refusal(reason, 0).put(&mut reply);
        Some(reply)
    }

    fn now_held(&mut self, batches: &[(LogId, u64)]) {
        for (log, upto) in batches {
            let ever = self.ever.entry(*log).or_insert(0);
            *ever = (*upto).max(*ever);
        }
    }

    /// Nothing is told that is not held, and nothing told is taken back within a line.
    fn watch(&mut self, marks: &Marks, tale: &mut Tale) {
        for (log, stored, durable) in &marks.logs.0 {
            let log = LogId::from_bytes(*log);
            let told = self.told.entry(log).or_insert((0, 0));
            if *stored < told.0 || *durable < told.1 {
                tale.broke(format!("a mark went back: log {log} from {told:?} to {:?}", (stored, durable)));
            }
            *told = (*stored, *durable);
        }
    }
}

impl Conn {
    fn take(&mut self) -> Result<(Vec<Event>, Box<Exchange>), Stop> {
        Ok((std::mem::take(&mut self.waiting), self.exchange.take().ok_or(Stop::Dead)?))
    }
}

/// Logs of which the speaker offers ops.
fn batches(events: &[Event]) -> Vec<LogId> {
    let batch = |event: &Event| match event {
        Event::Batch(batch) => Some(batch.head.log()),
        _ => None,
    };
    events.iter().filter_map(batch).collect()
}

/// How far they are held.
fn held(tx: &mut dyn Tx, logs: &[LogId]) -> Result<Vec<(LogId, u64)>, StoreError> {
    logs.iter().map(|log| Ok((*log, tx.log(*log)?.map_or(0, |log| log.stored)))).collect()
}

fn apply(
    exchange: &mut Exchange,
    hub: &Hub,
    tx: &mut dyn Tx,
    events: Vec<Event>,
    now_ms: i64,
) -> Result<Result<(), Fault>, StoreError> {
    for event in events {
        if let Err(fault) = exchange.event(hub, tx, event, now_ms)? {
            return Ok(Err(fault));
        }
    }
    Ok(Ok(()))
}
