use serde::{Deserialize, Serialize};

use crate::backbone::Sizes;
use crate::builder::Builder;
use crate::op::{Bias, Window};
use crate::{Arch, NetworkError, Norm, Stem};

/// ResNet-18: a stem, four stages of two basic blocks with 1, 2, 4 and 8 times `base_width` channels, the mean over
/// all pixels, and one linear layer.
///
/// Tensors have torchvision's names and order. With [`Stem::Imagenet`] and [`Norm::Batch`] this is torchvision's
/// `resnet18`; with [`Stem::Cifar`] and instance norm it is the `ResNet18` of the dataset-distillation literature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResNet18 {
    /// Input channels.
    pub channels: usize,
    /// Output classes.
    pub classes: usize,
    /// Input height in pixels.
    pub height: usize,
    /// Input width in pixels.
    pub image_width: usize,
    /// Channels of the first stage (published: 64).
    pub base_width: usize,
    /// Normalisation (published: instance in evaluations, batch in torchvision).
    pub norm: Norm,
    /// How the network begins.
    pub stem: Stem,
}

impl ResNet18 {
    /// The published network for such images: base width 64, instance norm, and the stem that the literature uses at
    /// this resolution.
    pub fn new(channels: usize, classes: usize, height: usize, image_width: usize) -> Self {
        let stem = match height.max(image_width) {
            0..64 => Stem::Cifar,
            64..128 => Stem::Tiny,
            _ => Stem::Imagenet,
        };
        let norm = Norm::Instance;
        Self { channels, classes, height, image_width, base_width: 64, norm, stem }
    }

    /// Refuses sizes that cannot work.
    ///
    /// # Errors
    /// [`NetworkError`] names what is wrong and the remedy.
    pub fn check(&self) -> Result<(), NetworkError> {
        let Self { channels, classes, height, image_width, base_width, .. } = *self;
        let sizes = Sizes { channels, classes, height, image_width, base_width };
        sizes.check(Arch::ResNet18, self.stem, || self.layers())
    }

    pub(crate) fn layers(&self) -> Builder {
        let mut net = Builder::new([self.channels, self.height, self.image_width]);
        let first = match self.stem {
            Stem::Cifar | Stem::Tiny => Window::square(3, self.stem.stride(), 1),
            Stem::Imagenet => Window::square(7, 2, 3),
        };
        net = net.conv("conv1", self.base_width, first, Bias::Absent).norm("bn1", self.norm).relu();
        if self.stem == Stem::Imagenet {
            net = net.max_pool(Window::square(3, 2, 1));
        }
        for stage in 0..4 {
            let (name, width) = (format!("layer{}", stage + 1), self.base_width << stage);
            let stride = if stage == 0 { 1 } else { 2 };
            net = net
                .basic_block(&format!("{name}.0"), width, stride, self.norm)
                .basic_block(&format!("{name}.1"), width, 1, self.norm)
                .cam(name);
        }
        net.global_pool().linear("fc", self.classes, Bias::Learned)
    }
}
