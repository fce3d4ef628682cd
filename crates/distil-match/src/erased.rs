//! Any [`Objective`] and its state, with their types erased.

use std::any::Any;
use std::fmt;

use burn::tensor::Device;
use distil_store::StoreError;
use serde::{Serialize, Serializer};

use crate::{
    Cost, Distiller, Event, Inputs, Method, MethodError, NormMode, Objective, OwnState, Selection,
    SettingsError, Small, StepError, StepOutcome,
};

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

    /// See [`Objective::batch_norms`].
    pub fn batch_norms(&self) -> NormMode {
        self.0.batch_norms()
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
    fn batch_norms(&self) -> NormMode;
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
    fn batch_norms(&self) -> NormMode {
        Objective::batch_norms(self)
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
