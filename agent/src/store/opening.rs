//! What this PC has to say in an exchange: greeting, position, and the ops that the hub is not known to have.

use kentongan_host::identity::SigningKey;
use kentongan_protocol::attachment::Content;
use kentongan_protocol::clock::RunHead;
use kentongan_protocol::ids::{EpochId, LogId, OpId, ReplicaId, TopicKind};
use kentongan_protocol::limits::FRAME_LOGS_MAX;
use kentongan_protocol::log::{ChainHash, Holding, LogHead};
use kentongan_protocol::next;
use kentongan_protocol::planted::{self, Defect, Place};
use kentongan_protocol::session::agent::{Mode, OpenLog, Opening, OutboundOp, Outbox, OwnLog};
use kentongan_protocol::session::pacing::page_bytes;
use kentongan_protocol::wire;
use kentongan_protocol::wire::codec::{self, Txt};
use kentongan_protocol::wire::v1::{Attest, Hello, RunFrame};
use rusqlite::{Connection, OptionalExtension, params};

use super::attachments::chunk;
use super::check::check;
use super::facts::{self, name};
use super::next::spoken;
use super::pack::{SEQ_BITS, known_log_number, log_head, op_key};
use super::secured::follows_on;
use super::{Member, Store, StoreError, read, stray};

/// What the rest of the program adds to a greeting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Bytes free on the disk of the store.
    pub free_bytes: u64,
    /// Name, version and platform of the program.
    pub program: String,
}

impl Store {
    /// Whether there is anything to send.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn has_unsent(&self) -> Result<bool, StoreError> {
        Ok(!open_logs(&self.db, self.member.as_ref())?.is_empty())
    }

    /// Everything an exchange needs to begin, read at one moment. It will carry as many bytes of ops as go over the link in
    /// some seconds, and not more than `bytes_max`.
    ///
    /// # Errors
    /// If this installation is not enrolled, or the store cannot be read.
    pub fn opening(&mut self, health: &Health, bytes_max: usize) -> Result<Opening, StoreError> {
        self.passes_pages_over = false;
        let run = self.run()?;
        let replica = self.member.as_ref().ok_or(StoreError::NotEnrolled)?.replica;
        let own = own_logs(&self.db)?;
        let disagrees = facts::get::<i64>(&self.db, name::DISAGREES)? == Some(1);
        let cut = facts::get::<i64>(&self.db, name::CUT)? == Some(1);
        let up_bytes_s = self.up_bytes_s()?;
        planted::reached(match (disagrees, cut) {
            (true, _) => Place::InventorySent,
            (_, true) => Place::AskedFirst,
            _ => Place::Request,
        });
        Ok(Opening {
            hello: self.hello(run, replica, &own, health)?,
            epochs: epochs(&self.db)?,
            cursors: cursors(&self.db)?,
            open: open_logs(&self.db, self.member.as_ref())?,
            holding: Holding::of(own.iter().map(|own| (own.log, own.stored))),
            inventory: (disagrees && !planted::active(Defect::NoInventory)).then_some(own),
            mode: if cut { Mode::AskFirst } else { Mode::Send { bytes_aim: page_bytes(up_bytes_s, bytes_max) } },
            files: self.open_files()?,
        })
    }

    /// Bytes a second that the link carried upwards when it was last measured; 0 if it was not.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn up_bytes_s(&self) -> Result<u32, StoreError> {
        Ok(facts::get(&self.db, name::UP_BYTES_S)?.unwrap_or(0))
    }

    fn hello(&self, run: RunHead, replica: ReplicaId, own: &[OwnLog], health: &Health) -> Result<Hello, StoreError> {
        let strays = stray::count(&self.db)?;
        Ok(Hello {
            version_min: wire::versions().0,
            version_max: wire::versions().1,
            replica: replica.to_bytes(),
            run: RunFrame::from(&run),
            elapsed_ms: self.elapsed_ms(),
            wall_ms: self.wall_ms(),
            round_trip_ms: facts::get(&self.db, name::ROUND_TRIP_MS)?.unwrap_or(0),
            link_bytes_s: facts::get(&self.db, name::DOWN_BYTES_S)?.unwrap_or(0),
            ops_written: own.iter().map(|own| own.held).sum::<u64>() + strays,
            ops_pending: own.iter().map(|own| own.held.saturating_sub(own.stored)).sum::<u64>() + strays,
            oldest_pending_ms: read::oldest_pending_ms(&self.db, self.wall_ms())?,
            free_bytes: health.free_bytes,
            program: Txt(health.program.clone()),
            extensions: next::of_hello(spoken(&self.db)?),
        })
    }

    /// The ops of a request, signed by `key`.
    pub fn outbox<'a>(&'a self, key: &'a SigningKey) -> impl Outbox<Error = StoreError> + 'a {
        StoreOutbox { db: &self.db, key }
    }
}

struct StoreOutbox<'a> {
    db: &'a Connection,
    key: &'a SigningKey,
}

impl Outbox for StoreOutbox<'_> {
    type Error = StoreError;

    fn ops(&mut self, log: LogId, from_seq: u64, bytes_max: usize) -> Result<Vec<OutboundOp>, StoreError> {
        let reading = || StoreError::because("read ops to send");
        let Some(n) = known_log_number(self.db, log)? else { return Ok(Vec::new()) };
        let mut select = self
            .db
            .prepare_cached("SELECT bytes, chain, sum FROM op WHERE id BETWEEN ? AND ? ORDER BY id")
            .map_err(reading())?;
        let last = op_key(n, (1 << SEQ_BITS) - 1)?;
        let mut rows = select.query(params![op_key(n, from_seq)?, last]).map_err(reading())?;
        let (mut page, mut bytes_sum, mut seq) = (Vec::new(), 0, from_seq);
        while let Some(row) = rows.next().map_err(reading())? {
            let bytes: Vec<u8> = row.get(0).map_err(reading())?;
            let chain: Option<[u8; 32]> = row.get(1).map_err(reading())?;
            // Behind a gap there is no running hash: such an op is here, but cannot be sent yet.
            let Some(chain) = chain.map(ChainHash) else { break };
            check(OpId { log, seq }, &bytes, row.get(2).map_err(reading())?)?;
            seq += 1;
            bytes_sum += bytes.len();
            if !page.is_empty() && bytes_sum > bytes_max {
                break;
            }
            page.push(OutboundOp { bytes, chain });
        }
        if planted::active(Defect::MarkedWhenSent) {
            let upto = from_seq as i64 - 1 + page.len() as i64;
            self.db
                .execute("UPDATE log SET stored = max(stored, ?) WHERE n = ?", params![upto, n])
                .map_err(StoreError::because("mark as sent"))?;
        }
        Ok(page)
    }

    fn chunk(&mut self, file: &Content, offset: u32, bytes_max: usize) -> Result<Vec<u8>, StoreError> {
        Ok(chunk(self.db, file.hash, offset, bytes_max)?.unwrap_or_default())
    }

    fn sign(&mut self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message)
    }
}

fn own_logs(db: &Connection) -> Result<Vec<OwnLog>, StoreError> {
    let reading = || StoreError::because("read this PC's logs");
    let mut select = db
        .prepare_cached("SELECT log_name.log, log.stored, log.held FROM log JOIN log_name USING (n) WHERE log.own = 1")
        .map_err(reading())?;
    let rows = select
        .query_map([], |row| {
            Ok(OwnLog {
                log: LogId::from_bytes(row.get(0)?),
                stored: row.get::<_, i64>(1)? as u64,
                held: row.get::<_, i64>(2)? as u64,
            })
        })
        .map_err(reading())?;
    rows.collect::<Result<_, _>>().map_err(reading())
}

/// Logs with something to send: own ones, and foreign ones whose writer's signature proves them to a hub that forgot. Of
/// those only what a hub takes from this office: what its PCs wrote, and the hub itself.
fn open_logs(db: &Connection, member: Option<&Member>) -> Result<Vec<OpenLog>, StoreError> {
    let reading = || StoreError::because("read the logs to send");
    let may_return = |head: &LogHead| {
        member.is_some_and(|member| head.replica() == member.hub_replica || *head.office() == member.office)
    };
    let mut select = db
        .prepare_cached(
            "SELECT n, log_name.log, head, own, stored, held FROM log JOIN log_name USING (n) WHERE stored < held \
             ORDER BY lane, n",
        )
        .map_err(reading())?;
    let mut rows = select.query([]).map_err(reading())?;
    let mut open = Vec::new();
    while open.len() < FRAME_LOGS_MAX {
        let Some(row) = rows.next().map_err(reading())? else { break };
        let head = log_head(row.get(1).map_err(reading())?, &row.get::<_, Vec<u8>>(2).map_err(reading())?)?;
        let (n, own): (i64, bool) = (row.get(0).map_err(reading())?, row.get(3).map_err(reading())?);
        let (stored, held): (i64, i64) = (row.get(4).map_err(reading())?, row.get(5).map_err(reading())?);
        let mut log = OpenLog { head, stored: stored as u64, held: held as u64, proofs: Vec::new() };
        if !own {
            if planted::active(Defect::NoEcho) || !may_return(&log.head) {
                continue;
            }
            let Some((seq, proof)) = proof(db, n, stored, held)? else { continue };
            if !follows_on(db, n, stored)? {
                continue;
            }
            log.held = seq;
            log.proofs.push(proof);
        }
        open.push(log);
    }
    Ok(open)
}

/// The furthest signature over a foreign log that proves something beyond `stored`.
fn proof(db: &Connection, n: i64, stored: i64, held: i64) -> Result<Option<(u64, Attest)>, StoreError> {
    let found: Option<(i64, Vec<u8>)> = db
        .prepare_cached("SELECT seq, bytes FROM attest WHERE n = ? AND seq > ? AND seq <= ? ORDER BY seq DESC LIMIT 1")
        .and_then(|mut select| {
            select.query_row(params![n, stored, held], |row| Ok((row.get(0)?, row.get(1)?))).optional()
        })
        .map_err(StoreError::because("read a signature"))?;
    let unreadable = |_| StoreError::Damaged("a signature");
    found.map(|(seq, bytes)| Ok((seq as u64, codec::decode(&bytes).map_err(unreadable)?))).transpose()
}

fn epochs(db: &Connection) -> Result<Vec<EpochId>, StoreError> {
    let reading = || StoreError::because("read the hub's epochs");
    let mut select = db.prepare_cached("SELECT epoch FROM epoch ORDER BY place").map_err(reading())?;
    let rows = select.query_map([], |row| Ok(EpochId::from_bytes(row.get(0)?))).map_err(reading())?;
    rows.collect::<Result<_, _>>().map_err(reading())
}

fn cursors(db: &Connection) -> Result<Vec<(TopicKind, u64)>, StoreError> {
    let mut cursors = Vec::new();
    for kind in [TopicKind::Everyone, TopicKind::Regency, TopicKind::District, TopicKind::Office] {
        cursors.push((kind, cursor(db, kind as u8)?));
    }
    Ok(cursors)
}

pub(super) fn cursor(db: &Connection, kind: u8) -> Result<u64, StoreError> {
    let number: Option<i64> = db
        .prepare_cached("SELECT number FROM cursor WHERE topic = ?")
        .and_then(|mut select| select.query_row([kind], |row| row.get(0)).optional())
        .map_err(StoreError::because("read a cursor"))?;
    Ok(number.unwrap_or(0) as u64)
}
