//! Locks that die with their process.

#[cfg(unix)]
use std::fs::Metadata;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use crate::atomic::{self, WriteError};
use crate::error::FileError;

/// Keeps other processes from the same work in a folder. Dropping it, or dying, releases the folder.
///
/// The operating system holds it on an empty file in that folder, which stays there and means nothing by itself.
#[derive(Debug)]
pub struct FolderLock(File);

impl FolderLock {
    /// Takes the folder for `work` (such as `evaluation`), which others must not do there meanwhile; other work may go on.
    /// What a killed process left unfinished there is removed.
    ///
    /// # Errors
    /// [`FileError::Locked`] when another process has it, [`FileError::Write`] when the folder takes no files.
    pub fn take(folder: impl AsRef<Path>, work: &str) -> Result<Self, FileError> {
        let lock = Self::of_file(folder.as_ref(), &format!(".{work}.lock"))?;
        atomic::sweep(folder)?;
        Ok(lock)
    }

    /// Takes the file `name` in `folder`, which is made when there is none.
    ///
    /// # Errors
    /// As [`FolderLock::take`].
    pub fn of_file(folder: &Path, name: &str) -> Result<Self, FileError> {
        let path = folder.join(name);
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let file = file.map_err(|source| WriteError::new(&path, source))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(FileError::Locked { path: folder.to_path_buf() }),
            Err(TryLockError::Error(source)) => Err(WriteError::new(&path, source).into()),
        }
    }

    /// Whether the file at `path` is still the one that is locked.
    #[cfg(unix)]
    pub fn is_at(&self, path: &Path) -> bool {
        use std::os::unix::fs::MetadataExt;
        let identity = |file: Metadata| (file.dev(), file.ino());
        match (self.0.metadata(), path.metadata()) {
            (Ok(own), Ok(there)) => identity(own) == identity(there),
            _ => false,
        }
    }

    /// Whether the file at `path` is still there; Windows removes no folder with an open file in it.
    #[cfg(not(unix))]
    pub fn is_at(&self, path: &Path) -> bool {
        path.is_file()
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // Closing the file is not enough: a child process that is being started at that moment still has a copy of it.
        // Where unlocking fails, closing the file does it.
        let _ = self.0.unlock();
    }
}
