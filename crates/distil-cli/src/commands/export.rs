//! `distil export`: synthetic sets for other programs.

use std::io::Cursor;
use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use distil::SetSource;
use distil::sets::shape;
use distil_data::{FolderLayout, PictureFolder, Pictures, contact_sheet};
use distil_store::{Labels, Part, atomic};

use crate::args::part;
use crate::console::Console;
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// A synthetic set (.safetensors) or a run folder
    #[arg(value_name = "SET", value_hint = ValueHint::AnyPath)]
    subject: PathBuf,
    /// What to write
    #[arg(long, value_enum, value_name = "FORMAT")]
    to: Format,
    /// The file or, for png and imagefolder, the folder
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
    /// PNG files, 8 bits a channel, with labels.csv
    Png,
    /// PNG files in one folder per class, for torchvision's ImageFolder and Hugging Face's imagefolder
    Imagefolder,
    /// One PNG of all images, one row per class
    Sheet,
}

pub(crate) fn export(args: &ExportArgs, console: &Console) -> Result<(), Failure> {
    let source = SetSource::open(&args.subject, args.part)?;
    match args.to {
        Format::Safetensors => source.set.save(&args.out)?,
        Format::Npz => source.set.write_npz(&args.out)?,
        Format::Png => write_folder(&source, args, FolderLayout::Flat, console)?,
        Format::Imagefolder => write_folder(&source, args, FolderLayout::ByClass, console)?,
        Format::Sheet => write_sheet(&source, args, console)?,
    }
    let (images, from, to) = (source.set.shape[0], source.file.display(), args.out.display());
    console.result(format_args!("wrote {images} images of {from} to {to}"))
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
