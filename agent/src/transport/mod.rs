//! The link to the hub. Moves bytes and names what went wrong; decides nothing.
//!
//! ```text
//!   exchanges ── TLS, ALPN ktg/1: frames both ways, one connection kept open from exchange to exchange
//!   joining, renewing ── TLS, HTTP/1.1: a connection for each message
//! ```
//!
//! Three times end a wait: a connection that gives no sign of life is dead after a few round trips of this link (probes
//! by the operating system, only while something is awaited); a hub that is there and says nothing is given up after
//! `hub.idle_timeout`; and a connection that cannot be made after `hub.connect_timeout`, or sooner, where one attempt follows
//! another: a fresh one notices first that the link is back.
//!
//! A kept connection that has died in the meantime shows it when it is used again: the exchange fails with
//! [`LinkError::stale`], and the next one goes over a fresh connection. On a kept connection the hub may knock: it has
//! something for this office.

mod dial;
mod message;

use std::error::Error;
use std::fmt;
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use kentongan_host::enrolment::{CA_PATH, ENROL_PATH, RENEW_PATH};
use kentongan_host::ktg::Ktg;
use kentongan_host::tcp;
use kentongan_host::tls::fault::{LinkFault, classify};
use kentongan_host::tls::for_exchanges;
use kentongan_protocol::session::Line;
use kentongan_protocol::session::pacing::{FLIGHT_PIECES, Flight};
use rustls::ClientConfig;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::sync::{Answer, Carrier, Conn};
use dial::{Dialler, Stream};

/// How to reach the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkSettings {
    /// `https://host[:port]` of the hub.
    pub url: String,
    /// `system`, `none`, or the proxy's address.
    pub proxy: String,
    /// Longest wait for a connection, TLS included.
    pub connect_timeout: Duration,
    /// Longest silence in the middle of an exchange.
    pub idle_timeout: Duration,
}

/// What went wrong on the link.
#[derive(Debug, thiserror::Error)]
#[error("{detail}")]
pub struct LinkError {
    /// Code for people.
    pub ktg: Ktg,
    /// Class for logs and scripts.
    pub class: &'static str,
    /// The chain of causes, for IT staff.
    pub detail: String,
    /// A connection of an earlier exchange had died before the hub said anything on it: a fresh one may well do.
    pub stale: bool,
    /// A connection was there: some of the request may have gone out.
    pub reached: bool,
}

/// Bytes read at once.
const READ_BYTES: usize = 16 * 1024;

/// Bytes that are read at once where none but a knock is expected.
const KNOCK_BYTES_MAX: usize = 64;

/// What TLS adds to each record: its head, the kind of its content, and the tag that proves it (RFC 8446, 5.2).
const RECORD_BYTES: usize = 5 + 1 + 16;

/// How long to look for the reason why the hub no longer listens.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// The way to one hub, and the connection that is kept open for exchanges.
#[derive(Clone)]
pub struct Transport {
    shared: Arc<Shared>,
}

struct Shared {
    dialler: Dialler,
    messages: Arc<ClientConfig>,
    exchanges: Arc<ClientConfig>,
    kept: Mutex<Option<Kept>>,
    /// The connection that is being made while its first request is.
    coming: Mutex<Option<Dial>>,
}

type Dial = JoinHandle<Result<Stream, LinkError>>;

/// A connection between two exchanges.
struct Kept {
    stream: Stream,
    /// What was said on it; none while somebody makes a request of it.
    line: Option<Line>,
}

impl Transport {
    /// Towards the hub of `settings`, trusting and showing what `tls` says.
    ///
    /// # Errors
    /// If the proxy's or the hub's address is none.
    pub fn new(settings: &LinkSettings, tls: ClientConfig) -> Result<Transport, LinkError> {
        let exchanges = Arc::new(for_exchanges(&tls));
        let dialler = Dialler::new(settings)?;
        Ok(Transport {
            shared: Arc::new(Shared {
                dialler,
                messages: Arc::new(tls),
                exchanges,
                kept: Mutex::default(),
                coming: Mutex::default(),
            }),
        })
    }

    /// The hub's root certificate, as whoever answers gives it. To be compared with a fingerprint before use.
    ///
    /// # Errors
    /// If none comes.
    pub async fn root(&self) -> Result<Vec<u8>, LinkError> {
        let stream = self.shared.dialler.dial(&self.shared.messages, self.shared.dialler.connect_timeout).await?;
        message::get(stream, &self.shared.dialler, CA_PATH).await
    }

    /// Sends the message that buys a certificate with a code.
    ///
    /// # Errors
    /// [`Ktg::CodeRefused`] with the hub's reason, or whatever the link fails with.
    pub async fn enrol<Q: Serialize, A: DeserializeOwned>(&self, request: &Q) -> Result<A, LinkError> {
        self.message(ENROL_PATH, request).await
    }

    /// Sends the message that replaces a certificate before it ends.
    ///
    /// # Errors
    /// As [`Transport::enrol`].
    pub async fn renew<Q: Serialize, A: DeserializeOwned>(&self, request: &Q) -> Result<A, LinkError> {
        self.message(RENEW_PATH, request).await
    }

    async fn message<Q: Serialize, A: DeserializeOwned>(&self, path: &str, request: &Q) -> Result<A, LinkError> {
        let body = serde_json::to_vec(request).map_err(|error| link_error(&error))?;
        let stream = self.shared.dialler.dial(&self.shared.messages, self.shared.dialler.connect_timeout).await?;
        let answer = message::post(stream, &self.shared.dialler, path, body).await?;
        serde_json::from_slice(&answer).map_err(|_| stranger("the answer is no message of a hub"))
    }

    /// Ends when the hub knocks on the kept connection. Never where there is none, or it is in use: ask again after an
    /// exchange.
    pub async fn knocked(&self) {
        std::future::poll_fn(|context| {
            let mut slot = self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(Kept { stream, line: Some(line) }) = slot.as_mut() else { return Poll::Pending };
            match listen(stream, line, context) {
                Heard::Knock => Poll::Ready(()),
                Heard::Nothing => Poll::Pending,
                Heard::End => {
                    *slot = None;
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// The kept connection. Until it is given back there is none.
    fn take_kept(&self) -> Option<Kept> {
        self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Begins to make a connection, in place of one that was begun before.
    fn begin_dial(&self) {
        let shared = Arc::clone(&self.shared);
        let dial =
            tokio::spawn(async move { shared.dialler.dial(&shared.exchanges, shared.dialler.dial_time()).await });
        let before = self.shared.coming.lock().unwrap_or_else(PoisonError::into_inner).replace(dial);
        before.iter().for_each(Dial::abort);
    }

    /// The connection that was begun, or one that is made now.
    async fn fresh(&self) -> Result<Stream, LinkError> {
        let begun = self.shared.coming.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(begun) = begun
            && let Ok(dialled) = begun.await
        {
            return dialled;
        }
        self.shared.dialler.dial(&self.shared.exchanges, self.shared.dialler.dial_time()).await
    }

    fn keep(&self, kept: Kept) {
        *self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Transport").field("dialler", &self.shared.dialler).finish_non_exhaustive()
    }
}

impl Carrier for Transport {
    type Reply = Reply;

    async fn line(&self) -> Option<Line> {
        if let Some(Kept { mut stream, line: Some(mut line) }) = self.take_kept()
            && is_open(&mut stream, &mut line).await
        {
            self.keep(Kept { stream, line: None });
            return Some(line);
        }
        self.begin_dial();
        None
    }

    async fn exchange(&self, request: Vec<u8>, on: Conn) -> Result<Reply, LinkError> {
        let dialler = &self.shared.dialler;
        let (stream, stale) = match (self.take_kept(), on) {
            (Some(kept), Conn::Open) => (kept.stream, true),
            (None, Conn::Open) => {
                let gone = io::Error::from(io::ErrorKind::NotConnected);
                return Err(LinkError { stale: true, ..link_error(&gone) });
            }
            (_, Conn::New) => (self.fresh().await?, false),
        };
        let silence_max = self.shared.dialler.idle_timeout;
        tcp::expect(stream.get_ref().0, self.shared.dialler.patience());
        let mut reply = Reply { link: self.clone(), stream, first: None, asked: Instant::now(), silence_max };
        let packet_bytes = tcp::packet_bytes(reply.stream.get_ref().0);
        let begun = reply.begin(&request, Flight::over(dialler.round_trip_ms(), packet_bytes)).await;
        begun.map(|()| reply).map_err(|error| LinkError { stale, reached: true, ..link_error(&error) })
    }
}

/// An answer under way.
#[derive(Debug)]
pub struct Reply {
    link: Transport,
    stream: Stream,
    first: Option<Vec<u8>>,
    asked: Instant,
    silence_max: Duration,
}

impl Reply {
    /// Hands over the request and waits for the first bytes of the answer. A hub that speaks before it has heard all
    /// refuses: the rest is not sent.
    async fn begin(&mut self, request: &[u8], flight: Option<Flight>) -> io::Result<()> {
        let mut early = vec![0; READ_BYTES];
        let heard = match self.hand_over(request, flight, &mut early).await {
            Ok(Some(heard)) => heard,
            Ok(None) => patiently(self.silence_max, self.stream.read(&mut early)).await?,
            // It may have said why: a certificate that is not accepted, for instance.
            Err(error) => match timeout(LAST_WORDS, self.stream.read(&mut early)).await {
                Ok(Ok(length)) if length > 0 => length,
                Ok(Err(reason)) => return Err(reason),
                _ => return Err(error),
            },
        };
        if heard == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        early.truncate(heard);
        self.first = Some(early);
        Ok(())
    }

    /// Hands over the request, as much at once as `flight` says. Ends early with the number of bytes that the hub said.
    async fn hand_over(
        &mut self,
        request: &[u8],
        mut flight: Option<Flight>,
        early: &mut [u8],
    ) -> io::Result<Option<usize>> {
        let (mut rest, began) = (request, Instant::now());
        self.bound(flight);
        while !rest.is_empty() {
            let piece_bytes = flight.map_or(READ_BYTES, |flight| flight.piece_bytes().min(READ_BYTES) - RECORD_BYTES);
            let (piece, behind) = rest.split_at(piece_bytes.min(rest.len()));
            if let Some(heard) = patiently(self.silence_max, write_or_hear(&mut self.stream, piece, early)).await? {
                return Ok(Some(heard));
            }
            rest = behind;
            let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            if flight.as_mut().is_some_and(|flight| flight.handed_over(request.len() - rest.len(), ms)) {
                self.bound(flight);
            }
        }
        Ok(None)
    }

    fn bound(&self, flight: Option<Flight>) {
        if let Some(flight) = flight {
            tcp::bound_flight(self.stream.get_ref().0, flight.bytes(), FLIGHT_PIECES);
        }
    }

    async fn read(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = vec![0; READ_BYTES];
        let length = patiently(self.silence_max, self.stream.read(&mut bytes)).await?;
        bytes.truncate(length);
        Ok((length > 0).then_some(bytes))
    }
}

impl Answer for Reply {
    async fn chunk(&mut self) -> Result<Option<Vec<u8>>, LinkError> {
        match self.first.take() {
            Some(first) => Ok(Some(first)),
            None => self.read().await.map_err(|error| link_error(&error)),
        }
    }

    fn waited_ms(&self) -> u32 {
        u32::try_from(self.asked.elapsed().as_millis()).unwrap_or(u32::MAX)
    }

    fn whole(self, line: Line) {
        let Reply { link, stream, .. } = self;
        tcp::rest(stream.get_ref().0);
        link.keep(Kept { stream, line: Some(line) });
    }
}

/// Writes all of `piece` as one record, and hands it over to the system; or hears a number of bytes before that is done.
async fn write_or_hear(stream: &mut Stream, piece: &[u8], early: &mut [u8]) -> io::Result<Option<usize>> {
    let mut written = 0;
    std::future::poll_fn(move |context| {
        let mut stream = Pin::new(&mut *stream);
        loop {
            let moved = match piece.get(written..) {
                Some(rest) if !rest.is_empty() => {
                    stream.as_mut().poll_write(context, rest).map_ok(|length| written += length)
                }
                _ => match stream.as_mut().poll_flush(context) {
                    Poll::Ready(flushed) => return Poll::Ready(flushed.map(|()| None)),
                    Poll::Pending => Poll::Pending,
                },
            };
            match moved {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => break,
            }
        }
        let mut heard = ReadBuf::new(early);
        stream.poll_read(context, &mut heard).map_ok(|()| Some(heard.filled().len()))
    })
    .await
}

/// What came on a connection on which no answer is awaited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    /// Nothing; whoever polls is woken when something comes.
    Nothing,
    /// The hub has something for this office.
    Knock,
    /// Its end, or something that makes no sense.
    End,
}

/// Takes what came between two exchanges.
fn listen(stream: &mut Stream, line: &mut Line, context: &mut Context<'_>) -> Heard {
    // Something may have come right behind the last answer.
    let (mut bytes, mut length) = ([0; KNOCK_BYTES_MAX], 0);
    loop {
        match line.hear(bytes.get(..length).unwrap_or_default()) {
            Ok(true) => return Heard::Knock,
            Ok(false) => {}
            Err(_) => return Heard::End,
        }
        let mut buffer = ReadBuf::new(&mut bytes);
        match Pin::new(&mut *stream).poll_read(context, &mut buffer) {
            Poll::Pending => return Heard::Nothing,
            Poll::Ready(Ok(())) if !buffer.filled().is_empty() => length = buffer.filled().len(),
            Poll::Ready(_) => return Heard::End,
        }
    }
}

/// Whether a connection on which nothing is awaited is still open, as far as is known here. That the hub knocked is
/// forgotten: an exchange is about to begin.
async fn is_open(stream: &mut Stream, line: &mut Line) -> bool {
    std::future::poll_fn(|context| {
        loop {
            match listen(stream, line, context) {
                Heard::Knock => {}
                heard => return Poll::Ready(heard == Heard::Nothing),
            }
        }
    })
    .await
}

/// What is done within the time, or fails as too late.
async fn patiently<T>(patience: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(patience, pin!(work)).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

fn stranger(detail: &str) -> LinkError {
    let (stale, reached) = (false, false);
    LinkError { ktg: Ktg::NotTheHub, class: LinkFault::NotTheHub.class(), detail: detail.to_owned(), stale, reached }
}

fn link_error(error: &(dyn Error + 'static)) -> LinkError {
    let fault = classify(error);
    let mut detail = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        detail = format!("{detail}: {inner}");
        cause = inner.source();
    }
    LinkError { ktg: fault.ktg(), class: fault.class(), detail, stale: false, reached: false }
}
