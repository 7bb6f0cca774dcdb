//! Identity: from a credential to exactly one tenant. Owns issuers, API keys, tokens, rights and cross-tenant grants; touches
//! ground, `store` and `net`.
//!
//! A credential is verified into a [`Verified`]: principal, [`Authority`](crate::scope::Authority), rights, and until when.
//! What is held on to is asked again each time ([`IdentityService::check`]), so that revoking ends it at once in this process
//! and within 100 ms in every other one that shares the data folder.

mod api_keys;
mod dev;
mod grants;
mod issuers;
pub mod jwk;
pub mod jwks;
pub mod jwt;
mod keys;
mod lineage;
mod naming;
mod permissions;
mod present;
mod revocation;
mod seen;
mod signing;
mod tokens;
mod verified;

use std::{
    collections::{HashMap, HashSet, hash_map::RandomState},
    hash::BuildHasher as _,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwapOption;
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};

pub use api_keys::{KeyPlace, Owner, unknown_key};
pub use dev::{dev_caller, pass_unknown_key};
use grants::Grants;
pub use grants::{CrossTenantAccess, FOREIGN};
use issuers::{Issuer, Keys};
use jwks::KeySets;
use keys::{KeyCache, Lookup};
use naming::Issuers;
pub use permissions::{CREDENTIALS, MANAGE, Permissions, READ, Roles, USERS, missing as missing_right, missing_scope};
pub use present::{ParsedCredentials, read as read_presented};
use revocation::{Revocation, merge, revocation_of};
use seen::SeenTokens;
use signing::SigningKeys;
pub use tokens::{EndedToken, Exchange, Issued};
use verified::PermissionsBy;
pub use verified::{PROCESS, Verified};

use crate::{
    api::{CredentialKind, Identity, IdentitySettings, IssuerReceipt, IssuerSpec},
    clock::{Clock, Now},
    entropy,
    error::{Error, ErrorKind, Result},
    keyring::{Keyring, Pepper, Sealer},
    net::Net,
    scope::Scope,
    store::{CredentialRow, CredentialRowKind as Kind, Credentials, NEVER, UntrustedRow, is_untrusted},
};

/// How often what has ended is forgotten, in microseconds.
const PURGE_EVERY: i64 = 60_000_000;
/// The name of the one row of settings.
const SETTINGS: &str = "settings";
/// Most issuers of an installation.
const MAX_ISSUERS: usize = 10_000;

#[derive(Serialize, Deserialize)]
struct IssuerBody {
    spec: IssuerSpec,
    /// Drawn with every change: what was verified by the entry before is verified anew.
    version: u64,
    /// Drawn by every `put`: what was issued on tokens that were taken by the entry before has ended.
    entry: u64,
}

/// Everything about identity that changes seldom, at one moment.
struct IdentityConfig {
    settings: IdentitySettings,
    /// The `iss` of our own tokens.
    issuer: String,
    issuers: Issuers,
    signing: SigningKeys,
    grants: Grants,
    /// Rows that do not prove themselves. What they let happen does not happen, and what they end is ended.
    untrusted: Vec<UntrustedRow>,
}

impl IdentityConfig {
    /// What whoever would read such a row is told.
    fn trusts(&self, would_read: impl Fn(&UntrustedRow) -> bool) -> Result<()> {
        self.untrusted.iter().find(|row| would_read(row)).map_or(Ok(()), |row| Err(row.error.clone()))
    }
}

/// The room. One per engine.
pub struct IdentityService {
    store: Arc<dyn Credentials>,
    clock: Arc<dyn Clock>,
    sealer: Sealer,
    key_id: String,
    key_sets: KeySets,
    config: ArcSwapOption<IdentityConfig>,
    loading: tokio::sync::Mutex<()>,
    /// Held while an issuer is put: of two at once each would be checked against a world without the other.
    putting: tokio::sync::Mutex<()>,
    keys: KeyCache,
    imported: RwLock<HashSet<String>>,
    seen: SeenTokens,
    /// Ids whose credentials are taken no more, or will not be soon.
    revoked: RwLock<HashMap<String, Revocation>>,
    /// Moves with every revocation and every change of the world.
    epoch: AtomicU64,
    seen_changes: AtomicU64,
    used_written: AtomicI64,
    purged_at: AtomicI64,
}

/// Every token has three parts, of which the first is the base64url of a JSON object.
fn looks_like_a_token(text: &str) -> bool {
    text.starts_with('e') && text.bytes().filter(|byte| *byte == b'.').count() == 2
}

fn unauthenticated(code: &'static str, message: &str) -> Error {
    Error::new(ErrorKind::Unauthenticated, code, message)
}

/// The answer to every key that is not taken, whatever the reason: a caller learns nothing from guessing.
fn key_refused() -> Error {
    unauthenticated("credential_unknown", "the credential is not known here")
        .with_help("check that it is whole and not revoked")
}

/// Names that the engine itself gives: no credential's subject may be one.
fn is_reserved(pepper: &Pepper, subject: &str) -> bool {
    subject == "process" || subject.starts_with(FOREIGN) || keys::is_id(pepper, subject)
}

fn no_such_issuer() -> Error {
    Error::not_found("issuer_not_found", "there is no such issuer")
}

fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|_| Error::internal("a credential could not be written"))
}

fn parsed<T: serde::de::DeserializeOwned>(row: &CredentialRow) -> Result<T> {
    serde_json::from_str(&row.body)
        .map_err(|error| Error::data("store_corrupt", "a stored credential cannot be read").with_source(error))
}

impl IdentityService {
    /// A room over its rows. Reads nothing before it is needed.
    pub fn new(store: Arc<dyn Credentials>, keyring: &Keyring, clock: Arc<dyn Clock>) -> Result<Self> {
        Ok(Self {
            sealer: keyring.sealer()?,
            key_id: keyring.id().to_owned(),
            key_sets: KeySets::new(Net::default(), Arc::clone(&clock)),
            config: ArcSwapOption::empty(),
            loading: tokio::sync::Mutex::default(),
            putting: tokio::sync::Mutex::default(),
            keys: KeyCache::new(keyring.pepper()?),
            imported: RwLock::default(),
            seen: SeenTokens::default(),
            revoked: RwLock::default(),
            // Two engines never share a number, so that a handle carried through a fork is checked anew. 0 is nobody's.
            epoch: AtomicU64::new(RandomState::new().hash_one(0_u8) | 1),
            seen_changes: AtomicU64::new(0),
            used_written: AtomicI64::new(0),
            purged_at: AtomicI64::new(0),
            store,
            clock,
        })
    }

    async fn config(&self) -> Result<Arc<IdentityConfig>> {
        if let Some(config) = self.config.load_full() {
            return Ok(config);
        }
        let _one = self.loading.lock().await;
        match self.config.load_full() {
            Some(config) => Ok(config),
            None => self.reload().await,
        }
    }

    /// Reads the world anew and lets everything that was verified before be asked again. The caller holds `loading`.
    async fn reload(&self) -> Result<Arc<IdentityConfig>> {
        // Before the rows are read: what changes meanwhile is then followed once more, and never missed. Later only the
        // follower moves on, since it alone looks at each change.
        if self.config.load().is_none() {
            self.seen_changes.store(self.store.changes(u64::MAX).await?.0, Ordering::Release);
        }
        let settings = match self.store.find(Kind::Settings, SETTINGS).await? {
            Some(row) => parsed(&row)?,
            None => IdentitySettings::default(),
        };
        let mut issuers = Issuers::default();
        for row in self.store.list(Kind::Issuer, None).await? {
            issuers.add(self.read_issuer(&row)?);
        }
        let signing = SigningKeys::read(self.store.list(Kind::SigningKey, None).await?, &self.sealer)?;
        let grants = Grants::read(&self.store.list(Kind::Grant, None).await?)?;
        let revoked = self.store.list(Kind::Revocation, None).await?;
        let imported = self.store.list(Kind::ImportedKey, None).await?;
        // Keys and refresh tokens are asked for one at a time, and there may be many.
        let untrusted = self.store.untrusted(&[Kind::Key, Kind::Refresh]).await?;
        let named =
            |wanted: Kind| untrusted.iter().filter(move |row| row.kind == Some(wanted)).map(|row| row.id.clone());
        *self.imported.write() = imported.into_iter().map(|row| row.id).chain(named(Kind::ImportedKey)).collect();
        {
            // What this process revoked stays, also what the store no longer needs to remember.
            let mut known = self.revoked.write();
            for row in revoked {
                let from = revocation_of(&row)?;
                merge(&mut known, row.id, from);
            }
            for id in named(Kind::Revocation) {
                merge(&mut known, id, Revocation::now(NEVER));
            }
        }
        let issuer = match settings.issuer.as_str() {
            "" => format!("urn:tenantry:{}", self.key_id),
            issuer => issuer.to_owned(),
        };
        let config = Arc::new(IdentityConfig { settings, issuer, issuers, signing, grants, untrusted });
        self.config.store(Some(Arc::clone(&config)));
        self.seen.clear();
        self.epoch.fetch_add(1, Ordering::AcqRel);
        Ok(config)
    }

    async fn changed(&self) -> Result<()> {
        let _one = self.loading.lock().await;
        let reloaded = self.reload().await;
        if reloaded.as_ref().is_err_and(is_untrusted) {
            // What was read before must not stand in for it.
            self.config.store(None);
            self.seen.clear();
            self.epoch.fetch_add(1, Ordering::AcqRel);
        }
        reloaded.map(drop)
    }

    fn read_issuer(&self, row: &CredentialRow) -> Result<Issuer> {
        let IssuerBody { mut spec, version, entry } = parsed(row)?;
        for secret in [&mut spec.secret, &mut spec.secret_base64] {
            if !secret.is_empty() {
                let opened = self.sealer.open(&row.id, secret)?;
                *secret = String::from_utf8(opened)
                    .map_err(|_| Error::data("store_corrupt", "a stored secret is not text"))?;
            }
        }
        Issuer::read(spec, version, entry)
    }

    /// Takes over what other processes changed, and writes down when keys were used. Called by the housekeeper.
    pub async fn follow_changes(&self) -> Result<()> {
        if self.config.load().is_none() {
            return Ok(());
        }
        let seen = self.seen_changes.load(Ordering::Acquire);
        let (newest, changed) = self.store.changes(seen).await?;
        let mut reload = false;
        if newest.saturating_sub(seen) != changed.len() as u64 {
            // Asleep for so long that changes were forgotten: everything is read anew.
            self.keys.clear();
            reload = true;
        }
        for (kind, id) in changed {
            match kind {
                Kind::Key | Kind::ImportedKey => {
                    self.keys.forget(&id);
                    if kind == Kind::ImportedKey {
                        self.imported.write().insert(id);
                    }
                }
                Kind::Revocation => match self.store.find(kind, &id).await {
                    Ok(Some(row)) => {
                        let ending = revocation_of(&row)?;
                        self.note_ending(id, ending);
                    }
                    Ok(None) => {}
                    Err(error) if is_untrusted(&error) => self.note_ending(id, Revocation::now(NEVER)),
                    Err(error) => return Err(error),
                },
                Kind::SigningKey | Kind::Grant | Kind::Issuer | Kind::Settings => reload = true,
                Kind::Refresh | Kind::Retired => {}
            }
        }
        if reload {
            self.changed().await?;
        }
        self.seen_changes.fetch_max(newest, Ordering::AcqRel);
        Ok(())
    }

    /// Writes down when keys were last used, and forgets what has ended. Called by the housekeeper, and at close.
    pub async fn flush(&self) -> Result<()> {
        let used = self.keys.used_since(self.used_written.load(Ordering::Acquire));
        if let Some(newest) = used.iter().map(|(_, at)| *at).max() {
            self.store.used(used).await?;
            self.used_written.fetch_max(newest, Ordering::AcqRel);
        }
        let now = self.clock.now().wall_micros;
        if now.saturating_sub(self.purged_at.swap(now, Ordering::AcqRel)) >= PURGE_EVERY {
            self.store.purge(now).await?;
            self.revoked.write().retain(|_, ending| ending.forget_at > now);
        }
        Ok(())
    }

    /// The settings in force.
    pub async fn settings(&self) -> Result<IdentitySettings> {
        Ok(self.config().await?.settings.clone())
    }

    /// Replaces the settings.
    pub async fn put_settings(&self, platform: &Scope, settings: &IdentitySettings) -> Result<()> {
        check_settings(settings)?;
        self.put(CredentialRow::new(Kind::Settings, platform, SETTINGS.into(), json(settings)?, NEVER)).await?;
        self.changed().await
    }

    async fn put(&self, mut row: CredentialRow) -> Result<()> {
        loop {
            match self.store.find(row.kind, &row.id).await? {
                None => match self.store.insert(vec![row.clone()], None).await {
                    Err(error) if error.code() == "credential_exists" => {}
                    other => return other,
                },
                Some(before) => {
                    row.version = before.version;
                    if self.store.replace(row.clone(), Vec::new()).await? {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Adds an issuer, replacing the entry of the same name. What it verified before is verified anew.
    pub async fn put_issuer(&self, platform: &Scope, spec: &IssuerSpec) -> Result<()> {
        let _one = self.putting.lock().await;
        let config = self.config().await?;
        let checked = Issuer::read(spec.clone(), 0, 0)?;
        issuers::check_claims(spec)?;
        if spec.issuer == config.issuer || verified::is_own_issuer(&spec.issuer) {
            return Err(Error::invalid("issuer_invalid", "this is the name of our own tokens"));
        }
        config.issuers.check_naming(spec)?;
        if config.issuers.len() >= MAX_ISSUERS && config.issuers.get(&spec.issuer).is_none() {
            return Err(Error::new(ErrorKind::QuotaExceeded, "issuers_exhausted", "at most 10,000 issuers"));
        }
        let mut kept = checked.spec;
        if !spec.secret.is_empty() {
            kept.secret = self.sealer.seal(&spec.issuer, spec.secret.as_bytes())?;
        }
        if !spec.secret_base64.is_empty() {
            kept.secret_base64 = self.sealer.seal(&spec.issuer, spec.secret_base64.as_bytes())?;
        }
        // Drawn, not counted: an entry that was removed and made again is another one to every handle of the first.
        let drawn = u64::from_be_bytes(entropy::bytes()?);
        let body = IssuerBody { spec: kept, version: drawn, entry: drawn };
        self.put(CredentialRow::new(Kind::Issuer, platform, spec.issuer.clone(), json(&body)?, NEVER)).await?;
        self.key_sets.forget(&spec.issuer);
        self.changed().await
    }

    /// Which keys verify an issuer's tokens, and why others do not; those that are published are fetched now.
    pub async fn check_issuer(&self, name: &str) -> Result<IssuerReceipt> {
        let config = self.config().await?;
        let issuer = config.issuers.get(name).ok_or_else(no_such_issuer)?;
        let spec = &issuer.spec;
        let mut receipt = IssuerReceipt { issuer: spec.issuer.clone(), ..IssuerReceipt::default() };
        let fetched;
        let set = match &issuer.keys {
            Keys::Given(set) => set,
            Keys::Published => {
                match self.key_sets.fetched(&spec.issuer, &spec.jwks_url, spec.private_network).await {
                    Ok(set) => fetched = set,
                    Err(error) => {
                        // Whoever mends it should not have to wait until it may be tried again.
                        self.key_sets.forget(&spec.issuer);
                        receipt.unreachable = error.to_string();
                        return Ok(receipt);
                    }
                }
                &*fetched
            }
        };
        receipt.keys = set.usable(&spec.algorithms);
        receipt.skipped = set.skipped(&spec.algorithms);
        Ok(receipt)
    }

    /// Removes an issuer; nothing it ever signed is taken any more.
    pub async fn remove_issuer(&self, issuer: &str) -> Result<()> {
        if !self.store.remove(Kind::Issuer, issuer).await? {
            return Err(no_such_issuer());
        }
        self.key_sets.forget(issuer);
        self.changed().await
    }

    /// All issuers by name, without secrets.
    pub async fn issuers(&self) -> Result<Vec<IssuerSpec>> {
        let config = self.config().await?;
        let mut specs: Vec<IssuerSpec> = config.issuers.all().map(|issuer| issuer.spec.clone()).collect();
        specs.sort_by(|a, b| a.issuer.cmp(&b.issuer));
        Ok(specs)
    }

    /// Verifies a token or key. A warm one costs one look and the check of its expiry and revocation.
    pub async fn verify(&self, text: &str) -> Result<Arc<Verified>> {
        let now = self.clock.now();
        if let Some(verified) = self.seen.get(text, now.steady_nanos) {
            self.check(&verified, now).await?;
            return Ok(verified);
        }
        let verified = if looks_like_a_token(text) {
            self.verify_token(text, now).await?
        } else {
            self.verify_key(text, now).await?
        };
        self.check(&verified, now).await?;
        Ok(verified)
    }

    /// Whether what was verified still holds: asked at every use.
    pub async fn check(&self, verified: &Verified, now: Now) -> Result<()> {
        if now.wall_micros >= verified.ends_at {
            return Err(unauthenticated("credential_expired", "the credential has expired"));
        }
        if verified.seen.load(Ordering::Acquire) == self.epoch.load(Ordering::Acquire) {
            return Ok(());
        }
        // Read before everything it stands for: what changes in between moves it on, and is met at the next use. A world
        // that has yet to be loaded moves it, too.
        self.config().await?;
        let epoch = self.epoch.load(Ordering::Acquire);
        let config = self.config().await?;
        let ends = {
            let revoked = self.revoked.read();
            match verified.credential {
                // A key ends when it is rotated; what came from it goes on with its successor.
                CredentialKind::ApiKey => revoked.get(&verified.id).map(|ending| ending.from),
                _ => verified.ends_with.iter().filter_map(|id| lineage::end_of(&revoked, id)).min(),
            }
        };
        if ends.is_some_and(|from| now.wall_micros >= from) {
            config.trusts(|row| row.kind == Some(Kind::Revocation) && verified.ends_with.contains(&row.id))?;
            return Err(unauthenticated("credential_revoked", "the credential was revoked"));
        }
        if verified.credential == CredentialKind::Jwt {
            let same = |issuer: &Arc<Issuer>| issuer.version == verified.issuer_version;
            if !config.issuers.get(&verified.issuer).is_some_and(same) {
                config.trusts(|row| row.kind == Some(Kind::Issuer) && row.id == verified.issuer)?;
                return Err(config.issuers.unknown(&verified.issuer));
            }
        }
        if let Some(entry) = verified.entry.as_ref().filter(|_| verified.credential == CredentialKind::Token)
            && config.issuers.get(&entry.issuer).is_none_or(|issuer| issuer.entry != entry.entry)
        {
            let message = "the issuer of the token this one was issued on is not, or no longer, trusted here";
            return Err(unauthenticated("issuer_unknown", message).with_help("sign in again"));
        }
        // One that is about to end is asked each time.
        if ends.is_none() {
            verified.seen.store(epoch, Ordering::Release);
        }
        Ok(())
    }

    /// A credential as callers see it.
    pub async fn identity_of(&self, verified: &Verified) -> Result<Identity> {
        Ok(verified.identity(&self.config().await?.settings.roles))
    }

    /// What a credential may do now: the table of roles may have changed since it was verified.
    pub async fn permissions_of(&self, verified: &Verified) -> Result<Permissions> {
        Ok(verified.permissions(&self.config().await?.settings.roles))
    }

    /// Names every row that does not prove itself.
    pub async fn untrusted(&self) -> Result<Vec<Error>> {
        Ok(self.store.untrusted(&[]).await?.into_iter().map(|row| row.error).collect())
    }

    fn note_ending(&self, id: String, ending: Revocation) {
        merge(&mut self.revoked.write(), id, ending);
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }

    /// Has nothing under `id` taken any more from a moment on, here at once and elsewhere within 100 ms.
    async fn end_id(&self, scope: &Scope, id: &str, ending: Revocation) -> Result<()> {
        loop {
            let known = self.store.find(Kind::Revocation, id).await?;
            let ending = match &known {
                Some(row) => ending.clone().and(revocation_of(row)?),
                None => ending.clone(),
            };
            let body = json(&ending.body())?;
            let row = CredentialRow::new(Kind::Revocation, scope, id.to_owned(), body, ending.forget_at);
            let written = match known {
                Some(known) => {
                    let row = CredentialRow { version: known.version, scope: known.scope, ..row };
                    self.store.replace(row, Vec::new()).await?
                }
                None => match self.store.insert(vec![row], None).await {
                    Err(error) if error.code() == "credential_exists" => false,
                    other => other.map(|()| true)?,
                },
            };
            if written {
                self.note_ending(id.to_owned(), ending);
                return Ok(());
            }
        }
    }

    /// Has an issuer no longer speak for an account that is gone, so that it does not speak for the next of that name, and
    /// the name never made up again by a token that still names it.
    pub async fn forget_account(&self, platform: &Scope, account: &str) -> Result<()> {
        let row = CredentialRow::new(Kind::Retired, platform, account.to_owned(), "{}".into(), NEVER);
        match self.store.insert(vec![row], None).await {
            Err(error) if error.code() == "credential_exists" => {}
            other => other?,
        }
        let rows = self.store.list(Kind::Issuer, None).await?;
        for row in rows {
            let IssuerBody { mut spec, entry, .. } = parsed(&row)?;
            let before = spec.accounts.len();
            spec.accounts.retain(|own| own != account);
            if spec.accounts.len() == before {
                continue;
            }
            if spec.accounts.is_empty() {
                self.store.remove(Kind::Issuer, &row.id).await?;
            } else {
                // The entry stays: what was issued on tokens of its other accounts is none of this account's.
                let body = IssuerBody { spec, version: u64::from_be_bytes(entropy::bytes()?), entry };
                if !self.store.replace(CredentialRow { body: json(&body)?, ..row }, Vec::new()).await? {
                    return Err(Error::conflict("issuer_changed", "an issuer of this account is being changed")
                        .with_help("delete the account again"));
                }
            }
            self.changed().await?;
        }
        Ok(())
    }

    /// Whether an account of this name was deleted.
    pub async fn is_retired(&self, account: &str) -> Result<bool> {
        Ok(self.store.find(Kind::Retired, account).await?.is_some())
    }
}

fn check_settings(settings: &IdentitySettings) -> Result<()> {
    let refuse = |message: &str| Err(Error::invalid("identity_settings_invalid", message));
    keys::check_prefix(&settings.key_prefix)?;
    let domain = settings.trust_domain.as_str();
    let of_domain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if domain.is_empty() || domain.len() > 255 || !domain.bytes().all(of_domain) {
        return refuse("`trust_domain` has 1 to 255 of letters, digits, `.`, `_` and `-`");
    }
    if settings.issuer.len() > 512 {
        return refuse("`issuer` has at most 512 bytes");
    }
    if !(60..=86_400).contains(&settings.access_token_seconds) {
        return refuse(
            "`access_token_seconds` is 60 to 86,400: what cannot be recalled everywhere at once must be short",
        );
    }
    if !(60..=366 * 86_400).contains(&settings.refresh_token_seconds) {
        return refuse("`refresh_token_seconds` is 60 seconds to 366 days");
    }
    if settings.max_keys == 0 || settings.max_keys > 100_000 {
        return refuse("`max_keys` is 1 to 100,000");
    }
    let scopes: usize = settings.roles.values().map(Vec::len).sum();
    if settings.roles.len() > 100 || scopes > 10_000 {
        return refuse("`roles` has at most 100 roles");
    }
    permissions::check_roles(&settings.roles)?;
    if settings.auto_provision.max_accounts > 1_000_000 {
        return refuse("`auto_provision.max_accounts` is at most 1,000,000");
    }
    settings.auto_provision.limits.iter().try_for_each(crate::api::LimitSpec::check)
}
