//! `distil inspect`: what a trained network sees in a run's images, for its report.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use distil::config::Config;
use distil_store::{Activations, Distance, Inspection, Part, RunPaths};

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
    let session = context.session(Config::load(&run.config(), &[])?, args.experts.as_deref())?;
    let inspection = session.inspect(&run, args.part, args.perplexity)?;
    context.console.note(format_args!("draw it: distil report {}", args.run.display()));
    context.console.result(table(&inspection))
}

fn table(inspection: &Inspection) -> String {
    let mut lines = vec!["| iteration | distance between classes |".to_owned(), "|---:|---:|".to_owned()];
    let distance = |at: &Distance| format!("| {} | {:.3} |", at.iteration, at.distance);
    lines.extend(inspection.distances.iter().map(distance));
    lines.extend(inspection.real_distance.map(|real| format!("| real images | {real:.3} |")));
    lines.push("\n| images | mean activation | activation ≥ 0.5 |\n|---|---:|---:|".to_owned());
    let spread = |spread: &Activations| {
        format!("| {} | {:.3} | {:.1} % |", spread.name, spread.mean, 100.0 * spread.above_half)
    };
    lines.extend(inspection.activations.iter().map(spread));
    lines.join("\n")
}
