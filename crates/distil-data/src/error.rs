//! The one error type of this crate.

use std::path::{Path, PathBuf};

use crate::datasets::DatasetName;

/// Datasets that a message names.
const NAMED: usize = 3;

/// Why a dataset could not be read, prepared or downloaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused a file operation.
    #[error("{}: cannot {action} it ({source}); check the path, its permissions and the disk", shown(path))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was attempted ("read", "create"…).
        action: &'static str,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file or folder could not be written.
    #[error(transparent)]
    Write(#[from] distil_files::WriteError),
    /// A file is not what its format says it must be.
    #[error("{}: {problem}; {remedy}", shown(path))]
    Format {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
        /// What to do about it.
        remedy: &'static str,
    },
    /// A label names a class that the set does not have.
    #[error(
        "{}: record {record} has label {label}, but labels must be below {classes}; \
         restore the file from a good copy or correct the label",
        shown(path)
    )]
    Label {
        /// The file.
        path: PathBuf,
        /// Index of the record in the file, from 0.
        record: usize,
        /// The label found.
        label: u32,
        /// Number of classes.
        classes: usize,
    },
    /// A configuration key has an impossible value.
    #[error("data.{key}: {problem}")]
    Config {
        /// The key below `data`.
        key: &'static str,
        /// What is wrong and what to write instead.
        problem: String,
    },
    /// The dataset is nowhere to be found.
    #[error(
        "dataset {name}: not found in {}; {}, or set data.data_dir or DISTIL_DATA_DIR to the folder that holds it",
        list(searched),
        source_of(name)
    )]
    Missing {
        /// Name of the dataset.
        name: String,
        /// The folders that were searched.
        searched: Vec<PathBuf>,
    },
    /// Nothing is called so.
    #[error(
        "{name:?} is neither a file, nor a folder, nor a dataset; check the path, or choose one of {} (`distil datasets` lists \
         all)",
        nearest(name)
    )]
    UnknownDataset {
        /// What was asked for.
        name: String,
    },
    /// There is a file or folder, but it is not a set that is known.
    #[error("{}: {problem}; {remedy}", shown(path))]
    Unrecognised {
        /// The file or folder.
        path: PathBuf,
        /// What is there instead.
        problem: String,
        /// What is known.
        remedy: &'static str,
    },
    /// A download failed.
    #[error("{url}: {problem}")]
    Download {
        /// What was asked for.
        url: String,
        /// What went wrong and what to do about it.
        problem: String,
    },
    /// A file's content is not the published content.
    #[error("{}: SHA-256 is {found}, the published file has {expected}; {remedy}", shown(path))]
    Checksum {
        /// The file.
        path: PathBuf,
        /// Published SHA-256, in hex.
        expected: String,
        /// SHA-256 of what is there, in hex.
        found: String,
        /// What to do about it.
        remedy: &'static str,
    },
    /// Pixel or label counts do not fit together.
    #[error("{what}: {found} given, {expected} needed")]
    Count {
        /// What was counted.
        what: String,
        /// How many there are.
        found: usize,
        /// How many there must be.
        expected: usize,
    },
    /// A set whitened with ZCA was asked for its picture without the matrix at hand.
    #[error(
        "the ZCA matrix of fit {digest} is not loaded; load the dataset it was fitted on, or call \
         Preprocessing::load_matrix with the cache folder that holds it"
    )]
    NoMatrix {
        /// Digest of the fit.
        digest: String,
    },
    /// The images cannot be whitened.
    #[error("data.zca: {0}")]
    Zca(#[from] distil_zca::ZcaError),
    /// The generated set cannot be drawn with this configuration.
    #[error("data.clutter: {0}")]
    Clutter(#[from] crate::clutter::ClutterError),
    /// The caller's progress callback asked to stop.
    #[error("stopped on request; run the same command again to continue")]
    Stopped,
}

impl Error {
    pub(crate) fn io(path: &Path, action: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { path: path.to_owned(), action, source }
    }

    pub(crate) fn format(path: &Path, problem: impl Into<String>, remedy: &'static str) -> Self {
        Self::Format { path: path.to_owned(), problem: problem.into(), remedy }
    }

    pub(crate) fn config(key: &'static str, problem: impl Into<String>) -> Self {
        Self::Config { key, problem: problem.into() }
    }
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| shown(path)).collect::<Vec<_>>().join(", ")
}

/// The datasets whose names are most like another one.
fn nearest(name: &str) -> String {
    let asked = name.to_lowercase();
    let mut rows: Vec<&str> = DatasetName::all()
        .map(DatasetName::spec)
        .filter(|row| row.own_files().is_none())
        .map(|row| row.name)
        .collect();
    rows.sort_by(|a, b| {
        let alike = |known: &str| strsim::normalized_damerau_levenshtein(&asked, known);
        alike(b).total_cmp(&alike(a))
    });
    rows.truncate(NAMED);
    rows.join(", ")
}

fn source_of(name: &str) -> String {
    name.parse::<DatasetName>()
        .map_or_else(|_| format!("run `distil fetch {name}`"), |name| name.spec().how_to_get())
}

/// A path as it may be printed: what would move the cursor or turn the text around is escaped.
pub(crate) fn shown(path: &Path) -> String {
    let mut text = String::new();
    for character in path.to_string_lossy().chars() {
        if is_unprintable(character) {
            text.extend(character.escape_default());
        } else {
            text.push(character);
        }
    }
    text
}

/// Control characters, and those that change the direction of what follows them on a screen.
pub(crate) fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
