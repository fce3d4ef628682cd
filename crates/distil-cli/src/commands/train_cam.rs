//! `distil train-cam`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use distil_data::Dataset;
use distil_eval::{Student, StudentError, Training, TrainingSet, accuracy};
use distil_gradcam::{CamModel, ModelCard};
use distil_models::{Arch, BackboneNorm, Network, NetworkConfig, NetworkState};
use distil_store::atomic;
use serde_json::json;

use crate::failure::Failure;
use crate::interrupt;
use crate::session::{Context, Session};
use distil::config::Config;

#[derive(Debug, Args)]
pub(crate) struct TrainCamArgs {
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
    data_dir: Option<PathBuf>,
}

impl TrainCamArgs {
    pub(crate) fn data_dir(&self) -> Option<&Path> {
        self.data_dir.as_deref()
    }

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

pub(crate) fn train_cam(args: &TrainCamArgs, context: Context<'_>) -> Result<(), Failure> {
    let said = train_model(args, context)?;
    context.console.result(said)
}

/// Trains and writes the model; returns what is to be said about it.
pub(crate) fn train_model(args: &TrainCamArgs, context: Context<'_>) -> Result<String, Failure> {
    let config = Config::load(&args.config, &args.set)?;
    let session = Session::open(config, context)?;
    let Session { config, dataset, .. } = &session;
    let network = build(args, &session)?;
    prepare(&args.out)?;
    let epochs = args.epochs.map_or(config.eval.full_epochs, |epochs| epochs.get() - 1);
    let model = trained(&session, network, epochs)?;
    model.save(&args.out)?;
    let shown = model
        .card
        .validation_accuracy
        .map_or_else(String::new, |accuracy| format!(", {:.1} % right on held-out images", 100.0 * accuracy));
    let (arch, classes) = (args.arch, dataset.classes());
    Ok(format!("{arch} for the {classes} classes of {}{shown}, in {}", dataset.name, args.out.display()))
}

/// A network trained on the training images, with its card.
pub(crate) fn trained(session: &Session<'_>, network: Network, epochs: usize) -> Result<CamModel, Failure> {
    let Student { theta, buffers, .. } = train(session, &network, epochs)?;
    let held_out = &session.dataset.validation;
    let validation_accuracy =
        (!held_out.is_empty()).then(|| accuracy(&network, &theta, &buffers, held_out, &session.device));
    let state = NetworkState {
        theta: theta.into_data().iter::<f32>().collect(),
        buffers: buffers.into_data().iter::<f32>().collect(),
    };
    let card = card(session, &network, epochs, validation_accuracy);
    Ok(CamModel { network, state, card })
}

fn build(args: &TrainCamArgs, session: &Session<'_>) -> Result<Network, Failure> {
    let TrainCamArgs { arch, norm, base_width, .. } = *args;
    let shape = session.dataset.shape();
    let choice = NetworkConfig { arch, norm, base_width, ..NetworkConfig::default() };
    let classes = session.dataset.classes();
    Ok(choice.build(&session.config.model, shape.channels, classes, shape.height, shape.width)?)
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

fn train(session: &Session<'_>, network: &Network, epochs: usize) -> Result<Student, Failure> {
    let Session { config, dataset, device, console, .. } = session;
    let mut bar = console.progress("train", epochs as u64 + 1, "epochs");
    let protocol = config.eval.without_teacher();
    let training = Training {
        net: network,
        set: TrainingSet::Real(&dataset.train),
        protocol: &protocol,
        epochs,
        lr: config.eval.real_lr,
        seed: config.seed,
        device,
    };
    let trained = training.run(&mut |epoch| {
        bar.at(epoch as u64, "");
        interrupt::flow()
    });
    trained.map_err(|error| match error {
        StudentError::Stopped => Failure::interrupted("nothing is kept; run the same command again"),
        error => error.into(),
    })
}

fn card(session: &Session<'_>, network: &Network, epochs: usize, accuracy: Option<f64>) -> ModelCard {
    let Session { config, dataset, .. } = session;
    let Dataset { name, class_names, preprocessing, digest, .. } = dataset;
    ModelCard {
        architecture: json!(network),
        class_names: class_names.clone(),
        preprocessing: serde_json::to_value(preprocessing).expect("preprocessing is plain JSON"),
        dataset: name.clone(),
        dataset_digest: digest.clone(),
        validation_accuracy: accuracy,
        recipe: json!({"last_epoch": epochs, "lr": config.eval.real_lr, "protocol": config.eval.values()}),
        seed: config.seed,
        distil_version: env!("CARGO_PKG_VERSION").to_owned(),
        command: std::env::args().collect::<Vec<_>>().join(" "),
    }
}
