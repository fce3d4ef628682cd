//! What a method is to the loop: settings, state, and a step.

use std::any::Any;
use std::fmt;

use burn::tensor::Device;
use distil_hypergrad::Differentiation;
use distil_store::StoreError;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};

use crate::{
    Distiller, Event, Inputs, Method, MethodError, OwnState, Selection, SettingsError, StepError,
    StepOutcome, Window,
};

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

/// Any [`Objective`], with its type erased.
pub struct AnyObjective(Box<dyn Erased>);

/// The state of any [`Objective`].
#[derive(Debug)]
pub(crate) struct AnyState(Box<dyn ErasedState>);

impl AnyObjective {
    /// Erases the type.
    pub fn new(objective: impl Objective) -> Self {
        Self(Box::new(objective))
    }

    /// Reads the settings of `O` from a table.
    pub(crate) fn read<O: Objective>(table: toml::Table) -> Result<Self, SettingsError> {
        SettingsError::reading::<O>(table).map(Self::new)
    }

    /// The settings, where they are of the type `O`.
    pub fn get<O: Objective>(&self) -> Option<&O> {
        self.0.as_any().downcast_ref()
    }

    /// The settings to change, where they are of the type `O`.
    pub fn get_mut<O: Objective>(&mut self) -> Option<&mut O> {
        self.0.as_any_mut().downcast_mut()
    }

    /// See [`Objective::cost`].
    pub fn cost(&self, images: usize, classes: usize) -> Cost {
        self.0.cost(images, classes)
    }

    /// See [`Objective::reduced`].
    #[must_use]
    pub fn reduced(&self, small: &Small) -> Self {
        self.0.reduced(small)
    }

    /// See [`Objective::needs_experts`].
    pub fn needs_experts(&self) -> bool {
        self.0.needs_experts()
    }

    /// See [`Objective::learns`].
    pub fn learns(&self) -> bool {
        self.0.learns()
    }

    pub(crate) fn image_momentum(&self, configured: f64) -> f64 {
        self.0.image_momentum(configured)
    }

    pub(crate) fn check(&self, method: &Method, epochs: usize) -> Result<(), MethodError> {
        self.0.check(method, epochs)
    }

    pub(crate) fn prepare(&self, inputs: &Inputs<'_>) -> Result<Option<(Self, Event)>, StepError> {
        self.0.prepare(inputs)
    }

    pub(crate) fn open(&self, own: &AnyState, inputs: &Inputs<'_>) -> Result<(), StepError> {
        self.0.open(own, inputs)
    }

    pub(crate) fn start(&self) -> AnyState {
        self.0.start()
    }

    pub(crate) fn restore(&self, saved: &crate::Saved<'_>, device: &Device) -> Result<AnyState, StoreError> {
        self.0.restore(saved, device)
    }

    pub(crate) fn step(
        &self,
        own: &mut AnyState,
        distiller: &mut Distiller,
        inputs: &Inputs<'_>,
    ) -> Result<StepOutcome, StepError> {
        self.0.step(own, distiller, inputs)
    }
}

impl Default for AnyObjective {
    fn default() -> Self {
        Self::new(Selection {})
    }
}

impl Clone for AnyObjective {
    fn clone(&self) -> Self {
        self.0.boxed()
    }
}

impl fmt::Debug for AnyObjective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl PartialEq for AnyObjective {
    fn eq(&self, other: &Self) -> bool {
        self.0.equals(other.0.as_any())
    }
}

/// As its settings.
impl Serialize for AnyObjective {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.settings().serialize(serializer)
    }
}

impl AnyState {
    pub(crate) fn save(&self) -> crate::Kept {
        self.0.save()
    }

    fn get<T: 'static>(&self) -> &T {
        self.0.as_any().downcast_ref().expect(SAME)
    }

    fn get_mut<T: 'static>(&mut self) -> &mut T {
        self.0.as_any_mut().downcast_mut().expect(SAME)
    }
}

impl Clone for AnyState {
    fn clone(&self) -> Self {
        self.0.boxed()
    }
}

const SAME: &str = "a distiller works with the method that it was started with";

trait ErasedState: fmt::Debug + Send {
    fn as_any(&self) -> &dyn Any;
    fn as_any_mut(&mut self) -> &mut dyn Any;
    fn boxed(&self) -> AnyState;
    fn save(&self) -> crate::Kept;
}

impl<T: OwnState> ErasedState for T {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
    fn boxed(&self) -> AnyState {
        AnyState(Box::new(self.clone()))
    }
    fn save(&self) -> crate::Kept {
        OwnState::save(self)
    }
}

/// [`Objective`] without its associated type, for trait objects.
trait Erased: fmt::Debug + Send + Sync {
    fn as_any(&self) -> &dyn Any;
    fn as_any_mut(&mut self) -> &mut dyn Any;
    fn boxed(&self) -> AnyObjective;
    fn equals(&self, other: &dyn Any) -> bool;
    fn settings(&self) -> toml::Table;
    fn check(&self, method: &Method, epochs: usize) -> Result<(), MethodError>;
    fn cost(&self, images: usize, classes: usize) -> Cost;
    fn reduced(&self, small: &Small) -> AnyObjective;
    fn needs_experts(&self) -> bool;
    fn learns(&self) -> bool;
    fn image_momentum(&self, configured: f64) -> f64;
    fn prepare(&self, inputs: &Inputs<'_>) -> Result<Option<(AnyObjective, Event)>, StepError>;
    fn open(&self, own: &AnyState, inputs: &Inputs<'_>) -> Result<(), StepError>;
    fn start(&self) -> AnyState;
    fn restore(&self, saved: &crate::Saved<'_>, device: &Device) -> Result<AnyState, StoreError>;
    fn step(
        &self,
        own: &mut AnyState,
        distiller: &mut Distiller,
        inputs: &Inputs<'_>,
    ) -> Result<StepOutcome, StepError>;
}

impl<O: Objective> Erased for O {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
    fn boxed(&self) -> AnyObjective {
        AnyObjective::new(self.clone())
    }
    fn equals(&self, other: &dyn Any) -> bool {
        other.downcast_ref::<O>().is_some_and(|other| other == self)
    }
    fn settings(&self) -> toml::Table {
        toml::Table::try_from(self).expect("settings are plain TOML")
    }
    fn check(&self, method: &Method, epochs: usize) -> Result<(), MethodError> {
        Objective::check(self, method, epochs)
    }
    fn reduced(&self, small: &Small) -> AnyObjective {
        AnyObjective::new(self.clone().reduced(small))
    }

    fn cost(&self, images: usize, classes: usize) -> Cost {
        Objective::cost(self, images, classes)
    }
    fn needs_experts(&self) -> bool {
        Objective::needs_experts(self)
    }
    fn learns(&self) -> bool {
        Objective::learns(self)
    }
    fn image_momentum(&self, configured: f64) -> f64 {
        Objective::image_momentum(self, configured)
    }
    fn prepare(&self, inputs: &Inputs<'_>) -> Result<Option<(AnyObjective, Event)>, StepError> {
        let prepared = Objective::prepare(self, inputs)?;
        Ok(prepared.map(|(settings, event)| (AnyObjective::new(settings), event)))
    }
    fn open(&self, own: &AnyState, inputs: &Inputs<'_>) -> Result<(), StepError> {
        Objective::open(self, own.get(), inputs)
    }
    fn start(&self) -> AnyState {
        AnyState(Box::new(O::State::default()))
    }
    fn restore(&self, saved: &crate::Saved<'_>, device: &Device) -> Result<AnyState, StoreError> {
        Ok(AnyState(Box::new(O::State::restore(saved, device)?)))
    }
    fn step(
        &self,
        own: &mut AnyState,
        distiller: &mut Distiller,
        inputs: &Inputs<'_>,
    ) -> Result<StepOutcome, StepError> {
        Objective::step(self, own.get_mut(), distiller, inputs)
    }
}
