//! Import of the synthetic sets that MTT's public code and its descendants save: `images_best.pt` is `torch.save` of the
//! images, `labels_best.pt` of their labels, `lr_best.pt` (DATM) of the learned step size.
//!
//! None of them says how its pixels were prepared, so whoever imports has to.

use std::path::Path;

use pytorch_reader::{PickleValue, PytorchReader};

use crate::error::StoreError;
use crate::numbers::{floats, integers};
use crate::torch_archive::{ROOT, Storages, damaged, refused, rooted};

const IMAGES_REMEDY: &str = "give the images_*.pt that distill.py saved: floats of shape [n, c, h, w]";
const LABELS_REMEDY: &str = "give the labels_*.pt that distill.py saved next to the images: class indices of shape [n], or rows of floats of \
     shape [n, classes]";
const STEP_REMEDY: &str =
    "give the lr_*.pt that distill.py saved next to the images, or the number itself (--syn-lr 0.01)";

/// Images as they are in a public file, in the space of the network's input.
#[derive(Debug, Clone, PartialEq)]
pub struct PublicImages {
    /// Pixels, row-major like `shape`.
    pub pixels: Vec<f32>,
    /// `[n, c, h, w]`.
    pub shape: [usize; 4],
}

/// Labels as they are in a public file.
#[derive(Debug, Clone, PartialEq)]
pub enum PublicLabels {
    /// Class indices, of shape `[n]`.
    Classes(Vec<u32>),
    /// Logits or probabilities, `[n, classes]` row-major; the file does not say which.
    Rows {
        /// The n·classes values.
        values: Vec<f32>,
        /// Number of classes.
        classes: usize,
    },
}

impl PublicImages {
    /// Reads `images_*.pt`.
    ///
    /// # Errors
    /// [`StoreError::Import`] when the file holds anything else than floats of shape `[n, c, h, w]`;
    /// [`StoreError::File`] when it cannot be read.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let found = tensor(path, IMAGES_REMEDY)?;
        let shape = <[usize; 4]>::try_from(&found.shape[..]);
        match (found.values, shape) {
            (Numbers::Floats(pixels), Ok(shape)) => Ok(Self { pixels, shape }),
            (Numbers::Integers(_), Ok(_)) => {
                Err(refused(path, "its pixels are integers".to_owned(), IMAGES_REMEDY))
            }
            _ => Err(refused(path, format!("it holds a tensor of shape {:?}", found.shape), IMAGES_REMEDY)),
        }
    }
}

impl PublicLabels {
    /// Reads `labels_*.pt`.
    ///
    /// # Errors
    /// [`StoreError::Import`] when the file holds neither class indices nor rows of floats; [`StoreError::File`] when
    /// it cannot be read.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let found = tensor(path, LABELS_REMEDY)?;
        match (found.values, &found.shape[..]) {
            (Numbers::Integers(classes), [_] | [_, 1]) => {
                let indices = classes.into_iter().map(u32::try_from).collect::<Result<_, _>>();
                let negative =
                    |_| refused(path, "it has a label that is not a class index".to_owned(), LABELS_REMEDY);
                indices.map(Self::Classes).map_err(negative)
            }
            (Numbers::Floats(values), &[_, classes]) => Ok(Self::Rows { values, classes }),
            (Numbers::Integers(values), &[_, classes]) => {
                one_hot(&values, classes).map(Self::Classes).ok_or_else(|| {
                    refused(path, "it has rows of integers that are not one-hot".to_owned(), LABELS_REMEDY)
                })
            }
            _ => Err(refused(path, format!("it holds a tensor of shape {:?}", found.shape), LABELS_REMEDY)),
        }
    }

    /// Whether every row could be probabilities: none negative, each summing to 1.
    pub fn look_like_probabilities(&self) -> bool {
        let Self::Rows { values, classes } = self else { return false };
        let sums_to_one = |row: &[f32]| (row.iter().sum::<f32>() - 1.0).abs() < 1e-3;
        values.iter().all(|value| *value >= 0.0) && values.chunks(*classes).all(sums_to_one)
    }
}

/// Reads the step size in `lr_*.pt`: a number, or a tensor of one.
///
/// # Errors
/// [`StoreError::Import`] when the file holds anything else; [`StoreError::File`] when it cannot be read.
pub fn read_public_step(path: impl AsRef<Path>) -> Result<f32, StoreError> {
    let path = path.as_ref();
    let copy = rooted(path, &std::env::temp_dir(), Storages::Copied)?;
    match PytorchReader::read_pickle_data(copy.path(), Some(ROOT)).map_err(|error| damaged(path, error))? {
        PickleValue::Float(step) => Ok(step as f32),
        PickleValue::Unsupported(_) => match tensor(path, STEP_REMEDY)?.values {
            Numbers::Floats(values) if values.len() == 1 => Ok(values[0]),
            _ => Err(refused(path, "it holds more than one number".to_owned(), STEP_REMEDY)),
        },
        _ => Err(refused(path, "it holds no number".to_owned(), STEP_REMEDY)),
    }
}

/// The classes of rows that have a 1 at the place of theirs and 0 elsewhere.
fn one_hot(rows: &[i64], classes: usize) -> Option<Vec<u32>> {
    let class = |row: &[i64]| {
        let hot = row.iter().position(|value| *value == 1)?;
        (row.iter().filter(|value| **value != 0).count() == 1).then_some(hot as u32)
    };
    rows.chunks_exact(classes.max(1)).map(class).collect()
}

/// The one tensor of a file.
struct Found {
    shape: Vec<usize>,
    values: Numbers,
}

enum Numbers {
    Floats(Vec<f32>),
    Integers(Vec<i64>),
}

fn tensor(path: &Path, remedy: &'static str) -> Result<Found, StoreError> {
    let copy = rooted(path, &std::env::temp_dir(), Storages::Copied)?;
    let reader = PytorchReader::new(copy.path()).map_err(|error| damaged(path, error))?;
    let found = reader.get(ROOT).ok_or_else(|| refused(path, "it is not one tensor".to_owned(), remedy))?;
    let bytes = found.read().map_err(|error| damaged(path, error))?;
    let kind = found.dtype();
    let integer = || integers(kind, &bytes).map(Numbers::Integers);
    let values = floats(kind, &bytes).map(Numbers::Floats).or_else(integer);
    let values = values
        .ok_or_else(|| refused(path, format!("its values, of type {kind:?}, are too large"), remedy))?;
    Ok(Found { shape: found.shape().to_vec(), values })
}
