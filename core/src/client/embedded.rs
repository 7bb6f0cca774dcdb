//! The embedded backend: which engine a client uses, as whom, and until when. Owns opening, sharing, forking and closing.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;

use crate::{
    api::Presented,
    clock::{Clock, SystemClock},
    config::{Config, Storage},
    disk,
    engine::{Acting, Caller, DEV_ACCOUNT, Engine, Session},
    error::{Error, ErrorKind, Result},
    identity,
    keyring::Keyring,
    runtime::{PerProcess, block_on, to_the_end},
    scope::{AccountId, Authority, DEFAULT_PROJECT, Id, ProjectId},
    tenant::Instance,
};

/// Whose the changes of a client without a credential are.
pub const PROCESS: &str = "process";

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
    keyring: OnceLock<Keyring>,
    opened: PerProcess<Opened>,
    closed: AtomicBool,
    /// Whether it is somebody's view of another client, which ends with the process that gave it.
    borrowed: bool,
}

/// What a client has of its engine, per process: a child of a fork opens the engine and verifies its credential anew.
struct Opened {
    engine: Arc<Engine>,
    authority: Authority,
    /// The client's own credential, when it has one that was verified.
    session: Option<Arc<Session>>,
}

impl Embedded {
    /// Opens the engine, or joins the one this process has open on the same folder.
    pub fn open(config: Config, surroundings: Surroundings) -> Result<Self> {
        let embedded = Self {
            config,
            surroundings,
            keyring: OnceLock::new(),
            opened: PerProcess::new(),
            closed: AtomicBool::new(false),
            borrowed: false,
        };
        embedded.opened()?;
        Ok(embedded)
    }

    /// Whether the client was closed.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    fn opened(&self) -> Result<Arc<(u32, Opened)>> {
        if self.is_closed() {
            return Err(Error::invalid("client_closed", "the client is closed").with_help("open another one"));
        }
        self.opened.get_or_try_init(|| {
            if self.borrowed {
                return Err(Error::unavailable("forked", "the process forked; sign in again"));
            }
            let engine = match &self.config.storage {
                Storage::Memory => self.make(None).map(Arc::new)?,
                Storage::Folder(folder) => self.shared(folder)?,
            };
            let (authority, session) = self.credential(&engine)?;
            Ok(Opened { engine, authority, session })
        })
    }

    /// The same engine with a caller's credential in the place of the client's own.
    pub async fn signed_in(&self, presented: &Presented) -> Result<Self> {
        let own = self.opened()?;
        let (generation, engine) = (own.0, Arc::clone(&own.1.engine));
        let session = engine.signed_in(presented).await?;
        let opened = Opened { engine, authority: session.verified.authority.clone(), session: Some(Arc::new(session)) };
        Ok(Self {
            config: Config { require_credentials: false, account_id: None, project_id: None, ..self.config.clone() },
            surroundings: Surroundings { clock: Arc::clone(&self.surroundings.clock) },
            keyring: self.keyring.clone(),
            opened: PerProcess::filled(generation, opened),
            closed: AtomicBool::new(false),
            borrowed: true,
        })
    }

    /// The engine; after a fork the child's first call opens its own.
    pub fn engine(&self) -> Result<Arc<Engine>> {
        Ok(Arc::clone(&self.opened()?.1.engine))
    }

    /// What the client's credential reaches, and the credential. Without one the client is the process itself.
    fn credential(&self, engine: &Arc<Engine>) -> Result<(Authority, Option<Arc<Session>>)> {
        let Some(key) = &self.config.api_key else { return Ok((Authority::everything(), None)) };
        let named = |text: &Option<String>| text.clone().filter(|text| text != DEFAULT_PROJECT);
        match block_on(engine.verify(key.text())) {
            Ok(verified) => {
                if let Some(account) = named(&self.config.account_id) {
                    let project = self.config.project_id.as_deref().unwrap_or(DEFAULT_PROJECT);
                    let (account, project) = (Id::parse("account", &account)?, Id::parse("project", project)?);
                    if self.config.project_id.is_some() {
                        verified.authority.check(&account, &project)?;
                    } else if verified.authority.account_id().is_some_and(|own| *own != account) {
                        return Err(crate::scope::outside());
                    }
                }
                let session = block_on(engine.session_of(Arc::clone(&verified)))?;
                Ok((verified.authority.clone(), Some(Arc::new(session))))
            }
            Err(error) if self.config.dev => {
                identity::pass_unknown_key(key.text(), error)?;
                let account = self.config.account_id.as_deref().unwrap_or(DEV_ACCOUNT);
                let project = self.config.project_id.as_deref().unwrap_or(DEFAULT_PROJECT);
                let (account, project) = (Id::parse("account", account)?, Id::parse("project", project)?);
                let verified = Arc::new(identity::dev_caller(account, project, "process"));
                let session = block_on(engine.session_of(Arc::clone(&verified)))?;
                Ok((verified.authority.clone(), Some(Arc::new(session))))
            }
            Err(error) => Err(error),
        }
    }

    fn make(&self, folder: Option<&Path>) -> Result<Engine> {
        let keyring = match (self.keyring.get(), &self.config.root_key, folder) {
            // A child of a fork may stand in another folder, from where the key's file is not found.
            (Some(found), ..) => found.clone(),
            // Nothing of a memory engine outlives it, so it needs no key from outside.
            (None, None, None) => Keyring::ephemeral()?,
            (None, given, _) => {
                let found = Keyring::open(given.clone())?;
                self.keyring.get_or_init(|| found).clone()
            }
        };
        Engine::open(folder, self.config.dev, keyring, Arc::clone(&self.surroundings.clock))
    }

    fn shared(&self, folder: &Path) -> Result<Arc<Engine>> {
        disk::make_folder(folder).map_err(|error| {
            let why = disk::unmade(folder, &error);
            let what = format!("the data folder `{}` cannot be made: {why}", folder.display());
            Error::unavailable("data_dir_unavailable", what)
                .with_help("choose another with data_dir, --data-dir or TENANTRY_DATA_DIR")
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
        let engine = Arc::new(self.make(Some(&path))?);
        engines.insert(path, Arc::downgrade(&engine));
        Ok(engine)
    }

    /// The client's own credential, while it stands.
    pub fn session(&self) -> Result<Option<Arc<Session>>> {
        Ok(self.opened()?.1.session.clone())
    }

    /// The engine, for what only the platform may do: accounts, projects, issuers, grants.
    pub async fn platform(&self) -> Result<Arc<Engine>> {
        let opened = self.opened()?;
        opened.1.authority.check_platform()?;
        let acting = Acting { session: opened.1.session.as_deref(), scope: None };
        opened.1.engine.allow(acting, identity::MANAGE).await?;
        Ok(Arc::clone(&opened.1.engine))
    }

    /// Whose a change by this client is, for the audit.
    pub fn by(&self) -> Result<String> {
        Ok(self.session()?.map_or_else(|| PROCESS.to_owned(), |session| session.verified.principal.id.clone()))
    }

    /// Refuses everyone but a client that reaches the whole platform.
    pub fn check_platform(&self) -> Result<()> {
        self.opened()?.1.authority.check_platform()
    }

    /// The caller of a guard call by this client.
    pub const fn caller<'a>(
        &'a self,
        principal: Option<&'a crate::api::Principal>,
        session: Option<&'a Session>,
    ) -> Caller<'a> {
        Caller { principal, session, headers: &self.config.default_headers, deadline: self.config.deadline }
    }

    /// The account and project the client itself is for.
    pub fn own_names(&self) -> Result<(String, String)> {
        let opened = self.opened()?;
        if let Some((account, project)) = opened.1.authority.only() {
            return Ok((account.to_string(), project.to_string()));
        }
        let account = opened.1.authority.account_id().map(ToString::to_string);
        match (account.or_else(|| self.config.account_id.clone()), &self.config.project_id) {
            (Some(account), project) => Ok((account, project.clone().unwrap_or_else(|| DEFAULT_PROJECT.into()))),
            (None, _) => Err(Error::invalid("tenant_missing", "the client has no account of its own")
                .with_help("name one with account_id and project_id, or use tenant(account, project)")),
        }
    }

    /// Refuses `tenant(account, project)` where only verified callers may name tenants.
    pub fn check_naming(&self) -> Result<()> {
        // A closed client says so first.
        self.opened()?;
        if !self.config.require_credentials {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::PermissionDenied,
            "credentials_required",
            "this client names tenants by verified credentials only",
        )
        .with_help("use authenticate(headers)"))
    }

    /// The instance of a project inside this client's authority.
    pub async fn tenant(&self, account: &str, project: &str) -> Result<Arc<Instance>> {
        let opened = self.opened()?;
        let (engine, authority) = (&opened.1.engine, &opened.1.authority);
        let (account, project) = (AccountId::parse("account", account)?, ProjectId::parse("project", project)?);
        authority.check(&account, &project)?;
        if let Some(session) = &opened.1.session {
            engine.refuse_successor(&session.verified, &account).await?;
        }
        let instance = match engine.tenants().instance(&account, &project).await {
            Err(error) if error.kind() == ErrorKind::NotFound && engine.is_dev() => {
                engine.make_up(&account, &project).await?;
                engine.tenants().instance(&account, &project).await?
            }
            result => result?,
        };
        authority.covers(instance.scope())?;
        Ok(instance)
    }

    /// Writes everything down. The engine goes when its last client does.
    pub async fn close(&self) -> Result<()> {
        if self.closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let Some(slot) = self.opened.get() else { return Ok(()) };
        let engine = Arc::clone(&slot.1.engine);
        drop(slot);
        if let Storage::Memory = self.config.storage {
            return Ok(());
        }
        // Whoever closes holds locks that others wait for, and may never poll again.
        to_the_end(async move { engine.settle().await }).await
    }
}
