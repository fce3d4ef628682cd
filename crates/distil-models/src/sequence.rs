use serde::{Deserialize, Serialize};

use crate::backbone::Sizes;
use crate::builder::Builder;
use crate::op::{Bias, Window};
use crate::{Arch, NetworkError, Norm, Stem};

/// The ConvNet along one axis, for series `[n, c, 1, L]`: `depth` × (1×3 convolution, norm, ReLU, 1×2 average pool), then one
/// linear layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sequence {
    /// Input channels.
    pub channels: usize,
    /// Output classes.
    pub classes: usize,
    /// Rows, which do not see each other before the linear layer; 1 for series.
    pub height: usize,
    /// Length.
    pub image_width: usize,
    /// Output channels of every convolution.
    pub width: usize,
    /// Number of blocks; each halves the length.
    pub depth: usize,
    /// Normalisation.
    pub norm: Norm,
}

impl Sequence {
    /// The ConvNet's width and norm; depth 3, or less where the series is too short for it.
    pub fn new(channels: usize, classes: usize, height: usize, image_width: usize) -> Self {
        let depth = (image_width.max(1).ilog2() as usize).min(3);
        Self { channels, classes, height, image_width, width: 128, depth, norm: Norm::Instance }
    }

    /// Refuses sizes that cannot work.
    ///
    /// # Errors
    /// [`NetworkError`] names what is wrong and the remedy.
    pub fn check(&self) -> Result<(), NetworkError> {
        let Self { channels, classes, height, image_width, width: base_width, .. } = *self;
        let sizes = Sizes { channels, classes, height, image_width, base_width };
        sizes.check(Arch::Sequence, Stem::Cifar, || self.layers())
    }

    pub(crate) fn layers(&self) -> Builder {
        let kernel = Window { size: [1, 3], stride: [1, 1], padding: [0, 1] };
        let halved = Window { size: [1, 2], stride: [1, 2], padding: [0, 0] };
        let mut builder = Builder::new([self.channels, self.height, self.image_width]);
        for block in 0..self.depth {
            let name = format!("blocks.{block}");
            builder = builder
                .conv(&format!("{name}.conv"), self.width, kernel, Bias::Learned)
                .norm(&format!("{name}.norm"), self.norm)
                .relu()
                .cam(name)
                .avg_pool(halved);
        }
        builder.linear("classifier", self.classes, Bias::Learned)
    }
}
