//! What a device may ask by HTTP, and who answers it. Exchanges go without HTTP, see [`super::exchange`].
//!
//! | request         | certificate | answered by                                 |
//! |-----------------|-------------|---------------------------------------------|
//! | `GET /v1/ca`    | none needed | here: the root, DER                         |
//! | `POST /v1/enrol`| none needed | [`super::enrol`]: a code buys a certificate |
//! | `POST /v1/renew`| the old one | [`super::enrol`]                            |

use std::net::SocketAddr;

use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use kentongan_host::enrolment::{CA_PATH, ENROL_PATH, RENEW_PATH};
use kentongan_host::{Failure, Lang};
use rustls::pki_types::CertificateDer;

use super::Serving;
use super::body::ReplyBody;
use super::enrol;

/// Who is at the other end of a connection.
#[derive(Debug)]
pub(crate) struct Peer {
    /// The certificate it showed, issued by our root; possibly ended or revoked.
    pub(crate) certificate: Option<CertificateDer<'static>>,
    /// Where it comes from.
    pub(crate) address: SocketAddr,
}

/// Answers requests.
#[derive(Debug)]
pub(crate) struct Routes {
    pub(crate) serving: Serving,
}

impl Routes {
    /// The answer to one request. Never fails: what goes wrong is an answer too.
    pub(crate) async fn answer(&self, peer: &Peer, request: Request<Incoming>) -> Response<ReplyBody> {
        let serving = &self.serving;
        match (request.method(), request.uri().path()) {
            (&Method::GET, CA_PATH) => reply(StatusCode::OK, "application/pkix-cert", serving.root.to_vec()),
            (&Method::POST, ENROL_PATH) => enrol::answer_enrol(serving, peer, request.into_body()).await,
            (&Method::POST, RENEW_PATH) => enrol::answer_renew(serving, peer, request.into_body()).await,
            (_, CA_PATH) => not_allowed("GET"),
            (_, ENROL_PATH | RENEW_PATH) => not_allowed("POST"),
            _ => reply(StatusCode::NOT_FOUND, "text/plain", b"kentongan-hub: no such path\n".to_vec()),
        }
    }
}

/// A whole reply.
pub(crate) fn reply(status: StatusCode, kind: &'static str, body: Vec<u8>) -> Response<ReplyBody> {
    let mut response = Response::new(ReplyBody::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// A failure as a JSON document; the agent words it in its own language.
pub(crate) fn failed(status: StatusCode, failure: &Failure) -> Response<ReplyBody> {
    reply(status, "application/json", failure.to_json(Lang::En).to_string().into_bytes())
}

fn not_allowed(method: &'static str) -> Response<ReplyBody> {
    let mut response = reply(StatusCode::METHOD_NOT_ALLOWED, "text/plain", Vec::new());
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(method));
    response
}
