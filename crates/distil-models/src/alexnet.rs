use serde::{Deserialize, Serialize};

use crate::backbone::Sizes;
use crate::builder::Builder;
use crate::op::{Bias, Window};
use crate::{Arch, NetworkError, Stem};

/// The AlexNet of the dataset-distillation literature: two 5×5 and three 3×3 convolutions with ReLU, three 2×2 max
/// pools, and one linear layer on the flattened map. No normalisation.
///
/// A 1-channel network pads its first convolution by 4, so that 28×28 images are 32×32 inside. Tensors have the names
/// of the literature's code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlexNet {
    /// Input channels.
    pub channels: usize,
    /// Output classes.
    pub classes: usize,
    /// Input height in pixels.
    pub height: usize,
    /// Input width in pixels.
    pub image_width: usize,
    /// Half the channels of the first convolution (published: 64, which makes 128, 192, 256, 192 and 192 channels).
    pub base_width: usize,
    /// How the network begins.
    pub stem: Stem,
}

impl AlexNet {
    /// The published network for such images: base width 64, stride 2 in the first convolution at 64 pixels and 1 at
    /// others.
    pub fn new(channels: usize, classes: usize, height: usize, image_width: usize) -> Self {
        let stem = if (64..128).contains(&height.max(image_width)) { Stem::Tiny } else { Stem::Cifar };
        Self { channels, classes, height, image_width, base_width: 64, stem }
    }

    /// Refuses sizes that cannot work.
    ///
    /// # Errors
    /// [`NetworkError`] names what is wrong and the remedy.
    pub fn check(&self) -> Result<(), NetworkError> {
        let Self { channels, classes, height, image_width, base_width, .. } = *self;
        let sizes = Sizes { channels, classes, height, image_width, base_width };
        sizes.check(Arch::AlexNet, self.stem, || self.layers())
    }

    pub(crate) fn layers(&self) -> Builder {
        let width = self.base_width;
        let first_padding = if self.channels == 1 { 4 } else { 2 };
        let first = Window::square(5, self.stem.stride(), first_padding);
        let (middle, last) = (Window::square(5, 1, 2), Window::square(3, 1, 1));
        let halved = Window::square(2, 2, 0);
        let conv = |net: Builder, place: usize, out: usize, window: Window| {
            let name = format!("features.{place}");
            net.conv(&name, out, window, Bias::Learned).relu().cam(name)
        };
        let net = Builder::new([self.channels, self.height, self.image_width]);
        let net = conv(net, 0, 2 * width, first).max_pool(halved);
        let net = conv(net, 3, 3 * width, middle).max_pool(halved);
        let net = conv(net, 6, 4 * width, last);
        let net = conv(net, 8, 3 * width, last);
        let net = conv(net, 10, 3 * width, last).max_pool(halved);
        net.linear("fc", self.classes, Bias::Learned)
    }
}
