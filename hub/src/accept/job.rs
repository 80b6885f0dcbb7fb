//! What a call wants done in one transaction.

use kentongan_protocol::error::Fault;
use kentongan_protocol::ids::ReplicaId;
use kentongan_protocol::session::hub::{Event, Reply};
use kentongan_protocol::wire::v1::{Marks, Refusal};

use super::call::Moment;
use super::meter::Meter;
use super::standing::{self, Shown};
use super::{Counts, Exchange};
use crate::engine::Hub;
use crate::store::{Result, Tx};

/// The first part of a reply ends after this many bytes. A reply that fits is sent with its length, as one piece.
const FIRST_PART_BYTES_AIM: usize = 16 * 1024;

/// A piece of work on the store. The exchange travels with it; if the store fails, it is lost with it.
#[derive(Debug)]
pub struct Job {
    pub(super) work: Work,
    /// To be asked first: may this device speak?
    pub(super) shown: Option<Shown>,
    pub(super) exchange: Option<Box<Exchange>>,
    /// To answer the whole request by.
    pub(super) reply: Option<Box<Reply>>,
    pub(super) events: Vec<Event>,
    /// When the first of the events arrived.
    pub(super) since_ms: i64,
    pub(super) meter: Meter,
    pub(super) counts: Counts,
}

/// What is to be done after the events.
#[derive(Debug, Clone, Copy)]
pub(super) enum Work {
    /// Nothing: more of the request is to come.
    Store,
    /// The first part of the reply, and the journal if that is all of it.
    First,
    /// The next part of the reply.
    Next,
    /// Nothing: the request went wrong before anybody had asked whether the device may speak.
    Check,
    /// The journal.
    Note(&'static str),
}

/// What came of a job, to be given to [`super::Call::done`] after the commit.
#[derive(Debug)]
pub struct Done {
    /// The device, if it may speak.
    pub(super) replica: Option<ReplicaId>,
    pub(super) exchange: Option<Box<Exchange>>,
    pub(super) said: Said,
    marks: Option<Marks>,
}

#[derive(Debug)]
pub(super) enum Said {
    /// All is well.
    Well,
    /// The device may not speak.
    Refused(Refusal),
    /// The speaker broke the protocol. What was done before stays.
    Fault(Fault),
    /// A part of the reply.
    Part(Vec<u8>),
}

impl Done {
    /// The marks that the reply begins with, if it was begun.
    pub fn marks(&self) -> Option<&Marks> {
        self.marks.as_ref()
    }

    /// Whether a part of the reply was made.
    pub(crate) fn is_reply(&self) -> bool {
        matches!(self.said, Said::Part(_))
    }
}

impl Job {
    /// What the office asks to be stored, in order.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Does it, in the transaction `tx`.
    ///
    /// # Errors
    /// A failure of the store: then nothing of it was done.
    pub fn run(mut self, hub: &Hub, tx: &mut dyn Tx, now: Moment) -> Result<Done> {
        let mut marks = None;
        let said = self.done(hub, tx, now, &mut marks)?;
        Ok(Done { replica: self.meter.replica, exchange: self.exchange, said, marks })
    }

    fn done(&mut self, hub: &Hub, tx: &mut dyn Tx, now: Moment, told: &mut Option<Marks>) -> Result<Said> {
        if let Some(shown) = &self.shown {
            match standing::check(tx, shown, now.wall_ms)? {
                Ok(replica) => self.meter.replica = Some(replica.id),
                Err(refusal) => return Ok(Said::Refused(refusal)),
            }
        }
        let Some(exchange) = &mut self.exchange else {
            if let Work::Note(outcome) = self.work {
                tx.journal(&self.meter.note(outcome, self.counts, now))?;
            }
            return Ok(Said::Well);
        };
        for event in std::mem::take(&mut self.events) {
            if let Err(fault) = exchange.event(hub, tx, event, self.since_ms)? {
                exchange.tell_day(tx, None, now.wall_ms)?;
                return Ok(Said::Fault(fault));
            }
        }
        let mut part = Vec::new();
        match self.work {
            Work::Store | Work::Check => {
                exchange.tell_day(tx, None, now.wall_ms)?;
                return Ok(Said::Well);
            }
            Work::First => {
                let marks = exchange.marks(hub, tx, now.wall_ms)?;
                part = self.reply.take().map_or(part, |reply| exchange.begin_reply(*reply, &marks));
                *told = Some(marks);
                while !exchange.is_over() && part.len() < FIRST_PART_BYTES_AIM {
                    exchange.next_part(hub, tx, now.wall_ms, &mut part)?;
                }
                let mut note = None;
                if exchange.is_over() {
                    self.meter.bytes_out += part.len() as u64;
                    note = Some(self.meter.note(self.meter.well(), exchange.counts(), now));
                }
                note.iter().try_for_each(|note| tx.journal(note))?;
                exchange.tell_day(tx, note.as_ref(), now.wall_ms)?;
            }
            Work::Next => exchange.next_part(hub, tx, now.wall_ms, &mut part)?,
            Work::Note(outcome) => {
                let note = self.meter.note(outcome, self.counts, now);
                tx.journal(&note)?;
                exchange.tell_day(tx, Some(&note), now.wall_ms)?;
                return Ok(Said::Well);
            }
        }
        Ok(Said::Part(part))
    }
}
