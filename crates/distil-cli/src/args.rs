//! Arguments that several commands share, and those of the small ones.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};
use distil_eval::ProtocolName;
use distil_models::Arch;
use distil_store::Part;

use crate::commands::fetch::downloadable;

/// A set of a run by its name.
pub(crate) fn part(text: &str) -> Result<Part, &'static str> {
    Part::ALL.into_iter().find(|part| part.as_str() == text).ok_or("choose best, last, ema or initial")
}

#[derive(Debug, Args)]
pub(crate) struct FetchArgs {
    #[arg(help = format!("One of {}", downloadable()))]
    pub(crate) name: String,
    /// Where datasets are kept
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) data_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct DatasetsArgs {
    /// Where datasets are kept
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) data_dir: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// Print shape, classes, counts and preprocessing
    #[command(after_help = "Examples:\n  distil data info clutter-easy --sheet sheet.png\n  \
        distil data info ~/photos\n  distil data info --config configs/clutter.toml")]
    Info(InfoArgs),
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["dataset", "config"]))]
pub(crate) struct InfoArgs {
    /// Name of a dataset, or a folder, archive or file: what it is taken for is said
    #[arg(value_name = "NAME|PATH")]
    pub(crate) dataset: Option<String>,
    /// The data section of a configuration
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,
    /// Set a key of the configuration, as in `data.train_limit=1000`
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Where datasets are kept
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) data_dir: Option<PathBuf>,
    /// Write a contact sheet (PNG), one row per class
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) sheet: Option<PathBuf>,
}

/// A configuration and where its results go.
#[derive(Debug, Clone, Args)]
pub(crate) struct ConfigArgs {
    /// The configuration (TOML)
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) config: PathBuf,
    /// Set a key of the configuration, as in `distill.ipc=10`; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// The dataset, instead of data.name: cifar10, comp-dd/bird-hard… (`distil datasets` lists them)
    #[arg(long, value_name = "NAME")]
    pub(crate) dataset: Option<String>,
    /// The run folder [default: runs/NAME]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<PathBuf>,
    /// The folder of the experts [default: expert.store, or one below runs/experts]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) experts: Option<PathBuf>,
    /// Where datasets are kept
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) data_dir: Option<PathBuf>,
}

impl ConfigArgs {
    /// What the flags set, `--set` last.
    pub(crate) fn sets(&self) -> Vec<String> {
        let dataset = self.dataset.as_ref().map(|name| format!("data.name={name}"));
        dataset.into_iter().chain(self.set.iter().cloned()).collect()
    }
}

#[derive(Debug, Args)]
pub(crate) struct ExpertArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Import experts from these replay buffers of MTT's code instead of training
    #[arg(long, value_name = "FILE", num_args = 1.., value_hint = ValueHint::FilePath)]
    pub(crate) import: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Continue from the newest checkpoint
    #[arg(long)]
    pub(crate) resume: bool,
    /// Also write the log for TensorBoard, to tensorboard/ in the run folder
    #[arg(long)]
    pub(crate) tensorboard: bool,
}

#[derive(Debug, Args)]
pub(crate) struct EvalArgs {
    /// A synthetic set (.safetensors) or a run folder
    #[arg(value_name = "SYN", value_hint = ValueHint::AnyPath)]
    pub(crate) subject: PathBuf,
    /// The configuration [default: the one of the run that made the set]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,
    /// Set a key of the configuration, as in `eval.epochs=300`; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Architectures of the networks: convnet, resnet18, vgg11, alexnet, efficientnet-lite, mlp, sequence [default: the
    /// experts']
    #[arg(long, value_name = "ARCH,…", value_delimiter = ',')]
    pub(crate) arch: Vec<Arch>,
    /// How networks are trained, instead of what the configuration says: mtt, datm, dc, dsa, eccv-2024, dc-bench, rded-kd, sre2l-kd, sre2l-kd-cifar, dd-ranking
    #[arg(long, value_name = "NAME")]
    pub(crate) protocol: Option<ProtocolName>,
    /// Teacher model for the rded-kd and sre2l-kd protocols: a model of `distil train`, or weights of torchvision's resnet18 or EfficientNet-Lite
    #[arg(long, value_name = "MODEL", value_hint = ValueHint::FilePath)]
    pub(crate) teacher: Option<PathBuf>,
    /// Number of networks trained on each set
    #[arg(long, value_name = "N")]
    pub(crate) seeds: Option<usize>,
    /// Where datasets are kept
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) data_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Run folders (each is compared with the first), or a measurement of `distil compdd`
    #[arg(value_name = "RUN", required = true, value_hint = ValueHint::AnyPath)]
    pub(crate) runs: Vec<PathBuf>,
    /// The page of runs [default: report.html in the run folder, or comparison.html next to the first of several]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) out: Option<PathBuf>,
    /// Print the table of current results instead of writing the page
    #[arg(long, value_name = "FORMAT")]
    pub(crate) table: Option<TableFormat>,
}

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum TableFormat {
    Markdown,
    /// RFC 4180, in full precision
    Csv,
    /// A tabular in the style of booktabs
    Latex,
}

#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// Two results: run folders or evaluation.json files, optionally with a row after a colon
    #[arg(
        value_names = ["A", "B"],
        num_args = 2,
        required = true,
        value_hint = ValueHint::AnyPath
    )]
    pub(crate) subjects: Vec<String>,
    /// Compare student by student (paired t test, Wilcoxon); both were evaluated with the same seeds
    #[arg(long)]
    pub(crate) paired: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CiteArgs {
    /// A method, a dataset or a run folder [default: everything]
    #[arg(value_name = "METHOD|DATASET|RUN")]
    pub(crate) what: Option<String>,
}
