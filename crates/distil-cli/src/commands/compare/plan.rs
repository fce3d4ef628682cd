//! Which runs a comparison of methods is made of.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum, ValueHint};
use serde::Deserialize;
use toml::{Table, Value};

use crate::cli::TableFormat;
use crate::config::{Config, Layer, MethodName};
use crate::failure::Failure;

/// `--methods`: many methods on one dataset.
#[derive(Debug, Args)]
#[command(next_help_heading = "Many methods")]
pub(crate) struct GridArgs {
    /// Distil and evaluate with these methods, or `all`, instead of comparing two results
    #[arg(long, value_name = "NAMES", value_delimiter = ',', conflicts_with = "subjects")]
    pub(crate) methods: Option<Vec<String>>,
    /// What all runs share, and, in tables named `for`, what some methods do otherwise; published presets without it
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
    pub(super) method: MethodName,
    pub(super) ipc: usize,
    pub(super) config: Config,
}

/// A comparison: the runs, those of one table row in a row.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) name: String,
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

impl Exception {
    fn is_for(&self, method: MethodName, ipc: usize) -> bool {
        self.methods.contains(&method) && self.ipc.as_ref().is_none_or(|list| list.contains(&ipc))
    }
}

impl Plan {
    /// All runs, resolved, so that no slip shows up after hours.
    pub(super) fn new(args: &GridArgs) -> Result<Self, Failure> {
        let methods = methods(args.methods.as_deref().unwrap_or_default())?;
        let (name, base, exceptions) = match &args.config {
            Some(file) => read(file)?,
            None => (args.dataset.clone().unwrap_or_else(|| "clutter".to_owned()), None, Vec::new()),
        };
        if args.seeds == 0 || args.ipc.is_empty() {
            return Err(Failure::new("there is nothing to run", "give at least one seed and one --ipc"));
        }
        let mut cells = Vec::new();
        for &ipc in &args.ipc {
            for &method in &methods {
                let fitting = exceptions.iter().filter(|exception| exception.is_for(method, ipc));
                for seed in 0..args.seeds {
                    let mut layers: Vec<Layer> = base.iter().cloned().collect();
                    layers.extend(
                        fitting
                            .clone()
                            .map(|e| Layer::from_table(e.set.clone(), "[[for]] of the comparison")),
                    );
                    for set in fixed(args, method, ipc, seed).iter().chain(&args.set) {
                        layers.push(Layer::from_set(set)?);
                    }
                    cells.push(Cell { method, ipc, config: Config::resolve(layers, &name)? });
                }
            }
        }
        Ok(Self { name, cells })
    }

    /// The folder of all runs.
    pub(super) fn folder(&self, out: Option<&Path>) -> PathBuf {
        out.map_or_else(|| Path::new("runs").join(format!("compare-{}", self.name)), Path::to_owned)
    }
}

/// What the comparison itself decides in each run.
fn fixed(args: &GridArgs, method: MethodName, ipc: usize, seed: u64) -> Vec<String> {
    let mut sets = vec![
        format!("method={}", method.as_str()),
        format!("distill.ipc={ipc}"),
        format!("seed={seed}"),
        format!("name={}-ipc{ipc}-seed{seed}", method.as_str()),
    ];
    sets.extend(args.dataset.as_ref().map(|name| format!("data.name={name}")));
    sets
}

fn methods(names: &[String]) -> Result<Vec<MethodName>, Failure> {
    if names.iter().any(|name| name == "all") {
        return Ok(MethodName::value_variants().to_vec());
    }
    let found = names.iter().map(|name| {
        MethodName::from_str(name, false).map_err(|_| {
            let all: Vec<&str> = MethodName::value_variants().iter().map(|method| method.as_str()).collect();
            Failure::new(
                format_args!("--methods: there is no method {name:?}"),
                format_args!("choose among {}, or all", all.join(", ")),
            )
        })
    });
    found.collect()
}

/// Name, shared layer and exceptions of a comparison's file.
fn read(file: &Path) -> Result<(String, Option<Layer>, Vec<Exception>), Failure> {
    let mut layer = Layer::from_file(file)?;
    let exceptions = match layer.take("for") {
        None => Vec::new(),
        Some(value) => Value::try_into(value).map_err(|error: toml::de::Error| {
            Failure::new(
                format_args!("{}: [[for]]: {}", file.display(), error.message()),
                "write [[for]] with methods = [\"dm\"], perhaps ipc = [1], and [for.set] with keys as in any configuration",
            )
        })?,
    };
    let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok((stem, Some(layer), exceptions))
}
