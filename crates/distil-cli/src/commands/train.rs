//! `distil train`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use distil::config::Config;
use distil_models::{Arch, BackboneNorm, NetworkConfig};
use distil_store::atomic;

use crate::context::Context;
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(crate) struct TrainArgs {
    /// The configuration (TOML): data, `[model]` for a ConvNet, and `[eval]` for how it is trained
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: PathBuf,
    /// Set a key of the configuration, as in `eval.real_lr=0.02`; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// convnet, resnet18, vgg11, alexnet or efficientnet-lite
    #[arg(long, default_value = "convnet", value_name = "ARCH")]
    arch: Arch,
    /// Normalisation of resnet18 and vgg11: instance, or batch as torchvision has it [default: instance]
    #[arg(long, value_name = "NORM", value_parser = norm)]
    norm: Option<BackboneNorm>,
    /// Channels of the first stage of resnet18, vgg11 and alexnet [default: 64], of the first convolution of efficientnet-lite
    /// [default: 32]
    #[arg(long, value_name = "N")]
    base_width: Option<usize>,
    /// Passes over the training images [default: eval.full_epochs + 1]
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
        let (arch, base_width) = (Arch::ResNet18, Some(16));
        Self { config, set, arch, norm: None, base_width, epochs: None, out, data_dir: None }
    }
}

fn norm(text: &str) -> Result<BackboneNorm, &'static str> {
    match text {
        "instance" => Ok(BackboneNorm::Instance),
        "batch" => Ok(BackboneNorm::Batch),
        _ => Err("choose instance or batch"),
    }
}

pub(crate) fn train(args: &TrainArgs, context: Context<'_>) -> Result<(), Failure> {
    context.console.result(train_model(args, context)?)
}

/// Trains and writes the model; returns what is to be said about it.
pub(crate) fn train_model(args: &TrainArgs, context: Context<'_>) -> Result<String, Failure> {
    let TrainArgs { arch, norm, base_width, ref out, .. } = *args;
    let session = context.session(Config::load(&args.config, &args.set)?, None)?;
    let (config, dataset) = (session.config(), session.dataset());
    let (shape, classes) = (dataset.shape(), dataset.classes());
    let choice = NetworkConfig { arch, norm, base_width, ..NetworkConfig::default() };
    let network = choice.build(&config.model, shape.channels, classes, shape.height, shape.width)?;
    prepare(out)?;
    let model =
        session.train(network, args.epochs.map_or(config.eval.full_epochs, |epochs| epochs.get() - 1))?;
    model.save(out)?;
    let accuracy = model.card.validation_accuracy;
    let shown = accuracy
        .map_or_else(String::new, |share| format!(", {:.1} % right on held-out images", 100.0 * share));
    Ok(format!("{arch} for the {classes} classes of {}{shown}, in {}", dataset.name, out.display()))
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
