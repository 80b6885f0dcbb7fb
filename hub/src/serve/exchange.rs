//! `POST /v1/sync`: one exchange over HTTP. What is decided stands in [`crate::accept::Call`]; here its bytes are moved,
//! and its jobs are done by the store's thread.

use std::pin::Pin;
use std::sync::Arc;

use http_body_util::Either;
use hyper::body::{Bytes, Incoming};
use hyper::{Response, StatusCode};
use kentongan_host::certificate::facts;
use kentongan_host::files::free_bytes;
use kentongan_host::steps::{Step, reached};

use super::Serving;
use super::body::{ReadFailure, ReplyBody, RequestBody, StreamWriter, stream, whole};
use super::routes::{Peer, stream_reply};
use crate::accept::{Bounds, Call, Done, Input, Job, Moment, Output, Shown};
use crate::store::Result;

/// A job under way.
type Doing = Pin<Box<dyn Future<Output = Result<Done>> + Send>>;

/// Answers one exchange.
pub(crate) async fn answer(serving: &Serving, peer: &Peer, body: Incoming) -> Response<ReplyBody> {
    let config = serving.config();
    let bounds = Bounds {
        request_bytes_max: config.request_bytes_max,
        min_free_bytes: config.min_free_bytes,
        free_bytes: free_bytes(serving.dir.root()),
    };
    let shown = Shown::new(peer.certificate.as_ref().and_then(|der| facts(der)));
    let mut call = Call::new(shown, bounds, now(serving));
    // How much of it is too much is for the call to say.
    let mut body = RequestBody::new(body, u64::MAX, config.stall);
    let mut doing: Option<Doing> = None;
    loop {
        match call.next_output() {
            None if !call.is_over() => {}
            Some(Output::Part(first)) => {
                let (writer, stream) = stream();
                tokio::spawn(further_parts(serving.clone(), call, first, writer));
                return octets(Either::Right(stream));
            }
            Some(Output::Whole(reply)) => return octets(whole(reply)),
            None | Some(Output::End | Output::Cut) => return octets(whole(Vec::new())),
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
                reached(if done.as_ref().is_ok_and(Done::is_reply) { Step::HubMarksMade } else { Step::HubPartStored });
                call.done(done);
            }
            read = body.next(), if call.wants_bytes() => call.take(input(read), now(serving)),
        }
    }
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

fn input(read: std::result::Result<Option<Bytes>, ReadFailure>) -> Input {
    match read {
        Ok(Some(bytes)) => Input::Bytes(bytes.into()),
        Ok(None) => Input::End,
        Err(ReadFailure::Stalled) => Input::Stalled,
        Err(ReadFailure::Cut(_) | ReadFailure::TooLong) => Input::Cut,
    }
}

/// Streams what the first part did not hold.
async fn further_parts(serving: Serving, mut call: Call, first: Vec<u8>, writer: StreamWriter) {
    let mut writer = Some(writer);
    let mut output = Some(Output::Part(first));
    loop {
        match output {
            Some(Output::Part(bytes) | Output::Whole(bytes)) => {
                let written = match &writer {
                    Some(writer) => writer.write(bytes).await,
                    None => false,
                };
                if !written {
                    call.take(Input::Gone, now(&serving));
                }
                reached(Step::HubReplyBegun);
            }
            Some(Output::End) => {
                if let Some(writer) = writer.take() {
                    writer.finish().await;
                }
            }
            // Dropped without an end: the reader sees it.
            Some(Output::Cut) => drop(writer.take()),
            None => {
                let Some(job) = call.next_job() else { break };
                call.done(begin(&serving, job).await);
            }
        }
        output = call.next_output();
    }
}

fn octets(body: ReplyBody) -> Response<ReplyBody> {
    stream_reply(StatusCode::OK, "application/octet-stream", body)
}
