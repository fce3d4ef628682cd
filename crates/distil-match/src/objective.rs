use serde::{Deserialize, Serialize};

use crate::{
    DistributionMatching, EffectAlignment, GradientMatching, MethodError, Selection, TrajectoryMatching,
    Unrolled,
};

/// What moves a synthetic set: one variant a family of methods, each with its own settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "objective", rename_all = "kebab-case")]
pub enum Objective {
    /// Following an expert's trajectory: MTT, FTD, TESLA, DATM, M-DATM, EDF.
    Trajectory(TrajectoryMatching),
    /// Training through: DD, LD.
    Unrolled(Unrolled),
    /// Lowering the loss as real images do: EAD.
    Effect(EffectAlignment),
    /// Matching gradients class by class: DC, DSA.
    Gradient(GradientMatching),
    /// Matching mean embeddings class by class: DM.
    Distribution(DistributionMatching),
    /// Nothing: the set is a selection of real images.
    Selection(Selection),
}

/// How many images pass through the network in one iteration; what a planner multiplies with its own measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Passes {
    /// Forward passes alone.
    pub forward: u64,
    /// First-order: a forward pass and its gradient.
    pub plain: u64,
    /// Second-order products of the adjoint.
    pub dual: u64,
}

impl Objective {
    /// Whether every iteration follows experts.
    pub(crate) fn follows_experts(&self) -> bool {
        matches!(self, Self::Trajectory(_) | Self::Effect(_))
    }

    /// Synthetic images that a network sees at a time, of a set of `images` of `classes` classes: a batch, a class, or all.
    pub fn batch_syn(&self, images: usize, classes: usize) -> usize {
        match self {
            Self::Trajectory(trajectory) => trajectory.batch(images),
            Self::Effect(effect) => effect.batch(images),
            Self::Unrolled(unrolled) => unrolled.batch(images),
            Self::Gradient(_) | Self::Distribution(_) => images / classes.max(1),
            Self::Selection(_) => images,
        }
    }

    /// Inner steps whose parameters are kept.
    pub fn syn_steps(&self) -> usize {
        match self {
            Self::Trajectory(trajectory) => trajectory.syn_steps,
            Self::Unrolled(unrolled) => unrolled.syn_steps,
            _ => 0,
        }
    }

    /// Real images that are seen at a time.
    pub fn batch_real(&self) -> usize {
        match self {
            Self::Effect(effect) => effect.batch_real(),
            Self::Unrolled(unrolled) => unrolled.batch_real,
            Self::Gradient(gradient) => gradient.batch_real,
            Self::Distribution(distribution) => distribution.batch_real,
            Self::Trajectory(_) | Self::Selection(_) => 0,
        }
    }

    /// What one iteration on a set of `images` of `classes` classes computes.
    pub fn passes(&self, images: usize, classes: usize) -> Passes {
        match self {
            Self::Trajectory(trajectory) => trajectory.passes(images),
            Self::Unrolled(unrolled) => unrolled.passes(images),
            Self::Effect(effect) => effect.passes(images),
            Self::Gradient(gradient) => gradient.passes(images, classes),
            Self::Distribution(distribution) => distribution.passes(images, classes),
            Self::Selection(_) => Passes::default(),
        }
    }

    /// Refuses settings that cannot work with experts of `epochs` epochs.
    pub(crate) fn check(&self, epochs: usize) -> Result<(), MethodError> {
        match self {
            Self::Trajectory(trajectory) => trajectory.check(epochs),
            Self::Unrolled(unrolled) => unrolled.check(),
            Self::Effect(effect) => effect.check(epochs),
            Self::Gradient(gradient) => gradient.check(),
            Self::Distribution(distribution) => distribution.check(),
            Self::Selection(_) => Ok(()),
        }
    }
}
