//! Issuers whose tokens are taken: what an entry must say, and how a verified token is read by it. Owns claim mapping and
//! the rule that an issuer speaks only for its own accounts; touches ground and `net`.

use std::sync::{Arc, atomic::AtomicU64};

use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD};
use serde_json::Value;

use super::{
    jwk::{Found, KeySet, VerifyingKey},
    jwks, jwt,
    lineage::IssuerEntry,
    verified::{PermissionsBy, Verified},
};
use crate::{
    api::{Algorithm, CredentialKind, Fields, IssuerSpec, Principal, PrincipalKind},
    error::{Error, ErrorKind, Result},
    net,
    scope::{Authority, Id, Named},
};

const MAX_LEEWAY_SECONDS: u32 = 300;
const MAX_LIST: usize = 1_000;
/// Most roles, scopes or projects one token may carry.
const MAX_CLAIM_LIST: usize = 256;
/// The longest entry of such a list, in bytes.
const MAX_CLAIM_TEXT: usize = 256;
/// How many keys a refusal names.
const MAX_NAMED: usize = 8;
/// For every account: must be written out.
pub const ANY: &str = "*";
/// Where scopes stand in the tokens of an issuer that does not say where: RFC 9068, Azure and Okta, Highflame.
const USUAL_SCOPES: [&str; 3] = ["scope", "scp", "scopes"];
const MAX_PATH: usize = 512;

/// Where an issuer's keys are.
pub enum Keys {
    /// Published, and fetched.
    Published,
    /// Given.
    Given(KeySet),
}

/// An entry that was checked, ready to verify by.
pub struct Issuer {
    /// The entry; without its secret.
    pub spec: IssuerSpec,
    /// Its keys.
    pub keys: Keys,
    /// Drawn with each change of the entry.
    pub version: u64,
    /// Drawn by each `put`.
    pub entry: u64,
    project: Option<Id>,
}

fn refuse(message: &str) -> Error {
    Error::invalid("issuer_invalid", message)
}

fn claims_refused(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unauthenticated, "token_claims_invalid", message)
}

/// Refuses paths to claims that find nothing in any token: another syntax's, or a pointer without its slash. An empty one is
/// not read.
pub fn check_claims(spec: &IssuerSpec) -> Result<()> {
    let claims = &spec.claims;
    let paths = [
        ("claims.account", &claims.account),
        ("claims.project", &claims.project),
        ("claims.roles", &claims.roles),
        ("claims.scopes", &claims.scopes),
        ("audience_claim", &spec.audience_claim),
    ];
    for (name, path) in paths {
        if !(path.is_empty() || path.len() <= MAX_PATH && (is_pointer(path) || is_claim_name(path))) {
            return Err(refuse(&format!("`{name}` is neither a claim's name nor a JSON pointer (RFC 6901)"))
                .with_help(
                    "a pointer starts with `/`, e.g. `/realm_access/roles`; write a name with dots so, too, with `~1` for `/`",
                ));
        }
    }
    Ok(())
}

/// RFC 6901, section 3.
fn is_pointer(path: &str) -> bool {
    path.starts_with('/') && path.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']))
}

/// A name of letters, digits, `_`, `-` and `:`, or a URL. With a dot or a slash it could as well be a path in another syntax.
fn is_claim_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b':');
    let url = name.split_once("://").is_some_and(|(scheme, rest)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
            && !rest.is_empty()
            && rest.bytes().all(|byte| byte.is_ascii_graphic())
    });
    url || (!name.is_empty() && name.bytes().all(plain))
}

impl Issuer {
    /// Checks an entry, so that nothing about it is left to be found out at the first call.
    pub fn read(mut spec: IssuerSpec, version: u64, entry: u64) -> Result<Self> {
        let text = |text: &str| !text.is_empty() && text.len() <= 512;
        if !text(&spec.issuer) {
            return Err(refuse("an issuer has the exact `iss` of its tokens, up to 512 bytes"));
        }
        if spec.audience.is_empty() || spec.audience.len() > MAX_LIST || !spec.audience.iter().all(|name| text(name)) {
            return Err(refuse("`audience` names at least one audience; a token for somebody else is never taken"));
        }
        if spec.accounts.is_empty() || spec.accounts.len() > MAX_LIST {
            return Err(
                refuse("`accounts` names the accounts the issuer speaks for").with_help("use `*` for every account")
            );
        }
        for account in spec.accounts.iter().filter(|account| *account != ANY) {
            Id::parse("account", account)?;
        }
        if spec.leeway_seconds > MAX_LEEWAY_SECONDS {
            return Err(refuse("`leeway_seconds` is at most 300"));
        }
        let project = match spec.project.as_str() {
            "" => None,
            project if spec.accounts.len() == 1 && spec.accounts.first().is_some_and(|account| account != ANY) => {
                Some(Id::parse("project", project)?)
            }
            _ => return Err(refuse("`project` is for an issuer of exactly one account")),
        };
        let shared = [!spec.secret.is_empty(), !spec.secret_base64.is_empty()];
        let sources = [!spec.jwks_url.is_empty(), !spec.jwks.is_empty()].into_iter().chain(shared);
        if sources.filter(|given| *given).count() != 1 {
            return Err(refuse("exactly one of `jwks_url`, `jwks`, `secret` and `secret_base64` is given"));
        }
        let shared = shared.contains(&true);
        // A secret and public keys side by side are how a public key comes to be used as a secret.
        let symmetric = spec.algorithms.contains(&Algorithm::HS256);
        if spec.algorithms.is_empty() || (symmetric && spec.algorithms.len() > 1) || symmetric != shared {
            return Err(refuse("`algorithms` names those taken: `HS256` alone for a `secret`, never for public keys"));
        }
        if !spec.jwks_url.is_empty() {
            net::check_url(&spec.jwks_url, spec.private_network)?;
        }
        let keys = if shared {
            Keys::Given(KeySet::of_secret(VerifyingKey::from_secret(&secret(&spec)?)?))
        } else if spec.jwks.is_empty() {
            Keys::Published
        } else {
            let keys = KeySet::read(&spec.jwks)?;
            if keys.usable(&spec.algorithms).is_empty() {
                return Err(refuse(&format!("no key in `jwks` can be used: {}", reasons(&keys, &spec.algorithms))));
            }
            Keys::Given(keys)
        };
        spec.secret.clear();
        spec.secret_base64.clear();
        Ok(Self { spec, keys, version, entry, project })
    }

    /// A key that was given, by the kid of a token; without a kid the only one that fits.
    pub fn given_key(&self, kid: Option<&str>, algorithm: Algorithm) -> Result<Arc<VerifyingKey>> {
        let Keys::Given(keys) = &self.keys else { return Err(Error::internal("these keys are fetched")) };
        match keys.find_given(kid, &|key| key.fits(algorithm)) {
            Found::Key(key) => Ok(key),
            Found::Many => Err(jwks::ambiguous()),
            Found::None => {
                Err(Error::new(ErrorKind::Unauthenticated, "token_key_unknown", "no key of the issuer fits the token"))
            }
        }
    }

    /// What a token of this issuer, whose signature and times hold, says of its bearer.
    pub fn bearer(&self, claims: &Fields, ends_at: i64) -> Result<Verified> {
        let at = |path: &str| jwt::string_at(claims, path);
        let text = |path: &str| at(path).and_then(Value::as_str);
        let subject = text("sub").ok_or_else(|| claims_refused("the token names no subject"))?;
        let authority = self.authority(at(&self.spec.claims.account), at(&self.spec.claims.project))?;
        let roles = list(at(&self.spec.claims.roles), "roles")?;
        let (scopes, permissions_by) = self.scopes(claims)?;
        let jti = text("jti").unwrap_or_default();
        let agent = text("identity_type") == Some("agent");
        let principal = Principal {
            kind: if agent { PrincipalKind::Agent } else { PrincipalKind::User },
            id: format!("{}{}", self.spec.principal_prefix, text("external_id").filter(|_| agent).unwrap_or(subject)),
            roles,
            scopes,
        };
        principal.check().map_err(|error| {
            claims_refused(format!("the token's subject cannot be a principal: {}", error.message()))
        })?;
        Ok(Verified {
            credential: CredentialKind::Jwt,
            id: jti.to_owned(),
            issuer: self.spec.issuer.clone(),
            issuer_version: self.version,
            permissions_by,
            principal,
            authority,
            ends_at,
            presentable_until: ends_at,
            ends_with: if jti.is_empty() { Vec::new() } else { vec![revocation_id(&self.spec.issuer, jti)] },
            entry: Some(IssuerEntry { issuer: self.spec.issuer.clone(), entry: self.entry }),
            key: None,
            // Auth0's marks of a token that no person stands behind.
            machine: text("gty") == Some("client-credentials") || subject.ends_with("@clients"),
            seen: AtomicU64::default(),
        })
    }

    /// The scopes of a token, and whether they or its roles say what it may do. A claim that is there and empty gives none;
    /// so does one that the entry names and the token lacks. Only where neither says anything of scopes do roles speak.
    fn scopes(&self, claims: &Fields) -> Result<(Vec<String>, PermissionsBy)> {
        let stated = self.spec.claims.scopes.as_str();
        if !stated.is_empty() {
            return Ok((scope_list(jwt::string_at(claims, stated))?, PermissionsBy::Scopes));
        }
        let mut scopes = Vec::new();
        let mut permissions_by = PermissionsBy::Roles;
        for value in USUAL_SCOPES.iter().filter_map(|name| claims.get(name)) {
            permissions_by = PermissionsBy::Scopes;
            for scope in scope_list(Some(value))? {
                if !scopes.contains(&scope) {
                    scopes.push(scope);
                }
            }
        }
        Ok((scopes, permissions_by))
    }

    fn authority(&self, account: Option<&Value>, project: Option<&Value>) -> Result<Authority> {
        if let (Some(project), [account]) = (&self.project, self.spec.accounts.as_slice()) {
            let account = Named { id: Id::parse("account", account)?, uid: None };
            return Ok(Authority::projects(account, vec![Named { id: project.clone(), uid: None }]));
        }
        let claim = &self.spec.claims.account;
        let account =
            account.ok_or_else(|| claims_refused(format!("the token names no account: it has no `{claim}`")))?;
        let account = account
            .as_str()
            .ok_or_else(|| claims_refused(format!("the token names no account: its `{claim}` is no text")))?;
        if account.is_empty() {
            return Err(claims_refused(format!("the token names no account: its `{claim}` is empty")));
        }
        let account = Id::parse("account", account)
            .map_err(|_| claims_refused(format!("the token's account, its `{claim}`, is no account id")))?;
        if !self.spec.accounts.iter().any(|own| own == ANY || own == account.as_str()) {
            return Err(Error::new(
                ErrorKind::PermissionDenied,
                "issuer_not_for_account",
                "this issuer does not speak for the account its token names",
            ));
        }
        let account = Named { id: account, uid: None };
        let projects = match project {
            None => Vec::new(),
            Some(value) => list(Some(value), "projects")?,
        };
        let named = |id: &String| {
            Id::parse("project", id)
                .map(|id| Named { id, uid: None })
                .map_err(|_| claims_refused("the token's project is no project id"))
        };
        // A claim that is there and names nothing must not read as "all of them".
        match (project, projects.is_empty()) {
            (None, _) => Ok(Authority::account(account)),
            (Some(_), true) => Err(claims_refused("the token's project is empty")),
            (Some(_), false) => Ok(Authority::projects(account, projects.iter().map(named).collect::<Result<_>>()?)),
        }
    }
}

/// Under which id a token of another issuer is revoked.
#[must_use]
pub fn revocation_id(issuer: &str, jti: &str) -> String {
    let mut bytes = Vec::with_capacity(issuer.len() + jti.len() + 4);
    bytes.extend_from_slice(&u32::try_from(issuer.len()).unwrap_or(u32::MAX).to_be_bytes());
    bytes.extend_from_slice(issuer.as_bytes());
    bytes.extend_from_slice(jti.as_bytes());
    data_encoding::HEXLOWER.encode(ring::digest::digest(&ring::digest::SHA256, &bytes).as_ref())
}

/// Scopes: a list of strings, or one string with spaces between (RFC 6749, section 3.3).
fn scope_list(value: Option<&Value>) -> Result<Vec<String>> {
    let Some(Value::String(text)) = value else { return list(value, "scopes") };
    let parts = text.split(' ').filter(|part| !part.is_empty());
    list(Some(&Value::Array(parts.map(Value::from).collect())), "scopes")
}

/// A list of strings. One string is a list of one, whatever is in it: `billing admin` is no admin.
fn list(value: Option<&Value>, what: &str) -> Result<Vec<String>> {
    let items = match value {
        None => return Ok(Vec::new()),
        Some(Value::String(text)) if text.is_empty() => return Ok(Vec::new()),
        Some(Value::Array(items)) => items.as_slice(),
        Some(text @ Value::String(_)) => std::slice::from_ref(text),
        Some(_) => {
            return Err(claims_refused(format!("the token's {what} are neither a text nor a list of texts")));
        }
    };
    if items.len() > MAX_CLAIM_LIST {
        let message = format!("the token has {} {what}; at most {MAX_CLAIM_LIST} are taken", items.len());
        return Err(claims_refused(message)
            .with_help("have the issuer put fewer into its tokens, or map them to another claim"));
    }
    let read = |(place, item): (usize, &Value)| {
        let wrong = |reason: String| claims_refused(format!("entry {} of the token's {what} {reason}", place + 1));
        match item.as_str() {
            None => Err(wrong("is no text".into())),
            Some("") => Err(wrong("is empty".into())),
            Some(text) if text.len() > MAX_CLAIM_TEXT => {
                Err(wrong(format!("is {} bytes long; at most {MAX_CLAIM_TEXT} are taken", text.len())))
            }
            Some(text) => Ok(text.to_owned()),
        }
    };
    items.iter().enumerate().map(read).collect()
}

/// The bytes of the secret an entry gives.
fn secret(spec: &IssuerSpec) -> Result<Vec<u8>> {
    let bytes = match spec.secret_base64.trim() {
        "" => spec.secret.clone().into_bytes(),
        text => {
            let bare = text.trim_end_matches('=').as_bytes();
            let decoded = BASE64_NOPAD.decode(bare).or_else(|_| BASE64URL_NOPAD.decode(bare));
            decoded.map_err(|_| refuse("`secret_base64` is neither base64 nor base64url"))?
        }
    };
    // In PEM, or the same without its frame: what RSA and EC keys are called in there (RFC 3279).
    let marks: [&[u8]; 3] = [b"-----BEGIN", b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", b"\x2a\x86\x48\xce\x3d\x02\x01"];
    if marks.iter().any(|mark| bytes.windows(mark.len()).any(|window| window == *mark)) {
        return Err(refuse("`secret` is a public key; a token that anybody can sign proves nothing"));
    }
    Ok(bytes)
}

/// Why none of the keys of a set verifies tokens, in one line.
fn reasons(keys: &KeySet, algorithms: &[Algorithm]) -> String {
    let skipped = keys.skipped(algorithms);
    let mut told = skipped.iter().take(MAX_NAMED).map(String::as_str).collect::<Vec<_>>().join("; ");
    if skipped.is_empty() {
        told = "it is empty".into();
    } else if skipped.len() > MAX_NAMED {
        told.push_str(&format!("; and {} more", skipped.len() - MAX_NAMED));
    }
    told
}
