//! `distil tune`: better settings for a method on data of one's own.

use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use distil::{RUNS, Tune};

use crate::context::Context;
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(crate) struct TuneArgs {
    /// A configuration (TOML) with a table [tune]: trials, perhaps rungs and factor, and [[tune.key]] tables
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: PathBuf,
    /// Set a key of every trial, as in `distill.iterations=300`; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Folder of the trials [default: runs/tune-NAME]
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    out: Option<PathBuf>,
    /// Where datasets are kept
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) data_dir: Option<PathBuf>,
}

pub(crate) fn tune(args: &TuneArgs, context: Context<'_>) -> Result<(), Failure> {
    let tune = Tune::load(&args.config, &args.set)?;
    let folder = args.out.clone().unwrap_or_else(|| Path::new(RUNS).join(format!("tune-{}", tune.name)));
    let device = context.device.open()?;
    context.console.note(tune.budget());
    if let Some(seconds) = tune.seconds(context.data_dir, &device)? {
        context.announce_seconds(seconds);
    }
    let found = tune.run(&folder, |config| context.begin(config), &device)?;
    context.console.result(found.markdown().trim_end())
}
