//! Import of the synthetic sets that MTT's public code and its descendants save: `images_best.pt` is `torch.save` of the
//! images, `labels_best.pt` of their labels, `lr_best.pt` (DATM) of the learned step size.
//!
//! None of them says how its pixels were prepared, so whoever imports has to.

use std::path::Path;

use pytorch_reader::{DType, PickleValue, PytorchReader};

use crate::error::StoreError;
use crate::torch_archive::{ROOT, Storages, damaged, refused, rooted};

const IMAGES_REMEDY: &str = "give the images_*.pt that distill.py saved: float32 of shape [n, c, h, w]";
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
    /// [`StoreError::Import`] when the file holds anything else than float32 of shape `[n, c, h, w]`;
    /// [`StoreError::File`] when it cannot be read.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let found = tensor(path, IMAGES_REMEDY)?;
        let shape = <[usize; 4]>::try_from(&found.shape[..]);
        match (found.values, shape) {
            (Numbers::Floats(pixels), Ok(shape)) => Ok(Self { pixels, shape }),
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
            (Numbers::Integers(classes), [_]) => {
                let indices = classes.into_iter().map(u32::try_from).collect::<Result<_, _>>();
                let negative =
                    |_| refused(path, "it has a label that is not a class index".to_owned(), LABELS_REMEDY);
                indices.map(Self::Classes).map_err(negative)
            }
            (Numbers::Floats(values), &[_, classes]) => Ok(Self::Rows { values, classes }),
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
    let values = match found.dtype() {
        DType::F32 => {
            Numbers::Floats(bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
        }
        DType::I64 => {
            Numbers::Integers(bytes.as_chunks::<8>().0.iter().map(|b| i64::from_le_bytes(*b)).collect())
        }
        other => return Err(refused(path, format!("its values are of type {other:?}"), remedy)),
    };
    Ok(Found { shape: found.shape().to_vec(), values })
}
