//! Catalog: tenants, and the documents attached to them (policies, limits, settings, audit heads).

mod installation;
mod rows;

use std::sync::Arc;

#[cfg(test)]
pub(super) use installation::FORMAT;
#[cfg(test)]
pub(super) use rows::SCHEMA;

use installation::{INSTALLATION, installed};
use rows::{StoredTenant, TENANT_COLUMNS, blob, note_change, proven, stored_tenants, write_document};
use rusqlite::{OptionalExtension as _, params};

use super::{
    sqlite::{Database, to_i64, to_u64},
    trust::{Proof, is_untrusted, readable},
};
use crate::{
    api::{Status, TenantFacts},
    clock::BoxFuture,
    error::{Error, Result},
    keyring::RowKey,
    scope::{Id, Layer, Scope, Uid},
};

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

    const fn of(number: i64) -> Option<Self> {
        match number {
            1 => Some(Self::Policy),
            2 => Some(Self::Limit),
            3 => Some(Self::Settings),
            4 => Some(Self::Head),
            _ => None,
        }
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

/// A document, and where in a hierarchy it is attached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// The layer of its scope.
    pub layer: Layer,
    /// What it is.
    pub kind: DocumentKind,
    /// The document.
    pub document: Document,
}

/// A chain's new head, and the one it follows; none where there was none.
#[derive(Clone, Debug)]
pub struct HeadChange {
    /// Whose chain.
    pub scope: Scope,
    /// The body of the head before.
    pub before: Option<String>,
    /// The body of the new one.
    pub body: String,
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

    /// The documents of `scope` and of what encloses it, heads aside, from the platform down, by kind and name: all of one moment.
    fn attached(&self, scope: &Scope) -> BoxFuture<'_, Result<Vec<Attached>>>;

    /// Writes a document, or removes it when `body` is none. Returns whether it existed before.
    fn put_document(
        &self,
        scope: &Scope,
        kind: DocumentKind,
        name: &str,
        body: Option<String>,
    ) -> BoxFuture<'_, Result<bool>>;

    /// Writes heads in one transaction, each only where there still stands what it follows.
    fn replace_heads(&self, heads: Vec<HeadChange>) -> BoxFuture<'_, Result<()>>;

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

    fn attached(&self, scope: &Scope) -> BoxFuture<'_, Result<Vec<Attached>>> {
        let mut levels = vec![(scope.layer(), blob(scope.uid()))];
        while let Some(parent) = levels.last().and_then(|(layer, _)| scope.at(*layer).ok()?.parent()) {
            levels.push((parent.layer(), blob(parent.uid())));
        }
        let proof = self.documents.clone();
        self.database.snapshot(move |connection| {
            let mut found = Vec::new();
            for (layer, uid) in levels.iter().rev() {
                let of_level = proven(connection, &proof, uid)?.into_iter();
                found.extend(of_level.filter_map(|(kind, document)| {
                    DocumentKind::of(kind).map(|kind| Attached { layer: *layer, kind, document })
                }));
            }
            Ok(found)
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

    fn replace_heads(&self, heads: Vec<HeadChange>) -> BoxFuture<'_, Result<()>> {
        let proof = self.documents.clone();
        self.database.write(move |transaction| {
            let mut select = transaction
                .prepare_cached("SELECT body FROM documents WHERE scope = ?1 AND kind = ?2 AND name = ?3")?;
            for HeadChange { scope, before, body } in &heads {
                let uid = blob(scope.uid());
                let stands = select.query_row(params![uid, DocumentKind::Head as i64, crate::store::HEAD], |row| {
                    // As `documents` reads it.
                    Ok(row.get::<_, String>(0).unwrap_or_default())
                });
                if stands.optional()? == *before {
                    write_document(transaction, &proof, &uid, (DocumentKind::Head, crate::store::HEAD, body), 0)?;
                }
            }
            Ok(())
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
mod tests;
