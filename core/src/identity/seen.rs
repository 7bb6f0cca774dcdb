//! Tokens that were verified lately, so that the next call with one costs a look instead of a signature check. Owns the
//! cache; touches only ground.
//!
//! The whole token is the key and is compared whole: a hash alone would have to be a slow one to be safe. Tokens stay in
//! memory as long as the cache holds them, as they do in the app that presented them. Only verified ones get in.

use std::sync::Arc;

use super::verified::Verified;
use crate::{
    cache::{FairCache, Weight},
    scope::AccountId,
};

/// What they take in memory at most, in bytes: some 16,000 of usual length.
const MAX_TOKENS: u64 = 32 * 1_024 * 1_024;
/// A longer token is verified each time: one issuer must not fill the cache with little.
const LONGEST: usize = 4 * 1_024;
/// A signature is checked again after this long, so that a key its issuer withdrew is not believed for a token's whole life.
const BELIEVED_NANOS: u64 = 300 * 1_000_000_000;

#[derive(Clone)]
struct Entry {
    verified: Arc<Verified>,
    believed_until: u64,
}

/// The cache. Those of one account push out its own first; those of the platform are an account's of their own.
pub struct SeenTokens(FairCache<Option<AccountId>, Arc<str>, Entry>);

impl Default for SeenTokens {
    fn default() -> Self {
        Self(FairCache::new(MAX_TOKENS))
    }
}

impl SeenTokens {
    /// What the token came to when it was verified. Expiry and revocation are the caller's to check.
    #[must_use]
    pub fn get(&self, token: &str, steady_nanos: u64) -> Option<Arc<Verified>> {
        self.0.get(token).filter(|entry| steady_nanos < entry.believed_until).map(|entry| entry.verified)
    }

    /// Remembers a verified token.
    pub fn put(&self, token: &str, verified: &Arc<Verified>, steady_nanos: u64) {
        if token.len() > LONGEST {
            return;
        }
        let believed_until = steady_nanos.saturating_add(BELIEVED_NANOS);
        let entry = Entry { verified: Arc::clone(verified), believed_until };
        // What it came to is made of what it says.
        let weight = Weight { own: 1_024 + 2 * token.len() as u64, shared: None };
        drop(self.0.put(verified.authority.account_id().cloned(), token.into(), entry, weight));
    }

    /// Forgets everything: what tokens mean has changed.
    pub fn clear(&self) {
        self.0.clear();
    }
}
