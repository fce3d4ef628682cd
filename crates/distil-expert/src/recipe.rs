use distil_augment::Strategy;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Gsam;

/// How experts are trained. The defaults are MTT's: plain SGD on cross-entropy with DSA.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Recipe {
    /// Number of experts (published: 100).
    pub experts: usize,
    /// Epochs of each; a trajectory has one snapshot more (published: 50 for MTT and FTD, 100 for DATM and EDF).
    pub epochs: usize,
    /// Step size of SGD (published: 0.01; no momentum, no weight decay).
    pub lr: f64,
    /// Images a step (published: 256). An epoch's last batch may be smaller.
    pub batch: usize,
    /// FTD's flatness-seeking step; plain SGD without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gsam: Option<Gsam>,
    /// Augmentation of every batch.
    pub augmentation: Strategy,
    /// The most images alive at a time, on each CPU thread; bounds memory and changes nothing but rounding.
    pub micro_batch: usize,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            experts: 100,
            epochs: 50,
            lr: 0.01,
            batch: 256,
            gsam: None,
            augmentation: Strategy::dsa(),
            micro_batch: 256,
        }
    }
}

/// A recipe that cannot be followed.
#[derive(Debug, Error, PartialEq)]
pub enum RecipeError {
    /// A count is zero.
    #[error("expert.{key} is 0; give at least 1")]
    Zero {
        /// The offending key.
        key: &'static str,
    },
    /// A number is out of its range.
    #[error("expert.{key} = {value} is out of range; give {range}")]
    Range {
        /// The offending key.
        key: &'static str,
        /// What it was set to.
        value: f64,
        /// The remedy.
        range: &'static str,
    },
}

impl Recipe {
    /// Refuses values that cannot work.
    ///
    /// # Errors
    /// [`RecipeError`] names the key and a value that works.
    pub fn check(&self) -> Result<(), RecipeError> {
        let counts = [
            ("experts", self.experts),
            ("epochs", self.epochs),
            ("batch", self.batch),
            ("micro_batch", self.micro_batch),
        ];
        if let Some(&(key, _)) = counts.iter().find(|(_, count)| *count == 0) {
            return Err(RecipeError::Zero { key });
        }
        let gsam = self.gsam.unwrap_or(Gsam { rho: 0.0, alpha: 0.0 });
        let numbers = [
            ("lr", self.lr, self.lr > 0.0, "a positive number such as 0.01"),
            ("gsam.rho", gsam.rho, gsam.rho >= 0.0, "0 or more, such as 0.01"),
            ("gsam.alpha", gsam.alpha, gsam.alpha >= 0.0, "0 or more, such as 0.3"),
        ];
        for (key, value, fits, range) in numbers {
            if !(value.is_finite() && fits) {
                return Err(RecipeError::Range { key, value, range });
            }
        }
        Ok(())
    }
}
