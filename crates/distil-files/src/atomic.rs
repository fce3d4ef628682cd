//! Writing whole or not at all: the one place through which files and folders get their names.
//!
//! Every file of a distillation run is written by [`write()`] or [`write_with`]: the bytes go to a hidden temporary
//! file in the same folder, reach the disk (fsync), take the final name in one rename, and the folder reaches the disk.
//! A process killed at any instant, or a power cut, leaves either the old file or the new one, and at worst a
//! `.distil-*.partial` that [`sweep`] removes. [`rename`] ends a download the same way, [`write_folder`] an export.

mod folder;

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use folder::sync_folder;
pub use folder::{create_folder, is_filled, write_folder};

/// How the temporary files of unfinished writes begin.
const PREFIX: &str = ".distil-";
/// How the temporary files of unfinished writes end.
const SUFFIX: &str = ".partial";
/// A temporary file is only ever lost to a simultaneous [`sweep`]; losing it this often means something else is wrong.
const ATTEMPTS: usize = 16;

/// A file that could not be written. Nothing half-written is left behind, and an older file keeps its content.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The folder the file should be in does not exist.
    #[error("cannot write {}: the folder {} does not exist; create it or correct the path", path.display(), folder.display())]
    MissingFolder {
        /// The file that was to be written.
        path: PathBuf,
        /// The folder that is missing.
        folder: PathBuf,
    },
    /// The folder is read-only for this user, or the file system is.
    #[error("cannot write {}: the folder {} is read-only; change its permissions or choose another folder", path.display(), folder.display())]
    ReadOnly {
        /// The file that was to be written.
        path: PathBuf,
        /// The folder that refuses new files.
        folder: PathBuf,
    },
    /// The disk is full.
    #[error("cannot write {}: no space left on the disk; free some space and run the command again", path.display())]
    NoSpace {
        /// The file that was to be written.
        path: PathBuf,
    },
    /// The user's quota is used up.
    #[error("cannot write {}: the disk quota is used up; delete files of yours or ask for more, and run the command again", path.display())]
    Quota {
        /// The file that was to be written.
        path: PathBuf,
    },
    /// The file would be larger than the process, or the file system, may have.
    #[error("cannot write {}: the file exceeds the largest size that is allowed; raise the limit (`ulimit -f`) or choose another disk, and run the command again", path.display())]
    TooLarge {
        /// The file that was to be written.
        path: PathBuf,
    },
    /// The path cannot name a file: it is a folder, or part of it is a file.
    #[error("cannot write {}: the path does not name a file in a folder; choose another path", path.display())]
    NotAFile {
        /// The path that was given.
        path: PathBuf,
    },
    /// A folder cannot be made because a file has its name, or that of a folder above it.
    #[error("cannot create the folder {}: a file has this name; choose another path", path.display())]
    FileInTheWay {
        /// The folder that was to be made.
        path: PathBuf,
    },
    /// Any other failure of the operating system.
    #[error("cannot write {}: {source}; check the disk and run the command again", path.display())]
    Io {
        /// The file that was to be written.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

impl WriteError {
    /// Names the remedy for an operating-system error met while writing `path`.
    pub fn new(path: &Path, source: io::Error) -> Self {
        let (path, folder) = (path.to_path_buf(), folder_of(path).to_path_buf());
        match source.kind() {
            io::ErrorKind::NotFound => Self::MissingFolder { path, folder },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::ReadOnly { path, folder }
            }
            io::ErrorKind::StorageFull => Self::NoSpace { path },
            io::ErrorKind::QuotaExceeded => Self::Quota { path },
            io::ErrorKind::FileTooLarge => Self::TooLarge { path },
            io::ErrorKind::IsADirectory | io::ErrorKind::NotADirectory => Self::NotAFile { path },
            _ => Self::Io { path, source },
        }
    }
}

/// Writes `bytes` to `path`, replacing an older file in one step.
///
/// # Errors
/// [`WriteError`] names the path and the remedy; the older file, if any, is untouched.
pub fn write(path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> Result<(), WriteError> {
    write_with(path, |file| file.write_all(bytes.as_ref()))
}

/// Like [`write()`], for content that is produced piece by piece.
///
/// # Errors
/// [`WriteError`] names the path and the remedy; the older file, if any, is untouched. An error returned by `fill`
/// is treated the same way.
pub fn write_with(
    path: impl AsRef<Path>,
    fill: impl FnOnce(&mut File) -> io::Result<()>,
) -> Result<(), WriteError> {
    let path = path.as_ref();
    if path.file_name().is_none() || path.is_dir() {
        return Err(WriteError::NotAFile { path: path.to_path_buf() });
    }
    replace(path, fill).map_err(|source| WriteError::new(path, source))
}

fn replace(path: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let folder = folder_of(path);
    let mut partial = reserve(folder)?;
    fill(partial.as_file_mut())?;
    partial.as_file().sync_all()?;
    partial.persist(path).map_err(|refused| refused.error)?;
    sync_folder(folder)
}

/// Gives a file that was written piece by piece its final name, replacing an older file, once all of it is on the disk.
///
/// # Errors
/// [`WriteError`] names `to`; `from` is still there.
pub fn rename(from: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<(), WriteError> {
    let (from, to) = (from.as_ref(), to.as_ref());
    let renamed = File::open(from).and_then(|file| file.sync_all()).and_then(|()| fs::rename(from, to));
    renamed.and_then(|()| sync_folder(folder_of(to))).map_err(|source| WriteError::new(to, source))
}

/// Creates a temporary file that a simultaneous [`sweep`] leaves alone, because it is locked while it is written.
///
/// # Errors
/// What the operating system said ([`WriteError::new`] names the remedy).
pub fn reserve(folder: &Path) -> io::Result<NamedTempFile> {
    for _ in 0..ATTEMPTS {
        let partial = partial_file(folder)?;
        match partial.as_file().try_lock() {
            // A sweep may have locked and removed the file between its creation and our lock.
            Ok(()) if !partial.path().exists() => {}
            Err(TryLockError::WouldBlock) => {}
            // File systems without locks: no sweep will remove what it cannot lock.
            Ok(()) | Err(TryLockError::Error(_)) => return Ok(partial),
        }
    }
    Err(io::Error::other("temporary files disappear as soon as they are created"))
}

/// How unfinished files and folders are called.
fn named_partial() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).suffix(SUFFIX);
    builder
}

fn partial_file(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = named_partial();
    // Temporary files are private by default; results follow the user's umask like any other file.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

/// Removes what killed processes left unfinished in `folder`; what is being written now is left alone.
/// Returns how many files and folders were removed.
///
/// # Errors
/// [`WriteError`] when the folder cannot be listed or a file cannot be removed.
pub fn sweep(folder: impl AsRef<Path>) -> Result<usize, WriteError> {
    let folder = folder.as_ref();
    let mut removed = 0;
    for entry in fs::read_dir(folder).map_err(|source| WriteError::new(folder, source))? {
        let entry = entry.map_err(|source| WriteError::new(folder, source))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(PREFIX) && name.ends_with(SUFFIX) && is_abandoned(&entry.path()) {
            let path = entry.path();
            let gone = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            gone.map_err(|source| WriteError::new(&path, source))?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// Whether no living process writes this temporary file.
fn is_abandoned(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| file.try_lock().is_ok())
}

/// The folder that holds `path`; the current one for a bare file name.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
