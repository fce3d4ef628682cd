use std::fmt::Display;

use distil_data::Error as DataError;
use distil_eval::ProtocolError;
use distil_expert::RecipeError;
use distil_match::MethodError;
use distil_store::FileError;
use thiserror::Error;

/// A configuration that cannot be used: where and why, in one line, and the remedy where that line does not give it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct ConfigError {
    message: String,
    remedy: Option<String>,
}

impl ConfigError {
    pub(crate) fn new(message: impl Display, remedy: impl Display) -> Self {
        Self { remedy: Some(remedy.to_string()), ..Self::plain(message) }
    }

    /// An error whose message says what to do.
    pub(crate) fn plain(message: impl Display) -> Self {
        // TOML's messages span lines.
        let text = message.to_string();
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        Self { message: lines.collect::<Vec<_>>().join("; "), remedy: None }
    }

    /// The remedy.
    pub fn remedy(&self) -> Option<&str> {
        self.remedy.as_deref()
    }
}

impl From<DataError> for ConfigError {
    fn from(error: DataError) -> Self {
        Self::plain(error)
    }
}

impl From<RecipeError> for ConfigError {
    fn from(error: RecipeError) -> Self {
        Self::plain(error)
    }
}

impl From<MethodError> for ConfigError {
    fn from(error: MethodError) -> Self {
        Self::plain(error)
    }
}

impl From<ProtocolError> for ConfigError {
    fn from(error: ProtocolError) -> Self {
        Self::plain(error)
    }
}

impl From<FileError> for ConfigError {
    fn from(error: FileError) -> Self {
        Self::plain(error)
    }
}
