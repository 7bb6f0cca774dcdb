//! The append-only journal: what a call acknowledged before the ledger committed it.
//!
//! One locked file per process. A record is one `write` of `magic | length | check | scope | sealed | tag`: the tag proves that
//! this record was written into this file at this place by who holds the root key, and that nobody has changed it since. A
//! record that is cut short at the end was never acknowledged. Everything else that is no record of ours is told as
//! [`Misfit`], and what follows it is read on.

use std::{
    fs::{self, File, TryLockError},
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    time::SystemTime,
};

use parking_lot::Mutex;

use crate::{
    disk,
    error::{Error, Result},
    keyring::{JournalKey, Keyring},
    scope::Uid,
};

const MAGIC: [u8; 4] = *b"tnJ2";
/// Magic, length, and the check of length and place; then the scope, which stays readable.
const HEADER: usize = 12;
const SCOPE: usize = 16;
/// Largest record; who writes refuses a bigger one, and what reads as one is none.
pub const MAX_RECORD: usize = 1 << 20;
const MAX_FRAME: usize = HEADER + MAX_RECORD + JournalKey::TAG;
/// Most bytes read from a journal in one go.
pub const CHUNK: u64 = 4 << 20;
/// Most bytes tried as records, in one go, in the search for where records go on.
const MAX_SEARCH: usize = 16 << 20;
/// Most that is told of one look.
const MAX_MISFITS: usize = 100;
/// How much that is no record is read in search of one.
const MAX_JUNK: u64 = 64 << 20;
/// The buffer of records is kept up to this size.
const KEPT_BUFFER: usize = 64 << 10;

/// This process's journal file.
pub struct Journal {
    id: Uid,
    path: PathBuf,
    key: JournalKey,
    file: File,
    tail: Mutex<Tail>,
    failed: AtomicBool,
    /// Somebody else has changed the file: it is kept, and looked at as an orphan.
    changed: AtomicBool,
}

/// Where the next record goes, and room to put it together.
#[derive(Default)]
struct Tail {
    end: u64,
    frame: Vec<u8>,
}

/// A record as read back: where it ends in its file, and its payload.
pub struct Record {
    /// The offset just after it.
    pub end: u64,
    /// What was appended.
    pub payload: Vec<u8>,
}

/// What was found in a journal and is none of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The scope it claims to be of.
    pub claims: Option<Uid>,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// What one look into a file came to.
#[derive(Default)]
pub struct Read {
    /// Records of ours.
    pub records: Vec<Record>,
    /// What is none.
    pub misfits: Vec<Misfit>,
    /// Where to go on.
    pub end: u64,
}

impl Journal {
    /// Makes a new journal in `folder` and locks it.
    pub fn create(folder: &Path, keyring: &Keyring) -> Result<Self> {
        disk::make_folder(folder)?;
        // Between making the file and locking it another process may take it for an orphan and remove it; a name that is
        // still there once we hold the lock is ours. Losing that race many times in a row does not happen.
        for _ in 0..16 {
            let id = Uid::random()?;
            let path = folder.join(format!("{}.tnj", id.to_hex()));
            let file = match disk::create_new(&path) {
                // Removed before it had its rights.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                file => file?,
            };
            if file.try_lock().is_ok() && disk::lies_at(&file, &path) {
                return Ok(Self {
                    id,
                    path,
                    key: keyring.journal(id)?,
                    file,
                    tail: Mutex::default(),
                    failed: AtomicBool::new(false),
                    changed: AtomicBool::new(false),
                });
            }
        }
        Err(Error::unavailable("audit_unavailable", "a fresh journal could not be locked"))
    }

    /// The file's id.
    pub const fn id(&self) -> Uid {
        self.id
    }

    /// Makes what was appended survive a power failure.
    pub fn sync(&self) -> Result<()> {
        Ok(self.file.sync_data()?)
    }

    /// How far it is written.
    pub fn length(&self) -> u64 {
        self.tail.lock().end
    }

    /// Appends one record by one `write`. After a failed write the journal takes no more: what follows a torn record
    /// must never be acknowledged on trust.
    pub fn append(&self, payload: &[u8]) -> Result<()> {
        let mut tail = self.tail.lock();
        if self.has_failed() {
            return Err(unavailable());
        }
        let Tail { end, frame } = &mut *tail;
        self::frame(&self.key, *end, payload, frame)?;
        // The file is written from here alone, so it stands where the record before ended.
        match (&self.file).write(frame) {
            Ok(written) if written == frame.len() => {
                *end += written as u64;
                if frame.capacity() > KEPT_BUFFER {
                    *frame = Vec::new();
                }
                Ok(())
            }
            Ok(_) | Err(_) => {
                self.failed.store(true, Ordering::Release);
                Err(unavailable())
            }
        }
    }

    fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    /// Whether its owner has to start another one: a write has failed, or somebody has changed, moved or removed the file.
    pub fn is_spent(&self) -> bool {
        self.has_failed() || self.was_changed() || !disk::lies_at(&self.file, &self.path)
    }

    /// Whether something in it is none of ours; then it is not to be removed.
    pub fn was_changed(&self) -> bool {
        self.changed.load(Ordering::Acquire)
    }

    /// Behaves as after a failed write.
    #[cfg(test)]
    pub fn fail(&self) {
        self.failed.store(true, Ordering::Release);
    }

    /// Records from `offset` on, up to a few MiB of them.
    pub fn read(&self, offset: u64) -> Result<Read> {
        let read = read_from(&self.file, &self.key, offset)?;
        if !read.misfits.is_empty() {
            self.changed.store(true, Ordering::Release);
        }
        Ok(read)
    }

    /// Removes the file; everything in it must be committed. What lies in its place meanwhile is not ours to remove.
    pub fn remove(&self) {
        if !self.was_changed() && disk::lies_at(&self.file, &self.path) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn unavailable() -> Error {
    Error::unavailable("audit_unavailable", "the audit journal cannot be written; nothing is decided without proof")
        .with_help("check free space and permissions of the data folder")
}

/// Tells a record that was cut short from one that somebody has changed: it is the check of a header as it was written.
fn check(length: [u8; 4], place: u64) -> [u8; 4] {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&length);
    hasher.update(&place.to_be_bytes());
    hasher.finalize().to_be_bytes()
}

/// Puts the record together that holds `payload`, whose scope comes first.
fn frame(key: &JournalKey, place: u64, payload: &[u8], frame: &mut Vec<u8>) -> Result<()> {
    let (scope, secret) = payload.split_first_chunk::<SCOPE>().ok_or_else(too_short)?;
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes();
    frame.clear();
    frame.reserve(HEADER + payload.len() + JournalKey::TAG);
    frame.extend_from_slice(&MAGIC);
    frame.extend_from_slice(&length);
    frame.extend_from_slice(&check(length, place));
    frame.extend_from_slice(scope);
    frame.extend_from_slice(secret);
    let sealed = frame.get_mut(HEADER + SCOPE..).ok_or_else(too_short)?;
    let tag = key.seal(place, scope, sealed)?;
    frame.extend_from_slice(&tag);
    Ok(())
}

fn too_short() -> Error {
    Error::internal("a journal record has no scope")
}

/// What bytes at a place begin with.
enum Begins {
    /// A record of ours, with the length of its frame.
    Record(Vec<u8>, usize),
    /// A record whose end is not there; or nothing but zeros, which a power failure leaves.
    Cut,
    /// Something else.
    Misfit(Misfit),
}

/// The scope that what begins like a record, of whatever version, says it is of.
fn claimed(bytes: &[u8]) -> Option<Uid> {
    let scope = bytes.get(HEADER..)?.first_chunk::<SCOPE>()?;
    (bytes.get(..3) == MAGIC.get(..3)).then(|| Uid::from_bytes(*scope))
}

fn begins(key: &JournalKey, bytes: &[u8], place: u64) -> Begins {
    let known = bytes.len().min(MAGIC.len());
    let begins_well = bytes.get(..known) == MAGIC.get(..known);
    let header = bytes.first_chunk::<HEADER>();
    if bytes.iter().all(|byte| *byte == 0) || (begins_well && header.is_none()) {
        return Begins::Cut;
    }
    // Whatever it is, what it claims is worth telling.
    let claims = claimed(bytes);
    let misfit = |problem| Begins::Misfit(Misfit { claims, problem });
    let Some(&[_, _, _, _, a, b, c, d, ref checked @ ..]) = header.filter(|_| begins_well) else {
        return misfit("holds something that is no record");
    };
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    if !(SCOPE..=MAX_RECORD).contains(&length) || *checked != check([a, b, c, d], place) {
        return misfit("holds a record of another place or file");
    }
    let size = HEADER + length + JournalKey::TAG;
    let Some(sealed) = bytes.get(HEADER + SCOPE..size) else { return Begins::Cut };
    let Some(scope) = claims else { return misfit("holds something that is no record") };
    match key.open(place, scope.as_bytes(), sealed) {
        Some(secret) => Begins::Record([scope.as_bytes().as_slice(), &secret].concat(), size),
        None => misfit("holds a record that was not written by this installation, or was changed"),
    }
}

/// Where the next record of ours begins, after something that is none. The search ends when enough has been tried.
fn next_record(key: &JournalKey, bytes: &[u8], place: u64, budget: &mut usize) -> Option<usize> {
    memchr::memmem::find_iter(bytes, &MAGIC).filter(|at| *at > 0).find(|at| {
        let rest = bytes.get(*at..*at + MAX_FRAME.min(bytes.len() - at)).unwrap_or_default();
        let length = rest.get(4..8).and_then(|word| word.try_into().ok()).map_or(0, u32::from_be_bytes) as usize;
        *budget = budget.saturating_sub(HEADER + length.min(MAX_RECORD));
        *budget > 0 && matches!(begins(key, rest, place + *at as u64), Begins::Record(..))
    })
}

/// Reads records from `offset` on, a few MiB at most.
fn read_from(file: &File, key: &JournalKey, offset: u64) -> Result<Read> {
    let bytes = disk::read_at(file, offset, usize::try_from(CHUNK).unwrap_or(usize::MAX))?;
    let is_last = (bytes.len() as u64) < CHUNK;
    let mut read = Read::default();
    let mut budget = MAX_SEARCH;
    let mut at = 0_usize;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        // Longer than any record, or the end of the file: nothing that comes later makes a record of it.
        let is_whole = is_last || rest.len() > MAX_FRAME;
        let misfit = match begins(key, rest, offset + at as u64) {
            Begins::Record(payload, size) => {
                at += size;
                read.records.push(Record { end: offset + at as u64, payload });
                continue;
            }
            Begins::Cut | Begins::Misfit(_) if !is_whole => break,
            Begins::Cut => None,
            Begins::Misfit(misfit) => Some(misfit),
        };
        let next = next_record(key, rest, offset + at as u64, &mut budget);
        if next.is_none() && misfit.is_none() && is_last {
            // Cut short, or still on its way.
            break;
        }
        let skipped = next.unwrap_or(if is_last { rest.len() } else { rest.len() - MAX_FRAME });
        let cut = Misfit { claims: None, problem: "was changed: something between its records is missing" };
        let misfit = misfit.unwrap_or(cut);
        // It may be many records, of several scopes.
        let others = rest.get(1..skipped).unwrap_or_default();
        let others = memchr::memmem::find_iter(others, &MAGIC).filter_map(|at| claimed(others.get(at..)?));
        let others = others.map(|uid| Misfit { claims: Some(uid), problem: misfit.problem });
        for one in std::iter::once(misfit.clone()).chain(others) {
            if read.misfits.len() < MAX_MISFITS && !read.misfits.contains(&one) {
                read.misfits.push(one);
            }
        }
        at += skipped;
    }
    read.end = offset + at as u64;
    Ok(read)
}

/// A journal whose process is gone, locked for us.
pub struct Orphan {
    /// Its id.
    pub id: Uid,
    path: PathBuf,
    key: JournalKey,
    // Holds the lock until the orphan is dropped.
    file: File,
}

impl Orphan {
    /// Hands its records on, some at a time; gives what it holds besides.
    pub fn read_all(&self, mut each: impl FnMut(&[Record], u64) -> Result<()>) -> Result<Vec<Misfit>> {
        let mut misfits: Vec<Misfit> = Vec::new();
        let (mut from, mut junk) = (0, 0);
        loop {
            let read = match read_from(&self.file, &self.key, from) {
                Ok(read) => read,
                Err(_) => {
                    misfits.push(UNREADABLE);
                    return Ok(misfits);
                }
            };
            junk = if read.records.is_empty() { junk + (read.end - from) } else { 0 };
            misfits.extend(read.misfits.into_iter().filter(|one| !misfits.contains(one)).collect::<Vec<_>>());
            if read.end == from || junk > MAX_JUNK {
                return Ok(misfits);
            }
            if !read.records.is_empty() {
                each(&read.records, read.end)?;
            }
            from = read.end;
        }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the file.
    pub fn remove(self) {
        if disk::lies_at(&self.file, &self.path) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

const UNREADABLE: Misfit = Misfit { claims: None, problem: "cannot be read" };
const NO_JOURNAL: Misfit = Misfit { claims: None, problem: "is no journal" };

/// A file as it was when it was looked at; another one, or one that was changed, is looked at anew.
pub type Seen = Option<(u64, Option<SystemTime>)>;

/// What a file is now.
pub fn seen(path: &Path) -> Seen {
    fs::symlink_metadata(path).ok().map(|found| (found.len(), found.modified().ok()))
}

/// What lies in a folder of journals and no living process holds.
pub enum Found {
    /// A journal to be committed.
    Orphan(Box<Orphan>),
    /// Something else, and where.
    Misfit(PathBuf, Misfit),
}

/// Looks through `folder`, except at what `is_known` already.
pub fn find(folder: &Path, keyring: &Keyring, is_known: impl Fn(&Path) -> bool) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if is_known(&path) {
            continue;
        }
        match open(&path, keyring) {
            Ok(Some(orphan)) => found.push(Found::Orphan(Box::new(orphan))),
            Ok(None) => {}
            Err(misfit) => found.push(Found::Misfit(path, misfit)),
        }
    }
    Ok(found)
}

/// A journal that nobody holds; none where somebody does, or took it meanwhile.
fn open(path: &Path, keyring: &Keyring) -> std::result::Result<Option<Orphan>, Misfit> {
    let id = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| Uid::from_hex(stem).ok());
    let (Some(id), Some("tnj")) = (id, path.extension().and_then(|extension| extension.to_str())) else {
        return Err(NO_JOURNAL);
    };
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_file() => {}
        // A pipe would be waited for, and a link leads elsewhere.
        Ok(_) => return Err(NO_JOURNAL),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(_) => return Err(UNREADABLE),
    }
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(_) => return Err(UNREADABLE),
    };
    match file.try_lock() {
        Ok(()) if disk::lies_at(&file, path) => {
            let key = keyring.journal(id).map_err(|_| UNREADABLE)?;
            Ok(Some(Orphan { id, path: path.to_owned(), key, file }))
        }
        Ok(()) | Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(_)) => Err(UNREADABLE),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keyring() -> Keyring {
        Keyring::new(crate::config::RootKey::parse(&"5a".repeat(32)).unwrap())
    }

    const FILE: Uid = Uid::from_bytes([7; 16]);

    fn payload(text: &[u8]) -> Vec<u8> {
        [[9; 16].as_slice(), text].concat()
    }

    /// Frames as one file of this id has them.
    fn frames(payloads: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let key = keyring().journal(FILE).unwrap();
        let mut place = 0;
        let framed = payloads.iter().map(|payload| {
            let mut bytes = Vec::new();
            frame(&key, place, payload, &mut bytes).unwrap();
            place += bytes.len() as u64;
            bytes
        });
        framed.collect()
    }

    fn read(bytes: &[u8]) -> (Vec<Vec<u8>>, Vec<Misfit>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(format!("{}.tnj", FILE.to_hex()));
        fs::write(&path, bytes).unwrap();
        let orphan = open(&path, &keyring()).unwrap().unwrap();
        let mut found = Vec::new();
        let each = |records: &[Record], _| {
            found.extend(records.iter().map(|record| record.payload.clone()));
            Ok(())
        };
        let misfits = orphan.read_all(each).unwrap();
        (found, misfits)
    }

    fn some() -> impl Strategy<Value = Vec<Vec<u8>>> {
        prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80).prop_map(|text| payload(&text)), 1..8)
    }

    proptest! {
        #[test]
        fn a_torn_tail_costs_only_the_torn_record(payloads in some(), cut in 1_usize..40) {
            let frames = frames(&payloads);
            let mut bytes = frames.concat();
            let last = frames.last().unwrap().len();
            bytes.truncate(bytes.len() - cut.min(last));
            prop_assert_eq!(read(&bytes), (payloads[..payloads.len() - 1].to_vec(), vec![]));
            // A power failure leaves zeros where the end was to be written.
            bytes.truncate(frames[..frames.len() - 1].concat().len());
            bytes.resize(bytes.len() + cut, 0);
            prop_assert_eq!(read(&bytes), (payloads[..payloads.len() - 1].to_vec(), vec![]));
        }

        #[test]
        fn one_changed_byte_costs_the_record_it_is_in_and_is_told(
            payloads in some(), place in any::<prop::sample::Index>(), change in 1_u8..,
        ) {
            let frames = frames(&payloads);
            let mut bytes = frames.concat();
            let at = place.index(bytes.len());
            bytes[at] ^= change;
            let (found, misfits) = read(&bytes);
            prop_assert!(!misfits.is_empty());
            let mut end = 0;
            let hit = frames.iter().position(|frame| { end += frame.len(); at < end }).unwrap();
            let rest: Vec<_> = payloads.iter().enumerate().filter(|(n, _)| *n != hit).map(|(_, one)| one.clone()).collect();
            prop_assert_eq!(found, rest);
        }

        #[test]
        fn records_at_another_place_are_none_of_ours(payloads in some(), by in 1_usize..60) {
            let moved = [vec![b'x'; by], frames(&payloads).concat()].concat();
            let (found, misfits) = read(&moved);
            prop_assert!(found.is_empty() && !misfits.is_empty());
            let twice = [frames(&payloads).concat(), frames(&payloads).concat()].concat();
            let (found, misfits) = read(&twice);
            prop_assert!(found == payloads && !misfits.is_empty());
        }

        #[test]
        fn junk_is_read_in_a_bounded_time_and_told(junk in prop::collection::vec(any::<u8>(), 1..200), times in 1_usize..50_000) {
            prop_assume!(junk.iter().any(|byte| *byte != 0) && junk[0] != MAGIC[0]);
            let (found, misfits) = read(&junk.repeat(times));
            prop_assert!(found.is_empty() && !misfits.is_empty());
        }
    }

    #[test]
    fn a_record_that_holds_the_magic_is_not_taken_apart_when_it_is_cut() {
        let payloads = [payload(b"a tool called tnJ2 tnJ2 and more")];
        let whole = frames(&payloads).concat();
        assert_eq!(read(&whole[..40]), (vec![], vec![]), "it is still on its way");
        assert_eq!(read(&whole).0, payloads);
    }

    #[test]
    fn a_file_full_of_beginnings_is_given_up_in_time() {
        let mut bytes = Vec::new();
        while bytes.len() < 20 << 20 {
            let length = u32::try_from(MAX_RECORD - 1).unwrap().to_be_bytes();
            let place = bytes.len() as u64;
            bytes.extend([MAGIC.as_slice(), &length, &check(length, place)].concat());
        }
        let begun = std::time::Instant::now();
        assert!(read(&bytes).0.is_empty());
        assert!(begun.elapsed().as_secs() < 20);
    }

    #[test]
    fn a_living_journal_is_no_orphan_and_a_dropped_one_is() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::create(folder.path(), &keyring()).unwrap();
        let found = || find(folder.path(), &keyring(), |_| false).unwrap().len();
        assert_eq!(found(), 0);
        drop(journal);
        assert_eq!(found(), 1);
    }
}
