use burn::tensor::{Device, Tensor};
use distil_data::Dataset;
use distil_engine::{Engine, Targets};
use distil_hypergrad::Hypergradient;
use distil_models::Network;
use distil_store::{Decoding, Expert, StoreError, TrajectoryStore};
use serde::Serialize;
use thiserror::Error;

use crate::erased::AnyState;
use crate::outer::Learned;
use crate::seen::{Seen, gradient_of_stored};
use crate::{EnhancementError, Event, InitError, MapSource, Method, NotPixels, init};

/// What happened to one iteration's step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepStatus {
    /// Images, labels and step size moved.
    Applied,
    /// The loss was above the gate; nothing moved.
    Gate,
    /// Loss or gradient was not finite; nothing moved.
    NonFinite,
}

/// One iteration, as the log shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct StepOutcome {
    /// Iteration, from 1.
    pub iteration: u64,
    /// The expert that was matched, where one was.
    pub expert: Option<usize>,
    /// The epoch the student started from.
    pub start_epoch: Option<usize>,
    /// Loss of the objective.
    pub loss: f64,
    /// Inner step size after the iteration.
    pub syn_lr: f64,
    /// What happened.
    pub status: StepStatus,
    /// What else the log says about it, before the iteration's own line.
    pub events: Vec<Event>,
}

/// Why an iteration could not be done.
#[derive(Debug, Error)]
pub enum StepError {
    /// An expert cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There are no activation maps.
    #[error(transparent)]
    Enhancement(#[from] EnhancementError),
    /// There are no experts.
    #[error(transparent)]
    NoExperts(#[from] NoExperts),
    /// The images are no pixels.
    #[error(transparent)]
    Pixels(#[from] NotPixels),
}

/// Everything a distillation needs that does not change while it runs.
#[derive(Debug)]
pub struct Inputs<'a> {
    /// How to distil.
    pub method: &'a Method,
    /// The student network; the experts' too.
    pub net: &'a Network,
    /// Real data; only the training split is read.
    pub dataset: &'a Dataset,
    /// Expert trajectories; `None` for methods without experts.
    pub experts: Option<Experts<'a>>,
    /// Seed of all random numbers.
    pub seed: u64,
    /// Where to compute.
    pub engine: &'a Engine,
    /// Where the maps of discriminative-area enhancement come from; ignored by methods without it.
    pub maps: Option<MapSource<'a>>,
}

/// Trained experts.
#[derive(Debug, Clone)]
pub struct Experts<'a> {
    /// Their trajectories.
    pub store: &'a TrajectoryStore,
    /// The complete ones to use, ascending; at least one.
    pub numbers: Vec<usize>,
}

impl<'a> Inputs<'a> {
    /// Where tensors are.
    pub(crate) fn device(&self) -> &'a Device {
        self.engine.device()
    }

    /// Stored images of each class.
    pub fn per_class(&self) -> Vec<usize> {
        self.method.ipc.of_classes(&self.dataset.train.class_counts(self.net.classes()))
    }

    /// Images of each class as networks see them.
    pub(crate) fn seen_per_class(&self) -> Vec<usize> {
        self.per_class().into_iter().map(|stored| self.method.seen(stored)).collect()
    }

    /// An expert after some epochs: θ `[P]` and running statistics `[B]`.
    pub(crate) fn snapshot(&self, expert: &Expert, epoch: usize) -> [Tensor<1>; 2] {
        let device = self.device();
        [self.net.theta(expert.snapshot(epoch), device), self.net.buffers(expert.buffers(epoch), device)]
    }

    /// The experts, which must be there.
    pub(crate) fn experts(&self) -> Result<&Experts<'a>, NoExperts> {
        self.experts.as_ref().filter(|experts| !experts.numbers.is_empty()).ok_or(NoExperts)
    }
}

/// The method needs experts, but the store has none.
#[derive(Debug, Error)]
#[error("the store has no complete expert; train experts first (`distil expert`)")]
pub struct NoExperts;

/// The state of a distillation between two iterations.
#[derive(Debug, Clone)]
pub struct Distiller {
    pub(crate) learned: Learned,
    pub(crate) decoding: Decoding,
    /// What networks see, where that is not what is stored.
    pub(crate) seen: Option<Seen>,
    /// Iterations done.
    pub(crate) iteration: u64,
    /// Iterations whose loss was above the gate.
    pub(crate) gated: u64,
    /// Iterations whose loss or gradient was not finite.
    pub(crate) non_finite: u64,
    /// The last iteration whose step was taken.
    pub(crate) last_applied: u64,
    /// The method's own state. Absent only while its step runs.
    pub(crate) own: Option<AnyState>,
}

impl Distiller {
    /// The state at iteration 0.
    ///
    /// # Errors
    /// [`InitError`] when a class has too few images, or an expert cannot be read.
    pub fn start(inputs: &Inputs<'_>) -> Result<Self, InitError> {
        let learned = init::initialise(inputs)?;
        let decoding = inputs.method.decoding;
        Ok(Self {
            seen: Seen::of(decoding, &learned),
            decoding,
            learned,
            iteration: 0,
            gated: 0,
            non_finite: 0,
            last_applied: 0,
            own: Some(inputs.method.objective.start()),
        })
    }

    /// Iterations done.
    pub fn iteration(&self) -> u64 {
        self.iteration
    }

    /// The synthetic images as networks see them, `[n, c, h, w]`, normalised as the data are; rows of a class lie together, in
    /// the order of the classes.
    pub fn images(&self) -> &Tensor<4> {
        self.seen.as_ref().map_or(&self.learned.images, |seen| &seen.images)
    }

    /// Their labels.
    pub fn targets(&self) -> &Targets {
        self.seen.as_ref().map_or(&self.learned.targets, |seen| &seen.targets)
    }

    /// The inner step size.
    pub fn syn_lr(&self) -> f64 {
        self.learned.syn_lr
    }

    /// One iteration.
    ///
    /// # Errors
    /// When an expert cannot be read, or maps are due and cannot be made.
    pub fn step(&mut self, inputs: &Inputs<'_>) -> Result<StepOutcome, StepError> {
        let mut own = self.own.take().expect("a step gives the method's state back");
        let outcome = inputs.method.objective.step(&mut own, self, inputs);
        self.own = Some(own);
        let outcome = outcome?;
        self.iteration += 1;
        Ok(outcome)
    }

    /// Refuses inputs with which the method cannot go on from here.
    pub(crate) fn open(&self, inputs: &Inputs<'_>) -> Result<(), StepError> {
        inputs.method.objective.open(self.own.as_ref().expect("no step is running"), inputs)
    }

    /// Moves along a gradient of the images that networks see, and counts.
    ///
    /// Nothing moves, and the status says why, where the gradient is a refusal or not finite.
    pub fn apply_gradient(
        &mut self,
        gradient: Result<Hypergradient, StepStatus>,
        method: &Method,
    ) -> StepStatus {
        let finite = |gradient: Hypergradient| {
            if is_finite(&gradient) { Ok(gradient) } else { Err(StepStatus::NonFinite) }
        };
        let moved = |gradient| {
            let gradient = gradient_of_stored(self.decoding, self.learned.images.dims(), gradient);
            let learned = self.learned.clone().update(gradient, method);
            if learned.is_finite() { Ok(learned) } else { Err(StepStatus::NonFinite) }
        };
        match gradient.and_then(finite).and_then(moved) {
            Ok(learned) => {
                self.seen = Seen::of(self.decoding, &learned);
                self.learned = learned;
                self.last_applied = self.iteration + 1;
                StepStatus::Applied
            }
            Err(status) => {
                self.gated += u64::from(status == StepStatus::Gate);
                self.non_finite += u64::from(status == StepStatus::NonFinite);
                status
            }
        }
    }

    /// Changes the stored images without a step, as a bound does.
    pub(crate) fn change_images(&mut self, change: impl FnOnce(Tensor<4>) -> Tensor<4>) {
        self.learned.images = change(self.learned.images.clone());
        self.seen = Seen::of(self.decoding, &self.learned);
    }

    /// What the log says of the iteration that is being done.
    pub fn outcome(&self, loss: f64, status: StepStatus) -> StepOutcome {
        StepOutcome {
            iteration: self.iteration + 1,
            expert: None,
            start_epoch: None,
            loss,
            syn_lr: self.learned.syn_lr,
            status,
            events: Vec::new(),
        }
    }
}

/// A sum over squares is finite only if every part is (or is close to overflow, which is no better).
pub(crate) fn squares_are_finite<const D: usize>(values: &Tensor<D>) -> bool {
    let sum = (values.clone() * values.clone()).sum();
    sum.into_data().iter::<f32>().all(f32::is_finite)
}

fn is_finite(gradient: &Hypergradient) -> bool {
    let labels = gradient.labels.as_ref();
    gradient.syn_lr.is_finite()
        && squares_are_finite(&gradient.images)
        && labels.is_none_or(squares_are_finite)
}
