//! What a token came from, and so ends with: the API key and its successors, the token, the outside issuer's entry. Owns the
//! rule that nothing that was issued outlives what it was issued on; touches ground and `store`.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{IdentityService, IssuerBody, Kind, NEVER, Revocation, Verified, parsed, revocation_of};
use crate::{api::CredentialKind, error::Result};

/// Most rotations that are followed from the key a token came from to the one in its place; beyond it has ended.
const MAX_SUCCESSORS: usize = 1_000;

/// The entry of an outside issuer, as one `put` made it: removed and put again it is another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuerEntry {
    /// The issuer.
    pub issuer: String,
    /// Drawn by `put`.
    pub entry: u64,
}

/// What a token came from. Empty for one that the process itself issued: that has no parent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lineage {
    /// Ids whose revocation ends it: a key, tokens, refresh families.
    pub ids: Vec<String>,
    /// When the token it was issued on ends by itself, microseconds since 1970.
    pub until: Option<i64>,
    /// The API key it was exchanged for or issued on. It ends when that key does, or else the one that took its place.
    pub key: Option<String>,
    /// The entry of the outside issuer whose token stands at its beginning.
    pub entry: Option<IssuerEntry>,
}

impl Lineage {
    /// Of what is issued on the strength of a credential.
    pub fn of(verified: &Verified) -> Self {
        let (until, key) = match verified.credential {
            CredentialKind::ApiKey => (None, Some(verified.id.clone())),
            CredentialKind::Token | CredentialKind::Jwt => (Some(verified.ends_at), None),
            CredentialKind::Dev => (None, None),
        };
        Self { ids: verified.ends_with.clone(), until, key, entry: verified.entry.clone() }
    }
}

/// From when on what rests on `id` has ended, if it was revoked or will be. A key that was rotated passes what came from it
/// on to its successor; one that was revoked ends it, rotated or not.
pub fn end_of(revoked: &HashMap<String, Revocation>, id: &str) -> Option<i64> {
    let mut id = id;
    for _ in 0..MAX_SUCCESSORS {
        let ending = revoked.get(id)?;
        match &ending.passes_to {
            Some(successor) => id = successor,
            None => return Some(ending.from),
        }
    }
    Some(i64::MIN)
}

impl IdentityService {
    /// Whether something of a lineage was revoked or removed. Asks the store: what another process ended a moment ago must
    /// not be renewed here.
    pub(super) async fn has_ended(&self, lineage: &Lineage) -> Result<bool> {
        let now = self.clock.now().wall_micros;
        for id in &lineage.ids {
            if self.stored_end_of(id).await?.is_some_and(|from| now >= from) {
                return Ok(true);
            }
        }
        let Some(entry) = &lineage.entry else { return Ok(false) };
        let row = self.store.find(Kind::Issuer, &entry.issuer).await?;
        let own = row.map(|row| parsed::<IssuerBody>(&row)).transpose()?.map(|body| body.entry);
        Ok(own != Some(entry.entry))
    }

    /// As [`end_of`], by the store.
    async fn stored_end_of(&self, id: &str) -> Result<Option<i64>> {
        let mut id = id.to_owned();
        for _ in 0..MAX_SUCCESSORS {
            let Some(row) = self.store.find(Kind::Revocation, &id).await? else { return Ok(None) };
            let ending = revocation_of(&row)?;
            match ending.passes_to {
                Some(successor) => id = successor,
                None => return Ok(Some(ending.from)),
            }
        }
        Ok(Some(i64::MIN))
    }

    /// When a lineage ends by itself, microseconds since 1970.
    pub(super) async fn natural_end(&self, lineage: &Lineage) -> Result<i64> {
        let until = lineage.until.unwrap_or(NEVER);
        let Some(key) = &lineage.key else { return Ok(until) };
        let mut key = key.clone();
        for _ in 0..MAX_SUCCESSORS {
            let body = self.key_body(&key).await?;
            match body.replaced_by {
                Some(successor) => key = successor,
                None => return Ok(until.min(body.expires_at.unwrap_or(NEVER))),
            }
        }
        Ok(i64::MIN)
    }
}
