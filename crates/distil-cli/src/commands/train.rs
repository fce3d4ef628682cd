//! `distil train`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use distil::config::Config;
use distil::sets::config_file;
use distil::{SetSource, train_on};
use distil_data::{DataConfig, DatasetName};
use distil_models::{Arch, NetworkConfig, Norm};
use distil_progress::Progress;
use distil_store::atomic;

use crate::context::Context;
use crate::failure::Failure;

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).multiple(true).args(["subject", "config"]))]
pub(crate) struct TrainArgs {
    /// A synthetic set (.safetensors) or a run folder, to train on it alone; real images otherwise
    #[arg(value_name = "SET", value_hint = ValueHint::AnyPath)]
    subject: Option<PathBuf>,
    /// The configuration (TOML): data, `[model]` for the network, and `[eval]` for how it is trained
    /// [default of a run folder: its own]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
    /// Set a key of the configuration, as in `eval.real_lr=0.02`; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Another architecture in its published form: convnet, resnet18, vgg11, alexnet, efficientnet-lite, mlp or sequence
    #[arg(long, value_name = "ARCH")]
    arch: Option<Arch>,
    /// Normalisation: instance, batch as torchvision has it, group, layer or none
    #[arg(long, value_name = "NORM", value_parser = norm)]
    norm: Option<Norm>,
    /// Channels, as `model.width` has them: of every convolution of a convnet, of the first stage of others
    #[arg(long, value_name = "N")]
    width: Option<usize>,
    /// Passes over the training images [default: eval.full_epochs + 1, of a set eval.epochs + 1]
    #[arg(long, value_name = "N")]
    epochs: Option<std::num::NonZeroUsize>,
    /// The model's file
    #[arg(short, long, value_name = "MODEL.safetensors", value_hint = ValueHint::FilePath)]
    out: PathBuf,
    /// Where datasets are kept
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) data_dir: Option<PathBuf>,
}

impl TrainArgs {
    /// A ResNet-18 a quarter as wide as the published one, for data without a model.
    pub(crate) fn small_resnet(config: PathBuf, set: Vec<String>, out: PathBuf) -> Self {
        let (arch, width) = (Some(Arch::ResNet18), Some(16));
        Self {
            subject: None,
            config: Some(config),
            set,
            arch,
            norm: None,
            width,
            epochs: None,
            out,
            data_dir: None,
        }
    }
}

impl TrainArgs {
    /// The network: the configuration's, or the published form of another architecture, with what the flags say.
    fn choice(&self, own: &NetworkConfig) -> NetworkConfig {
        let other = self.arch.filter(|arch| *arch != own.arch);
        let base = other.map_or_else(|| own.clone(), NetworkConfig::published);
        NetworkConfig { norm: self.norm.or(base.norm), width: self.width.or(base.width), ..base }
    }
}

fn norm(text: &str) -> Result<Norm, &'static str> {
    match text {
        "instance" => Ok(Norm::Instance),
        "batch" => Ok(Norm::Batch),
        "group" => Ok(Norm::Group),
        "layer" => Ok(Norm::Layer),
        "none" => Ok(Norm::None),
        _ => Err("choose instance, batch, group, layer or none"),
    }
}

pub(crate) fn train(args: &TrainArgs, context: Context<'_>) -> Result<(), Failure> {
    context.console.result(train_model(args, context)?)
}

/// Trains and writes the model; returns what is to be said about it.
pub(crate) fn train_model(args: &TrainArgs, context: Context<'_>) -> Result<String, Failure> {
    match (&args.subject, &args.config) {
        (Some(subject), _) => on_set(args, subject, context),
        (None, Some(config)) => on_real_images(args, config, context),
        (None, None) => Err(Failure::new("nothing to train on was named", "give SET or --config")),
    }
}

fn on_real_images(args: &TrainArgs, config: &Path, context: Context<'_>) -> Result<String, Failure> {
    let config = Config::load(config, &args.set)?;
    // Another network is another time, but not another order of it.
    let epochs = args.epochs.map_or(config.eval.full_epochs + 1, std::num::NonZeroUsize::get) as f64;
    let share = epochs / (config.eval.full_epochs + 1) as f64;
    context.announce(&config, |times| share * times.full_student)?;
    let session = context.session(config, None)?;
    let (config, dataset) = (session.config(), session.dataset());
    let (shape, classes) = (dataset.shape(), dataset.classes());
    let choice = args.choice(&config.model);
    let network = choice.build([shape.channels, shape.height, shape.width], classes)?;
    prepare(&args.out)?;
    let epochs = args.epochs.map_or(config.eval.full_epochs, |epochs| epochs.get() - 1);
    let model = session.train(network, epochs)?;
    model.save(&args.out)?;
    let accuracy = model.card.validation_accuracy;
    let shown = accuracy
        .map_or_else(String::new, |share| format!(", {:.1} % right on held-out images", 100.0 * share));
    let (arch, out) = (choice.arch, args.out.display());
    Ok(format!("{arch} for the {classes} classes of {}{shown}, in {out}", dataset.name))
}

/// The data of the set need not be there.
fn on_set(args: &TrainArgs, subject: &Path, context: Context<'_>) -> Result<String, Failure> {
    let SetSource { set, file, .. } = SetSource::open(subject, None)?;
    let config = match config_file(args.config.as_deref(), subject) {
        Ok(file) => Config::load(&file, &args.set)?,
        // A set from elsewhere: the published network and protocol.
        Err(_) => Config::on(&DataConfig::new(DatasetName::ClutterEasy), &args.set)?,
    };
    let [images, channels, height, width] = set.shape;
    let choice = args.choice(&config.eval.network(&config.model));
    let network = choice.build([channels, height, width], set.classes())?;
    prepare(&args.out)?;
    let mut protocol = config.eval.clone();
    protocol.epochs = args.epochs.map_or(protocol.epochs, |epochs| epochs.get() - 1);
    let listener = context.console.listener();
    let device = context.device.open()?;
    let model = train_on(&set, network, &protocol, config.seed, &device, Progress::to(&listener))?;
    model.save(&args.out)?;
    let (arch, from, out) = (choice.arch, file.display(), args.out.display());
    context.console.note(format_args!("next: distil predict {out} PICTURES"));
    Ok(format!("{arch} for {} classes, trained on the {images} images of {from}, in {out}", set.classes()))
}

/// A folder that cannot be is found before the training, not after it.
fn prepare(out: &Path) -> Result<(), Failure> {
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder {
        atomic::create_folder(folder)?;
        atomic::sweep(folder)?;
    }
    if out.is_dir() {
        let help = "give a file's name, such as --out model.safetensors";
        return Err(Failure::new(format_args!("{} is a folder", out.display()), help));
    }
    Ok(())
}
