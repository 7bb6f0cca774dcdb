//! How a core future becomes a JavaScript call: waited for, or promised.
//!
//! A promising method polls the core once on the JavaScript thread; a warm call ends there and its value is returned as it
//! is. Anything slower, or with much to read, runs on the core's runtime and settles a promise when done.

use std::future::Future;

use napi::{
    Env, JsDeferred, JsValue,
    bindgen_prelude::{Either, PromiseRaw, ToNapiValue},
};
use tenantry::{error::Result as CoreResult, runtime};

use crate::errors::{Result, catch_panic, thrown};

/// A core future, and whether it may be polled on the JavaScript thread.
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

    /// As [`Work::new`] for a future that takes long, whatever it is given.
    pub const fn long(future: F) -> Self {
        Self { future, heavy: true }
    }

    /// As [`Work::new`] for a future that inspects `bytes` of text.
    pub const fn reading(bytes: usize, future: F) -> Self {
        Self { future, heavy: bytes > tenantry::api::EVENT_LOOP_BYTES }
    }
}

/// Waits on this thread for the work that `make` starts.
pub fn wait<F, T>(make: impl FnOnce() -> Result<Work<F>>) -> napi::Result<T>
where
    F: Future<Output = CoreResult<T>>,
{
    catch_panic(|| Ok(runtime::block_on(make()?.future)?))
}

/// A value that is there already, or the promise of one.
pub type Soon<'env, T> = Either<T, PromiseRaw<'env, T>>;

/// Makes the promised value once back on the JavaScript thread.
type Arrival<T> = Box<dyn FnOnce(Env) -> napi::Result<T> + Send>;

/// Starts the work that `make` describes and never waits for it.
pub fn promise<'env, F, T>(env: &'env Env, make: impl FnOnce() -> Result<Work<F>>) -> napi::Result<Soon<'env, T>>
where
    F: Future<Output = CoreResult<T>> + Send + 'static,
    T: ToNapiValue + Send + 'static,
{
    catch_panic(|| {
        let Work { future, heavy } = make()?;
        let future = Box::pin(future);
        let future = match if heavy { Err(future) } else { runtime::poll_once(future) } {
            Ok(value) => return Ok(Either::A(value?)),
            Err(future) => future,
        };
        // A promise nobody settles would keep the process alive: make sure first that there are threads.
        runtime::handle()?;
        let (deferred, promise): (JsDeferred<T, Arrival<T>>, _) = env.create_deferred()?;
        let promise = PromiseRaw::new(env.raw(), promise.raw());
        runtime::spawn(future, move |result| match result {
            Ok(value) => deferred.resolve(Box::new(|_| Ok(value))),
            Err(error) => deferred.reject(thrown(&error)),
        })?;
        Ok(Either::B(promise))
    })
}

/// Hooks of test builds; see the core's `testing`.
#[cfg(feature = "test-hooks")]
mod hooks {
    use napi_derive::napi;

    /// Clients opened from now on share a clock that stands at `wall_micros`; ids and keys are counted.
    #[napi(js_name = "_freeze", catch_unwind)]
    pub fn freeze(wall_micros: i64) {
        tenantry::testing::freeze(wall_micros);
    }

    /// Moves the standing clock.
    #[napi(js_name = "_advance", catch_unwind)]
    pub fn advance(milliseconds: i64) {
        tenantry::testing::advance(std::time::Duration::from_millis(milliseconds.unsigned_abs()));
    }

    /// Makes the next guard call panic inside the engine.
    #[napi(js_name = "_panicNext", catch_unwind)]
    pub fn panic_next() {
        tenantry::testing::panic_next();
    }
}
