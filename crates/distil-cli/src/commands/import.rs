//! `distil import`: synthetic sets of public code.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum, ValueHint};
use distil_data::{Normalisation, Preprocessing, Transform};
use distil_store::{
    Card, Decoding, LabelKind, Labels, PublicImages, PublicLabels, SyntheticSet, read_public_step,
};
use serde_json::json;

use crate::console::Console;
use crate::context::Context;
use crate::failure::Failure;
use distil::Session;
use distil::config::Config;

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// images_best.pt of distill.py
    #[arg(value_name = "IMAGES", value_hint = ValueHint::FilePath)]
    images: PathBuf,
    /// labels_best.pt next to it
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    labels: PathBuf,
    /// The learned step size: a number, or lr_best.pt
    #[arg(long, value_name = "LR|FILE")]
    syn_lr: String,
    /// How the pixels were preprocessed, which the files do not record
    #[arg(long, value_enum, value_name = "KIND")]
    normalisation: Option<Kind>,
    /// Means for --normalisation mean-std, one per channel [default: those of the configuration's data]
    #[arg(long, value_name = "M,…", value_delimiter = ',', requires = "std", allow_negative_numbers = true)]
    mean: Option<Vec<f32>>,
    /// The standard deviations that go with --mean
    #[arg(long, value_name = "S,…", value_delimiter = ',', requires = "mean")]
    std: Option<Vec<f32>>,
    /// What rows of floats in the labels mean; needed if they could be either
    #[arg(long, value_enum, value_name = "KIND")]
    soft_labels: Option<SoftLabels>,
    /// The class each image was made for: a file like --labels with one class index an image, for learned labels [default:
    /// the class with the highest label]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    image_classes: Option<PathBuf>,
    /// The data and the network the set was made for (TOML)
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: PathBuf,
    /// Set a key of the configuration, as in `data.zca=true`; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// The file to write (.safetensors)
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    out: PathBuf,
    /// Where datasets are kept
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) data_dir: Option<PathBuf>,
}

/// How pixels in `[0, 1]` became those of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Mean and standard deviation of each channel (without --zca of the public code)
    MeanStd,
    /// ZCA whitening (--zca of the public code)
    Zca,
    /// Not at all: pixels in [0, 1]
    None,
}

/// What a row of floats is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SoftLabels {
    /// Inputs to a softmax (DATM, EDF)
    Logits,
    /// Probabilities
    Probabilities,
}

pub(crate) fn import(args: &ImportArgs, context: Context<'_>) -> Result<(), Failure> {
    let kind = args.normalisation.ok_or_else(|| {
        Failure::new(
            format_args!("{} does not say how its pixels were prepared", args.images.display()),
            "say it: --normalisation zca if it was distilled with --zca, mean-std if without, none for pixels in [0, 1]",
        )
    })?;
    let syn_lr = step_size(&args.syn_lr)?;
    let (images, labels) = (PublicImages::read(&args.images)?, PublicLabels::read(&args.labels)?);
    let session = context.session(Config::load(&args.config, &args.set)?, None)?;
    fits(args, &images, &session)?;
    let labels = own_labels(args, labels)?;
    let pixels = own_pixels(args, kind, images.pixels, &session, context.console)?;
    let card = card(args, images.shape[0], &labels, &session);
    let mut set = SyntheticSet { images: pixels, shape: images.shape, labels, syn_lr, card };
    let classes = classes(args, &set)?;
    if set.known_classes().as_ref() != Some(&classes) {
        set.card.image_classes = Some(classes);
    }
    set.save(&args.out)?;
    tell_counts(&set, context.console);
    let out = args.out.display();
    context
        .console
        .result(format_args!("wrote {out}\nmeasure it: distil eval {out} --config {}", args.config.display()))
}

fn step_size(text: &str) -> Result<f32, Failure> {
    if let Ok(number) = text.parse() {
        return Ok(number);
    }
    if Path::new(text).is_file() {
        return Ok(read_public_step(text)?);
    }
    Err(Failure::new(
        format_args!("--syn-lr {text:?} is neither a number nor a file"),
        "give lr_best.pt, or the number the log calls Synthetic_LR",
    ))
}

/// Refuses images of other sizes than the configuration's.
fn fits(args: &ImportArgs, images: &PublicImages, session: &Session) -> Result<(), Failure> {
    let [_, channels, height, width] = images.shape;
    let wanted = session.dataset().shape();
    if [channels, height, width] == [wanted.channels, wanted.height, wanted.width] {
        return Ok(());
    }
    Err(Failure::new(
        format_args!(
            "{} holds images of {channels}x{height}x{width}, the data of {} have {wanted}",
            args.images.display(),
            args.config.display()
        ),
        "name the configuration of the data it was distilled from, or set data.resolution",
    ))
}

/// Labels as students take them: class indices or logits.
fn own_labels(args: &ImportArgs, labels: PublicLabels) -> Result<Labels, Failure> {
    let ambiguous = args.soft_labels.is_none() && labels.look_like_probabilities();
    let kind = args.soft_labels.unwrap_or(SoftLabels::Logits);
    match labels {
        PublicLabels::Classes(classes) => Ok(Labels::Hard(classes)),
        PublicLabels::Rows { .. } if ambiguous => Err(Failure::new(
            format_args!("{} could hold probabilities or logits", args.labels.display()),
            "say which: --soft-labels probabilities, or --soft-labels logits as DATM saves them",
        )),
        PublicLabels::Rows { values, classes } if kind == SoftLabels::Logits => {
            Ok(Labels::Soft { logits: values, classes })
        }
        // The softmax of the logarithms are the probabilities; 0 becomes the smallest one that has a logarithm.
        PublicLabels::Rows { values, classes } => {
            let logits = values.into_iter().map(|p| p.max(f32::MIN_POSITIVE).ln()).collect();
            Ok(Labels::Soft { logits, classes })
        }
    }
}

/// The class each image was made for. Other programs save images in any order, so the place says nothing.
fn classes(args: &ImportArgs, set: &SyntheticSet) -> Result<Vec<u32>, Failure> {
    let Some(file) = &args.image_classes else { return Ok(set.hard_labels()) };
    let (name, images) = (file.display(), set.shape[0]);
    if set.labels.kind() == LabelKind::Hard {
        return Err(Failure::new(
            format_args!("{} holds the classes of the images already", args.labels.display()),
            "leave out --image-classes, which is for learned labels",
        ));
    }
    let PublicLabels::Classes(classes) = PublicLabels::read(file)? else {
        return Err(Failure::new(
            format_args!("{name} holds learned labels, not class indices"),
            "give a tensor of integers of shape [n], or leave out --image-classes",
        ));
    };
    if classes.len() != images {
        return Err(Failure::new(
            format_args!("{name} has the classes of {} images, the set has {images}", classes.len()),
            "give one class index an image, in the order of the images",
        ));
    }
    Ok(classes)
}

/// Says where classes do not have as many images each.
fn tell_counts(set: &SyntheticSet, console: &Console) {
    let mut counts = vec![0_usize; set.classes()];
    set.image_classes().into_iter().for_each(|class| counts[class as usize] += 1);
    let (least, most) = (counts.iter().min().copied(), counts.iter().max().copied());
    let (Some(least), Some(most)) = (least, most) else { return };
    if least != most {
        console.note(format_args!("its classes have {least} to {most} images"));
    }
    let without = counts.iter().zip(&set.card.class_names).filter(|(count, _)| **count == 0);
    let without: Vec<&str> = without.map(|(_, name)| name.as_str()).collect();
    match without[..] {
        [] => {}
        [only] => console.warn(format_args!("there is no image of the class {only}")),
        [first, ..] => console.warn(format_args!(
            "there is no image of {} of the {} classes, {first} among them",
            without.len(),
            counts.len()
        )),
    }
}

/// Pixels as the configuration's data are prepared.
fn own_pixels(
    args: &ImportArgs,
    kind: Kind,
    pixels: Vec<f32>,
    session: &Session,
    console: &Console,
) -> Result<Vec<f32>, Failure> {
    let (own, shape) = (&session.dataset().transform, session.dataset().shape());
    let stated = match (kind, &args.mean, &args.std) {
        (Kind::MeanStd, Some(mean), Some(std)) => {
            Some(Normalisation::MeanStd { mean: mean.clone(), std: std.clone() })
        }
        (_, Some(_), _) => {
            return Err(Failure::new(
                "--mean goes with --normalisation mean-std",
                "leave out --mean and --std",
            ));
        }
        (Kind::None, ..) => Some(Normalisation::Identity),
        _ => None,
    };
    if let Some(normalisation) = stated {
        let resize = own.preprocessing().resize;
        let stated = Transform::from(Preprocessing { resize, normalisation });
        return Ok(own.apply(shape, &stated.invert(shape, &pixels)?)?);
    }
    match (kind, &own.preprocessing().normalisation) {
        (Kind::MeanStd, Normalisation::MeanStd { mean, std }) => console.note(format_args!(
            "taking the configuration's mean {mean:.4?} and std {std:.4?}; give --mean and --std if it had others"
        )),
        (Kind::Zca, Normalisation::Zca(_)) => console.note(
            "taking the ZCA matrices of the configuration's training images; the public code fits them on all of them",
        ),
        (kind, _) => {
            let zca = kind == Kind::Zca;
            let config = args.config.display();
            return Err(Failure::new(
                format_args!("the set is said to be {kind:?}, but {config} prepares its data by {}", own.preprocessing()),
                format_args!("evaluate it on data that are prepared alike: --set data.zca={zca}"),
            ));
        }
    }
    Ok(pixels)
}

fn card(args: &ImportArgs, images: usize, labels: &Labels, session: &Session) -> Card {
    let (config, dataset, net) = (session.config(), session.dataset(), session.net());
    let classes = dataset.classes();
    Card {
        dataset: dataset.name.clone(),
        dataset_digest: dataset.digest.clone(),
        class_names: dataset.class_names.clone(),
        preprocessing: dataset.preprocessing().clone(),
        decoding: Decoding::Pixels,
        label_kind: labels.kind(),
        ipc: images.div_ceil(classes.max(1)),
        image_classes: None,
        augmentation: config.distill.augmentation.to_string(),
        architecture: json!(net),
        method: format!("{} (imported)", config.method.as_str()),
        iteration: 0,
        seed: config.seed,
        distil_version: env!("CARGO_PKG_VERSION").to_owned(),
        command: format!("distil import {}", args.images.display()),
    }
}
