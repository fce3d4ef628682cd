//! The errors of stores, sets, checkpoints and run folders.

use std::io;
use std::path::{Path, PathBuf};

use distil_files::{Content, FileError, WriteError};

/// What can go wrong with the files of a run. Every message is one line that names the file and the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A file could not be written or read, is damaged, is something else, or is in use.
    #[error(transparent)]
    File(#[from] FileError),
    /// An existing store or run folder was made with another configuration.
    #[error("{} was made with another configuration: {differences}; {remedy}", path.display())]
    Differs {
        /// The store or run folder.
        path: PathBuf,
        /// `key: stored value, asked value` of each key that differs.
        differences: String,
        /// What the user should do.
        remedy: &'static str,
    },
    /// The listener asked to stop.
    #[error("stopped; experts that were complete in the store are kept")]
    Stopped,
    /// Data that were to be saved are not acceptable.
    #[error("cannot save {}: {what}; {remedy}", path.display())]
    Refused {
        /// The file that was to be written.
        path: PathBuf,
        /// What is wrong with the data.
        what: String,
        /// What the user should do.
        remedy: &'static str,
    },
    /// The store has no expert of this number.
    #[error("the trajectory store {} has no expert {index}; train it first (`distil expert`)", path.display())]
    NoExpert {
        /// The store's folder.
        path: PathBuf,
        /// The number asked for.
        index: usize,
    },
    /// A checkpoint lacks something its reader needs.
    #[error(
        "the checkpoint of iteration {iteration} has no usable {what}; it was saved by another method or version, start the run again"
    )]
    CheckpointContent {
        /// The checkpoint's iteration.
        iteration: u64,
        /// The tensor or state that is missing.
        what: String,
    },
    /// A run folder was taken away while a process used it.
    #[error(
        "the run folder {} was removed or replaced while the run was going on; put it back and continue with --resume, or start the run again",
        path.display()
    )]
    Gone {
        /// The run folder.
        path: PathBuf,
    },
    /// A run folder that was to be created exists.
    #[error("the run folder {} holds a run of the same configuration; continue it with --resume or choose another folder", path.display())]
    RunExists {
        /// The run folder.
        path: PathBuf,
    },
    /// A folder is not a run folder.
    #[error("{} {what}; {remedy}", path.display())]
    NoRun {
        /// The folder.
        path: PathBuf,
        /// What it is instead.
        what: String,
        /// What the user should do.
        remedy: &'static str,
    },
    /// A file that was to be imported cannot be.
    #[error("cannot import {}: {what}; {remedy}", path.display())]
    Import {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
        /// What the user should do.
        remedy: &'static str,
    },
}

impl From<WriteError> for StoreError {
    fn from(error: WriteError) -> Self {
        Self::File(error.into())
    }
}

impl StoreError {
    pub(crate) fn read(path: &Path, source: io::Error) -> Self {
        FileError::read(path, source).into()
    }

    /// That `path` is not a run folder, and what it is.
    pub(crate) fn no_run(path: &Path) -> Self {
        const REMEDY: &str = "check the path";
        let (what, remedy) = match Content::of(path) {
            Err(_) => ("is not a run folder: it does not exist".to_owned(), REMEDY),
            Ok(Content::Folder) => ("is not a run folder: it has no run.toml".to_owned(), REMEDY),
            Ok(content) => {
                (format!("is {}, not a run folder", content.what()), content.remedy().unwrap_or(REMEDY))
            }
        };
        Self::NoRun { path: path.to_path_buf(), what, remedy }
    }

    pub(crate) fn damaged(path: &Path, what: impl Into<String>, remedy: &'static str) -> Self {
        FileError::damaged(path, what, remedy).into()
    }

    pub(crate) fn refused(path: &Path, what: impl Into<String>, remedy: &'static str) -> Self {
        Self::Refused { path: path.to_path_buf(), what: what.into(), remedy }
    }
}
