use std::path::Path;

use distil_models::{Network, Norm, ResNet18, StateDict, Stem};
use distil_store::read_state_dict;

use crate::weights::Recipe;
use crate::{CamModel, ModelError};

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
        let network = Network::from(resnet18_network(path, &tensors, side)?);
        Self::of_imagenet(path, network, &tensors, TORCHVISION)
    }
}

/// Torchvision's normalisation.
pub(crate) const TORCHVISION: Recipe =
    Recipe { name: "torchvision", mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/// The network that the weights' shapes tell of.
pub(crate) fn resnet18_network(
    path: &Path,
    tensors: &StateDict,
    [height, width]: [usize; 2],
) -> Result<ResNet18, ModelError> {
    let shape = |name: &str| tensors.get(name).map(|(shape, _)| shape.as_slice());
    let (Some(&[base_width, channels, 7, 7]), Some(&[classes])) = (shape("conv1.weight"), shape("fc.bias"))
    else {
        let what =
            "it has neither a card nor the tensors of torchvision's resnet18 or EfficientNet-Lite".to_owned();
        return Err(ModelError::NotModel { path: path.to_owned(), what });
    };
    let published = ResNet18::new(channels, classes, height, width);
    Ok(ResNet18 { stem: Stem::Imagenet, norm: Norm::Batch, base_width, ..published })
}
