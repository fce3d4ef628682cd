//! `distil export`: synthetic sets for other programs.

use std::io::Cursor;
use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use distil::sets::shape;
use distil::{Progress, SetSource};
use distil_data::{FolderLayout, PictureFolder, Pictures, contact_sheet};
use distil_store::{Content, Labels, Part, TrajectoryStore, atomic};

use crate::args::part;
use crate::console::Console;
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// A synthetic set (.safetensors), a run folder, or with --to pt a folder of experts
    #[arg(value_name = "SET", value_hint = ValueHint::AnyPath)]
    subject: PathBuf,
    /// What to write
    #[arg(long, value_enum, value_name = "FORMAT")]
    to: Format,
    /// The file or, for png, imagefolder and pt, the folder
    #[arg(short, long, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    out: PathBuf,
    /// Which set of a run folder: best, last, ema or initial [default: best, or else last]
    #[arg(long, value_name = "PART", value_parser = part)]
    part: Option<Part>,
}

/// What a set is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// distil's own format: images, labels, step size and card in one file
    Safetensors,
    /// Everything, for numpy.load: images as network input, labels, syn_lr, mean, std, preprocessing and card as JSON
    Npz,
    /// What MTT's code and its descendants save, for torch.load: images_best.pt (network input), labels_best.pt and lr_best.pt;
    /// of experts replay_buffer_0.pt…
    Pt,
    /// PNG files, 8 bits a channel, with labels.csv
    Png,
    /// PNG files in one folder per class, for torchvision's ImageFolder and Hugging Face's imagefolder
    Imagefolder,
    /// One PNG of all images, one row per class
    Sheet,
}

pub(crate) fn export(args: &ExportArgs, console: &Console) -> Result<(), Failure> {
    if Content::of(&args.subject).is_ok_and(|content| content == Content::Experts) {
        return experts(args, console);
    }
    let source = SetSource::open(&args.subject, args.part)?;
    match args.to {
        Format::Pt => source.set.write_torch(&args.out)?,
        Format::Safetensors => source.set.save(&args.out)?,
        Format::Npz => source.set.write_npz(&args.out)?,
        Format::Png => write_folder(&source, args, FolderLayout::Flat, console)?,
        Format::Imagefolder => write_folder(&source, args, FolderLayout::ByClass, console)?,
        Format::Sheet => write_sheet(&source, args, console)?,
    }
    let (images, from, to) = (source.set.shape[0], source.file.display(), args.out.display());
    console.result(format_args!("wrote {images} images of {from} to {to}"))
}

fn experts(args: &ExportArgs, console: &Console) -> Result<(), Failure> {
    let (from, to) = (args.subject.display(), args.out.display());
    if args.to != Format::Pt || args.part.is_some() {
        return Err(Failure::new(
            format_args!("{from} holds experts, not a synthetic set"),
            "export them with --to pt",
        ));
    }
    let store = TrajectoryStore::open(&args.subject)?;
    if !store.header().buffers.is_empty() {
        console.warn(
            "replay buffers have no place for the running statistics of batch norms: they are left out",
        );
    }
    let listener = console.listener();
    let count = store.write_torch(&args.out, Progress::to(&listener))?;
    console.result(format_args!("wrote {count} experts of {from} to {to}"))
}

fn write_folder(
    source: &SetSource,
    args: &ExportArgs,
    layout: FolderLayout,
    console: &Console,
) -> Result<(), Failure> {
    let (set, pixels, labels) = (&source.set, source.pixels()?, source.set.image_classes());
    let logits = match &set.labels {
        Labels::Hard(_) => None,
        Labels::Soft { logits, .. } => Some(&logits[..]),
    };
    let pictures = Pictures { pixels: &pixels, shape: shape(set), labels: &labels };
    PictureFolder { pictures, class_names: &set.card.class_names, logits }.write(&args.out, layout)?;
    if logits.is_some() {
        console.note(
            "the labels are learned: files are named after the class they were made for, labels.csv has the logits",
        );
    }
    tell_clipped(&pixels, console);
    Ok(())
}

fn write_sheet(source: &SetSource, args: &ExportArgs, console: &Console) -> Result<(), Failure> {
    let (set, pixels, labels) = (&source.set, source.pixels()?, source.set.image_classes());
    let classes = set.classes();
    let most = (0..classes as u32).map(|class| labels.iter().filter(|label| **label == class).count()).max();
    let pictures = Pictures { pixels: &pixels, shape: shape(set), labels: &labels };
    let sheet = contact_sheet(pictures, classes, most.unwrap_or(0))?;
    let mut png = Cursor::new(Vec::new());
    sheet.write_to(&mut png, image::ImageFormat::Png)?;
    atomic::write(&args.out, png.into_inner())?;
    tell_clipped(&pixels, console);
    Ok(())
}

/// A picture that a student trains on must be known not to be what was distilled.
fn tell_clipped(pixels: &[f32], console: &Console) {
    let outside = pixels.iter().filter(|value| !(0.0..=1.0).contains(*value)).count();
    if outside > 0 {
        let share = 100.0 * outside as f64 / pixels.len() as f64;
        console.warn(format_args!(
            "{share:.1} % of the values are outside what a picture holds and were clipped; npz and safetensors keep them"
        ));
    }
}
