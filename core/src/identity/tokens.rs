//! Our own tokens: exchanged for keys, refreshed once each, introspected, revoked; and verification of everybody's. Owns
//! claims and refresh families. Source: `docs/wire/identity.md`, RFC 6749, RFC 7009, RFC 7662.

use std::sync::{Arc, atomic::AtomicU64};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    CredentialRow, IdentityConfig, IdentityService, Kind, Owner, Permissions, PermissionsBy, Revocation, Verified,
    api_keys::KeyPlace, issuers::Keys, jwt, keys, lineage::Lineage, parsed, unauthenticated,
};
use crate::{
    api::{AccessToken, Algorithm, CredentialKind, Introspection, Principal, PrincipalKind, TokenRequest, TokenSpec},
    clock::Now,
    entropy,
    error::{Error, ErrorKind, Result},
    scope::{OpaqueId, Scope},
};

/// The grant of a token that was exchanged for a key.
const API_KEY: &str = "api_key";
const REFRESH_PREFIX: &str = "tnt_rt";
/// The longest anything that rests on a refresh family, or comes from another issuer, is believed: 366 days.
const LONGEST_MICROS: i64 = 366 * 86_400 * 1_000_000;
/// Most ids a token may rest on.
const MAX_RESTS_ON: usize = 16;
/// Our own claim that names whose uids a token was made for: a deleted account's name may be another's tomorrow.
const PLACE: &str = "tnt_place";

/// What a token says of its bearer: everything but its own id and times.
#[derive(Clone, Serialize, Deserialize)]
struct Bearer {
    place: KeyPlace,
    kind: PrincipalKind,
    subject: String,
    roles: Vec<String>,
    scopes: Vec<String>,
    grant: String,
    /// Whether its roles count, since it was given no scopes.
    by_roles: bool,
    /// What it came from: it ends with any of that.
    lineage: Lineage,
    /// Who made the key.
    created_by: Option<String>,
    /// The first token of the chain.
    mission: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct RefreshBody {
    tag: String,
    family: String,
    used: bool,
    bearer: Bearer,
}

/// What an exchange did, for the audit.
pub struct Issued {
    /// The answer.
    pub token: AccessToken,
    /// The place it reaches.
    pub place: KeyPlace,
    /// Whose token it is.
    pub subject: String,
}

/// What became of a request to the token endpoint.
pub enum Exchange {
    /// A token.
    Issued(Box<Issued>),
    /// A refresh token came a second time, and its family has ended.
    Reused {
        /// The family.
        family: String,
        /// Whose it was.
        subject: String,
    },
}

/// A token that was ended, for the audit.
pub struct EndedToken {
    /// The place it reached.
    pub authority: crate::scope::Authority,
    /// What it was revoked by.
    pub id: String,
}

/// OAuth's own errors (RFC 6749, section 5.2).
fn invalid_grant(message: &str) -> Error {
    unauthenticated("grant_invalid", message)
}

impl IdentityService {
    /// Verifies a token: ours by our keys, another's by its issuer's entry.
    pub(super) async fn verify_token(&self, text: &str, now: Now) -> Result<Arc<Verified>> {
        let token = jwt::Token::parse(text)?;
        let config = self.config().await?;
        let named = token.issuer()?;
        let verified = if named == config.issuer {
            self.verify_own(&token, &config, now)?
        } else {
            if config.issuers.get(named).is_none() {
                config.trusts(|row| row.kind == Some(Kind::Issuer) && row.id == named)?;
            }
            let issuer = config.issuers.get(named).cloned().ok_or_else(|| config.issuers.unknown(named))?;
            if !issuer.spec.algorithms.contains(&token.algorithm()) {
                return Err(unauthenticated("token_algorithm_invalid", "the issuer's tokens are not signed this way"));
            }
            let key = match issuer.keys {
                Keys::Given(_) => issuer.given_key(token.kid(), token.algorithm())?,
                Keys::Published => {
                    let spec = &issuer.spec;
                    let fits = |key: &super::jwk::VerifyingKey| key.fits(token.algorithm());
                    self.key_sets.key(&spec.issuer, &spec.jwks_url, spec.private_network, token.kid(), fits).await?
                }
            };
            token.verify(&key)?;
            let expected = jwt::Expected {
                issuer: &issuer.spec.issuer,
                audience: &issuer.spec.audience,
                audience_claim: &issuer.spec.audience_claim,
                leeway_seconds: issuer.spec.leeway_seconds,
                now_micros: now.wall_micros,
            };
            let times = jwt::check(token.claims(), &expected)?;
            let believed = now.wall_micros.saturating_add(LONGEST_MICROS);
            let verified = issuer.bearer(token.claims(), times.ends_at)?;
            let (account, principal) = (verified.authority.account_id(), &verified.principal.id);
            if super::is_reserved(self.keys.pepper(), principal) {
                let message = "the token's subject is a name that only we give";
                return Err(unauthenticated("token_claims_invalid", message));
            }
            config.issuers.check_named(&issuer, account.map_or("", crate::scope::Id::as_str), principal)?;
            // No handle lives until the year 9999, whatever a token says.
            Verified { ends_at: verified.ends_at.min(believed), ..verified }
        };
        let verified = Arc::new(verified);
        self.check(&verified, now).await?;
        self.seen.put(text, &verified, now.steady_nanos);
        Ok(verified)
    }

    fn verify_own(&self, token: &jwt::Token<'_>, config: &IdentityConfig, now: Now) -> Result<Verified> {
        if token.algorithm() != Algorithm::ES256 {
            return Err(unauthenticated("token_algorithm_invalid", "our tokens are not signed this way"));
        }
        let key = token.kid().and_then(|kid| config.signing.by_kid(kid, now.wall_micros));
        if key.is_none() {
            config.trusts(|row| row.kind == Some(Kind::SigningKey))?;
        }
        let key = key.ok_or_else(|| unauthenticated("token_key_unknown", "no key of ours fits the token"))?;
        token.verify(&key)?;
        let audience = [config.issuer.clone()];
        let expected = jwt::Expected {
            issuer: &config.issuer,
            audience: &audience,
            audience_claim: "",
            leeway_seconds: 0,
            now_micros: now.wall_micros,
        };
        let times = jwt::check(token.claims(), &expected)?;
        let unreadable = || unauthenticated("token_claims_invalid", "the token is not one we issued");
        let claims = token.claims();
        let bearer: Bearer =
            claims.get(PLACE).cloned().and_then(|value| serde_json::from_value(value).ok()).ok_or_else(unreadable)?;
        let jti = claims.get("jti").and_then(Value::as_str).ok_or_else(unreadable)?;
        let principal = Principal { kind: bearer.kind, id: bearer.subject, roles: bearer.roles, scopes: bearer.scopes };
        Ok(Verified {
            credential: CredentialKind::Token,
            id: jti.to_owned(),
            issuer: config.issuer.clone(),
            issuer_version: 0,
            permissions_by: if bearer.by_roles { PermissionsBy::Roles } else { PermissionsBy::Scopes },
            principal,
            authority: bearer.place.authority(),
            ends_at: times.expires_at,
            presentable_until: times.expires_at,
            key: bearer.lineage.key.filter(|_| bearer.grant == API_KEY),
            ends_with: std::iter::once(jti.to_owned()).chain(bearer.lineage.ids).collect(),
            entry: bearer.lineage.entry,
            machine: false,
            seen: AtomicU64::default(),
        })
    }

    /// The place that what is to be exchanged reaches, asked before anything is used up.
    pub async fn exchanged_place(&self, request: &TokenRequest) -> Result<KeyPlace> {
        let place = match request.grant_type.as_str() {
            "api_key" if request.api_key.is_empty() => {
                return Err(Error::invalid("request_invalid", "`api_key` is missing"));
            }
            "api_key" => {
                let now = self.clock.now();
                let verified = self.verify_key(&request.api_key, now).await.map_err(|error| refused(&error))?;
                self.check(&verified, now).await.map_err(|error| refused(&error))?;
                self.key_place(&verified.id).await?
            }
            "refresh_token" => self.refresh_found(&request.refresh_token).await?.1.bearer.place,
            _ => {
                let message = "the grant type is neither `api_key` nor `refresh_token`";
                return Err(Error::invalid("grant_type_unsupported", message));
            }
        };
        confirm(&place, request)?;
        Ok(place)
    }

    /// The token endpoint: an access token for an API key, or the next pair for a refresh token.
    pub async fn exchange(&self, platform: &Scope, request: &TokenRequest) -> Result<Exchange> {
        match request.grant_type.as_str() {
            "api_key" => self.exchange_key(platform, request).await.map(Box::new).map(Exchange::Issued),
            "refresh_token" => self.refresh(platform, request).await,
            _ => {
                Err(Error::invalid("grant_type_unsupported", "the grant type is neither `api_key` nor `refresh_token`"))
            }
        }
    }

    async fn exchange_key(&self, platform: &Scope, request: &TokenRequest) -> Result<Issued> {
        let now = self.clock.now();
        let verified = self.verify_key(&request.api_key, now).await.map_err(|error| refused(&error))?;
        self.check(&verified, now).await.map_err(|error| refused(&error))?;
        let body = self.key_body(&verified.id).await?;
        confirm(&body.place, request)?;
        let lineage = Lineage::of(&verified);
        if self.has_ended(&lineage).await? {
            // It was rotated, and what it would give belongs to a successor that was revoked.
            return Err(invalid_grant("the API key is not, or no longer, taken"));
        }
        let bearer = Bearer {
            place: body.place,
            kind: verified.principal.kind,
            subject: verified.principal.id.clone(),
            roles: Vec::new(),
            scopes: narrowed(&verified.principal.scopes, &request.scope)?,
            grant: API_KEY.into(),
            by_roles: false,
            lineage,
            created_by: Some(body.created_by),
            mission: None,
        };
        self.access_token(platform, bearer, verified.ends_at).await
    }

    /// A token, and when asked for a refresh token, for somebody the caller vouches for.
    pub async fn issue(&self, platform: &Scope, scope: &Scope, owner: Owner<'_>, spec: &TokenSpec) -> Result<Issued> {
        let settings = self.settings().await?;
        let subject = OpaqueId::parse("subject", Some(&spec.subject))?
            .ok_or_else(|| Error::invalid("opaque_id_invalid", "subject is empty"))?;
        let agent_id = |id: &str| crate::scope::Id::parse("agent", id);
        if spec.kind == PrincipalKind::Agent {
            agent_id(subject.as_str())?;
        }
        if spec.roles.len() > 32 || spec.roles.iter().any(|role| role.is_empty() || role.len() > 128) {
            return Err(Error::invalid("roles_invalid", "at most 32 roles of up to 128 bytes"));
        }
        if super::is_reserved(self.keys.pepper(), subject.as_str()) {
            return Err(Error::invalid("opaque_id_invalid", "this subject is a name that only we give"));
        }
        let (scopes, mut lineage, ends_at) = match owner {
            Owner::Process | Owner::ProcessIn(_) => {
                (owner.narrowed(&spec.scopes, &settings.roles)?, Lineage::default(), i64::MAX)
            }
            Owner::Caller(own) => {
                // Policies read roles whatever the scopes are, so a role is no way around the issuer's own limits.
                let meant = Permissions::of(&[], &spec.roles, &settings.roles);
                let known = |role: &String| settings.roles.contains_key(role) || own.principal.roles.contains(role);
                if let Some(role) = spec.roles.iter().find(|role| !known(role)) {
                    return Err(Error::invalid("roles_invalid", format!("`{role}` is no role here")));
                }
                owner.narrowed(&meant.names(), &settings.roles).or_else(|error| match error.code() {
                    "scopes_required" => Ok(Vec::new()),
                    _ => Err(error),
                })?;
                let scopes = if spec.scopes.is_empty() && !meant.names().is_empty() {
                    meant.names()
                } else {
                    spec.scopes.clone()
                };
                (owner.narrowed(&scopes, &settings.roles)?, Lineage::of(own), own.ends_at)
            }
        };
        let family = if spec.refresh { Some(entropy::request_id()) } else { None };
        lineage.ids.extend(family.clone());
        if lineage.ids.len() > MAX_RESTS_ON {
            return Err(Error::invalid(
                "token_invalid",
                "tokens that issue tokens end somewhere: this chain is too long",
            ));
        }
        let bearer = Bearer {
            place: KeyPlace::of(scope),
            kind: spec.kind,
            subject: subject.as_str().to_owned(),
            roles: spec.roles.clone(),
            by_roles: scopes.is_empty(),
            scopes,
            grant: "authorization_code".into(),
            lineage,
            created_by: None,
            mission: None,
        };
        let mut issued = self.access_token(platform, bearer.clone(), ends_at).await?;
        if let Some(family) = family {
            let (row, text) =
                self.refresh_row(scope, family, Bearer { mission: Some(issued.token.jti.clone()), ..bearer }).await?;
            self.store.insert(vec![row], None).await?;
            issued.token.refresh_token = text;
        }
        Ok(issued)
    }

    async fn refresh_row(&self, scope: &Scope, family: String, bearer: Bearer) -> Result<(CredentialRow, String)> {
        let lifetime = i64::from(self.settings().await?.refresh_token_seconds) * 1_000_000;
        let fresh = keys::make(REFRESH_PREFIX, keys::IdOf::Refresh, self.keys.pepper())?;
        let body = RefreshBody { tag: data_encoding::HEXLOWER.encode(&fresh.tag), family, used: false, bearer };
        let ends_at = self.natural_end(&body.bearer.lineage).await?;
        let ends_at = self.clock.now().wall_micros.saturating_add(lifetime).min(ends_at);
        Ok((CredentialRow::new(Kind::Refresh, scope, fresh.id, super::json(&body)?, ends_at), fresh.text))
    }

    /// A refresh token works once. One that comes again was stolen, or its thief was: its whole family ends (RFC 9700,
    /// section 4.14.2).
    async fn refresh(&self, platform: &Scope, request: &TokenRequest) -> Result<Exchange> {
        let now = self.clock.now().wall_micros;
        let (row, mut body) = self.refresh_found(&request.refresh_token).await?;
        confirm(&body.bearer.place, request)?;
        let ends_at = self.natural_end(&body.bearer.lineage).await.map_err(|error| refused(&error))?;
        if row.ends_at.min(ends_at) <= now || self.has_ended(&body.bearer.lineage).await? {
            return Err(invalid_grant("the refresh token has ended"));
        }
        let scopes = narrowed(&body.bearer.scopes, &request.scope)?;
        let fresh = !std::mem::replace(&mut body.used, true);
        let bearer = Bearer { grant: "refresh_token".into(), ..body.bearer.clone() };
        let (mut next, text) = self.refresh_row(platform, body.family.clone(), bearer.clone()).await?;
        next.scope = row.scope;
        let changed = CredentialRow { body: super::json(&body)?, ..row };
        // Of two that come at once one wins; the other is a reuse like any.
        if !fresh || !self.store.replace(changed, vec![next]).await? {
            self.end_family(platform, &body.family).await?;
            return Ok(Exchange::Reused { family: body.family, subject: body.bearer.subject });
        }
        let mut issued = self.access_token(platform, Bearer { scopes, ..bearer }, ends_at).await?;
        issued.token.refresh_token = text;
        Ok(Exchange::Issued(Box::new(issued)))
    }

    async fn refresh_found(&self, text: &str) -> Result<(CredentialRow, RefreshBody)> {
        let unknown = || invalid_grant("the refresh token is not known here");
        let parts = keys::parse(text.trim())
            .filter(|parts| parts.is_ours(keys::IdOf::Refresh, self.keys.pepper()))
            .ok_or_else(unknown)?;
        let row = self.store.find(Kind::Refresh, parts.id).await?.ok_or_else(unknown)?;
        let body: RefreshBody = parsed(&row)?;
        let tag = data_encoding::HEXLOWER.decode(body.tag.as_bytes()).ok().and_then(|tag| tag.try_into().ok());
        if !tag.is_some_and(|tag| parts.proves(self.keys.pepper(), &tag)) {
            return Err(unknown());
        }
        Ok((row, body))
    }

    async fn end_family(&self, platform: &Scope, family: &str) -> Result<()> {
        let forget_at = self.clock.now().wall_micros.saturating_add(LONGEST_MICROS);
        self.end_id(platform, family, Revocation::now(forget_at)).await
    }

    async fn access_token(&self, platform: &Scope, bearer: Bearer, ends_at: i64) -> Result<Issued> {
        self.with_signing_key(platform).await?;
        let config = self.config().await?;
        let key = config.signing.current().ok_or_else(|| Error::internal("there is no signing key"))?;
        // Whole seconds, rounded down: public clients refuse an `iat` ahead of their own clock.
        let iat = self.clock.now().wall_micros.div_euclid(1_000_000);
        let exp =
            iat.saturating_add(i64::from(config.settings.access_token_seconds)).min(ends_at.div_euclid(1_000_000));
        if exp <= iat {
            return Err(invalid_grant("the credential is about to end"));
        }
        let jti = entropy::request_id();
        let claims = claims(&config, &bearer, &jti, iat, exp)?;
        let token = AccessToken {
            access_token: key.sign(&claims)?,
            token_type: "Bearer".into(),
            expires_in: u64::try_from(exp - iat).unwrap_or_default(),
            scope: bearer.scopes.join(" "),
            jti,
            iat,
            account_id: bearer.place.account_id(),
            project_id: bearer.place.project_id(),
            external_id: bearer.subject.clone(),
            user_id: bearer.created_by.clone().unwrap_or_default(),
            refresh_token: String::new(),
        };
        Ok(Issued { token, place: bearer.place, subject: bearer.subject })
    }

    /// What a token or key is, when it is good and `asking` may know of it.
    pub async fn introspected(&self, asking: Owner<'_>, text: &str) -> Result<Option<Arc<Verified>>> {
        match self.verify(text.trim()).await {
            Ok(verified) => Ok(Some(verified).filter(|verified| asking.sees(verified))),
            Err(error) if matches!(error.kind(), ErrorKind::Unauthenticated | ErrorKind::PermissionDenied) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What is told of a good one.
    pub async fn introspection(&self, verified: &Verified, text: &str) -> Result<Introspection> {
        let mut claims = match jwt::Token::parse(text.trim()) {
            Ok(token) => token.claims().to_map(),
            Err(_) => Map::new(),
        };
        claims.remove(PLACE);
        claims.remove("active");
        if claims.is_empty() {
            claims.insert("sub".into(), verified.principal.id.clone().into());
            claims.insert("jti".into(), verified.id.clone().into());
        }
        let identity = self.identity_of(verified).await?;
        if !identity.account_id.is_empty() {
            claims.insert("account_id".into(), identity.account_id.into());
        }
        if let [project] = identity.project_ids.as_slice() {
            claims.insert("project_id".into(), project.clone().into());
        }
        claims.insert("scope".into(), identity.scopes.join(" ").into());
        claims.insert("external_id".into(), verified.principal.id.clone().into());
        Ok(Introspection { active: true, claims })
    }

    /// Ends a token: one of ours or another issuer's by its id, a refresh token with its family. What is not known, or
    /// lies outside what `asking` reaches, is answered the same (RFC 7009). Returns the place it reached, for the audit.
    pub async fn revoke_token(&self, platform: &Scope, asking: Owner<'_>, text: &str) -> Result<Option<EndedToken>> {
        match self.refresh_found(text).await {
            Ok((_, body)) if asking.covers(&body.bearer.place) => {
                self.end_family(platform, &body.family).await?;
                return Ok(Some(EndedToken { authority: body.bearer.place.authority(), id: body.family }));
            }
            Ok(_) => return Ok(None),
            Err(error) if error.kind() == ErrorKind::Unauthenticated => {}
            Err(error) => return Err(error),
        }
        let verified = match self.verify(text.trim()).await {
            Ok(verified) if asking.sees(&verified) => verified,
            Ok(_) => return Ok(None),
            Err(error) if matches!(error.kind(), ErrorKind::Unauthenticated | ErrorKind::PermissionDenied) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        if verified.credential == CredentialKind::ApiKey {
            return Err(Error::invalid("token_invalid", "this is an API key").with_help("revoke it by its id"));
        }
        let Some(id) = verified.ends_with.first() else {
            return Err(Error::invalid("token_invalid", "the token has no `jti` to revoke it by"));
        };
        // What was issued on its strength may outlive it, and must not outlive the memory of this.
        let longest = self.clock.now().wall_micros.saturating_add(LONGEST_MICROS);
        let forget_at = verified.presentable_until.max(longest);
        self.end_id(platform, id, Revocation::now(forget_at)).await?;
        Ok(Some(EndedToken { authority: verified.authority.clone(), id: verified.id.clone() }))
    }
}

/// What was refused as a credential is refused as a grant: the reason stays ours.
fn refused(error: &Error) -> Error {
    if error.kind() == ErrorKind::Unauthenticated {
        invalid_grant("the API key is not, or no longer, taken")
    } else {
        error.clone()
    }
}

/// Body fields of public clients may confirm the credential's tenant; the literal `default` says nothing.
fn confirm(place: &KeyPlace, request: &TokenRequest) -> Result<()> {
    let agrees = |said: &str, own: String| matches!(said, "" | "default") || said == own;
    if agrees(&request.account_id, place.account_id()) && agrees(&request.project_id, place.project_id()) {
        return Ok(());
    }
    Err(crate::scope::outside())
}

/// The scopes asked for that the credential has, silently narrowed as OAuth does; all when none are asked for. A credential
/// without scopes has no bound over guard calls; whoever asks then gets what it asked, save what needs a grant of its own.
fn narrowed(own: &[String], asked: &str) -> Result<Vec<String>> {
    let asked: Vec<&str> = asked.split(' ').filter(|scope| !scope.is_empty()).collect();
    if asked.len() > 64 || asked.iter().any(|scope| scope.len() > 128) {
        return Err(Error::invalid("scopes_invalid", "at most 64 scopes of up to 128 bytes"));
    }
    if asked.is_empty() {
        return Ok(own.to_vec());
    }
    let rights = Permissions::of(own, &[], &std::collections::BTreeMap::new());
    let held = |scope: &&str| if own.is_empty() { scope.starts_with("tools:") } else { rights.hold(scope) };
    let kept: Vec<String> = asked.iter().copied().filter(held).map(str::to_owned).collect();
    if kept.is_empty() {
        return Err(Error::new(
            ErrorKind::PermissionDenied,
            "scope_refused",
            "the credential has none of the scopes asked for",
        ));
    }
    Ok(kept)
}

fn claims(config: &IdentityConfig, bearer: &Bearer, jti: &str, iat: i64, exp: i64) -> Result<Map<String, Value>> {
    let (account, project) = (bearer.place.account_id(), bearer.place.project_id());
    let agent = bearer.kind == PrincipalKind::Agent;
    let identity_type = if agent { "agent" } else { "service" };
    let sub = if agent {
        format!("spiffe://{}/{account}/{project}/agent/{}", config.settings.trust_domain, bearer.subject)
    } else {
        bearer.subject.clone()
    };
    let mut claims = Map::new();
    let mut put = |name: &str, value: Value| claims.insert(name.into(), value);
    put("iss", config.issuer.clone().into());
    put("sub", sub.into());
    put("aud", json!([config.issuer]));
    put("iat", iat.into());
    put("exp", exp.into());
    put("jti", jti.into());
    put("account_id", account.into());
    put("project_id", project.into());
    put("grant_type", bearer.grant.clone().into());
    put("mission_id", bearer.mission.as_deref().unwrap_or(jti).into());
    put("external_id", bearer.subject.clone().into());
    put("identity_type", identity_type.into());
    put("sub_type", if agent { "tool_agent" } else { "" }.into());
    put("trust_level", "first_party".into());
    put("status", "active".into());
    if !bearer.scopes.is_empty() {
        put("scopes", bearer.scopes.clone().into());
    }
    if let Some(role) = bearer.roles.first() {
        put("role", role.clone().into());
    }
    if let Some(creator) = &bearer.created_by {
        put("act", json!({ "sub": creator }));
    }
    let place = serde_json::to_value(bearer).map_err(|_| Error::internal("a token could not be written"))?;
    put(PLACE, place);
    Ok(claims)
}
