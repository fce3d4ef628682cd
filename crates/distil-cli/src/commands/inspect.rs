//! `distil inspect`: what a trained network sees in a run's images, for its report.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use distil::config::Config;
use distil::inspection_table;
use distil_store::{Part, RunPaths};

use crate::args::part;
use crate::context::Context;
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// The run folder
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath)]
    run: PathBuf,
    /// Which set: best, last, ema or initial [default: best, or else last]
    #[arg(long, value_name = "PART", value_parser = part)]
    part: Option<Part>,
    /// Perplexity of the t-SNE, roughly the number of neighbours of an image
    #[arg(long, value_name = "N", default_value = "30")]
    perplexity: f64,
    /// Instead, compare the gradients of so many steps from the set [default there: initial] with those without dropout and
    /// area enhancement
    #[arg(long, value_name = "STEPS", num_args = 0..=1, default_missing_value = "5", conflicts_with = "perplexity")]
    gradients: Option<u64>,
    /// With --gradients, set a key of the run's configuration, as in `distill.dropout.ratio=0.375`; may be repeated
    #[arg(long, value_name = "KEY=VALUE", requires = "gradients")]
    set: Vec<String>,
    /// The folder of the experts [default: expert.store, or one below runs/experts]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    experts: Option<PathBuf>,
    /// Where datasets are kept
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) data_dir: Option<PathBuf>,
}

pub(crate) fn inspect(args: &InspectArgs, context: Context<'_>) -> Result<(), Failure> {
    let run = RunPaths::new(&args.run);
    run.read_config()?;
    let session = context.session(Config::load(&run.config(), &args.set)?, args.experts.as_deref())?;
    if let Some(steps) = args.gradients {
        let effects = session.inspect_gradients(&run, args.part, steps.max(1))?;
        return context.console.result(effects.markdown());
    }
    let inspection = session.inspect(&run, args.part, args.perplexity)?;
    context.console.note(format_args!("draw it: distil report {}", args.run.display()));
    context.console.result(inspection_table(&inspection))
}
