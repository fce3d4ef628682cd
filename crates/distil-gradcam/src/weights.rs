//! Networks of ImageNet from weights without a card.

use distil_store::Normalisation;
use distil_store::Preprocessing;
use distil_store::Resize;
use distil_store::ResizeFilter;
use distil_store::ResizePolicy;
use std::path::Path;

use distil_models::{Network, StateDict, Stem};
use distil_store::{Content, ModelCard, read_weights};
use serde_json::json;

use crate::efficientnet_lite::{LITE, lite_network};
use crate::torchvision::{TORCHVISION, resnet18_network, torchvision_names};
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
        if network.classes() == 1 {
            return Err(ModelError::OneOutput { path: path.to_owned() });
        }
        network.check().map_err(|source| ModelError::Network { path: path.to_owned(), source })?;
        let state = network.from_state_dict(tensors);
        let state = state.map_err(|source| ModelError::State { path: path.to_owned(), source })?;
        let [channels, height, width] = network.image_shape();
        let Recipe { name, .. } = recipe;
        let [mean, std] = [recipe.mean, recipe.std].map(|values| of_channels(values, channels));
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
                normalisation: Normalisation::MeanStd { mean, std },
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

    /// A model of distil, or, where the file has no card of distil's, torchvision's `resnet18`, its form for CIFAR or
    /// EfficientNet-Lite. Images have `side`, `[height, width]`, or the one that such weights were trained on.
    ///
    /// # Errors
    /// As [`CamModel::load`], [`CamModel::torchvision_resnet18`] and [`CamModel::efficientnet_lite`].
    pub fn open(path: impl AsRef<Path>, side: impl Into<Option<[usize; 2]>>) -> Result<Self, ModelError> {
        let path = path.as_ref();
        match Self::load(path) {
            Err(error) if error.is_foreign() => match Content::of(path) {
                Ok(content) if content.may_hold_weights() => Self::without_card(path, side.into()),
                _ => Err(error),
            },
            other => other,
        }
    }

    fn without_card(path: &Path, side: Option<[usize; 2]>) -> Result<Self, ModelError> {
        let weights = read_weights(path)?;
        if !weights.changes.is_empty() {
            tracing::warn!("{}: {}", path.display(), weights.changes.join(", "));
        }
        if let Some(lite) = lite_network(&weights.tensors, side) {
            return Self::of_imagenet(path, Network::from(lite), &weights.tensors, LITE);
        }
        let tensors = torchvision_names(weights.tensors);
        let network = resnet18_network(path, &tensors, side)?;
        if network.stem == Stem::Cifar {
            tracing::warn!(
                "{}: its pixels are taken to have been normalised as torchvision's, which the weights do not say",
                path.display()
            );
        }
        Self::of_imagenet(path, Network::from(network), &tensors, TORCHVISION)
    }

    /// The model with names for its classes, one for each output.
    ///
    /// # Errors
    /// [`ModelError::ClassNames`] when there are more or fewer.
    pub fn with_class_names(mut self, names: Vec<String>) -> Result<Self, ModelError> {
        let (given, outputs) = (names.len(), self.network.classes());
        if given != outputs {
            return Err(ModelError::ClassNames { given, outputs });
        }
        self.card.class_names = names;
        Ok(self)
    }
}

/// Statistics of colours for the channels of a network: their mean for all but colour.
fn of_channels(values: [f32; 3], channels: usize) -> Vec<f32> {
    if channels == values.len() { values.to_vec() } else { vec![values.iter().sum::<f32>() / 3.0; channels] }
}
