//! Dev mode's callers: whoever they say they are. Owns the authority that dev mode hands out, over exactly one project.

use std::sync::atomic::AtomicU64;

use super::{NEVER, RightsBy, Verified};
use crate::{
    api::{CredentialKind, Principal},
    scope::{Authority, Id, Named},
};

/// A caller of dev mode. It holds every right in its own project: there is nothing to protect from it.
#[must_use]
pub fn dev_caller(account: Id, project: Id, user: &str) -> Verified {
    Verified {
        credential: CredentialKind::Dev,
        id: String::new(),
        issuer: String::new(),
        issuer_version: 0,
        principal: Principal::user(user),
        authority: Authority::projects(Named { id: account, uid: None }, vec![Named { id: project, uid: None }]),
        rights_by: RightsBy::DevMode,
        ends_at: NEVER,
        presentable_until: NEVER,
        ends_with: Vec::new(),
        entry: None,
        key: None,
        machine: false,
        seen: AtomicU64::default(),
    }
}
