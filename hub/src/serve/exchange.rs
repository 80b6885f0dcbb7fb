//! `POST /v1/sync`: one exchange over HTTP. The protocol's session says what arrived, the store's thread does it.
//!
//! ```text
//!   body ──▶ session ──▶ events ┐                       ┌─ first part: marks, then what concerns the office
//!     read and decoded while    ├─▶ job ──▶ commit ──▶ ─┤
//!     the job before commits    ┘                       └─ further parts, streamed
//! ```
//!
//! - Nothing is held whole: of a request about [`WAITING_BYTES_MAX`] bytes wait for the store, counted after they were
//!   decompressed, and of a reply one part.
//! - The last events of a request and its marks are one job: a small exchange costs one commit. What the marks say is
//!   durable when it is sent, because a job is answered after its commit.
//! - An agent that may not speak is told why in a frame of the protocol, with status 200: a portal answers 403 too.

use std::pin::Pin;
use std::sync::Arc;

use http_body_util::Either;
use hyper::body::Incoming;
use hyper::{Response, StatusCode};
use kentongan_host::files::free_bytes;
use kentongan_host::steps::{Step, reached};
use kentongan_host::{Failure, Ktg};
use kentongan_protocol::error::Fault;
use kentongan_protocol::ids::ReplicaId;
use kentongan_protocol::session::hub::{Event, Session, refusal, refusal_for};
use kentongan_protocol::wire::frame::PREAMBLE;
use kentongan_protocol::wire::v1::Refusal;

use super::Serving;
use super::body::{ReadFailure, ReplyBody, RequestBody, StreamWriter, stream, whole};
use super::routes::{Peer, stream_reply};
use super::standing::{self, Shown};
use crate::accept::{Counts, Exchange};
use crate::engine::Hub;
use crate::store::{ExchangeNote, StoreError, Tx};

/// Bytes of events that may wait for the store; then decoding waits, and reading with it.
const WAITING_BYTES_MAX: usize = 1 << 20;
/// The first part of a reply ends after this many bytes. A reply that fits is sent with its length, as one piece.
const FIRST_PART_BYTES_AIM: usize = 16 * 1024;
/// How long an agent stays away when the hub cannot write, in seconds.
const UNABLE_COME_BACK_S: u32 = 60;
/// How long it stays away when the hub has no space, in seconds.
const NO_SPACE_COME_BACK_S: u32 = 600;

/// Why there is no ordinary reply.
#[derive(Debug)]
enum Stop {
    /// The device may not speak, or the hub cannot listen.
    Refused { reason: Refusal, come_back_s: u32 },
    /// The request broke the protocol.
    Fault(Fault),
    /// The request did not arrive whole.
    Cut(ReadFailure),
    /// The store failed.
    Store(StoreError),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Stop {
        Stop::Fault(fault)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Stop {
        Stop::Store(error)
    }
}

/// Answers one exchange.
pub(crate) async fn answer(serving: &Serving, peer: &Peer, body: Incoming) -> Response<ReplyBody> {
    let config = serving.config();
    let mut call = Call {
        serving: serving.clone(),
        body: RequestBody::new(body, config.request_bytes_max, config.stall),
        meter: Meter {
            replica: None,
            started_ms: serving.clock.wall_ms(),
            started_boot_ms: serving.clock.boot_ms(),
            bytes_in: 0,
            bytes_out: 0,
        },
    };
    let done = call.run(&Shown::of(peer)).await;
    match done {
        Ok(reply) => reply,
        Err(stop) => call.stopped(stop).await,
    }
}

/// One request on its way in.
struct Call {
    serving: Serving,
    body: RequestBody,
    meter: Meter,
}

/// What the journal will say.
#[derive(Debug, Clone)]
struct Meter {
    replica: Option<ReplicaId>,
    started_ms: i64,
    started_boot_ms: u64,
    bytes_in: u64,
    bytes_out: u64,
}

/// What a job gives back: the exchange, and what the speaker did wrong in it.
type Done = (Box<Exchange>, Result<(), Fault>);

/// Where the exchange is while its request arrives.
enum At {
    /// Here, waiting for events.
    Idle(Box<Exchange>),
    /// With the store's thread.
    Storing(Pin<Box<dyn Future<Output = Result<Done, StoreError>> + Send>>),
}

impl At {
    /// Ends when the store's thread gives the exchange back.
    async fn stored(&mut self) -> Result<Done, StoreError> {
        match self {
            At::Idle(_) => std::future::pending().await,
            At::Storing(job) => job.await,
        }
    }
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
    async fn run(&mut self, shown: &Shown) -> Result<Response<ReplyBody>, Stop> {
        let replica = self.admitted(shown).await?;
        self.meter.replica = Some(replica);
        let (exchange, waiting) = self.take_in(replica).await?;
        let (exchange, reply) = self.first_part(exchange, waiting).await?;
        self.meter.bytes_out = reply.len() as u64;
        if exchange.is_over() {
            self.meter.told("ok", exchange.counts());
            return Ok(octets(whole(reply)));
        }
        let (writer, stream) = stream();
        tokio::spawn(further_parts(self.serving.clone(), self.meter.clone(), exchange, reply, writer));
        Ok(octets(Either::Right(stream)))
    }

    /// The replica, if it may speak and the hub can listen.
    async fn admitted(&self, shown: &Shown) -> Result<ReplicaId, Stop> {
        let serving = &self.serving;
        let (shown, now_ms) = (shown.clone(), serving.clock.wall_ms());
        let standing = serving.store.run(move |tx| standing::check(tx, &shown, now_ms)).await?;
        let replica = standing.map_err(|reason| Stop::Refused { reason, come_back_s: 0 })?;
        if free_bytes(serving.dir.root()).is_some_and(|free| free < serving.config().min_free_bytes) {
            tracing::error!(ev = "store.no_space", code = %Ktg::NoSpace, "too little space: nothing is accepted");
            return Err(Stop::Refused { reason: Refusal::Unable, come_back_s: NO_SPACE_COME_BACK_S });
        }
        Ok(replica.id)
    }

    /// Reads the request to its end, storing while reading. Gives back what is still to be stored.
    async fn take_in(&mut self, replica: ReplicaId) -> Result<(Box<Exchange>, Waiting), Stop> {
        let mut session = Session::new(replica);
        let mut waiting = Waiting::default();
        let mut at = At::Idle(Box::new(Exchange::new(replica)));
        let mut arrived_ms = 0;
        let mut whole = false;
        loop {
            let drained = waiting.fill(&mut session, arrived_ms)?;
            let last = drained && session.is_ended();
            at = match at {
                At::Idle(exchange) if last && whole => return Ok((exchange, waiting)),
                // What comes with the end of the request is stored together with the making of the marks.
                At::Idle(exchange) if !waiting.events.is_empty() && !last => {
                    At::Storing(self.job(exchange, std::mem::take(&mut waiting)))
                }
                at => at,
            };
            tokio::select! {
                biased;
                done = at.stored() => {
                    let (exchange, spoken) = done?;
                    reached(Step::HubPartStored);
                    spoken?;
                    at = At::Idle(exchange);
                }
                read = self.body.next(), if drained && !whole => match read.map_err(Stop::Cut)? {
                    Some(bytes) => {
                        self.meter.bytes_in += bytes.len() as u64;
                        arrived_ms = self.serving.clock.wall_ms();
                        session.push(&bytes);
                    }
                    None if session.is_ended() => whole = true,
                    None => return Err(Fault::Cut.into()),
                },
            }
        }
    }

    /// Has events stored; the exchange travels with them.
    fn job(
        &self,
        mut exchange: Box<Exchange>,
        waiting: Waiting,
    ) -> Pin<Box<dyn Future<Output = Result<Done, StoreError>> + Send>> {
        let (store, hub) = (self.serving.store.clone(), Arc::clone(&self.serving.hub));
        Box::pin(async move {
            let work = move |tx: &mut dyn Tx| {
                let spoken = apply(&mut exchange, &hub, tx, waiting)?;
                Ok((exchange, spoken))
            };
            store.run(work).await
        })
    }

    /// Stores the rest of the request and gives the beginning of the reply, in one transaction.
    async fn first_part(
        &self,
        mut exchange: Box<Exchange>,
        waiting: Waiting,
    ) -> Result<(Box<Exchange>, Vec<u8>), Stop> {
        let hub = Arc::clone(&self.serving.hub);
        let (clock, mut meter) = (Arc::clone(&self.serving.clock), self.meter.clone());
        let done = self.serving.store.run(move |tx| {
            if let Err(fault) = apply(&mut exchange, &hub, tx, waiting)? {
                return Ok(Err(fault));
            }
            let now_ms = clock.wall_ms();
            let marks = exchange.marks(tx, now_ms)?;
            let mut reply = exchange.begin_reply(&marks);
            while !exchange.is_over() && reply.len() < FIRST_PART_BYTES_AIM {
                exchange.next_frames(&hub, tx, now_ms)?.iter().for_each(|frame| frame.put(&mut reply));
            }
            if exchange.is_over() {
                meter.bytes_out = reply.len() as u64;
                tx.journal(&meter.note("ok", exchange.counts(), clock.boot_ms()))?;
            }
            Ok::<_, StoreError>(Ok((exchange, reply)))
        });
        let done = done.await??;
        reached(Step::HubMarksMade);
        Ok(done)
    }

    /// Says why there is no ordinary reply, where anybody is left to hear it.
    async fn stopped(mut self, stop: Stop) -> Response<ReplyBody> {
        let (reason, come_back_s, outcome) = match stop {
            Stop::Refused { reason, come_back_s } => (reason, come_back_s, "refused"),
            Stop::Fault(Fault::Cut) | Stop::Cut(ReadFailure::Stalled | ReadFailure::Cut(_)) => {
                (Refusal::Protocol, 0, "cut")
            }
            Stop::Cut(ReadFailure::TooLong) => (Refusal::Protocol, 0, "too-long"),
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
        if let (Some(_), "cut" | "fault" | "too-long") = (self.meter.replica, outcome) {
            journal(&self.serving, &self.meter, outcome, Counts::default()).await;
        }
        // An answer is only heard by who may finish speaking.
        while let Ok(Some(_)) = self.body.next().await {}
        let mut reply = PREAMBLE.to_vec();
        refusal(reason, come_back_s).put(&mut reply);
        octets(whole(reply))
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

impl Meter {
    fn note(&self, outcome: &str, counts: Counts, boot_ms: u64) -> ExchangeNote {
        ExchangeNote {
            replica: self.replica.unwrap_or(ReplicaId(0)),
            started_ms: self.started_ms,
            took_ms: boot_ms.saturating_sub(self.started_boot_ms),
            outcome: outcome.to_owned(),
            bytes_in: self.bytes_in,
            bytes_out: self.bytes_out,
            ops_in: counts.stored,
            ops_out: counts.restored + counts.fed,
        }
    }

    /// Writes the log line of an exchange.
    fn told(&self, outcome: &str, counts: Counts) {
        let replica = self.replica.map(|id| id.to_string());
        let (bytes_in, bytes_out) = (self.bytes_in, self.bytes_out);
        let Counts { stored, repeated, echoed, restored, fed } = counts;
        let (ev, said) = match outcome {
            "ok" => ("sync.exchange.finished", "an exchange finished"),
            _ => ("sync.exchange.ended", "an exchange ended early"),
        };
        tracing::info!(ev, replica, outcome, stored, repeated, echoed, restored, fed, bytes_in, bytes_out, "{said}");
    }
}

/// About how many bytes an event takes in memory.
fn size(event: &Event) -> usize {
    let carried = match event {
        Event::Batch(batch) => batch.ops.iter().map(|op| op.len() + size_of::<Vec<u8>>()).sum(),
        Event::Inventory(inventory) => inventory.len() * 32,
        Event::Attest(attest) => attest.heads.0.len() * 48,
        Event::Have(position) => position.logs.len() * 8,
        Event::Hello(_) | Event::End => 0,
    };
    size_of::<Event>() + carried
}

/// Does what the events say, in the transaction `tx`. A fault of the speaker ends it; what was done before it stays.
fn apply(
    exchange: &mut Exchange,
    hub: &Hub,
    tx: &mut dyn Tx,
    waiting: Waiting,
) -> Result<Result<(), Fault>, StoreError> {
    for event in waiting.events {
        if let Err(fault) = exchange.event(hub, tx, event, waiting.since_ms)? {
            return Ok(Err(fault));
        }
    }
    Ok(Ok(()))
}

/// Streams what the first part did not hold. The reply is cut, visibly for the agent, if anything fails: it goes on
/// from its cursors the next time.
async fn further_parts(
    serving: Serving,
    mut meter: Meter,
    mut exchange: Box<Exchange>,
    first: Vec<u8>,
    writer: StreamWriter,
) {
    let mut counts = exchange.counts();
    let mut outcome = if writer.write(first).await { "ok" } else { "cut" };
    reached(Step::HubReplyBegun);
    while outcome == "ok" && !exchange.is_over() {
        let (hub, now_ms) = (Arc::clone(&serving.hub), serving.clock.wall_ms());
        let part = serving.store.run(move |tx| {
            let frames = exchange.next_frames(&hub, tx, now_ms)?;
            Ok::<_, StoreError>((exchange, frames))
        });
        let frames;
        match part.await {
            Ok(done) => (exchange, frames) = done,
            Err(error) => {
                tracing::error!(ev = "sync.exchange.failed", error = %Failure::from(error), "the store failed");
                outcome = "failed";
                break;
            }
        }
        counts = exchange.counts();
        let mut bytes = Vec::new();
        frames.iter().for_each(|frame| frame.put(&mut bytes));
        meter.bytes_out += bytes.len() as u64;
        if !bytes.is_empty() && !writer.write(bytes).await {
            outcome = "cut";
        }
    }
    if outcome == "ok" {
        writer.finish().await;
    }
    meter.told(outcome, counts);
    journal(&serving, &meter, outcome, counts).await;
}

/// Notes how an exchange went.
async fn journal(serving: &Serving, meter: &Meter, outcome: &str, counts: Counts) {
    let note = meter.note(outcome, counts, serving.clock.boot_ms());
    if let Err(error) = serving.store.run(move |tx| tx.journal(&note)).await {
        tracing::debug!(ev = "journal.failed", %error, "an exchange was not noted");
    }
}

fn octets(body: ReplyBody) -> Response<ReplyBody> {
    stream_reply(StatusCode::OK, "application/octet-stream", body)
}
