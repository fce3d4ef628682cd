//! Which runs a sweep is made of.

use std::path::{Path, PathBuf};

use distil_match::{MethodName, methods};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use thiserror::Error;
use toml::{Table, Value};

use super::{Cell, Sweep};
use crate::Error;
use crate::config::{Config, Layer};

/// A sweep that cannot be made.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SweepError {
    /// There is nothing to run.
    #[error("there is nothing to run; give at least one seed, one --ipc and one method")]
    Nothing,
    /// No such method or variant.
    #[error("there is no method {name:?}; choose among {known}, or all")]
    Method {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// A table of the file is malformed.
    #[error("{}: [[{table}]]: {what}; {remedy}", file.display())]
    Table {
        /// The file.
        file: PathBuf,
        /// The table.
        table: &'static str,
        /// What is wrong.
        what: String,
        /// What to write.
        remedy: &'static str,
    },
    /// The reference names no variant.
    #[error("{}: reference: no variant is called {name}; name one of the [[variant]] tables of this file", file.display())]
    Reference {
        /// The file.
        file: PathBuf,
        /// What it says.
        name: String,
    },
}

/// What a sweep is made of.
#[derive(Debug, Clone, Default)]
pub struct SweepPlan {
    /// Methods, or variants of the file; `all` are all variants where there are any, else all methods.
    pub methods: Vec<String>,
    /// Settings that all runs share; `[[for]]` tables change them for some methods, `[[variant]]` tables are the arms of
    /// an ablation [default: published presets].
    pub file: Option<PathBuf>,
    /// The dataset, where the file names none or another.
    pub dataset: Option<String>,
    /// Images per class.
    pub ipc: Vec<usize>,
    /// Runs of each method, each with its own experts, synthetic set and student.
    pub seeds: u64,
    /// Keys of every run, as in `eval.epochs=300`.
    pub sets: Vec<String>,
}

/// What some methods do otherwise.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    /// Methods it is for.
    methods: Vec<MethodName>,
    /// Images per class it is for; any without it.
    #[serde(default)]
    ipc: Option<Vec<usize>>,
    /// Keys of the configuration.
    set: Table,
}

/// An arm of an ablation: a method under its own name, with its own settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Variant {
    name: String,
    method: MethodName,
    /// Keys of the configuration; those of the method without it.
    #[serde(default)]
    set: Table,
}

/// A sweep's file.
#[derive(Debug, Default)]
struct Outline {
    name: String,
    base: Option<Layer>,
    exceptions: Vec<Exception>,
    variants: Vec<Variant>,
    reference: Option<String>,
}

impl Exception {
    fn is_for(&self, method: MethodName, ipc: usize) -> bool {
        self.methods.contains(&method) && self.ipc.as_ref().is_none_or(|list| list.contains(&ipc))
    }
}

impl SweepPlan {
    /// All runs, resolved, so that no slip shows up after hours.
    ///
    /// # Errors
    /// [`SweepError`], or [`Error::Config`] of a run.
    pub fn resolve(&self) -> Result<Sweep, Error> {
        let outline = match &self.file {
            Some(file) => Outline::read(file)?,
            None => Outline {
                name: self.dataset.clone().unwrap_or_else(|| "clutter".to_owned()),
                ..Outline::default()
            },
        };
        let subjects = outline.subjects(&self.methods)?;
        let mut cells = Vec::new();
        for &ipc in &self.ipc {
            for subject in &subjects {
                for seed in 0..self.seeds {
                    let config = outline.config(self, subject, ipc, seed)?;
                    cells.push(Cell { row: subject.name.clone(), ipc, config });
                }
            }
        }
        if cells.is_empty() {
            return Err(SweepError::Nothing.into());
        }
        Ok(Sweep { name: outline.name, reference: outline.reference, seeds: self.seeds, cells })
    }
}

impl Outline {
    /// Name, shared layer, exceptions and arms of a sweep's file.
    fn read(file: &Path) -> Result<Self, Error> {
        let mut layer = Layer::from_file(file)?;
        let exceptions = section(
            &mut layer,
            file,
            "for",
            "write [[for]] with methods = [\"dm\"], perhaps ipc = [1], and [for.set] with keys as in any configuration",
        )?;
        let variants: Vec<Variant> = section(
            &mut layer,
            file,
            "variant",
            "write [[variant]] with its own name, method = \"edf\", and [variant.set] with keys as in any configuration",
        )?;
        let reference = match layer.take("reference") {
            None => None,
            Some(Value::String(name)) if variants.iter().any(|variant| variant.name == name) => Some(name),
            Some(other) => {
                let (file, name) = (file.to_owned(), other.to_string());
                return Err(SweepError::Reference { file, name }.into());
            }
        };
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { name, base: Some(layer), exceptions, variants, reference })
    }

    /// What is named; `all` are all variants where there are any, else all methods.
    fn subjects(&self, names: &[String]) -> Result<Vec<Variant>, SweepError> {
        if names.iter().any(|name| name == "all") {
            return Ok(if self.variants.is_empty() {
                methods().into_iter().map(MethodName::from).map(Variant::from).collect()
            } else {
                self.variants.clone()
            });
        }
        names.iter().map(|name| self.subject(name)).collect()
    }

    fn subject(&self, name: &str) -> Result<Variant, SweepError> {
        if let Some(variant) = self.variants.iter().find(|variant| variant.name == name) {
            return Ok(variant.clone());
        }
        name.parse::<MethodName>().map(Variant::from).map_err(|_| {
            let methods = methods().into_iter().map(|row| row.name);
            let all: Vec<&str> =
                self.variants.iter().map(|variant| variant.name.as_str()).chain(methods).collect();
            SweepError::Method { name: name.to_owned(), known: all.join(", ") }
        })
    }

    /// The run of a subject: what all share < what its method does otherwise < its own < the sweep's < `--set`.
    fn config(&self, plan: &SweepPlan, subject: &Variant, ipc: usize, seed: u64) -> Result<Config, Error> {
        let mut layers: Vec<Layer> = self.base.iter().cloned().collect();
        let fitting = self.exceptions.iter().filter(|exception| exception.is_for(subject.method, ipc));
        layers.extend(fitting.map(|e| Layer::from_table(e.set.clone(), "[[for]] of the sweep")));
        layers.push(Layer::from_table(subject.set.clone(), "[[variant]] of the sweep"));
        for set in fixed(plan, subject, ipc, seed).iter().chain(&plan.sets) {
            layers.push(Layer::from_set(set)?);
        }
        Ok(Config::resolve(layers, &self.name)?)
    }
}

impl From<MethodName> for Variant {
    fn from(method: MethodName) -> Self {
        Self { name: method.as_str().to_owned(), method, set: Table::new() }
    }
}

/// What the sweep itself decides in each run.
fn fixed(plan: &SweepPlan, subject: &Variant, ipc: usize, seed: u64) -> Vec<String> {
    let mut sets = vec![
        format!("method={}", subject.method.as_str()),
        format!("distill.ipc={ipc}"),
        format!("seed={seed}"),
        format!("name={}-ipc{ipc}-seed{seed}", subject.name),
    ];
    sets.extend(plan.dataset.as_ref().map(|name| format!("data.name={name}")));
    sets
}

/// The tables of one name in a comparison's file.
fn section<T: DeserializeOwned>(
    layer: &mut Layer,
    file: &Path,
    table: &'static str,
    remedy: &'static str,
) -> Result<Vec<T>, SweepError> {
    let Some(value) = layer.take(table) else { return Ok(Vec::new()) };
    value.try_into().map_err(|error: toml::de::Error| SweepError::Table {
        file: file.to_owned(),
        table,
        what: error.message().to_owned(),
        remedy,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_comparison_resolves() {
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/compare");
        let mut cells = Vec::new();
        for entry in std::fs::read_dir(shipped).expect("the folder") {
            let plan = SweepPlan {
                methods: vec!["all".to_owned()],
                file: Some(entry.expect("an entry").path()),
                ipc: vec![1, 10],
                seeds: 2,
                ..SweepPlan::default()
            };
            cells.extend(plan.resolve().expect("a sweep").cells);
        }
        let of =
            |row: &str| cells.iter().filter(|cell| cell.row == row).map(|cell| cell.config.seed).collect();
        let neither: Vec<u64> = of("neither");
        assert!(neither.len().is_multiple_of(4) && neither.starts_with(&[0, 1, 0, 1]), "{neither:?}");
        let alone = cells.iter().find(|cell| cell.row == "cpd").expect("an arm");
        assert!(alone.config.distill.enhancement().is_none(), "an arm goes before its method");
    }
}
