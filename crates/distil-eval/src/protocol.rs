use std::path::PathBuf;

use distil_augment::Strategy;
use distil_models::{Arch, NetworkConfig};
use distil_store::SyntheticSet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Decayed, Distillation, Input, LabelUse, Optimiser, ProtocolName, Schedule};

/// How students are trained and how often. The defaults are the MTT lineage's: SGD with momentum for
/// epochs 0..=`epochs`, the step size × 0.1 and the momentum forgotten once, after epoch `epochs / 2 + 1`.
/// [`Protocol::named`] has the others of the literature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Protocol {
    /// The named protocol that these values started from; the values alone decide what is done.
    pub protocol: ProtocolName,
    /// Number of students, each with its own initial weights, batches and augmentation (published: 5; DATM, EDF: 1).
    pub seeds: usize,
    /// Number of students trained on all training data, which takes long; 0 leaves that row out. Otherwise as many as on sets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full_seeds: Option<usize>,
    /// Number of students of each validation during a run; more make the choice of a checkpoint less noisy.
    pub validation_seeds: usize,
    /// Index of the last epoch on a synthetic set or on random real images (published: 1000).
    pub epochs: usize,
    /// Index of the last epoch on the full training data, which needs far fewer.
    pub full_epochs: usize,
    /// Images a step (published: 256; DATM and EDF: 128).
    pub batch: usize,
    /// Step size on real images, which carry no learned one (published: 0.01).
    pub real_lr: f64,
    /// Step size on synthetic sets; without it, the one that each set learned (published: learned; the ECCV 2024
    /// challenge: 0.01).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub synthetic_lr: Option<f64>,
    /// Momentum (published: 0.9).
    pub momentum: f64,
    /// Weight decay (published: 0.0005).
    pub weight_decay: f64,
    /// Which parameters it is for (published: all; RDED's and SRe2L's on `ImageNet`: tensors of more than one dimension).
    pub decayed: Decayed,
    /// Augmentation of every batch (published: DSA).
    pub augmentation: Strategy,
    /// Before that, a change of its own for each image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_image: Option<PerImage>,
    /// The most images alive at a time, on each CPU thread; bounds memory and changes nothing but rounding.
    pub micro_batch: usize,
    /// What moves the parameters (published: SGD; with a teacher AdamW).
    pub optimiser: Optimiser,
    /// How the step size changes (published: one step down; with a teacher a cosine).
    pub schedule: Schedule,
    /// Which labels of a synthetic set are learned.
    pub labels: LabelUse,
    /// What network input is.
    pub input: Input,
    /// Blocks of the students' ConvNet, where the protocol says so; otherwise `model.depth`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depth: Option<usize>,
    /// Before any other augmentation, a random part of each image, of at least this share of its area, stretched over all of
    /// it, and mirrored every other time (`RandomResizedCrop`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resized_crop: Option<f64>,
    /// Before that, the strips of rows and of columns of each synthetic image in random order: as many as it has tiles a side, for
    /// sets of tiled images (RDED: 2 on subsets of ImageNet, none at 32 and 64 pixels). Real images stay whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shuffle_patches: Option<usize>,
    /// Chance that a batch is mixed by `CutMix`, images and labels, before it is learned (published: none; IDC: 0.5). With a teacher,
    /// `distillation.mix` says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cutmix: Option<f64>,
    /// Learning from a teacher instead of labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distillation: Option<Distillation>,
    /// The teacher's file: a model of `distil train`, or weights of torchvision's `resnet18` or EfficientNet-Lite.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub teacher: Option<PathBuf>,
}

impl Default for Protocol {
    fn default() -> Self {
        Self {
            protocol: ProtocolName::Mtt,
            seeds: 5,
            full_seeds: None,
            validation_seeds: 1,
            epochs: 1000,
            full_epochs: 50,
            batch: 256,
            real_lr: 0.01,
            synthetic_lr: None,
            momentum: 0.9,
            weight_decay: 5e-4,
            decayed: Decayed::All,
            augmentation: Strategy::dsa(),
            per_image: None,
            micro_batch: 256,
            optimiser: Optimiser::Sgd,
            schedule: Schedule::Step,
            labels: LabelUse::Given,
            input: Input::Distilled,
            depth: None,
            resized_crop: None,
            shuffle_patches: None,
            cutmix: None,
            distillation: None,
            teacher: None,
        }
    }
}

/// What each image of a batch goes through for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PerImage {
    /// One of crop, scale and rotation by up to 45°, drawn for each image: DC's evaluation on MNIST.
    CropScaleRotate,
}

/// A protocol that cannot be followed.
#[derive(Debug, Error, PartialEq)]
pub enum ProtocolError {
    /// A count is zero.
    #[error("eval.{key} is 0; give at least 1")]
    Zero {
        /// The offending key.
        key: &'static str,
    },
    /// A number is out of its range.
    #[error("eval.{key} = {value} is out of range; give {range}")]
    Range {
        /// The offending key.
        key: &'static str,
        /// What it was set to.
        value: f64,
        /// The remedy.
        range: &'static str,
    },
    /// A teacher is named, but nothing is learned from it.
    #[error("eval.teacher is given, but this protocol has no teacher; choose one that has, such as rded-kd")]
    NoTeacher,
}

impl Protocol {
    /// With so many epochs of each student.
    #[must_use]
    pub fn epochs(self, epochs: usize) -> Self {
        Self { epochs, ..self }
    }

    /// With so many students.
    #[must_use]
    pub fn seeds(self, seeds: usize) -> Self {
        Self { seeds, ..self }
    }

    /// Number of students on all training data.
    pub fn seeds_on_full(&self) -> usize {
        self.full_seeds.unwrap_or(self.seeds)
    }

    /// The step size at which students train on `set`.
    pub fn lr_of(&self, set: &SyntheticSet) -> f64 {
        self.synthetic_lr.unwrap_or(f64::from(set.syn_lr))
    }

    /// The students' network: that of the experts, a ConvNet with the protocol's depth.
    pub fn network(&self, experts: &NetworkConfig) -> NetworkConfig {
        let depth = if experts.arch == Arch::ConvNet { self.depth } else { None };
        NetworkConfig { depth: depth.or(experts.depth), ..experts.clone() }
    }

    /// The same, learning from labels only: for networks that are taught nothing, such as a teacher.
    #[must_use]
    pub fn without_teacher(&self) -> Self {
        Self { distillation: None, teacher: None, ..self.clone() }
    }

    /// Refuses values that cannot work.
    ///
    /// # Errors
    /// [`ProtocolError`] names the key and a value that works.
    pub fn check(&self) -> Result<(), ProtocolError> {
        let counts = [
            ("seeds", self.seeds),
            ("validation_seeds", self.validation_seeds),
            ("batch", self.batch),
            ("micro_batch", self.micro_batch),
        ];
        if let Some(&(key, _)) = counts.iter().find(|(_, count)| *count == 0) {
            return Err(ProtocolError::Zero { key });
        }
        if self.depth == Some(0) {
            return Err(ProtocolError::Zero { key: "depth" });
        }
        if self.shuffle_patches == Some(0) {
            return Err(ProtocolError::Zero { key: "shuffle_patches" });
        }
        if self.teacher.is_some() && self.distillation.is_none() {
            return Err(ProtocolError::NoTeacher);
        }
        let synthetic_lr = self.synthetic_lr.unwrap_or(0.01);
        let Distillation { temperature, mix_alpha, .. } = self.distillation.unwrap_or_default();
        let crop = self.resized_crop.unwrap_or(1.0);
        let cutmix = self.cutmix.unwrap_or(1.0);
        let numbers = [
            ("real_lr", self.real_lr, self.real_lr > 0.0, "a positive number such as 0.01"),
            ("synthetic_lr", synthetic_lr, synthetic_lr > 0.0, "a positive number such as 0.01"),
            ("momentum", self.momentum, (0.0..1.0).contains(&self.momentum), "0 or more and below 1"),
            ("weight_decay", self.weight_decay, self.weight_decay >= 0.0, "0 or more"),
            ("cutmix", cutmix, (0.0..=1.0).contains(&cutmix), "a chance from 0 to 1"),
            ("resized_crop", crop, crop > 0.0 && crop <= 1.0, "a share above 0, at most 1"),
            ("distillation.temperature", temperature, temperature > 0.0, "a positive number such as 20"),
            ("distillation.mix_alpha", mix_alpha, mix_alpha > 0.0 && mix_alpha <= 4.0, "above 0, at most 4"),
        ];
        for (key, value, fits, range) in numbers {
            if !(value.is_finite() && fits) {
                return Err(ProtocolError::Range { key, value, range });
            }
        }
        Ok(())
    }
}
