//! Who acts.

use napi::Unknown;
use tenantry::api::Principal;

use super::Given;
use crate::errors::Result;

pub fn principal(value: Unknown<'_>) -> Result<Principal> {
    let mut given = Given::read("principal", value)?;
    let principal = Principal {
        kind: given.named("type", "kind of principal")?.unwrap_or_default(),
        id: given.required("id")?,
        roles: given.texts("roles")?,
        scopes: given.texts("scopes")?,
    };
    given.end()?;
    Ok(principal)
}
