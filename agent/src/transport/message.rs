//! Single messages by HTTP/1.1: the hub's root, joining, renewing.

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::HOST;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use kentongan_host::enrolment::MESSAGE_BYTES_MAX;
use kentongan_host::fail::Failure;
use kentongan_host::ktg::Ktg;
use tokio::time::timeout;

use super::dial::{Dialler, Stream};
use super::{LinkError, link_error, stranger};

/// What stands at `path`.
pub(super) async fn get(stream: Stream, to: &Dialler, path: &str) -> Result<Vec<u8>, LinkError> {
    let answer = ask(stream, to, Request::get(path), Vec::new()).await?;
    accepted(answer.status())?;
    whole_body(answer, to).await
}

/// The answer to a message; a refusal comes with the hub's reason.
pub(super) async fn post(stream: Stream, to: &Dialler, path: &str, body: Vec<u8>) -> Result<Vec<u8>, LinkError> {
    let answer = ask(stream, to, Request::post(path), body).await?;
    let status = answer.status();
    if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS {
        let reason = whole_body(answer, to).await.unwrap_or_default();
        return Err(refused_code(&reason));
    }
    accepted(status)?;
    whole_body(answer, to).await
}

async fn ask(
    stream: Stream,
    to: &Dialler,
    request: hyper::http::request::Builder,
    body: Vec<u8>,
) -> Result<Response<Incoming>, LinkError> {
    let host = to.address.authority().map(|authority| authority.as_str()).unwrap_or_default();
    let request = request.header(HOST, host).body(Full::<Bytes>::from(body)).map_err(|error| link_error(&error))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| link_error(&error))?;
    // Ends with the answer's body, or when nobody waits for that any more.
    tokio::spawn(connection);
    match timeout(to.idle_timeout, sender.send_request(request)).await {
        Ok(answer) => answer.map_err(|error| link_error(&error)),
        Err(late) => Err(link_error(&late)),
    }
}

async fn whole_body(answer: Response<Incoming>, to: &Dialler) -> Result<Vec<u8>, LinkError> {
    let mut answer = answer.into_body();
    let mut body = Vec::new();
    while let Some(frame) = timeout(to.idle_timeout, answer.frame()).await.map_err(|late| link_error(&late))? {
        let Ok(bytes) = frame.map_err(|error| link_error(&error))?.into_data() else { continue };
        if body.len() + bytes.len() > MESSAGE_BYTES_MAX {
            return Err(stranger("the answer is longer than a hub's"));
        }
        body.extend_from_slice(&bytes);
    }
    Ok(body)
}

fn accepted(status: StatusCode) -> Result<(), LinkError> {
    match status {
        StatusCode::OK => Ok(()),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Err(LinkError {
            ktg: Ktg::HubBusy,
            class: "hub_error",
            detail: format!("the hub answered {status}"),
            stale: false,
            reached: true,
        }),
        status => Err(stranger(&format!("the answer has the status {status}"))),
    }
}

/// The hub gives its reason as the JSON form of a failure.
fn refused_code(body: &[u8]) -> LinkError {
    match serde_json::from_slice::<serde_json::Value>(body) {
        Ok(said) if said.get("message").is_some() => {
            let failure = Failure::from_json(&said);
            let ktg = failure.ktg.unwrap_or(Ktg::CodeRefused);
            LinkError { ktg, class: "auth", detail: failure.message, stale: false, reached: true }
        }
        _ => stranger("the refusal is no message of a hub"),
    }
}
