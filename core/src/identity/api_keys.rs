//! API keys as operations: made, listed, rotated, revoked, verified. Owns what is kept of a key.

use std::sync::{Arc, atomic::AtomicI64, atomic::AtomicU64, atomic::Ordering};

use serde::{Deserialize, Serialize};

use super::{
    CredentialRow, IdentityService, Kind, Lookup, NEVER, PermissionsBy, Revocation, Verified, is_reserved, json,
    key_refused, keys,
    keys::{CachedKey, IdOf},
    parsed,
    permissions::{Roles, check_known, is_well_formed, missing},
};
use crate::{
    api::{ApiKey, CredentialKind, KeySpec, KeyState, NewApiKey, Principal, PrincipalKind},
    clock::{Now, rfc3339},
    error::{Error, Result},
    scope::{Authority, Id, Named, OpaqueId, Scope, Uid},
};

/// Longest lifetime of a key: ten years.
const MAX_SECONDS: u64 = 10 * 366 * 86_400;
const MAX_SCOPES: usize = 64;
/// Longest overlap of a rotation, in seconds: a key and its successor must not become a way around the cap.
const MAX_OVERLAP: u64 = 90 * 86_400;

/// How the names of scopes begin that bound guard calls and open nothing else.
const GUARDING: &str = "tools:";

/// Who makes a credential: nothing it makes may reach further than it does itself.
#[derive(Clone, Copy)]
pub enum Owner<'a> {
    /// The process that owns the engine.
    Process,
    /// The process, in one project it has named.
    ProcessIn(&'a Scope),
    /// A caller with a credential.
    Caller(&'a Verified),
}

impl Owner<'_> {
    /// Refuses a caller that does not reach `scope`.
    pub fn reaches(&self, scope: &Scope) -> Result<()> {
        match self {
            Self::Process => Ok(()),
            Self::ProcessIn(own) if *own == scope => Ok(()),
            Self::ProcessIn(_) => Err(crate::scope::outside()),
            Self::Caller(verified) => verified.authority.covers(scope),
        }
    }

    /// The scopes a new credential gets: those asked for, none wider than the owner's. No scopes at all would mean no bound
    /// over guard calls, so an owner that has one must say which.
    pub fn narrowed(&self, asked: &[String], table: &Roles) -> Result<Vec<String>> {
        if asked.len() > MAX_SCOPES || asked.iter().any(|scope| !is_well_formed(scope)) {
            return Err(Error::invalid("scopes_invalid", "at most 64 scopes of up to 128 printable ASCII characters"));
        }
        let held = match self {
            Self::Caller(verified) => verified.principal.scopes.as_slice(),
            Self::Process | Self::ProcessIn(_) => &[],
        };
        check_known(asked, table, held)?;
        if let Self::Caller(verified) = self {
            let own = verified.permissions(table);
            if asked.is_empty() && !verified.principal.scopes.is_empty() {
                return Err(Error::invalid(
                    "scopes_required",
                    "name the scopes; yours are limited, and so are those you give",
                ));
            }
            if let Some(wider) = asked.iter().find(|scope| !own.hold(scope)) {
                return Err(missing(wider));
            }
        }
        Ok(asked.to_vec())
    }

    /// Whether a credential lies within what this caller reaches.
    #[must_use]
    pub fn sees(&self, other: &Verified) -> bool {
        match self {
            Self::Process => true,
            Self::ProcessIn(own) => lies_in(&other.authority, own),
            Self::Caller(own) => own.is(other) || own.authority.encloses(&other.authority),
        }
    }

    pub(super) fn covers(&self, place: &KeyPlace) -> bool {
        match self {
            Self::Process => true,
            Self::ProcessIn(own) => lies_in(&place.authority(), own),
            Self::Caller(own) => own.authority.encloses(&place.authority()),
        }
    }

    /// Its name in records.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Process | Self::ProcessIn(_) => "process".into(),
            Self::Caller(verified) => verified.principal.id.clone(),
        }
    }
}

/// Whether an authority reaches this one project and nothing else.
fn lies_in(authority: &Authority, scope: &Scope) -> bool {
    authority.only().is_some() && authority.covers(scope).is_ok()
}

/// Where a key reaches, as the registry named it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPlace {
    account: Option<Place>,
    project: Option<Place>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    id: Id,
    uid: Uid,
}

impl KeyPlace {
    /// The place of a scope.
    #[must_use]
    pub fn of(scope: &Scope) -> Self {
        let account = scope.account_id().map(|id| Place { id: id.clone(), uid: scope.account_uid() });
        let project = scope.project_id().map(|id| Place { id: id.clone(), uid: scope.uid() });
        Self { account, project }
    }

    /// The authority over exactly this.
    #[must_use]
    pub fn authority(&self) -> Authority {
        let named = |place: &Place| Named { id: place.id.clone(), uid: Some(place.uid) };
        match (&self.account, &self.project) {
            (None, _) => Authority::everything(),
            (Some(account), None) => Authority::account(named(account)),
            (Some(account), Some(project)) => Authority::projects(named(account), vec![named(project)]),
        }
    }

    /// The account's id, or `""`.
    #[must_use]
    pub fn account_id(&self) -> String {
        self.account.as_ref().map(|place| place.id.to_string()).unwrap_or_default()
    }

    /// The project's id, or `""`.
    #[must_use]
    pub fn project_id(&self) -> String {
        self.project.as_ref().map(|place| place.id.to_string()).unwrap_or_default()
    }
}

/// What is kept of a key.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct KeyBody {
    name: String,
    shown: String,
    pub(super) place: KeyPlace,
    scopes: Vec<String>,
    kind: PrincipalKind,
    pub(super) subject: String,
    pub(super) created_by: String,
    created_at: i64,
    pub(super) expires_at: Option<i64>,
    revoked_at: Option<i64>,
    pub(super) replaced_by: Option<String>,
    /// Until when the key it replaces is taken.
    predecessor_ends_at: Option<i64>,
    tag: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    environment: String,
}

impl KeyBody {
    fn record(&self, id: &str, used_at: i64, now: i64) -> ApiKey {
        let expired = self.expires_at.is_some_and(|at| at <= now);
        let state = match (self.revoked_at, expired) {
            (Some(_), _) => KeyState::Revoked,
            (None, true) => KeyState::Expired,
            (None, false) => KeyState::Active,
        };
        ApiKey {
            id: id.to_owned(),
            name: self.name.clone(),
            key_prefix: self.shown.clone(),
            account_id: self.place.account_id(),
            project_id: self.place.project_id(),
            state,
            scopes: self.scopes.clone(),
            kind: self.kind,
            subject: self.subject.clone(),
            created_by: self.created_by.clone(),
            created_at: rfc3339(self.created_at),
            expires_at: self.expires_at.map(rfc3339),
            last_used_at: (used_at > 0).then(|| rfc3339(used_at)),
            replaced_by: self.replaced_by.clone(),
            description: self.description.clone(),
            environment: self.environment.clone(),
        }
    }

    fn known(&self, id: &str, used_at: i64) -> Result<CachedKey> {
        let tag = data_encoding::HEXLOWER
            .decode(self.tag.as_bytes())
            .ok()
            .and_then(|tag| tag.try_into().ok())
            .ok_or_else(|| Error::data("store_corrupt", "a stored key cannot be read"))?;
        let principal =
            Principal { kind: self.kind, id: self.subject.clone(), roles: Vec::new(), scopes: self.scopes.clone() };
        let verified = Verified {
            credential: CredentialKind::ApiKey,
            id: id.to_owned(),
            issuer: String::new(),
            issuer_version: 0,
            permissions_by: PermissionsBy::Scopes,
            principal,
            authority: self.place.authority(),
            ends_at: self.expires_at.unwrap_or(NEVER),
            presentable_until: NEVER,
            ends_with: vec![id.to_owned()],
            entry: None,
            key: None,
            machine: false,
            seen: AtomicU64::default(),
        };
        Ok(CachedKey { id: id.to_owned(), tag, verified: Arc::new(verified), used_at: AtomicI64::new(used_at) })
    }
}

fn after(now: i64, seconds: u64) -> i64 {
    now.saturating_add(i64::try_from(seconds.saturating_mul(1_000_000)).unwrap_or(NEVER))
}

/// The answer for a key that is not here, wherever it is.
#[must_use]
pub fn unknown_key() -> Error {
    Error::not_found("key_not_found", "there is no such key here")
}

fn kind_of(id: &str) -> Kind {
    if id.starts_with("imported") { Kind::ImportedKey } else { Kind::Key }
}

impl IdentityService {
    /// Makes a key for `place`, or imports one by its hash. Shown once.
    pub async fn create_key(&self, owner: Owner<'_>, scope: &Scope, spec: &KeySpec) -> Result<NewApiKey> {
        let settings = self.settings().await?;
        let now = self.clock.now().wall_micros;
        if spec.name.len() > 128 || spec.expires_in_seconds > MAX_SECONDS {
            return Err(Error::invalid(
                "key_invalid",
                "a key's name has at most 128 bytes, and it lives at most ten years",
            ));
        }
        if spec.description.len() > 1_024 || spec.environment.len() > 64 {
            return Err(Error::invalid(
                "key_invalid",
                "a key's description has at most 1,024 bytes, and its environment 64",
            ));
        }
        let subject = OpaqueId::parse("subject", Some(&spec.subject))?;
        if is_reserved(self.keys.pepper(), &spec.subject) {
            return Err(Error::invalid("key_invalid", "this subject is a name that only we give"));
        }
        if spec.kind == PrincipalKind::Agent
            && subject.as_ref().is_some_and(|subject| Id::parse("agent", subject.as_str()).is_err())
        {
            // It becomes a segment of the agent's SPIFFE id.
            return Err(Error::invalid("key_invalid", "an agent's id is made of letters, digits, `.`, `_` and `-`"));
        }
        let scopes = self.given(owner, &spec.scopes, &settings.roles).await?;
        let pepper = self.keys.pepper();
        let (text, id, tag) = if spec.import_sha256.is_empty() {
            let prefix = if spec.prefix.is_empty() { &settings.key_prefix } else { &spec.prefix };
            keys::check_prefix(prefix)?;
            let fresh = keys::make(prefix, IdOf::Key, pepper)?;
            (fresh.text, fresh.id, fresh.tag)
        } else {
            if !spec.prefix.is_empty() {
                keys::check_prefix(&spec.prefix)?;
            }
            let digest = spec.import_sha256.to_ascii_lowercase();
            if data_encoding::HEXLOWER.decode(digest.as_bytes()).map(|bytes| bytes.len()) != Ok(32) {
                return Err(Error::invalid("key_invalid", "`import_sha256` is not 64 hexadecimal digits"));
            }
            (String::new(), keys::import_id(pepper, &digest), pepper.tag(digest.as_bytes()))
        };
        let body = KeyBody {
            name: spec.name.clone(),
            shown: if text.is_empty() { spec.prefix.clone() } else { keys::shown(&text) },
            place: KeyPlace::of(scope),
            scopes,
            kind: spec.kind,
            subject: subject.map_or_else(|| id.clone(), |subject| subject.as_str().to_owned()),
            created_by: owner.name(),
            created_at: now,
            expires_at: (spec.expires_in_seconds > 0).then(|| after(now, spec.expires_in_seconds)),
            revoked_at: None,
            replaced_by: None,
            predecessor_ends_at: None,
            tag: data_encoding::HEXLOWER.encode(&tag),
            description: spec.description.clone(),
            environment: spec.environment.clone(),
        };
        let row = CredentialRow::new(kind_of(&id), scope, id.clone(), json(&body)?, body.expires_at.unwrap_or(NEVER));
        self.store.insert(vec![row], Some((settings.max_keys as usize, now))).await?;
        if text.is_empty() {
            self.imported.write().insert(id.clone());
        }
        Ok(NewApiKey { key: text, record: body.record(&id, 0, now) })
    }

    /// The scopes a key gets: those asked for, or else what its maker may guard with. Public clients narrow their tokens to
    /// the endpoint they call, so what a key may *guard* is bounded by the key behind the token; what it may *administer* by
    /// the token itself, which somebody may have narrowed on purpose.
    async fn given(&self, owner: Owner<'_>, asked: &[String], roles: &Roles) -> Result<Vec<String>> {
        let Owner::Caller(own) = owner else { return owner.narrowed(asked, roles) };
        let behind = match &own.key {
            Some(id) => self.key_body(id).await?.scopes,
            None => own.principal.scopes.clone(),
        };
        let guards: Vec<String> = behind.into_iter().filter(|scope| scope.starts_with(GUARDING)).collect();
        if asked.is_empty() && !guards.is_empty() {
            return Ok(guards);
        }
        let (guarding, administering): (Vec<_>, Vec<_>) =
            asked.iter().cloned().partition(|scope| guards.contains(scope));
        if !administering.is_empty() || guarding.is_empty() {
            owner.narrowed(&administering, roles)?;
        }
        Ok(asked.to_vec())
    }

    /// Whether a key's subject is another name than keys have themselves.
    #[must_use]
    pub fn names_somebody(&self, subject: &str) -> bool {
        !keys::is_id(self.keys.pepper(), subject)
    }

    /// The keys of a scope, oldest first.
    pub async fn keys_of(&self, scope: &Scope) -> Result<Vec<ApiKey>> {
        let now = self.clock.now().wall_micros;
        let mut rows = self.store.list(Kind::Key, Some(scope)).await?;
        rows.extend(self.store.list(Kind::ImportedKey, Some(scope)).await?);
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            let body: KeyBody = parsed(&row)?;
            let used_at = self.keys.get(&row.id).map_or(0, |known| known.used_at.load(Ordering::Relaxed));
            found.push((body.created_at, body.record(&row.id, row.used_at.max(used_at), now)));
        }
        found.sort_by(|(at, a), (other, b)| (at, &a.id).cmp(&(other, &b.id)));
        Ok(found.into_iter().map(|(_, record)| record).collect())
    }

    /// One key of a scope.
    pub async fn key_of(&self, scope: &Scope, id: &str) -> Result<ApiKey> {
        let (row, body) = self.key_row(scope, id).await?;
        let used_at = self.keys.get(id).map_or(0, |known| known.used_at.load(Ordering::Relaxed));
        Ok(body.record(id, row.used_at.max(used_at), self.clock.now().wall_micros))
    }

    /// Only a key of `scope` is found: another tenant's is answered like one that never was.
    async fn key_row(&self, scope: &Scope, id: &str) -> Result<(CredentialRow, KeyBody)> {
        let row = self.store.find(kind_of(id), id).await?.filter(|row| row.scope == scope.uid());
        let row = row.ok_or_else(unknown_key)?;
        let body = parsed(&row)?;
        Ok((row, body))
    }

    /// Has a key, and every token that was exchanged for it, taken no more. Again is fine.
    pub async fn revoke_key(&self, scope: &Scope, id: &str) -> Result<ApiKey> {
        loop {
            let (row, mut body) = self.key_row(scope, id).await?;
            let now = self.clock.now().wall_micros;
            body.revoked_at = body.revoked_at.or(Some(now));
            let changed = CredentialRow { body: json(&body)?, ends_at: row.ends_at.min(now), ..row.clone() };
            // First what tokens and handles are held against, so that no moment takes them and not the key.
            self.end_id(scope, id, Revocation::now(NEVER)).await?;
            if self.store.replace(changed, Vec::new()).await? {
                self.keys.forget(id);
                return Ok(body.record(id, row.used_at, now));
            }
        }
    }

    /// Makes a key to take another's place; the old one is taken for `overlap_seconds` more.
    pub async fn rotate_key(
        &self,
        owner: Owner<'_>,
        scope: &Scope,
        id: &str,
        overlap_seconds: u64,
    ) -> Result<NewApiKey> {
        if overlap_seconds > MAX_OVERLAP {
            return Err(Error::invalid("key_invalid", "the overlap is at most 90 days"));
        }
        let (row, mut body) = self.key_row(scope, id).await?;
        let now = self.clock.now().wall_micros;
        if body.record(id, 0, now).state != KeyState::Active || body.replaced_by.is_some() {
            return Err(Error::conflict(
                "key_not_active",
                "only a key that is active and not yet replaced can be rotated",
            ));
        }
        if body.predecessor_ends_at.is_some_and(|at| at > now) {
            // Or rotating again and again would be a way around the cap.
            return Err(Error::conflict("key_not_active", "the key this one replaces is still taken")
                .with_help("revoke that one first, or wait for its overlap to end"));
        }
        let roles = self.settings().await?.roles;
        if body.scopes.is_empty() {
            owner.narrowed(&[], &roles)?;
        } else {
            self.given(owner, &body.scopes, &roles).await?;
        }
        let prefix = body.shown.split('_').take(body.shown.matches('_').count()).collect::<Vec<_>>().join("_");
        let prefix = match keys::check_prefix(&prefix) {
            Ok(()) => prefix,
            Err(_) => self.settings().await?.key_prefix,
        };
        let fresh = keys::make(&prefix, IdOf::Key, self.keys.pepper())?;
        let lifetime = body.expires_at.map(|at| at.saturating_sub(body.created_at));
        let ends_at = after(now, overlap_seconds).min(body.expires_at.unwrap_or(NEVER));
        let successor = KeyBody {
            shown: keys::shown(&fresh.text),
            // A principal that was the key itself stays the same principal: its sessions and limits go on.
            created_by: owner.name(),
            created_at: now,
            expires_at: lifetime.map(|lifetime| now.saturating_add(lifetime)),
            tag: data_encoding::HEXLOWER.encode(&fresh.tag),
            predecessor_ends_at: Some(ends_at),
            ..body.clone()
        };
        body.expires_at = Some(ends_at);
        body.replaced_by = Some(fresh.id.clone());
        let changed = CredentialRow { body: json(&body)?, ends_at, ..row };
        let added = CredentialRow::new(
            Kind::Key,
            scope,
            fresh.id.clone(),
            json(&successor)?,
            successor.expires_at.unwrap_or(NEVER),
        );
        // What handles and tokens learn their end by is written with it, or not at all.
        let ending = Revocation { from: ends_at, forget_at: NEVER, passes_to: Some(fresh.id.clone()) };
        let end = CredentialRow::new(Kind::Revocation, scope, id.to_owned(), json(&ending.body())?, ending.forget_at);
        if !self.store.replace(changed, vec![added, end]).await? {
            return Err(Error::conflict("key_not_active", "somebody else changed the key meanwhile"));
        }
        self.keys.forget(id);
        self.note_ending(id.to_owned(), ending);
        Ok(NewApiKey { key: fresh.text, record: successor.record(&fresh.id, 0, now) })
    }

    /// Verifies a key.
    pub(super) async fn verify_key(&self, text: &str, now: Now) -> Result<Arc<Verified>> {
        let text = keys::normalised(text);
        let known = match keys::parse(&text) {
            Some(parts) => match self.keys.check(&parts) {
                Lookup::Good(known) => known,
                Lookup::Bad => return Err(key_refused()),
                Lookup::Absent => {
                    // Held against what was read: a change that is followed meanwhile may have the cache forget it again.
                    let found = self.load_key(Kind::Key, parts.id).await?;
                    self.keys.proven(found, parts.proof).ok_or_else(key_refused)?
                }
            },
            None => self.verify_foreign_key(&text).await?,
        };
        known.used_at.fetch_max(now.wall_micros, Ordering::Relaxed);
        Ok(Arc::clone(&known.verified))
    }

    /// A key another system made: we know its hash, and only look where there is one.
    async fn verify_foreign_key(&self, text: &str) -> Result<Arc<CachedKey>> {
        let digest = keys::foreign_hash(text).ok_or_else(key_refused)?;
        let id = keys::import_id(self.keys.pepper(), &digest);
        self.config().await?;
        if !self.imported.read().contains(&id) {
            return Err(key_refused());
        }
        let known = match self.keys.get(&id) {
            None => self.load_key(Kind::ImportedKey, &id).await?,
            known => known,
        };
        self.keys.proven(known, digest.as_bytes()).ok_or_else(key_refused)
    }

    async fn load_key(&self, kind: Kind, id: &str) -> Result<Option<Arc<CachedKey>>> {
        // What others revoke must be followed before a key is believed here.
        self.config().await?;
        let row = self.store.find(kind, id).await?;
        let living = row.map(|row| parsed::<KeyBody>(&row).map(|body| (row, body))).transpose()?;
        let Some((row, body)) = living.filter(|(_, body)| body.revoked_at.is_none()) else {
            self.keys.bury(id);
            return Ok(None);
        };
        let known = Arc::new(body.known(&row.id, row.used_at)?);
        if let Some(displaced) = self.keys.keep(Arc::clone(&known)) {
            let at = displaced.used_at.load(Ordering::Relaxed);
            if at > 0 {
                self.store.used(vec![(displaced.id.clone(), at)]).await?;
            }
        }
        Ok(Some(known))
    }

    /// Where a key reaches.
    pub async fn key_place(&self, id: &str) -> Result<KeyPlace> {
        let row = self.store.find(kind_of(id), id).await?.ok_or_else(unknown_key)?;
        parsed::<KeyBody>(&row).map(|body| body.place)
    }

    /// What the key was exchanged for needs its creator, and its place.
    pub(super) async fn key_body(&self, id: &str) -> Result<KeyBody> {
        let row = self.store.find(kind_of(id), id).await?.ok_or_else(key_refused)?;
        parsed(&row)
    }
}
