//! How a PC joins and stays, over HTTP; what is decided stands in [`crate::service::enrolment`].

use std::sync::PoisonError;

use hyper::body::Incoming;
use hyper::{Response, StatusCode};
use kentongan_host::certificate::facts;
use kentongan_host::enrolment::{EnrolRequest, MESSAGE_BYTES_MAX, RenewRequest, from_hex};
use kentongan_host::steps::{Step, reached};
use kentongan_host::{Failure, Ktg};
use kentongan_protocol::wire::v1::Refusal;
use serde::de::DeserializeOwned;

use super::Serving;
use super::body::{ReadFailure, ReplyBody, RequestBody};
use super::routes::{Peer, failed, reply};
use crate::accept::{Shown, standing};
use crate::service::enrolment;

/// `POST /v1/enrol`
pub(crate) async fn answer_enrol(serving: &Serving, peer: &Peer, body: Incoming) -> Response<ReplyBody> {
    if !with_attempts(serving, |attempts, now_ms| attempts.has_room(now_ms)) {
        return failed(StatusCode::TOO_MANY_REQUESTS, &Failure::of(Ktg::HubBusy));
    }
    let request: EnrolRequest = match read(serving, body).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    let desk = serving.desk("enrolment");
    match serving.store.run(move |tx| enrolment::join(tx, &desk, &request)).await {
        Ok(Ok(answer)) => {
            let (replica, office) = (&answer.replica, &answer.office);
            reached(Step::HubEnrolled);
            tracing::info!(ev = "replica.enrolled", replica, office, "a device joined");
            reply(StatusCode::OK, "application/json", serde_json::to_vec(&answer).unwrap_or_default())
        }
        Ok(Err(refusal)) => {
            // Whoever waits for a person has shown a code that holds.
            if refusal != enrolment::Refusal::ApprovalAwaited {
                with_attempts(serving, |attempts, now_ms| attempts.take(now_ms));
            }
            tracing::warn!(ev = "enrol.refused", reason = refusal.word(), peer = %peer.address, "enrolment refused");
            failed(StatusCode::FORBIDDEN, &refusal.failure())
        }
        Err(failure) => broken(&failure),
    }
}

/// `POST /v1/renew`
pub(crate) async fn answer_renew(serving: &Serving, peer: &Peer, body: Incoming) -> Response<ReplyBody> {
    let request: RenewRequest = match read(serving, body).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    let Some(csr) = from_hex(&request.csr) else { return malformed() };
    let (desk, shown) = (serving.desk("renewal"), Shown::new(peer.certificate.as_ref().and_then(|der| facts(der))));
    let done = serving.store.run(move |tx| {
        let replica = match standing::check(tx, &shown, desk.now_ms)? {
            Ok(replica) => replica,
            Err(refusal) => return Ok(Err(refusal)),
        };
        Ok::<_, Failure>(Ok(enrolment::renew(tx, &desk, &replica, &csr)?))
    });
    match done.await {
        Ok(Ok(Some(answer))) => {
            reached(Step::HubRenewed);
            reply(StatusCode::OK, "application/json", serde_json::to_vec(&answer).unwrap_or_default())
        }
        Ok(Ok(None)) => malformed(),
        Ok(Err(refusal)) => failed(StatusCode::FORBIDDEN, &failure_of(refusal)),
        Err(failure) => broken(&failure),
    }
}

/// The failure that says the same as a refusal of an exchange.
fn failure_of(refusal: Refusal) -> Failure {
    Failure::of(match refusal {
        Refusal::Expired => Ktg::DeviceExpired,
        Refusal::Revoked | Refusal::Unknown => Ktg::Revoked,
        _ => Ktg::HubBusy,
    })
}

async fn read<T: DeserializeOwned>(serving: &Serving, body: Incoming) -> Result<T, Response<ReplyBody>> {
    let body = RequestBody::new(body, MESSAGE_BYTES_MAX as u64, serving.config().stall);
    let bytes = body.collect().await.map_err(|failure| match failure {
        ReadFailure::TooLong => failed(StatusCode::PAYLOAD_TOO_LARGE, &Failure::of(Ktg::TooLarge)),
        // Nobody is there to read it.
        ReadFailure::Stalled | ReadFailure::Cut(_) => malformed(),
    })?;
    serde_json::from_slice(&bytes).map_err(|_| malformed())
}

fn malformed() -> Response<ReplyBody> {
    let failure = Failure::usage("Permintaan tidak terbaca.", "The request cannot be read.");
    failed(StatusCode::BAD_REQUEST, &failure)
}

/// A failure of ours: told in full to the log, and in a word to the stranger.
fn broken(failure: &Failure) -> Response<ReplyBody> {
    tracing::error!(ev = "enrol.failed", error = %failure, "an enrolment failed for a reason of ours");
    failed(StatusCode::SERVICE_UNAVAILABLE, &Failure::of(Ktg::HubBusy))
}

fn with_attempts<T>(serving: &Serving, use_them: impl FnOnce(&mut super::bucket::Bucket, u64) -> T) -> T {
    let now_ms = serving.clock.boot_ms();
    use_them(&mut serving.attempts.lock().unwrap_or_else(PoisonError::into_inner), now_ms)
}
