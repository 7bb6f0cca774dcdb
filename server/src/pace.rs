//! How long a client may be silent: between requests as long as was set, within the head of one much shorter. Owns that clock;
//! a connection over HTTP/2 has pings of its own.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

const IDLE: u8 = 0;
const HEAD: u8 = 1;
const BUSY: u8 = 2;

/// What a connection waits for, told by whoever answers its requests.
#[derive(Clone, Default)]
pub struct Pace(Arc<AtomicU8>);

impl Pace {
    /// A request has been read as far as its head: how long the rest takes is bounded elsewhere.
    pub fn asked(&self) {
        self.0.store(BUSY, Ordering::Release);
    }

    /// It is answered; the next one may come.
    pub fn answered(&self) {
        self.0.store(IDLE, Ordering::Release);
    }
}

/// A stream that ends when nothing is asked for `idle`, and fails when the head of a request takes longer than `head`.
pub struct Paced<S> {
    inner: S,
    pace: Pace,
    /// What the timer runs for, and the timer.
    timed: u8,
    timer: Pin<Box<Sleep>>,
    idle: Duration,
    head: Duration,
}

impl<S> Paced<S> {
    /// Nothing was asked yet.
    pub fn new(inner: S, pace: Pace, idle: Duration, head: Duration) -> Self {
        Self { inner, pace, timed: IDLE, timer: Box::pin(sleep(idle)), idle, head }
    }

    /// Starts the timer for what is waited for now, if that changed.
    fn wait_for(&mut self, state: u8) {
        if self.timed != state {
            self.timed = state;
            let longest = if state == HEAD { self.head } else { self.idle };
            self.timer.as_mut().reset(Instant::now() + longest);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        if let Poll::Ready(read) = Pin::new(&mut self.inner).poll_read(cx, buffer) {
            if buffer.filled().len() > before {
                // The first bytes after an answer begin the next request.
                let _ = self.pace.0.compare_exchange(IDLE, HEAD, Ordering::AcqRel, Ordering::Acquire);
                let state = self.pace.0.load(Ordering::Acquire);
                self.wait_for(state);
            }
            return Poll::Ready(read);
        }
        let state = self.pace.0.load(Ordering::Acquire);
        self.wait_for(state);
        if state == BUSY {
            return Poll::Pending;
        }
        ready!(self.timer.as_mut().poll(cx));
        // Nothing more comes: what is idle ends in peace, half a head does not.
        if state == IDLE { Poll::Ready(Ok(())) } else { Poll::Ready(Err(io::ErrorKind::TimedOut.into())) }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
