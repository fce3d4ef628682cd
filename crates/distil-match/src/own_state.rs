//! A method's own state, and how checkpoints hold it.

use std::fmt;

use burn::tensor::Device;
use distil_store::{Checkpoint, StoreError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What a method keeps between iterations in addition to the set: it is saved in every checkpoint and restored from it, so that an
/// interrupted run continues with the same bytes.
pub trait OwnState: Default + Clone + fmt::Debug + Send + 'static {
    /// The state as a checkpoint keeps it.
    fn save(&self) -> Kept;

    /// The state that [`OwnState::save`] gave.
    ///
    /// # Errors
    /// When the checkpoint has not all of it.
    fn restore(saved: &Saved<'_>, device: &Device) -> Result<Self, StoreError>;
}

/// No state.
impl OwnState for () {
    fn save(&self) -> Kept {
        Kept::default()
    }

    fn restore(_: &Saved<'_>, _: &Device) -> Result<Self, StoreError> {
        Ok(())
    }
}

/// A method's state as a checkpoint keeps it: a document, and named f32 tensors.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    document: Value,
    tensors: Vec<(String, Vec<usize>, Vec<f32>)>,
}

impl Kept {
    /// A state whose numbers and words are `document`. Numbers must be finite (JSON has no others); those that may not be
    /// belong in tensors.
    ///
    /// # Panics
    /// When `document` has map keys that are not text.
    pub fn new(document: &impl Serialize) -> Self {
        let document = serde_json::to_value(document).expect("the state of a method is plain JSON");
        Self { document, tensors: Vec::new() }
    }

    /// The same with a tensor of `shape`.
    #[must_use]
    pub fn with_tensor(mut self, name: &str, shape: &[usize], values: Vec<f32>) -> Self {
        self.tensors.push((name.to_owned(), shape.to_vec(), values));
        self
    }

    pub(crate) fn document(&self) -> &Value {
        &self.document
    }

    pub(crate) fn into_checkpoint(self, checkpoint: Checkpoint) -> Checkpoint {
        self.tensors.into_iter().fold(checkpoint, |checkpoint, (name, shape, values)| {
            checkpoint.with_tensor(&own_name(&name), &shape, values)
        })
    }
}

/// A method's state in a checkpoint.
#[derive(Debug, Clone, Copy)]
pub struct Saved<'a> {
    pub(crate) checkpoint: &'a Checkpoint,
    pub(crate) document: &'a Value,
}

impl Saved<'_> {
    /// The document.
    ///
    /// # Errors
    /// [`StoreError::CheckpointContent`] when it is of another type.
    pub fn document<T: DeserializeOwned>(&self) -> Result<T, StoreError> {
        T::deserialize(self.document).map_err(|error| StoreError::CheckpointContent {
            iteration: self.checkpoint.iteration(),
            what: format!("state of the method ({error})"),
        })
    }

    /// The values of a tensor of `shape`.
    ///
    /// # Errors
    /// [`StoreError::CheckpointContent`] when there is none of that shape.
    pub fn tensor(&self, name: &str, shape: &[usize]) -> Result<&[f32], StoreError> {
        self.checkpoint.tensor(&own_name(name), shape)
    }
}

/// A method's tensors are stored with the loop's.
fn own_name(name: &str) -> String {
    format!("method.{name}")
}
