//! Whether the promises hold: during the run what is cheap to ask, at its end everything.

use std::collections::{BTreeMap, BTreeSet};

use kentongan_agent::store::{QueueFilter, RecordState};
use kentongan_host::sqlite::{Closely, fault};
use kentongan_hub::store::OpState;
use kentongan_protocol::clock::Hlc;
use kentongan_protocol::form::builtin::{self, pengaduan};
use kentongan_protocol::ids::{LogId, OfficeCode, OpId, RecordId, ReplicaId};
use kentongan_protocol::merge::GroupView;
use kentongan_protocol::op::Op;
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::disk::{Disk, NAME};
use super::hubside::{HUB_DISK, STORE};
use super::model::Known;
use super::people::{marker_of, merged};
use super::plan::Kind;
use super::version::Version;
use super::world::{ENEMY, ENEMY_OFFICE, World, office_code};

/// Rounds of contacts after which everything must have arrived everywhere.
pub const ROUNDS_MAX: u32 = 3;
/// Exchanges that a contact may take when there is nothing left to say.
const QUIET_EXCHANGES_MAX: u64 = 2;
/// Ops of a run for which a signature is due.
const UNSIGNED_MAX: i64 = 16;

/// An op as it stands at the hub.
struct AtHub {
    state: OpState,
    record: Option<RecordId>,
    marker: Option<u64>,
    writer: ReplicaId,
    office: OfficeCode,
    hlc: Hlc,
    /// What it was made in sight of.
    replaces: Vec<OpId>,
    /// It was entered again by a PC that had lost what stood before it.
    again: bool,
}

/// A connection of the checker's own to a store.
pub(super) fn look(disk: u64) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags_and_vfs(Disk::path(disk, STORE), flags, NAME)
}

fn op_id(log: [u8; 8], seq: i64) -> OpId {
    OpId { log: LogId::from_bytes(log), seq: seq as u64 }
}

/// Names of all ops in a PC's store, with the records they belong to.
pub fn ops_at_pc(disk: u64) -> rusqlite::Result<Vec<(OpId, RecordId)>> {
    let db = look(disk)?;
    let mut select = db.prepare(
        "SELECT a.log, op.id & 1099511627775, b.log, op.record & 1099511627775 FROM op \
         JOIN log_name a ON a.n = op.id >> 40 JOIN log_name b ON b.n = op.record >> 40",
    )?;
    let rows =
        select.query_map([], |row| Ok((op_id(row.get(0)?, row.get(1)?), RecordId(op_id(row.get(2)?, row.get(3)?)))))?;
    rows.collect()
}

/// Ops of others that a PC can prove to a hub that forgot them: of each log how far, and how much of its beginning was put
/// away.
fn provable_at_pc(disk: u64) -> rusqlite::Result<BTreeMap<LogId, (u64, u64)>> {
    let db = look(disk)?;
    let mut select = db.prepare(
        "SELECT log_name.log, max(attest.seq), \
         coalesce((SELECT min(op.id & 1099511627775) - 1 FROM op WHERE op.id BETWEEN log.n << 40 AND (log.n + 1) << 40), \
         log.held) FROM attest JOIN log USING (n) JOIN log_name USING (n) \
         WHERE log.own = 0 AND attest.seq <= log.held GROUP BY attest.n",
    )?;
    let rows = select.query_map([], |row| {
        let number = |place| row.get::<_, i64>(place).map(|number| number as u64);
        Ok((LogId::from_bytes(row.get(0)?), (number(1)?, number(2)?)))
    })?;
    rows.collect()
}

/// Markers of what was entered again.
fn markers_again(at_hub: &BTreeMap<OpId, AtHub>) -> BTreeSet<u64> {
    at_hub.values().filter(|op| op.again).filter_map(|op| op.marker).collect()
}

fn ops_at_hub() -> rusqlite::Result<BTreeSet<OpId>> {
    let db = look(HUB_DISK)?;
    let mut select = db.prepare("SELECT log, seq FROM ops")?;
    let rows = select.query_map([], |row| {
        Ok(OpId { log: LogId(row.get::<_, i64>(0)? as u64), seq: row.get::<_, i64>(1)? as u64 })
    })?;
    rows.collect()
}

impl World {
    /// No durable mark of the hub goes beyond what some copy holds.
    pub fn check_covered(&mut self) {
        let marks = self.net().hub.durable();
        let beyond = marks.into_iter().find(|(log, durable)| self.vault.covers(*log) < *durable);
        if let Some((log, durable)) = beyond {
            let covered = self.vault.covers(log);
            self.broke(format!("the durable mark of log {log} is {durable}, copies hold {covered}"));
        }
    }

    /// What was shown as saved on a PC is in its folder.
    pub fn check_saved(&mut self, at: usize) {
        let held = || -> rusqlite::Result<BTreeMap<LogId, u64>> {
            let db = look(self.pcs[at].disk)?;
            let mut select = db.prepare("SELECT log_name.log, log.held FROM log JOIN log_name USING (n)")?;
            let rows =
                select.query_map([], |row| Ok((LogId::from_bytes(row.get(0)?), row.get::<_, i64>(1)? as u64)))?;
            rows.collect()
        };
        let Ok(held) = held() else { return };
        for (log, saved) in &self.pcs[at].saved {
            let here = held.get(log).copied().unwrap_or(0);
            if here < *saved {
                self.broke(format!("PC {at}: shown as saved up to {log}-{saved}, there up to {here}"));
                return;
            }
        }
    }

    /// A PC never says more of what has arrived than the hub ever held.
    pub fn check_pc(&mut self, at: usize) {
        let Ok(counts) = self.at_pc(at, |store| store.counts()) else { return };
        let missing: u64 = {
            let net = self.net();
            let behind =
                |(log, saved): (&LogId, &u64)| saved.saturating_sub(net.hub.ever.get(log).copied().unwrap_or(0));
            self.pcs[at].saved.iter().map(behind).sum()
        };
        if counts.ops_pending < missing {
            let pending = counts.ops_pending;
            self.broke(format!("PC {at} says that {pending} changes wait, but {missing} never reached the hub"));
        }
        if missing > 0 && counts.queued == 0 {
            self.broke(format!("PC {at} says that all has arrived, but {missing} changes never reached the hub"));
        }
    }

    /// After a disaster: what is nowhere any more from where the product could bring it back may be gone.
    pub fn excuse(&mut self, why: &str) {
        self.excuse_files(why);
        let Ok(at_hub) = ops_at_hub() else { return };
        let mut own: BTreeMap<ReplicaId, BTreeSet<OpId>> = BTreeMap::new();
        let mut provable = Vec::new();
        let served: Vec<bool> = (0..self.pcs.len()).map(|at| !self.is_revoked(at)).collect();
        // A revoked PC keeps what it has, and brings nothing back.
        for (pc, _) in self.pcs.iter().zip(served).filter(|(_, served)| *served) {
            let ops = ops_at_pc(pc.disk).unwrap_or_default();
            own.entry(pc.replica()).or_default().extend(ops.into_iter().map(|(id, _)| id));
            provable.push((pc.office, provable_at_pc(pc.disk).unwrap_or_default()));
        }
        let hub_holds = |log: LogId| at_hub.iter().filter(|id| id.log == log).map(|id| id.seq).max().unwrap_or(0);
        let mut gone = Vec::new();
        for (id, known) in &self.model.ops {
            if known.excused.is_some() || at_hub.contains(id) {
                continue;
            }
            let replica = known.by.map(|at| self.pcs[at].replica());
            let author_has = replica.is_some_and(|replica| own.get(&replica).is_some_and(|ops| ops.contains(id)));
            let office = known.by.map(|at| self.pcs[at].office);
            let others_prove = provable.iter().any(|(place, logs)| {
                office.is_none_or(|office| office == *place)
                    && logs.get(&id.log).is_some_and(|(seq, away)| *seq >= id.seq && *away <= hub_holds(id.log))
            });
            if !author_has && !others_prove {
                gone.push(*id);
            }
        }
        if !gone.is_empty() {
            self.tell(|| format!("   {} saved changes may be gone: {why}", gone.len()));
        }
        for id in gone {
            if let Some(known) = self.model.ops.get_mut(&id) {
                known.excused = Some(why.to_owned());
                let record = known.record;
                if let Some(record) = self.model.records.get_mut(&record) {
                    record.doubtful = true;
                }
            }
        }
    }

    /// Everything, when nothing is under way any more.
    pub fn check_all(&mut self) {
        self.check_revoked();
        if let Err(error) = self.check_hub().and_then(|()| self.check_offices()).and_then(|()| self.check_signed()) {
            self.broke(format!("the stores cannot be read at the end: {error}"));
        }
        self.check_integrity();
    }

    /// What stands at the hub is signed by its writer: logs of runs that are over to their end, and of the runs that go on
    /// all but a few ops.
    fn check_signed(&mut self) -> rusqlite::Result<()> {
        let hub = look(HUB_DISK)?;
        let mut select = hub.prepare(
            "SELECT l.log, l.run, l.stored - coalesce(a.seq, 0) FROM logs l LEFT JOIN attested a ON a.log = l.log \
             WHERE l.replica = ? AND l.stored > coalesce(a.seq, 0)",
        )?;
        let mut goes_on = BTreeSet::new();
        for pc in &self.pcs {
            let run =
                look(pc.disk)?.query_row("SELECT run FROM run ORDER BY ordinal DESC LIMIT 1", [], |row| row.get(0));
            goes_on.extend(run.optional()?.map(i64::from_be_bytes));
        }
        let served: Vec<ReplicaId> =
            (0..self.pcs.len()).filter(|at| !self.is_revoked(*at)).map(|at| self.pcs[at].member.replica).collect();
        for replica in served {
            let mut rows = select.query([replica.0 as i64])?;
            let mut unsigned = 0;
            while let Some(row) = rows.next()? {
                let (log, run, ops): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
                unsigned += ops;
                if !goes_on.contains(&run) {
                    let log = LogId(log as u64);
                    self.broke(format!(
                        "{ops} ops of {replica} in log {log}, whose run is over, stand at the hub unsigned"
                    ));
                    return Ok(());
                }
            }
            if unsigned >= UNSIGNED_MAX {
                self.broke(format!("{unsigned} ops of {replica} stand at the hub unsigned"));
            }
        }
        Ok(())
    }

    fn check_integrity(&mut self) {
        let disks: Vec<u64> = std::iter::once(HUB_DISK).chain(self.pcs.iter().map(|pc| pc.disk)).collect();
        for disk in disks {
            let found = look(disk).and_then(|db| fault(&db, Closely::Whole));
            if let Some(found) = found.unwrap_or_else(|error| Some(error.to_string())) {
                self.broke(format!("disk {disk}: {found}"));
            }
        }
    }

    fn read_hub(&self) -> rusqlite::Result<BTreeMap<OpId, AtHub>> {
        let db = look(HUB_DISK)?;
        let mut select = db.prepare(
            "SELECT o.log, o.seq, o.state, o.bytes, l.replica, l.office, r.log, r.seq FROM ops o \
             JOIN logs l ON l.log = o.log LEFT JOIN records r ON r.record = o.record",
        )?;
        let rows = select.query_map([], |row| {
            let number = |place| row.get::<_, i64>(place).map(|number| number as u64);
            let id = OpId { log: LogId(number(0)?), seq: number(1)? };
            let state = match row.get::<_, i64>(2)? {
                0 => OpState::Merged,
                1 => OpState::Waiting,
                _ => OpState::Quarantined(kentongan_protocol::judge::Quarantine::Unreadable),
            };
            let record = row.get::<_, Option<i64>>(6)?.zip(row.get::<_, Option<i64>>(7)?);
            let record = record.map(|(log, seq)| RecordId(OpId { log: LogId(log as u64), seq: seq as u64 }));
            let bytes: Vec<u8> = row.get(3)?;
            let op = Op::decode(&bytes).ok();
            let hlc = op.as_ref().map_or(Hlc::default(), |op| op.hlc);
            let replaces = op.iter().flat_map(|op| &op.writes).flat_map(|write| write.replaces.clone()).collect();
            let office: String = row.get(5)?;
            Ok((
                id,
                AtHub {
                    state,
                    record,
                    marker: op.as_ref().and_then(marker_of),
                    writer: ReplicaId(number(4)?),
                    hlc,
                    replaces,
                    again: kentongan_protocol::op::origin(&bytes).is_some(),
                    office: office.parse().unwrap_or_else(|_| office_code(ENEMY_OFFICE).parse().expect("a code")),
                },
            ))
        })?;
        rows.collect()
    }

    fn check_hub(&mut self) -> rusqlite::Result<()> {
        let at_hub = self.read_hub()?;
        let again = markers_again(&at_hub);
        let written: BTreeSet<u64> = self.model.ops.values().map(|known| known.marker).collect();
        for (id, known) in &self.model.ops {
            if known.excused.is_none() && !at_hub.contains_key(id) && !again.contains(&known.marker) {
                self.broke(format!("saved and lost: #{} ({id}) of {:?}", known.marker, known.by));
                return Ok(());
            }
        }
        let merged = at_hub.iter().filter(|(_, op)| op.state == OpState::Merged).map(|(id, _)| *id);
        self.check_files(&merged.collect())?;
        self.check_causes(&at_hub);
        let mut seen = BTreeSet::new();
        for (id, op) in &at_hub {
            if op.writer == ENEMY {
                let record_office = op.record.and_then(|record| self.model.records.get(&record));
                if op.office.as_str() != office_code(ENEMY_OFFICE) {
                    self.broke(format!("a forged op was stored: {id} for {}", op.office));
                } else if op.state == OpState::Merged
                    && record_office.is_some_and(|r| !r.routed.contains(&ENEMY_OFFICE))
                {
                    self.broke(format!("an op of a stranger became part of another office's record: {id}"));
                }
                continue;
            }
            let Some(marker) = op.marker else {
                self.broke(format!("an op at the hub that nobody wrote: {id}"));
                continue;
            };
            let expected = self.model.ops.contains_key(id) || (op.again && written.contains(&marker));
            if !expected && !self.model.doubtful.contains(&marker) {
                self.broke(format!("an op at the hub that nobody wrote: #{marker} {id}"));
            }
            let of_file = self.files.iter().flatten().any(|(row, _)| *row == marker);
            // A PC that had lost what stood before it entered it again, and a twin or an old copy of the hub had it still.
            let first = seen.insert((marker, op.again, if of_file { op.writer } else { ReplicaId(0) }));
            let by_twins = op.again && self.has_copies(op.writer);
            if !first && !by_twins && !self.twice.contains(&marker) {
                self.broke(format!("twice at the hub: #{marker}"));
            }
            let clean = op.record.and_then(|record| self.model.records.get(&record)).is_some_and(|r| !r.doubtful);
            // A hub that does not know the form keeps aside what is of it, until it is updated.
            let unknown = self.net().hub.version == Version::Present
                && op.record.is_some_and(|record| self.model.visits.contains(&record));
            if clean && !unknown && op.state != OpState::Merged {
                self.broke(format!("set aside without a reason: #{marker} {id}"));
            }
        }
        Ok(())
    }

    /// Whether there was ever more than one folder of a PC.
    fn has_copies(&self, replica: ReplicaId) -> bool {
        let folders = self.pcs.iter().filter(|pc| pc.replica() == replica).count();
        folders > 1 || self.faults.contains_key(&Kind::RestorePc)
    }

    /// Whether a PC shows more of a record than the hub, and each op of that for a reason: the hub lost it and nobody can
    /// prove it anew; its writer lost what stood before it and entered it `again`, and who had read it before has it under
    /// both names; or the hub set it aside, because the routing that let its office in is lost.
    fn only_excused(
        &self,
        at: usize,
        record: RecordId,
        here: &[(OpId, RecordId)],
        at_hub: &BTreeMap<OpId, AtHub>,
        again: &BTreeSet<u64>,
    ) -> bool {
        let gone = |known: &&Known| known.excused.is_some();
        let has_lost = self.model.ops.values().filter(|known| known.record == record).any(|known| gone(&known));
        let explained = |id: &OpId| match (at_hub.get(id), self.model.ops.get(id)) {
            (Some(_), _) => has_lost,
            (None, Some(known)) => gone(&known) || known.by != Some(at) && again.contains(&known.marker),
            (None, None) => false,
        };
        let merged = |id: &OpId| at_hub.get(id).is_some_and(|op| op.state == OpState::Merged);
        let mut more = here.iter().filter(|(id, of)| *of == record && !merged(id)).map(|(id, _)| id).peekable();
        more.peek().is_some() && more.all(explained)
    }

    /// Where no clock is absurd, an op is later than everything that it was made in sight of.
    fn check_causes(&self, at_hub: &BTreeMap<OpId, AtHub>) {
        if self.plan.kinds().iter().any(|kind| matches!(kind, Kind::Clock | Kind::Enemy)) {
            return;
        }
        for (id, op) in at_hub {
            let cause = op.replaces.iter().find(|cause| at_hub.get(cause).is_some_and(|cause| cause.hlc >= op.hlc));
            if let Some(cause) = cause {
                self.broke(format!("{id} was made in sight of {cause} and is not later"));
            }
        }
    }

    fn check_offices(&mut self) -> rusqlite::Result<()> {
        let hub = self.records_at_hub();
        let Ok(hub) = hub else {
            self.broke("the hub's records cannot be read at the end");
            return Ok(());
        };
        self.check_words(&hub);
        let at_hub = self.read_hub()?;
        let again = markers_again(&at_hub);
        for at in 0..self.pcs.len() {
            let office = self.pcs[at].office;
            let pending = self.at_pc(at, |store| {
                let filter = QueueFilter { state: Some(RecordState::Queued), form: None, limit: 1 };
                Ok((store.counts()?.ops_pending, store.queue(&filter)?.len(), store.has_unsent()?))
            });
            match pending {
                Ok((0, 0, _)) => {}
                Ok(_) if self.is_revoked(at) => {}
                other => self.broke(format!("PC {at} still waits after all contacts: {other:?}")),
            }
            let code = office_code(office);
            let here = ops_at_pc(self.pcs[at].disk)?;
            for (id, offices, digest, _) in &hub {
                if !offices.contains(&code) || self.is_revoked(at) {
                    continue;
                }
                // Carried by a program that cannot read it, and shown by its update.
                if self.pcs[at].desk.version == Version::Present && self.model.visits.contains(id) {
                    continue;
                }
                match self.at_pc(at, |store| store.entry(*id)) {
                    Ok(entry) if entry.record.digest() == *digest => {}
                    // What the hub lost, and nobody can prove to it, still stands where it was read.
                    Ok(_) if self.only_excused(at, *id, &here, &at_hub, &again) => {}
                    Ok(entry) => {
                        self.tell(|| format!("   at PC {at}: {:?}", entry.record));
                        self.broke(format!("PC {at} shows {id} other than the hub"));
                    }
                    Err(_) if self.put_away.contains(&(self.pcs[at].replica(), *id)) => {}
                    Err(error) => {
                        let here: Vec<OpId> = here.iter().filter(|(_, of)| of == id).map(|(op, _)| *op).collect();
                        self.tell(|| format!("   at PC {at} are of it: {here:?}"));
                        self.broke(format!("PC {at} does not have {id}: {error:?}"));
                    }
                }
            }
            for (id, record) in here.iter().copied() {
                let by_hub =
                    hub.iter().find(|(known, ..)| *known == record).map(|(_, offices, ..)| offices.contains(&code));
                // Of a record that nobody here wrote, also the hub may have forgotten to whom it was routed.
                let forgotten = || self.only_excused(at, record, &here, &at_hub, &again);
                let may_see = self.model.may_see(record, office);
                if may_see.or(by_hub.map(|now| now || forgotten())) == Some(false) {
                    self.broke(format!("PC {at} holds {id} of another office's record {record}"));
                }
            }
        }
        Ok(())
    }

    /// Records that are merged at the hub: who sees them, and what they are.
    #[allow(clippy::type_complexity, reason = "used here only")]
    fn records_at_hub(
        &self,
    ) -> Result<Vec<(RecordId, Vec<String>, [u8; 32], kentongan_protocol::merge::Record)>, super::hubside::Stop> {
        self.net().hub.work(|tx, _| {
            let mut all = Vec::new();
            let filter = kentongan_hub::store::RecordFilter::default();
            for row in tx.records(&filter, kentongan_hub::store::Page::After(0), usize::MAX)? {
                let Some(born) = &row.born else { continue };
                let mut offices = vec![born.office.to_string()];
                offices.extend(tx.shared_with(row.id)?.iter().map(OfficeCode::to_string));
                let record = merged(tx, row.id)?;
                all.push((row.id, offices, record.digest(), record));
            }
            Ok(all)
        })
    }

    /// What stands at the hub is what people wrote: every remark, and of registers what nobody replaced knowingly.
    fn check_words(&mut self, hub: &[(RecordId, Vec<String>, [u8; 32], kentongan_protocol::merge::Record)]) {
        let Some(form) = builtin::by_tag(pengaduan::TAG) else { return };
        for (id, known) in self.model.records.iter().filter(|(_, known)| !known.doubtful) {
            let Some((_, _, _, record)) = hub.iter().find(|(there, ..)| there == id) else { continue };
            if record.creation.as_ref().is_none_or(|creation| creation.form != pengaduan::TAG) {
                continue;
            }
            let remarks = form.group(pengaduan::group::CATATAN).map(|group| GroupView::of(record, form, group));
            let count = match remarks {
                Some(GroupView::Entries(entries)) => entries.len(),
                _ => 0,
            };
            let enemy = self.model.records.get(id).is_some_and(|r| r.routed.contains(&ENEMY_OFFICE));
            // Who attaches files remarks nothing.
            let remarks = known.ops.iter().filter_map(|id| self.model.ops.get(id)).flat_map(|known| &known.writes);
            let wrote = remarks.filter(|(group, ..)| *group == pengaduan::group::CATATAN).count();
            if count != wrote && !enemy {
                self.broke(format!("{id} has {count} remarks, people wrote {wrote}"));
            }
            for tag in [pengaduan::group::KATEGORI, pengaduan::group::PELAPOR, pengaduan::group::DISPOSISI] {
                let Some(group) = form.group(tag) else { continue };
                let heads: BTreeSet<OpId> = GroupView::of(record, form, group).heads().into_iter().collect();
                let expected = self.model.heads(*id, tag);
                if heads != expected {
                    self.broke(format!("{id}, group {tag}: stands {heads:?}, people left standing {expected:?}"));
                }
            }
        }
    }

    /// The last rounds were quiet.
    pub fn check_quiet(&mut self, most: u64) {
        if most > QUIET_EXCHANGES_MAX {
            self.broke(format!("a contact took {most} exchanges although nothing was left to say"));
        }
    }
}
