//! A dataset in memory: three labelled parts and what was done to their pixels.

use distil_files::hex;
use sha2::{Digest, Sha256};

use distil_store::{Normalisation, Preprocessing};

use crate::{
    error::Error,
    images::{ImageShape, Images},
    preprocessing::Transform,
};

/// One labelled part of a dataset.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// `n` images.
    pub images: Images,
    /// `[n]` class indices.
    pub labels: Vec<u32>,
}

impl Split {
    /// A part from images and their labels.
    ///
    /// # Errors
    /// [`Error::Count`] when there is not one label per image.
    pub fn new(images: Images, labels: Vec<u32>) -> Result<Self, Error> {
        if labels.len() != images.len() {
            let (found, expected) = (labels.len(), images.len());
            return Err(Error::Count { what: "labels, one per image".to_owned(), found, expected });
        }
        Ok(Self { images, labels })
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Rows of the images of one class, ascending.
    pub fn rows_of_class(&self, class: u32) -> Vec<usize> {
        (0..self.len()).filter(|&row| self.labels[row] == class).collect()
    }

    /// The images and labels at `rows`, in that order.
    ///
    /// # Panics
    /// When a row is not below [`Split::len`].
    #[must_use]
    pub fn subset(&self, rows: &[usize]) -> Self {
        let labels = rows.iter().map(|&row| self.labels[row]).collect();
        Self { images: self.images.subset(rows), labels }
    }

    /// Labels of the images at `rows`.
    ///
    /// # Panics
    /// When a row is not below [`Split::len`].
    pub fn gather_labels(&self, rows: &[usize]) -> Vec<u32> {
        rows.iter().map(|&row| self.labels[row]).collect()
    }

    /// Images of each of `classes` classes.
    pub fn class_counts(&self, classes: usize) -> Vec<usize> {
        count_classes(&self.labels, classes)
    }
}

pub(crate) fn count_classes(labels: &[u32], classes: usize) -> Vec<usize> {
    let mut counts = vec![0; classes];
    for &label in labels {
        if let Some(count) = counts.get_mut(label as usize) {
            *count += 1;
        }
    }
    counts
}

/// A classification dataset in memory, preprocessed.
///
/// `validation` was held out of the published training images; `test` is the published test part, untouched.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// Name ("cifar10", "clutter-easy", a folder's name…).
    pub name: String,
    /// `[k]` names of the classes.
    pub class_names: Vec<String>,
    /// What experts and synthetic sets learn from.
    pub train: Split,
    /// What checkpoints and hyper-parameters are chosen on.
    pub validation: Split,
    /// What results are reported on; nothing is fitted to it.
    pub test: Split,
    /// What was done to the pixels, and how to undo it.
    pub transform: Transform,
    /// SHA-256 over shape, class names, preprocessing, pixels and labels of all three parts, in hex.
    pub digest: String,
}

impl Dataset {
    /// Puts a dataset together from unnormalised bytes, normalises it with mean and std or leaves it in `[0, 1]`.
    /// (ZCA is fitted by [`crate::DataConfig::load`].)
    ///
    /// # Errors
    /// [`Error::Count`] when the parts differ in shape, a label is not below the number of classes, the part holds
    /// no bytes, or the normalisation does not fit the channels.
    pub fn from_parts(
        name: impl Into<String>,
        class_names: Vec<String>,
        [train, validation, test]: [Split; 3],
        preprocessing: Preprocessing,
    ) -> Result<Self, Error> {
        let digest = digest(&class_names, [&train, &validation, &test], &preprocessing);
        let transform = Transform::from(preprocessing);
        let mut dataset = Self { name: name.into(), class_names, train, validation, test, transform, digest };
        dataset.check()?;
        if let Normalisation::MeanStd { mean, std } = &dataset.transform.preprocessing().normalisation {
            for split in [&mut dataset.train, &mut dataset.validation, &mut dataset.test] {
                let empty = Images::from_u8(split.images.shape(), Vec::new())?;
                split.images = std::mem::replace(&mut split.images, empty).with_mean_std(mean, std)?;
            }
        }
        Ok(dataset)
    }

    fn check(&self) -> Result<(), Error> {
        for (part, split) in self.parts() {
            let count = |what: &str, found, expected| {
                Err(Error::Count {
                    what: format!("{}: {what} of the {part} part", self.name),
                    found,
                    expected,
                })
            };
            if split.images.shape() != self.shape() {
                return count("values of an image", split.images.shape().len(), self.shape().len());
            }
            if split.images.len() != split.len() {
                return count("labels", split.len(), split.images.len());
            }
            if let Some(&label) = split.labels.iter().find(|&&label| label as usize >= self.class_names.len())
            {
                return count("classes", self.class_names.len(), label as usize + 1);
            }
        }
        Ok(())
    }

    /// What was done to the pixels, as cards record it.
    pub fn preprocessing(&self) -> &Preprocessing {
        self.transform.preprocessing()
    }

    /// Shape of every image.
    pub fn shape(&self) -> ImageShape {
        self.train.images.shape()
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.class_names.len()
    }

    /// The three parts with their names.
    pub fn parts(&self) -> [(&'static str, &Split); 3] {
        [("train", &self.train), ("validation", &self.validation), ("test", &self.test)]
    }
}

/// Every field is preceded by its length, so that no two different sets feed the hash the same bytes.
fn digest(class_names: &[String], splits: [&Split; 3], preprocessing: &Preprocessing) -> String {
    let mut hash = Sha256::new();
    let mut feed = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    feed(b"distil dataset 1");
    feed(&(class_names.len() as u64).to_le_bytes());
    for name in class_names {
        feed(name.as_bytes());
    }
    let card = serde_json::to_string(preprocessing).expect("plain numbers and strings are always JSON");
    feed(card.as_bytes());
    for split in splits {
        feed(split.images.shape().to_string().as_bytes());
        match split.images.bytes() {
            Some(bytes) => feed(bytes),
            None => feed(&float_bytes(&split.images)),
        }
        feed(&split.labels.iter().flat_map(|label| label.to_le_bytes()).collect::<Vec<_>>());
    }
    hex(&hash.finalize())
}

fn float_bytes(images: &Images) -> Vec<u8> {
    let rows: Vec<usize> = (0..images.len()).collect();
    images.gather(&rows).iter().flat_map(|value| value.to_le_bytes()).collect()
}
