//! `distil import`: synthetic sets of public code.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum, ValueHint};
use distil::config::Config;
use distil::{Prepared, PublicSet};
use distil_store::{Card, Labels, PublicImages, PublicLabels, SyntheticSet, read_public_step};

use crate::context::Context;
use crate::failure::Failure;

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
    let labels = own_labels(args, labels)?;
    let image_classes = args.image_classes.as_deref().map(classes).transpose()?;
    let session = context.session(Config::load(&args.config, &args.set)?, None)?;
    let set = session.import_set(PublicSet {
        images,
        labels,
        image_classes,
        syn_lr,
        prepared: prepared(args, kind)?,
    })?;
    let command = format!("distil import {}", args.images.display());
    SyntheticSet { card: Card { command, ..set.card }, ..set }.save(&args.out)?;
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

/// The class of each image, from a file of integers.
fn classes(file: &Path) -> Result<Vec<u32>, Failure> {
    match PublicLabels::read(file)? {
        PublicLabels::Classes(classes) => Ok(classes),
        PublicLabels::Rows { .. } => Err(Failure::new(
            format_args!("{} holds learned labels, not class indices", file.display()),
            "give a tensor of integers of shape [n], or leave out --image-classes",
        )),
    }
}

/// What the flags say of the pixels.
fn prepared(args: &ImportArgs, kind: Kind) -> Result<Prepared, Failure> {
    let stated = args.mean.clone().zip(args.std.clone()).map(<[Vec<f32>; 2]>::from);
    match (kind, stated) {
        (Kind::MeanStd, stated) => Ok(Prepared::MeanStd(stated)),
        (_, Some(_)) => {
            Err(Failure::new("--mean goes with --normalisation mean-std", "leave out --mean and --std"))
        }
        (Kind::Zca, None) => Ok(Prepared::Zca),
        (Kind::None, None) => Ok(Prepared::Identity),
    }
}
