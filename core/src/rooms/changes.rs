//! Changes of one scope one after the other: each reads, checks and writes, and two at once would each check a world without
//! the other. Changes of different scopes never wait for each other.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use crate::scope::{Scope, Uid};

/// How many scopes may have a turn before those without one are forgotten.
const SWEEP: usize = 256;

/// Keeps others from changing the same until it is dropped.
pub type Turn = OwnedMutexGuard<()>;

/// Whose turn it is, by scope.
#[derive(Default)]
pub struct Changes {
    turns: Mutex<HashMap<Uid, Arc<AsyncMutex<()>>>>,
    registry: Arc<AsyncMutex<()>>,
}

impl Changes {
    /// Waits until nothing else changes what is attached to `scope`, and keeps others out.
    pub async fn of(&self, scope: &Scope) -> Turn {
        let turn = {
            let mut turns = self.turns.lock();
            if turns.len() >= SWEEP {
                // Whoever waits or changes holds its turn.
                turns.retain(|_, turn| Arc::strong_count(turn) > 1);
            }
            Arc::clone(turns.entry(scope.uid()).or_default())
        };
        turn.lock_owned().await
    }

    /// Waits until no tenant is being created by a token or deleted. Nothing that takes long is done meanwhile.
    pub async fn of_registry(&self) -> Turn {
        Arc::clone(&self.registry).lock_owned().await
    }
}
