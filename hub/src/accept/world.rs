//! A hub and some office PCs without network or disk, for stories in tests. Both sides speak through the real sessions
//! and real bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::Arc;

use kentongan_host::certificate::{Facts, Validity};
use kentongan_host::clock::{Clock, ManualClock};
use kentongan_host::identity::SigningKey;
use kentongan_host::seal::seal_text;
use kentongan_protocol::attachment::{Attachment, Content, Standing as FileStanding};
use kentongan_protocol::clock::{Hlc, RunHead};
use kentongan_protocol::error::Fault;
use kentongan_protocol::form::builtin::{self, pengaduan};
use kentongan_protocol::form::{FieldTag, GroupTag, Value};
use kentongan_protocol::ids::{EpochId, Lane, LogId, OfficeCode, OpId, RecordId, ReplicaId, RunId, TopicKind};
use kentongan_protocol::log::{ChainHash, Holding, LogHead};
use kentongan_protocol::op::{Action, Op, Write};
use kentongan_protocol::receipt::{Prefix, ReceiptCode};
use kentongan_protocol::sealed;
use kentongan_protocol::session::agent::{self, Mode, OpenFile, OpenLog, Opening, OutboundOp, Outbox, Outcome, OwnLog};
use kentongan_protocol::session::hub::Session;
use kentongan_protocol::wire::codec::{Blob, List};
use kentongan_protocol::wire::v1::{
    Attest, Feed, FeedEntry, Hello, Marks, RunFrame, VERSION, VerdictFrame, hello_extension,
};

use super::{Counts, Exchange, Shown};
use crate::archive::MemoryArchive;
use crate::engine::{Hub, Parts};
use crate::seals::Seals;
use crate::store::memory::MemoryStore;
use crate::store::{Certificate, HubIdentity, Office, Replica, Result, Standing, Store, Tx, transact_with};

/// When the stories begin.
pub(crate) const NOW: i64 = 1_795_000_000_000;
/// The hub as a replica.
pub(crate) const HUB: ReplicaId = ReplicaId(0xB0B0);

/// A hub with its store.
pub(crate) struct World {
    pub(crate) store: Box<dyn Store>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) key: Arc<SigningKey>,
}

/// An op as a PC keeps it.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) bytes: Vec<u8>,
    pub(crate) chain: ChainHash,
}

/// A log as a PC keeps it.
#[derive(Debug, Clone)]
pub(crate) struct KeptLog {
    pub(crate) head: LogHead,
    pub(crate) ops: Vec<Kept>,
    pub(crate) stored: u64,
    pub(crate) proofs: Vec<Attest>,
}

/// A file that a PC attached.
#[derive(Debug, Clone)]
pub(crate) struct KeptFile {
    pub(crate) content: Content,
    /// What it sends as its content.
    pub(crate) bytes: Vec<u8>,
    /// What the hub said last.
    pub(crate) standing: Option<FileStanding>,
}

/// An office PC. Its clone is a copy of its folder.
#[derive(Debug, Clone)]
pub(crate) struct Pc {
    pub(crate) replica: ReplicaId,
    pub(crate) office: OfficeCode,
    pub(crate) key: Arc<SigningKey>,
    pub(crate) run: RunHead,
    pub(crate) logs: BTreeMap<LogId, KeptLog>,
    pub(crate) epochs: Vec<EpochId>,
    pub(crate) cursors: BTreeMap<TopicKind, u64>,
    /// Ops read from the feed.
    pub(crate) read: BTreeSet<OpId>,
    pub(crate) verdicts: BTreeMap<OpId, VerdictFrame>,
    pub(crate) notices: Vec<u16>,
    /// Files that it attached.
    pub(crate) files: Vec<KeptFile>,
    pub(crate) inventory_next: bool,
    pub(crate) echoes: bool,
    /// Its link costs.
    pub(crate) takes_no_feed: bool,
}

impl World {
    pub(crate) fn new() -> World {
        World::with(Box::new(MemoryStore::default()))
    }

    pub(crate) fn with(mut store: Box<dyn Store>) -> World {
        let key = Arc::new(SigningKey::generate().expect("a key"));
        let identity = HubIdentity { replica: HUB, name: "Kota Bandung".to_owned(), created_ms: NOW };
        transact_with(&mut *store, |tx| tx.put_hub(&identity)).expect("stored");
        World::start(store, Arc::new(ManualClock::at(NOW)), key)
    }

    /// A hub process that starts on this store.
    pub(crate) fn start(mut store: Box<dyn Store>, clock: Arc<ManualClock>, key: Arc<SigningKey>) -> World {
        let parts = Parts {
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            key: Arc::clone(&key) as Arc<dyn crate::engine::Sign>,
            archive: Arc::new(MemoryArchive::default()),
            seals: Some(Arc::new(Seals::of(&key.public_key()))),
            random: kentongan_host::random::random_u64,
            boot: 1,
        };
        let hub = transact_with(&mut *store, |tx| {
            let hub = Hub::open(tx, parts)?.expect("a hub is in the store");
            hub.begin_serving(tx).map(|_| hub)
        });
        World { store, hub: Arc::new(hub.expect("opened")), clock, key }
    }

    pub(crate) fn done<T>(&mut self, work: impl FnOnce(&mut dyn Tx) -> Result<T>) -> T {
        transact_with(&mut *self.store, work).expect("the store does it")
    }

    /// A new PC of an office.
    pub(crate) fn enrol(&mut self, id: u64, office: &str) -> Pc {
        let office: OfficeCode = office.parse().expect("an office code");
        let pc = Pc {
            replica: ReplicaId(id),
            office: office.clone(),
            key: Arc::new(SigningKey::generate().expect("a key")),
            run: RunHead { run: RunId(id * 100), ordinal: 0, before: None, boot: id, boot_ms: 0, wall_ms: NOW },
            logs: BTreeMap::new(),
            epochs: Vec::new(),
            cursors: BTreeMap::new(),
            read: BTreeSet::new(),
            verdicts: BTreeMap::new(),
            notices: Vec::new(),
            files: Vec::new(),
            inventory_next: false,
            echoes: false,
            takes_no_feed: false,
        };
        let replica = Replica {
            id: pc.replica,
            office: office.clone(),
            name: format!("PC {id}"),
            public_key: pc.key.public_key(),
            prefix: id as u32,
            certificate: Certificate { serial: vec![1], from_ms: NOW - 1, until_ms: NOW + 1_000_000_000 },
            standing: Standing::Active,
            enrolled_ms: NOW,
            run_now: None,
            twin_seen_ms: None,
            holding: Holding::default(),
            last_contact: None,
        };
        self.done(|tx| {
            let name = office.to_string();
            tx.put_office(&Office { code: office, name, added_ms: NOW, paused_ms: None })?;
            tx.put_replica(&replica)
        });
        pc.restarted(1)
    }

    /// Gives the bytes of a request to the hub. The reply, or the fault that ended it.
    pub(crate) fn serve(
        &mut self,
        speaker: ReplicaId,
        request: &[u8],
    ) -> std::result::Result<(Vec<u8>, Marks, Counts), Fault> {
        self.serve_as(Exchange::new(speaker), request)
    }

    /// The same for a request that somebody carried.
    pub(crate) fn serve_carried(
        &mut self,
        speaker: ReplicaId,
        request: &[u8],
    ) -> std::result::Result<(Vec<u8>, Marks, Counts), Fault> {
        self.serve_as(Exchange::new(speaker).carried(), request)
    }

    fn serve_as(
        &mut self,
        mut exchange: Exchange,
        request: &[u8],
    ) -> std::result::Result<(Vec<u8>, Marks, Counts), Fault> {
        let now_ms = self.clock.wall_ms();
        let hub = Arc::clone(&self.hub);
        let mut session = Session::new(exchange.speaker());
        for event in session.receive(request)? {
            self.done(|tx| exchange.event(&hub, tx, event, now_ms))?;
        }
        let marks = self.done(|tx| exchange.marks(&hub, tx, now_ms));
        let mut reply = exchange.begin_reply(session.reply(), &marks);
        while !exchange.is_over() {
            self.done(|tx| exchange.next_part(&hub, tx, now_ms, &mut reply));
        }
        Ok((reply, marks, exchange.counts()))
    }

    /// One exchange that arrives whole both ways.
    pub(crate) fn exchange(&mut self, pc: &mut Pc) -> std::result::Result<(Outcome, Counts), Fault> {
        let mut session = agent::Session::new(pc.opening(self.clock.wall_ms()));
        let Ok(request) = session.request(pc);
        let (reply, _, counts) = self.serve(pc.replica, &request)?;
        for event in session.receive(&reply)? {
            pc.take(event);
        }
        let (outcome, _) = session.finish()?;
        pc.inventory_next = !outcome.in_order;
        Ok((outcome, counts))
    }

    /// Exchanges until both sides are in order and nothing is left to say.
    pub(crate) fn settle(&mut self, pc: &mut Pc) -> Counts {
        let mut sum = Counts::default();
        for _ in 0..50 {
            let (outcome, counts) = self.exchange(pc).expect("no fault");
            sum.stored += counts.stored;
            sum.echoed += counts.echoed;
            sum.restored += counts.restored;
            let pending = pc.own().any(|log| log.stored < log.ops.len() as u64);
            if outcome.in_order && !outcome.more && !pending {
                return sum;
            }
        }
        panic!("hub and PC do not come to an agreement")
    }

    /// Digest of a record as the hub has it.
    pub(crate) fn digest(&mut self, record: RecordId) -> [u8; 32] {
        self.done(|tx| super::load(tx, record)).digest()
    }
}

impl Pc {
    /// What a connection of this PC shows.
    pub(crate) fn shown(&self) -> Shown {
        Shown::new(Some(Facts {
            validity: Validity { not_before_s: 0, not_after_s: i64::MAX / 2000 },
            common_name: Some(self.replica.to_string()),
            public_key: Some(self.key.public_key()),
        }))
    }

    /// The same folder in a new process.
    pub(crate) fn restarted(mut self, run: u64) -> Pc {
        let before = Some(self.run.run).filter(|_| self.run.ordinal > 0);
        let ordinal = self.run.ordinal + 1;
        self.run = RunHead { run: RunId(self.replica.0 * 100 + run), ordinal, before, ..self.run };
        self
    }

    /// Appends an op to the log of this run in a lane.
    pub(crate) fn write(&mut self, lane: Lane, op: &Op) -> OpId {
        let run = self.run;
        let head = LogHead::new(self.replica, self.office.clone(), lane, run);
        let id = head.log();
        let log = self.logs.entry(id).or_insert_with(|| KeptLog { head, ops: vec![], stored: 0, proofs: vec![] });
        log.append(op.encode().expect("short"));
        OpId { log: id, seq: log.ops.len() as u64 }
    }

    /// A new complaint.
    pub(crate) fn complain(&mut self, text: &str) -> RecordId {
        RecordId(self.write(Lane::Case, &complaint(text, None)))
    }

    /// A change of one field.
    pub(crate) fn set(&mut self, record: RecordId, field: &str, text: &str, replaces: &[OpId]) -> OpId {
        self.write(Lane::Case, &change(record, field, text, replaces))
    }

    /// Attaches a file to a record.
    pub(crate) fn attach(&mut self, record: RecordId, claim: Content, bytes: Vec<u8>) -> OpId {
        let value = Value::Attachment(Attachment { content: claim, name: "surat.pdf".to_owned() });
        let writes = vec![write("lampiran", value, &[])];
        let change = Action::Change { record };
        let op = Op { action: change, author: "sari".to_owned(), elapsed_ms: 2_000, hlc: Hlc(2), writes };
        self.files.push(KeptFile { content: claim, bytes, standing: None });
        self.write(Lane::Case, &op)
    }

    fn open_files(&self) -> Vec<OpenFile> {
        let wanted = self.files.iter().filter_map(|file| match file.standing {
            None | Some(FileStanding::Unknown) => Some(OpenFile { content: file.content, held: None }),
            Some(FileStanding::Wanted { held }) => Some(OpenFile { content: file.content, held: Some(held) }),
            Some(FileStanding::Held | FileStanding::SetAside) => None,
        });
        wanted.collect()
    }

    fn opening(&self, now_ms: i64) -> Opening {
        let pending: u64 = self.own().map(|log| log.ops.len() as u64 - log.stored).sum();
        let written = self.own().map(|log| log.ops.len() as u64).sum();
        let no_feed = self.takes_no_feed.then(|| (hello_extension::NO_FEED, Blob(Vec::new())));
        let hello = Hello {
            version_min: VERSION,
            version_max: VERSION,
            replica: self.replica.to_bytes(),
            run: RunFrame::from(&self.run),
            elapsed_ms: 5_000,
            wall_ms: now_ms + 60_000,
            round_trip_ms: 400,
            link_bytes_s: 0,
            ops_written: written,
            ops_pending: pending,
            oldest_pending_ms: 0,
            free_bytes: 1 << 30,
            program: "kentongan-agent 0.1".into(),
            extensions: List(no_feed.into_iter().collect()),
        };
        let is_open = |log: &&KeptLog| log.stored < log.ops.len() as u64;
        let offered = self.logs.values().filter(|log| self.echoes || log.head.replica() == self.replica);
        let open = offered.filter(is_open).map(|log| OpenLog {
            head: log.head.clone(),
            stored: log.stored,
            held: log.ops.len() as u64,
            proofs: log.proofs.clone(),
        });
        let own = |log: &KeptLog| OwnLog { log: log.head.log(), stored: log.stored, held: log.ops.len() as u64 };
        Opening {
            hello,
            epochs: self.epochs.clone(),
            cursors: self.cursors.iter().map(|(kind, number)| (*kind, *number)).collect(),
            open: open.collect(),
            holding: Holding::of(self.own().map(|log| (log.head.log(), log.stored))),
            inventory: self.inventory_next.then(|| self.own().map(own).collect()),
            files: self.open_files(),
            mode: Mode::Send { bytes_aim: 100_000 },
        }
    }

    /// The bytes of the next request.
    pub(crate) fn request(&mut self, now_ms: i64) -> Vec<u8> {
        let Ok(request) = agent::Session::new(self.opening(now_ms)).request(self);
        request
    }

    fn own(&self) -> impl Iterator<Item = &KeptLog> {
        self.logs.values().filter(|log| log.head.replica() == self.replica)
    }

    fn take(&mut self, event: agent::Event) {
        match event {
            agent::Event::Marks(marks) => {
                self.epochs.extend(marks.epochs.0.iter().map(|(epoch, _)| EpochId::from_bytes(*epoch)));
                for (kind, number) in &marks.cursors.0 {
                    self.cursors.insert(TopicKind::from_number(*kind).expect("a kind"), *number);
                }
                for (log, stored, _) in &marks.logs.0 {
                    if let Some(log) = self.logs.get_mut(&LogId::from_bytes(*log)) {
                        log.stored = (*stored).min(log.ops.len() as u64);
                    }
                }
                self.notices = marks.notices.0;
            }
            agent::Event::Restored { head, first_seq, ops } => {
                let empty = KeptLog { head: head.clone(), ops: vec![], stored: 0, proofs: vec![] };
                let log = self.logs.entry(head.log()).or_insert(empty);
                for (op, seq) in ops.into_iter().zip(first_seq..) {
                    if seq == log.ops.len() as u64 + 1 {
                        log.append(op);
                    }
                }
                log.stored = log.ops.len() as u64;
            }
            agent::Event::Files(files) => {
                for (content, standing) in files {
                    let kept = self.files.iter_mut().filter(|file| file.content == content);
                    kept.for_each(|file| file.standing = Some(standing));
                }
            }
            agent::Event::Feed(feed) => self.read(feed),
            agent::Event::Piece(..) => unreachable!("no update was asked for"),
        }
    }

    fn read(&mut self, feed: Feed) {
        self.cursors.insert(TopicKind::from_number(feed.topic).expect("a kind"), feed.upto);
        let heads = feed.heads().expect("the session checked them");
        for entry in feed.entries.0 {
            let id = entry.op_id(&heads).expect("its log is there");
            match entry {
                FeedEntry::Verdict { verdict, .. } => drop(self.verdicts.insert(id, verdict)),
                FeedEntry::Op { log, bytes, .. } => {
                    self.read.insert(id);
                    let head = heads[usize::from(log)].clone();
                    let empty = KeptLog { head, ops: vec![], stored: 0, proofs: vec![] };
                    let log = self.logs.entry(id.log).or_insert(empty);
                    if id.seq == log.ops.len() as u64 + 1 {
                        log.append(bytes.0);
                        log.stored = id.seq;
                    }
                }
            }
        }
        for attest in feed.attests.0 {
            for (log, ..) in &attest.heads.0 {
                if let Some(log) = self.logs.get_mut(&LogId::from_bytes(*log)) {
                    log.proofs = vec![attest.clone()];
                }
            }
        }
    }
}

impl KeptLog {
    pub(crate) fn append(&mut self, bytes: Vec<u8>) {
        let before = self.ops.last().map_or_else(|| self.head.chain_start(), |op| op.chain);
        self.ops.push(Kept { chain: before.then(&bytes), bytes });
    }
}

impl Outbox for Pc {
    type Error = Infallible;

    fn ops(&mut self, log: LogId, from_seq: u64, bytes_max: usize) -> std::result::Result<Vec<OutboundOp>, Infallible> {
        let mut bytes = 0;
        let ops = self.logs[&log].ops.iter().skip(from_seq as usize - 1);
        let page = ops.take_while(|op| {
            let fits = bytes < bytes_max;
            bytes += op.bytes.len();
            fits
        });
        Ok(page.map(|op| OutboundOp { bytes: op.bytes.clone(), chain: op.chain }).collect())
    }

    fn chunk(&mut self, file: &Content, offset: u32, bytes_max: usize) -> std::result::Result<Vec<u8>, Infallible> {
        let kept = self.files.iter().find(|kept| kept.content == *file);
        let part = kept.and_then(|kept| kept.bytes.get(offset as usize..));
        Ok(part.map(|part| part[..part.len().min(bytes_max)].to_vec()).unwrap_or_default())
    }

    fn sign(&mut self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message)
    }
}

/// An op that creates a complaint.
pub(crate) fn complaint(text: &str, serial_number: Option<u32>) -> Op {
    let receipt = serial_number.and_then(|n| ReceiptCode::new(Prefix::new(7)?, n));
    Op {
        action: Action::Create { form: pengaduan::TAG, form_version: 1, receipt },
        author: "sari".to_owned(),
        elapsed_ms: 1_000,
        hlc: Hlc(1),
        writes: vec![
            write("uraian", Value::Text(text.to_owned()), &[]),
            write("kategori", Value::One(8), &[]),
            write("kanal", Value::One(1), &[]),
            write("status", Value::One(pengaduan::status::DITERIMA), &[]),
        ],
    }
}

/// A confidential complaint as an office writes it that was told to seal to these keys.
pub(crate) fn confidential(text: &str, seals: &Seals) -> Op {
    let mut op = complaint(text, None);
    op.writes.push(write("privasi", Value::One(pengaduan::privasi::RAHASIA), &[]));
    let content = sealed::take_content(pengaduan::TAG, &mut op.writes).expect("something to seal");
    op.writes.push(sealed::write_of(&seal_text(content, seals.public()).expect("a key")));
    op
}

/// An op that changes one field of a complaint to what `text` says.
pub(crate) fn change(record: RecordId, field: &str, text: &str, replaces: &[OpId]) -> Op {
    let known = builtin::by_tag(pengaduan::TAG).and_then(|form| form.field_named(field)).expect("a field");
    let value = Value::parse(known, text).unwrap_or_else(|_| Value::Text(text.to_owned()));
    Op {
        action: Action::Change { record },
        author: "budi".to_owned(),
        elapsed_ms: 2_000,
        hlc: Hlc(2),
        writes: vec![write(field, value, replaces)],
    }
}

fn write(field: &str, value: Value, replaces: &[OpId]) -> Write {
    let known = builtin::by_tag(pengaduan::TAG).and_then(|form| form.field_named(field)).expect("a field");
    let (group, field): (GroupTag, FieldTag) = (known.group, known.tag);
    Write { group, replaces: replaces.to_vec(), cycle: 0, values: BTreeMap::from([(field, value)]) }
}
