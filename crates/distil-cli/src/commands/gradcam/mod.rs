//! `distil gradcam`.

mod pictures;

use std::fmt::Write;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use clap::{Args, ValueEnum, ValueHint};
use distil::pictures::{Pictures, class_names};
use distil_gradcam::{
    Cam, CamModel, ClassRule, Explainer, Explanation, Maps, ModelCard, Noise, Overlay, Smoothing, Target,
    last_layer, layer, overlay,
};
use distil_store::atomic;
use image::RgbImage;

use crate::context::Context;
use crate::failure::Failure;
use pictures::source;

/// Images alive at a time on each CPU thread.
const MICRO_BATCH: usize = 16;
/// The smallest side of a shown picture in pixels; smaller ones are enlarged.
const SHOWN_SIDE: usize = 192;
/// What counts as discriminative in the table, as in Comp-DD.
const THRESHOLD: f64 = 0.5;

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).multiple(true).args(["images", "config"]))]
pub(crate) struct GradcamArgs {
    /// An image, a folder of images, a synthetic set (.safetensors), or the name of a dataset
    #[arg(value_name = "IMAGES", value_hint = ValueHint::AnyPath)]
    images: Option<PathBuf>,
    /// A configuration whose [data] section says how to load the dataset
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
    /// Set a key of the configuration, as in `data.resolution=64`; may be repeated
    #[arg(long, value_name = "KEY=VALUE", requires = "config")]
    set: Vec<String>,
    /// A model of `distil train`, or weights of a resnet18 (torchvision's, or its form for CIFAR) or EfficientNet-Lite
    /// (.pth or .safetensors)
    #[arg(short, long, value_name = "MODEL", value_hint = ValueHint::FilePath)]
    model: PathBuf,
    /// Folder for the overlays
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    out: PathBuf,
    /// The class to explain, by name or index [default: each image's own, or the predicted one]
    #[arg(long, value_name = "CLASS")]
    class: Option<String>,
    /// Names of the model's classes, one a line, where its file has none: weights without a card number them
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    classes: Option<PathBuf>,
    /// Which map
    #[arg(long, value_enum, default_value_t = CamName::GradCam)]
    cam: CamName,
    /// The layer whose feature map is used, such as layer3 or blocks.1 [default: the last one]
    #[arg(long, value_name = "LAYER")]
    layer: Option<String>,
    /// At most this many images; of a dataset, the first test images of every class in turn
    #[arg(long, value_name = "N", default_value = "20")]
    limit: std::num::NonZeroUsize,
    /// Where datasets are kept
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) data_dir: Option<PathBuf>,
}

/// A kind of map as the user names it.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum CamName {
    /// Grad-CAM
    GradCam,
    /// Grad-CAM++
    #[value(name = "grad-cam++")]
    GradCamPlusPlus,
    /// SmoothGrad-CAM++, 4 noisy copies
    #[value(name = "smooth-grad-cam++")]
    SmoothGradCamPlusPlus,
    /// SmoothGrad-CAM++ as EDF's public code computes it
    PublicCode,
}

impl CamName {
    pub(crate) fn cam(self) -> Cam {
        match self {
            Self::GradCam => Cam::GradCam,
            Self::GradCamPlusPlus => Cam::GradCamPlusPlus,
            Self::SmoothGradCamPlusPlus => Cam::SmoothGradCamPlusPlus(Smoothing::default()),
            Self::PublicCode => Cam::public_code(),
        }
    }
}

pub(crate) fn gradcam(args: &GradcamArgs, context: Context<'_>) -> Result<(), Failure> {
    let source = source(args, context)?;
    let model = named(CamModel::open(&args.model, source.sides())?, args.classes.as_deref())?;
    let CamModel { network, card, .. } = &model;
    let pictures = source.pictures(&model, args.limit.get())?;
    let classes = classes(args, card, &pictures)?;
    let device = context.device.open()?;
    let (theta, buffers) = model.tensors(device.burn());
    let explainer = Explainer {
        engine: device.engine(),
        network,
        theta: &theta,
        buffers: &buffers,
        layer: args.layer.as_ref().map_or_else(|| last_layer(network), |name| layer(network, name))?,
        cam: args.cam.cam(),
        micro_batch: MICRO_BATCH,
    };
    let target = classes.as_deref().map_or(Target::Predicted, Target::Classes);
    let found = explainer.explain(&tensor(&pictures, device.burn()), target, Noise::default())?;
    let maps = found.raw.unit().resize(pictures.shape.height, pictures.shape.width);
    let files = write(&args.out, &pictures, &maps, &found, card)?;
    context.console.note(format_args!("wrote {} overlays to {}", files.len(), args.out.display()));
    context.console.result(table(&files, &maps, &found, card).trim_end())
}

/// The model with the names in the user's file for its classes.
pub(crate) fn named(model: CamModel, file: Option<&Path>) -> Result<CamModel, Failure> {
    let Some(file) = file else { return Ok(model) };
    let names = class_names(file).map_err(distil::Error::from)?;
    model.with_class_names(names).map_err(|error| Failure::from(error).about(file))
}

fn tensor(pictures: &Pictures, device: &Device) -> Tensor<4> {
    let Pictures { names, shape, input, .. } = pictures;
    let shape = [names.len(), shape.channels, shape.height, shape.width];
    Tensor::from_data(TensorData::new(input.clone(), shape), device)
}

/// The class of every picture's map; none where the model is to say.
fn classes(args: &GradcamArgs, card: &ModelCard, pictures: &Pictures) -> Result<Option<Vec<u32>>, Failure> {
    if let Some(class) = &args.class {
        let index = card.class_names.iter().position(|name| name == class);
        let index = index.or_else(|| class.parse().ok().filter(|index| *index < card.class_names.len()));
        let index = index.ok_or_else(|| {
            let shown: Vec<&str> = card.class_names.iter().map(String::as_str).take(20).collect();
            let more = if card.class_names.len() > 20 { ", …" } else { "" };
            Failure::new(
                format_args!("the model has no class {class:?}"),
                format_args!(
                    "choose an index below {}, or one of {}{more}",
                    card.class_names.len(),
                    shown.join(", ")
                ),
            )
        })?;
        return Ok(Some(vec![index as u32; pictures.names.len()]));
    }
    let Some((labels, names)) = &pictures.labels else { return Ok(None) };
    let map = distil_gradcam::ClassMap::by_rule(ClassRule::Mapped, names, &card.class_names);
    let map = map.map_err(|error| {
        Failure::new(
            format_args!("{} was trained on other classes: {error}", args.model.display()),
            "train one with `distil train` on these data, or name a class of the model with --class",
        )
    })?;
    Ok(Some(map.classes(labels)?))
}

/// Writes one picture an image and returns their names.
fn write(
    folder: &Path,
    pictures: &Pictures,
    maps: &Maps,
    found: &Explanation,
    card: &ModelCard,
) -> Result<Vec<String>, Failure> {
    atomic::create_folder(folder)?;
    let shape = pictures.shape;
    let scale = SHOWN_SIDE.div_ceil(shape.height.min(shape.width)).max(1);
    let sides = [shape.channels, shape.height, shape.width];
    let mut files = Vec::with_capacity(pictures.names.len());
    for (index, (name, pixels)) in
        pictures.names.iter().zip(pictures.pixels.chunks_exact(shape.len())).enumerate()
    {
        let class = &card.class_names[found.classes[index] as usize];
        let file = format!("{index:03}-{}-as-{}.png", plain(name), plain(class));
        let Overlay { width, height, rgb } = overlay(pixels, sides, maps.map(index), scale);
        let picture = RgbImage::from_raw(width as u32, height as u32, rgb).expect("three bytes a pixel");
        let mut png = Cursor::new(Vec::new());
        picture.write_to(&mut png, image::ImageFormat::Png)?;
        atomic::write(folder.join(&file), png.into_inner())?;
        files.push(file);
    }
    Ok(files)
}

/// A name that every file system takes.
fn plain(name: &str) -> String {
    let kept = |c: char| if c.is_alphanumeric() || c == '-' { c } else { '_' };
    name.chars().map(kept).take(40).collect()
}

fn table(files: &[String], maps: &Maps, found: &Explanation, card: &ModelCard) -> String {
    let areas = maps.areas(&[THRESHOLD]);
    let (predicted, confidences) = (found.predicted(), found.confidences());
    let mut text = format!("| overlay | class | its probability | the model says | area ≥ {THRESHOLD} |\n");
    text.push_str("|---|---|---:|---|---:|\n");
    for (index, file) in files.iter().enumerate() {
        let name = |class: u32| card.class_names[class as usize].replace('|', "\\|");
        writeln!(
            text,
            "| {file} | {} | {:.1} % | {} | {:.1} % |",
            name(found.classes[index]),
            100.0 * confidences[index],
            name(predicted[index]),
            100.0 * areas[index][0]
        )
        .expect("a string takes everything");
    }
    text
}
