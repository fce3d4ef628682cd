use distil_augment::Strategy;
use distil_store::LabelKind;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Apply, AreaEnhancement, CommonPatternDropout, Init, Range, Window, switch};

/// A distillation method as a value: what is learned, how it starts, what is matched, when a step counts.
///
/// MTT, FTD, DATM, M-DATM and EDF are such values (see [`Method::mtt`] and its siblings); one loop runs them all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Method {
    /// Synthetic images per class.
    pub ipc: usize,
    /// Outer iterations (published: 5000 for MTT, 10000 for DATM).
    pub iterations: u64,
    /// Inner SGD steps N of a student (published: 10–100).
    pub syn_steps: usize,
    /// Epochs M that the expert is ahead of the student's start (published: 2 or 3).
    pub expert_epochs: usize,
    /// From which expert epochs a student may start.
    pub window: Window,
    /// Whether the window stands as it is or the experts choose it.
    #[serde(default)]
    pub range: Range,
    /// Images of one inner step; without it, all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_syn: Option<usize>,
    /// Step size of SGD on the images.
    pub image_lr: f64,
    /// Momentum on the images (published: 0.5).
    pub image_momentum: f64,
    /// Step size of SGD on the label logits; unused with hard labels.
    pub label_lr: f64,
    /// Momentum on the label logits (published: 0.9).
    pub label_momentum: f64,
    /// Initial inner step size (published: 0.01 or 0.001).
    pub syn_lr: f64,
    /// Step size of the inner step size's own update.
    pub syn_lr_lr: f64,
    /// Momentum of that update (published: 0.5).
    pub syn_lr_momentum: f64,
    /// What the images start as.
    pub init: Init,
    /// Class indices, or learned logits.
    pub labels: LabelKind,
    /// Largest matching loss at which a step is taken; `inf` takes every finite one (MTT).
    pub loss_gate: f64,
    /// Decay of an exponential moving average of the images, evaluated beside them (FTD); 0 keeps none.
    pub ema: f64,
    /// Common-pattern dropout (EDF), or `"off"`.
    #[serde(default, with = "switch")]
    pub dropout: Option<CommonPatternDropout>,
    /// Discriminative-area enhancement (EDF), or `"off"`.
    #[serde(default, with = "switch")]
    pub enhancement: Option<AreaEnhancement>,
    /// How the loss is differentiated through the inner steps.
    pub gradient: Gradient,
    /// Augmentation of every inner step.
    pub augmentation: Strategy,
    /// Iterations between validations, each of which trains a student (published: 100–1000).
    pub validate_every: u64,
    /// Iterations between entries of the log that only describe: how many scalars of each layer dropout drops.
    pub log_every: u64,
    /// Iterations between checkpoints: what a crash can cost.
    pub checkpoint_every: u64,
    /// The most images alive at a time, on each CPU thread; bounds memory and changes nothing but rounding.
    pub micro_batch: usize,
}

/// Exact, or truncated as TESLA does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gradient {
    /// The exact hypergradient.
    Exact,
    /// TESLA's truncation, which drops every Hessian; biased for N > 1.
    Tesla,
}

/// A method that cannot run.
#[derive(Debug, Error, PartialEq)]
pub enum MethodError {
    /// A count is zero.
    #[error("distill.{key} is 0; give at least 1")]
    Zero {
        /// The offending key.
        key: &'static str,
    },
    /// A number is out of its range.
    #[error("distill.{key} = {value} is out of range; give {range}")]
    Range {
        /// The offending key.
        key: &'static str,
        /// What it was set to.
        value: f64,
        /// What would do.
        range: &'static str,
    },
    /// The window holds no epoch.
    #[error("distill.window allows no start epoch: max = {max} must be above min = {min}")]
    EmptyWindow {
        /// First start epoch.
        min: usize,
        /// Bound of the start epochs.
        max: usize,
    },
    /// The experts are too short.
    #[error(
        "distill.window.max = {max} with distill.expert_epochs = {ahead} needs experts of {needed} epochs, but they have {epochs}; lower it or raise expert.epochs"
    )]
    ShortExperts {
        /// Bound of the start epochs.
        max: usize,
        /// Epochs the target is ahead.
        ahead: usize,
        /// Epochs needed.
        needed: usize,
        /// Epochs there are.
        epochs: usize,
    },
}

impl Method {
    /// MTT (Cazenavette et al. 2022), with its settings for CIFAR-10 at one image a class.
    pub fn mtt() -> Self {
        Self {
            ipc: 1,
            iterations: 5000,
            syn_steps: 50,
            expert_epochs: 2,
            window: Window { min: 0, max: 2, initial_max: None, expand_until: 0 },
            range: Range::Fixed,
            batch_syn: None,
            image_lr: 100.0,
            image_momentum: 0.5,
            label_lr: 0.0,
            label_momentum: 0.9,
            syn_lr: 0.01,
            syn_lr_lr: 1e-7,
            syn_lr_momentum: 0.5,
            init: Init::Real,
            labels: LabelKind::Hard,
            loss_gate: f64::INFINITY,
            ema: 0.0,
            dropout: None,
            enhancement: None,
            gradient: Gradient::Exact,
            augmentation: Strategy::dsa(),
            validate_every: 500,
            log_every: 100,
            checkpoint_every: 50,
            micro_batch: 256,
        }
    }

    /// FTD (Du et al. 2023): MTT on flat experts, with an EMA of the images.
    pub fn ftd() -> Self {
        Self { ema: 0.9999, ..Self::mtt() }
    }

    /// DATM (Guo et al. 2024): correctly classified initial images, soft labels, a widening window
    /// and a loss gate; settings for CIFAR-10 at one image a class.
    pub fn datm() -> Self {
        Self {
            iterations: 10_000,
            syn_steps: 80,
            window: Window { min: 0, max: 4, initial_max: None, expand_until: 0 },
            init: Init::Correct,
            labels: LabelKind::Soft,
            label_lr: 5.0,
            loss_gate: 1.1,
            ..Self::mtt()
        }
    }

    /// M-DATM (Zhou et al. 2024): DATM with hard labels and its own range. The published range is not
    /// known; this is DATM's for CIFAR-100 at ten images a class, the nearest there is.
    pub fn m_datm() -> Self {
        Self {
            ipc: 10,
            labels: LabelKind::Hard,
            label_lr: 0.0,
            image_lr: 1000.0,
            syn_lr_lr: 1e-5,
            window: Window { min: 0, max: 50, initial_max: Some(30), expand_until: 2000 },
            loss_gate: 1.0,
            ..Self::datm()
        }
    }

    /// EDF (Wang et al. 2025): DATM with common-pattern dropout and discriminative-area enhancement; settings
    /// for ImageNette at ten images a class. Without the two, this is DATM to the last bit.
    ///
    /// Paper and public code agree on all of these; the paper does not print the window, the gate, `syn_lr` and
    /// its own step size, which are the public code's. Both name a `batch_syn` above the number of images, which
    /// means all of them.
    pub fn edf() -> Self {
        Self {
            ipc: 10,
            syn_steps: 40,
            window: Window { min: 0, max: 20, initial_max: Some(10), expand_until: 1000 },
            image_lr: 1000.0,
            label_lr: 2.0,
            syn_lr_lr: 1e-5,
            loss_gate: 1.5,
            dropout: Some(CommonPatternDropout::default()),
            enhancement: Some(AreaEnhancement::default()),
            ..Self::datm()
        }
    }

    /// Momentum of the update of the images.
    pub(crate) fn momentum_of_images(&self) -> f64 {
        match &self.enhancement {
            Some(enhancement) if enhancement.apply == Apply::PlainUpdate => 0.0,
            _ => self.image_momentum,
        }
    }

    /// Refuses values that cannot work with experts of `epochs` epochs.
    ///
    /// # Errors
    /// [`MethodError`] names the key and what would do.
    pub fn check(&self, epochs: usize) -> Result<(), MethodError> {
        self.check_counts()?;
        self.check_ranges()?;
        if self.range == Range::Auto {
            return self.check_epochs(1, epochs);
        }
        let Window { min, max, initial_max, .. } = self.window;
        if initial_max.unwrap_or(max).min(max) <= min {
            return Err(MethodError::EmptyWindow { min, max: initial_max.unwrap_or(max).min(max) });
        }
        self.check_epochs(max, epochs)
    }

    fn check_epochs(&self, max: usize, epochs: usize) -> Result<(), MethodError> {
        let needed = max - 1 + self.expert_epochs;
        if needed > epochs {
            return Err(MethodError::ShortExperts { max, ahead: self.expert_epochs, needed, epochs });
        }
        Ok(())
    }

    fn check_counts(&self) -> Result<(), MethodError> {
        let counts = [
            ("ipc", self.ipc as u64),
            ("iterations", self.iterations),
            ("syn_steps", self.syn_steps as u64),
            ("expert_epochs", self.expert_epochs as u64),
            ("batch_syn", self.batch_syn.unwrap_or(1) as u64),
            ("validate_every", self.validate_every),
            ("log_every", self.log_every),
            ("enhancement.refresh_every", self.enhancement.as_ref().map_or(1, |e| e.refresh_every)),
            ("checkpoint_every", self.checkpoint_every),
            ("micro_batch", self.micro_batch as u64),
        ];
        match counts.iter().find(|(_, count)| *count == 0) {
            Some(&(key, _)) => Err(MethodError::Zero { key }),
            None => Ok(()),
        }
    }

    fn check_ranges(&self) -> Result<(), MethodError> {
        let momentum = "0 or more and below 1";
        let within = |m: f64| (0.0..1.0).contains(&m);
        let rate = |r: f64| r.is_finite() && r >= 0.0;
        let ratio = self.dropout.map_or(0.0, |d| d.ratio);
        let numbers = [
            ("image_lr", self.image_lr, rate(self.image_lr), "0 or more"),
            ("label_lr", self.label_lr, rate(self.label_lr), "0 or more"),
            ("syn_lr_lr", self.syn_lr_lr, rate(self.syn_lr_lr), "0 or more"),
            ("syn_lr", self.syn_lr, rate(self.syn_lr) && self.syn_lr > 0.0, "a positive number such as 0.01"),
            ("image_momentum", self.image_momentum, within(self.image_momentum), momentum),
            ("label_momentum", self.label_momentum, within(self.label_momentum), momentum),
            ("syn_lr_momentum", self.syn_lr_momentum, within(self.syn_lr_momentum), momentum),
            ("syn_steps", self.syn_steps as f64, self.syn_steps <= 1_000_000, "at most 1000000"),
            ("ema", self.ema, within(self.ema), "0 (none) or a decay below 1 such as 0.999"),
            ("loss_gate", self.loss_gate, self.loss_gate > 0.0, "a positive loss, or inf"),
            ("dropout.ratio", ratio, within(ratio), "0 or more and below 1"),
        ];
        let wrong = numbers.into_iter().find(|(_, _, fits, _)| !fits);
        let wrong = wrong.map(|(key, value, _, range)| (key, value, range));
        match wrong.or_else(|| self.enhancement.as_ref()?.fault()) {
            Some((key, value, range)) => Err(MethodError::Range { key, value, range }),
            None => Ok(()),
        }
    }
}
