//! The command line as clap sees it.

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use crate::args::{
    CiteArgs, CompareArgs, DataCommand, DatasetsArgs, EvalArgs, ExpertArgs, FetchArgs, ReportArgs, RunArgs,
};
use crate::commands::bench::BenchCommand;
use crate::commands::campaign::CampaignArgs;
use crate::commands::compdd::CompddCommand;
use crate::commands::doctor::DoctorArgs;
use crate::commands::export::ExportArgs;
use crate::commands::gradcam::GradcamArgs;
use crate::commands::import::ImportArgs;
use crate::commands::init::InitArgs;
use crate::commands::inspect::InspectArgs;
use crate::commands::plan::PlanArgs;
use crate::commands::predict::PredictArgs;
use crate::commands::rank_score::RankScoreArgs;
use crate::commands::reproduce::ReproduceArgs;
use crate::commands::rows::RowsArgs;
use crate::commands::sweep::SweepArgs;
use crate::commands::track::TrackArgs;
use crate::commands::train::TrainArgs;
use crate::commands::tune::TuneArgs;
use crate::commands::watch::WatchArgs;
use distil::DeviceChoice;

/// Dataset distillation: learn a tiny training set that trains a network nearly as well as the whole one.
#[derive(Debug, Parser)]
#[command(name = "distil", version, max_term_width = 100, arg_required_else_help = true, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Your own pictures, in one folder per class:
  distil init photos                                 looks at them and writes photos.toml
  distil reproduce --config photos.toml              everything in it: a set of few images, what it is worth, a report
  distil train runs/photos --out model.safetensors   a network trained on the set
  distil predict model.safetensors more-photos       what it says about other pictures

Examples:
  distil reproduce --config configs/clutter.toml     everything in one go, or step by step:
  distil expert --config configs/clutter.toml        networks trained on real data
  distil run --config configs/clutter.toml           a synthetic set (--resume continues)
  distil eval runs/clutter                           what it is worth
  distil report runs/clutter                         report.html

Results go to standard output as Markdown, everything else to standard error.
Ctrl-C stops at a safe point; nothing that was done is lost.";

/// Options of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Where to compute: cpu, cuda, wgpu (cuda:1 is the second one), or auto for the best there is
    #[arg(long, global = true, default_value = "auto", value_name = "DEVICE")]
    pub(crate) device: DeviceChoice,
    /// Only print errors and warnings
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Log what happens inside (-vv: in detail)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// CPU threads; 0 is one per core, the default
    #[arg(long, global = true, value_name = "N")]
    pub(crate) threads: Option<usize>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Look at data and write a first configuration for them, which takes about ten minutes
    #[command(
        after_help = "Examples:\n  distil init photos\n  distil init photos --minutes 60 --out large.toml\n  \
        distil init fashion-mnist --data-dir /data\n\n\
        The folder holds one subfolder of pictures per class; sizes and formats may be mixed. A few real steps are \
        timed to choose resolution, width and iterations. The configuration is commented, and what a published run \
        would take is printed beside it."
    )]
    Init(InitArgs),
    /// Download a dataset and verify its checksum
    #[command(after_help = "Example:\n  distil fetch cifar10 --data-dir /data\n\n\
        The default folder is DISTIL_DATA_DIR if that is set, else data/. The generated set `clutter` needs no \
        download.")]
    Fetch(FetchArgs),
    /// Describe a dataset
    #[command(subcommand)]
    Data(DataCommand),
    /// List the datasets: shape, classes, images, and where their files are expected and found
    #[command(after_help = "Example:\n  distil datasets --data-dir /data\n\n\
        Files are searched for in --data-dir, DISTIL_DATA_DIR and data/. The counts are those of the published \
        parts; validation images are held out of the training images unless the dataset has a validation part.")]
    Datasets(DatasetsArgs),
    /// Train the expert networks whose trajectories are matched
    #[command(
        after_help = "Example:\n  distil expert --config configs/clutter.toml --set expert.experts=20\n\n\
        Existing experts are kept, so an interrupted command continues. Runs on the same data, network and recipe \
        share them, in runs/experts/.\n\n\
        To import trajectories saved by MTT's code:\n  \
        distil expert --config C.toml --import replay_buffer_0.pt replay_buffer_1.pt"
    )]
    Expert(ExpertArgs),
    /// Estimate what a run needs: memory, disk and time, and what to change if it does not fit
    #[command(after_help = "Examples:\n  distil plan --config configs/clutter.toml\n  \
        distil plan --config C.toml --set distill.ipc=50 --threads 8\n\n\
        Planned memory is within 20 % of what a run takes. Time is measured on random data of the run's size, one \
        inner step and one step of its adjoint, so no dataset is needed. `distil run` refuses a run that does not \
        fit.")]
    Plan(PlanArgs),
    /// Distil a synthetic set by the method of a configuration
    #[command(after_help = "Examples:\n  distil run --config configs/clutter.toml\n  \
        distil run --config configs/clutter.toml --resume\n  \
        distil run --config configs/clutter.toml --set distill.ipc=10 --out runs/clutter-10\n\n\
        An interrupted and resumed run ends with the same bytes as one that was not interrupted.")]
    Run(RunArgs),
    /// Follow a run in the terminal
    #[command(after_help = "Example:\n  distil watch runs/clutter\n\n\
        Loss, iterations a second, time left, and accuracy on validation images, from the run's log. Ends with the run, or \
        with Ctrl-C, which leaves the run alone. Where standard output is not a terminal, each \
        change is printed on a new line.")]
    Watch(WatchArgs),
    /// Write a run's log for TensorBoard
    #[command(after_help = "Examples:\n  distil track runs/clutter && tensorboard --logdir runs\n  \
        distil track runs/clutter --follow\n  distil run --config C.toml --tensorboard      while it runs\n\n\
        Every number in the log becomes a scalar. The log holds no times: entries written earlier get the time of \
        its last change.")]
    Track(TrackArgs),
    /// Train networks from scratch on a set and test them
    #[command(after_help = "Examples:\n  distil eval runs/clutter\n  \
        distil eval runs/clutter/synthetic/best.safetensors --seeds 10\n  \
        distil eval downloaded.safetensors --config configs/clutter.toml\n  \
        distil eval runs/clutter --arch convnet,resnet18,vgg11,alexnet\n  \
        distil eval runs/clutter --protocol eccv-2024\n  \
        distil eval runs/clutter --protocol rded-kd --teacher cam.safetensors --set eval.batch=10\n\n\
        For a run folder, the last and the best set are evaluated, the moving average if the run keeps one, and \
        random real images and all data for comparison. Results are kept for `distil report`. Only the experts' \
        architecture is also trained on all data, since that can take hours. Accuracies are on the test split, after \
        the last epoch; nothing is chosen on it.\n\n\
        A protocol replaces the whole [eval] section; --set changes keys of it. Rows name their protocol, and only \
        rows of the same protocol are compared. eccv-2024, dc, dsa and the protocols with a teacher use pixels \
        normalised by mean and standard deviation, so sets made under ZCA are un-whitened first. docs/protocols.md \
        describes them all.")]
    Eval(EvalArgs),
    /// DD-Ranking's label- and augmentation-robust scores of a set
    #[command(after_help = "Examples:\n  distil rank-score runs/clutter\n  \
        distil rank-score set.safetensors --config C.toml --teacher cam.safetensors --set eval.epochs=299\n\n\
        The label-robust score is w·(accuracy gained over random real images) − (1 − w)·(accuracy lost to all real \
        images with hard labels). The augmentation-robust score compares the gain over random real images with and \
        without augmentation. Both run from 0 to 1 and take accuracies as FRACTIONS; DD-Ranking's public code takes \
        percentage points, so its scores can leave that range. Step sizes are chosen on validation images, where the \
        public code takes the best on test. There are six trainings, each for every step size and then for every \
        seed, which takes a while. Results are kept in ranking.json of the run.")]
    RankScore(Box<RankScoreArgs>),
    /// Experts, distillation, evaluation and report of a published row or of a configuration
    #[command(
        after_help = "Examples:\n  distil reproduce                                      the built-in example, minutes on a laptop\n  \
        distil reproduce edf/imagenette-ipc10                 a published row, then paper and measured side by side\n  \
        distil reproduce edf/imagenette-ipc10 --scale smoke   any row end to end in minutes, much reduced\n  \
        distil reproduce --config mine.toml --set eval.seeds=1\n\n\
        Finished steps are not repeated: an interrupted command continues where it stopped, except with --scale \
        smoke, which starts over. `distil rows` lists the rows."
    )]
    Reproduce(ReproduceArgs),
    /// Work off published rows, one after the other, at low priority
    #[command(
        after_help = "Examples:\n  distil campaign --data-dir /data              the rows of configs/campaign.toml\n  \
        distil campaign --table                       how far everything is, and what it says of the published figures\n  \
        distil campaign --config mine.toml --out runs/mine\n\n\
        Each row is `distil reproduce`, so that an interrupted campaign goes on where it stopped. A measured \
        accuracy meets a published one where its 95 % interval overlaps the published mean ± its standard \
        deviation. The table is kept in campaign.md in the folder."
    )]
    Campaign(CampaignArgs),
    /// List the published rows: method, images per class, figure, data, and what each will need
    #[command(
        after_help = "Examples:\n  distil rows edf/image                          rows with that in their name, title or data\n  \
        distil rows edf/imagenette --plan              with planned memory; --plan time adds time on this machine"
    )]
    Rows(RowsArgs),
    /// Write the HTML report of a run, of several side by side, or of how complex scenes are
    #[command(after_help = "Examples:\n  distil report runs/clutter\n  \
        distil report runs/datm runs/edf --out comparison.html\n  \
        distil report runs/clutter --table latex > results.tex\n  \
        distil report compdd/imagenet\n\n\
        After `distil inspect` it also shows what a network sees: t-SNE, distances between classes, activation \
        maps.\n\n\
        The report of a `distil compdd` measurement shows the complexity of its classes, easy next to hard subsets \
        (from `distil compdd select`, and Comp-DD's if measured), and the distribution of map values.")]
    Report(ReportArgs),
    /// Analyse a run's images with a trained network, for its report
    #[command(after_help = "Examples:\n  distil inspect runs/clutter && distil report runs/clutter\n  \
        distil run --config C.toml --set distill.keep_every=500      sets for distances over iterations\n\n\
        A fully trained expert is applied to training images and to the synthetic set: t-SNE of features, distance \
        between classes over iterations, Grad-CAM before and after distillation, and the spread of activation. \
        Results go to inspection.json in the run folder.")]
    Inspect(InspectArgs),
    /// Test whether one result is better than another
    #[command(after_help = "Examples:\n  distil compare runs/datm runs/mtt\n  \
        distil compare runs/clutter :\"random real\"\n  \
        distil compare runs/a:\"distilled, last\" runs/b/evaluation.json:EMA --paired\n\n\
        Without a row, the set chosen on validation images is compared. Results on different test images, networks \
        or protocols are refused. The test is Welch's at 5 %; a difference that is not significant comes with the \
        number of seeds it would take.")]
    Compare(CompareArgs),
    /// Distil and evaluate with many methods, or the arms of an ablation, side by side
    #[command(after_help = "Examples:\n  distil sweep all --dataset fashion-mnist --ipc 1,10\n  \
        distil sweep random,dm,datm --config configs/compare/clutter.toml --table latex\n  \
        distil sweep all --config configs/compare/edf-clutter.toml --ipc 5 --seeds 5    an ablation\n\n\
        An interrupted sweep continues; finished runs are not repeated. The table is kept in methods.md in its \
        folder.")]
    Sweep(SweepArgs),
    /// Find settings for your data on held-out images
    #[command(after_help = "Examples:\n  distil tune mine.toml --data-dir /data\n\n\
        mine.toml is a configuration with, for example,\n\n  \
        [tune]\n  trials = 9\n  [[tune.key]]\n  name = \"distill.image_lr\"\n  log = [10, 1000]\n\n\
        Nine settings run for a ninth of the iterations, the best three for a third, the best one to the end \
        (successive halving); then the configuration as it stands gets the same time. Settings are chosen on held-out training \
        images, and the test images are seen once. An interrupted tuning continues. The page is kept in tune.md.")]
    Tune(TuneArgs),
    /// Write a synthetic set for other programs
    #[command(after_help = "Examples:\n  distil export runs/clutter --to npz --out clutter.npz\n  \
        distil export runs/clutter --to imagefolder --out clutter\n  \
        distil export runs/clutter/synthetic/last.safetensors --to sheet --out last.png\n\n\
        npz holds network input and its preprocessing; pictures hold pixels, with normalisation and whitening \
        undone, and are clamped to their range.")]
    Export(ExportArgs),
    /// Import a synthetic set saved by another implementation
    #[command(
        after_help = "Examples:\n  distil import images_best.pt --labels labels_best.pt --syn-lr lr_best.pt \\\n      \
        --normalisation zca --config cifar10.toml --set data.zca=true --out public.safetensors\n  \
        distil eval public.safetensors --config cifar10.toml --set data.zca=true\n\n\
        The files are those saved by distill.py of MTT, FTD, DATM and related methods. They do not record \
        preprocessing, so it must be given: a set evaluated with other preprocessing scores at chance. Experts \
        (replay_buffer_*.pt) are imported by `distil expert --import`."
    )]
    Import(ImportArgs),
    /// List devices, and check the chosen one against the CPU in double precision
    #[command(after_help = "Examples:\n  distil doctor\n  distil doctor --config configs/clutter.toml\n  \
        distil doctor --device cuda:1 --images 64\n\n\
        Every operation of the network, a pass of dual numbers and an adjoint through two inner steps are computed \
        on the device in f32 and on the CPU in f64, from the same random numbers. The error is ‖device − CPU‖ / \
        ‖CPU‖ of the worst output; GPUs with tensor cores may round to TF32, so CUDA's tolerances are wider. The \
        first timing includes compiling kernels. The exit code is 2 if any check fails.")]
    Doctor(DoctorArgs),
    /// Measure speed and memory
    #[command(subcommand)]
    Bench(BenchCommand),
    /// Train a network to keep, on a synthetic set or on real images
    #[command(after_help = "Examples:\n  distil train runs/photos --out model.safetensors\n  \
        distil train set.safetensors --arch resnet18 --out model.safetensors\n  \
        distil train --config configs/clutter.toml --out cam.safetensors\n  \
        distil train --config C.toml --arch resnet18 --norm batch --epochs 30 --out resnet18.safetensors\n\n\
        On a set, it is trained as a student of `distil eval` is, and the data of the set need not be there. With \
        --config alone it is trained on all training images by the protocol of [eval]. `distil predict` and `distil \
        gradcam` use it; trained on real images, also `distil compdd` and --teacher. Pretrained weights of torchvision's resnet18 or of EfficientNet-Lite can be used \
        instead.")]
    Train(TrainArgs),
    /// Classify pictures with a model
    #[command(after_help = "Examples:\n  distil predict model.safetensors photos > predictions.csv\n  \
        distil predict model.safetensors one.jpg two.png --out predictions.csv\n\n\
        A line for each picture: file, class, its probability, and the probabilities of all classes. Pictures are \
        brought to the model's size as its training images were. One that cannot be read has no line; it is named \
        at the end, and the exit code is 2.")]
    Predict(PredictArgs),
    /// Draw where in an image a network sees a class
    #[command(after_help = "Examples:\n  distil gradcam photo.jpg --model cam.safetensors --out maps\n  \
        distil gradcam clutter-easy --model cam.safetensors --cam grad-cam++ --out maps\n  \
        distil gradcam runs/clutter/synthetic/best.safetensors --model cam.safetensors --out maps\n  \
        distil gradcam photos --model resnet18.pth --class 207 --layer layer4 --out maps\n  \
        distil gradcam photos --model checkpoint.pt --classes names.txt --out maps\n\n\
        Every overlay shows the image and, next to it, its map from dark blue (0) to pale yellow (1). Images of a \
        dataset or a synthetic set are mapped for their own class, which the model must know by name; other images \
        for the class the model predicts.")]
    Gradcam(GradcamArgs),
    /// Measure how complex scenes are, and build easy and hard benchmarks
    #[command(subcommand)]
    Compdd(CompddCommand),
    /// Print BibTeX entries of methods and datasets
    #[command(
        after_help = "Examples:\n  distil cite datm\n  distil cite runs/clutter > refs.bib\n  distil cite"
    )]
    Cite(CiteArgs),
    /// List the methods: names, publications, and what each needs
    #[command(after_help = "Example:\n  distil methods\n\n\
        `method = \"NAME\"` at the top of a configuration chooses the published settings that its other keys start from.")]
    Methods,
    /// Print the JSON schema of configurations
    #[command(after_help = "Example:\n  distil schema > distil.schema.json\n\n\
        With `#:schema distil.schema.json` on the first line of a configuration, editors that support it complete \
        keys and mark unknown ones.")]
    Schema,
    /// Print a completion script for a shell
    #[command(
        after_help = "Example:\n  distil completions bash > ~/.local/share/bash-completion/completions/distil"
    )]
    Completions {
        /// The shell
        shell: Shell,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
