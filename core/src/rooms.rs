//! The rooms over one data folder, opened and closed together. Owns nothing else: `access`, `guard` and `operations` take from
//! here the rooms they need.

mod background;
mod changes;

use std::{
    path::Path,
    sync::{Arc, atomic::AtomicBool},
};

use serde_json::Value;

pub use changes::Turn;

use crate::{
    api::AuditClass,
    audit::Audit,
    clock::Clock,
    disk, entropy,
    error::{Error, Result},
    identity::IdentityService,
    keyring::{Keyring, Sealer},
    quota::Quota,
    runtime,
    scope::Scope,
    session::SessionStore,
    store::{
        Catalog, Entry, Installation, Ledger, MemoryCounters, MemorySessions, Sessions, SqliteCatalog, SqliteCounters,
        SqliteCredentials, SqliteLedger, SqliteSessions,
    },
    tenant::Tenants,
};

/// Every room of one installation.
pub struct Rooms {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Accounts, projects and what is attached to them.
    pub tenants: Tenants,
    /// Rate limits.
    pub quota: Quota,
    /// Guard history of conversations.
    pub sessions: SessionStore,
    /// Chains of what happened.
    pub audit: Audit,
    /// Credentials and what they mean.
    pub identity: IdentityService,
    /// Encrypts what only this installation may read.
    pub sealer: Sealer,
    /// Whose turn it is to change a scope.
    pub changes: changes::Changes,
    /// Whether this is dev mode.
    pub dev: bool,
    /// The process that opened the rooms; a child of a fork has no business in them.
    pub generation: u32,
    background: AtomicBool,
    // Memory has nothing to write behind and nobody to follow.
    durable: bool,
}

impl Rooms {
    /// Opens the rooms over `folder`, or over memory when there is none.
    ///
    /// # Errors
    /// `data_dir_unavailable` for a folder that cannot be made, and whatever keeps a store from opening.
    pub fn open(folder: Option<&Path>, dev: bool, keyring: Keyring, clock: Arc<dyn Clock>) -> Result<Self> {
        if let Some(folder) = folder {
            disk::make_folder(folder).map_err(|error| {
                Error::unavailable(
                    "data_dir_unavailable",
                    format!("the data folder `{}` cannot be made: {}", folder.display(), disk::unmade(folder, &error)),
                )
                .with_help("choose another with data_dir, --data-dir or TENANTRY_DATA_DIR")
                .with_source(error)
            })?;
        }
        let file = |name: &str| folder.map(|folder| folder.join(name));
        let installation =
            Installation { key_id: keyring.id().to_owned(), key_place: keyring.place().to_string(), dev };
        let rows = Arc::new(keyring.row_key()?);
        let catalog = SqliteCatalog::open(file("catalog.db").as_deref(), &installation, Arc::clone(&rows))?;
        let credentials = Arc::new(SqliteCredentials::over(catalog.database(), rows)?);
        let catalog: Arc<dyn Catalog> = Arc::new(catalog);
        let ledger: Arc<dyn Ledger> = Arc::new(SqliteLedger::open(folder.map(|folder| (folder, &keyring)))?);
        let sessions: Arc<dyn Sessions> = match file("projects") {
            Some(folder) => Arc::new(SqliteSessions::new(folder, keyring.clone())?),
            None => Arc::new(MemorySessions::default()),
        };
        let shared = Arc::new(SqliteCounters::open(file("counters.db").as_deref(), Arc::clone(&clock))?);
        Ok(Self {
            tenants: Tenants::new(Arc::clone(&catalog), keyring.clone(), Arc::clone(&clock))?,
            quota: Quota::new(Arc::new(MemoryCounters::new(Arc::clone(&clock))), shared, &keyring, Arc::clone(&clock))?,
            sessions: SessionStore::new(sessions, folder.is_some()),
            identity: IdentityService::new(credentials, &keyring, Arc::clone(&clock))?,
            sealer: keyring.sealer()?,
            audit: Audit::new(ledger, catalog, keyring, Arc::clone(&clock)),
            changes: changes::Changes::default(),
            clock,
            dev,
            generation: runtime::generation(),
            background: AtomicBool::new(false),
            durable: folder.is_some(),
        })
    }

    /// Writes a row about something other than a decision into the chain of `scope`.
    ///
    /// # Errors
    /// `audit_unavailable` when it cannot be written.
    pub async fn audit_event(&self, scope: &Scope, kind: &str, body: Value) -> Result<()> {
        let id = entropy::request_id();
        let text = body.to_string();
        let at = self.clock.now().wall_micros;
        let entry = Entry { at, kind, request_id: &id, decision: "", body: &text, spend: None };
        self.audit.record(scope, AuditClass::Standard, &entry).await
    }
}

impl Drop for Rooms {
    /// The last client is gone: gives up the journal, so that no other process has to adopt it.
    fn drop(&mut self) {
        if self.generation == runtime::generation() {
            self.close();
        }
    }
}
