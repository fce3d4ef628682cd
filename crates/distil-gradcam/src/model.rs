use std::collections::HashMap;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor};
use distil_models::{Network, NetworkError, NetworkState, StateDict, StateDictError};
use distil_store::{StoreError, WriteError, atomic, hex};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::{ClassMap, ClassMapError, ClassRule};

/// What a model file is; ends in the version of the form.
const KIND: &str = "distil.model.1";
/// The one metadata key: a second one would be written in no certain order.
const KEY: &str = "distil";

/// What one must know about a trained network to use it; stored inside its file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelCard {
    /// The architecture with all its sizes.
    pub network: Network,
    /// Names of the classes, by class index.
    pub class_names: Vec<String>,
    /// How pixels became network input.
    pub preprocessing: Value,
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

/// A trained network with its card.
#[derive(Debug, Clone, PartialEq)]
pub struct CamModel {
    /// Parameters and running statistics.
    pub state: NetworkState,
    /// What one must know to use it.
    pub card: ModelCard,
}

/// Why a model cannot be read or written.
#[derive(Debug, Error)]
pub enum ModelError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}; check the path and its permissions", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file is something else.
    #[error(
        "{} is not a model of distil ({what}); train one with `distil train-cam`",
        path.display()
    )]
    NotModel {
        /// The file.
        path: PathBuf,
        /// What is missing.
        what: String,
    },
    /// The content is not what was written.
    #[error("{} is damaged: {what}; restore it from a copy or train it again with `distil train-cam`", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The architecture on the card cannot be built.
    #[error("{}: {source}", path.display())]
    Network {
        /// The file.
        path: PathBuf,
        /// Why.
        source: NetworkError,
    },
    /// The tensors are not the network's.
    #[error("{}: {source}", path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// Why.
        source: StateDictError,
    },
    /// The weights of another program cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// The content of the metadata key.
#[derive(Serialize, Deserialize)]
struct Stored {
    kind: String,
    card: Value,
    sha256: String,
}

impl CamModel {
    /// Writes the model, whole or not at all: one safetensors file with PyTorch's tensor names, the card in its metadata.
    ///
    /// # Errors
    /// [`ModelError::Write`] names the path and the remedy.
    ///
    /// # Panics
    /// When the state is not of the card's network.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), ModelError> {
        let tensors = self.card.network.to_state_dict(&self.state);
        let card = serde_json::to_value(&self.card).expect("a card is plain JSON");
        let sha256 = digest(&card, &tensors);
        let stored = Stored { kind: KIND.to_owned(), card, sha256 };
        let stored = serde_json::to_string(&stored).expect("a card is plain JSON");
        let bytes: Vec<(&String, &Vec<usize>, Vec<u8>)> = tensors
            .iter()
            .map(|(name, (shape, values))| {
                (name, shape, values.iter().flat_map(|value| value.to_le_bytes()).collect())
            })
            .collect();
        let views = bytes.iter().map(|(name, shape, bytes)| {
            let view = TensorView::new(Dtype::F32, (*shape).clone(), bytes).expect("four bytes a value");
            (name.as_str(), view)
        });
        let metadata = HashMap::from([(KEY.to_owned(), stored)]);
        let file = safetensors::serialize(views, Some(metadata)).expect("names and sizes are sound");
        Ok(atomic::write(path, file)?)
    }

    /// Reads a model that [`CamModel::save`] wrote, and checks its content.
    ///
    /// # Errors
    /// [`ModelError`] says whether the file is missing, something else, damaged, or of a network that cannot be.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ModelError> {
        let path = path.as_ref().to_path_buf();
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(source) => return Err(ModelError::Read { path, source }),
        };
        let (stored, tensors) = match read(&bytes) {
            Ok(found) => found,
            Err(what) => return Err(ModelError::NotModel { path, what }),
        };
        let damaged = |what: String| ModelError::Damaged { path: path.clone(), what };
        if digest(&stored.card, &tensors) != stored.sha256 {
            return Err(damaged("its content does not match its checksum".to_owned()));
        }
        let card = ModelCard::deserialize(&stored.card)
            .map_err(|error| damaged(format!("its card is not understood ({error})")))?;
        if card.class_names.len() != card.network.classes() {
            let (names, classes) = (card.class_names.len(), card.network.classes());
            return Err(damaged(format!("its card names {names} classes, its network has {classes}")));
        }
        card.network.check().map_err(|source| ModelError::Network { path: path.clone(), source })?;
        let state = card.network.from_state_dict(&tensors);
        let state = state.map_err(|source| ModelError::State { path: path.clone(), source })?;
        Ok(Self { state, card })
    }

    /// Parameters θ `[P]` and running statistics `[B]` on a device.
    pub fn tensors(&self, device: &Device) -> (Tensor<1>, Tensor<1>) {
        let network = &self.card.network;
        (network.theta(&self.state.theta, device), network.buffers(&self.state.buffers, device))
    }

    /// The classes of this model for the labels of a set with `class_names`.
    ///
    /// # Errors
    /// [`ClassMapError`] names the class that this model does not have.
    pub fn class_map(&self, rule: ClassRule, class_names: &[String]) -> Result<ClassMap, ClassMapError> {
        ClassMap::by_rule(rule, class_names, &self.card.class_names)
    }
}

fn read(bytes: &[u8]) -> Result<(Stored, StateDict), String> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
    let stored = header.metadata().as_ref().and_then(|metadata| metadata.get(KEY));
    let stored = stored.ok_or("it has no card")?;
    let stored: Stored = serde_json::from_str(stored).map_err(|error| error.to_string())?;
    if stored.kind != KIND {
        return Err(format!("its kind is {:?}, not {KIND:?}", stored.kind));
    }
    let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let mut tensors = StateDict::new();
    for (name, view) in file.iter() {
        if view.dtype() != Dtype::F32 {
            return Err(format!("its tensor `{name}` is {}, not F32", view.dtype()));
        }
        let values = view.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        tensors.insert(name.to_owned(), (view.shape().to_vec(), values));
    }
    Ok((stored, tensors))
}

/// SHA-256 over the card and every tensor's name, shape and values.
fn digest(card: &Value, tensors: &StateDict) -> String {
    let mut hash = Sha256::new();
    hash.update(json!([KIND, card]).to_string());
    for (name, (shape, values)) in tensors {
        hash.update(json!([name, shape]).to_string());
        for value in values {
            hash.update(value.to_le_bytes());
        }
    }
    hex(&hash.finalize())
}
