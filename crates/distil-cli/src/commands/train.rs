//! `distil train`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use distil::config::Config;
use distil_models::{Arch, NetworkConfig, Norm};
use distil_store::atomic;

use crate::context::Context;
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(crate) struct TrainArgs {
    /// The configuration (TOML): data, `[model]` for the network, and `[eval]` for how it is trained
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: PathBuf,
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
        let (arch, width) = (Some(Arch::ResNet18), Some(16));
        Self { config, set, arch, norm: None, width, epochs: None, out, data_dir: None }
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
    let TrainArgs { norm, width, ref out, .. } = *args;
    let session = context.session(Config::load(&args.config, &args.set)?, None)?;
    let (config, dataset) = (session.config(), session.dataset());
    let (shape, classes) = (dataset.shape(), dataset.classes());
    let own = config.model.clone();
    let base = args.arch.filter(|arch| *arch != own.arch).map_or(own, NetworkConfig::published);
    let choice = NetworkConfig { norm: norm.or(base.norm), width: width.or(base.width), ..base };
    let network = choice.build([shape.channels, shape.height, shape.width], classes)?;
    prepare(out)?;
    let model =
        session.train(network, args.epochs.map_or(config.eval.full_epochs, |epochs| epochs.get() - 1))?;
    model.save(out)?;
    let accuracy = model.card.validation_accuracy;
    let shown = accuracy
        .map_or_else(String::new, |share| format!(", {:.1} % right on held-out images", 100.0 * share));
    Ok(format!("{} for the {classes} classes of {}{shown}, in {}", choice.arch, dataset.name, out.display()))
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
