//! What machines that watch may ask: is the hub alive, is it ready, how does it fare.
//!
//! ```text
//!   GET /livez            200 `ok` as long as the hub turns
//!   GET /readyz           200 `ok`, or 503 with what is wrong; `?verbose` names every check
//!   GET /metrics          the text that Prometheus reads
//! ```
//!
//! They have a door of their own, on this machine alone unless it is told otherwise: the names of offices are nobody's
//! business outside. What the store knows is asked for once for all who come within some seconds, so that an eager
//! scraper takes no time from offices.

mod counters;
mod gather;
mod ready;
mod text;

use std::sync::Arc;
use std::time::Duration;

use hyper::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use hyper::{Method, StatusCode};
use kentongan_host::Failure;
use kentongan_web::{Asked, Reply, Site};
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::serve::Serving;
use crate::store::RecordTally;
pub(crate) use counters::Counters;
use text::Page;

/// Who asks again within this time gets the same numbers of the store.
const KEPT: Duration = Duration::from_secs(15);
/// What Prometheus calls its own text.
const KIND: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The door for machines that watch.
#[derive(Debug)]
pub(crate) struct Watched {
    serving: Serving,
    /// SHA-256 of the token to be brought, if one is asked for.
    token: Option<[u8; 32]>,
    kept: Mutex<Option<Kept>>,
}

/// What the store said last.
#[derive(Debug)]
struct Kept {
    at: Instant,
    text: Arc<str>,
    tally: RecordTally,
}

impl Watched {
    /// With the token of the file that the configuration names.
    ///
    /// # Errors
    /// The file cannot be read or holds nothing.
    pub(crate) fn new(serving: Serving) -> Result<Watched, Failure> {
        let file = serving.config().metrics_token_file.clone();
        let token = if file.is_empty() { None } else { Some(Sha256::digest(token_in(&file)?.as_bytes()).into()) };
        Ok(Watched { serving, token, kept: Mutex::default() })
    }

    fn may_read(&self, asked: &Asked) -> bool {
        let Some(token) = self.token else { return true };
        let brought = asked.header(&AUTHORIZATION).and_then(|header| header.strip_prefix("Bearer "));
        // Digests are compared, so that the time it takes tells nothing of the token.
        brought.is_some_and(|brought| <[u8; 32]>::from(Sha256::digest(brought.as_bytes())) == token)
    }

    async fn metrics(&self) -> Result<String, Failure> {
        let serving = &self.serving;
        let overview = {
            // Those who come meanwhile wait for the same numbers.
            let mut kept = self.kept.lock().await;
            match &*kept {
                Some(kept) if kept.at.elapsed() < KEPT => Arc::clone(&kept.text),
                before => {
                    let mut tally = before.as_ref().map(|kept| kept.tally.clone()).unwrap_or_default();
                    let desk = serving.desk("metrics");
                    let gathered = serving.store.run(move |tx| {
                        let text = gather::overview(tx, &desk, &mut tally)?;
                        Ok::<_, Failure>((text, tally))
                    });
                    // A tally of a transaction that failed is dropped with it.
                    let (text, tally) = gathered.await?;
                    let text: Arc<str> = text.into();
                    *kept = Some(Kept { at: Instant::now(), text: Arc::clone(&text), tally });
                    text
                }
            }
        };
        let mut page = Page::default();
        serving.counters.write(&mut page);
        page.gauge("sync_sessions_active", "Exchanges under way.").is(serving.exchanges_under_way() as f64);
        gather::process(&mut page, serving.since_ms());
        Ok(format!("{overview}{}", page.finish()))
    }
}

fn token_in(file: &str) -> Result<String, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        Failure::usage(
            format!("Berkas token metrik {file} tidak dapat dibaca."),
            format!("The file with the token for metrics, {file}, cannot be read."),
        )
        .caused_by(error)
    })?;
    match text.trim() {
        "" => Err(Failure::usage(
            format!("Berkas token metrik {file} kosong."),
            format!("The file with the token for metrics, {file}, is empty."),
        )),
        token => Ok(token.to_owned()),
    }
}

impl Site for Watched {
    async fn answer(&self, asked: Asked) -> Reply {
        if asked.method != Method::GET && asked.method != Method::HEAD {
            return Reply::not_allowed("GET, HEAD");
        }
        match asked.path.as_str() {
            "/livez" => Reply::text("ok\n"),
            "/readyz" => ready::reply(&ready::checks(&self.serving).await, asked.query.has("verbose")),
            "/metrics" if !self.may_read(&asked) => {
                Reply::text("401\n").but(StatusCode::UNAUTHORIZED).with(WWW_AUTHENTICATE, "Bearer")
            }
            "/metrics" => match self.metrics().await {
                Ok(text) => Reply::file(KIND, text.into_bytes()),
                Err(failure) => {
                    tracing::error!(ev = "metrics.failed", error = %failure, "metrics could not be gathered");
                    Reply::text("503\n").but(StatusCode::SERVICE_UNAVAILABLE)
                }
            },
            _ => Reply::not_found(),
        }
    }
}
