//! Tokens that were verified lately, so that the next call with one costs a look instead of a signature check. Owns the
//! cache; touches only ground.
//!
//! The whole token is the key and is compared whole: a hash alone would have to be a slow one to be safe. Tokens stay in
//! memory as long as the cache holds them, as they do in the app that presented them. Only verified ones get in.

use std::{collections::HashMap, sync::Arc};

use parking_lot::RwLock;

use super::verified::Verified;

const SHARDS: usize = 16;
/// Most tokens per shard: some 16,000 in all, at about a kilobyte each.
const SHARD_TOKENS: usize = 1_024;
/// A longer token is verified each time: one issuer must not fill the cache with little.
const LONGEST: usize = 4 * 1_024;
/// A signature is checked again after this long, so that a key its issuer withdrew is not believed for a token's whole life.
const BELIEVED_NANOS: u64 = 300 * 1_000_000_000;

type State = foldhash::quality::RandomState;
type Shard = HashMap<Box<str>, Entry, State>;

struct Entry {
    verified: Arc<Verified>,
    believed_until: u64,
}

/// The cache.
pub struct SeenTokens {
    shards: Box<[RwLock<Shard>]>,
    hasher: State,
}

impl Default for SeenTokens {
    fn default() -> Self {
        let hasher = State::default();
        Self { shards: (0..SHARDS).map(|_| RwLock::new(HashMap::with_hasher(hasher.clone()))).collect(), hasher }
    }
}

impl SeenTokens {
    fn shard(&self, token: &str) -> Option<&RwLock<Shard>> {
        use std::hash::BuildHasher as _;
        // The end of a token is its signature: as good as random, and a short piece of it will do to choose a shard.
        let end = token.as_bytes().rchunks(8).next().unwrap_or_default();
        self.shards.get(usize::try_from(self.hasher.hash_one(end) >> 32).unwrap_or_default() % SHARDS)
    }

    /// What the token came to when it was verified. Expiry and revocation are the caller's to check.
    #[must_use]
    pub fn get(&self, token: &str, steady_nanos: u64) -> Option<Arc<Verified>> {
        let shard = self.shard(token)?.read();
        shard.get(token).filter(|entry| steady_nanos < entry.believed_until).map(|entry| Arc::clone(&entry.verified))
    }

    /// Remembers a verified token.
    pub fn put(&self, token: &str, verified: &Arc<Verified>, steady_nanos: u64, wall_micros: i64) {
        let Some(shard) = self.shard(token).filter(|_| token.len() <= LONGEST) else { return };
        let mut shard = shard.write();
        if shard.len() >= SHARD_TOKENS {
            shard.retain(|_, entry| entry.verified.ends_at > wall_micros && entry.believed_until > steady_nanos);
        }
        if shard.len() >= SHARD_TOKENS {
            let mut keep = false;
            shard.retain(|_, _| {
                keep = !keep;
                keep
            });
        }
        let entry =
            Entry { verified: Arc::clone(verified), believed_until: steady_nanos.saturating_add(BELIEVED_NANOS) };
        shard.insert(token.into(), entry);
    }

    /// Forgets everything: what tokens mean has changed.
    pub fn clear(&self) {
        self.shards.iter().for_each(|shard| shard.write().clear());
    }
}
