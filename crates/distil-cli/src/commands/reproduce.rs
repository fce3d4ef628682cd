//! `distil reproduce`: from the name of a row, or a configuration, to its results next to the published ones.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Args, ValueHint};
use distil::config::Config;
use distil::rows::{Reduction, Resolved, Row, Rows, mark_reduced, remove_reduced, side_by_side};
use distil::{Durations, Existing, RUNS, RunPlace, Students, Which, run_folder};
use distil_data::{DatasetName, locate};
use distil_models::Arch;
use distil_report::results_table_markdown;
use distil_store::atomic;
use toml::Value;

use super::run::command;
use super::{fetch, report};
use crate::args::{ConfigArgs, EvalArgs};
use crate::commands::eval;
use crate::context::Context;
use crate::failure::Failure;
use distil::duration;

/// The row that `distil reproduce` runs when none is named.
const EXAMPLE: &str = "clutter";

#[derive(Debug, Args)]
pub(crate) struct ReproduceArgs {
    /// The row, as `distil rows` prints it [default: the built-in example, clutter]
    #[arg(value_name = "ROW", conflicts_with = "config")]
    row: Option<String>,
    /// A configuration (TOML) instead of a row
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
    /// Set a key of the configuration, as in `distill.ipc=10`; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// The dataset, instead of data.name: cifar10, comp-dd/bird-hard… (`distil datasets` lists them)
    #[arg(long, value_name = "NAME")]
    dataset: Option<String>,
    /// Size of the run: full, or smoke for one of minutes, which is marked as not the row's result
    #[arg(long, value_enum, default_value_t = Scale::Full, conflicts_with = "config")]
    scale: Scale,
    /// With --scale smoke, use generated images even if the data are available
    #[arg(long, conflicts_with = "config")]
    stand_in: bool,
    /// The network used for Grad-CAM maps, such as torchvision's resnet18.pth; a ConvNet trained on the row's data otherwise
    #[arg(long, value_name = "MODEL", conflicts_with = "config", value_hint = ValueHint::FilePath)]
    cam: Option<PathBuf>,
    /// Print the row's configuration instead of running it
    #[arg(long, conflicts_with = "config")]
    print_config: bool,
    /// The run folder [default: runs/NAME]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    out: Option<PathBuf>,
    /// The folder of the experts [default: expert.store, or one below runs/experts]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    experts: Option<PathBuf>,
    /// Where datasets are kept
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) data_dir: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Scale {
    Full,
    Smoke,
}

pub(crate) fn reproduce(args: &ReproduceArgs, context: Context<'_>) -> Result<(), Failure> {
    if let Some(config) = &args.config {
        return of_config(&args.config_args(config.clone(), Vec::new()), context);
    }
    if let Some(file) = args.row.as_ref().filter(|row| Path::new(row).is_file()) {
        return Err(Failure::new(
            format_args!("{file} is a file, not a row"),
            format_args!("give it with --config {file}"),
        ));
    }
    let rows = Rows::embedded()?;
    let row = rows.find(args.row.as_deref().unwrap_or(EXAMPLE))?;
    let resolved = rows.resolve(row)?;
    match args.scale {
        Scale::Full => full(args, row, &resolved, context),
        Scale::Smoke => smoke(args, row, resolved, context),
    }
}

impl ReproduceArgs {
    /// A configuration with what the user set; `more` goes before that.
    fn config_args(&self, config: PathBuf, more: Vec<String>) -> ConfigArgs {
        ConfigArgs {
            config,
            set: more.into_iter().chain(self.set.iter().cloned()).collect(),
            dataset: self.dataset.clone(),
            out: self.out.clone(),
            experts: self.experts.clone(),
            data_dir: self.data_dir.clone(),
        }
    }

    fn folder(&self, resolved: &Resolved) -> PathBuf {
        self.out.clone().unwrap_or_else(|| Path::new(RUNS).join(&resolved.run))
    }

    /// Names the network for maps that was asked for; one is trained otherwise.
    fn cam_keys(&self, resolved: &Resolved) -> Result<Vec<String>, Failure> {
        let Some(cam) = &self.cam else { return Ok(Vec::new()) };
        if !resolved.get("distill.enhancement").is_some_and(Value::is_table) {
            let message = format!("--cam is for rows with activation maps; {} has none", resolved.run);
            return Err(Failure::new(message, "leave it out"));
        }
        if !cam.is_file() {
            let message = format!("--cam {}: there is no such file", cam.display());
            return Err(Failure::new(message, "check the path, or leave it out to train one"));
        }
        let model = std::path::absolute(cam)?;
        Ok(vec![format!("distill.enhancement.model={}", model.display())])
    }
}

fn full(args: &ReproduceArgs, row: &Row, resolved: &Resolved, context: Context<'_>) -> Result<(), Failure> {
    if args.print_config {
        return context.console.result(resolved.to_toml().trim_end());
    }
    if let Some(twin) = &resolved.same_as {
        context.console.note(format_args!("{} has the settings of {twin}, and shares its run", row.name));
    }
    if !row.note.is_empty() {
        context.console.note(format_args!("note: {}", row.note));
    }
    finish(args, row, resolved, context)?;
    context.console.result(side_by_side(row, resolved, &args.folder(resolved))?)
}

fn smoke(args: &ReproduceArgs, row: &Row, resolved: Resolved, context: Context<'_>) -> Result<(), Failure> {
    let name = resolved.get("data.name").and_then(Value::as_str).unwrap_or_default();
    let published = name.parse::<DatasetName>().ok().filter(|name| name.spec().places().is_some());
    let there = published.is_none_or(|name| locate(name, context.data_dir).is_ok());
    let scratch = std::path::absolute("runs/stand-in")?;
    let Reduction { resolved, stand_in, said } = Reduction::of(resolved, there && !args.stand_in, &scratch);
    if args.print_config {
        return context.console.result(resolved.to_toml().trim_end());
    }
    let warning = format!("REDUCED run of {}, NOT the row's result: {said}", row.name);
    context.console.warn(&warning);
    if let Some(stand_in) = stand_in {
        stand_in.write()?;
    }
    let folder = args.folder(&resolved);
    remove_reduced(&folder).map_err(distil::Error::from)?;
    finish(args, row, &resolved, context)?;
    mark_reduced(&folder, &warning).map_err(distil::Error::from)?;
    context.console.warn(&warning);
    Ok(())
}

/// Experts, distillation, evaluation and report, then other architectures.
fn finish(args: &ReproduceArgs, row: &Row, resolved: &Resolved, context: Context<'_>) -> Result<(), Failure> {
    let cam = args.cam_keys(resolved)?;
    let config = written(resolved)?;
    of_config(&args.config_args(config, cam), context)?;
    let archs: Vec<Arch> = row.archs.keys().map(|arch| arch.parse()).collect::<Result<_, _>>()?;
    if archs.is_empty() {
        return Ok(());
    }
    let evaluation = EvalArgs {
        subject: args.folder(resolved),
        config: None,
        set: Vec::new(),
        arch: archs,
        protocol: None,
        teacher: None,
        seeds: None,
        data_dir: args.data_dir.clone(),
    };
    eval::eval(&evaluation, context)
}

/// Everything from experts to report of a configuration, as far as it is not there.
fn of_config(args: &ConfigArgs, context: Context<'_>) -> Result<(), Failure> {
    let started = Instant::now();
    let config = Config::load(&args.config, &args.sets())?;
    let paths = run_folder(args.out.as_deref(), &config);
    let place = RunPlace::find(paths.clone(), &config, Existing::Continue)?;
    context.plan(&config, Durations::total)?;
    fetch_if_missing(&config, context)?;
    let session = context.session(config, args.experts.as_deref())?;
    session.check_run()?;
    let store = session.train_needed_experts()?;
    session.train_needed_maps_network()?;
    session.run(store.as_ref(), place, &command(args), &mut |_| ControlFlow::Continue(()))?;
    let students = Students::of(&session)?;
    let networks = vec![students.own_network()?];
    let results = students.evaluate_run(&networks, &paths, session.config(), Which::All)?;
    let page = report::write(&paths, session.config(), context.console)?;
    context.console.result(results_table_markdown(&results).trim_end())?;
    let took = duration(started.elapsed().as_secs_f64());
    context.console.note(format_args!("report: {} ({took} in all)", page.display()));
    context
        .console
        .note(format_args!("next: distil train {} --out model.safetensors", paths.folder().display()));
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

/// Writes a row's configuration where people can read it.
fn written(row: &Resolved) -> Result<PathBuf, Failure> {
    let folder = Path::new("runs/configs");
    atomic::create_folder(folder)?;
    let config = folder.join(format!("{}.toml", row.run));
    atomic::write(&config, row.to_toml())?;
    Ok(config)
}
