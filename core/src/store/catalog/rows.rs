//! Rows of the catalog as they lie on the disk, each with its proof. Owns the tables.

use rusqlite::{Connection, Row as SqlRow, Transaction, params};

use super::{Document, DocumentKind, TenantRow};
use crate::{
    api::Status,
    error::{Error, Result},
    scope::{Id, Uid},
    store::{
        sqlite::{to_i64, to_u64},
        trust::{Proof, readable},
    },
};

pub const SCHEMA: &str = "
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

pub fn blob(uid: Uid) -> Vec<u8> {
    uid.as_bytes().to_vec()
}

fn read_uid(bytes: Vec<u8>) -> Result<Uid> {
    bytes.try_into().map(Uid::from_bytes).map_err(|_| Error::data("store_corrupt", "a stored uid has the wrong length"))
}

pub fn note_change(transaction: &rusqlite::Transaction<'_>, uid: &[u8]) -> Result<u64> {
    transaction.prepare_cached("INSERT INTO changes (scope) VALUES (?1)")?.execute([uid])?;
    to_u64(transaction.last_insert_rowid())
}

pub const TENANT_COLUMNS: &str = "id, uid, status, facts, created_at, parent, folded, deleted_at, version, mac";

/// A tenant as it lies on the disk.
pub struct StoredTenant {
    pub id: String,
    pub uid: Vec<u8>,
    pub status: String,
    pub facts: String,
    pub created_at: i64,
    pub parent: Vec<u8>,
    pub folded: String,
    pub deleted_at: Option<i64>,
    pub version: i64,
    pub mac: Vec<u8>,
}

impl StoredTenant {
    pub fn read(row: &SqlRow<'_>) -> rusqlite::Result<Self> {
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

    pub fn check(&self, proof: &Proof) -> Result<()> {
        self.with_fields(|fields| proof.check(fields, &self.mac, &self.id))
    }

    /// Writes it as it is now, as a version of its own.
    pub fn write(&mut self, transaction: &Transaction<'_>, proof: &Proof) -> Result<()> {
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

    pub fn row(self, proof: &Proof) -> Result<TenantRow> {
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
pub fn stored_tenants(
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
pub fn proven(connection: &Connection, proof: &Proof, uid: &[u8]) -> Result<Vec<(i64, Document)>> {
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

pub fn write_document(
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
