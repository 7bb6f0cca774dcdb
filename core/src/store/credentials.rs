//! Credentials: everything identity must not forget, one kind of row for all of it. Keys, refresh tokens and what was
//! revoked are found by ids nobody can guess; a change is seen by every process that shares the folder.

use std::sync::Arc;

use rusqlite::{Connection, Row as SqlRow, Transaction, params};

use super::{
    sqlite::{Database, to_i64, to_u64},
    trust::{Proof, is_untrusted, readable},
};
use crate::{
    clock::BoxFuture,
    error::{Error, ErrorKind, Result},
    keyring::RowKey,
    scope::{Scope, Uid},
};

pub(super) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS credentials (
    kind INTEGER NOT NULL, id TEXT NOT NULL, scope BLOB NOT NULL, body TEXT NOT NULL, version INTEGER NOT NULL,
    ends_at INTEGER NOT NULL, used_at INTEGER NOT NULL DEFAULT 0, mac BLOB NOT NULL, PRIMARY KEY (kind, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS credentials_of ON credentials (scope, kind);
CREATE INDEX IF NOT EXISTS credentials_ending ON credentials (ends_at);
CREATE TABLE IF NOT EXISTS credential_changes (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, id TEXT NOT NULL
);
";

/// Notes of change that are kept for processes that were asleep; one that misses some reads everything anew.
const KEPT_CHANGES: i64 = 10_000;
/// A row that never ends.
pub const NEVER: i64 = i64::MAX;

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i64)]
pub enum CredentialRowKind {
    /// An API key.
    Key = 1,
    /// A refresh token.
    Refresh = 2,
    /// The id of a credential that is taken no more.
    Revocation = 3,
    /// A key that signs our tokens, sealed.
    SigningKey = 4,
    /// A cross-tenant grant.
    Grant = 5,
    /// An issuer whose tokens are taken.
    Issuer = 6,
    /// The platform's settings of identity.
    Settings = 7,
    /// An API key another system made.
    ImportedKey = 8,
    /// The name of an account that was deleted.
    Retired = 9,
}

impl CredentialRowKind {
    const ALL: [Self; 9] = [
        Self::Key,
        Self::Refresh,
        Self::Revocation,
        Self::SigningKey,
        Self::Grant,
        Self::Issuer,
        Self::Settings,
        Self::ImportedKey,
        Self::Retired,
    ];

    fn read(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as i64 == number)
    }
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialRow {
    /// What it is.
    pub kind: CredentialRowKind,
    /// Unique within its kind.
    pub id: String,
    /// Whose it is.
    pub scope: Uid,
    /// JSON.
    pub body: String,
    /// Counts its changes; a change names the version it saw.
    pub version: u64,
    /// When it may be forgotten, microseconds since 1970.
    pub ends_at: i64,
    /// When it was last used, microseconds since 1970; 0 for never.
    pub used_at: i64,
}

impl CredentialRow {
    /// A row to insert.
    #[must_use]
    pub fn new(kind: CredentialRowKind, scope: &Scope, id: String, body: String, ends_at: i64) -> Self {
        Self { kind, id, scope: scope.uid(), body, version: 0, ends_at, used_at: 0 }
    }
}

/// A row that does not prove itself, by what it says of itself.
#[derive(Clone, Debug)]
pub struct UntrustedRow {
    /// What it claims to be; none where that is nothing we know.
    pub kind: Option<CredentialRowKind>,
    /// Its id.
    pub id: String,
    /// Whose it claims to be.
    pub scope: Option<Uid>,
    /// What whoever reads it is told.
    pub error: Error,
}

/// A row that changed: its kind and id.
pub type Changed = (CredentialRowKind, String);

/// Rows of identity.
pub trait Credentials: Send + Sync {
    /// Adds rows, all or nothing. `Conflict` when an id is taken; `QuotaExceeded` when the first row's scope would hold
    /// more than `cap` rows of its kind that have not ended by `now`.
    fn insert(&self, rows: Vec<CredentialRow>, cap: Option<(usize, i64)>) -> BoxFuture<'_, Result<()>>;

    /// One row.
    fn find(&self, kind: CredentialRowKind, id: &str) -> BoxFuture<'_, Result<Option<CredentialRow>>>;

    /// The rows of one kind of a scope, by id; refused when one of them does not prove itself. Of all scopes when none is given:
    /// then those are left out, so that one tenant's end no other's, and [`Credentials::untrusted`] names them.
    fn list(&self, kind: CredentialRowKind, scope: Option<&Scope>) -> BoxFuture<'_, Result<Vec<CredentialRow>>>;

    /// The rows that do not prove themselves, except of these kinds.
    fn untrusted(&self, except: &'static [CredentialRowKind]) -> BoxFuture<'_, Result<Vec<UntrustedRow>>>;

    /// Writes `row` over the version it was read at and adds `more`, all or nothing; whether that version still stood.
    fn replace(&self, row: CredentialRow, more: Vec<CredentialRow>) -> BoxFuture<'_, Result<bool>>;

    /// Removes a row; whether it existed.
    fn remove(&self, kind: CredentialRowKind, id: &str) -> BoxFuture<'_, Result<bool>>;

    /// Notes when keys were last used. No change that others must see.
    fn used(&self, keys: Vec<(String, i64)>) -> BoxFuture<'_, Result<()>>;

    /// Forgets refresh tokens, revocations and grants that ended before `now`, and old notes of change.
    fn purge(&self, now: i64) -> BoxFuture<'_, Result<()>>;

    /// Forgets what was revoked in a scope that was deleted: its uid is never met again, and neither is a credential for it.
    fn forget_revoked(&self, scope: &Scope) -> BoxFuture<'_, Result<()>>;

    /// What changed after change number `since`, by any process, and the newest number. With `u64::MAX` the number alone.
    fn changes(&self, since: u64) -> BoxFuture<'_, Result<(u64, Vec<Changed>)>>;
}

/// [`Credentials`] over the catalog's SQLite database.
pub struct SqliteCredentials(Database, Proof);

impl SqliteCredentials {
    /// Adds the tables to an open database.
    pub fn over(database: &Database, key: Arc<RowKey>) -> Result<Self> {
        database.now(|transaction| Ok(transaction.execute_batch(SCHEMA)?))?;
        Ok(Self(database.clone(), Proof::new(key, "credentials")))
    }
}

const COLUMNS: &str = "kind, id, scope, body, version, ends_at, used_at, mac";

/// A row as it lies on the disk, proven.
fn read(row: &SqlRow<'_>, proof: &Proof) -> Result<CredentialRow> {
    // What it calls itself, for whoever looks for it.
    let name = row.get::<_, String>(1).unwrap_or_default();
    let column = |number: usize| readable(row.get::<_, i64>(number), "credentials", &name);
    let (kind, version, ends_at, used_at) = (column(0)?, column(4)?, column(5)?, column(6)?);
    let scope: Vec<u8> = readable(row.get(2), "credentials", &name)?;
    let body: String = readable(row.get(3), "credentials", &name)?;
    let mac: Vec<u8> = readable(row.get(7), "credentials", &name)?;
    with_fields(kind, &name, &scope, &body, [version, ends_at, used_at], |fields| proof.check(fields, &mac, &name))?;
    let broken = |text| Error::data("store_corrupt", text);
    Ok(CredentialRow {
        kind: CredentialRowKind::read(kind).ok_or_else(|| broken("a stored credential is of no known kind"))?,
        id: name,
        scope: scope.try_into().map(Uid::from_bytes).map_err(|_| broken("a stored uid has the wrong length"))?,
        body,
        version: to_u64(version)?,
        ends_at,
        used_at,
    })
}

fn with_fields<T>(
    kind: i64,
    id: &str,
    scope: &[u8],
    body: &str,
    [version, ends_at, used_at]: [i64; 3],
    use_them: impl FnOnce(&[&[u8]]) -> T,
) -> T {
    use_them(&[
        &kind.to_be_bytes(),
        id.as_bytes(),
        scope,
        body.as_bytes(),
        &version.to_be_bytes(),
        &ends_at.to_be_bytes(),
        &used_at.to_be_bytes(),
    ])
}

fn find(connection: &Connection, proof: &Proof, kind: CredentialRowKind, id: &str) -> Result<Option<CredentialRow>> {
    let mut select =
        connection.prepare_cached(&format!("SELECT {COLUMNS} FROM credentials WHERE kind = ?1 AND id = ?2"))?;
    let mut rows = select.query(params![kind as i64, id])?;
    rows.next()?.map(|row| read(row, proof)).transpose()
}

fn note_change(transaction: &Transaction<'_>, kind: CredentialRowKind, id: &str) -> Result<()> {
    transaction.execute("INSERT INTO credential_changes (kind, id) VALUES (?1, ?2)", params![kind as i64, id])?;
    Ok(())
}

/// Writes a row as it is; false when `or_replace` is not wanted and there is one.
fn write(transaction: &Transaction<'_>, proof: &Proof, row: &CredentialRow, or_replace: bool) -> Result<bool> {
    let (kind, scope, version) = (row.kind as i64, row.scope.as_bytes().as_slice(), to_i64(row.version));
    let numbers = [version, row.ends_at, row.used_at];
    let mac = with_fields(kind, &row.id, scope, &row.body, numbers, |fields| proof.tag(fields));
    let conflict = if or_replace { "REPLACE" } else { "IGNORE" };
    let written = transaction
        .prepare_cached(&format!("INSERT OR {conflict} INTO credentials VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"))?
        .execute(params![kind, row.id, scope, row.body, version, row.ends_at, row.used_at, mac])?;
    Ok(written > 0)
}

fn add(transaction: &Transaction<'_>, proof: &Proof, row: &CredentialRow) -> Result<()> {
    if !write(transaction, proof, &CredentialRow { version: 1, ..row.clone() }, false)? {
        return Err(Error::conflict("credential_exists", "this credential exists already"));
    }
    // A refresh token that is new to everybody is in nobody's cache.
    if row.kind == CredentialRowKind::Refresh { Ok(()) } else { note_change(transaction, row.kind, &row.id) }
}

impl Credentials for SqliteCredentials {
    fn insert(&self, rows: Vec<CredentialRow>, cap: Option<(usize, i64)>) -> BoxFuture<'_, Result<()>> {
        let proof = self.1.clone();
        self.0.write(move |transaction| {
            if let (Some((cap, now)), Some(first)) = (cap, rows.first()) {
                let living: i64 = transaction.query_row(
                    "SELECT count(*) FROM credentials WHERE scope = ?1 AND kind = ?2 AND ends_at > ?3",
                    params![first.scope.as_bytes().as_slice(), first.kind as i64, now],
                    |row| row.get(0),
                )?;
                if to_u64(living)? >= cap as u64 {
                    return Err(Error::new(
                        ErrorKind::QuotaExceeded,
                        "credentials_exhausted",
                        format!("at most {cap} of these may live at a time"),
                    )
                    .with_help("revoke some, or raise the platform's setting"));
                }
            }
            rows.iter().try_for_each(|row| add(transaction, &proof, row))
        })
    }

    fn find(&self, kind: CredentialRowKind, id: &str) -> BoxFuture<'_, Result<Option<CredentialRow>>> {
        let (id, proof) = (id.to_owned(), self.1.clone());
        self.0.read(move |connection| find(connection, &proof, kind, &id))
    }

    fn list(&self, kind: CredentialRowKind, scope: Option<&Scope>) -> BoxFuture<'_, Result<Vec<CredentialRow>>> {
        let (scope, proof) = (scope.map(|scope| scope.uid().as_bytes().to_vec()), self.1.clone());
        self.0.read(move |connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM credentials WHERE kind = ?1 AND (?2 IS NULL OR scope = ?2) ORDER BY id"
            ))?;
            let mut rows = statement.query(params![kind as i64, scope])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                match read(row, &proof) {
                    Err(error) if scope.is_none() && is_untrusted(&error) => {}
                    row => found.push(row?),
                }
            }
            Ok(found)
        })
    }

    fn untrusted(&self, except: &'static [CredentialRowKind]) -> BoxFuture<'_, Result<Vec<UntrustedRow>>> {
        let proof = self.1.clone();
        self.0.read(move |connection| {
            let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM credentials"))?;
            let mut rows = statement.query([])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let kind = row.get(0).ok().and_then(CredentialRowKind::read);
                if kind.is_some_and(|kind| except.contains(&kind)) {
                    continue;
                }
                let Err(error) = read(row, &proof) else { continue };
                let scope: Option<Vec<u8>> = row.get(2).ok();
                found.push(UntrustedRow {
                    kind,
                    id: row.get(1).unwrap_or_default(),
                    scope: scope.and_then(|bytes| bytes.try_into().ok()).map(Uid::from_bytes),
                    error,
                });
            }
            Ok(found)
        })
    }

    fn replace(&self, row: CredentialRow, more: Vec<CredentialRow>) -> BoxFuture<'_, Result<bool>> {
        let proof = self.1.clone();
        self.0.write(move |transaction| {
            // What stands there is asked for its proof first, or what somebody changed would be proven by us.
            let Some(before) =
                find(transaction, &proof, row.kind, &row.id)?.filter(|before| before.version == row.version)
            else {
                return Ok(false);
            };
            let version = before.version.saturating_add(1);
            let after = CredentialRow { body: row.body, ends_at: row.ends_at, version, ..before };
            write(transaction, &proof, &after, true)?;
            if after.kind != CredentialRowKind::Refresh {
                note_change(transaction, after.kind, &after.id)?;
            }
            more.iter().try_for_each(|row| add(transaction, &proof, row))?;
            Ok(true)
        })
    }

    fn remove(&self, kind: CredentialRowKind, id: &str) -> BoxFuture<'_, Result<bool>> {
        let id = id.to_owned();
        self.0.write(move |transaction| {
            let removed =
                transaction.execute("DELETE FROM credentials WHERE kind = ?1 AND id = ?2", params![kind as i64, id])?;
            note_change(transaction, kind, &id)?;
            Ok(removed > 0)
        })
    }

    fn used(&self, keys: Vec<(String, i64)>) -> BoxFuture<'_, Result<()>> {
        let proof = self.1.clone();
        self.0.write(move |transaction| {
            for (id, at) in keys {
                for kind in [CredentialRowKind::Key, CredentialRowKind::ImportedKey] {
                    // One that does not prove itself stays as it is.
                    let before = match find(transaction, &proof, kind, &id) {
                        Err(error) if is_untrusted(&error) => None,
                        found => found?,
                    };
                    if let Some(before) = before.filter(|before| before.used_at < at) {
                        write(transaction, &proof, &CredentialRow { used_at: at, ..before }, true)?;
                    }
                }
            }
            Ok(())
        })
    }

    fn purge(&self, now: i64) -> BoxFuture<'_, Result<()>> {
        self.0.write(move |transaction| {
            transaction.execute(
                "DELETE FROM credentials WHERE ends_at < ?1 AND kind IN (?2, ?3, ?4)",
                params![
                    now,
                    CredentialRowKind::Refresh as i64,
                    CredentialRowKind::Revocation as i64,
                    CredentialRowKind::Grant as i64
                ],
            )?;
            transaction.execute(
                "DELETE FROM credential_changes WHERE sequence < (SELECT max(sequence) FROM credential_changes) - ?1",
                [KEPT_CHANGES],
            )?;
            Ok(())
        })
    }

    fn forget_revoked(&self, scope: &Scope) -> BoxFuture<'_, Result<()>> {
        let scope = scope.uid();
        self.0.write(move |transaction| {
            transaction.execute(
                "DELETE FROM credentials WHERE scope = ?1 AND kind = ?2",
                params![scope.as_bytes().as_slice(), CredentialRowKind::Revocation as i64],
            )?;
            Ok(())
        })
    }

    fn changes(&self, since: u64) -> BoxFuture<'_, Result<(u64, Vec<Changed>)>> {
        self.0.read(move |connection| {
            if since == u64::MAX {
                let newest =
                    connection
                        .query_row("SELECT coalesce(max(sequence), 0) FROM credential_changes", [], |row| row.get(0))?;
                return Ok((to_u64(newest)?, Vec::new()));
            }
            let mut statement = connection.prepare_cached(
                "SELECT sequence, kind, id FROM credential_changes WHERE sequence > ?1 ORDER BY sequence",
            )?;
            let mut rows = statement.query([to_i64(since)])?;
            let (mut newest, mut changed) = (since, Vec::new());
            while let Some(row) = rows.next()? {
                newest = newest.max(to_u64(row.get::<_, i64>(0)?)?);
                // A note that names nothing we know is missed, by which everything is read anew.
                if let (Some(kind), Ok(id)) = (row.get(1).ok().and_then(CredentialRowKind::read), row.get(2)) {
                    changed.push((kind, id));
                }
            }
            Ok((newest, changed))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{runtime::block_on, scope::Id};

    fn key() -> Arc<RowKey> {
        let secret = crate::config::RootKey::parse(&"5a".repeat(32)).unwrap();
        Arc::new(crate::keyring::Keyring::new(secret).row_key().unwrap())
    }

    fn scope(seed: u8) -> Scope {
        Scope::mint_account(Id::parse("account", "acme").unwrap(), Uid::from_bytes([seed; 16]))
    }

    fn row(id: &str, ends_at: i64) -> CredentialRow {
        CredentialRow::new(CredentialRowKind::Key, &scope(1), id.into(), "{}".into(), ends_at)
    }

    macro_rules! credentials_behaviour {
        ($name:ident, $make:expr) => {
            mod $name {
                use super::*;

                fn with(work: impl FnOnce(&SqliteCredentials)) {
                    #[allow(clippy::redundant_closure_call)]
                    let (database, _keep) = $make();
                    work(&SqliteCredentials::over(&database, key()).unwrap());
                }

                #[test]
                fn of_two_changes_of_one_version_the_second_is_refused_with_all_it_adds() {
                    with(|store| {
                        block_on(store.insert(vec![row("a", NEVER)], None)).unwrap();
                        let found = || block_on(store.find(CredentialRowKind::Key, "a")).unwrap().unwrap();
                        let seen = found();
                        let change = |body: &str| CredentialRow { body: body.into(), ..seen.clone() };
                        assert!(block_on(store.replace(change("1"), vec![row("b", NEVER)])).unwrap());
                        assert!(!block_on(store.replace(change("2"), vec![row("c", NEVER)])).unwrap());
                        assert_eq!(found().body, "1");
                        assert!(block_on(store.find(CredentialRowKind::Key, "c")).unwrap().is_none());
                        // What it adds exists already: then it changes nothing either.
                        let seen = found();
                        let taken =
                            block_on(store.replace(CredentialRow { body: "3".into(), ..seen }, vec![row("b", 1)]));
                        assert_eq!(taken.unwrap_err().code(), "credential_exists");
                        assert_eq!(found().body, "1");
                    });
                }

                #[test]
                fn the_cap_counts_the_living_of_one_scope() {
                    with(|store| {
                        let insert = |row: CredentialRow| block_on(store.insert(vec![row], Some((2, 10))));
                        insert(row("a", 10)).unwrap();
                        insert(row("b", 11)).unwrap();
                        insert(row("c", NEVER)).unwrap();
                        assert_eq!(insert(row("d", NEVER)).unwrap_err().code(), "credentials_exhausted");
                        let elsewhere =
                            CredentialRow::new(CredentialRowKind::Key, &scope(2), "e".into(), "{}".into(), NEVER);
                        insert(elsewhere).unwrap();
                        let listed = block_on(store.list(CredentialRowKind::Key, Some(&scope(2)))).unwrap();
                        assert_eq!(listed.len(), 1);
                        assert_eq!(block_on(store.list(CredentialRowKind::Key, None)).unwrap().len(), 4);
                    });
                }

                #[test]
                fn what_others_must_know_is_a_change_and_when_a_key_was_used_is_not() {
                    with(|store| {
                        block_on(store.insert(vec![row("a", NEVER)], None)).unwrap();
                        let (newest, changed) = block_on(store.changes(0)).unwrap();
                        assert_eq!(changed, [(CredentialRowKind::Key, "a".to_owned())]);
                        block_on(store.used(vec![("a".into(), 7)])).unwrap();
                        block_on(store.used(vec![("a".into(), 5)])).unwrap();
                        assert_eq!(block_on(store.changes(newest)).unwrap(), (newest, vec![]));
                        assert_eq!(block_on(store.find(CredentialRowKind::Key, "a")).unwrap().unwrap().used_at, 7);
                        assert!(block_on(store.remove(CredentialRowKind::Key, "a")).unwrap());
                        assert!(!block_on(store.remove(CredentialRowKind::Key, "a")).unwrap());
                        assert_eq!(block_on(store.changes(newest)).unwrap().1.len(), 2);
                    });
                }

                #[test]
                fn only_what_ends_by_itself_is_forgotten() {
                    with(|store| {
                        let refresh =
                            CredentialRow::new(CredentialRowKind::Refresh, &scope(1), "r".into(), "{}".into(), 5);
                        block_on(store.insert(vec![row("a", 5), refresh], None)).unwrap();
                        block_on(store.purge(6)).unwrap();
                        assert!(block_on(store.find(CredentialRowKind::Refresh, "r")).unwrap().is_none());
                        assert!(
                            block_on(store.find(CredentialRowKind::Key, "a")).unwrap().is_some(),
                            "it is still listed"
                        );
                    });
                }
            }
        };
    }

    credentials_behaviour!(memory, || (Database::memory("").unwrap(), ()));
    credentials_behaviour!(sqlite, || {
        let folder = tempfile::tempdir().unwrap();
        (Database::open(&folder.path().join("catalog.db"), "").unwrap(), folder)
    });
}
