use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Norm;
use crate::builder::Builder;
use crate::op::{Bias, Window};

/// The largest width or number of classes: products of sizes then fit a machine word.
pub(crate) const LARGEST: usize = 1 << 20;

/// Pooling at the end of each block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Pool {
    /// 2×2 average, stride 2.
    Avg,
    /// 2×2 maximum, stride 2.
    Max,
}

/// The ConvNet of the dataset-distillation literature: `depth` × (3×3 convolution, norm, ReLU, 2×2
/// pool), then one linear layer.
///
/// The first convolution of a 1-channel 28×28 network has padding 3, so that MNIST-like images are
/// 32×32 inside; see [`ConvNet::pad28`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConvNet {
    /// Input channels.
    pub channels: usize,
    /// Output classes.
    pub classes: usize,
    /// Input height in pixels.
    pub height: usize,
    /// Input width in pixels.
    pub image_width: usize,
    /// Output channels of every convolution (published: 128).
    pub width: usize,
    /// Number of blocks (published: 3 at 28–32 px, 4 at 64, 5 at 128).
    pub depth: usize,
    /// Normalisation (published: instance).
    pub norm: Norm,
    /// Pooling (published: average).
    pub pool: Pool,
    /// Whether a 1-channel network pads its first convolution by 3 instead of 1 (published: yes).
    pub pad28: bool,
}

/// Why a network cannot be built.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ConvNetError {
    /// A size is zero.
    #[error("model.{key} is 0; give at least 1")]
    Zero {
        /// The offending key.
        key: &'static str,
    },
    /// A size is absurd.
    #[error("model.{key} = {size} is too large; use at most {LARGEST}")]
    TooLarge {
        /// The offending key.
        key: &'static str,
        /// What it was set to.
        size: usize,
    },
    /// Pooling would leave no pixel.
    #[error("model.depth = {depth} halves {height}×{width} images to nothing; {}", shallower(*most))]
    TooDeep {
        /// The depth asked for.
        depth: usize,
        /// Image height.
        height: usize,
        /// Image width.
        width: usize,
        /// The largest depth that leaves a pixel.
        most: usize,
    },
    /// Four groups need a multiple of four channels.
    #[error(
        "model.width = {width} cannot be split into 4 groups; use a multiple of 4 or norm = \"instance\""
    )]
    Groups {
        /// The width asked for.
        width: usize,
    },
}

impl ConvNet {
    /// The published network for such images: width 128, instance norm, average pool, and the depth
    /// that the literature uses at this resolution.
    pub fn new(channels: usize, classes: usize, height: usize, image_width: usize) -> Self {
        let depth = match height.max(image_width) {
            0..64 => 3,
            64..128 => 4,
            _ => 5,
        };
        Self {
            channels,
            classes,
            height,
            image_width,
            width: 128,
            depth,
            norm: Norm::Instance,
            pool: Pool::Avg,
            pad28: true,
        }
    }

    /// The same network with another width.
    #[must_use]
    pub fn with_width(mut self, width: usize) -> Self {
        self.width = width;
        self
    }

    /// The same network with another depth.
    #[must_use]
    pub fn with_depth(mut self, depth: usize) -> Self {
        self.depth = depth;
        self
    }

    /// Refuses sizes that cannot work.
    ///
    /// # Errors
    /// [`ConvNetError`] names the offending key and a value that works.
    pub fn check(&self) -> Result<(), ConvNetError> {
        let sizes = [
            ("channels", self.channels),
            ("classes", self.classes),
            ("width", self.width),
            ("resolution", self.height.min(self.image_width)),
        ];
        if let Some(&(key, _)) = sizes.iter().find(|(_, size)| *size == 0) {
            return Err(ConvNetError::Zero { key });
        }
        if let Some(&(key, size)) = sizes.iter().find(|(_, size)| *size > LARGEST) {
            return Err(ConvNetError::TooLarge { key, size });
        }
        let [h, w] = self.padded_sides();
        let most = h.min(w).ilog2() as usize;
        if self.depth > most {
            return Err(ConvNetError::TooDeep {
                depth: self.depth,
                height: self.height,
                width: self.image_width,
                most,
            });
        }
        if self.norm == Norm::Group && !self.width.is_multiple_of(4) {
            return Err(ConvNetError::Groups { width: self.width });
        }
        Ok(())
    }

    pub(crate) fn layers(&self) -> Builder {
        let window = Window { size: [2, 2], stride: [2, 2], padding: [0, 0] };
        let mut builder = Builder::new([self.channels, self.height, self.image_width]);
        let mut padding = self.first_padding();
        for block in 0..self.depth {
            let name = format!("blocks.{block}");
            builder = builder
                .conv(&format!("{name}.conv"), self.width, Window::square(3, 1, padding), Bias::Learned)
                .norm(&format!("{name}.norm"), self.norm)
                .relu()
                .cam(name);
            builder = match self.pool {
                Pool::Avg => builder.avg_pool(window),
                Pool::Max => builder.max_pool(window),
            };
            padding = 1;
        }
        builder.linear("classifier", self.classes, Bias::Learned)
    }

    /// Padding of the first convolution.
    pub fn first_padding(&self) -> usize {
        if self.pad28 && self.channels == 1 { 3 } else { 1 }
    }

    /// Sides of the first feature map before pooling.
    fn padded_sides(&self) -> [usize; 2] {
        let grown = if self.depth == 0 { 0 } else { 2 * (self.first_padding() - 1) };
        [self.height + grown, self.image_width + grown]
    }
}

/// What to do about a network that is too deep.
fn shallower(most: usize) -> String {
    match most {
        0 => "use larger images (data.resolution)".to_owned(),
        most => format!("use a depth of at most {most}"),
    }
}

#[cfg(test)]
mod tests {
    use distil_random::stream;

    use super::*;
    use crate::Network;

    #[test]
    fn parameter_counts_are_the_published_ones() {
        let params = |net: ConvNet| Network::from(net).layout().params();
        assert_eq!(params(ConvNet::new(3, 10, 32, 32)), 320_010);
        assert_eq!(params(ConvNet::new(3, 100, 32, 32)), 504_420);
        assert_eq!(params(ConvNet::new(3, 200, 64, 64)), 857_160);
        assert_eq!(params(ConvNet::new(3, 10, 128, 128)), 615_690);
        assert_eq!(params(ConvNet::new(3, 200, 64, 64).with_depth(3)), 1_938_120);
        assert_eq!(Network::from(ConvNet::new(1, 10, 28, 28)).features(), 2048);
    }

    #[test]
    fn initial_weights_follow_pytorch() {
        let net = Network::from(ConvNet::new(1, 10, 28, 28).with_width(8));
        let params = net.init(&mut stream(1, "init", 0));
        assert_eq!(params.len(), net.layout().params());
        let conv = &params[..72];
        let bound = 1.0 / 3.0;
        assert!(conv.iter().all(|w| w.abs() <= bound));
        assert!(conv.iter().any(|w| w.abs() > 0.9 * bound));
        assert!(params[80..88].iter().all(|&w| w == 1.0) && params[88..96].iter().all(|&b| b == 0.0));
    }

    #[test]
    fn impossible_networks_are_refused() {
        let dot = ConvNet::new(3, 10, 1, 1).with_depth(1).check().unwrap_err().to_string();
        assert!(dot.contains("1×1 images to nothing; use larger images"), "{dot}");
        let net = ConvNet::new(3, 10, 32, 32);
        assert!(net.clone().with_depth(5).check().is_ok());
        assert!(matches!(net.clone().with_depth(6).check(), Err(ConvNetError::TooDeep { most: 5, .. })));
        assert_eq!(net.with_width(0).check(), Err(ConvNetError::Zero { key: "width" }));
    }
}
