use burn::tensor::Tensor;
use burn::tensor::activation::{gelu, log_softmax, relu, softplus};
use burn::tensor::module::{avg_pool2d, batch_norm_train, conv2d, max_pool2d};
use burn::tensor::ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions, PadMode};

use crate::{Arithmetic, Convolution, Moments, Window};

/// Added to variances before the square root, as PyTorch's norms do.
pub const NORM_EPS: f64 = 1e-5;

/// Ordinary tensors, tracked by autodiff or not.
#[derive(Debug, Clone, Copy)]
pub struct Plain;

/// The statistics of a group norm, from which value and tangent are made in few passes over memory.
#[derive(Debug, Clone)]
pub struct GroupStatistics {
    /// μ, `[n, groups, 1]`.
    pub mean: Tensor<3>,
    /// x − μ, `[n, groups, m]` with m values a group.
    pub centred: Tensor<3>,
    /// 1/σ = (variance + eps)^−½, `[n, groups, 1]`, with the biased variance.
    pub inverse_std: Tensor<3>,
    /// The biased variance, `[n, groups, 1]`.
    pub variance: Tensor<3>,
}

impl GroupStatistics {
    /// Statistics of `x` `[n, c, h, w]` over `groups` groups of channels.
    pub fn of(x: Tensor<4>, groups: usize, eps: f64) -> Self {
        let [n, c, h, w] = x.dims();
        let x = x.reshape([n, groups, c / groups * h * w]);
        let mean = x.clone().mean_dim(2);
        let centred = x - mean.clone();
        let variance = (centred.clone() * centred.clone()).mean_dim(2);
        Self { mean, centred, inverse_std: (variance.clone() + eps).sqrt().recip(), variance }
    }
}

/// One value a group `[n, groups, 1]` as one a channel `[n, channels, 1, 1]`.
pub fn per_channel(groups: Tensor<3>, channels: usize) -> Tensor<4> {
    let [n, g, _] = groups.dims();
    groups.expand([n, g, channels / g]).reshape([n, channels, 1, 1])
}

/// Burn's options of a convolution.
pub fn conv_options(convolution: Convolution) -> ConvOptions<2> {
    let Convolution { stride, padding, groups } = convolution;
    ConvOptions::new(stride, padding, [1, 1], groups)
}

/// Burn's options of a max pool.
pub fn max_pool_options(window: Window) -> MaxPoolOptions<2> {
    MaxPoolOptions::new(window.size).with_stride(window.stride).with_padding(window.padding)
}

impl Arithmetic for Plain {
    type Tensor<const D: usize> = Tensor<D>;

    fn dims<const D: usize>(x: &Tensor<D>) -> [usize; D] {
        x.dims()
    }

    fn reshape<const D: usize, const E: usize>(x: Tensor<D>, shape: [usize; E]) -> Tensor<E> {
        x.reshape(shape)
    }

    fn divide(x: Tensor<1>, by: f64) -> Tensor<1> {
        x / by
    }

    fn add<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> Tensor<D> {
        a + b
    }

    fn conv2d(
        x: Tensor<4>,
        weight: Tensor<4>,
        bias: Option<Tensor<1>>,
        convolution: Convolution,
    ) -> Tensor<4> {
        conv2d(x, weight, bias, conv_options(convolution))
    }

    fn pad(x: Tensor<4>, [above, below, left, right]: [usize; 4]) -> Tensor<4> {
        x.pad((left, right, above, below), PadMode::Constant(0.0))
    }

    /// Scale and shift are merged per channel first, so the activations are passed over once for both.
    fn group_norm(x: Tensor<4>, weight: Tensor<1>, bias: Tensor<1>, groups: usize) -> Tensor<4> {
        let dims = x.dims();
        let c = dims[1];
        let GroupStatistics { centred, inverse_std, .. } = GroupStatistics::of(x, groups, NORM_EPS);
        let scale = per_channel(inverse_std, c) * weight.reshape([1, c, 1, 1]);
        centred.reshape(dims) * scale + bias.reshape([1, c, 1, 1])
    }

    fn layer_norm(x: Tensor<4>, weight: Tensor<1>, bias: Tensor<1>) -> Tensor<4> {
        let dims = x.dims();
        let [_, c, h, w] = dims;
        let GroupStatistics { centred, inverse_std, .. } = GroupStatistics::of(x, 1, NORM_EPS);
        let each = |values: Tensor<1>| values.reshape([1, c, h, w]);
        (centred * inverse_std).reshape(dims) * each(weight) + each(bias)
    }

    fn batch_norm(x: Tensor<4>, weight: Tensor<1>, bias: Tensor<1>, eps: f64) -> (Tensor<4>, Moments<Self>) {
        let out = batch_norm_train(x, weight, bias, eps);
        (out.output, Moments { mean: out.mean.inner(), variance: out.variance.inner() })
    }

    /// Scale and shift are merged per channel first, so the map is passed over once for both.
    fn frozen_norm(
        x: Tensor<4>,
        weight: Tensor<1>,
        bias: Tensor<1>,
        given: &Moments<Self>,
        eps: f64,
    ) -> Tensor<4> {
        let c = x.dims()[1];
        let scale = weight / (given.variance.clone() + eps).sqrt();
        let shift = bias - given.mean.clone() * scale.clone();
        x * scale.reshape([1, c, 1, 1]) + shift.reshape([1, c, 1, 1])
    }

    fn moments(x: &Tensor<4>) -> Moments<Self> {
        let [n, c, h, w] = x.dims();
        let x = x.clone().swap_dims(0, 1).reshape([c, n * h * w]);
        let mean = x.clone().mean_dim(1);
        let centred = x - mean.clone();
        let variance = (centred.clone() * centred).mean_dim(1);
        Moments { mean: mean.reshape([c]), variance: variance.reshape([c]) }
    }

    fn relu(x: Tensor<4>) -> Tensor<4> {
        relu(x)
    }

    fn relu6(x: Tensor<4>) -> Tensor<4> {
        x.clamp(0.0, 6.0)
    }

    fn gelu(x: Tensor<4>) -> Tensor<4> {
        gelu(x)
    }

    fn softplus(x: Tensor<4>) -> Tensor<4> {
        softplus(x, 1.0)
    }

    fn avg_pool(x: Tensor<4>, window: Window) -> Tensor<4> {
        avg_pool2d(x, AvgPoolOptions::new(window.size).with_stride(window.stride))
    }

    fn max_pool(x: Tensor<4>, window: Window) -> Tensor<4> {
        max_pool2d(x, max_pool_options(window))
    }

    fn global_pool(x: Tensor<4>) -> Tensor<4> {
        let [n, c, h, w] = x.dims();
        x.reshape([n, c, h * w]).mean_dim(2).reshape([n, c, 1, 1])
    }

    fn linear(x: Tensor<2>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<2> {
        let out = x.matmul(weight.transpose());
        match bias {
            Some(bias) => out + bias.unsqueeze(),
            None => out,
        }
    }

    fn cross_entropy(out: Tensor<2>, probabilities: Tensor<2>) -> Tensor<1> {
        (probabilities * log_softmax(out, 1)).sum().neg()
    }

    fn squared_error(out: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
        let error = out - targets;
        (error.clone() * error).sum() * 0.5
    }

    fn inner<const D: usize>(x: Tensor<D>, cotangent: Tensor<D>) -> Tensor<1> {
        (x * cotangent).sum()
    }
}
