use std::collections::BTreeMap;

use thiserror::Error;

use crate::{Layout, Network, ResNet18};

/// Tensors by name: shapes and values in row-major order.
pub type StateDict = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// A network's state on the host.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkState {
    /// Trained parameters θ `[P]`.
    pub theta: Vec<f32>,
    /// Running statistics `[B]`.
    pub buffers: Vec<f32>,
}

/// Why tensors are not the state of a network.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum StateDictError {
    /// A tensor of the network is not there.
    #[error("the weights have no tensor `{name}`; give weights of this architecture, norm and stem")]
    Missing {
        /// Its name.
        name: String,
    },
    /// A tensor that the network does not have.
    #[error("the network has no tensor `{name}`; give weights of this architecture, norm and stem")]
    Unexpected {
        /// Its name.
        name: String,
    },
    /// A tensor of another shape.
    #[error(
        "the tensor `{name}` has shape {found:?}, the network's {expected:?}; give the classes, channels and width the weights were trained with"
    )]
    Shape {
        /// Its name.
        name: String,
        /// Its shape in the weights.
        found: Vec<usize>,
        /// Its shape in the network.
        expected: Vec<usize>,
    },
    /// A tensor with more or fewer values than its shape says.
    #[error(
        "the tensor `{name}` has {values} values, its shape {shape:?} asks for others; read the file again"
    )]
    Values {
        /// Its name.
        name: String,
        /// Number of its values.
        values: usize,
        /// Its shape.
        shape: Vec<usize>,
    },
}

impl Network {
    /// The state that `tensors` hold, by the names of [`Network::layout`] and [`Network::buffers_layout`]. PyTorch's counters
    /// `num_batches_tracked` are ignored.
    ///
    /// # Errors
    /// [`StateDictError`] names the first tensor that is missing, unexpected or of another shape.
    pub fn from_state_dict(&self, tensors: &StateDict) -> Result<NetworkState, StateDictError> {
        let (params, buffers) = (self.layout(), self.buffers_layout());
        let known = |name: &str| {
            [params, buffers].iter().flat_map(|layout| layout.entries()).any(|entry| entry.name == name)
        };
        let counter = |name: &str| name.ends_with("num_batches_tracked");
        if let Some(name) = tensors.keys().find(|name| !known(name) && !counter(name)) {
            return Err(StateDictError::Unexpected { name: name.clone() });
        }
        Ok(NetworkState { theta: gather(params, tensors)?, buffers: gather(buffers, tensors)? })
    }

    /// A state as tensors by name, as PyTorch saves it but for the counters.
    ///
    /// # Panics
    /// When `state` is not of this network.
    pub fn to_state_dict(&self, state: &NetworkState) -> StateDict {
        let mut tensors = StateDict::new();
        for (layout, values) in [(self.layout(), &state.theta), (self.buffers_layout(), &state.buffers)] {
            let mut rest = values.as_slice();
            for entry in layout.entries() {
                let (tensor, after) = rest.split_at(entry.len());
                tensors.insert(entry.name.clone(), (entry.shape.clone(), tensor.to_vec()));
                rest = after;
            }
            assert!(rest.is_empty(), "the state does not fit this network");
        }
        tensors
    }
}

impl ResNet18 {
    /// The state that `tensors` hold, as torchvision's `resnet18` names them; see [`Network::from_state_dict`].
    ///
    /// # Errors
    /// [`StateDictError`] names the first tensor that is missing, unexpected or of another shape.
    pub fn from_state_dict(&self, tensors: &StateDict) -> Result<NetworkState, StateDictError> {
        Network::from(self.clone()).from_state_dict(tensors)
    }
}

/// The tensors of a layout, one after the other.
fn gather(layout: &Layout, tensors: &StateDict) -> Result<Vec<f32>, StateDictError> {
    let mut flat = Vec::with_capacity(layout.params());
    for entry in layout.entries() {
        let name = || entry.name.clone();
        let (shape, values) =
            tensors.get(&entry.name).ok_or_else(|| StateDictError::Missing { name: name() })?;
        if *shape != entry.shape {
            let (found, expected) = (shape.clone(), entry.shape.clone());
            return Err(StateDictError::Shape { name: name(), found, expected });
        }
        if values.len() != entry.len() {
            let (values, shape) = (values.len(), shape.clone());
            return Err(StateDictError::Values { name: name(), values, shape });
        }
        flat.extend_from_slice(values);
    }
    Ok(flat)
}
