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
    access::{self, Caller, DEV_ACCOUNT},
    api::RequestCredentials,
    clock::{Clock, SystemClock},
    config::{Config, Storage},
    disk,
    error::{Error, ErrorKind, Result},
    guard::{Guard, Terms},
    identity,
    keyring::Keyring,
    rooms::Rooms,
    runtime::{PerProcess, block_on, run_to_completion},
    scope::{AccountId, Authority, DEFAULT_PROJECT, Id, ProjectId},
    tenant::Instance,
};

/// What tests replace: the clock.
pub struct Environment {
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

impl Default for Environment {
    fn default() -> Self {
        #[cfg(feature = "test-hooks")]
        if let Some(clock) = crate::testing::clock() {
            return Self { clock: Arc::new(clock) };
        }
        Self { clock: Arc::new(SystemClock::default()) }
    }
}

type ByFolder = Mutex<HashMap<PathBuf, Weak<Guard>>>;

/// What this process has open, by data folder: two clients on one folder share it.
static OPEN: PerProcess<ByFolder> = PerProcess::new();

/// One client over one engine.
pub struct Embedded {
    config: Config,
    environment: Environment,
    keyring: OnceLock<Keyring>,
    opened: PerProcess<Opened>,
    closed: AtomicBool,
    /// Whether it is somebody's view of another client, which ends with the process that gave it.
    borrowed: bool,
}

/// What a client has open, per process: a child of a fork opens the rooms and verifies its credential anew.
struct Opened {
    guard: Arc<Guard>,
    /// Whom the client acts as: the process, or whoever its credential was verified for.
    caller: Caller,
}

impl Opened {
    fn authority(&self) -> Authority {
        self.caller.authenticated.as_ref().map_or_else(Authority::everything, |own| own.verified.authority.clone())
    }
}

impl Embedded {
    /// Opens the engine, or joins the one this process has open on the same folder.
    pub fn open(config: Config, environment: Environment) -> Result<Self> {
        let embedded = Self {
            config,
            environment,
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
            let guard = match &self.config.storage {
                Storage::Memory => self.make(None)?,
                Storage::Folder(folder) => self.shared(folder)?,
            };
            let caller = self.own_caller(guard.rooms())?;
            Ok(Opened { guard, caller })
        })
    }

    /// The same installation with a caller's credential in the place of the client's own.
    pub async fn signed_in(&self, presented: &RequestCredentials) -> Result<Self> {
        let own = self.opened()?;
        let (generation, guard) = (own.0, Arc::clone(&own.1.guard));
        let caller = access::sign_in(guard.rooms(), presented).await?;
        let opened = Opened { guard, caller };
        Ok(Self {
            config: Config { require_credentials: false, account_id: None, project_id: None, ..self.config.clone() },
            environment: Environment { clock: Arc::clone(&self.environment.clock) },
            keyring: self.keyring.clone(),
            opened: PerProcess::filled(generation, opened),
            closed: AtomicBool::new(false),
            borrowed: true,
        })
    }

    /// What decides guard calls, and its rooms; after a fork the child's first call opens its own.
    pub fn guard(&self) -> Result<Arc<Guard>> {
        Ok(Arc::clone(&self.opened()?.1.guard))
    }

    /// Whom the client acts as. Without a credential it is the process itself.
    pub fn caller(&self) -> Result<Caller> {
        Ok(self.opened()?.1.caller.clone())
    }

    fn own_caller(&self, rooms: &Arc<Rooms>) -> Result<Caller> {
        let Some(key) = &self.config.api_key else { return Ok(Caller::process()) };
        let named = |text: &Option<String>| text.clone().filter(|text| text != DEFAULT_PROJECT);
        let verified = match block_on(access::verify(rooms, key.text())) {
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
                verified
            }
            Err(error) if self.config.dev => {
                identity::pass_unknown_key(key.text(), error)?;
                let account = self.config.account_id.as_deref().unwrap_or(DEV_ACCOUNT);
                let project = self.config.project_id.as_deref().unwrap_or(DEFAULT_PROJECT);
                let (account, project) = (Id::parse("account", account)?, Id::parse("project", project)?);
                Arc::new(identity::dev_caller(account, project, "process"))
            }
            Err(error) => return Err(error),
        };
        block_on(access::verified_caller(rooms, verified))
    }

    fn make(&self, folder: Option<&Path>) -> Result<Arc<Guard>> {
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
        let rooms = Rooms::open(folder, self.config.dev, keyring, Arc::clone(&self.environment.clock))?;
        Ok(Arc::new(Guard::new(Arc::new(rooms))))
    }

    fn shared(&self, folder: &Path) -> Result<Arc<Guard>> {
        disk::make_folder(folder).map_err(|error| {
            let why = disk::unmade(folder, &error);
            let what = format!("the data folder `{}` cannot be made: {why}", folder.display());
            Error::unavailable("data_dir_unavailable", what)
                .with_help("choose another with data_dir, --data-dir or TENANTRY_DATA_DIR")
                .with_source(error)
        })?;
        let path = folder.canonicalize()?;
        let open = OPEN.get_or_try_init(|| Ok(Mutex::default()))?;
        let mut open = open.1.lock();
        if let Some(guard) = open.get(&path).and_then(Weak::upgrade) {
            if guard.rooms().dev != self.config.dev {
                return Err(Error::invalid("dev_mode_mismatch", "this process has the folder open in the other mode"));
            }
            return Ok(guard);
        }
        open.retain(|_, guard| guard.strong_count() > 0);
        let guard = self.make(Some(&path))?;
        open.insert(path, Arc::downgrade(&guard));
        Ok(guard)
    }

    /// How this client has its calls done.
    pub const fn terms(&self) -> Terms<'_> {
        Terms { headers: &self.config.default_headers, deadline: self.config.deadline }
    }

    /// The account and project the client itself is for.
    pub fn own_names(&self) -> Result<(String, String)> {
        let opened = self.opened()?;
        let authority = opened.1.authority();
        if let Some((account, project)) = authority.only() {
            return Ok((account.to_string(), project.to_string()));
        }
        let account = authority.account_id().map(ToString::to_string);
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
        let (rooms, authority) = (opened.1.guard.rooms(), opened.1.authority());
        let (account, project) = (AccountId::parse("account", account)?, ProjectId::parse("project", project)?);
        authority.check(&account, &project)?;
        if let Some(own) = &opened.1.caller.authenticated {
            access::refuse_successor(rooms, &own.verified, &account).await?;
        }
        let instance = match rooms.tenants.instance(&account, &project).await {
            Err(error) if error.kind() == ErrorKind::NotFound && rooms.dev => {
                access::auto_create(rooms, &account, &project).await?;
                rooms.tenants.instance(&account, &project).await?
            }
            result => result?,
        };
        authority.covers(instance.scope())?;
        Ok(instance)
    }

    /// Writes everything down. The rooms close when their last client does.
    pub async fn close(&self) -> Result<()> {
        if self.closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let Some(slot) = self.opened.get() else { return Ok(()) };
        let guard = Arc::clone(&slot.1.guard);
        drop(slot);
        if let Storage::Memory = self.config.storage {
            return Ok(());
        }
        // Whoever closes holds locks that others wait for, and may never poll again.
        run_to_completion(async move { guard.settle().await }).await
    }
}
