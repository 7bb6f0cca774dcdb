//! Files and folders that only their owner may read, whatever the umask. Owns permissions; touches only `error`.
//!
//! What an earlier version left open to others is closed when it is next opened. A folder that belongs to somebody else
//! (a mounted volume) cannot be closed by us, and is used as it is.

use std::{
    ffi::OsString,
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

#[cfg(unix)]
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};

/// Makes `folder` and what it lies in; it is its owner's alone then.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    builder.mode(0o700);
    match builder.create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists || !folder.is_dir() => Err(error),
        Err(_) => {
            close_to_others(folder);
            Ok(())
        }
        // A umask may have taken the owner's own rights.
        Ok(()) => set_mode(folder, 0o700),
    }
}

/// Why a folder could not be made, in a person's words: the system calls a file that is in the way "already there".
#[must_use]
pub fn unmade(folder: &Path, error: &io::Error) -> String {
    match folder.ancestors().find(|part| part.exists()) {
        Some(part) if !part.is_dir() => format!("`{}` is a file", part.display()),
        _ => error.kind().to_string(),
    }
}

/// Opens a file that is not there yet, for writing at its end.
pub fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    options.mode(0o600);
    let file = options.open(path)?;
    set_mode(path, 0o600)?;
    Ok(file)
}

/// Makes sure that a database and the files SQLite keeps beside it are their owner's alone; SQLite gives the ones it makes later
/// the rights of the first.
pub fn private_database(path: &Path) -> io::Result<()> {
    match create_new(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        Ok(_) | Err(_) => {}
    }
    for suffix in ["", "-wal", "-shm", "-journal"] {
        close_to_others(&beside(path, suffix));
    }
    Ok(())
}

/// The path with `suffix` after its name.
#[must_use]
pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.to_owned().into_os_string();
    name.push(suffix);
    name.into()
}

/// Takes from others what rights they have. What is not ours to change stays as it is.
#[cfg(unix)]
fn close_to_others(path: &Path) {
    if let Ok(found) = fs::symlink_metadata(path)
        && !found.file_type().is_symlink()
        && found.mode() & 0o077 != 0
    {
        let _ = fs::set_permissions(path, fs::Permissions::from_mode(found.mode() & 0o7700));
    }
}

#[cfg(not(unix))]
fn close_to_others(_: &Path) {}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    if fs::symlink_metadata(path)?.mode() & 0o777 == mode {
        return Ok(());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) -> io::Result<()> {
    Ok(())
}

/// Whether a secret in this file is its owner's alone. Secrets that a system mounts belong to root, and are often readable by a
/// group or by all in there: root can read them anyway, and nobody else can write them.
#[cfg(unix)]
pub fn keeps_a_secret(path: &Path) -> io::Result<bool> {
    let found = fs::metadata(path)?;
    let mode = found.mode() & 0o777;
    Ok(mode & 0o077 == 0 || (found.uid() == 0 && mode & !0o644 == 0))
}

/// Whether a secret in this file is its owner's alone; not told here.
#[cfg(not(unix))]
pub fn keeps_a_secret(path: &Path) -> io::Result<bool> {
    fs::metadata(path).map(|_| true)
}

/// Whether `file` still lies at `path`.
#[must_use]
pub fn lies_at(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    let same = |a: &fs::Metadata, b: &fs::Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
    #[cfg(not(unix))]
    let same = |_: &fs::Metadata, _: &fs::Metadata| true;
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(open), Ok(there)) => same(&open, &there),
        _ => false,
    }
}

/// Up to `most` bytes from `offset` on; where the file stands for others does not move.
pub fn read_at(file: &File, offset: u64, most: usize) -> io::Result<Vec<u8>> {
    let left = file.metadata()?.len().saturating_sub(offset);
    let mut bytes = vec![0; usize::try_from(left).unwrap_or(most).min(most)];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match read_once(file, rest, offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

#[cfg(unix)]
fn read_once(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    file.read_at(bytes, offset)
}

#[cfg(windows)]
fn read_once(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, bytes, offset)
}
