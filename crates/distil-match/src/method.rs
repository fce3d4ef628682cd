use distil_augment::Strategy;
use distil_store::{Decoding, LabelKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    AnyObjective, AreaEnhancement, Init, Ipc, Objective, Small, SoftLabels, StepStatus, TrajectoryMatching,
};

/// A distillation method as a value: what is learned, how it starts, what moves it, when a step counts.
///
/// What is the same for all methods stands here; what is a method's own is its [`Objective`]. In a configuration both
/// lie in one table, `[distill]`, which [`MethodRow::read`](crate::MethodRow::read) reads: only a method's row knows which
/// keys are its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Method {
    /// Synthetic images per class: a number, a list with one for each class, or "proportional".
    pub ipc: Ipc,
    /// Outer iterations (published: 5000 for MTT, 10000 for DATM); 0 keeps the initial set (selection).
    pub iterations: u64,
    /// Step size of SGD on the images.
    pub image_lr: f64,
    /// Momentum on the images (published: 0.5).
    pub image_momentum: f64,
    /// Step size of SGD on the label logits; unused with hard labels.
    pub label_lr: f64,
    /// Momentum on the label logits (published: 0.9).
    pub label_momentum: f64,
    /// Initial inner step size (published: 0.01 or 0.001), which students of the set start from.
    pub syn_lr: f64,
    /// Step size of the inner step size's own update.
    pub syn_lr_lr: f64,
    /// Momentum of that update (published: 0.5).
    pub syn_lr_momentum: f64,
    /// How stored images become those that networks see: themselves, or tiles of them (multi-formation, IDC).
    #[serde(default, skip_serializing_if = "Decoding::is_pixels")]
    pub decoding: Decoding,
    /// What the images start as.
    pub init: Init,
    /// Class indices, or learned logits.
    pub labels: LabelKind,
    /// Largest loss at which a step is taken; `inf` takes every finite one (MTT).
    pub loss_gate: f64,
    /// Decay of an exponential moving average of the images, evaluated alongside them (FTD); 0 keeps none.
    pub ema: f64,
    /// Augmentation of synthetic images wherever a network sees them.
    pub augmentation: Strategy,
    /// Iterations between validations, each of which trains a student (published: 100–1000).
    pub validate_every: u64,
    /// Iterations between entries of the log that only describe: how many scalars of each layer dropout drops.
    pub log_every: u64,
    /// Iterations between sets that are kept in the run folder for looking at later; without it none are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_every: Option<u64>,
    /// Iterations between checkpoints: what a crash can cost.
    pub checkpoint_every: u64,
    /// The most images alive at a time, on each CPU thread; bounds memory and changes nothing but rounding.
    pub micro_batch: usize,
    /// What moves the set.
    #[serde(flatten, skip_deserializing)]
    #[schemars(skip)]
    pub objective: AnyObjective,
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
        /// The remedy.
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
    /// Images cannot be decoded like this.
    #[error("distill.decoding: {what}; lower distill.decoding.factor")]
    Decoding {
        /// What is wrong.
        what: String,
    },
    /// A teacher's labels are of what networks see.
    #[error("distill.soft_labels = \"teacher\" cannot label stored tiles; leave out distill.decoding")]
    TeacherOfTiles,
    /// A teacher gives logits.
    #[error("distill.soft_labels = \"teacher\" needs distill.labels = \"soft\"")]
    HardTeacher,
    /// The experts end before the window does.
    #[error(
        "distill.window.max = {max} needs experts of {needed} epochs, but they have {epochs}; lower it or raise expert.epochs"
    )]
    ShortTrajectory {
        /// Bound of the epochs.
        max: usize,
        /// Epochs needed.
        needed: usize,
        /// Epochs there are.
        epochs: usize,
    },
    /// More checkpoints than epochs to draw them from.
    #[error(
        "distill.checkpoints = {checkpoints} are more than the {epochs} epochs of distill.window; lower it or widen the window"
    )]
    FewEpochs {
        /// Checkpoints wanted.
        checkpoints: usize,
        /// Epochs in the window at its narrowest.
        epochs: usize,
    },
    /// Experts of one epoch forget nothing.
    #[error(
        "distill.init = \"forgetting\" needs experts of at least 2 epochs, but they have {epochs}; raise expert.epochs"
    )]
    NothingForgotten {
        /// Epochs there are.
        epochs: usize,
    },
    /// An epoch without a weight.
    #[error(
        "distill.weights has {given} numbers; give one for each of the {needed} epochs below distill.window.max, or none"
    )]
    FewWeights {
        /// Weights there are.
        given: usize,
        /// Weights needed.
        needed: usize,
    },
}

impl Method {
    /// With so many synthetic images per class.
    #[must_use]
    pub fn ipc(self, ipc: impl Into<Ipc>) -> Self {
        Self { ipc: ipc.into(), ..self }
    }

    /// With so many outer iterations.
    #[must_use]
    pub fn iterations(self, iterations: u64) -> Self {
        Self { iterations, ..self }
    }

    /// With this step size of the images.
    #[must_use]
    pub fn image_lr(self, image_lr: f64) -> Self {
        Self { image_lr, ..self }
    }

    /// The settings of trajectory matching, where that is the objective.
    pub fn trajectory(&self) -> Option<&TrajectoryMatching> {
        self.objective.get()
    }

    /// The same method with other settings of trajectory matching.
    ///
    /// # Panics
    /// When the objective is another.
    #[must_use]
    pub fn with_trajectory(mut self, change: impl FnOnce(&mut TrajectoryMatching)) -> Self {
        self.change(change);
        self
    }

    /// Discriminative-area enhancement, where the method has it.
    pub fn enhancement(&self) -> Option<&AreaEnhancement> {
        self.trajectory()?.enhancement.as_ref()
    }

    /// Changes the settings of the objective.
    ///
    /// # Panics
    /// When they are of another type than `O`.
    pub fn change<O: Objective>(&mut self, change: impl FnOnce(&mut O)) {
        let Some(settings) = self.objective.get_mut() else {
            panic!("{:?} is no {}", self.objective, std::any::type_name::<O>())
        };
        change(settings);
    }

    /// Whether the method needs expert trajectories, to match them or to choose the initial images. Where they are, they
    /// also give soft labels their start.
    pub fn needs_experts(&self) -> bool {
        self.objective.needs_experts() || self.init.needs_experts()
    }

    /// Refuses values that cannot work with experts of `epochs` epochs.
    ///
    /// # Errors
    /// [`MethodError`] names the key and a value that works.
    pub fn check(&self, epochs: usize) -> Result<(), MethodError> {
        refuse_zero(&[
            ("ipc", u64::from(!self.ipc.has_zero())),
            ("iterations", self.iterations.max(u64::from(!self.objective.learns()))),
            ("validate_every", self.validate_every),
            ("log_every", self.log_every),
            ("keep_every", self.keep_every.unwrap_or(1)),
            ("checkpoint_every", self.checkpoint_every),
            ("micro_batch", self.micro_batch as u64),
        ])?;
        let (within, rate) = (Bounds::Momentum, Bounds::Rate);
        refuse_out_of_range(&[
            ("image_lr", self.image_lr, rate),
            ("label_lr", self.label_lr, rate),
            ("syn_lr_lr", self.syn_lr_lr, rate),
            ("syn_lr", self.syn_lr, Bounds::PositiveRate),
            ("image_momentum", self.image_momentum, within),
            ("label_momentum", self.label_momentum, within),
            ("syn_lr_momentum", self.syn_lr_momentum, within),
            ("ema", self.ema, Bounds::Decay),
            ("loss_gate", self.loss_gate, Bounds::Loss),
        ])?;
        let of_tiles = !self.decoding.is_pixels();
        if of_tiles && self.trajectory().is_some_and(|t| t.soft_labels == SoftLabels::Teacher) {
            return Err(MethodError::TeacherOfTiles);
        }
        if self.init == Init::Forgetting && epochs < 2 {
            return Err(MethodError::NothingForgotten { epochs });
        }
        self.objective.check(self, epochs)
    }

    /// Refuses a decoding that images of `[height, width]` do not have.
    pub(crate) fn check_sides(&self, sides: [usize; 2]) -> Result<(), MethodError> {
        self.decoding.fault(sides).map_or(Ok(()), |what| Err(MethodError::Decoding { what }))
    }

    /// Images that networks see of so many stored ones.
    pub fn seen(&self, stored: usize) -> usize {
        stored.saturating_mul(self.decoding.images_per_stored())
    }

    /// The same method made small, so that a run takes minutes. Experts of a few epochs classify too few images correctly to
    /// begin from those.
    #[must_use]
    pub fn reduced(&self, small: &Small) -> Self {
        Self {
            ipc: small.ipc[0].into(),
            iterations: small.iterations,
            validate_every: small.every,
            checkpoint_every: small.every,
            init: if self.init == Init::Correct { Init::Real } else { self.init },
            objective: self.objective.reduced(small),
            ..self.clone()
        }
    }

    /// Why no step may be taken at this loss; `None` when it may.
    pub fn refuses(&self, loss: f64) -> Option<StepStatus> {
        match loss {
            loss if !loss.is_finite() => Some(StepStatus::NonFinite),
            loss if loss > self.loss_gate => Some(StepStatus::Gate),
            _ => None,
        }
    }

    /// The settings that methods share where they do not say otherwise, those of MTT's code, with an objective.
    pub fn of(objective: impl Objective) -> Self {
        Self {
            ipc: Ipc::Each(1),
            decoding: Decoding::Pixels,
            iterations: 1000,
            image_lr: 1.0,
            image_momentum: 0.5,
            label_lr: 0.0,
            label_momentum: 0.9,
            syn_lr: 0.01,
            syn_lr_lr: 0.0,
            syn_lr_momentum: 0.5,
            init: Init::Real,
            labels: LabelKind::Hard,
            loss_gate: f64::INFINITY,
            ema: 0.0,
            augmentation: Strategy::dsa(),
            validate_every: 500,
            log_every: 100,
            keep_every: None,
            checkpoint_every: 50,
            micro_batch: 256,
            objective: AnyObjective::new(objective),
        }
    }
}

/// What a number may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bounds {
    /// `[0, ∞)`.
    Rate,
    /// `(0, ∞)`.
    PositiveRate,
    /// `[0, 1)`.
    Momentum,
    /// `[0, 1)`, of a moving average.
    Decay,
    /// `(0, ∞]`.
    Loss,
    /// `[0, 1)`, of what is left out.
    Ratio,
    /// `[0, 1]`.
    Share,
    /// At most a million: every step keeps its parameters.
    Steps,
}

impl Bounds {
    fn hold(self, value: f64) -> bool {
        match self {
            Self::Rate => value.is_finite() && value >= 0.0,
            Self::PositiveRate => value.is_finite() && value > 0.0,
            Self::Momentum | Self::Decay | Self::Ratio => (0.0..1.0).contains(&value),
            Self::Share => (0.0..=1.0).contains(&value),
            Self::Loss => value > 0.0,
            Self::Steps => value <= 1e6,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Rate => "0 or more",
            Self::Share => "0 to 1",
            Self::PositiveRate => "a positive number such as 0.01",
            Self::Momentum | Self::Ratio => "0 or more and below 1",
            Self::Decay => "0 (none) or a decay below 1 such as 0.999",
            Self::Loss => "a positive loss, or inf",
            Self::Steps => "at most 1000000",
        }
    }
}

/// Refuses the first count that is 0.
///
/// # Errors
/// [`MethodError::Zero`].
pub fn refuse_zero(counts: &[(&'static str, u64)]) -> Result<(), MethodError> {
    match counts.iter().find(|(_, count)| *count == 0) {
        Some(&(key, _)) => Err(MethodError::Zero { key }),
        None => Ok(()),
    }
}

/// Refuses the first number that is out of its bounds.
///
/// # Errors
/// [`MethodError::Range`].
pub fn refuse_out_of_range(numbers: &[(&'static str, f64, Bounds)]) -> Result<(), MethodError> {
    match numbers.iter().find(|(_, value, bounds)| !bounds.hold(*value)) {
        Some(&(key, value, bounds)) => Err(MethodError::Range { key, value, range: bounds.words() }),
        None => Ok(()),
    }
}
