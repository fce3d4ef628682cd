//! Networks of ImageNet from weights without a card.

use distil_store::Normalisation;
use distil_store::Preprocessing;
use distil_store::Resize;
use distil_store::ResizeFilter;
use distil_store::ResizePolicy;
use std::path::Path;

use distil_models::{Network, StateDict};
use distil_store::{ModelCard, StoreError, read_state_dict};
use serde_json::json;

use crate::efficientnet_lite::{LITE, lite_network};
use crate::torchvision::{TORCHVISION, resnet18_network};
use crate::{CamModel, ModelError};

/// How images become input of a network that was trained elsewhere.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recipe {
    pub(crate) name: &'static str,
    pub(crate) mean: [f32; 3],
    pub(crate) std: [f32; 3],
}

impl CamModel {
    /// A network of ImageNet from weights without a card, whose classes are numbers.
    pub(crate) fn of_imagenet(
        path: &Path,
        network: Network,
        tensors: &StateDict,
        recipe: Recipe,
    ) -> Result<Self, ModelError> {
        network.check().map_err(|source| ModelError::Network { path: path.to_owned(), source })?;
        let state = network.from_state_dict(tensors);
        let state = state.map_err(|source| ModelError::State { path: path.to_owned(), source })?;
        let [_, height, width] = network.image_shape();
        let Recipe { name, mean, std } = recipe;
        let card = ModelCard {
            class_names: (0..network.classes()).map(|class| class.to_string()).collect(),
            architecture: json!(network),
            preprocessing: Preprocessing {
                resize: Some(Resize {
                    policy: ResizePolicy::Squash,
                    filter: ResizeFilter::Bilinear,
                    height,
                    width,
                }),
                normalisation: Normalisation::MeanStd { mean: mean.to_vec(), std: std.to_vec() },
            },
            dataset: "imagenet-1k".to_owned(),
            dataset_digest: String::new(),
            validation_accuracy: None,
            recipe: json!(name),
            seed: 0,
            distil_version: env!("CARGO_PKG_VERSION").to_owned(),
            command: String::new(),
        };
        Ok(Self { network, state, card })
    }

    /// A model of distil, or, where the file has no card of distil's, torchvision's `resnet18` or EfficientNet-Lite for images of
    /// `[height, width]`.
    ///
    /// # Errors
    /// As [`CamModel::load`], [`CamModel::torchvision_resnet18`] and [`CamModel::efficientnet_lite`].
    pub fn open(path: impl AsRef<Path>, side: [usize; 2]) -> Result<Self, ModelError> {
        let path = path.as_ref();
        match Self::load(path) {
            // What is neither is best described as what was expected first.
            Err(first) if first.is_foreign() => Self::without_card(path, side).map_err(|error| match error {
                ModelError::Store(StoreError::Import { .. }) => first,
                error => error,
            }),
            other => other,
        }
    }

    fn without_card(path: &Path, side: [usize; 2]) -> Result<Self, ModelError> {
        let tensors = read_state_dict(path)?;
        if let Some(lite) = lite_network(&tensors, side) {
            return Self::of_imagenet(path, Network::from(lite), &tensors, LITE);
        }
        let network = Network::from(resnet18_network(path, &tensors, side)?);
        Self::of_imagenet(path, network, &tensors, TORCHVISION)
    }
}
