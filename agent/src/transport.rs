//! The link to the hub: HTTPS through `reqwest`. Moves bytes and names what went wrong; decides nothing.

use std::error::Error;
use std::time::{Duration, Instant};

use kentongan_host::enrolment::{CA_PATH, ENROL_PATH, MESSAGE_BYTES_MAX, RENEW_PATH, SYNC_PATH};
use kentongan_host::fail::Failure;
use kentongan_host::ktg::Ktg;
use kentongan_host::tls::fault::{LinkFault, classify};
use reqwest::redirect::Policy;
use reqwest::{Client, Proxy, Response, StatusCode};
use rustls::ClientConfig;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::sync::{Answer, Carrier};

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
}

/// Connections to one hub; kept open between exchanges while the link allows.
#[derive(Debug, Clone)]
pub struct Transport {
    client: Client,
    base: String,
}

impl Transport {
    /// Towards the hub of `settings`, trusting and showing what `tls` says.
    ///
    /// # Errors
    /// If the proxy's or the hub's address is none.
    pub fn new(settings: &LinkSettings, tls: ClientConfig) -> Result<Transport, LinkError> {
        let builder = Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(Policy::none())
            .https_only(true)
            .connect_timeout(settings.connect_timeout)
            .read_timeout(settings.idle_timeout)
            .tcp_keepalive(Duration::from_secs(30))
            .pool_idle_timeout(Duration::from_secs(600));
        let builder = match settings.proxy.as_str() {
            "system" => builder,
            "none" => builder.no_proxy(),
            address => builder.proxy(Proxy::all(address).map_err(|error| link_error(&error))?),
        };
        let client = builder.build().map_err(|error| link_error(&error))?;
        Ok(Transport { client, base: settings.url.trim_end_matches('/').to_owned() })
    }

    /// The hub's root certificate, as whoever answers gives it. To be compared with a fingerprint before use.
    ///
    /// # Errors
    /// If none comes.
    pub async fn root(&self) -> Result<Vec<u8>, LinkError> {
        let response =
            self.client.get(format!("{}{CA_PATH}", self.base)).send().await.map_err(|error| link_error(&error))?;
        bounded_body(accepted(response)?).await
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
        let response = self
            .client
            .post(format!("{}{path}", self.base))
            .body(body)
            .send()
            .await
            .map_err(|error| link_error(&error))?;
        let status = response.status();
        if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS {
            let reason = bounded_body(response).await.unwrap_or_default();
            return Err(refused_code(&reason));
        }
        let body = bounded_body(accepted(response)?).await?;
        serde_json::from_slice(&body).map_err(|_| stranger("the answer is no message of a hub"))
    }
}

impl Carrier for Transport {
    type Reply = Reply;

    async fn exchange(&self, request: Vec<u8>) -> Result<Reply, LinkError> {
        let asked = Instant::now();
        let response = self
            .client
            .post(format!("{}{SYNC_PATH}", self.base))
            .body(request)
            .send()
            .await
            .map_err(|error| link_error(&error))?;
        Ok(Reply { response: accepted(response)?, asked })
    }
}

/// An answer under way.
#[derive(Debug)]
pub struct Reply {
    response: Response,
    asked: Instant,
}

impl Answer for Reply {
    async fn chunk(&mut self) -> Result<Option<Vec<u8>>, LinkError> {
        let chunk = self.response.chunk().await.map_err(|error| link_error(&error))?;
        Ok(chunk.map(|bytes| bytes.to_vec()))
    }

    fn waited_ms(&self) -> u32 {
        u32::try_from(self.asked.elapsed().as_millis()).unwrap_or(u32::MAX)
    }
}

fn accepted(response: Response) -> Result<Response, LinkError> {
    match response.status() {
        StatusCode::OK => Ok(response),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Err(LinkError {
            ktg: Ktg::HubBusy,
            class: "hub_error",
            detail: format!("the hub answered {}", response.status()),
        }),
        status => Err(stranger(&format!("the answer has the status {status}"))),
    }
}

async fn bounded_body(mut response: Response) -> Result<Vec<u8>, LinkError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| link_error(&error))? {
        if body.len() + chunk.len() > MESSAGE_BYTES_MAX {
            return Err(stranger("the answer is longer than a hub's"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn stranger(detail: &str) -> LinkError {
    LinkError { ktg: Ktg::NotTheHub, class: LinkFault::NotTheHub.class(), detail: detail.to_owned() }
}

/// The hub gives its reason as the JSON form of a failure.
fn refused_code(body: &[u8]) -> LinkError {
    match serde_json::from_slice::<serde_json::Value>(body) {
        Ok(said) if said.get("message").is_some() => {
            let failure = Failure::from_json(&said);
            LinkError { ktg: failure.ktg.unwrap_or(Ktg::CodeRefused), class: "auth", detail: failure.message }
        }
        _ => stranger("the refusal is no message of a hub"),
    }
}

fn link_error(error: &(dyn Error + 'static)) -> LinkError {
    let fault = classify(error);
    let mut detail = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        detail = format!("{detail}: {inner}");
        cause = inner.source();
    }
    LinkError { ktg: fault.ktg(), class: fault.class(), detail }
}
