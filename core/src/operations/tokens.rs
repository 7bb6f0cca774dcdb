//! Operations on our own tokens.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    Authorized, Done, Nothing,
    keys::{place, scope_for},
};
use crate::{
    access::refuse_suspended_scope,
    api::{AccessToken, Introspection, JsonObject, TokenRef, TokenRequest, TokenSpec},
    error::{Error, ErrorKind, Result},
    identity::{Exchange, KeyPlace, Verified},
    rooms::Rooms,
    scope::Scope,
};

/// Behind `tokens.exchange`: needs no authority, since what it is given is the credential.
pub async fn exchange(rooms: &Arc<Rooms>, _: &Authorized, request: TokenRequest) -> Result<Done<AccessToken>> {
    rooms.start_background();
    // First whether its tenant takes it: a refresh token that is used up for nothing would look stolen next time.
    let scope = open_scope(rooms, &rooms.identity.exchanged_place(&request).await?).await?;
    match rooms.identity.exchange(&rooms.tenants.platform(), &request).await? {
        Exchange::Issued(issued) => {
            let body = json!({ "jti": issued.token.jti, "grant": request.grant_type, "subject": issued.subject,
                "scope": issued.token.scope, "by": issued.subject });
            Ok(Done::from(issued.token).row(&scope, body))
        }
        Exchange::Reused { family, subject } => {
            // Nothing is given, and yet something was done.
            rooms.audit_event(&scope, "token.reuse", json!({ "family": family, "subject": subject })).await?;
            Err(Error::new(
                ErrorKind::Unauthenticated,
                "refresh_token_reused",
                "the refresh token was used before; its whole family is ended now",
            ))
        }
    }
}

/// The scope of a place that is still there and open: no token of another is given out.
async fn open_scope(rooms: &Rooms, place: &KeyPlace) -> Result<Scope> {
    let gone = |error: Error| {
        if error.kind() != ErrorKind::NotFound {
            return error;
        }
        Error::new(ErrorKind::Unauthenticated, "grant_invalid", "the tenant of this credential does not exist")
    };
    let scope = rooms.tenants.scope_of(&place.account_id(), &place.project_id()).await.map_err(gone)?;
    place.authority().covers(&scope)?;
    refuse_suspended_scope(rooms, &scope).await?;
    Ok(scope)
}

/// Behind `tokens.issue`.
pub async fn issue(rooms: &Arc<Rooms>, at: &Authorized, spec: TokenSpec) -> Result<Done<AccessToken>> {
    let scope = place(rooms, at, &spec.account_id, &spec.project_id).await?;
    let issued = rooms.identity.issue(&rooms.tenants.platform(), &scope, at.caller.owner(at.scope()), &spec).await?;
    let body = json!({ "jti": issued.token.jti, "grant": "issued", "subject": issued.subject,
        "scope": issued.token.scope });
    Ok(Done::from(issued.token).row(&scope, body))
}

/// Behind `tokens.introspect`.
pub async fn introspect(rooms: &Arc<Rooms>, at: &Authorized, input: TokenRef) -> Result<Done<Introspection>> {
    rooms.start_background();
    let text = &input.token;
    let Some(verified) = rooms.identity.introspected(at.caller.owner(at.scope()), text).await? else {
        return Ok(Introspection::default().into());
    };
    // A token of a tenant that is gone or closed opens nothing, so it is worth nothing.
    let worth = match own_scope(rooms, &verified).await {
        Ok(scope) => refuse_suspended_scope(rooms, &scope).await,
        Err(error) => Err(error),
    };
    match worth {
        Ok(()) => Ok(rooms.identity.introspection(&verified, text).await?.into()),
        Err(error) if matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Internal | ErrorKind::Data) => {
            Err(error)
        }
        Err(_) => Ok(Introspection::default().into()),
    }
}

/// The scope in whose audit something about a credential belongs, where it is still its own.
async fn own_scope(rooms: &Rooms, verified: &Verified) -> Result<Scope> {
    let scope = scope_for(rooms, &verified.authority).await?;
    if verified.authority.is_platform() || verified.authority.is_of(&scope) {
        Ok(scope)
    } else {
        Err(crate::scope::outside())
    }
}

/// Behind `tokens.revoke`.
pub async fn revoke(rooms: &Arc<Rooms>, at: &Authorized, input: TokenRef) -> Result<Done<()>> {
    rooms.start_background();
    let owner = at.caller.owner(at.scope());
    let ended = rooms.identity.revoke_token(&rooms.tenants.platform(), owner, &input.token).await?;
    let Some(ended) = ended else { return Ok(().into()) };
    let scope = match scope_for(rooms, &ended.authority).await {
        Ok(scope) => Some(scope),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    // A tenant that is gone has no chain to write to, and its successor's is none of this.
    let own = |scope: &Scope| ended.authority.is_platform() || ended.authority.is_of(scope);
    Ok(match scope.filter(own) {
        Some(scope) => Done::from(()).row(&scope, json!({ "token": ended.id })),
        None => ().into(),
    })
}

/// Behind `tokens.jwks`.
pub async fn jwks(rooms: &Arc<Rooms>, _: &Authorized, _: Nothing) -> Result<Done<JsonObject>> {
    match rooms.identity.published_keys(&rooms.tenants.platform()).await? {
        Value::Object(keys) => Ok(keys.into()),
        _ => Err(Error::internal("the key set is not an object")),
    }
}

/// Behind `tokens.rotate_signing_key`.
pub async fn rotate_signing_key(rooms: &Arc<Rooms>, _: &Authorized, _: Nothing) -> Result<Done<()>> {
    let platform = rooms.tenants.platform();
    rooms.identity.rotate_signing_key(&platform).await?;
    Ok(Done::from(()).row(&platform, json!({})))
}
