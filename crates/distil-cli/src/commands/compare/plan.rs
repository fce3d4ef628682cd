//! Which runs a comparison of methods is made of.

use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::args::TableFormat;
use crate::failure::Failure;
use distil::config::{Config, Layer};
use distil_match::{MethodName, methods};

/// `--methods`: many methods on one dataset.
#[derive(Debug, Args)]
#[command(next_help_heading = "Many methods")]
pub(crate) struct GridArgs {
    /// Distil and evaluate with these methods or variants of the configuration, or `all`, instead of comparing two results
    #[arg(long, value_name = "NAMES", value_delimiter = ',', conflicts_with = "subjects")]
    pub(crate) methods: Option<Vec<String>>,
    /// What all runs share, in tables named `for` what some methods do otherwise, and in tables named `variant` the arms
    /// of an ablation; published presets without it
    #[arg(short, long, value_name = "FILE", requires = "methods", value_hint = ValueHint::FilePath)]
    pub(super) config: Option<PathBuf>,
    /// The dataset, where the configuration names none or another
    #[arg(long, value_name = "NAME", requires = "methods")]
    pub(super) dataset: Option<String>,
    /// Images per class
    #[arg(long, value_name = "N", value_delimiter = ',', default_value = "1,10", requires = "methods")]
    pub(super) ipc: Vec<usize>,
    /// Runs of each method, each with experts, synthetic set and student of its own
    #[arg(long, value_name = "N", default_value_t = 3, requires = "methods")]
    pub(super) seeds: u64,
    /// Set a key of every run, as in `eval.epochs=300`; may be repeated
    #[arg(long, value_name = "KEY=VALUE", requires = "methods")]
    pub(super) set: Vec<String>,
    /// Where the runs go; those that are there already are not done again
    #[arg(short, long, value_name = "DIR", requires = "methods", value_hint = ValueHint::DirPath)]
    pub(super) out: Option<PathBuf>,
    /// How the table is written
    #[arg(long, value_name = "FORMAT", default_value = "markdown", requires = "methods")]
    pub(super) table: TableFormat,
    /// Where datasets are kept
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) data_dir: Option<PathBuf>,
}

/// A run of a comparison.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    /// The row of the table it belongs to.
    pub(super) row: String,
    pub(super) ipc: usize,
    pub(super) config: Config,
}

/// A comparison: the runs, those of one table row in a row.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) name: String,
    /// The row that the others are compared with; the best one without it.
    pub(super) reference: Option<String>,
    pub(super) cells: Vec<Cell>,
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

/// An arm of an ablation: a method under a name of its own, with settings of its own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Variant {
    name: String,
    method: MethodName,
    /// Keys of the configuration; those of the method without it.
    #[serde(default)]
    set: Table,
}

/// A comparison's file.
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

impl Plan {
    /// All runs, resolved, so that no slip shows up after hours.
    pub(super) fn new(args: &GridArgs) -> Result<Self, Failure> {
        let outline = match &args.config {
            Some(file) => Outline::read(file)?,
            None => Outline {
                name: args.dataset.clone().unwrap_or_else(|| "clutter".to_owned()),
                ..Outline::default()
            },
        };
        let subjects = outline.subjects(args.methods.as_deref().unwrap_or_default())?;
        if args.seeds == 0 || args.ipc.is_empty() {
            return Err(Failure::new("there is nothing to run", "give at least one seed and one --ipc"));
        }
        let mut cells = Vec::new();
        for &ipc in &args.ipc {
            for subject in &subjects {
                for seed in 0..args.seeds {
                    let config = outline.config(args, subject, ipc, seed)?;
                    cells.push(Cell { row: subject.name.clone(), ipc, config });
                }
            }
        }
        Ok(Self { name: outline.name, reference: outline.reference, cells })
    }

    /// The folder of all runs.
    pub(super) fn folder(&self, out: Option<&Path>) -> PathBuf {
        out.map_or_else(|| Path::new("runs").join(format!("compare-{}", self.name)), Path::to_owned)
    }
}

impl Outline {
    /// Name, shared layer, exceptions and arms of a comparison's file.
    fn read(file: &Path) -> Result<Self, Failure> {
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
            "write [[variant]] with a name of its own, method = \"edf\", and [variant.set] with keys as in any configuration",
        )?;
        let reference = match layer.take("reference") {
            None => None,
            Some(Value::String(name)) if variants.iter().any(|variant| variant.name == name) => Some(name),
            Some(other) => {
                return Err(Failure::new(
                    format_args!("{}: reference: there is no variant {other}", file.display()),
                    "name one of the [[variant]] tables of this file",
                ));
            }
        };
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { name, base: Some(layer), exceptions, variants, reference })
    }

    /// What `--methods` names; `all` are all variants where there are any, else all methods.
    fn subjects(&self, names: &[String]) -> Result<Vec<Variant>, Failure> {
        if names.iter().any(|name| name == "all") {
            return Ok(if self.variants.is_empty() {
                methods().into_iter().map(MethodName::from).map(Variant::from).collect()
            } else {
                self.variants.clone()
            });
        }
        names.iter().map(|name| self.subject(name)).collect()
    }

    fn subject(&self, name: &str) -> Result<Variant, Failure> {
        if let Some(variant) = self.variants.iter().find(|variant| variant.name == name) {
            return Ok(variant.clone());
        }
        name.parse::<MethodName>().map(Variant::from).map_err(|_| {
            let methods = methods().into_iter().map(|row| row.name);
            let all: Vec<&str> =
                self.variants.iter().map(|variant| variant.name.as_str()).chain(methods).collect();
            Failure::new(
                format_args!("--methods: there is no method {name:?}"),
                format_args!("choose among {}, or all", all.join(", ")),
            )
        })
    }

    /// The run of a subject: what all share < what its method does otherwise < its own < the comparison's < `--set`.
    fn config(&self, args: &GridArgs, subject: &Variant, ipc: usize, seed: u64) -> Result<Config, Failure> {
        let mut layers: Vec<Layer> = self.base.iter().cloned().collect();
        let fitting = self.exceptions.iter().filter(|exception| exception.is_for(subject.method, ipc));
        layers.extend(fitting.map(|e| Layer::from_table(e.set.clone(), "[[for]] of the comparison")));
        layers.push(Layer::from_table(subject.set.clone(), "[[variant]] of the comparison"));
        for set in fixed(args, subject, ipc, seed).iter().chain(&args.set) {
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

/// What the comparison itself decides in each run.
fn fixed(args: &GridArgs, subject: &Variant, ipc: usize, seed: u64) -> Vec<String> {
    let mut sets = vec![
        format!("method={}", subject.method.as_str()),
        format!("distill.ipc={ipc}"),
        format!("seed={seed}"),
        format!("name={}-ipc{ipc}-seed{seed}", subject.name),
    ];
    sets.extend(args.dataset.as_ref().map(|name| format!("data.name={name}")));
    sets
}

/// The tables of one name in a comparison's file.
fn section<T: DeserializeOwned>(
    layer: &mut Layer,
    file: &Path,
    name: &str,
    help: &str,
) -> Result<Vec<T>, Failure> {
    let Some(value) = layer.take(name) else { return Ok(Vec::new()) };
    value.try_into().map_err(|error: toml::de::Error| {
        Failure::new(format_args!("{}: [[{name}]]: {}", file.display(), error.message()), help)
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
            let args = GridArgs {
                methods: Some(vec!["all".to_owned()]),
                config: Some(entry.expect("an entry").path()),
                dataset: None,
                ipc: vec![1, 10],
                seeds: 2,
                set: Vec::new(),
                out: None,
                table: TableFormat::Markdown,
                data_dir: None,
            };
            cells.extend(Plan::new(&args).expect("a plan").cells);
        }
        let of =
            |row: &str| cells.iter().filter(|cell| cell.row == row).map(|cell| cell.config.seed).collect();
        let neither: Vec<u64> = of("neither");
        assert!(neither.len().is_multiple_of(4) && neither.starts_with(&[0, 1, 0, 1]), "{neither:?}");
        let alone = cells.iter().find(|cell| cell.row == "cpd").expect("an arm");
        assert!(alone.config.distill.enhancement().is_none(), "an arm goes before its method");
    }
}
