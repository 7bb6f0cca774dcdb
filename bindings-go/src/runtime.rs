//! How a core future is awaited from Go: polled once where the call was made, else run on the core's runtime.

use std::future::Future;

use tenantry::{
    error::{Error, ErrorKind, Result as CoreResult},
    runtime::{poll_once, spawn},
};
use tokio::{sync::oneshot, task::AbortHandle};

use crate::{errors::Result, types::FromCore};

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
