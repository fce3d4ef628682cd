//! `distil reproduce`: everything from experts to report.

use std::time::Instant;

use distil_report::results_table_markdown;
use distil_store::RunPaths;

use crate::cli::ConfigArgs;
use crate::config::Config;
use crate::console::duration;
use crate::failure::Failure;
use crate::places::run_folder;
use crate::workbench::{Surroundings, Workbench};

use super::eval::evaluate_run;
use super::run::{Existing, command, distil, prepared};
use super::{expert, report};

pub(crate) fn reproduce(args: &ConfigArgs, around: Surroundings<'_>) -> Result<(), Failure> {
    let started = Instant::now();
    let config = Config::load(&args.config, &args.set)?;
    let paths = RunPaths::new(run_folder(args.out.as_deref(), &config));
    let early = prepared(&paths, &config, Existing::Continue)?;
    let bench = Workbench::open(config, around)?;
    let store = expert::train(&bench, args.experts.as_deref())?;
    distil(&bench, &store, early, &paths, &command(args))?;
    let results = evaluate_run(&bench, &paths)?;
    let page = report::write(&paths, &bench.config, bench.console)?;
    bench.console.result(results_table_markdown(&results).trim_end())?;
    let took = duration(started.elapsed().as_secs_f64());
    bench.console.note(format_args!("report: {} ({took} in all)", page.display()));
    Ok(())
}
