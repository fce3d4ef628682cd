//! `distil track`: a run's log for TensorBoard.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueHint};
use distil_report::Tracker;
use distil_store::RunPaths;

use crate::console::Console;
use crate::failure::Failure;
use crate::interrupt;

/// How often a followed log is polled.
const INTERVAL: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
pub(crate) struct TrackArgs {
    /// The run folder
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath)]
    run: PathBuf,
    /// The folder of the file [default: RUN/tensorboard]
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    out: Option<PathBuf>,
    /// Follow the run's log until Ctrl-C
    #[arg(long)]
    follow: bool,
}

pub(crate) fn track(args: &TrackArgs, console: &Console) -> Result<(), Failure> {
    let folder = args.out.clone().unwrap_or_else(|| Tracker::default_folder(&args.run));
    let mut tracker = Tracker::start(&RunPaths::new(&args.run), &folder)?;
    while args.follow && !interrupt::wait(INTERVAL) {
        tracker.catch_up()?;
    }
    let (file, events) = tracker.written();
    console.result(format_args!("{} holds {events} events", file.display()))
}
