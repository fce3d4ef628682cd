use std::path::Path;

use distil_models::{BackboneNorm, Network, ResNet18, StateDict, Stem};
use distil_store::read_state_dict;
use serde_json::json;

use crate::efficientnet_lite::{LITE, lite_network};
use crate::{CamModel, ModelCard, ModelError};

impl CamModel {
    /// Torchvision's `resnet18` from its weights, a `.pth` or `.safetensors` file, for images of `[height, width]`: 224×224
    /// as it was trained, 128×128 as EDF uses it.
    ///
    /// Classes, channels and width follow from the tensors. The weights do not name their classes, so names are the
    /// indices "0" to "999"; [`crate::ClassMap::by_index`] maps a subset of ImageNet. Preprocessing is torchvision's
    /// normalisation after a resize that does not keep the aspect ratio.
    ///
    /// # Errors
    /// [`ModelError`] when the file cannot be read, or holds another network.
    pub fn torchvision_resnet18(path: impl AsRef<Path>, side: [usize; 2]) -> Result<Self, ModelError> {
        let path = path.as_ref();
        let tensors = read_state_dict(path)?;
        let network = Network::ResNet18(network(path, &tensors, side)?);
        Self::of_imagenet(path, network, &tensors, TORCHVISION)
    }

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
            network,
            preprocessing: json!({
                "resize": {"policy": "squash", "filter": "bilinear", "height": height, "width": width},
                "normalisation": {"kind": "mean-std", "mean": mean, "std": std},
            }),
            dataset: "imagenet-1k".to_owned(),
            dataset_digest: String::new(),
            validation_accuracy: None,
            recipe: json!(name),
            seed: 0,
            distil_version: env!("CARGO_PKG_VERSION").to_owned(),
            command: String::new(),
        };
        Ok(Self { state, card })
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
            Err(ModelError::NotModel { path: found, what }) => {
                Self::without_card(path, side).map_err(|error| match error {
                    ModelError::Store(_) => ModelError::NotModel { path: found, what },
                    error => error,
                })
            }
            other => other,
        }
    }

    fn without_card(path: &Path, side: [usize; 2]) -> Result<Self, ModelError> {
        let tensors = read_state_dict(path)?;
        match lite_network(&tensors, side) {
            Some(lite) => Self::of_imagenet(path, Network::EfficientNetLite(lite), &tensors, LITE),
            None => {
                let network = Network::ResNet18(network(path, &tensors, side)?);
                Self::of_imagenet(path, network, &tensors, TORCHVISION)
            }
        }
    }
}

/// How images become input of a network that was trained elsewhere.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recipe {
    pub(crate) name: &'static str,
    pub(crate) mean: [f64; 3],
    pub(crate) std: [f64; 3],
}

const TORCHVISION: Recipe =
    Recipe { name: "torchvision", mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/// The network that the weights' shapes tell of.
fn network(path: &Path, tensors: &StateDict, [height, width]: [usize; 2]) -> Result<ResNet18, ModelError> {
    let shape = |name: &str| tensors.get(name).map(|(shape, _)| shape.as_slice());
    let (Some(&[base_width, channels, 7, 7]), Some(&[classes])) = (shape("conv1.weight"), shape("fc.bias"))
    else {
        let what =
            "it has neither a card nor the tensors of torchvision's resnet18 or EfficientNet-Lite".to_owned();
        return Err(ModelError::NotModel { path: path.to_owned(), what });
    };
    let published = ResNet18::new(channels, classes, height, width);
    Ok(ResNet18 { stem: Stem::Imagenet, norm: BackboneNorm::Batch, base_width, ..published })
}
