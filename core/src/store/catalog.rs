//! Catalog: tenants, and the documents attached to them (policies, limits, settings, audit heads).

use rusqlite::{OptionalExtension as _, Row as SqlRow, params};

use super::sqlite::{Database, to_i64, to_u64};
use crate::{
    api::{Status, TenantFacts},
    clock::BoxFuture,
    error::{Error, Result},
    scope::{Id, Scope, Uid},
};

/// What a folder says of itself; looked at before anything else, so it never changes.
const INSTALLATION: &str = "
CREATE TABLE IF NOT EXISTS installation (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
";
/// The shape of all that lies in a data folder. To be raised with every change of it (a test in `store` notices tables).
pub(super) const FORMAT: &str = "3";

pub(super) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS tenants (
    uid BLOB PRIMARY KEY, parent BLOB NOT NULL, id TEXT NOT NULL, folded TEXT NOT NULL, status TEXT NOT NULL,
    facts TEXT NOT NULL, created_at INTEGER NOT NULL, deleted_at INTEGER
) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS tenants_living ON tenants (parent, folded) WHERE deleted_at IS NULL;
CREATE TABLE IF NOT EXISTS documents (
    scope BLOB NOT NULL, kind INTEGER NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL, version INTEGER NOT NULL,
    PRIMARY KEY (scope, kind, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS changes (sequence INTEGER PRIMARY KEY AUTOINCREMENT, scope BLOB NOT NULL);
";

/// An account or project as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct TenantRow {
    /// The external id.
    pub id: Id,
    /// The internal id.
    pub uid: Uid,
    /// Whether calls are decided.
    pub status: Status,
    /// Facts about it.
    pub facts: TenantFacts,
    /// Creation time, microseconds since 1970.
    pub created_at: i64,
}

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i64)]
pub enum DocumentKind {
    /// A policy text with its mode.
    Policy = 1,
    /// A rate limit.
    Limit = 2,
    /// Settings of a project.
    Settings = 3,
    /// The newest signed audit head.
    Head = 4,
}

impl DocumentKind {
    /// Whether a change of it changes decisions, so that snapshots must be rebuilt.
    const fn affects_decisions(self) -> bool {
        !matches!(self, Self::Head)
    }
}

/// A named JSON text attached to a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The name, unique within its scope and kind.
    pub name: String,
    /// JSON.
    pub body: String,
    /// Counts every write in this installation; never reused.
    pub version: u64,
}

/// Facts fixed when a data folder is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// Which root key its derived keys come from.
    pub key_id: String,
    /// Whether it is for dev mode, for ever.
    pub dev: bool,
}

/// Tenants and their documents. Every method takes the scope it acts in.
pub trait Catalog: Send + Sync {
    /// Adds a tenant of a fresh `uid` below `parent` with its first documents (kind, name, body), all or nothing; `Conflict` when a living
    /// one's id differs at most in case.
    fn create(
        &self,
        parent: &Scope,
        uid: Uid,
        id: &Id,
        facts: &TenantFacts,
        at: i64,
        documents: Vec<(DocumentKind, String, String)>,
    ) -> BoxFuture<'_, Result<TenantRow>>;

    /// A living tenant below `parent`, by exact id.
    fn find(&self, parent: &Scope, id: &Id) -> BoxFuture<'_, Result<Option<TenantRow>>>;

    /// All living tenants below `parent`, by id.
    fn list(&self, parent: &Scope) -> BoxFuture<'_, Result<Vec<TenantRow>>>;

    /// Changes whether calls are decided.
    fn set_status(&self, scope: &Scope, status: Status) -> BoxFuture<'_, Result<()>>;

    /// Leaves a tombstone for `scope` and everything below it; their uids never come back.
    fn delete(&self, scope: &Scope, at: i64) -> BoxFuture<'_, Result<()>>;

    /// The documents of one kind attached to `scope`, by name.
    fn documents(&self, scope: &Scope, kind: DocumentKind) -> BoxFuture<'_, Result<Vec<Document>>>;

    /// Writes a document, or removes it when `body` is none. Returns whether it existed before.
    fn put_document(
        &self,
        scope: &Scope,
        kind: DocumentKind,
        name: &str,
        body: Option<String>,
    ) -> BoxFuture<'_, Result<bool>>;

    /// The uids changed after change number `since`, by any process, and the newest number.
    fn changes(&self, since: u64) -> Result<(u64, Vec<Uid>)>;
}

/// [`Catalog`] over SQLite, in a file or in memory.
pub struct SqliteCatalog(Database);

impl SqliteCatalog {
    /// Opens `catalog.db`, or memory when `path` is none. A folder made with another root key, for another mode than
    /// `asked.dev` says, or by a version that keeps things otherwise, is refused as it is.
    pub fn open(path: Option<&std::path::Path>, asked: &Installation) -> Result<Self> {
        let database = match path {
            Some(path) => Database::open(path, INSTALLATION)?,
            None => Database::memory(INSTALLATION)?,
        };
        let asked = asked.clone();
        let found = database.now(move |transaction| {
            let read = |name: &str| {
                transaction
                    .query_row("SELECT value FROM installation WHERE name = ?1", [name], |row| row.get::<_, String>(0))
                    .optional()
            };
            let found = match (read("key_id")?, read("mode")?) {
                (Some(key_id), Some(mode)) => Some(Installation { key_id, dev: mode == "dev" }),
                _ => None,
            };
            if let (Some(_), format) = (&found, read("format")?)
                && format.as_deref() != Some(FORMAT)
            {
                return Err(Error::data("store_format", "this data folder was made by another version of Tenantry")
                    .with_help("open it with the version that made it, or choose another data folder"));
            }
            transaction.execute_batch(SCHEMA)?;
            if let Some(found) = found {
                return Ok((found, asked));
            }
            let mode = if asked.dev { "dev" } else { "production" };
            for (name, value) in [("key_id", asked.key_id.as_str()), ("mode", mode), ("format", FORMAT)] {
                transaction.execute("INSERT INTO installation VALUES (?1, ?2)", [name, value])?;
            }
            Ok((asked.clone(), asked))
        })?;
        let (found, asked) = found;
        if found.key_id != asked.key_id {
            return Err(Error::new(
                crate::error::ErrorKind::Data,
                "root_key_mismatch",
                format!("this data folder belongs to root key {}, but {} was given", found.key_id, asked.key_id),
            )
            .with_help("set TENANTRY_ROOT_KEY to the key the folder was made with"));
        }
        if found.dev != asked.dev {
            let (is, want) = if found.dev { ("a dev", "dev mode") } else { ("a production", "production") };
            return Err(Error::invalid(
                "dev_mode_mismatch",
                format!("this is {is} data folder; it opens in {want} only"),
            )
            .with_help("choose another data folder"));
        }
        Ok(Self(database))
    }

    /// The database, for what else lies in `catalog.db`.
    #[must_use]
    pub const fn database(&self) -> &Database {
        &self.0
    }
}

fn blob(uid: Uid) -> Vec<u8> {
    uid.as_bytes().to_vec()
}

fn read_uid(bytes: Vec<u8>) -> Result<Uid> {
    bytes.try_into().map(Uid::from_bytes).map_err(|_| Error::data("store_corrupt", "a stored uid has the wrong length"))
}

fn note_change(transaction: &rusqlite::Transaction<'_>, uid: &[u8]) -> Result<u64> {
    transaction.execute("INSERT INTO changes (scope) VALUES (?1)", [uid])?;
    to_u64(transaction.last_insert_rowid())
}

const TENANT_COLUMNS: &str = "id, uid, status, facts, created_at";

type RawTenant = (String, Vec<u8>, String, String, i64);

fn raw_tenant(row: &SqlRow<'_>) -> rusqlite::Result<RawTenant> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
}

fn tenant_row((id, uid, status, facts, created_at): RawTenant) -> Result<TenantRow> {
    Ok(TenantRow {
        id: Id::parse("stored", &id)?,
        uid: read_uid(uid)?,
        status: if status == "suspended" { Status::Suspended } else { Status::Active },
        facts: serde_json::from_str(&facts)
            .map_err(|error| Error::data("store_corrupt", "stored tenant facts cannot be read").with_source(error))?,
        created_at,
    })
}

impl Catalog for SqliteCatalog {
    fn create(
        &self,
        parent: &Scope,
        uid: Uid,
        id: &Id,
        facts: &TenantFacts,
        at: i64,
        documents: Vec<(DocumentKind, String, String)>,
    ) -> BoxFuture<'_, Result<TenantRow>> {
        let (parent, id, facts) = (blob(parent.uid()), id.clone(), facts.clone());
        self.0.write(move |transaction| {
            let folded = id.folded();
            let taken = transaction
                .query_row(
                    "SELECT id FROM tenants WHERE parent = ?1 AND folded = ?2 AND deleted_at IS NULL",
                    params![parent, folded],
                    |row| row.get::<_, String>(0),
                )
                .optional()?;
            if let Some(taken) = taken {
                return Err(Error::conflict("scope_exists", format!("`{taken}` exists already")));
            }
            let row = TenantRow { uid, id, status: Status::Active, facts, created_at: at };
            let facts = serde_json::to_string(&row.facts).map_err(|_| Error::internal("facts could not be written"))?;
            transaction.execute(
                "INSERT INTO tenants VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, NULL)",
                params![blob(row.uid), parent, row.id.as_str(), folded, row.status.name(), facts, at],
            )?;
            for (kind, name, body) in &documents {
                let version = note_change(transaction, &blob(row.uid))?;
                transaction.execute(
                    "INSERT INTO documents VALUES (?1, ?2, ?3, ?4, ?5)",
                    params![blob(row.uid), *kind as i64, name, body, to_i64(version)],
                )?;
            }
            Ok(row)
        })
    }

    fn find(&self, parent: &Scope, id: &Id) -> BoxFuture<'_, Result<Option<TenantRow>>> {
        let (parent, id) = (blob(parent.uid()), id.clone());
        self.0.read(move |connection| {
            connection
                .prepare_cached(&format!(
                    "SELECT {TENANT_COLUMNS} FROM tenants WHERE parent = ?1 AND folded = ?2 AND deleted_at IS NULL AND id = ?3"
                ))?
                .query_row(params![parent, id.folded(), id.as_str()], raw_tenant)
                .optional()?
                .map(tenant_row)
                .transpose()
        })
    }

    fn list(&self, parent: &Scope) -> BoxFuture<'_, Result<Vec<TenantRow>>> {
        let parent = blob(parent.uid());
        self.0.read(move |connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {TENANT_COLUMNS} FROM tenants WHERE parent = ?1 AND deleted_at IS NULL ORDER BY id"
            ))?;
            let rows = statement.query_map([parent], raw_tenant)?.collect::<rusqlite::Result<Vec<_>>>()?;
            rows.into_iter().map(tenant_row).collect()
        })
    }

    fn set_status(&self, scope: &Scope, status: Status) -> BoxFuture<'_, Result<()>> {
        let uid = blob(scope.uid());
        self.0.write(move |transaction| {
            transaction.execute("UPDATE tenants SET status = ?2 WHERE uid = ?1", params![uid, status.name()])?;
            note_change(transaction, &uid).map(drop)
        })
    }

    fn delete(&self, scope: &Scope, at: i64) -> BoxFuture<'_, Result<()>> {
        let uid = blob(scope.uid());
        self.0.write(move |transaction| {
            transaction.execute(
                "UPDATE tenants SET deleted_at = ?2 WHERE (uid = ?1 OR parent = ?1) AND deleted_at IS NULL",
                params![uid, at],
            )?;
            note_change(transaction, &uid).map(drop)
        })
    }

    fn documents(&self, scope: &Scope, kind: DocumentKind) -> BoxFuture<'_, Result<Vec<Document>>> {
        let uid = blob(scope.uid());
        self.0.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT name, body, version FROM documents WHERE scope = ?1 AND kind = ?2 ORDER BY name",
            )?;
            let rows = statement
                .query_map(params![uid, kind as i64], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)?)))?
                .collect::<rusqlite::Result<Vec<(String, String, i64)>>>()?;
            rows.into_iter()
                .map(|(name, body, version)| Ok(Document { name, body, version: to_u64(version)? }))
                .collect()
        })
    }

    fn put_document(
        &self,
        scope: &Scope,
        kind: DocumentKind,
        name: &str,
        body: Option<String>,
    ) -> BoxFuture<'_, Result<bool>> {
        let (uid, name) = (blob(scope.uid()), name.to_owned());
        self.0.write(move |transaction| {
            let existed = transaction
                .query_row(
                    "SELECT 1 FROM documents WHERE scope = ?1 AND kind = ?2 AND name = ?3",
                    params![uid, kind as i64, name],
                    |_| Ok(()),
                )
                .optional()?
                .is_some();
            let version = if kind.affects_decisions() { note_change(transaction, &uid)? } else { 0 };
            match body {
                Some(body) => transaction.execute(
                    "INSERT INTO documents VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT DO UPDATE SET body = excluded.body, version = excluded.version",
                    params![uid, kind as i64, name, body, to_i64(version)],
                )?,
                None => transaction.execute(
                    "DELETE FROM documents WHERE scope = ?1 AND kind = ?2 AND name = ?3",
                    params![uid, kind as i64, name],
                )?,
            };
            Ok(existed)
        })
    }

    fn changes(&self, since: u64) -> Result<(u64, Vec<Uid>)> {
        self.0.read_now(|connection| {
            let mut statement = connection
                .prepare_cached("SELECT sequence, scope FROM changes WHERE sequence > ?1 ORDER BY sequence")?;
            let rows = statement
                .query_map([to_i64(since)], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?)))?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            let newest = rows.last().map_or(Ok(since), |(sequence, _)| to_u64(*sequence))?;
            Ok((newest, rows.into_iter().map(|(_, uid)| read_uid(uid)).collect::<Result<_>>()?))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::block_on;

    fn installation(dev: bool) -> Installation {
        Installation { key_id: "k1".into(), dev }
    }

    macro_rules! catalog_behaviour {
        ($name:ident, $make:expr) => {
            mod $name {
                use super::*;

                fn with(work: impl FnOnce(&SqliteCatalog)) {
                    #[allow(clippy::redundant_closure_call)]
                    let (catalog, _keep) = $make();
                    work(&catalog);
                }

                fn id(text: &str) -> Id {
                    Id::parse("test", text).unwrap()
                }

                fn create(catalog: &SqliteCatalog, text: &str) -> Result<TenantRow> {
                    let uid = Uid::random().unwrap();
                    block_on(catalog.create(
                        &Scope::mint_platform(),
                        uid,
                        &id(text),
                        &TenantFacts::default(),
                        1,
                        Vec::new(),
                    ))
                }

                #[test]
                fn ids_that_differ_in_case_only_collide() {
                    with(|catalog| {
                        create(catalog, "Acme").unwrap();
                        assert_eq!(create(catalog, "aCME").unwrap_err().code(), "scope_exists");
                        // And a lookup never folds.
                        let found = block_on(catalog.find(&Scope::mint_platform(), &id("acme"))).unwrap();
                        assert_eq!(found, None);
                    });
                }

                #[test]
                fn a_recreated_tenant_has_a_new_uid_and_none_of_the_old_documents() {
                    with(|catalog| {
                        let platform = Scope::mint_platform();
                        let old = create(catalog, "acme").unwrap();
                        let scope = Scope::mint_account(old.id.clone(), old.uid);
                        block_on(catalog.put_document(&scope, DocumentKind::Policy, "p", Some("{}".into()))).unwrap();
                        block_on(catalog.delete(&scope, 2)).unwrap();
                        assert!(block_on(catalog.list(&platform)).unwrap().is_empty());
                        let new = create(catalog, "acme").unwrap();
                        assert_ne!(new.uid, old.uid);
                        let scope = Scope::mint_account(new.id, new.uid);
                        assert!(block_on(catalog.documents(&scope, DocumentKind::Policy)).unwrap().is_empty());
                    });
                }

                #[test]
                fn every_decision_relevant_write_is_a_change_and_heads_are_not() {
                    with(|catalog| {
                        let row = create(catalog, "acme").unwrap();
                        let scope = Scope::mint_account(row.id, row.uid);
                        let put = |kind| block_on(catalog.put_document(&scope, kind, "x", Some("1".into()))).unwrap();
                        let (before, _) = catalog.changes(0).unwrap();
                        put(DocumentKind::Head);
                        assert_eq!(catalog.changes(before).unwrap(), (before, vec![]));
                        put(DocumentKind::Limit);
                        assert_eq!(catalog.changes(before).unwrap(), (before + 1, vec![row.uid]));
                    });
                }
            }
        };
    }

    catalog_behaviour!(memory, || (SqliteCatalog::open(None, &installation(false)).unwrap(), ()));
    catalog_behaviour!(sqlite, || {
        let folder = tempfile::tempdir().unwrap();
        (SqliteCatalog::open(Some(&folder.path().join("catalog.db")), &installation(false)).unwrap(), folder)
    });

    #[test]
    fn another_root_key_or_mode_is_refused_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalog.db");
        drop(SqliteCatalog::open(Some(&path), &installation(false)).unwrap());
        let code = |asked: &Installation| SqliteCatalog::open(Some(&path), asked).err().map(|e| e.code().to_owned());
        assert_eq!(code(&installation(true)).as_deref(), Some("dev_mode_mismatch"));
        let other = Installation { key_id: "k2".into(), dev: false };
        assert_eq!(code(&other).as_deref(), Some("root_key_mismatch"));
        assert_eq!(code(&installation(false)), None);
    }
}
