use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor};
use distil_models::{Architecture, Network, NetworkError, NetworkState, StateDictError};
use distil_store::{FileError, ModelCard, StoreError, TrainedModel};
use serde::Deserialize;
use thiserror::Error;

use crate::{ClassMap, ClassMapError, ClassRule};

/// A trained network, ready for use, with the card of its file.
#[derive(Debug, Clone, PartialEq)]
pub struct CamModel {
    /// The network, as its card's architecture says.
    pub network: Network,
    /// Parameters and running statistics.
    pub state: NetworkState,
    /// What one must know to use it.
    pub card: ModelCard,
}

/// Why a model cannot be read or written.
#[derive(Debug, Error)]
pub enum ModelError {
    /// The file cannot be read or written, is damaged, or is something else.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Weights without a card are of no network that is known.
    #[error(
        "{} is not a model of distil ({what}); train one with `distil train`",
        path.display()
    )]
    NotModel {
        /// The file.
        path: PathBuf,
        /// What is missing.
        what: String,
    },
    /// A map shows what speaks for a class, against others.
    #[error(
        "{} is a network of one output, which has no class to tell from another; give one with an output for each class",
        path.display()
    )]
    OneOutput {
        /// The file.
        path: PathBuf,
    },
    /// Names that are not one for each class.
    #[error(
        "{given} names were given for the {outputs} outputs of the model; give one for each, in their order"
    )]
    ClassNames {
        /// Names.
        given: usize,
        /// Outputs of the network.
        outputs: usize,
    },
    /// The card contradicts itself or the tensors.
    #[error("{} is damaged: {what}; restore it from a copy or train it again with `distil train`", path.display())]
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
}

impl ModelError {
    /// Whether the file is something else than a model of distil, as weights of other programs are.
    pub(crate) fn is_foreign(&self) -> bool {
        matches!(self, Self::Store(StoreError::File(FileError::Foreign { .. })))
    }
}

impl CamModel {
    /// Writes the model, whole or not at all, as a [`TrainedModel`].
    ///
    /// # Errors
    /// [`ModelError::Store`] names the path and the remedy.
    ///
    /// # Panics
    /// When the state is not of the network.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), ModelError> {
        Ok(self.record().save(path)?)
    }

    /// Reads a model that [`CamModel::save`] wrote, and checks its content.
    ///
    /// # Errors
    /// [`ModelError`] says whether the file is missing, something else, damaged, or of a network that cannot be.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ModelError> {
        let path = path.as_ref().to_path_buf();
        let TrainedModel { tensors, card } = TrainedModel::load(&path)?;
        let damaged = |what: String| ModelError::Damaged { path: path.clone(), what };
        let architecture = Architecture::deserialize(&card.architecture)
            .map_err(|error| damaged(format!("its architecture is not understood ({error})")))?;
        architecture.check().map_err(|source| ModelError::Network { path: path.clone(), source })?;
        let network = Network::from(architecture);
        if card.class_names.len() != network.classes() {
            let (names, classes) = (card.class_names.len(), network.classes());
            return Err(damaged(format!("its card names {names} classes, its network has {classes}")));
        }
        let state = network.from_state_dict(&tensors);
        let state = state.map_err(|source| ModelError::State { path, source })?;
        Ok(Self { network, state, card })
    }

    /// [`TrainedModel::digest`]: what the network computes, whatever it was trained for.
    ///
    /// # Panics
    /// When the state is not of the network.
    pub fn digest(&self) -> String {
        self.record().digest()
    }

    fn record(&self) -> TrainedModel {
        TrainedModel { tensors: self.network.to_state_dict(&self.state), card: self.card.clone() }
    }

    /// Parameters θ `[P]` and running statistics `[B]` on a device.
    pub fn tensors(&self, device: &Device) -> (Tensor<1>, Tensor<1>) {
        let Self { network, .. } = self;
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
