//! A PC at an office: its logs, what it believes of the hub, and how it keeps what a reply says.

use std::collections::BTreeMap;
use std::convert::Infallible;

use kentongan_protocol::attachment::Content as FileContent;
use kentongan_protocol::clock::RunHead;
use kentongan_protocol::error::Fault;
use kentongan_protocol::ids::{EpochId, Lane, LogId, OpId, ReplicaId, TopicKind};
use kentongan_protocol::log::{ChainHash, Holding, LogHead};
use kentongan_protocol::session::Line;
use kentongan_protocol::session::agent::{Event, Mode, OpenLog, Opening, OutboundOp, Outbox, Outcome, OwnLog, Session};
use kentongan_protocol::wire::codec::List;
use kentongan_protocol::wire::v1::{Attest, Feed, FeedEntry, Hello, Marks, RunFrame};

use super::{Content, Ids, office, op_bytes, run_head, signature};

/// Feed number of an op whose number was of a feed that the hub forgot: after all numbers.
const UNNUMBERED: u64 = u64::MAX;

/// A PC. Its clone is a copy of its folder.
#[derive(Debug, Clone)]
pub(crate) struct Pc {
    pub(crate) replica: ReplicaId,
    pub(crate) logs: BTreeMap<LogId, PcLog>,
    pub(crate) cursor: u64,
    pub(crate) bytes_aim: usize,
    epochs: Vec<EpochId>,
    /// Number of each op that came by the feed.
    fed: BTreeMap<OpId, u64>,
    proofs: BTreeMap<LogId, Vec<(u64, Attest)>>,
    cut: bool,
    disagrees: bool,
    /// Logs of the run that goes on, by lane. They die with it.
    writing: BTreeMap<Lane, LogId>,
    /// The run that goes on, once it has written something.
    run: Option<RunHead>,
    runs: u32,
}

/// A log at a PC.
#[derive(Debug, Clone)]
pub(crate) struct PcLog {
    pub(crate) head: LogHead,
    pub(crate) own: bool,
    pub(crate) ops: BTreeMap<u64, Vec<u8>>,
    pub(crate) stored: u64,
}

impl PcLog {
    /// Ops without gap from the first on.
    fn held(&self) -> u64 {
        (1..).take_while(|seq| self.ops.contains_key(seq)).count() as u64
    }
}

impl Pc {
    pub(crate) fn new(replica: u64) -> Pc {
        Pc {
            replica: ReplicaId(replica),
            logs: BTreeMap::new(),
            cursor: 0,
            bytes_aim: 100_000,
            epochs: Vec::new(),
            fed: BTreeMap::new(),
            proofs: BTreeMap::new(),
            cut: false,
            disagrees: false,
            writing: BTreeMap::new(),
            run: None,
            runs: 0,
        }
    }

    /// The process ends and begins again: what it wrote so far is never continued.
    pub(crate) fn restart(&mut self) {
        self.writing.clear();
        self.run = None;
    }

    /// A person writes a record.
    pub(crate) fn write(&mut self, ids: &mut Ids, lane: Lane, text: &str) {
        let log = match self.writing.get(&lane) {
            Some(log) => *log,
            None => {
                let run = *self.run.get_or_insert_with(|| {
                    self.runs += 1;
                    run_head(ids, self.runs)
                });
                let head = LogHead::new(self.replica, office(), lane, run);
                let log = head.log();
                self.logs.insert(log, PcLog { head, own: true, ops: BTreeMap::new(), stored: 0 });
                self.writing.insert(lane, log);
                log
            }
        };
        let log = self.logs.get_mut(&log).expect("it is there");
        log.ops.insert(log.held() + 1, op_bytes(text));
    }

    pub(crate) fn has_unsent(&self) -> bool {
        !self.open().is_empty()
    }

    /// Own logs, or all others.
    pub(crate) fn content(&self, own: bool) -> Content {
        let of_kind = self.logs.iter().filter(|(_, log)| log.own == own);
        of_kind.map(|(id, log)| (*id, log.ops.values().cloned().collect())).collect()
    }

    pub(crate) fn opening(&self) -> Opening {
        let own: Vec<OwnLog> = self
            .logs
            .iter()
            .filter(|(_, log)| log.own)
            .map(|(id, log)| OwnLog { log: *id, stored: log.stored, held: log.held() })
            .collect();
        Opening {
            hello: self.hello(&own),
            epochs: self.epochs.clone(),
            cursors: vec![(TopicKind::Office, self.cursor)],
            open: self.open(),
            holding: Holding::of(own.iter().map(|own| (own.log, own.stored))),
            inventory: self.disagrees.then_some(own),
            files: Vec::new(),
            mode: if self.cut { Mode::AskFirst } else { Mode::Send { bytes_aim: self.bytes_aim } },
        }
    }

    fn hello(&self, own: &[OwnLog]) -> Hello {
        Hello {
            version_min: 1,
            version_max: 1,
            replica: self.replica.to_bytes(),
            run: RunFrame::from(&self.run.unwrap_or_else(|| run_head(&mut Ids::default(), 1))),
            elapsed_ms: 5,
            wall_ms: 6,
            round_trip_ms: 0,
            link_bytes_s: 0,
            ops_written: own.iter().map(|own| own.held).sum(),
            ops_pending: own.iter().map(|own| own.held - own.stored).sum(),
            oldest_pending_ms: 0,
            free_bytes: 1 << 30,
            program: "uji".into(),
            extensions: List::default(),
        }
    }

    /// Own logs with something to send; foreign ones as far as a signature proves something that the hub lacks.
    fn open(&self) -> Vec<OpenLog> {
        let mut open = Vec::new();
        for (id, log) in &self.logs {
            let mut offer = OpenLog { head: log.head.clone(), stored: log.stored, held: log.held(), proofs: vec![] };
            if !log.own {
                let proofs = self.proofs.get(id).into_iter().flatten();
                let useful = proofs.filter(|(seq, _)| *seq > log.stored && *seq <= offer.held);
                let Some((seq, proof)) = useful.max_by_key(|(seq, _)| *seq) else { continue };
                offer.held = *seq;
                offer.proofs.push(proof.clone());
            }
            if offer.stored < offer.held {
                open.push(offer);
            }
        }
        open
    }

    /// How much of each foreign log it could give back: as far as it is held and signed.
    pub(crate) fn proved(&self) -> impl Iterator<Item = (LogId, u64)> {
        self.proofs.iter().map(|(id, proofs)| {
            let held = self.logs.get(id).map_or(0, PcLog::held);
            (*id, proofs.iter().map(|(seq, _)| *seq).filter(|seq| *seq <= held).max().unwrap_or(0))
        })
    }

    pub(crate) fn outbox(&self) -> PcOutbox<'_> {
        PcOutbox { pc: self }
    }

    /// Takes a reply in small pieces and keeps each event before it asks for the next.
    pub(crate) fn take_reply(&mut self, mut session: Session, bytes: &[u8]) -> Result<(Outcome, Line), Fault> {
        for piece in bytes.chunks(61) {
            session.push(piece);
            while let Some(event) = session.next_event()? {
                self.keep(event)?;
            }
        }
        session.finish()
    }

    pub(crate) fn ended(&mut self, outcome: Option<&Outcome>) {
        match outcome {
            Some(outcome) => self.disagrees = !outcome.in_order,
            None => self.cut = true,
        }
    }

    fn keep(&mut self, event: Event) -> Result<(), Fault> {
        match event {
            Event::Marks(marks) => self.keep_marks(&marks),
            Event::Restored { head, first_seq, ops } => {
                for (seq, bytes) in (first_seq..).zip(ops) {
                    self.keep_op(&head, seq, bytes)?;
                }
                let log = self.logs.get_mut(&head.log()).expect("just entered");
                log.stored = log.held().min(log.stored.max(log.ops.keys().next_back().copied().unwrap_or(0)));
            }
            Event::Files(_) => unreachable!("no file was offered"),
            Event::Piece(..) => unreachable!("no update was asked for"),
            Event::Feed(feed) => self.keep_feed(&feed)?,
        }
        Ok(())
    }

    fn keep_marks(&mut self, marks: &Marks) {
        self.cut = false;
        for (id, stored, _) in &marks.logs.0 {
            if let Some(log) = self.logs.get_mut(&LogId::from_bytes(*id)) {
                log.stored = (*stored).min(log.held());
            }
        }
        for (kind, number) in &marks.cursors.0 {
            if *kind == TopicKind::Office as u8 && *number < self.cursor {
                self.cursor = *number;
                self.fed.values_mut().filter(|fed| **fed > *number).for_each(|fed| *fed = UNNUMBERED);
            }
        }
        if !marks.epochs.0.is_empty() {
            self.offer_unnumbered();
        }
        for (epoch, _) in &marks.epochs.0 {
            let epoch = EpochId::from_bytes(*epoch);
            if !self.epochs.contains(&epoch) {
                self.epochs.push(epoch);
            }
        }
    }

    /// The hub may have forgotten what it gave behind the cursor: all of that is offered back. It gets new numbers, and
    /// until they are known here, every loss of the hub may be one of these ops again.
    fn offer_unnumbered(&mut self) {
        for id in self.fed.iter().filter(|(_, fed)| **fed == UNNUMBERED).map(|(id, _)| id) {
            let log = self.logs.get_mut(&id.log).expect("an op is in a log");
            if !log.own {
                log.stored = log.stored.min(id.seq - 1);
            }
        }
    }

    fn keep_feed(&mut self, feed: &Feed) -> Result<(), Fault> {
        let heads = feed.heads()?;
        for entry in &feed.entries.0 {
            if let FeedEntry::Op { number, log, seq, bytes } = entry {
                let head = heads.get(usize::from(*log)).expect("the session checked it");
                self.keep_op(head, *seq, bytes.0.clone())?;
                self.fed.insert(OpId { log: head.log(), seq: *seq }, *number);
            }
        }
        for attest in &feed.attests.0 {
            for (log, seq, _) in &attest.heads.0 {
                self.proofs.entry(LogId::from_bytes(*log)).or_default().push((*seq, attest.clone()));
            }
        }
        self.cursor = feed.upto;
        Ok(())
    }

    fn keep_op(&mut self, head: &LogHead, seq: u64, bytes: Vec<u8>) -> Result<(), Fault> {
        let own = head.replica() == self.replica;
        let fresh = PcLog { head: head.clone(), own, ops: BTreeMap::new(), stored: 0 };
        let log = self.logs.entry(head.log()).or_insert(fresh);
        match log.ops.get(&seq) {
            Some(present) if *present != bytes => Err(Fault::Peer("another op under the name of one that is here")),
            Some(_) => Ok(()),
            None => {
                log.ops.insert(seq, bytes);
                // What comes from the hub is at the hub.
                log.stored = if log.held() == seq { seq } else { log.stored };
                Ok(())
            }
        }
    }
}

/// Reads a PC's logs, a few ops at a time.
#[derive(Debug)]
pub(crate) struct PcOutbox<'a> {
    pc: &'a Pc,
}

impl Outbox for PcOutbox<'_> {
    type Error = Infallible;

    fn ops(&mut self, log: LogId, from_seq: u64, _: usize) -> Result<Vec<OutboundOp>, Infallible> {
        let log = &self.pc.logs[&log];
        let mut chain = log.head.chain_start();
        let mut page = Vec::new();
        for (seq, bytes) in &log.ops {
            chain = chain.then(bytes);
            if *seq >= from_seq && page.len() < 3 {
                page.push(OutboundOp { bytes: bytes.clone(), chain: ChainHash(chain.0) });
            }
        }
        Ok(page)
    }

    fn chunk(&mut self, _: &FileContent, _: u32, _: usize) -> Result<Vec<u8>, Infallible> {
        Ok(Vec::new())
    }

    fn sign(&mut self, message: &[u8]) -> [u8; 64] {
        signature(self.pc.replica, message)
    }
}
