//! The rows of `configs/`: published results, each with the configuration that should reproduce it.
//!
//! A row is one file, or an entry of a table file (`configs/README.md` says how they are written).
//! [`Rows::resolve`] makes either a whole configuration. They are embedded in the program.

mod file;
mod reduced;
mod resolve;
mod side_by_side;
mod smoke;
mod stand_in;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;

use toml::Table;

pub use file::{Figure, Published};
pub use reduced::{ReducedError, mark_reduced, remove_reduced};
pub use resolve::Resolved;
pub use side_by_side::side_by_side;
pub use smoke::{REDUCED, Reduction};
pub use stand_in::StandIn;

use crate::config::ConfigError;
use file::{Entry, FileContents};

/// Path below `configs/` and text of every file.
const EMBEDDED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/configs.rs"));

/// One published result, or one example of ours.
#[derive(Debug, Clone)]
pub struct Row {
    /// What `distil reproduce` calls it, like `edf/imagenette-ipc10`.
    pub name: String,
    /// The file that holds it, relative to `configs/`.
    pub file: PathBuf,
    /// What the file is about.
    pub title: String,
    /// Where the figures were published; empty for examples.
    pub source: String,
    /// Published figures by method; `random` and `full` are the references.
    pub published: Published,
    /// Published figures of other architectures, by their names.
    pub archs: BTreeMap<String, Published>,
    /// What one must know to compare.
    pub note: String,
    extends: Vec<String>,
    config: Table,
}

/// The rows of a `configs/` folder.
#[derive(Debug, Default)]
pub struct Rows {
    rows: BTreeMap<String, Row>,
    /// What rows have in common; not rows themselves.
    bases: BTreeMap<String, Row>,
}

impl Rows {
    /// Those of `configs/` as it was when this crate was built.
    ///
    /// # Errors
    /// As for [`Rows::of`]; tests see to it that there are none.
    pub fn embedded() -> Result<Self, ConfigError> {
        Self::of(EMBEDDED.iter().copied())
    }

    /// Those of files, given by their path below `configs/` and their text.
    ///
    /// # Errors
    /// A file that is not TOML or has unknown keys, a name that is given twice, and a row that extends what is not there.
    pub fn of<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, ConfigError> {
        let mut all = Self::default();
        for (path, text) in files {
            for entry in FileContents::parse(text, path.as_ref())?.entries()? {
                all.add(entry)?;
            }
        }
        for row in all.rows.values().chain(all.bases.values()) {
            all.merged(row, &mut Vec::new())?;
        }
        Ok(all)
    }

    fn add(&mut self, entry: Entry) -> Result<(), ConfigError> {
        let (row, kind) = match entry {
            Entry::Row(row) => (row, &mut self.rows),
            Entry::Base(base) => (base, &mut self.bases),
        };
        let file = row.file.clone();
        if let Some(other) = kind.insert(row.name.clone(), row) {
            return Err(ConfigError::plain(format_args!(
                "{} is defined in configs/{} and in configs/{}",
                other.name,
                other.file.display(),
                file.display()
            )));
        }
        Ok(())
    }

    /// All rows, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Row> {
        self.rows.values()
    }

    /// A row by its name.
    ///
    /// # Errors
    /// Names the rows that are meant most likely when there is none.
    pub fn find(&self, name: &str) -> Result<&Row, ConfigError> {
        if let Some(row) = self.rows.get(name) {
            return Ok(row);
        }
        let mut alike: Vec<(f64, &str)> = self
            .rows
            .keys()
            .map(|row| (strsim::normalized_damerau_levenshtein(row, name), row.as_str()))
            .collect();
        alike.sort_by(|a, b| b.0.total_cmp(&a.0));
        let nearest: Vec<&str> = alike.iter().take(3).map(|(_, row)| *row).collect();
        Err(ConfigError::new(
            format_args!("there is no row {name:?}; the nearest are {}", nearest.join(", ")),
            format_args!("`distil rows` prints all {}", self.rows.len()),
        ))
    }
}
