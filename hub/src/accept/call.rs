//! One request from its first byte to the last of its reply. Decides everything and does nothing: no network, no
//! thread, no clock. The server moves its bytes and runs its jobs, and so does the simulator.
//!
//! ```text
//!   take(bytes) ──▶ session ──▶ events ┐                       ┌─ first part: marks, then what concerns the office
//!     decoded while the job            ├─▶ Job ──▶ commit ──▶ ─┤                                        next_out()
//!     before it commits                ┘   done(…)             └─ further parts, one job each
//! ```
//!
//! - Nothing is held whole: of a request about [`WAITING_BYTES_MAX`] bytes wait for the store, counted after they were
//!   decompressed, and of a reply one part.
//! - The last events of a request and its marks are one job, and so is the question whether the device may speak with
//!   the first events: a small exchange costs one commit. What the marks say is durable when it is sent, because a job
//!   is answered after its commit.
//! - An agent that may not speak is told why in a frame of the protocol, and at once: it listens while it speaks.
//! - The frame End ends a request, not the connection: the next request may follow a reply that was given whole.

use std::collections::VecDeque;

use kentongan_host::{Clock, Failure, Ktg};
use kentongan_protocol::attachment::Content;
use kentongan_protocol::error::Fault;
use kentongan_protocol::ids::{OfficeCode, ReplicaId};
use kentongan_protocol::session::Line;
use kentongan_protocol::session::hub::{Event, Session, refusal, refusal_for};
use kentongan_protocol::wire::frame::PREAMBLE;
use kentongan_protocol::wire::v1::Refusal;

use super::job::{Done, Job, Said, Work};
use super::meter::{Account, Meter, ended_well};
use super::standing::Shown;
use super::{Counts, Exchange};
use crate::store::StoreError;

/// Bytes of events that may wait for the store; then decoding waits, and reading with it.
const WAITING_BYTES_MAX: usize = 1 << 20;
/// How long an agent stays away when the hub cannot write, in seconds.
const UNABLE_COME_BACK_S: u32 = 60;
/// How long it stays away when the hub has no space, in seconds.
const NO_SPACE_COME_BACK_S: u32 = 600;

/// A moment by both clocks of the hub's machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds since 1970.
    pub wall_ms: i64,
    /// Milliseconds since the machine started.
    pub boot_ms: u64,
}

impl Moment {
    /// The present one.
    pub fn of(clock: &dyn Clock) -> Moment {
        Moment { wall_ms: clock.wall_ms(), boot_ms: clock.boot_ms() }
    }
}

/// What a request may use.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Its longest body, in bytes.
    pub request_bytes_max: u64,
    /// Below this free space nothing is accepted.
    pub min_free_bytes: u64,
    /// Free space now, if it is known.
    pub free_bytes: Option<u64>,
}

/// What comes from the other end.
#[derive(Debug)]
pub enum Input {
    /// Bytes of the request, as they arrived.
    Bytes(Vec<u8>),
    /// Nothing more comes.
    End,
    /// Nothing came for too long.
    Stalled,
    /// The connection broke.
    Cut,
    /// The other end no longer takes the reply.
    Gone,
}

/// What goes to the other end.
#[derive(Debug, PartialEq, Eq)]
pub enum Output {
    /// The whole reply.
    Whole(Vec<u8>),
    /// A part of the reply; more follows.
    Part(Vec<u8>),
    /// The parts were all.
    End,
    /// The reply breaks off, visibly for the other end: it goes on from its cursors the next time.
    Cut,
}

/// Why there is no ordinary reply.
#[derive(Debug)]
enum Stop {
    /// The device may not speak, or the hub cannot listen.
    Refused { reason: Refusal, come_back_s: u32 },
    /// The request broke the protocol.
    Fault(Fault),
    /// The request did not arrive whole.
    Cut,
    /// It is longer than allowed.
    TooLong,
    /// The store failed.
    Store(StoreError),
}

/// One request. Give it what arrives as long as [`Call::wants_bytes`]; whenever it has a job, have that done in a
/// transaction and give back what came of it; send what [`Call::next_output`] gives, in order, before the next job.
#[derive(Debug)]
pub struct Call {
    bounds: Bounds,
    /// Until somebody asked whether the device may speak.
    shown: Option<Shown>,
    session: Session,
    waiting: Waiting,
    /// When the last bytes arrived.
    arrived_ms: i64,
    /// Nothing whole is left with the session.
    drained: bool,
    /// The request has ended, or brings nothing more.
    ended: bool,
    /// Here between two jobs.
    exchange: Option<Box<Exchange>>,
    phase: Phase,
    /// A job was given out and has not come back.
    running: bool,
    meter: Meter,
    counts: Counts,
    out: VecDeque<Output>,
}

/// How far it is.
#[derive(Debug)]
enum Phase {
    /// The request arrives and is stored; with its end the first part of the reply is made.
    Reading,
    /// The reply is given, part by part.
    Replying,
    /// There will be no ordinary reply.
    Stopped(Stop),
    /// The journal is still to be written, and then perhaps a refusal sent.
    Noting { outcome: &'static str, given_out: bool, refusal: Option<Vec<u8>> },
    /// Nothing more happens.
    Over {
        /// Both sides said all that they had to say.
        whole: bool,
    },
}

/// Events that wait for the store, and about how many bytes they take.
#[derive(Debug, Default)]
struct Waiting {
    events: Vec<Event>,
    bytes: usize,
    /// When the first of them arrived: the clock of the office is measured by it.
    since_ms: i64,
}

impl Call {
    /// A request of the device that showed this certificate, on what is remembered of its connection.
    pub fn new(shown: Shown, bounds: Bounds, line: Line, now: Moment) -> Call {
        let speaker = shown.replica();
        let id = speaker.unwrap_or(ReplicaId(0));
        let mut call = Call {
            bounds,
            shown: Some(shown),
            session: Session::on(line, id),
            waiting: Waiting::default(),
            arrived_ms: now.wall_ms,
            drained: true,
            ended: false,
            exchange: Some(Box::new(Exchange::new(id))),
            phase: Phase::Reading,
            running: false,
            meter: Meter::new(now),
            counts: Counts::default(),
            out: VecDeque::new(),
        };
        if speaker.is_none() {
            call.phase = Phase::Stopped(Stop::Refused { reason: Refusal::Unknown, come_back_s: 0 });
        } else if bounds.free_bytes.is_some_and(|free| free < bounds.min_free_bytes) {
            tracing::error!(ev = "store.no_space", code = %Ktg::NoSpace, "too little space: nothing is accepted");
            call.phase = Phase::Stopped(Stop::Refused { reason: Refusal::Unable, come_back_s: NO_SPACE_COME_BACK_S });
        }
        call
    }

    /// The same request, but somebody carried it here: when it comes says nothing of the office's clock or line, and it may
    /// be older than what was heard of the office since.
    pub fn carried(mut self) -> Call {
        self.meter.is_carried = true;
        self.exchange = self.exchange.map(|exchange| Box::new(exchange.carried()));
        self
    }

    /// Whether to go on reading the request.
    pub fn wants_bytes(&self) -> bool {
        matches!(self.phase, Phase::Reading) && self.drained && !self.ended && !self.session.is_ended()
    }

    /// Whether there is nothing more to do.
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over { .. }) && self.out.is_empty()
    }

    /// How it ended and what it carried, once it has ended.
    pub fn account(&self) -> Option<Account> {
        self.meter.account()
    }

    /// Whose device speaks, if it said so and may.
    pub fn office(&self) -> Option<&OfficeCode> {
        self.exchange.as_ref().and_then(|exchange| exchange.office.as_ref())
    }

    /// What is remembered of the connection for the next exchange on it; none if this one was not whole.
    pub fn into_line(self) -> Option<Line> {
        match self.phase {
            Phase::Over { whole: true } => self.exchange.and_then(|exchange| exchange.into_line()),
            _ => None,
        }
    }

    /// What is to be sent next.
    pub fn next_output(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// Takes what arrived.
    pub fn take(&mut self, input: Input, now: Moment) {
        match input {
            Input::Bytes(bytes) => self.take_bytes(&bytes, now),
            Input::Gone if matches!(self.phase, Phase::Replying) => {
                self.out.clear();
                self.phase = Phase::Noting { outcome: "cut", given_out: false, refusal: None };
            }
            Input::Gone => {}
            Input::End | Input::Stalled | Input::Cut => {
                self.ended = true;
                if matches!(self.phase, Phase::Reading) && !self.session.is_ended() {
                    self.phase = Phase::Stopped(Stop::Cut);
                }
            }
        }
    }

    fn take_bytes(&mut self, bytes: &[u8], now: Moment) {
        self.meter.bytes_in += bytes.len() as u64;
        let too_long = self.meter.bytes_in > self.bounds.request_bytes_max;
        self.ended |= too_long;
        match self.phase {
            Phase::Reading if too_long => self.phase = Phase::Stopped(Stop::TooLong),
            Phase::Reading => {
                self.arrived_ms = now.wall_ms;
                self.session.push(bytes);
                self.fill();
            }
            _ => {}
        }
    }

    /// Takes what has arrived from the session, as far as there is room.
    fn fill(&mut self) {
        match self.waiting.fill(&mut self.session, self.arrived_ms) {
            Ok(drained) => self.drained = drained,
            Err(fault) => self.phase = Phase::Stopped(Stop::Fault(fault)),
        }
    }

    /// The next job, if one can be done now.
    pub fn next_job(&mut self) -> Option<Job> {
        if self.running || !self.out.is_empty() {
            return None;
        }
        self.phase = match std::mem::replace(&mut self.phase, Phase::Over { whole: false }) {
            Phase::Stopped(stop) if self.shown.is_none() => self.stopped(stop),
            phase => phase,
        };
        let last = self.drained && self.session.is_ended();
        let work = match &mut self.phase {
            // What comes with the end of the request is stored together with the making of the marks.
            Phase::Reading if last => Work::First,
            Phase::Reading if !self.waiting.events.is_empty() => Work::Store,
            Phase::Replying => Work::Next,
            // Who may not speak is told so, whatever else is wrong.
            Phase::Stopped(_) => Work::Check,
            Phase::Noting { outcome, given_out, .. } => {
                *given_out = true;
                Work::Note(outcome)
            }
            _ => return None,
        };
        Some(self.job(work))
    }

    fn job(&mut self, work: Work) -> Job {
        self.running = true;
        let events = match work {
            Work::Store | Work::First => std::mem::take(&mut self.waiting),
            _ => Waiting::default(),
        };
        let job = Job {
            work,
            shown: self.shown.take(),
            exchange: self.exchange.take(),
            reply: matches!(work, Work::First).then(|| Box::new(self.session.reply())),
            events: events.events,
            since_ms: events.since_ms,
            meter: self.meter.clone(),
            counts: self.counts,
        };
        if matches!(work, Work::Store) {
            // There is room again.
            self.fill();
        }
        job
    }

    /// Takes what came of the job that was given out.
    pub fn done(&mut self, done: Result<Done, StoreError>) {
        self.running = false;
        let said = match done {
            Ok(done) => {
                self.counts = done.exchange.as_ref().map_or(self.counts, |exchange| exchange.counts());
                self.exchange = done.exchange;
                self.meter.replica = done.replica;
                Ok(done.said)
            }
            Err(error) => Err(error),
        };
        match (&mut self.phase, said) {
            (Phase::Reading | Phase::Stopped(_), Ok(Said::Refused(reason))) => {
                self.phase = Phase::Stopped(Stop::Refused { reason, come_back_s: 0 });
            }
            (Phase::Reading, Ok(Said::Fault(fault))) => self.phase = Phase::Stopped(Stop::Fault(fault)),
            (Phase::Reading, Ok(Said::Part(reply))) => self.first_part(reply),
            (Phase::Reading | Phase::Stopped(_), Err(error)) => self.phase = Phase::Stopped(Stop::Store(error)),
            (Phase::Replying, Ok(Said::Part(part))) => self.part(part),
            (Phase::Replying, Err(error)) => {
                tracing::error!(ev = "sync.exchange.failed", error = %Failure::from(error), "the store failed");
                self.out.push_back(Output::Cut);
                self.note("failed");
            }
            (Phase::Noting { given_out: true, refusal, outcome }, noted) => {
                if let Err(error) = noted {
                    tracing::debug!(ev = "journal.failed", %error, "an exchange was not noted");
                }
                self.out.extend(refusal.take().map(Output::Whole));
                self.phase = Phase::Over { whole: ended_well(outcome) };
            }
            _ => {}
        }
    }

    fn first_part(&mut self, reply: Vec<u8>) {
        self.meter.bytes_out += reply.len() as u64;
        if self.exchange.as_ref().is_some_and(|exchange| exchange.is_over()) {
            // The journal was written in the same transaction.
            self.meter.told(self.meter.well(), self.counts);
            self.out.push_back(Output::Whole(reply));
            self.phase = Phase::Over { whole: true };
        } else {
            self.out.push_back(Output::Part(reply));
            self.phase = Phase::Replying;
        }
    }

    fn part(&mut self, part: Vec<u8>) {
        self.meter.bytes_out += part.len() as u64;
        if !part.is_empty() {
            self.out.push_back(Output::Part(part));
        }
        if self.exchange.as_ref().is_some_and(|exchange| exchange.is_over()) {
            self.out.push_back(Output::End);
            self.note(self.meter.well());
        }
    }

    fn note(&mut self, outcome: &'static str) {
        self.meter.told(outcome, self.counts);
        self.phase = Phase::Noting { outcome, given_out: false, refusal: None };
    }

    /// What follows where there is no ordinary reply.
    fn stopped(&mut self, stop: Stop) -> Phase {
        let (reason, come_back_s, outcome) = match stop {
            Stop::Refused { reason, come_back_s } => (reason, come_back_s, "refused"),
            Stop::Fault(Fault::Cut) | Stop::Cut => (Refusal::Protocol, 0, "cut"),
            Stop::TooLong => (Refusal::Protocol, 0, "too-long"),
            Stop::Fault(fault) => {
                let replica = self.meter.replica.map(|id| id.to_string());
                tracing::warn!(ev = "sync.exchange.fault", replica, %fault, "an agent broke the protocol");
                (refusal_for(&fault), 0, "fault")
            }
            Stop::Store(error) => {
                tracing::error!(ev = "sync.exchange.failed", error = %Failure::from(error), "the store failed");
                (Refusal::Unable, UNABLE_COME_BACK_S, "failed")
            }
        };
        self.meter.told(outcome, Counts::default());
        let mut reply = PREAMBLE.to_vec();
        refusal(reason, come_back_s).put(&mut reply);
        match outcome {
            "refused" | "failed" => {
                self.out.push_back(Output::Whole(reply));
                Phase::Over { whole: false }
            }
            _ => Phase::Noting { outcome, given_out: false, refusal: Some(reply) },
        }
    }
}

impl Waiting {
    /// Takes what has arrived, as far as there is room. Whether nothing whole is left with the session.
    fn fill(&mut self, session: &mut Session, arrived_ms: i64) -> Result<bool, Fault> {
        while self.bytes < WAITING_BYTES_MAX {
            let Some(event) = session.next_event()? else { return Ok(true) };
            if self.events.is_empty() {
                self.since_ms = arrived_ms;
            }
            self.bytes += size(&event);
            self.events.push(event);
        }
        Ok(false)
    }
}

/// About how many bytes an event takes in memory.
fn size(event: &Event) -> usize {
    let carried = match event {
        Event::Batch(batch) => batch.ops.iter().map(|op| op.len() + size_of::<Vec<u8>>()).sum(),
        Event::Inventory(inventory) => inventory.len() * 32,
        Event::Attest(attest) => attest.heads.0.len() * 48,
        Event::Signed(signature) => signature.heads.len() * 16,
        Event::Have(position) => position.logs.len() * 8,
        Event::Offer(files) => files.len() * size_of::<Content>(),
        Event::Chunk(_, _, part) => part.len(),
        Event::Hello(_) | Event::Fetch(..) | Event::End => 0,
    };
    size_of::<Event>() + carried
}
