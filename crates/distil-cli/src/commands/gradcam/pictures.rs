//! Images that maps are drawn over, from wherever they are.

use std::path::{Path, PathBuf};

use distil_data::{DataConfig, Dataset, DatasetName, ImageShape, Transform, picture_files};
use distil_gradcam::CamModel;
use distil_store::{Content, SyntheticSet};

use super::GradcamArgs;
use crate::context::Context;
use crate::failure::Failure;
use distil::config::Config;
use distil::pictures::{pixels_of, shape_of};
use distil::sets::transform_of;

/// What to name where there are no images.
const OTHERS: &str = "name a picture, a folder of pictures, a synthetic set or a dataset";

/// Where the images are.
pub(super) enum Source {
    Files(Vec<PathBuf>),
    Set(Box<SyntheticSet>),
    Dataset(Box<Dataset>),
}

/// Images of one shape.
pub(super) struct Pictures {
    /// `[n]` names for files and tables.
    pub(super) names: Vec<String>,
    /// `[n, c, h, w]` in `[0, 1]`.
    pub(super) pixels: Vec<f32>,
    /// `[n, c, h, w]` as the model takes them.
    pub(super) input: Vec<f32>,
    pub(super) shape: ImageShape,
    /// Class indices `[n]` and what they stand for, where that is known.
    pub(super) labels: Option<(Vec<u32>, Vec<String>)>,
}

impl Source {
    /// Finds the images of the arguments; datasets are loaded, files are not read yet.
    pub(super) fn open(args: &GradcamArgs, context: Context<'_>) -> Result<Self, Failure> {
        match (&args.images, &args.config) {
            (Some(images), _) if images.is_dir() => Ok(Self::Files(files_below(images)?)),
            (Some(images), _) if images.is_file() => Self::of_file(images),
            (images, config) => {
                let named =
                    images.as_ref().map(|name| DataConfig::named(&name.to_string_lossy())).transpose()?;
                let named = named.map(|data| data.name);
                let data = data_config(named, config.as_deref(), &args.set)?;
                Ok(Self::Dataset(Box::new(context.load(&data)?)))
            }
        }
    }

    /// A set, or a picture; of what may be neither, the reader of pictures says why.
    fn of_file(file: &Path) -> Result<Self, Failure> {
        use Content::{Cut, Empty, Picture, Text, Unknown};
        let content = Content::of(file).unwrap_or(Unknown);
        if content.is_container() && content != Cut {
            return Ok(Self::Set(Box::new(SyntheticSet::load(file)?.into_decoded())));
        }
        if let Picture | Text | Empty | Cut | Unknown = content {
            return Ok(Self::Files(vec![file.to_owned()]));
        }
        Err(Failure::new(
            format_args!("{} is {}, not a picture or a synthetic set", file.display(), content.what()),
            content.remedy().unwrap_or(OTHERS),
        ))
    }

    /// Height and width, where they are not the model's to say.
    pub(super) fn sides(&self) -> Option<[usize; 2]> {
        match self {
            Self::Files(_) => None,
            Self::Set(set) => Some([set.shape[2], set.shape[3]]),
            Self::Dataset(dataset) => Some([dataset.shape().height, dataset.shape().width]),
        }
    }

    /// At most `limit` images, ready for `model`.
    pub(super) fn pictures(self, model: &CamModel, limit: usize) -> Result<Pictures, Failure> {
        let shape = shape_of(model);
        let transform = transform_of(&model.card.preprocessing)?;
        match self {
            Self::Files(mut files) => {
                files.truncate(limit);
                of_files(&files, model, &transform)
            }
            Self::Set(set) => of_set(&set, shape, &transform, limit),
            Self::Dataset(dataset) => of_dataset(&dataset, shape, &transform, limit),
        }
    }
}

/// The pictures of a folder and the folders in it, as a set of them would be read.
fn files_below(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let files = picture_files(folder)?;
    if files.is_empty() {
        let help = Content::of(folder).ok().and_then(Content::remedy).unwrap_or(OTHERS);
        return Err(Failure::new(format_args!("there is no picture in {}", folder.display()), help));
    }
    Ok(files)
}

/// The data section of the configuration, for the dataset that was named.
fn data_config(
    named: Option<DatasetName>,
    config: Option<&Path>,
    sets: &[String],
) -> Result<DataConfig, Failure> {
    match (named, config) {
        (named, Some(config)) => {
            let name = named.map(|name| format!("data.name=\"{name}\""));
            let sets: Vec<String> = sets.iter().cloned().chain(name).collect();
            Ok(Config::load(config, &sets)?.data)
        }
        (Some(name), None) => Ok(DataConfig::new(name)),
        (None, None) => Err(Failure::new("no images were named", "give IMAGES or --config")),
    }
}

fn of_files(files: &[PathBuf], model: &CamModel, transform: &Transform) -> Result<Pictures, Failure> {
    let shape = shape_of(model);
    if ![1, 3].contains(&shape.channels) {
        return Err(Failure::new(
            format_args!("the model takes {} channels, and pictures have 1 or 3", shape.channels),
            "give a model of grey or coloured images",
        ));
    }
    let mut pixels = Vec::with_capacity(files.len() * shape.len());
    for file in files {
        pixels.extend(pixels_of(file, model).map_err(distil::Error::from)?);
    }
    let stem = |file: &PathBuf| file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let input = transform.apply(shape, &pixels)?;
    Ok(Pictures { names: files.iter().map(stem).collect(), input, pixels, shape, labels: None })
}

fn of_set(
    set: &SyntheticSet,
    shape: ImageShape,
    model: &Transform,
    limit: usize,
) -> Result<Pictures, Failure> {
    let [_, channels, height, width] = set.shape;
    fits("the synthetic set", ImageShape { channels, height, width }, shape)?;
    let labels = set.image_classes();
    let rows = in_turns(&labels, set.card.class_names.len(), limit);
    let learned: Vec<f32> = rows
        .iter()
        .flat_map(|row| &set.images[row * shape.len()..(row + 1) * shape.len()])
        .copied()
        .collect();
    let own = transform_of(&set.card.preprocessing)?;
    // Learned pixels leave [0, 1]: the model sees them as they are, pictures are clamped.
    let mut pixels = own.invert(shape, &learned)?;
    let same = own.preprocessing().normalisation == model.preprocessing().normalisation;
    let input = if same { learned } else { model.apply(shape, &pixels)? };
    for x in &mut pixels {
        *x = x.clamp(0.0, 1.0);
    }
    let names = &set.card.class_names;
    Ok(labelled(&rows, &labels, names, Pictures { names: Vec::new(), pixels, input, shape, labels: None }))
}

fn of_dataset(
    dataset: &Dataset,
    shape: ImageShape,
    model: &Transform,
    limit: usize,
) -> Result<Pictures, Failure> {
    fits(&dataset.name, dataset.shape(), shape)?;
    let (images, labels) = (&dataset.test.images, &dataset.test.labels);
    let rows = in_turns(labels, dataset.classes(), limit);
    if rows.is_empty() {
        let help = "choose a dataset with test images";
        return Err(Failure::new(format_args!("{} has no test images", dataset.name), help));
    }
    let pixels = match images.pictures(&rows) {
        Some(pixels) => pixels,
        None => dataset.transform.undo(shape, &images.gather(&rows))?,
    };
    let input = model.apply(shape, &pixels)?;
    let names = &dataset.class_names;
    Ok(labelled(&rows, labels, names, Pictures { names: Vec::new(), pixels, input, shape, labels: None }))
}

/// Names pictures by their class.
fn labelled(rows: &[usize], labels: &[u32], class_names: &[String], pictures: Pictures) -> Pictures {
    let labels: Vec<u32> = rows.iter().map(|&row| labels[row]).collect();
    let names = labels.iter().map(|&label| class_names[label as usize].clone()).collect();
    Pictures { names, labels: Some((labels, class_names.to_vec())), ..pictures }
}

/// The first rows of every class, the classes taking turns.
fn in_turns(labels: &[u32], classes: usize, limit: usize) -> Vec<usize> {
    let rows_of = |class| labels.iter().enumerate().filter(move |(_, label)| **label as usize == class);
    let mut by_class: Vec<_> = (0..classes).map(rows_of).collect();
    let mut rows = Vec::new();
    while rows.len() < limit {
        let before = rows.len();
        rows.extend(by_class.iter_mut().filter_map(|of_class| of_class.next().map(|(row, _)| row)));
        if rows.len() == before {
            break;
        }
    }
    rows.truncate(limit);
    rows
}

fn fits(what: &str, found: ImageShape, wanted: ImageShape) -> Result<(), Failure> {
    if found == wanted {
        return Ok(());
    }
    Err(Failure::new(
        format_args!("the images of {what} are {found}, the model takes {wanted}"),
        "train a model for them with `distil train`, or load the dataset at the model's size: \
         --config FILE --set data.resolution=N",
    ))
}

#[cfg(test)]
mod tests {
    use super::in_turns;

    #[test]
    fn classes_take_turns() {
        assert_eq!(in_turns(&[0, 0, 0, 1, 2, 1], 3, 4), [0, 3, 4, 1]);
        assert_eq!(in_turns(&[1, 1], 2, 9), [0, 1]);
        assert!(in_turns(&[], 2, 9).is_empty());
    }
}
