//! Trained models: parameters by name, with what one must know to use them.

use std::path::Path;

use distil_files::container::{self, Container, ContentDigest, Format, Tensor, Values};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::StoreError;
use crate::preprocessing::Preprocessing;
use crate::state_dict::StateDict;

const MODEL: Format = Format {
    kind: "distil.model.2",
    expected: "a trained model",
    origin: "train one with `distil train`",
    remedy: "restore it from a copy or train it again with `distil train`",
};

/// What one must know about a trained network to use it; stored inside its file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelCard {
    /// The architecture with all its sizes, in the form of the crate that builds it.
    pub architecture: Value,
    /// Names of the classes, by class index.
    pub class_names: Vec<String>,
    /// How pixels became network input.
    pub preprocessing: Preprocessing,
    /// Name of the data it was trained on.
    pub dataset: String,
    /// Digest of these data.
    pub dataset_digest: String,
    /// Accuracy on held-out training images, in `[0, 1]`, where there were any.
    pub validation_accuracy: Option<f64>,
    /// How it was trained.
    pub recipe: Value,
    /// Seed of the training.
    pub seed: u64,
    /// Version of distil that trained it.
    pub distil_version: String,
    /// The command line that trained it.
    pub command: String,
}

/// A trained network: a teacher, or the network used for Grad-CAM maps.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainedModel {
    /// Parameters and running statistics, with PyTorch's tensor names.
    pub tensors: StateDict,
    /// What one must know to use them.
    pub card: ModelCard,
}

impl TrainedModel {
    /// Writes the model, whole or not at all.
    ///
    /// # Errors
    /// [`StoreError::File`] names the path and the remedy.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), StoreError> {
        Ok(container::write(path, &MODEL, &self.card, self.outputs())?)
    }

    /// Reads a model that [`TrainedModel::save`] wrote, and checks its content.
    ///
    /// # Errors
    /// [`StoreError::File`] when the file cannot be read, is damaged, or is something else.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let bytes = container::read(path, &MODEL)?;
        let file = Container::open(path, &MODEL, &bytes)?;
        let mut tensors = StateDict::new();
        for name in file.names() {
            let (shape, values) = file.f32(name)?;
            tensors.insert(name.to_owned(), (shape.to_vec(), values.to_vec()));
        }
        Ok(Self { tensors, card: file.card()? })
    }

    /// SHA-256 of what the network computes: architecture, classes, preprocessing, parameters and statistics. How it was
    /// trained does not count.
    pub fn digest(&self) -> String {
        let ModelCard { architecture, class_names, preprocessing, .. } = &self.card;
        let mut digest =
            ContentDigest::new(&MODEL, &json!([architecture, class_names, preprocessing]).to_string());
        self.outputs().iter().for_each(|tensor| digest.add(tensor));
        digest.finish()
    }

    fn outputs(&self) -> Vec<Tensor<'_>> {
        let outputs = self.tensors.iter().map(|(name, (shape, values))| Tensor {
            name,
            shape: shape.clone(),
            values: Values::F32(vec![values]),
        });
        outputs.collect()
    }
}
