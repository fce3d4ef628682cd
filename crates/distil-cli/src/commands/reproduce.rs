//! `distil reproduce`: everything from experts to report.

use std::time::Instant;

use distil_data::locate;
use distil_models::Arch;
use distil_report::results_table_markdown;
use distil_store::RunPaths;

use crate::args::ConfigArgs;
use crate::console::duration;
use crate::failure::Failure;
use crate::places::run_folder;
use crate::session::{Context, Session};
use distil::config::Config;

use super::eval::{Which, evaluate_run, networks};
use super::run::{Existing, Tracking, command, distil, feasible, prepared};
use super::students::Students;
use super::{cam_network, expert, fetch, plan, report};

pub(crate) fn reproduce(args: &ConfigArgs, context: Context<'_>) -> Result<(), Failure> {
    let started = Instant::now();
    let config = Config::load(&args.config, &args.sets())?;
    let paths = RunPaths::new(run_folder(args.out.as_deref(), &config));
    let early = prepared(&paths, &config, Existing::Continue)?;
    plan::refuse_what_does_not_fit(&config, context)?;
    fetch_if_missing(&config, context)?;
    let session = Session::open(config, context)?;
    feasible(&session)?;
    let store = expert::train_if_needed(&session, args.experts.as_deref())?;
    cam_network::train_if_missing(&session)?;
    distil(&session, store.as_ref(), early, &paths, &command(args), Tracking::Nowhere)?;
    let students = Students::of(&session)?;
    let own = session.config.eval.name();
    let results = evaluate_run(&students, &networks(&students, &[Arch::ConvNet])?, &paths, own, Which::All)?;
    let page = report::write(&paths, &session.config, session.console)?;
    session.console.result(results_table_markdown(&results).trim_end())?;
    let took = duration(started.elapsed().as_secs_f64());
    session.console.note(format_args!("report: {} ({took} in all)", page.display()));
    Ok(())
}

/// Fetches a published set that is nowhere.
fn fetch_if_missing(config: &Config, context: Context<'_>) -> Result<(), Failure> {
    let data = &config.data;
    let dir = context.data_dir.or(data.data_dir.as_deref());
    if data.name.is_downloaded() && data.path.is_none() && locate(data.name, dir).is_err() {
        let place = fetch::into(data.name, dir, context.console)?;
        context.console.note(format_args!("fetched {} to {}", data.name, place.display()));
    }
    Ok(())
}
