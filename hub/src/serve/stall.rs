//! A connection whose other end may not stop reading for ever: what is written must move on within a time.
//!
//! Reading has its own limits (handshake, head, body); writing has this one. Without it a reader that sleeps would hold
//! its place at the door as long as it likes.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// `inner`, with writes that fail after `patience` without progress.
#[derive(Debug)]
pub(crate) struct NeverStalls<I> {
    inner: I,
    patience: Duration,
    /// Runs while a write waits.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<I> NeverStalls<I> {
    /// With a time for writes.
    pub(crate) fn new(inner: I, patience: Duration) -> NeverStalls<I> {
        NeverStalls { inner, patience, waiting: None }
    }

    /// Passes on what a write came to; one that waits too long has failed.
    fn watch<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.waiting = None;
            return written;
        }
        let patience = self.patience;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(patience)));
        waiting.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for NeverStalls<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for NeverStalls<I> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.watch(context, written)
    }

    /// What TLS has to say at once goes in one packet, not in one for each of its records: on a slow link the headers of
    /// the packets are a tenth of a handshake.
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(context, parts);
        self.watch(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.inner).poll_flush(context);
        self.watch(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.inner).poll_shutdown(context);
        self.watch(context, shut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::net::{TcpListener, TcpStream};

    #[tokio::test]
    async fn a_reader_that_stops_is_given_up_and_one_that_goes_on_is_not() {
        let (near, mut far) = duplex(4);
        let mut guarded = NeverStalls::new(near, Duration::from_millis(20));
        let slow = async {
            let mut bytes = [0; 12];
            far.read_exact(&mut bytes).await.expect("all of it");
            bytes
        };
        let (written, bytes) = tokio::join!(guarded.write_all(b"dua belas ke"), slow);
        assert_eq!((written.is_ok(), &bytes), (true, b"dua belas ke"));

        let stopped = guarded.write_all(b"tak dibaca").await;
        assert_eq!(stopped.expect_err("nobody reads").kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn parts_that_are_written_together_go_together() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let near = TcpStream::connect(listener.local_addr().expect("bound")).await.expect("connected");
        let mut guarded = NeverStalls::new(near, Duration::from_secs(5));
        let parts = [b"dua ".as_slice(), b"belas ".as_slice(), b"ke".as_slice()].map(IoSlice::new);
        assert_eq!(guarded.write_vectored(&parts).await.expect("written"), 12);
    }
}
