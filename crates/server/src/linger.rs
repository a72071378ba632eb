//! Closing a connection so that its client still gets the answer.
//!
//! Closing a socket that has unread bytes resets the connection, and the client, which is still
//! sending a body that was refused, loses the answer that says why (RFC 9112, section 9.6). So first
//! only our side is closed, and what still comes is read and dropped: until the client closes or
//! falls silent, within limits.

use std::{
    future::Future as _,
    io,
    mem::MaybeUninit,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

/// The most that is read and dropped: some of the largest photos.
const MOST_BYTES: u64 = 64 << 20;

/// A client that sends nothing for so long is sending nothing more.
const SILENCE: Duration = Duration::from_secs(2);

/// A connection that is closed in this way, unless `hurry` is set.
pub(crate) struct Linger<T> {
    inner: T,
    hurry: Arc<AtomicBool>,
    most_time: Duration,
    closing: Option<Closing>,
}

/// What is left to read after our side was closed.
struct Closing {
    bytes: u64,
    end: Instant,
    timer: Pin<Box<Sleep>>,
}

impl<T> Linger<T> {
    /// Lingers for at most `most_time`.
    pub(crate) fn new(inner: T, most_time: Duration, hurry: Arc<AtomicBool>) -> Self {
        Self {
            inner,
            hurry,
            most_time,
            closing: None,
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Linger<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Linger<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.closing.is_none() {
            ready!(Pin::new(&mut this.inner).poll_shutdown(context))?;
        }
        let now = Instant::now();
        let most_time = this.most_time;
        let closing = this.closing.get_or_insert_with(|| {
            let end = now + most_time;
            Closing {
                bytes: 0,
                end,
                timer: Box::pin(sleep_until(end.min(now + SILENCE))),
            }
        });
        let mut space = [MaybeUninit::uninit(); 16 << 10];
        while !this.hurry.load(Ordering::Relaxed) && closing.bytes < MOST_BYTES {
            let mut buffer = ReadBuf::uninit(&mut space);
            match Pin::new(&mut this.inner).poll_read(context, &mut buffer) {
                Poll::Pending => return closing.timer.as_mut().poll(context).map(Ok),
                Poll::Ready(Err(_)) => break,
                Poll::Ready(Ok(())) if buffer.filled().is_empty() => break,
                Poll::Ready(Ok(())) => {
                    closing.bytes += buffer.filled().len() as u64;
                    let now = Instant::now();
                    if now >= closing.end {
                        break;
                    }
                    let silence = closing.end.min(now + SILENCE);
                    closing.timer.as_mut().reset(silence);
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}
