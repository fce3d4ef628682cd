use serde::{Deserialize, Serialize};

use crate::{Init, Method, MethodError, TrajectoryMatching};

/// What moves a synthetic set: one variant a family of methods, each with its own settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "objective", rename_all = "kebab-case")]
pub enum Objective {
    /// Following an expert's trajectory: MTT, FTD, TESLA, DATM, M-DATM, EDF.
    Trajectory(TrajectoryMatching),
    /// Nothing: the set is a selection of real images.
    Selection(Selection),
}

/// A selection of real images: what is chosen is [`Method::init`](crate::Method)'s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selection {}

/// How many images pass through the network in one iteration; what a planner multiplies with its own measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Passes {
    /// First-order: a forward pass and its gradient.
    pub plain: u64,
    /// Second-order products of the adjoint.
    pub dual: u64,
}

impl Objective {
    /// Whether every iteration follows experts.
    pub(crate) fn follows_experts(&self) -> bool {
        matches!(self, Self::Trajectory(_))
    }

    /// What one iteration on a set of `images` of `classes` classes computes.
    pub fn passes(&self, images: usize, _classes: usize) -> Passes {
        match self {
            Self::Trajectory(trajectory) => trajectory.passes(images),
            Self::Selection(_) => Passes::default(),
        }
    }

    /// Refuses settings that cannot work with experts of `epochs` epochs.
    pub(crate) fn check(&self, epochs: usize) -> Result<(), MethodError> {
        match self {
            Self::Trajectory(trajectory) => trajectory.check(epochs),
            Self::Selection(_) => Ok(()),
        }
    }
}

impl Method {
    /// Random real images: the baseline of every table.
    pub fn random() -> Self {
        Self { iterations: 0, init: Init::Real, ..Self::plain(Objective::Selection(Selection {})) }
    }
}
