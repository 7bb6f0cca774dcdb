//! Sessions: what a conversation has accumulated. Merging is commutative, so parallel turns lose nothing.

use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;
use rusqlite::{OptionalExtension as _, params};
use serde::{Deserialize, Serialize};

use super::{
    sqlite::Database,
    trust::{is_untrusted, readable, untrusted},
};
use crate::{
    clock::BoxFuture,
    disk,
    error::{Error, Result},
    keyring::{Hasher, Keyring, Sealer},
    scope::{OpaqueId, Scope, Uid},
};

/// What turns have left behind; one turn is the same type with `turns` 1.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionTurns {
    /// Turns so far.
    pub turns: i64,
    /// Turns with a finding of high severity or worse.
    pub threat_turns: i64,
    /// Sum of each turn's highest score.
    pub cumulative_risk: i64,
    /// Kinds of personal data seen; empty means none.
    pub pii_types: BTreeSet<String>,
    /// Kinds of secrets seen; empty means none.
    pub secret_types: BTreeSet<String>,
    /// Whether any turn looked like an injection.
    pub injection_detected: bool,
    /// Highest injection score.
    pub max_injection: i64,
    /// Highest jailbreak score.
    pub max_jailbreak: i64,
    /// Highest count of personal data in one turn, capped at 100.
    pub max_pii: i64,
    /// Highest count of secrets in one turn, scaled to 0–100.
    pub max_secret: i64,
}

impl SessionTurns {
    /// Adds what `other` saw.
    pub fn merge(&mut self, other: &Self) {
        self.turns = self.turns.saturating_add(other.turns);
        self.threat_turns = self.threat_turns.saturating_add(other.threat_turns);
        self.cumulative_risk = self.cumulative_risk.saturating_add(other.cumulative_risk);
        self.pii_types.extend(other.pii_types.iter().cloned());
        self.secret_types.extend(other.secret_types.iter().cloned());
        self.injection_detected |= other.injection_detected;
        self.max_injection = self.max_injection.max(other.max_injection);
        self.max_jailbreak = self.max_jailbreak.max(other.max_jailbreak);
        self.max_pii = self.max_pii.max(other.max_pii);
        self.max_secret = self.max_secret.max(other.max_secret);
    }
}

/// Sessions of projects. Ids are opaque; the scope keeps equal ids apart.
pub trait Sessions: Send + Sync {
    /// What a session holds, unless it expired before `now` (microseconds since 1970).
    fn load(&self, scope: &Scope, id: &OpaqueId, now: i64) -> BoxFuture<'_, Result<Option<SessionTurns>>>;

    /// Merges turns into sessions, each in one step, and returns what they hold now; none of one whose row is not ours, which
    /// stays as it is.
    fn merge(
        &self,
        scope: &Scope,
        turns: Vec<(OpaqueId, SessionTurns)>,
        now: i64,
        expires: i64,
    ) -> BoxFuture<'_, Result<Vec<Option<SessionTurns>>>>;

    /// Forgets every session of a scope.
    fn forget(&self, scope: &Scope) -> BoxFuture<'_, Result<()>>;

    /// Which of `held` another process has written to since this was last asked.
    fn changed_elsewhere(&self, held: &[Uid]) -> Vec<Uid>;
}

/// What each session of a project holds, and when it expires.
type Held = HashMap<OpaqueId, (SessionTurns, i64)>;

/// Most sessions of one project in memory; those not used for longest go first.
const MEMORY_SESSIONS: usize = 32_768;

/// Makes room for more: what has expired goes, or else an eighth.
fn make_room(sessions: &mut Held, now: i64) {
    sessions.retain(|_, (_, expires)| *expires > now);
    if sessions.len() < MEMORY_SESSIONS {
        return;
    }
    let mut ends: Vec<i64> = sessions.values().map(|(_, expires)| *expires).collect();
    let (_, last_to_go, _) = ends.select_nth_unstable(MEMORY_SESSIONS / 8);
    let last_to_go = *last_to_go;
    let mut most = MEMORY_SESSIONS / 8;
    sessions.retain(|_, (_, expires)| {
        let keep = *expires > last_to_go || most == 0;
        most -= usize::from(!keep);
        keep
    });
}

/// [`Sessions`] that are gone with the process.
#[derive(Default)]
pub struct MemorySessions(Mutex<HashMap<Uid, Held>>);

impl Sessions for MemorySessions {
    fn load(&self, scope: &Scope, id: &OpaqueId, now: i64) -> BoxFuture<'_, Result<Option<SessionTurns>>> {
        let all = self.0.lock();
        let found = all.get(&scope.uid()).and_then(|sessions| sessions.get(id)).filter(|(_, expires)| *expires > now);
        let found = found.map(|(turns, _)| turns.clone());
        Box::pin(std::future::ready(Ok(found)))
    }

    fn merge(
        &self,
        scope: &Scope,
        turns: Vec<(OpaqueId, SessionTurns)>,
        now: i64,
        expires: i64,
    ) -> BoxFuture<'_, Result<Vec<Option<SessionTurns>>>> {
        let mut all = self.0.lock();
        let sessions = all.entry(scope.uid()).or_default();
        if sessions.len() >= MEMORY_SESSIONS {
            make_room(sessions, now);
        }
        let merged = turns
            .into_iter()
            .map(|(id, new)| {
                let (held, until) = sessions.entry(id).or_default();
                if *until <= now {
                    *held = SessionTurns::default();
                }
                held.merge(&new);
                *until = expires;
                Some(held.clone())
            })
            .collect();
        Box::pin(std::future::ready(Ok(merged)))
    }

    fn forget(&self, scope: &Scope) -> BoxFuture<'_, Result<()>> {
        self.0.lock().remove(&scope.uid());
        Box::pin(std::future::ready(Ok(())))
    }

    fn changed_elsewhere(&self, _held: &[Uid]) -> Vec<Uid> {
        Vec::new()
    }
}

pub(super) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY, sealed TEXT NOT NULL, turns TEXT NOT NULL, expires INTEGER NOT NULL
) WITHOUT ROWID;
";

/// Most project files open at once.
const MAX_OPEN: usize = 256;

/// [`Sessions`] in one SQLite file per project, named by uid and made at first write. The disk knows no session's id: it has a
/// keyed hash to find the row by, and beside it the id, sealed together with what the row says.
#[derive(Clone)]
pub struct SqliteSessions(Arc<Files>);

struct Files {
    folder: PathBuf,
    keyring: Keyring,
    sealer: Sealer,
    open: Mutex<Vec<(Uid, Database)>>,
    // SQLite's count of foreign commits, as last seen, per file.
    versions: Mutex<HashMap<Uid, i64>>,
}

impl SqliteSessions {
    /// Uses `folder`, which is made at first write.
    pub fn new(folder: PathBuf, keyring: Keyring) -> Result<Self> {
        let sealer = keyring.sealer()?;
        Ok(Self(Arc::new(Files { folder, keyring, sealer, open: Mutex::default(), versions: Mutex::default() })))
    }
}

impl Files {
    fn path(&self, uid: Uid) -> PathBuf {
        self.folder.join(format!("{}.db", uid.to_hex()))
    }

    /// The open file, moved to the end of the line of those that may be closed.
    fn opened(&self, uid: Uid) -> Option<Database> {
        let mut open = self.open.lock();
        let at = open.iter().position(|(owner, _)| *owner == uid)?;
        let found = open.remove(at);
        let database = found.1.clone();
        open.push(found);
        Some(database)
    }

    /// The project's file; none when it was never written and `make` is false. No lock is held while a file is opened:
    /// one project's slow file must not hold up the others.
    fn database(&self, uid: Uid, make: bool) -> Result<Option<Database>> {
        if let Some(database) = self.opened(uid) {
            return Ok(Some(database));
        }
        let path = self.path(uid);
        if !make && !path.exists() {
            return Ok(None);
        }
        disk::make_folder(&self.folder)?;
        let database = Database::open(&path, SCHEMA)?;
        if let Some(meanwhile) = self.opened(uid) {
            return Ok(Some(meanwhile));
        }
        let mut open = self.open.lock();
        if open.len() >= MAX_OPEN {
            // The one used longest ago; its last user closes it.
            open.remove(0);
        }
        open.push((uid, database.clone()));
        Ok(Some(database))
    }
}

fn parse(text: &str) -> Result<SessionTurns> {
    serde_json::from_str(text)
        .map_err(|error| Error::data("store_corrupt", "a stored session cannot be read").with_source(error))
}

/// The rows of one project.
struct Rows<'a> {
    uid: Uid,
    hasher: Hasher,
    sealer: &'a Sealer,
}

impl Files {
    fn rows(&self, uid: Uid) -> Result<Rows<'_>> {
        Ok(Rows { uid, hasher: self.keyring.session_hasher(uid)?, sealer: &self.sealer })
    }
}

impl Rows<'_> {
    /// What a sealed id is bound to: the row it lies in, and all that row says.
    fn name(&self, hash: &str, turns: &str, expires: i64) -> String {
        format!("session {} {hash} {expires} {turns}", self.uid.to_hex())
    }

    fn read(&self, connection: &rusqlite::Connection, id: &OpaqueId, now: i64) -> Result<Option<SessionTurns>> {
        let hash = self.hasher.hash(id.as_str());
        let found = connection
            .prepare_cached("SELECT turns, sealed, expires FROM sessions WHERE id = ?1 AND expires > ?2")?
            .query_row(params![hash, now], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?))
            })
            .optional();
        let Some((turns, sealed, expires)) = readable(found, "sessions", &hash)? else { return Ok(None) };
        match self.sealer.open(&self.name(&hash, &turns, expires), &sealed) {
            Ok(own) if own == id.as_str().as_bytes() => parse(&turns).map(Some),
            Ok(_) | Err(_) => Err(untrusted("sessions", &hash)),
        }
    }

    fn write(
        &self,
        transaction: &rusqlite::Transaction<'_>,
        id: &OpaqueId,
        held: &SessionTurns,
        expires: i64,
    ) -> Result<()> {
        let turns = serde_json::to_string(held).map_err(|_| Error::internal("a session could not be written"))?;
        let hash = self.hasher.hash(id.as_str());
        let sealed = self.sealer.seal(&self.name(&hash, &turns, expires), id.as_str().as_bytes())?;
        transaction
            .prepare_cached("INSERT OR REPLACE INTO sessions VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![hash, sealed, turns, expires])?;
        Ok(())
    }
}

impl Sessions for SqliteSessions {
    fn load(&self, scope: &Scope, id: &OpaqueId, now: i64) -> BoxFuture<'_, Result<Option<SessionTurns>>> {
        let (files, uid, id) = (Arc::clone(&self.0), scope.uid(), id.clone());
        // A project that never wrote has no file: answered without leaving the thread.
        if !files.open.lock().iter().any(|(owner, _)| *owner == uid) && !files.path(uid).exists() {
            return Box::pin(std::future::ready(Ok(None)));
        }
        Box::pin(crate::runtime::blocking(move || match files.database(uid, false)? {
            Some(database) => {
                let rows = files.rows(uid)?;
                database.read_now(|connection| rows.read(connection, &id, now))
            }
            None => Ok(None),
        }))
    }

    fn merge(
        &self,
        scope: &Scope,
        turns: Vec<(OpaqueId, SessionTurns)>,
        now: i64,
        expires: i64,
    ) -> BoxFuture<'_, Result<Vec<Option<SessionTurns>>>> {
        let (files, uid) = (Arc::clone(&self.0), scope.uid());
        Box::pin(crate::runtime::blocking(move || {
            let database = files.database(uid, true)?.ok_or_else(|| Error::internal("a session file was not made"))?;
            let rows = files.rows(uid)?;
            database.now(|transaction| {
                let mut merged = Vec::with_capacity(turns.len());
                for (id, new) in &turns {
                    let mut held = match rows.read(transaction, id, now) {
                        // It ends nobody else's.
                        Err(error) if is_untrusted(&error) => {
                            merged.push(None);
                            continue;
                        }
                        found => found?.unwrap_or_default(),
                    };
                    held.merge(new);
                    rows.write(transaction, id, &held, expires)?;
                    merged.push(Some(held));
                }
                transaction.execute("DELETE FROM sessions WHERE expires <= ?1", [now])?;
                Ok(merged)
            })
        }))
    }

    fn forget(&self, scope: &Scope) -> BoxFuture<'_, Result<()>> {
        let (files, uid) = (Arc::clone(&self.0), scope.uid());
        Box::pin(crate::runtime::blocking(move || {
            files.open.lock().retain(|(owner, _)| *owner != uid);
            let path = files.path(uid);
            for suffix in ["", "-wal", "-shm"] {
                let mut name = path.clone().into_os_string();
                name.push(suffix);
                remove_if_there(Path::new(&name))?;
            }
            Ok(())
        }))
    }

    fn changed_elsewhere(&self, held: &[Uid]) -> Vec<Uid> {
        let version = |uid: Uid| -> Result<Option<i64>> {
            match self.0.database(uid, false)? {
                Some(database) => database.read_now(|connection| {
                    Ok(connection.query_row("PRAGMA data_version", [], |row| row.get(0)).map(Some)?)
                }),
                None => Ok(None),
            }
        };
        let mut versions = self.0.versions.lock();
        let mut changed = Vec::new();
        for uid in held {
            // A file that cannot be read now is asked again at the next tick.
            let Ok(Some(now)) = version(*uid) else { continue };
            if versions.insert(*uid, now) != Some(now) {
                changed.push(*uid);
            }
        }
        changed
    }
}

fn remove_if_there(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{runtime::block_on, scope::Id};

    fn scope(seed: u8) -> Scope {
        Scope::mint_account(Id::parse("test", "a").unwrap(), Uid::from_bytes([seed; 16]))
    }

    fn id(text: &str) -> OpaqueId {
        OpaqueId::parse("session", Some(text)).unwrap().unwrap()
    }

    fn turn(injection: i64, kind: &str) -> SessionTurns {
        SessionTurns {
            turns: 1,
            max_injection: injection,
            pii_types: [kind.to_owned()].into(),
            ..SessionTurns::default()
        }
    }

    macro_rules! sessions_behaviour {
        ($name:ident, $make:expr) => {
            mod $name {
                use super::*;

                #[test]
                fn parallel_turns_all_count() {
                    let (store, _keep) = $make();
                    std::thread::scope(|threads| {
                        for worker in 0..4_i64 {
                            let store = &store;
                            threads.spawn(move || {
                                for i in 0..25 {
                                    let one = vec![(id("s"), turn(worker * 25 + i, &format!("k{worker}")))];
                                    block_on(store.merge(&scope(1), one, 0, 100)).unwrap();
                                }
                            });
                        }
                    });
                    let held = block_on(store.load(&scope(1), &id("s"), 1)).unwrap().unwrap();
                    assert_eq!((held.turns, held.max_injection, held.pii_types.len()), (100, 99, 4));
                }

                #[test]
                fn equal_ids_in_other_scopes_and_adversarial_ids_stay_apart() {
                    let (store, _keep) = $make();
                    let names = ["a", "a ", "A", "a:b", "a/b", "../a", "a\u{0}b", "\u{e9}", "e\u{301}", "' OR 1=1 --"];
                    for (index, name) in names.iter().enumerate() {
                        let one = vec![(id(name), turn(i64::try_from(index).unwrap(), "x"))];
                        block_on(store.merge(&scope(1), one, 0, 100)).unwrap();
                    }
                    for (index, name) in names.iter().enumerate() {
                        let held = block_on(store.load(&scope(1), &id(name), 1)).unwrap().unwrap();
                        assert_eq!((held.turns, held.max_injection), (1, i64::try_from(index).unwrap()), "{name:?}");
                        assert_eq!(block_on(store.load(&scope(2), &id(name), 1)).unwrap(), None);
                    }
                }

                #[test]
                fn an_expired_session_starts_anew() {
                    let (store, _keep) = $make();
                    block_on(store.merge(&scope(1), vec![(id("s"), turn(90, "x"))], 0, 10)).unwrap();
                    assert_eq!(block_on(store.load(&scope(1), &id("s"), 10)).unwrap(), None);
                    let merged = block_on(store.merge(&scope(1), vec![(id("s"), turn(1, "y"))], 10, 20)).unwrap();
                    let merged = merged[0].as_ref().unwrap();
                    assert_eq!((merged.turns, merged.max_injection), (1, 1));
                }

                #[test]
                fn forgetting_a_scope_leaves_others_alone() {
                    let (store, _keep) = $make();
                    for seed in [1, 2] {
                        block_on(store.merge(&scope(seed), vec![(id("s"), turn(1, "x"))], 0, 10)).unwrap();
                    }
                    block_on(store.forget(&scope(1))).unwrap();
                    assert_eq!(block_on(store.load(&scope(1), &id("s"), 1)).unwrap(), None);
                    assert!(block_on(store.load(&scope(2), &id("s"), 1)).unwrap().is_some());
                }
            }
        };
    }

    sessions_behaviour!(memory, || (MemorySessions::default(), ()));
    sessions_behaviour!(sqlite, || {
        let folder = tempfile::tempdir().unwrap();
        let secret = crate::config::RootKey::parse(&"5a".repeat(32)).unwrap();
        (SqliteSessions::new(folder.path().join("projects"), Keyring::new(secret)).unwrap(), folder)
    });
}
