//! A hub for one office: logs, a feed, epochs, signatures; and how it answers a request.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use kentongan_protocol::error::Fault;
use kentongan_protocol::ids::{Lane, LogId, OpId, ReplicaId, Topic, TopicKind};
use kentongan_protocol::limits::FRAME_LOGS_MAX;
use kentongan_protocol::log::{ChainHash, Holding, LogHead, leaves_gap, plan_append};
use kentongan_protocol::session::Line;
use kentongan_protocol::session::hub::{
    Batch, Event, HubEpoch, Part, Position, Reply, Session, Signature, feed_start, news_of_epochs,
};
use kentongan_protocol::wire::codec::{Blob, List};
use kentongan_protocol::wire::v1::{Attest, Feed, FeedEntry, LogFrame, Marks};

use super::{Answer, Content, Ids, epoch, office, op_bytes, run_head, signature};

/// The hub is a replica too.
const HUB: ReplicaId = ReplicaId(0x4842);
/// Entries of a page and pages of a reply: few, so that replies have many frames and do not always end it.
const PAGE_ENTRIES: usize = 3;
const REPLY_PAGES: usize = 4;

/// A hub. Its clone is a backup.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hub {
    pub(crate) logs: BTreeMap<LogId, HubLog>,
    /// Ops by number: entry 0 has number 1.
    pub(crate) feed: Vec<OpId>,
    epochs: Vec<HubEpoch>,
    attests: BTreeMap<LogId, (u64, Attest)>,
    writing: Option<LogId>,
}

/// A log at the hub.
#[derive(Debug, Clone)]
pub(crate) struct HubLog {
    pub(crate) head: LogHead,
    pub(crate) ops: Vec<Vec<u8>>,
    chains: Vec<ChainHash>,
}

impl HubLog {
    fn stored(&self) -> u64 {
        self.ops.len() as u64
    }
}

/// An exchange under way.
#[derive(Debug, Default)]
struct Exchange {
    position: Position,
    named: BTreeSet<LogId>,
    inventory: Option<BTreeMap<LogId, u64>>,
    proofs: BTreeMap<LogId, (u64, ChainHash, Attest)>,
    echoes: BTreeMap<LogId, Vec<Vec<u8>>>,
}

impl Hub {
    pub(crate) fn new(ids: &mut Ids) -> Hub {
        let mut hub = Hub::default();
        hub.start(ids);
        hub
    }

    /// A process begins: an epoch of its own, and a log of its own.
    pub(crate) fn start(&mut self, ids: &mut Ids) {
        self.epochs.push(HubEpoch { epoch: epoch(ids), began_after: self.feed.len() as u64 });
        self.writing = None;
    }

    /// A person at the hub writes something for the office.
    pub(crate) fn write(&mut self, ids: &mut Ids, text: &str) {
        let log = match self.writing {
            Some(log) => log,
            None => {
                let head = LogHead::new(HUB, office(), Lane::Case, run_head(ids, 1));
                let log = head.log();
                self.writing = Some(log);
                self.logs.insert(log, HubLog { head, ops: vec![], chains: vec![] });
                log
            }
        };
        let head = self.logs[&log].head.clone();
        self.append(&head, vec![op_bytes(text)]);
        let stored = self.logs[&log].stored();
        let chain = self.chain_at(log, stored).expect("just appended");
        let mut attest = Attest {
            replica: HUB.to_bytes(),
            heads: List(vec![(log.to_bytes(), stored, chain.0)]),
            signature: [0; 64],
        };
        attest.signature = signature(HUB, &attest.signed_bytes());
        self.attests.insert(log, (stored, attest));
    }

    /// Ops of a replica, or of all others.
    pub(crate) fn content(&self, pick: impl Fn(ReplicaId) -> bool) -> Content {
        let picked = self.logs.iter().filter(|(_, log)| pick(log.head.replica()) && !log.ops.is_empty());
        picked.map(|(id, log)| (*id, log.ops.clone())).collect()
    }

    /// The reply to a request that arrived this far; `None` if its end did not arrive. What arrived is stored either way.
    pub(crate) fn answer(&mut self, speaker: ReplicaId, bytes: &[u8]) -> Answer {
        self.answer_on(Line::default(), speaker, bytes).map(|answer| answer.map(|(reply, _)| reply))
    }

    /// The same on the line of a connection, which is given back with the reply.
    pub(crate) fn answer_on(
        &mut self,
        line: Line,
        speaker: ReplicaId,
        bytes: &[u8],
    ) -> Result<Option<(Vec<u8>, Line)>, Fault> {
        let mut session = Session::on(line, speaker);
        let mut exchange = Exchange::default();
        for piece in bytes.chunks(47) {
            session.push(piece);
            while let Some(event) = session.next_event()? {
                self.take(&mut exchange, speaker, event)?;
            }
        }
        Ok(session.is_ended().then(|| self.reply(&mut exchange, speaker, session.reply())))
    }

    fn take(&mut self, exchange: &mut Exchange, speaker: ReplicaId, event: Event) -> Result<(), Fault> {
        match event {
            // Files have stories of their own, with a hub that keeps them; so have updates.
            Event::Hello(_) | Event::Offer(_) | Event::Chunk(..) | Event::Fetch(..) | Event::End => {}
            Event::Have(position) => {
                exchange.named.extend(&position.logs);
                exchange.position = position;
            }
            Event::Inventory(inventory) => exchange.inventory = Some(inventory),
            Event::Attest(attest) => self.take_attest(exchange, speaker, attest),
            Event::Signed(signature) => self.take_signature(speaker, &signature),
            Event::Batch(batch) if batch.echo => self.take_echo(exchange, batch)?,
            Event::Batch(batch) => {
                exchange.named.insert(batch.head.log());
                let stored = self.logs.get(&batch.head.log()).map_or(0, HubLog::stored);
                if leaves_gap(stored, batch.first_seq) {
                    return Ok(());
                }
                let plan = plan_append(stored, batch.first_seq, batch.ops.len())?;
                let fresh = batch.ops[plan.known..].to_vec();
                for (seq, offered) in (batch.first_seq..).zip(&batch.ops[..plan.known]) {
                    if self.logs[&batch.head.log()].ops[seq as usize - 1] != *offered {
                        return Err(Fault::Peer("an op that is stored here with another content"));
                    }
                }
                self.append(&batch.head, fresh);
            }
        }
        Ok(())
    }

    fn append(&mut self, head: &LogHead, ops: Vec<Vec<u8>>) {
        let fresh = HubLog { head: head.clone(), ops: vec![], chains: vec![] };
        let log = self.logs.entry(head.log()).or_insert(fresh);
        for bytes in ops {
            let before = log.chains.last().copied().unwrap_or_else(|| head.chain_start());
            log.chains.push(before.then(&bytes));
            log.ops.push(bytes);
            self.feed.push(OpId { log: head.log(), seq: log.stored() });
        }
    }

    fn chain_at(&self, log: LogId, seq: u64) -> Option<ChainHash> {
        self.logs.get(&log)?.chains.get(usize::try_from(seq).ok()?.checked_sub(1)?).copied()
    }

    fn take_attest(&mut self, exchange: &mut Exchange, speaker: ReplicaId, attest: Attest) {
        let writer = ReplicaId::from_bytes(attest.replica);
        if attest.signature != signature(writer, &attest.signed_bytes()) {
            return;
        }
        for (log, seq, chain) in &attest.heads.0 {
            let (log, chain) = (LogId::from_bytes(*log), ChainHash(*chain));
            if writer != speaker {
                exchange.proofs.insert(log, (*seq, chain, attest.clone()));
            } else if self.chain_at(log, *seq) == Some(chain) {
                self.keep_attest(log, *seq, attest.clone());
            }
        }
    }

    fn take_signature(&mut self, speaker: ReplicaId, signed: &Signature) {
        let whole = signed.whole(speaker, |log, seq| Ok::<_, Infallible>(self.chain_at(log, seq)));
        let Ok(Some(attest)) = whole else { return };
        if attest.signature == signature(speaker, &attest.signed_bytes()) {
            for (log, seq, _) in &attest.heads.0 {
                self.keep_attest(LogId::from_bytes(*log), *seq, attest.clone());
            }
        }
    }

    /// How far the writer's signature reaches.
    pub(crate) fn signed_upto(&self, log: LogId) -> u64 {
        self.attests.get(&log).map_or(0, |(seq, _)| *seq)
    }

    fn keep_attest(&mut self, log: LogId, seq: u64, attest: Attest) {
        if self.attests.get(&log).is_none_or(|(known, _)| *known < seq) {
            self.attests.insert(log, (seq, attest));
        }
    }

    /// Foreign ops wait until they reach what their writer signed, and are stored if the running hash is the signed one.
    fn take_echo(&mut self, exchange: &mut Exchange, batch: Batch) -> Result<(), Fault> {
        let log = batch.head.log();
        exchange.named.insert(log);
        let Some((upto, chain, attest)) = exchange.proofs.get(&log).cloned() else { return Ok(()) };
        let stored = self.logs.get(&log).map_or(0, HubLog::stored);
        let waiting = exchange.echoes.entry(log).or_default();
        if upto <= stored || leaves_gap(stored + waiting.len() as u64, batch.first_seq) {
            return Ok(());
        }
        let plan = plan_append(stored + waiting.len() as u64, batch.first_seq, batch.ops.len())?;
        waiting.extend(batch.ops.into_iter().skip(plan.known));
        if stored + (waiting.len() as u64) < upto {
            return Ok(());
        }
        let mut proved = exchange.echoes.remove(&log).unwrap_or_default();
        proved.truncate(usize::try_from(upto.saturating_sub(stored)).unwrap_or(usize::MAX));
        let start = self.chain_at(log, stored).unwrap_or_else(|| batch.head.chain_start());
        if proved.iter().fold(start, |chain, op| chain.then(op)) != chain {
            return Err(Fault::Peer("ops given back that their writer did not sign"));
        }
        self.append(&batch.head, proved);
        self.keep_attest(log, upto, attest);
        Ok(())
    }

    fn reply(&mut self, exchange: &mut Exchange, speaker: ReplicaId, mut reply: Reply) -> (Vec<u8>, Line) {
        let cursor = exchange.position.cursors.first().map_or(0, |(_, number)| *number);
        let start = feed_start(&self.epochs, &exchange.position.epochs, cursor);
        let (lost, marks) = self.marks(exchange, speaker, start);
        let mut out = reply.begin(&marks);
        for (id, from_seq) in lost {
            let log = &self.logs[&id];
            for (page, ops) in log.ops[from_seq as usize - 1..].chunks(PAGE_ENTRIES).enumerate() {
                let first_seq = from_seq + (page * PAGE_ENTRIES) as u64;
                reply.put(Part::Restored { head: log.head.clone(), first_seq, ops: ops.to_vec() }, &mut out);
            }
        }
        let more = self.put_feed(speaker, start, &mut reply, &mut out);
        reply.put(Part::End { more }, &mut out);
        (out, reply.finish().expect("the end was said"))
    }

    /// Marks, and the own logs of which the speaker lacks something, from which seq on.
    fn marks(&self, exchange: &Exchange, speaker: ReplicaId, start: u64) -> (Vec<(LogId, u64)>, Marks) {
        let stored = |id: &LogId| self.logs.get(id).map_or(0, HubLog::stored);
        let mut named = exchange.named.clone();
        let mut lost = Vec::new();
        if let Some(inventory) = &exchange.inventory {
            let own = self.logs.iter().filter(|(_, log)| log.head.replica() == speaker).map(|(id, _)| *id);
            for id in inventory.keys().copied().chain(own).collect::<BTreeSet<_>>() {
                let held = inventory.get(&id).copied().unwrap_or(0);
                if held != stored(&id) {
                    named.insert(id);
                }
                if held < stored(&id) {
                    lost.push((id, held + 1));
                }
            }
        }
        let of_speaker = self.logs.iter().filter(|(_, log)| log.head.replica() == speaker);
        let holding = Holding::of(of_speaker.map(|(id, log)| (*id, log.stored())));
        let news = news_of_epochs(&self.epochs, &exchange.position.epochs);
        let marks = Marks {
            hub_ms: 1_795_000_000_000,
            epochs: List(news.iter().map(|epoch| (epoch.epoch.to_bytes(), epoch.began_after)).collect()),
            cursors: List(vec![(TopicKind::Office as u8, start)]),
            logs: List(named.iter().take(FRAME_LOGS_MAX).map(|id| (id.to_bytes(), stored(id), 0)).collect()),
            held_ops: holding.ops,
            held_sum: holding.sum,
            come_back_s: 0,
            notices: List::default(),
            extensions: List::default(),
        };
        (lost, marks)
    }

    /// Pages of what others wrote. `true` if there are more.
    fn put_feed(&self, speaker: ReplicaId, start: u64, reply: &mut Reply, out: &mut Vec<u8>) -> bool {
        let numbered = (1_u64..).zip(&self.feed).skip(start as usize);
        let foreign: Vec<(u64, OpId)> = numbered
            .filter(|(_, id)| self.logs[&id.log].head.replica() != speaker)
            .map(|(number, id)| (number, *id))
            .collect();
        let pages: Vec<_> = foreign.chunks(PAGE_ENTRIES).collect();
        for (place, entries) in pages.iter().take(REPLY_PAGES).enumerate() {
            let last = place + 1 == pages.len();
            let upto = if last { self.feed.len() as u64 } else { entries.last().map_or(start, |(number, _)| *number) };
            reply.put(Part::Feed(self.page(entries, upto)), out);
        }
        pages.len() > REPLY_PAGES
    }

    fn page(&self, entries: &[(u64, OpId)], upto: u64) -> Feed {
        let logs: Vec<LogId> = entries.iter().map(|(_, id)| id.log).collect::<BTreeSet<_>>().into_iter().collect();
        let entry = |(number, id): &(u64, OpId)| FeedEntry::Op {
            number: *number,
            log: logs.iter().position(|log| *log == id.log).expect("its head is in the page") as u16,
            seq: id.seq,
            bytes: Blob(self.logs[&id.log].ops[id.seq as usize - 1].clone()),
        };
        Feed {
            topic: Topic::Office(office()).kind() as u8,
            upto,
            entries: List(entries.iter().map(entry).collect()),
            attests: List(logs.iter().filter_map(|log| self.attests.get(log)).map(|(_, a)| a.clone()).collect()),
            logs: List(logs.iter().map(|log| LogFrame::from(&self.logs[log].head)).collect()),
        }
    }
}
