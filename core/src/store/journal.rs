//! The append-only journal: what a call acknowledged before the ledger committed it.
//!
//! One locked file per process. A record is one `write` of `magic | length | crc32 | payload`. A torn tail is cut at
//! reading; a torn record in the middle (a full disk) is skipped to the next magic.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{ErrorKind, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use crate::{
    error::{Error, Result},
    scope::Uid,
};

const MAGIC: [u8; 4] = *b"tnJ1";
const HEADER: usize = 12;
/// Largest record; who writes refuses a bigger one, and what reads as one is none.
pub const MAX_RECORD: usize = 1 << 20;
/// Most bytes read from a journal in one go.
pub const CHUNK: u64 = 4 << 20;

/// This process's journal file.
pub struct Journal {
    id: Uid,
    path: PathBuf,
    file: File,
    failed: AtomicBool,
}

/// A record as read back: where it ends in its file, and its payload.
pub struct Record {
    /// The offset just after it.
    pub end: u64,
    /// What was appended.
    pub payload: Vec<u8>,
}

impl Journal {
    /// Makes a new journal in `folder` and locks it.
    pub fn create(folder: &Path) -> Result<Self> {
        // Between making the file and locking it another process may take it for an orphan and remove it; a name that is
        // still there once we hold the lock is ours. Losing that race many times in a row does not happen.
        for _ in 0..16 {
            let id = Uid::random()?;
            let path = folder.join(format!("{}.tnj", id.to_hex()));
            let file = OpenOptions::new().read(true).append(true).create_new(true).open(&path)?;
            if file.try_lock().is_ok() && path.exists() {
                return Ok(Self { id, path, file, failed: AtomicBool::new(false) });
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

    /// How long the file is now, torn records included.
    pub fn length(&self) -> Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// Appends one record by one `write`. After a failed write the journal takes no more: what follows a torn record
    /// must never be acknowledged on trust.
    pub fn append(&self, record: &[u8]) -> Result<()> {
        if self.failed.load(Ordering::Acquire) {
            return Err(unavailable());
        }
        match (&self.file).write(record) {
            Ok(written) if written == record.len() => Ok(()),
            Ok(_) | Err(_) => {
                self.failed.store(true, Ordering::Release);
                Err(unavailable())
            }
        }
    }

    /// Whether a write has failed; the owner then starts another journal.
    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    /// Behaves as after a failed write.
    #[cfg(test)]
    pub fn fail(&self) {
        self.failed.store(true, Ordering::Release);
    }

    /// Records from `offset` on, up to a few MiB of them.
    pub fn read(&self, offset: u64) -> Result<(Vec<Record>, u64)> {
        read_from(&self.path, offset)
    }

    /// Removes the file; everything in it must be committed. False when it is still there.
    pub fn remove(&self) -> bool {
        is_removed(&self.path)
    }
}

fn unavailable() -> Error {
    Error::unavailable("audit_unavailable", "the audit journal cannot be written; nothing is decided without proof")
        .with_help("check free space and permissions of the data folder")
}

/// Frames `payload` for [`Journal::append`].
pub fn frame(payload: &[u8]) -> Vec<u8> {
    let mut record = Vec::with_capacity(payload.len() + HEADER);
    record.extend_from_slice(&MAGIC);
    record.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes());
    record.extend_from_slice(&crc32fast::hash(payload).to_be_bytes());
    record.extend_from_slice(payload);
    record
}

/// Reads whole records from `offset`; returns them and the offset to go on from.
fn read_from(path: &Path, offset: u64) -> Result<(Vec<Record>, u64)> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.take(CHUNK).read_to_end(&mut bytes)?;
    let mut records = Vec::new();
    let mut at = 0_usize;
    while let Some(rest) = bytes.get(at..).filter(|rest| rest.len() >= HEADER) {
        match parse(rest) {
            Some(payload) => {
                at += HEADER + payload.len();
                records.push(Record { end: offset + at as u64, payload: payload.to_vec() });
            }
            // Torn, or still on its way. Only a record that is whole proves that the one before it never will be; what
            // merely looks like a beginning may be text inside a record.
            None => match next_whole(rest) {
                Some(skip) => at += skip,
                None => break,
            },
        }
    }
    Ok((records, offset + at as u64))
}

/// The payload of the record `bytes` begin with, if it is whole.
fn parse(bytes: &[u8]) -> Option<&[u8]> {
    let word = |at: usize| bytes.get(at..at + 4).and_then(|word| word.try_into().ok()).map(u32::from_be_bytes);
    let (magic, length, crc) = (bytes.get(..4)?, word(4)? as usize, word(8)?);
    if magic != MAGIC || length > MAX_RECORD {
        return None;
    }
    bytes.get(HEADER..HEADER + length).filter(|payload| crc32fast::hash(payload) == crc)
}

/// Where the next whole record begins, after the one that is not. A frame cannot be forged inside a record: its length has
/// zero bytes, which the JSON of a body never holds.
fn next_whole(bytes: &[u8]) -> Option<usize> {
    memchr::memmem::find_iter(bytes, &MAGIC)
        .filter(|at| *at > 0)
        .find(|at| bytes.get(*at..).is_some_and(|rest| parse(rest).is_some()))
}

/// A journal whose process is gone, locked for us.
pub struct Orphan {
    /// Its id.
    pub id: Uid,
    path: PathBuf,
    // Holds the lock until the orphan is dropped.
    _file: File,
}

impl Orphan {
    /// Records from `offset` on.
    pub fn read(&self, offset: u64) -> Result<(Vec<Record>, u64)> {
        read_from(&self.path, offset)
    }

    /// As [`Journal::remove`].
    pub fn remove(self) -> bool {
        is_removed(&self.path)
    }
}

fn is_removed(path: &Path) -> bool {
    match fs::remove_file(path) {
        Ok(()) => true,
        Err(error) => error.kind() == ErrorKind::NotFound,
    }
}

/// Journals in `folder` that no living process holds.
pub fn orphans(folder: &Path) -> Result<Vec<Orphan>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let id = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| Uid::from_hex(stem).ok());
        let (Some(id), Some("tnj")) = (id, path.extension().and_then(|extension| extension.to_str())) else { continue };
        // Another process may adopt and remove it between listing and opening.
        let Ok(file) = OpenOptions::new().read(true).write(true).open(&path) else { continue };
        match file.try_lock() {
            Ok(()) if path.exists() => found.push(Orphan { id, path, _file: file }),
            Ok(()) | Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_all(path: &Path) -> Vec<Vec<u8>> {
        read_from(path, 0).unwrap().0.into_iter().map(|record| record.payload).collect()
    }

    proptest! {
        #[test]
        fn a_torn_tail_costs_only_the_torn_record(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 1..8),
            cut in 1_usize..40,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("x.tnj");
            let frames: Vec<Vec<u8>> = payloads.iter().map(|p| frame(p)).collect();
            let mut bytes = frames.concat();
            let last = frames.last().unwrap().len();
            bytes.truncate(bytes.len() - cut.min(last));
            fs::write(&path, &bytes).unwrap();
            prop_assert_eq!(read_all(&path), payloads[..payloads.len() - 1].to_vec());
        }
    }

    #[test]
    fn a_torn_record_in_the_middle_does_not_hide_what_follows() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.tnj");
        let torn = &frame(b"torn record")[..15];
        fs::write(&path, [frame(b"one").as_slice(), torn, &frame(b"two")].concat()).unwrap();
        assert_eq!(read_all(&path), vec![b"one".to_vec(), b"two".to_vec()]);
    }

    #[test]
    fn a_record_that_holds_the_magic_is_not_taken_apart_when_it_is_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.tnj");
        let whole = frame(b"a tool called tnJ1 tnJ1 and more");
        fs::write(&path, &whole[..40]).unwrap();
        let (records, at) = read_from(&path, 0).unwrap();
        assert_eq!((records.len(), at), (0, 0), "it is still on its way");
        fs::write(&path, &whole).unwrap();
        assert_eq!(read_all(&path).len(), 1);
    }

    #[test]
    fn a_living_journal_is_no_orphan_and_a_dropped_one_is() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::create(folder.path()).unwrap();
        assert!(orphans(folder.path()).unwrap().is_empty());
        drop(journal);
        assert_eq!(orphans(folder.path()).unwrap().len(), 1);
    }
}
