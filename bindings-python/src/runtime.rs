//! How a core future becomes a Python call: waited for with the interpreter lock released, or awaited on asyncio.
//!
//! An async twin is a coroutine. Its first step polls the core once; a warm call ends there, without a task, a thread or
//! even an event loop. Anything slower, or with much to read, runs on the core's runtime and wakes the loop when done.

use std::{
    borrow::Cow,
    ffi::CString,
    future::Future,
    marker::PhantomData,
    mem,
    pin::Pin,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use pyo3::{
    IntoPyObjectExt,
    exceptions::{PyImportError, PyRuntimeError, PyRuntimeWarning, PyStopIteration},
    inspect::PyStaticExpr,
    prelude::*,
    sync::PyOnceLock,
    type_hint_identifier, type_hint_subscript,
    types::{PyAny, PyModule, PyNone},
};
use tenantry::{
    error::{Error, Result as CoreResult},
    runtime,
};

use crate::errors::{Result, to_python};

/// A core future, and whether it may be polled on an event loop's thread.
pub struct Work<F> {
    future: F,
    heavy: bool,
}

impl<F, T> Work<F>
where
    F: Future<Output = CoreResult<T>> + Send + 'static,
{
    pub const fn new(future: F) -> Self {
        Self { future, heavy: false }
    }

    /// As [`Work::new`] for a future that reads `bytes` of content.
    pub const fn reading(bytes: usize, future: F) -> Self {
        Self { future, heavy: bytes > tenantry::api::EVENT_LOOP_BYTES }
    }
}

/// How often a call that waits lets Python's signal handlers run.
const SIGNALS: Duration = Duration::from_millis(50);

/// Waits on this thread, with the interpreter lock released. Signal handlers run meanwhile: what one raises, such as
/// `KeyboardInterrupt`, ends the call, which gives back what it reserved. A call that has its answer at once looks for none.
pub fn wait<F, T>(py: Python<'_>, work: Work<F>) -> Result<T>
where
    F: Future<Output = CoreResult<T>> + Send,
    T: Send,
{
    let mut handles_signals = None;
    let look = || {
        if handles_signals == Some(false) {
            return Ok(());
        }
        Python::attach(|py| {
            handles_signals = Some(is_main_thread(py)?);
            py.check_signals()
        })
    };
    Ok(py.detach(|| runtime::block_on_watched(work.future, SIGNALS, look))??)
}

/// Python runs signal handlers on this thread alone.
fn is_main_thread(py: Python<'_>) -> PyResult<bool> {
    let threading = py.import("threading")?;
    threading.call_method0("main_thread")?.getattr("ident")?.eq(threading.call_method0("get_ident")?)
}

/// Refuses to be imported by any interpreter but the first. Exceptions and what they are made of belong to one interpreter, and
/// where Python itself does not refuse (before 3.12), others could not catch them.
pub fn only_the_main_interpreter() -> PyResult<()> {
    // SAFETY: the interpreter lock is held, since a module is being imported; both functions only read.
    #[allow(unsafe_code, reason = "there is no safe binding of these two functions")]
    let id = unsafe { pyo3::ffi::PyInterpreterState_GetID(pyo3::ffi::PyInterpreterState_Get()) };
    if id == 0 {
        return Ok(());
    }
    Err(PyImportError::new_err(
        "tenantry cannot be imported in a subinterpreter, since its exceptions would not be caught there; use it in the main \
         interpreter, or in a process of its own (multiprocessing, ProcessPoolExecutor)",
    ))
}

/// Where Python expects `None`; `()` would be an empty tuple.
pub struct Nothing;

impl<'py> IntoPyObject<'py> for Nothing {
    type Target = PyNone;
    type Output = Borrowed<'py, 'py, PyNone>;
    type Error = PyErr;

    const OUTPUT_TYPE: PyStaticExpr = type_hint_identifier!("builtins", "None");

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        Ok(PyNone::get(py))
    }
}

/// What an async twin returns: a coroutine that ends with `T`.
pub struct Awaits<T>(Coroutine, PhantomData<fn() -> T>);

impl<T> Awaits<T>
where
    T: for<'py> IntoPyObject<'py> + Send + 'static,
{
    /// `name` is what Python calls the method.
    pub fn new<F>(name: impl Into<Cow<'static, str>>, work: Work<F>) -> Self
    where
        F: Future<Output = CoreResult<T>> + Send + 'static,
    {
        let Work { future, heavy } = work;
        let future = Box::pin(async move {
            let value = future.await?;
            Ok(Box::new(move |py: Python<'_>| value.into_py_any(py)) as Answer)
        });
        Self(Coroutine { name: name.into(), step: Mutex::new(Step::Ready(Job { future, heavy })) }, PhantomData)
    }
}

impl<'py, T: IntoPyObject<'py>> IntoPyObject<'py> for Awaits<T> {
    type Target = Coroutine;
    type Output = Bound<'py, Coroutine>;
    type Error = PyErr;

    const OUTPUT_TYPE: PyStaticExpr = type_hint_subscript!(
        type_hint_identifier!("collections.abc", "Coroutine"),
        type_hint_identifier!("typing", "Any"),
        type_hint_identifier!("typing", "Any"),
        T::OUTPUT_TYPE
    );

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        Bound::new(py, self.0)
    }
}

/// Makes the Python value once the interpreter lock is held again.
type Answer = Box<dyn for<'py> FnOnce(Python<'py>) -> PyResult<Py<PyAny>> + Send>;

type Pending = Pin<Box<dyn Future<Output = CoreResult<Answer>> + Send>>;

struct Job {
    future: Pending,
    heavy: bool,
}

enum Step {
    Ready(Job),
    Waiting(Flight),
    Over,
}

/// A call running on the core's runtime, and the iterator of the asyncio future it will resolve.
struct Flight {
    iterator: Py<PyAny>,
    abort: Box<dyn Fn() + Send + Sync>,
    process: u32,
}

impl Drop for Flight {
    fn drop(&mut self) {
        // Stops a call nobody waits for any more; a finished one ignores it. A child of a fork must not touch the
        // parent's runtime.
        if self.process == runtime::generation() {
            (self.abort)();
        }
    }
}

/// A native coroutine: what `await`, `asyncio.create_task` and `asyncio.run` take. One that nobody awaited says so when it goes.
#[pyclass(frozen, weakref, module = "tenantry._tenantry")]
pub struct Coroutine {
    name: Cow<'static, str>,
    step: Mutex<Step>,
}

impl Drop for Coroutine {
    fn drop(&mut self) {
        if matches!(self.replace(Step::Over), Step::Ready(_)) {
            // `None` while the interpreter ends.
            let _ = Python::try_attach(|py| warn_of_never_awaited(py, &self.name));
        }
    }
}

/// As Python warns of its own coroutines. This runs wherever the last reference goes, also while an exception is on its way.
fn warn_of_never_awaited(py: Python<'_>, name: &str) {
    let on_its_way = PyErr::take(py);
    let warned = CString::new(format!("coroutine '{name}' was never awaited"))
        .map_err(PyErr::from)
        .and_then(|message| PyErr::warn(py, &py.get_type::<PyRuntimeWarning>(), &message, 1));
    if let Err(raised) = warned {
        raised.write_unraisable(py, None);
    }
    if let Some(error) = on_its_way {
        error.restore(py);
    }
}

#[pymethods]
impl Coroutine {
    /// The method's name.
    #[getter]
    fn __name__(&self) -> &str {
        self.name.rsplit('.').next().unwrap_or(&self.name)
    }

    /// The method's name, with its class.
    #[getter]
    fn __qualname__(&self) -> &str {
        &self.name
    }

    fn __repr__(&self) -> String {
        format!("<coroutine {}>", self.name)
    }

    fn send(&self, py: Python<'_>, value: Py<PyAny>) -> PyResult<Py<PyAny>> {
        match self.replace(Step::Over) {
            Step::Ready(job) => self.start(py, job),
            Step::Waiting(flight) => self.resume(py, flight, "send", value),
            Step::Over => Err(PyRuntimeError::new_err("cannot reuse already awaited coroutine")),
        }
    }

    #[pyo3(signature = (error, *_rest))]
    fn throw(&self, py: Python<'_>, error: Py<PyAny>, _rest: Py<PyAny>) -> PyResult<Py<PyAny>> {
        match self.replace(Step::Over) {
            Step::Waiting(flight) => self.resume(py, flight, "throw", error),
            Step::Ready(_) | Step::Over => Err(PyErr::from_value(error.into_bound(py))),
        }
    }

    fn close(&self) {
        drop(self.replace(Step::Over));
    }

    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.send(py, py.None())
    }
}

impl Coroutine {
    /// The lock is held for the exchange only: Python code may run while a step is taken.
    fn replace(&self, step: Step) -> Step {
        mem::replace(&mut *self.step.lock().unwrap_or_else(PoisonError::into_inner), step)
    }

    fn start(&self, py: Python<'_>, job: Job) -> PyResult<Py<PyAny>> {
        let future = Box::pin(job.future);
        let first = if job.heavy { Err(future) } else { py.detach(|| runtime::poll_once(future)) };
        match first {
            Ok(Ok(answer)) => Err(PyStopIteration::new_err((answer(py)?,))),
            Ok(Err(error)) => Err(to_python(py, &error)),
            Err(future) => {
                let flight = take_off(py, future)?;
                self.resume(py, flight, "send", py.None())
            }
        }
    }

    fn resume(&self, py: Python<'_>, flight: Flight, how: &str, value: Py<PyAny>) -> PyResult<Py<PyAny>> {
        let yielded = flight.iterator.call_method1(py, how, (value,))?;
        drop(self.replace(Step::Waiting(flight)));
        Ok(yielded)
    }
}

fn take_off(py: Python<'_>, future: Pin<Box<Pending>>) -> PyResult<Flight> {
    let event_loop = py.import("asyncio")?.call_method0("get_running_loop")?;
    let waiter = event_loop.call_method0("create_future")?;
    pending(py)?.call_method1("add", (&waiter,))?;
    let iterator = waiter.call_method0("__await__")?.unbind();
    let (event_loop, waiter) = (event_loop.unbind(), waiter.unbind());
    let handle = runtime::spawn(future, move |result| land(&event_loop, &waiter, result))
        .map_err(|error| to_python(py, &error))?;
    Ok(Flight { iterator, abort: Box::new(move || handle.abort()), process: runtime::generation() })
}

/// Whether the interpreter is about to end, and how many threads hand a result over. One that asks an ending interpreter for its lock is
/// stopped where it stands, and Rust ends the process for that.
static ENDING: AtomicBool = AtomicBool::new(false);
static LANDING: AtomicUsize = AtomicUsize::new(0);

/// One result being handed over.
struct Landing;

impl Landing {
    /// None once the interpreter ends.
    fn begin() -> Option<Self> {
        LANDING.fetch_add(1, Ordering::SeqCst);
        let landing = Self;
        (!ENDING.load(Ordering::SeqCst)).then_some(landing)
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        LANDING.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Has nothing handed over from now on, and waits for what is.
#[pyfunction]
fn before_exit(py: Python<'_>) {
    ENDING.store(true, Ordering::SeqCst);
    py.detach(|| {
        while LANDING.load(Ordering::SeqCst) > 0 {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    });
}

/// Has [`before_exit`] called when the interpreter ends.
pub fn watch_exit(py: Python<'_>) -> PyResult<()> {
    py.import("atexit")?.call_method1("register", (pyo3::wrap_pyfunction!(before_exit, py)?,)).map(drop)
}

/// Runs on the core's runtime: hands the result to the loop that waits for it.
fn land(event_loop: &Py<PyAny>, waiter: &Py<PyAny>, result: CoreResult<Answer>) {
    let Some(_landing) = Landing::begin() else { return };
    // `None` while the interpreter shuts down: nobody is left to hear the answer.
    let _ = Python::try_attach(|py| -> PyResult<()> {
        let value = result.map_err(|error| to_python(py, &error)).and_then(|answer| answer(py));
        let (setter, value) = match value {
            Ok(value) => ("set_result", value),
            Err(error) => ("set_exception", error.into_value(py).into_any()),
        };
        // A loop that was closed meanwhile refuses; its futures are gone with it.
        let settle = pyo3::wrap_pyfunction!(settle, py)?;
        event_loop.call_method1(py, "call_soon_threadsafe", (settle, waiter, setter, value)).map(drop)
    });
}

/// Runs on the event loop's thread.
#[pyfunction]
fn settle(waiter: &Bound<'_, PyAny>, setter: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
    if !waiter.call_method0("done")?.is_truthy()? {
        waiter.call_method1(setter, (value,))?;
    }
    Ok(())
}

/// The asyncio futures that calls in flight will resolve.
fn pending(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static PENDING: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let make = || py.import("weakref")?.call_method0("WeakSet").map(Bound::unbind);
    Ok(PENDING.get_or_try_init(py, make)?.bind(py))
}

/// Has the core close its files before every fork, and every child's loop told that calls in flight stayed in the parent.
pub fn watch_forks(py: Python<'_>) -> PyResult<()> {
    let os: Bound<'_, PyModule> = py.import("os")?;
    if os.hasattr("register_at_fork")? {
        let details = pyo3::types::PyDict::new(py);
        details.set_item("before", pyo3::wrap_pyfunction!(before_fork, py)?)?;
        details.set_item("after_in_parent", pyo3::wrap_pyfunction!(after_fork_in_parent, py)?)?;
        details.set_item("after_in_child", pyo3::wrap_pyfunction!(after_fork_in_child, py)?)?;
        os.call_method("register_at_fork", (), Some(&details))?;
    }
    Ok(())
}

#[pyfunction]
fn before_fork(py: Python<'_>) {
    // Waits for transactions under way, whose threads may want the interpreter.
    py.detach(tenantry::store::before_fork);
}

#[pyfunction]
fn after_fork_in_parent() {
    tenantry::store::after_fork_in_parent();
}

#[pyfunction]
fn after_fork_in_child(py: Python<'_>) -> PyResult<()> {
    // The threads that were handing over are the parent's.
    LANDING.store(0, Ordering::SeqCst);
    tenantry::store::after_fork_in_child();
    let forked =
        Error::unavailable("forked", "the process was forked while the call was under way").with_help("call again");
    for waiter in pending(py)?.try_iter()?.collect::<PyResult<Vec<_>>>()? {
        settle(&waiter, "set_exception", to_python(py, &forked).value(py).as_any())?;
    }
    Ok(())
}

/// Clients opened from now on share a clock that stands at `wall_micros`; ids and keys are counted.
#[cfg(feature = "test-hooks")]
#[pyfunction]
pub fn _freeze(wall_micros: i64) {
    tenantry::testing::freeze(wall_micros);
}

/// Moves the standing clock.
#[cfg(feature = "test-hooks")]
#[pyfunction]
pub fn _advance(milliseconds: u64) {
    tenantry::testing::advance(std::time::Duration::from_millis(milliseconds));
}

/// Makes the next guard call panic inside the engine.
#[cfg(feature = "test-hooks")]
#[pyfunction]
pub fn _panic_next() {
    tenantry::testing::panic_next();
}
