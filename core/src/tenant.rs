//! Tenants: registry, lifecycle, settings, and the cache of instances. Owns snapshots; touches the middle and below.
//!
//! A [`Snapshot`] is everything a call reads, immutable. An [`Instance`] holds the newest one; a change of its project, its
//! account or the platform, by any process, makes the next call build another. What is cached can always be rebuilt.

mod instances;
mod registry;

pub use registry::check_facts;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwap;
use instances::{Instances, Name};
use parking_lot::Mutex;

use crate::{
    api::{LimitSpec, PolicyReceipt, PolicySpec, Settings, Status, TenantFacts},
    clock::Clock,
    error::{Error, ErrorKind, Result},
    keyring::{Hasher, Keyring},
    policy::{Compiler, DeclaredType, PolicySet},
    quota::ActiveLimit,
    runtime,
    scope::{AccountId, Id, Layer, ProjectId, Scope, Uid},
    store::{Attached, Catalog, Document, DocumentKind, TenantRow},
    workers::Workers,
};

/// The name of the settings document.
pub const SETTINGS: &str = "settings";
/// How much memory the instances that nobody holds take at most, in bytes; the rest are rebuilt when met again.
const MAX_INSTANCES: u64 = 256 * 1024 * 1024;
/// At how many cells of change those that no instance reads are forgotten first.
const SWEEP_CELLS: usize = 1_024;

/// Everything a call reads of its tenant, at one moment.
pub struct Snapshot {
    /// The project's scope.
    pub scope: Scope,
    /// Suspended when the project or its account is.
    pub status: Status,
    /// The project's facts, the account's where it sets none.
    pub facts: TenantFacts,
    /// Policies of all layers.
    pub policies: Arc<PolicySet>,
    /// Limits of all layers.
    pub limits: Vec<ActiveLimit>,
    /// The project's settings.
    pub settings: Settings,
    /// Keyed hashes of content.
    pub hasher: Hasher,
    /// What is not at full strength, e.g. `policy_stale`.
    pub degraded: Vec<&'static str>,
    versions: [u64; 3],
}

/// One project, as long as somebody holds its handle.
pub struct Instance {
    scope: Scope,
    versions: [Arc<AtomicU64>; 3],
    snapshot: ArcSwap<Snapshot>,
    generation: u32,
}

impl Instance {
    /// The project's scope.
    #[must_use]
    pub const fn scope(&self) -> &Scope {
        &self.scope
    }
}

/// All tenants of one engine.
pub struct Tenants {
    catalog: Arc<dyn Catalog>,
    keyring: Keyring,
    clock: Arc<dyn Clock>,
    compiler: Arc<Compiler>,
    workers: Workers,
    instances: Instances,
    versions: Mutex<Cells>,
    seen_changes: AtomicU64,
    generation: u32,
}

/// How often the platform, an account or a project has changed, for as long as an instance reads it.
struct Cells {
    cells: HashMap<Uid, Arc<AtomicU64>>,
    sweep_at: usize,
}

impl Default for Cells {
    fn default() -> Self {
        Self { cells: HashMap::new(), sweep_at: SWEEP_CELLS }
    }
}

impl Tenants {
    /// The tenants of a catalog.
    pub fn new(catalog: Arc<dyn Catalog>, keyring: Keyring, clock: Arc<dyn Clock>) -> Result<Self> {
        Self::with_room(catalog, keyring, clock, MAX_INSTANCES)
    }

    fn with_room(catalog: Arc<dyn Catalog>, keyring: Keyring, clock: Arc<dyn Clock>, room: u64) -> Result<Self> {
        let (newest, _) = catalog.changes(0)?;
        Ok(Self {
            catalog,
            keyring,
            clock,
            compiler: Arc::default(),
            workers: Workers::default(),
            instances: Instances::new(room),
            versions: Mutex::default(),
            seen_changes: AtomicU64::new(newest),
            generation: runtime::generation(),
        })
    }

    /// Where what takes long is done.
    pub const fn workers(&self) -> &Workers {
        &self.workers
    }

    /// The set of all `specs` of a scope. What is not compiled yet is compiled on a worker.
    pub async fn compile(&self, scope: &Scope, specs: Vec<PolicySpec>) -> Result<Arc<PolicySet>> {
        if let Some(found) = self.compiler.compiled(&specs) {
            return Ok(found);
        }
        let (compiler, account) = (Arc::clone(&self.compiler), scope.account_uid());
        // Whoever asks may not read what another layer holds.
        let compile = move || compiler.compile(account, &specs).map_err(Error::without_excerpt);
        self.workers.run(scope, compile).await
    }

    /// Checks a policy among the `others` in force, and against what the project declares, on a worker.
    pub async fn check_policy(&self, scope: &Scope, new: PolicySpec, others: Vec<PolicySpec>) -> Result<PolicyReceipt> {
        let (compiler, account) = (Arc::clone(&self.compiler), scope.account_uid());
        let declared = self.settings(scope).await?.metadata_keys;
        let kind = |(name, kind): (String, String)| Some((name, DeclaredType::parse(&kind)?));
        let by_hand = declared.into_iter().filter_map(kind).collect();
        self.workers.run(scope, move || compiler.check(account, &new, &others, &by_hand)).await
    }

    /// Where tenants and their documents are stored.
    pub fn catalog(&self) -> &dyn Catalog {
        &*self.catalog
    }

    /// The instance of a project; concurrent first callers share one load.
    pub async fn instance(&self, account: &AccountId, project: &ProjectId) -> Result<Arc<Instance>> {
        let name = (account.clone(), project.clone());
        let found = self.load_shared(&name).await?;
        match self.snapshot(&found).await {
            // The name may have been deleted and made anew since the instance was loaded.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.instances.forget(&found.scope);
                let found = self.load_shared(&name).await?;
                self.snapshot(&found).await?;
                Ok(found)
            }
            Err(error) => Err(error),
            Ok(_) => Ok(found),
        }
    }

    async fn load_shared(&self, name: &Name) -> Result<Arc<Instance>> {
        match self.instances.get(name) {
            Some(found) => Ok(found),
            None => Box::pin(self.instances.get_or_load(name, || Box::pin(self.load(&name.0, &name.1)))).await,
        }
    }

    async fn load(&self, account: &AccountId, project: &ProjectId) -> Result<Arc<Instance>> {
        let (account_scope, account_row) = self.account(account).await?;
        let row =
            self.catalog.find(&account_scope, project).await?.ok_or_else(|| registry::no_project(account, project))?;
        let scope = Scope::mint_project(&account_scope, row.id.clone(), row.uid)?;
        let cells = [Uid::PLATFORM, account_scope.uid(), scope.uid()].map(|uid| self.version_cell(uid));
        let snapshot = self.build(&scope, &account_row, &row, cells.each_ref().map(load), None).await?;
        Ok(Arc::new(Instance {
            scope,
            versions: cells,
            snapshot: ArcSwap::from_pointee(snapshot),
            generation: self.generation,
        }))
    }

    /// The newest snapshot. Costs three atomic reads unless something changed.
    pub async fn snapshot(&self, instance: &Instance) -> Result<Arc<Snapshot>> {
        if instance.generation == self.generation {
            return self.newest(instance).await;
        }
        // The handle was made before a fork: its counters of change are the parent's, so ours decides.
        let (Some(account), Some(project)) = (instance.scope.account_id(), instance.scope.project_id()) else {
            return Err(Error::internal("an instance is always a project"));
        };
        let own = self.load_shared(&(account.clone(), project.clone())).await?;
        if own.scope.uid() != instance.scope.uid() {
            return Err(registry::no_project(account, project));
        }
        self.newest(&own).await
    }

    async fn newest(&self, instance: &Instance) -> Result<Arc<Snapshot>> {
        let current = instance.snapshot.load_full();
        let versions = instance.versions.each_ref().map(load);
        if current.versions == versions {
            Ok(current)
        } else {
            Box::pin(self.renewed(instance, &current, versions)).await
        }
    }

    async fn renewed(&self, instance: &Instance, current: &Snapshot, versions: [u64; 3]) -> Result<Arc<Snapshot>> {
        let (Some(account), Some(project)) = (instance.scope.account_id(), instance.scope.project_id()) else {
            return Err(Error::internal("an instance is always a project"));
        };
        let (account_scope, account_row) = self.account(account).await?;
        let row = self.catalog.find(&account_scope, project).await?.filter(|row| row.uid == instance.scope.uid());
        let row = row.ok_or_else(|| registry::no_project(account, project))?;
        let fresh = Arc::new(self.build(&instance.scope, &account_row, &row, versions, Some(current)).await?);
        instance.snapshot.store(Arc::clone(&fresh));
        self.instances.reweigh(instance);
        Ok(fresh)
    }

    async fn build(
        &self,
        scope: &Scope,
        account: &TenantRow,
        project: &TenantRow,
        versions: [u64; 3],
        last_good: Option<&Snapshot>,
    ) -> Result<Snapshot> {
        let mut degraded = Vec::new();
        let (mut specs, mut limits, mut settings) = (Vec::new(), Vec::new(), Settings::default());
        for Attached { layer, kind, document } in self.catalog.attached(scope).await? {
            match kind {
                DocumentKind::Policy => specs.push(parse::<PolicySpec>(&document)?),
                DocumentKind::Limit => {
                    limits.push(ActiveLimit { spec: parse::<LimitSpec>(&document)?, scope: scope.at(layer)? });
                }
                DocumentKind::Settings if layer == Layer::Project => settings = parse(&document)?,
                DocumentKind::Settings | DocumentKind::Head => {}
            }
        }
        let policies = match (self.compile(scope, specs).await, last_good) {
            (Ok(policies), _) => policies,
            // Last good stays, and says so; where only the worker failed, the next call tries again.
            (Err(error), Some(good)) if error.kind() == ErrorKind::InvalidArgument => {
                degraded.push("policy_stale");
                Arc::clone(&good.policies)
            }
            (Err(error), _) => {
                return Err(Error::unavailable("policy_unavailable", "the stored policies cannot be compiled")
                    .with_source(error));
            }
        };
        let suspended = [account, project].iter().any(|row| row.status == Status::Suspended);
        Ok(Snapshot {
            scope: scope.clone(),
            status: if suspended { Status::Suspended } else { Status::Active },
            facts: inherit(&project.facts, &account.facts),
            policies,
            limits,
            settings,
            hasher: self.keyring.hasher(scope)?,
            degraded,
            versions,
        })
    }

    /// Every policy in force in a project, from the platform down.
    pub async fn policy_specs(&self, scope: &Scope) -> Result<Vec<PolicySpec>> {
        let attached = self.catalog.attached(scope).await?;
        attached.iter().filter(|one| one.kind == DocumentKind::Policy).map(|one| parse(&one.document)).collect()
    }

    /// The settings of a project.
    pub async fn settings(&self, scope: &Scope) -> Result<Settings> {
        let documents = self.catalog.documents(scope, DocumentKind::Settings).await?;
        documents.first().map_or_else(|| Ok(Settings::default()), parse)
    }

    /// Writes a document and lets every instance below its scope see it with the next call.
    pub async fn put(
        &self,
        scope: &Scope,
        kind: DocumentKind,
        name: &str,
        body: Option<&impl serde::Serialize>,
    ) -> Result<bool> {
        let body = body
            .map(serde_json::to_string)
            .transpose()
            .map_err(|_| Error::internal("a document could not be written"))?;
        let removes = body.is_none();
        let existed = self.catalog.put_document(scope, kind, name, body).await?;
        if existed || !removes {
            self.touch(scope.uid());
        }
        Ok(existed)
    }

    fn version_cell(&self, uid: Uid) -> Arc<AtomicU64> {
        let mut versions = self.versions.lock();
        if versions.cells.len() >= versions.sweep_at {
            // Whoever reads one holds it; one that is made anew counts for who is loaded from then on.
            versions.cells.retain(|_, cell| Arc::strong_count(cell) > 1);
            versions.sweep_at = SWEEP_CELLS.max(versions.cells.len() * 2);
        }
        Arc::clone(versions.cells.entry(uid).or_default())
    }

    /// Lets every instance that reads this scope see, with its next call, that something changed.
    fn touch(&self, uid: Uid) {
        if let Some(cell) = self.versions.lock().cells.get(&uid) {
            cell.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Takes over what other processes changed. Called by the housekeeper.
    pub fn follow_changes(&self) -> Result<()> {
        let seen = self.seen_changes.load(Ordering::Acquire);
        let (newest, changed) = self.catalog.changes(seen)?;
        changed.into_iter().for_each(|uid| self.touch(uid));
        self.seen_changes.store(newest, Ordering::Release);
        Ok(())
    }

    /// The platform's scope; whoever calls this has checked for platform authority.
    #[must_use]
    pub fn platform(&self) -> Scope {
        Scope::mint_platform()
    }

    /// Whether a scope, or what encloses it, is suspended; `NotFound` when it is no more.
    pub async fn status_of(&self, scope: &Scope) -> Result<Status> {
        let Some(id) = scope.account_id() else { return Ok(Status::Active) };
        let (account, row) = self.account(id).await?;
        if account.uid() != scope.account_uid() {
            return Err(registry::no_account(id));
        }
        let Some(id) = scope.project_id() else { return Ok(row.status) };
        let project = self.catalog.find(&account, id).await?.filter(|project| project.uid == scope.uid());
        let project = project.ok_or_else(|| registry::no_project(&row.id, id))?;
        let open = [row.status, project.status].iter().all(|status| *status == Status::Active);
        Ok(if open { Status::Active } else { Status::Suspended })
    }

    /// The scope of the stream of what crosses between tenants.
    #[must_use]
    pub fn crossings(&self) -> Scope {
        Scope::mint_crossings()
    }

    async fn account(&self, id: &Id) -> Result<(Scope, TenantRow)> {
        let row = self.catalog.find(&self.platform(), id).await?.ok_or_else(|| registry::no_account(id))?;
        Ok((Scope::mint_account(row.id.clone(), row.uid), row))
    }
}

fn load(cell: &Arc<AtomicU64>) -> u64 {
    cell.load(Ordering::Acquire)
}

fn parse<T: serde::de::DeserializeOwned>(document: &Document) -> Result<T> {
    serde_json::from_str(&document.body).map_err(|error| {
        Error::data("store_corrupt", format!("the stored `{}` cannot be read", document.name)).with_source(error)
    })
}

fn inherit(project: &TenantFacts, account: &TenantFacts) -> TenantFacts {
    let pick = |own: &String, above: &String| if own.is_empty() { above.clone() } else { own.clone() };
    TenantFacts {
        tier: pick(&project.tier, &account.tier),
        plan: pick(&project.plan, &account.plan),
        region: pick(&project.region, &account.region),
        labels: if project.labels.is_empty() { account.labels.clone() } else { project.labels.clone() },
    }
}

#[cfg(test)]
mod tests;
