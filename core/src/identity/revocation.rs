//! Revocations: from when on nothing is taken that was verified under an id. Owns how they are written down and merged; touches
//! only ground and `store`.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::parsed;
use crate::{error::Result, store::CredentialRow};

/// The end of what was verified under an id.
#[derive(Clone)]
pub struct Revocation {
    /// From when on it is taken no more, microseconds since 1970.
    pub from: i64,
    /// When nothing can ask for it any more.
    pub forget_at: i64,
    /// The key that took the place of this one: what came from this one ends with that.
    pub passes_to: Option<String>,
}

/// A revocation as its row says it.
#[derive(Serialize, Deserialize)]
pub struct RevocationBody {
    from: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    passes_to: Option<String>,
}

impl Revocation {
    /// At once, and remembered until then.
    pub const fn now(forget_at: i64) -> Self {
        Self { from: i64::MIN, forget_at, passes_to: None }
    }

    /// Both: a key that is revoked passes nothing on, rotated as it may be.
    pub fn and(self, other: Self) -> Self {
        Self {
            from: self.from.min(other.from),
            forget_at: self.forget_at.max(other.forget_at),
            passes_to: self.passes_to.filter(|_| other.passes_to.is_some()),
        }
    }

    pub fn body(&self) -> RevocationBody {
        RevocationBody { from: self.from, passes_to: self.passes_to.clone() }
    }
}

/// What a row of a revocation says: from when on, and how long that must be remembered.
pub fn revocation_of(row: &CredentialRow) -> Result<Revocation> {
    let RevocationBody { from, passes_to } = parsed(row)?;
    Ok(Revocation { from, forget_at: row.ends_at, passes_to })
}

/// A revocation is only ever brought forward, and remembered the longer.
pub fn merge(known: &mut HashMap<String, Revocation>, id: String, ending: Revocation) {
    let ending = match known.remove(&id) {
        Some(own) => own.and(ending),
        None => ending,
    };
    known.insert(id, ending);
}
