//! What a method is to the loop: settings, state, and a step.

use std::fmt;

use distil_hypergrad::Differentiation;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Distiller, Event, Inputs, Method, MethodError, OwnState, StepError, StepOutcome, Window};

/// How a family of methods moves a synthetic set: its settings are the fields of the type that implements this.
///
/// The loop ([`run`](crate::run)) draws nothing, keeps nothing and knows nothing of a method but this. Settings are read
/// from `[distill]`, in addition to the keys that all methods share; their names, types and documentation are the keys'. A method
/// outside this crate implements the trait, fills in a [`MethodRow`](crate::MethodRow) and
/// [registers](crate::register) it.
pub trait Objective:
    Clone + PartialEq + fmt::Debug + Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static
{
    /// What the method keeps between iterations in addition to the set; `()` where that is nothing.
    type State: OwnState;

    /// Refuses settings that cannot work in `method`, whose objective this is, with experts of `epochs` epochs.
    ///
    /// # Errors
    /// [`MethodError`] names the key and a value that works.
    fn check(&self, method: &Method, epochs: usize) -> Result<(), MethodError>;

    /// What one iteration on a set of `images` images of `classes` classes computes; what a planner works with.
    fn cost(&self, images: usize, classes: usize) -> Cost;

    /// One iteration: draws from named streams keyed by [`Distiller::iteration`], and moves the set by
    /// [`Distiller::apply_gradient`].
    ///
    /// # Errors
    /// When an expert cannot be read, or something else the step needs is missing.
    fn step(
        &self,
        own: &mut Self::State,
        distiller: &mut Distiller,
        inputs: &Inputs<'_>,
    ) -> Result<StepOutcome, StepError>;

    /// The same settings made small, so that a run takes minutes; what they share with all methods is made small already.
    #[must_use]
    fn reduced(self, _small: &Small) -> Self {
        self
    }

    /// Whether each iteration needs expert trajectories.
    fn needs_experts(&self) -> bool {
        false
    }

    /// What batch norms normalise with while the method computes, in networks that have them.
    fn batch_norms(&self) -> NormMode {
        NormMode::Batch
    }

    /// Whether the set moves at all. One that does not may have 0 iterations.
    fn learns(&self) -> bool {
        true
    }

    /// Momentum of the update of the images, where the method overrides `distill.image_momentum`.
    fn image_momentum(&self, configured: f64) -> f64 {
        configured
    }

    /// The settings that hold for the whole run, where they are only known once experts and data are; with what the log
    /// says about the choice. Called once at the start of a run, also of a resumed one: the answer must be the same.
    ///
    /// # Errors
    /// When an expert cannot be read.
    fn prepare(&self, _inputs: &Inputs<'_>) -> Result<Option<(Self, Event)>, StepError> {
        Ok(None)
    }

    /// Refuses inputs with which the state cannot go on. Called before the first iteration and after each resumption.
    ///
    /// # Errors
    /// When something is missing, or is not what the run began with.
    fn open(&self, _own: &Self::State, _inputs: &Inputs<'_>) -> Result<(), StepError> {
        Ok(())
    }
}

/// What batch norms normalise with while a method computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NormMode {
    /// The statistics of each batch.
    Batch,
    /// Running statistics, moved by real images of all classes before each step of the images and frozen while single classes
    /// are compared.
    Frozen,
    /// The running statistics of a trained expert.
    Trained,
}

/// In words.
impl fmt::Display for NormMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Batch => "of each batch",
            Self::Frozen => "frozen",
            Self::Trained => "of an expert",
        })
    }
}

/// How small a reduced run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Small {
    /// Epochs of the experts, and of those of the full run.
    pub expert_epochs: [usize; 2],
    /// Images per class, and of the full run.
    pub ipc: [usize; 2],
    /// Classes.
    pub classes: usize,
    /// Iterations.
    pub iterations: u64,
    /// Iterations between maps, validations and checkpoints.
    pub every: u64,
    /// Inner steps N.
    pub syn_steps: usize,
    /// Real images of a batch.
    pub batch_real: usize,
}

impl Small {
    /// The same share of the set.
    pub fn batch_syn(&self, batch: Option<usize>) -> Option<usize> {
        let [ipc, full] = self.ipc;
        batch.map(|batch| (batch * ipc / full.max(1)).clamp(1, (ipc * self.classes).max(1)))
    }

    /// The same part of shorter experts, whose students start before epoch `most`.
    pub fn window(&self, window: Window, most: usize) -> Window {
        let [epochs, full] = self.expert_epochs;
        let scaled = |epoch: usize| epoch * epochs / full.max(1);
        let max = scaled(window.max).clamp(1, most);
        let min = scaled(window.min).min(max - 1);
        let initial = window.initial_max.map_or(max, scaled).clamp(min + 1, max);
        Window { min, max, initial_max: Some(initial), expand_until: self.iterations / 2 }
    }
}

/// What one iteration computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Synthetic images that a network sees at a time: a batch, a class, or all.
    pub batch_syn: usize,
    /// Inner steps whose parameters are kept.
    pub syn_steps: usize,
    /// Real images that are seen at a time.
    pub batch_real: usize,
    /// Images that pass through the network.
    pub passes: Passes,
    /// What the second-order products are.
    pub products: Differentiation,
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
