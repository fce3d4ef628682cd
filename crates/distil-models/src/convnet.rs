use distil_random::{Stream, uniform};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Arithmetic, Entry, Layout};

/// The largest width or number of classes: products of sizes then fit a machine word.
pub(crate) const LARGEST: usize = 1 << 20;

/// Normalisation after each convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Norm {
    /// Group norm with one group a channel: the field's "instance norm".
    Instance,
    /// Group norm with four groups.
    Group,
    /// No normalisation, and no norm parameters.
    None,
}

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
/// 32×32 inside; see [`ConvNet::pad28`]. No batch statistics, so training and evaluation agree.
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

/// What a user chooses of a [`ConvNet`]; channels, classes and sides come from the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ConvNetConfig {
    /// Output channels of every convolution (published: 128).
    pub width: usize,
    /// Number of blocks; without it, what the literature uses at the data's resolution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depth: Option<usize>,
    /// Normalisation (published: instance).
    pub norm: Norm,
    /// Pooling (published: average).
    pub pool: Pool,
}

impl Default for ConvNetConfig {
    fn default() -> Self {
        Self { width: 128, depth: None, norm: Norm::Instance, pool: Pool::Avg }
    }
}

impl ConvNetConfig {
    /// With so many channels in each convolution.
    #[must_use]
    pub fn width(self, width: usize) -> Self {
        Self { width, ..self }
    }

    /// With so many blocks.
    #[must_use]
    pub fn depth(self, depth: usize) -> Self {
        Self { depth: Some(depth), ..self }
    }

    /// The network for images of this shape.
    ///
    /// # Errors
    /// [`ConvNetError`] names the key that cannot work.
    pub fn build(
        &self,
        channels: usize,
        classes: usize,
        height: usize,
        image_width: usize,
    ) -> Result<ConvNet, ConvNetError> {
        let published = ConvNet::new(channels, classes, height, image_width);
        let depth = self.depth.unwrap_or(published.depth);
        let net = ConvNet { width: self.width, depth, norm: self.norm, pool: self.pool, ..published };
        net.check()?;
        Ok(net)
    }
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
    /// [`ConvNetError`] names the offending key and a value that would do.
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

    /// Names and shapes of the parameters: per block `conv.weight` `[o,i,3,3]`, `conv.bias` `[o]`,
    /// `norm.weight` `[o]`, `norm.bias` `[o]`, then `classifier.weight` `[k,f]`, `classifier.bias` `[k]`.
    pub fn layout(&self) -> Layout {
        let mut entries = Vec::new();
        let mut add = |name: String, shape: &[usize]| entries.push(Entry { name, shape: shape.to_vec() });
        let mut channels = self.channels;
        for block in 0..self.depth {
            add(format!("blocks.{block}.conv.weight"), &[self.width, channels, 3, 3]);
            add(format!("blocks.{block}.conv.bias"), &[self.width]);
            if self.norm != Norm::None {
                add(format!("blocks.{block}.norm.weight"), &[self.width]);
                add(format!("blocks.{block}.norm.bias"), &[self.width]);
            }
            channels = self.width;
        }
        add("classifier.weight".to_owned(), &[self.classes, self.features()]);
        add("classifier.bias".to_owned(), &[self.classes]);
        Layout::new(entries)
    }

    /// Length of the flattened feature vector before the classifier.
    pub fn features(&self) -> usize {
        let [h, w] = self.padded_sides();
        let channels = if self.depth == 0 { self.channels } else { self.width };
        channels * (h >> self.depth) * (w >> self.depth)
    }

    /// Values of each block's feature map of one image, between convolution and pool.
    pub fn map_sizes(&self) -> impl Iterator<Item = usize> {
        let ([height, width], channels) = (self.padded_sides(), self.width);
        (0..self.depth).map(move |block| channels * (height >> block) * (width >> block))
    }

    /// PyTorch's default initialisation: weights and biases of convolutions and linear layers are
    /// uniform in ±1/√(fan-in), norm weights 1, norm biases 0. Length `P`.
    pub fn init(&self, rng: &mut Stream) -> Vec<f32> {
        let mut params = Vec::with_capacity(self.layout().params());
        let mut bound = 0.0;
        for entry in self.layout().entries() {
            if entry.name.ends_with("norm.weight") {
                params.extend(std::iter::repeat_n(1.0, entry.len()));
            } else if entry.name.ends_with("norm.bias") {
                params.extend(std::iter::repeat_n(0.0, entry.len()));
            } else {
                if entry.shape.len() > 1 {
                    // The bias that follows shares its weight's fan-in.
                    let fan_in: usize = entry.shape[1..].iter().product();
                    bound = 1.0 / (fan_in as f32).sqrt();
                }
                params.extend((0..entry.len()).map(|_| uniform(rng, -bound, bound)));
            }
        }
        params
    }

    /// Logits `[n, k]` of images `[n, c, h, w]`; `params` holds one 1-D tensor per layout entry.
    pub fn forward<A: Arithmetic>(&self, params: &[A::Tensor<1>], images: A::Tensor<4>) -> A::Tensor<2> {
        let features = self.embed::<A>(params, images);
        self.classify::<A>(params, features)
    }

    /// Logits `[n, k]` of flattened features `[n, f]`.
    pub(crate) fn classify<A: Arithmetic>(
        &self,
        params: &[A::Tensor<1>],
        features: A::Tensor<2>,
    ) -> A::Tensor<2> {
        let classifier = params.len() - 2;
        let weight = A::reshape(params[classifier].clone(), [self.classes, self.features()]);
        A::linear(features, weight, params[classifier + 1].clone())
    }

    /// Flattened features `[n, f]` before the classifier, in C, H, W order.
    ///
    /// # Panics
    /// When `params` has fewer tensors than the layout.
    pub fn embed<A: Arithmetic>(&self, params: &[A::Tensor<1>], images: A::Tensor<4>) -> A::Tensor<2> {
        let blocks = 0..self.depth;
        let x = blocks.fold(images, |x, block| self.pooled::<A>(self.block::<A>(params, x, block)));
        A::flatten(x, self.features())
    }

    /// Block `block` up to its ReLU, before its pool.
    pub(crate) fn block<A: Arithmetic>(
        &self,
        params: &[A::Tensor<1>],
        x: A::Tensor<4>,
        block: usize,
    ) -> A::Tensor<4> {
        let per_block = if self.norm == Norm::None { 2 } else { 4 };
        let mut params = params[block * per_block..].iter().cloned();
        let mut next = || params.next().expect("the layout has a tensor for every layer");
        let (channels, padding) =
            if block == 0 { (self.channels, self.first_padding()) } else { (self.width, 1) };
        let weight = A::reshape(next(), [self.width, channels, 3, 3]);
        let x = A::conv2d(x, weight, next(), padding);
        A::relu(match self.norm {
            Norm::Instance => A::group_norm(x, next(), next(), self.width),
            Norm::Group => A::group_norm(x, next(), next(), 4),
            Norm::None => x,
        })
    }

    /// The pool at the end of a block.
    pub(crate) fn pooled<A: Arithmetic>(&self, x: A::Tensor<4>) -> A::Tensor<4> {
        match self.pool {
            Pool::Avg => A::avg_pool(x),
            Pool::Max => A::max_pool(x),
        }
    }

    pub(crate) fn first_padding(&self) -> usize {
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

    #[test]
    fn parameter_counts_are_the_published_ones() {
        let params = |net: ConvNet| net.layout().params();
        assert_eq!(params(ConvNet::new(3, 10, 32, 32)), 320_010);
        assert_eq!(params(ConvNet::new(3, 100, 32, 32)), 504_420);
        assert_eq!(params(ConvNet::new(3, 200, 64, 64)), 857_160);
        assert_eq!(params(ConvNet::new(3, 10, 128, 128)), 615_690);
        assert_eq!(params(ConvNet::new(3, 200, 64, 64).with_depth(3)), 1_938_120);
        assert_eq!(ConvNet::new(1, 10, 28, 28).features(), 2048);
    }

    #[test]
    fn initial_weights_follow_pytorch() {
        let net = ConvNet::new(1, 10, 28, 28).with_width(8);
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
