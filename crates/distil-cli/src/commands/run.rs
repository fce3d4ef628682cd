//! `distil run`.

use std::ops::ControlFlow;

use distil::config::Config;
use distil::{Existing, RunPlace, run_folder};
use distil_match::Outcome;
use distil_report::Tracker;
use distil_store::{Part, RunPaths, StoreError};

use crate::args::{ConfigArgs, RunArgs};
use crate::context::Context;
use crate::failure::Failure;

pub(crate) fn run(args: &RunArgs, context: Context<'_>) -> Result<(), Failure> {
    let existing = if args.resume { Existing::Require } else { Existing::Refuse };
    let config = Config::load(&args.config.config, &args.config.sets())?;
    let paths = run_folder(args.config.out.as_deref(), &config);
    // Before minutes of loading: a folder that cannot be used.
    let place = RunPlace::find(paths.clone(), &config, existing)?;
    context.plan(&config, |times| times.distillation)?;
    let session = context.session(config, args.config.experts.as_deref())?;
    session.check_run()?;
    let store = session.open_needed_experts()?;
    let mut tracking = if args.tensorboard { Tracking::Waiting } else { Tracking::Nowhere };
    let outcome = session.run(store.as_ref(), place, &command(&args.config), &mut |_| {
        // A full disk must not end the run for the sake of a second log.
        if let Err(error) = tracking.catch_up(&paths) {
            context.console.warn(format_args!("no more events for TensorBoard: {error}"));
            tracking = Tracking::Nowhere;
        }
        ControlFlow::Continue(())
    })?;
    context.console.result(described(&outcome, &paths))
}

/// Where the log goes besides the run folder.
enum Tracking {
    Nowhere,
    /// To TensorBoard, from the first event on: the run folder may not be there before.
    Waiting,
    TensorBoard(Tracker),
}

impl Tracking {
    fn catch_up(&mut self, paths: &RunPaths) -> Result<(), StoreError> {
        match self {
            Self::Nowhere => Ok(()),
            Self::Waiting => {
                let folder = Tracker::default_folder(paths.folder());
                *self = Self::TensorBoard(Tracker::start(paths, &folder)?);
                Ok(())
            }
            Self::TensorBoard(tracker) => tracker.catch_up(),
        }
    }
}

/// The command for the card of the sets: without what only says where files are or how far the run was, so that an
/// interrupted run ends with the same bytes.
pub(crate) fn command(args: &ConfigArgs) -> String {
    let config = args.config.display().to_string();
    let sets = args.sets().into_iter().flat_map(|set| ["--set".to_owned(), set]);
    ["distil run --config".to_owned(), config].into_iter().chain(sets).collect::<Vec<_>>().join(" ")
}

fn described(outcome: &Outcome, paths: &RunPaths) -> String {
    let Outcome { iterations, gated, non_finite, best } = *outcome;
    let file = |part| paths.set(part).display().to_string();
    let mut lines = vec![
        "| set | iteration | validation accuracy % | file |".to_owned(),
        "|---|---:|---:|---|".to_owned(),
    ];
    if let Some((iteration, accuracy)) = best {
        let percent = 100.0 * accuracy;
        lines.push(format!("| best on validation | {iteration} | {percent:.1} | {} |", file(Part::Best)));
    }
    lines.push(format!("| last | {iterations} |  | {} |", file(Part::Last)));
    if paths.set(Part::Ema).is_file() {
        lines.push(format!("| moving average | {iterations} |  | {} |", file(Part::Ema)));
    }
    if gated + non_finite > 0 {
        lines.push(format!("\n{gated} iterations were above the loss gate and {non_finite} were not finite; neither moved the set."));
    }
    lines.join("\n")
}
