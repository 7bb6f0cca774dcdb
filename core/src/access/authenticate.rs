//! From what a caller presents to the one project it acts in: verify, select within the authority, and only then look the
//! tenant up. The one door through which headers come in; nothing else reads them.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Authenticated, Caller,
    crossing::enter_by_grant,
    provision::{DEV_ACCOUNT, auto_create, provision, refuse_successor, unknown},
    refuse_suspended,
};
use crate::{
    api::{CredentialKind, RequestCredentials},
    error::{Error, ErrorKind, Result},
    identity::{self, ParsedCredentials, Verified},
    rooms::Rooms,
    scope::{self, DEFAULT_PROJECT, Id},
    tenant::Instance,
};

/// Finds out who presents this, and in which project.
///
/// # Errors
/// `credential_missing`, `outside_authority`, and whatever keeps the credential from being taken.
pub async fn authenticate(rooms: &Arc<Rooms>, presented: &RequestCredentials) -> Result<(Arc<Instance>, Caller)> {
    rooms.start_background();
    let parsed = identity::read_presented(presented)?;
    let verified = verify_presented(rooms, &parsed).await?;
    resolve_tenant(rooms, verified, &parsed).await
}

/// Finds out who presents this, wherever its credential reaches.
///
/// # Errors
/// As [`authenticate`]; `outside_authority` for a machine, which acts in one project.
pub async fn sign_in(rooms: &Arc<Rooms>, presented: &RequestCredentials) -> Result<Caller> {
    rooms.start_background();
    let parsed = identity::read_presented(presented)?;
    let verified = verify_presented(rooms, &parsed).await?;
    if verified.machine {
        // On whose behalf, and in which tenant, is said with each request, and asked by `authenticate` alone.
        return Err(Error::new(
            ErrorKind::PermissionDenied,
            "outside_authority",
            "a machine's credential acts in one project, for somebody it names",
        ));
    }
    verified_caller(rooms, verified).await
}

/// The caller a verified credential stands for, within its own authority.
///
/// # Errors
/// Whatever keeps its roles from being read.
pub async fn verified_caller(rooms: &Rooms, verified: Arc<Verified>) -> Result<Caller> {
    Ok(own(rooms, verified).await?.into())
}

async fn own(rooms: &Rooms, verified: Arc<Verified>) -> Result<Authenticated> {
    let identity = rooms.identity.identity_of(&verified).await?;
    let principal = verified.principal.clone();
    Ok(Authenticated { verified, identity, principal, headers: BTreeMap::new(), crossing: None })
}

/// Verifies a credential on its own.
///
/// # Errors
/// Whatever keeps it from being taken.
pub async fn verify(rooms: &Arc<Rooms>, text: &str) -> Result<Arc<Verified>> {
    rooms.start_background();
    rooms.identity.verify(text).await
}

async fn verify_presented(rooms: &Rooms, parsed: &ParsedCredentials) -> Result<Arc<Verified>> {
    let missing = || {
        Error::new(ErrorKind::Unauthenticated, "credential_missing", "no credential is given")
            .with_help("send `Authorization: Bearer` or `X-API-Key`")
    };
    let Some(text) = &parsed.credential else {
        // Shannon's and AgentFlow's dev headers and variables; a credential that is sent is verified like any other.
        return if rooms.dev && parsed.local { dev(parsed) } else { Err(missing()) };
    };
    match rooms.identity.verify(text.as_str()).await {
        // A token says itself who it is; a key that nobody made is anybody's in dev mode.
        Err(error) if rooms.dev && parsed.local => {
            identity::pass_unknown_key(text.as_str(), error)?;
            dev(parsed)
        }
        other => other,
    }
}

async fn resolve_tenant(
    rooms: &Rooms,
    verified: Arc<Verified>,
    parsed: &ParsedCredentials,
) -> Result<(Arc<Instance>, Caller)> {
    if verified.machine && parsed.acting_for.is_none() {
        return Err(Error::invalid("machine_user_required", "a machine's request names whom it acts for")
            .with_help("send `snc-userid`"));
    }
    if verified.machine && parsed.machine_tenant.is_none() {
        return Err(Error::invalid("machine_tenant_required", "a machine's request confirms its tenant")
            .with_help("send `snc-tenant`"));
    }
    let mut caller = own(rooms, Arc::clone(&verified)).await?;
    if let (true, Some(person)) = (verified.machine, &parsed.acting_for) {
        caller.headers.insert("snc-userid".into(), person.as_str().to_owned());
    }
    let account = match (verified.authority.account_id(), &parsed.account) {
        (None, None) if rooms.dev && parsed.local => Id::parse("account", DEV_ACCOUNT)?,
        (None, None) => {
            return Err(Error::invalid("account_required", "the credential reaches every account; name one")
                .with_help("send `X-Account-ID`"));
        }
        (Some(own), Some(other)) if own != other => {
            // A machine confirms its tenant; it never leaves it.
            if verified.machine {
                return Err(scope::outside());
            }
            return Box::pin(enter_by_grant(rooms, caller, other, parsed.project.as_ref())).await;
        }
        (Some(own), _) => own.clone(),
        (None, Some(named)) => named.clone(),
    };
    let project = select_project(rooms, &verified, &account, parsed.project.as_ref()).await?;
    let instance = instance_of(rooms, &verified, &account, &project).await?;
    verified.authority.covers(instance.scope())?;
    refuse_suspended(rooms, &instance).await?;
    Ok((instance, caller.into()))
}

/// The project: what was asked for within reach, else `default`, else the only one.
async fn select_project(rooms: &Rooms, verified: &Verified, account: &Id, asked: Option<&Id>) -> Result<Id> {
    if let Some(project) = asked {
        verified.authority.check(account, project)?;
        return Ok(project.clone());
    }
    let mut held: Vec<Id> = verified.authority.project_ids().cloned().collect();
    if held.is_empty() {
        refuse_successor(rooms, verified, account).await?;
        held = match rooms.tenants.project_ids(account).await {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Ok(held) if !held.is_empty() => held,
            // Whether it may be made up is decided where it is looked up.
            _ => vec![Id::parse("project", DEFAULT_PROJECT)?],
        };
    }
    if let Some(default) = held.iter().find(|project| project.as_str() == DEFAULT_PROJECT) {
        return Ok(default.clone());
    }
    match held.as_slice() {
        [only] => Ok(only.clone()),
        _ => Err(Error::invalid("project_required", "the credential reaches several projects; name one")
            .with_help("send `X-Project-ID`")),
    }
}

async fn instance_of(rooms: &Rooms, verified: &Verified, account: &Id, project: &Id) -> Result<Arc<Instance>> {
    let error = match rooms.tenants.instance(account, project).await {
        Err(error) if error.kind() == ErrorKind::NotFound => error,
        other => return other,
    };
    match verified.credential {
        // In dev mode the platform's own key, too, has what it names made up.
        _ if rooms.dev && verified.authority.is_platform() => Box::pin(auto_create(rooms, account, project)).await?,
        CredentialKind::Dev => Box::pin(auto_create(rooms, account, project)).await?,
        CredentialKind::Jwt => Box::pin(provision(rooms, verified, account, project, error)).await?,
        // What we made a credential for existed then.
        CredentialKind::ApiKey | CredentialKind::Token => {
            refuse_successor(rooms, verified, account).await?;
            return Err(unknown(error));
        }
    }
    rooms.tenants.instance(account, project).await
}

/// Dev mode's caller, from headers or AgentFlow's variables.
fn dev(parsed: &ParsedCredentials) -> Result<Arc<Verified>> {
    let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    let account = match (&parsed.account, variable("DEV_TENANT_NAME")) {
        (Some(account), _) => account.clone(),
        (None, named) => Id::parse("account", named.as_deref().unwrap_or(DEV_ACCOUNT))?,
    };
    let project = parsed.project.clone().map_or_else(|| Id::parse("project", DEFAULT_PROJECT), Ok)?;
    let user = parsed.dev_user.as_ref().map(|user| user.as_str().to_owned());
    let user = user.or_else(|| variable("DEV_USER_ID")).unwrap_or_else(|| "dev".into());
    Ok(Arc::new(identity::dev_caller(account, project, &user)))
}
