use std::path::Path;

use distil_models::{Network, Norm, ResNet18, StateDict, Stem};
use distil_store::read_weights;

use crate::weights::Recipe;
use crate::{CamModel, ModelError};

/// Sides of the images that torchvision's networks, and those with a stem for CIFAR, were trained on.
const SIDE: usize = 224;
const CIFAR_SIDE: usize = 32;

impl CamModel {
    /// Torchvision's `resnet18` from its weights, a `.pth` or `.safetensors` file, for images of `[height, width]`: 224×224
    /// as it was trained, 128×128 as EDF uses it.
    ///
    /// Classes, channels, width and stem follow from the tensors. The weights do not name their classes, so names are the
    /// indices "0" to "999"; [`crate::ClassMap::by_index`] maps a subset of ImageNet. Preprocessing is torchvision's
    /// normalisation after a resize that does not keep the aspect ratio.
    ///
    /// # Errors
    /// [`ModelError`] when the file cannot be read, or holds another network.
    pub fn torchvision_resnet18(path: impl AsRef<Path>, side: [usize; 2]) -> Result<Self, ModelError> {
        let path = path.as_ref();
        let tensors = torchvision_names(read_weights(path)?.tensors);
        let network = Network::from(resnet18_network(path, &tensors, Some(side))?);
        Self::of_imagenet(path, network, &tensors, TORCHVISION)
    }
}

/// Torchvision's normalisation.
pub(crate) const TORCHVISION: Recipe =
    Recipe { name: "torchvision", mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/// The network that the weights' shapes tell of; its images have the sides it was trained on where none are given.
pub(crate) fn resnet18_network(
    path: &Path,
    tensors: &StateDict,
    side: Option<[usize; 2]>,
) -> Result<ResNet18, ModelError> {
    let shape = |name: &str| tensors.get(name).map(|(shape, _)| shape.as_slice());
    let (Some(&[base_width, channels, window, across]), Some(&[classes])) =
        (shape("conv1.weight"), shape("fc.bias"))
    else {
        return Err(unknown(path));
    };
    // The published forms for CIFAR have a 3×3 convolution with stride 1 and no max pool after it.
    let (stem, own) = match (window, across) {
        (7, 7) => (Stem::Imagenet, SIDE),
        (3, 3) => (Stem::Cifar, CIFAR_SIDE),
        _ => return Err(unknown(path)),
    };
    let [height, width] = side.unwrap_or([own; 2]);
    let published = ResNet18::new(channels, classes, height, width);
    Ok(ResNet18 { stem, norm: Norm::Batch, base_width, ..published })
}

fn unknown(path: &Path) -> ModelError {
    let what = "it has neither a card nor the tensors of a resnet18 or EfficientNet-Lite".to_owned();
    ModelError::NotModel { path: path.to_owned(), what }
}

/// The tensors by torchvision's names, where they have those of the ResNet-18 for CIFAR that is copied most.
pub(crate) fn torchvision_names(tensors: StateDict) -> StateDict {
    if !tensors.contains_key("linear.weight") || !tensors.contains_key("conv1.weight") {
        return tensors;
    }
    let name = |name: String| match name.strip_prefix("linear.") {
        Some(rest) => format!("fc.{rest}"),
        None => name.replace(".shortcut.", ".downsample."),
    };
    tensors.into_iter().map(|(own, tensor)| (name(own), tensor)).collect()
}
