//! Synthetic sets: the distilled images with all that an evaluator needs.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use distil_files::atomic;
use distil_files::container::{self, Container, Format, Tensor, Values};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::decoding::Decoding;
use crate::error::StoreError;
use crate::preprocessing::Preprocessing;

pub(crate) const SET: Format = Format {
    kind: "distil.synthetic.2",
    expected: "a synthetic set",
    origin: "give a set that `distil run` saved, or import one with `distil import`",
    remedy: "restore it from a copy or from an earlier file of the run's `synthetic` folder",
};
const REMEDY: &str = "correct the set before it is saved";

/// Whether labels are class indices or learned logits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LabelKind {
    /// One class index per image.
    Hard,
    /// One vector of logits per image; students train on its softmax.
    Soft,
}

/// What an evaluator must know about a synthetic set; stored inside the set's file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// Name of the real data set.
    pub dataset: String,
    /// Digest of the real data set's pixels and labels.
    pub dataset_digest: String,
    /// Names of the classes, by class index.
    pub class_names: Vec<String>,
    /// How pixels became network input; test images need the same.
    pub preprocessing: Preprocessing,
    /// How the stored images become those that students train on.
    #[serde(default)]
    pub decoding: Decoding,
    /// Kind of the labels; agrees with the set's.
    pub label_kind: LabelKind,
    /// Stored images per class; of an imported set with other numbers, their mean, rounded up.
    pub ipc: usize,
    /// The class each stored image was made for, `[n]`, where soft labels are not sorted by class with `ipc` of each, as
    /// those of other programs need not be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_classes: Option<Vec<u32>>,
    /// Augmentation strategy students train with, as `color_crop_cutout_flip_scale_rotate`; empty for none.
    pub augmentation: String,
    /// The network the set was distilled with.
    pub architecture: Value,
    /// Name of the distillation method.
    pub method: String,
    /// Outer iteration after which the set was saved.
    pub iteration: u64,
    /// Seed of the run.
    pub seed: u64,
    /// Version of distil that made the set.
    pub distil_version: String,
    /// The command line that made the set.
    pub command: String,
}

impl Card {
    /// For people to read.
    fn to_text(&self) -> String {
        serde_json::to_string_pretty(self).expect("a card is plain JSON") + "\n"
    }
}

/// Labels of a synthetic set of n images.
#[derive(Debug, Clone, PartialEq)]
pub enum Labels {
    /// Class indices, of shape `[n]`.
    Hard(Vec<u32>),
    /// Logits, `[n, classes]` row-major.
    Soft {
        /// The n·classes logits.
        logits: Vec<f32>,
        /// Number of classes.
        classes: usize,
    },
}

impl Labels {
    /// Whether these are class indices or logits.
    pub fn kind(&self) -> LabelKind {
        match self {
            Self::Hard(_) => LabelKind::Hard,
            Self::Soft { .. } => LabelKind::Soft,
        }
    }
}

/// A distilled training set.
#[derive(Debug, Clone, PartialEq)]
pub struct SyntheticSet {
    /// Pixels, `[n, c, h, w]` row-major, in the space of the network's input (normalised or whitened).
    pub images: Vec<f32>,
    /// `[n, c, h, w]`.
    pub shape: [usize; 4],
    /// One label per image.
    pub labels: Labels,
    /// Learned step size students train with; positive.
    pub syn_lr: f32,
    /// What an evaluator must know.
    pub card: Card,
}

impl SyntheticSet {
    /// Writes the set to `path` (one safetensors file: `images`, `labels` or `label_logits`, `syn_lr`, and the card in
    /// its metadata), and the card once more next to it for people, as [`SyntheticSet::card_path`].
    ///
    /// # Errors
    /// [`StoreError::Refused`] when the set is inconsistent: wrong sizes, pixels or logits that are not finite, a step
    /// size that is not positive, a label without class, an incomplete card. [`StoreError::File`] when a file cannot
    /// be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), StoreError> {
        let path = path.as_ref();
        if let Some(what) = self.fault() {
            return Err(StoreError::refused(path, what, REMEDY));
        }
        let step = [self.syn_lr];
        let labels = match &self.labels {
            Labels::Hard(labels) => Tensor {
                name: "labels",
                shape: vec![labels.len()],
                values: Values::I64(labels.iter().copied().map(i64::from).collect()),
            },
            Labels::Soft { logits, classes } => Tensor {
                name: "label_logits",
                shape: vec![self.shape[0], *classes],
                values: Values::F32(vec![logits]),
            },
        };
        let images =
            Tensor { name: "images", shape: self.shape.to_vec(), values: Values::F32(vec![&self.images]) };
        let syn_lr = Tensor { name: "syn_lr", shape: vec![1], values: Values::F32(vec![&step]) };
        container::write(path, &SET, &self.card, vec![images, labels, syn_lr])?;
        atomic::write(Self::card_path(path), self.card.to_text())?;
        Ok(())
    }

    /// Reads a set that [`SyntheticSet::save`] wrote. The card next to the file is not needed.
    ///
    /// # Errors
    /// [`StoreError::File`] for a safetensors file without a card, [`StoreError::File`] for one that is truncated,
    /// altered or inconsistent, [`StoreError::File`] when it cannot be read.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let bytes = container::read(path, &SET)?;
        Self::of(&Container::open(path, &SET, &bytes)?)
    }

    /// The set in a file whose checksum is right.
    pub(crate) fn of(file: &Container<'_>) -> Result<Self, StoreError> {
        let card: Card = file.card()?;
        let (shape, images) = file.f32("images")?;
        let shape = <[usize; 4]>::try_from(shape)
            .map_err(|_| file.damaged(format!("its images have shape {shape:?}, not [n, c, h, w]")))?;
        let (_, step) = file.f32("syn_lr")?;
        let &[syn_lr] = step else { return Err(file.damaged("its syn_lr is not one number").into()) };
        let labels = read_labels(file, card.label_kind)?;
        let set = Self { images: images.to_vec(), shape, labels, syn_lr, card };
        match set.fault() {
            Some(what) => Err(file.damaged(what).into()),
            None => Ok(set),
        }
    }

    /// Where [`SyntheticSet::save`] puts the readable copy of the card: `set.card.json` next to `set.safetensors`.
    pub fn card_path(path: impl AsRef<Path>) -> PathBuf {
        path.as_ref().with_extension("card.json")
    }

    /// The set with the images that students train on, whose decoding is [`Decoding::Pixels`]: what evaluation,
    /// inspection, galleries and exports read. Images per class remain those that are stored.
    pub fn decoded(&self) -> Cow<'_, Self> {
        let decoding = self.card.decoding;
        if decoding.images_per_stored() == 1 {
            return Cow::Borrowed(self);
        }
        let labels = match &self.labels {
            Labels::Hard(labels) => Labels::Hard(decoding.repeat(labels)),
            Labels::Soft { logits, classes } => {
                Labels::Soft { logits: decoding.repeat(logits), classes: *classes }
            }
        };
        Cow::Owned(Self {
            images: decoding.decode(self.shape, &self.images),
            shape: decoding.shape(self.shape),
            labels,
            syn_lr: self.syn_lr,
            card: Card {
                decoding: Decoding::Pixels,
                image_classes: self.card.image_classes.as_deref().map(|classes| decoding.repeat(classes)),
                ..self.card.clone()
            },
        })
    }

    /// As [`SyntheticSet::decoded`], without a copy where there is nothing to decode.
    #[must_use]
    pub fn into_decoded(self) -> Self {
        match self.decoded() {
            Cow::Owned(decoded) => decoded,
            Cow::Borrowed(_) => self,
        }
    }

    /// Number of classes, from the card.
    pub fn classes(&self) -> usize {
        self.card.class_names.len()
    }

    /// The class of each image, `[n]`: that of the highest logit where labels are soft, the first of equal ones.
    pub fn hard_labels(&self) -> Vec<u32> {
        match &self.labels {
            Labels::Hard(labels) => labels.clone(),
            Labels::Soft { logits, classes } => logits.chunks_exact(*classes).map(highest).collect(),
        }
    }

    /// The class each image was made for, `[n]`: [`SyntheticSet::known_classes`], and only where these are unknown that of
    /// the highest logit.
    pub fn image_classes(&self) -> Vec<u32> {
        self.known_classes().unwrap_or_else(|| self.hard_labels())
    }

    /// The class each image was made for, `[n]`, whatever a learned label has come to lean towards: hard labels, or
    /// those on the card, or, as the sets of distil are sorted by class (decoded ones tile by tile), the place. `None`
    /// where the card has none and the numbers do not fit.
    pub fn known_classes(&self) -> Option<Vec<u32>> {
        let (Labels::Soft { .. }, None) = (&self.labels, &self.card.image_classes) else {
            return Some(self.card.image_classes.clone().unwrap_or_else(|| self.hard_labels()));
        };
        let (images, ipc) = (self.shape[0], self.card.ipc);
        let sorted = self.classes().checked_mul(ipc).filter(|stored| images.is_multiple_of(*stored))?;
        Some((0..images).map(|row| (row % sorted / ipc) as u32).collect())
    }

    /// What makes this set unusable.
    fn fault(&self) -> Option<String> {
        let pixels = self.shape.iter().try_fold(1_usize, |product, size| product.checked_mul(*size));
        if pixels.is_none_or(|pixels| pixels == 0 || pixels != self.images.len()) {
            return Some(format!("it has {} pixels for images of shape {:?}", self.images.len(), self.shape));
        }
        if let Some(position) = self.images.iter().position(|pixel| !pixel.is_finite()) {
            let image = position / (self.images.len() / self.shape[0]);
            return Some(format!("image {image} has pixels that are not finite"));
        }
        if !(self.syn_lr.is_finite() && self.syn_lr > 0.0) {
            return Some(format!("its step size syn_lr is {}, which is not positive", self.syn_lr));
        }
        let decoding = self.card.decoding.fault([self.shape[2], self.shape[3]]);
        decoding.or_else(|| self.card_fault()).or_else(|| self.label_fault()).or_else(|| self.class_fault())
    }

    fn card_fault(&self) -> Option<String> {
        let card = &self.card;
        let missing = [
            ("dataset", card.dataset.is_empty()),
            ("class_names", card.class_names.is_empty()),
            ("architecture", card.architecture.is_null()),
            ("method", card.method.is_empty()),
            ("ipc", card.ipc == 0),
        ];
        missing.iter().find(|(_, empty)| *empty).map(|(field, _)| format!("its card has no {field}"))
    }

    fn label_fault(&self) -> Option<String> {
        let (images, classes) = (self.shape[0], self.classes());
        if self.labels.kind() != self.card.label_kind {
            return Some(format!("its labels are {:?}, its card says otherwise", self.labels.kind()));
        }
        match &self.labels {
            Labels::Hard(labels) if labels.len() != images => {
                Some(format!("it has {} labels for {images} images", labels.len()))
            }
            Labels::Hard(labels) => {
                let outside = labels.iter().find(|label| **label as usize >= classes)?;
                Some(format!("label {outside} has no class, there are {classes}"))
            }
            Labels::Soft { classes: width, .. } if *width != classes => {
                Some(format!("its labels have {width} classes, its card names {classes}"))
            }
            Labels::Soft { logits, .. } if Some(logits.len()) != images.checked_mul(classes) => {
                Some(format!("it has {} logits for {images} images of {classes} classes", logits.len()))
            }
            Labels::Soft { logits, .. } => logits
                .iter()
                .any(|logit| !logit.is_finite())
                .then(|| "its label logits are not all finite".to_owned()),
        }
    }

    fn class_fault(&self) -> Option<String> {
        let (images, classes) = (self.shape[0], self.classes());
        match self.card.image_classes.as_deref()? {
            _ if self.labels.kind() == LabelKind::Hard => {
                Some("its card has classes of images, which are its hard labels".to_owned())
            }
            listed if listed.len() != images => {
                Some(format!("its card has the classes of {} images, not of {images}", listed.len()))
            }
            listed => {
                let outside = listed.iter().find(|class| **class as usize >= classes)?;
                Some(format!("an image is of class {outside}, and there are {classes}"))
            }
        }
    }
}

fn highest(logits: &[f32]) -> u32 {
    let better = |best: usize, at: usize| if logits[at] > logits[best] { at } else { best };
    (0..logits.len()).reduce(better).unwrap_or(0) as u32
}

fn read_labels(file: &Container<'_>, kind: LabelKind) -> Result<Labels, StoreError> {
    match kind {
        LabelKind::Hard => {
            let (_, values) = file.i64("labels")?;
            let labels = values.into_iter().map(u32::try_from).collect::<Result<_, _>>();
            labels
                .map(Labels::Hard)
                .map_err(|_| file.damaged("it has a label that is not a class index").into())
        }
        LabelKind::Soft => {
            let (shape, logits) = file.f32("label_logits")?;
            let &[_, classes] = shape else {
                let what = format!("its logits have shape {shape:?}, not [n, classes]");
                return Err(file.damaged(what).into());
            };
            Ok(Labels::Soft { logits: logits.to_vec(), classes })
        }
    }
}
