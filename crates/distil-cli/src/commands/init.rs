//! `distil init`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use distil::starter::Starter;
use distil_data::DataConfig;
use distil_progress::Progress;
use distil_store::atomic;

use crate::context::Context;
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// A folder with one subfolder of pictures per class, another file of data, or the name of a dataset
    #[arg(value_name = "NAME|PATH", value_hint = ValueHint::AnyPath)]
    dataset: String,
    /// The configuration to write [default: NAME.toml]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    out: Option<PathBuf>,
    /// How long all of it may take on this device, in minutes
    #[arg(long, value_name = "N", default_value = "10", value_parser = clap::value_parser!(u32).range(1..))]
    minutes: u32,
    /// A picture to leave out, named below the folder, as `class/picture.jpg`; may be repeated
    #[arg(long, value_name = "FILE")]
    skip: Vec<String>,
    /// Where datasets are kept
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) data_dir: Option<PathBuf>,
}

pub(crate) fn init(args: &InitArgs, context: Context<'_>) -> Result<(), Failure> {
    let named = DataConfig::named(&args.dataset).map_err(distil::Error::from)?;
    let data = DataConfig { skip: (!args.skip.is_empty()).then(|| args.skip.clone()), ..named };
    let name = name(&data);
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from(format!("{name}.toml")));
    refuse_existing(&out)?;
    let device = context.device.open()?;
    let listener = context.console.listener();
    let starter = Starter::of(
        &data,
        context.data_dir,
        &name,
        f64::from(args.minutes),
        &device,
        Progress::to(&listener),
    )?;
    atomic::write(&out, &starter.text)?;
    context.console.result(format_args!("wrote {}: {starter}", out.display()))?;
    context.console.note(format_args!("next: distil reproduce --config {}", out.display()));
    Ok(())
}

/// What results are called: after the last part of a path.
fn name(data: &DataConfig) -> String {
    let last = data.path.as_ref().and_then(|path| path.canonicalize().ok());
    let last =
        last.as_ref().and_then(|path| path.file_stem()).map(|stem| stem.to_string_lossy().into_owned());
    let kept = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' };
    last.unwrap_or_else(|| data.name.to_string()).chars().map(kept).collect()
}

fn refuse_existing(out: &Path) -> Result<(), Failure> {
    if !out.exists() {
        return Ok(());
    }
    let help = "remove it, or name another file with --out";
    Err(Failure::new(format_args!("{} is there already", out.display()), help))
}
