//! Arguments of `distil compdd`.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum, ValueHint};
use distil_compdd::{BadImages, Definition, MapValues, TargetClass};

use crate::args::TableFormat;
use crate::commands::gradcam::CamName;

#[derive(Debug, Subcommand)]
pub(crate) enum CompddCommand {
    /// Measure the complexity of every class
    #[command(after_help = "Examples:\n  \
        distil compdd measure --data ./photos --model cam.safetensors --out compdd/photos\n  \
        distil compdd measure --data imagenet --data-dir /data/imagenet --model resnet18.pth --thresholds 0.5,0.1,0.9\n  \
        distil compdd measure --data imagenet --model resnet18.pth --shard 2/8 --out compdd/part2\n\n\
        Complexity of an image is 1 − the share of its map's values ≥ the threshold; of a class, the mean over its images. \
        All thresholds are counted in one pass. An interrupted command continues; a finished one is not repeated.")]
    Measure(ImagesArgs),
    /// Combine the parts measured with `measure --shard`
    #[command(
        after_help = "Example:\n  distil compdd merge compdd/part*/complexity.json --out compdd/imagenet\n\n\
        The result is byte for byte that of a single pass."
    )]
    Merge(MergeArgs),
    /// Order the classes of each category by complexity
    #[command(
        after_help = "Examples:\n  distil compdd rank --measured compdd/imagenet --categories published\n  \
        distil compdd rank --measured compdd/photos --categories mine.toml\n\n\
        A file of categories holds lists: bird = [\"n01537544\", \"n01592084\"]."
    )]
    Rank(RankArgs),
    /// Choose the easiest and the hardest classes of each category
    #[command(after_help = "Examples:\n  distil compdd select --data ./photos --categories auto\n  \
        distil compdd select --measured compdd/imagenet --categories published\n  \
        distil compdd select --measured compdd/photos --count 5\n\n\
        selection.toml lists class names to paste into data.classes of a configuration.")]
    Select(SelectArgs),
    /// Check a selection against measured complexity
    #[command(after_help = "Examples:\n  distil compdd verify --measured compdd/imagenet\n  \
        distil compdd verify --measured compdd/photos --selection selection.toml\n\n\
        The default selection is Comp-DD's.")]
    Verify(VerifyArgs),
    /// Compare the class orders of two measurements (Kendall's τ)
    #[command(after_help = "Examples:\n  distil compdd agree compdd/by-resnet18 compdd/by-lite0\n  \
        distil compdd agree compdd/train compdd/test --threshold 0.1\n\n\
        Kendall's τ is 1 for the same order, 0 for none in common, −1 for the reverse. Measure the same images with two \
        networks, or two parts of the images with one network, to see how stable the order is.")]
    Agree(AgreeArgs),
    /// Tabulate how much of the accuracy on all data distilled sets recover
    #[command(
        after_help = "Examples:\n  distil compdd recovery runs/bird-easy runs/bird-hard --measured compdd/imagenet\n  \
        distil compdd recovery photos-easy=runs/a photos-hard=runs/b --table latex > table3b.tex\n\n\
        Accuracies are those stored in the runs by `distil eval` or `distil reproduce`. Names ending in -easy and \
        -hard are shown side by side. With --measured, the table has the complexity of each run's classes and, from \
        four runs of a method on, its correlation with recovery."
    )]
    Recovery(RecoveryArgs),
}

impl CompddCommand {
    pub(crate) fn data_dir(&self) -> Option<&Path> {
        let images = match self {
            Self::Measure(images) => images,
            Self::Merge(_) | Self::Agree(_) | Self::Recovery(_) => return None,
            Self::Rank(args) => &args.subject.images,
            Self::Select(args) => &args.subject.images,
            Self::Verify(args) => &args.subject.images,
        };
        images.data_dir.as_deref()
    }
}

/// Which images are measured, and how.
#[derive(Debug, Args)]
pub(crate) struct ImagesArgs {
    /// A folder of images by class, or the name of a dataset
    #[arg(long, visible_alias = "dataset", value_name = "NAME|PATH", value_hint = ValueHint::AnyPath)]
    pub(super) data: Option<PathBuf>,
    /// A configuration: [data] names the images, [eval] says how a model is trained if none is given
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) config: Option<PathBuf>,
    /// Set a key of the configuration, as in `data.classes=["a","b"]`; may be repeated
    #[arg(long, value_name = "KEY=VALUE", requires = "config")]
    pub(super) set: Vec<String>,
    /// A model of `distil train`, or weights of a resnet18 (torchvision's, or its form for CIFAR) or of EfficientNet-Lite
    /// [default: a ResNet-18 trained on the images first]
    #[arg(short, long, value_name = "MODEL", value_hint = ValueHint::FilePath)]
    pub(super) model: Option<PathBuf>,
    /// Names of the model's classes, one a line, where its file has none: weights without a card number them
    #[arg(long, value_name = "FILE", requires = "model", value_hint = ValueHint::FilePath)]
    pub(super) classes: Option<PathBuf>,
    /// Which images of the data
    #[arg(long, value_enum, default_value_t = PartName::All)]
    pub(super) part: PartName,
    /// Map values that count as discriminative; classes are ranked by the first one
    #[arg(long, value_name = "T,…", value_delimiter = ',', default_value = "0.5")]
    pub(super) thresholds: Vec<f64>,
    /// Which map
    #[arg(long, value_enum, default_value_t = CamName::GradCam)]
    pub(super) cam: CamName,
    /// The layer whose feature map is used, such as layer3 or blocks.1 [default: the last one]
    #[arg(long, value_name = "LAYER")]
    pub(super) layer: Option<String>,
    /// Class the map explains: the image's own, or the predicted one (as EDF's public code)
    #[arg(long, value_enum, default_value_t = TargetName::Label)]
    pub(super) target: TargetName,
    /// Which values of a map are counted: the layer's (as EDF's public code), or those of all pixels after upsampling
    #[arg(long, value_enum, default_value_t = ValuesName::Layer)]
    pub(super) values: ValuesName,
    /// Seed of the noise of SmoothGrad-CAM++
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) seed: u64,
    /// Measure this part only, for `distil compdd merge`
    #[arg(long, value_name = "I/N", value_parser = shard, default_value = "1/1")]
    pub(super) shard: (usize, usize),
    /// Images decoded at once
    #[arg(long, value_name = "N", default_value = "64")]
    pub(super) batch: NonZeroUsize,
    /// How often progress is saved, in case the command is killed; Ctrl-C always saves it
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub(super) save_every: u64,
    /// Skip and list unreadable images instead of stopping
    #[arg(long)]
    pub(super) skip_bad: bool,
    /// The folder of the results [default: compdd/NAME]
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) out: Option<PathBuf>,
    /// Where datasets are kept
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) data_dir: Option<PathBuf>,
}

/// Which images of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum PartName {
    /// Every image
    All,
    /// The training images
    Train,
    /// The test images
    Test,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum TargetName {
    Label,
    Predicted,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum ValuesName {
    Layer,
    Pixels,
}

impl ImagesArgs {
    pub(super) fn bad(&self) -> BadImages {
        if self.skip_bad { BadImages::Skip } else { BadImages::Refuse }
    }

    pub(super) fn definition(&self) -> Definition {
        Definition {
            thresholds: self.thresholds.clone(),
            cam: self.cam.cam(),
            layer: self.layer.clone(),
            target: match self.target {
                TargetName::Label => TargetClass::Label,
                TargetName::Predicted => TargetClass::Predicted,
            },
            values: match self.values {
                ValuesName::Layer => MapValues::Layer,
                ValuesName::Pixels => MapValues::Pixels,
            },
            seed: self.seed,
        }
    }
}

fn shard(text: &str) -> Result<(usize, usize), String> {
    let parse = |text: &str| text.parse::<usize>().ok();
    let found = text.split_once('/').and_then(|(index, of)| Some((parse(index)?, parse(of)?)));
    found
        .filter(|(index, of)| (1..=*of).contains(index))
        .ok_or_else(|| "write 1/4 for the first of four parts".to_owned())
}

/// A measurement, or what is measured to have one.
#[derive(Debug, Args)]
pub(crate) struct Subject {
    /// A finished measurement, or its folder, instead of --data
    #[arg(long, value_name = "FILE|DIR", value_hint = ValueHint::AnyPath, conflicts_with_all = ["data", "config", "model"])]
    pub(super) measured: Option<PathBuf>,
    #[command(flatten)]
    pub(super) images: ImagesArgs,
}

#[derive(Debug, Args)]
pub(crate) struct MergeArgs {
    /// The measurements of the parts
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
    pub(super) parts: Vec<PathBuf>,
    /// The folder of the result
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct RankArgs {
    #[command(flatten)]
    pub(super) subject: Subject,
    /// all (one category), published (Comp-DD's eight), auto (classes the model confuses), or a TOML file
    #[arg(long, value_name = "WHICH", default_value = "all")]
    pub(super) categories: String,
    /// Minimum number of classes in a category of --categories auto
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(super) smallest: usize,
    /// One of the measured thresholds [default: the first]
    #[arg(long, value_name = "T")]
    pub(super) threshold: Option<f64>,
}

#[derive(Debug, Args)]
pub(crate) struct SelectArgs {
    #[command(flatten)]
    pub(super) subject: Subject,
    /// all (one category), published (Comp-DD's eight), auto (classes the model confuses), or a TOML file
    #[arg(long, value_name = "WHICH", default_value = "all")]
    pub(super) categories: String,
    /// Number of easy classes, and of hard ones; a category needs twice as many
    #[arg(long, value_name = "N", default_value = "10")]
    pub(super) count: NonZeroUsize,
    /// One of the measured thresholds [default: the first]
    #[arg(long, value_name = "T")]
    pub(super) threshold: Option<f64>,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(super) subject: Subject,
    /// Lists `easy` and `hard` of each category (TOML), such as `select` writes [default: those of Comp-DD]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) selection: Option<PathBuf>,
    /// One of the measured thresholds [default: the first]
    #[arg(long, value_name = "T")]
    pub(super) threshold: Option<f64>,
}

#[derive(Debug, Args)]
pub(crate) struct AgreeArgs {
    /// A measurement, or its folder
    #[arg(value_name = "A", value_hint = ValueHint::AnyPath)]
    pub(super) first: PathBuf,
    /// Another measurement of the same classes, or its folder
    #[arg(value_name = "B", value_hint = ValueHint::AnyPath)]
    pub(super) second: PathBuf,
    /// A threshold measured in both [default: the first of A]
    #[arg(long, value_name = "T")]
    pub(super) threshold: Option<f64>,
}

#[derive(Debug, Args)]
pub(crate) struct RecoveryArgs {
    /// Evaluated run folders; NAME= replaces the dataset's name in the table
    #[arg(value_name = "[NAME=]RUN", required = true, value_hint = ValueHint::DirPath)]
    pub(super) runs: Vec<String>,
    /// A measurement of the runs' classes, or its folder: one for all runs, or one per run, in the same order
    #[arg(long, value_name = "FILE|DIR", value_hint = ValueHint::AnyPath)]
    pub(super) measured: Vec<PathBuf>,
    /// One of the measured thresholds [default: the first]
    #[arg(long, value_name = "T", requires = "measured")]
    pub(super) threshold: Option<f64>,
    /// Format of the table
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = TableFormat::Markdown)]
    pub(super) table: TableFormat,
}
