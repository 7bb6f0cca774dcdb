//! The embedded backend: which engine a client uses, as whom, and until when. Owns opening, sharing, forking and closing.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;

use crate::{
    api::TenantFacts,
    clock::{Clock, SystemClock},
    config::{Config, Storage},
    engine::{Caller, Engine},
    error::{Error, ErrorKind, Result},
    keyring::Keyring,
    runtime::PerProcess,
    scope::{AccountId, Authority, DEFAULT_PROJECT, Id, Layer, ProjectId},
    tenant::Instance,
};

/// The account a dev client acts in when it names none.
const DEV_ACCOUNT: &str = "dev";
/// Most accounts and projects dev mode makes up.
const MAX_DEV_TENANTS: usize = 1_000;

/// What tests replace: the clock.
pub struct Surroundings {
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

impl Default for Surroundings {
    fn default() -> Self {
        #[cfg(feature = "test-hooks")]
        if let Some(clock) = crate::testing::clock() {
            return Self { clock: Arc::new(clock) };
        }
        Self { clock: Arc::new(SystemClock::default()) }
    }
}

type Engines = Mutex<HashMap<PathBuf, Weak<Engine>>>;

/// Engines of this process by data folder: two clients on one folder share one.
static ENGINES: PerProcess<Engines> = PerProcess::new();

/// One client over one engine.
pub struct Embedded {
    config: Config,
    surroundings: Surroundings,
    authority: Authority,
    engine: PerProcess<Arc<Engine>>,
    closed: AtomicBool,
}

impl Embedded {
    /// Opens the engine, or joins the one this process has open on the same folder.
    pub fn open(config: Config, surroundings: Surroundings) -> Result<Self> {
        let authority = authority(&config)?;
        let embedded =
            Self { config, surroundings, authority, engine: PerProcess::new(), closed: AtomicBool::new(false) };
        embedded.engine()?;
        Ok(embedded)
    }

    /// Whether the client was closed.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// The engine; after a fork the child's first call opens its own.
    pub fn engine(&self) -> Result<Arc<Engine>> {
        if self.is_closed() {
            return Err(Error::invalid("client_closed", "the client is closed").with_help("open another one"));
        }
        let slot = self.engine.get_or_try_init(|| match &self.config.storage {
            Storage::Memory => self.make(None),
            Storage::Folder(folder) => self.shared(folder),
        })?;
        Ok(Arc::clone(&slot.1))
    }

    fn make(&self, folder: Option<&Path>) -> Result<Arc<Engine>> {
        let keyring = match (&self.config.root_key, folder) {
            // Nothing of a memory engine outlives it, so it needs no key from outside.
            (None, None) => Keyring::ephemeral()?,
            (given, _) => Keyring::open(given.clone())?,
        };
        Engine::open(folder, self.config.dev, keyring, Arc::clone(&self.surroundings.clock)).map(Arc::new)
    }

    fn shared(&self, folder: &Path) -> Result<Arc<Engine>> {
        std::fs::create_dir_all(folder).map_err(|error| {
            Error::unavailable("data_dir_unavailable", format!("the data folder `{}` cannot be made", folder.display()))
                .with_help("choose another with data_dir or TENANTRY_DATA_DIR")
                .with_source(error)
        })?;
        let path = folder.canonicalize()?;
        let engines = ENGINES.get_or_try_init(|| Ok(Mutex::default()))?;
        let mut engines = engines.1.lock();
        if let Some(engine) = engines.get(&path).and_then(Weak::upgrade) {
            if engine.is_dev() != self.config.dev {
                return Err(Error::invalid("dev_mode_mismatch", "this process has the folder open in the other mode"));
            }
            return Ok(engine);
        }
        engines.retain(|_, engine| engine.strong_count() > 0);
        let engine = self.make(Some(&path))?;
        engines.insert(path, Arc::downgrade(&engine));
        Ok(engine)
    }

    /// The engine, for operations on accounts and projects.
    pub fn admin(&self) -> Result<Arc<Engine>> {
        self.authority.check_platform()?;
        self.engine()
    }

    /// The engine, for changes at `layer` of a scope this client holds a handle of.
    pub fn admin_at(&self, layer: Layer) -> Result<Arc<Engine>> {
        if layer != Layer::Project {
            self.authority.check_platform()?;
        }
        self.engine()
    }

    /// The caller of a guard call by this client.
    pub const fn caller<'a>(&'a self, principal: Option<&'a crate::api::Principal>) -> Caller<'a> {
        Caller { principal, headers: &self.config.default_headers, deadline: self.config.deadline }
    }

    /// The account and project the client itself is for.
    pub fn own_names(&self) -> Result<(String, String)> {
        if let Some((account, project)) = self.authority.only() {
            return Ok((account.to_string(), project.to_string()));
        }
        match (&self.config.account_id, &self.config.project_id) {
            (Some(account), project) => {
                Ok((account.clone(), project.clone().unwrap_or_else(|| DEFAULT_PROJECT.into())))
            }
            (None, _) => Err(Error::invalid("tenant_missing", "the client has no account of its own")
                .with_help("name one with account_id and project_id, or use tenant(account, project)")),
        }
    }

    /// The instance of a project inside this client's authority.
    pub async fn tenant(&self, account: &str, project: &str) -> Result<Arc<Instance>> {
        let engine = self.engine()?;
        let (account, project) = (AccountId::parse("account", account)?, ProjectId::parse("project", project)?);
        self.authority.check(&account, &project)?;
        match engine.tenants().instance(&account, &project).await {
            Err(error) if error.kind() == ErrorKind::NotFound && engine.is_dev() => {
                make_up(&engine, &account, &project).await?;
                engine.tenants().instance(&account, &project).await
            }
            result => result,
        }
    }

    /// Writes everything down. The engine goes when its last client does.
    pub async fn close(&self) -> Result<()> {
        if self.closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let Some(slot) = self.engine.get() else { return Ok(()) };
        let engine = Arc::clone(&slot.1);
        drop(slot);
        if let Storage::Memory = self.config.storage {
            return Ok(());
        }
        engine.settle().await?;
        Ok(())
    }
}

/// What the client's credential reaches. An embedded engine knows no credentials yet, dev mode aside.
fn authority(config: &Config) -> Result<Authority> {
    if config.api_key.is_none() {
        return Ok(Authority::everything());
    }
    if !config.dev {
        return Err(Error::new(
            ErrorKind::Unauthenticated,
            "credential_unknown",
            "the embedded engine does not know this credential",
        )
        .with_help("leave api_key out to act as the embedding process, or use dev mode"));
    }
    let account = config.account_id.as_deref().unwrap_or(DEV_ACCOUNT);
    let project = config.project_id.as_deref().unwrap_or(DEFAULT_PROJECT);
    Ok(Authority::exactly(Id::parse("account", account)?, Id::parse("project", project)?))
}

/// Dev mode creates what it has not seen, up to a cap; of several first callers one creates and the others find it.
async fn make_up(engine: &Engine, account: &AccountId, project: &ProjectId) -> Result<()> {
    let accounts = engine.list_accounts().await?;
    let mut count = accounts.len();
    for account in &accounts {
        count += engine.list_projects(&account.id).await?.len();
    }
    if count >= MAX_DEV_TENANTS {
        return Err(Error::new(
            ErrorKind::QuotaExceeded,
            "dev_tenants_exhausted",
            "dev mode makes at most 1,000 tenants up",
        ));
    }
    let ignore_existing = |result: Result<()>| match result {
        Err(error) if error.kind() == ErrorKind::Conflict => Ok(()),
        other => other,
    };
    ignore_existing(engine.create_account(account.as_str(), TenantFacts::default()).await.map(drop))?;
    ignore_existing(engine.create_project(account.as_str(), project.as_str(), TenantFacts::default()).await.map(drop))
}
