//! The service's side.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use kentongan_protocol::form::Lang;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use super::system::Endpoint;
use super::{LANG, LINE_BYTES_MAX, REQUEST_BYTES_MAX};
use crate::data_dir::DataDir;
use crate::exit::Exit;
use crate::fail::Failure;
use crate::lock::Lock;
use crate::output::{in_lang, in_lang_async, parse_lang, process_lang};

/// Commands that are answered at a time; further ones wait.
const CONNECTIONS_MAX: usize = 32;
/// How long a connection may say nothing before its request.
const REQUEST_WAIT: Duration = Duration::from_secs(60);
/// How long a command may leave an answer unread.
const WRITE_WAIT: Duration = Duration::from_secs(30);
/// Progress lines that may wait for a slow reader.
const PROGRESS_WAITING_MAX: usize = 64;

/// The service's end; no command reaches the service once it is dropped.
#[derive(Debug)]
pub struct Listener {
    endpoint: Endpoint,
}

impl Listener {
    /// Binds the control socket of `dir`. Who holds the lock is the only service there, so a socket that is found is
    /// a leftover and is replaced. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// The socket cannot be made; the failure names it.
    pub fn bind(dir: &DataDir, _held: &Lock) -> Result<Listener, Failure> {
        let path = dir.control_socket();
        let endpoint = Endpoint::bind(&path).with_context(|| format!("bind the control socket {}", path.display()))?;
        Ok(Listener { endpoint })
    }
}

/// Tells a waiting command how far its request has come.
#[derive(Debug, Clone)]
pub struct Progress {
    lines: mpsc::Sender<Value>,
}

impl Progress {
    /// Sends a line, waiting while the reader is slow. `false` when the command has gone: nobody reads any more.
    pub async fn send(&self, line: Value) -> bool {
        self.lines.send(line).await.is_ok()
    }

    /// As [`Progress::send`], for threads outside async code.
    pub fn send_blocking(&self, line: Value) -> bool {
        self.lines.blocking_send(line).is_ok()
    }

    /// Sends a line unless the reader is slow: for counters, of which the next one says more.
    pub fn offer(&self, line: Value) {
        // A line that finds no room is replaced by the next one.
        let _ = self.lines.try_send(line);
    }
}

/// Answers requests by `handler` until dropped; connections end with it.
///
/// A handler runs to its end even when the command that asked has gone.
pub async fn serve<H, F>(mut listener: Listener, handler: H)
where
    H: Fn(Value, Progress) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Value, Failure>> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let place = Arc::clone(&places).acquire_owned().await.expect("the semaphore is never closed");
        match listener.endpoint.accept().await {
            Ok(stream) => {
                let handler = handler.clone();
                connections.spawn(async move {
                    if let Err(error) = connection(stream, handler).await {
                        tracing::debug!(ev = "control.lost", %error, "a command went away");
                    }
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(ev = "control.accept", %error, "the control socket takes no connection");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn connection<H, F>(stream: impl AsyncRead + AsyncWrite, handler: H) -> io::Result<()>
where
    H: Fn(Value, Progress) -> F,
    F: Future<Output = Result<Value, Failure>>,
{
    let (read, mut write) = tokio::io::split(stream);
    let mut read = BufReader::new(read);
    while let Some(line) = request(&mut read).await? {
        let request = serde_json::from_slice(&line).map(spoken);
        let lang = request.as_ref().map_or_else(|_| process_lang(), |(_, lang)| *lang);
        let answer = match request {
            Ok((request, lang)) => {
                let (lines, waiting) = mpsc::channel(PROGRESS_WAITING_MAX);
                let answer = in_lang(lang, || handler(request, Progress { lines }));
                pass_on(waiting, in_lang_async(lang, answer), &mut write).await?
            }
            Err(error) => Err(Failure::usage("permintaan bukan JSON", "the request is not JSON").caused_by(error)),
        };
        let answer = match answer {
            Ok(value) => json!({ "ok": value }),
            Err(failure) => json!({ "err": failure.to_json(lang) }),
        };
        send(&mut write, &answer).await?;
    }
    Ok(())
}

/// A request, and the language in which whoever asks reads.
fn spoken(mut request: Value) -> (Value, Lang) {
    let said = request.as_object_mut().and_then(|request| request.remove(LANG));
    let lang = said.as_ref().and_then(Value::as_str).and_then(parse_lang);
    (request, lang.unwrap_or_else(process_lang))
}

/// One line, or nothing at the end of the connection.
async fn request(read: &mut BufReader<impl AsyncRead + Unpin>) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let mut bounded = read.take(REQUEST_BYTES_MAX as u64);
    tokio::time::timeout(REQUEST_WAIT, bounded.read_until(b'\n', &mut line)).await??;
    match line.last() {
        None => Ok(None),
        Some(b'\n') => Ok(Some(line)),
        Some(_) => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// Passes progress on until the answer is there; progress that came before the answer goes out before it.
async fn pass_on(
    mut waiting: mpsc::Receiver<Value>,
    answer: impl Future<Output = Result<Value, Failure>>,
    write: &mut (impl AsyncWrite + Unpin),
) -> io::Result<Result<Value, Failure>> {
    let mut answer = pin!(answer);
    let mut lost = None;
    let answer = loop {
        tokio::select! {
            biased;
            Some(line) = waiting.recv() => {
                if let Err(error) = send(write, &json!({ "progress": line })).await {
                    waiting.close();
                    lost = Some(error);
                }
            }
            answer = &mut answer => break answer,
        }
    };
    while let (None, Ok(line)) = (&lost, waiting.try_recv()) {
        send(write, &json!({ "progress": line })).await?;
    }
    lost.map_or(Ok(answer), Err)
}

async fn send(write: &mut (impl AsyncWrite + Unpin), line: &Value) -> io::Result<()> {
    let mut text = line.to_string();
    if text.len() >= LINE_BYTES_MAX {
        let failure = Failure::new(Exit::Failed, "jawaban terlalu panjang", "the answer is too long");
        text = json!({ "err": failure.to_json(process_lang()) }).to_string();
    }
    text.push('\n');
    tokio::time::timeout(WRITE_WAIT, write.write_all(text.as_bytes())).await?
}
