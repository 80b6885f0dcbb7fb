//! Bodies of requests and replies: read piece by piece under a limit, written as a stream.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http_body_util::{BodyExt, Either, Full};
use hyper::body::{Body, Bytes, Frame, Incoming};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// A reply: whole, or as a stream.
pub(crate) type ReplyBody = Either<Full<Bytes>, StreamBody>;

/// Pieces that may wait for a slow reader; more makes the writer wait, so that memory stays flat.
const PIECES_WAITING_MAX: usize = 2;

/// A reply whose pieces come while it is being sent. What has come is sent at once; the reply is cut, visibly for the
/// reader, if the writer is dropped before [`StreamWriter::finish`].
#[derive(Debug)]
pub(crate) struct StreamBody {
    pieces: mpsc::Receiver<Piece>,
    finished: bool,
}

/// The other end of a [`StreamBody`].
#[derive(Debug)]
pub(crate) struct StreamWriter {
    pieces: mpsc::Sender<Piece>,
}

#[derive(Debug)]
enum Piece {
    Bytes(Bytes),
    Finish,
}

/// The writer was dropped before it had finished.
#[derive(Debug, thiserror::Error)]
#[error("the reply was cut")]
pub(crate) struct ReplyCut;

/// A writer and the body that it fills.
pub(crate) fn stream() -> (StreamWriter, StreamBody) {
    let (sender, receiver) = mpsc::channel(PIECES_WAITING_MAX);
    (StreamWriter { pieces: sender }, StreamBody { pieces: receiver, finished: false })
}

impl StreamWriter {
    /// Adds bytes; waits while the reader is slow. `false` when the reader has gone.
    pub(crate) async fn write(&self, bytes: Vec<u8>) -> bool {
        self.pieces.send(Piece::Bytes(bytes.into())).await.is_ok()
    }

    /// Ends the reply.
    pub(crate) async fn finish(self) {
        // A reader that has gone needs no end.
        let _ = self.pieces.send(Piece::Finish).await;
    }
}

impl Body for StreamBody {
    type Data = Bytes;
    type Error = ReplyCut;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, ReplyCut>>> {
        if self.finished {
            return Poll::Ready(None);
        }
        let piece = ready!(self.pieces.poll_recv(context));
        Poll::Ready(match piece {
            Some(Piece::Bytes(bytes)) => Some(Ok(Frame::data(bytes))),
            Some(Piece::Finish) => {
                self.finished = true;
                None
            }
            None => Some(Err(ReplyCut)),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.finished
    }
}

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

/// A reply that is there as a whole.
pub(crate) fn whole(bytes: Vec<u8>) -> ReplyBody {
    Either::Left(Full::new(bytes.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_finished_stream_is_whole_and_a_dropped_one_is_cut() {
        let (writer, body) = stream();
        let write = async move {
            assert!(writer.write(b"satu ".to_vec()).await);
            assert!(writer.write(b"dua".to_vec()).await);
            writer.finish().await;
        };
        let (collected, ()) = tokio::join!(body.collect(), write);
        assert_eq!(collected.expect("whole").to_bytes().as_ref(), b"satu dua");

        let (writer, body) = stream();
        let cut = async move { drop(writer) };
        let (collected, ()) = tokio::join!(body.collect(), cut);
        assert!(collected.is_err());
    }

    #[tokio::test]
    async fn a_writer_learns_that_its_reader_has_gone() {
        let (writer, body) = stream();
        drop(body);
        assert!(!writer.write(b"halo".to_vec()).await);
    }
}
