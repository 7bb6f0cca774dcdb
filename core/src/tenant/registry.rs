//! Lifecycle: accounts and projects are created, listed, suspended, deleted. A deleted one leaves a tombstone; a new one
//! of the same name has another uid and nothing of the old.

use std::time::Duration;

use super::Tenants;
use crate::{
    api::{Account, AutoProvision, Mode, PolicySpec, Project, Settings, Status, TenantFacts},
    audit,
    clock::rfc3339,
    error::{Error, ErrorKind, Result},
    policy::packs,
    scope::{DEFAULT_PROJECT, Id, Layer, Scope, Uid},
    store::{DocumentKind, TenantRow},
};

/// Most projects of one account that verified tokens make up.
const MAX_MADE_UP_PROJECTS: usize = 100;

fn has_room(existing: &[TenantRow], most: usize, with: &AutoProvision, now: i64) -> Result<()> {
    let full = |what: &str| {
        Error::new(ErrorKind::QuotaExceeded, "provisioning_exhausted", format!("no further tenants are made up {what}"))
    };
    if existing.len() >= most {
        return Err(full("here").with_help("create it, or raise the cap in auto_provision"));
    }
    let lately = existing.iter().filter(|row| row.created_at > now.saturating_sub(60_000_000)).count();
    if lately >= with.per_minute as usize {
        return Err(full("in this minute").with_retry_after(Duration::from_secs(60)));
    }
    Ok(())
}

/// The answer for an account that does not exist here, which is also the answer for one that exists elsewhere.
pub fn no_account(id: &Id) -> Error {
    Error::not_found("scope_not_found", format!("account `{id}` does not exist"))
        .with_help("`accounts.ensure` creates it, `accounts.list` shows those there are")
}

/// The same for a project.
pub fn no_project(account: &Id, id: &Id) -> Error {
    Error::not_found("scope_not_found", format!("project `{id}` does not exist in account `{account}`"))
        .with_help("`projects.ensure` creates it, `projects.list` shows those there are")
}

fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|_| Error::internal("a document could not be written"))
}

/// Refuses facts beyond their bounds.
pub fn check_facts(facts: &TenantFacts) -> Result<()> {
    let texts = [&facts.tier, &facts.plan, &facts.region].into_iter().chain(&facts.labels);
    if facts.labels.len() > 64 || texts.into_iter().any(|text| text.len() > 256) {
        return Err(Error::invalid("facts_invalid", "facts have at most 64 labels and 256 bytes each"));
    }
    Ok(())
}

fn account_of(row: TenantRow) -> Account {
    Account {
        id: row.id.into(),
        uid: row.uid.to_hex(),
        status: row.status,
        created_at: rfc3339(row.created_at),
        facts: row.facts,
    }
}

fn project_of(account: &Id, row: TenantRow) -> Project {
    Project {
        id: row.id.into(),
        account_id: account.to_string(),
        uid: row.uid.to_hex(),
        status: row.status,
        created_at: rfc3339(row.created_at),
        facts: row.facts,
    }
}

impl Tenants {
    /// Every chain has a signed head from birth, so that a missing one is a sign of tampering.
    fn birth(&self, scope: &Scope, at: i64) -> Result<(DocumentKind, String, String)> {
        Ok((DocumentKind::Head, audit::HEAD.to_owned(), json(&audit::genesis(&self.keyring, scope, at)?)?))
    }

    /// Adds an account; returns its scope for the audit.
    pub async fn create_account(&self, id: &str, facts: TenantFacts) -> Result<(Scope, Account)> {
        let id = Id::parse("account", id)?;
        if id.folded() == DEFAULT_PROJECT {
            return Err(Error::invalid("scope_id_reserved", "`default` names a project and cannot name an account"));
        }
        check_facts(&facts)?;
        let at = self.clock.now().wall_micros;
        let scope = Scope::mint_account(id.clone(), Uid::random()?);
        let documents = vec![self.birth(&scope, at)?];
        let row = self.catalog.create(&self.platform(), scope.uid(), &id, &facts, at, documents).await?;
        Ok((scope, account_of(row)))
    }

    /// One account.
    pub async fn get_account(&self, id: &str) -> Result<Account> {
        self.account(&Id::parse("account", id)?).await.map(|(_, row)| account_of(row))
    }

    /// All accounts, by id.
    pub async fn list_accounts(&self) -> Result<Vec<Account>> {
        Ok(self.catalog.list(&self.platform()).await?.into_iter().map(account_of).collect())
    }

    /// Suspends or resumes an account.
    pub async fn set_account_status(&self, id: &str, status: Status) -> Result<(Scope, Account)> {
        let (scope, row) = self.account(&Id::parse("account", id)?).await?;
        self.catalog.set_status(&scope, status).await?;
        self.touch(scope.uid());
        Ok((scope, account_of(TenantRow { status, ..row })))
    }

    /// Deletes an account and its projects; returns their scopes, the account's last.
    pub async fn delete_account(&self, id: &str) -> Result<Vec<Scope>> {
        let id = Id::parse("account", id)?;
        let (scope, _) = self.account(&id).await?;
        let mut gone = Vec::new();
        for row in self.catalog.list(&scope).await? {
            gone.push(Scope::mint_project(&scope, row.id, row.uid)?);
        }
        self.catalog.delete(&scope, self.clock.now().wall_micros).await?;
        gone.iter().for_each(|project| self.instances.forget(project));
        gone.push(scope);
        gone.iter().for_each(|scope| self.touch(scope.uid()));
        Ok(gone)
    }

    /// Adds a project with the baseline permits.
    pub async fn create_project(
        &self,
        account: &str,
        id: &str,
        facts: TenantFacts,
        floor: Mode,
    ) -> Result<(Scope, Project)> {
        let (account, id) = (Id::parse("account", account)?, Id::parse("project", id)?);
        let (scope, row) = self.add_project(&account, &id, &facts, floor, Vec::new()).await?;
        Ok((scope, project_of(&account, row)))
    }

    async fn add_project(
        &self,
        account: &Id,
        id: &Id,
        facts: &TenantFacts,
        floor: Mode,
        more: Vec<(DocumentKind, String, String)>,
    ) -> Result<(Scope, TenantRow)> {
        check_facts(facts)?;
        let (account_scope, _) = self.account(account).await?;
        let baseline = PolicySpec {
            name: packs::BASELINE.into(),
            text: packs::text(packs::BASELINE).unwrap_or_default().into(),
            mode: Mode::Enforce,
            layer: Layer::Project,
            ceiling: false,
        };
        let settings = Settings { mode_floor: floor, ..Settings::default() };
        let at = self.clock.now().wall_micros;
        let scope = Scope::mint_project(&account_scope, id.clone(), Uid::random()?)?;
        let mut documents = vec![
            (DocumentKind::Policy, packs::BASELINE.to_owned(), json(&baseline)?),
            (DocumentKind::Settings, super::SETTINGS.to_owned(), json(&settings)?),
            self.birth(&scope, at)?,
        ];
        documents.extend(more);
        let row = self.catalog.create(&account_scope, scope.uid(), id, facts, at, documents).await?;
        Ok((scope, row))
    }

    /// Makes up the account a verified credential names; none when it exists.
    pub async fn provision_account(&self, id: &Id, with: &AutoProvision, now: i64) -> Result<Option<Scope>> {
        match self.account(id).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            other => return other.map(|_| None),
        }
        has_room(&self.catalog.list(&self.platform()).await?, with.max_accounts as usize, with, now)?;
        Ok(Some(self.create_account(id.as_str(), with.facts.clone()).await?.0))
    }

    /// Makes up a project with everything the platform sets it up with, in one transaction.
    pub async fn provision_project(
        &self,
        account: &Id,
        id: &Id,
        with: &AutoProvision,
        now: i64,
    ) -> Result<Option<Scope>> {
        let (account_scope, _) = self.account(account).await?;
        has_room(&self.catalog.list(&account_scope).await?, MAX_MADE_UP_PROJECTS, with, now)?;
        let mut documents = Vec::new();
        for policy in &with.policies {
            documents.push((DocumentKind::Policy, policy.name.clone(), json(policy)?));
        }
        for limit in &with.limits {
            documents.push((DocumentKind::Limit, limit.id.clone(), json(limit)?));
        }
        Ok(Some(self.add_project(account, id, &with.facts, Mode::Enforce, documents).await?.0))
    }

    /// Refuses what a newcomer could not be set up with.
    pub fn check_provisioned(&self, with: &AutoProvision) -> Result<()> {
        check_facts(&with.facts)?;
        let at_project = |layer: Layer| layer == Layer::Project;
        let names: std::collections::BTreeSet<&str> = with.policies.iter().map(|policy| policy.name.as_str()).collect();
        let well_placed = with.policies.iter().all(|policy| at_project(policy.layer))
            && with.limits.iter().all(|limit| at_project(limit.layer))
            && names.len() == with.policies.len()
            && !names.contains(packs::BASELINE);
        if !well_placed {
            return Err(Error::invalid(
                "identity_settings_invalid",
                "what a new project is set up with lies on its own layer, under names of its own",
            ));
        }
        self.compiler.compile(Uid::PLATFORM, &with.policies).map(drop)
    }

    /// The scope that names stand for: with both empty the platform, without a project an account.
    pub async fn scope_of(&self, account: &str, project: &str) -> Result<Scope> {
        match (account, project) {
            ("", "") => Ok(self.platform()),
            ("", _) => Err(Error::invalid("scope_id_invalid", "a project is named together with its account")),
            (account, "") => self.account(&Id::parse("account", account)?).await.map(|(scope, _)| scope),
            (account, project) => {
                let account = Id::parse("account", account)?;
                self.project(&account, &Id::parse("project", project)?).await.map(|(scope, _)| scope)
            }
        }
    }

    /// The names of an account's projects.
    pub async fn project_ids(&self, account: &Id) -> Result<Vec<Id>> {
        let (scope, _) = self.account(account).await?;
        Ok(self.catalog.list(&scope).await?.into_iter().map(|row| row.id).collect())
    }

    /// One project.
    pub async fn get_project(&self, account: &str, id: &str) -> Result<Project> {
        let account = Id::parse("account", account)?;
        self.project(&account, &Id::parse("project", id)?).await.map(|(_, row)| project_of(&account, row))
    }

    /// The projects of an account, by id.
    pub async fn list_projects(&self, account: &str) -> Result<Vec<Project>> {
        let account = Id::parse("account", account)?;
        let (scope, _) = self.account(&account).await?;
        Ok(self.catalog.list(&scope).await?.into_iter().map(|row| project_of(&account, row)).collect())
    }

    /// Suspends or resumes a project.
    pub async fn set_project_status(&self, account: &str, id: &str, status: Status) -> Result<(Scope, Project)> {
        let account = Id::parse("account", account)?;
        let (scope, row) = self.project(&account, &Id::parse("project", id)?).await?;
        self.catalog.set_status(&scope, status).await?;
        self.touch(scope.uid());
        Ok((scope, project_of(&account, TenantRow { status, ..row })))
    }

    /// Deletes a project.
    pub async fn delete_project(&self, account: &str, id: &str) -> Result<Scope> {
        let (account, id) = (Id::parse("account", account)?, Id::parse("project", id)?);
        let (scope, _) = self.project(&account, &id).await?;
        self.catalog.delete(&scope, self.clock.now().wall_micros).await?;
        self.instances.forget(&scope);
        self.touch(scope.uid());
        Ok(scope)
    }

    async fn project(&self, account: &Id, id: &Id) -> Result<(Scope, TenantRow)> {
        let (account_scope, _) = self.account(account).await?;
        let row = self.catalog.find(&account_scope, id).await?.ok_or_else(|| no_project(account, id))?;
        Ok((Scope::mint_project(&account_scope, row.id.clone(), row.uid)?, row))
    }
}
