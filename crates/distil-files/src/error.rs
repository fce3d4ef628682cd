//! The errors of reading and locking.

use std::io;
use std::path::{Path, PathBuf};

use crate::atomic::WriteError;
use crate::content::Content;

/// What can go wrong with a file. Every message is one line that names the file and the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// A file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A file could not be read.
    #[error("cannot read {}: {source}; check the path and its permissions", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file is truncated or altered.
    #[error("{} is damaged: {what}; {remedy}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
        /// What the user should do.
        remedy: &'static str,
    },
    /// A file is something else than what was to be read.
    #[error("{} is {what}, not {expected} saved by distil; {remedy}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it should be, with its article.
        expected: &'static str,
        /// What it is, with its article.
        what: String,
        /// What the user should do.
        remedy: &'static str,
    },
    /// Another process is doing the same in a folder.
    #[error("{} is in use by another distil process; wait for it to end or choose another folder", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
}

impl FileError {
    /// A file, or folder, that could not be read.
    pub fn read(path: &Path, source: io::Error) -> Self {
        Self::Read { path: path.to_path_buf(), source }
    }

    /// A file that is something else than `expected` (with its article); `remedy` holds where `content` has none.
    pub fn foreign(path: &Path, content: Content, expected: &'static str, remedy: &'static str) -> Self {
        let (what, remedy) = (content.what().to_owned(), content.remedy().unwrap_or(remedy));
        Self::Foreign { path: path.to_path_buf(), expected, what, remedy }
    }

    /// A damaged file: what is wrong with it, and what the user should do.
    pub fn damaged(path: &Path, what: impl Into<String>, remedy: &'static str) -> Self {
        Self::Damaged { path: path.to_path_buf(), what: what.into(), remedy }
    }
}
