//! Heavy work off the callers' threads: at most [`PER_ACCOUNT`] pieces at once for each account, so that one tenant's work
//! takes neither an event loop's thread nor every core. Owns the turns; touches `runtime`, `scope` and `error`.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::{
    error::{Error, Result},
    runtime,
    scope::{Scope, Uid},
};

/// Pieces of heavy work of one account at a time; the rest wait for one of its own to end.
pub const PER_ACCOUNT: usize = 2;
/// How many accounts may have turns before those without any are forgotten.
const SWEEP: usize = 256;

/// The turns of all accounts.
#[derive(Default)]
pub struct Workers {
    turns: Mutex<HashMap<Uid, Arc<Semaphore>>>,
}

impl Workers {
    /// Does `work` on a worker when it is the turn of the account `scope` belongs to. A caller that gives up leaves the line;
    /// work that has begun goes on and keeps its turn until it ends.
    pub async fn run<T: Send + 'static>(
        &self,
        scope: &Scope,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let turn = self.turns(scope.account_uid()).acquire_owned().await;
        let turn = turn.map_err(|_| Error::internal("the turns of an account are closed"))?;
        runtime::heavy(move || {
            let done = work();
            drop(turn);
            done
        })
        .await
    }

    fn turns(&self, account: Uid) -> Arc<Semaphore> {
        let mut turns = self.turns.lock();
        if turns.len() >= SWEEP {
            // Whoever waits or works holds its semaphore.
            turns.retain(|_, turns| Arc::strong_count(turns) > 1);
        }
        Arc::clone(turns.entry(account).or_insert_with(|| Arc::new(Semaphore::new(PER_ACCOUNT))))
    }
}
