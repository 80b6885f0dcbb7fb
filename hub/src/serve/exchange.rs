//! Exchanges, one after the other on a connection that carries nothing else. What is decided stands in
//! [`crate::accept::Call`]; here its bytes are moved, and its jobs are done by the store's thread.
//!
//! ```text
//!   first byte within its time ──▶ request ──▶ reply ──▶ first byte of the next one within the idle time …
//!                                                       └─▶ meanwhile a knock, if there is news for its office
//! ```
//!
//! Only an exchange that was whole on both sides leaves the connection open. An idle connection holds no buffer.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use kentongan_host::certificate::facts;
use kentongan_host::files::free_bytes;
use kentongan_host::steps::{Step, reached};
use kentongan_protocol::ids::{OfficeCode, TopicKind};
use kentongan_protocol::session::Line;
use kentongan_protocol::session::hub::{knock, refusal};
use kentongan_protocol::wire::frame::PREAMBLE;
use kentongan_protocol::wire::v1::Refusal;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

use super::Serving;
use super::bells::Ear;
use super::listener::Waits;
use super::routes::Peer;
use crate::accept::news;
use crate::accept::{Bounds, Call, Done, Input, Job, Moment, Output, Shown};
use crate::store::Result;

/// A job under way.
type Doing = Pin<Box<dyn Future<Output = Result<Done>> + Send>>;

/// Bytes read at once.
const READ_BYTES: usize = 16 * 1024;

/// So few bytes unpack in a few milliseconds to a few kilobytes.
const UNPACKED_AT_ONCE_BYTES_MAX: usize = 512;

/// Serves a connection until the other end goes, keeps silent for too long or breaks off, or the hub stops.
pub(super) async fn serve<S>(
    serving: &Serving,
    peer: &Peer,
    waits: &Waits,
    stream: &mut S,
    stop: &mut watch::Receiver<()>,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let shown = Shown::new(peer.certificate.as_ref().and_then(|der| facts(der)));
    let (mut patience, mut line) = (waits.first(), Line::default());
    let mut ear: Option<Ear> = None;
    loop {
        let (mut first, until) = ([0], Instant::now() + patience);
        let mut is_told = false;
        let read = loop {
            tokio::select! {
                biased;
                _ = stop.changed() => break None,
                read = timeout_at(until, stream.read(&mut first)) => break read.ok(),
                () = rung(&mut ear), if !is_told && line.listens() => {
                    is_told = has_news(serving, &shown, &line).await;
                    if is_told && write(stream, &knock()).await.is_err() {
                        break None;
                    }
                }
            }
        };
        if !matches!(read, Some(Ok(1))) {
            break;
        }
        let answered = Box::pin(answer(serving, peer, (shown.clone(), line), stream, first)).await;
        let Some((known, office)) = answered else { return linger(stream, waits.first()).await };
        line = known;
        if ear.as_ref().map(Ear::office) != office.as_ref() {
            ear = office.map(|office| serving.bells.listen(&office));
        }
        patience = waits.next();
    }
    // The other end learns now that this connection is over, not with its next request.
    let _ = timeout(waits.first(), stream.shutdown()).await;
}

/// Ends when the bell of the office rings; never, if it is not known whose connection this is.
async fn rung(ear: &mut Option<Ear>) {
    match ear {
        Some(ear) => ear.rung().await,
        None => std::future::pending().await,
    }
}

/// Whether there is something for the device at the other end that it has not read.
async fn has_news(serving: &Serving, shown: &Shown, line: &Line) -> bool {
    let (shown, cursor, now_ms) = (shown.clone(), line.cursor(TopicKind::Office), serving.clock.wall_ms());
    let looked = serving.store.run(move |tx| news::has_news(tx, &shown, cursor, now_ms)).await;
    // It is told with its next contact.
    looked.unwrap_or_else(|error| {
        tracing::debug!(ev = "sync.knock.failed", %error, "cannot see whether there is news for a device");
        false
    })
}

/// Answers one exchange, of which the first byte has come. Gives back what is remembered of the line and whose it is, if
/// another one may follow.
async fn answer<S>(
    serving: &Serving,
    peer: &Peer,
    (shown, line): (Shown, Line),
    stream: &mut S,
    first: [u8; 1],
) -> Option<(Line, Option<OfficeCode>)>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (config, began) = (serving.config(), Instant::now());
    let _place = match serving.crowd.enter(config.exchanges_max, serving.clock.boot_ms()) {
        Ok(place) => place,
        Err(come_back_s) => {
            serving.counters.busy();
            tracing::info!(ev = "sync.exchange.busy", peer = %peer.address, come_back_s, "too many exchanges at once");
            let mut reply = PREAMBLE.to_vec();
            refusal(Refusal::Busy, come_back_s).put(&mut reply);
            // Who does not take it comes back by its own rules.
            let _ = write(stream, &reply).await;
            return None;
        }
    };
    let bounds = Bounds {
        request_bytes_max: config.request_bytes_max,
        min_free_bytes: config.min_free_bytes,
        free_bytes: free_bytes(serving.dir.root()),
    };
    let mut call = Call::new(shown, bounds, line, now(serving));
    call.take(Input::Bytes(first.to_vec()), now(serving));
    let mut buffer = vec![0; READ_BYTES];
    let mut doing: Option<Doing> = None;
    loop {
        while let Some(output) = call.next_output() {
            say(&mut call, stream, output, serving).await;
        }
        if call.is_over() {
            if let Some(account) = call.account() {
                serving.counters.exchange(&account, began.elapsed());
            }
            let office = call.office().cloned();
            return call.into_line().map(|line| (line, office));
        }
        if doing.is_none() {
            doing = call.next_job().map(|job| begin(serving, job));
            // To look for a job may bring a reply to light.
            if doing.is_none() && !call.wants_bytes() {
                continue;
            }
        }
        tokio::select! {
            biased;
            done = under_way(&mut doing) => {
                doing = None;
                let step = if done.as_ref().is_ok_and(Done::is_reply) { Step::HubMarksMade } else { Step::HubPartStored };
                reached(step);
                call.done(done);
            }
            read = timeout(config.stall, stream.read(&mut buffer)), if call.wants_bytes() => {
                let input = match read {
                    Ok(Ok(0) | Err(_)) => Input::Cut,
                    Ok(Ok(length)) => Input::Bytes(buffer.get(..length).unwrap_or_default().to_vec()),
                    Err(_) => Input::Stalled,
                };
                call = take(call, input, now(serving)).await?;
            }
        }
    }
}

/// Takes what arrived: what may be long to unpack, not on the thread that serves all.
async fn take(mut call: Call, input: Input, now: Moment) -> Option<Call> {
    match input {
        Input::Bytes(bytes) if bytes.len() >= UNPACKED_AT_ONCE_BYTES_MAX => {
            let taken = tokio::task::spawn_blocking(move || {
                call.take(Input::Bytes(bytes), now);
                call
            });
            taken.await.ok()
        }
        input => {
            call.take(input, now);
            Some(call)
        }
    }
}

/// Sends a part of the reply. The end of a reply is a frame of it, and a reply that breaks off lacks it.
async fn say<S: AsyncWrite + Unpin>(call: &mut Call, stream: &mut S, output: Output, serving: &Serving) {
    let (bytes, is_part) = match output {
        Output::Part(bytes) => (bytes, true),
        Output::Whole(bytes) => (bytes, false),
        Output::End | Output::Cut => return,
    };
    if write(stream, &bytes).await.is_err() {
        call.take(Input::Gone, now(serving));
    }
    if is_part {
        reached(Step::HubReplyBegun);
    }
}

async fn write<S: AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}

/// Closes a connection whose other end may still be speaking: what was said last would be lost with a plain close.
async fn linger<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, patience: Duration) {
    let heard = async {
        stream.shutdown().await?;
        let mut buffer = vec![0; READ_BYTES];
        while stream.read(&mut buffer).await? > 0 {}
        io::Result::Ok(())
    };
    // However it ends, it is over.
    let _ = timeout(patience, heard).await;
}

fn now(serving: &Serving) -> Moment {
    Moment::of(&*serving.clock)
}

/// Has the store's thread do a job.
fn begin(serving: &Serving, job: Job) -> Doing {
    let (store, hub, clock) = (serving.store.clone(), Arc::clone(&serving.hub), Arc::clone(&serving.clock));
    Box::pin(async move { store.run(move |tx| job.run(&hub, tx, Moment::of(&*clock))).await })
}

/// Ends when the job is done; never, if there is none.
async fn under_way(doing: &mut Option<Doing>) -> Result<Done> {
    match doing {
        Some(doing) => doing.await,
        None => std::future::pending().await,
    }
}
