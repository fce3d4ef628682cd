use std::f64::consts::{FRAC_1_SQRT_2, PI};

use burn::tensor::Tensor;
use burn::tensor::activation::{log_softmax, sigmoid, softmax};
use burn::tensor::module::{conv2d, max_pool2d_with_indices};
use distil_models::{
    Arithmetic, Convolution, GroupStatistics, Moments, NORM_EPS, Plain, Window, conv_options,
    max_pool_options, per_channel,
};

/// A value and its directional derivative; `None` is a tangent of zero that nobody computes with.
#[derive(Debug, Clone)]
pub struct Dual<const D: usize> {
    /// The value.
    pub value: Tensor<D>,
    /// d value / dε along the chosen direction.
    pub tangent: Option<Tensor<D>>,
}

impl<const D: usize> Dual<D> {
    /// A number that does not move along the direction.
    pub fn constant(value: Tensor<D>) -> Self {
        Self { value, tangent: None }
    }

    /// A number that moves along the direction.
    pub fn new(value: Tensor<D>, tangent: Tensor<D>) -> Self {
        Self { value, tangent: Some(tangent) }
    }

    /// Applies a linear map to value and tangent.
    fn linear_map<const E: usize>(self, map: impl Fn(Tensor<D>) -> Tensor<E>) -> Dual<E> {
        Dual { value: map(self.value), tangent: self.tangent.map(map) }
    }
}

/// Forward-mode arithmetic: every operation carries its exact derivative along one direction.
#[derive(Debug, Clone, Copy)]
pub struct Duals;

impl Duals {
    /// With c = x − μ, s = 1/σ: y = c·(s·w) + b and, since dc = dx − mean(dx) and ds = −s³·mean(c·dx),
    /// dy = dx·(s·w) + c·(s·dw − s³·w·mean(c·dx)) + (db − mean(dx)·s·w). Everything in brackets is one
    /// number a channel, so the activations are passed over as rarely as they can be.
    fn normed(x: Dual<4>, weight: Dual<1>, bias: Dual<1>, statistics: GroupStatistics) -> Dual<4> {
        let dims = x.value.dims();
        let [n, c, h, w] = dims;
        let channel = |p: Tensor<1>| p.reshape([1, c, 1, 1]);
        let GroupStatistics { centred, inverse_std, .. } = statistics;
        let groups = inverse_std.dims()[1];
        let inverse = per_channel(inverse_std.clone(), c);
        let scale = inverse.clone() * channel(weight.value.clone());
        let moved = x.tangent.map(|dx| {
            let grouped = dx.clone().reshape([n, groups, c / groups * h * w]);
            let projection = (centred.clone() * grouped.clone()).mean_dim(2);
            let bend = per_channel(projection * inverse_std.powi_scalar(3), c).neg();
            let shift = (per_channel(grouped.mean_dim(2), c) * scale.clone()).neg();
            (dx * scale.clone(), bend * channel(weight.value), shift)
        });
        let (stretched, bend, shift) =
            moved.map_or((None, None, None), |(a, b, c)| (Some(a), Some(b), Some(c)));
        let bend = sum(bend, weight.tangent.map(|dw| inverse * channel(dw)));
        let shift = sum(shift, bias.tangent.map(channel));
        let centred = centred.reshape(dims);
        let bent = bend.map(|bend| centred.clone() * bend);
        let moved = sum(stretched, bent);
        Dual { value: centred * scale + channel(bias.value), tangent: shifted(moved, shift, dims) }
    }
}

impl Arithmetic for Duals {
    type Tensor<const D: usize> = Dual<D>;

    fn dims<const D: usize>(x: &Dual<D>) -> [usize; D] {
        x.value.dims()
    }

    fn reshape<const D: usize, const E: usize>(x: Dual<D>, shape: [usize; E]) -> Dual<E> {
        x.linear_map(|x| x.reshape(shape))
    }

    fn divide(x: Dual<1>, by: f64) -> Dual<1> {
        x.linear_map(|x| x / by)
    }

    fn add<const D: usize>(a: Dual<D>, b: Dual<D>) -> Dual<D> {
        Dual { value: a.value + b.value, tangent: sum(a.tangent, b.tangent) }
    }

    fn conv2d(x: Dual<4>, weight: Dual<4>, bias: Option<Dual<1>>, convolution: Convolution) -> Dual<4> {
        let conv = |x: Tensor<4>, weight: Tensor<4>, bias: Option<Tensor<1>>| {
            conv2d(x, weight, bias, conv_options(convolution))
        };
        let (bias, along_bias) = bias.map_or((None, None), |bias| (Some(bias.value), bias.tangent));
        let along_x = x.tangent.map(|dx| conv(dx, weight.value.clone(), None));
        let along_weight = weight.tangent.map(|dw| conv(x.value.clone(), dw, along_bias));
        Dual { value: conv(x.value, weight.value, bias), tangent: sum(along_x, along_weight) }
    }

    fn pad(x: Dual<4>, zeros: [usize; 4]) -> Dual<4> {
        x.linear_map(|x| Plain::pad(x, zeros))
    }

    fn group_norm(x: Dual<4>, weight: Dual<1>, bias: Dual<1>, groups: usize) -> Dual<4> {
        let statistics = GroupStatistics::of(x.value.clone(), groups, NORM_EPS);
        Self::normed(x, weight, bias, statistics)
    }

    /// The normalised map moves by (dx − mean(dx))·s − c·s³·mean(c·dx); then the product rule.
    fn layer_norm(x: Dual<4>, weight: Dual<1>, bias: Dual<1>) -> Dual<4> {
        let dims = x.value.dims();
        let [n, c, h, w] = dims;
        let each = |values: Tensor<1>| values.reshape([1, c, h, w]);
        let GroupStatistics { centred, inverse_std, .. } = GroupStatistics::of(x.value, 1, NORM_EPS);
        let normal = (centred.clone() * inverse_std.clone()).reshape(dims);
        let along_x = x.tangent.map(|dx| {
            let dx = dx.reshape([n, 1, c * h * w]);
            let projection = (centred.clone() * dx.clone()).mean_dim(2);
            let stretched = (dx.clone() - dx.mean_dim(2)) * inverse_std.clone();
            (stretched - centred * (projection * inverse_std.powi_scalar(3))).reshape(dims)
                * each(weight.value.clone())
        });
        let along_weight = weight.tangent.map(|dw| normal.clone() * each(dw));
        let along_bias = bias.tangent.map(|db| each(db).expand(dims));
        let tangent = sum(sum(along_x, along_weight), along_bias);
        Dual { value: normal * each(weight.value) + each(bias.value), tangent }
    }

    /// Group norm of the map with images and channels swapped, `[1, c, n·h, w]`.
    fn batch_norm(x: Dual<4>, weight: Dual<1>, bias: Dual<1>, eps: f64) -> (Dual<4>, Moments<Plain>) {
        let [n, c, h, w] = x.value.dims();
        let x = x.linear_map(|x| x.swap_dims(0, 1).reshape([1, c, n * h, w]));
        let statistics = GroupStatistics::of(x.value.clone(), c, eps);
        let whole = |of: &Tensor<3>| of.clone().inner().reshape([c]);
        let moments = Moments { mean: whole(&statistics.mean), variance: whole(&statistics.variance) };
        let out = Self::normed(x, weight, bias, statistics);
        (out.linear_map(|out| out.reshape([c, n, h, w]).swap_dims(0, 1)), moments)
    }

    /// With r = 1/√(variance + eps): y = x·(r·w) + (b − mean·r·w).
    fn frozen_norm(x: Dual<4>, weight: Dual<1>, bias: Dual<1>, given: &Moments<Plain>, eps: f64) -> Dual<4> {
        let c = x.value.dims()[1];
        let channel = |p: Tensor<1>| p.reshape([1, c, 1, 1]);
        let root = (given.variance.clone() + eps).sqrt();
        let scale = weight.linear_map(|w| w / root.clone());
        let drop = scale.clone().linear_map(|scale| given.mean.clone() * scale);
        let shift = bias.value - drop.value;
        let along_shift = sum(bias.tangent, drop.tangent.map(Tensor::neg)).map(channel);
        let along_scale = scale.tangent.map(|ds| x.value.clone() * channel(ds));
        let along_x = x.tangent.map(|dx| dx * channel(scale.value.clone()));
        let tangent = shifted(sum(along_x, along_scale), along_shift, x.value.dims());
        Dual { value: x.value * channel(scale.value) + channel(shift), tangent }
    }

    /// dm = mean(dx) and, since c = x − m has mean 0, dv = 2·mean(c·dx).
    fn moments(x: &Dual<4>) -> Moments<Self> {
        let [n, c, h, w] = x.value.dims();
        let rows = |x: Tensor<4>| x.swap_dims(0, 1).reshape([c, n * h * w]);
        let Moments { mean, variance } = Plain::moments(&x.value);
        let dx = x.tangent.clone().map(rows);
        let along_mean = dx.clone().map(|dx| dx.mean_dim(1).reshape([c]));
        let along_variance = dx.map(|dx| {
            let centred = rows(x.value.clone()) - mean.clone().reshape([c, 1]);
            (centred * dx).mean_dim(1).reshape([c]) * 2.0
        });
        Moments {
            mean: Dual { value: mean, tangent: along_mean },
            variance: Dual { value: variance, tangent: along_variance },
        }
    }

    fn relu(x: Dual<4>) -> Dual<4> {
        let tangent = x.tangent.map(|dx| dx.mask_fill(x.value.clone().lower_equal_elem(0.0), 0.0));
        Dual { value: Plain::relu(x.value), tangent }
    }

    fn relu6(x: Dual<4>) -> Dual<4> {
        let outside = x.value.clone().lower_equal_elem(0.0).bool_or(x.value.clone().greater_equal_elem(6.0));
        let tangent = x.tangent.map(|dx| dx.mask_fill(outside, 0.0));
        Dual { value: Plain::relu6(x.value), tangent }
    }

    /// The derivative is Φ(x) + x·φ(x).
    fn gelu(x: Dual<4>) -> Dual<4> {
        let tangent = x.tangent.map(|dx| {
            let below = ((x.value.clone() * FRAC_1_SQRT_2).erf() + 1.0) * 0.5;
            let density = (x.value.clone() * x.value.clone() * -0.5).exp() / (2.0 * PI).sqrt();
            dx * (below + x.value.clone() * density)
        });
        Dual { value: Plain::gelu(x.value), tangent }
    }

    fn softplus(x: Dual<4>) -> Dual<4> {
        let tangent = x.tangent.map(|dx| dx * sigmoid(x.value.clone()));
        Dual { value: Plain::softplus(x.value), tangent }
    }

    fn avg_pool(x: Dual<4>, window: Window) -> Dual<4> {
        x.linear_map(|x| Plain::avg_pool(x, window))
    }

    fn max_pool(x: Dual<4>, window: Window) -> Dual<4> {
        let [n, c, h, w] = x.value.dims();
        let (value, winners) = max_pool2d_with_indices(x.value, max_pool_options(window));
        let dims = value.dims();
        let tangent = x.tangent.map(|dx| {
            let winners = winners.reshape([n, c, dims[2] * dims[3]]);
            dx.reshape([n, c, h * w]).gather(2, winners).reshape(dims)
        });
        Dual { value, tangent }
    }

    fn global_pool(x: Dual<4>) -> Dual<4> {
        x.linear_map(Plain::global_pool)
    }

    fn linear(x: Dual<2>, weight: Dual<2>, bias: Option<Dual<1>>) -> Dual<2> {
        let (bias, along_bias) = bias.map_or((None, None), |bias| (Some(bias.value), bias.tangent));
        let along_x = x.tangent.map(|dx| dx.matmul(weight.value.clone().transpose()));
        let along_weight = weight.tangent.map(|dw| x.value.clone().matmul(dw.transpose()));
        let [n, k] = [x.value.dims()[0], weight.value.dims()[0]];
        let along_bias = along_bias.map(|db| db.unsqueeze::<2>().expand([n, k]));
        Dual {
            value: Plain::linear(x.value, weight.value, bias),
            tangent: sum(sum(along_x, along_weight), along_bias),
        }
    }

    /// The tangent is Σ (softmax(out) − p)·d out, because every row of `probabilities` sums to one.
    fn cross_entropy(out: Dual<2>, probabilities: Tensor<2>) -> Dual<1> {
        let tangent = out.tangent.map(|d_out| {
            let error = softmax(out.value.clone(), 1) - probabilities.clone();
            (error * d_out).sum()
        });
        let value = (probabilities * log_softmax(out.value, 1)).sum().neg();
        Dual { value, tangent }
    }

    fn squared_error(out: Dual<2>, targets: Tensor<2>) -> Dual<1> {
        let error = out.value - targets;
        let tangent = out.tangent.map(|d_out| (error.clone() * d_out).sum());
        Dual { value: (error.clone() * error).sum() * 0.5, tangent }
    }

    fn inner<const D: usize>(x: Dual<D>, cotangent: Tensor<D>) -> Dual<1> {
        x.linear_map(|x| (x * cotangent.clone()).sum())
    }
}

/// A map's tangent and that of its shift, one number a channel, which alone is the same everywhere.
fn shifted(moved: Option<Tensor<4>>, shift: Option<Tensor<4>>, dims: [usize; 4]) -> Option<Tensor<4>> {
    match (moved, shift) {
        (None, shift) => shift.map(|shift| shift.expand(dims)),
        (moved, shift) => sum(moved, shift),
    }
}

fn sum<const D: usize>(a: Option<Tensor<D>>, b: Option<Tensor<D>>) -> Option<Tensor<D>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a + b),
        (a, b) => a.or(b),
    }
}
