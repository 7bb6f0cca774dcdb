//! One lazy, fork-safe runtime per process. Owns every background thread; touches only `config` and `error`.
//!
//! Nothing starts before it is first needed. State that must not outlive a fork is tagged with the process id: in a
//! child the tag differs, so the child makes its own and never touches locks another thread may have held.

use std::{
    future::Future,
    panic::AssertUnwindSafe,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::Thread,
    time::{Duration, Instant},
};

use arc_swap::ArcSwapOption;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::{
    config::WORKER_THREADS,
    error::{Error, Result},
};

/// The tag of this process: a child of a fork has another one.
#[must_use]
pub fn generation() -> u32 {
    std::process::id()
}

/// A value that belongs to one process. After a fork the child's first look makes a new one and leaks the parent's.
pub struct PerProcess<T>(ArcSwapOption<(u32, T)>);

impl<T> PerProcess<T> {
    /// An empty slot.
    #[must_use]
    pub const fn new() -> Self {
        Self(ArcSwapOption::const_empty())
    }

    /// A slot filled for the process with this tag.
    pub fn filled(generation: u32, value: T) -> Self {
        Self(ArcSwapOption::from_pointee((generation, value)))
    }

    /// The value of this process, made by `make` when there is none yet.
    pub fn get_or_try_init(&self, make: impl FnOnce() -> Result<T>) -> Result<Arc<(u32, T)>> {
        let current = self.0.load_full();
        if let Some(value) = &current
            && value.0 == generation()
        {
            return Ok(Arc::clone(value));
        }
        let fresh = Arc::new((generation(), make()?));
        let before = self.0.compare_and_swap(&current, Some(Arc::clone(&fresh)));
        let won = match (&*before, &current) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        };
        if won {
            // The parent's value must never be dropped here: its locks and threads are not ours.
            std::mem::forget(current);
            Ok(fresh)
        } else {
            self.0.load_full().ok_or_else(|| Error::internal("a process slot was emptied"))
        }
    }

    /// The value of this process, if it was made.
    pub fn get(&self) -> Option<Arc<(u32, T)>> {
        self.0.load_full().filter(|value| value.0 == generation())
    }
}

impl<T> Drop for PerProcess<T> {
    /// A child that drops what it inherited must not tear down what its parent still uses.
    fn drop(&mut self) {
        let value = self.0.swap(None);
        if value.as_ref().is_some_and(|value| value.0 != generation()) {
            std::mem::forget(value);
        }
    }
}

impl<T> Default for PerProcess<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// A runtime that may be dropped anywhere, also on a thread of somebody else's runtime.
struct Shared(Option<Runtime>);

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

static RUNTIME: PerProcess<Shared> = PerProcess::new();

/// The runtime's handle, starting it if need be.
pub fn handle() -> Result<Handle> {
    let runtime = RUNTIME.get_or_try_init(|| {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let asked = WORKER_THREADS.number(WORKER_THREADS.value())?;
        let threads = asked.and_then(|count| usize::try_from(count).ok()).unwrap_or(cores.min(4));
        Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("tenantry")
            .enable_all()
            .build()
            .map(|runtime| Shared(Some(runtime)))
            .map_err(|error| {
                Error::unavailable("runtime_unavailable", "threads could not be started").with_source(error)
            })
    })?;
    let started = runtime.1.0.as_ref().ok_or_else(|| Error::internal("the runtime is gone"))?;
    Ok(started.handle().clone())
}

/// Resolves after `duration`. Without a runtime (no threads left) it resolves at once: waiting is never unbounded.
pub async fn sleep(duration: Duration) {
    let Ok(handle) = handle() else { return };
    let timer = {
        let _inside = handle.enter();
        tokio::time::sleep(duration)
    };
    timer.await;
}

/// Runs blocking work (disk) off the caller's thread.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    handle()?.spawn_blocking(work).await.map_err(|_| panicked())?
}

static HEAVY: PerProcess<Shared> = PerProcess::new();

/// Runs work that keeps a processor busy on threads of its own, to which the system prefers all others: whoever waits for an
/// answer of microseconds does not wait for a time slice of somebody's heavy work.
pub async fn heavy<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let runtime = HEAVY.get_or_try_init(|| {
        let built = Builder::new_current_thread().thread_name("tenantry-heavy").on_thread_start(give_way).build();
        built.map(|runtime| Shared(Some(runtime))).map_err(|error| {
            Error::unavailable("runtime_unavailable", "threads could not be started").with_source(error)
        })
    })?;
    let started = runtime.1.0.as_ref().ok_or_else(|| Error::internal("the runtime is gone"))?;
    started.handle().spawn_blocking(work).await.map_err(|_| panicked())?
}

/// Lets other threads go first. Where the system does not allow it, this one is like all others.
fn give_way() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE);
}

/// How much a thread gives way: half of what there is, so that heavy work still gets its share of an idle machine.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// Does `work` to its end, whether or not anybody waits for it. What is done at once costs no task; what has to wait goes on as
/// one of ours, since whoever called may never poll again, or have a runtime that ends with the waiting.
pub fn run_to_completion<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> impl Future<Output = Result<T>> + Send {
    let mut work = Box::pin(work);
    async move {
        let first = std::future::poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await;
        if let Poll::Ready(done) = first {
            return done;
        }
        let Ok(runtime) = handle() else { return work.await };
        let process = generation();
        let done = runtime.spawn(work).await.map_err(|_| panicked())?;
        // It is done once, in the process that began it.
        if process == generation() { done } else { Err(forked()) }
    }
}

/// Starts a named thread that lives until its work returns. Used by the few long-lived background tasks.
pub fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> Result<std::thread::JoinHandle<()>> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(|error| Error::unavailable("runtime_unavailable", "a thread could not be started").with_source(error))
}

/// Runs blocking work on a thread of its own, for work that comes before there need be a runtime.
pub async fn aside<T: Send + 'static>(name: &str, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let (answer, answered) = tokio::sync::oneshot::channel();
    // Whoever waited may have left; then nobody takes the answer.
    thread(name, move || drop(answer.send(work())))?;
    answered.await.map_err(|_| panicked())?
}

/// Runs `future` on the runtime and hands its result to `done`, there. For bindings with an event loop of their own.
pub fn spawn<T: Send + 'static>(
    future: impl Future<Output = Result<T>> + Send + 'static,
    done: impl FnOnce(Result<T>) + Send + 'static,
) -> Result<tokio::task::AbortHandle> {
    let task = handle()?.spawn(async move { done(catch_panic(Box::pin(future)).await) });
    Ok(task.abort_handle())
}

/// Polls `future` once; `Ok` with its result when that was enough, else the future back. A panic inside is `Internal`.
pub fn poll_once<F, T>(mut future: Pin<Box<F>>) -> std::result::Result<Result<T>, Pin<Box<F>>>
where
    F: Future<Output = Result<T>> + ?Sized,
{
    let mut context = Context::from_waker(Waker::noop());
    match std::panic::catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut context))) {
        Ok(Poll::Ready(result)) => Ok(result),
        Ok(Poll::Pending) => Err(future),
        Err(_) => Ok(Err(panicked())),
    }
}

/// Waits for `future` on this thread. Ready futures cost one poll and start nothing. A panic inside is `Internal`.
pub fn block_on<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    wait_on(future, None, || Ok::<_, std::convert::Infallible>(())).unwrap_or_else(|never| match never {})
}

/// As [`block_on`], and looks up about every `interval` while it waits. Where `look` fails, the future is dropped, which gives back
/// what it reserved, and that failure is the outer error. A ready future is never looked up from.
pub fn block_on_watched<T, E>(
    future: impl Future<Output = Result<T>>,
    interval: Duration,
    look: impl FnMut() -> std::result::Result<(), E>,
) -> std::result::Result<Result<T>, E> {
    wait_on(future, Some(interval), look)
}

fn wait_on<T, E>(
    future: impl Future<Output = Result<T>>,
    interval: Option<Duration>,
    mut look: impl FnMut() -> std::result::Result<(), E>,
) -> std::result::Result<Result<T>, E> {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    std::panic::catch_unwind(AssertUnwindSafe(|| {
        // Inside somebody's task its share of work would end, and that task never goes on while this one waits.
        let mut future = pin!(tokio::task::unconstrained(future));
        if let Poll::Ready(result) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return Ok(result);
        }
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        let mut context = Context::from_waker(&waker);
        let mut looked = Instant::now();
        loop {
            if let Poll::Ready(result) = future.as_mut().poll(&mut context) {
                return Ok(result);
            }
            let Some(interval) = interval else {
                std::thread::park();
                continue;
            };
            std::thread::park_timeout(interval);
            if looked.elapsed() >= interval {
                look()?;
                looked = Instant::now();
            }
        }
    }))
    .unwrap_or_else(|_| Ok(Err(panicked())))
}

/// Awaits `future`; a panic inside becomes `Internal`.
pub async fn catch_panic<T>(mut future: impl Future<Output = Result<T>> + Unpin) -> Result<T> {
    let mut poll = |context: &mut Context<'_>| Pin::new(&mut future).poll(context);
    std::future::poll_fn(|context| match std::panic::catch_unwind(AssertUnwindSafe(|| poll(context))) {
        Ok(poll) => poll,
        Err(_) => Poll::Ready(Err(panicked())),
    })
    .await
}

/// What a call gets that crossed a fork: it is nobody's to write down.
pub fn forked() -> Error {
    Error::unavailable("forked", "the process forked while the call was in flight")
}

fn panicked() -> Error {
    Error::internal("Tenantry failed unexpectedly; nothing was decided")
        .with_help("please report this with the version")
}
