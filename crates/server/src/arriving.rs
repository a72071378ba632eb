//! A request's body while it arrives: as long as it does, the server waits for the client.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::body::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use crate::places::Watch;

/// A body whose connection waits for its client from the first time that nothing is there until the body's end.
/// What comes in between is no reason to wait anew: a byte now and then would keep a place for ever.
pub(crate) struct Arriving {
    inner: Incoming,
    watch: Watch,
    waits: bool,
}

impl Arriving {
    pub(crate) fn new(inner: Incoming, watch: Watch) -> Self {
        Self {
            inner,
            watch,
            waits: false,
        }
    }

    fn mark(&mut self, waits: bool) {
        if self.waits != waits {
            self.waits = waits;
            self.watch.waits_for_client(waits);
        }
    }
}

impl Body for Arriving {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.inner).poll_frame(context);
        match &frame {
            Poll::Pending => self.mark(true),
            Poll::Ready(Some(Ok(_))) if !self.inner.is_end_stream() => {}
            Poll::Ready(_) => self.mark(false),
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        self.mark(false);
    }
}
