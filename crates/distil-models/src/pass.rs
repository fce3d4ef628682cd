//! Running the layers of a [`Stack`] on tensors.

use burn::tensor::Tensor;
use burn::tensor::module::{batch_norm_train, conv2d, max_pool2d};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions, PadMode};

use crate::stack::{BatchStatistics, Layer, Stack, Window};
use crate::{Arithmetic, Plain};

/// Which statistics batch norms use.
enum Statistics<'a> {
    /// The running ones, as in an evaluation.
    Running(&'a [Tensor<1>]),
    /// Those of the batch, which also move the running ones held here.
    Batch(Vec<Tensor<1>>),
}

/// Parameters and statistics of one forward pass.
pub(crate) struct Pass<'a> {
    params: &'a [Tensor<1>],
    statistics: Statistics<'a>,
}

impl<'a> Pass<'a> {
    /// A pass on running statistics, which leaves them as they are.
    pub(crate) fn evaluation(params: &'a [Tensor<1>], buffers: &'a [Tensor<1>]) -> Self {
        Self { params, statistics: Statistics::Running(buffers) }
    }

    /// A pass on the batch's own statistics.
    pub(crate) fn training(params: &'a [Tensor<1>], buffers: Vec<Tensor<1>>) -> Self {
        Self { params, statistics: Statistics::Batch(buffers) }
    }

    /// The running statistics after the pass.
    pub(crate) fn into_buffers(self) -> Vec<Tensor<1>> {
        match self.statistics {
            Statistics::Running(buffers) => buffers.to_vec(),
            Statistics::Batch(buffers) => buffers,
        }
    }

    /// `x` through `layers`, one after the other.
    pub(crate) fn layers(&mut self, layers: &[Layer], x: Tensor<4>) -> Tensor<4> {
        layers.iter().fold(x, |x, layer| self.layer(layer, x))
    }

    /// Logits of the map after all layers: the last two parameters are the classifier's.
    pub(crate) fn classify(&self, x: Tensor<4>) -> Tensor<2> {
        let [n, c, h, w] = x.dims();
        let last = self.params.len() - 1;
        let bias = self.params[last].clone();
        let weight = self.params[last - 1].clone().reshape([bias.dims()[0], c * h * w]);
        Plain::linear(Plain::flatten(x.reshape([n, c, h, w]), c * h * w), weight, bias)
    }

    fn layer(&mut self, layer: &Layer, x: Tensor<4>) -> Tensor<4> {
        match layer {
            Layer::Conv { weight, shape, bias, window, groups } => {
                let weight = self.params[*weight].clone().reshape(*shape);
                let Window { stride, padding, .. } = *window;
                let options = ConvOptions::new([stride; 2], [padding; 2], [1, 1], *groups);
                conv2d(x, weight, bias.map(|bias| self.params[bias].clone()), options)
            }
            Layer::Pad([above, below, left, right]) => {
                x.pad((*left, *right, *above, *below), PadMode::Constant(0.0))
            }
            Layer::InstanceNorm { weight } => {
                let channels = x.dims()[1];
                Plain::group_norm(x, self.params[*weight].clone(), self.params[weight + 1].clone(), channels)
            }
            Layer::BatchNorm { weight, mean, statistics } => self.batch_norm(x, *weight, *mean, *statistics),
            Layer::Relu => Plain::relu(x),
            Layer::Relu6 => x.clamp(0.0, 6.0),
            Layer::MaxPool(Window { size, stride, padding }) => {
                let options = MaxPoolOptions::new([*size; 2]).with_stride([*stride; 2]);
                max_pool2d(x, options.with_padding([*padding; 2]))
            }
            Layer::GlobalPool => {
                let [n, c, h, w] = x.dims();
                x.reshape([n, c, h * w]).mean_dim(2).reshape([n, c, 1, 1])
            }
            Layer::Residual { main, shortcut } => {
                let skipped = self.layers(shortcut, x.clone());
                Plain::relu(self.layers(main, x) + skipped)
            }
            Layer::Skip(main) => self.layers(main, x.clone()) + x,
        }
    }

    fn batch_norm(&mut self, x: Tensor<4>, weight: usize, mean: usize, norm: BatchStatistics) -> Tensor<4> {
        let BatchStatistics { eps, momentum } = norm;
        let (scale, shift) = (self.params[weight].clone(), self.params[weight + 1].clone());
        match &mut self.statistics {
            Statistics::Running(buffers) => {
                // Scale and shift are merged per channel first, so the map is passed over once for both.
                let c = x.dims()[1];
                let scale = scale / (buffers[mean + 1].clone() + eps).sqrt();
                let shift = shift - buffers[mean].clone() * scale.clone();
                x * scale.reshape([1, c, 1, 1]) + shift.reshape([1, c, 1, 1])
            }
            Statistics::Batch(buffers) => {
                let [n, _, h, w] = x.dims();
                let out = batch_norm_train(x, scale, shift, eps);
                // The running variance is the unbiased one; a single value has none.
                let count = (n * h * w) as f64;
                let unbiased = if count > 1.0 { count / (count - 1.0) } else { 1.0 };
                let moved =
                    |old: &Tensor<1>, new: Tensor<1>| old.clone() * (1.0 - momentum) + new.inner() * momentum;
                buffers[mean] = moved(&buffers[mean], out.mean);
                buffers[mean + 1] = moved(&buffers[mean + 1], out.variance * unbiased);
                out.output
            }
        }
    }
}

impl Stack {
    /// Logits `[n, k]` of images `[n, c, h, w]`.
    pub(crate) fn logits(&self, pass: &mut Pass<'_>, images: Tensor<4>) -> Tensor<2> {
        let x = pass.layers(&self.layers, images);
        pass.classify(x)
    }

    /// The activation map of cut `cam`.
    pub(crate) fn activation(&self, pass: &mut Pass<'_>, images: Tensor<4>, cam: usize) -> Tensor<4> {
        pass.layers(&self.layers[..self.cams[cam].1], images)
    }

    /// Logits from the activation map of cut `cam` on.
    pub(crate) fn logits_from(&self, pass: &mut Pass<'_>, map: Tensor<4>, cam: usize) -> Tensor<2> {
        let x = pass.layers(&self.layers[self.cams[cam].1..], map);
        pass.classify(x)
    }
}
