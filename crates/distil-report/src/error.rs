//! What can go wrong while a report is made.

use distil_store::{FileError, StoreError, WriteError};

/// Why there is no report. Every message is one line that says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// A file of the run cannot be read, or the report cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing to report on.
    #[error("a report needs a run; name at least one")]
    NoRuns,
    /// The gallery's parts do not fit each other.
    #[error("the gallery of synthetic images is inconsistent: {what}")]
    Gallery {
        /// What does not fit, and what would.
        what: String,
    },
}

impl From<FileError> for ReportError {
    fn from(error: FileError) -> Self {
        Self::Store(error.into())
    }
}

impl From<WriteError> for ReportError {
    fn from(error: WriteError) -> Self {
        Self::Store(error.into())
    }
}
