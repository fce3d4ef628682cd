use burn::tensor::Tensor;
use burn::tensor::activation::{log_softmax, relu};
use burn::tensor::module::{avg_pool2d, conv2d, max_pool2d};
use burn::tensor::ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions};

use crate::Arithmetic;

/// Added to variances before the square root, as PyTorch's norms do.
const NORM_EPS: f64 = 1e-5;

/// Ordinary tensors, tracked by autodiff or not.
#[derive(Debug, Clone, Copy)]
pub struct Plain;

/// The statistics of a group norm, from which value and tangent are made in few passes over memory.
#[derive(Debug, Clone)]
pub struct GroupStatistics {
    /// x − μ, `[n, groups, m]` with m values a group.
    pub centred: Tensor<3>,
    /// 1/σ = (variance + eps)^−½, `[n, groups, 1]`, with the biased variance.
    pub inverse_std: Tensor<3>,
}

impl GroupStatistics {
    /// Statistics of `x` `[n, c, h, w]` over `groups` groups of channels.
    pub fn of(x: Tensor<4>, groups: usize) -> Self {
        let [n, c, h, w] = x.dims();
        let x = x.reshape([n, groups, c / groups * h * w]);
        let centred = x.clone() - x.mean_dim(2);
        let variance = (centred.clone() * centred.clone()).mean_dim(2);
        Self { centred, inverse_std: (variance + NORM_EPS).sqrt().recip() }
    }
}

/// One value a group `[n, groups, 1]` as one a channel `[n, channels, 1, 1]`.
pub fn per_channel(groups: Tensor<3>, channels: usize) -> Tensor<4> {
    let [n, g, _] = groups.dims();
    groups.expand([n, g, channels / g]).reshape([n, channels, 1, 1])
}

impl Arithmetic for Plain {
    type Tensor<const D: usize> = Tensor<D>;

    fn reshape<const D: usize, const E: usize>(x: Tensor<D>, shape: [usize; E]) -> Tensor<E> {
        x.reshape(shape)
    }

    fn flatten(x: Tensor<4>, features: usize) -> Tensor<2> {
        let n = x.dims()[0];
        x.reshape([n, features])
    }

    fn conv2d(x: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>, padding: usize) -> Tensor<4> {
        conv2d(x, weight, Some(bias), ConvOptions::new([1, 1], [padding, padding], [1, 1], 1))
    }

    /// Scale and shift are merged per channel first, so the activations are passed over once for both.
    fn group_norm(x: Tensor<4>, weight: Tensor<1>, bias: Tensor<1>, groups: usize) -> Tensor<4> {
        let dims = x.dims();
        let c = dims[1];
        let GroupStatistics { centred, inverse_std } = GroupStatistics::of(x, groups);
        let scale = per_channel(inverse_std, c) * weight.reshape([1, c, 1, 1]);
        centred.reshape(dims) * scale + bias.reshape([1, c, 1, 1])
    }

    fn relu(x: Tensor<4>) -> Tensor<4> {
        relu(x)
    }

    fn avg_pool(x: Tensor<4>) -> Tensor<4> {
        avg_pool2d(x, AvgPoolOptions::new([2, 2]))
    }

    fn max_pool(x: Tensor<4>) -> Tensor<4> {
        max_pool2d(x, MaxPoolOptions::new([2, 2]))
    }

    fn linear(x: Tensor<2>, weight: Tensor<2>, bias: Tensor<1>) -> Tensor<2> {
        x.matmul(weight.transpose()) + bias.unsqueeze()
    }

    fn cross_entropy(out: Tensor<2>, probabilities: Tensor<2>) -> Tensor<1> {
        (probabilities * log_softmax(out, 1)).sum().neg()
    }
}
