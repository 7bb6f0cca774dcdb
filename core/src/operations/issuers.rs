//! Operations on issuers.

use std::sync::Arc;

use serde_json::json;

use super::{Authorized, Done, Nothing};
use crate::{
    api::{IssuerReceipt, IssuerRef, IssuerSpec, Page},
    error::Result,
    rooms::Rooms,
};

/// Behind `issuers.put`.
pub async fn put(rooms: &Arc<Rooms>, _: &Authorized, spec: IssuerSpec) -> Result<Done<IssuerReceipt>> {
    let platform = rooms.tenants.platform();
    rooms.identity.put_issuer(&platform, &spec).await?;
    // The entry holds, whatever its keys are like.
    let receipt = rooms.identity.check_issuer(&spec.issuer).await.unwrap_or_else(|error| IssuerReceipt {
        issuer: spec.issuer.clone(),
        unreachable: error.message().to_owned(),
        ..IssuerReceipt::default()
    });
    let body = json!({ "issuer": spec.issuer, "accounts": spec.accounts, "algorithms": spec.algorithms });
    Ok(Done::from(receipt).row(&platform, body))
}

/// Behind `issuers.check`.
pub async fn check(rooms: &Arc<Rooms>, _: &Authorized, input: IssuerRef) -> Result<Done<IssuerReceipt>> {
    Ok(rooms.identity.check_issuer(&input.issuer).await?.into())
}

/// Behind `issuers.remove`.
pub async fn remove(rooms: &Arc<Rooms>, _: &Authorized, input: IssuerRef) -> Result<Done<()>> {
    rooms.identity.remove_issuer(&input.issuer).await?;
    Ok(Done::from(()).row(&rooms.tenants.platform(), json!({ "issuer": input.issuer })))
}

/// Behind `issuers.list`.
pub async fn list(rooms: &Arc<Rooms>, _: &Authorized, _: Nothing) -> Result<Done<Page<IssuerSpec>>> {
    Ok(Page::from(rooms.identity.issuers().await?).into())
}
