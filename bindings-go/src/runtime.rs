//! How a core future is awaited from Go: polled once where the call was made, else run on the core's runtime.

use std::{
    collections::HashMap,
    future::Future,
    pin::Pin,
    sync::{
        LazyLock, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tenantry::{
    api::GuardResponse,
    error::{Error, ErrorKind, Result as CoreResult},
    runtime::{poll_once, spawn},
};
use tokio::{sync::oneshot, task::AbortHandle};

use crate::{errors::Result, types::FromCore};

/// A guard call that was polled and has to wait. It is never begun anew: what it has done by then stands.
pub type Parked = Pin<Box<dyn Future<Output = CoreResult<GuardResponse>> + Send>>;

static PARKED: LazyLock<Mutex<HashMap<u64, Parked>>> = LazyLock::new(Mutex::default);

/// Keeps a call under a number until Go takes it up again.
pub fn park(call: Parked) -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let number = LAST.fetch_add(1, Ordering::Relaxed) + 1;
    PARKED.lock().unwrap_or_else(PoisonError::into_inner).insert(number, call);
    number
}

/// The call under a number, once.
pub fn taken(number: u64) -> Option<Parked> {
    PARKED.lock().unwrap_or_else(PoisonError::into_inner).remove(&number)
}

/// Stops a call nobody waits for any more; a finished one ignores it.
struct Stop(AbortHandle);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Awaits `future`. A warm call ends at its first poll, on the caller's thread; dropping a slower one stops its work.
pub async fn detached<C, T>(future: impl Future<Output = CoreResult<C>> + Send + 'static) -> Result<T>
where
    C: Send + 'static,
    T: FromCore<C>,
{
    let result = match poll_once(Box::pin(future)) {
        Ok(result) => result,
        Err(future) => {
            let (done, result) = oneshot::channel();
            let _stop = Stop(spawn(future, move |result| drop(done.send(result)))?);
            result.await.unwrap_or_else(|_| Err(Error::new(ErrorKind::Cancelled, "cancelled", "the call was stopped")))
        }
    };
    Ok(T::from_core(result?))
}
