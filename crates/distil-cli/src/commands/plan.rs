//! `distil plan`: what a run will need.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use distil::Plan;
use distil::config::Config;

use crate::context::Context;
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// The configuration (TOML)
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: PathBuf,
    /// Set a key of the configuration, as in `distill.ipc=10`; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Where datasets are kept; needed only for datasets whose size is not known by name
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) data_dir: Option<PathBuf>,
    /// Skip the timing run
    #[arg(long)]
    no_timing: bool,
}

pub(crate) fn plan(args: &PlanArgs, context: Context<'_>) -> Result<(), Failure> {
    let config = Config::load(&args.config, &args.set)?;
    let plan = Plan::known(&config, context.data_dir, &context.device.open()?)?;
    let times = (plan.remedy().is_none() && !args.no_timing).then(|| plan.times());
    context.console.result(plan.page(times.as_ref()))
}
