//! Admin operations: each is one change and one row in the audit of the scope it changes. Whoever calls them has checked
//! the caller's authority, and says whose it was: `by`, which the row keeps.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Engine;
use crate::{
    api::{
        Account, AuditClass, LimitKey, LimitSpec, OnExceed, PolicyReceipt, PolicySpec, PolicySummary, Project,
        Settings, SettingsPatch, Status, TenantFacts,
    },
    context_keys::is_reserved,
    entropy,
    error::{Error, ErrorKind, Result},
    nearest::shown,
    policy::{DeclaredType, MAX_METADATA_KEYS, MAX_METADATA_NAME, packs},
    scope::{Layer, Scope},
    store::{DocumentKind, Entry},
    tenant::{Instance, SETTINGS, check_facts},
};

/// How long a queue waits when nobody said.
const DEFAULT_WAIT_MS: u64 = 30_000;
/// How often `ensure` looks again where others create and delete the same name meanwhile.
const ENSURE_TRIES: usize = 16;
/// The code of a name that is taken.
const EXISTS: &str = "scope_exists";
/// Most limits on one layer of one scope.
const MAX_LIMITS: usize = 100;

impl Engine {
    pub(super) async fn note(&self, scope: &Scope, kind: &str, body: Value) -> Result<()> {
        let id = entropy::request_id();
        let text = body.to_string();
        let at = self.clock.now().wall_micros;
        let entry = Entry { at, kind, request_id: &id, decision: "", body: &text, spend: None };
        self.audit.record(scope, AuditClass::Standard, &entry).await
    }

    /// The scope of a handle whose project still exists: nothing is ever attached to a tombstone.
    async fn alive(&self, instance: &Instance) -> Result<Scope> {
        self.tenants.snapshot(instance).await?;
        Ok(instance.scope().clone())
    }

    /// Behind `Accounts::create`.
    pub async fn create_account(&self, by: &str, id: &str, facts: TenantFacts) -> Result<Account> {
        let (scope, account) = self.tenants.create_account(id, facts).await?;
        self.note(&scope, "account.create", json!({ "account": id, "by": by })).await?;
        Ok(account)
    }

    /// Behind `Accounts::ensure`.
    pub async fn ensure_account(&self, by: &str, id: &str, facts: TenantFacts) -> Result<Account> {
        check_facts(&facts)?;
        for _ in 0..ENSURE_TRIES {
            match self.tenants.get_account(id).await {
                Ok(account) => return agreed(&format!("account `{id}`"), &account.facts, &facts).map(|()| account),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            match self.create_account(by, id, facts.clone()).await {
                // Somebody else made it meanwhile, or there is one that differs in case: the next look tells.
                Err(error) if error.code() == EXISTS => {}
                made => return made,
            }
        }
        self.create_account(by, id, facts).await
    }

    /// Behind `Accounts::get`.
    pub async fn get_account(&self, id: &str) -> Result<Account> {
        self.tenants.get_account(id).await
    }

    /// Behind `Accounts::list`.
    pub async fn list_accounts(&self) -> Result<Vec<Account>> {
        self.tenants.list_accounts().await
    }

    /// Behind `Accounts::set_status`.
    pub async fn set_account_status(&self, by: &str, id: &str, status: Status) -> Result<Account> {
        let (scope, account) = self.tenants.set_account_status(id, status).await?;
        self.note(&scope, "account.status", json!({ "account": id, "status": status.name(), "by": by })).await?;
        Ok(account)
    }

    /// Behind `Accounts::delete`.
    pub async fn delete_account(&self, by: &str, id: &str) -> Result<()> {
        // Nobody is made up under the name in between; and first what can be done again, since the deletion cannot.
        let _one = self.changes.of_registry().await;
        self.tenants.get_account(id).await?;
        self.identity.forget_account(&self.tenants.platform(), id).await?;
        self.end_grants(&self.tenants.scope_of(id, "").await?).await?;
        let gone = self.tenants.delete_account(id).await?;
        for scope in gone {
            self.forget(&scope).await?;
            if scope.layer() == Layer::Account {
                self.note(&scope, "account.delete", json!({ "account": id, "by": by })).await?;
            }
        }
        Ok(())
    }

    /// Ends the grants of a scope that is about to be deleted. Both sides' trails tell.
    async fn end_grants(&self, scope: &Scope) -> Result<()> {
        for grant in self.identity.forget_grants(scope).await? {
            self.note_grant(&grant, "grant.revoke").await?;
        }
        Ok(())
    }

    /// Forgets what was kept for a scope that was deleted; its audit trail stays.
    async fn forget(&self, scope: &Scope) -> Result<()> {
        self.sessions.forget(scope).await?;
        self.identity.forget_revoked(scope).await?;
        self.quota.forget(scope).await
    }

    /// Behind `Projects::create`.
    pub async fn create_project(&self, by: &str, account: &str, id: &str, facts: TenantFacts) -> Result<Project> {
        // Dev projects start lax, so that a first policy can be watched before it bites.
        let floor = if self.dev { crate::api::Mode::Monitor } else { crate::api::Mode::Enforce };
        let (scope, project) = self.tenants.create_project(account, id, facts, floor).await?;
        self.note(&scope, "project.create", json!({ "account": account, "project": id, "by": by })).await?;
        Ok(project)
    }

    /// Behind `Projects::ensure`.
    pub async fn ensure_project(&self, by: &str, account: &str, id: &str, facts: TenantFacts) -> Result<Project> {
        check_facts(&facts)?;
        self.tenants.get_account(account).await?;
        for _ in 0..ENSURE_TRIES {
            match self.tenants.get_project(account, id).await {
                Ok(found) => return agreed(&format!("project `{account}/{id}`"), &found.facts, &facts).map(|()| found),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            match self.create_project(by, account, id, facts.clone()).await {
                Err(error) if error.code() == EXISTS => {}
                made => return made,
            }
        }
        self.create_project(by, account, id, facts).await
    }

    /// Behind `Projects::get`.
    pub async fn get_project(&self, account: &str, id: &str) -> Result<Project> {
        self.tenants.get_project(account, id).await
    }

    /// Behind `Projects::list`.
    pub async fn list_projects(&self, account: &str) -> Result<Vec<Project>> {
        self.tenants.list_projects(account).await
    }

    /// Behind `Projects::set_status`.
    pub async fn set_project_status(&self, by: &str, account: &str, id: &str, status: Status) -> Result<Project> {
        let (scope, project) = self.tenants.set_project_status(account, id, status).await?;
        self.note(&scope, "project.status", json!({ "project": id, "status": status.name(), "by": by })).await?;
        Ok(project)
    }

    /// Behind `Projects::delete`.
    pub async fn delete_project(&self, by: &str, account: &str, id: &str) -> Result<()> {
        self.tenants.get_project(account, id).await?;
        self.end_grants(&self.tenants.scope_of(account, id).await?).await?;
        let scope = self.tenants.delete_project(account, id).await?;
        self.forget(&scope).await?;
        self.note(&scope, "project.delete", json!({ "project": id, "by": by })).await
    }

    /// Behind `Policies::put`.
    pub async fn put_policy(&self, by: &str, instance: &Instance, spec: PolicySpec) -> Result<PolicyReceipt> {
        let level = instance.scope().at(spec.layer)?;
        let _one = self.changes.of(&level).await;
        let scope = self.alive(instance).await?;
        let mut others = self.tenants.policy_specs(&scope).await?;
        others.retain(|other| (other.layer, &other.name) != (spec.layer, &spec.name));
        let receipt = self.tenants.check_policy(&scope, spec.clone(), others).await?;
        self.tenants.put(&level, DocumentKind::Policy, &spec.name, Some(&spec)).await?;
        let body = json!({ "policy": spec.name, "mode": spec.mode.name(), "layer": spec.layer.name(), "ceiling": spec.ceiling, "by": by });
        self.note(&level, "policy.put", body).await?;
        Ok(receipt)
    }

    /// Behind `Policies::attach_pack`.
    pub async fn attach_pack(&self, by: &str, instance: &Instance, pack: &str) -> Result<PolicyReceipt> {
        let text = packs::text(pack).ok_or_else(|| {
            Error::not_found("pack_unknown", format!("there is no pack `{pack}`")).with_help(format!(
                "packs are {}; a text of your own is attached by `policies.put`",
                packs::NAMES.join(" and ")
            ))
        })?;
        let spec = PolicySpec {
            name: pack.into(),
            text: text.into(),
            mode: crate::api::Mode::Enforce,
            layer: Layer::Project,
            ceiling: false,
        };
        self.put_policy(by, instance, spec).await
    }

    /// Behind `Policies::remove`.
    pub async fn remove_policy(&self, by: &str, instance: &Instance, name: &str, layer: Layer) -> Result<()> {
        let level = instance.scope().at(layer)?;
        let _one = self.changes.of(&level).await;
        let scope = self.alive(instance).await?;
        let mut rest = self.tenants.policy_specs(&scope).await?;
        rest.retain(|other| (other.layer, other.name.as_str()) != (layer, name));
        // What remains must still compile: a ceiling without its permits would close everything below it.
        self.tenants.compile(&scope, rest).await?;
        if !self.tenants.put(&level, DocumentKind::Policy, name, None::<&PolicySpec>).await? {
            let (layer, text) = (layer.name(), format!("policy `{name}` does not exist on this layer"));
            return Err(Error::not_found("policy_not_found", text).with_help(format!(
                "it was looked for on the layer `{layer}`; `policies.list` shows those there are, with their layers"
            )));
        }
        self.note(&level, "policy.remove", json!({ "policy": name, "layer": layer.name(), "by": by })).await
    }

    /// Behind `Policies::list`.
    pub async fn list_policies(&self, instance: &Instance) -> Result<Vec<PolicySummary>> {
        Ok(self.tenants.snapshot(instance).await?.policies.summaries().to_vec())
    }

    /// Behind `Limits::set`.
    pub async fn set_limit(&self, by: &str, instance: &Instance, mut spec: LimitSpec) -> Result<()> {
        if spec.on_exceed == OnExceed::Queue && spec.max_wait_ms == 0 {
            spec.max_wait_ms = DEFAULT_WAIT_MS;
        }
        spec.check()?;
        let level = instance.scope().at(spec.layer)?;
        let _one = self.changes.of(&level).await;
        self.alive(instance).await?;
        let existing = self.tenants.catalog().documents(&level, DocumentKind::Limit).await?;
        if existing.len() >= MAX_LIMITS && !existing.iter().any(|document| document.name == spec.id) {
            return Err(Error::new(
                ErrorKind::QuotaExceeded,
                "limit_too_many",
                format!("a layer holds at most {MAX_LIMITS} limits"),
            ));
        }
        self.tenants.put(&level, DocumentKind::Limit, &spec.id, Some(&spec)).await?;
        let mut body = json!({ "limit": spec.id, "rate": spec.rate, "per_ms": spec.per_ms, "by": by });
        if let Value::Object(fields) = &mut body
            && !spec.action.is_empty()
        {
            fields.insert("action".into(), json!(spec.action));
        }
        self.note(&level, "limit.set", body).await
    }

    /// Behind `Limits::remove`.
    pub async fn remove_limit(&self, by: &str, instance: &Instance, id: &str, layer: Layer) -> Result<()> {
        let level = self.alive(instance).await?.at(layer)?;
        if !self.tenants.put(&level, DocumentKind::Limit, id, None::<&LimitSpec>).await? {
            return Err(unknown_limit(id));
        }
        self.note(&level, "limit.remove", json!({ "limit": id, "layer": layer.name(), "by": by })).await
    }

    /// Behind `Limits::list`.
    pub async fn list_limits(&self, instance: &Instance) -> Result<Vec<LimitSpec>> {
        let snapshot = self.tenants.snapshot(instance).await?;
        Ok(snapshot.limits.iter().map(|limit| limit.spec.clone()).collect())
    }

    /// Behind `Limits::acquire`.
    pub async fn acquire(&self, instance: &Instance, id: &str, key: &str, cost: u32, widest: Layer) -> Result<()> {
        if cost == 0 || key.len() > 512 {
            return Err(Error::invalid("limit_acquire_invalid", "cost is at least 1 and key at most 512 bytes"));
        }
        let snapshot = self.tenants.snapshot(instance).await?;
        // The project's own limit first, then its account's, then the platform's.
        let within = |layer: Layer| layer >= widest;
        let mut limits = snapshot.limits.iter().rev();
        let limit =
            limits.find(|limit| limit.spec.id == id && within(limit.spec.layer)).ok_or_else(|| unknown_limit(id))?;
        if limit.spec.key != LimitKey::Custom && limit.spec.key != LimitKey::Scope && key.is_empty() {
            return Err(Error::invalid("limit_acquire_invalid", format!("limit `{id}` is counted by a key; name one")));
        }
        self.quota.acquire(limit, instance.scope(), key, cost).await
    }

    /// Behind `TenantSettings::get`.
    pub async fn settings(&self, instance: &Instance) -> Result<Settings> {
        Ok(self.tenants.snapshot(instance).await?.settings.clone())
    }

    /// Behind `TenantSettings::update`.
    pub async fn update_settings(&self, by: &str, instance: &Instance, patch: SettingsPatch) -> Result<Settings> {
        let _one = self.changes.of(instance.scope()).await;
        let scope = &self.alive(instance).await?;
        let mut settings = self.tenants.settings(scope).await?;
        let mut change =
            serde_json::to_value(&patch).map_err(|_| Error::internal("a settings patch could not be written"))?;
        if let Value::Object(fields) = &mut change {
            fields.insert("by".into(), json!(by));
        }
        settings.mode_floor = patch.mode_floor.unwrap_or(settings.mode_floor);
        settings.audit_class = patch.audit_class.unwrap_or(settings.audit_class);
        settings.redaction_originals = patch.redaction_originals.unwrap_or(settings.redaction_originals);
        settings.session_ttl_seconds = patch.session_ttl_seconds.unwrap_or(settings.session_ttl_seconds);
        if settings.session_ttl_seconds == 0 || settings.session_ttl_seconds > 10 * 366 * 24 * 60 * 60 {
            return Err(Error::invalid("settings_invalid", "session_ttl_seconds is at least 1 and at most ten years"));
        }
        settings.metadata_keys = patch.metadata_keys.unwrap_or(settings.metadata_keys);
        check_metadata_keys(&settings.metadata_keys)?;
        self.tenants.put(scope, DocumentKind::Settings, SETTINGS, Some(&settings)).await?;
        self.note(scope, "settings.update", change).await?;
        Ok(settings)
    }
}

fn check_metadata_keys(keys: &BTreeMap<String, String>) -> Result<()> {
    let refuse = |what: String| Error::invalid("settings_invalid", what);
    if keys.len() > MAX_METADATA_KEYS || keys.keys().any(|name| name.is_empty() || name.len() > MAX_METADATA_NAME) {
        return Err(refuse(format!(
            "`metadata_keys` declares at most {MAX_METADATA_KEYS} keys, of 1 to {MAX_METADATA_NAME} bytes each"
        )));
    }
    for (name, kind) in keys {
        if is_reserved(name) {
            return Err(refuse(format!("`{name}` in `metadata_keys` is a name of the contract's own, or reserved"))
                .with_help("choose another name for it; docs/policies.md says which are reserved"));
        }
        if DeclaredType::parse(kind).is_none() {
            return Err(refuse(format!("`{name}` in `metadata_keys` has the type `{}`, which is none", shown(kind)))
                .with_help("types are `String`, `Long`, `Bool` and `Set<String>`"));
        }
    }
    Ok(())
}

/// Whether what exists has the facts that are asked for; those that are not given are not asked for.
fn agreed(what: &str, has: &TenantFacts, asked: &TenantFacts) -> Result<()> {
    let differ = |name: &str, has: &str, asked: &str| {
        let has = if has.is_empty() { format!("no {name}") } else { format!("the {name} `{has}`") };
        Error::conflict("facts_differ", format!("{what} exists and has {has}, not `{asked}`"))
            .with_help(format!("ensure changes nothing that exists: leave the {name} out to take it as it is"))
    };
    let texts =
        [("tier", &has.tier, &asked.tier), ("plan", &has.plan, &asked.plan), ("region", &has.region, &asked.region)];
    for (name, has, asked) in texts {
        if !asked.is_empty() && has != asked {
            return Err(differ(name, has, asked));
        }
    }
    let labels = |facts: &TenantFacts| facts.labels.iter().cloned().collect::<BTreeSet<_>>();
    if !asked.labels.is_empty() && labels(has) != labels(asked) {
        return Err(differ("labels", &has.labels.join(", "), &asked.labels.join(", ")));
    }
    Ok(())
}

fn unknown_limit(id: &str) -> Error {
    Error::not_found("limit_not_found", format!("limit `{id}` does not exist here"))
        .with_help("`limits.list` shows those there are, with their layers")
}
