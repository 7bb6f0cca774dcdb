//! Operations on who callers are.

use std::sync::Arc;

use serde_json::json;

use super::{Authorized, Done, Nothing};
use crate::{
    access,
    api::{CredentialRef, Identity, IdentitySettings, WhoAmI},
    error::Result,
    rooms::Rooms,
};

/// Behind `identity.verify`.
pub async fn verify(rooms: &Arc<Rooms>, at: &Authorized, input: CredentialRef) -> Result<Done<Identity>> {
    let verified = access::verify(rooms, &input.credential).await?;
    if !at.caller.owner(at.scope()).sees(&verified) {
        return Err(crate::scope::outside());
    }
    Ok(rooms.identity.identity_of(&verified).await?.into())
}

/// Behind `identity.whoami`.
pub async fn whoami(_: &Arc<Rooms>, at: &Authorized, _: Nothing) -> Result<Done<WhoAmI>> {
    Ok(WhoAmI { identity: at.caller.authenticated.as_ref().map(|own| own.identity.clone()) }.into())
}

/// Behind `identity.settings`.
pub async fn settings(rooms: &Arc<Rooms>, _: &Authorized, _: Nothing) -> Result<Done<IdentitySettings>> {
    Ok(rooms.identity.settings().await?.into())
}

/// Behind `identity.put_settings`.
pub async fn put_settings(
    rooms: &Arc<Rooms>,
    _: &Authorized,
    settings: IdentitySettings,
) -> Result<Done<IdentitySettings>> {
    let platform = rooms.tenants.platform();
    // A policy that does not compile would be found out by the first newcomer.
    rooms.tenants.check_provisioned(&settings.auto_provision)?;
    rooms.identity.put_settings(&platform, &settings).await?;
    let body = json!({ "auto_provision": settings.auto_provision.enabled });
    Ok(Done::from(settings).row(&platform, body))
}
