//! `distil bench`: speed and memory, alone or against a peer.

mod comparison;
mod growth;
mod measure;
mod setting;
mod statistics;
mod table;

use clap::{Args, Subcommand};

use crate::cli::Global;
use crate::console::Console;
use crate::failure::Failure;
use comparison::{Comparison, PeerArgs, Turns};
use growth::GrowthArgs;
pub(crate) use measure::BURN;
use setting::{Mode, Setting, count};

#[derive(Debug, Subcommand)]
pub(crate) enum BenchCommand {
    /// Time one distillation iteration, one training step, one epoch on a synthetic set, or one pass of activation maps
    #[command(
        args_override_self = true,
        after_help = "Examples:\n  distil bench step --width 32 --images 10 --steps 10\n  \
        distil bench step --mode train-step --batch 128 --micro-batch 16 --threads 1 --json\n  \
        distil bench step --steps 20 --peer ~/peer/bin/python --peer-script torch_unroll.py --layout flat\n\n\
        Only speed and memory are measured, on random data. One iteration is N inner steps, the matching loss, \
        its gradient to images, label logits and step size, and the outer updates; the device is synchronised before \
        the clock is read. Peak memory is the growth of the peak resident set after set-up (Linux), or of the device \
        allocator's pool.\n\n\
        The flags are those of the PyTorch program torch_unroll.py, and --json prints one line with its keys. With \
        --peer both programs run in turns, each in a new process: compare ratios from one such run, never figures \
        from different machines or days."
    )]
    Step(Box<StepArgs>),
    /// The standard table: distillation iteration, training step, evaluation epoch and activation maps at several widths
    #[command(after_help = "Examples:\n  distil bench all\n  \
        distil bench all --peer ~/peer/bin/python --rounds 5 --peer-arg=--keep-pages > table.md\n\n\
        10 images and N = 20 for the iteration, 256 images for the step, 100 images for the epoch and \
        for the maps; 3×32×32 pixels. The peer has no maps.")]
    All(AllArgs),
    /// How time and memory grow with N, batch, width, resolution and images per class
    #[command(after_help = "Examples:\n  distil bench growth\n  \
        distil bench growth --axes steps,width --peer ~/peer/bin/python\n\n\
        The last row of each table is the exponent p of size^p, fitted by least squares in the logarithms: 0 is \
        constant, 1 is proportional.")]
    Growth(GrowthArgs),
}

#[derive(Debug, Args)]
pub(crate) struct StepArgs {
    #[command(flatten)]
    setting: Setting,
    /// Print one line of JSON instead of a table
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    peer: PeerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct AllArgs {
    /// Widths of the network
    #[arg(long, value_delimiter = ',', default_values = ["32", "128"], value_parser = count, value_name = "N,…")]
    widths: Vec<usize>,
    /// Images processed at a time on each thread, 0 for the presets' value
    #[arg(long, default_value_t = 0, value_name = "N")]
    micro_batch: usize,
    /// Timed repetitions in each process
    #[arg(long, default_value_t = 3, value_parser = count, value_name = "N")]
    repeats: usize,
    #[command(flatten)]
    peer: PeerArgs,
}

pub(crate) fn bench(command: &BenchCommand, global: &Global, console: &Console) -> Result<(), Failure> {
    match command {
        BenchCommand::Step(args) => step(args, global, console),
        BenchCommand::All(args) => all(args, global, console),
        BenchCommand::Growth(args) => growth::growth(args, global, console),
    }
}

fn step(args: &StepArgs, global: &Global, console: &Console) -> Result<(), Failure> {
    // Before any process starts: a refusal of ours is clearer than one of a process.
    args.setting.network()?;
    args.peer.check(args.setting.mode)?;
    if args.peer.wants_processes() {
        let measured = compare(vec![args.setting.clone()], &args.peer, global, console)?;
        return console.result(match measured.first() {
            Some((_, rounds)) if args.json => rounds.json().to_string(),
            _ => table::rows(&measured),
        });
    }
    let measured = measure::measure(&args.setting, global.device, console)?;
    if args.json {
        return console.result(serde_json::to_string(&measured).expect("a measurement is plain JSON"));
    }
    console.result(table::alone(&args.setting, &measured))
}

fn all(args: &AllArgs, global: &Global, console: &Console) -> Result<(), Failure> {
    let &AllArgs { micro_batch, repeats, .. } = args;
    let base = Setting { micro_batch, repeats, ..Setting::default() };
    let settings = args.widths.iter().flat_map(|&width| {
        let modes = [(Mode::Exact, 10), (Mode::TrainStep, 10), (Mode::EvalEpoch, 100), (Mode::GradCam, 100)];
        modes.map(|(mode, images)| Setting { mode, width, images, ..base.clone() })
    });
    let measured = compare(settings.collect(), &args.peer, global, console)?;
    console.result(table::rows(&measured))
}

/// Measures every setting in separate processes.
fn compare(
    settings: Vec<Setting>,
    peer: &PeerArgs,
    global: &Global,
    console: &Console,
) -> Result<Vec<(Setting, comparison::Rounds)>, Failure> {
    let comparison = Comparison::new(peer, 3, global)?;
    let total = settings.iter().map(|setting| comparison.processes(setting)).sum();
    let mut turns = Turns { console, task: "bench", total, done: 0 };
    let measured = settings.into_iter().map(|setting| {
        let rounds = comparison.hold(&setting, &mut turns)?;
        Ok((setting, rounds))
    });
    measured.collect()
}
