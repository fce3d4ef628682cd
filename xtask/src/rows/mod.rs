//! All rows, and the configuration of each.

mod data;
mod file;
mod resolve;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use toml::Table;

pub use data::{DATASETS, DataNeed};
pub use file::{Figure, Published};
pub use resolve::Resolved;

use file::{Entry, FileContents};

/// One published result, or one example of ours.
#[derive(Debug, Clone)]
pub struct Row {
    /// What `cargo xtask reproduce` calls it, like `edf/imagenette-ipc10`.
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
    /// Reads every `.toml` below `configs`.
    ///
    /// # Errors
    /// A file that is not TOML or has unknown keys, a name that is given twice, and a row that extends what is not there.
    pub fn read(configs: &Path) -> Result<Self> {
        let mut all = Self::default();
        for path in toml_files(configs)? {
            let text =
                fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let file = path.strip_prefix(configs)?.to_owned();
            let contents = FileContents::parse(&text, &file)?;
            for entry in contents.entries()? {
                all.add(entry)?;
            }
        }
        for row in all.rows.values().chain(all.bases.values()) {
            all.merged(row, &mut Vec::new())?;
        }
        Ok(all)
    }

    fn add(&mut self, entry: Entry) -> Result<()> {
        let (row, kind) = match entry {
            Entry::Row(row) => (row, &mut self.rows),
            Entry::Base(base) => (base, &mut self.bases),
        };
        let file = row.file.clone();
        if let Some(other) = kind.insert(row.name.clone(), row) {
            bail!(
                "{} is defined in configs/{} and in configs/{}",
                other.name,
                other.file.display(),
                file.display()
            );
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
    pub fn find(&self, name: &str) -> Result<&Row> {
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
        bail!(
            "there is no row {name:?}; the nearest are {}; `cargo xtask reproduce --list` prints all {}",
            nearest.join(", "),
            self.rows.len()
        );
    }
}

/// Files below a folder, sorted.
fn toml_files(configs: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![configs.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "toml") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}
