use distil_augment::Strategy;
use distil_store::SyntheticSet;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// How students are trained and how often. The defaults are the MTT lineage's: SGD with momentum for
/// epochs 0..=`epochs`, the step size × 0.1 and the momentum forgotten once, after epoch `epochs / 2 + 1`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Protocol {
    /// Number of students, each with its own initial weights, batches and augmentation (published: 5; DATM, EDF: 1).
    pub seeds: usize,
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
    /// Augmentation of every batch (published: DSA).
    pub augmentation: Strategy,
    /// The most images alive at a time, on each CPU thread; bounds memory and changes nothing but rounding.
    pub micro_batch: usize,
}

impl Default for Protocol {
    fn default() -> Self {
        Self {
            seeds: 5,
            validation_seeds: 1,
            epochs: 1000,
            full_epochs: 50,
            batch: 256,
            real_lr: 0.01,
            synthetic_lr: None,
            momentum: 0.9,
            weight_decay: 5e-4,
            augmentation: Strategy::dsa(),
            micro_batch: 256,
        }
    }
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
        /// What would do.
        range: &'static str,
    },
}

impl Protocol {
    /// The step size at which students train on `set`.
    pub fn lr_of(&self, set: &SyntheticSet) -> f64 {
        self.synthetic_lr.unwrap_or(f64::from(set.syn_lr))
    }

    /// Refuses values that cannot work.
    ///
    /// # Errors
    /// [`ProtocolError`] names the key and what would do.
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
        let synthetic_lr = self.synthetic_lr.unwrap_or(0.01);
        let numbers = [
            ("real_lr", self.real_lr, self.real_lr > 0.0, "a positive number such as 0.01"),
            ("synthetic_lr", synthetic_lr, synthetic_lr > 0.0, "a positive number such as 0.01"),
            ("momentum", self.momentum, (0.0..1.0).contains(&self.momentum), "0 or more and below 1"),
            ("weight_decay", self.weight_decay, self.weight_decay >= 0.0, "0 or more"),
        ];
        for (key, value, fits, range) in numbers {
            if !(value.is_finite() && fits) {
                return Err(ProtocolError::Range { key, value, range });
            }
        }
        Ok(())
    }
}
