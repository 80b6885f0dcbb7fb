//! Bodies of requests and replies: read piece by piece under a limit, written whole.

use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use tokio::time::timeout;

/// A reply.
pub(crate) type ReplyBody = Full<Bytes>;

/// Why a request's body could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadFailure {
    /// More than the limit.
    #[error("the request is longer than allowed")]
    TooLong,
    /// Nothing came for too long.
    #[error("the request stalled")]
    Stalled,
    /// The connection broke.
    #[error("the request was cut")]
    Cut(#[source] hyper::Error),
}

/// A request's body under limits.
#[derive(Debug)]
pub(crate) struct RequestBody {
    inner: Incoming,
    room: u64,
    stall: Duration,
}

impl RequestBody {
    /// At most `bytes_max` bytes, and never `stall` without any.
    pub(crate) fn new(inner: Incoming, bytes_max: u64, stall: Duration) -> RequestBody {
        RequestBody { inner, room: bytes_max, stall }
    }

    /// The next bytes as they arrived; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, ReadFailure> {
        loop {
            let frame = match timeout(self.stall, self.inner.frame()).await {
                Err(_) => return Err(ReadFailure::Stalled),
                Ok(None) => return Ok(None),
                Ok(Some(Err(error))) => return Err(ReadFailure::Cut(error)),
                Ok(Some(Ok(frame))) => frame,
            };
            let Ok(bytes) = frame.into_data() else { continue };
            self.room = self.room.checked_sub(bytes.len() as u64).ok_or(ReadFailure::TooLong)?;
            return Ok(Some(bytes));
        }
    }

    /// All of it: for the small messages only.
    pub(crate) async fn collect(mut self) -> Result<Vec<u8>, ReadFailure> {
        let mut all = Vec::new();
        while let Some(bytes) = self.next().await? {
            all.extend_from_slice(&bytes);
        }
        Ok(all)
    }
}
