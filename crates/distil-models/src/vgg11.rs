use serde::{Deserialize, Serialize};

use crate::backbone::Sizes;
use crate::builder::Builder;
use crate::op::{Bias, Window};
use crate::{Arch, NetworkError, Norm, Stem};

/// Channels of each stage's convolutions, in units of the base width; every stage ends with a 2×2 max pool.
const STAGES: [&[usize]; 5] = [&[1], &[2], &[4, 4], &[8, 8], &[8, 8]];

/// VGG-11 of the dataset-distillation literature: eight 3×3 convolutions with norm and ReLU in five stages, then one
/// linear layer on the flattened map.
///
/// A 1-channel network pads its first convolution by 3, so that 28×28 images are 32×32 inside. Needs 32 pixels a side
/// inside, times the stride of the stem. Tensors have the names of the literature's code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vgg11 {
    /// Input channels.
    pub channels: usize,
    /// Output classes.
    pub classes: usize,
    /// Input height in pixels.
    pub height: usize,
    /// Input width in pixels.
    pub image_width: usize,
    /// Channels of the first convolution (published: 64).
    pub base_width: usize,
    /// Normalisation (published: instance).
    pub norm: Norm,
    /// How the network begins.
    pub stem: Stem,
}

impl Vgg11 {
    /// The published network for such images: base width 64, instance norm, stride 2 in the first convolution at 64
    /// pixels and 1 at others.
    pub fn new(channels: usize, classes: usize, height: usize, image_width: usize) -> Self {
        let stem = if (64..128).contains(&height.max(image_width)) { Stem::Tiny } else { Stem::Cifar };
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
        sizes.check(Arch::Vgg11, self.stem, || self.layers())
    }

    pub(crate) fn layers(&self) -> Builder {
        let mut net = Builder::new([self.channels, self.height, self.image_width]);
        let padding = if self.channels == 1 { 3 } else { 1 };
        let mut window = Window::square(3, self.stem.stride(), padding);
        // Places in PyTorch's sequence, which counts ReLUs and pools too.
        let mut place = 0;
        for stage in STAGES {
            for factor in stage {
                let name = format!("features.{place}");
                net = net
                    .conv(&name, factor * self.base_width, window, Bias::Learned)
                    .norm(&format!("features.{}", place + 1), self.norm)
                    .relu()
                    .cam(name);
                window = Window::square(3, 1, 1);
                place += 3;
            }
            net = net.max_pool(Window::square(2, 2, 0));
            place += 1;
        }
        net.linear("classifier", self.classes, Bias::Learned)
    }
}
