//! `distil sweep`: distils and evaluates with many methods, and shows them side by side.

use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use distil::{RUNS, SweepPlan};

use crate::args::TableFormat;
use crate::context::Context;
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(crate) struct SweepArgs {
    /// Methods, or variants of the configuration; `all` means all variants if there are any, else all methods
    #[arg(value_name = "METHODS", value_delimiter = ',', required = true)]
    methods: Vec<String>,
    /// Settings that all runs share; `[[for]]` tables change them for some methods, `[[variant]]` tables are the arms of
    /// an ablation [default: published presets]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
    /// The dataset, instead of the configuration's
    #[arg(long, value_name = "NAME")]
    dataset: Option<String>,
    /// Images per class
    #[arg(long, value_name = "N", value_delimiter = ',', default_value = "1,10")]
    ipc: Vec<usize>,
    /// Runs of each method, each with its own experts, synthetic set and student
    #[arg(long, value_name = "N", default_value_t = 3)]
    seeds: u64,
    /// Set a key of every run, as in `eval.epochs=300`; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Folder for the runs; finished ones are not repeated [default: runs/sweep-NAME]
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    out: Option<PathBuf>,
    /// Format of the table
    #[arg(long, value_name = "FORMAT", default_value = "markdown")]
    table: TableFormat,
    /// Where datasets are kept
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) data_dir: Option<PathBuf>,
}

pub(crate) fn sweep(args: &SweepArgs, context: Context<'_>) -> Result<(), Failure> {
    let plan = SweepPlan {
        methods: args.methods.clone(),
        file: args.config.clone(),
        dataset: args.dataset.clone(),
        ipc: args.ipc.clone(),
        seeds: args.seeds,
        sets: args.set.clone(),
    };
    let sweep = plan.resolve()?;
    let named = || Path::new(RUNS).join(format!("sweep-{}", sweep.name));
    let folder = args.out.clone().unwrap_or_else(named);
    let device = context.device.open()?;
    if let Some(seconds) = sweep.plan(&folder, context.data_dir, &device)? {
        context.announce_seconds(seconds);
    }
    let table = sweep.run(&folder, |config| context.begin(config), &device)?;
    let text = match args.table {
        TableFormat::Markdown => table.markdown(),
        TableFormat::Csv => table.csv(),
        TableFormat::Latex => table.latex(),
    };
    context.console.result(text.trim_end())?;
    if table.stuck.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = table.stuck.iter().map(|stuck| stuck.run.as_str()).collect();
    Err(Failure::new(
        format_args!("{} of {} runs got stuck: {}", names.len(), sweep.cells.len(), names.join(", ")),
        "the table says why; change their settings in a [[for]] table and run the same command again, which keeps the others",
    ))
}
