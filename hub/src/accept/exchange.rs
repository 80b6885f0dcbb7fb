//! One exchange, from the hub's side: events in, a reply out.

use std::collections::{BTreeMap, BTreeSet};

use kentongan_protocol::attachment::{Content, ContentHash};
use kentongan_protocol::error::Fault;
use kentongan_protocol::ids::{LogId, OfficeCode, ReplicaId};
use kentongan_protocol::limits::FRAME_LOGS_MAX;
use kentongan_protocol::session::Line;
use kentongan_protocol::session::hub::{self as session, Event, Part, Position};
use kentongan_protocol::wire::v1::Marks;

use super::echo::Echoes;
use super::proof::Proofs;
use super::reply::Reply;
use super::tally::Tally;
use super::{AcceptError, batch, echo, files, hello, proof, reply};
use crate::engine::Hub;
use crate::store::{Delays, ExchangeNote, Result, Tx};

/// One exchange. Give it the session's events in order, each in a transaction; then ask for the marks, and for parts of
/// the reply until [`Exchange::is_over`].
#[derive(Debug)]
pub struct Exchange {
    pub(super) speaker: ReplicaId,
    /// Somebody carried it here, see [`super::Call::carried`].
    pub(super) is_carried: bool,
    /// Known after the hello.
    pub(super) office: Option<OfficeCode>,
    pub(super) position: Position,
    /// Logs to answer for, because the request named them.
    pub(super) named: BTreeSet<LogId>,
    /// The speaker's own logs, if it sent an inventory.
    pub(super) inventory: Option<BTreeMap<LogId, u64>>,
    pub(super) proofs: Proofs,
    pub(super) echoes: Echoes,
    /// What it adds to the day of the office.
    pub(super) tally: Tally,
    /// The program that speaks, as it said.
    pub(super) program: String,
    /// The part of an update file that it wants.
    pub(super) fetch: Option<(ContentHash, u32)>,
    /// Files that the speaker offered.
    pub(super) offered: Vec<Content>,
    pub(super) reply: Reply,
    /// What is said of the reply, from the marks on.
    saying: Option<session::Reply>,
    pub(super) counts: Counts,
}

/// What an exchange carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Own ops of the speaker that were new here.
    pub stored: u64,
    /// Ops that were here already.
    pub repeated: u64,
    /// Ops of others that the speaker gave back to a hub that had forgotten them.
    pub echoed: u64,
    /// Own ops given back to the speaker.
    pub restored: u64,
    /// Feed entries given.
    pub fed: u64,
    /// Bytes of attached files that were new here.
    pub file_bytes: u64,
    /// How long its new records had been under way.
    pub delays: Delays,
    /// The same, all together, in milliseconds.
    pub delay_sum_ms: u64,
}

impl Exchange {
    /// With the replica that the connection's certificate names. Whether it may speak at all was asked before.
    pub fn new(speaker: ReplicaId) -> Exchange {
        Exchange {
            speaker,
            is_carried: false,
            office: None,
            position: Position::default(),
            named: BTreeSet::new(),
            inventory: None,
            proofs: Proofs::default(),
            echoes: Echoes::default(),
            tally: Tally::default(),
            program: String::new(),
            fetch: None,
            offered: Vec::new(),
            reply: Reply::default(),
            saying: None,
            counts: Counts::default(),
        }
    }

    /// The same, of a request that somebody carried here.
    pub(super) fn carried(self) -> Exchange {
        Exchange { is_carried: true, ..self }
    }

    /// Takes an event. The outer result is the store's; if it fails, nothing of the event is stored. The inner one is the
    /// speaker's: a fault ends the exchange, and what had to be noted about it is in the same transaction.
    ///
    /// # Errors
    /// A failure of the store.
    pub fn event(
        &mut self,
        hub: &Hub,
        tx: &mut dyn Tx,
        event: Event,
        now_ms: i64,
    ) -> Result<std::result::Result<(), Fault>> {
        match self.take(hub, tx, event, now_ms) {
            Ok(()) => Ok(Ok(())),
            Err(AcceptError::Fault(fault)) => Ok(Err(fault)),
            Err(AcceptError::Store(error)) => Err(error),
        }
    }

    fn take(&mut self, hub: &Hub, tx: &mut dyn Tx, event: Event, now_ms: i64) -> std::result::Result<(), AcceptError> {
        match event {
            Event::Hello(hello) => hello::take(self, tx, &hello, now_ms),
            Event::Have(position) => {
                self.named.extend(position.logs.iter().take(FRAME_LOGS_MAX));
                self.position = position;
                Ok(())
            }
            Event::Batch(batch) if batch.echo => echo::take(self, hub, tx, batch, now_ms),
            Event::Batch(batch) => batch::take(self, hub, tx, &batch, now_ms),
            Event::Attest(attest) => proof::take(self, hub, tx, attest, now_ms),
            Event::Signed(signature) => proof::take_own(self, tx, &signature, now_ms),
            Event::Inventory(inventory) => {
                self.inventory = Some(inventory);
                Ok(())
            }
            Event::Offer(files) => Ok(files::offered(self, hub, tx, files)?),
            Event::Chunk(place, offset, bytes) => files::chunk(self, hub, tx, (place, offset, bytes), now_ms),
            Event::Fetch(hash, offset) => {
                self.fetch = Some((hash, offset));
                Ok(())
            }
            Event::End => Ok(()),
        }
    }

    /// The first frame of the reply, after the last event. The caller may add to it when to come back.
    ///
    /// # Errors
    /// A failure of the store.
    pub fn marks(&mut self, hub: &Hub, tx: &mut dyn Tx, now_ms: i64) -> Result<Marks> {
        reply::marks(self, hub, tx, now_ms)
    }

    /// How the reply to the session's request begins: with the marks.
    pub fn begin_reply(&mut self, mut reply: session::Reply, marks: &Marks) -> Vec<u8> {
        let begun = reply.begin(marks);
        self.saying = Some(reply);
        begun
    }

    /// Appends the next part of the reply, after the marks; the last one is its end.
    ///
    /// # Errors
    /// A failure of the store.
    pub fn next_part(&mut self, hub: &Hub, tx: &mut dyn Tx, now_ms: i64, out: &mut Vec<u8>) -> Result<()> {
        let part: Option<Part> = reply::next_part(self, hub, tx, now_ms)?;
        if let (Some(saying), Some(part)) = (&mut self.saying, part) {
            saying.put(part, out);
        }
        Ok(())
    }

    /// What is remembered of the line for the next exchange on it, if the reply was given whole.
    pub fn into_line(self) -> Option<Line> {
        self.saying.and_then(session::Reply::finish)
    }

    /// Whether the reply has been given whole.
    pub fn is_over(&self) -> bool {
        self.reply.is_over()
    }

    /// Who speaks.
    pub fn speaker(&self) -> ReplicaId {
        self.speaker
    }

    /// What it carried so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Adds what is new to the day of the office, if it is known by now whose it is; with `note` the exchange is over.
    pub(super) fn tell_day(&mut self, tx: &mut dyn Tx, note: Option<&ExchangeNote>, now_ms: i64) -> Result<()> {
        match &self.office {
            Some(office) => self.tally.write(tx, office, self.counts, note, now_ms),
            None => Ok(()),
        }
    }

    /// The office of the speaker.
    pub(super) fn office(&self) -> std::result::Result<&OfficeCode, Fault> {
        self.office.as_ref().ok_or(Fault::Peer("something before the hello"))
    }
}
