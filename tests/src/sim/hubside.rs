//! The hub's machine: one or two processes on one store. What the server decides about a request is decided here by the
//! same [`Call`]; this file only does its jobs, and listens to what it says.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use kentongan_host::certificate::{Facts, Validity};
use kentongan_host::{Clock, Failure};
use kentongan_hub::accept::{Bounds, Call, Input, Moment, Output, Shown};
use kentongan_hub::archive::Archive;
use kentongan_hub::backup;
use kentongan_hub::engine::{Hub, Parts, Sign};
use kentongan_hub::store::sqlite::SqliteStore;
use kentongan_hub::store::{StoreError, Tx, transact_with};
use kentongan_protocol::ids::{LogId, ReplicaId};
use kentongan_protocol::session::Line;
use kentongan_protocol::session::hub::Event;
use kentongan_protocol::wire::frame::FrameReader;
use kentongan_protocol::wire::v1::{Frame, Marks, Refusal};

use rusqlite::{Connection, OpenFlags};

use super::clock::SimClock;
use super::disk::{Disk, NAME};
use super::files::SimArchive;
use super::standing::{NEVER_S, Revoked};
use super::tale::Tale;
use super::vault::VaultShelf;
use super::version::Version;
use crate::Dice;

/// The disk of the hub.
pub const HUB_DISK: u64 = 0;
/// File of a store.
pub const STORE: &str = "store.db";
/// What a request may use.
const BOUNDS: Bounds = Bounds { request_bytes_max: 8 << 20, min_free_bytes: 1, free_bytes: Some(1 << 30) };

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
    /// Whole files, in a folder beside the store.
    pub archive: Arc<SimArchive>,
    boot: u64,
    /// Which program runs.
    pub version: Version,
    /// Certificates that devices show.
    pub certificates: BTreeMap<ReplicaId, Facts>,
    /// Devices that the operator revoked.
    pub revoked: Revoked,
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
    call: Call,
    /// Until the marks were heard.
    listens: bool,
    speaker: ReplicaId,
    /// When the certificate that was shown ends.
    ends_s: i64,
    /// Why it is to be refused, from the first job on.
    standing: Judged,
    /// The certificate that was shown when the connection was opened.
    certificate: Option<Facts>,
    /// The marks that the reply begins with.
    marks: Option<Marks>,
}

/// The hub's end of a connection between two exchanges.
#[derive(Debug)]
pub struct HubEnd {
    life: u64,
    process: usize,
    certificate: Option<Facts>,
    ends_s: i64,
    /// What it remembers.
    pub line: Line,
}

/// Whether a device may speak, as it stood when the hub asked first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Judged {
    /// The hub has not asked yet.
    Open,
    /// Nobody knows what it found.
    Unknown,
    /// It may.
    Speaks,
    /// It may not.
    Silent(Refusal),
}

/// Why nothing came of it.
#[derive(Debug)]
pub enum Stop {
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
            archive: Arc::new(SimArchive::new(HUB_DISK)),
            certificates: BTreeMap::new(),
            revoked: Revoked::new(),
            boot: 1,
            version: Version::default(),
            life: 0,
            line: 0,
            ever: BTreeMap::new(),
            told: BTreeMap::new(),
        }
    }

    /// Gives a device a certificate that holds for as long as anything is played.
    pub fn issue(&mut self, device: ReplicaId, public_key: [u8; 32]) {
        let validity = Validity { not_before_s: 0, not_after_s: NEVER_S };
        let facts = Facts { validity, common_name: Some(device.to_string()), public_key: Some(public_key) };
        self.certificates.insert(device, facts);
    }

    /// Starts a process. `false` if it does not start.
    pub fn start(&mut self) -> Result<(), String> {
        self.version.play(|| self.started())
    }

    fn started(&mut self) -> Result<(), String> {
        let path = Disk::path(HUB_DISK, STORE);
        let mut store = SqliteStore::open_on(NAME, &path).map_err(|error| format!("{error:?}"))?;
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let (key, archive) = (Arc::clone(&self.key), Arc::clone(&self.archive) as Arc<dyn Archive>);
        let parts = Parts { clock, key, archive, seals: None, random: draw, boot: self.boot };
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
        // Of what was revoked since that moment, it knows nothing.
        self.revoked.values_mut().for_each(|confirmed| *confirmed = false);
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
    /// steps it may take. Says how it ended; an error if it was not said that there is a copy.
    pub fn back_up(&mut self, shelf: &mut VaultShelf, patience: u64) -> Result<String, String> {
        let Ok(source) = self.beside() else { return Err("the store cannot be read".to_owned()) };
        let now_ms = self.clock.wall_ms();
        let Ok(backup) = self.work(|tx, _| backup::begin(tx, now_ms)) else {
            return Err("the store cannot be written".to_owned());
        };
        let mut steps = 0;
        let mut go_on = |_, _| {
            steps += 1;
            steps <= patience
        };
        let made = self.version.play(|| {
            backup::make(&source, shelf, backup, &mut go_on, |logs, whole| {
                self.work(|tx, _| backup::raise(tx, logs, whole))
            })
        });
        match made {
            Ok(made) => Ok(format!("{} logs, marks raised: {}", made.holds.logs.len(), made.raised.is_ok())),
            Err(fault) => Err(fault.to_string()),
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
        Ok(self.version.play(|| transact_with(store, |tx| work(tx, hub)))?)
    }

    /// Does what an operator asks of the hub's service. `None`: nothing runs that could.
    pub fn order<T>(
        &mut self,
        work: impl FnOnce(&mut dyn Tx, &Arc<Hub>) -> Result<T, Failure>,
    ) -> Option<Result<T, Failure>> {
        let (store, hub) = self.processes.first_mut()?;
        Some(self.version.play(|| transact_with(store, |tx| work(tx, hub))))
    }

    /// Begins a request of `speaker`, who shows its certificate.
    ///
    /// # Errors
    /// If nobody listens.
    pub fn connect(&self, speaker: ReplicaId, dice: &mut Dice) -> Result<Conn, Stop> {
        if self.processes.is_empty() {
            return Err(Stop::Dead);
        }
        let process = dice.below(self.processes.len() as u64) as usize;
        let (certificate, ends_s) = (self.certificates.get(&speaker).cloned(), self.ends_s(speaker));
        self.go_on(speaker, HubEnd { life: self.life, process, certificate, ends_s, line: Line::default() })
    }

    /// Begins a request of `speaker` that somebody carried: its certificate is not asked for.
    ///
    /// # Errors
    /// If nobody is there.
    pub fn carried(&self, speaker: ReplicaId, dice: &mut Dice) -> Result<Conn, Stop> {
        if self.processes.is_empty() {
            return Err(Stop::Dead);
        }
        let process = dice.below(self.processes.len() as u64) as usize;
        let call = Call::new(Shown::signed(speaker), BOUNDS, Line::default(), Moment::of(&*self.clock)).carried();
        let (life, certificate) = (self.life, None);
        let (standing, marks) = (Judged::Open, None);
        Ok(Conn { life, process, call, listens: true, speaker, ends_s: NEVER_S, standing, certificate, marks })
    }

    /// Begins a request of `speaker` on a connection that is open.
    ///
    /// # Errors
    /// If its process has ended.
    pub fn go_on(&self, speaker: ReplicaId, end: HubEnd) -> Result<Conn, Stop> {
        if !self.holds(&end) {
            return Err(Stop::Dead);
        }
        let HubEnd { life, process, certificate, ends_s, line } = end;
        let shown = Shown::new(certificate.clone());
        let call = Call::new(shown, BOUNDS, line, Moment::of(&*self.clock));
        let (standing, marks) = (Judged::Open, None);
        Ok(Conn { life, process, call, listens: true, speaker, ends_s, standing, certificate, marks })
    }

    /// Whether the process at this end of a connection still runs.
    pub fn holds(&self, end: &HubEnd) -> bool {
        self.life == end.life && end.process < self.processes.len()
    }

    /// Something arrives, and perhaps nothing is done about it yet.
    ///
    /// # Errors
    /// If the process has ended.
    pub fn arrive(&mut self, conn: &mut Conn, input: Input) -> Result<(), Stop> {
        if self.life != conn.life {
            return Err(Stop::Dead);
        }
        self.version.play(|| conn.call.take(input, Moment::of(&*self.clock)));
        Ok(())
    }

    /// Does the jobs that are to be done, and gives what is sent then.
    ///
    /// # Errors
    /// If the process has ended.
    pub fn answer(&mut self, conn: &mut Conn, tale: &mut Tale) -> Result<Option<Output>, Stop> {
        self.version.play(|| self.answered(conn, tale))
    }

    fn answered(&mut self, conn: &mut Conn, tale: &mut Tale) -> Result<Option<Output>, Stop> {
        loop {
            if self.life != conn.life {
                return Err(Stop::Dead);
            }
            if let Some(output) = conn.call.next_output() {
                self.listen(conn, &output, tale);
                return Ok(Some(output));
            }
            let Some(job) = conn.call.next_job() else { return Ok(conn.call.next_output()) };
            let logs = batches(job.events());
            let now = Moment::of(&*self.clock);
            let expected = self.expected(conn.speaker, conn.ends_s);
            let (store, hub) = self.processes.get_mut(conn.process).ok_or(Stop::Dead)?;
            let done = transact_with(store, |tx| {
                let before = held(tx, &logs)?;
                let done = job.run(hub, tx, now)?;
                Ok::<_, StoreError>((done, before, held(tx, &logs)?))
            });
            let done = done.map(|(done, before, held)| {
                conn.marks = done.marks().cloned().or(conn.marks.take());
                conn.asked(expected);
                if matches!(conn.standing, Judged::Silent(_)) && before != held {
                    tale.broke(format!("something was taken of {}, which may not speak", conn.speaker));
                }
                self.now_held(&held);
                done
            });
            // A store that failed answered nothing.
            conn.asked(None);
            if let Err(error) = &done {
                tale.tell(|| format!("   the hub's store: {error:?}"));
            }
            conn.call.done(done);
        }
    }

    /// Whatever a reply tells of what is held is noted.
    fn listen(&mut self, conn: &mut Conn, output: &Output, tale: &mut Tale) {
        let (Output::Whole(bytes) | Output::Part(bytes)) = output else { return };
        if !conn.listens && !matches!(conn.standing, Judged::Silent(_)) {
            return;
        }
        if let (false, Judged::Silent(_)) = (conn.listens, conn.standing) {
            tale.broke(format!("something was given to {}, which may not speak", conn.speaker));
        }
        conn.listens = false;
        if let Some(marks) = conn.marks.take() {
            if matches!(conn.standing, Judged::Silent(_)) {
                tale.broke(format!("{} was answered and may not speak: {:?}", conn.speaker, conn.standing));
            }
            return self.watch(&marks, tale);
        }
        let mut reader = FrameReader::new();
        reader.push(bytes);
        let first = reader.next_frame().ok().flatten().and_then(|raw| Frame::decode(&raw).ok().flatten());
        match first {
            Some(Frame::Refused(refused)) => {
                tale.tell(|| format!("   the hub refuses: {refused:?}"));
                let said = Refusal::from_number(refused.reason);
                let right = match (conn.standing, said) {
                    (Judged::Silent(why), said) => said == Some(why),
                    (Judged::Speaks, Some(Refusal::Revoked | Refusal::Expired)) => false,
                    _ => true,
                };
                if !right {
                    tale.broke(format!("{} is refused by {said:?}, its standing is {:?}", conn.speaker, conn.standing));
                }
            }
            _ => tale.broke("a reply that begins neither with marks nor with a refusal"),
        }
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
    /// The hub's end of the connection for the next exchange, if this one was whole.
    pub fn into_end(self) -> Option<HubEnd> {
        let Conn { life, process, certificate, ends_s, call, .. } = self;
        let line = call.into_line()?;
        Some(HubEnd { life, process, certificate, ends_s, line })
    }

    /// The hub asked whether the device may speak; it asks once for a request.
    fn asked(&mut self, expected: Option<Option<Refusal>>) {
        if self.standing == Judged::Open {
            self.standing = expected.map_or(Judged::Unknown, |refusal| refusal.map_or(Judged::Speaks, Judged::Silent));
        }
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
