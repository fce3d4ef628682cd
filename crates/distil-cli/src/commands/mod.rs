//! The commands, composed of the libraries.

pub(crate) mod bench;
pub(crate) mod campaign;
mod cite;
mod compare;
pub(crate) mod compdd;
mod data;
mod datasets;
pub(crate) mod doctor;
mod eval;
mod expert;
pub(crate) mod export;
pub(crate) mod fetch;
pub(crate) mod gradcam;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod inspect;
mod methods;
pub(crate) mod plan;
pub(crate) mod predict;
pub(crate) mod rank_score;
mod report;
pub(crate) mod reproduce;
pub(crate) mod rows;
mod run;
pub(crate) mod sweep;
pub(crate) mod track;
pub(crate) mod train;
pub(crate) mod tune;
pub(crate) mod watch;

use clap::CommandFactory;

use crate::args::DataCommand;
use crate::cli::{Cli, Command};
use crate::console::Console;
use crate::context::Context;
use crate::failure::Failure;

/// Runs the command that was asked for.
pub(crate) fn execute(cli: &Cli, console: &Console) -> Result<(), Failure> {
    let device = cli.global.device;
    let context = |data_dir| Context { console, device, data_dir };
    match &cli.command {
        Command::Init(args) => init::init(args, context(args.data_dir.as_deref())),
        Command::Fetch(args) => fetch::fetch(args, console),
        Command::Data(DataCommand::Info(args)) => data::info(args, context(args.data_dir.as_deref())),
        Command::Datasets(args) => datasets::datasets(args, console),
        Command::Expert(args) => expert::expert(args, context(args.config.data_dir.as_deref())),
        Command::Plan(args) => plan::plan(args, context(args.data_dir.as_deref())),
        Command::Run(args) => run::run(args, context(args.config.data_dir.as_deref())),
        Command::Eval(args) => eval::eval(args, context(args.data_dir.as_deref())),
        Command::RankScore(args) => rank_score::rank_score(args, context(args.data_dir.as_deref())),
        Command::Reproduce(args) => reproduce::reproduce(args, context(args.data_dir.as_deref())),
        Command::Campaign(args) => campaign::campaign(args, &cli.global, console),
        Command::Rows(args) => rows::rows(args, context(args.data_dir.as_deref())),
        Command::Report(args) => report::report(args, console),
        Command::Inspect(args) => inspect::inspect(args, context(args.data_dir.as_deref())),
        Command::Compare(args) => compare::compare(args, console),
        Command::Sweep(args) => sweep::sweep(args, context(args.data_dir.as_deref())),
        Command::Tune(args) => tune::tune(args, context(args.data_dir.as_deref())),
        Command::Doctor(args) => doctor::doctor(args, context(args.data_dir.as_deref())),
        Command::Bench(command) => bench::bench(command, &cli.global, console),
        Command::Train(args) => train::train(args, context(args.data_dir.as_deref())),
        Command::Predict(args) => predict::predict(args, context(None)),
        Command::Gradcam(args) => gradcam::gradcam(args, context(args.data_dir.as_deref())),
        Command::Compdd(command) => compdd::compdd(command, context(command.data_dir())),
        Command::Watch(args) => watch::watch(args, console),
        Command::Track(args) => track::track(args, console),
        Command::Export(args) => export::export(args, console),
        Command::Import(args) => import::import(args, context(args.data_dir.as_deref())),
        Command::Cite(args) => cite::cite(args, console),
        Command::Methods => methods::methods(console),
        Command::Schema => {
            console.result(serde_json::to_string_pretty(&distil::config::schema()).expect("plain JSON"))
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "distil", &mut script);
            console.result(String::from_utf8_lossy(&script).trim_end())
        }
    }
}
