//! `distil bench`: speed and memory, alone or beside a peer.

mod measure;
mod setting;
mod statistics;
mod workload;

use clap::{Args, Subcommand};

use crate::cli::Global;
use crate::console::Console;
use crate::failure::Failure;
use measure::{Measurement, measure};
use setting::Setting;

#[derive(Debug, Subcommand)]
pub(crate) enum BenchCommand {
    /// Time one distillation iteration, one training step, or one epoch on a synthetic set
    #[command(after_help = "Examples:\n  distil bench step --width 32 --images 10 --steps 10\n  \
        distil bench step --mode train-step --batch 128 --micro-batch 16 --threads 1 --json\n\n\
        The data are random: only speed and memory are measured. One iteration is N inner steps, the matching loss, \
        its gradient to images, label logits and step size, and the outer updates. --json prints one line with the \
        keys of shared/peers/torch_unroll.py, whose flags these are.")]
    Step(StepArgs),
}

#[derive(Debug, Args)]
pub(crate) struct StepArgs {
    #[command(flatten)]
    pub(crate) setting: Setting,
    /// Print one line of JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}

pub(crate) fn bench(command: &BenchCommand, global: &Global, console: &Console) -> Result<(), Failure> {
    match command {
        BenchCommand::Step(args) => step(args, global, console),
    }
}

fn step(args: &StepArgs, global: &Global, console: &Console) -> Result<(), Failure> {
    let measured = measure(&args.setting, global.device)?;
    if args.json {
        return console.result(serde_json::to_string(&measured).expect("a measurement is plain JSON"));
    }
    console.result(table(&args.setting, &measured))
}

fn table(setting: &Setting, measured: &Measurement) -> String {
    let Measurement { mode, seconds_median, seconds_min, seconds_max, memory, threads, device_name, .. } =
        measured;
    let peak = memory.peak_mib.map_or_else(|| "unknown".to_owned(), |mib| format!("{mib:.0} MiB"));
    let others = measured.other_cores.map_or_else(|| "unknown".to_owned(), |cores| format!("{cores:.2}"));
    let rows = [
        ("what", format!("{mode}, {}", setting.described())),
        ("where", format!("{device_name}, {threads} threads")),
        ("seconds, median", format!("{seconds_median:.4}")),
        ("least to most", format!("{seconds_min:.4} to {seconds_max:.4} of {}", setting.repeats)),
        ("peak memory", format!("{peak} ({})", memory.how)),
        ("per hour", format!("{:.0}", 3600.0 / seconds_median)),
        ("loss", format!("{:.6}", measured.loss)),
        ("parameters", measured.params.to_string()),
        ("cores busy elsewhere", others),
    ];
    let lines = rows.map(|(name, value)| format!("| {name} | {value} |"));
    format!("| | |\n|---|---|\n{}", lines.join("\n"))
}
