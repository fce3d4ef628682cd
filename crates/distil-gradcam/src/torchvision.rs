use std::path::Path;

use distil_models::{BackboneNorm, Network, ResNet18, StateDict, Stem};
use distil_store::read_state_dict;
use serde_json::json;

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
        network.check().map_err(|source| ModelError::Network { path: path.to_owned(), source })?;
        let state = network.from_state_dict(&tensors);
        let state = state.map_err(|source| ModelError::State { path: path.to_owned(), source })?;
        let [height, width] = side;
        let card = ModelCard {
            class_names: (0..network.classes()).map(|class| class.to_string()).collect(),
            network,
            preprocessing: json!({
                "resize": {"policy": "squash", "filter": "bilinear", "height": height, "width": width},
                "normalisation": {"kind": "mean-std", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]},
            }),
            dataset: "imagenet-1k".to_owned(),
            dataset_digest: String::new(),
            validation_accuracy: None,
            recipe: json!("torchvision"),
            seed: 0,
            distil_version: env!("CARGO_PKG_VERSION").to_owned(),
            command: String::new(),
        };
        Ok(Self { state, card })
    }

    /// A model of distil, or torchvision's `resnet18` for images of `[height, width]` where the file has no card of
    /// distil's.
    ///
    /// # Errors
    /// As [`CamModel::load`] and [`CamModel::torchvision_resnet18`].
    pub fn open(path: impl AsRef<Path>, side: [usize; 2]) -> Result<Self, ModelError> {
        let path = path.as_ref();
        match Self::load(path) {
            // What is no ResNet-18 either is best described as what was expected first.
            Err(ModelError::NotModel { path: found, what }) => Self::torchvision_resnet18(path, side)
                .map_err(|error| match error {
                    ModelError::Store(_) => ModelError::NotModel { path: found, what },
                    error => error,
                }),
            other => other,
        }
    }
}

/// The network that the weights' shapes tell of.
fn network(path: &Path, tensors: &StateDict, [height, width]: [usize; 2]) -> Result<ResNet18, ModelError> {
    let shape = |name: &str| tensors.get(name).map(|(shape, _)| shape.as_slice());
    let (Some(&[base_width, channels, 7, 7]), Some(&[classes])) = (shape("conv1.weight"), shape("fc.bias"))
    else {
        let what = "it has neither a card nor the tensors of torchvision's resnet18".to_owned();
        return Err(ModelError::NotModel { path: path.to_owned(), what });
    };
    let published = ResNet18::new(channels, classes, height, width);
    Ok(ResNet18 { stem: Stem::Imagenet, norm: BackboneNorm::Batch, base_width, ..published })
}
