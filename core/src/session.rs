//! Guard history: what earlier turns of a conversation left. Owns hot sessions and the keys derived from them; touches
//! ground and `store`.
//!
//! Turns are remembered in memory at once and written behind within 100 ms. The `session_*` keys a call's policies read
//! cover the turns before it and the turn itself, so that a rule over a conversation needs no special case for now.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use parking_lot::Mutex;

use crate::{
    clock::Now,
    context_keys::{ContextKey, KeyValue},
    error::{Error, Result},
    scope::{OpaqueId, Scope, Uid},
    store::{SessionTurns, Sessions},
};

const SHARDS: usize = 64;
/// A session of a project. The id's text is the one the session itself holds.
type SessionKey = (Uid, OpaqueId);

/// Most sessions held in memory by one shard, 12,288 in all; idle ones beyond are dropped after they were written, those of
/// the account with most of them first.
const SHARD_SESSIONS: usize = 192;

struct Hot {
    scope: Scope,
    id: OpaqueId,
    /// Everything, pending turns included.
    turns: SessionTurns,
    /// Not yet written.
    pending: SessionTurns,
    expires: i64,
}

/// Sessions of all projects, hot ones in memory.
pub struct SessionStore {
    store: Arc<dyn Sessions>,
    shards: Vec<Mutex<HashMap<SessionKey, Hot>>>,
    hasher: std::collections::hash_map::RandomState,
    // Without a store behind, memory is the store and there is nothing to write behind.
    write_behind: bool,
    flushing: tokio::sync::Mutex<()>,
}

impl SessionStore {
    /// A room over `store`; `write_behind` when it is slower than memory.
    pub fn new(store: Arc<dyn Sessions>, write_behind: bool) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self {
            store,
            shards,
            hasher: std::collections::hash_map::RandomState::new(),
            write_behind,
            flushing: tokio::sync::Mutex::default(),
        }
    }

    fn shard(&self, key: &SessionKey) -> Option<&Mutex<HashMap<SessionKey, Hot>>> {
        use std::hash::BuildHasher as _;
        let place = usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).unwrap_or(0);
        self.shards.get(place)
    }

    fn key(scope: &Scope, id: &OpaqueId) -> SessionKey {
        (scope.uid(), id.clone())
    }

    /// What earlier turns left; empty for a new or expired session. Waits only for a session not seen lately.
    pub async fn recall(&self, scope: &Scope, id: &OpaqueId, now: Now) -> Result<SessionTurns> {
        let key = Self::key(scope, id);
        if let Some(shard) = self.shard(&key)
            && let Some(hot) = shard.lock().get(&key)
            && hot.expires > now.wall_micros
        {
            return Ok(hot.turns.clone());
        }
        let stored = self.store.load(scope, id, now.wall_micros).await?.unwrap_or_default();
        if self.write_behind
            && let Some(shard) = self.shard(&key)
        {
            // A session that is read will be written; expiry is set then.
            shard.lock().entry(key).or_insert_with(|| Hot {
                scope: scope.clone(),
                id: id.clone(),
                turns: stored.clone(),
                pending: SessionTurns::default(),
                expires: now.wall_micros.saturating_add(60_000_000),
            });
        }
        Ok(stored)
    }

    /// Adds a turn to what the call recalled.
    pub async fn remember(
        &self,
        scope: &Scope,
        id: &OpaqueId,
        earlier: SessionTurns,
        turn: SessionTurns,
        now: Now,
        ttl_seconds: u64,
    ) -> Result<()> {
        let lifetime = i64::try_from(ttl_seconds.saturating_mul(1_000_000)).unwrap_or(i64::MAX);
        let expires = now.wall_micros.saturating_add(lifetime);
        if !self.write_behind {
            self.store.merge(scope, vec![(id.clone(), turn)], now.wall_micros, expires).await?;
            return Ok(());
        }
        let key = Self::key(scope, id);
        let Some(shard) = self.shard(&key) else { return Err(Error::internal("a session has no shard")) };
        let mut sessions = shard.lock();
        // Dropped since it was recalled: what the call saw stands in until the next flush brings the store's own.
        let hot = sessions.entry(key).or_insert_with(|| Hot {
            scope: scope.clone(),
            id: id.clone(),
            turns: earlier,
            pending: SessionTurns::default(),
            expires,
        });
        if hot.expires <= now.wall_micros {
            hot.turns = hot.pending.clone();
        }
        hot.turns.merge(&turn);
        hot.pending.merge(&turn);
        hot.expires = expires;
        Ok(())
    }

    /// Writes what is pending and takes over what other processes added. Called by the housekeeper and at close.
    pub async fn flush(&self, now: Now) -> Result<()> {
        let _one = self.flushing.lock().await;
        let mut by_scope: HashMap<Scope, Vec<(OpaqueId, SessionTurns, i64)>> = HashMap::new();
        for shard in &self.shards {
            for hot in shard.lock().values_mut().filter(|hot| hot.pending.turns > 0) {
                let pending = std::mem::take(&mut hot.pending);
                by_scope.entry(hot.scope.clone()).or_default().push((hot.id.clone(), pending, hot.expires));
            }
        }
        // One project's trouble must not cost another its turns: go on, and say at the end.
        let mut failed = Ok(());
        for (scope, turns) in by_scope {
            let expires = turns.iter().map(|(_, _, expires)| *expires).max().unwrap_or(now.wall_micros);
            let batch: Vec<(OpaqueId, SessionTurns)> =
                turns.iter().map(|(id, turn, _)| (id.clone(), turn.clone())).collect();
            match self.store.merge(&scope, batch, now.wall_micros, expires).await {
                Ok(merged) => {
                    for ((id, _, _), stored) in turns.iter().zip(merged) {
                        // One whose row is not ours goes on as it is here, and is refused when it is read again.
                        if let Some(stored) = stored {
                            self.adopt(&scope, id, stored);
                        }
                    }
                }
                Err(error) => {
                    // Kept for the next flush.
                    for (id, turn, expires) in &turns {
                        self.put_back(&scope, id, turn, *expires);
                    }
                    failed = Err(error);
                }
            }
        }
        self.shed(now);
        failed
    }

    fn with(&self, scope: &Scope, id: &OpaqueId, change: impl FnOnce(&mut Hot)) {
        let key = Self::key(scope, id);
        if let Some(shard) = self.shard(&key)
            && let Some(hot) = shard.lock().get_mut(&key)
        {
            change(hot);
        }
    }

    fn adopt(&self, scope: &Scope, id: &OpaqueId, stored: SessionTurns) {
        self.with(scope, id, |hot| {
            hot.turns = stored;
            hot.turns.merge(&hot.pending);
        });
    }

    fn put_back(&self, scope: &Scope, id: &OpaqueId, turn: &SessionTurns, expires: i64) {
        let key = Self::key(scope, id);
        let Some(shard) = self.shard(&key) else { return };
        let mut sessions = shard.lock();
        let hot = sessions.entry(key).or_insert_with(|| Hot {
            scope: scope.clone(),
            id: id.clone(),
            turns: turn.clone(),
            pending: SessionTurns::default(),
            expires,
        });
        hot.pending.merge(turn);
    }

    /// Drops expired sessions, and written ones beyond the cap.
    fn shed(&self, now: Now) {
        for shard in &self.shards {
            let mut sessions = shard.lock();
            sessions.retain(|_, hot| hot.pending.turns > 0 || hot.expires > now.wall_micros);
            if sessions.len() <= SHARD_SESSIONS {
                continue;
            }
            let mut held: HashMap<Uid, usize> = HashMap::new();
            sessions.values().for_each(|hot| *held.entry(hot.scope.account_uid()).or_default() += 1);
            let share = fair_share(held.values().copied().collect(), SHARD_SESSIONS);
            sessions.retain(|_, hot| {
                let Some(own) = held.get_mut(&hot.scope.account_uid()) else { return true };
                let keep = *own <= share || hot.pending.turns > 0;
                *own -= usize::from(!keep);
                keep
            });
        }
    }

    /// Drops what is held of projects another process wrote to, so that the next call reads the store.
    pub fn refresh_changed(&self) {
        // While turns are on their way to the store, memory is the only place that has them.
        let Ok(_one) = self.flushing.try_lock() else { return };
        let mut held: Vec<Uid> = self
            .shards
            .iter()
            .flat_map(|shard| shard.lock().values().map(|hot| hot.scope.uid()).collect::<Vec<_>>())
            .collect();
        held.sort_unstable();
        held.dedup();
        let changed = self.store.changed_elsewhere(&held);
        if changed.is_empty() {
            return;
        }
        for shard in &self.shards {
            shard.lock().retain(|_, hot| hot.pending.turns > 0 || !changed.contains(&hot.scope.uid()));
        }
    }

    /// Forgets every session of a scope.
    pub async fn forget(&self, scope: &Scope) -> Result<()> {
        for shard in &self.shards {
            shard.lock().retain(|_, hot| hot.scope.uid() != scope.uid());
        }
        self.store.forget(scope).await
    }
}

/// The most each may keep, so that together they keep at most `room` and nobody gives anything up for one who has more.
fn fair_share(mut held: Vec<usize>, room: usize) -> usize {
    held.sort_unstable();
    let (mut room, mut left) = (room, held.len());
    for own in held {
        let share = room / left.max(1);
        if own > share {
            return share;
        }
        room -= own;
        left -= 1;
    }
    usize::MAX
}

/// The keys policies read of a session: everything in `turns`, whose last turn is the one being decided.
#[must_use]
pub fn keys(turns: &SessionTurns) -> Vec<(ContextKey, KeyValue)> {
    use ContextKey as K;
    let set =
        |items: &std::collections::BTreeSet<String>| KeyValue::Set(items.iter().cloned().map(Cow::Owned).collect());
    vec![
        (K::ConversationTurn, KeyValue::Long(turns.turns)),
        (K::MultiTurnDetection, KeyValue::Bool(turns.turns > 1 && turns.threat_turns > 1)),
        (K::SessionPiiDetected, KeyValue::Bool(!turns.pii_types.is_empty())),
        (K::SessionPiiTypes, set(&turns.pii_types)),
        (K::SessionSecretsDetected, KeyValue::Bool(!turns.secret_types.is_empty())),
        (K::SessionSecretTypes, set(&turns.secret_types)),
        (K::SessionInjectionDetected, KeyValue::Bool(turns.injection_detected)),
        (K::SessionThreatTurns, KeyValue::Long(turns.threat_turns)),
        (K::SessionMaxInjectionScore, KeyValue::Long(turns.max_injection)),
        (K::SessionMaxJailbreakScore, KeyValue::Long(turns.max_jailbreak)),
        (K::SessionMaxPiiScore, KeyValue::Long(turns.max_pii)),
        (K::SessionMaxSecretScore, KeyValue::Long(turns.max_secret)),
        (K::SessionCumulativeRiskScore, KeyValue::Long(turns.cumulative_risk)),
    ]
}

#[cfg(test)]
mod tests {
    use super::fair_share;

    #[test]
    fn who_has_most_gives_first_and_the_others_keep_all() {
        for (held, room, share) in [
            (vec![3, 500, 4], 100, 93),
            (vec![60, 60], 100, 50),
            (vec![1, 1, 1], 100, usize::MAX),
            (vec![200; 400], 512, 1),
            (vec![], 10, usize::MAX),
        ] {
            assert_eq!(fair_share(held.clone(), room), share, "{held:?}");
        }
    }
}
