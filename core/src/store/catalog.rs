//! Catalog: tenants, and the documents attached to them (policies, limits, settings, audit heads).

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, Row as SqlRow, Transaction, params};

use super::{
    sqlite::{Database, to_i64, to_u64},
    trust::{Proof, is_untrusted, readable, untrusted},
};
use crate::{
    api::{Status, TenantFacts},
    clock::BoxFuture,
    error::{Error, Result},
    keyring::RowKey,
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
    facts TEXT NOT NULL, created_at INTEGER NOT NULL, deleted_at INTEGER, version INTEGER NOT NULL, mac BLOB NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS tenants_living ON tenants (parent, folded) WHERE deleted_at IS NULL;
CREATE TABLE IF NOT EXISTS documents (
    scope BLOB NOT NULL, kind INTEGER NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL, version INTEGER NOT NULL,
    mac BLOB NOT NULL, PRIMARY KEY (scope, kind, name)
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
    /// Where that key was found, for the words of a refusal; nothing of it is kept.
    pub key_place: String,
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

    /// Names every row that does not prove itself.
    fn untrusted(&self) -> BoxFuture<'_, Result<Vec<Error>>>;

    /// The uids changed after change number `since`, by any process, and the newest number.
    fn changes(&self, since: u64) -> Result<(u64, Vec<Uid>)>;
}

/// [`Catalog`] over SQLite, in a file or in memory.
pub struct SqliteCatalog {
    database: Database,
    tenants: Proof,
    documents: Proof,
}

impl SqliteCatalog {
    /// Opens `catalog.db`, or memory when `path` is none. A folder made with another root key, for another mode than
    /// `asked.dev` says, or by a version that keeps things otherwise, is refused as it is.
    pub fn open(path: Option<&std::path::Path>, asked: &Installation, key: Arc<RowKey>) -> Result<Self> {
        let database = match path {
            Some(path) => Database::open(path, INSTALLATION)?,
            None => Database::memory(INSTALLATION)?,
        };
        let proof = Proof::new(Arc::clone(&key), "installation");
        let asked = asked.clone();
        let folder = path.and_then(std::path::Path::parent).unwrap_or_else(|| std::path::Path::new("")).to_owned();
        database.now(move |transaction| installed(transaction, &asked, &folder, &proof))?;
        let (tenants, documents) = (Proof::new(Arc::clone(&key), "tenants"), Proof::new(key, "documents"));
        Ok(Self { database, tenants, documents })
    }

    /// The database, for what else lies in `catalog.db`.
    #[must_use]
    pub const fn database(&self) -> &Database {
        &self.database
    }
}

/// Checks what the folder says of itself, or writes it into a new one.
fn installed(
    transaction: &Transaction<'_>,
    asked: &Installation,
    folder: &std::path::Path,
    proof: &Proof,
) -> Result<()> {
    let read = |name: &str| {
        let mut select = transaction.prepare_cached("SELECT value FROM installation WHERE name = ?1")?;
        readable(select.query_row([name], |row| row.get::<_, String>(0)).optional(), "installation", name)
    };
    let (key_id, mode, format) = (read("key_id")?, read("mode")?, read("format")?);
    if key_id.is_some() && format.as_deref() != Some(FORMAT) {
        return Err(Error::data("store_format", "this data folder was made by another version of Tenantry")
            .with_help("open it with the version that made it, or choose another data folder"));
    }
    transaction.execute_batch(SCHEMA)?;
    let Some(key_id) = key_id else {
        // What says nothing of itself and is not empty had its name taken away.
        if transaction.query_row("SELECT EXISTS (SELECT 1 FROM tenants)", [], |row| row.get::<_, bool>(0))? {
            return Err(untrusted("installation", "key_id"));
        }
        let mode = if asked.dev { "dev" } else { "production" };
        let mac = proof.tag(&[asked.key_id.as_bytes(), mode.as_bytes(), FORMAT.as_bytes()]);
        let mac = data_encoding::HEXLOWER.encode(&mac);
        for (name, value) in [("key_id", asked.key_id.as_str()), ("mode", mode), ("format", FORMAT), ("mac", &mac)] {
            transaction.execute("INSERT OR REPLACE INTO installation VALUES (?1, ?2)", [name, value])?;
        }
        return Ok(());
    };
    if key_id != asked.key_id {
        let (folder, own, place) = (folder.display(), &asked.key_id, &asked.key_place);
        return Err(Error::data(
            "root_key_mismatch",
            format!("the data folder `{folder}` was made with root key {key_id}, and the one {place} is {own}"),
        )
        .with_help("set TENANTRY_ROOT_KEY to the key the folder was made with, or TENANTRY_ROOT_KEY_FILE to the file that holds it; or choose another data folder"));
    }
    let (mode, mac) = (mode.unwrap_or_default(), read("mac")?.unwrap_or_default());
    let mac = data_encoding::HEXLOWER.decode(mac.as_bytes()).unwrap_or_default();
    proof.check(&[key_id.as_bytes(), mode.as_bytes(), FORMAT.as_bytes()], &mac, "mode")?;
    if (mode == "dev") != asked.dev {
        let (is, want) = if asked.dev { ("a production", "production") } else { ("a dev", "dev mode") };
        return Err(Error::invalid("dev_mode_mismatch", format!("this is {is} data folder; it opens in {want} only"))
            .with_help("choose another data folder"));
    }
    Ok(())
}

fn blob(uid: Uid) -> Vec<u8> {
    uid.as_bytes().to_vec()
}

fn read_uid(bytes: Vec<u8>) -> Result<Uid> {
    bytes.try_into().map(Uid::from_bytes).map_err(|_| Error::data("store_corrupt", "a stored uid has the wrong length"))
}

fn note_change(transaction: &rusqlite::Transaction<'_>, uid: &[u8]) -> Result<u64> {
    transaction.prepare_cached("INSERT INTO changes (scope) VALUES (?1)")?.execute([uid])?;
    to_u64(transaction.last_insert_rowid())
}

const TENANT_COLUMNS: &str = "id, uid, status, facts, created_at, parent, folded, deleted_at, version, mac";

/// A tenant as it lies on the disk.
struct StoredTenant {
    id: String,
    uid: Vec<u8>,
    status: String,
    facts: String,
    created_at: i64,
    parent: Vec<u8>,
    folded: String,
    deleted_at: Option<i64>,
    version: i64,
    mac: Vec<u8>,
}

impl StoredTenant {
    fn read(row: &SqlRow<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            uid: row.get(1)?,
            status: row.get(2)?,
            facts: row.get(3)?,
            created_at: row.get(4)?,
            parent: row.get(5)?,
            folded: row.get(6)?,
            deleted_at: row.get(7)?,
            version: row.get(8)?,
            mac: row.get(9)?,
        })
    }

    fn with_fields<T>(&self, use_them: impl FnOnce(&[&[u8]]) -> T) -> T {
        let deleted_at = self.deleted_at.map(i64::to_be_bytes);
        use_them(&[
            self.id.as_bytes(),
            &self.uid,
            self.status.as_bytes(),
            self.facts.as_bytes(),
            &self.created_at.to_be_bytes(),
            &self.parent,
            self.folded.as_bytes(),
            deleted_at.as_ref().map_or(&[], <[u8; 8]>::as_slice),
            &self.version.to_be_bytes(),
        ])
    }

    fn check(&self, proof: &Proof) -> Result<()> {
        self.with_fields(|fields| proof.check(fields, &self.mac, &self.id))
    }

    /// Writes it as it is now, as a version of its own.
    fn write(&mut self, transaction: &Transaction<'_>, proof: &Proof) -> Result<()> {
        self.version = self.version.saturating_add(1);
        self.mac = self.with_fields(|fields| proof.tag(fields));
        let insert = "INSERT OR REPLACE INTO tenants VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
        transaction.prepare_cached(insert)?.execute(params![
            self.uid,
            self.parent,
            self.id,
            self.folded,
            self.status,
            self.facts,
            self.created_at,
            self.deleted_at,
            self.version,
            self.mac
        ])?;
        Ok(())
    }

    fn row(self, proof: &Proof) -> Result<TenantRow> {
        self.check(proof)?;
        Ok(TenantRow {
            id: Id::parse("stored", &self.id)?,
            uid: read_uid(self.uid)?,
            status: if self.status == "suspended" { Status::Suspended } else { Status::Active },
            facts: serde_json::from_str(&self.facts).map_err(|error| {
                Error::data("store_corrupt", "stored tenant facts cannot be read").with_source(error)
            })?,
            created_at: self.created_at,
        })
    }
}

/// Living tenants that `condition` is true of, each proven.
fn stored_tenants(
    transaction: &Transaction<'_>,
    proof: &Proof,
    condition: &str,
    uid: &[u8],
) -> Result<Vec<StoredTenant>> {
    let mut statement = transaction
        .prepare_cached(&format!("SELECT {TENANT_COLUMNS} FROM tenants WHERE {condition} AND deleted_at IS NULL"))?;
    let rows = statement.query_map([uid], StoredTenant::read)?;
    rows.map(|row| {
        let row = readable(row, "tenants", &data_encoding::HEXLOWER.encode(uid))?;
        row.check(proof).map(|()| row)
    })
    .collect()
}

fn head(kind: i64, name: &str) -> bool {
    kind == DocumentKind::Head as i64 && name == crate::store::HEAD
}

/// Every document of a scope, each proven: one that was moved to another kind is met by whoever reads the scope. Heads carry a
/// signature of their own, and are `verify`'s to judge.
fn proven(connection: &Connection, proof: &Proof, uid: &[u8]) -> Result<Vec<(i64, Document)>> {
    let mut statement = connection
        .prepare_cached("SELECT kind, name, body, version, mac FROM documents WHERE scope = ?1 ORDER BY kind, name")?;
    let rows = statement.query_map([uid], |row| {
        let (kind, name): (i64, String) = (row.get(0)?, row.get(1)?);
        if head(kind, &name) {
            return Ok(None);
        }
        Ok(Some((kind, name, row.get::<_, String>(2)?, row.get::<_, i64>(3)?, row.get::<_, Vec<u8>>(4)?)))
    })?;
    let mut found = Vec::new();
    for row in rows {
        let row = readable(row, "documents", &data_encoding::HEXLOWER.encode(uid))?;
        let Some((kind, name, body, version, mac)) = row else { continue };
        document_fields(uid, kind, &name, &body, version, |fields| proof.check(fields, &mac, &name))?;
        found.push((kind, Document { name, body, version: to_u64(version)? }));
    }
    Ok(found)
}

fn document_fields<T>(
    uid: &[u8],
    kind: i64,
    name: &str,
    body: &str,
    version: i64,
    use_them: impl FnOnce(&[&[u8]]) -> T,
) -> T {
    use_them(&[uid, &kind.to_be_bytes(), name.as_bytes(), body.as_bytes(), &version.to_be_bytes()])
}

fn write_document(
    transaction: &Transaction<'_>,
    proof: &Proof,
    uid: &[u8],
    (kind, name, body): (DocumentKind, &str, &str),
    version: u64,
) -> Result<()> {
    let (kind, version) = (kind as i64, to_i64(version));
    let mac = if head(kind, name) {
        Vec::new()
    } else {
        document_fields(uid, kind, name, body, version, |fields| proof.tag(fields))
    };
    let insert = "INSERT OR REPLACE INTO documents VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    transaction.prepare_cached(insert)?.execute(params![uid, kind, name, body, version, mac])?;
    Ok(())
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
        let (tenants, proof) = (self.tenants.clone(), self.documents.clone());
        self.database.write(move |transaction| {
            let living = "SELECT EXISTS (SELECT 1 FROM tenants WHERE uid = ?1 AND deleted_at IS NULL)";
            if parent != blob(Uid::PLATFORM)
                && !transaction.query_row(living, [&parent], |row| row.get::<_, bool>(0))?
            {
                // Deleted since it was found: what is made below it now would outlive it, out of everybody's reach.
                return Err(Error::not_found("scope_not_found", "the account is deleted meanwhile"));
            }
            let folded = id.folded();
            let taken = transaction
                .prepare_cached("SELECT id FROM tenants WHERE parent = ?1 AND folded = ?2 AND deleted_at IS NULL")?
                .query_row(params![parent, folded], |row| row.get::<_, String>(0))
                .optional()?;
            if let Some(taken) = taken {
                return Err(Error::conflict("scope_exists", format!("`{taken}` exists already")));
            }
            let row = TenantRow { uid, id, status: Status::Active, facts, created_at: at };
            let facts = serde_json::to_string(&row.facts).map_err(|_| Error::internal("facts could not be written"))?;
            let mut stored = StoredTenant {
                id: row.id.to_string(),
                uid: blob(row.uid),
                status: row.status.name().to_owned(),
                facts,
                created_at: at,
                parent,
                folded,
                deleted_at: None,
                version: 0,
                mac: Vec::new(),
            };
            stored.write(transaction, &tenants)?;
            for (kind, name, body) in &documents {
                let version = note_change(transaction, &blob(row.uid))?;
                write_document(transaction, &proof, &blob(row.uid), (*kind, name, body), version)?;
            }
            Ok(row)
        })
    }

    fn find(&self, parent: &Scope, id: &Id) -> BoxFuture<'_, Result<Option<TenantRow>>> {
        let (parent, id, proof) = (blob(parent.uid()), id.clone(), self.tenants.clone());
        self.database.read(move |connection| {
            let found = connection
                .prepare_cached(&format!(
                    "SELECT {TENANT_COLUMNS} FROM tenants WHERE parent = ?1 AND folded = ?2 AND deleted_at IS NULL AND id = ?3"
                ))?
                .query_row(params![parent, id.folded(), id.as_str()], StoredTenant::read)
                .optional();
            readable(found, "tenants", id.as_str())?.map(|stored| stored.row(&proof)).transpose()
        })
    }

    fn list(&self, parent: &Scope) -> BoxFuture<'_, Result<Vec<TenantRow>>> {
        let (parent, proof) = (blob(parent.uid()), self.tenants.clone());
        self.database.write(move |transaction| {
            let mut rows = stored_tenants(transaction, &proof, "parent = ?1", &parent)?;
            rows.sort_by(|a, b| a.id.cmp(&b.id));
            rows.into_iter().map(|stored| stored.row(&proof)).collect()
        })
    }

    fn set_status(&self, scope: &Scope, status: Status) -> BoxFuture<'_, Result<()>> {
        let (uid, proof) = (blob(scope.uid()), self.tenants.clone());
        self.database.write(move |transaction| {
            for mut stored in stored_tenants(transaction, &proof, "uid = ?1", &uid)? {
                status.name().clone_into(&mut stored.status);
                stored.write(transaction, &proof)?;
            }
            note_change(transaction, &uid).map(drop)
        })
    }

    fn delete(&self, scope: &Scope, at: i64) -> BoxFuture<'_, Result<()>> {
        let (uid, proof) = (blob(scope.uid()), self.tenants.clone());
        self.database.write(move |transaction| {
            for mut stored in stored_tenants(transaction, &proof, "(uid = ?1 OR parent = ?1)", &uid)? {
                stored.deleted_at = Some(at);
                stored.write(transaction, &proof)?;
            }
            note_change(transaction, &uid).map(drop)
        })
    }

    fn documents(&self, scope: &Scope, kind: DocumentKind) -> BoxFuture<'_, Result<Vec<Document>>> {
        let (uid, proof) = (blob(scope.uid()), self.documents.clone());
        self.database.read(move |connection| {
            if kind != DocumentKind::Head {
                let all = proven(connection, &proof, &uid)?;
                return Ok(all.into_iter().filter(|one| one.0 == kind as i64).map(|(_, document)| document).collect());
            }
            let mut select =
                connection.prepare_cached("SELECT name, body FROM documents WHERE scope = ?1 AND kind = ?2")?;
            let rows = select.query_map(params![uid, kind as i64], |row| {
                // What is no text is no head, which is `verify`'s to say.
                Ok(Document { name: row.get(0)?, body: row.get(1).unwrap_or_default(), version: 0 })
            })?;
            readable(rows.collect(), "documents", crate::store::HEAD)
        })
    }

    fn put_document(
        &self,
        scope: &Scope,
        kind: DocumentKind,
        name: &str,
        body: Option<String>,
    ) -> BoxFuture<'_, Result<bool>> {
        let (uid, name, proof) = (blob(scope.uid()), name.to_owned(), self.documents.clone());
        self.database.write(move |transaction| {
            let existed = transaction
                .prepare_cached("SELECT 1 FROM documents WHERE scope = ?1 AND kind = ?2 AND name = ?3")?
                .query_row(params![uid, kind as i64, name], |_| Ok(()))
                .optional()?
                .is_some();
            if body.is_none() && !existed {
                // Nothing is removed, so nothing changes for anybody.
                return Ok(false);
            }
            let version = if kind.affects_decisions() { note_change(transaction, &uid)? } else { 0 };
            match body {
                Some(body) => write_document(transaction, &proof, &uid, (kind, &name, &body), version)?,
                None => {
                    let delete = "DELETE FROM documents WHERE scope = ?1 AND kind = ?2 AND name = ?3";
                    transaction.execute(delete, params![uid, kind as i64, name])?;
                }
            }
            Ok(existed)
        })
    }

    fn untrusted(&self) -> BoxFuture<'_, Result<Vec<Error>>> {
        let (tenants, documents) = (self.tenants.clone(), self.documents.clone());
        self.database.read(move |connection| {
            let mut found = Vec::new();
            let mut keep = |result: Result<()>| match result {
                Err(error) if is_untrusted(&error) => {
                    found.push(error);
                    Ok(())
                }
                other => other,
            };
            let mut statement = connection.prepare(&format!("SELECT {TENANT_COLUMNS} FROM tenants"))?;
            for row in statement.query_map([], StoredTenant::read)? {
                keep(readable(row, "tenants", "?").and_then(|stored| stored.check(&tenants)))?;
            }
            let mut statement = connection.prepare("SELECT DISTINCT scope FROM documents")?;
            let scopes = statement.query_map([], |row| Ok(row.get_ref(0)?.as_bytes().unwrap_or_default().to_vec()))?;
            for uid in scopes {
                keep(proven(connection, &documents, &uid?).map(drop))?;
            }
            Ok(found)
        })
    }

    fn changes(&self, since: u64) -> Result<(u64, Vec<Uid>)> {
        self.database.read_now(|connection| {
            let mut statement = connection
                .prepare_cached("SELECT sequence, scope FROM changes WHERE sequence > ?1 ORDER BY sequence")?;
            let mut rows = statement.query([to_i64(since)])?;
            let (mut newest, mut changed) = (since, Vec::new());
            while let Some(row) = rows.next()? {
                newest = newest.max(to_u64(row.get::<_, i64>(0)?)?);
                // A note that names nothing is no reason to miss the others.
                let uid = row.get::<_, Vec<u8>>(1).ok().and_then(|bytes| bytes.try_into().ok());
                changed.extend(uid.map(Uid::from_bytes));
            }
            Ok((newest, changed))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::block_on;

    fn key() -> Arc<RowKey> {
        let secret = crate::keyring::Secret::parse(&"5a".repeat(32)).unwrap();
        Arc::new(crate::keyring::Keyring::new(secret).row_key().unwrap())
    }

    fn installation(dev: bool) -> Installation {
        Installation { key_id: "k1".into(), key_place: "given in code".into(), dev }
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

    catalog_behaviour!(memory, || (SqliteCatalog::open(None, &installation(false), key()).unwrap(), ()));
    catalog_behaviour!(sqlite, || {
        let folder = tempfile::tempdir().unwrap();
        (SqliteCatalog::open(Some(&folder.path().join("catalog.db")), &installation(false), key()).unwrap(), folder)
    });

    #[test]
    fn another_root_key_or_mode_is_refused_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalog.db");
        drop(SqliteCatalog::open(Some(&path), &installation(false), key()).unwrap());
        let code =
            |asked: &Installation| SqliteCatalog::open(Some(&path), asked, key()).err().map(|e| e.code().to_owned());
        assert_eq!(code(&installation(true)).as_deref(), Some("dev_mode_mismatch"));
        let other = Installation { key_id: "k2".into(), ..installation(false) };
        assert_eq!(code(&other).as_deref(), Some("root_key_mismatch"));
        assert_eq!(code(&installation(false)), None);
    }
}
