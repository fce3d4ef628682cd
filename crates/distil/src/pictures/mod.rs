//! Pictures as a trained network takes them: files, those of a synthetic set, or of a dataset.

mod class_names;

use std::path::{Path, PathBuf};

use distil_data::{Dataset, ImageShape, Resize, Transform, all_picture_files, picture_files, read_picture};
use distil_gradcam::CamModel;
use distil_store::{Content, SyntheticSet};
use thiserror::Error;

use crate::Error;
use crate::sets::transform_of;

pub use class_names::{ClassNamesError, class_names};

/// What to name where there are no pictures.
const OTHERS: &str = "name a picture, a folder of pictures, a synthetic set or a dataset";

/// Pictures that a model cannot see.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PicturesError {
    /// Nothing of that name.
    #[error("there is no file or folder {}; check the path", path.display())]
    Missing {
        /// The path.
        path: PathBuf,
    },
    /// A folder without any.
    #[error("there is no picture in {}; {remedy}", folder.display())]
    None {
        /// The folder.
        folder: PathBuf,
        /// What to do.
        remedy: &'static str,
    },
    /// A file of another kind.
    #[error("{} is {what}, not a picture or a synthetic set; {remedy}", file.display())]
    Other {
        /// The file.
        file: PathBuf,
        /// What it is.
        what: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// Pictures are grey or coloured.
    #[error(
        "the model takes {channels} channels, and pictures have 1 or 3; give a model of grey or coloured images"
    )]
    Channels {
        /// Channels of the model.
        channels: usize,
    },
    /// A dataset without test images.
    #[error("{dataset} has no test images; choose a dataset with test images")]
    NoTest {
        /// Its name.
        dataset: String,
    },
    /// The model takes images of another shape.
    #[error(
        "the images of {what} are {found}, the model takes {wanted}; train a model for them with `distil train`, or load \
         the dataset at the model's size: --config FILE --set data.resolution=N"
    )]
    Shape {
        /// Whose images.
        what: String,
        /// Their shape.
        found: ImageShape,
        /// The model's.
        wanted: ImageShape,
    },
}

/// Where pictures are.
#[derive(Debug)]
pub enum Source {
    /// Picture files.
    Files(Vec<PathBuf>),
    /// A decoded synthetic set.
    Set(Box<SyntheticSet>),
    /// The test images of a dataset.
    Dataset(Box<Dataset>),
}

/// Pictures of one shape.
#[derive(Debug)]
pub struct Pictures {
    /// `[n]` names for files and tables.
    pub names: Vec<String>,
    /// `[n, c, h, w]` in `[0, 1]`.
    pub pixels: Vec<f32>,
    /// `[n, c, h, w]` as the model takes them.
    pub input: Vec<f32>,
    /// Of each.
    pub shape: ImageShape,
    /// Class indices `[n]` and what they stand for, where that is known.
    pub labels: Option<(Vec<u32>, Vec<String>)>,
}

/// The shape of the images that a model takes.
pub fn shape_of(model: &CamModel) -> ImageShape {
    let [channels, height, width] = model.network.image_shape();
    ImageShape { channels, height, width }
}

/// One file as pixels `[c, h, w]` in `[0, 1]`, brought to the model's size as its training images were.
///
/// # Errors
/// [`distil_data::Error::Format`] when it is not a picture that is read, or damaged; [`distil_data::Error::Io`].
pub fn pixels_of(file: &Path, model: &CamModel) -> Result<Vec<f32>, distil_data::Error> {
    let (shape, resize) = (shape_of(model), model.card.preprocessing.resize);
    let (policy, filter) = resize.map_or_else(Default::default, |resize| (resize.policy, resize.filter));
    let resize = Resize { policy, filter, height: shape.height, width: shape.width };
    let bytes = read_picture(file, shape.channels, resize)?;
    Ok(bytes.into_iter().map(|byte| f32::from(byte) / 255.0).collect())
}

impl Source {
    /// A file, or a folder with all that is in it; files of pictures are not read yet.
    ///
    /// # Errors
    /// [`PicturesError`] says what is there instead.
    pub fn at(path: &Path) -> Result<Self, Error> {
        if path.is_dir() { Ok(Self::Files(files_below(path)?)) } else { Self::of_file(path) }
    }

    /// A set, or a picture; of what may be neither, the reader of pictures says why.
    fn of_file(file: &Path) -> Result<Self, Error> {
        use Content::{Cut, Empty, Picture, Text, Unknown};
        let content = Content::of(file).unwrap_or(Unknown);
        if content.is_container() && content != Cut {
            return Ok(Self::Set(Box::new(SyntheticSet::load(file)?.into_decoded())));
        }
        if let Picture | Text | Empty | Cut | Unknown = content {
            return Ok(Self::Files(vec![file.to_owned()]));
        }
        let (what, remedy) = (content.what(), content.remedy().unwrap_or(OTHERS));
        Err(PicturesError::Other { file: file.to_owned(), what, remedy }.into())
    }

    /// Height and width, where they are not the model's to say.
    pub fn sides(&self) -> Option<[usize; 2]> {
        match self {
            Self::Files(_) => None,
            Self::Set(set) => Some([set.shape[2], set.shape[3]]),
            Self::Dataset(dataset) => Some([dataset.shape().height, dataset.shape().width]),
        }
    }

    /// At most `limit` images, ready for `model`; of a dataset, the first test images of every class in turn.
    ///
    /// # Errors
    /// [`PicturesError`] when the model takes others; [`Error::Data`] when a picture cannot be read.
    pub fn pictures(self, model: &CamModel, limit: usize) -> Result<Pictures, Error> {
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

/// Files as they are named, and of folders all pictures in them and the folders in them, those of kinds that are not read too.
///
/// # Errors
/// [`PicturesError::Missing`], [`PicturesError::None`], or [`Error::Data`] when a folder cannot be listed.
pub fn files_of(named: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    for path in named {
        if path.is_dir() {
            files.extend(some(path, all_picture_files(path)?)?);
        } else if path.exists() {
            files.push(path.clone());
        } else {
            return Err(PicturesError::Missing { path: path.clone() }.into());
        }
    }
    Ok(files)
}

fn files_below(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    Ok(some(folder, picture_files(folder)?)?)
}

fn some(folder: &Path, files: Vec<PathBuf>) -> Result<Vec<PathBuf>, PicturesError> {
    if files.is_empty() {
        let remedy = Content::of(folder).ok().and_then(Content::remedy).unwrap_or(OTHERS);
        return Err(PicturesError::None { folder: folder.to_owned(), remedy });
    }
    Ok(files)
}

fn of_files(files: &[PathBuf], model: &CamModel, transform: &Transform) -> Result<Pictures, Error> {
    let shape = shape_of(model);
    if ![1, 3].contains(&shape.channels) {
        return Err(PicturesError::Channels { channels: shape.channels }.into());
    }
    let mut pixels = Vec::with_capacity(files.len() * shape.len());
    for file in files {
        pixels.extend(pixels_of(file, model)?);
    }
    let stem = |file: &PathBuf| file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let input = transform.apply(shape, &pixels)?;
    Ok(Pictures { names: files.iter().map(stem).collect(), input, pixels, shape, labels: None })
}

fn of_set(set: &SyntheticSet, shape: ImageShape, model: &Transform, limit: usize) -> Result<Pictures, Error> {
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
) -> Result<Pictures, Error> {
    fits(&dataset.name, dataset.shape(), shape)?;
    let (images, labels) = (&dataset.test.images, &dataset.test.labels);
    let rows = in_turns(labels, dataset.classes(), limit);
    if rows.is_empty() {
        return Err(PicturesError::NoTest { dataset: dataset.name.clone() }.into());
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

fn fits(what: &str, found: ImageShape, wanted: ImageShape) -> Result<(), PicturesError> {
    let what = what.to_owned();
    if found == wanted { Ok(()) } else { Err(PicturesError::Shape { what, found, wanted }) }
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
